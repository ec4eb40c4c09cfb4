/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_listen.c - listening sockets, and handing what they accept to libwebsockets.
 */
#include "host/ws_internal.h"

#include <errno.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define BACKLOG 1024
/* One turn's share, so that a flood of newcomers does not starve those who are here. */
#define ACCEPT_BATCH 64
#define PAUSE_MS     100

/* Fill `storage`. false: not a numeric address. */
static bool
parse_address(const char *address, uint16_t port, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof(*storage));
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)storage;
    return uv_ip4_addr(address, port, v4) == 0 || uv_ip6_addr(address, port, v6) == 0;
}

static socklen_t
address_size(const struct sockaddr_storage *storage)
{
    return storage->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static const char *
advice_for(int error)
{
    switch (error) {
    case EADDRINUSE:
        return ": stop the program that listens there or choose another port";
    case EADDRNOTAVAIL:
        return ": this machine has no such address; 0.0.0.0 or :: stands for all it has";
    case EACCES:
        return ": ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one";
    default:
        return "";
    }
}

static int
bind_and_listen(int descriptor, const struct sockaddr_storage *storage)
{
    /*
     * Lets a restart bind while old connections wait in TIME_WAIT; two listeners it does not let.
     */
    int on = 1;
    bool failed = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
                  bind(descriptor, (const struct sockaddr *)storage, address_size(storage)) != 0 ||
                  listen(descriptor, BACKLOG) != 0;
    return failed ? errno : 0;
}

static uint16_t
bound_port(int descriptor)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } name;
    memset(&name, 0, sizeof(name));
    socklen_t size = sizeof(name);
    int result = getsockname(descriptor, &name.any, &size);
    CHECK(result == 0);
    return ntohs(name.any.sa_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port);
}

static void
hand_over(struct ws_socket *listening, int descriptor, const struct sockaddr_storage *from)
{
    struct ws_door *door = listening->door;
    struct ws_host *host = door->host;
    char peer[WS_PEER_SIZE];
    ws_address_format((const struct sockaddr *)from, peer);
    struct ws_guest *guest = NULL;
    if (door->guest_count < listening->guest_count_max) {
        guest = listening->on_accept(door, peer, (const struct sockaddr *)from);
    }
    if (guest == NULL) {
        host->counters.connections_turned_away++;
        (void)close(descriptor);
        return;
    }
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const lws_adopt_desc_t adoption = {
        .vh = door->vhost,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
        .fd.sockfd = descriptor,
        .opaque = guest,
    };
    host->arriving = guest;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
    host->arriving = NULL;
    if (wsi == NULL) {
        host->counters.connections_turned_away++;
        if (!guest->exists) {
            guest->on_free(guest);
        }
    }
}

static void on_pause_over(uv_timer_t *timer);

static void
on_connectable(uv_poll_t *poll, int status, int events)
{
    struct ws_socket *listening = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t size = sizeof(from);
        int descriptor = accept4(
            listening->descriptor, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor >= 0) {
            hand_over(listening, descriptor, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* It stays acceptable: polling on would only burn time until something is freed. */
            (void)uv_poll_stop(&listening->poll);
            (void)uv_timer_start(&listening->pause, on_pause_over, PAUSE_MS, 0);
            return;
        }
        if (errno == EAGAIN) {
            return;
        }
    }
}

static void
on_pause_over(uv_timer_t *timer)
{
    struct ws_socket *listening = timer->data;
    (void)uv_poll_start(&listening->poll, UV_READABLE, on_connectable);
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct ws_socket *listening = handle->data;
    ws_door_handle_closed(listening->door);
}

static void
start_polling(struct ws_socket *listening)
{
    struct ws_door *door = listening->door;
    uv_loop_t *loop = door->host->loop;
    CHECK(uv_timer_init(loop, &listening->pause) == 0);
    CHECK(uv_poll_init_socket(loop, &listening->poll, listening->descriptor) == 0);
    listening->pause.data = listening;
    listening->poll.data = listening;
    door->handle_count += 2;
    CHECK(uv_poll_start(&listening->poll, UV_READABLE, on_connectable) == 0);
}

