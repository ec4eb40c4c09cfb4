/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_session_resume.c - a session goes on over another connection, or it does not, and both ends know. */
#include "tests/support/link_world.h"

#define WINDOW_NS (20 * SEC_NS)

static const struct span path[] = { { (const uint8_t *)"us", 2 } };

/* The far side of sample_hello() is session 5. */
static uint64_t own_number;

static void
set_up(void)
{
    setup();
    struct link_session_config config = sample_config();
    config.resume_window_ns = WINDOW_NS;
    config.resume_buffer_size = 4096;
    renew(&config);
    begin_step();
}

static void
bring_up_and_cut(void)
{
    bring_up();
    own_number = session.number;
    close_conn(session.conn);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_CUT);
    ck_assert(link_session_is_suspended(&session));
    expect_state("cut", LINK_DOWN);
}

static struct link_frame
resuming_hello(uint64_t received)
{
    struct link_frame hello = sample_hello();
    hello.hello.resume = own_number;
    hello.hello.received = received;
    return hello;
}

/* The next connection of the same far bridge, which says this. */
static void
come_back(uint64_t received)
{
    accept();
    const struct link_frame *own = sent(LINK_FRAME_HELLO, session.conn);
    ck_assert_uint_eq(own->hello.session, own_number);
    ck_assert_uint_eq(own->hello.resume, 5);
    ck_assert_uint_eq(own->hello.received, session.stats.sequence_received);
    const struct link_frame hello = resuming_hello(received);
    hear(&hello);
}

START_TEST(session_goes_on_where_it_was)
{
    bring_up_and_cut();
    pass(WINDOW_NS - 1);
    tick();
    come_back(0);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_RESUMED);
    expect_state("resumed", LINK_UP);
    ck_assert(!link_session_is_suspended(&session));
    ck_assert_uint_eq(session.stats.sessions, 1);
    ck_assert_uint_eq(session.stats.resumes, 1);
    ck_assert_uint_eq(session.stats.flaps, 1);
    /* The far side's sequence goes on, too: END_OF_SYNC was its first. */
    hear_sequence(LINK_FRAME_WITHDRAW, 2);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_WITHDRAW);
}
END_TEST

START_TEST(session_that_was_syncing_still_is)
{
    accept();
    hear_hello();
    own_number = session.number;
    close_conn(session.conn);
    come_back(0);
    expect_state("resumed", LINK_SYNCING);
    hear_sequence(LINK_FRAME_END_OF_SYNC, 1);
    expect_state("synced", LINK_UP);
}
END_TEST

START_TEST(what_did_not_arrive_is_sent_again_in_order_and_once)
{
    bring_up();
    own_number = session.number;
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(send_numbered(), (uint64_t)i + 1);
    }
    hear_sequence(LINK_FRAME_ACK, 1);
    close_conn(session.conn);
    /* What is said meanwhile waits. */
    ck_assert_uint_eq(send_numbered(), 6);
    ck_assert_uint_eq(actions.count, 0);
    come_back(3);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_RESUMED);
    ck_assert_uint_eq(count_sent(LINK_FRAME_REPLY, session.conn), 3);
    ck_assert_uint_eq(session.stats.sequence_acked, 3);
    ck_assert_uint_eq(send_numbered(), 7);
    hear_sequence(LINK_FRAME_ACK, 7);
    expect_state("acknowledged", LINK_UP);
}
END_TEST

START_TEST(call_that_waited_has_less_time)
{
    const struct link_call call = {
        .call_id = 9,
        .route_id = 1,
        .timeout_ms = 5000,
        .path = { .items = path, .count = 1 },
        .args = SPAN("[]"),
        .kwargs = SPAN("{}"),
    };
    bring_up_and_cut();
    for (int i = 0; i < 2; i++) {
        buf_reset(&wire);
        link_encode_call_head(&wire, &call);
        const struct span parts[] = { buf_span(&wire), call.args, call.kwargs };
        link_session_send_numbered(&session, parts, COUNT_OF(parts), now, &actions);
        pass(3 * SEC_NS);
    }
    come_back(0);
    ck_assert_uint_eq(count_sent(LINK_FRAME_CALL, session.conn), 2);
    /* The last of them waited 3 s; the first 6, and may not start any more. */
    ck_assert_uint_eq(sent(LINK_FRAME_CALL, session.conn)->call.timeout_ms, 0);
    ck_assert_uint_eq(last_sent(LINK_FRAME_CALL, session.conn)->call.timeout_ms, 2000);
    /* Sent again once more, it is not made shorter by the same time again. */
    close_conn(session.conn);
    pass(SEC_NS);
    come_back(0);
    ck_assert_uint_eq(last_sent(LINK_FRAME_CALL, session.conn)->call.timeout_ms, 1000);
}
END_TEST

