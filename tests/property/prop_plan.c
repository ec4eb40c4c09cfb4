/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_plan.c - random requests against a naive reading of protocol.md 5.2: levels by longest paths,
 * cycles by walking, references by rewriting a tree.
 */
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "core/limits.h"
#include "node/plan.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"
#include "tests/support/wire.h"

#define COMMANDS    12u
#define TEXT_MAX    ((size_t)65536)
#define TREE_MAX    4096u
#define CHILDREN    4u
#define DEPTH_MAX   4u
#define ROUNDS      20u
#define SEEDS       200u
#define NAME_CHOICE 8u

/* Names meet each other's first parts, and keys of results. */
static const char *const names[NAME_CHOICE] = { "a", "b", "ab", "a.b", "", "\xc3\xa9", "k", "b.a" };

enum tree_kind {
    TREE_NUMBER = 0,
    TREE_STRING,
    TREE_ARRAY,
    TREE_OBJECT,
};

struct tree {
    enum tree_kind kind;
    uint32_t number;
    char text[32];
    char keys[CHILDREN][8];
    const struct tree *children[CHILDREN];
    uint32_t count;
};

static struct tree trees[TREE_MAX];
static uint32_t tree_count;

struct request {
    uint32_t count;
    const char *names[COMMANDS];
    const struct tree *args[COMMANDS];
    char args_text[COMMANDS][TEXT_MAX / COMMANDS];
};

static struct tree *
tree_new(enum tree_kind kind)
{
    CHECK(tree_count < TREE_MAX);
    struct tree *tree = &trees[tree_count++];
    *tree = (struct tree){ .kind = kind };
    return tree;
}

static void
random_string(struct prng *prng, char *text, size_t size)
{
    const char *first = names[prng_below(prng, NAME_CHOICE)];
    const char *second = names[prng_below(prng, NAME_CHOICE)];
    const char *format = prng_chance(prng, 400) ? "%s" : prng_chance(prng, 500) ? "%s.%s" : "%s%s.";
    (void)snprintf(text, size, format, first, second);
}

static const struct tree *
random_tree(struct prng *prng, uint32_t depth)
{
    enum tree_kind kind = (enum tree_kind)prng_below(prng, depth == 0 ? 2 : 4);
    struct tree *tree = tree_new(kind);
    tree->number = (uint32_t)prng_below(prng, 100);
    random_string(prng, tree->text, sizeof(tree->text));
    bool nested = kind == TREE_ARRAY || kind == TREE_OBJECT;
    tree->count = nested ? (uint32_t)prng_below(prng, CHILDREN) : 0;
    for (uint32_t i = 0; i < tree->count; i++) {
        (void)snprintf(
            tree->keys[i], sizeof(tree->keys[i]), "%s", names[prng_below(prng, NAME_CHOICE)]);
        tree->children[i] = random_tree(prng, depth - 1);
    }
    return tree;
}

static void
write_tree(const struct tree *tree, char *out, size_t size)
{
    size_t at = strlen(out);
    switch (tree->kind) {
    case TREE_NUMBER:
        (void)snprintf(&out[at], size - at, "%u", tree->number);
        return;
    case TREE_STRING:
        (void)snprintf(&out[at], size - at, "\"%s\"", tree->text);
        return;
    case TREE_ARRAY:
    case TREE_OBJECT:
        break;
    }
    bool object = tree->kind == TREE_OBJECT;
    (void)snprintf(&out[at], size - at, object ? "{" : "[");
    for (uint32_t i = 0; i < tree->count; i++) {
        at = strlen(out);
        (void)snprintf(&out[at], size - at, i == 0 ? "" : ",");
        at = strlen(out);
        if (object) {
            (void)snprintf(&out[at], size - at, "\"%s\":", tree->keys[i]);
        }
        write_tree(tree->children[i], out, size);
    }
    at = strlen(out);
    (void)snprintf(&out[at], size - at, object ? "}" : "]");
    CHECK(strlen(out) + 1 < size);
}

