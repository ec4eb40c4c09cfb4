/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_port.c - where the bridge meets another federation: one session, the table it announces, and the
 * calls over it.
 *
 * Announcing: exports that changed wait in the RIB; a flush sends them in batches, withdrawals and
 * announcements in the order they came about, then END_OF_SYNC when the table is announced for the first
 * time. A congested connection is left alone until it drains.
 */
#include "bridge/bridge_state.h"
#include "core/limits.h"

/* Batches that one step may send; the rest follows with the next tick, at once. */
#define FLUSH_BATCHES_MAX 16u

/* Where a batch of announcements ends although it may hold more of them. */
#define ANNOUNCE_SIZE_MAX ((size_t)1024 * 1024)

/* A neighbour that announced too much is left alone for so long before it may try again. */
#define LIMIT_PAUSE_NS (60 * SEC_NS)

static void act_on(
    struct bridge *bridge, uint32_t link, const struct link_delivery *delivery, struct now now);

/* Announcing. */

/* The session ends, and the next one, which comes after a pause, announces everything anew. */
static void
fail_for_memory(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_delivery delivery = { .kind = LINK_DELIVERS_NOTHING };
    link_session_fail(&bridge->ports[link].session, LINK_ERROR_OVERLOADED,
        SPAN("out of memory while announcing"), now, &bridge->actions, &delivery);
    act_on(bridge, link, &delivery, now);
}

/* A numbered frame that cannot be sent would leave a gap in the sequence. */
static void
send_numbered(struct bridge *bridge, uint32_t link, struct now now)
{
    uint64_t lost = bridge->actions.lost;
    struct span frame = bridge_composed(bridge);
    if (frame.size > 0) {
        actions_send(&bridge->actions, bridge->ports[link].session.conn, frame);
    }
    if (bridge->actions.lost != lost) {
        fail_for_memory(bridge, link, now);
    }
}

static void
flush_withdrawals(struct bridge *bridge, uint32_t link, uint64_t *route_ids, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    uint32_t count = 0;
    struct rib_export *exported;
    while (count < LINK_BATCH_MAX && (exported = rib_next_export(bridge->rib, link)) != NULL &&
           rib_export_withdrawn(exported)) {
        route_ids[count++] = exported->route_id;
        rib_export_done(bridge->rib, exported);
    }
    struct link_withdraw withdraw = {
        .sequence = link_session_next_sequence(&port->session),
        .route_ids = route_ids,
        .route_count = count,
    };
    buf_reset(&bridge->out);
    link_encode_withdraw(&bridge->out, &withdraw);
    port->stats.withdrawn += count;
    send_numbered(bridge, link, now);
}

static void
flush_announcements(struct bridge *bridge, uint32_t link, struct link_route *routes, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    uint32_t count = 0;
    struct rib_export *exported;
    size_t size = 0;
    while (count < LINK_BATCH_MAX && size < ANNOUNCE_SIZE_MAX &&
           (exported = rib_next_export(bridge->rib, link)) != NULL &&
           !rib_export_withdrawn(exported)) {
        size += exported->size;
        routes[count++] = (struct link_route){
            .route_id = exported->route_id,
            .advertisement = exported->out,
        };
        rib_export_done(bridge->rib, exported);
    }
    struct link_announce announce = {
        .sequence = link_session_next_sequence(&port->session),
        .routes = routes,
        .route_count = count,
    };
    buf_reset(&bridge->out);
    link_encode_announce(&bridge->out, &announce);
    port->stats.announced += count;
    send_numbered(bridge, link, now);
}

static bool
may_announce(const struct link_port *port)
{
    switch (port->session.state) {
    case LINK_DOWN:
    case LINK_GREETING:
        return false;
    case LINK_SYNCING:
    case LINK_UP:
    case LINK_DRAINING:
        return !port->congested;
    }
    return false;
}

bool
link_port_has_work(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    return may_announce(port) &&
           (port->end_of_sync_due || rib_next_export(bridge->rib, link) != NULL);
}

