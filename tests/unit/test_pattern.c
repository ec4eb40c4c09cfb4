/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pattern.c - what each wildcard covers, which captures come out, what is refused, and that hostile
 * patterns cost no more than others.
 */
#include "bridge/pattern.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct arena arena;

static void
set_up(void)
{
    mem_init(&mem, (size_t)16 * 1024 * 1024);
    arena_init(&arena, &mem);
}

static void
tear_down(void)
{
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}

static struct pattern
compiled(const char *text)
{
    struct pattern pattern = { .part_count = 0 };
    enum pattern_result result = pattern_compile(span_from_text(text), &arena, &pattern);
    ck_assert_msg(result == PATTERN_OK, "%s: %s", text, pattern_result_name(result));
    return pattern;
}

static const struct match_case {
    const char *name; /* of the function */
    const char *pattern;
    bool matches;
    const char *captures; /* "a=x b=y" */
} match_cases[] = {
    { "math.add", "math.add", true, "" },
    { "math.ad", "math.add", false, "" },
    { "math.addd", "math.add", false, "" },
    { "Math.add", "math.add", false, "" },
    { "math.add", "math.*", true, "" },
    { "math.", "math.*", false, "" },
    { "math.int.add", "math.*", false, "" },
    { "math", "math.*", false, "" },
    { "math", "*", true, "" },
    { "", "*", false, "" },
    { "math.add", "*", false, "" },
    { "math.add", "*.*", true, "" },
    { "math.add", "**", true, "" },
    { "", "**", true, "" },
    { "math", "math**", true, "" },
    { "math.", "math.**", true, "" },
    { "math.int.add", "math.**", true, "" },
    { "math", "math.**", false, "" },
    { "a.b.c.add", "**.add", true, "" },
    { ".add", "**.add", true, "" },
    { "add", "**.add", false, "" },
    { "user.get_name", "user.get_*", true, "" },
    { "user.get_", "user.get_*", false, "" },
    { "user.get_a.b", "user.get_*", false, "" },
    { "user.preget_name_v2", "user.*get_*_v2", true, "" },
    { "user.get_name_v2", "user.*get_*_v2", false, "" },
    { "aXXa", "a**a", true, "" },
    { "a", "a**a", false, "" },
    { "aa", "a**a", true, "" },
    { "aa", "a*a", false, "" },
    { "ab", "**", true, "" },
    { "billing.charge", "billing.{op}", true, "op=charge" },
    { "billing.card.charge", "billing.{op}", false, "" },
    { "billing.card.charge", "billing.{op**}", true, "op=card.charge" },
    { "billing.", "billing.{op**}", true, "op=" },
    { "eu.math.add", "{region}.{rest**}", true, "region=eu rest=math.add" },
    /* The leftmost wildcard takes the least that works. */
    { "x.y.z", "{a**}.{b**}", true, "a=x b=y.z" },
    { "abc", "{a}{b}", true, "a=a b=bc" },
    { "abc", "{a**}{b**}", true, "a= b=abc" },
    { "aXbXc", "{a}X{b}", true, "a=a b=bXc" },
    /* The least that works for the whole: one X is not enough, since c must follow. */
    { "aXbXc", "{a}Xc", true, "a=aXb" },
    { "a.b.c.b.d", "{head**}.b.{tail}", true, "head=a.b.c tail=d" },
    { "get_a_by_b", "get_{what}_by_{key}", true, "what=a key=b" },
    { "get_a_by_b_by_c", "get_{what}_by_{key}", true, "what=a key=b_by_c" },
    { "n.x1.y", "n.{x_1}1.{Y2**}", true, "x_1=x Y2=y" },
    /* Characters are never cut in two. */
    { "\xc3\xbc", "*", true, "" },
    { "\xc3\xbc", "**", true, "" },
    { "\xc3\xbc", "{a}{b}", false, "" },
    { "\xc3\xbc\xe2\x82\xac", "{a}{b}", true, "a=\xc3\xbc b=\xe2\x82\xac" },
    { "\xf0\x9f\x98\x80.x", "{a}.x", true, "a=\xf0\x9f\x98\x80" },
    { "caf\xc3\xa9", "caf\xc3\xa9", true, "" },
    /* Nor is half of one taken for a character, where a name is no UTF-8. */
    { "a\x80", "a*", false, "" },
    { "a\x80", "a**", false, "" },
    { "a\x80.b", "a*.{x}", false, "" },
};

