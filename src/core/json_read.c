/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.c - reading a scanned document: texts, numbers, members. The contracts are in json_scan.h.
 */
#include "base/utf8.h"
#include "core/json_escape.h"
#include "core/json_scan.h"

static inline bool
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

struct span
json_read_text(const struct json_doc *doc, uint32_t index, struct arena *arena)
{
    CHECK(json_kind_of(doc, index) == JSON_KIND_STRING);
    struct span raw = json_raw(doc, index);
    struct span body = span_part(raw, 1, raw.size - 2);
    if (!doc->tokens[index].escaped) {
        return body;
    }
    /* Decoding never makes text longer: the shortest escape for n bytes of UTF-8 has 2n or more. */
    uint8_t *decoded = arena_take(arena, body.size);
    if (decoded == NULL) {
        return SPAN_NONE;
    }
    size_t size = 0;
    for (size_t at = 0; at < body.size;) {
        size_t plain = span_find(span_after(body, at), '\\');
        memcpy(&decoded[size], &body.data[at], plain);
        size += plain;
        at += plain;
        if (at < body.size) {
            uint32_t character = 0;
            uint8_t bytes[UTF8_SEQUENCE_MAX];
            size_t used = json_escape_read(body, at, &character);
            size_t count = utf8_encode(character, bytes);
            CHECK(used > count);
            memcpy(&decoded[size], bytes, count);
            size += count;
            at += used;
        }
    }
    return span_from(decoded, size);
}

bool
json_text_is(const struct json_doc *doc, uint32_t index, struct span text)
{
    return json_kind_of(doc, index) == JSON_KIND_STRING &&
           json_string_is(json_raw(doc, index), doc->tokens[index].escaped, text);
}

/* A number's parts. Its value is 0.DIGITS times 10 to the power of `point`. */
struct decimal {
    struct span digits; /* with the decimal point among them */
    int64_t point;
    bool negative;
};

/* `raw` is a valid number. */
static struct decimal
split_decimal(struct span raw)
{
    struct decimal decimal = { .negative = raw.data[0] == '-' };
    size_t start = decimal.negative ? 1 : 0;
    size_t end = start;
    while (end < raw.size && (is_digit(raw.data[end]) || raw.data[end] == '.')) {
        end++;
    }
    decimal.digits = span_part(raw, start, end - start);
    int64_t exponent = 0;
    for (size_t at = end; at < raw.size; at++) {
        /* More digits than this moves every digit that a text can have out of reach anyway. */
        bool counts = is_digit(raw.data[at]) && exponent < INT64_C(1) << 40;
        exponent = counts ? exponent * 10 + (raw.data[at] - '0') : exponent;
    }
    if (end + 1 < raw.size && raw.data[end + 1] == '-') {
        exponent = -exponent;
    }
    decimal.point = (int64_t)span_find(decimal.digits, '.') + exponent;
    return decimal;
}

/*
 * The number times 10 to the power of `scale`, cut off behind the point; *exact says that nothing was cut.
 * false: it does not fit.
 */
static bool
scale_decimal(struct span raw, int64_t scale, int64_t *value, bool *exact)
{
    struct decimal decimal = split_decimal(raw);
    int64_t left = decimal.point + scale; /* digits that are still before the point */
    uint64_t limit = decimal.negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t sum = 0;
    *exact = true;
    for (size_t i = 0; i < decimal.digits.size; i++) {
        if (decimal.digits.data[i] == '.') {
            continue;
        }
        uint64_t digit = (uint64_t)(decimal.digits.data[i] - '0');
        if (left <= 0) {
            *exact = *exact && digit == 0;
            continue;
        }
        if (sum > (limit - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
        left--;
    }
    /* At most twenty turns, however large the exponent: zero stays zero, and all else soon does not fit. */
    for (; left > 0 && sum > 0; left--) {
        if (sum > limit / 10) {
            return false;
        }
        sum *= 10;
    }
    if (decimal.negative && sum > 0) {
        *value = -(int64_t)(sum - 1) - 1;
    } else {
        *value = (int64_t)sum;
    }
    return true;
}

bool
json_read_integer(const struct json_doc *doc, uint32_t index, int64_t *value)
{
    int64_t whole = 0;
    bool exact = false;
    bool fits = json_kind_of(doc, index) == JSON_KIND_NUMBER &&
                scale_decimal(json_raw(doc, index), 0, &whole, &exact) && exact;
    if (fits) {
        *value = whole;
    }
    return fits;
}

bool
json_read_nanoseconds(const struct json_doc *doc, uint32_t index, int64_t *ns)
{
    int64_t whole = 0;
    bool exact = false;
    bool fits = json_kind_of(doc, index) == JSON_KIND_NUMBER &&
                scale_decimal(json_raw(doc, index), 9, &whole, &exact);
    if (fits) {
        *ns = whole;
    }
    return fits;
}

/* Note the value behind `key` as that of the want whose key it has. false: that one has a value already. */
static bool
pick_member(const struct json_doc *doc, uint32_t key, const struct json_want *wants,
    size_t want_count, struct span *which)
{
    for (size_t i = 0; i < want_count; i++) {
        if (!json_text_is(doc, key, wants[i].key)) {
            continue;
        }
        if (*wants[i].index != 0 && which != NULL) {
            *which = wants[i].key;
        }
        bool first = *wants[i].index == 0;
        *wants[i].index = key + 1;
        return first;
    }
    return true;
}

enum json_pick_result
json_pick(const struct json_doc *doc, uint32_t object, const struct json_want *wants,
    size_t want_count, struct span *which)
{
    for (size_t i = 0; i < want_count; i++) {
        *wants[i].index = 0;
    }
    if (json_kind_of(doc, object) != JSON_KIND_OBJECT) {
        return JSON_PICK_NOT_OBJECT;
    }
    CHECK(!doc->tokens[object].opaque);
    JSON_EACH_MEMBER (doc, object, key, value) {
        if (!pick_member(doc, key, wants, want_count, which)) {
            return JSON_PICK_DUPLICATE;
        }
    }
    return JSON_PICK_OK;
}
