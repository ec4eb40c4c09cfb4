/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_peers.c - connections of the cluster port: accepted, dialed, met, refused, lost.
 *
 * What we dialed is authoritative for a URL: whoever else claims it under another instance_id goes.
 */
#include "core/json_write.h"
#include "core/member_state.h"

/* An error text: two cluster ids and the words around them. */
#define REFUSAL_TEXT_MAX ((size_t)4 * NAME_SIZE_MAX)

#define STATUS_FUNCTIONS_MAX                                                                       \
    256u /* nobody routes by STATUS.funs (protocol.md 2); it is shown only */

#define CLOSE_NORMAL 1000
#define CLOSE_POLICY 1008
#define CLOSE_AGAIN  1013

struct peer *
member_peer(const struct member *member, struct conn_id conn)
{
    uint32_t slot = conn_slot(conn);
    if (conn.v == 0 || slot >= member->peer_room || member->peers[slot] == NULL) {
        return NULL;
    }
    struct peer *peer = member->peers[slot];
    return conn_equal(peer->conn, conn) ? peer : NULL;
}

static bool
is_up(const struct peer *peer)
{
    return peer != NULL && peer->state == PEER_UP;
}

struct conn_id
member_connection(const struct member *member, const struct roster_node *node)
{
    if (is_up(member_peer(member, node->dialed))) {
        return node->dialed;
    }
    return is_up(member_peer(member, node->inbound)) ? node->inbound : CONN_NONE;
}

static bool
make_room(struct member *member, uint32_t slot)
{
    if (slot < member->peer_room) {
        return true;
    }
    uint32_t room = member->peer_room < 16 ? 16 : member->peer_room;
    while (room <= slot) {
        room *= 2;
    }
    size_t old_size = member->peer_room * sizeof(*member->peers);
    struct peer **peers =
        mem_resize(member->mem, member->peers, old_size, room * sizeof(*member->peers));
    if (peers == NULL) {
        return false;
    }
    for (uint32_t i = member->peer_room; i < room; i++) {
        peers[i] = NULL;
    }
    member->peers = peers;
    member->peer_room = room;
    return true;
}

static struct peer *
add_peer(struct member *member, struct conn_id conn)
{
    uint32_t slot = conn_slot(conn);
    if (member->peer_count >= MEMBER_CONNECTIONS_MAX || !make_room(member, slot)) {
        return NULL;
    }
    CHECK(member->peers[slot] == NULL);
    struct peer *peer = mem_take(member->mem, sizeof(*peer));
    if (peer != NULL) {
        member->peers[slot] = peer;
        member->peer_count++;
    }
    return peer;
}

void
member_accept(
    struct member *member, const struct event *event, struct now now, struct actions *actions)
{
    struct peer *peer = member->leaving ? NULL : add_peer(member, event->conn);
    if (peer == NULL) {
        LOG_WARN(member->log, "peer.turned_away", LOG_SPAN("peer", event->address),
            LOG_TEXT("reason", member->leaving ? "shutting down" : "too many connections"));
        actions_close(actions, event->conn, CLOSE_AGAIN,
            member->leaving ? SPAN("shutting down; try another node")
                            : SPAN("too many connections; try another node"));
        return;
    }
    peer_init_accepted(peer, event->conn, event->address);
    member->inbound_count++;
    peer->heard_at = now.mono;
}

static struct roster_node *
node_dialing(struct member *member, uint64_t ticket)
{
    LIST_EACH (link, &member->roster.nodes) {
        struct roster_node *node = CONTAINER_OF(link, struct roster_node, link);
        if (ticket != 0 && node->dial_ticket == ticket) {
            return node;
        }
    }
    return NULL;
}

static void
tell_dial_failed(struct member *member)
{
    if (member->events.dial_failed != NULL) {
        member->events.dial_failed(member->events.owner);
    }
}

