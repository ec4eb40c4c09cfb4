/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_peers.c - calls to other nodes and from them, and leaving the cluster. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "node/node_state.h"
#include "tests/support/check_failed.h"
#include "tests/support/expect_text.h"
#include "tests/support/node_rig.h"

#define ANSWER(r_, u_)                                                                             \
    "{\"r\":" r_ ",\"error\":null,\"u\":\"" u_                                                     \
    "\",\"intermediate_results\":[],\"execution_summary\":null}"
#define ERROR(code_, message_, details_, u_)                                                       \
    "{\"r\":null,\"error\":{\"code\":" #code_ ",\"message\":\"" message_                           \
    "\",\"details\":" details_ "},\"u\":\"" u_                                                     \
    "\",\"intermediate_results\":[],\"execution_summary\":null}"
#define FAILED(details_, u_) ERROR(1003, "RPC execution failed", "\"" details_ "\"", u_)

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

#define FAR    "ws://127.0.0.1:7002"
#define FAR_2  "ws://127.0.0.1:7003"
#define PEER   50u
#define PEER_2 51u
#define CLIENT 100u

static const struct node_function functions[] = {
    { .identity = { TEXT("add"), TEXT("add"), TEXT("2.1.0"), { 2, 1, 0 }, NULL }, .worker = 3 },
};

static struct rig rig;

static void
set_up(void)
{
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    rig_start(&rig, &config);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    rig_meet(&rig, PEER, FAR, "far");
}

static void
tear_down(void)
{
    rig_stop(&rig);
}

/* The request that went to the peer, kept over the next step. */
static const char *
call_sent(uint64_t conn)
{
    static char kept[8192];
    (void)snprintf(kept, sizeof(kept), "%s", rig_sent(&rig, conn));
    return kept;
}

START_TEST(a_function_of_another_node_is_called_there_with_the_bytes_that_came)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[1.50],\"kwargs\":{\"k\": 0},"
        "\"locs\":[\"gpu\"],\"version_constraint\":\">=1.1\",\"function_id\":\"far\"}]",
        "u1");
    const char *request = call_sent(PEER);
    expect_part("role", request, "\"role\":\"fabric-message\"");
    expect_part("topic", request, "\"topic\":\"mpreg.rpc.execute.far\"");
    expect_part("args", request, "\"args\":[1.50],\"kwargs\":{\"k\": 0},\"resources\":[\"gpu\"]");
    expect_part("constraint", request, "\"version_constraint\":\">=1.1\"");
    expect_part("node", request, "\"target_node\":\"" FAR "\"");
    ck_assert_uint_eq(node_stats(rig.node).calls_remote, 1);
    rig_respond(&rig, PEER, FAR, request, "\"success\":true,\"result\": {\"y\": 2.50}");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":{\"y\": 2.50}}", "u1"));
}
END_TEST

START_TEST(a_failure_over_there_is_a_value_here)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u1");
    rig_respond(&rig, PEER, FAR, call_sent(PEER),
        "\"success\":false,\"result\":null,\"error\":{\"error\":\"kaboom\",\"command\":\"far\","
        "\"error_type\":\"ValueError\"}");
    expect("with an error object", rig_sent(&rig, CLIENT),
        ANSWER("{\"x\":{\"error\":\"kaboom\",\"command\":\"far\",\"error_type\":\"ValueError\"}}",
            "u1"));
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u2");
    rig_respond(&rig, PEER, FAR, call_sent(PEER), "\"success\":false,\"error\":null");
    expect("without one", rig_sent(&rig, CLIENT),
        ANSWER("{\"x\":{\"error\":\"fabric_rpc_failed\",\"command\":\"far\"}}", "u2"));
}
END_TEST

