/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_announce.c - what the link ports take: withdrawals first, then what changed, then what has waited for its
 * interval (rib_pace.c), then whatever of the whole table was not told since a session began or somebody asked for it.
 */
#include "bridge/rib_state.h"
#include "core/limits.h"

bool
rib_export_announced(const struct rib *rib, const struct rib_export *exported)
{
    return exported->epoch >= rib->links[exported->link].announcing.session;
}

/* What was withdrawn was kept only in case that it came back. */
static struct rib_export *
next_paced(struct rib *rib, uint32_t link)
{
    struct rib_export *exported;
    while ((exported = rib_pace_due(rib, link)) != NULL && rib_export_withdrawn(exported)) {
        rib_export_free(rib, exported);
    }
    return exported;
}

struct rib_export *
rib_next_export(struct rib *rib, uint32_t link)
{
    struct rib_announcing *announcing = &rib->links[link].announcing;
    const struct list *queues[] = { &announcing->withdrawals, &announcing->changes };
    for (size_t i = 0; i < COUNT_OF(queues); i++) {
        if (!list_empty(queues[i])) {
            return CONTAINER_OF(queues[i]->next, struct rib_export, change);
        }
    }
    struct rib_export *paced = next_paced(rib, link);
    if (paced != NULL) {
        return paced;
    }
    while (announcing->next != NULL) {
        if (announcing->next == &announcing->exports) {
            announcing->next = NULL;
            break;
        }
        struct rib_export *exported = CONTAINER_OF(announcing->next, struct rib_export, in_link);
        if (exported->epoch != announcing->epoch) {
            return exported;
        }
        announcing->next = announcing->next->next;
    }
    return NULL;
}

bool
rib_export_withdrawn(const struct rib_export *exported)
{
    return list_empty(&exported->slots);
}

void
rib_export_take(struct rib *rib, struct rib_export *exported)
{
    struct rib_announcing *announcing = &rib->links[exported->link].announcing;
    list_remove(&exported->change);
    rib_pace_leave(rib, exported);
    if (rib_export_announced(rib, exported)) {
        link_table_remove(&announcing->table, exported->digest);
    }
    exported->epoch = announcing->epoch;
}

void
rib_export_done(struct rib *rib, struct rib_export *exported, uint64_t digest)
{
    if (rib_export_withdrawn(exported)) {
        exported->epoch = 0;
        bool few = rib->links[exported->link].announcing.paced.count < FLAPS_GONE_MAX;
        if (!few || !rib_pace_delays(rib, exported)) {
            rib_export_free(rib, exported);
        }
        return;
    }
    exported->digest = digest;
    exported->told_at = rib->mono;
    link_table_add(&rib->links[exported->link].announcing.table, digest);
}

void
rib_end_announcing(struct rib *rib, uint32_t link)
{
    struct rib_announcing *announcing = &rib->links[link].announcing;
    announcing->epoch++;
    announcing->session = announcing->epoch + 1;
    announcing->next = NULL;
    announcing->table = (struct link_table){ .routes = 0 };
    /* Withdrawals that this session did not carry mean nothing to another one. */
    LIST_EACH (change, &announcing->withdrawals) {
        rib_export_free(rib, CONTAINER_OF(change, struct rib_export, change));
    }
}

void
rib_announce_again(struct rib *rib, uint32_t link)
{
    struct rib_announcing *announcing = &rib->links[link].announcing;
    announcing->epoch++;
    announcing->next = announcing->exports.next;
}

void
rib_begin_announcing(struct rib *rib, uint32_t link)
{
    rib_end_announcing(rib, link);
    rib_announce_again(rib, link);
}

struct link_table
rib_announced_table(const struct rib *rib, uint32_t link)
{
    return rib->links[link].announcing.table;
}
