/* SPDX-License-Identifier: Apache-2.0 */
/* test_node.c - clients' requests: levels, references, functions of workers, errors, deadlines, caps. */
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
#define NOT_FOUND(function_, u_)                                                                   \
    ERROR(1001, "Command not found", "\"Command not found: " function_ "\"", u_)
#define TIMED_OUT(u_)                                                                              \
    ERROR(1004, "RPC execution timed out after 30.0 seconds",                                      \
        "\"The RPC workflow took too long to complete\"", u_)

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

static const struct span gpu[] = { TEXT("gpu") };

static const struct node_function functions[] = {
    {
        .identity = { TEXT("add"), TEXT("add"), TEXT("2.1.0"), { 2, 1, 0 }, NULL },
        .summary = TEXT("Adds \"two\" numbers."),
        .worker = 3,
    },
    {
        .identity = { TEXT("train"), TEXT("train"), TEXT("1.0.0"), { 1, 0, 0 }, NULL },
        .resources = { .items = gpu, .count = 1 },
        .worker = 5,
    },
};

#define CLIENT 100u
#define OTHER  101u

static struct rig rig;

static void
set_up(void)
{
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    rig_start(&rig, &config);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    rig_event(&rig, EVENT_ACCEPTED, OTHER);
}

static void
tear_down(void)
{
    rig_stop(&rig);
}

