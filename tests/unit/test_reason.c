/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_reason.c - texts for humans: cut, never overrun, and printable whatever a peer sends.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/reason.h"
#include "tests/support/check_failed.h"

START_TEST(reason_is_cut_at_its_size)
{
    char text[2 * REASON_SIZE];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct reason reason;
    reason_set(&reason, "%s", text);
    ck_assert_uint_eq(strlen(reason.text), REASON_SIZE - 1);
    reason_add(&reason, "more");
    ck_assert_uint_eq(strlen(reason.text), REASON_SIZE - 1);
    reason_set(&reason, "%d", 1);
    reason_add(&reason, "; %d", 2);
    ck_assert_str_eq(reason.text, "1; 2");
}
END_TEST

static const struct escape_case {
    const char *name;
    struct span text;
    const char *want;
} escape_cases[] = {
    { "empty", { NULL, 0 }, "" },
    { "printable", { (const uint8_t *)"a b~!", 5 }, "a b~!" },
    { "new line", { (const uint8_t *)"a\nb", 3 }, "a?b" },
    { "terminal escape", { (const uint8_t *)"\x1b[2J", 4 }, "?[2J" },
    { "NUL", { (const uint8_t *)"a\0b", 3 }, "a?b" },
    { "DEL and above", { (const uint8_t *)"\x7f\x80\xff", 3 }, "???" },
};

START_TEST(escaped_text_is_printable)
{
    const struct escape_case *c = &escape_cases[_i];
    struct reason_escaped escaped = reason_escape(c->text);
    ck_assert_msg(strcmp(escaped.text, c->want) == 0, "%s: got \"%s\", want \"%s\"", c->name,
        escaped.text, c->want);
}
END_TEST

START_TEST(escaped_text_is_cut_with_a_mark)
{
    char text[REASON_PEER_SIZE + 1];
    memset(text, 'a', sizeof(text));
    for (size_t size = 0; size <= sizeof(text); size++) {
        struct reason_escaped escaped = reason_escape(span_from(text, size));
        bool fits = size <= REASON_PEER_SIZE - sizeof("...");
        ck_assert_uint_eq(strlen(escaped.text), fits ? size : REASON_PEER_SIZE - 1);
        ck_assert_int_eq(strstr(escaped.text, "...") != NULL, !fits);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("reason");
    TCase *tcase = tcase_create("text");

    tcase_add_test(tcase, reason_is_cut_at_its_size);
    tcase_add_loop_test(tcase, escaped_text_is_printable, 0, COUNT_OF(escape_cases));
    tcase_add_test(tcase, escaped_text_is_cut_with_a_mark);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
