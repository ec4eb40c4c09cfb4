/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_calls.c - calls between federations: whom they reach, how they end, and what the caller is told
 * when they do not arrive. The side that is called is in test_bridge_far_calls.c.
 */
#include <check.h>
#include <stdlib.h>

#include "bridge/bridge.h"
#include "tests/support/bridge_calls.h"
#include "tests/support/check_failed.h"

static struct rig_peer *worker; /* of the bridge of eu */

/* Version 1 of what is not internal leaves as eu.*. */
static const struct policy_rule_source eu_exports[] = {
    { .id = T("old"),
        .functions = LIST(T("{name**}")),
        .version = T("<2.0.0"),
        .tags.none = LIST(T("internal")),
        .set_function = T("eu.{name}"),
        .action = POLICY_ACCEPT },
};

/* `node` in us calls what `worker` in eu serves: math.add, there known as eu.math.add. */
static void
open_two_bridges(void)
{
    const struct rig_link us[] = { { "eu", "eu", rig_policy(&rig, all, 1, all, 1) } };
    const struct rig_link eu[] = {
        { "us", NULL, rig_policy(&rig, eu_exports, COUNT_OF(eu_exports), all, 1) },
    };
    rig_add_bridge(&rig, "us", us, 1);
    rig_add_bridge(&rig, "eu", eu, 1);
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    worker = rig_peer_join(&rig, EU, "ws://eu-node:1");
    rig_peer_offer(&rig, worker, (struct rib_facts){ .name = "math.add" });
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "eu.math.add"));
}

START_TEST(call_reaches_the_function_by_its_own_name_and_its_result_comes_back)
{
    open_two_bridges();
    struct span id = rig_peer_call(&rig, node, "eu.math.add", "[1, {\"a\" : [2]}]");
    const struct fabric_request *call = rig_peer_called(&rig, worker);
    ck_assert_ptr_nonnull(call);
    ck_assert(span_is(call->command, "math.add"));
    ck_assert(span_is(call->function_id, "math.add"));
    ck_assert(span_is(call->args, "[1, {\"a\" : [2]}]"));
    ck_assert(span_is(call->kwargs, "{}"));
    ck_assert(span_is(call->target_node, "ws://eu-node:1"));
    ck_assert(span_is(call->reply_to, "ws://eu-1:1"));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).to_link.in_flight, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 0).from_link.in_flight, 1);

    rig_peer_answer(&rig, worker, call, true, SPAN("{\"sum\" : 3}"));
    expect_result(id, "{\"sum\" : 3}");
    struct bridge_link_stats near = rig_link_stats(&rig, US, 0);
    struct bridge_link_stats far = rig_link_stats(&rig, EU, 0);
    ck_assert_uint_eq(near.to_link.by_result[CALL_RESULT_OK], 1);
    ck_assert_uint_eq(far.from_link.by_result[CALL_RESULT_OK], 1);
    ck_assert_uint_eq(near.to_link.in_flight + far.from_link.in_flight, 0);
}
END_TEST

START_TEST(error_of_the_function_itself_comes_back_as_it_is)
{
    open_two_bridges();
    struct span id = rig_peer_call(&rig, node, "eu.math.add", "[]");
    rig_peer_answer(
        &rig, worker, rig_peer_called(&rig, worker), false, SPAN("{\"error\":\"zero\"}"));
    const struct fabric_response *answer = rig_peer_answered(&rig, node, id);
    ck_assert_ptr_nonnull(answer);
    ck_assert(!answer->success);
    ck_assert(span_is(answer->error, "{\"error\":\"zero\"}"));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).to_link.by_result[CALL_RESULT_FAILED], 1);
}
END_TEST

