/* SPDX-License-Identifier: Apache-2.0 */
/* test_member_liveness.c - who is dialed, who is lost, who said goodbye, and who is dead. */
#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"
#include "tests/support/member_rig.h"

#define A "ws://a:1"
#define B "ws://b:1"

static struct rig rig;

static const struct span seed_a[] = { { (const uint8_t *)A, sizeof(A) - 1 } };

static void
start(void)
{
    rig_init(&rig);
    rig_start(&rig);
}

static void
start_with_seed(void)
{
    rig_init(&rig);
    rig.config.seeds = (struct text_list){ seed_a, 1 };
    rig_start(&rig);
}

static void
stop(void)
{
    rig_destroy(&rig);
}

static uint64_t
in_state(enum peer_state state)
{
    return member_stats(rig.member).connections_by_state[state];
}

START_TEST(a_departed_node_stays_out_for_the_grace_period)
{
    struct conn_id in = rig_peer_in(&rig, A);
    struct conn_id old = rig_peer_in(&rig, A);
    struct conn_id out = rig_peer_out(&rig, A);
    rig_gossip(&rig, in, A,
        rig_text(&rig, "\"nodes\":[%s],\"functions\":[%s]", rig_node(&rig, A, RIG_CLUSTER, 0),
            rig_function(&rig, "a.f", A, RIG_CLUSTER, 0)));
    ck_assert_ptr_nonnull(rig_entry(&rig, "a.f", A));
    rig_forget(&rig);
    rig_goodbye(&rig, in, A, RIG_CLUSTER);
    ck_assert_uint_eq(
        rig_count(&rig, in, "{\"r\":\"GOODBYE_PROCESSED\",\"error\":null,\"u\":\"u2\""), 1);
    ck_assert_uint_eq(rig_conn(&rig, in)->code, 1000);
    ck_assert(rig_conn(&rig, in)->closing);
    ck_assert(rig_conn(&rig, old)->closing);
    ck_assert(rig_conn(&rig, out)->closing);
    ck_assert_ptr_null(rig_entry(&rig, "a.f", A));
    ck_assert_uint_eq(catalog_prunes(member_catalog(rig.member))[PRUNE_NODE_GOODBYE], 1);
    rig_end(&rig, in);
    rig_end(&rig, old);
    rig_end(&rig, out);
    rig_run(&rig, MEMBER_DEPARTED_NS - SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, A));

    struct conn_id again = rig_accept(&rig);
    rig_forget(&rig);
    rig_status(&rig, again, A, RIG_CLUSTER, A);
    ck_assert_uint_eq(rig_conn(&rig, again)->code, 1000);
    ck_assert_uint_eq(rig_count(&rig, again, ""), 1);
    ck_assert_uint_eq(
        rig_count(&rig, again, "\"code\":1003,\"message\":\"Peer is marked departed\""), 1);
    /* Real servers do so while they stop: it is refused, and is nobody's alarm. */
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_DEPARTED), 0);
    ck_assert_uint_eq(member_stats(rig.member).outdated_statuses, 1);
    struct conn_id fresh = rig_accept(&rig);
    rig_status(&rig, fresh, A, RIG_CLUSTER, "born again");
    ck_assert_uint_eq(in_state(PEER_UP), 1);
    /* What it says is believed at once, what it had said before its goodbye is not. */
    rig_gossip(&rig, fresh, A,
        rig_text(&rig, "\"functions\":[%s,%s]", rig_function(&rig, "a.f", A, RIG_CLUSTER, 0),
            rig_function(&rig, "a.g", A, RIG_CLUSTER, -10 * (int64_t)SEC_NS)));
    ck_assert_ptr_nonnull(rig_entry(&rig, "a.f", A));
}
END_TEST

START_TEST(the_same_instance_comes_back_after_the_grace_period)
{
    struct conn_id in = rig_peer_in(&rig, A);
    rig_goodbye(&rig, in, A, RIG_CLUSTER);
    rig_end(&rig, in);
    rig_run(&rig, MEMBER_DEPARTED_NS);
    ck_assert_uint_eq(in_state(PEER_UP), 0);
    (void)rig_peer_in(&rig, A);
    ck_assert_uint_eq(in_state(PEER_UP), 1);
}
END_TEST

