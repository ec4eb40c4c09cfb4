/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_write.c - commas, escapes and numbers, byte for byte. */
#include <check.h>
#include <stdlib.h>

#include "core/json_scan.h"
#include "core/json_write.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct buf buf;
static struct json_writer writer;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    buf_init(&buf, &mem, 65536);
    writer = json_write_into(&buf);
}

static void
stop(void)
{
    buf_destroy(&buf);
    ck_assert_uint_eq(mem.used, 0);
}

static void
check_text(const char *name, const char *want)
{
    ck_assert(!buf.overflowed);
    ck_assert_msg(span_is(buf_span(&buf), want), "%s: got %.*s, want %s", name,
        SPAN_ARGS(buf_span(&buf)), want);
}

START_TEST(commas_stand_between_items_only)
{
    json_begin_object(&writer);
    json_write_key(&writer, "a");
    json_begin_array(&writer);
    json_write_u64(&writer, 1);
    json_write_i64(&writer, -2);
    json_begin_object(&writer);
    json_end_object(&writer);
    json_begin_array(&writer);
    json_end_array(&writer);
    json_write_bool(&writer, true);
    json_write_bool(&writer, false);
    json_write_null(&writer);
    json_end_array(&writer);
    json_write_key_span(&writer, SPAN("b"));
    json_write_text(&writer, "x");
    json_write_key(&writer, "c");
    json_write_raw(&writer, SPAN("[ 1 ]"));
    json_write_key(&writer, "d");
    json_write_seconds(&writer, 1);
    json_write_key(&writer, "e");
    json_begin_object(&writer);
    json_write_key(&writer, "f");
    json_write_null(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
    check_text("all kinds",
        "{\"a\":[1,-2,{},[],true,false,null],\"b\":\"x\",\"c\":[ 1 ],\"d\":0.000000001,"
        "\"e\":{\"f\":null}}");
}
END_TEST

START_TEST(single_value_is_a_document)
{
    json_write_text(&writer, "");
    check_text("empty string", "\"\"");
}
END_TEST

static const struct string_case {
    const char *name;
    struct span text;
    const char *want;
} string_cases[] = {
#define STRING(name_, text_, want_)                                                                \
    {                                                                                              \
        name_, { (const uint8_t *)("" text_), sizeof(text_) - 1 }, want_                           \
    }
    STRING("plain", "math.add", "\"math.add\""),
    STRING("quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\""),
    STRING("slash and DEL stay", "/\x7f", "\"/\x7f\""),
    STRING("short escapes", "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""),
    STRING("other control bytes", "\x01\x1f\x0b", "\"\\u0001\\u001f\\u000b\""),
    STRING("NUL", "a\0b", "\"a\\u0000b\""),
    STRING("UTF-8 stays", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
    STRING("lone continuation", "a\x80z", "\"a\xef\xbf\xbdz\""),
    STRING("cut character", "a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""),
    STRING("overlong", "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""),
    STRING("surrogate", "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
#undef STRING
};

START_TEST(strings_are_escaped)
{
    const struct string_case *c = &string_cases[_i];
    json_write_string(&writer, c->text);
    check_text(c->name, c->want);
}
END_TEST

START_TEST(keys_are_escaped)
{
    const struct string_case *c = &string_cases[_i];
    json_begin_object(&writer);
    json_write_key_span(&writer, c->text);
    json_write_null(&writer);
    json_end_object(&writer);
    struct span whole = buf_span(&buf);
    ck_assert_msg(span_is(span_part(whole, 1, whole.size - 7), c->want), "%s: got %.*s", c->name,
        SPAN_ARGS(whole));
}
END_TEST

START_TEST(any_bytes_give_valid_json)
{
    struct json_tape tape;
    struct json_doc doc;
    uint8_t bytes[2];
    json_tape_init(&tape, &mem);
    for (unsigned i = 0; i <= UINT16_MAX; i++) {
        bytes[0] = (uint8_t)(i >> 8);
        bytes[1] = (uint8_t)i;
        buf_reset(&buf);
        writer = json_write_into(&buf);
        json_write_string(&writer, span_from(bytes, sizeof(bytes)));
        enum json_result result = json_scan(buf_span(&buf), NULL, 0, &tape, &doc, NULL);
        ck_assert_msg(result == JSON_OK, "%04x: %s", i, json_result_name(result));
    }
    json_tape_destroy(&tape);
}
END_TEST

static const struct seconds_case {
    int64_t ns;
    const char *want;
} seconds_cases[] = {
    { 0, "0.0" },
    { 1, "0.000000001" },
    { -1, "-0.000000001" },
    { 120000000000, "120.0" },
    { 1250000000, "1.25" },
    { -1250000000, "-1.25" },
    { 100000000, "0.1" },
    { 10, "0.00000001" },
    { 1732262400123456000, "1732262400.123456" },
    { INT64_MAX, "9223372036.854775807" },
    { INT64_MIN, "-9223372036.854775808" },
};

START_TEST(seconds_are_exact_and_read_back)
{
    const struct seconds_case *c = &seconds_cases[_i];
    struct json_tape tape;
    struct json_doc doc;
    int64_t ns = 0;
    json_write_seconds(&writer, c->ns);
    check_text("seconds", c->want);
    json_tape_init(&tape, &mem);
    ck_assert_int_eq(json_scan(buf_span(&buf), NULL, 0, &tape, &doc, NULL), JSON_OK);
    ck_assert(json_read_nanoseconds(&doc, 0, &ns));
    ck_assert_int_eq(ns, c->ns);
    json_tape_destroy(&tape);
}
END_TEST

START_TEST(integers_reach_their_limits)
{
    json_begin_array(&writer);
    json_write_u64(&writer, 0);
    json_write_u64(&writer, UINT64_MAX);
    json_write_i64(&writer, INT64_MAX);
    json_write_i64(&writer, INT64_MIN);
    json_write_i64(&writer, 0);
    json_end_array(&writer);
    check_text("integers", "[0,18446744073709551615,9223372036854775807,-9223372036854775808,0]");
}
END_TEST

START_TEST(overflow_is_seen_at_the_end)
{
    buf.size_max = 8;
    json_begin_array(&writer);
    json_write_text(&writer, "0123456789");
    json_write_null(&writer);
    json_end_array(&writer);
    ck_assert(buf.overflowed);
    ck_assert_uint_le(buf.size, 8);
}
END_TEST

START_TEST(no_memory_is_an_overflow)
{
    mem.cap = 0;
    json_write_seconds(&writer, 5);
    ck_assert(buf.overflowed);
    ck_assert_uint_eq(buf.size, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("json_write");
    TCase *tcase = tcase_create("write");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, commas_stand_between_items_only);
    tcase_add_test(tcase, single_value_is_a_document);
    tcase_add_loop_test(tcase, strings_are_escaped, 0, (int)COUNT_OF(string_cases));
    tcase_add_loop_test(tcase, keys_are_escaped, 0, (int)COUNT_OF(string_cases));
    tcase_add_test(tcase, any_bytes_give_valid_json);
    tcase_add_loop_test(tcase, seconds_are_exact_and_read_back, 0, (int)COUNT_OF(seconds_cases));
    tcase_add_test(tcase, integers_reach_their_limits);
    tcase_add_test(tcase, overflow_is_seen_at_the_end);
    tcase_add_test(tcase, no_memory_is_an_overflow);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
