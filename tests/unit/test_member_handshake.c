/* SPDX-License-Identifier: Apache-2.0 */
/* test_member_handshake.c - who is let in and who is not: the reference's loopholes are shut. */
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

/* The stranger was sent one error and nothing else, and the connection is being closed. */
static void
check_refused(const char *name, struct conn_id conn, enum isolation_reason reason, uint16_t code,
    const char *message)
{
    const struct rig_conn *closed = rig_conn(&rig, conn);
    ck_assert_msg(closed->closing, "%s: is not closed", name);
    ck_assert_msg(closed->code == code, "%s: closed with %d", name, closed->code);
    ck_assert_msg(strcmp(closed->reason, isolation_hint(reason)) == 0, "%s: closed with '%s'", name,
        closed->reason);
    ck_assert_msg(rig_isolated(&rig, reason) == 1, "%s: is not counted", name);
    ck_assert_msg(
        rig_count(&rig, conn, "") == 1, "%s: %zu messages", name, rig_count(&rig, conn, ""));
    const struct rig_sent *sent = rig_last(&rig, conn, "\"error\":{\"code\":1003,");
    ck_assert_msg(sent != NULL, "%s: no error was sent", name);
    ck_assert_msg(strstr(sent->text, message) != NULL, "%s: sent %s", name, sent->text);
}

START_TEST(who_dials_us_gets_status_acknowledgement_and_snapshot)
{
    ck_assert_int_eq(rig_offer(&rig, "math.add", NULL), CATALOG_OK);
    rig_flush(&rig);
    struct conn_id conn = rig_accept(&rig);
    ck_assert_uint_eq(rig_count(&rig, conn, ""), 0);
    rig_status(&rig, conn, A, RIG_CLUSTER, "i1");
    ck_assert_uint_eq(in_state(PEER_UP), 1);
    static const char *const wanted[] = { "\"what\":\"STATUS\"",
        "{\"r\":\"STATUS\",\"error\":null,\"u\":\"u1\"", "\"nodes\":[{", "math.add" };
    size_t at = 0;
    for (size_t i = 0; i < rig.sent_count && at < COUNT_OF(wanted); i++) {
        at += strstr(rig.sent[i].text, wanted[at]) != NULL;
    }
    ck_assert_msg(at == COUNT_OF(wanted), "no %s in its place", wanted[at]);
    ck_assert_ptr_nonnull(rig_last(&rig, conn, "\"server_url\":\"" RIG_URL "\""));
    ck_assert_ptr_nonnull(rig_last(&rig, conn, "\"ttl\":0,\"hop_count\":0,\"max_hops\":0"));
    rig_forget(&rig);
    rig_status(&rig, conn, A, RIG_CLUSTER, "i1");
    ck_assert_uint_eq(rig_count(&rig, conn, ""), 1);
    ck_assert_uint_eq(rig_count(&rig, conn, "{\"r\":\"STATUS\""), 1);
}
END_TEST

START_TEST(whom_we_dial_hears_status_at_once_and_the_catalog_only_after_its_own)
{
    ck_assert_int_eq(rig_offer(&rig, "math.add", NULL), CATALOG_OK);
    ck_assert(!member_ready(rig.member));
    struct conn_id conn = rig_open(&rig, A);
    ck_assert_uint_eq(rig_count(&rig, conn, ""), 1);
    ck_assert_uint_eq(rig_count(&rig, conn, "\"what\":\"STATUS\""), 1);
    /* Who is there is not known yet: the names of our functions are not for strangers. */
    ck_assert_uint_eq(rig_count(&rig, conn, "math.add"), 0);
    rig_hear(&rig, conn, "{\"r\":\"STATUS\",\"error\":null,\"u\":\"x\"}");
    ck_assert_uint_eq(in_state(PEER_GREETING), 1);
    rig_status(&rig, conn, A, RIG_CLUSTER, "i1");
    ck_assert_uint_eq(in_state(PEER_UP), 1);
    ck_assert(member_ready(rig.member));
    ck_assert_uint_eq(rig_count(&rig, conn, "math.add"), 1);
    rig_forget(&rig);
    rig_run(&rig, MEMBER_STATUS_NS);
    ck_assert_uint_eq(rig_count(&rig, conn, "\"what\":\"STATUS\""), 1);
    ck_assert_uint_eq(rig_count(&rig, conn, "\"funs\":[\"math.add\"]"), 1);
    rig_forget(&rig);
    /* There, no STATUS is answered: the two would go back and forth for ever. */
    rig_status(&rig, conn, A, RIG_CLUSTER, "i1");
    ck_assert_uint_eq(rig_count(&rig, conn, ""), 0);
}
END_TEST

