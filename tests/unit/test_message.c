/* SPDX-License-Identifier: Apache-2.0 */
/* test_message.c - tables of fields: every kind of field, every fault, and the two writers. */
#include <check.h>
#include <stdlib.h>

#include "core/message_fields.h"
#include "tests/support/check_failed.h"
#include "tests/support/wire.h"

static struct wire wire;
static struct json_doc doc;

/* One place for each kind of field. */
static struct places {
    struct span text;
    struct span name;
    struct span prose;
    int64_t integer;
    bool flag;
    struct wall time;
    bool has_time;
    uint64_t ttl_ns;
    struct text_list texts;
    struct span raw;
    struct span raw_array;
    struct span raw_object;
    uint32_t array;
    uint32_t object;
    uint32_t token;
    struct span required;
} places;

static void
start(void)
{
    wire_init(&wire);
    places = (struct places){ .text = SPAN("default"), .integer = 7 };
}

static void
stop(void)
{
    ck_assert(wire_destroy(&wire));
}

static enum message_result
read_places(const char *json)
{
    const struct field fields[] = {
        { FIELD_TEXT("text", &places.text) },
        { FIELD_NAME("name", &places.name) },
        { FIELD_PROSE("prose", &places.prose) },
        { FIELD_INTEGER("integer", &places.integer) },
        { FIELD_FLAG("flag", &places.flag) },
        { FIELD_TIME("time", &places.time), FIELD_SEEN(&places.has_time) },
        { FIELD_TTL("ttl", &places.ttl_ns) },
        { FIELD_TEXTS("texts", &places.texts, 3) },
        { FIELD_RAW("raw", &places.raw) },
        { FIELD_RAW_ARRAY("raw_array", &places.raw_array) },
        { FIELD_RAW_OBJECT("raw_object", &places.raw_object) },
        { FIELD_ARRAY("array", &places.array, 2) },
        { FIELD_OBJECT("object", &places.object) },
        { FIELD_TOKEN("token", &places.token) },
        { FIELD_TEXT("required", &places.required), FIELD_REQUIRED },
    };
    struct message_reader reader = { &doc, &wire.arena, &wire.fault };
    ck_assert_int_eq(json_scan(span_from_text(json), NULL, 0, &wire.tape, &doc, NULL), JSON_OK);
    return message_read(&reader, 0, "whole", fields, COUNT_OF(fields));
}

#define ck_assert_span(got_, want_)                                                                \
    ck_assert_msg(span_is((got_), (want_)), "got %.*s, want %s", SPAN_ARGS(got_), (want_))

START_TEST(every_kind_of_field_finds_its_place)
{
    ck_assert_int_eq(
        read_places("{\"text\":\"t\\u0041\",\"name\":\"n\",\"prose\":\"p\",\"integer\":-5,"
                    "\"flag\":true,\"time\":1.5,\"ttl\":120.0,\"texts\":[\"a\",\"\"],\"raw\":null,"
                    "\"raw_array\":[1, 2],\"raw_object\":{\"a\" :1},\"array\":[1,2],"
                    "\"object\":{},\"token\":null,\"required\":\"r\",\"unknown\":{}}"),
        MESSAGE_OK);
    ck_assert_span(places.text, "tA");
    ck_assert_span(places.name, "n");
    ck_assert_span(places.prose, "p");
    ck_assert_int_eq(places.integer, -5);
    ck_assert(places.flag);
    ck_assert_int_eq(places.time.ns, 1500000000);
    ck_assert(places.has_time);
    ck_assert_uint_eq(places.ttl_ns, UINT64_C(120000000000));
    ck_assert_uint_eq(places.texts.count, 2);
    ck_assert_span(places.texts.items[0], "a");
    ck_assert_span(places.texts.items[1], "");
    ck_assert_span(places.raw, "null");
    ck_assert_span(places.raw_array, "[1, 2]");
    ck_assert_span(places.raw_object, "{\"a\" :1}");
    ck_assert_span(json_raw(&doc, places.array), "[1,2]");
    ck_assert_span(json_raw(&doc, places.object), "{}");
    ck_assert_span(json_raw(&doc, places.token), "null");
    ck_assert_span(places.required, "r");
}
END_TEST