static const struct {
    const char *name;
    const char *cmds;
    const char *want;
} answers[] = {
    { "echo", "[{\"name\":\"echo\",\"fun\":\"echo\",\"args\":[ {\"a\":1e2} ]}]",
        ANSWER("{\"echo\":{\"a\":1e2}}", "u1") },
    { "echo by name", "[{\"name\":\"e\",\"fun\":\"echo\",\"kwargs\":{\"arg\":[1]}}]",
        ANSWER("{\"e\":[1]}", "u1") },
    { "echo of nothing", "[{\"name\":\"e\",\"fun\":\"echo\"}]",
        FAILED("TypeError: echo() takes exactly one argument: 'arg'", "u1") },
    { "echo of two", "[{\"name\":\"e\",\"fun\":\"echo\",\"args\":[1,2]}]",
        FAILED("TypeError: echo() takes exactly one argument: 'arg'", "u1") },
    { "echos", "[{\"name\":\"e\",\"fun\":\"echos\",\"args\":[1,\"two\"]}]",
        ANSWER("{\"e\":[1,\"two\"]}", "u1") },
    { "echos with a keyword", "[{\"name\":\"e\",\"fun\":\"echos\",\"kwargs\":{\"a\":1}}]",
        FAILED("TypeError: echos() takes no keyword arguments", "u1") },
    { "a text like a host name",
        "[{\"name\":\"a\",\"fun\":\"echo\",\"args\":[\"www.example.com\"]}]",
        ANSWER("{\"a\":\"www.example.com\"}", "u1") },
    { "a label that needs escapes", "[{\"name\":\"a\\\"\\u00e9\",\"fun\":\"echo\",\"args\":[1]}]",
        ANSWER("{\"a\\\"\xc3\xa9\":1}", "u1") },
    { "duplicate names: the last one wins",
        "[{\"name\":\"a\",\"fun\":\"echo\",\"args\":[1]},"
        "{\"name\":\"a\",\"fun\":\"echo\",\"args\":[2]}]",
        ANSWER("{\"a\":2}", "u1") },
    { "a chain",
        "[{\"name\":\"s1\",\"fun\":\"echo\",\"args\":[{\"v\":5,\"in\":{\"deep\":[1,2]}}]},"
        "{\"name\":\"l1\",\"fun\":\"echo\",\"args\":[\"s1.v\"]},"
        "{\"name\":\"l2\",\"fun\":\"echo\",\"args\":[{\"s1\":[\"s1.in.deep\",\"s1.no\"]}]}]",
        ANSWER("{\"l1\":5,\"l2\":{\"s1\":[[1,2],\"s1.no\"]}}", "u1") },
    { "the last level alone",
        "[{\"name\":\"solo\",\"fun\":\"echo\",\"args\":[\"alone\"]},"
        "{\"name\":\"s1\",\"fun\":\"echo\",\"args\":[4]},"
        "{\"name\":\"l1\",\"fun\":\"echo\",\"args\":[\"s1\"]}]",
        ANSWER("{\"l1\":4}", "u1") },
    { "a keyword reference to what has finished",
        "[{\"name\":\"s1\",\"fun\":\"echo\",\"args\":[4]},"
        "{\"name\":\"s2\",\"fun\":\"echo\",\"kwargs\":{\"arg\":\"s1\"}}]",
        ANSWER("{\"s1\":4,\"s2\":4}", "u1") },
    { "a keyword reference to what comes later",
        "[{\"name\":\"s2\",\"fun\":\"echo\",\"kwargs\":{\"arg\":\"s1\"}},"
        "{\"name\":\"s1\",\"fun\":\"echo\",\"args\":[4]}]",
        ANSWER("{\"s2\":\"s1\",\"s1\":4}", "u1") },
    { "no commands", "[]", FAILED("the request has no commands", "u1") },
    { "a cycle of two",
        "[{\"name\":\"a\",\"fun\":\"echo\",\"args\":[\"b\"]},"
        "{\"name\":\"b\",\"fun\":\"echo\",\"args\":[\"a\"]}]",
        FAILED("CycleError: ('nodes are in a cycle', ['a', 'b', 'a'])", "u1") },
    { "its own name", "[{\"name\":\"echo\",\"fun\":\"echo\",\"args\":[\"echo\"]}]",
        FAILED("CycleError: ('nodes are in a cycle', ['echo', 'echo'])", "u1") },
    { "unknown function", "[{\"name\":\"a\",\"fun\":\"no_such_fn\",\"args\":[1]}]",
        NOT_FOUND("no_such_fn", "u1") },
    { "unknown function later",
        "[{\"name\":\"a\",\"fun\":\"echo\",\"args\":[1]},"
        "{\"name\":\"b\",\"fun\":\"nope\",\"args\":[\"a\"]}]",
        NOT_FOUND("nope", "u1") },
    { "resources that nobody has",
        "[{\"name\":\"a\",\"fun\":\"train\",\"locs\":[\"gpu\",\"tpu\"]}]",
        NOT_FOUND("train", "u1") },
    { "resources that echo does not have",
        "[{\"name\":\"a\",\"fun\":\"echo\",\"args\":[1],\"locs\":[\"gpu\"]}]",
        NOT_FOUND("echo", "u1") },
    { "another id", "[{\"name\":\"a\",\"fun\":\"add\",\"function_id\":\"plus\"}]",
        NOT_FOUND("add", "u1") },
    { "another version", "[{\"name\":\"a\",\"fun\":\"add\",\"version_constraint\":\"<2\"}]",
        NOT_FOUND("add", "u1") },
    { "a version constraint that is none",
        "[{\"name\":\"a\",\"fun\":\"add\",\"version_constraint\":\"newest\"}]",
        FAILED("ValueError: invalid version constraint: newest", "u1") },
    { "another cluster",
        "[{\"name\":\"a\",\"fun\":\"echo\",\"args\":[1],\"target_cluster\":\"c2\"}]",
        NOT_FOUND("echo", "u1") },
    { "our cluster by name",
        "[{\"name\":\"a\",\"fun\":\"echo\",\"args\":[1],\"target_cluster\":\"c1\"}]",
        ANSWER("{\"a\":1}", "u1") },
};

START_TEST(a_request_that_needs_nobody_else_is_answered_at_once)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        rig_ask(&rig, CLIENT, answers[i].cmds, "u1");
        expect(answers[i].name, rig_sent(&rig, CLIENT), answers[i].want);
    }
    ck_assert_uint_eq(node_stats(rig.node).requests, COUNT_OF(answers));
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 0);
}
END_TEST

