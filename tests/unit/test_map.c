/* SPDX-License-Identifier: Apache-2.0 */
/* test_map.c - the index: found, not found, removed, replaced, grown, shrunk, and without memory. */
#include <check.h>
#include <stdlib.h>

#include "base/map.h"
#include "tests/support/check_failed.h"

struct item {
    uint64_t key;
};

static struct mem mem;
static struct map map;
static struct item items[40000];

#define CHUNK_SIZE (1024 * sizeof(struct map_slot)) /* the largest piece that a table takes */

static bool
same_key(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const uint64_t *)key;
}

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    map_init(&map, &mem, same_key);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        items[i].key = i;
    }
}

static void
stop(void)
{
    map_destroy(&map);
    ck_assert_uint_eq(mem.used, 0);
}

static struct item *
find(uint64_t hash, uint64_t key)
{
    return map_find(&map, hash, &key);
}

static struct item *
take_out(uint64_t hash, uint64_t key)
{
    return map_remove(&map, hash, &key);
}

START_TEST(empty_map_finds_nothing_and_owns_nothing)
{
    size_t cursor = 0;
    ck_assert_ptr_null(find(0, 0));
    ck_assert_ptr_null(take_out(0, 0));
    ck_assert_ptr_null(map_next(&map, &cursor));
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

/* Hashes that make runs: all the same, all at the last home so that what runs over is far behind it, few, or spread. */
static uint64_t
hash_of(int way, uint64_t key)
{
    switch (way) {
    case 0:
        return 5;
    case 1:
        return UINT64_MAX;
    case 2:
        return key % 3 + 6;
    case 3:
        return UINT32_MAX - key % 5;
    default:
        return key * UINT64_C(0x9e3779b97f4a7c15);
    }
}

#define HASH_WAYS 5
#define SPREAD    4

START_TEST(inserted_items_are_found_and_removed_ones_are_not)
{
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert(map_insert(&map, hash_of(_i, i), &items[i]));
    }
    ck_assert_uint_eq(map.count, 100);
    for (uint64_t i = 0; i < 100; i += 2) {
        ck_assert_ptr_eq(take_out(hash_of(_i, i), i), &items[i]);
        ck_assert_ptr_null(take_out(hash_of(_i, i), i));
    }
    ck_assert_uint_eq(map.count, 50);
    for (uint64_t i = 0; i < 100; i++) {
        const struct item *want = i % 2 == 0 ? NULL : &items[i];
        ck_assert_ptr_eq(find(hash_of(_i, i), i), want);
    }
    ck_assert_ptr_null(find(hash_of(_i, 100), 100));
}
END_TEST

START_TEST(equal_hash_alone_is_no_match)
{
    ck_assert(map_insert(&map, 1, &items[10]));
    ck_assert_ptr_null(find(1, 11));
    ck_assert_ptr_null(find(2, 10));
    ck_assert_ptr_eq(find(1, 10), &items[10]);
}
END_TEST

START_TEST(item_is_replaced_where_it_is_without_memory)
{
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert(map_insert(&map, hash_of(_i, i), &items[i]));
    }
    mem.cap = 0;
    struct item other = { .key = 50 };
    ck_assert_ptr_eq(map_replace(&map, hash_of(_i, 50), &other.key, &other), &items[50]);
    ck_assert_ptr_eq(find(hash_of(_i, 50), 50), &other);
    ck_assert_uint_eq(map.count, 100);
    const uint64_t unknown = 100;
    ck_assert_ptr_null(map_replace(&map, hash_of(_i, unknown), &unknown, &other));
}
END_TEST

START_TEST(iteration_meets_each_item_once)
{
    bool met[50] = { false };
    for (uint64_t i = 0; i < COUNT_OF(met); i++) {
        ck_assert(map_insert(&map, hash_of(_i, i), &items[i]));
    }
    size_t cursor = 0;
    size_t count = 0;
    for (const struct item *item = map_next(&map, &cursor); item != NULL;
         item = map_next(&map, &cursor)) {
        ck_assert(!met[item->key]);
        met[item->key] = true;
        count++;
    }
    ck_assert_uint_eq(count, COUNT_OF(met));
    ck_assert_ptr_null(map_next(&map, &cursor));
}
END_TEST

START_TEST(an_index_takes_at_most_twenty_bytes_an_entry)
{
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        ck_assert(map_insert(&map, hash_of(SPREAD, i), &items[i]));
        ck_assert_uint_le(map.count * 8, map.table.home_count * 7);
        ck_assert(map.count < 8192 || mem.used <= map.count * 20);
    }
}
END_TEST

START_TEST(no_change_moves_or_takes_much)
{
    uint64_t moves = 0;
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        size_t before = map.leaving.begin;
        size_t used = mem.used;
        ck_assert(map_insert(&map, hash_of(SPREAD, i), &items[i]));
        ck_assert(map.leaving.begin <= before + 32);
        ck_assert(mem.used <= used + 2 * CHUNK_SIZE + 1024);
        moves += map.leaving.begin > before;
    }
    ck_assert_uint_gt(moves, COUNT_OF(items) / 32);
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        size_t before = map.leaving.begin;
        ck_assert_ptr_eq(take_out(hash_of(SPREAD, i), i), &items[i]);
        ck_assert(map.leaving.begin <= before + 32);
    }
}
END_TEST

