/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_assert.c - asserts as they are written: which hold, which do not and by what example, and what is wrong with
 * those that make no sense.
 */
#include "host/policy_assert.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_yaml.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"

#define TEXT_SIZE_MAX 4096

static struct mem mem;
static struct arena arena;
static struct yaml_errors errors;

static void
set_up(void)
{
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    arena_init(&arena, &mem);
    yaml_errors_init(&errors);
}

static void
tear_down(void)
{
    arena_destroy(&arena);
    yaml_errors_destroy(&errors);
    ck_assert_uint_eq(mem.used, 0);
}

static struct policy_yaml *
loaded_from(const char *head, const char *rules, const char *assert)
{
    char text[TEXT_SIZE_MAX];
    int size = snprintf(text, sizeof(text), "%s%sassert:\n  - %s\n", head, rules, assert);
    ck_assert_int_lt(size, TEXT_SIZE_MAX);
    static const struct yaml_environment nothing = { .lookup = NULL };
    return policy_yaml_load_text("p.yaml", span_from_text(text), &nothing, &mem, &errors);
}

/* "holds"; "broken by RULE: export function=a"; "undecided: too many ..." */
static const char *
judged(const struct policy_yaml *loaded)
{
    static char text[TEXT_SIZE_MAX];
    struct buf example;
    const struct policy_proof *proof = policy_assert_prove(loaded, AT, &arena);
    ck_assert_ptr_nonnull(proof);
    ck_assert(policy_assert_holds(loaded, AT, &mem) == (proof->result == PROVE_HOLDS));
    buf_init(&example, &mem, TEXT_SIZE_MAX);
    switch (proof->result) {
    case PROVE_HOLDS:
        (void)snprintf(text, sizeof(text), "holds");
        break;
    case PROVE_BROKEN:
        policy_assert_write_example(proof, AT, &example);
        (void)snprintf(text, sizeof(text), "broken by %.*s:%.*s%s%.*s%s%.*s",
            SPAN_ARGS(proof->rule_id), SPAN_ARGS(buf_span(&example)),
            proof->becomes.size > 0 ? " -> " : "", SPAN_ARGS(proof->becomes),
            proof->reaches.size > 0 ? " to " : "", SPAN_ARGS(proof->reaches));
        break;
    case PROVE_UNDECIDED:
        (void)snprintf(text, sizeof(text), "undecided: %s", prove_doubt_text(proof->doubt));
        break;
    }
    buf_destroy(&example);
    return text;
}

#define HEAD                       "policy: p\nfederation: us\nlinks: [eu]\n"
#define EXPORT                     HEAD "export:\n  rules:\n"
#define IMPORT                     HEAD "import:\n  rules:\n"
#define RULE(id_, match_, action_) "    - {id: " id_ ", match: {" match_ "}, action: " action_ "}\n"
#define ACCEPT_ALL                 "    - {id: all, action: accept}\n"

