/* SPDX-License-Identifier: Apache-2.0 */
/* test_damping.c - a penalty grows with flaps, halves with time, suppresses and lets go again. */
#include "bridge/damping.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"

#define MINUTE_NS (60 * SEC_NS)

static const struct damping_config config = {
    .half_life_ns = MINUTE_NS,
    .max_suppress_ns = 5 * MINUTE_NS,
    .suppress = 3000,
    .reuse = 1000,
};

static struct instant
at(uint64_t after_ns)
{
    return (struct instant){ .ns = 1000 * SEC_NS + after_ns };
}

static void
flap_times(struct damping *damping, uint32_t count, struct instant now)
{
    for (uint32_t i = 0; i < count; i++) {
        damping_flap(damping, &config, DAMPING_FLAP, now);
    }
}

/* 8000 * 2^(-age / 1 min) */
static const struct decay_case {
    uint64_t age_ns;
    uint32_t penalty;
} decay_cases[] = {
    { 0, 8000 },
    { 1, 7999 },
    { SEC_NS, 7908 },
    { 6 * SEC_NS, 7464 },
    { 15 * SEC_NS, 6727 },
    { 30 * SEC_NS, 5656 },
    { 45 * SEC_NS, 4756 },
    { 59 * SEC_NS, 4046 },
    { 60 * SEC_NS, 4000 },
    { 61 * SEC_NS, 3954 },
    { 90 * SEC_NS, 2828 },
    { 120 * SEC_NS, 2000 },
    { 600 * SEC_NS, 7 },
    { 780 * SEC_NS, 0 },
    { UINT64_C(64) * 60 * SEC_NS, 0 },
    { UINT64_C(100000000) * SEC_NS, 0 },
};

START_TEST(penalty_halves_every_half_life)
{
    const struct decay_case *c = &decay_cases[_i];
    struct damping damping = { .scaled = 0 };
    flap_times(&damping, 8, at(0));
    uint32_t got = damping_penalty(&damping, &config, at(c->age_ns));
    uint32_t off = got > c->penalty ? got - c->penalty : c->penalty - got;
    ck_assert_msg(off <= c->penalty / 1000 + 1, "got %u, want %u within 0.1 %%", got, c->penalty);
}
END_TEST

START_TEST(suppressed_from_the_threshold_on_until_it_has_fallen_to_reuse)
{
    struct damping damping = { .scaled = 0 };
    flap_times(&damping, 2, at(0));
    ck_assert(!damping_is_suppressed(&damping, at(0)));
    ck_assert(instant_reached(damping_reuse_at(&damping), at(0)));
    flap_times(&damping, 2, at(0));
    ck_assert(damping_is_suppressed(&damping, at(0)));
    /* Four times `reuse`: two half-lives. */
    struct instant reuse_at = damping_reuse_at(&damping);
    ck_assert_uint_eq(reuse_at.ns, at(2 * MINUTE_NS).ns);
    ck_assert(damping_is_suppressed(&damping, (struct instant){ .ns = reuse_at.ns - 1 }));
    ck_assert(!damping_is_suppressed(&damping, reuse_at));
    ck_assert_uint_eq(damping_penalty(&damping, &config, reuse_at), config.reuse);
}
END_TEST

START_TEST(flap_while_suppressed_prolongs_and_one_afterwards_does_not_suppress_by_itself)
{
    struct damping damping = { .scaled = 0 };
    flap_times(&damping, 3, at(0));
    ck_assert(damping_is_suppressed(&damping, at(0)));
    /* 1500 are left, which is below `suppress`; with 500 it has one half-life to go. */
    damping_flap(&damping, &config, DAMPING_CHANGE, at(MINUTE_NS));
    ck_assert_uint_eq(damping_reuse_at(&damping).ns, at(2 * MINUTE_NS).ns);
    damping_flap(&damping, &config, DAMPING_FLAP, at(2 * MINUTE_NS));
    ck_assert(!damping_is_suppressed(&damping, at(2 * MINUTE_NS)));
    ck_assert_uint_eq(damping_penalty(&damping, &config, at(2 * MINUTE_NS)), 2000);
}
END_TEST

