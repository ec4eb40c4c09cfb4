/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gossip.h - GossipMessage: the wrapper that carries deltas through a cluster, and how it is passed on (protocol.md 4.1).
 */
#ifndef CORE_GOSSIP_H
#define CORE_GOSSIP_H

#include "core/envelope.h"

enum gossip_type {
    GOSSIP_CATALOG_UPDATE = 0,
    GOSSIP_ROUTE_ADVERTISEMENT,
    GOSSIP_ROUTE_WITHDRAWAL,
    GOSSIP_OTHER_KNOWN, /* a type of protocol.md 4.1 that has no meaning for us */
};

struct gossip {
    struct span message_id;
    enum gossip_type type;
    struct span type_text;
    struct span sender_id;
    uint32_t payload; /* token of the payload object; 0: null or absent */
    int64_t sequence_number;
    int64_t ttl;
    int64_t hop_count;
    int64_t max_hops;
    bool has_expiry;
    struct wall expires_at; /* when has_expiry */
    struct wall created_at; /* .ns 0 when absent */
    struct text_list propagation_path;
    struct text_list seen_by;
    struct span vector_clock; /* raw JSON, or empty */
};

/* A type that protocol.md 4.1 does not list, a vector clock with an empty key or a negative value: MESSAGE_BAD_VALUE. */
MUST_CHECK enum message_result gossip_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct gossip *gossip, struct message_fault *fault);

/*
 * Whether to pass this message on, by the reference's rules: it is not expired, hops and ttl are left, and we (`own_url`) are in
 * neither list. That its id is new, and that a catalog_update changed something, is the caller's to know.
 */
bool gossip_may_travel(const struct gossip *gossip, struct span own_url, struct wall now);

/*
 * The message as we pass it on: sender_id is us, ttl - 1, hop_count + 1, we join the path; the payload is copied byte for byte
 * from `envelope`. digest and checksum are left out: nobody verifies them (protocol.md 4.1).
 */
void gossip_encode_passed_on(struct buf *out, const struct envelope *envelope,
    const struct gossip *gossip, struct span own_url);

/* A message of our own. */
struct gossip_header {
    struct span message_id;
    struct span type_text; /* "catalog_update" ... */
    struct span sender_id;
    int64_t sequence_number;
    bool
        travels; /* ttl 10, max_hops 5: receivers pass it on. Else ttl 0, max_hops 0, as for snapshots. */
    struct wall now;
};

/* Everything up to and with `"payload":`; the caller writes one value; then gossip_encode_end. */
void gossip_encode_begin(struct buf *out, const struct gossip_header *header);
void gossip_encode_end(struct buf *out, const struct gossip_header *header);

#endif
