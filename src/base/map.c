/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - linear probing in a table of (hash, item) slots, in the order of their hashes.
 *
 * The home of an entry is where its hash would be if hashes were spread evenly over the homes: a smaller hash never has
 * a later home. An entry sits at its home or in the unbroken run of taken slots behind it, and no entry behind it has a
 * smaller hash. So a search ends at the first hash that is larger, and a table can move to another size front first:
 * what hashes less than the last that moved is in the new table, what hashes more is still in the old one, and only
 * what hashes the same may be in either. Why so: docs/adr/0026.
 */
#include "base/map.h"

#include <string.h>

#include "base/prefetch.h"

#define HOMES_MIN       ((size_t)8)
#define CHUNK_BITS_MAX  10u
#define CHUNK_SLOTS_MAX ((size_t)1 << CHUNK_BITS_MAX)

/* More homes than hashes tell apart would only make longer runs; nothing here comes near. */
#define HOMES_MAX ((size_t)UINT32_MAX / 2)

/*
 * What each insertion and removal does for the table that is leaving. It has n slots and is gone after n/32 changes:
 * until then what has not moved gets fuller by one slot of 32 at most, and the new table, a quarter larger, is not full.
 */
#define MOVED_PER_CHANGE 32u

#define NOTHING_LEAVES ((int64_t)UINT32_MAX)

/* The home and what most searches pass behind it. */
#define PREFETCHED_SLOTS 6u

/* A slot of one of the two tables. Without a table: not found. */
struct spot {
    const struct map_table *table;
    size_t at;
};

