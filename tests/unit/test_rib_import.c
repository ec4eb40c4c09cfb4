/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_rib_import.c - from the links to the cluster: what is let in, as what, and which of several
 * imports serves a name.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/rib.h"
#include "core/limits.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

static struct rib_rig rig;

/* From eu: math.* comes in as eu.math.*, math.broken does not. */
static const struct policy_rule_source renaming[] = {
    { .id = T("broken"),
        .functions = LIST(T("math.broken")),
        .action = POLICY_REJECT,
        .reason = T("does not work") },
    { .id = T("math"),
        .functions = LIST(T("math.{op}")),
        .set_function = T("eu.math.{op}"),
        .has_preference = true,
        .preference = 50,
        .action = POLICY_ACCEPT },
};

static const struct policy_rule_source all = RULE_ALL;

/* Links 0, 1 and 3 let everything in, link 2 has no policy. */
static void
set_up(void)
{
    rig = (struct rib_rig){ .sent_count = 0 };
    mem_init(&rig.mem, (size_t)64 * 1024 * 1024);
    rig.owned[0] = rib_rig_policy(&rig.mem, NULL, 0, &all, 1);
    rig.owned[1] = rib_rig_policy(&rig.mem, NULL, 0, &all, 1);
    rig.owned[3] = rib_rig_policy(&rig.mem, NULL, 0, &all, 1);
    rib_rig_open(&rig, RIB_RIG_LINKS_MAX);
    ck_assert_ptr_nonnull(rig.rib);
}

static void
tear_down(void)
{
    ck_assert(rib_rig_close(&rig));
}

static void
open_renaming(void)
{
    ck_assert(rib_rig_close(&rig));
    rig.owned[0] = rib_rig_policy(&rig.mem, NULL, 0, renaming, COUNT_OF(renaming));
    rib_rig_open(&rig, 1);
}

/* The one offer that waits, acted on. */
static struct rib_offer *
settle_one(enum rib_offer_state state)
{
    struct rib_offer *offer = rib_next_offer(rig.rib);
    ck_assert_ptr_nonnull(offer);
    rib_offer_done(rig.rib, offer, state);
    ck_assert_ptr_null(rib_next_offer(rig.rib));
    return offer;
}

START_TEST(accepted_import_becomes_an_offer_as_policy_says)
{
    open_renaming();
    const struct rib_import *import = rib_rig_learn(
        &rig, 0, (struct rib_route){ .route_id = 7, .name = "math.add", .tags = LIST(T("x")) });
    ck_assert_ptr_nonnull(import);
    ck_assert_int_eq(import->state, RIB_IMPORT_CANDIDATE);
    ck_assert(span_is(rib_import_rule_id(rig.rib, import), "math"));
    ck_assert(span_is(rib_import_in(import).identity.name, "math.add"));
    ck_assert(span_is(rib_import_out(import).identity.name, "eu.math.add"));
    ck_assert_uint_eq(rib_import_out(import).preference, 50);

    const struct rib_offer *offer = rib_next_offer(rig.rib);
    ck_assert_ptr_nonnull(offer);
    ck_assert(span_is(rib_offer_identity(offer).name, "eu.math.add"));
    ck_assert(span_is(rib_offer_identity(offer).function_id, "eu.math.add"));
    ck_assert_ptr_eq(offer->chosen, import);
    ck_assert_ptr_null(offer->made);
    ck_assert(!(offer->state == RIB_OFFER_MADE));

    settle_one(RIB_OFFER_MADE);
    ck_assert_ptr_eq(offer->made, import);
    ck_assert((offer->state == RIB_OFFER_MADE));
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_accepted[0], 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 1);
}
END_TEST

static struct span many_tags[LIST_COUNT_MAX];
static char long_origin[NAME_SIZE_MAX + 1];

