/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_test.c - judging a test's function, and comparing with what was expected.
 */
#include "host/policy_test.h"

#include <string.h>

#include "base/buf.h"
#include "host/value.h"

#define TEXT_SIZE_MAX ((size_t)1024 * 1024)

struct advertisement
policy_test_advertisement(struct span function)
{
    return (struct advertisement){
        .identity = { .name = function,
            .function_id = function,
            .version_text = SPAN("1.0.0"),
            .version = { .major = 1 } },
        .scope = SPAN("zone"),
        .hops_left = ADVERTISEMENT_HOPS_DEFAULT,
        .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
        .ttl_ns = UINT64_MAX,
    };
}

bool
policy_test_complete_path(struct advertisement *advertisement, struct span *slot)
{
    bool has_origin = advertisement->origin.size > 0;
    if (advertisement->path.count > 0) {
        struct span first = advertisement->path.items[0];
        bool agree = !has_origin || span_equal(first, advertisement->origin);
        advertisement->origin = first;
        return agree;
    }
    if (has_origin) {
        *slot = advertisement->origin;
        advertisement->path = (struct text_list){ .items = slot, .count = 1 };
    }
    return true;
}

struct comparison {
    struct arena *arena;
    struct policy_test_outcome *outcome;
    bool out_of_memory;
};

static struct span
keep(struct comparison *comparison, struct span text)
{
    struct span copy = arena_copy(comparison->arena, text);
    comparison->out_of_memory = comparison->out_of_memory || copy.data == NULL;
    return copy;
}

static struct span
list_text(struct comparison *comparison, const struct text_list *list)
{
    struct buf text;
    buf_init(&text, comparison->arena->mem, TEXT_SIZE_MAX);
    buf_add_text(&text, "[");
    for (uint32_t i = 0; i < list->count; i++) {
        buf_add_text(&text, i == 0 ? "" : ", ");
        buf_add(&text, list->items[i]);
    }
    buf_add_text(&text, "]");
    struct span copy = keep(comparison, buf_span(&text));
    comparison->out_of_memory = comparison->out_of_memory || text.overflowed;
    buf_destroy(&text);
    return copy;
}

static struct span
value_text(struct comparison *comparison, enum value_kind kind, uint64_t value)
{
    struct value_text text = value_write(kind, value);
    return keep(comparison, span_from_text(text.text));
}

static void
differ(struct comparison *comparison, const char *key, struct span want, struct span got)
{
    struct policy_test_outcome *outcome = comparison->outcome;
    CHECK(outcome->mismatch_count < POLICY_TEST_EXPECTATIONS_MAX);
    outcome->mismatches[outcome->mismatch_count] =
        (struct policy_test_mismatch){ .key = key, .want = want, .got = got };
    outcome->mismatch_count++;
}

/* Texts, of which an empty one expects nothing. */
static void
compare_text(struct comparison *comparison, const char *key, struct span want, struct span got)
{
    if (want.size > 0 && !span_equal(want, got)) {
        differ(comparison, key, want, got);
    }
}

static void
compare_list(struct comparison *comparison, const char *key, const struct text_list *want,
    const struct text_list *got)
{
    if (!text_list_same(want, got)) {
        differ(comparison, key, list_text(comparison, want), list_text(comparison, got));
    }
}

static void
compare_value(struct comparison *comparison, const char *key, enum value_kind kind, uint64_t want,
    uint64_t got)
{
    if (want != got) {
        bool endless = got == UINT64_MAX;
        differ(comparison, key, value_text(comparison, kind, want),
            endless ? SPAN("as it was") : value_text(comparison, kind, got));
    }
}

static void
compare_rewritten(struct comparison *comparison, const struct policy_test_expectation *expect,
    const struct advertisement *out)
{
    compare_text(comparison, "function", expect->function, out->identity.name);
    compare_text(comparison, "function_id", expect->function_id, out->identity.function_id);
    if (expect->has_tags) {
        compare_list(comparison, "tags", &expect->tags, &out->tags);
    }
    if (expect->has_resources) {
        compare_list(comparison, "resources", &expect->resources, &out->resources);
    }
    compare_text(comparison, "scope", expect->scope, out->scope);
    if (expect->has_cost) {
        compare_value(comparison, "cost", VALUE_NUMBER, expect->cost, out->cost);
    }
    if (expect->has_preference) {
        compare_value(comparison, "preference", VALUE_NUMBER, expect->preference, out->preference);
    }
    if (expect->ttl_ns > 0) {
        compare_value(comparison, "ttl", VALUE_DURATION, expect->ttl_ns, out->ttl_ns);
    }
}

static bool
expects_rewriting(const struct policy_test_expectation *expect)
{
    return expect->function.size > 0 || expect->function_id.size > 0 || expect->has_tags ||
           expect->has_resources || expect->scope.size > 0 || expect->has_cost ||
           expect->has_preference || expect->ttl_ns > 0;
}

static struct span
action_text(enum policy_action action)
{
    return action == POLICY_ACCEPT ? SPAN("accept") : SPAN("reject");
}

bool
policy_test_run(const struct policy *policy, const struct policy_test *test, struct wall now,
    struct arena *arena, struct policy_test_outcome *outcome)
{
    const struct policy_test_expectation *expect = &test->expect;
    struct comparison comparison = { .arena = arena, .outcome = outcome };
    struct policy_verdict verdict;
    enum policy_evaluation evaluation = policy_evaluate(
        policy, test->direction, &test->in, test->has_at ? test->at : now, arena, &verdict);
    if (evaluation == POLICY_OUT_OF_MEMORY) {
        return false;
    }
    *outcome = (struct policy_test_outcome){ .action = verdict.action, .rule = verdict.rule };
    /* Who expects a rewriting expects that it is accepted. */
    bool wants_accept =
        expect->has_action ? expect->action == POLICY_ACCEPT : expects_rewriting(expect);
    bool accepted = verdict.action == POLICY_ACCEPT;
    bool judges = expect->has_action || expects_rewriting(expect);
    if (judges && accepted != wants_accept) {
        differ(&comparison, "action", action_text(wants_accept ? POLICY_ACCEPT : POLICY_REJECT),
            action_text(verdict.action));
    }
    compare_text(&comparison, "rule", expect->rule, verdict.rule_id);
    compare_text(&comparison, "reason", expect->reason, verdict.reason);
    if (accepted && wants_accept) {
        compare_rewritten(&comparison, expect, &verdict.out);
    }
    return !comparison.out_of_memory;
}
