/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_read.c - reading a scanned document: texts, numbers, wanted members. */
#include <check.h>
#include <stdlib.h>

#include "core/json_scan.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct json_tape tape;
static struct arena arena;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    json_tape_init(&tape, &mem);
    arena_init(&arena, &mem);
}

static void
stop(void)
{
    json_tape_destroy(&tape);
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}

static struct json_doc
scan_ok(struct span text)
{
    struct json_doc doc = { 0 };
    struct json_error error = { 0 };
    enum json_result result = json_scan(text, NULL, 0, &tape, &doc, &error);
    ck_assert_msg(result == JSON_OK, "%.*s: got %s at %zu", SPAN_ARGS(text),
        json_result_name(result), error.at);
    return doc;
}

static const struct text_case {
    const char *name;
    const char *json;
    struct span want;
} text_cases[] = {
#define TEXT(name_, json_, want_)                                                                  \
    {                                                                                              \
        name_, json_,                                                                              \
        {                                                                                          \
            (const uint8_t *)("" want_), sizeof(want_) - 1                                         \
        }                                                                                          \
    }
    TEXT("empty", "\"\"", ""),
    TEXT("plain", "\"gpu\"", "gpu"),
    TEXT("UTF-8 as it is", "\"\xc3\xa9\"", "\xc3\xa9"),
    TEXT("short escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"),
    TEXT("one byte", "\"\\u0041\\u007f\"", "A\x7f"),
    TEXT("NUL", "\"a\\u0000b\"", "a\0b"),
    TEXT("two bytes", "\"\\u0080\\u07ff\"", "\xc2\x80\xdf\xbf"),
    TEXT("three bytes", "\"\\u0800\\uffff\"", "\xe0\xa0\x80\xef\xbf\xbf"),
    TEXT("four bytes", "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"),
    TEXT("last character", "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"),
    TEXT("escape between text", "\"a\\tb\\nc\"", "a\tb\nc"),
    TEXT("escape at both ends", "\"\\ta\\n\"", "\ta\n"),
#undef TEXT
};

START_TEST(text_is_decoded)
{
    const struct text_case *c = &text_cases[_i];
    struct json_doc doc = scan_ok(span_from_text(c->json));
    struct span got = json_read_text(&doc, 0, &arena);
    ck_assert_ptr_nonnull(got.data);
    ck_assert_msg(span_equal(got, c->want), "%s: got %.*s", c->name, SPAN_ARGS(got));
    ck_assert_msg(json_text_is(&doc, 0, c->want), "%s: is not itself", c->name);
}
END_TEST

START_TEST(text_differs_from_all_but_itself)
{
    struct json_doc doc = scan_ok(SPAN("[\"gpu\",\"g\\u0070u\",\"\\ud83d\\ude00\",1]"));
    static const char *const others[] = { "", "g", "gp", "gpux", "gpv", "Gpu" };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        ck_assert_msg(!json_text_is(&doc, 1, span_from_text(others[i])), "plain: %s", others[i]);
        ck_assert_msg(!json_text_is(&doc, 2, span_from_text(others[i])), "escaped: %s", others[i]);
    }
    ck_assert(json_text_is(&doc, 2, SPAN("gpu")));
    ck_assert(!json_text_is(&doc, 3, SPAN("\xf0\x9f\x98")));
    ck_assert(!json_text_is(&doc, 4, SPAN("1")));
}
END_TEST

START_TEST(text_borrows_what_has_no_escape)
{
    struct span text = SPAN("\"plain\"");
    struct json_doc doc = scan_ok(text);
    size_t used = mem.used;
    ck_assert_ptr_eq(json_read_text(&doc, 0, &arena).data, &text.data[1]);
    ck_assert_uint_eq(mem.used, used);
}
END_TEST

START_TEST(decoding_without_memory_is_null)
{
    struct json_doc doc = scan_ok(SPAN("\"a\\n\""));
    mem.cap = mem.used;
    ck_assert_ptr_null(json_read_text(&doc, 0, &arena).data);
}
END_TEST

