/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_command.c - what an operator does to a link: take it away, at once or after its calls, bring it back, ask for
 * its table again, forget it.
 *
 * Verbs wait for the next step, in the order in which they came. What was wished stays in memory only: a bridge that
 * starts has all its links.
 */
#include "base/check.h"
#include "bridge/bridge_state.h"

static struct span
link_name(const struct bridge *bridge, uint32_t link)
{
    return bridge->config.links[link].session.name;
}

enum link_verb_result
bridge_link_command(struct bridge *bridge, uint32_t link, enum link_verb verb)
{
    CHECK(link < bridge->config.link_count);
    struct link_port *port = &bridge->ports[link];
    if (bridge->stopping) {
        return LINK_VERB_STOPPING;
    }
    if (verb == LINK_VERB_REFRESH && port->session.state != LINK_UP) {
        return LINK_VERB_NOT_UP;
    }
    if (port->verb_count == LINK_VERBS_WAITING_MAX) {
        return LINK_VERB_BUSY;
    }
    port->verbs[port->verb_count++] = verb;
    return LINK_VERB_TAKEN;
}

/* The far side is told that it was meant, and what came over the link goes. */
static void
take_away(struct bridge *bridge, uint32_t link, struct span reason, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    link_session_stop(&port->session, LINK_ERROR_DISABLED, reason, &bridge->actions);
    port->held = false;
    link_port_go_down(bridge, link, LINK_ERROR_DISABLED, now);
    link_hear_forget(bridge, link, PRUNE_OPERATOR);
}

static void
finish_drain(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    const struct bridge_link_stats *stats = &port->stats;
    LOG_INFO(bridge->log, "link.drained", LOG_SPAN("link", link_name(bridge, link)),
        LOG_U64("calls_left", stats->to_link.in_flight + stats->from_link.in_flight));
    take_away(bridge, link, SPAN("drained by its operator"), now);
    port->wish = LINK_WISH_DRAINED;
}

static bool
is_drained(const struct link_port *port, struct now now)
{
    uint64_t calls = port->stats.to_link.in_flight + port->stats.from_link.in_flight;
    return calls == 0 || !link_session_is_greeted(&port->session) ||
           instant_reached(port->drain_by, now.mono);
}

static void
enable(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    if (port->wish == LINK_WISH_DRAIN) {
        take_away(bridge, link, SPAN("enabled again while it drained"), now);
    }
    port->wish = LINK_WISH_ON;
    port->held = false;
    link_port_policy_changed(bridge, link);
    link_session_start(&port->session, now, &bridge->actions);
}

static void
disable(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    if (port->wish != LINK_WISH_OFF) {
        take_away(bridge, link, SPAN("disabled by its operator"), now);
        port->wish = LINK_WISH_OFF;
    }
}

/* Our cluster looks elsewhere from now on; calls under way may end. No call takes longer than call_timeout. */
static void
drain(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    if (port->wish != LINK_WISH_ON) {
        return;
    }
    port->wish = LINK_WISH_DRAIN;
    port->drain_by = instant_after(now.mono, bridge->config.call_timeout_ns);
    link_session_drain(&port->session, &bridge->actions);
    link_hear_forget(bridge, link, PRUNE_OPERATOR);
}

static void
act(struct bridge *bridge, uint32_t link, enum link_verb verb, struct now now)
{
    LOG_INFO(bridge->log, "link.command", LOG_SPAN("link", link_name(bridge, link)),
        LOG_TEXT("verb", link_verb_name(verb)),
        LOG_TEXT("state", link_state_name(bridge->ports[link].session.state)),
        LOG_U64("functions", rib_import_count(bridge->rib, link)));
    switch (verb) {
    case LINK_VERB_ENABLE:
        enable(bridge, link, now);
        break;
    case LINK_VERB_DISABLE:
        disable(bridge, link, now);
        break;
    case LINK_VERB_REFRESH:
        /* What is asked for before the first END_OF_SYNC comes anyway. */
        (void)link_hear_refresh(bridge, link);
        break;
    case LINK_VERB_DRAIN:
        drain(bridge, link, now);
        break;
    case LINK_VERB_FORGET:
        link_hear_lose(bridge, link, PRUNE_OPERATOR);
        break;
    }
}

void
link_command_step(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    if (bridge->stopping) {
        return;
    }
    for (uint32_t i = 0; i < port->verb_count; i++) {
        act(bridge, link, port->verbs[i], now);
    }
    port->verb_count = 0;
    if (port->wish == LINK_WISH_DRAIN && is_drained(port, now)) {
        finish_drain(bridge, link, now);
    }
}

struct instant
link_command_deadline(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    if (bridge->stopping) {
        return INSTANT_NEVER;
    }
    return port->verb_count > 0            ? bridge->now.mono
           : port->wish == LINK_WISH_DRAIN ? port->drain_by
                                           : INSTANT_NEVER;
}

const char *
link_verb_name(enum link_verb verb)
{
    switch (verb) {
    case LINK_VERB_ENABLE:
        return "enable";
    case LINK_VERB_DISABLE:
        return "disable";
    case LINK_VERB_REFRESH:
        return "refresh";
    case LINK_VERB_DRAIN:
        return "drain";
    case LINK_VERB_FORGET:
        return "forget";
    }
    return "unknown";
}
