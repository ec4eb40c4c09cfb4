/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_metrics.h - the Prometheus text format 0.0.4, and the metrics both programs have
 * (docs/metrics.md).
 *
 * A family is announced once, then its samples follow. Values are exact: no floating point.
 */
#ifndef HOST_ADMIN_METRICS_H
#define HOST_ADMIN_METRICS_H

#include "base/buf.h"
#include "core/member.h"
#include "core/prune.h"
#include "host/admin.h"

#define ADMIN_METRICS_LABELS_MAX 4

struct admin_metrics {
    struct buf *out;
    const char *family;
};

struct admin_label {
    const char *name;
    struct span value;
};

/* The labels of one sample; the first without a name ends them. */
struct admin_labels {
    struct admin_label list[ADMIN_METRICS_LABELS_MAX];
};

#define ADMIN_LABELS(...) ((struct admin_labels){ { __VA_ARGS__ } })
#define ADMIN_NO_LABELS   ((struct admin_labels){ { { NULL, { NULL, 0 } } } })

/* Begins the answer. */
struct admin_metrics admin_metrics_begin(struct http_response *response);

/* "counter", "gauge" or "histogram". */
void admin_metrics_family(
    struct admin_metrics *metrics, const char *name, const char *type, const char *help);

void admin_metrics_sample(
    struct admin_metrics *metrics, struct admin_labels labels, uint64_t value);

/* Nanoseconds, written as seconds. */
void admin_metrics_seconds(struct admin_metrics *metrics, struct admin_labels labels, int64_t ns);

/* Millionths, written as a number from 0 to 1. */
void admin_metrics_ratio(struct admin_metrics *metrics, struct admin_labels labels, uint32_t ppm);

/* A family of one sample without labels. */
void admin_metrics_one(struct admin_metrics *metrics, const char *name, const char *type,
    const char *help, uint64_t value);

/*
 * The buckets of a histogram in seconds: `counts` has one more entry than `bounds_us`, and they are not
 * yet summed up. `labels` leaves one free for `le`.
 */
struct admin_histogram {
    const uint32_t *bounds_us;
    const uint64_t *counts;
    uint32_t bound_count;
    uint64_t sum_ns;
};
void admin_metrics_histogram(struct admin_metrics *metrics, struct admin_labels labels,
    const struct admin_histogram *histogram);

/* One sample for each reason that has ever been, labelled port and reason. */
void admin_metrics_reasons(struct admin_metrics *metrics, struct span port, const uint64_t *counts);

/* mpreg_build_info, process_start_time_seconds, the runtime's and the member's counts. */
void admin_metrics_process(struct admin_metrics *metrics, const struct admin *admin);
void admin_metrics_member(struct admin_metrics *metrics, const struct member_stats *stats);
void admin_metrics_memory(struct admin_metrics *metrics, size_t used, size_t peak);

#endif
