/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_events.c - what was not let through and what went, for whoever asks why a function is not there; and how often.
 */
#include "base/log.h"
#include "bridge/rib_state.h"

void
rib_events_init(struct rib *rib)
{
    for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
        fifo_init(&rib->events[kind], rib->config.mem);
    }
}

void
rib_events_destroy(struct rib *rib)
{
    for (int kind = 0; kind < RIB_EVENT_KIND_COUNT; kind++) {
        fifo_destroy(&rib->events[kind]);
    }
}

static void
keep(struct rib *rib, const struct rib_event *event)
{
    struct fifo *events = &rib->events[event->kind];
    size_t text_size = event->function.size + event->rule_id.size + event->rule_reason.size;
    /* The oldest first, so that a full account has room for the newest. */
    if (events->count == RIB_EVENTS_MAX) {
        fifo_pop(events);
    }
    struct rib_event *kept = fifo_push(events, sizeof(*kept) + text_size);
    if (kept == NULL) {
        return;
    }
    struct packer packer = pack_into(kept + 1, text_size);
    *kept = *event;
    kept->function = pack_text(&packer, event->function);
    kept->rule_id = pack_text(&packer, event->rule_id);
    kept->rule_reason = pack_text(&packer, event->rule_reason);
    pack_done(&packer);
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

const struct rib_event *
rib_newest_event(const struct rib *rib, enum rib_event_kind kind)
{
    return fifo_newest(&rib->events[kind]);
}

const struct rib_event *
rib_older_event(const struct rib_event *event)
{
    return fifo_older(event);
}

uint64_t
rib_last_event(const struct rib *rib)
{
    return rib->last_event;
}
