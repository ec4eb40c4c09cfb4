/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - open-addressing index from a keyed hash to things that somebody else owns.
 *
 * The caller hashes (base/hash.h) and says when a stored thing matches a key; the map stores pointers and never frees
 * what they point to. Of a hash the low 32 bits are kept: a slot is twelve bytes. Entries are in the order of their
 * hashes, so that a table which grows is gone through from its front, a few slots with each insertion and removal: the
 * new one takes its chunks and the old one gives its own back as they are passed. So no change takes long, however
 * large the table, and an index of ten thousand or more takes 14 to 20 bytes an entry, also while it grows. It shrinks
 * when three quarters are free. Removing while iterating is not allowed.
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

struct map_table {
    struct map_slot **chunks; /* NULL: no slot of it is taken, or all of it is before `begin` */
    size_t chunk_count;       /* those behind the homes take what runs over */
    uint32_t chunk_bits;      /* a chunk has 1 << chunk_bits slots */
    size_t home_count;
    size_t begin; /* slots before this one are no longer used */
};

struct map {
    struct mem *mem;
    map_same same;
    size_t count;             /* in both tables */
    struct map_table table;   /* no chunks when empty */
    struct map_table leaving; /* of the size before: what has not moved yet */
    int64_t moved_to; /* hash of the last that moved, -1: none did; UINT32_MAX: none leaves */
};

void map_init(struct map *map, struct mem *mem, map_same same);

/* Forgets the items; the caller has freed them. */
void map_destroy(struct map *map);

/* A hint that something with this hash is about to be found or added: where that is comes while something else is done. */
void map_prefetch(const struct map *map, uint64_t hash);

/* The item whose key is `key`, or NULL. `hash` is the key's. */
void *map_find(const struct map *map, uint64_t hash, const void *key);

/* Add an item. The caller knows that no item with its key is in. false: no memory, no item added or lost. */
MUST_CHECK bool map_insert(struct map *map, uint64_t hash, void *item);

/* Take the item out and return it, or NULL when it was not in. */
void *map_remove(struct map *map, uint64_t hash, const void *key);

/* Put `item` in the place of the one whose key is `key` too, and return that, or NULL when none was in. Takes no memory. */
void *map_replace(struct map *map, uint64_t hash, const void *key, void *item);

/* Iterate in slot order: start with *cursor = 0, until NULL. Each item once while nothing is inserted or removed. */
void *map_next(const struct map *map, size_t *cursor);

#endif
