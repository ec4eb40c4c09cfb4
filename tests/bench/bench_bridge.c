/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_bridge.c - both ends of a measurement through a pair of bridges (script/bench).
 *
 *   bench_bridge serve OWN_PORT BRIDGE_PORT CLUSTER
 *       A node of CLUSTER that offers bench.echo (tag public) and answers with its argument.
 *   bench_bridge load BRIDGE_PORT CLUSTER FUNCTION CONNECTIONS DEPTH SECONDS
 *       CONNECTIONS nodes of CLUSTER, each with DEPTH calls of FUNCTION under way. Waits until the bridge
 *       advertises it; ends when every call is answered. Exit 1 when one was lost or failed.
 *
 * The messages are those of protocol.md 6, 931 bytes a call. Both read them by searching for their own
 * texts: the measurement is of the bridges.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/ws.h"
#include "tests/support/check_failed.h"

#define CALL_SIZE         931
#define CONNECTIONS_MAX   1024
#define LATENCY_BUCKETS   65536
#define LATENCY_BUCKET_US 5
#define VISIBLE_WITHIN_S  30
#define SETTLE_WITHIN_S   35

struct bench_conn {
    struct ws_conn *ws;
    uint32_t index;
    bool up;
    uint64_t *sent_at; /* by slot of the call */
};

struct bench {
    uv_loop_t loop;
    struct mem mem;
    struct ws_host *host;
    struct ws_dialer *dialer;
    uv_timer_t timer;
    const char *cluster;
    const char *function;
    int bridge_port;
    int own_port;
    bool serves;
    uint32_t connections;
    uint32_t depth;
    double seconds;
    struct bench_conn conns[CONNECTIONS_MAX];
    uint32_t up;
    bool visible;
    bool running;
    bool draining;
    double started_at;
    double stopped_at;
    double began_waiting;
    uint64_t answered;
    uint64_t failed;
    uint64_t under_way;
    uint64_t latency[LATENCY_BUCKETS];
    char filler[CALL_SIZE];
};

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
unix_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
die(const char *text)
{
    fprintf(stderr, "bench_bridge: %s\n", text);
    exit(EXIT_FAILURE);
}

static void
send_text(struct ws_conn *ws, const char *text, size_t size)
{
    struct span part = span_from(text, size);
    ws_send(ws, &part, 1);
}

/* The value of a string member, as `"key":"value"`; the messages are compact. */
static struct span
find_text(struct span message, const char *key)
{
    const char *at = memmem(message.data, message.size, key, strlen(key));
    if (at == NULL) {
        return SPAN_NONE;
    }
    at += strlen(key);
    struct span rest = span_after(message, (size_t)((const uint8_t *)at - message.data));
    return span_part(rest, 0, span_find(rest, '"'));
}

static bool
contains(struct span message, const char *text)
{
    return memmem(message.data, message.size, text, strlen(text)) != NULL;
}

static int
node_port(const struct bench *bench, const struct bench_conn *conn)
{
    return bench->serves ? bench->own_port : 40000 + (int)conn->index;
}

static void
send_status(struct bench *bench, struct bench_conn *conn, struct ws_conn *ws)
{
    char text[1024];
    int size = snprintf(text, sizeof(text),
        "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\","
        "\"server_url\":\"ws://127.0.0.1:%d\",\"cluster_id\":\"%s\",\"instance_id\":\"bench-%d\","
        "\"timestamp\":%.6f,\"status\":\"ok\",\"active_clients\":1,\"peer_count\":1,\"funs\":[],"
        "\"locs\":[],\"function_catalog\":[],\"advertised_urls\":[],\"metrics\":{}},"
        "\"u\":\"bench-%d\"}",
        node_port(bench, conn), bench->cluster, node_port(bench, conn), unix_now(),
        node_port(bench, conn));
    send_text(ws, text, (size_t)size);
}

/* Serving. */

