/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_policy_prove.c - what is proved holds for every advertisement of a small world, what is broken is broken by the
 * example that is given, and hardly anything is left undecided. Random policies and promises; the world exhaustively.
 */
#include <stdio.h>
#include <string.h>

#include "bridge/pattern.h"
#include "bridge/policy_prove.h"
#include "core/built_in.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"
#include "tests/support/prove_world.h"

#define SEED_COUNT 20u
#define PROMISES   40u
#define NAMES_FULL 12u /* names of up to two letters: with all of the world */
#define REST_PART  8u  /* of the rest of the world, for each longer one */
#define PATHS_MAX  15u

struct scene {
    struct prove_world world;
    struct text_list paths[PATHS_MAX];
    uint32_t path_count;
    uint32_t counts[3]; /* by enum prove_result */
};

/* Every path of up to three different federations. */
static void
make_paths(struct scene *scene)
{
    scene->path_count = 0;
    for (uint32_t i = 0; i < 4 * 4 * 4; i++) {
        uint32_t digits[] = { i / 16, i / 4 % 4, i % 4 };
        struct span *items = arena_take(&scene->world.lasting, 3 * sizeof(*items));
        uint32_t count = 0;
        bool good = true;
        CHECK(items != NULL);
        for (uint32_t j = 0; j < 3; j++) {
            if (digits[j] < 3) {
                struct text_list before = { .items = items, .count = count };
                struct span next = span_from_text(prove_world_federations[digits[j]]);
                good = good && j == count && !text_list_has(&before, next);
                items[count] = next;
                count++;
            }
        }
        if (good && count > 0) {
            CHECK(scene->path_count < PATHS_MAX);
            scene->paths[scene->path_count] = (struct text_list){ .items = items, .count = count };
            scene->path_count++;
        }
    }
    CHECK(scene->path_count == PATHS_MAX);
}

static bool
path_is_possible(const struct policy_border *border, enum policy_direction direction,
    const struct text_list *path)
{
    struct span last = path->items[path->count - 1];
    struct text_list before = { .items = path->items, .count = path->count - 1 };
    if (direction == POLICY_EXPORT) {
        return border->own.size == 0 ||
               (span_equal(last, border->own) && !text_list_has(&before, border->own));
    }
    return (border->own.size == 0 || !text_list_has(path, border->own)) &&
           (border->far.count == 0 || text_list_has(&border->far, last));
}

static bool
some_match(struct scene *scene, const struct text_list *texts, struct span name)
{
    bool found = false;
    for (uint32_t i = 0; i < texts->count && !found; i++) {
        struct pattern pattern;
        CHECK(pattern_compile(texts->items[i], &scene->world.judging, &pattern) == PATTERN_OK);
        found = pattern_match(&pattern, name, NULL);
    }
    return found;
}

/* ---- What is asked ---- */

struct asking {
    const struct policy *policy;
    const struct policy *question; /* its only rule accepts what the promise is about */
    const struct policy_assert *assert;
    const struct policy_border *border;
};

static bool
is_asked_about(struct scene *scene, const struct asking *asking, const struct advertisement *in)
{
    struct policy_verdict verdict;
    enum policy_evaluation evaluation = policy_evaluate(
        asking->question, asking->assert->direction, in, AT, &scene->world.judging, &verdict);
    /* Who promises to export all of what others serve says so. */
    const struct policy_rule_source *match = &asking->assert->query.match;
    bool own_only = asking->assert->claim == POLICY_ALWAYS &&
                    asking->assert->direction == POLICY_EXPORT && match->origins.count == 0 &&
                    match->path_includes.count == 0 && match->path_excludes.count == 0 &&
                    !match->has_max_hops;
    return evaluation == POLICY_EVALUATED && verdict.action == POLICY_ACCEPT &&
           (!own_only || in->path.count == 1) &&
           !some_match(scene, &asking->assert->query.except, in->identity.name) &&
           !built_in_is(in->identity.name) &&
           path_is_possible(asking->border, asking->assert->direction, &in->path);
}

