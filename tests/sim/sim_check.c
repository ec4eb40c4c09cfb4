/* SPDX-License-Identifier: Apache-2.0 */
/* sim_check.c - what must never be seen, and what must be seen in the end. */
#include "tests/sim/sim_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_judge.h"
#include "tests/sim/sim_oracle.h"

/* No call takes longer, and what a crash interrupts takes none of them along. */
#define CALL_NS (40 * SEC_NS)

static struct catalog *
catalog_of(struct sim_host *host)
{
    return member_catalog(host->is_bridge ? bridge_member(host->bridge) : node_member(host->node));
}

/* Built-in commands have no dot in their names; every simulated function has one. */
static bool
is_built_in(struct span name)
{
    return span_find(name, '.') == name.size;
}

static bool
served_by_node(
    const struct sim_world *world, uint32_t federation, struct span name, struct span node_id)
{
    const struct sim_federation *own = &world->federations[federation];
    for (uint32_t i = 0; i < own->node_count; i++) {
        const struct sim_host *host = &world->hosts[own->nodes[i]];
        if (!span_is(node_id, host->url)) {
            continue;
        }
        for (uint32_t f = 0; f < host->function_count; f++) {
            if (span_is(name, host->functions[f].name)) {
                return true;
            }
        }
    }
    return false;
}

static bool
may_be_imported(struct sim_world *world, uint32_t federation, struct span name, struct span node_id)
{
    const struct sim_federation *own = &world->federations[federation];
    bool is_bridge = false;
    for (uint32_t i = 0; i < own->bridge_count; i++) {
        is_bridge = is_bridge || span_is(node_id, world->hosts[own->bridges[i]].url);
    }
    return is_bridge && sim_oracle_may_offer(world, federation, name);
}

static void
check_entry(struct sim_world *world, const struct sim_host *host, const struct catalog_entry *entry)
{
    const struct function_key key = catalog_endpoint(entry).key;
    uint32_t federation = host->federation;
    bool allowed = span_is(key.cluster_id, world->federations[federation].name) &&
                   (is_built_in(key.identity.name) ||
                       served_by_node(world, federation, key.identity.name, key.node_id) ||
                       may_be_imported(world, federation, key.identity.name, key.node_id));
    if (!allowed) {
        sim_world_fail(world, "%s sees %.*s at %.*s, which nobody may offer there", host->name,
            SPAN_ARGS(key.identity.name), SPAN_ARGS(key.node_id));
    }
}

/* The most calls that a policy allows which was in use since then; 0: one of them allows any number. */
static uint64_t
in_flight_max(
    const struct sim_host *host, uint32_t link, enum policy_direction direction, uint64_t since)
{
    uint64_t max = 0;
    for (uint32_t i = 0; i < host->use_count[link]; i++) {
        const struct sim_policy_use *use = &host->uses[link][i];
        uint64_t allowed = use->rules.call_limits[direction].in_flight;
        if (use->until >= since && allowed == 0) {
            return 0;
        }
        max = use->until >= since && allowed > max ? allowed : max;
    }
    return max;
}

