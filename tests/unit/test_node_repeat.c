/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_node_repeat.c - calls that are sent to another node when theirs fails: once, in time, and only of functions that
 * say they may be called twice.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
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
#define BROKE(node_, u_)                                                                           \
    ERROR(1003, "RPC execution failed",                                                            \
        "\"the connection to node " node_ " broke while it ran far\"", u_)
#define LINK_DOWN                                                                                  \
    "{\"error\":\"the link is down\",\"command\":\"far\",\"error_type\":\"link_down\","            \
    "\"code\":2002,\"details\":{\"hop\":\"us-1\"}}"

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

#define FAR    "ws://127.0.0.1:7002"
#define FAR_2  "ws://127.0.0.1:7003"
#define FAR_3  "ws://127.0.0.1:7004"
#define PEER   50u
#define PEER_2 51u
#define PEER_3 52u
#define CLIENT 100u

static const struct span idempotent[] = { TEXT("idempotent") };

/* What we serve ourselves. */
static const struct node_function functions[] = {
    { .identity = { TEXT("own"), TEXT("own"), TEXT("2.1.0"), { 2, 1, 0 }, NULL },
        .tags = { idempotent, 1 },
        .worker = 3 },
};

static struct rig rig;

static void
set_up(void)
{
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    rig_start(&rig, &config);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    rig_meet_tagged(&rig, PEER, FAR, "far", "idempotent");
}

static void
tear_down(void)
{
    rig_stop(&rig);
}

/* The request that went to the peer in the last step, kept until the next one to the same peer. */
static const char *
call_sent(uint64_t conn)
{
    static char kept[3][4096];
    char *text = kept[conn - PEER];
    (void)snprintf(text, sizeof(kept[0]), "%s", rig_sent(&rig, conn));
    ck_assert_str_ne(text, "");
    return text;
}

static void
ask(const char *u)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[1.50],\"kwargs\":{\"k\": 0}}]", u);
}

/* Seconds in which these nodes say how they are, and others nothing. */
static void
pass_seconds(uint32_t seconds, const uint64_t *conns, const char *const *urls, size_t count)
{
    char message[512];
    for (uint32_t second = 0; second < seconds; second++) {
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(message, sizeof(message),
                "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\",\"server_url\":\"%s\","
                "\"cluster_id\":\"" RIG_CLUSTER "\",\"instance_id\":\"i-%s\",\"status\":\"ok\","
                "\"active_clients\":0},\"u\":\"s1\"}",
                urls[i], urls[i]);
            rig_message(&rig, conns[i], message);
        }
        rig_wait(&rig, SEC_NS);
    }
}

static uint64_t
repeated(void)
{
    return node_stats(rig.node).calls_repeated;
}

static void
expect_same_id(const char *first, const char *second)
{
    char ids[2][128];
    rig_read(first, "request_id", ids[0], sizeof(ids[0]));
    rig_read(second, "request_id", ids[1], sizeof(ids[1]));
    ck_assert_str_ne(ids[0], "");
    expect("request_id", ids[1], ids[0]);
}

START_TEST(call_of_a_lost_node_goes_to_another_as_it_was)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    const char *first = call_sent(PEER);
    rig_event(&rig, EVENT_CLOSED, PEER);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    const char *second = call_sent(PEER_2);
    expect_part("node", second, "\"target_node\":\"" FAR_2 "\"");
    expect_part("arguments", second, "\"args\":[1.50],\"kwargs\":{\"k\": 0}");
    expect_same_id(first, second);
    ck_assert_uint_eq(repeated(), 1);
    ck_assert_uint_eq(node_stats(rig.node).calls_remote, 2);
    rig_respond(&rig, PEER_2, FAR_2, second, "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
    ck_assert_uint_eq(node_stats(rig.node).requests_failed, 0);
}
END_TEST

START_TEST(each_call_of_a_lost_node_goes_to_another)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    ask("u2");
    rig_ask(
        &rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"},{\"name\":\"y\",\"fun\":\"far\"}]", "u3");
    rig_event(&rig, EVENT_CLOSED, PEER);
    ck_assert_uint_eq(rig_count(&rig, ACTION_SEND, PEER_2), 4);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    ck_assert_uint_eq(repeated(), 4);
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 4);
}
END_TEST

