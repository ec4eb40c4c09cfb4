/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge.c - functions between federations: what a bridge lets through, under which name, and for how
 * long. Calls are in test_bridge_calls.c, what an engine does without memory in test_bridge_limits.c.
 */
#include "bridge/bridge.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

static struct rig rig;
static struct rig_peer *us_node; /* of bridge US */
static struct rig_peer *eu_node; /* of bridge EU */
static struct link_frame frame;

enum { US, EU, AP };

static const struct policy_rule_source all[] = { RULE_ALL };

/* Public functions leave as us.*. */
static const struct policy_rule_source public_as_us[] = {
    { .id = T("public"),
        .functions = LIST(T("{name**}")),
        .tags.all = LIST(T("public")),
        .set_function = T("us.{name}"),
        .action = POLICY_ACCEPT },
};

static const struct text_list public = LIST(T("public"));

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

static struct policy *
accept_all(void)
{
    return rig_policy(&rig, all, 1, all, 1);
}

/* us dials eu; us exports what is public as us.*, the rest passes. One node in each cluster. */
static void
open_two_bridges(void)
{
    const struct rig_link us[] = {
        { "eu", "eu", rig_policy(&rig, public_as_us, COUNT_OF(public_as_us), all, 1) },
    };
    const struct rig_link eu[] = { { "us", NULL, accept_all() } };
    rig_add_bridge(&rig, "us", us, 1);
    rig_add_bridge(&rig, "eu", eu, 1);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
    eu_node = rig_peer_join(&rig, EU, "ws://eu-node:1");
}

/* us alone, with links to these federations that wait for the far side. */
static void
open_one_bridge(const struct rig_link *links, uint32_t link_count)
{
    rig_add_bridge(&rig, "us", links, link_count);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
}

static uint32_t
open_with_far_eu(void)
{
    const struct rig_link link = { "eu", NULL, accept_all() };
    open_one_bridge(&link, 1);
    return rig_far_join(&rig, US, "eu", "eu-1");
}

static const struct catalog_entry *
us_sees(const char *name)
{
    return rig_peer_sees(&rig, us_node, name);
}

static const struct catalog_entry *
eu_sees(const char *name)
{
    return rig_peer_sees(&rig, eu_node, name);
}

START_TEST(only_what_both_policies_accept_arrives_and_is_tagged_with_its_origin)
{
    open_two_bridges();
    ck_assert(bridge_ready(rig.bridges[US].bridge));
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "math.add", .tags = public });
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "math.secret" });
    rig_peer_offer(&rig, eu_node, (struct rib_facts){ .name = "weather" });

    const struct catalog_entry *entry = eu_sees("us.math.add");
    ck_assert_ptr_nonnull(entry);
    const struct text_list *tags = &entry->facts->tags;
    ck_assert(text_list_has(tags, SPAN("mpreg-bridge:origin=us")));
    ck_assert(text_list_has(tags, SPAN("public")));
    ck_assert_uint_eq(tags->count, 2);
    ck_assert_ptr_null(eu_sees("math.add"));
    ck_assert_ptr_null(eu_sees("us.math.secret"));
    ck_assert_ptr_null(eu_sees("math.secret"));
    ck_assert_ptr_nonnull(us_sees("weather"));

    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(stats.exported, 1);
    ck_assert_uint_eq(stats.export_denied, 1);
    ck_assert_uint_eq(stats.announced, 1);
    ck_assert_uint_eq(stats.import_accepted, 1);
    ck_assert_uint_eq(stats.heard_announced, 1);
    ck_assert_uint_eq(bridge_stats(rig.bridges[EU].bridge).functions_offered, 1);
    ck_assert(span_is(stats.far_bridge, "eu-1"));
    ck_assert(stats.dials);
}
END_TEST

START_TEST(withdrawal_reaches_the_far_cluster_in_a_step_of_each_bridge_and_a_tick)
{
    const struct rib_facts facts = { .name = "math.add", .tags = public };
    open_two_bridges();
    rig_peer_offer(&rig, us_node, facts);
    ck_assert_ptr_nonnull(eu_sees("us.math.add"));
    uint64_t us_steps = rig.bridges[US].steps;
    uint64_t eu_steps = rig.bridges[EU].steps;
    rig_peer_retract(&rig, us_node, facts);
    ck_assert_ptr_null(eu_sees("us.math.add"));
    ck_assert_uint_eq(rig.bridges[US].steps - us_steps, 1);
    ck_assert_uint_eq(rig.bridges[EU].steps - eu_steps, 2);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).withdrawn, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 0).heard_withdrawn, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 0).prunes[PRUNE_WITHDRAWN], 1);
    ck_assert_uint_eq(bridge_stats(rig.bridges[EU].bridge).functions_offered, 0);
}
END_TEST