START_TEST(entries_are_met_and_removed_in_both_tables)
{
    uint64_t count = 0;
    do {
        ck_assert(map_insert(&map, hash_of(SPREAD, count), &items[count]));
        count++;
    } while (count < 200 || map.leaving.chunks == NULL);
    bool met[COUNT_OF(items)] = { false };
    size_t cursor = 0;
    for (const struct item *item; (item = map_next(&map, &cursor)) != NULL;) {
        ck_assert(!met[item->key]);
        met[item->key] = true;
    }
    for (uint64_t i = 0; i < count; i++) {
        ck_assert(met[i]);
        ck_assert_ptr_eq(take_out(hash_of(SPREAD, i), i), &items[i]);
        ck_assert_ptr_null(find(hash_of(SPREAD, i), i));
    }
    ck_assert_ptr_null(map.leaving.chunks);
    ck_assert_uint_le(mem.used, 8 * sizeof(struct map_slot) + sizeof(void *));
}
END_TEST

START_TEST(emptied_map_gives_memory_back)
{
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        ck_assert(map_insert(&map, hash_of(SPREAD, i), &items[i]));
    }
    size_t full = mem.used;
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        ck_assert_ptr_eq(take_out(hash_of(SPREAD, i), i), &items[i]);
    }
    ck_assert_uint_eq(map.count, 0);
    ck_assert_uint_le(mem.used, full / 100);
}
END_TEST

/* In and out at the count where the table has just changed its size. */
static void
hover(uint64_t key)
{
    size_t home_count = map.table.home_count;
    for (int turn = 0; turn < 10; turn++) {
        ck_assert_ptr_eq(take_out(hash_of(SPREAD, key), key), &items[key]);
        ck_assert_uint_eq(map.table.home_count, home_count);
        ck_assert(map_insert(&map, hash_of(SPREAD, key), &items[key]));
        ck_assert_uint_eq(map.table.home_count, home_count);
    }
}

START_TEST(hovering_at_one_size_does_not_rehash)
{
    uint64_t count = 0;
    while (map.table.home_count < 128) {
        ck_assert(map_insert(&map, hash_of(SPREAD, count), &items[count]));
        count++;
    }
    hover(count - 1);
    while (map.table.home_count == 128) {
        count--;
        ck_assert_ptr_eq(take_out(hash_of(SPREAD, count), count), &items[count]);
    }
    ck_assert_uint_eq(map.table.home_count, 64);
    hover(count - 1);
}
END_TEST

START_TEST(first_insert_without_memory_changes_nothing)
{
    mem.cap = 0;
    ck_assert(!map_insert(&map, 1, &items[1]));
    ck_assert_uint_eq(map.count, 0);
    ck_assert_ptr_null(find(1, 1));
    mem.cap = SIZE_MAX;
    ck_assert(map_insert(&map, 1, &items[1]));
}
END_TEST

START_TEST(growth_without_memory_changes_nothing)
{
    uint64_t count = 0;
    ck_assert(map_insert(&map, 0, &items[count++]));
    mem.cap = mem.used;
    while (map_insert(&map, count, &items[count])) {
        count++;
    }
    ck_assert_uint_eq(map.count, count);
    ck_assert_ptr_null(find(count, count));
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_ptr_eq(find(i, i), &items[i]);
    }
}
END_TEST

START_TEST(shrinking_without_memory_still_removes)
{
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        ck_assert(map_insert(&map, hash_of(SPREAD, i), &items[i]));
    }
    mem.cap = 0;
    uint64_t last = COUNT_OF(items) - 1;
    for (uint64_t i = 0; i < last; i++) {
        ck_assert_ptr_eq(take_out(hash_of(SPREAD, i), i), &items[i]);
    }
    ck_assert_ptr_eq(find(hash_of(SPREAD, last), last), &items[last]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("map");
    TCase *tcase = tcase_create("map");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, empty_map_finds_nothing_and_owns_nothing);
    tcase_add_loop_test(tcase, inserted_items_are_found_and_removed_ones_are_not, 0, HASH_WAYS);
    tcase_add_test(tcase, equal_hash_alone_is_no_match);
    tcase_add_loop_test(tcase, item_is_replaced_where_it_is_without_memory, 0, HASH_WAYS);
    tcase_add_loop_test(tcase, iteration_meets_each_item_once, 0, HASH_WAYS);
    tcase_add_test(tcase, an_index_takes_at_most_twenty_bytes_an_entry);
    tcase_add_test(tcase, no_change_moves_or_takes_much);
    tcase_add_test(tcase, entries_are_met_and_removed_in_both_tables);
    tcase_add_test(tcase, emptied_map_gives_memory_back);
    tcase_add_test(tcase, hovering_at_one_size_does_not_rehash);
    tcase_add_test(tcase, first_insert_without_memory_changes_nothing);
    tcase_add_test(tcase, growth_without_memory_changes_nothing);
    tcase_add_test(tcase, shrinking_without_memory_still_removes);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