static const struct refusal_case {
    const char *name;
    uint32_t link;
    struct rib_route route;
    enum prune_reason reason;
} refusal_cases[] = {
    { "no policy", 2, { .name = "f" }, PRUNE_POLICY_REJECTED },
    { "our own federation as origin", 0,
        { .name = "f", .origin = T("us"), .path = LIST(T("us"), T("eu")) }, PRUNE_LOOP },
    { "our own federation as origin alone", 0,
        { .name = "f", .origin = T("us"), .path = LIST(T("ap"), T("eu")) }, PRUNE_LOOP },
    { "our own federation in the path", 0,
        { .name = "f", .origin = T("ap"), .path = LIST(T("ap"), T("us"), T("eu")) }, PRUNE_LOOP },
    { "a path that does not begin at the origin", 0,
        { .name = "f", .origin = T("ap"), .path = LIST(T("af"), T("eu")) }, PRUNE_INVALID },
    { "a path that does not end at the far side", 0,
        { .name = "f", .origin = T("ap"), .path = LIST(T("ap"), T("af")) }, PRUNE_INVALID },
    { "another federation's name", 0, { .name = "f", .origin = T("ap"), .path = LIST(T("ap")) },
        PRUNE_INVALID },
    { "a command that every node answers by itself", 0, { .name = "list_peers" },
        PRUNE_FUNCTION_ID_CONFLICT },
    { "an origin without its hop", 0, { .name = "f", .origin = T("ap"), .path = LIST(T("eu")) },
        PRUNE_INVALID },
};

START_TEST(what_may_not_come_in_is_kept_as_rejected_with_its_reason)
{
    const struct refusal_case *c = &refusal_cases[_i];
    struct rib_route route = c->route;
    route.route_id = 1;
    const struct rib_import *import = rib_rig_learn(&rig, c->link, route);
    ck_assert_ptr_nonnull(import);
    ck_assert_msg(import->state == RIB_IMPORT_REJECTED, "%s: let in", c->name);
    ck_assert_msg(import->reason == c->reason, "%s: got %s, want %s", c->name,
        prune_reason_name(import->reason), prune_reason_name(c->reason));
    ck_assert_ptr_null(rib_next_offer(rig.rib));
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_rejected[c->link], 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->rejects[c->link][c->reason], 1);
    ck_assert(rib_unlearn(rig.rib, c->link, 1, PRUNE_WITHDRAWN));
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_rejected[c->link], 0);
    /* What was never in the cluster was not pruned from it. */
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[c->link][PRUNE_WITHDRAWN], 0);
}
END_TEST

START_TEST(route_without_a_hop_or_a_path_is_refused)
{
    struct link_route route = rib_rig_route(&rig, 0, (struct rib_route){ .name = "f" });
    route.advertisement.hops_left = 0;
    ck_assert_int_eq(rib_learn(rig.rib, 0, &route)->reason, PRUNE_LOOP);
    route.advertisement.hops_left = 1;
    route.advertisement.path.count = 0;
    ck_assert_int_eq(rib_learn(rig.rib, 0, &route)->reason, PRUNE_INVALID);
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_rejected[0], 1);
}
END_TEST

START_TEST(rule_that_rejects_is_named)
{
    open_renaming();
    const struct rib_import *import =
        rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "math.broken" });
    ck_assert_int_eq(import->state, RIB_IMPORT_REJECTED);
    ck_assert_int_eq(import->reason, PRUNE_POLICY_REJECTED);
    ck_assert(span_is(rib_import_rule_id(rig.rib, import), "broken"));
    ck_assert(span_is(import->rule_reason, "does not work"));
}
END_TEST

/* Everybody in our cluster must be able to read what we offer, our own tag included. */
START_TEST(import_that_would_not_fit_in_the_cluster_with_its_origin_tag_is_a_limit)
{
    for (size_t i = 0; i < LIST_COUNT_MAX; i++) {
        static char texts[LIST_COUNT_MAX][4];
        snprintf(texts[i], sizeof(texts[i]), "t%zu", i);
        many_tags[i] = span_from_text(texts[i]);
    }
    struct rib_route route = { .route_id = 1, .name = "f" };
    route.tags = (struct text_list){ .items = many_tags, .count = LIST_COUNT_MAX };
    const struct rib_import *import = rib_rig_learn(&rig, 0, route);
    ck_assert_int_eq(import->state, RIB_IMPORT_REJECTED);
    ck_assert_int_eq(import->reason, PRUNE_LIMIT_EXCEEDED);
    route.tags.count--;
    ck_assert_int_eq(rib_rig_learn(&rig, 0, route)->state, RIB_IMPORT_CANDIDATE);

    memset(long_origin, 'x', NAME_SIZE_MAX - sizeof(ADVERTISEMENT_TAG_ORIGIN) + 2);
    const struct span path[] = { span_from_text(long_origin), SPAN("eu") };
    route = (struct rib_route){ .route_id = 2, .name = "g", .origin = path[0] };
    route.path = (struct text_list){ .items = path, .count = 2 };
    import = rib_rig_learn(&rig, 0, route);
    ck_assert_int_eq(import->state, RIB_IMPORT_REJECTED);
    ck_assert_int_eq(import->reason, PRUNE_LIMIT_EXCEEDED);
}
END_TEST

