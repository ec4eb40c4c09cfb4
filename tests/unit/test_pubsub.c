/* SPDX-License-Identifier: Apache-2.0 */
/* test_pubsub.c - publish and subscribe: messages, topic patterns, acknowledgements. */
#include <check.h>
#include <stdlib.h>

#include "core/pubsub.h"
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

#define MESSAGE                                                                                    \
    "\"topic\":\"a.b\",\"payload\":null,\"timestamp\":1.5,\"message_id\":\"m1\",\"publisher\":"    \
    "\"p1\""
#define PUBLISH(members_) "{\"role\":\"pubsub-publish\",\"u\":\"u1\",\"message\":{" members_ "}}"
#define SUBSCRIPTION      "\"subscription_id\":\"s1\",\"subscriber\":\"p1\",\"created_at\":1.5"
#define SUBSCRIBE(members_)                                                                        \
    "{\"role\":\"pubsub-subscribe\",\"u\":\"u1\",\"subscription\":{" members_ "}}"

START_TEST(published_message_is_kept_as_it_came)
{
    struct pubsub_publish publish;
    ck_assert_int_eq(
        wire_scan(&wire, SPAN(PUBLISH(MESSAGE
                             ",\"headers\":{\"h\":1}, \"routing_path\":null,\"current_hop\":3"))),
        MESSAGE_OK);
    ck_assert_int_eq(
        pubsub_publish_decode(&wire.envelope, &wire.scratch, &publish, &wire.fault), MESSAGE_OK);
    ck_assert_span(publish.u, "u1");
    ck_assert_span(publish.topic, "a.b");
    ck_assert_span(publish.message_id, "m1");
    ck_assert_span(publish.publisher, "p1");
    ck_assert_span(publish.message,
        "{" MESSAGE ",\"headers\":{\"h\":1}, \"routing_path\":null,\"current_hop\":3}");
}
END_TEST

START_TEST(subscription_is_read_with_its_patterns)
{
    struct pubsub_subscribe subscribe;
    ck_assert_int_eq(
        wire_scan(&wire,
            SPAN(SUBSCRIBE(SUBSCRIPTION
                ",\"patterns\":[{\"pattern\":\"a.#\"},{\"pattern\":\"a.b\",\"exact_match\":true}],"
                "\"get_backlog\":true,\"backlog_seconds\":300"))),
        MESSAGE_OK);
    ck_assert_int_eq(
        pubsub_subscribe_decode(&wire.envelope, &wire.scratch, &subscribe, &wire.fault),
        MESSAGE_OK);
    ck_assert_span(subscribe.u, "u1");
    ck_assert_span(subscribe.subscription_id, "s1");
    ck_assert_uint_eq(subscribe.patterns.count, 2);
    ck_assert_span(subscribe.patterns.items[0], "a.#");
    ck_assert_span(subscribe.patterns.items[1], "a.b");
    ck_assert(!subscribe.pattern_exact[0]);
    ck_assert(subscribe.pattern_exact[1]);
}
END_TEST

START_TEST(unsubscribe_is_read)
{
    struct pubsub_unsubscribe unsubscribe;
    ck_assert_int_eq(
        wire_scan(&wire,
            SPAN("{\"role\":\"pubsub-unsubscribe\",\"u\":\"u1\",\"subscription_id\":\"s1\"}")),
        MESSAGE_OK);
    ck_assert_int_eq(
        pubsub_unsubscribe_decode(&wire.envelope, &wire.scratch, &unsubscribe, &wire.fault),
        MESSAGE_OK);
    ck_assert_span(unsubscribe.u, "u1");
    ck_assert_span(unsubscribe.subscription_id, "s1");
}
END_TEST

