/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_port.c - where the bridge meets another federation: one session, and the calls over it.
 *
 * What it is told goes to link_hear.c, what it tells comes from link_announce.c.
 */
#include "bridge/bridge_state.h"
#include "core/limits.h"

/* Heads and tails of a frame around arguments or a result. */
#define FRAME_SLACK ((size_t)64 * 1024)

/* A neighbour that announced too much is left alone for so long before it may try again. */
#define LIMIT_PAUSE_NS (60 * SEC_NS)

/*
 * A neighbour that sends more updates than it may is not heard for so long at most: its pings and calls must get through.
 * So one frame of updates comes in that time, however low the rate.
 */
#define UPDATE_PAUSE_MAX_NS (500 * MS_NS)

/* The bucket of the policy in use; a new policy begins with a full one. */
static struct token_bucket *
update_bucket(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    const struct policy *policy = rib_policy(bridge->rib, link);
    if (policy == NULL || policy_import_limits(policy)->updates.rate == 0) {
        return NULL;
    }
    const struct policy_update_limit *limit = &policy_import_limits(policy)->updates;
    if (port->updates_of != rib_policy_number(bridge->rib, link)) {
        port->updates_of = rib_policy_number(bridge->rib, link);
        token_bucket_init(&port->updates, limit->rate, limit->rate_per_ns, limit->burst);
    }
    return &port->updates;
}

/* So many updates came in one frame, and were taken. When that was more than the policy allows, the next wait. */
static void
slow_down(struct bridge *bridge, uint32_t link, uint32_t count, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    struct token_bucket *bucket = update_bucket(bridge, link);
    if (bucket == NULL) {
        return;
    }
    token_bucket_spend(bucket, count, now.mono, UPDATE_PAUSE_MAX_NS);
    uint64_t pause_ns = token_bucket_wait_ns(bucket, now.mono);
    if (pause_ns > 0) {
        link_session_pause(&port->session, pause_ns, &bridge->actions);
        port->stats.update_pauses++;
    }
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

/* Nobody waits for its answer, or somebody will come and ask for it again: what was not executed yet is a new call then. */
static void
end_far(struct bridge *bridge, struct far_call *call, struct now now)
{
    if (call->repeat != NULL && call->held == NULL && !bridge->stopping) {
        list_remove(&call->gathered);
        call_limit_release(call->limit);
        call->limit = NULL;
        call->rule_timeout_ns = 0; /* when its time is over, that is no rule's any more */
        call->orphaned = true;
        return;
    }
    if (call->near_call_id != 0) {
        transit_calls_forget(bridge, call, now);
    } else {
        member_cancel(bridge->member, call->ticket);
    }
    cluster_calls_forget_far(bridge, call);
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
        if (!calls_again_go(bridge, call, true, now)) {
            cluster_calls_fail(bridge, call, &error, now);
        }
    }
    while (!list_empty(&far)) {
        end_far(bridge, CONTAINER_OF(far.next, struct far_call, gathered), now);
    }
    bridge->ports[link].stats.from_link.in_flight = 0;
}

/* Its connection broke, and perhaps it goes on over another one. */
static void
cut(struct bridge *bridge, uint32_t link, struct now now)
{
    bridge->ports[link].congested = false;
    bridge->ports[link].interrupted = true;
    link_hear_down(bridge, link, LINK_ERROR_NONE, now);
    calls_again_leave(bridge, link, now);
}

void
link_port_go_down(struct bridge *bridge, uint32_t link, enum link_error_code error, struct now now)
{
    bridge->ports[link].congested = false;
    bridge->ports[link].interrupted = false;
    link_hear_down(bridge, link, error, now);
    link_announce_end(bridge, link);
    link_report_forget(bridge, link);
    link_port_end_calls(bridge, link, now);
}

/* Another session than the last one, whose calls nobody will answer. */
static void
begin(struct bridge *bridge, uint32_t link, const struct link_hello *hello, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    if (port->interrupted) {
        port->interrupted = false;
        link_damping_flap(bridge, link, now);
    }
    link_port_end_calls(bridge, link, now);
    link_announce_begin(bridge, link, hello);
    link_hear_begin(bridge, link, now);
    link_report_begin(bridge, link);
}

