/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_world.h - a few federations that pass everything on, as RIBs joined by wires: who could close a loop, here would.
 *
 * A wire is one link between two bridges. Chance decides whose turn it is and how much of what waits a turn sends, so
 * news and withdrawals overtake each other on different ways as they do in a real network. What a bridge offers in
 * its cluster, the other bridge of its federation sees there.
 */
#ifndef TESTS_SUPPORT_LOOP_WORLD_H
#define TESTS_SUPPORT_LOOP_WORLD_H

#include "base/prng.h"
#include "bridge/rib.h"
#include "tests/support/rib_rig.h"

#define LOOP_FEDERATIONS_MAX 5u
#define LOOP_SIBLINGS        2u
#define LOOP_BRIDGES_MAX     (LOOP_FEDERATIONS_MAX * LOOP_SIBLINGS)
#define LOOP_LINKS_MAX       (2 * LOOP_FEDERATIONS_MAX)

/* In one round each bridge has its turn. Some 16 are enough; who counts to infinity, or up and down, needs more. */
#define LOOP_ROUNDS_MAX 30u

/* Changes that cross a link in one run. Names that grow at each turn of a loop come to this before the rounds are over. */
#define LOOP_CHANGES_MAX 10000u

/* What sends a part only, so often of thousand times. */
#define LOOP_LAZY_PERMILLE 300u

static const struct span loop_federations[LOOP_FEDERATIONS_MAX] = { T("a"), T("b"), T("c"), T("d"),
    T("e") };

/* The one function that each federation serves. */
static const char *const loop_functions[LOOP_FEDERATIONS_MAX] = { "f-a", "f-b", "f-c", "f-d",
    "f-e" };

struct loop_options {
    bool transit;
    bool renames;  /* each exporter puts "from-a." in front */
    bool siblings; /* two bridges a federation; a link ends at either of them */
    bool careless; /* exporters do not know to whom their links lead, so they also send back */
    uint32_t hops; /* borders that a function may cross; 0: as many as usual */
};

/* A link as the bridge on one end has it. */
struct loop_link {
    uint32_t bridge; /* of the other end */
    uint32_t link;   /* there */
    bool exports;    /* from here to there */
    bool imports;    /* from there to here */
    bool up;
    bool doubted; /* by this end: what comes over it is the last choice */
};

struct loop_bridge {
    uint32_t federation;
    struct rib *rib;
    uint32_t link_count;
    struct loop_link links[LOOP_LINKS_MAX];
    struct span federations[LOOP_LINKS_MAX]; /* of the far sides, as the RIB knows them */
};

struct loop_world {
    struct mem mem;
    struct prng prng;
    struct loop_options options;
    uint32_t federation_count;
    uint32_t siblings; /* bridges a federation */
    uint32_t bridge_count;
    struct loop_bridge bridges[LOOP_BRIDGES_MAX];
    struct policy *exporting[LOOP_FEDERATIONS_MAX];
    struct policy *silent;
    bool serves[LOOP_FEDERATIONS_MAX]; /* the federation's function is there */
    uint32_t changes_left;             /* of LOOP_CHANGES_MAX */
};

/* Building. */

static inline struct policy *
loop_policy(struct loop_world *world, uint32_t federation)
{
    static const struct span templates[] = { T("from-a.{x**}"), T("from-b.{x**}"),
        T("from-c.{x**}"), T("from-d.{x**}"), T("from-e.{x**}") };
    static const struct policy_rule_source import = RULE_ALL;
    const struct policy_rule_source export = {
        .id = SPAN("all"),
        .functions = LIST(T("{x**}")),
        .set_function = world->options.renames ? templates[federation] : SPAN_NONE,
        .transit = world->options.transit,
        .action = POLICY_ACCEPT,
    };
    return rib_rig_policy(&world->mem, &export, 1, &import, 1);
}

static inline void
loop_add_end(struct loop_world *world, uint32_t from, uint32_t to, bool exports, bool imports)
{
    struct loop_bridge *bridge = &world->bridges[from];
    CHECK(bridge->link_count < LOOP_LINKS_MAX);
    bridge->links[bridge->link_count] = (struct loop_link){
        .bridge = to,
        .link = world->bridges[to].link_count,
        .exports = exports,
        .imports = imports,
        .up = true,
    };
}

