/* SPDX-License-Identifier: Apache-2.0 */
/* test_roster.c - nodes as places to dial: when, how often, until when they are remembered. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/member.h"
#include "core/roster.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct roster roster;
static struct prng prng;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    prng = (struct prng){ 3 };
    roster_init(&roster, &mem, (struct hash_key){ 1, 2 });
}

static void
stop(void)
{
    roster_destroy(&roster);
    ck_assert_uint_eq(mem.used, 0);
}

static struct instant
at(uint64_t ns)
{
    return (struct instant){ ns };
}

static void
set(struct peer_text *text, const char *value)
{
    ck_assert(peer_text_set(text, span_from_text(value)));
}

START_TEST(a_node_is_one_however_often_it_is_wanted)
{
    struct roster_node *node = roster_ensure(&roster, SPAN("ws://a:1"));
    ck_assert_ptr_nonnull(node);
    ck_assert_ptr_eq(roster_ensure(&roster, SPAN("ws://a:1")), node);
    ck_assert_ptr_eq(roster_find(&roster, SPAN("ws://a:1")), node);
    ck_assert_ptr_null(roster_find(&roster, SPAN("ws://a:2")));
    ck_assert(span_is(peer_text_span(&node->dial_url), "ws://a:1"));
    ck_assert_uint_eq(roster.count, 1);
}
END_TEST

START_TEST(urls_that_are_empty_or_too_long_are_no_nodes)
{
    uint8_t text[PEER_TEXT_MAX + 1];
    memset(text, 'x', sizeof(text));
    ck_assert_ptr_null(roster_ensure(&roster, SPAN("")));
    ck_assert_ptr_null(roster_ensure(&roster, span_from(text, PEER_TEXT_MAX + 1)));
    ck_assert_ptr_nonnull(roster_ensure(&roster, span_from(text, PEER_TEXT_MAX)));
}
END_TEST

START_TEST(no_more_nodes_than_the_cap)
{
    for (uint32_t i = 0; i < MEMBER_NODES_MAX; i++) {
        ck_assert_ptr_nonnull(roster_ensure(&roster, span_from(&i, sizeof(i))));
    }
    ck_assert_ptr_null(roster_ensure(&roster, SPAN("ws://one:1")));
    uint32_t first = 0;
    roster_forget_if_idle(&roster, roster_find(&roster, span_from(&first, sizeof(first))), at(1));
    ck_assert_ptr_nonnull(roster_ensure(&roster, SPAN("ws://one:1")));
}
END_TEST

START_TEST(without_memory_nothing_is_half_added)
{
    for (uint32_t i = 0; i < 40; i++) {
        struct roster_node *node = NULL;
        for (size_t spare = 0; node == NULL; spare += 16) {
            size_t used = mem.used;
            mem.cap = used + spare;
            node = roster_ensure(&roster, span_from(&i, sizeof(i)));
            ck_assert_uint_eq(roster.count, node == NULL ? i : i + 1);
            ck_assert(node != NULL || mem.used == used);
        }
    }
}
END_TEST

START_TEST(only_who_has_a_reason_is_remembered)
{
    static const struct {
        const char *name;
        struct roster_node with;
        bool kept;
    } rows[] = {
        { "nothing", { .seed = false }, false },
        { "a seed", { .seed = true }, true },
        { "described", { .described = true }, true },
        { "dialed", { .dialed = { 1 } }, true },
        { "inbound", { .inbound = { 1 } }, true },
        { "being dialed", { .dial_ticket = 1 }, true },
        { "departed", { .departed_until = { 11 } }, true },
        { "departed long ago", { .departed_until = { 10 } }, false },
        { "lost, and not known to be dead", { .lost = true }, true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct roster_node *node = roster_ensure(&roster, SPAN("ws://a:1"));
        node->seed = rows[i].with.seed;
        node->described = rows[i].with.described;
        node->dialed = rows[i].with.dialed;
        node->inbound = rows[i].with.inbound;
        node->dial_ticket = rows[i].with.dial_ticket;
        node->departed_until = rows[i].with.departed_until;
        node->lost = rows[i].with.lost;
        roster_forget_if_idle(&roster, node, at(10));
        bool kept = roster_find(&roster, SPAN("ws://a:1")) != NULL;
        ck_assert_msg(kept == rows[i].kept, "%s: got %d", rows[i].name, kept);
        roster_destroy(&roster);
        roster_init(&roster, &mem, (struct hash_key){ 1, 2 });
    }
}
END_TEST

START_TEST(who_is_dialed_and_when)
{
    static const struct {
        const char *name;
        struct roster_node with;
        bool wanted; /* at 10 */
        uint64_t deadline_ns;
    } rows[] = {
        { "a stranger", { .dial_at = { 5 } }, false, UINT64_MAX },
        { "a seed", { .seed = true, .dial_at = { 5 } }, true, 5 },
        { "a seed, later", { .seed = true, .dial_at = { 11 } }, false, 11 },
        { "described", { .described = true, .dial_at = { 10 } }, true, 10 },
        { "who is connected to us", { .inbound = { 4 }, .dial_at = { 10 } }, true, 10 },
        { "who is lost", { .lost = true, .dial_at = { 10 } }, true, 10 },
        { "who is dialed already", { .seed = true, .dial_ticket = 9 }, false, UINT64_MAX },
        { "who is up", { .seed = true, .dialed = { 9 } }, false, UINT64_MAX },
        { "departed", { .seed = true, .departed_until = { 20 }, .dial_at = { 5 } }, false, 20 },
        { "departed before", { .seed = true, .departed_until = { 10 }, .dial_at = { 5 } }, true,
            10 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct roster_node *node = &rows[i].with;
        bool wanted = roster_wants_dial(&roster, node, at(10));
        ck_assert_msg(wanted == rows[i].wanted, "%s: got %d", rows[i].name, wanted);
        uint64_t deadline_ns = roster_dial_deadline(&roster, node).ns;
        ck_assert_msg(deadline_ns == rows[i].deadline_ns, "%s: deadline %llu", rows[i].name,
            (unsigned long long)deadline_ns);
    }
}
END_TEST

