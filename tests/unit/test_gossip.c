/* SPDX-License-Identifier: Apache-2.0 */
/* test_gossip.c - the wrapper of gossip: what is read, when it travels, how it is passed on. */
#include <check.h>
#include <stdlib.h>

#include "core/gossip.h"
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

#define GOSSIP(members_) "{\"role\":\"fabric-gossip\",\"payload\":{" members_ "}}"
#define MINIMAL          "\"message_id\":\"m1\",\"message_type\":\"catalog_update\",\"sender_id\":\"a\""

static enum message_result
decode(struct span message, struct gossip *gossip)
{
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    return gossip_decode(&wire.envelope, &wire.scratch, gossip, &wire.fault);
}

START_TEST(three_names_make_a_message)
{
    struct gossip gossip;
    ck_assert_int_eq(decode(SPAN(GOSSIP(MINIMAL)), &gossip), MESSAGE_OK);
    ck_assert_span(gossip.message_id, "m1");
    ck_assert_span(gossip.sender_id, "a");
    ck_assert_int_eq(gossip.type, GOSSIP_CATALOG_UPDATE);
    ck_assert_uint_eq(gossip.payload, 0);
    ck_assert_int_eq(gossip.ttl, 10);
    ck_assert_int_eq(gossip.max_hops, 5);
    ck_assert_int_eq(gossip.hop_count, 0);
    ck_assert(!gossip.has_expiry);
    ck_assert_int_eq(gossip.created_at.ns, 0);
    ck_assert_uint_eq(gossip.vector_clock.size, 0);
}
END_TEST

START_TEST(whole_message_is_read)
{
    struct gossip gossip;
    ck_assert_int_eq(
        decode(SPAN(GOSSIP(MINIMAL ",\"payload\":{\"x\":1},\"vector_clock\":{\"a\":1, \"b\":0},"
                                   "\"sequence_number\":7,\"ttl\":9,\"hop_count\":1,\"max_hops\":6,"
                                   "\"digest\":\"d\",\"checksum\":\"c\",\"created_at\":1.5,"
                                   "\"expires_at\":301.5,\"propagation_path\":[\"p\",\"q\"],"
                                   "\"seen_by\":[\"s\"]")),
            &gossip),
        MESSAGE_OK);
    ck_assert_span(json_raw(&wire.envelope.doc, gossip.payload), "{\"x\":1}");
    ck_assert_span(gossip.vector_clock, "{\"a\":1, \"b\":0}");
    ck_assert_int_eq(gossip.sequence_number, 7);
    ck_assert_int_eq(gossip.ttl, 9);
    ck_assert_int_eq(gossip.hop_count, 1);
    ck_assert_int_eq(gossip.max_hops, 6);
    ck_assert_int_eq(gossip.created_at.ns, 1500000000);
    ck_assert(gossip.has_expiry);
    ck_assert_int_eq(gossip.expires_at.ns, INT64_C(301500000000));
    ck_assert_uint_eq(gossip.propagation_path.count, 2);
    ck_assert_span(gossip.propagation_path.items[1], "q");
    ck_assert_span(gossip.seen_by.items[0], "s");
}
END_TEST

static const struct type_case {
    const char *text;
    enum gossip_type type;
} type_cases[] = {
    { "catalog_update", GOSSIP_CATALOG_UPDATE },
    { "route_advertisement", GOSSIP_ROUTE_ADVERTISEMENT },
    { "route_withdrawal", GOSSIP_ROUTE_WITHDRAWAL },
    { "state_update", GOSSIP_OTHER_KNOWN },
    { "membership_update", GOSSIP_OTHER_KNOWN },
    { "config_update", GOSSIP_OTHER_KNOWN },
    { "link_state_update", GOSSIP_OTHER_KNOWN },
    { "route_key_announcement", GOSSIP_OTHER_KNOWN },
    { "heartbeat", GOSSIP_OTHER_KNOWN },
    { "anti_entropy", GOSSIP_OTHER_KNOWN },
    { "rumor", GOSSIP_OTHER_KNOWN },
    { "consensus_proposal", GOSSIP_OTHER_KNOWN },
    { "consensus_vote", GOSSIP_OTHER_KNOWN },
    { "membership_probe", GOSSIP_OTHER_KNOWN },
    { "membership_ack", GOSSIP_OTHER_KNOWN },
    { "membership_indirect_probe", GOSSIP_OTHER_KNOWN },
};

