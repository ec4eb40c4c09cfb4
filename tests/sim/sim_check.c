/* SPDX-License-Identifier: Apache-2.0 */
/* sim_check.c - what must never be seen, and what must be seen in the end. */
#include "tests/sim/sim_check.h"

#include <stdio.h>
#include <string.h>

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
imported_by_bridge(
    const struct sim_world *world, uint32_t federation, struct span name, struct span node_id)
{
    const struct sim_federation *own = &world->federations[federation];
    if (!span_is(node_id, world->hosts[own->bridge].url)) {
        return false;
    }
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *far = &world->hosts[i];
        for (uint32_t f = 0; f < far->function_count; f++) {
            char visible[SIM_TEXT_MAX];
            if (far->federation != federation &&
                sim_oracle_allows(
                    world, far->federation, federation, &far->functions[f], visible) &&
                span_is(name, visible)) {
                return true;
            }
        }
    }
    return false;
}

static void
check_entry(struct sim_world *world, const struct sim_host *host, const struct catalog_entry *entry)
{
    const struct function_key *key = &entry->endpoint.key;
    uint32_t federation = host->federation;
    bool allowed = span_is(key->cluster_id, world->federations[federation].name) &&
                   (is_built_in(key->identity.name) ||
                       served_by_node(world, federation, key->identity.name, key->node_id) ||
                       imported_by_bridge(world, federation, key->identity.name, key->node_id));
    if (!allowed) {
        sim_world_fail(world, "%s sees %.*s at %.*s, which nobody may offer there", host->name,
            SPAN_ARGS(key->identity.name), SPAN_ARGS(key->node_id));
    }
}

/* The one rule that accepts, in this direction; every call of the link is of it. */
static void
check_limit(struct sim_world *world, const struct sim_host *host, uint32_t link,
    enum policy_direction direction)
{
    bool out = direction == POLICY_EXPORT;
    struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    const struct bridge_call_stats *calls = out ? &stats.from_link : &stats.to_link;
    const struct call_limit *limit =
        bridge_call_limit(host->bridge, link, direction, out ? SPAN("public") : SPAN("far"));
    const struct policy_call_limits *drawn =
        &world->federations[host->federation].call_limits[direction];
    bool limited =
        drawn->rate + drawn->in_flight + drawn->timeout_ns + drawn->args_size + drawn->result_size >
        0;
    if (limited != (limit != NULL)) {
        sim_world_fail(world, "%s: the limits of link %.*s are not those of its policy", host->name,
            SPAN_ARGS(stats.name));
        return;
    }
    if (limited && (limit->in_flight != calls->in_flight ||
                       (drawn->in_flight > 0 && limit->in_flight > drawn->in_flight))) {
        sim_world_fail(world, "%s: link %.*s has %llu calls under way, rule '%.*s' %llu",
            host->name, SPAN_ARGS(stats.name), (unsigned long long)calls->in_flight,
            SPAN_ARGS(limit->rule_id), (unsigned long long)limit->in_flight);
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
        if (host->alive && host->is_bridge) {
            check_limits(world, host);
        }
    }
}

void
sim_check_links(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->federation_count; i++) {
        struct sim_host *host = &world->hosts[world->federations[i].bridge];
        for (uint32_t link = 0; link < bridge_link_count(host->bridge); link++) {
            struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
            if (stats.state != LINK_UP) {
                sim_world_fail(world, "%s: link %.*s is %s (%s)", host->name, SPAN_ARGS(stats.name),
                    link_state_name(stats.state), stats.session->last_reason);
            }
        }
    }
}

static void
expect(struct sim_world *world, struct sim_host *viewer, const char *name, const char *url)
{
    struct now now = sim_world_now(world, viewer);
    const struct catalog_entry *entry = NULL;
    struct catalog *catalog = catalog_of(viewer);
    while ((entry = catalog_next_named(catalog, span_from_text(name), entry)) != NULL) {
        const struct function_endpoint *endpoint = &entry->endpoint;
        if (span_is(endpoint->key.node_id, url) &&
            function_alive(endpoint->advertised_at, endpoint->ttl_ns, now.wall)) {
            return;
        }
    }
    sim_world_fail(world, "%s does not see %s at %s", viewer->name, name, url);
}

static void
check_viewer(struct sim_world *world, struct sim_host *viewer)
{
    const struct sim_federation *own = &world->federations[viewer->federation];
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t f = 0; f < host->function_count; f++) {
            const struct sim_function *function = &host->functions[f];
            char visible[SIM_TEXT_MAX];
            if (host->federation == viewer->federation) {
                expect(world, viewer, function->name, host->url);
            } else if (sim_oracle_allows(
                           world, host->federation, viewer->federation, function, visible)) {
                expect(world, viewer, visible, world->hosts[own->bridge].url);
            }
        }
    }
}

void
sim_check_tables(struct sim_world *world)
{
    sim_check_safety(world);
    for (uint32_t i = 0; i < world->host_count; i++) {
        check_viewer(world, &world->hosts[i]);
    }
}

void
sim_check_idle(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->federation_count; i++) {
        struct sim_host *host = &world->hosts[world->federations[i].bridge];
        for (uint32_t link = 0; link < bridge_link_count(host->bridge); link++) {
            struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
            if (stats.from_link.in_flight + stats.to_link.in_flight > 0) {
                sim_world_fail(world, "%s: link %.*s has calls under way that nobody waits for",
                    host->name, SPAN_ARGS(stats.name));
            }
        }
    }
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