static void
send_offer(struct bench *bench, struct ws_conn *ws)
{
    char text[2048];
    int port = bench->own_port;
    double now = unix_now();
    int size = snprintf(text, sizeof(text),
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"bench:%.6f\","
        "\"message_type\":\"catalog_update\",\"sender_id\":\"ws://127.0.0.1:%d\",\"payload\":{"
        "\"functions\":[{\"identity\":{\"name\":\"bench.echo\",\"function_id\":\"bench.echo\","
        "\"version\":\"1.0.0\"},\"resources\":[],\"node_id\":\"ws://127.0.0.1:%d\","
        "\"cluster_id\":\"%s\",\"tags\":[\"public\"],\"advertised_at\":%.6f,"
        "\"ttl_seconds\":120.0}]},\"ttl\":0,\"max_hops\":0}}",
        now, port, port, bench->cluster, now);
    send_text(ws, text, (size_t)size);
}

static void
answer_call(struct bench *bench, struct ws_conn *ws, struct span message)
{
    char head[1024];
    char tail[512];
    struct span id = find_text(message, "\"request_id\":\"");
    struct span caller = find_text(message, "\"reply_to\":\"");
    struct span argument = find_text(message, "\"args\":[\"");
    int head_size = snprintf(head, sizeof(head),
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"%.*s\","
        "\"topic\":\"mpreg.rpc.response\",\"message_type\":\"rpc\","
        "\"delivery\":\"at_least_once\",\"payload\":{\"kind\":\"rpc-response\","
        "\"request_id\":\"%.*s\",\"success\":true,\"result\":\"",
        SPAN_ARGS(id), SPAN_ARGS(id));
    int tail_size = snprintf(tail, sizeof(tail),
        "\",\"error\":null,\"responder\":\"ws://127.0.0.1:%d\",\"reply_to\":\"%.*s\","
        "\"reply_cluster\":\"%s\",\"routing_path\":[\"%.*s\"]},\"headers\":{"
        "\"correlation_id\":\"%.*s\",\"routing_path\":[\"ws://127.0.0.1:%d\"]}}}",
        bench->own_port, SPAN_ARGS(caller), bench->cluster, SPAN_ARGS(caller), SPAN_ARGS(id),
        bench->own_port);
    const struct span parts[] = {
        span_from(head, (size_t)head_size),
        argument,
        span_from(tail, (size_t)tail_size),
    };
    ws_send(ws, parts, COUNT_OF(parts));
    bench->answered++;
}

/* Loading. */

static void
send_call(struct bench *bench, struct bench_conn *conn, uint32_t slot)
{
    char text[CALL_SIZE + 1];
    int port = node_port(bench, conn);
    int size = snprintf(text, sizeof(text),
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"%06u-%06u\","
        "\"topic\":\"mpreg.rpc.execute\",\"message_type\":\"rpc\","
        "\"delivery\":\"at_least_once\",\"payload\":{\"kind\":\"rpc-request\","
        "\"request_id\":\"%06u-%06u\",\"command\":\"%s\",\"kwargs\":{},\"resources\":[],"
        "\"target_cluster\":\"%s\",\"reply_to\":\"ws://127.0.0.1:%d\",\"args\":[\"",
        conn->index, slot, conn->index, slot, bench->function, bench->cluster, port);
    char tail[256];
    int tail_size = snprintf(tail, sizeof(tail),
        "\"]},\"headers\":{\"correlation_id\":\"%06u-%06u\",\"source_cluster\":\"%s\","
        "\"routing_path\":[\"ws://127.0.0.1:%d\"],\"hop_budget\":5}}}",
        conn->index, slot, bench->cluster, port);
    if (size + tail_size > CALL_SIZE) {
        die("names are too long for a call of 931 bytes");
    }
    const struct span parts[] = {
        span_from(text, (size_t)size),
        span_from(bench->filler, (size_t)(CALL_SIZE - size - tail_size)),
        span_from(tail, (size_t)tail_size),
    };
    conn->sent_at[slot] = uv_hrtime();
    bench->under_way++;
    ws_send(conn->ws, parts, COUNT_OF(parts));
}

