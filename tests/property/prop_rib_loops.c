/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_rib_loops.c - no loop closes and nothing outlives its origin, in whatever way federations pass on to each other.
 *
 * Exhaustively: every directed graph of up to four federations, and of five one of each kind (graphs that differ by
 * names only are one kind), an edge being an export of everything with `transit: true`. In each of them functions spread,
 * links are doubted, cut and mended, and functions go; whenever all is quiet, what each bridge knows is compared with a
 * search on the graph that knows nothing of RIBs. A seed is one slice of the graphs and the order of what happens.
 */
#include <stdio.h>

#include "tests/support/check_failed.h"
#include "tests/support/loop_world.h"
#include "tests/support/property.h"

/* Seeds that together see all graphs. Sanitizers make them five times slower, and get a part of them. */
#define SLICES 32u
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEEDS (SLICES / 4)
#endif
#endif
#if !defined(SEEDS)
#define SEEDS SLICES
#endif

#define EDGES_MAX      (LOOP_FEDERATIONS_MAX * (LOOP_FEDERATIONS_MAX - 1))
#define SMALL_GRAPHS   (1u + 4u + 64u + 4096u)
#define KINDS_OF_FIVE  9608u /* digraphs of five nodes up to isomorphism */
#define ALL_GRAPHS     (SMALL_GRAPHS + KINDS_OF_FIVE)
#define ORDERS_OF_FIVE 120u
#define CUTS_OF_FIVE   1u

struct graph {
    uint32_t count;
    uint32_t edges; /* a bit each: edge_bit() */
};

static uint32_t
edge_bit(uint32_t count, uint32_t a, uint32_t b)
{
    return a * (count - 1) + (b < a ? b : b - 1);
}

static bool
has_edge(const struct graph *graph, uint32_t a, uint32_t b)
{
    return a != b && (graph->edges >> edge_bit(graph->count, a, b) & 1u) != 0;
}

/* Node i of `graph` is called order[i] in the result. */
static struct graph
renamed(const struct graph *graph, const uint32_t order[LOOP_FEDERATIONS_MAX])
{
    struct graph result = { .count = graph->count };
    for (uint32_t a = 0; a < graph->count; a++) {
        for (uint32_t b = 0; b < graph->count; b++) {
            if (has_edge(graph, a, b)) {
                result.edges |= 1u << edge_bit(graph->count, order[a], order[b]);
            }
        }
    }
    return result;
}

/* The order of this number of `count`!; a permutation by its digits. */
static void
nth_order(uint32_t number, uint32_t count, uint32_t order[LOOP_FEDERATIONS_MAX])
{
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = i + number % (count - i);
        uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
        number /= count - i;
    }
}

/* The smallest of each kind: it is met first, and strikes out the others. */
static uint32_t
find_kinds_of_five(struct graph kinds[KINDS_OF_FIVE])
{
    static bool seen[1u << EDGES_MAX];
    uint32_t count = 0;
    for (uint32_t edges = 0; edges < 1u << EDGES_MAX; edges++) {
        const struct graph graph = { LOOP_FEDERATIONS_MAX, edges };
        if (seen[edges]) {
            continue;
        }
        CHECK(count < KINDS_OF_FIVE);
        kinds[count++] = graph;
        for (uint32_t number = 0; number < ORDERS_OF_FIVE; number++) {
            uint32_t order[LOOP_FEDERATIONS_MAX];
            nth_order(number, LOOP_FEDERATIONS_MAX, order);
            seen[renamed(&graph, order).edges] = true;
        }
    }
    return count;
}

static const struct graph *
all_graphs(void)
{
    static struct graph graphs[ALL_GRAPHS];
    static uint32_t count;
    if (count > 0) {
        return graphs;
    }
    for (uint32_t nodes = 1; nodes < LOOP_FEDERATIONS_MAX; nodes++) {
        for (uint32_t edges = 0; edges < 1u << (nodes * (nodes - 1)); edges++) {
            graphs[count++] = (struct graph){ nodes, edges };
        }
    }
    CHECK(count == SMALL_GRAPHS);
    count += find_kinds_of_five(&graphs[count]);
    CHECK(count == ALL_GRAPHS);
    return graphs;
}

/* What a graph search knows. */

