/* SPDX-License-Identifier: Apache-2.0 */
/* test_member_gossip.c - whom the member believes what, and what it passes on to whom. */
#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"
#include "tests/support/member_rig.h"

#define A "ws://a:1"
#define B "ws://b:1"
#define C "ws://c:1"
#define X "ws://x:1"

static struct rig rig;

/* Peers that dialed us, and one that we dialed. */
static struct conn_id a;
static struct conn_id b;
static struct conn_id c;

static void
start(void)
{
    rig_init(&rig);
    rig_start(&rig);
    a = rig_peer_in(&rig, A);
    b = rig_peer_in(&rig, B);
    (void)rig_peer_in(&rig, C);
    c = rig_peer_out(&rig, C);
    rig_forget(&rig);
}

static void
stop(void)
{
    rig_destroy(&rig);
}

/* Everybody says something, so that nobody counts as silent. */
static void
keep_alive(void)
{
    rig_status(&rig, a, A, RIG_CLUSTER, A);
    rig_status(&rig, b, B, RIG_CLUSTER, B);
    rig_status(&rig, c, C, RIG_CLUSTER, C);
}

static const char *
functions(const char *name, const char *node, int64_t offset_ns)
{
    return rig_text(
        &rig, "\"functions\":[%s]", rig_function(&rig, name, node, RIG_CLUSTER, offset_ns));
}

/* A message about the function x.f with these members beside message_id and sender. */
static void
gossip_with(const char *name, const char *id, const char *members)
{
    rig_hear(&rig, a,
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"%s\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"" A "\",%s,\"payload\":{%s}}}",
        id, members, functions(name, X, 0));
}

START_TEST(news_travel_once_and_neither_back_nor_to_who_has_them)
{
    static const struct {
        const char *name;
        const char *members;
        size_t to_b;
        size_t to_c;
    } rows[] = {
        { "fresh", "\"ttl\":10,\"hop_count\":0,\"max_hops\":5", 1, 1 },
        { "with defaults", "\"vector_clock\":{}", 1, 1 },
        { "b had it", "\"propagation_path\":[\"" X "\",\"" B "\"]", 0, 1 },
        { "c has seen it", "\"seen_by\":[\"" C "\"]", 1, 0 },
        { "we had it", "\"propagation_path\":[\"" RIG_URL "\"]", 0, 0 },
        { "we have seen it", "\"seen_by\":[\"" RIG_URL "\"]", 0, 0 },
        { "its last hop", "\"ttl\":10,\"hop_count\":5,\"max_hops\":5", 0, 0 },
        { "one hop left", "\"ttl\":10,\"hop_count\":4,\"max_hops\":5", 1, 1 },
        { "no ttl left", "\"ttl\":0,\"hop_count\":0,\"max_hops\":5", 0, 0 },
        { "a snapshot", "\"ttl\":0,\"hop_count\":0,\"max_hops\":0", 0, 0 },
        { "expired", "\"expires_at\":17.5", 0, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char name[32];
        snprintf(name, sizeof(name), "x.f%zu", i);
        rig_forget(&rig);
        gossip_with(name, name, rows[i].members);
        ck_assert_msg(rig_entry(&rig, name, X) != NULL, "%s: is not applied", rows[i].name);
        ck_assert_msg(rig_count(&rig, a, "") == 0, "%s: goes back", rows[i].name);
        ck_assert_msg(rig_count(&rig, b, name) == rows[i].to_b, "%s: to b", rows[i].name);
        ck_assert_msg(rig_count(&rig, c, name) == rows[i].to_c, "%s: to c", rows[i].name);
        ck_assert_uint_eq(rig_count(&rig, CONN_NONE, ""), rows[i].to_b + rows[i].to_c);
    }
    const char *last = rig_text(&rig, "%s", "x.f0");
    rig_forget(&rig);
    gossip_with("x.new", last, "\"ttl\":10");
    ck_assert_ptr_nonnull(rig_entry(&rig, "x.new", X));
    ck_assert_uint_eq(rig_count(&rig, CONN_NONE, ""), 0);
}
END_TEST

START_TEST(what_is_passed_on_says_who_passed_it_on)
{
    rig_hear(&rig, a,
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"the-id\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"" A "\",\"ttl\":10,\"hop_count\":1,\"max_hops\":5,"
        "\"vector_clock\":{\"" X "\":4},\"sequence_number\":9,\"propagation_path\":[\"" X "\"],"
        "\"payload\":{\"topics\":[{\"odd\" : 1}],%s}}}",
        functions("x.f", X, 0));
    const struct rig_sent *sent = rig_last(&rig, b, "the-id");
    ck_assert_ptr_nonnull(sent);
    static const char *const wanted[] = { "\"sender_id\":\"" RIG_URL "\"", "\"ttl\":9,",
        "\"hop_count\":2,", "\"max_hops\":5", "\"vector_clock\":{\"" X "\":4}",
        "\"sequence_number\":9", "\"propagation_path\":[\"" X "\",\"" RIG_URL "\"]",
        "\"topics\":[{\"odd\" : 1}]" };
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        ck_assert_msg(strstr(sent->text, wanted[i]) != NULL, "no %s in %s", wanted[i], sent->text);
    }
    ck_assert_uint_eq(member_stats(rig.member).gossip_passed_on, 2);
}
END_TEST

