/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_health.c - availability, round trips and clocks of a link, by hand. */
#include <check.h>
#include <stdlib.h>

#include "bridge/link_health.h"
#include "tests/support/check_failed.h"

#define MINUTE_NS (60 * SEC_NS)
#define HOUR_NS   (60 * MINUTE_NS)

static struct link_health health;
static struct now now;

static void
setup(void)
{
    health = (struct link_health){ 0 };
    /* Where a slot of every window begins, so that what is asked for is exact. */
    now = (struct now){ .mono = { 2 * 24 * MINUTE_NS }, .wall = { INT64_C(1700000000000000000) } };
}

static void
be(bool up, uint64_t duration_ns)
{
    link_health_note_state(&health, up, now.mono);
    now.mono.ns += duration_ns;
}

static void
expect_ppm(const char *name, enum link_window window, uint32_t want)
{
    uint32_t got = link_health_availability_ppm(&health, window, now.mono);
    ck_assert_msg(got == want, "%s, %s: %u, want %u", name, link_window_name(window), got, want);
}

static void
expect_all(const char *name, uint32_t want)
{
    for (uint32_t i = 0; i < LINK_WINDOW_COUNT; i++) {
        expect_ppm(name, (enum link_window)i, want);
    }
}

/* --- availability --- */

START_TEST(before_its_start_a_link_was_never_up)
{
    expect_all("not started", 0);
    link_health_note_state(&health, true, now.mono);
    expect_all("just up", 1000000);
}
END_TEST

START_TEST(what_never_changes_is_all_or_nothing)
{
    be(_i == 1, 7 * SEC_NS);
    expect_all("seven seconds", _i == 1 ? 1000000 : 0);
    be(_i == 1, 3 * MINUTE_NS);
    expect_all("three minutes", _i == 1 ? 1000000 : 0);
    be(_i == 1, 100 * HOUR_NS);
    expect_all("days", _i == 1 ? 1000000 : 0);
}
END_TEST

START_TEST(windows_count_from_the_start)
{
    be(false, 10 * SEC_NS);
    be(true, 30 * SEC_NS);
    expect_all("a slow start", 750000);
    be(false, 60 * SEC_NS);
    expect_all("and a cut", 300000);
}
END_TEST

START_TEST(an_outage_leaves_the_windows_one_after_the_other)
{
    be(true, 48 * HOUR_NS);
    be(false, 60 * SEC_NS);
    expect_ppm("after it", LINK_WINDOW_5_MINUTES, 800000);
    expect_ppm("after it", LINK_WINDOW_1_HOUR, 983333);
    expect_ppm("after it", LINK_WINDOW_24_HOURS, 999305);
    be(true, 4 * MINUTE_NS);
    expect_ppm("still in it", LINK_WINDOW_5_MINUTES, 800000);
    be(true, 2 * MINUTE_NS);
    expect_ppm("gone", LINK_WINDOW_5_MINUTES, 1000000);
    expect_ppm("not gone", LINK_WINDOW_1_HOUR, 983333);
    be(true, HOUR_NS);
    expect_ppm("gone", LINK_WINDOW_1_HOUR, 1000000);
    expect_ppm("not gone", LINK_WINDOW_24_HOURS, 999305);
    be(true, 24 * HOUR_NS);
    expect_ppm("gone", LINK_WINDOW_24_HOURS, 1000000);
}
END_TEST

START_TEST(one_outage_is_never_rounded_away)
{
    be(true, 23 * HOUR_NS);
    be(false, MS_NS);
    be(true, SEC_NS);
    expect_ppm("a millisecond", LINK_WINDOW_24_HOURS, 999999);
}
END_TEST

START_TEST(a_link_that_flaps_costs_no_memory_and_counts_right)
{
    for (uint32_t i = 0; i < 100000; i++) {
        be(true, 30 * MS_NS);
        be(false, 10 * MS_NS);
    }
    expect_all("three quarters", 750000);
}
END_TEST

START_TEST(windows_have_names_and_lengths)
{
    ck_assert_str_eq(link_window_name(LINK_WINDOW_5_MINUTES), "5m");
    ck_assert_uint_eq(link_window_ns(LINK_WINDOW_5_MINUTES), 5 * MINUTE_NS);
    ck_assert_str_eq(link_window_name(LINK_WINDOW_1_HOUR), "1h");
    ck_assert_uint_eq(link_window_ns(LINK_WINDOW_1_HOUR), HOUR_NS);
    ck_assert_str_eq(link_window_name(LINK_WINDOW_24_HOURS), "24h");
    ck_assert_uint_eq(link_window_ns(LINK_WINDOW_24_HOURS), 24 * HOUR_NS);
}
END_TEST

/* --- round trips --- */

