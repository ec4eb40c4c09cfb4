/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_rig.h - a node's engine between two hands: events go in, what comes out is kept as text.
 *
 * Connections are named by small numbers. Header only, since fuzz targets use it too.
 */
#ifndef TESTS_SUPPORT_NODE_RIG_H
#define TESTS_SUPPORT_NODE_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"

#define RIG_URL         "ws://127.0.0.1:7001"
#define RIG_CLUSTER     "c1"
#define RIG_ACTIONS_MAX 4096u
#define RIG_MEMORY_MAX  ((size_t)256 * 1024 * 1024)

/* One action of the last step, its texts copied and ended with NUL. */
struct rig_action {
    enum action_kind kind;
    uint64_t conn;
    uint64_t ticket;
    uint32_t worker;
    uint16_t code;
    char *text;   /* SEND: the message; EXECUTE: args; CLOSE: reason; DIAL: address */
    char *kwargs; /* EXECUTE */
    char *function;
};

struct rig {
    struct node *node;
    struct now now;
    struct log log;
    struct node_config config;
    struct rig_action actions[RIG_ACTIONS_MAX];
    uint32_t count;
};

static inline void
rig_ignore_log(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    (void)host;
    (void)level;
    (void)name;
    (void)fields;
    (void)field_count;
}

static inline struct node_config
rig_config(const struct node_function *functions, uint32_t function_count)
{
    static const struct span capabilities[] = { { (const uint8_t *)"rpc", 3 } };
    return (struct node_config){
        .member = {
            .cluster_id = SPAN(RIG_CLUSTER),
            .url = SPAN(RIG_URL),
            .instance_id = SPAN("instance-1"),
            .region = SPAN("local"),
            .capabilities = { .items = capabilities, .count = 1 },
            .isolation = { .mode = ISOLATION_STRICT, .cluster_id = SPAN(RIG_CLUSTER) },
            .function_count_max = 100000,
            .call_timeout_ns = NODE_REQUEST_TIMEOUT_NS,
        },
        .functions = functions,
        .function_count = function_count,
        .request_timeout_ns = NODE_REQUEST_TIMEOUT_NS,
        .memory_max = RIG_MEMORY_MAX,
    };
}

static inline char *
rig_text(struct span span)
{
    char *text = malloc(span.size + 1);
    CHECK(text != NULL);
    if (span.size > 0) {
        memcpy(text, span.data, span.size);
    }
    text[span.size] = '\0';
    return text;
}

static inline char *
rig_parts(const struct action *action)
{
    size_t size = 0;
    for (uint32_t i = 0; i < action->part_count; i++) {
        size += action->parts[i].size;
    }
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    size_t at = 0;
    for (uint32_t i = 0; i < action->part_count; i++) {
        if (action->parts[i].size > 0) {
            memcpy(&text[at], action->parts[i].data, action->parts[i].size);
        }
        at += action->parts[i].size;
    }
    text[at] = '\0';
    return text;
}

static inline void
rig_keep(struct rig *rig, const struct action *action)
{
    CHECK(rig->count < RIG_ACTIONS_MAX);
    struct rig_action *kept = &rig->actions[rig->count++];
    *kept = (struct rig_action){
        .kind = action->kind,
        .conn = action->conn.v,
        .ticket = action->ticket,
        .worker = action->worker,
        .code = action->code,
    };
    switch (action->kind) {
    case ACTION_SEND:
        kept->text = rig_parts(action);
        break;
    case ACTION_CLOSE:
        kept->text = rig_text(action->reason);
        break;
    case ACTION_DIAL:
        kept->text = rig_text(action->address);
        break;
    case ACTION_EXECUTE:
        kept->text = rig_text(action->args);
        kept->kwargs = rig_text(action->kwargs);
        kept->function = rig_text(action->function);
        break;
    case ACTION_PAUSE:
    case ACTION_FINISHED:
        break;
    }
}

static inline void
rig_forget(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->count; i++) {
        free(rig->actions[i].text);
        free(rig->actions[i].kwargs);
        free(rig->actions[i].function);
    }
    rig->count = 0;
}