/* What a link that is to go announces would only have to be taken back. */
static bool
is_deaf_to(const struct bridge *bridge, uint32_t link, enum link_delivery_kind kind)
{
    bool of_table = kind == LINK_DELIVERS_ANNOUNCE || kind == LINK_DELIVERS_WITHDRAW ||
                    kind == LINK_DELIVERS_SYNCED || kind == LINK_DELIVERS_TABLE;
    return of_table && (bridge->stopping || bridge->ports[link].wish != LINK_WISH_ON);
}

void
link_port_act_on(
    struct bridge *bridge, uint32_t link, const struct link_delivery *delivery, struct now now)
{
    const struct link_frame *frame = &delivery->frame;
    if (is_deaf_to(bridge, link, delivery->kind)) {
        return;
    }
    switch (delivery->kind) {
    case LINK_DELIVERS_NOTHING:
    case LINK_DELIVERS_DRAIN:
        break;
    case LINK_DELIVERS_GREETED:
        begin(bridge, link, &frame->hello, now);
        break;
    case LINK_DELIVERS_ANNOUNCE:
        link_hear_announce(bridge, link, &frame->announce);
        slow_down(bridge, link, frame->announce.route_count, now);
        break;
    case LINK_DELIVERS_WITHDRAW:
        link_hear_withdraw(bridge, link, &frame->withdraw);
        slow_down(bridge, link, frame->withdraw.route_count, now);
        break;
    case LINK_DELIVERS_SYNCED:
        link_hear_end_of_sync(bridge, link, &frame->end_of_sync);
        break;
    case LINK_DELIVERS_TABLE:
        link_hear_table(bridge, link, &frame->ping.table, now);
        break;
    case LINK_DELIVERS_REFRESH:
        link_announce_again(bridge, link, frame->refresh);
        break;
    case LINK_DELIVERS_REPORT:
        link_report_hear(bridge, link, &frame->report, now);
        break;
    case LINK_DELIVERS_CALL:
        cluster_calls_serve(bridge, link, &frame->call, now);
        break;
    case LINK_DELIVERS_REPLY:
        take_reply(bridge, link, &frame->reply, now);
        break;
    case LINK_DELIVERS_CUT:
        cut(bridge, link, now);
        break;
    case LINK_DELIVERS_RESUMED:
        bridge->ports[link].interrupted = false;
        link_hear_resumed(bridge, link);
        link_report_again(bridge, link);
        break;
    case LINK_DELIVERS_DOWN:
        link_damping_flap(bridge, link, now);
        link_port_go_down(bridge, link, delivery->error, now);
        break;
    }
}

/* Limits on what comes in. */

static struct span
say_limit(enum policy_limit_kind kind)
{
    switch (kind) {
    case POLICY_LIMIT_FUNCTIONS:
        return SPAN("more functions came than the import policy allows");
    case POLICY_LIMIT_BYTES:
        return SPAN("what came takes more than the import policy allows");
    }
    return SPAN_NONE;
}

/* The far side's table is not wanted for now, or until another policy says otherwise. */
static void
hold(struct bridge *bridge, uint32_t link, enum policy_limit_kind kind, struct instant until,
    struct now now)
{
    struct link_port *port = &bridge->ports[link];
    link_session_stop(&port->session, LINK_ERROR_LIMIT, say_limit(kind), &bridge->actions);
    port->held = true;
    port->held_until = until;
    link_port_go_down(bridge, link, LINK_ERROR_LIMIT, now);
}

