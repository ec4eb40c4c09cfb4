/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge.c - the engine: which room an event is for, and the order of a step.
 *
 * A step: the event's room acts, calls that were held for a connection go on, and what a new policy leaves to judge is
 * done for a while; then the cluster is shown what the RIB has chosen (cluster_port_settle), then the links are told what
 * changed (link_announce_flush), then the cluster (member_flush). So whatever came in goes out in the same step; but what
 * a link brought to the cluster with the next tick, which is due at once.
 */
#include "bridge/bridge.h"

#include "bridge/bridge_state.h"
#include "core/limits.h"

/* What we compose in one piece: a batch of announcements with long names, or the head of a call. */
#define BRIDGE_COMPOSE_MAX ((size_t)4 * 1024 * 1024)

#define CLOSE_NO_LINK 0 /* links have no close codes */

/* Only an operator can help whoever no link is configured for, and each handshake costs us more than it. */
#define NOT_WANTED_PAUSE_NS (30 * SEC_NS)

/* Never 0. */
static size_t
probes_size(const struct bridge_config *config, uint32_t link)
{
    return (config->links[link].probe_count + 1) * sizeof(struct probe);
}

static bool
create_tables(struct bridge *bridge)
{
    const struct bridge_config *config = &bridge->config;
    uint32_t count = config->link_count;
    bridge->policies = mem_take(&bridge->mem, (count + 1) * sizeof(struct policy *));
    bridge->link_federations = mem_take(&bridge->mem, (count + 1) * sizeof(struct span));
    bridge->ports = mem_take(&bridge->mem, (count + 1) * sizeof(struct link_port));
    if (bridge->policies == NULL || bridge->link_federations == NULL || bridge->ports == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        bridge->policies[i] = config->links[i].policy;
        bridge->link_federations[i] = config->links[i].session.federation;
        bridge->ports[i].stale_until = INSTANT_NEVER;
        bridge->ports[i].diverged_since = INSTANT_NEVER;
        bridge->ports[i].probes = mem_take(&bridge->mem, probes_size(config, i));
        link_session_init(&bridge->ports[i].session, &config->links[i].session, &bridge->mem,
            bridge->log, &bridge->prng);
        arena_init(&bridge->ports[i].reporting.heard_arena, &bridge->mem);
        call_limits_init(&bridge->ports[i].limits, &bridge->mem, bridge->hash_key);
    }
    struct rib_config rib = {
        .mem = &bridge->mem,
        .log = bridge->log,
        .hash_key = bridge->hash_key,
        .federation = config->federation,
        .link_count = count,
        .policies = bridge->policies,
        .link_federations = bridge->link_federations,
        .damping = config->function_damping,
        .hold_down_ns = config->hold_down_ns,
        .advertisement_interval_ns = config->advertisement_interval_ns,
        .owner = bridge,
        .is_served = cluster_port_serves,
    };
    bridge->rib = rib_create(&rib);
    struct member_events events = cluster_port_events(bridge);
    bridge->member = member_create(
        &config->member, &bridge->mem, bridge->hash_key, &events, bridge->log, &bridge->prng);
    if (bridge->rib == NULL || bridge->member == NULL) {
        return false;
    }
    bool whole = true;
    for (uint32_t i = 0; i < count; i++) {
        whole = whole && bridge->ports[i].probes != NULL &&
                call_limits_replace(&bridge->ports[i].limits, bridge->policies[i],
                    rib_policy_number(bridge->rib, i));
    }
    return whole;
}

struct bridge *
bridge_create(
    const struct bridge_config *config, struct hash_key hash_key, uint64_t seed, struct log *log)
{
    CHECK(config->link_count <= RIB_LINKS_MAX);
    struct mem mem;
    mem_init(&mem, config->memory_max);
    struct bridge *bridge = mem_take(&mem, sizeof(*bridge));
    if (bridge == NULL) {
        return NULL;
    }
    bridge->config = *config;
    if (config->judgements_a_step == 0) {
        bridge->config.judgements_a_step = BRIDGE_JUDGEMENTS_A_STEP;
    }
    bridge->mem = mem;
    bridge->log = log;
    bridge->hash_key = hash_key;
    bridge->prng = (struct prng){ .state = seed };
    bridge->stop_by = INSTANT_NEVER;
    arena_init(&bridge->arena, &bridge->mem);
    json_tape_init(&bridge->tape, &bridge->mem);
    buf_init(&bridge->out, &bridge->mem, BRIDGE_COMPOSE_MAX);
    forward_init(&bridge->forward, &bridge->mem, hash_key);
    repeats_init(&bridge->repeats, &bridge->mem, hash_key);
    if (!create_tables(bridge) || !reload_init(bridge)) {
        bridge_free(bridge);
        return NULL;
    }
    return bridge;
}

