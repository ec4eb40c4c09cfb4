/* SPDX-License-Identifier: Apache-2.0 */
/* sim_probes.c - probes: drawn, answered, and found again from their counts. */
#include "tests/sim/sim_probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_oracle.h"

/* What was sent that long ago has ended: a timeout is shorter, and a frozen host thaws sooner. */
#define OLDEST_NS (60 * SEC_NS)

/* Some are answered with an error, always. */
static bool
fails(const struct sim_host *host, uint32_t link)
{
    return (host->index + link) % 5 == 0;
}

/* A function of the far federation as the rules that were drawn let it in here; else its own name, which is absent. */
static void
draw_name(const struct sim_world *world, struct prng *prng, const struct sim_host *host,
    uint32_t link, struct sim_probe *probe)
{
    const struct sim_host *far = &world->hosts[host->link_host[link]];
    const struct sim_federation *federation = &world->federations[far->federation];
    const struct sim_host *node =
        &world->hosts[federation->nodes[prng_below(prng, federation->node_count)]];
    struct sim_fact fact = { .name = "no.such" };
    if (node->function_count > 0) {
        uint64_t which = prng_below(prng, node->function_count);
        fact.name = node->functions[which].name;
        fact.is_public = node->functions[which].is_public;
    }
    char out[SIM_TEXT_MAX];
    char in[SIM_TEXT_MAX];
    bool passes = sim_rules_export(&far->rules[sim_world_link_to(far, host)], &fact, true, out) &&
                  sim_rules_import(&host->rules[link], out, in);
    snprintf(probe->name, sizeof(probe->name), "%s", passes ? in : fact.name);
}

static void
draw_probe(struct sim_world *world, struct prng *prng, struct sim_host *host, uint32_t link)
{
    struct sim_probe *probe = &host->probes[link];
    draw_name(world, prng, host, link, probe);
    snprintf(probe->args, sizeof(probe->args), "[\"probe\",%u,%u]", host->index, link);
    probe->config = (struct probe_config){
        .function = span_from_text(probe->name),
        .args = span_from_text(probe->args),
        .every_ns = (3 + prng_below(prng, 6)) * SEC_NS,
        .timeout_ns = (2 + prng_below(prng, 2)) * SEC_NS,
        .fail_after = 1 + (uint32_t)prng_below(prng, 3),
        .ok_after = 1 + (uint32_t)prng_below(prng, 3),
    };
    host->links[link].probes = &probe->config;
    host->links[link].probe_count = 1;
}

void
sim_probes_draw(struct sim_world *world)
{
    /* From chance of its own: what other seeds mean does not depend on it. */
    struct prng prng = { .state = world->seed ^ UINT64_C(0x70726f6265) };
    bool any = prng_below(&prng, 3) == 0;
    for (uint32_t i = 0; any && i < world->host_count; i++) {
        struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            if (prng_below(&prng, 2) == 0) {
                draw_probe(world, &prng, host, link);
            }
        }
    }
}

bool
sim_probes_execute(struct sim_world *world, const struct sim_host *host, const char *function,
    const char *args, bool *succeeds)
{
    static const char begin[] = "[\"probe\",";
    if (strncmp(args, begin, strlen(begin)) != 0) {
        return false;
    }
    char *end;
    unsigned long asker = strtoul(args + strlen(begin), &end, 10);
    unsigned long link = *end == ',' ? strtoul(end + 1, &end, 10) : SIM_LINKS_MAX;
    CHECK(asker < world->host_count && link < SIM_LINKS_MAX);
    const struct sim_host *bridge = &world->hosts[asker];
    const struct sim_since since = { .ns = world->now_ns < OLDEST_NS ? 0
                                                                     : world->now_ns - OLDEST_NS };
    bool allowed = false;
    for (uint32_t f = 0; f < host->function_count; f++) {
        allowed = allowed || (strcmp(host->functions[f].name, function) == 0 &&
                                 sim_oracle_explains(world, host, &host->functions[f],
                                     bridge->federation, bridge->probes[link].name, since));
    }
    if (!allowed) {
        sim_world_fail(world, "%s executed %s for a probe of %s by %s: denied", host->name,
            function, bridge->probes[link].name, bridge->name);
    }
    *succeeds = !fails(bridge, (uint32_t)link);
    return true;
}

void
sim_probes_judge(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    if (stats.probe_count == 0) {
        if (stats.doubted) {
            sim_world_fail(world, "%s: link %u is doubted, and has no probe", host->name, link);
        }
        return;
    }
    const struct probe *probe = &stats.probes[0];
    const struct probe_config *config = &stats.probe_configs[0];
    if (stats.doubted != probe->failing) {
        sim_world_fail(world, "%s: link %u is%s doubted, its probe is%s failing", host->name, link,
            stats.doubted ? "" : " not", probe->failing ? "" : " not");
    }
    bool speaks_against = (probe->last == PROBE_OK) == probe->failing;
    uint32_t enough = probe->failing ? config->ok_after : config->fail_after;
    if (probe_count(probe) > 0 &&
        (probe->in_a_row >= enough || speaks_against != (probe->in_a_row > 0))) {
        sim_world_fail(world, "%s: the probe of link %u is%s failing after %u in a row, last %s",
            host->name, link, probe->failing ? "" : " not", probe->in_a_row,
            probe_result_name(probe->last));
    }
    struct instant now = sim_world_now(world, host).mono;
    bool late = probe->under_way && host->frozen_until <= world->now_ns &&
                host->deadline > world->now_ns &&
                instant_between(probe->begun_at, now) > config->timeout_ns;
    if (late) {
        sim_world_fail(
            world, "%s: the probe of link %u takes longer than its timeout", host->name, link);
    }
}

/* A rule anywhere may refuse a call, also one of a probe. */
static bool
anybody_limits_calls(const struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            const struct sim_rules *rules = &host->uses[link][host->use_count[link] - 1].rules;
            if (sim_limits_are_there(&rules->call_limits[POLICY_EXPORT]) ||
                sim_limits_are_there(&rules->call_limits[POLICY_IMPORT])) {
                return true;
            }
        }
    }
    return false;
}

static void
check_probe(struct sim_world *world, const struct sim_host *host, uint32_t link, bool limits)
{
    const struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    const struct probe *probe = &stats.probes[0];
    const struct rib *rib = bridge_rib(host->bridge);
    bool there = rib_route_over(rib, span_from_text(host->probes[link].name), link) != NULL;
    enum probe_result want = !there ? PROBE_ABSENT : fails(host, link) ? PROBE_FAILED : PROBE_OK;
    bool refused = there && limits && (probe->last == PROBE_FAILED || probe->last == PROBE_TIMEOUT);
    if (probe_count(probe) == 0 || (probe->last != want && !refused)) {
        sim_world_fail(world, "%s: the probe of %s over link %u said %s after %llu, should say %s",
            host->name, host->probes[link].name, link, probe_result_name(probe->last),
            (unsigned long long)probe_count(probe), probe_result_name(want));
    }
}

void
sim_probes_check(struct sim_world *world)
{
    bool limits = anybody_limits_calls(world);
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            if (host->links[link].probe_count > 0) {
                check_probe(world, host, link, limits);
            }
        }
    }
}

bool
sim_probes_are_steady(const struct sim_world *world)
{
    bool any = false;
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            any = any || host->links[link].probe_count > 0;
        }
    }
    return !any || !anybody_limits_calls(world);
}

uint64_t
sim_probes_under_way(const struct sim_world *world)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
            struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
            count += stats.probe_count > 0 && stats.probes[0].under_way;
        }
    }
    return count;
}
