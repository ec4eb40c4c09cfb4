/* SPDX-License-Identifier: Apache-2.0 */
/* test_envelope.c - what a message is, why it is refused, and the plain answers. */
#include <check.h>
#include <stdlib.h>

#include "core/envelope.h"
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

static const struct kind_case {
    const char *json;
    enum envelope_kind kind;
    const char *role;
    const char *u;
} kind_cases[] = {
    { "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\"},\"u\":\"1\"}", ENVELOPE_STATUS,
        "server", "1" },
    { "{\"role\":\"server\",\"server\":{},\"u\":\"\"}", ENVELOPE_STATUS, "server", "" },
    { "{\"role\":\"server\",\"server\":{\"what\":null},\"u\":\"1\"}", ENVELOPE_STATUS, "server",
        "1" },
    { "{\"u\":\"\\u0031\",\"server\":{\"what\":\"GOODBYE\"},\"role\":\"server\",\"r\":1}",
        ENVELOPE_GOODBYE, "server", "1" },
    { "{\"role\":\"\\u0072pc\"}", ENVELOPE_RPC, "rpc", "" },
    { "{\"role\":\"fabric-gossip\",\"payload\":{}}", ENVELOPE_GOSSIP, "fabric-gossip", "" },
    { "{\"role\":\"fabric-gossip\",\"payload\":{},\"u\":5}", ENVELOPE_GOSSIP, "fabric-gossip", "" },
    { "{\"role\":\"fabric-message\",\"payload\":{}}", ENVELOPE_FABRIC, "fabric-message", "" },
    { "{\"role\":\"pubsub-publish\",\"u\":\"1\"}", ENVELOPE_PUBLISH, "pubsub-publish", "1" },
    { "{\"role\":\"pubsub-subscribe\"}", ENVELOPE_SUBSCRIBE, "pubsub-subscribe", "" },
    { "{\"role\":\"pubsub-unsubscribe\"}", ENVELOPE_UNSUBSCRIBE, "pubsub-unsubscribe", "" },
    { "{\"role\":\"consensus-proposal\"}", ENVELOPE_CONSENSUS, "consensus-proposal", "" },
    { "{\"role\":\"consensus-vote\"}", ENVELOPE_CONSENSUS, "consensus-vote", "" },
    { "{\"role\":\"pubsub-ack\",\"u\":\"ack_1\"}", ENVELOPE_NOTICE, "pubsub-ack", "ack_1" },
    { "{\"role\":\"pubsub-notification\"}", ENVELOPE_NOTICE, "pubsub-notification", "" },
    { "{\"r\":1,\"u\":\"1\"}", ENVELOPE_RESPONSE, "", "1" },
    { "{\"r\":null}", ENVELOPE_RESPONSE, "", "" },
    { "{\"r\":1,\"u\":7}", ENVELOPE_RESPONSE, "", "" },
    { "{\"r\":1,\"role\":null}", ENVELOPE_RESPONSE, "", "" },
    { "{\"r\":1,\"role\":\"rpc-response\"}", ENVELOPE_RESPONSE, "", "" },
    { "{\"error\":{},\"u\":\"1\"}", ENVELOPE_RESPONSE, "", "1" },
    { "{\"error\":null,\"u\":\"1\"}", ENVELOPE_OTHER_ROLE, "None", "1" },
    { "{}", ENVELOPE_OTHER_ROLE, "None", "" },
    { "{\"role\":null}", ENVELOPE_OTHER_ROLE, "None", "" },
    { "{\"role\":[1]}", ENVELOPE_OTHER_ROLE, "[1]", "" },
    { "{\"role\":\"zz\\u007a\",\"u\":\"1\"}", ENVELOPE_OTHER_ROLE, "zzz", "1" },
    { "{\"role\":\"RPC\"}", ENVELOPE_OTHER_ROLE, "RPC", "" },
    { "{\"role\":\"zzz\",\"error\":{}}", ENVELOPE_OTHER_ROLE, "zzz", "" },
};