/* First messages of strangers. */
static const struct {
    const char *name;
    const char *message;
    enum isolation_reason reason;
    uint16_t code;
    const char *said;
} strangers[] = {
    { "STATUS of another cluster",
        "{\"role\":\"server\",\"u\":\"u9\",\"server\":{\"what\":\"STATUS\",\"server_url\":\"ws:"
        "//x:1\","
        "\"cluster_id\":\"c2\"}}",
        ISOLATION_FOREIGN_CLUSTER, 1000,
        "Connection rejected: cluster_id mismatch. Local: c1, Remote: c2. Cross-federation "
        "connections not allowed in current federation "
        "mode.\",\"details\":null},\"u\":\"u9\"" },
    { "gossip first",
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"" A "\",\"payload\":{\"functions\":[{\"identity\":"
        "{\"name\":\"evil\",\"function_id\":\"evil\",\"version\":\"1\"},\"node_id\":\"" A "\","
        "\"cluster_id\":\"c1\"}]}}}",
        ISOLATION_FIRST_GOSSIP, 1008, "gossip before STATUS" },
    { "a call first",
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"r1\",\"topic\":\"t\","
        "\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"r1\",\"source_cluster\":"
        "\"c1\","
        "\"routing_path\":[\"ws://x:1\"]},\"payload\":{\"kind\":\"rpc-request\",\"request_id\":"
        "\"r1\",\"command\":\"math.add\",\"reply_to\":\"ws://x:1\"}}}",
        ISOLATION_FIRST_FABRIC, 1008, "use a bridge" },
    { "a call of another cluster in a live peer's name",
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"r1\",\"topic\":\"t\","
        "\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"r1\",\"source_cluster\":"
        "\"c2\","
        "\"routing_path\":[\"" B "\"]},\"payload\":{\"kind\":\"rpc-request\",\"request_id\":"
        "\"r1\",\"command\":\"math.add\",\"reply_to\":\"" B "\"}}}",
        ISOLATION_FIRST_FABRIC, 1008, "use a bridge" },
    { "an answer first",
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"r1\",\"topic\":\"t\","
        "\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"r1\",\"source_cluster\":"
        "\"c1\","
        "\"routing_path\":[\"" B "\"]},\"payload\":{\"kind\":\"rpc-response\",\"request_id\":"
        "\"r1\",\"success\":true,\"result\":1}}}",
        ISOLATION_FIRST_FABRIC, 1008, "use a bridge" },
    { "GOODBYE first",
        "{\"role\":\"server\",\"u\":\"u9\",\"server\":{\"what\":\"GOODBYE\",\"departing_node_"
        "url\":"
        "\"" B "\",\"cluster_id\":\"c1\",\"reason\":\"maintenance\"}}",
        ISOLATION_FIRST_GOODBYE, 1008, "GOODBYE before STATUS" },
    { "STATUS in our name",
        "{\"role\":\"server\",\"u\":\"u9\",\"server\":{\"server_url\":\"" RIG_URL "\","
        "\"cluster_id\":\"c1\"}}",
        ISOLATION_OWN_URL, 1008, "give each node its own" },
};

START_TEST(strangers_learn_nothing_and_do_nothing)
{
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        stop();
        start();
        ck_assert_int_eq(rig_offer(&rig, "math.add", NULL), CATALOG_OK);
        struct conn_id peer = rig_peer_in(&rig, B);
        rig_gossip(&rig, peer, B,
            rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "b.f", B, RIG_CLUSTER, 0)));
        rig_forget(&rig);
        struct conn_id conn = rig_accept(&rig);
        rig_hear(&rig, conn, "%s", strangers[i].message);
        check_refused(
            strangers[i].name, conn, strangers[i].reason, strangers[i].code, strangers[i].said);
        /* The peer heard nothing of it, nothing ran, and the catalog is what it was. */
        ck_assert_msg(rig_count(&rig, peer, "") == 0, "%s", strangers[i].name);
        ck_assert_msg(rig.call_count == 0, "%s", strangers[i].name);
        ck_assert_msg(catalog_count(member_catalog(rig.member)) == 2, "%s", strangers[i].name);
        ck_assert_msg(rig_entry(&rig, "b.f", B) != NULL, "%s", strangers[i].name);
        rig_hear(&rig, conn, "%s", strangers[i].message);
        rig_run(&rig, MEMBER_SILENCE_NS - SEC_NS);
        ck_assert_msg(rig_count(&rig, conn, "") == 1, "%s: more came later", strangers[i].name);
        rig_end(&rig, conn);
        ck_assert_uint_eq(in_state(PEER_CLOSING), 0);
    }
}
END_TEST

