/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove_world.h - policies drawn by chance over a world so small that all of it can be tried.
 */
#ifndef TESTS_SUPPORT_PROVE_WORLD_H
#define TESTS_SUPPORT_PROVE_WORLD_H

#include <stdio.h>

#include "base/prng.h"
#include "bridge/policy.h"
#include "tests/support/at.h"

#define PROVE_WORLD_RULES_MAX 5u
#define PROVE_WORLD_TEXTS_MAX 3u
#define PROVE_WORLD_NAMES_MAX 400u
#define PROVE_WORLD_SIZE      288u

static const char *const prove_world_letters[] = { "a", "b", "." };
static const char *const prove_world_patterns[] = { "a", "a.b", "a.**", "**.b", "*", "**", "{x}.b",
    "a.{x**}", "{x}.{y}", "{x**}", "*a*", "b{x}", "a{x**}b", "{y}{x}" };
static const char *const prove_world_templates[] = { "a.{x}", "{x}", "b{x}a", "{x}{x}", "a.b",
    "{x}.{y}", "{y}.{x}", "b.{x}.{y}" };
static const char *const prove_world_words[] = { "r", "g" };
static const char *const prove_world_scopes[] = { "zone", "global" };
static const char *const prove_world_federations[] = { "us", "eu", "ap" };
static const char *const prove_world_versions[] = { "0.0.1", "1.0.0", "2.0.0" };
static const char *const prove_world_constraints[] = { ">=1.0.0", "<1.0.0", "==1.0.0",
    ">0.0.1,<2.0.0" };

struct prove_world {
    struct prng prng;
    struct mem mem;
    struct arena arena;   /* one question */
    struct arena lasting; /* the names */

    struct arena judging; /* one advertisement */
    struct span names[PROVE_WORLD_NAMES_MAX];
    uint32_t name_count;
};

static inline struct span
prove_world_pick(struct prove_world *world, const char *const *choices, size_t count)
{
    return span_from_text(choices[prng_below(&world->prng, count)]);
}

static inline struct text_list
prove_world_pick_list(
    struct prove_world *world, const char *const *choices, size_t count, uint32_t permille)
{
    struct text_list list = { .count = 0 };
    if (!prng_chance(&world->prng, permille)) {
        return list;
    }
    struct span *items = arena_take(&world->arena, PROVE_WORLD_TEXTS_MAX * sizeof(*items));
    CHECK(items != NULL);
    list.count = 1 + (uint32_t)prng_below(&world->prng, PROVE_WORLD_TEXTS_MAX - 1);
    for (uint32_t i = 0; i < list.count; i++) {
        items[i] = prove_world_pick(world, choices, count);
    }
    list.items = items;
    return list;
}

static inline struct policy_set_match
prove_world_draw_set(struct prove_world *world)
{
    return (struct policy_set_match){
        .all = prove_world_pick_list(world, prove_world_words, COUNT_OF(prove_world_words), 120),
        .any = prove_world_pick_list(world, prove_world_words, COUNT_OF(prove_world_words), 120),
        .none = prove_world_pick_list(world, prove_world_words, COUNT_OF(prove_world_words), 120),
    };
}

static inline struct policy_rule_source
prove_world_draw_conditions(struct prove_world *world)
{
    struct prng *prng = &world->prng;
    struct policy_rule_source rule = {
        .functions =
            prove_world_pick_list(world, prove_world_patterns, COUNT_OF(prove_world_patterns), 650),
        .function_ids =
            prove_world_pick_list(world, prove_world_patterns, COUNT_OF(prove_world_patterns), 120),
        .tags = prove_world_draw_set(world),
        .resources = prove_world_draw_set(world),
        .scopes =
            prove_world_pick_list(world, prove_world_scopes, COUNT_OF(prove_world_scopes), 150),
        .origins = prove_world_pick_list(
            world, prove_world_federations, COUNT_OF(prove_world_federations), 120),
        .path_includes = prove_world_pick_list(
            world, prove_world_federations, COUNT_OF(prove_world_federations), 80),
        .path_excludes = prove_world_pick_list(
            world, prove_world_federations, COUNT_OF(prove_world_federations), 120),
        .has_max_hops = prng_chance(prng, 120),
        .max_hops = (uint32_t)prng_below(prng, 4),
    };
    if (prng_chance(prng, 200)) {
        rule.version =
            prove_world_pick(world, prove_world_constraints, COUNT_OF(prove_world_constraints));
    }
    return rule;
}