void
map_init(struct map *map, struct mem *mem, map_same same)
{
    *map = (struct map){ .mem = mem, .same = same, .moved_to = NOTHING_LEAVES };
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

static size_t
chunk_slots(const struct map_table *table)
{
    return (size_t)1 << table->chunk_bits;
}

static size_t
place_in_chunk(const struct map_table *table, size_t at)
{
    return at & (chunk_slots(table) - 1);
}

static size_t
slots_end(const struct map_table *table)
{
    return table->chunk_count << table->chunk_bits;
}

/* NULL: its chunk is not there. */
static struct map_slot *
slot_at(const struct map_table *table, size_t at)
{
    size_t chunk = at >> table->chunk_bits;
    if (chunk >= table->chunk_count || table->chunks[chunk] == NULL) {
        return NULL;
    }
    return &table->chunks[chunk][place_in_chunk(table, at)];
}

/* The slot, if it is taken. */
static const struct map_slot *
entry_at(const struct map_table *table, size_t at)
{
    const struct map_slot *slot = slot_at(table, at);
    return slot != NULL && item_of(slot) != NULL ? slot : NULL;
}

/* Where the search for a hash begins: at its home, or, if that is no longer used, where use begins. */
static size_t
home_of(const struct map_table *table, uint32_t hash)
{
    size_t home = (size_t)((uint64_t)hash * table->home_count >> 32);
    return home > table->begin ? home : table->begin;
}

static void
give_chunk(struct map *map, struct map_table *table, size_t chunk)
{
    if (table->chunks[chunk] != NULL) {
        mem_give(map->mem, table->chunks[chunk], chunk_slots(table) * sizeof(struct map_slot));
        table->chunks[chunk] = NULL;
    }
}

static void
give_table(struct map *map, struct map_table *table)
{
    for (size_t i = table->begin >> table->chunk_bits; i < table->chunk_count; i++) {
        give_chunk(map, table, i);
    }
    mem_give(map->mem, (void *)table->chunks, table->chunk_count * sizeof(struct map_slot *));
    *table = (struct map_table){ 0 };
}

void
map_destroy(struct map *map)
{
    give_table(map, &map->leaving);
    give_table(map, &map->table);
    map->moved_to = NOTHING_LEAVES;
    map->count = 0;
}

/* The first slot from `at` on that is free. */
static size_t
free_from(const struct map_table *table, size_t at)
{
    for (const struct map_slot *slot; (slot = slot_at(table, at)) != NULL;) {
        for (size_t i = place_in_chunk(table, at); i < chunk_slots(table); i++, slot++, at++) {
            if (item_of(slot) == NULL) {
                return at;
            }
        }
    }
    return at;
}

/* The first slot from the home of the hash on that is free or has no smaller hash. */
static size_t
place_of(const struct map_table *table, uint32_t hash)
{
    size_t at = home_of(table, hash);
    for (const struct map_slot *slot; (slot = slot_at(table, at)) != NULL;) {
        for (size_t i = place_in_chunk(table, at); i < chunk_slots(table); i++, slot++, at++) {
            if (slot->hash >= hash || item_of(slot) == NULL) {
                return at;
            }
        }
    }
    return at;
}

static bool
find_in(const struct map_table *table, map_same same, uint32_t hash, const void *key, size_t *found)
{
    const struct map_slot *entry;
    for (size_t at = place_of(table, hash);
         (entry = entry_at(table, at)) != NULL && entry->hash == hash; at++) {
        if (same(item_of(entry), key)) {
            *found = at;
            return true;
        }
    }
    return false;
}

/* Whether what has this hash is in the new table, or would be; what hashes as the last that moved may be in the old one. */
static bool
is_new(const struct map *map, uint32_t hash)
{
    return hash <= map->moved_to;
}

static struct spot
find(const struct map *map, uint32_t hash, const void *key)
{
    struct spot spot = { .table = is_new(map, hash) ? &map->table : &map->leaving };
    if (find_in(spot.table, map->same, hash, key, &spot.at)) {
        return spot;
    }
    spot.table = &map->leaving;
    if (hash == map->moved_to && find_in(spot.table, map->same, hash, key, &spot.at)) {
        return spot;
    }
    return (struct spot){ 0 };
}

void
map_prefetch(const struct map *map, uint64_t hash)
{
    uint32_t kept = (uint32_t)hash;
    const struct map_table *table = is_new(map, kept) ? &map->table : &map->leaving;
    const struct map_slot *home = slot_at(table, home_of(table, kept));
    if (home != NULL) {
        prefetch(home, PREFETCHED_SLOTS * sizeof(*home));
    }
}

void *
map_find(const struct map *map, uint64_t hash, const void *key)
{
    struct spot spot = find(map, (uint32_t)hash, key);
    return spot.table != NULL ? item_of(slot_at(spot.table, spot.at)) : NULL;
}

/* Have the chunk in which the slot is. false: no memory. */
static bool
reach(struct map *map, struct map_table *table, size_t at)
{
    size_t chunk = at >> table->chunk_bits;
    CHECK(chunk <= table->chunk_count);
    if (chunk == table->chunk_count) {
        size_t size = table->chunk_count * sizeof(struct map_slot *);
        void *chunks =
            mem_resize(map->mem, (void *)table->chunks, size, size + sizeof(struct map_slot *));
        if (chunks == NULL) {
            return false;
        }
        table->chunks = chunks;
        table->chunks[table->chunk_count++] = NULL;
    }
    if (table->chunks[chunk] == NULL) {
        table->chunks[chunk] = mem_take(map->mem, chunk_slots(table) * sizeof(struct map_slot));
    }
    return table->chunks[chunk] != NULL;
}

/* Move what is from `at` on one slot up, into the free slot `hole`. */
static void
make_way(const struct map_table *table, size_t at, size_t hole)
{
    while (hole > at) {
        struct map_slot *slot = slot_at(table, hole);
        size_t before = place_in_chunk(table, hole);
        size_t run = before < hole - at ? before : hole - at;
        if (run == 0) {
            *slot = *slot_at(table, hole - 1);
            run = 1;
        } else {
            memmove(slot - run + 1, slot - run, run * sizeof(*slot));
        }
        hole -= run;
    }
}

/* Free a slot, and move what is behind it, up to `end`, one slot down. */
static void
close_up(const struct map_table *table, size_t at, size_t end)
{
    while (at + 1 < end) {
        struct map_slot *slot = slot_at(table, at);
        size_t behind = chunk_slots(table) - 1 - place_in_chunk(table, at);
        size_t run = behind < end - at - 1 ? behind : end - at - 1;
        if (run == 0) {
            *slot = *slot_at(table, at + 1);
            run = 1;
        } else {
            memmove(slot, slot + 1, run * sizeof(*slot));
        }
        at += run;
    }
    *slot_at(table, at) = slot_of(0, NULL);
}

/* false: no memory. */
static bool
put(struct map *map, struct map_table *table, struct map_slot entry)
{
    size_t at = place_of(table, entry.hash);
    size_t hole = free_from(table, at);
    if (!reach(map, table, hole)) {
        return false;
    }
    make_way(table, at, hole);
    *slot_at(table, at) = entry;
    return true;
}

static void
take_out(struct spot spot)
{
    size_t end = spot.at + 1;
    const struct map_slot *entry;
    while ((entry = entry_at(spot.table, end)) != NULL && home_of(spot.table, entry->hash) < end) {
        end++;
    }
    close_up(spot.table, spot.at, end);
}

/* Behind `end`, where no entry is: those that move are the last ones of their new table. false: no memory. */
static bool
append(struct map *map, struct map_slot entry, size_t *end)
{
    size_t home = home_of(&map->table, entry.hash);
    size_t at = home > *end ? home : *end;
    if (!reach(map, &map->table, at)) {
        return false;
    }
    *slot_at(&map->table, at) = entry;
    *end = at + 1;
    return true;
}

/* false: no memory; the next change goes on. */
static bool
move_some(struct map *map)
{
    struct map_table *from = &map->leaving;
    if (from->chunks == NULL) {
        return true;
    }
    size_t last_home = map->moved_to < 0 ? 0 : home_of(&map->table, (uint32_t)map->moved_to);
    size_t end = free_from(&map->table, last_home);
    for (uint32_t i = 0; i < MOVED_PER_CHANGE && from->begin < slots_end(from); i++) {
        const struct map_slot *entry = entry_at(from, from->begin);
        if (entry != NULL) {
            if (!append(map, *entry, &end)) {
                return false;
            }
            map->moved_to = entry->hash;
        }
        from->begin++;
        if (place_in_chunk(from, from->begin) == 0) {
            give_chunk(map, from, (from->begin - 1) >> from->chunk_bits);
        }
    }
    if (from->begin == slots_end(from)) {
        give_table(map, from);
        map->moved_to = NOTHING_LEAVES;
    }
    return true;
}

/* Go on in a table of another size. false: no memory, nothing changed. */
static bool
resize(struct map *map, size_t home_count)
{
    CHECK(map->leaving.chunks == NULL && map->count < home_count);
    struct map_table table = { .home_count = home_count, .chunk_bits = CHUNK_BITS_MAX };
    while (home_count < chunk_slots(&table)) {
        table.chunk_bits--;
    }
    table.chunk_count = home_count >> table.chunk_bits;
    size_t size = table.chunk_count * sizeof(struct map_slot *);
    table.chunks = home_count <= HOMES_MAX ? mem_take(map->mem, size) : NULL;
    if (table.chunks == NULL) {
        return false;
    }
    map->leaving = map->table;
    map->moved_to = map->leaving.chunks != NULL ? -1 : NOTHING_LEAVES;
    map->table = table;
    return true;
}

static size_t
in_whole_chunks(size_t slots)
{
    return (slots + CHUNK_SLOTS_MAX - 1) >> CHUNK_BITS_MAX << CHUNK_BITS_MAX;
}

/* Twice as many homes while they are in one chunk, then a quarter more. */
static size_t
larger(size_t home_count)
{
    if (home_count == 0) {
        return HOMES_MIN;
    }
    return home_count < CHUNK_SLOTS_MAX ? home_count * 2
                                        : home_count + in_whole_chunks(home_count / 4);
}

static size_t
smaller(size_t home_count)
{
    return home_count <= CHUNK_SLOTS_MAX ? home_count / 2 : in_whole_chunks(home_count / 2);
}

/* So full that a search passes four to five other entries, and an insertion makes way with thirty. */
static size_t
count_max(const struct map_table *table)
{
    return table->home_count / 8 * 7;
}

bool
map_insert(struct map *map, uint64_t hash, void *item)
{
    CHECK(item != NULL);
    if (!move_some(map)) {
        return false;
    }
    if (map->count >= count_max(&map->table) && !resize(map, larger(map->table.home_count))) {
        return false;
    }
    struct map_slot entry = slot_of(hash, item);
    if (!put(map, is_new(map, entry.hash) ? &map->table : &map->leaving, entry)) {
        if (map->count == 0) {
            map_destroy(map);
        }
        return false;
    }
    map->count++;
    CHECK(map->count <= count_max(&map->table));
    return true;
}

/* A smaller table when most slots are free, and none when all of many are. */
static void
shrink(struct map *map)
{
    size_t home_count = map->table.home_count;
    if (map->leaving.chunks == NULL && home_count <= HOMES_MIN) {
        return;
    }
    if (map->count == 0) {
        map_destroy(map);
        return;
    }
    /* At a quarter: the smaller one is half full then, so that a table which hovers there does not move back and forth. */
    if (map->leaving.chunks == NULL && map->count <= home_count / 4) {
        bool shrunk = resize(map, smaller(home_count));
        (void)shrunk; /* Without memory for the smaller table the larger one still serves. */
    }
}

void *
map_remove(struct map *map, uint64_t hash, const void *key)
{
    struct spot spot = find(map, (uint32_t)hash, key);
    if (spot.table == NULL) {
        return NULL;
    }
    void *item = item_of(slot_at(spot.table, spot.at));
    take_out(spot);
    map->count--;
    bool moved = move_some(map);
    (void)moved; /* Without memory for the new table both serve. */
    shrink(map);
    return item;
}

void *
map_replace(struct map *map, uint64_t hash, const void *key, void *item)
{
    struct spot spot = find(map, (uint32_t)hash, key);
    if (spot.table == NULL) {
        return NULL;
    }
    struct map_slot *slot = slot_at(spot.table, spot.at);
    void *replaced = item_of(slot);
    *slot = slot_of(hash, item);
    return replaced;
}

/* The item of the first slot from `at` on that is taken, and `at` behind it, or NULL and `at` at the end. */
static void *
next_in(const struct map_table *table, size_t *at)
{
    *at = *at > table->begin ? *at : table->begin;
    while (*at < slots_end(table)) {
        const struct map_slot *slot = slot_at(table, *at);
        *at += slot != NULL ? 1 : chunk_slots(table) - place_in_chunk(table, *at);
        if (slot != NULL && item_of(slot) != NULL) {
            return item_of(slot);
        }
    }
    return NULL;
}

void *
map_next(const struct map *map, size_t *cursor)
{
    size_t end = slots_end(&map->table);
    void *item = *cursor < end ? next_in(&map->table, cursor) : NULL;
    if (item == NULL) {
        size_t at = *cursor - end;
        item = next_in(&map->leaving, &at);
        *cursor = end + at;
    }
    return item;
}
