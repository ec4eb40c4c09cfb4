/* SPDX-License-Identifier: Apache-2.0 */
/* test_delta.c - catalog updates: functions, nodes, their keys, and the address to dial. */
#include <check.h>
#include <stdlib.h>

#include "core/delta.h"
#include "core/json_write.h"
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

#define UPDATE(members_)                                                                           \
    "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\",\"message_type\":"              \
    "\"catalog_update\",\"sender_id\":\"a\",\"payload\":{" members_ "}}}"
#define IDENTITY "\"identity\":{\"name\":\"add\",\"function_id\":\"a1\",\"version\":\"1.2\"}"

static const struct wall received_at = { INT64_C(5000000000) };

static enum message_result
decode(struct span message, struct delta *delta)
{
    struct gossip gossip;
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    ck_assert_int_eq(
        gossip_decode(&wire.envelope, &wire.scratch, &gossip, &wire.fault), MESSAGE_OK);
    return delta_decode(&wire.envelope, &gossip, received_at, &wire.scratch, delta, &wire.fault);
}

START_TEST(absent_payload_is_an_empty_delta)
{
    static const char *const messages[] = {
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"a\",\"payload\":null}}",
        UPDATE(""),
    };
    struct delta delta;
    ck_assert_int_eq(decode(span_from_text(messages[_i]), &delta), MESSAGE_OK);
    ck_assert_uint_eq(delta.function_count, 0);
    ck_assert_uint_eq(delta.node_count, 0);
    ck_assert_int_eq(delta.sent_at.ns, received_at.ns);
    ck_assert(!delta.has_sent_at);
}
END_TEST

START_TEST(function_needs_no_more_than_its_identity)
{
    struct delta delta;
    ck_assert_int_eq(decode(SPAN(UPDATE("\"functions\":[{" IDENTITY "}]")), &delta), MESSAGE_OK);
    ck_assert_uint_eq(delta.function_count, 1);
    const struct function_endpoint *endpoint = &delta.functions[0];
    ck_assert_span(endpoint->key.identity.name, "add");
    ck_assert_span(endpoint->key.identity.function_id, "a1");
    ck_assert_span(endpoint->key.identity.version_text, "1.2");
    ck_assert_uint_eq(endpoint->key.identity.version.minor, 2);
    ck_assert_span(endpoint->scope, "zone");
    ck_assert_int_eq(endpoint->advertised_at.ns, received_at.ns);
    ck_assert_uint_eq(endpoint->ttl_ns, 30 * SEC_NS);
    ck_assert_uint_eq(endpoint->key.node_id.size, 0);
    ck_assert_uint_eq(endpoint->rpc_summary.size, 0);
}
END_TEST

static const char full_update[] = UPDATE(
    "\"update_id\":\"u1\",\"cluster_id\":\"c1\",\"sent_at\":4.5,\"functions\":[{\"identity\":"
    "{\"name\":\"add\",\"function_id\":\"a1\",\"version\":\"1.2.0\"},\"resources\":[\"gpu\"],"
    "\"node_id\":\"ws://n1:1\",\"cluster_id\":\"c1\",\"scope\":\"global\",\"tags\":[\"t\"],"
    "\"advertised_at\":4.25,\"ttl_seconds\":120.0,\"rpc_summary\":{\"namespace\":\"\"},"
    "\"rpc_spec\":{\"a\":[1]},\"spec_digest\":\"d1\"}],\"function_removals\":[{\"cluster_id\":"
    "\"c1\",\"node_id\":\"ws://n1:1\",\"identity\":{\"name\":\"sub\",\"function_id\":\"s1\","
    "\"version\":\"2.0.0\"},\"resources\":[\"cpu\"]}],\"topics\":[],\"topic_removals\":[],"
    "\"queues\":[],\"queue_removals\":[],\"services\":[],\"service_removals\":[],\"caches\":[],"
    "\"cache_removals\":[],\"cache_profiles\":[],\"cache_profile_removals\":[],\"nodes\":["
    "{\"node_id\":\"ws://n1:1\",\"cluster_id\":\"c1\",\"scope\":\"region\",\"resources\":[\"gpu\"],"
    "\"capabilities\":[\"rpc\"],\"transport_endpoints\":[{\"connection_type\":\"internal\","
    "\"protocol\":\"ws\",\"host\":\"n1\",\"port\":1,\"endpoint\":\"ws://n1:1\"}],\"tags\":[\"x\"],"
    "\"advertised_at\":4.25,\"ttl_seconds\":120.0,\"region\":\"eu\"}],\"node_removals\":["
    "{\"cluster_id\":\"c1\",\"node_id\":\"ws://n2:1\"}]");