/* The federations that something passed on its way to a bridge, the origin first; count 0: no way. */
struct way {
    uint32_t count;
    bool doubted; /* who got it over one of the links doubts that */
    uint32_t federations[LOOP_FEDERATIONS_MAX];
};

static bool
way_has(const struct way *way, uint32_t federation)
{
    bool has = false;
    for (uint32_t i = 0; i < way->count; i++) {
        has = has || way->federations[i] == federation;
    }
    return has;
}

static uint32_t
way_max(const struct loop_world *world)
{
    uint32_t hops = world->options.hops == 0 ? ADVERTISEMENT_HOPS_DEFAULT : world->options.hops;
    return world->options.transit ? hops : 1;
}

/* The federation `origin` starts a way itself; others prolong theirs. Whether one arrives over this link, as it is told there. */
static bool
arrives(const struct loop_world *world, const struct way ways[LOOP_BRIDGES_MAX], uint32_t origin,
    const struct loop_bridge *bridge, const struct loop_link *link, struct way *way)
{
    uint32_t far = world->bridges[link->bridge].federation;
    if (!link->up || !link->imports || !world->serves[origin] ||
        (far != origin && ways[link->bridge].count == 0)) {
        return false;
    }
    *way = ways[link->bridge];
    if (way_has(way, bridge->federation) || bridge->federation == origin ||
        way->count >= way_max(world)) {
        return false;
    }
    way->federations[way->count++] = far;
    return true;
}

/* The bridge's way of this length, of those over links in the order that it has them. */
static void
find_way(const struct loop_world *world, uint32_t origin, struct way ways[LOOP_BRIDGES_MAX],
    uint32_t index, const struct way *wanted)
{
    const struct loop_bridge *bridge = &world->bridges[index];
    for (uint32_t link = 0; link < bridge->link_count && ways[index].count == 0; link++) {
        struct way way;
        if (arrives(world, ways, origin, bridge, &bridge->links[link], &way)) {
            way.doubted = way.doubted || bridge->links[link].doubted;
            ways[index] =
                way.count == wanted->count && way.doubted == wanted->doubted ? way : ways[index];
        }
    }
}

/*
 * The way by which each bridge chooses to get what `origin` serves: one that nobody doubts, the shortest, and of those
 * the one over the first link. What chose a better one has done so before what depends on it chooses.
 */
static void
find_ways(const struct loop_world *world, uint32_t origin, struct way ways[LOOP_BRIDGES_MAX])
{
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        ways[i] = (struct way){ .count = 0 };
    }
    for (uint32_t doubted = 0; doubted < 2; doubted++) {
        for (uint32_t length = 1; length <= world->federation_count; length++) {
            const struct way wanted = { .count = length, .doubted = doubted != 0 };
            for (uint32_t i = 0; i < world->bridge_count; i++) {
                find_way(world, origin, ways, i, &wanted);
            }
        }
    }
}

/* What is checked. */

static bool
same_way(const struct text_list *path, const struct way *way)
{
    bool same = path->count == way->count;
    for (uint32_t i = 0; same && i < way->count; i++) {
        same = span_equal(path->items[i], loop_federations[way->federations[i]]);
    }
    return same;
}

static bool
is_offered(const struct rib_import *import)
{
    return import->state == RIB_IMPORT_CANDIDATE && (import->offer->state == RIB_OFFER_MADE) &&
           import->offer->made == import;
}

/* No federation twice in its path, and ours not at all; as many hops gone as it has passed borders. */
static bool
import_has_no_loop(const struct loop_world *world, const struct loop_bridge *bridge,
    const struct rib_import *import)
{
    const struct text_list *path = &kept_attributes(&import->in)->path;
    uint32_t hops = world->options.hops == 0 ? ADVERTISEMENT_HOPS_DEFAULT : world->options.hops;
    bool right = path->count > 0 && span_equal(path->items[0], rib_import_in(import).origin) &&
                 rib_import_in(import).hops_left + path->count == hops + 1 &&
                 rib_import_in(import).hops_left > 0 &&
                 !text_list_has(path, loop_federations[bridge->federation]);
    for (uint32_t i = 0; i < path->count; i++) {
        const struct text_list before = { path->items, i };
        right = right && !text_list_has(&before, path->items[i]);
    }
    return right;
}

