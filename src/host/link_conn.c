/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_conn.c - the life of one connection: its handles, its timer, its end. Read link_conn.h first.
 */
#include "host/link_conn.h"

/* Seconds of silence before the system probes; the bridge's own pings come much earlier. */
#define KEEPALIVE_SECONDS 60

static void on_timer(uv_timer_t *timer);

struct link_conn *
link_conn_create(struct link_host *host, bool dialed)
{
    struct link_conn *conn = mem_take(host->mem, sizeof(*conn));
    if (conn == NULL) {
        return NULL;
    }
    conn->host = host;
    conn->dialed = dialed;
    conn->frame_size_max = host->config.frame_size_max;
    conn->connect_timeout_ns = host->config.connect_timeout_ns;
    conn->handshake_timeout_ns = host->config.handshake_timeout_ns;
    list_push(&host->conns, &conn->link);
    list_init(&conn->dirty);
    list_init(&conn->waiting);
    list_init(&conn->racing);
    buf_init(&conn->later, host->mem, LINK_READ_SIZE);
    buf_init(&conn->in, host->mem,
        LINK_PIECE_HEADER_SIZE + host->config.frame_size_max + LINK_RECORD_SIZE);
    /* Up to half of it may be what was sent already: link_send(). */
    buf_init(&conn->out, host->mem, 2 * host->config.send_queue_max);
    buf_init(&conn->wire, host->mem, LINK_WIRE_SIZE_MAX);
    buf_init(&conn->flying, host->mem, LINK_WIRE_SIZE_MAX);
    CHECK(uv_timer_init(host->loop, &conn->timer) == 0);
    conn->timer.data = conn;
    conn->pins = 1;
    return conn;
}

static void
free_if_done(struct link_conn *conn)
{
    if (conn->pins > 0 || !conn->reported) {
        return;
    }
    struct link_host *host = conn->host;
    SSL_free(conn->ssl);
    tls_context_unref(conn->tls);
    uv_freeaddrinfo(conn->addresses);
    buf_destroy(&conn->later);
    buf_destroy(&conn->in);
    buf_destroy(&conn->out);
    buf_destroy(&conn->wire);
    buf_destroy(&conn->flying);
    list_remove(&conn->dirty);
    list_remove(&conn->link);
    mem_give(host->mem, conn, sizeof(*conn));
    link_host_settle(host);
}

void
link_conn_unpin(struct link_conn *conn)
{
    CHECK(conn->pins > 0);
    conn->pins--;
    free_if_done(conn);
}

static void
on_socket_closed(uv_handle_t *handle)
{
    struct link_socket *socket = handle->data;
    struct link_conn *conn = socket->conn;
    mem_give(conn->host->mem, socket, sizeof(*socket));
    link_conn_unpin(conn);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    link_conn_unpin(handle->data);
}

struct link_socket *
link_socket_open(struct link_conn *conn)
{
    CHECK(conn->socket == NULL);
    struct link_socket *socket = mem_take(conn->host->mem, sizeof(*socket));
    if (socket == NULL) {
        return NULL;
    }
    CHECK(uv_tcp_init(conn->host->loop, &socket->tcp) == 0);
    socket->tcp.data = socket;
    socket->conn = conn;
    list_init(&socket->racing);
    conn->pins++;
    return socket;
}

void
link_socket_close(struct link_socket *socket)
{
    list_remove(&socket->racing);
    uv_close((uv_handle_t *)&socket->tcp, on_socket_closed);
}

void
link_conn_touch(struct link_conn *conn)
{
    if (list_empty(&conn->dirty)) {
        list_push(&conn->host->dirty, &conn->dirty);
    }
}

void
link_conn_arm(struct link_conn *conn, uint64_t delay_ns)
{
    /* The loop's clock stands still during a turn, which may have been long. */
    uv_update_time(conn->host->loop);
    CHECK(uv_timer_start(&conn->timer, on_timer, (delay_ns + MS_NS - 1) / MS_NS, 0) == 0);
}

void
link_conn_leave_handshake(struct link_conn *conn)
{
    if (conn->counted) {
        conn->counted = false;
        conn->host->handshake_count--;
    }
}

void
link_conn_go(struct link_conn *conn)
{
    CHECK(conn->state != LINK_CONN_GONE);
    if (conn->state == LINK_CONN_RESOLVING) {
        /* If it runs already, its callback comes late and finds the connection gone. */
        (void)uv_cancel((uv_req_t *)&conn->lookup);
    }
    conn->state = LINK_CONN_GONE;
    list_remove(&conn->waiting);
    link_conn_leave_handshake(conn);
    link_dial_stop(conn);
    if (conn->socket != NULL) {
        link_socket_close(conn->socket);
        conn->socket = NULL;
    }
    uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
    link_conn_touch(conn);
}

