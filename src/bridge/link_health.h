/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_health.h - how good a link has been: when it was up, how long a round trip takes, and how far the
 * far side's clock is from ours.
 *
 * Availability. A window is cut into LINK_HEALTH_SLOTS - 1 slots, and each keeps for how long the link was
 * up in it, so a link costs the same memory however often it comes and goes. The oldest slot lies only partly in
 * the window and counts in proportion: an answer is exact when nothing changed within that one slot,
 * and never wrong by more than it. A window longer than the bridge has run counts from its start.
 *
 * Round trips. Each counts in a histogram. The smoothed one is that of RFC 6298 (1/8 of the newest); the
 * first of a session replaces it, as the session may have taken another way. Its band is what routes are
 * chosen by: coarse, and left only when the smoothed round trip is a quarter beyond the border, so that a
 * link close to a border does not make routes come and go.
 *
 * Clock. PONG may bring the far side's clock. If both ways took the same time, it was read in the middle
 * of the round trip; the error is at most half of it. So of the last LINK_HEALTH_CLOCKS answers the
 * one with the shortest round trip is believed (NTP's clock filter, RFC 5905 section 10).
 */
#ifndef BRIDGE_LINK_HEALTH_H
#define BRIDGE_LINK_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/instant.h"

#define LINK_HEALTH_SLOTS  61u
#define LINK_HEALTH_CLOCKS 8u

/* Clocks that differ by more than this are worth a warning. */
#define LINK_CLOCK_OFFSET_MAX_NS (5 * SEC_NS)

/* Upper bounds of the round trip histogram's buckets, in microseconds; one more bucket is open. */
#define LINK_RTT_BUCKETS                                                                           \
    {                                                                                              \
        100, 250, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000,     \
            2000000                                                                                \
    }
#define LINK_RTT_BUCKET_COUNT 14u

enum link_window {
    LINK_WINDOW_5_MINUTES = 0,
    LINK_WINDOW_1_HOUR,
    LINK_WINDOW_24_HOURS,
};
#define LINK_WINDOW_COUNT 3u

/* Of the smoothed round trip; the lower the better. */
enum link_rtt_band {
    LINK_RTT_BELOW_2_MS = 0,
    LINK_RTT_BELOW_10_MS,
    LINK_RTT_BELOW_50_MS,
    LINK_RTT_BELOW_200_MS,
    LINK_RTT_MORE,
    LINK_RTT_UNKNOWN, /* no ping was ever answered */
};

/* For how long the link was up in each slot; slot n of time is at n % LINK_HEALTH_SLOTS. */
struct link_health_ring {
    uint64_t up_ns[LINK_HEALTH_SLOTS];
};

struct link_health_clock {
    uint64_t rtt_ns;
    int64_t offset_ns;
};

/* Zeroed is new. Open, because it is plain data; the functions below are what reads it. */
struct link_health {
    struct link_health_ring rings[LINK_WINDOW_COUNT];
    bool started;
    bool up;
    struct instant started_at;
    struct instant told_at; /* the rings are complete up to here */

    uint64_t rtt_buckets[LINK_RTT_BUCKET_COUNT + 1];
    uint64_t rtt_count;
    uint64_t rtt_sum_ns;
    uint64_t rtt_smoothed_ns; /* 0: none yet */
    enum link_rtt_band rtt_band;
    bool rtt_first_is_due; /* of the session */

    struct link_health_clock clocks[LINK_HEALTH_CLOCKS];
    uint64_t clock_count; /* of the session */
    bool clock_warned;
};

/* Whether the link is up, from `now` on. The first call starts the windows. Cheap when nothing has changed. */
void link_health_note_state(struct link_health *health, bool up, struct instant now);

/* A session begins, or goes on over another connection: perhaps with another bridge, another way, another clock. */
void link_health_note_session(struct link_health *health);

void link_health_note_round_trip(struct link_health *health, uint64_t rtt_ns);

/*
 * A PONG that came `now`, after rtt_ns, had read the far clock at `far`. Our own clock is taken to have run evenly
 * meanwhile; if it was set, later answers put it right.
 *
 * true: the clocks have come to differ by more than LINK_CLOCK_OFFSET_MAX_NS, and somebody should be told: once,
 * until they differ by less than half of that again.
 */
MUST_CHECK bool link_health_note_clock(
    struct link_health *health, struct wall far, uint64_t rtt_ns, struct wall now);

/* Millionths of the window in which the link was up, rounded down. Of no time at all: 0 or all. */
uint32_t link_health_availability_ppm(
    const struct link_health *health, enum link_window window, struct instant now);

/* true: *offset_ns is how far the far side's clock is ahead of ours, and behind if negative. */
bool link_health_clock_offset(const struct link_health *health, int64_t *offset_ns);

enum link_rtt_band link_health_rtt_band(const struct link_health *health);

/* "5m", "1h", "24h" */
const char *link_window_name(enum link_window window);
uint64_t link_window_ns(enum link_window window);

/* "<2ms" */
const char *link_rtt_band_name(enum link_rtt_band band);

#endif
