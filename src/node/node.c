/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.c - the ordinary node's engine: birth, the road of one event, and stopping.
 *
 * A step: what the step before left behind is freed; the event goes to the member, which calls back
 * for whatever concerns clients and calls, or to the work that it ends; then what has become due.
 */
#include "node/node.h"

#include <string.h>

#include "core/delta.h"
#include "core/json_write.h"
#include "core/limits.h"
#include "node/clients.h"
#include "node/node_state.h"
#include "node/reply.h"
#include "node/request.h"
#include "node/served.h"

/* Scratch that one large message made larger than this is given back. */
#define KEEP_BYTES_MAX  ((size_t)1024 * 1024)
#define KEEP_TOKENS_MAX 65536u

/* A summary: two names, an id, a version and a sentence. */
#define SUMMARY_SIZE_MAX ((size_t)16 * NAME_SIZE_MAX)

/* Callbacks of the member, always from inside member_step. */

static void
on_asked(void *owner, struct conn_id conn, const struct rpc_request *request, struct now now,
    struct actions *actions)
{
    struct node *node = owner;
    CHECK(actions == &node->actions);
    CHECK(now.mono.ns == node->now.mono.ns);
    request_ask(node, conn, request);
}

static void
on_asked_other(void *owner, struct conn_id conn, const struct envelope *envelope, struct now now,
    struct actions *actions)
{
    struct node *node = owner;
    CHECK(actions == &node->actions);
    CHECK(now.mono.ns == node->now.mono.ns);
    clients_hear(node, conn, envelope);
}

static void
on_called(void *owner, const struct member_incoming *incoming, struct member_back *back,
    struct now now, struct actions *actions)
{
    struct node *node = owner;
    CHECK(actions == &node->actions);
    CHECK(now.mono.ns == node->now.mono.ns);
    served_begin(node, incoming, back);
}

static void
on_answered(void *owner, uint64_t ticket, enum member_outcome outcome, struct span body,
    struct now now, struct actions *actions)
{
    struct node *node = owner;
    CHECK(actions == &node->actions);
    CHECK(now.mono.ns == node->now.mono.ns);
    struct work *work = work_find(node, ticket);
    CHECK(work != NULL);
    CHECK(work->kind == WORK_COMMAND);
    request_answered(node, CONTAINER_OF(work, struct command, work), outcome, body);
}

static void
on_client_gone(void *owner, struct conn_id conn)
{
    struct node *node = owner;
    struct client *client = clients_find(node, conn);
    if (client == NULL) {
        return;
    }
    request_client_gone(node, client);
    /* With nothing else open it is forgotten already. */
    client = clients_find(node, conn);
    if (client != NULL) {
        clients_remove(node, client);
    }
}

/* Calls that are held may be sent now, or never: after the member's step, not from inside of it. */
static void
on_reached(void *owner, struct span node_id)
{
    struct node *node = owner;
    (void)node_id;
    node->look_again = true;
}

static void
on_dial_failed(void *owner)
{
    struct node *node = owner;
    node->look_again = true;
}

/* Nothing of the node hangs on the catalog: every call looks it up anew. */
static void
on_catalog_changed(void *owner, const struct catalog_change *change)
{
    (void)owner;
    (void)change;
}

/* Birth. */

static bool
work_is(const void *item, const void *key)
{
    const struct work *work = item;
    const uint64_t *ticket = key;
    return work->ticket == *ticket;
}

static bool
client_is(const void *item, const void *key)
{
    const struct client *client = item;
    const struct conn_id *conn = key;
    return conn_equal(client->conn, *conn);
}

static uint32_t
command_count(void)
{
    size_t cursor = 0;
    uint32_t count = 0;
    while (commands_next(&cursor) != NULL) {
        count++;
    }
    return count;
}

static bool
create_services(struct node *node)
{
    uint32_t count = command_count() + node->config.function_count;
    node->services = mem_take(&node->mem, count * sizeof(*node->services));
    if (node->services == NULL) {
        return false;
    }
    size_t cursor = 0;
    const struct command_entry *command;
    while ((command = commands_next(&cursor)) != NULL) {
        node->services[node->service_count++].command = command;
    }
    for (uint32_t i = 0; i < node->config.function_count; i++) {
        node->services[node->service_count++].function = &node->config.functions[i];
    }
    CHECK(node->service_count == count);
    return true;
}