START_TEST(what_changes_nothing_does_not_travel)
{
    const char *same = rig_text(&rig, "%s", functions("x.f", X, 0));
    rig_gossip(&rig, a, A, same);
    ck_assert_uint_eq(rig_count(&rig, b, "x.f"), 1);
    rig_gossip(&rig, a, A, same);
    rig_gossip(&rig, a, A, functions("x.f", X, -(int64_t)SEC_NS));
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "x.g", X, RIG_CLUSTER)));
    ck_assert_uint_eq(rig_count(&rig, b, ""), 1);
    rig_gossip(&rig, a, A, functions("x.f", X, 1));
    ck_assert_uint_eq(rig_count(&rig, b, ""), 2);
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "x.f", X, RIG_CLUSTER)));
    ck_assert_uint_eq(rig_count(&rig, b, ""), 3);
    ck_assert_ptr_null(rig_entry(&rig, "x.f", X));
}
END_TEST

START_TEST(gossip_that_means_nothing_to_us_travels_once)
{
    static const char route[] = "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"r1\","
                                "\"message_type\":\"route_advertisement\",\"sender_id\":\"" A
                                "\",\"payload\":{\"any\":1}}}";
    rig_hear(&rig, a, "%s", route);
    rig_hear(&rig, a, "%s", route);
    ck_assert_uint_eq(rig_count(&rig, b, "route_advertisement"), 1);
    ck_assert_uint_eq(rig_count(&rig, c, "route_advertisement"), 1);
    ck_assert_uint_eq(rig_count(&rig, CONN_NONE, ""), 2);
}
END_TEST

START_TEST(gossip_too_large_for_a_connection_is_not_passed_on_there)
{
    static char filler[DIALED_MESSAGE_SIZE_MAX + 1];
    memset(filler, 'x', sizeof(filler) - 1);
    rig_hear(&rig, a,
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"big\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"" A "\",\"payload\":{\"filler\":\"%s\",%s}}}",
        filler, functions("x.f", X, 0));
    ck_assert_ptr_nonnull(rig_entry(&rig, "x.f", X));
    /* b dialed us and would close on more than 1 MiB; c, whom we dialed, takes it. */
    ck_assert_uint_eq(rig_count(&rig, b, ""), 0);
    ck_assert_uint_eq(rig_count(&rig, c, "x.f"), 1);
}
END_TEST

START_TEST(entries_of_other_clusters_stay_outside)
{
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"functions\":[%s,%s,%s],\"nodes\":[%s]",
            rig_function(&rig, "x.f", X, "c2", 0), rig_function(&rig, "x.g", X, RIG_CLUSTER, 0),
            rig_function(&rig, "x.h", X, "", 0), rig_node(&rig, "ws://foreign:1", "c2", 0)));
    ck_assert_ptr_nonnull(rig_entry(&rig, "x.g", X));
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 1);
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FOREIGN_ENTRY), 3);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_ISOLATION], 2);
    ck_assert(!rig_conn(&rig, a)->closing);
    rig_run(&rig, SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, "ws://foreign:1"));
}
END_TEST

