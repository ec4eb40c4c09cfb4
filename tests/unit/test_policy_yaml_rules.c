/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_yaml_rules.c - the keys of a policy file about times, transit, names in common, limits, federations
 * and the guard of a reload: what they become, and what is said where they make no sense.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_yaml.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"
#include "tests/support/yaml_support.h"

#define HEAD   "policy: p\nlinks: [eu]\n"
#define EXPORT HEAD "export:\n  rules:\n"
#define IMPORT HEAD "import:\n  rules:\n"

static const struct yaml_environment nothing = { .lookup = NULL };
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

static struct policy_yaml *
loaded(const char *text)
{
    return policy_yaml_load_text("p.yaml", span_from_text(text), &nothing, &mem, &errors);
}

static struct policy_yaml *
loaded_clean(const char *text)
{
    struct policy_yaml *file = loaded(text);
    yaml_support_expect(&errors, "clean", "");
    ck_assert_ptr_nonnull(file);
    return file;
}

static struct policy_verdict
judged(const struct policy_yaml *file, enum policy_direction direction,
    const struct advertisement *advertisement, struct wall at)
{
    struct policy_verdict verdict;
    enum policy_evaluation evaluation =
        policy_evaluate(file->policy, direction, advertisement, at, &arena, &verdict);
    ck_assert_int_eq(evaluation, POLICY_EVALUATED);
    return verdict;
}

static struct wall
later(uint64_t delay_ns)
{
    return wall_after(AT, delay_ns);
}

START_TEST(a_rule_is_valid_within_its_times)
{
    struct policy_yaml *file = loaded_clean(
        EXPORT "    - {id: a, match: {function: a}, valid: {from: 2026-12-01, until: "
               "\"2026-12-02T01:00:00+01:00\"}, action: accept}\n"
               "    - {id: b, valid: {until: 2026-12-01T00:00:00.5Z}, action: accept}\n"
               "    - {id: c, valid: {from: 2027-01-01T00:00:00Z}, action: accept}\n");
    struct advertisement a = policy_test_advertisement(SPAN("a"));
    struct advertisement b = policy_test_advertisement(SPAN("b"));
    uint64_t day_ns = 86400 * SEC_NS;
    ck_assert(span_is(judged(file, POLICY_EXPORT, &a, AT).rule_id, "a"));
    ck_assert(span_is(judged(file, POLICY_EXPORT, &a, later(day_ns - 1)).rule_id, "a"));
    ck_assert(span_is(judged(file, POLICY_EXPORT, &a, later(day_ns)).rule_id, "default"));
    ck_assert(span_is(judged(file, POLICY_EXPORT, &b, AT).rule_id, "b"));
    ck_assert(span_is(judged(file, POLICY_EXPORT, &b, later(SEC_NS / 2)).rule_id, "default"));
    ck_assert(span_is(judged(file, POLICY_EXPORT, &a, later(31 * day_ns)).rule_id, "c"));
    policy_yaml_free(file);
}
END_TEST

START_TEST(what_passes_through_needs_transit)
{
    static const struct span path[] = { { (const uint8_t *)"ap", 2 },
        { (const uint8_t *)"us", 2 } };
    struct policy_yaml *file = loaded_clean(
        EXPORT "    - {id: ours, match: {function: \"a.**\"}, action: accept}\n"
               "    - {id: no, match: {function: a.b}, transit: false, action: accept}\n"
               "    - {id: through, match: {function: \"a.*\"}, transit: true, action: "
               "accept}\n");
    struct advertisement advertisement = policy_test_advertisement(SPAN("a.b"));
    advertisement.path = (struct text_list){ .items = path, .count = 1 };
    ck_assert(span_is(judged(file, POLICY_EXPORT, &advertisement, AT).rule_id, "ours"));
    advertisement.path.count = 2;
    ck_assert(span_is(judged(file, POLICY_EXPORT, &advertisement, AT).rule_id, "through"));
    policy_yaml_free(file);
}
END_TEST

START_TEST(rewrites_reach_the_policy)
{
    struct policy_yaml *file = loaded_clean(EXPORT
        "    - id: a\n"
        "      match: {function: \"*.{op}\", function_id: \"fn-{number}\"}\n"
        "      set: {function: \"us.{op}\", function_id: \"us.{op}.{number}\", scope: global}\n"
        "      merge: true\n"
        "      action: accept\n");
    struct advertisement advertisement = policy_test_advertisement(SPAN("billing.pay"));
    advertisement.identity.function_id = SPAN("fn-7");
    struct policy_verdict verdict = judged(file, POLICY_EXPORT, &advertisement, AT);
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert(verdict.merge);
    ck_assert(span_is(verdict.out.identity.name, "us.pay"));
    ck_assert(span_is(verdict.out.identity.function_id, "us.pay.7"));
    ck_assert(span_is(verdict.out.scope, "global"));
    policy_yaml_free(file);
}
END_TEST

