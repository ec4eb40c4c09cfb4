/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_gossip.c - what others tell: who may say what, and passing it on.
 *
 * In strict mode an entry of another cluster is thrown away whoever brings it. Nobody but we speaks
 * about our own entries. Somebody else's news that a node is gone does not count while that node
 * itself is connected to us.
 */
#include "core/member_state.h"

#define CLOSE_BAD_MESSAGE 1007

static void
reject(struct member *member, enum prune_reason reason, const struct peer *peer,
    const struct function_key *key)
{
    member->stats.rejects[reason]++;
    LOG_DEBUG(member->log, "advertisement.rejected", LOG_SPAN("function", key->identity.name),
        LOG_TEXT("reason", prune_reason_name(reason)), LOG_SPAN("node", key->node_id),
        LOG_SPAN("cluster", key->cluster_id), LOG_SPAN("peer", peer_text_span(&peer->url)));
}

static bool
is_ours(const struct member *member, struct span node_id)
{
    return span_equal(node_id, member->config.url);
}

/* Whether an entry of this cluster and node may be here at all; counts what may not. */
static bool
belongs_here(struct member *member, struct span cluster_id, struct span node_id)
{
    if (isolation_judge(&member->config.isolation, cluster_id, node_id) == ISOLATION_NONE) {
        return true;
    }
    member->stats.isolation[ISOLATION_FOREIGN_ENTRY]++;
    return false;
}

static bool
said_goodbye(const struct member *member, struct span node_id, struct now now)
{
    const struct roster_node *node = roster_find(&member->roster, node_id);
    return node != NULL && roster_departed(node, SPAN_NONE, now.mono);
}

static bool
apply_removals(struct member *member, const struct delta *delta)
{
    bool changed = false;
    for (uint32_t i = 0; i < delta->function_removal_count; i++) {
        const struct function_key *key = &delta->function_removals[i];
        if (is_ours(member, key->node_id)) {
            /* An echo of our own withdrawal finds nothing; anything else is a lie to be mended. */
            if (catalog_find(member->catalog, key) != NULL) {
                member->stats.isolation[ISOLATION_FORGED_OWN_ENTRY]++;
                member_tell_again(member, key);
            }
            continue;
        }
        changed |= catalog_remove(member->catalog, key, PRUNE_WITHDRAWN) == CATALOG_OK;
    }
    return changed;
}

static bool
remove_node(struct member *member, const struct peer *peer, struct span node_id, struct now now)
{
    const struct roster_node *node = roster_find(&member->roster, node_id);
    bool itself = span_equal(node_id, peer_text_span(&peer->url));
    if (node != NULL && roster_connection(node).v != 0 && !itself) {
        member->stats.rejects[PRUNE_ISOLATION]++;
        LOG_WARN(member->log, "node.removal_ignored", LOG_SPAN("node", node_id),
            LOG_SPAN("peer", peer_text_span(&peer->url)),
            LOG_TEXT("reason", "the node is connected to us"));
        return false;
    }
    return catalog_remove_node(member->catalog, node_id, PRUNE_NODE_GOODBYE, now.wall) ==
           CATALOG_OK;
}

static bool
apply_node_removals(
    struct member *member, const struct peer *peer, const struct delta *delta, struct now now)
{
    bool changed = false;
    for (uint32_t i = 0; i < delta->node_removal_count; i++) {
        struct span node_id = delta->node_removals[i].node_id;
        if (is_ours(member, node_id)) {
            member->stats.isolation[ISOLATION_FORGED_OWN_ENTRY]++;
            member->describe = true;
        } else {
            changed |= remove_node(member, peer, node_id, now);
        }
    }
    return changed;
}

static void
count_rejected(struct member *member, enum catalog_result result, const struct peer *peer,
    const struct function_key *key)
{
    switch (result) {
    case CATALOG_OK:
    case CATALOG_REFRESHED:
    case CATALOG_STALE:
    case CATALOG_UNKNOWN:
        break;
    case CATALOG_EXPIRED:
        reject(member, PRUNE_TTL_EXPIRED, peer, key);
        break;
    case CATALOG_ID_CONFLICT:
        reject(member, PRUNE_FUNCTION_ID_CONFLICT, peer, key);
        break;
    case CATALOG_FULL:
        reject(member, PRUNE_LIMIT_EXCEEDED, peer, key);
        break;
    }
}

static bool
apply_functions(
    struct member *member, const struct peer *peer, const struct delta *delta, struct now now)
{
    bool changed = false;
    for (uint32_t i = 0; i < delta->function_count; i++) {
        const struct function_endpoint *endpoint = &delta->functions[i];
        const struct function_key *key = &endpoint->key;
        if (is_ours(member, key->node_id)) {
            bool echo = catalog_find(member->catalog, key) != NULL;
            bool withdrawn = endpoint->advertised_at.ns <= member->advertised_last.ns;
            member->stats.isolation[ISOLATION_FORGED_OWN_ENTRY] += !echo && !withdrawn;
            continue;
        }
        if (!belongs_here(member, key->cluster_id, key->node_id)) {
            reject(member, PRUNE_ISOLATION, peer, key);
            continue;
        }
        if (said_goodbye(member, key->node_id, now)) {
            continue;
        }
        enum catalog_result result = catalog_put(member->catalog, endpoint, now.wall);
        changed |= result == CATALOG_OK || result == CATALOG_REFRESHED;
        count_rejected(member, result, peer, key);
    }
    return changed;
}

