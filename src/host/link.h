/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - the transport of the links between bridges: whole frames over TLS 1.3 on one uv loop.
 *
 * It dials and accepts, shakes hands, learns from the certificate who the peer is, cuts the stream
 * into frames (link_piece.h), sends many frames in one TLS record, and bounds everything a peer can
 * make us keep. What frames mean is the bridge's business, but for one type:
 *
 *   Type 0 is the transport's own. In TLS 1.3 a dialer has finished its handshake before the
 *   acceptor has judged the dialer's certificate. So after its own handshake, once it accepts the
 *   peer's identity, each side sends one frame of type 0, flags 0, without payload: READY. A side
 *   that does not accept sends type 0, flags 1 with a text that says why (REFUSED, at most
 *   LINK_REFUSAL_MAX bytes of UTF-8) and closes. A link is open when READY has been sent and
 *   received; the dialer's goes out with the end of its handshake, so this costs no round trip.
 *   Nothing else may come before READY, and nothing of type 0 after it.
 *
 * States of a connection:
 *   dialed:   resolving -> connecting -> handshaking -> admitting -> open -> closing -> gone
 *   accepted:                            handshaking -> admitting -> open -> closing -> gone
 * Any state goes to closing (bytes and the alert still leave, within close_timeout_ns) or, when the
 * peer does not take them, to gone at once. One of three callbacks ends each connection, exactly
 * once: on_refused (dialed, never open), on_rejected (accepted, never open), on_closed (was open).
 *
 * Callbacks come from the loop only, never from inside a function of this header. In a callback
 * every function may be called, save link_host_free() (allowed in on_stopped).
 *
 * The door. A handshake costs a signature and some certificates, so a listener lets in so many a second, and a
 * few at once after a pause; likewise so many that are under way. Whoever comes beyond that is reset at once, which costs
 * nothing to speak of. It gets no word of when to come back: before the handshake there is no way to say
 * it, a plain answer to a TLS ClientHello would be an alert without a number, and whoever cannot prove who it is need not
 * be advised. A dialer of ours takes it for a failed dial and comes again after a random pause that grows
 * (bridge/link_retry.h). Who has proved its identity and is refused for it, is told (link_refusal.h), as is whom
 * the engine refuses later (ERROR): `retry_after`, so that it does not cost us a handshake every few seconds.
 * The limit is a listener's, not a peer's: addresses are cheap, and names are known only after the handshake.
 *
 * The process must ignore SIGPIPE: uv writes to sockets that the peer may have closed.
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/mem.h"
#include "base/span.h"
#include "host/link_piece.h"
#include "host/link_refusal.h"
#include "host/reason.h"
#include "host/tls.h"
#include "host/value.h"

#define LINK_FRAME_TYPE_TRANSPORT 0

#define LINK_FRAME_SIZE_MAX_DEFAULT       ((size_t)16 * 1024 * 1024)
#define LINK_SEND_QUEUE_MAX_DEFAULT       ((size_t)64 * 1024 * 1024)
#define LINK_CONNECT_TIMEOUT_NS_DEFAULT   (5 * SEC_NS)
#define LINK_HANDSHAKE_TIMEOUT_NS_DEFAULT (5 * SEC_NS)
#define LINK_CLOSE_TIMEOUT_NS_DEFAULT     (2 * SEC_NS)
#define LINK_HANDSHAKES_MAX_DEFAULT       ((size_t)128)
#define LINK_HANDSHAKE_RATE_DEFAULT       100 /* a second */
#define LINK_HANDSHAKE_BURST_DEFAULT      200

/* What whom we refuse for its certificate is asked to wait. */
#define LINK_REFUSAL_PAUSE_NS (30 * SEC_NS)

/*
 * So long a connection's frames may keep us busy at a time. What is left over waits for the end of the turn, where
 * all such connections take turns. One frame is always delivered whole.
 */
#define LINK_TURN_NS (50 * US_NS)

struct uv_loop_s;
struct link_host;
struct link_listener;
struct link_conn;

/* Who is at the other end. Borrowed from the connection. */
struct link_peer {
    struct span federation;
    struct span bridge;
    const char *address; /* "192.0.2.7:41234", "[2001:db8::7]:9443" */
    struct wall certificate_expiry;
    bool dialed; /* by us */
};

struct link_callbacks {
    void *owner;

    /* Both sides accept each other. A dialed connection has its target's user; an accepted one NULL. */
    void (*on_opened)(void *owner, struct link_conn *conn, const struct link_peer *peer);

    /*
     * A dial has failed. The peer asks for a pause of at least retry_after_ns; 0: it does not. The handle that
     * link_dial() gave dies with this call.
     */
    void (*on_refused)(void *owner, void *user, const char *reason, uint64_t retry_after_ns);

    /* Somebody came and was not let in, or turned away at the door: for the log. */
    void (*on_rejected)(void *owner, const char *address, const char *reason);

    /* One whole frame, header included, type not 0. It dies when the call returns. */
    void (*on_frame)(void *owner, struct link_conn *conn, struct span frame);

    /* true: more than congested_above bytes wait to be sent. false: fewer than congested_below again. */
    void (*on_congested)(void *owner, struct link_conn *conn, bool congested);

    /* The connection has ended. The handle dies with this call. */
    void (*on_closed)(void *owner, struct link_conn *conn, const char *reason);

    /* After link_host_stop(): nothing is left on the loop, link_host_free() may be called. */
    void (*on_stopped)(void *owner);
};

