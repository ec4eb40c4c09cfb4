/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_session.c - the life of a link: dialing, greeting, frames, keepalive. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/link_session.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_world.h"

static const struct span sample_path[] = { { (const uint8_t *)"eu", 2 } };

static const struct link_route sample_route = {
    .route_id = 1,
    .advertisement = {
        .identity = {
            .name = { (const uint8_t *)"f", 1 },
            .function_id = { (const uint8_t *)"f", 1 },
            .version_text = { (const uint8_t *)"1", 1 },
        },
        .origin = { (const uint8_t *)"eu", 2 },
        .path = { .items = sample_path, .count = 1 },
    },
};

/* ---- dialing */

START_TEST(each_side_says_how_large_a_frame_it_takes)
{
    struct link_session_config config = sample_config();
    config.frame_size_max = (uint32_t)LINK_FRAME_SIZE_MIN;
    renew(&config);
    struct conn_id conn = accept();
    ck_assert_uint_eq(sent(LINK_FRAME_HELLO, conn)->hello.frame_size_max, LINK_FRAME_SIZE_MIN);
    ck_assert_uint_eq(link_session_frame_size_max(&session), LINK_FRAME_SIZE_MAX);
    struct link_frame hello = sample_hello();
    hello.hello.frame_size_max = 3000000;
    hear(&hello);
    ck_assert_uint_eq(link_session_frame_size_max(&session), 3000000);
    /* Calls that wait for the next connection are held to it, too. */
    close_conn(conn);
    ck_assert_uint_eq(link_session_frame_size_max(&session), 3000000);
    accept();
    hello.hello.frame_size_max = UINT32_MAX;
    hear(&hello);
    ck_assert_uint_eq(link_session_frame_size_max(&session), LINK_FRAME_SIZE_MAX);
}
END_TEST

START_TEST(start_dials_the_first_address)
{
    start();
    ck_assert_uint_eq(actions.count, 1);
    ck_assert_int_eq(actions.list[0].kind, ACTION_DIAL);
    ck_assert_int_eq(actions.list[0].port, PORT_LINK);
    ck_assert(span_equal(actions.list[0].address, addresses[0]));
    ck_assert_uint_eq(actions.list[0].timeout_ns, 7 * SEC_NS);
    ck_assert_uint_eq(actions.list[0].ticket, session.dial_ticket);
    ck_assert_uint_eq(session.stats.dials, 1);
    ck_assert_uint_eq(link_session_deadline(&session).ns, INSTANT_NEVER.ns);
    ck_assert(was_logged("link.connecting"));
}
END_TEST

START_TEST(link_without_addresses_waits)
{
    struct link_session_config config = sample_config();
    config.address_count = 0;
    renew(&config);
    start();
    ck_assert_uint_eq(actions.count, 0);
    ck_assert_uint_eq(link_session_deadline(&session).ns, INSTANT_NEVER.ns);
    bring_up();
    close_conn(session.conn);
    ck_assert_uint_eq(link_session_deadline(&session).ns, INSTANT_NEVER.ns);
}
END_TEST

START_TEST(refused_dials_go_on_for_ever_with_jitter)
{
    uint64_t last_ns = BASE_NS;
    bool varied = false;
    uint64_t first_ns = 0;
    start();
    for (uint64_t i = 1; i < 200; i++) {
        refuse("connection refused");
        uint64_t pause_ns = instant_between(now.mono, link_session_deadline(&session));
        ck_assert_uint_ge(pause_ns, BASE_NS);
        ck_assert_uint_le(pause_ns, CAP_NS);
        ck_assert_uint_le(pause_ns, 3 * last_ns);
        first_ns = i == 1 ? pause_ns : first_ns;
        varied = varied || pause_ns != first_ns;
        last_ns = pause_ns;
        pass_to_deadline();
        ck_assert_uint_eq(count_actions(ACTION_DIAL), 1);
        ck_assert(span_equal(actions.list[0].address, addresses[i % 2]));
    }
    ck_assert(varied);
    ck_assert_uint_eq(session.stats.dials, 200);
    ck_assert_uint_eq(session.stats.dials_refused, 199);
    ck_assert_str_eq(session.stats.last_reason, "cannot connect: connection refused");
    ck_assert(was_logged("link.refused"));
}
END_TEST

