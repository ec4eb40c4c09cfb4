/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_peer.c - a peer that is not bound by host/link.h: see link_rig.h.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tests/support/link_rig.h"

#define SAY_MAX ((size_t)64 * 1024 * 1024)

struct raw_write {
    uv_write_t request;
    char bytes[];
};

static int
choose_any_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
    const unsigned char *offered, unsigned offered_size, void *wanted)
{
    (void)ssl;
    const unsigned char *name = wanted;
    for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
        if (offered[at] == name[0] && memcmp(&offered[at], name, 1u + name[0]) == 0) {
            *chosen = &offered[at + 1];
            *chosen_size = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Length and name, as on the wire; one static place for each name, since contexts keep pointers. */
static unsigned char *
alpn_on_wire(const char *alpn)
{
    static unsigned char ours[64];
    static unsigned char other[64];
    unsigned char *place = strcmp(alpn, TLS_ALPN) == 0 ? ours : other;
    place[0] = (unsigned char)strlen(alpn);
    memcpy(&place[1], alpn, strlen(alpn));
    return place;
}

SSL_CTX *
raw_context(const struct pki *pki, const char *name, const char *ca, const char *alpn)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    ck_assert_ptr_nonnull(context);
    (void)SSL_CTX_set_num_tickets(context, 0);
    if (name != NULL) {
        struct pki_path cert = pki_file(pki, name, "cert");
        struct pki_path key = pki_file(pki, name, "key");
        ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(context, cert.text), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(context, key.text, SSL_FILETYPE_PEM), 1);
    }
    struct pki_path authority = pki_file(pki, ca, "cert");
    ck_assert_int_eq(SSL_CTX_load_verify_file(context, authority.text), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (alpn != NULL) {
        unsigned char *wire = alpn_on_wire(alpn);
        ck_assert_int_eq(SSL_CTX_set_alpn_protos(context, wire, 1u + wire[0]), 0);
        SSL_CTX_set_alpn_select_cb(context, choose_any_alpn, wire);
    }
    return context;
}

static void
on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request->data);
}

static void
write_bytes(struct raw_peer *peer, const void *bytes, size_t size)
{
    if (size == 0 || !peer->open) {
        return;
    }
    struct raw_write *write = malloc(sizeof(*write) + size);
    ck_assert_ptr_nonnull(write);
    memcpy(write->bytes, bytes, size);
    write->request.data = write;
    uv_buf_t place = uv_buf_init(write->bytes, (unsigned)size);
    uv_stream_t *stream = (uv_stream_t *)&peer->tcp;
    if (uv_write(&write->request, stream, &place, 1, on_written) != 0) {
        free(write);
    }
}

static void
note_failure(struct raw_peer *peer, int status)
{
    int error = SSL_get_error(peer->ssl, status);
    if (error == SSL_ERROR_WANT_READ) {
        return;
    }
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    (void)snprintf(peer->failure, sizeof(peer->failure), "%s",
        error == SSL_ERROR_ZERO_RETURN ? "goodbye"
        : text == NULL                 ? "?"
                                       : text);
    peer->ended = 1;
}

static void
flush(struct raw_peer *peer)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(peer->to_net, &bytes);
    write_bytes(peer, bytes, (size_t)size);
    (void)BIO_reset(peer->to_net);
}

static void
step(struct raw_peer *peer)
{
    ERR_clear_error();
    if (peer->shaken == 0) {
        int status = SSL_do_handshake(peer->ssl);
        peer->shaken = status == 1 ? 1 : 0;
        if (status != 1) {
            note_failure(peer, status);
        }
    }
    if (peer->shaken == 1 && peer->to_say.size > 0) {
        ck_assert_int_gt(SSL_write(peer->ssl, peer->to_say.data, (int)peer->to_say.size), 0);
        buf_reset(&peer->to_say);
    }
    while (peer->shaken == 1 && peer->ended == 0) {
        uint8_t *place = buf_reserve(&peer->heard, 16384);
        ck_assert_ptr_nonnull(place);
        int count = SSL_read(peer->ssl, place, 16384);
        if (count <= 0) {
            note_failure(peer, count);
            break;
        }
        buf_commit(&peer->heard, (size_t)count);
    }
    flush(peer);
}

static void
lend(uv_handle_t *handle, size_t suggested, uv_buf_t *place)
{
    static char shared[65536];
    (void)handle;
    (void)suggested;
    *place = uv_buf_init(shared, sizeof(shared));
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *place)
{
    struct raw_peer *peer = stream->data;
    if (count < 0) {
        peer->ended = 1;
        (void)uv_read_stop(stream);
    } else if (peer->ssl == NULL) {
        buf_add(&peer->heard, span_from(place->base, (size_t)count));
    } else {
        ck_assert_int_eq(BIO_write(peer->from_net, place->base, (int)count), (int)count);
        step(peer);
    }
}

