/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_session.h - the life of one link to one federation, as a pure state machine.
 *
 *     DOWN --opened/accepted--> GREETING --hello--> SYNCING --end of sync--> UP
 *      ^ |                         |                   |                     |
 *      | +-- retry: dial           +-------- closed, silent, bad frame ------+
 *      +---------------------------------------------------------------------+
 *     DRAINING: one of the two ends has said DRAIN; calls in flight finish, no new ones start.
 *
 * A link that dials tries its addresses in turn, for ever, with the pauses of link_retry.h. A link that accepts
 * waits. A newer authenticated connection of the same far bridge replaces the one we have at once. Both ends ping
 * every keepalive_ns; nothing received for 3 x the interval the far side named is death, whatever TCP thinks.
 *
 * Sequence: ANNOUNCE, WITHDRAW, END_OF_SYNC, CALL and REPLY are numbered together from 1 in each session; a gap or
 * repetition is a fault that ends the session (the next one syncs anew). The receiver acknowledges
 * with ACK at least every LINK_ACK_EVERY of them and on each keepalive; until then the sender keeps them.
 *
 * A session is more than its connection. When that one breaks, the session is suspended for resume_window_ns: both
 * ends keep their place in the sequence and what is not acknowledged, and the next connection of the same two
 * processes goes on from there, so that nothing is lost and nothing comes twice (link_session_resume.c). It ends
 * for good when the window is over, the far side comes back without it, or one of the two said that it stops.
 *
 * The session checks and keeps the connection; what is announced and called is the business of
 * link_port, which gets each accepted frame as a delivery.
 */
#ifndef BRIDGE_LINK_SESSION_H
#define BRIDGE_LINK_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/prng.h"
#include "bridge/link_codec.h"
#include "bridge/link_health.h"
#include "bridge/link_outbox.h"
#include "bridge/link_retry.h"
#include "core/io.h"

#define LINK_ADDRESSES_MAX  8u
#define LINK_ACK_EVERY      64u
#define LINK_ACK_EVERY_SIZE ((size_t)256 * 1024)

/* Whoever is refused because the operator has taken the link away comes back after so long. */
#define LINK_DISABLED_PAUSE_NS (10 * SEC_NS)

/* Two connections that are this close are taken for dials that crossed (link_session_newcomer.c). */
#define LINK_CROSSING_NS (10 * SEC_NS)

/* What the far side's keepalive interval is clamped to. */
#define LINK_KEEPALIVE_MIN_NS (100 * MS_NS)
#define LINK_KEEPALIVE_MAX_NS (60 * SEC_NS)

enum link_state {
    LINK_DOWN = 0,
    LINK_GREETING, /* connected and authenticated; HELLO is out, the far side's is awaited */
    LINK_SYNCING,  /* both greeted; the far side announces its table */
    LINK_UP,       /* its END_OF_SYNC was seen */
    LINK_DRAINING,
};

enum link_error_code {
    LINK_ERROR_NONE = 0,
    LINK_ERROR_PROTOCOL,   /* a frame that cannot be */
    LINK_ERROR_VERSION,    /* no common version */
    LINK_ERROR_IDENTITY,   /* HELLO says another federation than the certificate, or our own */
    LINK_ERROR_REPLACED,   /* a newer session of the same bridge took over */
    LINK_ERROR_SILENT,     /* nothing heard within the hold time */
    LINK_ERROR_SEQUENCE,   /* a gap in the sequence */
    LINK_ERROR_SHUTDOWN,   /* the operator stops this side */
    LINK_ERROR_NOT_WANTED, /* no link is configured for this federation */
    LINK_ERROR_OVERLOADED, /* no memory for what the far side sent */
    LINK_ERROR_LIMIT,      /* more came than the import policy allows */
    LINK_ERROR_DISABLED,   /* the operator does not want this link */
};
#define LINK_ERROR_CODE_COUNT (LINK_ERROR_DISABLED + 1)

