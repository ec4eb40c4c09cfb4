/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_rib.c - after any history the RIB is what a naive evaluation of the facts that are left gives.
 *
 * After every event of the world (tests/support/rib_world.h) the exports, denials, candidates, choices and
 * counters are recomputed from nothing and compared.
 */
#include <stdio.h>

#include "bridge/rib_decide.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"
#include "tests/support/rib_world.h"

#define STEPS 150u

/* Naive: what policy says of an endpoint on a link. The verdict lives until the arena is reset. */
static bool
exportable(struct rib_world *world, uint32_t link, const struct function_endpoint *endpoint,
    struct arena *arena, struct policy_verdict *verdict)
{
    const struct span us = SPAN("us");
    struct advertisement facts = {
        .identity = endpoint->key.identity,
        .tags = endpoint->tags,
        .resources = endpoint->key.resources,
        .scope = endpoint->scope,
        .origin = us,
        .path = { .items = &us, .count = 1 },
        .hops_left = ADVERTISEMENT_HOPS_DEFAULT,
        .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
        .ttl_ns = endpoint->ttl_ns,
    };
    enum policy_evaluation evaluation = policy_evaluate(
        world->rig.policies[link], POLICY_EXPORT, &facts, world->now, arena, verdict);
    CHECK(evaluation == POLICY_EVALUATED);
    return verdict->action == POLICY_ACCEPT && link_check_advertisement(&verdict->out) == LINK_OK;
}

static bool
same_holder(
    const struct rib_export *exported, struct span source, const struct policy_verdict *verdict)
{
    bool one_service =
        span_equal(rib_export_source_name(exported), source) || (exported->merge && verdict->merge);
    return one_service && span_equal(rib_export_out(exported).identity.function_id,
                              verdict->out.identity.function_id);
}

/* The export that this endpoint should be part of, or NULL; *held: another function has the name. */
static const struct rib_export *
find_export(const struct rib_world *world, uint32_t link, const struct policy_verdict *verdict,
    struct span source, bool *held)
{
    const struct advertisement *out = &verdict->out;
    const struct rib_export *exported;
    const struct rib_export *found = NULL;
    size_t cursor = 0;
    *held = false;
    while ((exported = rib_each_export(world->rig.rib, link, &cursor)) != NULL) {
        const struct advertisement its = rib_export_out(exported);
        if (!span_equal(its.identity.name, out->identity.name)) {
            continue;
        }
        bool same = same_holder(exported, source, verdict);
        *held = *held || !same;
        if (same && version_compare(its.identity.version, out->identity.version) == 0 &&
            text_list_same(&its.resources, &out->resources)) {
            found = exported;
        }
    }
    return found;
}

/* One endpoint: exported if and only if policy accepts it and nobody else holds the name. */
static bool
endpoint_is_right(
    struct rib_world *world, uint32_t link, const struct function_endpoint *endpoint, bool *denied)
{
    struct arena arena;
    struct policy_verdict verdict;
    arena_init(&arena, &world->rig.mem);
    bool wanted = exportable(world, link, endpoint, &arena, &verdict);
    bool right = true;
    *denied = !wanted;
    if (wanted) {
        bool held;
        struct span source = endpoint->key.identity.name;
        const struct rib_export *exported = find_export(world, link, &verdict, source, &held);
        *denied = exported == NULL;
        right = (exported == NULL) == held;
        right =
            right && (exported == NULL || rib_export_includes(world->rig.rib, exported, endpoint));
    }
    arena_destroy(&arena);
    return right;
}

static bool
same_service(const struct function_endpoint *a, const struct function_endpoint *b)
{
    return function_identity_equal(&a->key.identity, &b->key.identity) &&
           text_list_same(&a->key.resources, &b->key.resources) &&
           text_list_same(&a->tags, &b->tags);
}

