/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_reload.c - other policies while the bridge runs: what changes, what does not, who may refuse it, and
 * how it is taken back. And what policies say of more functions than they foresee.
 */
#include "bridge/bridge.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

static struct rig rig;
static struct rig_peer *us_node;
static uint32_t far; /* of eu */
static struct link_frame frame;

enum { US };

static const struct text_list public = LIST(T("public"));

static const struct policy_rule_source all[] = { RULE_ALL };
static const struct policy_rule_source only_a[] = {
    { .id = T("only-a"), .functions = LIST(T("a")), .action = POLICY_ACCEPT },
};
static const struct policy_rule_source tagged[] = {
    { .id = T("tagged"), .add_tags = LIST(T("new")), .action = POLICY_ACCEPT },
};
static const struct policy_rule_source renamed[] = {
    { .id = T("renamed"),
        .functions = LIST(T("{n}")),
        .set_function = T("us.{n}"),
        .action = POLICY_ACCEPT },
};

static struct policy *
policy_of(const struct policy_rule_source *exports, const struct policy_rule_source *imports)
{
    return rig_policy(&rig, exports, exports == NULL ? 0 : 1, imports, imports == NULL ? 0 : 1);
}

/* us with a link to eu. The functions a, b and c of us are announced; eu announces x and y. */
static void
open_with(struct policy *policy)
{
    static const char *const ours[] = { "a", "b", "c" };
    const struct rig_link link = { "eu", NULL, policy };
    rig_add_bridge(&rig, "us", &link, 1);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = ours[i], .tags = public });
    }
    far = rig_far_join(&rig, US, "eu", "eu-1");
    rig_far_announce(&rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "x" });
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = "y" });
}

static void
set_up(void)
{
    rig_open(&rig);
    open_with(policy_of(all, all));
}

static void
tear_down(void)
{
    ck_assert(rig_close(&rig));
}

static struct bridge *
us(void)
{
    return rig.bridges[US].bridge;
}

static void
reload(struct reload_request request, struct policy *policy)
{
    request.policies = &policy;
    ck_assert(bridge_reload_begin(us(), &request));
    rig_run(&rig);
}

static void
expect_end(enum reload_outcome outcome)
{
    const struct reload *ended = bridge_reload(us());
    ck_assert_msg(ended->state == RELOAD_IDLE, "it is %s", reload_state_name(ended->state));
    ck_assert_msg(ended->outcome == outcome, "it was %s", reload_outcome_name(ended->outcome));
}

static uint32_t
heard(enum link_frame_type type)
{
    return rig_far_heard(&rig, far, type, &frame);
}

START_TEST(new_policy_holds_for_what_is_known_and_for_what_comes)
{
    uint32_t withdrawals = heard(LINK_FRAME_WITHDRAW);
    reload((struct reload_request){ .apply = true }, policy_of(only_a, NULL));
    expect_end(RELOAD_APPLIED);
    ck_assert_uint_eq(heard(LINK_FRAME_WITHDRAW), withdrawals + 1);
    ck_assert_uint_eq(frame.withdraw.route_count, 2);
    ck_assert_ptr_null(rig_peer_sees(&rig, us_node, "x"));
    ck_assert_ptr_null(rig_peer_sees(&rig, us_node, "y"));
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(stats.exported, 1);
    ck_assert_uint_eq(stats.import_accepted, 0);
    ck_assert_uint_eq(stats.import_rejected, 2);
    ck_assert_uint_eq(stats.prunes[PRUNE_POLICY_REJECTED], 4);

    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "d" });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 1);

    reload((struct reload_request){ .apply = true }, policy_of(all, all));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 4);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, "x"));
}
END_TEST

/* The link stays up, and what is called keeps its route: no caller sees a gap. */
START_TEST(what_only_gets_other_tags_is_announced_again_under_its_route)
{
    uint32_t withdrawals = heard(LINK_FRAME_WITHDRAW);
    uint32_t announcements = heard(LINK_FRAME_ANNOUNCE);
    uint64_t was[3];
    ck_assert_uint_eq(frame.announce.route_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        was[i] = frame.announce.routes[i].route_id;
    }
    reload((struct reload_request){ .apply = true }, policy_of(tagged, all));
    expect_end(RELOAD_APPLIED);
    ck_assert_uint_eq(heard(LINK_FRAME_WITHDRAW), withdrawals);
    ck_assert_uint_eq(heard(LINK_FRAME_ANNOUNCE), announcements + 1);
    ck_assert_uint_eq(frame.announce.route_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t is = frame.announce.routes[i].route_id;
        ck_assert(is == was[0] || is == was[1] || is == was[2]);
    }
    ck_assert(text_list_has(&frame.announce.routes[0].advertisement.tags, SPAN("new")));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).session->flaps, 0);
}
END_TEST

