/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_stale.c - a link that breaks: what stays, for how long, what goes on, and whether both ends mean the
 * same.
 */
#include "tests/support/bridge_calls.h"

#include <stdlib.h>

/* The node of the cluster says nothing, and is taken for dead after a while. */
static uint64_t
offered(void)
{
    return bridge_stats(rig.bridges[US].bridge).functions_offered;
}

static void
cut(uint32_t far)
{
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
}

static uint64_t
own_session(uint32_t far)
{
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_HELLO, &frame), 1);
    return frame.hello.session;
}

START_TEST(functions_stay_for_the_stale_time_and_no_longer)
{
    cut(open_lasting());
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    ck_assert_int_eq(link_stats().state, LINK_DOWN);
    ck_assert_uint_eq(link_stats().stale, 1);
    ck_assert(link_stats().suspended);
    rig_pass(&rig, WINDOW_NS);
    ck_assert(!link_stats().suspended);
    rig_pass(&rig, STALE_NS - WINDOW_NS - 1);
    ck_assert_uint_eq(offered(), 1);
    rig_pass(&rig, 1);
    ck_assert_uint_eq(offered(), 0);
    ck_assert_uint_eq(link_stats().prunes[PRUNE_STALE_TIMEOUT], 1);
    ck_assert_uint_eq(link_stats().stale, 0);
}
END_TEST

START_TEST(functions_stay_while_the_session_may_go_on_even_if_the_stale_time_is_shorter)
{
    rig.resume_window_ns = WINDOW_NS;
    rig.stale_time_ns = SEC_NS;
    cut(open_with_far_eu());
    rig_pass(&rig, WINDOW_NS - 1);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    rig_pass(&rig, 1);
    ck_assert_ptr_null(rig_peer_sees(&rig, node, "f"));
}
END_TEST

START_TEST(functions_stay_for_their_ttl_and_no_longer)
{
    uint32_t far = open_lasting();
    rig_far_announce(&rig, far, 3, "eu",
        (struct rib_route){ .route_id = 2, .name = "short", .ttl_ns = 30 * SEC_NS });
    rig_far_announce(&rig, far, 4, "eu",
        (struct rib_route){ .route_id = 3, .name = "shorter", .ttl_ns = 5 * SEC_NS });
    /* While the session stands, and while it may go on, the far side vouches for them. */
    cut(far);
    rig_pass(&rig, WINDOW_NS - 1);
    ck_assert_uint_eq(offered(), 3);
    rig_pass(&rig, 1);
    ck_assert_uint_eq(offered(), 2);
    rig_pass(&rig, 30 * SEC_NS - WINDOW_NS - 1);
    ck_assert_uint_eq(offered(), 2);
    rig_pass(&rig, 1);
    ck_assert_uint_eq(offered(), 1);
    ck_assert_uint_eq(link_stats().prunes[PRUNE_TTL_EXPIRED], 2);
    rig_pass(&rig, STALE_NS - 30 * SEC_NS);
    ck_assert_uint_eq(offered(), 0);
    ck_assert_uint_eq(link_stats().prunes[PRUNE_STALE_TIMEOUT], 1);
}
END_TEST

static const struct end_case {
    const char *name;
    enum link_error_code error;
    bool stays;
} end_cases[] = {
    { "a restart", LINK_ERROR_SHUTDOWN, true },
    { "a fault", LINK_ERROR_PROTOCOL, true },
    { "the far side has no such link", LINK_ERROR_NOT_WANTED, false },
    { "the far operator", LINK_ERROR_DISABLED, false },
    { "too many functions", LINK_ERROR_LIMIT, false },
};

START_TEST(end_for_good_takes_the_functions_along)
{
    const struct end_case *c = &end_cases[_i];
    uint32_t far = open_lasting();
    const struct link_frame error = {
        .type = LINK_FRAME_ERROR,
        .error = { .code = (uint16_t)c->error, .text = SPAN("x") },
    };
    rig_far_send(&rig, far, &error);
    ck_assert_msg((rig_peer_sees(&rig, node, "f") != NULL) == c->stays, "%s", c->name);
    ck_assert_uint_eq(link_stats().prunes[PRUNE_LINK_DOWN], c->stays ? 0 : 1);
}
END_TEST

START_TEST(calls_under_way_survive_a_cut)
{
    uint32_t far = open_lasting();
    uint64_t session = own_session(far);
    struct span first = rig_peer_call(&rig, node, "f", "[1]");
    cut(far);
    struct span second = rig_peer_call(&rig, node, "f", "[2]");
    ck_assert_ptr_null(rig_peer_answered(&rig, node, first));
    ck_assert_ptr_null(rig_peer_answered(&rig, node, second));
    /* It has received END_OF_SYNC, announcements, and not the call. */
    far = rig_far_come_back(&rig, US, "eu-1", session, link_stats().session->sequence_sent - 2);
    ck_assert_uint_eq(link_stats().session->resumes, 1);
    ck_assert_int_eq(link_stats().state, LINK_UP);
    ck_assert_uint_eq(link_stats().stale, 0);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_CALL, &frame), 2);
    ck_assert(span_is(frame.call.args, "[2]"));
    uint64_t last = frame.call.call_id;
    far_replies(far, last, LINK_REPLY_OK, 0, SPAN("2"));
    far_replies(far, last - 1, LINK_REPLY_OK, 0, SPAN("1"));
    ck_assert(span_is(rig_peer_answered(&rig, node, first)->result, "1"));
    ck_assert(span_is(rig_peer_answered(&rig, node, second)->result, "2"));
    /* Nothing was announced again. */
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), 0);
}
END_TEST

