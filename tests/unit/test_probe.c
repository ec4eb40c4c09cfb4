/* SPDX-License-Identifier: Apache-2.0 */
/* test_probe.c - when a probe calls, and what its results mean. */
#include "bridge/probe.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

static const struct probe_config config = {
    .every_ns = 10 * SEC_NS,
    .timeout_ns = 2 * SEC_NS,
    .fail_after = 3,
    .ok_after = 2,
};

static struct probe probe;
static struct instant now;

static void
set_up(void)
{
    now = (struct instant){ .ns = 1000 * SEC_NS };
    probe_init(&probe, &config, now);
}

static enum probe_change
ends(enum probe_result result)
{
    now = instant_after(now, 10 * SEC_NS);
    probe_begin(&probe, &config, now);
    now = instant_after(now, MS_NS);
    return probe_end(&probe, &config, result, now);
}

START_TEST(calls_begin_an_interval_apart_and_one_at_a_time)
{
    ck_assert_uint_eq(probe_deadline(&probe).ns, 1010 * SEC_NS);
    now.ns = 1010 * SEC_NS;
    probe_begin(&probe, &config, now);
    ck_assert_uint_eq(probe_deadline(&probe).ns, INSTANT_NEVER.ns);
    now.ns += SEC_NS;
    ck_assert_int_eq(probe_end(&probe, &config, PROBE_OK, now), PROBE_UNCHANGED);
    ck_assert_uint_eq(probe_deadline(&probe).ns, 1020 * SEC_NS);
    ck_assert_uint_eq(probe.last_ns, SEC_NS);
    ck_assert_uint_eq(probe.ended_at.ns, 1011 * SEC_NS);
}
END_TEST

/* Each letter is a result, k is ok; F and R stand where it fails and recovers. */
static const struct history {
    const char *name;
    const char *results;
    const char *changes;
} histories[] = {
    { "two are not enough, nor are three that are not in a row", "kkaakaak", "........" },
    { "three in a row", "aaaaaa", "..F..." },
    { "two successes in a row bring it back", "aaakakkk", "..F...R." },
    { "and it may fail again", "aaakkaaa", "..F.R..F" },
    { "whatever the failures are", "ftakk", "..F.R" },
    { "the link is one of them", "llllkk", "..F..R" },
};

static enum probe_result
result_of(char letter)
{
    static const char letters[] = "kftal";
    for (uint32_t i = 0; i < PROBE_RESULT_COUNT; i++) {
        if (letters[i] == letter) {
            return (enum probe_result)i;
        }
    }
    ck_abort();
}

START_TEST(results_in_a_row_change_what_is_thought_of_it)
{
    static const char marks[] = ".FR";
    const struct history *history = &histories[_i];
    for (size_t i = 0; history->results[i] != '\0'; i++) {
        char mark = marks[ends(result_of(history->results[i]))];
        ck_assert_msg(mark == history->changes[i], "%s: result %zu: %c", history->name, i, mark);
    }
    bool failing = strrchr(history->changes, 'F') != NULL &&
                   (strrchr(history->changes, 'R') == NULL ||
                       strrchr(history->changes, 'F') > strrchr(history->changes, 'R'));
    ck_assert_msg(probe.failing == failing, "%s", history->name);
    ck_assert_uint_eq(probe_count(&probe), strlen(history->results));
}
END_TEST

START_TEST(results_are_counted_and_have_names)
{
    static const char *const names[] = { "ok", "failed", "timeout", "absent", "link_down" };
    for (uint32_t i = 0; i < PROBE_RESULT_COUNT; i++) {
        enum probe_result result = (enum probe_result)i;
        (void)ends(result);
        ck_assert_uint_eq(probe.results[i], 1);
        ck_assert_int_eq(probe.last, result);
        ck_assert_str_eq(probe_result_name(result), names[i]);
    }
    ck_assert_uint_eq(probe_count(&probe), PROBE_RESULT_COUNT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("probe");
    TCase *tests = tcase_create("probe");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, calls_begin_an_interval_apart_and_one_at_a_time);
    tcase_add_loop_test(
        tests, results_in_a_row_change_what_is_thought_of_it, 0, COUNT_OF(histories));
    tcase_add_test(tests, results_are_counted_and_have_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
