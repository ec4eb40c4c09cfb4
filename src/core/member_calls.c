/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_calls.c - calls between nodes: ours to them, theirs to us (protocol.md 6).
 *
 * Arguments and results are never copied or parsed here: a message is composed around them, as parts.
 * An answer goes over the connection that we dialed to the node it came from, whenever there is one
 * (protocol.md 6.3: what a real server opens for a call it does not read).
 */
#include "core/json_write.h"
#include "core/member_state.h"

size_t
member_size_limit(const struct member *member, struct conn_id conn)
{
    const struct peer *peer = member_peer(member, conn);
    /* On a connection that the far side dialed it accepts 1 MiB and closes on more. */
    return peer != NULL && peer->dialed ? MESSAGE_SIZE_MAX : DIALED_MESSAGE_SIZE_MAX;
}

/* Calls out. */

static struct conn_id
connection_to(const struct member *member, struct span url)
{
    const struct roster_node *node = roster_find(&member->roster, url);
    return node == NULL ? CONN_NONE : member_connection(member, node);
}

bool
member_connected(const struct member *member, struct span node_id)
{
    const struct peer *peer = member_peer(member, connection_to(member, node_id));
    return peer != NULL && peer->state == PEER_UP;
}

bool
member_connecting(const struct member *member, struct span node_id, struct now now)
{
    const struct roster_node *node = roster_find(&member->roster, node_id);
    return node != NULL && !member->leaving && member_connection(member, node).v == 0 &&
           roster_expects(&member->roster, node, now.mono);
}

uint64_t
member_silence_ns(const struct member *member, struct span node_id, struct now now)
{
    static const struct roster_node unknown;
    const struct roster_node *found = roster_find(&member->roster, node_id);
    const struct roster_node *node = found == NULL ? &unknown : found;
    const struct peer *peers[] = {
        member_peer(member, node->dialed),
        member_peer(member, node->inbound),
    };
    uint64_t silence_ns = UINT64_MAX;
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        if (peers[i] != NULL && peers[i]->state == PEER_UP) {
            uint64_t since_ns = instant_between(peers[i]->heard_at, now.mono);
            silence_ns = since_ns < silence_ns ? since_ns : silence_ns;
        }
    }
    return silence_ns;
}

static struct fabric_request
request_of(const struct member *member, const struct member_call *call, struct span id)
{
    return (struct fabric_request){
        .headers = {
            .correlation_id = id,
            .source_cluster = member->config.cluster_id,
            .target_cluster = member->config.cluster_id,
            .routing_path = { .items = &member->config.url, .count = 1 },
            .has_hop_budget = true,
            .hop_budget = 5,
        },
        .request_id = id,
        .command = call->function,
        .resources = call->resources,
        .function_id = call->function_id,
        .version_constraint = call->version_constraint,
        .target_cluster = member->config.cluster_id,
        .target_node = call->target_node,
        .reply_to = member->config.url,
    };
}

/* false: no memory. */
static bool
send_request(struct member *member, struct conn_id conn, const struct member_call *call,
    const struct fabric_request_split *split, struct actions *actions)
{
    struct span text = member_composed(member, actions);
    if (text.size == 0) {
        return false;
    }
    const struct span parts[] = {
        span_part(text, 0, split->head_size),
        call->args,
        span_part(text, split->head_size, split->middle_size),
        call->kwargs,
        span_after(text, split->head_size + split->middle_size),
    };
    uint64_t lost = actions->lost;
    actions_send_parts(actions, conn, parts, COUNT_OF(parts));
    return actions->lost == lost;
}

enum member_call_result
member_call(
    struct member *member, const struct member_call *call, struct now now, struct actions *actions)
{
    struct conn_id conn = connection_to(member, call->target_node);
    const struct peer *peer = member_peer(member, conn);
    if (peer == NULL || peer->state != PEER_UP) {
        return MEMBER_CALL_NOT_CONNECTED;
    }
    if (peer->congested) {
        return MEMBER_CALL_CONGESTED;
    }
    struct waiting_call *waiting = calls_add(&member->calls, call->ticket, conn, call->deadline);
    if (waiting == NULL) {
        return MEMBER_CALL_TOO_MANY;
    }
    waiting->again = call->again;
    uint8_t id[CALLS_ID_SIZE];
    calls_write_id(&member->calls, waiting, id);
    struct fabric_request request = request_of(member, call, span_from(id, sizeof(id)));
    struct fabric_request_split split;
    buf_reset(&member->out);
    fabric_request_encode(&member->out, &request, now.wall, &split);
    if (member->out.overflowed ||
        member->out.size + call->args.size + call->kwargs.size > member_size_limit(member, conn)) {
        calls_end(&member->calls, waiting);
        return MEMBER_CALL_TOO_LARGE;
    }
    if (!send_request(member, conn, call, &split, actions)) {
        calls_end(&member->calls, waiting);
        return MEMBER_CALL_TOO_MANY;
    }
    return MEMBER_CALL_OK;
}

