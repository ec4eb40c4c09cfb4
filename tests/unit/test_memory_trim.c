/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory_trim.c - memory is given back when much has gone, and not each time that something has. */
#include "host/memory_trim.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"

#define MIB ((size_t)1024 * 1024)

#define NOW   1000 * SEC_NS
#define SOON  (NOW + 1 * SEC_NS)
#define LATER (NOW + MEMORY_TRIM_PAUSE_NS)

static const struct trim_case {
    const char *name;
    size_t most;
    size_t then;
    uint64_t then_ns;
    bool due;
} trim_cases[] = {
    { "nothing has gone", 1000 * MIB, 1000 * MIB, LATER, false },
    { "more is in use", 1000 * MIB, 2000 * MIB, LATER, false },
    { "less than half has gone", 1000 * MIB, 501 * MIB, SOON, false },
    { "half has gone", 1000 * MIB, 500 * MIB, SOON, true },
    { "all has gone", 1000 * MIB, 0, SOON, true },
    { "all of little has gone", MEMORY_TRIM_MIN - 1, 0, SOON, false },
    { "all of what is just enough has gone", MEMORY_TRIM_MIN, 0, SOON, true },
    { "less than an eighth has gone", 1000 * MIB, 876 * MIB, LATER, false },
    { "an eighth has gone", 1000 * MIB, 875 * MIB, LATER, true },
    { "an eighth has gone a moment ago", 1000 * MIB, 875 * MIB, LATER - 1, false },
    { "all of next to nothing has gone", MEMORY_TRIM_LITTLE - 1, 0, LATER, false },
    { "all of a little has gone", MEMORY_TRIM_LITTLE, 0, LATER, true },
};

START_TEST(it_is_due_when_much_has_gone)
{
    const struct trim_case *c = &trim_cases[_i];
    struct memory_trim trim = { .last.ns = NOW };
    struct instant then = { .ns = c->then_ns };
    ck_assert(!memory_trim_is_due(&trim, c->most, (struct instant){ .ns = NOW }));
    ck_assert_msg(memory_trim_is_due(&trim, c->then, then) == c->due, "%s", c->name);
    /* Once. */
    ck_assert_msg(!memory_trim_is_due(&trim, c->then, then), "%s: again", c->name);
}
END_TEST

START_TEST(slow_shrinking_is_due_at_each_half)
{
    struct memory_trim trim = { .last.ns = NOW };
    uint32_t times = 0;
    for (size_t used = 1024; used > 0; used--) {
        times += memory_trim_is_due(&trim, used * MIB, (struct instant){ .ns = SOON });
    }
    /* At 512, 256, 128, 64, 32, 16, 8 and 4 MiB. */
    ck_assert_uint_eq(times, 8);
    memory_trim();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("memory_trim");
    TCase *tcase = tcase_create("trim");

    tcase_add_loop_test(tcase, it_is_due_when_much_has_gone, 0, (int)COUNT_OF(trim_cases));
    tcase_add_test(tcase, slow_shrinking_is_due_at_each_half);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
