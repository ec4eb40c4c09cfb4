/* SPDX-License-Identifier: Apache-2.0 */
/* test_member_offers.c - what this process offers is told, kept fresh, taken back; memory may fail at any point. */
#include <check.h>
#include <stdlib.h>

#include "core/delta.h"
#include "tests/support/check_failed.h"
#include "tests/support/member_rig.h"
#include "tests/support/wire.h"

#define A "ws://a:1"
#define B "ws://b:1"

static struct rig rig;
static struct wire wire;
static struct delta delta; /* what decode() read last; it lives in the wire */

static void
start(void)
{
    wire_init(&wire);
    rig_init(&rig);
    rig_start(&rig);
}

static void
stop(void)
{
    rig_destroy(&rig);
    ck_assert(wire_destroy(&wire));
}

/* Whether it is a catalog_update; *travels tells whether receivers pass it on. */
static bool
decode(const struct rig_sent *sent, bool *travels)
{
    struct gossip gossip;
    wire_reset(&wire);
    ck_assert_int_eq(wire_scan(&wire, span_from(sent->text, sent->size)), MESSAGE_OK);
    if (wire.envelope.kind != ENVELOPE_GOSSIP) {
        return false;
    }
    ck_assert_int_eq(
        gossip_decode(&wire.envelope, &wire.scratch, &gossip, &wire.fault), MESSAGE_OK);
    ck_assert(span_is(gossip.sender_id, RIG_URL));
    ck_assert_int_eq(
        delta_decode(&wire.envelope, &gossip, rig.now.wall, &wire.scratch, &delta, &wire.fault),
        MESSAGE_OK);
    *travels = gossip.ttl > 0;
    return true;
}

static enum catalog_result
withdraw(const char *name)
{
    const struct function_identity identity = rig_function_key(name, RIG_URL, RIG_CLUSTER).identity;
    const struct text_list none = { .count = 0 };
    return member_withdraw(rig.member, &identity, &none, PRUNE_OPERATOR);
}

static void
offer_many(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(rig_offer(&rig, rig_text(&rig, "own.f%u", i), NULL), CATALOG_OK);
    }
}

/* Peers that speak now and then, while `delay_ns` passes. */
static void
run_with(struct conn_id a, uint64_t delay_ns)
{
    for (uint64_t passed_ns = 0; passed_ns < delay_ns; passed_ns += 10 * SEC_NS) {
        rig_status(&rig, a, A, RIG_CLUSTER, A);
        rig_run(&rig, 10 * SEC_NS);
    }
}

START_TEST(an_offer_is_told_to_each_peer_once)
{
    struct conn_id a = rig_peer_in(&rig, A);
    struct conn_id b_in = rig_peer_in(&rig, B);
    struct conn_id b = rig_peer_out(&rig, B);
    rig_forget(&rig);
    const struct span resources[] = { SPAN("gpu"), SPAN("gpu") };
    const struct span tags[] = { SPAN("t1") };
    struct member_offer offer = {
        .identity = rig_function_key("own.f", RIG_URL, RIG_CLUSTER).identity,
        .resources = { resources, 2 },
        .tags = { tags, 1 },
        .rpc_summary = SPAN("{\"s\":1}"),
        .context = &rig,
    };
    ck_assert_int_eq(member_offer(rig.member, &offer, rig.now), CATALOG_OK);
    rig_flush(&rig);
    ck_assert_uint_eq(rig_count(&rig, a, ""), 1);
    ck_assert_uint_eq(rig_count(&rig, b, ""), 1);
    ck_assert_uint_eq(rig_count(&rig, b_in, ""), 0);
    bool travels;
    ck_assert(decode(&rig.sent[0], &travels));
    ck_assert(travels);
    ck_assert_uint_eq(delta.function_count, 1);
    const struct function_endpoint *told = &delta.functions[0];
    ck_assert(span_is(told->key.node_id, RIG_URL));
    ck_assert(span_is(told->key.cluster_id, RIG_CLUSTER));
    ck_assert(span_is(told->scope, "zone"));
    ck_assert(span_is(told->rpc_summary, "{\"s\":1}"));
    ck_assert(span_is(told->tags.items[0], "t1"));
    ck_assert_uint_eq(told->ttl_ns, MEMBER_TTL_NS);
    ck_assert_int_eq(told->advertised_at.ns, rig.now.wall.ns / 1000 * 1000);
    /* The same again is told again, newer; other tags as well. */
    rig_forget(&rig);
    ck_assert_int_eq(member_offer(rig.member, &offer, rig.now), CATALOG_REFRESHED);
    offer.tags.count = 0;
    ck_assert_int_eq(member_offer(rig.member, &offer, rig.now), CATALOG_OK);
    rig_flush(&rig);
    ck_assert_uint_eq(rig_count(&rig, a, ""), 1);
    ck_assert(decode(&rig.sent[0], &travels));
    ck_assert_uint_eq(delta.functions[0].tags.count, 0);
    ck_assert_int_gt(delta.functions[0].advertised_at.ns, rig.now.wall.ns);
}
END_TEST

