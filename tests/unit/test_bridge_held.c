/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_held.c - calls of far bridges for nodes that are being dialed: they wait, and are sent or fail when it is
 * known what became of the dial.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/support/bridge_calls.h"
#include "tests/support/check_failed.h"

/* Serves `away`, and is not connected. */
static struct rig_peer *absent;
static uint32_t far;

static const char same[] = "0123456789abcdef";

static struct rig_peer *
tell_of(const char *url, const char *function)
{
    struct rig_peer *peer = rig_peer_absent(&rig, node, url);
    rig_peer_tell_of(&rig, node, peer, (struct rib_facts){ .name = function });
    return peer;
}

static void
open_under(struct policy *policy)
{
    rig.dials_wait = true;
    far = open_with_policy(policy);
    absent = tell_of("ws://absent:1", "away");
}

static void
open_waiting(void)
{
    open_under(rig_policy(&rig, all, 1, all, 1));
}

/* The rule that exports has these limits. */
static void
open_within(struct policy_call_limits limits)
{
    const struct policy_rule_source limited[] = {
        { .id = T("limited"), .limits = limits, .action = POLICY_ACCEPT },
    };
    open_under(rig_policy(&rig, limited, 1, all, 1));
}

static void
call_over(uint32_t over, uint64_t call_id, const char *id, uint32_t timeout_ms)
{
    const struct link_frame call = {
        .type = LINK_FRAME_CALL,
        .call = {
            .call_id = call_id,
            .route_id = route_of("away"),
            .timeout_ms = timeout_ms,
            .hops_left = 4,
            .path = plain_call.path,
            .id = span_from_text(id),
            .args = SPAN("[1,2]"),
            .kwargs = SPAN("{\"k\":3}"),
        },
    };
    rig_far_send(&rig, over, &call);
}

static void
call_away(uint64_t call_id)
{
    call_over(far, call_id, "", 20000);
}

static uint32_t
replies(void)
{
    return rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame);
}

/* The newest of `count` replies says this of the call. */
static void
expect_error(uint32_t count, uint64_t call_id, enum call_code code, const char *text)
{
    ck_assert_uint_eq(replies(), count);
    ck_assert_uint_eq(frame.reply.call_id, call_id);
    ck_assert_int_eq(frame.reply.status, LINK_REPLY_ERROR);
    ck_assert_msg(frame.reply.code == (uint16_t)code, "code %u", frame.reply.code);
    ck_assert_msg(span_is(frame.reply.body, text), "%.*s", SPAN_ARGS(frame.reply.body));
    ck_assert_uint_eq(link_stats().from_link.in_flight, 0);
}

#define NOT_CONNECTED "the node that serves it is not connected to the far bridge"

static void
expect_held(uint64_t in_flight)
{
    ck_assert_uint_eq(replies(), 0);
    ck_assert_uint_eq(link_stats().from_link.in_flight, in_flight);
}

/* It has got one call, which it answers. */
static void
answer(struct rig_peer *peer, uint64_t call_id)
{
    const struct fabric_request *call = rig_peer_called(&rig, peer);
    ck_assert_ptr_nonnull(call);
    ck_assert_uint_eq(peer->call_count, 1);
    ck_assert(span_is(call->command, "away"));
    ck_assert(span_is(call->args, "[1,2]"));
    ck_assert(span_is(call->kwargs, "{\"k\":3}"));
    rig_peer_answer(&rig, peer, call, true, SPAN("7"));
    ck_assert_uint_eq(replies(), 1);
    ck_assert_uint_eq(frame.reply.call_id, call_id);
    ck_assert_int_eq(frame.reply.status, LINK_REPLY_OK);
    ck_assert(span_is(frame.reply.body, "7"));
    ck_assert_uint_eq(link_stats().from_link.in_flight, 0);
}

START_TEST(call_is_sent_when_its_node_is_up)
{
    open_waiting();
    call_away(7);
    expect_held(1);
    ck_assert_uint_eq(link_stats().calls_held, 1);
    rig_pass(&rig, SEC_NS);
    expect_held(1);
    rig_peer_arrive(&rig, absent);
    answer(absent, 7);
    ck_assert_uint_eq(link_stats().calls_held, 1);
}
END_TEST

START_TEST(call_of_a_node_that_was_just_lost_waits_for_its_return)
{
    open_waiting();
    rig_peer_arrive(&rig, absent);
    rig_disconnect(&rig, absent->conn, SPAN("reset"));
    rig_run(&rig);
    call_away(7);
    expect_held(1);
    rig_pass(&rig, SEC_NS);
    rig_peer_arrive(&rig, absent);
    answer(absent, 7);
}
END_TEST

