/* SPDX-License-Identifier: Apache-2.0 */
/* test_printable.c - what may be shown stays, and nothing steers a terminal. */
#include "host/printable.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"

static const struct row {
    const char *name;
    struct span text;
    char quote;
    const char *want;
    size_t width;
} rows[] = {
    { "empty", { NULL, 0 }, 0, "", 0 },
    { "plain", { (const uint8_t *)"a b", 3 }, 0, "a b", 3 },
    { "two bytes", { (const uint8_t *)"\xc3\xa9", 2 }, 0, "\xc3\xa9", 1 },
    { "four bytes", { (const uint8_t *)"\xf0\x9f\x98\x80", 4 }, 0, "\xf0\x9f\x98\x80", 1 },
    { "NUL", { (const uint8_t *)"a\0b", 3 }, 0, "a\\x00b", 6 },
    { "line feed and tab", { (const uint8_t *)"\n\t\r", 3 }, 0, "\\n\\t\\x0d", 8 },
    { "escape", { (const uint8_t *)"\033[0m", 4 }, 0, "\\x1b[0m", 7 },
    { "delete", { (const uint8_t *)"\177", 1 }, 0, "\\x7f", 4 },
    { "CSI in one character", { (const uint8_t *)"\xc2\x9b", 2 }, 0, "\\xc2\\x9b", 8 },
    { "after the controls", { (const uint8_t *)"\xc2\xa0", 2 }, 0, "\xc2\xa0", 1 },
    { "a torn character", { (const uint8_t *)"\xc3", 1 }, 0, "\\xc3", 4 },
    { "a lone continuation", { (const uint8_t *)"\xa9x", 2 }, 0, "\\xa9x", 5 },
    { "left-to-right mark", { (const uint8_t *)"\xe2\x80\x8e", 3 }, 0, "\\xe2\\x80\\x8e", 12 },
    { "a dash near by", { (const uint8_t *)"\xe2\x80\x94", 3 }, 0, "\xe2\x80\x94", 1 },
    { "paragraph separator", { (const uint8_t *)"\xe2\x80\xa9", 3 }, 0, "\\xe2\\x80\\xa9", 12 },
    { "override", { (const uint8_t *)"\xe2\x80\xae", 3 }, 0, "\\xe2\\x80\\xae", 12 },
    { "pop isolate", { (const uint8_t *)"\xe2\x81\xa9", 3 }, 0, "\\xe2\\x81\\xa9", 12 },
    { "quotes", { (const uint8_t *)"a\"\\", 3 }, '"', "a\\\"\\\\", 5 },
    { "no quotes", { (const uint8_t *)"a\"\\", 3 }, 0, "a\"\\", 3 },
};

START_TEST(texts_become_printable)
{
    const struct row *row = &rows[_i];
    struct mem mem;
    struct buf out;
    mem_init(&mem, 4096);
    buf_init(&out, &mem, 4096);
    printable_add(&out, row->text, row->quote);
    ck_assert_msg(span_is(buf_span(&out), row->want), "%s: got '%.*s' want '%s'", row->name,
        SPAN_ARGS(buf_span(&out)), row->want);
    ck_assert_msg(printable_width(buf_span(&out)) == row->width, "%s: width %zu", row->name,
        printable_width(buf_span(&out)));
    buf_destroy(&out);
}
END_TEST

static const struct cut {
    struct span text;
    size_t size_max;
    size_t want;
} cuts[] = {
    { { (const uint8_t *)"abc", 3 }, 3, 3 },
    { { (const uint8_t *)"abc", 3 }, 2, 2 },
    { { (const uint8_t *)"abc", 3 }, 0, 0 },
    { { (const uint8_t *)"a\xc3\xa9", 3 }, 2, 1 },
    { { (const uint8_t *)"\xf0\x9f\x98\x80", 4 }, 3, 0 },
    { { (const uint8_t *)"\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9", 8 }, 6, 2 },
};

START_TEST(texts_are_cut_between_characters)
{
    ck_assert_uint_eq(printable_cut(cuts[_i].text, cuts[_i].size_max).size, cuts[_i].want);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("printable");
    TCase *tests = tcase_create("printable");
    tcase_add_loop_test(tests, texts_become_printable, 0, (int)COUNT_OF(rows));
    tcase_add_loop_test(tests, texts_are_cut_between_characters, 0, (int)COUNT_OF(cuts));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
