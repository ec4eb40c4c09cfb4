/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_session_ends.c - how a link ends: replaced, closed, failed, stopped, drained. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/link_session.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_world.h"

/* ---- a newer connection */

START_TEST(newer_connection_of_the_bridge_replaces_at_once)
{
    /* The order of the names, here lower and higher than the far side's, decides crossings only. */
    static const char *const own[] = { "ap", "us" };
    struct link_session_config config = sample_config();
    config.own_federation = span_from_text(own[_i]);
    renew(&config);
    bring_up();
    struct conn_id old = session.conn;
    struct conn_id newer = accept();
    expect_told("the old one", old, LINK_ERROR_REPLACED);
    ck_assert_ptr_nonnull(sent(LINK_FRAME_HELLO, newer));
    ck_assert(!closes(newer));
    expect_state("the new one", LINK_GREETING);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert_int_eq(delivery.error, LINK_ERROR_REPLACED);
    ck_assert(was_logged("link.replaced"));
    close_conn(old);
    expect_state("the old one has closed", LINK_GREETING);
    hear_hello();
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_GREETED);
}
END_TEST

START_TEST(newer_connection_replaces_one_that_has_not_greeted)
{
    struct conn_id old = accept();
    struct conn_id newer = accept_from(SPAN("eu"), SPAN("eu-2"));
    expect_told("the old one", old, LINK_ERROR_REPLACED);
    ck_assert(conn_equal(session.conn, newer));
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
}
END_TEST

START_TEST(other_bridge_is_refused_while_the_link_is_held)
{
    bring_up();
    struct conn_id held = session.conn;
    struct conn_id other = accept_from(SPAN("eu"), SPAN("eu-2"));
    expect_told("the other", other, LINK_ERROR_REPLACED);
    ck_assert(
        span_is(sent(LINK_FRAME_ERROR, other)->error.text, "link already held by bridge: eu-1"));
    ck_assert(conn_equal(session.conn, held));
    expect_state("held", LINK_UP);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    ck_assert_int_eq(session.stats.last_error, LINK_ERROR_NONE);
}
END_TEST

static const struct crossing_case {
    const char *name;
    const char *own;   /* the far side is "eu" */
    bool opened_first; /* our dial was answered before theirs came */
    bool greeted;      /* the first one, before the second comes */
    uint64_t age_ns;   /* of the first one's greeting */
    bool dialed_survives;
} crossing_cases[] = {
    { "we order lower, ours first", "ap", true, false, 0, true },
    { "we order lower, theirs first", "ap", false, false, 0, true },
    { "we order higher, ours first", "us", true, false, 0, false },
    { "we order higher, theirs first", "us", false, false, 0, false },
    { "lower, ours greeted", "ap", true, true, SEC_NS, true },
    { "lower, theirs greeted", "ap", false, true, SEC_NS, true },
    { "higher, ours greeted", "us", true, true, SEC_NS, false },
    { "higher, theirs greeted", "us", false, true, SEC_NS, false },
    { "lower, ours is old: theirs is no crossing", "ap", true, true, LINK_CROSSING_NS, false },
    { "lower, theirs is old", "ap", false, true, LINK_CROSSING_NS, true },
    { "higher, ours is old", "us", true, true, LINK_CROSSING_NS, false },
    { "higher, theirs is old", "us", false, true, LINK_CROSSING_NS, false },
};

START_TEST(crossing_dials_leave_one_connection)
{
    const struct crossing_case *c = &crossing_cases[_i];
    struct link_session_config config = sample_config();
    config.own_federation = span_from_text(c->own);
    renew(&config);
    start();
    struct conn_id dialed = CONN_NONE;
    struct conn_id accepted = CONN_NONE;
    for (int i = 0; i < 2; i++) {
        if ((i == 0) == c->opened_first) {
            dialed = open_to(SPAN("eu"), SPAN("eu-1"));
        } else {
            accepted = accept();
        }
        if (i == 0 && c->greeted) {
            hear_hello();
            pass(c->age_ns);
        }
    }
    struct conn_id survivor = c->dialed_survives ? dialed : accepted;
    struct conn_id other = c->dialed_survives ? accepted : dialed;
    ck_assert_msg(conn_equal(session.conn, survivor), "%s: the wrong one survives", c->name);
    expect_told(c->name, other, LINK_ERROR_REPLACED);
    bool replaced = c->dialed_survives != c->opened_first;
    ck_assert_msg((delivery.kind == LINK_DELIVERS_DOWN) == (replaced && c->greeted),
        "%s: DOWN when a greeted one was replaced", c->name);
}
END_TEST

