/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_index.c - which rules are asked about an advertisement: those under a key that it has, each once and in
 * order; and that their count is not felt.
 */
#include "bridge/policy_index.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "tests/support/check_failed.h"

#define T(literal_)                                                                                \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }
#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (const struct span[]){ __VA_ARGS__ },                                             \
        .count = sizeof((const struct span[]){ __VA_ARGS__ }) / sizeof(struct span)                \
    }

#define RULES_MAX  8u
#define MANY       10000u
#define TEXT_SIZE  32u
#define ASKED_SIZE 128u

static struct mem mem;

static void
set_up(void)
{
    mem_init(&mem, SIZE_MAX);
}

static void
tear_down(void)
{
    ck_assert_uint_eq(mem.used, 0);
}

static struct policy *
created(const struct policy_rule_source *rules, uint32_t count)
{
    struct policy_source source = {
        .name = SPAN("p"), .rules = { rules, NULL }, .rule_count = { count, 0 }
    };
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, &mem, &fault);
    ck_assert_msg(policy != NULL, "%s", policy_result_name(fault.result));
    return policy;
}

static struct advertisement
sample(void)
{
    static const struct span tags[] = { T("public"), T("gold") };
    static const struct span resources[] = { T("gpu") };
    static const struct span path[] = { T("eu"), T("ap") };
    return (struct advertisement){
        .identity = { .name = SPAN("billing.card.pay"), .function_id = SPAN("fn-77") },
        .tags = { .items = tags, .count = 2 },
        .resources = { .items = resources, .count = 1 },
        .scope = SPAN("zone"),
        .origin = SPAN("eu"),
        .path = { .items = path, .count = 2 },
    };
}

/* The numbers of the rules to ask, as "0 2 5". */
static void
write_asked(const struct policy *policy, const struct advertisement *advertisement, char *text)
{
    struct policy_search search;
    size_t size = 0;
    text[0] = '\0';
    policy_index_begin(&search, &policy->rules[POLICY_EXPORT], advertisement);
    for (uint32_t rule; (rule = policy_index_next(&search)) != POLICY_NO_RULE;) {
        size += (size_t)snprintf(&text[size], ASKED_SIZE - size, size == 0 ? "%u" : " %u", rule);
        ck_assert_uint_lt(size, ASKED_SIZE);
    }
    ck_assert_uint_eq(policy_index_next(&search), POLICY_NO_RULE);
}

static uint32_t
count_asked(const struct policy *policy, const struct advertisement *advertisement)
{
    struct policy_search search;
    uint32_t count = 0;
    policy_index_begin(&search, &policy->rules[POLICY_EXPORT], advertisement);
    while (policy_index_next(&search) != POLICY_NO_RULE) {
        count++;
    }
    return count;
}

