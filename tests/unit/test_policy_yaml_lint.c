/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_yaml_lint.c - what is hardly meant is said, and what may well be meant is not.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_yaml.h"
#include "tests/support/check_failed.h"

#define MESSAGES_SIZE 8192
#define HEAD          "policy: p\nlinks: [eu]\nimport:\n  rules:\n"
#define EXPORT_HEAD   "policy: p\nlinks: [eu]\nexport:\n  rules:\n"
#define OF_US         "policy: p\nlinks: [eu]\nfederation: us\nexport:\n  rules:\n"
#define NO_TRANSIT                                                                                 \
    "warning: this rule can never match: it accepts only what our own cluster serves, and its "    \
    "conditions hold only for other federations; to pass on what they serve, say transit: true"
#define ACCEPT(id_, match_, rest_)                                                                 \
    "    - {id: " id_ ", match: {" match_ "}, " rest_ "action: accept}\n"
#define HIDDEN            "warning: this rule can never match: rule 'a' before it matches all that it does"
#define RULE(id_, match_) "    - {id: " id_ ", match: {" match_ "}, action: reject}\n"

static const struct lint_case {
    const char *name;
    const char *rules;
    const char *messages; /* each a part of its line */
} lint_cases[] = {
    { "a pattern that covers another",
        RULE("a", "function: \"x.**\"") RULE("b", "function: \"x.{y}.z\", scope: zone"),
        "p.yaml:6:7: " HIDDEN
        "\np.yaml:6:33: warning: import.rules[1].match.function: nothing uses the "
        "capture 'y'; write *" },
    { "several patterns that cover one",
        RULE("a", "function: [\"x.a*\", \"*.*b\", \"y.*\"]")
            RULE("b", "function: [\"x.ab\", \"y.b\", \"z.qb\"]"),
        "p.yaml:6:7: " HIDDEN },
    { "a pattern that does not quite",
        RULE("a", "function: \"x.*\"") RULE("b", "function: \"x.**\""), "" },
    { "the same, but for a condition more",
        RULE("a", "function: x, scope: zone") RULE("b", "function: x"), "" },
    { "versions",
        RULE("a", "version: \">=1.0.0,<3.0.0\"") RULE("b", "version: \">=1.0.0,<=2.9.0\"")
            RULE("c", "version: \"==3.0.0\"") RULE("d", "version: \">0.9.0,<2.0.0\""),
        "p.yaml:6:7: " HIDDEN },
    { "open and closed ends of versions",
        RULE("a", "version: \">1.0.0,<2.0.0\"") RULE("b", "version: \"==1.0.0\"")
            RULE("c", "version: \"==2.0.0\"") RULE("d", "version: \">1.0.0,<2.0.0\""),
        "p.yaml:8:7: " HIDDEN },
    { "tags",
        RULE("a", "tags: {all: [r], any: [s, t], none: [u]}") RULE("b",
            "tags: {all: [r, t], none: [u, v]}") RULE("c", "tags: {all: [r], any: [s], none: u}")
            RULE("d", "tags: {all: [r], any: [s, w], none: u}") RULE("e", "tags: {all: [r, s]}"),
        "p.yaml:6:7: " HIDDEN "\np.yaml:7:7: " HIDDEN },
    { "resources, scopes, origins, ids",
        RULE("a", "resources: {any: [r, s]}, scope: [zone, region], origin: [us, ap], function_id: "
                  "\"i*\"")
            RULE("b", "resources: {all: r}, scope: zone, origin: ap, function_id: ij")
                RULE("c", "resources: {all: r}, scope: zone, origin: eu, function_id: ij")
                    RULE("d", "resources: {all: r}, scope: zone, function_id: ij")
                        RULE("e", "resources: {all: r}, scope: zone, origin: us"),
        "p.yaml:6:7: " HIDDEN },
    { "paths",
        RULE("a", "path: {max_hops: 2, includes: [us], excludes: [af]}")
            RULE("b", "path: {max_hops: 1, includes: [us, ap], excludes: [af, eu]}")
                RULE("c", "path: {max_hops: 3, includes: [us], excludes: [af]}")
                    RULE("d", "path: {includes: [us], excludes: [af]}"),
        "p.yaml:6:7: " HIDDEN },
    { "what nothing fulfils",
        RULE("a", "version: \">2.0.0,<2.0.0\"") RULE("b", "tags: {all: [r, s], none: s}")
            RULE("c", "resources: {any: [r, s], none: [s, r]}")
                RULE("d", "path: {includes: us, excludes: us}"),
        "p.yaml:5:7: warning: this rule can never match: nothing fulfils its match.version\n"
        "p.yaml:6:7: warning: this rule can never match: nothing fulfils its match.tags\n"
        "p.yaml:7:7: warning: this rule can never match: nothing fulfils its match.resources\n"
        "p.yaml:8:7: warning: this rule can never match: nothing fulfils its match.path" },
    { "everything is accepted", "    - {id: a, match: {function: \"**\"}, action: accept}\n",
        "p.yaml:5:7: warning: this rule accepts everything" },
    { "everything with a tag is accepted",
        "    - {id: a, match: {tags: {all: x}}, action: accept}\n", "" },
    { "captures of ids, and of patterns of a list",
        "    - id: a\n"
        "      match: {function: [\"a.{x}.{y}\", \"{x}.b.{z**}\"], function_id: \"{q}\"}\n"
        "      set: {function_id: \"i.{x}\"}\n"
        "      action: accept\n",
        "p.yaml:6:26: warning: import.rules[0].match.function[0]: nothing uses the capture 'y'; "
        "write *\n"
        "p.yaml:6:39: warning: import.rules[0].match.function[1]: nothing uses the capture 'z'; "
        "write **\n"
        "p.yaml:6:68: warning: import.rules[0].match.function_id: nothing uses the capture 'q'; "
        "write *" },
    { "two rules, one name",
        "    - {id: a, match: {function: \"x.{n}\"}, set: {function: \"us.{n}\"}, action: accept}\n"
        "    - {id: b, match: {function: \"y.{n**}\"}, set: {function: \"us.{n}\"}, action: "
        "accept}\n",
        "p.yaml:6:61: warning: several functions get one name: 'x.x' by rule 'a' and 'y.x' by this "
        "one both become 'us.x'; only one of them can be called under that name" },
    { "two rules, two names",
        "    - {id: a, match: {function: \"x.{n}\"}, set: {function: \"us.x.{n}\"}, action: "
        "accept}\n"
        "    - {id: b, match: {function: \"y.{n**}\"}, set: {function: \"us.y.{n}\"}, action: "
        "accept}\n",
        "" },
    { "two versions of one function",
        "    - {id: a, match: {function: \"x.{n}\", version: \">2.0.0\"}, set: {function: "
        "\"us.{n}\"}, action: accept}\n"
        "    - {id: b, match: {function: \"x.{n}\"}, set: {function: \"us.{n}\", cost: 5}, action: "
        "accept}\n",
        "" },
    { "a name that a rule before takes",
        "    - {id: r, match: {function: \"y.*\"}, action: reject}\n"
        "    - {id: a, match: {function: \"x.{n}\"}, set: {function: \"us.{n}\"}, action: accept}\n"
        "    - {id: b, match: {function: \"{m}.{n}\"}, set: {function: \"us.{n}\"}, action: "
        "accept}\n",
        "p.yaml:7:33: warning: import.rules[2].match.function: nothing uses the capture 'm'; write "
        "*" },
    { "a fixed name for many",
        "    - {id: a, match: {function: \"x.*\"}, set: {function: us.one}, action: accept}\n",
        "p.yaml:5:57: warning: several functions get one name: 'x.x' and 'x.y' both become "
        "'us.one'" },
    { "a fixed name for one",
        "    - {id: a, match: {function: x}, set: {function: us.one}, action: accept}\n", "" },
    { "two patterns of one rule",
        "    - {id: a, match: {function: [\"x.{n}\", \"y.{n}\"]}, set: {function: \"us.{n}\"}, "
        "action: accept}\n",
        "p.yaml:5:70: warning: several functions get one name: 'x.x' and 'y.x' both become "
        "'us.x'" },
    { "captures that can be divided in two ways",
        "    - {id: a, match: {function: \"{m}.{n}\"}, set: {function: \"{m}{n}\"}, action: "
        "accept}\n",
        "" },
    { "captures of ids in the template of the id",
        "    - {id: a, match: {function: \"{x**}\", function_id: \"{y}.{z}\"}, set: {function_id: "
        "\"{x}.{y}\"}, action: accept}\n",
        "p.yaml:5:55: warning: import.rules[0].match.function_id: nothing uses the capture 'z'" },
    { "rules of a time",
        ACCEPT("a", "function: \"x.*\"", "valid: {from: 2026-01-01, until: 2027-01-01}, ")
            RULE("b", "function: x.y")
                ACCEPT("c", "function: x.z", "valid: {from: 2026-02-01, until: 2026-12-01}, "),
        "p.yaml:7:7: " HIDDEN },
};

