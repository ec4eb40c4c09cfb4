/* SPDX-License-Identifier: Apache-2.0 */
/* test_rib_hear.c - what is fresh, what is stale, what goes with a sweep, and what both ends add up to. */
#include <check.h>
#include <stdlib.h>

#include "bridge/rib_decide.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

static struct rib_rig rig;

static void
set_up(void)
{
    static const struct policy_rule_source all = RULE_ALL;
    rig = (struct rib_rig){ .sent_count = 0 };
    mem_init(&rig.mem, (size_t)64 * 1024 * 1024);
    for (uint32_t link = 0; link < 2; link++) {
        rig.owned[link] = rib_rig_policy(&rig.mem, NULL, 0, &all, 1);
    }
    rib_rig_open(&rig, 2);
}

static void
tear_down(void)
{
    ck_assert(rib_rig_close(&rig));
}

static void
work(void)
{
    rib_rig_work(&rig);
    rib_rig_settle(&rig);
}

static void
learn(uint32_t link, uint64_t route_id, const char *name)
{
    struct link_route route =
        rib_rig_route(&rig, link, (struct rib_route){ .route_id = route_id, .name = name });
    route.digest = route_id * 1000 + (uint64_t)name[0];
    rib_learn(rig.rib, link, &route);
}

static const struct rib_import *
find(uint32_t link, uint64_t route_id)
{
    size_t cursor = 0;
    const struct rib_import *import;
    while ((import = rib_each_import(rig.rib, link, &cursor)) != NULL) {
        if (import->route_id == route_id) {
            return import;
        }
    }
    return NULL;
}

START_TEST(what_came_over_a_link_is_stale_while_it_is_down)
{
    learn(0, 1, "f");
    work();
    ck_assert_uint_eq(rib_stale_count(rig.rib, 0), 0);
    rib_mark_down(rig.rib, 0);
    ck_assert_uint_eq(rib_stale_count(rig.rib, 0), 1);
    ck_assert(rib_import_is_stale(rig.rib, find(0, 1)));
    work();
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 1);
    rib_mark_resumed(rig.rib, 0);
    ck_assert_uint_eq(rib_stale_count(rig.rib, 0), 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_LINK_DOWN], 0);
}
END_TEST

START_TEST(new_session_confirms_what_it_announces_and_sweeps_the_rest)
{
    learn(0, 1, "f");
    learn(0, 2, "g");
    learn(0, 3, "h");
    work();
    const struct rib_import *kept = find(0, 1);
    rib_mark_down(rig.rib, 0);
    rib_mark_session(rig.rib, 0);
    ck_assert_uint_eq(rib_stale_count(rig.rib, 0), 3);
    learn(0, 1, "f");  /* as it was */
    learn(0, 2, "gg"); /* something else */
    learn(0, 4, "new");
    ck_assert_uint_eq(rib_stale_count(rig.rib, 0), 1);
    ck_assert_ptr_eq(find(0, 1), kept);
    rib_sweep(rig.rib, 0, PRUNE_WITHDRAWN);
    work();
    ck_assert_ptr_null(find(0, 3));
    ck_assert_uint_eq(rib_import_count(rig.rib, 0), 3);
    ck_assert_uint_eq(rib_stale_count(rig.rib, 0), 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_WITHDRAWN], 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 3);
}
END_TEST

START_TEST(refresh_makes_nothing_stale)
{
    learn(0, 1, "f");
    learn(0, 2, "g");
    rib_mark_refresh(rig.rib, 0);
    ck_assert_uint_eq(rib_stale_count(rig.rib, 0), 0);
    learn(0, 2, "g");
    rib_sweep(rig.rib, 0, PRUNE_WITHDRAWN);
    ck_assert(rib_is_sweeping(rig.rib, 0));
    work();
    ck_assert(!rib_is_sweeping(rig.rib, 0));
    ck_assert_ptr_null(find(0, 1));
    ck_assert_ptr_nonnull(find(0, 2));
}
END_TEST

