/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_transit.c - functions and calls that only pass through: us and ap know each other by eu alone, whose
 * bridge has a link to each.
 */
#include "bridge/bridge.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

static struct rig rig;
static struct rig_peer *us_node;
static struct rig_peer *eu_node;
static struct rig_peer *ap_node;

enum { US, EU, AP };

static const struct policy_rule_source all[] = { RULE_ALL };
static const struct policy_rule_source all_through[] = {
    { .id = T("through"), .transit = true, .action = POLICY_ACCEPT },
};
static const struct policy_rule_source renamed_through[] = {
    { .id = T("through"),
        .functions = LIST(T("{name**}")),
        .set_function = T("via-eu.{name}"),
        .transit = true,
        .action = POLICY_ACCEPT },
};
static const struct policy_rule_source as_us[] = {
    { .id = T("as us"),
        .functions = LIST(T("{name**}")),
        .set_function = T("us.{name}"),
        .action = POLICY_ACCEPT },
};
static const struct policy_rule_source two_calls_through[] = {
    { .id = T("two"), .transit = true, .limits = { .in_flight = 2 }, .action = POLICY_ACCEPT },
};

static const struct policy_rule_source both_as_one[] = {
    { .id = T("both"),
        .functions = LIST(T("us.math.add"), T("sum")),
        .set_function = T("both"),
        .merge = true,
        .transit = true,
        .action = POLICY_ACCEPT },
};

static const struct rib_facts add = { .name = "math.add" };

/* What eu exports to ap. */
static void
open_three_bridges(const struct policy_rule_source *to_ap)
{
    const struct rig_link us[] = { { "eu", "eu", rig_policy(&rig, as_us, 1, all, 1) } };
    const struct rig_link eu[] = {
        { "us", NULL, rig_policy(&rig, all, 1, all, 1) },
        { "ap", NULL, rig_policy(&rig, to_ap, 1, all, 1) },
    };
    const struct rig_link ap[] = { { "eu", "eu", rig_policy(&rig, all, 1, all, 1) } };
    rig_add_bridge(&rig, "us", us, 1);
    rig_add_bridge(&rig, "eu", eu, 2);
    rig_add_bridge(&rig, "ap", ap, 1);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
    eu_node = rig_peer_join(&rig, EU, "ws://eu-node:1");
    ap_node = rig_peer_join(&rig, AP, "ws://ap-node:1");
    rig_peer_offer(&rig, us_node, add);
}

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

static bool
ap_sees(const char *name)
{
    return rig_peer_sees(&rig, ap_node, name) != NULL;
}

/* ap's node calls; the request as us's node gets it. */
static const struct fabric_request *
call_through(struct span *id, const char *function)
{
    *id = rig_peer_call(&rig, ap_node, function, "[1,2]");
    return rig_peer_called(&rig, us_node);
}

static bool
contains(struct span text, const char *part)
{
    size_t size = strlen(part);
    for (size_t i = 0; i + size <= text.size; i++) {
        if (memcmp(&text.data[i], part, size) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t
in_flight(void)
{
    uint64_t count = rig_link_stats(&rig, US, 0).from_link.in_flight +
                     rig_link_stats(&rig, AP, 0).to_link.in_flight;
    for (uint32_t link = 0; link < 2; link++) {
        count += rig_link_stats(&rig, EU, link).from_link.in_flight +
                 rig_link_stats(&rig, EU, link).to_link.in_flight;
    }
    return count;
}

START_TEST(function_passes_through_only_where_a_rule_says_so)
{
    open_three_bridges(all);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, eu_node, "us.math.add"));
    ck_assert(!ap_sees("us.math.add"));
    /* It is nothing that eu would have had to deny. */
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 1).export_denied, 0);

    struct policy *policies[] = { rib_policy(bridge_rib(rig.bridges[EU].bridge), 0),
        rig_policy(&rig, renamed_through, 1, all, 1) };
    const struct reload_request request = { .policies = policies, .apply = true };
    ck_assert(bridge_reload_begin(rig.bridges[EU].bridge, &request));
    rig_run(&rig);
    ck_assert(ap_sees("via-eu.us.math.add"));
    const struct catalog_entry *entry = rig_peer_sees(&rig, ap_node, "via-eu.us.math.add");
    ck_assert(text_list_has(&entry->facts->tags, SPAN("mpreg-bridge:origin=us")));

    policies[1] = rig_policy(&rig, all, 1, all, 1);
    ck_assert(bridge_reload_begin(rig.bridges[EU].bridge, &request));
    rig_run(&rig);
    ck_assert(!ap_sees("via-eu.us.math.add"));
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, eu_node, "us.math.add"));
}
END_TEST

