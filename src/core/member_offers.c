/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_offers.c - what this process offers: put into the catalog like everybody's, kept fresh, and told
 * to the cluster in small batches (a large one freezes a real server, protocol.md 4.3).
 *
 * A change marks its offer as untold; the flush at the end of the step sends what is untold to one
 * connection of each node that is up. With nobody up there is nothing to send: whoever comes gets a
 * snapshot.
 */
#include <string.h>

#include "core/json_write.h"
#include "core/member_state.h"

/* How many batches one step may send; the rest follows with the next tick, at once. */
#define FLUSH_BATCHES_MAX 2u

#define CLOSE_GOING_AWAY 1001

static struct function_key
offer_key(const struct member *member, const struct function_identity *identity,
    const struct text_list *resources)
{
    return (struct function_key){
        .cluster_id = member->config.cluster_id,
        .node_id = member->config.url,
        .identity = *identity,
        .resources = *resources,
    };
}

static struct function_key
key_of(const struct member *member, const struct offer *offer)
{
    const struct function_identity identity = identity_view(offer->identity);
    return offer_key(member, &identity, &offer->resources);
}

static struct offer *
offer_create(struct member *member, const struct member_offer *from)
{
    struct identity *identity = identity_hold(member->mem, &from->identity);
    size_t size = sizeof(struct offer) + text_list_size(&from->resources);
    struct offer *offer = identity == NULL ? NULL : mem_take(member->mem, size);
    if (offer == NULL) {
        identity_release(identity);
        return NULL;
    }
    struct packer packer = pack_into(offer + 1, size - sizeof(*offer));
    struct span *resources = pack_spans(&packer, from->resources.count);
    offer->size = size;
    offer->context = from->context;
    offer->identity = identity;
    offer->resources = text_list_pack(&packer, resources, &from->resources);
    pack_done(&packer);
    list_init(&offer->untold);
    return offer;
}

static void
offer_free(struct member *member, struct offer *offer)
{
    heap_remove(&member->refreshes, &offer->refresh);
    list_remove(&offer->untold);
    identity_release(offer->identity);
    mem_give(member->mem, offer, offer->size);
}

void
member_free_offers(struct member *member)
{
    const struct catalog_node *self = catalog_find_node(member->catalog, member->config.url);
    const struct catalog_entry *entry = NULL;
    while (self != NULL && (entry = catalog_next_of_node(self, entry)) != NULL) {
        offer_free(member, entry->context);
    }
    LIST_EACH (link, &member->taken_back) {
        offer_free(member, CONTAINER_OF(link, struct offer, untold));
    }
}

static void
mark_untold(struct member *member, struct offer *offer)
{
    list_remove(&offer->untold);
    list_push(&member->untold, &offer->untold);
}

/* Spread over the period, so that many offers made at once do not come back at once. */
static bool
schedule_refresh(struct member *member, struct offer *offer, struct instant now)
{
    uint64_t quarter = MEMBER_REFRESH_NS / 4;
    uint64_t delay = MEMBER_REFRESH_NS - quarter + prng_below(member->prng, 2 * quarter);
    struct instant at = instant_after(now, delay);
    return heap_set(&member->refreshes, &offer->refresh, (int64_t)at.ns);
}

static enum catalog_result
add_offer(struct member *member, const struct member_offer *from,
    const struct function_endpoint *endpoint, struct now now)
{
    struct offer *offer = offer_create(member, from);
    if (offer == NULL || !schedule_refresh(member, offer, now.mono)) {
        if (offer != NULL) {
            offer_free(member, offer);
        }
        return CATALOG_FULL;
    }
    struct function_endpoint sharing = *endpoint;
    sharing.key.identity = identity_view(offer->identity);
    enum catalog_result result = catalog_put(member->catalog, &sharing, now.wall);
    if (result != CATALOG_OK) {
        offer_free(member, offer);
        return result;
    }
    catalog_set_context(member->catalog, &endpoint->key, offer);
    mark_untold(member, offer);
    return CATALOG_OK;
}

