/* SPDX-License-Identifier: Apache-2.0 */
/* request_memory.c - one block for a request, and copies of what would die too early. */
#include <string.h>

#include "base/pack.h"
#include "node/request_parts.h"

static size_t
command_size(const struct rpc_command *from, const struct plan_step *step)
{
    size_t size = text_list_size(&from->resources) + from->name.size + from->function.size +
                  from->function_id.size + from->version_constraint.size +
                  from->target_cluster.size;
    /* The first level starts in this step; whatever starts later needs its own arguments. */
    return step->level == 0 ? size : size + from->args.size + from->kwargs.size;
}

static size_t
request_size(const struct rpc_request *asked, const struct plan *plan)
{
    size_t size = sizeof(struct request) + asked->u.size +
                  plan->kept_count * (sizeof(struct command) + sizeof(struct plan_value)) +
                  plan->level_count * sizeof(struct request_level);
    for (uint32_t i = 0; i < asked->command_count; i++) {
        if (!plan->steps[i].replaced) {
            size += command_size(&asked->commands[i], &plan->steps[i]);
        }
    }
    return size;
}

/* The list's texts; the array of spans is there already. */
static void
pack_command(struct packer *packer, struct command *command, struct span *resources,
    const struct rpc_command *from)
{
    struct rpc_command *asked = &command->asked;
    asked->resources = text_list_pack(packer, resources, &from->resources);
    asked->name = pack_text(packer, from->name);
    asked->function = pack_text(packer, from->function);
    asked->function_id = pack_text(packer, from->function_id);
    asked->version_constraint = pack_text(packer, from->version_constraint);
    asked->target_cluster = pack_text(packer, from->target_cluster);
    bool now = command->level == 0;
    asked->args = now ? from->args : pack_text(packer, from->args);
    asked->kwargs = now ? from->kwargs : pack_text(packer, from->kwargs);
}

static size_t
resource_count(const struct rpc_request *asked, const struct plan *plan)
{
    size_t count = 0;
    for (uint32_t i = 0; i < asked->command_count; i++) {
        count += plan->steps[i].replaced ? 0 : asked->commands[i].resources.count;
    }
    return count;
}

static void
pack_commands(struct packer *packer, struct request *request, const struct rpc_request *asked,
    const struct plan *plan)
{
    struct span *resources = pack_spans(packer, resource_count(asked, plan));
    size_t resources_used = 0;
    for (uint32_t i = 0; i < asked->command_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->replaced) {
            continue;
        }
        struct command *command = &request->commands[request->count++];
        command->request = request;
        list_init(&command->held);
        command->level = step->level;
        command->args_refer = step->args_refer;
        command->kwargs_refer = step->kwargs_refer;
        command->value = &request->values[step->rank];
        pack_command(packer, command, &resources[resources_used], &asked->commands[i]);
        resources_used += asked->commands[i].resources.count;
        command->value->name = command->asked.name;
    }
}

struct request *
request_create(struct node *node, struct conn_id conn, const struct rpc_request *asked,
    const struct plan *plan)
{
    size_t size = request_size(asked, plan);
    struct request *request = mem_take(&node->mem, size);
    if (request == NULL) {
        return NULL;
    }
    struct packer packer = pack_into(request + 1, size - sizeof(*request));
    *request = (struct request){
        .conn = conn,
        .return_intermediate_results = asked->return_intermediate_results,
        .include_execution_summary = asked->include_execution_summary,
        .level_count = plan->level_count,
        .started_at = node->now.mono,
        .size = size,
    };
    request->commands = pack_room(&packer, plan->kept_count * sizeof(*request->commands));
    request->values = pack_room(&packer, plan->kept_count * sizeof(*request->values));
    request->levels = pack_room(&packer, plan->level_count * sizeof(*request->levels));
    pack_commands(&packer, request, asked, plan);
    request->u = pack_text(&packer, asked->u);
    pack_done(&packer);
    CHECK(request->count == plan->kept_count);
    list_init(&request->of_client);
    list_push(&node->requests, &request->link);
    return request;
}

bool
request_keep_results(struct node *node, struct request *request)
{
    for (uint32_t i = 0; i < request->count; i++) {
        struct command *command = &request->commands[i];
        struct span result = command->value->result;
        if (command->state != COMMAND_DONE || command->owned) {
            continue;
        }
        CHECK(result.size > 0);
        uint8_t *copy = mem_take(&node->mem, result.size);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, result.data, result.size);
        command->value->result = span_from(copy, result.size);
        command->owned = true;
    }
    return true;
}

/* Gives back a text that was copied with mem_take. */
static void
give_text(struct node *node, struct span text)
{
    /* The account takes back what it handed out as writable. */
    mem_give(&node->mem, (void *)(uintptr_t)text.data, text.size);
}

bool
request_keep_arguments(struct node *node, struct command *command)
{
    struct rpc_command *asked = &command->asked;
    size_t size = asked->args.size + asked->kwargs.size;
    if (command->level > 0 || size == 0 || command->kept_arguments.size > 0) {
        return true;
    }
    void *copy = mem_take(&node->mem, size);
    if (copy == NULL) {
        return false;
    }
    struct packer packer = pack_into(copy, size);
    command->kept_arguments = span_from(copy, size);
    asked->args = pack_text(&packer, asked->args);
    asked->kwargs = pack_text(&packer, asked->kwargs);
    pack_done(&packer);
    return true;
}

bool
request_set_node(struct node *node, struct command *command, struct span node_id)
{
    CHECK(node_id.size > 0);
    uint8_t *copy = mem_take(&node->mem, node_id.size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, node_id.data, node_id.size);
    give_text(node, command->node_id);
    command->node_id = span_from(copy, node_id.size);
    return true;
}

void
request_free_ended(struct node *node)
{
    LIST_EACH (link, &node->ended) {
        struct request *request = CONTAINER_OF(link, struct request, link);
        list_remove(link);
        for (uint32_t i = 0; i < request->count; i++) {
            const struct command *command = &request->commands[i];
            give_text(node, command->node_id);
            give_text(node, command->kept_arguments);
            if (command->owned) {
                give_text(node, command->value->result);
            }
        }
        mem_give(&node->mem, request, request->size);
    }
}
