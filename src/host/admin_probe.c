/* SPDX-License-Identifier: Apache-2.0 */
/* admin_probe.c - the results of probes, for operators: named as users of Prometheus' blackbox exporter know them. */
#include "host/admin_probe.h"

/* ---- JSON ---- */

static const char *
result_at(uint32_t index)
{
    return probe_result_name((enum probe_result)index);
}

static json_t *
describe(const struct probe_config *config, const struct probe *probe, struct now now)
{
    bool known = probe_count(probe) > 0;
    return json_pack("{s:o,s:b,s:o,s:o,s:o,s:o}", "function", admin_text(config->function),
        "failing", probe->failing, "result",
        known ? json_string(probe_result_name(probe->last)) : json_null(), "seconds",
        known ? admin_seconds(probe->last_ns) : json_null(), "seconds_ago",
        known ? admin_seconds(instant_between(probe->ended_at, now.mono)) : json_null(), "results",
        admin_counts(probe->results, PROBE_RESULT_COUNT, result_at));
}

json_t *
admin_probe_describe(const struct bridge_link_stats *link, struct now now)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < link->probe_count; i++) {
        (void)json_array_append_new(list, describe(&link->probe_configs[i], &link->probes[i], now));
    }
    return list;
}

/* ---- Metrics ---- */

static struct admin_labels
labels_of(const struct bridge_link_stats *link, uint32_t index)
{
    return ADMIN_LABELS(
        { "link", link->name }, { "function", link->probe_configs[index].function });
}

static void
add_results(struct admin_metrics *metrics, const struct bridge_link_stats *link)
{
    for (uint32_t i = 0; i < link->probe_count * PROBE_RESULT_COUNT; i++) {
        uint32_t index = i / PROBE_RESULT_COUNT;
        uint32_t result = i % PROBE_RESULT_COUNT;
        admin_metrics_sample(metrics,
            ADMIN_LABELS({ "link", link->name },
                { "function", link->probe_configs[index].function },
                { "result", span_from_text(result_at(result)) }),
            link->probes[index].results[result]);
    }
}

static void
add_successes(struct admin_metrics *metrics, const struct bridge_link_stats *link)
{
    for (uint32_t i = 0; i < link->probe_count; i++) {
        bool success = probe_count(&link->probes[i]) > 0 && link->probes[i].last == PROBE_OK;
        admin_metrics_sample(metrics, labels_of(link, i), success);
    }
}

static void
add_seconds(struct admin_metrics *metrics, const struct bridge_link_stats *link)
{
    for (uint32_t i = 0; i < link->probe_count; i++) {
        if (probe_count(&link->probes[i]) > 0) {
            admin_metrics_seconds(metrics, labels_of(link, i), (int64_t)link->probes[i].last_ns);
        }
    }
}

void
admin_probe_add_metrics(
    struct admin_metrics *metrics, const struct bridge_link_stats *links, uint32_t link_count)
{
    admin_metrics_family(metrics, "mpreg_probe_success", "gauge",
        "1 when the last probe of a function was answered.");
    for (uint32_t i = 0; i < link_count; i++) {
        add_successes(metrics, &links[i]);
    }
    admin_metrics_family(
        metrics, "mpreg_probe_seconds", "gauge", "How long the last probe took, also in vain.");
    for (uint32_t i = 0; i < link_count; i++) {
        add_seconds(metrics, &links[i]);
    }
    admin_metrics_family(metrics, "mpreg_probes_total", "counter", "Probes, by their results.");
    for (uint32_t i = 0; i < link_count; i++) {
        add_results(metrics, &links[i]);
    }
    admin_metrics_family(metrics, "mpreg_link_doubted", "gauge",
        "1 while a probe fails: other links that bring the same are preferred.");
    for (uint32_t i = 0; i < link_count; i++) {
        admin_metrics_sample(
            metrics, ADMIN_LABELS({ "link", links[i].name }), links[i].doubted ? 1 : 0);
    }
}