START_TEST(local_provider_hides_an_import_until_it_goes)
{
    const struct rib_facts local = { .name = "f" };
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    const struct rib_offer *offer = settle_one(RIB_OFFER_MADE);

    rib_rig_add(&rig, local);
    ck_assert_ptr_eq(rib_next_offer(rig.rib), offer);
    ck_assert_ptr_null(offer->chosen);
    settle_one(RIB_OFFER_NONE);
    ck_assert(!(offer->state == RIB_OFFER_MADE));
    ck_assert_ptr_null(offer->made);

    /* A second local provider, and the loss of the first, change nothing. */
    const struct rib_facts second = { .node = "ws://n2:1", .name = "f", .version = "2.0.0" };
    rib_rig_add(&rig, second);
    rib_rig_remove(&rig, local);
    ck_assert_ptr_null(rib_next_offer(rig.rib));

    rib_rig_remove(&rig, second);
    ck_assert_ptr_eq(rib_next_offer(rig.rib), offer);
    ck_assert_ptr_nonnull(offer->chosen);
    settle_one(RIB_OFFER_MADE);
}
END_TEST

START_TEST(import_of_a_name_served_here_waits_and_leaves_without_a_trace)
{
    rib_rig_add(&rig, (struct rib_facts){ .name = "f" });
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_ptr_null(rib_next_offer(rig.rib));
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 0);
    rib_unlearn(rig.rib, 0, 1, PRUNE_WITHDRAWN);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 0);
}
END_TEST

START_TEST(best_of_several_imports_serves_the_name)
{
    const struct text_list far_path = LIST(T("af"), T("ap"));
    rib_rig_learn(&rig, 1,
        (struct rib_route){ .route_id = 1, .name = "f", .origin = SPAN("af"), .path = far_path });
    const struct rib_offer *offer = settle_one(RIB_OFFER_MADE);
    ck_assert_uint_eq(offer->made->link, 1);

    /* A shorter path wins; the cluster keeps seeing one function. */
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_ptr_eq(rib_next_offer(rig.rib), offer);
    ck_assert_uint_eq(offer->chosen->link, 0);
    settle_one(RIB_OFFER_MADE);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 1);

    /* A worse one is not worth a word. */
    rib_rig_learn(&rig, 3, (struct rib_route){ .route_id = 9, .name = "f" });
    ck_assert_ptr_null(rib_next_offer(rig.rib));

    rib_rig_drop(&rig, 0, PRUNE_LINK_DOWN);
    ck_assert_ptr_eq(rib_next_offer(rig.rib), offer);
    ck_assert_uint_eq(offer->chosen->link, 3);
    ck_assert_ptr_null(offer->made);
    ck_assert((offer->state == RIB_OFFER_MADE));
    settle_one(RIB_OFFER_MADE);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_LINK_DOWN], 1);
}
END_TEST

START_TEST(other_versions_and_resources_are_other_offers)
{
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 2, .name = "f", .version = "2.0.0" });
    rib_rig_learn(
        &rig, 0, (struct rib_route){ .route_id = 3, .name = "f", .resources = LIST(T("gpu")) });
    ck_assert_uint_eq(rib_rig_settle(&rig), 3);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 3);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 3);
    rib_rig_add(&rig, (struct rib_facts){ .name = "f" });
    ck_assert_uint_eq(rib_rig_settle(&rig), 3);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 3);
}
END_TEST

START_TEST(route_that_comes_again_replaces_what_it_was)
{
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    const struct rib_offer *offer = settle_one(RIB_OFFER_MADE);

    /* The same: nothing changes. */
    const struct rib_import *again =
        rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_ptr_eq(offer->chosen, again);
    ck_assert_ptr_null(rib_next_offer(rig.rib));

    /* With other tags: made again. */
    again = rib_rig_learn(
        &rig, 0, (struct rib_route){ .route_id = 1, .name = "f", .tags = LIST(T("new")) });
    ck_assert_ptr_eq(rib_next_offer(rig.rib), offer);
    ck_assert_ptr_eq(offer->chosen, again);
    settle_one(RIB_OFFER_MADE);

    /* Another name: the old offer goes, a new one comes. */
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "g" });
    ck_assert_uint_eq(rib_rig_settle(&rig), 2);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_accepted[0], 1);

    /* Refused: nothing is offered any more. */
    struct link_route route =
        rib_rig_route(&rig, 0, (struct rib_route){ .route_id = 1, .name = "g" });
    route.advertisement.hops_left = 0;
    rib_learn(rig.rib, 0, &route);
    ck_assert_uint_eq(rib_rig_settle(&rig), 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_accepted[0], 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_rejected[0], 1);
}
END_TEST

