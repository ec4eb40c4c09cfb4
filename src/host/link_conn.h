/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_conn.h - one connection of the link transport, from the inside: for link*.c only.
 *
 * A connection does its work in three places. When bytes arrive, link_read.c decrypts and delivers, but
 * no more at a time than LINK_READ_SIZE and LINK_TURN_NS allow, and no frame that can wait. What is left over is gone
 * on with before the loop polls, when what the others had to send is on its way: a little of the host's `waiting`
 * list in any case, and of its `patient` list while nobody wants anything, so whoever floods us waits longest.
 * Everything that leaves, and every callback that is not about arrived bytes, waits for link_conn_turn(), which the
 * host calls for each connection on its `dirty` list before and after the loop polls. So what many sends
 * queue in one turn goes out as few records and one write, and no callback comes from inside a call of
 * the user's.
 *
 * Lifetime: `pins` counts what the loop still holds of it (timer, sockets, a lookup, which may
 * outlast its use by the resolver's patience). It is freed when it is GONE, reported and unpinned.
 */
#ifndef HOST_LINK_CONN_H
#define HOST_LINK_CONN_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/token_bucket.h"
#include "host/link.h"
#include "host/yield.h"

#define LINK_ADDRESS_SIZE   ((size_t)64)
#define LINK_HOST_NAME_SIZE ((size_t)256)
/* Of a name: those behind are not tried. */
#define LINK_DIAL_ADDRESSES_MAX 16
/* What one turn reads of one connection at most; the buffer is shared by all of them. */
#define LINK_READ_SIZE ((size_t)64 * 1024)
/* What is encrypted for one connection before others get their turn. */
#define LINK_WRITE_SIZE ((size_t)256 * 1024)
/* The most plaintext in one TLS record. */
#define LINK_RECORD_SIZE ((size_t)16 * 1024)
/* Ciphertext of two LINK_WRITE_SIZE, and what TLS itself says while a write is under way. */
#define LINK_WIRE_SIZE_MAX (2 * LINK_WRITE_SIZE + (size_t)64 * 1024)
/* A buffer that grew beyond this gives its memory back when it is empty. */
#define LINK_ROOM_KEPT_MAX ((size_t)512 * 1024)

/* Flags of the transport's own frame, see link.h. */
#define LINK_FLAGS_READY   0
#define LINK_FLAGS_REFUSED 1

enum link_conn_state {
    LINK_CONN_RESOLVING = 0,
    LINK_CONN_CONNECTING,
    LINK_CONN_HANDSHAKING, /* TLS */
    LINK_CONN_ADMITTING,   /* READY is sent, the peer's has not come */
    LINK_CONN_OPEN,
    LINK_CONN_CLOSING, /* what is queued leaves; what comes is thrown away, up to the peer's end */
    LINK_CONN_GONE,    /* handles are closed or closing */
};

struct link_host {
    uv_loop_t *loop;
    struct mem *mem;
    struct tls_context *tls;
    struct link_config config; /* without zeros */
    struct link_callbacks callbacks;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t keep_going; /* active while something is left for the next turn: no waiting in poll */
    size_t open_handles;  /* of the three above */
    uint64_t turn;        /* counts how often the loop has polled */
    BIO_METHOD *bio_method;
    uint8_t *read_buffer;
    struct list listeners;
    struct list conns;
    struct list dirty;
    struct list waiting;    /* connections of which something that has arrived is left over */
    struct list patient;    /* and it is a frame that can wait: link_config.patient_frames */
    uint64_t patience_ns;   /* of yield_may_begin() */
    size_t handshake_count; /* accepted connections that are not open yet */
    uint64_t handshakes[LINK_HANDSHAKE_COUNT];
    bool stopping;
    bool stopped;
};

struct link_listener {
    struct link_host *host;
    struct list link; /* in host->listeners */
    uv_tcp_t tcp;
    uint16_t port;
    size_t pins; /* what the loop holds: tcp, unwanted */
    struct token_bucket handshakes;
    uv_tcp_t unwanted; /* the connection that is turned away */
    enum link_handshake why;
    bool turning_away; /* `unwanted` is in use */
    bool one_waits;    /* uv has announced another meanwhile */
};

/* A dial has one for each address that it tries, until one of them is connected. */
struct link_socket {
    struct link_conn *conn;
    struct list racing; /* in conn->racing while it connects */
    struct instant give_up_at;
    char address[LINK_ADDRESS_SIZE];
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
};

struct link_conn {
    struct link_host *host;
    struct list link;    /* in host->conns, always */
    struct list dirty;   /* in host->dirty when there is work for link_conn_turn() */
    struct list waiting; /* in host->waiting or host->patient when something is left over */
    enum link_conn_state state;
    bool dialed;
    bool counted;   /* in host->handshake_count */
    bool was_open;  /* on_opened was called */
    bool congested; /* as told by on_congested */
    bool writing;   /* uv_write() has not ended yet */
    bool broken;    /* TLS has failed: nothing more may be asked of it */
    bool goodbye;   /* close_notify is in `wire` or sent */
    bool finished;  /* the end of the stream is sent */
    bool reported;  /* on_refused, on_rejected or on_closed was called */
    bool paused;  /* link_pause(): nothing is read and nothing delivered until the timer says so */
    bool waits;   /* something that has arrived is left over, or may be */
    bool patient; /* it begins with a frame that can wait */
    bool at_leisure;     /* such frames are heard, too */
    uint64_t turn;       /* the host's, in which something was read last */
    struct yield *yield; /* of the step that is under way */
    size_t pins;
    void *user;
    size_t frame_size_max;   /* of what comes; <= host->config.frame_size_max */
    struct reason reason;    /* why it ends */
    uint64_t retry_after_ns; /* the peer that refuses a dial asks for this pause */

    struct link_socket *socket; /* the one in use */
    uv_timer_t timer;
    char address[LINK_ADDRESS_SIZE]; /* of the peer */

    /* A dial's own. */
    char host_name[LINK_HOST_NAME_SIZE];
    uint16_t port;
    char expected[TLS_IDENTITY_NAME_MAX + 1]; /* federation; empty: any */
    uint64_t connect_timeout_ns;
    uint64_t handshake_timeout_ns;
    uv_getaddrinfo_t lookup;
    struct addrinfo *addresses;
    const struct addrinfo *order[LINK_DIAL_ADDRESSES_MAX];
    size_t order_count;
    size_t order_next;
    struct instant next_at; /* when the next attempt begins, if there are more addresses */
    struct list racing;     /* sockets that connect */

    struct tls_context *tls;
    SSL *ssl;
    struct tls_identity identity;
    struct wall peer_expiry;
    struct span arriving; /* ciphertext that TLS has not taken yet; during a turn only */
    struct buf later;     /* the same, between two turns */
    struct buf in;        /* plaintext: less than one frame and one record between two turns */
    struct buf out;       /* plaintext to send */
    size_t out_used;      /* bytes of `out` that are encrypted */
    struct buf wire;      /* ciphertext to send; TLS writes here at any time */
    struct buf flying;    /* ciphertext that uv_write() is reading */
    size_t flying_used;   /* bytes of `flying` that were sent before uv_write() got it */
    struct link_stats stats;
};

/* A connection without socket, in LINK_CONN_RESOLVING. NULL: no memory. */
MUST_CHECK struct link_conn *link_conn_create(struct link_host *host, bool dialed);

/* A new socket of the connection, which is not yet the one in use. NULL: no memory. */
MUST_CHECK struct link_socket *link_socket_open(struct link_conn *conn);
void link_socket_close(struct link_socket *socket);

/* The socket is connected: begin to shake hands. */
void link_conn_start(struct link_conn *conn);

/* Something to do at the next turn. */
void link_conn_touch(struct link_conn *conn);
void link_conn_turn(struct link_conn *conn);

void link_conn_arm(struct link_conn *conn, uint64_t delay_ns);

/*
 * Five ways to an end. The first reason stays; what ends already goes on ending.
 * end: what is queued leaves first, then the goodbye. fail: the peer is at fault, only what TLS has to
 * say (an alert, the goodbye, our own verdict) leaves. fail_tls: likewise, for the reason that
 * OpenSSL gives. drop: nothing leaves, also when it was ending. go: drop for the reason there is.
 */
void link_conn_end(struct link_conn *conn, const char *reason);
void link_conn_fail(struct link_conn *conn, const char *reason);
void link_conn_fail_tls(struct link_conn *conn);
void link_conn_drop(struct link_conn *conn, const char *reason);
void link_conn_go(struct link_conn *conn);

/* It is open, or gone: it no longer counts as a handshake. */
void link_conn_leave_handshake(struct link_conn *conn);

/* Unpin; frees it when it was the last and all is told. */
void link_conn_unpin(struct link_conn *conn);

/* Bytes that wait to be sent. */
size_t link_conn_queued(const struct link_conn *conn);

static inline void
link_conn_slim(struct buf *buf)
{
    if (buf->size == 0 && buf->room > LINK_ROOM_KEPT_MAX) {
        buf_destroy(buf);
    }
}

/* link_write.c: send what can be sent now; and the transport's own frame, encrypted at once, so that
 * failing right afterwards does not lose it. */
void link_write_turn(struct link_conn *conn);
void link_write_own(struct link_conn *conn, uint8_t flags, struct span payload);

/* link_read.c: begin to read, also after a pause (0, or what uv says); take the first step of the
 * handshake; go on with what was left over; the pause is over. */
MUST_CHECK int link_read_start(struct link_conn *conn);
void link_read_step(struct link_conn *conn, struct yield *yield);
void link_read_rest(struct link_conn *conn, bool at_leisure, struct yield *yield);
void link_read_resume(struct link_conn *conn);

/* link_dial.c: start; what the timer means to a dial that has no connection yet; close what races. */
void link_dial_begin(struct link_conn *conn);
void link_dial_late(struct link_conn *conn);
void link_dial_stop(struct link_conn *conn);
/* The order in which a resolver's addresses are tried, families in turns. How many they are. */
size_t link_dial_order(
    const struct addrinfo *found, const struct addrinfo *order[LINK_DIAL_ADDRESSES_MAX]);

/* link.c: a connection or listener was freed; the host may be at its end. */
void link_host_settle(struct link_host *host);

/* "192.0.2.7:41234"; "?" for what is neither IPv4 nor IPv6. */
void link_address_show(const struct sockaddr *address, char text[LINK_ADDRESS_SIZE]);

/* How OpenSSL reads conn->arriving and writes conn->wire. NULL: no memory. */
MUST_CHECK BIO_METHOD *link_bio_create_method(void);

#endif
