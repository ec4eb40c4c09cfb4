/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - the ordinary node's engine: a member of its cluster that serves clients.
 *
 * Pure: one event in, actions out (core/io.h). It answers role rpc by the rules of protocol.md 5
 * (dependency levels, substitution, the built-in commands), runs its own functions through
 * ACTION_EXECUTE, calls functions of other nodes through the member, and is called by them. Calls
 * never wait for each other: many may be open on one connection, each with its own deadline.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "base/log.h"
#include "core/io.h"
#include "core/member.h"

/* The reference's fixed limit for a whole request (protocol.md 5.1). */
#define NODE_REQUEST_TIMEOUT_NS (UINT64_C(30) * SEC_NS)

/*
 * A node of which nothing was heard for so long - more than two STATUS of it (MEMBER_STATUS_NS) - may be frozen or cut off: a
 * call that may be made twice goes to another one.
 */
#define NODE_SILENCE_NS (UINT64_C(12) * SEC_NS)

/* How long a call waits for a connection to a node that serves it: as long as a dial may take. */
#define NODE_CONNECT_NS MEMBER_DIAL_TIMEOUT_NS

/* How long calls under way may still take after EVENT_STOP. */
#define NODE_DRAIN_NS (UINT64_C(5) * SEC_NS)

/* A function that a worker of the host executes. */
struct node_function {
    struct function_identity identity;
    struct text_list resources;
    struct text_list tags;
    struct span summary; /* for rpc_list, or empty */
    uint32_t worker;     /* index handed back in ACTION_EXECUTE */
};

/* All texts live as long as the node. */
struct node_config {
    struct member_config member;
    const struct node_function *functions;
    uint32_t function_count;
    uint64_t request_timeout_ns; /* NODE_REQUEST_TIMEOUT_NS but in tests */
    size_t memory_max;           /* bytes that the engine may use */
};

struct node;

/* NULL: no memory. `seed` starts the engine's chance, hash_key its tables. */
MUST_CHECK struct node *node_create(
    const struct node_config *config, struct hash_key hash_key, uint64_t seed, struct log *log);
void node_free(struct node *node);

/* The actions live until the next step. */
const struct actions *node_step(struct node *node, const struct event *event, struct now now);
struct instant node_deadline(const struct node *node, struct now now);

/* What operators see. Borrowed until the next step. */
struct node_stats {
    struct member_stats member;
    uint64_t requests;        /* of clients */
    uint64_t requests_failed; /* answered with an error */
    uint64_t requests_open;   /* now */
    uint64_t calls_local;     /* functions executed here */
    uint64_t calls_remote;    /* sent to other nodes */
    uint64_t calls_repeated; /* of them and of the local ones: again, since the first node failed */
    uint64_t calls_held;     /* that waited for a connection before they could be sent, or failed */
    uint64_t calls_served;   /* of other nodes */
    uint64_t functions_local; /* offered now, built-in commands included */
    uint64_t functions_known; /* in the catalog, ours included */
    uint64_t nodes_known;
    size_t memory_used;
    size_t memory_peak;
};
struct node_stats node_stats(const struct node *node);

/* Bytes; as in node_stats(), for those who ask all the time. */
size_t node_memory_used(const struct node *node);
struct member *node_member(struct node *node);
bool node_ready(const struct node *node);

#endif
