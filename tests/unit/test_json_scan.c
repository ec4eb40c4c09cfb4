/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_scan.c - what is JSON and what is not, and the tokens of what is. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_scan.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct json_tape tape;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    json_tape_init(&tape, &mem);
}

static void
stop(void)
{
    json_tape_destroy(&tape);
    ck_assert_uint_eq(mem.used, 0);
}

/* A copy at the end of its allocation, so that sanitizers see every read behind it. */
static struct span
tight_copy(struct span text)
{
    uint8_t *copy = malloc(text.size > 0 ? text.size : 1);
    ck_assert_ptr_nonnull(copy);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return span_from(copy, text.size);
}

static void
free_copy(struct span copy)
{
    free((void *)(uintptr_t)copy.data);
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

static const char *const accepted[] = {
    "0",
    "-0",
    "0.0",
    "-1.5e+10",
    "1E-7",
    "123456789012345678901234567890",
    "null",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    " \t\r\n1 \t\r\n",
    "[]",
    "{}",
    " [ ] ",
    " { } ",
    "[1,2]",
    "[ 1 , 2 ]",
    "{\"a\":1}",
    " { \"a\" : 1 , \"b\" : [ { } ] } ",
    "{\"\":\"\"}",
    "{\"a\":1,\"a\":2}",
    "[[[[]]],{\"a\":{\"b\":{}}}]",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0000\\u001f\\uABCD\\uabcd\\ud7ff\\ue000\\uffff\"",
    "\"\\ud800\\udc00\\uDBFF\\uDFFF\"",
    "\"0123456789abcdef0123456789abcdef\"",
    "\"0123456789abcde\\n0123456789abcd\xc3\xa9ghi\"",
    "\"\x7f\"",
    "\"\xc2\x80\xdf\xbf\"",
    "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
    "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
};

START_TEST(json_is_accepted)
{
    struct span text = tight_copy(span_from_text(accepted[_i]));
    struct json_doc doc = scan_ok(text);
    ck_assert_uint_gt(doc.count, 0);
    ck_assert_uint_eq(doc.tokens[0].after, doc.count);
    free_copy(text);
}
END_TEST

/* Every beginning of a document that is not a number is no document. */
START_TEST(cut_documents_are_refused)
{
    static const char *const documents[] = {
        "{\"a\":[true,false,null,-1.5e+3,\"x\\n\\ud800\\udc00\xf0\x9f\x98\x80\"],\"b\":{}}",
        "[\"0123456789abcdef0123456789abcdef\",[1]]",
        "\"\\u0041\xc3\xa9\"",
        "true",
    };
    struct span whole = span_from_text(documents[_i]);
    for (size_t size = 0; size < whole.size; size++) {
        struct span text = tight_copy(span_part(whole, 0, size));
        struct json_doc doc = { 0 };
        struct json_error error = { 0 };
        enum json_result result = json_scan(text, NULL, 0, &tape, &doc, &error);
        ck_assert_msg(result != JSON_OK, "accepted %.*s", SPAN_ARGS(text));
        ck_assert_int_eq(error.result, result);
        ck_assert_uint_le(error.at, size);
        free_copy(text);
    }
}
END_TEST

static const struct refused_case {
    const char *name;
    struct span text;
    enum json_result result;
    size_t at;
} refused_cases[] = {
#define REFUSED(name_, text_, result_, at_)                                                        \
    {                                                                                              \
        name_, { (const uint8_t *)("" text_), sizeof(text_) - 1 }, result_, at_                    \
    }
    REFUSED("nothing", "", JSON_SYNTAX, 0),
    REFUSED("only space", " \n", JSON_SYNTAX, 2),
    REFUSED("two values", "1 2", JSON_SYNTAX, 2),
    REFUSED("bare word", "abc", JSON_SYNTAX, 0),
    REFUSED("literal misspelt", "trve", JSON_SYNTAX, 2),
    REFUSED("literal in capitals", "True", JSON_SYNTAX, 0),
    REFUSED("literal too long", "nulll", JSON_SYNTAX, 4),
    REFUSED("NaN", "NaN", JSON_SYNTAX, 0),
    REFUSED("infinity", "-Infinity", JSON_SYNTAX, 1),
    REFUSED("leading zero", "01", JSON_SYNTAX, 1),
    REFUSED("minus leading zero", "-01", JSON_SYNTAX, 2),
    REFUSED("plus", "+1", JSON_SYNTAX, 0),
    REFUSED("minus alone", "-", JSON_SYNTAX, 1),
    REFUSED("point without digit", "1.", JSON_SYNTAX, 2),
    REFUSED("point first", ".5", JSON_SYNTAX, 0),
    REFUSED("exponent without digit", "1e", JSON_SYNTAX, 2),
    REFUSED("exponent sign without digit", "1e+", JSON_SYNTAX, 3),
    REFUSED("exponent with point", "1e1.5", JSON_SYNTAX, 3),
    REFUSED("hexadecimal", "0x10", JSON_SYNTAX, 1),
    REFUSED("comma before bracket", "[1,]", JSON_SYNTAX, 3),
    REFUSED("comma before brace", "{\"a\":1,}", JSON_SYNTAX, 7),
    REFUSED("comma first", "[,1]", JSON_SYNTAX, 1),
    REFUSED("comma missing", "[1 2]", JSON_SYNTAX, 3),
    REFUSED("comma missing after container", "[[]1]", JSON_SYNTAX, 3),
    REFUSED("key without quotes", "{a:1}", JSON_SYNTAX, 1),
    REFUSED("number as key", "{1:1}", JSON_SYNTAX, 1),
    REFUSED("colon missing", "{\"a\" 1}", JSON_SYNTAX, 5),
    REFUSED("value missing", "{\"a\":}", JSON_SYNTAX, 5),
    REFUSED("key alone", "{\"a\"}", JSON_SYNTAX, 4),
    REFUSED("wrong closer", "[1}", JSON_SYNTAX, 2),
    REFUSED("wrong closer of object", "{\"a\":1]", JSON_SYNTAX, 6),
    REFUSED("closer alone", "]", JSON_SYNTAX, 0),
    REFUSED("closer too many", "[]]", JSON_SYNTAX, 2),
    REFUSED("colon in array", "[\"a\":1]", JSON_SYNTAX, 4),
    REFUSED("single quotes", "'a'", JSON_SYNTAX, 0),
    REFUSED("comment", "[] /* */", JSON_SYNTAX, 3),
    REFUSED("byte order mark", "\xef\xbb\xbf[]", JSON_SYNTAX, 0),
    REFUSED("form feed as space", "\f1", JSON_SYNTAX, 0),
    REFUSED("no-break space",
        "\xc2\xa0"
        "1",
        JSON_SYNTAX, 0),
    REFUSED("NUL after the value", "1\0", JSON_SYNTAX, 1),
    REFUSED("NUL in a string", "\"a\0b\"", JSON_SYNTAX, 2),
    REFUSED("newline in a string", "\"a\nb\"", JSON_SYNTAX, 2),
    REFUSED("unit separator in a long string", "\"0123456789abcdef\x1f\"", JSON_SYNTAX, 17),
    REFUSED("unclosed string", "\"a", JSON_SYNTAX, 2),
    REFUSED("lone continuation", "\"\x80\"", JSON_BAD_UTF8, 1),
    REFUSED("overlong slash", "\"a\xc0\xaf\"", JSON_BAD_UTF8, 2),
    REFUSED("overlong two bytes", "\"\xc1\xbf\"", JSON_BAD_UTF8, 1),
    REFUSED("overlong three bytes", "\"\xe0\x9f\xbf\"", JSON_BAD_UTF8, 1),
    REFUSED("overlong four bytes", "\"\xf0\x8f\xbf\xbf\"", JSON_BAD_UTF8, 1),
    REFUSED("surrogate as UTF-8", "\"\xed\xa0\x80\"", JSON_BAD_UTF8, 1),
    REFUSED("above U+10FFFF", "\"\xf4\x90\x80\x80\"", JSON_BAD_UTF8, 1),
    REFUSED("lead byte f5", "\"\xf5\x80\x80\x80\"", JSON_BAD_UTF8, 1),
    REFUSED("byte ff", "\"\xff\"", JSON_BAD_UTF8, 1),
    REFUSED("cut two bytes", "\"\xc3\"", JSON_BAD_UTF8, 1),
    REFUSED("cut three bytes", "\"\xe2\x82\"", JSON_BAD_UTF8, 1),
    REFUSED("cut four bytes", "\"\xf0\x9f\x98\"", JSON_BAD_UTF8, 1),
    REFUSED("bad UTF-8 in a key", "{\"\xff\":1}", JSON_BAD_UTF8, 2),
    REFUSED("unknown escape", "\"\\x\"", JSON_BAD_ESCAPE, 1),
    REFUSED("capital escape", "\"\\N\"", JSON_BAD_ESCAPE, 1),
    REFUSED("escaped NUL byte", "\"\\\0\"", JSON_BAD_ESCAPE, 1),
    REFUSED("short unicode escape", "\"\\u12\"", JSON_BAD_ESCAPE, 1),
    REFUSED("no hexadecimal digit", "\"\\u12g4\"", JSON_BAD_ESCAPE, 1),
    REFUSED("lone high surrogate", "\"\\ud800\"", JSON_BAD_ESCAPE, 1),
    REFUSED("high surrogate and text", "\"\\ud800abcdef\"", JSON_BAD_ESCAPE, 1),
    REFUSED("two high surrogates", "\"\\ud800\\ud800\"", JSON_BAD_ESCAPE, 1),
    REFUSED("high and basic", "\"\\udbff\\u0041\"", JSON_BAD_ESCAPE, 1),
    REFUSED("high surrogate and above low", "\"\\ud800\\ue000\"", JSON_BAD_ESCAPE, 1),
    REFUSED("lone low surrogate", "\"\\udc00\"", JSON_BAD_ESCAPE, 1),
    REFUSED("low before high", "\"\\udc00\\ud800\"", JSON_BAD_ESCAPE, 1),
#undef REFUSED
};

START_TEST(what_is_not_json_is_refused_where_it_ends)
{
    const struct refused_case *c = &refused_cases[_i];
    struct span text = tight_copy(c->text);
    struct json_doc doc = { .count = 77 };
    struct json_error error = { 0 };
    enum json_result result = json_scan(text, NULL, 0, &tape, &doc, &error);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->name, json_result_name(result),
        json_result_name(c->result));
    ck_assert_msg(error.at == c->at, "%s: got at %zu, want %zu", c->name, error.at, c->at);
    ck_assert_int_eq(error.result, result);
    ck_assert_uint_eq(doc.count, 77);
    ck_assert_int_eq(json_scan(text, NULL, 0, &tape, &doc, NULL), c->result);
    free_copy(text);
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[2 * (JSON_DEPTH_MAX + 1)];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(&text[depth], ']', depth);
        struct json_doc doc;
        struct json_error error = { 0 };
        enum json_result want = depth > JSON_DEPTH_MAX ? JSON_TOO_DEEP : JSON_OK;
        ck_assert_int_eq(json_scan(span_from(text, 2 * depth), NULL, 0, &tape, &doc, &error), want);
        ck_assert_uint_eq(error.at, want == JSON_OK ? 0 : JSON_DEPTH_MAX);
    }
}
END_TEST

