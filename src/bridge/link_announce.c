/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_announce.c - what a link is told: exports that changed wait in the RIB until a flush sends them in batches,
 * withdrawals first. At the beginning of a session, and when the far side asks for it, everything is told, and then
 * END_OF_SYNC. A congested connection is left alone until it drains.
 */
#include "bridge/bridge_state.h"
#include "core/limits.h"

/* Batches that one step may send; the rest follows with the next tick, at once. */
#define FLUSH_BATCHES_MAX 4u

/* Where a batch of announcements ends although it may hold more of them. */
#define ANNOUNCE_SIZE_MAX ((size_t)1024 * 1024)

/*
 * After a restart our cluster tells us bit by bit what it has. A far side that has kept our functions would drop them
 * if we said at once that this is all; so END_OF_SYNC waits until we know our cluster, but not for ever.
 */
#define SETTLE_QUIET_NS (1 * SEC_NS)
#define SETTLE_MAX_NS   (10 * SEC_NS)

/* Everything is told again at most so often, however often a neighbour asks. */
#define AGAIN_PAUSE_NS (1 * SEC_NS)

/* The session ends, and the next one, which comes after a pause, announces everything anew. */
static void
fail_for_memory(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_delivery delivery = { .kind = LINK_DELIVERS_NOTHING };
    link_session_fail(&bridge->ports[link].session, LINK_ERROR_OVERLOADED,
        SPAN("out of memory while announcing"), now, &bridge->actions, &delivery);
    link_port_act_on(bridge, link, &delivery, now);
}

/* A numbered frame that cannot be sent would leave a gap in the sequence. */
static void
send_composed(struct bridge *bridge, uint32_t link, struct now now)
{
    uint64_t lost = bridge->actions.lost;
    struct span frame = bridge_composed(bridge);
    if (frame.size > 0) {
        link_session_send_numbered(&bridge->ports[link].session, &frame, 1, now, &bridge->actions);
    }
    if (bridge->actions.lost != lost) {
        fail_for_memory(bridge, link, now);
    }
}

static void
flush_withdrawals(struct bridge *bridge, uint32_t link, uint64_t *route_ids, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    uint32_t count = 0;
    struct rib_export *exported;
    while (count < LINK_BATCH_MAX && (exported = rib_next_export(bridge->rib, link)) != NULL &&
           rib_export_withdrawn(exported)) {
        route_ids[count++] = exported->route_id;
        rib_export_take(bridge->rib, exported);
        rib_export_done(bridge->rib, exported, 0);
    }
    struct link_withdraw withdraw = {
        .sequence = link_session_next_sequence(&port->session),
        .route_ids = route_ids,
        .route_count = count,
    };
    buf_reset(&bridge->out);
    link_encode_withdraw(&bridge->out, &withdraw);
    port->stats.withdrawn += count;
    send_composed(bridge, link, now);
}

/* One batch of announcements while it is made. */
struct announcing {
    struct link_route routes[LINK_BATCH_MAX];
    struct rib_export *exports[LINK_BATCH_MAX];
    uint64_t digests[LINK_BATCH_MAX];
};

static void
flush_announcements(struct bridge *bridge, uint32_t link, struct announcing *batch, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    uint32_t count = 0;
    struct rib_export *exported;
    size_t size = 0;
    while (count < LINK_BATCH_MAX && size < ANNOUNCE_SIZE_MAX &&
           (exported = rib_next_export(bridge->rib, link)) != NULL &&
           !rib_export_withdrawn(exported)) {
        batch->exports[count] = exported;
        batch->routes[count] = (struct link_route){
            .route_id = exported->route_id,
            .advertisement = rib_export_out(exported),
        };
        size += advertisement_size(&batch->routes[count].advertisement);
        rib_export_take(bridge->rib, exported);
        count++;
    }
    struct link_announce announce = {
        .sequence = link_session_next_sequence(&port->session),
        .routes = batch->routes,
        .route_count = count,
    };
    buf_reset(&bridge->out);
    link_encode_announce(&bridge->out, &announce, batch->digests);
    for (uint32_t i = 0; i < count; i++) {
        rib_export_done(bridge->rib, batch->exports[i], batch->digests[i]);
    }
    port->stats.announced += count;
    send_composed(bridge, link, now);
}

static bool
may_announce(const struct link_port *port)
{
    switch (port->session.state) {
    case LINK_DOWN:
    case LINK_GREETING:
        return false;
    case LINK_SYNCING:
    case LINK_UP:
    case LINK_DRAINING:
        return !port->congested;
    }
    return false;
}

