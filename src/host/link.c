/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c - the host of all links: listeners, the turn of the loop, and the calls of link.h.
 */
#include "host/link.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "host/link_conn.h"

#define ACCEPT_BACKLOG 128

static_assert(LINK_WIRE_SIZE_MAX > 2 * LINK_WRITE_SIZE, "records are longer than what is in them");

static const struct link_config defaults = {
    .frame_size_max = LINK_FRAME_SIZE_MAX_DEFAULT,
    .send_queue_max = LINK_SEND_QUEUE_MAX_DEFAULT,
    .handshakes_max = LINK_HANDSHAKES_MAX_DEFAULT,
    .connect_timeout_ns = LINK_CONNECT_TIMEOUT_NS_DEFAULT,
    .handshake_timeout_ns = LINK_HANDSHAKE_TIMEOUT_NS_DEFAULT,
    .close_timeout_ns = LINK_CLOSE_TIMEOUT_NS_DEFAULT,
};

static size_t
size_or(size_t given, size_t otherwise)
{
    return given > 0 ? given : otherwise;
}

static uint64_t
time_or(uint64_t given_ns, uint64_t otherwise_ns)
{
    return given_ns > 0 ? given_ns : otherwise_ns;
}

static struct link_config
complete(const struct link_config *given)
{
    struct link_config config = {
        .frame_size_max = size_or(given->frame_size_max, defaults.frame_size_max),
        .send_queue_max = size_or(given->send_queue_max, defaults.send_queue_max),
        .handshakes_max = size_or(given->handshakes_max, defaults.handshakes_max),
        .connect_timeout_ns = time_or(given->connect_timeout_ns, defaults.connect_timeout_ns),
        .handshake_timeout_ns = time_or(given->handshake_timeout_ns, defaults.handshake_timeout_ns),
        .close_timeout_ns = time_or(given->close_timeout_ns, defaults.close_timeout_ns),
    };
    config.congested_above = size_or(given->congested_above, config.send_queue_max / 4);
    config.congested_below = size_or(given->congested_below, config.congested_above / 2);
    CHECK(config.frame_size_max <= UINT32_MAX);
    CHECK(config.send_queue_max >= config.frame_size_max + LINK_PIECE_HEADER_SIZE);
    CHECK(config.send_queue_max >= LINK_PIECE_HEADER_SIZE + LINK_REFUSAL_MAX);
    CHECK(config.congested_below <= config.congested_above);
    return config;
}

/* --- the turn --- */

static void
take_turn(struct link_host *host)
{
    /* What a turn makes dirty again waits for the next one: others must get theirs. */
    struct list turn;
    list_init(&turn);
    LIST_EACH (link, &host->dirty) {
        list_remove(link);
        list_push(&turn, link);
    }
    while (!list_empty(&turn)) {
        struct link_conn *conn = CONTAINER_OF(turn.next, struct link_conn, dirty);
        list_remove(&conn->dirty);
        link_conn_turn(conn);
    }
}

static void
on_idle(uv_idle_t *handle)
{
    (void)handle; /* that it is active keeps the loop from waiting */
}

static void
on_before_poll(uv_prepare_t *handle)
{
    struct link_host *host = handle->data;
    host->turn++;
    take_turn(host);
    if (list_empty(&host->dirty)) {
        (void)uv_idle_stop(&host->keep_going);
    } else {
        (void)uv_idle_start(&host->keep_going, on_idle);
    }
}

static void
on_after_poll(uv_check_t *handle)
{
    take_turn(handle->data);
}

/* --- birth and end --- */

static void
start_turns(struct link_host *host)
{
    CHECK(uv_prepare_init(host->loop, &host->before_poll) == 0);
    CHECK(uv_check_init(host->loop, &host->after_poll) == 0);
    CHECK(uv_idle_init(host->loop, &host->keep_going) == 0);
    host->before_poll.data = host;
    host->after_poll.data = host;
    host->keep_going.data = host;
    host->open_handles = 3;
    CHECK(uv_prepare_start(&host->before_poll, on_before_poll) == 0);
    CHECK(uv_check_start(&host->after_poll, on_after_poll) == 0);
}

