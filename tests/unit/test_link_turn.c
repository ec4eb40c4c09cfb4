/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_link_turn.c - what one connection gets in one turn of the loop, and connections that are not read for a while.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/yield.h"
#include "tests/support/beggar.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_rig.h"

#define FRAMES 40u

static struct rig rig;
static uv_prepare_t turns; /* counts them */
static size_t turn;
static size_t turn_of[FRAMES];

static void
on_turn(uv_prepare_t *handle)
{
    (void)handle;
    turn++;
}

static void
open_rig_with(const struct link_config *config)
{
    rig_open(&rig, config);
    turn = 0;
    ck_assert_int_eq(uv_prepare_init(&rig.loop, &turns), 0);
    ck_assert_int_eq(uv_prepare_start(&turns, on_turn), 0);
    rig_join(&rig);
}

static void
open_rig(void)
{
    open_rig_with(NULL);
}

static void
close_rig(void)
{
    uv_close((uv_handle_t *)&turns, NULL);
    rig_close(&rig);
}

static void
send_frames(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert(rig_send(&rig.dialer, SPAN("frame")));
    }
}

/* Somebody whose frames are hard work. */
static void
work_hard(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    uint64_t begin_ns = uv_hrtime();
    (void)conn;
    (void)frame;
    turn_of[side->frames] = turn;
    while (uv_hrtime() - begin_ns <= LINK_TURN_NS) {
    }
}

/* Timers and whoever polls get their turn, though no socket wants anything. */
START_TEST(hard_work_is_spread_over_turns)
{
    open_rig();
    rig.acceptor.frame_hook = work_hard;
    send_frames(FRAMES);
    rig_wait_count(&rig, &rig.acceptor.frames, FRAMES, "all frames");
    ck_assert_uint_ge(
        turn_of[FRAMES - 1] - turn_of[0], FRAMES * LINK_TURN_NS / (YIELD_LATEST_NS + LINK_TURN_NS));
    close_rig();
}
END_TEST

/* Somebody else on the loop: a pipe that becomes readable. */
static uv_pipe_t other;
static uv_file other_end;
static size_t frames_before_other;

static void
lend_byte(uv_handle_t *handle, size_t suggested, uv_buf_t *place)
{
    static char byte;
    (void)handle;
    (void)suggested;
    *place = uv_buf_init(&byte, 1);
}

static void
on_other(uv_stream_t *stream, ssize_t count, const uv_buf_t *place)
{
    (void)stream;
    (void)place;
    frames_before_other += count > 0 ? rig.acceptor.frames : 0;
}

static void
work_hard_while_another_wants_something(
    struct rig_side *side, struct link_conn *conn, struct span frame)
{
    if (side->frames == 0) {
        ck_assert_int_eq(write(other_end, "!", 1), 1);
    }
    work_hard(side, conn, frame);
}

START_TEST(hard_work_makes_room_for_another)
{
    uv_file ends[2];
    open_rig();
    ck_assert_int_eq(uv_pipe(ends, UV_NONBLOCK_PIPE, 0), 0);
    other_end = ends[1];
    ck_assert_int_eq(uv_pipe_init(&rig.loop, &other, 0), 0);
    ck_assert_int_eq(uv_pipe_open(&other, ends[0]), 0);
    ck_assert_int_eq(uv_read_start((uv_stream_t *)&other, lend_byte, on_other), 0);
    rig.acceptor.frame_hook = work_hard_while_another_wants_something;
    send_frames(FRAMES);
    rig_wait_count(&rig, &rig.acceptor.frames, FRAMES, "all frames");
    /* The one with which the bytes came, and one of what was left over. */
    ck_assert_uint_ge(frames_before_other, 1);
    ck_assert_uint_le(frames_before_other, 2);
    uv_close((uv_handle_t *)&other, NULL);
    ck_assert_int_eq(close(other_end), 0);
    close_rig();
}
END_TEST

static struct beggar beggar;
static uint8_t types[FRAMES];

static void
note_type(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    (void)conn;
    types[side->frames] = (uint8_t)frame.data[4];
}

#define PATIENT 7u
#define URGENT  8u

static void
open_patient_rig(void)
{
    static const struct link_config config = { .patient_frames = 1u << PATIENT };
    open_rig_with(&config);
    rig.acceptor.frame_hook = note_type;
}