/* `from` and `to` are bridges; false twice: there is no link. */
static inline void
loop_connect(struct loop_world *world, uint32_t from, uint32_t to, bool there, bool back)
{
    if (there || back) {
        loop_add_end(world, from, to, there, back);
        loop_add_end(world, to, from, back, there);
        world->bridges[from].link_count++;
        world->bridges[to].link_count++;
    }
}

static inline uint32_t
loop_other(const struct loop_world *world, uint32_t bridge)
{
    return world->siblings == 1 ? bridge : bridge ^ 1u;
}

/* The links between two federations. Two bridges each have one or two, between any of them. */
static inline void
loop_join(struct loop_world *world, uint32_t from, uint32_t to, bool there, bool back)
{
    uint32_t near = from * world->siblings + (uint32_t)prng_below(&world->prng, world->siblings);
    uint32_t far = to * world->siblings + (uint32_t)prng_below(&world->prng, world->siblings);
    if (world->options.careless) {
        loop_connect(world, near, far, there, false);
        loop_connect(world, near, far, false, back);
        return;
    }
    loop_connect(world, near, far, there, back);
    if (world->siblings > 1 && prng_chance(&world->prng, 500)) {
        loop_connect(world, loop_other(world, near), loop_other(world, far), there, back);
    }
}

static inline void
loop_open_bridge(struct loop_world *world, struct loop_bridge *bridge)
{
    struct policy *policies[LOOP_LINKS_MAX];
    for (uint32_t i = 0; i < bridge->link_count; i++) {
        const struct loop_link *link = &bridge->links[i];
        bool unknown = world->options.careless && !link->imports;
        policies[i] = link->exports ? world->exporting[bridge->federation] : world->silent;
        bridge->federations[i] =
            unknown ? SPAN("elsewhere") : loop_federations[world->bridges[link->bridge].federation];
    }
    const struct rib_config config = {
        .mem = &world->mem,
        .hash_key = { 1, 2 },
        .federation = loop_federations[bridge->federation],
        .link_count = bridge->link_count,
        .policies = policies,
        .link_federations = bridge->federations,
    };
    bridge->rib = rib_create(&config);
    CHECK(bridge->rib != NULL);
    rib_set_time(bridge->rib, (struct now){ .wall = AT });
    for (uint32_t i = 0; i < bridge->link_count; i++) {
        rib_begin_announcing(bridge->rib, i);
    }
}

/* `edges[a][b]`: a exports to b. */
static inline void
loop_open(struct loop_world *world, uint64_t seed, struct loop_options options, uint32_t count,
    bool edges[LOOP_FEDERATIONS_MAX][LOOP_FEDERATIONS_MAX])
{
    static const struct policy_rule_source import = RULE_ALL;
    *world = (struct loop_world){ .prng.state = seed,
        .options = options,
        .federation_count = count,
        .siblings = options.siblings ? LOOP_SIBLINGS : 1,
        .bridge_count = options.siblings ? count * LOOP_SIBLINGS : count };
    mem_init(&world->mem, SIZE_MAX);
    world->silent = rib_rig_policy(&world->mem, NULL, 0, &import, 1);
    for (uint32_t a = 0; a < count; a++) {
        world->exporting[a] = loop_policy(world, a);
    }
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        world->bridges[i].federation = i / world->siblings;
    }
    for (uint32_t a = 0; a < count; a++) {
        for (uint32_t b = a + 1; b < count; b++) {
            loop_join(world, a, b, edges[a][b], edges[b][a]);
        }
    }
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        loop_open_bridge(world, &world->bridges[i]);
    }
}

/* Whether all memory came back. */
static inline bool
loop_close(struct loop_world *world)
{
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        rib_free(world->bridges[i].rib);
    }
    for (uint32_t a = 0; a < world->federation_count; a++) {
        policy_unref(world->exporting[a]);
    }
    policy_unref(world->silent);
    return world->mem.used == 0;
}

/* What happens. */