void
bridge_free(struct bridge *bridge)
{
    if (bridge == NULL) {
        return;
    }
    uint32_t count = bridge->config.link_count;
    /* The catalog goes without telling: the RIB is freed whole. */
    member_free(bridge->member);
    rib_free(bridge->rib);
    reload_destroy(bridge);
    forward_destroy(&bridge->forward);
    repeats_destroy(&bridge->repeats);
    if (bridge->ports != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            if (bridge->ports[i].session.log != NULL) {
                link_session_destroy(&bridge->ports[i].session);
                call_limits_destroy(&bridge->ports[i].limits);
                mem_give(&bridge->mem, bridge->ports[i].probes,
                    bridge->ports[i].probes == NULL ? 0 : probes_size(&bridge->config, i));
                arena_destroy(&bridge->ports[i].reporting.heard_arena);
            }
        }
        mem_give(&bridge->mem, bridge->ports, (count + 1) * sizeof(struct link_port));
    }
    if (bridge->policies != NULL) {
        mem_give(&bridge->mem, bridge->policies, (count + 1) * sizeof(struct policy *));
    }
    if (bridge->link_federations != NULL) {
        mem_give(&bridge->mem, bridge->link_federations, (count + 1) * sizeof(struct span));
    }
    buf_destroy(&bridge->out);
    json_tape_destroy(&bridge->tape);
    arena_destroy(&bridge->arena);
    struct mem mem = bridge->mem;
    CHECK(mem.used == sizeof(*bridge)); /* everything else came back */
    mem_give(&mem, bridge, sizeof(*bridge));
}

struct span
bridge_composed(struct bridge *bridge)
{
    if (bridge->out.overflowed) {
        bridge->actions.lost++;
        return SPAN_NONE;
    }
    struct span copy = arena_copy(&bridge->arena, buf_span(&bridge->out));
    bridge->actions.lost += copy.data == NULL;
    return copy;
}

void
bridge_count_result(
    struct bridge_call_stats *stats, uint32_t result, struct instant started_at, struct instant now)
{
    static const uint64_t bounds_us[] = BRIDGE_CALL_BUCKETS;
    uint64_t took_ns = instant_between(started_at, now);
    uint32_t bucket = 0;
    while (bucket < BRIDGE_CALL_BUCKET_COUNT && took_ns > bounds_us[bucket] * US_NS) {
        bucket++;
    }
    stats->by_result[result]++;
    stats->buckets[bucket]++;
    stats->sum_ns += took_ns;
}

/* Which link an event is for. */

static bool
find_link(const struct bridge *bridge, const struct event *event, uint32_t *link)
{
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        if (link_session_owns(&bridge->ports[i].session, event)) {
            *link = i;
            return true;
        }
    }
    if (event->kind != EVENT_ACCEPTED) {
        return false;
    }
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        const struct link_session_config *config = &bridge->config.links[i].session;
        if (span_equal(config->federation, event->identity.federation) &&
            (config->bridge.size == 0 || span_equal(config->bridge, event->identity.bridge))) {
            *link = i;
            return true;
        }
    }
    return false;
}

static void
refuse_link(struct bridge *bridge, const struct event *event)
{
    bridge->links_refused++;
    LOG_WARN(bridge->log, "link.not_wanted", LOG_SPAN("federation", event->identity.federation),
        LOG_SPAN("bridge", event->identity.bridge), LOG_SPAN("address", event->address),
        LOG_TEXT("advice", "no link is configured for this federation; add one or tell its owner"));
    struct link_error error = {
        .code = LINK_ERROR_NOT_WANTED,
        .text = SPAN("no link is configured for your federation"),
        .retry_after_ns = NOT_WANTED_PAUSE_NS,
    };
    buf_reset(&bridge->out);
    link_encode_error(&bridge->out, &error);
    struct span frame = bridge_composed(bridge);
    if (frame.size > 0) {
        actions_send(&bridge->actions, event->conn, frame);
    }
    actions_close(&bridge->actions, event->conn, CLOSE_NO_LINK, error.text);
}