/* The distinct services of the cluster: what nodes provide, imported functions left out. */
static uint32_t
collect_services(
    const struct rib_world *world, struct function_endpoint services[RIB_WORLD_SERVICES])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < RIB_WORLD_SERVICES; i++) {
        uint32_t node = i / RIB_WORLD_FUNCTIONS;
        uint32_t function = i % RIB_WORLD_FUNCTIONS;
        struct function_endpoint endpoint =
            rib_rig_endpoint(rib_world_facts(world, node, function));
        bool known = !world->provided[node][function] || world->tags[node][function] == 3;
        for (uint32_t j = 0; j < count && !known; j++) {
            known = same_service(&services[j], &endpoint);
        }
        if (!known) {
            services[count++] = endpoint;
        }
    }
    return count;
}

/* Each export has what policy gives of one of its services, and has a service at all. */
static bool
exports_are_explained(struct rib_world *world, uint32_t link,
    const struct function_endpoint services[RIB_WORLD_SERVICES], uint32_t service_count)
{
    const struct rib_export *exported;
    size_t cursor = 0;
    uint64_t count = 0;
    while ((exported = rib_each_export(world->rig.rib, link, &cursor)) != NULL) {
        bool explained = false;
        for (uint32_t i = 0; i < service_count && !explained; i++) {
            struct arena arena;
            struct policy_verdict verdict;
            const struct advertisement *out = &verdict.out;
            const struct advertisement told = rib_export_out(exported);
            arena_init(&arena, &world->rig.mem);
            explained = rib_export_includes(world->rig.rib, exported, &services[i]) &&
                        exportable(world, link, &services[i], &arena, &verdict) &&
                        function_identity_equal(&out->identity, &told.identity) &&
                        text_list_same(&out->tags, &told.tags);
            arena_destroy(&arena);
        }
        if (!explained) {
            return false;
        }
        count++;
    }
    return count == rib_counts(world->rig.rib)->exports[link];
}

static bool
exports_are_right(struct rib_world *world)
{
    struct function_endpoint services[RIB_WORLD_SERVICES];
    uint32_t count = collect_services(world, services);
    const struct rib_counts *counts = rib_counts(world->rig.rib);
    for (uint32_t link = 0; link < RIB_WORLD_LINKS; link++) {
        uint64_t denied_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            bool denied;
            if (!endpoint_is_right(world, link, &services[i], &denied)) {
                return false;
            }
            denied_count += denied;
        }
        struct rib_denied entry;
        size_t cursor = 0;
        uint64_t listed = 0;
        while (rib_each_denied(world->rig.rib, link, &cursor, &entry)) {
            listed++;
        }
        if (denied_count != counts->denied[link] || listed != denied_count ||
            !exports_are_explained(world, link, services, count)) {
            return false;
        }
    }
    return counts->services == count;
}

/* Imports. */

/* Naive: whether it may come in. */
static bool
importable(struct rib_world *world, uint32_t link, const struct advertisement *in)
{
    const struct text_list *path = &in->path;
    bool loop = in->hops_left == 0 || text_list_has(path, SPAN("us"));
    bool forged = !span_equal(path->items[0], in->origin) ||
                  !span_equal(path->items[path->count - 1], world->rig.federations[link]);
    struct policy_verdict verdict;
    struct arena arena;
    arena_init(&arena, &world->rig.mem);
    enum policy_evaluation evaluation =
        policy_evaluate(world->rig.policies[link], POLICY_IMPORT, in, world->now, &arena, &verdict);
    CHECK(evaluation == POLICY_EVALUATED);
    bool accepted = verdict.action == POLICY_ACCEPT;
    arena_destroy(&arena);
    return !loop && !forged && accepted;
}

static const struct rib_import *
find_import(const struct rib_world *world, uint32_t link, uint64_t route_id)
{
    const struct rib_import *import;
    size_t cursor = 0;
    while ((import = rib_each_import(world->rig.rib, link, &cursor)) != NULL) {
        if (import->route_id == route_id) {
            return import;
        }
    }
    return NULL;
}

