/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_flood.c - a far bridge that announces without end, for script/bench.
 *
 *   bench_flood PORT FOLDER FEDERATION FAR COUNT
 *       Dials the link port of a bridge of federation FAR with the certificate FOLDER/FEDERATION-1, authority
 *       FOLDER/ca. Announces COUNT functions FEDERATION.teamT.opI in frames as large as may be, as fast as the connection takes
 *       them, and then all of them again with another cost, for ever. TERM ends it: how many updates it sent in which time.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#include "bridge/link_codec.h"
#include "host/link.h"
#include "tests/support/check_failed.h"

#define NAME_SIZE  64u
#define QUEUED_MAX ((size_t)1024 * 1024)
#define PING_MS    5000u
#define FRAME_MAX  ((size_t)4 * 1024 * 1024)
#define MEMORY_MAX ((size_t)512 * 1024 * 1024)

struct flood {
    uv_loop_t loop;
    uv_idle_t idle;
    uv_timer_t timer;
    uv_signal_t term;
    struct mem mem;
    struct arena arena;
    struct buf out;
    struct link_host *host;
    struct link_conn *conn;
    bool greeted;
    char *federation;
    const char *far;
    char bridge[NAME_SIZE];
    uint64_t count;
    uint64_t next;
    uint64_t sequence;
    uint64_t ping;
    uint64_t sent;
    uint64_t began_ns;
};

static void
die(const char *text)
{
    fprintf(stderr, "bench_flood: %s\n", text);
    exit(EXIT_FAILURE);
}

static void
send_out(struct flood *flood)
{
    struct span frame = buf_span(&flood->out);
    if (!flood->out.overflowed) {
        (void)link_send(flood->conn, &frame, 1);
    }
    buf_reset(&flood->out);
}

static void
announce(struct flood *flood)
{
    static struct link_route routes[LINK_BATCH_MAX];
    static char names[LINK_BATCH_MAX][NAME_SIZE];
    static const struct span tags[] = { { (const uint8_t *)"public", 6 } };
    struct span federation = span_from_text(flood->federation);
    for (uint32_t i = 0; i < LINK_BATCH_MAX; i++) {
        uint32_t round = (uint32_t)(flood->next / flood->count);
        uint64_t id = flood->next++ % flood->count;
        (void)snprintf(names[i], NAME_SIZE, "%s.team%lu.op%lu", flood->federation,
            (unsigned long)(id % 1000), (unsigned long)id);
        routes[i] = (struct link_route){
            .route_id = id + 1,
            .advertisement = {
                .identity = {
                    .name = span_from_text(names[i]),
                    .function_id = span_from_text(names[i]),
                    .version = { .major = 1 },
                    .version_text = SPAN("1.0.0"),
                },
                .tags = { .items = tags, .count = 1 },
                .scope = SPAN("zone"),
                .origin = federation,
                .path = { .items = &federation, .count = 1 },
                .hops_left = ADVERTISEMENT_HOPS_DEFAULT,
                .cost = round,
                .ttl_ns = 3600 * SEC_NS,
            },
        };
    }
    const struct link_announce frame = {
        .sequence = ++flood->sequence, .routes = routes, .route_count = LINK_BATCH_MAX
    };
    link_encode_announce(&flood->out, &frame, NULL);
    send_out(flood);
    flood->sent += LINK_BATCH_MAX;
}

static void
on_idle(uv_idle_t *handle)
{
    struct flood *flood = handle->data;
    if (link_conn_stats(flood->conn).queued < QUEUED_MAX) {
        announce(flood);
    } else {
        (void)uv_idle_stop(handle); /* the next look is the timer's */
    }
    /* It shares its core with the caller who is measured: a flood from another machine would not keep that from running. */
    (void)sched_yield();
}

static void
on_timer(uv_timer_t *handle)
{
    struct flood *flood = handle->data;
    if (!flood->greeted) {
        return;
    }
    (void)uv_idle_start(&flood->idle, on_idle);
    if (uv_now(&flood->loop) / PING_MS != flood->ping) {
        flood->ping = uv_now(&flood->loop) / PING_MS;
        link_encode_ping(&flood->out, &(struct link_ping){ .number = flood->ping });
        send_out(flood);
    }
}

static void
on_term(uv_signal_t *handle, int number)
{
    const struct flood *flood = handle->data;
    (void)number;
    double seconds = (double)(uv_hrtime() - flood->began_ns) / 1e9;
    printf("updates %lu seconds %.1f rate %.0f/s\n", (unsigned long)flood->sent, seconds,
        (double)flood->sent / seconds);
    exit(EXIT_SUCCESS);
}

