/* SPDX-License-Identifier: Apache-2.0 */
/* test_rpc.c - a client's request: what is read, what is refused, what our own clients send. */
#include <check.h>
#include <stdlib.h>

#include "core/rpc.h"
#include "tests/support/check_failed.h"
#include "tests/support/wire.h"

static struct wire wire;

static void
start(void)
{
    wire_init(&wire);
}

static void
stop(void)
{
    ck_assert(wire_destroy(&wire));
}

#define ck_assert_span(got_, want_)                                                                \
    ck_assert_msg(span_is((got_), (want_)), "got %.*s, want %s", SPAN_ARGS(got_), (want_))

#define REQUEST(commands_) "{\"role\":\"rpc\",\"u\":\"u1\",\"cmds\":[" commands_ "]}"

static enum message_result
decode(struct span message, struct rpc_request *request)
{
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    ck_assert_int_eq(wire.envelope.kind, ENVELOPE_RPC);
    return rpc_decode(&wire.envelope, &wire.scratch, request, &wire.fault);
}

START_TEST(command_needs_two_names)
{
    struct rpc_request request;
    ck_assert_int_eq(
        decode(SPAN(REQUEST("{\"name\":\"x\",\"fun\":\"add\"}")), &request), MESSAGE_OK);
    ck_assert_span(request.u, "u1");
    ck_assert(!request.return_intermediate_results);
    ck_assert(!request.include_execution_summary);
    ck_assert_uint_eq(request.command_count, 1);
    const struct rpc_command *command = &request.commands[0];
    ck_assert_span(command->name, "x");
    ck_assert_span(command->function, "add");
    ck_assert_span(command->args, "[]");
    ck_assert_span(command->kwargs, "{}");
    ck_assert_uint_eq(command->resources.count, 0);
    ck_assert_uint_eq(command->function_id.size, 0);
}
END_TEST

START_TEST(whole_request_is_read)
{
    struct rpc_request request;
    ck_assert_int_eq(
        decode(SPAN("{\"role\":\"rpc\",\"cmds\":[{\"name\":\"x\",\"fun\":\"add\",\"args\":[1, "
                    "{\"fun\":\"no\"}],\"kwargs\":{\"a\" :[]},\"locs\":[\"gpu\",\"cpu\"],"
                    "\"function_id\":\"f1\",\"version_constraint\":\">=1\",\"target_cluster\":"
                    "\"c2\",\"routing_topic\":\"t\"},{\"name\":\"y\",\"fun\":\"sub\",\"args\":null,"
                    "\"kwargs\":null,\"locs\":null,\"function_id\":null}],\"u\":\"u1\","
                    "\"return_intermediate_results\":true,\"include_execution_summary\":true,"
                    "\"intermediate_result_callback_topic\":null,\"debug_mode\":false}"),
            &request),
        MESSAGE_OK);
    ck_assert(request.return_intermediate_results);
    ck_assert(request.include_execution_summary);
    ck_assert_uint_eq(request.command_count, 2);
    ck_assert_span(request.commands[0].args, "[1, {\"fun\":\"no\"}]");
    ck_assert_span(request.commands[0].kwargs, "{\"a\" :[]}");
    ck_assert_span(request.commands[0].resources.items[1], "cpu");
    ck_assert_span(request.commands[0].function_id, "f1");
    ck_assert_span(request.commands[0].version_constraint, ">=1");
    ck_assert_span(request.commands[0].target_cluster, "c2");
    ck_assert_span(request.commands[1].args, "[]");
    ck_assert_span(request.commands[1].kwargs, "{}");
}
END_TEST

START_TEST(request_without_commands_is_left_to_the_engine)
{
    struct rpc_request request;
    ck_assert_int_eq(decode(SPAN(REQUEST("")), &request), MESSAGE_OK);
    ck_assert_uint_eq(request.command_count, 0);
}
END_TEST

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} fault_cases[] = {
    { "{\"role\":\"rpc\",\"u\":\"1\"}", MESSAGE_MISSING, "cmds" },
    { "{\"role\":\"rpc\",\"cmds\":[]}", MESSAGE_MISSING, "u" },
    { "{\"role\":\"rpc\",\"u\":\"1\",\"cmds\":{}}", MESSAGE_BAD_TYPE, "cmds" },
    { REQUEST("1"), MESSAGE_NOT_OBJECT, "cmds" },
    { REQUEST("{\"fun\":\"add\"}"), MESSAGE_MISSING, "name" },
    { REQUEST("{\"name\":\"x\"}"), MESSAGE_MISSING, "fun" },
    { REQUEST("{\"name\":\"x\",\"fun\":1}"), MESSAGE_BAD_TYPE, "fun" },
    { REQUEST("{\"name\":\"x\",\"fun\":\"f\",\"args\":{}}"), MESSAGE_BAD_TYPE, "args" },
    { REQUEST("{\"name\":\"x\",\"fun\":\"f\",\"args\":\"a\"}"), MESSAGE_BAD_TYPE, "args" },
    { REQUEST("{\"name\":\"x\",\"fun\":\"f\",\"kwargs\":[]}"), MESSAGE_NOT_OBJECT, "kwargs" },
    { REQUEST("{\"name\":\"x\",\"fun\":\"f\",\"args\":[],\"args\":[]}"), MESSAGE_DUPLICATE_KEY,
        "args" },
    { REQUEST("{\"name\":\"x\",\"fun\":\"f\",\"locs\":\"gpu\"}"), MESSAGE_BAD_TYPE, "locs" },
    { "{\"role\":\"rpc\",\"u\":\"1\",\"cmds\":[],\"include_execution_summary\":1}",
        MESSAGE_BAD_TYPE, "include_execution_summary" },
};