void
member_cancel(struct member *member, uint64_t ticket)
{
    struct waiting_call *call = calls_find_ticket(&member->calls, ticket);
    if (call != NULL) {
        calls_end(&member->calls, call);
    }
}

static void
end_call(struct member *member, struct waiting_call *call, enum member_outcome outcome,
    struct span body, struct now now, struct actions *actions)
{
    uint64_t ticket = call->ticket;
    calls_end(&member->calls, call);
    member->events.answered(member->events.owner, ticket, outcome, body, now, actions);
}

static void
log_late_answer(
    struct member *member, const struct peer *peer, const struct fabric_response *response)
{
    LOG_DEBUG(member->log, "call.late_answer", LOG_SPAN("peer", peer_text_span(&peer->url)),
        LOG_SPAN("request", response->request_id));
}

static void
take_response(struct member *member, const struct peer *peer,
    const struct fabric_response *response, struct now now, struct actions *actions)
{
    struct waiting_call *call = calls_find(&member->calls, response->request_id);
    if (call == NULL) {
        log_late_answer(member, peer, response);
        return;
    }
    /* Ids are counted up, so a node that was called can guess those of calls to others. */
    const struct peer *asked = member_peer(member, call->conn);
    bool from_other =
        asked != NULL && !span_equal(peer_text_span(&asked->url), peer_text_span(&peer->url));
    if (from_other && call->again) {
        /* Of the node that was asked first, most likely. */
        log_late_answer(member, peer, response);
        return;
    }
    if (from_other) {
        member->stats.isolation[ISOLATION_FORGED_SENDER]++;
        LOG_WARN(member->log, "call.forged_answer", LOG_SPAN("peer", peer_text_span(&peer->url)),
            LOG_SPAN("asked", peer_text_span(&asked->url)));
        return;
    }
    end_call(member, call, response->success ? MEMBER_ANSWERED : MEMBER_FAILED,
        response->success ? response->result : response->error, now, actions);
}

void
member_calls_due(struct member *member, struct now now, struct actions *actions)
{
    struct waiting_call *call;
    while ((call = calls_due(&member->calls, now.mono)) != NULL) {
        end_call(member, call, MEMBER_TIMED_OUT, SPAN_NONE, now, actions);
    }
}

void
member_calls_lost(
    struct member *member, struct conn_id conn, struct now now, struct actions *actions)
{
    struct list gathered;
    list_init(&gathered);
    calls_gather(&member->calls, conn, &gathered);
    while (!list_empty(&gathered)) {
        struct waiting_call *call = CONTAINER_OF(gathered.next, struct waiting_call, gathered);
        end_call(member, call, MEMBER_LOST, SPAN_NONE, now, actions);
    }
}

/* Calls in. */

static size_t
back_size(const struct fabric_request *request, const struct peer *peer)
{
    return sizeof(struct member_back) + text_list_size(&request->headers.routing_path) +
           request->request_id.size + request->command.size + request->reply_to.size +
           request->headers.source_cluster.size + peer->url.size;
}

static struct member_back *
back_create(struct member *member, const struct peer *peer, const struct fabric_request *request)
{
    if (member->owed_count >= CALLS_IN_FLIGHT_MAX) {
        return NULL;
    }
    size_t size = back_size(request, peer);
    struct member_back *back = mem_take(member->mem, size);
    if (back == NULL) {
        return NULL;
    }
    const struct text_list *path = &request->headers.routing_path;
    struct packer packer = pack_into(back + 1, size - sizeof(*back));
    struct span *items = pack_spans(&packer, path->count);
    back->size = size;
    back->conn = peer->conn;
    back->borrowed = peer->state == PEER_BORROWED;
    back->routing_path = text_list_pack(&packer, items, path);
    back->request_id = pack_text(&packer, request->request_id);
    back->command = pack_text(&packer, request->command);
    back->reply_to = pack_text(&packer, request->reply_to);
    back->reply_cluster = pack_text(&packer, request->headers.source_cluster);
    back->from_url = pack_text(&packer, peer_text_span(&peer->url));
    pack_done(&packer);
    list_push(&member->owed, &back->link);
    member->owed_count++;
    return back;
}

