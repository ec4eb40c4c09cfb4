/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_conn.c - one connection's life, as libwebsockets tells it.
 *
 *   arriving -> open -> closing -> ending -> closed      ws_close(): the queue, then a close frame
 *                  \-> ending -> closed                  the peer closes
 *                   \-> killed -> closed                 slow reader, no memory, broken
 *
 * The memory lives a little longer than `closed`, until libwebsockets has closed its handle.
 */
#include "host/ws_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/http_reply.h"
#include "host/tls_peer.h"

/* What is received counts as life, but telling libwebsockets so costs a walk through its timers. */
#define VOUCH_EVERY_MS 5000

static struct ws_host *
host_of(const struct ws_conn *conn)
{
    return conn->guest.door->host;
}

void
ws_conn_touch(struct ws_conn *conn)
{
    struct ws_host *host = host_of(conn);
    if (list_empty(&conn->dirty)) {
        list_push(&host->dirty, &conn->dirty);
        ws_host_wake(host);
    }
}

static void
set_close(struct ws_conn *conn, uint16_t code, struct span reason)
{
    size_t size = reason.size < WS_REASON_MAX ? reason.size : WS_REASON_MAX;
    conn->close_code = code;
    if (size > 0) {
        memcpy(conn->close_reason, reason.data, size);
    }
    conn->close_reason[size] = '\0';
}

void
ws_conn_kill(struct ws_conn *conn, uint16_t code, const char *format, ...)
{
    if (conn->state >= WS_CONN_KILLED) {
        return;
    }
    if (conn->state <= WS_CONN_OPEN) {
        char text[WS_REASON_MAX + 1];
        va_list values;
        va_start(values, format);
        (void)vsnprintf(text, sizeof(text), format, values);
        va_end(values);
        set_close(conn, code, span_from_text(text));
    }
    conn->state = WS_CONN_KILLED;
    ws_conn_touch(conn);
}

void
ws_close(struct ws_conn *conn, uint16_t code, const char *reason)
{
    if (conn->state != WS_CONN_OPEN) {
        return;
    }
    set_close(conn, code, span_from_text(reason));
    conn->state = WS_CONN_CLOSING;
    ws_conn_touch(conn);
}

void *
ws_conn_user(const struct ws_conn *conn)
{
    return conn->user;
}

void
ws_conn_set_user(struct ws_conn *conn, void *user)
{
    conn->user = user;
}

bool
ws_conn_is_dialed(const struct ws_conn *conn)
{
    return conn->dialed;
}

const char *
ws_conn_peer(const struct ws_conn *conn)
{
    return conn->peer;
}

const char *
ws_conn_peer_uri(const struct ws_conn *conn)
{
    return conn->peer_uri;
}

static void
report_congestion(struct ws_conn *conn)
{
    size_t above = conn->limits->congested_above;
    size_t queued = ws_conn_queued(conn);
    bool congested = conn->congested ? queued >= above / 2 : queued > above;
    if (congested == conn->congested) {
        return;
    }
    conn->congested = congested;
    if (conn->events->on_congested != NULL) {
        conn->events->on_congested(conn->events->owner, conn, congested);
    }
}

