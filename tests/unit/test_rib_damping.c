/* SPDX-License-Identifier: Apache-2.0 */
/* test_rib_damping.c - functions that come and go over a link: what is held against them, and for how long. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/rib.h"
#include "core/limits.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

#define MINUTE_NS (60 * SEC_NS)

static const struct policy_rule_source all = RULE_ALL;
static const struct damping_config damping = {
    .half_life_ns = MINUTE_NS,
    .max_suppress_ns = 5 * MINUTE_NS,
    .suppress = 3000,
    .reuse = 1000,
};

static struct rib_rig rig;
static struct now now;

static void
pass(uint64_t duration_ns)
{
    now.mono = instant_after(now.mono, duration_ns);
    now.wall = wall_after(now.wall, duration_ns);
    rib_set_time(rig.rib, now);
    rib_rig_work(&rig);
    (void)rib_rig_settle(&rig);
}

static void
open_with(struct damping_config config, uint64_t hold_down_ns)
{
    rig = (struct rib_rig){ .damping = config, .hold_down_ns = hold_down_ns };
    mem_init(&rig.mem, (size_t)64 * 1024 * 1024);
    rig.owned[0] = rib_rig_policy(&rig.mem, NULL, 0, &all, 1);
    rig.owned[1] = rib_rig_policy(&rig.mem, NULL, 0, &all, 1);
    rib_rig_open(&rig, 2);
    ck_assert_ptr_nonnull(rig.rib);
    now = (struct now){ .mono = { 1000 * SEC_NS }, .wall = AT };
    pass(0);
}

static void
tear_down(void)
{
    ck_assert(rib_rig_close(&rig));
}

static const struct rib_import *
come(uint64_t route_id, const char *name)
{
    const struct rib_import *import =
        rib_rig_learn(&rig, 0, (struct rib_route){ .route_id = route_id, .name = name });
    (void)rib_rig_settle(&rig);
    return import;
}

static void
go(uint64_t route_id)
{
    ck_assert(rib_unlearn(rig.rib, 0, route_id, PRUNE_WITHDRAWN));
    (void)rib_rig_settle(&rig);
}

static const struct rib_import *
find(uint64_t route_id)
{
    size_t cursor = 0;
    const struct rib_import *import;
    while ((import = rib_each_import(rig.rib, 0, &cursor)) != NULL) {
        if (import->route_id == route_id) {
            return import;
        }
    }
    return NULL;
}

static bool
is_damped(const struct rib_import *import)
{
    return import->state == RIB_IMPORT_REJECTED && import->reason == PRUNE_DAMPED;
}

static uint64_t
damped_count(void)
{
    return rib_counts(rig.rib)->imports_damped[0];
}

static void
flap(uint64_t route_id, const char *name, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        come(route_id, name);
        go(route_id);
    }
}

START_TEST(function_that_flaps_is_held_back_and_comes_again_by_itself)
{
    open_with(damping, 0);
    flap(1, "f", 2);
    ck_assert_int_eq(come(1, "f")->state, RIB_IMPORT_CANDIDATE);
    go(1);
    const struct rib_import *import = come(1, "f");
    ck_assert(is_damped(import));
    ck_assert_ptr_null(import->offer);
    ck_assert_uint_eq(damped_count(), 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 0);
    ck_assert(import->rule_reason.size > 0);
    ck_assert(span_is(rib_import_rule_id(rig.rib, import), "all"));
    const struct rib_event *event = rib_newest_event(rig.rib, RIB_EVENT_REJECTED);
    ck_assert_int_eq(event->reason, PRUNE_DAMPED);
    ck_assert(span_is(event->function, "f"));
    /* Three times `reuse`: 1.58 half-lives. */
    struct instant until = rib_damped_until(rig.rib, import);
    uint64_t left_ns = instant_between(now.mono, until);
    ck_assert_uint_gt(left_ns, 95 * SEC_NS);
    ck_assert_uint_lt(left_ns, 96 * SEC_NS);
    ck_assert_uint_eq(rib_damping_deadline(rig.rib).ns, until.ns);
    pass(left_ns - 1);
    ck_assert(is_damped(find(1)));
    ck_assert(!rib_has_work(rig.rib));
    pass(1);
    ck_assert_int_eq(find(1)->state, RIB_IMPORT_CANDIDATE);
    ck_assert_uint_eq(damped_count(), 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 1);
}
END_TEST

