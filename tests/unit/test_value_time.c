/* SPDX-License-Identifier: Apache-2.0 */
/* test_value_time.c - times: what is read of them, what is refused and why, and that they are written back. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/value.h"
#include "tests/support/check_failed.h"

#define SECONDS(seconds_) (INT64_C(seconds_) * (int64_t)SEC_NS)

static const struct time_case {
    const char *name;
    const char *text;
    enum value_result result;
    int64_t ns;
} time_cases[] = {
    { "the first", "1970-01-01T00:00:00Z", VALUE_OK, 0 },
    { "a date alone", "2026-12-01", VALUE_OK, SECONDS(1796083200) },
    { "UTC", "2026-12-01T00:00:00Z", VALUE_OK, SECONDS(1796083200) },
    { "east of it", "2027-01-01T00:00:00+01:00", VALUE_OK, SECONDS(1798758000) },
    { "west of it", "2026-11-30T18:30:00-05:30", VALUE_OK, SECONDS(1796083200) },
    { "no offset, with a sign", "2026-12-01T00:00:00-00:00", VALUE_OK, SECONDS(1796083200) },
    { "half a second", "2026-12-01T00:00:00.5Z", VALUE_OK, SECONDS(1796083200) + 500000000 },
    { "one ns", "2026-12-01T00:00:00.000000001Z", VALUE_OK, SECONDS(1796083200) + 1 },
    { "zeros after that", "2026-12-01T00:00:00.00000000100Z", VALUE_OK, SECONDS(1796083200) + 1 },
    { "a leap day", "2028-02-29", VALUE_OK, SECONDS(1835395200) },
    { "a leap day of a century", "2000-02-29", VALUE_OK, SECONDS(951782400) },
    { "after a century without", "2100-03-01", VALUE_OK, SECONDS(4107542400) },
    { "the last", "2261-12-31T23:59:59.999999999Z", VALUE_OK, SECONDS(9214646400) - 1 },

    { "empty", "", VALUE_MALFORMED, 0 },
    { "a word", "tomorrow", VALUE_MALFORMED, 0 },
    { "a number", "1796083200", VALUE_MALFORMED, 0 },
    { "short", "2026-12-1", VALUE_MALFORMED, 0 },
    { "slashes", "2026/12/01", VALUE_MALFORMED, 0 },
    { "no seconds", "2026-12-01T08:00Z", VALUE_MALFORMED, 0 },
    { "a space", "2026-12-01 08:00:00Z", VALUE_MALFORMED, 0 },
    { "small letters", "2026-12-01t08:00:00z", VALUE_MALFORMED, 0 },
    { "a point without digits", "2026-12-01T08:00:00.Z", VALUE_MALFORMED, 0 },
    { "text behind", "2026-12-01T08:00:00Z.", VALUE_MALFORMED, 0 },
    { "text behind a date", "2026-12-01Z", VALUE_MALFORMED, 0 },
    { "text behind an offset", "2026-12-01T08:00:00+01:000", VALUE_MALFORMED, 0 },
    { "an offset without a colon", "2026-12-01T08:00:00+0100", VALUE_MALFORMED, 0 },
    { "an offset in hours", "2026-12-01T08:00:00+01", VALUE_MALFORMED, 0 },
    { "a zone by name", "2026-12-01T08:00:00 CET", VALUE_MALFORMED, 0 },
    { "no offset", "2026-12-01T08:00:00", VALUE_NO_OFFSET, 0 },
    { "no offset behind a fraction", "2026-12-01T08:00:00.25", VALUE_NO_OFFSET, 0 },
    { "a tenth of a ns", "2026-12-01T08:00:00.0000000001Z", VALUE_TOO_FINE, 0 },
    { "month 0", "2026-00-01", VALUE_BAD_DATE, 0 },
    { "month 13", "2026-13-01", VALUE_BAD_DATE, 0 },
    { "day 0", "2026-12-00", VALUE_BAD_DATE, 0 },
    { "31 November", "2026-11-31", VALUE_BAD_DATE, 0 },
    { "29 February", "2026-02-29", VALUE_BAD_DATE, 0 },
    { "29 February of a century", "2100-02-29", VALUE_BAD_DATE, 0 },
    { "before the first", "1969-12-31", VALUE_BAD_DATE, 0 },
    { "before the first, in UTC", "1970-01-01T00:00:00+00:01", VALUE_BAD_DATE, 0 },
    { "after the last", "2262-01-01", VALUE_BAD_DATE, 0 },
    { "after the last, in UTC", "2261-12-31T23:59:59-00:01", VALUE_BAD_DATE, 0 },
    { "24 o'clock", "2026-12-01T24:00:00Z", VALUE_BAD_CLOCK, 0 },
    { "minute 60", "2026-12-01T08:60:00Z", VALUE_BAD_CLOCK, 0 },
    { "a leap second", "2026-12-31T23:59:60Z", VALUE_BAD_CLOCK, 0 },
    { "an offset of a day", "2026-12-01T08:00:00+24:00", VALUE_BAD_CLOCK, 0 },
    { "an offset of minute 60", "2026-12-01T08:00:00-01:60", VALUE_BAD_CLOCK, 0 },
};

START_TEST(time_is_exact_or_refused)
{
    const struct time_case *c = &time_cases[_i];
    struct wall time = { .ns = -4711 };
    enum value_result result = value_read_time(c->text, &time);
    int64_t want = c->result == VALUE_OK ? c->ns : -4711;
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->name, value_result_name(result),
        value_result_name(c->result));
    ck_assert_msg(time.ns == want, "%s: got %" PRId64 ", want %" PRId64, c->name, time.ns, want);
}
END_TEST

START_TEST(written_time_reads_the_same)
{
    static const int64_t some[] = { 0, 1, SECONDS(1) - 1, SECONDS(951782400),
        SECONDS(1796083200) + 500000000, SECONDS(4107542399), SECONDS(9214646400) - 1 };
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        struct wall time = { .ns = -1 };
        struct value_text written = value_write_time((struct wall){ .ns = some[i] });
        ck_assert_msg(value_read_time(written.text, &time) == VALUE_OK && time.ns == some[i],
            "%s: got %" PRId64, written.text, time.ns);
    }
}
END_TEST

/* Each day of 291 years, one after the other. */
START_TEST(no_day_is_left_out)
{
    char before[40] = "";
    for (int64_t day = 0; day < SECONDS(9214646400) / SECONDS(86400); day++) {
        struct wall time = { .ns = -1 };
        struct value_text written = value_write_time((struct wall){ .ns = SECONDS(86400) * day });
        ck_assert_int_eq(value_read_time(written.text, &time), VALUE_OK);
        ck_assert_int_eq(time.ns, SECONDS(86400) * day);
        ck_assert_msg(strcmp(before, written.text) < 0, "%s after %s", written.text, before);
        memcpy(before, written.text, sizeof(written.text));
    }
}
END_TEST

START_TEST(time_is_written_in_utc)
{
    ck_assert_str_eq(value_write_time((struct wall){ .ns = 0 }).text, "1970-01-01T00:00:00Z");
    ck_assert_str_eq(value_write_time((struct wall){ .ns = SECONDS(1796083200) + 50 }).text,
        "2026-12-01T00:00:00.00000005Z");
    ck_assert_str_eq(
        value_write_time((struct wall){ .ns = SECONDS(4107542399) }).text, "2100-02-28T23:59:59Z");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("value_time");
    TCase *tcase = tcase_create("value_time");

    tcase_add_loop_test(tcase, time_is_exact_or_refused, 0, (int)COUNT_OF(time_cases));
    tcase_add_test(tcase, written_time_reads_the_same);
    tcase_add_test(tcase, no_day_is_left_out);
    tcase_add_test(tcase, time_is_written_in_utc);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
