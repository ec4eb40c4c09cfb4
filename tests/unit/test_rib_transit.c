/* SPDX-License-Identifier: Apache-2.0 */
/* test_rib_transit.c - what one link brings and another one is told: its way, and whether somebody doubts it. */
#include <check.h>
#include <stdlib.h>

#include "bridge/rib.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

enum { EU, AP, AF };

static const struct policy_rule_source all[] = { RULE_ALL };
static const struct policy_rule_source all_through[] = {
    { .id = T("through"), .transit = true, .action = POLICY_ACCEPT },
};
static const struct policy_rule_source all_as_one[] = {
    { .id = T("as one"),
        .functions = LIST(T("**")),
        .set_function = T("one"),
        .set_function_id = T("one"),
        .merge = true,
        .transit = true,
        .action = POLICY_ACCEPT },
};
static const struct text_list af_eu = LIST(T("af"), T("eu"));
static const struct text_list sa_ap = LIST(T("sa"), T("ap"));
static const struct text_list sa_af_ap = LIST(T("sa"), T("af"), T("ap"));

static struct rib_rig rig;

static void
set_up(void)
{
    rig = (struct rib_rig){ .sent_count = 0 };
    mem_init(&rig.mem, (size_t)64 * 1024 * 1024);
}

static void
tear_down(void)
{
    ck_assert(rib_rig_close(&rig));
}

/* What af is told; eu and ap are told nothing. */
static void
open_three_links(const struct policy_rule_source *to_af)
{
    rig.owned[EU] = rib_rig_policy(&rig.mem, NULL, 0, all, 1);
    rig.owned[AP] = rib_rig_policy(&rig.mem, NULL, 0, all, 1);
    rig.owned[AF] = rib_rig_policy(&rig.mem, to_af, 1, all, 1);
    rib_rig_open(&rig, 3);
    ck_assert_ptr_nonnull(rig.rib);
    rib_begin_announcing(rig.rib, AF);
}

/* Until nothing is left to do; then how much af was told. */
static uint32_t
told(void)
{
    rib_rig_work(&rig);
    (void)rib_rig_settle(&rig);
    rib_pass_on(rig.rib);
    rib_rig_flush(&rig, AF);
    return rig.sent_count;
}

static void
come(uint32_t link, struct rib_route route)
{
    const struct rib_import *import = rib_rig_learn(&rig, link, route);
    ck_assert_int_eq(import->state, RIB_IMPORT_CANDIDATE);
}

static bool
is_told_doubted(const char *name)
{
    const struct rib_export *exported = rib_rig_export(&rig, AF, name);
    ck_assert_ptr_nonnull(exported);
    return rib_export_out(exported).doubted;
}

/* How many federations what af is told has passed, us included. */
static uint32_t
way(const char *name)
{
    const struct rib_export *exported = rib_rig_export(&rig, AF, name);
    ck_assert_ptr_nonnull(exported);
    return rib_export_out(exported).path.count;
}

