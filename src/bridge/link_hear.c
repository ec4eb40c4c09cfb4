/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_hear.c - what a link tells us: its table, how fresh that is, and whether it is the one that the far side
 * means.
 *
 * When the link goes down its imports stay, stale, for stale_time or their ttl, and at least for as long as its session
 * may go on: a restart of the far side withdraws nothing, and its next END_OF_SYNC drops what did not come back. An end
 * that the far side, or our operator, means for good takes them along at once.
 *
 * Every PING of the far side has the sum of what it has announced. When ours is another one we ask for everything
 * again, at most once in a growing while.
 */
#include "bridge/bridge_state.h"

#define REFRESH_PAUSE_NS     (10 * SEC_NS)
#define REFRESH_PAUSE_MAX_NS (300 * SEC_NS)

void
link_hear_announce(struct bridge *bridge, uint32_t link, const struct link_announce *announce)
{
    for (uint32_t i = 0; i < announce->route_count; i++) {
        rib_prefetch(bridge->rib, link, announce->routes[i].route_id);
    }
    for (uint32_t i = 0; i < announce->route_count; i++) {
        const struct link_route *route = &announce->routes[i];
        const struct rib_import *import = rib_learn(bridge->rib, link, route);
        const char *verdict = import == NULL ? "limit_exceeded"
                              : import->state == RIB_IMPORT_CANDIDATE
                                  ? "accepted"
                                  : prune_reason_name(import->reason);
        LOG_DEBUG(bridge->log, "import.heard",
            LOG_SPAN("function", route->advertisement.identity.name),
            LOG_SPAN("link", bridge->config.links[link].session.name), LOG_TEXT("verdict", verdict),
            LOG_SPAN("rule", import == NULL ? SPAN_NONE : rib_import_rule_id(bridge->rib, import)));
    }
    bridge->ports[link].stats.heard_announced += announce->route_count;
}

void
link_hear_withdraw(struct bridge *bridge, uint32_t link, const struct link_withdraw *withdraw)
{
    for (uint32_t i = 0; i < withdraw->route_count; i++) {
        rib_unlearn(bridge->rib, link, withdraw->route_ids[i], PRUNE_WITHDRAWN);
    }
    bridge->ports[link].stats.heard_withdrawn += withdraw->route_count;
}

/* Fresh and stale. */

static void
start_stale_timer(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    bool any = rib_stale_count(bridge->rib, link) > 0;
    if (!any) {
        port->stale_until = INSTANT_NEVER;
    } else if (port->stale_until.ns == INSTANT_NEVER.ns) {
        port->stale_until = instant_after(now.mono, bridge->config.stale_time_ns);
    }
}

/* Ends after which nobody is expected to come back with the same table. */
static bool
is_for_good(enum link_error_code error)
{
    return error == LINK_ERROR_NOT_WANTED || error == LINK_ERROR_LIMIT ||
           error == LINK_ERROR_DISABLED || error == LINK_ERROR_IDENTITY;
}

void
link_hear_down(struct bridge *bridge, uint32_t link, enum link_error_code error, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    port->refreshing = port->refreshing && link_session_is_suspended(&port->session);
    port->diverged_since = INSTANT_NEVER;
    rib_mark_down(bridge->rib, link);
    bool over = !link_session_is_suspended(&port->session);
    if (is_for_good(error) || (over && bridge->config.stale_time_ns == 0)) {
        rib_unlearn_all(bridge->rib, link, PRUNE_LINK_DOWN);
        port->stale_until = INSTANT_NEVER;
    } else {
        start_stale_timer(bridge, link, now);
    }
}

/* Whose functions they are, and from how far away: as the decision sees it (rib_decide.h). */
static void
describe_far_side(struct bridge *bridge, uint32_t link)
{
    const struct link_session *session = &bridge->ports[link].session;
    if (link_session_is_greeted(session)) {
        enum link_rtt_band band = link_health_rtt_band(&session->stats.health);
        rib_describe_link(bridge->rib, link, session->far.bridge, (uint32_t)band);
    }
}

void
link_hear_begin(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    port->refreshing = false;
    port->refresh_due = false;
    port->diverged_since = INSTANT_NEVER;
    describe_far_side(bridge, link);
    rib_mark_session(bridge->rib, link);
    start_stale_timer(bridge, link, now);
}

static bool
may_refresh(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    return link_session_is_greeted(&port->session) && port->session.far_synced &&
           port->wish == LINK_WISH_ON && !bridge->stopping;
}

bool
link_hear_refresh(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    if (!may_refresh(bridge, link)) {
        return false;
    }
    port->refresh_number++;
    port->refreshing = true;
    port->stats.resyncs++;
    rib_mark_refresh(bridge->rib, link);
    link_session_send_refresh(&port->session, port->refresh_number, &bridge->actions);
    LOG_INFO(bridge->log, "link.refresh", LOG_SPAN("link", bridge->config.links[link].session.name),
        LOG_U64("number", port->refresh_number));
    return true;
}

