/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_codec.h - the frames between two bridges, byte for byte (docs/link-protocol.md).
 *
 * A frame is an 8-byte header { u32 payload size, u8 type, u8 flags, u16 zero } and its payload, all
 * big-endian. Control payloads are sequences of fields { u8 tag, u32 size, bytes }: an unknown tag
 * with bit 7 set (critical) refuses the frame, any other unknown tag is skipped. CALL and REPLY have
 * fixed heads so that arguments and results are forwarded as opaque spans of JSON.
 */
#ifndef BRIDGE_LINK_CODEC_H
#define BRIDGE_LINK_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "bridge/advertisement.h"

#define LINK_VERSION           1u
#define LINK_FRAME_HEADER_SIZE 8u

/* A call's arguments must reach a node over one message; larger frames help nobody. */
#define LINK_FRAME_SIZE_MAX ((size_t)16 * 1024 * 1024)
/* What every side takes at least: a batch of announcements with the longest names must fit. */
#define LINK_FRAME_SIZE_MIN ((size_t)2 * 1024 * 1024)

/* Longer names of bridges are refused. */
#define LINK_BRIDGE_NAME_MAX 128u

/* Rules and routes that a REPORT names; what is beyond is only in its counts. */
#define LINK_REPORT_RULES_MAX  64u
#define LINK_REPORT_ROUTES_MAX 256u

/* Advertisements in one ANNOUNCE or route ids in one WITHDRAW. */
#define LINK_BATCH_MAX 8u

enum link_frame_type {
    LINK_FRAME_READY = 0, /* the transport's own: the acceptor has verified the dialer */
    LINK_FRAME_HELLO,
    LINK_FRAME_ANNOUNCE,
    LINK_FRAME_WITHDRAW,
    LINK_FRAME_END_OF_SYNC,
    LINK_FRAME_ACK,
    LINK_FRAME_CALL,
    LINK_FRAME_REPLY,
    LINK_FRAME_PING,
    LINK_FRAME_PONG,
    LINK_FRAME_DRAIN,
    LINK_FRAME_ERROR,
    LINK_FRAME_REFRESH,
    LINK_FRAME_REPORT,
};

/* Bit n: nobody waits for frames of type n as for a call (host/link.h, patient_frames). */
#define LINK_FRAMES_PATIENT ((1u << LINK_FRAME_ANNOUNCE) | (1u << LINK_FRAME_WITHDRAW))

enum link_result {
    LINK_OK = 0,
    LINK_TRUNCATED, /* the frame ends inside a field */
    LINK_UNKNOWN_TYPE,
    LINK_UNKNOWN_FIELD, /* a critical field that this version does not know */
    LINK_MISSING_FIELD,
    LINK_BAD_FIELD, /* a field of impossible size or value */
    LINK_TOO_LARGE, /* over LINK_BATCH_MAX, LIST_COUNT_MAX, PATH_COUNT_MAX or NAME_SIZE_MAX */
    LINK_TRAILING_BYTES,
    LINK_NO_MEMORY,
};

struct link_hello {
    uint32_t version_min; /* the lowest and highest LINK_VERSION the sender speaks */
    uint32_t version_max;
    uint64_t features; /* bits, none defined yet; unknown bits are ignored */
    struct span federation;
    struct span bridge;
    uint64_t session;      /* drawn anew for every session; of the one to resume, its own */
    uint64_t boot;         /* drawn anew for every start of the process */
    struct wall clock;     /* the sender's, for the operator only */
    uint64_t keepalive_ns; /* how often the sender pings */
    uint64_t resume;       /* the receiver's number of the session that shall go on; 0: a new one */
    uint64_t received;     /* with `resume`: the last number of its sequence that came */
    uint64_t stale;        /* routes of earlier sessions that the sender still keeps */
    uint32_t
        frame_size_max; /* payload of the largest frame that the sender takes; 0: LINK_FRAME_SIZE_MAX */
};

/* One advertisement; route_id names it in WITHDRAW and CALL. */
struct link_route {
    uint64_t route_id;
    uint64_t digest; /* of its bytes on the wire; of what came: link_decode() sets it */
    struct advertisement advertisement;
};

/* Both sides keep the sum of the digests of all routes that one has announced to the other. */
struct link_table {
    uint64_t routes;
    uint64_t digest; /* modulo 2^64 */
};

static inline void
link_table_add(struct link_table *table, uint64_t digest)
{
    table->routes++;
    table->digest += digest;
}

static inline void
link_table_remove(struct link_table *table, uint64_t digest)
{
    table->routes--;
    table->digest -= digest;
}

struct link_announce {
    uint64_t sequence; /* of all frames that are numbered (link_frame_is_numbered), from 1 up */
    const struct link_route *routes;
    uint32_t route_count;
};

struct link_withdraw {
    uint64_t sequence;
    const uint64_t *route_ids;
    uint32_t route_count;
};

struct link_end_of_sync {
    uint64_t sequence;
    uint64_t refresh; /* the number of the REFRESH that it answers; 0: of the session's beginning */
};

struct link_ping {
    uint64_t number; /* the pinger's own, echoed */
    bool has_table;
    struct link_table table; /* what the pinger has announced so far */
};