START_TEST(during_the_grace_period_nobody_brings_the_departed_back)
{
    struct conn_id b = rig_peer_in(&rig, B);
    struct conn_id a = rig_peer_in(&rig, A);
    rig_goodbye(&rig, a, A, RIG_CLUSTER);
    rig_gossip(&rig, b, B,
        rig_text(&rig, "\"nodes\":[%s],\"functions\":[%s]", rig_node(&rig, A, RIG_CLUSTER, SEC_NS),
            rig_function(&rig, "a.f", A, RIG_CLUSTER, SEC_NS)));
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 0);
    ck_assert_ptr_null(rig_dial(&rig, A));
    rig_run(&rig, MEMBER_DEPARTED_NS);
    rig_gossip(&rig, b, B,
        rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "a.f", A, RIG_CLUSTER, SEC_NS)));
    ck_assert_ptr_nonnull(rig_entry(&rig, "a.f", A));
}
END_TEST

START_TEST(nobody_where_a_node_was_up_means_it_is_dead)
{
    /* Neither a seed nor described: only its connection spoke for it. */
    struct conn_id in = rig_peer_in(&rig, B);
    rig_gossip(&rig, in, B,
        rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "b.f", B, RIG_CLUSTER, 0)));
    rig_refuse(&rig, B);
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
    rig_end(&rig, in);
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
    uint64_t before_ns = rig.now.mono.ns;
    rig_refuse(&rig, B);
    ck_assert_uint_le(rig.now.mono.ns - before_ns, MEMBER_DIAL_BASE_NS + 10 * MS_NS);
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    ck_assert_uint_eq(catalog_prunes(member_catalog(rig.member))[PRUNE_NODE_DEAD], 1);
    /* It is forgotten, and old news do not raise it; newer ones do. */
    rig_run(&rig, 20 * SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, B));
    struct conn_id a = rig_peer_in(&rig, A);
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"functions\":[%s]",
            rig_function(&rig, "b.f", B, RIG_CLUSTER, -60 * (int64_t)SEC_NS)));
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "b.f", B, RIG_CLUSTER, 0)));
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
}
END_TEST

START_TEST(one_that_opens_and_does_not_greet_is_dead_as_well)
{
    struct conn_id in = rig_peer_in(&rig, B);
    rig_gossip(&rig, in, B,
        rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "b.f", B, RIG_CLUSTER, 0)));
    rig_refuse(&rig, B);
    rig_end(&rig, in);
    struct conn_id conn = rig_open(&rig, B);
    rig_end(&rig, conn);
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    ck_assert_uint_eq(catalog_prunes(member_catalog(rig.member))[PRUNE_NODE_DEAD], 1);
    rig_run(&rig, 20 * SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, B));
}
END_TEST

START_TEST(a_closing_connection_stands_for_nobody)
{
    struct conn_id in = rig_peer_in(&rig, A);
    struct conn_id out = rig_peer_out(&rig, A);
    rig_hear(&rig, out, "nonsense");
    ck_assert(rig_conn(&rig, out)->closing);
    rig_forget(&rig);
    ck_assert_int_eq(rig_offer(&rig, "math.add", NULL), CATALOG_OK);
    rig_flush(&rig);
    ck_assert_uint_eq(rig_count(&rig, in, "math.add"), 1);
    size_t cursor = 0;
    struct member_node node;
    ck_assert(member_next_node(rig.member, &cursor, rig.now, &node));
    ck_assert(!node.dialed_up);
    ck_assert(node.inbound_up);
}
END_TEST

START_TEST(a_node_that_answers_again_at_once_loses_nothing)
{
    struct conn_id out = rig_peer_out(&rig, A);
    rig_gossip(&rig, out, A,
        rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "a.f", A, RIG_CLUSTER, 0)));
    rig_end(&rig, out);
    out = rig_peer_out(&rig, A);
    ck_assert_ptr_nonnull(rig_entry(&rig, "a.f", A));
    struct conn_id in = rig_peer_in(&rig, A);
    rig_end(&rig, out);
    rig_refuse(&rig, A);
    ck_assert_ptr_nonnull(rig_entry(&rig, "a.f", A));
    ck_assert(!rig_conn(&rig, in)->closing);
}
END_TEST

