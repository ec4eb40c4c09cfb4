/* SPDX-License-Identifier: Apache-2.0 */
/* sim_faults.c - what goes wrong, and how it is healed for the liveness phase. */
#include "tests/sim/sim_world.h"

static struct sim_host *
any_host(struct sim_world *world)
{
    return &world->hosts[prng_below(&world->prng, world->host_count)];
}

static bool
is_wanted(const struct sim_stream *stream, bool links_only)
{
    return !links_only || stream->port == PORT_LINK;
}

/* Few of the streams are links, and half of the faults are for them. */
static struct sim_stream *
any_stream(struct sim_world *world)
{
    bool links_only = prng_below(&world->prng, 2) == 0;
    uint64_t count = 0;
    LIST_EACH (link, &world->streams) {
        count += is_wanted(CONTAINER_OF(link, struct sim_stream, link), links_only);
    }
    uint64_t skip = count == 0 ? 0 : prng_below(&world->prng, count);
    LIST_EACH (link, &world->streams) {
        struct sim_stream *stream = CONTAINER_OF(link, struct sim_stream, link);
        if (is_wanted(stream, links_only) && skip-- == 0) {
            return stream;
        }
    }
    return NULL;
}

static bool
has_operator(const struct sim_world *world, const struct sim_host *host)
{
    return host->alive && host->is_bridge && host->stops_until == 0 &&
           host->frozen_until <= world->now_ns && host->bridge_config.link_count > 0;
}

/* mpregctl link VERB NAME; some verbs are refused. */
static void
operate(struct sim_world *world)
{
    struct prng *prng = &world->prng;
    struct sim_host *host = any_host(world);
    if (!has_operator(world, host)) {
        return;
    }
    uint32_t link = (uint32_t)prng_below(prng, host->bridge_config.link_count);
    enum link_verb verb = (enum link_verb)prng_below(prng, LINK_VERB_COUNT);
    if (bridge_link_command(host->bridge, link, verb) == LINK_VERB_TAKEN) {
        sim_world_wake(world, host);
    }
}

/* A frozen bridge does it when it thaws. */
static void
enable_links(struct sim_world *world, struct sim_host *host)
{
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        enum link_verb_result result = bridge_link_command(host->bridge, link, LINK_VERB_ENABLE);
        CHECK(result == LINK_VERB_TAKEN || result == LINK_VERB_STOPPING);
    }
    if (has_operator(world, host)) {
        sim_world_wake(world, host);
    }
}

void
sim_world_break_something(struct sim_world *world)
{
    struct prng *prng = &world->prng;
    const struct sim_faults *faults = &world->faults;
    struct sim_stream *stream = any_stream(world);
    if (prng_chance(prng, faults->reset_permille) && stream != NULL) {
        sim_world_reset(world, stream);
    }
    stream = any_stream(world);
    if (prng_chance(prng, faults->stall_permille) && stream != NULL) {
        uint64_t until = world->now_ns + prng_below(prng, 20 * SEC_NS);
        stream->stalled_until[prng_below(prng, 2)] = until;
    }
    struct sim_host *host = any_host(world);
    if (prng_chance(prng, faults->crash_permille) && host->alive) {
        sim_world_crash(world, host);
        host->restart_at = world->now_ns + prng_below(prng, 10 * SEC_NS);
    }
    host = any_host(world);
    if (prng_chance(prng, faults->freeze_permille) && host->alive) {
        host->frozen_until = (world->now_ns + prng_below(prng, 15 * SEC_NS)) | 1;
        host->stops_until += host->stops_until == 0 ? 0 : 15 * SEC_NS;
    }
    const struct sim_host *a = any_host(world);
    const struct sim_host *b = any_host(world);
    if (prng_chance(prng, faults->cut_permille) && a != b) {
        uint64_t until = world->now_ns + prng_below(prng, 20 * SEC_NS);
        world->cut_until[a->index][b->index] = until;
    }
    host = any_host(world);
    if (prng_chance(prng, faults->stop_permille) && host->alive && host->stops_until == 0 &&
        host->frozen_until <= world->now_ns) {
        sim_world_stop(world, host);
    }
    host = any_host(world);
    if (prng_chance(prng, faults->clock_permille)) {
        host->skew_ns = sim_world_draw_skew(world);
    }
    if (faults->operate_permille > 0 && prng_chance(prng, faults->operate_permille)) {
        operate(world);
    }
}

void
sim_world_heal(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        for (uint32_t j = 0; j < world->host_count; j++) {
            world->cut_until[i][j] = 0;
        }
        struct sim_host *host = &world->hosts[i];
        if (!host->alive) {
            host->restart_at = world->now_ns;
        }
        if (host->frozen_until > world->now_ns) {
            host->frozen_until = world->now_ns | 1;
        }
        if (host->alive && host->is_bridge) {
            enable_links(world, host);
        }
    }
}
