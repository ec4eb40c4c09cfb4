/* SPDX-License-Identifier: Apache-2.0 */
/*
 * served.h - calls that other nodes make here (protocol.md 6.1).
 *
 * A function of a worker is executed, a built-in command answered at once. A call that is meant for
 * another node or cluster, or for what we do not offer, gets fabric_route_not_found at once: this
 * node forwards nothing. A call whose time is over is dropped without an answer: the caller has
 * given up, and a late answer would wander through the cluster.
 */
#ifndef NODE_SERVED_H
#define NODE_SERVED_H

#include "node/node_state.h"

struct served {
    struct list link; /* in node->served */
    struct work work;
    struct heap_node deadline;
    struct member_back *back;
};

void served_begin(
    struct node *node, const struct member_incoming *incoming, struct member_back *back);

/* The worker is done: `bytes` is the result, or reason and error_type of the event say why not. */
void served_end(struct node *node, struct served *served, const struct event *event);

void served_expire(struct node *node);

/* All that is open is refused (stopping), or merely freed. */
void served_refuse_all(struct node *node);
void served_free_all(struct node *node);

#endif
