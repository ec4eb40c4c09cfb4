/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transit_calls.c - calls that only pass through: in over one link, out over another.
 *
 * Such a call waits in both tables of forward.h. Its end comes from the link it went on over; when the one it came
 * from is gone, nobody waits for it any more. Arguments and results are handed on as they are.
 */
#include "bridge/bridge_state.h"

/* The path it came by, and us behind it. .items NULL: no memory. */
static struct text_list
longer_path(struct bridge *bridge, const struct text_list *path)
{
    struct span *items = arena_take(&bridge->arena, (path->count + 1) * sizeof(*items));
    for (uint32_t i = 0; items != NULL && i < path->count; i++) {
        items[i] = path->items[i];
    }
    if (items != NULL) {
        items[path->count] = bridge->config.federation;
    }
    return (struct text_list){ .items = items, .count = path->count + 1 };
}

static bool
may_pass(struct bridge *bridge, const struct rib_import *import, const struct link_call *call,
    struct call_error *error)
{
    struct span next = bridge->config.links[import->link].session.federation;
    if (call->hops_left < 2 || text_list_has(&call->path, next)) {
        *error = cluster_calls_near_error(
            bridge, CALL_LOOP, "the call has been there, or has no hop left to go on");
        return false;
    }
    size_t args_size = call->args.size + call->kwargs.size;
    return link_port_accepts(bridge, import->link, args_size, error);
}

bool
transit_calls_send(struct bridge *bridge, const struct rib_import *import, struct far_call *waiting,
    const struct link_call *call, struct now now, struct call_error *error)
{
    struct text_list path = longer_path(bridge, &call->path);
    if (path.items == NULL) {
        *error = cluster_calls_near_error(bridge, CALL_OVERLOADED, "no memory for the call's path");
        return false;
    }
    if (!may_pass(bridge, import, call, error)) {
        return false;
    }
    const struct near_request request = {
        .import = import,
        .far_ticket = waiting->ticket,
        .command = identity_name(import->in.identity),
        .message = {
            .hops_left = (uint8_t)(call->hops_left - 1),
            .path = path,
            .id = call->id,
            .args = call->args,
            .kwargs = call->kwargs,
        },
        .federation = bridge->config.links[import->link].session.federation,
        .deadline = waiting->deadline,
    };
    return cluster_calls_send_near(bridge, &request, now, error);
}

void
transit_calls_answer(
    struct bridge *bridge, const struct near_call *call, bool ok, struct span body, struct now now)
{
    struct far_call *far = forward_find_far(&bridge->forward, call->far_ticket);
    if (far != NULL) {
        cluster_calls_reply_result(bridge, far, ok, body, now);
        cluster_calls_end_far(bridge, far);
    }
}

/* Errors of bridges behind the next one name it in their text, since a reply has no other place for it. */
void
transit_calls_fail(struct bridge *bridge, const struct near_call *call,
    const struct call_error *error, struct now now)
{
    struct far_call *far = forward_find_far(&bridge->forward, call->far_ticket);
    (void)now;
    if (far == NULL) {
        return;
    }
    struct call_error told = *error;
    if (!span_equal(error->hop, bridge->config.name)) {
        buf_reset(&bridge->out);
        buf_add(&bridge->out, error->hop);
        buf_add_text(&bridge->out, ": ");
        buf_add(&bridge->out, error->text);
        struct span text = bridge_composed(bridge);
        told.text = text.size > 0 ? text : error->text;
    }
    cluster_calls_tell_error(bridge, far, &told);
    cluster_calls_end_far(bridge, far);
}

void
transit_calls_forget(struct bridge *bridge, const struct far_call *call, struct now now)
{
    struct near_call *near = forward_find_near(&bridge->forward, call->near_call_id);
    if (near != NULL) {
        cluster_calls_drop(bridge, near, now);
    }
}