static const struct asked_case {
    const char *name;
    struct policy_rule_source rules[RULES_MAX]; /* up to the first without an id */
    const char *asked;                          /* about sample() */
} asked_cases[] = {
    { "no rule at all", { { .action = POLICY_REJECT } }, "" },
    { "a whole name",
        { { .id = T("a"), .functions = LIST(T("billing.card.pay")) },
            { .id = T("b"), .functions = LIST(T("billing.card")) },
            { .id = T("c"), .functions = LIST(T("billing.card.pay.x")) } },
        "0" },
    { "nested beginnings, each its rule",
        { { .id = T("a"), .functions = LIST(T("billing.card.**")) },
            { .id = T("b"), .functions = LIST(T("shop.**")) },
            { .id = T("c"), .functions = LIST(T("b*")) },
            { .id = T("d"), .functions = LIST(T("billing.{x**}")) } },
        "0 2 3" },
    { "a beginning that is the whole name",
        { { .id = T("a"), .functions = LIST(T("billing.card.pay**")) } }, "0" },
    { "an ending",
        { { .id = T("a"), .functions = LIST(T("**.pay")) },
            { .id = T("b"), .functions = LIST(T("**.get")) },
            { .id = T("c"), .functions = LIST(T("*y")) } },
        "0 2" },
    { "the rarer end decides",
        { { .id = T("a"), .functions = LIST(T("billing.*.get")) },
            { .id = T("b"), .functions = LIST(T("billing.*.put")) },
            { .id = T("c"), .functions = LIST(T("billing.*.pay")) },
            { .id = T("d"), .functions = LIST(T("b*.pay")) } },
        "2 3" },
    { "whole, beginning and ending of the id",
        { { .id = T("a"), .function_ids = LIST(T("fn-77")) },
            { .id = T("b"), .function_ids = LIST(T("fn-*")) },
            { .id = T("c"), .function_ids = LIST(T("*77")) },
            { .id = T("d"), .function_ids = LIST(T("billing.card.pay")) },
            { .id = T("e"), .functions = LIST(T("fn-77")) } },
        "0 1 2" },
    { "a tag of all, the rarer one",
        { { .id = T("a"), .tags.all = LIST(T("public"), T("silver")) },
            { .id = T("b"), .tags.all = LIST(T("public"), T("gold")) },
            { .id = T("c"), .tags.all = LIST(T("public")) } },
        "1 2" },
    { "each tag of any, and the rule once",
        { { .id = T("a"), .tags.any = LIST(T("gold"), T("public"), T("x")) },
            { .id = T("b"), .tags.any = LIST(T("x"), T("y")) } },
        "0" },
    { "resources, scope, origin and path",
        { { .id = T("a"), .resources.all = LIST(T("gpu")) },
            { .id = T("b"), .resources.any = LIST(T("tpu")) },
            { .id = T("c"), .scopes = LIST(T("zone"), T("region")) },
            { .id = T("d"), .scopes = LIST(T("global")) },
            { .id = T("e"), .origins = LIST(T("eu")) }, { .id = T("f"), .origins = LIST(T("ap")) },
            { .id = T("g"), .path_includes = LIST(T("ap")) },
            { .id = T("h"), .path_includes = LIST(T("us")) } },
        "0 2 4 6" },
    { "a text of one kind is none of another",
        { { .id = T("a"), .tags.all = LIST(T("gpu")) },
            { .id = T("b"), .resources.all = LIST(T("gold")) },
            { .id = T("c"), .origins = LIST(T("zone")) },
            { .id = T("d"), .scopes = LIST(T("eu")) } },
        "" },
    { "without a key a rule is always asked",
        { { .id = T("a"), .functions = LIST(T("shop.get")) },
            { .id = T("b"), .functions = LIST(T("*.get.*")) },
            { .id = T("c"), .tags.none = LIST(T("gold")) }, { .id = T("d"), .version = T(">=2") },
            { .id = T("e"), .has_max_hops = true },
            { .id = T("f"), .path_excludes = LIST(T("eu")) }, { .id = T("g") } },
        "1 2 3 4 5 6" },
    { "one alternative without a literal takes the key away",
        { { .id = T("a"), .functions = LIST(T("shop.**"), T("*")) },
            { .id = T("b"), .functions = LIST(T("shop.**"), T("**")), .tags.all = LIST(T("x")) },
            { .id = T("c"), .functions = LIST(T("shop.**"), T("bill**"), T("billing.**")) } },
        "0 2" },
    { "the rarest condition decides, not the first",
        { { .id = T("a"), .functions = LIST(T("billing.**")), .tags.all = LIST(T("x")) },
            { .id = T("b"), .functions = LIST(T("billing.**")), .tags.all = LIST(T("gold")) },
            { .id = T("c"), .functions = LIST(T("billing.**")), .origins = LIST(T("us")) },
            { .id = T("d"), .functions = LIST(T("billing.**")) } },
        "1 3" },
};

START_TEST(rules_under_the_keys_it_has_are_asked_in_order)
{
    const struct asked_case *c = &asked_cases[_i];
    uint32_t count = 0;
    while (count < RULES_MAX && c->rules[count].id.size > 0) {
        count++;
    }
    struct policy *policy = created(c->rules, count);
    struct advertisement advertisement = sample();
    char asked[ASKED_SIZE];
    write_asked(policy, &advertisement, asked);
    ck_assert_msg(strcmp(asked, c->asked) == 0, "%s: asked %s, want %s", c->name, asked, c->asked);
    policy_unref(policy);
}
END_TEST

/* Rules that differ in one thing only, which is made of `form` and their number. */
struct many {
    struct policy_rule_source rules[MANY];
    char ids[MANY][TEXT_SIZE];
    char texts[MANY][TEXT_SIZE];
    struct span spans[MANY];
};

static const struct many_case {
    const char *name;
    const char *form;
    size_t list_offset; /* of the text_list in struct policy_rule_source */
    const char *shared; /* a pattern that all have, or NULL */
} many_cases[] = {
    { "beginnings", "team%u.**", offsetof(struct policy_rule_source, functions), NULL },
    { "endings", "**.svc%u", offsetof(struct policy_rule_source, functions), NULL },
    { "whole names", "team%u.svc%u", offsetof(struct policy_rule_source, functions), NULL },
    { "endings behind one beginning", "team*.svc%u", offsetof(struct policy_rule_source, functions),
        NULL },
    { "ids", "fn%u-*", offsetof(struct policy_rule_source, function_ids), "team*" },
    { "tags", "tag%u", offsetof(struct policy_rule_source, tags.all), "**" },
    { "tags of any", "tag%u", offsetof(struct policy_rule_source, tags.any), "**.svc7" },
    { "origins", "home%u", offsetof(struct policy_rule_source, origins), NULL },
};