static const struct lint_case export_cases[] = {
    { "everything of our own cluster is accepted",
        ACCEPT("a", "function: \"**\"", "") ACCEPT("b", "function: \"**\"", "transit: true, "),
        "p.yaml:5:7: warning: this rule accepts everything of our own cluster that no rule before "
        "it rejects\n"
        "p.yaml:6:7: warning: this rule accepts everything that no rule before it rejects" },
    { "everything is accepted for a time",
        ACCEPT("a", "function: \"**\"", "valid: {until: 2027-01-01}, ") RULE("b", "function: b"),
        "" },
    { "rules that leave transit to others",
        ACCEPT("a", "function: \"x.**\"", "") ACCEPT("b", "function: \"x.*\"", "transit: true, ")
            ACCEPT("c", "function: x.y", "") RULE("d", "function: z.**"),
        "p.yaml:7:7: " HIDDEN },
    { "others, without transit",
        ACCEPT("a", "path: {includes: [ap, us]}", "")
            ACCEPT("c", "path: {includes: ap}, origin: af", "")
                ACCEPT("b", "path: {includes: ap}", "") ACCEPT("d", "origin: af", "")
                    ACCEPT("e", "path: {includes: [ap, us]}", "transit: true, ")
                        ACCEPT("f", "function: a, path: {max_hops: 0}", ""),
        "p.yaml:5:7: " NO_TRANSIT "\np.yaml:6:7: " NO_TRANSIT "\np.yaml:10:7: " NO_TRANSIT },
    { "several exports onto one name",
        ACCEPT("a", "function: \"x.{n}\"", "set: {function: \"us.{n}\"}, merge: true, ")
            ACCEPT("b", "function: \"y.{n}\"", "set: {function: \"us.{n}\"}, "),
        "p.yaml:6:59: several functions get one name: 'x.x' by rule 'a' and 'y.x' by this one both "
        "become 'us.x'; say merge: true in both rules if they are one service; else keep their "
        "names "
        "apart" },
    { "several exports by one rule onto one name",
        ACCEPT("a", "function: \"x.*\"", "set: {function: us.one}, "),
        "p.yaml:5:57: several functions get one name: 'x.x' and 'x.y' both become 'us.one'; say "
        "merge: true if they are one service; else keep their names apart" },
    { "several exports that are one service",
        ACCEPT("a", "function: \"x.{n}\"", "set: {function: \"us.{n}\"}, merge: true, ")
            ACCEPT("b", "function: \"y.*.{n}\"", "set: {function: \"us.{n}\"}, merge: true, "),
        "" },
    { "several exports, one after the other",
        ACCEPT("a", "function: \"x.{n}\"",
            "valid: {until: 2027-01-01}, set: {function: \"us.{n}\"}, ") ACCEPT("b",
            "function: \"y.{n}\"", "valid: {from: 2027-01-01}, set: {function: \"us.{n}\"}, "),
        "" },
    { "several exports, of which one is never made",
        ACCEPT("a", "function: \"x.{n}\"", "set: {function: \"us.{n}\"}, ")
            RULE("b", "function: \"y.**\"")
                ACCEPT("c", "function: \"y.{n}\", tags: {all: t}", "set: {function: \"us.{n}\"}, "),
        "p.yaml:7:7: warning: this rule can never match: rule 'b' before it" },
    { "a rule before that leaves transit",
        ACCEPT("a", "function: \"x.{n}\"", "set: {function: \"us.{n}\"}, ")
            ACCEPT("b", "function: \"y.**\"", "")
                ACCEPT("c", "function: \"y.{n}\"", "transit: true, set: {function: \"us.{n}\"}, "),
        "p.yaml:7:74: several functions get one name: 'x.x' by rule 'a' and 'y.x' by this one" },
};

