/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_node.c - what operators see of an ordinary node.
 */
#include "host/admin_node.h"

#include "host/admin_metrics.h"

static json_t *
readiness(const struct node *node)
{
    json_t *reasons = json_array();
    if (!node_ready(node)) {
        (void)json_array_append_new(
            reasons, json_string("no other node of the cluster is connected"));
    }
    return reasons;
}

static void
serve_ready(void *self, const struct admin_call *call)
{
    const struct admin_node *admin = self;
    admin_reply_ready(call->response, node_ready(admin->node), readiness(admin->node));
}

static void
serve_status(void *self, const struct admin_call *call)
{
    struct admin_node *admin = self;
    struct runtime_stats runtime = admin->admin.source.stats(admin->admin.source.owner);
    struct node_stats stats = node_stats(admin->node);
    json_t *status = admin_identity(&admin->admin, call->now);
    (void)json_object_set_new(status, "ready", json_boolean(node_ready(admin->node)));
    (void)json_object_set_new(status, "reasons", readiness(admin->node));
    (void)json_object_set_new(
        status, "cluster", admin_cluster(node_member(admin->node), &stats.member, call->now));
    (void)json_object_set_new(status, "functions_local", admin_u64(stats.functions_local));
    (void)json_object_set_new(status, "requests",
        json_pack("{s:o,s:o,s:o}", "total", admin_u64(stats.requests), "failed",
            admin_u64(stats.requests_failed), "open", admin_u64(stats.requests_open)));
    (void)json_object_set_new(status, "calls",
        json_pack("{s:o,s:o,s:o,s:o,s:o}", "local", admin_u64(stats.calls_local), "remote",
            admin_u64(stats.calls_remote), "repeated", admin_u64(stats.calls_repeated), "held",
            admin_u64(stats.calls_held), "served", admin_u64(stats.calls_served)));
    (void)json_object_set_new(status, "worker_restarts", admin_u64(runtime.worker_restarts));
    (void)json_object_set_new(status, "memory", admin_memory(stats.memory_used, stats.memory_peak));
    admin_reply_json(call->response, status);
}

static void
add_functions(struct admin_metrics *metrics, const struct node_stats *stats)
{
    admin_metrics_family(
        metrics, "mpreg_functions", "gauge", "Functions, by where they are seen from.");
    admin_metrics_sample(metrics,
        ADMIN_LABELS({ "port", SPAN("cluster") }, { "side", SPAN("known") }),
        stats->functions_known);
    admin_metrics_sample(metrics,
        ADMIN_LABELS({ "port", SPAN("cluster") }, { "side", SPAN("local") }),
        stats->functions_local);
    admin_metrics_one(metrics, "mpreg_nodes", "gauge",
        "Nodes of the cluster that describe themselves, this one included.", stats->nodes_known);
}

static void
add_calls(struct admin_metrics *metrics, const struct node_stats *stats)
{
    admin_metrics_one(
        metrics, "mpreg_requests_total", "counter", "Requests of clients.", stats->requests);
    admin_metrics_one(metrics, "mpreg_requests_failed_total", "counter",
        "Requests of clients that were answered with an error.", stats->requests_failed);
    admin_metrics_one(metrics, "mpreg_requests_open", "gauge",
        "Requests of clients that wait for their answer.", stats->requests_open);
    admin_metrics_family(metrics, "mpreg_node_calls_total", "counter",
        "Calls of functions: run here for clients, sent to other nodes, run here for other nodes.");
    admin_metrics_sample(metrics, ADMIN_LABELS({ "kind", SPAN("local") }), stats->calls_local);
    admin_metrics_sample(metrics, ADMIN_LABELS({ "kind", SPAN("remote") }), stats->calls_remote);
    admin_metrics_sample(metrics, ADMIN_LABELS({ "kind", SPAN("served") }), stats->calls_served);
    admin_metrics_one(metrics, "mpreg_node_calls_repeated_total", "counter",
        "Calls of idempotent functions that another node got, since the first one failed.",
        stats->calls_repeated);
    admin_metrics_one(metrics, "mpreg_node_calls_held_total", "counter",
        "Calls that waited for a connection to a node that serves them.", stats->calls_held);
}

static void
serve_metrics(void *self, const struct admin_call *call)
{
    const struct admin_node *admin = self;
    struct node_stats stats = node_stats(admin->node);
    struct runtime_stats runtime = admin->admin.source.stats(admin->admin.source.owner);
    const struct catalog *catalog = member_catalog(node_member(admin->node));
    struct admin_metrics metrics = admin_metrics_begin(call->response);
    admin_metrics_process(&metrics, &admin->admin);
    admin_metrics_one(
        &metrics, "mpreg_ready", "gauge", "1 when /readyz says so.", node_ready(admin->node));
    admin_metrics_member(&metrics, &stats.member);
    add_functions(&metrics, &stats);
    admin_metrics_family(
        &metrics, "mpreg_prunes_total", "counter", "Advertisements that disappeared, by reason.");
    admin_metrics_reasons(&metrics, SPAN("cluster"), catalog_prunes(catalog));
    admin_metrics_family(&metrics, "mpreg_rejects_total", "counter",
        "Advertisements that were never let in, by reason.");
    admin_metrics_reasons(&metrics, SPAN("cluster"), stats.member.rejects);
    add_calls(&metrics, &stats);
    admin_metrics_one(&metrics, "mpreg_worker_restarts_total", "counter",
        "Restarts of exec workers.", runtime.worker_restarts);
    admin_metrics_memory(&metrics, stats.memory_used, stats.memory_peak);
}

static const struct admin_page pages[] = {
    { .path = "/healthz", .serve = admin_serve_health, .is_open = true },
    { .path = "/readyz", .serve = serve_ready, .is_open = true },
    { .path = "/metrics", .serve = serve_metrics },
    { .path = "/v1/status", .serve = serve_status },
};

void
admin_node_serve(void *owner, const struct http_request *request, struct http_response *response)
{
    const struct admin_node *admin = owner;
    admin_serve(&admin->admin, pages, COUNT_OF(pages), owner, request, response);
}
