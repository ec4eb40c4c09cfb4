/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_keys.c - the keys of a policy file, and what each text may be.
 */
#include "host/policy_yaml_keys.h"

#include <assert.h>
#include <string.h>

#include "bridge/pattern.h"
#include "core/limits.h"
#include "core/version.h"
#include "host/policy_yaml.h"

/* Messages say these numbers. */
static_assert(POLICY_YAML_ID_SIZE_MAX == 64, "the size is written out below");
static_assert(NAME_SIZE_MAX == 512, "the size is written out below");
static_assert(VERSION_CONSTRAINTS_MAX == 8, "the count is written out below");

/* ---- What a text may be ---- */

static const char *
check_id(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t size = strlen(text);
    if (size > POLICY_YAML_ID_SIZE_MAX) {
        return "is longer than 64 bytes";
    }
    return strspn(text, allowed) == size
               ? NULL
               : "has other characters in it than letters, digits, '-', '_' and '.'";
}

/* A file beside or below the one that includes it, so that nothing else on the machine is read. */
static const char *
check_include(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    bool is_below = text[0] != '/' && strstr(text, "..") == NULL;
    return is_below && strspn(text, allowed) == strlen(text)
               ? NULL
               : "is no file beside or below this one; write a relative path of letters, digits, "
                 "'-', '_', '.' and '/', without '..'";
}

static const char *
check_label(const char *text)
{
    struct span label = span_from_text(text);
    if (label.size > NAME_SIZE_MAX) {
        return "is longer than 512 bytes";
    }
    return pattern_is_plain(label) ? NULL : "has a control character in it, such as a line break";
}

static const char *
check_own_tag(const char *text)
{
    bool reserved = span_starts_with(span_from_text(text), SPAN(ADVERTISEMENT_TAG_RESERVED));
    return reserved ? "begins like the tags that bridges set themselves" : check_label(text);
}

static const char *
check_scope(const char *text)
{
    static const char *const scopes[] = { "local", "zone", "region", "global" };
    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        if (strcmp(text, scopes[i]) == 0) {
            return NULL;
        }
    }
    return "is not a scope (allowed: local, zone, region, global)";
}

static const char *
check_one_version(const char *text)
{
    struct version version;
    return version_parse(span_from_text(text), &version) ? NULL : "is not a version; write 1.2.3";
}

static const char *
check_version(const char *text)
{
    struct version_constraint constraint;
    return version_constraint_parse(span_from_text(text), &constraint)
               ? NULL
               : "is not a version constraint; write >=2.0.0,<3.0.0 (allowed: >= <= > < == =, at "
                 "most 8)";
}

static void
scratch_init(struct mem *mem, struct arena *arena)
{
    mem_init(mem, SIZE_MAX);
    arena_init(arena, mem);
}

static const char *
check_pattern(const char *text)
{
    struct mem mem;
    struct arena arena;
    struct pattern pattern;
    scratch_init(&mem, &arena);
    enum pattern_result result = pattern_compile(span_from_text(text), &arena, &pattern);
    arena_destroy(&arena);
    return result == PATTERN_OK ? NULL : pattern_result_text(result);
}

static const char *
check_template(const char *text)
{
    struct mem mem;
    struct arena arena;
    struct pattern_template made;
    scratch_init(&mem, &arena);
    enum pattern_result result = pattern_template_compile(span_from_text(text), &arena, &made);
    arena_destroy(&arena);
    return result == PATTERN_OK ? NULL : pattern_result_text(result);
}

/* Wherever a list of texts stands, one text alone may stand without brackets. A condition on nothing is
 * refused: it would hold for everything, which is hardly what an empty list is meant to say. */
#define TEXTS(struct_, member_, name_, ...)                                                        \
    YAML_TEXTS(struct_, member_.items, member_.count, name_, .or_one = true, __VA_ARGS__)

