/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_bridge_metrics.c - /metrics of a bridge. The labels are ports, reasons and results, never
 * functions: the page stays small however large the tables are.
 */
#include <assert.h>

#include "host/admin_bridge.h"
#include "host/admin_link_health.h"
#include "host/admin_metrics.h"
#include "host/admin_probe.h"
#include "host/policy_store.h"

static const uint32_t call_bounds_us[] = BRIDGE_CALL_BUCKETS;
static_assert(COUNT_OF(call_bounds_us) == BRIDGE_CALL_BUCKET_COUNT, "one bound a bucket");

/* The links' snapshots, taken once for the whole page. */
struct view {
    struct admin_metrics metrics;
    struct now now;
    struct bridge_link_stats links[RIB_LINKS_MAX];
    uint32_t link_count;
};

static struct admin_labels
of_link(const struct bridge_link_stats *link)
{
    return ADMIN_LABELS({ "link", link->name });
}

/* ---- The life of links ---- */

static void
add_states(struct view *view)
{
    admin_metrics_family(&view->metrics, "mpreg_link_up", "gauge",
        "1 when the far side's table is complete and calls may pass.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].state == LINK_UP);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_state", "gauge",
        "0 down, 1 greeting, 2 syncing, 3 up, 4 draining, 5 suspended, 6 held, 7 disabled, 8 "
        "drained.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), (uint64_t)bridge_link_view(&view->links[i]));
    }
}

static void
add_session_counts(struct view *view)
{
    admin_metrics_family(&view->metrics, "mpreg_link_sessions_total", "counter",
        "Sessions that got as far as greeting each other.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].session->sessions);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_resumes_total", "counter",
        "Sessions that went on over another connection.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].session->resumes);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_flaps_total", "counter",
        "Connections that broke after the greeting, other than by our own stop.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].session->flaps);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_damped", "gauge",
        "1 while the link is the last choice because it broke too often.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].damped ? 1 : 0);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_dials_refused_total", "counter",
        "Dials that reached nobody, or somebody who was refused.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].session->dials_refused);
    }
}

static void
add_uptimes(struct view *view)
{
    admin_metrics_family(&view->metrics, "mpreg_link_uptime_seconds", "gauge",
        "Age of the session; 0 when the link is down.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        const struct bridge_link_stats *link = &view->links[i];
        bool greeted = link->state != LINK_DOWN && link->state != LINK_GREETING;
        uint64_t uptime_ns = instant_between(link->session->up_since, view->now.mono);
        admin_metrics_seconds(&view->metrics, of_link(link), greeted ? (int64_t)uptime_ns : 0);
    }
}

static void
add_handshakes(struct view *view, const uint64_t *counts)
{
    admin_metrics_family(&view->metrics, "mpreg_link_handshakes_total", "counter",
        "Connections to link_listen, by how their handshake went.");
    for (uint32_t i = 0; i < LINK_HANDSHAKE_COUNT; i++) {
        struct span result = span_from_text(link_handshake_name((enum link_handshake)i));
        admin_metrics_sample(&view->metrics, ADMIN_LABELS({ "result", result }), counts[i]);
    }
}

/* ---- Functions ---- */

static void
add_side(struct view *view, struct span port, const char *side, uint64_t count)
{
    admin_metrics_sample(
        &view->metrics, ADMIN_LABELS({ "port", port }, { "side", span_from_text(side) }), count);
}

static void
add_functions(struct view *view, const struct bridge_stats *stats)
{
    admin_metrics_family(
        &view->metrics, "mpreg_functions", "gauge", "Functions at a port: the cluster, or a link.");
    add_side(view, SPAN("cluster"), "known", stats->functions_known);
    add_side(view, SPAN("cluster"), "offered", stats->functions_offered);
    for (uint32_t i = 0; i < view->link_count; i++) {
        const struct bridge_link_stats *link = &view->links[i];
        add_side(view, link->name, "exported", link->exported);
        add_side(view, link->name, "denied", link->export_denied);
        add_side(view, link->name, "imported", link->import_accepted);
        add_side(view, link->name, "rejected", link->import_rejected);
    }
    admin_metrics_family(&view->metrics, "mpreg_functions_damped", "gauge",
        "Functions of the far side that are held back because they come and go.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].import_damped);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_table_bytes", "gauge",
        "Memory for what the far side announced, as import.limits.bytes counts it.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(&view->metrics, of_link(&view->links[i]), view->links[i].table_bytes);
    }
    admin_metrics_one(&view->metrics, "mpreg_nodes", "gauge",
        "Nodes of the cluster that describe themselves, this one included.", stats->nodes_known);
}

