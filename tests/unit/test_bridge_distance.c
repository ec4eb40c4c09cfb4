/* SPDX-License-Identifier: Apache-2.0 */
/* test_bridge_distance.c - two links bring the same function: the nearer far side serves it. */
#include "tests/support/bridge_calls.h"

#include <stdlib.h>

#include "bridge/rib_decide.h"

static uint32_t far_eu;
static uint32_t far_ap;

/* Both offer f, and are pinged. While nobody knows how far away they are, ap-1 is chosen for its name. */
static void
open_both(void)
{
    far_eu = open_with_far_eu();
    far_ap = rig_far_join(&rig, US, "ap", "ap-1");
    rig_far_announce(&rig, far_ap, 2, "ap", (struct rib_route){ .route_id = 1, .name = "f" });
    rig_pass(&rig, RIG_KEEPALIVE_NS);
}

static const struct rib_offer *
offer_of_f(void)
{
    size_t cursor = 0;
    const struct rib_import *import =
        rib_each_import(bridge_rib(rig.bridges[US].bridge), 0, &cursor);
    ck_assert_ptr_nonnull(import);
    ck_assert_ptr_nonnull(import->offer);
    return import->offer;
}

static void
expect_chosen(const char *federation, const char *decision)
{
    const struct rib_offer *offer = offer_of_f();
    const struct rib *rib = bridge_rib(rig.bridges[US].bridge);
    struct span name = rig_link_stats(&rig, US, offer->chosen->link).name;
    ck_assert_msg(
        span_is(name, federation), "%.*s is chosen, want %s", SPAN_ARGS(name), federation);
    ck_assert_str_eq(rib_decision_name(rib_offer_decided_by(rib, offer)), decision);
}

static void
answer_ping(uint32_t far)
{
    ck_assert_uint_gt(rig_far_heard(&rig, far, LINK_FRAME_PING, &frame), 0);
    const struct link_frame pong = {
        .type = LINK_FRAME_PONG,
        .pong = { .number = frame.ping.number },
    };
    rig_far_send(&rig, far, &pong);
}

/* Both have just been pinged, and answer after so long. Ends when they are pinged again. */
static void
answer_pings(uint64_t eu_ns, uint64_t ap_ns)
{
    bool eu_first = eu_ns < ap_ns;
    uint64_t first_ns = eu_first ? eu_ns : ap_ns;
    uint64_t last_ns = eu_first ? ap_ns : eu_ns;
    rig_pass(&rig, first_ns);
    answer_ping(eu_first ? far_eu : far_ap);
    rig_pass(&rig, last_ns - first_ns);
    answer_ping(eu_first ? far_ap : far_eu);
    rig_pass(&rig, RIG_KEEPALIVE_NS - last_ns);
}

START_TEST(far_side_that_is_nearer_is_chosen)
{
    open_both();
    expect_chosen("ap", "bridge");
    answer_pings(MS_NS, 120 * MS_NS);
    expect_chosen("eu", "round_trip");
}
END_TEST

START_TEST(small_differences_do_not_count)
{
    open_both();
    answer_pings(20 * MS_NS, 40 * MS_NS);
    expect_chosen("ap", "bridge");
}
END_TEST

/* The smoothed round trip moves an eighth at a time, and the choice follows when it has left its band. */
START_TEST(choice_follows_when_a_far_side_comes_nearer)
{
    open_both();
    answer_pings(120 * MS_NS, MS_NS);
    expect_chosen("ap", "round_trip");
    for (uint32_t i = 0; i < 30; i++) {
        answer_pings(MS_NS, 120 * MS_NS);
    }
    expect_chosen("eu", "round_trip");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_distance");
    TCase *tcase = tcase_create("distance");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, far_side_that_is_nearer_is_chosen);
    tcase_add_test(tcase, small_differences_do_not_count);
    tcase_add_test(tcase, choice_follows_when_a_far_side_comes_nearer);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
