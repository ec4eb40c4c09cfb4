/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_internal.h - what the files ws*.c and http*.c share. Nobody else includes it.
 *
 * A `door` is a way in or out: a listener, a dialer, or the HTTP server's listener. A `guest` is
 * our side of one libwebsockets connection (a "wsi") that came through a door; it hangs at the
 * wsi's opaque pointer and libwebsockets' callbacks go to its on_event.
 *
 * Why the guest and not the wsi's vhost says where a connection belongs: libwebsockets moves a
 * connection to another vhost by the text of its Host header, among all vhosts that do not listen
 * by themselves. So all vhosts here have the same protocol table, all names start with ':' (which
 * no Host header can match), and the plain vhost, which comes first, is the one it moves to.
 */
#ifndef HOST_WS_INTERNAL_H
#define HOST_WS_INTERNAL_H

#include <sys/socket.h>

#include <libwebsockets.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/prng.h"
#include "host/ws.h"

#define WS_PEER_SIZE ((size_t)64)
#define WS_URI_SIZE  ((size_t)512)
/* As many as connections send in one turn, for without a spare each has to grow a buffer anew. */
#define WS_SPARE_COUNT    256
#define WS_SPARE_SIZE     ((size_t)512 * 1024)
#define WS_SPARE_SIZE_SUM ((size_t)16 * 1024 * 1024)
#define WS_OWN_LOOP_MAX   8
#define WS_ADDRESSES_MAX  8

/* One receive buffer; also libwebsockets' limit on one read. Below 16384 TLS can livelock. */
#define WS_READ_SIZE ((size_t)32768)
/* The most that goes into one lws_write(), but for a frame that is larger by itself. */
#define WS_WRITE_SIZE ((size_t)256 * 1024)

enum ws_phase {
    WS_PHASE_RUNNING = 0,
    WS_PHASE_STOPPING,   /* connections say goodbye */
    WS_PHASE_LEAVING,    /* libwebsockets closes its handles */
    WS_PHASE_DESTROYING, /* it is gone; our own handles close */
    WS_PHASE_STOPPED,
};

struct ws_host {
    uv_loop_t *loop;
    struct mem *mem;
    void *owner;
    void (*on_log)(void *owner, bool is_error, const char *line);
    void (*on_stopped)(void *owner);
    enum ws_phase phase;

    struct lws_context *context;
    struct lws_vhost *plain_vhost;
    lws_retry_bo_t silence;
    uint64_t vhost_number;                     /* makes names and client contexts differ */
    uv_handle_t *lws_handles[WS_OWN_LOOP_MAX]; /* its own in our loop: gone when it has let go */
    size_t lws_handle_count;

    uv_check_t check; /* the end of a turn */
    uv_idle_t idle;   /* active while there is work for the end of this turn: no waiting then */
    uv_timer_t dial_timer;
    size_t open_handle_count; /* uv handles of ours that are not closed yet */

    struct list doors;
    struct list conns; /* opened, not yet closed */
    struct list dirty; /* conns to look at at the end of the turn */
    struct list dials;
    struct ws_guest *arriving;  /* is just being given a wsi */
    struct ws_opening *opening; /* a listener with TLS that is just being opened */
    bool doors_due;             /* look at them at the end of the turn */
    bool dials_due;
    uint64_t dial_turn;
    size_t lookup_count; /* name lookups that have not come back */

    struct prng mask_keys;
    struct buf spares[WS_SPARE_COUNT]; /* empty buffers with room, lent to conns that need one */
    size_t spare_count;
    size_t spare_size_sum;
    struct ws_counters counters;
};

/* What libwebsockets' callback for the SSL_CTX of a new vhost needs to know. */
struct ws_opening {
    struct ws_door *door;
    const struct ws_tls *tls;
    struct reason *reason;
};

struct ws_door {
    struct list link; /* host->doors */
    struct ws_host *host;
    struct lws_vhost *vhost;
    char vhost_name[32];                   /* libwebsockets borrows it */
    struct ssl_ctx_st *dialing_tls;        /* ours */
    struct ssl_ctx_st *listening_tls;      /* libwebsockets' */
    bool closed;                           /* by its owner; freed when nobody is in it */
    size_t guest_count;                    /* wsis that live */
    size_t handle_count;                   /* uv handles of the door that are not closed yet */
    void (*on_free)(struct ws_door *door); /* gives back the struct around it */
    void (*on_stop)(struct ws_door *door); /* the host stops: accept no more. NULL: nothing to do */
};

struct ws_guest {
    struct ws_door *door;
    struct lws *wsi;
    bool exists;       /* libwebsockets has a wsi for it, whose destruction it will tell */
    bool is_dialing;   /* not upgraded yet: see note_destroyed() */
    bool is_connected; /* the system has a connection */
    int (*on_event)(
        struct ws_guest *guest, enum lws_callback_reasons event, void *input, size_t size);
    void (*on_free)(struct ws_guest *guest); /* the wsi is no more */
};

/* The socket of a listening door. */
struct ws_socket {
    struct ws_door *door;
    int descriptor;
    uint16_t port;
    size_t guest_count_max;
    uv_poll_t poll;
    uv_timer_t pause; /* after accept() failed for lack of something */
    /* A guest for somebody who came from `peer`, or NULL: no memory. */
    struct ws_guest *(*on_accept)(
        struct ws_door *door, const char *peer, const struct sockaddr *address);
};

struct ws_listener {
    struct ws_door door;
    struct ws_socket socket;
    struct ws_limits limits;
    struct ws_events events;
};

struct ws_dialer {
    struct ws_door door;
    bool is_tls;
    bool any_host_name;
    struct ws_limits limits;
    struct ws_events events;
};

