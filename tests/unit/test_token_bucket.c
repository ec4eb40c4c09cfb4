/* SPDX-License-Identifier: Apache-2.0 */
/* test_token_bucket.c - rates: what comes at once, what comes when, and that nothing drifts. */
#include "base/token_bucket.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"

#define MINUTE_NS (60 * SEC_NS)
#define HOUR_NS   (60 * MINUTE_NS)

static const struct instant start = { 1000 * SEC_NS };

/* Tokens that can be taken at one instant; no more than `most` are tried. */
static uint64_t
take_all(struct token_bucket *bucket, struct instant now, uint64_t most)
{
    uint64_t taken = 0;
    while (taken < most && token_bucket_take(bucket, now)) {
        taken++;
    }
    return taken;
}

static const struct bucket_case {
    const char *name;
    uint64_t count;
    uint64_t per_ns;
    uint64_t burst;
    uint64_t want_burst;
    uint64_t want_wait_ns; /* when it has just been emptied */
} bucket_cases[] = {
    { "one a second", 1, SEC_NS, 0, 1, SEC_NS },
    { "500/s", 500, SEC_NS, 0, 500, 2 * MS_NS },
    { "500/s, one at once", 500, SEC_NS, 1, 1, 2 * MS_NS },
    { "500/s, 1000 at once", 500, SEC_NS, 1000, 1000, 2 * MS_NS },
    { "3/s: not whole", 3, SEC_NS, 0, 3, 333333334 },
    { "3/s, one at once", 3, SEC_NS, 1, 1, 333333334 },
    { "30/m: less than one a second", 30, MINUTE_NS, 0, 1, 2 * SEC_NS },
    { "600/m", 600, MINUTE_NS, 0, 10, 100 * MS_NS },
    { "7/h", 7, HOUR_NS, 0, 1, 514285714286 },
    { "7200/h", 7200, HOUR_NS, 0, 2, 500 * MS_NS },
    { "one a nanosecond", SEC_NS, SEC_NS, 3, 3, 1 },
    { "three a nanosecond", 3 * SEC_NS, SEC_NS, 3, 3, 1 },
};

START_TEST(full_bucket_gives_its_burst_and_then_one_after_the_wait)
{
    const struct bucket_case *c = &bucket_cases[_i];
    struct token_bucket bucket;
    token_bucket_init(&bucket, c->count, c->per_ns, c->burst);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, start), 0);
    uint64_t burst = take_all(&bucket, start, c->want_burst + 1);
    ck_assert_msg(burst == c->want_burst, "%s: %lu at once", c->name, (unsigned long)burst);
    uint64_t wait_ns = token_bucket_wait_ns(&bucket, start);
    ck_assert_msg(wait_ns == c->want_wait_ns, "%s: wait %lu", c->name, (unsigned long)wait_ns);
    if (wait_ns > 1) {
        struct instant early = instant_after(start, wait_ns - 1);
        ck_assert_msg(!token_bucket_take(&bucket, early), "%s: too early", c->name);
        ck_assert_uint_eq(token_bucket_wait_ns(&bucket, early), 1);
    }
    struct instant then = instant_after(start, wait_ns);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, then), 0);
    ck_assert_msg(token_bucket_take(&bucket, then), "%s: too late", c->name);
}
END_TEST

START_TEST(many_at_once_are_as_many_one_by_one)
{
    const struct bucket_case *c = &bucket_cases[_i];
    struct token_bucket one_by_one;
    struct token_bucket at_once;
    token_bucket_init(&one_by_one, c->count, c->per_ns, c->burst);
    at_once = one_by_one;
    uint64_t taken = take_all(&one_by_one, start, c->want_burst);
    token_bucket_spend(&at_once, taken, start, HOUR_NS);
    ck_assert_msg(token_bucket_wait_ns(&at_once, start) == c->want_wait_ns, "%s", c->name);
    ck_assert_msg(!token_bucket_take(&at_once, start), "%s", c->name);
    ck_assert_uint_eq(at_once.full_at.ns, one_by_one.full_at.ns);
    ck_assert_uint_eq(at_once.full_rest, one_by_one.full_rest);
}
END_TEST

START_TEST(bucket_may_owe_so_much_and_no_more)
{
    struct token_bucket bucket;
    token_bucket_init(&bucket, 1000, SEC_NS, 10);
    token_bucket_spend(&bucket, 5, start, 500 * MS_NS);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, start), 0);
    /* Five are there, and fifteen are owed: the next comes after them. */
    token_bucket_spend(&bucket, 20, start, 500 * MS_NS);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, start), 16 * MS_NS);
    token_bucket_spend(&bucket, 1000000, start, 500 * MS_NS);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, start), 500 * MS_NS);
    token_bucket_spend(&bucket, UINT64_MAX, start, 500 * MS_NS);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, start), 500 * MS_NS);
    struct instant then = instant_after(start, 500 * MS_NS);
    ck_assert(token_bucket_take(&bucket, then));
    ck_assert(!token_bucket_take(&bucket, then));
    token_bucket_spend(&bucket, 0, then, 500 * MS_NS);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, then), MS_NS);
}
END_TEST