enum catalog_result
member_offer(struct member *member, const struct member_offer *from, struct now now)
{
    struct function_endpoint endpoint = {
        .key = offer_key(member, &from->identity, &from->resources),
        .scope = from->scope.size == 0 ? SPAN("zone") : from->scope,
        .tags = from->tags,
        .advertised_at = member_advertising_time(member, now.wall),
        .ttl_ns = MEMBER_TTL_NS,
        .rpc_summary = from->rpc_summary,
    };
    catalog_prefetch(member->catalog, &endpoint.key); /* from three places at once */
    const struct catalog_entry *known = catalog_find(member->catalog, &endpoint.key);
    if (known == NULL) {
        return add_offer(member, from, &endpoint, now);
    }
    struct offer *offer = known->context;
    enum catalog_result result = catalog_put(member->catalog, &endpoint, now.wall);
    if (result == CATALOG_OK || result == CATALOG_REFRESHED) {
        offer->context = from->context;
        mark_untold(member, offer);
    }
    return result;
}

enum catalog_result
member_withdraw(struct member *member, const struct function_identity *identity,
    const struct text_list *resources, enum prune_reason reason)
{
    struct function_key key = offer_key(member, identity, resources);
    const struct catalog_entry *entry = catalog_find(member->catalog, &key);
    if (entry == NULL) {
        return CATALOG_UNKNOWN;
    }
    struct offer *offer = entry->context;
    heap_remove(&member->refreshes, &offer->refresh);
    list_remove(&offer->untold);
    list_push(&member->taken_back, &offer->untold);
    offer->context = NULL;
    return catalog_remove(member->catalog, &key, reason);
}

/* Somebody told the cluster that one of our functions is gone: say that it is not. */
void
member_tell_again(struct member *member, const struct function_key *key)
{
    const struct catalog_entry *entry = catalog_find(member->catalog, key);
    if (entry != NULL) {
        struct offer *offer = entry->context;
        bool due = heap_set(&member->refreshes, &offer->refresh, 0);
        CHECK(due);
    }
}