START_TEST(change_adds_half_of_a_flap_and_resets_nothing)
{
    struct damping damping = { .scaled = 0 };
    flap_times(&damping, 2, at(0));
    damping_flap(&damping, &config, DAMPING_CHANGE, at(0));
    ck_assert_uint_eq(damping_penalty(&damping, &config, at(0)), 2500);
    damping_flap(&damping, &config, DAMPING_CHANGE, at(0));
    ck_assert(damping_is_suppressed(&damping, at(0)));
}
END_TEST

START_TEST(nothing_is_suppressed_longer_than_max_suppress_after_its_last_flap)
{
    struct damping damping = { .scaled = 0 };
    ck_assert_uint_eq(damping_ceiling(&config), 32000);
    flap_times(&damping, 5000, at(0));
    ck_assert_uint_eq(damping_penalty(&damping, &config, at(0)), 32000);
    ck_assert_uint_eq(damping_reuse_at(&damping).ns, at(5 * MINUTE_NS).ns);
}
END_TEST

static const struct ceiling_case {
    const char *name;
    struct damping_config config;
    uint32_t ceiling;
} ceiling_cases[] = {
    { "a whole number of half-lives", { MINUTE_NS, 2 * MINUTE_NS, 3000, 1000 }, 4000 },
    { "and a half", { MINUTE_NS, 5 * MINUTE_NS / 2, 3000, 1000 }, 5656 },
    { "less than one", { MINUTE_NS, MINUTE_NS / 2, 1200, 1000 }, 1414 },
    { "so many that it is the highest", { SEC_NS, 3600 * SEC_NS, 3000, 1000 },
        DAMPING_PENALTY_MAX },
    { "the highest, at once", { MINUTE_NS, MINUTE_NS, DAMPING_PENALTY_MAX, 900000 },
        DAMPING_PENALTY_MAX },
};

START_TEST(ceiling_is_what_falls_to_reuse_in_max_suppress)
{
    const struct ceiling_case *c = &ceiling_cases[_i];
    uint32_t got = damping_ceiling(&c->config);
    uint32_t off = got > c->ceiling ? got - c->ceiling : c->ceiling - got;
    ck_assert_msg(off <= c->ceiling / 1000, "%s: got %u, want %u", c->name, got, c->ceiling);
}
END_TEST

START_TEST(forgotten_when_it_has_fallen_below_half_of_reuse)
{
    struct damping damping = { .scaled = 0 };
    flap_times(&damping, 4, at(0));
    struct instant forget_at = damping_forget_at(&damping, &config);
    ck_assert_uint_eq(forget_at.ns, at(3 * MINUTE_NS).ns);
    ck_assert_uint_eq(damping_penalty(&damping, &config, forget_at), config.reuse / 2);
    damping = (struct damping){ .scaled = 0 };
    ck_assert(instant_reached(damping_forget_at(&damping, &config), at(0)));
}
END_TEST

START_TEST(off_suppresses_nothing)
{
    const struct damping_config off = DAMPING_OFF;
    struct damping damping = { .scaled = 0 };
    ck_assert(!damping_is_on(&off));
    for (int i = 0; i < 100; i++) {
        damping_flap(&damping, &off, DAMPING_FLAP, at(0));
    }
    ck_assert(!damping_is_suppressed(&damping, at(0)));
    ck_assert_uint_eq(damping_penalty(&damping, &off, at(0)), 0);
    ck_assert(instant_reached(damping_forget_at(&damping, &off), at(0)));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("damping");
    TCase *tcase = tcase_create("damping");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, penalty_halves_every_half_life, 0, COUNT_OF(decay_cases));
    tcase_add_test(tcase, suppressed_from_the_threshold_on_until_it_has_fallen_to_reuse);
    tcase_add_test(
        tcase, flap_while_suppressed_prolongs_and_one_afterwards_does_not_suppress_by_itself);
    tcase_add_test(tcase, change_adds_half_of_a_flap_and_resets_nothing);
    tcase_add_test(tcase, nothing_is_suppressed_longer_than_max_suppress_after_its_last_flap);
    tcase_add_loop_test(
        tcase, ceiling_is_what_falls_to_reuse_in_max_suppress, 0, COUNT_OF(ceiling_cases));
    tcase_add_test(tcase, forgotten_when_it_has_fallen_below_half_of_reuse);
    tcase_add_test(tcase, off_suppresses_nothing);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