/* A node that somebody told us of is a place to dial. */
static void
learn_node(struct member *member, const struct node_descriptor *descriptor)
{
    struct roster_node *node = roster_ensure(&member->roster, descriptor->key.node_id);
    if (node == NULL) {
        member->stats.rejects[PRUNE_LIMIT_EXCEEDED]++;
        return;
    }
    bool known = peer_text_set(&node->dial_url, descriptor->dial_url) &&
                 peer_text_set(&node->cluster_id, descriptor->key.cluster_id);
    node->described = known;
}

static bool
apply_nodes(struct member *member, const struct delta *delta, struct now now)
{
    bool changed = false;
    for (uint32_t i = 0; i < delta->node_count; i++) {
        const struct node_descriptor *descriptor = &delta->nodes[i];
        struct span node_id = descriptor->key.node_id;
        if (is_ours(member, node_id) || node_id.size == 0 ||
            !belongs_here(member, descriptor->key.cluster_id, node_id) ||
            said_goodbye(member, node_id, now)) {
            continue;
        }
        enum catalog_result result = catalog_put_node(member->catalog, descriptor, now.wall);
        if (result == CATALOG_OK || result == CATALOG_REFRESHED) {
            changed = true;
            learn_node(member, descriptor);
        }
        member->stats.rejects[PRUNE_LIMIT_EXCEEDED] += result == CATALOG_FULL;
        member->stats.rejects[PRUNE_TTL_EXPIRED] += result == CATALOG_EXPIRED;
    }
    return changed;
}

static bool
travelled_through(const struct gossip *gossip, struct span url)
{
    return text_list_has(&gossip->propagation_path, url) || text_list_has(&gossip->seen_by, url);
}

static void
pass_on(struct member *member, const struct peer *from, const struct envelope *envelope,
    const struct gossip *gossip, struct actions *actions)
{
    buf_reset(&member->out);
    gossip_encode_passed_on(&member->out, envelope, gossip, member->config.url);
    struct span message = member_composed(member, actions);
    if (message.size == 0) {
        return;
    }
    LIST_EACH (link, &member->roster.nodes) {
        const struct roster_node *node = CONTAINER_OF(link, const struct roster_node, link);
        struct conn_id conn = roster_connection(node);
        struct span url = peer_text_span(&node->url);
        if (conn.v != 0 && !span_equal(url, peer_text_span(&from->url)) &&
            !travelled_through(gossip, url)) {
            actions_send(actions, conn, message);
            member->stats.gossip_passed_on++;
        }
    }
}

static bool
apply_update(struct member *member, struct peer *peer, const struct envelope *envelope,
    const struct gossip *gossip, struct now now, struct actions *actions)
{
    struct message_scratch scratch = { .tape = &member->tape, .arena = actions->arena };
    struct message_fault fault;
    struct delta delta;
    enum message_result result = delta_decode(envelope, gossip, now.wall, &scratch, &delta, &fault);
    if (result == MESSAGE_TOO_LARGE) {
        /* A cap of ours, not of the wire: closing would cost us every peer that passes it on. */
        member->stats.rejects[PRUNE_LIMIT_EXCEEDED]++;
        LOG_WARN(member->log, "peer.gossip_too_large", LOG_SPAN("peer", peer_text_span(&peer->url)),
            LOG_TEXT("key", fault.key));
        return false;
    }
    if (result != MESSAGE_OK) {
        member->stats.malformed++;
        member->stats.rejects[PRUNE_INVALID]++;
        LOG_WARN(member->log, "peer.bad_gossip", LOG_SPAN("peer", peer_text_span(&peer->url)),
            LOG_TEXT("fault", message_result_name(result)), LOG_TEXT("key", fault.key));
        peer->state = PEER_CLOSING;
        actions_close(actions, peer->conn, CLOSE_BAD_MESSAGE, span_from_text(fault.key));
        return false;
    }
    bool changed = apply_removals(member, &delta);
    changed |= apply_node_removals(member, peer, &delta, now);
    changed |= apply_nodes(member, &delta, now);
    changed |= apply_functions(member, peer, &delta, now);
    return changed;
}

void
member_gossip(struct member *member, struct peer *peer, const struct envelope *envelope,
    const struct gossip *gossip, struct now now, struct actions *actions)
{
    bool worth = true;
    if (gossip->type == GOSSIP_CATALOG_UPDATE) {
        worth = apply_update(member, peer, envelope, gossip, now, actions);
    }
    if (worth && gossip_may_travel(gossip, member->config.url, now.wall) &&
        seen_add(member->seen, gossip->message_id)) {
        pass_on(member, peer, envelope, gossip, actions);
    }
}

/* Forget nodes whose descriptors have expired. */
void
member_sync_roster(struct member *member, struct now now)
{
    LIST_EACH (link, &member->roster.nodes) {
        struct roster_node *node = CONTAINER_OF(link, struct roster_node, link);
        const struct catalog_node *known =
            catalog_find_node(member->catalog, peer_text_span(&node->url));
        node->described = node->described && known != NULL && known->described;
        roster_forget_if_idle(&member->roster, node, now.mono);
    }
}
