/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member.c - being a member: birth, the road of one message, and the timers.
 *
 * A message: envelope_scan -> its claim (who says it) -> peer_judge -> one handler. Nothing else
 * reads a message before peer_judge has said what it may do.
 */
#include "core/member.h"

#include "core/json_write.h"
#include "core/member_state.h"

/* What we compose: a batch of gossip, a STATUS, the envelope of an answer. */
#define MEMBER_COMPOSE_MAX (DIALED_MESSAGE_SIZE_MAX * 2)

#define WS_CLOSE_BAD_MESSAGE 1007

struct member *
member_create(const struct member_config *config, struct mem *mem, struct hash_key hash_key,
    const struct member_events *events, struct log *log, struct prng *prng)
{
    struct member *member = mem_take(mem, sizeof(*member));
    struct seen *seen = mem_take(mem, sizeof(*seen));
    struct catalog_config catalog = {
        .mem = mem,
        .hash_key = hash_key,
        .function_count_max = config->function_count_max,
        .node_count_max = MEMBER_NODES_MAX,
        .listener = events->catalog,
    };
    struct catalog *created = catalog_create(&catalog);
    if (member == NULL || seen == NULL || created == NULL) {
        mem_give(mem, member, member == NULL ? 0 : sizeof(*member));
        mem_give(mem, seen, seen == NULL ? 0 : sizeof(*seen));
        catalog_free(created);
        return NULL;
    }
    *member = (struct member){
        .config = *config,
        .mem = mem,
        .log = log,
        .prng = prng,
        .events = *events,
        .catalog = created,
        .seen = seen,
        .next_ticket = 1,
    };
    seen_init(seen, hash_key);
    roster_init(&member->roster, mem, hash_key);
    calls_init(&member->calls, mem, hash_key, prng);
    json_tape_init(&member->tape, mem);
    buf_init(&member->out, mem, MEMBER_COMPOSE_MAX);
    heap_init(&member->refreshes, mem);
    list_init(&member->untold);
    list_init(&member->taken_back);
    list_init(&member->snapshots);
    list_init(&member->owed);
    return member;
}

void
member_free(struct member *member)
{
    if (member == NULL) {
        return;
    }
    struct mem *mem = member->mem;
    for (uint32_t slot = 0; slot < member->peer_room; slot++) {
        if (member->peers[slot] != NULL) {
            member_end_snapshot(member->peers[slot]);
            mem_give(mem, member->peers[slot], sizeof(struct peer));
        }
    }
    mem_give(mem, member->peers, member->peer_room * sizeof(*member->peers));
    member_free_offers(member);
    member_free_owed(member);
    heap_destroy(&member->refreshes);
    calls_destroy(&member->calls);
    roster_destroy(&member->roster);
    catalog_free(member->catalog);
    json_tape_destroy(&member->tape);
    buf_destroy(&member->out);
    mem_give(mem, member->seen, sizeof(*member->seen));
    mem_give(mem, member, sizeof(*member));
}

struct span
member_composed(struct member *member, struct actions *actions)
{
    struct span copy = SPAN_NONE;
    if (!member->out.overflowed) {
        copy = arena_copy(actions->arena, buf_span(&member->out));
    }
    member->stats.actions_lost += copy.data == NULL;
    return copy;
}

void
member_send(struct member *member, struct conn_id conn, struct actions *actions)
{
    struct span message = member_composed(member, actions);
    if (message.size > 0) {
        actions_send(actions, conn, message);
    }
}

