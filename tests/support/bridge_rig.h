/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge_rig.h - bridge engines joined in memory: what one does becomes the events of the other, at once and
 * in order. Around them scripted ends: nodes and clients of their clusters (bridge_peers.h) and far bridges
 * made of frames (below). Time passes only in rig_pass().
 *
 * Everything that was sent lives until rig_close(). Failures are CHECKs, so that fuzz targets can use it.
 */
#ifndef TESTS_SUPPORT_BRIDGE_RIG_H
#define TESTS_SUPPORT_BRIDGE_RIG_H

#include <stdio.h>
#include <string.h>

#include "bridge/bridge.h"
#include "tests/support/link_frames.h"
#include "tests/support/rib_rig.h"
#include "tests/support/wire_codec.h"

#define RIG_BRIDGES_MAX  7u
#define RIG_LINKS_MAX    3u
#define RIG_CONNS_MAX    64u
#define RIG_QUEUE_MAX    4096u
#define RIG_INBOX_MAX    512u
#define RIG_POLICIES_MAX 8u
#define RIG_PEERS_MAX    8u
#define RIG_CALLS_MAX    16u
#define RIG_DIALS_MAX    16u

/* Steps without time passing: more is a loop. */
#define RIG_STEPS_MAX 100000u

#define RIG_EPOCH_NS     (INT64_C(1795335555) * INT64_C(1000000000))
#define RIG_KEEPALIVE_NS (10 * SEC_NS)

/* A conn that no bridge holds at its second end leads to a script. */
#define RIG_SCRIPT UINT32_MAX

struct rig_conn {
    enum port_kind port;
    uint32_t bridges[2]; /* by end; the first is never RIG_SCRIPT */
    bool closing;
    bool closed[2];    /* by end: it was told */
    uint32_t pauses;   /* how often the bridge wanted to hear nothing of it */
    uint64_t pause_ns; /* the last of them; what is said meanwhile comes nevertheless */
    struct span inbox[RIG_INBOX_MAX]; /* of a script */
    uint32_t inbox_count;
};

/* Something on its way to one end of a conn, or the outcome of a dial. */
struct rig_delivery {
    struct event event;
    uint32_t bridge; /* RIG_SCRIPT: to the script of `conn` */
    uint32_t conn;
};

struct rig_link {
    const char *federation;
    const char *address; /* to dial; NULL: the far side does */
    struct policy *policy;
};

struct rig_bridge {
    struct bridge *bridge;
    char name[16];
    char url[32];
    struct span address;
    struct bridge_config config;
    struct bridge_link_config links[RIG_LINKS_MAX];
    struct span addresses[RIG_LINKS_MAX];
    bool unreachable; /* dials to it are refused */
    bool finished;
    uint64_t steps;
};

struct rig_peer {
    uint32_t bridge;
    uint32_t conn;
    struct span url;
    struct catalog *view;                       /* of the cluster, as gossip told it */
    uint32_t read;                              /* messages of the inbox taken in so far */
    struct fabric_request calls[RIG_CALLS_MAX]; /* that came to it, the last ones */
    uint32_t call_count;
    struct fabric_response answers[RIG_CALLS_MAX]; /* to its own calls */
    uint32_t answer_count;
};

/* A dial of a node of the cluster that has no outcome yet. */
struct rig_dial {
    uint64_t ticket;
    uint32_t bridge;
    struct span address;
};

