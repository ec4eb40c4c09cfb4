/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients.h - the connections that ask: which requests they have open, and what they subscribed to.
 *
 * A connection is known here only while it has a request open or a subscription. Publications reach
 * the subscribers of this node and nobody else: they are not carried to other nodes of the cluster,
 * nor are subscriptions advertised. A subscriber that does not read gets no notifications until it
 * has drained (EVENT_CONGESTED, EVENT_DRAINED); each one left out is logged.
 */
#ifndef NODE_CLIENTS_H
#define NODE_CLIENTS_H

#include "core/envelope.h"
#include "node/node_state.h"

struct client {
    struct conn_id conn;
    struct list requests;
    uint32_t request_count;
    struct list subscriptions;
    uint32_t subscription_count;
    bool congested;
};

/* Find or add. NULL: no memory. */
MUST_CHECK struct client *clients_ensure(struct node *node, struct conn_id conn);
struct client *clients_find(const struct node *node, struct conn_id conn);

/* Forget it if it has nothing open. */
void clients_forget_if_idle(struct node *node, struct client *client);

/* Its connection is gone: its subscriptions are; its requests must be. */
void clients_remove(struct node *node, struct client *client);

/* A message of a role other than rpc: publish, subscribe, unsubscribe, or nonsense. */
void clients_hear(struct node *node, struct conn_id conn, const struct envelope *envelope);

void clients_free_all(struct node *node);

#endif
