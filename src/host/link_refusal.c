/* SPDX-License-Identifier: Apache-2.0 */
/* link_refusal.c - see link_refusal.h. */
#include "host/link_refusal.h"

#include <assert.h>
#include <string.h>

#include "base/cursor.h"

#define TAG_RETRY_AFTER 1

/* The zero byte and the field: tag, size, value. */
#define RETRY_AFTER_SIZE ((size_t)1 + 1 + 4 + 8)

static_assert(RETRY_AFTER_SIZE < LINK_REFUSAL_MAX, "there is room for a text");

static size_t
put_number(uint8_t *place, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        place[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    }
    return size;
}

size_t
link_refusal_write(uint8_t place[LINK_REFUSAL_MAX], const struct link_refusal *refusal)
{
    bool has_time = refusal->retry_after_ns > 0;
    size_t room = LINK_REFUSAL_MAX - (has_time ? RETRY_AFTER_SIZE : 0);
    size_t size = refusal->text.size < room ? refusal->text.size : room;
    if (size > 0) {
        memcpy(place, refusal->text.data, size);
    }
    if (has_time) {
        size += put_number(&place[size], 0, 1);
        size += put_number(&place[size], TAG_RETRY_AFTER, 1);
        size += put_number(&place[size], sizeof(uint64_t), 4);
        size += put_number(&place[size], refusal->retry_after_ns, sizeof(uint64_t));
    }
    return size;
}

struct link_refusal
link_refusal_read(struct span payload)
{
    size_t end = span_find(payload, 0);
    struct link_refusal refusal = { .text = span_part(payload, 0, end) };
    struct cursor cursor = cursor_over(span_after(payload, end));
    if (cursor.rest.size > 0) {
        (void)cursor_u8(&cursor);
    }
    while (cursor.rest.size > 0 && !cursor.failed) {
        uint8_t tag = cursor_u8(&cursor);
        uint32_t size = cursor_u32(&cursor);
        struct cursor value = cursor_over(cursor_bytes(&cursor, size));
        if (!cursor.failed && tag == TAG_RETRY_AFTER && size == sizeof(uint64_t)) {
            refusal.retry_after_ns = cursor_u64(&value);
        }
    }
    return refusal;
}
