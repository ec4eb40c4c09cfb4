/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - linear probing in a table of (hash, item) slots.
 *
 * An item sits at its home slot, hash & mask, or in the unbroken run of taken slots behind it. Both tables keep
 * that at all times: an entry leaves the old one as if it were removed from it.
 */
#include "base/map.h"

#include <string.h>

#define MAP_SLOTS_MIN ((size_t)8)

/* More slots than the hashes that they keep tell apart would only make longer runs; nothing here comes near. */
#define MAP_SLOTS_MAX ((size_t)UINT32_MAX / 2)

/*
 * What each insertion and removal does for the old table: few entries, since each lands on another page of the new
 * one, but not so few that both tables are there for long. A table of n slots grows at 3n/4 entries, has moved 3n/16
 * insertions later, and is full again after 3n/4 of them; it shrinks at n/8 entries to n/2 slots, and may grow again
 * n/4 insertions later: by then the old one is empty.
 */
#define MOVED_PER_CHANGE   4u
#define CLEARED_PER_CHANGE 16u

void
map_init(struct map *map, struct mem *mem, map_same same)
{
    *map = (struct map){ .mem = mem, .same = same };
}

static void *
item_of(const struct map_slot *slot)
{
    void *item;
    memcpy(&item, slot->item, sizeof(item));
    return item;
}

static struct map_slot
slot_of(uint64_t hash, void *item)
{
    struct map_slot slot = { .hash = (uint32_t)hash };
    memcpy(slot.item, &item, sizeof(item));
    return slot;
}

static void
give_leaving(struct map *map)
{
    mem_give(map->mem, map->leaving, map->leaving_count * sizeof(*map->leaving));
    map->leaving = NULL;
    map->leaving_count = 0;
    map->moved = 0;
}

void
map_destroy(struct map *map)
{
    give_leaving(map);
    mem_give(map->mem, map->slots, map->slot_count * sizeof(*map->slots));
    map->slots = NULL;
    map->slot_count = 0;
    map->count = 0;
}

/* The slot of a table that holds `key`, or slot_count when none does. */
static size_t
find_slot(const struct map *map, const struct map_slot *slots, size_t slot_count, uint64_t hash,
    const void *key)
{
    if (slot_count == 0) {
        return 0;
    }
    size_t mask = slot_count - 1;
    uint32_t kept = (uint32_t)hash;
    void *item;
    for (size_t at = kept & mask; (item = item_of(&slots[at])) != NULL; at = (at + 1) & mask) {
        if (slots[at].hash == kept && map->same(item, key)) {
            return at;
        }
    }
    return slot_count;
}

void *
map_find(const struct map *map, uint64_t hash, const void *key)
{
    size_t at = find_slot(map, map->slots, map->slot_count, hash, key);
    if (at < map->slot_count) {
        return item_of(&map->slots[at]);
    }
    at = find_slot(map, map->leaving, map->leaving_count, hash, key);
    return at < map->leaving_count ? item_of(&map->leaving[at]) : NULL;
}

/* Put into the first free slot from home on. There is one. */
static void
place(struct map_slot *slots, size_t slot_count, struct map_slot entry)
{
    size_t mask = slot_count - 1;
    size_t at = entry.hash & mask;
    while (item_of(&slots[at]) != NULL) {
        at = (at + 1) & mask;
    }
    slots[at] = entry;
}

/* Free the slot `hole`, and move back what would no longer be reached from its home across it. */
static void
close_hole(struct map_slot *slots, size_t slot_count, size_t hole)
{
    size_t mask = slot_count - 1;
    for (size_t at = (hole + 1) & mask; item_of(&slots[at]) != NULL; at = (at + 1) & mask) {
        size_t home = slots[at].hash & mask;
        size_t from_home = (at - home) & mask;
        size_t from_hole = (at - hole) & mask;
        if (from_home >= from_hole) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole] = slot_of(0, NULL);
}

/* Closing a hole may fill the slot again. */
static void
move_some(struct map *map)
{
    size_t end = map->moved + CLEARED_PER_CHANGE;
    for (uint32_t moves = 0; map->moved < map->leaving_count && map->moved < end;) {
        struct map_slot entry = map->leaving[map->moved];
        if (item_of(&entry) == NULL) {
            map->moved++;
            continue;
        }
        if (moves == MOVED_PER_CHANGE) {
            break;
        }
        place(map->slots, map->slot_count, entry);
        close_hole(map->leaving, map->leaving_count, map->moved);
        moves++;
    }
    if (map->leaving != NULL && map->moved == map->leaving_count) {
        give_leaving(map);
    }
}

/* Go on in a table of another size. false: no memory, nothing changed. */
static bool
resize(struct map *map, size_t slot_count)
{
    CHECK(map->leaving == NULL && map->count < slot_count);
    bool fits = slot_count <= MAP_SLOTS_MAX;
    struct map_slot *slots = fits ? mem_take(map->mem, slot_count * sizeof(*slots)) : NULL;
    if (slots == NULL) {
        return false;
    }
    map->leaving = map->slots;
    map->leaving_count = map->slot_count;
    map->moved = 0;
    map->slots = slots;
    map->slot_count = slot_count;
    return true;
}

bool
map_insert(struct map *map, uint64_t hash, void *item)
{
    CHECK(item != NULL);
    move_some(map);
    if (map->slot_count == 0 && !resize(map, MAP_SLOTS_MIN)) {
        return false;
    }
    if (map->count >= map->slot_count / 4 * 3 && !resize(map, map->slot_count * 2)) {
        return false;
    }
    place(map->slots, map->slot_count, slot_of(hash, item));
    map->count++;
    CHECK(map->count <= map->slot_count / 4 * 3);
    return true;
}

/* A smaller table when most slots are free, none when all are. */
static void
shrink(struct map *map)
{
    bool small = map->slot_count <= MAP_SLOTS_MIN;
    if (map->count == 0 && !(small && map->leaving == NULL)) {
        map_destroy(map);
        return;
    }
    /* An eighth, not three eighths: a table that hovers at one size does not move back and forth. */
    if (!small && map->leaving == NULL && map->count <= map->slot_count / 8) {
        bool shrunk = resize(map, map->slot_count / 2);
        (void)shrunk; /* Without memory for the smaller table the larger one still serves. */
    }
}

void *
map_remove(struct map *map, uint64_t hash, const void *key)
{
    void *item = NULL;
    size_t at = find_slot(map, map->slots, map->slot_count, hash, key);
    if (at < map->slot_count) {
        item = item_of(&map->slots[at]);
        close_hole(map->slots, map->slot_count, at);
    } else if ((at = find_slot(map, map->leaving, map->leaving_count, hash, key)) <
               map->leaving_count) {
        item = item_of(&map->leaving[at]);
        close_hole(map->leaving, map->leaving_count, at);
    } else {
        return NULL;
    }
    map->count--;
    move_some(map);
    shrink(map);
    return item;
}

void *
map_next(const struct map *map, size_t *cursor)
{
    while (*cursor < map->slot_count + map->leaving_count) {
        size_t at = (*cursor)++;
        void *item =
            item_of(at < map->slot_count ? &map->slots[at] : &map->leaving[at - map->slot_count]);
        if (item != NULL) {
            return item;
        }
    }
    return NULL;
}