void
member_tell_all_again(struct member *member)
{
    const struct catalog_node *self = catalog_find_node(member->catalog, member->config.url);
    const struct catalog_entry *entry = NULL;
    while (self != NULL && (entry = catalog_next_of_node(self, entry)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        member_tell_again(member, &endpoint.key);
    }
}

/*
 * A jump of the wall clock may carry it over the ends of our own offers before their refresh is due:
 * they are renewed then. What we offer is never expired.
 */
static void
renew_overtaken(struct member *member, struct now now)
{
    const struct catalog_node *self = catalog_find_node(member->catalog, member->config.url);
    const struct catalog_entry *entry = NULL;
    bool overtaken = self != NULL && catalog_deadline(member->catalog).ns <= now.wall.ns;
    while (overtaken && (entry = catalog_next_of_node(self, entry)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        if (!function_alive(endpoint.advertised_at, endpoint.ttl_ns, now.wall)) {
            member_tell_again(member, &endpoint.key);
            member->describe = true;
        }
    }
}

void
member_refresh_due(struct member *member, struct now now)
{
    renew_overtaken(member, now);
    struct heap_node *due;
    while ((due = heap_first(&member->refreshes)) != NULL && (uint64_t)due->at <= now.mono.ns) {
        struct offer *offer = CONTAINER_OF(due, struct offer, refresh);
        struct function_key key = key_of(member, offer);
        const struct catalog_entry *entry = catalog_find(member->catalog, &key);
        CHECK(entry != NULL);
        struct function_endpoint endpoint = catalog_endpoint(entry);
        endpoint.advertised_at = member_advertising_time(member, now.wall);
        enum catalog_result result = catalog_put(member->catalog, &endpoint, now.wall);
        CHECK(result == CATALOG_REFRESHED);
        bool scheduled = schedule_refresh(member, offer, now.mono);
        CHECK(scheduled);
        mark_untold(member, offer);
    }
}

/* Telling. */

static struct span
message_id(struct member *member, struct actions *actions)
{
    struct span unique = member_unique(member, actions->arena);
    struct span url = member->config.url;
    uint8_t *text = arena_take(actions->arena, url.size + 1 + unique.size);
    if (text == NULL) {
        return unique;
    }
    memcpy(text, url.data, url.size);
    text[url.size] = ':';
    memcpy(text + url.size + 1, unique.data, unique.size);
    return span_from(text, url.size + 1 + unique.size);
}

/* false: more than every connection takes. */
static bool
compose_delta(struct member *member, struct delta *delta, bool travels, struct now now,
    struct actions *actions)
{
    struct gossip_header header = {
        .message_id = message_id(member, actions),
        .type_text = SPAN("catalog_update"),
        .sender_id = member->config.url,
        .sequence_number = ++member->sequence_number,
        .travels = travels,
        .now = now.wall,
    };
    delta->update_id = header.message_id;
    delta->cluster_id = member->config.cluster_id;
    delta->sent_at = now.wall;
    delta->has_sent_at = true;
    buf_reset(&member->out);
    gossip_encode_begin(&member->out, &header);
    delta_encode(&member->out, delta);
    gossip_encode_end(&member->out, &header);
    return !member->out.overflowed && member->out.size <= DIALED_MESSAGE_SIZE_MAX;
}

/*
 * `can_wait`: who is slow need not be told now, but has to be told all that there is once it has read what is queued.
 * Else a table that grows faster than it reads would cost it its connection.
 */
static void
broadcast(struct member *member, struct span message, bool can_wait, struct actions *actions)
{
    if (message.size == 0) {
        return;
    }
    LIST_EACH (link, &member->roster.nodes) {
        const struct roster_node *node = CONTAINER_OF(link, const struct roster_node, link);
        struct peer *peer = member_peer(member, member_connection(member, node));
        if (peer != NULL && peer->congested && can_wait) {
            peer->behind = true;
        } else if (peer != NULL) {
            actions_send(actions, peer->conn, message);
        }
    }
}

/* `count` items from `start` on of the one list that `whole` has. */
static struct delta
delta_part(const struct delta *whole, uint32_t start, uint32_t count)
{
    if (whole->function_count > 0) {
        return (struct delta){ .functions = &whole->functions[start], .function_count = count };
    }
    if (whole->node_count > 0) {
        return (struct delta){ .nodes = &whole->nodes[start], .node_count = count };
    }
    if (whole->node_removal_count > 0) {
        return (struct delta){ .node_removals = &whole->node_removals[start],
            .node_removal_count = count };
    }
    return (struct delta){ .function_removals = &whole->function_removals[start],
        .function_removal_count = count };
}

static uint32_t
delta_count(const struct delta *whole)
{
    return whole->function_count + whole->node_count + whole->function_removal_count +
           whole->node_removal_count;
}

/* Functions can wait; that one is gone cannot. */
static void
send_composed(
    struct member *member, struct conn_id conn, const struct delta *whole, struct actions *actions)
{
    if (conn.v == 0) {
        bool can_wait = whole->function_count > 0;
        broadcast(member, member_composed(member, actions), can_wait, actions);
    } else {
        member_send(member, conn, actions);
    }
}

/* What is too large even alone harms nobody else: it is not told. */
static void
report_too_large(struct member *member)
{
    member->stats.rejects[PRUNE_LIMIT_EXCEEDED]++;
    LOG_WARN(member->log, "advertisement.too_large", LOG_SPAN("node", member->config.url),
        LOG_U64("bytes", member->out.size));
}

/*
 * Tell a list to one connection, or with CONN_NONE to everybody, in as many messages as it takes for
 * every connection to take them.
 */
static void
tell(struct member *member, struct conn_id conn, const struct delta *whole, struct now now,
    struct actions *actions)
{
    uint32_t count = delta_count(whole);
    uint32_t part_count = 0;
    for (uint32_t start = 0; start < count; start += part_count) {
        bool fits = false;
        part_count = (count - start) * 2;
        while (!fits && part_count > 1) {
            part_count /= 2;
            struct delta part = delta_part(whole, start, part_count);
            fits = compose_delta(member, &part, conn.v == 0, now, actions);
        }
        if (fits) {
            send_composed(member, conn, whole, actions);
        } else {
            report_too_large(member);
        }
    }
}

static bool
anybody_up(const struct member *member)
{
    LIST_EACH (link, &member->roster.nodes) {
        const struct roster_node *node = CONTAINER_OF(link, const struct roster_node, link);
        if (member_connection(member, node).v != 0) {
            return true;
        }
    }
    return false;
}

static struct node_descriptor
own_descriptor(struct member *member, struct arena *arena, struct now now)
{
    struct span url = member->config.url;
    bool secure = span_starts_with(url, SPAN("wss://"));
    struct span place = span_after(url, secure ? 6 : 5);
    size_t colon = place.size;
    while (colon > 0 && place.data[colon - 1] != ':') {
        colon--;
    }
    struct buf text;
    buf_init(&text, member->mem, 4 * NAME_SIZE_MAX);
    struct json_writer writer = json_write_into(&text);
    json_begin_array(&writer);
    json_begin_object(&writer);
    json_write_key(&writer, "connection_type");
    json_write_text(&writer, "internal");
    json_write_key(&writer, "protocol");
    json_write_text(&writer, secure ? "wss" : "ws");
    json_write_key(&writer, "host");
    json_write_string(&writer, span_part(place, 0, colon == 0 ? place.size : colon - 1));
    json_write_key(&writer, "port");
    json_write_raw(&writer, colon == 0 ? SPAN("0") : span_after(place, colon));
    json_write_key(&writer, "endpoint");
    json_write_string(&writer, url);
    json_end_object(&writer);
    json_end_array(&writer);
    struct span endpoints = text.overflowed ? SPAN("[]") : arena_copy(arena, buf_span(&text));
    buf_destroy(&text);
    return (struct node_descriptor){
        .key = { .cluster_id = member->config.cluster_id, .node_id = url },
        .region = member->config.region,
        .scope = SPAN("zone"),
        .tags = member->config.tags,
        .resources = member->config.resources,
        .capabilities = member->config.capabilities,
        .transport_endpoints = endpoints,
        .dial_url = url,
        .advertised_at = member_advertising_time(member, now.wall),
        .ttl_ns = MEMBER_TTL_NS,
    };
}

static void
flush_descriptor(struct member *member, struct now now, struct actions *actions)
{
    struct node_descriptor self = own_descriptor(member, actions->arena, now);
    enum catalog_result result = catalog_put_node(member->catalog, &self, now.wall);
    if (result != CATALOG_OK && result != CATALOG_REFRESHED) {
        LOG_WARN(member->log, "member.not_described", LOG_SPAN("node", member->config.url),
            LOG_TEXT("reason", catalog_result_name(result)));
    }
    const struct delta delta = { .nodes = &self, .node_count = 1 };
    tell(member, CONN_NONE, &delta, now, actions);
    member->describe = false;
}

static bool
flush_taken_back(struct member *member, bool heard, struct now now, struct actions *actions)
{
    struct function_key *keys = arena_take(actions->arena, GOSSIP_BATCH_COUNT * sizeof(*keys));
    if (keys == NULL) {
        member->stats.actions_lost++;
        return false;
    }
    uint32_t count = 0;
    LIST_EACH (link, &member->taken_back) {
        if (count == GOSSIP_BATCH_COUNT) {
            break;
        }
        const struct offer *offer = CONTAINER_OF(link, const struct offer, untold);
        keys[count++] = key_of(member, offer);
    }
    if (heard) {
        const struct delta delta = { .function_removals = keys, .function_removal_count = count };
        tell(member, CONN_NONE, &delta, now, actions);
    }
    for (uint32_t i = 0; i < count; i++) {
        offer_free(member, CONTAINER_OF(member->taken_back.next, struct offer, untold));
    }
    return count > 0;
}

static bool
flush_untold(struct member *member, struct now now, struct actions *actions)
{
    struct function_endpoint *endpoints =
        arena_take(actions->arena, GOSSIP_BATCH_COUNT * sizeof(*endpoints));
    if (endpoints == NULL) {
        member->stats.actions_lost++;
        return false;
    }
    uint32_t count = 0;
    LIST_EACH (link, &member->untold) {
        if (count == GOSSIP_BATCH_COUNT) {
            break;
        }
        struct offer *offer = CONTAINER_OF(link, struct offer, untold);
        struct function_key key = key_of(member, offer);
        const struct catalog_entry *entry = catalog_find(member->catalog, &key);
        CHECK(entry != NULL);
        endpoints[count++] = catalog_endpoint(entry);
        list_remove(&offer->untold);
    }
    const struct delta delta = { .functions = endpoints, .function_count = count };
    tell(member, CONN_NONE, &delta, now, actions);
    return count > 0;
}

void
member_flush(struct member *member, struct now now, struct actions *actions)
{
    if (member->leaving) {
        return;
    }
    bool quiet =
        !member->describe && list_empty(&member->untold) && list_empty(&member->taken_back);
    if (quiet) {
        return;
    }
    bool heard = anybody_up(member);
    if (member->describe) {
        flush_descriptor(member, now, actions);
    }
    uint32_t batches = 0;
    while (!list_empty(&member->taken_back) && batches++ < FLUSH_BATCHES_MAX) {
        if (!flush_taken_back(member, heard, now, actions)) {
            return;
        }
    }
    if (!heard) {
        LIST_EACH (link, &member->untold) {
            list_remove(link);
        }
    }
    while (!list_empty(&member->untold) && batches++ < FLUSH_BATCHES_MAX) {
        if (!flush_untold(member, now, actions)) {
            return;
        }
    }
}

/*
 * The whole catalog for one who has just come: nodes, then functions, not to be passed on. In pieces, since calls wait
 * while we compose; what changes meanwhile is told as it changes.
 */

static void
snapshot_nodes(struct member *member, struct conn_id conn, struct now now, struct actions *actions)
{
    struct node_descriptor *nodes = arena_take(actions->arena, GOSSIP_BATCH_COUNT * sizeof(*nodes));
    size_t cursor = 0;
    const struct catalog_node *node =
        nodes == NULL ? NULL : catalog_next_node(member->catalog, &cursor);
    while (node != NULL) {
        uint32_t count = 0;
        for (; node != NULL && count < GOSSIP_BATCH_COUNT;
             node = catalog_next_node(member->catalog, &cursor)) {
            nodes[count++] = node->descriptor;
        }
        const struct delta delta = { .nodes = nodes, .node_count = count };
        tell(member, conn, &delta, now, actions);
    }
}

/* Of the functions, as many as one step may send. */
static void
snapshot_piece(struct member *member, struct peer *peer, struct now now, struct actions *actions)
{
    struct function_endpoint *endpoints =
        arena_take(actions->arena, GOSSIP_BATCH_COUNT * sizeof(*endpoints));
    if (endpoints == NULL) {
        member->stats.actions_lost++;
        return;
    }
    const struct catalog_entry *entry = NULL;
    for (uint32_t batch = 0; batch < FLUSH_BATCHES_MAX && peer->snapshot.at != NULL; batch++) {
        uint32_t count = 0;
        while (count < GOSSIP_BATCH_COUNT &&
               (entry = catalog_walk_next(member->catalog, &peer->snapshot)) != NULL) {
            endpoints[count++] = catalog_endpoint(entry);
        }
        const struct delta delta = { .functions = endpoints, .function_count = count };
        tell(member, peer->conn, &delta, now, actions);
    }
    /* Behind the others. */
    list_remove(&peer->in_snapshots);
    if (peer->snapshot.at != NULL || peer->behind) {
        list_push(&member->snapshots, &peer->in_snapshots);
    }
}

/* Not before the one that is under way is over: one that began anew each time might never come to what is oldest. */
static void
begin_functions(struct member *member, struct peer *peer)
{
    if (peer->snapshot.at == NULL) {
        catalog_walk_begin(member->catalog, &peer->snapshot);
        peer->behind = false;
    }
}

void
member_begin_snapshot(
    struct member *member, struct peer *peer, struct now now, struct actions *actions)
{
    snapshot_nodes(member, peer->conn, now, actions);
    begin_functions(member, peer);
    snapshot_piece(member, peer, now, actions);
}

/* NULL: nobody can take more now. */
static struct peer *
next_snapshot(const struct member *member)
{
    LIST_EACH (link, &member->snapshots) {
        struct peer *peer = CONTAINER_OF(link, struct peer, in_snapshots);
        if (!peer->congested) {
            return peer;
        }
    }
    return NULL;
}

void
member_snapshot_due(struct member *member, struct now now, struct actions *actions)
{
    struct peer *peer = next_snapshot(member);
    if (peer != NULL && peer->state == PEER_UP) {
        begin_functions(member, peer);
        snapshot_piece(member, peer, now, actions);
    } else if (peer != NULL) {
        member_end_snapshot(peer);
    }
}

bool
member_owes_snapshot(const struct member *member)
{
    return next_snapshot(member) != NULL;
}

void
member_note_congestion(struct member *member, struct peer *peer, bool congested)
{
    peer->congested = congested;
    if (peer->behind && peer->snapshot.at == NULL) {
        list_remove(&peer->in_snapshots);
        list_push(&member->snapshots, &peer->in_snapshots);
    }
}

void
member_end_snapshot(struct peer *peer)
{
    catalog_walk_end(&peer->snapshot);
    list_remove(&peer->in_snapshots);
}

/* Leaving. */

void
member_retire(struct member *member, struct now now, struct actions *actions)
{
    const struct catalog_node *self = catalog_find_node(member->catalog, member->config.url);
    while (self != NULL && !list_empty(&self->functions)) {
        const struct catalog_entry *entry = catalog_next_of_node(self, NULL);
        const struct offer *offer = entry->context;
        const struct function_identity identity = identity_view(offer->identity);
        member_withdraw(member, &identity, &offer->resources, PRUNE_OPERATOR);
        self = catalog_find_node(member->catalog, member->config.url);
    }
    member_flush(member, now, actions);
}

void
member_leave(struct member *member, struct now now, struct actions *actions)
{
    member_retire(member, now, actions);
    struct node_key self = {
        .cluster_id = member->config.cluster_id,
        .node_id = member->config.url,
    };
    const struct delta delta = { .node_removals = &self, .node_removal_count = 1 };
    tell(member, CONN_NONE, &delta, now, actions);

    struct goodbye goodbye = {
        .departing_node_url = member->config.url,
        .cluster_id = member->config.cluster_id,
        .instance_id = member->config.instance_id,
        .reason = GOODBYE_GRACEFUL_SHUTDOWN,
        .timestamp = now.wall,
    };
    buf_reset(&member->out);
    goodbye_encode(&member->out, &goodbye, member_unique(member, actions->arena));
    broadcast(member, member_composed(member, actions), false, actions);

    member->leaving = true;
    for (uint32_t slot = 0; slot < member->peer_room; slot++) {
        struct peer *peer = member->peers[slot];
        if (peer != NULL && peer->state != PEER_CLOSING) {
            peer->state = PEER_CLOSING;
            actions_close(actions, peer->conn, CLOSE_GOING_AWAY, SPAN("shutting down"));
        }
    }
}
