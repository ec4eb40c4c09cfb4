/* SPDX-License-Identifier: Apache-2.0 */
/* request_command.c - one command of a request: its arguments made ready, run here or sent to who serves it, its end. */
#include "node/request_parts.h"
#include "node/route.h"

void
request_finish_command(struct node *node, struct command *command, struct span result)
{
    CHECK(command->state != COMMAND_DONE);
    command->request->running_count -= command->state == COMMAND_RUNNING;
    command->state = COMMAND_DONE;
    work_end(node, &command->work);
    heap_remove(&node->doubts, &command->doubt);
    command->value->result = result;
}

struct span
request_describe_error(struct node *node, struct span type, struct span text)
{
    return type.size == 0 ? text : NODE_JOIN(node, type, SPAN(": "), text);
}

static void
run_built_in(struct node *node, struct command *command, const struct command_entry *entry,
    const struct rpc_command *ready)
{
    struct command_result result = node_run_command(node, entry, ready->args, ready->kwargs);
    node->stats.calls_local++;
    if (result.success) {
        request_finish_command(node, command, result.value);
    } else {
        request_fail_with(
            node, command->request, request_describe_error(node, result.error_type, result.error));
    }
}

static void
execute(struct node *node, struct command *command, const struct node_function *function,
    const struct rpc_command *ready)
{
    bool begun = work_begin(node, &command->work, WORK_COMMAND) &&
                 work_execute(node, &command->work, function, ready->args, ready->kwargs);
    if (!begun) {
        request_fail_with(node, command->request, SPAN("out of memory"));
        return;
    }
    command->state = COMMAND_RUNNING;
    command->request->running_count++;
}

static const char *
why_not_sent(enum member_call_result result)
{
    switch (result) {
    case MEMBER_CALL_OK:
        return "";
    case MEMBER_CALL_NOT_CONNECTED:
        return "is not connected to this node right now";
    case MEMBER_CALL_CONGESTED:
        return "does not read as fast as it is sent calls";
    case MEMBER_CALL_TOO_LARGE:
        return "takes no call as large as this one on its connection";
    case MEMBER_CALL_TOO_MANY:
        return "cannot be called: too many calls are under way here";
    }
    return "";
}

/* MEMBER_CALL_OK, or nothing is under way. A call that is sent again keeps its ticket, which names it over there. */
static enum member_call_result
send_call(struct node *node, struct command *command, const struct function_key *to,
    const struct rpc_command *ready)
{
    bool again = command->work.ticket != 0;
    if (!again && !work_begin(node, &command->work, WORK_COMMAND)) {
        return MEMBER_CALL_TOO_MANY;
    }
    if (!request_set_node(node, command, to->node_id)) {
        work_end(node, &command->work);
        return MEMBER_CALL_TOO_MANY;
    }
    struct member_call call = {
        .ticket = command->work.ticket,
        .function = ready->function,
        .function_id = ready->function_id,
        .version_constraint = ready->version_constraint,
        .resources = ready->resources,
        .target_node = to->node_id,
        .args = ready->args,
        .kwargs = ready->kwargs,
        .deadline = instant_after(command->request->started_at, node->config.request_timeout_ns),
        .again = again,
    };
    enum member_call_result result = member_call(node->member, &call, node->now, &node->actions);
    if (result != MEMBER_CALL_OK) {
        work_end(node, &command->work);
    }
    return result;
}

static void
note_sent(struct node *node, struct command *command, const struct function_key *to)
{
    struct request *request = command->request;
    command->work.remote = true;
    command->state = COMMAND_RUNNING;
    request->running_count++;
    request->cross_cluster_count += !span_equal(to->cluster_id, node->config.member.cluster_id);
    node->stats.calls_remote++;
}

/* false: no memory. */
static bool
watch(struct node *node, struct command *command, uint64_t silence_ns)
{
    uint64_t left_ns = silence_ns < NODE_SILENCE_NS ? NODE_SILENCE_NS - silence_ns : 0;
    return heap_set(
        &node->doubts, &command->doubt, node_heap_at(instant_after(node->now.mono, left_ns)));
}

