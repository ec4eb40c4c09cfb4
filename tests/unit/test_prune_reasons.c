/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_prune_reasons.c - each reason of the closed list is one that a bridge gives: what makes it do so, and where it
 * counts. Of what goes over links the rings of events tell as well.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

static struct rig rig;
static struct rig_peer *node;
static uint32_t eu;
static uint32_t ap;

enum { US };

/* Links of us, in this order. */
enum { EU, AP, LINK_COUNT };

static const struct policy_rule_source exports[] = {
    { .id = T("internal"), .tags.any = LIST(T("internal")), .action = POLICY_REJECT },
    { .id = T("one name"),
        .functions = LIST(T("{team}.add")),
        .set_function = T("add"),
        .action = POLICY_ACCEPT },
    RULE_ALL,
};
static const struct policy_rule_source imports[] = { RULE_ALL };

static struct policy *
make_policy(void)
{
    const struct policy_source source = {
        .name = SPAN("test"),
        .rules = { exports, imports },
        .rule_count = { COUNT_OF(exports), COUNT_OF(imports) },
        .import_limits.table[POLICY_LIMIT_FUNCTIONS] = { .max = 2, .action = POLICY_LIMIT_BLOCK },
    };
    CHECK(rig.policy_count < RIG_POLICIES_MAX);
    return rig.policies[rig.policy_count++] = rib_rig_policy_with(&rig.wire.mem, &source);
}

/* us with a node and two neighbours, each of which may bring two functions. */
static void
open_bridge(uint64_t stale_time_ns, struct damping_config function_damping)
{
    rig_open(&rig);
    rig.stale_time_ns = stale_time_ns;
    rig.function_damping = function_damping;
    struct policy *policy = make_policy();
    const struct rig_link links[LINK_COUNT] = {
        { "eu", NULL, policy },
        { "ap", NULL, policy },
    };
    rig_add_bridge(&rig, "us", links, LINK_COUNT);
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    eu = rig_far_join(&rig, US, "eu", "eu-1");
    ap = rig_far_join(&rig, US, "ap", "ap-1");
}

static void
set_up(void)
{
    open_bridge(0, DAMPING_OFF);
}

static void
tear_down(void)
{
    ck_assert(rig_close(&rig));
}

/* An advertisement that says something else than rig_peer_offer(). */
static void
gossip(struct function_endpoint endpoint)
{
    struct delta delta = { .functions = &endpoint, .function_count = 1 };
    rig_peer_gossip(&rig, node, &delta);
}

static void
let_it_expire(void)
{
    struct function_endpoint endpoint =
        rig_peer_endpoint(&rig, node, (struct rib_facts){ .name = "f" });
    endpoint.ttl_ns = 5 * SEC_NS;
    gossip(endpoint);
    rig_pass(&rig, 6 * SEC_NS);
}

static void
withdraw_it(void)
{
    rig_far_announce(&rig, eu, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    rig_far_withdraw(&rig, eu, 3, 1);
}

static void
cut_its_link(void)
{
    rig_far_announce(&rig, eu, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    rig_disconnect(&rig, eu, SPAN("reset"));
    rig_run(&rig);
}

static void
keep_it_over_a_cut_until_it_is_too_old(void)
{
    ck_assert(rig_close(&rig));
    open_bridge(30 * SEC_NS, DAMPING_OFF);
    cut_its_link();
    ck_assert_uint_eq(rig_link_stats(&rig, US, EU).import_accepted, 1);
    rig_pass(&rig, 31 * SEC_NS);
}

static void
let_it_come_and_go(void)
{
    const struct damping_config damping = {
        .half_life_ns = 60 * SEC_NS,
        .max_suppress_ns = 300 * SEC_NS,
        .suppress = 2500,
        .reuse = 1000,
    };
    ck_assert(rig_close(&rig));
    open_bridge(0, damping);
    for (uint64_t sequence = 2; sequence < 10; sequence += 2) {
        rig_far_announce(
            &rig, eu, sequence, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
        rig_far_withdraw(&rig, eu, sequence + 1, 1);
    }
}

static void
let_its_node_say_goodbye(void)
{
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "f" });
    rig_peer_leave(&rig, node);
}

static void
let_its_node_die(void)
{
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "f" });
    rig_disconnect(&rig, node->conn, SPAN("reset"));
    rig_pass(&rig, 60 * SEC_NS);
}

static void
have_a_rule_reject_it(void)
{
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "f", .tags = LIST(T("internal")) });
}

static void
bring_one_too_many(void)
{
    rig_far_announce(&rig, eu, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    rig_far_announce(&rig, eu, 3, "eu", (struct rib_route){ .route_id = 2, .name = "g" });
    rig_far_announce(&rig, eu, 4, "eu", (struct rib_route){ .route_id = 3, .name = "h" });
}

static void
send_it_back(void)
{
    rig_far_announce(&rig, eu, 2, "eu",
        (struct rib_route){ .route_id = 1,
            .name = "f",
            .origin = SPAN("ap"),
            .path = LIST(T("ap"), T("us"), T("eu")) });
}

static void
advertise_for_another_cluster(void)
{
    struct function_endpoint endpoint =
        rig_peer_endpoint(&rig, node, (struct rib_facts){ .name = "f" });
    endpoint.key.cluster_id = SPAN("eu");
    endpoint.key.node_id = SPAN("ws://eu-node:1");
    gossip(endpoint);
}

static void
give_a_name_two_ids(void)
{
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "f", .id = "one" });
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "f", .id = "two" });
}