START_TEST(round_trips_count_in_their_bucket)
{
    static const uint64_t bounds_us[] = LINK_RTT_BUCKETS;
    link_health_note_round_trip(&health, 0);
    for (uint32_t i = 0; i < LINK_RTT_BUCKET_COUNT; i++) {
        link_health_note_round_trip(&health, bounds_us[i] * US_NS);
        link_health_note_round_trip(&health, bounds_us[i] * US_NS + 1);
    }
    for (uint32_t i = 0; i < LINK_RTT_BUCKET_COUNT; i++) {
        ck_assert_uint_eq(health.rtt_buckets[i], 2);
    }
    ck_assert_uint_eq(health.rtt_buckets[LINK_RTT_BUCKET_COUNT], 1);
    ck_assert_uint_eq(health.rtt_count, 2 * LINK_RTT_BUCKET_COUNT + 1);
}
END_TEST

START_TEST(smoothing_is_that_of_rfc_6298)
{
    link_health_note_session(&health);
    link_health_note_round_trip(&health, 80 * MS_NS);
    ck_assert_uint_eq(health.rtt_smoothed_ns, 80 * MS_NS);
    link_health_note_round_trip(&health, 160 * MS_NS);
    ck_assert_uint_eq(health.rtt_smoothed_ns, 90 * MS_NS);
    link_health_note_session(&health);
    ck_assert_uint_eq(health.rtt_smoothed_ns, 90 * MS_NS);
    link_health_note_round_trip(&health, 8 * MS_NS);
    ck_assert_uint_eq(health.rtt_smoothed_ns, 8 * MS_NS);
    ck_assert_uint_eq(health.rtt_sum_ns, 248 * MS_NS);
}
END_TEST

static const struct band_step {
    uint64_t rtt_us;
    enum link_rtt_band band;
} band_steps[] = {
    { 1999, LINK_RTT_BELOW_2_MS },    /* the first has no band to stay in */
    { 2499, LINK_RTT_BELOW_2_MS },    /* above, but not by a quarter */
    { 2500, LINK_RTT_BELOW_10_MS },   /* by a quarter */
    { 1500, LINK_RTT_BELOW_10_MS },   /* below, but not by a quarter */
    { 1499, LINK_RTT_BELOW_2_MS },    /* by a quarter */
    { 55000, LINK_RTT_BELOW_50_MS },  /* as far as it is sure */
    { 1000000, LINK_RTT_MORE },       /* past all of them */
    { 160000, LINK_RTT_MORE },        /* not below by a quarter */
    { 45000, LINK_RTT_BELOW_200_MS }, /* nor of the next border */
    { 0, LINK_RTT_BELOW_2_MS },
};

START_TEST(a_band_is_left_only_when_the_border_is_well_behind)
{
    ck_assert_int_eq(link_health_rtt_band(&health), LINK_RTT_UNKNOWN);
    for (size_t i = 0; i < COUNT_OF(band_steps); i++) {
        link_health_note_session(&health); /* so that it is not smoothed */
        link_health_note_round_trip(&health, band_steps[i].rtt_us * US_NS);
        ck_assert_msg(link_health_rtt_band(&health) == band_steps[i].band, "step %zu: %s, want %s",
            i, link_rtt_band_name(link_health_rtt_band(&health)),
            link_rtt_band_name(band_steps[i].band));
    }
}
END_TEST

START_TEST(the_first_round_trip_falls_in_its_band)
{
    static const uint64_t rtt_ms[] = { 1, 2, 10, 50, 200 };
    health.rtt_band = LINK_RTT_MORE; /* what is there before the first does not count */
    link_health_note_round_trip(&health, rtt_ms[_i] * MS_NS);
    ck_assert_int_eq(link_health_rtt_band(&health), _i);
}
END_TEST

START_TEST(bands_have_names)
{
    static const char *const names[] = { "<2ms", "<10ms", "<50ms", "<200ms", ">=200ms", "unknown" };
    for (uint32_t i = 0; i <= LINK_RTT_UNKNOWN; i++) {
        ck_assert_str_eq(link_rtt_band_name((enum link_rtt_band)i), names[i]);
    }
}
END_TEST

/* --- the far clock --- */

/* The far side's clock is ahead by so much; the answer took `there` and `back`. */
static bool
answer(int64_t ahead_ns, uint64_t there_ns, uint64_t back_ns)
{
    struct wall far = { .ns = now.wall.ns + (int64_t)there_ns + ahead_ns };
    now.wall = wall_after(now.wall, there_ns + back_ns);
    return link_health_note_clock(&health, far, there_ns + back_ns, now.wall);
}

static int64_t
offset(void)
{
    int64_t offset_ns = 0;
    ck_assert(link_health_clock_offset(&health, &offset_ns));
    return offset_ns;
}

