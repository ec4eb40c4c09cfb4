/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_damping.c - a link that breaks again and again is the last choice for a while (docs/adr/0021-damping.md).
 *
 * It stays connected and carries calls: what comes over it is less preferred than what others bring, so that the
 * cluster does not go to and fro between two ways with each break. A break after which the session goes on counts
 * for nothing.
 */
#include "bridge/bridge_state.h"

void
link_damping_flap(struct bridge *bridge, uint32_t link, struct now now)
{
    const struct damping_config *config = &bridge->config.link_damping;
    struct damping *damping = &bridge->ports[link].damping;
    damping_flap(damping, config, DAMPING_FLAP, now.mono);
    if (!damping_is_suppressed(damping, now.mono)) {
        return;
    }
    LOG_WARN(bridge->log, "link.damped", LOG_SPAN("link", bridge->config.links[link].session.name),
        LOG_U64("penalty", damping_penalty(damping, config, now.mono)),
        LOG_MS("for_ms", instant_between(now.mono, damping_reuse_at(damping))),
        LOG_TEXT("advice", "it breaks too often; other links are preferred meanwhile"));
    rib_damp_link(bridge->rib, link, true);
}

void
link_damping_tick(struct bridge *bridge, uint32_t link, struct now now)
{
    if (instant_reached(link_damping_deadline(bridge, link), now.mono)) {
        LOG_INFO(bridge->log, "link.undamped",
            LOG_SPAN("link", bridge->config.links[link].session.name));
        rib_damp_link(bridge->rib, link, false);
    }
}

struct instant
link_damping_deadline(const struct bridge *bridge, uint32_t link)
{
    bool damped = rib_link_is_damped(bridge->rib, link);
    return damped ? damping_reuse_at(&bridge->ports[link].damping) : INSTANT_NEVER;
}
