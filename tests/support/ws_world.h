/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_world.h - a loop with a ws_host, ends that note what happens to them, and a raw TCP client,
 * for the tests of ws and http. Everything waits for a condition, under one deadline.
 */
#ifndef TESTS_SUPPORT_WS_WORLD_H
#define TESTS_SUPPORT_WS_WORLD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "host/ws.h"

#define WORLD_DEADLINE_MS 30000
#define WORLD_TICK_MS     20
#define WORLD_MEM_MAX     ((size_t)1024 * 1024 * 1024)

struct world {
    uv_loop_t loop;
    uv_timer_t tick; /* so that waiting looks at its condition and at the deadline */
    struct mem mem;
    struct ws_host *host;
    bool stopped;
    size_t log_count;
    char log[512]; /* the last line */
};

/* One side of connections: counts, and keeps the last of everything. */
struct end {
    struct ws_conn *conn;
    bool echoes;
    size_t opened_count;
    size_t message_count;
    size_t byte_count;
    size_t closed_count;
    size_t refused_count;
    size_t congested_count;
    size_t relieved_count;
    uint16_t code;
    void *user;
    char reason[512];
    uint8_t *last; /* the last message */
    size_t last_size;
    void (*on_message)(struct end *end, struct ws_conn *conn, struct span message);
    void (*on_refused)(struct end *end);
    void *data;
};

static inline void
world_note_log(void *owner, bool is_error, const char *line)
{
    struct world *world = owner;
    (void)is_error;
    world->log_count++;
    (void)snprintf(world->log, sizeof(world->log), "%s", line);
}

static inline void
world_note_stopped(void *owner)
{
    struct world *world = owner;
    ck_assert(!world->stopped);
    world->stopped = true;
}

static inline void
world_tick(uv_timer_t *timer)
{
    (void)timer;
}