START_TEST(policy_that_says_the_same_tells_nobody_anything)
{
    uint32_t announcements = heard(LINK_FRAME_ANNOUNCE);
    uint64_t sent = rig_link_stats(&rig, US, 0).announced;
    reload((struct reload_request){ .apply = true }, policy_of(all, all));
    expect_end(RELOAD_APPLIED);
    ck_assert_uint_eq(heard(LINK_FRAME_ANNOUNCE), announcements);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).announced, sent);
    ck_assert_uint_eq(rib_policy_number(bridge_rib(us()), 0), 2);
}
END_TEST

START_TEST(differences_are_found_without_touching_anything)
{
    reload((struct reload_request){ .apply = false }, policy_of(renamed, NULL));
    expect_end(RELOAD_COMPARED);
    struct rib_comparison comparison = rib_comparison(bridge_rib(us()), 0);
    ck_assert(comparison.whole);
    ck_assert_uint_eq(comparison.counts[RIB_RENAMED], 3);
    ck_assert_uint_eq(comparison.counts[RIB_VANISHES], 2);
    ck_assert_uint_eq(comparison.counts[RIB_APPEARS], 0);
    ck_assert_uint_eq(comparison.item_count, 5);
    bool found = false;
    for (uint32_t i = 0; i < comparison.item_count; i++) {
        const struct rib_difference *item = &comparison.items[i];
        if (span_is(item->function, "a")) {
            found = true;
            ck_assert_int_eq(item->direction, POLICY_EXPORT);
            ck_assert(span_is(item->before, "a"));
            ck_assert(span_is(item->after, "us.a"));
            ck_assert(span_is(item->rule_before, "all"));
            ck_assert(span_is(item->rule_after, "renamed"));
        }
    }
    ck_assert(found);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 3);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, "x"));
    ck_assert_uint_eq(rib_policy_number(bridge_rib(us()), 0), 1);
}
END_TEST

static struct policy *
guarded(uint32_t percent)
{
    const struct policy_source source = {
        .name = SPAN("guarded"),
        .rules = { only_a, all },
        .rule_count = { 1, 1 },
        .has_withdraw_max = true,
        .withdraw_max_percent = percent,
    };
    CHECK(rig.policy_count < RIG_POLICIES_MAX);
    rig.policies[rig.policy_count] = rib_rig_policy_with(&rig.wire.mem, &source);
    return rig.policies[rig.policy_count++];
}

/* Two of five functions would vanish. */
START_TEST(guard_refuses_what_would_make_too_many_vanish)
{
    reload((struct reload_request){ .apply = true }, guarded(39));
    expect_end(RELOAD_GUARDED);
    ck_assert_uint_eq(bridge_reload(us())->guarded_link, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 3);
    reload((struct reload_request){ .apply = true }, guarded(40));
    expect_end(RELOAD_APPLIED);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 1);
}
END_TEST

START_TEST(force_overrules_the_guard)
{
    reload((struct reload_request){ .apply = true, .force = true }, guarded(0));
    expect_end(RELOAD_APPLIED);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 1);
    /* The guard of what is in use counts as well: all that is left would vanish. */
    reload((struct reload_request){ .apply = true }, policy_of(NULL, NULL));
    expect_end(RELOAD_GUARDED);
}
END_TEST

START_TEST(what_nobody_confirms_goes_back_by_itself)
{
    const struct reload_request request = { .apply = true, .confirm_within_ns = 20 * SEC_NS };
    reload(request, policy_of(only_a, all));
    ck_assert_int_eq(bridge_reload(us())->state, RELOAD_CONFIRMING);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 1);
    /* Another one has to wait. */
    struct policy *other = policy_of(all, all);
    const struct reload_request again = { .policies = &other, .apply = true };
    ck_assert(!bridge_reload_begin(us(), &again));
    ck_assert(!bridge_shadow_begin(us(), &other));
    ck_assert(!bridge_forget_differences(us()));
    rig_pass(&rig, 19 * SEC_NS);
    ck_assert_int_eq(bridge_reload(us())->state, RELOAD_CONFIRMING);
    rig_pass(&rig, 2 * SEC_NS);
    expect_end(RELOAD_REVERTED);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 3);
    ck_assert(!bridge_reload_confirm(us()));
    ck_assert(!bridge_reload_revert(us()));
}
END_TEST