/* Only what a careless neighbour sends back is refused, and only as a loop. */
static bool
imports_have_no_loop(const struct loop_world *world, const struct loop_bridge *bridge)
{
    bool right = true;
    for (uint32_t link = 0; link < bridge->link_count; link++) {
        const struct rib_import *import;
        size_t cursor = 0;
        while ((import = rib_each_import(bridge->rib, link, &cursor)) != NULL) {
            bool refused = import->state == RIB_IMPORT_REJECTED;
            right = right && (refused ? world->options.careless && import->reason == PRUNE_LOOP
                                      : import_has_no_loop(world, bridge, import));
        }
    }
    return right;
}

/* The import that came this way over the link, whatever it is called here. */
static const struct rib_import *
find_import(const struct loop_bridge *bridge, uint32_t link, const struct way *way)
{
    const struct rib_import *import;
    size_t cursor = 0;
    while ((import = rib_each_import(bridge->rib, link, &cursor)) != NULL &&
           (import->state != RIB_IMPORT_CANDIDATE ||
               !same_way(&kept_attributes(&import->in)->path, way))) {
    }
    return import;
}

/* Each bridge has of each link what arrives there, and offers what it chose; nothing else. */
static bool
choices_are_right(const struct loop_world *world, const struct loop_bridge *bridge,
    struct way ways[LOOP_FEDERATIONS_MAX][LOOP_BRIDGES_MAX])
{
    uint32_t offered[LOOP_FEDERATIONS_MAX] = { 0 };
    uint64_t accepted = 0;
    uint64_t accepted_there = 0;
    bool right = true;
    for (uint32_t link = 0; link < bridge->link_count; link++) {
        accepted_there += rib_counts(bridge->rib)->imports_accepted[link];
        for (uint32_t origin = 0; origin < world->federation_count; origin++) {
            const struct way *chosen = &ways[origin][bridge - world->bridges];
            struct way way;
            if (!arrives(world, ways[origin], origin, bridge, &bridge->links[link], &way)) {
                continue;
            }
            const struct rib_import *import = find_import(bridge, link, &way);
            bool is_made = import != NULL && is_offered(import);
            right = right && import != NULL && rib_import_in(import).doubted == way.doubted &&
                    span_is(rib_import_out(import).identity.name, loop_functions[origin]) &&
                    (!is_made || same_way(&kept_attributes(&import->in)->path, chosen));
            accepted++;
            offered[origin] += is_made;
        }
    }
    for (uint32_t origin = 0; origin < world->federation_count; origin++) {
        right = right && offered[origin] == (ways[origin][bridge - world->bridges].count > 0);
    }
    return right && accepted == accepted_there;
}

/* All ways in which no federation comes twice. */

/* What came `way`, whose last federation it is in now, is known to these of its bridges. */
struct spread {
    struct way way;
    uint32_t bridges; /* a bit each */
};

#define SPREADS_MAX (5u + 20u + 60u + 120u + 120u)

struct walk {
    struct spread spreads[SPREADS_MAX];
    uint32_t count;
    uint32_t reached[LOOP_FEDERATIONS_MAX]; /* by origin: bridges, a bit each */
    uint64_t arrivals[LOOP_BRIDGES_MAX];
};

static void
compose_name(const struct way *way, char *text, size_t size)
{
    size_t used = 0;
    for (uint32_t i = way->count; i-- > 0;) {
        used += (size_t)snprintf(
            &text[used], size - used, "from-%c.", loop_federations[way->federations[i]].data[0]);
    }
    (void)snprintf(&text[used], size - used, "%s", loop_functions[way->federations[0]]);
}

static bool
is_there(const struct loop_bridge *bridge, uint32_t link, const struct way *way)
{
    char name[64];
    const struct rib_import *import = find_import(bridge, link, way);
    compose_name(way, name, sizeof(name));
    return import != NULL && span_is(rib_import_out(import).identity.name, name) &&
           (import->offer->state == RIB_OFFER_MADE) &&
           same_way(&kept_attributes(&import->offer->made->in)->path, way);
}

