/* SPDX-License-Identifier: Apache-2.0 */
/* test_fabric.c - calls between servers: requests and responses, read and written in pieces. */
#include <check.h>
#include <stdlib.h>

#include "core/fabric.h"
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

#define FABRIC(members_) "{\"role\":\"fabric-message\",\"payload\":{" members_ "}}"
#define NAMES            "\"message_id\":\"m1\",\"topic\":\"t1\""
#define RPC(payload_)                                                                              \
    FABRIC(NAMES                                                                                   \
        ",\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"q1\"},\"payload\":{" payload_ \
        "}")

static enum message_result
decode(struct span message, struct fabric *fabric)
{
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    ck_assert_int_eq(wire.envelope.kind, ENVELOPE_FABRIC);
    return fabric_decode(&wire.envelope, &wire.scratch, fabric, &wire.fault);
}

static const char full_request[] =
    "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"q1\",\"topic\":"
    "\"mpreg.rpc.execute.ad\\\"d\",\"message_type\":\"rpc\",\"delivery\":\"at_least_once\","
    "\"payload\":{\"kind\":\"rpc-request\",\"request_id\":\"q1\",\"command\":\"ad\\\"d\","
    "\"args\":[2, 3],\"kwargs\":{\"k\" :1},\"resources\":[\"gpu\"],\"function_id\":\"f1\","
    "\"version_constraint\":\">=1\",\"target_cluster\":\"c1\",\"target_node\":\"ws://b:1\","
    "\"reply_to\":\"ws://a:1\",\"federation_path\":[\"c1\"],\"federation_remaining_hops\":null},"
    "\"headers\":{\"correlation_id\":\"q1\",\"source_cluster\":\"c1\",\"target_cluster\":\"c1\","
    "\"routing_path\":[\"ws://a:1\"],\"federation_path\":[\"c1\"],\"hop_budget\":5,"
    "\"priority\":\"normal\",\"metadata\":{}},\"timestamp\":1.5}}";