void
member_dial_opened(
    struct member *member, const struct event *event, struct now now, struct actions *actions)
{
    struct roster_node *node = node_dialing(member, event->ticket);
    struct peer *peer = node == NULL || member->leaving ? NULL : add_peer(member, event->conn);
    if (peer == NULL) {
        if (node != NULL) {
            node->dial_ticket = 0;
            roster_back_off(node, member->prng, now.mono);
            tell_dial_failed(member);
        }
        actions_close(actions, event->conn, CLOSE_NORMAL, SPAN("not needed any more"));
        return;
    }
    peer_init_dialed(peer, event->conn, event->ticket, peer_text_span(&node->dial_url));
    peer->heard_at = now.mono;
    member_send_status(member, event->conn, now, actions);
}

/* Nobody answers at a node that was up: it is dead, and its functions with it. */
void
member_node_dead(struct member *member, struct roster_node *node, struct now now)
{
    struct span url = peer_text_span(&node->url);
    node->lost = false;
    node->described = false;
    if (catalog_remove_node(member->catalog, url, PRUNE_NODE_DEAD, now.wall) == CATALOG_OK) {
        LOG_WARN(member->log, "node.dead", LOG_SPAN("node", url));
    }
}

/* Refused, or opened and ended before the far side said who it is. */
static void
dial_failed(
    struct member *member, struct roster_node *node, const struct event *event, struct now now)
{
    node->dial_ticket = 0;
    roster_back_off(node, member->prng, now.mono);
    LOG_DEBUG(member->log, "peer.dial_failed", LOG_SPAN("node", peer_text_span(&node->url)),
        LOG_SPAN("reason", event->reason), LOG_U64("failures", node->failures),
        LOG_MS("again_in_ms", node->pause_ns));
    if (node->lost && roster_connection(node).v == 0) {
        member_node_dead(member, node, now);
    }
    roster_forget_if_idle(&member->roster, node, now.mono);
    tell_dial_failed(member);
}

void
member_dial_refused(struct member *member, const struct event *event, struct now now)
{
    struct roster_node *node = node_dialing(member, event->ticket);
    if (node != NULL) {
        dial_failed(member, node, event, now);
    }
}

/* Handshakes. */

static uint32_t
own_functions(struct member *member, struct arena *arena, struct span **names,
    struct function_identity **identities)
{
    const struct catalog_node *self = catalog_find_node(member->catalog, member->config.url);
    *names = arena_take(arena, STATUS_FUNCTIONS_MAX * sizeof(**names));
    *identities = arena_take(arena, STATUS_FUNCTIONS_MAX * sizeof(**identities));
    if (self == NULL || *names == NULL || *identities == NULL) {
        return 0;
    }
    uint32_t count = 0;
    const struct catalog_entry *entry = NULL;
    while (count < STATUS_FUNCTIONS_MAX && (entry = catalog_next_of_node(self, entry)) != NULL) {
        (*identities)[count] = catalog_endpoint(entry).key.identity;
        (*names)[count++] = identity_name(entry->identity);
    }
    return count;
}

void
member_send_status(
    struct member *member, struct conn_id conn, struct now now, struct actions *actions)
{
    struct span *names = NULL;
    struct function_identity *identities = NULL;
    /* What we offer is nothing for whom we dialed and who has not said yet who it is. */
    uint32_t count = is_up(member_peer(member, conn))
                         ? own_functions(member, actions->arena, &names, &identities)
                         : 0;
    struct status status = {
        .server_url = member->config.url,
        .cluster_id = member->config.cluster_id,
        .instance_id = member->config.instance_id,
        .timestamp = now.wall,
        .status = SPAN("ok"),
        /* Honest load: who reports 0 attracts every call (protocol.md 10). */
        .active_clients = (int64_t)member->inbound_count,
        .peer_count = (int64_t)catalog_node_count(member->catalog),
        .functions = { .items = names, .count = count },
        .resources = member->config.resources,
        .advertised_urls = { .items = &member->config.url, .count = 1 },
        .messages_processed = (int64_t)member->stats.messages_received,
        .server_messages = (int64_t)member->stats.server_messages,
        .other_messages = (int64_t)member->stats.other_messages,
    };
    buf_reset(&member->out);
    status_encode(&member->out, &status, identities, count, member_unique(member, actions->arena));
    member_send(member, conn, actions);
}