START_TEST(remote_results_feed_later_levels)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[1]},"
        "{\"name\":\"y\",\"fun\":\"far\",\"args\":[\"x.v\"]}]",
        "u1");
    rig_respond(&rig, PEER, FAR, call_sent(PEER), "\"success\":true,\"result\":{\"v\":[7]}");
    const char *second = call_sent(PEER);
    expect_part("args", second, "\"args\":[[7]]");
    rig_respond(&rig, PEER, FAR, second, "\"success\":true,\"result\":8");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"y\":8}", "u1"));
}
END_TEST

START_TEST(a_node_that_is_lost_mid_call_is_named_at_once)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u1");
    const char *request = call_sent(PEER);
    rig_event(&rig, EVENT_CLOSED, PEER);
    expect("answer", rig_sent(&rig, CLIENT),
        FAILED("the connection to node " FAR " broke while it ran far", "u1"));
    rig_event(&rig, EVENT_ACCEPTED, PEER);
    rig_respond(&rig, PEER, FAR, request, "\"success\":true,\"result\":1");
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
}
END_TEST

START_TEST(a_node_that_says_nothing_times_the_request_out)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u1");
    rig_wait(&rig, 29 * SEC_NS);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    rig_wait(&rig, SEC_NS);
    expect("answer", rig_sent(&rig, CLIENT),
        ERROR(1004, "RPC execution timed out after 30.0 seconds",
            "\"The RPC workflow took too long to complete\"", "u1"));
}
END_TEST

START_TEST(a_node_that_is_not_connected_is_named_at_once)
{
    /* It called us, and cannot be dialed. */
    rig_wait(&rig, 0);
    struct event refused = {
        .kind = EVENT_REFUSED,
        .ticket = rig_find(&rig, ACTION_DIAL, 0)->ticket,
    };
    rig_step(&rig, &refused);
    rig_event(&rig, EVENT_CLOSED, PEER);
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u1");
    expect("answer", rig_sent(&rig, CLIENT),
        FAILED("node " FAR ", which serves far, is not connected to this node right now", "u1"));
}
END_TEST

START_TEST(what_cannot_be_sent_to_one_node_goes_to_another)
{
    rig_meet(&rig, PEER_2, FAR_2, "far");
    rig_event(&rig, EVENT_CLOSED, PEER);
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u1");
    expect_part("request", call_sent(PEER_2), "\"target_node\":\"" FAR_2 "\"");
    rig_respond(&rig, PEER_2, FAR_2, call_sent(PEER_2), "\"success\":true,\"result\":1");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":1}", "u1"));
}
END_TEST

START_TEST(a_node_that_does_not_read_is_sent_no_calls)
{
    rig_event(&rig, EVENT_CONGESTED, PEER);
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u1");
    expect("answer", rig_sent(&rig, CLIENT),
        FAILED("node " FAR ", which serves far, does not read as fast as it is sent calls", "u1"));
    rig_event(&rig, EVENT_DRAINED, PEER);
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u2");
    ck_assert_str_ne(call_sent(PEER), "");
}
END_TEST

START_TEST(a_call_too_large_for_its_connection_is_refused)
{
    static char cmds[DIALED_MESSAGE_SIZE_MAX + 128];
    size_t at =
        (size_t)snprintf(cmds, sizeof(cmds), "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[\"");
    memset(&cmds[at], 'x', DIALED_MESSAGE_SIZE_MAX);
    (void)snprintf(&cmds[at + DIALED_MESSAGE_SIZE_MAX], 16, "\"]}]");
    rig_ask(&rig, CLIENT, cmds, "u1");
    expect("answer", rig_sent(&rig, CLIENT),
        FAILED("node " FAR
               ", which serves far, takes no call as large as this one on its connection",
            "u1"));
}
END_TEST

START_TEST(who_leaves_mid_call_leaves_no_call_behind)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"}]", "u1");
    const char *request = call_sent(PEER);
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 1);
    rig_event(&rig, EVENT_CLOSED, CLIENT);
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 0);
    rig_respond(&rig, PEER, FAR, request, "\"success\":true,\"result\":1");
    ck_assert_uint_eq(rig.count, 0);
}
END_TEST

