/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_events.c - what was not let through and what went, for whoever asks why a function is not there; and how often.
 */
#include "base/log.h"
#include "bridge/rib_state.h"

struct rib_kept_event {
    struct rib_event event; /* its texts are behind it */
    struct list in_kept;
    size_t size;
};

void
rib_events_init(struct rib *rib)
{
    for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
        list_init(&rib->events[kind].kept);
    }
}

static void
drop_oldest(struct rib *rib, struct rib_events *events)
{
    struct rib_kept_event *kept = CONTAINER_OF(events->kept.next, struct rib_kept_event, in_kept);
    list_remove(&kept->in_kept);
    events->count--;
    mem_give(rib->config.mem, kept, kept->size);
}

void
rib_events_destroy(struct rib *rib)
{
    for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
        while (rib->events[kind].count > 0) {
            drop_oldest(rib, &rib->events[kind]);
        }
    }
}

static void
keep(struct rib *rib, const struct rib_event *event)
{
    struct rib_events *events = &rib->events[event->kind];
    size_t text_size = event->function.size + event->rule_id.size + event->rule_reason.size;
    size_t size = sizeof(struct rib_kept_event) + text_size;
    /* The oldest first, so that a full account has room for the newest. */
    if (events->count == RIB_EVENTS_MAX) {
        drop_oldest(rib, events);
    }
    struct rib_kept_event *kept = mem_take(rib->config.mem, size);
    if (kept == NULL) {
        return;
    }
    struct packer packer = pack_into(kept + 1, text_size);
    kept->size = size;
    kept->event = *event;
    kept->event.function = pack_text(&packer, event->function);
    kept->event.rule_id = pack_text(&packer, event->rule_id);
    kept->event.rule_reason = pack_text(&packer, event->rule_reason);
    pack_done(&packer);
    list_push(&events->kept, &kept->in_kept);
    events->count++;
}

static void
log_event(const struct rib *rib, const struct rib_event *event)
{
    bool pruned = event->kind == RIB_EVENT_PRUNED;
    bool exported = event->direction == POLICY_EXPORT;
    LOG_DEBUG(rib->config.log, pruned ? "function.pruned" : "function.rejected",
        LOG_SPAN("federation", rib->config.link_federations[event->link]),
        LOG_TEXT("direction", exported ? "export" : "import"),
        LOG_SPAN("function", event->function), LOG_TEXT("reason", prune_reason_name(event->reason)),
        LOG_SPAN("rule", event->rule_id), LOG_SPAN("text", event->rule_reason));
}

void
rib_note_event(struct rib *rib, const struct rib_event *event)
{
    struct rib_event told = *event;
    uint64_t(*counts)[PRUNE_REASON_COUNT] =
        told.kind == RIB_EVENT_PRUNED ? rib->counts.prunes : rib->counts.rejects;
    counts[told.link][told.reason]++;
    told.number = ++rib->last_event;
    told.at = rib->now;
    keep(rib, &told);
    if (rib->config.log != NULL) {
        log_event(rib, &told);
    }
}

static const struct rib_event *
event_at(const struct rib_events *events, const struct list *at)
{
    return at == &events->kept ? NULL : &CONTAINER_OF(at, struct rib_kept_event, in_kept)->event;
}

const struct rib_event *
rib_newest_event(const struct rib *rib, enum rib_event_kind kind)
{
    return event_at(&rib->events[kind], rib->events[kind].kept.prev);
}

const struct rib_event *
rib_older_event(const struct rib *rib, const struct rib_event *event)
{
    const struct rib_kept_event *kept = CONTAINER_OF(event, struct rib_kept_event, event);
    return event_at(&rib->events[event->kind], kept->in_kept.prev);
}

uint64_t
rib_last_event(const struct rib *rib)
{
    return rib->last_event;
}