void
member_refuse(struct member *member, struct peer *peer, enum isolation_reason reason,
    const struct peer_claim *claim, struct span u, struct actions *actions)
{
    if (isolation_is_breach(reason)) {
        member->stats.isolation[reason]++;
    } else {
        member->stats.outdated_statuses++;
    }
    LOG_WARN(member->log, "peer.refused", LOG_SPAN("peer", peer_text_span(&peer->address)),
        LOG_TEXT("reason", isolation_reason_name(reason)), LOG_SPAN("claims_url", claim->url),
        LOG_SPAN("claims_cluster", claim->cluster_id), LOG_TEXT("advice", isolation_hint(reason)));

    struct buf text;
    buf_init(&text, member->mem, REFUSAL_TEXT_MAX);
    isolation_message(&text, reason, member->config.cluster_id, claim->cluster_id);
    buf_reset(&member->out);
    answer_encode_error(
        &member->out, 1003, buf_span(&text), SPAN_NONE, u.size == 0 ? SPAN("unknown") : u);
    buf_destroy(&text);
    member_send(member, peer->conn, actions);

    /* The reference ends a refused handshake with 1000; the rest has no model there. */
    bool handshake = reason == ISOLATION_FOREIGN_CLUSTER || reason == ISOLATION_NOT_ALLOWED ||
                     reason == ISOLATION_DEPARTED;
    actions_close(actions, peer->conn, handshake ? CLOSE_NORMAL : CLOSE_POLICY,
        span_from_text(isolation_hint(reason)));
}

static void
note_status(struct roster_node *node, const struct status *status, struct now now)
{
    node->status = (struct roster_status){
        .known = true,
        .received_at = now.wall,
        .timestamp = status->timestamp.ns == 0 ? now.wall : status->timestamp,
        .ok = span_is(status->status, "ok"),
        .active_clients = status->active_clients,
        .peer_count = status->peer_count,
        .messages_processed = status->messages_processed,
        .rpc_responses_skipped = status->rpc_responses_skipped,
        .server_messages = status->server_messages,
        .other_messages = status->other_messages,
    };
}

/* The newest of the node's connections to us is gone; an older one may still be there. */
static struct conn_id
other_inbound(const struct member *member, const struct peer *gone)
{
    for (uint32_t slot = 0; slot < member->peer_room; slot++) {
        const struct peer *peer = member->peers[slot];
        if (is_up(peer) && peer != gone && !peer->dialed &&
            span_equal(peer_text_span(&peer->url), peer_text_span(&gone->url))) {
            return peer->conn;
        }
    }
    return CONN_NONE;
}

/* Other instances claimed this URL before we dialed it ourselves: they go. */
static void
expel_impostors(struct member *member, struct roster_node *node, const struct peer *dialed,
    struct actions *actions)
{
    struct span url = peer_text_span(&dialed->url);
    struct span instance_id = peer_text_span(&dialed->instance_id);
    for (uint32_t slot = 0; slot < member->peer_room && instance_id.size > 0; slot++) {
        struct peer *peer = member->peers[slot];
        if (!is_up(peer) || peer->dialed || !span_equal(peer_text_span(&peer->url), url) ||
            span_equal(peer_text_span(&peer->instance_id), instance_id)) {
            continue;
        }
        struct peer_claim claim = {
            .url = url,
            .cluster_id = peer_text_span(&peer->cluster_id),
        };
        peer->state = PEER_CLOSING;
        member_refuse(member, peer, ISOLATION_URL_TAKEN, &claim, SPAN_NONE, actions);
    }
    if (!is_up(member_peer(member, node->inbound))) {
        node->inbound = other_inbound(member, dialed);
    }
}