struct rig {
    struct wire wire; /* its arena holds everything until the end */
    struct log log;
    struct now now;
    struct rig_bridge bridges[RIG_BRIDGES_MAX];
    uint32_t bridge_count;
    struct rig_conn conns[RIG_CONNS_MAX];
    uint32_t conn_count;
    struct rig_delivery queue[RIG_QUEUE_MAX];
    uint32_t queue_first;
    uint32_t queue_count;
    struct policy *policies[RIG_POLICIES_MAX];
    uint32_t policy_count;
    struct rig_peer peers[RIG_PEERS_MAX];
    uint32_t peer_count;
    bool
        dials_wait; /* nodes of the cluster are dialed until a test says what comes of it, else in vain */
    struct rig_dial dials[RIG_DIALS_MAX];
    uint32_t dial_count;
    uint64_t numbers; /* ids drawn so far */
    size_t memory_max;
    uint64_t call_timeout_ns;
    uint32_t
        far_frame_size_max; /* what far bridges made of frames say that they take; 0: nothing of it */
    const char *const *far_bridges;    /* the names that the links of a bridge expect; or NULL */
    const struct probe_config *probes; /* of the first link of a bridge */
    uint32_t probe_count;
    uint64_t resume_window_ns; /* of each link; 0 unless a test says so, as is: */
    uint64_t stale_time_ns;
    struct damping_config link_damping; /* off unless a test says so, as is: */
    struct damping_config function_damping;
    uint64_t hold_down_ns;
    uint64_t advertisement_interval_ns;
    uint32_t function_count_max; /* of each catalog */
};

static inline void
rig_ignore_fact(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    (void)host;
    (void)level;
    (void)name;
    (void)fields;
    (void)field_count;
}

static inline void
rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    wire_init(&rig->wire);
    rig->log = (struct log){ .level = LOG_LEVEL_DEBUG, .write = rig_ignore_fact };
    rig->now = (struct now){ .mono = { 1000 * SEC_NS }, .wall = { RIG_EPOCH_NS } };
    rig->memory_max = (size_t)256 * 1024 * 1024;
    rig->call_timeout_ns = 20 * SEC_NS;
    rig->function_count_max = 100000;
}

/* Whether all memory came back; each engine CHECKs its own. */
static inline bool
rig_close(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->bridge_count; i++) {
        bridge_free(rig->bridges[i].bridge);
    }
    for (uint32_t i = 0; i < rig->peer_count; i++) {
        catalog_free(rig->peers[i].view);
    }
    for (uint32_t i = 0; i < rig->policy_count; i++) {
        policy_unref(rig->policies[i]);
    }
    return wire_destroy(&rig->wire);
}

static inline struct policy *
rig_policy(struct rig *rig, const struct policy_rule_source *exports, uint32_t export_count,
    const struct policy_rule_source *imports, uint32_t import_count)
{
    CHECK(rig->policy_count < RIG_POLICIES_MAX);
    struct policy *policy =
        rib_rig_policy(&rig->wire.mem, exports, export_count, imports, import_count);
    rig->policies[rig->policy_count++] = policy;
    return policy;
}

/* Conns and what is on its way over them. */

static inline struct conn_id
rig_conn_id(uint32_t conn, uint32_t end)
{
    return (struct conn_id){ .v = (uint64_t)(conn + 1) << 32 | (conn * 2 + end) };
}

static inline void
rig_push(struct rig *rig, struct rig_delivery delivery)
{
    CHECK(rig->queue_count < RIG_QUEUE_MAX);
    rig->queue[(rig->queue_first + rig->queue_count++) % RIG_QUEUE_MAX] = delivery;
}

static inline struct span
rig_keep(struct rig *rig, struct span bytes)
{
    struct span copy = arena_copy(&rig->wire.arena, bytes);
    CHECK(copy.data != NULL);
    return copy;
}

/* An event of `conn` for its end `end`. */
static inline void
rig_push_event(struct rig *rig, uint32_t conn, uint32_t end, struct event event)
{
    event.port = rig->conns[conn].port;
    event.conn = rig_conn_id(conn, end);
    rig_push(rig, (struct rig_delivery){
                      .event = event, .bridge = rig->conns[conn].bridges[end], .conn = conn });
}

/* A conn between bridge `first` and bridge or script `second`; who hears of it is the caller's business. */
static inline uint32_t
rig_connect(struct rig *rig, enum port_kind port, uint32_t first, uint32_t second)
{
    CHECK(rig->conn_count < RIG_CONNS_MAX);
    uint32_t conn = rig->conn_count++;
    rig->conns[conn].port = port;
    rig->conns[conn].bridges[0] = first;
    rig->conns[conn].bridges[1] = second;
    return conn;
}