START_TEST(what_is_confirmed_stays)
{
    const struct reload_request request = { .apply = true, .confirm_within_ns = 20 * SEC_NS };
    reload(request, policy_of(only_a, all));
    ck_assert(bridge_reload_confirm(us()));
    expect_end(RELOAD_APPLIED);
    rig_pass(&rig, 30 * SEC_NS);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 1);
}
END_TEST

START_TEST(operator_may_take_it_back_at_once)
{
    const struct reload_request request = { .apply = true, .confirm_within_ns = 20 * SEC_NS };
    reload(request, policy_of(only_a, all));
    ck_assert(bridge_reload_revert(us()));
    rig_run(&rig);
    expect_end(RELOAD_REVERTED);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 3);
}
END_TEST

START_TEST(shadow_counts_what_comes_too_until_it_is_forgotten)
{
    struct policy *candidate = policy_of(only_a, all);
    ck_assert(bridge_shadow_begin(us(), &candidate));
    rig_run(&rig);
    ck_assert_int_eq(bridge_reload(us())->state, RELOAD_SHADOWING);
    ck_assert_uint_eq(rib_comparison(bridge_rib(us()), 0).counts[RIB_VANISHES], 2);
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "d" });
    struct rib_comparison comparison = rib_comparison(bridge_rib(us()), 0);
    ck_assert_uint_eq(comparison.counts[RIB_VANISHES], 3);
    ck_assert_uint_eq(comparison.compared, 6);
    ck_assert_uint_eq(comparison.accepted, 6);
    ck_assert(bridge_forget_differences(us()));
    ck_assert(!rib_comparison(bridge_rib(us()), 0).is_there);
    rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = "e" });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 5);
}
END_TEST

START_TEST(rules_begin_and_end_by_the_clock)
{
    const struct policy_rule_source for_an_hour[] = {
        { .id = SPAN("for an hour"),
            .has_valid_until = true,
            .valid_until = wall_after(rig.now.wall, 3600 * SEC_NS),
            .action = POLICY_ACCEPT },
    };
    reload((struct reload_request){ .apply = true }, policy_of(for_an_hour, all));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 3);
    /* The node's advertisements would not live so long by themselves. */
    ck_assert_uint_gt(bridge_deadline(us(), rig.now).ns, rig.now.mono.ns);
    rig.now.wall = wall_after(rig.now.wall, 3600 * SEC_NS);
    ck_assert_uint_le(bridge_deadline(us(), rig.now).ns, rig.now.mono.ns);
    rig_run(&rig);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).exported, 0);
}
END_TEST

START_TEST(rules_know_how_often_they_decided_and_rejects_are_kept)
{
    reload((struct reload_request){ .apply = true }, policy_of(only_a, all));
    const struct rib *rib = bridge_rib(us());
    ck_assert_uint_eq(rib_rule_use(rib, 0, POLICY_EXPORT, 0).hits, 1);
    ck_assert_uint_eq(rib_rule_use(rib, 0, POLICY_EXPORT, POLICY_NO_RULE).hits, 2);
    ck_assert_int_eq(rib_rule_use(rib, 0, POLICY_EXPORT, 0).last_hit.ns, rig.now.wall.ns);
    ck_assert_int_eq(rib_rule_use(rib, 0, POLICY_IMPORT, POLICY_NO_RULE).last_hit.ns, 0);
    const struct rib_event *event = rib_newest_event(rib, RIB_EVENT_REJECTED);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(event->direction, POLICY_EXPORT);
    ck_assert_int_eq(event->reason, PRUNE_POLICY_REJECTED);
    ck_assert(span_is(event->rule_id, "default"));
    event = rib_older_event(event);
    ck_assert_ptr_nonnull(event);
    ck_assert_ptr_null(rib_older_event(event));
    for (uint32_t i = 0; i < RIB_EVENTS_MAX + 5; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d%u", i);
        rig_peer_offer(&rig, us_node, (struct rib_facts){ .name = name });
        rig_peer_retract(&rig, us_node, (struct rib_facts){ .name = name });
        /* The rig keeps what was said, for ever. */
        rig.conns[0].inbox_count = 0;
        rig.conns[1].inbox_count = 0;
    }
    event = rib_newest_event(rib, RIB_EVENT_REJECTED);
    ck_assert(span_is(event->function, "d10004"));
    uint32_t count = 1;
    for (const struct rib_event *older; (older = rib_older_event(event)) != NULL; count++) {
        ck_assert_uint_eq(older->number, event->number - 1);
        event = older;
    }
    ck_assert_uint_eq(count, RIB_EVENTS_MAX);
    ck_assert(span_is(event->function, "d5"));
}
END_TEST