START_TEST(absent_and_null_keep_the_default)
{
    static const char *const documents[] = {
        "{\"required\":\"r\"}",
        "{\"text\":null,\"name\":null,\"prose\":null,\"integer\":null,\"flag\":null,"
        "\"time\":null,\"ttl\":null,\"texts\":null,\"raw_array\":null,"
        "\"raw_object\":null,\"array\":null,\"object\":null,\"required\":\"r\"}",
    };
    ck_assert_int_eq(read_places(documents[_i]), MESSAGE_OK);
    ck_assert_span(places.text, "default");
    ck_assert_int_eq(places.integer, 7);
    ck_assert(!places.has_time);
    ck_assert_uint_eq(places.texts.count, 0);
    ck_assert_ptr_null(places.raw.data);
    ck_assert_ptr_null(places.raw_object.data);
    ck_assert_uint_eq(places.array, 0);
    ck_assert_uint_eq(places.object, 0);
    ck_assert_uint_eq(places.token, 0);
}
END_TEST

START_TEST(negative_ttl_is_over_at_once)
{
    places.ttl_ns = 9;
    ck_assert_int_eq(read_places("{\"ttl\":-3,\"required\":\"\"}"), MESSAGE_OK);
    ck_assert_uint_eq(places.ttl_ns, 0);
}
END_TEST

static const struct fault_case {
    const char *json;
    enum message_result result;
    const char *key;
} fault_cases[] = {
    { "[]", MESSAGE_NOT_OBJECT, "whole" },
    { "{}", MESSAGE_MISSING, "required" },
    { "{\"required\":null}", MESSAGE_MISSING, "required" },
    { "{\"required\":1}", MESSAGE_BAD_TYPE, "required" },
    { "{\"required\":\"\",\"requ\\u0069red\":\"\"}", MESSAGE_DUPLICATE_KEY, "required" },
    { "{\"text\":[]}", MESSAGE_BAD_TYPE, "text" },
    { "{\"name\":\"\"}", MESSAGE_BAD_VALUE, "name" },
    { "{\"name\":false}", MESSAGE_BAD_TYPE, "name" },
    { "{\"prose\":1}", MESSAGE_BAD_TYPE, "prose" },
    { "{\"integer\":\"5\"}", MESSAGE_BAD_TYPE, "integer" },
    { "{\"integer\":1.5}", MESSAGE_BAD_VALUE, "integer" },
    { "{\"integer\":9007199254740993}", MESSAGE_BAD_VALUE, "integer" },
    { "{\"integer\":-9007199254740993}", MESSAGE_BAD_VALUE, "integer" },
    { "{\"integer\":1e300}", MESSAGE_BAD_VALUE, "integer" },
    { "{\"flag\":1}", MESSAGE_BAD_TYPE, "flag" },
    { "{\"time\":\"now\"}", MESSAGE_BAD_TYPE, "time" },
    { "{\"time\":1e30}", MESSAGE_BAD_VALUE, "time" },
    { "{\"ttl\":[]}", MESSAGE_BAD_TYPE, "ttl" },
    { "{\"ttl\":1e30}", MESSAGE_BAD_VALUE, "ttl" },
    { "{\"texts\":\"a\"}", MESSAGE_BAD_TYPE, "texts" },
    { "{\"texts\":[\"a\",1]}", MESSAGE_BAD_TYPE, "texts" },
    { "{\"texts\":[\"a\",null]}", MESSAGE_BAD_TYPE, "texts" },
    { "{\"texts\":[\"a\",\"b\",\"c\",\"d\"]}", MESSAGE_TOO_LARGE, "texts" },
    { "{\"raw_array\":{}}", MESSAGE_BAD_TYPE, "raw_array" },
    { "{\"raw_object\":[]}", MESSAGE_NOT_OBJECT, "raw_object" },
    { "{\"array\":{}}", MESSAGE_BAD_TYPE, "array" },
    { "{\"array\":[1,2,3]}", MESSAGE_TOO_LARGE, "array" },
    { "{\"object\":[]}", MESSAGE_NOT_OBJECT, "object" },
};

START_TEST(fault_names_the_key)
{
    const struct fault_case *c = &fault_cases[_i];
    enum message_result result = read_places(c->json);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->json, message_result_name(result),
        message_result_name(c->result));
    ck_assert_int_eq(wire.fault.result, result);
    ck_assert_msg(strcmp(wire.fault.key, c->key) == 0, "%s: got %s", c->json, wire.fault.key);
}
END_TEST

/* A text of `count` characters, each written as `character`. */
static enum message_result
read_long_text(size_t count, const char *character)
{
    buf_reset(&wire.out);
    buf_add_text(&wire.out, "{\"text\":\"");
    for (size_t i = 0; i < count; i++) {
        buf_add_text(&wire.out, character);
    }
    buf_add(&wire.out, SPAN("\",\"required\":\"\"}\0"));
    ck_assert(!wire.out.overflowed);
    return read_places((const char *)wire.out.data);
}