#define SET_ANY 1 /* of them, which a list alone may stand for */
static const struct yaml_key set_keys[] = {
    TEXTS(struct policy_yaml_set, all, "all", .min = 1, .check = check_label),
    TEXTS(struct policy_yaml_set, any, "any", .min = 1, .check = check_label),
    TEXTS(struct policy_yaml_set, none, "none", .min = 1, .check = check_label),
};
static const struct yaml_shape match_tags_shape =
    YAML_SHAPE(struct policy_yaml_set, set_keys, "match.tags");
static const struct yaml_shape match_resources_shape =
    YAML_SHAPE(struct policy_yaml_set, set_keys, "match.resources");

static const struct yaml_key path_keys[] = {
    YAML_NUMBER(struct policy_yaml_path, max_hops, "max_hops", .max = PATH_COUNT_MAX),
    TEXTS(struct policy_yaml_path, includes, "includes", .min = 1, .check = check_label),
    TEXTS(struct policy_yaml_path, excludes, "excludes", .min = 1, .check = check_label),
};
static const struct yaml_shape path_shape =
    YAML_SHAPE(struct policy_yaml_path, path_keys, "match.path");

static const struct yaml_key match_keys[] = {
    TEXTS(struct policy_yaml_match, functions, "function", .min = 1, .check = check_pattern),
    TEXTS(struct policy_yaml_match, function_ids, "function_id", .min = 1, .check = check_pattern),
    YAML_TEXT(struct policy_yaml_match, version, "version", .check = check_version),
    YAML_GROUP(struct policy_yaml_match, tags, &match_tags_shape, "tags"),
    YAML_GROUP(struct policy_yaml_match, resources, &match_resources_shape, "resources"),
    TEXTS(struct policy_yaml_match, scopes, "scope", .min = 1, .check = check_scope),
    TEXTS(struct policy_yaml_match, origins, "origin", .min = 1, .check = check_label),
    YAML_GROUP(struct policy_yaml_match, path, &path_shape, "path"),
};
static const struct yaml_shape match_shape =
    YAML_SHAPE(struct policy_yaml_match, match_keys, "match");

static const struct yaml_key tags_keys[] = {
    TEXTS(struct policy_yaml_tags, add, "add", .check = check_own_tag, .max = LIST_COUNT_MAX),
    TEXTS(struct policy_yaml_tags, remove, "remove", .check = check_own_tag),
};
static const struct yaml_shape tags_shape =
    YAML_SHAPE(struct policy_yaml_tags, tags_keys, "set.tags");

static const struct yaml_key resources_keys[] = {
    YAML_PAIRS(struct policy_yaml_resources, renames, rename_count, "rename", .check = check_label),
};
static const struct yaml_shape resources_shape =
    YAML_SHAPE(struct policy_yaml_resources, resources_keys, "set.resources");

static const struct yaml_key rewrite_keys[] = {
    YAML_TEXT(struct policy_yaml_rewrite, function, "function", .check = check_template),
    YAML_TEXT(struct policy_yaml_rewrite, function_id, "function_id", .check = check_template),
    YAML_GROUP(struct policy_yaml_rewrite, tags, &tags_shape, "tags"),
    YAML_GROUP(struct policy_yaml_rewrite, resources, &resources_shape, "resources"),
    YAML_TEXT(struct policy_yaml_rewrite, scope, "scope", .check = check_scope),
    YAML_NUMBER(struct policy_yaml_rewrite, cost, "cost"),
    YAML_NUMBER(struct policy_yaml_rewrite, preference, "preference"),
    YAML_DURATION(struct policy_yaml_rewrite, ttl_ns, "ttl", .min = SEC_NS),
};
static const struct yaml_shape rewrite_shape =
    YAML_SHAPE(struct policy_yaml_rewrite, rewrite_keys, "set");

static const struct yaml_key valid_keys[] = {
    YAML_TIME(struct policy_yaml_valid, from, "from"),
    YAML_TIME(struct policy_yaml_valid, until, "until"),
};
static const struct yaml_shape valid_shape =
    YAML_SHAPE(struct policy_yaml_valid, valid_keys, "valid");

