/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c - the host of all links: the turn of the loop, and the calls of link.h but for listening.
 */
#include "host/link.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "host/link_conn.h"

static_assert(LINK_WIRE_SIZE_MAX > 2 * LINK_WRITE_SIZE, "records are longer than what is in them");

static const struct link_config defaults = {
    .frame_size_max = LINK_FRAME_SIZE_MAX_DEFAULT,
    .send_queue_max = LINK_SEND_QUEUE_MAX_DEFAULT,
    .handshakes_max = LINK_HANDSHAKES_MAX_DEFAULT,
    .handshake_rate = { .count = LINK_HANDSHAKE_RATE_DEFAULT, .period_ns = SEC_NS },
    .handshake_burst = LINK_HANDSHAKE_BURST_DEFAULT,
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
        .handshake_rate =
            given->handshake_rate.count > 0 ? given->handshake_rate : defaults.handshake_rate,
        .handshake_burst =
            given->handshake_burst > 0 ? given->handshake_burst : defaults.handshake_burst,
        .connect_timeout_ns = time_or(given->connect_timeout_ns, defaults.connect_timeout_ns),
        .handshake_timeout_ns = time_or(given->handshake_timeout_ns, defaults.handshake_timeout_ns),
        .close_timeout_ns = time_or(given->close_timeout_ns, defaults.close_timeout_ns),
        .patient_frames = given->patient_frames,
    };
    config.congested_above = size_or(given->congested_above, config.send_queue_max / 4);
    config.congested_below = size_or(given->congested_below, config.congested_above / 2);
    CHECK(config.frame_size_max <= UINT32_MAX);
    CHECK(config.send_queue_max >= config.frame_size_max + LINK_PIECE_HEADER_SIZE);
    CHECK(config.send_queue_max >= LINK_PIECE_HEADER_SIZE + LINK_REFUSAL_MAX);
    CHECK(config.congested_below <= config.congested_above);
    CHECK(config.handshake_rate.period_ns > 0);
    return config;
}

/* --- the turn --- */

static void
read_some(struct list *waiting, bool at_leisure, struct yield *yield)
{
    do {
        struct link_conn *conn = CONTAINER_OF(waiting->next, struct link_conn, waiting);
        list_remove(&conn->waiting);
        link_read_rest(conn, at_leisure, yield);
    } while (!list_empty(waiting) && !yield_is_due(yield));
}

/* Some of what the peers wait for, in any case, and then of what can wait. */
static void
read_left_over(struct link_host *host)
{
    struct yield yield = yield_to(host->loop);
    if (!list_empty(&host->waiting)) {
        read_some(&host->waiting, false, &yield);
    }
    if (!list_empty(&host->patient) && yield_may_begin(&yield, &host->patience_ns)) {
        read_some(&host->patient, true, &yield);
    }
}

static bool
has_left_over(const struct link_host *host)
{
    return !list_empty(&host->waiting) || !list_empty(&host->patient);
}

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
    if (has_left_over(host)) {
        read_left_over(host);
    }
    take_turn(host);
    if (list_empty(&host->dirty) && !has_left_over(host)) {
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
    list_init(&host->waiting);
    list_init(&host->patient);
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

/* --- addresses --- */

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
link_conn_limit_frames(struct link_conn *conn, size_t frame_size_max)
{
    if (frame_size_max < conn->frame_size_max) {
        conn->frame_size_max = frame_size_max;
    }
}

void
link_pause(struct link_conn *conn, uint64_t duration_ns)
{
    if (conn->state == LINK_CONN_OPEN) {
        conn->paused = true;
        conn->waits = true;
        list_remove(&conn->waiting);
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

const uint64_t *
link_host_handshakes(const struct link_host *host)
{
    return host->handshakes;
}

const char *
link_handshake_name(enum link_handshake result)
{
    switch (result) {
    case LINK_HANDSHAKE_OPENED:
        return "opened";
    case LINK_HANDSHAKE_FAILED:
        return "failed";
    case LINK_HANDSHAKE_LIMITED:
        return "limited";
    case LINK_HANDSHAKE_BUSY:
        return "busy";
    }
    return "unknown";
}
