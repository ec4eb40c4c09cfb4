/* SPDX-License-Identifier: Apache-2.0 */
/* sim_damping.c - damping, judged by what is seen from outside: when it must end, and what is chosen. */
#include "tests/sim/sim_damping.h"

static void
judge_function(
    struct sim_world *world, const struct sim_host *host, const struct rib_import *import)
{
    const struct damping_config *config = &world->function_damping;
    uint64_t longest_ns = damping_is_on(config) ? config->max_suppress_ns : 0;
    longest_ns = longest_ns > world->hold_down_ns ? longest_ns : world->hold_down_ns;
    struct instant now = sim_world_now(world, host).mono;
    struct instant until = rib_damped_until(bridge_rib(host->bridge), import);
    bool overdue = instant_reached(until, now) && sim_world_is_idle(world, host);
    if (instant_between(now, until) > longest_ns || longest_ns == 0 || overdue) {
        sim_world_fail(world, "%s: %.*s is held back for %.3f s more, at most %.3f s", host->name,
            SPAN_ARGS(identity_name(import->in.identity)),
            (double)instant_between(now, until) / 1e9, (double)longest_ns / 1e9);
    }
}

/* Another link that is neither damped nor doubted brings, fresh and undoubted, what this import of one that is serves. */
static const struct rib_import *
find_better_way(const struct sim_host *host, const struct rib_import *import)
{
    const struct rib *rib = bridge_rib(host->bridge);
    LIST_EACH (at, &import->offer->candidates) {
        const struct rib_import *other = CONTAINER_OF(at, struct rib_import, in_offer);
        bool fresh = !rib_link_is_damped(rib, other->link) &&
                     !rib_link_is_doubted(rib, other->link) && !rib_import_in(other).doubted &&
                     !rib_import_is_stale(rib, other);
        if (fresh &&
            kept_attributes(&other->out)->preference >= kept_attributes(&import->out)->preference) {
            return other;
        }
    }
    return NULL;
}

static void
judge_choice(struct sim_world *world, const struct sim_host *host, const struct rib_import *import)
{
    /* Beside nodes of the cluster each link's policy has its own say. */
    const struct sim_policy_use *use = &host->uses[import->link][host->use_count[import->link] - 1];
    bool serves = import->state == RIB_IMPORT_CANDIDATE && import->offer->made == import &&
                  use->rules.overlap == POLICY_OVERLAP_PREFER_LOCAL;
    const struct rib_import *better = serves ? find_better_way(host, import) : NULL;
    if (better != NULL && sim_world_is_idle(world, host)) {
        sim_world_fail(world,
            "%s: %.*s comes over link %u, by a way that is damped or doubted, and not over %u",
            host->name, SPAN_ARGS(identity_name(import->out.identity)), import->link, better->link);
    }
}

void
sim_damping_judge(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    uint64_t longest_ns =
        damping_is_on(&world->link_damping) ? world->link_damping.max_suppress_ns : 0;
    if (stats.damped && stats.damped_for_ns > longest_ns) {
        sim_world_fail(world, "%s: link %u is damped for %.3f s more, at most %.3f s", host->name,
            link, (double)stats.damped_for_ns / 1e9, (double)longest_ns / 1e9);
    }
    size_t cursor = 0;
    const struct rib_import *import;
    while ((import = rib_each_import(bridge_rib(host->bridge), link, &cursor)) != NULL) {
        if (import->state == RIB_IMPORT_REJECTED && import->reason == PRUNE_DAMPED) {
            judge_function(world, host, import);
        } else if (stats.damped || stats.doubted || rib_import_in(import).doubted) {
            judge_choice(world, host, import);
        }
    }
}

void
sim_damping_check_over(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; host->is_bridge && link < bridge_link_count(host->bridge); link++) {
            struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
            if (stats.damped || stats.import_damped > 0) {
                sim_world_fail(world, "%s: link %.*s is%s damped still, and %llu of its functions",
                    host->name, SPAN_ARGS(stats.name), stats.damped ? "" : " not",
                    (unsigned long long)stats.import_damped);
            }
        }
    }
}