/* "[0,0,...,0]" with `items` items; to be freed. */
static struct span
many_items(size_t items)
{
    uint8_t *text = malloc(2 * items + 1);
    ck_assert_ptr_nonnull(text);
    text[0] = '[';
    for (size_t i = 0; i < items; i++) {
        text[1 + 2 * i] = '0';
        text[2 + 2 * i] = ',';
    }
    text[2 * items] = ']';
    return span_from(text, 2 * items + 1);
}

START_TEST(value_count_is_bounded)
{
    for (size_t items = JSON_TOKENS_MAX - 1; items <= JSON_TOKENS_MAX; items++) {
        struct span text = many_items(items);
        struct json_doc doc;
        struct json_error error = { 0 };
        enum json_result want = items < JSON_TOKENS_MAX ? JSON_OK : JSON_TOO_MANY;
        ck_assert_int_eq(json_scan(text, NULL, 0, &tape, &doc, &error), want);
        ck_assert_uint_eq(error.at, want == JSON_OK ? 0 : 2 * items - 1);
        free_copy(text);
    }
    ck_assert_uint_le(mem.peak, JSON_TOKENS_MAX * sizeof(struct json_token));
}
END_TEST

START_TEST(large_document_does_not_keep_the_tape_large)
{
    struct span text = many_items(JSON_TOKENS_MAX / 2);
    scan_ok(text);
    size_t large = mem.used;
    scan_ok(SPAN("[]"));
    ck_assert_uint_lt(mem.used, large / 100);
    free_copy(text);
}
END_TEST