static struct member *
create_member(struct node *node)
{
    struct member_events events = {
        .owner = node,
        .asked = on_asked,
        .asked_other = on_asked_other,
        .called = on_called,
        .answered = on_answered,
        .client_gone = on_client_gone,
        .reached = on_reached,
        .dial_failed = on_dial_failed,
        .catalog = { .owner = node, .changed = on_catalog_changed },
    };
    return member_create(
        &node->config.member, &node->mem, node->hash_key, &events, node->log, &node->prng);
}

struct node *
node_create(
    const struct node_config *config, struct hash_key hash_key, uint64_t seed, struct log *log)
{
    struct mem mem;
    mem_init(&mem, config->memory_max);
    struct node *node = mem_take(&mem, sizeof(*node));
    if (node == NULL) {
        return NULL;
    }
    *node = (struct node){
        .config = *config,
        .mem = mem,
        .hash_key = hash_key,
        .prng = { .state = seed },
        .log = log,
        .next_ticket = 1,
        .life_until = INSTANT_NEVER,
    };
    arena_init(&node->arena, &node->mem);
    json_tape_init(&node->tape, &node->mem);
    buf_init(&node->out, &node->mem, MESSAGE_SIZE_MAX);
    map_init(&node->clients, &node->mem, client_is);
    map_init(&node->work, &node->mem, work_is);
    heap_init(&node->request_deadlines, &node->mem);
    heap_init(&node->doubts, &node->mem);
    heap_init(&node->served_deadlines, &node->mem);
    list_init(&node->held);
    list_init(&node->subscriptions);
    list_init(&node->requests);
    list_init(&node->ended);
    list_init(&node->served);
    node->member = create_services(node) ? create_member(node) : NULL;
    if (node->member == NULL) {
        node_free(node);
        return NULL;
    }
    return node;
}

void
node_free(struct node *node)
{
    if (node == NULL) {
        return;
    }
    request_free_all(node);
    served_free_all(node);
    clients_free_all(node);
    CHECK(node->work.count == 0);
    member_free(node->member);
    map_destroy(&node->work);
    heap_destroy(&node->request_deadlines);
    heap_destroy(&node->doubts);
    heap_destroy(&node->served_deadlines);
    mem_give(&node->mem, node->services, node->service_count * sizeof(*node->services));
    buf_destroy(&node->out);
    json_tape_destroy(&node->tape);
    arena_destroy(&node->arena);
    struct mem mem = node->mem;
    mem_give(&mem, node, sizeof(*node));
    /* Whatever a connection, a request or a call took has been given back. */
    CHECK(mem.used == 0);
}

/* Offering. */

/* A RpcSpecSummary (protocol.md 4.2) of what little is known of a worker's function. */
static struct span
encode_summary(struct node *node, const struct node_function *function)
{
    if (function->summary.size == 0) {
        return SPAN_NONE;
    }
    struct buf text;
    buf_init(&text, &node->mem, SUMMARY_SIZE_MAX);
    struct json_writer writer = json_write_into(&text);
    json_begin_object(&writer);
    json_write_key(&writer, "identity");
    function_identity_encode(&writer, &function->identity);
    json_write_key(&writer, "summary");
    json_write_string(&writer, function->summary);
    json_end_object(&writer);
    struct span copy = text.overflowed ? SPAN_NONE : arena_copy(&node->arena, buf_span(&text));
    buf_destroy(&text);
    return copy;
}

static struct member_offer
offer_of(struct node *node, struct service *service)
{
    if (service->command != NULL) {
        return (struct member_offer){
            .identity = commands_identity(service->command),
            .context = service,
        };
    }
    const struct node_function *function = service->function;
    return (struct member_offer){
        .identity = function->identity,
        .resources = function->resources,
        .tags = function->tags,
        .rpc_summary = encode_summary(node, function),
        .context = service,
    };
}

static bool
is_offered(const struct node *node, const struct member_offer *offer)
{
    struct function_key key = {
        .cluster_id = node->config.member.cluster_id,
        .node_id = node->config.member.url,
        .identity = offer->identity,
        .resources = offer->resources,
    };
    return catalog_find(member_catalog(node->member), &key) != NULL;
}