static bool
is_local(const struct rib_world *world, struct span name)
{
    for (uint32_t i = 0; i < RIB_WORLD_SERVICES; i++) {
        uint32_t node = i / RIB_WORLD_FUNCTIONS;
        uint32_t function = i % RIB_WORLD_FUNCTIONS;
        if (world->provided[node][function] && world->tags[node][function] != 3 &&
            span_is(name, rib_world_functions[function].name)) {
            return true;
        }
    }
    return false;
}

static bool
same_offer(const struct rib_import *a, const struct rib_import *b)
{
    const struct advertisement one = rib_import_out(a);
    const struct advertisement other = rib_import_out(b);
    return function_identity_equal(&one.identity, &other.identity) &&
           text_list_same(&one.resources, &other.resources);
}

/* Whether the cluster's own functions leave room for it. */
static bool
is_eligible(struct rib_world *world, const struct rib_import *import)
{
    struct span name = rib_import_out(import).identity.name;
    switch (policy_overlap(world->rig.policies[import->link])) {
    case POLICY_OVERLAP_PREFER_LOCAL:
        return !is_local(world, name);
    case POLICY_OVERLAP_FAILOVER:
        return !rib_world_is_served(world, name);
    case POLICY_OVERLAP_BALANCE:
        return true;
    }
    return false;
}

/* Naive: the best of all candidates for what `import` is one for that may be offered, or NULL. */
static const struct rib_import *
best_for(struct rib_world *world, const struct rib_import *import)
{
    const struct rib_import *best = NULL;
    for (uint32_t link = 0; link < RIB_WORLD_LINKS; link++) {
        const struct rib_import *other;
        size_t cursor = 0;
        while ((other = rib_each_import(world->rig.rib, link, &cursor)) != NULL) {
            if (other->state != RIB_IMPORT_CANDIDATE || !same_offer(import, other)) {
                continue;
            }
            bool wins = true;
            struct rib_rank rank = rib_rank_of(world->rig.rib, other);
            struct rib_rank than = best == NULL ? rank : rib_rank_of(world->rig.rib, best);
            if (is_eligible(world, other) &&
                (best == NULL || (rib_decide(&rank, &than, &wins) != 0 && wins))) {
                best = other;
            }
        }
    }
    return best;
}

static bool
imports_are_right(struct rib_world *world)
{
    const struct rib_counts *counts = rib_counts(world->rig.rib);
    for (uint32_t link = 0; link < RIB_WORLD_LINKS; link++) {
        uint64_t accepted = 0;
        uint64_t rejected = 0;
        for (uint32_t i = 0; i < RIB_WORLD_ROUTES; i++) {
            const struct rib_import *import = find_import(world, link, i);
            if ((import != NULL) != world->routes[link][i].present) {
                return false;
            }
            if (import == NULL) {
                continue;
            }
            struct link_route route = rib_world_route(world, link, i);
            bool candidate = importable(world, link, &route.advertisement);
            accepted += candidate;
            rejected += !candidate;
            if ((import->state == RIB_IMPORT_CANDIDATE) != candidate ||
                (candidate && import->offer->chosen != best_for(world, import))) {
                return false;
            }
        }
        if (counts->imports_accepted[link] != accepted ||
            counts->imports_rejected[link] != rejected) {
            return false;
        }
    }
    return true;
}

