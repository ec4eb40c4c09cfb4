/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_metrics.c - how a sample is written, and what both programs count.
 */
#include "host/admin_metrics.h"

#include <string.h>

#include "host/build_info.h"

#define FRACTION_DIGITS 9

struct admin_metrics
admin_metrics_begin(struct http_response *response)
{
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return (struct admin_metrics){ .out = response->body };
}

void
admin_metrics_family(
    struct admin_metrics *metrics, const char *name, const char *type, const char *help)
{
    struct buf *out = metrics->out;
    metrics->family = name;
    buf_add_text(out, "# HELP ");
    buf_add_text(out, name);
    buf_add_u8(out, ' ');
    buf_add_text(out, help);
    buf_add_text(out, "\n# TYPE ");
    buf_add_text(out, name);
    buf_add_u8(out, ' ');
    buf_add_text(out, type);
    buf_add_u8(out, '\n');
}

static void
add_label_value(struct buf *out, struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        if (byte == '\n') {
            buf_add_text(out, "\\n");
            continue;
        }
        if (byte == '"' || byte == '\\') {
            buf_add_u8(out, '\\');
        }
        buf_add_u8(out, byte);
    }
}

static void
add_labels(struct buf *out, const struct admin_labels *labels)
{
    for (size_t i = 0; i < ADMIN_METRICS_LABELS_MAX && labels->list[i].name != NULL; i++) {
        buf_add_u8(out, i == 0 ? '{' : ',');
        buf_add_text(out, labels->list[i].name);
        buf_add_text(out, "=\"");
        add_label_value(out, labels->list[i].value);
        buf_add_u8(out, '"');
    }
    if (labels->list[0].name != NULL) {
        buf_add_u8(out, '}');
    }
}

static void
begin_sample(struct admin_metrics *metrics, const char *suffix, const struct admin_labels *labels)
{
    CHECK(metrics->family != NULL);
    buf_add_text(metrics->out, metrics->family);
    buf_add_text(metrics->out, suffix);
    add_labels(metrics->out, labels);
    buf_add_u8(metrics->out, ' ');
}

/* Seconds from nanoseconds, and whatever else is counted in parts of a thousand million. */
static void
add_billionths(struct buf *out, uint64_t count_of_parts)
{
    uint8_t digits[FRACTION_DIGITS];
    uint64_t fraction = count_of_parts % SEC_NS;
    size_t count = 0;
    buf_add_decimal(out, count_of_parts / SEC_NS);
    for (size_t i = FRACTION_DIGITS; i > 0; i--) {
        digits[i - 1] = (uint8_t)('0' + fraction % 10);
        count = count == 0 && fraction % 10 != 0 ? i : count;
        fraction /= 10;
    }
    if (count > 0) {
        buf_add_u8(out, '.');
        buf_add(out, span_from(digits, count));
    }
}

void
admin_metrics_sample(struct admin_metrics *metrics, struct admin_labels labels, uint64_t value)
{
    begin_sample(metrics, "", &labels);
    buf_add_decimal(metrics->out, value);
    buf_add_u8(metrics->out, '\n');
}

void
admin_metrics_seconds(struct admin_metrics *metrics, struct admin_labels labels, int64_t ns)
{
    begin_sample(metrics, "", &labels);
    if (ns < 0) {
        buf_add_u8(metrics->out, '-');
    }
    add_billionths(metrics->out, ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns);
    buf_add_u8(metrics->out, '\n');
}

void
admin_metrics_ratio(struct admin_metrics *metrics, struct admin_labels labels, uint32_t ppm)
{
    begin_sample(metrics, "", &labels);
    add_billionths(metrics->out, (uint64_t)ppm * 1000);
    buf_add_u8(metrics->out, '\n');
}

void
admin_metrics_one(struct admin_metrics *metrics, const char *name, const char *type,
    const char *help, uint64_t value)
{
    admin_metrics_family(metrics, name, type, help);
    admin_metrics_sample(metrics, ADMIN_NO_LABELS, value);
}

/* ---- Histograms ---- */

/* "0.0005" */
static struct span
write_bound(struct buf *scratch, uint32_t bound_us)
{
    buf_reset(scratch);
    add_billionths(scratch, bound_us * US_NS);
    return buf_span(scratch);
}

static void
add_bucket(
    struct admin_metrics *metrics, struct admin_labels labels, struct span bound, uint64_t count)
{
    size_t last = 0;
    while (labels.list[last].name != NULL) {
        last++;
    }
    CHECK(last < ADMIN_METRICS_LABELS_MAX);
    labels.list[last] = (struct admin_label){ "le", bound };
    begin_sample(metrics, "_bucket", &labels);
    buf_add_decimal(metrics->out, count);
    buf_add_u8(metrics->out, '\n');
}