START_TEST(many_offers_go_in_small_batches_none_twice)
{
    struct conn_id a = rig_peer_in(&rig, A);
    rig_forget(&rig);
    offer_many(2500);
    rig_flush(&rig);
    rig_run(&rig, SEC_NS);
    bool told[2500] = { false };
    uint32_t count = 0;
    int64_t last_ns = 0;
    for (size_t i = 0; i < rig.sent_count; i++) {
        bool travels;
        ck_assert(conn_equal(rig.sent[i].conn, a));
        if (!decode(&rig.sent[i], &travels)) {
            continue;
        }
        ck_assert_uint_le(delta.function_count, GOSSIP_BATCH_COUNT);
        for (uint32_t f = 0; f < delta.function_count; f++) {
            char name[32];
            rig_copy(name, sizeof(name), delta.functions[f].key.identity.name);
            unsigned long index = strtoul(name + strlen("own.f"), NULL, 10);
            ck_assert(!told[index]);
            told[index] = true;
            count++;
            ck_assert_int_gt(delta.functions[f].advertised_at.ns, last_ns);
            last_ns = delta.functions[f].advertised_at.ns;
        }
    }
    ck_assert_uint_eq(count, 2500);
}
END_TEST

/* What this connection was told since the last rig_forget(). */
struct told {
    uint32_t functions;
    uint32_t removals;
    uint32_t nodes;
    bool travels; /* some of it */
};

static struct told
news_of(struct conn_id conn)
{
    struct told told = { 0 };
    for (size_t i = 0; i < rig.sent_count; i++) {
        bool travels;
        if (!conn_equal(rig.sent[i].conn, conn) || !decode(&rig.sent[i], &travels)) {
            continue;
        }
        ck_assert_uint_le(delta.function_count, GOSSIP_BATCH_COUNT);
        ck_assert_uint_le(delta.node_count, GOSSIP_BATCH_COUNT);
        told.functions += delta.function_count;
        told.removals += delta.function_removal_count;
        told.nodes += delta.node_count;
        told.travels = told.travels || travels;
    }
    return told;
}

/* Nothing but snapshots. */
static struct told
told_to(struct conn_id conn)
{
    struct told told = news_of(conn);
    ck_assert(!told.travels);
    return told;
}

START_TEST(a_newcomer_gets_everything_in_small_batches)
{
    offer_many(180);
    struct conn_id b = rig_peer_in(&rig, B);
    for (int i = 0; i < 70; i++) {
        rig_gossip(&rig, b, B,
            rig_text(&rig, "\"nodes\":[%s]",
                rig_node(&rig, rig_text(&rig, "ws://n%d:1", i), RIG_CLUSTER, 0)));
    }
    rig_run(&rig, 0);
    rig_forget(&rig);
    struct conn_id a = rig_peer_in(&rig, A);
    ck_assert_uint_eq(told_to(a).nodes, 71);
    rig_run(&rig, 0);
    ck_assert_uint_eq(told_to(a).functions, 180);
}
END_TEST