static void
step_link(struct bridge *bridge, const struct event *event, struct now now)
{
    uint32_t link;
    if (find_link(bridge, event, &link)) {
        link_port_step(bridge, link, event, now);
    } else if (event->kind == EVENT_ACCEPTED) {
        refuse_link(bridge, event);
    } else if (event->kind == EVENT_OPENED) {
        /* A dial that its session has given up meanwhile. */
        actions_close(&bridge->actions, event->conn, CLOSE_NO_LINK, SPAN("not needed any more"));
    }
}

/* Stopping: take back what we offer, let calls finish, then leave both sides. */

static void
begin_stop(struct bridge *bridge, struct now now)
{
    if (bridge->stopping) {
        return;
    }
    LOG_INFO(bridge->log, "bridge.draining", LOG_SPAN("bridge", bridge->config.name),
        LOG_U64("calls", forward_count(&bridge->forward)));
    bridge->stopping = true;
    bridge->stop_by = instant_after(now.mono, BRIDGE_DRAIN_NS);
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        link_hear_forget(bridge, i, PRUNE_OPERATOR);
        link_session_drain(&bridge->ports[i].session, &bridge->actions);
    }
}

static void
leave(struct bridge *bridge, struct now now)
{
    bridge->left = true;
    bridge->stop_by = instant_after(now.mono, SEC_NS);
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        link_port_end_calls(bridge, i, now);
        link_session_stop(&bridge->ports[i].session, LINK_ERROR_SHUTDOWN,
            SPAN("stopped by this side"), &bridge->actions);
    }
    member_leave(bridge->member, now, &bridge->actions);
}

static void
go_on_stopping(struct bridge *bridge, struct now now)
{
    bool late = instant_reached(bridge->stop_by, now.mono);
    if (!bridge->left && (forward_count(&bridge->forward) == 0 || late)) {
        leave(bridge, now);
        late = false;
    }
    bool gone = bridge->left && member_gone(bridge->member);
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        gone = gone && bridge->ports[i].session.conn.v == 0;
    }
    if (!bridge->finished && bridge->left && (gone || late)) {
        bridge->finished = true;
        actions_add(&bridge->actions, ACTION_FINISHED);
    }
}

/* Steps. */

static void
calls_due(struct bridge *bridge, struct now now)
{
    struct near_call *call;
    while ((call = forward_due_near(&bridge->forward, now.mono)) != NULL) {
        cluster_calls_expire(bridge, call, now);
    }
}

static void
step_everything(struct bridge *bridge, const struct event *event, struct now now)
{
    member_step(bridge->member, event, now, &bridge->actions);
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        if (event->kind == EVENT_START) {
            link_session_start(&bridge->ports[i].session, now, &bridge->actions);
            link_probe_start(bridge, i, now);
        } else if (!bridge->left) {
            link_port_step(bridge, i, event, now);
        }
    }
    calls_due(bridge, now);
}

static void
dispatch(struct bridge *bridge, const struct event *event, struct now now)
{
    switch (event->kind) {
    case EVENT_START:
    case EVENT_TICK:
        step_everything(bridge, event, now);
        break;
    case EVENT_ACCEPTED:
    case EVENT_OPENED:
    case EVENT_REFUSED:
    case EVENT_MESSAGE:
    case EVENT_CLOSED:
    case EVENT_CONGESTED:
    case EVENT_DRAINED:
        if (event->port == PORT_LINK) {
            step_link(bridge, event, now);
        } else {
            member_step(bridge->member, event, now, &bridge->actions);
        }
        break;
    case EVENT_STOP:
        begin_stop(bridge, now);
        break;
    case EVENT_RESULT:
        break;
    }
}

/* However a session came to its state in this step. */
static void
note_states(struct bridge *bridge, struct now now)
{
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        struct link_session *session = &bridge->ports[i].session;
        link_health_note_state(&session->stats.health, session->state == LINK_UP, now.mono);
    }
}

