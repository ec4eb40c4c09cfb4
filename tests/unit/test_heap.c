/* SPDX-License-Identifier: Apache-2.0 */
/* test_heap.c - what is due first comes out first, whatever was moved or removed. */
#include <check.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/prng.h"
#include "tests/support/check_failed.h"

#define NODE_COUNT 200

static struct mem mem;
static struct heap heap;
static struct heap_node nodes[NODE_COUNT];

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    heap_init(&heap, &mem);
    memset(nodes, 0, sizeof(nodes));
}

static void
stop(void)
{
    heap_destroy(&heap);
    ck_assert_uint_eq(mem.used, 0);
}

static void
check_invariant(void)
{
    for (size_t i = 0; i < heap.count; i++) {
        ck_assert_uint_eq(heap.nodes[i]->place, i + 1);
        ck_assert_int_le(heap.nodes[i == 0 ? 0 : (i - 1) / 2]->at, heap.nodes[i]->at);
    }
}

START_TEST(empty_heap_has_no_first_and_owns_nothing)
{
    ck_assert_ptr_null(heap_first(&heap));
    heap_remove(&heap, &nodes[0]);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(nodes_come_out_in_order_of_time)
{
    struct prng prng = { 1 };
    for (size_t i = 0; i < NODE_COUNT; i++) {
        ck_assert(heap_set(&heap, &nodes[i], (int64_t)prng_below(&prng, 50) - 25));
        check_invariant();
    }
    int64_t last = INT64_MIN;
    size_t count = 0;
    for (struct heap_node *node = heap_first(&heap); node != NULL; node = heap_first(&heap)) {
        ck_assert_int_le(last, node->at);
        last = node->at;
        heap_remove(&heap, node);
        ck_assert_uint_eq(node->place, 0);
        check_invariant();
        count++;
    }
    ck_assert_uint_eq(count, NODE_COUNT);
}
END_TEST

START_TEST(setting_again_moves_the_node)
{
    ck_assert(heap_set(&heap, &nodes[0], 10));
    ck_assert(heap_set(&heap, &nodes[1], 20));
    ck_assert(heap_set(&heap, &nodes[2], 30));
    ck_assert(heap_set(&heap, &nodes[2], INT64_MIN));
    ck_assert_ptr_eq(heap_first(&heap), &nodes[2]);
    ck_assert(heap_set(&heap, &nodes[2], INT64_MAX));
    ck_assert_ptr_eq(heap_first(&heap), &nodes[0]);
    ck_assert(heap_set(&heap, &nodes[0], 20));
    ck_assert_uint_eq(heap.count, 3);
    check_invariant();
}
END_TEST

START_TEST(removing_twice_does_no_harm)
{
    ck_assert(heap_set(&heap, &nodes[0], 1));
    ck_assert(heap_set(&heap, &nodes[1], 2));
    heap_remove(&heap, &nodes[0]);
    heap_remove(&heap, &nodes[0]);
    ck_assert_uint_eq(heap.count, 1);
    ck_assert_ptr_eq(heap_first(&heap), &nodes[1]);
}
END_TEST

/* The smallest `at` of the nodes that are in, found the slow way. */
static const struct heap_node *
slow_first(void)
{
    const struct heap_node *first = NULL;
    for (size_t i = 0; i < NODE_COUNT; i++) {
        if (nodes[i].place != 0 && (first == NULL || nodes[i].at < first->at)) {
            first = &nodes[i];
        }
    }
    return first;
}

START_TEST(random_moves_agree_with_a_slow_search)
{
    struct prng prng = { (uint64_t)_i };
    for (int step = 0; step < 3000; step++) {
        struct heap_node *node = &nodes[prng_below(&prng, NODE_COUNT)];
        if (prng_chance(&prng, 400)) {
            heap_remove(&heap, node);
        } else {
            ck_assert(heap_set(&heap, node, (int64_t)prng_below(&prng, 1000)));
        }
        const struct heap_node *want = slow_first();
        const struct heap_node *got = heap_first(&heap);
        ck_assert_msg((got == NULL) == (want == NULL), "seed %d step %d", _i, step);
        ck_assert_msg(want == NULL || got->at == want->at, "seed %d step %d", _i, step);
    }
    check_invariant();
}
END_TEST

START_TEST(new_node_without_memory_changes_nothing)
{
    mem.cap = 0;
    ck_assert(!heap_set(&heap, &nodes[0], 5));
    ck_assert_uint_eq(nodes[0].place, 0);
    ck_assert_ptr_null(heap_first(&heap));
}
END_TEST

START_TEST(room_goes_with_the_nodes)
{
    for (size_t i = 0; i < NODE_COUNT; i++) {
        ck_assert(heap_set(&heap, &nodes[i], (int64_t)i));
    }
    size_t most = mem.used;
    for (size_t i = 2; i < NODE_COUNT; i++) {
        heap_remove(&heap, &nodes[i]);
        check_invariant();
    }
    ck_assert_uint_lt(mem.used, most / 4);
    /* Not at once with each that comes and goes. */
    size_t room = heap.room;
    for (size_t i = 2; i < room / 2; i++) {
        ck_assert(heap_set(&heap, &nodes[i], (int64_t)i));
        ck_assert_uint_eq(heap.room, room);
    }
}
END_TEST

START_TEST(moving_and_removing_need_no_memory)
{
    size_t count = 0;
    ck_assert(heap_set(&heap, &nodes[count++], 0));
    mem.cap = mem.used;
    while (heap_set(&heap, &nodes[count], (int64_t)count)) {
        count++;
    }
    ck_assert_uint_eq(heap.count, count);
    ck_assert_uint_eq(nodes[count].place, 0);
    ck_assert(heap_set(&heap, &nodes[0], 1000));
    ck_assert_ptr_eq(heap_first(&heap), &nodes[1]);
    heap_remove(&heap, &nodes[1]);
    check_invariant();
    ck_assert(heap_set(&heap, &nodes[count], 0));
    ck_assert_ptr_eq(heap_first(&heap), &nodes[count]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("heap");
    TCase *tcase = tcase_create("heap");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, empty_heap_has_no_first_and_owns_nothing);
    tcase_add_test(tcase, nodes_come_out_in_order_of_time);
    tcase_add_test(tcase, setting_again_moves_the_node);
    tcase_add_test(tcase, removing_twice_does_no_harm);
    tcase_add_loop_test(tcase, random_moves_agree_with_a_slow_search, 0, 5);
    tcase_add_test(tcase, new_node_without_memory_changes_nothing);
    tcase_add_test(tcase, room_goes_with_the_nodes);
    tcase_add_test(tcase, moving_and_removing_need_no_memory);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