static const struct waiting_case {
    const char *name;
    enum rib_offer_state state;
} waiting_cases[] = {
    { "conflict", RIB_OFFER_CONFLICT },
    { "no room", RIB_OFFER_NO_ROOM },
};

START_TEST(what_went_is_kept_with_its_reason_rule_and_age)
{
    open_renaming();
    rib_set_time(rig.rib, (struct now){ .wall = { 10 } });
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "math.add" });
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 2, .name = "math.sub" });
    ck_assert_ptr_null(rib_newest_event(rig.rib, RIB_EVENT_PRUNED));

    /* It comes again, and is something now that a rule keeps out. */
    rib_set_time(rig.rib, (struct now){ .wall = { 17 } });
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "math.broken" });
    const struct rib_event *event = rib_newest_event(rig.rib, RIB_EVENT_PRUNED);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(event->direction, POLICY_IMPORT);
    ck_assert_int_eq(event->reason, PRUNE_POLICY_REJECTED);
    ck_assert_uint_eq(event->link, 0);
    ck_assert(span_is(event->function, "math.add"));
    ck_assert(span_is(event->rule_id, "math"));
    ck_assert_int_eq(event->at.ns, 17);
    ck_assert_uint_eq(event->age_ns, 7);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_POLICY_REJECTED], 1);
    const struct rib_event *rejected = rib_newest_event(rig.rib, RIB_EVENT_REJECTED);
    ck_assert(span_is(rejected->function, "math.broken"));
    ck_assert(span_is(rejected->rule_reason, "does not work"));
    ck_assert_uint_eq(rejected->number, event->number + 1);

    rib_unlearn(rig.rib, 0, 2, PRUNE_WITHDRAWN);
    const struct rib_event *next = rib_newest_event(rig.rib, RIB_EVENT_PRUNED);
    ck_assert_int_eq(next->reason, PRUNE_WITHDRAWN);
    ck_assert(span_is(next->function, "math.sub"));
    ck_assert_ptr_eq(rib_older_event(next), event);
    ck_assert_ptr_null(rib_older_event(event));

    /* What was not let in cannot go. */
    rib_unlearn(rig.rib, 0, 1, PRUNE_WITHDRAWN);
    ck_assert_ptr_eq(rib_newest_event(rig.rib, RIB_EVENT_PRUNED), next);
    ck_assert_uint_eq(rib_last_event(rig.rib), next->number);
}
END_TEST

START_TEST(what_had_its_place_taken_is_told_as_superseded)
{
    const uint64_t(*prunes)[PRUNE_REASON_COUNT] = rib_counts(rig.rib)->prunes;
    rib_rig_learn(&rig, 1, (struct rib_route){ .route_id = 1, .name = "f" });
    settle_one(RIB_OFFER_MADE);
    rib_set_time(rig.rib, (struct now){ .wall = wall_after(AT, 5) });

    /* A better one, before the cluster has seen the difference, and after. */
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 2, .name = "f" });
    ck_assert_uint_eq(prunes[1][PRUNE_SUPERSEDED], 0);
    settle_one(RIB_OFFER_MADE);
    ck_assert_uint_eq(prunes[1][PRUNE_SUPERSEDED], 1);
    const struct rib_event *event = rib_newest_event(rig.rib, RIB_EVENT_PRUNED);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(event->reason, PRUNE_SUPERSEDED);
    ck_assert_int_eq(event->direction, POLICY_IMPORT);
    ck_assert_uint_eq(event->link, 1);
    ck_assert(span_is(event->function, "f"));
    ck_assert(span_is(event->rule_id, "all"));
    ck_assert_uint_eq(event->age_ns, 5);

    /* It comes back when the better one goes, which is no case of it. */
    rib_unlearn(rig.rib, 0, 2, PRUNE_WITHDRAWN);
    ck_assert_uint_eq(settle_one(RIB_OFFER_MADE)->made->link, 1);
    ck_assert_uint_eq(prunes[0][PRUNE_SUPERSEDED], 0);

    /* The cluster's own. */
    rib_rig_add(&rig, (struct rib_facts){ .name = "f" });
    settle_one(RIB_OFFER_NONE);
    ck_assert_uint_eq(prunes[1][PRUNE_SUPERSEDED], 2);

    /* What is not offered has no place to lose. */
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 3, .name = "f" });
    ck_assert_ptr_null(rib_next_offer(rig.rib));
    ck_assert_uint_eq(prunes[1][PRUNE_SUPERSEDED], 2);
}
END_TEST