static bool
connecting(const char *url)
{
    return member_connecting(rig.member, span_from_text(url), rig.now);
}

START_TEST(node_is_connecting_until_it_is_up_or_a_dial_failed)
{
    struct conn_id b = rig_peer_in(&rig, B);
    ck_assert(!connecting(B));
    ck_assert(!connecting("ws://c:1"));
    ck_assert(!connecting(RIG_URL));
    rig_gossip(
        &rig, b, B, rig_text(&rig, "\"nodes\":[%s]", rig_node(&rig, "ws://c:1", RIG_CLUSTER, 0)));
    ck_assert(connecting("ws://c:1"));
    struct conn_id c = rig_open(&rig, "ws://c:1");
    ck_assert(connecting("ws://c:1"));
    uint32_t reached = rig.reached_count;
    rig_status(&rig, c, "ws://c:1", RIG_CLUSTER, "i1");
    ck_assert(!connecting("ws://c:1"));
    ck_assert_uint_eq(rig.reached_count, reached + 1);
    rig_end(&rig, c);
    ck_assert(connecting("ws://c:1"));
    ck_assert_uint_eq(rig.dial_failed_count, 0);
    rig_refuse(&rig, "ws://c:1");
    ck_assert_uint_eq(rig.dial_failed_count, 1);
    ck_assert(!connecting("ws://c:1"));
}
END_TEST

START_TEST(dial_that_opens_and_does_not_greet_failed)
{
    ck_assert(connecting(A));
    struct conn_id greeting = rig_open(&rig, A);
    ck_assert(connecting(A));
    rig_end(&rig, greeting);
    ck_assert(!connecting(A));
    ck_assert_uint_eq(rig.dial_failed_count, 1);
}
END_TEST

START_TEST(who_leaves_connects_to_nobody)
{
    struct conn_id a = rig_peer_out(&rig, A);
    rig_end(&rig, a);
    (void)rig_await_dial(&rig, A);
    ck_assert(connecting(A));
    rig_begin(&rig);
    member_leave(rig.member, rig.now, &rig.actions);
    rig_perform(&rig);
    ck_assert(!connecting(A));
    /* What opens now leads nowhere. */
    (void)rig_open(&rig, A);
    ck_assert_uint_eq(rig.dial_failed_count, 1);
}
END_TEST

START_TEST(seed_that_was_away_is_dialed_at_once_when_somebody_has_met_it)
{
    for (uint32_t i = 0; i < 20; i++) {
        rig_refuse(&rig, A);
    }
    ck_assert(!connecting(A));
    struct conn_id b = rig_peer_in(&rig, B);
    rig_gossip(&rig, b, B, rig_text(&rig, "\"nodes\":[%s]", rig_node(&rig, A, RIG_CLUSTER, 0)));
    ck_assert(connecting(A));
    rig_tick(&rig);
    ck_assert_ptr_nonnull(rig_dial(&rig, A));
    rig_refuse(&rig, A);
    ck_assert(!connecting(A));
    /* What is known already is no news. */
    rig_gossip(
        &rig, b, B, rig_text(&rig, "\"nodes\":[%s]", rig_node(&rig, A, RIG_CLUSTER, SEC_NS)));
    ck_assert(!connecting(A));
}
END_TEST

START_TEST(silence_closes_a_peer_but_not_a_client)
{
    struct conn_id client = rig_accept(&rig);
    rig_hear(&rig, client, "{\"role\":\"rpc\",\"u\":\"u1\",\"cmds\":[]}");
    struct conn_id in = rig_peer_in(&rig, B);
    struct conn_id greeting = rig_open(&rig, A);
    rig_run(&rig, 2 * MEMBER_DIAL_TIMEOUT_NS);
    ck_assert(rig_conn(&rig, greeting)->closing);
    ck_assert(!rig_conn(&rig, in)->closing);
    rig_run(&rig, MEMBER_SILENCE_NS);
    ck_assert(rig_conn(&rig, in)->closing);
    ck_assert(!rig_conn(&rig, client)->closing);
}
END_TEST