static struct policy *
limited_to(struct policy_import_limits limits)
{
    const struct policy_source source = {
        .name = SPAN("limited"),
        .rules = { all, all },
        .rule_count = { 1, 1 },
        .import_limits = limits,
    };
    CHECK(rig.policy_count < RIG_POLICIES_MAX);
    rig.policies[rig.policy_count] = rib_rig_policy_with(&rig.wire.mem, &source);
    return rig.policies[rig.policy_count++];
}

static struct policy *
limited(uint64_t max, enum policy_limit_action action)
{
    return limited_to((struct policy_import_limits){
        .table[POLICY_LIMIT_FUNCTIONS] = { .max = max, .action = action },
    });
}

static struct policy *
limited_in_bytes(uint64_t max, enum policy_limit_action action)
{
    return limited_to((struct policy_import_limits){
        .table[POLICY_LIMIT_BYTES] = { .max = max, .action = action },
    });
}

START_TEST(functions_beyond_the_limit_are_blocked_until_there_is_room)
{
    reload((struct reload_request){ .apply = true }, limited(2, POLICY_LIMIT_BLOCK));
    rig_far_announce(&rig, far, 4, "eu", (struct rib_route){ .route_id = 3, .name = "z" });
    ck_assert_ptr_null(rig_peer_sees(&rig, us_node, "z"));
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(stats.import_blocked, 1);
    ck_assert_uint_eq(stats.import_rejected, 1);
    ck_assert_uint_eq(stats.rejects[PRUNE_LIMIT_EXCEEDED], 1);
    /* Said again, it is blocked again, once. */
    rig_far_announce(&rig, far, 5, "eu", (struct rib_route){ .route_id = 3, .name = "zz" });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 1);

    rig_far_withdraw(&rig, far, 6, 1);
    ck_assert_ptr_null(rig_peer_sees(&rig, us_node, "x"));
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, "zz"));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 0);

    /* A lower limit takes back what was let in; a higher one lets it in again. */
    reload((struct reload_request){ .apply = true }, limited(1, POLICY_LIMIT_BLOCK));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_accepted, 1);
    reload((struct reload_request){ .apply = true }, limited(3, POLICY_LIMIT_BLOCK));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_accepted, 2);
}
END_TEST

START_TEST(bytes_beyond_the_limit_are_blocked_until_there_is_room)
{
    const char *long_name = "z.with.a.name.that.is.much.longer.than.those.of.the.others";
    uint64_t one = rig_link_stats(&rig, US, 0).table_bytes / 2;
    ck_assert_uint_gt(one, sizeof(struct rib_import));
    reload((struct reload_request){ .apply = true }, limited_in_bytes(3 * one, POLICY_LIMIT_BLOCK));
    rig_far_announce(&rig, far, 4, "eu", (struct rib_route){ .route_id = 3, .name = long_name });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 1);
    ck_assert_uint_gt(rig_link_stats(&rig, US, 0).table_bytes, 3 * one);
    const struct rib_event *event = rib_newest_event(bridge_rib(us()), RIB_EVENT_REJECTED);
    ck_assert_int_eq(event->reason, PRUNE_LIMIT_EXCEEDED);
    ck_assert_msg(strstr((const char *)event->rule_reason.data, "import.limits.bytes") != NULL,
        "%.*s", SPAN_ARGS(event->rule_reason));
    /* Something smaller under the same route has room, and something larger has not. */
    rig_far_announce(&rig, far, 5, "eu", (struct rib_route){ .route_id = 3, .name = "z" });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).table_bytes, 3 * one);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, "z"));
    rig_far_announce(&rig, far, 6, "eu", (struct rib_route){ .route_id = 3, .name = long_name });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 1);
    ck_assert_ptr_null(rig_peer_sees(&rig, us_node, "z"));
    rig_far_withdraw(&rig, far, 7, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 0);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, long_name));
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).table_bytes, 0);
}
END_TEST