/* head, the caller's args, middle, the caller's kwargs, tail: one message after the pieces. */
static struct span
join_request(const struct fabric_request *request, struct fabric_request_split *split)
{
    static uint8_t joined[4096];
    struct buf pieces;
    size_t size = 0;
    buf_init(&pieces, &wire.mem, sizeof(joined));
    buf_add_text(&pieces, "before");
    fabric_request_encode(&pieces, request, (struct wall){ INT64_C(1500000000) }, split);
    ck_assert(!pieces.overflowed);
    ck_assert_uint_eq(pieces.size, 6 + split->head_size + split->middle_size + split->tail_size);
    const struct span parts[] = {
        span_from(&pieces.data[6], split->head_size),
        request->args,
        span_from(&pieces.data[6 + split->head_size], split->middle_size),
        request->kwargs,
        span_from(&pieces.data[6 + split->head_size + split->middle_size], split->tail_size),
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        memcpy(&joined[size], parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    buf_destroy(&pieces);
    return span_from(joined, size);
}

START_TEST(request_comes_back_as_it_was_written)
{
    struct fabric fabric;
    struct fabric_request_split split;
    ck_assert_int_eq(decode(span_from_text(full_request), &fabric), MESSAGE_OK);
    const struct fabric_request *request = &fabric.request;
    ck_assert_int_eq(fabric.kind, FABRIC_REQUEST);
    ck_assert_span(fabric.message_id, "q1");
    ck_assert_span(fabric.topic, "mpreg.rpc.execute.ad\"d");
    ck_assert_span(request->request_id, "q1");
    ck_assert_span(request->command, "ad\"d");
    ck_assert_span(request->args, "[2, 3]");
    ck_assert_span(request->kwargs, "{\"k\" :1}");
    ck_assert_span(request->resources.items[0], "gpu");
    ck_assert_span(request->function_id, "f1");
    ck_assert_span(request->version_constraint, ">=1");
    ck_assert_span(request->target_cluster, "c1");
    ck_assert_span(request->target_node, "ws://b:1");
    ck_assert_span(request->reply_to, "ws://a:1");
    ck_assert_span(request->headers.correlation_id, "q1");
    ck_assert_span(request->headers.source_cluster, "c1");
    ck_assert_span(request->headers.target_cluster, "c1");
    ck_assert_span(request->headers.routing_path.items[0], "ws://a:1");
    ck_assert_span(request->headers.federation_path.items[0], "c1");
    ck_assert(request->headers.has_hop_budget);
    ck_assert_int_eq(request->headers.hop_budget, 5);
    ck_assert_span(join_request(request, &split), full_request);
}
END_TEST

START_TEST(empty_choices_of_a_request_are_null)
{
    const struct fabric_request request = {
        .headers.correlation_id = SPAN("q1"),
        .request_id = SPAN("q1"),
        .command = SPAN("add"),
        .args = SPAN("[]"),
        .kwargs = SPAN("{}"),
    };
    struct fabric_request_split split;
    ck_assert_span(join_request(&request, &split),
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"q1\",\"topic\":"
        "\"mpreg.rpc.execute.add\",\"message_type\":\"rpc\",\"delivery\":\"at_least_once\","
        "\"payload\":{\"kind\":\"rpc-request\",\"request_id\":\"q1\",\"command\":\"add\","
        "\"args\":[],\"kwargs\":{},\"resources\":[],\"function_id\":null,"
        "\"version_constraint\":null,\"target_cluster\":null,\"target_node\":null,"
        "\"reply_to\":\"\",\"federation_path\":[],\"federation_remaining_hops\":null},"
        "\"headers\":{\"correlation_id\":\"q1\",\"source_cluster\":null,\"target_cluster\":null,"
        "\"routing_path\":[],\"federation_path\":[],\"hop_budget\":null,"
        "\"priority\":\"normal\",\"metadata\":{}},\"timestamp\":1.5}}");
}
END_TEST

START_TEST(request_needs_no_more_than_a_command)
{
    struct fabric fabric;
    ck_assert_int_eq(
        decode(SPAN(RPC("\"kind\":\"rpc-request\",\"request_id\":\"q1\",\"command\":\"add\"")),
            &fabric),
        MESSAGE_OK);
    ck_assert_int_eq(fabric.kind, FABRIC_REQUEST);
    ck_assert_span(fabric.request.args, "[]");
    ck_assert_span(fabric.request.kwargs, "{}");
    ck_assert_uint_eq(fabric.request.reply_to.size, 0);
    ck_assert(!fabric.request.headers.has_hop_budget);
}
END_TEST

#define RESPONSE(success_, result_, error_)                                                        \
    "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"q1\",\"topic\":"                   \
    "\"mpreg.rpc.response\",\"message_type\":\"rpc\",\"delivery\":\"at_least_once\","              \
    "\"payload\":{\"kind\":\"rpc-response\",\"request_id\":\"q1\",\"success\":" success_           \
    ",\"result\":" result_ ",\"error\":" error_ ",\"responder\":\"ws://b:1\",\"reply_to\":"        \
    "\"ws://a:1\",\"reply_cluster\":\"c1\",\"routing_path\":[\"ws://a:1\",\"ws://b:1\"]},"         \
    "\"headers\":{\"correlation_id\":\"q1\",\"source_cluster\":\"c1\",\"target_cluster\":\"c1\","  \
    "\"routing_path\":[\"ws://b:1\"],\"federation_path\":[\"c1\"],\"hop_budget\":5,"               \
    "\"priority\":\"normal\",\"metadata\":{}},\"timestamp\":1.5}}"

static const struct response_case {
    const char *json;
    bool success;
    const char *result;
    const char *error;
} response_cases[] = {
    { RESPONSE("true", "{\"a\" :1}", "null"), true, "{\"a\" :1}", "" },
    { RESPONSE("true", "null", "null"), true, "null", "" },
    { RESPONSE("false", "null", "{\"error\":\"e\"}"), false, "null", "{\"error\":\"e\"}" },
    { RESPONSE("false", "null", "null"), false, "null", "" },
};

START_TEST(response_comes_back_as_it_was_written)
{
    const struct response_case *c = &response_cases[_i];
    struct fabric fabric;
    struct fabric_response_split split;
    ck_assert_int_eq(decode(span_from_text(c->json), &fabric), MESSAGE_OK);
    const struct fabric_response *response = &fabric.response;
    ck_assert_int_eq(fabric.kind, FABRIC_RESPONSE);
    ck_assert_span(response->request_id, "q1");
    ck_assert_int_eq(response->success, c->success);
    ck_assert_span(response->result, c->result);
    ck_assert_span(response->error, c->error);
    ck_assert_span(response->responder, "ws://b:1");
    ck_assert_span(response->reply_to, "ws://a:1");
    ck_assert_span(response->reply_cluster, "c1");
    ck_assert_uint_eq(response->routing_path.count, 2);
    ck_assert_span(response->routing_path.items[1], "ws://b:1");
    ck_assert_uint_eq(response->headers.routing_path.count, 1);

    struct buf *out = &wire.out;
    fabric_response_encode(out, response, (struct wall){ INT64_C(1500000000) }, &split);
    ck_assert_uint_eq(out->size, split.head_size + split.tail_size);
    struct span head = span_from(out->data, split.head_size);
    struct span tail = span_from(&out->data[split.head_size], split.tail_size);
    struct span want = span_from_text(c->json);
    struct span result = c->success ? response->result : SPAN_NONE;
    ck_assert_msg(span_starts_with(want, head), "head: %.*s", SPAN_ARGS(head));
    ck_assert_uint_eq(head.size + result.size + tail.size, want.size);
    ck_assert_msg(
        span_equal(tail, span_after(want, head.size + result.size)), "tail: %.*s", SPAN_ARGS(tail));
}
END_TEST

START_TEST(response_needs_no_more_than_its_request)
{
    struct fabric fabric;
    ck_assert_int_eq(
        decode(SPAN(RPC("\"kind\":\"rpc-response\",\"request_id\":\"q1\"")), &fabric), MESSAGE_OK);
    ck_assert_int_eq(fabric.kind, FABRIC_RESPONSE);
    ck_assert(!fabric.response.success);
    ck_assert_span(fabric.response.result, "null");
    ck_assert_uint_eq(fabric.response.error.size, 0);
}
END_TEST

static const char *const others[] = {
    FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\"}"),
    FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\"},\"message_type\":\"pubsub\","
                 "\"payload\":{\"topic\":\"x\"}"),
    FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\"},\"message_type\":\"queue\","
                 "\"payload\":{\"kind\":\"rpc-request\"}"),
    FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\"},\"message_type\":\"unheard\""),
    FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\"},\"message_type\":\"rpc\""),
    FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\"},\"message_type\":\"rpc\","
                 "\"payload\":[1]"),
    FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\"},\"message_type\":\"rpc\","
                 "\"payload\":null"),
    RPC(""),
    RPC("\"kind\":null"),
    RPC("\"kind\":\"rpc-gossip\""),
};