#define NO_CALLS "to allow no calls, reject the function"

static const struct yaml_key limits_keys[] = {
    YAML_RATE(struct policy_yaml_limits, rate, "rate", .zero = NO_CALLS),
    YAML_NUMBER(struct policy_yaml_limits, burst, "burst", .zero = NO_CALLS),
    YAML_NUMBER(struct policy_yaml_limits, in_flight, "in_flight", .zero = NO_CALLS),
    YAML_DURATION(struct policy_yaml_limits, timeout_ns, "timeout", .zero = NO_CALLS),
    YAML_SIZE(struct policy_yaml_limits, args_size, "args", .zero = NO_CALLS),
    YAML_SIZE(struct policy_yaml_limits, result_size, "result", .zero = NO_CALLS),
};
static const struct yaml_shape limits_shape =
    YAML_SHAPE(struct policy_yaml_limits, limits_keys, "limits");

static const struct yaml_choice retry_causes[] = {
    { "link_down", POLICY_YAML_RETRY_LINK_DOWN },
    { NULL, 0 },
};
static const struct yaml_key retry_keys[] = {
    YAML_CHOICE(struct policy_yaml_retry, on, retry_causes, "on", .required = true),
    YAML_NUMBER(struct policy_yaml_retry, max, "max", .fallback = "1", .max = POLICY_RETRIES_MAX,
        .zero = "to try once, leave 'retry' out"),
};
static const struct yaml_shape retry_shape =
    YAML_SHAPE(struct policy_yaml_retry, retry_keys, "retry");

static const struct yaml_choice actions[] = {
    { "accept", POLICY_YAML_ACCEPT },
    { "reject", POLICY_YAML_REJECT },
    { NULL, 0 },
};
static const struct yaml_key rule_keys[] = {
    YAML_TEXT(struct policy_yaml_rule, id, "id", .required = true, .check = check_id),
    YAML_GROUP(struct policy_yaml_rule, match, &match_shape, "match"),
    YAML_GROUP(struct policy_yaml_rule, valid, &valid_shape, "valid"),
    YAML_BOOLEAN(struct policy_yaml_rule, transit, "transit"),
    YAML_GROUP(struct policy_yaml_rule, set, &rewrite_shape, "set"),
    YAML_BOOLEAN(struct policy_yaml_rule, merge, "merge"),
    YAML_GROUP(struct policy_yaml_rule, limits, &limits_shape, "limits"),
    YAML_GROUP(struct policy_yaml_rule, retry, &retry_shape, "retry"),
    YAML_CHOICE(struct policy_yaml_rule, action, actions, "action", .required = true),
    YAML_TEXT(struct policy_yaml_rule, reason, "reason", .check = check_label),
};
static const struct yaml_shape rule_shape =
    YAML_SHAPE(struct policy_yaml_rule, rule_keys, "this rule");

static const struct yaml_choice limit_actions[] = {
    { "warn", POLICY_LIMIT_WARN },
    { "block", POLICY_LIMIT_BLOCK },
    { "restart", POLICY_LIMIT_RESTART },
    { "disable", POLICY_LIMIT_DISABLE },
    { NULL, 0 },
};
#define NO_IMPORTS "to import nothing, write no rules"

static const struct yaml_key function_limit_keys[] = {
    YAML_NUMBER(struct policy_yaml_table_limit, max, "max", .required = true, .zero = NO_IMPORTS),
    YAML_CHOICE(struct policy_yaml_table_limit, action, limit_actions, "action"),
};
static const struct yaml_shape function_limit_shape =
    YAML_SHAPE(struct policy_yaml_table_limit, function_limit_keys, "import.limits.functions");

static const struct yaml_key byte_limit_keys[] = {
    YAML_SIZE(struct policy_yaml_table_limit, max, "max", .required = true, .zero = NO_IMPORTS),
    YAML_CHOICE(struct policy_yaml_table_limit, action, limit_actions, "action"),
};
static const struct yaml_shape byte_limit_shape =
    YAML_SHAPE(struct policy_yaml_table_limit, byte_limit_keys, "import.limits.bytes");