START_TEST(a_seed_by_another_name_rests_while_the_node_behind_it_is_up)
{
    struct roster_node *seed = roster_ensure(&roster, SPAN("ws://name:1"));
    struct roster_node *real = roster_ensure(&roster, SPAN("ws://real:1"));
    seed->seed = true;
    set(&seed->alias, "ws://real:1");
    ck_assert(roster_wants_dial(&roster, seed, at(1)));
    real->dialed = (struct conn_id){ 7 };
    ck_assert(!roster_wants_dial(&roster, seed, at(1)));
    ck_assert_uint_eq(roster_dial_deadline(&roster, seed).ns, UINT64_MAX);
    real->dialed = CONN_NONE;
    real->inbound = (struct conn_id){ 8 };
    ck_assert(roster_wants_dial(&roster, seed, at(1)));
    set(&seed->alias, "ws://name:1");
    ck_assert(roster_wants_dial(&roster, seed, at(1)));
}
END_TEST

START_TEST(pauses_grow_up_to_the_cap_and_start_again_after_a_success)
{
    struct roster_node node = { .seed = true };
    uint64_t most = 0;
    for (uint32_t i = 1; i <= 100; i++) {
        roster_back_off(&node, &prng, at(1000));
        ck_assert_uint_eq(node.failures, i);
        ck_assert_uint_ge(node.pause_ns, MEMBER_DIAL_BASE_NS);
        ck_assert_uint_le(node.pause_ns, MEMBER_DIAL_CAP_NS);
        ck_assert_uint_eq(node.dial_at.ns, 1000 + node.pause_ns);
        most = node.pause_ns > most ? node.pause_ns : most;
    }
    ck_assert_uint_eq(most, MEMBER_DIAL_CAP_NS);
    node.lost = true;
    roster_dial_succeeded(&node);
    ck_assert(!node.lost);
    ck_assert_uint_eq(node.failures, 0);
    roster_back_off(&node, &prng, at(0));
    ck_assert_uint_lt(node.pause_ns, 3 * MEMBER_DIAL_BASE_NS);
}
END_TEST

