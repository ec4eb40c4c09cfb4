/* SPDX-License-Identifier: Apache-2.0 */
/* forward.c - the pending tables. */
#include "bridge/forward.h"

#include "core/limits.h"

static bool
near_same(const void *item, const void *key)
{
    return ((const struct near_call *)item)->call_id == *(const uint64_t *)key;
}

static bool
far_same(const void *item, const void *key)
{
    return ((const struct far_call *)item)->ticket == *(const uint64_t *)key;
}

static uint64_t
hash_number(const struct forward *forward, uint64_t number)
{
    return hash_bytes(&forward->hash_key, span_from(&number, sizeof(number)));
}

void
forward_init(struct forward *forward, struct mem *mem, struct hash_key hash_key)
{
    *forward = (struct forward){
        .mem = mem,
        .hash_key = hash_key,
        .next_call_id = 1,
        .next_ticket = 1,
    };
    map_init(&forward->near, mem, near_same);
    map_init(&forward->far, mem, far_same);
    heap_init(&forward->deadlines, mem);
    heap_init(&forward->held_until, mem);
    list_init(&forward->held);
    list_init(&forward->spent);
}

static void
free_near(struct forward *forward, struct near_call *call)
{
    mem_give(forward->mem, call->again, call->again == NULL ? 0 : call->again->size);
    mem_give(forward->mem, call, call->size);
}

void
forward_destroy(struct forward *forward)
{
    size_t cursor = 0;
    for (struct near_call *call; (call = map_next(&forward->near, &cursor)) != NULL;) {
        call_limit_release(call->limit);
        free_near(forward, call);
    }
    cursor = 0;
    for (struct far_call *call; (call = map_next(&forward->far, &cursor)) != NULL;) {
        call_limit_release(call->limit);
        forward_let_go_far(forward, call);
        mem_give(forward->mem, call, sizeof(*call));
    }
    forward_free_spent(forward);
    heap_destroy(&forward->deadlines);
    heap_destroy(&forward->held_until);
    map_destroy(&forward->near);
    map_destroy(&forward->far);
}

size_t
forward_count(const struct forward *forward)
{
    return forward->near.count + forward->far.count;
}

struct near_call *
forward_add_near(struct forward *forward, uint32_t link, struct member_back *back,
    struct span command, struct instant deadline, struct instant now)
{
    size_t size = sizeof(struct near_call) + command.size;
    bool room = forward_count(forward) < CALLS_IN_FLIGHT_MAX;
    struct near_call *call = room ? mem_take(forward->mem, size) : NULL;
    if (call == NULL) {
        return NULL;
    }
    struct packer packer = pack_into(call + 1, command.size);
    call->command = pack_text(&packer, command);
    call->size = size;
    call->call_id = forward->next_call_id;
    call->link = link;
    call->back = back;
    call->started_at = now;
    list_init(&call->gathered);
    int64_t at = deadline.ns > INT64_MAX ? INT64_MAX : (int64_t)deadline.ns;
    if (!heap_set(&forward->deadlines, &call->deadline, at)) {
        mem_give(forward->mem, call, size);
        return NULL;
    }
    if (!map_insert(&forward->near, hash_number(forward, call->call_id), call)) {
        heap_remove(&forward->deadlines, &call->deadline);
        mem_give(forward->mem, call, size);
        return NULL;
    }
    forward->next_call_id++;
    return call;
}

static size_t
again_size(const struct near_again *again)
{
    const struct link_call *message = &again->message;
    return sizeof(*again) + text_list_size(&message->path) + again->offer_name.size +
           again->federation.size + message->id.size + message->args.size + message->kwargs.size;
}

bool
forward_keep_near(struct forward *forward, struct near_call *call, const struct near_again *again)
{
    size_t size = again_size(again);
    struct near_again *kept = mem_take(forward->mem, size);
    if (kept == NULL) {
        return false;
    }
    *kept = *again;
    kept->size = size;
    struct packer packer = pack_into(kept + 1, size - sizeof(*kept));
    struct link_call *message = &kept->message;
    struct span *path = pack_spans(&packer, message->path.count);
    message->path = text_list_pack(&packer, path, &again->message.path);
    kept->offer_name = pack_text(&packer, again->offer_name);
    kept->federation = pack_text(&packer, again->federation);
    message->id = pack_text(&packer, message->id);
    message->args = pack_text(&packer, message->args);
    message->kwargs = pack_text(&packer, message->kwargs);
    pack_done(&packer);
    call->again = kept;
    return true;
}

struct near_call *
forward_find_near(const struct forward *forward, uint64_t call_id)
{
    return map_find(&forward->near, hash_number(forward, call_id), &call_id);
}

struct instant
forward_near_deadline(const struct near_call *call)
{
    return (struct instant){ .ns = (uint64_t)call->deadline.at };
}

