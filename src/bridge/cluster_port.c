/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_port.c - where the bridge meets its own cluster.
 *
 * In: catalog changes feed the RIB. Out: the RIB's chosen imports become our own advertisements, tagged
 * with their origin. Calls are the business of cluster_calls.c.
 */
#include "bridge/bridge_state.h"
#include "core/envelope.h"
#include "core/limits.h"

/* Tags of an imported function: policy's, and ours. */
#define ORIGIN_TAG_MAX (sizeof(ADVERTISEMENT_TAG_ORIGIN) + NAME_SIZE_MAX)

/* Catalog to RIB. */

static void
changed(void *owner, const struct catalog_change *change)
{
    struct bridge *bridge = owner;
    const struct function_endpoint endpoint = catalog_endpoint(change->entry);
    /* Whoever gave it up: another of our offers may have waited for its name, its id or its room. */
    bridge->names_freed = bridge->names_freed || change->kind == CATALOG_REMOVED;
    if (span_equal(endpoint.key.node_id, bridge->config.member.url)) {
        return;
    }
    switch (change->kind) {
    case CATALOG_ADDED:
        bridge->learnt_at = bridge->now.mono;
        rib_add_provider(bridge->rib, &endpoint);
        break;
    case CATALOG_CHANGED: {
        const struct function_endpoint old = catalog_endpoint(change->old);
        /* The new one first: an export that both belong to stays up. */
        rib_add_provider(bridge->rib, &endpoint);
        rib_remove_provider(bridge->rib, &old);
        break;
    }
    case CATALOG_REMOVED:
        rib_remove_provider(bridge->rib, &endpoint);
        break;
    }
}

