/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - open-addressing index from a keyed hash to things that somebody else owns.
 *
 * The caller hashes (base/hash.h) and says when a stored thing matches a key; the map stores
 * pointers and never frees what they point to. Linear probing, backward-shift removal (no
 * tombstones), load <= 3/4, shrinks when emptied. Of a hash 32 bits are kept: a slot is twelve bytes. A table that grows or shrinks moves a few entries
 * with each insertion and removal, never all at once: a million entries would take longer than the
 * loop may be held. Removing while iterating is not allowed.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* Does `item` have the key `key`? `key` is what map_find was given. */
typedef bool (*map_same)(const void *item, const void *key);

/* The hash and the bytes of a pointer, so that no four of sixteen bytes are padding. */
struct map_slot {
    uint32_t hash;
    uint8_t item[sizeof(void *)]; /* of NULL: free */
};

struct map {
    struct mem *mem;
    map_same same;
    struct map_slot *slots; /* a power of two of them, or NULL when empty */
    size_t slot_count;
    size_t count; /* in both tables */
    /* The table before it was resized, or NULL: what has not moved to `slots` yet is here, from `moved` on. */
    struct map_slot *leaving;
    size_t leaving_count;
    size_t moved;
};

void map_init(struct map *map, struct mem *mem, map_same same);

/* Forgets the items; the caller has freed them. */
void map_destroy(struct map *map);

/* The item whose key is `key`, or NULL. `hash` is the key's. */
void *map_find(const struct map *map, uint64_t hash, const void *key);

/* Add an item. The caller knows that no item with its key is in. false: no memory, nothing changed. */
MUST_CHECK bool map_insert(struct map *map, uint64_t hash, void *item);

/* Take the item out and return it, or NULL when it was not in. */
void *map_remove(struct map *map, uint64_t hash, const void *key);

/* Iterate in slot order: start with *cursor = 0, until NULL. Each item once while nothing is inserted or removed. */
void *map_next(const struct map *map, size_t *cursor);

#endif
