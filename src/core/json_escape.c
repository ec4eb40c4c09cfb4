/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_escape.c - backslash escapes, read in one place for the scanner and for the readers.
 */
#include "core/json_escape.h"

#include "base/utf8.h"

/* The value of a hexadecimal digit, or 16. */
static inline uint32_t
hex_value(uint8_t byte)
{
    uint8_t lower = byte | 0x20;
    if (byte >= '0' && byte <= '9') {
        return (uint32_t)(byte - '0');
    }
    return lower >= 'a' && lower <= 'f' ? (uint32_t)(lower - 'a') + 10 : 16;
}

/* Read \uXXXX at `at`. false: it is not that. */
static bool
read_unit(struct span text, size_t at, uint32_t *unit)
{
    if (text.size - at < 6 || text.data[at] != '\\' || text.data[at + 1] != 'u') {
        return false;
    }
    *unit = 0;
    for (size_t i = 2; i < 6; i++) {
        uint32_t value = hex_value(text.data[at + i]);
        if (value > 15) {
            return false;
        }
        *unit = *unit << 4 | value;
    }
    return true;
}

size_t
json_escape_read(struct span text, size_t at, uint32_t *character)
{
    const struct span names = SPAN("\"\\/bfnrt");
    const struct span meanings = SPAN("\"\\/\b\f\n\r\t");
    if (text.size - at < 2) {
        return 0;
    }
    if (text.data[at + 1] != 'u') {
        size_t index = span_find(names, text.data[at + 1]);
        *character = index < names.size ? meanings.data[index] : 0;
        return index < names.size ? 2 : 0;
    }
    uint32_t high = 0;
    uint32_t low = 0;
    if (!read_unit(text, at, &high)) {
        return 0;
    }
    if (high < 0xd800 || high > 0xdfff) {
        *character = high;
        return 6;
    }
    bool paired = high < 0xdc00 && read_unit(text, at + 6, &low) && low >= 0xdc00 && low <= 0xdfff;
    if (!paired) {
        return 0;
    }
    *character = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
    return 12;
}

bool
json_string_is(struct span raw, bool escaped, struct span text)
{
    struct span body = span_part(raw, 1, raw.size - 2);
    if (!escaped) {
        return span_equal(body, text);
    }
    size_t matched = 0;
    for (size_t at = 0; at < body.size;) {
        uint8_t bytes[UTF8_SEQUENCE_MAX] = { body.data[at] };
        size_t count = 1;
        size_t used = 1;
        if (bytes[0] == '\\') {
            uint32_t character = 0;
            used = json_escape_read(body, at, &character);
            count = utf8_encode(character, bytes);
        }
        CHECK(used > 0);
        if (count > text.size - matched || memcmp(bytes, &text.data[matched], count) != 0) {
            return false;
        }
        matched += count;
        at += used;
    }
    return matched == text.size;
}
