/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_world.h - a small world around a RIB, driven by chance: nodes that provide functions, links over which
 * routes come, a cluster port that cannot offer some names, link ports that take changes now and then. It
 * remembers the facts, so that a property can work out what the RIB should have made of them.
 */
#ifndef TESTS_SUPPORT_RIB_WORLD_H
#define TESTS_SUPPORT_RIB_WORLD_H

#include "base/prng.h"
#include "tests/support/rib_rig.h"

#define RIB_WORLD_LINKS     3u
#define RIB_WORLD_NODES     3u
#define RIB_WORLD_FUNCTIONS 6u
#define RIB_WORLD_ROUTES    6u
#define RIB_WORLD_NAMES     5u
#define RIB_WORLD_SERVICES  (RIB_WORLD_NODES * RIB_WORLD_FUNCTIONS)
#define RIB_WORLD_HEARD_MAX 512u

/* When some rules begin and others cease to be valid, by the world's clock. */
#define RIB_WORLD_CHANGE                                                                           \
    {                                                                                              \
        .ns = 1000                                                                                 \
    }

static const struct rib_facts rib_world_functions[RIB_WORLD_FUNCTIONS] = {
    { .name = "a.f" },
    { .name = "a.f", .version = "2.0.0" },
    { .name = "a.f", .resources = LIST(T("gpu")) },
    { .name = "b.f" },
    { .name = "b.g", .version = "2.0.0" },
    { .name = "in.f" },
};

static const struct text_list rib_world_tag_sets[] = {
    { .count = 0 },
    LIST(T("public")),
    LIST(T("internal"), T("public")),
    LIST(T("mpreg-bridge:origin=eu")),
    LIST(T("no\ntext")),
};

/* By link: ordinary, farther, ours, and forged ones. */
static const struct text_list rib_world_paths[RIB_WORLD_LINKS][5] = {
    { { .count = 0 }, LIST(T("xx"), T("eu")), LIST(T("us"), T("eu")), LIST(T("xx")),
        LIST(T("xx"), T("us"), T("eu")) },
    { { .count = 0 }, LIST(T("xx"), T("ap")), LIST(T("us"), T("ap")), LIST(T("xx")),
        LIST(T("xx"), T("us"), T("ap")) },
    { { .count = 0 }, LIST(T("xx"), T("af")), LIST(T("us"), T("af")), LIST(T("xx")),
        LIST(T("xx"), T("us"), T("af")) },
};

static const char *const rib_world_names[RIB_WORLD_NAMES] = { "a.f", "b.f", "b.g", "in.f", "us.f" };

static const struct policy_rule_source rib_world_export_rules[] = {
    { .id = T("internal"), .tags.any = LIST(T("internal")), .action = POLICY_REJECT },
    { .id = T("one name"),
        .functions = LIST(T("{team}.f")),
        .set_function = T("us.f"),
        .action = POLICY_ACCEPT },
    { .id = T("one name, own id"),
        .functions = LIST(T("{team}.{op}")),
        .set_function = T("us.{op}"),
        .set_function_id = T("{team}.{op}"),
        .action = POLICY_ACCEPT },
    { .id = T("one service"),
        .functions = LIST(T("b.{op}")),
        .set_function = T("us.m"),
        .merge = true,
        .action = POLICY_ACCEPT },
    { .id = T("one service too"),
        .functions = LIST(T("a.f"), T("in.f")),
        .tags.all = LIST(T("public")),
        .set_function = T("us.m"),
        .merge = true,
        .action = POLICY_ACCEPT },
    { .id = T("old"), .version = T("<2.0.0"), .add_tags = LIST(T("old")), .action = POLICY_ACCEPT },
    { .id = T("until"),
        .has_valid_until = true,
        .valid_until = RIB_WORLD_CHANGE,
        .action = POLICY_ACCEPT },
    { .id = T("public"), .tags.all = LIST(T("public")), .action = POLICY_ACCEPT },
    { .id = T("all"), .action = POLICY_ACCEPT },
};

static const struct policy_rule_source rib_world_import_rules[] = {
    { .id = T("internal"), .tags.any = LIST(T("internal")), .action = POLICY_REJECT },
    { .id = T("in"),
        .functions = LIST(T("{team}.{op}")),
        .set_function = T("in.{op}"),
        .has_preference = true,
        .preference = 200,
        .action = POLICY_ACCEPT },
    { .id = T("from"),
        .has_valid_from = true,
        .valid_from = RIB_WORLD_CHANGE,
        .functions = LIST(T("b.**")),
        .action = POLICY_REJECT },
    { .id = T("near"), .has_max_hops = true, .max_hops = 1, .action = POLICY_ACCEPT },
    { .id = T("all"), .action = POLICY_ACCEPT },
};

