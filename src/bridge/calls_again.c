/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_again.c - calls that go over another link, and calls that come again.
 *
 * Out: when several links bring a function, a call takes any of those that are as good as the best. If its link
 * breaks, or its far bridge says that it did not execute it, it goes over the next one: always if it was not executed,
 * and as often as its function allows (the tag `idempotent`, or `retry` of the rule that let it in) if it may have
 * been. Over each link once at most.
 *
 * In: a call that may go again has an id that does not depend on which bridge sends it, so that two that reach one far
 * bridge by two ways are executed once (repeats.h).
 */
#include "bridge/bridge_state.h"

/* Of what may be called twice. */
#define RETRIES_IDEMPOTENT 1u

static bool
is_idempotent(const struct rib_import *import)
{
    return text_list_has(&kept_attributes(&import->out)->tags, SPAN(FUNCTION_TAG_IDEMPOTENT));
}

uint32_t
calls_again_retries(const struct rib_import *import)
{
    uint32_t idempotent = is_idempotent(import) ? RETRIES_IDEMPOTENT : 0;
    return import->retries > idempotent ? import->retries : idempotent;
}

static bool
is_usable(void *owner, const struct rib_import *import)
{
    return link_port_is_usable(owner, import->link);
}

/* What several federations call the same need not be the same: one of them may run twice, another not. */
static bool
is_usable_idempotent(void *owner, const struct rib_import *import)
{
    return is_usable(owner, import) && is_idempotent(import);
}

static bool
is_usable_again(void *owner, const struct rib_import *import)
{
    return is_usable(owner, import) && calls_again_retries(import) > 0;
}

const struct rib_import *
calls_again_route(struct bridge *bridge, const struct rib_offer *offer)
{
    /* Whoever was told that it is idempotent may have called it before, over another bridge. */
    bool told = offer->made != NULL && is_idempotent(offer->made);
    const struct rib_route_query query = {
        .turn = bridge->turn++,
        .owner = bridge,
        .usable = told ? is_usable_idempotent : is_usable,
    };
    const struct rib_import *import = rib_route(bridge->rib, offer, &query);
    /* The one that cannot carry it says why. */
    return import != NULL ? import : offer->made;
}

struct span
calls_again_id(struct bridge *bridge, const struct fabric_request *request)
{
    /* Open keys: another bridge of our federation has to come to the same. */
    static const struct hash_key keys[] = { { 1, 0 }, { 2, 0 } };
    uint8_t *id = arena_take(&bridge->arena, LINK_CALL_ID_SIZE);
    if (id == NULL) {
        return SPAN_NONE;
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        uint64_t half = hash_fold(&keys[i], 0, bridge->config.federation);
        half = hash_fold(&keys[i], half, request->reply_to);
        half = hash_fold(&keys[i], half, request->request_id);
        memcpy(&id[i * sizeof(half)], &half, sizeof(half));
    }
    return span_from(id, LINK_CALL_ID_SIZE);
}

/* Another import than those it went by. NULL: there is none. */
static const struct rib_import *
next_route(struct bridge *bridge, const struct near_call *call, bool executed)
{
    const struct near_again *again = call->again;
    const struct rib_offer *offer =
        rib_find_offer(bridge->rib, again->offer_name, again->offer_mark);
    const struct rib_route_query query = {
        .tried = call->tried,
        .turn = bridge->turn++,
        .federation = again->federation,
        .owner = bridge,
        .usable = executed ? is_usable_again : is_usable,
    };
    return offer == NULL ? NULL : rib_route(bridge->rib, offer, &query);
}

bool
calls_again_go(struct bridge *bridge, struct near_call *call, bool executed, struct now now)
{
    struct near_again *again = call->again;
    if (again == NULL || bridge->stopping || (executed && again->retries_left == 0)) {
        return false;
    }
    const struct rib_import *import = next_route(bridge, call, executed);
    struct call_limit *limit;
    size_t args_size = again->message.args.size + again->message.kwargs.size;
    if (import == NULL ||
        cluster_calls_admit_near(bridge, import, args_size, now, &limit) != CALL_LIMIT_OK) {
        return false;
    }
    struct bridge_link_stats *before = &bridge->ports[call->link].stats;
    before->to_link.in_flight--;
    before->retried++;
    bridge->ports[import->link].stats.to_link.in_flight++;
    call_limit_release(call->limit);
    call->limit = limit;
    call->rule_timeout_ns = 0; /* its time is what it was; another rule has no say in that */
    call->link = import->link;
    call->tried |= UINT64_C(1) << import->link;
    again->retries_left -= executed;
    list_remove(&call->gathered);
    cluster_calls_send_message(bridge, call, import, &again->message, now);
    return true;
}

void
calls_again_leave(struct bridge *bridge, uint32_t link, struct now now)
{
    struct list near;
    struct list far;
    list_init(&near);
    list_init(&far);
    forward_gather(&bridge->forward, link, &near, &far);
    while (!list_empty(&far)) {
        list_remove(far.next);
    }
    while (!list_empty(&near)) {
        struct near_call *call = CONTAINER_OF(near.next, struct near_call, gathered);
        list_remove(&call->gathered);
        (void)calls_again_go(bridge, call, true, now); /* or it waits for the session to go on */
    }
}

/* It goes on for whoever asks now, within what the rule of that link allows. */
static void
take_over(struct bridge *bridge, struct far_call *far, const struct rib_export *exported,
    const struct link_call *call, struct now now)
{
    const struct call_rule rule = {
        .direction = POLICY_EXPORT,
        .id = rib_export_rule_id(bridge->rib, exported),
        .generation = exported->policy_number,
    };
    struct call_limit *limit;
    size_t size = call->args.size + call->kwargs.size;
    enum call_limit_result result =
        call_limits_admit(&bridge->ports[exported->link].limits, &rule, size, now.mono, &limit);
    bridge->ports[far->link].stats.from_link.in_flight -= !far->orphaned;
    bridge->ports[exported->link].stats.from_link.in_flight++;
    call_limit_release(far->limit);
    /* It is being executed already: a limit that has no room for it would save nothing. */
    far->limit = result == CALL_LIMIT_OK ? limit : NULL;
    far->rule_timeout_ns = 0;
    far->link = exported->link;
    far->call_id = call->call_id;
    far->orphaned = false;
}

bool
calls_again_recognise(struct bridge *bridge, const struct rib_export *exported,
    const struct link_call *call, struct now now)
{
    struct repeat *repeat = call->id.size == 0 ? NULL : repeats_find(&bridge->repeats, call->id);
    if (repeat == NULL) {
        return false;
    }
    struct far_call *far =
        repeat->ticket == 0 ? NULL : forward_find_far(&bridge->forward, repeat->ticket);
    CHECK(repeat->ticket == 0 || far != NULL);
    if (far != NULL && far->held != NULL) {
        /* Nobody executes it yet: by the route, the rule and the time that it has now, it is as good as new. */
        cluster_calls_end_far(bridge, far);
        return false;
    }
    bridge->repeats.recognised++;
    if (far != NULL) {
        take_over(bridge, far, exported, call, now);
        return true;
    }
    struct link_reply reply = repeat->reply;
    reply.call_id = call->call_id;
    bool ok = reply.status == LINK_REPLY_OK;
    bridge_count_result(&bridge->ports[exported->link].stats.from_link,
        ok ? CALL_RESULT_OK : CALL_RESULT_FAILED, now.mono, now.mono);
    link_port_reply(bridge, exported->link, &reply);
    return true;
}
