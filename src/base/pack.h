/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - laying texts one after the other into one block, behind the struct that points to them.
 *
 * The caller has sized the block; pack_done() CHECKs that it was filled exactly.
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stdint.h>
#include <string.h>

#include "base/span.h"

struct packer {
    uint8_t *at;
    const uint8_t *end;
};

/* Fill `size` bytes from `start` on. */
static inline struct packer
pack_into(void *start, size_t size)
{
    uint8_t *at = start;
    return (struct packer){ .at = at, .end = at + size };
}

static inline struct span
pack_text(struct packer *packer, struct span text)
{
    CHECK(text.size <= (size_t)(packer->end - packer->at));
    struct span packed = span_from(packer->at, text.size);
    if (text.size > 0) {
        memcpy(packer->at, text.data, text.size);
    }
    packer->at += text.size;
    return packed;
}

/* Room for an array of structs, to be filled by the caller. Pack arrays first: nothing is aligned here. */
static inline void *
pack_room(struct packer *packer, size_t size)
{
    CHECK(size <= (size_t)(packer->end - packer->at));
    void *room = packer->at;
    packer->at += size;
    return room;
}

/* An array of spans, to be filled by the caller. Pack arrays first: nothing is aligned here. */
static inline struct span *
pack_spans(struct packer *packer, size_t count)
{
    CHECK(count * sizeof(struct span) <= (size_t)(packer->end - packer->at));
    struct span *spans = (struct span *)(void *)packer->at;
    packer->at += count * sizeof(struct span);
    return spans;
}

static inline void
pack_done(const struct packer *packer)
{
    CHECK(packer->at == packer->end);
}

#endif
