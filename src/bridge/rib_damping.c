/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_damping.c - functions that come and go over a link: which of them are held back, and until when
 * (docs/adr/0021-damping.md).
 *
 * What is remembered is kept by link and route id, apart from the import, since it must outlive it; a route id is the
 * same when the function comes back (rib_export.c). A record goes when it says nothing any more; those of functions
 * that are not there are at most FLAPS_GONE_MAX a link.
 */
#include "bridge/rib_state.h"
#include "core/limits.h"

static bool
is_on(const struct rib *rib)
{
    return damping_is_on(&rib->config.damping) || rib->config.hold_down_ns > 0;
}

static bool
flaps_same(const void *item, const void *key)
{
    return ((const struct rib_flaps *)item)->route_id == *(const uint64_t *)key;
}

static struct rib_flaps *
find_flaps(const struct rib *rib, uint32_t link, uint64_t route_id)
{
    return is_on(rib) ? map_find(&rib->links[link].flaps, rib_hash_number(rib, route_id), &route_id)
                      : NULL;
}

/* Until then the function is not offered. */
static struct instant
held_until(const struct rib_flaps *flaps)
{
    struct instant reuse_at = damping_reuse_at(&flaps->damping);
    return reuse_at.ns > flaps->held_until.ns ? reuse_at : flaps->held_until;
}

static void
leave_gone(struct rib *rib, struct rib_flaps *flaps)
{
    struct rib_link *port = &rib->links[flaps->link];
    port->gone_count -= !list_empty(&flaps->in_gone);
    list_remove(&flaps->in_gone);
}

static void
forget(struct rib *rib, struct rib_flaps *flaps)
{
    struct map *map = &rib->links[flaps->link].flaps;
    map_remove(map, rib_hash_number(rib, flaps->route_id), &flaps->route_id);
    heap_remove(&rib->flaps_due, &flaps->due);
    leave_gone(rib, flaps);
    mem_give(rib->config.mem, flaps, sizeof(*flaps));
}

/* NULL: no memory, and then nothing is held against the function. */
static struct rib_flaps *
ensure_flaps(struct rib *rib, uint32_t link, uint64_t route_id)
{
    struct rib_flaps *flaps = find_flaps(rib, link, route_id);
    if (flaps != NULL || !is_on(rib)) {
        return flaps;
    }
    flaps = mem_take(rib->config.mem, sizeof(*flaps));
    if (flaps == NULL) {
        return NULL;
    }
    flaps->link = link;
    flaps->route_id = route_id;
    list_init(&flaps->in_gone);
    bool due = heap_set(&rib->flaps_due, &flaps->due, (int64_t)rib->mono.ns);
    if (!due || !map_insert(&rib->links[link].flaps, rib_hash_number(rib, route_id), flaps)) {
        heap_remove(&rib->flaps_due, &flaps->due);
        mem_give(rib->config.mem, flaps, sizeof(*flaps));
        return NULL;
    }
    return flaps;
}

/* When it says less than now. */
static void
set_due(struct rib *rib, struct rib_flaps *flaps)
{
    struct instant at = held_until(flaps);
    if (instant_reached(at, rib->mono)) {
        at = damping_forget_at(&flaps->damping, &rib->config.damping);
    }
    bool moved = heap_set(&rib->flaps_due, &flaps->due, (int64_t)at.ns);
    CHECK(moved);
}

/* Let through, or held back only because it flaps. */
static bool
is_wanted(const struct rib_import *import)
{
    switch (import->state) {
    case RIB_IMPORT_REJECTED:
        return import->reason == PRUNE_DAMPED;
    case RIB_IMPORT_CANDIDATE:
        return true;
    }
    return false;
}

void
rib_note_withdrawal(struct rib *rib, const struct rib_import *import)
{
    struct rib_flaps *flaps =
        is_wanted(import) ? ensure_flaps(rib, import->link, import->route_id) : NULL;
    if (flaps != NULL) {
        damping_flap(&flaps->damping, &rib->config.damping, DAMPING_FLAP, rib->mono);
        flaps->held_until = instant_after(rib->mono, rib->config.hold_down_ns);
        set_due(rib, flaps);
    }
}

