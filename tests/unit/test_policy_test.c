/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_test.c - the tests of a policy file reach what they are about, and each expectation counts.
 */
#include "host/policy_test.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_yaml.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct arena arena;
static struct yaml_errors errors;

static void
set_up(void)
{
    mem_init(&mem, (size_t)16 * 1024 * 1024);
    arena_init(&arena, &mem);
    yaml_errors_init(&errors);
}

static void
tear_down(void)
{
    yaml_errors_destroy(&errors);
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}

static const char rules[] =
    "policy: us-eu\n"
    "links: [eu]\n"
    "export:\n"
    "  rules:\n"
    "    - id: billing\n"
    "      match: {function: \"billing.{op}\", version: \">=2.0.0\", tags: {none: [internal]}}\n"
    "      set: {function: \"us.billing.{op}\", tags: {add: [from-us]}, resources: {rename: {gpu: "
    "us-gpu}},\n"
    "            cost: 10, ttl: 60s}\n"
    "      action: accept\n"
    "    - {id: rest, action: reject, reason: not for export}\n"
    "import:\n"
    "  rules:\n"
    "    - {id: far, match: {scope: region, origin: ap, path: {includes: [eu]}}, set: {preference: "
    "7}, action: accept}\n"
    "    - {id: own, match: {function_id: \"fn-*\", origin: eu}, action: accept}\n"
    "tests:\n";

#define CHARGE                                                                                     \
    "export: {function: billing.charge, version: 2.1.0, tags: [public], resources: [gpu]}"

static const struct test_case {
    const char *name;
    const char *test;       /* without its name */
    const char *mismatches; /* "key want got;" of each */
    uint32_t rule;
} test_cases[] = {
    { "all that can be expected",
        CHARGE
        ", expect: {action: accept, rule: billing, function: us.billing.charge, "
        "function_id: us.billing.charge, tags: [from-us, public], resources: [us-gpu], cost: 10, "
        "preference: 100, ttl: 60s}",
        "", 0 },
    { "all of it is wrong",
        CHARGE ", expect: {action: accept, rule: rest, function: a, function_id: b, tags: [c], "
               "resources: [d], cost: 1, preference: 2, ttl: 3s}",
        "rule rest billing;function a us.billing.charge;function_id b us.billing.charge;"
        "tags [c] [public, from-us];resources [d] [us-gpu];cost 1 10;preference 2 100;ttl 3s 1m;",
        0 },
    { "one version too low",
        "export: {function: billing.charge}, expect: {action: reject, rule: rest}", "", 1 },
    { "a reject that should be an accept",
        "export: {function: billing.charge, tags: internal, version: 2.0.0}, expect: {function: x}",
        "action accept reject;", 1 },
    { "an accept that should be a reject", CHARGE ", expect: {action: reject}",
        "action reject accept;", 0 },
    { "the reason", "export: {function: a}, expect: {reason: not for export}", "", 1 },
    { "another reason", "export: {function: a}, expect: {action: reject, reason: why}",
        "reason why not for export;", 1 },
    { "the default", "import: {function: a}, expect: {action: reject, rule: default}", "",
        POLICY_NO_RULE },
    { "scope and path, which has the origin",
        "import: {function: a, scope: region, path: [ap, eu]}, expect: {rule: far, preference: 7, "
        "tags: []}",
        "", 0 },
    { "the scope when none is given",
        "import: {function: a, path: [ap, eu]}, expect: {rule: default}", "", POLICY_NO_RULE },
    { "id and origin",
        "import: {function: a, function_id: fn-1, origin: eu}, expect: {rule: own, function_id: "
        "fn-1}",
        "", 1 },
    { "the id when none is given", "import: {function: a, origin: eu}, expect: {rule: default}", "",
        POLICY_NO_RULE },
    { "a lifetime that no rule limits",
        "import: {function: a, function_id: fn-1, origin: eu}, expect: {ttl: 60s}",
        "ttl 1m as it was;", 1 },
    { "an origin that agrees with the path",
        "import: {function: a, function_id: fn-1, origin: eu, path: [eu, ap]}, expect: {rule: own}",
        "", 1 },
};