START_TEST(scan_tells_the_kind)
{
    const struct kind_case *c = &kind_cases[_i];
    enum message_result result = wire_scan(&wire, span_from_text(c->json));
    const struct envelope *envelope = &wire.envelope;
    ck_assert_msg(result == MESSAGE_OK, "%s: got %s %s", c->json, message_result_name(result),
        wire.fault.key);
    ck_assert_msg(envelope->kind == c->kind, "%s: got %s, want %s", c->json,
        envelope_kind_name(envelope->kind), envelope_kind_name(c->kind));
    ck_assert_span(envelope->role, c->role);
    ck_assert_span(envelope->u, c->u);
    bool has_body = c->kind == ENVELOPE_STATUS || c->kind == ENVELOPE_GOODBYE ||
                    c->kind == ENVELOPE_GOSSIP || c->kind == ENVELOPE_FABRIC;
    ck_assert_int_eq(envelope->body != 0, has_body);
}
END_TEST

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} fault_cases[] = {
    { "not json", MESSAGE_NOT_JSON, "" },
    { "", MESSAGE_NOT_JSON, "" },
    { "{\"role\":\"rpc\"} x", MESSAGE_NOT_JSON, "" },
    { "{\"role\":\"\\ud800\"}", MESSAGE_NOT_JSON, "" },
    { "{\"role\":\"\xff\"}", MESSAGE_NOT_JSON, "" },
    { "[1,2]", MESSAGE_NOT_OBJECT, "" },
    { "\"rpc\"", MESSAGE_NOT_OBJECT, "" },
    { "{\"role\":\"rpc\",\"role\":\"server\"}", MESSAGE_DUPLICATE_KEY, "role" },
    { "{\"role\":\"rpc\",\"u\":\"1\",\"\\u0075\":\"2\"}", MESSAGE_DUPLICATE_KEY, "u" },
    { "{\"r\":1,\"r\":2}", MESSAGE_DUPLICATE_KEY, "r" },
    { "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\"}}", MESSAGE_MISSING, "u" },
    { "{\"role\":\"server\",\"server\":{},\"u\":null}", MESSAGE_MISSING, "u" },
    { "{\"role\":\"server\",\"server\":{},\"u\":1}", MESSAGE_BAD_TYPE, "u" },
    { "{\"role\":\"rpc\",\"u\":1}", MESSAGE_BAD_TYPE, "u" },
    { "{\"role\":\"zzz\",\"u\":1}", MESSAGE_BAD_TYPE, "u" },
    { "{\"role\":\"server\",\"u\":\"1\"}", MESSAGE_MISSING, "server" },
    { "{\"role\":\"server\",\"server\":null,\"u\":\"1\"}", MESSAGE_MISSING, "server" },
    { "{\"role\":\"server\",\"server\":[],\"u\":\"1\"}", MESSAGE_NOT_OBJECT, "server" },
    { "{\"role\":\"server\",\"server\":{\"what\":\"HELLO\"},\"u\":\"1\"}", MESSAGE_BAD_VALUE,
        "what" },
    { "{\"role\":\"server\",\"server\":{\"what\":1},\"u\":\"1\"}", MESSAGE_BAD_TYPE, "what" },
    { "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\",\"what\":\"GOODBYE\"},\"u\":\"1\"}",
        MESSAGE_DUPLICATE_KEY, "what" },
    { "{\"role\":\"fabric-gossip\"}", MESSAGE_MISSING, "payload" },
    { "{\"role\":\"fabric-gossip\",\"payload\":\"x\"}", MESSAGE_NOT_OBJECT, "payload" },
    { "{\"role\":\"fabric-message\",\"payload\":null}", MESSAGE_MISSING, "payload" },
    { "{\"role\":\"fabric-message\",\"payload\":1}", MESSAGE_NOT_OBJECT, "payload" },
};