START_TEST(call_is_repeated_once)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    rig_meet_tagged(&rig, PEER_3, FAR_3, "far", "idempotent");
    ask("u1");
    rig_event(&rig, EVENT_CLOSED, PEER);
    ck_assert_str_ne(call_sent(PEER_2), "");
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, PEER_3));
    expect("answer", rig_sent(&rig, CLIENT), BROKE(FAR_2, "u1"));
    ck_assert_uint_eq(repeated(), 1);
}
END_TEST

static const struct unfit_case {
    const char *name;
    const char *first_tag;
    const char *other_function; /* NULL: there is no other node */
    const char *other_tag;
} unfit_cases[] = {
    { "a function without the tag", "public", "far", "idempotent" },
    { "another node whose function is without the tag", "idempotent", "far", "public" },
    { "no other node", "idempotent", NULL, NULL },
    { "no other node with the function", "idempotent", "near", "idempotent" },
};

START_TEST(what_may_not_be_repeated_fails_as_before)
{
    const struct unfit_case *c = &unfit_cases[_i];
    rig_event(&rig, EVENT_CLOSED, PEER);
    rig_wait(&rig, SEC_NS);
    rig_meet_tagged(&rig, PEER, FAR, "far", c->first_tag);
    if (c->other_function != NULL) {
        rig_meet_tagged(&rig, PEER_2, FAR_2, c->other_function, c->other_tag);
    }
    ask("u1");
    ck_assert_msg(rig_find(&rig, ACTION_SEND, PEER) != NULL, "%s: not sent", c->name);
    rig_event(&rig, EVENT_CLOSED, PEER);
    expect(c->name, rig_sent(&rig, CLIENT), BROKE(FAR, "u1"));
    ck_assert_msg(rig_find(&rig, ACTION_SEND, PEER_2) == NULL, "%s: repeated", c->name);
    ck_assert_uint_eq(repeated(), 0);
}
END_TEST

/* The node that would be chosen first is not connected. */
START_TEST(call_goes_to_a_node_that_can_be_reached)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    rig_meet_tagged(&rig, PEER_3, FAR_3, "far", "idempotent");
    ask("u1");
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    rig_event(&rig, EVENT_CLOSED, PEER);
    ck_assert_str_ne(call_sent(PEER_3), "");
}
END_TEST

START_TEST(constraints_of_the_caller_hold_for_the_other_node_too)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"far\",\"locs\":[\"gpu\"],\"version_constraint\":\"==1.2.0\"}]",
        "u1");
    ck_assert_str_ne(call_sent(PEER), "");
    rig_event(&rig, EVENT_CLOSED, PEER);
    const char *second = call_sent(PEER_2);
    expect_part("constraint", second, "\"version_constraint\":\"==1.2.0\"");
    expect_part("resources", second, "\"resources\":[\"gpu\"]");
}
END_TEST

static const char *const no_ways[] = { LINK_DOWN,
    "{\"error\":\"this bridge is shutting down\",\"error_type\":\"draining\",\"code\":2010}" };

START_TEST(call_that_a_bridge_has_no_way_for_goes_to_another)
{
    char outcome[256];
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    (void)snprintf(outcome, sizeof(outcome), "\"success\":false,\"error\":%s", no_ways[_i]);
    rig_respond(&rig, PEER, FAR, call_sent(PEER), outcome);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    rig_respond(&rig, PEER_2, FAR_2, call_sent(PEER_2), "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
    ck_assert_uint_eq(repeated(), 1);
}
END_TEST

START_TEST(error_of_the_second_bridge_is_the_answer)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    rig_respond(&rig, PEER, FAR, call_sent(PEER), "\"success\":false,\"error\":" LINK_DOWN);
    rig_respond(&rig, PEER_2, FAR_2, call_sent(PEER_2), "\"success\":false,\"error\":" LINK_DOWN);
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":" LINK_DOWN "}", "u1"));
}
END_TEST

static const struct failure_case {
    const char *name;
    const char *error;
} failure_cases[] = {
    { "a failure of the function", "{\"error\":\"kaboom\",\"error_type\":\"ValueError\"}" },
    { "another code of a bridge", "{\"error\":\"no\",\"code\":2001}" },
    { "a code that is no number", "{\"error\":\"no\",\"code\":\"2002\"}" },
    { "a code that is said twice", "{\"code\":2002,\"code\":2002}" },
    { "a code further inside", "{\"details\":{\"code\":2002}}" },
};

