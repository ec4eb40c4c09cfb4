/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws.h - WebSocket listeners and dialers on a libuv loop that belongs to somebody else.
 *
 * One `struct ws_host` is one loop's door to libwebsockets: ws_listen() opens a listener,
 * ws_dialer_open() prepares dialing under one set of limits and certificates, ws_dial() dials.
 * Both kinds of connection are a `struct ws_conn` and speak to their owner through the same
 * `struct ws_events`. How the bytes go: ws_send.c; what arrives: ws_conn.c.
 *
 * Order of calls: on_opened comes first and on_closed last, each exactly once; nothing is called
 * from inside a function of this header, only from the loop. In a callback every function may be
 * called. Everything here belongs to the loop's thread.
 *
 * What was sent during one turn of the loop goes out in that turn, with one write a connection,
 * whoever sent it: a timer, a worker's pipe, another connection's message.
 */
#ifndef HOST_WS_H
#define HOST_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/instant.h"
#include "base/mem.h"
#include "base/span.h"
#include "host/reason.h"

/* The longest reason that a close frame carries (RFC 6455 5.5: 125 less the code). */
#define WS_REASON_MAX ((size_t)123)

#define WS_MESSAGE_SIZE_MAX_DEFAULT     ((size_t)20 * 1024 * 1024)
#define WS_SEND_QUEUE_MAX_DEFAULT       ((size_t)64 * 1024 * 1024)
#define WS_CONGESTED_ABOVE_DEFAULT      ((size_t)4 * 1024 * 1024)
#define WS_CONNECTION_COUNT_MAX_DEFAULT ((size_t)10000)
#define WS_PING_AFTER_NS_DEFAULT        (20 * SEC_NS)
#define WS_PONG_WITHIN_NS_DEFAULT       (20 * SEC_NS)
#define WS_CLOSE_WITHIN_NS              (5 * SEC_NS)

/* Codes of RFC 6455 7.4.1 that are used here. 1005 and 1006 never travel. */
#define WS_CODE_NORMAL     1000
#define WS_CODE_GOING_AWAY 1001
#define WS_CODE_PROTOCOL   1002
#define WS_CODE_NONE       1005 /* the peer closed without a code */
#define WS_CODE_LOST       1006 /* the connection ended without a close frame */
#define WS_CODE_POLICY     1008
#define WS_CODE_TOO_BIG    1009
#define WS_CODE_INTERNAL   1011

struct ws_host;
struct ws_listener;
struct ws_dialer;
struct ws_dial;
struct ws_conn;

struct ws_events {
    void *owner; /* handed back in each call */

    /* `conn` may be used from here on until on_closed returns. */
    void (*on_opened)(void *owner, struct ws_conn *conn);
    /* Dialers only: this dial is over. `reason` says what happened and with whom. */
    void (*on_refused)(void *owner, void *user, const char *reason);
    /* One whole message, text or binary; it borrows and dies with the call. */
    void (*on_message)(void *owner, struct ws_conn *conn, struct span message);
    /* Optional. The queue rose above congested_above, or sank below half of it. */
    void (*on_congested)(void *owner, struct ws_conn *conn, bool congested);
    /*
     * Who ended it says `code`: what ws_close() was given, or what the peer sent, or one of
     * WS_CODE_LOST and WS_CODE_POLICY ("slow reader"). The reason may be any bytes that the peer
     * sent.
     */
    void (*on_closed)(void *owner, struct ws_conn *conn, uint16_t code, const char *reason);
};

/* Zero takes the default. */
struct ws_limits {
    size_t message_size_max; /* a larger message closes the connection with 1009 */
    size_t send_queue_max;   /* bytes not yet taken by the system; above: "slow reader", closed */
    size_t congested_above;  /* bytes; see on_congested */
    size_t connection_count_max; /* a listener's; further ones are closed as they come */
};

/* TLS 1.3 only. The files are PEM and are read when the listener or dialer opens. */
struct ws_tls {
    const char *cert_file; /* a listener needs it and key_file */
    const char *key_file;  /* a dialer has both or none */
    const char *ca_file;   /* whom the other side's certificate must come from; a dialer needs it */
    bool require_client_cert; /* listener: refuse who has none from ca_file */
    bool any_host_name; /* dialer: the caller judges ws_conn_peer_uri(); names are not compared */
};

/* Zero takes the default. */
struct ws_host_config {
    uv_loop_t *loop;
    struct mem *mem;         /* what connections and queues are counted in */
    size_t socket_max;       /* the largest socket number; 65536, or what the process may open */
    uint64_t ping_after_ns;  /* of silence; whole seconds */
    uint64_t pong_within_ns; /* of further silence; then the connection is lost; whole seconds */
    void *owner;
    /* Optional: a warning or an error of libwebsockets itself. There is one sink in a process. */
    void (*on_log)(void *owner, bool is_error, const char *line);
    /* Optional: after ws_host_stop(), nothing is left on the loop, ws_host_free() may be called. */
    void (*on_stopped)(void *owner);
};