/* ---- ends */

START_TEST(closed_connection_ends_the_session)
{
    bring_up();
    close_conn(session.conn);
    expect_state("closed", LINK_DOWN);
    ck_assert_uint_eq(actions.count, 0);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert_int_eq(delivery.error, LINK_ERROR_NONE);
    ck_assert(span_is(delivery.reason, "the connection closed: reset by peer"));
    pass_to_deadline();
    ck_assert_uint_eq(count_actions(ACTION_DIAL), 1);
}
END_TEST

START_TEST(connection_that_closes_ungreeted_was_no_session)
{
    struct conn_id conn = accept();
    close_conn(conn);
    expect_state("closed", LINK_DOWN);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    ck_assert_uint_eq(session.stats.flaps, 0);
    ck_assert(was_logged("link.refused"));
}
END_TEST

START_TEST(error_of_the_far_side_ends_the_session)
{
    const struct link_frame error = {
        .type = LINK_FRAME_ERROR,
        .error = { .code = (uint16_t)_i, .text = SPAN("maintenance") },
    };
    bring_up();
    struct conn_id conn = session.conn;
    hear(&error);
    ck_assert_ptr_null(sent(LINK_FRAME_ERROR, conn));
    ck_assert(closes(conn));
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    int want = _i < LINK_ERROR_CODE_COUNT ? _i : LINK_ERROR_PROTOCOL;
    ck_assert_int_eq(delivery.error, want);
    ck_assert(span_is(delivery.reason, "the far side says: maintenance"));
}
END_TEST

START_TEST(error_without_a_text_is_told_by_its_name)
{
    const struct link_frame error = { .type = LINK_FRAME_ERROR,
        .error = { .code = LINK_ERROR_NOT_WANTED } };
    accept();
    hear(&error);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    ck_assert_str_eq(session.stats.last_reason, "the far side says: not_wanted");
}
END_TEST

START_TEST(reason_is_printable_and_cut)
{
    uint8_t reason[300];
    memset(reason, 'x', sizeof(reason));
    memcpy(reason, "a\x1b[2J\xff\xc3\xa9\0", 9);
    bring_up();
    begin_step();
    link_session_fail(
        &session, LINK_ERROR_PROTOCOL, span_from(reason, sizeof(reason)), now, &actions, &delivery);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    const char *text = session.stats.last_reason;
    ck_assert_int_eq(strncmp(text, "a?[2J?\xc3\xa9?x", 10), 0);
    ck_assert_uint_eq(strlen(text), sizeof(session.stats.last_reason) - 1);
}
END_TEST

START_TEST(fail_ends_the_session)
{
    begin_step();
    link_session_fail(&session, LINK_ERROR_PROTOCOL, SPAN("x"), now, &actions, &delivery);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    ck_assert_uint_eq(actions.count, 0);

    bring_up();
    struct conn_id conn = session.conn;
    begin_step();
    link_session_fail(
        &session, LINK_ERROR_PROTOCOL, SPAN("unknown route"), now, &actions, &delivery);
    expect_told("fail", conn, LINK_ERROR_PROTOCOL);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DOWN);
    ck_assert(span_is(delivery.reason, "unknown route"));
    ck_assert_uint_ne(link_session_deadline(&session).ns, INSTANT_NEVER.ns);
}
END_TEST

