/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_clients.c - publish and subscribe of clients. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node_state.h"
#include "tests/support/check_failed.h"
#include "tests/support/expect_text.h"
#include "tests/support/node_rig.h"

#define SUBSCRIBER 100u
#define PUBLISHER  101u

#define ACK(u_)                                                                                    \
    "{\"role\":\"pubsub-ack\",\"operation_id\":\"" u_                                              \
    "\",\"success\":true,\"error\":null,\"u\":\"ack_" u_ "\"}"
#define REFUSAL(u_, error_)                                                                        \
    "{\"role\":\"pubsub-ack\",\"operation_id\":\"" u_ "\",\"success\":false,\"error\":\"" error_   \
    "\",\"u\":\"ack_" u_ "\"}"
#define MESSAGE(topic_, id_)                                                                       \
    "{\"topic\":\"" topic_ "\",\"payload\":{\"x\": 1},\"timestamp\":1.5,\"message_id\":\"" id_     \
    "\",\"publisher\":\"p\",\"headers\":{}}"
#define NOTIFICATION(topic_, id_, subscription_)                                                   \
    "{\"role\":\"pubsub-notification\",\"message\":" MESSAGE(                                      \
        topic_, id_) ",\"subscription_id\":\"" subscription_ "\",\"u\":\"notification_" id_        \
                     "_" subscription_ "\"}"

static struct rig rig;

static void
set_up(void)
{
    struct node_config config = rig_config(NULL, 0);
    rig_start(&rig, &config);
    rig_event(&rig, EVENT_ACCEPTED, SUBSCRIBER);
    rig_event(&rig, EVENT_ACCEPTED, PUBLISHER);
}

static void
tear_down(void)
{
    rig_stop(&rig);
}

static void
subscribe(uint64_t conn, const char *id, const char *patterns)
{
    char message[1024];
    (void)snprintf(message, sizeof(message),
        "{\"role\":\"pubsub-subscribe\",\"subscription\":{\"subscription_id\":\"%s\",\"patterns\":"
        "%s,\"subscriber\":\"s\",\"created_at\":1.5},\"u\":\"%s\"}",
        id, patterns, id);
    rig_message(&rig, conn, message);
}

#define PUBLISH(topic_, id_)                                                                       \
    rig_message(&rig, PUBLISHER,                                                                   \
        "{\"role\":\"pubsub-publish\",\"message\":" MESSAGE(topic_, id_) ",\"u\":\"" id_ "\"}")

START_TEST(a_publication_reaches_who_subscribed_to_its_topic)
{
    subscribe(SUBSCRIBER, "s1",
        "[{\"pattern\":\"user.*.login\",\"exact_match\":false},{\"pattern\":\"user.#\"}]");
    expect("acknowledgement", rig_sent(&rig, SUBSCRIBER), ACK("s1"));
    PUBLISH("user.1.login", "m1");
    expect("once for two patterns", rig_sent(&rig, SUBSCRIBER),
        NOTIFICATION("user.1.login", "m1", "s1"));
    expect("publisher", rig_sent(&rig, PUBLISHER), ACK("m1"));
    PUBLISH("market.eu", "m2");
    expect("another topic", rig_sent(&rig, SUBSCRIBER), "");
    expect("still acknowledged", rig_sent(&rig, PUBLISHER), ACK("m2"));
}
END_TEST

START_TEST(an_exact_pattern_has_no_wildcards)
{
    subscribe(SUBSCRIBER, "s1", "[{\"pattern\":\"a.*\",\"exact_match\":true}]");
    PUBLISH("a.b", "m1");
    expect("wildcard meaning", rig_sent(&rig, SUBSCRIBER), "");
    PUBLISH("a.*", "m2");
    expect("the text itself", rig_sent(&rig, SUBSCRIBER), NOTIFICATION("a.*", "m2", "s1"));
}
END_TEST

START_TEST(the_publisher_hears_itself_before_the_acknowledgement)
{
    subscribe(PUBLISHER, "own", "[{\"pattern\":\"#\"}]");
    PUBLISH("t", "m1");
    ck_assert_uint_eq(rig.count, 2);
    expect("first", rig.actions[0].text, NOTIFICATION("t", "m1", "own"));
    expect("second", rig.actions[1].text, ACK("m1"));
}
END_TEST

