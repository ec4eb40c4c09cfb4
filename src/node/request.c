/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - one client request's life: from level to level, until it is answered or fails. */
#include "node/request.h"

#include "core/json_write.h"
#include "core/limits.h"
#include "node/request_parts.h"
#include "node/route.h"

/* Endings. */

static void
stop_commands(struct node *node, struct request *request)
{
    for (uint32_t i = 0; i < request->count; i++) {
        work_end(node, &request->commands[i].work);
        heap_remove(&node->doubts, &request->commands[i].doubt);
        list_remove(&request->commands[i].held);
    }
    request->running_count = 0;
}

/* The memory stays until the next step: actions of this one may point to it. */
static void
end_request(struct node *node, struct request *request)
{
    CHECK(!request->has_ended);
    request->has_ended = true;
    stop_commands(node, request);
    heap_remove(&node->request_deadlines, &request->deadline);
    list_remove(&request->link);
    list_push(&node->ended, &request->link);
    if (request->client != NULL) {
        list_remove(&request->of_client);
        request->client->request_count--;
        node->stats.requests_open--;
        clients_forget_if_idle(node, request->client);
        request->client = NULL;
    }
}

void
request_fail(struct node *node, struct request *request, const struct reply_failure *failure)
{
    reply_error(node, request->conn, request->u, failure);
    end_request(node, request);
}

void
request_fail_with(struct node *node, struct request *request, struct span details)
{
    struct reply_failure failure = reply_failed(details);
    request_fail(node, request, &failure);
}

static void
time_out(struct node *node, struct request *request)
{
    struct buf text;
    buf_init(&text, &node->mem, NAME_SIZE_MAX);
    buf_add_text(&text, "RPC execution timed out after ");
    struct json_writer writer = json_write_into(&text);
    json_write_seconds(&writer, (int64_t)node->config.request_timeout_ns);
    buf_add_text(&text, " seconds");
    struct reply_failure failure = {
        .code = REPLY_TIMED_OUT,
        .message = buf_span(&text),
        .details = SPAN("The RPC workflow took too long to complete"),
    };
    request_fail(node, request, &failure);
    buf_destroy(&text);
}

static void
answer(struct node *node, struct request *request)
{
    struct reply_extras extras;
    uint32_t count = 0;
    struct reply_item *items = arena_take(&node->arena, request->count * sizeof(*items));
    for (uint32_t i = 0; items != NULL && i < request->count; i++) {
        const struct command *command = &request->commands[i];
        if (command->level == request->level_count - 1) {
            items[count++] = (struct reply_item){
                .name = command->asked.name,
                .result = command->value->result,
            };
        }
    }
    bool sent = items != NULL && request_report(node, request, &extras) &&
                reply_results(node, request->conn, request->u, items, count, &extras);
    if (sent) {
        end_request(node, request);
    } else {
        request_fail_with(node, request, SPAN("the results are larger than an answer may be"));
    }
}

/* Levels. */

static void
begin_level(struct node *node, struct request *request)
{
    request->level_begun = true;
    request->level_started_at = node->now.mono;
    for (uint32_t i = 0; i < request->count && !request->has_ended; i++) {
        if (request->commands[i].level == request->level) {
            request_start_command(node, &request->commands[i]);
        }
    }
}

static void
end_level(struct node *node, struct request *request)
{
    request->levels[request->level] = (struct request_level){
        .took_ns = instant_between(request->level_started_at, node->now.mono),
        .ended_at = node->now.wall,
    };
    request->level++;
    request->level_begun = false;
}

/* Go on as far as it goes without waiting. */
static void
advance(struct node *node, struct request *request)
{
    while (!request->has_ended && request->running_count == 0) {
        if (request->level_begun) {
            end_level(node, request);
        }
        if (request->level == request->level_count) {
            answer(node, request);
        } else {
            begin_level(node, request);
        }
    }
    if (!request->has_ended && !request_keep_results(node, request)) {
        request_fail_with(node, request, SPAN("out of memory"));
    }
}

/* Asking. */

static void
refuse(struct node *node, struct conn_id conn, const struct rpc_request *asked, struct span details)
{
    struct reply_failure failure = reply_failed(details);
    reply_error(node, conn, asked->u, &failure);
}

