/* SPDX-License-Identifier: Apache-2.0 */
/* test_bridge_link_command.c - what an operator does to a link, and what becomes of its functions and calls. */
#include "tests/support/bridge_calls.h"

#include <stdlib.h>

static const char *
view(void)
{
    struct bridge_link_stats stats = link_stats();
    return bridge_link_view_name(bridge_link_view(&stats));
}

static enum link_verb_result
say(enum link_verb verb)
{
    enum link_verb_result result = bridge_link_command(rig.bridges[US].bridge, 0, verb);
    rig_run(&rig);
    return result;
}

static void
expect_forgotten(uint64_t count)
{
    ck_assert_ptr_null(rig_peer_sees(&rig, node, "f"));
    ck_assert_uint_eq(link_stats().prunes[PRUNE_OPERATOR], count);
    ck_assert_uint_eq(link_stats().prunes[PRUNE_LINK_DOWN], 0);
}

static uint32_t
errors_heard(uint32_t far)
{
    return rig_far_heard(&rig, far, LINK_FRAME_ERROR, &frame);
}

START_TEST(disabled_link_ends_and_says_why)
{
    uint32_t far = open_lasting();
    ck_assert_int_eq(say(LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    expect_forgotten(1);
    ck_assert_str_eq(view(), "disabled");
    ck_assert_uint_eq(errors_heard(far), 1);
    ck_assert_uint_eq(frame.error.code, LINK_ERROR_DISABLED);
    ck_assert_uint_gt(frame.error.retry_after_ns, 0);
    /* Once more is the same. */
    ck_assert_int_eq(say(LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    ck_assert_str_eq(view(), "disabled");
}
END_TEST

START_TEST(newcomers_of_a_disabled_link_are_refused_until_it_is_enabled)
{
    open_lasting();
    ck_assert_int_eq(say(LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    uint32_t far = rig_far_connect(&rig, US, "eu", "eu-1");
    ck_assert_uint_eq(errors_heard(far), 1);
    ck_assert_uint_eq(frame.error.code, LINK_ERROR_DISABLED);
    ck_assert_str_eq(view(), "disabled");
    ck_assert_int_eq(say(LINK_VERB_ENABLE), LINK_VERB_TAKEN);
    ck_assert_str_eq(view(), "down");
    far = rig_far_join(&rig, US, "eu", "eu-1");
    ck_assert_uint_eq(errors_heard(far), 0);
    ck_assert_str_eq(view(), "up");
}
END_TEST

START_TEST(calls_over_a_disabled_link_end_at_once)
{
    open_lasting();
    struct span request = rig_peer_call(&rig, node, "f", "[1]");
    ck_assert_int_eq(say(LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    expect_near_error("disabled", request, CALL_LINK_DOWN, "us-1", "near");
}
END_TEST

START_TEST(link_that_dials_does_not_while_it_is_disabled)
{
    const struct rig_link to_eu = { "eu", "eu", rig_policy(&rig, all, 1, all, 1) };
    const struct rig_link to_us = { "us", NULL, rig_policy(&rig, all, 1, all, 1) };
    rig_add_bridge(&rig, "us", &to_eu, 1);
    rig_add_bridge(&rig, "eu", &to_us, 1);
    rig_start(&rig);
    ck_assert_str_eq(view(), "up");
    ck_assert_int_eq(say(LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    uint64_t dials = link_stats().session->dials;
    rig_pass(&rig, 300 * SEC_NS);
    ck_assert_uint_eq(link_stats().session->dials, dials);
    ck_assert_int_eq(rig_link_stats(&rig, EU, 0).state, LINK_DOWN);
    ck_assert_int_eq(say(LINK_VERB_ENABLE), LINK_VERB_TAKEN);
    ck_assert_str_eq(view(), "up");
}
END_TEST

/* The other way round: the far side is the one that dials, and is asked to wait. */
START_TEST(dialer_comes_back_when_the_far_side_has_enabled_the_link)
{
    const struct rig_link to_eu = { "eu", NULL, rig_policy(&rig, all, 1, all, 1) };
    const struct rig_link to_us = { "us", "us", rig_policy(&rig, all, 1, all, 1) };
    rig_add_bridge(&rig, "us", &to_eu, 1);
    rig_add_bridge(&rig, "eu", &to_us, 1);
    rig_start(&rig);
    ck_assert_int_eq(say(LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    rig_pass(&rig, 60 * SEC_NS);
    uint64_t dials = rig_link_stats(&rig, EU, 0).session->dials;
    ck_assert_uint_ge(dials, 2);
    ck_assert_uint_le(dials, 7);
    ck_assert_int_eq(say(LINK_VERB_ENABLE), LINK_VERB_TAKEN);
    rig_pass(&rig, 60 * SEC_NS);
    ck_assert_str_eq(view(), "up");
}
END_TEST

START_TEST(drained_link_waits_for_its_calls)
{
    uint32_t far = open_lasting();
    struct span request = rig_peer_call(&rig, node, "f", "[1]");
    uint64_t call_id = far_called(far)->call_id;
    ck_assert_int_eq(say(LINK_VERB_DRAIN), LINK_VERB_TAKEN);
    expect_forgotten(1);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_DRAIN, &frame), 1);
    ck_assert_str_eq(view(), "draining");
    /* What is announced meanwhile is not taken. */
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = "g" });
    ck_assert_ptr_null(rig_peer_sees(&rig, node, "g"));
    ck_assert_uint_eq(errors_heard(far), 0);
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("42"));
    expect_result(request, "42");
    ck_assert_str_eq(view(), "drained");
    ck_assert_uint_eq(errors_heard(far), 1);
    ck_assert_uint_eq(frame.error.code, LINK_ERROR_DISABLED);
    /* It stays away. */
    far = rig_far_connect(&rig, US, "eu", "eu-1");
    ck_assert_uint_eq(errors_heard(far), 1);
    ck_assert_int_eq(say(LINK_VERB_ENABLE), LINK_VERB_TAKEN);
    rig_far_join(&rig, US, "eu", "eu-1");
    ck_assert_str_eq(view(), "up");
}
END_TEST

START_TEST(drain_takes_no_longer_than_a_call_may)
{
    uint32_t far = open_lasting();
    far_calls(far, &(struct rig_far_call){ 7, "ours", 3600000, 4, LIST(T("eu")), "[]", "{}" });
    ck_assert_uint_eq(link_stats().from_link.in_flight, 1);
    ck_assert_int_eq(say(LINK_VERB_DRAIN), LINK_VERB_TAKEN);
    ck_assert_str_eq(view(), "draining");
    rig_pass(&rig, rig.call_timeout_ns);
    ck_assert_str_eq(view(), "drained");
    (void)far;
}
END_TEST

START_TEST(drained_link_that_breaks_is_drained)
{
    uint32_t far = open_lasting();
    (void)rig_peer_call(&rig, node, "f", "[1]");
    ck_assert_int_eq(say(LINK_VERB_DRAIN), LINK_VERB_TAKEN);
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_str_eq(view(), "drained");
    ck_assert(!link_stats().suspended);
}
END_TEST

START_TEST(link_that_drains_can_be_enabled_at_once)
{
    open_lasting();
    (void)rig_peer_call(&rig, node, "f", "[1]");
    ck_assert_int_eq(say(LINK_VERB_DRAIN), LINK_VERB_TAKEN);
    ck_assert_int_eq(say(LINK_VERB_ENABLE), LINK_VERB_TAKEN);
    ck_assert_str_eq(view(), "down");
    uint32_t far = rig_far_join(&rig, US, "eu", "eu-1");
    rig_far_announce(&rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
}
END_TEST

START_TEST(refresh_asks_for_everything_without_a_reconnect)
{
    uint32_t far = open_lasting();
    ck_assert_int_eq(say(LINK_VERB_REFRESH), LINK_VERB_TAKEN);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 1);
    ck_assert_uint_eq(link_stats().resyncs, 1);
    ck_assert_uint_eq(link_stats().session->sessions, 1);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    const struct link_frame end = {
        .type = LINK_FRAME_END_OF_SYNC,
        .end_of_sync = { .sequence = 3, .refresh = frame.refresh },
    };
    rig_far_send(&rig, far, &end);
    ck_assert_ptr_null(rig_peer_sees(&rig, node, "f"));
}
END_TEST

START_TEST(refresh_of_a_link_that_is_not_up_is_refused)
{
    uint32_t far = open_lasting();
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_int_eq(say(LINK_VERB_REFRESH), LINK_VERB_NOT_UP);
}
END_TEST

START_TEST(forget_works_while_the_far_side_is_dead)
{
    uint32_t far = open_lasting();
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    ck_assert_int_eq(say(LINK_VERB_FORGET), LINK_VERB_TAKEN);
    expect_forgotten(1);
    ck_assert_uint_eq(link_stats().stale, 0);
    ck_assert_str_eq(view(), "suspended");
}
END_TEST

START_TEST(forget_of_a_link_that_is_up_asks_for_everything_again)
{
    uint32_t far = open_lasting();
    ck_assert_int_eq(say(LINK_VERB_FORGET), LINK_VERB_TAKEN);
    expect_forgotten(1);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 1);
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    const struct link_frame end = {
        .type = LINK_FRAME_END_OF_SYNC,
        .end_of_sync = { .sequence = 4, .refresh = frame.refresh },
    };
    rig_far_send(&rig, far, &end);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    ck_assert_str_eq(view(), "up");
}
END_TEST

START_TEST(forget_of_a_link_that_is_interrupted_asks_when_it_goes_on)
{
    uint32_t far = open_lasting();
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_HELLO, &frame), 1);
    uint64_t session = frame.hello.session;
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_int_eq(say(LINK_VERB_FORGET), LINK_VERB_TAKEN);
    expect_forgotten(1);
    far = rig_far_come_back(&rig, US, "eu-1", session, link_stats().session->sequence_sent);
    ck_assert_uint_eq(link_stats().session->resumes, 1);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 1);
}
END_TEST

START_TEST(forget_of_a_link_that_syncs_asks_when_it_has)
{
    rig.resume_window_ns = WINDOW_NS;
    uint32_t far = open_lasting();
    rig_disconnect(&rig, far, SPAN("reset"));
    far = rig_far_connect(&rig, US, "eu", "eu-1");
    rig_far_hello(&rig, far, "eu", "eu-1");
    rig_far_announce(&rig, far, 1, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_str_eq(view(), "syncing");
    ck_assert_int_eq(say(LINK_VERB_FORGET), LINK_VERB_TAKEN);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 0);
    const struct link_frame synced = { .type = LINK_FRAME_END_OF_SYNC, .sequence = 2 };
    rig_far_send(&rig, far, &synced);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 1);
}
END_TEST

START_TEST(verbs_are_done_in_their_order_and_not_without_end)
{
    open_lasting();
    struct bridge *bridge = rig.bridges[US].bridge;
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(bridge_link_command(bridge, 0, LINK_VERB_ENABLE), LINK_VERB_TAKEN);
        ck_assert_int_eq(bridge_link_command(bridge, 0, LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    }
    ck_assert_int_eq(bridge_link_command(bridge, 0, LINK_VERB_ENABLE), LINK_VERB_BUSY);
    rig_run(&rig);
    ck_assert_str_eq(view(), "disabled");
    rig_stop(&rig, US);
    ck_assert_int_eq(bridge_link_command(bridge, 0, LINK_VERB_ENABLE), LINK_VERB_STOPPING);
}
END_TEST

/* The second link, which nobody is at, is not what keeps it from being ready. */
START_TEST(bridge_is_ready_without_the_links_that_were_taken_away)
{
    open_lasting();
    ck_assert(!bridge_ready(rig.bridges[US].bridge));
    ck_assert_int_eq(
        bridge_link_command(rig.bridges[US].bridge, 1, LINK_VERB_DISABLE), LINK_VERB_TAKEN);
    rig_run(&rig);
    ck_assert(bridge_ready(rig.bridges[US].bridge));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_link_command");
    TCase *tcase = tcase_create("command");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, disabled_link_ends_and_says_why);
    tcase_add_test(tcase, newcomers_of_a_disabled_link_are_refused_until_it_is_enabled);
    tcase_add_test(tcase, calls_over_a_disabled_link_end_at_once);
    tcase_add_test(tcase, link_that_dials_does_not_while_it_is_disabled);
    tcase_add_test(tcase, dialer_comes_back_when_the_far_side_has_enabled_the_link);
    tcase_add_test(tcase, drained_link_waits_for_its_calls);
    tcase_add_test(tcase, drain_takes_no_longer_than_a_call_may);
    tcase_add_test(tcase, drained_link_that_breaks_is_drained);
    tcase_add_test(tcase, link_that_drains_can_be_enabled_at_once);
    tcase_add_test(tcase, refresh_asks_for_everything_without_a_reconnect);
    tcase_add_test(tcase, refresh_of_a_link_that_is_not_up_is_refused);
    tcase_add_test(tcase, forget_works_while_the_far_side_is_dead);
    tcase_add_test(tcase, forget_of_a_link_that_is_up_asks_for_everything_again);
    tcase_add_test(tcase, forget_of_a_link_that_is_interrupted_asks_when_it_goes_on);
    tcase_add_test(tcase, forget_of_a_link_that_syncs_asks_when_it_has);
    tcase_add_test(tcase, verbs_are_done_in_their_order_and_not_without_end);
    tcase_add_test(tcase, bridge_is_ready_without_the_links_that_were_taken_away);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