struct link_host *
link_host_create(struct uv_loop_s *loop, struct mem *mem, struct tls_context *tls,
    const struct link_config *config, const struct link_callbacks *callbacks)
{
    struct link_host *host = mem_take(mem, sizeof(*host));
    if (host == NULL) {
        return NULL;
    }
    host->loop = loop;
    host->mem = mem;
    host->config = complete(config);
    host->callbacks = *callbacks;
    list_init(&host->listeners);
    list_init(&host->conns);
    list_init(&host->dirty);
    host->tls = tls_context_ref(tls);
    host->bio_method = link_bio_create_method();
    host->read_buffer = mem_take(mem, LINK_READ_SIZE);
    if (host->bio_method == NULL || host->read_buffer == NULL) {
        host->stopped = true;
        link_host_free(host);
        return NULL;
    }
    start_turns(host);
    return host;
}

void
link_host_free(struct link_host *host)
{
    if (host == NULL) {
        return;
    }
    CHECK(host->stopped);
    BIO_meth_free(host->bio_method);
    tls_context_unref(host->tls);
    if (host->read_buffer != NULL) {
        mem_give(host->mem, host->read_buffer, LINK_READ_SIZE);
    }
    mem_give(host->mem, host, sizeof(*host));
}

void
link_host_set_tls(struct link_host *host, struct tls_context *tls)
{
    struct tls_context *before = host->tls;
    host->tls = tls_context_ref(tls);
    tls_context_unref(before);
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct link_host *host = handle->data;
    host->open_handles--;
    if (host->open_handles == 0) {
        host->stopped = true;
        /* The callback may free the host: nothing of it is used afterwards. */
        host->callbacks.on_stopped(host->callbacks.owner);
    }
}

void
link_host_settle(struct link_host *host)
{
    bool empty = list_empty(&host->conns) && list_empty(&host->listeners);
    uv_handle_t *first = (uv_handle_t *)&host->before_poll;
    if (!host->stopping || !empty || uv_is_closing(first) != 0) {
        return;
    }
    uv_close(first, on_handle_closed);
    uv_close((uv_handle_t *)&host->after_poll, on_handle_closed);
    uv_close((uv_handle_t *)&host->keep_going, on_handle_closed);
}

void
link_host_stop(struct link_host *host)
{
    if (host->stopping) {
        return;
    }
    host->stopping = true;
    LIST_EACH (link, &host->listeners) {
        link_listener_close(CONTAINER_OF(link, struct link_listener, link));
    }
    LIST_EACH (link, &host->conns) {
        link_conn_end(CONTAINER_OF(link, struct link_conn, link), "shutting down");
    }
    link_host_settle(host);
}

/* --- listening --- */

void
link_address_show(const struct sockaddr *address, char text[LINK_ADDRESS_SIZE])
{
    char name[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        (void)uv_ip4_name(&in, name, sizeof(name));
        (void)snprintf(text, LINK_ADDRESS_SIZE, "%s:%u", name, (unsigned)ntohs(in.sin_port));
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        (void)uv_ip6_name(&in6, name, sizeof(name));
        (void)snprintf(text, LINK_ADDRESS_SIZE, "[%s]:%u", name, (unsigned)ntohs(in6.sin6_port));
    } else {
        (void)snprintf(text, LINK_ADDRESS_SIZE, "?");
    }
}

static void
name_peer(struct link_conn *conn)
{
    struct sockaddr_storage address = { 0 };
    int size = sizeof(address);
    struct sockaddr *generic = (struct sockaddr *)&address;
    if (uv_tcp_getpeername(&conn->socket->tcp, generic, &size) != 0) {
        address.ss_family = AF_UNSPEC; /* it has gone already */
    }
    link_address_show(generic, conn->address);
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

/* uv listens no further until a connection that it announced was taken: take it, and let it go. */
static void
turn_away(struct link_listener *listener)
{
    listener->one_waits = listener->turning_away;
    if (listener->one_waits) {
        return;
    }
    CHECK(uv_tcp_init(listener->host->loop, &listener->unwanted) == 0);
    listener->unwanted.data = listener;
    listener->turning_away = true;
    listener->pins++;
    (void)uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)&listener->unwanted);
    uv_close((uv_handle_t *)&listener->unwanted, on_turned_away);
}