static bool
breaks(struct scene *scene, const struct asking *asking, const struct policy_rule_source *rules,
    const struct advertisement *in, struct wall at)
{
    const struct policy_query *query = &asking->assert->query;
    struct policy_verdict verdict;
    enum policy_evaluation evaluation = policy_evaluate(
        asking->policy, asking->assert->direction, in, at, &scene->world.judging, &verdict);
    CHECK(evaluation != POLICY_OUT_OF_MEMORY);
    if (asking->assert->claim == POLICY_ALWAYS) {
        return verdict.rule == POLICY_NO_RULE || rules[verdict.rule].action == POLICY_REJECT;
    }
    struct span made = verdict.out.identity.name;
    return verdict.action == POLICY_ACCEPT &&
           (query->as_functions.count == 0 || some_match(scene, &query->as_functions, made)) &&
           !some_match(scene, &query->as_except, made);
}

/* Short names with each path and all else, longer ones with each path and a part of all else. */
static bool
world_is_kept(
    struct scene *scene, const struct asking *asking, const struct policy_rule_source *rules)
{
    uint32_t step = 7;
    uint32_t index = (uint32_t)prng_below(&scene->world.prng, PROVE_WORLD_SIZE);
    for (uint32_t name = 0; name < scene->world.name_count; name++) {
        for (uint32_t path = 0; path < scene->path_count; path++) {
            uint32_t count = name < NAMES_FULL ? PROVE_WORLD_SIZE : REST_PART;
            for (uint32_t i = 0; i < count; i++) {
                index = (index + step) % PROVE_WORLD_SIZE;
                arena_reset(&scene->world.judging);
                struct advertisement in = prove_world_at(&scene->world, index, name);
                in.path = scene->paths[path];
                in.origin = in.path.items[0];
                if (is_asked_about(scene, asking, &in) &&
                    (breaks(scene, asking, rules, &in, AT) ||
                        breaks(scene, asking, rules, &in, (struct wall){ .ns = AT.ns + 1 }))) {
                    printf("'%.*s' id '%.*s' breaks what is said to hold (path %u, rest %u)\n",
                        SPAN_ARGS(in.identity.name), SPAN_ARGS(in.identity.function_id), path,
                        index);
                    return false;
                }
            }
        }
    }
    return true;
}

static void
print_list(const char *key, const struct text_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        printf("%s%s'%.*s'", i == 0 ? key : "", i == 0 ? ": " : " ", SPAN_ARGS(list->items[i]));
    }
    printf("%s", list->count > 0 ? "; " : "");
}

static void
print_conditions(const struct policy_rule_source *rule)
{
    printf("  %.*s %s%s: ", SPAN_ARGS(rule->id),
        rule->action == POLICY_ACCEPT ? "accept" : "reject", rule->transit ? " transit" : "");
    print_list("function", &rule->functions);
    print_list("function_id", &rule->function_ids);
    print_list("tags.all", &rule->tags.all);
    print_list("tags.any", &rule->tags.any);
    print_list("tags.none", &rule->tags.none);
    print_list("resources.all", &rule->resources.all);
    print_list("resources.any", &rule->resources.any);
    print_list("resources.none", &rule->resources.none);
    print_list("scope", &rule->scopes);
    print_list("origin", &rule->origins);
    print_list("includes", &rule->path_includes);
    print_list("excludes", &rule->path_excludes);
    printf("version '%.*s'; max_hops %d; valid %d %d; set '%.*s'\n", SPAN_ARGS(rule->version),
        rule->has_max_hops ? (int)rule->max_hops : -1,
        rule->has_valid_from ? (int)(rule->valid_from.ns - AT.ns) : -9,
        rule->has_valid_until ? (int)(rule->valid_until.ns - AT.ns) : 9,
        SPAN_ARGS(rule->set_function));
}

/* What a failure is about. */
static void
print_asking(const struct asking *asking, const struct policy_rule_source *rules)
{
    const struct policy_query *query = &asking->assert->query;
    enum policy_direction direction = asking->assert->direction;
    printf("%s %s, own '%.*s', %u far\n", policy_claim_name(asking->assert->claim),
        direction == POLICY_EXPORT ? "export" : "import", SPAN_ARGS(asking->border->own),
        asking->border->far.count);
    print_conditions(&query->match);
    print_list("  except", &query->except);
    print_list("  as", &query->as_functions);
    print_list("  as except", &query->as_except);
    printf("\n");
    for (uint32_t i = 0; i < policy_rule_count(asking->policy, direction); i++) {
        print_conditions(&rules[i]);
    }
}