static void
watch_limit(struct bridge *bridge, uint32_t link, enum policy_limit_kind kind, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    bool was_over = port->over_limit[kind];
    port->over_limit[kind] = rib_over_limit(bridge->rib, link, kind);
    if (!port->over_limit[kind] || was_over) {
        return;
    }
    const struct policy_table_limit *limit =
        &policy_import_limits(rib_policy(bridge->rib, link))->table[kind];
    LOG_WARN(bridge->log, "link.limit", LOG_SPAN("link", bridge->config.links[link].session.name),
        LOG_TEXT("of", policy_limit_kind_name(kind)), LOG_U64("max", limit->max),
        LOG_TEXT("action", policy_limit_action_name(limit->action)),
        LOG_TEXT(
            "advice", "raise it in import.limits, or ask the far side why it exports so much"));
    switch (limit->action) {
    case POLICY_LIMIT_WARN:
    case POLICY_LIMIT_BLOCK:
        break;
    case POLICY_LIMIT_RESTART:
        hold(bridge, link, kind, instant_after(now.mono, LIMIT_PAUSE_NS), now);
        break;
    case POLICY_LIMIT_DISABLE:
        hold(bridge, link, kind, INSTANT_NEVER, now);
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
    struct instant at = port->held && !bridge->stopping ? port->held_until : INSTANT_NEVER;
    at = instant_earlier(at, link_hear_deadline(bridge, link));
    at = instant_earlier(at, link_damping_deadline(bridge, link));
    at = instant_earlier(at, link_probe_deadline(bridge, link));
    return instant_earlier(at, link_announce_deadline(bridge, link));
}

void
link_port_policy_changed(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    memset(port->over_limit, 0, sizeof(port->over_limit));
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
    port->session.stale_routes = rib_import_count(bridge->rib, link);
    link_session_step(&port->session, event, now, &bridge->actions, &delivery);
    /* Also a connection that never greeted, of which no DOWN is delivered. */
    port->congested = port->congested && conn_equal(before, port->session.conn);
    link_port_act_on(bridge, link, &delivery, now);
    link_hear_tick(bridge, link, now);
    link_announce_tick(bridge, link);
    link_damping_tick(bridge, link, now);
    link_probe_tick(bridge, link, now);
    release(bridge, link, now);
    for (uint32_t kind = 0; kind < POLICY_LIMIT_KIND_COUNT; kind++) {
        watch_limit(bridge, link, (enum policy_limit_kind)kind, now);
    }
}

/* Calls over the link. */

size_t
link_port_body_max(const struct bridge *bridge, uint32_t link)
{
    return link_session_frame_size_max(&bridge->ports[link].session) - FRAME_SLACK;
}

bool
link_port_accepts(struct bridge *bridge, uint32_t link, size_t args_size, struct call_error *error)
{
    const struct link_port *port = &bridge->ports[link];
    *error = (struct call_error){ .side = CALL_NEAR, .hop = bridge->config.name };
    if (!link_session_carries_calls(&port->session)) {
        bool draining = port->session.state == LINK_DRAINING;
        bool full = link_session_is_suspended(&port->session);
        error->code = draining ? CALL_DRAINING : full ? CALL_OVERLOADED : CALL_LINK_DOWN;
        error->text = draining ? SPAN("the far bridge is shutting down")
                      : full   ? SPAN("the link is interrupted, and too many calls wait for it")
                               : SPAN("the link to the federation that serves it is down");
        return false;
    }
    if (port->congested) {
        error->code = CALL_OVERLOADED;
        error->text = SPAN("the link cannot take more calls right now; try again");
        return false;
    }
    if (args_size > link_port_body_max(bridge, link)) {
        error->code = CALL_PAYLOAD_TOO_LARGE;
        error->text = SPAN("the arguments are larger than the far bridge takes");
        return false;
    }
    return true;
}

/* The first part is what was composed; if that failed nothing is sent, and nothing counted. */
static void
send_parts(struct bridge *bridge, uint32_t link, const struct span *parts, uint32_t count)
{
    struct link_session *session = &bridge->ports[link].session;
    if (parts[0].size > 0) {
        link_session_send_numbered(session, parts, count, bridge->now, &bridge->actions);
    }
}

bool
link_port_is_usable(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    return link_session_carries_calls(&port->session) && !port->congested;
}

void
link_port_send_call(struct bridge *bridge, uint32_t link, const struct link_call *call)
{
    buf_reset(&bridge->out);
    link_encode_call_head(&bridge->out, call);
    const struct span parts[] = { bridge_composed(bridge), call->args, call->kwargs };
    send_parts(bridge, link, parts, COUNT_OF(parts));
}

void
link_port_reply(struct bridge *bridge, uint32_t link, const struct link_reply *reply)
{
    buf_reset(&bridge->out);
    link_encode_reply_head(&bridge->out, reply);
    const struct span parts[] = { bridge_composed(bridge), reply->body };
    send_parts(bridge, link, parts, COUNT_OF(parts));
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
