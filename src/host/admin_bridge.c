/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_bridge.c - what operators see of a bridge and its links.
 */
#include "host/admin_bridge.h"

#include "host/admin_link_health.h"
#include "host/admin_policy.h"
#include "host/admin_probe.h"

/* ---- Readiness ---- */

static json_t *
readiness(const struct admin_bridge *admin)
{
    json_t *reasons = json_array();
    if (!member_ready(bridge_member(admin->bridge))) {
        (void)json_array_append_new(
            reasons, json_string("no other node of the cluster is connected"));
    }
    for (uint32_t i = 0; i < bridge_link_count(admin->bridge); i++) {
        struct bridge_link_stats link = bridge_link_stats(admin->bridge, i);
        struct reason reason;
        if (link.state == LINK_UP || link.disabled || link.drained) {
            continue;
        }
        reason_set(&reason, "link '%.*s' is %s", SPAN_ARGS(link.name),
            bridge_link_view_name(bridge_link_view(&link)));
        if (link.session->last_reason[0] != '\0') {
            reason_add(&reason, ": %s", link.session->last_reason);
        }
        (void)json_array_append_new(reasons, admin_text(span_from_text(reason.text)));
    }
    return reasons;
}

static void
serve_ready(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    json_t *reasons = readiness(admin);
    bool ready = bridge_ready(admin->bridge);
    if (!ready && json_array_size(reasons) == 0) {
        (void)json_array_append_new(reasons, json_string("the bridge is stopping"));
    }
    admin_reply_ready(call->response, ready, reasons);
}

/* ---- Status ---- */

static void
serve_status(void *self, const struct admin_call *call)
{
    struct admin_bridge *admin = self;
    struct bridge_stats stats = bridge_stats(admin->bridge);
    uint64_t up = 0;
    uint64_t suspended = 0;
    uint64_t stale = 0;
    uint32_t count = bridge_link_count(admin->bridge);
    for (uint32_t i = 0; i < count; i++) {
        struct bridge_link_stats link = bridge_link_stats(admin->bridge, i);
        up += link.state == LINK_UP;
        suspended += bridge_link_view(&link) == BRIDGE_LINK_SUSPENDED;
        stale += link.stale;
    }
    json_t *status = admin_identity(&admin->admin, call->now);
    (void)json_object_set_new(status, "bridge", admin_text(admin->name));
    (void)json_object_set_new(status, "federation", admin_text(admin->federation));
    (void)json_object_set_new(status, "ready", json_boolean(bridge_ready(admin->bridge)));
    (void)json_object_set_new(status, "reasons", readiness(admin));
    (void)json_object_set_new(
        status, "cluster", admin_cluster(bridge_member(admin->bridge), &stats.member, call->now));
    (void)json_object_set_new(status, "links",
        json_pack("{s:o,s:o,s:o,s:o}", "total", admin_u64(count), "up", admin_u64(up), "suspended",
            admin_u64(suspended), "refused", admin_u64(stats.links_refused)));
    (void)json_object_set_new(status, "functions_offered", admin_u64(stats.functions_offered));
    (void)json_object_set_new(status, "functions_stale", admin_u64(stale));
    (void)json_object_set_new(status, "memory", admin_memory(stats.memory_used, stats.memory_peak));
    admin_reply_json(call->response, status);
}

/* ---- Links ---- */

static const char *
prune_reason_at(uint32_t index)
{
    return prune_reason_name((enum prune_reason)index);
}

static json_t *
describe_calls(const struct bridge_call_stats *calls)
{
    return json_pack("{s:o,s:o}", "in_flight", admin_u64(calls->in_flight), "results",
        admin_counts(calls->by_result, CALL_RESULT_COUNT, call_result_name));
}

static json_t *
describe_session(const struct bridge_link_stats *link, struct now now)
{
    const struct link_session_stats *session = link->session;
    bool greeted =
        link->state == LINK_SYNCING || link->state == LINK_UP || link->state == LINK_DRAINING;
    uint64_t uptime_ns = instant_between(session->up_since, now.mono);
    uint64_t silence_ns = instant_between(session->heard_at, now.mono);
    bool failed = session->last_error != LINK_ERROR_NONE;
    json_t *json = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "count", admin_u64(session->sessions),
        "resumes", admin_u64(session->resumes), "flaps", admin_u64(session->flaps), "dials",
        admin_u64(session->dials), "dials_refused", admin_u64(session->dials_refused),
        "frames_received", admin_u64(session->frames_received), "frames_refused",
        admin_u64(session->frames_refused));
    (void)json_object_set_new(
        json, "uptime_seconds", greeted ? admin_seconds(uptime_ns) : json_null());
    (void)json_object_set_new(json, "suspended_seconds_left",
        link->suspended ? admin_seconds(link->suspended_for_ns) : json_null());
    (void)json_object_set_new(json, "heard_seconds_ago",
        session->heard_at.ns == 0 ? json_null() : admin_seconds(silence_ns));
    (void)json_object_set_new(
        json, "rtt_seconds", session->rtt_ns == 0 ? json_null() : admin_seconds(session->rtt_ns));
    (void)json_object_set_new(json, "sequence_sent", admin_u64(session->sequence_sent));
    (void)json_object_set_new(json, "sequence_acknowledged", admin_u64(session->sequence_acked));
    (void)json_object_set_new(json, "sequence_received", admin_u64(session->sequence_received));
    (void)json_object_set_new(json, "last_error",
        failed ? json_string(link_error_code_name(session->last_error)) : json_null());
    (void)json_object_set_new(json, "last_reason",
        session->last_reason[0] == '\0' ? json_null()
                                        : admin_text(span_from_text(session->last_reason)));
    return json;
}