static bool
proof_is_right(struct scene *scene, const struct asking *asking,
    const struct policy_rule_source *rules, const struct policy_proof *proof)
{
    scene->counts[proof->result]++;
    switch (proof->result) {
    case PROVE_HOLDS:
        return world_is_kept(scene, asking, rules);
    case PROVE_BROKEN:
        if (proof->at.ns >= AT.ns && is_asked_about(scene, asking, &proof->in) &&
            breaks(scene, asking, rules, &proof->in, proof->at)) {
            return true;
        }
        printf("'%.*s' breaks nothing\n", SPAN_ARGS(proof->in.identity.name));
        return false;
    case PROVE_UNDECIDED:
        return proof->doubt != PROVE_SURE;
    }
    return false;
}

static struct policy_assert
draw_assert(struct scene *scene, enum policy_direction direction)
{
    struct policy_assert assert = {
        .claim = prng_chance(&scene->world.prng, 600) ? POLICY_NEVER : POLICY_ALWAYS,
        .direction = direction,
        .query = { .match = prove_world_draw_conditions(&scene->world),
            .except = prove_world_pick_list(
                &scene->world, prove_world_patterns, COUNT_OF(prove_world_patterns), 200) },
    };
    assert.query.match.id = SPAN("q");
    assert.query.match.action = POLICY_ACCEPT;
    assert.query.match.transit = true;
    if (assert.claim == POLICY_NEVER) {
        assert.query.as_functions = prove_world_pick_list(
            &scene->world, prove_world_patterns, COUNT_OF(prove_world_patterns), 300);
        assert.query.as_except = prove_world_pick_list(
            &scene->world, prove_world_patterns, COUNT_OF(prove_world_patterns), 300);
    }
    return assert;
}

static bool
promise_is_judged_rightly(struct scene *scene)
{
    static const struct span eu[] = { { (const uint8_t *)"eu", 2 } };
    struct policy_rule_source rules[PROVE_WORLD_RULES_MAX];
    struct policy_source drawn = { .name = SPAN("drawn") };
    enum policy_direction direction =
        prng_chance(&scene->world.prng, 500) ? POLICY_EXPORT : POLICY_IMPORT;
    struct policy_assert assert = draw_assert(scene, direction);
    struct policy_border border = { .since = AT };
    if (prng_chance(&scene->world.prng, 600)) {
        border.own = SPAN("us");
    }
    if (prng_chance(&scene->world.prng, 600)) {
        border.far = (struct text_list){ .items = eu, .count = 1 };
    }
    struct policy_source source = { .name = SPAN("q") };
    struct policy_fault fault;
    source.rules[direction] = &assert.query.match;
    source.rule_count[direction] = 1;
    struct policy *question = policy_create(&source, &scene->world.mem, &fault);
    prove_world_draw_side(&scene->world, direction, rules, &drawn);
    struct policy *policy = policy_create(&drawn, &scene->world.mem, &fault);
    CHECK(question != NULL);
    CHECK(policy != NULL);
    struct asking asking = {
        .policy = policy, .question = question, .assert = &assert, .border = &border
    };
    struct policy_proof proof;
    policy_prove(policy, &assert, &border, &scene->world.arena, &proof);
    bool right = proof_is_right(scene, &asking, rules, &proof);
    if (!right) {
        print_asking(&asking, rules);
    }
    policy_unref(policy);
    policy_unref(question);
    arena_reset(&scene->world.arena);
    return right;
}

static bool
proofs_are_those_of_a_small_world(uint64_t seed)
{
    static struct scene scene;
    bool right = true;
    scene = (struct scene){ .path_count = 0 };
    prove_world_init(&scene.world, seed);
    make_paths(&scene);
    for (uint32_t i = 0; right && i < PROMISES; i++) {
        right = promise_is_judged_rightly(&scene);
    }
    prove_world_destroy(&scene.world);
    /* A proof that never comes is none, and results of one kind only would prove little. */
    CHECK(!right || scene.counts[PROVE_UNDECIDED] <= PROMISES / 10);
    CHECK(!right || scene.counts[PROVE_HOLDS] > PROMISES / 10);
    CHECK(!right || scene.counts[PROVE_BROKEN] > PROMISES / 10);
    return right;
}

static const struct property properties[] = {
    { "proofs_are_those_of_a_small_world", proofs_are_those_of_a_small_world },
};

int
main(int argc, char **argv)
{
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
