/* SPDX-License-Identifier: Apache-2.0 */
/* sim_reports.c - reports, counted again at the other end. */
#include "tests/sim/sim_reports.h"

#include <string.h>

/* What one end has made of what the other announces, by the import's own state. */
struct count {
    uint64_t accepted;
    uint64_t rejected;
    uint64_t by_reason[PRUNE_REASON_COUNT];
};

static struct count
count_imports(const struct sim_host *host, uint32_t link)
{
    struct count count = { 0 };
    size_t cursor = 0;
    const struct rib_import *import;
    while ((import = rib_each_import(bridge_rib(host->bridge), link, &cursor)) != NULL) {
        bool accepted = import->state == RIB_IMPORT_CANDIDATE;
        count.accepted += accepted;
        count.rejected += !accepted;
        count.by_reason[import->reason] += !accepted;
    }
    return count;
}

static uint64_t
told_of(const struct link_report *report, enum prune_reason reason)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < report->rule_count; i++) {
        count += span_is(report->rules[i].reason, prune_reason_name(reason))
                     ? report->rules[i].count
                     : 0;
    }
    return count;
}

static void
check_end(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    const struct sim_host *far = &world->hosts[host->link_host[link]];
    struct count there = count_imports(far, sim_world_link_to(far, host));
    uint64_t ago_ns;
    const struct link_report *told = bridge_link_told(host->bridge, link, &ago_ns);
    if (told == NULL) {
        sim_world_fail(world, "%s: %s has told nothing", host->name, far->name);
        return;
    }
    uint64_t announced = bridge_link_stats(host->bridge, link).exported;
    bool same = told->accepted == there.accepted && told->rejected == there.rejected &&
                there.accepted + there.rejected == announced;
    for (uint32_t reason = 0; reason < PRUNE_REASON_COUNT; reason++) {
        same = same && told_of(told, (enum prune_reason)reason) == there.by_reason[reason];
    }
    if (!same) {
        sim_world_fail(world,
            "%s: of %llu functions %s accepts %llu and rejects %llu, it has told %llu and %llu "
            "%.1f s ago",
            host->name, (unsigned long long)announced, far->name,
            (unsigned long long)there.accepted, (unsigned long long)there.rejected,
            (unsigned long long)told->accepted, (unsigned long long)told->rejected,
            (double)ago_ns / 1e9);
    }
}

void
sim_reports_check(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            check_end(world, host, link);
        }
    }
}