/* What the far side announced: whether it is what it means, and how fresh. */
static json_t *
describe_table(const struct bridge_link_stats *link)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "bytes", admin_u64(link->table_bytes), "stale",
        admin_u64(link->stale), "stale_seconds_left",
        link->stale_for_ns > 0 ? admin_seconds(link->stale_for_ns) : json_null(),
        "diverged_seconds", link->diverged_ns > 0 ? admin_seconds(link->diverged_ns) : json_null(),
        "resyncs", admin_u64(link->resyncs), "refreshed", admin_u64(link->refreshed));
}

static json_t *
describe_link(const struct bridge_link_stats *link, struct now now)
{
    json_t *json = json_pack("{s:o,s:o,s:o,s:s,s:b}", "name", admin_text(link->name), "federation",
        admin_text(link->federation), "far_bridge",
        link->far_bridge.size == 0 ? json_null() : admin_text(link->far_bridge), "state",
        bridge_link_view_name(bridge_link_view(link)), "dials", link->dials);
    (void)json_object_set_new(json, "session", describe_session(link, now));
    (void)json_object_set_new(
        json, "health", admin_link_health_describe(&link->session->health, now));
    (void)json_object_set_new(json, "damping",
        json_pack("{s:o,s:b,s:o}", "penalty", admin_u64(link->penalty), "damped", link->damped,
            "seconds_left", link->damped ? admin_seconds(link->damped_for_ns) : json_null()));
    (void)json_object_set_new(json, "doubted", json_boolean(link->doubted));
    (void)json_object_set_new(json, "probes", admin_probe_describe(link, now));
    (void)json_object_set_new(json, "functions",
        json_pack("{s:o,s:o,s:o,s:o,s:o}", "exported", admin_u64(link->exported), "denied",
            admin_u64(link->export_denied), "imported", admin_u64(link->import_accepted),
            "rejected", admin_u64(link->import_rejected), "damped",
            admin_u64(link->import_damped)));
    (void)json_object_set_new(json, "table", describe_table(link));
    (void)json_object_set_new(json, "announcements",
        json_pack("{s:o,s:o,s:o,s:o,s:o}", "sent", admin_u64(link->announced), "withdrawn",
            admin_u64(link->withdrawn), "received", admin_u64(link->heard_announced),
            "received_withdrawn", admin_u64(link->heard_withdrawn), "pauses",
            admin_u64(link->update_pauses)));
    (void)json_object_set_new(json, "calls",
        json_pack("{s:o,s:o}", "to_link", describe_calls(&link->to_link), "from_link",
            describe_calls(&link->from_link)));
    (void)json_object_set_new(
        json, "prunes", admin_counts(link->prunes, PRUNE_REASON_COUNT, prune_reason_at));
    (void)json_object_set_new(
        json, "rejects", admin_counts(link->rejects, PRUNE_REASON_COUNT, prune_reason_at));
    return json;
}

static void
serve_links(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    json_t *links = json_array();
    for (uint32_t i = 0; i < bridge_link_count(admin->bridge); i++) {
        struct bridge_link_stats link = bridge_link_stats(admin->bridge, i);
        (void)json_array_append_new(links, describe_link(&link, call->now));
    }
    admin_reply_json(call->response, json_pack("{s:o}", "links", links));
}

bool
admin_bridge_query_link(
    const struct admin_bridge *admin, const struct admin_call *call, uint32_t *link)
{
    struct span name;
    uint32_t count = bridge_link_count(admin->bridge);
    if (!admin_query(call->request->query, "link", &name)) {
        *link = count;
        return true;
    }
    for (*link = 0; *link < count; (*link)++) {
        if (span_equal(bridge_link_stats(admin->bridge, *link).name, name)) {
            return true;
        }
    }
    admin_reply_error(call->response, 404, "there is no link of this name; see /v1/links");
    return false;
}

const char *
admin_bridge_direction(enum policy_direction direction)
{
    return direction == POLICY_EXPORT ? "export" : "import";
}

static const struct admin_page pages[] = {
    { .path = "/healthz", .serve = admin_serve_health, .is_open = true },
    { .path = "/readyz", .serve = serve_ready, .is_open = true },
    { .path = "/metrics", .serve = admin_bridge_serve_metrics },
    { .path = "/v1/status", .serve = serve_status },
    { .path = "/v1/links", .serve = serve_links },
    { .path = "/v1/links/{name}/{what}", .serve = admin_link_serve, .change = admin_link_change },
    { .path = "/v1/functions", .serve = admin_bridge_serve_functions },
    { .path = "/v1/events", .serve = admin_bridge_serve_events },
    { .path = "/v1/policy", .serve = admin_policy_serve },
    { .path = "/v1/policy/versions", .serve = admin_policy_serve_versions },
    { .path = "/v1/policy/differences", .serve = admin_policy_serve_differences },
    { .path = "/v1/policy/stats", .serve = admin_policy_serve_stats },
    { .path = "/v1/policy/explain", .serve = admin_policy_serve_explain },
    { .path = "/v1/policy/diff", .change = admin_policy_diff },
    { .path = "/v1/policy/apply", .change = admin_policy_apply },
    { .path = "/v1/policy/reload", .change = admin_policy_reload },
    { .path = "/v1/policy/shadow", .change = admin_policy_shadow },
    { .path = "/v1/policy/confirm", .change = admin_policy_confirm },
    { .path = "/v1/policy/rollback", .change = admin_policy_rollback },
};

void
admin_bridge_serve(void *owner, const struct http_request *request, struct http_response *response)
{
    const struct admin_bridge *admin = owner;
    admin_serve(&admin->admin, pages, COUNT_OF(pages), owner, request, response);
}