START_TEST(nothing_comes_while_the_clock_stands)
{
    struct token_bucket bucket;
    token_bucket_init(&bucket, 10, SEC_NS, 0);
    ck_assert_uint_eq(take_all(&bucket, start, 100), 10);
    for (int i = 0; i < 1000; i++) {
        ck_assert(!token_bucket_take(&bucket, start));
    }
    /* Those that were refused have cost nothing. */
    ck_assert(token_bucket_take(&bucket, instant_after(start, 100 * MS_NS)));
}
END_TEST

START_TEST(pause_fills_it_to_the_burst_and_no_further)
{
    struct token_bucket bucket;
    token_bucket_init(&bucket, 10, SEC_NS, 20);
    ck_assert_uint_eq(take_all(&bucket, start, 100), 20);
    ck_assert_uint_eq(take_all(&bucket, instant_after(start, SEC_NS), 100), 10);
    ck_assert_uint_eq(take_all(&bucket, instant_after(start, 3 * SEC_NS - 1), 100), 19);
    ck_assert_uint_eq(take_all(&bucket, instant_after(start, 3 * SEC_NS), 100), 1);
    ck_assert_uint_eq(take_all(&bucket, instant_after(start, 365 * 24 * HOUR_NS), 100), 20);
}
END_TEST

/* A seventh has no end in decimals: rounding would add up. */
START_TEST(million_tokens_take_exactly_their_time)
{
    struct token_bucket bucket;
    struct instant now = start;
    bool taken = true;
    token_bucket_init(&bucket, 7, SEC_NS, 2); /* a bucket for one is full before it is asked */
    for (uint32_t i = 0; i <= 1000007; i++) {
        now = instant_after(now, token_bucket_wait_ns(&bucket, now));
        taken = taken && token_bucket_take(&bucket, now);
    }
    ck_assert(taken);
    ck_assert_uint_eq(instant_between(start, now), 1000006 / 7 * SEC_NS);
}
END_TEST

static const struct huge_case {
    const char *name;
    uint64_t count;
    uint64_t per_ns;
    uint64_t burst;
} huge_cases[] = {
    { "as many as there are", UINT64_MAX, SEC_NS, 0 },
    { "of everything", UINT64_MAX, UINT64_MAX, UINT64_MAX },
    { "in no time", UINT64_MAX, 1, UINT64_MAX },
    { "at once, seldom", 1, UINT64_MAX, UINT64_MAX },
    { "not in lowest terms", UINT64_MAX - 1, UINT64_MAX - 1, UINT32_MAX },
};

START_TEST(huge_numbers_are_no_limit)
{
    const struct huge_case *c = &huge_cases[_i];
    struct token_bucket bucket;
    token_bucket_init(&bucket, c->count, c->per_ns, c->burst);
    ck_assert_msg(take_all(&bucket, start, 100000) == 100000, "%s: limited", c->name);
    ck_assert_uint_eq(token_bucket_wait_ns(&bucket, start), 0);
}
END_TEST

START_TEST(one_in_centuries_is_one)
{
    struct token_bucket bucket;
    token_bucket_init(&bucket, 1, UINT64_MAX, 1);
    ck_assert(token_bucket_take(&bucket, start));
    ck_assert(!token_bucket_take(&bucket, instant_after(start, UINT64_MAX / 2)));
    ck_assert_uint_gt(token_bucket_wait_ns(&bucket, start), UINT64_MAX / 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("token_bucket");
    TCase *tcase = tcase_create("token_bucket");

    tcase_add_loop_test(tcase, full_bucket_gives_its_burst_and_then_one_after_the_wait, 0,
        (int)COUNT_OF(bucket_cases));
    tcase_add_loop_test(tcase, many_at_once_are_as_many_one_by_one, 0, (int)COUNT_OF(bucket_cases));
    tcase_add_test(tcase, bucket_may_owe_so_much_and_no_more);
    tcase_add_test(tcase, nothing_comes_while_the_clock_stands);
    tcase_add_test(tcase, pause_fills_it_to_the_burst_and_no_further);
    tcase_add_test(tcase, million_tokens_take_exactly_their_time);
    tcase_add_loop_test(tcase, huge_numbers_are_no_limit, 0, (int)COUNT_OF(huge_cases));
    tcase_add_test(tcase, one_in_centuries_is_one);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
