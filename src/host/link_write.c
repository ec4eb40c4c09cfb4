/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_write.c - what leaves a connection: queued frames are encrypted, a bounded piece each turn, and
 * written. Start at link_write_turn().
 */
#include <openssl/err.h>

#include "host/link_conn.h"

/* Encrypt up to LINK_WRITE_SIZE of what is queued. */
static void
encrypt(struct link_conn *conn)
{
    size_t left = LINK_WRITE_SIZE;
    while (left > 0 && conn->out_used < conn->out.size) {
        size_t size = conn->out.size - conn->out_used;
        size = size < LINK_RECORD_SIZE ? size : LINK_RECORD_SIZE;
        size = size < left ? size : left;
        ERR_clear_error();
        if (SSL_write(conn->ssl, &conn->out.data[conn->out_used], (int)size) <= 0) {
            /* Our BIO never asks to wait, so this is no memory or a session that is broken. */
            link_conn_fail_tls(conn);
            return;
        }
        conn->out_used += size;
        left -= size;
    }
    if (conn->out_used == conn->out.size) {
        buf_reset(&conn->out);
        conn->out_used = 0;
    }
}

void
link_write_own(struct link_conn *conn, uint8_t flags, struct span payload)
{
    uint8_t header[LINK_PIECE_HEADER_SIZE];
    CHECK(payload.size <= LINK_REFUSAL_MAX);
    link_piece_put_header(header, payload.size, LINK_FRAME_TYPE_TRANSPORT, flags);
    buf_add(&conn->out, span_from(header, sizeof(header)));
    buf_add(&conn->out, payload);
    if (conn->out.overflowed) {
        link_conn_fail(conn, "out of memory for the handshake");
        return;
    }
    encrypt(conn);
    link_conn_touch(conn);
}

static void
on_written(uv_write_t *request, int status)
{
    struct link_socket *socket = request->data;
    struct link_conn *conn = socket->conn;
    conn->writing = false;
    buf_reset(&conn->flying);
    conn->flying_used = 0;
    if (conn->socket != socket) {
        return;
    }
    if (status < 0) {
        link_conn_drop(conn, uv_strerror(status));
        return;
    }
    link_conn_touch(conn);
}

/* The socket takes no more now: let uv wait, and TLS write into the other buffer meanwhile. */
static void
write_later(struct link_conn *conn, size_t sent)
{
    struct buf rest = conn->wire;
    conn->wire = conn->flying;
    conn->flying = rest;
    conn->flying_used = sent;
    uv_buf_t bytes =
        uv_buf_init((char *)&conn->flying.data[sent], (unsigned)(conn->flying.size - sent));
    conn->socket->write.data = conn->socket;
    int status =
        uv_write(&conn->socket->write, (uv_stream_t *)&conn->socket->tcp, &bytes, 1, on_written);
    if (status < 0) {
        link_conn_drop(conn, uv_strerror(status));
        return;
    }
    conn->writing = true;
}

static void
write_wire(struct link_conn *conn)
{
    uv_buf_t bytes = uv_buf_init((char *)conn->wire.data, (unsigned)conn->wire.size);
    int status = uv_try_write((uv_stream_t *)&conn->socket->tcp, &bytes, 1);
    if (status < 0 && status != UV_EAGAIN) {
        link_conn_drop(conn, uv_strerror(status));
        return;
    }
    size_t sent = status < 0 ? 0 : (size_t)status;
    conn->stats.bytes_out += conn->wire.size;
    if (sent < conn->wire.size) {
        write_later(conn, sent);
        return;
    }
    buf_reset(&conn->wire);
}

static void
on_shut_down(uv_shutdown_t *request, int status)
{
    struct link_socket *socket = request->data;
    struct link_conn *conn = socket->conn;
    if (conn->socket == socket && status < 0) {
        link_conn_drop(conn, uv_strerror(status));
    }
}

/*
 * Everything is sent: say so, then wait for the peer's end, which comes when it has read all.
 * Closing at once could make the system throw away what the peer has not read yet.
 */
static void
finish(struct link_conn *conn)
{
    conn->finished = true;
    conn->socket->shutdown.data = conn->socket;
    uv_stream_t *stream = (uv_stream_t *)&conn->socket->tcp;
    if (uv_shutdown(&conn->socket->shutdown, stream, on_shut_down) != 0) {
        link_conn_go(conn);
    }
}

static void
transmit(struct link_conn *conn)
{
    if (conn->writing || conn->finished) {
        return;
    }
    if (conn->wire.size < LINK_WRITE_SIZE && conn->out.size > 0 && !conn->broken) {
        encrypt(conn);
    }
    bool closing = conn->state == LINK_CONN_CLOSING;
    if (closing && !conn->goodbye && conn->out.size == 0) {
        conn->goodbye = true;
        if (!conn->broken && SSL_is_init_finished(conn->ssl) == 1) {
            ERR_clear_error();
            (void)SSL_shutdown(conn->ssl);
        }
    }
    if (conn->wire.size > 0) {
        write_wire(conn);
    }
    if (conn->state == LINK_CONN_GONE || conn->writing) {
        return;
    }
    if (conn->out.size > 0 || conn->wire.size > 0) {
        link_conn_touch(conn);
    } else if (conn->goodbye) {
        finish(conn);
    }
    link_conn_slim(&conn->out);
}

size_t
link_conn_queued(const struct link_conn *conn)
{
    return conn->out.size - conn->out_used + conn->wire.size + conn->flying.size -
           conn->flying_used;
}

static void
tell_congestion(struct link_conn *conn)
{
    const struct link_callbacks *callbacks = &conn->host->callbacks;
    size_t queued = link_conn_queued(conn);
    bool rises = !conn->congested && queued > conn->host->config.congested_above;
    bool falls = conn->congested && queued < conn->host->config.congested_below;
    if (conn->state == LINK_CONN_OPEN && (rises || falls)) {
        conn->congested = rises;
        callbacks->on_congested(callbacks->owner, conn, rises);
    }
}

void
link_write_turn(struct link_conn *conn)
{
    transmit(conn);
    tell_congestion(conn);
}