struct ws_listen_config {
    const char *address;      /* numeric, v4 or v6; "::" takes v4 too */
    uint16_t port;            /* 0: the system chooses, see ws_listener_port() */
    const struct ws_tls *tls; /* NULL: plain */
    struct ws_limits limits;
    struct ws_events events;
};

struct ws_dialer_config {
    const struct ws_tls *tls; /* NULL: plain */
    struct ws_limits limits;
    struct ws_events events;
};

/* The texts are copied. */
struct ws_dial_config {
    const char *host; /* a name or a numeric address, v6 without brackets */
    uint16_t port;
    const char *path;    /* NULL: "/" */
    uint64_t timeout_ns; /* for all of it: name, connection, TLS, upgrade. 0: 8 s */
    void *user;          /* for on_refused, and the connection's first ws_conn_user() */
};

/* What passed since the host was created. */
struct ws_counters {
    uint64_t messages_received;
    uint64_t messages_sent;
    uint64_t bytes_received;          /* payloads of whole messages */
    uint64_t bytes_sent;              /* frames, as handed to the system */
    uint64_t writes;                  /* messages_sent / writes is what batching wins */
    uint64_t connections_turned_away; /* at the door: too many, or no memory */
};

/* NULL: *reason says why. */
MUST_CHECK struct ws_host *ws_host_create(
    const struct ws_host_config *config, struct reason *reason);

/*
 * Close the listeners, refuse the dials, close the connections with 1001, then let go of the loop:
 * on_refused, on_closed and at last on_stopped follow from the loop. The handles of listeners die
 * at once, those of dialers with on_stopped: a dial made until then is refused. A second call has
 * no effect.
 */
void ws_host_stop(struct ws_host *host);

/* After on_stopped only (CHECK). NULL is allowed. */
void ws_host_free(struct ws_host *host);

const struct ws_counters *ws_host_counters(const struct ws_host *host);

/*
 * Listen. The port is bound and open when this returns, and nobody else can bind it.
 *
 * NULL: *reason says what is wrong and what to do, as in "127.0.0.1:9101: address already in use:
 * stop the program that listens there or choose another port".
 */
MUST_CHECK struct ws_listener *ws_listen(
    struct ws_host *host, const struct ws_listen_config *config, struct reason *reason);

/* The port that is really bound. */
uint16_t ws_listener_port(const struct ws_listener *listener);

/*
 * Use these files for connections from now on; `tls` may not change whether client certificates are
 * asked for or required. A listener with TLS only (CHECK).
 *
 * false: *reason says which file is wrong and how; nothing has changed.
 */
MUST_CHECK bool ws_listener_renew(
    struct ws_listener *listener, const struct ws_tls *tls, struct reason *reason);

/* Accept no more; the port is free at once. Connections live on. The handle dies. */
void ws_listener_close(struct ws_listener *listener);

/* NULL: *reason says which file is wrong and how. */
MUST_CHECK struct ws_dialer *ws_dialer_open(
    struct ws_host *host, const struct ws_dialer_config *config, struct reason *reason);

/* Its dials are cancelled; its connections live on. The handle dies. */
void ws_dialer_close(struct ws_dialer *dialer);

/*
 * Dial the addresses of the name one after the other, until one opens or the time is over. Ends
 * with on_opened or on_refused; until then the handle is good for ws_dial_cancel(). NULL: no
 * memory, no call follows.
 */
MUST_CHECK struct ws_dial *ws_dial(struct ws_dialer *dialer, const struct ws_dial_config *config);

/* No call follows. The handle dies. */
void ws_dial_cancel(struct ws_dial *dial);

/*
 * Queue one binary message, the parts in a row. They are copied: nothing is borrowed. Ignored once
 * the connection is closing. When the queue gets too long or memory ends, the connection closes.
 */
void ws_send(struct ws_conn *conn, const struct span *parts, size_t part_count);

/*
 * What was sent before goes out first, then a close frame; a peer that does not take all that
 * within WS_CLOSE_WITHIN_NS is cut off. No on_message comes any more; on_closed comes with this
 * code and reason (cut to WS_REASON_MAX). The first close wins.
 */
void ws_close(struct ws_conn *conn, uint16_t code, const char *reason);

/* Bytes sent but not yet taken by the system; an upper bound. */
size_t ws_conn_queued(const struct ws_conn *conn);

void *ws_conn_user(const struct ws_conn *conn);
void ws_conn_set_user(struct ws_conn *conn, void *user);

/* true: we dialed it. */
bool ws_conn_is_dialed(const struct ws_conn *conn);

/* "192.0.2.1:40312" or "[2001:db8::1]:40312". Lives as long as the connection. */
const char *ws_conn_peer(const struct ws_conn *conn);

/* The first URI among the subject alternative names of the peer's certificate; "" without one. */
const char *ws_conn_peer_uri(const struct ws_conn *conn);

#endif