START_TEST(change_is_half_a_flap_and_does_not_reset_the_penalty)
{
    open_with(damping, 0);
    flap(1, "f", 1);
    come(1, "f");
    struct rib_route changed = { .route_id = 1, .name = "f", .cost = 1 };
    for (; changed.cost <= 3; changed.cost++) {
        ck_assert_int_eq(rib_rig_learn(&rig, 0, changed)->state, RIB_IMPORT_CANDIDATE);
    }
    const struct rib_import *import = rib_rig_learn(&rig, 0, changed);
    ck_assert(is_damped(import));
    /* It was let through, and then it was not. */
    const struct rib_event *event = rib_newest_event(rig.rib, RIB_EVENT_PRUNED);
    ck_assert_int_eq(event->reason, PRUNE_DAMPED);
    /* The same again is no change. */
    struct instant until = rib_damped_until(rig.rib, import);
    ck_assert_ptr_eq(rib_rig_learn(&rig, 0, changed), import);
    ck_assert_uint_eq(rib_damped_until(rig.rib, import).ns, until.ns);
    /* Another one, while it is held back, is. */
    changed.cost++;
    import = rib_rig_learn(&rig, 0, changed);
    ck_assert_uint_gt(rib_damped_until(rig.rib, import).ns, until.ns);
    (void)rib_rig_settle(&rig);
}
END_TEST

START_TEST(lifetime_that_passes_and_doubt_that_comes_are_no_changes)
{
    open_with(damping, 0);
    struct link_route route =
        rib_rig_route(&rig, 0, (struct rib_route){ .route_id = 1, .name = "f" });
    for (uint32_t i = 0; i < 20; i++) {
        route.advertisement.ttl_ns -= SEC_NS;
        route.advertisement.doubted = i % 2 == 0;
        ck_assert_int_eq(rib_learn(rig.rib, 0, &route)->state, RIB_IMPORT_CANDIDATE);
    }
    (void)rib_rig_settle(&rig);
}
END_TEST

static const struct no_flap_case {
    const char *name;
    enum prune_reason reason;
} no_flap_cases[] = {
    { "its link is down", PRUNE_LINK_DOWN },
    { "nobody came back in time", PRUNE_STALE_TIMEOUT },
    { "our operator", PRUNE_OPERATOR },
};

START_TEST(what_the_far_side_did_not_take_back_is_no_flap)
{
    const struct no_flap_case *c = &no_flap_cases[_i];
    open_with(damping, MINUTE_NS);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_msg(come(1, "f")->state == RIB_IMPORT_CANDIDATE, "%s", c->name);
        ck_assert(rib_unlearn(rig.rib, 0, 1, c->reason));
        (void)rib_rig_settle(&rig);
    }
}
END_TEST

START_TEST(withdrawal_by_the_end_of_sync_is_a_flap)
{
    open_with(damping, 0);
    for (uint32_t i = 0; i < 3; i++) {
        come(1, "f");
        rib_mark_session(rig.rib, 0);
        rib_sweep(rig.rib, 0, PRUNE_WITHDRAWN);
        pass(0);
    }
    ck_assert(is_damped(come(1, "f")));
}
END_TEST

START_TEST(what_a_rule_rejects_does_not_flap)
{
    open_with(damping, MINUTE_NS);
    rib_rig_replace(&rig, 0, rib_rig_policy(&rig.mem, NULL, 0, NULL, 0));
    flap(1, "f", 10);
    ck_assert_int_eq(come(1, "f")->reason, PRUNE_POLICY_REJECTED);
    rib_rig_replace(&rig, 0, rib_rig_policy(&rig.mem, NULL, 0, &all, 1));
    pass(0);
    ck_assert_int_eq(find(1)->state, RIB_IMPORT_CANDIDATE);
}
END_TEST

START_TEST(another_policy_lets_nothing_through_that_flaps)
{
    open_with(damping, 0);
    flap(1, "f", 3);
    come(1, "f");
    uint64_t last = rib_last_event(rig.rib);
    rib_rig_replace(&rig, 0, rib_rig_policy(&rig.mem, NULL, 0, &all, 1));
    pass(0);
    ck_assert(is_damped(find(1)));
    ck_assert_uint_eq(rib_last_event(rig.rib), last);
    rib_rig_replace(&rig, 0, rib_rig_policy(&rig.mem, NULL, 0, NULL, 0));
    pass(0);
    ck_assert_int_eq(find(1)->reason, PRUNE_POLICY_REJECTED);
    ck_assert_uint_eq(damped_count(), 0);
    /* When it is over, it is still the policy that rejects it. */
    pass(5 * MINUTE_NS);
    ck_assert_int_eq(find(1)->reason, PRUNE_POLICY_REJECTED);
}
END_TEST