START_TEST(delta_comes_back_as_it_was_written)
{
    struct delta delta;
    ck_assert_int_eq(decode(span_from_text(full_update), &delta), MESSAGE_OK);
    ck_assert_span(delta.update_id, "u1");
    ck_assert_span(delta.cluster_id, "c1");
    ck_assert(delta.has_sent_at);
    ck_assert_int_eq(delta.sent_at.ns, INT64_C(4500000000));
    ck_assert_span(delta.functions[0].rpc_summary, "{\"namespace\":\"\"}");
    ck_assert_span(delta.functions[0].spec_digest, "d1");
    ck_assert_uint_eq(delta.functions[0].ttl_ns, 120 * SEC_NS);
    ck_assert_span(delta.function_removals[0].identity.name, "sub");
    ck_assert_span(delta.nodes[0].region, "eu");
    ck_assert_span(delta.nodes[0].dial_url, "ws://n1:1");
    ck_assert_span(delta.node_removals[0].node_id, "ws://n2:1");

    delta_encode(&wire.out, &delta);
    uint32_t payload = 0;
    struct json_want want[] = { { SPAN("payload"), &payload } };
    ck_assert_int_eq(
        json_pick(&wire.envelope.doc, wire.envelope.body, want, 1, NULL), JSON_PICK_OK);
    struct span raw = json_raw(&wire.envelope.doc, payload);
    ck_assert_msg(span_equal(buf_span(&wire.out), raw), "got %.*s\nwant %.*s",
        SPAN_ARGS(buf_span(&wire.out)), SPAN_ARGS(raw));
}
END_TEST

static const struct scope_case {
    const char *written;
    const char *read;
} scope_cases[] = {
    { "\"local\"", "local" },
    { "\"zone\"", "zone" },
    { "\"cluster\"", "zone" },
    { "\"region\"", "region" },
    { "\" Global\\t\"", "global" },
    { "\"LOCAL\"", "local" },
    { "\"galaxy\"", "zone" },
    { "\"\"", "zone" },
    { "null", "zone" },
};

START_TEST(scope_is_one_of_four)
{
    struct delta delta;
    buf_add_text(&wire.out, "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\","
                            "\"message_type\":\"catalog_update\",\"sender_id\":\"a\","
                            "\"payload\":{\"nodes\":[{\"scope\":");
    buf_add_text(&wire.out, scope_cases[_i].written);
    buf_add_text(&wire.out, "}]}}}");
    ck_assert_int_eq(decode(buf_span(&wire.out), &delta), MESSAGE_OK);
    ck_assert_span(delta.nodes[0].scope, scope_cases[_i].read);
}
END_TEST

#define INTERNAL(protocol_, port_)                                                                 \
    "{\"connection_type\":\"internal\",\"protocol\":\"" protocol_                                  \
    "\",\"host\":\"h\",\"port\":" port_ "}"
#define CLIENT(protocol_, port_)                                                                   \
    "{\"connection_type\":\"client\",\"protocol\":\"" protocol_                                    \
    "\",\"host\":\"h\",\"port\":" port_ "}"

static const struct dial_case {
    const char *name;
    const char *endpoints;
    const char *url;
} dial_cases[] = {
    { "none", "[]", "id" },
    { "absent", "null", "id" },
    { "one", "[" INTERNAL("ws", "9000") "]", "ws://h:9000" },
    { "wss before ws", "[" INTERNAL("ws", "1") "," INTERNAL("wss", "2") "]", "wss://h:2" },
    { "internal before wss", "[" CLIENT("wss", "1") "," INTERNAL("ws", "2") "]", "ws://h:2" },
    { "the first of equals", "[" INTERNAL("ws", "1") "," INTERNAL("ws", "2") "]", "ws://h:1" },
    { "others than internal will do", "[" CLIENT("ws", "1") "]", "ws://h:1" },
    { "tcp is not ours", "[" INTERNAL("tcp", "1") "," INTERNAL("tcps", "2") "]", "id" },
    { "tcp beside ws", "[" INTERNAL("tcps", "1") "," CLIENT("ws", "65535") "]", "ws://h:65535" },
    { "no such port", "[" INTERNAL("ws", "65536") "]", "id" },
    { "negative port", "[" INTERNAL("ws", "-1") "]", "id" },
    { "the endpoint's own URL when parts are missing",
        "[{\"connection_type\":\"internal\",\"endpoint\":\"wss://h:7\"}]", "wss://h:7" },
    { "parts before the endpoint's own URL",
        "[{\"protocol\":\"ws\",\"host\":\"h\",\"port\":7,\"endpoint\":\"wss://other:1\"}]",
        "ws://h:7" },
    { "nothing to dial", "[{\"connection_type\":\"internal\"}]", "id" },
};