START_TEST(stable_session_resets_the_pause)
{
    start();
    for (int i = 0; i < 20; i++) {
        refuse("no route");
        pass_to_deadline();
    }
    open_to(SPAN("eu"), SPAN("eu-1"));
    hear_hello();
    for (int i = 0; i < 4; i++) {
        pass(KEEPALIVE_NS);
        hear_ping(LINK_FRAME_PING, 1);
    }
    close_conn(session.conn);
    uint64_t pause_ns = instant_between(now.mono, link_session_deadline(&session));
    ck_assert_uint_le(pause_ns, 3 * BASE_NS);
}
END_TEST

static uint64_t
next_pause_ns(void)
{
    return instant_between(now.mono, link_session_deadline(&session));
}

START_TEST(pause_that_the_far_side_asks_for_is_kept_once)
{
    start();
    refuse_for("the peer refused: too many", 20 * SEC_NS);
    ck_assert_uint_ge(next_pause_ns(), 20 * SEC_NS);
    ck_assert_uint_le(next_pause_ns(), 30 * SEC_NS);
    ck_assert(was_logged("link.asked_to_wait"));
    pass_to_deadline();
    ck_assert_uint_eq(count_actions(ACTION_DIAL), 1);
    refuse("connection refused");
    ck_assert_uint_le(next_pause_ns(), 9 * BASE_NS);
    pass_to_deadline();
    open_to(SPAN("eu"), SPAN("eu-1"));
    const struct link_frame error = { .type = LINK_FRAME_ERROR,
        .error = { .code = LINK_ERROR_NOT_WANTED,
            .text = SPAN("no link"),
            .retry_after_ns = 50 * SEC_NS } };
    hear(&error);
    expect_state("not wanted", LINK_DOWN);
    ck_assert_uint_ge(next_pause_ns(), 50 * SEC_NS);
    ck_assert_uint_le(next_pause_ns(), 75 * SEC_NS);
}
END_TEST

START_TEST(dial_under_way_is_the_only_one)
{
    start();
    struct conn_id conn = accept();
    hear_hello();
    close_conn(conn);
    expect_state("closed", LINK_DOWN);
    ck_assert_uint_eq(link_session_deadline(&session).ns, INSTANT_NEVER.ns);
    start();
    ck_assert_uint_eq(actions.count, 0);
    refuse("timed out");
    pass_to_deadline();
    ck_assert_uint_eq(count_actions(ACTION_DIAL), 1);
}
END_TEST

START_TEST(refused_dial_does_not_touch_the_connection)
{
    start();
    accept();
    hear_hello();
    refuse("timed out");
    expect_state("after the refusal", LINK_SYNCING);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
}
END_TEST

START_TEST(dial_without_memory_is_tried_again)
{
    struct mem none;
    struct arena empty;
    mem_init(&none, 0);
    arena_init(&empty, &none);
    actions_begin(&actions, &empty);
    link_session_start(&session, now, &actions);
    ck_assert_uint_eq(actions.lost, 1);
    ck_assert_uint_eq(session.dial_ticket, 0);
    pass_to_deadline();
    ck_assert_uint_eq(count_actions(ACTION_DIAL), 1);
}
END_TEST

/* ---- greeting */

START_TEST(new_connection_is_greeted)
{
    struct conn_id conn = { 0 };
    if (_i == 0) {
        conn = accept();
    } else {
        start();
        conn = open_to(SPAN("eu"), SPAN("eu-1"));
    }
    expect_state("new", LINK_GREETING);
    const struct link_frame *hello = sent(LINK_FRAME_HELLO, conn);
    ck_assert_ptr_nonnull(hello);
    ck_assert(span_is(hello->hello.federation, "us"));
    ck_assert(span_is(hello->hello.bridge, "us-1"));
    ck_assert_uint_eq(hello->hello.boot, 4711);
    ck_assert_uint_eq(hello->hello.keepalive_ns, KEEPALIVE_NS);
    ck_assert_int_eq(hello->hello.clock.ns, now.wall.ns);

    hear_hello();
    expect_state("greeted", LINK_SYNCING);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_GREETED);
    ck_assert_uint_eq(delivery.frame.hello.boot, 6);
    ck_assert(span_is(session.far.bridge, "eu-1"));
    ck_assert(link_session_carries_calls(&session));
    ck_assert(was_logged("link.greeted"));
    ck_assert_uint_eq(session.stats.sessions, 1);

    hear_sequence(LINK_FRAME_END_OF_SYNC, 1);
    expect_state("synced", LINK_UP);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_SYNCED);
    ck_assert(was_logged("link.up"));
}
END_TEST