static const struct yaml_key update_limit_keys[] = {
    YAML_RATE(struct policy_yaml_update_limit, rate, "rate", .required = true, .zero = NO_IMPORTS),
    YAML_NUMBER(struct policy_yaml_update_limit, burst, "burst", .zero = NO_IMPORTS),
};
static const struct yaml_shape update_limit_shape =
    YAML_SHAPE(struct policy_yaml_update_limit, update_limit_keys, "import.limits.updates");

static const struct yaml_key import_limits_keys[] = {
    YAML_GROUP(struct policy_yaml_import_limits, table[POLICY_LIMIT_FUNCTIONS],
        &function_limit_shape, "functions"),
    YAML_GROUP(
        struct policy_yaml_import_limits, table[POLICY_LIMIT_BYTES], &byte_limit_shape, "bytes"),
    YAML_GROUP(struct policy_yaml_import_limits, updates, &update_limit_shape, "updates"),
    YAML_SIZE(struct policy_yaml_import_limits, name_size, "name", .min = 1, .max = NAME_SIZE_MAX,
        .zero = NO_IMPORTS),
};
static const struct yaml_shape import_limits_shape =
    YAML_SHAPE(struct policy_yaml_import_limits, import_limits_keys, "import.limits");

static const struct yaml_choice overlaps[] = {
    { "prefer_local", POLICY_OVERLAP_PREFER_LOCAL },
    { "failover", POLICY_OVERLAP_FAILOVER },
    { "balance", POLICY_OVERLAP_BALANCE },
    { NULL, 0 },
};

static const struct yaml_choice reports[] = {
    { "counts", POLICY_REPORT_COUNTS },
    { "none", POLICY_REPORT_NONE },
    { "names", POLICY_REPORT_NAMES },
    { NULL, 0 },
};

#define RULES_KEY YAML_GROUPS(struct policy_yaml_side, rules, rule_count, &rule_shape, "rules")

static const struct yaml_key import_keys[] = {
    YAML_GROUP(struct policy_yaml_side, limits, &import_limits_shape, "limits"),
    YAML_CHOICE(struct policy_yaml_side, overlap, overlaps, "overlap"),
    YAML_CHOICE(struct policy_yaml_side, report, reports, "report"),
    RULES_KEY,
};
static const struct yaml_shape import_shape =
    YAML_SHAPE(struct policy_yaml_side, import_keys, "import");

static const struct yaml_key rules_keys[] = { RULES_KEY };
static const struct yaml_stray of_import[] = {
    { "limits",
        "it counts what comes over the link: write it into import. Calls of what leaves are "
        "limited in the rules" },
    { "overlap", "it is about names that come over the link: write it into import" },
    { "report", "it tells what became of what comes over the link: write it into import" },
    { NULL, NULL },
};
static const struct yaml_shape export_shape =
    YAML_SHAPE(struct policy_yaml_side, rules_keys, "export", .strays = of_import);

static const struct yaml_stray of_whole_file[] = {
    { "limits", "write it into the file that includes this one" },
    { "overlap", "write it into the file that includes this one" },
    { "report", "write it into the file that includes this one" },
    { NULL, NULL },
};
static const struct yaml_shape included_import_shape =
    YAML_SHAPE(struct policy_yaml_side, rules_keys, "import", .strays = of_whole_file);

/* ---- Tests ---- */

static const struct yaml_key question_keys[] = {
    YAML_TEXT(
        struct policy_yaml_question, function, "function", .required = true, .check = check_label),
    YAML_TEXT(struct policy_yaml_question, function_id, "function_id", .check = check_label),
    YAML_TEXT(struct policy_yaml_question, version, "version", .check = check_one_version),
    TEXTS(struct policy_yaml_question, tags, "tags", .check = check_label, .max = LIST_COUNT_MAX),
    TEXTS(struct policy_yaml_question, resources, "resources", .check = check_label,
        .max = LIST_COUNT_MAX),
    YAML_TEXT(struct policy_yaml_question, scope, "scope", .check = check_scope),
    YAML_TEXT(struct policy_yaml_question, origin, "origin", .check = check_label),
    TEXTS(struct policy_yaml_question, path, "path", .check = check_label, .max = PATH_COUNT_MAX),
    YAML_TIME(struct policy_yaml_question, at, "at"),
};
static const struct yaml_shape export_question_shape =
    YAML_SHAPE(struct policy_yaml_question, question_keys, "export");