/* What was sent before still arrives; both ends are told once. */
static inline void
rig_disconnect(struct rig *rig, uint32_t conn, struct span reason)
{
    if (rig->conns[conn].closing) {
        return;
    }
    rig->conns[conn].closing = true;
    for (uint32_t end = 0; end < 2; end++) {
        rig_push_event(rig, conn, end,
            (struct event){ .kind = EVENT_CLOSED, .reason = rig_keep(rig, reason) });
    }
}

static inline struct link_identity
rig_identity(const struct rig *rig, uint32_t bridge)
{
    const struct rig_bridge *it = &rig->bridges[bridge];
    return (struct link_identity){ .federation = it->config.federation, .bridge = it->config.name };
}

static inline void
rig_refuse(struct rig *rig, uint32_t bridge, enum port_kind port, uint64_t ticket)
{
    struct event refused = {
        .kind = EVENT_REFUSED,
        .port = port,
        .ticket = ticket,
        .reason = SPAN("nobody is there"),
    };
    rig_push(rig, (struct rig_delivery){ .event = refused, .bridge = bridge });
}

static inline void
rig_dial(struct rig *rig, uint32_t from, const struct action *action)
{
    if (action->port == PORT_CLUSTER && rig->dials_wait) {
        CHECK(rig->dial_count < RIG_DIALS_MAX);
        rig->dials[rig->dial_count++] = (struct rig_dial){
            .ticket = action->ticket, .bridge = from, .address = rig_keep(rig, action->address)
        };
        return;
    }
    for (uint32_t to = 0; to < rig->bridge_count && action->port == PORT_LINK; to++) {
        const struct rig_bridge *it = &rig->bridges[to];
        if (!span_equal(it->address, action->address) || it->unreachable) {
            continue;
        }
        uint32_t conn = rig_connect(rig, PORT_LINK, from, to);
        rig_push_event(rig, conn, 0,
            (struct event){ .kind = EVENT_OPENED,
                .ticket = action->ticket,
                .identity = rig_identity(rig, to) });
        rig_push_event(rig, conn, 1,
            (struct event){ .kind = EVENT_ACCEPTED, .identity = rig_identity(rig, from) });
        return;
    }
    rig_refuse(rig, from, action->port, action->ticket);
}

static inline struct span
rig_join(struct rig *rig, const struct span *parts, uint32_t part_count)
{
    struct buf whole;
    buf_init(&whole, &rig->wire.mem, (size_t)64 * 1024 * 1024);
    for (uint32_t i = 0; i < part_count; i++) {
        buf_add(&whole, parts[i]);
    }
    CHECK(!whole.overflowed);
    struct span joined = rig_keep(rig, buf_span(&whole));
    buf_destroy(&whole);
    return joined;
}

static inline void
rig_act(struct rig *rig, uint32_t from, const struct action *action)
{
    uint32_t conn = (uint32_t)(action->conn.v >> 32) - 1;
    uint32_t end = conn_slot(action->conn) & 1;
    bool known = action->conn.v != 0 && conn < rig->conn_count &&
                 rig->conns[conn].bridges[end] == from && !rig->conns[conn].closing;
    switch (action->kind) {
    case ACTION_SEND:
        if (known && action->part_count > 0) {
            struct span bytes = rig_join(rig, action->parts, action->part_count);
            rig_push_event(
                rig, conn, 1 - end, (struct event){ .kind = EVENT_MESSAGE, .bytes = bytes });
        }
        break;
    case ACTION_CLOSE:
        if (known) {
            rig_disconnect(rig, conn, action->reason);
        }
        break;
    case ACTION_PAUSE:
        if (known) {
            rig->conns[conn].pauses++;
            rig->conns[conn].pause_ns = action->timeout_ns;
        }
        break;
    case ACTION_DIAL:
        rig_dial(rig, from, action);
        break;
    case ACTION_FINISHED:
        CHECK(!rig->bridges[from].finished);
        rig->bridges[from].finished = true;
        break;
    case ACTION_EXECUTE:
        CHECK(action->kind != ACTION_EXECUTE);
        break;
    }
}