START_TEST(best_websocket_endpoint_is_dialed)
{
    const struct dial_case *c = &dial_cases[_i];
    struct delta delta;
    buf_add_text(&wire.out, "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\","
                            "\"message_type\":\"catalog_update\",\"sender_id\":\"a\","
                            "\"payload\":{\"nodes\":[{\"node_id\":\"id\",\"transport_endpoints\":");
    buf_add_text(&wire.out, c->endpoints);
    buf_add_text(&wire.out, "}]}}}");
    ck_assert_int_eq(decode(buf_span(&wire.out), &delta), MESSAGE_OK);
    ck_assert_msg(span_is(delta.nodes[0].dial_url, c->url), "%s: got %.*s", c->name,
        SPAN_ARGS(delta.nodes[0].dial_url));
}
END_TEST

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} fault_cases[] = {
    { UPDATE("\"functions\":{}"), MESSAGE_BAD_TYPE, "functions" },
    { UPDATE("\"functions\":[1]"), MESSAGE_NOT_OBJECT, "functions" },
    { UPDATE("\"functions\":[{}]"), MESSAGE_MISSING, "identity" },
    { UPDATE("\"functions\":[{\"identity\":[]}]"), MESSAGE_NOT_OBJECT, "identity" },
    { UPDATE("\"functions\":[{\"identity\":{\"name\":\"a\",\"function_id\":\"a\"}}]"),
        MESSAGE_MISSING, "version" },
    { UPDATE("\"functions\":[{\"identity\":{\"name\":\"a\",\"version\":\"1\"}}]"), MESSAGE_MISSING,
        "function_id" },
    { UPDATE("\"functions\":[{" IDENTITY "},{\"identity\":{\"name\":\"a\",\"function_id\":\"a\","
             "\"version\":\"1.2.3-beta\"}}]"),
        MESSAGE_BAD_VALUE, "version" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"tags\":\"t\"}]"), MESSAGE_BAD_TYPE, "tags" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"resources\":[1]}]"), MESSAGE_BAD_TYPE, "resources" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"node_id\":1}]"), MESSAGE_BAD_TYPE, "node_id" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"node_id\":\"a\",\"node_id\":\"b\"}]"),
        MESSAGE_DUPLICATE_KEY, "node_id" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"ttl_seconds\":\"1\"}]"), MESSAGE_BAD_TYPE,
        "ttl_seconds" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"advertised_at\":1e99}]"), MESSAGE_BAD_VALUE,
        "advertised_at" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"rpc_summary\":\"s\"}]"), MESSAGE_NOT_OBJECT,
        "rpc_summary" },
    { UPDATE("\"functions\":[{" IDENTITY ",\"rpc_spec\":[]}]"), MESSAGE_NOT_OBJECT, "rpc_spec" },
    { UPDATE("\"function_removals\":[{\"node_id\":\"a\"}]"), MESSAGE_MISSING, "identity" },
    { UPDATE("\"nodes\":[1]"), MESSAGE_NOT_OBJECT, "nodes" },
    { UPDATE("\"nodes\":[{\"scope\":1}]"), MESSAGE_BAD_TYPE, "scope" },
    { UPDATE("\"nodes\":[{\"transport_endpoints\":{}}]"), MESSAGE_BAD_TYPE, "transport_endpoints" },
    { UPDATE("\"nodes\":[{\"transport_endpoints\":[\"ws://h:1\"]}]"), MESSAGE_NOT_OBJECT,
        "transport_endpoints" },
    { UPDATE("\"nodes\":[{\"transport_endpoints\":[{\"port\":\"1\"}]}]"), MESSAGE_BAD_TYPE,
        "port" },
    { UPDATE("\"node_removals\":[[]]"), MESSAGE_NOT_OBJECT, "node_removals" },
    { UPDATE("\"sent_at\":\"now\""), MESSAGE_BAD_TYPE, "sent_at" },
};

