/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_far_calls.c - calls that come in over a link: which reach a node, and what the far bridge is
 * told of the others.
 */
#include <check.h>
#include <stdlib.h>

#include "bridge/bridge.h"
#include "tests/support/bridge_calls.h"
#include "tests/support/check_failed.h"

/* The one reply that the far bridge has got says this code. */
static void
expect_far_error(const char *name, uint32_t far, uint64_t call_id, enum call_code code)
{
    uint32_t count = rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame);
    ck_assert_msg(count == 1, "%s: %u replies", name, count);
    ck_assert_uint_eq(frame.reply.call_id, call_id);
    ck_assert_msg(frame.reply.status == LINK_REPLY_ERROR && frame.reply.code == (uint16_t)code,
        "%s: status %d code %u, want %s", name, frame.reply.status, frame.reply.code,
        call_code_name(code));
    ck_assert_msg(frame.reply.body.size > 0, "%s: no text", name);
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(stats.from_link.by_result[call_result_index(code)], 1);
    ck_assert_uint_eq(stats.from_link.in_flight, 0);
}

static const struct refused_case {
    const char *name;
    struct rig_far_call call;
    enum call_code code;
} refused_cases[] = {
    { "a route that nobody announced", { 7, "nobody", 5000, 4, LIST(T("eu")), "[]", "{}" },
        CALL_NOT_FOUND },
    { "route 0", { 7, NULL, 5000, 4, LIST(T("eu")), "[]", "{}" }, CALL_NOT_FOUND },
    { "no hop left", { 7, "ours", 5000, 0, LIST(T("eu")), "[]", "{}" }, CALL_LOOP },
    { "we are in the path", { 7, "ours", 5000, 4, LIST(T("ap"), T("us"), T("eu")), "[]", "{}" },
        CALL_LOOP },
    { "no time left", { 7, "ours", 0, 4, LIST(T("eu")), "[]", "{}" }, CALL_DEADLINE_EXCEEDED },
    { "args that are not JSON", { 7, "ours", 5000, 4, LIST(T("eu")), "[1,", "{}" }, CALL_INVALID },
    { "args that break out", { 7, "ours", 5000, 4, LIST(T("eu")), "[],\"x\":[]", "{}" },
        CALL_INVALID },
    { "args that are an object", { 7, "ours", 5000, 4, LIST(T("eu")), "{}", "{}" }, CALL_INVALID },
    { "no args", { 7, "ours", 5000, 4, LIST(T("eu")), "", "{}" }, CALL_INVALID },
    { "kwargs that are not JSON", { 7, "ours", 5000, 4, LIST(T("eu")), "[]", "}" }, CALL_INVALID },
    { "kwargs that are an array", { 7, "ours", 5000, 4, LIST(T("eu")), "[]", "[]" }, CALL_INVALID },
    { "no kwargs", { 7, "ours", 5000, 4, LIST(T("eu")), "[]", "" }, CALL_INVALID },
};

START_TEST(call_that_may_not_come_in_is_answered_and_reaches_no_node)
{
    const struct refused_case *c = &refused_cases[_i];
    uint32_t far = open_with_far_eu();
    far_calls(far, &c->call);
    expect_far_error(c->name, far, 7, c->code);
    ck_assert_msg(rig_peer_called(&rig, node) == NULL, "%s: reached a node", c->name);
    ck_assert_int_eq(rig_link_stats(&rig, US, 0).state, LINK_UP);
}
END_TEST

/* What is larger than the far bridge takes is answered here, both ways, and the link lives on. */
START_TEST(far_bridge_gets_no_larger_frame_than_it_takes)
{
    rig.far_frame_size_max = (uint32_t)LINK_FRAME_SIZE_MIN;
    uint32_t far = open_with_far_eu();
    char *args = arena_take(&rig.wire.arena, LINK_FRAME_SIZE_MIN + 1);
    memset(args, ' ', LINK_FRAME_SIZE_MIN);
    args[0] = '[';
    args[LINK_FRAME_SIZE_MIN - 1] = ']';
    struct span id = rig_peer_call(&rig, node, "f", args);
    const struct fabric_response *answer = rig_peer_answered(&rig, node, id);
    ck_assert_ptr_nonnull(answer);
    ck_assert(!answer->success);
    ck_assert(memmem(answer->error.data, answer->error.size, "2006", 4) != NULL);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_CALL, &frame), 0);
    far_calls(far, &plain_call);
    const struct fabric_request call = *rig_peer_called(&rig, node);
    rig_peer_answer(&rig, node, &call, true, long_json('[', ']', LINK_FRAME_SIZE_MIN));
    expect_far_error("result", far, 7, CALL_PAYLOAD_TOO_LARGE);
    ck_assert_int_eq(rig_link_stats(&rig, US, 0).state, LINK_UP);
}
END_TEST