START_TEST(scan_refuses_what_the_reference_closes_on)
{
    const struct fault_case *c = &fault_cases[_i];
    wire.envelope.body = 99;
    enum message_result result = wire_scan(&wire, span_from_text(c->json));
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_int_eq(wire.fault.result, c->result);
    ck_assert_str_eq(wire.fault.key, c->key);
    ck_assert_uint_eq(wire.envelope.body, 99);
}
END_TEST

static struct span
long_member(const char *head, size_t size, const char *tail)
{
    buf_reset(&wire.out);
    buf_add_text(&wire.out, head);
    for (size_t i = 0; i < size; i++) {
        buf_add_u8(&wire.out, '1');
    }
    buf_add_text(&wire.out, tail);
    return buf_span(&wire.out);
}

START_TEST(names_beyond_the_cap_are_refused_where_they_are_used)
{
    ck_assert_int_eq(
        wire_scan(&wire, long_member("{\"role\":\"", NAME_SIZE_MAX, "\"}")), MESSAGE_OK);
    ck_assert_int_eq(
        wire_scan(&wire, long_member("{\"role\":\"", NAME_SIZE_MAX + 1, "\"}")), MESSAGE_TOO_LARGE);
    ck_assert_str_eq(wire.fault.key, "role");
    ck_assert_int_eq(
        wire_scan(&wire, long_member("{\"role\":", NAME_SIZE_MAX + 1, "}")), MESSAGE_TOO_LARGE);
    ck_assert_int_eq(
        wire_scan(&wire, long_member("{\"role\":\"rpc\",\"u\":\"", NAME_SIZE_MAX + 1, "\"}")),
        MESSAGE_TOO_LARGE);
    ck_assert_str_eq(wire.fault.key, "u");
    ck_assert_int_eq(
        wire_scan(&wire, long_member("{\"r\":1,\"u\":\"", NAME_SIZE_MAX + 1, "\"}")), MESSAGE_OK);
}
END_TEST

START_TEST(document_of_too_many_values_is_too_large)
{
    struct buf *out = &wire.out;
    buf_add_text(out, "{\"a\":[1");
    for (uint32_t i = 0; i < JSON_TOKENS_MAX; i++) {
        buf_add_text(out, ",1");
    }
    buf_add_text(out, "]}");
    ck_assert(!out->overflowed);
    ck_assert_int_eq(wire_scan(&wire, buf_span(out)), MESSAGE_TOO_LARGE);
    ck_assert_str_eq(wire.fault.key, "");
}
END_TEST

START_TEST(without_memory_scan_says_so)
{
    static const char *const messages[] = {
        "{\"role\":\"rpc\",\"u\":\"\\t\"}",
        "{\"role\":\"z\\t\"}",
        "{\"r\":1,\"u\":\"\\t\"}",
    };
    struct span message = span_from_text(messages[_i]);
    wire.mem.cap = 0;
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_NO_MEMORY);
    ck_assert_str_eq(wire.fault.key, "");
    wire.mem.cap = SIZE_MAX;
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    arena_destroy(&wire.arena);
    arena_init(&wire.arena, &wire.mem);
    wire.mem.cap = wire.mem.used;
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_NO_MEMORY);
    ck_assert_str_ne(wire.fault.key, "");
}
END_TEST

static struct answer
decode_answer(struct span message)
{
    struct answer answer;
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    ck_assert_int_eq(
        answer_decode(&wire.envelope, &wire.scratch, &answer, &wire.fault), MESSAGE_OK);
    return answer;
}

START_TEST(answer_comes_back_as_it_was_written)
{
    answer_encode(&wire.out, SPAN("{\"add\":5}"), SPAN("u\"1"));
    ck_assert_span(buf_span(&wire.out),
        "{\"r\":{\"add\":5},\"error\":null,\"u\":\"u\\\"1\",\"intermediate_results\":[],"
        "\"execution_summary\":null}");
    struct answer answer = decode_answer(buf_span(&wire.out));
    ck_assert_span(answer.r, "{\"add\":5}");
    ck_assert_span(answer.u, "u\"1");
    ck_assert(!answer.failed);
    ck_assert_int_eq(answer.error_code, 0);
}
END_TEST