START_TEST(answers_of_calls_under_way_survive_a_cut)
{
    uint32_t far = open_lasting();
    uint64_t session = own_session(far);
    far_calls(far, &plain_call);
    const struct fabric_request call = *rig_peer_called(&rig, node);
    cut(far);
    rig_peer_answer(&rig, node, &call, true, SPAN("7"));
    far = rig_far_come_back(&rig, US, "eu-1", session, link_stats().session->sequence_acked);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.status, LINK_REPLY_OK);
}
END_TEST

START_TEST(calls_end_when_the_session_does_not_go_on)
{
    uint32_t far = open_lasting();
    struct span call = rig_peer_call(&rig, node, "f", "[1]");
    cut(far);
    rig_far_come_back(&rig, US, "eu-1", 0, 0);
    expect_near_error("restarted", call, CALL_LINK_DOWN, "us-1", "near");
    call = rig_peer_call(&rig, node, "f", "[1]");
    ck_assert_ptr_null(rig_peer_answered(&rig, node, call));
}
END_TEST

START_TEST(calls_end_with_the_window)
{
    cut(open_lasting());
    struct span call = rig_peer_call(&rig, node, "f", "[1]");
    rig_pass(&rig, WINDOW_NS);
    expect_near_error("window", call, CALL_LINK_DOWN, "us-1", "near");
    call = rig_peer_call(&rig, node, "f", "[1]");
    expect_near_error("after", call, CALL_LINK_DOWN, "us-1", "near");
}
END_TEST

START_TEST(restarted_far_side_takes_its_functions_back)
{
    uint32_t far = open_lasting();
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = "g" });
    cut(far);
    far = rig_far_come_back(&rig, US, "eu-1", 0, 0);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_HELLO, &frame), 1);
    ck_assert_uint_eq(frame.hello.stale, 2);
    ck_assert_uint_eq(link_stats().stale, 2);
    rig_far_announce(&rig, far, 1, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_uint_eq(link_stats().stale, 1);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "g"));
    const struct link_frame synced = { .type = LINK_FRAME_END_OF_SYNC,
        .end_of_sync = { .sequence = 2 } };
    rig_far_send(&rig, far, &synced);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    ck_assert_ptr_null(rig_peer_sees(&rig, node, "g"));
    ck_assert_uint_eq(link_stats().stale, 0);
    ck_assert_uint_eq(link_stats().prunes[PRUNE_WITHDRAWN], 1);
}
END_TEST

static void
ping_with(uint32_t far, uint64_t number, struct link_table table)
{
    const struct link_frame ping = {
        .type = LINK_FRAME_PING,
        .ping = { .number = number, .has_table = true, .table = table },
    };
    rig_far_send(&rig, far, &ping);
}

START_TEST(other_table_is_asked_for_again_and_swept)
{
    uint32_t far = open_lasting();
    struct link_table same = rib_heard_table(bridge_rib(rig.bridges[US].bridge), 0);
    ping_with(far, 1, same);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 0);
    ck_assert_uint_eq(link_stats().diverged_ns, 0);

    ping_with(far, 2, (struct link_table){ .routes = 1, .digest = same.digest + 1 });
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 1);
    ck_assert_uint_eq(frame.refresh, 1);
    ck_assert_uint_eq(link_stats().resyncs, 1);
    rig_pass(&rig, SEC_NS);
    ck_assert_uint_gt(link_stats().diverged_ns, 0);
    ck_assert_uint_eq(link_stats().stale, 0);

    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = "g" });
    const struct link_frame wrong = { .type = LINK_FRAME_END_OF_SYNC,
        .end_of_sync = { .sequence = 4, .refresh = 7 } };
    rig_far_send(&rig, far, &wrong);
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    const struct link_frame right = { .type = LINK_FRAME_END_OF_SYNC,
        .end_of_sync = { .sequence = 5, .refresh = 1 } };
    rig_far_send(&rig, far, &right);
    ck_assert_ptr_null(rig_peer_sees(&rig, node, "f"));
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "g"));
    ping_with(far, 3, rib_heard_table(bridge_rib(rig.bridges[US].bridge), 0));
    ck_assert_uint_eq(link_stats().diverged_ns, 0);
}
END_TEST

