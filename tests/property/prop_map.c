/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_map.c - whatever is inserted, removed and refused for want of memory, the map answers like a
 * plain table of what is in.
 */
#include "base/hash.h"
#include "base/map.h"
#include "base/prng.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define KEY_COUNT  3000u
#define STEP_COUNT 12000u
#define SEED_COUNT 200

struct item {
    uint64_t key;
    bool in;
};

struct trial {
    struct prng prng;
    struct mem mem;
    struct map map;
    struct hash_key hash_key;
    uint64_t hash_limit; /* few different hashes make long runs */
    bool hashes_high;    /* at the last home instead of the first, so that they run over */
    struct item items[KEY_COUNT];
    size_t key_count;
    size_t count;
};

static bool
same_key(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const uint64_t *)key;
}

static uint64_t
hash_of(const struct trial *trial, uint64_t key)
{
    uint64_t hash = hash_bytes(&trial->hash_key, span_from(&key, sizeof(key))) % trial->hash_limit;
    return trial->hashes_high ? UINT32_MAX - hash : hash;
}

static void
begin(struct trial *trial, uint64_t seed)
{
    static const uint64_t limits[] = { 1, 7, 64, UINT64_MAX };
    *trial = (struct trial){ .prng = { seed } };
    mem_init(&trial->mem, SIZE_MAX);
    map_init(&trial->map, &trial->mem, same_key);
    trial->hash_key = (struct hash_key){ prng_next(&trial->prng), prng_next(&trial->prng) };
    trial->hash_limit = limits[prng_below(&trial->prng, COUNT_OF(limits))];
    trial->hashes_high = prng_chance(&trial->prng, 500);
    /* Runs are gone through from their beginning, so not too long ones. */
    trial->key_count = trial->hash_limit == UINT64_MAX ? KEY_COUNT : KEY_COUNT / 10;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        trial->items[i].key = i;
    }
}

static bool
end(struct trial *trial)
{
    map_destroy(&trial->map);
    return trial->mem.used == 0;
}

/* Put in what is out and take out what is in; now and then without memory. */
static bool
step(struct trial *trial, uint32_t insert_permille)
{
    struct item *item = &trial->items[prng_below(&trial->prng, trial->key_count)];
    uint64_t hash = hash_of(trial, item->key);
    trial->mem.cap = prng_chance(&trial->prng, 100) ? trial->mem.used : SIZE_MAX;
    if (!prng_chance(&trial->prng, insert_permille)) {
        const struct item *removed = map_remove(&trial->map, hash, &item->key);
        bool right = removed == (item->in ? item : NULL);
        trial->count -= item->in ? 1 : 0;
        item->in = false;
        return right;
    }
    if (!item->in) {
        uint64_t denied = trial->mem.denied;
        item->in = map_insert(&trial->map, hash, item);
        trial->count += item->in ? 1 : 0;
        return item->in || trial->mem.denied > denied;
    }
    return map_find(&trial->map, hash, &item->key) == item &&
           map_replace(&trial->map, hash, &item->key, item) == item;
}

static bool
agrees(const struct trial *trial)
{
    if (trial->map.count != trial->count) {
        return false;
    }
    for (size_t i = 0; i < trial->key_count; i++) {
        const struct item *item = &trial->items[i];
        const struct item *want = item->in ? item : NULL;
        if (map_find(&trial->map, hash_of(trial, item->key), &item->key) != want) {
            return false;
        }
    }
    bool met[KEY_COUNT] = { false };
    size_t cursor = 0;
    size_t count = 0;
    for (const struct item *item = map_next(&trial->map, &cursor); item != NULL;
         item = map_next(&trial->map, &cursor)) {
        if (met[item->key] || !item->in) {
            return false;
        }
        met[item->key] = true;
        count++;
    }
    return count == trial->count;
}

static bool
map_answers_like_a_table(uint64_t seed)
{
    struct trial trial;
    begin(&trial, seed);
    bool holds = true;
    for (uint32_t i = 0; i < STEP_COUNT && holds; i++) {
        /* Filling and draining by turns, so that it grows and shrinks. */
        holds = step(&trial, i / 3000 % 2 == 0 ? 900 : 100);
        bool moving = trial.map.leaving.chunks != NULL;
        holds = holds && (i % (moving ? 10 : 200) != 0 || agrees(&trial));
    }
    holds = holds && agrees(&trial);
    return end(&trial) && holds;
}

static bool
inserting_and_removing_all_leaves_nothing(uint64_t seed)
{
    struct trial trial;
    begin(&trial, seed);
    bool holds = true;
    for (size_t i = 0; i < trial.key_count; i++) {
        struct item *item = &trial.items[i];
        holds = map_insert(&trial.map, hash_of(&trial, item->key), item) && holds;
    }
    size_t start = (size_t)prng_below(&trial.prng, trial.key_count);
    for (size_t i = 0; i < trial.key_count; i++) {
        struct item *item = &trial.items[(start + i * 7) % trial.key_count];
        holds = map_remove(&trial.map, hash_of(&trial, item->key), &item->key) == item && holds;
    }
    size_t cursor = 0;
    holds = holds && trial.map.count == 0 && map_next(&trial.map, &cursor) == NULL;
    return end(&trial) && holds;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "map_answers_like_a_table", map_answers_like_a_table },
        { "inserting_and_removing_all_leaves_nothing", inserting_and_removing_all_leaves_nothing },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