/* One event for one bridge, and what it does about it. */
static inline void
rig_step(struct rig *rig, uint32_t bridge, const struct event *event)
{
    rig->bridges[bridge].steps++;
    const struct actions *actions = bridge_step(rig->bridges[bridge].bridge, event, rig->now);
    for (uint32_t i = 0; i < actions->count; i++) {
        rig_act(rig, bridge, &actions->list[i]);
    }
}

static inline void
rig_deliver(struct rig *rig, const struct rig_delivery *delivery)
{
    const struct event *event = &delivery->event;
    struct rig_conn *conn = &rig->conns[delivery->conn];
    bool of_conn = event->kind != EVENT_REFUSED;
    bool *closed = &conn->closed[conn_slot(event->conn) & 1];
    if (of_conn && *closed) {
        return;
    }
    *closed = *closed || event->kind == EVENT_CLOSED;
    if (delivery->bridge != RIG_SCRIPT) {
        rig_step(rig, delivery->bridge, event);
    } else if (event->kind == EVENT_MESSAGE) {
        CHECK(conn->inbox_count < RIG_INBOX_MAX);
        conn->inbox[conn->inbox_count++] = event->bytes;
    }
}

static inline bool
rig_tick_due(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->bridge_count; i++) {
        struct instant due = bridge_deadline(rig->bridges[i].bridge, rig->now);
        if (instant_reached(due, rig->now.mono)) {
            const struct event tick = { .kind = EVENT_TICK };
            rig_step(rig, i, &tick);
            return true;
        }
    }
    return false;
}

/* Until nothing is under way and nothing is due. */
static inline void
rig_run(struct rig *rig)
{
    uint32_t steps = 0;
    while (rig->queue_count > 0 || rig_tick_due(rig)) {
        CHECK(++steps < RIG_STEPS_MAX);
        if (rig->queue_count > 0) {
            struct rig_delivery delivery = rig->queue[rig->queue_first];
            rig->queue_first = (rig->queue_first + 1) % RIG_QUEUE_MAX;
            rig->queue_count--;
            rig_deliver(rig, &delivery);
        }
    }
}

static inline void
rig_pass(struct rig *rig, uint64_t duration_ns)
{
    struct instant end = instant_after(rig->now.mono, duration_ns);
    rig_run(rig);
    while (rig->now.mono.ns < end.ns) {
        struct instant next = end;
        for (uint32_t i = 0; i < rig->bridge_count; i++) {
            struct instant due = bridge_deadline(rig->bridges[i].bridge, rig->now);
            next = instant_earlier(next, due);
        }
        uint64_t step_ns = instant_between(rig->now.mono, next);
        rig->now.mono = instant_after(rig->now.mono, step_ns);
        rig->now.wall = wall_after(rig->now.wall, step_ns);
        rig_run(rig);
    }
}

/* Bridges. */

static inline struct link_session_config
rig_session_config(struct rig_bridge *it, uint32_t index, const struct rig_link *link)
{
    it->addresses[index] = span_from_text(link->address);
    return (struct link_session_config){
        .name = span_from_text(link->federation),
        .federation = span_from_text(link->federation),
        .own_federation = it->config.federation,
        .own_bridge = it->config.name,
        .addresses = &it->addresses[index],
        .address_count = link->address == NULL ? 0 : 1,
        .keepalive_ns = RIG_KEEPALIVE_NS,
        .dial_timeout_ns = 5 * SEC_NS,
        .greeting_timeout_ns = 5 * SEC_NS,
        .retry = { .base_ns = 500 * MS_NS, .cap_ns = 60 * SEC_NS, .stable_ns = 30 * SEC_NS },
        .boot = 4711,
    };
}

