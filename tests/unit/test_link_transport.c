/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_link_transport.c - links between two hosts that keep the rules: opening, frames, back-pressure, the
 * end. What is refused is in test_link_refusal.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"
#include "tests/support/link_rig.h"

static struct rig rig;

/* Bytes that differ from frame to frame and within one. */
static uint8_t
byte_at(size_t frame, size_t index)
{
    return (uint8_t)(frame * 31 + index * 7 + index / 251);
}

static uint8_t *
make_payload(size_t frame, size_t size)
{
    uint8_t *payload = malloc(size + 1);
    ck_assert_ptr_nonnull(payload);
    for (size_t i = 0; i < size; i++) {
        payload[i] = byte_at(frame, i);
    }
    return payload;
}

static const size_t sizes[] = { 0, 1, 2, 7, 8, 9, 255, 256, 1000, 4096, 16375, 16376, 16377, 16384,
    16385, 32768, 65535, 65536, 100000, 262144, 262145, 1000000, 1048576, 0, 3, 524288, 1 };

/* --- opening --- */

START_TEST(link_opens_and_names_both_sides)
{
    rig_open(&rig, NULL);
    rig_join(&rig);
    ck_assert_str_eq(rig.dialer.federation, "eu");
    ck_assert_str_eq(rig.dialer.bridge, "eu-1");
    ck_assert(rig.dialer.was_dialed);
    ck_assert_ptr_eq(rig.dialer.user, &rig);
    ck_assert_str_eq(rig.acceptor.federation, "us");
    ck_assert_str_eq(rig.acceptor.bridge, "us-1");
    ck_assert(!rig.acceptor.was_dialed);
    ck_assert_ptr_null(rig.acceptor.user);
    ck_assert_int_eq(strncmp(rig.acceptor.address, "127.0.0.1:", 10), 0);
    ck_assert_int_gt(rig.acceptor.expiry.ns, pki_now().ns);
    link_conn_set_user(rig.acceptor.conn, &rig.port);
    ck_assert_ptr_eq(link_conn_user(rig.acceptor.conn), &rig.port);
    struct link_peer peer = link_conn_peer(rig.dialer.conn);
    ck_assert(span_is(peer.bridge, "eu-1"));
    rig_close(&rig);
}
END_TEST

START_TEST(dial_finds_a_name)
{
    rig_open(&rig, NULL);
    /* It may have an IPv6 address too, where nobody listens: then the next is tried. */
    ck_assert_ptr_nonnull(rig_dial(&rig, "localhost", NULL));
    rig_wait_count(&rig, &rig.acceptor.opened, 1, "the acceptor to open");
    rig_close(&rig);
}
END_TEST