START_TEST(what_passes_through_tells_its_way_and_has_a_hop_less)
{
    open_three_bridges(all_through);
    size_t cursor = 0;
    const struct rib_import *import =
        rib_each_import(bridge_rib(rig.bridges[AP].bridge), 0, &cursor);
    ck_assert_ptr_nonnull(import);
    ck_assert(span_is(rib_import_in(import).origin, "us"));
    ck_assert_uint_eq(rib_import_in(import).path.count, 2);
    ck_assert(span_is(rib_import_in(import).path.items[0], "us"));
    ck_assert(span_is(rib_import_in(import).path.items[1], "eu"));
    ck_assert_uint_eq(rib_import_in(import).hops_left, ADVERTISEMENT_HOPS_DEFAULT - 1);
    /* And not back to where it came from. */
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_rejected, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).heard_announced, 0);
}
END_TEST

/* How many federations what ap has imported has passed. */
static uint32_t
way_to_ap(void)
{
    size_t cursor = 0;
    const struct rib_import *import =
        rib_each_import(bridge_rib(rig.bridges[AP].bridge), 0, &cursor);
    ck_assert_ptr_nonnull(import);
    ck_assert_ptr_null(rib_each_import(bridge_rib(rig.bridges[AP].bridge), 0, &cursor));
    return rib_import_in(import).path.count;
}

/* Calls go to nodes of eu's own while there are any, whichever of the two was there first. */
START_TEST(name_of_own_and_of_far_functions_tells_the_way_that_calls_take)
{
    const struct rib_facts sum = { .name = "sum" };
    open_three_bridges(both_as_one);
    ck_assert(ap_sees("both"));
    ck_assert_uint_eq(way_to_ap(), 2);
    rig_peer_offer(&rig, eu_node, sum);
    ck_assert_uint_eq(way_to_ap(), 1);
    rig_peer_retract(&rig, us_node, add);
    rig_peer_offer(&rig, us_node, add);
    ck_assert_uint_eq(way_to_ap(), 1);
    rig_peer_retract(&rig, eu_node, sum);
    ck_assert_uint_eq(way_to_ap(), 2);
    /* All that time it was there. */
    ck_assert_ptr_null(rib_newest_event(bridge_rib(rig.bridges[AP].bridge), RIB_EVENT_PRUNED));
}
END_TEST

START_TEST(withdrawal_passes_through_too)
{
    open_three_bridges(all_through);
    ck_assert(ap_sees("us.math.add"));
    rig_peer_retract(&rig, us_node, add);
    ck_assert(!ap_sees("us.math.add"));
    rig_peer_offer(&rig, us_node, add);
    ck_assert(ap_sees("us.math.add"));
    rig_disconnect(&rig, 0, SPAN("reset"));
    rig_run(&rig);
    ck_assert(!ap_sees("us.math.add"));
    rig_pass(&rig, 10 * SEC_NS);
    ck_assert(ap_sees("us.math.add"));
}
END_TEST

/* us says the same with other tags: ap hears one change, and no gap. */
START_TEST(change_passes_through_without_a_gap)
{
    open_three_bridges(all_through);
    uint64_t withdrawn = rig_link_stats(&rig, AP, 0).heard_withdrawn;
    const struct rib_facts tagged = { .name = "math.add", .tags = LIST(SPAN("new")) };
    rig_peer_offer(&rig, us_node, tagged);
    const struct catalog_entry *entry = rig_peer_sees(&rig, ap_node, "us.math.add");
    ck_assert_ptr_nonnull(entry);
    ck_assert(text_list_has(&entry->facts->tags, SPAN("new")));
    ck_assert_uint_le(rig_link_stats(&rig, AP, 0).heard_withdrawn, withdrawn + 1);
}
END_TEST

START_TEST(call_and_result_pass_through)
{
    struct span id;
    open_three_bridges(renamed_through);
    const struct fabric_request *call = call_through(&id, "via-eu.us.math.add");
    ck_assert_ptr_nonnull(call);
    ck_assert(span_is(call->command, "math.add"));
    ck_assert(span_is(call->args, "[1,2]"));
    ck_assert_uint_eq(in_flight(), 4);
    rig_peer_answer(&rig, us_node, call, true, SPAN("3"));
    const struct fabric_response *answer = rig_peer_answered(&rig, ap_node, id);
    ck_assert_ptr_nonnull(answer);
    ck_assert(answer->success);
    ck_assert(span_is(answer->result, "3"));
    ck_assert_uint_eq(in_flight(), 0);
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 0).to_link.by_result[CALL_RESULT_OK], 1);
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 1).from_link.by_result[CALL_RESULT_OK], 1);
}
END_TEST

