/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_report.c - what each end of a link tells the other of what became of its functions, so that both operators see
 * the same: told when it has changed, at most once a keepalive, as far as the import policy allows.
 */
#include "bridge/bridge_state.h"

static bool
may_tell(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    const struct policy *policy = rib_policy(bridge->rib, link);
    return link_session_is_greeted(&port->session) && port->session.far_synced &&
           port->wish == LINK_WISH_ON && !bridge->stopping && !port->congested &&
           (policy == NULL || policy_report(policy) != POLICY_REPORT_NONE);
}

static bool
has_news(const struct bridge *bridge, uint32_t link)
{
    const struct link_reporting *reporting = &bridge->ports[link].reporting;
    return !reporting->told || reporting->told_version != rib_report_version(bridge->rib, link);
}

static void
tell(struct bridge *bridge, uint32_t link)
{
    const struct policy *policy = rib_policy(bridge->rib, link);
    bool names = policy != NULL && policy_report(policy) == POLICY_REPORT_NAMES;
    struct link_report report;
    if (!rib_report(bridge->rib, link, names, &bridge->arena, &report)) {
        return;
    }
    buf_reset(&bridge->out);
    link_encode_report(&bridge->out, &report);
    struct span frame = bridge_composed(bridge);
    if (frame.size > 0) {
        actions_send(&bridge->actions, bridge->ports[link].session.conn, frame);
    }
}

void
link_report_tell(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_reporting *reporting = &bridge->ports[link].reporting;
    if (!instant_reached(link_report_deadline(bridge, link), now.mono)) {
        return;
    }
    tell(bridge, link);
    reporting->told = true;
    reporting->told_version = rib_report_version(bridge->rib, link);
    reporting->next_at = instant_after(now.mono, bridge->ports[link].session.config.keepalive_ns);
}

struct instant
link_report_deadline(const struct bridge *bridge, uint32_t link)
{
    return may_tell(bridge, link) && has_news(bridge, link) ? bridge->ports[link].reporting.next_at
                                                            : INSTANT_NEVER;
}

/* All of it, into the arena of what was heard; NULL: no memory. */
static const struct link_report_rule *
copy_rules(struct arena *arena, const struct link_report *report)
{
    struct link_report_rule *rules = arena_take(arena, (report->rule_count + 1) * sizeof(*rules));
    for (uint32_t i = 0; rules != NULL && i < report->rule_count; i++) {
        const struct link_report_rule *from = &report->rules[i];
        rules[i] = (struct link_report_rule){
            .reason = arena_copy(arena, from->reason),
            .rule = from->rule.size == 0 ? SPAN_NONE : arena_copy(arena, from->rule),
            .count = from->count,
        };
        bool whole =
            rules[i].reason.data != NULL && (from->rule.size == 0 || rules[i].rule.data != NULL);
        if (!whole) {
            return NULL;
        }
    }
    return rules;
}

void
link_report_hear(
    struct bridge *bridge, uint32_t link, const struct link_report *report, struct now now)
{
    struct link_reporting *reporting = &bridge->ports[link].reporting;
    struct arena *arena = &reporting->heard_arena;
    link_report_forget(bridge, link);
    struct link_report_route *routes =
        arena_take(arena, (report->route_count + 1) * sizeof(*routes));
    const struct link_report_rule *rules = copy_rules(arena, report);
    if (routes == NULL || rules == NULL) {
        arena_reset(arena);
        return;
    }
    for (uint32_t i = 0; i < report->route_count; i++) {
        routes[i] = report->routes[i];
    }
    reporting->heard = *report;
    reporting->heard.rules = rules;
    reporting->heard.routes = routes;
    reporting->heard_at = now.mono;
    reporting->has_heard = true;
}

void
link_report_forget(struct bridge *bridge, uint32_t link)
{
    struct link_reporting *reporting = &bridge->ports[link].reporting;
    reporting->has_heard = false;
    reporting->heard = (struct link_report){ 0 };
    arena_reset(&reporting->heard_arena);
}

void
link_report_again(struct bridge *bridge, uint32_t link)
{
    bridge->ports[link].reporting.told = false;
    bridge->ports[link].reporting.next_at = (struct instant){ 0 };
}

void
link_report_begin(struct bridge *bridge, uint32_t link)
{
    link_report_again(bridge, link);
    link_report_forget(bridge, link);
}

const struct link_report *
bridge_link_told(const struct bridge *bridge, uint32_t link, uint64_t *ago_ns)
{
    CHECK(link < bridge->config.link_count);
    const struct link_reporting *reporting = &bridge->ports[link].reporting;
    if (!reporting->has_heard) {
        return NULL;
    }
    *ago_ns = instant_between(reporting->heard_at, bridge->now.mono);
    return &reporting->heard;
}
