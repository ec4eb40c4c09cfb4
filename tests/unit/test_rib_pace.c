/* SPDX-License-Identifier: Apache-2.0 */
/* test_rib_pace.c - how often a link is told of one function. */
#include <check.h>
#include <stdlib.h>

#include "bridge/rib.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

#define INTERVAL_NS (5 * SEC_NS)

static const struct policy_rule_source all = RULE_ALL;
static const struct rib_facts plain = { .name = "f" };
static const struct rib_facts tagged = { .name = "f", .tags = LIST(T("a")) };
static const struct rib_facts again = { .name = "f", .tags = LIST(T("a"), T("b")) };
static const struct rib_facts other = { .name = "g" };

static struct rib_rig rig;
static struct now now;

static void
pass(uint64_t duration_ns)
{
    now.mono = instant_after(now.mono, duration_ns);
    now.wall = wall_after(now.wall, duration_ns);
    rib_set_time(rig.rib, now);
}

static void
set_up(void)
{
    rig = (struct rib_rig){ .advertisement_interval_ns = INTERVAL_NS };
    mem_init(&rig.mem, (size_t)64 * 1024 * 1024);
    rig.owned[0] = rib_rig_policy(&rig.mem, &all, 1, NULL, 0);
    rib_rig_open(&rig, 1);
    ck_assert_ptr_nonnull(rig.rib);
    now = (struct now){ .mono = { 1000 * SEC_NS }, .wall = AT };
    pass(0);
    rib_begin_announcing(rig.rib, 0);
    rib_rig_add(&rig, plain);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
}

static void
tear_down(void)
{
    ck_assert(rib_rig_close(&rig));
}

/* How many advertisements and withdrawals are sent now. */
static uint32_t
sent(void)
{
    rib_rig_flush(&rig, 0);
    return rig.sent_count;
}

static uint64_t
left_ns(void)
{
    return instant_between(now.mono, rib_announcing_deadline(rig.rib, 0));
}

START_TEST(changes_wait_and_only_the_newest_is_told)
{
    pass(2 * SEC_NS);
    rib_rig_change(&rig, plain, tagged);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(left_ns(), 3 * SEC_NS);
    pass(2 * SEC_NS);
    rib_rig_change(&rig, tagged, again);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(left_ns(), SEC_NS);
    pass(SEC_NS - 1);
    ck_assert_uint_eq(sent(), 0);
    pass(1);
    struct rib_export *exported = rib_next_export(rig.rib, 0);
    ck_assert_ptr_nonnull(exported);
    ck_assert_uint_eq(rib_export_out(exported).tags.count, 2);
    ck_assert_uint_eq(sent(), 1);
    ck_assert_uint_eq(rib_announcing_deadline(rig.rib, 0).ns, INSTANT_NEVER.ns);
    /* From here on the interval begins anew. */
    rib_rig_change(&rig, again, plain);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(left_ns(), INTERVAL_NS);
}
END_TEST

START_TEST(change_after_the_interval_and_another_function_go_at_once)
{
    rib_rig_add(&rig, other);
    ck_assert_uint_eq(sent(), 1);
    pass(INTERVAL_NS);
    rib_rig_change(&rig, plain, tagged);
    ck_assert_uint_eq(sent(), 1);
}
END_TEST

START_TEST(what_was_told_first_may_be_told_first)
{
    pass(2 * SEC_NS);
    rib_rig_add(&rig, other);
    ck_assert_uint_eq(sent(), 1);
    rib_rig_change(&rig, other, (struct rib_facts){ .name = "g", .tags = LIST(T("a")) });
    pass(SEC_NS);
    rib_rig_change(&rig, plain, tagged);
    ck_assert_uint_eq(left_ns(), 2 * SEC_NS);
    pass(2 * SEC_NS);
    ck_assert_uint_eq(sent(), 1);
    ck_assert_uint_eq(left_ns(), 2 * SEC_NS);
}
END_TEST

START_TEST(withdrawal_does_not_wait_and_takes_along_what_waits)
{
    rib_rig_change(&rig, plain, tagged);
    ck_assert_uint_eq(sent(), 0);
    rib_rig_remove(&rig, tagged);
    ck_assert_uint_eq(sent(), 1);
    ck_assert(rig.sent[0].withdrawn);
    pass(INTERVAL_NS);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(rib_announcing_deadline(rig.rib, 0).ns, INSTANT_NEVER.ns);
}
END_TEST