START_TEST(large_catalog_is_told_in_pieces)
{
    offer_many(1000);
    rig_run(&rig, 0);
    rig_forget(&rig);
    const uint32_t piece = 2 * GOSSIP_BATCH_COUNT;
    struct conn_id a = rig_peer_in(&rig, A);
    ck_assert_uint_eq(told_to(a).functions, piece);
    struct conn_id b = rig_peer_in(&rig, B);
    ck_assert_uint_eq(told_to(b).functions, piece);
    uint32_t before = told_to(a).functions;
    /* The next step is due at once, and in each one of them gets a piece. */
    ck_assert_uint_le(member_deadline(rig.member, rig.now).ns, rig.now.mono.ns);
    rig_tick(&rig);
    ck_assert_uint_eq(told_to(a).functions + told_to(b).functions, before + 2 * piece);
    rig_tick(&rig);
    ck_assert_uint_eq(told_to(a).functions, before + piece);
    ck_assert_uint_eq(told_to(b).functions, 2 * piece);
    rig_run(&rig, 0);
    ck_assert_uint_eq(told_to(a).functions, 1000);
    ck_assert_uint_eq(told_to(b).functions, 1000);
    ck_assert_uint_gt(member_deadline(rig.member, rig.now).ns, rig.now.mono.ns);
}
END_TEST

START_TEST(newcomer_that_is_slow_gets_the_rest_when_it_can_take_it)
{
    offer_many(1000);
    rig_run(&rig, 0);
    rig_forget(&rig);
    struct conn_id a = rig_peer_in(&rig, A);
    rig_step(&rig, &(struct event){ .kind = EVENT_CONGESTED, .conn = a });
    struct conn_id b = rig_peer_in(&rig, B);
    rig_run(&rig, 0);
    ck_assert_uint_eq(told_to(a).functions, 2 * GOSSIP_BATCH_COUNT);
    ck_assert_uint_eq(told_to(b).functions, 1000);
    ck_assert_uint_gt(member_deadline(rig.member, rig.now).ns, rig.now.mono.ns);
    rig_step(&rig, &(struct event){ .kind = EVENT_DRAINED, .conn = a });
    rig_run(&rig, 0);
    ck_assert_uint_eq(told_to(a).functions, 1000);
}
END_TEST

/* Also twice: what came while it was told of what had come before. */
START_TEST(node_that_is_slow_hears_of_functions_when_it_can_take_it)
{
    struct conn_id a = rig_peer_in(&rig, A);
    struct conn_id b = rig_peer_in(&rig, B);
    offer_many(1);
    rig_run(&rig, 0);
    rig_step(&rig, &(struct event){ .kind = EVENT_CONGESTED, .conn = a });
    rig_forget(&rig);
    for (uint32_t i = 1; i < 500; i++) {
        ck_assert_int_eq(rig_offer(&rig, rig_text(&rig, "own.f%u", i), NULL), CATALOG_OK);
    }
    rig_run(&rig, 0);
    ck_assert_uint_eq(news_of(a).functions, 0);
    ck_assert_uint_eq(news_of(b).functions, 499);
    ck_assert_uint_gt(member_deadline(rig.member, rig.now).ns, rig.now.mono.ns);
    /* That one is gone does not wait. */
    ck_assert_int_eq(withdraw("own.f0"), CATALOG_OK);
    rig_run(&rig, 0);
    ck_assert_uint_eq(news_of(a).removals, 1);

    rig_step(&rig, &(struct event){ .kind = EVENT_DRAINED, .conn = a });
    ck_assert_uint_gt(news_of(a).functions, 0);
    rig_step(&rig, &(struct event){ .kind = EVENT_CONGESTED, .conn = a });
    uint32_t before = news_of(a).functions;
    ck_assert_int_eq(rig_offer(&rig, "own.f500", NULL), CATALOG_OK);
    rig_run(&rig, 0);
    ck_assert_uint_eq(news_of(a).functions, before);
    rig_step(&rig, &(struct event){ .kind = EVENT_DRAINED, .conn = a });
    rig_run(&rig, 0);
    ck_assert_uint_eq(news_of(a).functions, 499 + 500);
    rig_forget(&rig);
    ck_assert_int_eq(rig_offer(&rig, "own.f501", NULL), CATALOG_OK);
    rig_run(&rig, 0);
    ck_assert_uint_eq(news_of(a).functions, 1);
    ck_assert_uint_eq(news_of(b).functions, 1);
}
END_TEST

START_TEST(newcomer_that_goes_before_it_was_told_everything_leaves_nothing)
{
    offer_many(1000);
    rig_run(&rig, 0);
    struct conn_id a = rig_peer_in(&rig, A);
    rig_end(&rig, a);
    rig_run(&rig, 0);
    ck_assert_uint_gt(member_deadline(rig.member, rig.now).ns, rig.now.mono.ns);
    /* This one is told until the member itself goes. */
    (void)rig_peer_in(&rig, B);
}
END_TEST

