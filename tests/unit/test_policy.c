/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy.c - which rule judges an advertisement, what an accepted one becomes, and which policies
 * are refused.
 */
#include "bridge/policy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"

/* SPAN() and a list of them, as initialisers of static things. */
#define T(literal_)                                                                                \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }
#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (const struct span[]){ __VA_ARGS__ },                                             \
        .count = sizeof((const struct span[]){ __VA_ARGS__ }) / sizeof(struct span)                \
    }

static struct mem mem;
static struct arena arena;

static void
set_up(void)
{
    mem_init(&mem, (size_t)16 * 1024 * 1024);
    arena_init(&arena, &mem);
}

static void
tear_down(void)
{
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}

/* eu's charge, version 2.1.0, which came over ap to us. */
static struct advertisement
sample(void)
{
    static const struct span tags[] = { T("public"), T("team-x") };
    static const struct span resources[] = { T("gpu"), T("ssd") };
    static const struct span path[] = { T("eu"), T("ap") };
    return (struct advertisement){
        .identity = { .name = SPAN("billing.charge"),
            .function_id = SPAN("fn-77"),
            .version_text = SPAN("2.1"),
            .version = { .major = 2, .minor = 1 } },
        .tags = { .items = tags, .count = 2 },
        .resources = { .items = resources, .count = 2 },
        .scope = SPAN("zone"),
        .origin = SPAN("eu"),
        .path = { .items = path, .count = 2 },
        .hops_left = 5,
        .cost = 7,
        .preference = 100,
        .ttl_ns = 120 * SEC_NS,
    };
}

static struct policy *
created(const struct policy_rule_source *rules, uint32_t count, enum policy_direction direction)
{
    struct policy_source source = { .name = SPAN("test") };
    /* What is judged came over another federation (sample()): without this no export would accept it. */
    struct policy_rule_source *transit = arena_take(&arena, count * sizeof(*transit));
    for (uint32_t i = 0; i < count; i++) {
        transit[i] = rules[i];
        transit[i].transit = direction == POLICY_EXPORT;
    }
    source.rules[direction] = transit;
    source.rule_count[direction] = count;
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, &mem, &fault);
    ck_assert_msg(policy != NULL, "%s", policy_result_name(fault.result));
    ck_assert_int_eq(fault.result, POLICY_OK);
    return policy;
}

/* The verdict of a policy of one rule; its texts live in `arena` as far as this test reads them. */
static struct policy_verdict
judged(const struct policy_rule_source *rule, enum policy_direction direction,
    const struct advertisement *advertisement)
{
    struct policy *policy = created(rule, 1, direction);
    struct policy_verdict verdict;
    enum policy_evaluation evaluation =
        policy_evaluate(policy, direction, advertisement, AT, &arena, &verdict);
    ck_assert_int_eq(evaluation, POLICY_EVALUATED);
    verdict.reason = arena_copy(&arena, verdict.reason);
    verdict.rule_id = arena_copy(&arena, verdict.rule_id);
    if (verdict.action == POLICY_ACCEPT) {
        struct function_identity *identity = &verdict.out.identity;
        identity->name = arena_copy(&arena, identity->name);
        identity->function_id = arena_copy(&arena, identity->function_id);
        struct span *tags = arena_take(&arena, verdict.out.tags.count * sizeof(*tags));
        for (uint32_t i = 0; i < verdict.out.tags.count; i++) {
            tags[i] = arena_copy(&arena, verdict.out.tags.items[i]);
        }
        verdict.out.tags.items = tags;
        struct span *resources = arena_take(&arena, verdict.out.resources.count * sizeof(*tags));
        for (uint32_t i = 0; i < verdict.out.resources.count; i++) {
            resources[i] = arena_copy(&arena, verdict.out.resources.items[i]);
        }
        verdict.out.resources.items = resources;
    }
    policy_unref(policy);
    return verdict;
}