void
member_drop(struct member *member, struct member_back *back)
{
    list_remove(&back->link);
    member->owed_count--;
    mem_give(member->mem, back, back->size);
}

void
member_free_owed(struct member *member)
{
    LIST_EACH (link, &member->owed) {
        member_drop(member, CONTAINER_OF(link, struct member_back, link));
    }
}

/* Our own connection to the node; else, unless it was borrowed, the one the call came on. */
static struct conn_id
way_back(const struct member *member, const struct member_back *back)
{
    const struct roster_node *node = roster_find(&member->roster, back->from_url);
    struct conn_id best = node == NULL ? CONN_NONE : member_connection(member, node);
    if (best.v != 0 && conn_equal(best, node->dialed)) {
        return best;
    }
    const struct peer *peer = back->borrowed ? NULL : member_peer(member, back->conn);
    return peer != NULL && peer->state == PEER_UP ? back->conn : best;
}

static void
encode_response(struct member *member, const struct member_back *back, bool success,
    struct span body, struct now now, struct fabric_response_split *split)
{
    struct span path[PATH_COUNT_MAX + 1];
    uint32_t count = 0;
    for (; count < back->routing_path.count && count < PATH_COUNT_MAX; count++) {
        path[count] = back->routing_path.items[count];
    }
    path[count++] = member->config.url;
    struct fabric_response response = {
        .headers = {
            .correlation_id = back->request_id,
            .source_cluster = member->config.cluster_id,
            .target_cluster = back->reply_cluster,
            .routing_path = { .items = &member->config.url, .count = 1 },
            .federation_path = { .items = &member->config.cluster_id, .count = 1 },
            .has_hop_budget = true,
            .hop_budget = 5,
        },
        .request_id = back->request_id,
        .success = success,
        .error = success ? SPAN_NONE : body,
        .responder = member->config.url,
        .reply_to = back->reply_to,
        .reply_cluster = back->reply_cluster,
        .routing_path = { .items = path, .count = count },
    };
    buf_reset(&member->out);
    fabric_response_encode(&member->out, &response, now.wall, split);
}

static void
send_response(struct member *member, const struct member_back *back, bool success, struct span body,
    struct now now, struct actions *actions)
{
    struct conn_id conn = way_back(member, back);
    if (conn.v == 0 || back->reply_to.size == 0) {
        LOG_DEBUG(member->log, "call.answer_undeliverable", LOG_SPAN("node", back->from_url),
            LOG_SPAN("function", back->command));
        return;
    }
    struct fabric_response_split split;
    encode_response(member, back, success, body, now, &split);
    size_t result_size = success ? body.size : 0;
    if (member->out.overflowed ||
        member->out.size + result_size > member_size_limit(member, conn)) {
        static const char too_large[] =
            "{\"error\":\"result is larger than the connection to the caller allows\","
            "\"error_type\":\"ResultTooLarge\"}";
        encode_response(member, back, false, span_from_text(too_large), now, &split);
        success = false;
    }
    struct span text = member_composed(member, actions);
    if (text.size == 0) {
        return;
    }
    const struct span parts[] = {
        span_part(text, 0, split.head_size),
        success ? body : SPAN_NONE,
        span_after(text, split.head_size),
    };
    actions_send_parts(actions, conn, parts, COUNT_OF(parts));
}

void
member_answer(struct member *member, struct member_back *back, bool success, struct span body,
    struct now now, struct actions *actions)
{
    send_response(member, back, success, body, now, actions);
    member_drop(member, back);
}

void
member_answer_error(struct member *member, struct member_back *back, struct span error,
    struct span error_type, struct now now, struct actions *actions)
{
    buf_reset(&member->out);
    fabric_error_encode(&member->out, error, back->command, error_type);
    struct span body = member_composed(member, actions);
    member_answer(member, back, false, body.size == 0 ? SPAN("{}") : body, now, actions);
}

static struct catalog_query
query_of(const struct member *member, const struct fabric_request *request, bool *valid)
{
    struct catalog_query query = {
        .function = request->command,
        .function_id = request->function_id,
        .resources = request->resources,
        .target_node = member->config.url,
        .local_cluster = member->config.cluster_id,
    };
    *valid = version_constraint_parse(request->version_constraint, &query.constraint);
    return query;
}

