/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - owned bytes that grow up to a cap given at birth.
 *
 * Appending is sticky: once an append did not fit, `overflowed` is set, the content stays as it was
 * at that point and every later append is ignored. A writer appends a whole message and asks once
 * at its end. Binary integers are big-endian, as on the link.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/span.h"

struct buf {
    struct mem *mem;
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t room;     /* bytes allocated */
    size_t size_max; /* the cap */
    bool overflowed;
};

void buf_init(struct buf *buf, struct mem *mem, size_t size_max);
void buf_destroy(struct buf *buf);

/* Empty it and forget an overflow; the memory is kept. */
void buf_reset(struct buf *buf);

/* Room for `size` more bytes, to be written by the caller and made part of the content with
 * buf_commit(). NULL (and overflowed): they do not fit. */
MUST_CHECK uint8_t *buf_reserve(struct buf *buf, size_t size);
void buf_commit(struct buf *buf, size_t size);

void buf_add(struct buf *buf, struct span bytes);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_u8(struct buf *buf, uint8_t value);
void buf_add_u16(struct buf *buf, uint16_t value);
void buf_add_u32(struct buf *buf, uint32_t value);
void buf_add_u64(struct buf *buf, uint64_t value);
/* Decimal digits. */
void buf_add_decimal(struct buf *buf, uint64_t value);

/* Overwrite four bytes written before, as for a length that is known at the end. */
void buf_put_u32(struct buf *buf, size_t at, uint32_t value);

/* Drop the first `count` bytes. count <= size. */
void buf_drop(struct buf *buf, size_t count);

static inline struct span
buf_span(const struct buf *buf)
{
    return span_from(buf->data, buf->size);
}

#endif