START_TEST(calls_are_sent_in_the_order_in_which_they_came)
{
    open_waiting();
    struct rig_peer *other = tell_of("ws://other:1", "elsewhere");
    for (uint64_t i = 1; i <= 3; i++) {
        call_over(far, i, "", 20000 - (uint32_t)i * 1000);
    }
    rig_peer_refuse(&rig, other);
    expect_held(3);
    rig_peer_arrive(&rig, absent);
    rig_peer_read(&rig, absent);
    ck_assert_uint_eq(absent->call_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        rig_peer_answer(&rig, absent, &absent->calls[i], true, SPAN("7"));
        ck_assert_uint_eq(replies(), i + 1);
        ck_assert_uint_eq(frame.reply.call_id, i + 1);
    }
}
END_TEST

START_TEST(call_fails_when_the_dial_does)
{
    open_waiting();
    call_away(7);
    expect_held(1);
    rig_peer_refuse(&rig, absent);
    expect_error(1, 7, CALL_REMOTE_FAILED, NOT_CONNECTED);
    /* And now nothing is to be hoped for. */
    call_away(8);
    expect_error(2, 8, CALL_REMOTE_FAILED, NOT_CONNECTED);
    ck_assert_uint_eq(link_stats().calls_held, 1);
}
END_TEST

/* Its functions go with it: over another link the call may find some. */
START_TEST(call_of_a_lost_node_is_not_found_when_it_is_dead)
{
    open_waiting();
    rig_peer_arrive(&rig, absent);
    rig_disconnect(&rig, absent->conn, SPAN("reset"));
    rig_run(&rig);
    call_away(7);
    rig_pass(&rig, 100 * MS_NS);
    expect_held(1);
    rig_peer_refuse(&rig, absent);
    expect_error(1, 7, CALL_NOT_FOUND, "the function was withdrawn");
}
END_TEST

START_TEST(call_waits_as_long_as_a_dial_may_take)
{
    open_waiting();
    call_away(7);
    rig_pass(&rig, SEC_NS);
    struct rig_peer *other = tell_of("ws://other:1", "elsewhere");
    rig_pass(&rig, SEC_NS);
    rig_peer_refuse(&rig, other);
    uint64_t steps = rig.bridges[US].steps;
    rig_pass(&rig, MEMBER_DIAL_TIMEOUT_NS - 2 * SEC_NS - 1);
    expect_held(1);
    ck_assert_uint_lt(rig.bridges[US].steps, steps + 100);
    rig_pass(&rig, 1);
    expect_error(1, 7, CALL_REMOTE_FAILED, NOT_CONNECTED);
}
END_TEST

START_TEST(time_of_the_call_goes_on)
{
    open_waiting();
    call_over(far, 7, "", 2000);
    rig_pass(&rig, 2 * SEC_NS - 1);
    expect_held(1);
    rig_pass(&rig, 1);
    expect_error(1, 7, CALL_DEADLINE_EXCEEDED,
        "the node that serves it was not connected to the far bridge in time");
}
END_TEST

START_TEST(node_has_what_is_left_of_the_time)
{
    open_waiting();
    call_over(far, 7, "", 6000);
    rig_pass(&rig, 4 * SEC_NS);
    rig_peer_arrive(&rig, absent);
    rig_pass(&rig, 2 * SEC_NS - 1);
    expect_held(1);
    rig_pass(&rig, 1);
    expect_error(1, 7, CALL_DEADLINE_EXCEEDED, "the far node did not answer in time");
}
END_TEST

static void
expect_rule_timeout(void)
{
    ck_assert_uint_eq(replies(), 1);
    ck_assert_uint_eq(frame.reply.code, (uint16_t)CALL_DEADLINE_EXCEEDED);
    ck_assert(span_is(frame.reply.rule, "limited"));
    const struct call_limit *limit =
        bridge_call_limit(rig.bridges[US].bridge, 0, POLICY_EXPORT, SPAN("limited"));
    ck_assert_uint_eq(limit->counts[CALL_LIMIT_TIMEOUT], 1);
    ck_assert_uint_eq(limit->in_flight, 0);
}

START_TEST(timeout_of_its_rule_ends_it)
{
    open_within((struct policy_call_limits){ .timeout_ns = 3 * SEC_NS });
    call_away(7);
    rig_pass(&rig, 3 * SEC_NS - 1);
    expect_held(1);
    rig_pass(&rig, 1);
    expect_rule_timeout();
}
END_TEST