START_TEST(what_is_taken_back_meanwhile_is_not_told)
{
    offer_many(1000);
    rig_run(&rig, 0);
    struct conn_id a = rig_peer_in(&rig, A);
    rig_forget(&rig);
    /* The newest are told first: these come last. */
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_int_eq(withdraw(rig_text(&rig, "own.f%u", i)), CATALOG_OK);
    }
    rig_run(&rig, 0);
    ck_assert_uint_eq(news_of(a).functions, 1000 - 2 * GOSSIP_BATCH_COUNT - 10);
    ck_assert_uint_eq(news_of(a).removals, 10);
}
END_TEST

START_TEST(with_nobody_up_nothing_is_sent_and_nothing_spins)
{
    offer_many(3000);
    rig_flush(&rig);
    ck_assert_uint_eq(rig.sent_count, 0);
    ck_assert_uint_gt(member_deadline(rig.member, rig.now).ns, rig.now.mono.ns);
    rig_run(&rig, 200 * SEC_NS);
    ck_assert_uint_eq(rig.sent_count, 0);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 3000);
}
END_TEST

START_TEST(each_refresh_is_strictly_newer_and_in_time)
{
    struct conn_id a = rig_peer_in(&rig, A);
    ck_assert_int_eq(rig_offer(&rig, "own.f", NULL), CATALOG_OK);
    int64_t told_ns = 0;
    int64_t described_ns = rig.now.wall.ns;
    uint32_t count = 0;
    for (int i = 0; i < 600; i++) {
        if (i % 10 == 0) {
            rig_status(&rig, a, A, RIG_CLUSTER, A);
        }
        rig_run(&rig, SEC_NS);
        for (size_t s = 0; s < rig.sent_count; s++) {
            bool travels;
            if (!decode(&rig.sent[s], &travels) || !travels) {
                continue;
            }
            for (uint32_t f = 0; f < delta.function_count; f++) {
                ck_assert_int_gt(delta.functions[f].advertised_at.ns, told_ns);
                told_ns = delta.functions[f].advertised_at.ns;
                count++;
            }
            if (delta.node_count > 0) {
                ck_assert_int_gt(delta.nodes[0].advertised_at.ns, described_ns);
                described_ns = delta.nodes[0].advertised_at.ns;
            }
        }
        rig_forget(&rig);
        ck_assert_int_le(rig.now.wall.ns - told_ns, (int64_t)(MEMBER_REFRESH_NS / 4 * 5 + SEC_NS));
        ck_assert_int_le(rig.now.wall.ns - described_ns, (int64_t)(MEMBER_DESCRIBE_NS + SEC_NS));
    }
    ck_assert_uint_ge(count, 600 / 50);
    ck_assert_uint_le(count, 600 / 30 + 1);
}
END_TEST

START_TEST(a_withdrawal_is_told_before_the_offer_that_follows_it)
{
    struct conn_id a = rig_peer_in(&rig, A);
    ck_assert_int_eq(rig_offer(&rig, "own.f", NULL), CATALOG_OK);
    rig_flush(&rig);
    ck_assert_int_eq(withdraw("own.g"), CATALOG_UNKNOWN);
    ck_assert_int_eq(withdraw("own.f"), CATALOG_OK);
    ck_assert_int_eq(withdraw("own.f"), CATALOG_UNKNOWN);
    rig_forget(&rig);
    rig_flush(&rig);
    bool travels;
    ck_assert_uint_eq(rig.sent_count, 1);
    ck_assert(conn_equal(rig.sent[0].conn, a));
    ck_assert(decode(&rig.sent[0], &travels));
    ck_assert(travels);
    ck_assert_uint_eq(delta.function_removal_count, 1);
    const struct function_key key = rig_function_key("own.f", RIG_URL, RIG_CLUSTER);
    ck_assert(function_key_equal(&delta.function_removals[0], &key));

    ck_assert_int_eq(rig_offer(&rig, "own.f", NULL), CATALOG_OK);
    ck_assert_int_eq(withdraw("own.f"), CATALOG_OK);
    ck_assert_int_eq(rig_offer(&rig, "own.f", NULL), CATALOG_OK);
    rig_forget(&rig);
    rig_flush(&rig);
    ck_assert_uint_eq(rig.sent_count, 2);
    ck_assert(decode(&rig.sent[0], &travels));
    ck_assert_uint_eq(delta.function_removal_count, 1);
    ck_assert(decode(&rig.sent[1], &travels));
    ck_assert_uint_eq(delta.function_count, 1);
}
END_TEST

