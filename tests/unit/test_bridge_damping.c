/* SPDX-License-Identifier: Apache-2.0 */
/* test_bridge_damping.c - links and functions that flap: what counts as a flap, what it costs, and when it is over. */
#include "tests/support/bridge_calls.h"

#include <stdlib.h>

#define MINUTE_NS (60 * SEC_NS)

static const struct damping_config damping = {
    .half_life_ns = MINUTE_NS,
    .max_suppress_ns = 5 * MINUTE_NS,
    .suppress = 3000,
    .reuse = 1000,
};

static const struct text_list tag_sets[] = { LIST(T("a")), LIST(T("a"), T("b")) };

/* Function f comes over link eu, and over link ap at a higher cost. */
static uint32_t
open_with_two_ways(void)
{
    rig.link_damping = damping;
    uint32_t far = open_with_far_eu();
    uint32_t other = rig_far_join(&rig, US, "ap", "ap-1");
    rig_far_announce(
        &rig, other, 2, "ap", (struct rib_route){ .route_id = 1, .name = "f", .cost = 1 });
    return far;
}

static uint32_t
break_and_come_back(uint32_t far)
{
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    far = rig_far_join(&rig, US, "eu", "eu-1");
    rig_far_announce(&rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    return far;
}

/* The link over which calls of f go now. */
static uint32_t
way_of_f(void)
{
    const struct rib *rib = bridge_rib(rig.bridges[US].bridge);
    const struct rib_import *import;
    for (uint32_t link = 0; link < 2; link++) {
        size_t cursor = 0;
        while ((import = rib_each_import(rib, link, &cursor)) != NULL) {
            if (import->offer != NULL && import->offer->made == import) {
                return link;
            }
        }
    }
    return UINT32_MAX;
}

/* Time passes, and the far side is heard. */
static void
pass_alive(uint32_t far, uint64_t duration_ns)
{
    struct instant end = instant_after(rig.now.mono, duration_ns);
    const struct link_frame ping = { .type = LINK_FRAME_PING, .ping = { .number = 1 } };
    while (!instant_reached(end, rig.now.mono)) {
        uint64_t left_ns = instant_between(rig.now.mono, end);
        rig_pass(&rig, left_ns < RIG_KEEPALIVE_NS ? left_ns : RIG_KEEPALIVE_NS);
        rig_far_send(&rig, far, &ping);
    }
}

START_TEST(link_that_flaps_is_the_last_choice_until_it_has_been_quiet)
{
    uint32_t far = open_with_two_ways();
    for (uint32_t i = 1; i <= 2; i++) {
        far = break_and_come_back(far);
        ck_assert_uint_eq(link_stats().penalty, i * DAMPING_FLAP);
        ck_assert(!link_stats().damped);
        ck_assert_uint_eq(way_of_f(), 0);
    }
    far = break_and_come_back(far);
    ck_assert(link_stats().damped);
    ck_assert_int_eq(link_stats().state, LINK_UP);
    ck_assert_uint_eq(way_of_f(), 1);
    /* Three times `reuse`: 1.58 half-lives. */
    uint64_t left_ns = link_stats().damped_for_ns;
    ck_assert_uint_gt(left_ns, 95 * SEC_NS);
    ck_assert_uint_lt(left_ns, 96 * SEC_NS);
    pass_alive(far, left_ns - 1);
    ck_assert(link_stats().damped);
    rig_pass(&rig, 1);
    ck_assert(!link_stats().damped);
    ck_assert_uint_eq(link_stats().damped_for_ns, 0);
    ck_assert_uint_le(link_stats().penalty, 1000);
    ck_assert_uint_ge(link_stats().penalty, 999);
}
END_TEST

START_TEST(damped_link_serves_what_nobody_else_brings)
{
    rig.link_damping = damping;
    uint32_t far = open_with_far_eu();
    for (uint32_t i = 0; i < 5; i++) {
        far = break_and_come_back(far);
    }
    ck_assert(link_stats().damped);
    struct span call = rig_peer_call(&rig, node, "f", "[1]");
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_CALL, &frame), 1);
    const struct link_frame reply = {
        .type = LINK_FRAME_REPLY,
        .reply = { .call_id = frame.call.call_id, .status = LINK_REPLY_OK, .body = SPAN("2") },
    };
    rig_far_send(&rig, far, &reply);
    ck_assert(span_is(rig_peer_answered(&rig, node, call)->result, "2"));
}
END_TEST