/* NULL: it is offered now. */
static const char *
why_not_offered(struct node *node, const struct service *service, const struct member_offer *offer)
{
    if (is_offered(node, offer)) {
        return "there is another one like it";
    }
    if (service->function != NULL && commands_find(offer->identity.name) != NULL) {
        return "its name is that of a built-in command";
    }
    enum catalog_result result = member_offer(node->member, offer, node->now);
    return result == CATALOG_OK ? NULL : catalog_result_name(result);
}

static void
offer_service(struct node *node, struct service *service)
{
    struct member_offer offer = offer_of(node, service);
    const char *reason = why_not_offered(node, service, &offer);
    if (reason != NULL) {
        LOG_ERROR(node->log, "function.not_offered", LOG_SPAN("function", offer.identity.name),
            LOG_TEXT("reason", reason));
    }
}

/* Sharing. */

struct span
node_join(struct node *node, const struct span *parts, size_t part_count)
{
    size_t size = 0;
    for (size_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    uint8_t *text = arena_take(&node->arena, size);
    if (text == NULL) {
        return SPAN_NONE;
    }
    size_t at = 0;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].size > 0) {
            memcpy(&text[at], parts[i].data, parts[i].size);
        }
        at += parts[i].size;
    }
    return span_from(text, size);
}

struct span
node_composed(struct node *node)
{
    return node->out.overflowed ? SPAN_NONE : arena_copy(&node->arena, buf_span(&node->out));
}

struct message_scratch
node_scratch(struct node *node)
{
    return (struct message_scratch){ .tape = &node->tape, .arena = &node->arena };
}

struct command_result
node_run_command(
    struct node *node, const struct command_entry *command, struct span args, struct span kwargs)
{
    struct command_call call = {
        .member = node->member,
        .mem = &node->mem,
        .arena = &node->arena,
        .tape = &node->tape,
        .out = &node->out,
        .hash_key = node->hash_key,
        .now = node->now,
        .args = args,
        .kwargs = kwargs,
    };
    return commands_run(command, &call);
}

/* Steps. */

static void
begin_step(struct node *node, struct now now)
{
    request_free_ended(node);
    arena_reset(&node->arena);
    actions_begin(&node->actions, &node->arena);
    node->now = now;
    if (node->out.room > KEEP_BYTES_MAX) {
        buf_destroy(&node->out);
    }
    if (node->tape.room > KEEP_TOKENS_MAX) {
        json_tape_destroy(&node->tape);
        json_tape_init(&node->tape, &node->mem);
    }
}

static void
take_result(struct node *node, const struct event *event)
{
    struct work *work = work_find(node, event->ticket);
    if (work == NULL || work->remote) {
        LOG_DEBUG(node->log, "function.late_result", LOG_U64("ticket", event->ticket));
        return;
    }
    switch (work->kind) {
    case WORK_COMMAND:
        request_executed(node, CONTAINER_OF(work, struct command, work), event);
        break;
    case WORK_SERVED:
        served_end(node, CONTAINER_OF(work, struct served, work), event);
        break;
    }
}

static void
note_congestion(struct node *node, const struct event *event)
{
    struct client *client = clients_find(node, event->conn);
    if (client != NULL) {
        client->congested = event->kind == EVENT_CONGESTED;
    }
}

/* Stopping. */

static void
begin_draining(struct node *node)
{
    if (node->life != NODE_SERVING) {
        return;
    }
    LOG_INFO(node->log, "node.draining", LOG_U64("requests", node->stats.requests_open),
        LOG_MS("at_most_ms", NODE_DRAIN_NS));
    node->life = NODE_DRAINING;
    node->life_until = instant_after(node->now.mono, NODE_DRAIN_NS);
    member_retire(node->member, node->now, &node->actions);
}

static void
leave(struct node *node)
{
    request_fail_all(node, SPAN("this node is shutting down"));
    served_refuse_all(node);
    member_leave(node->member, node->now, &node->actions);
    node->life = NODE_LEAVING;
    node->life_until = instant_after(node->now.mono, NODE_LEAVE_NS);
}