START_TEST(fresh_comes_before_stale_and_hands_back)
{
    learn(0, 1, "f");
    learn(1, 1, "f");
    work();
    const struct rib_import *first = find(0, 1);
    const struct rib_import *second = find(1, 1);
    ck_assert_ptr_eq(first->offer->chosen, first);
    ck_assert_uint_eq(rib_offer_decided_by(rig.rib, first->offer), 7);
    ck_assert_uint_eq(rib_offer_candidate_count(first->offer), 2);
    ck_assert_uint_eq(rib_import_beaten_by(rig.rib, second), 7);
    rib_mark_down(rig.rib, 0);
    work();
    ck_assert_ptr_eq(first->offer->made, second);
    ck_assert_uint_eq(rib_import_beaten_by(rig.rib, first), 2);
    ck_assert_uint_eq(rib_offer_decided_by(rig.rib, first->offer), 2);
    /* It is back and announces it: fresh at once. */
    rib_mark_session(rig.rib, 0);
    ck_assert_ptr_eq(first->offer->chosen, second);
    learn(0, 1, "f");
    ck_assert_ptr_eq(first->offer->chosen, first);
    work();
    ck_assert_ptr_eq(first->offer->made, first);
}
END_TEST

/* What is to go is not stale any more, and not gone yet. */
START_TEST(what_is_announced_before_the_sweep_comes_by_is_chosen_again)
{
    learn(0, 1, "f");
    learn(1, 1, "f");
    const struct rib_import *first = find(0, 1);
    rib_mark_down(rig.rib, 0);
    work();
    ck_assert_uint_eq(first->offer->made->link, 1);
    rib_mark_session(rig.rib, 0);
    rib_sweep(rig.rib, 0, PRUNE_STALE_TIMEOUT);
    learn(0, 1, "f");
    work();
    ck_assert_ptr_eq(find(0, 1), first);
    ck_assert_ptr_eq(first->offer->made, first);
}
END_TEST

START_TEST(damped_link_is_the_last_choice_of_those_that_are_there)
{
    learn(0, 1, "f");
    learn(0, 2, "alone");
    learn(1, 1, "f");
    rib_damp_link(rig.rib, 0, true);
    work();
    ck_assert_uint_eq(find(0, 1)->offer->made->link, 1);
    ck_assert_uint_eq(rib_offer_decided_by(rig.rib, find(0, 1)->offer), 2);
    ck_assert_ptr_eq(find(0, 2)->offer->made, find(0, 2));
    /* The other one is not there at all. */
    rib_mark_down(rig.rib, 1);
    work();
    ck_assert_uint_eq(find(0, 1)->offer->made->link, 0);
    rib_mark_resumed(rig.rib, 1);
    work();
    ck_assert_uint_eq(find(0, 1)->offer->made->link, 1);
    rib_damp_link(rig.rib, 0, false);
    work();
    ck_assert_uint_eq(find(0, 1)->offer->made->link, 0);
}
END_TEST

START_TEST(nearer_far_side_and_lower_name_win)
{
    rib_describe_link(rig.rib, 0, SPAN("eu-2"), 0);
    rib_describe_link(rig.rib, 1, SPAN("eu-1"), 0);
    learn(0, 1, "f");
    learn(1, 1, "f");
    work();
    ck_assert_uint_eq(find(0, 1)->offer->chosen->link, 1);
    ck_assert_str_eq(rib_decision_name(rib_offer_decided_by(rig.rib, find(0, 1)->offer)), "bridge");
    rib_describe_link(rig.rib, 1, SPAN("eu-1"), 3);
    work();
    ck_assert_uint_eq(find(0, 1)->offer->chosen->link, 0);
    ck_assert_str_eq(
        rib_decision_name(rib_offer_decided_by(rig.rib, find(0, 1)->offer)), "round_trip");
}
END_TEST

static void
set_seconds(uint64_t seconds)
{
    rib_set_time(rig.rib, (struct now){ .mono.ns = seconds * SEC_NS, .wall = AT });
}

static void
learn_for_seconds(uint64_t route_id, const char *name, uint64_t seconds)
{
    (void)rib_rig_learn(&rig, 0,
        (struct rib_route){ .route_id = route_id, .name = name, .ttl_ns = seconds * SEC_NS });
}

static void
look_at_lifetimes(void)
{
    rib_expire(rig.rib, 0);
    work();
}