static void
on_opened(void *owner, struct link_conn *conn, const struct link_peer *peer)
{
    struct flood *flood = owner;
    (void)peer;
    flood->conn = conn;
    const struct link_hello hello = {
        .version_min = LINK_VERSION,
        .version_max = LINK_VERSION,
        .federation = span_from_text(flood->federation),
        .bridge = span_from_text(flood->bridge),
        .session = uv_hrtime(),
        .boot = uv_hrtime(),
        .keepalive_ns = PING_MS * MS_NS,
    };
    link_encode_hello(&flood->out, &hello);
    send_out(flood);
}

static void
on_frame(void *owner, struct link_conn *conn, struct span bytes)
{
    struct flood *flood = owner;
    struct link_frame frame;
    (void)conn;
    arena_reset(&flood->arena);
    if (link_decode(bytes, &flood->arena, &frame) != LINK_OK) {
        die("the bridge sent what cannot be read");
    }
    if (frame.type == LINK_FRAME_HELLO) {
        flood->greeted = true;
        flood->began_ns = uv_hrtime();
    } else if (frame.type == LINK_FRAME_PING) {
        const struct link_pong pong = { .number = frame.ping.number };
        link_encode_pong(&flood->out, &pong);
        send_out(flood);
    } else if (frame.type == LINK_FRAME_ERROR) {
        fprintf(stderr, "bench_flood: the bridge says: %.*s\n", SPAN_ARGS(frame.error.text));
    }
}

static void
on_refused(void *owner, void *user, const char *reason, uint64_t retry_after_ns)
{
    (void)owner;
    (void)retry_after_ns;
    (void)user;
    die(reason);
}

static void
on_rejected(void *owner, const char *address, const char *reason)
{
    (void)owner;
    (void)address;
    (void)reason;
}

static void
on_congested(void *owner, struct link_conn *conn, bool congested)
{
    (void)owner;
    (void)conn;
    (void)congested;
}

static void
on_closed(void *owner, struct link_conn *conn, const char *reason)
{
    (void)owner;
    (void)conn;
    die(reason);
}

static void
on_stopped(void *owner)
{
    (void)owner;
}

static void
dial(struct flood *flood, const char *folder, uint16_t port)
{
    char files[3][512];
    struct reason reason;
    struct timespec now;
    (void)snprintf(files[0], sizeof(files[0]), "%s/%s.pem", folder, flood->bridge);
    (void)snprintf(files[1], sizeof(files[1]), "%s/%s.key", folder, flood->bridge);
    (void)snprintf(files[2], sizeof(files[2]), "%s/ca/ca.pem", folder);
    const struct tls_settings settings = {
        .cert_file = files[0], .key_file = files[1], .ca_file = files[2]
    };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct wall wall = { .ns = (int64_t)now.tv_sec * (int64_t)SEC_NS + now.tv_nsec };
    struct tls_context *tls = tls_context_create(&settings, wall, &reason);
    if (tls == NULL) {
        die(reason.text);
    }
    const struct link_config config = { 0 };
    const struct link_callbacks callbacks = {
        .owner = flood,
        .on_opened = on_opened,
        .on_refused = on_refused,
        .on_rejected = on_rejected,
        .on_frame = on_frame,
        .on_congested = on_congested,
        .on_closed = on_closed,
        .on_stopped = on_stopped,
    };
    const struct link_target target = {
        .host = "127.0.0.1", .port = port, .federation = flood->far
    };
    flood->host = link_host_create(&flood->loop, &flood->mem, tls, &config, &callbacks);
    if (flood->host == NULL || link_dial(flood->host, &target) == NULL) {
        die("no memory");
    }
}

int
main(int argc, char **argv)
{
    static struct flood flood;
    if (argc != 6) {
        fprintf(stderr, "usage: bench_flood PORT FOLDER FEDERATION FAR COUNT\n");
        return 64;
    }
    flood.federation = argv[3];
    flood.far = argv[4];
    flood.count = strtoull(argv[5], NULL, 10);
    (void)snprintf(flood.bridge, sizeof(flood.bridge), "%s-1", flood.federation);
    (void)signal(SIGPIPE, SIG_IGN);
    mem_init(&flood.mem, MEMORY_MAX);
    arena_init(&flood.arena, &flood.mem);
    buf_init(&flood.out, &flood.mem, FRAME_MAX);
    if (flood.count == 0 || uv_loop_init(&flood.loop) != 0) {
        die("no loop, or nothing to announce");
    }
    flood.idle.data = &flood;
    flood.timer.data = &flood;
    flood.term.data = &flood;
    (void)uv_idle_init(&flood.loop, &flood.idle);
    (void)uv_timer_init(&flood.loop, &flood.timer);
    (void)uv_timer_start(&flood.timer, on_timer, 1, 1);
    (void)uv_signal_init(&flood.loop, &flood.term);
    (void)uv_signal_start(&flood.term, on_term, SIGTERM);
    dial(&flood, argv[2], (uint16_t)atoi(argv[1]));
    (void)uv_run(&flood.loop, UV_RUN_DEFAULT);
    return EXIT_SUCCESS;
}