static const struct yaml_shape import_question_shape =
    YAML_SHAPE(struct policy_yaml_question, question_keys, "import");

static const struct yaml_key expect_keys[] = {
    YAML_CHOICE(struct policy_yaml_expect, action, actions, "action"),
    YAML_TEXT(struct policy_yaml_expect, rule, "rule", .check = check_id),
    YAML_TEXT(struct policy_yaml_expect, reason, "reason", .check = check_label),
    YAML_TEXT(struct policy_yaml_expect, function, "function", .check = check_label),
    YAML_TEXT(struct policy_yaml_expect, function_id, "function_id", .check = check_label),
    TEXTS(struct policy_yaml_expect, tags, "tags", .check = check_label),
    TEXTS(struct policy_yaml_expect, resources, "resources", .check = check_label),
    YAML_TEXT(struct policy_yaml_expect, scope, "scope", .check = check_scope),
    YAML_NUMBER(struct policy_yaml_expect, cost, "cost"),
    YAML_NUMBER(struct policy_yaml_expect, preference, "preference"),
    YAML_DURATION(struct policy_yaml_expect, ttl_ns, "ttl", .min = SEC_NS),
};
static const struct yaml_shape expect_shape =
    YAML_SHAPE(struct policy_yaml_expect, expect_keys, "expect");

static const struct yaml_key test_keys[] = {
    YAML_TEXT(struct policy_yaml_test, name, "name", .required = true, .check = check_label),
    YAML_GROUP(struct policy_yaml_test, questions[POLICY_EXPORT], &export_question_shape, "export"),
    YAML_GROUP(struct policy_yaml_test, questions[POLICY_IMPORT], &import_question_shape, "import"),
    YAML_GROUP(struct policy_yaml_test, expect, &expect_shape, "expect", .required = true),
};
static const struct yaml_shape test_shape =
    YAML_SHAPE(struct policy_yaml_test, test_keys, "this test");

/* ---- Asserts ---- */

static const struct yaml_shape query_tags_shape =
    YAML_SHAPE(struct policy_yaml_set, set_keys, "tags", .shorthand = &set_keys[SET_ANY]);
static const struct yaml_shape query_resources_shape =
    YAML_SHAPE(struct policy_yaml_set, set_keys, "resources", .shorthand = &set_keys[SET_ANY]);

static const struct yaml_key as_keys[] = {
    TEXTS(struct policy_yaml_as, functions, "function", .min = 1, .check = check_pattern),
    TEXTS(struct policy_yaml_as, except, "except", .min = 1, .check = check_pattern),
};
static const struct yaml_shape as_shape = YAML_SHAPE(struct policy_yaml_as, as_keys, "as");

static const struct yaml_key query_keys[] = {
    TEXTS(struct policy_yaml_query, match.functions, "function", .min = 1, .check = check_pattern),
    TEXTS(struct policy_yaml_query, except, "except", .min = 1, .check = check_pattern),
    TEXTS(struct policy_yaml_query, match.function_ids, "function_id", .min = 1,
        .check = check_pattern),
    YAML_TEXT(struct policy_yaml_query, match.version, "version", .check = check_version),
    YAML_GROUP(struct policy_yaml_query, match.tags, &query_tags_shape, "tags"),
    YAML_GROUP(struct policy_yaml_query, match.resources, &query_resources_shape, "resources"),
    TEXTS(struct policy_yaml_query, match.scopes, "scope", .min = 1, .check = check_scope),
    TEXTS(struct policy_yaml_query, match.origins, "origin", .min = 1, .check = check_label),
    YAML_GROUP(struct policy_yaml_query, match.path, &path_shape, "path"),
    YAML_GROUP(struct policy_yaml_query, as, &as_shape, "as"),
};
static const struct yaml_shape query_shape =
    YAML_SHAPE(struct policy_yaml_query, query_keys, "this question");

