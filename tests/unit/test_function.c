/* SPDX-License-Identifier: Apache-2.0 */
/* test_function.c - equality of what names an advertisement, and how long it lives. */
#include <check.h>
#include <stdlib.h>

#include "core/function.h"
#include "tests/support/check_failed.h"

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)"" literal_, sizeof(literal_) - 1                                         \
    }

static const struct span gpu_cuda[] = { TEXT("gpu"), TEXT("cuda") };
static const struct span cuda_gpu[] = { TEXT("cuda"), TEXT("gpu"), TEXT("cuda") };
static const struct span gpu[] = { TEXT("gpu") };

static const struct text_list none = { NULL, 0 };
static const struct text_list both = { gpu_cuda, 2 };
static const struct text_list both_again = { cuda_gpu, 3 };
static const struct text_list one = { gpu, 1 };

START_TEST(list_has_what_is_in_it)
{
    ck_assert(text_list_has(&both, SPAN("cuda")));
    ck_assert(!text_list_has(&both, SPAN("cud")));
    ck_assert(!text_list_has(&none, SPAN("")));
}
END_TEST

START_TEST(part_is_included_and_empty_always)
{
    ck_assert(text_list_includes(&both, &one));
    ck_assert(!text_list_includes(&one, &both));
    ck_assert(text_list_includes(&one, &none));
    ck_assert(text_list_includes(&none, &none));
}
END_TEST

START_TEST(lists_are_the_same_as_sets)
{
    ck_assert(text_list_same(&both, &both_again));
    ck_assert(!text_list_same(&both, &one));
    ck_assert(!text_list_same(&none, &one));
    ck_assert(text_list_same(&none, &none));
}
END_TEST

static struct function_key
some_key(void)
{
    return (struct function_key){
        .cluster_id = SPAN("c1"),
        .node_id = SPAN("ws://n1"),
        .identity = { SPAN("add"), SPAN("add-id"), SPAN("1.0.0"), { 1, 0, 0 }, NULL },
        .resources = both,
    };
}

START_TEST(keys_are_equal_only_in_all_parts)
{
    struct function_key a = some_key();
    struct function_key b = some_key();
    b.identity.version_text = SPAN("v1");
    b.resources = both_again;
    ck_assert(function_key_equal(&a, &b));

    struct function_key other = some_key();
    other.cluster_id = SPAN("c2");
    ck_assert(!function_key_equal(&a, &other));
    other = some_key();
    other.node_id = SPAN("ws://n2");
    ck_assert(!function_key_equal(&a, &other));
    other = some_key();
    other.identity.name = SPAN("sub");
    ck_assert(!function_key_equal(&a, &other));
    other = some_key();
    other.identity.function_id = SPAN("other");
    ck_assert(!function_key_equal(&a, &other));
    other = some_key();
    other.identity.version.patch = 1;
    ck_assert(!function_key_equal(&a, &other));
    other = some_key();
    other.resources = one;
    ck_assert(!function_key_equal(&a, &other));
}
END_TEST

static const struct life_case {
    const char *name;
    int64_t advertised_at;
    uint64_t ttl_ns;
    int64_t now;
    bool alive;
} life_cases[] = {
    { "in its time", 100, 50, 120, true },
    { "in its last nanosecond", 100, 50, 150, true },
    { "over", 100, 50, 151, false },
    { "from the future", 500, 50, 120, true },
    { "without a ttl, at once", 100, 0, 100, true },
    { "without a ttl, later", 100, 0, 101, false },
    { "for ever", INT64_MAX, UINT64_MAX, INT64_MAX, true },
    { "for ever from long ago", 0, UINT64_MAX, INT64_MAX, true },
    { "from before 1970", -100, 50, -50, true },
    { "from before 1970, over", -100, 50, -49, false },
};

START_TEST(entry_lives_until_its_ttl_has_passed)
{
    const struct life_case *c = &life_cases[_i];
    bool alive =
        function_alive((struct wall){ c->advertised_at }, c->ttl_ns, (struct wall){ c->now });
    ck_assert_msg(alive == c->alive, "%s: got %d", c->name, alive);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("function");
    TCase *tcase = tcase_create("function");

    tcase_add_test(tcase, list_has_what_is_in_it);
    tcase_add_test(tcase, part_is_included_and_empty_always);
    tcase_add_test(tcase, lists_are_the_same_as_sets);
    tcase_add_test(tcase, keys_are_equal_only_in_all_parts);
    tcase_add_loop_test(tcase, entry_lives_until_its_ttl_has_passed, 0, (int)COUNT_OF(life_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
