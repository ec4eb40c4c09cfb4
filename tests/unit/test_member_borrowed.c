/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_member_borrowed.c - the connection that a real server opens for a call and never reads
 * (protocol.md 6.3): what is heard on it counts for the node it names, and nothing is ever sent there.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"
#include "tests/support/member_rig.h"

#define A "ws://a:1"
#define B "ws://b:1"
#define X "ws://x:1"

static struct rig rig;

/* a dialed us; b was dialed by us, as whoever borrows is, and opened a further connection to call. */
static struct conn_id a;
static struct conn_id b;
static struct conn_id borrowed;

static void
request(struct conn_id conn)
{
    rig_hear(&rig, conn,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"r1\",\"topic\":"
        "\"mpreg.rpc.execute.own.f\",\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":"
        "\"r1\",\"source_cluster\":\"c1\",\"routing_path\":[\"" B "\"]},\"payload\":{\"kind\":"
        "\"rpc-request\",\"request_id\":\"r1\",\"command\":\"own.f\",\"args\":[7],"
        "\"reply_to\":\"" B "\"}}}");
}

static void
start(void)
{
    static const struct span seeds[] = { { (const uint8_t *)B, sizeof(B) - 1 } };
    rig_init(&rig);
    rig.config.seeds = (struct text_list){ seeds, 1 };
    rig_start(&rig);
    a = rig_peer_in(&rig, A);
    b = rig_peer_out(&rig, B);
    borrowed = rig_accept(&rig);
    request(borrowed);
    ck_assert_uint_eq(rig.call_count, 1);
    ck_assert_uint_eq(member_stats(rig.member).connections_by_state[PEER_BORROWED], 1);
    rig_forget(&rig);
}

/* Whatever happened, it was heard in silence and without an alarm. */
static void
stop(void)
{
    ck_assert_uint_eq(rig_count(&rig, borrowed, ""), 0);
    rig_destroy(&rig);
}

static void
check_no_alarm(void)
{
    ck_assert(!rig_conn(&rig, borrowed)->closing);
    for (int i = ISOLATION_NONE; i < ISOLATION_REASON_COUNT; i++) {
        ck_assert_msg(rig_isolated(&rig, (enum isolation_reason)i) == 0, "%s",
            isolation_reason_name((enum isolation_reason)i));
    }
}

/* 100 s in which everybody but b's own connection says something; b's STATUS comes where b wants it. */
static void
live_on(struct conn_id conn)
{
    for (int i = 0; i < 20; i++) {
        rig_run(&rig, 5 * SEC_NS);
        rig_status(&rig, a, A, RIG_CLUSTER, A);
        rig_status(&rig, b, B, RIG_CLUSTER, B);
        rig_status(&rig, conn, B, RIG_CLUSTER, B);
    }
}

static void
gossip(const char *delta)
{
    rig_gossip(&rig, borrowed, B, delta);
}

static const char *
functions(const char *name, const char *node)
{
    return rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, name, node, RIG_CLUSTER, 0));
}

static const char *
removal(const char *name, const char *node)
{
    return rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, name, node, RIG_CLUSTER));
}

static void
answer_call(void)
{
    struct member_back *back = rig.calls[0].back;
    rig.calls[0].back = NULL;
    rig_begin(&rig);
    member_answer(rig.member, back, true, SPAN("1"), rig.now, &rig.actions);
    rig_perform(&rig);
}

START_TEST(a_call_is_answered_where_hands_were_shaken)
{
    answer_call();
    ck_assert_uint_eq(rig_count(&rig, b, "rpc-response"), 1);
    ck_assert_uint_eq(rig.sent_count, 1);
    check_no_alarm();
}
END_TEST

/* Calls B, and has the answer come on this connection in this node's name. */
static void
call_and_answer(uint64_t ticket, struct conn_id conn, const char *responder)
{
    const struct member_call call = {
        .ticket = ticket,
        .function = SPAN("b.f"),
        .target_node = SPAN(B),
        .args = SPAN("[]"),
        .kwargs = SPAN("{}"),
        .deadline = instant_after(rig.now.mono, 10 * SEC_NS),
    };
    rig_begin(&rig);
    ck_assert_int_eq(member_call(rig.member, &call, rig.now, &rig.actions), MEMBER_CALL_OK);
    rig_perform(&rig);
    static const char key[] = "\"request_id\":\"";
    const struct rig_sent *sent = rig_last(&rig, b, key);
    ck_assert_ptr_nonnull(sent);
    const char *id = rig_text(&rig, "%.*s", 33, strstr(sent->text, key) + sizeof(key) - 1);
    rig_hear(&rig, conn,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"%s\",\"topic\":"
        "\"mpreg.rpc.response\",\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"%s\","
        "\"source_cluster\":\"c1\",\"routing_path\":[\"%s\"]},\"payload\":{\"kind\":"
        "\"rpc-response\",\"request_id\":\"%s\",\"success\":true,\"result\":42}}}",
        id, id, responder, id);
}

