/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_outbox.h - the numbered frames of a session that the far side has not acknowledged yet.
 *
 * They are kept as they were sent, so that a session can go on over another connection: what the far side has not
 * received is sent again, in its order, and nothing twice. What is kept is bounded in bytes; when there is no room
 * the oldest frames are forgotten, and the session cannot go on (link_outbox_is_whole) until the far side has
 * acknowledged those too.
 */
#ifndef BRIDGE_LINK_OUTBOX_H
#define BRIDGE_LINK_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/span.h"

struct link_outbox {
    struct mem *mem;
    size_t size_max; /* 0: frames are only counted */
    size_t size;     /* bytes of the frames that are kept */
    uint64_t sent;   /* number of the last frame; 0: none so far */
    uint64_t acked;  /* up to here the far side has them */
    uint64_t lost;   /* up to here they were forgotten before that; 0: none was */
    struct list chunks;
};

/* A frame that is kept. */
struct link_kept {
    uint64_t number;
    struct instant sent_at;
    uint8_t *data; /* until the next change of the outbox */
    size_t size;
};

void link_outbox_init(struct link_outbox *outbox, struct mem *mem, size_t size_max);
void link_outbox_destroy(struct link_outbox *outbox);

/* Forget everything; the next frame is number 1. */
void link_outbox_reset(struct link_outbox *outbox);

/* The next frame, from its parts, which are copied. */
void link_outbox_add(
    struct link_outbox *outbox, const struct span *parts, uint32_t part_count, struct instant now);

/* Everything up to `number` was received. acked <= number <= sent. */
void link_outbox_acknowledge(struct link_outbox *outbox, uint64_t number);

/* All that is not acknowledged is kept. */
bool link_outbox_is_whole(const struct link_outbox *outbox);

/* Whether a frame of this size can be kept without forgetting another one. */
bool link_outbox_has_room(const struct link_outbox *outbox, size_t size);

/* The oldest frame above `number` that is kept. false: there is none. From first to last this is linear. */
struct link_outbox_cursor {
    const struct list *chunk; /* starts as NULL */
    size_t at;
    uint64_t number;
};
bool link_outbox_next(
    const struct link_outbox *outbox, struct link_outbox_cursor *cursor, struct link_kept *kept);

/* It is sent again: its time counts from now. */
void link_outbox_touch(const struct link_kept *kept, struct instant now);

#endif
