/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml_errors.c - what is kept, in which order it is printed, and that it is safe to print. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"
#include "tests/support/yaml_support.h"

static struct yaml_errors errors;

static void
start(void)
{
    yaml_errors_init(&errors);
}

static void
stop(void)
{
    yaml_errors_destroy(&errors);
}

static struct yaml_place
place(const char *file, uint32_t line, uint32_t column)
{
    return (struct yaml_place){ .file = file, .line = line, .column = column };
}

START_TEST(nothing_wrong_prints_nothing)
{
    yaml_support_expect(&errors, "empty", "");
    ck_assert_uint_eq(errors.error_count, 0);
}
END_TEST

START_TEST(entry_has_its_parts)
{
    yaml_errors_add(&errors, YAML_WARNING, place("a.yaml", 3, 5), "rule %d never matches", 7);
    yaml_errors_hint(&errors, "did you mean '%s'? ", "x");
    yaml_errors_hint(&errors, "(allowed: x)");

    ck_assert_uint_eq(errors.count, 1);
    ck_assert_uint_eq(errors.error_count, 0);
    ck_assert_uint_eq(errors.warning_count, 1);
    ck_assert_int_eq(errors.list[0].severity, YAML_WARNING);
    ck_assert_str_eq(errors.list[0].place.file, "a.yaml");
    ck_assert_uint_eq(errors.list[0].place.line, 3);
    ck_assert_uint_eq(errors.list[0].place.column, 5);
    ck_assert_str_eq(errors.list[0].message, "rule 7 never matches");
    ck_assert_str_eq(errors.list[0].hint, "did you mean 'x'? (allowed: x)");
    yaml_support_expect(&errors, "warning",
        "a.yaml:3:5: warning: rule 7 never matches; did you mean 'x'? (allowed: x)\n");
}
END_TEST

START_TEST(entries_are_printed_by_place_then_arrival)
{
    yaml_errors_add(&errors, YAML_ERROR, place("b.yaml", 1, 1), "sixth");
    yaml_errors_add(&errors, YAML_ERROR, place("a.yaml", 10, 1), "fifth");
    yaml_errors_add(&errors, YAML_ERROR, place("a.yaml", 2, 9), "third");
    yaml_errors_add(&errors, YAML_ERROR, place("a.yaml", 2, 9), "fourth");
    yaml_errors_add(&errors, YAML_WARNING, place("a.yaml", 2, 1), "second");
    yaml_errors_add(&errors, YAML_ERROR, place("a.yaml", 0, 0), "first");
    yaml_support_expect(&errors, "order",
        "a.yaml: first\n"
        "a.yaml:2:1: warning: second\n"
        "a.yaml:2:9: third\n"
        "a.yaml:2:9: fourth\n"
        "a.yaml:10:1: fifth\n"
        "b.yaml:1:1: sixth\n");
}
END_TEST

START_TEST(hint_without_entry_is_ignored)
{
    yaml_errors_hint(&errors, "nobody");
    yaml_errors_add(&errors, YAML_ERROR, place("a.yaml", 1, 1), "one");
    yaml_errors_sort(&errors);
    yaml_errors_hint(&errors, "after sorting");
    yaml_support_expect(&errors, "no hint", "a.yaml:1:1: one\n");
}
END_TEST

static void
fill(enum yaml_severity severity, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        yaml_errors_add(&errors, severity, place("a.yaml", i + 1, 1), "entry %u", i);
    }
}

START_TEST(entries_above_the_cap_are_counted)
{
    fill(YAML_ERROR, YAML_ERRORS_MAX + 23);
    yaml_errors_hint(&errors, "for an entry that was not kept");

    ck_assert_uint_eq(errors.count, YAML_ERRORS_MAX);
    ck_assert_uint_eq(errors.more, 23);
    ck_assert_uint_eq(errors.error_count, YAML_ERRORS_MAX + 23);
    char *printed = yaml_support_printed(&errors);
    ck_assert_ptr_nonnull(strstr(printed, "a.yaml:100:1: entry 99\n... and 23 more\n"));
    free(printed);
}
END_TEST

START_TEST(error_takes_the_place_of_the_newest_warning)
{
    fill(YAML_WARNING, YAML_ERRORS_MAX);
    yaml_errors_add(&errors, YAML_ERROR, place("a.yaml", 500, 1), "the error");
    yaml_errors_hint(&errors, "its hint");
    yaml_errors_add(&errors, YAML_WARNING, place("a.yaml", 501, 1), "one more warning");

    ck_assert_uint_eq(errors.count, YAML_ERRORS_MAX);
    ck_assert_uint_eq(errors.more, 2);
    ck_assert_uint_eq(errors.error_count, 1);
    ck_assert_uint_eq(errors.warning_count, YAML_ERRORS_MAX + 1);
    char *printed = yaml_support_printed(&errors);
    ck_assert_ptr_nonnull(strstr(
        printed, ":99:1: warning: entry 98\na.yaml:500:1: the error; its hint\n... and 2 more\n"));
    free(printed);
}
END_TEST

static const struct safe_case {
    const char *name;
    const char *text;
    const char *safe;
} safe_cases[] = {
    { "letters of all sizes", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
        "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "line feed and tab", "a\nb\tc", "a\\nb\\tc" },
    { "escape sequence", "\x1b[2J", "\\x1b[2J" },
    { "delete", "a\x7f", "a\\x7f" },
    { "C1 control",
        "a\xc2\x9b"
        "b",
        "a\\x9bb" },
    { "no UTF-8", "caf\xe9", "caf\\xe9" },
    { "cut character", "\xe2\x82", "\\xe2\\x82" },
};

START_TEST(text_is_safe_to_print)
{
    const struct safe_case *c = &safe_cases[_i];
    yaml_errors_add(&errors, YAML_ERROR, place(c->text, 1, 1), "%s", c->text);
    yaml_errors_hint(&errors, "%s", c->text);
    ck_assert_msg(strcmp(errors.list[0].message, c->safe) == 0, "%s: got %s, want %s", c->name,
        errors.list[0].message, c->safe);
    ck_assert_str_eq(errors.list[0].place.file, c->safe);
    ck_assert_str_eq(errors.list[0].hint, c->safe);
}
END_TEST

START_TEST(long_text_is_cut)
{
    char text[4 * YAML_ERROR_TEXT_SIZE_MAX];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    yaml_errors_add(&errors, YAML_ERROR, place("a.yaml", 1, 1), "%s", text);
    for (int i = 0; i < 3; i++) {
        yaml_errors_hint(&errors, "%.700s", text);
    }
    const char *texts[] = { errors.list[0].message, errors.list[0].hint };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        ck_assert_uint_eq(strlen(texts[i]), YAML_ERROR_TEXT_SIZE_MAX);
        ck_assert_str_eq(&texts[i][YAML_ERROR_TEXT_SIZE_MAX - 4], "a...");
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("yaml_errors");
    TCase *tcase = tcase_create("yaml_errors");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, nothing_wrong_prints_nothing);
    tcase_add_test(tcase, entry_has_its_parts);
    tcase_add_test(tcase, entries_are_printed_by_place_then_arrival);
    tcase_add_test(tcase, hint_without_entry_is_ignored);
    tcase_add_test(tcase, entries_above_the_cap_are_counted);
    tcase_add_test(tcase, error_takes_the_place_of_the_newest_warning);
    tcase_add_loop_test(tcase, text_is_safe_to_print, 0, (int)COUNT_OF(safe_cases));
    tcase_add_test(tcase, long_text_is_cut);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
