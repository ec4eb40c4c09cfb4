/* SPDX-License-Identifier: Apache-2.0 */
/* test_io.c - the list of actions of one step: order, what is copied, and what memory does not allow. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/io.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct arena arena;
static struct actions actions;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    actions_begin(&actions, &arena);
}

static void
stop(void)
{
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}

static struct conn_id
conn_of(uint64_t v)
{
    return (struct conn_id){ .v = v };
}

START_TEST(a_connection_is_a_slot_and_a_generation)
{
    struct conn_id conn = conn_of(UINT64_C(7) << 32 | 3);
    ck_assert_uint_eq(conn_slot(conn), 3);
    ck_assert(conn_equal(conn, conn_of(UINT64_C(7) << 32 | 3)));
    ck_assert(!conn_equal(conn, conn_of(UINT64_C(8) << 32 | 3)));
    ck_assert_uint_eq(CONN_NONE.v, 0);
}
END_TEST

START_TEST(actions_keep_their_order_however_many_they_are)
{
    for (uint64_t i = 0; i < 1000; i++) {
        struct action *action = actions_add(&actions, ACTION_DIAL);
        ck_assert_ptr_nonnull(action);
        ck_assert_uint_eq(action->ticket, 0);
        action->ticket = i + 1;
    }
    ck_assert_uint_eq(actions.count, 1000);
    ck_assert_uint_eq(actions.lost, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        ck_assert_uint_eq(actions.list[i].ticket, i + 1);
        ck_assert_int_eq(actions.list[i].kind, ACTION_DIAL);
    }
}
END_TEST

START_TEST(a_send_copies_the_list_of_parts_but_not_what_they_point_to)
{
    char text[] = "abc";
    struct span parts[] = { span_from(text, 3), SPAN_NONE, SPAN("def") };
    actions_send_parts(&actions, conn_of(9), parts, COUNT_OF(parts));
    memset(parts, 0, sizeof(parts));
    text[0] = 'x';
    const struct action *action = &actions.list[0];
    ck_assert_int_eq(action->kind, ACTION_SEND);
    ck_assert_uint_eq(action->conn.v, 9);
    ck_assert_uint_eq(action->part_count, 3);
    ck_assert(span_is(action->parts[0], "xbc"));
    ck_assert_uint_eq(action->parts[1].size, 0);
    ck_assert(span_is(action->parts[2], "def"));
}
END_TEST

START_TEST(a_close_copies_its_reason)
{
    char reason[] = "because";
    actions_close(&actions, conn_of(4), 1008, span_from(reason, 7));
    memset(reason, 'x', sizeof(reason));
    ck_assert_int_eq(actions.list[0].kind, ACTION_CLOSE);
    ck_assert_uint_eq(actions.list[0].code, 1008);
    ck_assert(span_is(actions.list[0].reason, "because"));
}
END_TEST

START_TEST(without_memory_an_action_is_lost_and_counted_once)
{
    mem.cap = 0;
    ck_assert_ptr_null(actions_add(&actions, ACTION_DIAL));
    ck_assert_uint_eq(actions.lost, 1);
    actions_send(&actions, conn_of(1), SPAN("abc"));
    ck_assert_uint_eq(actions.lost, 2);
    actions_close(&actions, conn_of(1), 1000, SPAN("abc"));
    ck_assert_uint_eq(actions.lost, 3);
    ck_assert_uint_eq(actions.count, 0);
}
END_TEST

START_TEST(what_was_added_before_memory_ran_out_stays)
{
    uint32_t added = 0;
    mem.cap = 2 * ARENA_BLOCK_SIZE;
    while (actions_add(&actions, ACTION_FINISHED) != NULL) {
        added++;
        ck_assert_uint_lt(added, 100000);
    }
    ck_assert_uint_gt(added, 0);
    ck_assert_uint_eq(actions.count, added);
    ck_assert_uint_eq(actions.lost, 1);
    for (uint32_t i = 0; i < added; i++) {
        ck_assert_int_eq(actions.list[i].kind, ACTION_FINISHED);
    }
}
END_TEST

static Suite *
io_suite(void)
{
    Suite *suite = suite_create("io");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, a_connection_is_a_slot_and_a_generation);
    tcase_add_test(claims, actions_keep_their_order_however_many_they_are);
    tcase_add_test(claims, a_send_copies_the_list_of_parts_but_not_what_they_point_to);
    tcase_add_test(claims, a_close_copies_its_reason);
    tcase_add_test(claims, without_memory_an_action_is_lost_and_counted_once);
    tcase_add_test(claims, what_was_added_before_memory_ran_out_stays);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(io_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
