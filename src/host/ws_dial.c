/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_dial.c - dialing: the name, then its addresses one after the other, under one deadline.
 *
 *   starting -> resolving -> ready -> connecting -> (opened)
 *        \--------numeric-----/ \-- next address --/
 *
 * libwebsockets looks names up while the whole loop waits, so it gets numeric addresses only.
 * Every step is made at the end of a turn (ws_dial_advance), where callbacks to the owner are safe.
 */
#include "host/ws_internal.h"

#include <stdio.h>
#include <string.h>

#include "host/tls_peer.h"

#define TIMEOUT_NS_DEFAULT (8 * SEC_NS)

static void
make_due(struct ws_dial *dial)
{
    dial->host->dials_due = true;
    ws_host_wake(dial->host);
}

static void
free_dial(struct ws_dial *dial)
{
    CHECK(!dial->is_looking_up);
    mem_give(dial->host->mem, dial, dial->size);
}

/* Nobody waits for it any more. Its memory stays while a lookup of the system uses it. */
static void
end_dial(struct ws_dial *dial)
{
    list_remove(&dial->link);
    dial->state = WS_DIAL_OVER;
    if (dial->conn != NULL) {
        ws_conn_give_up(dial->conn);
        dial->conn = NULL;
    }
    if (dial->is_looking_up) {
        (void)uv_cancel((uv_req_t *)&dial->lookup);
    } else {
        free_dial(dial);
    }
}

static void
refuse(struct ws_dial *dial)
{
    const struct ws_events *events = &dial->dialer->events;
    struct reason reason;
    bool is_v6 = strchr(dial->host_name, ':') != NULL;
    reason_set(&reason, "%s://%s%s%s:%u: %s", dial->dialer->is_tls ? "wss" : "ws", is_v6 ? "[" : "",
        dial->host_name, is_v6 ? "]" : "", (unsigned int)dial->port, dial->reason.text);
    void *user = dial->user;
    end_dial(dial);
    if (events->on_refused != NULL) {
        events->on_refused(events->owner, user, reason.text);
    }
}

void
ws_dial_succeed(struct ws_dial *dial)
{
    dial->conn->user = dial->user;
    dial->conn->dial = NULL;
    dial->conn = NULL;
    end_dial(dial);
}

/* libwebsockets says the same for whatever went wrong while connecting. */
static const char *
explain_vague(const struct ws_conn *conn)
{
    return conn->guest.is_connected ? "the server closed the connection before the upgrade"
                                    : "connection refused, or no way there";
}

void
ws_dial_fail(struct ws_dial *dial, struct span why)
{
    struct ws_conn *conn = dial->conn;
    /* What we found out ourselves says more than what follows from it. */
    if (dial->reason.text[0] == '\0') {
        bool is_vague = why.size == 0 || span_starts_with(why, SPAN("Unable to connect")) ||
                        span_starts_with(why, SPAN("closed before established")) ||
                        span_starts_with(why, SPAN("Closed before conn"));
        struct reason_escaped text = reason_escape(why);
        reason_set(&dial->reason, "%s", is_vague ? explain_vague(conn) : text.text);
    }
    conn->dial = NULL;
    conn->state = WS_CONN_CLOSED;
    dial->conn = NULL;
    dial->state = WS_DIAL_READY;
    make_due(dial);
}

bool
ws_dial_accept_server(struct ws_dial *dial, struct ssl_st *ssl)
{
    const char *name = dial->dialer->any_host_name ? NULL : dial->host_name;
    return tls_peer_accept_server(ssl, name, &dial->reason);
}

static bool
is_numeric(const char *host_name)
{
    uint8_t address[sizeof(struct in6_addr)];
    return uv_inet_pton(AF_INET, host_name, address) == 0 ||
           uv_inet_pton(AF_INET6, host_name, address) == 0;
}

static void
note_addresses(struct ws_dial *dial, const struct addrinfo *found)
{
    for (; found != NULL && dial->address_count < WS_ADDRESSES_MAX; found = found->ai_next) {
        char *address = dial->addresses[dial->address_count];
        int failed = UV_EAFNOSUPPORT;
        if (found->ai_family == AF_INET) {
            failed = uv_ip4_name(
                (const struct sockaddr_in *)(const void *)found->ai_addr, address, WS_PEER_SIZE);
        } else if (found->ai_family == AF_INET6) {
            failed = uv_ip6_name(
                (const struct sockaddr_in6 *)(const void *)found->ai_addr, address, WS_PEER_SIZE);
        }
        dial->address_count += failed == 0;
    }
}

