/* SPDX-License-Identifier: Apache-2.0 */
/* test_kept.c - one block of attributes of each kind, whatever differs makes another, and nothing is left behind. */
#include <check.h>
#include <stdlib.h>

#include "bridge/kept.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

static struct mem mem;
static struct kept_table table;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    kept_table_init(&table, &mem, (struct hash_key){ .k0 = 1, .k1 = 2 });
}

static void
stop(void)
{
    kept_table_destroy(&table);
    ck_assert_uint_eq(mem.used, 0);
}

static const struct span two[] = { T("a"), T("b") };
static const struct span two_turned[] = { T("b"), T("a") };
static const struct span way[] = { T("us"), T("eu") };

static struct advertisement
advertisement_of(const char *name)
{
    return (struct advertisement){
        .identity = rib_rig_identity(name, NULL, NULL),
        .tags = { .items = two, .count = 2 },
        .resources = { .items = two, .count = 1 },
        .scope = SPAN("zone"),
        .origin = SPAN("us"),
        .path = { .items = way, .count = 2 },
        .hops_left = 4,
        .cost = 7,
        .preference = 100,
        .ttl_ns = 120 * SEC_NS,
    };
}

static struct kept
keep(const struct advertisement *from)
{
    struct kept kept = { .identity = NULL };
    bool is_kept = kept_set(&table, &kept, from);
    ck_assert(is_kept);
    return kept;
}

START_TEST(a_view_is_what_was_kept)
{
    const struct advertisement from = advertisement_of("math.add");
    struct kept kept = keep(&from);
    struct advertisement view = kept_view(&kept);
    ck_assert(function_identity_equal(&view.identity, &from.identity));
    ck_assert(text_list_same(&view.tags, &from.tags));
    ck_assert(text_list_same(&view.resources, &from.resources));
    ck_assert(span_is(view.scope, "zone"));
    ck_assert(span_is(view.origin, "us"));
    ck_assert_uint_eq(view.path.count, 2);
    ck_assert(span_is(view.path.items[1], "eu"));
    ck_assert_uint_eq(view.hops_left, 4);
    ck_assert_uint_eq(view.cost, 7);
    ck_assert_uint_eq(view.preference, 100);
    ck_assert_uint_eq(view.ttl_ns, 120 * SEC_NS);
    ck_assert_uint_eq(kept_attributes(&kept)->identity.name.size, 0);
    kept_drop(&table, &kept);
    ck_assert_ptr_null(kept.identity);
    kept_drop(&table, &kept);
}
END_TEST

START_TEST(what_only_differs_in_its_name_shares_attributes)
{
    const struct advertisement one = advertisement_of("math.add");
    const struct advertisement other = advertisement_of("math.sub");
    struct kept a = keep(&one);
    size_t size = mem.used;
    struct kept b = keep(&other);
    ck_assert_ptr_eq(a.attributes, b.attributes);
    ck_assert_uint_lt(mem.used - size, sizeof(struct advertisement));
    kept_drop(&table, &a);
    ck_assert(span_is(kept_attributes(&b)->scope, "zone"));
    kept_drop(&table, &b);
}
END_TEST

START_TEST(a_view_that_is_kept_shares_all)
{
    const struct advertisement from = advertisement_of("math.add");
    struct kept a = keep(&from);
    size_t size = mem.used;
    const struct advertisement view = kept_view(&a);
    struct kept b = keep(&view);
    ck_assert_ptr_eq(a.identity, b.identity);
    ck_assert_uint_eq(mem.used, size);
    kept_drop(&table, &a);
    kept_drop(&table, &b);
}
END_TEST

START_TEST(whatever_differs_makes_others)
{
    const struct advertisement from = advertisement_of("math.add");
    struct advertisement others[11];
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        others[i] = from;
    }
    others[0].tags.items = two_turned;
    others[1].tags.count = 1;
    others[2].resources.count = 2;
    others[3].scope = SPAN("global");
    others[4].origin = SPAN("eu");
    others[5].path.count = 1;
    others[6].hops_left++;
    others[7].cost++;
    others[8].preference++;
    others[9].ttl_ns++;
    others[10].doubted = true;
    struct kept first = keep(&from);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct kept other = keep(&others[i]);
        ck_assert_ptr_ne(other.attributes, first.attributes);
        kept_drop(&table, &other);
    }
    kept_drop(&table, &first);
}
END_TEST

/* The n-th request for memory is refused, for each n. */
START_TEST(without_memory_nothing_is_kept)
{
    const struct advertisement from = advertisement_of("math.add");
    struct kept kept = { .identity = NULL };
    bool is_kept = false;
    uint32_t refused = 0;
    for (size_t cap = 0; !is_kept; cap += 8) {
        mem.cap = cap;
        is_kept = kept_set(&table, &kept, &from);
        ck_assert_uint_eq(is_kept, kept.identity != NULL);
        ck_assert(is_kept || mem.used == 0);
        refused += !is_kept;
    }
    ck_assert_uint_gt(refused, 3);
    kept_drop(&table, &kept);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("kept");
    TCase *tcase = tcase_create("kept");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, a_view_is_what_was_kept);
    tcase_add_test(tcase, what_only_differs_in_its_name_shares_attributes);
    tcase_add_test(tcase, a_view_that_is_kept_shares_all);
    tcase_add_test(tcase, whatever_differs_makes_others);
    tcase_add_test(tcase, without_memory_nothing_is_kept);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