/* What came over a link, or nothing. */
struct rib_heard_route {
    bool present;
    struct rib_route facts;
    bool no_hops;
};

struct rib_world {
    struct prng prng;
    struct rib_rig rig;
    bool provided[RIB_WORLD_NODES][RIB_WORLD_FUNCTIONS];
    uint32_t tags[RIB_WORLD_NODES][RIB_WORLD_FUNCTIONS];
    struct rib_heard_route routes[RIB_WORLD_LINKS][RIB_WORLD_ROUTES];
    bool unconnected[RIB_WORLD_NODES];
    struct wall now;
    struct instant mono;
    bool blocked[RIB_WORLD_NAMES]; /* the cluster port cannot offer this name */
    /* What the far sides hold: by the place of the route id in far_ids, and the advertisement's tag count as a sign of its contents. */
    uint64_t far_ids[RIB_WORLD_HEARD_MAX];
    uint32_t far_id_count;
    bool far[RIB_WORLD_LINKS][RIB_WORLD_HEARD_MAX];
    uint32_t far_tags[RIB_WORLD_LINKS][RIB_WORLD_HEARD_MAX];
    struct instant far_told_at[RIB_WORLD_LINKS]
                              [RIB_WORLD_HEARD_MAX]; /* in this session; 0: never */
};

static inline uint32_t
rib_world_below(struct rib_world *world, uint32_t limit)
{
    return (uint32_t)prng_below(&world->prng, limit);
}

static inline struct rib_facts
rib_world_facts(const struct rib_world *world, uint32_t node, uint32_t function)
{
    static const char *const nodes[RIB_WORLD_NODES] = { "ws://n1:1", "ws://n2:1", "ws://n3:1" };
    struct rib_facts facts = rib_world_functions[function];
    facts.node = nodes[node];
    facts.tags = rib_world_tag_sets[world->tags[node][function]];
    return facts;
}

static inline struct link_route
rib_world_route(const struct rib_world *world, uint32_t link, uint32_t index)
{
    const struct rib_heard_route *heard = &world->routes[link][index];
    struct link_route route = rib_rig_route(&world->rig, link, heard->facts);
    route.advertisement.hops_left = heard->no_hops ? 0 : route.advertisement.hops_left;
    return route;
}

/* The ports. */

static inline bool
rib_world_is_blocked(const struct rib_world *world, struct span name)
{
    for (uint32_t i = 0; i < RIB_WORLD_NAMES; i++) {
        if (span_is(name, rib_world_names[i])) {
            return world->blocked[i];
        }
    }
    return false;
}

static inline void
rib_world_settle(struct rib_world *world, uint32_t most)
{
    struct rib_offer *offer;
    while (most-- > 0 && (offer = rib_next_offer(world->rig.rib)) != NULL) {
        enum rib_offer_state state = RIB_OFFER_MADE;
        if (offer->chosen == NULL) {
            state = RIB_OFFER_NONE;
        } else if (rib_world_is_blocked(world, rib_offer_identity(offer).name)) {
            state = prng_chance(&world->prng, 500) ? RIB_OFFER_CONFLICT : RIB_OFFER_NO_ROOM;
        }
        rib_offer_done(world->rig.rib, offer, state);
    }
}

static inline uint32_t
rib_world_place(struct rib_world *world, uint64_t route_id)
{
    uint32_t place = 0;
    while (place < world->far_id_count && world->far_ids[place] != route_id) {
        place++;
    }
    if (place == world->far_id_count) {
        CHECK(place < RIB_WORLD_HEARD_MAX);
        world->far_ids[world->far_id_count++] = route_id;
    }
    return place;
}