START_TEST(one_failure_takes_back_the_other_calls)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"},{\"name\":\"y\",\"fun\":\"nowhere\"}]",
        "u1");
    expect("answer", rig_sent(&rig, CLIENT),
        ERROR(1001, "Command not found", "\"Command not found: nowhere\"", "u1"));
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 0);
}
END_TEST

START_TEST(calls_from_other_nodes_are_served)
{
    rig_call(&rig, PEER, FAR, "add", "[1, 2]");
    const struct rig_action *run = rig_find(&rig, ACTION_EXECUTE, 0);
    ck_assert_ptr_nonnull(run);
    expect("args", run->text, "[1, 2]");
    ck_assert_uint_eq(run->worker, 3);
    rig_result(&rig, run->ticket, "{\"sum\": 3}");
    expect_part("result", rig_sent(&rig, PEER), "\"request_id\":\"q-add\"");
    expect_part("result", rig_sent(&rig, PEER), "\"success\":true,\"result\":{\"sum\": 3}");

    rig_call(&rig, PEER, FAR, "add", "[]");
    rig_failure(&rig, rig_find(&rig, ACTION_EXECUTE, 0)->ticket, "TypeError", "no numbers");
    expect_part("failure", rig_sent(&rig, PEER),
        "{\"error\":\"no numbers\",\"command\":\"add\",\"error_type\":\"TypeError\"}");

    rig_call(&rig, PEER, FAR, "echo", "[5]");
    expect_part("built-in", rig_sent(&rig, PEER), "\"success\":true,\"result\":5");
    rig_call(&rig, PEER, FAR, "rpc_describe_local", "[{\"function_name\":\"add\"}]");
    expect_part("describe", rig_sent(&rig, PEER), "\"name\":\"add\"");
    rig_call(&rig, PEER, FAR, "echo", "[]");
    expect_part("built-in failure", rig_sent(&rig, PEER), "\"error_type\":\"TypeError\"");

    rig_call(&rig, PEER, FAR, "nobody", "[]");
    expect_part("unknown", rig_sent(&rig, PEER), "\"error\":\"fabric_route_not_found\"");
    ck_assert_uint_eq(node_stats(rig.node).calls_served, 6);
}
END_TEST

START_TEST(a_call_meant_for_another_node_is_not_run_here)
{
    rig_message(&rig, PEER,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"q\",\"topic\":"
        "\"mpreg.rpc.execute.add\",\"message_type\":\"rpc\",\"payload\":{\"kind\":"
        "\"rpc-request\",\"request_id\":\"q\","
        "\"command\":\"add\",\"args\":[],\"kwargs\":{},\"target_node\":\"" FAR_2
        "\",\"reply_to\":\"" FAR "\"},\"headers\":{\"correlation_id\":\"q\",\"source_cluster\":"
        "\"" RIG_CLUSTER "\",\"routing_path\":[\"" FAR "\"]}}}");
    ck_assert_ptr_null(rig_find(&rig, ACTION_EXECUTE, 0));
    expect_part("refusal", rig_sent(&rig, PEER), "\"error\":\"fabric_route_not_found\"");
}
END_TEST

START_TEST(a_served_call_that_takes_too_long_is_dropped_in_silence)
{
    rig_call(&rig, PEER, FAR, "add", "[]");
    uint64_t ticket = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_wait(&rig, NODE_REQUEST_TIMEOUT_NS);
    rig_result(&rig, ticket, "1");
    ck_assert_uint_eq(rig.count, 0);
}
END_TEST