static void
make_many(struct many *many, const struct many_case *c)
{
    static struct span shared;
    shared = span_from_text(c->shared);
    for (uint32_t i = 0; i < MANY; i++) {
        struct policy_rule_source *rule = &many->rules[i];
        memset(rule, 0, sizeof(*rule));
        snprintf(many->ids[i], TEXT_SIZE, "r%u", i);
        snprintf(many->texts[i], TEXT_SIZE, c->form, i, i);
        many->spans[i] = span_from_text(many->texts[i]);
        rule->id = span_from_text(many->ids[i]);
        if (c->shared != NULL) {
            rule->functions = (struct text_list){ .items = &shared, .count = 1 };
        }
        struct text_list list = { .items = &many->spans[i], .count = 1 };
        memcpy((uint8_t *)rule + c->list_offset, &list, sizeof(list));
    }
}

START_TEST(of_ten_thousand_rules_one_is_asked)
{
    const struct many_case *c = &many_cases[_i];
    struct many *many = malloc(sizeof(*many));
    ck_assert_ptr_nonnull(many);
    make_many(many, c);
    struct policy *policy = created(many->rules, MANY);
    static const struct span tag = T("tag77");
    struct advertisement advertisement = {
        .identity = { .name = SPAN("team77.svc77"), .function_id = SPAN("fn77-x") },
        .tags = { .items = &tag, .count = 1 },
        .origin = SPAN("home77"),
    };
    char asked[ASKED_SIZE];
    write_asked(policy, &advertisement, asked);
    ck_assert_msg(strcmp(asked, "77") == 0, "%s: asked %s", c->name, asked);
    policy_unref(policy);
    free(many);
}
END_TEST

START_TEST(what_cannot_be_told_apart_is_asked_whole)
{
    struct many *many = malloc(sizeof(*many));
    ck_assert_ptr_nonnull(many);
    const struct many_case middle = { .form = "*.svc%u.*",
        .list_offset = offsetof(struct policy_rule_source, functions) };
    make_many(many, &middle);
    struct policy *policy = created(many->rules, MANY);
    struct advertisement advertisement = sample();
    ck_assert_uint_eq(count_asked(policy, &advertisement), MANY);
    policy_unref(policy);
    free(many);
}
END_TEST

/* More keys than any wire brings: every rule is asked, in order, and nothing is written beside the room there is. */
START_TEST(with_tags_beyond_all_limits_every_rule_is_asked)
{
    enum { TAGS = POLICY_SEARCH_KEYS_MAX + 1 };
    static struct span tags[TAGS];
    struct many *many = malloc(sizeof(*many));
    ck_assert_ptr_nonnull(many);
    const struct many_case tagged = { .form = "tag%u",
        .list_offset = offsetof(struct policy_rule_source, tags.all) };
    make_many(many, &tagged);
    for (uint32_t i = 0; i < TAGS; i++) {
        tags[i] = many->spans[MANY - 1 - i];
    }
    struct policy *policy = created(many->rules, MANY);
    struct advertisement advertisement = sample();
    advertisement.tags = (struct text_list){ .items = tags, .count = TAGS };
    ck_assert_uint_eq(count_asked(policy, &advertisement), MANY);
    advertisement.tags.count = TAGS - 1;
    ck_assert_uint_eq(count_asked(policy, &advertisement), TAGS - 1);
    policy_unref(policy);
    free(many);
}
END_TEST

static const struct odd_case {
    const char *name;
    struct span text; /* as name and as id */
    const char *asked;
} odd_cases[] = {
    { "nothing", { NULL, 0 }, "1" },
    { "an empty text", T(""), "1" },
    { "no UTF-8", T("\xff\xfe\x80"), "1" },
    { "a byte", T("a"), "0 1 3" },
};

START_TEST(odd_texts_find_what_they_can)
{
    const struct odd_case *c = &odd_cases[_i];
    const struct policy_rule_source rules[] = {
        { .id = SPAN("a"), .functions = LIST(SPAN("a**")) },
        { .id = SPAN("b"), .functions = LIST(SPAN("**")) },
        { .id = SPAN("c"), .function_ids = LIST(SPAN("**ab")) },
        { .id = SPAN("d"), .function_ids = LIST(SPAN("a")) },
    };
    struct policy *policy = created(rules, COUNT_OF(rules));
    struct advertisement advertisement = { .identity = {
                                               .name = c->text, .function_id = c->text } };
    char asked[ASKED_SIZE];
    write_asked(policy, &advertisement, asked);
    ck_assert_msg(strcmp(asked, c->asked) == 0, "%s: asked %s, want %s", c->name, asked, c->asked);
    policy_unref(policy);
}
END_TEST

