/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor.h - reading binary fields in order, with a sticky failure.
 *
 * A read past the end gives zero (or an empty span) and sets `failed`; a decoder reads everything
 * and asks once. Big-endian, as on the link.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct cursor {
    struct span rest;
    bool failed;
};

static inline struct cursor
cursor_over(struct span input)
{
    return (struct cursor){ .rest = input };
}

/* The next `size` bytes, borrowed from the input. */
static inline struct span
cursor_bytes(struct cursor *cursor, size_t size)
{
    if (cursor->failed || size > cursor->rest.size) {
        cursor->failed = true;
        return SPAN_NONE;
    }
    struct span bytes = span_part(cursor->rest, 0, size);
    cursor->rest = span_after(cursor->rest, size);
    return bytes;
}

static inline uint64_t
cursor_number(struct cursor *cursor, size_t size)
{
    struct span bytes = cursor_bytes(cursor, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        value = value << 8 | bytes.data[i];
    }
    return value;
}

static inline uint8_t
cursor_u8(struct cursor *cursor)
{
    return (uint8_t)cursor_number(cursor, 1);
}

static inline uint16_t
cursor_u16(struct cursor *cursor)
{
    return (uint16_t)cursor_number(cursor, 2);
}

static inline uint32_t
cursor_u32(struct cursor *cursor)
{
    return (uint32_t)cursor_number(cursor, 4);
}

static inline uint64_t
cursor_u64(struct cursor *cursor)
{
    return cursor_number(cursor, 8);
}

#endif