static const struct assert_case {
    const char *name;
    const char *head;
    const char *rules;
    const char *assert;
    const char *judged;
} assert_cases[] = {
    { "nothing is accepted", HEAD, "", "never: {export: {}}", "holds" },
    { "nothing is accepted, which is not always", HEAD, "", "always: {export: {function: a.b}}",
        "broken by default: function=a.b" },
    { "tags, rejected before", EXPORT,
        RULE("r", "tags: {any: [internal, secret]}", "reject") ACCEPT_ALL,
        "never: {export: {tags: [internal, secret]}}", "holds" },
    { "tags, one of which is not rejected", EXPORT,
        RULE("r", "tags: {any: [internal]}", "reject") ACCEPT_ALL,
        "never: {export: {tags: [internal, secret]}}",
        "broken by all: function=x tags=secret -> x" },
    { "tags, rejected only together", EXPORT, RULE("r", "tags: {all: [a, b]}", "reject") ACCEPT_ALL,
        "never: {export: {tags: a}}", "broken by all: function=x tags=a -> x" },
    { "tags, accepted only without one", EXPORT, RULE("r", "tags: {none: a}", "accept"),
        "never: {export: {tags: {all: [a, b]}}}", "holds" },
    { "tags, one that saves from a reject", EXPORT,
        RULE("r", "tags: {none: ok}", "reject") ACCEPT_ALL, "never: {export: {}}",
        "broken by all: function=x tags=ok -> x" },
    { "resources", EXPORT, RULE("r", "resources: {any: [gpu, tpu]}", "reject") ACCEPT_ALL,
        "never: {export: {resources: {all: [tpu, disk]}}}", "holds" },
    { "names", EXPORT, RULE("r", "function: \"vault.**\"", "reject") ACCEPT_ALL,
        "never: {export: {function: \"vault.*\"}}", "holds" },
    { "names, more than are rejected", EXPORT,
        RULE("r", "function: \"vault.*\"", "reject") ACCEPT_ALL,
        "never: {export: {function: \"vault.**\"}}", "broken by all: function=vault. -> vault." },
    { "names, but for some", EXPORT, RULE("r", "function: \"vault.open\"", "accept"),
        "never: {export: {function: \"vault.*\", except: vault.open}}", "holds" },
    { "names that two rules share", EXPORT,
        RULE("r", "function: \"*.get\"", "reject") RULE("s", "function: \"a.*\"", "accept"),
        "never: {export: {function: [\"a.get\", \"b.*\"]}}", "holds" },
    { "what every node answers does not count", EXPORT, ACCEPT_ALL,
        "never: {export: {function: [echo, list_peers]}}", "holds" },
    { "ids", EXPORT, RULE("r", "function_id: \"fn-*\"", "reject") ACCEPT_ALL,
        "never: {export: {function: a, function_id: [\"fn-*\", \"gn-*\"]}}",
        "broken by all: function=a function_id=gn-x -> a" },
    { "versions", EXPORT, RULE("r", "version: \">=2.0.0,<3.0.0\"", "reject") ACCEPT_ALL,
        "never: {export: {version: \">=2.1.0,<3.0.0\"}}", "holds" },
    { "versions, above", EXPORT, RULE("r", "version: \">=2.0.0,<3.0.0\"", "reject") ACCEPT_ALL,
        "never: {export: {version: \">=2.1.0\"}}", "broken by all: function=x version=3.0.0 -> x" },
    { "scopes", EXPORT, RULE("r", "scope: [zone, region, global]", "reject") ACCEPT_ALL,
        "always: {export: {scope: [zone, local]}}", "broken by r: function=x" },
    { "scopes, all of them", EXPORT, RULE("r", "scope: [local, zone, region, global]", "accept"),
        "always: {export: {}}", "holds" },
    { "what others serve is always rejected", EXPORT, ACCEPT_ALL, "always: {export: {origin: ap}}",
        "broken by default: function=x path=ap,us" },
    { "scopes of other bridges are anything", IMPORT,
        RULE("r", "scope: [local, zone, region, global]", "accept"), "always: {import: {}}",
        "broken by default: function=x scope=x" },
    { "transit", EXPORT, RULE("r", "function: \"**\"", "accept"), "never: {export: {origin: ap}}",
        "holds" },
    { "transit, allowed", EXPORT,
        "    - {id: t, match: {function: \"**\"}, transit: true, action: accept}\n",
        "never: {export: {origin: ap}}", "broken by t: function=x path=ap,us -> x" },
    { "our own origin", EXPORT, RULE("r", "origin: us", "accept"), "never: {export: {origin: us}}",
        "broken by r: function=x path=us -> x" },
    { "paths end at the link", IMPORT, RULE("r", "path: {includes: eu}", "accept"),
        "always: {import: {}}", "holds" },
    { "paths, by hops", IMPORT, RULE("r", "path: {max_hops: 1}", "accept"),
        "never: {import: {origin: ap}}", "holds" },
    { "paths, excluded", IMPORT,
        RULE("r", "path: {excludes: [af, ap]}", "reject") RULE("s", "origin: jp", "accept"),
        "never: {import: {}}", "broken by s: function=x path=jp,af,eu -> x" },
    { "time is over", EXPORT, "    - {id: r, valid: {until: 2026-12-01}, action: accept}\n",
        "never: {export: {}}", "holds" },
    { "time will come", EXPORT, "    - {id: r, valid: {from: 2027-01-01}, action: accept}\n",
        "never: {export: {}}", "broken by r: function=x at=2027-01-01T00:00:00Z -> x" },
    { "what a name becomes", IMPORT,
        "    - {id: r, match: {function: \"{n**}\"}, set: {function: \"eu.{n}\"}, action: "
        "accept}\n",
        "never: {import: {as: {function: \"**\", except: \"eu.**\"}}}", "holds" },
    { "what a name becomes, and what it was", IMPORT,
        "    - {id: r, match: {function: \"{n**}\"}, set: {function: \"eu.{n}\"}, action: "
        "accept}\n",
        "never: {import: {function: \"a.*\", as: {except: \"eu.a.b\"}}}",
        "broken by r: function=a.x -> eu.a.x" },
    { "a name that is kept", IMPORT, RULE("r", "function: \"eu.*\"", "accept"),
        "never: {import: {as: {function: \"**\", except: \"eu.*\"}}}", "holds" },
    { "one name for all", IMPORT,
        "    - {id: r, match: {function: \"**\"}, set: {function: eu.one}, action: accept}\n",
        "never: {import: {as: {function: \"**\", except: \"eu.**\"}}}", "holds" },
    { "no name is made of it", IMPORT,
        "    - {id: r, match: {function: \"eu.{n**}\"}, set: {function: \"{n}\"}, action: "
        "accept}\n",
        "never: {import: {function: \"eu.\"}}", "holds" },
    { "a rename that swaps", IMPORT,
        "    - {id: r, match: {function: \"{a}.{b}\"}, set: {function: \"{b}.{a}\"}, action: "
        "accept}\n",
        "never: {import: {as: {function: \"q.*\"}}}", "broken by r: function=x.q -> q.x" },
    { "a rename that swaps, to nothing asked about", IMPORT,
        "    - {id: r, match: {function: \"{a}.{b}\"}, set: {function: \"eu.{b}.{a}\"}, action: "
        "accept}\n",
        "never: {import: {as: {function: \"**\", except: \"eu.**\"}}}", "holds" },
    { "only to whom it may", EXPORT, ACCEPT_ALL, "only: [eu, ap]", "holds" },
    { "only to others", EXPORT, ACCEPT_ALL, "only: [ap]", "broken by all: function=x -> x to eu" },
    { "only to others, but nothing", EXPORT, RULE("r", "function: \"**\"", "reject"), "only: [ap]",
        "holds" },
    { "a text that a shell would take apart", EXPORT, ACCEPT_ALL,
        "never: {export: {tags: [\"it's (me)\"]}}",
        "broken by all: function=x tags='it'\\''s (me)' -> x" },
    { "definitions", "define: {secret: [internal, \"top secret\"]}\n" EXPORT,
        RULE("r", "tags: {any: \"@secret\"}", "reject") ACCEPT_ALL,
        "never: {export: {tags: \"@secret\"}}", "holds" },
};

