/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_yaml.c - every key of a policy file reaches the policy, and everything that is wrong is
 * said at once, at its place.
 */
#include "host/policy_yaml.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/at.h"
#include "tests/support/check_failed.h"

#define MESSAGES_SIZE 8192

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

/* What a user would see, all lines. */
static void
write_messages(char *text)
{
    FILE *out = fmemopen(text, MESSAGES_SIZE, "w");
    ck_assert_ptr_nonnull(out);
    yaml_errors_print(&errors, out);
    fclose(out);
}

static const char *
home_of_eu(void *host, const char *name)
{
    (void)host;
    return strcmp(name, "FAR") == 0 ? "eu" : NULL;
}

static const struct yaml_environment environment = { .lookup = home_of_eu };

static struct policy_yaml *
loaded(const char *text)
{
    return policy_yaml_load_text("p.yaml", span_from_text(text), &environment, &mem, &errors);
}

static struct policy_yaml *
loaded_clean(const char *text)
{
    struct policy_yaml *file = loaded(text);
    char messages[MESSAGES_SIZE] = "";
    write_messages(messages);
    ck_assert_msg(file != NULL, "%s", messages);
    ck_assert_msg(messages[0] == '\0', "%s", messages);
    return file;
}

#define TAG(text_)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                \
    }

static const struct span public_tags[] = { TAG("public"), TAG("team-x") };
static const struct span internal_tags[] = { TAG("public"), TAG("internal") };
static const struct span resources[] = { TAG("gpu"), TAG("ssd") };
static const struct span path[] = { TAG("us") };

static struct advertisement
advertised(const char *name)
{
    return (struct advertisement){
        .identity = { .name = span_from_text(name),
            .function_id = span_from_text(name),
            .version_text = SPAN("2.1.0"),
            .version = { .major = 2, .minor = 1 } },
        .tags = { .items = public_tags, .count = 2 },
        .resources = { .items = resources, .count = 2 },
        .scope = SPAN("region"),
        .origin = SPAN("us"),
        .path = { .items = path, .count = 1 },
        .hops_left = 5,
        .cost = 1,
        .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
        .ttl_ns = 120 * SEC_NS,
    };
}

static struct policy_verdict
judged(const struct policy_yaml *file, enum policy_direction direction,
    const struct advertisement *advertisement)
{
    struct policy_verdict verdict;
    enum policy_evaluation evaluation =
        policy_evaluate(file->policy, direction, advertisement, AT, &arena, &verdict);
    ck_assert_int_eq(evaluation, POLICY_EVALUATED);
    return verdict;
}

static const char whole[] =
    "policy: us-eu\n"
    "links: [\"${FAR}\", ap]\n"
    "export:\n"
    "  rules:\n"
    "    - id: billing\n"
    "      match:\n"
    "        function: [\"billing.{op}\", \"pay.{op**}\"]\n"
    "        function_id: \"*.*\"\n"
    "        version: \">=2.0.0,<3.0.0\"\n"
    "        tags: {all: [public, team-x], any: [public, beta], none: internal}\n"
    "        resources: {all: gpu, any: [gpu, tpu], none: [tpu]}\n"
    "        scope: [region, global]\n"
    "        origin: us\n"
    "        path: {max_hops: 2, includes: [us], excludes: [ap]}\n"
    "      set:\n"
    "        function: us.billing.{op}\n"
    "        function_id: id.{op}\n"
    "        tags: {add: [from-us], remove: team-x}\n"
    "        resources: {rename: {gpu: us-gpu}}\n"
    "        cost: 10\n"
    "        ttl: 60s\n"
    "      action: accept\n"
    "    - {id: rest, match: {function: \"**\"}, action: reject, reason: not for export}\n"
    "import:\n"
    "  rules:\n"
    "    - {id: all, set: {cost: 0, preference: 0}, action: accept}\n";

