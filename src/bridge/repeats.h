/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repeats.h - calls that may come again: by another bridge of the caller's federation, or over another link, after the
 * one they came by broke. Each has an id that is the same each time (link_call.id).
 *
 * A call that is under way is not executed a second time: whoever asked last gets its answer. One that was answered is
 * answered the same again, for REPEATS_KEEP_NS. Bounded in number and bytes; what is forgotten is executed again if
 * it comes again, as its function allows.
 */
#ifndef BRIDGE_REPEATS_H
#define BRIDGE_REPEATS_H

#include "base/hash.h"
#include "base/instant.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "bridge/link_codec.h"

/* Whoever sends a call again does so within its deadline. */
#define REPEATS_KEEP_NS   (60 * SEC_NS)
#define REPEATS_COUNT_MAX 65536u
#define REPEATS_SIZE_MAX  ((size_t)32 * 1024 * 1024)

/* One call. Open for reading. */
struct repeat {
    uint8_t id[LINK_CALL_ID_SIZE];
    uint64_t ticket; /* of forward.h's far call that executes it; 0: it was answered, with: */
    struct link_reply reply; /* its texts are of the repeat's own; call_id means nothing */
    struct instant forget_at;
    struct list in_order;
    size_t text_size;
};

struct repeats {
    struct mem *mem;
    struct hash_key hash_key;
    struct map by_id;
    struct list answered; /* the oldest first */
    size_t size;          /* bytes of answers */
    uint64_t recognised;  /* calls that came again */
};

void repeats_init(struct repeats *repeats, struct mem *mem, struct hash_key hash_key);
void repeats_destroy(struct repeats *repeats);

/* NULL: it did not come before, as far as is known. */
struct repeat *repeats_find(const struct repeats *repeats, struct span id);

/* It is executed as the far call of this ticket. NULL: no room; it is not recognised when it comes again. */
struct repeat *repeats_begin(struct repeats *repeats, struct span id, uint64_t ticket);

/* This is the answer. The repeat may be forgotten at once. */
void repeats_answered(struct repeats *repeats, struct repeat *repeat,
    const struct link_reply *reply, struct instant now);

/* It was not executed, or nobody knows. */
void repeats_forget(struct repeats *repeats, struct repeat *repeat);

/* Forget what has been kept for long enough. */
void repeats_expire(struct repeats *repeats, struct instant now);

#endif
