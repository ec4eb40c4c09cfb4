/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_limits.c - a bridge with less memory than it needs, and clients that have come to the wrong
 * door.
 */
#include <check.h>
#include <stdlib.h>

#include "bridge/bridge.h"
#include "core/limits.h"
#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

static struct rig rig;
static struct rig_peer *us_node;

enum { US };

/* With limits that nothing reaches: their states want memory, too. */
static const struct policy_rule_source all[] = {
    { .id = T("all"),
        .limits = { .rate = 1000, .rate_per_ns = SEC_NS, .in_flight = 100 },
        .action = POLICY_ACCEPT },
};

static void
set_up(void)
{
    rig_open(&rig);
}

static void
tear_down(void)
{
    ck_assert(rig_close(&rig));
}

/* us with a link to eu that waits for the far side, and one node. */
static void
open_bridge(void)
{
    const struct rig_link link = { "eu", NULL, rig_policy(&rig, all, 1, all, 1) };
    rig_add_bridge(&rig, "us", &link, 1);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
}

static const struct client_case {
    const char *name;
    const char *message;
} client_cases[] = {
    { "a call",
        "{\"role\":\"rpc\",\"cmds\":[{\"name\":\"a\",\"fun\":\"f\",\"args\":[],\"locs\":[]}],"
        "\"u\":\"u7\"}" },
    { "a subscription",
        "{\"role\":\"pubsub-subscribe\",\"u\":\"u7\",\"subscription\":{\"subscription_id\":\"s\","
        "\"patterns\":[{\"pattern\":\"a\",\"exact_match\":true}],\"subscriber\":\"x\"}}" },
    { "a role that nobody knows", "{\"role\":\"nonsense\",\"u\":\"u7\"}" },
};

START_TEST(client_is_told_to_ask_a_node)
{
    const struct client_case *c = &client_cases[_i];
    open_bridge();
    uint32_t client = rig_client_connect(&rig, US);
    rig_say(&rig, client, span_from_text(c->message));
    ck_assert_msg(rig.conns[client].inbox_count == 1, "%s: not answered", c->name);
    ck_assert_int_eq(wire_scan(&rig.wire, rig.conns[client].inbox[0]), MESSAGE_OK);
    struct decoded decoded;
    ck_assert_int_eq(wire_decode(&rig.wire, rig.now.wall, &decoded), MESSAGE_OK);
    ck_assert_msg(decoded.answer.failed, "%s: no error", c->name);
    ck_assert_int_eq(decoded.answer.error_code, CALL_INVALID);
    ck_assert_msg(
        span_is(decoded.answer.u, "u7"), "%s: u is %.*s", c->name, SPAN_ARGS(decoded.answer.u));
    ck_assert(strstr((const char *)decoded.answer.error_details.data, "node") != NULL);
}
END_TEST

START_TEST(fewer_bytes_than_an_engine_needs_are_no_engine)
{
    open_bridge();
    struct bridge_config config = rig.bridges[US].config;
    for (config.memory_max = 0; config.memory_max < (size_t)256 * 1024; config.memory_max += 1000) {
        bridge_free(bridge_create(&config, (struct hash_key){ 1, 2 }, 1, &rig.log));
    }
    config.memory_max = 1024;
    ck_assert_ptr_null(bridge_create(&config, (struct hash_key){ 1, 2 }, 1, &rig.log));
}
END_TEST

/* Tables, a session and a call with less memory than they need: what is told may be less, not wrong. */
static void
live_with(size_t memory_max)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
    char tag[NAME_SIZE_MAX];
    memset(tag, 't', sizeof(tag));
    const struct span tags[] = { SPAN("public"), span_from(tag, sizeof(tag)) };
    rig.memory_max = memory_max;
    open_bridge();
    uint32_t far = rig_far_connect(&rig, US, "eu", "eu-1");
    rig_far_hello(&rig, far, "eu", "eu-1");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct rib_facts facts = { .name = names[i], .tags = { tags, 1 + i % 2 } };
        rig_peer_offer(&rig, us_node, facts);
        struct rib_route route = { .route_id = i, .name = names[i], .id = tag };
        route.id = names[5 - i];
        rig_far_announce(&rig, far, i + 1, "eu", route);
    }
    rig_peer_call(&rig, us_node, "a", "[]");
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_pass(&rig, 10 * SEC_NS);
    rig_far_join(&rig, US, "eu", "eu-1");
    rig_pass(&rig, 10 * SEC_NS);
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_le(stats.exported + stats.export_denied, COUNT_OF(names));
    ck_assert_uint_eq(stats.to_link.in_flight, 0);
    rig_stop(&rig, US);
    rig_pass(&rig, 10 * SEC_NS);
}

START_TEST(lack_of_memory_breaks_nothing)
{
    struct bridge_config config = { .member = { .function_count_max = 100 } };
    struct bridge *bridge = NULL;
    while (bridge == NULL) {
        config.memory_max += 1024;
        bridge = bridge_create(&config, (struct hash_key){ 1, 2 }, 1, &rig.log);
    }
    bridge_free(bridge);
    for (size_t extra = 8192; extra < (size_t)192 * 1024; extra += 1021) {
        live_with(config.memory_max + extra);
        tear_down();
        set_up();
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_limits");
    TCase *tcase = tcase_create("limits");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, client_is_told_to_ask_a_node, 0, (int)COUNT_OF(client_cases));
    tcase_add_test(tcase, fewer_bytes_than_an_engine_needs_are_no_engine);
    tcase_add_test(tcase, lack_of_memory_breaks_nothing);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