START_TEST(call_cannot_reach_a_version_that_is_not_exported)
{
    open_two_bridges();
    /* The same node serves version 2 under the same name: left to itself it would run that one. */
    rig_peer_offer(&rig, worker, (struct rib_facts){ .name = "math.add", .version = "2.0.0" });
    rig_peer_call(&rig, node, "eu.math.add", "[]");
    const struct fabric_request *call = rig_peer_called(&rig, worker);
    ck_assert_ptr_nonnull(call);
    struct version_constraint constraint;
    ck_assert(version_constraint_parse(call->version_constraint, &constraint));
    ck_assert(version_satisfies((struct version){ .major = 1 }, &constraint));
    ck_assert(!version_satisfies((struct version){ .major = 2 }, &constraint));
    ck_assert(!version_satisfies((struct version){ .major = 1, .patch = 1 }, &constraint));
}
END_TEST

START_TEST(call_never_reaches_a_node_whose_function_policy_keeps_in)
{
    open_two_bridges();
    /* Before the other one in every order of choice, but internal. */
    struct rig_peer *internal = rig_peer_join(&rig, EU, "ws://a-node:1");
    rig_peer_offer(
        &rig, internal, (struct rib_facts){ .name = "math.add", .tags = LIST(SPAN("internal")) });
    for (int i = 0; i < 3; i++) {
        rig_peer_call(&rig, node, "eu.math.add", "[]");
    }
    rig_peer_read(&rig, worker);
    ck_assert_uint_eq(worker->call_count, 3);
    ck_assert_ptr_null(rig_peer_called(&rig, internal));
    rig_peer_retract(&rig, worker, (struct rib_facts){ .name = "math.add" });
    rig_peer_call(&rig, node, "eu.math.add", "[]");
    ck_assert_ptr_null(rig_peer_called(&rig, internal));
}
END_TEST

START_TEST(lost_link_answers_near_calls_and_forgets_far_ones)
{
    uint32_t far = open_with_far_eu();
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    far_calls(far, &plain_call);
    const struct fabric_request call = *rig_peer_called(&rig, node);
    uint64_t steps = rig.bridges[US].steps;
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_uint_eq(rig.bridges[US].steps - steps, 1);
    expect_near_error("lost", id, CALL_LINK_DOWN, "us-1", "near");
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).from_link.in_flight, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).to_link.in_flight, 0);
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).member.calls_in_flight, 0);

    /* The node's late answer goes nowhere, not even into the next session. */
    uint32_t next = rig_far_join(&rig, US, "eu", "eu-1");
    rig_peer_answer(&rig, node, &call, true, SPAN("1"));
    ck_assert_uint_eq(rig_far_heard(&rig, next, LINK_FRAME_REPLY, &frame), 0);
    expect_near_error("lost", id, CALL_LINK_DOWN, "us-1", "near");
}
END_TEST

START_TEST(near_call_without_a_reply_is_deadline_exceeded_and_a_late_one_ignored)
{
    uint32_t far = open_with_far_eu();
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    const struct link_call call = *far_called(far);
    ck_assert_uint_eq(call.timeout_ms, 20000);
    ck_assert_uint_eq(call.path.count, 1);
    ck_assert(span_is(call.path.items[0], "us"));
    ck_assert_uint_eq(call.route_id, 1);
    ck_assert_uint_gt(call.hops_left, 0);
    rig_pass(&rig, 20 * SEC_NS - 1);
    ck_assert_ptr_null(rig_peer_answered(&rig, node, id));
    rig_pass(&rig, 1);
    expect_near_error("late", id, CALL_DEADLINE_EXCEEDED, "us-1", "near");
    far_replies(far, call.call_id, LINK_REPLY_OK, 0, SPAN("1"));
    expect_near_error("late", id, CALL_DEADLINE_EXCEEDED, "us-1", "near");
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).to_link.by_result[CALL_RESULT_OK], 0);
}
END_TEST

START_TEST(reply_counts_only_on_the_link_that_was_called)
{
    uint32_t far = open_with_far_eu();
    uint32_t other = rig_far_join(&rig, US, "ap", "ap-1");
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    uint64_t call_id = far_called(far)->call_id;
    far_replies(other, call_id, LINK_REPLY_OK, 0, SPAN("\"forged\""));
    far_replies(far, call_id + 1, LINK_REPLY_OK, 0, SPAN("\"nobody's\""));
    ck_assert_ptr_null(rig_peer_answered(&rig, node, id));
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("\"true\""));
    expect_result(id, "\"true\"");
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("\"again\""));
    expect_result(id, "\"true\"");
}
END_TEST