static void
on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct ws_dial *dial = lookup->data;
    struct ws_host *host = dial->host;
    dial->is_looking_up = false;
    host->lookup_count--;
    ws_host_wake(host);
    if (dial->state == WS_DIAL_OVER) {
        uv_freeaddrinfo(found);
        free_dial(dial);
        return;
    }
    if (status < 0) {
        reason_set(&dial->reason, "no address found: %s", uv_strerror(status));
    } else {
        note_addresses(dial, found);
        reason_set(&dial->reason, "%s", dial->address_count == 0 ? "the name has no address" : "");
    }
    uv_freeaddrinfo(found);
    dial->state = WS_DIAL_READY;
    make_due(dial);
}

static void
start(struct ws_dial *dial)
{
    if (is_numeric(dial->host_name)) {
        (void)snprintf(dial->addresses[0], WS_PEER_SIZE, "%s", dial->host_name);
        dial->address_count = 1;
        dial->state = WS_DIAL_READY;
        return;
    }
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    dial->lookup.data = dial;
    int status = uv_getaddrinfo(
        dial->host->loop, &dial->lookup, on_looked_up, dial->host_name, NULL, &hints);
    if (status < 0) {
        reason_set(&dial->reason, "no address found: %s", uv_strerror(status));
        dial->state = WS_DIAL_READY;
        return;
    }
    dial->is_looking_up = true;
    dial->host->lookup_count++;
    dial->state = WS_DIAL_RESOLVING;
}

static struct lws *
connect_wsi(struct ws_dial *dial, const char *address, struct ws_guest *guest)
{
    struct ws_host *host = dial->host;
    char host_header[NI_MAXHOST + 8];
    bool is_v6 = strchr(dial->host_name, ':') != NULL;
    (void)snprintf(host_header, sizeof(host_header), is_v6 ? "[%s]:%u" : "%s:%u", dial->host_name,
        (unsigned int)dial->port);
    /*
     * Names are compared in ws_dial_accept_server(): libwebsockets cuts v6 addresses at the colon.
     */
    int tls_flags = LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    struct lws_client_connect_info info = {
        .context = host->context,
        .vhost = dial->dialer->door.vhost,
        .address = address,
        .port = dial->port,
        .path = dial->path,
        .host = host_header,
        .local_protocol_name = ws_protocols[0].name,
        .alpn = "http/1.1",
        .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (dial->dialer->is_tls ? tls_flags : 0),
        .retry_and_idle_policy = &host->silence,
        .opaque_user_data = guest,
    };
    return lws_client_connect_via_info(&info);
}

/* Try the next address. false: it failed at once. */
static bool
try_address(struct ws_dial *dial)
{
    struct ws_host *host = dial->host;
    struct ws_dialer *dialer = dial->dialer;
    const char *address = dial->addresses[dial->address_index++];
    char peer[WS_PEER_SIZE + 8];
    (void)snprintf(peer, sizeof(peer), strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address,
        (unsigned int)dial->port);
    struct ws_conn *conn = ws_conn_create(&dialer->door, &dialer->limits, &dialer->events, peer);
    if (conn == NULL) {
        reason_set(&dial->reason, "no memory for a connection");
        return false;
    }
    conn->dialed = true;
    conn->guest.is_dialing = true;
    host->arriving = &conn->guest;
    struct lws *wsi = connect_wsi(dial, address, &conn->guest);
    host->arriving = NULL;
    if (wsi == NULL) {
        reason_set(&dial->reason, "connection refused, or no way there");
        if (!conn->guest.exists) {
            conn->guest.on_free(&conn->guest);
        }
        return false;
    }
    conn->guest.wsi = wsi;
    conn->guest.exists = true;
    conn->dial = dial;
    dial->conn = conn;
    dial->reason.text[0] = '\0';
    dial->state = WS_DIAL_CONNECTING;
    ws_host_kick(host);
    return true;
}

static void
advance(struct ws_dial *dial)
{
    if (dial->host->phase != WS_PHASE_RUNNING) {
        reason_set(&dial->reason, "shutting down");
        refuse(dial);
        return;
    }
    if (uv_now(dial->host->loop) >= dial->deadline_ms) {
        reason_set(&dial->reason, "no answer within %llu ms", (unsigned long long)dial->timeout_ms);
        refuse(dial);
        return;
    }
    if (dial->state == WS_DIAL_STARTING) {
        start(dial);
    }
    while (dial->state == WS_DIAL_READY) {
        if (dial->address_index == dial->address_count) {
            refuse(dial);
            return;
        }
        (void)try_address(dial);
    }
}