/* Do one event; the actions of the step before are forgotten. */
static inline void
rig_step(struct rig *rig, const struct event *event)
{
    rig_forget(rig);
    const struct actions *actions = node_step(rig->node, event, rig->now);
    for (uint32_t i = 0; i < actions->count; i++) {
        rig_keep(rig, &actions->list[i]);
    }
}

static inline void
rig_event(struct rig *rig, enum event_kind kind, uint64_t conn)
{
    struct event event = { .kind = kind, .conn = { conn }, .address = SPAN("10.0.0.9:5555") };
    rig_step(rig, &event);
}

static inline void
rig_message(struct rig *rig, uint64_t conn, const char *text)
{
    struct event event = {
        .kind = EVENT_MESSAGE,
        .conn = { conn },
        .bytes = span_from_text(text),
    };
    rig_step(rig, &event);
}

static inline void
rig_result(struct rig *rig, uint64_t ticket, const char *json)
{
    struct event event = {
        .kind = EVENT_RESULT,
        .ticket = ticket,
        .success = true,
        .bytes = span_from_text(json),
    };
    rig_step(rig, &event);
}

static inline void
rig_failure(struct rig *rig, uint64_t ticket, const char *type, const char *text)
{
    struct event event = {
        .kind = EVENT_RESULT,
        .ticket = ticket,
        .error_type = span_from_text(type),
        .reason = span_from_text(text),
    };
    rig_step(rig, &event);
}

/* Time goes on by this, and the engine hears of it. */
static inline void
rig_wait(struct rig *rig, uint64_t ns)
{
    rig->now.mono.ns += ns;
    rig->now.wall.ns += (int64_t)ns;
    rig_event(rig, EVENT_TICK, 0);
}

/* A started node. `rig` is large: give it static storage. */
static inline void
rig_start(struct rig *rig, const struct node_config *config)
{
    rig->count = 0;
    rig->config = *config;
    rig->now.mono.ns = 1000 * SEC_NS;
    rig->now.wall.ns = INT64_C(1790000000) * (int64_t)SEC_NS;
    rig->log = (struct log){ .level = LOG_LEVEL_DEBUG, .write = rig_ignore_log };
    rig->node = node_create(config, (struct hash_key){ 1, 2 }, 3, &rig->log);
    CHECK(rig->node != NULL);
    rig_event(rig, EVENT_START, 0);
}

/* node_free CHECKs that all memory has come back. */
static inline void
rig_stop(struct rig *rig)
{
    rig_forget(rig);
    node_free(rig->node);
    rig->node = NULL;
}

/* The first action of this kind on this connection (0: on any) in the last step, or NULL. */
static inline const struct rig_action *
rig_find(const struct rig *rig, enum action_kind kind, uint64_t conn)
{
    for (uint32_t i = 0; i < rig->count; i++) {
        if (rig->actions[i].kind == kind && (conn == 0 || rig->actions[i].conn == conn)) {
            return &rig->actions[i];
        }
    }
    return NULL;
}

static inline uint32_t
rig_count(const struct rig *rig, enum action_kind kind, uint64_t conn)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->count; i++) {
        count += rig->actions[i].kind == kind && (conn == 0 || rig->actions[i].conn == conn);
    }
    return count;
}

/* The message sent on this connection, or "": none, or more than one. */
static inline const char *
rig_sent(const struct rig *rig, uint64_t conn)
{
    const struct rig_action *found = rig_find(rig, ACTION_SEND, conn);
    return found != NULL && rig_count(rig, ACTION_SEND, conn) == 1 ? found->text : "";
}

/* A client comes and asks `cmds`, a JSON array; the answer, if there is one, is rig_sent(). */
static inline void
rig_ask(struct rig *rig, uint64_t conn, const char *cmds, const char *u)
{
    size_t size = strlen(cmds) + strlen(u) + 64;
    char *message = malloc(size);
    CHECK(message != NULL);
    (void)snprintf(message, size, "{\"role\":\"rpc\",\"cmds\":%s,\"u\":\"%s\"}", cmds, u);
    rig_message(rig, conn, message);
    free(message);
}