static const struct match_case {
    const char *name;
    struct policy_rule_source rule;
    bool matches;
} match_cases[] = {
    { "no condition", { .id = T("r") }, true },
    { "function", { .functions = LIST(T("billing.*")) }, true },
    { "other function", { .functions = LIST(T("math.*")) }, false },
    { "second pattern", { .functions = LIST(T("math.*"), T("**.charge")) }, true },
    { "function id", { .function_ids = LIST(T("fn-*")) }, true },
    { "other function id", { .function_ids = LIST(T("billing.*")) }, false },
    { "version", { .version = T(">=2.0.0,<3.0.0") }, true },
    { "other version", { .version = T(">=3.0.0") }, false },
    { "all tags", { .tags.all = LIST(T("team-x"), T("public")) }, true },
    { "not all tags", { .tags.all = LIST(T("public"), T("beta")) }, false },
    { "any tag", { .tags.any = LIST(T("beta"), T("public")) }, true },
    { "not any tag", { .tags.any = LIST(T("beta"), T("gamma")) }, false },
    { "no such tag", { .tags.none = LIST(T("internal")) }, true },
    { "a tag that may not be", { .tags.none = LIST(T("internal"), T("public")) }, false },
    { "all resources", { .resources.all = LIST(T("gpu")) }, true },
    { "not all resources", { .resources.all = LIST(T("tpu")) }, false },
    { "any resource", { .resources.any = LIST(T("tpu"), T("ssd")) }, true },
    { "not any resource", { .resources.any = LIST(T("tpu")) }, false },
    { "no such resource", { .resources.none = LIST(T("tpu")) }, true },
    { "a resource that may not be", { .resources.none = LIST(T("ssd")) }, false },
    { "scope", { .scopes = LIST(T("region"), T("zone")) }, true },
    { "other scope", { .scopes = LIST(T("region")) }, false },
    { "origin", { .origins = LIST(T("eu")) }, true },
    { "origin is not the neighbour", { .origins = LIST(T("ap")) }, false },
    { "hops at most", { .has_max_hops = true, .max_hops = 2 }, true },
    { "too many hops", { .has_max_hops = true, .max_hops = 1 }, false },
    { "not even one hop", { .has_max_hops = true, .max_hops = 0 }, false },
    { "path includes", { .path_includes = LIST(T("ap"), T("eu")) }, true },
    { "path does not include all", { .path_includes = LIST(T("ap"), T("af")) }, false },
    { "path excludes", { .path_excludes = LIST(T("af")) }, true },
    { "path does not exclude", { .path_excludes = LIST(T("af"), T("ap")) }, false },
    { "two conditions hold", { .functions = LIST(T("**")), .tags.any = LIST(T("public")) }, true },
    { "one of two fails", { .functions = LIST(T("**")), .tags.any = LIST(T("beta")) }, false },
};

START_TEST(rule_matches_when_every_condition_holds)
{
    const struct match_case *c = &match_cases[_i];
    struct policy_rule_source rule = c->rule;
    rule.id = SPAN("the-rule");
    rule.action = POLICY_ACCEPT;
    struct advertisement advertisement = sample();

    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        struct policy_verdict verdict =
            judged(&rule, (enum policy_direction)direction, &advertisement);
        ck_assert_msg((verdict.action == POLICY_ACCEPT) == c->matches, "%s: got %d, want %d",
            c->name, verdict.action == POLICY_ACCEPT, c->matches);
        ck_assert_msg(span_is(verdict.rule_id, c->matches ? "the-rule" : "default"), "%s", c->name);
        ck_assert_msg(verdict.rule == (c->matches ? 0 : POLICY_NO_RULE), "%s", c->name);
    }
}
END_TEST

START_TEST(empty_policy_denies)
{
    struct policy *policy = created(NULL, 0, POLICY_EXPORT);
    struct advertisement advertisement = sample();
    struct policy_verdict verdict;
    ck_assert_int_eq(policy_evaluate(policy, POLICY_EXPORT, &advertisement, AT, &arena, &verdict),
        POLICY_EVALUATED);
    ck_assert_int_eq(verdict.action, POLICY_REJECT);
    ck_assert_uint_eq(verdict.rule, POLICY_NO_RULE);
    ck_assert(span_is(verdict.rule_id, "default"));
    ck_assert_uint_gt(verdict.reason.size, 0);
    ck_assert(span_is(policy_name(policy), "test"));
    policy_unref(policy);
}
END_TEST

START_TEST(first_rule_that_matches_decides)
{
    const struct policy_rule_source rules[] = {
        { .id = SPAN("math"), .functions = LIST(SPAN("math.**")), .action = POLICY_ACCEPT },
        { .id = SPAN("no"),
            .functions = LIST(SPAN("billing.**")),
            .action = POLICY_REJECT,
            .reason = SPAN("not for export") },
        { .id = SPAN("yes"), .functions = LIST(SPAN("billing.charge")), .action = POLICY_ACCEPT },
    };
    struct policy *policy = created(rules, 3, POLICY_EXPORT);
    struct advertisement advertisement = sample();
    struct policy_verdict verdict;
    ck_assert_int_eq(policy_evaluate(policy, POLICY_EXPORT, &advertisement, AT, &arena, &verdict),
        POLICY_EVALUATED);
    ck_assert_int_eq(verdict.action, POLICY_REJECT);
    ck_assert_uint_eq(verdict.rule, 1);
    ck_assert(span_is(verdict.rule_id, "no"));
    ck_assert(span_is(verdict.reason, "not for export"));

    /* The other direction has rules of its own: none. */
    ck_assert_int_eq(policy_evaluate(policy, POLICY_IMPORT, &advertisement, AT, &arena, &verdict),
        POLICY_EVALUATED);
    ck_assert_uint_eq(verdict.rule, POLICY_NO_RULE);

    ck_assert_uint_eq(policy_rule_count(policy, POLICY_EXPORT), 3);
    ck_assert_uint_eq(policy_rule_count(policy, POLICY_IMPORT), 0);
    ck_assert(span_is(policy_rule_id(policy, POLICY_EXPORT, 2), "yes"));
    policy_unref(policy);
}
END_TEST