START_TEST(offer_that_could_not_be_made_waits_until_it_is_retried)
{
    const struct waiting_case *c = &waiting_cases[_i];
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    const struct rib_offer *offer = settle_one(c->state);
    ck_assert_msg(!(offer->state == RIB_OFFER_MADE) && offer->made == NULL, "%s: seen", c->name);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 0);

    /* Another candidate does not help. */
    rib_rig_learn(&rig, 1, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_msg(rib_next_offer(rig.rib) == NULL, "%s: queued", c->name);

    rib_retry_offers(rig.rib);
    settle_one(c->state);
    rib_retry_offers(rig.rib);
    settle_one(RIB_OFFER_MADE);
    ck_assert_msg((offer->state == RIB_OFFER_MADE), "%s: not seen", c->name);
    rib_retry_offers(rig.rib);
    ck_assert_msg(rib_next_offer(rig.rib) == NULL, "%s: retried although made", c->name);
}
END_TEST

START_TEST(offer_that_waits_is_not_retried_while_the_cluster_serves_its_name)
{
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    settle_one(RIB_OFFER_CONFLICT);
    rib_rig_add(&rig, (struct rib_facts){ .name = "f" });
    rib_retry_offers(rig.rib);
    ck_assert_ptr_null(rib_next_offer(rig.rib));
    rib_rig_remove(&rig, (struct rib_facts){ .name = "f" });
    rib_retry_offers(rig.rib);
    settle_one(RIB_OFFER_MADE);
}
END_TEST

START_TEST(offer_that_waits_goes_with_its_last_import)
{
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    settle_one(RIB_OFFER_CONFLICT);
    rib_retry_offers(rig.rib);
    rib_rig_drop(&rig, 0, PRUNE_LINK_DOWN);
    ck_assert_ptr_null(rib_next_offer(rig.rib));
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 0);
}
END_TEST

START_TEST(what_is_not_known_cannot_be_unlearnt)
{
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert(!rib_unlearn(rig.rib, 0, 2, PRUNE_WITHDRAWN));
    ck_assert(!rib_unlearn(rig.rib, 1, 1, PRUNE_WITHDRAWN));
    ck_assert(rib_unlearn(rig.rib, 0, 1, PRUNE_WITHDRAWN));
    ck_assert(!rib_unlearn(rig.rib, 0, 1, PRUNE_WITHDRAWN));
}
END_TEST

START_TEST(lost_link_takes_exactly_its_own_imports_along)
{
    enum { ROUTES = 300 };
    char name[16];
    for (uint64_t i = 0; i < ROUTES; i++) {
        snprintf(name, sizeof(name), "f%d", (int)i);
        rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = i, .name = name });
        rib_rig_learn(&rig, 1, (struct rib_route){ .route_id = i, .name = name });
    }
    rib_rig_settle(&rig);
    rib_rig_drop(&rig, 0, PRUNE_LINK_DOWN);
    size_t cursor = 0;
    ck_assert_ptr_null(rib_each_import(rig.rib, 0, &cursor));
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_accepted[0], 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_accepted[1], ROUTES);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_LINK_DOWN], ROUTES);
    ck_assert_uint_eq(rib_rig_settle(&rig), ROUTES);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, ROUTES);
    /* The link is as new. */
    rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f1" });
    ck_assert_uint_eq(rib_counts(rig.rib)->imports_accepted[0], 1);
    rib_rig_drop(&rig, 0, PRUNE_LINK_DOWN);
    rib_rig_drop(&rig, 1, PRUNE_OPERATOR);
    rib_rig_settle(&rig);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers, 0);
}
END_TEST