START_TEST(an_answer_may_come_on_it)
{
    call_and_answer(7, borrowed, B);
    ck_assert_uint_eq(rig.answer_count, 1);
    ck_assert_uint_eq(rig.answers[0].ticket, 7);
    ck_assert_int_eq(rig.answers[0].outcome, MEMBER_ANSWERED);
    ck_assert_str_eq(rig.answers[0].body, "42");
    check_no_alarm();
}
END_TEST

START_TEST(an_answer_in_another_name_is_refused)
{
    call_and_answer(7, borrowed, A);
    ck_assert_uint_eq(rig.answer_count, 0);
    ck_assert(rig_conn(&rig, borrowed)->closing);
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FIRST_FABRIC), 1);
    ck_assert_uint_eq(rig_count(&rig, borrowed, "\"code\":1003"), 1);
    rig_forget(&rig);
}
END_TEST

START_TEST(what_is_no_call_or_cannot_be_read_is_left)
{
    rig_hear(&rig, borrowed,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"p1\",\"topic\":\"news\","
        "\"message_type\":\"pubsub\",\"headers\":{\"correlation_id\":\"p1\"},\"payload\":{}}}");
    rig_hear(&rig, borrowed, "{\"role\":\"fabric-message\",\"payload\":{}}");
    rig_hear(&rig, borrowed, "{\"role\":\"rpc\",\"u\":\"u1\",\"cmds\":[]}");
    ck_assert_uint_eq(rig.call_count, 1);
    ck_assert_uint_eq(rig.asked_count, 0);
    ck_assert_uint_eq(member_stats(rig.member).malformed, 1);
    check_no_alarm();
}
END_TEST

START_TEST(its_gossip_is_believed_and_passed_on)
{
    gossip(functions("b.f", B));
    gossip(functions("x.f", X));
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
    ck_assert_ptr_nonnull(rig_entry(&rig, "x.f", X));
    ck_assert_uint_eq(rig_count(&rig, a, "b.f"), 1);
    ck_assert_uint_eq(rig_count(&rig, a, "x.f"), 1);
    ck_assert_uint_eq(rig.sent_count, 2);
    check_no_alarm();
}
END_TEST

START_TEST(each_entry_is_judged_as_on_the_nodes_own_connection)
{
    rig_gossip(&rig, a, A, functions("a.f", A));
    rig_forget(&rig);
    gossip(rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "x.f", X, "c2", 0)));
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FOREIGN_ENTRY), 1);
    gossip(removal("a.f", A));
    ck_assert_ptr_nonnull(rig_entry(&rig, "a.f", A));
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_ISOLATION], 2);
    ck_assert_uint_eq(rig.sent_count, 0);
    ck_assert(!rig_conn(&rig, borrowed)->closing);
}
END_TEST

START_TEST(it_takes_back_what_is_its_nodes_once_it_has_named_the_instance)
{
    gossip(functions("b.f", B));
    gossip(removal("b.f", B));
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_ISOLATION], 1);
    rig_status(&rig, borrowed, B, RIG_CLUSTER, B);
    gossip(removal("b.f", B));
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    check_no_alarm();
}
END_TEST

START_TEST(its_status_counts_and_nothing_is_ever_sent_to_it)
{
    rig_offer(&rig, "own.f", NULL);
    live_on(borrowed);
    ck_assert_uint_gt(rig_count(&rig, a, "own.f"), 0);
    ck_assert_uint_eq(member_stats(rig.member).connections_by_state[PEER_BORROWED], 1);
    struct member_node node;
    size_t cursor = 0;
    while (member_next_node(rig.member, &cursor, rig.now, &node)) {
        ck_assert_uint_eq(node.load_score, 3);
        ck_assert(!node.inbound_up || span_is(node.url, A));
    }
    /* Also when it is the only one that is left. */
    rig_end(&rig, b);
    rig_status(&rig, borrowed, B, RIG_CLUSTER, B);
    ck_assert(!member_connected(rig.member, SPAN(B)));
    check_no_alarm();
}
END_TEST

