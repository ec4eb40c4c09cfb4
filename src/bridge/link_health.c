/* SPDX-License-Identifier: Apache-2.0 */
/* link_health.c - the sums behind link_health.h. */
#include "bridge/link_health.h"

#include <assert.h>

#define MINUTE_NS (60 * SEC_NS)
#define PPM       UINT64_C(1000000)

/* RFC 6298: alpha is 1/8. */
#define SMOOTHING 8

static const uint64_t rtt_bounds_us[] = LINK_RTT_BUCKETS;
static_assert(COUNT_OF(rtt_bounds_us) == LINK_RTT_BUCKET_COUNT, "one bound a bucket");

/* Where a band ends. */
static const uint64_t band_borders_ns[] = { 2 * MS_NS, 10 * MS_NS, 50 * MS_NS, 200 * MS_NS };
static_assert(COUNT_OF(band_borders_ns) == LINK_RTT_MORE, "the last band has no border");

/* ---- Availability ---- */

uint64_t
link_window_ns(enum link_window window)
{
    switch (window) {
    case LINK_WINDOW_5_MINUTES:
        return 5 * MINUTE_NS;
    case LINK_WINDOW_1_HOUR:
        return 60 * MINUTE_NS;
    case LINK_WINDOW_24_HOURS:
        return 24 * 60 * MINUTE_NS;
    }
    return 0;
}

/* One slot more than the window has: the newest and the oldest lie in it only partly. */
static uint64_t
slot_ns(uint32_t window)
{
    return link_window_ns((enum link_window)window) / (LINK_HEALTH_SLOTS - 1);
}

static uint64_t
later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The time from `from` to `to` into the slots that it lies in; those that begin in it are emptied first. */
static void
fill(struct link_health_ring *ring, uint64_t width_ns, struct instant from, struct instant to,
    bool up)
{
    uint64_t first = from.ns / width_ns;
    uint64_t last = to.ns / width_ns;
    /* What is older than the ring is out of every window. */
    uint64_t slot = last - first < LINK_HEALTH_SLOTS ? first : last - LINK_HEALTH_SLOTS + 1;
    for (; slot <= last; slot++) {
        uint64_t *up_ns = &ring->up_ns[slot % LINK_HEALTH_SLOTS];
        uint64_t begin_ns = later(from.ns, slot * width_ns);
        uint64_t end_ns = earlier(to.ns, (slot + 1) * width_ns);
        uint64_t before_ns = slot == first ? *up_ns : 0;
        *up_ns = before_ns + (up ? end_ns - begin_ns : 0);
        CHECK(*up_ns <= width_ns);
    }
}

void
link_health_note_state(struct link_health *health, bool up, struct instant now)
{
    if (!health->started) {
        health->started = true;
        health->started_at = now;
        health->told_at = now;
        health->up = up;
    }
    if (up == health->up) {
        return;
    }
    for (uint32_t i = 0; i < LINK_WINDOW_COUNT; i++) {
        fill(&health->rings[i], slot_ns(i), health->told_at, now, health->up);
    }
    health->told_at = now;
    health->up = up;
}

/* What the slot, which tells of the time from `since` to `end`, has to say of that from `begin` to `end`. */
static uint64_t
share_of_oldest(uint64_t up_ns, uint64_t since_ns, uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t told_us = (end_ns - since_ns) / US_NS;
    uint64_t wanted_us = (end_ns - begin_ns) / US_NS;
    if (wanted_us == told_us) {
        return up_ns;
    }
    /* Microseconds, as the product of two slots of nanoseconds has more than 64 bits. */
    return up_ns / US_NS * wanted_us / told_us * US_NS;
}

uint32_t
link_health_availability_ppm(
    const struct link_health *health, enum link_window window, struct instant now)
{
    uint64_t width_ns = slot_ns(window);
    uint64_t window_ns = link_window_ns(window);
    uint64_t opens_ns = now.ns > window_ns ? now.ns - window_ns : 0;
    uint64_t begin_ns = later(opens_ns, health->started_at.ns);
    if (!health->started || now.ns < begin_ns + US_NS) {
        return health->up ? (uint32_t)PPM : 0;
    }
    struct link_health_ring ring = health->rings[window];
    fill(&ring, width_ns, health->told_at, now, health->up);
    uint64_t oldest = begin_ns / width_ns;
    uint64_t since_ns = later(oldest * width_ns, health->started_at.ns);
    uint64_t end_ns = earlier(now.ns, (oldest + 1) * width_ns);
    uint64_t up_ns =
        share_of_oldest(ring.up_ns[oldest % LINK_HEALTH_SLOTS], since_ns, begin_ns, end_ns);
    for (uint64_t slot = oldest + 1; slot <= now.ns / width_ns; slot++) {
        up_ns += ring.up_ns[slot % LINK_HEALTH_SLOTS];
    }
    /* Whole microseconds: a day of nanoseconds in millionths would need more than 64 bits. */
    uint64_t total_us = (now.ns - begin_ns) / US_NS;
    return (uint32_t)(earlier(up_ns / US_NS, total_us) * PPM / total_us);
}