START_TEST(stop_says_goodbye_and_dials_no_more)
{
    bring_up();
    struct conn_id conn = session.conn;
    begin_step();
    link_session_stop(&session, LINK_ERROR_SHUTDOWN, SPAN("stopped by this side"), &actions);
    expect_told("stop", conn, LINK_ERROR_SHUTDOWN);
    expect_state("stop", LINK_DOWN);
    ck_assert_uint_eq(link_session_deadline(&session).ns, INSTANT_NEVER.ns);
    ck_assert_uint_eq(session.stats.flaps, 0);
    tick();
    ck_assert_uint_eq(actions.count, 0);
    conn = accept();
    expect_told("a newcomer", conn, LINK_ERROR_SHUTDOWN);
    expect_state("a newcomer", LINK_DOWN);
    start();
    ck_assert_uint_eq(count_actions(ACTION_DIAL), 1);
}
END_TEST

START_TEST(stop_outlives_the_dial_under_way)
{
    start();
    begin_step();
    link_session_stop(&session, LINK_ERROR_SHUTDOWN, SPAN("stopped by this side"), &actions);
    ck_assert_uint_eq(actions.count, 0);
    start();
    ck_assert_uint_eq(actions.count, 0);
    begin_step();
    link_session_stop(&session, LINK_ERROR_SHUTDOWN, SPAN("stopped by this side"), &actions);
    struct conn_id conn = open_to(SPAN("eu"), SPAN("eu-1"));
    expect_told("opened too late", conn, LINK_ERROR_SHUTDOWN);
    ck_assert_uint_eq(link_session_deadline(&session).ns, INSTANT_NEVER.ns);
}
END_TEST

/* ---- draining */

START_TEST(time_in_which_we_do_not_listen_is_not_silence)
{
    bring_up();
    begin_step();
    link_session_pause(&session, 500 * MS_NS, &actions);
    ck_assert_uint_eq(actions.count, 1);
    ck_assert_int_eq(actions.list[0].kind, ACTION_PAUSE);
    ck_assert_int_eq(actions.list[0].port, PORT_LINK);
    ck_assert(conn_equal(actions.list[0].conn, session.conn));
    ck_assert_uint_eq(actions.list[0].timeout_ns, 500 * MS_NS);
    pass(3 * KEEPALIVE_NS + 499 * MS_NS);
    tick();
    expect_state("not heard while nobody listened", LINK_UP);
    ck_assert_ptr_nonnull(sent(LINK_FRAME_PING, session.conn));
    pass(MS_NS);
    tick();
    expect_state("silent", LINK_DOWN);
    ck_assert_int_eq(delivery.error, LINK_ERROR_SILENT);
}
END_TEST

START_TEST(drain_is_said_once_and_stops_new_calls)
{
    begin_step();
    link_session_drain(&session, &actions);
    ck_assert_uint_eq(actions.count, 0);
    bring_up();
    begin_step();
    link_session_drain(&session, &actions);
    ck_assert_ptr_nonnull(sent(LINK_FRAME_DRAIN, session.conn));
    expect_state("drained", LINK_DRAINING);
    ck_assert(!link_session_carries_calls(&session));
    begin_step();
    link_session_drain(&session, &actions);
    ck_assert_uint_eq(actions.count, 0);
}
END_TEST

START_TEST(far_drain_is_delivered)
{
    const struct link_frame drain = { .type = LINK_FRAME_DRAIN };
    accept();
    hear_hello();
    hear(&drain);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_DRAIN);
    expect_state("drained", LINK_DRAINING);
    ck_assert(session.far_drains);
    ck_assert(!link_session_carries_calls(&session));
    hear_sequence(LINK_FRAME_END_OF_SYNC, 1);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_SYNCED);
    expect_state("still draining", LINK_DRAINING);
    begin_step();
    link_session_drain(&session, &actions);
    ck_assert_ptr_nonnull(sent(LINK_FRAME_DRAIN, session.conn));
    struct conn_id conn = session.conn;
    hear(&drain);
    expect_told("a second DRAIN", conn, LINK_ERROR_PROTOCOL);
}
END_TEST

START_TEST(next_session_does_not_drain)
{
    bring_up();
    begin_step();
    link_session_drain(&session, &actions);
    accept();
    hear_hello();
    ck_assert(link_session_carries_calls(&session));
}
END_TEST

/* ---- whose events */