START_TEST(timeout_of_its_rule_counts_from_its_beginning)
{
    open_within((struct policy_call_limits){ .timeout_ns = 3 * SEC_NS });
    call_away(7);
    rig_pass(&rig, 2 * SEC_NS);
    rig_peer_arrive(&rig, absent);
    rig_pass(&rig, SEC_NS - 1);
    expect_held(1);
    rig_pass(&rig, 1);
    expect_rule_timeout();
}
END_TEST

START_TEST(limit_of_calls_in_flight_counts_it)
{
    open_within((struct policy_call_limits){ .in_flight = 1 });
    call_away(7);
    call_away(8);
    ck_assert_uint_eq(replies(), 1);
    ck_assert_uint_eq(frame.reply.call_id, 8);
    ck_assert_uint_eq(frame.reply.code, (uint16_t)CALL_OVERLOADED);
    ck_assert(span_is(frame.reply.rule, "limited"));
    rig_peer_refuse(&rig, absent);
    expect_error(2, 7, CALL_REMOTE_FAILED, NOT_CONNECTED);
    rig_pass(&rig, 20 * SEC_NS);
    rig_peer_arrive(&rig, absent);
    call_away(9);
    ck_assert_ptr_nonnull(rig_peer_called(&rig, absent));
}
END_TEST

static void
end_session(uint32_t over)
{
    const struct link_frame error = {
        .type = LINK_FRAME_ERROR,
        .error = { .code = LINK_ERROR_SHUTDOWN, .text = SPAN("x") },
    };
    rig_far_send(&rig, over, &error);
}

START_TEST(call_goes_with_the_session_of_its_link)
{
    open_within((struct policy_call_limits){ .in_flight = 1 });
    call_over(far, 7, same, 20000);
    expect_held(1);
    end_session(far);
    expect_held(0);
    ck_assert_uint_eq(
        bridge_call_limit(rig.bridges[US].bridge, 0, POLICY_EXPORT, SPAN("limited"))->in_flight, 0);
    rig_peer_arrive(&rig, absent);
    ck_assert_ptr_null(rig_peer_called(&rig, absent));
}
END_TEST

START_TEST(call_goes_on_with_a_session_that_resumes)
{
    rig.dials_wait = true;
    far = open_lasting();
    absent = tell_of("ws://absent:1", "away");
    call_away(7);
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    rig_peer_arrive(&rig, absent);
    const struct fabric_request *call = rig_peer_called(&rig, absent);
    ck_assert_ptr_nonnull(call);
    rig_peer_answer(&rig, absent, call, true, SPAN("7"));
    ck_assert_uint_eq(link_stats().from_link.in_flight, 0);
    ck_assert_uint_eq(link_stats().from_link.by_result[CALL_RESULT_OK], 1);
}
END_TEST

/* Two links to eu, over each of which `away` can be called; the calls of it may come again. */
static uint32_t far_2;

static void
open_pair(struct policy_call_limits limits)
{
    static const char *const names[] = { "eu-1", "eu-2" };
    const struct policy_rule_source limited[] = {
        { .id = T("limited"), .limits = limits, .action = POLICY_ACCEPT },
    };
    struct policy *policy = rig_policy(&rig, limited, 1, all, 1);
    const struct rig_link links[] = { { "eu", NULL, policy }, { "eu", NULL, policy } };
    rig.dials_wait = true;
    rig.far_bridges = names;
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    far = rig_far_join(&rig, US, "eu", "eu-1");
    far_2 = rig_far_join(&rig, US, "eu", "eu-2");
    absent = tell_of("ws://absent:1", "away");
}

/* The one call that it got is the second one. */
static void
expect_second(void)
{
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).from_link.in_flight, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1).from_link.in_flight, 1);
    rig_peer_arrive(&rig, absent);
    const struct fabric_request *call = rig_peer_called(&rig, absent);
    ck_assert_ptr_nonnull(call);
    ck_assert_uint_eq(absent->call_count, 1);
    rig_peer_answer(&rig, absent, call, true, SPAN("7"));
    ck_assert_uint_eq(replies(), 0);
    ck_assert_uint_eq(rig_far_heard(&rig, far_2, LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.call_id, 9);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1).from_link.in_flight, 0);
}

START_TEST(same_call_over_another_link_takes_its_place)
{
    open_pair((struct policy_call_limits){ .in_flight = 1 });
    call_over(far, 7, same, 20000);
    expect_held(1);
    call_over(far_2, 9, same, 20000);
    expect_second();
    /* That one was executed: now it is recognised. */
    call_over(far, 11, same, 20000);
    ck_assert_uint_eq(replies(), 1);
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).calls_recognised, 1);
}
END_TEST