static void
note_latency(struct bench *bench, uint64_t took_ns)
{
    uint64_t bucket = took_ns / 1000 / LATENCY_BUCKET_US;
    bench->latency[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
}

static void
take_answer(struct bench *bench, struct span message)
{
    struct span id = find_text(message, "\"request_id\":\"");
    unsigned index;
    unsigned slot;
    char text[32];
    snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(id));
    if (sscanf(text, "%u-%u", &index, &slot) != 2 || index >= bench->connections ||
        slot >= bench->depth || bench->conns[index].sent_at[slot] == 0) {
        die("an answer to no call came");
    }
    struct bench_conn *conn = &bench->conns[index];
    note_latency(bench, uv_hrtime() - conn->sent_at[slot]);
    conn->sent_at[slot] = 0;
    bench->under_way--;
    bench->answered++;
    if (!contains(message, "\"success\":true")) {
        if (bench->failed++ == 0) {
            fprintf(stderr, "first failure: %.*s\n", SPAN_ARGS(message));
        }
    }
    if (!bench->draining) {
        send_call(bench, conn, slot);
    }
}

static void
begin(struct bench *bench)
{
    bench->running = true;
    bench->started_at = seconds_now();
    for (uint32_t i = 0; i < bench->connections; i++) {
        for (uint32_t slot = 0; slot < bench->depth; slot++) {
            send_call(bench, &bench->conns[i], slot);
        }
    }
}

static uint64_t
percentile(const struct bench *bench, uint64_t percent)
{
    uint64_t wanted = bench->answered * percent / 100;
    uint64_t seen = 0;
    for (uint64_t bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
        seen += bench->latency[bucket];
        if (seen >= wanted) {
            return (bucket + 1) * LATENCY_BUCKET_US;
        }
    }
    return LATENCY_BUCKETS * LATENCY_BUCKET_US;
}