static void
on_dial_timer(uv_timer_t *timer)
{
    struct ws_host *host = timer->data;
    host->dials_due = true;
    ws_host_wake(host);
}

static void
arm_timer(struct ws_host *host)
{
    uint64_t now_ms = uv_now(host->loop);
    uint64_t first_ms = UINT64_MAX;
    LIST_EACH (link, &host->dials) {
        const struct ws_dial *dial = CONTAINER_OF(link, struct ws_dial, link);
        first_ms = dial->deadline_ms < first_ms ? dial->deadline_ms : first_ms;
    }
    if (first_ms == UINT64_MAX) {
        (void)uv_timer_stop(&host->dial_timer);
        return;
    }
    uint64_t delay_ms = first_ms > now_ms ? first_ms - now_ms : 0;
    (void)uv_timer_start(&host->dial_timer, on_dial_timer, delay_ms, 0);
}

static struct ws_dial *
find_due(struct ws_host *host)
{
    LIST_EACH (link, &host->dials) {
        struct ws_dial *dial = CONTAINER_OF(link, struct ws_dial, link);
        if (dial->turn != host->dial_turn) {
            return dial;
        }
    }
    return NULL;
}

void
ws_dial_advance(struct ws_host *host)
{
    host->dial_turn++;
    /*
     * A refusal calls the owner, who may cancel other dials or add some: so look again each time.
     */
    struct ws_dial *dial = find_due(host);
    while (dial != NULL) {
        dial->turn = host->dial_turn;
        advance(dial);
        dial = find_due(host);
    }
    arm_timer(host);
}

struct ws_dial *
ws_dial(struct ws_dialer *dialer, const struct ws_dial_config *config)
{
    struct ws_host *host = dialer->door.host;
    const char *path = config->path == NULL ? "/" : config->path;
    size_t host_size = strlen(config->host) + 1;
    size_t path_size = strlen(path) + 1;
    size_t size = sizeof(struct ws_dial) + host_size + path_size;
    struct ws_dial *dial = mem_take(host->mem, size);
    if (dial == NULL) {
        return NULL;
    }
    uint64_t timeout_ns = config->timeout_ns == 0 ? TIMEOUT_NS_DEFAULT : config->timeout_ns;
    dial->size = size;
    dial->host = host;
    dial->dialer = dialer;
    dial->turn = host->dial_turn;
    dial->port = config->port;
    dial->user = config->user;
    dial->timeout_ms = timeout_ns / MS_NS;
    /* The loop's clock may be as old as the turn; the deadline must not be early for that. */
    uv_update_time(host->loop);
    dial->deadline_ms = uv_now(host->loop) + dial->timeout_ms;
    memcpy(dial->host_name, config->host, host_size);
    memcpy(&dial->host_name[host_size], path, path_size);
    dial->path = &dial->host_name[host_size];
    list_init(&dial->link);
    list_push(&host->dials, &dial->link);
    make_due(dial);
    return dial;
}

void
ws_dial_cancel(struct ws_dial *dial)
{
    end_dial(dial);
}

static void
free_dialer(struct ws_door *door)
{
    struct ws_dialer *dialer = CONTAINER_OF(door, struct ws_dialer, door);
    mem_give(door->host->mem, dialer, sizeof(*dialer));
}

struct ws_dialer *
ws_dialer_open(struct ws_host *host, const struct ws_dialer_config *config, struct reason *reason)
{
    CHECK(host->phase == WS_PHASE_RUNNING);
    struct ws_dialer *dialer = mem_take(host->mem, sizeof(*dialer));
    if (dialer == NULL) {
        reason_set(reason, "no memory for a dialer");
        return NULL;
    }
    dialer->door = (struct ws_door){ .host = host, .on_free = free_dialer };
    dialer->is_tls = config->tls != NULL;
    dialer->any_host_name = config->tls != NULL && config->tls->any_host_name;
    dialer->limits = config->limits;
    dialer->events = config->events;
    ws_limits_fill(&dialer->limits);
    if (!ws_door_open_dialing(&dialer->door, config->tls, reason)) {
        mem_give(host->mem, dialer, sizeof(*dialer));
        return NULL;
    }
    return dialer;
}

void
ws_dialer_close(struct ws_dialer *dialer)
{
    LIST_EACH (link, &dialer->door.host->dials) {
        struct ws_dial *dial = CONTAINER_OF(link, struct ws_dial, link);
        if (dial->dialer == dialer) {
            end_dial(dial);
        }
    }
    ws_door_close(&dialer->door);
}