START_TEST(sessions_have_different_numbers)
{
    struct conn_id conn = accept();
    uint64_t first = sent(LINK_FRAME_HELLO, conn)->hello.session;
    conn = accept();
    ck_assert_uint_ne(sent(LINK_FRAME_HELLO, conn)->hello.session, first);
}
END_TEST

START_TEST(no_hello_in_time_ends_the_connection)
{
    struct conn_id conn = accept();
    pass(GREETING_NS - 1);
    tick();
    expect_state("a little before", LINK_GREETING);
    pass_to_deadline();
    expect_state("too late", LINK_DOWN);
    expect_told("too late", conn, LINK_ERROR_SILENT);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    ck_assert_uint_eq(session.stats.flaps, 0);
}
END_TEST

static const struct identity_case {
    const char *name;
    const char *federation;
    const char *bridge;
    bool dialed;
} identity_cases[] = {
    { "another federation comes", "ap", "ap-1", false },
    { "another federation answers", "ap", "ap-1", true },
    { "our own federation comes", "us", "us-2", false },
    { "our own federation answers", "us", "us-2", true },
    { "a bridge without a name", "eu", "", false },
    { "a bridge with a long name", "eu",
        "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0"
        "12345678901234567890123456789012345678",
        true },
};

START_TEST(certificate_must_name_the_federation)
{
    const struct identity_case *c = &identity_cases[_i];
    struct span federation = span_from_text(c->federation);
    struct span bridge = span_from_text(c->bridge);
    start();
    struct conn_id conn = c->dialed ? open_to(federation, bridge) : accept_from(federation, bridge);
    expect_told(c->name, conn, LINK_ERROR_IDENTITY);
    expect_state(c->name, LINK_DOWN);
    ck_assert_int_eq(session.stats.last_error, LINK_ERROR_IDENTITY);
    ck_assert_msg(was_logged("link.refused"), "%s: not logged", c->name);
    bool waits = link_session_deadline(&session).ns != INSTANT_NEVER.ns;
    ck_assert_msg(waits == c->dialed, "%s: a dial that failed is tried again", c->name);
}
END_TEST

static const struct hello_case {
    const char *name;
    uint32_t version_min;
    uint32_t version_max;
    const char *federation;
    const char *bridge;
    enum link_error_code error;
} hello_cases[] = {
    { "this version only", 1, 1, "eu", "eu-1", LINK_ERROR_NONE },
    { "later versions too", 1, 9, "eu", "eu-1", LINK_ERROR_NONE },
    { "later versions only", 2, 9, "eu", "eu-1", LINK_ERROR_VERSION },
    { "another federation", 1, 1, "ap", "eu-1", LINK_ERROR_IDENTITY },
    { "our own federation", 1, 1, "us", "eu-1", LINK_ERROR_IDENTITY },
    { "another bridge", 1, 1, "eu", "eu-2", LINK_ERROR_IDENTITY },
};

START_TEST(hello_is_judged)
{
    const struct hello_case *c = &hello_cases[_i];
    struct link_frame frame = sample_hello();
    frame.hello.version_min = c->version_min;
    frame.hello.version_max = c->version_max;
    frame.hello.federation = span_from_text(c->federation);
    frame.hello.bridge = span_from_text(c->bridge);
    struct conn_id conn = accept();
    hear(&frame);
    if (c->error == LINK_ERROR_NONE) {
        expect_state(c->name, LINK_SYNCING);
        return;
    }
    expect_told(c->name, conn, c->error);
    expect_state(c->name, LINK_DOWN);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    ck_assert_int_eq(session.stats.last_error, (int)c->error);
    ck_assert_uint_eq(session.stats.frames_refused, 1);
}
END_TEST

