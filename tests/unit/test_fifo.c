/* SPDX-License-Identifier: Apache-2.0 */
/* test_fifo.c - items that go as they came: what lives, where, and when there is no memory. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/fifo.h"
#include "tests/support/check_failed.h"

#define LIVING_MAX 100u
#define BLOCK_ROOM                                                                                 \
    (FIFO_BLOCK_SIZE + 1024) /* what an account needs for one block, and not for two */

static struct mem mem;
static struct fifo fifo;

static void
set_up(void)
{
    mem_init(&mem, SIZE_MAX);
    fifo_init(&fifo, &mem);
}

static void
tear_down(void)
{
    fifo_destroy(&fifo);
    ck_assert_uint_eq(mem.used, 0);
}

static size_t
size_of(size_t number)
{
    return sizeof(number) + number % 2000;
}

static void
push(size_t number)
{
    uint8_t *item = fifo_push(&fifo, size_of(number));
    ck_assert_ptr_nonnull(item);
    ck_assert_uint_eq((uintptr_t)item % _Alignof(max_align_t), 0);
    memset(item, (int)number, size_of(number));
    memcpy(item, &number, sizeof(number));
}

/* From `newest` down to `oldest`, and no others. */
static void
assert_items(size_t newest, size_t oldest)
{
    size_t expected = newest;
    ck_assert_uint_eq(fifo.count, newest - oldest + 1);
    for (const uint8_t *item = fifo_newest(&fifo); item != NULL; item = fifo_older(item)) {
        size_t number;
        memcpy(&number, item, sizeof(number));
        ck_assert_uint_eq(number, expected);
        for (size_t at = sizeof(number); at < size_of(number); at++) {
            ck_assert_uint_eq(item[at], (uint8_t)number);
        }
        expected--;
    }
    ck_assert_uint_eq(expected, oldest - 1);
}

START_TEST(unused_one_takes_no_memory)
{
    ck_assert_ptr_null(fifo_newest(&fifo));
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(items_are_found_from_the_newest_to_the_oldest)
{
    for (size_t number = 1; number <= 1000; number++) {
        if (number > LIVING_MAX) {
            fifo_pop(&fifo);
        }
        push(number);
        if (number % 50 == 0) {
            assert_items(number, number > LIVING_MAX ? number - LIVING_MAX + 1 : 1);
        }
    }
}
END_TEST

START_TEST(memory_follows_what_lives)
{
    for (size_t number = 1; number <= LIVING_MAX; number++) {
        push(number);
    }
    size_t used = mem.used;
    for (size_t number = LIVING_MAX + 1; number <= 10000; number++) {
        push(number);
        fifo_pop(&fifo);
        /* Items of up to 2,000 bytes, and two blocks that are in part empty. */
        ck_assert_uint_le(mem.used, LIVING_MAX * 2048 + 2 * FIFO_BLOCK_SIZE);
    }
    ck_assert_uint_le(mem.peak, LIVING_MAX * 2048 + 2 * FIFO_BLOCK_SIZE);
    ck_assert_uint_ge(used, LIVING_MAX * sizeof(size_t));
    for (size_t left = LIVING_MAX; left > 0; left--) {
        fifo_pop(&fifo);
    }
    ck_assert_ptr_null(fifo_newest(&fifo));
    ck_assert_uint_eq(mem.used, 0);
    push(1);
    assert_items(1, 1);
}
END_TEST

START_TEST(item_may_be_larger_than_a_block)
{
    push(1);
    uint8_t *large = fifo_push(&fifo, 3 * FIFO_BLOCK_SIZE);
    ck_assert_ptr_nonnull(large);
    memset(large, 0xaa, 3 * FIFO_BLOCK_SIZE);
    push(2);
    ck_assert_ptr_eq(fifo_older(fifo_newest(&fifo)), large);
    fifo_pop(&fifo);
    ck_assert_ptr_null(fifo_older(large));
    fifo_pop(&fifo);
    assert_items(2, 2);
}
END_TEST

START_TEST(without_memory_what_was_there_stays)
{
    mem_init(&mem, BLOCK_ROOM);
    size_t number = 1;
    while (mem.denied == 0) {
        uint8_t *item = fifo_push(&fifo, size_of(number));
        if (item != NULL) {
            memset(item, (int)number, size_of(number));
            memcpy(item, &number, sizeof(number));
            number++;
        }
    }
    ck_assert_uint_gt(number, 10);
    assert_items(number - 1, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fifo");
    TCase *tcase = tcase_create("fifo");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, unused_one_takes_no_memory);
    tcase_add_test(tcase, items_are_found_from_the_newest_to_the_oldest);
    tcase_add_test(tcase, memory_follows_what_lives);
    tcase_add_test(tcase, item_may_be_larger_than_a_block);
    tcase_add_test(tcase, without_memory_what_was_there_stays);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
