/* SPDX-License-Identifier: Apache-2.0 */
/* test_status.c - STATUS and GOODBYE: what is read, what is refused, what is written. */
#include <check.h>
#include <stdlib.h>

#include "core/status.h"
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

#define STATUS(members_)                                                                           \
    "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\"," members_ "},\"u\":\"u1\"}"
#define REQUIRED "\"server_url\":\"ws://n1:1\",\"cluster_id\":\"c1\""
#define GOODBYE(members_)                                                                          \
    "{\"role\":\"server\",\"server\":{\"what\":\"GOODBYE\"," members_ "},\"u\":\"u1\"}"

static enum message_result
decode(struct span message, struct status *status)
{
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    ck_assert_int_eq(wire.envelope.kind, ENVELOPE_STATUS);
    return status_decode(&wire.envelope, &wire.scratch, status, &wire.fault);
}

START_TEST(two_names_make_a_status)
{
    struct status status;
    ck_assert_int_eq(decode(SPAN(STATUS(REQUIRED)), &status), MESSAGE_OK);
    ck_assert_span(status.server_url, "ws://n1:1");
    ck_assert_span(status.cluster_id, "c1");
    ck_assert_span(status.status, "ok");
    ck_assert_uint_eq(status.instance_id.size, 0);
    ck_assert_int_eq(status.timestamp.ns, 0);
    ck_assert_int_eq(status.active_clients, 0);
    ck_assert_uint_eq(status.functions.count, 0);
    ck_assert_int_eq(status.messages_processed, 0);
}
END_TEST

static const char full_status[] =
    "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\",\"server_url\":\"ws://n1:1\","
    "\"cluster_id\":\"c1\",\"instance_id\":\"i1\",\"timestamp\":1795335555.5,\"status\":\"busy\","
    "\"active_clients\":3,\"peer_count\":2,\"funs\":[\"add\",\"sub\"],\"locs\":[\"gpu\"],"
    "\"function_catalog\":[{\"name\":\"add\",\"function_id\":\"a\",\"version\":\"1.0.0\","
    "\"resources\":[]}],\"advertised_urls\":[\"ws://n1:1\"],\"metrics\":{"
    "\"messages_processed\":10,\"rpc_responses_skipped\":4,\"server_messages\":5,"
    "\"other_messages\":1}},\"u\":\"u1\"}";

START_TEST(status_comes_back_as_it_was_written)
{
    struct status status;
    const struct function_identity catalog[] = {
        { SPAN("add"), SPAN("a"), SPAN("1.0.0"), { 1, 0, 0 }, NULL },
    };
    ck_assert_int_eq(decode(span_from_text(full_status), &status), MESSAGE_OK);
    ck_assert_span(status.instance_id, "i1");
    ck_assert_int_eq(status.timestamp.ns, INT64_C(1795335555500000000));
    ck_assert_span(status.status, "busy");
    ck_assert_int_eq(status.active_clients, 3);
    ck_assert_int_eq(status.peer_count, 2);
    ck_assert_uint_eq(status.functions.count, 2);
    ck_assert_span(status.functions.items[1], "sub");
    ck_assert_span(status.resources.items[0], "gpu");
    ck_assert_span(status.advertised_urls.items[0], "ws://n1:1");
    ck_assert_int_eq(status.messages_processed, 10);
    ck_assert_int_eq(status.rpc_responses_skipped, 4);
    ck_assert_int_eq(status.server_messages, 5);
    ck_assert_int_eq(status.other_messages, 1);

    status_encode(&wire.out, &status, catalog, 1, wire.envelope.u);
    ck_assert_span(buf_span(&wire.out), full_status);
}
END_TEST

START_TEST(metrics_may_be_anything_and_then_count_as_zero)
{
    struct status status;
    ck_assert_int_eq(
        decode(SPAN(STATUS(REQUIRED ",\"metrics\":{\"messages_processed\":\"many\","
                                    "\"server_messages\":1.5,\"other_messages\":null,\"x\":[]}")),
            &status),
        MESSAGE_OK);
    ck_assert_int_eq(status.messages_processed, 0);
    ck_assert_int_eq(status.server_messages, 0);
    ck_assert_int_eq(status.other_messages, 0);
}
END_TEST

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} status_faults[] = {
    { "{\"role\":\"server\",\"server\":{},\"u\":\"1\"}", MESSAGE_MISSING, "server_url" },
    { STATUS("\"server_url\":\"ws://n1:1\""), MESSAGE_MISSING, "cluster_id" },
    { STATUS("\"server_url\":\"\",\"cluster_id\":\"c1\""), MESSAGE_BAD_VALUE, "server_url" },
    { STATUS("\"server_url\":1,\"cluster_id\":\"c1\""), MESSAGE_BAD_TYPE, "server_url" },
    { STATUS(REQUIRED ",\"cluster_id\":\"c2\""), MESSAGE_DUPLICATE_KEY, "cluster_id" },
    { STATUS(REQUIRED ",\"timestamp\":\"now\""), MESSAGE_BAD_TYPE, "timestamp" },
    { STATUS(REQUIRED ",\"active_clients\":0.5"), MESSAGE_BAD_VALUE, "active_clients" },
    { STATUS(REQUIRED ",\"funs\":\"add\""), MESSAGE_BAD_TYPE, "funs" },
    { STATUS(REQUIRED ",\"locs\":[1]"), MESSAGE_BAD_TYPE, "locs" },
    { STATUS(REQUIRED ",\"metrics\":[]"), MESSAGE_NOT_OBJECT, "metrics" },
    { STATUS(REQUIRED ",\"function_catalog\":{}"), MESSAGE_BAD_TYPE, "function_catalog" },
    { STATUS(REQUIRED ",\"function_catalog\":[1]"), MESSAGE_NOT_OBJECT, "function_catalog" },
    { STATUS(REQUIRED ",\"function_catalog\":[{\"name\":\"a\",\"function_id\":\"a\"}]"),
        MESSAGE_MISSING, "version" },
};