START_TEST(same_call_over_the_same_link_takes_its_place)
{
    open_pair((struct policy_call_limits){ .in_flight = 1 });
    call_over(far, 6, same, 20000);
    call_over(far, 7, same, 20000);
    expect_held(1);
    rig_peer_arrive(&rig, absent);
    answer(absent, 7);
}
END_TEST

START_TEST(call_that_went_with_its_link_is_new_over_another)
{
    open_pair((struct policy_call_limits){ .in_flight = 0 });
    call_over(far, 7, same, 20000);
    end_session(far);
    call_over(far_2, 9, same, 20000);
    expect_second();
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).calls_recognised, 0);
}
END_TEST

START_TEST(call_of_a_function_that_was_withdrawn_meanwhile_is_not_found)
{
    open_waiting();
    call_away(7);
    struct function_endpoint endpoint =
        rig_peer_endpoint(&rig, absent, (struct rib_facts){ .name = "away" });
    struct delta delta = { .function_removals = &endpoint.key, .function_removal_count = 1 };
    rig_peer_gossip(&rig, node, &delta);
    rig_peer_arrive(&rig, absent);
    expect_error(1, 7, CALL_NOT_FOUND, "the function was withdrawn");
    ck_assert_ptr_null(rig_peer_called(&rig, absent));
}
END_TEST

START_TEST(stop_lets_the_call_be_sent)
{
    open_waiting();
    call_away(7);
    rig_stop(&rig, US);
    expect_held(1);
    rig_peer_arrive(&rig, absent);
    ck_assert(!rig.bridges[US].finished);
    answer(absent, 7);
    rig_pass(&rig, 2 * SEC_NS);
    ck_assert(rig.bridges[US].finished);
}
END_TEST

START_TEST(stop_does_not_wait_for_longer_than_the_call)
{
    open_waiting();
    call_away(7);
    rig_pass(&rig, SEC_NS);
    rig_stop(&rig, US);
    rig_pass(&rig, MEMBER_DIAL_TIMEOUT_NS - SEC_NS);
    expect_error(1, 7, CALL_REMOTE_FAILED, NOT_CONNECTED);
    rig_pass(&rig, 2 * SEC_NS);
    ck_assert(rig.bridges[US].finished);
}
END_TEST

START_TEST(stop_does_not_wait_for_a_call_that_went_with_its_link)
{
    open_waiting();
    call_over(far, 7, same, 20000);
    expect_held(1);
    end_session(far);
    rig_stop(&rig, US);
    rig_pass(&rig, 2 * SEC_NS);
    ck_assert(rig.bridges[US].finished);
}
END_TEST

START_TEST(link_that_drains_waits_for_the_call)
{
    open_waiting();
    call_away(7);
    ck_assert_int_eq(
        bridge_link_command(rig.bridges[US].bridge, 0, LINK_VERB_DRAIN), LINK_VERB_TAKEN);
    rig_pass(&rig, SEC_NS);
    ck_assert(!link_stats().drained);
    rig_peer_arrive(&rig, absent);
    answer(absent, 7);
    rig_pass(&rig, SEC_NS);
    ck_assert(link_stats().drained);
}
END_TEST

START_TEST(bridge_that_is_freed_forgets_the_call)
{
    open_waiting();
    call_over(far, 7, same, 20000);
    expect_held(1);
}
END_TEST

START_TEST(node_that_is_connected_gets_the_call_at_once)
{
    open_waiting();
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "away" });
    call_away(7);
    answer(node, 7);
    ck_assert_uint_eq(link_stats().calls_held, 0);
}
END_TEST

START_TEST(whichever_node_comes_first_gets_the_call)
{
    open_waiting();
    struct rig_peer *other = tell_of("ws://other:1", "away");
    call_away(7);
    rig_peer_refuse(&rig, absent);
    expect_held(1);
    rig_peer_arrive(&rig, other);
    answer(other, 7);
}
END_TEST

START_TEST(node_that_is_dialed_is_waited_for_though_another_is_away)
{
    open_waiting();
    rig_peer_refuse(&rig, absent);
    struct rig_peer *other = tell_of("ws://zother:1", "away");
    struct rig_peer *third = tell_of("ws://aother:1", "away");
    rig_peer_refuse(&rig, third);
    call_away(7);
    expect_held(1);
    rig_peer_arrive(&rig, other);
    answer(other, 7);
}
END_TEST