static void
met_dialed(struct member *member, struct roster_node *node, struct peer *peer, struct now now,
    struct actions *actions)
{
    struct roster_node *target = node_dialing(member, peer->dial_ticket);
    CHECK(target != NULL);
    target->dial_ticket = 0;
    roster_dial_succeeded(target);
    roster_dial_succeeded(node);
    if (target != node) {
        /* A seed by another name: remember who answers there. */
        target->alias = node->url;
        target->dial_at = instant_after(now.mono, MEMBER_DIAL_BASE_NS);
    }
    if (node->dialed.v != 0 && !conn_equal(node->dialed, peer->conn)) {
        /* One dialed connection a node (protocol.md 4.5): the older one stays. */
        peer->state = PEER_CLOSING;
        actions_close(actions, peer->conn, CLOSE_NORMAL, SPAN("already connected"));
        return;
    }
    node->dialed = peer->conn;
    expel_impostors(member, node, peer, actions);
}

static void
tell_reached(struct member *member, const struct roster_node *node)
{
    if (member->events.reached != NULL) {
        member->events.reached(member->events.owner, peer_text_span(&node->url));
    }
}

void
member_met(struct member *member, struct peer *peer, const struct status *status, struct now now,
    struct actions *actions)
{
    struct roster_node *node = roster_ensure(&member->roster, peer_text_span(&peer->url));
    if (node == NULL) {
        peer->state = PEER_CLOSING;
        actions_close(actions, peer->conn, CLOSE_AGAIN, SPAN("too many nodes in this cluster"));
        return;
    }
    node->cluster_id = peer->cluster_id;
    node->departed_until = (struct instant){ 0 };
    node->lost = false;
    note_status(node, status, now);
    LOG_INFO(member->log, "peer.up", LOG_SPAN("peer", peer_text_span(&peer->url)),
        LOG_TEXT("direction", peer->dialed ? "dialed" : "accepted"),
        LOG_SPAN("cluster", peer_text_span(&peer->cluster_id)),
        LOG_SPAN("instance", peer_text_span(&peer->instance_id)));
    if (peer->dialed) {
        met_dialed(member, node, peer, now, actions);
        if (peer->state != PEER_UP) {
            return;
        }
    } else {
        node->inbound = peer->conn;
    }
    tell_reached(member, node);
    member_begin_snapshot(member, peer, now, actions);
}

void
member_heartbeat(
    struct member *member, struct peer *peer, const struct status *status, struct now now)
{
    struct roster_node *node = roster_find(&member->roster, peer_text_span(&peer->url));
    if (node != NULL) {
        note_status(node, status, now);
    }
    /* An empty instance_id may be filled in later; another one on the same connection is nonsense. */
    if (peer->instance_id.size == 0 && !peer_text_set(&peer->instance_id, status->instance_id)) {
        LOG_DEBUG(
            member->log, "peer.instance_too_long", LOG_SPAN("peer", peer_text_span(&peer->url)));
    }
}

void
member_farewell(struct member *member, struct peer *peer, const struct goodbye *goodbye,
    struct span u, struct now now, struct actions *actions)
{
    struct span url = peer_text_span(&peer->url);
    struct roster_node *node = roster_find(&member->roster, url);
    LOG_INFO(member->log, "node.goodbye", LOG_SPAN("node", url),
        LOG_TEXT("reason", goodbye_reason_name(goodbye->reason)));
    catalog_remove_node(member->catalog, url, PRUNE_NODE_GOODBYE, now.wall);
    if (!peer->dialed && peer->state == PEER_UP) {
        buf_reset(&member->out);
        answer_encode(&member->out, SPAN("\"GOODBYE_PROCESSED\""), u);
        member_send(member, peer->conn, actions);
    }
    for (uint32_t slot = 0; slot < member->peer_room; slot++) {
        struct peer *its = member->peers[slot];
        if (is_up(its) && span_equal(peer_text_span(&its->url), url)) {
            its->state = PEER_CLOSING;
            actions_close(actions, its->conn, CLOSE_NORMAL, SPAN("goodbye"));
        }
    }
    if (node != NULL) {
        node->described = false;
        node->departed_until = instant_after(now.mono, MEMBER_DEPARTED_NS);
        node->departed_instance = peer->instance_id;
    }
}

/* Losing. */