START_TEST(text_beyond_32_bits_is_too_many)
{
    struct json_doc doc;
    struct json_error error = { 0 };
    /* Nothing of it is read. */
    struct span text = { (const uint8_t *)"1", (size_t)UINT32_MAX + 1 };
    ck_assert_int_eq(json_scan(text, NULL, 0, &tape, &doc, &error), JSON_TOO_MANY);
    ck_assert_int_eq(error.result, JSON_TOO_MANY);
}
END_TEST

START_TEST(scan_without_memory_says_so)
{
    struct json_doc doc;
    struct json_error error = { 0 };
    mem.cap = 0;
    ck_assert_int_eq(json_scan(SPAN(" 1"), NULL, 0, &tape, &doc, &error), JSON_NO_MEMORY);
    ck_assert_uint_eq(error.at, 1);
    mem.cap = 3000;
    struct span text = many_items(200);
    ck_assert_int_eq(json_scan(text, NULL, 0, &tape, &doc, &error), JSON_NO_MEMORY);
    mem.cap = 201 * sizeof(struct json_token);
    ck_assert_int_eq(json_scan(text, NULL, 0, &tape, &doc, &error), JSON_OK);
    free_copy(text);
}
END_TEST

START_TEST(every_result_has_a_name)
{
    static const enum json_result results[] = { JSON_OK, JSON_SYNTAX, JSON_BAD_UTF8,
        JSON_BAD_ESCAPE, JSON_TOO_DEEP, JSON_TOO_MANY, JSON_NO_MEMORY };
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        ck_assert_str_ne(json_result_name(results[i]), "?");
        for (size_t other = 0; other < i; other++) {
            ck_assert_str_ne(json_result_name(results[i]), json_result_name(results[other]));
        }
    }
}
END_TEST

