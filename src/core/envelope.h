/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope.h - the outermost object of every message on a cluster connection, and the plain answers.
 *
 * Requests have a `role`; answers have a key `r` and no role (protocol.md 1, 5).
 */
#ifndef CORE_ENVELOPE_H
#define CORE_ENVELOPE_H

#include "core/message.h"

enum envelope_kind {
    ENVELOPE_STATUS = 0,  /* role server, what STATUS (or absent) */
    ENVELOPE_GOODBYE,     /* role server, what GOODBYE */
    ENVELOPE_RPC,         /* role rpc: a client's request */
    ENVELOPE_GOSSIP,      /* role fabric-gossip */
    ENVELOPE_FABRIC,      /* role fabric-message */
    ENVELOPE_PUBLISH,     /* role pubsub-publish */
    ENVELOPE_SUBSCRIBE,   /* role pubsub-subscribe */
    ENVELOPE_UNSUBSCRIBE, /* role pubsub-unsubscribe */
    ENVELOPE_CONSENSUS,   /* role consensus-proposal, consensus-vote: not served, ignored */
    ENVELOPE_NOTICE,      /* role pubsub-ack, pubsub-notification: what servers send to clients */
    ENVELOPE_RESPONSE,    /* no role, a key r: an answer to something we sent */
    ENVELOPE_OTHER_ROLE,  /* a role that nobody knows */
};

struct envelope {
    enum envelope_kind kind;
    struct json_doc doc; /* of the whole message */
    struct span role;    /* decoded; empty for answers */
    struct span u;       /* decoded; empty when absent */
    uint32_t body;       /* token of `server` or `payload`; 0 when the kind has none */
};

/*
 * Scan a message and tell what it is. MESSAGE_OK: *envelope borrows from `message` and the scratch.
 * For STATUS and GOODBYE `u` and `server`, for gossip and fabric `payload` are required and are objects.
 * Otherwise *fault says why and *envelope is untouched.
 */
MUST_CHECK enum message_result envelope_scan(struct span message, struct message_scratch *scratch,
    struct envelope *envelope, struct message_fault *fault);

/* What an answer to our STATUS, GOODBYE or call says. */
struct answer {
    struct span r;      /* raw JSON; empty when absent */
    bool failed;        /* error is an object */
    int64_t error_code; /* 0 when absent */
    struct span error_message;
    struct span error_details; /* raw JSON, or empty */
    struct span u;
};

MUST_CHECK enum message_result answer_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct answer *answer, struct message_fault *fault);

/* {"r":<r>,"error":null,"u":u,"intermediate_results":[],"execution_summary":null}; r is raw JSON. */
void answer_encode(struct buf *out, struct span r, struct span u);

/* The same with r null and an error object; `details` is raw JSON, or empty for null. */
void answer_encode_error(
    struct buf *out, int64_t code, struct span message, struct span details, struct span u);

const char *envelope_kind_name(enum envelope_kind kind);

#endif
