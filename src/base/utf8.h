/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629).
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define UTF8_SEQUENCE_MAX 4

static inline bool
utf8_is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the well-formed character that starts at text.data[at], 1 to 4, or 0: there is none. at < size. */
static inline size_t
utf8_sequence_size(struct span text, size_t at)
{
    const uint8_t *data = text.data;
    uint8_t lead = data[at];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size > text.size - at) {
        return 0;
    }
    /* Only four lead bytes narrow their second byte (RFC 3629 section 4). */
    uint8_t second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (data[at + 1] < second_min || data[at + 1] > second_max) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if (!utf8_is_continuation(data[at + i])) {
            return 0;
        }
    }
    return size;
}

/* Write the character as UTF-8; returns its bytes, 1 to 4. A surrogate is not a character. */
static inline size_t
utf8_encode(uint32_t character, uint8_t bytes[UTF8_SEQUENCE_MAX])
{
    CHECK(character <= 0x10ffff);
    CHECK(character < 0xd800 || character > 0xdfff);
    size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    if (size == 1) {
        bytes[0] = (uint8_t)character;
        return size;
    }
    for (size_t i = size - 1; i > 0; i--) {
        bytes[i] = (uint8_t)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    bytes[0] = (uint8_t)((size == 2 ? 0xc0u : size == 3 ? 0xe0u : 0xf0u) | character);
    return size;
}

#endif