/* Whether what was sent to this endpoint can be sent to another one. */
static bool
make_repeatable(struct node *node, struct command *command, const struct function_endpoint *to)
{
    return text_list_has(&to->tags, SPAN(FUNCTION_TAG_IDEMPOTENT)) &&
           request_keep_arguments(node, command) &&
           watch(node, command, member_silence_ns(node->member, command->node_id, node->now));
}

static void
fail_unsent(
    struct node *node, struct command *command, struct span node_id, enum member_call_result result)
{
    request_fail_with(node, command->request,
        NODE_JOIN(node, SPAN("node "), node_id, SPAN(", which serves "), command->asked.function,
            SPAN(", "), span_from_text(why_not_sent(result))));
}

/* Until it can be sent, for NODE_CONNECT_NS in all. It was sent to nobody, so it need not be one that may run twice. */
static void
hold(struct node *node, struct command *command, const struct catalog_entry *entry)
{
    const struct function_key to = catalog_endpoint(entry).key;
    if (command->held_until.ns == 0) {
        command->held_until = instant_after(node->now.mono, NODE_CONNECT_NS);
        node->stats.calls_held++;
    }
    if (instant_reached(command->held_until, node->now.mono)) {
        fail_unsent(node, command, to.node_id, MEMBER_CALL_NOT_CONNECTED);
        return;
    }
    if (!request_set_node(node, command, to.node_id) || !request_keep_arguments(node, command)) {
        request_fail_with(node, command->request, SPAN("out of memory"));
        return;
    }
    command->state = COMMAND_HELD;
    command->request->running_count++;
    list_push(&node->held, &command->held);
}

/* Try the node, and one other that serves the same when the call could not be sent. */
static void
call_node(struct node *node, struct command *command, const struct catalog_entry *entry,
    const struct rpc_command *ready)
{
    struct function_endpoint to = catalog_endpoint(entry);
    enum member_call_result result = send_call(node, command, &to.key, ready);
    if (result != MEMBER_CALL_OK && result != MEMBER_CALL_TOO_MANY) {
        struct route other = route_find(node, &command->asked, to.key.node_id);
        if (other.kind == ROUTE_FUNCTION) {
            execute(node, command, other.function, ready);
            return;
        }
        if (other.kind == ROUTE_EXPECTED) {
            hold(node, command, other.entry);
            return;
        }
        if (other.kind == ROUTE_NODE) {
            to = catalog_endpoint(other.entry);
            result = send_call(node, command, &to.key, ready);
        }
    }
    if (result != MEMBER_CALL_OK) {
        fail_unsent(node, command, to.key.node_id, result);
        return;
    }
    note_sent(node, command, &to.key);
    command->repeatable = make_repeatable(node, command, &to);
}

static struct span
why_not_substituted(enum plan_result result)
{
    switch (result) {
    case PLAN_OK:
    case PLAN_EMPTY:
    case PLAN_CYCLE:
        break;
    case PLAN_TOO_LARGE:
        return SPAN("the arguments with their references replaced are too large or too deep");
    case PLAN_BAD_VALUE:
        return SPAN("a result that the arguments refer to is not JSON");
    case PLAN_NO_MEMORY:
        return SPAN("out of memory");
    }
    return SPAN_NONE;
}

/* The command with its references replaced. */
static enum plan_result
make_ready(struct node *node, const struct command *command, struct rpc_command *ready)
{
    const struct request *request = command->request;
    struct message_scratch scratch = node_scratch(node);
    enum plan_result result = PLAN_OK;
    *ready = command->asked;
    if (command->args_refer) {
        result =
            plan_substitute(request->values, request->count, ready->args, &scratch, &ready->args);
    }
    if (result == PLAN_OK && command->kwargs_refer) {
        result = plan_substitute(
            request->values, request->count, ready->kwargs, &scratch, &ready->kwargs);
    }
    return result;
}

static void
refuse_not_found(struct node *node, struct request *request, struct span function)
{
    struct reply_failure failure = {
        .code = REPLY_NOT_FOUND,
        .message = SPAN("Command not found"),
        .details = NODE_JOIN(node, SPAN("Command not found: "), function),
    };
    request_fail(node, request, &failure);
}