START_TEST(what_came_over_a_doubted_link_is_told_so)
{
    open_three_links(all_through);
    come(EU, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_uint_eq(told(), 1);
    ck_assert(!is_told_doubted("f"));
    uint64_t route_id = rib_rig_export(&rig, AF, "f")->route_id;

    rib_doubt_link(rig.rib, EU, true);
    ck_assert_uint_eq(told(), 1);
    ck_assert(is_told_doubted("f"));
    rib_damp_link(rig.rib, EU, true);
    rib_doubt_link(rig.rib, EU, false);
    ck_assert_uint_eq(told(), 0);
    ck_assert(is_told_doubted("f"));
    rib_damp_link(rig.rib, EU, false);
    ck_assert_uint_eq(told(), 1);
    ck_assert(!is_told_doubted("f"));
    /* All that time it was one route. */
    ck_assert_uint_eq(rib_rig_export(&rig, AF, "f")->route_id, route_id);
    ck_assert_ptr_null(rib_newest_event(rig.rib, RIB_EVENT_PRUNED));
}
END_TEST

START_TEST(what_somebody_before_us_doubts_is_told_so_and_comes_last)
{
    open_three_links(all_through);
    come(EU, (struct rib_route){ .route_id = 1, .name = "f", .doubted = true });
    ck_assert_uint_eq(told(), 1);
    ck_assert(is_told_doubted("f"));
    /* Farther away, and nobody doubts it. */
    come(AP, (struct rib_route){ .route_id = 1, .name = "f", .origin = T("sa"), .path = sa_ap });
    ck_assert_uint_eq(told(), 1);
    ck_assert(!is_told_doubted("f"));
    ck_assert_uint_eq(way("f"), 3);
}
END_TEST

START_TEST(own_functions_are_doubted_by_nobody)
{
    open_three_links(all_through);
    rib_rig_add(&rig, (struct rib_facts){ .name = "f" });
    rib_doubt_link(rig.rib, AF, true);
    ck_assert_uint_eq(told(), 1);
    ck_assert(!is_told_doubted("f"));
}
END_TEST

START_TEST(what_is_stale_is_told_as_long_as_it_was)
{
    open_three_links(all_through);
    come(EU, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_uint_eq(told(), 1);
    rib_mark_down(rig.rib, EU);
    ck_assert_uint_eq(told(), 0);
    ck_assert_ptr_nonnull(rib_rig_export(&rig, AF, "f"));
    rib_mark_resumed(rig.rib, EU);
    ck_assert_uint_eq(told(), 0);
}
END_TEST

START_TEST(what_is_stale_is_not_told_anew)
{
    open_three_links(all_through);
    come(EU, (struct rib_route){ .route_id = 1, .name = "f" });
    come(AP, (struct rib_route){ .route_id = 1, .name = "f", .origin = T("sa"), .path = sa_ap });
    ck_assert_uint_eq(told(), 1);
    ck_assert_uint_eq(way("f"), 2);
    rib_mark_down(rig.rib, EU);
    ck_assert_uint_eq(told(), 1);
    ck_assert_uint_eq(way("f"), 3);
    /* Our cluster still has what is stale; af had better ask somebody else. */
    ck_assert(rib_unlearn(rig.rib, AP, 1, PRUNE_WITHDRAWN));
    ck_assert_uint_eq(told(), 1);
    ck_assert_ptr_null(rib_rig_export(&rig, AF, "f"));
    ck_assert_uint_eq(rib_counts(rig.rib)->offers_made, 1);

    rib_mark_resumed(rig.rib, EU);
    ck_assert_uint_eq(told(), 1);
    ck_assert_uint_eq(way("f"), 2);
}
END_TEST

/* Whichever came first. */
START_TEST(better_of_those_that_are_told_as_one_is_announced)
{
    open_three_links(all_as_one);
    come(AP, (struct rib_route){ .route_id = 1, .name = "g", .origin = T("sa"), .path = sa_ap });
    come(AP, (struct rib_route){ .route_id = 2, .name = "h", .origin = T("sa"), .path = sa_ap });
    come(EU, (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_uint_eq(told(), 1);
    ck_assert_uint_eq(way("one"), 2);

    rib_doubt_link(rig.rib, EU, true);
    ck_assert_uint_eq(told(), 1);
    ck_assert_uint_eq(way("one"), 3);
    ck_assert(!is_told_doubted("one"));
    rib_doubt_link(rig.rib, AP, true);
    ck_assert_uint_eq(told(), 1);
    ck_assert_uint_eq(way("one"), 2);
    ck_assert(is_told_doubted("one"));

    rib_rig_add(&rig, (struct rib_facts){ .name = "own" });
    ck_assert_uint_eq(told(), 1);
    ck_assert_uint_eq(way("one"), 1);
    ck_assert(!is_told_doubted("one"));
}
END_TEST

START_TEST(who_is_on_the_way_is_told_nothing)
{
    open_three_links(all_through);
    come(EU, (struct rib_route){ .route_id = 1, .name = "f", .origin = T("af"), .path = af_eu });
    ck_assert_uint_eq(told(), 0);
    come(AP, (struct rib_route){ .route_id = 1, .name = "g", .origin = T("sa"), .path = sa_af_ap });
    ck_assert_uint_eq(told(), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib_transit");
    TCase *tcase = tcase_create("rib_transit");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_came_over_a_doubted_link_is_told_so);
    tcase_add_test(tcase, what_somebody_before_us_doubts_is_told_so_and_comes_last);
    tcase_add_test(tcase, own_functions_are_doubted_by_nobody);
    tcase_add_test(tcase, what_is_stale_is_told_as_long_as_it_was);
    tcase_add_test(tcase, what_is_stale_is_not_told_anew);
    tcase_add_test(tcase, better_of_those_that_are_told_as_one_is_announced);
    tcase_add_test(tcase, who_is_on_the_way_is_told_nothing);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