static const struct reply_case {
    const char *name;
    enum link_reply_status status;
    uint16_t code;
    struct span body;
    enum call_code want;
    const char *hop;
    const char *side;
} reply_cases[] = {
    { "a result that is not JSON", LINK_REPLY_OK, 0, T("{"), CALL_REMOTE_FAILED, "us-1", "near" },
    { "no result", LINK_REPLY_OK, 0, T(""), CALL_REMOTE_FAILED, "us-1", "near" },
    { "a result that breaks out", LINK_REPLY_OK, 0, T("1,\"x\":2"), CALL_REMOTE_FAILED, "us-1",
        "near" },
    { "an error that is no object", LINK_REPLY_FAILED, 0, T("[]"), CALL_REMOTE_FAILED, "us-1",
        "near" },
    { "an error that is not JSON", LINK_REPLY_FAILED, 0, T("boom"), CALL_REMOTE_FAILED, "us-1",
        "near" },
    { "a code", LINK_REPLY_ERROR, 2004, T("slowly"), CALL_RATE_LIMITED, "eu-1", "far" },
    { "a code that nobody knows", LINK_REPLY_ERROR, 9999, T(""), CALL_REMOTE_FAILED, "eu-1",
        "far" },
    { "a text that is no text", LINK_REPLY_ERROR, 1001, T("\xff\"\n"), CALL_NOT_FOUND, "eu-1",
        "far" },
};

START_TEST(reply_that_is_no_result_is_an_error_that_says_who_and_why)
{
    const struct reply_case *c = &reply_cases[_i];
    uint32_t far = open_with_far_eu();
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    far_replies(far, far_called(far)->call_id, c->status, c->code, c->body);
    expect_near_error(c->name, id, c->want, c->hop, c->side);
    uint32_t index = call_result_index(c->want);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).to_link.by_result[index], 1);
}
END_TEST

static const struct huge_case {
    const char *name;
    enum link_reply_status status;
    uint16_t code;
} huge_cases[] = {
    { "a text", LINK_REPLY_ERROR, 2004 },
    { "an error of the function", LINK_REPLY_FAILED, 0 },
    { "a result", LINK_REPLY_OK, 0 },
};

START_TEST(huge_reply_is_answered_all_the_same)
{
    const struct huge_case *c = &huge_cases[_i];
    uint32_t far = open_with_far_eu();
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    struct span body = long_json('{', '}', (size_t)5 * 1024 * 1024);
    far_replies(far, far_called(far)->call_id, c->status, c->code, body);
    const struct fabric_response *answer = rig_peer_answered(&rig, node, id);
    ck_assert_msg(answer != NULL, "%s: not answered", c->name);
    ck_assert_msg(!answer->success, "%s: succeeded", c->name);
    ck_assert_msg(
        answer->error.size < DIALED_MESSAGE_SIZE_MAX, "%s: %zu bytes", c->name, answer->error.size);
    if (c->code != 0) {
        expect_near_error(c->name, id, call_code_from_wire(c->code), "eu-1", "far");
    }
}
END_TEST

START_TEST(congested_link_is_overloaded_for_the_caller)
{
    uint32_t far = open_with_far_eu();
    congest(far, EVENT_CONGESTED);
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    expect_near_error("congested", id, CALL_OVERLOADED, "us-1", "near");
    congest(far, EVENT_DRAINED);
    rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_CALL, &frame), 1);
}
END_TEST

START_TEST(draining_far_side_takes_no_new_calls_and_finishes_old_ones)
{
    uint32_t far = open_with_far_eu();
    struct span old = rig_peer_call(&rig, node, "f", "[]");
    uint64_t call_id = far_called(far)->call_id;
    const struct link_frame drain = { .type = LINK_FRAME_DRAIN };
    rig_far_send(&rig, far, &drain);
    struct span new = rig_peer_call(&rig, node, "f", "[]");
    expect_near_error("draining", new, CALL_DRAINING, "us-1", "near");
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("1"));
    expect_result(old, "1");
}
END_TEST

