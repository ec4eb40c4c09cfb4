/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_rig.h - one member and the whole world around it: what happens is told to it event by event,
 * what it does is written down (member_rig_book.h). Include after <check.h>.
 */
#ifndef TESTS_SUPPORT_MEMBER_RIG_H
#define TESTS_SUPPORT_MEMBER_RIG_H

#include "tests/support/member_rig_book.h"

/* Birth and death. */

/* The ordinary configuration, to be changed before rig_start. */
static inline void
rig_init(struct rig *rig)
{
    static const struct span capabilities[] = { { (const uint8_t *)"rpc", 3 } };
    memset(rig, 0, sizeof(*rig));
    rig->now = (struct now){ .mono = { 1000 * SEC_NS }, .wall = { RIG_EPOCH_NS } };
    rig->prng = (struct prng){ 42 };
    rig->log = (struct log){ .level = LOG_LEVEL_DEBUG, .write = rig_on_log };
    mem_init(&rig->mem, SIZE_MAX);
    arena_init(&rig->arena, &rig->mem);
    rig->next_slot = 1;
    rig->config = (struct member_config){
        .cluster_id = SPAN(RIG_CLUSTER),
        .url = SPAN(RIG_URL),
        .instance_id = SPAN(RIG_INSTANCE),
        .capabilities = { capabilities, 1 },
        .isolation = { .mode = ISOLATION_STRICT, .cluster_id = SPAN(RIG_CLUSTER) },
        .function_count_max = 100000,
        .call_timeout_ns = 30 * SEC_NS,
    };
}

static inline struct member *
rig_create(struct rig *rig)
{
    const struct member_events events = {
        .owner = rig,
        .asked = rig_on_asked,
        .asked_other = rig_on_asked_other,
        .called = rig_on_called,
        .answered = rig_on_answered,
        .client_gone = rig_on_client_gone,
        .reached = rig_on_reached,
        .dial_failed = rig_on_dial_failed,
        .catalog = { .owner = rig, .changed = rig_on_changed },
    };
    return member_create(
        &rig->config, &rig->mem, (struct hash_key){ 1, 2 }, &events, &rig->log, &rig->prng);
}

static inline void
rig_start(struct rig *rig)
{
    rig->member = rig_create(rig);
    ck_assert_ptr_nonnull(rig->member);
    rig_step(rig, &(struct event){ .kind = EVENT_START });
}

static inline void
rig_destroy(struct rig *rig)
{
    member_free(rig->member);
    arena_destroy(&rig->arena);
    rig_forget(rig);
    ck_assert_msg(rig->mem.used == 0, "%zu bytes are left", rig->mem.used);
}

/* Time. */

/* Let `delay_ns` pass; the member gets a TICK whenever its deadline comes. */
static inline void
rig_run(struct rig *rig, uint64_t delay_ns)
{
    uint64_t end_ns = rig->now.mono.ns + delay_ns;
    uint32_t idle = 0;
    for (;;) {
        uint64_t due_ns = member_deadline(rig->member, rig->now).ns;
        uint64_t left_ns = end_ns - rig->now.mono.ns;
        bool stuck = idle >= 1000;
        if (due_ns > end_ns || (stuck && left_ns == 0)) {
            break;
        }
        /* Without memory what is due stays due; time goes on all the same. */
        ck_assert_msg(!stuck || rig->mem.cap < SIZE_MAX, "the deadline does not move");
        uint64_t step_ns = due_ns > rig->now.mono.ns ? due_ns - rig->now.mono.ns : 0;
        step_ns = !stuck ? step_ns : left_ns < MS_NS ? left_ns : MS_NS;
        idle = stuck || step_ns == 0 ? idle + 1 : 0;
        rig->now.mono.ns += step_ns;
        rig->now.wall.ns += (int64_t)step_ns;
        rig_tick(rig);
    }
    rig->now.wall.ns += (int64_t)(end_ns - rig->now.mono.ns);
    rig->now.mono.ns = end_ns;
}

/* Connections. */

static inline struct conn_id
rig_next_conn(struct rig *rig)
{
    uint32_t slot = rig->next_slot++;
    ck_assert_uint_lt(slot, RIG_CONNS_MAX);
    struct conn_id conn = { .v = UINT64_C(7) << 32 | slot };
    rig->conns[slot] = (struct rig_conn){ .conn = conn, .open = true };
    return conn;
}

static inline struct rig_conn *
rig_conn(struct rig *rig, struct conn_id conn)
{
    return &rig->conns[conn_slot(conn)];
}