START_TEST(bridging_refuses_whom_no_rule_names)
{
    static const struct span allowed[] = { { (const uint8_t *)"ally", 4 } };
    stop();
    rig_init(&rig);
    rig.config.isolation.mode = ISOLATION_BRIDGING;
    rig.config.isolation.allowed_clusters = (struct text_list){ allowed, 1 };
    rig_start(&rig);
    struct conn_id stranger = rig_accept(&rig);
    rig_status(&rig, stranger, A, "stranger", "i1");
    check_refused("stranger", stranger, ISOLATION_NOT_ALLOWED, 1000,
        "Connection rejected: cluster 'stranger' not in allowed foreign clusters list.");
    struct conn_id friend = rig_accept(&rig);
    rig_status(&rig, friend, B, "ally", "i1");
    ck_assert_uint_eq(in_state(PEER_UP), 1);
    rig_gossip(&rig, friend, B,
        rig_text(&rig, "\"functions\":[%s,%s,%s]", rig_function(&rig, "ally.f", B, "ally", 0),
            rig_function(&rig, "x.f", B, "stranger", 0),
            rig_function(&rig, "own.f", B, RIG_CLUSTER, 0)));
    struct function_key key = rig_function_key("ally.f", B, "ally");
    ck_assert_ptr_nonnull(catalog_find(member_catalog(rig.member), &key));
    /* Neither for a stranger nor for our own cluster does an ally speak. */
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 1);
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FOREIGN_ENTRY), 2);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_ISOLATION], 2);
}
END_TEST

START_TEST(a_seed_of_another_cluster_is_left)
{
    struct conn_id conn = rig_open(&rig, A);
    rig_forget(&rig);
    rig_status(&rig, conn, A, "c2", "i1");
    check_refused("foreign seed", conn, ISOLATION_DIALED_FOREIGN, 1008, "use a bridge");
    rig_hear(&rig, conn, "{\"role\":\"fabric-message\",\"payload\":{}}");
    ck_assert_uint_eq(rig.call_count, 0);
    uint64_t before_ns = rig.now.mono.ns;
    rig_end(&rig, conn);
    ck_assert_ptr_null(rig_dial(&rig, A));
    (void)rig_await_dial(&rig, A);
    ck_assert_uint_ge(rig.now.mono.ns, before_ns + MEMBER_DIAL_BASE_NS);
}
END_TEST