START_TEST(lack_of_memory_is_counted_as_a_limit_and_breaks_nothing)
{
    bool refused = false;
    bool enough = false;
    for (size_t room = 0; room < (size_t)16 * 1024; room += 24) {
        rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
        rib_rig_settle(&rig);
        rig.mem.cap = rig.mem.used + room;
        rig.mem.denied = 0;
        const struct rib_import *same =
            rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
        const struct rib_import *other =
            rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = 2, .name = "g" });
        enough = rig.mem.denied == 0;
        refused = refused || same == NULL || other == NULL;
        if (other != NULL && other->state == RIB_IMPORT_REJECTED) {
            ck_assert_int_eq(other->reason, PRUNE_LIMIT_EXCEEDED);
        }
        ck_assert(enough || rib_counts(rig.rib)->rejects[0][PRUNE_LIMIT_EXCEEDED] > 0);
        rib_rig_settle(&rig);
        rib_rig_drop(&rig, 0, PRUNE_LINK_DOWN);
        rib_rig_settle(&rig);
        ck_assert_uint_eq(rib_counts(rig.rib)->offers, 0);
        ck_assert_uint_eq(rib_counts(rig.rib)->imports_accepted[0], 0);
        ck_assert_uint_eq(rib_counts(rig.rib)->imports_rejected[0], 0);
        tear_down();
        set_up();
    }
    ck_assert(refused);
    ck_assert(enough);
}
END_TEST

/* So many that the index has just grown, and would take a chunk for whatever else comes. */
#define ROUTES_AT_GROWTH 57u

START_TEST(what_is_known_changes_where_it_is_without_memory_for_its_index)
{
    bool refused = false;
    bool changed = false;
    for (size_t room = 0; room < 2048; room += 8) {
        static char names[ROUTES_AT_GROWTH][8];
        for (uint32_t i = 0; i < ROUTES_AT_GROWTH; i++) {
            snprintf(names[i], sizeof(names[i]), "f%u", i);
            rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = i + 1, .name = names[i] });
        }
        rib_rig_settle(&rig);
        rig.mem.cap = rig.mem.used + room;
        const struct rib_import *import = rib_rig_learn(
            &rig, 0, (struct rib_route){ .route_id = 1, .name = "f0", .tags = LIST(T("a")) });
        changed = changed || import != NULL;
        refused = refused || import == NULL;
        ck_assert_ptr_eq(rib_find_import(rig.rib, 0, 1), import);
        rig.mem.cap = SIZE_MAX;
        rib_rig_settle(&rig);
        tear_down();
        set_up();
    }
    ck_assert(refused && changed);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib_import");
    TCase *tcase = tcase_create("imports");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, accepted_import_becomes_an_offer_as_policy_says);
    tcase_add_loop_test(tcase, what_may_not_come_in_is_kept_as_rejected_with_its_reason, 0,
        (int)COUNT_OF(refusal_cases));
    tcase_add_test(tcase, route_without_a_hop_or_a_path_is_refused);
    tcase_add_test(tcase, rule_that_rejects_is_named);
    tcase_add_test(tcase, import_that_would_not_fit_in_the_cluster_with_its_origin_tag_is_a_limit);
    tcase_add_test(tcase, local_provider_hides_an_import_until_it_goes);
    tcase_add_test(tcase, import_of_a_name_served_here_waits_and_leaves_without_a_trace);
    tcase_add_test(tcase, best_of_several_imports_serves_the_name);
    tcase_add_test(tcase, other_versions_and_resources_are_other_offers);
    tcase_add_test(tcase, route_that_comes_again_replaces_what_it_was);
    tcase_add_test(tcase, what_went_is_kept_with_its_reason_rule_and_age);
    tcase_add_test(tcase, what_had_its_place_taken_is_told_as_superseded);
    tcase_add_loop_test(tcase, offer_that_could_not_be_made_waits_until_it_is_retried, 0,
        (int)COUNT_OF(waiting_cases));
    tcase_add_test(tcase, offer_that_waits_is_not_retried_while_the_cluster_serves_its_name);
    tcase_add_test(tcase, offer_that_waits_goes_with_its_last_import);
    tcase_add_test(tcase, what_is_not_known_cannot_be_unlearnt);
    tcase_add_test(tcase, lost_link_takes_exactly_its_own_imports_along);
    tcase_add_test(tcase, lack_of_memory_is_counted_as_a_limit_and_breaks_nothing);
    tcase_add_test(tcase, what_is_known_changes_where_it_is_without_memory_for_its_index);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