START_TEST(the_offset_is_measured_in_the_middle)
{
    int64_t none;
    ck_assert(!link_health_clock_offset(&health, &none));
    ck_assert(!answer(3 * (int64_t)SEC_NS, 20 * MS_NS, 20 * MS_NS));
    ck_assert_int_eq(offset(), 3 * (int64_t)SEC_NS);
    link_health_note_session(&health);
    ck_assert(!link_health_clock_offset(&health, &none));
    ck_assert(!answer(-4 * (int64_t)SEC_NS, 20 * MS_NS, 20 * MS_NS));
    ck_assert_int_eq(offset(), -4 * (int64_t)SEC_NS);
}
END_TEST

START_TEST(the_shortest_of_the_last_eight_is_believed)
{
    ck_assert(!answer((int64_t)SEC_NS, 10 * MS_NS, 10 * MS_NS));
    for (uint32_t i = 1; i < LINK_HEALTH_CLOCKS; i++) {
        ck_assert(!answer((int64_t)SEC_NS, 10 * MS_NS, 600 * MS_NS)); /* a queue on the way back */
        ck_assert_int_eq(offset(), (int64_t)SEC_NS);
    }
    ck_assert(!answer((int64_t)SEC_NS, 10 * MS_NS, 600 * MS_NS));
    ck_assert_int_eq(offset(), (int64_t)SEC_NS - 295 * (int64_t)MS_NS);
}
END_TEST

START_TEST(clocks_far_apart_are_told_once_until_they_are_near_again)
{
    const int64_t second_ns = (int64_t)SEC_NS;
    ck_assert(!answer(5 * second_ns, MS_NS, MS_NS));
    link_health_note_session(&health);
    ck_assert(answer(-6 * second_ns, MS_NS, MS_NS));
    ck_assert(!answer(-6 * second_ns, MS_NS, MS_NS));
    link_health_note_session(&health);
    ck_assert(!answer(4 * second_ns, MS_NS, MS_NS));
    link_health_note_session(&health);
    ck_assert(!answer(6 * second_ns, MS_NS, MS_NS));
    link_health_note_session(&health);
    ck_assert(!answer(2 * second_ns, MS_NS, MS_NS));
    link_health_note_session(&health);
    ck_assert(answer(6 * second_ns, MS_NS, MS_NS));
}
END_TEST

static const struct extreme_case {
    int64_t far_ns;
    uint64_t rtt_ns;
    int64_t now_ns;
    int64_t want_ns;
} extreme_cases[] = {
    { INT64_MAX, 0, -1, INT64_MAX },
    { INT64_MIN, 0, 1, -INT64_MAX },
    { INT64_MIN, 0, 0, -INT64_MAX },
    { INT64_MAX, 0, INT64_MAX, 0 },
    { INT64_MIN, 0, INT64_MAX, -INT64_MAX },
    { INT64_MAX, UINT64_MAX, INT64_MIN, INT64_MAX },
    { 0, UINT64_MAX, INT64_MAX, 0 },
};

START_TEST(no_clock_is_too_wrong)
{
    const struct extreme_case *c = &extreme_cases[_i];
    bool due = link_health_note_clock(
        &health, (struct wall){ c->far_ns }, c->rtt_ns, (struct wall){ c->now_ns });
    ck_assert(due == (c->want_ns != 0));
    ck_assert_int_eq(offset(), c->want_ns);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_health");
    TCase *tcase = tcase_create("link_health");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, before_its_start_a_link_was_never_up);
    tcase_add_loop_test(tcase, what_never_changes_is_all_or_nothing, 0, 2);
    tcase_add_test(tcase, windows_count_from_the_start);
    tcase_add_test(tcase, an_outage_leaves_the_windows_one_after_the_other);
    tcase_add_test(tcase, one_outage_is_never_rounded_away);
    tcase_add_test(tcase, a_link_that_flaps_costs_no_memory_and_counts_right);
    tcase_add_test(tcase, windows_have_names_and_lengths);
    tcase_add_test(tcase, round_trips_count_in_their_bucket);
    tcase_add_test(tcase, smoothing_is_that_of_rfc_6298);
    tcase_add_test(tcase, a_band_is_left_only_when_the_border_is_well_behind);
    tcase_add_loop_test(tcase, the_first_round_trip_falls_in_its_band, 0, 5);
    tcase_add_test(tcase, bands_have_names);
    tcase_add_test(tcase, the_offset_is_measured_in_the_middle);
    tcase_add_test(tcase, the_shortest_of_the_last_eight_is_believed);
    tcase_add_test(tcase, clocks_far_apart_are_told_once_until_they_are_near_again);
    tcase_add_loop_test(tcase, no_clock_is_too_wrong, 0, (int)COUNT_OF(extreme_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