/* "CycleError: ('nodes are in a cycle', ['a', 'b', 'a'])", the last line of the reference's. */
static struct span
describe_cycle(struct node *node, const struct rpc_request *asked, const struct plan *plan)
{
    const uint32_t names_max = 16;
    buf_reset(&node->out);
    buf_add_text(&node->out, "CycleError: ('nodes are in a cycle', [");
    for (uint32_t i = 0; i < plan->cycle_count && i < names_max; i++) {
        buf_add_text(&node->out, i == 0 ? "'" : ", '");
        buf_add(&node->out, asked->commands[plan->cycle[i]].name);
        buf_add_text(&node->out, "'");
    }
    buf_add_text(&node->out, plan->cycle_count > names_max ? ", ...])" : "])");
    return node_composed(node);
}

static struct span
why_no_plan(struct node *node, const struct rpc_request *asked, const struct plan *plan,
    enum plan_result result)
{
    switch (result) {
    case PLAN_OK:
    case PLAN_BAD_VALUE:
        break;
    case PLAN_EMPTY:
        return SPAN("the request has no commands");
    case PLAN_CYCLE:
        return describe_cycle(node, asked, plan);
    case PLAN_TOO_LARGE:
        return SPAN("the arguments have too many values");
    case PLAN_NO_MEMORY:
        return SPAN("out of memory");
    }
    return SPAN_NONE;
}

/* One built-in command and nothing around it: answered without a request in memory. */
static bool
answer_at_once(struct node *node, struct conn_id conn, const struct rpc_request *asked)
{
    const struct rpc_command *command = &asked->commands[0];
    if (asked->command_count != 1 || asked->return_intermediate_results ||
        asked->include_execution_summary || commands_find(command->function) == NULL) {
        return false;
    }
    struct route route = route_find(node, command, SPAN_NONE);
    if (route.kind != ROUTE_COMMAND) {
        return false;
    }
    struct command_result result =
        node_run_command(node, route.command, command->args, command->kwargs);
    node->stats.calls_local++;
    struct reply_item item = { .name = command->name, .result = result.value };
    struct reply_extras extras = { .intermediate_results = SPAN_NONE };
    if (!result.success) {
        refuse(node, conn, asked, request_describe_error(node, result.error_type, result.error));
    } else if (!reply_results(node, conn, asked->u, &item, 1, &extras)) {
        refuse(node, conn, asked, SPAN("the result is larger than an answer may be"));
    }
    return true;
}

/* It waits for something: now its client, the deadline and the caps know of it. */
static void
keep_open(struct node *node, struct request *request)
{
    struct client *client = clients_ensure(node, request->conn);
    struct instant deadline = instant_after(request->started_at, node->config.request_timeout_ns);
    bool kept = client != NULL &&
                heap_set(&node->request_deadlines, &request->deadline, node_heap_at(deadline));
    if (!kept) {
        request_fail_with(node, request, SPAN("out of memory"));
        if (client != NULL) {
            clients_forget_if_idle(node, client);
        }
        return;
    }
    request->client = client;
    list_push(&client->requests, &request->of_client);
    client->request_count++;
    node->stats.requests_open++;
}

static bool
too_many(const struct node *node, struct conn_id conn)
{
    const struct client *client = clients_find(node, conn);
    return node->stats.requests_open >= NODE_REQUESTS_MAX ||
           (client != NULL && client->request_count >= NODE_REQUESTS_PER_CLIENT_MAX);
}

void
request_ask(struct node *node, struct conn_id conn, const struct rpc_request *asked)
{
    struct plan plan;
    struct message_scratch scratch = node_scratch(node);
    node->stats.requests++;
    if (node->life != NODE_SERVING) {
        struct reply_failure failure = {
            .code = REPLY_FAILED,
            .message = SPAN("this node is shutting down"),
            .details = SPAN("ask another node of the cluster"),
        };
        reply_error(node, conn, asked->u, &failure);
        return;
    }
    enum plan_result result = plan_make(asked->commands, asked->command_count, &scratch, &plan);
    if (result != PLAN_OK) {
        refuse(node, conn, asked, why_no_plan(node, asked, &plan, result));
        return;
    }
    if (answer_at_once(node, conn, asked)) {
        return;
    }
    if (too_many(node, conn)) {
        struct reply_failure failure = {
            .code = REPLY_FAILED,
            .message = SPAN("too many open requests"),
            .details = SPAN("wait for answers before asking more, or ask another node"),
        };
        reply_error(node, conn, asked->u, &failure);
        return;
    }
    struct request *request = request_create(node, conn, asked, &plan);
    if (request == NULL) {
        refuse(node, conn, asked, SPAN("out of memory"));
        return;
    }
    advance(node, request);
    if (!request->has_ended) {
        keep_open(node, request);
    }
}