START_TEST(frames_that_can_wait_get_a_little_of_each_while)
{
    open_patient_rig();
    rig.acceptor.frame_hook = work_hard;
    beggar_start(&beggar, &rig.loop);
    uint64_t begin_ns = uv_hrtime();
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert(rig_send_type(&rig.dialer, PATIENT, SPAN("frame")));
    }
    rig_wait_count(&rig, &rig.acceptor.frames, FRAMES, "all frames");
    ck_assert_uint_ge(uv_hrtime() - begin_ns, (FRAMES - 1) * YIELD_LATEST_NS);
    ck_assert_uint_ge(turn_of[FRAMES - 1] - turn_of[0], FRAMES - 1);
    beggar_stop(&beggar);
    close_rig();
}
END_TEST

/* Not one a turn, as when somebody does. */
START_TEST(frames_that_can_wait_are_heard_while_nobody_wants_anything)
{
    open_patient_rig();
    rig.acceptor.frame_hook = work_hard;
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert(rig_send_type(&rig.dialer, PATIENT, SPAN("frame")));
    }
    rig_wait_count(&rig, &rig.acceptor.frames, FRAMES, "all frames");
    ck_assert_uint_lt(turn_of[FRAMES - 1] - turn_of[0], FRAMES - 1);
    close_rig();
}
END_TEST

/* They came together, in one record. */
START_TEST(frames_that_cannot_wait_get_some_of_every_turn)
{
    open_patient_rig();
    rig.acceptor.frame_hook = work_hard;
    beggar_start(&beggar, &rig.loop);
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert(rig_send_type(&rig.dialer, URGENT, SPAN("frame")));
    }
    rig_wait_count(&rig, &rig.acceptor.frames, FRAMES, "all frames");
    for (size_t i = 1; i < FRAMES; i++) {
        ck_assert_uint_le(turn_of[i] - turn_of[i - 1], 1);
    }
    beggar_stop(&beggar);
    close_rig();
}
END_TEST

START_TEST(frames_keep_their_order_whether_they_can_wait_or_not)
{
    open_patient_rig();
    beggar_start(&beggar, &rig.loop);
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert(rig_send_type(&rig.dialer, i % 3 == 1 ? PATIENT : URGENT, SPAN("frame")));
    }
    rig_wait_count(&rig, &rig.acceptor.frames, FRAMES, "all frames");
    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert_uint_eq(types[i], i % 3 == 1 ? PATIENT : URGENT);
    }
    beggar_stop(&beggar);
    close_rig();
}
END_TEST

/* Each turn takes 64 KiB off the socket, however much there is. */
START_TEST(no_turn_reads_more_than_its_share)
{
    static uint8_t payload[256 * 1024];
    open_rig();
    size_t before = turn;
    for (size_t i = 0; i < 8; i++) {
        ck_assert(rig_send(&rig.dialer, span_from(payload, sizeof(payload))));
    }
    rig_wait_count(&rig, &rig.acceptor.frames, 8, "all frames");
    ck_assert_uint_ge(turn - before, 8 * sizeof(payload) / ((size_t)64 * 1024));
    close_rig();
}
END_TEST

/* What was sent before an end is delivered before it, in however many turns. */
static void
work_hard_to_the_end(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    work_hard(side, conn, frame);
    ck_assert_uint_eq(side->closed, 0);
}

START_TEST(close_waits_for_the_frames_before_it)
{
    open_rig();
    rig.acceptor.frame_hook = work_hard_to_the_end;
    send_frames(FRAMES);
    link_close(rig.dialer.conn, "all said");
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    ck_assert_uint_eq(rig.acceptor.frames, FRAMES);
    ck_assert_str_eq(rig.acceptor.reason, "the peer closed the link");
    close_rig();
}
END_TEST

/* Pauses. */

static void
pause_for_ever(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    (void)side;
    (void)frame;
    link_pause(conn, 3600 * SEC_NS);
}

static void
pause_a_little(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    (void)side;
    (void)frame;
    link_pause(conn, 2 * MS_NS);
}

START_TEST(paused_connection_delivers_nothing_that_has_come_or_comes)
{
    open_rig();
    rig.acceptor.frame_hook = pause_for_ever;
    send_frames(FRAMES);
    rig_wait_count(&rig, &rig.acceptor.frames, 1, "the first frame");
    send_frames(FRAMES);
    /* It still sends. */
    ck_assert(rig_send(&rig.acceptor, SPAN("heard?")));
    rig_wait_count(&rig, &rig.dialer.frames, 1, "what the paused side says");
    ck_assert_uint_eq(rig.acceptor.frames, 1);
    /* A shorter pause takes the place of the longer one. */
    rig.acceptor.frame_hook = NULL;
    link_pause(rig.acceptor.conn, MS_NS);
    rig_wait_count(&rig, &rig.acceptor.frames, (size_t)2 * FRAMES, "the others");
    close_rig();
}
END_TEST