static inline struct member_config
rig_member_config(const struct rig *rig, const struct rig_bridge *it)
{
    static const struct span capabilities[] = { T("rpc"), T(BRIDGE_CAPABILITY) };
    return (struct member_config){
        .cluster_id = it->config.federation,
        .url = span_from_text(it->url),
        .instance_id = it->config.name,
        .capabilities = { .items = capabilities, .count = COUNT_OF(capabilities) },
        .isolation = { .mode = ISOLATION_STRICT, .cluster_id = it->config.federation },
        .function_count_max = rig->function_count_max,
        .call_timeout_ns = 30 * SEC_NS,
    };
}

/* Its index. It is named after its federation, us-1, listens at ws://us-1:1, and its links at "us". */
static inline uint32_t
rig_add_bridge(
    struct rig *rig, const char *federation, const struct rig_link *links, uint32_t link_count)
{
    CHECK(rig->bridge_count < RIG_BRIDGES_MAX);
    CHECK(link_count <= RIG_LINKS_MAX);
    uint32_t index = rig->bridge_count++;
    struct rig_bridge *it = &rig->bridges[index];
    snprintf(it->name, sizeof(it->name), "%s-1", federation);
    snprintf(it->url, sizeof(it->url), "ws://%s-1:1", federation);
    it->address = span_from_text(federation);
    it->config = (struct bridge_config){
        .name = span_from_text(it->name),
        .federation = span_from_text(federation),
        .links = it->links,
        .link_count = link_count,
        .call_timeout_ns = rig->call_timeout_ns,
        .stale_time_ns = rig->stale_time_ns,
        .link_damping = rig->link_damping,
        .function_damping = rig->function_damping,
        .hold_down_ns = rig->hold_down_ns,
        .advertisement_interval_ns = rig->advertisement_interval_ns,
        .memory_max = rig->memory_max,
    };
    it->config.member = rig_member_config(rig, it);
    for (uint32_t i = 0; i < link_count; i++) {
        it->links[i] = (struct bridge_link_config){
            .session = rig_session_config(it, i, &links[i]),
            .policy = links[i].policy,
            .probes = rig->probes,
            .probe_count = i == 0 ? rig->probe_count : 0,
        };
        if (rig->far_bridges != NULL) {
            it->links[i].session.bridge = span_from_text(rig->far_bridges[i]);
        }
        it->links[i].session.resume_window_ns = rig->resume_window_ns;
        it->links[i].session.resume_buffer_size = (size_t)64 * 1024;
    }
    it->bridge =
        bridge_create(&it->config, (struct hash_key){ index + 1, 2 }, index + 1, &rig->log);
    CHECK(it->bridge != NULL);
    return index;
}

static inline void
rig_start(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->bridge_count; i++) {
        const struct event start = { .kind = EVENT_START };
        rig_step(rig, i, &start);
    }
    rig_run(rig);
}

static inline void
rig_stop(struct rig *rig, uint32_t bridge)
{
    const struct event stop = { .kind = EVENT_STOP };
    rig_step(rig, bridge, &stop);
    rig_run(rig);
}

static inline struct bridge_link_stats
rig_link_stats(const struct rig *rig, uint32_t bridge, uint32_t link)
{
    return bridge_link_stats(rig->bridges[bridge].bridge, link);
}

/* Bytes of a script. */
static inline void
rig_say(struct rig *rig, uint32_t conn, struct span bytes)
{
    if (!rig->conns[conn].closing) {
        rig_push_event(
            rig, conn, 0, (struct event){ .kind = EVENT_MESSAGE, .bytes = rig_keep(rig, bytes) });
        rig_run(rig);
    }
}

/* A far bridge made of frames. Its conn. */
static inline uint32_t
rig_far_connect(struct rig *rig, uint32_t bridge, const char *federation, const char *name)
{
    uint32_t conn = rig_connect(rig, PORT_LINK, bridge, RIG_SCRIPT);
    rig_push_event(rig, conn, 0,
        (struct event){
            .kind = EVENT_ACCEPTED,
            .identity = { span_from_text(federation), span_from_text(name) },
        });
    rig_run(rig);
    return conn;
}

