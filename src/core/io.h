/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - how engines meet the world: one event in, a list of actions out.
 *
 * The node's and the bridge's engine are pure. A host (src/host on libuv, or the simulator) gives them one event at a
 * time with the time it happened, performs the actions in order, and calls again by the engine's deadline with
 * EVENT_TICK. Everything an action points to lives until the next step of the same engine: the host copies what it sends,
 * once, into its own frame buffer.
 *
 * Connections are named by the host (struct conn_id), also dialed ones: ACTION_DIAL carries the engine's ticket and is
 * answered by exactly one EVENT_OPENED or EVENT_REFUSED with that ticket. For each connection that was ACCEPTED or OPENED
 * exactly one EVENT_CLOSED comes, also after ACTION_CLOSE; no MESSAGE follows it.
 */
#ifndef CORE_IO_H
#define CORE_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/instant.h"
#include "base/span.h"

/* The low 32 bits are a small slot number that is used again, the high 32 a generation; 0 is no connection. */
struct conn_id {
    uint64_t v;
};

static inline uint32_t
conn_slot(struct conn_id conn)
{
    return (uint32_t)conn.v;
}

static inline bool
conn_equal(struct conn_id a, struct conn_id b)
{
    return a.v == b.v;
}

#define CONN_NONE ((struct conn_id){ .v = 0 })

/* What speaks on a connection. */
enum port_kind {
    PORT_CLUSTER = 0, /* MPREG: WebSocket messages, each a JSON document */
    PORT_LINK,        /* bridge to bridge: frames of docs/link-protocol.md */
};

enum event_kind {
    EVENT_START = 0, /* first of all */
    EVENT_TICK,      /* the engine's deadline has come */
    EVENT_ACCEPTED,  /* conn, port, address; on PORT_LINK also identity */
    EVENT_OPENED,    /* conn, port, ticket, address; on PORT_LINK also identity */
    EVENT_REFUSED,   /* port, ticket, reason, retry_after_ns: the dial failed */
    EVENT_MESSAGE,   /* conn, port, bytes: one whole message */
    EVENT_CLOSED,    /* conn, port, reason */
    EVENT_CONGESTED, /* conn, port: much is queued; the engine should hold back what can wait */
    EVENT_DRAINED,   /* conn, port: little is queued again */
    EVENT_RESULT, /* ticket of ACTION_EXECUTE, success; bytes: result JSON, or error_type and reason */
    EVENT_STOP, /* say goodbye, finish calls, then ACTION_FINISHED */
};

/* Who the far end of a link proved to be, by its certificate. */
struct link_identity {
    struct span federation;
    struct span bridge;
};

struct event {
    enum event_kind kind;
    enum port_kind port;
    struct conn_id conn;
    uint64_t ticket;
    struct span bytes;
    struct span reason; /* for people: why it closed or was refused */
    struct span
        error_type;      /* EVENT_RESULT without success: the kind of failure, such as ValueError */
    struct span address; /* the far end's network address, for logs */
    struct link_identity identity;
    bool success;            /* EVENT_RESULT */
    uint64_t retry_after_ns; /* EVENT_REFUSED: the far side asks for this pause; 0: for none */
};

enum action_kind {
    ACTION_SEND =
        0, /* conn, parts: one message. Unknown or closing connections: dropped by the host */
    ACTION_CLOSE, /* conn, code (WebSocket close code), reason; what was sent before is delivered first */
    ACTION_PAUSE, /* conn of PORT_LINK, timeout_ns: no MESSAGE comes from it for so long; what waits comes then */
    ACTION_DIAL, /* ticket, port, address, timeout_ns */
    ACTION_EXECUTE, /* ticket, worker, function, args, kwargs: run an exec function; answered by EVENT_RESULT */
    ACTION_FINISHED, /* after EVENT_STOP: nothing is left to do */
};

struct action {
    enum action_kind kind;
    enum port_kind port;
    struct conn_id conn;
    const struct span *parts; /* ACTION_SEND: the message is their concatenation */
    uint32_t part_count;
    uint16_t code;
    uint32_t worker; /* ACTION_EXECUTE: index of the worker in the configuration */
    uint64_t ticket;
    uint64_t timeout_ns;
    struct span address; /* ACTION_DIAL: ws://host:port, wss://host:port, or host:port for a link */
    struct span reason;
    struct span function;
    struct span args;   /* a JSON array */
    struct span kwargs; /* a JSON object */
};

/* The actions of one step. Memory comes from the engine's arena and dies with its reset at the next step. */
struct actions {
    struct arena *arena;
    struct action *list;
    uint32_t count;
    uint32_t room;
    uint64_t lost; /* actions that memory did not allow; the engine counts and logs them */
};

/* Start an empty list in `arena`, which the caller has reset. */
void actions_begin(struct actions *actions, struct arena *arena);

/* Append a zeroed action of this kind. NULL: no memory (counted in `lost`). */
struct action *actions_add(struct actions *actions, enum action_kind kind);

/* One message that is already whole: `bytes` is borrowed until the next step. */
void actions_send(struct actions *actions, struct conn_id conn, struct span bytes);

/* One message from parts: the list of parts is copied, what they point to is borrowed until the next step. */
void actions_send_parts(
    struct actions *actions, struct conn_id conn, const struct span *parts, uint32_t part_count);

/* `reason` is copied. */
void actions_close(struct actions *actions, struct conn_id conn, uint16_t code, struct span reason);

#endif