START_TEST(only_hello_and_error_may_come_while_greeting)
{
    static const uint64_t route_ids[] = { 1 };
    enum link_frame_type type = (enum link_frame_type)_i;
    struct link_frame frame = { .type = type, .sequence = 1 };
    if (type == LINK_FRAME_HELLO || type == LINK_FRAME_ERROR) {
        return;
    }
    if (type == LINK_FRAME_ANNOUNCE) {
        frame.announce =
            (struct link_announce){ .sequence = 1, .routes = &sample_route, .route_count = 1 };
    }
    if (type == LINK_FRAME_WITHDRAW) {
        frame.withdraw =
            (struct link_withdraw){ .sequence = 1, .route_ids = route_ids, .route_count = 1 };
    }
    if (type == LINK_FRAME_CALL) {
        frame.call = (struct link_call){ .path = { .items = sample_path, .count = 1 } };
    }
    struct conn_id conn = accept();
    hear(&frame);
    expect_told(link_frame_type_name(type), conn, LINK_ERROR_PROTOCOL);
    expect_state(link_frame_type_name(type), LINK_DOWN);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
}
END_TEST

/* ---- frames of a greeted session */

static const struct fault_case {
    const char *name;
    struct link_frame frame;
    enum link_error_code error;
} fault_cases[] = {
    { "a second HELLO",
        { .type = LINK_FRAME_HELLO,
            .hello = {
                .version_min = 1,
                .version_max = 1,
                .federation = { (const uint8_t *)"eu", 2 },
                .bridge = { (const uint8_t *)"eu-1", 4 },
            } },
        LINK_ERROR_PROTOCOL },
    { "the transport's READY", { .type = LINK_FRAME_READY }, LINK_ERROR_PROTOCOL },
    { "a second end of sync", { .type = LINK_FRAME_END_OF_SYNC, .end_of_sync = { .sequence = 2 } },
        LINK_ERROR_PROTOCOL },
    { "a PONG that nobody asked for", { .type = LINK_FRAME_PONG, .pong = { .number = 1 } },
        LINK_ERROR_PROTOCOL },
    { "a PONG numbered 0", { .type = LINK_FRAME_PONG, .pong = { .number = 0 } },
        LINK_ERROR_PROTOCOL },
    { "an ACK of what was not sent", { .type = LINK_FRAME_ACK, .sequence = 1 },
        LINK_ERROR_SEQUENCE },
};

START_TEST(faults_end_the_session)
{
    const struct fault_case *c = &fault_cases[_i];
    bring_up();
    struct conn_id conn = session.conn;
    hear(&c->frame);
    expect_told(c->name, conn, c->error);
    expect_state(c->name, LINK_DOWN);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert_int_eq(delivery.error, (int)c->error);
    ck_assert(delivery.reason.size > 0);
    ck_assert_uint_eq(session.stats.flaps, 1);
    ck_assert(was_logged("link.down"));
}
END_TEST

START_TEST(bytes_that_are_no_frame_end_the_session)
{
    bring_up();
    struct conn_id conn = session.conn;
    hear_bytes(SPAN("\0\0\0\0\x63\0\0\0"));
    expect_told("type 99", conn, LINK_ERROR_PROTOCOL);
    ck_assert_str_eq(session.stats.last_reason, "a frame that cannot be: unknown type");
}
END_TEST

START_TEST(sequence_must_be_without_gap_or_repetition)
{
    static const uint64_t wrong[] = { 1, 3, UINT64_MAX };
    bring_up();
    struct conn_id conn = session.conn;
    hear_sequence(LINK_FRAME_WITHDRAW, wrong[_i]);
    expect_told("sequence", conn, LINK_ERROR_SEQUENCE);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert_int_eq(delivery.error, LINK_ERROR_SEQUENCE);
}
END_TEST

START_TEST(acknowledged_after_so_many)
{
    bring_up();
    for (uint64_t sequence = 2; sequence <= 1 + 2 * LINK_ACK_EVERY; sequence++) {
        hear_sequence(LINK_FRAME_WITHDRAW, sequence);
        ck_assert_int_eq(delivery.kind, LINK_DELIVERS_WITHDRAW);
        ck_assert_uint_eq(delivery.frame.withdraw.sequence, sequence);
        const struct link_frame *ack = sent(LINK_FRAME_ACK, session.conn);
        ck_assert_msg(
            (ack != NULL) == ((sequence - 1) % LINK_ACK_EVERY == 0), "at %u", (unsigned)sequence);
        ck_assert(ack == NULL || ack->sequence == sequence);
    }
}
END_TEST