START_TEST(functions_and_links_have_penalties_of_their_own)
{
    open_with(damping, 0);
    flap(1, "f", 5);
    ck_assert_int_eq(come(2, "g")->state, RIB_IMPORT_CANDIDATE);
    ck_assert(is_damped(come(1, "f")));
    const struct rib_import *other =
        rib_rig_learn(&rig, 1, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_int_eq(other->state, RIB_IMPORT_CANDIDATE);
    pass(0);
}
END_TEST

START_TEST(held_down_until_its_withdrawal_is_long_enough_ago)
{
    open_with(DAMPING_OFF, 10 * SEC_NS);
    come(1, "f");
    go(1);
    pass(4 * SEC_NS);
    ck_assert(is_damped(come(1, "f")));
    pass(6 * SEC_NS - 1);
    ck_assert(is_damped(find(1)));
    pass(1);
    ck_assert_int_eq(find(1)->state, RIB_IMPORT_CANDIDATE);
    /* Afterwards nothing is remembered. */
    ck_assert_uint_eq(rib_damping_deadline(rig.rib).ns, INSTANT_NEVER.ns);
    go(1);
    pass(10 * SEC_NS);
    ck_assert_int_eq(come(1, "f")->state, RIB_IMPORT_CANDIDATE);
}
END_TEST

START_TEST(withdrawal_while_held_down_counts_again)
{
    open_with(DAMPING_OFF, 10 * SEC_NS);
    come(1, "f");
    go(1);
    pass(9 * SEC_NS);
    come(1, "f");
    go(1);
    pass(9 * SEC_NS);
    ck_assert(is_damped(come(1, "f")));
    pass(SEC_NS);
    ck_assert_int_eq(find(1)->state, RIB_IMPORT_CANDIDATE);
}
END_TEST

START_TEST(forgotten_below_half_of_reuse)
{
    open_with(damping, 0);
    flap(1, "f", 1);
    ck_assert_uint_eq(instant_between(now.mono, rib_damping_deadline(rig.rib)), MINUTE_NS);
    size_t used = rig.mem.used;
    pass(MINUTE_NS);
    ck_assert_uint_lt(rig.mem.used, used);
    ck_assert_uint_eq(rib_damping_deadline(rig.rib).ns, INSTANT_NEVER.ns);
}
END_TEST

START_TEST(flaps_of_functions_that_are_gone_are_forgotten_from_the_oldest_on)
{
    open_with(damping, 0);
    char name[16];
    flap(1, "first", 3);
    flap(2, "second", 3);
    for (uint64_t i = 3; i <= FLAPS_GONE_MAX + 1; i++) {
        (void)snprintf(name, sizeof(name), "f%llu", (unsigned long long)i);
        flap(i, name, 1);
    }
    ck_assert_int_eq(come(1, "first")->state, RIB_IMPORT_CANDIDATE);
    ck_assert(is_damped(come(2, "second")));
}
END_TEST

START_TEST(what_is_over_is_worked_off_in_pieces)
{
    open_with(damping, 0);
    char name[16];
    for (uint64_t i = 1; i <= 100; i++) {
        (void)snprintf(name, sizeof(name), "f%llu", (unsigned long long)i);
        flap(i, name, 3);
        come(i, name);
    }
    ck_assert_uint_eq(damped_count(), 100);
    now.mono = instant_after(now.mono, 5 * MINUTE_NS);
    rib_set_time(rig.rib, now);
    ck_assert(rib_has_work(rig.rib));
    ck_assert(rib_work(rig.rib, 10));
    ck_assert_uint_eq(damped_count(), 90);
    rib_rig_work(&rig);
    ck_assert_uint_eq(damped_count(), 0);
    pass(0);
}
END_TEST

START_TEST(without_memory_nothing_is_held_against_it)
{
    open_with(damping, 0);
    come(1, "f");
    rig.mem.cap = rig.mem.used;
    go(1);
    rig.mem.cap = (size_t)64 * 1024 * 1024;
    ck_assert_uint_eq(rib_damping_deadline(rig.rib).ns, INSTANT_NEVER.ns);
    flap(1, "f", 2);
    ck_assert_int_eq(come(1, "f")->state, RIB_IMPORT_CANDIDATE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib_damping");
    TCase *tcase = tcase_create("functions");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, function_that_flaps_is_held_back_and_comes_again_by_itself);
    tcase_add_test(tcase, change_is_half_a_flap_and_does_not_reset_the_penalty);
    tcase_add_test(tcase, lifetime_that_passes_and_doubt_that_comes_are_no_changes);
    tcase_add_loop_test(
        tcase, what_the_far_side_did_not_take_back_is_no_flap, 0, COUNT_OF(no_flap_cases));
    tcase_add_test(tcase, withdrawal_by_the_end_of_sync_is_a_flap);
    tcase_add_test(tcase, what_a_rule_rejects_does_not_flap);
    tcase_add_test(tcase, another_policy_lets_nothing_through_that_flaps);
    tcase_add_test(tcase, functions_and_links_have_penalties_of_their_own);
    tcase_add_test(tcase, held_down_until_its_withdrawal_is_long_enough_ago);
    tcase_add_test(tcase, withdrawal_while_held_down_counts_again);
    tcase_add_test(tcase, forgotten_below_half_of_reuse);
    tcase_add_test(tcase, flaps_of_functions_that_are_gone_are_forgotten_from_the_oldest_on);
    tcase_add_test(tcase, what_is_over_is_worked_off_in_pieces);
    tcase_add_test(tcase, without_memory_nothing_is_held_against_it);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
