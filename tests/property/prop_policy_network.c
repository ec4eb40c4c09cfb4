/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_policy_network.c - what is said to pass a chain of policies does, step by step; what passes nothing stops every
 * advertisement of a small world; and hardly any chain is left undecided.
 */
#include <stdio.h>
#include <string.h>

#include "bridge/policy_network.h"
#include "core/built_in.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"
#include "tests/support/prove_world.h"

#define SEED_COUNT 60u
#define NETWORKS   12u
#define MEMBERS    3u
#define REST_PART  24u /* of the rest of the world, for each name */

static const char *const homes[MEMBERS] = { "us", "eu", "ap" };

struct scene {
    struct prove_world world;
    struct policy_member members[MEMBERS];
    struct policy_network network;
    uint32_t counts[3]; /* by enum policy_passing */
};

/* Whether it passes; *advertisement is what comes out. */
static bool
goes_through(struct scene *scene, const struct policy_chain *chain, struct wall at,
    struct advertisement *advertisement)
{
    bool through = true;
    for (uint32_t i = 0; i < chain->step_count && through; i++) {
        const struct policy *policy = scene->members[chain->members[i]].policy;
        bool imports = i % 2 == 1;
        struct policy_verdict verdict;
        advertisement->path = (struct text_list){ .items = chain->federations, .count = i / 2 + 1 };
        advertisement->origin = chain->federations[0];
        enum policy_evaluation evaluation =
            policy_evaluate(policy, imports ? POLICY_IMPORT : POLICY_EXPORT, advertisement, at,
                &scene->world.judging, &verdict);
        through = evaluation == POLICY_EVALUATED && verdict.action == POLICY_ACCEPT;
        *advertisement = verdict.out;
    }
    return through;
}

static bool
passage_is_right(
    struct scene *scene, const struct policy_chain *chain, const struct policy_passage *passage)
{
    scene->counts[passage->passing]++;
    if (passage->passing == POLICY_PASSES) {
        struct advertisement advertisement = passage->in;
        bool right = passage->at.ns >= AT.ns &&
                     goes_through(scene, chain, passage->at, &advertisement) &&
                     span_equal(advertisement.identity.name, passage->names[chain->step_count - 1]);
        if (!right) {
            printf("'%.*s' does not pass\n", SPAN_ARGS(passage->in.identity.name));
        }
        return right;
    }
    uint32_t index = (uint32_t)prng_below(&scene->world.prng, PROVE_WORLD_SIZE);
    bool right = passage->passing == POLICY_PASSES_UNDECIDED || passage->doubt == PROVE_SURE;
    bool sure = passage->passing == POLICY_PASSES_NOTHING;
    for (uint32_t name = 0; sure && right && name < scene->world.name_count; name++) {
        for (uint32_t i = 0; right && i < REST_PART; i++) {
            index = (index + 7) % PROVE_WORLD_SIZE;
            struct advertisement in = prove_world_at(&scene->world, index, name);
            struct wall at = { .ns = AT.ns + (int64_t)(i % 2) };
            right = !goes_through(scene, chain, at, &in);
            arena_reset(&scene->world.judging);
        }
        if (!right) {
            printf("'%.*s' passes (%u)\n", SPAN_ARGS(scene->world.names[name]), index);
        }
    }
    return right;
}

static bool
chain_is_right(struct scene *scene, uint32_t step_count)
{
    struct policy_chain chain = { .federation_count = (step_count + 1) / 2 + 1,
        .step_count = step_count };
    struct policy_passage passage;
    for (uint32_t i = 0; i < chain.federation_count; i++) {
        chain.federations[i] = span_from_text(homes[i % MEMBERS]);
    }
    for (uint32_t i = 0; i < step_count; i++) {
        chain.members[i] = (i + 1) / 2 % MEMBERS;
    }
    policy_network_prove(&scene->network, &chain, &scene->world.arena, &passage);
    return passage_is_right(scene, &chain, &passage);
}

static bool
network_is_right(struct scene *scene)
{
    struct policy_rule_source rules[MEMBERS][2][PROVE_WORLD_RULES_MAX];
    struct policy *policies[MEMBERS];
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct policy_source source = { .name = SPAN("drawn") };
        struct policy_fault fault;
        for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
            prove_world_draw_side(
                &scene->world, (enum policy_direction)direction, rules[i][direction], &source);
        }
        policies[i] = policy_create(&source, &scene->world.mem, &fault);
        CHECK(policies[i] != NULL);
        scene->members[i] =
            (struct policy_member){ .federation = span_from_text(homes[i]), .policy = policies[i] };
    }
    bool right = true;
    for (uint32_t steps = 1; right && steps <= 5; steps++) {
        right = chain_is_right(scene, steps);
    }
    for (uint32_t i = 0; i < MEMBERS; i++) {
        policy_unref(policies[i]);
    }
    arena_reset(&scene->world.arena);
    return right;
}

static bool
chains_are_those_of_a_small_world(uint64_t seed)
{
    static struct scene scene;
    bool right = true;
    scene = (struct scene){ .counts = { 0 } };
    scene.network =
        (struct policy_network){ .members = scene.members, .member_count = MEMBERS, .since = AT };
    prove_world_init(&scene.world, seed);
    for (uint32_t i = 0; right && i < NETWORKS; i++) {
        right = network_is_right(&scene);
    }
    prove_world_destroy(&scene.world);
    /* A quarter of the templates leave out, double or swap captures. */
    CHECK(!right || scene.counts[POLICY_PASSES_UNDECIDED] <= NETWORKS * 3 / 2);
    CHECK(!right || scene.counts[POLICY_PASSES_NOTHING] > NETWORKS);
    CHECK(!right || scene.counts[POLICY_PASSES] > 0);
    return right;
}

static const struct property properties[] = {
    { "chains_are_those_of_a_small_world", chains_are_those_of_a_small_world },
};

int
main(int argc, char **argv)
{
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