START_TEST(rule_that_sets_nothing_keeps_everything)
{
    const struct policy_rule_source rule = { .id = SPAN("all"), .action = POLICY_ACCEPT };
    struct advertisement advertisement = sample();
    struct policy_verdict verdict = judged(&rule, POLICY_IMPORT, &advertisement);
    const struct advertisement *out = &verdict.out;
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert_uint_eq(verdict.reason.size, 0);
    ck_assert(function_identity_equal(&out->identity, &advertisement.identity));
    ck_assert(span_is(out->identity.function_id, "fn-77"));
    ck_assert(text_list_same(&out->tags, &advertisement.tags));
    ck_assert(text_list_same(&out->resources, &advertisement.resources));
    ck_assert(text_list_same(&out->path, &advertisement.path));
    ck_assert(span_is(out->scope, "zone"));
    ck_assert(span_is(out->origin, "eu"));
    ck_assert_uint_eq(out->hops_left, 5);
    ck_assert_uint_eq(out->cost, 7);
    ck_assert_uint_eq(out->preference, 100);
    ck_assert_uint_eq(out->ttl_ns, 120 * SEC_NS);
}
END_TEST

static const struct name_case {
    const char *name;
    struct policy_rule_source rule;
    const char *function;
    const char *function_id;
} name_cases[] = {
    { "renamed: the id is the new name",
        { .functions = LIST(T("billing.{op}")), .set_function = T("eu.billing.{op}") },
        "eu.billing.charge", "eu.billing.charge" },
    { "renamed, with an id of its own",
        { .functions = LIST(T("{n**}")),
            .set_function = T("eu.{n}"),
            .set_function_id = T("id:{n}") },
        "eu.billing.charge", "id:billing.charge" },
    { "only the id", { .functions = LIST(T("{n**}")), .set_function_id = T("eu/{n}") },
        "billing.charge", "eu/billing.charge" },
    { "renamed to what it was: the id stays",
        { .functions = LIST(T("{n**}")), .set_function = T("{n}") }, "billing.charge", "fn-77" },
    { "literal", { .set_function = T("pay") }, "pay", "pay" },
    { "the first pattern that matches captures",
        { .functions = LIST(T("math.{op}"), T("{op**}.charge"), T("billing.{op}")),
            .set_function = T("x.{op}") },
        "x.billing", "x.billing" },
    { "halves swapped", { .functions = LIST(T("{a}.{b}")), .set_function = T("{b}.{a}.{b}") },
        "charge.billing.charge", "charge.billing.charge" },
};

START_TEST(names_are_rewritten)
{
    const struct name_case *c = &name_cases[_i];
    struct policy_rule_source rule = c->rule;
    rule.id = SPAN("r");
    rule.action = POLICY_ACCEPT;
    struct advertisement advertisement = sample();
    struct policy_verdict verdict = judged(&rule, POLICY_IMPORT, &advertisement);
    const struct function_identity *identity = &verdict.out.identity;
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert_msg(span_is(identity->name, c->function), "%s: got \"%.*s\", want \"%s\"", c->name,
        SPAN_ARGS(identity->name), c->function);
    ck_assert_msg(span_is(identity->function_id, c->function_id), "%s: got \"%.*s\", want \"%s\"",
        c->name, SPAN_ARGS(identity->function_id), c->function_id);
    ck_assert(span_is(identity->version_text, "2.1"));
}
END_TEST

static void
expect_list(const char *name, const struct text_list *list, const char *want)
{
    char text[512] = "";
    for (uint32_t i = 0; i < list->count; i++) {
        size_t used = strlen(text);
        snprintf(&text[used], sizeof(text) - used, "%s%.*s", i > 0 ? " " : "",
            SPAN_ARGS(list->items[i]));
    }
    ck_assert_msg(strcmp(text, want) == 0, "%s: got \"%s\", want \"%s\"", name, text, want);
}

