/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_gossip.c - what others tell: who may say what, and passing it on.
 *
 * In strict mode an entry of another cluster is thrown away whoever brings it; in the other modes a
 * peer of another cluster does not speak for ours. Nobody but we speaks about our own entries: what
 * others say of them is answered with the truth. Somebody else's news that a node or a function of
 * it is gone do not count while that node itself is connected to us.
 */
#include "core/member_state.h"

#define CLOSE_BAD_MESSAGE 1007

/* An echo of what we said may come back with its time rounded; it is no lie for that. */
#define ECHO_ROUNDING_NS ((int64_t)MS_NS)

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

/* A peer of another cluster, where such are admitted, speaks for everybody but our cluster. */
static bool
speaks_for(const struct member *member, const struct peer *peer, struct span cluster_id)
{
    struct span own = member->config.cluster_id;
    return !span_equal(cluster_id, own) || span_equal(peer_text_span(&peer->cluster_id), own);
}

/* Whether an entry with this key may be here at all, told by this peer; counts what may not. */
static bool
belongs_here(struct member *member, const struct peer *peer, const struct node_key *key)
{
    if (speaks_for(member, peer, key->cluster_id) &&
        isolation_judge(&member->config.isolation, key->cluster_id, key->node_id) ==
            ISOLATION_NONE) {
        return true;
    }
    member->stats.isolation[ISOLATION_FOREIGN_ENTRY]++;
    return false;
}

static bool
tells_us_itself(const struct member *member, struct span node_id)
{
    const struct roster_node *node = roster_find(&member->roster, node_id);
    return node != NULL && member_connection(member, node).v != 0;
}

/*
 * What a connected node has taken back comes late by way of others, who are not believed when they tell that it is
 * gone: without this it would stay until its time runs out.
 */
static bool
is_outlived(
    const struct member *member, const struct peer *peer, const struct function_endpoint *endpoint)
{
    const struct function_key *key = &endpoint->key;
    const struct catalog_node *node = catalog_find_node(member->catalog, key->node_id);
    return node != NULL && endpoint->advertised_at.ns <= node->withdrawn.ns &&
           !peer_is_itself(peer, key->node_id) && tells_us_itself(member, key->node_id) &&
           catalog_find(member->catalog, key) == NULL;
}

/* News that something of this node is gone: its own, or of a node that cannot tell us itself. */
static bool
may_take_back(struct member *member, const struct peer *peer, struct span node_id)
{
    const struct catalog_node *known = catalog_find_node(member->catalog, node_id);
    bool itself = peer_is_itself(peer, node_id);
    bool tells = tells_us_itself(member, node_id);
    bool speaks = known == NULL || speaks_for(member, peer, known->descriptor.key.cluster_id);
    if (itself || (!tells && speaks)) {
        return true;
    }
    member->stats.rejects[PRUNE_ISOLATION]++;
    LOG_WARN(member->log, "removal.ignored", LOG_SPAN("node", node_id),
        LOG_SPAN("peer", peer_text_span(&peer->url)),
        LOG_TEXT("reason", tells ? "the node is connected to us" : "it is of our cluster"));
    return false;
}

static bool
said_goodbye(const struct member *member, struct span node_id, struct now now)
{
    const struct roster_node *node = roster_find(&member->roster, node_id);
    return node != NULL && roster_departed(node, SPAN_NONE, now.mono);
}

/*
 * Somebody contradicts what we say of ourselves. After a start it may be right about our former life:
 * real servers tell for some time that a node is gone which said goodbye. Later it is a lie.
 */
static void
count_contradiction(struct member *member, struct now now)
{
    if (instant_between(member->started_at, now.mono) < MEMBER_FORMER_LIFE_NS) {
        member->stats.outdated_own_entries++;
    } else {
        member->stats.isolation[ISOLATION_FORGED_OWN_ENTRY]++;
    }
}

static bool
apply_removals(
    struct member *member, const struct peer *peer, const struct delta *delta, struct now now)
{
    bool changed = false;
    for (uint32_t i = 0; i < delta->function_removal_count; i++) {
        const struct function_key *key = &delta->function_removals[i];
        if (catalog_find(member->catalog, key) == NULL) {
            /* Also the echo of a withdrawal, of our own and of others. */
            continue;
        }
        if (is_ours(member, key->node_id)) {
            count_contradiction(member, now);
            member_tell_again(member, key);
        } else if (may_take_back(member, peer, key->node_id)) {
            changed |= catalog_remove(member->catalog, key, PRUNE_WITHDRAWN) == CATALOG_OK;
        }
    }
    return changed;
}

