/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_hear.c - how fresh what a link tells us is, and what goes when the link does.
 *
 * Marking is O(1): an import has the epoch in which it was told last, and the link says what that means. What follows
 * from a mark, dropping imports and choosing again among several, is done in walks over the link's imports.
 *
 * A walk over lifetimes drops what has been stale for its own, and finds out when the next one is due. However many
 * lifetimes there are, there is one walk a second at most.
 */
#include "bridge/rib_state.h"

#define EXPIRE_PAUSE_NS (1 * SEC_NS)

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
    return rib->links[link].hearing.walks[RIB_SWEEPS] != NULL;
}

struct link_table
rib_heard_table(const struct rib *rib, uint32_t link)
{
    return rib->links[link].hearing.table;
}

bool
rib_hearing_walks(const struct rib_hearing *hearing)
{
    for (uint32_t walk = 0; walk < RIB_HEARING_WALK_COUNT; walk++) {
        if (hearing->walks[walk] != NULL) {
            return true;
        }
    }
    return false;
}

static void
start_walk(struct rib_hearing *hearing, enum rib_hearing_walk walk)
{
    hearing->walks[walk] = hearing->imports.next;
}

static void
stop_expiring(struct rib_hearing *hearing)
{
    hearing->walks[RIB_EXPIRES] = NULL;
    hearing->expire_at = INSTANT_NEVER;
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
    start_walk(hearing, RIB_SWEEPS);
}

void
rib_mark_down(struct rib *rib, uint32_t link)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    if (!hearing->down) {
        start_walk(hearing, RIB_CHOOSES);
        hearing->walks[RIB_EXPIRES] = NULL;
        hearing->stale_since = rib->mono;
        hearing->expire_at = rib->mono;
    }
    hearing->down = true;
}

void
rib_mark_resumed(struct rib *rib, uint32_t link)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    start_walk(hearing, RIB_CHOOSES);
    hearing->down = false;
    if (!hearing->syncing) {
        stop_expiring(hearing);
    }
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
    stop_expiring(hearing);
}

void
rib_unlearn_all(struct rib *rib, uint32_t link, enum prune_reason reason)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    start_epoch(hearing);
    start_sweeping(hearing, reason);
    stop_expiring(hearing);
}

struct instant
rib_expiry_deadline(const struct rib *rib, uint32_t link)
{
    return rib->links[link].hearing.expire_at;
}

void
rib_expire(struct rib *rib, uint32_t link)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    hearing->expire_at = INSTANT_NEVER;
    hearing->stale_ns = instant_between(hearing->stale_since, rib->mono);
    hearing->shortest_lifetime_ns = UINT64_MAX;
    start_walk(hearing, RIB_EXPIRES);
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
    start_walk(&port->hearing, RIB_CHOOSES);
}

/* It is another choice than before. */
static void
set_mark(struct rib_link *port, bool *mark, bool is_set)
{
    if (*mark != is_set) {
        *mark = is_set;
        start_walk(&port->hearing, RIB_CHOOSES);
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

bool
rib_import_is_doubted(const struct rib *rib, const struct rib_import *import)
{
    const struct rib_link *port = &rib->links[import->link];
    return port->damped || port->doubted || kept_attributes(&import->in)->doubted;
}

/* The entry that a walk is at, which moves on; NULL: the walk is over. */
static struct rib_import *
walk_on(struct rib_hearing *hearing, enum rib_hearing_walk walk)
{
    struct list *at = hearing->walks[walk];
    if (at == NULL || at == &hearing->imports) {
        hearing->walks[walk] = NULL;
        return NULL;
    }
    hearing->walks[walk] = at->next;
    return CONTAINER_OF(at, struct rib_import, in_link);
}

static uint64_t
lifetime_ns(const struct rib_import *import)
{
    bool is_candidate = import->state == RIB_IMPORT_CANDIDATE;
    return kept_attributes(is_candidate ? &import->out : &import->in)->ttl_ns;
}

void
rib_note_lifetime(struct rib *rib, const struct rib_import *import)
{
    struct rib_hearing *hearing = &rib->links[import->link].hearing;
    if (rib_import_is_stale(rib, import)) {
        struct instant due = instant_after(hearing->stale_since, lifetime_ns(import));
        hearing->expire_at = instant_earlier(hearing->expire_at, due);
    }
}

static void
expire(struct rib *rib, struct rib_hearing *hearing, struct rib_import *import)
{
    if (!rib_import_is_stale(rib, import)) {
        return;
    }
    uint64_t ns = lifetime_ns(import);
    if (ns <= hearing->stale_ns) {
        rib_drop_import(rib, import, PRUNE_TTL_EXPIRED);
    } else if (ns < hearing->shortest_lifetime_ns) {
        hearing->shortest_lifetime_ns = ns;
    }
}

static void
end_expiring(const struct rib *rib, struct rib_hearing *hearing)
{
    if (hearing->shortest_lifetime_ns != UINT64_MAX) {
        struct instant due = instant_after(hearing->stale_since, hearing->shortest_lifetime_ns);
        struct instant soonest = instant_after(rib->mono, EXPIRE_PAUSE_NS);
        due = due.ns < soonest.ns ? soonest : due;
        hearing->expire_at = instant_earlier(hearing->expire_at, due);
    }
}

uint32_t
rib_hear_work(struct rib *rib, uint32_t link, uint32_t budget)
{
    struct rib_hearing *hearing = &rib->links[link].hearing;
    struct rib_import *import;
    uint32_t done = 0;
    while (done < budget && (import = walk_on(hearing, RIB_SWEEPS)) != NULL) {
        if (import->epoch < hearing->drop_before) {
            rib_drop_import(rib, import, hearing->drop_reason);
        }
        done++;
    }
    bool expires = hearing->walks[RIB_EXPIRES] != NULL;
    while (done < budget && (import = walk_on(hearing, RIB_EXPIRES)) != NULL) {
        expire(rib, hearing, import);
        done++;
    }
    if (expires && hearing->walks[RIB_EXPIRES] == NULL) {
        end_expiring(rib, hearing);
    }
    if (done > 0) {
        rib_serve_blocked(rib, link);
    }
    while (done < budget && (import = walk_on(hearing, RIB_CHOOSES)) != NULL) {
        rib_choose_again(rib, import);
        done++;
    }
    return done;
}