/* Is what we know of the far side fresh, and what it means? */
static void
add_tables(struct view *view)
{
    admin_metrics_family(&view->metrics, "mpreg_functions_stale", "gauge",
        "Functions of a link that nobody vouches for now; they are kept for a while.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(&view->metrics, of_link(&view->links[i]), view->links[i].stale);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_resyncs_total", "counter",
        "Times that a link was asked for its whole table again.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(&view->metrics, of_link(&view->links[i]), view->links[i].resyncs);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_refreshes_total", "counter",
        "Times that a link was told the whole table again because its far side asked.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(&view->metrics, of_link(&view->links[i]), view->links[i].refreshed);
    }
    admin_metrics_family(&view->metrics, "mpreg_link_divergence_seconds", "gauge",
        "For so long the table of a link is not the one that its far side means; 0: it is.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_seconds(
            &view->metrics, of_link(&view->links[i]), (int64_t)view->links[i].diverged_ns);
    }
}

static void
add_direction(struct view *view, struct span port, const char *direction, uint64_t count)
{
    admin_metrics_sample(&view->metrics,
        ADMIN_LABELS({ "port", port }, { "direction", span_from_text(direction) }), count);
}

static void
add_announcements(struct view *view)
{
    admin_metrics_family(&view->metrics, "mpreg_announcements_total", "counter",
        "Advertisements that went over a link.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        add_direction(view, view->links[i].name, "out", view->links[i].announced);
        add_direction(view, view->links[i].name, "in", view->links[i].heard_announced);
    }
    admin_metrics_family(&view->metrics, "mpreg_withdrawals_total", "counter",
        "Advertisements that were taken back over a link.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        add_direction(view, view->links[i].name, "out", view->links[i].withdrawn);
        add_direction(view, view->links[i].name, "in", view->links[i].heard_withdrawn);
    }
}

static void
add_pauses(struct view *view)
{
    admin_metrics_family(&view->metrics, "mpreg_link_update_pauses_total", "counter",
        "How often a link was not read for a while: more came than import.limits.updates allows.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(
            &view->metrics, of_link(&view->links[i]), view->links[i].update_pauses);
    }
}

static void
add_reasons(struct view *view, struct bridge *bridge, const struct bridge_stats *stats)
{
    const struct catalog *catalog = member_catalog(bridge_member(bridge));
    admin_metrics_family(&view->metrics, "mpreg_prunes_total", "counter",
        "Advertisements that disappeared, by reason.");
    admin_metrics_reasons(&view->metrics, SPAN("cluster"), catalog_prunes(catalog));
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_reasons(&view->metrics, view->links[i].name, view->links[i].prunes);
    }
    admin_metrics_family(&view->metrics, "mpreg_rejects_total", "counter",
        "Advertisements that were never let in, by reason.");
    admin_metrics_reasons(&view->metrics, SPAN("cluster"), stats->member.rejects);
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_reasons(&view->metrics, view->links[i].name, view->links[i].rejects);
    }
}

/* ---- Calls: "out" are those of our cluster over the link, "in" those of the far side ---- */

static void
add_results(struct view *view, const struct bridge_link_stats *link, const char *direction,
    const struct bridge_call_stats *calls)
{
    for (uint32_t i = 0; i < CALL_RESULT_COUNT; i++) {
        if (calls->by_result[i] > 0 || i == CALL_RESULT_OK) {
            admin_metrics_sample(&view->metrics,
                ADMIN_LABELS({ "port", link->name }, { "direction", span_from_text(direction) },
                    { "result", span_from_text(call_result_name(i)) }),
                calls->by_result[i]);
        }
    }
}

static void
add_call_times(struct view *view, const struct bridge_link_stats *link, const char *direction,
    const struct bridge_call_stats *calls)
{
    const struct admin_histogram histogram = {
        .bounds_us = call_bounds_us,
        .counts = calls->buckets,
        .bound_count = BRIDGE_CALL_BUCKET_COUNT,
        .sum_ns = calls->sum_ns,
    };
    admin_metrics_histogram(&view->metrics,
        ADMIN_LABELS({ "port", link->name }, { "direction", span_from_text(direction) }),
        &histogram);
}

static void
add_calls(struct view *view)
{
    admin_metrics_family(&view->metrics, "mpreg_calls_total", "counter",
        "Calls over a link that have ended, by how.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        add_results(view, &view->links[i], "out", &view->links[i].to_link);
        add_results(view, &view->links[i], "in", &view->links[i].from_link);
    }
    admin_metrics_family(
        &view->metrics, "mpreg_call_seconds", "histogram", "How long calls over a link took.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        add_call_times(view, &view->links[i], "out", &view->links[i].to_link);
        add_call_times(view, &view->links[i], "in", &view->links[i].from_link);
    }
    admin_metrics_family(&view->metrics, "mpreg_calls_in_flight", "gauge",
        "Calls that wait for their answer, both directions.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        const struct bridge_link_stats *link = &view->links[i];
        admin_metrics_sample(&view->metrics, ADMIN_LABELS({ "port", link->name }),
            link->to_link.in_flight + link->from_link.in_flight);
    }
    admin_metrics_family(&view->metrics, "mpreg_calls_held_total", "counter",
        "Calls of the far side that waited for a connection to a node that serves them.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        admin_metrics_sample(&view->metrics, ADMIN_LABELS({ "port", view->links[i].name }),
            view->links[i].calls_held);
    }
}