START_TEST(limits_reach_the_policy)
{
    struct policy_yaml *file = loaded_clean(EXPORT
        "    - id: a\n"
        "      match: {function: a}\n"
        "      limits: {rate: 500/m, burst: 1000, in_flight: 200, timeout: 5s, args: 256KiB, "
        "result: 1MiB}\n"
        "      action: accept\n"
        "    - {id: b, match: {function: b}, limits: {in_flight: 1}, action: accept}\n"
        "    - {id: c, match: {function: c}, action: accept}\n"
        "import:\n"
        "  limits: {functions: {max: 10000, action: restart}, bytes: {max: 64MiB, action: block},\n"
        "    updates: {rate: 20000/s, burst: 100000}, name: 128B}\n"
        "  overlap: failover\n"
        "  report: names\n"
        "  rules: [{id: a, match: {function: a}, limits: {rate: 1/h}, action: accept}]\n");
    const struct policy_call_limits *a = policy_rule_limits(file->policy, POLICY_EXPORT, 0);
    const struct policy_call_limits *b = policy_rule_limits(file->policy, POLICY_EXPORT, 1);
    ck_assert_uint_eq(a->rate, 500);
    ck_assert_uint_eq(a->rate_per_ns, 60 * SEC_NS);
    ck_assert_uint_eq(a->burst, 1000);
    ck_assert_uint_eq(a->in_flight, 200);
    ck_assert_uint_eq(a->timeout_ns, 5 * SEC_NS);
    ck_assert_uint_eq(a->args_size, 262144);
    ck_assert_uint_eq(a->result_size, 1048576);
    ck_assert_uint_eq(b->rate + b->burst + b->timeout_ns + b->args_size + b->result_size, 0);
    ck_assert_uint_eq(b->in_flight, 1);
    ck_assert_ptr_null(policy_rule_limits(file->policy, POLICY_EXPORT, 2));
    ck_assert_uint_eq(
        policy_rule_limits(file->policy, POLICY_IMPORT, 0)->rate_per_ns, 3600 * SEC_NS);
    const struct policy_table_limit *table = policy_import_limits(file->policy)->table;
    ck_assert_uint_eq(table[POLICY_LIMIT_FUNCTIONS].max, 10000);
    ck_assert_int_eq(table[POLICY_LIMIT_FUNCTIONS].action, POLICY_LIMIT_RESTART);
    ck_assert_uint_eq(table[POLICY_LIMIT_BYTES].max, (size_t)64 * 1024 * 1024);
    ck_assert_int_eq(table[POLICY_LIMIT_BYTES].action, POLICY_LIMIT_BLOCK);
    const struct policy_update_limit *updates = &policy_import_limits(file->policy)->updates;
    ck_assert_uint_eq(updates->rate, 20000);
    ck_assert_uint_eq(updates->rate_per_ns, SEC_NS);
    ck_assert_uint_eq(updates->burst, 100000);
    ck_assert_uint_eq(policy_import_limits(file->policy)->name_size, 128);
    ck_assert_int_eq(policy_overlap(file->policy), POLICY_OVERLAP_FAILOVER);
    ck_assert_str_eq(policy_report_name(policy_report(file->policy)), "names");
    policy_yaml_free(file);
}
END_TEST

START_TEST(settings_have_defaults)
{
    struct policy_yaml *file = loaded_clean(HEAD "import: {limits: {functions: {max: 5}}}\n");
    const struct policy_table_limit *table = policy_import_limits(file->policy)->table;
    ck_assert_int_eq(table[POLICY_LIMIT_FUNCTIONS].action, POLICY_LIMIT_WARN);
    ck_assert_uint_eq(table[POLICY_LIMIT_BYTES].max, 0);
    ck_assert_int_eq(policy_overlap(file->policy), POLICY_OVERLAP_PREFER_LOCAL);
    ck_assert_str_eq(policy_report_name(policy_report(file->policy)), "counts");
    ck_assert_uint_eq(policy_withdraw_max_percent(file->policy), 100);
    ck_assert_uint_eq(file->federation.size, 0);
    ck_assert_uint_eq(file->federation_place.line, 0);
    ck_assert(span_is(file->link_federations.items[0], "eu"));
    ck_assert_uint_eq(file->link_federation_places[0].line, 0);
    policy_yaml_free(file);
}
END_TEST