static void
run(struct node *node, struct command *command, const struct route *route)
{
    struct rpc_command ready;
    enum plan_result result = make_ready(node, command, &ready);
    if (result != PLAN_OK) {
        request_fail_with(node, command->request, why_not_substituted(result));
    } else if (route->kind == ROUTE_COMMAND) {
        run_built_in(node, command, route->command, &ready);
    } else if (route->kind == ROUTE_FUNCTION) {
        execute(node, command, route->function, &ready);
    } else {
        call_node(node, command, route->entry, &ready);
    }
}

void
request_start_command(struct node *node, struct command *command)
{
    struct route route = route_find(node, &command->asked, SPAN_NONE);
    switch (route.kind) {
    case ROUTE_COMMAND:
    case ROUTE_FUNCTION:
    case ROUTE_NODE:
        run(node, command, &route);
        break;
    case ROUTE_EXPECTED:
        hold(node, command, route.entry);
        break;
    case ROUTE_UNREACHABLE:
        fail_unsent(
            node, command, catalog_endpoint(route.entry).key.node_id, MEMBER_CALL_NOT_CONNECTED);
        break;
    case ROUTE_NONE:
        if (command->held_until.ns > 0) {
            /* It was there when the client asked: a node that was lost and does not answer takes its functions along. */
            fail_unsent(node, command, command->node_id, MEMBER_CALL_NOT_CONNECTED);
        } else {
            refuse_not_found(node, command->request, command->asked.function);
        }
        break;
    case ROUTE_BAD_VERSION:
        request_fail_with(node, command->request,
            NODE_JOIN(node, SPAN("ValueError: invalid version constraint: "),
                command->asked.version_constraint));
        break;
    }
}

/* It runs nowhere now. */
static void
take_back(struct node *node, struct command *command)
{
    if (command->work.remote) {
        member_cancel(node->member, command->work.ticket);
        command->work.remote = false;
    }
    heap_remove(&node->doubts, &command->doubt);
    command->repeatable = false;
    command->state = COMMAND_WAITING;
    command->request->running_count--;
}

/* It runs nowhere. false: it could not be given to the other one. */
static bool
start_again(struct node *node, struct command *command, const struct route *other,
    const struct rpc_command *ready)
{
    if (other->kind == ROUTE_FUNCTION) {
        work_end(node, &command->work);
        execute(node, command, other->function, ready);
        return true;
    }
    const struct function_key to = catalog_endpoint(other->entry).key;
    if (send_call(node, command, &to, ready) != MEMBER_CALL_OK) {
        return false;
    }
    note_sent(node, command, &to);
    return true;
}

bool
request_repeat_command(struct node *node, struct command *command)
{
    struct rpc_command ready;
    if (!command->repeatable || make_ready(node, command, &ready) != PLAN_OK) {
        return false;
    }
    struct route other = route_find_again(node, &command->asked, command->node_id);
    if (other.kind == ROUTE_NONE) {
        return false;
    }
    LOG_DEBUG(node->log, "call.repeated", LOG_SPAN("function", ready.function),
        LOG_SPAN("failed_node", command->node_id), LOG_U64("ticket", command->work.ticket));
    take_back(node, command);
    bool begun = start_again(node, command, &other, &ready);
    node->stats.calls_repeated += begun;
    return begun;
}

static void
doubt(struct node *node, struct command *command)
{
    uint64_t silence_ns = member_silence_ns(node->member, command->node_id, node->now);
    if (silence_ns >= NODE_SILENCE_NS) {
        if (request_repeat_command(node, command)) {
            return;
        }
        /* There is no other one, so it is as good to wait on; there may be one later. */
        silence_ns = 0;
    }
    if (command->state != COMMAND_RUNNING) {
        request_fail_with(node, command->request,
            NODE_JOIN(node, SPAN("a node fell silent while it ran "), command->asked.function,
                SPAN(", and the call could not be sent to another one")));
        return;
    }
    bool moved = watch(node, command, silence_ns);
    CHECK(moved);
}

void
request_doubt(struct node *node)
{
    struct heap_node *due;
    while ((due = heap_first(&node->doubts)) != NULL && (uint64_t)due->at <= node->now.mono.ns) {
        doubt(node, CONTAINER_OF(due, struct command, doubt));
    }
}