/* ---- Policies ---- */

/* Rules that never decided are left out: of thousands, most are quiet. /v1/policy/stats has them all. */
static void
add_hits(struct view *view, const struct rib *rib, uint32_t link, enum policy_direction direction)
{
    struct policy *policy = rib_policy(rib, link);
    uint32_t count = policy == NULL ? 0 : policy_rule_count(policy, direction) + 1;
    for (uint32_t i = 0; i < count; i++) {
        bool is_default = i + 1 == count;
        uint32_t rule = is_default ? POLICY_NO_RULE : i;
        uint64_t hits = rib_rule_use(rib, link, direction, rule).hits;
        if (hits > 0) {
            admin_metrics_sample(&view->metrics,
                ADMIN_LABELS({ "policy", policy_name(policy) }, { "port", view->links[link].name },
                    { "direction", direction == POLICY_EXPORT ? SPAN("export") : SPAN("import") },
                    { "rule",
                        is_default ? SPAN("default") : policy_rule_id(policy, direction, i) }),
                hits);
        }
    }
}

static void
add_policies(struct view *view, const struct admin_bridge *admin)
{
    const struct rib *rib = bridge_rib(admin->bridge);
    admin_metrics_family(&view->metrics, "mpreg_policy_hits_total", "counter",
        "Functions that a rule decided on, since its policy is in use.");
    for (uint32_t i = 0; i < view->link_count; i++) {
        add_hits(view, rib, i, POLICY_EXPORT);
        add_hits(view, rib, i, POLICY_IMPORT);
    }
    admin_metrics_family(&view->metrics, "mpreg_config_reloads_total", "counter",
        "Changes of the policies of the running bridge, by how they ended.");
    const uint64_t *counts = policy_store_counts(admin->policies);
    for (uint32_t i = POLICY_STORE_APPLIED; i < POLICY_STORE_OUTCOMES; i++) {
        admin_metrics_sample(&view->metrics,
            ADMIN_LABELS({ "result", span_from_text(policy_store_outcome_name(i)) }), counts[i]);
    }
}

/* ---- Certificates ---- */

static void
add_expiry(struct view *view, const char *which, struct wall expiry)
{
    if (expiry.ns != INT64_MAX) {
        admin_metrics_seconds(&view->metrics, ADMIN_LABELS({ "which", span_from_text(which) }),
            expiry.ns - view->now.wall.ns);
    }
}

static void
add_certificates(struct view *view, const struct tls_context *tls)
{
    if (tls == NULL) {
        return;
    }
    admin_metrics_family(&view->metrics, "mpreg_certificate_expiry_seconds", "gauge",
        "Time that is left; negative: it has run out.");
    add_expiry(view, "certificate", tls_context_certificate_expiry(tls));
    add_expiry(view, "authority", tls_context_authority_expiry(tls));
    add_expiry(view, "crl", tls_context_crl_expiry(tls));
}

void
admin_bridge_serve_metrics(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    struct bridge_stats stats = bridge_stats(admin->bridge);
    struct runtime_stats runtime = admin->admin.source.stats(admin->admin.source.owner);
    struct view view = {
        .metrics = admin_metrics_begin(call->response),
        .now = call->now,
        .link_count = bridge_link_count(admin->bridge),
    };
    for (uint32_t i = 0; i < view.link_count; i++) {
        view.links[i] = bridge_link_stats(admin->bridge, i);
    }
    admin_metrics_process(&view.metrics, &admin->admin);
    admin_metrics_one(&view.metrics, "mpreg_ready", "gauge", "1 when /readyz says so.",
        bridge_ready(admin->bridge));
    add_states(&view);
    add_session_counts(&view);
    add_uptimes(&view);
    admin_link_health_add_metrics(&view.metrics, view.links, view.link_count, view.now);
    admin_probe_add_metrics(&view.metrics, view.links, view.link_count);
    admin_metrics_one(&view.metrics, "mpreg_links_refused_total", "counter",
        "Authenticated connections that no link is configured for.", stats.links_refused);
    add_handshakes(&view, runtime.link_handshakes);
    admin_metrics_member(&view.metrics, &stats.member);
    add_functions(&view, &stats);
    add_tables(&view);
    add_announcements(&view);
    add_pauses(&view);
    add_reasons(&view, admin->bridge, &stats);
    add_calls(&view);
    if (admin->policies != NULL) {
        add_policies(&view, admin);
    }
    add_certificates(&view, admin->tls);
    admin_metrics_memory(&view.metrics, stats.memory_used, stats.memory_peak);
}
