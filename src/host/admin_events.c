/* SPDX-License-Identifier: Apache-2.0 */
/* admin_events.c - /v1/events: what became of functions, one by one, and why. */
#include "host/admin_bridge.h"

#define EVENTS_DEFAULT 100u

struct question {
    const struct admin_bridge *admin;
    bool kinds[RIB_EVENT_KIND_COUNT];
    uint32_t link;      /* bridge_link_count(): any */
    struct span reason; /* empty: any */
    uint64_t after;     /* only those with a higher number */
    uint64_t limit;
};

static const char *
kind_name(enum rib_event_kind kind)
{
    switch (kind) {
    case RIB_EVENT_REJECTED:
        return "rejected";
    case RIB_EVENT_PRUNED:
        return "pruned";
    }
    return "";
}

static json_t *
describe(const struct admin_bridge *admin, const struct rib_event *event)
{
    return json_pack("{s:o,s:o,s:s,s:o,s:s,s:s,s:o,s:o,s:o,s:o}", "number",
        admin_u64(event->number), "at", admin_time(event->at), "kind", kind_name(event->kind),
        "link", admin_text(bridge_link_stats(admin->bridge, event->link).name), "direction",
        admin_bridge_direction(event->direction), "reason", prune_reason_name(event->reason),
        "function", admin_text(event->function), "rule", admin_text_or_null(event->rule_id), "text",
        admin_text_or_null(event->rule_reason), "age_seconds",
        event->kind == RIB_EVENT_PRUNED ? admin_seconds(event->age_ns) : json_null());
}

static bool
is_wanted(const struct question *question, const struct rib_event *event)
{
    bool any_link = question->link == bridge_link_count(question->admin->bridge);
    return (any_link || question->link == event->link) &&
           (question->reason.size == 0 ||
               span_is(question->reason, prune_reason_name(event->reason)));
}

/* From `event` on, the next one that is wanted. NULL: none is left. */
static const struct rib_event *
find_wanted(const struct question *question, const struct rib_event *event)
{
    while (event != NULL && event->number > question->after && !is_wanted(question, event)) {
        event = rib_older_event(event);
    }
    return event != NULL && event->number > question->after ? event : NULL;
}

/* The newest `limit` of all kinds, the oldest of them first. */
static json_t *
list_events(const struct question *question)
{
    const struct rib *rib = bridge_rib(question->admin->bridge);
    const struct rib_event *heads[RIB_EVENT_KIND_COUNT] = { NULL };
    for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
        if (question->kinds[kind]) {
            heads[kind] = find_wanted(question, rib_newest_event(rib, (enum rib_event_kind)kind));
        }
    }
    json_t *newest_first = json_array();
    for (uint64_t i = 0; i < question->limit; i++) {
        int newest = -1;
        for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
            bool newer =
                heads[kind] != NULL && (newest < 0 || heads[kind]->number > heads[newest]->number);
            newest = newer ? kind : newest;
        }
        if (newest < 0) {
            break;
        }
        (void)json_array_append_new(newest_first, describe(question->admin, heads[newest]));
        heads[newest] = find_wanted(question, rib_older_event(heads[newest]));
    }
    json_t *list = json_array();
    for (size_t i = json_array_size(newest_first); i > 0; i--) {
        (void)json_array_append(list, json_array_get(newest_first, i - 1));
    }
    json_decref(newest_first);
    return list;
}

static bool
read_kind(struct question *question, const struct admin_call *call)
{
    struct span name;
    bool found = false;
    bool all = !admin_query(call->request->query, "kind", &name);
    for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
        question->kinds[kind] = all || span_is(name, kind_name((enum rib_event_kind)kind));
        found = found || question->kinds[kind];
    }
    if (!found) {
        admin_reply_error(call->response, 400, "kind is rejected or pruned");
    }
    return found;
}

static bool
read_reason(struct question *question, const struct admin_call *call)
{
    question->reason = SPAN_NONE;
    bool found = !admin_query(call->request->query, "reason", &question->reason);
    for (int reason = 0; reason < PRUNE_REASON_COUNT; reason++) {
        found = found || span_is(question->reason, prune_reason_name((enum prune_reason)reason));
    }
    if (!found) {
        admin_reply_error(
            call->response, 400, "there is no such reason; docs/metrics.md lists them");
    }
    return found;
}

void
admin_bridge_serve_events(void *self, const struct admin_call *call)
{
    struct question question = { .admin = self, .limit = EVENTS_DEFAULT };
    if (!read_kind(&question, call) || !read_reason(&question, call) ||
        !admin_bridge_query_link(question.admin, call, &question.link) ||
        !admin_query_number(call, "after", UINT64_MAX, &question.after) ||
        !admin_query_number(
            call, "limit", (uint64_t)RIB_EVENTS_MAX * RIB_EVENT_KIND_COUNT, &question.limit)) {
        return;
    }
    admin_reply_json(
        call->response, json_pack("{s:o,s:o}", "last",
                            admin_u64(rib_last_event(bridge_rib(question.admin->bridge))), "events",
                            list_events(&question)));
}