static enum message_result
decode_any(struct span message)
{
    struct pubsub_publish publish;
    struct pubsub_subscribe subscribe;
    struct pubsub_unsubscribe unsubscribe;
    const struct envelope *envelope = &wire.envelope;
    ck_assert_int_eq(wire_scan(&wire, message), MESSAGE_OK);
    if (envelope->kind == ENVELOPE_PUBLISH) {
        return pubsub_publish_decode(envelope, &wire.scratch, &publish, &wire.fault);
    }
    if (envelope->kind == ENVELOPE_SUBSCRIBE) {
        return pubsub_subscribe_decode(envelope, &wire.scratch, &subscribe, &wire.fault);
    }
    ck_assert_int_eq(envelope->kind, ENVELOPE_UNSUBSCRIBE);
    return pubsub_unsubscribe_decode(envelope, &wire.scratch, &unsubscribe, &wire.fault);
}

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} fault_cases[] = {
    { "{\"role\":\"pubsub-publish\",\"message\":{" MESSAGE "}}", MESSAGE_MISSING, "u" },
    { "{\"role\":\"pubsub-publish\",\"u\":\"1\"}", MESSAGE_MISSING, "message" },
    { "{\"role\":\"pubsub-publish\",\"u\":\"1\",\"message\":[]}", MESSAGE_NOT_OBJECT, "message" },
    { PUBLISH("\"payload\":1"), MESSAGE_MISSING, "topic" },
    { PUBLISH("\"topic\":\"a\""), MESSAGE_MISSING, "payload" },
    { PUBLISH("\"topic\":\"a\",\"payload\":1"), MESSAGE_MISSING, "timestamp" },
    { PUBLISH("\"topic\":\"a\",\"payload\":1,\"timestamp\":1"), MESSAGE_MISSING, "message_id" },
    { PUBLISH("\"topic\":\"a\",\"payload\":1,\"timestamp\":1,\"message_id\":\"m\""),
        MESSAGE_MISSING, "publisher" },
    { PUBLISH(MESSAGE ",\"topic\":\"b\""), MESSAGE_DUPLICATE_KEY, "topic" },
    { PUBLISH(MESSAGE ",\"headers\":[]"), MESSAGE_NOT_OBJECT, "headers" },
    { PUBLISH(MESSAGE ",\"routing_path\":\"a\""), MESSAGE_BAD_TYPE, "routing_path" },
    { PUBLISH(MESSAGE ",\"current_hop\":1.5"), MESSAGE_BAD_VALUE, "current_hop" },
    { "{\"role\":\"pubsub-subscribe\",\"u\":\"1\"}", MESSAGE_MISSING, "subscription" },
    { SUBSCRIBE("\"patterns\":[]"), MESSAGE_MISSING, "subscription_id" },
    { SUBSCRIBE(SUBSCRIPTION), MESSAGE_MISSING, "patterns" },
    { SUBSCRIBE("\"subscription_id\":\"s\",\"patterns\":[]"), MESSAGE_MISSING, "subscriber" },
    { SUBSCRIBE("\"subscription_id\":\"s\",\"patterns\":[],\"subscriber\":\"p\""), MESSAGE_MISSING,
        "created_at" },
    { SUBSCRIBE(SUBSCRIPTION ",\"patterns\":[\"a\"]"), MESSAGE_NOT_OBJECT, "patterns" },
    { SUBSCRIBE(SUBSCRIPTION ",\"patterns\":[{}]"), MESSAGE_MISSING, "pattern" },
    { SUBSCRIBE(SUBSCRIPTION ",\"patterns\":[{\"pattern\":\"a\",\"exact_match\":0}]"),
        MESSAGE_BAD_TYPE, "exact_match" },
    { SUBSCRIBE(SUBSCRIPTION ",\"patterns\":[],\"get_backlog\":\"no\""), MESSAGE_BAD_TYPE,
        "get_backlog" },
    { "{\"role\":\"pubsub-unsubscribe\",\"subscription_id\":\"s\"}", MESSAGE_MISSING, "u" },
    { "{\"role\":\"pubsub-unsubscribe\",\"u\":\"1\"}", MESSAGE_MISSING, "subscription_id" },
};

START_TEST(message_is_refused_by_key)
{
    const struct fault_case *c = &fault_cases[_i];
    enum message_result result = decode_any(span_from_text(c->json));
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_str_eq(wire.fault.key, c->key);
}
END_TEST

START_TEST(patterns_are_capped)
{
    for (uint32_t count = LIST_COUNT_MAX; count <= LIST_COUNT_MAX + 1; count++) {
        wire_reset(&wire);
        buf_add_text(&wire.out,
            "{\"role\":\"pubsub-subscribe\",\"u\":\"1\",\"subscription\":{" SUBSCRIPTION
            ",\"patterns\":[{\"pattern\":\"a\"}");
        for (uint32_t i = 1; i < count; i++) {
            buf_add_text(&wire.out, ",{\"pattern\":\"a\"}");
        }
        buf_add_text(&wire.out, "]}}");
        enum message_result want = count > LIST_COUNT_MAX ? MESSAGE_TOO_LARGE : MESSAGE_OK;
        ck_assert_int_eq(decode_any(buf_span(&wire.out)), want);
    }
    ck_assert_str_eq(wire.fault.key, "patterns");
}
END_TEST