static const struct leaving_case {
    const char *name;
    bool says_goodbye;
} leaving_cases[] = {
    { "goodbye", true },
    { "dead", false },
};

START_TEST(functions_of_a_node_that_is_gone_are_withdrawn)
{
    const struct leaving_case *c = &leaving_cases[_i];
    open_two_bridges();
    struct rig_peer *second = rig_peer_join(&rig, US, "ws://us-node:2");
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "f", .tags = public });
    rig_peer_offer(&rig, second, (struct rib_facts){ .name = "f", .tags = public });
    rig_peer_offer(&rig, second, (struct rib_facts){ .name = "g", .tags = public });
    ck_assert_ptr_nonnull(eu_sees("us.g"));
    if (c->says_goodbye) {
        rig_peer_leave(&rig, second);
    } else {
        rig_disconnect(&rig, second->conn, SPAN("reset"));
        rig_pass(&rig, 30 * SEC_NS);
    }
    ck_assert_msg(eu_sees("us.g") == NULL, "%s: still there", c->name);
    ck_assert_msg(eu_sees("us.f") != NULL, "%s: the other provider is forgotten", c->name);
}
END_TEST

START_TEST(what_was_imported_is_not_exported_again)
{
    const struct rig_link us[] = { { "eu", "eu", accept_all() } };
    const struct rig_link eu[] = { { "us", NULL, accept_all() }, { "ap", NULL, accept_all() } };
    const struct rig_link ap[] = { { "eu", "eu", accept_all() } };
    rig_add_bridge(&rig, "us", us, 1);
    rig_add_bridge(&rig, "eu", eu, 2);
    rig_add_bridge(&rig, "ap", ap, 1);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
    eu_node = rig_peer_join(&rig, EU, "ws://eu-node:1");
    struct rig_peer *ap_node = rig_peer_join(&rig, AP, "ws://ap-node:1");
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "us.f" });
    rig_peer_offer(&rig, eu_node, (struct rib_facts){ .name = "eu.f" });
    ck_assert_ptr_nonnull(eu_sees("us.f"));
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, ap_node, "eu.f"));
    ck_assert_ptr_null(rig_peer_sees(&rig, ap_node, "us.f"));

    /* Nor when a second bridge of eu has imported it, which looks like any node. */
    const struct text_list tags = LIST(SPAN("mpreg-bridge:origin=us"));
    struct rig_peer *second_bridge = rig_peer_join(&rig, EU, "ws://eu-2:1");
    rig_peer_offer(&rig, second_bridge, (struct rib_facts){ .name = "us.g", .tags = tags });
    ck_assert_ptr_null(rig_peer_sees(&rig, ap_node, "us.g"));
    ck_assert_uint_eq(rig_link_stats(&rig, EU, 1).export_denied, 0);
}
END_TEST

START_TEST(reserved_tags_from_afar_are_replaced_by_our_own)
{
    const struct text_list tags = LIST(SPAN("mpreg-bridge:origin=us"), SPAN("mpreg-bridge:admin"),
        SPAN("mpreg-bridge:"), SPAN("public"));
    uint32_t far = open_with_far_eu();
    rig_far_announce(
        &rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f", .tags = tags });
    const struct catalog_entry *entry = us_sees("f");
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(catalog_endpoint(entry).tags.count, 2);
    ck_assert(text_list_has(&entry->facts->tags, SPAN("public")));
    ck_assert(text_list_has(&entry->facts->tags, SPAN("mpreg-bridge:origin=eu")));
}
END_TEST

START_TEST(origin_is_the_federation_that_serves_not_the_neighbour)
{
    const struct text_list path = LIST(SPAN("ap"), SPAN("eu"));
    uint32_t far = open_with_far_eu();
    rig_far_announce(&rig, far, 2, "eu",
        (struct rib_route){ .route_id = 1, .name = "f", .origin = SPAN("ap"), .path = path });
    ck_assert(text_list_has(&us_sees("f")->facts->tags, SPAN("mpreg-bridge:origin=ap")));
}
END_TEST

START_TEST(new_contents_of_a_route_reach_the_cluster)
{
    const struct text_list tags = LIST(SPAN("fast"));
    uint32_t far = open_with_far_eu();
    rig_far_announce(&rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    rig_far_announce(
        &rig, far, 3, "eu", (struct rib_route){ .route_id = 1, .name = "f", .tags = tags });
    ck_assert(text_list_has(&us_sees("f")->facts->tags, SPAN("fast")));
    rig_far_announce(&rig, far, 4, "eu", (struct rib_route){ .route_id = 1, .name = "g" });
    ck_assert_ptr_null(us_sees("f"));
    ck_assert_ptr_nonnull(us_sees("g"));
}
END_TEST

START_TEST(function_of_the_cluster_itself_hides_an_import)
{
    uint32_t far = open_with_far_eu();
    rig_far_announce(&rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_ptr_nonnull(us_sees("f"));
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "f" });
    ck_assert_ptr_null(us_sees("f"));
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).functions_offered, 0);
    rig_peer_retract(&rig, us_node, (struct rib_facts){ .name = "f" });
    ck_assert_ptr_nonnull(us_sees("f"));
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).functions_offered, 1);
}
END_TEST