static void
expect_error(struct span id, enum call_code code, const char *part)
{
    const struct fabric_response *answer = rig_peer_answered(&rig, ap_node, id);
    char wanted[64];
    ck_assert_ptr_nonnull(answer);
    ck_assert(!answer->success);
    snprintf(wanted, sizeof(wanted), "\"code\":%d", (int)code);
    struct span text = rig_keep(&rig, answer->error);
    ck_assert_msg(contains(text, wanted), "no %s in %.*s", wanted, SPAN_ARGS(text));
    ck_assert_msg(contains(text, part), "no %s in %.*s", part, SPAN_ARGS(text));
}

START_TEST(failure_of_the_function_passes_through_as_it_is)
{
    struct span id;
    open_three_bridges(all_through);
    const struct fabric_request *call = call_through(&id, "us.math.add");
    rig_peer_answer(&rig, us_node, call, false, SPAN("{\"error\":\"zero\"}"));
    const struct fabric_response *answer = rig_peer_answered(&rig, ap_node, id);
    ck_assert(!answer->success);
    ck_assert(span_is(answer->error, "{\"error\":\"zero\"}"));
}
END_TEST

START_TEST(error_of_the_last_bridge_names_it)
{
    struct span id;
    open_three_bridges(all_through);
    ck_assert_ptr_nonnull(call_through(&id, "us.math.add"));
    rig_disconnect(&rig, us_node->conn, SPAN("reset"));
    rig_run(&rig);
    expect_error(id, CALL_REMOTE_FAILED, "us-1: ");
    ck_assert_uint_eq(in_flight(), 0);
}
END_TEST

START_TEST(call_ends_when_the_link_it_went_on_over_is_cut)
{
    struct span id;
    open_three_bridges(all_through);
    ck_assert_ptr_nonnull(call_through(&id, "us.math.add"));
    rig_disconnect(&rig, 0, SPAN("reset"));
    rig_run(&rig);
    expect_error(id, CALL_LINK_DOWN, "link");
    /* The last bridge is told nothing of it: its node goes on working. */
    ck_assert_uint_eq(in_flight(), rig_link_stats(&rig, US, 0).from_link.in_flight);
}
END_TEST

/* The answer that comes then is for nobody. */
START_TEST(call_is_forgotten_when_the_link_it_came_over_is_cut)
{
    struct span id;
    open_three_bridges(all_through);
    const struct fabric_request *call = call_through(&id, "us.math.add");
    ck_assert_ptr_nonnull(call);
    rig_disconnect(&rig, 1, SPAN("reset"));
    rig_run(&rig);
    expect_error(id, CALL_LINK_DOWN, "link");
    /* Not only when the answer comes: it may never. */
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 0).to_link.in_flight, 0);
    rig_peer_answer(&rig, us_node, call, true, SPAN("3"));
    ck_assert_uint_eq(in_flight(), 0);
}
END_TEST

START_TEST(call_ends_by_its_deadline)
{
    struct span id;
    open_three_bridges(all_through);
    ck_assert_ptr_nonnull(call_through(&id, "us.math.add"));
    rig_pass(&rig, 25 * SEC_NS);
    expect_error(id, CALL_DEADLINE_EXCEEDED, "");
    ck_assert_uint_eq(in_flight(), 0);
}
END_TEST

START_TEST(limits_of_the_rule_that_passes_on_hold)
{
    struct span ids[3];
    open_three_bridges(two_calls_through);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(call_through(&ids[i], "us.math.add"));
    }
    const struct fabric_response *answer = rig_peer_answered(&rig, ap_node, ids[2]);
    ck_assert_ptr_nonnull(answer);
    ck_assert(contains(answer->error, "\"rule\":\"two\""));
    rig_peer_answer(&rig, us_node, rig_peer_called(&rig, us_node), true, SPAN("1"));
    ck_assert_ptr_nonnull(call_through(&ids[2], "us.math.add"));
    ck_assert_ptr_null(rig_peer_answered(&rig, ap_node, ids[2]));
}
END_TEST