START_TEST(link_works_over_ipv6)
{
    struct reason reason;
    rig_open(&rig, NULL);
    struct link_listener *listener = link_listen(rig.acceptor.host, "::1", 0, &reason);
    if (listener != NULL) { /* this machine has IPv6 */
        rig.port = link_listener_port(listener);
        ck_assert_ptr_nonnull(rig_dial(&rig, "::1", "eu"));
        rig_wait_count(&rig, &rig.acceptor.opened, 1, "the acceptor to open");
        ck_assert_int_eq(strncmp(rig.acceptor.address, "[::1]:", 6), 0);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(listening_fails_with_a_reason)
{
    struct reason reason;
    rig_open(&rig, NULL);
    ck_assert_ptr_null(link_listen(rig.dialer.host, "127.0.0.1", rig.port, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "address already in use; another process has it"));
    ck_assert_ptr_null(link_listen(rig.dialer.host, "localhost", 0, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "localhost: it is not an IPv4 or IPv6 address"));
    rig_close(&rig);
}
END_TEST

START_TEST(closed_listener_lets_its_connections_live)
{
    struct reason reason;
    rig_open(&rig, NULL);
    struct link_listener *listener = link_listen(rig.acceptor.host, "127.0.0.1", 0, &reason);
    ck_assert_ptr_nonnull(listener);
    rig.port = link_listener_port(listener);
    rig_join(&rig);
    link_listener_close(listener);
    ck_assert(rig_send(&rig.dialer, SPAN("still there")));
    rig_wait_count(&rig, &rig.acceptor.frames, 1, "a frame");
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    ck_assert_ptr_nonnull(strstr(rig.dialer.reason, "connection refused"));
    rig_close(&rig);
}
END_TEST

START_TEST(new_certificate_serves_new_connections)
{
    rig_open(&rig, NULL);
    rig_join(&rig);
    pki_issue_bridge(&rig.pki, "ca", "eu-2", "eu");
    struct tls_context *fresh = pki_context(&rig.pki, "eu-2", "ca", NULL, pki_now());
    link_host_set_tls(rig.acceptor.host, fresh);
    tls_context_unref(fresh);
    struct link_conn *before = rig.dialer.conn;
    rig_join(&rig);
    ck_assert_str_eq(rig.dialer.bridge, "eu-2");
    ck_assert(span_is(link_conn_peer(before).bridge, "eu-1"));
    rig_close(&rig);
}
END_TEST

/* --- frames --- */

static void
expect_next_size(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    (void)conn;
    size_t size = sizes[side->frames % COUNT_OF(sizes)];
    ck_assert_uint_eq(frame.size, LINK_PIECE_HEADER_SIZE + size);
    for (size_t i = 0; i < size; i++) {
        if (frame.data[LINK_PIECE_HEADER_SIZE + i] != byte_at(side->frames, i)) {
            ck_abort_msg("frame %zu differs at byte %zu", side->frames, i);
        }
    }
}

START_TEST(frames_of_all_sizes_arrive_in_order_both_ways)
{
    size_t count = 3 * COUNT_OF(sizes);
    rig_open(&rig, NULL);
    rig.dialer.frame_hook = expect_next_size;
    rig.acceptor.frame_hook = expect_next_size;
    rig_join(&rig);
    for (size_t i = 0; i < count; i++) {
        size_t size = sizes[i % COUNT_OF(sizes)];
        uint8_t *payload = make_payload(i, size);
        ck_assert(rig_send(&rig.dialer, span_from(payload, size)));
        ck_assert(rig_send(&rig.acceptor, span_from(payload, size)));
        free(payload);
    }
    rig_wait_count(&rig, &rig.acceptor.frames, count, "the acceptor's frames");
    rig_wait_count(&rig, &rig.dialer.frames, count, "the dialer's frames");
    ck_assert_uint_eq(link_conn_stats(rig.dialer.conn).frames_in, count);
    ck_assert_uint_eq(link_conn_stats(rig.dialer.conn).queued, 0);
    rig_close(&rig);
}
END_TEST

#define SMALL_COUNT 50000u
#define SMALL_SIZE  16u

static void
expect_next_number(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    uint64_t number;
    (void)conn;
    ck_assert_uint_eq(frame.size, LINK_PIECE_HEADER_SIZE + SMALL_SIZE);
    memcpy(&number, &frame.data[LINK_PIECE_HEADER_SIZE], sizeof(number));
    ck_assert_uint_eq(number, side->frames);
}

START_TEST(fifty_thousand_small_frames_share_records)
{
    rig_open(&rig, NULL);
    rig.acceptor.frame_hook = expect_next_number;
    rig_join(&rig);
    uint64_t before = link_conn_stats(rig.acceptor.conn).bytes_in;
    for (uint64_t i = 0; i < SMALL_COUNT; i++) {
        uint8_t payload[SMALL_SIZE] = { 0 };
        memcpy(payload, &i, sizeof(i));
        ck_assert(rig_send(&rig.dialer, span_from(payload, sizeof(payload))));
    }
    rig_wait_count(&rig, &rig.acceptor.frames, SMALL_COUNT, "the frames");
    uint64_t bytes = link_conn_stats(rig.acceptor.conn).bytes_in - before;
    uint64_t plain = SMALL_COUNT * (LINK_PIECE_HEADER_SIZE + SMALL_SIZE);
    /* A record of its own for each would nearly double it. */
    ck_assert_uint_lt(bytes, plain + plain / 100);
    ck_assert_uint_eq(
        link_conn_stats(rig.dialer.conn).bytes_out, link_conn_stats(rig.acceptor.conn).bytes_in);
    rig_close(&rig);
}
END_TEST

static void
echo(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    (void)side;
    ck_assert(link_send(conn, &frame, 1));
}

START_TEST(frames_sent_from_a_callback_leave)
{
    rig_open(&rig, NULL);
    rig.acceptor.frame_hook = echo;
    rig_join(&rig);
    for (size_t i = 1; i <= 100; i++) {
        ck_assert(rig_send(&rig.dialer, SPAN("ping")));
        rig_wait_count(&rig, &rig.dialer.frames, i, "the echo");
    }
    rig_close(&rig);
}
END_TEST

START_TEST(frame_of_the_longest_size_arrives)
{
    const struct link_config config = { .frame_size_max = 100000, .send_queue_max = 100008 };
    uint8_t *payload = make_payload(0, 100000);
    rig_open(&rig, &config);
    rig_join(&rig);
    ck_assert(rig_send(&rig.dialer, span_from(payload, 100000)));
    rig_wait_count(&rig, &rig.acceptor.frames, 1, "the frame");
    free(payload);
    rig_close(&rig);
}
END_TEST

/* --- the end --- */

START_TEST(close_flushes_what_is_queued)
{
    uint8_t *payload = make_payload(0, 1000000);
    rig_open(&rig, NULL);
    rig_join(&rig);
    for (size_t i = 0; i < 16; i++) {
        ck_assert(rig_send(&rig.dialer, span_from(payload, 1000000)));
    }
    link_close(rig.dialer.conn, "tested enough");
    link_close(rig.dialer.conn, "a second reason");
    ck_assert(!rig_send(&rig.dialer, SPAN("too late")));
    rig_wait_count(&rig, &rig.dialer.closed, 1, "the dialer's end");
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the acceptor's end");
    ck_assert_uint_eq(rig.acceptor.frames, 16);
    ck_assert_str_eq(rig.dialer.reason, "tested enough");
    ck_assert_str_eq(rig.acceptor.reason, "the peer closed the link");
    free(payload);
    rig_close(&rig);
    ck_assert_uint_eq(rig.dialer.closed, 1);
    ck_assert_uint_eq(rig.acceptor.closed, 1);
}
END_TEST

START_TEST(both_may_close_at_once)
{
    rig_open(&rig, NULL);
    rig_join(&rig);
    link_close(rig.dialer.conn, "one");
    link_close(rig.acceptor.conn, "other");
    rig_wait_count(&rig, &rig.dialer.closed, 1, "the dialer's end");
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the acceptor's end");
    ck_assert_str_eq(rig.dialer.reason, "one");
    ck_assert_str_eq(rig.acceptor.reason, "other");
    rig_close(&rig);
}
END_TEST

static void
close_now(struct rig_side *side, struct link_conn *conn)
{
    side->inside = true;
    link_close(conn, "not wanted");
    side->inside = false;
}

static void
close_at_frame(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    (void)frame;
    close_now(side, conn);
}

START_TEST(closing_inside_callbacks_ends_them)
{
    rig_open(&rig, NULL);
    rig.acceptor.frame_hook = close_at_frame;
    rig_join(&rig);
    for (size_t i = 0; i < 10; i++) {
        ck_assert(rig_send(&rig.dialer, SPAN("x")));
    }
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the acceptor's end");
    ck_assert_uint_eq(rig.acceptor.frames, 1);
    rig.acceptor.open_hook = close_now;
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_wait_count(&rig, &rig.acceptor.closed, 2, "the second end");
    rig_wait_count(&rig, &rig.dialer.closed, 2, "the dialer's second end");
    rig_close(&rig);
}
END_TEST

START_TEST(stopping_closes_every_link)
{
    rig_open(&rig, NULL);
    for (size_t i = 0; i < 5; i++) {
        rig_join(&rig);
    }
    ck_assert(rig_send(&rig.acceptor, SPAN("last words")));
    link_host_stop(rig.acceptor.host);
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_wait_count(&rig, &rig.dialer.closed, 5, "the dialer's ends");
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the dial to the stopped host");
    rig_wait_count(&rig, &rig.acceptor.closed, 5, "the acceptor's ends");
    ck_assert_uint_eq(rig.dialer.frames, 1);
    ck_assert_str_eq(rig.acceptor.reason, "shutting down");
    rig_close(&rig);
}
END_TEST

START_TEST(stopped_host_dials_no_more)
{
    rig_open(&rig, NULL);
    link_host_stop(rig.dialer.host);
    ck_assert_ptr_null(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_close(&rig);
}
END_TEST

/* --- back-pressure --- */

#define QUEUE_MAX ((size_t)8 * 1024 * 1024)

/* A raw peer that has sent READY and reads nothing any more. */
static void
join_deaf_peer(struct raw_peer *peer)
{
    raw_dial(peer, &rig, raw_context(&rig.pki, "us-1", "ca", TLS_ALPN), rig.port);
    raw_say_frame(peer, LINK_FRAME_TYPE_TRANSPORT, 0, 0, SPAN_NONE);
    rig_wait_count(&rig, &rig.acceptor.opened, 1, "the acceptor to open");
    raw_pause(peer);
}

START_TEST(slow_reader_is_closed)
{
    const struct link_config config = { .frame_size_max = 65536, .send_queue_max = QUEUE_MAX };
    static uint8_t payload[65536];
    struct raw_peer peer;
    size_t sent = 0;
    rig_open(&rig, &config);
    join_deaf_peer(&peer);
    while (rig_send(&rig.acceptor, span_from(payload, sizeof(payload)))) {
        sent += sizeof(payload);
        (void)uv_run(&rig.loop, UV_RUN_NOWAIT);
        ck_assert_uint_lt(sent, 64 * QUEUE_MAX);
    }
    ck_assert_uint_eq(rig.acceptor.closed, 0);
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    ck_assert_int_eq(strncmp(rig.acceptor.reason, "slow reader: ", 13), 0);
    ck_assert_uint_eq(rig.acceptor.congested, 1);
    ck_assert_uint_le(rig.mem.peak, 2 * QUEUE_MAX + (size_t)4 * 1024 * 1024);
    raw_hang_up(&peer);
    rig_close(&rig);
}
END_TEST

START_TEST(congestion_is_told_and_taken_back)
{
    const struct link_config config = { .frame_size_max = 65536,
        .send_queue_max = QUEUE_MAX,
        .congested_above = QUEUE_MAX / 8,
        .congested_below = QUEUE_MAX / 16 };
    static uint8_t payload[65536];
    struct raw_peer peer;
    rig_open(&rig, &config);
    join_deaf_peer(&peer);
    size_t sent = 0;
    while (rig.acceptor.congested == 0) {
        ck_assert(rig_send(&rig.acceptor, span_from(payload, sizeof(payload))));
        sent++;
        (void)uv_run(&rig.loop, UV_RUN_NOWAIT);
    }
    ck_assert_uint_eq(rig.acceptor.relieved, 0);
    raw_resume(&peer);
    rig_wait_count(&rig, &rig.acceptor.relieved, 1, "relief");
    rig_wait_count(
        &rig, &peer.heard.size, 8 + sent * (LINK_PIECE_HEADER_SIZE + 65536), "all the frames");
    ck_assert_uint_eq(rig.acceptor.congested, 1);
    ck_assert_uint_eq(rig.acceptor.relieved, 1);
    raw_hang_up(&peer);
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    rig_close(&rig);
}
END_TEST

START_TEST(close_waits_for_a_deaf_peer_only_so_long)
{
    const struct link_config config = { .close_timeout_ns = 100 * MS_NS };
    uint8_t *payload = make_payload(0, 16000000);
    struct raw_peer peer;
    rig_open(&rig, &config);
    join_deaf_peer(&peer);
    ck_assert(rig_send(&rig.acceptor, span_from(payload, 16000000)));
    link_close(rig.acceptor.conn, "leaving");
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    ck_assert_str_eq(rig.acceptor.reason, "leaving");
    free(payload);
    raw_hang_up(&peer);
    rig_close(&rig);
}
END_TEST

/* --- no memory --- */

START_TEST(without_memory_newcomers_are_turned_away_and_later_served)
{
    rig_open(&rig, NULL);
    struct raw_peer peers[3];
    size_t cap = rig.mem.cap;
    rig.mem.cap = rig.mem.used;
    ck_assert_ptr_null(rig_dial(&rig, "127.0.0.1", "eu"));
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        raw_dial(&peers[i], &rig, NULL, rig.port);
    }
    rig_wait_count(&rig, &rig.acceptor.rejected, 3, "the rejections");
    ck_assert_ptr_nonnull(strstr(rig.acceptor.reason, "no memory is left for another"));
    ck_assert_uint_eq(link_host_handshakes(rig.acceptor.host)[LINK_HANDSHAKE_BUSY], 3);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        rig_wait_count(&rig, &peers[i].ended, 1, "the end of a newcomer");
        raw_hang_up(&peers[i]);
    }
    rig.mem.cap = cap;
    rig_join(&rig);
    rig_close(&rig);
}
END_TEST

START_TEST(link_ends_when_memory_does)
{
    uint8_t *payload = make_payload(0, 1000000);
    rig_open(&rig, NULL);
    rig_join(&rig);
    size_t cap = rig.mem.cap;
    rig.mem.cap = rig.mem.used + 100000;
    ck_assert(!rig_send(&rig.dialer, span_from(payload, 1000000)));
    rig_wait_count(&rig, &rig.dialer.closed, 1, "the dialer's end");
    ck_assert_str_eq(rig.dialer.reason, "out of memory for what waits to be sent");
    rig.mem.cap = cap;
    free(payload);
    rig_close(&rig);
}
END_TEST

static bool
dial_is_decided(const struct rig *at, const void *about)
{
    const size_t *before = about;
    return at->dialer.opened + at->dialer.refused > *before;
}

static bool
all_opened_are_closed(const struct rig *at, const void *about)
{
    (void)about;
    return at->dialer.opened == at->dialer.closed && at->acceptor.opened == at->acceptor.closed;
}

START_TEST(running_out_of_memory_anywhere_ends_cleanly)
{
    rig_open(&rig, NULL);
    size_t cap = rig.mem.cap;
    size_t quiet = rig.mem.used;
    for (size_t spare = 0; rig.dialer.opened < 3; spare += 512) {
        size_t before = rig.dialer.opened + rig.dialer.refused;
        rig.mem.cap = quiet + spare;
        bool dialed = rig_dial(&rig, "127.0.0.1", "eu") != NULL;
        if (dialed) {
            rig_wait(&rig, dial_is_decided, &before, "the dial's result");
        }
        if (rig.dialer.conn != NULL) {
            link_close(rig.dialer.conn, "enough");
        }
        rig_wait(&rig, all_opened_are_closed, NULL, "the links to end");
        rig.mem.cap = cap;
        ck_assert_uint_lt(spare, (size_t)1024 * 1024);
    }
    ck_assert_uint_gt(rig.dialer.refused, 5);
    rig_close(&rig);
}
END_TEST

static TCase *
frame_cases(void)
{
    TCase *tcase = tcase_create("frames");
    tcase_add_test(tcase, frames_of_all_sizes_arrive_in_order_both_ways);
    tcase_add_test(tcase, fifty_thousand_small_frames_share_records);
    tcase_add_test(tcase, frames_sent_from_a_callback_leave);
    tcase_add_test(tcase, frame_of_the_longest_size_arrives);
    tcase_add_test(tcase, slow_reader_is_closed);
    tcase_add_test(tcase, congestion_is_told_and_taken_back);
    tcase_add_test(tcase, close_waits_for_a_deaf_peer_only_so_long);
    tcase_add_test(tcase, without_memory_newcomers_are_turned_away_and_later_served);
    tcase_add_test(tcase, link_ends_when_memory_does);
    tcase_add_test(tcase, running_out_of_memory_anywhere_ends_cleanly);
    return tcase;
}

static TCase *
life_cases(void)
{
    TCase *tcase = tcase_create("life");
    tcase_add_test(tcase, link_opens_and_names_both_sides);
    tcase_add_test(tcase, dial_finds_a_name);
    tcase_add_test(tcase, link_works_over_ipv6);
    tcase_add_test(tcase, listening_fails_with_a_reason);
    tcase_add_test(tcase, closed_listener_lets_its_connections_live);
    tcase_add_test(tcase, new_certificate_serves_new_connections);
    tcase_add_test(tcase, close_flushes_what_is_queued);
    tcase_add_test(tcase, both_may_close_at_once);
    tcase_add_test(tcase, closing_inside_callbacks_ends_them);
    tcase_add_test(tcase, stopping_closes_every_link);
    tcase_add_test(tcase, stopped_host_dials_no_more);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("link_transport");
    TCase *cases[] = { life_cases(), frame_cases() };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        /* Sanitizers on a busy machine are slow; every wait has its own deadline. */
        tcase_set_timeout(cases[i], 60);
        suite_add_tcase(suite, cases[i]);
    }

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