/* From what is known already into one more federation. `checks`: each arrival must be offered under its own name. */
static bool
step_into(const struct loop_world *world, struct walk *walk, uint32_t from, uint32_t federation,
    bool checks)
{
    struct spread *next = &walk->spreads[walk->count];
    const struct spread *before = &walk->spreads[from];
    uint32_t origin = before->way.federations[0];
    bool right = true;
    *next = (struct spread){ .way = before->way };
    next->way.federations[next->way.count++] = federation;
    for (uint32_t i = 0; i < world->siblings; i++) {
        uint32_t index = federation * world->siblings + i;
        const struct loop_bridge *bridge = &world->bridges[index];
        for (uint32_t link = 0; link < bridge->link_count; link++) {
            const struct loop_link *wire = &bridge->links[link];
            if (wire->up && wire->imports && (before->bridges >> wire->bridge & 1u) != 0) {
                next->bridges |= 1u << index;
                walk->reached[origin] |= 1u << index;
                walk->arrivals[index]++;
                right = right && (!checks || is_there(bridge, link, &before->way));
            }
        }
    }
    walk->count += next->bridges != 0;
    return right;
}

static bool
walk_all_ways(const struct loop_world *world, struct walk *walk, bool checks)
{
    bool right = true;
    *walk = (struct walk){ .count = 0 };
    for (uint32_t origin = 0; origin < world->federation_count; origin++) {
        uint32_t bridges = (1u << world->siblings) - 1;
        if (world->serves[origin]) {
            walk->spreads[walk->count++] = (struct spread){
                .way = { .count = 1, .federations = { origin } },
                .bridges = bridges << origin * world->siblings,
            };
        }
    }
    for (uint32_t i = 0; i < walk->count; i++) {
        for (uint32_t federation = 0; federation < world->federation_count; federation++) {
            const struct way *way = &walk->spreads[i].way;
            if (way->count <= way_max(world) && !way_has(way, federation)) {
                right = step_into(world, walk, i, federation, checks) && right;
            }
        }
    }
    return right;
}

/* Each way there is brings a function under a name of its own, and nothing else is there. */
static bool
every_way_has_its_name(const struct loop_world *world)
{
    static struct walk walk;
    bool right = walk_all_ways(world, &walk, true);
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        const struct loop_bridge *bridge = &world->bridges[i];
        uint64_t accepted = 0;
        for (uint32_t link = 0; link < bridge->link_count; link++) {
            accepted += rib_counts(bridge->rib)->imports_accepted[link];
        }
        right = right && accepted == walk.arrivals[i];
    }
    return right;
}

static bool
somebody_doubts(const struct loop_world *world)
{
    bool doubts = false;
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        for (uint32_t link = 0; link < world->bridges[i].link_count; link++) {
            doubts = doubts || world->bridges[i].links[link].doubted;
        }
    }
    return doubts;
}

/* Each function is where a way leads, and came by the best. */
static bool
best_ways_are_chosen(const struct loop_world *world)
{
    static struct way ways[LOOP_FEDERATIONS_MAX][LOOP_BRIDGES_MAX];
    static struct walk walk;
    bool right = walk_all_ways(world, &walk, false);
    /* A bridge tells one way only: behind it, the one that was not told may have led farther. */
    bool all_told = world->siblings == 1 && !somebody_doubts(world);
    for (uint32_t origin = 0; origin < world->federation_count; origin++) {
        find_ways(world, origin, ways[origin]);
        for (uint32_t i = 0; i < world->bridge_count; i++) {
            bool reached = (walk.reached[origin] >> i & 1u) != 0;
            bool chosen = ways[origin][i].count > 0;
            right = right && (all_told ? reached == chosen : reached || !chosen);
        }
    }
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        right = right && choices_are_right(world, &world->bridges[i], ways);
    }
    return right;
}

static bool
has_no_loop(const struct loop_world *world)
{
    bool right = true;
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        right = right && imports_have_no_loop(world, &world->bridges[i]);
    }
    return right;
}

/* What one side of a link has announced is what the other one has heard. */
static bool
tables_agree(const struct loop_world *world)
{
    bool agree = true;
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        const struct loop_bridge *bridge = &world->bridges[i];
        for (uint32_t link = 0; link < bridge->link_count; link++) {
            const struct loop_link *wire = &bridge->links[link];
            struct link_table told = rib_announced_table(bridge->rib, link);
            struct link_table heard = rib_heard_table(world->bridges[wire->bridge].rib, wire->link);
            agree = agree && told.routes == heard.routes && told.digest == heard.digest;
        }
    }
    return agree;
}