static const struct new_case {
    const char *name;
    uint64_t far_session;
    bool resumes;
    bool wrong_number;
} new_cases[] = {
    { "the far side has forgotten it", 5, false, false },
    { "the far side means another session of ours", 5, true, true },
    { "the far side is another process", 6, true, false },
    { "the far side starts anew", 6, false, false },
};

START_TEST(otherwise_a_new_session_begins)
{
    const struct new_case *c = &new_cases[_i];
    bring_up_and_cut();
    send_numbered();
    accept();
    struct link_frame hello = sample_hello();
    hello.hello.session = c->far_session;
    hello.hello.resume = c->resumes ? own_number + c->wrong_number : 0;
    hear(&hello);
    ck_assert_msg(delivery.kind == LINK_DELIVERS_GREETED, "%s", c->name);
    ck_assert(!link_session_is_suspended(&session));
    ck_assert_uint_eq(count_sent(LINK_FRAME_REPLY, session.conn), 0);
    ck_assert_uint_eq(send_numbered(), 1);
    hear_sequence(LINK_FRAME_END_OF_SYNC, 1);
    expect_state(c->name, LINK_UP);
    ck_assert_uint_eq(session.stats.resumes, 0);
}
END_TEST

START_TEST(session_is_over_when_its_window_is)
{
    bring_up_and_cut();
    pass(WINDOW_NS);
    tick();
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert(!link_session_is_suspended(&session));
    ck_assert(was_logged("link.session_over"));
    accept();
    ck_assert_uint_eq(sent(LINK_FRAME_HELLO, session.conn)->hello.resume, 0);
}
END_TEST

START_TEST(window_that_ends_while_an_offer_is_out_waits_for_its_answer)
{
    bring_up_and_cut();
    pass(WINDOW_NS - 1);
    accept();
    pass(SEC_NS);
    tick();
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    const struct link_frame hello = resuming_hello(0);
    hear(&hello);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_RESUMED);
}
END_TEST

START_TEST(other_bridge_of_the_federation_begins_anew)
{
    bring_up_and_cut();
    accept_from(SPAN("eu"), SPAN("eu-2"));
    ck_assert_uint_eq(sent(LINK_FRAME_HELLO, session.conn)->hello.resume, 0);
    struct link_frame hello = resuming_hello(0);
    hello.hello.bridge = SPAN("eu-2");
    hear(&hello);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_GREETED);
}
END_TEST

START_TEST(newer_connection_takes_a_half_open_session_over)
{
    bring_up();
    own_number = session.number;
    struct conn_id old = session.conn;
    accept();
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_CUT);
    ck_assert(closes(old));
    const struct link_frame hello = resuming_hello(0);
    hear(&hello);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_RESUMED);
    expect_state("taken over", LINK_UP);
}
END_TEST

static const struct final_case {
    const char *name;
    enum link_error_code error;
    bool goes_on;
} final_cases[] = {
    { "silent", LINK_ERROR_SILENT, true },
    { "replaced", LINK_ERROR_REPLACED, true },
    { "none", LINK_ERROR_NONE, true },
    { "shutdown", LINK_ERROR_SHUTDOWN, false },
    { "sequence", LINK_ERROR_SEQUENCE, false },
    { "protocol", LINK_ERROR_PROTOCOL, false },
    { "overloaded", LINK_ERROR_OVERLOADED, false },
    { "disabled", LINK_ERROR_DISABLED, false },
};

START_TEST(only_a_cut_is_survived)
{
    const struct final_case *c = &final_cases[_i];
    const struct link_frame error = {
        .type = LINK_FRAME_ERROR,
        .error = { .code = (uint16_t)c->error, .text = SPAN("x") },
    };
    bring_up();
    hear(&error);
    ck_assert_msg(link_session_is_suspended(&session) == c->goes_on, "%s", c->name);
    ck_assert_int_eq(delivery.kind, c->goes_on ? LINK_DELIVERS_CUT : LINK_DELIVERS_DOWN);
}
END_TEST