static struct policy_yaml *
load(const char *test)
{
    char text[4096];
    int size = snprintf(text, sizeof(text), "%s  - {name: it, %s}\n", rules, test);
    ck_assert_int_lt(size, (int)sizeof(text));
    static const struct yaml_environment nothing = { .lookup = NULL };
    struct policy_yaml *loaded =
        policy_yaml_load_text("p.yaml", span_from_text(text), &nothing, &mem, &errors);
    ck_assert_msg(loaded != NULL, "%s: %s", test, errors.list[0].message);
    return loaded;
}

START_TEST(each_expectation_counts)
{
    const struct test_case *c = &test_cases[_i];
    struct policy_yaml *loaded = load(c->test);
    struct policy_test_outcome outcome;
    ck_assert_uint_eq(loaded->test_count, 1);
    ck_assert(span_is(loaded->tests[0].name, "it"));
    ck_assert_uint_eq(loaded->tests[0].place.line, 16);
    ck_assert(policy_test_run(loaded->policy, &loaded->tests[0], AT, &arena, &outcome));
    char got[1024] = "";
    for (uint32_t i = 0; i < outcome.mismatch_count; i++) {
        const struct policy_test_mismatch *mismatch = &outcome.mismatches[i];
        size_t size = strlen(got);
        (void)snprintf(&got[size], sizeof(got) - size, "%s %.*s %.*s;", mismatch->key,
            SPAN_ARGS(mismatch->want), SPAN_ARGS(mismatch->got));
    }
    ck_assert_msg(
        strcmp(got, c->mismatches) == 0, "%s: got %s\nwant %s", c->name, got, c->mismatches);
    ck_assert_msg(outcome.rule == c->rule, "%s: rule %u, want %u", c->name, outcome.rule, c->rule);
    policy_yaml_free(loaded);
}
END_TEST

START_TEST(full_memory_is_told)
{
    struct policy_yaml *loaded = load(CHARGE ", expect: {tags: [c]}");
    struct mem small;
    struct arena cramped;
    struct policy_test_outcome outcome;
    mem_init(&small, 16);
    arena_init(&cramped, &small);
    ck_assert(!policy_test_run(loaded->policy, &loaded->tests[0], AT, &cramped, &outcome));
    arena_destroy(&cramped);
    policy_yaml_free(loaded);
}
END_TEST

static const struct example_case {
    const char *file;
} example_cases[] = {
    { "policies/us-eu.yaml" },
    { "policies/eu-us.yaml" },
};

START_TEST(examples_pass_their_tests_which_hit_every_rule)
{
    const char *file = example_cases[_i].file;
    static const struct yaml_environment nothing = { .lookup = NULL };
    struct policy_yaml *loaded = policy_yaml_load_file(file, &nothing, &mem, &errors);
    bool hit[2][16] = { { false } };
    ck_assert_msg(loaded != NULL && errors.count == 0, "%s", file);
    for (uint32_t i = 0; i < loaded->test_count; i++) {
        const struct policy_test *test = &loaded->tests[i];
        struct policy_test_outcome outcome;
        ck_assert(policy_test_run(loaded->policy, test, AT, &arena, &outcome));
        ck_assert_msg(outcome.mismatch_count == 0, "%s: %.*s", file, SPAN_ARGS(test->name));
        if (outcome.rule != POLICY_NO_RULE) {
            hit[test->direction][outcome.rule] = true;
        }
    }
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        for (uint32_t i = 0; i < loaded->source.rule_count[direction]; i++) {
            ck_assert_msg(hit[direction][i], "%s: rule %.*s", file,
                SPAN_ARGS(loaded->source.rules[direction][i].id));
        }
    }
    policy_yaml_free(loaded);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_test");
    TCase *tcase = tcase_create("policy_test");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, each_expectation_counts, 0, (int)COUNT_OF(test_cases));
    tcase_add_test(tcase, full_memory_is_told);
    tcase_add_loop_test(
        tcase, examples_pass_their_tests_which_hit_every_rule, 0, (int)COUNT_OF(example_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