START_TEST(import_whose_id_the_cluster_uses_waits_until_it_is_free)
{
    const struct rib_facts local = { .name = "local", .id = "the-id" };
    uint32_t far = open_with_far_eu();
    rig_peer_offer(&rig, us_node, local);
    rig_far_announce(
        &rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f", .id = "the-id" });
    ck_assert_ptr_null(us_sees("f"));
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).functions_offered, 0);
    rig_peer_retract(&rig, us_node, local);
    ck_assert_ptr_nonnull(us_sees("f"));
}
END_TEST

START_TEST(import_whose_id_another_import_uses_waits_until_it_is_free)
{
    uint32_t far = open_with_far_eu();
    rig_far_announce(
        &rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f", .id = "the-id" });
    rig_far_announce(
        &rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = "g", .id = "the-id" });
    ck_assert_ptr_nonnull(us_sees("f"));
    ck_assert_ptr_null(us_sees("g"));
    rig_far_withdraw(&rig, far, 4, 1);
    ck_assert_ptr_null(us_sees("f"));
    ck_assert_ptr_nonnull(us_sees("g"));
}
END_TEST

START_TEST(lost_link_takes_its_imports_out_of_the_cluster_at_once)
{
    open_two_bridges();
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "f", .tags = public });
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "g", .tags = public });
    ck_assert_ptr_nonnull(eu_sees("us.f"));
    rig.bridges[EU].unreachable = true;
    uint64_t steps = rig.bridges[EU].steps;
    /* The first conn is the link. */
    rig_disconnect(&rig, 0, SPAN("reset"));
    rig_run(&rig);
    ck_assert_ptr_null(eu_sees("us.f"));
    ck_assert_ptr_null(eu_sees("us.g"));
    ck_assert_uint_eq(rig.bridges[EU].steps - steps, 1);
    struct bridge_link_stats stats = rig_link_stats(&rig, EU, 0);
    ck_assert_int_eq(stats.state, LINK_DOWN);
    ck_assert_uint_eq(stats.import_accepted, 0);
    ck_assert_uint_eq(stats.prunes[PRUNE_LINK_DOWN], 2);
    ck_assert(!bridge_ready(rig.bridges[EU].bridge));

    /* What changes meanwhile is what the next session tells; the rest it tells again. */
    rig_peer_retract(&rig, us_node, (struct rib_facts){ .name = "f", .tags = public });
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "h", .tags = public });
    rig.bridges[EU].unreachable = false;
    rig_pass(&rig, 20 * SEC_NS);
    ck_assert_int_eq(rig_link_stats(&rig, EU, 0).state, LINK_UP);
    ck_assert_ptr_null(eu_sees("us.f"));
    ck_assert_ptr_nonnull(eu_sees("us.g"));
    ck_assert_ptr_nonnull(eu_sees("us.h"));
}
END_TEST