START_TEST(what_is_not_let_in_is_counted)
{
    rig_gossip(&rig, a, A, functions("x.f", X, 0));
    rig_gossip(&rig, a, A, functions("x.old", X, -121 * (int64_t)SEC_NS));
    rig_gossip(&rig, a, A, functions("x.nowhere", "", 0));
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"functions\":[{\"identity\":{\"name\":\"x.f\",\"function_id\":\"other\","
                       "\"version\":\"1\"},"
                       "\"node_id\":\"" B "\",\"cluster_id\":\"c1\"}]"));
    struct member_stats stats = member_stats(rig.member);
    ck_assert_uint_eq(stats.rejects[PRUNE_TTL_EXPIRED], 1);
    ck_assert_uint_eq(stats.rejects[PRUNE_INVALID], 1);
    ck_assert_uint_eq(stats.rejects[PRUNE_FUNCTION_ID_CONFLICT], 1);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 1);
}
END_TEST

START_TEST(one_bad_item_spoils_the_message_and_closes)
{
    rig_gossip(&rig, a, A,
        rig_text(&rig,
            "\"functions\":[%s,{\"identity\":{\"name\":\"x\",\"function_id\":\"x\",\"version\":"
            "\"1.2.3-beta\"},\"node_id\":\"" X "\",\"cluster_id\":\"c1\"}]",
            rig_function(&rig, "x.f", X, RIG_CLUSTER, 0)));
    ck_assert(rig_conn(&rig, a)->closing);
    ck_assert_uint_eq(rig_conn(&rig, a)->code, 1007);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 0);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_INVALID], 1);
    ck_assert_uint_eq(rig_count(&rig, CONN_NONE, ""), 0);
}
END_TEST

START_TEST(entries_end_by_our_clock)
{
    rig_gossip(&rig, a, A, functions("x.now", X, 0));
    rig_gossip(&rig, a, A, functions("x.behind", X, -100 * (int64_t)SEC_NS));
    rig_gossip(&rig, a, A, functions("x.ahead", X, 100 * (int64_t)SEC_NS));
    rig_run(&rig, 21 * SEC_NS);
    keep_alive();
    ck_assert_ptr_null(rig_entry(&rig, "x.behind", X));
    ck_assert_ptr_nonnull(rig_entry(&rig, "x.now", X));
    rig_run(&rig, 50 * SEC_NS);
    keep_alive();
    rig_run(&rig, 50 * SEC_NS);
    ck_assert_ptr_null(rig_entry(&rig, "x.now", X));
    ck_assert_ptr_nonnull(rig_entry(&rig, "x.ahead", X));
    rig_run(&rig, 100 * SEC_NS);
    ck_assert_ptr_null(rig_entry(&rig, "x.ahead", X));
    ck_assert_uint_eq(catalog_prunes(member_catalog(rig.member))[PRUNE_TTL_EXPIRED], 3);
}
END_TEST

/* Our own. */

/* The offer is told to everybody; *at is when it says to have been advertised. */
static void
check_told_again(int64_t *at)
{
    const struct catalog_entry *entry = rig_entry(&rig, "own.f", RIG_URL);
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_gt(entry->advertised_at.ns, *at);
    *at = entry->advertised_at.ns;
    ck_assert_uint_eq(rig_count(&rig, a, "\"name\":\"own.f\""), 1);
    ck_assert_uint_eq(rig_count(&rig, b, "\"name\":\"own.f\""), 1);
    ck_assert_uint_eq(rig_count(&rig, c, "\"name\":\"own.f\""), 1);
}

/* Until what others say of us cannot be about a former life of ours any more. */
static void
outlive_former_life(void)
{
    for (uint64_t ns = 0; ns < MEMBER_FORMER_LIFE_NS; ns += 40 * SEC_NS) {
        rig_run(&rig, 40 * SEC_NS);
        keep_alive();
    }
    rig_forget(&rig);
}