START_TEST(table_that_stays_another_is_not_asked_for_all_the_time)
{
    uint32_t far = open_lasting();
    for (uint64_t i = 1; i <= 60; i++) {
        ping_with(far, i, (struct link_table){ .routes = 99 });
        uint32_t asked = rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame);
        const struct link_frame end = {
            .type = LINK_FRAME_END_OF_SYNC,
            .end_of_sync = { .sequence = 2 + i, .refresh = asked },
        };
        rig_far_send(&rig, far, &end);
        rig_pass(&rig, SEC_NS);
    }
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REFRESH, &frame), 3);
}
END_TEST

START_TEST(refresh_of_the_far_side_is_answered_with_everything)
{
    uint32_t far = open_lasting();
    uint32_t before = rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame);
    const struct link_frame refresh = { .type = LINK_FRAME_REFRESH, .refresh = 12 };
    rig_far_send(&rig, far, &refresh);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), before + 1);
    ck_assert(span_is(frame.announce.routes[0].advertisement.identity.name, "ours"));
    uint64_t digest = frame.announce.routes[0].digest;
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_END_OF_SYNC, &frame), 2);
    ck_assert_uint_eq(frame.end_of_sync.refresh, 12);
    /* What a ping says is what was announced. */
    rig_pass(&rig, RIG_KEEPALIVE_NS);
    ck_assert_uint_ge(rig_far_heard(&rig, far, LINK_FRAME_PING, &frame), 1);
    ck_assert(frame.ping.has_table);
    ck_assert_uint_eq(frame.ping.table.routes, 1);
    ck_assert_uint_eq(frame.ping.table.digest, digest);
}
END_TEST

START_TEST(neighbour_that_asks_all_the_time_is_told_once_a_second)
{
    uint32_t far = open_lasting();
    uint32_t before = rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame);
    struct link_frame refresh = { .type = LINK_FRAME_REFRESH };
    for (int i = 0; i < 100; i++) {
        refresh.refresh++;
        rig_far_send(&rig, far, &refresh);
    }
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), before + 1);
    rig_pass(&rig, SEC_NS);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), before + 2);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_END_OF_SYNC, &frame), 3);
    ck_assert_uint_eq(frame.end_of_sync.refresh, 100);
    ck_assert_uint_eq(link_stats().refreshed, 2);
}
END_TEST

/* A bridge that has just started does not know its cluster, and says so: not yet. */
START_TEST(end_of_sync_waits_for_the_cluster_when_the_far_side_keeps_something)
{
    const struct rig_link links[] = { { "eu", NULL, rig_policy(&rig, all, 1, all, 1) } };
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    uint32_t far = rig_far_connect(&rig, US, "eu", "eu-1");
    rig_far_greet(&rig, far, "eu", "eu-1", (struct link_hello){ .stale = 1 });
    rig_pass(&rig, 3 * SEC_NS);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_END_OF_SYNC, &frame), 0);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "ours" });
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_ANNOUNCE, &frame), 1);
    rig_pass(&rig, SEC_NS - 1);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_END_OF_SYNC, &frame), 0);
    rig_pass(&rig, 1);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_END_OF_SYNC, &frame), 1);
}
END_TEST

START_TEST(end_of_sync_does_not_wait_for_ever)
{
    const struct rig_link links[] = { { "eu", NULL, rig_policy(&rig, all, 1, all, 1) } };
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    uint32_t far = rig_far_connect(&rig, US, "eu", "eu-1");
    rig_far_greet(
        &rig, far, "eu", "eu-1", (struct link_hello){ .stale = 1, .keepalive_ns = 60 * SEC_NS });
    rig_pass(&rig, 10 * SEC_NS);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_END_OF_SYNC, &frame), 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_stale");
    TCase *tcase = tcase_create("stale");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, functions_stay_for_the_stale_time_and_no_longer);
    tcase_add_test(tcase, functions_stay_for_their_ttl_and_no_longer);
    tcase_add_test(
        tcase, functions_stay_while_the_session_may_go_on_even_if_the_stale_time_is_shorter);
    tcase_add_loop_test(tcase, end_for_good_takes_the_functions_along, 0, (int)COUNT_OF(end_cases));
    tcase_add_test(tcase, calls_under_way_survive_a_cut);
    tcase_add_test(tcase, answers_of_calls_under_way_survive_a_cut);
    tcase_add_test(tcase, calls_end_when_the_session_does_not_go_on);
    tcase_add_test(tcase, calls_end_with_the_window);
    tcase_add_test(tcase, restarted_far_side_takes_its_functions_back);
    tcase_add_test(tcase, other_table_is_asked_for_again_and_swept);
    tcase_add_test(tcase, table_that_stays_another_is_not_asked_for_all_the_time);
    tcase_add_test(tcase, refresh_of_the_far_side_is_answered_with_everything);
    tcase_add_test(tcase, neighbour_that_asks_all_the_time_is_told_once_a_second);
    tcase_add_test(tcase, end_of_sync_waits_for_the_cluster_when_the_far_side_keeps_something);
    tcase_add_test(tcase, end_of_sync_does_not_wait_for_ever);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
