/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_log_sink.c - a fact becomes one line, whatever a peer put into it, and not too many of them.
 */
#include "host/log_sink.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

/* 2026-11-22T10:06:01.123Z */
#define START_WALL_NS (INT64_C(1795341961) * (int64_t)SEC_NS + INT64_C(123) * (int64_t)MS_NS)

struct desk {
    struct log_sink sink;
    struct now now;
    char *text;
    size_t size;
    FILE *out;
};

static struct now
desk_clock(void *owner)
{
    const struct desk *desk = owner;
    return desk->now;
}

static void
desk_open(struct desk *desk, enum log_level level, enum log_sink_format format)
{
    *desk = (struct desk){ .now = { .wall = { START_WALL_NS }, .mono = { 5 * SEC_NS } } };
    desk->out = open_memstream(&desk->text, &desk->size);
    ck_assert_ptr_nonnull(desk->out);
    log_sink_init(&desk->sink, &(struct log_sink_config){ .out = desk->out,
                                   .level = level,
                                   .format = format,
                                   .clock = desk_clock,
                                   .clock_owner = desk });
}

/* What was written, to be freed with the desk. */
static const char *
desk_read(struct desk *desk)
{
    ck_assert_int_eq(fflush(desk->out), 0);
    return desk->text;
}

static void
desk_pass(struct desk *desk, uint64_t time_ns)
{
    desk->now.mono.ns += time_ns;
    desk->now.wall.ns += (int64_t)time_ns;
}

static void
desk_close(struct desk *desk)
{
    log_sink_destroy(&desk->sink);
    ck_assert_int_eq(fclose(desk->out), 0);
    free(desk->text);
}