START_TEST(asserts_are_proved_or_broken)
{
    const struct assert_case *c = &assert_cases[_i];
    struct policy_yaml *loaded = loaded_from(c->head, c->rules, c->assert);
    ck_assert_msg(
        loaded != NULL, "%s: %s", c->name, errors.count > 0 ? errors.list[0].message : "");
    const char *got = judged(loaded);
    ck_assert_msg(strcmp(got, c->judged) == 0, "%s: got '%s', want '%s'", c->name, got, c->judged);
    policy_yaml_free(loaded);
}
END_TEST

static const struct fault_case {
    const char *assert;
    const char *message;
} fault_cases[] = {
    { "{}", "this assert promises nothing" },
    { "{name: x}", "this assert promises nothing" },
    { "{only: a, never: {export: {}}}", "this assert promises several things" },
    { "never: {}", "this assert is about nothing" },
    { "never: {export: {}, import: {}}", "an assert is about export or import, not both" },
    { "always: {import: {as: {except: a}}}",
        "'as' has no meaning in always: what is rejected gets no name" },
    { "never: {import: {as: {}}}", "'as' says nothing" },
    { "never: {export: {tags: []}}", "assert[0].never.export.tags has 0 items" },
    { "never: {export: {tags: {some: a}}}", "unknown key 'some' in tags" },
    { "never: {export: {function: \"a***\"}}",
        "assert[0].never.export.function: 'a***' has more than two stars in a row; write * for "
        "characters without a dot, ** for any" },
    { "only: []", "assert[0].only has 0 items" },
    { "often: {export: {}}", "unknown key 'often' in this assert" },
};

