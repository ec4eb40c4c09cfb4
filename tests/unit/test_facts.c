/* SPDX-License-Identifier: Apache-2.0 */
/* test_facts.c - one block of each kind, whatever differs makes another, and nothing is left behind. */
#include <check.h>
#include <stdlib.h>

#include "core/facts.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct facts_table table;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    facts_table_init(&table, &mem, (struct hash_key){ .k0 = 1, .k1 = 2 });
}

static void
stop(void)
{
    facts_table_destroy(&table);
    ck_assert_uint_eq(mem.used, 0);
}

static struct function_endpoint
endpoint_of(const char *name)
{
    static const struct span tags[] = { { (const uint8_t *)"a", 1 }, { (const uint8_t *)"b", 1 } };
    return (struct function_endpoint){
        .key = {
            .cluster_id = SPAN("us"),
            .node_id = SPAN("ws://n:1"),
            .identity.name = span_from_text(name),
            .resources = { .items = tags, .count = 1 },
        },
        .scope = SPAN("zone"),
        .tags = { .items = tags, .count = 2 },
        .rpc_summary = SPAN("{\"s\":1}"),
        .rpc_spec = SPAN("{}"),
        .spec_digest = SPAN("d"),
    };
}

START_TEST(they_are_what_was_said)
{
    const struct function_endpoint endpoint = endpoint_of("f");
    struct facts *facts = facts_hold(&table, &endpoint);
    ck_assert(span_is(facts->cluster_id, "us"));
    ck_assert(span_is(facts->scope, "zone"));
    ck_assert_uint_eq(facts->resources.count, 1);
    ck_assert(span_is(facts->resources.items[0], "a"));
    ck_assert_uint_eq(facts->tags.count, 2);
    ck_assert(span_is(facts->tags.items[1], "b"));
    ck_assert(span_is(facts->rpc_summary, "{\"s\":1}"));
    ck_assert(span_is(facts->rpc_spec, "{}"));
    ck_assert(span_is(facts->spec_digest, "d"));
    facts_release(&table, facts);
}
END_TEST

START_TEST(functions_that_say_the_same_share_them)
{
    const struct function_endpoint f = endpoint_of("f");
    const struct function_endpoint g = endpoint_of("g");
    struct facts *first = facts_hold(&table, &f);
    size_t size = mem.used;
    struct facts *second = facts_hold(&table, &g);
    ck_assert_ptr_eq(second, first);
    ck_assert_uint_eq(mem.used, size);
    facts_release(&table, first);
    ck_assert(span_is(second->scope, "zone"));
    facts_release(&table, second);
}
END_TEST

START_TEST(whatever_differs_makes_others)
{
    const struct function_endpoint endpoint = endpoint_of("f");
    struct function_endpoint others[7];
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        others[i] = endpoint;
    }
    others[0].key.cluster_id = SPAN("eu");
    others[1].key.resources.count = 2;
    others[2].scope = SPAN("global");
    others[3].tags.count = 1;
    others[4].rpc_summary = SPAN_NONE;
    others[5].rpc_spec = SPAN("{ }");
    others[6].spec_digest = SPAN("e");
    struct facts *first = facts_hold(&table, &endpoint);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct facts *other = facts_hold(&table, &others[i]);
        ck_assert_ptr_ne(other, first);
        facts_release(&table, other);
    }
    facts_release(&table, first);
}
END_TEST

START_TEST(without_memory_nothing_is_held)
{
    const struct function_endpoint endpoint = endpoint_of("f");
    struct facts *facts = NULL;
    uint32_t refused = 0;
    for (size_t cap = 0; facts == NULL; cap += 8) {
        mem.cap = cap;
        facts = facts_hold(&table, &endpoint);
        ck_assert(facts != NULL || mem.used == 0);
        refused += facts == NULL;
    }
    ck_assert_uint_gt(refused, 1);
    facts_release(&table, facts);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("facts");
    TCase *tcase = tcase_create("facts");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, they_are_what_was_said);
    tcase_add_test(tcase, functions_that_say_the_same_share_them);
    tcase_add_test(tcase, whatever_differs_makes_others);
    tcase_add_test(tcase, without_memory_nothing_is_held);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