static const struct list_case {
    const char *name;
    enum policy_direction direction;
    struct text_list tags;
    struct text_list add;
    struct text_list remove;
    const char *want;
} list_cases[] = {
    { "added behind", POLICY_EXPORT, LIST(T("a")), LIST(T("b"), T("c")), { 0 }, "a b c" },
    { "added what is there", POLICY_EXPORT, LIST(T("a")), LIST(T("a")), { 0 }, "a" },
    { "removed", POLICY_EXPORT, LIST(T("a"), T("b")), { 0 }, LIST(T("a")), "b" },
    { "removed what is not there", POLICY_EXPORT, LIST(T("a")), { 0 }, LIST(T("z")), "a" },
    { "removed before added", POLICY_EXPORT, LIST(T("a"), T("b")), LIST(T("a")), LIST(T("a")),
        "b a" },
    { "twice is once", POLICY_EXPORT, LIST(T("a"), T("b"), T("a")), { 0 }, { 0 }, "a b" },
    { "ours are not exported", POLICY_EXPORT,
        LIST(T("mpreg-bridge:origin=eu"), T("a"), T("mpreg-bridge:")), { 0 }, { 0 }, "a" },
    { "ours are imported", POLICY_IMPORT, LIST(T("mpreg-bridge:origin=eu"), T("a")), { 0 }, { 0 },
        "mpreg-bridge:origin=eu a" },
    { "not ours but alike", POLICY_EXPORT, LIST(T("mpreg-bridge")), { 0 }, { 0 }, "mpreg-bridge" },
};

START_TEST(tags_are_added_and_removed)
{
    const struct list_case *c = &list_cases[_i];
    const struct policy_rule_source rule = {
        .id = SPAN("r"), .action = POLICY_ACCEPT, .add_tags = c->add, .remove_tags = c->remove
    };
    struct advertisement advertisement = sample();
    advertisement.tags = c->tags;
    struct policy_verdict verdict = judged(&rule, c->direction, &advertisement);
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    expect_list(c->name, &verdict.out.tags, c->want);
}
END_TEST

START_TEST(resources_are_renamed)
{
    static const struct policy_rename renames[] = {
        { T("gpu"), T("eu-gpu") },
        /* Not applied to what the first one made. */
        { T("eu-gpu"), T("wrong") },
    };
    const struct policy_rule_source rule = { .id = SPAN("r"),
        .action = POLICY_ACCEPT,
        .rename_resources = renames,
        .rename_resource_count = 2 };
    struct advertisement advertisement = sample();
    struct policy_verdict verdict = judged(&rule, POLICY_EXPORT, &advertisement);
    expect_list("renamed", &verdict.out.resources, "eu-gpu ssd");

    const struct policy_rename merge[] = { { SPAN("gpu"), SPAN("ssd") } };
    struct policy_rule_source merging = rule;
    merging.rename_resources = merge;
    merging.rename_resource_count = 1;
    verdict = judged(&merging, POLICY_EXPORT, &advertisement);
    expect_list("renamed to one that is there", &verdict.out.resources, "ssd");
}
END_TEST

START_TEST(numbers_are_set)
{
    struct policy_rule_source rule = { .id = SPAN("r"),
        .action = POLICY_ACCEPT,
        .has_cost = true,
        .cost = 0,
        .has_preference = true,
        .preference = 250,
        .ttl_ns = 60 * SEC_NS };
    struct advertisement advertisement = sample();
    struct policy_verdict verdict = judged(&rule, POLICY_IMPORT, &advertisement);
    ck_assert_uint_eq(verdict.out.cost, 0);
    ck_assert_uint_eq(verdict.out.preference, 250);
    ck_assert_uint_eq(verdict.out.ttl_ns, 60 * SEC_NS);
    /* A ttl is only ever shortened. */
    rule.ttl_ns = 300 * SEC_NS;
    verdict = judged(&rule, POLICY_IMPORT, &advertisement);
    ck_assert_uint_eq(verdict.out.ttl_ns, 120 * SEC_NS);
}
END_TEST

START_TEST(id_may_be_made_of_what_the_id_was)
{
    const struct policy_rule_source rule = { .id = SPAN("r"),
        .functions = LIST(SPAN("billing.{op}")),
        .function_ids = LIST(SPAN("other"), SPAN("fn-{number}")),
        .set_function = SPAN("us.{op}"),
        .action = POLICY_ACCEPT };
    struct policy_rule_source kept = rule;
    kept.function_ids = (struct text_list)LIST(SPAN("{id**}"));
    kept.set_function_id = SPAN("{id}");
    struct policy_rule_source mapped = rule;
    mapped.function_ids = (struct text_list)LIST(SPAN("fn-{number}"));
    mapped.set_function_id = SPAN("{op}/{number}");
    struct advertisement advertisement = sample();
    struct policy_verdict verdict = judged(&rule, POLICY_EXPORT, &advertisement);
    ck_assert(span_is(verdict.out.identity.function_id, "us.charge"));
    verdict = judged(&kept, POLICY_EXPORT, &advertisement);
    ck_assert(span_is(verdict.out.identity.name, "us.charge"));
    ck_assert(span_is(verdict.out.identity.function_id, "fn-77"));
    verdict = judged(&mapped, POLICY_EXPORT, &advertisement);
    ck_assert(span_is(verdict.out.identity.function_id, "charge/77"));
}
END_TEST

