/* SPDX-License-Identifier: Apache-2.0 */
/* isolation.c - the rule of who may be a peer, and the words for each refusal. */
#include "core/isolation.h"

static enum isolation_reason
judge_bridging(const struct isolation_rules *rules, struct span cluster_id, struct span node_url)
{
    if (text_list_has(&rules->allowed_clusters, cluster_id)) {
        return ISOLATION_NONE;
    }
    for (uint32_t i = 0; i < rules->bridge_count; i++) {
        const struct isolation_bridge *bridge = &rules->bridges[i];
        bool named =
            bridge->allowed_nodes.count == 0 || text_list_has(&bridge->allowed_nodes, node_url);
        if (named && span_equal(bridge->cluster_id, cluster_id)) {
            return ISOLATION_NONE;
        }
    }
    return ISOLATION_NOT_ALLOWED;
}

enum isolation_reason
isolation_judge(const struct isolation_rules *rules, struct span cluster_id, struct span node_url)
{
    if (span_equal(rules->cluster_id, cluster_id)) {
        return ISOLATION_NONE;
    }
    switch (rules->mode) {
    case ISOLATION_STRICT:
        return ISOLATION_FOREIGN_CLUSTER;
    case ISOLATION_BRIDGING:
        return judge_bridging(rules, cluster_id, node_url);
    case ISOLATION_OPEN:
        return ISOLATION_NONE;
    }
    return ISOLATION_FOREIGN_CLUSTER;
}

void
isolation_message(
    struct buf *out, enum isolation_reason reason, struct span local, struct span cluster_id)
{
    if (reason == ISOLATION_FOREIGN_CLUSTER) {
        buf_add_text(out, "Connection rejected: cluster_id mismatch. Local: ");
        buf_add(out, local);
        buf_add_text(out, ", Remote: ");
        buf_add(out, cluster_id);
        buf_add_text(out, ". Cross-federation connections not allowed in current federation mode.");
    } else if (reason == ISOLATION_NOT_ALLOWED) {
        buf_add_text(out, "Connection rejected: cluster '");
        buf_add(out, cluster_id);
        buf_add_text(out, "' not in allowed foreign clusters list.");
    } else if (reason == ISOLATION_DEPARTED) {
        buf_add_text(out, "Peer is marked departed");
    } else {
        buf_add_text(out, "Connection rejected: ");
        buf_add_text(out, isolation_hint(reason));
    }
}

const char *
isolation_hint(enum isolation_reason reason)
{
    switch (reason) {
    case ISOLATION_NONE:
        return "admitted";
    case ISOLATION_FOREIGN_CLUSTER:
        return "this cluster is another federation; use a bridge";
    case ISOLATION_NOT_ALLOWED:
        return "cluster or node is not in the allowed list; use a bridge";
    case ISOLATION_DEPARTED:
        return "this instance said goodbye; start anew with another instance_id";
    case ISOLATION_FIRST_GOSSIP:
        return "gossip before STATUS; shake hands first";
    case ISOLATION_FIRST_FABRIC:
        return "fabric message before STATUS; shake hands first, from another federation use a "
               "bridge";
    case ISOLATION_FIRST_GOODBYE:
        return "GOODBYE before STATUS; say it on your own connection";
    case ISOLATION_FORGED_GOODBYE:
        return "GOODBYE names another node than this connection's";
    case ISOLATION_FORGED_SENDER:
        return "sender_id is not the node that shook hands here";
    case ISOLATION_IDENTITY_CHANGED:
        return "STATUS names another node, cluster or instance than before";
    case ISOLATION_URL_TAKEN:
        return "another instance answers at this server_url; give each node its own";
    case ISOLATION_OWN_URL:
        return "server_url is the one of the node you dialed; give each node its own";
    case ISOLATION_FOREIGN_ENTRY:
        return "advertisement of another cluster; use a bridge";
    case ISOLATION_FORGED_OWN_ENTRY:
        return "advertisement or removal in our own name";
    case ISOLATION_CLIENT_AS_PEER:
        return "server message on a client connection; open another one with STATUS first";
    case ISOLATION_DIALED_FOREIGN:
        return "the node that answered belongs to another federation; use a bridge";
    case ISOLATION_FOREIGN_CALL:
        return "call of another cluster; use a bridge";
    }
    return "rejected";
}

bool
isolation_is_breach(enum isolation_reason reason)
{
    return reason != ISOLATION_NONE && reason != ISOLATION_DEPARTED;
}

const char *
isolation_reason_name(enum isolation_reason reason)
{
    switch (reason) {
    case ISOLATION_NONE:
        return "none";
    case ISOLATION_FOREIGN_CLUSTER:
        return "foreign_cluster";
    case ISOLATION_NOT_ALLOWED:
        return "not_allowed";
    case ISOLATION_DEPARTED:
        return "departed";
    case ISOLATION_FIRST_GOSSIP:
        return "first_gossip";
    case ISOLATION_FIRST_FABRIC:
        return "first_fabric";
    case ISOLATION_FIRST_GOODBYE:
        return "first_goodbye";
    case ISOLATION_FORGED_GOODBYE:
        return "forged_goodbye";
    case ISOLATION_FORGED_SENDER:
        return "forged_sender";
    case ISOLATION_IDENTITY_CHANGED:
        return "identity_changed";
    case ISOLATION_URL_TAKEN:
        return "url_taken";
    case ISOLATION_OWN_URL:
        return "own_url";
    case ISOLATION_FOREIGN_ENTRY:
        return "foreign_entry";
    case ISOLATION_FORGED_OWN_ENTRY:
        return "forged_own_entry";
    case ISOLATION_CLIENT_AS_PEER:
        return "client_as_peer";
    case ISOLATION_DIALED_FOREIGN:
        return "dialed_foreign";
    case ISOLATION_FOREIGN_CALL:
        return "foreign_call";
    }
    return "unknown";
}