static void
resume(void)
{
    rib_mark_resumed(rig.rib, 0);
}

static void
end_of_sync(void)
{
    rib_mark_session(rig.rib, 0);
    learn_for_seconds(1, "f", 10);
    rib_sweep(rig.rib, 0, PRUNE_WITHDRAWN);
}

START_TEST(lifetimes_count_from_when_nobody_vouches)
{
    set_seconds(100);
    learn_for_seconds(1, "f", 10);
    learn_for_seconds(2, "g", 20);
    learn_for_seconds(3, "h", 20);
    set_seconds(1000);
    ck_assert(rib_expiry_deadline(rig.rib, 0).ns == INSTANT_NEVER.ns);
    rib_mark_down(rig.rib, 0);
    look_at_lifetimes();
    ck_assert_uint_eq(rib_expiry_deadline(rig.rib, 0).ns, 1010 * SEC_NS);
    ck_assert_uint_eq(rib_import_count(rig.rib, 0), 3);
    /* It is back, and confirms one before the walk. */
    set_seconds(1009);
    rib_mark_session(rig.rib, 0);
    learn_for_seconds(2, "g", 20);
    set_seconds(1010);
    look_at_lifetimes();
    ck_assert_ptr_null(find(0, 1));
    ck_assert_uint_eq(rib_expiry_deadline(rig.rib, 0).ns, 1020 * SEC_NS);
    set_seconds(1020);
    look_at_lifetimes();
    ck_assert_ptr_null(find(0, 3));
    ck_assert_ptr_nonnull(find(0, 2));
    ck_assert(rib_expiry_deadline(rig.rib, 0).ns == INSTANT_NEVER.ns);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_TTL_EXPIRED], 2);
}
END_TEST

START_TEST(nothing_expires_when_somebody_vouches_again)
{
    void (*const vouchings[])(void) = { resume, end_of_sync };
    for (size_t i = 0; i < COUNT_OF(vouchings); i++) {
        learn_for_seconds(1, "f", 10);
        rib_mark_down(rig.rib, 0);
        look_at_lifetimes();
        ck_assert(rib_expiry_deadline(rig.rib, 0).ns != INSTANT_NEVER.ns);
        vouchings[i]();
        ck_assert(rib_expiry_deadline(rig.rib, 0).ns == INSTANT_NEVER.ns);
        work();
        ck_assert_ptr_nonnull(find(0, 1));
    }
}
END_TEST

/* A neighbour may give each function a lifetime of its own. */
START_TEST(lifetimes_are_looked_at_once_a_second)
{
    char name[16];
    for (uint64_t i = 1; i <= 100; i++) {
        snprintf(name, sizeof(name), "f%d", (int)i);
        (void)rib_rig_learn(&rig, 0,
            (struct rib_route){ .route_id = i, .name = name, .ttl_ns = 5 * SEC_NS + i * MS_NS });
    }
    rib_mark_down(rig.rib, 0);
    look_at_lifetimes();
    ck_assert_uint_eq(rib_expiry_deadline(rig.rib, 0).ns, 5 * SEC_NS + MS_NS);
    rib_set_time(rig.rib, (struct now){ .mono.ns = 5 * SEC_NS + MS_NS, .wall = AT });
    look_at_lifetimes();
    ck_assert_uint_eq(rib_import_count(rig.rib, 0), 99);
    ck_assert_uint_eq(rib_expiry_deadline(rig.rib, 0).ns, 6 * SEC_NS + MS_NS);
    set_seconds(7);
    look_at_lifetimes();
    ck_assert_uint_eq(rib_import_count(rig.rib, 0), 0);
}
END_TEST

START_TEST(policy_may_shorten_the_lifetime_of_what_is_stale)
{
    const struct policy_rule_source shorter = {
        .id = T("shorter"),
        .ttl_ns = 10 * SEC_NS,
        .action = POLICY_ACCEPT,
    };
    learn_for_seconds(1, "f", 60);
    rib_mark_down(rig.rib, 0);
    look_at_lifetimes();
    rib_rig_replace(&rig, 0, rib_rig_policy(&rig.mem, NULL, 0, &shorter, 1));
    work();
    ck_assert_uint_eq(rib_expiry_deadline(rig.rib, 0).ns, 10 * SEC_NS);
    set_seconds(10);
    look_at_lifetimes();
    ck_assert_ptr_null(find(0, 1));
}
END_TEST