START_TEST(request_is_refused_by_key)
{
    const struct fault_case *c = &fault_cases[_i];
    struct rpc_request request;
    enum message_result result = decode(span_from_text(c->json), &request);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

static void
write_commands(uint32_t count)
{
    buf_reset(&wire.out);
    buf_add_text(
        &wire.out, "{\"role\":\"rpc\",\"u\":\"1\",\"cmds\":[{\"name\":\"x\",\"fun\":\"f\"}");
    for (uint32_t i = 1; i < count; i++) {
        buf_add_text(&wire.out, ",{\"name\":\"x\",\"fun\":\"f\"}");
    }
    buf_add_text(&wire.out, "]}");
}

START_TEST(commands_are_capped)
{
    struct rpc_request request;
    write_commands(COMMANDS_MAX);
    ck_assert_int_eq(decode(buf_span(&wire.out), &request), MESSAGE_OK);
    ck_assert_uint_eq(request.command_count, COMMANDS_MAX);
    write_commands(COMMANDS_MAX + 1);
    ck_assert_int_eq(decode(buf_span(&wire.out), &request), MESSAGE_TOO_LARGE);
    ck_assert_str_eq(wire.fault.key, "cmds");
}
END_TEST

START_TEST(without_memory_decoding_says_so)
{
    struct rpc_request request;
    ck_assert_int_eq(wire_scan(&wire, SPAN(REQUEST("{\"name\":\"x\",\"fun\":\"f\"}"))), MESSAGE_OK);
    wire.mem.cap = wire.mem.used;
    ck_assert_int_eq(
        rpc_decode(&wire.envelope, &wire.scratch, &request, &wire.fault), MESSAGE_NO_MEMORY);
}
END_TEST

START_TEST(own_request_is_what_clients_send)
{
    const struct rpc_command command = { .function = SPAN("add"), .args = SPAN("[2,3]") };
    struct rpc_request request;
    rpc_encode(&wire.out, &command, SPAN("u1"));
    ck_assert_span(buf_span(&wire.out),
        "{\"role\":\"rpc\",\"cmds\":[{\"name\":\"add\",\"fun\":\"add\",\"args\":[2,3],"
        "\"kwargs\":{},\"locs\":[],\"function_id\":null,\"version_constraint\":null,"
        "\"target_cluster\":null,\"routing_topic\":null}],\"u\":\"u1\","
        "\"return_intermediate_results\":false,\"intermediate_result_callback_topic\":null,"
        "\"include_execution_summary\":false,\"debug_mode\":false}");
    ck_assert_int_eq(decode(buf_span(&wire.out), &request), MESSAGE_OK);
    ck_assert_span(request.commands[0].args, "[2,3]");
}
END_TEST

START_TEST(own_request_carries_every_choice)
{
    const struct span resources[] = { SPAN("gpu") };
    const struct rpc_command command = {
        .function = SPAN("add"),
        .kwargs = SPAN("{\"a\":1}"),
        .resources = { resources, 1 },
        .function_id = SPAN("f1"),
        .version_constraint = SPAN(">=1"),
        .target_cluster = SPAN("c2"),
    };
    struct rpc_request request;
    rpc_encode(&wire.out, &command, SPAN("u1"));
    ck_assert_int_eq(decode(buf_span(&wire.out), &request), MESSAGE_OK);
    ck_assert_span(request.commands[0].name, "add");
    ck_assert_span(request.commands[0].args, "[]");
    ck_assert_span(request.commands[0].kwargs, "{\"a\":1}");
    ck_assert_span(request.commands[0].resources.items[0], "gpu");
    ck_assert_span(request.commands[0].function_id, "f1");
    ck_assert_span(request.commands[0].version_constraint, ">=1");
    ck_assert_span(request.commands[0].target_cluster, "c2");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rpc");
    TCase *tcase = tcase_create("rpc");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, command_needs_two_names);
    tcase_add_test(tcase, whole_request_is_read);
    tcase_add_test(tcase, request_without_commands_is_left_to_the_engine);
    tcase_add_loop_test(tcase, request_is_refused_by_key, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, commands_are_capped);
    tcase_add_test(tcase, without_memory_decoding_says_so);
    tcase_add_test(tcase, own_request_is_what_clients_send);
    tcase_add_test(tcase, own_request_carries_every_choice);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