static void
take_request(struct member *member, const struct peer *peer, const struct fabric_request *request,
    struct now now, struct actions *actions)
{
    struct member_back *back = back_create(member, peer, request);
    if (back == NULL) {
        member->stats.actions_lost++;
        LOG_WARN(member->log, "call.turned_away", LOG_SPAN("peer", peer_text_span(&peer->url)),
            LOG_SPAN("function", request->command),
            LOG_TEXT("reason", "too many calls are under way"));
        return;
    }
    bool valid;
    struct catalog_query query = query_of(member, request, &valid);
    if (!valid) {
        member_answer_error(
            member, back, SPAN("version_constraint is none"), SPAN("ValueError"), now, actions);
        return;
    }
    struct member_incoming incoming = {
        .request = *request,
        .from_url = back->from_url,
        .context = member_find_offer(member, &query, now),
        .deadline = instant_after(now.mono, member->config.call_timeout_ns),
    };
    member->events.called(member->events.owner, &incoming, back, now, actions);
}

void
member_fabric(struct member *member, struct peer *peer, const struct fabric *fabric, struct now now,
    struct actions *actions)
{
    switch (fabric->kind) {
    case FABRIC_REQUEST:
        take_request(member, peer, &fabric->request, now, actions);
        break;
    case FABRIC_RESPONSE:
        take_response(member, peer, &fabric->response, now, actions);
        break;
    case FABRIC_OTHER:
        break;
    }
}

void
member_refuse_call(struct member *member, struct peer *peer, const struct fabric *fabric,
    struct now now, struct actions *actions)
{
    LOG_WARN(member->log, "call.refused", LOG_SPAN("peer", peer_text_span(&peer->url)),
        LOG_SPAN("function", fabric->request.command),
        LOG_SPAN("cluster", fabric->request.headers.source_cluster),
        LOG_TEXT("advice", isolation_hint(ISOLATION_FOREIGN_CALL)));
    struct member_back *back =
        fabric->kind == FABRIC_REQUEST ? back_create(member, peer, &fabric->request) : NULL;
    if (back != NULL) {
        member_answer_error(
            member, back, SPAN("fabric_route_not_found"), SPAN("IsolationError"), now, actions);
    }
}

/* Choosing. */

struct chooser {
    const struct member *member;
    struct wall now;
    uint64_t own; /* our own load: connections accepted */
};

static uint64_t
load_of(void *owner, struct span node_id)
{
    const struct chooser *chooser = owner;
    const struct member *member = chooser->member;
    if (span_equal(node_id, member->config.url)) {
        return chooser->own;
    }
    static const struct roster_node unknown;
    const struct roster_node *node = roster_find(&member->roster, node_id);
    return roster_load(node == NULL ? &unknown : node, chooser->now);
}

const struct catalog_entry *
member_select(const struct member *member, const struct catalog_query *query, struct now now)
{
    struct chooser chooser = { .member = member, .now = now.wall, .own = member->inbound_count };
    struct catalog_load load = { .owner = &chooser, .score = load_of };
    return catalog_select(member->catalog, query, &load, now.wall);
}

void *
member_find_offer(const struct member *member, const struct catalog_query *query, struct now now)
{
    struct catalog_query own = *query;
    own.target_node = member->config.url;
    const struct catalog_entry *entry = member_select(member, &own, now);
    const struct offer *offer = entry == NULL ? NULL : entry->context;
    return offer == NULL ? NULL : offer->context;
}

/* Showing. */

bool
member_next_node(
    const struct member *member, size_t *cursor, struct now now, struct member_node *shown)
{
    const struct roster_node *node;
    do {
        node = map_next(&member->roster.by_url, cursor);
    } while (node != NULL && node->cluster_id.size == 0);
    if (node == NULL) {
        return false;
    }
    const struct roster_status *status = &node->status;
    const struct peer *dialed = member_peer(member, node->dialed);
    const struct peer *inbound = member_peer(member, node->inbound);
    *shown = (struct member_node){
        .url = peer_text_span(&node->url),
        .cluster_id = peer_text_span(&node->cluster_id),
        .dialed_up = dialed != NULL && dialed->state == PEER_UP,
        .inbound_up = inbound != NULL && inbound->state == PEER_UP,
        .known_status = status->known,
        .status_at = status->timestamp,
        .status_ok = status->ok,
        .active_clients = status->active_clients,
        .peer_count = status->peer_count,
        .messages_processed = status->messages_processed,
        .rpc_responses_skipped = status->rpc_responses_skipped,
        .server_messages = status->server_messages,
        .other_messages = status->other_messages,
        .load_score = roster_load(node, now.wall),
        .lost_at = node->lost_at,
    };
    return true;
}