void
link_conn_drop(struct link_conn *conn, const char *reason)
{
    if (conn->state == LINK_CONN_GONE) {
        return;
    }
    if (conn->state != LINK_CONN_CLOSING) {
        reason_set(&conn->reason, "%s", reason);
    }
    link_conn_go(conn);
}

void
link_conn_end(struct link_conn *conn, const char *reason)
{
    switch (conn->state) {
    case LINK_CONN_RESOLVING:
    case LINK_CONN_CONNECTING:
        link_conn_drop(conn, reason);
        break;
    case LINK_CONN_HANDSHAKING:
    case LINK_CONN_ADMITTING:
    case LINK_CONN_OPEN:
        reason_set(&conn->reason, "%s", reason);
        conn->state = LINK_CONN_CLOSING;
        link_conn_arm(conn, conn->host->config.close_timeout_ns);
        link_conn_touch(conn);
        if (conn->paused) {
            link_read_resume(conn); /* to see the peer's end */
        }
        break;
    case LINK_CONN_CLOSING:
    case LINK_CONN_GONE:
        break;
    }
}

/* As link_conn_end(), but what the user has queued is not worth sending any more. */
void
link_conn_fail(struct link_conn *conn, const char *reason)
{
    buf_reset(&conn->out);
    conn->out_used = 0;
    link_conn_end(conn, reason);
}

void
link_conn_fail_tls(struct link_conn *conn)
{
    struct reason reason;
    conn->broken = true;
    tls_session_explain(conn->ssl, &reason);
    /* OpenSSL only knows that our BIO failed. */
    bool no_memory = conn->wire.overflowed;
    link_conn_fail(conn, no_memory ? "out of memory for what waits to be sent" : reason.text);
}

static void
on_timer(uv_timer_t *timer)
{
    struct link_conn *conn = timer->data;
    struct reason reason;
    switch (conn->state) {
    case LINK_CONN_RESOLVING:
    case LINK_CONN_CONNECTING:
        link_dial_late(conn);
        break;
    case LINK_CONN_HANDSHAKING:
    case LINK_CONN_ADMITTING:
        reason_set(&reason, "the handshake was not over within %llu ms",
            (unsigned long long)(conn->handshake_timeout_ns / MS_NS));
        link_conn_drop(conn, reason.text);
        break;
    case LINK_CONN_CLOSING:
        link_conn_go(conn);
        break;
    case LINK_CONN_OPEN:
        link_read_resume(conn);
        break;
    case LINK_CONN_GONE:
        break;
    }
}

static void
report(struct link_conn *conn)
{
    const struct link_callbacks *callbacks = &conn->host->callbacks;
    if (conn->was_open) {
        callbacks->on_closed(callbacks->owner, conn, conn->reason.text);
    } else if (conn->dialed) {
        callbacks->on_refused(
            callbacks->owner, conn->user, conn->reason.text, conn->retry_after_ns);
    } else {
        conn->host->handshakes[LINK_HANDSHAKE_FAILED]++;
        callbacks->on_rejected(callbacks->owner, conn->address, conn->reason.text);
    }
    conn->reported = true;
    free_if_done(conn);
}

void
link_conn_turn(struct link_conn *conn)
{
    switch (conn->state) {
    case LINK_CONN_RESOLVING:
    case LINK_CONN_CONNECTING:
        break;
    case LINK_CONN_HANDSHAKING:
    case LINK_CONN_ADMITTING:
    case LINK_CONN_OPEN:
    case LINK_CONN_CLOSING:
        link_write_turn(conn);
        break;
    case LINK_CONN_GONE:
        if (!conn->reported) {
            report(conn);
        }
        break;
    }
}

static bool
make_session(struct link_conn *conn)
{
    enum tls_role role = conn->dialed ? TLS_ROLE_DIAL : TLS_ROLE_ACCEPT;
    conn->tls = tls_context_ref(conn->host->tls);
    conn->ssl = tls_session_create(conn->tls, role);
    BIO *bio = conn->ssl == NULL ? NULL : BIO_new(conn->host->bio_method);
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, conn);
    SSL_set_bio(conn->ssl, bio, bio);
    return true;
}

void
link_conn_start(struct link_conn *conn)
{
    uv_tcp_t *tcp = &conn->socket->tcp;
    conn->state = LINK_CONN_HANDSHAKING;
    if (!make_session(conn)) {
        link_conn_drop(conn, "out of memory for TLS");
        return;
    }
    /* Both only tune; the connection works without. */
    (void)uv_tcp_nodelay(tcp, 1);
    (void)uv_tcp_keepalive(tcp, 1, KEEPALIVE_SECONDS);
    int status = link_read_start(conn);
    if (status < 0) {
        link_conn_drop(conn, uv_strerror(status));
        return;
    }
    link_conn_arm(conn, conn->handshake_timeout_ns);
    struct yield yield = yield_after(LINK_TURN_NS);
    link_read_step(conn, &yield);
    link_conn_touch(conn);
}
