/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy_yaml.c - any text as a policy file: it is refused with an error, or it loads without one and
 * its verdicts keep the promises of policy.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/pattern.h"
#include "core/limits.h"
#include "host/policy_format.h"
#include "host/policy_yaml.h"
#include "host/yaml_format.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"

/* Run from the root, it can include what lies beside the seeds. */
#define NAME "tests/fuzz/corpus/policy_yaml/fuzz.yaml"

#define ASSERTS_MAX 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(text_)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                \
    }

static const struct span words[] = { TEXT("public"), TEXT("gpu"), TEXT("a"),
    TEXT("mpreg-bridge:origin=ap"), TEXT("a") };
static const struct span path[] = { TEXT("us"), TEXT("ap") };
static const struct span names[] = { TEXT("billing.charge"), TEXT("eu.math.add"), TEXT("a"),
    TEXT("caf\xc3\xa9.x"), TEXT("") };

static struct advertisement
advertised(struct span name)
{
    return (struct advertisement){
        .identity = { .name = name, .function_id = name, .version = { .major = 2 } },
        .tags = { .items = words, .count = COUNT_OF(words) },
        .resources = { .items = words, .count = COUNT_OF(words) },
        .scope = SPAN("zone"),
        .origin = SPAN("us"),
        .path = { .items = path, .count = COUNT_OF(path) },
        .ttl_ns = 60 * SEC_NS,
    };
}

static void
check_unique(const struct text_list *list)
{
    CHECK(list->count <= LIST_COUNT_MAX);
    for (uint32_t i = 0; i < list->count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            CHECK(!span_equal(list->items[i], list->items[j]));
        }
    }
}

static void
check_name(struct span name)
{
    CHECK(name.size > 0);
    CHECK(name.size <= NAME_SIZE_MAX);
    CHECK(pattern_is_plain(name));
}

static void
check_accepted(const struct advertisement *in, const struct advertisement *out,
    enum policy_direction direction)
{
    check_name(out->identity.name);
    check_name(out->identity.function_id);
    check_unique(&out->tags);
    check_unique(&out->resources);
    CHECK(out->ttl_ns <= in->ttl_ns);
    CHECK(direction == POLICY_IMPORT || !text_list_has(&out->tags, words[3]));
    CHECK(direction == POLICY_EXPORT || text_list_has(&out->tags, words[3]));
    CHECK(text_list_same(&out->path, &in->path));
    /* Whoever is renamed is not known under the old id. */
    bool renamed = !span_equal(out->identity.name, in->identity.name);
    CHECK(!renamed || out->identity.function_id.data != in->identity.function_id.data);
}

static void
check_verdicts(const struct policy *policy, struct arena *arena)
{
    for (size_t i = 0; i < 2 * COUNT_OF(names); i++) {
        enum policy_direction direction = i % 2 == 0 ? POLICY_EXPORT : POLICY_IMPORT;
        struct advertisement in = advertised(names[i / 2]);
        struct policy_verdict verdict;
        enum policy_evaluation evaluation =
            policy_evaluate(policy, direction, &in, AT, arena, &verdict);
        CHECK(evaluation != POLICY_OUT_OF_MEMORY);
        CHECK(verdict.rule_id.size > 0);
        if (verdict.action == POLICY_ACCEPT) {
            CHECK(evaluation == POLICY_EVALUATED);
            CHECK(verdict.rule < policy_rule_count(policy, direction));
            check_accepted(&in, &verdict.out, direction);
        }
    }
}

static void
check_tests(const struct policy_yaml *loaded, struct arena *arena)
{
    for (uint32_t i = 0; i < loaded->test_count; i++) {
        const struct policy_test *test = &loaded->tests[i];
        struct policy_test_outcome outcome;
        CHECK(policy_test_run(loaded->policy, test, AT, arena, &outcome));
        CHECK(outcome.mismatch_count <= POLICY_TEST_EXPECTATIONS_MAX);
        CHECK(outcome.rule == POLICY_NO_RULE ||
              outcome.rule < policy_rule_count(loaded->policy, test->direction));
    }
}