START_TEST(what_comes_again_after_its_withdrawal_waits_too)
{
    const struct rib_export *exported = rib_rig_export(&rig, 0, "f");
    uint64_t route_id = exported->route_id;
    pass(SEC_NS);
    rib_rig_remove(&rig, plain);
    ck_assert_uint_eq(sent(), 1);
    ck_assert_ptr_null(rib_rig_export(&rig, 0, "f"));
    rib_rig_add(&rig, tagged);
    ck_assert_uint_eq(sent(), 0);
    /* The far side does not have it. */
    ck_assert_ptr_null(rib_find_export(rig.rib, 0, route_id));
    ck_assert_uint_eq(rib_announced_table(rig.rib, 0).routes, 0);
    /* It goes before it was told, and comes: nobody hears of that. */
    rib_rig_remove(&rig, tagged);
    ck_assert_uint_eq(sent(), 0);
    rib_rig_add(&rig, plain);
    ck_assert_uint_eq(sent(), 0);
    ck_assert_uint_eq(left_ns(), 4 * SEC_NS);
    pass(4 * SEC_NS);
    ck_assert_uint_eq(sent(), 1);
    ck_assert(!rig.sent[0].withdrawn);
    ck_assert_uint_eq(rig.sent[0].route_id, route_id);
    ck_assert_ptr_nonnull(rib_find_export(rig.rib, 0, route_id));
}
END_TEST

START_TEST(what_was_withdrawn_is_forgotten_after_the_interval)
{
    size_t used = rig.mem.used;
    rib_rig_add(&rig, other);
    ck_assert_uint_eq(sent(), 1);
    rib_rig_remove(&rig, other);
    ck_assert_uint_eq(sent(), 1);
    ck_assert_uint_gt(rig.mem.used, used);
    pass(INTERVAL_NS);
    ck_assert_uint_eq(sent(), 0);
    rib_rig_add(&rig, other);
    ck_assert_uint_eq(sent(), 1);
}
END_TEST

START_TEST(refresh_and_a_new_session_tell_all_at_once)
{
    rib_rig_change(&rig, plain, tagged);
    ck_assert_uint_eq(sent(), 0);
    rib_announce_again(rig.rib, 0);
    ck_assert_uint_eq(sent(), 1);
    rib_rig_change(&rig, tagged, again);
    ck_assert_uint_eq(sent(), 0);
    rib_begin_announcing(rig.rib, 0);
    ck_assert_uint_eq(sent(), 1);
    pass(INTERVAL_NS);
    ck_assert_uint_eq(sent(), 0);
    /* Also what came again a moment ago. */
    rib_rig_remove(&rig, again);
    ck_assert_uint_eq(sent(), 1);
    rib_rig_add(&rig, plain);
    rib_announce_again(rig.rib, 0);
    ck_assert_uint_eq(sent(), 1);
}
END_TEST

START_TEST(withdrawal_that_was_not_sent_yet_is_no_news)
{
    pass(SEC_NS);
    rib_rig_remove(&rig, plain);
    rib_rig_add(&rig, plain);
    ck_assert_uint_eq(sent(), 0);
    const struct rib_export *exported = rib_rig_export(&rig, 0, "f");
    ck_assert_ptr_nonnull(rib_find_export(rig.rib, 0, exported->route_id));
    pass(4 * SEC_NS);
    ck_assert_uint_eq(sent(), 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib_pace");
    TCase *tcase = tcase_create("pace");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, changes_wait_and_only_the_newest_is_told);
    tcase_add_test(tcase, change_after_the_interval_and_another_function_go_at_once);
    tcase_add_test(tcase, what_was_told_first_may_be_told_first);
    tcase_add_test(tcase, withdrawal_does_not_wait_and_takes_along_what_waits);
    tcase_add_test(tcase, what_comes_again_after_its_withdrawal_waits_too);
    tcase_add_test(tcase, what_was_withdrawn_is_forgotten_after_the_interval);
    tcase_add_test(tcase, refresh_and_a_new_session_tell_all_at_once);
    tcase_add_test(tcase, withdrawal_that_was_not_sent_yet_is_no_news);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