/* Close it without a word, from outside of libwebsockets' callbacks as well as from inside. */
static void
cut_off(struct ws_conn *conn)
{
    if (conn->cut_off) {
        return;
    }
    conn->cut_off = true;
    conn->in_flight = 0;
    ws_queue_drop(conn);
    lws_set_timeout(conn->guest.wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    ws_host_kick(host_of(conn));
}

/* From here on the connection has WS_CLOSE_WITHIN_NS to end politely. */
static void
set_deadline(struct ws_conn *conn)
{
    conn->has_deadline = true;
    lws_set_timeout(
        conn->guest.wsi, PENDING_TIMEOUT_USER_REASON_BASE, (int)(WS_CLOSE_WITHIN_NS / SEC_NS));
    ws_host_kick(host_of(conn));
}

/*
 * libwebsockets' own way to close, lws_close_reason() and -1 from a callback, sends no close frame
 * with libuv: as Debian builds 4.1.6 it closes twice, and the second time is final. So the frame is
 * ours, and so is the deadline for the peer's answer.
 */
static void
pursue_close(struct ws_conn *conn)
{
    if (!conn->has_deadline) {
        set_deadline(conn);
        if (!ws_queue_close_frame(conn)) {
            ws_conn_kill(conn, WS_CODE_INTERNAL, "no memory to close");
            return;
        }
    }
    if (ws_queue_flush(conn)) {
        conn->state = WS_CONN_ENDING;
    }
}

void
ws_conn_settle(struct ws_conn *conn)
{
    switch (conn->state) {
    case WS_CONN_OPEN:
        (void)ws_queue_flush(conn);
        if (conn->state == WS_CONN_OPEN) {
            report_congestion(conn);
        }
        return;
    case WS_CONN_CLOSING:
        pursue_close(conn);
        return;
    case WS_CONN_KILLED:
        cut_off(conn);
        return;
    case WS_CONN_ARRIVING:
    case WS_CONN_ENDING:
    case WS_CONN_CLOSED:
        return;
    }
}

static void
open_conn(struct ws_conn *conn)
{
    struct ws_host *host = host_of(conn);
    struct ssl_st *ssl = lws_get_ssl(conn->guest.wsi);
    if (ssl != NULL) {
        (void)tls_peer_uri(ssl, conn->peer_uri, sizeof(conn->peer_uri));
    }
    conn->state = WS_CONN_OPEN;
    conn->heard_ms = uv_now(host->loop);
    conn->vouched_ms = conn->heard_ms;
    list_push(&host->conns, &conn->link);
    conn->events->on_opened(conn->events->owner, conn);
}

/* The upgrade is done. Non-zero: close it. */
static int
on_established(struct ws_conn *conn)
{
    if (host_of(conn)->phase != WS_PHASE_RUNNING) {
        return -1;
    }
    if (conn->dialed) {
        if (conn->dial == NULL) {
            return -1;
        }
        conn->guest.is_dialing = false;
        ws_dial_succeed(conn->dial);
    }
    open_conn(conn);
    return 0;
}

static void
hear(struct ws_conn *conn)
{
    conn->heard_ms = uv_now(host_of(conn)->loop);
    if (conn->heard_ms - conn->vouched_ms >= VOUCH_EVERY_MS) {
        conn->vouched_ms = conn->heard_ms;
        lws_validity_confirmed(conn->guest.wsi);
    }
}

static void
deliver(struct ws_conn *conn, struct span message)
{
    struct ws_counters *counters = &host_of(conn)->counters;
    counters->messages_received++;
    counters->bytes_received += message.size;
    conn->events->on_message(conn->events->owner, conn, message);
}

/* A piece of a message that libwebsockets has not delivered in one. */
static void
collect(struct ws_conn *conn, struct span piece, bool is_last)
{
    struct ws_host *host = host_of(conn);
    if (conn->in.data == NULL) {
        conn->in = ws_host_lend(host, conn->limits->message_size_max);
    }
    buf_add(&conn->in, piece);
    if (conn->in.overflowed) {
        ws_close(conn, WS_CODE_INTERNAL, "no memory to receive the message");
    } else if (is_last) {
        deliver(conn, buf_span(&conn->in));
    } else {
        return;
    }
    ws_host_take_back(host, &conn->in);
}

static void
on_receive(struct ws_conn *conn, struct span piece)
{
    if (conn->state != WS_CONN_OPEN) {
        return;
    }
    hear(conn);
    size_t size_max = conn->limits->message_size_max;
    size_t known = conn->in.size + piece.size;
    size_t coming = lws_remaining_packet_payload(conn->guest.wsi);
    if (known > size_max || coming > size_max - known) {
        char reason[WS_REASON_MAX];
        (void)snprintf(reason, sizeof(reason), "message exceeds limit of %zu bytes", size_max);
        ws_close(conn, WS_CODE_TOO_BIG, reason);
        ws_host_take_back(host_of(conn), &conn->in);
        return;
    }
    bool is_last = coming == 0 && lws_is_final_fragment(conn->guest.wsi) != 0;
    if (is_last && conn->in.size == 0) {
        deliver(conn, piece);
        return;
    }
    collect(conn, piece, is_last);
}

/* Non-zero: close at once, without the close frame that libwebsockets would answer. */
static int
on_peer_closes(struct ws_conn *conn, struct span payload)
{
    bool is_answer = conn->state == WS_CONN_ENDING;
    if (conn->state == WS_CONN_OPEN) {
        uint16_t code = WS_CODE_NONE;
        struct span reason = SPAN("closed by the peer");
        if (payload.size >= 2) {
            code = (uint16_t)(payload.data[0] << 8 | payload.data[1]);
            reason = payload.size > 2 ? span_after(payload, 2) : reason;
        }
        set_close(conn, code, reason);
    }
    if (conn->state < WS_CONN_ENDING) {
        conn->state = WS_CONN_ENDING;
        ws_queue_drop(conn);
        set_deadline(conn);
    }
    return is_answer ? -1 : 0;
}

static void
explain_loss(struct ws_conn *conn)
{
    struct ws_host *host = host_of(conn);
    uint64_t silent_ms = uv_now(host->loop) - conn->heard_ms;
    uint64_t silent_max_ms = host->silence.secs_since_valid_hangup * UINT64_C(1000);
    char reason[WS_REASON_MAX];
    if (silent_ms + 500 >= silent_max_ms) {
        (void)snprintf(reason, sizeof(reason), "nothing heard for %llu s, not even a pong",
            (unsigned long long)((silent_ms + 500) / 1000));
    } else {
        (void)snprintf(reason, sizeof(reason), "connection lost");
    }
    set_close(conn, WS_CODE_LOST, span_from_text(reason));
}

static void
on_closed(struct ws_conn *conn)
{
    enum ws_conn_state state = conn->state;
    conn->state = WS_CONN_CLOSED;
    list_remove(&conn->link);
    list_remove(&conn->dirty);
    ws_queue_drop(conn);
    ws_host_take_back(host_of(conn), &conn->in);
    if (state == WS_CONN_ARRIVING || state == WS_CONN_CLOSED) {
        return;
    }
    if (state == WS_CONN_OPEN) {
        explain_loss(conn);
    }
    ws_host_wake(host_of(conn));
    conn->events->on_closed(conn->events->owner, conn, conn->close_code, conn->close_reason);
}

/* TLS is up, the request is about to go out. Non-zero: this is not whom we wanted. */
static int
on_greeting(struct ws_conn *conn)
{
    struct ssl_st *ssl = lws_get_ssl(conn->guest.wsi);
    if (conn->dial == NULL) {
        return -1;
    }
    return ssl == NULL || ws_dial_accept_server(conn->dial, ssl) ? 0 : -1;
}

static int
on_event(struct ws_guest *guest, enum lws_callback_reasons event, void *input, size_t size)
{
    struct ws_conn *conn = CONTAINER_OF(guest, struct ws_conn, guest);
    switch ((int)event) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return on_established(conn);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        on_receive(conn, span_from(input, size));
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        hear(conn);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        ws_conn_touch(conn);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return on_peer_closes(conn, span_from(input, size));
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
        on_closed(conn);
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return on_greeting(conn);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (conn->dial != NULL) {
            ws_dial_fail(conn->dial, span_from(input, input == NULL ? 0 : size));
        }
        return 0;
    case LWS_CALLBACK_HTTP:
        return http_reply_refuse(guest->wsi, HTTP_REPLY_UPGRADE_REQUIRED,
            "this port speaks WebSocket: connect to it with ws:// or wss://\n");
    default:
        return 0;
    }
}