START_TEST(an_offer_may_not_take_a_name_or_an_id)
{
    struct conn_id a = rig_peer_in(&rig, A);
    rig_gossip(&rig, a, A,
        "\"functions\":[{\"identity\":{\"name\":\"f\",\"function_id\":\"id\",\"version\":\"1\"},"
        "\"node_id\":\"" A "\",\"cluster_id\":\"c1\"}]");
    ck_assert_int_eq(rig_offer(&rig, "f", NULL), CATALOG_ID_CONFLICT);
    ck_assert_int_eq(rig_offer(&rig, "id", NULL), CATALOG_ID_CONFLICT);
    rig_flush(&rig);
    rig_run(&rig, 60 * SEC_NS);
    ck_assert_uint_eq(rig_count(&rig, a, "\"name\":\"id\""), 0);
}
END_TEST

START_TEST(offers_outlive_a_jump_of_the_wall_clock)
{
    static const struct {
        const char *name;
        int64_t jump_s;
    } rows[] = { { "an hour ahead", 3600 }, { "a minute ahead", 60 }, { "an hour back", -3600 },
        { "a year ahead", 31536000 }, { "two years back", -2 * 31536000 } };
    struct conn_id a = rig_peer_in(&rig, A);
    ck_assert_int_eq(rig_offer(&rig, "own.f", &rig), CATALOG_OK);
    int64_t told_ns = rig_entry(&rig, "own.f", RIG_URL)->advertised_at.ns;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig.now.wall.ns += rows[i].jump_s * (int64_t)SEC_NS;
        rig_tick(&rig);
        run_with(a, 60 * SEC_NS);
        const struct catalog_entry *entry = rig_entry(&rig, "own.f", RIG_URL);
        ck_assert_msg(entry != NULL, "%s", rows[i].name);
        ck_assert_int_gt(entry->advertised_at.ns, told_ns);
        told_ns = entry->advertised_at.ns;
        const struct catalog_query query = { .function = SPAN("own.f") };
        ck_assert_ptr_eq(member_find_offer(rig.member, &query, rig.now), &rig);
        ck_assert_uint_eq(catalog_node_count(member_catalog(rig.member)), 1);
    }
}
END_TEST

START_TEST(retiring_takes_everything_back)
{
    struct conn_id a = rig_peer_in(&rig, A);
    offer_many(120);
    rig_flush(&rig);
    rig_forget(&rig);
    rig_begin(&rig);
    member_retire(rig.member, rig.now, &rig.actions);
    rig_perform(&rig);
    rig_tick(&rig); /* one step tells 100 */
    uint32_t removed = 0;
    for (size_t i = 0; i < rig.sent_count; i++) {
        bool travels;
        ck_assert(decode(&rig.sent[i], &travels));
        removed += delta.function_removal_count;
    }
    ck_assert_uint_eq(removed, 120);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 0);
    ck_assert(!rig_conn(&rig, a)->closing);
    rig_run(&rig, 100 * SEC_NS);
}
END_TEST

static void
leave(void)
{
    rig_begin(&rig);
    member_leave(rig.member, rig.now, &rig.actions);
    rig_perform(&rig);
}