START_TEST(one_that_takes_less_lets_others_in)
{
    char long_name[400];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    rig_far_announce(&rig, far, 4, "eu", (struct rib_route){ .route_id = 1, .name = long_name });
    uint64_t full = rig_link_stats(&rig, US, 0).table_bytes;
    reload((struct reload_request){ .apply = true }, limited_in_bytes(full, POLICY_LIMIT_BLOCK));
    rig_far_announce(&rig, far, 5, "eu", (struct rib_route){ .route_id = 3, .name = "z" });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 1);
    rig_far_announce(&rig, far, 6, "eu", (struct rib_route){ .route_id = 2, .name = long_name });
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_blocked, 1);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, "z"));
}
END_TEST

START_TEST(limit_of_bytes_may_end_the_session)
{
    uint64_t two = rig_link_stats(&rig, US, 0).table_bytes;
    reload((struct reload_request){ .apply = true }, limited_in_bytes(two, POLICY_LIMIT_RESTART));
    ck_assert(!rig_link_stats(&rig, US, 0).held);
    rig_far_announce(&rig, far, 4, "eu", (struct rib_route){ .route_id = 3, .name = "z" });
    ck_assert_uint_eq(heard(LINK_FRAME_ERROR), 1);
    ck_assert_int_eq(frame.error.code, LINK_ERROR_LIMIT);
    ck_assert(span_is(frame.error.text, "what came takes more than the import policy allows"));
    ck_assert(rig_link_stats(&rig, US, 0).held);
}
END_TEST

START_TEST(updates_beyond_the_rate_are_waited_for)
{
    reload((struct reload_request){ .apply = true },
        limited_to((struct policy_import_limits){
            .updates = { .rate = 10, .rate_per_ns = SEC_NS, .burst = 2 } }));
    struct rib_route z = { .route_id = 3, .name = "z" };
    rig_far_announce(&rig, far, 4, "eu", z);
    ck_assert_uint_eq(rig.conns[far].pauses, 0);
    rig_far_withdraw(&rig, far, 5, 3);
    /* Both are spent: the next comes in a tenth of a second. */
    ck_assert_uint_eq(rig.conns[far].pauses, 1);
    ck_assert_uint_eq(rig.conns[far].pause_ns, 100 * MS_NS);
    rig_far_announce(&rig, far, 6, "eu", z);
    ck_assert_uint_eq(rig.conns[far].pause_ns, 200 * MS_NS);
    /* Nothing is lost, and nobody waits longer than half a second. */
    for (uint64_t sequence = 7; sequence < 40; sequence++) {
        rig_far_announce(&rig, far, sequence, "eu", z);
    }
    ck_assert_uint_eq(rig.conns[far].pause_ns, 500 * MS_NS);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, "z"));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).update_pauses, rig.conns[far].pauses);
    uint32_t pauses = rig.conns[far].pauses;
    const struct link_frame ping = { .type = LINK_FRAME_PING, .ping.number = 1 };
    rig_far_send(&rig, far, &ping);
    ck_assert_uint_eq(heard(LINK_FRAME_PONG), 1);
    ck_assert_uint_eq(rig.conns[far].pauses, pauses);
    rig_pass(&rig, SEC_NS);
    rig_far_withdraw(&rig, far, 40, 3);
    ck_assert_uint_eq(rig.conns[far].pauses, pauses);
    reload((struct reload_request){ .apply = true }, limited(1, POLICY_LIMIT_WARN));
    for (uint64_t sequence = 41; sequence < 50; sequence++) {
        rig_far_announce(&rig, far, sequence, "eu", z);
    }
    ck_assert_uint_eq(rig.conns[far].pauses, pauses);
}
END_TEST

START_TEST(names_ids_and_tags_may_be_so_long)
{
    static const struct span tags[] = { T("a.tag") };
    reload((struct reload_request){ .apply = true },
        limited_to((struct policy_import_limits){ .name_size = 4 }));
    const struct rib_route routes[] = {
        { .route_id = 3, .name = "four" },
        { .route_id = 4, .name = "fives" },
        { .route_id = 5, .name = "id", .id = "other" },
        { .route_id = 6, .name = "tag", .tags = { .items = tags, .count = 1 } },
    };
    for (uint32_t i = 0; i < COUNT_OF(routes); i++) {
        rig_far_announce(&rig, far, 4 + i, "eu", routes[i]);
        struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
        ck_assert_uint_eq(stats.import_rejected, i);
        ck_assert_uint_eq(stats.rejects[PRUNE_LIMIT_EXCEEDED], i);
    }
    const struct rib_event *event = rib_newest_event(bridge_rib(us()), RIB_EVENT_REJECTED);
    ck_assert_msg(strstr((const char *)event->rule_reason.data, "import.limits.name") != NULL,
        "%.*s", SPAN_ARGS(event->rule_reason));
    reload((struct reload_request){ .apply = true }, limited(9, POLICY_LIMIT_WARN));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_rejected, 0);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, us_node, "fives"));
}
END_TEST