START_TEST(error_comes_back_as_it_was_written)
{
    answer_encode_error(
        &wire.out, 1001, SPAN("Command not found"), SPAN("\"Command not found: x\""), SPAN("7"));
    ck_assert_span(buf_span(&wire.out),
        "{\"r\":null,\"error\":{\"code\":1001,\"message\":\"Command not found\","
        "\"details\":\"Command not found: x\"},\"u\":\"7\",\"intermediate_results\":[],"
        "\"execution_summary\":null}");
    struct answer answer = decode_answer(buf_span(&wire.out));
    ck_assert(answer.failed);
    ck_assert_int_eq(answer.error_code, 1001);
    ck_assert_span(answer.error_message, "Command not found");
    ck_assert_span(answer.error_details, "\"Command not found: x\"");
    ck_assert_span(answer.r, "null");
}
END_TEST

START_TEST(error_without_details_has_null)
{
    answer_encode_error(&wire.out, 1004, SPAN(""), SPAN_NONE, SPAN("7"));
    struct answer answer = decode_answer(buf_span(&wire.out));
    ck_assert(answer.failed);
    ck_assert_uint_eq(answer.error_details.size, 0);
}
END_TEST

START_TEST(answer_may_lack_nearly_everything)
{
    struct answer answer = decode_answer(SPAN("{\"error\":{}}"));
    ck_assert(answer.failed);
    ck_assert_uint_eq(answer.r.size, 0);
    ck_assert_uint_eq(answer.u.size, 0);
    ck_assert_int_eq(answer.error_code, 0);
}
END_TEST

static const struct fault_case answer_faults[] = {
    { "{\"r\":1,\"error\":\"no\"}", MESSAGE_NOT_OBJECT, "error" },
    { "{\"r\":1,\"error\":{\"code\":\"x\"}}", MESSAGE_BAD_TYPE, "code" },
    { "{\"r\":1,\"error\":{\"code\":0.5}}", MESSAGE_BAD_VALUE, "code" },
    { "{\"r\":1,\"error\":{\"message\":1}}", MESSAGE_BAD_TYPE, "message" },
    { "{\"r\":1,\"error\":{\"code\":1,\"code\":2}}", MESSAGE_DUPLICATE_KEY, "code" },
};

START_TEST(ill_typed_error_is_refused)
{
    const struct fault_case *c = &answer_faults[_i];
    struct answer answer;
    ck_assert_int_eq(wire_scan(&wire, span_from_text(c->json)), MESSAGE_OK);
    ck_assert_int_eq(answer_decode(&wire.envelope, &wire.scratch, &answer, &wire.fault), c->result);
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    static const char *const names[] = { "status", "goodbye", "rpc", "gossip", "fabric", "publish",
        "subscribe", "unsubscribe", "consensus", "notice", "response", "other_role" };
    for (int i = 0; i <= ENVELOPE_OTHER_ROLE; i++) {
        ck_assert_str_eq(envelope_kind_name((enum envelope_kind)i), names[i]);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("envelope");
    TCase *tcase = tcase_create("envelope");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, scan_tells_the_kind, 0, (int)COUNT_OF(kind_cases));
    tcase_add_loop_test(
        tcase, scan_refuses_what_the_reference_closes_on, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, names_beyond_the_cap_are_refused_where_they_are_used);
    tcase_add_test(tcase, document_of_too_many_values_is_too_large);
    tcase_add_loop_test(tcase, without_memory_scan_says_so, 0, 3);
    tcase_add_test(tcase, answer_comes_back_as_it_was_written);
    tcase_add_test(tcase, error_comes_back_as_it_was_written);
    tcase_add_test(tcase, error_without_details_has_null);
    tcase_add_test(tcase, answer_may_lack_nearly_everything);
    tcase_add_loop_test(tcase, ill_typed_error_is_refused, 0, (int)COUNT_OF(answer_faults));
    tcase_add_test(tcase, every_kind_has_a_name);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