static size_t
lines_with(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

#define STAMP "2026-11-22T10:06:01.123Z "

START_TEST(facts_become_lines_of_text)
{
    struct desk desk;
    desk_open(&desk, LOG_LEVEL_DEBUG, LOG_SINK_TEXT);
    struct log *log = &desk.sink.log;
    LOG_INFO(log, "link.up", LOG_TEXT("link", "eu"), LOG_MS("took_ms", 12 * MS_NS));
    LOG_ERROR(log, "a.b", LOG_TEXT("text", "two words"), LOG_TEXT("empty", ""));
    LOG_WARN(log, "w", LOG_TEXT("q", "say \"hi\"\\"), LOG_TEXT("e", "a=b"));
    LOG_DEBUG(log, "d", LOG_U64("n", UINT64_MAX));
    ck_assert_str_eq(desk_read(&desk), STAMP
        "info  link.up link=eu took_ms=12\n" STAMP "error a.b text=\"two words\" empty=\"\"\n" STAMP
        "warn  w q=\"say \\\"hi\\\"\\\\\" e=\"a=b\"\n" STAMP "debug d n=18446744073709551615\n");
    desk_close(&desk);
}
END_TEST

START_TEST(facts_become_lines_of_json)
{
    struct desk desk;
    desk_open(&desk, LOG_LEVEL_INFO, LOG_SINK_JSON);
    LOG_INFO(&desk.sink.log, "link.up", LOG_TEXT("link", "e\"u\n"), LOG_U64("n", 12),
        LOG_TEXT("bad", "\xff!"));
    ck_assert_str_eq(desk_read(&desk),
        "{\"time\":\"2026-11-22T10:06:01.123Z\",\"level\":\"info\",\"event\":\"link.up\","
        "\"link\":\"e\\\"u\\n\",\"n\":12,\"bad\":\"\xef\xbf\xbd!\"}\n");
    desk_close(&desk);
}
END_TEST

START_TEST(more_detailed_levels_are_not_written)
{
    struct desk desk;
    desk_open(&desk, LOG_LEVEL_WARN, LOG_SINK_TEXT);
    LOG_INFO(&desk.sink.log, "no", LOG_U64("n", 1));
    LOG_WARN(&desk.sink.log, "yes", LOG_U64("n", 1));
    ck_assert_str_eq(desk_read(&desk), STAMP "warn  yes n=1\n");
    desk_close(&desk);
}
END_TEST

static const struct shown {
    const char *name;
    const char *text;
    const char *want;
} shown[] = {
    { "a line break", "a\nb", "\"a\\nb\"" },
    { "a tab", "a\tb", "\"a\\tb\"" },
    { "an escape sequence", "\033[31mred", "\"\\x1b[31mred\"" },
    { "a delete", "\177", "\"\\x7f\"" },
    { "not UTF-8", "caf\xe9", "\"caf\\xe9\"" },
    { "UTF-8", "caf\xc3\xa9", "\"caf\xc3\xa9\"" },
    { "a control character above 0x7f",
        "\xc2\x9b"
        "1m",
        "\"\\xc2\\x9b1m\"" },
    { "text that turns around",
        "a\xe2\x80\xae"
        "b",
        "\"a\\xe2\\x80\\xae"
        "b\"" },
    { "an isolate", "\xe2\x81\xa6", "\"\\xe2\\x81\\xa6\"" },
    { "a line separator", "\xe2\x80\xa8", "\"\\xe2\\x80\\xa8\"" },
};

START_TEST(texts_of_peers_stay_in_their_line)
{
    struct desk desk;
    char want[256];
    desk_open(&desk, LOG_LEVEL_INFO, LOG_SINK_TEXT);
    LOG_INFO(&desk.sink.log, "x", LOG_TEXT("t", shown[_i].text));
    (void)snprintf(want, sizeof(want), STAMP "info  x t=%s\n", shown[_i].want);
    ck_assert_msg(
        strcmp(desk_read(&desk), want) == 0, "%s: got %s want %s", shown[_i].name, desk.text, want);
    desk_close(&desk);
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    static const enum log_sink_format formats[] = { LOG_SINK_TEXT, LOG_SINK_JSON };
    char text[1024] = "";
    char want[300];
    struct desk desk;
    memset(text, 'a', LOG_SINK_TEXT_SIZE_MAX - 1);
    (void)strcat(text, "\xc3\xa9 and more");
    memset(want, 'a', LOG_SINK_TEXT_SIZE_MAX - 1);
    (void)strcpy(&want[LOG_SINK_TEXT_SIZE_MAX - 1], "...\"");
    desk_open(&desk, LOG_LEVEL_INFO, formats[_i]);
    LOG_INFO(&desk.sink.log, "x", LOG_TEXT("t", text));
    ck_assert_msg(strstr(desk_read(&desk), want) != NULL, "got %s", desk.text);
    ck_assert_ptr_null(strstr(desk.text, "more"));
    desk_close(&desk);
}
END_TEST

START_TEST(a_text_of_the_largest_size_is_whole)
{
    char text[LOG_SINK_TEXT_SIZE_MAX + 1] = "";
    struct desk desk;
    memset(text, 'a', LOG_SINK_TEXT_SIZE_MAX);
    desk_open(&desk, LOG_LEVEL_INFO, LOG_SINK_TEXT);
    LOG_INFO(&desk.sink.log, "x", LOG_TEXT("t", text));
    ck_assert_ptr_nonnull(strstr(desk_read(&desk), text));
    ck_assert_ptr_null(strstr(desk.text, "..."));
    desk_close(&desk);
}
END_TEST

START_TEST(many_lines_of_one_name_are_counted_instead)
{
    struct desk desk;
    desk_open(&desk, LOG_LEVEL_INFO, LOG_SINK_TEXT);
    struct log *log = &desk.sink.log;
    for (int i = 0; i < 50; i++) {
        LOG_INFO(log, "flood", LOG_U64("i", (uint64_t)i));
    }
    LOG_INFO(log, "other", LOG_U64("i", 1));
    ck_assert_uint_eq(lines_with(desk_read(&desk), " flood "), LOG_SINK_RATE_MAX);
    ck_assert_uint_eq(lines_with(desk.text, " other "), 1);
    ck_assert_uint_eq(lines_with(desk.text, "log.suppressed"), 0);

    desk_pass(&desk, LOG_SINK_RATE_NS);
    LOG_INFO(log, "other", LOG_U64("i", 2));
    ck_assert_uint_eq(lines_with(desk_read(&desk), "log.suppressed name=flood lines=30\n"), 1);
    const char *told = strstr(desk.text, "log.suppressed");
    ck_assert_ptr_nonnull(strstr(told, "other i=2"));

    for (int i = 0; i < 21; i++) {
        LOG_INFO(log, "flood", LOG_U64("again", (uint64_t)i));
    }
    ck_assert_uint_eq(lines_with(desk_read(&desk), " again="), LOG_SINK_RATE_MAX);
    desk_close(&desk);
}
END_TEST

START_TEST(what_is_suppressed_at_the_end_is_told)
{
    struct desk desk;
    desk_open(&desk, LOG_LEVEL_INFO, LOG_SINK_JSON);
    for (int i = 0; i < 25; i++) {
        LOG_INFO(&desk.sink.log, "flood", LOG_U64("i", (uint64_t)i));
    }
    log_sink_destroy(&desk.sink);
    ck_assert_uint_eq(lines_with(desk_read(&desk),
                          "\"event\":\"log.suppressed\",\"name\":\"flood\",\"lines\":5}\n"),
        1);
    desk_close(&desk);
}
END_TEST

START_TEST(names_beyond_the_table_are_not_limited)
{
    static char names[LOG_SINK_NAMES_MAX + 1][16];
    struct desk desk;
    desk_open(&desk, LOG_LEVEL_INFO, LOG_SINK_TEXT);
    for (unsigned i = 0; i <= LOG_SINK_NAMES_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%u", i);
        LOG_INFO(&desk.sink.log, names[i], LOG_U64("i", i));
    }
    for (int i = 0; i < 30; i++) {
        LOG_INFO(&desk.sink.log, names[LOG_SINK_NAMES_MAX], LOG_U64("again", (uint64_t)i));
    }
    ck_assert_uint_eq(lines_with(desk_read(&desk), " again="), 30);
    desk_close(&desk);
}
END_TEST

static const struct {
    int64_t ns;
    const char *want;
} times[] = {
    { 0, "1970-01-01T00:00:00.000Z" },
    { -1, "1969-12-31T23:59:59.999Z" },
    { INT64_C(951826154999999999), "2000-02-29T12:09:14.999Z" },
    { INT64_MAX, "2262-04-11T23:47:16.854Z" },
    { INT64_MIN, "1677-09-21T00:12:43.145Z" },
};

START_TEST(times_are_utc_with_milliseconds)
{
    ck_assert_str_eq(log_sink_time((struct wall){ times[_i].ns }).text, times[_i].want);
}
END_TEST

START_TEST(levels_have_names)
{
    ck_assert_str_eq(log_sink_level_name(LOG_LEVEL_ERROR), "error");
    ck_assert_str_eq(log_sink_level_name(LOG_LEVEL_WARN), "warn");
    ck_assert_str_eq(log_sink_level_name(LOG_LEVEL_INFO), "info");
    ck_assert_str_eq(log_sink_level_name(LOG_LEVEL_DEBUG), "debug");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("log_sink");
    TCase *tests = tcase_create("log_sink");
    tcase_add_test(tests, facts_become_lines_of_text);
    tcase_add_test(tests, facts_become_lines_of_json);
    tcase_add_test(tests, more_detailed_levels_are_not_written);
    tcase_add_loop_test(tests, texts_of_peers_stay_in_their_line, 0, (int)COUNT_OF(shown));
    tcase_add_loop_test(tests, long_texts_are_cut_between_characters, 0, 2);
    tcase_add_test(tests, a_text_of_the_largest_size_is_whole);
    tcase_add_test(tests, many_lines_of_one_name_are_counted_instead);
    tcase_add_test(tests, what_is_suppressed_at_the_end_is_told);
    tcase_add_test(tests, names_beyond_the_table_are_not_limited);
    tcase_add_loop_test(tests, times_are_utc_with_milliseconds, 0, (int)COUNT_OF(times));
    tcase_add_test(tests, levels_have_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
