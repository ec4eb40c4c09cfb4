/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_read.c - what comes to a connection: the handshake, the peer's verdict on us, frames.
 *
 * What has arrived and is left over stays where it is: ciphertext in `later`, and whole
 * frames in `in`. Nothing more is read meanwhile, so that the peer feels it.
 */
#include <openssl/err.h>

#include "host/link_conn.h"

static void
open_up(struct link_conn *conn)
{
    const struct link_callbacks *callbacks = &conn->host->callbacks;
    link_conn_leave_handshake(conn);
    (void)uv_timer_stop(&conn->timer);
    conn->state = LINK_CONN_OPEN;
    conn->was_open = true;
    conn->host->handshakes[LINK_HANDSHAKE_OPENED] += conn->dialed ? 0 : 1;
    struct link_peer peer = link_conn_peer(conn);
    callbacks->on_opened(callbacks->owner, conn, &peer);
}

static void
on_verdict(struct link_conn *conn, const struct link_piece *frame)
{
    struct reason reason;
    if (frame->type != LINK_FRAME_TYPE_TRANSPORT || frame->flags > LINK_FLAGS_REFUSED) {
        link_conn_fail(conn, "the peer sent something else before READY");
    } else if (frame->flags == LINK_FLAGS_REFUSED) {
        struct link_refusal refusal = link_refusal_read(frame->payload);
        conn->retry_after_ns = refusal.retry_after_ns;
        reason_set(&reason, "the peer refused: %s", reason_escape(refusal.text).text);
        link_conn_fail(conn, reason.text);
    } else if (frame->payload.size > 0) {
        link_conn_fail(conn, "the peer sent READY with a payload");
    } else {
        open_up(conn);
    }
}

static void
on_whole_frame(struct link_conn *conn, const struct link_piece *frame)
{
    const struct link_callbacks *callbacks = &conn->host->callbacks;
    if (conn->state == LINK_CONN_ADMITTING) {
        on_verdict(conn, frame);
    } else if (frame->type == LINK_FRAME_TYPE_TRANSPORT) {
        link_conn_fail(conn, "the peer sent a frame of type 0 after READY");
    } else {
        conn->stats.frames_in++;
        callbacks->on_frame(callbacks->owner, conn, frame->whole);
    }
}

static bool
takes_frames(const struct link_conn *conn)
{
    return conn->state == LINK_CONN_ADMITTING || conn->state == LINK_CONN_OPEN;
}

static size_t
payload_max(const struct link_conn *conn)
{
    return conn->state == LINK_CONN_OPEN ? conn->frame_size_max : LINK_REFUSAL_MAX;
}

static bool
can_wait(const struct link_conn *conn, const struct link_piece *frame)
{
    return frame->type < 32 && (conn->host->config.patient_frames >> frame->type & 1u) != 0;
}

/*
 * Deliver the first frame of *rest and step over it. false: there is none, or it can wait, or the peer is at fault.
 */
static bool
deliver_one(struct link_conn *conn, struct span *rest)
{
    struct link_piece frame;
    struct reason reason;
    switch (link_piece_split(*rest, payload_max(conn), &frame)) {
    case LINK_PIECE_OK:
        conn->patient = !conn->at_leisure && can_wait(conn, &frame);
        if (conn->patient) {
            conn->waits = true;
            return false;
        }
        *rest = span_after(*rest, frame.whole.size);
        on_whole_frame(conn, &frame);
        return true;
    case LINK_PIECE_INCOMPLETE:
        return false;
    case LINK_PIECE_TOO_LARGE:
        reason_set(&reason, "the peer announced a frame of %zu bytes, at most %zu are allowed",
            link_piece_announced(*rest), payload_max(conn));
        link_conn_fail(conn, reason.text);
        return false;
    case LINK_PIECE_BAD_HEADER:
        link_conn_fail(conn, "the peer sent a frame whose reserved bytes are not zero");
        return false;
    }
    return false;
}

/* What the peer sent is looked at now, and not later. */
static bool
goes_on(const struct link_conn *conn)
{
    return takes_frames(conn) && !conn->waits;
}

static void
deliver(struct link_conn *conn)
{
    struct span rest = buf_span(&conn->in);
    while (goes_on(conn) && deliver_one(conn, &rest)) {
        conn->waits = conn->waits || yield_is_due(conn->yield);
    }
    buf_drop(&conn->in, conn->in.size - rest.size);
    link_conn_slim(&conn->in);
}

/* Only another certificate or configuration can help, so the peer need not ask often. */
static void
say_refused(struct link_conn *conn, const struct reason *reason)
{
    uint8_t payload[LINK_REFUSAL_MAX];
    const struct link_refusal refusal = {
        .text = span_from_text(reason->text),
        .retry_after_ns = LINK_REFUSAL_PAUSE_NS,
    };
    link_write_own(
        conn, LINK_FLAGS_REFUSED, span_from(payload, link_refusal_write(payload, &refusal)));
}

