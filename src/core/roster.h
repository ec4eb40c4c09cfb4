/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster.h - the nodes of the cluster as places to dial: what we know of each, which connections we
 * have to it, and when to try again.
 *
 * A seed is a URL from the configuration that is dialed for ever. A learnt node comes from a
 * NodeDescriptor or from a STATUS and is forgotten when its descriptor is gone and nothing is
 * connected. A node may answer at another URL than its own name (a seed by host name): the address
 * then points to the node by `alias`, and is not dialed while that node is up.
 */
#ifndef CORE_ROSTER_H
#define CORE_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/prng.h"
#include "core/peer.h"
#include "core/status.h"

/* The numbers of a node's newest STATUS (protocol.md 2). */
struct roster_status {
    bool known;
    struct wall received_at;
    struct wall timestamp;
    bool ok;
    int64_t active_clients;
    int64_t peer_count;
    int64_t messages_processed;
    int64_t rpc_responses_skipped;
    int64_t server_messages;
    int64_t other_messages;
};

struct roster_node {
    struct list link;
    struct peer_text url;        /* the node's id; for a seed the URL that was configured */
    struct peer_text dial_url;   /* where to dial */
    struct peer_text cluster_id; /* empty until known */
    struct peer_text alias;      /* of a seed: the id of the node that answers there */
    bool seed;
    bool described;         /* the catalog has its descriptor */
    struct conn_id dialed;  /* our connection to it, UP; or CONN_NONE */
    struct conn_id inbound; /* its newest connection to us, UP; or CONN_NONE */
    uint64_t dial_ticket;   /* a dial or greeting under way; 0: none */
    uint32_t failures;      /* dials since the last success */
    uint64_t pause_ns;
    struct instant dial_at;
    bool lost; /* was up, and no connection is left: nobody answering makes it dead */
    struct wall lost_at;
    struct instant departed_until; /* GOODBYE; .ns 0: none */
    struct peer_text departed_instance;
    struct roster_status status;
};

struct roster {
    struct mem *mem;
    struct hash_key hash_key;
    struct map by_url;
    struct list nodes;
    uint32_t count;
};

void roster_init(struct roster *roster, struct mem *mem, struct hash_key hash_key);
void roster_destroy(struct roster *roster);

struct roster_node *roster_find(const struct roster *roster, struct span url);

/* Find or add. NULL: MEMBER_NODES_MAX, a URL above PEER_TEXT_MAX, or no memory. */
MUST_CHECK struct roster_node *roster_ensure(struct roster *roster, struct span url);

/* Remove it unless it is a seed, described, connected, being dialed, lost or kept as departed. */
void roster_forget_if_idle(struct roster *roster, struct roster_node *node, struct instant now);

/* Whether to dial it now: no connection or dial of ours, not departed, its time has come. */
bool roster_wants_dial(
    const struct roster *roster, const struct roster_node *node, struct instant now);

/* When roster_wants_dial may change by time alone; INSTANT_NEVER: not. */
struct instant roster_dial_deadline(const struct roster *roster, const struct roster_node *node);

/*
 * Whether a connection of ours to it may come up soon: it is dialed, or will be within MEMBER_DIAL_BASE_NS, and no
 * dial failed since it was up or became known.
 */
bool roster_expects(
    const struct roster *roster, const struct roster_node *node, struct instant now);

/* A dial failed, or what it reached was refused: pause with decorrelated jitter. */
void roster_back_off(struct roster_node *node, struct prng *prng, struct instant now);

/* It answered: pauses start at the base again. */
void roster_dial_succeeded(struct roster_node *node);

/* Somebody has just met it: that earlier dials failed says nothing any more, and it is dialed at once. */
void roster_became_known(struct roster_node *node, struct instant now);

/* Whether `instance_id` of this node said goodbye and is still within the grace period. */
bool roster_departed(const struct roster_node *node, struct span instance_id, struct instant now);

/* The connection to send by: our own if it is up, else theirs, else CONN_NONE. */
struct conn_id roster_connection(const struct roster_node *node);

/* protocol.md 6.2: active_clients, +1000 not ok, +500 older than 15 s; 1000 when never seen. */
uint64_t roster_load(const struct roster_node *node, struct wall now);

#endif