START_TEST(nodes_are_shown_with_what_their_status_said)
{
    struct conn_id in = rig_peer_in(&rig, B);
    rig_hear(&rig, in,
        "{\"role\":\"server\",\"u\":\"u\",\"server\":{\"server_url\":\"" B
        "\",\"cluster_id\":\"c1\",\"status\":\"tired\",\"active_clients\":7,\"peer_count\":2,"
        "\"metrics\":{\"messages_processed\":11}}}");
    size_t cursor = 0;
    struct member_node node;
    ck_assert(member_next_node(rig.member, &cursor, rig.now, &node));
    ck_assert(span_is(node.url, B));
    ck_assert(span_is(node.cluster_id, RIG_CLUSTER));
    ck_assert(node.inbound_up);
    ck_assert(!node.dialed_up);
    ck_assert(node.known_status);
    ck_assert(!node.status_ok);
    ck_assert_int_eq(node.active_clients, 7);
    ck_assert_int_eq(node.peer_count, 2);
    ck_assert_int_eq(node.messages_processed, 11);
    ck_assert_uint_eq(node.load_score, 1007);
    ck_assert_int_eq(node.lost_at.ns, 0);
    ck_assert(!member_next_node(rig.member, &cursor, rig.now, &node));
    rig_end(&rig, in);
    cursor = 0;
    ck_assert(member_next_node(rig.member, &cursor, rig.now, &node));
    ck_assert(!node.inbound_up);
    ck_assert_int_eq(node.lost_at.ns, rig.now.wall.ns);
}
END_TEST

START_TEST(a_seed_by_another_name_is_dialed_only_while_the_node_behind_it_is_away)
{
    struct conn_id conn = rig_open(&rig, A);
    rig_status(&rig, conn, B, RIG_CLUSTER, "i1");
    ck_assert_uint_eq(in_state(PEER_UP), 1);
    rig_run(&rig, 50 * SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, A));
    ck_assert_ptr_null(rig_dial(&rig, B));
    rig_end(&rig, conn);
    (void)rig_await_dial(&rig, A);
    (void)rig_await_dial(&rig, B);
    /* Both answer: one of the two connections is enough. */
    struct conn_id first = rig_open(&rig, B);
    struct conn_id second = rig_open(&rig, A);
    rig_status(&rig, first, B, RIG_CLUSTER, "i1");
    rig_status(&rig, second, B, RIG_CLUSTER, "i1");
    ck_assert(!rig_conn(&rig, first)->closing);
    ck_assert(rig_conn(&rig, second)->closing);
    rig_end(&rig, second);
    rig_run(&rig, 30 * SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, A));
}
END_TEST

static Suite *
liveness_suite(void)
{
    Suite *suite = suite_create("member_liveness");
    TCase *alone = tcase_create("alone");
    tcase_add_checked_fixture(alone, start, stop);
    tcase_add_test(alone, a_departed_node_stays_out_for_the_grace_period);
    tcase_add_test(alone, the_same_instance_comes_back_after_the_grace_period);
    tcase_add_test(alone, during_the_grace_period_nobody_brings_the_departed_back);
    tcase_add_test(alone, nobody_where_a_node_was_up_means_it_is_dead);
    tcase_add_test(alone, one_that_opens_and_does_not_greet_is_dead_as_well);
    tcase_add_test(alone, a_closing_connection_stands_for_nobody);
    suite_add_tcase(suite, alone);
    TCase *with_seed = tcase_create("seeded");
    tcase_add_checked_fixture(with_seed, start_with_seed, stop);
    tcase_add_test(with_seed, a_node_that_answers_again_at_once_loses_nothing);
    tcase_add_test(with_seed, node_is_connecting_until_it_is_up_or_a_dial_failed);
    tcase_add_test(with_seed, dial_that_opens_and_does_not_greet_failed);
    tcase_add_test(with_seed, who_leaves_connects_to_nobody);
    tcase_add_test(with_seed, seed_that_was_away_is_dialed_at_once_when_somebody_has_met_it);
    tcase_add_test(with_seed, silence_closes_a_peer_but_not_a_client);
    tcase_add_test(with_seed, nodes_are_shown_with_what_their_status_said);
    tcase_add_test(
        with_seed, a_seed_by_another_name_is_dialed_only_while_the_node_behind_it_is_away);
    suite_add_tcase(suite, with_seed);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(liveness_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
