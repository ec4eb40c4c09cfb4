/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_pace.c - no route is announced twice within advertisement_interval: what changes meanwhile waits, and only what it
 * is in the end is told. Withdrawals never wait (docs/adr/0021-damping.md).
 *
 * An export remembers when it was told. What waits is in a heap by the time at which it may be told: changes come in any
 * order. An export whose withdrawal was sent stays until then, too, so that a function that comes and goes is not told
 * more often than one that changes; it is known by having no slots.
 *
 * The beginning of a session and the answer to REFRESH tell everything, and do not wait.
 */
#include "bridge/rib_state.h"

static struct instant
may_be_told_at(const struct rib *rib, const struct rib_export *exported)
{
    return instant_after(exported->told_at, rib->config.advertisement_interval_ns);
}

/* Whether it was told less than the interval ago. */
static bool
is_early(const struct rib *rib, const struct rib_export *exported)
{
    return rib->config.advertisement_interval_ns > 0 && exported->told_at.ns > 0 &&
           !instant_reached(may_be_told_at(rib, exported), rib->mono);
}

bool
rib_pace_delays(struct rib *rib, struct rib_export *exported)
{
    struct heap *paced = &rib->links[exported->link].announcing.paced;
    /* Without memory it goes at once. */
    return is_early(rib, exported) &&
           heap_set(paced, &exported->due, (int64_t)may_be_told_at(rib, exported).ns);
}

void
rib_pace_leave(struct rib *rib, struct rib_export *exported)
{
    heap_remove(&rib->links[exported->link].announcing.paced, &exported->due);
}

struct rib_export *
rib_pace_due(const struct rib *rib, uint32_t link)
{
    struct heap_node *first = heap_first(&rib->links[link].announcing.paced);
    bool due = first != NULL && first->at <= (int64_t)rib->mono.ns;
    return due ? CONTAINER_OF(first, struct rib_export, due) : NULL;
}

struct instant
rib_announcing_deadline(const struct rib *rib, uint32_t link)
{
    const struct heap_node *first = heap_first(&rib->links[link].announcing.paced);
    return first == NULL ? INSTANT_NEVER : (struct instant){ .ns = (uint64_t)first->at };
}