enum ws_dial_state {
    WS_DIAL_STARTING = 0,
    WS_DIAL_RESOLVING,
    WS_DIAL_READY,      /* to try the next address */
    WS_DIAL_CONNECTING, /* `conn` tries one */
    WS_DIAL_OVER,       /* only waits for its lookup to come back */
};

struct ws_dial {
    struct list link; /* host->dials */
    struct ws_host *host;
    struct ws_dialer *dialer;
    enum ws_dial_state state;
    struct ws_conn *conn;
    uint64_t turn;        /* in which it was advanced last */
    bool is_looking_up;   /* `lookup` is the system's */
    uint64_t deadline_ms; /* of the loop's clock */
    uint64_t timeout_ms;
    uv_getaddrinfo_t lookup;
    char addresses[WS_ADDRESSES_MAX][WS_PEER_SIZE]; /* numeric */
    size_t address_count;
    size_t address_index; /* the next to try */
    uint16_t port;
    void *user;
    struct reason reason; /* why the last try failed */
    size_t size;          /* of this, with its texts */
    const char *path;     /* behind `host_name`, in the same memory */
    char host_name[];
};

enum ws_conn_state {
    WS_CONN_ARRIVING = 0, /* not upgraded yet */
    WS_CONN_OPEN,
    WS_CONN_CLOSING, /* sends what is queued, then a close frame */
    WS_CONN_ENDING,  /* our close frame has gone, or the peer's has come */
    WS_CONN_KILLED,  /* cut off as soon as libwebsockets gets to it */
    WS_CONN_CLOSED,  /* on_closed was called, or never will */
};

struct ws_conn {
    struct ws_guest guest;
    struct list link;  /* host->conns */
    struct list dirty; /* host->dirty */
    enum ws_conn_state state;
    struct ws_dial *dial; /* waits for this; NULL once it is over */
    bool dialed;
    bool congested;
    bool cut_off;      /* libwebsockets was told to kill it */
    bool has_deadline; /* its close has begun */
    uint16_t close_code;
    char close_reason[WS_REASON_MAX + 1];
    const struct ws_limits *limits; /* the door's */
    const struct ws_events *events;
    struct buf in;       /* fragments of a message */
    struct buf out;      /* LWS_PRE bytes, then frames */
    size_t out_start;    /* what is before it was handed to libwebsockets */
    size_t in_flight;    /* handed over, but perhaps not taken by the system */
    uint64_t heard_ms;   /* when a message or pong came last */
    uint64_t vouched_ms; /* when we told libwebsockets that the peer lives */
    void *user;
    char peer[WS_PEER_SIZE];
    char peer_uri[WS_URI_SIZE];
};

/* ws.c */
extern const struct lws_protocols ws_protocols[];
void ws_host_wake(struct ws_host *host);
/* libwebsockets looks at its timers only after an event of its own: make one. */
void ws_host_kick(struct ws_host *host);
struct buf ws_host_lend(struct ws_host *host, size_t size_max);
void ws_host_take_back(struct ws_host *host, struct buf *buf);
/* The guest counts in its door from init to leave. */
void ws_guest_init(struct ws_guest *guest, struct ws_door *door);
void ws_guest_leave(struct ws_guest *guest);
void ws_address_format(const struct sockaddr *address, char out[static WS_PEER_SIZE]);

/* ws_door.c */
MUST_CHECK bool ws_door_create_plain_vhost(struct ws_host *host);
MUST_CHECK bool ws_door_open_listening(
    struct ws_door *door, const struct ws_tls *tls, struct reason *reason);
MUST_CHECK bool ws_door_renew_listening(
    struct ws_door *door, const struct ws_tls *tls, struct reason *reason);
MUST_CHECK bool ws_door_open_dialing(
    struct ws_door *door, const struct ws_tls *tls, struct reason *reason);
/* libwebsockets has made an SSL_CTX for a listener: fill it. */
MUST_CHECK bool ws_door_configure_tls(struct ws_host *host, void *context);
void ws_door_close(struct ws_door *door);
void ws_door_handle_closed(struct ws_door *door);
/* Free the doors that are closed and empty. */
void ws_door_sweep(struct ws_host *host);

/* ws_listen.c */
MUST_CHECK bool ws_socket_open(
    struct ws_socket *socket, const char *address, uint16_t port, struct reason *reason);
void ws_socket_close(struct ws_socket *listening);
void ws_limits_fill(struct ws_limits *limits);

/* ws_conn.c */
MUST_CHECK struct ws_conn *ws_conn_create(struct ws_door *door, const struct ws_limits *limits,
    const struct ws_events *events, const char *peer);
void ws_conn_touch(struct ws_conn *conn);
/* The end of a turn. */
void ws_conn_settle(struct ws_conn *conn);
/* Cut it off: on_closed gets this code and reason. */
void ws_conn_kill(struct ws_conn *conn, uint16_t code, const char *format, ...) PRINTF(3);
/* Its dial is over before it opened. */
void ws_conn_give_up(struct ws_conn *conn);

/* ws_send.c */
/* Hand to libwebsockets what it takes. true: nothing is left, here or there. */
bool ws_queue_flush(struct ws_conn *conn);
void ws_queue_drop(struct ws_conn *conn);
/* Queue a close frame with the conn's code and reason. false: no memory. */
MUST_CHECK bool ws_queue_close_frame(struct ws_conn *conn);

/* ws_dial.c */
void ws_dial_advance(struct ws_host *host);
void ws_dial_succeed(struct ws_dial *dial);
/* The address that was tried failed; `why` is empty or libwebsockets' word for it. */
void ws_dial_fail(struct ws_dial *dial, struct span why);
MUST_CHECK bool ws_dial_accept_server(struct ws_dial *dial, struct ssl_st *ssl);

#endif