struct link_pong {
    uint64_t number;   /* of the PING, echoed */
    struct wall clock; /* the sender's when it answered; 0: it does not say */
};

/* Of an id that says which call this is, however often and over whichever bridge it comes. */
#define LINK_CALL_ID_SIZE 16u

struct link_call {
    uint64_t call_id; /* the caller's, never used twice in a session */
    uint64_t route_id;
    uint32_t timeout_ms; /* remaining */
    uint8_t hops_left;
    struct span id;        /* LINK_CALL_ID_SIZE bytes, of a call that may come again; or empty */
    struct text_list path; /* federations the call has passed, the caller's first */
    struct span args;      /* JSON array */
    struct span kwargs;    /* JSON object */
};

enum link_reply_status {
    LINK_REPLY_OK = 0, /* body: the result, JSON */
    LINK_REPLY_FAILED, /* body: the function's own error, a JSON object */
    LINK_REPLY_ERROR,  /* code, side, rule, body: text: the call did not reach a function */
};

struct link_reply {
    uint64_t call_id;
    enum link_reply_status status;
    uint16_t code;    /* LINK_REPLY_ERROR: an error code of design.md 5 */
    struct span rule; /* LINK_REPLY_ERROR: the rule's id, or empty */
    struct span body;
};

struct link_error {
    uint16_t code;           /* enum link_error_code of link_session.h */
    struct span text;        /* for people */
    uint64_t retry_after_ns; /* how long a dialer is to wait at least; 0: the sender does not say */
};

/* So many routes were kept out for one reason. */
struct link_report_rule {
    struct span reason; /* prune_reason_name() */
    struct span rule;   /* the id of the import rule that said so; or empty */
    uint64_t count;
};

struct link_report_route {
    uint64_t route_id;
    uint8_t rule; /* index into the rules */
};

/* What the sender has made of the receiver's announcements, as far as it tells. */
struct link_report {
    uint64_t accepted;
    uint64_t rejected;
    const struct link_report_rule *rules;
    uint32_t rule_count;
    const struct link_report_route *routes;
    uint32_t route_count;
};

/* One decoded frame. Spans borrow from the input, lists from the arena. */
struct link_frame {
    enum link_frame_type type;
    union {
        struct link_hello hello;
        struct link_announce announce;
        struct link_withdraw withdraw;
        struct link_end_of_sync end_of_sync;
        uint64_t sequence; /* ACK */
        struct link_call call;
        struct link_reply reply;
        struct link_ping ping;
        struct link_pong pong;
        uint64_t refresh; /* REFRESH: its number */
        struct link_report report;
        struct link_error error;
    };
};

/*
 * Decode one whole frame, header included. LINK_OK: *frame is filled in. Otherwise it is untouched.
 * Names, ids and the like are checked to be UTF-8 without control characters and within their caps; a
 * call's args and kwargs and a reply's body are NOT checked here: whoever forwards them into a
 * cluster scans them first.
 */
MUST_CHECK enum link_result link_decode(
    struct span bytes, struct arena *arena, struct link_frame *frame);

/*
 * Whether a link can carry it: LINK_OK, or what link_decode() would say on the far side. Clusters
 * allow texts that links do not (control characters), and one such route would end the session with
 * everything else on it; so ask before announcing. An empty scope is fine and arrives as "zone".
 */
MUST_CHECK enum link_result link_check_advertisement(const struct advertisement *advertisement);

/*
 * Each appends one whole frame. What does not fit in `out`, or is above LINK_FRAME_SIZE_MAX, sets
 * out->overflowed: the frame must not be sent. Values of ours must be within the caps (CHECK).
 */
void link_encode_hello(struct buf *out, const struct link_hello *hello);
/* `digests` gets one a route, unless it is NULL. */
void link_encode_announce(struct buf *out, const struct link_announce *announce, uint64_t *digests);
void link_encode_withdraw(struct buf *out, const struct link_withdraw *withdraw);
void link_encode_end_of_sync(struct buf *out, const struct link_end_of_sync *end);
void link_encode_ack(struct buf *out, uint64_t sequence);
void link_encode_ping(struct buf *out, const struct link_ping *ping);
void link_encode_pong(struct buf *out, const struct link_pong *pong);
void link_encode_drain(struct buf *out);
void link_encode_error(struct buf *out, const struct link_error *error);
void link_encode_refresh(struct buf *out, uint64_t number);
void link_encode_report(struct buf *out, const struct link_report *report);

/* The head only: the frame is head, args, kwargs; and head, body. Their sizes are in the head. */
void link_encode_call_head(struct buf *out, const struct link_call *call);
void link_encode_reply_head(struct buf *out, const struct link_reply *reply);

/*
 * CALL heads are patched when a call is sent again after a while: `frame` is a whole frame of any type. If it is a
 * CALL, so much of its time is over.
 */
void link_call_shorten(uint8_t *frame, size_t size, uint64_t by_ms);

/* Frames that both ends count, so that a session can go on over another connection: they come once and in order. */
bool link_frame_is_numbered(enum link_frame_type type);

const char *link_frame_type_name(enum link_frame_type type);
const char *link_result_name(enum link_result result);

#endif