struct span
member_unique(struct member *member, struct arena *arena)
{
    uint8_t id[32];
    uint64_t words[2] = { prng_next(member->prng), prng_next(member->prng) };
    for (size_t i = 0; i < sizeof(id); i++) {
        id[i] = (uint8_t) "0123456789abcdef"[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
    }
    struct span copy = arena_copy(arena, span_from(id, sizeof(id)));
    return copy.data == NULL ? SPAN("00000000000000000000000000000000") : copy;
}

struct wall
member_advertising_time(struct member *member, struct wall now)
{
    /* Whole microseconds: these come through a real server's floating point as they went in. */
    int64_t now_ns = now.ns - now.ns % (int64_t)US_NS;
    bool later = now_ns > member->advertised_last.ns;
    member->advertised_last.ns = later ? now_ns : member->advertised_last.ns + (int64_t)US_NS;
    return member->advertised_last;
}

void
member_outbid(struct member *member, struct wall forged_at, struct wall now)
{
    bool near = forged_at.ns <= wall_after(now, MEMBER_TTL_NS).ns;
    if (near && forged_at.ns > member->advertised_last.ns) {
        member->advertised_last.ns = forged_at.ns - forged_at.ns % (int64_t)US_NS;
    }
}

static void
start(struct member *member, struct now now)
{
    member->started = true;
    member->started_at = now.mono;
    member->status_at = instant_after(now.mono, MEMBER_STATUS_NS);
    member->describe_at = now.mono;
    for (uint32_t i = 0; i < member->config.seeds.count; i++) {
        struct span url = member->config.seeds.items[i];
        struct roster_node *node =
            span_equal(url, member->config.url) ? NULL : roster_ensure(&member->roster, url);
        if (node != NULL) {
            node->seed = true;
        }
    }
}

/* The road of one message. */

struct received {
    struct envelope envelope;
    struct status status;
    struct goodbye goodbye;
    struct gossip gossip;
    struct fabric fabric;
    struct peer_claim claim;
};

/* The node that sent it on to us. */
static struct span
fabric_last_hop(const struct fabric *fabric)
{
    if (fabric->kind == FABRIC_OTHER) {
        return SPAN_NONE;
    }
    const struct text_list *path = fabric->kind == FABRIC_RESPONSE
                                       ? &fabric->response.headers.routing_path
                                       : &fabric->request.headers.routing_path;
    return path->count == 0 ? SPAN_NONE : path->items[path->count - 1];
}

/* Decode what says who the sender is. The rest is decoded once the message is admitted. */
static enum message_result
read_claim(struct received *received, struct message_scratch *scratch, struct message_fault *fault)
{
    struct peer_claim *claim = &received->claim;
    const struct envelope *envelope = &received->envelope;
    enum message_result result = MESSAGE_OK;
    *claim = (struct peer_claim){ .kind = envelope->kind };
    switch (envelope->kind) {
    case ENVELOPE_STATUS:
        result = status_decode(envelope, scratch, &received->status, fault);
        claim->url = received->status.server_url;
        claim->cluster_id = received->status.cluster_id;
        claim->instance_id = received->status.instance_id;
        break;
    case ENVELOPE_GOODBYE:
        result = goodbye_decode(envelope, scratch, &received->goodbye, fault);
        claim->url = received->goodbye.departing_node_url;
        claim->cluster_id = received->goodbye.cluster_id;
        claim->instance_id = received->goodbye.instance_id;
        break;
    case ENVELOPE_GOSSIP:
        result = gossip_decode(envelope, scratch, &received->gossip, fault);
        claim->url = received->gossip.sender_id;
        break;
    case ENVELOPE_FABRIC:
        result = fabric_decode(envelope, scratch, &received->fabric, fault);
        claim->url = fabric_last_hop(&received->fabric);
        claim->fabric = received->fabric.kind;
        claim->cluster_id = received->fabric.kind == FABRIC_REQUEST
                                ? received->fabric.request.headers.source_cluster
                                : SPAN_NONE;
        break;
    case ENVELOPE_RPC:
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_RESPONSE:
    case ENVELOPE_OTHER_ROLE:
        break;
    }
    return result;
}

static void
close_malformed(struct member *member, struct peer *peer, const struct message_fault *fault,
    struct actions *actions)
{
    member->stats.malformed++;
    LOG_WARN(member->log, "peer.malformed", LOG_SPAN("peer", peer_text_span(&peer->address)),
        LOG_TEXT("state", peer_state_name(peer->state)),
        LOG_TEXT("fault", message_result_name(fault->result)), LOG_TEXT("key", fault->key));
    peer->state = PEER_CLOSING;
    actions_close(actions, peer->conn, WS_CLOSE_BAD_MESSAGE,
        span_from_text(message_result_name(fault->result)));
}

static struct peer_circumstances
circumstances_of(struct member *member, const struct peer_claim *claim, struct now now)
{
    struct peer_circumstances circumstances = {
        .rules = &member->config.isolation,
        .own_url = member->config.url,
    };
    const struct roster_node *node =
        claim->url.size == 0 ? NULL : roster_find(&member->roster, claim->url);
    if (node == NULL) {
        return circumstances;
    }
    const struct peer *dialed = member_peer(member, node->dialed);
    const struct peer *up = member_peer(member, member_connection(member, node));
    circumstances.url_is_up = up != NULL;
    circumstances.up_instance = up == NULL ? SPAN_NONE : peer_text_span(&up->instance_id);
    circumstances.url_departed = roster_departed(node, claim->instance_id, now.mono);
    circumstances.url_taken = dialed != NULL && dialed->state == PEER_UP &&
                              dialed->instance_id.size > 0 &&
                              !span_equal(peer_text_span(&dialed->instance_id), claim->instance_id);
    return circumstances;
}

static void
welcome(struct member *member, struct peer *peer, const struct received *received, struct now now,
    struct actions *actions)
{
    member_send_status(member, peer->conn, now, actions);
    buf_reset(&member->out);
    answer_encode(&member->out, SPAN("\"STATUS\""), received->envelope.u);
    member_send(member, peer->conn, actions);
    member_met(member, peer, &received->status, now, actions);
}

static void
heartbeat(struct member *member, struct peer *peer, const struct received *received, struct now now,
    struct actions *actions)
{
    member_heartbeat(member, peer, &received->status, now);
    if (!peer->dialed && peer->state == PEER_UP) {
        /* What keeps a real server's connection to us alive (protocol.md 2). */
        buf_reset(&member->out);
        answer_encode(&member->out, SPAN("\"STATUS\""), received->envelope.u);
        member_send(member, peer->conn, actions);
    }
}

static void
ask(struct member *member, struct peer *peer, const struct envelope *envelope, struct now now,
    struct actions *actions)
{
    if (envelope->kind != ENVELOPE_RPC) {
        member->events.asked_other(member->events.owner, peer->conn, envelope, now, actions);
        return;
    }
    struct message_scratch scratch = { .tape = &member->tape, .arena = actions->arena };
    struct message_fault fault;
    struct rpc_request request;
    if (rpc_decode(envelope, &scratch, &request, &fault) != MESSAGE_OK) {
        close_malformed(member, peer, &fault, actions);
        return;
    }
    member->events.asked(member->events.owner, peer->conn, &request, now, actions);
}

static void
note_answer(struct member *member, struct peer *peer, const struct envelope *envelope,
    struct actions *actions)
{
    struct message_scratch scratch = { .tape = &member->tape, .arena = actions->arena };
    struct message_fault fault;
    struct answer answer;
    if (answer_decode(envelope, &scratch, &answer, &fault) == MESSAGE_OK && answer.failed) {
        LOG_WARN(member->log, "peer.rejected_us", LOG_SPAN("peer", peer_text_span(&peer->address)),
            LOG_U64("code", (uint64_t)answer.error_code),
            LOG_SPAN("message", answer.error_message));
    }
}

static void
handle(struct member *member, struct peer *peer, const struct received *received, struct now now,
    struct actions *actions)
{
    enum isolation_reason reason;
    struct peer_circumstances circumstances = circumstances_of(member, &received->claim, now);
    switch (peer_judge(peer, &received->claim, &circumstances, &reason)) {
    case PEER_WELCOME:
        welcome(member, peer, received, now, actions);
        break;
    case PEER_MET:
        member_met(member, peer, &received->status, now, actions);
        break;
    case PEER_HEARTBEAT:
        heartbeat(member, peer, received, now, actions);
        break;
    case PEER_FAREWELL:
        member_farewell(member, peer, &received->goodbye, received->envelope.u, now, actions);
        break;
    case PEER_GOSSIPS:
        member_gossip(member, peer, &received->envelope, &received->gossip, now, actions);
        break;
    case PEER_CALLS:
        member_fabric(member, peer, &received->fabric, now, actions);
        break;
    case PEER_ASKS:
        ask(member, peer, &received->envelope, now, actions);
        break;
    case PEER_ANSWERS:
        note_answer(member, peer, &received->envelope, actions);
        break;
    case PEER_NOTHING:
        break;
    case PEER_REFUSED_MESSAGE:
        member->stats.isolation[reason]++;
        member_refuse_call(member, peer, &received->fabric, now, actions);
        break;
    case PEER_REFUSED:
        member_refuse(member, peer, reason, &received->claim, received->envelope.u, actions);
        break;
    }
}

static void
count_message(struct member *member, enum envelope_kind kind)
{
    bool server = kind == ENVELOPE_STATUS || kind == ENVELOPE_GOODBYE;
    member->stats.messages_received++;
    member->stats.server_messages += server;
    member->stats.other_messages += !server;
}

/* The reference drops it with a warning and keeps the connection (protocol.md 6). */
static void
drop_fabric(struct member *member, const struct peer *peer, const struct message_fault *fault)
{
    member->stats.malformed++;
    LOG_WARN(member->log, "peer.bad_fabric_message", LOG_SPAN("peer", peer_text_span(&peer->url)),
        LOG_TEXT("fault", message_result_name(fault->result)), LOG_TEXT("key", fault->key));
}

static void
receive(struct member *member, const struct event *event, struct now now, struct actions *actions)
{
    struct peer *peer = member_peer(member, event->conn);
    if (peer == NULL || peer->state == PEER_CLOSING) {
        return;
    }
    struct message_scratch scratch = { .tape = &member->tape, .arena = actions->arena };
    struct message_fault fault = { .key = "" };
    struct received received = { .envelope = { .kind = ENVELOPE_OTHER_ROLE } };
    peer->heard_at = now.mono;
    enum message_result result = envelope_scan(event->bytes, &scratch, &received.envelope, &fault);
    if (result == MESSAGE_OK) {
        count_message(member, received.envelope.kind);
        result = read_claim(&received, &scratch, &fault);
    }
    fault.result = result;
    if (result == MESSAGE_OK) {
        handle(member, peer, &received, now, actions);
    } else if (received.envelope.kind == ENVELOPE_FABRIC &&
               (peer->state == PEER_UP || peer->state == PEER_BORROWED)) {
        drop_fabric(member, peer, &fault);
    } else {
        close_malformed(member, peer, &fault, actions);
    }
}

/* Timers. */

static void
statuses_due(struct member *member, struct now now, struct actions *actions)
{
    if (!instant_reached(member->status_at, now.mono)) {
        return;
    }
    member->status_at = instant_after(now.mono, MEMBER_STATUS_NS);
    for (uint32_t slot = 0; slot < member->peer_room; slot++) {
        const struct peer *peer = member->peers[slot];
        if (peer != NULL && peer->dialed && peer->state == PEER_UP) {
            member_send_status(member, peer->conn, now, actions);
        }
    }
    member_watch_silence(member, now, actions);
    member_sync_roster(member, now);
}

static void
tick(struct member *member, struct now now, struct actions *actions)
{
    /* Also when nobody is told any more: what is offered stays until it is withdrawn. */
    member_refresh_due(member, now);
    if (!member->leaving) {
        if (instant_reached(member->describe_at, now.mono)) {
            member->describe_at = instant_after(now.mono, MEMBER_DESCRIBE_NS);
            member->describe = true;
        }
        statuses_due(member, now, actions);
        member_dial_due(member, now, actions);
        member_snapshot_due(member, now, actions);
    }
    catalog_expire(member->catalog, now.wall);
    member_calls_due(member, now, actions);
}

void
member_step(
    struct member *member, const struct event *event, struct now now, struct actions *actions)
{
    switch (event->kind) {
    case EVENT_START:
        start(member, now);
        break;
    case EVENT_ACCEPTED:
        member_accept(member, event, now, actions);
        break;
    case EVENT_OPENED:
        member_dial_opened(member, event, now, actions);
        break;
    case EVENT_REFUSED:
        member_dial_refused(member, event, now);
        break;
    case EVENT_MESSAGE:
        receive(member, event, now, actions);
        break;
    case EVENT_CLOSED:
        member_closed(member, event, now, actions);
        break;
    case EVENT_CONGESTED:
    case EVENT_DRAINED: {
        struct peer *peer = member_peer(member, event->conn);
        if (peer != NULL) {
            member_note_congestion(member, peer, event->kind == EVENT_CONGESTED);
        }
        break;
    }
    case EVENT_TICK:
    case EVENT_RESULT:
    case EVENT_STOP:
        break;
    }
    /* Messages are many and timers few: what they make due comes with the next TICK. */
    if (event->kind != EVENT_MESSAGE) {
        tick(member, now, actions);
    }
    member_flush(member, now, actions);
}

static struct instant
wall_to_instant(struct wall at, struct now now)
{
    if (at.ns == INT64_MAX) {
        return INSTANT_NEVER;
    }
    return instant_after(now.mono, at.ns > now.wall.ns ? (uint64_t)(at.ns - now.wall.ns) : 0);
}

struct instant
member_deadline(const struct member *member, struct now now)
{
    struct instant at = calls_deadline(&member->calls);
    at = instant_earlier(at, wall_to_instant(catalog_deadline(member->catalog), now));
    if (member->leaving || !member->started) {
        return at;
    }
    at = instant_earlier(at, instant_earlier(member->status_at, member->describe_at));
    const struct heap_node *refresh = heap_first(&member->refreshes);
    if (refresh != NULL) {
        at = instant_earlier(at, (struct instant){ .ns = (uint64_t)refresh->at });
    }
    if (!list_empty(&member->untold) || !list_empty(&member->taken_back) ||
        member_owes_snapshot(member)) {
        at = now.mono;
    }
    LIST_EACH (link, &member->roster.nodes) {
        const struct roster_node *node = CONTAINER_OF(link, const struct roster_node, link);
        at = instant_earlier(at, roster_dial_deadline(&member->roster, node));
    }
    return at;
}

struct catalog *
member_catalog(struct member *member)
{
    return member->catalog;
}

const struct member_config *
member_config_of(const struct member *member)
{
    return &member->config;
}

struct member_stats
member_stats(const struct member *member)
{
    struct member_stats stats = member->stats;
    stats.calls_in_flight = calls_count(&member->calls);
    for (uint32_t slot = 0; slot < member->peer_room; slot++) {
        if (member->peers[slot] != NULL) {
            stats.connections_by_state[member->peers[slot]->state]++;
        }
    }
    return stats;
}

/* Somebody else than ourselves is configured as a seed. */
static bool
has_seed(const struct member *member)
{
    for (uint32_t i = 0; i < member->config.seeds.count; i++) {
        if (!span_equal(member->config.seeds.items[i], member->config.url)) {
            return true;
        }
    }
    return false;
}

bool
member_ready(const struct member *member)
{
    bool waits = has_seed(member);
    for (uint32_t slot = 0; waits && slot < member->peer_room; slot++) {
        const struct peer *peer = member->peers[slot];
        waits = peer == NULL || peer->state != PEER_UP;
    }
    return member->started && !waits;
}

bool
member_gone(const struct member *member)
{
    bool gone = member->leaving;
    for (uint32_t slot = 0; gone && slot < member->peer_room; slot++) {
        /* Whoever has told who it is was a peer, also while it is being closed. */
        const struct peer *peer = member->peers[slot];
        gone = peer == NULL || (!peer->dialed && peer->url.size == 0);
    }
    return gone;
}