static void
write_captures(const struct pattern_captures *captures, char *text, size_t size)
{
    text[0] = '\0';
    for (uint32_t i = 0; i < captures->count; i++) {
        size_t used = strlen(text);
        snprintf(&text[used], size - used, "%s%.*s=%.*s", i > 0 ? " " : "",
            SPAN_ARGS(captures->items[i].name), SPAN_ARGS(captures->items[i].value));
    }
}

START_TEST(match_covers_what_the_wildcards_say)
{
    const struct match_case *c = &match_cases[_i];
    struct pattern pattern = compiled(c->pattern);
    struct pattern_captures captures = { .count = 0 };

    bool matches = pattern_match(&pattern, span_from_text(c->name), &captures);

    char text[256];
    write_captures(&captures, text, sizeof(text));
    ck_assert_msg(matches == c->matches, "%s on %s: got %d, want %d", c->pattern, c->name, matches,
        c->matches);
    ck_assert_msg(strcmp(text, c->captures) == 0, "%s on %s: got \"%s\", want \"%s\"", c->pattern,
        c->name, text, c->captures);
    matches = pattern_match(&pattern, span_from_text(c->name), NULL);
    ck_assert_msg(matches == c->matches, "%s on %s without captures", c->pattern, c->name);
}
END_TEST

#define STARS_16 "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a"
#define TEXT_32  "abcdefghijklmnopqrstuvwxyz.abcde"
#define TEXT_256 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32

