/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_retry.c - the pauses between dials. */
#include <check.h>
#include <stdlib.h>

#include "bridge/link_retry.h"
#include "tests/support/check_failed.h"

#define DRAWS 2000

static const struct link_retry_config config = {
    .base_ns = 250 * MS_NS,
    .cap_ns = 10 * SEC_NS,
    .stable_ns = 30 * SEC_NS,
};

static struct link_retry retry;
static struct prng prng;

static void
setup(void)
{
    link_retry_init(&retry, &config);
    prng.state = 7;
}

START_TEST(pauses_grow_from_the_base_and_stay_below_the_cap)
{
    uint64_t last_ns = config.base_ns;
    uint64_t longest_ns = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t pause_ns = link_retry_pause_ns(&retry, &prng, 0);
        ck_assert_uint_ge(pause_ns, config.base_ns);
        ck_assert_uint_le(pause_ns, config.cap_ns);
        ck_assert_uint_le(pause_ns, 3 * last_ns);
        longest_ns = pause_ns > longest_ns ? pause_ns : longest_ns;
        last_ns = pause_ns;
    }
    ck_assert_uint_ge(longest_ns, config.cap_ns * 9 / 10);
}
END_TEST

/* A long outage has brought many dialers to the cap: they must not come back in one moment. */
START_TEST(dialers_at_the_cap_come_back_spread)
{
    uint32_t in_second[10] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        retry.last_ns = config.cap_ns;
        uint64_t second = link_retry_pause_ns(&retry, &prng, 0) / SEC_NS;
        in_second[second < 10 ? second : 9]++;
    }
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_le(in_second[i], DRAWS / 5);
    }
}
END_TEST

START_TEST(base_and_cap_may_be_one)
{
    const struct link_retry_config even = { .base_ns = SEC_NS, .cap_ns = SEC_NS };
    link_retry_init(&retry, &even);
    ck_assert_uint_eq(link_retry_pause_ns(&retry, &prng, 0), SEC_NS);
    ck_assert_uint_eq(link_retry_pause_ns(&retry, &prng, 0), SEC_NS);
}
END_TEST

START_TEST(only_a_session_that_lasted_makes_pauses_small_again)
{
    uint64_t last_ns = 5 * SEC_NS;
    retry.last_ns = last_ns;
    link_retry_note_session(&retry, config.stable_ns);
    ck_assert_uint_eq(retry.last_ns, last_ns);
    link_retry_note_session(&retry, config.stable_ns + 1);
    ck_assert_uint_le(link_retry_pause_ns(&retry, &prng, 0), 3 * config.base_ns);
}
END_TEST

static const struct asked_case {
    const char *name;
    uint64_t asked_ns;
    uint64_t least_ns;
    uint64_t most_ns;
} asked_cases[] = {
    { "a minute", 60 * SEC_NS, 60 * SEC_NS, 90 * SEC_NS },
    { "less than the pause would be", MS_NS, 250 * MS_NS, 750 * MS_NS },
    { "for ever", UINT64_MAX, LINK_RETRY_ASKED_MAX_NS, LINK_RETRY_ASKED_MAX_NS / 2 * 3 },
};

START_TEST(what_was_asked_is_the_least_and_half_more_the_most)
{
    const struct asked_case *c = &asked_cases[_i];
    uint64_t shortest_ns = UINT64_MAX;
    uint64_t longest_ns = 0;
    for (int i = 0; i < DRAWS; i++) {
        setup();
        prng.state = (uint64_t)i;
        uint64_t pause_ns = link_retry_pause_ns(&retry, &prng, c->asked_ns);
        shortest_ns = pause_ns < shortest_ns ? pause_ns : shortest_ns;
        longest_ns = pause_ns > longest_ns ? pause_ns : longest_ns;
        /* It is no step of the growth: the next pause is what it would have been. */
        ck_assert_uint_le(link_retry_pause_ns(&retry, &prng, 0), 9 * config.base_ns);
    }
    ck_assert_msg(shortest_ns >= c->least_ns, "%s: %lu", c->name, (unsigned long)shortest_ns);
    ck_assert_msg(longest_ns <= c->most_ns, "%s: %lu", c->name, (unsigned long)longest_ns);
    ck_assert_msg(longest_ns - shortest_ns > (c->most_ns - c->least_ns) / 10 * 9,
        "%s: from %lu to %lu only", c->name, (unsigned long)shortest_ns, (unsigned long)longest_ns);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_retry");
    TCase *tcase = tcase_create("link_retry");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, pauses_grow_from_the_base_and_stay_below_the_cap);
    tcase_add_test(tcase, dialers_at_the_cap_come_back_spread);
    tcase_add_test(tcase, base_and_cap_may_be_one);
    tcase_add_test(tcase, only_a_session_that_lasted_makes_pauses_small_again);
    tcase_add_loop_test(
        tcase, what_was_asked_is_the_least_and_half_more_the_most, 0, (int)COUNT_OF(asked_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
