/* SPDX-License-Identifier: Apache-2.0 */
/* admin_link_health.c - availability, round trips and clocks of links, for operators. */
#include "host/admin_link_health.h"

#include <assert.h>

#define PPM 1e6

static const uint32_t rtt_bounds_us[] = LINK_RTT_BUCKETS;
static_assert(COUNT_OF(rtt_bounds_us) == LINK_RTT_BUCKET_COUNT, "one bound a bucket");

/* ---- JSON ---- */

static json_t *
describe_availability(const struct link_health *health, struct instant now)
{
    json_t *json = json_object();
    for (uint32_t i = 0; i < LINK_WINDOW_COUNT; i++) {
        enum link_window window = (enum link_window)i;
        uint32_t ppm = link_health_availability_ppm(health, window, now);
        (void)json_object_set_new(json, link_window_name(window), json_real(ppm / PPM));
    }
    return json;
}

json_t *
admin_link_health_describe(const struct link_health *health, struct now now)
{
    int64_t offset_ns = 0;
    bool measured = health->rtt_count > 0;
    bool has_clock = link_health_clock_offset(health, &offset_ns);
    return json_pack("{s:o,s:o,s:s,s:o,s:o}", "availability",
        describe_availability(health, now.mono), "rtt_smoothed_seconds",
        measured ? admin_seconds(health->rtt_smoothed_ns) : json_null(), "rtt_band",
        link_rtt_band_name(link_health_rtt_band(health)), "rtt_samples",
        admin_u64(health->rtt_count), "clock_offset_seconds",
        has_clock ? json_real((double)offset_ns / (double)SEC_NS) : json_null());
}

/* ---- Metrics ---- */

static struct admin_labels
of_link(const struct bridge_link_stats *link)
{
    return ADMIN_LABELS({ "link", link->name });
}

static void
add_availability(
    struct admin_metrics *metrics, const struct bridge_link_stats *link, struct instant now)
{
    for (uint32_t i = 0; i < LINK_WINDOW_COUNT; i++) {
        enum link_window window = (enum link_window)i;
        admin_metrics_ratio(metrics,
            ADMIN_LABELS(
                { "link", link->name }, { "window", span_from_text(link_window_name(window)) }),
            link_health_availability_ppm(&link->session->health, window, now));
    }
}

static void
add_round_trips(struct admin_metrics *metrics, const struct bridge_link_stats *link)
{
    const struct link_health *health = &link->session->health;
    const struct admin_histogram histogram = {
        .bounds_us = rtt_bounds_us,
        .counts = health->rtt_buckets,
        .bound_count = LINK_RTT_BUCKET_COUNT,
        .sum_ns = health->rtt_sum_ns,
    };
    admin_metrics_histogram(metrics, of_link(link), &histogram);
}

void
admin_link_health_add_metrics(struct admin_metrics *metrics, const struct bridge_link_stats *links,
    uint32_t link_count, struct now now)
{
    admin_metrics_family(metrics, "mpreg_link_availability_ratio", "gauge",
        "Share of the window's time in which the link was up.");
    for (uint32_t i = 0; i < link_count; i++) {
        add_availability(metrics, &links[i], now.mono);
    }
    admin_metrics_family(
        metrics, "mpreg_link_rtt_seconds", "histogram", "How long pings took to be answered.");
    for (uint32_t i = 0; i < link_count; i++) {
        add_round_trips(metrics, &links[i]);
    }
    admin_metrics_family(metrics, "mpreg_link_rtt_smoothed_seconds", "gauge",
        "Round trip, smoothed as by RFC 6298.");
    for (uint32_t i = 0; i < link_count; i++) {
        if (links[i].session->health.rtt_count > 0) {
            admin_metrics_seconds(
                metrics, of_link(&links[i]), (int64_t)links[i].session->health.rtt_smoothed_ns);
        }
    }
    admin_metrics_family(metrics, "mpreg_link_clock_offset_seconds", "gauge",
        "How far the far bridge's clock is ahead of ours.");
    for (uint32_t i = 0; i < link_count; i++) {
        int64_t offset_ns = 0;
        if (link_health_clock_offset(&links[i].session->health, &offset_ns)) {
            admin_metrics_seconds(metrics, of_link(&links[i]), offset_ns);
        }
    }
}