bool
cluster_port_serves(void *owner, struct span name)
{
    const struct bridge *bridge = owner;
    if (bridge->member == NULL) {
        return false;
    }
    const struct catalog *catalog = member_catalog(bridge->member);
    const struct catalog_entry *entry = NULL;
    while ((entry = catalog_next_named(catalog, name, entry)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        struct span node_id = endpoint.key.node_id;
        if (!span_equal(node_id, bridge->config.member.url) && rib_is_own(&endpoint) &&
            member_connected(bridge->member, node_id)) {
            return true;
        }
    }
    return false;
}

/* Whether its functions can be called has changed: what we offer beside them may have to. */
static void
reached(void *owner, struct span node_id)
{
    struct bridge *bridge = owner;
    const struct catalog_node *node = catalog_find_node(member_catalog(bridge->member), node_id);
    const struct catalog_entry *entry = NULL;
    bridge->learnt_at = bridge->now.mono; /* what it knows comes next */
    while (node != NULL && (entry = catalog_next_of_node(node, entry)) != NULL) {
        rib_reconsider(bridge->rib, identity_name(entry->identity));
    }
    bridge->look_again = true;
}

static void
dial_failed(void *owner)
{
    struct bridge *bridge = owner;
    bridge->look_again = true;
}

/* RIB to cluster. */

static struct text_list
offered_tags(struct bridge *bridge, const struct advertisement *out)
{
    struct span *tags = arena_take(&bridge->arena, (out->tags.count + 1) * sizeof(*tags));
    struct span origin[] = { SPAN(ADVERTISEMENT_TAG_ORIGIN), out->origin };
    struct buf text;
    buf_init(&text, &bridge->mem, ORIGIN_TAG_MAX);
    buf_add(&text, origin[0]);
    buf_add(&text, origin[1]);
    struct span tag = text.overflowed ? SPAN_NONE : arena_copy(&bridge->arena, buf_span(&text));
    buf_destroy(&text);
    if (tags == NULL || tag.data == NULL) {
        return (struct text_list){ .count = 0 };
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < out->tags.count; i++) {
        /* What the far side sent under our prefix is not ours: it goes. */
        if (!span_starts_with(out->tags.items[i], SPAN(ADVERTISEMENT_TAG_RESERVED))) {
            tags[count++] = out->tags.items[i];
        }
    }
    tags[count++] = tag;
    return (struct text_list){ .items = tags, .count = count };
}

/* Once, not each time that it is tried in vain. */
static void
log_waiting(struct bridge *bridge, const struct rib_offer *offer, enum catalog_result result)
{
    if (offer->state == RIB_OFFER_CONFLICT || offer->state == RIB_OFFER_NO_ROOM) {
        return;
    }
    bool conflict = result == CATALOG_ID_CONFLICT;
    const struct function_identity identity = rib_offer_identity(offer);
    LOG_WARN(bridge->log, conflict ? "import.conflict" : "import.no_room",
        LOG_SPAN("function", identity.name), LOG_SPAN("function_id", identity.function_id),
        LOG_TEXT("reason", catalog_result_name(result)),
        LOG_TEXT("advice", conflict ? "rename it, or set its function_id, in the import policy"
                                    : "let fewer functions in, or give the bridge more memory"));
}

static enum rib_offer_state
make_offer(struct bridge *bridge, struct rib_offer *offer, struct now now)
{
    const struct advertisement out = rib_import_out(offer->chosen);
    struct member_offer made = {
        .identity = rib_offer_identity(offer),
        .resources = rib_offer_resources(offer),
        .tags = offered_tags(bridge, &out),
        .scope = out.scope,
        .context = offer,
    };
    if (made.tags.count == 0) {
        /* Without its origin tag another bridge would take it for a function of this cluster. */
        return RIB_OFFER_NO_ROOM;
    }
    enum catalog_result result = member_offer(bridge->member, &made, now);
    switch (result) {
    case CATALOG_OK:
    case CATALOG_REFRESHED:
        return RIB_OFFER_MADE;
    case CATALOG_ID_CONFLICT:
    case CATALOG_STALE:
    case CATALOG_EXPIRED:
    case CATALOG_FULL:
    case CATALOG_UNKNOWN:
        break;
    }
    log_waiting(bridge, offer, result);
    return result == CATALOG_ID_CONFLICT ? RIB_OFFER_CONFLICT : RIB_OFFER_NO_ROOM;
}

static void
settle_changes(struct bridge *bridge, struct now now)
{
    struct rib_offer *offer;
    while ((offer = rib_next_offer(bridge->rib)) != NULL) {
        enum rib_offer_state state = RIB_OFFER_NONE;
        if (offer->chosen != NULL && !bridge->stopping) {
            state = make_offer(bridge, offer, now);
        }
        if (state != RIB_OFFER_MADE && offer->state == RIB_OFFER_MADE) {
            const struct function_identity identity = rib_offer_identity(offer);
            const struct text_list resources = rib_offer_resources(offer);
            member_withdraw(bridge->member, &identity, &resources, PRUNE_WITHDRAWN);
        }
        rib_offer_done(bridge->rib, offer, state);
    }
}

void
cluster_port_settle(struct bridge *bridge, struct now now)
{
    settle_changes(bridge, now);
    /* Withdrawing may free a name again. It ends, since nothing is withdrawn that was not made before. */
    while (bridge->names_freed) {
        bridge->names_freed = false;
        rib_retry_offers(bridge->rib);
        settle_changes(bridge, now);
    }
}

/* Clients are not served here. */

static void
asked(void *owner, struct conn_id conn, const struct rpc_request *request, struct now now,
    struct actions *actions)
{
    struct bridge *bridge = owner;
    (void)now;
    buf_reset(&bridge->out);
    answer_encode_error(&bridge->out, CALL_INVALID, SPAN("RPC execution failed"),
        SPAN("\"this is a bridge and serves no clients; connect to a node of its cluster\""),
        request->u);
    struct span answer = bridge_composed(bridge);
    if (answer.size > 0) {
        actions_send(actions, conn, answer);
    }
}

static void
asked_other(void *owner, struct conn_id conn, const struct envelope *envelope, struct now now,
    struct actions *actions)
{
    struct bridge *bridge = owner;
    struct rpc_request request = { .u = envelope->u.size == 0 ? SPAN("unknown") : envelope->u };
    asked(bridge, conn, &request, now, actions);
}

static void
client_gone(void *owner, struct conn_id conn)
{
    (void)owner;
    (void)conn; /* nothing is kept for clients */
}

struct member_events
cluster_port_events(struct bridge *bridge)
{
    return (struct member_events){
        .owner = bridge,
        .asked = asked,
        .asked_other = asked_other,
        .called = cluster_calls_called,
        .answered = cluster_calls_answered,
        .client_gone = client_gone,
        .reached = reached,
        .dial_failed = dial_failed,
        .catalog = { .owner = bridge, .changed = changed },
    };
}