/* When our cluster is taken for known, if nothing more is heard of it. */
static struct instant
settles_at(const struct bridge *bridge)
{
    struct instant latest = instant_after(bridge->started_at, SETTLE_MAX_NS);
    bool joined = member_ready(bridge->member) &&
                  member_stats(bridge->member).connections_by_state[PEER_UP] > 0;
    return joined ? instant_earlier(latest, instant_after(bridge->learnt_at, SETTLE_QUIET_NS))
                  : latest;
}

static bool
may_end_sync(const struct bridge *bridge, const struct link_port *port)
{
    return port->end_of_sync_due &&
           (!port->end_of_sync_waits || instant_reached(settles_at(bridge), bridge->now.mono));
}

bool
link_announce_has_work(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    return may_announce(port) &&
           (may_end_sync(bridge, port) || rib_next_export(bridge->rib, link) != NULL);
}

struct instant
link_announce_deadline(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    if (!may_announce(port)) {
        return INSTANT_NEVER;
    }
    bool waits = port->end_of_sync_due && port->end_of_sync_waits;
    struct instant at = rib_announcing_deadline(bridge->rib, link);
    at = port->again_wanted == 0 ? at : instant_earlier(at, port->again_at);
    return waits ? instant_earlier(at, settles_at(bridge)) : at;
}

static void
send_end_of_sync(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    const struct link_end_of_sync end = {
        .sequence = link_session_next_sequence(&port->session),
        .refresh = port->end_of_sync_refresh,
    };
    port->end_of_sync_due = false;
    port->session.has_table = true;
    buf_reset(&bridge->out);
    link_encode_end_of_sync(&bridge->out, &end);
    send_composed(bridge, link, now);
}

static void
flush(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    struct announcing *batch = arena_take(&bridge->arena, sizeof(*batch));
    uint64_t *route_ids = arena_take(&bridge->arena, LINK_BATCH_MAX * sizeof(*route_ids));
    if (batch == NULL || route_ids == NULL) {
        fail_for_memory(bridge, link, now);
        return;
    }
    struct rib_export *exported;
    for (uint32_t i = 0; i < FLUSH_BATCHES_MAX && may_announce(port) &&
                         (exported = rib_next_export(bridge->rib, link)) != NULL;
         i++) {
        if (rib_export_withdrawn(exported)) {
            flush_withdrawals(bridge, link, route_ids, now);
        } else {
            flush_announcements(bridge, link, batch, now);
        }
    }
    if (may_announce(port) && may_end_sync(bridge, port) &&
        rib_next_export(bridge->rib, link) == NULL) {
        send_end_of_sync(bridge, link, now);
    }
}

void
link_announce_flush(struct bridge *bridge, uint32_t link, struct now now)
{
    if (link_announce_has_work(bridge, link)) {
        flush(bridge, link, now);
    }
    bridge->ports[link].session.table = rib_announced_table(bridge->rib, link);
}

void
link_announce_begin(struct bridge *bridge, uint32_t link, const struct link_hello *hello)
{
    struct link_port *port = &bridge->ports[link];
    rib_begin_announcing(bridge->rib, link);
    port->again_wanted = 0;
    port->end_of_sync_due = true;
    port->end_of_sync_waits = hello->stale > 0;
    port->end_of_sync_refresh = 0;
}

void
link_announce_again(struct bridge *bridge, uint32_t link, uint64_t refresh)
{
    struct link_port *port = &bridge->ports[link];
    if (port->end_of_sync_due && port->end_of_sync_refresh == 0) {
        /* The session's own beginning is not over. Whoever asks then asks again when tables differ. */
        return;
    }
    port->again_wanted = refresh;
    link_announce_tick(bridge, link);
}

void
link_announce_tick(struct bridge *bridge, uint32_t link)
{
    struct link_port *port = &bridge->ports[link];
    if (port->again_wanted == 0 || !instant_reached(port->again_at, bridge->now.mono)) {
        return;
    }
    rib_announce_again(bridge->rib, link);
    port->again_at = instant_after(bridge->now.mono, AGAIN_PAUSE_NS);
    port->end_of_sync_due = true;
    port->end_of_sync_waits = false;
    port->end_of_sync_refresh = port->again_wanted;
    port->again_wanted = 0;
    port->stats.refreshed++;
}

void
link_announce_end(struct bridge *bridge, uint32_t link)
{
    bridge->ports[link].end_of_sync_due = false;
    bridge->ports[link].again_wanted = 0;
    rib_end_announcing(bridge->rib, link);
}