START_TEST(the_rest_is_acknowledged_at_the_keepalive)
{
    bring_up();
    hear_sequence(LINK_FRAME_WITHDRAW, 2);
    pass_to_deadline();
    ck_assert_uint_eq(sent(LINK_FRAME_ACK, session.conn)->sequence, 2);
    ck_assert_ptr_nonnull(sent(LINK_FRAME_PING, session.conn));
    pass_to_deadline();
    ck_assert_ptr_null(sent(LINK_FRAME_ACK, session.conn));
}
END_TEST

START_TEST(end_of_sync_is_acknowledged_at_once)
{
    accept();
    hear_hello();
    hear_sequence(LINK_FRAME_END_OF_SYNC, 1);
    ck_assert_uint_eq(sent(LINK_FRAME_ACK, session.conn)->sequence, 1);
}
END_TEST

START_TEST(acknowledgements_are_counted_and_never_fall)
{
    bring_up();
    ck_assert_uint_eq(send_numbered(), 1);
    ck_assert_uint_eq(send_numbered(), 2);
    hear_sequence(LINK_FRAME_ACK, 2);
    ck_assert_uint_eq(session.stats.sequence_acked, 2);
    hear_sequence(LINK_FRAME_ACK, 2);
    expect_state("repeated", LINK_UP);
    struct conn_id conn = session.conn;
    hear_sequence(LINK_FRAME_ACK, 1);
    expect_told("fallen", conn, LINK_ERROR_SEQUENCE);
}
END_TEST

START_TEST(each_session_counts_from_one)
{
    bring_up();
    ck_assert_uint_eq(send_numbered(), 1);
    accept();
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    hear_hello();
    ck_assert_uint_eq(send_numbered(), 1);
    hear_sequence(LINK_FRAME_END_OF_SYNC, 1);
    expect_state("synced anew", LINK_UP);
}
END_TEST

START_TEST(calls_and_replies_are_delivered)
{
    const struct link_frame call = {
        .type = LINK_FRAME_CALL,
        .call = { .call_id = 3, .path = { .items = sample_path, .count = 1 }, .args = SPAN("[]") },
    };
    const struct link_frame reply = { .type = LINK_FRAME_REPLY, .reply = { .call_id = 4 } };
    accept();
    hear_hello();
    hear(&call);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_CALL);
    ck_assert(span_is(delivery.frame.call.args, "[]"));
    hear(&reply);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_REPLY);
    ck_assert_uint_eq(delivery.frame.reply.call_id, 4);
}
END_TEST

START_TEST(announcements_are_delivered)
{
    const struct link_frame announce = {
        .type = LINK_FRAME_ANNOUNCE,
        .announce = { .sequence = 1, .routes = &sample_route, .route_count = 1 },
    };
    accept();
    hear_hello();
    hear(&announce);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_ANNOUNCE);
    ck_assert_uint_eq(delivery.frame.announce.route_count, 1);
    ck_assert_uint_eq(session.stats.sequence_received, 1);
}
END_TEST

START_TEST(frame_without_memory_ends_the_session)
{
    bring_up();
    buf_reset(&wire);
    static const uint64_t route_ids[] = { 1 };
    const struct link_withdraw withdraw = {
        .sequence = 2, .route_ids = route_ids, .route_count = 1
    };
    link_encode_withdraw(&wire, &withdraw);
    const struct event event = {
        .kind = EVENT_MESSAGE, .conn = session.conn, .bytes = buf_span(&wire)
    };
    struct mem none;
    struct arena empty;
    mem_init(&none, 0);
    arena_init(&empty, &none);
    actions_begin(&actions, &empty);
    link_session_step(&session, &event, now, &actions, &delivery);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert_int_eq(delivery.error, LINK_ERROR_OVERLOADED);
    ck_assert_uint_ge(actions.lost, 1);
    actions_begin(&actions, &arena);
}
END_TEST

/* ---- keepalive */