START_TEST(walks_go_on_in_pieces_while_the_table_changes)
{
    char name[16];
    for (uint64_t i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "f%d", (int)i);
        learn(0, i, name);
    }
    work();
    rib_unlearn_all(rig.rib, 0, PRUNE_OPERATOR);
    for (uint64_t i = 0; rib_work(rig.rib, 3); i++) {
        rib_unlearn(rig.rib, 0, i * 7 % 100, PRUNE_WITHDRAWN);
        learn(0, 200 + i, "new");
    }
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_ptr_null(find(0, i));
    }
    ck_assert_uint_gt(rib_import_count(rig.rib, 0), 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_OPERATOR] +
                          rib_counts(rig.rib)->prunes[0][PRUNE_WITHDRAWN],
        100);
    rib_rig_settle(&rig);
    rib_rig_drop(&rig, 0, PRUNE_OPERATOR);
    rib_rig_settle(&rig);
}
END_TEST

/* The last import of the list is judged again while the sweep is at it. */
START_TEST(sweep_misses_nothing_that_is_judged_again)
{
    const struct policy_rule_source tagged = {
        .id = T("tagged"),
        .add_tags = LIST(T("x")),
        .action = POLICY_ACCEPT,
    };
    learn(0, 1, "f");
    learn(0, 2, "g");
    struct policy *policy = rib_rig_policy(&rig.mem, NULL, 0, &tagged, 1);
    rib_unlearn_all(rig.rib, 0, PRUNE_LINK_DOWN);
    (void)rib_work(rig.rib, 1);
    rib_rig_replace(&rig, 0, policy);
    work();
    ck_assert_uint_eq(rib_import_count(rig.rib, 0), 0);
}
END_TEST

START_TEST(heard_table_is_the_sum_of_what_is_there)
{
    learn(0, 1, "f");
    learn(0, 2, "g");
    struct link_table table = rib_heard_table(rig.rib, 0);
    ck_assert_uint_eq(table.routes, 2);
    ck_assert_uint_eq(table.digest, 1000 + 'f' + 2000 + 'g');
    learn(0, 2, "h");
    table = rib_heard_table(rig.rib, 0);
    ck_assert_uint_eq(table.routes, 2);
    ck_assert_uint_eq(table.digest, 1000 + 'f' + 2000 + 'h');
    rib_unlearn(rig.rib, 0, 1, PRUNE_WITHDRAWN);
    rib_unlearn(rig.rib, 0, 2, PRUNE_WITHDRAWN);
    table = rib_heard_table(rig.rib, 0);
    ck_assert_uint_eq(table.routes, 0);
    ck_assert_uint_eq(table.digest, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib_hear");
    TCase *tcase = tcase_create("hear");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_came_over_a_link_is_stale_while_it_is_down);
    tcase_add_test(tcase, new_session_confirms_what_it_announces_and_sweeps_the_rest);
    tcase_add_test(tcase, refresh_makes_nothing_stale);
    tcase_add_test(tcase, fresh_comes_before_stale_and_hands_back);
    tcase_add_test(tcase, what_is_announced_before_the_sweep_comes_by_is_chosen_again);
    tcase_add_test(tcase, damped_link_is_the_last_choice_of_those_that_are_there);
    tcase_add_test(tcase, nearer_far_side_and_lower_name_win);
    tcase_add_test(tcase, lifetimes_count_from_when_nobody_vouches);
    tcase_add_test(tcase, nothing_expires_when_somebody_vouches_again);
    tcase_add_test(tcase, lifetimes_are_looked_at_once_a_second);
    tcase_add_test(tcase, policy_may_shorten_the_lifetime_of_what_is_stale);
    tcase_add_test(tcase, walks_go_on_in_pieces_while_the_table_changes);
    tcase_add_test(tcase, sweep_misses_nothing_that_is_judged_again);
    tcase_add_test(tcase, heard_table_is_the_sum_of_what_is_there);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