START_TEST(what_the_function_says_is_the_answer)
{
    const struct failure_case *c = &failure_cases[_i];
    char outcome[256];
    char want[512];
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    (void)snprintf(outcome, sizeof(outcome), "\"success\":false,\"error\":%s", c->error);
    (void)snprintf(want, sizeof(want), ANSWER("{\"x\":%s}", "u1"), c->error);
    rig_respond(&rig, PEER, FAR, call_sent(PEER), outcome);
    expect(c->name, rig_sent(&rig, CLIENT), want);
    ck_assert_uint_eq(repeated(), 0);
}
END_TEST

START_TEST(error_of_a_bridge_that_has_no_other_is_the_answer)
{
    ask("u1");
    rig_respond(&rig, PEER, FAR, call_sent(PEER), "\"success\":false,\"error\":" LINK_DOWN);
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":" LINK_DOWN "}", "u1"));
}
END_TEST

START_TEST(repeated_call_has_the_time_that_is_left)
{
    static const uint64_t conns[] = { PEER, PEER_2 };
    static const char *const urls[] = { FAR, FAR_2 };
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    pass_seconds(20, conns, urls, 2);
    rig_event(&rig, EVENT_CLOSED, PEER);
    ck_assert_str_ne(call_sent(PEER_2), "");
    rig_wait(&rig, 9 * SEC_NS);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    rig_wait(&rig, SEC_NS);
    expect("answer", rig_sent(&rig, CLIENT),
        ERROR(1004, "RPC execution timed out after 30.0 seconds",
            "\"The RPC workflow took too long to complete\"", "u1"));
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 0);
}
END_TEST

START_TEST(arguments_of_later_levels_are_made_again)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[1]},"
        "{\"name\":\"y\",\"fun\":\"far\",\"args\":[\"x.v\"],\"kwargs\":{\"k\": \"x.v\"}}]",
        "u1");
    rig_respond(&rig, PEER, FAR, call_sent(PEER), "\"success\":true,\"result\":{\"v\":[7]}");
    expect_part("first", call_sent(PEER), "\"args\":[[7]],\"kwargs\":{\"k\": [7]}");
    rig_event(&rig, EVENT_CLOSED, PEER);
    const char *second = call_sent(PEER_2);
    expect_part("second", second, "\"args\":[[7]],\"kwargs\":{\"k\": [7]}");
    rig_respond(&rig, PEER_2, FAR_2, second, "\"success\":true,\"result\":8");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"y\":8}", "u1"));
}
END_TEST

START_TEST(function_of_our_own_takes_over)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "own", "idempotent");
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"own\",\"args\":[1.50]}]", "u1");
    ck_assert_str_ne(call_sent(PEER_2), "");
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    const struct rig_action *run = rig_find(&rig, ACTION_EXECUTE, 0);
    ck_assert_ptr_nonnull(run);
    expect("args", run->text, "[1.50]");
    rig_result(&rig, run->ticket, "7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
    ck_assert_uint_eq(repeated(), 1);
}
END_TEST

/* It was asked, so its answer is no breach; but another one was asked since. */
START_TEST(late_answer_of_the_first_node_is_for_nobody)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    const char *first = call_sent(PEER);
    rig_event(&rig, EVENT_CLOSED, PEER);
    const char *second = call_sent(PEER_2);
    rig_meet_tagged(&rig, PEER, FAR, "far", "idempotent");
    rig_respond(&rig, PEER, FAR, first, "\"success\":true,\"result\":1");
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    ck_assert_uint_eq(node_stats(rig.node).member.isolation[ISOLATION_FORGED_SENDER], 0);
    rig_respond(&rig, PEER_2, FAR_2, second, "\"success\":true,\"result\":2");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":2}", "u1"));
}
END_TEST