START_TEST(text_is_capped_by_what_it_says)
{
    ck_assert_int_eq(read_long_text(NAME_SIZE_MAX, "a"), MESSAGE_OK);
    ck_assert_int_eq(read_long_text(NAME_SIZE_MAX + 1, "a"), MESSAGE_TOO_LARGE);
    ck_assert_int_eq(read_long_text(NAME_SIZE_MAX, "\\u0041"), MESSAGE_OK);
    ck_assert_uint_eq(places.text.size, NAME_SIZE_MAX);
    ck_assert_int_eq(read_long_text(NAME_SIZE_MAX + 1, "\\u0041"), MESSAGE_TOO_LARGE);
    ck_assert_int_eq(read_long_text(NAME_SIZE_MAX, "\\u00e9"), MESSAGE_TOO_LARGE);
}
END_TEST

START_TEST(without_memory_the_fault_says_so)
{
    static const char *const documents[] = {
        "{\"text\":\"\\t\",\"required\":\"\"}",
        "{\"prose\":\"\\t\",\"required\":\"\"}",
        "{\"texts\":[\"a\"],\"required\":\"\"}",
        "{\"texts\":[],\"required\":\"\"}",
    };
    const char *keys[] = { "text", "prose", "texts", "texts" };
    ck_assert_int_eq(
        json_scan(span_from_text(documents[_i]), NULL, 0, &wire.tape, &doc, NULL), JSON_OK);
    wire.mem.cap = wire.mem.used;
    ck_assert_int_eq(read_places(documents[_i]), MESSAGE_NO_MEMORY);
    ck_assert_str_eq(wire.fault.key, keys[_i]);
}
END_TEST

START_TEST(every_result_has_a_name)
{
    static const char *const names[] = { "ok", "not_json", "not_object", "missing", "bad_type",
        "bad_value", "duplicate_key", "too_large", "no_memory" };
    for (int i = 0; i <= MESSAGE_NO_MEMORY; i++) {
        ck_assert_str_eq(message_result_name((enum message_result)i), names[i]);
    }
}
END_TEST

START_TEST(joined_parts_are_one_string)
{
    const struct span parts[] = { SPAN("a\""), SPAN(""), SPAN("\n\xc3\xa9"), SPAN("z") };
    struct json_writer writer = json_write_into(&wire.out);
    json_begin_array(&writer);
    message_write_joined(&writer, parts, COUNT_OF(parts));
    message_write_joined(&writer, parts, 1);
    json_end_array(&writer);
    ck_assert_span(buf_span(&wire.out), "[\"a\\\"\\n\xc3\xa9z\",\"a\\\"\"]");
}
END_TEST

START_TEST(joined_parts_that_do_not_fit_overflow)
{
    const struct span parts[] = { SPAN("abc"), SPAN("defghi") };
    for (size_t size_max = 0; size_max < 12; size_max++) {
        struct buf out;
        buf_init(&out, &wire.mem, size_max);
        struct json_writer writer = json_write_into(&out);
        message_write_joined(&writer, parts, COUNT_OF(parts));
        ck_assert(out.overflowed);
        buf_destroy(&out);
    }
}
END_TEST

START_TEST(empty_optional_text_is_null)
{
    struct json_writer writer = json_write_into(&wire.out);
    json_begin_object(&writer);
    message_write_optional(&writer, "a", SPAN(""));
    message_write_optional(&writer, "b", SPAN("x"));
    json_end_object(&writer);
    ck_assert_span(buf_span(&wire.out), "{\"a\":null,\"b\":\"x\"}");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("message");
    TCase *tcase = tcase_create("message");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, every_kind_of_field_finds_its_place);
    tcase_add_loop_test(tcase, absent_and_null_keep_the_default, 0, 2);
    tcase_add_test(tcase, negative_ttl_is_over_at_once);
    tcase_add_loop_test(tcase, fault_names_the_key, 0, (int)COUNT_OF(fault_cases));
    tcase_add_test(tcase, text_is_capped_by_what_it_says);
    tcase_add_loop_test(tcase, without_memory_the_fault_says_so, 0, 4);
    tcase_add_test(tcase, every_result_has_a_name);
    tcase_add_test(tcase, joined_parts_are_one_string);
    tcase_add_test(tcase, joined_parts_that_do_not_fit_overflow);
    tcase_add_test(tcase, empty_optional_text_is_null);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
