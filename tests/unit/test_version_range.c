/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_version_range.c - constraints as ranges, and what lies around them.
 */
#include "core/version_range.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

#define LAST "999999999.999999999.999999999"

/* "1.0.0-2.0.0", or "none". */
static const char *
written(const struct version_range *range)
{
    static char text[128];
    struct version a = range->first;
    struct version b = range->last;
    if (version_range_is_empty(range)) {
        return "none";
    }
    (void)snprintf(text, sizeof(text),
        "%" PRIu32 ".%" PRIu32 ".%" PRIu32 "-%" PRIu32 ".%" PRIu32 ".%" PRIu32, a.major, a.minor,
        a.patch, b.major, b.minor, b.patch);
    return text;
}

static const struct range_case {
    const char *constraint;
    const char *range;
    const char *below; /* NULL: not asked */
    const char *above;
} range_cases[] = {
    { "", "0.0.0-" LAST, "none", "none" },
    { ">=1.2.3", "1.2.3-" LAST, "0.0.0-1.2.2", "none" },
    { ">1.2.3", "1.2.4-" LAST, "0.0.0-1.2.3", "none" },
    { "<2", "0.0.0-1.999999999.999999999", "none", "2.0.0-" LAST },
    { "<=2.1", "0.0.0-2.1.0", "none", "2.1.1-" LAST },
    { "==1.0.999999999", "1.0.999999999-1.0.999999999", "0.0.0-1.0.999999998", "1.1.0-" LAST },
    { ">1.999999999.999999999,<3.1", "2.0.0-3.0.999999999", "0.0.0-1.999999999.999999999",
        "3.1.0-" LAST },
    { ">2.0.0,<2.0.0", "none", NULL, NULL },
    { ">2.0.0,<2.0.1", "none", NULL, NULL },
    { "<0.0.0", "none", NULL, NULL },
    { ">" LAST, "none", NULL, NULL },
};

START_TEST(constraints_are_ranges)
{
    const struct range_case *c = &range_cases[_i];
    struct version_constraint constraint;
    ck_assert(version_constraint_parse(span_from_text(c->constraint), &constraint));
    struct version_range range = version_range_of(&constraint);
    ck_assert_str_eq(written(&range), c->range);
    if (c->below != NULL) {
        struct version_range below = version_range_below(&range);
        ck_assert_str_eq(written(&below), c->below);
        struct version_range above = version_range_above(&range);
        ck_assert_str_eq(written(&above), c->above);
        ck_assert(version_range_includes(&range, &range));
        ck_assert(version_range_has(&range, range.first));
        ck_assert(!version_range_includes(&above, &range));
    } else {
        struct version_range one = { .first = { .major = 1 }, .last = { .major = 1 } };
        ck_assert(version_range_includes(&one, &range));
        ck_assert(!version_range_includes(&range, &one));
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("version_range");
    TCase *tcase = tcase_create("version_range");

    tcase_add_loop_test(tcase, constraints_are_ranges, 0, (int)COUNT_OF(range_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
