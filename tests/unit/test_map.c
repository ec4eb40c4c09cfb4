/* SPDX-License-Identifier: Apache-2.0 */
/* test_map.c - the index: found, not found, removed, grown, shrunk, and without memory. */
#include <check.h>
#include <stdlib.h>

#include "base/map.h"
#include "tests/support/check_failed.h"

struct item {
    uint64_t key;
};

static struct mem mem;
static struct map map;
static struct item items[1200];

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

/* Hashes that make runs: all at one home, at the last slot so that runs wrap, or spread. */
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
    default:
        return key * UINT64_C(0x9e3779b97f4a7c15);
    }
}

#define HASH_WAYS 4

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

START_TEST(load_stays_below_three_quarters)
{
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        ck_assert(map_insert(&map, hash_of(3, i), &items[i]));
        ck_assert_uint_eq(map.slot_count & (map.slot_count - 1), 0);
        ck_assert_uint_le(map.count * 4, map.slot_count * 3);
    }
}
END_TEST

START_TEST(growing_moves_a_few_entries_at_a_time)
{
    size_t grown_at = 0;
    size_t steps = 0;
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        size_t slots_before = map.slot_count;
        size_t moved_before = map.moved;
        ck_assert(map_insert(&map, hash_of(3, i), &items[i]));
        if (map.slot_count != slots_before) {
            grown_at = i;
            steps = 0;
            ck_assert_uint_eq(map.moved, 0);
        } else if (map.leaving != NULL) {
            steps++;
            ck_assert_uint_le(map.moved - moved_before, 16);
        }
        for (uint64_t key = 0; key <= i; key++) {
            ck_assert_ptr_eq(find(hash_of(3, key), key), &items[key]);
        }
    }
    ck_assert_uint_gt(grown_at, 700);
    ck_assert_uint_gt(steps, 60);
    ck_assert_ptr_null(map.leaving);
}
END_TEST

START_TEST(entries_are_met_and_removed_in_both_tables)
{
    uint64_t count = 0;
    do {
        ck_assert(map_insert(&map, hash_of(3, count), &items[count]));
        count++;
    } while (count < 200 || map.leaving == NULL);
    bool met[COUNT_OF(items)] = { false };
    size_t cursor = 0;
    for (const struct item *item; (item = map_next(&map, &cursor)) != NULL;) {
        ck_assert(!met[item->key]);
        met[item->key] = true;
    }
    for (uint64_t i = 0; i < count; i++) {
        ck_assert(met[i]);
        ck_assert_ptr_eq(take_out(hash_of(3, i), i), &items[i]);
        ck_assert_ptr_null(find(hash_of(3, i), i));
    }
    ck_assert_ptr_null(map.leaving);
    ck_assert_uint_le(mem.used, 8 * sizeof(struct map_slot));
}
END_TEST

START_TEST(emptied_map_gives_memory_back)
{
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        ck_assert(map_insert(&map, hash_of(3, i), &items[i]));
    }
    size_t full = mem.used;
    for (uint64_t i = 0; i < COUNT_OF(items); i++) {
        ck_assert_ptr_eq(take_out(hash_of(3, i), i), &items[i]);
    }
    ck_assert_uint_eq(map.count, 0);
    ck_assert_uint_le(mem.used, full / 100);
}
END_TEST

START_TEST(hovering_at_one_size_does_not_rehash)
{
    for (uint64_t i = 0; i < 49; i++) {
        ck_assert(map_insert(&map, hash_of(3, i), &items[i]));
    }
    const struct map_slot *slots = map.slots;
    for (int turn = 0; turn < 10; turn++) {
        ck_assert_ptr_eq(take_out(hash_of(3, 48), 48), &items[48]);
        ck_assert(map_insert(&map, hash_of(3, 48), &items[48]));
    }
    ck_assert_ptr_eq(map.slots, slots);
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
        ck_assert(map_insert(&map, i, &items[i]));
    }
    mem.cap = 0;
    for (uint64_t i = 0; i < COUNT_OF(items) - 1; i++) {
        ck_assert_ptr_eq(take_out(i, i), &items[i]);
    }
    ck_assert_ptr_eq(find(COUNT_OF(items) - 1, COUNT_OF(items) - 1), &items[COUNT_OF(items) - 1]);
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
    tcase_add_loop_test(tcase, iteration_meets_each_item_once, 0, HASH_WAYS);
    tcase_add_test(tcase, load_stays_below_three_quarters);
    tcase_add_test(tcase, growing_moves_a_few_entries_at_a_time);
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