/* The longest patterns there are, at both ends of the longest name and of one that is longer still. */
START_TEST(longest_literals_are_found)
{
    static char begins[PATTERN_SIZE_MAX + 1];
    static char ends[PATTERN_SIZE_MAX + 1];
    static char whole[PATTERN_SIZE_MAX + 1];
    static char name[2 * NAME_SIZE_MAX];
    memset(begins, 'a', PATTERN_SIZE_MAX - 1);
    begins[PATTERN_SIZE_MAX - 1] = '*';
    memset(ends, 'a', PATTERN_SIZE_MAX);
    ends[0] = '*';
    memset(whole, 'a', PATTERN_SIZE_MAX);
    memset(name, 'a', sizeof(name));
    const struct policy_rule_source rules[] = {
        { .id = SPAN("a"), .functions = LIST(span_from_text(begins)) },
        { .id = SPAN("b"), .functions = LIST(span_from_text(ends)) },
        { .id = SPAN("c"), .functions = LIST(span_from_text(whole)) },
    };
    static const struct {
        size_t size;
        const char *asked;
    } sizes[] = { { PATTERN_SIZE_MAX - 2, "" }, { PATTERN_SIZE_MAX - 1, "0 1" },
        { PATTERN_SIZE_MAX, "0 1 2" }, { PATTERN_SIZE_MAX + 1, "0 1" }, { NAME_SIZE_MAX, "0 1" },
        { sizeof(name), "0 1" } };
    struct policy *policy = created(rules, COUNT_OF(rules));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct advertisement advertisement = sample();
        advertisement.identity.name = span_from(name, sizes[i].size);
        char asked[ASKED_SIZE];
        write_asked(policy, &advertisement, asked);
        ck_assert_msg(strcmp(asked, sizes[i].asked) == 0, "%zu bytes: asked %s, want %s",
            sizes[i].size, asked, sizes[i].asked);
    }
    policy_unref(policy);
}
END_TEST

START_TEST(policy_is_one_block_that_fits)
{
    struct many *many = malloc(sizeof(*many));
    ck_assert_ptr_nonnull(many);
    make_many(many, &many_cases[0]);
    struct policy *policy = created(many->rules, MANY);
    size_t beside = mem.used - arena_used(&policy->arena) - sizeof(*policy);
    /* What one block keeps for itself; several would have had room left over as well. */
    ck_assert_uint_le(beside, 4 * sizeof(size_t));
    policy_unref(policy);
    free(many);
}
END_TEST

/* With each byte more another piece fits, until all do. */
START_TEST(without_memory_nothing_is_left_behind)
{
    const struct policy_rule_source *rules = asked_cases[COUNT_OF(asked_cases) - 1].rules;
    struct policy_source source = {
        .name = SPAN("p"), .rules = { rules, rules }, .rule_count = { 4, 4 }
    };
    struct policy *policy = NULL;
    uint32_t refused_count = 0;
    for (size_t cap = 0; policy == NULL; cap += 64) {
        struct policy_fault fault;
        mem.cap = cap;
        policy = policy_create(&source, &mem, &fault);
        ck_assert_int_eq(fault.result, policy == NULL ? POLICY_NO_MEMORY : POLICY_OK);
        ck_assert(policy != NULL || mem.used == 0);
        refused_count += policy == NULL ? 1 : 0;
    }
    ck_assert_uint_gt(refused_count, 100);
    struct advertisement advertisement = sample();
    char asked[ASKED_SIZE];
    write_asked(policy, &advertisement, asked);
    ck_assert_str_eq(asked, "1 3");
    policy_unref(policy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_index");
    TCase *tcase = tcase_create("policy_index");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(
        tcase, rules_under_the_keys_it_has_are_asked_in_order, 0, (int)COUNT_OF(asked_cases));
    tcase_add_loop_test(tcase, of_ten_thousand_rules_one_is_asked, 0, (int)COUNT_OF(many_cases));
    tcase_add_test(tcase, what_cannot_be_told_apart_is_asked_whole);
    tcase_add_test(tcase, with_tags_beyond_all_limits_every_rule_is_asked);
    tcase_add_loop_test(tcase, odd_texts_find_what_they_can, 0, (int)COUNT_OF(odd_cases));
    tcase_add_test(tcase, longest_literals_are_found);
    tcase_add_test(tcase, policy_is_one_block_that_fits);
    tcase_add_test(tcase, without_memory_nothing_is_left_behind);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
