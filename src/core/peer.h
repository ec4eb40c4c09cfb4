/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - one cluster connection's life: what its next message may do.
 *
 *     FRESH ----- STATUS of an admitted node ----> UP      (they dialed)
 *       |  \----- rpc, pubsub -------------------> CLIENT
 *       |   \---- call of a live peer -----------> BORROWED
 *     GREETING -- STATUS of an admitted node ----> UP      (we dialed, our STATUS is out)
 *     any ------- a refusal ---------------------> CLOSING
 *
 * The first message decides and nothing slips past it (design.md 5; the reference's loopholes in
 * protocol.md 2). BORROWED is the one exception that real servers need: a server that has no
 * connection of its own yet opens one it never reads, calls on it, and from then on says everything
 * there (protocol.md 6.3, docs/adr/0019-a-borrowed-connection.md). It is heard in the name of one
 * node, and while that node is up on another connection; nothing is ever sent on it, so it never
 * becomes UP itself. What only the node itself may say it says once it has named the instance that
 * is up: whoever can name it could shake hands as well.
 *
 * peer_judge() is a decision, not an actor: it looks at a claim and the circumstances, moves the
 * state and says what the message is. core/member does it.
 */
#ifndef CORE_PEER_H
#define CORE_PEER_H

#include "core/catalog.h"
#include "core/envelope.h"
#include "core/fabric.h"
#include "core/io.h"
#include "core/isolation.h"

/* URLs, cluster and instance ids longer than this are refused with the message that has them. */
#define PEER_TEXT_MAX 256u

enum peer_state {
    PEER_FRESH = 0,
    PEER_GREETING,
    PEER_CLIENT,
    PEER_UP,
    PEER_BORROWED,
    PEER_CLOSING,
};

#define PEER_STATE_COUNT (PEER_CLOSING + 1)

struct peer_text {
    uint8_t bytes[PEER_TEXT_MAX];
    size_t size;
};

struct peer {
    struct conn_id conn;
    enum peer_state state;
    bool dialed;
    uint64_t dial_ticket;         /* of the dial it came from; 0: accepted */
    struct peer_text address;     /* the network address, or the URL that was dialed */
    struct peer_text url;         /* UP, BORROWED: the node's id */
    struct peer_text cluster_id;  /* UP, BORROWED */
    struct peer_text instance_id; /* UP; may be empty. BORROWED: empty until it has been named */
    struct instant heard_at;      /* last message received */
    bool congested;
    bool behind;                  /* it was not told of some functions: another snapshot is due */
    struct catalog_walk snapshot; /* of what it is told of the catalog; until it is over, it is */
    struct list in_snapshots;     /* in member->snapshots */
};

/* What a message says about its sender. Absent texts are empty. */
struct peer_claim {
    enum envelope_kind kind;
    struct span
        url; /* STATUS server_url, GOODBYE departing_node_url, gossip sender_id, fabric: last hop */
    struct span cluster_id;  /* STATUS, GOODBYE; FABRIC_REQUEST: source_cluster */
    struct span instance_id; /* STATUS, GOODBYE */
    enum fabric_kind fabric; /* ENVELOPE_FABRIC */
};

/* What the rest of the member knows about claim.url. */
struct peer_circumstances {
    const struct isolation_rules *rules;
    struct span own_url;
    bool url_is_up;          /* some other connection of this node is UP now */
    struct span up_instance; /* the instance that shook hands there; may be empty */
    bool url_departed;       /* this instance said goodbye within the grace period */
    bool url_taken;          /* not this instance answers on a connection that we dialed to it */
};

enum peer_verdict {
    PEER_WELCOME =
        0,          /* STATUS: now UP. Answer with our STATUS, the acknowledgement and a snapshot */
    PEER_MET,       /* STATUS on a connection we dialed: now UP. Send a snapshot */
    PEER_HEARTBEAT, /* a further STATUS */
    PEER_FAREWELL,  /* GOODBYE of the node itself */
    PEER_GOSSIPS,
    PEER_CALLS,   /* a fabric message of a peer, or of a live one on a borrowed connection */
    PEER_ASKS,    /* a client's request: rpc or pubsub, or a role that nobody knows */
    PEER_ANSWERS, /* an answer to what we sent */
    PEER_NOTHING, /* well formed, and not for us */
    PEER_REFUSED_MESSAGE, /* only this message: *reason; the connection stays */
    PEER_REFUSED,         /* *reason; now CLOSING: answer and close */
};

void peer_init_accepted(struct peer *peer, struct conn_id conn, struct span address);
void peer_init_dialed(struct peer *peer, struct conn_id conn, uint64_t ticket, struct span address);

/* Not for CLOSING: what still comes then is thrown away by the caller. */
MUST_CHECK enum peer_verdict peer_judge(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason);

static inline struct span
peer_text_span(const struct peer_text *text)
{
    return span_from(text->bytes, text->size);
}

/* Whether the connection is this node's own voice, for what nobody else may say of the node. */
static inline bool
peer_is_itself(const struct peer *peer, struct span node_id)
{
    bool proven = peer->state != PEER_BORROWED || peer->instance_id.size > 0;
    return proven && span_equal(node_id, peer_text_span(&peer->url));
}

/* false: longer than PEER_TEXT_MAX; *text is untouched. */
MUST_CHECK bool peer_text_set(struct peer_text *text, struct span value);

const char *peer_state_name(enum peer_state state);

#endif