static void
on_handshaken(struct link_conn *conn)
{
    struct reason reason;
    struct span expected = span_from_text(conn->expected);
    if (!tls_session_identify(conn->tls, conn->ssl, expected, &conn->identity, &reason)) {
        say_refused(conn, &reason);
        link_conn_fail(conn, reason.text);
        return;
    }
    conn->peer_expiry = tls_session_peer_expiry(conn->ssl);
    conn->state = LINK_CONN_ADMITTING;
    link_write_own(conn, LINK_FLAGS_READY, SPAN_NONE);
}

/* One step of the handshake. false: it waits for more bytes, or has failed. */
static bool
shake_hands(struct link_conn *conn)
{
    ERR_clear_error();
    int status = SSL_do_handshake(conn->ssl);
    if (status == 1) {
        on_handshaken(conn);
        return true;
    }
    if (SSL_get_error(conn->ssl, status) != SSL_ERROR_WANT_READ) {
        link_conn_fail_tls(conn);
    }
    return false;
}

/* Decrypt one record behind what is in `in`. false: there is no more now. */
static bool
decrypt(struct link_conn *conn)
{
    uint8_t *place = buf_reserve(&conn->in, LINK_RECORD_SIZE);
    if (place == NULL) {
        link_conn_fail(conn, "out of memory for a frame of the peer");
        return false;
    }
    ERR_clear_error();
    int count = SSL_read(conn->ssl, place, (int)LINK_RECORD_SIZE);
    if (count > 0) {
        buf_commit(&conn->in, (size_t)count);
        return true;
    }
    int error = SSL_get_error(conn->ssl, count);
    if (error == SSL_ERROR_ZERO_RETURN) {
        link_conn_fail(conn, conn->state == LINK_CONN_OPEN ? "the peer closed the link"
                                                           : "the peer closed before it let us in");
    } else if (error != SSL_ERROR_WANT_READ) {
        link_conn_fail_tls(conn);
    }
    return false;
}

void
link_read_step(struct link_conn *conn, struct yield *yield)
{
    conn->yield = yield;
    if (conn->state != LINK_CONN_HANDSHAKING || shake_hands(conn)) {
        deliver(conn);
    }
    while (goes_on(conn) && decrypt(conn)) {
        deliver(conn);
    }
    if (conn->wire.size > 0) {
        link_conn_touch(conn);
    }
    conn->yield = NULL;
}

/* There is enough to go on with. The socket would be taken for somebody who wants something. */
static void
stop_reading(struct link_conn *conn)
{
    if (conn->state == LINK_CONN_GONE) {
        return;
    }
    (void)uv_read_stop((uv_stream_t *)&conn->socket->tcp);
    if (!conn->paused) {
        list_push(conn->patient ? &conn->host->patient : &conn->host->waiting, &conn->waiting);
    }
}

static const char *
end_meaning(enum link_conn_state state, ssize_t status)
{
    if (status != UV_EOF) {
        return uv_strerror((int)status);
    }
    return state == LINK_CONN_OPEN ? "the peer went away without a goodbye (close_notify)"
                                   : "the peer closed the connection during the handshake";
}

static void
lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *place)
{
    struct link_socket *socket = handle->data;
    const struct link_conn *conn = socket->conn;
    (void)suggested;
    /* uv would read 32 times in a row; without a buffer it stops, and says UV_ENOBUFS to on_read(). */
    bool enough = conn->turn == conn->host->turn;
    *place = uv_buf_init((char *)conn->host->read_buffer, enough ? 0 : (unsigned)LINK_READ_SIZE);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *place)
{
    struct link_socket *socket = stream->data;
    struct link_conn *conn = socket->conn;
    if (count == 0 || count == UV_ENOBUFS) {
        return;
    }
    if (count < 0) {
        link_conn_drop(conn, end_meaning(conn->state, count));
        return;
    }
    conn->turn = conn->host->turn;
    if (conn->state == LINK_CONN_CLOSING) {
        return;
    }
    conn->stats.bytes_in += (uint64_t)count;
    conn->arriving = span_from(place->base, (size_t)count);
    struct yield yield = yield_after(LINK_TURN_NS);
    link_read_step(conn, &yield);
    if (conn->waits) {
        buf_add(&conn->later, conn->arriving);
        stop_reading(conn);
    }
    conn->arriving = SPAN_NONE;
    if (conn->later.overflowed) {
        link_conn_fail(conn, "out of memory for what the peer sent");
    }
}

void
link_read_rest(struct link_conn *conn, bool at_leisure, struct yield *yield)
{
    conn->waits = false;
    conn->at_leisure = at_leisure;
    conn->arriving = buf_span(&conn->later);
    link_read_step(conn, yield);
    conn->at_leisure = false;
    buf_drop(&conn->later, conn->later.size - (conn->waits ? conn->arriving.size : 0));
    conn->arriving = SPAN_NONE;
    int status = 0;
    if (conn->waits) {
        stop_reading(conn);
    } else if (conn->state != LINK_CONN_GONE) {
        status = link_read_start(conn);
    }
    if (status < 0) {
        link_conn_drop(conn, uv_strerror(status));
    }
}

void
link_read_resume(struct link_conn *conn)
{
    conn->paused = false;
    list_push(&conn->host->waiting, &conn->waiting);
}

int
link_read_start(struct link_conn *conn)
{
    return uv_read_start((uv_stream_t *)&conn->socket->tcp, lend_buffer, on_read);
}