START_TEST(newer_session_of_the_far_bridge_starts_from_nothing)
{
    uint32_t far = open_with_far_eu();
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "ours" });
    rig_far_announce(&rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), 1);
    ck_assert_ptr_nonnull(us_sees("f"));

    uint32_t newer = rig_far_connect(&rig, US, "eu", "eu-1");
    ck_assert_ptr_null(us_sees("f"));
    rig_far_hello(&rig, newer, "eu", "eu-1");
    ck_assert_uint_eq(rig_far_heard(&rig, newer, LINK_FRAME_ANNOUNCE, &frame), 1);
    ck_assert_uint_eq(frame.announce.sequence, 1);
    ck_assert(span_is(frame.announce.routes[0].advertisement.identity.name, "ours"));
    ck_assert_uint_eq(rig_far_heard(&rig, newer, LINK_FRAME_END_OF_SYNC, &frame), 1);
    ck_assert_uint_eq(frame.sequence, 2);
    /* What the old one still says is not heard. */
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = "g" });
    ck_assert_ptr_null(us_sees("g"));
}
END_TEST

START_TEST(federation_without_a_link_is_refused)
{
    open_with_far_eu();
    uint32_t stranger = rig_far_connect(&rig, US, "zz", "zz-1");
    ck_assert_uint_eq(rig_far_heard(&rig, stranger, LINK_FRAME_ERROR, &frame), 1);
    ck_assert_uint_eq(frame.error.code, LINK_ERROR_NOT_WANTED);
    ck_assert(rig.conns[stranger].closing);
    ck_assert_uint_eq(rig_far_heard(&rig, stranger, LINK_FRAME_HELLO, &frame), 0);
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).links_refused, 1);
    ck_assert_int_eq(rig_link_stats(&rig, US, 0).state, LINK_UP);
}
END_TEST

START_TEST(each_link_hears_what_its_own_policy_accepts)
{
    const struct rig_link links[] = {
        { "eu", NULL, accept_all() },
        { "ap", NULL, rig_policy(&rig, public_as_us, COUNT_OF(public_as_us), NULL, 0) },
        { "af", NULL, NULL },
    };
    open_one_bridge(links, COUNT_OF(links));
    uint32_t far[] = {
        rig_far_join(&rig, US, "eu", "eu-1"),
        rig_far_join(&rig, US, "ap", "ap-1"),
        rig_far_join(&rig, US, "af", "af-1"),
    };
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "f", .tags = public });
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "g" });
    const uint32_t want[] = { 2, 1, 0 };
    for (size_t i = 0; i < COUNT_OF(far); i++) {
        uint32_t got = rig_far_heard(&rig, far[i], LINK_FRAME_ANNOUNCE, &frame);
        ck_assert_msg(got == want[i], "link %zu: got %u, want %u", i, got, want[i]);
    }
    /* And lets in what its own policy accepts. */
    const char *const federations[] = { "eu", "ap", "af" };
    for (size_t i = 0; i < COUNT_OF(far); i++) {
        char name[8];
        snprintf(name, sizeof(name), "%s.f", federations[i]);
        rig_far_announce(
            &rig, far[i], 2, federations[i], (struct rib_route){ .route_id = 1, .name = name });
        ck_assert_msg((us_sees(name) != NULL) == (i == 0), "%s", name);
    }
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1).import_rejected, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 2).rejects[PRUNE_POLICY_REJECTED], 3);
}
END_TEST

START_TEST(whole_table_arrives_in_batches_before_the_end_of_sync)
{
    enum { COUNT = 700 };
    char name[16];
    const struct rig_link link = { "eu", NULL, accept_all() };
    open_one_bridge(&link, 1);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = name });
    }
    uint32_t far = rig_far_join(&rig, US, "eu", "eu-1");
    uint64_t sequence = 0;
    uint32_t routes = 0;
    for (uint32_t i = 0; i < rig.conns[far].inbox_count; i++) {
        struct span bytes = rig.conns[far].inbox[i];
        ck_assert_int_eq(link_decode(bytes, &rig.wire.arena, &frame), LINK_OK);
        if (frame.type == LINK_FRAME_ANNOUNCE) {
            ck_assert_uint_eq(frame.announce.sequence, ++sequence);
            routes += frame.announce.route_count;
        } else if (frame.type == LINK_FRAME_END_OF_SYNC) {
            ck_assert_uint_eq(frame.sequence, ++sequence);
            ck_assert_uint_eq(routes, COUNT);
        }
    }
    ck_assert_uint_eq(sequence, (COUNT + LINK_BATCH_MAX - 1) / LINK_BATCH_MAX + 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).announced, COUNT);
}
END_TEST

static void
congest(uint32_t conn, enum event_kind kind)
{
    rig_push_event(&rig, conn, 0, (struct event){ .kind = kind });
    rig_run(&rig);
}

