/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.c - owned bytes that grow by doubling. Everything is appended through buf_reserve().
 */
#include "base/buf.h"

/* Small enough for an idle connection, large enough for most control messages' first growth. */
#define BUF_ROOM_MIN ((size_t)64)

/* 18446744073709551615 */
#define DECIMAL_DIGITS_MAX 20

void
buf_init(struct buf *buf, struct mem *mem, size_t size_max)
{
    *buf = (struct buf){ .mem = mem, .size_max = size_max };
}

void
buf_destroy(struct buf *buf)
{
    mem_give(buf->mem, buf->data, buf->room);
    buf->data = NULL;
    buf->size = 0;
    buf->room = 0;
    buf->overflowed = false;
}

void
buf_reset(struct buf *buf)
{
    buf->size = 0;
    buf->overflowed = false;
}

static bool
grow(struct buf *buf, size_t need)
{
    size_t least = buf->size_max < BUF_ROOM_MIN ? buf->size_max : BUF_ROOM_MIN;
    need = need > least ? need : least;
    /* Reserving nothing in a buf that may hold nothing still needs an address. */
    need = need > 0 ? need : 1;
    size_t room = mem_size_for(buf->mem, buf->room, need, buf->size_max);
    uint8_t *data = mem_resize(buf->mem, buf->data, buf->room, room);
    if (data == NULL) {
        return false;
    }
    buf->data = data;
    buf->room = room;
    return true;
}

uint8_t *
buf_reserve(struct buf *buf, size_t size)
{
    CHECK(buf->size <= buf->size_max);
    if (buf->overflowed) {
        return NULL;
    }
    if (size > buf->size_max - buf->size) {
        buf->overflowed = true;
        return NULL;
    }
    bool fits = buf->data != NULL && size <= buf->room - buf->size;
    if (!fits && !grow(buf, buf->size + size)) {
        buf->overflowed = true;
        return NULL;
    }
    return &buf->data[buf->size];
}

void
buf_commit(struct buf *buf, size_t size)
{
    CHECK(size <= buf->room - buf->size);
    CHECK(size <= buf->size_max - buf->size);
    buf->size += size;
}

void
buf_add(struct buf *buf, struct span bytes)
{
    if (bytes.size == 0) {
        return;
    }
    uint8_t *place = buf_reserve(buf, bytes.size);
    if (place == NULL) {
        return;
    }
    memcpy(place, bytes.data, bytes.size);
    buf->size += bytes.size;
}

void
buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, span_from_text(text));
}

static void
store_big_endian(uint8_t *place, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        place[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    }
}

static void
add_big_endian(struct buf *buf, uint64_t value, size_t size)
{
    uint8_t *place = buf_reserve(buf, size);
    if (place == NULL) {
        return;
    }
    store_big_endian(place, value, size);
    buf->size += size;
}

void
buf_add_u8(struct buf *buf, uint8_t value)
{
    add_big_endian(buf, value, 1);
}

void
buf_add_u16(struct buf *buf, uint16_t value)
{
    add_big_endian(buf, value, 2);
}

void
buf_add_u32(struct buf *buf, uint32_t value)
{
    add_big_endian(buf, value, 4);
}

void
buf_add_u64(struct buf *buf, uint64_t value)
{
    add_big_endian(buf, value, 8);
}

void
buf_add_decimal(struct buf *buf, uint64_t value)
{
    uint8_t digits[DECIMAL_DIGITS_MAX];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_add(buf, span_from(&digits[at], sizeof(digits) - at));
}

void
buf_put_u32(struct buf *buf, size_t at, uint32_t value)
{
    if (buf->overflowed) {
        /* The four bytes may be among those that did not fit. */
        return;
    }
    CHECK(at <= buf->size);
    CHECK(buf->size - at >= 4);
    store_big_endian(&buf->data[at], value, 4);
}

void
buf_drop(struct buf *buf, size_t count)
{
    CHECK(count <= buf->size);
    if (count == 0) {
        return;
    }
    buf->size -= count;
    memmove(buf->data, &buf->data[count], buf->size);
}