START_TEST(an_unknown_role_is_named_and_the_connection_stays)
{
    rig_message(&rig, CLIENT, "{\"role\":\"zzz\",\"u\":\"x\"}");
    expect("with u", rig_sent(&rig, CLIENT),
        ERROR(1004, "Invalid RPC request role: zzz", "null", "x"));
    rig_message(&rig, CLIENT, "{\"role\":\"zzz\"}");
    expect("without u", rig_sent(&rig, CLIENT),
        ERROR(1004, "Invalid RPC request role: zzz", "null", "unknown"));
    ck_assert_ptr_null(rig_find(&rig, ACTION_CLOSE, CLIENT));
}
END_TEST

START_TEST(a_function_of_a_worker_gets_the_bytes_that_came)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"add\",\"args\":[1.50, \"\\u00e9\"],\"kwargs\":{\"k\": 0}}]",
        "u2");
    const struct rig_action *run = rig_find(&rig, ACTION_EXECUTE, 0);
    ck_assert_ptr_nonnull(run);
    expect("function", run->function, "add");
    expect("args", run->text, "[1.50, \"\\u00e9\"]");
    expect("kwargs", run->kwargs, "{\"k\": 0}");
    ck_assert_uint_eq(run->worker, 3);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 1);
    rig_result(&rig, run->ticket, "{\"sum\": 2.50}");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":{\"sum\": 2.50}}", "u2"));
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 0);
    ck_assert_uint_eq(node_stats(rig.node).calls_local, 1);
}
END_TEST

START_TEST(a_function_that_raises_fails_the_request_with_its_words)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"add\",\"args\":[\"y\"]}]", "u2");
    uint64_t ticket = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_failure(&rig, ticket, "TypeError", "can only \"add\" numbers");
    expect(
        "answer", rig_sent(&rig, CLIENT), FAILED("TypeError: can only \\\"add\\\" numbers", "u2"));
    ck_assert_uint_eq(node_stats(rig.node).requests_failed, 1);
}
END_TEST

START_TEST(a_function_that_takes_too_long_times_the_request_out)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"add\"}]", "u3");
    uint64_t ticket = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_wait(&rig, 29 * SEC_NS);
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    ck_assert_uint_le(node_deadline(rig.node, rig.now).ns, rig.now.mono.ns + SEC_NS);
    rig_wait(&rig, SEC_NS);
    expect("answer", rig_sent(&rig, CLIENT), TIMED_OUT("u3"));
    rig_result(&rig, ticket, "1");
    ck_assert_uint_eq(rig.count, 0);
}
END_TEST

START_TEST(results_travel_from_level_to_level)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"s1\",\"fun\":\"add\",\"args\":[4]},"
        "{\"name\":\"s2\",\"fun\":\"add\",\"args\":[\"s1.v\"],\"kwargs\":{\"b\":\"s1\"}},"
        "{\"name\":\"s3\",\"fun\":\"train\",\"args\":[\"s2\",\"s1.v\"],\"locs\":[\"gpu\"]},"
        "{\"name\":\"s4\",\"fun\":\"echo\",\"args\":[\"s2\"]}]",
        "u4");
    ck_assert_uint_eq(rig_count(&rig, ACTION_EXECUTE, 0), 1);
    rig_result(&rig, rig_find(&rig, ACTION_EXECUTE, 0)->ticket, "{\"v\":5}");
    const struct rig_action *second = rig_find(&rig, ACTION_EXECUTE, 0);
    expect("args of the second", second->text, "[5]");
    expect("kwargs of the second", second->kwargs, "{\"b\":{\"v\":5}}");
    rig_result(&rig, second->ticket, "\"six\"");
    const struct rig_action *third = rig_find(&rig, ACTION_EXECUTE, 0);
    expect("args of the third", third->text, "[\"six\",5]");
    ck_assert_uint_eq(third->worker, 5);
    rig_result(&rig, third->ticket, "[7]");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"s3\":[7],\"s4\":\"six\"}", "u4"));
}
END_TEST