/* Each rule that accepts, in this direction; every call of the link is of one of them. */
static void
check_limit(struct sim_world *world, const struct sim_host *host, uint32_t link,
    enum policy_direction direction)
{
    const struct sim_policy_use *use = &host->uses[link][host->use_count[link] - 1];
    struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    const struct bridge_call_stats *calls =
        direction == POLICY_EXPORT ? &stats.from_link : &stats.to_link;
    bool limited = sim_limits_are_there(&use->rules.call_limits[direction]);
    uint64_t since = world->now_ns < CALL_NS ? 0 : world->now_ns - CALL_NS;
    uint64_t max = in_flight_max(host, link, direction, since);
    uint64_t sum = 0;
    const char *id;
    for (uint32_t i = 0; (id = sim_rules_accepting(&use->rules, direction, i)) != NULL; i++) {
        const struct call_limit *limit =
            bridge_call_limit(host->bridge, link, direction, span_from_text(id));
        if (limited != (limit != NULL)) {
            sim_world_fail(world, "%s: link %.*s, rule %s: its limits are not those of the policy",
                host->name, SPAN_ARGS(stats.name), id);
            return;
        }
        sum += limited ? limit->in_flight : 0;
        if (limited && max > 0 && limit->in_flight > max) {
            sim_world_fail(world, "%s: link %.*s, rule %s: %llu calls under way, at most %llu may",
                host->name, SPAN_ARGS(stats.name), id, (unsigned long long)limit->in_flight,
                (unsigned long long)max);
        }
    }
    /* A call that comes again over another link does not count there if that has no room. */
    bool exact =
        limited && host->use_count[link] == 1 && bridge_stats(host->bridge).calls_recognised == 0;
    if (sum > calls->in_flight || (exact && sum != calls->in_flight)) {
        sim_world_fail(world, "%s: link %.*s has %llu calls under way, its rules count %llu",
            host->name, SPAN_ARGS(stats.name), (unsigned long long)calls->in_flight,
            (unsigned long long)sum);
    }
}

static void
check_limits(struct sim_world *world, const struct sim_host *host)
{
    for (uint32_t link = 0; link < bridge_link_count(host->bridge); link++) {
        check_limit(world, host, link, POLICY_EXPORT);
        check_limit(world, host, link, POLICY_IMPORT);
    }
}

void
sim_check_safety(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        struct sim_host *host = &world->hosts[i];
        size_t cursor = 0;
        const struct catalog_entry *entry;
        while (host->alive && (entry = catalog_next(catalog_of(host), &cursor)) != NULL) {
            check_entry(world, host, entry);
        }
        if (host->alive && host->is_bridge && host->stops_until == 0) {
            check_limits(world, host);
            sim_judge_bridge(world, host);
        }
        if (host->alive && host->stops_until > 0 && world->now_ns > host->stops_until) {
            sim_world_fail(world, "%s was told to stop, and does not", host->name);
        }
    }
}

void
sim_check_links(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; host->is_bridge && link < bridge_link_count(host->bridge); link++) {
            struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
            if (stats.state != LINK_UP) {
                sim_world_fail(world, "%s: link %.*s is %s (%s)", host->name, SPAN_ARGS(stats.name),
                    link_state_name(stats.state), stats.session->last_reason);
            }
        }
    }
}

/* How often; what is not alive any more does not count. */
static uint32_t
count_seen(struct sim_world *world, struct sim_host *viewer, const char *name, const char *url)
{
    struct now now = sim_world_now(world, viewer);
    const struct catalog_entry *entry = NULL;
    struct catalog *catalog = catalog_of(viewer);
    uint32_t count = 0;
    while ((entry = catalog_next_named(catalog, span_from_text(name), entry)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        count += span_is(endpoint.key.node_id, url) &&
                 function_alive(endpoint.advertised_at, endpoint.ttl_ns, now.wall);
    }
    return count;
}

static bool
is_served_at_home(const struct sim_world *world, uint32_t federation, const char *name)
{
    const struct sim_federation *own = &world->federations[federation];
    for (uint32_t i = 0; i < own->node_count; i++) {
        const struct sim_host *host = &world->hosts[own->nodes[i]];
        if (served_by_node(world, federation, span_from_text(name), span_from_text(host->url))) {
            return true;
        }
    }
    return false;
}

/* What all bridges should offer in the end, by host. */
struct expected {
    const struct sim_world *world;
    char names[SIM_HOSTS_MAX][512][SIM_TEXT_MAX];
    uint32_t counts[SIM_HOSTS_MAX];
};

static bool
is_expected(const struct expected *expected, uint32_t bridge, struct span name)
{
    for (uint32_t i = 0; i < expected->counts[bridge]; i++) {
        if (span_is(name, expected->names[bridge][i])) {
            return true;
        }
    }
    return false;
}

static void
expect_one(
    void *owner, const struct sim_host *bridge, const char *name, const struct sim_rules *import)
{
    struct expected *expected = owner;
    uint32_t at = bridge->index;
    bool beside = import->overlap == POLICY_OVERLAP_BALANCE ||
                  !is_served_at_home(expected->world, bridge->federation, name);
    if (beside && !is_expected(expected, at, span_from_text(name))) {
        CHECK(expected->counts[at] < COUNT_OF(expected->names[0]));
        snprintf(expected->names[at][expected->counts[at]++], SIM_TEXT_MAX, "%s", name);
    }
}

static void
expect_all(const struct sim_world *world, struct expected *expected)
{
    const struct sim_since now = { .ns = world->now_ns };
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t f = 0; f < host->function_count; f++) {
            sim_oracle_search(world, host, &host->functions[f], now, expect_one, expected);
        }
    }
}