START_TEST(ping_is_answered)
{
    bring_up();
    hear_ping(LINK_FRAME_PING, 12345);
    const struct link_pong pong = sent(LINK_FRAME_PONG, session.conn)->pong;
    ck_assert_uint_eq(pong.number, 12345);
    ck_assert_int_eq(pong.clock.ns, now.wall.ns);
}
END_TEST

START_TEST(pong_measures_the_round_trip)
{
    bring_up();
    ck_assert_uint_eq(session.stats.rtt_ns, 0);
    pass_to_deadline();
    uint64_t number = sent(LINK_FRAME_PING, session.conn)->ping.number;
    pass(25 * MS_NS);
    hear_ping(LINK_FRAME_PONG, number);
    ck_assert_uint_eq(session.stats.rtt_ns, 25 * MS_NS);
}
END_TEST

START_TEST(late_pong_measures_from_the_first_ping)
{
    bring_up();
    pass_to_deadline();
    uint64_t number = sent(LINK_FRAME_PING, session.conn)->ping.number;
    pass_to_deadline();
    ck_assert_uint_eq(sent(LINK_FRAME_PING, session.conn)->ping.number, number);
    pass(SEC_NS);
    hear_ping(LINK_FRAME_PONG, number);
    ck_assert_uint_eq(session.stats.rtt_ns, KEEPALIVE_NS + SEC_NS);
    hear_ping(LINK_FRAME_PONG, number);
    ck_assert_uint_eq(session.stats.rtt_ns, KEEPALIVE_NS + SEC_NS);
    expect_state("the second pong", LINK_UP);
}
END_TEST

START_TEST(clock_of_the_far_side_is_measured_and_told_once)
{
    int64_t offset_ns = 0;
    bring_up();
    for (int i = 0; i < 3; i++) {
        pass_to_deadline();
        struct link_frame pong = { .type = LINK_FRAME_PONG };
        pong.pong.number = sent(LINK_FRAME_PING, session.conn)->ping.number;
        pass(10 * MS_NS);
        pong.pong.clock = wall_after(now.wall, 60 * SEC_NS);
        pass(10 * MS_NS);
        fact_count = i == 1 ? 0 : fact_count;
        hear(&pong);
        ck_assert(was_logged("link.clock_offset") == (i == 0));
    }
    ck_assert(link_health_clock_offset(&session.stats.health, &offset_ns));
    ck_assert_int_eq(offset_ns, 60 * (int64_t)SEC_NS);
    ck_assert_uint_eq(session.stats.health.rtt_smoothed_ns, 20 * MS_NS);
}
END_TEST

START_TEST(far_side_without_a_clock_is_not_measured)
{
    int64_t offset_ns = 0;
    bring_up();
    pass_to_deadline();
    hear_ping(LINK_FRAME_PONG, sent(LINK_FRAME_PING, session.conn)->ping.number);
    ck_assert_uint_eq(session.stats.health.rtt_count, 1);
    ck_assert(!link_health_clock_offset(&session.stats.health, &offset_ns));
}
END_TEST

static const struct silence_case {
    const char *name;
    uint64_t own_ns;
    uint64_t far_ns;
    uint64_t hold_ns;
} silence_cases[] = {
    { "equal", KEEPALIVE_NS, KEEPALIVE_NS, 3 * KEEPALIVE_NS },
    { "the far side is slower", SEC_NS, KEEPALIVE_NS, 3 * KEEPALIVE_NS },
    { "the far side is faster", KEEPALIVE_NS, SEC_NS, 3 * KEEPALIVE_NS },
    { "the far side is too slow", SEC_NS, 3600 * SEC_NS, 3 * LINK_KEEPALIVE_MAX_NS },
    { "both are too fast", 1, 0, 3 * LINK_KEEPALIVE_MIN_NS },
    { "both are too slow", UINT64_MAX, UINT64_MAX, 3 * LINK_KEEPALIVE_MAX_NS },
};

