/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_write.c - commas, escapes and numbers. Whether it all fitted is for the buf to say.
 */
#include "core/json_write.h"

#include <string.h>

#include "base/check.h"
#include "base/utf8.h"

#define SECOND_NS       UINT64_C(1000000000)
#define FRACTION_DIGITS 9

struct json_writer
json_write_into(struct buf *buf)
{
    return (struct json_writer){ .buf = buf };
}

/* What precedes a key or an item. */
static void
separate(struct json_writer *writer)
{
    if (writer->comma) {
        buf_add_u8(writer->buf, ',');
    }
    writer->comma = false;
}

static void
open_bracket(struct json_writer *writer, uint8_t bracket)
{
    separate(writer);
    buf_add_u8(writer->buf, bracket);
}

static void
close_bracket(struct json_writer *writer, uint8_t bracket)
{
    buf_add_u8(writer->buf, bracket);
    writer->comma = true;
}

void
json_begin_object(struct json_writer *writer)
{
    open_bracket(writer, '{');
}

void
json_end_object(struct json_writer *writer)
{
    close_bracket(writer, '}');
}

void
json_begin_array(struct json_writer *writer)
{
    open_bracket(writer, '[');
}

void
json_end_array(struct json_writer *writer)
{
    close_bracket(writer, ']');
}

static bool
is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Bytes from `at` on that may stand in a string as they are. */
static size_t
plain_size(struct span text, size_t at)
{
    size_t end = at;
    while (end < text.size) {
        size_t size = is_plain(text.data[end]) ? 1 : 0;
        if (text.data[end] >= 0x80) {
            size = utf8_sequence_size(text, end);
        }
        if (size == 0) {
            break;
        }
        end += size;
    }
    return end - at;
}

/* One byte that may not stand as it is. */
static void
add_escape(struct buf *buf, uint8_t byte)
{
    const struct span special = SPAN("\"\\\b\f\n\r\t");
    const struct span letters = SPAN("\"\\bfnrt");
    const struct span hex = SPAN("0123456789abcdef");
    size_t index = span_find(special, byte);
    if (byte >= 0x80) {
        /* Part of no well-formed character. */
        buf_add(buf, SPAN("\xef\xbf\xbd"));
    } else if (index < special.size) {
        const uint8_t escape[] = { '\\', letters.data[index] };
        buf_add(buf, span_from(escape, sizeof(escape)));
    } else {
        const uint8_t escape[] = { '\\', 'u', '0', '0', hex.data[byte >> 4], hex.data[byte & 15] };
        buf_add(buf, span_from(escape, sizeof(escape)));
    }
}

/* With a comma before it when one is due, in quotes, `after` behind it: one reservation for all. */
static void
add_plain(struct json_writer *writer, struct span text, struct span after)
{
    size_t comma = writer->comma ? 1 : 0;
    size_t size = comma + text.size + 2 + after.size;
    uint8_t *at = buf_reserve(writer->buf, size);
    if (at == NULL) {
        return;
    }
    at[0] = ',';
    at[comma] = '"';
    if (text.size > 0) {
        memcpy(at + comma + 1, text.data, text.size);
    }
    at[comma + 1 + text.size] = '"';
    if (after.size > 0) {
        memcpy(at + comma + 2 + text.size, after.data, after.size);
    }
    buf_commit(writer->buf, size);
    writer->comma = false;
}

static void
add_string(struct json_writer *writer, struct span text, struct span after)
{
    struct buf *buf = writer->buf;
    if (plain_size(text, 0) == text.size) {
        add_plain(writer, text, after);
        return;
    }
    separate(writer);
    buf_add_u8(buf, '"');
    for (size_t at = 0; at < text.size;) {
        size_t plain = plain_size(text, at);
        buf_add(buf, span_part(text, at, plain));
        at += plain;
        if (at < text.size) {
            add_escape(buf, text.data[at]);
            at++;
        }
    }
    buf_add_u8(buf, '"');
    buf_add(buf, after);
}

void
json_write_key_span(struct json_writer *writer, struct span key)
{
    add_string(writer, key, SPAN(":"));
}

void
json_write_key(struct json_writer *writer, const char *key)
{
    add_plain(writer, span_from_text(key), SPAN(":"));
}

void
json_write_string(struct json_writer *writer, struct span text)
{
    add_string(writer, text, SPAN_NONE);
    writer->comma = true;
}

void
json_write_text(struct json_writer *writer, const char *text)
{
    json_write_string(writer, span_from_text(text));
}

void
json_write_raw(struct json_writer *writer, struct span json)
{
    CHECK(json.size > 0);
    separate(writer);
    buf_add(writer->buf, json);
    writer->comma = true;
}

void
json_write_u64(struct json_writer *writer, uint64_t value)
{
    separate(writer);
    buf_add_decimal(writer->buf, value);
    writer->comma = true;
}

/* Writes a minus where one is due and returns the absolute value, which INT64_MIN has only unsigned. */
static uint64_t
add_sign(struct buf *buf, int64_t value)
{
    if (value >= 0) {
        return (uint64_t)value;
    }
    buf_add_u8(buf, '-');
    return (uint64_t) - (value + 1) + 1;
}

void
json_write_i64(struct json_writer *writer, int64_t value)
{
    separate(writer);
    buf_add_decimal(writer->buf, add_sign(writer->buf, value));
    writer->comma = true;
}

void
json_write_bool(struct json_writer *writer, bool value)
{
    json_write_raw(writer, value ? SPAN("true") : SPAN("false"));
}

void
json_write_null(struct json_writer *writer)
{
    json_write_raw(writer, SPAN("null"));
}

void
json_write_seconds(struct json_writer *writer, int64_t ns)
{
    separate(writer);
    uint64_t total_ns = add_sign(writer->buf, ns);
    uint64_t rest_ns = total_ns % SECOND_NS;
    uint8_t digits[FRACTION_DIGITS];
    size_t count = 1;
    for (size_t i = FRACTION_DIGITS; i > 0; i--) {
        digits[i - 1] = (uint8_t)('0' + rest_ns % 10);
        rest_ns /= 10;
        if (count == 1 && digits[i - 1] != '0') {
            count = i;
        }
    }
    buf_add_decimal(writer->buf, total_ns / SECOND_NS);
    buf_add_u8(writer->buf, '.');
    buf_add(writer->buf, span_from(digits, count));
    writer->comma = true;
}