START_TEST(a_subscription_ends_when_asked_or_with_its_connection)
{
    subscribe(SUBSCRIBER, "s1", "[{\"pattern\":\"#\"}]");
    rig_message(&rig, SUBSCRIBER,
        "{\"role\":\"pubsub-unsubscribe\",\"subscription_id\":\"s1\",\"u\":\"e1\"}");
    expect("end", rig_sent(&rig, SUBSCRIBER), ACK("e1"));
    rig_message(&rig, SUBSCRIBER,
        "{\"role\":\"pubsub-unsubscribe\",\"subscription_id\":\"s1\",\"u\":\"e2\"}");
    expect("again", rig_sent(&rig, SUBSCRIBER),
        REFUSAL("e2", "no such subscription on this connection"));
    PUBLISH("t", "m1");
    expect("afterwards", rig_sent(&rig, SUBSCRIBER), "");

    subscribe(SUBSCRIBER, "s2", "[{\"pattern\":\"#\"}]");
    rig_event(&rig, EVENT_CLOSED, SUBSCRIBER);
    PUBLISH("t", "m2");
    expect("gone", rig_sent(&rig, SUBSCRIBER), "");
}
END_TEST

START_TEST(a_subscription_made_again_replaces_the_old_one)
{
    subscribe(SUBSCRIBER, "s1", "[{\"pattern\":\"a\"}]");
    subscribe(SUBSCRIBER, "s1", "[{\"pattern\":\"b\"}]");
    PUBLISH("a", "m1");
    expect("old", rig_sent(&rig, SUBSCRIBER), "");
    PUBLISH("b", "m2");
    expect("new", rig_sent(&rig, SUBSCRIBER), NOTIFICATION("b", "m2", "s1"));
}
END_TEST

START_TEST(who_does_not_read_is_not_notified)
{
    subscribe(SUBSCRIBER, "s1", "[{\"pattern\":\"#\"}]");
    rig_event(&rig, EVENT_CONGESTED, SUBSCRIBER);
    PUBLISH("t", "m1");
    expect("congested", rig_sent(&rig, SUBSCRIBER), "");
    rig_event(&rig, EVENT_DRAINED, SUBSCRIBER);
    PUBLISH("t", "m2");
    expect("drained", rig_sent(&rig, SUBSCRIBER), NOTIFICATION("t", "m2", "s1"));
}
END_TEST

START_TEST(subscriptions_have_a_cap)
{
    char id[16];
    for (uint32_t i = 0; i < NODE_SUBSCRIPTIONS_PER_CLIENT_MAX; i++) {
        (void)snprintf(id, sizeof(id), "s%u", i);
        subscribe(SUBSCRIBER, id, "[]");
    }
    expect("the last", rig_sent(&rig, SUBSCRIBER), ACK("s255"));
    subscribe(SUBSCRIBER, "more", "[]");
    expect("one more", rig_sent(&rig, SUBSCRIBER), REFUSAL("more", "too many subscriptions"));
}
END_TEST

START_TEST(a_malformed_operation_closes_its_connection)
{
    static const struct {
        const char *name;
        const char *message;
    } rows[] = {
        { "subscribe", "{\"role\":\"pubsub-subscribe\",\"u\":\"x\"}" },
        { "publish", "{\"role\":\"pubsub-publish\",\"message\":{\"topic\":1},\"u\":\"x\"}" },
        { "unsubscribe", "{\"role\":\"pubsub-unsubscribe\",\"u\":\"x\"}" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_message(&rig, SUBSCRIBER, rows[i].message);
        const struct rig_action *close = rig_find(&rig, ACTION_CLOSE, SUBSCRIBER);
        ck_assert_msg(close != NULL, "%s: the connection stays", rows[i].name);
        ck_assert_uint_eq(close->code, 1007);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("node_clients");
    TCase *tests = tcase_create("pubsub");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_publication_reaches_who_subscribed_to_its_topic);
    tcase_add_test(tests, an_exact_pattern_has_no_wildcards);
    tcase_add_test(tests, the_publisher_hears_itself_before_the_acknowledgement);
    tcase_add_test(tests, a_subscription_ends_when_asked_or_with_its_connection);
    tcase_add_test(tests, a_subscription_made_again_replaces_the_old_one);
    tcase_add_test(tests, who_does_not_read_is_not_notified);
    tcase_add_test(tests, subscriptions_have_a_cap);
    tcase_add_test(tests, a_malformed_operation_closes_its_connection);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