/* The last command of this name, or -1. */
static int
named(const struct request *request, const char *text, size_t size)
{
    for (int i = (int)request->count - 1; i >= 0; i--) {
        if (strlen(request->names[i]) == size && memcmp(request->names[i], text, size) == 0) {
            return i;
        }
    }
    return -1;
}

static void
find_needs(const struct request *request, const struct tree *tree, bool *needs)
{
    if (tree->kind == TREE_STRING) {
        int found = named(request, tree->text, strlen(tree->text));
        if (found < 0 && strchr(tree->text, '.') != NULL) {
            found = named(request, tree->text, strcspn(tree->text, "."));
        }
        if (found >= 0) {
            needs[found] = true;
        }
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        find_needs(request, tree->children[i], needs);
    }
}

/* Levels by longest path: -1 for a command on or behind a cycle. */
static int
oracle_level(bool needs[COMMANDS][COMMANDS], uint32_t count, uint32_t index, uint32_t depth)
{
    int level = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!needs[index][i]) {
            continue;
        }
        int below = depth > count ? -1 : oracle_level(needs, count, i, depth + 1);
        if (below < 0) {
            return -1;
        }
        level = below + 1 > level ? below + 1 : level;
    }
    return level;
}

static void
make_request(struct prng *prng, struct request *request)
{
    request->count = 1 + (uint32_t)prng_below(prng, COMMANDS);
    uint32_t depth = 1 + (uint32_t)prng_below(prng, DEPTH_MAX);
    for (uint32_t i = 0; i < request->count; i++) {
        request->names[i] = names[prng_below(prng, NAME_CHOICE)];
        struct tree *args = tree_new(TREE_ARRAY);
        args->count = (uint32_t)prng_below(prng, 3);
        for (uint32_t j = 0; j < args->count; j++) {
            args->children[j] = random_tree(prng, depth - 1);
        }
        request->args[i] = args;
        request->args_text[i][0] = '\0';
        write_tree(args, request->args_text[i], sizeof(request->args_text[i]));
    }
}

static bool
agrees(const struct request *request, enum plan_result result, const struct plan *plan)
{
    static bool needs[COMMANDS][COMMANDS];
    int levels[COMMANDS];
    bool cyclic = false;
    int level_max = 0;
    memset(needs, 0, sizeof(needs));
    for (uint32_t i = 0; i < request->count; i++) {
        levels[i] = -2;
        if (named(request, request->names[i], strlen(request->names[i])) == (int)i) {
            find_needs(request, request->args[i], needs[i]);
        }
    }
    for (uint32_t i = 0; i < request->count; i++) {
        if (named(request, request->names[i], strlen(request->names[i])) == (int)i) {
            levels[i] = oracle_level(needs, request->count, i, 0);
            cyclic |= levels[i] < 0;
            level_max = levels[i] > level_max ? levels[i] : level_max;
        }
    }
    if (cyclic) {
        return result == PLAN_CYCLE && plan->cycle_count >= 2;
    }
    if (result != PLAN_OK || plan->level_count != (uint32_t)level_max + 1) {
        return false;
    }
    for (uint32_t i = 0; i < request->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->replaced != (levels[i] == -2) ||
            (levels[i] >= 0 && step->level != (uint32_t)levels[i])) {
            return false;
        }
    }
    return true;
}

static bool
levels_are_longest_paths(uint64_t seed)
{
    static struct request request;
    struct prng prng = { .state = seed };
    struct wire wire;
    bool holds = true;
    wire_init(&wire);
    for (uint32_t round = 0; holds && round < ROUNDS; round++) {
        struct rpc_command commands[COMMANDS];
        tree_count = 0;
        make_request(&prng, &request);
        for (uint32_t i = 0; i < request.count; i++) {
            commands[i] = (struct rpc_command){
                .name = span_from_text(request.names[i]),
                .args = span_from_text(request.args_text[i]),
                .kwargs = SPAN("{}"),
            };
        }
        struct plan plan = { .cycle_count = 0 };
        enum plan_result result = plan_make(commands, request.count, &wire.scratch, &plan);
        holds = agrees(&request, result, &plan);
        wire_reset(&wire);
    }
    return wire_destroy(&wire) && holds;
}