static void
check_token(const struct json_doc *doc, uint32_t index, enum json_kind kind, const char *raw,
    uint32_t after)
{
    ck_assert_uint_lt(index, doc->count);
    ck_assert_msg(json_kind_of(doc, index) == kind, "token %u: kind %d, want %d", index,
        (int)json_kind_of(doc, index), (int)kind);
    ck_assert_msg(span_is(json_raw(doc, index), raw), "token %u: got %.*s, want %s", index,
        SPAN_ARGS(json_raw(doc, index)), raw);
    ck_assert_msg(doc->tokens[index].after == after, "token %u: after %u, want %u", index,
        doc->tokens[index].after, after);
}

START_TEST(tokens_follow_the_text)
{
    struct json_doc doc =
        scan_ok(SPAN(" {\"a\": [1, -2.5e1, []], \"b\\n\":{\"c\":null}, \"d\":true,\"e\":false} "));
    ck_assert_uint_eq(doc.count, 14);
    check_token(&doc, 0, JSON_KIND_OBJECT,
        "{\"a\": [1, -2.5e1, []], \"b\\n\":{\"c\":null}, \"d\":true,\"e\":false}", 14);
    check_token(&doc, 1, JSON_KIND_STRING, "\"a\"", 2);
    check_token(&doc, 2, JSON_KIND_ARRAY, "[1, -2.5e1, []]", 6);
    check_token(&doc, 3, JSON_KIND_NUMBER, "1", 4);
    check_token(&doc, 4, JSON_KIND_NUMBER, "-2.5e1", 5);
    check_token(&doc, 5, JSON_KIND_ARRAY, "[]", 6);
    check_token(&doc, 6, JSON_KIND_STRING, "\"b\\n\"", 7);
    check_token(&doc, 7, JSON_KIND_OBJECT, "{\"c\":null}", 10);
    check_token(&doc, 9, JSON_KIND_NULL, "null", 10);
    check_token(&doc, 11, JSON_KIND_TRUE, "true", 12);
    check_token(&doc, 13, JSON_KIND_FALSE, "false", 14);
    ck_assert(!doc.tokens[1].escaped);
    ck_assert(doc.tokens[6].escaped);
}
END_TEST