START_TEST(asserts_that_make_no_sense_are_refused)
{
    const struct fault_case *c = &fault_cases[_i];
    ck_assert_ptr_null(loaded_from(EXPORT, ACCEPT_ALL, c->assert));
    bool found = false;
    for (size_t i = 0; i < errors.count; i++) {
        found = found || strcmp(errors.list[i].message, c->message) == 0;
    }
    ck_assert_msg(found, "%s: got '%s'", c->assert, errors.list[0].message);
}
END_TEST

START_TEST(an_assert_is_called_as_it_is_written)
{
    struct policy_yaml *loaded = loaded_from(EXPORT, ACCEPT_ALL,
        "never: {export: {tags: [ internal ], 'function': a.b }}\n  - {name: "
        "mine, only: eu}");
    ck_assert_ptr_nonnull(loaded);
    ck_assert_uint_eq(loaded->assert_count, 2);
    ck_assert_msg(
        span_is(loaded->asserts[0].name, "never: {export: {function: a.b, tags: [internal]}}"),
        "%.*s", SPAN_ARGS(loaded->asserts[0].name));
    ck_assert(span_is(loaded->asserts[1].name, "mine"));
    ck_assert_uint_eq(loaded->asserts[1].place.line, 9);
    policy_yaml_free(loaded);
}
END_TEST

START_TEST(long_asserts_have_their_beginning_for_a_name)
{
    char assert[TEXT_SIZE_MAX - 512] = "never: {export: {tags: [";
    while (strlen(assert) < sizeof(assert) - 16) {
        strcat(assert, "caf\xc3\xa9, ");
    }
    strcat(assert, "x]}}");
    struct policy_yaml *loaded = loaded_from(EXPORT, ACCEPT_ALL, assert);
    ck_assert_ptr_nonnull(loaded);
    ck_assert_uint_gt(loaded->asserts[0].name.size, 1000);
    ck_assert_uint_lt(loaded->asserts[0].name.size, 1025);
    policy_yaml_free(loaded);
}
END_TEST

START_TEST(without_memory_nothing_holds)
{
    struct policy_yaml *loaded =
        loaded_from(EXPORT, RULE("r", "function: a", "reject"), "never: {export: {function: a}}");
    ck_assert_ptr_nonnull(loaded);
    struct mem small;
    mem_init(&small, 64);
    ck_assert(!policy_assert_holds(loaded, AT, &small));
    ck_assert_uint_eq(small.used, 0);
    policy_yaml_free(loaded);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_assert");
    TCase *tcase = tcase_create("policy_assert");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, asserts_are_proved_or_broken, 0, (int)COUNT_OF(assert_cases));
    tcase_add_loop_test(
        tcase, asserts_that_make_no_sense_are_refused, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, an_assert_is_called_as_it_is_written);
    tcase_add_test(tcase, long_asserts_have_their_beginning_for_a_name);
    tcase_add_test(tcase, without_memory_nothing_holds);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
