/* SPDX-License-Identifier: Apache-2.0 */
/* test_repeats.c - calls that come again are known, within bounds of number, bytes and time. */
#include "bridge/repeats.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

static struct mem mem;
static struct repeats repeats;
static const struct instant start = { 1000 };
static const struct link_reply reply = {
    .status = LINK_REPLY_OK,
    .body = { (const uint8_t *)"[1]", 3 },
};

static void
set_up(void)
{
    mem_init(&mem, (size_t)256 * 1024 * 1024);
    repeats_init(&repeats, &mem, (struct hash_key){ 1, 2 });
}

static void
tear_down(void)
{
    repeats_destroy(&repeats);
    ck_assert_uint_eq(mem.used, 0);
}

static struct span
id_of(uint64_t number)
{
    static uint8_t bytes[LINK_CALL_ID_SIZE];
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, &number, sizeof(number));
    return span_from(bytes, sizeof(bytes));
}

START_TEST(call_is_known_while_it_runs_and_for_a_while_after_its_answer)
{
    ck_assert_ptr_null(repeats_find(&repeats, id_of(1)));
    struct repeat *repeat = repeats_begin(&repeats, id_of(1), 77);
    ck_assert_ptr_eq(repeats_find(&repeats, id_of(1)), repeat);
    ck_assert_uint_eq(repeat->ticket, 77);
    ck_assert_ptr_null(repeats_find(&repeats, id_of(2)));
    repeats_answered(&repeats, repeat, &reply, start);
    repeats_expire(&repeats, instant_after(start, REPEATS_KEEP_NS - 1));
    repeat = repeats_find(&repeats, id_of(1));
    ck_assert_uint_eq(repeat->ticket, 0);
    ck_assert(span_equal(repeat->reply.body, reply.body));
    repeats_expire(&repeats, instant_after(start, REPEATS_KEEP_NS));
    ck_assert_ptr_null(repeats_find(&repeats, id_of(1)));
}
END_TEST

START_TEST(call_that_was_not_answered_can_be_forgotten)
{
    repeats_forget(&repeats, repeats_begin(&repeats, id_of(1), 77));
    ck_assert_ptr_null(repeats_find(&repeats, id_of(1)));
    ck_assert_ptr_nonnull(repeats_begin(&repeats, id_of(1), 78));
}
END_TEST

START_TEST(oldest_answer_makes_room_and_calls_under_way_do_not)
{
    for (uint64_t i = 0; i < REPEATS_COUNT_MAX; i++) {
        struct repeat *repeat = repeats_begin(&repeats, id_of(i), i + 1);
        ck_assert_ptr_nonnull(repeat);
        if (i % 2 == 1) {
            repeats_answered(&repeats, repeat, &reply, start);
        }
    }
    ck_assert_ptr_nonnull(repeats_begin(&repeats, id_of(REPEATS_COUNT_MAX), 1));
    ck_assert_ptr_nonnull(repeats_find(&repeats, id_of(0)));
    ck_assert_ptr_null(repeats_find(&repeats, id_of(1)));
    ck_assert_ptr_nonnull(repeats_find(&repeats, id_of(3)));
    ck_assert_uint_eq(repeats.by_id.count, REPEATS_COUNT_MAX);
}
END_TEST

START_TEST(nothing_makes_room_for_more_than_may_be_under_way)
{
    for (uint64_t i = 0; i < REPEATS_COUNT_MAX; i++) {
        ck_assert_ptr_nonnull(repeats_begin(&repeats, id_of(i), i + 1));
    }
    ck_assert_ptr_null(repeats_begin(&repeats, id_of(REPEATS_COUNT_MAX), 1));
}
END_TEST

START_TEST(answers_are_bounded_in_bytes)
{
    static uint8_t large[10 * 1024 * 1024];
    const struct link_reply answer = { .body = { large, sizeof(large) } };
    for (uint64_t i = 0; i < 5; i++) {
        repeats_answered(&repeats, repeats_begin(&repeats, id_of(i), i + 1), &answer, start);
        ck_assert_uint_le(repeats.size, REPEATS_SIZE_MAX);
    }
    ck_assert_ptr_null(repeats_find(&repeats, id_of(0)));
    ck_assert_ptr_null(repeats_find(&repeats, id_of(1)));
    ck_assert_ptr_nonnull(repeats_find(&repeats, id_of(2)));
    ck_assert_ptr_nonnull(repeats_find(&repeats, id_of(4)));
}
END_TEST

START_TEST(without_memory_nothing_is_known)
{
    mem.cap = mem.used;
    ck_assert_ptr_null(repeats_begin(&repeats, id_of(1), 1));
    mem.cap = (size_t)1024 * 1024;
    struct repeat *repeat = repeats_begin(&repeats, id_of(1), 1);
    mem.cap = mem.used;
    repeats_answered(&repeats, repeat, &reply, start);
    ck_assert_ptr_null(repeats_find(&repeats, id_of(1)));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("repeats");
    TCase *tcase = tcase_create("repeats");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, call_is_known_while_it_runs_and_for_a_while_after_its_answer);
    tcase_add_test(tcase, call_that_was_not_answered_can_be_forgotten);
    tcase_add_test(tcase, oldest_answer_makes_room_and_calls_under_way_do_not);
    tcase_add_test(tcase, nothing_makes_room_for_more_than_may_be_under_way);
    tcase_add_test(tcase, answers_are_bounded_in_bytes);
    tcase_add_test(tcase, without_memory_nothing_is_known);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