static void
refresh_if_due(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    port->refresh_due = port->refresh_due && !link_hear_refresh(bridge, link);
}

void
link_hear_lose(struct bridge *bridge, uint32_t link, enum prune_reason reason)
{
    link_hear_forget(bridge, link, reason);
    bridge->ports[link].refresh_due = true;
    refresh_if_due(bridge, link);
}

void
link_hear_resumed(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    rib_mark_resumed(bridge->rib, link);
    if (rib_stale_count(bridge->rib, link) == 0) {
        port->stale_until = INSTANT_NEVER;
    }
    if (port->refresh_due) {
        refresh_if_due(bridge, link);
    } else if (port->refreshing) {
        /* It may have been lost with the connection. */
        link_session_send_refresh(&port->session, port->refresh_number, &bridge->actions);
    }
}

void
link_hear_forget(struct bridge *bridge, uint32_t link, enum prune_reason reason)
{
    bridge->ports[link].stale_until = INSTANT_NEVER;
    rib_unlearn_all(bridge->rib, link, reason);
}

static void
drop_stale(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    LOG_WARN(bridge->log, "link.stale_timeout",
        LOG_SPAN("link", bridge->config.links[link].session.name),
        LOG_U64("functions", rib_stale_count(bridge->rib, link)));
    port->stale_until = INSTANT_NEVER;
    if (rib_is_down(bridge->rib, link)) {
        rib_unlearn_all(bridge->rib, link, PRUNE_STALE_TIMEOUT);
    } else {
        rib_sweep(bridge->rib, link, PRUNE_STALE_TIMEOUT);
    }
}

/* Is it what the far side means? */

void
link_hear_end_of_sync(struct bridge *bridge, uint32_t link, const struct link_end_of_sync *end)
{
    struct link_port *port = &bridge->ports[link];
    if (end->refresh == 0) {
        port->stale_until = INSTANT_NEVER;
        rib_sweep(bridge->rib, link, PRUNE_WITHDRAWN);
        refresh_if_due(bridge, link);
    } else if (port->refreshing && end->refresh == port->refresh_number) {
        port->refreshing = false;
        rib_sweep(bridge->rib, link, PRUNE_WITHDRAWN);
    }
}

void
link_hear_table(struct bridge *bridge, uint32_t link, const struct link_table *told, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    struct link_table heard = rib_heard_table(bridge->rib, link);
    if (!port->session.far_synced || port->refreshing || bridge->stopping ||
        rib_is_sweeping(bridge->rib, link)) {
        return;
    }
    if (heard.routes == told->routes && heard.digest == told->digest) {
        port->diverged_since = INSTANT_NEVER;
        port->refresh_pause_ns = 0;
        return;
    }
    if (port->diverged_since.ns == INSTANT_NEVER.ns) {
        port->diverged_since = now.mono;
        LOG_WARN(bridge->log, "link.diverged",
            LOG_SPAN("link", bridge->config.links[link].session.name),
            LOG_U64("announced", told->routes), LOG_U64("known", heard.routes),
            LOG_TEXT("advice", "the table is asked for again; if this stays, look for events with "
                               "limit_exceeded"));
    }
    if (port->refresh_pause_ns == 0 || instant_reached(port->refresh_at, now.mono)) {
        uint64_t longer_ns = port->refresh_pause_ns * 2;
        port->refresh_pause_ns = longer_ns < REFRESH_PAUSE_NS       ? REFRESH_PAUSE_NS
                                 : longer_ns > REFRESH_PAUSE_MAX_NS ? REFRESH_PAUSE_MAX_NS
                                                                    : longer_ns;
        port->refresh_at = instant_after(now.mono, port->refresh_pause_ns);
        (void)link_hear_refresh(bridge, link);
    }
}

void
link_hear_tick(struct bridge *bridge, uint32_t link, struct now now)
{
    describe_far_side(bridge, link);
    if (link_session_is_suspended(&bridge->ports[link].session)) {
        return;
    }
    if (instant_reached(bridge->ports[link].stale_until, now.mono)) {
        drop_stale(bridge, link);
    }
    if (instant_reached(rib_expiry_deadline(bridge->rib, link), now.mono)) {
        rib_expire(bridge->rib, link);
    }
}

struct instant
link_hear_deadline(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    /* A session that goes on does not tell again what it has told. */
    return link_session_is_suspended(&port->session)
               ? INSTANT_NEVER
               : instant_earlier(port->stale_until, rib_expiry_deadline(bridge->rib, link));
}