START_TEST(scope_is_set)
{
    const struct policy_rule_source rule = { .id = SPAN("r"),
        .scopes = LIST(SPAN("zone")),
        .set_scope = SPAN("global"),
        .merge = true,
        .action = POLICY_ACCEPT };
    struct policy *policy = created(&rule, 1, POLICY_IMPORT);
    struct advertisement advertisement = sample();
    struct policy_verdict verdict;
    ck_assert_int_eq(policy_evaluate(policy, POLICY_IMPORT, &advertisement, AT, &arena, &verdict),
        POLICY_EVALUATED);
    ck_assert(span_is(verdict.out.scope, "global"));
    ck_assert(verdict.merge);
    policy_unref(policy);
}
END_TEST

/* Rules from 10 to 20 and from 15 on. */
START_TEST(rules_are_valid_in_their_time_only)
{
    const struct policy_rule_source rules[] = {
        { .id = SPAN("a"),
            .has_valid_from = true,
            .valid_from = { .ns = 10 },
            .has_valid_until = true,
            .valid_until = { .ns = 20 },
            .action = POLICY_ACCEPT },
        { .id = SPAN("b"),
            .has_valid_from = true,
            .valid_from = { .ns = 15 },
            .action = POLICY_ACCEPT },
    };
    static const struct {
        int64_t at_ns;
        uint32_t rule;
        struct policy_period period;
    } cases[] = {
        { INT64_MIN, POLICY_NO_RULE, { { INT64_MIN }, { 10 } } },
        { 9, POLICY_NO_RULE, { { INT64_MIN }, { 10 } } },
        { 10, 0, { { 10 }, { 15 } } },
        { 14, 0, { { 10 }, { 15 } } },
        { 15, 0, { { 15 }, { 20 } } },
        { 20, 1, { { 20 }, { INT64_MAX } } },
    };
    struct policy *policy = created(rules, 2, POLICY_EXPORT);
    struct advertisement advertisement = sample();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wall at = { .ns = cases[i].at_ns };
        struct policy_verdict verdict;
        ck_assert_int_eq(
            policy_evaluate(policy, POLICY_EXPORT, &advertisement, at, &arena, &verdict),
            POLICY_EVALUATED);
        ck_assert_msg(verdict.rule == cases[i].rule, "%zu: got rule %u", i, verdict.rule);
        struct policy_period period = policy_period(policy, at);
        ck_assert_int_eq(period.from.ns, cases[i].period.from.ns);
        ck_assert_int_eq(period.until.ns, cases[i].period.until.ns);
    }
    policy_unref(policy);
}
END_TEST

START_TEST(limits_are_kept_as_they_were_given)
{
    const struct policy_rule_source rules[] = {
        { .id = SPAN("free"), .action = POLICY_ACCEPT },
        { .id = SPAN("bound"), .limits = { .in_flight = 7 }, .action = POLICY_ACCEPT },
    };
    struct policy_source source = {
        .name = SPAN("test"),
        .rules = { rules, NULL },
        .rule_count = { 2, 0 },
        .import_limits.table = { { .max = 9, .action = POLICY_LIMIT_BLOCK }, { .max = 4096 } },
        .overlap = POLICY_OVERLAP_FAILOVER,
        .has_withdraw_max = true,
        .withdraw_max_percent = 20,
    };
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, &mem, &fault);
    ck_assert_ptr_nonnull(policy);
    ck_assert_ptr_null(policy_rule_limits(policy, POLICY_EXPORT, 0));
    ck_assert_uint_eq(policy_rule_limits(policy, POLICY_EXPORT, 1)->in_flight, 7);
    const struct policy_table_limit *table = policy_import_limits(policy)->table;
    ck_assert_uint_eq(table[POLICY_LIMIT_FUNCTIONS].max, 9);
    ck_assert_str_eq(policy_limit_action_name(table[POLICY_LIMIT_FUNCTIONS].action), "block");
    ck_assert_uint_eq(table[POLICY_LIMIT_BYTES].max, 4096);
    ck_assert_str_eq(policy_limit_action_name(table[POLICY_LIMIT_BYTES].action), "warn");
    ck_assert_str_eq(policy_limit_kind_name(POLICY_LIMIT_FUNCTIONS), "functions");
    ck_assert_str_eq(policy_limit_kind_name(POLICY_LIMIT_BYTES), "bytes");
    ck_assert_str_eq(policy_overlap_name(policy_overlap(policy)), "failover");
    ck_assert_uint_eq(policy_withdraw_max_percent(policy), 20);
    policy_unref(policy);
}
END_TEST

