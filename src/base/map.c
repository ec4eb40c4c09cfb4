/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - linear probing in a table of (hash, item) slots.
 *
 * An item sits at its home slot, hash & mask, or in the unbroken run of taken slots behind it.
 */
#include "base/map.h"

#define MAP_SLOTS_MIN ((size_t)8)

void
map_init(struct map *map, struct mem *mem, map_same same)
{
    *map = (struct map){ .mem = mem, .same = same };
}

void
map_destroy(struct map *map)
{
    mem_give(map->mem, map->slots, map->slot_count * sizeof(*map->slots));
    map->slots = NULL;
    map->slot_count = 0;
    map->count = 0;
}

/* The slot that holds `key`, or slot_count when none does. */
static size_t
find_slot(const struct map *map, uint64_t hash, const void *key)
{
    if (map->slot_count == 0) {
        return 0;
    }
    size_t mask = map->slot_count - 1;
    for (size_t at = (size_t)hash & mask; map->slots[at].item != NULL; at = (at + 1) & mask) {
        if (map->slots[at].hash == hash && map->same(map->slots[at].item, key)) {
            return at;
        }
    }
    return map->slot_count;
}

void *
map_find(const struct map *map, uint64_t hash, const void *key)
{
    size_t at = find_slot(map, hash, key);
    return at < map->slot_count ? map->slots[at].item : NULL;
}

/* Put into the first free slot from home on. There is one. */
static void
place(struct map_slot *slots, size_t slot_count, struct map_slot entry)
{
    size_t mask = slot_count - 1;
    size_t at = (size_t)entry.hash & mask;
    while (slots[at].item != NULL) {
        at = (at + 1) & mask;
    }
    slots[at] = entry;
}

static bool
resize(struct map *map, size_t slot_count)
{
    CHECK(map->count < slot_count);
    struct map_slot *slots = mem_take(map->mem, slot_count * sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].item != NULL) {
            place(slots, slot_count, map->slots[i]);
        }
    }
    mem_give(map->mem, map->slots, map->slot_count * sizeof(*slots));
    map->slots = slots;
    map->slot_count = slot_count;
    return true;
}

bool
map_insert(struct map *map, uint64_t hash, void *item)
{
    CHECK(item != NULL);
    if (map->slot_count == 0 && !resize(map, MAP_SLOTS_MIN)) {
        return false;
    }
    if (map->count >= map->slot_count / 4 * 3 && !resize(map, map->slot_count * 2)) {
        return false;
    }
    place(map->slots, map->slot_count, (struct map_slot){ .hash = hash, .item = item });
    map->count++;
    CHECK(map->count <= map->slot_count / 4 * 3);
    return true;
}

/* Free the slot `hole`, and move back what would no longer be reached from its home across it. */
static void
close_hole(struct map *map, size_t hole)
{
    size_t mask = map->slot_count - 1;
    for (size_t at = (hole + 1) & mask; map->slots[at].item != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)map->slots[at].hash & mask;
        size_t from_home = (at - home) & mask;
        size_t from_hole = (at - hole) & mask;
        if (from_home >= from_hole) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct map_slot){ .item = NULL };
}

void *
map_remove(struct map *map, uint64_t hash, const void *key)
{
    size_t at = find_slot(map, hash, key);
    if (at == map->slot_count) {
        return NULL;
    }
    void *item = map->slots[at].item;
    close_hole(map, at);
    map->count--;
    /* An eighth, not three eighths: a table that hovers at one size does not rehash back and forth. */
    if (map->slot_count > MAP_SLOTS_MIN && map->count <= map->slot_count / 8) {
        bool shrunk = resize(map, map->slot_count / 2);
        (void)shrunk; /* Without memory for the smaller table the larger one still serves. */
    }
    return item;
}

void *
map_next(const struct map *map, size_t *cursor)
{
    while (*cursor < map->slot_count) {
        void *item = map->slots[(*cursor)++].item;
        if (item != NULL) {
            return item;
        }
    }
    return NULL;
}