static bool
knows_node(const struct member *member, struct span node_id)
{
    const struct catalog_node *node = catalog_find_node(member->catalog, node_id);
    return node != NULL && (node->described || catalog_next_of_node(node, NULL) != NULL);
}

static bool
apply_node_removals(
    struct member *member, const struct peer *peer, const struct delta *delta, struct now now)
{
    bool changed = false;
    for (uint32_t i = 0; i < delta->node_removal_count; i++) {
        struct span node_id = delta->node_removals[i].node_id;
        if (is_ours(member, node_id)) {
            /* Who believed it has dropped our functions as well. */
            count_contradiction(member, now);
            member->describe = true;
            member_tell_all_again(member);
        } else if (knows_node(member, node_id) && may_take_back(member, peer, node_id)) {
            changed |= catalog_remove_node(
                           member->catalog, node_id, PRUNE_NODE_GOODBYE, now.wall) == CATALOG_OK;
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

/* An advertisement of ours that comes from outside: an echo, or a lie to be mended. */
static void
hear_own_function(struct member *member, const struct function_endpoint *endpoint, struct now now)
{
    const struct catalog_entry *entry = catalog_find(member->catalog, &endpoint->key);
    struct wall told = entry == NULL ? member->advertised_last : entry->advertised_at;
    if (endpoint->advertised_at.ns <= told.ns + ECHO_ROUNDING_NS) {
        return;
    }
    count_contradiction(member, now);
    if (entry != NULL) {
        member_outbid(member, endpoint->advertised_at, now.wall);
        member_tell_again(member, &endpoint->key);
    }
}

static void
hear_own_descriptor(struct member *member, const struct node_descriptor *descriptor, struct now now)
{
    const struct catalog_node *self = catalog_find_node(member->catalog, member->config.url);
    bool known = self != NULL && self->described;
    if (known &&
        descriptor->advertised_at.ns > self->descriptor.advertised_at.ns + ECHO_ROUNDING_NS) {
        count_contradiction(member, now);
        member_outbid(member, descriptor->advertised_at, now.wall);
        member->describe = true;
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
        if (i + 1 < delta->function_count) {
            /* It comes from far away in memory, while this one is put. */
            catalog_prefetch(member->catalog, &endpoint[1].key);
        }
        const struct node_key node = { .cluster_id = key->cluster_id, .node_id = key->node_id };
        if (is_ours(member, key->node_id)) {
            hear_own_function(member, endpoint, now);
            continue;
        }
        if (!belongs_here(member, peer, &node)) {
            reject(member, PRUNE_ISOLATION, peer, key);
            continue;
        }
        if (key->node_id.size == 0) {
            /* Nobody could ever be called. */
            reject(member, PRUNE_INVALID, peer, key);
            continue;
        }
        if (said_goodbye(member, key->node_id, now) || is_outlived(member, peer, endpoint)) {
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
learn_node(struct member *member, const struct node_descriptor *descriptor, struct now now)
{
    struct roster_node *node = roster_ensure(&member->roster, descriptor->key.node_id);
    if (node == NULL) {
        member->stats.rejects[PRUNE_LIMIT_EXCEEDED]++;
        return;
    }
    if (!node->described) {
        roster_became_known(node, now.mono);
    }
    /* A seed is dialed where the configuration says, whatever the cluster thinks of it. */
    bool known = node->seed || peer_text_set(&node->dial_url, descriptor->dial_url);
    node->described = known && peer_text_set(&node->cluster_id, descriptor->key.cluster_id);
}

static bool
apply_nodes(
    struct member *member, const struct peer *peer, const struct delta *delta, struct now now)
{
    bool changed = false;
    for (uint32_t i = 0; i < delta->node_count; i++) {
        const struct node_descriptor *descriptor = &delta->nodes[i];
        struct span node_id = descriptor->key.node_id;
        if (is_ours(member, node_id)) {
            hear_own_descriptor(member, descriptor, now);
            continue;
        }
        if (node_id.size == 0 || !belongs_here(member, peer, &descriptor->key) ||
            said_goodbye(member, node_id, now)) {
            continue;
        }
        enum catalog_result result = catalog_put_node(member->catalog, descriptor, now.wall);
        if (result == CATALOG_OK || result == CATALOG_REFRESHED) {
            changed = true;
            learn_node(member, descriptor, now);
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
        struct conn_id conn = member_connection(member, node);
        struct span url = peer_text_span(&node->url);
        bool has_it = span_equal(url, peer_text_span(&from->url)) || travelled_through(gossip, url);
        if (conn.v != 0 && !has_it && message.size <= member_size_limit(member, conn)) {
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
    bool changed = apply_removals(member, peer, &delta, now);
    changed |= apply_node_removals(member, peer, &delta, now);
    changed |= apply_nodes(member, peer, &delta, now);
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