/* The values of the round: a result for some of the names. */
struct values {
    const struct tree *results[NAME_CHOICE];
};

static const struct tree *
oracle_reference(const struct values *values, const struct tree *tree)
{
    size_t base = strcspn(tree->text, ".");
    const struct tree *at = NULL;
    for (uint32_t i = 0; i < NAME_CHOICE; i++) {
        if (strlen(names[i]) == base && memcmp(names[i], tree->text, base) == 0) {
            at = values->results[i];
        }
    }
    for (const char *rest = &tree->text[base]; at != NULL && *rest == '.';) {
        size_t size = strcspn(rest + 1, ".");
        const struct tree *below = NULL;
        for (uint32_t i = 0; at->kind == TREE_OBJECT && i < at->count; i++) {
            bool same = strlen(at->keys[i]) == size && memcmp(at->keys[i], rest + 1, size) == 0;
            below = same ? at->children[i] : below;
        }
        at = below;
        rest += 1 + size;
    }
    return at == NULL ? tree : at;
}

static const struct tree *
oracle_substitute(const struct values *values, const struct tree *tree)
{
    if (tree->kind == TREE_STRING) {
        return oracle_reference(values, tree);
    }
    struct tree *copy = tree_new(tree->kind);
    *copy = *tree;
    for (uint32_t i = 0; i < tree->count; i++) {
        copy->children[i] = oracle_substitute(values, tree->children[i]);
    }
    return copy;
}

static int
compare_values(const void *a, const void *b)
{
    return span_compare(((const struct plan_value *)a)->name, ((const struct plan_value *)b)->name);
}

static bool
substitution_is_that_of_a_tree(uint64_t seed)
{
    static char texts[NAME_CHOICE][4096];
    static char json[TEXT_MAX];
    static char want[TEXT_MAX];
    struct prng prng = { .state = seed };
    struct wire wire;
    bool holds = true;
    wire_init(&wire);
    for (uint32_t round = 0; holds && round < ROUNDS; round++) {
        struct values values = { .results = { NULL } };
        struct plan_value finished[NAME_CHOICE];
        tree_count = 0;
        for (uint32_t i = 0; i < NAME_CHOICE; i++) {
            finished[i] = (struct plan_value){ .name = span_from_text(names[i]) };
            if (prng_chance(&prng, 700)) {
                values.results[i] = random_tree(&prng, 2);
                texts[i][0] = '\0';
                write_tree(values.results[i], texts[i], sizeof(texts[i]));
                finished[i].result = span_from_text(texts[i]);
            }
        }
        qsort(finished, NAME_CHOICE, sizeof(finished[0]), compare_values);
        const struct tree *tree = random_tree(&prng, DEPTH_MAX);
        json[0] = '\0';
        want[0] = '\0';
        write_tree(tree, json, sizeof(json));
        write_tree(oracle_substitute(&values, tree), want, sizeof(want));
        struct span out = SPAN_NONE;
        enum plan_result result =
            plan_substitute(finished, NAME_CHOICE, span_from_text(json), &wire.scratch, &out);
        holds = result == PLAN_OK && span_is(out, want);
        if (!holds) {
            printf("%s: got %.*s want %s\n", json, SPAN_ARGS(out), want);
        }
        wire_reset(&wire);
    }
    return wire_destroy(&wire) && holds;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "levels are longest paths", levels_are_longest_paths },
        { "substitution is that of a tree", substitution_is_that_of_a_tree },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), SEEDS);
}