static const struct compile_case {
    const char *name;
    const char *text;
    enum pattern_result as_pattern;
    enum pattern_result as_template;
} compile_cases[] = {
    { "empty", "", PATTERN_EMPTY, PATTERN_EMPTY },
    { "literal", "math.add", PATTERN_OK, PATTERN_OK },
    { "one star", "math.*", PATTERN_OK, PATTERN_STAR_IN_TEMPLATE },
    { "two stars", "math.**", PATTERN_OK, PATTERN_STAR_IN_TEMPLATE },
    { "three stars", "math.***", PATTERN_STAR_RUN, PATTERN_STAR_RUN },
    { "four stars", "****", PATTERN_STAR_RUN, PATTERN_STAR_RUN },
    { "capture", "{a}", PATTERN_OK, PATTERN_OK },
    { "capture of everything", "{a**}", PATTERN_OK, PATTERN_OK },
    { "capture with one star", "{a*}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "capture with three stars", "{a***}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "capture without name", "{}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "stars without name", "{**}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "capture that begins with a digit", "{1a}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "capture with a hyphen", "{a-b}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "capture in a capture", "{a{b}}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "not closed", "math.{a", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "not opened", "math.a}", PATTERN_BAD_CAPTURE, PATTERN_BAD_CAPTURE },
    { "same capture twice", "{a}.{a}", PATTERN_DUPLICATE_CAPTURE, PATTERN_OK },
    { "same capture, other stars", "{a}.{a**}", PATTERN_DUPLICATE_CAPTURE, PATTERN_OK },
    { "control character", "a\tb", PATTERN_BAD_TEXT, PATTERN_BAD_TEXT },
    { "DEL", "a\x7f", PATTERN_BAD_TEXT, PATTERN_BAD_TEXT },
    { "C1 control character", "a\xc2\x85", PATTERN_BAD_TEXT, PATTERN_BAD_TEXT },
    { "first character behind C1", "a\xc2\xa0", PATTERN_OK, PATTERN_OK },
    { "lone continuation", "a\x80", PATTERN_BAD_TEXT, PATTERN_BAD_TEXT },
    { "cut character", "a\xe2\x82", PATTERN_BAD_TEXT, PATTERN_BAD_TEXT },
    { "16 wildcards", STARS_16, PATTERN_OK, PATTERN_STAR_IN_TEMPLATE },
    { "17 wildcards", STARS_16 "*", PATTERN_TOO_MANY_WILDCARDS, PATTERN_TOO_MANY_WILDCARDS },
    { "17 captures", "{a}" STARS_16, PATTERN_TOO_MANY_WILDCARDS, PATTERN_TOO_MANY_WILDCARDS },
    { "longest", TEXT_256, PATTERN_OK, PATTERN_OK },
    { "one over the longest", TEXT_256 "a", PATTERN_TOO_LONG, PATTERN_TOO_LONG },
};

START_TEST(compile_judges_the_text)
{
    const struct compile_case *c = &compile_cases[_i];
    struct pattern pattern = { .part_count = 0 };
    struct pattern_template made = { .part_count = 0 };

    enum pattern_result result = pattern_compile(span_from_text(c->text), &arena, &pattern);
    ck_assert_msg(result == c->as_pattern, "%s: pattern: got %s, want %s", c->name,
        pattern_result_name(result), pattern_result_name(c->as_pattern));
    ck_assert_msg((pattern.text.size > 0) == (result == PATTERN_OK), "%s: touched", c->name);

    result = pattern_template_compile(span_from_text(c->text), &arena, &made);
    ck_assert_msg(result == c->as_template, "%s: template: got %s, want %s", c->name,
        pattern_result_name(result), pattern_result_name(c->as_template));
    ck_assert_msg((made.text.size > 0) == (result == PATTERN_OK), "%s: touched", c->name);
}
END_TEST

START_TEST(compiled_pattern_outlives_its_source)
{
    char source[] = "billing.{op}.v2";
    struct pattern pattern = compiled(source);
    memset(source, 'x', sizeof(source));
    struct pattern_captures captures = { .count = 0 };
    ck_assert(pattern_match(&pattern, SPAN("billing.pay.v2"), &captures));
    ck_assert(span_is(captures.items[0].name, "op"));
    ck_assert(span_is(captures.items[0].value, "pay"));
    ck_assert(span_is(pattern.text, "billing.{op}.v2"));
    ck_assert(span_is(pattern.prefix, "billing."));
    ck_assert(span_is(pattern.suffix, ".v2"));
    ck_assert_uint_eq(pattern.size_min, 12);
}
END_TEST

START_TEST(name_above_the_cap_matches_nothing)
{
    static uint8_t name[NAME_SIZE_MAX + 1];
    memset(name, 'a', sizeof(name));
    struct pattern pattern = compiled("**");
    ck_assert(pattern_match(&pattern, span_from(name, NAME_SIZE_MAX), NULL));
    ck_assert(!pattern_match(&pattern, span_from(name, NAME_SIZE_MAX + 1), NULL));
}
END_TEST

/* A matcher that tries every division would not live to see the end of this one. */
START_TEST(hostile_pattern_is_decided_soon)
{
    static uint8_t name[NAME_SIZE_MAX];
    memset(name, 'a', sizeof(name));
    struct pattern pattern = compiled("**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**b");
    ck_assert(!pattern_match(&pattern, span_from(name, sizeof(name)), NULL));
    pattern = compiled(STARS_16);
    struct pattern_captures captures;
    ck_assert(pattern_match(&pattern, span_from(name, sizeof(name)), &captures));
    ck_assert_uint_eq(captures.count, 0);
}
END_TEST

START_TEST(longest_pattern_has_all_its_captures)
{
    struct pattern pattern =
        compiled("0{a}1{b}2{c}3{d}4{e}5{f}6{g}7{h}8{i}9{j}0{k}1{l}2{m}3{n}4{o}5{p}6");
    struct pattern_captures captures = { .count = 0 };
    ck_assert(pattern_match(&pattern, SPAN("0A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6"), &captures));
    ck_assert_uint_eq(captures.count, PATTERN_WILDCARDS_MAX);
    ck_assert(span_is(captures.items[15].name, "p"));
    ck_assert(span_is(captures.items[15].value, "P"));
    ck_assert(pattern_has_capture(&pattern, SPAN("p")));
    ck_assert(!pattern_has_capture(&pattern, SPAN("q")));
    ck_assert(!pattern_has_capture(&pattern, SPAN("")));
    ck_assert(!pattern_has_capture(&pattern, SPAN("1")));
}
END_TEST

START_TEST(only_two_stars_alone_are_a_catch_all)
{
    static const struct {
        const char *text;
        bool catch_all;
    } cases[] = { { "**", true }, { "{x**}", true }, { "*", false }, { "{x}", false },
        { "a**", false }, { "**a", false }, { "a", false }, { "**.**", false } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pattern pattern = compiled(cases[i].text);
        ck_assert_msg(pattern_is_catch_all(&pattern) == cases[i].catch_all, "%s", cases[i].text);
    }
}
END_TEST

static const struct expand_case {
    const char *text;
    const char *result;
} expand_cases[] = {
    { "us.{op}", "us.charge" },
    { "us.{op**}", "us.charge" },
    { "{rest}.{op}", "card.v2.charge" },
    { "{op}{op}", "chargecharge" },
    { "literal", "literal" },
    { "{none}", "" },
    { "a{none}b", "ab" },
};

START_TEST(template_is_filled_with_captures)
{
    const struct expand_case *c = &expand_cases[_i];
    struct pattern pattern = compiled("{op}.{rest**}/{none**}");
    struct pattern_captures captures = { .count = 0 };
    ck_assert(pattern_match(&pattern, SPAN("charge.card.v2/"), &captures));
    struct pattern_template made = { .part_count = 0 };
    ck_assert_int_eq(pattern_template_compile(span_from_text(c->text), &arena, &made), PATTERN_OK);

    struct span result = pattern_template_expand(&made, &captures, &arena);

    ck_assert_msg(span_is(result, c->result), "%s: got \"%.*s\", want \"%s\"", c->text,
        SPAN_ARGS(result), c->result);
    ck_assert_uint_eq(pattern_template_size(&made, &captures), result.size);
}
END_TEST

START_TEST(full_memory_is_reported)
{
    struct mem none;
    mem_init(&none, 0);
    struct arena full;
    arena_init(&full, &none);
    struct pattern pattern;
    struct pattern_template made;
    struct pattern_captures captures = { .count = 0 };
    ck_assert_int_eq(pattern_compile(SPAN("a.*"), &full, &pattern), PATTERN_NO_MEMORY);
    ck_assert_int_eq(pattern_template_compile(SPAN("a"), &full, &made), PATTERN_NO_MEMORY);
    ck_assert_int_eq(pattern_template_compile(SPAN("a"), &arena, &made), PATTERN_OK);
    ck_assert_ptr_null(pattern_template_expand(&made, &captures, &full).data);
    arena_destroy(&full);
}
END_TEST

START_TEST(every_result_has_a_name_and_a_text_of_its_own)
{
    for (int i = PATTERN_OK; i <= PATTERN_NO_MEMORY; i++) {
        ck_assert_str_ne(pattern_result_name((enum pattern_result)i), "unknown");
        ck_assert_str_ne(pattern_result_text((enum pattern_result)i), "unknown");
        for (int j = PATTERN_OK; j < i; j++) {
            ck_assert_str_ne(pattern_result_name((enum pattern_result)i),
                pattern_result_name((enum pattern_result)j));
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("pattern");
    TCase *tcase = tcase_create("pattern");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, match_covers_what_the_wildcards_say, 0, (int)COUNT_OF(match_cases));
    tcase_add_loop_test(tcase, compile_judges_the_text, 0, (int)COUNT_OF(compile_cases));
    tcase_add_test(tcase, compiled_pattern_outlives_its_source);
    tcase_add_test(tcase, name_above_the_cap_matches_nothing);
    tcase_add_test(tcase, hostile_pattern_is_decided_soon);
    tcase_add_test(tcase, longest_pattern_has_all_its_captures);
    tcase_add_test(tcase, only_two_stars_alone_are_a_catch_all);
    tcase_add_loop_test(tcase, template_is_filled_with_captures, 0, (int)COUNT_OF(expand_cases));
    tcase_add_test(tcase, full_memory_is_reported);
    tcase_add_test(tcase, every_result_has_a_name_and_a_text_of_its_own);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