bool
ws_socket_open(
    struct ws_socket *listening, const char *address, uint16_t port, struct reason *reason)
{
    struct sockaddr_storage storage;
    if (!parse_address(address, port, &storage)) {
        reason_set(reason, "'%s' is not an IPv4 or IPv6 address", address);
        return false;
    }
    int descriptor = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = descriptor < 0 ? errno : bind_and_listen(descriptor, &storage);
    if (error != 0) {
        char place[WS_PEER_SIZE];
        ws_address_format((const struct sockaddr *)&storage, place);
        reason_set(reason, "%s: %s%s", place, uv_strerror(-error), advice_for(error));
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
        return false;
    }
    listening->descriptor = descriptor;
    listening->port = bound_port(descriptor);
    start_polling(listening);
    return true;
}

void
ws_socket_close(struct ws_socket *listening)
{
    uv_close((uv_handle_t *)&listening->poll, on_handle_closed);
    uv_close((uv_handle_t *)&listening->pause, on_handle_closed);
    (void)close(listening->descriptor);
}

void
ws_limits_fill(struct ws_limits *limits)
{
    if (limits->message_size_max == 0) {
        limits->message_size_max = WS_MESSAGE_SIZE_MAX_DEFAULT;
    }
    if (limits->send_queue_max == 0) {
        limits->send_queue_max = WS_SEND_QUEUE_MAX_DEFAULT;
    }
    if (limits->congested_above == 0) {
        limits->congested_above = WS_CONGESTED_ABOVE_DEFAULT;
    }
    if (limits->connection_count_max == 0) {
        limits->connection_count_max = WS_CONNECTION_COUNT_MAX_DEFAULT;
    }
}

static struct ws_guest *
accept_conn(struct ws_door *door, const char *peer, const struct sockaddr *address)
{
    (void)address;
    struct ws_listener *listener = CONTAINER_OF(door, struct ws_listener, door);
    struct ws_conn *conn = ws_conn_create(door, &listener->limits, &listener->events, peer);
    return conn == NULL ? NULL : &conn->guest;
}

static void
free_listener(struct ws_door *door)
{
    struct ws_listener *listener = CONTAINER_OF(door, struct ws_listener, door);
    mem_give(door->host->mem, listener, sizeof(*listener));
}

static void
stop_listener(struct ws_door *door)
{
    ws_listener_close(CONTAINER_OF(door, struct ws_listener, door));
}

struct ws_listener *
ws_listen(struct ws_host *host, const struct ws_listen_config *config, struct reason *reason)
{
    CHECK(host->phase == WS_PHASE_RUNNING);
    struct ws_listener *listener = mem_take(host->mem, sizeof(*listener));
    if (listener == NULL) {
        reason_set(reason, "no memory for a listener");
        return NULL;
    }
    listener->door =
        (struct ws_door){ .host = host, .on_free = free_listener, .on_stop = stop_listener };
    listener->limits = config->limits;
    listener->events = config->events;
    ws_limits_fill(&listener->limits);
    listener->socket.door = &listener->door;
    listener->socket.guest_count_max = listener->limits.connection_count_max;
    listener->socket.on_accept = accept_conn;
    if (!ws_door_open_listening(&listener->door, config->tls, reason)) {
        mem_give(host->mem, listener, sizeof(*listener));
        return NULL;
    }
    if (!ws_socket_open(&listener->socket, config->address, config->port, reason)) {
        ws_door_close(&listener->door);
        return NULL;
    }
    return listener;
}

uint16_t
ws_listener_port(const struct ws_listener *listener)
{
    return listener->socket.port;
}

bool
ws_listener_renew(struct ws_listener *listener, const struct ws_tls *tls, struct reason *reason)
{
    return ws_door_renew_listening(&listener->door, tls, reason);
}

void
ws_listener_close(struct ws_listener *listener)
{
    ws_socket_close(&listener->socket);
    ws_door_close(&listener->door);
}