static inline struct conn_id
rig_accept(struct rig *rig)
{
    struct conn_id conn = rig_next_conn(rig);
    rig_step(rig,
        &(struct event){ .kind = EVENT_ACCEPTED, .conn = conn, .address = SPAN("10.0.0.9:999") });
    return conn;
}

/* The connection is gone, whoever ended it. */
static inline void
rig_end(struct rig *rig, struct conn_id conn)
{
    ck_assert(rig_conn(rig, conn)->open);
    rig_conn(rig, conn)->open = false;
    rig_step(rig, &(struct event){ .kind = EVENT_CLOSED, .conn = conn, .reason = SPAN("reset") });
}

/* The dial to this address that waits for its end, or NULL. */
static inline struct rig_dial *
rig_dial(struct rig *rig, const char *address)
{
    for (size_t i = 0; i < rig->dial_count; i++) {
        if (rig->dials[i].ticket != 0 && strcmp(rig->dials[i].address, address) == 0) {
            return &rig->dials[i];
        }
    }
    return NULL;
}

/* Time passes until the member dials this address. */
static inline struct rig_dial *
rig_await_dial(struct rig *rig, const char *address)
{
    uint64_t end_ns = rig->now.mono.ns + 2 * MEMBER_DIAL_CAP_NS;
    while (rig_dial(rig, address) == NULL && rig->now.mono.ns < end_ns) {
        rig_run(rig, 10 * MS_NS);
    }
    ck_assert_msg(rig_dial(rig, address) != NULL, "%s is not dialed", address);
    return rig_dial(rig, address);
}

static inline struct conn_id
rig_open(struct rig *rig, const char *address)
{
    struct rig_dial *dial = rig_await_dial(rig, address);
    struct conn_id conn = rig_next_conn(rig);
    struct event event = { .kind = EVENT_OPENED, .conn = conn, .ticket = dial->ticket };
    event.address = SPAN("10.0.0.9:1");
    dial->ticket = 0;
    rig_step(rig, &event);
    return conn;
}

static inline void
rig_refuse(struct rig *rig, const char *address)
{
    struct rig_dial *dial = rig_await_dial(rig, address);
    struct event event = { .kind = EVENT_REFUSED, .ticket = dial->ticket };
    event.reason = SPAN("connection refused");
    dial->ticket = 0;
    rig_step(rig, &event);
}

/* Messages. */

static inline void
rig_hear_span(struct rig *rig, struct conn_id conn, struct span message)
{
    ck_assert(rig_conn(rig, conn)->open);
    rig_step(rig, &(struct event){ .kind = EVENT_MESSAGE, .conn = conn, .bytes = message });
}

static inline void PRINTF(3) rig_hear(struct rig *rig, struct conn_id conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(rig->message, sizeof(rig->message), format, arguments);
    va_end(arguments);
    ck_assert(size >= 0 && (size_t)size < sizeof(rig->message));
    rig_hear_span(rig, conn, span_from(rig->message, (size_t)size));
}

/* A text that lives until RIG_TEXTS further ones were made. */
static inline const char *PRINTF(2) rig_text(struct rig *rig, const char *format, ...)
{
    char *text = rig->texts[rig->next_text++ % RIG_TEXTS];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, RIG_TEXT_MAX, format, arguments);
    va_end(arguments);
    ck_assert(size >= 0 && size < RIG_TEXT_MAX);
    return text;
}

/* Now and some more, as JSON seconds. */
static inline const char *
rig_seconds(struct rig *rig, int64_t offset_ns)
{
    int64_t at = rig->now.wall.ns + offset_ns;
    int64_t second = (int64_t)SEC_NS;
    return rig_text(rig, "%" PRId64 ".%09" PRId64, at / second, at % second);
}

static inline void
rig_status(struct rig *rig, struct conn_id conn, const char *url, const char *cluster,
    const char *instance)
{
    rig_hear(rig, conn,
        "{\"role\":\"server\",\"u\":\"u1\",\"server\":{\"what\":\"STATUS\",\"server_url\":\"%s\","
        "\"cluster_id\":\"%s\",\"instance_id\":\"%s\",\"status\":\"ok\",\"active_clients\":3}}",
        url, cluster, instance);
}

static inline void
rig_goodbye(struct rig *rig, struct conn_id conn, const char *url, const char *cluster)
{
    rig_hear(rig, conn,
        "{\"role\":\"server\",\"u\":\"u2\",\"server\":{\"what\":\"GOODBYE\","
        "\"departing_node_url\":\"%s\",\"cluster_id\":\"%s\",\"reason\":\"maintenance\"}}",
        url, cluster);
}

