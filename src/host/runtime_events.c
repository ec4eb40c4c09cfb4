/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_events.c - what the transports tell, turned into events for the engine. */
#include "host/runtime_state.h"

/* The cluster. */

static void
ws_opened(void *owner, struct ws_conn *ws)
{
    struct runtime *runtime = owner;
    struct runtime_dial *dial = ws_conn_is_dialed(ws) ? ws_conn_user(ws) : NULL;
    struct runtime_conn *conn = runtime_conns_add(&runtime->conns, PORT_CLUSTER);
    struct event event = {
        .kind = dial == NULL ? EVENT_ACCEPTED : EVENT_OPENED,
        .port = PORT_CLUSTER,
        .ticket = dial == NULL ? 0 : dial->ticket,
        .address = span_from_text(ws_conn_peer(ws)),
        .reason = SPAN("no memory for the connection"),
    };
    ws_conn_set_user(ws, conn);
    if (dial != NULL) {
        list_remove(&dial->link);
        mem_give(runtime->config.mem, dial, sizeof(*dial));
    }
    if (conn == NULL) {
        ws_close(ws, WS_CODE_INTERNAL, "no memory for the connection");
        if (event.kind == EVENT_ACCEPTED) {
            return;
        }
        event.kind = EVENT_REFUSED;
    } else {
        conn->ws = ws;
        event.conn = conn->id;
    }
    runtime_run_event(runtime, &event);
}

static void
dial_refused(
    struct runtime *runtime, struct runtime_dial *dial, const char *reason, uint64_t retry_after_ns)
{
    struct event event = {
        .kind = EVENT_REFUSED,
        .port = dial->port,
        .ticket = dial->ticket,
        .reason = span_from_text(reason),
        .retry_after_ns = retry_after_ns,
    };
    list_remove(&dial->link);
    mem_give(runtime->config.mem, dial, sizeof(*dial));
    runtime_run_event(runtime, &event);
}

void
runtime_dial_refused(void *owner, void *user, const char *reason)
{
    dial_refused(owner, user, reason, 0);
}

static void
run_conn_event(struct runtime *runtime, const struct runtime_conn *conn, enum event_kind kind,
    struct span bytes, struct span reason)
{
    struct event event = {
        .kind = kind,
        .port = conn->port,
        .conn = conn->id,
        .bytes = bytes,
        .reason = reason,
    };
    runtime_run_event(runtime, &event);
}

static void
ws_message(void *owner, struct ws_conn *ws, struct span message)
{
    const struct runtime_conn *conn = ws_conn_user(ws);
    if (conn != NULL) {
        run_conn_event(owner, conn, EVENT_MESSAGE, message, SPAN_NONE);
    }
}

static void
ws_congested(void *owner, struct ws_conn *ws, bool congested)
{
    const struct runtime_conn *conn = ws_conn_user(ws);
    if (conn != NULL) {
        run_conn_event(
            owner, conn, congested ? EVENT_CONGESTED : EVENT_DRAINED, SPAN_NONE, SPAN_NONE);
    }
}

static void
conn_closed(struct runtime *runtime, struct runtime_conn *conn, const char *reason)
{
    if (conn != NULL) {
        run_conn_event(runtime, conn, EVENT_CLOSED, SPAN_NONE, span_from_text(reason));
        runtime_conns_remove(&runtime->conns, conn);
    }
}

static void
ws_closed(void *owner, struct ws_conn *ws, uint16_t code, const char *reason)
{
    (void)code;
    conn_closed(owner, ws_conn_user(ws), reason);
}

struct ws_events
runtime_ws_events(struct runtime *runtime)
{
    return (struct ws_events){
        .owner = runtime,
        .on_opened = ws_opened,
        .on_refused = runtime_dial_refused,
        .on_message = ws_message,
        .on_congested = ws_congested,
        .on_closed = ws_closed,
    };
}

void
runtime_ws_log(void *owner, bool is_error, const char *line)
{
    struct runtime *runtime = owner;
    LOG_AT(runtime->config.log, is_error ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "ws.library",
        LOG_TEXT("line", line));
}

/* Links. */

static void
limit_frames(const struct runtime *runtime, struct link_conn *link, const struct link_peer *opened)
{
    for (size_t i = 0; i < runtime->link_peer_count; i++) {
        const struct runtime_link_peer *peer = &runtime->link_peers[i];
        if (peer->frame_size_max > 0 && span_equal(peer->federation, opened->federation)) {
            link_conn_limit_frames(link, peer->frame_size_max);
        }
    }
}

static void
link_opened(void *owner, struct link_conn *link, const struct link_peer *peer)
{
    struct runtime *runtime = owner;
    struct runtime_dial *dial = peer->dialed ? link_conn_user(link) : NULL;
    struct runtime_conn *conn = runtime_conns_add(&runtime->conns, PORT_LINK);
    struct event event = {
        .kind = dial == NULL ? EVENT_ACCEPTED : EVENT_OPENED,
        .port = PORT_LINK,
        .ticket = dial == NULL ? 0 : dial->ticket,
        .address = span_from_text(peer->address),
        .reason = SPAN("no memory for the connection"),
        .identity = { .federation = peer->federation, .bridge = peer->bridge },
    };
    link_conn_set_user(link, conn);
    limit_frames(runtime, link, peer);
    if (dial != NULL) {
        list_remove(&dial->link);
        mem_give(runtime->config.mem, dial, sizeof(*dial));
    }
    if (conn == NULL) {
        link_close(link, "no memory for the connection");
        if (event.kind == EVENT_ACCEPTED) {
            return;
        }
        event.kind = EVENT_REFUSED;
    } else {
        conn->link = link;
        event.conn = conn->id;
    }
    runtime_run_event(runtime, &event);
}

static void
link_refused(void *owner, void *user, const char *reason, uint64_t retry_after_ns)
{
    dial_refused(owner, user, reason, retry_after_ns);
}

static void
link_rejected(void *owner, const char *address, const char *reason)
{
    struct runtime *runtime = owner;
    LOG_WARN(runtime->config.log, "link.rejected", LOG_TEXT("address", address),
        LOG_TEXT("reason", reason));
}

static void
link_frame_came(void *owner, struct link_conn *link, struct span frame)
{
    const struct runtime_conn *conn = link_conn_user(link);
    if (conn != NULL) {
        run_conn_event(owner, conn, EVENT_MESSAGE, frame, SPAN_NONE);
    }
}

static void
link_congested(void *owner, struct link_conn *link, bool congested)
{
    const struct runtime_conn *conn = link_conn_user(link);
    if (conn != NULL) {
        run_conn_event(
            owner, conn, congested ? EVENT_CONGESTED : EVENT_DRAINED, SPAN_NONE, SPAN_NONE);
    }
}

static void
link_closed(void *owner, struct link_conn *link, const char *reason)
{
    conn_closed(owner, link_conn_user(link), reason);
}

static void
link_stopped(void *owner)
{
    (void)owner; /* the loop runs empty by itself */
}

struct link_callbacks
runtime_link_callbacks(struct runtime *runtime)
{
    return (struct link_callbacks){
        .owner = runtime,
        .on_opened = link_opened,
        .on_refused = link_refused,
        .on_rejected = link_rejected,
        .on_frame = link_frame_came,
        .on_congested = link_congested,
        .on_closed = link_closed,
        .on_stopped = link_stopped,
    };
}