START_TEST(every_type_of_the_reference_is_known)
{
    const struct type_case *c = &type_cases[_i];
    struct gossip gossip;
    buf_add_text(&wire.out, "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\","
                            "\"sender_id\":\"a\",\"message_type\":\"");
    buf_add_text(&wire.out, c->text);
    buf_add_text(&wire.out, "\"}}");
    ck_assert_int_eq(decode(buf_span(&wire.out), &gossip), MESSAGE_OK);
    ck_assert_int_eq(gossip.type, c->type);
    ck_assert_span(gossip.type_text, c->text);
}
END_TEST

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} fault_cases[] = {
    { GOSSIP("\"message_type\":\"catalog_update\""), MESSAGE_MISSING, "message_id" },
    { GOSSIP("\"message_id\":\"m\",\"sender_id\":\"a\""), MESSAGE_MISSING, "message_type" },
    { GOSSIP("\"message_id\":\"m\",\"message_type\":\"rumor\""), MESSAGE_MISSING, "sender_id" },
    { GOSSIP("\"message_id\":\"\",\"message_type\":\"rumor\",\"sender_id\":\"a\""),
        MESSAGE_BAD_VALUE, "message_id" },
    { GOSSIP("\"message_id\":\"m\",\"message_type\":\"rumor\",\"sender_id\":\"\""),
        MESSAGE_BAD_VALUE, "sender_id" },
    { GOSSIP("\"message_id\":\"m\",\"message_type\":\"nonsense\",\"sender_id\":\"a\""),
        MESSAGE_BAD_VALUE, "message_type" },
    { GOSSIP(MINIMAL ",\"sender_id\":\"b\""), MESSAGE_DUPLICATE_KEY, "sender_id" },
    { GOSSIP(MINIMAL ",\"payload\":[]"), MESSAGE_NOT_OBJECT, "payload" },
    { GOSSIP(MINIMAL ",\"vector_clock\":[]"), MESSAGE_NOT_OBJECT, "vector_clock" },
    { GOSSIP(MINIMAL ",\"vector_clock\":{\"\":1}"), MESSAGE_BAD_VALUE, "vector_clock" },
    { GOSSIP(MINIMAL ",\"vector_clock\":{\"a\":-1}"), MESSAGE_BAD_VALUE, "vector_clock" },
    { GOSSIP(MINIMAL ",\"vector_clock\":{\"a\":1.5}"), MESSAGE_BAD_VALUE, "vector_clock" },
    { GOSSIP(MINIMAL ",\"vector_clock\":{\"a\":\"1\"}"), MESSAGE_BAD_TYPE, "vector_clock" },
    { GOSSIP(MINIMAL ",\"ttl\":\"9\""), MESSAGE_BAD_TYPE, "ttl" },
    { GOSSIP(MINIMAL ",\"hop_count\":1e18"), MESSAGE_BAD_VALUE, "hop_count" },
    { GOSSIP(MINIMAL ",\"expires_at\":\"soon\""), MESSAGE_BAD_TYPE, "expires_at" },
    { GOSSIP(MINIMAL ",\"propagation_path\":\"a\""), MESSAGE_BAD_TYPE, "propagation_path" },
    { GOSSIP(MINIMAL ",\"seen_by\":[null]"), MESSAGE_BAD_TYPE, "seen_by" },
};

