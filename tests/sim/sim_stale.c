/* SPDX-License-Identifier: Apache-2.0 */
/* sim_stale.c - lifetimes, by when they are looked at next; and tables, by what keepalives say of them. */
#include "tests/sim/sim_stale.h"

#define LOOK_PAUSE_NS (1 * SEC_NS)

/* Nothing that is due is left undone, and the next look at lifetimes is not later than any of them is over. */
static void
judge_lifetimes(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    size_t cursor = 0;
    const struct rib *rib = bridge_rib(host->bridge);
    const struct rib_import *import;
    struct instant now = sim_world_now(world, host).mono;
    struct instant look = rib_expiry_deadline(rib, link);
    while ((import = rib_each_import(rib, link, &cursor)) != NULL) {
        bool is_candidate = import->state == RIB_IMPORT_CANDIDATE;
        uint64_t lifetime_ns = kept_attributes(is_candidate ? &import->out : &import->in)->ttl_ns;
        bool late = instant_reached(look, now) ||
                    !instant_reached(look, instant_after(now, lifetime_ns + LOOK_PAUSE_NS));
        if (rib_import_is_stale(rib, import) && late) {
            sim_world_fail(world, "%s: %.*s of link %u is stale, and good for %.3f s; nobody looks",
                host->name, SPAN_ARGS(identity_name(import->in.identity)), link,
                (double)lifetime_ns / 1e9);
        }
    }
}

void
sim_stale_judge(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    if (sim_world_is_idle(world, host) && !stats.suspended) {
        judge_lifetimes(world, host, link);
    }
    if (stats.diverged_ns > 0) {
        sim_world_fail(
            world, "%s: the table of link %u is not what the far side means", host->name, link);
    }
}