static const struct lint_case case_of_us = { "others, without transit, where we know who we are",
    ACCEPT("b", "path: {includes: ap}", "") ACCEPT("d", "origin: [af, ap]", "")
        ACCEPT("e", "path: {excludes: [ap, us]}", "") ACCEPT("f", "origin: [af, us]", ""),
    "p.yaml:6:7: " NO_TRANSIT "\np.yaml:7:7: " NO_TRANSIT "\np.yaml:8:7: " NO_TRANSIT };

static void
expect_messages(const char *name, char *got, const char *want)
{
    char copy[MESSAGES_SIZE] = "";
    strncpy(copy, want, sizeof(copy) - 1);
    char *got_rest = got;
    char *want_rest = copy;
    for (;;) {
        char *got_line = strsep(&got_rest, "\n");
        char *want_line = strsep(&want_rest, "\n");
        bool got_end = got_line == NULL || *got_line == '\0';
        bool want_end = want_line == NULL || *want_line == '\0';
        if (got_end && want_end) {
            return;
        }
        ck_assert_msg(!got_end && !want_end && strstr(got_line, want_line) != NULL,
            "%s:\n got: %s\nwant: %s", name, got_end ? "nothing" : got_line,
            want_end ? "nothing" : want_line);
    }
}

static const struct yaml_environment nothing = { .lookup = NULL };

