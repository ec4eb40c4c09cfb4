/* SPDX-License-Identifier: Apache-2.0 */
/* test_utf8.c - every boundary of table 3-7. */
#include <check.h>
#include <stdlib.h>

#include "host/utf8.h"
#include "tests/support/check_failed.h"

static const struct utf8_case {
    const char *name;
    const char *text;
    size_t size;
} cases[] = {
    { "nothing", "", 0 },
    { "a letter", "ab", 1 },
    { "last of one byte", "\x7f", 1 },
    { "a continuation alone", "\x80", 0 },
    { "overlong of two", "\xc1\xbf", 0 },
    { "first of two", "\xc2\x80", 2 },
    { "last of two", "\xdf\xbf", 2 },
    { "two cut", "\xc2", 0 },
    { "two with a letter", "\xc2z", 0 },
    { "overlong of three", "\xe0\x9f\xbf", 0 },
    { "first of three", "\xe0\xa0\x80", 3 },
    { "before the surrogates", "\xed\x9f\xbf", 3 },
    { "a surrogate", "\xed\xa0\x80", 0 },
    { "after the surrogates", "\xee\x80\x80", 3 },
    { "third is no continuation", "\xe1\x80\xc0", 0 },
    { "three cut", "\xe1\x80", 0 },
    { "overlong of four", "\xf0\x8f\xbf\xbf", 0 },
    { "first of four", "\xf0\x90\x80\x80", 4 },
    { "last of all", "\xf4\x8f\xbf\xbf", 4 },
    { "above the last", "\xf4\x90\x80\x80", 0 },
    { "five bytes", "\xf8\x88\x80\x80\x80", 0 },
    { "fourth is no continuation", "\xf1\x80\x80z", 0 },
};

START_TEST(size_is_that_of_the_first_character)
{
    const struct utf8_case *c = &cases[_i];
    size_t size = utf8_size(span_from_text(c->text));
    ck_assert_msg(size == c->size, "%s: got %zu, want %zu", c->name, size, c->size);
}
END_TEST

START_TEST(text_is_valid_when_every_character_is)
{
    ck_assert(utf8_valid(SPAN("")));
    ck_assert(utf8_valid(SPAN("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z")));
    ck_assert(!utf8_valid(SPAN("a\xc3\xa9\xe2\x82")));
    ck_assert(!utf8_valid(SPAN("caf\xe9")));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tcase = tcase_create("utf8");
    tcase_add_loop_test(tcase, size_is_that_of_the_first_character, 0, (int)COUNT_OF(cases));
    tcase_add_test(tcase, text_is_valid_when_every_character_is);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
