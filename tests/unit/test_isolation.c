/* SPDX-License-Identifier: Apache-2.0 */
/* test_isolation.c - who may be a peer in each mode, and the words for who may not. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/isolation.h"
#include "tests/support/check_failed.h"

static const struct span listed_nodes[] = { { (const uint8_t *)"ws://eu:1", 9 } };
static const struct span listed_clusters[] = { { (const uint8_t *)"ally", 4 } };

static const struct isolation_bridge bridges[] = {
    { .cluster_id = { (const uint8_t *)"eu", 2 },
        .allowed_nodes = { .items = listed_nodes, .count = 1 } },
    { .cluster_id = { (const uint8_t *)"ap", 2 } },
};

static struct isolation_rules
rules_of(enum isolation_mode mode)
{
    return (struct isolation_rules){
        .mode = mode,
        .cluster_id = SPAN("us"),
        .allowed_clusters = { .items = listed_clusters, .count = 1 },
        .bridges = bridges,
        .bridge_count = COUNT_OF(bridges),
    };
}

START_TEST(each_mode_admits_whom_it_says)
{
    static const struct {
        const char *name;
        enum isolation_mode mode;
        const char *cluster;
        const char *node;
        enum isolation_reason want;
    } rows[] = {
        { "strict, own", ISOLATION_STRICT, "us", "ws://x:1", ISOLATION_NONE },
        { "strict, listed for bridging", ISOLATION_STRICT, "ally", "ws://x:1",
            ISOLATION_FOREIGN_CLUSTER },
        { "strict, stranger", ISOLATION_STRICT, "zz", "ws://x:1", ISOLATION_FOREIGN_CLUSTER },
        { "strict, no name", ISOLATION_STRICT, "", "ws://x:1", ISOLATION_FOREIGN_CLUSTER },
        { "strict, a longer name", ISOLATION_STRICT, "us2", "ws://x:1", ISOLATION_FOREIGN_CLUSTER },
        { "strict, another case", ISOLATION_STRICT, "US", "ws://x:1", ISOLATION_FOREIGN_CLUSTER },
        { "bridging, own", ISOLATION_BRIDGING, "us", "ws://x:1", ISOLATION_NONE },
        { "bridging, listed", ISOLATION_BRIDGING, "ally", "ws://x:1", ISOLATION_NONE },
        { "bridging, bridge to the node", ISOLATION_BRIDGING, "eu", "ws://eu:1", ISOLATION_NONE },
        { "bridging, another node", ISOLATION_BRIDGING, "eu", "ws://eu:2", ISOLATION_NOT_ALLOWED },
        { "bridging, any node", ISOLATION_BRIDGING, "ap", "ws://ap:7", ISOLATION_NONE },
        { "bridging, stranger", ISOLATION_BRIDGING, "zz", "ws://eu:1", ISOLATION_NOT_ALLOWED },
        { "bridging, no name", ISOLATION_BRIDGING, "", "ws://eu:1", ISOLATION_NOT_ALLOWED },
        { "open, stranger", ISOLATION_OPEN, "zz", "ws://x:1", ISOLATION_NONE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct isolation_rules rules = rules_of(rows[i].mode);
        enum isolation_reason got =
            isolation_judge(&rules, span_from_text(rows[i].cluster), span_from_text(rows[i].node));
        ck_assert_msg(got == rows[i].want, "%s: got %s, want %s", rows[i].name,
            isolation_reason_name(got), isolation_reason_name(rows[i].want));
    }
}
END_TEST

START_TEST(bridging_without_lists_is_strict)
{
    const struct isolation_rules rules = { .mode = ISOLATION_BRIDGING, .cluster_id = SPAN("us") };
    ck_assert_int_eq(isolation_judge(&rules, SPAN("us"), SPAN("ws://a:1")), ISOLATION_NONE);
    ck_assert_int_eq(isolation_judge(&rules, SPAN("eu"), SPAN("ws://a:1")), ISOLATION_NOT_ALLOWED);
}
END_TEST

START_TEST(refusals_speak_the_references_words)
{
    static const struct {
        enum isolation_reason reason;
        const char *want;
    } rows[] = {
        { ISOLATION_FOREIGN_CLUSTER,
            "Connection rejected: cluster_id mismatch. Local: c1, Remote: other-cluster. "
            "Cross-federation connections not allowed in current federation mode." },
        { ISOLATION_NOT_ALLOWED,
            "Connection rejected: cluster 'other-cluster' not in allowed foreign clusters list." },
        { ISOLATION_DEPARTED, "Peer is marked departed" },
        { ISOLATION_FIRST_GOSSIP, "Connection rejected: gossip before STATUS; shake hands first" },
    };
    struct mem mem;
    struct buf text;
    mem_init(&mem, SIZE_MAX);
    buf_init(&text, &mem, 1024);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_reset(&text);
        isolation_message(&text, rows[i].reason, SPAN("c1"), SPAN("other-cluster"));
        ck_assert_msg(span_is(buf_span(&text), rows[i].want), "got %.*s, want %s",
            SPAN_ARGS(buf_span(&text)), rows[i].want);
    }
    buf_destroy(&text);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(every_reason_has_its_own_name_and_a_hint_that_fits_a_close_frame)
{
    for (int i = 0; i < ISOLATION_REASON_COUNT; i++) {
        const char *name = isolation_reason_name((enum isolation_reason)i);
        const char *hint = isolation_hint((enum isolation_reason)i);
        ck_assert_str_ne(name, "unknown");
        ck_assert_str_ne(hint, "rejected");
        ck_assert_msg(strlen(hint) <= 123, "%s: %zu bytes", name, strlen(hint));
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(name, isolation_reason_name((enum isolation_reason)j));
            ck_assert_str_ne(hint, isolation_hint((enum isolation_reason)j));
        }
    }
}
END_TEST

START_TEST(only_ordinary_lateness_is_no_breach)
{
    for (int i = 0; i < ISOLATION_REASON_COUNT; i++) {
        bool ordinary = i == ISOLATION_NONE || i == ISOLATION_DEPARTED;
        ck_assert_int_eq(isolation_is_breach((enum isolation_reason)i), !ordinary);
    }
}
END_TEST

static Suite *
isolation_suite(void)
{
    Suite *suite = suite_create("isolation");
    TCase *claims = tcase_create("claims");
    tcase_add_test(claims, each_mode_admits_whom_it_says);
    tcase_add_test(claims, bridging_without_lists_is_strict);
    tcase_add_test(claims, only_ordinary_lateness_is_no_breach);
    tcase_add_test(claims, refusals_speak_the_references_words);
    tcase_add_test(claims, every_reason_has_its_own_name_and_a_hint_that_fits_a_close_frame);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(isolation_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