START_TEST(a_peer_that_turns_into_another_goes)
{
    static const struct {
        const char *name;
        const char *message;
        enum isolation_reason reason;
    } rows[] = {
        { "STATUS of another node",
            "{\"role\":\"server\",\"u\":\"u9\",\"server\":{\"server_url\":\"" B
            "\",\"cluster_id\":\"c1\"}}",
            ISOLATION_IDENTITY_CHANGED },
        { "STATUS of another cluster",
            "{\"role\":\"server\",\"u\":\"u9\",\"server\":{\"server_url\":\"" A
            "\",\"cluster_id\":\"c2\"}}",
            ISOLATION_IDENTITY_CHANGED },
        { "STATUS of another instance",
            "{\"role\":\"server\",\"u\":\"u9\",\"server\":{\"server_url\":\"" A
            "\",\"cluster_id\":\"c1\",\"instance_id\":\"i2\"}}",
            ISOLATION_IDENTITY_CHANGED },
        { "gossip in another name",
            "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m\",\"message_type\":"
            "\"catalog_update\",\"sender_id\":\"" B "\"}}",
            ISOLATION_FORGED_SENDER },
        { "GOODBYE in another name",
            "{\"role\":\"server\",\"u\":\"u9\",\"server\":{\"what\":\"GOODBYE\",\"departing_node_"
            "url\":"
            "\"" B "\",\"cluster_id\":\"c1\",\"reason\":\"maintenance\"}}",
            ISOLATION_FORGED_GOODBYE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        stop();
        start();
        struct conn_id other = rig_peer_in(&rig, B);
        struct conn_id conn = rig_peer_in(&rig, A);
        rig_gossip(&rig, other, B,
            rig_text(&rig, "\"functions\":[%s]", rig_function(&rig, "b.f", B, RIG_CLUSTER, 0)));
        rig_forget(&rig);
        rig_hear(&rig, conn, "%s", rows[i].message);
        check_refused(rows[i].name, conn, rows[i].reason, 1008, "Connection rejected: ");
        ck_assert_msg(rig_entry(&rig, "b.f", B) != NULL, "%s", rows[i].name);
        ck_assert_uint_eq(in_state(PEER_UP), 1);
    }
}
END_TEST

START_TEST(a_client_is_no_peer)
{
    struct conn_id conn = rig_accept(&rig);
    rig_hear(
        &rig, conn, "{\"role\":\"rpc\",\"u\":\"u1\",\"cmds\":[{\"name\":\"x\",\"fun\":\"echo\"}]}");
    rig_hear(&rig, conn, "{\"role\":\"pubsub-publish\",\"u\":\"u1\"}");
    rig_hear(&rig, conn, "{\"role\":\"zzz\",\"u\":\"u1\"}");
    ck_assert_uint_eq(rig.asked_count, 1);
    ck_assert_uint_eq(rig.asked_other_count, 2);
    ck_assert_uint_eq(in_state(PEER_CLIENT), 1);
    rig_status(&rig, conn, A, RIG_CLUSTER, "i1");
    check_refused("client", conn, ISOLATION_CLIENT_AS_PEER, 1008, "open another one");
    rig_end(&rig, conn);
    ck_assert_uint_eq(rig.client_gone_count, 1);
}
END_TEST

START_TEST(nonsense_closes_the_connection)
{
    static const char *const messages[] = { "", "nonsense", "[]", "{\"role\":\"server\"}",
        "{\"role\":\"server\",\"u\":\"x\",\"server\":{\"what\":\"STATUS\"}}",
        "{\"role\":\"server\",\"u\":\"x\",\"server\":{\"what\":\"DANCE\"}}",
        "{\"role\":\"rpc\",\"u\":\"x\"}", "{\"role\":\"fabric-message\",\"payload\":{}}" };
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        struct conn_id conn = rig_accept(&rig);
        rig_hear_span(&rig, conn, span_from_text(messages[i]));
        ck_assert_msg(rig_conn(&rig, conn)->closing, "%s", messages[i]);
        ck_assert_uint_eq(rig_conn(&rig, conn)->code, 1007);
        ck_assert_uint_eq(member_stats(rig.member).malformed, i + 1);
        ck_assert_uint_eq(rig_count(&rig, conn, ""), 0);
    }
}
END_TEST

START_TEST(a_peers_bad_fabric_message_is_only_dropped)
{
    struct conn_id conn = rig_peer_in(&rig, A);
    rig_hear(&rig, conn, "{\"role\":\"fabric-message\",\"payload\":{}}");
    ck_assert(!rig_conn(&rig, conn)->closing);
    ck_assert_uint_eq(member_stats(rig.member).malformed, 1);
}
END_TEST

START_TEST(an_impostor_that_came_first_goes_when_the_node_itself_answers)
{
    struct conn_id first = rig_accept(&rig);
    rig_status(&rig, first, A, RIG_CLUSTER, "impostor");
    struct conn_id second = rig_accept(&rig);
    rig_status(&rig, second, A, RIG_CLUSTER, "");
    struct conn_id own = rig_accept(&rig);
    rig_status(&rig, own, A, RIG_CLUSTER, A);
    rig_forget(&rig);
    struct conn_id conn = rig_peer_out(&rig, A);
    ck_assert(rig_conn(&rig, first)->closing);
    ck_assert(rig_conn(&rig, second)->closing);
    ck_assert(!rig_conn(&rig, own)->closing);
    ck_assert(!rig_conn(&rig, conn)->closing);
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_URL_TAKEN), 2);
    ck_assert_ptr_nonnull(rig_last(&rig, first, "another instance answers at this server_url"));
    rig_end(&rig, first);
    rig_end(&rig, second);
    ck_assert_ptr_null(rig_dial(&rig, A));
}
END_TEST