START_TEST(commands_of_one_level_run_at_the_same_time_and_end_in_any_order)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"a\",\"fun\":\"add\",\"args\":[1]},{\"name\":\"b\",\"fun\":\"add\","
        "\"args\":[2]},{\"name\":\"c\",\"fun\":\"echo\",\"args\":[3]}]",
        "u5");
    ck_assert_uint_eq(rig_count(&rig, ACTION_EXECUTE, 0), 2);
    uint64_t first = rig.actions[0].ticket;
    uint64_t second = rig.actions[1].ticket;
    rig_result(&rig, second, "20");
    ck_assert_uint_eq(rig.count, 0);
    rig_result(&rig, first, "10");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"a\":10,\"b\":20,\"c\":3}", "u5"));
}
END_TEST

START_TEST(the_first_failure_fails_the_request_once)
{
    rig_ask(
        &rig, CLIENT, "[{\"name\":\"a\",\"fun\":\"add\"},{\"name\":\"b\",\"fun\":\"add\"}]", "u6");
    uint64_t first = rig.actions[0].ticket;
    uint64_t second = rig.actions[1].ticket;
    rig_failure(&rig, first, "", "no type");
    expect("answer", rig_sent(&rig, CLIENT), FAILED("no type", "u6"));
    rig_failure(&rig, second, "ValueError", "too late");
    ck_assert_uint_eq(rig.count, 0);
}
END_TEST

START_TEST(a_slow_call_delays_no_other_on_its_connection)
{
    rig_ask(&rig, CLIENT, "[{\"name\":\"slow\",\"fun\":\"add\"}]", "slow");
    uint64_t slow = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_ask(&rig, CLIENT, "[{\"name\":\"e\",\"fun\":\"echo\",\"args\":[1]}]", "quick");
    expect("echo", rig_sent(&rig, CLIENT), ANSWER("{\"e\":1}", "quick"));
    rig_ask(&rig, CLIENT, "[{\"name\":\"q\",\"fun\":\"add\"}]", "quick2");
    rig_result(&rig, rig_find(&rig, ACTION_EXECUTE, 0)->ticket, "2");
    expect("function", rig_sent(&rig, CLIENT), ANSWER("{\"q\":2}", "quick2"));
    rig_result(&rig, slow, "1");
    expect("slow", rig_sent(&rig, CLIENT), ANSWER("{\"slow\":1}", "slow"));
}
END_TEST

START_TEST(who_leaves_mid_call_leaves_nothing_behind)
{
    size_t before = node_stats(rig.node).memory_used;
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"a\",\"fun\":\"add\"},{\"name\":\"b\",\"fun\":\"add\",\"args\":[\"a\"]}]",
        "u7");
    uint64_t ticket = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_ask(&rig, CLIENT, "[{\"name\":\"a\",\"fun\":\"add\"}]", "u8");
    rig_event(&rig, EVENT_CLOSED, CLIENT);
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 0);
    rig_result(&rig, ticket, "1");
    ck_assert_uint_eq(rig.count, 0);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    size_t after = node_stats(rig.node).memory_used;
    ck_assert_msg(after <= before + 4096, "got %zu want %zu", after, before);
}
END_TEST