static void
give_two_functions_a_name(void)
{
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "a.add" });
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "b.add" });
}

static void
give_it_a_tag_that_no_link_carries(void)
{
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "f", .tags = LIST(T("no\ntext")) });
}

static void
bring_a_better_one(void)
{
    rig_far_announce(
        &rig, eu, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f", .cost = 5 });
    rig_far_announce(
        &rig, ap, 2, "ap", (struct rib_route){ .route_id = 1, .name = "f", .cost = 4 });
}

static void
stop_the_bridge(void)
{
    rig_far_announce(&rig, eu, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    rig_stop(&rig, US);
}

/* Where a reason counts. */
enum place {
    CLUSTER = 0, /* what nodes advertise */
    LINK,        /* what passes, or would have, from or to a neighbour */
};

static const struct production {
    enum prune_reason reason;
    enum place place;
    void (*produce)(void);
} productions[] = {
    { PRUNE_TTL_EXPIRED, CLUSTER, let_it_expire },
    { PRUNE_WITHDRAWN, LINK, withdraw_it },
    { PRUNE_LINK_DOWN, LINK, cut_its_link },
    { PRUNE_NODE_GOODBYE, CLUSTER, let_its_node_say_goodbye },
    { PRUNE_NODE_DEAD, CLUSTER, let_its_node_die },
    { PRUNE_POLICY_REJECTED, LINK, have_a_rule_reject_it },
    { PRUNE_LIMIT_EXCEEDED, LINK, bring_one_too_many },
    { PRUNE_DAMPED, LINK, let_it_come_and_go },
    { PRUNE_LOOP, LINK, send_it_back },
    { PRUNE_ISOLATION, CLUSTER, advertise_for_another_cluster },
    { PRUNE_FUNCTION_ID_CONFLICT, CLUSTER, give_a_name_two_ids },
    { PRUNE_VERSION_CONFLICT, LINK, give_two_functions_a_name },
    { PRUNE_INVALID, LINK, give_it_a_tag_that_no_link_carries },
    { PRUNE_SUPERSEDED, LINK, bring_a_better_one },
    { PRUNE_STALE_TIMEOUT, LINK, keep_it_over_a_cut_until_it_is_too_old },
    { PRUNE_OPERATOR, LINK, stop_the_bridge },
};
static_assert(COUNT_OF(productions) == PRUNE_REASON_COUNT, "each reason has its row");

static uint64_t
count_in_cluster(enum prune_reason reason)
{
    struct bridge *bridge = rig.bridges[US].bridge;
    return bridge_stats(bridge).member.rejects[reason] +
           catalog_prunes(member_catalog(bridge_member(bridge)))[reason];
}

static uint64_t
count_on_links(enum prune_reason reason)
{
    uint64_t count = 0;
    for (uint32_t link = 0; link < LINK_COUNT; link++) {
        struct bridge_link_stats stats = rig_link_stats(&rig, US, link);
        count += stats.prunes[reason] + stats.rejects[reason];
    }
    return count;
}

static uint64_t
count_events(enum prune_reason reason)
{
    const struct rib *rib = bridge_rib(rig.bridges[US].bridge);
    uint64_t count = 0;
    for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
        const struct rib_event *event = rib_newest_event(rib, (enum rib_event_kind)kind);
        for (; event != NULL; event = rib_older_event(event)) {
            count += event->reason == reason;
        }
    }
    return count;
}

START_TEST(each_reason_is_given_and_counted)
{
    const struct production *production = &productions[_i];
    enum prune_reason reason = production->reason;
    const char *name = prune_reason_name(reason);
    ck_assert_msg((int)reason == _i, "row %d is of %s", _i, name);
    ck_assert_msg(count_in_cluster(reason) + count_on_links(reason) == 0, "%s: too early", name);
    production->produce();
    uint64_t in_cluster = count_in_cluster(reason);
    uint64_t on_links = count_on_links(reason);
    switch (production->place) {
    case CLUSTER:
        ck_assert_msg(in_cluster > 0, "%s: not counted", name);
        break;
    case LINK:
        ck_assert_msg(on_links > 0, "%s: not counted", name);
        break;
    }
    ck_assert_msg(count_events(reason) == on_links, "%s: %lu counted, %lu told", name,
        (unsigned long)on_links, (unsigned long)count_events(reason));
}
END_TEST

/* So that no row falls asleep. */
int
main(void)
{
    Suite *suite = suite_create("prune_reasons");
    TCase *tcase = tcase_create("reasons");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, each_reason_is_given_and_counted, 0, COUNT_OF(productions));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