START_TEST(nobody_but_we_changes_what_is_ours)
{
    outlive_former_life();
    ck_assert_int_eq(rig_offer(&rig, "own.f", &rig), CATALOG_OK);
    rig_flush(&rig);
    int64_t at = 0;
    check_told_again(&at);
    rig_run(&rig, SEC_NS);
    const struct {
        const char *name;
        const char *delta;
    } rows[] = {
        { "taken back", rig_text(&rig, "\"function_removals\":[%s]",
                            rig_key(&rig, "own.f", RIG_URL, RIG_CLUSTER)) },
        { "changed", functions("own.f", RIG_URL, SEC_NS / 2) },
        { "our node is gone",
            "\"node_removals\":[{\"node_id\":\"" RIG_URL "\",\"cluster_id\":\"c1\"}]" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_forget(&rig);
        rig_gossip(&rig, a, A, rows[i].delta);
        ck_assert_msg(rig_isolated(&rig, ISOLATION_FORGED_OWN_ENTRY) == i + 1, "%s", rows[i].name);
        rig_forget(&rig);
        rig_run(&rig, SEC_NS);
        check_told_again(&at);
    }
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 1);
    rig_forget(&rig);
    rig_gossip(&rig, a, A, functions("own.g", RIG_URL, SEC_NS));
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FORGED_OWN_ENTRY), 4);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 1);
    ck_assert_uint_eq(rig_count(&rig, CONN_NONE, ""), 0);
}
END_TEST

START_TEST(our_descriptor_is_mended_at_once)
{
    static const char *const deltas[] = { "\"node_removals\":[{\"node_id\":\"" RIG_URL "\"}]",
        "\"nodes\":[{\"node_id\":\"" RIG_URL "\",\"cluster_id\":\"c1\",\"region\":\"hell\"}]" };
    outlive_former_life();
    for (size_t i = 0; i < COUNT_OF(deltas); i++) {
        rig_run(&rig, 10 * MS_NS);
        rig_forget(&rig);
        rig_gossip(&rig, a, A, deltas[i]);
        ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FORGED_OWN_ENTRY), i + 1);
        ck_assert_uint_eq(rig_count(&rig, b, "\"nodes\":[{\"node_id\":\"" RIG_URL "\""), 1);
        ck_assert_uint_eq(rig_count(&rig, CONN_NONE, "hell"), 0);
    }
    const struct catalog_node *self = catalog_find_node(member_catalog(rig.member), SPAN(RIG_URL));
    ck_assert_uint_eq(self->descriptor.region.size, 0);
}
END_TEST

START_TEST(what_became_of_our_former_life_is_mended_and_no_lie)
{
    ck_assert_int_eq(rig_offer(&rig, "own.f", &rig), CATALOG_OK);
    rig_flush(&rig);
    int64_t at = 0;
    check_told_again(&at);
    rig_run(&rig, SEC_NS);
    rig_forget(&rig);
    /* As a real server tells it that has had our GOODBYE. */
    rig_gossip(&rig, a, A,
        rig_text(&rig,
            "\"function_removals\":[%s],\"node_removals\":[{\"node_id\":\"" RIG_URL
            "\",\"cluster_id\":\"c1\"}]",
            rig_key(&rig, "own.f", RIG_URL, RIG_CLUSTER)));
    ck_assert_uint_eq(rig_count(&rig, b, "\"nodes\":[{\"node_id\":\"" RIG_URL "\""), 1);
    rig_forget(&rig);
    rig_run(&rig, SEC_NS);
    check_told_again(&at);
    ck_assert_uint_eq(member_stats(rig.member).outdated_own_entries, 2);
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FORGED_OWN_ENTRY), 0);
}
END_TEST