/* Frozen, or cut off: no connection breaks, and nothing is heard of it. */
START_TEST(call_of_a_silent_node_goes_to_another)
{
    static const uint64_t conns[] = { PEER_2 };
    static const char *const urls[] = { FAR_2 };
    uint32_t seconds = 0;
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    const char *first = call_sent(PEER);
    for (; repeated() == 0 && seconds < 30; seconds++) {
        pass_seconds(1, conns, urls, 1);
    }
    ck_assert_uint_eq(seconds, NODE_SILENCE_NS / SEC_NS);
    const char *second = call_sent(PEER_2);
    expect_part("arguments", second, "\"args\":[1.50],\"kwargs\":{\"k\": 0}");
    expect_same_id(first, second);
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 1);
    /* It wakes up. */
    rig_respond(&rig, PEER, FAR, first, "\"success\":true,\"result\":1");
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    ck_assert_uint_eq(node_stats(rig.node).member.isolation[ISOLATION_FORGED_SENDER], 0);
    rig_respond(&rig, PEER_2, FAR_2, second, "\"success\":true,\"result\":2");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":2}", "u1"));
}
END_TEST

START_TEST(node_that_lives_keeps_its_call_however_long)
{
    static const uint64_t conns[] = { PEER, PEER_2 };
    static const char *const urls[] = { FAR, FAR_2 };
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    const char *request = call_sent(PEER);
    pass_seconds(29, conns, urls, 2);
    ck_assert_uint_eq(repeated(), 0);
    rig_respond(&rig, PEER, FAR, request, "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
}
END_TEST

/* Perhaps it was us who slept. */
START_TEST(no_call_goes_from_one_silent_node_to_another)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    const char *request = call_sent(PEER);
    pass_seconds(29, NULL, NULL, 0);
    ck_assert_uint_eq(repeated(), 0);
    rig_respond(&rig, PEER, FAR, request, "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
}
END_TEST

START_TEST(silence_says_nothing_about_other_functions)
{
    static const uint64_t conns[] = { PEER_2 };
    static const char *const urls[] = { FAR_2 };
    rig_meet_tagged(&rig, PEER_2, FAR_2, "near", "idempotent");
    rig_meet_tagged(&rig, PEER_3, FAR_3, "slow", "public");
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"slow\"}]", "u1");
    const char *request = call_sent(PEER_3);
    ask("u2");
    pass_seconds(29, conns, urls, 1);
    ck_assert_uint_eq(repeated(), 0);
    rig_respond(&rig, PEER_3, FAR_3, request, "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
}
END_TEST

START_TEST(who_leaves_leaves_no_repeated_call_behind)
{
    rig_meet_tagged(&rig, PEER_2, FAR_2, "far", "idempotent");
    ask("u1");
    rig_event(&rig, EVENT_CLOSED, PEER);
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 1);
    rig_event(&rig, EVENT_CLOSED, CLIENT);
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("node_repeat");
    TCase *tests = tcase_create("repeat");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, call_of_a_lost_node_goes_to_another_as_it_was);
    tcase_add_test(tests, each_call_of_a_lost_node_goes_to_another);
    tcase_add_test(tests, call_is_repeated_once);
    tcase_add_loop_test(tests, what_may_not_be_repeated_fails_as_before, 0, COUNT_OF(unfit_cases));
    tcase_add_test(tests, call_goes_to_a_node_that_can_be_reached);
    tcase_add_test(tests, constraints_of_the_caller_hold_for_the_other_node_too);
    tcase_add_loop_test(
        tests, call_that_a_bridge_has_no_way_for_goes_to_another, 0, COUNT_OF(no_ways));
    tcase_add_test(tests, error_of_the_second_bridge_is_the_answer);
    tcase_add_loop_test(tests, what_the_function_says_is_the_answer, 0, COUNT_OF(failure_cases));
    tcase_add_test(tests, error_of_a_bridge_that_has_no_other_is_the_answer);
    tcase_add_test(tests, repeated_call_has_the_time_that_is_left);
    tcase_add_test(tests, arguments_of_later_levels_are_made_again);
    tcase_add_test(tests, function_of_our_own_takes_over);
    tcase_add_test(tests, late_answer_of_the_first_node_is_for_nobody);
    tcase_add_test(tests, call_of_a_silent_node_goes_to_another);
    tcase_add_test(tests, node_that_lives_keeps_its_call_however_long);
    tcase_add_test(tests, no_call_goes_from_one_silent_node_to_another);
    tcase_add_test(tests, silence_says_nothing_about_other_functions);
    tcase_add_test(tests, who_leaves_leaves_no_repeated_call_behind);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