START_TEST(intermediate_results_and_the_summary_have_the_shape_of_the_reference)
{
    rig_message(&rig, CLIENT,
        "{\"role\":\"rpc\",\"cmds\":[{\"name\":\"s1\",\"fun\":\"add\",\"args\":[4]},"
        "{\"name\":\"l1\",\"fun\":\"echo\",\"args\":[\"s1.v\"]}],\"u\":\"enh\","
        "\"return_intermediate_results\":true,\"include_execution_summary\":true}");
    uint64_t ticket = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig.now.mono.ns += 1500000;
    rig.now.wall.ns += 1500000;
    rig_result(&rig, ticket, "{\"v\":5}");
    expect("answer", rig_sent(&rig, CLIENT),
        "{\"r\":{\"l1\":5},\"error\":null,\"u\":\"enh\",\"intermediate_results\":["
        "{\"request_id\":\"enh\",\"level_index\":0,\"level_results\":{\"s1\":{\"v\":5}},"
        "\"accumulated_results\":{\"s1\":{\"v\":5}},\"total_levels\":2,\"completed_levels\":1,"
        "\"timestamp\":1790000000.0015,\"execution_time_ms\":1.5},"
        "{\"request_id\":\"enh\",\"level_index\":1,\"level_results\":{\"l1\":5},"
        "\"accumulated_results\":{\"s1\":{\"v\":5},\"l1\":5},\"total_levels\":2,"
        "\"completed_levels\":2,\"timestamp\":1790000000.0015,\"execution_time_ms\":0.0}],"
        "\"execution_summary\":{\"request_id\":\"enh\",\"total_execution_time_ms\":1.5,"
        "\"total_levels\":2,\"level_execution_times\":[1.5,0.0],\"bottleneck_level_index\":0,"
        "\"average_level_time_ms\":0.75,\"parallel_commands_executed\":2,"
        "\"cross_cluster_hops\":0}}");
}
END_TEST

START_TEST(too_many_open_requests_are_refused_with_advice)
{
    for (uint32_t i = 0; i < NODE_REQUESTS_PER_CLIENT_MAX; i++) {
        rig_ask(&rig, CLIENT, "[{\"name\":\"a\",\"fun\":\"add\"}]", "open");
    }
    ck_assert_ptr_null(rig_find(&rig, ACTION_SEND, CLIENT));
    rig_ask(&rig, CLIENT, "[{\"name\":\"a\",\"fun\":\"add\"}]", "more");
    expect("one more", rig_sent(&rig, CLIENT),
        ERROR(1003, "too many open requests",
            "\"wait for answers before asking more, or ask another node\"", "more"));
    rig_ask(&rig, CLIENT, "[{\"name\":\"e\",\"fun\":\"echo\",\"args\":[1]}]", "e");
    expect("what is answered at once", rig_sent(&rig, CLIENT), ANSWER("{\"e\":1}", "e"));
    rig_ask(&rig, OTHER, "[{\"name\":\"a\",\"fun\":\"add\"}]", "other");
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_EXECUTE, 0));
}
END_TEST

START_TEST(results_above_what_a_client_takes_fail_the_request)
{
    static char huge[MESSAGE_SIZE_MAX / 2 + 3];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[0] = '"';
    huge[sizeof(huge) - 2] = '"';
    rig_ask(
        &rig, CLIENT, "[{\"name\":\"a\",\"fun\":\"add\"},{\"name\":\"b\",\"fun\":\"add\"}]", "u9");
    uint64_t first = rig.actions[0].ticket;
    uint64_t second = rig.actions[1].ticket;
    rig_result(&rig, first, huge);
    rig_result(&rig, second, huge);
    expect("answer", rig_sent(&rig, CLIENT),
        FAILED("the results are larger than an answer may be", "u9"));
}
END_TEST

START_TEST(arguments_that_grow_too_large_fail_the_request)
{
    static char huge[MESSAGE_SIZE_MAX / 2 + 3];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[0] = '"';
    huge[sizeof(huge) - 2] = '"';
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"a\",\"fun\":\"add\"},"
        "{\"name\":\"b\",\"fun\":\"add\",\"args\":[\"a\",\"a\"]}]",
        "u9");
    rig_result(&rig, rig_find(&rig, ACTION_EXECUTE, 0)->ticket, huge);
    expect("answer", rig_sent(&rig, CLIENT),
        FAILED("the arguments with their references replaced are too large or too deep", "u9"));
}
END_TEST

/* Every request that one client may make; how many of them were refused for want of memory. */
static uint32_t
ask_all(size_t memory_max)
{
    uint32_t refused = 0;
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    config.memory_max = memory_max;
    rig_stop(&rig);
    rig_start(&rig, &config);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    for (uint32_t i = 0; i < NODE_REQUESTS_PER_CLIENT_MAX; i++) {
        rig_ask(&rig, CLIENT, "[{\"name\":\"a\",\"fun\":\"add\"}]", "u");
        refused += strstr(rig_sent(&rig, CLIENT), "out of memory") != NULL;
    }
    return refused;
}