static void
finish(struct bench *bench)
{
    double took = bench->stopped_at - bench->started_at;
    printf("%ux%u calls %llu lost %llu failed %llu seconds %.1f rate %.0f/s p50_us %llu p99_us "
           "%llu\n",
        bench->connections, bench->depth, (unsigned long long)bench->answered,
        (unsigned long long)bench->under_way, (unsigned long long)bench->failed, took,
        (double)bench->answered / took, (unsigned long long)percentile(bench, 50),
        (unsigned long long)percentile(bench, 99));
    exit(bench->under_way == 0 && bench->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Both. */

static void
on_opened(void *owner, struct ws_conn *ws)
{
    struct bench *bench = owner;
    struct bench_conn *conn = ws_conn_is_dialed(ws) ? ws_conn_user(ws) : &bench->conns[0];
    if (ws_conn_is_dialed(ws)) {
        conn->ws = ws;
    }
    ws_conn_set_user(ws, conn);
    if (ws_conn_is_dialed(ws)) {
        send_status(bench, conn, ws);
    }
}

static void
on_refused(void *owner, void *user, const char *reason)
{
    (void)owner;
    (void)user;
    die(reason);
}

static void
take_handshake(struct bench *bench, struct bench_conn *conn, struct ws_conn *ws)
{
    if (!ws_conn_is_dialed(ws)) {
        send_status(bench, conn, ws); /* the bridge dialed us */
    } else if (!conn->up) {
        conn->up = true;
        bench->up++;
        if (bench->serves) {
            send_offer(bench, ws);
        }
    }
}

static void
on_message(void *owner, struct ws_conn *ws, struct span message)
{
    struct bench *bench = owner;
    struct bench_conn *conn = ws_conn_user(ws);
    if (contains(message, "\"rpc-request\"")) {
        answer_call(bench, bench->conns[0].ws, message);
    } else if (contains(message, "\"rpc-response\"")) {
        take_answer(bench, message);
    } else if (contains(message, "\"what\":\"STATUS\"")) {
        take_handshake(bench, conn, ws);
    } else if (!bench->serves && contains(message, bench->function)) {
        bench->visible = true;
    }
    if (!bench->serves && !bench->running && bench->visible && bench->up == bench->connections) {
        begin(bench);
    }
}

static void
on_closed(void *owner, struct ws_conn *ws, uint16_t code, const char *reason)
{
    struct bench *bench = owner;
    if (ws_conn_is_dialed(ws)) {
        fprintf(stderr, "closed with %u: %s\n", code, reason);
        if (bench->serves) {
            exit(EXIT_SUCCESS);
        }
        die("a connection to the bridge broke");
    }
}

static void
on_timer(uv_timer_t *timer)
{
    struct bench *bench = timer->data;
    double now = seconds_now();
    if (bench->serves) {
        send_offer(bench, bench->conns[0].ws);
        send_status(bench, &bench->conns[0], bench->conns[0].ws);
    } else if (!bench->running && now - bench->began_waiting > VISIBLE_WITHIN_S) {
        die("the function did not become visible");
    } else if (bench->running && !bench->draining && now - bench->started_at >= bench->seconds) {
        bench->draining = true;
        bench->stopped_at = now;
    } else if (bench->draining &&
               (bench->under_way == 0 || now - bench->stopped_at > SETTLE_WITHIN_S)) {
        finish(bench);
    }
}

static void
open_everything(struct bench *bench)
{
    struct reason reason;
    struct ws_events events = {
        .owner = bench,
        .on_opened = on_opened,
        .on_refused = on_refused,
        .on_message = on_message,
        .on_closed = on_closed,
    };
    struct ws_host_config host = { .loop = &bench->loop, .mem = &bench->mem };
    struct ws_dialer_config dialer = { .events = events };
    struct ws_listen_config listen = {
        .address = "127.0.0.1",
        .port = (uint16_t)bench->own_port,
        .events = events,
    };
    bench->host = ws_host_create(&host, &reason);
    bool open = bench->host != NULL &&
                (bench->dialer = ws_dialer_open(bench->host, &dialer, &reason)) != NULL &&
                (!bench->serves || ws_listen(bench->host, &listen, &reason) != NULL);
    if (!open) {
        die(reason.text);
    }
    for (uint32_t i = 0; i < bench->connections; i++) {
        struct bench_conn *conn = &bench->conns[i];
        struct ws_dial_config dial = {
            .host = "127.0.0.1",
            .port = (uint16_t)bench->bridge_port,
            .user = conn,
        };
        conn->index = i;
        conn->sent_at = calloc(bench->depth, sizeof(*conn->sent_at));
        if (conn->sent_at == NULL || ws_dial(bench->dialer, &dial) == NULL) {
            die("no memory");
        }
    }
}

static void
read_arguments(struct bench *bench, int argc, char **argv)
{
    bool serve = argc == 5 && strcmp(argv[1], "serve") == 0;
    bool load = argc == 8 && strcmp(argv[1], "load") == 0;
    if (serve) {
        bench->serves = true;
        bench->own_port = atoi(argv[2]);
        bench->bridge_port = atoi(argv[3]);
        bench->cluster = argv[4];
        bench->function = "";
        bench->connections = 1;
        bench->depth = 1;
    } else if (load) {
        bench->bridge_port = atoi(argv[2]);
        bench->cluster = argv[3];
        bench->function = argv[4];
        bench->connections = (uint32_t)atoi(argv[5]);
        bench->depth = (uint32_t)atoi(argv[6]);
        bench->seconds = atof(argv[7]);
    }
    if (bench->connections == 0 || bench->connections > CONNECTIONS_MAX || bench->depth == 0) {
        fprintf(stderr,
            "usage: bench_bridge serve OWN_PORT BRIDGE_PORT CLUSTER\n"
            "       bench_bridge load BRIDGE_PORT CLUSTER FUNCTION CONNECTIONS DEPTH SECONDS\n");
        exit(64);
    }
}

int
main(int argc, char **argv)
{
    static struct bench bench;
    read_arguments(&bench, argc, argv);
    memset(bench.filler, 'x', sizeof(bench.filler));
    mem_init(&bench.mem, (size_t)2 * 1024 * 1024 * 1024);
    if (uv_loop_init(&bench.loop) != 0) {
        die("no loop");
    }
    bench.began_waiting = seconds_now();
    open_everything(&bench);
    uv_timer_init(&bench.loop, &bench.timer);
    bench.timer.data = &bench;
    uv_timer_start(&bench.timer, on_timer, bench.serves ? 5000 : 50, bench.serves ? 5000 : 50);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    return EXIT_SUCCESS;
}