static void
on_knock(uv_stream_t *stream, int status)
{
    struct link_listener *listener = stream->data;
    struct link_host *host = listener->host;
    const struct link_callbacks *callbacks = &host->callbacks;
    if (status < 0) {
        callbacks->on_rejected(callbacks->owner, "?", uv_strerror(status));
        return;
    }
    struct link_conn *conn = link_conn_create(host, false);
    struct link_socket *socket = conn == NULL ? NULL : link_conn_open_socket(conn);
    if (socket == NULL) {
        turn_away(listener);
        if (conn != NULL) {
            link_conn_drop(conn, "out of memory for a connection");
        } else {
            callbacks->on_rejected(callbacks->owner, "?", "out of memory for a connection");
        }
        return;
    }
    status = uv_accept(stream, (uv_stream_t *)&socket->tcp);
    if (status < 0) {
        link_conn_drop(conn, uv_strerror(status));
        return;
    }
    name_peer(conn);
    if (host->handshake_count >= host->config.handshakes_max) {
        link_conn_drop(conn, "too many handshakes are under way");
        return;
    }
    host->handshake_count++;
    conn->counted = true;
    link_conn_start(conn);
}

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

/* --- connections --- */

static bool
copy_text(char *place, size_t room, const char *text)
{
    size_t size = strlen(text);
    if (size >= room) {
        return false;
    }
    memcpy(place, text, size + 1);
    return true;
}

struct link_conn *
link_dial(struct link_host *host, const struct link_target *target)
{
    struct link_conn *conn = host->stopping ? NULL : link_conn_create(host, true);
    if (conn == NULL) {
        return NULL;
    }
    conn->user = target->user;
    conn->port = target->port;
    conn->connect_timeout_ns = time_or(target->connect_timeout_ns, conn->connect_timeout_ns);
    conn->handshake_timeout_ns = time_or(target->handshake_timeout_ns, conn->handshake_timeout_ns);
    const char *federation = target->federation == NULL ? "" : target->federation;
    if (!copy_text(conn->expected, sizeof(conn->expected), federation)) {
        link_conn_drop(conn, "the federation's name is too long for any certificate");
    } else if (!copy_text(conn->host_name, sizeof(conn->host_name), target->host)) {
        link_conn_drop(conn, "the host's name is too long");
    } else {
        link_dial_begin(conn);
    }
    return conn;
}

bool
link_send(struct link_conn *conn, const struct span *parts, size_t part_count)
{
    CHECK(conn->was_open);
    if (conn->state != LINK_CONN_OPEN) {
        return false;
    }
    size_t size = 0;
    for (size_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    size_t queued = link_conn_queued(conn);
    struct reason reason;
    if (queued > conn->host->config.send_queue_max ||
        size > conn->host->config.send_queue_max - queued) {
        reason_set(&reason,
            "slow reader: %zu bytes wait to be sent and %zu more are over the limit", queued, size);
        link_conn_drop(conn, reason.text);
        return false;
    }
    if (conn->out.size + size > conn->out.room && conn->out_used >= conn->out.size / 2) {
        /* Moving costs no more than what was sent; so at most half of the buffer is idle. */
        buf_drop(&conn->out, conn->out_used);
        conn->out_used = 0;
    }
    for (size_t i = 0; i < part_count; i++) {
        buf_add(&conn->out, parts[i]);
    }
    if (conn->out.overflowed) {
        link_conn_drop(conn, "out of memory for what waits to be sent");
        return false;
    }
    link_conn_touch(conn);
    return true;
}

void
link_close(struct link_conn *conn, const char *reason)
{
    link_conn_end(conn, reason);
}

void
link_pause(struct link_conn *conn, uint64_t duration_ns)
{
    if (conn->state == LINK_CONN_OPEN) {
        conn->paused = true;
        (void)uv_read_stop((uv_stream_t *)&conn->socket->tcp);
        link_conn_arm(conn, duration_ns);
    }
}

void *
link_conn_user(const struct link_conn *conn)
{
    return conn->user;
}

void
link_conn_set_user(struct link_conn *conn, void *user)
{
    conn->user = user;
}

struct link_peer
link_conn_peer(const struct link_conn *conn)
{
    CHECK(conn->was_open);
    return (struct link_peer){
        .federation = span_from_text(conn->identity.federation),
        .bridge = span_from_text(conn->identity.bridge),
        .address = conn->address,
        .certificate_expiry = conn->peer_expiry,
        .dialed = conn->dialed,
    };
}

struct link_stats
link_conn_stats(const struct link_conn *conn)
{
    struct link_stats stats = conn->stats;
    stats.queued = link_conn_queued(conn);
    return stats;
}
