/* SPDX-License-Identifier: Apache-2.0 */
/* test_catalog_select.c - which of the endpoints that serve a name gets the call. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/catalog.h"
#include "tests/support/check_failed.h"

#define SECOND ((int64_t)SEC_NS)
#define NOW    (1000 * SECOND)

static struct mem mem;
static struct catalog *catalog;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    const struct catalog_config config = {
        .mem = &mem,
        .hash_key = { 1, 2 },
        .function_count_max = 100,
        .node_count_max = 100,
    };
    catalog = catalog_create(&config);
    ck_assert_ptr_nonnull(catalog);
}

static void
stop(void)
{
    catalog_free(catalog);
    ck_assert_uint_eq(mem.used, 0);
}

static uint64_t
load_of(void *owner, struct span node_id)
{
    ck_assert_ptr_null(owner);
    return span_is(node_id, "busy") ? 10 : 1;
}

static bool
not_b(void *owner, const struct catalog_entry *entry)
{
    return !span_is(catalog_endpoint(entry).key.node_id, owner);
}

static const char *
selected(const struct catalog_query *query, int64_t now)
{
    static char text[64];
    const struct catalog_load load = { .score = load_of };
    const struct catalog_entry *entry = catalog_select(catalog, query, &load, (struct wall){ now });
    if (entry == NULL) {
        return "none";
    }
    struct span node = catalog_endpoint(entry).key.node_id;
    struct span version = catalog_endpoint(entry).key.identity.version_text;
    snprintf(text, sizeof(text), "%.*s %.*s", SPAN_ARGS(node), SPAN_ARGS(version));
    return text;
}

/* f at this node: 120 s from NOW. */
static void
put_one(
    const char *cluster, const char *node, const char *version, const struct text_list *resources)
{
    struct function_endpoint endpoint = {
        .key = {
            .cluster_id = span_from_text(cluster),
            .node_id = span_from_text(node),
            .identity = {
                .name = SPAN("f"),
                .function_id = SPAN("f"),
                .version_text = span_from_text(version),
            },
            .resources = *resources,
        },
        .advertised_at = { NOW },
        .ttl_ns = 120 * SEC_NS,
    };
    ck_assert(version_parse(endpoint.key.identity.version_text, &endpoint.key.identity.version));
    ck_assert_int_eq(catalog_put(catalog, &endpoint, (struct wall){ NOW }), CATALOG_OK);
}

START_TEST(the_call_goes_where_the_reference_would_send_it)
{
    const struct span gpu[] = { SPAN("gpu"), SPAN("big") };
    const struct text_list all = { gpu, 2 };
    const struct text_list one = { gpu, 1 };
    const struct text_list none = { NULL, 0 };
    put_one("c1", "busy", "9.0.0", &all);
    put_one("c1", "b", "1.0.0", &none);
    put_one("c1", "b", "10.0.0", &none);
    put_one("c1", "b", "2.0.0", &none);
    put_one("c1", "c", "11.0.0", &none);
    put_one("c0", "a", "12.0.0", &one);
    const struct catalog_query any = { .function = SPAN("f"), .local_cluster = SPAN("c1") };
    struct catalog_query query = any;
    ck_assert_str_eq(selected(&any, NOW), "b 10.0.0");
    query.except_node = SPAN("b");
    ck_assert_str_eq(selected(&query, NOW), "c 11.0.0");
    query = any;
    query.local_cluster = SPAN("c9");
    ck_assert_str_eq(selected(&query, NOW), "a 12.0.0");
    query = any;
    query.resources = all;
    ck_assert_str_eq(selected(&query, NOW), "busy 9.0.0");
    query.resources = one;
    query.target_cluster = SPAN("c0");
    ck_assert_str_eq(selected(&query, NOW), "a 12.0.0");
    query = any;
    query.target_node = SPAN("busy");
    ck_assert_str_eq(selected(&query, NOW), "busy 9.0.0");
    query = any;
    ck_assert(version_constraint_parse(SPAN(">=2.0.0,<10.0.0"), &query.constraint));
    ck_assert_str_eq(selected(&query, NOW), "b 2.0.0");
    query = any;
    query.function_id = SPAN("f");
    ck_assert_str_eq(selected(&query, NOW), "b 10.0.0");
    query.function_id = SPAN("g");
    ck_assert_str_eq(selected(&query, NOW), "none");
    query = any;
    query.function = SPAN("g");
    ck_assert_str_eq(selected(&query, NOW), "none");
    ck_assert_str_eq(selected(&any, NOW + 120 * SECOND), "b 10.0.0");
    ck_assert_str_eq(selected(&any, NOW + 120 * SECOND + 1), "none");
}
END_TEST

START_TEST(a_filter_has_the_last_word)
{
    char unwanted[] = "b";
    const struct text_list none = { NULL, 0 };
    put_one("c1", "b", "1.0.0", &none);
    struct catalog_query query = {
        .function = SPAN("f"), .filter = not_b, .filter_owner = unwanted
    };
    ck_assert_str_eq(selected(&query, NOW), "none");
    put_one("c1", "c", "1.0.0", &none);
    ck_assert_str_eq(selected(&query, NOW), "c 1.0.0");
}
END_TEST

static Suite *
catalog_select_suite(void)
{
    Suite *suite = suite_create("catalog_select");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, the_call_goes_where_the_reference_would_send_it);
    tcase_add_test(claims, a_filter_has_the_last_word);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(catalog_select_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