START_TEST(federations_and_the_guard_reach_the_policy)
{
    struct policy_yaml *file = loaded_clean("policy: p\nfederation: us\nlinks: [eu-a, ap]\n"
                                            "link_federations: {eu-a: eu}\n"
                                            "guard: {withdraw_max: 0%}\n");
    ck_assert(span_is(file->federation, "us"));
    ck_assert_uint_eq(file->federation_place.line, 2);
    ck_assert_uint_eq(file->link_federations.count, 2);
    ck_assert(span_is(file->link_federations.items[0], "eu"));
    ck_assert(span_is(file->link_federations.items[1], "ap"));
    ck_assert_uint_eq(file->link_federation_places[0].line, 4);
    ck_assert_uint_eq(file->link_federation_places[0].column, 26);
    ck_assert_uint_eq(file->link_federation_places[1].line, 0);
    ck_assert_uint_eq(policy_withdraw_max_percent(file->policy), 0);
    policy_yaml_free(file);
}
END_TEST

START_TEST(a_test_asks_about_its_moment_and_expects_a_scope)
{
    struct policy_yaml *file = loaded_clean(EXPORT
        "    - {id: a, valid: {from: 2027-01-01}, set: {scope: local}, action: accept}\n"
        "tests:\n"
        "  - {name: before, export: {function: a, at: 2026-12-31T23:59:59Z}, expect: {action: "
        "reject}}\n"
        "  - {name: after, export: {function: a, at: 2027-01-01}, expect: {scope: local}}\n"
        "  - {name: wrong, export: {function: a, at: 2027-01-01}, expect: {scope: zone}}\n"
        "  - {name: now, export: {function: a}, expect: {rule: default}}\n");
    static const uint32_t mismatches[] = { 0, 0, 1, 0 };
    for (uint32_t i = 0; i < COUNT_OF(mismatches); i++) {
        struct policy_test_outcome outcome;
        ck_assert(policy_test_run(file->policy, &file->tests[i], AT, &arena, &outcome));
        ck_assert_msg(outcome.mismatch_count == mismatches[i], "%u", i);
        if (mismatches[i] > 0) {
            ck_assert_str_eq(outcome.mismatches[0].key, "scope");
            ck_assert(span_is(outcome.mismatches[0].got, "local"));
        }
    }
    policy_yaml_free(file);
}
END_TEST

#define ALL_LIMITS "(allowed: rate, burst, in_flight, timeout, args, result)\n"
#define UNITS      "(allowed: ns, us, ms, s, m, h, d)\n"
#define NO_CALLS   "to allow no calls, reject the function\n"