/* What breaks an assert was judged so. Bounded by memory: asserts in a fuzzed file may be as hard as they like. */
static void
check_asserts(const struct policy_yaml *loaded)
{
    struct policy_border border = policy_assert_border(loaded, AT);
    for (uint32_t i = 0; i < loaded->assert_count && i < ASSERTS_MAX; i++) {
        const struct policy_assert *assert = &loaded->asserts[i].assert;
        struct policy_proof proof;
        struct policy_verdict verdict;
        struct mem mem;
        struct arena arena;
        mem_init(&mem, (size_t)4 * 1024 * 1024);
        arena_init(&arena, &mem);
        CHECK(loaded->asserts[i].name.size > 0);
        policy_prove(loaded->policy, assert, &border, &arena, &proof);
        if (proof.result == PROVE_BROKEN) {
            enum policy_evaluation evaluation = policy_evaluate(
                loaded->policy, assert->direction, &proof.in, proof.at, &arena, &verdict);
            check_name(proof.in.identity.name);
            CHECK(proof.at.ns >= AT.ns);
            CHECK(evaluation == POLICY_OUT_OF_MEMORY || verdict.rule == proof.rule);
            CHECK(assert->claim == POLICY_ALWAYS || proof.action == POLICY_ACCEPT);
        }
        CHECK((proof.result == PROVE_UNDECIDED) == (proof.doubt != PROVE_SURE));
        arena_destroy(&arena);
        CHECK(mem.used == 0);
    }
}

/* The canonical form says the same. */
static void
check_format(const struct policy_yaml *loaded, struct span text, struct arena *arena)
{
    static const struct yaml_environment nothing = { .lookup = NULL };
    struct yaml_errors errors;
    struct buf out;
    yaml_errors_init(&errors);
    buf_init(&out, arena->mem, YAML_FILE_SIZE_MAX);
    bool formatted = policy_format(NAME, text, &out, &errors);
    /* A key that escapes make longer than YAML allows is the one thing that cannot be written. */
    CHECK(formatted || text.size > 100);
    if (formatted) {
        struct policy_yaml *again =
            policy_yaml_load_text(NAME, buf_span(&out), &nothing, arena->mem, &errors);
        CHECK(again != NULL);
        CHECK(again->test_count == loaded->test_count);
        CHECK(again->assert_count == loaded->assert_count);
        CHECK(text_list_same(&again->links, &loaded->links));
        for (size_t i = 0; i < 2 * COUNT_OF(names); i++) {
            enum policy_direction direction = i % 2 == 0 ? POLICY_EXPORT : POLICY_IMPORT;
            struct advertisement in = advertised(names[i / 2]);
            struct policy_verdict was;
            struct policy_verdict is;
            (void)!policy_evaluate(loaded->policy, direction, &in, AT, arena, &was);
            (void)!policy_evaluate(again->policy, direction, &in, AT, arena, &is);
            CHECK(was.action == is.action);
            CHECK(was.rule == is.rule);
            CHECK(was.action == POLICY_REJECT ||
                  span_equal(was.out.identity.name, is.out.identity.name));
        }
        policy_yaml_free(again);
    }
    (void)yaml_find_comments(text);
    CHECK(!formatted || yaml_find_comments(buf_span(&out)).count == 0);
    buf_destroy(&out);
    yaml_errors_destroy(&errors);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct yaml_environment nothing = { .lookup = NULL };
    struct yaml_errors errors;
    struct mem mem;
    struct arena arena;
    yaml_errors_init(&errors);
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    arena_init(&arena, &mem);
    struct policy_yaml *loaded =
        policy_yaml_load_text(NAME, span_from(data, size), &nothing, &mem, &errors);
    CHECK((loaded != NULL) == (errors.error_count == 0));
    if (loaded != NULL) {
        CHECK(loaded->links.count > 0);
        check_verdicts(loaded->policy, &arena);
        check_tests(loaded, &arena);
        check_asserts(loaded);
        check_format(loaded, span_from(data, size), &arena);
        policy_yaml_lint(loaded, &mem, &errors);
    }
    policy_yaml_free(loaded);
    arena_destroy(&arena);
    CHECK(mem.used == 0);
    yaml_errors_destroy(&errors);
    return 0;
}