/* More of the same table may be at hand: the tick before the next wait tells the cluster all of it in few messages. */
static bool
tells_later(const struct event *event)
{
    return event->kind == EVENT_MESSAGE && event->port == PORT_LINK;
}

const struct actions *
bridge_step(struct bridge *bridge, const struct event *event, struct now now)
{
    arena_reset(&bridge->arena);
    uint64_t lost = bridge->actions.lost;
    actions_begin(&bridge->actions, &bridge->arena);
    bridge->actions.lost = lost;
    bridge->now = now;
    if (event->kind == EVENT_START) {
        bridge->started_at = now.mono;
    }
    rib_set_time(bridge->rib, now);
    repeats_expire(&bridge->repeats, now.mono);
    forward_free_spent(&bridge->forward);
    dispatch(bridge, event, now);
    calls_held_step(bridge, now);
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        link_command_step(bridge, i, now);
    }
    rib_work(bridge->rib, bridge->config.judgements_a_step);
    reload_step(bridge, now);
    cluster_port_settle(bridge, now);
    rib_pass_on(bridge->rib);
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        link_announce_flush(bridge, i, now);
        link_report_tell(bridge, i, now);
    }
    /* A session that failed meanwhile has taken its imports along. */
    cluster_port_settle(bridge, now);
    note_states(bridge, now);
    if (!tells_later(event)) {
        member_flush(bridge->member, now, &bridge->actions);
    }
    if (bridge->stopping) {
        go_on_stopping(bridge, now);
    }
    return &bridge->actions;
}

/* The wall clock may be set meanwhile: whoever is early looks again, and each step looks anyway. */
static struct instant
rules_change_at(const struct bridge *bridge, struct now now)
{
    struct wall at = rib_deadline(bridge->rib);
    if (at.ns == INT64_MAX) {
        return INSTANT_NEVER;
    }
    return instant_after(now.mono, at.ns > now.wall.ns ? (uint64_t)(at.ns - now.wall.ns) : 0);
}

struct instant
bridge_deadline(const struct bridge *bridge, struct now now)
{
    struct instant at = member_deadline(bridge->member, now);
    at = instant_earlier(at, forward_deadline(&bridge->forward));
    at = instant_earlier(at, forward_held_deadline(&bridge->forward));
    at = instant_earlier(at, reload_deadline(bridge));
    at = instant_earlier(at, rib_damping_deadline(bridge->rib));
    at = instant_earlier(at, rib_has_work(bridge->rib) ? now.mono : rules_change_at(bridge, now));
    at = instant_earlier(at, bridge->finished ? INSTANT_NEVER : bridge->stop_by);
    /* After that, links have nothing to do any more. */
    for (uint32_t i = 0; i < bridge->config.link_count && !bridge->left; i++) {
        at = instant_earlier(at, link_session_deadline(&bridge->ports[i].session));
        at = instant_earlier(at, link_port_deadline(bridge, i));
        at = instant_earlier(at, link_command_deadline(bridge, i));
        at = instant_earlier(at, link_report_deadline(bridge, i));
        if (link_announce_has_work(bridge, i)) {
            at = now.mono;
        }
    }
    return at;
}

/* What operators see. */

struct bridge_stats
bridge_stats(const struct bridge *bridge)
{
    const struct catalog *catalog = member_catalog(bridge->member);
    return (struct bridge_stats){
        .member = member_stats(bridge->member),
        .functions_known = catalog_count(catalog),
        .functions_offered = rib_counts(bridge->rib)->offers_made,
        .nodes_known = catalog_node_count(catalog),
        .calls_recognised = bridge->repeats.recognised,
        .links_refused = bridge->links_refused,
        .memory_used = bridge->mem.used,
        .memory_peak = bridge->mem.peak,
    };
}

size_t
bridge_memory_used(const struct bridge *bridge)
{
    return bridge->mem.used;
}

uint32_t
bridge_link_count(const struct bridge *bridge)
{
    return bridge->config.link_count;
}

/* From the last step on; 0: never. */
static uint64_t
until(const struct bridge *bridge, struct instant at)
{
    return at.ns == INSTANT_NEVER.ns ? 0 : instant_between(bridge->now.mono, at);
}

