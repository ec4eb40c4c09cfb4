/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.h - RoutingCatalogDelta, the payload of a catalog_update: functions and nodes that came, changed or went
 * (protocol.md 4.2).
 *
 * Topics, queues, services and caches travel in the same message; they are validated as JSON, passed on with it, and mean
 * nothing to us.
 */
#ifndef CORE_DELTA_H
#define CORE_DELTA_H

#include "core/gossip.h"

struct delta {
    struct span update_id;
    struct span cluster_id;
    struct wall sent_at;
    bool has_sent_at;
    const struct function_endpoint *functions;
    uint32_t function_count;
    const struct function_key *function_removals;
    uint32_t function_removal_count;
    const struct node_descriptor *nodes;
    uint32_t node_count;
    const struct node_key *node_removals;
    uint32_t node_removal_count;
};

/*
 * One bad item (a version "1.2.3-beta", a missing identity) spoils the whole message, as in the reference; the caller closes.
 * `received_at` stands for absent times. Defaults: scope zone, ttl 30 s.
 */
MUST_CHECK enum message_result delta_decode(const struct envelope *envelope,
    const struct gossip *gossip, struct wall received_at, struct message_scratch *scratch,
    struct delta *delta, struct message_fault *fault);

/* The payload object of a catalog_update. */
void delta_encode(struct buf *out, const struct delta *delta);

/* The items alone, as catalog_query and rpc_list show them too (protocol.md 5.3). */
struct json_writer;
void function_endpoint_encode(struct json_writer *writer, const struct function_endpoint *endpoint);
void node_descriptor_encode(struct json_writer *writer, const struct node_descriptor *node);
void function_identity_encode(struct json_writer *writer, const struct function_identity *identity);

#endif