static const struct fault_case {
    const char *name;
    const char *text;
    const char *messages; /* every line, whole */
} fault_cases[] = {
    { "valid says nothing", EXPORT "    - {id: a, valid: {}, action: accept}\n",
        "p.yaml:5:15: valid says neither from nor until; give it at least one of them: valid: "
        "{until: 2027-01-01}\n" },
    { "valid for no time at all",
        EXPORT "    - {id: a, valid: {from: 2027-01-01T00:00:00Z, until: "
               "\"2027-01-01T01:00:00+01:00\"}, action: accept}\n",
        "p.yaml:5:58: valid.until: '2027-01-01T01:00:00+01:00' is not later than valid.from, "
        "'2027-01-01T00:00:00Z'; a rule is valid from `from` on, and no longer at `until`\n" },
    { "times that are none",
        IMPORT "    - {id: a, valid: {from: 1.12.2026, until: 2026-12-01T08:00:00}, action: "
               "accept}\n",
        "p.yaml:5:29: import.rules[0].valid.from: '1.12.2026' is not a time; write a time such as "
        "2026-12-01T08:00:00Z, or a date alone\n"
        "p.yaml:5:47: import.rules[0].valid.until: '2026-12-01T08:00:00' has a time of day of no "
        "zone; add Z for UTC, or an offset from it such as +01:00\n" },
    { "transit of what rejects", EXPORT "    - {id: a, transit: true, action: reject}\n",
        "p.yaml:5:15: transit means nothing in a rule that rejects: it holds for what passes "
        "through too; take out 'transit', or write action: accept\n" },
    { "transit on import", IMPORT "    - {id: a, transit: true, action: accept}\n",
        "p.yaml:5:15: transit means nothing on import: what comes over a link is never our own "
        "cluster's; take it out; match.origin and match.path tell federations apart\n" },
    { "merge of what rejects", EXPORT "    - {id: a, merge: true, action: reject}\n",
        "p.yaml:5:15: merge means nothing in a rule that rejects: it gives no names; take out "
        "'merge', or write action: accept\n" },
    { "merge on import", IMPORT "    - {id: a, set: {function: b}, merge: true, action: accept}\n",
        "p.yaml:5:35: merge means nothing on import: of several functions that come in under one "
        "name, one is used; take it out; set.preference says which\n" },
    { "merge without a name", EXPORT "    - {id: a, set: {cost: 5}, merge: true, action: accept}\n",
        "p.yaml:5:31: merge means nothing without set.function: each keeps its own name; give them "
        "one name, or take out 'merge'\n" },
    { "limits of what rejects", EXPORT "    - {id: a, limits: {in_flight: 1}, action: reject}\n",
        "p.yaml:5:15: limits mean nothing in a rule that rejects: what it rejects is not called; "
        "take out 'limits', or write action: accept\n" },
    { "nothing is said of a rule without an action",
        EXPORT "    - {id: a, transit: true, merge: true, limits: {in_flight: 1}, action: acept}\n",
        "p.yaml:5:75: export.rules[0].action cannot be 'acept'; did you mean 'accept'? (allowed: "
        "accept, reject)\n" },
    { "a rate without a unit", EXPORT "    - {id: a, limits: {rate: 500}, action: accept}\n",
        "p.yaml:5:30: export.rules[0].limits.rate: '500' has no unit; add a unit, such as 500/s "
        "(allowed: /s, /m, /h)\n" },
    { "other units", EXPORT "    - {id: a, limits: {timeout: 5, args: 4096}, action: accept}\n",
        "p.yaml:5:33: export.rules[0].limits.timeout: '5' has no unit; add a unit, such as "
        "5s " UNITS
        "p.yaml:5:42: export.rules[0].limits.args: '4096' has no unit; add a unit, such as 4096KiB "
        "(allowed: B, KB, KiB, MB, MiB, GB, GiB)\n" },
    { "a burst alone", EXPORT "    - {id: a, limits: {burst: 5}, action: accept}\n",
        "p.yaml:5:24: burst means nothing without a rate; write the rate too, such as rate: 500/s, "
        "or take out 'burst'\n" },
    { "nothing in limits", EXPORT "    - {id: a, limits: {}, action: accept}\n",
        "p.yaml:5:15: limits has no limit in it; give it one, such as in_flight: 200, or take it "
        "out\n" },
    { "nothing is allowed",
        EXPORT "    - {id: a, limits: {rate: 0/s, burst: 0, in_flight: 0, timeout: 0s, args: 0B, "
               "result: 0KiB}, action: accept}\n",
        "p.yaml:5:30: export.rules[0].limits.rate cannot be '0/s'; " NO_CALLS
        "p.yaml:5:42: export.rules[0].limits.burst cannot be '0'; " NO_CALLS
        "p.yaml:5:56: export.rules[0].limits.in_flight cannot be '0'; " NO_CALLS
        "p.yaml:5:68: export.rules[0].limits.timeout cannot be '0s'; " NO_CALLS
        "p.yaml:5:78: export.rules[0].limits.args cannot be '0B'; " NO_CALLS
        "p.yaml:5:90: export.rules[0].limits.result cannot be '0KiB'; " NO_CALLS },
    { "an unknown limit", EXPORT "    - {id: a, limits: {inflight: 5}, action: accept}\n",
        "p.yaml:5:24: unknown key 'inflight' in limits; did you mean 'in_flight'? " ALL_LIMITS },
    { "a scope that is none", EXPORT "    - {id: a, set: {scope: world}, action: accept}\n",
        "p.yaml:5:28: export.rules[0].set.scope: 'world' is not a scope (allowed: local, zone, "
        "region, global)\n" },
    { "settings of import on export",
        HEAD "export: {limits: {functions: {max: 1}}, overlap: failover}\n",
        "p.yaml:3:10: unknown key 'limits' in export; it counts what comes over the link: write it "
        "into import. Calls of what leaves are limited in the rules\n"
        "p.yaml:3:41: unknown key 'overlap' in export; it is about names that come over the link: "
        "write it into import\n" },
    { "limits of import without a number", HEAD "import: {limits: {functions: {action: block}}}\n",
        "p.yaml:3:30: key 'max' is missing in import.limits.functions; give it a whole number\n" },
    { "nothing in the limits of import", HEAD "import: {limits: {}}\n",
        "p.yaml:3:10: import.limits has no limit in it; give it one, such as functions: {max: "
        "10000}, or take it out\n" },
    { "bytes without a unit", HEAD "import: {limits: {bytes: {max: 64, action: block}}}\n",
        "p.yaml:3:32: import.limits.bytes.max: '64' has no unit; add a unit, such as 64KiB "
        "(allowed: B, KB, KiB, MB, MiB, GB, GiB)\n" },
    { "a burst of updates alone", HEAD "import: {limits: {updates: {burst: 5}}}\n",
        "p.yaml:3:28: key 'rate' is missing in import.limits.updates; give it a rate such as "
        "500/s\n" },
    { "no updates at all", HEAD "import: {limits: {updates: {rate: 0/s, burst: 0}}}\n",
        "p.yaml:3:35: import.limits.updates.rate cannot be '0/s'; to import nothing, write no "
        "rules\n"
        "p.yaml:3:47: import.limits.updates.burst cannot be '0'; to import nothing, write no "
        "rules\n" },
    { "names longer than any", HEAD "import: {limits: {name: 1KiB}}\n",
        "p.yaml:3:25: import.limits.name: '1KiB' is out of range; (allowed: 1B to 512B)\n" },
    { "no bytes at all", HEAD "import: {limits: {bytes: {max: 0B}}}\n",
        "p.yaml:3:32: import.limits.bytes.max cannot be '0B'; to import nothing, write no "
        "rules\n" },
    { "values of import",
        HEAD "import: {limits: {functions: {max: 0, action: stop}}, overlap: local}\n",
        "p.yaml:3:36: import.limits.functions.max cannot be '0'; to import nothing, write no "
        "rules\n"
        "p.yaml:3:47: import.limits.functions.action cannot be 'stop'; (allowed: warn, block, "
        "restart, disable)\n"
        "p.yaml:3:64: import.overlap cannot be 'local'; (allowed: prefer_local, failover, "
        "balance)\n" },
    { "a report that is none", HEAD "import: {report: all}\n",
        "p.yaml:3:18: import.report cannot be 'all'; (allowed: counts, none, names)\n" },
    { "a report of what leaves", HEAD "export: {report: none}\n",
        "p.yaml:3:10: unknown key 'report' in export; it tells what became of what comes over the "
        "link: write it into import\n" },
    { "a link that is not there", HEAD "link_federations: {ue: eu, far: ap}\n",
        "p.yaml:3:20: link_federations: this policy is not for a link 'ue'; did you mean 'eu'?\n"
        "p.yaml:3:28: link_federations: this policy is not for a link 'far'; add it to links, or "
        "take it out\n" },
    { "a federation without a name", HEAD "federation: \"\"\nlink_federations: {eu: [eu]}\n",
        "p.yaml:3:13: federation must not be empty\n"
        "p.yaml:4:24: link_federations.eu must be a text, not a list\n" },
    { "a guard of nothing", HEAD "guard: {}\n",
        "p.yaml:3:8: key 'withdraw_max' is missing in guard; give it a percentage such as 20%\n" },
    { "a guard without a unit", HEAD "guard: {withdraw_max: 20}\n",
        "p.yaml:3:23: guard.withdraw_max: '20' has no unit; add a unit, such as 20% (allowed: "
        "%)\n" },
    { "a guard above all", HEAD "guard: {withdraw_max: 120%}\n",
        "p.yaml:3:23: guard.withdraw_max: '120%' is too large; the most is 100%\n" },
    { "a capture that names and ids have",
        EXPORT "    - id: a\n"
               "      match: {function: [\"a.{x}\", \"b.*\"], function_id: \"{x}.{y}\"}\n"
               "      set: {function_id: \"{x}.{y}\"}\n"
               "      action: accept\n",
        "p.yaml:7:26: export.rules[0].set.function_id: 'x' is captured by match.function and by "
        "match.function_id: which of the two is meant is not clear; give one of the two another "
        "name\n" },
    { "a capture that neither has",
        EXPORT "    - id: a\n"
               "      match: {function: [\"a.{x}\", \"b.*\"], function_id: \"{number}\"}\n"
               "      set: {function_id: \"{x}.{numbr}\"}\n"
               "      action: accept\n",
        "p.yaml:7:26: export.rules[0].set.function_id: 'x' is captured neither by the pattern "
        "'b.*' "
        "of match.function nor by '{number}' of match.function_id; (every pattern of one of the "
        "two "
        "must capture it)\n"
        "p.yaml:7:26: export.rules[0].set.function_id: 'numbr' is captured neither by the pattern "
        "'a.{x}' of match.function nor by '{number}' of match.function_id; did you mean 'number'? "
        "(every pattern of one of the two must capture it)\n" },
    { "a capture of ids alone",
        EXPORT "    - id: a\n"
               "      match: {function_id: [\"{x}\", \"*.*\"]}\n"
               "      set: {function: \"us.{x}\", function_id: \"{x}\"}\n"
               "      action: accept\n",
        "p.yaml:7:23: export.rules[0].set.function: the rule has no match.function that captures "
        "'x'\n"
        "p.yaml:7:46: export.rules[0].set.function_id: 'x' is not captured by the pattern '*.*'; "
        "(every pattern of the rule must capture it)\n" },
    { "a capture of nothing", EXPORT "    - {id: a, set: {function_id: \"{x}\"}, action: accept}\n",
        "p.yaml:5:34: export.rules[0].set.function_id: the rule has no match.function and no "
        "match.function_id that captures 'x'\n" },
    { "the moment and the scope of a test",
        HEAD "tests:\n"
             "  - {name: x, export: {function: a, at: soon}, expect: {scope: far}}\n"
             "  - {name: y, export: {function: a}, expect: {action: reject, scope: zone}}\n",
        "p.yaml:4:41: tests[0].export.at: 'soon' is not a time; write a time such as "
        "2026-12-01T08:00:00Z, or a date alone\n"
        "p.yaml:4:64: tests[0].expect.scope: 'far' is not a scope (allowed: local, zone, region, "
        "global)\n"
        "p.yaml:5:63: what is rejected has no scope; take it out, or write action: accept\n" },
};