START_TEST(session_that_drains_does_not_go_on)
{
    bring_up();
    link_session_drain(&session, &actions);
    close_conn(session.conn);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    bring_up();
    const struct link_frame drain = { .type = LINK_FRAME_DRAIN };
    hear(&drain);
    close_conn(session.conn);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
}
END_TEST

START_TEST(end_that_has_forgotten_a_frame_does_not_offer)
{
    bring_up();
    for (int i = 0; i < 300; i++) {
        send_numbered();
    }
    ck_assert(!link_outbox_is_whole(&session.outbox));
    close_conn(session.conn);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    accept();
    ck_assert_uint_eq(sent(LINK_FRAME_HELLO, session.conn)->hello.resume, 0);
}
END_TEST

START_TEST(calls_wait_in_half_of_the_room)
{
    bring_up_and_cut();
    ck_assert(link_session_carries_calls(&session));
    while (session.outbox.size <= 2048) {
        send_numbered();
    }
    ck_assert(!link_session_carries_calls(&session));
    ck_assert(link_outbox_has_room(&session.outbox, 1000));
}
END_TEST

static const struct wrong_case {
    const char *name;
    uint64_t received;
} wrong_cases[] = {
    { "less than was acknowledged", 1 },
    { "more than was sent", 4 },
    { "most", UINT64_MAX },
};

START_TEST(number_that_cannot_be_ends_the_session)
{
    const struct wrong_case *c = &wrong_cases[_i];
    bring_up();
    own_number = session.number;
    send_numbered();
    send_numbered();
    send_numbered();
    hear_sequence(LINK_FRAME_ACK, 2);
    close_conn(session.conn);
    struct conn_id conn = accept();
    const struct link_frame hello = resuming_hello(c->received);
    hear(&hello);
    expect_told(c->name, conn, LINK_ERROR_SEQUENCE);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert(!link_session_is_suspended(&session));
}
END_TEST

START_TEST(overflow_while_an_offer_is_out_ends_the_session)
{
    bring_up_and_cut();
    struct conn_id conn = accept();
    for (int i = 0; i < 300; i++) {
        send_numbered();
    }
    const struct link_frame hello = resuming_hello(0);
    hear(&hello);
    expect_told("overflow", conn, LINK_ERROR_OVERLOADED);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
}
END_TEST

START_TEST(stop_forgets_a_suspended_session)
{
    bring_up_and_cut();
    link_session_stop(&session, LINK_ERROR_SHUTDOWN, SPAN("stopped"), &actions);
    ck_assert(!link_session_is_suspended(&session));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_session_resume");
    TCase *tcase = tcase_create("resume");
    tcase_add_checked_fixture(tcase, set_up, teardown);
    tcase_add_test(tcase, session_goes_on_where_it_was);
    tcase_add_test(tcase, session_that_was_syncing_still_is);
    tcase_add_test(tcase, what_did_not_arrive_is_sent_again_in_order_and_once);
    tcase_add_test(tcase, call_that_waited_has_less_time);
    tcase_add_loop_test(tcase, otherwise_a_new_session_begins, 0, (int)COUNT_OF(new_cases));
    tcase_add_test(tcase, session_is_over_when_its_window_is);
    tcase_add_test(tcase, window_that_ends_while_an_offer_is_out_waits_for_its_answer);
    tcase_add_test(tcase, other_bridge_of_the_federation_begins_anew);
    tcase_add_test(tcase, newer_connection_takes_a_half_open_session_over);
    tcase_add_loop_test(tcase, only_a_cut_is_survived, 0, (int)COUNT_OF(final_cases));
    tcase_add_test(tcase, session_that_drains_does_not_go_on);
    tcase_add_test(tcase, end_that_has_forgotten_a_frame_does_not_offer);
    tcase_add_test(tcase, calls_wait_in_half_of_the_room);
    tcase_add_loop_test(
        tcase, number_that_cannot_be_ends_the_session, 0, (int)COUNT_OF(wrong_cases));
    tcase_add_test(tcase, overflow_while_an_offer_is_out_ends_the_session);
    tcase_add_test(tcase, stop_forgets_a_suspended_session);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