/* Zero means the default, in every field. */
struct link_config {
    size_t frame_size_max;  /* payload bytes of one frame, both ways; <= UINT32_MAX */
    size_t send_queue_max;  /* bytes that may wait for a slow peer; >= frame_size_max + header.
                             * They may take up to twice as much memory, and ciphertext 1.2 MB. */
    size_t congested_above; /* a quarter of send_queue_max */
    size_t congested_below; /* half of congested_above */
    size_t handshakes_max; /* accepted connections that are not open yet; one more is turned away */
    struct value_rate
        handshake_rate; /* of each listener: accepted connections; more are turned away */
    uint64_t handshake_burst;
    uint64_t connect_timeout_ns;   /* for the lookup of the name, and again for each address */
    uint64_t handshake_timeout_ns; /* from the TCP connection to READY */
    uint64_t close_timeout_ns;     /* to send what is queued, the close and to see the peer's end */
    /* Bit n: frames of type n are heard while nobody else wants anything, and a few of them in any case
     * (yield_may_begin). What is behind one waits with it. */
    uint32_t patient_frames;
};

/* Whom to dial. The texts are copied. */
struct link_target {
    const char *host; /* a name or an IP address */
    uint16_t port;
    const char *federation;        /* what the peer's certificate must name; NULL: any */
    uint64_t connect_timeout_ns;   /* 0: the configuration's */
    uint64_t handshake_timeout_ns; /* 0: the configuration's */
    void *user;
};

/* How accepted connections went. */
enum link_handshake {
    LINK_HANDSHAKE_OPENED = 0,
    LINK_HANDSHAKE_FAILED,  /* begun, never open: a stranger, a wrong certificate, a timeout */
    LINK_HANDSHAKE_LIMITED, /* turned away at the door: the rate */
    LINK_HANDSHAKE_BUSY,    /* the same: too many under way, or no memory */
};
#define LINK_HANDSHAKE_COUNT 4u
const char *link_handshake_name(enum link_handshake result);

/* Counts since the connection was made. */
struct link_stats {
    uint64_t frames_in; /* without the transport's own */
    uint64_t bytes_in;  /* of TLS, as the network sees them */
    uint64_t bytes_out;
    size_t queued; /* bytes that wait now */
};

/*
 * Memory of connections is taken from `mem`. The context is shared (ref'd). The loop has a reason to
 * run until link_host_stop() has done its work. NULL: no memory.
 */
MUST_CHECK struct link_host *link_host_create(struct uv_loop_s *loop, struct mem *mem,
    struct tls_context *tls, const struct link_config *config,
    const struct link_callbacks *callbacks);

/* Connections made from now on use `tls`; those there are stay as they are. */
void link_host_set_tls(struct link_host *host, struct tls_context *tls);

/* Close listeners and connections (each with its callback, reason "shutting down"), then on_stopped. */
void link_host_stop(struct link_host *host);

/* LINK_HANDSHAKE_COUNT counts since the host was created, of all listeners. */
const uint64_t *link_host_handshakes(const struct link_host *host);

/* After on_stopped only. NULL is allowed. */
void link_host_free(struct link_host *host);

/*
 * Listen on an IPv4 or IPv6 address (not a name). Port 0: the system picks one. "::" takes IPv4 too
 * where the system allows it. NULL: *reason says why, e.g. that the port is taken.
 */
MUST_CHECK struct link_listener *link_listen(
    struct link_host *host, const char *address, uint16_t port, struct reason *reason);
uint16_t link_listener_port(const struct link_listener *listener);

/* Accept no more; the connections stay. The handle dies. */
void link_listener_close(struct link_listener *listener);

/*
 * Dial: all addresses of the name, IPv6 and IPv4 in turns, until one takes the TCP connection (link_dial.c); it
 * is looked up anew each time. on_opened or on_refused follows. The handle may be given to link_close() before that. NULL: no memory, no
 * callback follows.
 */
MUST_CHECK struct link_conn *link_dial(struct link_host *host, const struct link_target *target);

/*
 * Queue whole frames, headers included, cut into parts as the caller likes. They are copied and
 * leave before the loop waits again. An open connection only (CHECK), but closing is fine.
 *
 * false: nothing was queued, because the connection is closing or, with this call, the queue went
 * over send_queue_max ("slow reader") or out of memory: on_closed follows.
 */
bool link_send(struct link_conn *conn, const struct span *parts, size_t part_count);

/*
 * Send what is queued, then close. From here on no on_frame and no on_congested; the end callback
 * follows with `reason` (copied), also if the peer closes meanwhile. A second call has no effect.
 */
void link_close(struct link_conn *conn, const char *reason);

/* Refuse larger frames of this peer than the configuration does; larger ones than that cannot be allowed. */
void link_conn_limit_frames(struct link_conn *conn, size_t frame_size_max);

/*
 * Read nothing and deliver nothing for a while, also of what has arrived already: the peer's sends back up. After that
 * it goes on by itself. Sending is as ever. An open connection; another pause takes the place of this one, and closing
 * ends it. Not for longer than the peer's patience (pings are not heard either).
 */
void link_pause(struct link_conn *conn, uint64_t duration_ns);

void *link_conn_user(const struct link_conn *conn);
void link_conn_set_user(struct link_conn *conn, void *user);
/* An open connection only. */
struct link_peer link_conn_peer(const struct link_conn *conn);
struct link_stats link_conn_stats(const struct link_conn *conn);

#endif