void
rib_note_change(struct rib *rib, const struct rib_import *known, const struct advertisement *next)
{
    struct advertisement before = rib_import_in(known);
    /* A lifetime passes, and a link elsewhere flaps: the function is the same. */
    before.ttl_ns = next->ttl_ns;
    before.doubted = next->doubted;
    bool changed = damping_is_on(&rib->config.damping) && is_wanted(known) &&
                   !rib_advertisement_equal(&before, next);
    struct rib_flaps *flaps = changed ? ensure_flaps(rib, known->link, known->route_id) : NULL;
    if (flaps != NULL) {
        damping_flap(&flaps->damping, &rib->config.damping, DAMPING_CHANGE, rib->mono);
        set_due(rib, flaps);
    }
}

void
rib_note_arrival(struct rib *rib, const struct rib_import *import)
{
    struct rib_flaps *flaps = find_flaps(rib, import->link, import->route_id);
    if (flaps != NULL) {
        leave_gone(rib, flaps);
    }
}

void
rib_note_departure(struct rib *rib, const struct rib_import *import)
{
    struct rib_link *port = &rib->links[import->link];
    struct rib_flaps *flaps = find_flaps(rib, import->link, import->route_id);
    if (flaps == NULL) {
        return;
    }
    leave_gone(rib, flaps);
    list_push(&port->gone, &flaps->in_gone);
    port->gone_count++;
    if (port->gone_count > FLAPS_GONE_MAX) {
        forget(rib, CONTAINER_OF(port->gone.next, struct rib_flaps, in_gone));
    }
}

bool
rib_holds_back(const struct rib *rib, uint32_t link, uint64_t route_id, struct span *text)
{
    const struct rib_flaps *flaps = find_flaps(rib, link, route_id);
    if (flaps == NULL || instant_reached(held_until(flaps), rib->mono)) {
        return false;
    }
    *text = damping_is_suppressed(&flaps->damping, rib->mono)
                ? SPAN("it came and went, or changed, too often; it is offered when that is over")
                : SPAN("it was withdrawn less than hold_down ago; it is offered when that is over");
    return true;
}

struct instant
rib_damped_until(const struct rib *rib, const struct rib_import *import)
{
    const struct rib_flaps *flaps = find_flaps(rib, import->link, import->route_id);
    return flaps == NULL ? rib->mono : held_until(flaps);
}

struct instant
rib_damping_deadline(const struct rib *rib)
{
    const struct heap_node *first = heap_first(&rib->flaps_due);
    return first == NULL ? INSTANT_NEVER : (struct instant){ .ns = (uint64_t)first->at };
}

bool
rib_damping_has_work(const struct rib *rib)
{
    return instant_reached(rib_damping_deadline(rib), rib->mono);
}

static void
let_go(struct rib *rib, const struct rib_flaps *flaps)
{
    struct rib_link *port = &rib->links[flaps->link];
    uint64_t hash = rib_hash_number(rib, flaps->route_id);
    struct rib_import *import = map_find(&port->imports, hash, &flaps->route_id);
    bool waits =
        import != NULL && import->state == RIB_IMPORT_REJECTED && import->reason == PRUNE_DAMPED;
    if (waits) {
        rib_rejudge_import(rib, import);
    }
}

uint32_t
rib_damping_work(struct rib *rib, uint32_t budget)
{
    uint32_t done = 0;
    while (done < budget && rib_damping_has_work(rib)) {
        struct rib_flaps *flaps = CONTAINER_OF(heap_first(&rib->flaps_due), struct rib_flaps, due);
        struct instant forget_at = damping_forget_at(&flaps->damping, &rib->config.damping);
        if (instant_reached(held_until(flaps), rib->mono)) {
            let_go(rib, flaps);
        }
        if (instant_reached(held_until(flaps), rib->mono) &&
            instant_reached(forget_at, rib->mono)) {
            forget(rib, flaps);
        } else {
            set_due(rib, flaps);
        }
        done++;
    }
    return done;
}

void
rib_damping_init(struct rib *rib)
{
    heap_init(&rib->flaps_due, rib->config.mem);
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        map_init(&rib->links[i].flaps, rib->config.mem, flaps_same);
        list_init(&rib->links[i].gone);
    }
}

void
rib_damping_destroy(struct rib *rib)
{
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        struct map *map = &rib->links[i].flaps;
        size_t cursor = 0;
        for (struct rib_flaps *flaps; (flaps = map_next(map, &cursor)) != NULL;) {
            mem_give(rib->config.mem, flaps, sizeof(*flaps));
        }
        map_destroy(map);
    }
    heap_destroy(&rib->flaps_due);
}