#define WORLD_WAIT(world_, condition_)                                                             \
    do {                                                                                           \
        uint64_t deadline_ = uv_hrtime() + WORLD_DEADLINE_MS * UINT64_C(1000000);                  \
        while (!(condition_)) {                                                                    \
            ck_assert_msg(uv_hrtime() < deadline_, "waited in vain for %s", #condition_);          \
            (void)uv_run(&(world_)->loop, UV_RUN_ONCE);                                            \
        }                                                                                          \
    } while (0)

static inline void
world_init_with(struct world *world, const struct ws_host_config *wanted)
{
    struct reason reason;
    *world = (struct world){ .stopped = false };
    ck_assert_int_eq(uv_loop_init(&world->loop), 0);
    ck_assert_int_eq(uv_timer_init(&world->loop, &world->tick), 0);
    ck_assert_int_eq(uv_timer_start(&world->tick, world_tick, WORLD_TICK_MS, WORLD_TICK_MS), 0);
    mem_init(&world->mem, WORLD_MEM_MAX);
    struct ws_host_config config = *wanted;
    config.loop = &world->loop;
    config.mem = &world->mem;
    config.owner = world;
    config.on_log = world_note_log;
    config.on_stopped = world_note_stopped;
    world->host = ws_host_create(&config, &reason);
    ck_assert_msg(world->host != NULL, "%s", reason.text);
}

static inline void
world_init(struct world *world)
{
    world_init_with(world, &(struct ws_host_config){ .socket_max = 0 });
}

/* Stops the host and asserts that nothing is left: no handle, no byte. */
static inline void
world_destroy(struct world *world)
{
    ws_host_stop(world->host);
    WORLD_WAIT(world, world->stopped);
    ws_host_free(world->host);
    uv_close((uv_handle_t *)&world->tick, NULL);
    ck_assert_int_eq(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    ck_assert_msg(uv_loop_close(&world->loop) == 0, "handles are left in the loop");
    ck_assert_msg(world->mem.used == 0, "%zu bytes are still used", world->mem.used);
}

static inline void
end_on_opened(void *owner, struct ws_conn *conn)
{
    struct end *end = owner;
    end->opened_count++;
    end->conn = conn;
    end->user = ws_conn_user(conn);
}

static inline void
end_on_refused(void *owner, void *user, const char *reason)
{
    struct end *end = owner;
    end->refused_count++;
    end->user = user;
    (void)snprintf(end->reason, sizeof(end->reason), "%s", reason);
    if (end->on_refused != NULL) {
        end->on_refused(end);
    }
}

static inline void
end_on_message(void *owner, struct ws_conn *conn, struct span message)
{
    struct end *end = owner;
    end->message_count++;
    end->byte_count += message.size;
    if (end->on_message != NULL) {
        end->on_message(end, conn, message);
        return;
    }
    end->last = realloc(end->last, message.size + 1);
    if (message.size > 0) {
        memcpy(end->last, message.data, message.size);
    }
    end->last_size = message.size;
    if (end->echoes) {
        ws_send(conn, &message, 1);
    }
}

static inline void
end_on_congested(void *owner, struct ws_conn *conn, bool congested)
{
    struct end *end = owner;
    ck_assert_ptr_nonnull(conn);
    end->congested_count += congested;
    end->relieved_count += !congested;
}

static inline void
end_on_closed(void *owner, struct ws_conn *conn, uint16_t code, const char *reason)
{
    struct end *end = owner;
    end->closed_count++;
    end->code = code;
    (void)snprintf(end->reason, sizeof(end->reason), "%s", reason);
    if (end->conn == conn) {
        end->conn = NULL;
    }
}

static inline void
end_destroy(struct end *end)
{
    free(end->last);
    end->last = NULL;
}

static inline struct ws_events
end_events(struct end *end)
{
    return (struct ws_events){
        .owner = end,
        .on_opened = end_on_opened,
        .on_refused = end_on_refused,
        .on_message = end_on_message,
        .on_congested = end_on_congested,
        .on_closed = end_on_closed,
    };
}

static inline struct ws_listener *
world_listen(struct world *world, struct end *end, struct ws_limits limits)
{
    struct reason reason;
    const struct ws_listen_config config = {
        .address = "127.0.0.1", .limits = limits, .events = end_events(end)
    };
    struct ws_listener *listener = ws_listen(world->host, &config, &reason);
    ck_assert_msg(listener != NULL, "%s", reason.text);
    ck_assert_uint_ne(ws_listener_port(listener), 0);
    return listener;
}

static inline struct ws_dialer *
world_dialer(struct world *world, struct end *end, struct ws_limits limits)
{
    struct reason reason;
    const struct ws_dialer_config config = { .limits = limits, .events = end_events(end) };
    struct ws_dialer *dialer = ws_dialer_open(world->host, &config, &reason);
    ck_assert_msg(dialer != NULL, "%s", reason.text);
    return dialer;
}

static inline struct ws_dial *
world_dial(struct ws_dialer *dialer, uint16_t port)
{
    struct ws_dial *dial = ws_dial(
        dialer, &(struct ws_dial_config){
                    .host = "127.0.0.1", .port = port, .timeout_ns = 10 * SEC_NS, .user = dialer });
    ck_assert_ptr_nonnull(dial);
    return dial;
}

static inline void
send_span(struct ws_conn *conn, struct span message)
{
    ws_send(conn, &message, 1);
}

static const struct ws_limits no_limits = { .message_size_max = 0 };

/* A listener that echoes and one dialed connection to it. */
struct pair {
    struct world world;
    struct end server;
    struct end client;
    struct ws_listener *listener;
    struct ws_dialer *dialer;
};

static inline void
pair_init(struct pair *pair, struct ws_limits server_limits, struct ws_limits client_limits)
{
    *pair = (struct pair){ .server = { .echoes = true } };
    world_init(&pair->world);
    pair->listener = world_listen(&pair->world, &pair->server, server_limits);
    pair->dialer = world_dialer(&pair->world, &pair->client, client_limits);
    (void)world_dial(pair->dialer, ws_listener_port(pair->listener));
    WORLD_WAIT(&pair->world, pair->client.opened_count == 1 && pair->server.opened_count == 1);
}

static inline void
pair_destroy(struct pair *pair)
{
    world_destroy(&pair->world);
    end_destroy(&pair->server);
    end_destroy(&pair->client);
    ck_assert_uint_eq(pair->server.opened_count, pair->server.closed_count);
    ck_assert_uint_eq(pair->client.opened_count, pair->client.closed_count);
}

static inline uint8_t *
make_bytes(size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    }
    return bytes;
}

/* The raw client: a plain socket that the test reads and writes by itself. */

struct raw {
    int descriptor;
    uint8_t bytes[65536]; /* what came and was not consumed */
    size_t size;
    bool ended;
};

static inline void
raw_connect(struct raw *raw, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    raw->size = 0;
    raw->ended = false;
    raw->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(raw->descriptor, 0);
    ck_assert_int_eq(
        connect(raw->descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
}

static inline void
raw_send(struct raw *raw, const void *data, size_t size)
{
    ck_assert_int_eq(send(raw->descriptor, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

static inline void
raw_send_text(struct raw *raw, const char *text)
{
    raw_send(raw, text, strlen(text));
}

/* Take in what has come. true, for use in conditions. */
static inline bool
raw_pump(struct raw *raw)
{
    while (!raw->ended && raw->size < sizeof(raw->bytes)) {
        ssize_t size = recv(
            raw->descriptor, &raw->bytes[raw->size], sizeof(raw->bytes) - raw->size, MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) {
            break;
        }
        raw->ended = size <= 0;
        raw->size += size > 0 ? (size_t)size : 0;
    }
    return true;
}

static inline bool
raw_has(struct raw *raw, const char *text)
{
    (void)raw_pump(raw);
    return memmem(raw->bytes, raw->size, text, strlen(text)) != NULL;
}

static inline void
raw_drop(struct raw *raw, size_t count)
{
    ck_assert_uint_le(count, raw->size);
    memmove(raw->bytes, &raw->bytes[count], raw->size - count);
    raw->size -= count;
}

static inline void
raw_upgrade(struct world *world, struct raw *raw, uint16_t port)
{
    raw_connect(raw, port);
    raw_send_text(raw, "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    WORLD_WAIT(world, raw_has(raw, "\r\n\r\n"));
    ck_assert(raw_has(raw, "HTTP/1.1 101"));
    ck_assert(raw_has(raw, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    const uint8_t *end = memmem(raw->bytes, raw->size, "\r\n\r\n", 4);
    raw_drop(raw, (size_t)(end - raw->bytes) + 4);
}

/* A client frame of less than 126 bytes; the mask is zero, so the payload stays readable. */
static inline void
raw_send_frame(struct raw *raw, uint8_t first_byte, struct span payload)
{
    uint8_t frame[6 + 125] = { first_byte, (uint8_t)(0x80 | payload.size) };
    ck_assert_uint_lt(payload.size, 126);
    if (payload.size > 0) {
        memcpy(&frame[6], payload.data, payload.size);
    }
    raw_send(raw, frame, 6 + payload.size);
}

/* Whether one whole short frame has come. */
static inline bool
raw_has_frame(struct raw *raw)
{
    (void)raw_pump(raw);
    return raw->size >= 2 && raw->size >= 2 + (size_t)(raw->bytes[1] & 0x7f);
}

static inline void
raw_close(struct raw *raw)
{
    (void)close(raw->descriptor);
}

#endif