static inline void
rib_world_flush(struct rib_world *world, uint32_t link, uint32_t most)
{
    struct rib_export *exported;
    while (most-- > 0 && (exported = rib_next_export(world->rig.rib, link)) != NULL) {
        uint32_t place = rib_world_place(world, exported->route_id);
        bool withdrawn = rib_export_withdrawn(exported);
        /* The far side is never told to forget what it was not told. */
        CHECK(!withdrawn || world->far[link][place]);
        struct instant *told_at = &world->far_told_at[link][place];
        uint64_t pause_ns = instant_between(*told_at, world->mono);
        CHECK(withdrawn || told_at->ns == 0 || pause_ns >= world->rig.advertisement_interval_ns);
        *told_at = withdrawn ? *told_at : world->mono;
        world->far[link][place] = !withdrawn;
        world->far_tags[link][place] = rib_export_out(exported).tags.count;
        rib_export_take(world->rig.rib, exported);
        rib_export_done(world->rig.rib, exported, place + 1);
    }
}

/* Events. */

static inline void
rib_world_pass(struct rib_world *world, uint64_t duration_ns)
{
    world->mono = instant_after(world->mono, duration_ns);
    rib_set_time(world->rig.rib, (struct now){ .mono = world->mono, .wall = world->now });
}

static inline void
rib_world_change_provider(struct rib_world *world)
{
    uint32_t node = rib_world_below(world, RIB_WORLD_NODES);
    uint32_t function = rib_world_below(world, RIB_WORLD_FUNCTIONS);
    struct rib_facts old = rib_world_facts(world, node, function);
    bool was_provided = world->provided[node][function];
    bool removes = was_provided && prng_chance(&world->prng, 600);
    /* As a catalog does: what it tells of has happened. */
    world->provided[node][function] = !removes;
    if (!removes) {
        world->tags[node][function] = rib_world_below(world, COUNT_OF(rib_world_tag_sets));
        rib_rig_add(&world->rig, rib_world_facts(world, node, function));
    }
    if (was_provided) {
        rib_rig_remove(&world->rig, old);
    }
}

static inline void
rib_world_hear_route(struct rib_world *world)
{
    uint32_t link = rib_world_below(world, RIB_WORLD_LINKS);
    uint32_t index = rib_world_below(world, RIB_WORLD_ROUTES);
    struct rib_heard_route *heard = &world->routes[link][index];
    uint32_t path =
        prng_chance(&world->prng, 300) ? rib_world_below(world, 5) : rib_world_below(world, 2);
    *heard = (struct rib_heard_route){
        .present = true,
        .no_hops = prng_chance(&world->prng, 100),
        .facts = {
            .route_id = index,
            .name = rib_world_names[rib_world_below(world, RIB_WORLD_NAMES)],
            .version = prng_chance(&world->prng, 300) ? "2.0.0" : NULL,
            .tags = rib_world_tag_sets[rib_world_below(world, 3)],
            .path = rib_world_paths[link][path],
            .cost = rib_world_below(world, 2),
        },
    };
    if (path > 0) {
        heard->facts.origin = heard->facts.path.items[0];
    }
    struct link_route route = rib_world_route(world, link, index);
    CHECK(rib_learn(world->rig.rib, link, &route) != NULL);
}

static inline void
rib_world_lose_route(struct rib_world *world)
{
    uint32_t link = rib_world_below(world, RIB_WORLD_LINKS);
    uint32_t index = rib_world_below(world, RIB_WORLD_ROUTES);
    bool known = rib_unlearn(world->rig.rib, link, index, PRUNE_WITHDRAWN);
    CHECK(known == world->routes[link][index].present);
    world->routes[link][index].present = false;
}

static inline void
rib_world_end_session(struct rib_world *world)
{
    uint32_t link = rib_world_below(world, RIB_WORLD_LINKS);
    rib_rig_drop(&world->rig, link, PRUNE_LINK_DOWN);
    rib_begin_announcing(world->rig.rib, link);
    for (uint32_t i = 0; i < RIB_WORLD_ROUTES; i++) {
        world->routes[link][i].present = false;
    }
    memset(world->far[link], 0, sizeof(world->far[link]));
    memset(world->far_told_at[link], 0, sizeof(world->far_told_at[link]));
}

static inline bool
rib_world_is_served(void *owner, struct span name)
{
    const struct rib_world *world = owner;
    for (uint32_t i = 0; i < RIB_WORLD_SERVICES; i++) {
        uint32_t node = i / RIB_WORLD_FUNCTIONS;
        uint32_t function = i % RIB_WORLD_FUNCTIONS;
        bool serves = world->provided[node][function] && world->tags[node][function] != 3 &&
                      span_is(name, rib_world_functions[function].name);
        if (serves && !world->unconnected[node]) {
            return true;
        }
    }
    return false;
}