START_TEST(who_is_expected_to_be_connected_soon)
{
    static const struct {
        const char *name;
        struct roster_node with;
        bool expected;
    } rows[] = {
        { "a stranger", { .failures = 0 }, false },
        { "a seed", { .seed = true }, true },
        { "a seed that was dialed in vain", { .seed = true, .failures = 1 }, false },
        { "described", { .described = true }, true },
        { "being dialed", { .dial_ticket = 9 }, true },
        { "being dialed again", { .dial_ticket = 9, .failures = 1 }, false },
        { "lost, dialed in a moment", { .lost = true, .dial_at = { 11 } }, true },
        { "who is up", { .seed = true, .dialed = { 9 } }, false },
        { "departed", { .seed = true, .departed_until = { 11 } }, false },
        { "departed before", { .seed = true, .departed_until = { 10 } }, true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool expected = roster_expects(&roster, &rows[i].with, at(10));
        ck_assert_msg(expected == rows[i].expected, "%s: got %d", rows[i].name, expected);
    }
}
END_TEST

START_TEST(who_becomes_known_is_dialed_as_if_for_the_first_time)
{
    struct roster_node node = { .seed = true };
    for (uint32_t i = 0; i < 20; i++) {
        roster_back_off(&node, &prng, at(1000));
    }
    roster_became_known(&node, at(1001));
    ck_assert(roster_wants_dial(&roster, &node, at(1001)));
    ck_assert(roster_expects(&roster, &node, at(1001)));
    roster_back_off(&node, &prng, at(1001));
    ck_assert_uint_lt(node.pause_ns, 3 * MEMBER_DIAL_BASE_NS);
    node.dial_at = at(5);
    roster_became_known(&node, at(1001));
    ck_assert_uint_eq(node.dial_at.ns, 5);
}
END_TEST

START_TEST(a_departed_instance_stays_out_and_a_new_one_comes_in)
{
    struct roster_node node = { .departed_until = { 100 } };
    set(&node.departed_instance, "i1");
    ck_assert(roster_departed(&node, SPAN("i1"), at(99)));
    ck_assert(roster_departed(&node, SPAN(""), at(99)));
    ck_assert(!roster_departed(&node, SPAN("i2"), at(99)));
    ck_assert(!roster_departed(&node, SPAN("i1"), at(100)));
    node.departed_until = at(0);
    ck_assert(!roster_departed(&node, SPAN("i1"), at(0)));
}
END_TEST

START_TEST(our_own_connection_is_preferred)
{
    struct roster_node node = { .seed = false };
    ck_assert_uint_eq(roster_connection(&node).v, 0);
    node.inbound = (struct conn_id){ 2 };
    ck_assert_uint_eq(roster_connection(&node).v, 2);
    node.dialed = (struct conn_id){ 3 };
    ck_assert_uint_eq(roster_connection(&node).v, 3);
}
END_TEST

START_TEST(load_is_the_references_score)
{
    const int64_t now = 100 * (int64_t)SEC_NS;
    static const struct {
        const char *name;
        struct roster_status status;
        uint64_t want;
    } rows[] = {
        { "never seen", { .known = false, .ok = true }, 1000 },
        { "fresh",
            { .known = true,
                .ok = true,
                .active_clients = 7,
                .received_at = { 100 * (int64_t)SEC_NS } },
            7 },
        { "not ok",
            { .known = true, .active_clients = 7, .received_at = { 100 * (int64_t)SEC_NS } },
            1007 },
        { "15 s old", { .known = true, .ok = true, .received_at = { 85 * (int64_t)SEC_NS } }, 0 },
        { "older", { .known = true, .ok = true, .received_at = { 85 * (int64_t)SEC_NS - 1 } },
            500 },
        { "negative",
            { .known = true,
                .ok = true,
                .active_clients = -5,
                .received_at = { 100 * (int64_t)SEC_NS } },
            0 },
        { "from the future",
            { .known = true, .ok = true, .received_at = { 200 * (int64_t)SEC_NS } }, 0 },
        { "as many as can be", { .known = true, .active_clients = INT64_MAX, .received_at = { 0 } },
            (uint64_t)INT64_MAX + 1500 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct roster_node node = { .status = rows[i].status };
        uint64_t got = roster_load(&node, (struct wall){ now });
        ck_assert_msg(got == rows[i].want, "%s: got %llu", rows[i].name, (unsigned long long)got);
    }
}
END_TEST

static Suite *
roster_suite(void)
{
    Suite *suite = suite_create("roster");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, a_node_is_one_however_often_it_is_wanted);
    tcase_add_test(claims, urls_that_are_empty_or_too_long_are_no_nodes);
    tcase_add_test(claims, no_more_nodes_than_the_cap);
    tcase_add_test(claims, without_memory_nothing_is_half_added);
    tcase_add_test(claims, only_who_has_a_reason_is_remembered);
    tcase_add_test(claims, who_is_dialed_and_when);
    tcase_add_test(claims, a_seed_by_another_name_rests_while_the_node_behind_it_is_up);
    tcase_add_test(claims, pauses_grow_up_to_the_cap_and_start_again_after_a_success);
    tcase_add_test(claims, who_is_expected_to_be_connected_soon);
    tcase_add_test(claims, who_becomes_known_is_dialed_as_if_for_the_first_time);
    tcase_add_test(claims, a_departed_instance_stays_out_and_a_new_one_comes_in);
    tcase_add_test(claims, our_own_connection_is_preferred);
    tcase_add_test(claims, load_is_the_references_score);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(roster_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