static inline struct policy_rule_source
prove_world_draw_rule(struct prove_world *world, uint32_t index)
{
    static const char *const ids[PROVE_WORLD_RULES_MAX] = { "r0", "r1", "r2", "r3", "r4" };
    struct prng *prng = &world->prng;
    struct policy_rule_source rule = prove_world_draw_conditions(world);
    rule.id = span_from_text(ids[index]);
    rule.action = prng_chance(prng, 550) ? POLICY_ACCEPT : POLICY_REJECT;
    rule.transit = prng_chance(prng, 400);
    rule.has_valid_from = prng_chance(prng, 100);
    rule.valid_from.ns = AT.ns + (int64_t)prng_below(prng, 3) - 1;
    rule.has_valid_until = prng_chance(prng, 100);
    rule.valid_until.ns = AT.ns + (int64_t)prng_below(prng, 3);
    if (rule.action == POLICY_ACCEPT && prng_chance(prng, 600)) {
        rule.set_function =
            prove_world_pick(world, prove_world_templates, COUNT_OF(prove_world_templates));
    }
    if (rule.action == POLICY_ACCEPT && prng_chance(prng, 300)) {
        static const struct policy_rename renames[] = { { .from = { (const uint8_t *)"r", 1 },
            .to = { (const uint8_t *)"g", 1 } } };
        rule.add_tags =
            prove_world_pick_list(world, prove_world_words, COUNT_OF(prove_world_words), 400);
        rule.remove_tags =
            prove_world_pick_list(world, prove_world_words, COUNT_OF(prove_world_words), 400);
        rule.rename_resources = renames;
        rule.rename_resource_count = (uint32_t)prng_below(prng, 2);
        if (prng_chance(prng, 300)) {
            rule.set_scope =
                prove_world_pick(world, prove_world_scopes, COUNT_OF(prove_world_scopes));
        }
        if (prng_chance(prng, 200)) {
            rule.set_function_id = prng_chance(prng, 500) ? SPAN("a.b") : SPAN("{x}");
        }
    }
    return rule;
}

/* One side of a policy. Rules are drawn until their templates fit their patterns. */
static inline void
prove_world_draw_side(struct prove_world *world, enum policy_direction direction,
    struct policy_rule_source *rules, struct policy_source *source)
{
    source->rules[direction] = rules;
    source->rule_count[direction] = 1 + (uint32_t)prng_below(&world->prng, PROVE_WORLD_RULES_MAX);
    for (uint32_t i = 0; i < source->rule_count[direction]; i++) {
        struct policy_source one = { .name = SPAN("one") };
        struct policy *fits = NULL;
        struct policy_fault fault;
        one.rules[direction] = &rules[i];
        one.rule_count[direction] = 1;
        while (fits == NULL) {
            rules[i] = prove_world_draw_rule(world, i);
            fits = policy_create(&one, &world->mem, &fault);
        }
        policy_unref(fits);
    }
}

/* ---- The world ---- */

static inline void
prove_world_make_names(struct prove_world *world)
{
    uint32_t begin = 0;
    uint32_t end = 0;
    world->name_count = 0;
    for (uint32_t length = 1; length <= 4; length++) {
        for (uint32_t j = begin; j < end || (length == 1 && j == 0); j++) {
            for (size_t k = 0; k < COUNT_OF(prove_world_letters); k++) {
                char text[16];
                struct span head = length == 1 ? SPAN("") : world->names[j];
                (void)snprintf(
                    text, sizeof(text), "%.*s%s", SPAN_ARGS(head), prove_world_letters[k]);
                CHECK(world->name_count < PROVE_WORLD_NAMES_MAX);
                world->names[world->name_count] = arena_copy(&world->lasting, span_from_text(text));
                world->name_count++;
            }
        }
        begin = end;
        end = world->name_count;
    }
}

/* The advertisement at `index` of PROVE_WORLD_SIZE, whose name is given, of no federation. */
static inline struct advertisement
prove_world_at(const struct prove_world *world, uint32_t index, uint32_t name)
{
    static const struct span items[] = { { (const uint8_t *)"r", 1 }, { (const uint8_t *)"g", 1 } };
    static const uint32_t starts[] = { 0, 0, 1, 0 };
    static const uint32_t sizes[] = { 0, 1, 1, 2 };
    uint32_t tags = index % 4;
    uint32_t resources = index / 4 % 4;
    uint32_t id = index / 48 % 3;
    struct span version = span_from_text(prove_world_versions[index / 16 % 3]);
    struct advertisement in = {
        .identity = { .name = world->names[name],
            .function_id = id == 0 ? world->names[name] : world->names[id],
            .version_text = version },
        .tags = { .items = &items[starts[tags]], .count = sizes[tags] },
        .resources = { .items = &items[starts[resources]], .count = sizes[resources] },
        .scope = span_from_text(prove_world_scopes[index / 144 % 2]),
        .ttl_ns = UINT64_MAX,
    };
    CHECK(version_parse(version, &in.identity.version));
    return in;
}

static inline void
prove_world_init(struct prove_world *world, uint64_t seed)
{
    *world = (struct prove_world){ .prng = { .state = seed } };
    mem_init(&world->mem, (size_t)1024 * 1024 * 1024);
    arena_init(&world->arena, &world->mem);
    arena_init(&world->lasting, &world->mem);
    arena_init(&world->judging, &world->mem);
    prove_world_make_names(world);
}

static inline void
prove_world_destroy(struct prove_world *world)
{
    arena_destroy(&world->arena);
    arena_destroy(&world->lasting);
    arena_destroy(&world->judging);
    CHECK(world->mem.used == 0);
}

#endif
