/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printable.c - which characters may be shown, and how the others are written.
 */
#include "host/printable.h"

#include "base/utf8.h"

/* U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069: begin with e2 80 or e2 81. */
static bool
is_deceptive(const uint8_t *bytes)
{
    uint8_t last = bytes[2];
    if (bytes[0] != 0xe2) {
        return false;
    }
    return bytes[1] == 0x80 ? (last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae))
                            : (bytes[1] == 0x81 && last >= 0xa6 && last <= 0xa9);
}

/* Bytes of the character at the beginning of `text`, if it may be shown as it is; else 0. */
static size_t
plain_size(struct span text)
{
    const uint8_t *bytes = text.data;
    size_t size = utf8_sequence_size(text, 0);
    bool control =
        bytes[0] < 0x20 || bytes[0] == 0x7f || (size == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0);
    return control || (size == 3 && is_deceptive(bytes)) ? 0 : size;
}

static void
add_escaped(struct buf *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    buf_add_u8(out, '\\');
    if (byte == '\n' || byte == '\t') {
        buf_add_u8(out, byte == '\n' ? 'n' : 't');
        return;
    }
    buf_add_u8(out, 'x');
    buf_add_u8(out, (uint8_t)digits[byte >> 4]);
    buf_add_u8(out, (uint8_t)digits[byte & 15]);
}

void
printable_add(struct buf *out, struct span text, char quote)
{
    while (text.size > 0) {
        uint8_t byte = text.data[0];
        size_t size = plain_size(text);
        if (quote != 0 && (byte == (uint8_t)quote || byte == '\\')) {
            buf_add_u8(out, '\\');
        }
        if (size == 0) {
            add_escaped(out, byte);
            size = 1;
        } else {
            buf_add(out, span_part(text, 0, size));
        }
        text = span_after(text, size);
    }
}

size_t
printable_width(struct span escaped)
{
    size_t width = 0;
    for (size_t i = 0; i < escaped.size; i++) {
        width += !utf8_is_continuation(escaped.data[i]);
    }
    return width;
}

struct span
printable_cut(struct span text, size_t size_max)
{
    if (text.size <= size_max) {
        return text;
    }
    size_t size = size_max;
    while (
        size > 0 && size_max - size < UTF8_SEQUENCE_MAX && utf8_is_continuation(text.data[size])) {
        size--;
    }
    return span_part(text, 0, size);
}