START_TEST(who_leaves_takes_back_says_goodbye_and_closes)
{
    struct conn_id a = rig_peer_in(&rig, A);
    struct conn_id b = rig_peer_in(&rig, B);
    struct conn_id b_out = rig_peer_out(&rig, B);
    struct conn_id client = rig_accept(&rig);
    ck_assert_int_eq(rig_offer(&rig, "own.f", NULL), CATALOG_OK);
    rig_flush(&rig);
    rig_forget(&rig);
    ck_assert(!member_gone(rig.member));
    leave();
    const struct conn_id told[] = { a, b_out };
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        ck_assert_uint_eq(rig_count(&rig, told[i], ""), 3);
        ck_assert_uint_eq(rig_count(&rig, told[i], "\"function_removals\":[{"), 1);
        ck_assert_uint_eq(rig_count(&rig, told[i], "\"node_removals\":[{"), 1);
        const struct rig_sent *last = rig_last(&rig, told[i], "");
        ck_assert_ptr_nonnull(strstr(last->text, "\"what\":\"GOODBYE\""));
        ck_assert_ptr_nonnull(strstr(last->text, "\"departing_node_url\":\"" RIG_URL "\""));
        ck_assert_ptr_nonnull(strstr(last->text, "\"instance_id\":\"" RIG_INSTANCE "\""));
    }
    const struct conn_id all[] = { a, b, b_out, client };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        ck_assert(rig_conn(&rig, all[i])->closing);
        ck_assert_uint_eq(rig_conn(&rig, all[i])->code, 1001);
    }
    /* Gone it is when the last peer has heard it, whoever dialed. */
    ck_assert(!member_gone(rig.member));
    rig_end(&rig, b_out);
    rig_end(&rig, b);
    ck_assert(!member_gone(rig.member));
    rig_end(&rig, a);
    ck_assert(member_gone(rig.member));
    rig_end(&rig, client);
    rig_forget(&rig);
    size_t dials = rig.dial_count;
    rig_run(&rig, 100 * SEC_NS);
    ck_assert_uint_eq(rig.dial_count, dials);
    struct conn_id late = rig_accept(&rig);
    ck_assert_uint_eq(rig_conn(&rig, late)->code, 1013);
    ck_assert_uint_eq(rig.sent_count, 0);
}
END_TEST

START_TEST(a_dial_that_succeeds_after_leaving_is_closed)
{
    static const struct span seeds[] = { { (const uint8_t *)A, sizeof(A) - 1 } };
    stop();
    wire_init(&wire);
    rig_init(&rig);
    rig.config.seeds = (struct text_list){ seeds, 1 };
    rig_start(&rig);
    leave();
    struct conn_id conn = rig_open(&rig, A);
    ck_assert(rig_conn(&rig, conn)->closing);
    ck_assert_uint_eq(rig.sent_count, 0);
    rig_end(&rig, conn);
    ck_assert(member_gone(rig.member));
}
END_TEST

START_TEST(an_offer_made_too_late_is_told_to_nobody_and_leaves_nothing)
{
    struct conn_id a = rig_peer_in(&rig, A);
    leave();
    rig_forget(&rig);
    ck_assert_int_eq(rig_offer(&rig, "own.f", NULL), CATALOG_OK);
    rig_flush(&rig);
    rig_run(&rig, 200 * SEC_NS);
    ck_assert_ptr_nonnull(rig_entry(&rig, "own.f", RIG_URL));
    ck_assert_uint_eq(rig_count(&rig, a, ""), 0);
}
END_TEST

/* Memory. */

START_TEST(without_memory_there_is_no_member)
{
    struct rig small;
    for (size_t cap = 0;; cap += 4096) {
        rig_init(&small);
        small.mem.cap = cap;
        small.member = rig_create(&small);
        if (small.member != NULL) {
            break;
        }
        ck_assert_uint_eq(small.mem.used, 0);
        ck_assert_uint_lt(cap, 1 << 24);
    }
    member_free(small.member);
    ck_assert_uint_eq(small.mem.used, 0);
    member_free(NULL);
}
END_TEST

START_TEST(without_memory_an_offer_is_not_half_made)
{
    for (uint32_t i = 0; i < 40; i++) {
        const char *name = rig_text(&rig, "own.f%u", i);
        for (size_t spare = 0;; spare += 8) {
            ck_assert_uint_lt(spare, 1 << 20);
            rig.mem.cap = rig.mem.used + spare;
            enum catalog_result result = rig_offer(&rig, name, &rig);
            rig.mem.cap = SIZE_MAX;
            bool in = rig_entry(&rig, name, RIG_URL) != NULL;
            ck_assert_int_eq(in, result == CATALOG_OK);
            if (result == CATALOG_OK) {
                break;
            }
            ck_assert_int_eq(result, CATALOG_FULL);
        }
    }
    rig_run(&rig, 100 * SEC_NS);
    ck_assert_uint_eq(catalog_count(member_catalog(rig.member)), 40);
}
END_TEST