START_TEST(gossip_is_refused_by_key)
{
    const struct fault_case *c = &fault_cases[_i];
    struct gossip gossip;
    enum message_result result = decode(span_from_text(c->json), &gossip);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

static void
encode_path(uint32_t count)
{
    buf_reset(&wire.out);
    buf_add_text(&wire.out,
        "{\"role\":\"fabric-gossip\",\"payload\":{" MINIMAL ",\"propagation_path\":[\"a\"");
    for (uint32_t i = 1; i < count; i++) {
        buf_add_text(&wire.out, ",\"a\"");
    }
    buf_add_text(&wire.out, "]}}");
}

START_TEST(path_is_capped_and_a_full_one_ends_the_journey)
{
    struct gossip gossip;
    struct wall now = { 0 };
    encode_path(PATH_COUNT_MAX - 1);
    ck_assert_int_eq(decode(buf_span(&wire.out), &gossip), MESSAGE_OK);
    ck_assert(gossip_may_travel(&gossip, SPAN("b"), now));
    encode_path(PATH_COUNT_MAX);
    ck_assert_int_eq(decode(buf_span(&wire.out), &gossip), MESSAGE_OK);
    ck_assert(!gossip_may_travel(&gossip, SPAN("b"), now));
    encode_path(PATH_COUNT_MAX + 1);
    ck_assert_int_eq(decode(buf_span(&wire.out), &gossip), MESSAGE_TOO_LARGE);
    ck_assert_str_eq(wire.fault.key, "propagation_path");
}
END_TEST

static const struct travel_case {
    const char *name;
    const char *json;
    bool travels;
} travel_cases[] = {
    { "plain", GOSSIP(MINIMAL), true },
    { "in its last nanosecond", GOSSIP(MINIMAL ",\"expires_at\":100"), true },
    { "expired", GOSSIP(MINIMAL ",\"expires_at\":99.999999999"), false },
    { "last ttl", GOSSIP(MINIMAL ",\"ttl\":1"), true },
    { "no ttl left", GOSSIP(MINIMAL ",\"ttl\":0"), false },
    { "last hop", GOSSIP(MINIMAL ",\"hop_count\":4"), true },
    { "no hop left", GOSSIP(MINIMAL ",\"hop_count\":5"), false },
    { "a snapshot", GOSSIP(MINIMAL ",\"ttl\":0,\"hop_count\":0,\"max_hops\":0"), false },
    { "passed by others", GOSSIP(MINIMAL ",\"propagation_path\":[\"a\",\"b\"]"), true },
    { "passed here", GOSSIP(MINIMAL ",\"propagation_path\":[\"a\",\"me\"]"), false },
    { "seen here", GOSSIP(MINIMAL ",\"seen_by\":[\"me\"]"), false },
};

START_TEST(message_travels_by_the_rules_of_the_reference)
{
    const struct travel_case *c = &travel_cases[_i];
    const struct wall now = { INT64_C(100000000000) };
    struct gossip gossip;
    ck_assert_int_eq(decode(span_from_text(c->json), &gossip), MESSAGE_OK);
    ck_assert_msg(gossip_may_travel(&gossip, SPAN("me"), now) == c->travels, "%s", c->name);
}
END_TEST

START_TEST(message_is_passed_on_with_its_payload_untouched)
{
    struct gossip gossip;
    ck_assert_int_eq(
        decode(SPAN(GOSSIP(MINIMAL ",\"payload\":{\"x\" : 1.50},\"vector_clock\":{\"a\":1},"
                                   "\"sequence_number\":7,\"ttl\":9,\"hop_count\":1,\"max_hops\":6,"
                                   "\"digest\":\"d\",\"checksum\":\"c\",\"created_at\":1.5,"
                                   "\"expires_at\":301.5,\"propagation_path\":[\"a\"],"
                                   "\"seen_by\":[\"s\"]")),
            &gossip),
        MESSAGE_OK);
    gossip_encode_passed_on(&wire.out, &wire.envelope, &gossip, SPAN("me"));
    ck_assert_span(buf_span(&wire.out),
        GOSSIP("\"message_id\":\"m1\",\"message_type\":\"catalog_update\",\"sender_id\":\"me\","
               "\"payload\":{\"x\" : 1.50},\"vector_clock\":{\"a\":1},\"sequence_number\":7,"
               "\"ttl\":8,\"hop_count\":2,\"max_hops\":6,\"created_at\":1.5,"
               "\"expires_at\":301.5,\"propagation_path\":[\"a\",\"me\"],\"seen_by\":[\"s\"]"));
}
END_TEST

START_TEST(what_was_absent_stays_absent_when_passed_on)
{
    struct gossip gossip;
    ck_assert_int_eq(decode(SPAN(GOSSIP(MINIMAL)), &gossip), MESSAGE_OK);
    gossip_encode_passed_on(&wire.out, &wire.envelope, &gossip, SPAN("me"));
    ck_assert_span(buf_span(&wire.out),
        GOSSIP("\"message_id\":\"m1\",\"message_type\":\"catalog_update\",\"sender_id\":\"me\","
               "\"payload\":null,\"vector_clock\":{},\"sequence_number\":0,\"ttl\":9,"
               "\"hop_count\":1,\"max_hops\":5,\"propagation_path\":[\"me\"],\"seen_by\":[]"));
}
END_TEST

static void
encode_own(bool travels)
{
    const struct gossip_header header = {
        .message_id = SPAN("me:1"),
        .type_text = SPAN("catalog_update"),
        .sender_id = SPAN("me"),
        .sequence_number = 3,
        .travels = travels,
        .now = { INT64_C(1500000000) },
    };
    gossip_encode_begin(&wire.out, &header);
    buf_add_text(&wire.out, "{\"x\":1}");
    gossip_encode_end(&wire.out, &header);
}

START_TEST(own_message_travels_as_the_reference_lets_its_own)
{
    struct gossip gossip;
    encode_own(true);
    ck_assert_span(buf_span(&wire.out),
        GOSSIP("\"message_id\":\"me:1\",\"message_type\":\"catalog_update\",\"sender_id\":\"me\","
               "\"payload\":{\"x\":1},\"vector_clock\":{\"me\":3},\"sequence_number\":3,"
               "\"ttl\":10,\"hop_count\":0,\"max_hops\":5,\"created_at\":1.5,"
               "\"expires_at\":301.5,\"propagation_path\":[\"me\"],\"seen_by\":[]"));
    ck_assert_int_eq(decode(buf_span(&wire.out), &gossip), MESSAGE_OK);
    ck_assert(gossip_may_travel(&gossip, SPAN("other"), (struct wall){ 0 }));
    ck_assert(!gossip_may_travel(&gossip, SPAN("me"), (struct wall){ 0 }));
}
END_TEST

START_TEST(own_snapshot_stays_with_its_receiver)
{
    struct gossip gossip;
    encode_own(false);
    ck_assert_span(buf_span(&wire.out),
        GOSSIP("\"message_id\":\"me:1\",\"message_type\":\"catalog_update\",\"sender_id\":\"me\","
               "\"payload\":{\"x\":1},\"vector_clock\":{},\"sequence_number\":3,"
               "\"ttl\":0,\"hop_count\":0,\"max_hops\":0,\"created_at\":1.5,"
               "\"expires_at\":301.5,\"propagation_path\":[],\"seen_by\":[]"));
    ck_assert_int_eq(decode(buf_span(&wire.out), &gossip), MESSAGE_OK);
    ck_assert(!gossip_may_travel(&gossip, SPAN("other"), (struct wall){ 0 }));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("gossip");
    TCase *tcase = tcase_create("gossip");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, three_names_make_a_message);
    tcase_add_test(tcase, whole_message_is_read);
    tcase_add_loop_test(tcase, every_type_of_the_reference_is_known, 0, (int)COUNT_OF(type_cases));
    tcase_add_loop_test(tcase, gossip_is_refused_by_key, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, path_is_capped_and_a_full_one_ends_the_journey);
    tcase_add_loop_test(
        tcase, message_travels_by_the_rules_of_the_reference, 0, (int)COUNT_OF(travel_cases));
    tcase_add_test(tcase, message_is_passed_on_with_its_payload_untouched);
    tcase_add_test(tcase, what_was_absent_stays_absent_when_passed_on);
    tcase_add_test(tcase, own_message_travels_as_the_reference_lets_its_own);
    tcase_add_test(tcase, own_snapshot_stays_with_its_receiver);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