START_TEST(every_key_reaches_the_policy)
{
    struct policy_yaml *file = loaded_clean(whole);
    ck_assert(span_is(policy_name(file->policy), "us-eu"));
    ck_assert_uint_eq(file->links.count, 2);
    ck_assert(span_is(file->links.items[0], "eu"));
    ck_assert(span_is(file->links.items[1], "ap"));
    ck_assert_uint_eq(file->link_places[1].line, 2);
    ck_assert_uint_eq(file->link_places[1].column, 19);
    ck_assert_str_eq(file->link_places[1].file, "p.yaml");

    struct advertisement advertisement = advertised("billing.charge");
    struct policy_verdict verdict = judged(file, POLICY_EXPORT, &advertisement);
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert(span_is(verdict.rule_id, "billing"));
    ck_assert(span_is(verdict.out.identity.name, "us.billing.charge"));
    ck_assert(span_is(verdict.out.identity.function_id, "id.charge"));
    ck_assert_uint_eq(verdict.out.tags.count, 2);
    ck_assert(span_is(verdict.out.tags.items[1], "from-us"));
    ck_assert(span_is(verdict.out.resources.items[0], "us-gpu"));
    ck_assert_uint_eq(verdict.out.cost, 10);
    ck_assert_uint_eq(verdict.out.ttl_ns, 60 * SEC_NS);

    verdict = judged(file, POLICY_IMPORT, &advertisement);
    ck_assert(span_is(verdict.rule_id, "all"));
    ck_assert_uint_eq(verdict.out.cost, 0);
    ck_assert_uint_eq(verdict.out.preference, 0);
    ck_assert_uint_eq(verdict.out.ttl_ns, 120 * SEC_NS);
    policy_yaml_free(file);
}
END_TEST

/* One condition after the other is broken; each time the next rule decides. */
START_TEST(every_condition_counts)
{
    static const struct span tpu[] = { TAG("gpu"), TAG("tpu") };
    static const struct span far_path[] = { TAG("us"), TAG("af"), TAG("af") };
    static const struct span excluded_path[] = { TAG("us"), TAG("ap") };
    static const struct span other_path[] = { TAG("eu") };
    struct policy_yaml *file = loaded_clean(whole);
    struct advertisement broken[11];
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        broken[i] = advertised("billing.charge");
    }
    broken[0].identity.name = SPAN("billing.card.charge");
    broken[1].identity.function_id = SPAN("charge");
    broken[2].identity.version.major = 3;
    broken[3].tags.items = internal_tags;
    broken[4].resources.items = tpu;
    broken[5].scope = SPAN("zone");
    broken[6].origin = SPAN("eu");
    broken[7].path = (struct text_list){ .items = far_path, .count = 3 };
    broken[8].path = (struct text_list){ .items = other_path, .count = 1 };
    broken[10].tags.count = 1;
    broken[9].path = (struct text_list){ .items = excluded_path, .count = 2 };
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        struct policy_verdict verdict = judged(file, POLICY_EXPORT, &broken[i]);
        ck_assert_msg(span_is(verdict.rule_id, "rest"), "%zu: %.*s", i, SPAN_ARGS(verdict.rule_id));
        ck_assert(span_is(verdict.reason, "not for export"));
    }
    policy_yaml_free(file);
}
END_TEST

START_TEST(definitions_stand_for_their_texts)
{
    struct policy_yaml *file =
        loaded_clean("policy: p\nlinks: [eu]\n"
                     "define: {billing: \"billing.{op}\", money: [\"pay.{op}\", \"cash.{op}\"], "
                     "near: [us, ap], one: [gpu]}\n"
                     "export:\n"
                     "  rules:\n"
                     "    - id: a\n"
                     "      match: {function: [\"@money\", \"@billing\"], origin: \"@near\", "
                     "resources: {all: \"@one\"}}\n"
                     "      set: {function: \"us.{op}\", tags: {add: [x, \"@near\", \"@@y\"]}}\n"
                     "      action: accept\n");
    static const char *const accepted[] = { "billing.b", "pay.b", "cash.b" };
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct advertisement advertisement = advertised(accepted[i]);
        struct policy_verdict verdict = judged(file, POLICY_EXPORT, &advertisement);
        ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
        ck_assert(span_is(verdict.out.identity.name, "us.b"));
        ck_assert_uint_eq(verdict.out.tags.count, 6);
        ck_assert(span_is(verdict.out.tags.items[4], "ap"));
        ck_assert(span_is(verdict.out.tags.items[5], "@y"));
    }
    struct advertisement far = advertised("pay.b");
    far.origin = SPAN("eu");
    ck_assert_int_eq(judged(file, POLICY_EXPORT, &far).action, POLICY_REJECT);
    policy_yaml_free(file);
}
END_TEST