START_TEST(congested_link_is_left_alone_until_it_drains)
{
    uint32_t far = open_with_far_eu();
    congest(far, EVENT_CONGESTED);
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "f" });
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), 0);
    congest(far, EVENT_DRAINED);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), 1);
}
END_TEST

START_TEST(connection_that_ended_congested_does_not_silence_the_next_one)
{
    const struct rig_link link = { "eu", NULL, accept_all() };
    open_one_bridge(&link, 1);
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "f" });
    uint32_t stuck = rig_far_connect(&rig, US, "eu", "eu-1");
    congest(stuck, EVENT_CONGESTED);
    rig_disconnect(&rig, stuck, SPAN("reset"));
    rig_run(&rig);
    uint32_t far = rig_far_join(&rig, US, "eu", "eu-1");
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), 1);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_END_OF_SYNC, &frame), 1);
}
END_TEST

START_TEST(far_bridge_is_shown_by_the_name_of_its_newest_certificate)
{
    const struct rig_link link = { "eu", NULL, accept_all() };
    char longest[LINK_BRIDGE_NAME_MAX + 1];
    memset(longest, 'x', LINK_BRIDGE_NAME_MAX);
    longest[LINK_BRIDGE_NAME_MAX] = '\0';
    open_one_bridge(&link, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).far_bridge.size, 0);
    const char *const names[] = { "eu-bridge-with-a-name", "eu-1", longest, "eu-2" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint32_t far = rig_far_join(&rig, US, "eu", names[i]);
        struct span shown = rig_link_stats(&rig, US, 0).far_bridge;
        ck_assert_msg(span_is(shown, names[i]), "got %.*s, want %s", SPAN_ARGS(shown), names[i]);
        rig_disconnect(&rig, far, SPAN("reset"));
        rig_run(&rig);
    }
}
END_TEST

START_TEST(stop_takes_back_what_is_offered_and_ends)
{
    open_two_bridges();
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "f", .tags = public });
    ck_assert_ptr_nonnull(eu_sees("us.f"));
    rig_stop(&rig, EU);
    ck_assert_ptr_null(eu_sees("us.f"));
    ck_assert(rig.bridges[EU].finished);
    ck_assert_int_eq(rig_link_stats(&rig, EU, 0).state, LINK_DOWN);
    ck_assert_int_eq(rig_link_stats(&rig, US, 0).state, LINK_DOWN);
    ck_assert(!bridge_ready(rig.bridges[EU].bridge));
    /* A second EVENT_STOP, and time, change nothing. */
    rig_stop(&rig, EU);
    rig_pass(&rig, 60 * SEC_NS);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge");
    TCase *tcase = tcase_create("bridge");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, only_what_both_policies_accept_arrives_and_is_tagged_with_its_origin);
    tcase_add_test(tcase, withdrawal_reaches_the_far_cluster_in_a_step_of_each_bridge_and_a_tick);
    tcase_add_loop_test(
        tcase, functions_of_a_node_that_is_gone_are_withdrawn, 0, (int)COUNT_OF(leaving_cases));
    tcase_add_test(tcase, what_was_imported_is_not_exported_again);
    tcase_add_test(tcase, reserved_tags_from_afar_are_replaced_by_our_own);
    tcase_add_test(tcase, origin_is_the_federation_that_serves_not_the_neighbour);
    tcase_add_test(tcase, new_contents_of_a_route_reach_the_cluster);
    tcase_add_test(tcase, function_of_the_cluster_itself_hides_an_import);
    tcase_add_test(tcase, import_whose_id_the_cluster_uses_waits_until_it_is_free);
    tcase_add_test(tcase, import_whose_id_another_import_uses_waits_until_it_is_free);
    tcase_add_test(tcase, lost_link_takes_its_imports_out_of_the_cluster_at_once);
    tcase_add_test(tcase, newer_session_of_the_far_bridge_starts_from_nothing);
    tcase_add_test(tcase, federation_without_a_link_is_refused);
    tcase_add_test(tcase, each_link_hears_what_its_own_policy_accepts);
    tcase_add_test(tcase, whole_table_arrives_in_batches_before_the_end_of_sync);
    tcase_add_test(tcase, congested_link_is_left_alone_until_it_drains);
    tcase_add_test(tcase, connection_that_ended_congested_does_not_silence_the_next_one);
    tcase_add_test(tcase, far_bridge_is_shown_by_the_name_of_its_newest_certificate);
    tcase_add_test(tcase, stop_takes_back_what_is_offered_and_ends);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
