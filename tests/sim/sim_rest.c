/* SPDX-License-Identifier: Apache-2.0 */
/* sim_rest.c - a world in which nothing happens any more. */
#include "tests/sim/sim_rest.h"

#include "tests/sim/sim_probes.h"

/* A call that ran out of time where it began is over behind each border as much later as it took to get there. */
#define CALLS_OVER_NS (1 * SEC_NS)

/* Probes of many links may leave no such moment. */
#define CALLS_WITHIN_NS (10 * SEC_NS)

#define CALLS_STEP_NS (10 * MS_NS)

/* Long enough to be told, to be answered and to be told again. */
#define CHANGES_NS (5 * SEC_NS)

/* What a probe has found a moment ago is on its way; it finds nothing else so soon. */
#define TOLD_NS (1 * SEC_NS)

static uint64_t
calls_under_way(const struct sim_world *world)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
            count += stats.from_link.in_flight + stats.to_link.in_flight;
        }
    }
    return count;
}

static void
check_limits_are_idle(struct sim_world *world, const struct sim_host *host, uint32_t link,
    enum policy_direction direction)
{
    const struct sim_rules *rules = &host->uses[link][host->use_count[link] - 1].rules;
    const char *id;
    for (uint32_t i = 0; (id = sim_rules_accepting(rules, direction, i)) != NULL; i++) {
        const struct call_limit *limit =
            bridge_call_limit(host->bridge, link, direction, span_from_text(id));
        if (limit != NULL && limit->in_flight > 0) {
            sim_world_fail(
                world, "%s: rule %s of link %u holds calls that ended", host->name, id, link);
        }
    }
}

static void
check_is_idle(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
            if (stats.from_link.in_flight + stats.to_link.in_flight > 0) {
                sim_world_fail(world, "%s: link %.*s has calls under way that nobody waits for",
                    host->name, SPAN_ARGS(stats.name));
            }
            check_limits_are_idle(world, host, link, POLICY_EXPORT);
            check_limits_are_idle(world, host, link, POLICY_IMPORT);
        }
    }
}

void
sim_rest_check_calls(struct sim_world *world)
{
    uint64_t end = world->now_ns + CALLS_WITHIN_NS;
    uint64_t probed_at = world->now_ns;
    /* In a world that never comes to rest no time passes. */
    while (world->now_ns < end && !world->failed) {
        if (calls_under_way(world) == 0 || world->now_ns - probed_at > CALLS_OVER_NS) {
            check_is_idle(world);
            return;
        }
        sim_world_run(world, world->now_ns + CALLS_STEP_NS);
        probed_at = sim_probes_under_way(world) > 0 ? world->now_ns : probed_at;
    }
}

/* Whatever came, went or changed over its links so far. */
static uint64_t
changes_of(const struct sim_host *host)
{
    const struct rib *rib = bridge_rib(host->bridge);
    uint64_t count = 0;
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        count += rib_report_version(rib, link);
    }
    return count;
}

void
sim_rest_check_changes(struct sim_world *world)
{
    uint64_t before[SIM_HOSTS_MAX] = { 0 };
    if (!sim_probes_are_steady(world)) {
        return; /* with each one that is refused, other ways are preferred */
    }
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        before[i] = host->is_bridge ? changes_of(host) : 0;
    }
    sim_world_run(world, world->now_ns + CHANGES_NS);
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        uint64_t after = host->is_bridge ? changes_of(host) : 0;
        if (after != before[i]) {
            sim_world_fail(world, "%s: %llu functions came or went, and there is no reason",
                host->name, (unsigned long long)(after - before[i]));
        }
    }
}

/* As who told it must have said: its own link to the one before, or what that one had said. */
static bool
is_doubted_there(const struct sim_host *far, const struct rib_export *exported)
{
    const struct rib *rib = bridge_rib(far->bridge);
    const struct rib_import *import = rib_export_import(exported);
    return import != NULL &&
           (rib_link_is_damped(rib, import->link) || rib_link_is_doubted(rib, import->link) ||
               rib_import_in(import).doubted);
}

/* A route that a link has brought, and that does not say of itself what is so. */
struct mistake {
    uint32_t host;
    uint32_t link;
    uint64_t route_id;
    bool doubted; /* where it comes from */
};

#define MISTAKES_MAX 64u

struct mistakes {
    struct mistake items[MISTAKES_MAX];
    uint32_t count;
};

static void
find_mistakes(const struct sim_world *world, const struct sim_host *host, uint32_t link,
    struct mistakes *mistakes)
{
    const struct sim_host *far = &world->hosts[host->link_host[link]];
    uint32_t back = sim_world_link_to(far, host);
    size_t cursor = 0;
    const struct rib_export *exported;
    while ((exported = rib_each_export(bridge_rib(far->bridge), back, &cursor)) != NULL) {
        const struct rib_import *import =
            rib_find_import(bridge_rib(host->bridge), link, exported->route_id);
        bool doubted = is_doubted_there(far, exported);
        bool mistaken = import != NULL && rib_import_in(import).doubted != doubted;
        if (mistaken && mistakes->count < MISTAKES_MAX) {
            mistakes->items[mistakes->count++] =
                (struct mistake){ host->index, link, exported->route_id, doubted };
        }
    }
}

static void
find_all_mistakes(const struct sim_world *world, struct mistakes *mistakes)
{
    mistakes->count = 0;
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            find_mistakes(world, host, link, mistakes);
        }
    }
}

static bool
was_made(const struct mistakes *before, const struct mistake *mistake)
{
    bool made = false;
    for (uint32_t i = 0; i < before->count; i++) {
        const struct mistake *other = &before->items[i];
        made =
            made || (other->host == mistake->host && other->link == mistake->link &&
                        other->route_id == mistake->route_id && other->doubted == mistake->doubted);
    }
    return made;
}

void
sim_rest_check_doubts(struct sim_world *world)
{
    struct mistakes before;
    struct mistakes after;
    find_all_mistakes(world, &before);
    sim_world_run(world, world->now_ns + TOLD_NS);
    find_all_mistakes(world, &after);
    for (uint32_t i = 0; i < after.count; i++) {
        const struct mistake *mistake = &after.items[i];
        const struct sim_host *host = &world->hosts[mistake->host];
        const struct sim_host *far = &world->hosts[host->link_host[mistake->link]];
        const struct rib_import *import =
            rib_find_import(bridge_rib(host->bridge), mistake->link, mistake->route_id);
        if (was_made(&before, mistake)) {
            sim_world_fail(world, "%s: %.*s of %s is%s doubted, there it is%s", host->name,
                SPAN_ARGS(identity_name(import->in.identity)), far->name,
                mistake->doubted ? " not" : "", mistake->doubted ? "" : " not");
        }
    }
}