void
admin_metrics_histogram(struct admin_metrics *metrics, struct admin_labels labels,
    const struct admin_histogram *histogram)
{
    struct mem mem;
    struct buf scratch;
    uint64_t count = 0;
    mem_init(&mem, 1024);
    buf_init(&scratch, &mem, 64);
    CHECK(labels.list[ADMIN_METRICS_LABELS_MAX - 1].name == NULL);
    for (uint32_t i = 0; i < histogram->bound_count; i++) {
        count += histogram->counts[i];
        add_bucket(metrics, labels, write_bound(&scratch, histogram->bounds_us[i]), count);
    }
    count += histogram->counts[histogram->bound_count];
    add_bucket(metrics, labels, SPAN("+Inf"), count);
    begin_sample(metrics, "_sum", &labels);
    add_billionths(metrics->out, histogram->sum_ns);
    buf_add_u8(metrics->out, '\n');
    begin_sample(metrics, "_count", &labels);
    buf_add_decimal(metrics->out, count);
    buf_add_u8(metrics->out, '\n');
    buf_destroy(&scratch);
}

/* ---- What both programs count ---- */

void
admin_metrics_reasons(struct admin_metrics *metrics, struct span port, const uint64_t *counts)
{
    for (uint32_t i = 0; i < PRUNE_REASON_COUNT; i++) {
        if (counts[i] > 0) {
            admin_metrics_sample(metrics,
                ADMIN_LABELS({ "port", port },
                    { "reason", span_from_text(prune_reason_name((enum prune_reason)i)) }),
                counts[i]);
        }
    }
}

static void
add_traffic(struct admin_metrics *metrics, const struct ws_counters *ws)
{
    const struct admin_labels in = ADMIN_LABELS({ "direction", SPAN("in") });
    const struct admin_labels out = ADMIN_LABELS({ "direction", SPAN("out") });
    admin_metrics_family(
        metrics, "mpreg_messages_total", "counter", "Messages on connections of the cluster.");
    admin_metrics_sample(metrics, in, ws->messages_received);
    admin_metrics_sample(metrics, out, ws->messages_sent);
    admin_metrics_family(
        metrics, "mpreg_message_bytes_total", "counter", "Bytes on connections of the cluster.");
    admin_metrics_sample(metrics, in, ws->bytes_received);
    admin_metrics_sample(metrics, out, ws->bytes_sent);
    admin_metrics_one(metrics, "mpreg_connections_turned_away_total", "counter",
        "Connections closed at the door: too many, or no memory.", ws->connections_turned_away);
}

void
admin_metrics_process(struct admin_metrics *metrics, const struct admin *admin)
{
    struct runtime_stats stats = admin->source.stats(admin->source.owner);
    admin_metrics_family(metrics, "mpreg_build_info", "gauge", "Always 1: what is running.");
    admin_metrics_sample(metrics,
        ADMIN_LABELS(
            { "program", span_from_text(admin->program) }, { "version", SPAN(BUILD_INFO_VERSION) }),
        1);
    admin_metrics_family(
        metrics, "process_start_time_seconds", "gauge", "When the process started, in Unix time.");
    admin_metrics_seconds(metrics, ADMIN_NO_LABELS, admin->started.wall.ns);
    admin_metrics_one(metrics, "mpreg_events_total", "counter",
        "Events that the engine has handled.", stats.events);
    add_traffic(metrics, &stats.ws);
}

void
admin_metrics_member(struct admin_metrics *metrics, const struct member_stats *stats)
{
    admin_metrics_family(
        metrics, "mpreg_peers", "gauge", "Connections of the cluster port, by state.");
    for (uint32_t i = 0; i < PEER_STATE_COUNT; i++) {
        struct span state = span_from_text(peer_state_name((enum peer_state)i));
        admin_metrics_sample(
            metrics, ADMIN_LABELS({ "state", state }), stats->connections_by_state[i]);
    }
    admin_metrics_family(metrics, "mpreg_isolation_rejects_total", "counter",
        "Messages and connections that isolation has refused.");
    for (uint32_t i = 0; i < ISOLATION_REASON_COUNT; i++) {
        struct span reason = span_from_text(isolation_reason_name((enum isolation_reason)i));
        if (isolation_is_breach((enum isolation_reason)i)) {
            admin_metrics_sample(metrics, ADMIN_LABELS({ "reason", reason }), stats->isolation[i]);
        }
    }
    admin_metrics_family(metrics, "mpreg_outdated_total", "counter",
        "What ordinary nodes said of a life that was over: not let in, and no breach.");
    admin_metrics_sample(
        metrics, ADMIN_LABELS({ "what", SPAN("status") }), stats->outdated_statuses);
    admin_metrics_sample(
        metrics, ADMIN_LABELS({ "what", SPAN("own_entry") }), stats->outdated_own_entries);
    admin_metrics_one(metrics, "mpreg_malformed_messages_total", "counter",
        "Messages that closed their connection.", stats->malformed);
    admin_metrics_one(metrics, "mpreg_actions_lost_total", "counter",
        "Actions that memory did not allow.", stats->actions_lost);
}

void
admin_metrics_memory(struct admin_metrics *metrics, size_t used, size_t peak)
{
    admin_metrics_one(metrics, "mpreg_memory_used_bytes", "gauge",
        "Memory of the engine's tables and calls.", used);
    admin_metrics_one(metrics, "mpreg_memory_peak_bytes", "gauge",
        "The most memory that the engine has used.", peak);
}
