/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_probe.c - the bridge's own calls of functions that a link brings (probe.h): a link whose probes fail is the last
 * choice, though it is up.
 *
 * Such a call is one of our cluster like any other, held to the rule that let the function in and counted with them,
 * but it goes over this very link or not at all, and nobody of the cluster waits for its answer.
 */
#include "bridge/bridge_state.h"

static bool
is_up(const struct link_port *port)
{
    return port->session.state == LINK_UP;
}

static enum probe_result
result_of(const struct call_error *error)
{
    switch (error->code) {
    case CALL_LINK_DOWN:
        /* Said by the far side it is another link, behind it. */
        return error->side == CALL_NEAR ? PROBE_LINK_DOWN : PROBE_FAILED;
    case CALL_DRAINING:
        return PROBE_LINK_DOWN;
    case CALL_DEADLINE_EXCEEDED:
    case CALL_TIMED_OUT:
        return PROBE_TIMEOUT;
    case CALL_NOT_FOUND:
        return PROBE_ABSENT;
    case CALL_INVALID:
    case CALL_POLICY_REJECTED:
    case CALL_RATE_LIMITED:
    case CALL_OVERLOADED:
    case CALL_PAYLOAD_TOO_LARGE:
    case CALL_LOOP:
    case CALL_BREAKER_OPEN:
    case CALL_REMOTE_FAILED:
        return PROBE_FAILED;
    }
    return PROBE_FAILED;
}

static void
judge_link(struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    bool failing = false;
    for (uint32_t i = 0; i < bridge->config.links[link].probe_count; i++) {
        failing = failing || port->probes[i].failing;
    }
    rib_doubt_link(bridge->rib, link, failing);
}

/* `text` is what a bridge said of it, if one did. */
static void
end(struct bridge *bridge, uint32_t link, uint32_t index, enum probe_result result,
    struct span text, struct now now)
{
    const struct bridge_link_config *config = &bridge->config.links[link];
    struct probe *probe = &bridge->ports[link].probes[index];
    switch (probe_end(probe, &config->probes[index], result, now.mono)) {
    case PROBE_UNCHANGED:
        return;
    case PROBE_FAILS:
        LOG_WARN(bridge->log, "link.probe_failed", LOG_SPAN("link", config->session.name),
            LOG_SPAN("function", config->probes[index].function),
            LOG_TEXT("result", probe_result_name(result)), LOG_SPAN("text", text),
            LOG_TEXT("advice", "other links that bring the same are preferred until it answers"));
        break;
    case PROBE_RECOVERS:
        LOG_INFO(bridge->log, "link.probe_ok", LOG_SPAN("link", config->session.name),
            LOG_SPAN("function", config->probes[index].function),
            LOG_MS("took_ms", probe->last_ns));
        break;
    }
    judge_link(bridge, link);
}

void
link_probe_answered(struct bridge *bridge, const struct near_call *call, bool ok, struct now now)
{
    end(bridge, call->link, call->probe - 1, ok ? PROBE_OK : PROBE_FAILED,
        ok ? SPAN_NONE : SPAN("the function answered with an error"), now);
}

void
link_probe_failed(struct bridge *bridge, const struct near_call *call,
    const struct call_error *error, struct now now)
{
    end(bridge, call->link, call->probe - 1, result_of(error), error->text, now);
}

static void
begin(struct bridge *bridge, uint32_t link, uint32_t index, struct now now)
{
    const struct probe_config *config = &bridge->config.links[link].probes[index];
    struct link_port *port = &bridge->ports[link];
    probe_begin(&port->probes[index], config, now.mono);
    if (!is_up(port)) {
        end(bridge, link, index, PROBE_LINK_DOWN, SPAN("the link is not up"), now);
        return;
    }
    const struct rib_import *import = rib_route_over(bridge->rib, config->function, link);
    if (import == NULL) {
        end(bridge, link, index, PROBE_ABSENT, SPAN("the link brings no such function"), now);
        return;
    }
    const struct near_request request = {
        .import = import,
        .probe = index + 1,
        .command = config->function,
        .message = {
            .hops_left = cluster_calls_hops_back(import),
            .path = { .items = &bridge->config.federation, .count = 1 },
            .args = config->args,
            .kwargs = SPAN("{}"),
        },
        .deadline = instant_after(now.mono, config->timeout_ns),
    };
    struct call_error error;
    if (!link_port_accepts(bridge, link, config->args.size, &error) ||
        !cluster_calls_send_near(bridge, &request, now, &error)) {
        bridge_count_result(
            &port->stats.to_link, call_result_index(error.code), now.mono, now.mono);
        end(bridge, link, index, result_of(&error), error.text, now);
    }
}

/* A link that has just come up is asked at once. */
static struct instant
due_at(const struct link_port *port, const struct probe *probe)
{
    bool has_come_up = is_up(port) && !port->was_up;
    return has_come_up && !probe->under_way ? (struct instant){ .ns = 0 } : probe_deadline(probe);
}

void
link_probe_start(struct bridge *bridge, uint32_t link, struct now now)
{
    const struct bridge_link_config *config = &bridge->config.links[link];
    for (uint32_t i = 0; i < config->probe_count; i++) {
        probe_init(&bridge->ports[link].probes[i], &config->probes[i], now.mono);
    }
}

void
link_probe_tick(struct bridge *bridge, uint32_t link, struct now now)
{
    struct link_port *port = &bridge->ports[link];
    for (uint32_t i = 0; i < bridge->config.links[link].probe_count && !bridge->stopping; i++) {
        if (instant_reached(due_at(port, &port->probes[i]), now.mono)) {
            begin(bridge, link, i, now);
        }
    }
    port->was_up = is_up(port);
}

struct instant
link_probe_deadline(const struct bridge *bridge, uint32_t link)
{
    const struct link_port *port = &bridge->ports[link];
    struct instant at = INSTANT_NEVER;
    for (uint32_t i = 0; i < bridge->config.links[link].probe_count && !bridge->stopping; i++) {
        at = instant_earlier(at, due_at(port, &port->probes[i]));
    }
    return at;
}