static inline void
rig_far_send(struct rig *rig, uint32_t conn, const struct link_frame *frame)
{
    buf_reset(&rig->wire.out);
    link_frames_encode(&rig->wire.out, frame);
    CHECK(!rig->wire.out.overflowed);
    rig_say(rig, conn, buf_span(&rig->wire.out));
}

/* HELLO of the far bridge's session 5; of `more`, resume, received, stale and keepalive_ns (0: as ours) count. */
static inline void
rig_far_greet(struct rig *rig, uint32_t conn, const char *federation, const char *name,
    struct link_hello more)
{
    struct link_frame hello = { .type = LINK_FRAME_HELLO, .hello = more };
    hello.hello.version_min = LINK_VERSION;
    hello.hello.version_max = LINK_VERSION;
    hello.hello.federation = span_from_text(federation);
    hello.hello.bridge = span_from_text(name);
    hello.hello.session = 5;
    hello.hello.boot = 6;
    hello.hello.frame_size_max = rig->far_frame_size_max;
    hello.hello.keepalive_ns = more.keepalive_ns == 0 ? RIG_KEEPALIVE_NS : more.keepalive_ns;
    rig_far_send(rig, conn, &hello);
}

static inline void
rig_far_hello(struct rig *rig, uint32_t conn, const char *federation, const char *name)
{
    rig_far_greet(rig, conn, federation, name, (struct link_hello){ .resume = 0 });
}

/* The far bridge comes back over another connection, and offers to go on with our session `resume`; 0: it does not. */
static inline uint32_t
rig_far_come_back(
    struct rig *rig, uint32_t bridge, const char *name, uint64_t resume, uint64_t received)
{
    uint32_t conn = rig_far_connect(rig, bridge, "eu", name);
    rig_far_greet(
        rig, conn, "eu", name, (struct link_hello){ .resume = resume, .received = received });
    return conn;
}

/* Connected and greeted; the far side's table is empty and its sync done: the next sequence is 2. */
static inline uint32_t
rig_far_join(struct rig *rig, uint32_t bridge, const char *federation, const char *name)
{
    uint32_t conn = rig_far_connect(rig, bridge, federation, name);
    rig_far_hello(rig, conn, federation, name);
    const struct link_frame synced = { .type = LINK_FRAME_END_OF_SYNC, .sequence = 1 };
    rig_far_send(rig, conn, &synced);
    return conn;
}

/* One route as a far bridge of link `link` announces it. */
static inline void
rig_far_announce(struct rig *rig, uint32_t conn, uint64_t sequence, const char *federation,
    struct rib_route facts)
{
    struct rib_rig names = { .federations = { span_from_text(federation) } };
    struct link_route route = rib_rig_route(&names, 0, facts);
    const struct link_frame frame = {
        .type = LINK_FRAME_ANNOUNCE,
        .announce = { .sequence = sequence, .routes = &route, .route_count = 1 },
    };
    rig_far_send(rig, conn, &frame);
}

static inline void
rig_far_withdraw(struct rig *rig, uint32_t conn, uint64_t sequence, uint64_t route_id)
{
    const struct link_frame frame = {
        .type = LINK_FRAME_WITHDRAW,
        .withdraw = { .sequence = sequence, .route_ids = &route_id, .route_count = 1 },
    };
    rig_far_send(rig, conn, &frame);
}

/* How many frames of this type it got; *last is the newest of them. */
static inline uint32_t
rig_far_heard(struct rig *rig, uint32_t conn, enum link_frame_type type, struct link_frame *last)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->conns[conn].inbox_count; i++) {
        struct link_frame frame;
        enum link_result result = link_decode(rig->conns[conn].inbox[i], &rig->wire.arena, &frame);
        CHECK(result == LINK_OK);
        if (frame.type == type) {
            *last = frame;
            count++;
        }
    }
    return count;
}

#endif