START_TEST(an_echo_of_our_own_news_is_no_lie)
{
    ck_assert_int_eq(rig_offer(&rig, "own.f", &rig), CATALOG_OK);
    ck_assert_int_eq(rig_offer(&rig, "own.g", &rig), CATALOG_OK);
    rig_flush(&rig);
    /* Some microseconds later than we said: so much a floating point may add. */
    const char *f = functions("own.f", RIG_URL, 10 * (int64_t)US_NS);
    const char *g = functions("own.g", RIG_URL, 10 * (int64_t)US_NS);
    const struct function_identity identity =
        rig_function_key("own.g", RIG_URL, RIG_CLUSTER).identity;
    const struct text_list none = { .count = 0 };
    member_withdraw(rig.member, &identity, &none, PRUNE_OPERATOR);
    rig_flush(&rig);
    rig_forget(&rig);
    rig_gossip(&rig, a, A, f);
    rig_gossip(&rig, a, A, g);
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "own.g", RIG_URL, RIG_CLUSTER)));
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"nodes\":[%s]", rig_node(&rig, RIG_URL, RIG_CLUSTER, -(int64_t)SEC_NS)));
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FORGED_OWN_ENTRY), 0);
    ck_assert_uint_eq(rig_count(&rig, CONN_NONE, ""), 0);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 1);
}
END_TEST

/* Others'. */

START_TEST(nobody_takes_back_what_a_connected_node_offers)
{
    rig_gossip(&rig, b, B,
        rig_text(
            &rig, "\"nodes\":[%s],%s", rig_node(&rig, B, RIG_CLUSTER, 0), functions("b.f", B, 0)));
    rig_gossip(&rig, b, B, functions("x.f", X, 0));
    rig_forget(&rig);
    rig_gossip(&rig, a, A, "\"node_removals\":[{\"node_id\":\"" B "\",\"cluster_id\":\"c1\"}]");
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "b.f", B, RIG_CLUSTER)));
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
    ck_assert_uint_eq(catalog_node_count(member_catalog(rig.member)), 2);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_ISOLATION], 2);
    ck_assert_uint_eq(rig_count(&rig, CONN_NONE, ""), 0);
    /* Of a node that we do not see, others may tell. */
    rig_gossip(&rig, a, A, "\"node_removals\":[{\"node_id\":\"" X "\",\"cluster_id\":\"c1\"}]");
    ck_assert_ptr_null(rig_entry(&rig, "x.f", X));
    ck_assert_uint_eq(rig_count(&rig, b, X), 1);
    /* Itself it may. */
    rig_gossip(&rig, b, B,
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "b.f", B, RIG_CLUSTER)));
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    rig_gossip(&rig, b, B, "\"node_removals\":[{\"node_id\":\"" B "\",\"cluster_id\":\"c1\"}]");
    ck_assert_uint_eq(catalog_node_count(member_catalog(rig.member)), 1);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_ISOLATION], 2);
}
END_TEST

START_TEST(a_withdrawal_that_came_round_is_no_lie)
{
    rig_gossip(&rig, b, B, functions("b.f", B, 0));
    const char *removal =
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "b.f", B, RIG_CLUSTER));
    rig_gossip(&rig, b, B, removal);
    rig_gossip(&rig, a, A, removal);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_ISOLATION], 0);
}
END_TEST

/* What b advertised goes round by a, slower than b's own withdrawal. */
START_TEST(what_a_connected_node_took_back_does_not_come_back_by_others)
{
    const char *advertised = rig_text(&rig, "%s", functions("b.f", B, 0));
    rig_gossip(&rig, b, B, advertised);
    rig_gossip(&rig, b, B, functions("b.g", B, 0));
    rig_gossip(&rig, b, B,
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "b.f", B, RIG_CLUSTER)));
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    rig_gossip(&rig, a, A, advertised);
    ck_assert_ptr_null(rig_entry(&rig, "b.f", B));
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.g", B));
    /* It is offered again: that is newer. And b itself is always believed. */
    rig_gossip(&rig, a, A, functions("b.f", B, 1));
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
    rig_gossip(&rig, b, B,
        rig_text(&rig, "\"function_removals\":[%s]", rig_key(&rig, "b.f", B, RIG_CLUSTER)));
    rig_gossip(&rig, b, B, advertised);
    ck_assert_ptr_nonnull(rig_entry(&rig, "b.f", B));
}
END_TEST