START_TEST(silence_is_death)
{
    const struct silence_case *c = &silence_cases[_i];
    struct link_session_config config = sample_config();
    config.keepalive_ns = c->own_ns;
    renew(&config);
    struct link_frame hello = sample_hello();
    hello.hello.keepalive_ns = c->far_ns;
    struct conn_id conn = accept();
    hear(&hello);
    uint64_t heard_ns = now.mono.ns;
    while (session.state != LINK_DOWN) {
        ck_assert_msg(now.mono.ns - heard_ns < c->hold_ns, "%s: lives on", c->name);
        pass_to_deadline();
    }
    ck_assert_msg(now.mono.ns - heard_ns == c->hold_ns, "%s: died after %u ms, want %u ms", c->name,
        (unsigned)((now.mono.ns - heard_ns) / MS_NS), (unsigned)(c->hold_ns / MS_NS));
    expect_told(c->name, conn, LINK_ERROR_SILENT);
    ck_assert_int_eq(delivery.error, LINK_ERROR_SILENT);
}
END_TEST

START_TEST(any_frame_is_a_sign_of_life)
{
    bring_up();
    for (int i = 0; i < 50; i++) {
        pass(2 * KEEPALIVE_NS);
        tick();
        hear_ping(LINK_FRAME_PING, 1);
        ck_assert_uint_eq(session.stats.heard_at.ns, now.mono.ns);
    }
    expect_state("pinged", LINK_UP);
}
END_TEST

static void
add_greeting_tests(Suite *suite)
{
    TCase *tcase = make_case(suite, "dial and greet");
    tcase_add_test(tcase, start_dials_the_first_address);
    tcase_add_test(tcase, each_side_says_how_large_a_frame_it_takes);
    tcase_add_test(tcase, link_without_addresses_waits);
    tcase_add_test(tcase, refused_dials_go_on_for_ever_with_jitter);
    tcase_add_test(tcase, stable_session_resets_the_pause);
    tcase_add_test(tcase, pause_that_the_far_side_asks_for_is_kept_once);
    tcase_add_test(tcase, dial_under_way_is_the_only_one);
    tcase_add_test(tcase, refused_dial_does_not_touch_the_connection);
    tcase_add_test(tcase, dial_without_memory_is_tried_again);
    tcase_add_loop_test(tcase, new_connection_is_greeted, 0, 2);
    tcase_add_test(tcase, sessions_have_different_numbers);
    tcase_add_test(tcase, no_hello_in_time_ends_the_connection);
    tcase_add_loop_test(
        tcase, certificate_must_name_the_federation, 0, (int)COUNT_OF(identity_cases));
    tcase_add_loop_test(tcase, hello_is_judged, 0, (int)COUNT_OF(hello_cases));
    tcase_add_loop_test(tcase, only_hello_and_error_may_come_while_greeting, LINK_FRAME_READY,
        LINK_FRAME_ERROR + 1);
}

static void
add_frame_tests(Suite *suite)
{
    TCase *tcase = make_case(suite, "frames");
    tcase_add_loop_test(tcase, faults_end_the_session, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, bytes_that_are_no_frame_end_the_session);
    tcase_add_loop_test(tcase, sequence_must_be_without_gap_or_repetition, 0, 3);
    tcase_add_test(tcase, acknowledged_after_so_many);
    tcase_add_test(tcase, the_rest_is_acknowledged_at_the_keepalive);
    tcase_add_test(tcase, end_of_sync_is_acknowledged_at_once);
    tcase_add_test(tcase, acknowledgements_are_counted_and_never_fall);
    tcase_add_test(tcase, each_session_counts_from_one);
    tcase_add_test(tcase, calls_and_replies_are_delivered);
    tcase_add_test(tcase, announcements_are_delivered);
    tcase_add_test(tcase, frame_without_memory_ends_the_session);
    tcase_add_test(tcase, ping_is_answered);
    tcase_add_test(tcase, pong_measures_the_round_trip);
    tcase_add_test(tcase, late_pong_measures_from_the_first_ping);
    tcase_add_test(tcase, clock_of_the_far_side_is_measured_and_told_once);
    tcase_add_test(tcase, far_side_without_a_clock_is_not_measured);
    tcase_add_loop_test(tcase, silence_is_death, 0, (int)COUNT_OF(silence_cases));
    tcase_add_test(tcase, any_frame_is_a_sign_of_life);
}

int
main(void)
{
    Suite *suite = suite_create("link_session");
    add_greeting_tests(suite);
    add_frame_tests(suite);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