/* After everything was taken: the far side holds the exports, the cluster the choices. */
static bool
views_are_right(struct rib_world *world)
{
    rib_world_pass(world, world->rig.advertisement_interval_ns);
    for (uint32_t link = 0; link < RIB_WORLD_LINKS; link++) {
        rib_world_flush(world, link, UINT32_MAX);
        for (uint32_t id = 0; id < world->far_id_count; id++) {
            const struct rib_export *exported =
                rib_find_export(world->rig.rib, link, world->far_ids[id]);
            if ((exported != NULL) != world->far[link][id] ||
                (exported != NULL &&
                    rib_export_out(exported).tags.count != world->far_tags[link][id])) {
                return false;
            }
        }
    }
    rib_retry_offers(world->rig.rib);
    rib_world_settle(world, UINT32_MAX);
    const struct rib_offer *seen[RIB_WORLD_LINKS * RIB_WORLD_ROUTES];
    uint64_t offers = 0;
    uint64_t made = 0;
    for (uint32_t link = 0; link < RIB_WORLD_LINKS; link++) {
        const struct rib_import *import;
        size_t cursor = 0;
        while ((import = rib_each_import(world->rig.rib, link, &cursor)) != NULL) {
            const struct rib_offer *offer = import->offer;
            bool known = import->state != RIB_IMPORT_CANDIDATE;
            for (uint64_t i = 0; i < offers && !known; i++) {
                known = seen[i] == offer;
            }
            if (known) {
                continue;
            }
            seen[offers++] = offer;
            /* What was made before its name was blocked may stay. */
            bool blocked = rib_world_is_blocked(world, rib_offer_identity(offer).name);
            bool wanted = offer->chosen != NULL && (!blocked || (offer->state == RIB_OFFER_MADE));
            if ((offer->state == RIB_OFFER_MADE) != wanted ||
                offer->made != (wanted ? offer->chosen : NULL)) {
                return false;
            }
            made += wanted;
        }
    }
    const struct rib_counts *counts = rib_counts(world->rig.rib);
    return counts->offers == offers && counts->offers_made == made;
}

static bool
rib_equals_a_naive_evaluation(uint64_t seed)
{
    static struct rib_world world;
    rib_world_open(&world, seed);
    bool right = true;
    uint32_t settled_count = 0;
    for (uint32_t step = 0; step < STEPS && right; step++) {
        rib_world_event(&world);
        bool whole = step % 10 == 9;
        /* While something is left to be judged again, what stands is neither the old nor the new. */
        bool settled = !rib_has_work(world.rig.rib);
        right = (!settled || (exports_are_right(&world) && imports_are_right(&world))) &&
                (!whole || views_are_right(&world));
        settled_count += settled;
        if (!right) {
            printf("step %u of seed %" PRIu64 "\n", step, seed);
        }
    }
    rib_rig_work(&world.rig);
    right = right && exports_are_right(&world) && imports_are_right(&world);
    CHECK(!right || settled_count > STEPS / 10);
    return rib_rig_close(&world.rig) && right;
}

/* Forget everything: nothing is left, whatever happened before. */
static bool
nothing_is_left_of_nothing(uint64_t seed)
{
    static struct rib_world world;
    rib_world_open(&world, seed);
    for (uint32_t step = 0; step < STEPS; step++) {
        rib_world_event(&world);
    }
    for (uint32_t i = 0; i < RIB_WORLD_SERVICES; i++) {
        if (world.provided[i / RIB_WORLD_FUNCTIONS][i % RIB_WORLD_FUNCTIONS]) {
            rib_rig_remove(&world.rig,
                rib_world_facts(&world, i / RIB_WORLD_FUNCTIONS, i % RIB_WORLD_FUNCTIONS));
        }
    }
    const struct rib_counts *counts = rib_counts(world.rig.rib);
    bool empty = counts->services == 0;
    for (uint32_t link = 0; link < RIB_WORLD_LINKS; link++) {
        rib_rig_drop(&world.rig, link, PRUNE_LINK_DOWN);
        rib_world_flush(&world, link, UINT32_MAX);
        rib_world_settle(&world, UINT32_MAX);
        empty = empty && counts->exports[link] == 0 && counts->denied[link] == 0 &&
                counts->imports_accepted[link] == 0 && counts->imports_rejected[link] == 0;
    }
    empty = empty && counts->offers == 0 && counts->offers_made == 0;
    return rib_rig_close(&world.rig) && empty;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "the RIB equals a naive evaluation", rib_equals_a_naive_evaluation },
        { "nothing is left of nothing", nothing_is_left_of_nothing },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), 200);
}