struct link_session_config {
    struct span name;       /* of the link; texts live as long as the configuration */
    struct span federation; /* whom we expect */
    struct span bridge;     /* of it; empty: any */
    struct span own_federation;
    struct span own_bridge;
    const struct span *addresses; /* host:port to dial; none: the far side dials */
    uint32_t address_count;
    uint64_t keepalive_ns;
    uint32_t
        frame_size_max; /* what we take: told in HELLO, and held by the host; 0: LINK_FRAME_SIZE_MAX */
    uint64_t dial_timeout_ns;
    uint64_t greeting_timeout_ns; /* from connection to HELLO */
    struct link_retry_config retry;
    uint64_t resume_window_ns; /* 0: a session ends with its connection */
    size_t resume_buffer_size; /* of what is kept meanwhile */
    uint64_t boot;             /* drawn by the host for this process */
};

enum link_delivery_kind {
    LINK_DELIVERS_NOTHING = 0,
    LINK_DELIVERS_GREETED,  /* frame: HELLO, accepted. Announce the whole table, then end of sync */
    LINK_DELIVERS_ANNOUNCE, /* frame */
    LINK_DELIVERS_WITHDRAW, /* frame */
    LINK_DELIVERS_SYNCED, /* frame: END_OF_SYNC: drop what was not announced since the beginning, or the REFRESH */
    LINK_DELIVERS_TABLE,   /* frame: PING, with what the far side has announced so far */
    LINK_DELIVERS_REFRESH, /* frame: announce everything again, then END_OF_SYNC with its number */
    LINK_DELIVERS_REPORT,  /* frame: what the far side has made of ours */
    LINK_DELIVERS_CALL,    /* frame */
    LINK_DELIVERS_REPLY,   /* frame */
    LINK_DELIVERS_DRAIN,   /* the far side said DRAIN: no call starts any more, either way */
    LINK_DELIVERS_CUT,     /* the connection broke, the session is suspended; reason */
    LINK_DELIVERS_RESUMED, /* it goes on where it was */
    LINK_DELIVERS_DOWN,    /* the session ended, or a suspended one; reason */
};

struct link_delivery {
    enum link_delivery_kind kind;
    struct link_frame frame;
    enum link_error_code error; /* CUT, DOWN */
    struct span reason;         /* likewise: for people; dies with the step */
};

/* What operators see; read by status, metrics and logs alike. */
struct link_session_stats {
    uint64_t sessions; /* HELLOs accepted, but for: */
    uint64_t resumes;  /* connections by which a session went on */
    uint64_t flaps;    /* connections that broke after the greeting, other than by our own stop */
    uint64_t dials;
    uint64_t dials_refused;
    uint64_t frames_received;
    uint64_t frames_refused;
    uint64_t rtt_ns; /* of the newest pong of this session; 0: none yet */
    struct link_health health;
    struct instant up_since; /* meaningful while SYNCING, UP or DRAINING */
    struct instant heard_at; /* last frame received */
    uint64_t sequence_sent;  /* of this session, or the suspended one */
    uint64_t sequence_acked;
    uint64_t sequence_received;
    enum link_error_code last_error;
    char last_reason[160]; /* NUL-terminated, printable: why the last session or dial ended */
};

/* What is left of a session without a connection, but for its outbox and its place in the sequence. */
struct link_suspension {
    struct instant until; /* INSTANT_NEVER: no session is suspended */
    uint64_t number;
    uint64_t far_number;
    bool far_synced;
    size_t bridge_size;
    char bridge[LINK_BRIDGE_NAME_MAX];
};