START_TEST(while_the_node_is_away_nothing_on_it_counts)
{
    rig_end(&rig, b);
    rig_forget(&rig);
    request(borrowed);
    gossip(functions("b.f", B));
    rig_status(&rig, borrowed, B, RIG_CLUSTER, B);
    ck_assert_uint_eq(rig.call_count, 1);
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    ck_assert_uint_eq(rig.sent_count, 0);
    answer_call();
    ck_assert_uint_eq(rig.sent_count, 0);
    check_no_alarm();
    /* Back it is, and so is what it borrowed. */
    b = rig_peer_out(&rig, B);
    gossip(functions("b.f", B));
    request(borrowed);
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
    ck_assert_uint_eq(rig.call_count, 2);
    check_no_alarm();
}
END_TEST

static void
say_goodbye(const char *instance)
{
    rig_hear(&rig, borrowed,
        "{\"role\":\"server\",\"u\":\"u2\",\"server\":{\"what\":\"GOODBYE\","
        "\"departing_node_url\":\"" B "\",\"cluster_id\":\"c1\",\"instance_id\":\"%s\","
        "\"reason\":\"graceful_shutdown\"}}",
        instance);
}

START_TEST(a_node_that_stops_says_goodbye_on_it)
{
    gossip(functions("b.f", B));
    say_goodbye(B);
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    ck_assert(rig_conn(&rig, b)->closing);
    rig_end(&rig, b);
    rig_forget(&rig);
    /* Until it ends it goes on as before. */
    rig_status(&rig, borrowed, B, RIG_CLUSTER, B);
    gossip(removal("b.f", B));
    request(borrowed);
    ck_assert_uint_eq(rig.call_count, 1);
    rig_run(&rig, MEMBER_DEPARTED_NS - SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, B));
    struct conn_id again = rig_accept(&rig);
    rig_status(&rig, again, B, RIG_CLUSTER, B);
    ck_assert_uint_eq(rig_count(&rig, again, "Peer is marked departed"), 1);
    check_no_alarm();
}
END_TEST

START_TEST(a_goodbye_that_does_not_name_the_instance_evicts_nobody)
{
    static const char *const instances[] = { "", "another" };
    gossip(functions("b.f", B));
    for (size_t i = 0; i < COUNT_OF(instances); i++) {
        say_goodbye(instances[i]);
        ck_assert(rig_conn(&rig, borrowed)->closing);
        ck_assert(!rig_conn(&rig, b)->closing);
        ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
        ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FIRST_GOODBYE), i + 1);
        ck_assert_uint_eq(rig_count(&rig, borrowed, "\"code\":1003"), 1);
        rig_forget(&rig);
        rig_end(&rig, borrowed);
        borrowed = rig_accept(&rig);
        request(borrowed);
    }
}
END_TEST

START_TEST(it_ends_when_it_is_silent)
{
    for (int i = 0; i < 12; i++) {
        rig_run(&rig, 5 * SEC_NS);
        rig_status(&rig, b, B, RIG_CLUSTER, B);
    }
    ck_assert(rig_conn(&rig, borrowed)->closing);
    ck_assert(!rig_conn(&rig, b)->closing);
}
END_TEST

static Suite *
borrowed_suite(void)
{
    Suite *suite = suite_create("member_borrowed");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, a_call_is_answered_where_hands_were_shaken);
    tcase_add_test(claims, an_answer_may_come_on_it);
    tcase_add_test(claims, an_answer_in_another_name_is_refused);
    tcase_add_test(claims, what_is_no_call_or_cannot_be_read_is_left);
    tcase_add_test(claims, its_gossip_is_believed_and_passed_on);
    tcase_add_test(claims, each_entry_is_judged_as_on_the_nodes_own_connection);
    tcase_add_test(claims, it_takes_back_what_is_its_nodes_once_it_has_named_the_instance);
    tcase_add_test(claims, its_status_counts_and_nothing_is_ever_sent_to_it);
    tcase_add_test(claims, while_the_node_is_away_nothing_on_it_counts);
    tcase_add_test(claims, a_node_that_stops_says_goodbye_on_it);
    tcase_add_test(claims, a_goodbye_that_does_not_name_the_instance_evicts_nobody);
    tcase_add_test(claims, it_ends_when_it_is_silent);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(borrowed_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