static inline void
rib_world_lose_or_reach_node(struct rib_world *world)
{
    uint32_t node = rib_world_below(world, RIB_WORLD_NODES);
    world->unconnected[node] = !world->unconnected[node];
    for (uint32_t i = 0; i < RIB_WORLD_FUNCTIONS; i++) {
        rib_reconsider(world->rig.rib, span_from_text(rib_world_functions[i].name));
    }
}

static inline struct policy *rib_world_draw_policy(struct rib_world *world);

static inline void
rib_world_change_judge(struct rib_world *world)
{
    uint32_t link = rib_world_below(world, RIB_WORLD_LINKS);
    switch (rib_world_below(world, 4)) {
    case 0:
        world->now.ns = (int64_t)rib_world_below(world, 2000);
        rib_world_pass(world, 0);
        break;
    case 1: {
        struct policy *candidate = rib_world_draw_policy(world);
        rib_compare_policy(world->rig.rib, link, candidate);
        policy_unref(candidate);
        break;
    }
    case 2:
        rib_forget_candidate(world->rig.rib, link);
        break;
    default:
        if (!rib_replacing(world->rig.rib, link)) {
            rib_rig_replace(&world->rig, link, rib_world_draw_policy(world));
        }
        break;
    }
}

static inline void
rib_world_event(struct rib_world *world)
{
    uint32_t event = rib_world_below(world, 120);
    rib_world_pass(world, rib_world_below(world, 200) * MS_NS);
    if (event >= 110) {
        (void)rib_work(world->rig.rib, rib_world_below(world, 40));
    } else if (event >= 105) {
        rib_world_lose_or_reach_node(world);
    } else if (event >= 100) {
        rib_world_change_judge(world);
    } else if (event < 40) {
        rib_world_change_provider(world);
    } else if (event < 65) {
        rib_world_hear_route(world);
    } else if (event < 75) {
        rib_world_lose_route(world);
    } else if (event < 80) {
        rib_world_end_session(world);
    } else if (event < 85) {
        uint32_t name = rib_world_below(world, RIB_WORLD_NAMES);
        world->blocked[name] = !world->blocked[name];
        rib_retry_offers(world->rig.rib);
    } else if (event < 92) {
        rib_world_settle(world, rib_world_below(world, 4));
    } else {
        rib_world_flush(world, rib_world_below(world, RIB_WORLD_LINKS), rib_world_below(world, 4));
    }
}

/* A few rules of each pool, in the order of the pool. */
static inline uint32_t
rib_world_draw_rules(struct rib_world *world, const struct policy_rule_source *pool,
    uint32_t pool_count, struct policy_rule_source *rules)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool_count; i++) {
        if (prng_chance(&world->prng, 500)) {
            rules[count++] = pool[i];
        }
    }
    return count;
}

static inline struct policy *
rib_world_draw_policy(struct rib_world *world)
{
    struct policy_rule_source exports[COUNT_OF(rib_world_export_rules)];
    struct policy_rule_source imports[COUNT_OF(rib_world_import_rules)];
    struct policy_source source = {
        .name = SPAN("drawn"),
        .rules = { exports, imports },
        .overlap = (enum policy_overlap)rib_world_below(world, 3),
    };
    source.rule_count[POLICY_EXPORT] = rib_world_draw_rules(
        world, rib_world_export_rules, COUNT_OF(rib_world_export_rules), exports);
    source.rule_count[POLICY_IMPORT] = rib_world_draw_rules(
        world, rib_world_import_rules, COUNT_OF(rib_world_import_rules), imports);
    return rib_rig_policy_with(&world->rig.mem, &source);
}

static inline void
rib_world_open(struct rib_world *world, uint64_t seed)
{
    *world = (struct rib_world){ .prng = { .state = seed } };
    mem_init(&world->rig.mem, (size_t)256 * 1024 * 1024);
    world->rig.owner = world;
    world->rig.is_served = rib_world_is_served;
    world->rig.advertisement_interval_ns = rib_world_below(world, 2) * SEC_NS;
    for (uint32_t link = 0; link < RIB_WORLD_LINKS; link++) {
        world->rig.owned[link] = rib_world_draw_policy(world);
    }
    rib_rig_open(&world->rig, RIB_WORLD_LINKS);
    CHECK(world->rig.rib != NULL);
    rib_world_pass(world, SEC_NS);
}

#endif