START_TEST(malformed_advertisement_is_denied_by_default)
{
    static uint8_t longest[NAME_SIZE_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    const struct policy_rule_source rule = { .id = SPAN("all"), .action = POLICY_ACCEPT };
    const struct span bad[] = { SPAN(""), SPAN("a\nb"), SPAN("a\xff"),
        { longest, sizeof(longest) } };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct advertisement advertisement = sample();
        advertisement.identity.name = bad[i];
        ck_assert_uint_eq(judged(&rule, POLICY_IMPORT, &advertisement).rule, POLICY_NO_RULE);
        advertisement = sample();
        advertisement.identity.function_id = bad[i];
        ck_assert_uint_eq(judged(&rule, POLICY_IMPORT, &advertisement).rule, POLICY_NO_RULE);
    }
    struct advertisement advertisement = sample();
    advertisement.identity.name = span_from(longest, NAME_SIZE_MAX);
    ck_assert_int_eq(judged(&rule, POLICY_IMPORT, &advertisement).action, POLICY_ACCEPT);
}
END_TEST

START_TEST(name_that_a_template_makes_too_long_is_rejected)
{
    static uint8_t longest[NAME_SIZE_MAX];
    memset(longest, 'a', sizeof(longest));
    const struct policy_rule_source rule = { .id = SPAN("r"),
        .functions = LIST(SPAN("{n}")),
        .set_function = SPAN("b{n}"),
        .action = POLICY_ACCEPT };
    struct policy *policy = created(&rule, 1, POLICY_EXPORT);
    struct advertisement advertisement = sample();
    struct policy_verdict verdict;
    advertisement.identity.name = span_from(longest, NAME_SIZE_MAX - 1);
    ck_assert_int_eq(policy_evaluate(policy, POLICY_EXPORT, &advertisement, AT, &arena, &verdict),
        POLICY_EVALUATED);
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert_uint_eq(verdict.out.identity.name.size, NAME_SIZE_MAX);

    advertisement.identity.name = span_from(longest, NAME_SIZE_MAX);
    ck_assert_int_eq(policy_evaluate(policy, POLICY_EXPORT, &advertisement, AT, &arena, &verdict),
        POLICY_NAME_TOO_LONG);
    ck_assert_int_eq(verdict.action, POLICY_REJECT);
    ck_assert(span_is(verdict.rule_id, "r"));
    ck_assert_uint_gt(verdict.reason.size, 0);
    policy_unref(policy);
}
END_TEST

START_TEST(name_that_a_template_makes_empty_is_rejected)
{
    const struct policy_rule_source rules[] = {
        { .id = SPAN("r"),
            .functions = LIST(SPAN("billing.charge{n**}")),
            .set_function = SPAN("{n}"),
            .action = POLICY_ACCEPT },
        { .id = SPAN("r"),
            .functions = LIST(SPAN("billing.charge{n**}")),
            .set_function_id = SPAN("{n}"),
            .action = POLICY_ACCEPT },
    };
    struct advertisement advertisement = sample();
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct policy_verdict verdict = judged(&rules[i], POLICY_EXPORT, &advertisement);
        ck_assert_int_eq(verdict.action, POLICY_REJECT);
        ck_assert_uint_eq(verdict.rule, 0);
        ck_assert_uint_gt(verdict.reason.size, 0);
    }
}
END_TEST

START_TEST(more_tags_than_a_function_may_have_are_rejected)
{
    struct span tags[LIST_COUNT_MAX];
    char texts[LIST_COUNT_MAX][8];
    for (uint32_t i = 0; i < LIST_COUNT_MAX; i++) {
        snprintf(texts[i], sizeof(texts[i]), "t%u", i);
        tags[i] = span_from_text(texts[i]);
    }
    struct policy_rule_source rule = { .id = SPAN("r"), .action = POLICY_ACCEPT };
    struct advertisement advertisement = sample();
    advertisement.tags = (struct text_list){ .items = tags, .count = LIST_COUNT_MAX };
    struct policy_verdict verdict = judged(&rule, POLICY_EXPORT, &advertisement);
    ck_assert_int_eq(verdict.action, POLICY_ACCEPT);
    ck_assert_uint_eq(verdict.out.tags.count, LIST_COUNT_MAX);

    rule.add_tags = (struct text_list)LIST(SPAN("one-more"));
    verdict = judged(&rule, POLICY_EXPORT, &advertisement);
    ck_assert_int_eq(verdict.action, POLICY_REJECT);
    ck_assert(span_is(verdict.rule_id, "r"));
    ck_assert_uint_gt(verdict.reason.size, 0);
}
END_TEST

