/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_listen.c - listeners: who comes is let in to shake hands, or turned away at the door (link.h says why
 * so). Start at on_knock().
 */
#include <string.h>

#include "host/link_conn.h"

#define ACCEPT_BACKLOG 128

static void
show_peer(const uv_tcp_t *tcp, char text[LINK_ADDRESS_SIZE])
{
    struct sockaddr_storage address = { 0 };
    int size = sizeof(address);
    struct sockaddr *generic = (struct sockaddr *)&address;
    if (uv_tcp_getpeername(tcp, generic, &size) != 0) {
        address.ss_family = AF_UNSPEC; /* it has gone already */
    }
    link_address_show(generic, text);
}

static void
free_listener_if_done(struct link_listener *listener)
{
    struct link_host *host = listener->host;
    listener->pins--;
    if (listener->pins == 0) {
        list_remove(&listener->link);
        mem_give(host->mem, listener, sizeof(*listener));
        link_host_settle(host);
    }
}

/* --- who comes --- */

static const char *
reason_of(enum link_handshake why)
{
    switch (why) {
    case LINK_HANDSHAKE_LIMITED:
        return "more handshakes come than link_handshakes allows";
    case LINK_HANDSHAKE_BUSY:
        return "too many handshakes are under way, or no memory is left for another";
    case LINK_HANDSHAKE_OPENED:
    case LINK_HANDSHAKE_FAILED:
        break;
    }
    return "unknown";
}

static void turn_away(struct link_listener *listener);

static void
on_turned_away(uv_handle_t *handle)
{
    struct link_listener *listener = handle->data;
    listener->turning_away = false;
    if (listener->one_waits && uv_is_closing((uv_handle_t *)&listener->tcp) == 0) {
        turn_away(listener);
    }
    free_listener_if_done(listener);
}

/*
 * uv listens no further until a connection that it announced was taken: take it, and reset it, which leaves
 * nothing of it in the system either.
 */
static void
turn_away(struct link_listener *listener)
{
    const struct link_callbacks *callbacks = &listener->host->callbacks;
    char address[LINK_ADDRESS_SIZE];
    listener->one_waits = listener->turning_away;
    if (listener->one_waits) {
        return;
    }
    CHECK(uv_tcp_init(listener->host->loop, &listener->unwanted) == 0);
    listener->unwanted.data = listener;
    listener->turning_away = true;
    listener->pins++;
    (void)uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)&listener->unwanted);
    show_peer(&listener->unwanted, address);
    if (uv_tcp_close_reset(&listener->unwanted, on_turned_away) != 0) {
        uv_close((uv_handle_t *)&listener->unwanted, on_turned_away);
    }
    listener->host->handshakes[listener->why]++;
    callbacks->on_rejected(callbacks->owner, address, reason_of(listener->why));
}

/* Whether one more handshake may begin now. If not, listener->why says why. */
static bool
may_shake_hands(struct link_listener *listener)
{
    const struct link_host *host = listener->host;
    if (host->handshake_count >= host->config.handshakes_max) {
        listener->why = LINK_HANDSHAKE_BUSY;
        return false;
    }
    listener->why = LINK_HANDSHAKE_LIMITED;
    return token_bucket_take(&listener->handshakes, (struct instant){ .ns = uv_hrtime() });
}

static void
on_knock(uv_stream_t *stream, int status)
{
    struct link_listener *listener = stream->data;
    struct link_host *host = listener->host;
    const struct link_callbacks *callbacks = &host->callbacks;
    if (status < 0) {
        host->handshakes[LINK_HANDSHAKE_BUSY]++; /* as without file descriptors */
        callbacks->on_rejected(callbacks->owner, "?", uv_strerror(status));
        return;
    }
    if (!may_shake_hands(listener)) {
        turn_away(listener);
        return;
    }
    struct link_conn *conn = link_conn_create(host, false);
    struct link_socket *socket = conn == NULL ? NULL : link_socket_open(conn);
    if (socket == NULL) {
        if (conn != NULL) {
            conn->reported = true; /* turn_away() does that */
            link_conn_drop(conn, "out of memory for a connection");
        }
        listener->why = LINK_HANDSHAKE_BUSY;
        turn_away(listener);
        return;
    }
    conn->socket = socket;
    status = uv_accept(stream, (uv_stream_t *)&socket->tcp);
    if (status < 0) {
        link_conn_drop(conn, uv_strerror(status));
        return;
    }
    show_peer(&socket->tcp, conn->address);
    host->handshake_count++;
    conn->counted = true;
    link_conn_start(conn);
}

/* --- listening --- */

static void
on_listener_closed(uv_handle_t *handle)
{
    free_listener_if_done(handle->data);
}

void
link_listener_close(struct link_listener *listener)
{
    uv_handle_t *handle = (uv_handle_t *)&listener->tcp;
    if (uv_is_closing(handle) == 0) {
        uv_close(handle, on_listener_closed);
    }
}

static bool
parse_address(const char *text, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (uv_ip4_addr(text, port, &in) == 0) {
        memcpy(address, &in, sizeof(in));
        return true;
    }
    if (uv_ip6_addr(text, port, &in6) == 0) {
        memcpy(address, &in6, sizeof(in6));
        return true;
    }
    return false;
}

/* 0, or what the system says. */
static int
bind_and_listen(struct link_listener *listener, const struct sockaddr_storage *address)
{
    const struct sockaddr *wanted = (const struct sockaddr *)address;
    /* uv sets SO_REUSEADDR, so that a restart need not wait, and not SO_REUSEPORT. */
    int status = uv_tcp_bind(&listener->tcp, wanted, 0);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&listener->tcp, ACCEPT_BACKLOG, on_knock);
    }
    struct sockaddr_storage bound = { 0 };
    int size = sizeof(bound);
    if (status == 0) {
        status = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&bound, &size);
    }
    if (status == 0) {
        struct sockaddr_in6 in6;
        struct sockaddr_in in;
        memcpy(&in6, &bound, sizeof(in6));
        memcpy(&in, &bound, sizeof(in));
        listener->port = ntohs(bound.ss_family == AF_INET6 ? in6.sin6_port : in.sin_port);
    }
    return status;
}

struct link_listener *
link_listen(struct link_host *host, const char *address, uint16_t port, struct reason *reason)
{
    CHECK(!host->stopping);
    struct sockaddr_storage parsed = { 0 };
    if (!parse_address(address, port, &parsed)) {
        reason_set(reason,
            "cannot listen on %s: it is not an IPv4 or IPv6 address (0.0.0.0 is all)",
            reason_escape(span_from_text(address)).text);
        return NULL;
    }
    struct link_listener *listener = mem_take(host->mem, sizeof(*listener));
    if (listener == NULL) {
        reason_set(reason, "cannot listen on %s port %u: out of memory", address, (unsigned)port);
        return NULL;
    }
    CHECK(uv_tcp_init(host->loop, &listener->tcp) == 0);
    listener->tcp.data = listener;
    listener->host = host;
    listener->pins = 1;
    token_bucket_init(&listener->handshakes, host->config.handshake_rate.count,
        host->config.handshake_rate.period_ns, host->config.handshake_burst);
    list_push(&host->listeners, &listener->link);
    int status = bind_and_listen(listener, &parsed);
    if (status != 0) {
        reason_set(reason, "cannot listen on %s port %u: %s%s", address, (unsigned)port,
            uv_strerror(status),
            status == UV_EADDRINUSE ? "; another process has it, or this one runs twice" : "");
        link_listener_close(listener);
        return NULL;
    }
    return listener;
}

uint16_t
link_listener_port(const struct link_listener *listener)
{
    return listener->port;
}
