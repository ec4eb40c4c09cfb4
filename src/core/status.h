/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - role "server": STATUS, which is the handshake and the heartbeat, and GOODBYE (protocol.md 2, 3).
 */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include "core/envelope.h"

struct status {
    struct span server_url; /* the sender's id */
    struct span cluster_id;
    struct span instance_id; /* may be empty */
    struct wall timestamp;   /* .ns 0 when absent */
    struct span status;      /* "ok" when absent */
    int64_t active_clients;  /* the load score */
    int64_t peer_count;
    struct text_list functions; /* funs; shown, never routed by */
    struct text_list resources; /* locs */
    struct text_list advertised_urls;
    int64_t messages_processed; /* of metrics; 0 when absent, like the next three */
    int64_t rpc_responses_skipped;
    int64_t server_messages;
    int64_t other_messages;
};

MUST_CHECK enum message_result status_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct status *status, struct message_fault *fault);

/* The whole envelope; `catalog` lists the identities for function_catalog (may be shorter than functions). */
void status_encode(struct buf *out, const struct status *status,
    const struct function_identity *catalog, uint32_t catalog_count, struct span u);

enum goodbye_reason {
    GOODBYE_GRACEFUL_SHUTDOWN = 0,
    GOODBYE_MAINTENANCE,
    GOODBYE_CLUSTER_REBALANCE,
    GOODBYE_MANUAL_REMOVAL,
};

struct goodbye {
    struct span departing_node_url;
    struct span cluster_id;
    struct span instance_id; /* may be empty */
    enum goodbye_reason reason;
    struct wall timestamp;
};

/* A reason that is none of the four is MESSAGE_BAD_VALUE: the reference closes on it. */
MUST_CHECK enum message_result goodbye_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct goodbye *goodbye, struct message_fault *fault);

void goodbye_encode(struct buf *out, const struct goodbye *goodbye, struct span u);

const char *goodbye_reason_name(enum goodbye_reason reason);

#endif