const char *
link_window_name(enum link_window window)
{
    switch (window) {
    case LINK_WINDOW_5_MINUTES:
        return "5m";
    case LINK_WINDOW_1_HOUR:
        return "1h";
    case LINK_WINDOW_24_HOURS:
        return "24h";
    }
    return "unknown";
}

/* ---- Round trips ---- */

void
link_health_note_session(struct link_health *health)
{
    health->rtt_first_is_due = true;
    health->clock_count = 0;
}

/* The band of `rtt_ns` when it was `before`: beyond a border by a quarter, or it stays. */
static enum link_rtt_band
next_band(enum link_rtt_band before, uint64_t rtt_ns)
{
    uint32_t band = 0;
    while (band < LINK_RTT_MORE && rtt_ns >= band_borders_ns[band]) {
        band++;
    }
    if (before == LINK_RTT_UNKNOWN) {
        return (enum link_rtt_band)band;
    }
    uint32_t worse = before;
    while (worse < band && rtt_ns >= band_borders_ns[worse] / 4 * 5) {
        worse++;
    }
    uint32_t better = before;
    while (better > band && rtt_ns < band_borders_ns[better - 1] / 4 * 3) {
        better--;
    }
    return (enum link_rtt_band)(band > before ? worse : better);
}

void
link_health_note_round_trip(struct link_health *health, uint64_t rtt_ns)
{
    enum link_rtt_band before = link_health_rtt_band(health);
    uint32_t bucket = 0;
    while (bucket < LINK_RTT_BUCKET_COUNT && rtt_ns > rtt_bounds_us[bucket] * US_NS) {
        bucket++;
    }
    health->rtt_buckets[bucket]++;
    health->rtt_sum_ns += rtt_ns;
    if (health->rtt_count == 0 || health->rtt_first_is_due) {
        health->rtt_smoothed_ns = rtt_ns;
    } else {
        health->rtt_smoothed_ns -= health->rtt_smoothed_ns / SMOOTHING;
        health->rtt_smoothed_ns += rtt_ns / SMOOTHING;
    }
    health->rtt_count++;
    health->rtt_first_is_due = false;
    health->rtt_band = next_band(before, health->rtt_smoothed_ns);
}

enum link_rtt_band
link_health_rtt_band(const struct link_health *health)
{
    return health->rtt_count == 0 ? LINK_RTT_UNKNOWN : health->rtt_band;
}

const char *
link_rtt_band_name(enum link_rtt_band band)
{
    switch (band) {
    case LINK_RTT_BELOW_2_MS:
        return "<2ms";
    case LINK_RTT_BELOW_10_MS:
        return "<10ms";
    case LINK_RTT_BELOW_50_MS:
        return "<50ms";
    case LINK_RTT_BELOW_200_MS:
        return "<200ms";
    case LINK_RTT_MORE:
        return ">=200ms";
    case LINK_RTT_UNKNOWN:
        return "unknown";
    }
    return "unknown";
}

/* ---- The far clock ---- */

/* a - b, or the nearest that can be told; never INT64_MIN, so that its sign can be changed. */
static int64_t
difference(int64_t a, int64_t b)
{
    if (b < 0 && a > INT64_MAX + b) {
        return INT64_MAX;
    }
    if (b > 0 && a < -INT64_MAX + b) {
        return -INT64_MAX;
    }
    return a - b == INT64_MIN ? -INT64_MAX : a - b;
}

static uint64_t
size_of_offset(int64_t offset_ns)
{
    return offset_ns < 0 ? (uint64_t)-offset_ns : (uint64_t)offset_ns;
}

bool
link_health_note_clock(
    struct link_health *health, struct wall far, uint64_t rtt_ns, struct wall now)
{
    int64_t half_ns = rtt_ns / 2 < (uint64_t)INT64_MAX ? (int64_t)(rtt_ns / 2) : INT64_MAX;
    int64_t offset_ns = 0;
    health->clocks[health->clock_count % LINK_HEALTH_CLOCKS] = (struct link_health_clock){
        .rtt_ns = rtt_ns,
        .offset_ns = difference(far.ns, difference(now.ns, half_ns)),
    };
    health->clock_count++;
    CHECK(link_health_clock_offset(health, &offset_ns));
    uint64_t size_ns = size_of_offset(offset_ns);
    bool due = size_ns > LINK_CLOCK_OFFSET_MAX_NS && !health->clock_warned;
    if (due) {
        health->clock_warned = true;
    } else if (size_ns < LINK_CLOCK_OFFSET_MAX_NS / 2) {
        health->clock_warned = false;
    }
    return due;
}

bool
link_health_clock_offset(const struct link_health *health, int64_t *offset_ns)
{
    uint64_t count = earlier(health->clock_count, LINK_HEALTH_CLOCKS);
    uint64_t least_ns = UINT64_MAX;
    for (uint64_t i = 0; i < count; i++) {
        if (health->clocks[i].rtt_ns <= least_ns) {
            least_ns = health->clocks[i].rtt_ns;
            *offset_ns = health->clocks[i].offset_ns;
        }
    }
    return count > 0;
}