START_TEST(an_impostor_that_comes_later_is_refused)
{
    struct conn_id conn = rig_peer_out(&rig, A);
    static const char *const instances[] = { "impostor", "" };
    for (size_t i = 0; i < COUNT_OF(instances); i++) {
        rig_forget(&rig);
        struct conn_id impostor = rig_accept(&rig);
        rig_status(&rig, impostor, A, RIG_CLUSTER, instances[i]);
        ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_URL_TAKEN), i + 1);
        ck_assert(rig_conn(&rig, impostor)->closing);
        ck_assert_uint_eq(rig_count(&rig, impostor, ""), 1);
        ck_assert_uint_eq(rig_count(&rig, impostor, "1003"), 1);
    }
    ck_assert(!rig_conn(&rig, conn)->closing);
    struct conn_id own = rig_peer_in(&rig, A);
    ck_assert(!rig_conn(&rig, own)->closing);
}
END_TEST

START_TEST(no_more_connections_than_the_cap)
{
    for (uint32_t i = 0; i < MEMBER_CONNECTIONS_MAX; i++) {
        ck_assert(!rig_conn(&rig, rig_accept(&rig))->closing);
    }
    struct conn_id conn = rig_accept(&rig);
    ck_assert_uint_eq(rig_conn(&rig, conn)->code, 1013);
    ck_assert(rig_conn(&rig, conn)->closing);
    rig_end(&rig, conn);
    rig_end(&rig, rig.conns[5].conn);
    ck_assert(!rig_conn(&rig, rig_accept(&rig))->closing);
}
END_TEST

START_TEST(no_more_nodes_than_the_cap)
{
    for (uint32_t i = 0; i < MEMBER_NODES_MAX; i++) {
        (void)rig_peer_in(&rig, rig_text(&rig, "ws://n%u:1", i));
        rig_forget(&rig);
    }
    struct conn_id conn = rig_accept(&rig);
    rig_status(&rig, conn, A, RIG_CLUSTER, "i1");
    ck_assert_uint_eq(rig_conn(&rig, conn)->code, 1013);
    ck_assert(rig_conn(&rig, conn)->closing);
}
END_TEST

START_TEST(nothing_to_wait_for_is_ready)
{
    static const struct span own[] = { { (const uint8_t *)RIG_URL, sizeof(RIG_URL) - 1 } };
    ck_assert(member_ready(rig.member));
    stop();
    rig_init(&rig);
    rig.config.seeds = (struct text_list){ own, 1 };
    rig_start(&rig);
    ck_assert(member_ready(rig.member));
    rig_run(&rig, SEC_NS);
    ck_assert_uint_eq(rig.dial_count, 0);
}
END_TEST

static Suite *
handshake_suite(void)
{
    Suite *suite = suite_create("member_handshake");
    TCase *alone = tcase_create("alone");
    tcase_set_timeout(alone, 60);
    tcase_add_checked_fixture(alone, start, stop);
    tcase_add_test(alone, who_dials_us_gets_status_acknowledgement_and_snapshot);
    tcase_add_test(alone, strangers_learn_nothing_and_do_nothing);
    tcase_add_test(alone, bridging_refuses_whom_no_rule_names);
    tcase_add_test(alone, a_peer_that_turns_into_another_goes);
    tcase_add_test(alone, a_client_is_no_peer);
    tcase_add_test(alone, nonsense_closes_the_connection);
    tcase_add_test(alone, a_peers_bad_fabric_message_is_only_dropped);
    tcase_add_test(alone, an_impostor_that_came_first_goes_when_the_node_itself_answers);
    tcase_add_test(alone, no_more_connections_than_the_cap);
    tcase_add_test(alone, no_more_nodes_than_the_cap);
    tcase_add_test(alone, nothing_to_wait_for_is_ready);
    suite_add_tcase(suite, alone);
    TCase *seeded = tcase_create("seeded");
    tcase_add_checked_fixture(seeded, start_with_seed, stop);
    tcase_add_test(seeded, whom_we_dial_hears_status_at_once_and_the_catalog_only_after_its_own);
    tcase_add_test(seeded, a_seed_of_another_cluster_is_left);
    tcase_add_test(seeded, an_impostor_that_comes_later_is_refused);
    suite_add_tcase(suite, seeded);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(handshake_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
