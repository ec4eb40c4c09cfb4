/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_held.c - calls of far bridges that wait for a connection to a node that serves them.
 *
 * The bridge hears of a function by gossip before its own connection to who serves it is up, and for a moment after one
 * broke. A call in that time is held while such a node is being dialed, as long as a dial may take. It was sent to
 * nobody, so no function need be idempotent for that; what ends other far calls ends it as well.
 *
 * Each is looked at again when a connection came up or a dial failed, after whatever the step was about: never from
 * inside of the member.
 */
#include "bridge/bridge_state.h"

bool
calls_held_begin(struct bridge *bridge, struct far_call *waiting, const struct link_call *call,
    struct now now, struct call_error *error)
{
    struct instant until =
        instant_earlier(waiting->deadline, instant_after(now.mono, MEMBER_DIAL_TIMEOUT_NS));
    if (!forward_hold_far(&bridge->forward, waiting, call, until)) {
        error->code = CALL_OVERLOADED;
        error->text = SPAN("the far bridge is out of memory");
        return false;
    }
    bridge->ports[waiting->link].stats.calls_held++;
    return true;
}

static enum far_sending
send(struct bridge *bridge, struct far_call *far, struct now now, struct call_error *error)
{
    const struct link_call *message = &far->held->message;
    const struct rib_export *exported = rib_find_export(bridge->rib, far->link, message->route_id);
    if (exported == NULL) {
        *error = (struct call_error){
            .code = CALL_NOT_FOUND,
            .side = CALL_FAR,
            .text = SPAN("the function was withdrawn"),
            .hop = bridge->config.name,
        };
        return FAR_REFUSED;
    }
    return cluster_calls_send_far(bridge, exported, far, message, now, error);
}

/* It is sent, goes on waiting, or ends. */
static void
look(struct bridge *bridge, struct far_call *far, struct now now)
{
    if (instant_reached(far->deadline, now.mono)) {
        cluster_calls_tell_timeout(bridge, far, now);
        cluster_calls_end_far(bridge, far);
        return;
    }
    bool is_due = (uint64_t)far->held->until.at <= now.mono.ns;
    struct call_error error;
    enum far_sending sending = send(bridge, far, now, &error);
    if (sending == FAR_SENT) {
        forward_let_go_far(&bridge->forward, far);
    } else if (sending == FAR_REFUSED || is_due) {
        cluster_calls_tell_error(bridge, far, &error);
        cluster_calls_end_far(bridge, far);
    }
}

static void
look_at_all(struct bridge *bridge, struct now now)
{
    /* What goes on waiting comes behind it, in the same order. */
    struct list *held = &bridge->forward.held;
    struct list end;
    list_push(held, &end);
    while (held->next != &end) {
        struct far_held *first = CONTAINER_OF(held->next, struct far_held, in_order);
        list_remove(&first->in_order);
        list_push(held, &first->in_order);
        look(bridge, first->call, now);
    }
    list_remove(&end);
}

void
calls_held_step(struct bridge *bridge, struct now now)
{
    if (bridge->look_again) {
        bridge->look_again = false;
        look_at_all(bridge, now);
    }
    struct far_call *far;
    while ((far = forward_due_held(&bridge->forward, now.mono)) != NULL) {
        look(bridge, far, now);
    }
}