START_TEST(limit_may_only_warn)
{
    reload((struct reload_request){ .apply = true }, limited(1, POLICY_LIMIT_WARN));
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_accepted, 2);
    ck_assert(!rig_link_stats(&rig, US, 0).held);
    ck_assert_int_eq(rig_link_stats(&rig, US, 0).state, LINK_UP);
}
END_TEST

START_TEST(limit_may_end_the_session_for_a_while)
{
    reload((struct reload_request){ .apply = true }, limited(2, POLICY_LIMIT_RESTART));
    rig_far_announce(&rig, far, 4, "eu", (struct rib_route){ .route_id = 3, .name = "z" });
    ck_assert_uint_eq(heard(LINK_FRAME_ERROR), 1);
    ck_assert_int_eq(frame.error.code, LINK_ERROR_LIMIT);
    ck_assert(rig_link_stats(&rig, US, 0).held);
    ck_assert_ptr_null(rig_peer_sees(&rig, us_node, "x"));
    rig_pass(&rig, 30 * SEC_NS);
    uint32_t early = rig_far_connect(&rig, US, "eu", "eu-1");
    ck_assert(rig.conns[early].closing);
    rig_pass(&rig, 31 * SEC_NS);
    ck_assert(!rig_link_stats(&rig, US, 0).held);
    rig_far_join(&rig, US, "eu", "eu-1");
    ck_assert_int_eq(rig_link_stats(&rig, US, 0).state, LINK_UP);
}
END_TEST

START_TEST(limit_may_end_the_session_until_the_policy_changes)
{
    reload((struct reload_request){ .apply = true }, limited(1, POLICY_LIMIT_DISABLE));
    ck_assert(rig_link_stats(&rig, US, 0).held);
    rig_pass(&rig, 3600 * SEC_NS);
    uint32_t early = rig_far_connect(&rig, US, "eu", "eu-1");
    ck_assert(rig.conns[early].closing);
    reload((struct reload_request){ .apply = true }, limited(9, POLICY_LIMIT_DISABLE));
    ck_assert(!rig_link_stats(&rig, US, 0).held);
    rig_far_join(&rig, US, "eu", "eu-1");
    ck_assert_int_eq(rig_link_stats(&rig, US, 0).state, LINK_UP);
}
END_TEST

static void
add_tests(TCase *tcase)
{
    tcase_add_test(tcase, new_policy_holds_for_what_is_known_and_for_what_comes);
    tcase_add_test(tcase, what_only_gets_other_tags_is_announced_again_under_its_route);
    tcase_add_test(tcase, policy_that_says_the_same_tells_nobody_anything);
    tcase_add_test(tcase, differences_are_found_without_touching_anything);
    tcase_add_test(tcase, guard_refuses_what_would_make_too_many_vanish);
    tcase_add_test(tcase, force_overrules_the_guard);
    tcase_add_test(tcase, what_nobody_confirms_goes_back_by_itself);
    tcase_add_test(tcase, what_is_confirmed_stays);
    tcase_add_test(tcase, operator_may_take_it_back_at_once);
    tcase_add_test(tcase, shadow_counts_what_comes_too_until_it_is_forgotten);
    tcase_add_test(tcase, rules_begin_and_end_by_the_clock);
    tcase_add_test(tcase, rules_know_how_often_they_decided_and_rejects_are_kept);
    tcase_add_test(tcase, functions_beyond_the_limit_are_blocked_until_there_is_room);
    tcase_add_test(tcase, bytes_beyond_the_limit_are_blocked_until_there_is_room);
    tcase_add_test(tcase, one_that_takes_less_lets_others_in);
    tcase_add_test(tcase, limit_of_bytes_may_end_the_session);
    tcase_add_test(tcase, updates_beyond_the_rate_are_waited_for);
    tcase_add_test(tcase, names_ids_and_tags_may_be_so_long);
    tcase_add_test(tcase, limit_may_only_warn);
    tcase_add_test(tcase, limit_may_end_the_session_for_a_while);
    tcase_add_test(tcase, limit_may_end_the_session_until_the_policy_changes);
}

int
main(void)
{
    Suite *suite = suite_create("bridge_reload");
    TCase *tcase = tcase_create("reload");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