struct near_call *
forward_due_near(const struct forward *forward, struct instant now)
{
    struct heap_node *first = heap_first(&forward->deadlines);
    bool due = first != NULL && (uint64_t)first->at <= now.ns;
    return due ? CONTAINER_OF(first, struct near_call, deadline) : NULL;
}

struct instant
forward_deadline(const struct forward *forward)
{
    const struct heap_node *first = heap_first(&forward->deadlines);
    return first == NULL ? INSTANT_NEVER : (struct instant){ .ns = (uint64_t)first->at };
}

void
forward_end_near(struct forward *forward, struct near_call *call)
{
    list_remove(&call->gathered);
    heap_remove(&forward->deadlines, &call->deadline);
    map_remove(&forward->near, hash_number(forward, call->call_id), &call->call_id);
    call_limit_release(call->limit);
    free_near(forward, call);
}

struct far_call *
forward_add_far(struct forward *forward, uint32_t link, uint64_t call_id, struct instant now)
{
    bool room = forward_count(forward) < CALLS_IN_FLIGHT_MAX;
    struct far_call *call = room ? mem_take(forward->mem, sizeof(*call)) : NULL;
    if (call == NULL) {
        return NULL;
    }
    call->ticket = forward->next_ticket;
    call->call_id = call_id;
    call->link = link;
    call->started_at = now;
    list_init(&call->gathered);
    if (!map_insert(&forward->far, hash_number(forward, call->ticket), call)) {
        mem_give(forward->mem, call, sizeof(*call));
        return NULL;
    }
    forward->next_ticket++;
    return call;
}

struct far_call *
forward_find_far(const struct forward *forward, uint64_t ticket)
{
    return map_find(&forward->far, hash_number(forward, ticket), &ticket);
}

void
forward_end_far(struct forward *forward, struct far_call *call)
{
    forward_let_go_far(forward, call);
    list_remove(&call->gathered);
    map_remove(&forward->far, hash_number(forward, call->ticket), &call->ticket);
    call_limit_release(call->limit);
    mem_give(forward->mem, call, sizeof(*call));
}

bool
forward_hold_far(struct forward *forward, struct far_call *call, const struct link_call *message,
    struct instant until)
{
    size_t size =
        sizeof(struct far_held) + message->id.size + message->args.size + message->kwargs.size;
    struct far_held *held = mem_take(forward->mem, size);
    if (held == NULL) {
        return false;
    }
    int64_t at = until.ns > INT64_MAX ? INT64_MAX : (int64_t)until.ns;
    if (!heap_set(&forward->held_until, &held->until, at)) {
        mem_give(forward->mem, held, size);
        return false;
    }
    struct packer packer = pack_into(held + 1, size - sizeof(*held));
    held->message.route_id = message->route_id;
    held->message.id = pack_text(&packer, message->id);
    held->message.args = pack_text(&packer, message->args);
    held->message.kwargs = pack_text(&packer, message->kwargs);
    pack_done(&packer);
    held->size = size;
    held->call = call;
    call->held = held;
    list_push(&forward->held, &held->in_order);
    return true;
}

void
forward_let_go_far(struct forward *forward, struct far_call *call)
{
    struct far_held *held = call->held;
    if (held != NULL) {
        call->held = NULL;
        heap_remove(&forward->held_until, &held->until);
        list_remove(&held->in_order);
        list_push(&forward->spent, &held->in_order);
    }
}

struct far_call *
forward_due_held(const struct forward *forward, struct instant now)
{
    struct heap_node *first = heap_first(&forward->held_until);
    bool due = first != NULL && (uint64_t)first->at <= now.ns;
    return due ? CONTAINER_OF(first, struct far_held, until)->call : NULL;
}

struct instant
forward_held_deadline(const struct forward *forward)
{
    const struct heap_node *first = heap_first(&forward->held_until);
    return first == NULL ? INSTANT_NEVER : (struct instant){ .ns = (uint64_t)first->at };
}

void
forward_free_spent(struct forward *forward)
{
    while (!list_empty(&forward->spent)) {
        struct far_held *held = CONTAINER_OF(forward->spent.next, struct far_held, in_order);
        list_remove(&held->in_order);
        mem_give(forward->mem, held, held->size);
    }
}

void
forward_gather(struct forward *forward, uint32_t link, struct list *near, struct list *far)
{
    size_t cursor = 0;
    for (struct near_call *call; (call = map_next(&forward->near, &cursor)) != NULL;) {
        if (call->link == link) {
            list_push(near, &call->gathered);
        }
    }
    cursor = 0;
    for (struct far_call *call; (call = map_next(&forward->far, &cursor)) != NULL;) {
        if (call->link == link) {
            list_push(far, &call->gathered);
        }
    }
}
