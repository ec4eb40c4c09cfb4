/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_explain.c - each condition is named when it is the first that fails.
 */
#include "bridge/policy_explain.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/at.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct arena arena;

static void
set_up(void)
{
    mem_init(&mem, (size_t)1024 * 1024);
    arena_init(&arena, &mem);
}

static void
tear_down(void)
{
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}

#define TEXT(text_)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                \
    }
#define LIST(items_)                                                                               \
    {                                                                                              \
        .items = (items_), .count = COUNT_OF(items_)                                               \
    }

static const struct span good[] = { TEXT("a"), TEXT("b") };
static const struct span bad[] = { TEXT("b"), TEXT("x") };
static const struct span worse[] = { TEXT("x"), TEXT("y") };
static const struct span shapes[] = { TEXT("n.*"), TEXT("m.*") };
static const struct span zone[] = { TEXT("zone") };

static struct advertisement
advertised(void)
{
    return (struct advertisement){
        .identity = { .name = SPAN("m.f"), .function_id = SPAN("m.f"), .version = { .major = 2 } },
        .tags = LIST(good),
        .resources = LIST(good),
        .scope = SPAN("zone"),
        .origin = SPAN("a"),
        .path = LIST(good),
    };
}

static const struct condition_case {
    const char *name;
    struct policy_rule_source rule;
    const char *failed_on;
    const char *item;
} condition_cases[] = {
    { "nothing asked", { .transit = true, .action = POLICY_ACCEPT }, "none", "" },
    { "not of our own cluster", { .action = POLICY_ACCEPT }, "transit", "" },
    { "too early", { .has_valid_from = true, .valid_from = { .ns = INT64_MAX } }, "valid.from",
        "" },
    { "too late", { .has_valid_until = true, .valid_until = { .ns = 0 } }, "valid.until", "" },
    { "everything holds",
        { .functions = LIST(shapes),
            .function_ids = LIST(shapes),
            .version = TEXT(">=2.0.0"),
            .tags = { .all = LIST(good), .any = LIST(bad), .none = LIST(worse) },
            .resources = { .all = LIST(good), .any = LIST(bad), .none = LIST(worse) },
            .scopes = LIST(zone),
            .origins = LIST(good),
            .has_max_hops = true,
            .max_hops = 2,
            .path_includes = LIST(good),
            .path_excludes = LIST(worse),
            .has_valid_from = true,
            .valid_from = { .ns = 1 },
            .has_valid_until = true,
            .valid_until = { .ns = INT64_MAX },
            .transit = true,
            .action = POLICY_ACCEPT },
        "none", "" },
    { "function", { .functions = LIST(worse), .function_ids = LIST(worse) }, "function", "" },
    { "id", { .function_ids = LIST(worse), .version = TEXT("<1.0.0") }, "function_id", "" },
    { "version", { .version = TEXT("<2.0.0"), .tags = { .all = LIST(bad) } }, "version", "" },
    { "all tags", { .tags = { .all = LIST(bad), .any = LIST(worse) } }, "tags.all", "x" },
    { "any tag", { .tags = { .any = LIST(worse), .none = LIST(bad) } }, "tags.any", "" },
    { "no tag", { .tags = { .none = LIST(bad) }, .resources = { .all = LIST(bad) } }, "tags.none",
        "b" },
    { "all resources", { .resources = { .all = LIST(bad), .any = LIST(worse) } }, "resources.all",
        "x" },
    { "any resource", { .resources = { .any = LIST(worse), .none = LIST(bad) } }, "resources.any",
        "" },
    { "no resource", { .resources = { .none = LIST(bad) }, .scopes = LIST(good) }, "resources.none",
        "b" },
    { "scope", { .scopes = LIST(good), .origins = LIST(worse) }, "scope", "" },
    { "origin", { .origins = LIST(worse), .path_includes = LIST(worse) }, "origin", "" },
    { "hops", { .has_max_hops = true, .max_hops = 1, .path_includes = LIST(worse) },
        "path.max_hops", "" },
    { "path includes", { .path_includes = LIST(bad), .path_excludes = LIST(bad) }, "path.includes",
        "x" },
    { "path excludes", { .path_excludes = LIST(bad) }, "path.excludes", "b" },
};

START_TEST(first_condition_that_fails_is_named)
{
    const struct condition_case *c = &condition_cases[_i];
    struct policy_source source = { .rules = { &c->rule, NULL }, .rule_count = { 1, 0 } };
    struct advertisement advertisement = advertised();
    struct policy_explanation explanation;
    ck_assert(policy_explain(&source, POLICY_EXPORT, &advertisement, AT, &arena, &explanation));
    ck_assert_uint_eq(explanation.step_count, 1);
    const struct policy_step *step = &explanation.steps[0];
    const char *got = policy_condition_name(step->failed_on);
    ck_assert_msg(
        strcmp(got, c->failed_on) == 0, "%s: got %s, want %s", c->name, got, c->failed_on);
    ck_assert_msg(span_is(step->item, c->item), "%s: got %.*s", c->name, SPAN_ARGS(step->item));
    bool matched = step->failed_on == POLICY_CONDITION_NONE;
    ck_assert_uint_eq(explanation.rule, matched ? 0 : POLICY_NO_RULE);
    ck_assert_int_eq(explanation.action, matched ? POLICY_ACCEPT : POLICY_REJECT);
}
END_TEST

START_TEST(what_is_no_name_is_asked_of_no_rule)
{
    struct policy_rule_source rule = { .action = POLICY_ACCEPT };
    struct policy_source source = { .rules = { &rule, NULL }, .rule_count = { 1, 0 } };
    struct advertisement advertisement = advertised();
    struct policy_explanation explanation;
    advertisement.identity.function_id = SPAN("a\n");
    ck_assert(policy_explain(&source, POLICY_EXPORT, &advertisement, AT, &arena, &explanation));
    ck_assert_uint_eq(explanation.step_count, 0);
    ck_assert_uint_eq(explanation.rule, POLICY_NO_RULE);
    ck_assert_int_eq(explanation.action, POLICY_REJECT);
}
END_TEST

START_TEST(full_memory_is_told)
{
    struct policy_rule_source rule = { .functions = LIST(shapes) };
    struct policy_source source = { .rules = { &rule, NULL }, .rule_count = { 1, 0 } };
    struct advertisement advertisement = advertised();
    struct policy_explanation explanation;
    struct mem small;
    struct arena cramped;
    mem_init(&small, 16);
    arena_init(&cramped, &small);
    ck_assert(!policy_explain(&source, POLICY_EXPORT, &advertisement, AT, &cramped, &explanation));
    arena_destroy(&cramped);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_explain");
    TCase *tcase = tcase_create("policy_explain");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(
        tcase, first_condition_that_fails_is_named, 0, (int)COUNT_OF(condition_cases));
    tcase_add_test(tcase, what_is_no_name_is_asked_of_no_rule);
    tcase_add_test(tcase, full_memory_is_told);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