static void
begin(struct raw_peer *peer, bool accepts)
{
    if (peer->context != NULL) {
        peer->ssl = SSL_new(peer->context);
        peer->from_net = BIO_new(BIO_s_mem());
        peer->to_net = BIO_new(BIO_s_mem());
        SSL_set_bio(peer->ssl, peer->from_net, peer->to_net);
        if (accepts) {
            SSL_set_accept_state(peer->ssl);
        } else {
            SSL_set_connect_state(peer->ssl);
        }
        step(peer);
    } else {
        write_bytes(peer, peer->to_say.data, peer->to_say.size);
        buf_reset(&peer->to_say);
    }
    raw_resume(peer);
}

static void
on_connected(uv_connect_t *request, int status)
{
    struct raw_peer *peer = request->data;
    if (status == UV_ECONNRESET) {
        peer->ended = 1; /* turned away before the loop came to it */
    } else if (status != UV_ECANCELED) {
        ck_assert_int_eq(status, 0);
        begin(peer, false);
    }
}

static void
peer_init(struct raw_peer *peer, struct rig *rig, SSL_CTX *context)
{
    *peer = (struct raw_peer){ .rig = rig, .context = context };
    buf_init(&peer->to_say, &rig->mem, SAY_MAX);
    buf_init(&peer->heard, &rig->mem, SAY_MAX);
}

static void
peer_open(struct raw_peer *peer)
{
    ck_assert_int_eq(uv_tcp_init(&peer->rig->loop, &peer->tcp), 0);
    peer->tcp.data = peer;
    peer->connect.data = peer;
    peer->open = true;
}

void
raw_dial(struct raw_peer *peer, struct rig *rig, SSL_CTX *context, uint16_t port)
{
    struct sockaddr_in address;
    peer_init(peer, rig, context);
    peer_open(peer);
    ck_assert_int_eq(uv_ip4_addr("127.0.0.1", port, &address), 0);
    ck_assert_int_eq(
        uv_tcp_connect(&peer->connect, &peer->tcp, (const struct sockaddr *)&address, on_connected),
        0);
}

static void
on_knock(uv_stream_t *stream, int status)
{
    struct raw_listener *listener = stream->data;
    ck_assert_int_eq(status, 0);
    peer_open(listener->peer);
    ck_assert_int_eq(uv_accept(stream, (uv_stream_t *)&listener->peer->tcp), 0);
    begin(listener->peer, true);
}

void
raw_listen(struct raw_listener *listener, struct raw_peer *peer, struct rig *rig, SSL_CTX *context)
{
    struct sockaddr_in address;
    struct sockaddr_in bound;
    int size = sizeof(bound);
    peer_init(peer, rig, context);
    listener->peer = peer;
    ck_assert_int_eq(uv_tcp_init(&rig->loop, &listener->tcp), 0);
    listener->tcp.data = listener;
    ck_assert_int_eq(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    ck_assert_int_eq(uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&address, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&listener->tcp, 1, on_knock), 0);
    ck_assert_int_eq(uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&bound, &size), 0);
    listener->port = ntohs(bound.sin_port);
}

void
raw_say(struct raw_peer *peer, struct span bytes)
{
    buf_add(&peer->to_say, bytes);
    ck_assert(!peer->to_say.overflowed);
    if (peer->ssl != NULL && peer->shaken == 1) {
        step(peer);
    }
}

void
raw_say_frame(
    struct raw_peer *peer, uint8_t type, uint8_t flags, size_t announced, struct span payload)
{
    uint8_t header[LINK_PIECE_HEADER_SIZE];
    link_piece_put_header(header, announced, type, flags);
    buf_add(&peer->to_say, span_from(header, sizeof(header)));
    raw_say(peer, payload);
}

void
raw_pause(struct raw_peer *peer)
{
    (void)uv_read_stop((uv_stream_t *)&peer->tcp);
}

void
raw_resume(struct raw_peer *peer)
{
    ck_assert_int_eq(uv_read_start((uv_stream_t *)&peer->tcp, lend, on_read), 0);
}

static bool
not_open(const struct rig *rig, const void *about)
{
    const struct raw_peer *peer = about;
    (void)rig;
    return !peer->open;
}

static void
on_gone(uv_handle_t *handle)
{
    struct raw_peer *peer = handle->data;
    peer->open = false;
}

void
raw_hang_up(struct raw_peer *peer)
{
    if (peer->open) {
        uv_close((uv_handle_t *)&peer->tcp, on_gone);
        rig_wait(peer->rig, not_open, peer, "the raw peer to close");
    }
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    buf_destroy(&peer->to_say);
    buf_destroy(&peer->heard);
    ERR_clear_error();
}

static void
on_listener_gone(uv_handle_t *handle)
{
    handle->data = NULL;
}

static bool
listener_gone(const struct rig *rig, const void *about)
{
    const struct raw_listener *listener = about;
    (void)rig;
    return listener->tcp.data == NULL;
}

void
raw_listener_close(struct raw_listener *listener)
{
    struct rig *rig = listener->peer->rig;
    uv_close((uv_handle_t *)&listener->tcp, on_listener_gone);
    rig_wait(rig, listener_gone, listener, "the raw listener to close");
}