START_TEST(without_memory_a_request_is_refused_and_the_node_lives_on)
{
    /* A little more than a node needs at rest: tables double, so what is too little is found by trying. */
    size_t at_rest = node_stats(rig.node).memory_peak;
    uint32_t refused = 0;
    for (size_t each = 16; each <= 256 && refused == 0; each += 16) {
        refused = ask_all(at_rest + each * NODE_REQUESTS_PER_CLIENT_MAX);
    }
    ck_assert_msg(refused > 0, "no request was refused");
    rig_event(&rig, EVENT_CLOSED, CLIENT);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    rig_ask(&rig, CLIENT, "[{\"name\":\"e\",\"fun\":\"echo\",\"args\":[1]}]", "e");
    expect("afterwards", rig_sent(&rig, CLIENT), ANSWER("{\"e\":1}", "e"));
}
END_TEST

START_TEST(a_function_with_the_name_of_a_command_is_not_offered)
{
    static const struct node_function twice[] = {
        { .identity = { TEXT("echo"), TEXT("echo"), TEXT("3.0.0"), { 3, 0, 0 }, NULL },
            .worker = 1 },
        { .identity = { TEXT("add"), TEXT("add"), TEXT("1.0.0"), { 1, 0, 0 }, NULL }, .worker = 1 },
        { .identity = { TEXT("add"), TEXT("add"), TEXT("1.0.0"), { 1, 0, 0 }, NULL }, .worker = 2 },
    };
    rig_stop(&rig);
    struct node_config config = rig_config(twice, COUNT_OF(twice));
    rig_start(&rig, &config);
    ck_assert_uint_eq(node_stats(rig.node).functions_local, 26);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    rig_ask(&rig, CLIENT, "[{\"name\":\"e\",\"fun\":\"echo\",\"args\":[1]}]", "e");
    expect("echo", rig_sent(&rig, CLIENT), ANSWER("{\"e\":1}", "e"));
}
END_TEST

START_TEST(a_node_without_memory_is_not_created)
{
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    struct log log = rig.log;
    for (size_t memory = 0; memory < 200000; memory += 1000) {
        config.memory_max = memory;
        struct node *node = node_create(&config, (struct hash_key){ 1, 2 }, 3, &log);
        node_free(node);
    }
    config.memory_max = 0;
    ck_assert_ptr_null(node_create(&config, (struct hash_key){ 1, 2 }, 3, &log));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("node");
    TCase *tests = tcase_create("requests");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_request_that_needs_nobody_else_is_answered_at_once);
    tcase_add_test(tests, an_unknown_role_is_named_and_the_connection_stays);
    tcase_add_test(tests, a_function_of_a_worker_gets_the_bytes_that_came);
    tcase_add_test(tests, a_function_that_raises_fails_the_request_with_its_words);
    tcase_add_test(tests, a_function_that_takes_too_long_times_the_request_out);
    tcase_add_test(tests, results_travel_from_level_to_level);
    tcase_add_test(tests, commands_of_one_level_run_at_the_same_time_and_end_in_any_order);
    tcase_add_test(tests, the_first_failure_fails_the_request_once);
    tcase_add_test(tests, a_slow_call_delays_no_other_on_its_connection);
    tcase_add_test(tests, who_leaves_mid_call_leaves_nothing_behind);
    tcase_add_test(tests, intermediate_results_and_the_summary_have_the_shape_of_the_reference);
    tcase_add_test(tests, too_many_open_requests_are_refused_with_advice);
    tcase_add_test(tests, results_above_what_a_client_takes_fail_the_request);
    tcase_add_test(tests, arguments_that_grow_too_large_fail_the_request);
    tcase_add_test(tests, without_memory_a_request_is_refused_and_the_node_lives_on);
    tcase_add_test(tests, a_function_with_the_name_of_a_command_is_not_offered);
    tcase_add_test(tests, a_node_without_memory_is_not_created);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
