/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_actions.c - what the engine asks for: send, close, dial, execute.
 *
 * The transports copy what they send and never call back from inside, so an action needs no care for
 * what comes of it.
 */
#include "host/runtime_state.h"

#include <stdio.h>
#include <string.h>

static void
refuse_later(struct runtime *runtime, struct runtime_dial *dial)
{
    list_remove(&dial->link);
    list_push(&runtime->refused, &dial->link);
}

/* ws://host:port/ -> host, port; [v6] without its brackets. */
static bool
split_address(struct span address, char *host, size_t host_room, uint16_t *port)
{
    size_t colon = address.size;
    while (colon > 0 && address.data[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2) {
        return false;
    }
    struct span name = span_part(address, 0, colon - 1);
    if (name.size >= 2 && name.data[0] == '[' && name.data[name.size - 1] == ']') {
        name = span_part(name, 1, name.size - 2);
    }
    uint32_t value = 0;
    for (size_t at = colon; at < address.size; at++) {
        uint8_t digit = (uint8_t)(address.data[at] - '0');
        if (address.data[at] == '/' && at + 1 == address.size) {
            break;
        }
        if (digit > 9 || value > UINT16_MAX) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (value == 0 || value > UINT16_MAX || name.size == 0 || name.size >= host_room) {
        return false;
    }
    memcpy(host, name.data, name.size);
    host[name.size] = '\0';
    *port = (uint16_t)value;
    return true;
}

static bool
dial_cluster(struct runtime *runtime, struct runtime_dial *dial, const struct action *action)
{
    bool secure = span_starts_with(action->address, SPAN("wss://"));
    bool plain = span_starts_with(action->address, SPAN("ws://"));
    struct ws_dialer *dialer = secure ? runtime->tls_dialer : runtime->dialer;
    char host[256];
    uint16_t port;
    if ((!secure && !plain) || dialer == NULL ||
        !split_address(span_after(action->address, secure ? 6 : 5), host, sizeof(host), &port)) {
        return false;
    }
    struct ws_dial_config config = {
        .host = host,
        .port = port,
        .timeout_ns = action->timeout_ns,
        .user = dial,
    };
    return ws_dial(dialer, &config) != NULL;
}

static bool
dial_link(struct runtime *runtime, struct runtime_dial *dial, const struct action *action)
{
    char host[256];
    uint16_t port;
    if (runtime->links == NULL || !split_address(action->address, host, sizeof(host), &port)) {
        return false;
    }
    struct link_target target = {
        .host = host,
        .port = port,
        .connect_timeout_ns = action->timeout_ns,
        .user = dial,
    };
    return link_dial(runtime->links, &target) != NULL;
}

static void
perform_dial(struct runtime *runtime, const struct action *action)
{
    struct runtime_dial *dial = mem_take(runtime->config.mem, sizeof(*dial));
    if (dial == NULL) {
        LOG_ERROR(runtime->config.log, "dial.no_memory", LOG_SPAN("address", action->address));
        return;
    }
    dial->ticket = action->ticket;
    dial->port = action->port;
    list_push(&runtime->dials, &dial->link);
    bool begun = action->port == PORT_LINK ? dial_link(runtime, dial, action)
                                           : dial_cluster(runtime, dial, action);
    if (!begun) {
        refuse_later(runtime, dial);
    }
}

static void
perform_send(struct runtime *runtime, const struct action *action)
{
    struct runtime_conn *conn = runtime_conns_find(&runtime->conns, action->conn);
    if (conn == NULL) {
        return;
    }
    if (conn->port == PORT_CLUSTER) {
        ws_send(conn->ws, action->parts, action->part_count);
    } else {
        link_send(conn->link, action->parts, action->part_count);
    }
}

static void
perform_close(struct runtime *runtime, const struct action *action)
{
    struct runtime_conn *conn = runtime_conns_find(&runtime->conns, action->conn);
    char reason[WS_REASON_MAX + 1];
    if (conn == NULL) {
        return;
    }
    snprintf(reason, sizeof(reason), "%.*s", SPAN_ARGS(action->reason));
    if (conn->port == PORT_CLUSTER) {
        ws_close(conn->ws, action->code, reason);
    } else {
        link_close(conn->link, reason);
    }
}

static void
perform_pause(struct runtime *runtime, const struct action *action)
{
    const struct runtime_conn *conn = runtime_conns_find(&runtime->conns, action->conn);
    if (conn != NULL) {
        CHECK(conn->port == PORT_LINK);
        link_pause(conn->link, action->timeout_ns);
    }
}

void
runtime_perform(struct runtime *runtime, const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->count; i++) {
        const struct action *action = &actions->list[i];
        switch (action->kind) {
        case ACTION_SEND:
            perform_send(runtime, action);
            break;
        case ACTION_CLOSE:
            perform_close(runtime, action);
            break;
        case ACTION_PAUSE:
            perform_pause(runtime, action);
            break;
        case ACTION_DIAL:
            perform_dial(runtime, action);
            break;
        case ACTION_EXECUTE:
            CHECK(action->worker < runtime->config.worker_count);
            worker_call(runtime->workers[action->worker], action->ticket, action->function,
                action->args, action->kwargs);
            break;
        case ACTION_FINISHED:
            runtime_shut_down(runtime);
            break;
        }
    }
}