static const struct number_case {
    const char *json;
    bool is_integer;
    int64_t integer;
    bool is_time;
    int64_t ns;
} number_cases[] = {
    { "0", true, 0, true, 0 },
    { "-0", true, 0, true, 0 },
    { "-0.0e5", true, 0, true, 0 },
    { "7", true, 7, true, 7000000000 },
    { "-7", true, -7, true, -7000000000 },
    { "1.0", true, 1, true, 1000000000 },
    { "1.5", false, 0, true, 1500000000 },
    { "1.5e1", true, 15, true, 15000000000 },
    { "1.5e3", true, 1500, true, 1500000000000 },
    { "1E-3", false, 0, true, 1000000 },
    { "1000E-3", true, 1, true, 1000000000 },
    { "1e+2", true, 100, true, 100000000000 },
    { "0.000000001", false, 0, true, 1 },
    { "0.0000000019", false, 0, true, 1 },
    { "-0.0000000019", false, 0, true, -1 },
    { "0.0000000009", false, 0, true, 0 },
    { "1732262400.123456", false, 0, true, 1732262400123456000 },
    { "1732262400.1234567891", false, 0, true, 1732262400123456789 },
    { "17322624001234567891e-10", false, 0, true, 1732262400123456789 },
    { "9223372036.854775807", false, 0, true, INT64_MAX },
    { "9223372036.854775808", false, 0, false, 0 },
    { "9223372036.8547758079", false, 0, true, INT64_MAX },
    { "-9223372036.854775808", false, 0, true, INT64_MIN },
    { "-9223372036.854775809", false, 0, false, 0 },
    { "9223372036854775807", true, INT64_MAX, false, 0 },
    { "9223372036854775808", false, 0, false, 0 },
    { "-9223372036854775808", true, INT64_MIN, false, 0 },
    { "-9223372036854775809", false, 0, false, 0 },
    { "99999999999999999999999999", false, 0, false, 0 },
    { "1e18", true, 1000000000000000000, false, 0 },
    { "1e19", false, 0, false, 0 },
    { "-1e19", false, 0, false, 0 },
    { "1e400", false, 0, false, 0 },
    { "1e999999999999999999999999", false, 0, false, 0 },
    { "1e-999999999999999999999999", false, 0, true, 0 },
    { "0e999999999999999999999999", true, 0, true, 0 },
    { "0.0000000000000000000000000001e28", true, 1, true, 1000000000 },
    { "10000000000000000000000000000e-28", true, 1, true, 1000000000 },
    { "10000000000000000000000000001e-28", false, 0, true, 1000000000 },
    { "\"1\"", false, 0, false, 0 },
    { "null", false, 0, false, 0 },
    { "[1]", false, 0, false, 0 },
};

START_TEST(numbers_are_exact)
{
    const struct number_case *c = &number_cases[_i];
    struct json_doc doc = scan_ok(span_from_text(c->json));
    int64_t integer = 4242;
    int64_t ns = 4242;
    bool is_integer = json_read_integer(&doc, 0, &integer);
    bool is_time = json_read_nanoseconds(&doc, 0, &ns);
    int64_t want_integer = c->is_integer ? c->integer : 4242;
    int64_t want_ns = c->is_time ? c->ns : 4242;
    ck_assert_msg(is_integer == c->is_integer && integer == want_integer, "%s: integer %lld",
        c->json, (long long)integer);
    ck_assert_msg(is_time == c->is_time && ns == want_ns, "%s: %lld ns", c->json, (long long)ns);
}
END_TEST

START_TEST(pick_finds_wanted_members)
{
    struct json_doc doc =
        scan_ok(SPAN("[{\"x\":[{\"b\":0}],\"a\":1,\"\\u0062\":{\"c\":2},\"y\":null,\"y\":null}]"));
    uint32_t a = 99;
    uint32_t b = 99;
    uint32_t c = 99;
    const struct json_want wants[] = {
        { SPAN("a"), &a },
        { SPAN("b"), &b },
        { SPAN("c"), &c },
    };
    ck_assert_int_eq(json_pick(&doc, 1, wants, COUNT_OF(wants), NULL), JSON_PICK_OK);
    ck_assert(span_is(json_raw(&doc, a), "1"));
    ck_assert(span_is(json_raw(&doc, b), "{\"c\":2}"));
    ck_assert_uint_eq(c, 0);
}
END_TEST

START_TEST(pick_wants_an_object)
{
    struct json_doc doc = scan_ok(SPAN("[1]"));
    uint32_t a = 99;
    const struct json_want wants[] = { { SPAN("a"), &a } };
    ck_assert_int_eq(json_pick(&doc, 0, wants, 1, NULL), JSON_PICK_NOT_OBJECT);
    ck_assert_uint_eq(a, 0);
    ck_assert_int_eq(json_pick(&doc, 1, wants, 1, NULL), JSON_PICK_NOT_OBJECT);
}
END_TEST

START_TEST(pick_refuses_a_wanted_key_twice)
{
    struct json_doc doc = scan_ok(SPAN("{\"a\":1,\"role\":2,\"\\u0072ole\":3}"));
    uint32_t role = 0;
    const struct json_want wants[] = { { SPAN("role"), &role } };
    struct span which = SPAN_NONE;
    ck_assert_int_eq(json_pick(&doc, 0, wants, 1, &which), JSON_PICK_DUPLICATE);
    ck_assert(span_is(which, "role"));
    ck_assert_int_eq(json_pick(&doc, 0, wants, 1, NULL), JSON_PICK_DUPLICATE);
}
END_TEST

static TCase *
read_tests(void)
{
    TCase *tcase = tcase_create("read");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, text_is_decoded, 0, (int)COUNT_OF(text_cases));
    tcase_add_test(tcase, text_differs_from_all_but_itself);
    tcase_add_test(tcase, text_borrows_what_has_no_escape);
    tcase_add_test(tcase, decoding_without_memory_is_null);
    tcase_add_loop_test(tcase, numbers_are_exact, 0, (int)COUNT_OF(number_cases));
    tcase_add_test(tcase, pick_finds_wanted_members);
    tcase_add_test(tcase, pick_wants_an_object);
    tcase_add_test(tcase, pick_refuses_a_wanted_key_twice);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("json_read");
    suite_add_tcase(suite, read_tests());

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
