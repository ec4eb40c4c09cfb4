/* SPDX-License-Identifier: Apache-2.0 */
/* test_version.c - which texts are versions and constraints, and what satisfies them. */
#include <check.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/version.h"
#include "tests/support/check_failed.h"

static const struct parse_case {
    const char *text;
    bool valid;
    struct version version;
} parse_cases[] = {
    { "1.2.3", true, { 1, 2, 3 } },
    { "v1.2.3", true, { 1, 2, 3 } },
    { "1.2", true, { 1, 2, 0 } },
    { "1", true, { 1, 0, 0 } },
    { "v0", true, { 0, 0, 0 } },
    { " \t1.0\r\n", true, { 1, 0, 0 } },
    { "01.002.0003", true, { 1, 2, 3 } },
    { "999999999.999999999.999999999", true, { 999999999, 999999999, 999999999 } },
    { "0000000000000000000001", true, { 1, 0, 0 } },
    { "1000000000", false, { 0 } },
    { "99999999999999999999999999", false, { 0 } },
    { "1.2.3-beta", false, { 0 } },
    { "1.2.3.4", false, { 0 } },
    { "1.2.", false, { 0 } },
    { "1..2", false, { 0 } },
    { ".1", false, { 0 } },
    { "", false, { 0 } },
    { "v", false, { 0 } },
    { "vv1", false, { 0 } },
    { "V1", false, { 0 } },
    { "v 1", false, { 0 } },
    { "-1", false, { 0 } },
    { "+1", false, { 0 } },
    { "1,2", false, { 0 } },
    { "1.2 .3", false, { 0 } },
    { "latest", false, { 0 } },
};

START_TEST(version_is_read_as_the_reference_reads_it)
{
    const struct parse_case *c = &parse_cases[_i];
    struct version untouched = { 7, 7, 7 };
    struct version got = untouched;
    bool valid = version_parse(span_from_text(c->text), &got);
    struct version want = c->valid ? c->version : untouched;
    ck_assert_msg(valid == c->valid, "\"%s\": got %d", c->text, valid);
    ck_assert_msg(version_compare(got, want) == 0, "\"%s\": got %u.%u.%u", c->text, got.major,
        got.minor, got.patch);
}
END_TEST

START_TEST(parts_are_compared_from_the_left)
{
    static const struct version rising[] = { { 0, 0, 0 }, { 0, 0, 9 }, { 0, 1, 0 }, { 0, 10, 0 },
        { 1, 0, 0 }, { 2, 0, 0 }, { 10, 0, 0 } };
    for (size_t i = 0; i < COUNT_OF(rising); i++) {
        for (size_t j = 0; j < COUNT_OF(rising); j++) {
            int got = version_compare(rising[i], rising[j]);
            int want = (i > j) - (i < j);
            ck_assert_msg(got == want, "%zu with %zu: got %d", i, j, got);
        }
    }
}
END_TEST

static const struct constraint_case {
    const char *constraint;
    const char *version;
    bool satisfied;
} constraint_cases[] = {
    { "", "0", true },
    { " ", "1.2.3", true },
    { "()", "1.2.3", true },
    { "version", "1.2.3", true },
    { ",,", "1.2.3", true },
    { ">=1.2", "1.2.0", true },
    { ">=1.2", "1.1.9", false },
    { ">1.2", "1.2.0", false },
    { ">1.2", "1.2.1", true },
    { "<=2", "2.0.0", true },
    { "<=2", "2.0.1", false },
    { "<2", "2.0.0", false },
    { "<2", "1.9.9", true },
    { "==1.2.3", "1.2.3", true },
    { "==1.2.3", "1.2.4", false },
    { "=1.2.3", "1.2.3", true },
    { "1.2.3", "1.2.3", true },
    { "v1.2.3", "1.2.3", true },
    { "1.2.3", "1.2.2", false },
    { ">=1.0,<2.0", "1.5", true },
    { ">=1.0,<2.0", "2.0", false },
    { ">=1.0,<2.0", "0.9", false },
    { " ( >= 1.0 , < 2.0 ) ", "1.5", true },
    { "(version>=1.0,version<2.0)", "1.5", true },
    { ">= version 1.0", "1.5", true },
    { ">=1.0,", "1.5", true },
    { ">=1,>=2", "1.5", false },
    { ">=1,>=2", "2", true },
    { "<3,<2", "2.5", false },
    { ">=2,<1", "1.5", false },
};

START_TEST(all_terms_must_hold)
{
    const struct constraint_case *c = &constraint_cases[_i];
    struct version_constraint constraint;
    struct version version;
    ck_assert_msg(version_constraint_parse(span_from_text(c->constraint), &constraint),
        "\"%s\" is a constraint", c->constraint);
    ck_assert(version_parse(span_from_text(c->version), &version));
    ck_assert_msg(version_satisfies(version, &constraint) == c->satisfied, "\"%s\" for %s: want %d",
        c->constraint, c->version, c->satisfied);
}
END_TEST

static const char *const no_constraints[] = {
    "x",
    ">=",
    ">=x",
    "=>1",
    "!=1",
    "~1",
    "^1",
    ">=1.2.3-beta",
    ">=1 <2",
    ">=1;<2",
    "(>=1),(<2)",
    ">=1,,x",
    /* What the reference refuses: an exact version with company, bounds that loosen. */
    "==1,>=1",
    ">=1,==1",
    "==1,==1",
    "1,2",
    ">=2,>=1",
    ">2,>=1",
    "<1,<2",
    "<=1,<3",
    /* One more than VERSION_CONSTRAINTS_MAX. */
    ">=1,>=1,>=1,>=1,>=1,>=1,>=1,>=1,>=1",
};

START_TEST(everything_else_is_no_constraint)
{
    struct version_constraint constraint = { .count = 7 };
    ck_assert_msg(!version_constraint_parse(span_from_text(no_constraints[_i]), &constraint),
        "\"%s\"", no_constraints[_i]);
    ck_assert_uint_eq(constraint.count, 7);
}
END_TEST

START_TEST(eight_terms_are_a_constraint)
{
    struct version_constraint constraint;
    ck_assert(version_constraint_parse(SPAN(">=1,>=1,>=1,>=1,<=1,<=1,<=1,<=1"), &constraint));
    ck_assert_uint_eq(constraint.count, VERSION_CONSTRAINTS_MAX);
}
END_TEST

START_TEST(constraint_longer_than_a_name_is_none)
{
    uint8_t text[NAME_SIZE_MAX + 1];
    struct version_constraint constraint;
    memset(text, ',', sizeof(text));
    ck_assert(version_constraint_parse(span_from(text, NAME_SIZE_MAX), &constraint));
    ck_assert(!version_constraint_parse(span_from(text, NAME_SIZE_MAX + 1), &constraint));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("version");
    TCase *tcase = tcase_create("version");

    tcase_add_loop_test(
        tcase, version_is_read_as_the_reference_reads_it, 0, (int)COUNT_OF(parse_cases));
    tcase_add_test(tcase, parts_are_compared_from_the_left);
    tcase_add_loop_test(tcase, all_terms_must_hold, 0, (int)COUNT_OF(constraint_cases));
    tcase_add_loop_test(tcase, everything_else_is_no_constraint, 0, (int)COUNT_OF(no_constraints));
    tcase_add_test(tcase, eight_terms_are_a_constraint);
    tcase_add_test(tcase, constraint_longer_than_a_name_is_none);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