START_TEST(walking_visits_members_and_items)
{
    struct json_doc doc = scan_ok(SPAN("{\"a\":[[1],2,{}],\"b\":{},\"c\":3}"));
    static const char *const keys[] = { "a", "b", "c" };
    static const char *const items[] = { "[1]", "2", "{}" };
    size_t members = 0;
    JSON_EACH_MEMBER (&doc, 0, key, value) {
        ck_assert(json_text_is(&doc, key, span_from_text(keys[members])));
        ck_assert_uint_eq(value, key + 1);
        members++;
    }
    ck_assert_uint_eq(members, 3);
    size_t count = 0;
    JSON_EACH_ITEM (&doc, 2, item) {
        ck_assert(span_is(json_raw(&doc, item), items[count]));
        count++;
    }
    ck_assert_uint_eq(count, 3);
    JSON_EACH_ITEM (&doc, 8, item) {
        ck_abort_msg("an empty object has no item %u", item);
    }
}
END_TEST

static const struct span opaque_keys[] = { { (const uint8_t *)"args", 4 },
    { (const uint8_t *)"kwargs", 6 } };

static const struct opaque_case {
    const char *name;
    const char *text;
    uint32_t count;
    uint32_t opaque; /* index of the token that is; 0: none */
} opaque_cases[] = {
    { "an array", "{\"args\":[1,[2],{\"a\":3}],\"b\":4}", 5, 2 },
    { "an object", "{\"b\":4,\"kwargs\":{\"a\":{\"args\":[1]}}}", 5, 4 },
    { "an empty array", "{\"args\":[]}", 3, 2 },
    { "a scalar", "{\"args\":\"x\",\"b\":[1]}", 6, 0 },
    { "deeper", "[{\"p\":{\"args\":[1,2]}}]", 6, 5 },
    { "a key with escapes", "{\"\\u0061rgs\":[1,2]}", 3, 2 },
    { "a value that looks like the key", "{\"a\":\"args\",\"b\":[1,2]}", 7, 0 },
    { "an item that looks like the key", "[\"args\",[1,2]]", 5, 0 },
    { "a key that only begins so", "{\"args2\":[1,2]}", 5, 0 },
    { "next item after a scalar", "[{\"args\":1},[2]]", 6, 0 },
    { "next item after an opaque one", "[{\"args\":[1]},{\"b\":[2]}]", 8, 3 },
};