static inline void
loop_serve(struct loop_world *world, uint32_t federation, bool serves)
{
    const struct function_endpoint endpoint =
        rib_rig_endpoint((struct rib_facts){ .name = loop_functions[federation] });
    for (uint32_t i = 0; i < world->siblings; i++) {
        struct rib *rib = world->bridges[federation * world->siblings + i].rib;
        if (serves) {
            rib_add_provider(rib, &endpoint);
        } else {
            rib_remove_provider(rib, &endpoint);
        }
    }
    world->serves[federation] = serves;
}

/* Both ends of a link, the near one first. */
struct loop_ends {
    struct rib *ribs[2];
    uint32_t links[2];
};

static inline struct loop_ends
loop_ends(const struct loop_world *world, uint32_t bridge, uint32_t link)
{
    const struct loop_link *near = &world->bridges[bridge].links[link];
    return (struct loop_ends){
        .ribs = { world->bridges[bridge].rib, world->bridges[near->bridge].rib },
        .links = { link, near->link },
    };
}

static inline void
loop_set_up(struct loop_world *world, uint32_t bridge, uint32_t link, bool up)
{
    struct loop_link *near = &world->bridges[bridge].links[link];
    near->up = up;
    world->bridges[near->bridge].links[near->link].up = up;
}

/* What either side knows by it is stale. */
static inline void
loop_cut(struct loop_world *world, uint32_t bridge, uint32_t link)
{
    struct loop_ends ends = loop_ends(world, bridge, link);
    for (size_t i = 0; i < COUNT_OF(ends.ribs); i++) {
        rib_mark_down(ends.ribs[i], ends.links[i]);
        rib_end_announcing(ends.ribs[i], ends.links[i]);
    }
    loop_set_up(world, bridge, link, false);
}

static inline void
loop_doubt(struct loop_world *world, uint32_t bridge, uint32_t link, bool doubted)
{
    world->bridges[bridge].links[link].doubted = doubted;
    rib_doubt_link(world->bridges[bridge].rib, link, doubted);
}

/* It was down for too long. */
static inline void
loop_give_up(struct loop_world *world, uint32_t bridge, uint32_t link)
{
    struct loop_ends ends = loop_ends(world, bridge, link);
    for (size_t i = 0; i < COUNT_OF(ends.ribs); i++) {
        rib_unlearn_all(ends.ribs[i], ends.links[i], PRUNE_STALE_TIMEOUT);
    }
}

/* The cluster of a federation, as its other bridge sees what one of them offers or takes back. */
static inline void
loop_show(struct loop_world *world, uint32_t bridge, const struct rib_offer *offer, bool appears)
{
    struct rib *other = world->bridges[loop_other(world, bridge)].rib;
    const struct text_list tags = LIST(T(ADVERTISEMENT_TAG_ORIGIN "somewhere"));
    struct function_endpoint endpoint =
        rib_rig_endpoint((struct rib_facts){ .name = "x", .tags = tags });
    endpoint.key.identity = rib_offer_identity(offer);
    if (world->siblings > 1 && appears) {
        rib_add_provider(other, &endpoint);
    } else if (world->siblings > 1) {
        rib_remove_provider(other, &endpoint);
    }
}

static inline void
loop_settle(struct loop_world *world, uint32_t bridge)
{
    struct rib *rib = world->bridges[bridge].rib;
    struct rib_offer *offer;
    while (rib_work(rib, 1000)) {
    }
    while ((offer = rib_next_offer(rib)) != NULL) {
        bool appears = offer->chosen != NULL;
        if (appears != (offer->state == RIB_OFFER_MADE)) {
            loop_show(world, bridge, offer, appears);
        }
        rib_offer_done(rib, offer, appears ? RIB_OFFER_MADE : RIB_OFFER_NONE);
    }
    rib_pass_on(rib);
}

/* Of what is announced, as the codec would make one of the bytes. */
static inline uint64_t
loop_digest(const struct rib_export *exported)
{
    struct prng prng = { .state = exported->route_id };
    return prng_next(&prng) + rib_export_out(exported).hops_left * 2 +
           rib_export_out(exported).doubted;
}