START_TEST(pause_after_each_frame_loses_none)
{
    open_rig();
    rig.acceptor.frame_hook = pause_a_little;
    send_frames(FRAMES);
    rig_wait_count(&rig, &rig.acceptor.frames, FRAMES, "all frames");
    close_rig();
}
END_TEST

START_TEST(paused_sender_is_told_of_its_congestion)
{
    static uint8_t payload[1024 * 1024];
    open_rig();
    rig.acceptor.frame_hook = pause_for_ever;
    for (size_t i = 0; i < 40; i++) {
        ck_assert(rig_send(&rig.dialer, span_from(payload, sizeof(payload))));
    }
    rig_wait_count(&rig, &rig.dialer.congested, 1, "congestion");
    rig_wait_count(&rig, &rig.acceptor.frames, 1, "the first frame");
    ck_assert(rig_send(&rig.acceptor, SPAN("heard?")));
    rig_wait_count(&rig, &rig.dialer.frames, 1, "what the paused side says");
    ck_assert_uint_eq(rig.dialer.relieved, 0);
    rig.acceptor.frame_hook = NULL;
    link_pause(rig.acceptor.conn, 0);
    rig_wait_count(&rig, &rig.dialer.relieved, 1, "relief");
    close_rig();
}
END_TEST

START_TEST(paused_connection_can_be_closed_from_here)
{
    open_rig();
    rig.acceptor.frame_hook = pause_for_ever;
    send_frames(FRAMES);
    rig_wait_count(&rig, &rig.acceptor.frames, 1, "the first frame");
    link_close(rig.acceptor.conn, "no more of this");
    link_pause(rig.acceptor.conn, 3600 * SEC_NS);
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "its end");
    rig_wait_count(&rig, &rig.dialer.closed, 1, "the end of the other");
    ck_assert_uint_eq(rig.acceptor.frames, 1);
    ck_assert_str_eq(rig.acceptor.reason, "no more of this");
    ck_assert_str_eq(rig.dialer.reason, "the peer closed the link");
    close_rig();
}
END_TEST

START_TEST(peer_that_goes_in_a_pause_is_missed_after_it)
{
    open_rig();
    rig.acceptor.frame_hook = pause_a_little;
    send_frames(3);
    link_close(rig.dialer.conn, "all said");
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    ck_assert_uint_eq(rig.acceptor.frames, 3);
    close_rig();
}
END_TEST

static void
limit_to_ten(struct rig_side *side, struct link_conn *conn)
{
    (void)side;
    link_conn_limit_frames(conn, 10);
    link_conn_limit_frames(conn, 20);
}

START_TEST(connection_may_take_smaller_frames_than_others)
{
    rig_open(&rig, NULL);
    rig.acceptor.open_hook = limit_to_ten;
    rig_join(&rig);
    ck_assert(rig_send(&rig.dialer, SPAN("ten bytes.")));
    rig_wait_count(&rig, &rig.acceptor.frames, 1, "what is allowed");
    ck_assert(rig_send(&rig.dialer, SPAN("eleven byte")));
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    ck_assert_str_eq(
        rig.acceptor.reason, "the peer announced a frame of 11 bytes, at most 10 are allowed");
    ck_assert_uint_eq(rig.acceptor.frames, 1);
    rig_close(&rig);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_turn");
    TCase *tcase = tcase_create("turn");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, hard_work_is_spread_over_turns);
    tcase_add_test(tcase, hard_work_makes_room_for_another);
    tcase_add_test(tcase, frames_that_can_wait_get_a_little_of_each_while);
    tcase_add_test(tcase, frames_that_can_wait_are_heard_while_nobody_wants_anything);
    tcase_add_test(tcase, frames_that_cannot_wait_get_some_of_every_turn);
    tcase_add_test(tcase, frames_keep_their_order_whether_they_can_wait_or_not);
    tcase_add_test(tcase, no_turn_reads_more_than_its_share);
    tcase_add_test(tcase, close_waits_for_the_frames_before_it);
    tcase_add_test(tcase, paused_connection_delivers_nothing_that_has_come_or_comes);
    tcase_add_test(tcase, pause_after_each_frame_loses_none);
    tcase_add_test(tcase, paused_sender_is_told_of_its_congestion);
    tcase_add_test(tcase, paused_connection_can_be_closed_from_here);
    tcase_add_test(tcase, peer_that_goes_in_a_pause_is_missed_after_it);
    tcase_add_test(tcase, connection_may_take_smaller_frames_than_others);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