/* A day in the life of a member, that goes on whatever it does. */
static void
live(void)
{
    struct conn_id a = rig_accept(&rig);
    rig_status(&rig, a, A, RIG_CLUSTER, A);
    struct conn_id b = rig_accept(&rig);
    rig_status(&rig, b, B, RIG_CLUSTER, B);
    for (uint32_t i = 0; i < 20; i++) {
        (void)rig_offer(&rig, rig_text(&rig, "own.f%u", i), NULL);
        rig_gossip(&rig, b, B,
            rig_text(&rig, "\"nodes\":[%s],\"functions\":[%s]", rig_node(&rig, B, RIG_CLUSTER, 0),
                rig_function(&rig, rig_text(&rig, "b.f%u", i), B, RIG_CLUSTER, 0)));
    }
    rig_flush(&rig);
    (void)withdraw("own.f3");
    rig_run(&rig, 8 * SEC_NS);
    for (size_t i = 0; i < rig.dial_count; i++) {
        if (rig.dials[i].ticket != 0) {
            rig_refuse(&rig, rig.dials[i].address);
        }
    }
    rig_hear(&rig, a,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"r1\",\"topic\":\"t\","
        "\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"r1\"},\"payload\":{\"kind\":"
        "\"rpc-request\",\"request_id\":\"r1\",\"command\":\"own.f1\",\"reply_to\":\"" A "\"}}}");
    for (size_t i = 0; i < rig.call_count; i++) {
        rig_begin(&rig);
        member_answer_error(
            rig.member, rig.calls[i].back, SPAN("no"), SPAN("no"), rig.now, &rig.actions);
        rig_perform(&rig);
    }
    rig_end(&rig, a);
    rig_goodbye(&rig, b, B, RIG_CLUSTER);
    rig_end(&rig, b);
    leave();
}

START_TEST(a_member_lives_with_little_memory_and_gives_all_back)
{
    stop();
    wire_init(&wire);
    size_t peak = 0;
    for (size_t spare = 1 << 20; spare > 0; spare -= spare > 65536 ? 65536 : 512) {
        rig_init(&rig);
        rig_start(&rig);
        arena_destroy(&rig.arena);
        rig.mem.cap = rig.mem.used + spare;
        live();
        peak = rig.mem.peak > peak ? rig.mem.peak : peak;
        rig_destroy(&rig);
    }
    rig_init(&rig);
    rig_start(&rig);
    ck_assert_uint_gt(peak, 0);
}
END_TEST

static Suite *
offers_suite(void)
{
    Suite *suite = suite_create("member_offers");
    TCase *claims = tcase_create("claims");
    tcase_set_timeout(claims, 60);
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, an_offer_is_told_to_each_peer_once);
    tcase_add_test(claims, many_offers_go_in_small_batches_none_twice);
    tcase_add_test(claims, a_newcomer_gets_everything_in_small_batches);
    tcase_add_test(claims, large_catalog_is_told_in_pieces);
    tcase_add_test(claims, newcomer_that_is_slow_gets_the_rest_when_it_can_take_it);
    tcase_add_test(claims, node_that_is_slow_hears_of_functions_when_it_can_take_it);
    tcase_add_test(claims, newcomer_that_goes_before_it_was_told_everything_leaves_nothing);
    tcase_add_test(claims, what_is_taken_back_meanwhile_is_not_told);
    tcase_add_test(claims, with_nobody_up_nothing_is_sent_and_nothing_spins);
    tcase_add_test(claims, each_refresh_is_strictly_newer_and_in_time);
    tcase_add_test(claims, a_withdrawal_is_told_before_the_offer_that_follows_it);
    tcase_add_test(claims, an_offer_may_not_take_a_name_or_an_id);
    tcase_add_test(claims, offers_outlive_a_jump_of_the_wall_clock);
    tcase_add_test(claims, retiring_takes_everything_back);
    tcase_add_test(claims, who_leaves_takes_back_says_goodbye_and_closes);
    tcase_add_test(claims, a_dial_that_succeeds_after_leaving_is_closed);
    tcase_add_test(claims, an_offer_made_too_late_is_told_to_nobody_and_leaves_nothing);
    tcase_add_test(claims, without_memory_there_is_no_member);
    tcase_add_test(claims, without_memory_an_offer_is_not_half_made);
    tcase_add_test(claims, a_member_lives_with_little_memory_and_gives_all_back);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(offers_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