START_TEST(function_that_is_not_offered_is_not_found)
{
    open_with_far_eu();
    struct span id = rig_peer_call(&rig, node, "nothing", "[]");
    expect_near_error("nothing", id, CALL_NOT_FOUND, "us-1", "near");
}
END_TEST

START_TEST(stop_finishes_calls_under_way_and_refuses_new_ones)
{
    uint32_t far = open_with_far_eu();
    struct span old = rig_peer_call(&rig, node, "f", "[]");
    uint64_t old_id = far_called(far)->call_id;
    far_calls(far, &plain_call);
    const struct fabric_request call = *rig_peer_called(&rig, node);
    rig_stop(&rig, US);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_DRAIN, &frame), 1);
    ck_assert(!rig.bridges[US].finished);

    struct span new = rig_peer_call(&rig, node, "f", "[]");
    expect_near_error("stopping", new, CALL_DRAINING, "us-1", "near");
    struct rig_far_call second = plain_call;
    second.call_id = 8;
    far_calls(far, &second);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.call_id, 8);
    ck_assert_uint_eq(frame.reply.code, CALL_DRAINING);

    rig_peer_answer(&rig, node, &call, true, SPAN("2"));
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 2);
    ck_assert_int_eq(frame.reply.status, LINK_REPLY_OK);
    ck_assert(!rig.bridges[US].finished);
    far_replies(far, old_id, LINK_REPLY_OK, 0, SPAN("1"));
    expect_result(old, "1");
    ck_assert(rig.bridges[US].finished);
    ck_assert(rig.conns[far].closing);
}
END_TEST

START_TEST(stop_does_not_wait_for_ever)
{
    uint32_t far = open_with_far_eu();
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_gt(far_called(far)->call_id, 0);
    rig_stop(&rig, US);
    rig_pass(&rig, BRIDGE_DRAIN_NS - 1);
    ck_assert(!rig.bridges[US].finished);
    rig_pass(&rig, 1 + 2 * SEC_NS);
    ck_assert(rig.bridges[US].finished);
    const struct fabric_response *answer = rig_peer_answered(&rig, node, id);
    ck_assert_ptr_nonnull(answer);
    ck_assert(!answer->success);
}
END_TEST

START_TEST(engine_that_ends_with_calls_under_way_leaves_nothing_behind)
{
    uint32_t far = open_with_far_eu();
    rig_peer_call(&rig, node, "f", "[]");
    far_calls(far, &plain_call);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_calls");
    TCase *tcase = tcase_create("calls");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, call_reaches_the_function_by_its_own_name_and_its_result_comes_back);
    tcase_add_test(tcase, error_of_the_function_itself_comes_back_as_it_is);
    tcase_add_test(tcase, call_cannot_reach_a_version_that_is_not_exported);
    tcase_add_test(tcase, call_never_reaches_a_node_whose_function_policy_keeps_in);
    tcase_add_test(tcase, lost_link_answers_near_calls_and_forgets_far_ones);
    tcase_add_test(tcase, near_call_without_a_reply_is_deadline_exceeded_and_a_late_one_ignored);
    tcase_add_test(tcase, reply_counts_only_on_the_link_that_was_called);
    tcase_add_loop_test(tcase, reply_that_is_no_result_is_an_error_that_says_who_and_why, 0,
        (int)COUNT_OF(reply_cases));
    tcase_add_loop_test(tcase, huge_reply_is_answered_all_the_same, 0, (int)COUNT_OF(huge_cases));
    tcase_add_test(tcase, congested_link_is_overloaded_for_the_caller);
    tcase_add_test(tcase, draining_far_side_takes_no_new_calls_and_finishes_old_ones);
    tcase_add_test(tcase, function_that_is_not_offered_is_not_found);
    tcase_add_test(tcase, stop_finishes_calls_under_way_and_refuses_new_ones);
    tcase_add_test(tcase, stop_does_not_wait_for_ever);
    tcase_add_test(tcase, engine_that_ends_with_calls_under_way_leaves_nothing_behind);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