static const struct yaml_key claim_keys[] = {
    YAML_GROUP(struct policy_yaml_claim, queries[POLICY_EXPORT], &query_shape, "export"),
    YAML_GROUP(struct policy_yaml_claim, queries[POLICY_IMPORT], &query_shape, "import"),
};
static const struct yaml_shape never_shape =
    YAML_SHAPE(struct policy_yaml_claim, claim_keys, "never");
static const struct yaml_shape always_shape =
    YAML_SHAPE(struct policy_yaml_claim, claim_keys, "always");

static const struct yaml_key assert_keys[] = {
    YAML_TEXT(struct policy_yaml_assert, name, "name", .check = check_label),
    YAML_GROUP(struct policy_yaml_assert, claims[POLICY_NEVER], &never_shape, "never"),
    YAML_GROUP(struct policy_yaml_assert, claims[POLICY_ALWAYS], &always_shape, "always"),
    TEXTS(struct policy_yaml_assert, only, "only", .min = 1, .check = check_label),
};
const struct yaml_shape policy_yaml_assert_shape =
    YAML_SHAPE(struct policy_yaml_assert, assert_keys, "this assert");

/* What a file and one that it includes have in common. */
#define SHARED_KEYS(import_shape_)                                                                 \
    YAML_NODE(struct policy_yaml_file, define, "define"),                                          \
        YAML_GROUP(struct policy_yaml_file, sides[POLICY_EXPORT], &export_shape, "export"),        \
        YAML_GROUP(struct policy_yaml_file, sides[POLICY_IMPORT], (import_shape_), "import"),      \
        YAML_GROUPS(struct policy_yaml_file, tests, test_count, &test_shape, "tests"),             \
        YAML_GROUPS(                                                                               \
            struct policy_yaml_file, asserts, assert_count, &policy_yaml_assert_shape, "assert")

#define INCLUDE_KEY                                                                                \
    TEXTS(struct policy_yaml_file, includes, "include", .min = 1, .max = POLICY_YAML_INCLUDES_MAX, \
        .check = check_include)

static const struct yaml_key includes_keys[] = { INCLUDE_KEY };
const struct yaml_shape policy_yaml_includes_shape =
    YAML_SHAPE(struct policy_yaml_file, includes_keys, "this policy");

static const struct yaml_key guard_keys[] = {
    YAML_PERCENT(struct policy_yaml_guard, withdraw_max_percent, "withdraw_max", .required = true),
};
static const struct yaml_shape guard_shape =
    YAML_SHAPE(struct policy_yaml_guard, guard_keys, "guard");

static const struct yaml_key file_keys[] = {
    YAML_TEXT(struct policy_yaml_file, name, "policy", .required = true, .check = check_id),
    YAML_TEXT(struct policy_yaml_file, federation, "federation", .check = check_label),
    TEXTS(struct policy_yaml_file, links, "links", .required = true, .min = 1,
        .max = POLICY_YAML_LINKS_MAX, .check = check_label),
    YAML_PAIRS(struct policy_yaml_file, link_federations, link_federation_count, "link_federations",
        .check = check_label),
    YAML_GROUP(struct policy_yaml_file, guard, &guard_shape, "guard"),
    INCLUDE_KEY,
    SHARED_KEYS(&import_shape),
};
const struct yaml_shape policy_yaml_file_shape =
    YAML_SHAPE(struct policy_yaml_file, file_keys, "this policy");

static const struct yaml_key included_keys[] = { SHARED_KEYS(&included_import_shape) };
const struct yaml_shape policy_yaml_included_shape =
    YAML_SHAPE(struct policy_yaml_file, included_keys, "this included file");