/* Another node comes on `conn`, shakes hands and offers one function with this tag. */
static inline void
rig_meet_tagged(
    struct rig *rig, uint64_t conn, const char *url, const char *function, const char *tag)
{
    char message[2048];
    rig_event(rig, EVENT_ACCEPTED, conn);
    (void)snprintf(message, sizeof(message),
        "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\",\"server_url\":\"%s\","
        "\"cluster_id\":\"" RIG_CLUSTER "\",\"instance_id\":\"i-%s\",\"status\":\"ok\","
        "\"active_clients\":0},\"u\":\"s1\"}",
        url, url);
    rig_message(rig, conn, message);
    (void)snprintf(message, sizeof(message),
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"%s:%s\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"%s\",\"payload\":{\"nodes\":[{\"node_id\":\"%s\","
        "\"cluster_id\":\"" RIG_CLUSTER
        "\",\"region\":\"north\",\"capabilities\":[\"rpc\"],\"ttl_seconds\":120,"
        "\"advertised_at\":%lld}],\"functions\":[{\"identity\":{\"name\":\"%s\",\"function_id\":"
        "\"%s\",\"version\":\"1.2.0\"},\"node_id\":\"%s\",\"cluster_id\":\"" RIG_CLUSTER
        "\",\"resources\":[\"gpu\"],\"tags\":[\"%s\"],\"ttl_seconds\":120,"
        "\"advertised_at\":%lld}]}}}",
        url, function, url, url, (long long)(rig->now.wall.ns / (int64_t)SEC_NS), function,
        function, url, tag, (long long)(rig->now.wall.ns / (int64_t)SEC_NS));
    rig_message(rig, conn, message);
}

static inline void
rig_meet(struct rig *rig, uint64_t conn, const char *url, const char *function)
{
    rig_meet_tagged(rig, conn, url, function, "public");
}

/* The value of the first `"key":"` in a message, in a buffer of the caller's. */
static inline const char *
rig_read(const char *message, const char *key, char *value, size_t size)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
    const char *at = message == NULL ? NULL : strstr(message, wanted);
    size_t count = 0;
    for (at = at == NULL ? "" : at + strlen(wanted); *at != '"' && *at != '\0'; at++) {
        if (count + 1 < size) {
            value[count++] = *at;
        }
    }
    value[count] = '\0';
    return value;
}

/* The far node answers the call whose request is `request`, success or not. */
static inline void
rig_respond(
    struct rig *rig, uint64_t conn, const char *url, const char *request, const char *outcome)
{
    char id[128];
    char message[4096];
    rig_read(request, "request_id", id, sizeof(id));
    (void)snprintf(message, sizeof(message),
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"%s\",\"topic\":"
        "\"mpreg.rpc.response\",\"message_type\":\"rpc\",\"payload\":{\"kind\":\"rpc-response\","
        "\"request_id\":\"%s\",%s,\"responder\":\"%s\",\"reply_to\":\"" RIG_URL
        "\",\"routing_path\":[\"" RIG_URL "\",\"%s\"]},\"headers\":{\"correlation_id\":\"%s\","
        "\"source_cluster\":\"" RIG_CLUSTER "\",\"routing_path\":[\"%s\"]}}}",
        id, id, outcome, url, url, id, url);
    rig_message(rig, conn, message);
}

/* The far node calls a function of ours. */
static inline void
rig_call(struct rig *rig, uint64_t conn, const char *url, const char *function, const char *args)
{
    char message[4096];
    (void)snprintf(message, sizeof(message),
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"q-%s\",\"topic\":"
        "\"mpreg.rpc.execute.%s\",\"message_type\":\"rpc\",\"payload\":{\"kind\":\"rpc-request\","
        "\"request_id\":\"q-%s\",\"command\":\"%s\",\"args\":%s,\"kwargs\":{},\"resources\":[],"
        "\"target_node\":\"" RIG_URL "\",\"target_cluster\":\"" RIG_CLUSTER
        "\",\"reply_to\":\"%s\"},\"headers\":{\"correlation_id\":\"q-%s\",\"source_cluster\":"
        "\"" RIG_CLUSTER "\",\"routing_path\":[\"%s\"]}}}",
        function, function, function, function, args, url, function, url);
    rig_message(rig, conn, message);
}

#endif
