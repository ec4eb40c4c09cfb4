/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isolation.h - who may become a peer, and the refusals when not (design.md 5; the reference's own
 * messages are in protocol.md 2).
 *
 * Strict: only the own cluster. Bridging: also clusters that are listed, or that a listed bridge
 * names (then, if it names nodes, only those nodes). Open: every cluster. A bridge process is always
 * strict: its federations meet on the link, never here.
 */
#ifndef CORE_ISOLATION_H
#define CORE_ISOLATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/function.h"

enum isolation_mode {
    ISOLATION_STRICT = 0,
    ISOLATION_BRIDGING,
    ISOLATION_OPEN,
};

/* A foreign cluster that may connect; nodes empty: any of its nodes. */
struct isolation_bridge {
    struct span cluster_id;
    struct text_list allowed_nodes;
};

struct isolation_rules {
    enum isolation_mode mode;
    struct span cluster_id; /* ours */
    struct text_list allowed_clusters;
    const struct isolation_bridge *bridges;
    uint32_t bridge_count;
};

/* Every way in which something is not let in; the metric label is isolation_reason_name(). */
enum isolation_reason {
    ISOLATION_NONE = 0,
    ISOLATION_FOREIGN_CLUSTER, /* STATUS of another cluster, strict */
    ISOLATION_NOT_ALLOWED,     /* STATUS of a cluster or node that no rule names, bridging */
    ISOLATION_DEPARTED,        /* STATUS of an instance that said goodbye a moment ago */
    ISOLATION_FIRST_GOSSIP,    /* gossip before the handshake (loophole 1) */
    ISOLATION_FIRST_FABRIC,    /* a call before the handshake (loophole 2) */
    ISOLATION_FIRST_GOODBYE,   /* GOODBYE before the handshake (loophole 4) */
    ISOLATION_FORGED_GOODBYE,  /* GOODBYE in another node's name (loophole 4) */
    ISOLATION_FORGED_SENDER,   /* gossip or an answer in another node's name (loophole 6) */
    ISOLATION_IDENTITY_CHANGED, /* a later STATUS names another node, cluster or instance (loophole 6) */
    ISOLATION_URL_TAKEN,        /* claims a URL where somebody else answers us */
    ISOLATION_OWN_URL,          /* claims our own URL */
    ISOLATION_FOREIGN_ENTRY,    /* an advertisement of another cluster inside gossip (loophole 1) */
    ISOLATION_FORGED_OWN_ENTRY, /* somebody advertises or removes what is ours */
    ISOLATION_CLIENT_AS_PEER,   /* server traffic on a client's connection */
    ISOLATION_DIALED_FOREIGN,   /* who answers at a seed belongs to another cluster (loophole 3) */
    ISOLATION_FOREIGN_CALL,     /* a call that names another cluster as its source (loophole 6) */
};

#define ISOLATION_REASON_COUNT (ISOLATION_FOREIGN_CALL + 1)

/* Whether `cluster_id`'s node `node_url` may be a peer: ISOLATION_NONE or the reason why not. */
enum isolation_reason isolation_judge(
    const struct isolation_rules *rules, struct span cluster_id, struct span node_url);

/*
 * The error message that the refused side is sent: the reference's own words where it has any,
 * else what happened and what to do. `cluster_id` is the far side's, `local` ours.
 */
void isolation_message(
    struct buf *out, enum isolation_reason reason, struct span local, struct span cluster_id);

/* A short text for the close frame and the log: what to do about it. At most 123 bytes. */
const char *isolation_hint(enum isolation_reason reason);

/*
 * Whether it counts as an attempt to get in. A real server that stops says STATUS once more after its
 * goodbye (protocol.md 3): ISOLATION_DEPARTED is refused like the others, and is no breach.
 */
bool isolation_is_breach(enum isolation_reason reason);

const char *isolation_reason_name(enum isolation_reason reason);

#endif