/* Nobody is left whom a close could cut off from what was sent last. */
static bool
everybody_gone(const struct node *node)
{
    struct member_stats stats = member_stats(node->member);
    uint64_t count = 0;
    for (size_t state = 0; state < PEER_STATE_COUNT; state++) {
        count += stats.connections_by_state[state];
    }
    return member_gone(node->member) && count == 0;
}

static void
live_on(struct node *node)
{
    bool due = instant_reached(node->life_until, node->now.mono);
    bool idle = node->stats.requests_open == 0 && list_empty(&node->served);
    if (node->life == NODE_DRAINING && (due || idle)) {
        leave(node);
        due = false;
    }
    if (node->life == NODE_LEAVING && (due || everybody_gone(node)) &&
        actions_add(&node->actions, ACTION_FINISHED) != NULL) {
        node->life = NODE_FINISHED;
        node->life_until = INSTANT_NEVER;
    }
}

static void
handle(struct node *node, const struct event *event)
{
    switch (event->kind) {
    case EVENT_START:
        for (uint32_t i = 0; i < node->service_count; i++) {
            offer_service(node, &node->services[i]);
        }
        member_step(node->member, event, node->now, &node->actions);
        break;
    case EVENT_CONGESTED:
    case EVENT_DRAINED:
        note_congestion(node, event);
        member_step(node->member, event, node->now, &node->actions);
        break;
    case EVENT_TICK:
    case EVENT_ACCEPTED:
    case EVENT_OPENED:
    case EVENT_REFUSED:
    case EVENT_MESSAGE:
    case EVENT_CLOSED:
        member_step(node->member, event, node->now, &node->actions);
        break;
    case EVENT_RESULT:
        take_result(node, event);
        break;
    case EVENT_STOP:
        begin_draining(node);
        break;
    }
}

const struct actions *
node_step(struct node *node, const struct event *event, struct now now)
{
    CHECK(event->port == PORT_CLUSTER);
    begin_step(node, now);
    handle(node, event);
    request_resume(node);
    /* Messages and results are many and timers few: what they make due comes with the next TICK. */
    if (event->kind != EVENT_MESSAGE && event->kind != EVENT_RESULT) {
        request_expire(node);
        request_doubt(node);
        served_expire(node);
    }
    live_on(node);
    if (node->actions.lost > 0) {
        LOG_ERROR(node->log, "node.out_of_memory", LOG_U64("actions_lost", node->actions.lost),
            LOG_U64("memory_used", node->mem.used), LOG_U64("memory_max", node->mem.cap));
    }
    return &node->actions;
}

static struct instant
first_of(const struct heap *heap)
{
    const struct heap_node *first = heap_first(heap);
    return first == NULL ? INSTANT_NEVER : (struct instant){ .ns = (uint64_t)first->at };
}

struct instant
node_deadline(const struct node *node, struct now now)
{
    struct instant at = member_deadline(node->member, now);
    at = instant_earlier(at, first_of(&node->request_deadlines));
    at = instant_earlier(at, first_of(&node->doubts));
    at = instant_earlier(at, first_of(&node->served_deadlines));
    at = instant_earlier(at, request_held_until(node));
    return instant_earlier(at, node->life_until);
}

/* Showing. */

static uint64_t
count_offers(const struct node *node)
{
    const struct catalog_node *self =
        catalog_find_node(member_catalog(node->member), node->config.member.url);
    const struct catalog_entry *entry = NULL;
    uint64_t count = 0;
    while (self != NULL && (entry = catalog_next_of_node(self, entry)) != NULL) {
        count++;
    }
    return count;
}

struct node_stats
node_stats(const struct node *node)
{
    struct node_stats stats = node->stats;
    const struct catalog *catalog = member_catalog(node->member);
    stats.member = member_stats(node->member);
    stats.functions_local = count_offers(node);
    stats.functions_known = catalog_count(catalog);
    stats.nodes_known = catalog_node_count(catalog);
    stats.memory_used = node->mem.used;
    stats.memory_peak = node->mem.peak;
    return stats;
}

size_t
node_memory_used(const struct node *node)
{
    return node->mem.used;
}

struct member *
node_member(struct node *node)
{
    return node->member;
}

bool
node_ready(const struct node *node)
{
    return node->life == NODE_SERVING && member_ready(node->member);
}