/* A peer of our cluster that dialed us. Its instance_id is its url. */
static inline struct conn_id
rig_peer_in(struct rig *rig, const char *url)
{
    struct conn_id conn = rig_accept(rig);
    rig_status(rig, conn, url, RIG_CLUSTER, url);
    ck_assert_msg(!rig_conn(rig, conn)->closing, "%s", rig_conn(rig, conn)->reason);
    return conn;
}

/* A peer of our cluster that we dialed. */
static inline struct conn_id
rig_peer_out(struct rig *rig, const char *url)
{
    struct conn_id conn = rig_open(rig, url);
    rig_status(rig, conn, url, RIG_CLUSTER, url);
    ck_assert_msg(!rig_conn(rig, conn)->closing, "%s", rig_conn(rig, conn)->reason);
    return conn;
}

/* A catalog_update that travels, with this delta, such as "functions":[...]. */
static inline void
rig_gossip(struct rig *rig, struct conn_id conn, const char *sender, const char *delta)
{
    rig_hear(rig, conn,
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"m%" PRIu64 "\","
        "\"message_type\":\"catalog_update\",\"sender_id\":\"%s\",\"ttl\":10,\"hop_count\":0,"
        "\"max_hops\":5,\"payload\":{%s}}}",
        rig->next_message_id++, sender, delta);
}

/* An item of "functions": version 1.0.0, id = name, 120 s, advertised now and some more. */
static inline const char *
rig_function(
    struct rig *rig, const char *name, const char *node, const char *cluster, int64_t offset_ns)
{
    return rig_text(rig,
        "{\"identity\":{\"name\":\"%s\",\"function_id\":\"%s\",\"version\":\"1.0.0\"},"
        "\"node_id\":\"%s\",\"cluster_id\":\"%s\",\"advertised_at\":%s,\"ttl_seconds\":120}",
        name, name, node, cluster, rig_seconds(rig, offset_ns));
}

/* An item of "function_removals". */
static inline const char *
rig_key(struct rig *rig, const char *name, const char *node, const char *cluster)
{
    return rig_text(rig,
        "{\"identity\":{\"name\":\"%s\",\"function_id\":\"%s\",\"version\":\"1.0.0\"},"
        "\"node_id\":\"%s\",\"cluster_id\":\"%s\"}",
        name, name, node, cluster);
}

/* An item of "nodes". */
static inline const char *
rig_node(struct rig *rig, const char *url, const char *cluster, int64_t offset_ns)
{
    return rig_text(rig,
        "{\"node_id\":\"%s\",\"cluster_id\":\"%s\",\"advertised_at\":%s,\"ttl_seconds\":120}", url,
        cluster, rig_seconds(rig, offset_ns));
}

/* Looking. */

/* Messages with `text` in them; to any connection when it is CONN_NONE. */
static inline size_t
rig_count(const struct rig *rig, struct conn_id conn, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->sent_count; i++) {
        const struct rig_sent *sent = &rig->sent[i];
        count += (conn.v == 0 || conn_equal(conn, sent->conn)) && strstr(sent->text, text) != NULL;
    }
    return count;
}

/* The last message to the connection with `text` in it, or NULL. */
static inline const struct rig_sent *
rig_last(const struct rig *rig, struct conn_id conn, const char *text)
{
    for (size_t i = rig->sent_count; i > 0; i--) {
        const struct rig_sent *sent = &rig->sent[i - 1];
        if (conn_equal(conn, sent->conn) && strstr(sent->text, text) != NULL) {
            return sent;
        }
    }
    return NULL;
}

static inline struct function_key
rig_function_key(const char *name, const char *node, const char *cluster)
{
    return (struct function_key){
        .cluster_id = span_from_text(cluster),
        .node_id = span_from_text(node),
        .identity = { .name = span_from_text(name),
            .function_id = span_from_text(name),
            .version_text = SPAN("1.0.0"),
            .version = { 1, 0, 0 } },
    };
}

static inline const struct catalog_entry *
rig_entry(struct rig *rig, const char *name, const char *node)
{
    struct function_key key = rig_function_key(name, node, RIG_CLUSTER);
    return catalog_find(member_catalog(rig->member), &key);
}

static inline uint64_t
rig_isolated(const struct rig *rig, enum isolation_reason reason)
{
    return member_stats(rig->member).isolation[reason];
}

static inline enum catalog_result
rig_offer(struct rig *rig, const char *name, void *context)
{
    const struct member_offer offer = {
        .identity = rig_function_key(name, RIG_URL, RIG_CLUSTER).identity,
        .context = context,
    };
    return member_offer(rig->member, &offer, rig->now);
}

static inline void
rig_flush(struct rig *rig)
{
    rig_begin(rig);
    member_flush(rig->member, rig->now, &rig->actions);
    rig_perform(rig);
}

#endif