static void
expect_lint(const char *head, const struct lint_case *c)
{
    static struct yaml_errors errors;
    char text[MESSAGES_SIZE];
    char messages[MESSAGES_SIZE] = "";
    struct mem mem;
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    yaml_errors_init(&errors);
    (void)snprintf(text, sizeof(text), "%s%s", head, c->rules);
    struct policy_yaml *loaded =
        policy_yaml_load_text("p.yaml", span_from_text(text), &nothing, &mem, &errors);
    ck_assert_msg(loaded != NULL && errors.count == 0, "%s: %s", c->name, errors.list[0].message);
    policy_yaml_lint(loaded, &mem, &errors);
    policy_yaml_free(loaded);
    FILE *out = fmemopen(messages, sizeof(messages), "w");
    yaml_errors_print(&errors, out);
    (void)fclose(out);
    expect_messages(c->name, messages, c->messages);
    yaml_errors_destroy(&errors);
    ck_assert_uint_eq(mem.used, 0);
}

START_TEST(what_is_hardly_meant_is_said_and_nothing_else)
{
    expect_lint(HEAD, &lint_cases[_i]);
}
END_TEST

START_TEST(exports_have_transit_and_one_name_for_one_service)
{
    expect_lint(EXPORT_HEAD, &export_cases[_i]);
}
END_TEST

START_TEST(who_knows_its_federation_knows_others)
{
    expect_lint(OF_US, &case_of_us);
}
END_TEST

START_TEST(full_memory_is_said)
{
    static struct yaml_errors errors;
    struct mem mem;
    struct mem small;
    mem_init(&mem, (size_t)1024 * 1024);
    mem_init(&small, 1024);
    yaml_errors_init(&errors);
    struct span text = SPAN(HEAD RULE("a", "function: a"));
    struct policy_yaml *loaded = policy_yaml_load_text("p.yaml", text, &nothing, &mem, &errors);
    policy_yaml_lint(loaded, &small, &errors);
    ck_assert_uint_eq(errors.warning_count, 1);
    ck_assert_ptr_nonnull(strstr(errors.list[0].message, "too much memory"));
    ck_assert_uint_eq(small.used, 0);
    policy_yaml_free(loaded);
    yaml_errors_destroy(&errors);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_yaml_lint");
    TCase *tcase = tcase_create("policy_yaml_lint");

    tcase_add_loop_test(
        tcase, what_is_hardly_meant_is_said_and_nothing_else, 0, (int)COUNT_OF(lint_cases));
    tcase_add_loop_test(
        tcase, exports_have_transit_and_one_name_for_one_service, 0, (int)COUNT_OF(export_cases));
    tcase_add_test(tcase, who_knows_its_federation_knows_others);
    tcase_add_test(tcase, full_memory_is_said);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