void
link_port_flush(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    if (!link_port_has_work(bridge, link)) {
        return;
    }
    struct link_route *routes = arena_take(&bridge->arena, LINK_BATCH_MAX * sizeof(*routes));
    uint64_t *route_ids = arena_take(&bridge->arena, LINK_BATCH_MAX * sizeof(*route_ids));
    if (routes == NULL || route_ids == NULL) {
        fail_for_memory(bridge, link, now);
        return;
    }
    struct rib_export *exported;
    for (uint32_t i = 0; i < FLUSH_BATCHES_MAX && may_announce(port) &&
                         (exported = rib_next_export(bridge->rib, link)) != NULL;
         i++) {
        if (rib_export_withdrawn(exported)) {
            flush_withdrawals(bridge, link, route_ids, now);
        } else {
            flush_announcements(bridge, link, routes, now);
        }
    }
    if (may_announce(port) && port->end_of_sync_due && rib_next_export(bridge->rib, link) == NULL) {
        port->end_of_sync_due = false;
        buf_reset(&bridge->out);
        link_encode_end_of_sync(&bridge->out, link_session_next_sequence(&port->session));
        send_numbered(bridge, link, now);
    }
}

/* Hearing. */

static void
learn(struct bridge *bridge, uint32_t link, const struct link_announce *announce)
{
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
            LOG_SPAN("rule", import == NULL ? SPAN_NONE : import->rule_id));
    }
    bridge->ports[link].stats.heard_announced += announce->route_count;
}

static void
unlearn(struct bridge *bridge, uint32_t link, const struct link_withdraw *withdraw)
{
    for (uint32_t i = 0; i < withdraw->route_count; i++) {
        rib_unlearn(bridge->rib, link, withdraw->route_ids[i], PRUNE_WITHDRAWN);
    }
    bridge->ports[link].stats.heard_withdrawn += withdraw->route_count;
}

static void
take_reply(struct bridge *bridge, uint32_t link, const struct link_reply *reply, struct now now)
{
    struct near_call *call = forward_find_near(&bridge->forward, reply->call_id);
    /* A call that has ended already, or a number that this link never got. */
    if (call != NULL && call->link == link) {
        cluster_calls_answer(bridge, call, reply, now);
    }
}

/* The session is over: what came over it goes, and nobody waits for its answers. */
void
link_port_end_calls(struct bridge *bridge, uint32_t link, struct now now)
{
    struct list near;
    struct list far;
    list_init(&near);
    list_init(&far);
    forward_gather(&bridge->forward, link, &near, &far);
    struct call_error error = {
        .code = CALL_LINK_DOWN,
        .side = CALL_NEAR,
        .text = SPAN("the link went down before the answer came; the call may have been executed"),
        .hop = bridge->config.name,
    };
    while (!list_empty(&near)) {
        struct near_call *call = CONTAINER_OF(near.next, struct near_call, gathered);
        cluster_calls_fail(bridge, call, &error, now);
    }
    while (!list_empty(&far)) {
        struct far_call *call = CONTAINER_OF(far.next, struct far_call, gathered);
        if (call->near_call_id != 0) {
            transit_calls_forget(bridge, call, now);
        } else {
            member_cancel(bridge->member, call->ticket);
        }
        forward_end_far(&bridge->forward, call);
    }
    bridge->ports[link].stats.from_link.in_flight = 0;
}

static void
go_down(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    port->congested = false;
    port->end_of_sync_due = false;
    link_port_end_calls(bridge, link, now);
    rib_unlearn_all(bridge->rib, link, PRUNE_LINK_DOWN);
    rib_announce_all(bridge->rib, link);
}

static void
act_on(struct bridge *bridge, uint32_t link, const struct link_delivery *delivery, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    switch (delivery->kind) {
    case LINK_DELIVERS_NOTHING:
    case LINK_DELIVERS_SYNCED:
    case LINK_DELIVERS_DRAIN:
        break;
    case LINK_DELIVERS_GREETED:
        port->end_of_sync_due = true;
        break;
    case LINK_DELIVERS_ANNOUNCE:
        learn(bridge, link, &delivery->frame.announce);
        break;
    case LINK_DELIVERS_WITHDRAW:
        unlearn(bridge, link, &delivery->frame.withdraw);
        break;
    case LINK_DELIVERS_CALL:
        cluster_calls_serve(bridge, link, &delivery->frame.call, now);
        break;
    case LINK_DELIVERS_REPLY:
        take_reply(bridge, link, &delivery->frame.reply, now);
        break;
    case LINK_DELIVERS_DOWN:
        go_down(bridge, link, now);
        break;
    }
}

/* Limits on what comes in. */

/* The far side's table is not wanted for now, or until another policy says otherwise. */
static void
hold(struct bridge *bridge, uint32_t link, struct instant until, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    link_session_stop(&port->session, LINK_ERROR_LIMIT,
        SPAN("more functions came than the import policy allows"), &bridge->actions);
    port->held = true;
    port->held_until = until;
    go_down(bridge, link, now);
}