/* What comes back. */

void
request_executed(struct node *node, struct command *command, const struct event *event)
{
    struct request *request = command->request;
    if (event->success) {
        request_finish_command(node, command, event->bytes);
        advance(node, request);
        return;
    }
    request_fail_with(
        node, request, request_describe_error(node, event->error_type, event->reason));
}

/* The error object of the far node; one is made up for a node that sent none. */
static struct span
error_value(struct node *node, const struct command *command, struct span body)
{
    if (body.size > 0) {
        return body;
    }
    buf_reset(&node->out);
    struct json_writer writer = json_write_into(&node->out);
    json_begin_object(&writer);
    json_write_key(&writer, "error");
    json_write_text(&writer, "fabric_rpc_failed");
    json_write_key(&writer, "command");
    json_write_string(&writer, command->asked.function);
    json_end_object(&writer);
    struct span value = node_composed(node);
    return value.data == NULL ? SPAN("null") : value;
}

/* Nobody executed it, or nobody knows: another bridge may have a way. */
static bool
bridge_has_no_way(struct node *node, struct span error)
{
    int64_t code = fabric_error_code(error, &node->tape);
    return code == FABRIC_CODE_LINK_DOWN || code == FABRIC_CODE_DRAINING;
}

void
request_answered(
    struct node *node, struct command *command, enum member_outcome outcome, struct span body)
{
    struct request *request = command->request;
    struct span broke;
    /* The member has taken it off its books: there is nothing left to cancel. */
    command->work.remote = false;
    switch (outcome) {
    case MEMBER_ANSWERED:
        request_finish_command(node, command, body);
        advance(node, request);
        break;
    case MEMBER_FAILED:
        if (command->repeatable && bridge_has_no_way(node, body) &&
            request_repeat_command(node, command)) {
            break;
        }
        request_finish_command(node, command, error_value(node, command, body));
        advance(node, request);
        break;
    case MEMBER_TIMED_OUT:
        time_out(node, request);
        break;
    case MEMBER_LOST:
        /* What another node gets has another node. */
        broke = NODE_JOIN(node, SPAN("the connection to node "), command->node_id,
            SPAN(" broke while it ran "), command->asked.function);
        if (!request_repeat_command(node, command)) {
            request_fail_with(node, request, broke);
        }
        break;
    }
}

void
request_expire(struct node *node)
{
    struct heap_node *due;
    while ((due = heap_first(&node->request_deadlines)) != NULL &&
           (uint64_t)due->at <= node->now.mono.ns) {
        time_out(node, CONTAINER_OF(due, struct request, deadline));
    }
}

static void
resume(struct node *node, struct command *command)
{
    struct request *request = command->request;
    list_remove(&command->held);
    command->state = COMMAND_WAITING;
    request->running_count--;
    request_start_command(node, command);
    advance(node, request);
}

void
request_resume(struct node *node)
{
    /* What is held again comes behind it, in the same order; a request that ends takes its other commands along. */
    struct list end;
    list_push(&node->held, &end);
    while (node->held.next != &end) {
        struct command *command = CONTAINER_OF(node->held.next, struct command, held);
        if (!node->look_again && !instant_reached(command->held_until, node->now.mono)) {
            break;
        }
        resume(node, command);
    }
    list_remove(&end);
    node->look_again = false;
}

struct instant
request_held_until(const struct node *node)
{
    return list_empty(&node->held)
               ? INSTANT_NEVER
               : CONTAINER_OF(node->held.next, const struct command, held)->held_until;
}

void
request_client_gone(struct node *node, struct client *client)
{
    /* The last end_request may free the client. */
    uint32_t left = client->request_count;
    struct list *link = client->requests.next;
    while (left-- > 0) {
        struct request *request = CONTAINER_OF(link, struct request, of_client);
        link = link->next;
        end_request(node, request);
    }
}

void
request_fail_all(struct node *node, struct span details)
{
    LIST_EACH (link, &node->requests) {
        request_fail_with(node, CONTAINER_OF(link, struct request, link), details);
    }
}

void
request_free_all(struct node *node)
{
    LIST_EACH (link, &node->requests) {
        end_request(node, CONTAINER_OF(link, struct request, link));
    }
    request_free_ended(node);
}