START_TEST(learnt_nodes_are_dialed_where_they_say)
{
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"nodes\":[{\"node_id\":\"" X "\",\"cluster_id\":\"c1\",\"ttl_seconds\":20,"
                       "\"transport_endpoints\":[{\"connection_type\":\"internal\",\"protocol\":"
                       "\"wss\",\"host\":"
                       "\"inner\",\"port\":99,\"endpoint\":\"wss://inner:99\"}]}]"));
    rig_run(&rig, MS_NS);
    ck_assert_ptr_nonnull(rig_dial(&rig, "wss://inner:99"));
    ck_assert_ptr_null(rig_dial(&rig, X));
    rig_refuse(&rig, "wss://inner:99");
    (void)rig_await_dial(&rig, "wss://inner:99");
    /* Its time is over: nobody wants it any more. */
    rig_run(&rig, 30 * SEC_NS);
    rig_refuse(&rig, "wss://inner:99");
    size_t dials = rig.dial_count;
    keep_alive();
    rig_run(&rig, 40 * SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, "wss://inner:99"));
    ck_assert_uint_ge(dials + 8, rig.dial_count);
}
END_TEST

START_TEST(a_seed_is_dialed_where_the_configuration_says)
{
    static const struct span seeds[] = { { (const uint8_t *)X, sizeof(X) - 1 } };
    stop();
    rig_init(&rig);
    rig.config.seeds = (struct text_list){ seeds, 1 };
    rig_start(&rig);
    a = rig_peer_in(&rig, A);
    rig_refuse(&rig, X);
    rig_gossip(&rig, a, A,
        "\"nodes\":[{\"node_id\":\"" X "\",\"cluster_id\":\"c1\",\"transport_endpoints\":"
        "[{\"connection_type\":\"internal\",\"protocol\":\"ws\",\"host\":\"elsewhere\",\"port\":99}"
        "]}]");
    (void)rig_await_dial(&rig, X);
    ck_assert_ptr_null(rig_dial(&rig, "ws://elsewhere:99"));
}
END_TEST

START_TEST(a_snapshot_is_told_in_pieces_that_everybody_takes)
{
    static char filler[60001];
    memset(filler, 'x', sizeof(filler) - 1);
    for (int i = 0; i < 60; i++) {
        rig_hear(&rig, a,
            "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"big%d\",\"message_type\":"
            "\"catalog_update\",\"sender_id\":\"" A "\",\"ttl\":0,\"payload\":{\"functions\":[{"
            "\"identity\":{\"name\":\"x.f%d\",\"function_id\":\"x.f%d\",\"version\":\"1\"},\"node_"
            "id\":"
            "\"" X "\",\"cluster_id\":\"c1\",\"rpc_spec\":{\"a\":\"%s\"}}]}}}",
            i, i, i, filler);
    }
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 60);
    rig_forget(&rig);
    struct conn_id conn = rig_peer_in(&rig, "ws://late:1");
    for (size_t i = 0; i < rig.sent_count; i++) {
        ck_assert_uint_le(rig.sent[i].size, DIALED_MESSAGE_SIZE_MAX);
    }
    for (int i = 0; i < 60; i++) {
        ck_assert_uint_eq(rig_count(&rig, conn, rig_text(&rig, "\"name\":\"x.f%d\"", i)), 1);
    }
}
END_TEST

START_TEST(an_entry_too_large_to_tell_harms_no_other)
{
    static char filler[DIALED_MESSAGE_SIZE_MAX + 1];
    memset(filler, 'x', sizeof(filler) - 1);
    rig_hear(&rig, a,
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"big\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"" A "\",\"ttl\":0,\"payload\":{\"functions\":[%s,{"
        "\"identity\":{\"name\":\"x.big\",\"function_id\":\"x.big\",\"version\":\"1\"},\"node_id\":"
        "\"" X "\",\"cluster_id\":\"c1\",\"rpc_spec\":{\"a\":\"%s\"}},%s]}}}",
        rig_function(&rig, "x.one", X, RIG_CLUSTER, 0), filler,
        rig_function(&rig, "x.two", X, RIG_CLUSTER, 0));
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 3);
    struct conn_id conn = rig_peer_in(&rig, "ws://late:1");
    ck_assert_uint_eq(rig_count(&rig, conn, "x.one"), 1);
    ck_assert_uint_eq(rig_count(&rig, conn, "x.two"), 1);
    ck_assert_uint_eq(rig_count(&rig, conn, "x.big"), 0);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_LIMIT_EXCEEDED], 1);
}
END_TEST