static void
check_seen(struct sim_world *world, struct sim_host *viewer, const char *name, const char *url)
{
    uint32_t seen = count_seen(world, viewer, name, url);
    if (seen != 1) {
        sim_world_fail(world, "%s sees %s at %s %u times", viewer->name, name, url, seen);
    }
}

/* What one bridge offers, as somebody in its cluster sees it. */
static void
check_offers(struct sim_world *world, struct sim_host *viewer, const struct sim_host *bridge,
    const struct expected *expected)
{
    for (uint32_t i = 0; i < expected->counts[bridge->index]; i++) {
        check_seen(world, viewer, expected->names[bridge->index][i], bridge->url);
    }
    size_t cursor = 0;
    const struct catalog_entry *entry;
    while ((entry = catalog_next(catalog_of(viewer), &cursor)) != NULL) {
        struct span name = identity_name(entry->identity);
        if (span_is(catalog_endpoint(entry).key.node_id, bridge->url) && !is_built_in(name) &&
            !is_expected(expected, bridge->index, name)) {
            struct now now = sim_world_now(world, viewer);
            sim_world_fail(world, "%s still sees %.*s of %s, advertised %.1f s ago for %.0f s",
                viewer->name, SPAN_ARGS(name), bridge->name,
                (double)(now.wall.ns - entry->advertised_at.ns) / 1e9, (double)entry->ttl_ns / 1e9);
        }
    }
}

static void
check_viewer(struct sim_world *world, struct sim_host *viewer, const struct expected *expected)
{
    const struct sim_federation *own = &world->federations[viewer->federation];
    for (uint32_t i = 0; i < own->node_count; i++) {
        const struct sim_host *host = &world->hosts[own->nodes[i]];
        for (uint32_t f = 0; f < host->function_count; f++) {
            check_seen(world, viewer, host->functions[f].name, host->url);
        }
    }
    for (uint32_t i = 0; i < own->bridge_count; i++) {
        check_offers(world, viewer, &world->hosts[own->bridges[i]], expected);
    }
}

void
sim_check_tables(struct sim_world *world)
{
    struct expected *expected = calloc(1, sizeof(*expected));
    CHECK(expected != NULL);
    expected->world = world;
    sim_check_safety(world);
    expect_all(world, expected);
    for (uint32_t i = 0; i < world->host_count; i++) {
        check_viewer(world, &world->hosts[i], expected);
    }
    free(expected);
}

void
sim_check_describe(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        struct sim_host *host = &world->hosts[i];
        if (!host->alive) {
            fprintf(stderr, "  %s is not running\n", host->name);
            continue;
        }
        struct now now = sim_world_now(world, host);
        struct member *member =
            host->is_bridge ? bridge_member(host->bridge) : node_member(host->node);
        struct member_node node;
        size_t cursor = 0;
        fprintf(stderr, "  %s, next tick at %.3f s:", host->name, (double)host->deadline / 1e9);
        while (member_next_node(member, &cursor, now, &node)) {
            fprintf(stderr, " %.*s%s%s", SPAN_ARGS(node.url), node.dialed_up ? " dialed" : "",
                node.inbound_up ? " inbound" : "");
        }
        fputc('\n', stderr);
    }
}