START_TEST(call_of_a_withdrawn_function_is_not_found)
{
    uint32_t far = open_with_far_eu();
    ck_assert_uint_ne(route_of("ours"), 0);
    rig_peer_retract(&rig, node, (struct rib_facts){ .name = "ours" });
    far_calls(far, &plain_call);
    expect_far_error("withdrawn", far, 7, CALL_NOT_FOUND);
}
END_TEST

START_TEST(route_of_one_link_is_nothing_on_another)
{
    const struct rig_link links[] = { { "eu", NULL, rig_policy(&rig, all, 1, all, 1) },
        { "ap", NULL, rig_policy(&rig, NULL, 0, all, 1) } };
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "ours" });
    rig_far_join(&rig, US, "eu", "eu-1");
    uint32_t ap = rig_far_join(&rig, US, "ap", "ap-1");
    ck_assert_uint_ne(route_of("ours"), 0);
    far_calls(ap, &plain_call);
    ck_assert_uint_eq(rig_far_heard(&rig, ap, LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.code, CALL_NOT_FOUND);
}
END_TEST

START_TEST(node_that_does_not_answer_is_deadline_exceeded_for_the_far_side)
{
    uint32_t far = open_with_far_eu();
    far_calls(far, &plain_call);
    const struct fabric_request call = *rig_peer_called(&rig, node);
    rig_pass(&rig, 5 * SEC_NS);
    expect_far_error("timed out", far, 7, CALL_DEADLINE_EXCEEDED);
    rig_peer_answer(&rig, node, &call, true, SPAN("1"));
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 1);
}
END_TEST

START_TEST(node_that_breaks_off_is_remote_failed_for_the_far_side)
{
    uint32_t far = open_with_far_eu();
    far_calls(far, &plain_call);
    rig_disconnect(&rig, node->conn, SPAN("reset"));
    rig_run(&rig);
    expect_far_error("lost", far, 7, CALL_REMOTE_FAILED);
}
END_TEST

START_TEST(node_that_is_not_connected_is_remote_failed_for_the_far_side)
{
    uint32_t far = open_with_far_eu();
    /* Told by another node: we know of the function, and have no connection to who serves it. */
    struct rig_peer absent = *node;
    absent.url = SPAN("ws://absent:1");
    struct function_endpoint endpoint =
        rig_peer_endpoint(&rig, &absent, (struct rib_facts){ .name = "absent" });
    struct delta delta = { .functions = &endpoint, .function_count = 1 };
    rig_peer_gossip(&rig, node, &delta);
    struct rig_far_call call = plain_call;
    call.function = "absent";
    far_calls(far, &call);
    expect_far_error("absent", far, 7, CALL_REMOTE_FAILED);
}
END_TEST

START_TEST(node_that_is_congested_is_overloaded_for_the_far_side)
{
    uint32_t far = open_with_far_eu();
    congest(node->conn, EVENT_CONGESTED);
    far_calls(far, &plain_call);
    expect_far_error("congested", far, 7, CALL_OVERLOADED);
}
END_TEST

START_TEST(arguments_that_the_node_would_not_accept_are_too_large)
{
    uint32_t far = open_with_far_eu();
    struct link_frame call = {
        .type = LINK_FRAME_CALL,
        .call = { .call_id = 7,
            .route_id = route_of("ours"),
            .timeout_ms = 5000,
            .hops_left = 4,
            .path = plain_call.path,
            .kwargs = SPAN("{}") },
    };
    call.call.args = long_json('[', ']', DIALED_MESSAGE_SIZE_MAX);
    rig_far_send(&rig, far, &call);
    expect_far_error("too large", far, 7, CALL_PAYLOAD_TOO_LARGE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_far_calls");
    TCase *tcase = tcase_create("calls");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, call_that_may_not_come_in_is_answered_and_reaches_no_node, 0,
        (int)COUNT_OF(refused_cases));
    tcase_add_test(tcase, far_bridge_gets_no_larger_frame_than_it_takes);
    tcase_add_test(tcase, call_of_a_withdrawn_function_is_not_found);
    tcase_add_test(tcase, route_of_one_link_is_nothing_on_another);
    tcase_add_test(tcase, node_that_does_not_answer_is_deadline_exceeded_for_the_far_side);
    tcase_add_test(tcase, node_that_breaks_off_is_remote_failed_for_the_far_side);
    tcase_add_test(tcase, node_that_is_not_connected_is_remote_failed_for_the_far_side);
    tcase_add_test(tcase, node_that_is_congested_is_overloaded_for_the_far_side);
    tcase_add_test(tcase, arguments_that_the_node_would_not_accept_are_too_large);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
