/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_link_health.c - availability is what a list of all changes says, within one slot; a band is never
 * far from the round trip, and round trips about a border do not make it come and go; of clocks whose
 * difference does not change, the offset is wrong by half of the shortest round trip at most.
 */
#include "base/prng.h"
#include "bridge/link_health.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define CHANGES_MAX 400u

/* Every change there was. */
struct plain_history {
    struct instant at[CHANGES_MAX];
    bool up[CHANGES_MAX];
    uint32_t count;
};

static uint64_t
plain_ppm(const struct plain_history *plain, uint64_t window_ns, struct instant now)
{
    uint64_t opens_ns = now.ns > window_ns ? now.ns - window_ns : 0;
    uint64_t begin_ns = opens_ns > plain->at[0].ns ? opens_ns : plain->at[0].ns;
    uint64_t up_ns = 0;
    for (uint32_t i = 0; i < plain->count; i++) {
        uint64_t from_ns = plain->at[i].ns > begin_ns ? plain->at[i].ns : begin_ns;
        uint64_t to_ns = i + 1 < plain->count ? plain->at[i + 1].ns : now.ns;
        up_ns += plain->up[i] && to_ns > from_ns ? to_ns - from_ns : 0;
    }
    uint64_t total_us = (now.ns - begin_ns) / US_NS;
    return total_us == 0 ? UINT64_MAX : up_ns / US_NS * UINT64_C(1000000) / total_us;
}

/* Milliseconds, minutes and days. */
static uint64_t
draw_pause_ns(struct prng *prng, uint32_t bits)
{
    return prng_next(prng) >> (64 - bits + prng_below(prng, 20));
}

static bool
agrees(const struct link_health *health, const struct plain_history *plain, struct instant now)
{
    for (uint32_t i = 0; i < LINK_WINDOW_COUNT; i++) {
        enum link_window window = (enum link_window)i;
        uint64_t window_ns = link_window_ns(window);
        uint64_t want = plain_ppm(plain, window_ns, now);
        uint64_t got = link_health_availability_ppm(health, window, now);
        /* Until the window is full there is no slot that lies in it partly. */
        bool partial = instant_between(plain->at[0], now) > window_ns;
        uint64_t slack = 2 + (partial ? 1000000 / (LINK_HEALTH_SLOTS - 1) : 0);
        if (want != UINT64_MAX && (got + slack < want || got > want + slack || got > 1000000)) {
            return false;
        }
    }
    return true;
}

static bool
availability_is_what_all_changes_say(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct link_health health = { 0 };
    struct plain_history plain = { .count = 0 };
    struct instant now = { prng_next(&prng) >> 20 };
    uint32_t bits = 34 + (uint32_t)prng_below(&prng, 14);
    for (uint32_t i = 0; i < CHANGES_MAX; i++) {
        bool up = prng_chance(&prng, 500);
        link_health_note_state(&health, up, now);
        plain.at[plain.count] = now;
        plain.up[plain.count] = up;
        plain.count++;
        now = instant_after(now, draw_pause_ns(&prng, bits));
        if (!agrees(&health, &plain, now)) {
            return false;
        }
    }
    return true;
}

static const uint64_t borders_ns[] = { 2 * MS_NS, 10 * MS_NS, 50 * MS_NS, 200 * MS_NS };

/* Whether a smoothed round trip may be in the band: between its borders, and a quarter beyond. */
static bool
belongs(enum link_rtt_band band, uint64_t rtt_ns)
{
    bool not_too_long = band == LINK_RTT_MORE || rtt_ns < borders_ns[band] / 4 * 5;
    bool not_too_short = band == LINK_RTT_BELOW_2_MS || rtt_ns >= borders_ns[band - 1] / 4 * 3;
    return not_too_long && not_too_short;
}

static bool
band_is_never_far_from_the_round_trip(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct link_health health = { 0 };
    for (uint32_t i = 0; i < CHANGES_MAX; i++) {
        if (prng_chance(&prng, 100)) {
            link_health_note_session(&health);
        }
        link_health_note_round_trip(&health, prng_next(&prng) >> (34 + prng_below(&prng, 20)));
        if (!belongs(link_health_rtt_band(&health), health.rtt_smoothed_ns)) {
            return false;
        }
    }
    return true;
}

static bool
round_trips_about_a_border_do_not_make_it_flap(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct link_health health = { 0 };
    uint64_t border_ns = borders_ns[prng_below(&prng, COUNT_OF(borders_ns))];
    link_health_note_round_trip(&health, border_ns);
    enum link_rtt_band band = link_health_rtt_band(&health);
    for (uint32_t i = 0; i < CHANGES_MAX; i++) {
        uint64_t rtt_ns = border_ns * 4 / 5 + prng_below(&prng, border_ns * 2 / 5);
        link_health_note_round_trip(&health, rtt_ns);
        if (link_health_rtt_band(&health) != band) {
            return false;
        }
    }
    return true;
}

static bool
offset_is_as_good_as_the_shortest_round_trip(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct link_health health = { 0 };
    int64_t ahead_ns = (int64_t)prng_next(&prng) / 4;
    uint64_t rtts_ns[CHANGES_MAX];
    for (uint32_t i = 0; i < CHANGES_MAX; i++) {
        uint64_t there_ns = prng_below(&prng, SEC_NS);
        uint64_t back_ns = prng_below(&prng, SEC_NS);
        struct wall asked = { .ns = (int64_t)prng_next(&prng) / 4 };
        struct wall far = { .ns = asked.ns + (int64_t)there_ns + ahead_ns };
        rtts_ns[i] = there_ns + back_ns;
        bool warned = health.clock_warned;
        bool due = link_health_note_clock(&health, far, rtts_ns[i], wall_after(asked, rtts_ns[i]));
        uint64_t shortest_ns = UINT64_MAX;
        for (uint32_t j = i < LINK_HEALTH_CLOCKS ? 0 : i - LINK_HEALTH_CLOCKS + 1; j <= i; j++) {
            shortest_ns = rtts_ns[j] < shortest_ns ? rtts_ns[j] : shortest_ns;
        }
        int64_t offset_ns = 0;
        int64_t slack_ns = (int64_t)(shortest_ns / 2) + 1;
        if (!link_health_clock_offset(&health, &offset_ns) || offset_ns < ahead_ns - slack_ns ||
            offset_ns > ahead_ns + slack_ns || (due && warned)) {
            return false;
        }
    }
    return true;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "availability is what all changes say", availability_is_what_all_changes_say },
        { "a band is never far from the round trip", band_is_never_far_from_the_round_trip },
        { "round trips about a border do not make it flap",
            round_trips_about_a_border_do_not_make_it_flap },
        { "the offset is as good as the shortest round trip",
            offset_is_as_good_as_the_shortest_round_trip },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), 100);
}