START_TEST(opaque_values_have_one_token)
{
    const struct opaque_case *c = &opaque_cases[_i];
    struct span text = span_from_text(c->text);
    struct json_doc doc = { 0 };
    ck_assert_int_eq(
        json_scan(text, opaque_keys, COUNT_OF(opaque_keys), &tape, &doc, NULL), JSON_OK);
    ck_assert_msg(
        doc.count == c->count, "%s: got %u tokens, want %u", c->name, doc.count, c->count);
    for (uint32_t i = 0; i < doc.count; i++) {
        bool want = i != 0 && i == c->opaque;
        ck_assert_msg(doc.tokens[i].opaque == want, "%s: token %u", c->name, i);
        ck_assert_msg(!want || doc.tokens[i].after == i + 1, "%s: after", c->name);
        ck_assert_msg(!want || json_raw(&doc, i).size >= 2, "%s: size", c->name);
    }
}
END_TEST

START_TEST(opaque_values_are_validated)
{
    static const char *const texts[] = { "{\"args\":[1,]}", "{\"args\":[\"\\x\"]}",
        "{\"args\":{\"a\" 1}}", "{\"args\":[}", "{\"args\":[\"\xff\"]}", "{\"args\":[1" };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct json_doc doc;
        struct json_error whole = { 0 };
        struct json_error opaque = { 0 };
        struct span text = span_from_text(texts[i]);
        enum json_result want = json_scan(text, NULL, 0, &tape, &doc, &whole);
        ck_assert_int_ne(want, JSON_OK);
        ck_assert_int_eq(json_scan(text, opaque_keys, 1, &tape, &doc, &opaque), want);
        ck_assert_uint_eq(opaque.at, whole.at);
    }
}
END_TEST

START_TEST(opaque_values_cost_no_tokens)
{
    uint8_t *text = malloc(2 * (size_t)JSON_TOKENS_MAX + 64);
    ck_assert_ptr_nonnull(text);
    struct span items = many_items(JSON_TOKENS_MAX);
    memcpy(text, "{\"args\":", 8);
    memcpy(&text[8], items.data, items.size);
    text[8 + items.size] = '}';
    struct json_doc doc;
    mem.cap = 2048;
    ck_assert_int_eq(
        json_scan(span_from(text, items.size + 9), opaque_keys, 1, &tape, &doc, NULL), JSON_OK);
    ck_assert_uint_eq(doc.count, 3);
    free_copy(items);
    free(text);
}
END_TEST

START_TEST(tape_is_reused)
{
    scan_ok(SPAN("[1,2,3]"));
    size_t used = mem.used;
    for (int i = 0; i < 10; i++) {
        struct json_doc doc = scan_ok(SPAN("{\"a\":[]}"));
        ck_assert_uint_eq(doc.count, 3);
    }
    ck_assert_uint_eq(mem.used, used);
}
END_TEST

static TCase *
scan_tests(void)
{
    TCase *tcase = tcase_create("scan");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, json_is_accepted, 0, (int)COUNT_OF(accepted));
    tcase_add_loop_test(tcase, cut_documents_are_refused, 0, 4);
    tcase_add_loop_test(
        tcase, what_is_not_json_is_refused_where_it_ends, 0, (int)COUNT_OF(refused_cases));
    tcase_add_test(tcase, depth_is_bounded);
    tcase_add_test(tcase, value_count_is_bounded);
    tcase_add_test(tcase, large_document_does_not_keep_the_tape_large);
    tcase_add_test(tcase, text_beyond_32_bits_is_too_many);
    tcase_add_test(tcase, scan_without_memory_says_so);
    tcase_add_test(tcase, every_result_has_a_name);
    tcase_add_test(tcase, tokens_follow_the_text);
    tcase_add_test(tcase, walking_visits_members_and_items);
    tcase_add_loop_test(tcase, opaque_values_have_one_token, 0, (int)COUNT_OF(opaque_cases));
    tcase_add_test(tcase, opaque_values_are_validated);
    tcase_add_test(tcase, opaque_values_cost_no_tokens);
    tcase_add_test(tcase, tape_is_reused);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("json_scan");
    suite_add_tcase(suite, scan_tests());

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
