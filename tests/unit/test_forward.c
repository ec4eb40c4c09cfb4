/* SPDX-License-Identifier: Apache-2.0 */
/* test_forward.c - calls that wait: found, due in order, gathered by link, capped. */
#include "bridge/forward.h"

#include <check.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct forward forward;

/* Never looked into here. */
static uint8_t back_bytes;
static struct member_back *const back = (struct member_back *)(void *)&back_bytes;

static void
set_up(void)
{
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    forward_init(&forward, &mem, (struct hash_key){ 1, 2 });
}

static void
tear_down(void)
{
    forward_destroy(&forward);
    ck_assert_uint_eq(mem.used, 0);
}

static struct instant
at(uint64_t ns)
{
    return (struct instant){ .ns = ns };
}

static struct near_call *
add_near(uint32_t link, uint64_t deadline_ns)
{
    return forward_add_near(&forward, link, back, SPAN("math.add"), at(deadline_ns), at(5));
}

START_TEST(near_call_is_found_by_its_number_until_it_ends)
{
    char command[] = "math.add";
    struct near_call *call =
        forward_add_near(&forward, 3, back, span_from_text(command), at(100), at(5));
    ck_assert_ptr_nonnull(call);
    command[0] = 'x';
    ck_assert(span_is(call->command, "math.add"));
    ck_assert_ptr_eq(call->back, back);
    ck_assert_uint_eq(call->link, 3);
    ck_assert_uint_eq(call->started_at.ns, 5);
    uint64_t call_id = call->call_id;
    ck_assert_ptr_eq(forward_find_near(&forward, call_id), call);
    ck_assert_ptr_null(forward_find_near(&forward, call_id + 1));
    ck_assert_ptr_null(forward_find_near(&forward, 0));
    ck_assert_uint_eq(forward_count(&forward), 1);

    forward_end_near(&forward, call);
    ck_assert_ptr_null(forward_find_near(&forward, call_id));
    ck_assert_uint_eq(forward_count(&forward), 0);
    ck_assert_uint_eq(forward_deadline(&forward).ns, INSTANT_NEVER.ns);
    /* A number is never used twice. */
    ck_assert_uint_ne(add_near(3, 100)->call_id, call_id);
}
END_TEST

START_TEST(far_call_is_found_by_its_ticket_until_it_ends)
{
    struct far_call *call = forward_add_far(&forward, 2, 77, at(5));
    ck_assert_ptr_nonnull(call);
    ck_assert_uint_ne(call->ticket, 0);
    ck_assert_uint_eq(call->call_id, 77);
    uint64_t ticket = call->ticket;
    ck_assert_ptr_eq(forward_find_far(&forward, ticket), call);
    /* The same number from another link, or again, is another call. */
    struct far_call *other = forward_add_far(&forward, 3, 77, at(5));
    ck_assert_uint_ne(other->ticket, ticket);
    forward_end_far(&forward, call);
    ck_assert_ptr_null(forward_find_far(&forward, ticket));
    ck_assert_ptr_eq(forward_find_far(&forward, other->ticket), other);
}
END_TEST

START_TEST(calls_are_due_in_the_order_of_their_deadlines)
{
    const uint64_t deadlines[] = { 30, 10, 20, UINT64_MAX };
    for (size_t i = 0; i < COUNT_OF(deadlines); i++) {
        ck_assert_ptr_nonnull(add_near(0, deadlines[i]));
    }
    ck_assert_uint_eq(forward_deadline(&forward).ns, 10);
    ck_assert_ptr_null(forward_due_near(&forward, at(9)));
    for (uint64_t want = 10; want <= 30; want += 10) {
        ck_assert_ptr_null(forward_due_near(&forward, at(want - 1)));
        struct near_call *due = forward_due_near(&forward, at(want));
        ck_assert_ptr_nonnull(due);
        ck_assert_int_eq(due->deadline.at, (int64_t)want);
        forward_end_near(&forward, due);
    }
    /* One without an end in sight is not due in any lifetime. */
    ck_assert_ptr_null(forward_due_near(&forward, at(UINT64_C(1) << 62)));
}
END_TEST

START_TEST(gathering_takes_all_calls_of_one_link)
{
    for (uint32_t i = 0; i < 30; i++) {
        ck_assert_ptr_nonnull(add_near(i % 3, 100));
        ck_assert_ptr_nonnull(forward_add_far(&forward, i % 3, i, at(5)));
    }
    struct list near;
    struct list far;
    list_init(&near);
    list_init(&far);
    forward_gather(&forward, 1, &near, &far);
    uint32_t near_count = 0;
    uint32_t far_count = 0;
    while (!list_empty(&near)) {
        struct near_call *call = CONTAINER_OF(near.next, struct near_call, gathered);
        ck_assert_uint_eq(call->link, 1);
        forward_end_near(&forward, call);
        near_count++;
    }
    while (!list_empty(&far)) {
        struct far_call *call = CONTAINER_OF(far.next, struct far_call, gathered);
        ck_assert_uint_eq(call->link, 1);
        forward_end_far(&forward, call);
        far_count++;
    }
    ck_assert_uint_eq(near_count, 10);
    ck_assert_uint_eq(far_count, 10);
    ck_assert_uint_eq(forward_count(&forward), 40);
}
END_TEST