START_TEST(break_after_which_the_session_goes_on_is_no_flap)
{
    rig.resume_window_ns = WINDOW_NS;
    uint32_t far = open_with_two_ways();
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_HELLO, &frame), 1);
    uint64_t session = frame.hello.session;
    for (uint32_t i = 0; i < 10; i++) {
        rig_disconnect(&rig, far, SPAN("reset"));
        rig_run(&rig);
        far = rig_far_come_back(&rig, US, "eu-1", session, link_stats().session->sequence_sent);
    }
    ck_assert_uint_eq(link_stats().session->resumes, 10);
    ck_assert_uint_eq(link_stats().session->flaps, 10);
    ck_assert_uint_eq(link_stats().penalty, 0);
    ck_assert_uint_eq(way_of_f(), 0);
}
END_TEST

START_TEST(session_that_was_to_go_on_and_did_not_is_one_flap)
{
    rig.resume_window_ns = WINDOW_NS;
    uint32_t far = open_with_two_ways();
    /* It comes back without it. */
    far = break_and_come_back(far);
    ck_assert_uint_eq(link_stats().penalty, DAMPING_FLAP);
    /* It does not come back in time. */
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_uint_eq(link_stats().penalty, DAMPING_FLAP);
    rig_pass(&rig, WINDOW_NS);
    ck_assert_uint_gt(link_stats().penalty, 1800);
    rig_far_join(&rig, US, "eu", "eu-1");
    ck_assert_uint_lt(link_stats().penalty, 2000);
}
END_TEST

START_TEST(function_that_flaps_is_gone_until_it_has_been_quiet)
{
    rig.function_damping = damping;
    uint32_t far = open_with_far_eu();
    uint64_t sequence = 3;
    for (uint32_t i = 0; i < 3; i++) {
        rig_far_withdraw(&rig, far, sequence++, 1);
        rig_far_announce(
            &rig, far, sequence++, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    }
    ck_assert_uint_eq(link_stats().import_damped, 1);
    ck_assert_uint_eq(link_stats().rejects[PRUNE_DAMPED], 1);
    ck_assert_ptr_null(rig_peer_sees(&rig, node, "f"));
    pass_alive(far, 95 * SEC_NS);
    ck_assert_uint_eq(link_stats().import_damped, 1);
    pass_alive(far, 2 * SEC_NS);
    ck_assert_uint_eq(link_stats().import_damped, 0);
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).functions_offered, 1);
}
END_TEST

START_TEST(far_side_is_told_of_changes_at_most_once_an_interval)
{
    rig.advertisement_interval_ns = 5 * SEC_NS;
    uint32_t far = open_with_far_eu();
    uint32_t before = rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame);
    struct rib_facts facts = { .name = "ours" };
    for (uint32_t i = 0; i < 10; i++) {
        facts.tags = tag_sets[i % COUNT_OF(tag_sets)];
        rig_pass(&rig, 100 * MS_NS);
        rig_peer_offer(&rig, node, facts);
    }
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), before);
    rig_pass(&rig, 5 * SEC_NS);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), before + 1);
    ck_assert_uint_eq(frame.announce.routes[0].advertisement.tags.count, 2);
}
END_TEST

START_TEST(renewed_advertisement_is_not_announced_again)
{
    uint32_t far = open_with_far_eu();
    uint32_t before = rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame);
    for (uint32_t i = 0; i < 5; i++) {
        rig_pass(&rig, SEC_NS);
        rig_peer_offer(&rig, node, (struct rib_facts){ .name = "ours" });
    }
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), before);
}
END_TEST

START_TEST(without_damping_no_link_is_damped)
{
    uint32_t far = open_with_far_eu();
    for (uint32_t i = 0; i < 10; i++) {
        far = break_and_come_back(far);
    }
    ck_assert(!link_stats().damped);
    ck_assert_uint_eq(link_stats().penalty, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_damping");
    TCase *tcase = tcase_create("links");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, link_that_flaps_is_the_last_choice_until_it_has_been_quiet);
    tcase_add_test(tcase, damped_link_serves_what_nobody_else_brings);
    tcase_add_test(tcase, break_after_which_the_session_goes_on_is_no_flap);
    tcase_add_test(tcase, session_that_was_to_go_on_and_did_not_is_one_flap);
    tcase_add_test(tcase, function_that_flaps_is_gone_until_it_has_been_quiet);
    tcase_add_test(tcase, far_side_is_told_of_changes_at_most_once_an_interval);
    tcase_add_test(tcase, renewed_advertisement_is_not_announced_again);
    tcase_add_test(tcase, without_damping_no_link_is_damped);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