static void
write_file(const char *folder, const char *name, const char *text, char *written)
{
    (void)snprintf(written, 128, "%s/%s", folder, name);
    FILE *out = fopen(written, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(included_rules_and_tests_stand_before_the_files_own)
{
    char folder[] = "/tmp/policy-XXXXXX";
    char first[128];
    char second[128];
    char own[128];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file(folder, "first.yaml",
        "define: {ours: [us]}\n"
        "export: {rules: [{id: vault, match: {function: \"@secret\"}, action: reject}]}\n"
        "tests: [{name: v, export: {function: vault.a}, expect: {rule: vault}}]\n",
        first);
    write_file(folder, "second.yaml",
        "define: {secret: \"vault.**\"}\nexport: {rules: [{id: b, match: {origin: \"@ours\"}, "
        "action: accept}]}\n",
        second);
    write_file(folder, "p.yaml",
        "policy: p\nlinks: eu\ninclude: [first.yaml, second.yaml]\n"
        "export: {rules: [{id: c, match: {tags: {all: \"@ours\"}}, action: reject}]}\n"
        "tests: [{name: w, export: {function: a}, expect: {rule: default}}]\n",
        own);
    struct policy_yaml *file = policy_yaml_load_file(own, &environment, &mem, &errors);
    ck_assert_msg(file != NULL && errors.count == 0, "%s", errors.list[0].message);
    ck_assert_uint_eq(policy_rule_count(file->policy, POLICY_EXPORT), 3);
    ck_assert(span_is(policy_rule_id(file->policy, POLICY_EXPORT, 0), "vault"));
    ck_assert(span_is(policy_rule_id(file->policy, POLICY_EXPORT, 1), "b"));
    ck_assert(span_is(policy_rule_id(file->policy, POLICY_EXPORT, 2), "c"));
    ck_assert_str_eq(file->rule_places[POLICY_EXPORT][1].file, second);
    ck_assert_uint_eq(file->test_count, 2);
    ck_assert(span_is(file->tests[0].name, "v"));
    policy_yaml_free(file);

    write_file(folder, "second.yaml",
        "policy: q\ninclude: x.yaml\ndefine: {ours: us, secret: a}\nexport: {rules: [{id: vault, "
        "action: accept}]}\n",
        second);
    ck_assert_ptr_null(policy_yaml_load_file(own, &environment, &mem, &errors));
    char messages[MESSAGES_SIZE] = "";
    write_messages(messages);
    static const char *const wants[] = {
        "second.yaml:1:1: unknown key 'policy' in this included file",
        "second.yaml:2:1: unknown key 'include' in this included file",
        "second.yaml:3:10: 'ours' is defined twice; the first is at ",
        "second.yaml:4:23: rule id 'vault' is used twice; the first is in /tmp/policy-"
    };
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        ck_assert_msg(strstr(messages, wants[i]) != NULL, "%s is not in\n%s", wants[i], messages);
    }
    ck_assert_int_eq(remove(first) + remove(second) + remove(own) + remove(folder), 0);
}
END_TEST

START_TEST(policy_without_rules_denies)
{
    struct policy_yaml *file = loaded_clean("policy: empty\nlinks: eu\nexport: {rules: []}\n");
    struct advertisement advertisement = advertised("a");
    ck_assert_uint_eq(judged(file, POLICY_EXPORT, &advertisement).rule, POLICY_NO_RULE);
    ck_assert_uint_eq(judged(file, POLICY_IMPORT, &advertisement).rule, POLICY_NO_RULE);
    policy_yaml_free(file);
}
END_TEST

START_TEST(taken_policy_outlives_the_file)
{
    struct policy_yaml *file = loaded_clean(whole);
    struct policy *policy = policy_yaml_take_policy(file);
    policy_yaml_free(file);
    ck_assert(span_is(policy_rule_id(policy, POLICY_EXPORT, 1), "rest"));
    policy_unref(policy);
    policy_yaml_free(NULL);
}
END_TEST

#define HEAD "policy: p\nlinks: [eu]\nexport:\n  rules:\n"

#define TESTS "policy: p\nlinks: [eu]\ntests:\n"

static const struct fault_case {
    const char *name;
    const char *text;
    const char *messages; /* in order, each a part of its line */
    bool loads;
} fault_cases[] = {
    { "empty file", "", "p.yaml:", false },
    { "no name, no links", "export: {}\n",
        "p.yaml:1:1: key 'policy' is missing in this policy\n"
        "p.yaml:1:1: key 'links' is missing in this policy",
        false },
    { "no links", "policy: p\nlinks: []\n", "p.yaml:2:8: links has 0 items", false },
    { "link twice", "policy: p\nlinks:\n  - eu\n  - ap\n  - eu\n",
        "p.yaml:5:5: link 'eu' is named twice; the first is in line 3, column 5", false },
    { "bad name", "policy: us eu\nlinks: eu\n",
        "p.yaml:1:9: policy: 'us eu' has other characters in it than letters", false },
    { "unknown key", "policy: p\nlink: [eu]\nlinks: [eu]\n",
        "p.yaml:2:1: unknown key 'link' in this policy; did you mean 'links'?", false },
    { "unknown keys everywhere",
        HEAD "    - id: a\n"
             "      match: {funtion: a, tags: {some: [a]}, path: {hops: 1}}\n"
             "      set: {name: b, tags: {ad: [a]}, resources: {renam: {a: b}}}\n"
             "      action: accept\n",
        "p.yaml:6:15: unknown key 'funtion' in match; did you mean 'function'?\n"
        "p.yaml:6:34: unknown key 'some' in match.tags\n"
        "p.yaml:6:53: unknown key 'hops' in match.path\n"
        "p.yaml:7:13: unknown key 'name' in set\n"
        "p.yaml:7:29: unknown key 'ad' in set.tags; did you mean 'add'?\n"
        "p.yaml:7:51: unknown key 'renam' in set.resources; did you mean 'rename'?",
        false },
    { "no id, no action", HEAD "    - {match: {function: a}}\n",
        "p.yaml:5:7: key 'id' is missing in this rule\n"
        "p.yaml:5:7: key 'action' is missing in this rule",
        false },
    { "wrong action", HEAD "    - {id: a, action: acept}\n",
        "p.yaml:5:23: export.rules[0].action cannot be 'acept'; did you mean 'accept'?", false },
    { "same id twice",
        HEAD "    - {id: a, match: {function: b}, action: accept}\n"
             "    - {id: a, action: reject}\n",
        "p.yaml:6:12: rule id 'a' is used twice; the first is in line 5, column 12", false },
    { "the id of the default", HEAD "    - {id: default, action: reject}\n",
        "p.yaml:5:12: rule id 'default' is taken by the last rule", false },
    { "long id",
        HEAD "    - {id: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg, "
             "action: reject}\n",
        "is longer than 64 bytes", false },
    { "bad patterns",
        HEAD
        "    - {id: a, match: {function: [b, \"c.***\"], function_id: \"{\"}, action: reject}\n",
        "p.yaml:5:37: export.rules[0].match.function[1]: 'c.***' has more than two stars in a row\n"
        "p.yaml:5:60: export.rules[0].match.function_id: '{' has a brace that is no capture",
        false },
    { "bad templates",
        HEAD "    - {id: a, set: {function: \"us.*\", function_id: \"x}\"}, action: accept}\n",
        "p.yaml:5:31: export.rules[0].set.function: 'us.*' has a wildcard, but makes a name\n"
        "p.yaml:5:52: export.rules[0].set.function_id: 'x}' has a brace that is no capture",
        false },
    { "capture without pattern",
        HEAD "    - {id: a, set: {function: \"us.{n}\"}, action: accept}\n",
        "p.yaml:5:31: export.rules[0].set.function: the rule has no match.function that captures "
        "'n'",
        false },
    { "unknown capture",
        HEAD "    - id: a\n"
             "      match: {function: [\"a.{name}\", \"b.*\"]}\n"
             "      set: {function: \"us.{nam}.{name}\"}\n"
             "      action: accept\n",
        "p.yaml:7:23: export.rules[0].set.function: 'nam' is not captured by the pattern "
        "'a.{name}'; did you mean 'name'? (every pattern of the rule must capture it)\n"
        "p.yaml:7:23: export.rules[0].set.function: 'name' is not captured by the pattern 'b.*'",
        false },
    { "no unknown capture when the pattern is what is wrong",
        HEAD "    - {id: a, match: {function: \"{n***}\"}, set: {function: \"us.{n}\"}, action: "
             "accept}\n",
        "p.yaml:5:33: export.rules[0].match.function: '{n***}' has a brace that is no capture",
        false },
    { "bad version", HEAD "    - {id: a, match: {version: \"~2.0\"}, action: reject}\n",
        "p.yaml:5:32: export.rules[0].match.version: '~2.0' is not a version constraint", false },
    { "bad scope", HEAD "    - {id: a, match: {scope: [zone, regional]}, action: reject}\n",
        "export.rules[0].match.scope[1]: 'regional' is not a scope (allowed: local", false },
    { "nothing as a condition",
        HEAD "    - {id: a, match: {function: [], tags: {any: []}}, action: accept}\n",
        "p.yaml:5:33: export.rules[0].match.function has 0 items\n"
        "p.yaml:5:49: export.rules[0].match.tags.any has 0 items",
        false },
    { "tags of ours",
        HEAD "    - {id: a, set: {tags: {add: [\"mpreg-bridge:origin=eu\"]}}, action: accept}\n",
        "'mpreg-bridge:origin=eu' begins like the tags that bridges set themselves", false },
    { "a tag of two lines", HEAD "    - {id: a, set: {tags: {add: [\"a\\nb\"]}}, action: accept}\n",
        "has a control character in it, such as a line break", false },
    { "numbers out of range",
        HEAD "    - id: a\n"
             "      match: {path: {max_hops: 33}}\n"
             "      set: {cost: -1, preference: 4294967296, ttl: 10ms}\n"
             "      action: accept\n",
        "p.yaml:6:32: export.rules[0].match.path.max_hops: '33' is out of range\n"
        "p.yaml:7:19: export.rules[0].set.cost: '-1'\n"
        "p.yaml:7:23: warning: preference has no effect on export\n"
        "p.yaml:7:35: export.rules[0].set.preference: '4294967296'\n"
        "p.yaml:7:52: export.rules[0].set.ttl: '10ms' is out of range",
        false },
    { "set and reject", HEAD "    - {id: a, set: {cost: 1}, action: reject}\n",
        "p.yaml:5:15: a rule that rejects cannot set anything", false },
    { "undefined variable", "policy: p\nlinks: [\"${NEAR}\"]\n", "p.yaml:2:9: ", false },
    { "a rule that is no mapping", HEAD "    - all\n    - {id: a, action: reject}\n",
        "p.yaml:5:7: export.rules[0] must be a mapping, not a text", false },
    { "a match that is no mapping",
        HEAD "    - {id: a, match: \"**\", action: reject}\n    - {id: b, action: reject}\n",
        "p.yaml:5:22: export.rules[0].match must be a mapping, not a text", false },
    { "behind a catch-all",
        HEAD "    - {id: a, match: {function: [a, \"**\"], tags: {}}, action: reject}\n"
             "    - {id: b, match: {function: b}, action: accept}\n"
             "    - {id: c, action: accept}\n",
        "p.yaml:6:7: warning: this rule can never match: the rule in line 5 matches everything\n"
        "p.yaml:7:7: warning: this rule can never match: the rule in line 5 matches everything",
        true },
    { "behind a rule without match",
        HEAD "    - {id: a, transit: true, action: accept}\n    - {id: b, action: reject}\n",
        "p.yaml:6:7: warning: this rule can never match", true },
    { "behind a rule that takes what our own cluster serves, or only for a time",
        HEAD "    - {id: a, action: accept}\n"
             "    - {id: b, valid: {until: 2027-01-01}, action: reject}\n"
             "    - {id: c, action: reject}\n",
        "", true },
    { "a catch-all with a condition",
        HEAD "    - {id: a, match: {function: \"**\", scope: zone}, action: reject}\n"
             "    - {id: b, match: {tags: {none: x}}, action: accept}\n"
             "    - {id: c, match: {path: {max_hops: 0}}, action: accept}\n"
             "    - {id: d, match: {function: \"**.b\"}, action: accept}\n",
        "", true },
    { "preference on export", HEAD "    - {id: a, set: {preference: 5}, action: accept}\n",
        "p.yaml:5:21: warning: preference has no effect on export", true },
    { "reason of an accept", HEAD "    - {id: a, action: accept, reason: fine}\n",
        "p.yaml:5:31: warning: reason has no effect here", true },
    { "same id in both directions",
        HEAD "    - {id: a, action: accept}\nimport: {rules: [{id: a, action: accept}]}\n", "",
        true },
    { "definitions that are none",
        "policy: p\nlinks: [eu]\ndefine: {a b: c, d: [], e: {f: g}, h: \"@d\", i: [j, [k]], l: }\n",
        "p.yaml:3:10: a definition cannot be called 'a b'; allowed are letters\n"
        "p.yaml:3:21: define.d has 0 items (allowed: 1 to 1024)\n"
        "p.yaml:3:28: define.e must be a text, not a mapping\n"
        "p.yaml:3:39: define.h: a definition cannot use another one\n"
        "p.yaml:3:52: define.i[1] must be a text, not a list\n"
        "p.yaml:3:61: define.l has no value",
        false },
    { "a list of definitions", "policy: p\nlinks: [eu]\ndefine: [a]\n",
        "p.yaml:3:9: define must be a mapping, not a list", false },
    { "a name that is not defined",
        "policy: p\nlinks: [eu]\ndefine: {far: eu}\n"
        "export: {rules: [{id: a, match: {origin: [\"@fra\", \"@@fra\"]}, action: reject}]}\n",
        "p.yaml:4:43: export.rules[0].match.origin[0]: nothing is defined as 'fra'; did you mean "
        "'@far'?",
        false },
    { "a list where one text may stand",
        "policy: p\nlinks: [eu]\ndefine: {two: [x, y]}\n"
        "export: {rules: [{id: a, match: {function: b}, set: {function: \"@two\"}, action: "
        "accept}]}\n",
        "p.yaml:4:64: export.rules[0].set.function must be a text, not a list", false },
    { "a definition that is no pattern",
        "policy: p\nlinks: [eu]\ndefine: {all: [x, \"***\"]}\n"
        "export: {rules: [{id: a, match: {function: \"@all\"}, action: accept}]}\n",
        "p.yaml:4:44: export.rules[0].match.function[1]: '***' has more than two stars", false },
    { "files that may not be included",
        "policy: p\nlinks: [eu]\ninclude: [../a.yaml, /a.yaml, none.yaml]\n",
        "p.yaml:3:11: include[0]: '../a.yaml' is no file beside or below this one\n"
        "p.yaml:3:22: include[1]: '/a.yaml' is no file beside or below this one",
        false },
    { "a file that is not there", "policy: p\nlinks: [eu]\ninclude: [none.yaml, none.yaml]\n",
        "none.yaml: the file cannot be read\np.yaml:3:22: 'none.yaml' is included twice", false },
    { "a test without anything", TESTS "  - {}\n  - x\n",
        "p.yaml:4:5: key 'name' is missing in this test\n"
        "p.yaml:4:5: key 'expect' is missing in this test\n"
        "p.yaml:4:5: this test asks nothing; give it export or import\n"
        "p.yaml:5:5: tests[1] must be a mapping, not a text",
        false },
    { "a test of both directions",
        TESTS
        "  - {name: x, export: {function: a}, import: {function: a}, expect: {rule: default}}\n",
        "p.yaml:4:38: a test asks about export or import, not both; write two tests", false },
    { "two tests of one name",
        TESTS "  - {name: x, export: {function: a}, expect: {rule: default}}\n"
              "  - {name: x, import: {function: a}, expect: {rule: default}}\n",
        "p.yaml:5:12: two tests are called 'x'; the first is in line 4", false },
    { "a test that expects nothing", TESTS "  - {name: x, export: {function: a}, expect: {}}\n",
        "p.yaml:4:46: this test expects nothing", false },
    { "a test of a rule that is not there",
        "policy: p\nlinks: [eu]\nexport: {rules: [{id: near, action: accept}]}\ntests:\n"
        "  - {name: x, export: {function: a}, expect: {rule: neat}}\n"
        "  - {name: y, import: {function: a}, expect: {rule: near}}\n",
        "p.yaml:5:53: export has no rule 'neat'; did you mean 'near'?\n"
        "p.yaml:6:53: import has no rule 'near'",
        false },
    { "rewriting of what is rejected",
        TESTS "  - {name: x, export: {function: a}, expect: {action: reject, cost: 5}}\n"
              "  - {name: y, export: {function: a}, expect: {action: accept, reason: no}}\n"
              "  - {name: z, export: {function: a}, expect: {ttl: 5s, reason: no}}\n",
        "p.yaml:4:63: what is rejected has no cost\n"
        "p.yaml:5:63: what is accepted has no reason\n"
        "p.yaml:6:56: what is accepted has no reason",
        false },
    { "a path that contradicts the origin",
        TESTS "  - {name: x, import: {function: a, origin: eu, path: [ap, eu]}, expect: {rule: "
              "default}}\n",
        "p.yaml:4:55: the path begins with 'ap', but the origin is 'eu'", false },
    { "values of a test",
        TESTS
        "  - {name: x, export: {functoin: a, version: 1.x, scope: far}, expect: {action: maybe}}\n",
        "p.yaml:4:23: key 'function' is missing in export\n"
        "p.yaml:4:24: unknown key 'functoin' in export; did you mean 'function'?\n"
        "p.yaml:4:46: tests[0].export.version: '1.x' is not a version; write 1.2.3\n"
        "p.yaml:4:58: tests[0].export.scope: 'far' is not a scope\n"
        "p.yaml:4:81: tests[0].expect.action cannot be 'maybe'",
        false },
};

/* Each line of `want` must be a part of the line of `got` in the same place, and there must be no more. */
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

START_TEST(all_faults_are_said_at_their_place)
{
    const struct fault_case *c = &fault_cases[_i];
    struct policy_yaml *file = loaded(c->text);
    char messages[MESSAGES_SIZE] = "";
    write_messages(messages);
    expect_messages(c->name, messages, c->messages);
    ck_assert_msg(
        (file != NULL) == c->loads, "%s: loaded: %d, want %d", c->name, file != NULL, c->loads);
    ck_assert_msg((errors.error_count == 0) == c->loads, "%s", c->name);
    policy_yaml_free(file);
}
END_TEST

/* Errors of a file that was loaded before into the same list are not this file's. */
START_TEST(errors_of_another_file_do_not_count)
{
    ck_assert_ptr_null(loaded("policy: p\n"));
    struct policy_yaml *file = loaded("policy: p\nlinks: eu\n");
    ck_assert_ptr_nonnull(file);
    policy_yaml_free(file);
}
END_TEST

START_TEST(full_memory_is_an_error)
{
    struct mem small;
    mem_init(&small, 1024);
    struct policy_yaml *file =
        policy_yaml_load_text("p.yaml", span_from_text(whole), &environment, &small, &errors);
    ck_assert_ptr_null(file);
    ck_assert_uint_eq(errors.error_count, 1);
    ck_assert_uint_eq(small.used, 0);
    ck_assert_ptr_nonnull(strstr(errors.list[0].message, "memory"));
}
END_TEST

START_TEST(file_that_is_not_there_is_an_error)
{
    ck_assert_ptr_null(policy_yaml_load_file("policies/none.yaml", &environment, &mem, &errors));
    ck_assert_uint_eq(errors.error_count, 1);
}
END_TEST

static const struct example_case {
    const char *file;
    const char *here;
    const char *there;
} example_cases[] = {
    { "policies/us-eu.yaml", "us", "eu" },
    { "policies/eu-us.yaml", "eu", "us" },
};

START_TEST(examples_do_what_they_say)
{
    const struct example_case *c = &example_cases[_i];
    struct policy_yaml *file = policy_yaml_load_file(c->file, &environment, &mem, &errors);
    char messages[MESSAGES_SIZE] = "";
    write_messages(messages);
    ck_assert_msg(file != NULL && messages[0] == '\0', "%s", messages);
    ck_assert_uint_eq(file->links.count, 1);
    ck_assert(span_is(file->links.items[0], c->there));

    struct advertisement advertisement = advertised("math.add");
    struct policy_verdict verdict = judged(file, POLICY_EXPORT, &advertisement);
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert(span_starts_with(verdict.out.identity.name, span_from_text(c->here)));
    ck_assert(span_is(span_after(verdict.out.identity.name, 2), ".math.add"));
    ck_assert(span_equal(verdict.out.identity.function_id, verdict.out.identity.name));

    /* What this side exports, the far side's kind of rule must import, and the other way round. */
    struct advertisement exported = verdict.out;
    verdict = judged(file, POLICY_IMPORT, &exported);
    ck_assert_int_eq(verdict.action, POLICY_REJECT);
    exported.identity.name =
        span_is(span_from_text(c->there), "eu") ? SPAN("eu.math.add") : SPAN("us.math.add");
    verdict = judged(file, POLICY_IMPORT, &exported);
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert(span_equal(verdict.out.identity.name, exported.identity.name));

    advertisement.tags.items = internal_tags;
    verdict = judged(file, POLICY_EXPORT, &advertisement);
    ck_assert_int_eq(verdict.action, POLICY_REJECT);
    ck_assert(span_is(verdict.rule_id, "not-public"));
    ck_assert_uint_gt(verdict.reason.size, 0);
    advertisement.tags.count = 0;
    ck_assert_int_eq(judged(file, POLICY_EXPORT, &advertisement).action, POLICY_REJECT);
    policy_yaml_free(file);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_yaml");
    TCase *tcase = tcase_create("policy_yaml");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_key_reaches_the_policy);
    tcase_add_test(tcase, every_condition_counts);
    tcase_add_test(tcase, definitions_stand_for_their_texts);
    tcase_add_test(tcase, included_rules_and_tests_stand_before_the_files_own);
    tcase_add_test(tcase, policy_without_rules_denies);
    tcase_add_test(tcase, taken_policy_outlives_the_file);
    tcase_add_loop_test(tcase, all_faults_are_said_at_their_place, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, errors_of_another_file_do_not_count);
    tcase_add_test(tcase, full_memory_is_an_error);
    tcase_add_test(tcase, file_that_is_not_there_is_an_error);
    tcase_add_loop_test(tcase, examples_do_what_they_say, 0, (int)COUNT_OF(example_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
