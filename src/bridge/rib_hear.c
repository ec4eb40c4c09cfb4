/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_hear.c - how fresh what a link tells us is, and what goes when the link does.
 *
 * Marking is O(1): an import has the epoch in which it was told last, and the link says what that means. What follows
 * from a mark, dropping imports and choosing again among several, is done in walks over the link's imports.
 */
#include "bridge/rib_state.h"

bool
rib_import_is_stale(const struct rib *rib, const struct rib_import *import)
{
    const struct rib_hearing *hearing = &rib->links[import->link].hearing;
    return hearing->down || (hearing->syncing && import->epoch != hearing->epoch);
}

uint64_t
rib_stale_count(const struct rib *rib, uint32_t link)
{
    const struct rib_hearing *hearing = &rib->links[link].hearing;
    uint64_t all = rib->links[link].imports.count;
    return hearing->down ? all : hearing->syncing ? all - hearing->confirmed : 0;
}

uint64_t
rib_import_count(const struct rib *rib, uint32_t link)
{
    return rib->links[link].imports.count;
}

bool
rib_is_down(const struct rib *rib, uint32_t link)
{
    return rib->links[link].hearing.down;
}

bool
rib_is_sweeping(const struct rib *rib, uint32_t link)
{
    return rib->links[link].hearing.sweeping != NULL;
}

struct link_table
rib_heard_table(const struct rib *rib, uint32_t link)
{
    return rib->links[link].hearing.table;
}

static void
start_epoch(struct rib_hearing *hearing)
{
    hearing->epoch++;
    hearing->confirmed = 0;
}

static void
start_sweeping(struct rib_hearing *hearing, enum prune_reason reason)
{
    hearing->drop_before = hearing->epoch;
    hearing->drop_reason = reason;
    hearing->sweeping = hearing->imports.next;
}

void
rib_mark_down(struct rib *rib, uint32_t link)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    hearing->choosing = hearing->down ? hearing->choosing : hearing->imports.next;
    hearing->down = true;
}

void
rib_mark_resumed(struct rib *rib, uint32_t link)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    hearing->choosing = hearing->imports.next;
    hearing->down = false;
}

void
rib_mark_session(struct rib *rib, uint32_t link)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    rib_mark_down(rib, link);
    hearing->down = false;
    hearing->syncing = true;
    start_epoch(hearing);
}

void
rib_mark_refresh(struct rib *rib, uint32_t link)
{
    start_epoch(&rib->links[link].hearing);
}

void
rib_sweep(struct rib *rib, uint32_t link, enum prune_reason reason)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    start_sweeping(hearing, reason);
    hearing->syncing = false;
}

void
rib_unlearn_all(struct rib *rib, uint32_t link, enum prune_reason reason)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    start_epoch(hearing);
    start_sweeping(hearing, reason);
}

void
rib_describe_link(struct rib *rib, uint32_t link, struct span bridge, uint32_t distance)
{
    struct rib_link *port = &rib->links[link];
    CHECK(bridge.size <= sizeof(port->bridge));
    if (port->distance == distance &&
        span_equal(bridge, span_from(port->bridge, port->bridge_size))) {
        return;
    }
    memcpy(port->bridge, bridge.data, bridge.size);
    port->bridge_size = bridge.size;
    port->distance = distance;
    port->hearing.choosing = port->hearing.imports.next;
}

/* It is another choice than before. */
static void
set_mark(struct rib_link *port, bool *mark, bool is_set)
{
    if (*mark != is_set) {
        *mark = is_set;
        port->hearing.choosing = port->hearing.imports.next;
    }
}

void
rib_damp_link(struct rib *rib, uint32_t link, bool damped)
{
    set_mark(&rib->links[link], &rib->links[link].damped, damped);
}

bool
rib_link_is_damped(const struct rib *rib, uint32_t link)
{
    return rib->links[link].damped;
}

void
rib_doubt_link(struct rib *rib, uint32_t link, bool doubted)
{
    set_mark(&rib->links[link], &rib->links[link].doubted, doubted);
}

bool
rib_link_is_doubted(const struct rib *rib, uint32_t link)
{
    return rib->links[link].doubted;
}

/* The entry that a walk is at, which moves on; NULL: the walk is over. */
static struct rib_import *
walk_on(struct rib_hearing *hearing, struct list **walk)
{
    struct list *at = *walk;
    if (at == NULL || at == &hearing->imports) {
        *walk = NULL;
        return NULL;
    }
    *walk = at->next;
    return CONTAINER_OF(at, struct rib_import, in_link);
}

uint32_t
rib_hear_work(struct rib *rib, uint32_t link, uint32_t budget)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    struct rib_import *import;
    uint32_t done = 0;
    while (done < budget && (import = walk_on(hearing, &hearing->sweeping)) != NULL) {
        if (import->epoch < hearing->drop_before) {
            rib_drop_import(rib, import, hearing->drop_reason);
        }
        done++;
    }
    if (done > 0) {
        rib_serve_blocked(rib, link);
    }
    while (done < budget && (import = walk_on(hearing, &hearing->choosing)) != NULL) {
        rib_choose_again(rib, import);
        done++;
    }
    return done;
}