static void
lose_node(struct member *member, struct roster_node *node, const struct peer *peer,
    const struct event *event, struct now now)
{
    if (conn_equal(node->dialed, peer->conn)) {
        node->dialed = CONN_NONE;
    } else if (conn_equal(node->inbound, peer->conn)) {
        node->inbound = other_inbound(member, peer);
    } else {
        return;
    }
    if (roster_connection(node).v != 0) {
        return;
    }
    LOG_INFO(member->log, "peer.down", LOG_SPAN("peer", peer_text_span(&node->url)),
        LOG_SPAN("reason", event->reason));
    tell_reached(member, node);
    bool departed = node->departed_until.ns != 0;
    node->lost = !departed;
    node->lost_at = now.wall;
    node->dial_at = instant_after(now.mono, prng_below(member->prng, MEMBER_DIAL_BASE_NS));
    roster_forget_if_idle(&member->roster, node, now.mono);
}

void
member_closed(
    struct member *member, const struct event *event, struct now now, struct actions *actions)
{
    struct peer *peer = member_peer(member, event->conn);
    if (peer == NULL) {
        return;
    }
    member->events.client_gone(member->events.owner, event->conn);
    struct roster_node *dialing = node_dialing(member, peer->dial_ticket);
    if (dialing != NULL) {
        dial_failed(member, dialing, event, now);
    }
    struct roster_node *node =
        peer->url.size == 0 ? NULL : roster_find(&member->roster, peer_text_span(&peer->url));
    if (node != NULL) {
        lose_node(member, node, peer, event, now);
    }
    member->peers[conn_slot(event->conn)] = NULL;
    member->peer_count--;
    member->inbound_count -= !peer->dialed;
    member_end_snapshot(peer);
    mem_give(member->mem, peer, sizeof(*peer));
    member_calls_lost(member, event->conn, now, actions);
}

/* Dialing. */

void
member_dial_due(struct member *member, struct now now, struct actions *actions)
{
    LIST_EACH (link, &member->roster.nodes) {
        struct roster_node *node = CONTAINER_OF(link, struct roster_node, link);
        if (!roster_wants_dial(&member->roster, node, now.mono)) {
            continue;
        }
        struct span address = arena_copy(actions->arena, peer_text_span(&node->dial_url));
        struct action *dial = address.data == NULL ? NULL : actions_add(actions, ACTION_DIAL);
        if (dial == NULL) {
            return;
        }
        node->dial_ticket = member->next_ticket++;
        dial->port = PORT_CLUSTER;
        dial->ticket = node->dial_ticket;
        dial->timeout_ns = MEMBER_DIAL_TIMEOUT_NS;
        dial->address = address;
    }
}

/* How long it may say nothing; UINT64_MAX: as long as it likes. */
static uint64_t
silence_allowed(const struct peer *peer)
{
    switch (peer->state) {
    case PEER_GREETING:
        return MEMBER_DIAL_TIMEOUT_NS;
    case PEER_FRESH:
    case PEER_UP:
    case PEER_BORROWED:
        return MEMBER_SILENCE_NS;
    case PEER_CLIENT:
    case PEER_CLOSING:
        return UINT64_MAX;
    }
    return UINT64_MAX;
}

static void
close_silent(struct member *member, struct peer *peer, struct actions *actions)
{
    /* A server that had several calls at once opened one for each, and uses the last (protocol.md 6.3). */
    enum log_level level = peer->state == PEER_BORROWED ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
    LOG_AT(member->log, level, "peer.silent", LOG_SPAN("peer", peer_text_span(&peer->address)),
        LOG_TEXT("state", peer_state_name(peer->state)));
    peer->state = PEER_CLOSING;
    actions_close(actions, peer->conn, CLOSE_NORMAL, SPAN("silent"));
}

void
member_watch_silence(struct member *member, struct now now, struct actions *actions)
{
    for (uint32_t slot = 0; slot < member->peer_room; slot++) {
        struct peer *peer = member->peers[slot];
        if (peer != NULL && instant_between(peer->heard_at, now.mono) >= silence_allowed(peer)) {
            close_silent(member, peer, actions);
        }
    }
}
