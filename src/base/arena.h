/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - scratch that dies all at once: one per engine, reset when an event is done; or one per
 * configuration, destroyed when the next one replaces it.
 *
 * Blocks grow by need; reset keeps the first block up to ARENA_KEEP_MAX, so a quiet engine gives
 * memory back after a large message. What arena_take returns never moves.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/span.h"

#define ARENA_BLOCK_SIZE ((size_t)16 * 1024)
#define ARENA_KEEP_MAX   ((size_t)1024 * 1024)

struct arena_block;

struct arena {
    struct mem *mem;
    struct arena_block *block; /* the newest; older ones hang behind it */
};

void arena_init(struct arena *arena, struct mem *mem);
void arena_destroy(struct arena *arena);

/* Everything handed out so far dies. */
void arena_reset(struct arena *arena);

/* Zeroed bytes, aligned for any type, until reset. NULL: no memory. size 0 gives a valid pointer. */
MUST_CHECK void *arena_take(struct arena *arena, size_t size);

/* Bytes taken so far, with what aligns them: the same pieces fit into as many. */
size_t arena_used(const struct arena *arena);

/* One block for the next `size` bytes of pieces, as arena_used counts them. false: no memory. */
MUST_CHECK bool arena_reserve(struct arena *arena, size_t size);

/* A copy of `text` that lives as long as the arena. .data NULL: no memory (an empty text is never NULL). */
MUST_CHECK struct span arena_copy(struct arena *arena, struct span text);

#endif