START_TEST(what_is_no_call_is_something_else)
{
    struct fabric fabric;
    enum message_result result = decode(span_from_text(others[_i]), &fabric);
    ck_assert_msg(result == MESSAGE_OK, "%s: %s", others[_i], wire.fault.key);
    ck_assert_msg(fabric.kind == FABRIC_OTHER, "%s", others[_i]);
    ck_assert_span(fabric.message_id, "m1");
    ck_assert_span(fabric.topic, "t1");
}
END_TEST

#define CALL(members_)                                                                             \
    RPC("\"kind\":\"rpc-request\",\"request_id\":\"q\",\"command\":\"f\"" members_)

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} fault_cases[] = {
    { FABRIC(""), MESSAGE_MISSING, "message_id" },
    { FABRIC("\"message_id\":\"\",\"topic\":\"t\""), MESSAGE_BAD_VALUE, "message_id" },
    { FABRIC("\"message_id\":\"m\""), MESSAGE_MISSING, "topic" },
    { FABRIC("\"message_id\":\"m\",\"topic\":\"\""), MESSAGE_BAD_VALUE, "topic" },
    { FABRIC(NAMES), MESSAGE_MISSING, "headers" },
    { FABRIC(NAMES ",\"headers\":[]"), MESSAGE_NOT_OBJECT, "headers" },
    { FABRIC(NAMES ",\"headers\":{}"), MESSAGE_MISSING, "correlation_id" },
    { FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"\"}"), MESSAGE_BAD_VALUE, "correlation_id" },
    { FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\",\"routing_path\":\"a\"}"),
        MESSAGE_BAD_TYPE, "routing_path" },
    { FABRIC(NAMES ",\"headers\":{\"correlation_id\":\"q\",\"hop_budget\":\"5\"}"),
        MESSAGE_BAD_TYPE, "hop_budget" },
    { FABRIC(NAMES ",\"topic\":\"t2\""), MESSAGE_DUPLICATE_KEY, "topic" },
    { RPC("\"kind\":\"rpc-request\""), MESSAGE_MISSING, "request_id" },
    { RPC("\"kind\":\"rpc-request\",\"request_id\":\"q\""), MESSAGE_MISSING, "command" },
    { RPC("\"kind\":\"rpc-request\",\"request_id\":\"q\",\"command\":\"\""), MESSAGE_BAD_VALUE,
        "command" },
    { RPC("\"kind\":\"rpc-response\""), MESSAGE_MISSING, "request_id" },
    { RPC("\"kind\":1"), MESSAGE_BAD_TYPE, "kind" },
    { RPC("\"kind\":\"rpc-request\",\"kind\":\"rpc-response\""), MESSAGE_DUPLICATE_KEY, "kind" },
    { CALL(",\"args\":{}"), MESSAGE_BAD_TYPE, "args" },
    { CALL(",\"kwargs\":[]"), MESSAGE_NOT_OBJECT, "kwargs" },
    { CALL(",\"version_constraint\":\"new\""), MESSAGE_BAD_VALUE, "version_constraint" },
    { CALL(",\"reply_to\":1"), MESSAGE_BAD_TYPE, "reply_to" },
    { RPC("\"kind\":\"rpc-response\",\"request_id\":\"q\",\"success\":1"), MESSAGE_BAD_TYPE,
        "success" },
    { RPC("\"kind\":\"rpc-response\",\"request_id\":\"q\",\"error\":\"e\""), MESSAGE_NOT_OBJECT,
        "error" },
};