struct link_session {
    struct link_session_config config;
    struct log *log;
    struct prng *prng;
    enum link_state state;
    bool stopping;
    enum link_error_code stopped_for; /* while `stopping`: what whoever comes is told */
    bool dialed;                      /* by us; of conn */
    bool drains;                      /* we said DRAIN */
    bool far_drains;                  /* the far side said DRAIN */
    bool far_synced;                  /* its END_OF_SYNC was seen in this session */
    struct conn_id conn;              /* CONN_NONE in DOWN */
    uint64_t dial_ticket;             /* of the dial under way; 0: none */
    uint32_t address_next;
    struct link_retry retry;
    uint64_t retry_asked_ns; /* by whoever refused us last; 0: nothing was asked */
    struct instant retry_at;
    struct instant greet_by;
    struct instant ping_at;
    struct instant silent_at;
    uint64_t ping_number;
    struct instant ping_sent_at; /* INSTANT_NEVER: no pong is awaited */
    uint64_t number;             /* of this session, drawn by us: our HELLO's `session` */
    bool offers; /* GREETING: our HELLO has offered to go on with the suspended one */
    struct link_suspension suspension;
    struct link_outbox outbox;
    uint64_t stale_routes; /* what HELLO says; set by link_port */
    bool has_table;        /* likewise, what PING says: */
    struct link_table table;
    struct link_hello far; /* bridge is copied into far_bridge, from the certificate on */
    char far_bridge[LINK_BRIDGE_NAME_MAX];
    uint32_t
        far_frame_size_max; /* what the far side takes, by its last HELLO; 0: LINK_FRAME_SIZE_MAX */
    uint64_t unacked;       /* numbered frames received since our last ACK */
    size_t unacked_size;
    struct buf scratch;
    struct link_session_stats stats;
};

void link_session_init(struct link_session *session, const struct link_session_config *config,
    struct mem *mem, struct log *log, struct prng *prng);
void link_session_destroy(struct link_session *session);

/* START, or after link_session_stop(): dial, or wait for the far side. */
void link_session_start(struct link_session *session, struct now now, struct actions *actions);

/*
 * An event of a connection or dial that is this session's (link_session_owns), or an ACCEPTED
 * connection whose certificate names this link's federation. TICK at link_session_deadline().
 * The delivery is what link_port must act on.
 */
void link_session_step(struct link_session *session, const struct event *event, struct now now,
    struct actions *actions, struct link_delivery *delivery);

/* Whether the event's connection or ticket belongs to this session. */
bool link_session_owns(const struct link_session *session, const struct event *event);

struct instant link_session_deadline(const struct link_session *session);

/* The number that the next numbered frame gets. */
uint64_t link_session_next_sequence(const struct link_session *session);

/*
 * A numbered frame, from its parts, which are borrowed until the next step. In a session without a connection it is
 * kept for the next one. Only in a greeted or suspended session.
 */
void link_session_send_numbered(struct link_session *session, const struct span *parts,
    uint32_t part_count, struct now now, struct actions *actions);

/* Ask for everything again. Greeted only; a REFRESH may get lost with its connection. */
void link_session_send_refresh(
    struct link_session *session, uint64_t number, struct actions *actions);

/* SYNCING, UP or DRAINING. */
bool link_session_is_greeted(const struct link_session *session);

/* It has no connection, but may go on over another one. */
bool link_session_is_suspended(const struct link_session *session);

/* Calls may be sent: SYNCING or UP, and neither end drains; or suspended, and there is room to keep one. */
bool link_session_carries_calls(const struct link_session *session);

/*
 * Hear nothing of the far side for a while: more came than we are ready to take. It hears our pings meanwhile, and how
 * long it may be silent begins when we listen again. A greeted session.
 */
void link_session_pause(
    struct link_session *session, uint64_t duration_ns, struct actions *actions);

/* Payload of the largest frame that the far side takes. */
size_t link_session_frame_size_max(const struct link_session *session);

/* Say DRAIN: no call starts any more, either way. Only a greeted session can; the next one does not drain. */
void link_session_drain(struct link_session *session, struct actions *actions);

/* Say the error, close, dial no more, refuse whoever comes. No DOWN is delivered: the caller knows. */
void link_session_stop(struct link_session *session, enum link_error_code error, struct span reason,
    struct actions *actions);

/* End the session because of something link_port found; a new one follows unless stopped. */
void link_session_fail(struct link_session *session, enum link_error_code error, struct span reason,
    struct now now, struct actions *actions, struct link_delivery *delivery);

const char *link_state_name(enum link_state state);
const char *link_error_code_name(enum link_error_code code);

#endif