static bool
is_right(const struct loop_world *world)
{
    bool right =
        world->options.renames ? every_way_has_its_name(world) : best_ways_are_chosen(world);
    return right && has_no_loop(world) && tables_agree(world);
}

/* What happens in one graph. */

static void
print_graph(const struct graph *graph, const char *when)
{
    printf("%s, of %u federations:", when, graph->count);
    for (uint32_t a = 0; a < graph->count; a++) {
        for (uint32_t b = 0; b < graph->count; b++) {
            if (has_edge(graph, a, b)) {
                printf(
                    " %c>%c", (char)loop_federations[a].data[0], (char)loop_federations[b].data[0]);
            }
        }
    }
    printf("\n");
}

static bool
settles_right(struct loop_world *world, const struct graph *graph, const char *when)
{
    bool right = loop_run(world, LOOP_ROUNDS_MAX) && is_right(world);
    if (!right) {
        print_graph(graph, when);
    }
    return right;
}

static void
serve_all(struct loop_world *world, bool serves)
{
    for (uint32_t i = 0; i < world->federation_count; i++) {
        loop_serve(world, i, serves);
    }
}

/* A function that goes while the news of it still travels. */
static bool
spreads(struct loop_world *world, const struct graph *graph)
{
    uint32_t first = (uint32_t)prng_below(&world->prng, world->federation_count);
    serve_all(world, true);
    (void)loop_run(world, (uint32_t)prng_below(&world->prng, 4));
    loop_serve(world, first, false);
    bool right = settles_right(world, graph, "a function that went at once");
    loop_serve(world, first, true);
    return settles_right(world, graph, "functions that came") && right;
}

/* What is stale closes no loop either. Then the link comes back, or is given up first. */
static bool
cuts_and_mends(struct loop_world *world, const struct graph *graph, uint32_t bridge, uint32_t link)
{
    loop_cut(world, bridge, link);
    bool right = loop_run(world, LOOP_ROUNDS_MAX) && has_no_loop(world);
    if (!right) {
        print_graph(graph, "a link that was cut");
    }
    if (prng_chance(&world->prng, 500)) {
        loop_give_up(world, bridge, link);
        right = settles_right(world, graph, "a link that was given up") && right;
    }
    loop_mend(world, bridge, link);
    return settles_right(world, graph, "a link that came back") && right;
}

/* All links of a bridge, as when it dies: its neighbours know no more than that, and each of them may know another way. */
static bool
bridge_is_cut_off(struct loop_world *world, const struct graph *graph)
{
    uint32_t index = (uint32_t)prng_below(&world->prng, world->bridge_count);
    const struct loop_bridge *bridge = &world->bridges[index];
    for (uint32_t link = 0; link < bridge->link_count; link++) {
        loop_cut(world, index, link);
    }
    bool right = loop_run(world, LOOP_ROUNDS_MAX) && has_no_loop(world);
    for (uint32_t link = 0; link < bridge->link_count; link++) {
        loop_mend(world, index, link);
    }
    if (!right) {
        print_graph(graph, "a bridge that was cut off");
    }
    return settles_right(world, graph, "a bridge that came back") && right;
}

static void
doubt_links(struct loop_world *world, uint32_t permille)
{
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        for (uint32_t link = 0; link < world->bridges[i].link_count; link++) {
            loop_doubt(world, i, link, prng_chance(&world->prng, permille));
        }
    }
}

static bool
links_are_doubted(struct loop_world *world, const struct graph *graph)
{
    doubt_links(world, 400);
    bool right = settles_right(world, graph, "links that are doubted");
    doubt_links(world, 400);
    right = settles_right(world, graph, "others that are doubted") && right;
    right = bridge_is_cut_off(world, graph) && right;
    doubt_links(world, 0);
    return settles_right(world, graph, "no link that is doubted") && right;
}

/* Each link once; of five federations some. */
static bool
links_are_cut(struct loop_world *world, const struct graph *graph)
{
    bool right = true;
    uint32_t part = graph->count < LOOP_FEDERATIONS_MAX ? 1 : EDGES_MAX / 2 / CUTS_OF_FIVE;
    for (uint32_t bridge = 0; bridge < world->bridge_count; bridge++) {
        for (uint32_t link = 0; link < world->bridges[bridge].link_count; link++) {
            if (world->bridges[bridge].links[link].bridge > bridge &&
                prng_below(&world->prng, part) == 0) {
                right = cuts_and_mends(world, graph, bridge, link) && right;
            }
        }
    }
    return right;
}