START_TEST(one_bad_item_spoils_the_message)
{
    const struct fault_case *c = &fault_cases[_i];
    struct delta delta;
    enum message_result result = decode(span_from_text(c->json), &delta);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

START_TEST(tags_of_a_function_are_capped)
{
    struct delta delta;
    for (uint32_t count = LIST_COUNT_MAX; count <= LIST_COUNT_MAX + 1; count++) {
        wire_reset(&wire);
        buf_add_text(&wire.out, "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\","
                                "\"message_type\":\"catalog_update\",\"sender_id\":\"a\","
                                "\"payload\":{\"functions\":[{" IDENTITY ",\"tags\":[\"t\"");
        for (uint32_t i = 1; i < count; i++) {
            buf_add_text(&wire.out, ",\"t\"");
        }
        buf_add_text(&wire.out, "]}]}}}");
        enum message_result want = count > LIST_COUNT_MAX ? MESSAGE_TOO_LARGE : MESSAGE_OK;
        ck_assert_int_eq(decode(buf_span(&wire.out), &delta), want);
    }
    ck_assert_str_eq(wire.fault.key, "tags");
}
END_TEST

START_TEST(without_memory_nothing_is_half_done)
{
    struct delta delta;
    struct gossip gossip;
    size_t first = 0;
    ck_assert_int_eq(wire_scan(&wire, span_from_text(full_update)), MESSAGE_OK);
    ck_assert_int_eq(
        gossip_decode(&wire.envelope, &wire.scratch, &gossip, &wire.fault), MESSAGE_OK);
    arena_destroy(&wire.arena);
    arena_init(&wire.arena, &wire.mem);
    first = wire.mem.used;
    wire.mem.cap = first;
    ck_assert_int_eq(
        delta_decode(&wire.envelope, &gossip, received_at, &wire.scratch, &delta, &wire.fault),
        MESSAGE_NO_MEMORY);
    ck_assert_str_eq(wire.fault.key, "functions");
}
END_TEST

START_TEST(ttl_beyond_the_wire_is_written_as_the_largest)
{
    struct function_endpoint endpoint = { .ttl_ns = UINT64_MAX };
    struct json_writer writer = json_write_into(&wire.out);
    function_endpoint_encode(&writer, &endpoint);
    ck_assert_span(buf_span(&wire.out),
        "{\"identity\":{\"name\":\"\",\"function_id\":\"\",\"version\":\"\"},\"resources\":[],"
        "\"node_id\":\"\",\"cluster_id\":\"\",\"scope\":\"\",\"tags\":[],\"advertised_at\":0.0,"
        "\"ttl_seconds\":9223372036.854775807}");
}
END_TEST

START_TEST(node_without_endpoints_has_an_empty_list)
{
    const struct node_descriptor node = { .key = { SPAN("c"), SPAN("n") }, .scope = SPAN("zone") };
    struct json_writer writer = json_write_into(&wire.out);
    node_descriptor_encode(&writer, &node);
    ck_assert_span(buf_span(&wire.out),
        "{\"node_id\":\"n\",\"cluster_id\":\"c\",\"scope\":\"zone\",\"resources\":[],"
        "\"capabilities\":[],\"transport_endpoints\":[],\"tags\":[],\"advertised_at\":0.0,"
        "\"ttl_seconds\":0.0}");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("delta");
    TCase *tcase = tcase_create("delta");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, absent_payload_is_an_empty_delta, 0, 2);
    tcase_add_test(tcase, function_needs_no_more_than_its_identity);
    tcase_add_test(tcase, delta_comes_back_as_it_was_written);
    tcase_add_loop_test(tcase, scope_is_one_of_four, 0, (int)COUNT_OF(scope_cases));
    tcase_add_loop_test(tcase, best_websocket_endpoint_is_dialed, 0, (int)COUNT_OF(dial_cases));
    tcase_add_loop_test(tcase, one_bad_item_spoils_the_message, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, tags_of_a_function_are_capped);
    tcase_add_test(tcase, without_memory_nothing_is_half_done);
    tcase_add_test(tcase, ttl_beyond_the_wire_is_written_as_the_largest);
    tcase_add_test(tcase, node_without_endpoints_has_an_empty_list);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