START_TEST(events_of_others_are_not_heard)
{
    start();
    bring_up();
    struct event event = { .conn = { 999 }, .ticket = 999, .bytes = SPAN("x") };
    static const enum event_kind kinds[] = { EVENT_START, EVENT_OPENED, EVENT_REFUSED,
        EVENT_MESSAGE, EVENT_CLOSED, EVENT_CONGESTED, EVENT_DRAINED, EVENT_RESULT, EVENT_STOP };
    event.kind = kinds[_i];
    ck_assert(!link_session_owns(&session, &event));
    step(&event);
    expect_state("another's event", LINK_UP);
    ck_assert_uint_eq(actions.count, 0);
    ck_assert_int_eq(delivery.kind, LINK_DELIVERS_NOTHING);
    ck_assert_uint_ne(session.dial_ticket, 0);
}
END_TEST

START_TEST(own_events_are_known)
{
    struct event event = { .kind = EVENT_CLOSED };
    ck_assert(!link_session_owns(&session, &event));
    start();
    event = (struct event){ .kind = EVENT_REFUSED, .ticket = session.dial_ticket };
    ck_assert(link_session_owns(&session, &event));
    event.kind = EVENT_OPENED;
    ck_assert(link_session_owns(&session, &event));
    accept();
    static const enum event_kind kinds[] = { EVENT_MESSAGE, EVENT_CLOSED, EVENT_CONGESTED,
        EVENT_DRAINED };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        event = (struct event){ .kind = kinds[i], .conn = session.conn };
        ck_assert(link_session_owns(&session, &event));
    }
    event.kind = EVENT_CONGESTED;
    step(&event);
    expect_state("congested", LINK_GREETING);
}
END_TEST

START_TEST(names_are_distinct)
{
    for (int a = LINK_DOWN; a <= LINK_DRAINING; a++) {
        for (int b = a + 1; b <= LINK_DRAINING; b++) {
            ck_assert_str_ne(
                link_state_name((enum link_state)a), link_state_name((enum link_state)b));
        }
    }
    for (int a = LINK_ERROR_NONE; a <= LINK_ERROR_LIMIT; a++) {
        for (int b = a + 1; b <= LINK_ERROR_LIMIT; b++) {
            ck_assert_str_ne(link_error_code_name((enum link_error_code)a),
                link_error_code_name((enum link_error_code)b));
        }
    }
}
END_TEST

static void
add_end_tests(Suite *suite)
{
    TCase *tcase = make_case(suite, "replace and end");
    tcase_add_loop_test(tcase, newer_connection_of_the_bridge_replaces_at_once, 0, 2);
    tcase_add_test(tcase, newer_connection_replaces_one_that_has_not_greeted);
    tcase_add_test(tcase, other_bridge_is_refused_while_the_link_is_held);
    tcase_add_loop_test(
        tcase, crossing_dials_leave_one_connection, 0, (int)COUNT_OF(crossing_cases));
    tcase_add_test(tcase, closed_connection_ends_the_session);
    tcase_add_test(tcase, connection_that_closes_ungreeted_was_no_session);
    tcase_add_loop_test(tcase, error_of_the_far_side_ends_the_session, 0, LINK_ERROR_LIMIT + 2);
    tcase_add_test(tcase, error_without_a_text_is_told_by_its_name);
    tcase_add_test(tcase, reason_is_printable_and_cut);
    tcase_add_test(tcase, fail_ends_the_session);
    tcase_add_test(tcase, stop_says_goodbye_and_dials_no_more);
    tcase_add_test(tcase, stop_outlives_the_dial_under_way);
    tcase_add_test(tcase, time_in_which_we_do_not_listen_is_not_silence);
    tcase_add_test(tcase, drain_is_said_once_and_stops_new_calls);
    tcase_add_test(tcase, far_drain_is_delivered);
    tcase_add_test(tcase, next_session_does_not_drain);
    tcase_add_loop_test(tcase, events_of_others_are_not_heard, 0, 9);
    tcase_add_test(tcase, own_events_are_known);
    tcase_add_test(tcase, names_are_distinct);
}

int
main(void)
{
    Suite *suite = suite_create("link_session_ends");
    add_end_tests(suite);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