static bool
all_goes(struct loop_world *world, const struct graph *graph)
{
    loop_serve(world, (uint32_t)prng_below(&world->prng, world->federation_count), false);
    bool right = settles_right(world, graph, "a function that went");
    serve_all(world, false);
    right = settles_right(world, graph, "all functions that went") && right;
    for (uint32_t i = 0; i < world->bridge_count; i++) {
        const struct rib_counts *counts = rib_counts(world->bridges[i].rib);
        right = right && counts->services == 0 && counts->offers == 0;
    }
    return right;
}

static bool
graph_is_right(const struct graph *graph, uint64_t seed, struct loop_options options)
{
    static struct loop_world world;
    bool edges[LOOP_FEDERATIONS_MAX][LOOP_FEDERATIONS_MAX];
    struct prng prng = { .state = seed };
    uint32_t order[LOOP_FEDERATIONS_MAX];
    /* Of links that are as good the first wins: which that is should not depend on how graphs are counted. */
    nth_order((uint32_t)prng_below(&prng, ORDERS_OF_FIVE), graph->count, order);
    struct graph drawn = renamed(graph, order);
    for (uint32_t a = 0; a < drawn.count; a++) {
        for (uint32_t b = 0; b < drawn.count; b++) {
            edges[a][b] = has_edge(&drawn, a, b);
        }
    }
    loop_open(&world, prng_next(&prng), options, drawn.count, edges);
    bool right = spreads(&world, &drawn);
    right = right && links_are_doubted(&world, &drawn);
    right = right && links_are_cut(&world, &drawn);
    right = right && all_goes(&world, &drawn);
    return loop_close(&world) && right;
}

/* The seed's part of the first `graph_count` graphs. */
static bool
slice_is_right(uint64_t seed, uint32_t graph_count, struct loop_options options)
{
    const struct graph *graphs = all_graphs();
    bool right = true;
    for (uint64_t i = seed % SLICES; i < graph_count && right; i += SLICES) {
        right = graph_is_right(&graphs[i], seed * UINT32_MAX + i, options);
    }
    return right;
}

static bool
functions_go_where_a_way_leads(uint64_t seed)
{
    const struct loop_options options = { .transit = true };
    return slice_is_right(seed, ALL_GRAPHS, options);
}

static bool
each_way_has_a_name(uint64_t seed)
{
    const struct loop_options options = { .transit = true, .renames = true };
    return slice_is_right(seed, ALL_GRAPHS, options);
}

static bool
only_neighbours_hear_without_transit(uint64_t seed)
{
    const struct loop_options options = { .transit = false };
    return slice_is_right(seed, SMALL_GRAPHS, options);
}

static bool
functions_go_as_far_as_their_hops(uint64_t seed)
{
    const struct loop_options options = {
        .transit = true,
        .renames = seed % 2 == 0,
        .hops = 1 + (uint32_t)(seed / 2 % 3),
    };
    return slice_is_right(seed, SMALL_GRAPHS, options);
}

static bool
sent_back_is_refused(uint64_t seed)
{
    const struct loop_options options = {
        .transit = true,
        .careless = true,
        .renames = seed % 2 == 0,
    };
    return slice_is_right(seed, SMALL_GRAPHS, options);
}

static bool
bridges_of_one_federation_pass_nothing_on(uint64_t seed)
{
    const struct loop_options options = {
        .transit = true,
        .siblings = true,
        .renames = seed % 2 == 0,
    };
    return slice_is_right(seed, ALL_GRAPHS, options);
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "functions go where a way leads", functions_go_where_a_way_leads },
        { "each way has a name of its own", each_way_has_a_name },
        { "without transit only neighbours hear", only_neighbours_hear_without_transit },
        { "functions go as far as their hops", functions_go_as_far_as_their_hops },
        { "what is sent back is refused", sent_back_is_refused },
        { "bridges of one federation pass nothing on", bridges_of_one_federation_pass_nothing_on },
    };
    (void)all_graphs();
    printf(
        "%u graphs of up to 4 federations, %u kinds of graphs of 5\n", SMALL_GRAPHS, KINDS_OF_FIVE);
    return property_main(argc, argv, properties, COUNT_OF(properties), SEEDS);
}