static const struct match_case {
    const char *pattern;
    const char *topic;
    bool matches;
} match_cases[] = {
    { "a.b", "a.b", true },
    { "a.b", "a.c", false },
    { "a.b", "a", false },
    { "a", "a.b", false },
    { "*", "a", true },
    { "*", "", false },
    { "*", "a.b", false },
    { "a.*.c", "a.b.c", true },
    { "a.*.c", "a..c", true },
    { "a.*.c", "a.b.b.c", false },
    { "a.*", "a.", true },
    { "#", "", true },
    { "#", "a", true },
    { "#", "a.b.c", true },
    { "a.#", "a", true },
    { "a.#", "a.b.c", true },
    { "a.#", "b", false },
    { "#.c", "c", true },
    { "#.c", "a.b.c", true },
    { "#.c", "a.b", false },
    { "a.#.c", "a.c", true },
    { "a.#.c", "a.b.c.b.c", true },
    { "a.#.c", "a.b.c.b", false },
    { "#.b.#", "a.b.c", true },
    { "#.b.#", "a.c", false },
    { "#.a.#.b.#", "x.a.y.a.z.b", true },
    { "#.#", "", true },
    { "#.*", "a", true },
    { "#.*", "", false },
    { "#.*.*", "a", false },
    { "", "", true },
    { "", "a", false },
    { "a*", "ab", false },
    { "a*", "a*", true },
    { "a#", "a#", true },
};

START_TEST(pattern_matches_by_segments)
{
    const struct match_case *c = &match_cases[_i];
    bool matches =
        pubsub_topic_matches(span_from_text(c->pattern), span_from_text(c->topic), false);
    ck_assert_msg(matches == c->matches, "\"%s\" on \"%s\": got %d", c->pattern, c->topic, matches);
}
END_TEST

START_TEST(exact_pattern_has_no_wildcards)
{
    ck_assert(pubsub_topic_matches(SPAN("a.*"), SPAN("a.*"), true));
    ck_assert(!pubsub_topic_matches(SPAN("a.*"), SPAN("a.b"), true));
    ck_assert(!pubsub_topic_matches(SPAN("#"), SPAN("a"), true));
}
END_TEST

START_TEST(many_wildcards_cost_little)
{
    /* Trying every division would outlive the test. */
    static char pattern[NAME_SIZE_MAX];
    static char topic[NAME_SIZE_MAX];
    for (size_t i = 0; i < sizeof(pattern); i += 2) {
        memcpy(&pattern[i], "#.", 2);
        memcpy(&topic[i], "a.", 2);
    }
    pattern[sizeof(pattern) - 1] = 'b';
    ck_assert(!pubsub_topic_matches(
        span_from(pattern, sizeof(pattern)), span_from(topic, sizeof(topic)), false));
}
END_TEST

START_TEST(acknowledgement_names_the_operation)
{
    pubsub_ack_encode(&wire.out, true, SPAN_NONE, SPAN("u1"));
    ck_assert_span(buf_span(&wire.out),
        "{\"role\":\"pubsub-ack\",\"operation_id\":\"u1\",\"success\":true,\"error\":null,"
        "\"u\":\"ack_u1\"}");
    buf_reset(&wire.out);
    pubsub_ack_encode(&wire.out, false, SPAN("full"), SPAN("u1"));
    ck_assert_span(buf_span(&wire.out),
        "{\"role\":\"pubsub-ack\",\"operation_id\":\"u1\",\"success\":false,\"error\":\"full\","
        "\"u\":\"ack_u1\"}");
}
END_TEST

START_TEST(notification_carries_the_message_as_it_came)
{
    pubsub_notification_encode(&wire.out, SPAN("{\"topic\" : \"a\"}"), SPAN("m\"1"), SPAN("s1"));
    ck_assert_span(buf_span(&wire.out),
        "{\"role\":\"pubsub-notification\",\"message\":{\"topic\" : \"a\"},"
        "\"subscription_id\":\"s1\",\"u\":\"notification_m\\\"1_s1\"}");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("pubsub");
    TCase *tcase = tcase_create("pubsub");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, published_message_is_kept_as_it_came);
    tcase_add_test(tcase, subscription_is_read_with_its_patterns);
    tcase_add_test(tcase, unsubscribe_is_read);
    tcase_add_loop_test(tcase, message_is_refused_by_key, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, patterns_are_capped);
    tcase_add_loop_test(tcase, pattern_matches_by_segments, 0, (int)COUNT_OF(match_cases));
    tcase_add_test(tcase, exact_pattern_has_no_wildcards);
    tcase_add_test(tcase, many_wildcards_cost_little);
    tcase_add_test(tcase, acknowledgement_names_the_operation);
    tcase_add_test(tcase, notification_carries_the_message_as_it_came);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