START_TEST(status_is_refused_by_key)
{
    const struct fault_case *c = &status_faults[_i];
    struct status status;
    enum message_result result = decode(span_from_text(c->json), &status);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

static void
encode_urls(uint32_t count)
{
    buf_reset(&wire.out);
    buf_add_text(
        &wire.out, "{\"role\":\"server\",\"server\":{" REQUIRED ",\"advertised_urls\":[\"a\"");
    for (uint32_t i = 1; i < count; i++) {
        buf_add_text(&wire.out, ",\"a\"");
    }
    buf_add_text(&wire.out, "]},\"u\":\"1\"}");
}

START_TEST(lists_of_a_status_are_capped)
{
    struct status status;
    encode_urls(LIST_COUNT_MAX);
    ck_assert_int_eq(decode(buf_span(&wire.out), &status), MESSAGE_OK);
    ck_assert_uint_eq(status.advertised_urls.count, LIST_COUNT_MAX);
    encode_urls(LIST_COUNT_MAX + 1);
    ck_assert_int_eq(decode(buf_span(&wire.out), &status), MESSAGE_TOO_LARGE);
    ck_assert_str_eq(wire.fault.key, "advertised_urls");
}
END_TEST

static enum message_result
decode_goodbye(struct span message, struct goodbye *goodbye)
{
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    ck_assert_int_eq(wire.envelope.kind, ENVELOPE_GOODBYE);
    return goodbye_decode(&wire.envelope, &wire.scratch, goodbye, &wire.fault);
}

START_TEST(goodbye_comes_back_as_it_was_written)
{
    static const char *const names[] = { "graceful_shutdown", "maintenance", "cluster_rebalance",
        "manual_removal" };
    struct goodbye goodbye = {
        .departing_node_url = SPAN("ws://n1:1"),
        .cluster_id = SPAN("c1"),
        .instance_id = SPAN("i1"),
        .reason = (enum goodbye_reason)_i,
        .timestamp = { INT64_C(1500000000) },
    };
    struct goodbye got;
    goodbye_encode(&wire.out, &goodbye, SPAN("u1"));
    ck_assert_int_eq(decode_goodbye(buf_span(&wire.out), &got), MESSAGE_OK);
    ck_assert_int_eq(got.reason, goodbye.reason);
    ck_assert_str_eq(goodbye_reason_name(got.reason), names[_i]);
    ck_assert_span(got.departing_node_url, "ws://n1:1");
    ck_assert_span(got.cluster_id, "c1");
    ck_assert_span(got.instance_id, "i1");
    ck_assert_int_eq(got.timestamp.ns, goodbye.timestamp.ns);
}
END_TEST

START_TEST(goodbye_is_written_as_servers_do)
{
    const struct goodbye goodbye = {
        .departing_node_url = SPAN("ws://n1:1"),
        .cluster_id = SPAN("c1"),
        .timestamp = { INT64_C(1500000000) },
    };
    goodbye_encode(&wire.out, &goodbye, SPAN("u1"));
    ck_assert_span(buf_span(&wire.out),
        GOODBYE("\"departing_node_url\":\"ws://n1:1\",\"cluster_id\":\"c1\","
                "\"reason\":\"graceful_shutdown\",\"instance_id\":\"\",\"timestamp\":1.5"));
}
END_TEST

#define LEAVING "\"departing_node_url\":\"ws://n1:1\",\"cluster_id\":\"c1\""

static const struct fault_case goodbye_faults[] = {
    { GOODBYE("\"cluster_id\":\"c1\",\"reason\":\"maintenance\""), MESSAGE_MISSING,
        "departing_node_url" },
    { GOODBYE("\"departing_node_url\":\"a\",\"reason\":\"maintenance\""), MESSAGE_MISSING,
        "cluster_id" },
    { GOODBYE(LEAVING), MESSAGE_MISSING, "reason" },
    { GOODBYE(LEAVING ",\"reason\":\"boredom\""), MESSAGE_BAD_VALUE, "reason" },
    { GOODBYE(LEAVING ",\"reason\":\"Maintenance\""), MESSAGE_BAD_VALUE, "reason" },
    { GOODBYE(LEAVING ",\"reason\":1"), MESSAGE_BAD_TYPE, "reason" },
};

START_TEST(goodbye_is_refused_by_key)
{
    const struct fault_case *c = &goodbye_faults[_i];
    struct goodbye goodbye;
    enum message_result result = decode_goodbye(span_from_text(c->json), &goodbye);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = tcase_create("status");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, two_names_make_a_status);
    tcase_add_test(tcase, status_comes_back_as_it_was_written);
    tcase_add_test(tcase, metrics_may_be_anything_and_then_count_as_zero);
    tcase_add_loop_test(tcase, status_is_refused_by_key, 0, (int)COUNT_OF(status_faults));
    tcase_add_test(tcase, lists_of_a_status_are_capped);
    tcase_add_loop_test(tcase, goodbye_comes_back_as_it_was_written, 0, 4);
    tcase_add_test(tcase, goodbye_is_written_as_servers_do);
    tcase_add_loop_test(tcase, goodbye_is_refused_by_key, 0, (int)COUNT_OF(goodbye_faults));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