/* Each passes everything on to each: what comes back is refused, and nobody hears a function of its own. */
START_TEST(triangle_that_passes_everything_on_has_no_loop)
{
    const struct rig_link us[] = {
        { "eu", "eu", rig_policy(&rig, all_through, 1, all, 1) },
        { "ap", "ap", rig_policy(&rig, all_through, 1, all, 1) },
    };
    const struct rig_link eu[] = {
        { "us", NULL, rig_policy(&rig, all_through, 1, all, 1) },
        { "ap", "ap", rig_policy(&rig, all_through, 1, all, 1) },
    };
    const struct rig_link ap[] = {
        { "us", NULL, rig_policy(&rig, all_through, 1, all, 1) },
        { "eu", NULL, rig_policy(&rig, all_through, 1, all, 1) },
    };
    rig_add_bridge(&rig, "us", us, 2);
    rig_add_bridge(&rig, "eu", eu, 2);
    rig_add_bridge(&rig, "ap", ap, 2);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
    eu_node = rig_peer_join(&rig, EU, "ws://eu-node:1");
    ap_node = rig_peer_join(&rig, AP, "ws://ap-node:1");
    rig_peer_offer(&rig, us_node, add);
    ck_assert(ap_sees("math.add"));
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, eu_node, "math.add"));
    /* Straight from us, and by the other one: two candidates each. */
    ck_assert_uint_eq(bridge_stats(rig.bridges[AP].bridge).functions_offered, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, AP, 0).import_accepted, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, AP, 1).import_accepted, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_accepted, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1).import_accepted, 0);
    /* The way around serves when the straight one is cut. */
    for (uint32_t conn = 0; conn < rig.conn_count; conn++) {
        bool straight = rig.conns[conn].port == PORT_LINK && rig.conns[conn].bridges[0] == US &&
                        rig.conns[conn].bridges[1] == AP;
        if (straight) {
            rig_disconnect(&rig, conn, SPAN("reset"));
        }
    }
    rig_run(&rig);
    ck_assert(ap_sees("math.add"));
    rig_peer_retract(&rig, us_node, add);
    ck_assert(!ap_sees("math.add"));
    rig_pass(&rig, 20 * SEC_NS);
    ck_assert(!ap_sees("math.add"));
}
END_TEST

/* Seven in a row: an advertisement crosses five borders, and wherever it is seen it can be called. */
START_TEST(what_is_seen_at_the_end_of_its_hops_can_be_called)
{
    static const char *const names[] = { "us", "eu", "ap", "af", "sa", "oc", "an" };
    struct policy *policy = rig_policy(&rig, all_through, 1, all, 1);
    struct rig_link links[COUNT_OF(names)][2];
    struct span id;
    for (uint32_t i = 0; i < COUNT_OF(names); i++) {
        uint32_t count = 0;
        if (i > 0) {
            links[i][count++] = (struct rig_link){ names[i - 1], names[i - 1], policy };
        }
        if (i + 1 < COUNT_OF(names)) {
            links[i][count++] = (struct rig_link){ names[i + 1], NULL, policy };
        }
        rig_add_bridge(&rig, names[i], links[i], count);
    }
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
    struct rig_peer *last = rig_peer_join(&rig, 6, "ws://an-node:1");
    ap_node = rig_peer_join(&rig, 5, "ws://oc-node:1");
    rig_peer_offer(&rig, us_node, add);
    ck_assert(ap_sees("math.add"));
    ck_assert_ptr_null(rig_peer_sees(&rig, last, "math.add"));
    const struct fabric_request *call = call_through(&id, "math.add");
    ck_assert_ptr_nonnull(call);
    rig_peer_answer(&rig, us_node, call, true, SPAN("3"));
    const struct fabric_response *answer = rig_peer_answered(&rig, ap_node, id);
    ck_assert_ptr_nonnull(answer);
    ck_assert(answer->success);
}
END_TEST

static void
add_tests(TCase *tcase)
{
    tcase_add_test(tcase, function_passes_through_only_where_a_rule_says_so);
    tcase_add_test(tcase, what_passes_through_tells_its_way_and_has_a_hop_less);
    tcase_add_test(tcase, name_of_own_and_of_far_functions_tells_the_way_that_calls_take);
    tcase_add_test(tcase, withdrawal_passes_through_too);
    tcase_add_test(tcase, change_passes_through_without_a_gap);
    tcase_add_test(tcase, call_and_result_pass_through);
    tcase_add_test(tcase, failure_of_the_function_passes_through_as_it_is);
    tcase_add_test(tcase, error_of_the_last_bridge_names_it);
    tcase_add_test(tcase, call_ends_when_the_link_it_went_on_over_is_cut);
    tcase_add_test(tcase, call_is_forgotten_when_the_link_it_came_over_is_cut);
    tcase_add_test(tcase, call_ends_by_its_deadline);
    tcase_add_test(tcase, limits_of_the_rule_that_passes_on_hold);
    tcase_add_test(tcase, what_is_seen_at_the_end_of_its_hops_can_be_called);
    tcase_add_test(tcase, triangle_that_passes_everything_on_has_no_loop);
}

int
main(void)
{
    Suite *suite = suite_create("bridge_transit");
    TCase *tcase = tcase_create("transit");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