static void
free_conn(struct ws_guest *guest)
{
    struct ws_conn *conn = CONTAINER_OF(guest, struct ws_conn, guest);
    struct ws_host *host = host_of(conn);
    if (conn->dial != NULL) {
        ws_dial_fail(conn->dial, SPAN_NONE);
    }
    on_closed(conn);
    ws_guest_leave(guest);
    mem_give(host->mem, conn, sizeof(*conn));
}

struct ws_conn *
ws_conn_create(struct ws_door *door, const struct ws_limits *limits, const struct ws_events *events,
    const char *peer)
{
    struct ws_conn *conn = mem_take(door->host->mem, sizeof(*conn));
    if (conn == NULL) {
        return NULL;
    }
    ws_guest_init(&conn->guest, door);
    conn->guest.on_event = on_event;
    conn->guest.on_free = free_conn;
    list_init(&conn->link);
    list_init(&conn->dirty);
    conn->limits = limits;
    conn->events = events;
    buf_init(&conn->in, door->host->mem, 0);
    buf_init(&conn->out, door->host->mem, 0);
    (void)snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
    return conn;
}

void
ws_conn_give_up(struct ws_conn *conn)
{
    conn->dial = NULL;
    conn->state = WS_CONN_CLOSED;
    cut_off(conn);
}