static void
watch_function_limit(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    bool was_over = port->over_limit;
    port->over_limit = rib_over_function_limit(bridge->rib, link);
    if (!port->over_limit || was_over) {
        return;
    }
    struct policy_function_limit limit = policy_function_limit(rib_policy(bridge->rib, link));
    LOG_WARN(bridge->log, "link.function_limit",
        LOG_SPAN("link", bridge->config.links[link].session.name), LOG_U64("max", limit.max),
        LOG_TEXT("action", policy_limit_action_name(limit.action)),
        LOG_TEXT(
            "advice", "raise import.limits.functions, or ask the far side why it exports so many"));
    switch (limit.action) {
    case POLICY_LIMIT_WARN:
    case POLICY_LIMIT_BLOCK:
        break;
    case POLICY_LIMIT_RESTART:
        hold(bridge, link, instant_after(now.mono, LIMIT_PAUSE_NS), now);
        break;
    case POLICY_LIMIT_DISABLE:
        hold(bridge, link, INSTANT_NEVER, now);
        break;
    }
}

static void
release(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    if (port->held && !bridge->stopping && instant_reached(port->held_until, now.mono)) {
        port->held = false;
        link_session_start(&port->session, now, &bridge->actions);
    }
}

struct instant
link_port_deadline(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    return port->held && !bridge->stopping ? port->held_until : INSTANT_NEVER;
}

void
link_port_policy_changed(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    port->over_limit = false;
    port->held_until = (struct instant){ .ns = 0 };
}

void
link_port_step(struct bridge *bridge, uint32_t link, const struct event *event, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    struct link_delivery delivery = { .kind = LINK_DELIVERS_NOTHING };
    struct conn_id before = port->session.conn;
    bool mine = conn_equal(event->conn, before);
    if (mine && event->kind == EVENT_CONGESTED) {
        port->congested = true;
    } else if (mine && event->kind == EVENT_DRAINED) {
        port->congested = false;
    }
    link_session_step(&port->session, event, now, &bridge->actions, &delivery);
    /* Also a connection that never greeted, of which no DOWN is delivered. */
    port->congested = port->congested && conn_equal(before, port->session.conn);
    act_on(bridge, link, &delivery, now);
    release(bridge, link, now);
    watch_function_limit(bridge, link, now);
}

/* Calls over the link. */

bool
link_port_accepts(struct bridge *bridge, uint32_t link, struct call_error *error)
{
    const struct link_port *port = &bridge->ports[link];
    *error = (struct call_error){ .side = CALL_NEAR, .hop = bridge->config.name };
    if (!link_session_carries_calls(&port->session)) {
        bool draining = port->session.state == LINK_DRAINING;
        error->code = draining ? CALL_DRAINING : CALL_LINK_DOWN;
        error->text = draining ? SPAN("the far bridge is shutting down")
                               : SPAN("the link to the federation that serves it is down");
        return false;
    }
    if (port->congested) {
        error->code = CALL_OVERLOADED;
        error->text = SPAN("the link cannot take more calls right now; try again");
        return false;
    }
    return true;
}

void
link_port_send_call(struct bridge *bridge, uint32_t link, const struct link_call *call)
{
    buf_reset(&bridge->out);
    link_encode_call_head(&bridge->out, call);
    const struct span parts[] = { bridge_composed(bridge), call->args, call->kwargs };
    if (parts[0].size > 0) {
        actions_send_parts(
            &bridge->actions, bridge->ports[link].session.conn, parts, COUNT_OF(parts));
    }
}

void
link_port_reply(struct bridge *bridge, uint32_t link, const struct link_reply *reply)
{
    buf_reset(&bridge->out);
    link_encode_reply_head(&bridge->out, reply);
    const struct span parts[] = { bridge_composed(bridge), reply->body };
    if (parts[0].size > 0) {
        actions_send_parts(
            &bridge->actions, bridge->ports[link].session.conn, parts, COUNT_OF(parts));
    }
}

void
link_port_reply_error(
    struct bridge *bridge, uint32_t link, uint64_t call_id, const struct call_error *error)
{
    struct link_reply reply = {
        .call_id = call_id,
        .status = LINK_REPLY_ERROR,
        .code = (uint16_t)error->code,
        .rule = error->rule,
        .body = error->text,
    };
    bridge->ports[link].stats.from_link.by_result[call_result_index(error->code)]++;
    link_port_reply(bridge, link, &reply);
}