START_TEST(large_arguments_arrive_whole)
{
    open_waiting();
    struct link_frame call = {
        .type = LINK_FRAME_CALL,
        .call = { .call_id = 7,
            .route_id = route_of("away"),
            .timeout_ms = 5000,
            .hops_left = 4,
            .path = plain_call.path,
            .kwargs = SPAN("{}") },
    };
    call.call.args = long_json('[', ']', MESSAGE_SIZE_MAX / 2 + 1);
    rig_far_send(&rig, far, &call);
    expect_held(1);
    rig_peer_arrive(&rig, absent);
    ck_assert_ptr_nonnull(rig_peer_called(&rig, absent));
    ck_assert_uint_eq(rig_peer_called(&rig, absent)->args.size, call.call.args.size);
}
END_TEST

START_TEST(without_memory_a_call_is_not_held)
{
    rig.memory_max = (size_t)8 * 1024 * 1024;
    open_within((struct policy_call_limits){ .in_flight = 1000 });
    struct link_frame call = {
        .type = LINK_FRAME_CALL,
        .call = { .route_id = route_of("away"),
            .timeout_ms = 20000,
            .hops_left = 4,
            .path = plain_call.path,
            .kwargs = SPAN("{}") },
    };
    call.call.args = long_json('[', ']', (size_t)64 * 1024 + (size_t)_i * 16);
    while (replies() == 0) {
        call.call.call_id++;
        ck_assert_uint_lt(call.call.call_id, 200);
        rig_far_send(&rig, far, &call);
    }
    uint64_t open = call.call.call_id - 1;
    ck_assert_uint_gt(open, 10);
    ck_assert_uint_eq(frame.reply.call_id, call.call.call_id);
    ck_assert_uint_eq(frame.reply.code, (uint16_t)CALL_OVERLOADED);
    ck_assert(span_is(frame.reply.body, "the far bridge is out of memory"));
    ck_assert_uint_eq(link_stats().from_link.in_flight, open);
    ck_assert_uint_eq(
        bridge_call_limit(rig.bridges[US].bridge, 0, POLICY_EXPORT, SPAN("limited"))->in_flight,
        open);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_held");
    TCase *tcase = tcase_create("held");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, call_is_sent_when_its_node_is_up);
    tcase_add_test(tcase, call_of_a_node_that_was_just_lost_waits_for_its_return);
    tcase_add_test(tcase, calls_are_sent_in_the_order_in_which_they_came);
    tcase_add_test(tcase, call_fails_when_the_dial_does);
    tcase_add_test(tcase, call_of_a_lost_node_is_not_found_when_it_is_dead);
    tcase_add_test(tcase, call_waits_as_long_as_a_dial_may_take);
    tcase_add_test(tcase, time_of_the_call_goes_on);
    tcase_add_test(tcase, node_has_what_is_left_of_the_time);
    tcase_add_test(tcase, timeout_of_its_rule_ends_it);
    tcase_add_test(tcase, timeout_of_its_rule_counts_from_its_beginning);
    tcase_add_test(tcase, limit_of_calls_in_flight_counts_it);
    tcase_add_test(tcase, call_goes_with_the_session_of_its_link);
    tcase_add_test(tcase, call_goes_on_with_a_session_that_resumes);
    tcase_add_test(tcase, same_call_over_another_link_takes_its_place);
    tcase_add_test(tcase, same_call_over_the_same_link_takes_its_place);
    tcase_add_test(tcase, call_that_went_with_its_link_is_new_over_another);
    tcase_add_test(tcase, call_of_a_function_that_was_withdrawn_meanwhile_is_not_found);
    tcase_add_test(tcase, stop_lets_the_call_be_sent);
    tcase_add_test(tcase, stop_does_not_wait_for_longer_than_the_call);
    tcase_add_test(tcase, stop_does_not_wait_for_a_call_that_went_with_its_link);
    tcase_add_test(tcase, link_that_drains_waits_for_the_call);
    tcase_add_test(tcase, bridge_that_is_freed_forgets_the_call);
    tcase_add_test(tcase, node_that_is_connected_gets_the_call_at_once);
    tcase_add_test(tcase, whichever_node_comes_first_gets_the_call);
    tcase_add_test(tcase, node_that_is_dialed_is_waited_for_though_another_is_away);
    tcase_add_test(tcase, large_arguments_arrive_whole);
    tcase_add_loop_test(tcase, without_memory_a_call_is_not_held, 0, 8);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