START_TEST(full_arena_rejects)
{
    const struct policy_rule_source rules[] = {
        { .id = SPAN("renames"),
            .functions = LIST(SPAN("{n**}")),
            .set_function = SPAN("eu.{n}"),
            .action = POLICY_ACCEPT },
        { .id = SPAN("keeps"), .action = POLICY_ACCEPT },
    };
    struct mem none;
    mem_init(&none, 0);
    struct arena full;
    arena_init(&full, &none);
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct policy *policy = created(&rules[i], 1, POLICY_EXPORT);
        struct advertisement advertisement = sample();
        struct policy_verdict verdict;
        ck_assert_int_eq(
            policy_evaluate(policy, POLICY_EXPORT, &advertisement, AT, &full, &verdict),
            POLICY_OUT_OF_MEMORY);
        ck_assert_int_eq(verdict.action, POLICY_REJECT);
        ck_assert_uint_eq(verdict.rule, 0);
        policy_unref(policy);
    }
    arena_destroy(&full);
}
END_TEST

static const struct policy_rename bad_renames[] = {
    { T("gpu"), T("") },
};

static const struct fault_case {
    const char *name;
    struct policy_rule_source rule; /* behind a rule with the id "first" */
    enum policy_result result;
    const char *text;
} fault_cases[] = {
    { "fine", { .id = T("r") }, POLICY_OK, "" },
    { "no id", { .id = T("") }, POLICY_MISSING_ID, "" },
    { "same id", { .id = T("first") }, POLICY_DUPLICATE_ID, "first" },
    { "the id of the default", { .id = T("default") }, POLICY_DUPLICATE_ID, "default" },
    { "bad pattern", { .id = T("r"), .functions = LIST(T("a"), T("a.***")) }, POLICY_BAD_PATTERN,
        "a.***" },
    { "bad id pattern", { .id = T("r"), .function_ids = LIST(T("{")) }, POLICY_BAD_PATTERN, "{" },
    { "bad version", { .id = T("r"), .version = T("~2") }, POLICY_BAD_VERSION, "~2" },
    { "star in template", { .id = T("r"), .set_function = T("us.*") }, POLICY_BAD_TEMPLATE,
        "us.*" },
    { "brace in id template", { .id = T("r"), .set_function_id = T("us.}") }, POLICY_BAD_TEMPLATE,
        "us.}" },
    { "capture of no pattern", { .id = T("r"), .set_function = T("us.{n}") },
        POLICY_UNKNOWN_CAPTURE, "us.{n}" },
    { "capture of one pattern only",
        { .id = T("r"), .functions = LIST(T("a.{n}"), T("b.{m}")), .set_function = T("us.{n}") },
        POLICY_UNKNOWN_CAPTURE, "us.{n}" },
    { "capture of every pattern",
        { .id = T("r"), .functions = LIST(T("a.{n}"), T("b.{n**}")), .set_function = T("us.{n}") },
        POLICY_OK, "" },
    { "capture of the id pattern",
        { .id = T("r"), .function_ids = LIST(T("{n}")), .set_function_id = T("us.{n}") }, POLICY_OK,
        "" },
    { "capture of the id pattern in the name",
        { .id = T("r"), .function_ids = LIST(T("{n}")), .set_function = T("us.{n}") },
        POLICY_UNKNOWN_CAPTURE, "us.{n}" },
    { "capture of both patterns",
        { .id = T("r"),
            .functions = LIST(T("{n**}")),
            .function_ids = LIST(T("{n}")),
            .set_function_id = T("us.{n}") },
        POLICY_AMBIGUOUS_CAPTURE, "us.{n}" },
    { "captures in ids and in some names",
        { .id = T("r"),
            .functions = LIST(T("a.{n}"), T("b.*")),
            .function_ids = LIST(T("{n}")),
            .set_function_id = T("us.{n}") },
        POLICY_AMBIGUOUS_CAPTURE, "us.{n}" },
    { "sets a scope of two lines", { .id = T("r"), .set_scope = T("zo\nne") }, POLICY_BAD_TEMPLATE,
        "zo\nne" },
    { "adds a tag of ours", { .id = T("r"), .add_tags = LIST(T("mpreg-bridge:origin=x")) },
        POLICY_RESERVED_TAG, "mpreg-bridge:origin=x" },
    { "removes a tag of ours", { .id = T("r"), .remove_tags = LIST(T("mpreg-bridge:x")) },
        POLICY_RESERVED_TAG, "mpreg-bridge:x" },
    { "adds an empty tag", { .id = T("r"), .add_tags = LIST(T("")) }, POLICY_BAD_TEMPLATE, "" },
    { "adds a tag of two lines", { .id = T("r"), .add_tags = LIST(T("a\nb")) }, POLICY_BAD_TEMPLATE,
        "a\nb" },
    { "renames a resource to nothing",
        { .id = T("r"), .rename_resources = bad_renames, .rename_resource_count = 1 },
        POLICY_BAD_TEMPLATE, "" },
    { "matches a tag of ours", { .id = T("r"), .tags.none = LIST(T("mpreg-bridge:x")) }, POLICY_OK,
        "" },
};