START_TEST(message_is_refused_by_key)
{
    const struct fault_case *c = &fault_cases[_i];
    struct fabric fabric;
    enum message_result result = decode(span_from_text(c->json), &fabric);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

START_TEST(path_of_a_call_is_capped)
{
    struct fabric fabric;
    for (uint32_t count = PATH_COUNT_MAX; count <= PATH_COUNT_MAX + 1; count++) {
        wire_reset(&wire);
        buf_add_text(&wire.out, "{\"role\":\"fabric-message\",\"payload\":{" NAMES
                                ",\"headers\":{\"correlation_id\":\"q\",\"routing_path\":[\"a\"");
        for (uint32_t i = 1; i < count; i++) {
            buf_add_text(&wire.out, ",\"a\"");
        }
        buf_add_text(&wire.out, "]}}}");
        enum message_result want = count > PATH_COUNT_MAX ? MESSAGE_TOO_LARGE : MESSAGE_OK;
        ck_assert_int_eq(decode(buf_span(&wire.out), &fabric), want);
    }
    ck_assert_str_eq(wire.fault.key, "routing_path");
}
END_TEST

START_TEST(error_object_has_three_texts)
{
    fabric_error_encode(&wire.out, SPAN("bad \"x\""), SPAN("add"), SPAN("ValueError"));
    ck_assert_span(buf_span(&wire.out),
        "{\"error\":\"bad \\\"x\\\"\",\"command\":\"add\",\"error_type\":\"ValueError\"}");
}
END_TEST

START_TEST(code_of_an_error_object_is_a_number_or_none)
{
    static const struct {
        const char *error;
        int64_t code;
    } cases[] = {
        { "{\"error\":\"down\",\"code\":2002,\"details\":{\"code\":1}}", FABRIC_CODE_LINK_DOWN },
        { "{\"code\":-7}", -7 },
        { "{\"error\":\"kaboom\"}", 0 },
        { "{\"code\":\"2002\"}", 0 },
        { "{\"code\":2002.5}", 0 },
        { "{\"code\":2002,\"code\":2002}", 0 },
        { "{\"details\":{\"code\":2002}}", 0 },
        { "[2002]", 0 },
        { "", 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t code = fabric_error_code(span_from_text(cases[i].error), &wire.tape);
        ck_assert_msg(code == cases[i].code, "%s: got %ld", cases[i].error, (long)code);
    }
}
END_TEST

START_TEST(overflow_of_the_pieces_is_seen)
{
    struct buf out;
    struct fabric_request_split split;
    const struct fabric_request request = { .command = SPAN("f") };
    buf_init(&out, &wire.mem, 100);
    fabric_request_encode(&out, &request, (struct wall){ 0 }, &split);
    ck_assert(out.overflowed);
    ck_assert_uint_eq(out.size, split.head_size + split.middle_size + split.tail_size);
    buf_destroy(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fabric");
    TCase *tcase = tcase_create("fabric");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, request_comes_back_as_it_was_written);
    tcase_add_test(tcase, empty_choices_of_a_request_are_null);
    tcase_add_test(tcase, request_needs_no_more_than_a_command);
    tcase_add_loop_test(
        tcase, response_comes_back_as_it_was_written, 0, (int)COUNT_OF(response_cases));
    tcase_add_test(tcase, response_needs_no_more_than_its_request);
    tcase_add_loop_test(tcase, what_is_no_call_is_something_else, 0, (int)COUNT_OF(others));
    tcase_add_loop_test(tcase, message_is_refused_by_key, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, path_of_a_call_is_capped);
    tcase_add_test(tcase, error_object_has_three_texts);
    tcase_add_test(tcase, code_of_an_error_object_is_a_number_or_none);
    tcase_add_test(tcase, overflow_of_the_pieces_is_seen);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