START_TEST(what_makes_no_sense_is_said_at_its_place)
{
    const struct fault_case *c = &fault_cases[_i];
    struct policy_yaml *file = loaded(c->text);
    yaml_support_expect(&errors, c->name, c->messages);
    ck_assert_ptr_null(file);
}
END_TEST

START_TEST(captures_of_ids_may_be_used)
{
    policy_yaml_free(loaded_clean(
        EXPORT "    - id: a\n"
               "      match: {function: \"a.{x}\", function_id: [\"{y}.{z}\", \"{z}-{y}\"]}\n"
               "      set: {function_id: \"{x}.{y}\"}\n"
               "      action: accept\n"
               "    - {id: b, match: {function_id: \"{y**}\"}, set: {function_id: "
               "\"us.{y}\"}, action: accept}\n"));
}
END_TEST

START_TEST(included_files_have_no_settings)
{
    char folder[] = "/tmp/policy-XXXXXX";
    char path[64];
    char want[512];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/in.yaml", folder);
    FILE *out = fopen(path, "we");
    ck_assert_ptr_nonnull(out);
    (void)fputs("import: {overlap: failover}\nguard: {withdraw_max: 5%}\n", out);
    ck_assert_int_eq(fclose(out), 0);
    char own[64];
    (void)snprintf(own, sizeof(own), "%s/p.yaml", folder);
    ck_assert_ptr_null(
        policy_yaml_load_text(own, SPAN(HEAD "include: in.yaml\n"), &nothing, &mem, &errors));
    (void)snprintf(want, sizeof(want),
        "%s:1:10: unknown key 'overlap' in import; write it into the file that includes this one\n"
        "%s:2:1: unknown key 'guard' in this included file; (allowed: define, export, import, "
        "tests, assert)\n",
        path, path);
    yaml_support_expect(&errors, "included", want);
    ck_assert_int_eq(remove(path) + remove(folder), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_yaml_rules");
    TCase *tcase = tcase_create("policy_yaml_rules");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_rule_is_valid_within_its_times);
    tcase_add_test(tcase, what_passes_through_needs_transit);
    tcase_add_test(tcase, rewrites_reach_the_policy);
    tcase_add_test(tcase, limits_reach_the_policy);
    tcase_add_test(tcase, settings_have_defaults);
    tcase_add_test(tcase, federations_and_the_guard_reach_the_policy);
    tcase_add_test(tcase, a_test_asks_about_its_moment_and_expects_a_scope);
    tcase_add_loop_test(
        tcase, what_makes_no_sense_is_said_at_its_place, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, captures_of_ids_may_be_used);
    tcase_add_test(tcase, included_files_have_no_settings);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
