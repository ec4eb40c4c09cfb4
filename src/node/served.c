/* SPDX-License-Identifier: Apache-2.0 */
/* served.c - calls of other nodes. */
#include "node/served.h"

static void
forget(struct node *node, struct served *served)
{
    work_end(node, &served->work);
    heap_remove(&node->served_deadlines, &served->deadline);
    list_remove(&served->link);
    mem_give(&node->mem, served, sizeof(*served));
}

static void
answer_error(struct node *node, struct member_back *back, struct span error, struct span type)
{
    member_answer_error(node->member, back, error, type, node->now, &node->actions);
}

static void
execute(struct node *node, const struct node_function *function,
    const struct member_incoming *incoming, struct member_back *back)
{
    struct served *served = mem_take(&node->mem, sizeof(*served));
    if (served == NULL) {
        answer_error(node, back, SPAN("out of memory"), SPAN("MemoryError"));
        return;
    }
    list_init(&served->link);
    served->back = back;
    bool begun =
        work_begin(node, &served->work, WORK_SERVED) &&
        heap_set(&node->served_deadlines, &served->deadline, node_heap_at(incoming->deadline)) &&
        work_execute(
            node, &served->work, function, incoming->request.args, incoming->request.kwargs);
    if (!begun) {
        forget(node, served);
        answer_error(node, back, SPAN("out of memory"), SPAN("MemoryError"));
        return;
    }
    list_push(&node->served, &served->link);
}

static bool
meant_for_us(const struct node *node, const struct fabric_request *request)
{
    const struct member_config *own = &node->config.member;
    return (request->target_node.size == 0 || span_equal(request->target_node, own->url)) &&
           (request->target_cluster.size == 0 ||
               span_equal(request->target_cluster, own->cluster_id));
}

void
served_begin(struct node *node, const struct member_incoming *incoming, struct member_back *back)
{
    const struct fabric_request *request = &incoming->request;
    const struct service *service = incoming->context;
    node->stats.calls_served++;
    if (service == NULL || !meant_for_us(node, request)) {
        answer_error(node, back, SPAN("fabric_route_not_found"), SPAN("RouteNotFound"));
        return;
    }
    if (service->function != NULL) {
        execute(node, service->function, incoming, back);
        return;
    }
    struct command_result result =
        node_run_command(node, service->command, request->args, request->kwargs);
    if (result.success) {
        member_answer(node->member, back, true, result.value, node->now, &node->actions);
    } else {
        answer_error(node, back, result.error, result.error_type);
    }
}

void
served_end(struct node *node, struct served *served, const struct event *event)
{
    struct member_back *back = served->back;
    forget(node, served);
    if (event->success) {
        member_answer(node->member, back, true, event->bytes, node->now, &node->actions);
    } else {
        answer_error(node, back, event->reason, event->error_type);
    }
}

void
served_expire(struct node *node)
{
    struct heap_node *due;
    while ((due = heap_first(&node->served_deadlines)) != NULL &&
           (uint64_t)due->at <= node->now.mono.ns) {
        struct served *served = CONTAINER_OF(due, struct served, deadline);
        LOG_WARN(node->log, "call.took_too_long", LOG_U64("ticket", served->work.ticket));
        member_drop(node->member, served->back);
        forget(node, served);
    }
}

void
served_refuse_all(struct node *node)
{
    LIST_EACH (link, &node->served) {
        struct served *served = CONTAINER_OF(link, struct served, link);
        struct member_back *back = served->back;
        forget(node, served);
        answer_error(node, back, SPAN("this node is shutting down"), SPAN("ShuttingDown"));
    }
}

void
served_free_all(struct node *node)
{
    LIST_EACH (link, &node->served) {
        forget(node, CONTAINER_OF(link, struct served, link));
    }
}