START_TEST(a_list_above_our_cap_is_left_and_the_connection_stays)
{
    static char resources[LIST_COUNT_MAX * 4 + 8];
    for (uint32_t i = 0; i <= LIST_COUNT_MAX; i++) {
        strcat(resources, i == 0 ? "\"r\"" : ",\"r\"");
    }
    rig_gossip(&rig, a, A,
        rig_text(&rig,
            "\"functions\":[{\"identity\":{\"name\":\"x.f\",\"function_id\":\"x.f\",\"version\":"
            "\"1\"},\"node_id\":\"" X "\",\"cluster_id\":\"c1\",\"resources\":[%s]}]",
            resources));
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_LIMIT_EXCEEDED], 1);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 0);
    ck_assert(!rig_conn(&rig, a)->closing);
}
END_TEST

START_TEST(a_node_whose_url_nobody_can_dial_is_only_listed)
{
    static char url[PEER_TEXT_MAX + 2];
    memset(url, 'x', PEER_TEXT_MAX + 1);
    rig_gossip(&rig, a, A, rig_text(&rig, "\"nodes\":[%s]", rig_node(&rig, url, RIG_CLUSTER, 0)));
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_LIMIT_EXCEEDED], 1);
    rig_run(&rig, SEC_NS);
    ck_assert_ptr_null(rig_dial(&rig, url));
}
END_TEST

START_TEST(the_catalogs_cap_is_counted)
{
    stop();
    rig_init(&rig);
    rig.config.function_count_max = 2;
    rig_start(&rig);
    a = rig_peer_in(&rig, A);
    for (int i = 0; i < 4; i++) {
        rig_gossip(&rig, a, A, functions(rig_text(&rig, "x.f%d", i), X, 0));
    }
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 2);
    ck_assert_uint_eq(member_stats(rig.member).rejects[PRUNE_LIMIT_EXCEEDED], 2);
}
END_TEST

static Suite *
gossip_suite(void)
{
    Suite *suite = suite_create("member_gossip");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, news_travel_once_and_neither_back_nor_to_who_has_them);
    tcase_add_test(claims, what_is_passed_on_says_who_passed_it_on);
    tcase_add_test(claims, what_changes_nothing_does_not_travel);
    tcase_add_test(claims, gossip_that_means_nothing_to_us_travels_once);
    tcase_add_test(claims, gossip_too_large_for_a_connection_is_not_passed_on_there);
    tcase_add_test(claims, entries_of_other_clusters_stay_outside);
    tcase_add_test(claims, what_is_not_let_in_is_counted);
    tcase_add_test(claims, one_bad_item_spoils_the_message_and_closes);
    tcase_add_test(claims, entries_end_by_our_clock);
    tcase_add_test(claims, nobody_but_we_changes_what_is_ours);
    tcase_add_test(claims, our_descriptor_is_mended_at_once);
    tcase_add_test(claims, what_became_of_our_former_life_is_mended_and_no_lie);
    tcase_add_test(claims, an_echo_of_our_own_news_is_no_lie);
    tcase_add_test(claims, nobody_takes_back_what_a_connected_node_offers);
    tcase_add_test(claims, a_withdrawal_that_came_round_is_no_lie);
    tcase_add_test(claims, what_a_connected_node_took_back_does_not_come_back_by_others);
    tcase_add_test(claims, learnt_nodes_are_dialed_where_they_say);
    tcase_add_test(claims, a_seed_is_dialed_where_the_configuration_says);
    tcase_add_test(claims, a_snapshot_is_told_in_pieces_that_everybody_takes);
    tcase_add_test(claims, an_entry_too_large_to_tell_harms_no_other);
    tcase_add_test(claims, a_list_above_our_cap_is_left_and_the_connection_stays);
    tcase_add_test(claims, a_node_whose_url_nobody_can_dial_is_only_listed);
    tcase_add_test(claims, the_catalogs_cap_is_counted);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(gossip_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