START_TEST(a_stop_lets_what_is_open_end)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"a\",\"fun\":\"add\"},{\"name\":\"b\",\"fun\":\"add\",\"args\":[\"a\"]}]",
        "u1");
    uint64_t first = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_event(&rig, EVENT_STOP, 0);
    ck_assert(!node_ready(rig.node));
    expect_part("withdrawal", rig_sent(&rig, PEER), "\"function_removals\":[{");
    rig_ask(&rig, CLIENT, "[{\"name\":\"e\",\"fun\":\"echo\",\"args\":[1]}]", "u2");
    expect("new request", rig_sent(&rig, CLIENT),
        ERROR(1003, "this node is shutting down", "\"ask another node of the cluster\"", "u2"));
    rig_call(&rig, PEER, FAR, "add", "[]");
    expect_part("new call", rig_sent(&rig, PEER), "\"error\":\"fabric_route_not_found\"");
    rig_result(&rig, first, "1");
    uint64_t second = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_result(&rig, second, "2");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"b\":2}", "u1"));
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_CLOSE, CLIENT));
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_CLOSE, PEER));
    ck_assert_ptr_null(rig_find(&rig, ACTION_FINISHED, 0));
    rig_event(&rig, EVENT_CLOSED, CLIENT);
    ck_assert_ptr_null(rig_find(&rig, ACTION_FINISHED, 0));
    rig_event(&rig, EVENT_CLOSED, PEER);
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_FINISHED, 0));
    rig_wait(&rig, SEC_NS);
    ck_assert_ptr_null(rig_find(&rig, ACTION_FINISHED, 0));
}
END_TEST

START_TEST(a_stop_waits_no_longer_than_it_says)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"a\",\"fun\":\"add\"}]", "u1");
    rig_call(&rig, PEER, FAR, "add", "[]");
    rig_event(&rig, EVENT_STOP, 0);
    rig_event(&rig, EVENT_STOP, 0);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    ck_assert_uint_le(node_deadline(rig.node, rig.now).ns, rig.now.mono.ns + NODE_DRAIN_NS);
    rig_wait(&rig, NODE_DRAIN_NS);
    expect("request", rig_sent(&rig, CLIENT), FAILED("this node is shutting down", "u1"));
    ck_assert_ptr_null(rig_find(&rig, ACTION_FINISHED, 0));
    rig_wait(&rig, NODE_LEAVE_NS);
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_FINISHED, 0));
}
END_TEST

START_TEST(a_stop_of_a_lonely_node_ends_at_once)
{
    rig_event(&rig, EVENT_CLOSED, CLIENT);
    rig_event(&rig, EVENT_CLOSED, PEER);
    rig_event(&rig, EVENT_STOP, 0);
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_FINISHED, 0));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("node_peers");
    TCase *tests = tcase_create("peers");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_function_of_another_node_is_called_there_with_the_bytes_that_came);
    tcase_add_test(tests, a_failure_over_there_is_a_value_here);
    tcase_add_test(tests, remote_results_feed_later_levels);
    tcase_add_test(tests, a_node_that_is_lost_mid_call_is_named_at_once);
    tcase_add_test(tests, a_node_that_says_nothing_times_the_request_out);
    tcase_add_test(tests, a_node_that_is_not_connected_is_named_at_once);
    tcase_add_test(tests, what_cannot_be_sent_to_one_node_goes_to_another);
    tcase_add_test(tests, a_node_that_does_not_read_is_sent_no_calls);
    tcase_add_test(tests, a_call_too_large_for_its_connection_is_refused);
    tcase_add_test(tests, who_leaves_mid_call_leaves_no_call_behind);
    tcase_add_test(tests, one_failure_takes_back_the_other_calls);
    tcase_add_test(tests, calls_from_other_nodes_are_served);
    tcase_add_test(tests, a_call_meant_for_another_node_is_not_run_here);
    tcase_add_test(tests, a_served_call_that_takes_too_long_is_dropped_in_silence);
    tcase_add_test(tests, a_stop_lets_what_is_open_end);
    tcase_add_test(tests, a_stop_waits_no_longer_than_it_says);
    tcase_add_test(tests, a_stop_of_a_lonely_node_ends_at_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