/* One change crosses the link, if one waits. */
static inline bool
loop_carry(struct loop_world *world, struct loop_bridge *bridge, uint32_t link)
{
    const struct loop_link *wire = &bridge->links[link];
    struct rib *far = world->bridges[wire->bridge].rib;
    bool may = wire->up && world->changes_left > 0;
    struct rib_export *exported = may ? rib_next_export(bridge->rib, link) : NULL;
    if (exported == NULL) {
        return false;
    }
    world->changes_left--;
    uint64_t digest = loop_digest(exported);
    rib_export_take(bridge->rib, exported);
    if (rib_export_withdrawn(exported)) {
        rib_unlearn(far, wire->link, exported->route_id, PRUNE_WITHDRAWN);
    } else {
        struct link_route route = { exported->route_id, digest, rib_export_out(exported) };
        struct advertisement *sent = &route.advertisement;
        sent->preference = ADVERTISEMENT_PREFERENCE_DEFAULT;
        if (sent->path.count == 1 && world->options.hops > 0) {
            sent->hops_left = world->options.hops;
        }
        const struct rib_import *import = rib_learn(far, wire->link, &route);
        CHECK(import != NULL);
    }
    rib_export_done(bridge->rib, exported, digest);
    return true;
}

/* A new session: each side tells all it has, and then that this is all. */
static inline void
loop_mend(struct loop_world *world, uint32_t bridge, uint32_t link)
{
    struct loop_ends ends = loop_ends(world, bridge, link);
    const uint32_t bridges[] = { bridge, world->bridges[bridge].links[link].bridge };
    loop_set_up(world, bridge, link, true);
    world->changes_left = LOOP_CHANGES_MAX;
    for (size_t i = 0; i < COUNT_OF(ends.ribs); i++) {
        rib_mark_session(ends.ribs[i], ends.links[i]);
        rib_begin_announcing(ends.ribs[i], ends.links[i]);
    }
    for (size_t i = 0; i < COUNT_OF(ends.ribs); i++) {
        while (loop_carry(world, &world->bridges[bridges[i]], ends.links[i])) {
        }
        rib_sweep(ends.ribs[1 - i], ends.links[1 - i], PRUNE_WITHDRAWN);
    }
}

/* Whether the bridge has something to settle or to send. */
static inline bool
loop_is_busy(const struct loop_bridge *bridge)
{
    bool busy = rib_has_work(bridge->rib) || rib_next_offer(bridge->rib) != NULL;
    for (uint32_t link = 0; link < bridge->link_count; link++) {
        busy = busy || (bridge->links[link].up && rib_next_export(bridge->rib, link) != NULL);
    }
    return busy;
}

/* A bridge sends what waits, or a part of it. */
static inline void
loop_send(struct loop_world *world, uint32_t index)
{
    struct loop_bridge *bridge = &world->bridges[index];
    for (uint32_t link = 0; link < bridge->link_count; link++) {
        bool lazy = prng_chance(&world->prng, LOOP_LAZY_PERMILLE);
        uint64_t changes_left = lazy ? prng_below(&world->prng, 3) : UINT64_MAX;
        for (; changes_left > 0 && loop_carry(world, bridge, link); changes_left--) {
        }
    }
}

/*
 * Each bridge settles what came in, then sends. When all do so at once, their news cross each other; else the next one
 * has heard already what this one sends. Whether one was busy.
 */
static inline bool
loop_round(struct loop_world *world, bool at_once)
{
    uint32_t first = (uint32_t)prng_below(&world->prng, world->bridge_count);
    bool busy = false;
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        uint32_t index = (first + i) % world->bridge_count;
        busy = loop_is_busy(&world->bridges[index]) || busy;
        loop_settle(world, index);
        busy = loop_is_busy(&world->bridges[index]) || busy;
        if (!at_once) {
            loop_send(world, index);
        }
    }
    for (uint32_t i = 0; at_once && i < world->bridge_count; i++) {
        loop_send(world, (first + i) % world->bridge_count);
    }
    return busy;
}

/* At most so many rounds. Whether all is quiet. */
static inline bool
loop_run(struct loop_world *world, uint32_t rounds)
{
    bool at_once = prng_chance(&world->prng, 500);
    bool busy = true;
    world->changes_left = LOOP_CHANGES_MAX;
    for (uint32_t round = 0; round < rounds && busy && world->changes_left > 0; round++) {
        busy = loop_round(world, at_once);
    }
    return !busy;
}

#endif