START_TEST(create_says_what_is_wrong_and_where)
{
    const struct fault_case *c = &fault_cases[_i];
    const struct policy_rule_source rules[] = { { .id = SPAN("first") }, c->rule };
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        struct policy_source source = { .name = SPAN("test") };
        source.rules[direction] = rules;
        source.rule_count[direction] = 2;
        struct policy_fault fault;
        struct policy *policy = policy_create(&source, &mem, &fault);
        ck_assert_msg(fault.result == c->result, "%s: got %s, want %s", c->name,
            policy_result_name(fault.result), policy_result_name(c->result));
        ck_assert_msg((policy != NULL) == (c->result == POLICY_OK), "%s", c->name);
        ck_assert_msg(span_is(fault.text, c->text), "%s: got \"%.*s\", want \"%s\"", c->name,
            SPAN_ARGS(fault.text), c->text);
        if (c->result != POLICY_OK) {
            ck_assert_int_eq(fault.direction, (enum policy_direction)direction);
            ck_assert_uint_eq(fault.rule, 1);
        }
        policy_unref(policy);
    }
}
END_TEST

START_TEST(same_id_may_stand_in_both_directions)
{
    const struct policy_rule_source rule = { .id = SPAN("rest") };
    const struct policy_source source = {
        .name = SPAN("test"), .rules = { &rule, &rule }, .rule_count = { 1, 1 }
    };
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, &mem, &fault);
    ck_assert_ptr_nonnull(policy);
    policy_unref(policy);
}
END_TEST

static const struct policy_rename one_rename[] = { { T("a"), T("b") } };

static const struct policy_rule_source full_rule = {
    .functions = LIST(T("a.{n}"), T("{n**}.z")),
    .function_ids = LIST(T("*")),
    .tags.any = LIST(T("t")),
    .set_function = T("b.{n}"),
    .add_tags = LIST(T("u")),
    .rename_resources = one_rename,
    .rename_resource_count = 1,
    .reason = T("because"),
};

/* Whatever allocation fails, nothing is left behind. */
START_TEST(create_without_memory_leaves_nothing)
{
    struct policy_rule_source rules[64];
    char ids[64][8];
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        snprintf(ids[i], sizeof(ids[i]), "r%zu", i);
        rules[i] = full_rule;
        rules[i].id = span_from_text(ids[i]);
    }
    const struct policy_source source = {
        .name = SPAN("test"), .rules = { rules, rules }, .rule_count = { 64, 64 }
    };
    bool fitted = false;
    for (size_t cap = 0; !fitted; cap += 512) {
        struct mem small;
        mem_init(&small, cap);
        struct policy_fault fault;
        struct policy *policy = policy_create(&source, &small, &fault);
        fitted = policy != NULL;
        ck_assert_int_eq(fault.result, fitted ? POLICY_OK : POLICY_NO_MEMORY);
        policy_unref(policy);
        ck_assert_uint_eq(small.used, 0);
    }
}
END_TEST

START_TEST(every_result_has_a_name)
{
    for (int i = POLICY_OK; i <= POLICY_NO_MEMORY; i++) {
        ck_assert_str_ne(policy_result_name((enum policy_result)i), "unknown");
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tcase = tcase_create("policy");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(
        tcase, rule_matches_when_every_condition_holds, 0, (int)COUNT_OF(match_cases));
    tcase_add_test(tcase, empty_policy_denies);
    tcase_add_test(tcase, first_rule_that_matches_decides);
    tcase_add_test(tcase, rule_that_sets_nothing_keeps_everything);
    tcase_add_loop_test(tcase, names_are_rewritten, 0, (int)COUNT_OF(name_cases));
    tcase_add_loop_test(tcase, tags_are_added_and_removed, 0, (int)COUNT_OF(list_cases));
    tcase_add_test(tcase, resources_are_renamed);
    tcase_add_test(tcase, numbers_are_set);
    tcase_add_test(tcase, id_may_be_made_of_what_the_id_was);
    tcase_add_test(tcase, scope_is_set);
    tcase_add_test(tcase, rules_are_valid_in_their_time_only);
    tcase_add_test(tcase, limits_are_kept_as_they_were_given);
    tcase_add_test(tcase, malformed_advertisement_is_denied_by_default);
    tcase_add_test(tcase, name_that_a_template_makes_too_long_is_rejected);
    tcase_add_test(tcase, name_that_a_template_makes_empty_is_rejected);
    tcase_add_test(tcase, more_tags_than_a_function_may_have_are_rejected);
    tcase_add_test(tcase, full_arena_rejects);
    tcase_add_loop_test(tcase, create_says_what_is_wrong_and_where, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, same_id_may_stand_in_both_directions);
    tcase_add_test(tcase, create_without_memory_leaves_nothing);
    tcase_add_test(tcase, every_result_has_a_name);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