struct bridge_link_stats
bridge_link_stats(const struct bridge *bridge, uint32_t link)
{
    CHECK(link < bridge->config.link_count);
    const struct link_port *port = &bridge->ports[link];
    const struct rib_counts *counts = rib_counts(bridge->rib);
    struct bridge_link_stats stats = port->stats;
    stats.name = port->session.config.name;
    stats.federation = port->session.config.federation;
    stats.far_bridge = port->session.far.bridge;
    stats.state = port->session.state;
    stats.dials = port->session.config.address_count > 0;
    stats.session = &port->session.stats;
    stats.exported = counts->exports[link];
    stats.export_denied = counts->denied[link];
    stats.import_accepted = counts->imports_accepted[link];
    stats.import_rejected = counts->imports_rejected[link];
    stats.prunes = counts->prunes[link];
    stats.rejects = counts->rejects[link];
    stats.import_damped = counts->imports_damped[link];
    stats.import_blocked = counts->table_blocked[link][POLICY_LIMIT_FUNCTIONS];
    stats.table_bytes = counts->table[link][POLICY_LIMIT_BYTES];
    stats.disabled = port->wish == LINK_WISH_OFF;
    stats.drained = port->wish == LINK_WISH_DRAINED;
    stats.held = port->held;
    stats.stale = rib_stale_count(bridge->rib, link);
    stats.stale_for_ns = until(bridge, port->stale_until);
    stats.suspended = link_session_is_suspended(&port->session);
    stats.suspended_for_ns = until(bridge, port->session.suspension.until);
    stats.penalty = damping_penalty(&port->damping, &bridge->config.link_damping, bridge->now.mono);
    stats.damped = rib_link_is_damped(bridge->rib, link);
    stats.damped_for_ns = stats.damped ? until(bridge, damping_reuse_at(&port->damping)) : 0;
    stats.probe_configs = bridge->config.links[link].probes;
    stats.probes = port->probes;
    stats.probe_count = bridge->config.links[link].probe_count;
    stats.doubted = rib_link_is_doubted(bridge->rib, link);
    if (port->diverged_since.ns != INSTANT_NEVER.ns) {
        stats.diverged_ns = instant_between(port->diverged_since, bridge->now.mono);
    }
    return stats;
}

enum bridge_link_view
bridge_link_view(const struct bridge_link_stats *stats)
{
    if (stats->state != LINK_DOWN) {
        return (enum bridge_link_view)stats->state;
    }
    return stats->disabled    ? BRIDGE_LINK_DISABLED
           : stats->drained   ? BRIDGE_LINK_DRAINED
           : stats->held      ? BRIDGE_LINK_HELD
           : stats->suspended ? BRIDGE_LINK_SUSPENDED
                              : BRIDGE_LINK_DOWN;
}

const char *
bridge_link_view_name(enum bridge_link_view view)
{
    switch (view) {
    case BRIDGE_LINK_DOWN:
    case BRIDGE_LINK_GREETING:
    case BRIDGE_LINK_SYNCING:
    case BRIDGE_LINK_UP:
    case BRIDGE_LINK_DRAINING:
        return link_state_name((enum link_state)view);
    case BRIDGE_LINK_SUSPENDED:
        return "suspended";
    case BRIDGE_LINK_HELD:
        return "held";
    case BRIDGE_LINK_DISABLED:
        return "disabled";
    case BRIDGE_LINK_DRAINED:
        return "drained";
    }
    return "unknown";
}

const struct call_limit *
bridge_call_limit(const struct bridge *bridge, uint32_t link, enum policy_direction direction,
    struct span rule_id)
{
    CHECK(link < bridge->config.link_count);
    return call_limits_find(&bridge->ports[link].limits, direction, rule_id);
}

const struct rib *
bridge_rib(const struct bridge *bridge)
{
    return bridge->rib;
}

struct member *
bridge_member(struct bridge *bridge)
{
    return bridge->member;
}

bool
bridge_ready(const struct bridge *bridge)
{
    bool ready = member_ready(bridge->member) && !bridge->stopping;
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        const struct link_port *port = &bridge->ports[i];
        bool taken_away = port->wish == LINK_WISH_OFF || port->wish == LINK_WISH_DRAINED;
        ready = ready && (port->session.state == LINK_UP || taken_away);
    }
    return ready;
}