static struct far_call *
hold_far(uint64_t until_ns, struct span args)
{
    const struct link_call message = {
        .route_id = 9,
        .id = SPAN("0123456789abcdef"),
        .args = args,
        .kwargs = SPAN("{}"),
    };
    struct far_call *call = forward_add_far(&forward, 2, 77, at(5));
    ck_assert(forward_hold_far(&forward, call, &message, at(until_ns)));
    return call;
}

START_TEST(what_is_held_is_a_copy_and_lives_until_the_next_step)
{
    char args[] = "[1]";
    struct far_call *call = hold_far(100, span_from_text(args));
    args[1] = 'x';
    const struct link_call *message = &call->held->message;
    ck_assert_uint_eq(message->route_id, 9);
    ck_assert(span_is(message->id, "0123456789abcdef"));
    ck_assert(span_is(message->args, "[1]"));
    ck_assert(span_is(message->kwargs, "{}"));
    forward_let_go_far(&forward, call);
    forward_let_go_far(&forward, call);
    ck_assert_ptr_null(call->held);
    ck_assert(list_empty(&forward.held));
    ck_assert_uint_eq(forward_held_deadline(&forward).ns, INSTANT_NEVER.ns);
    ck_assert(span_is(message->args, "[1]"));
    size_t used = mem.used;
    forward_free_spent(&forward);
    ck_assert_uint_lt(mem.used, used);
}
END_TEST

START_TEST(what_is_held_is_due_in_time_and_ends_with_its_call)
{
    struct far_call *later = hold_far(20, SPAN("[]"));
    struct far_call *first = hold_far(10, SPAN("[]"));
    struct far_call *last = hold_far(UINT64_MAX, SPAN("[]"));
    ck_assert_uint_eq(forward_held_deadline(&forward).ns, 10);
    ck_assert_ptr_null(forward_due_held(&forward, at(9)));
    ck_assert_ptr_eq(forward_due_held(&forward, at(10)), first);
    forward_end_far(&forward, first);
    ck_assert_ptr_null(forward_due_held(&forward, at(19)));
    ck_assert_ptr_eq(forward_due_held(&forward, at(20)), later);
    ck_assert_ptr_eq(CONTAINER_OF(forward.held.next, struct far_held, in_order)->call, later);
    forward_end_far(&forward, later);
    ck_assert_ptr_null(forward_due_held(&forward, at(UINT64_C(1) << 62)));
    ck_assert_ptr_nonnull(last->held);
}
END_TEST

START_TEST(what_memory_does_not_allow_is_not_held)
{
    struct far_call *call = forward_add_far(&forward, 2, 77, at(5));
    const struct link_call message = { .args = SPAN("[]"), .kwargs = SPAN("{}") };
    size_t used = mem.used;
    mem.cap = mem.used;
    for (; !forward_hold_far(&forward, call, &message, at(10)); mem.cap++) {
        ck_assert_uint_eq(mem.used, used);
        ck_assert_ptr_null(call->held);
        ck_assert_uint_eq(forward_held_deadline(&forward).ns, INSTANT_NEVER.ns);
    }
    ck_assert_uint_gt(mem.used, used + sizeof(struct far_held));
}
END_TEST

START_TEST(both_tables_share_one_cap)
{
    for (uint32_t i = 0; i < CALLS_IN_FLIGHT_MAX; i++) {
        bool added =
            i % 2 == 0 ? add_near(0, 100) != NULL : forward_add_far(&forward, 0, i, at(5)) != NULL;
        ck_assert(added);
    }
    ck_assert_ptr_null(add_near(0, 100));
    ck_assert_ptr_null(forward_add_far(&forward, 0, 1, at(5)));
    forward_end_near(&forward, forward_due_near(&forward, at(100)));
    ck_assert_ptr_nonnull(forward_add_far(&forward, 0, 1, at(5)));
}
END_TEST

START_TEST(call_that_memory_does_not_allow_leaves_nothing_behind)
{
    uint32_t refused = 0;
    for (size_t cap = 0; cap < 2048; cap += 8) {
        mem.cap = mem.used + cap;
        struct near_call *near = add_near(0, 100);
        struct far_call *far = forward_add_far(&forward, 0, 1, at(5));
        refused += near == NULL || far == NULL;
        size_t added = (size_t)(near != NULL) + (size_t)(far != NULL);
        ck_assert_uint_eq(forward_count(&forward), added);
        if (near == NULL) {
            ck_assert_uint_eq(forward_deadline(&forward).ns, INSTANT_NEVER.ns);
        }
        tear_down();
        set_up();
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("forward");
    TCase *tcase = tcase_create("forward");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, near_call_is_found_by_its_number_until_it_ends);
    tcase_add_test(tcase, far_call_is_found_by_its_ticket_until_it_ends);
    tcase_add_test(tcase, calls_are_due_in_the_order_of_their_deadlines);
    tcase_add_test(tcase, gathering_takes_all_calls_of_one_link);
    tcase_add_test(tcase, what_is_held_is_a_copy_and_lives_until_the_next_step);
    tcase_add_test(tcase, what_is_held_is_due_in_time_and_ends_with_its_call);
    tcase_add_test(tcase, what_memory_does_not_allow_is_not_held);
    tcase_add_test(tcase, both_tables_share_one_cap);
    tcase_add_test(tcase, call_that_memory_does_not_allow_leaves_nothing_behind);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
