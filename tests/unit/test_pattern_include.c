/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pattern_include.c - patterns that include each other, that overlap, and that are too much to decide.
 */
#include "bridge/pattern_include.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

static struct mem mem;
static struct arena arena;

static void
set_up(void)
{
    mem_init(&mem, (size_t)64 * 1024 * 1024);
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
    struct pattern pattern;
    ck_assert_int_eq(pattern_compile(span_from_text(text), &arena, &pattern), PATTERN_OK);
    return pattern;
}

static const struct inclusion_case {
    const char *whole[3];
    const char *part;
    const char *inclusion;
    const char *witness;
} inclusion_cases[] = {
    { { "**" }, "a.*", "included", "" },
    { { "a.**" }, "a.*", "included", "" },
    { { "a.*" }, "a.**", "not_included", "a." },
    { { "a.*" }, "a.{x}", "included", "" },
    { { "a.*" }, "a.get_*", "included", "" },
    { { "a.get_*" }, "a.*", "not_included", "a.x" },
    { { "a.*" }, "a.*.c", "not_included", "a.x.c" },
    { { "**.c" }, "a.*.c", "included", "" },
    { { "*" }, "abc", "included", "" },
    { { "*" }, "a.b", "not_included", "a.b" },
    { { "*", "**.**" }, "**", "included", "" },
    { { "*", "**.*" }, "**", "not_included", "." },
    { { "a*", "*b" }, "*", "not_included", "x" },
    { { "**a**b**" }, "**a*b**", "included", "" },
    { { "{x}{y}" }, "*", "not_included", "x" },
    { { "{x}{y}" }, "\xc3\xa9", "not_included", "\xc3\xa9" },
    { { "{x}{y}" }, "\xc3\xa9z", "included", "" },
    { { "x*", "y*" }, "*", "not_included", "z" },
    { { "x*", "y*", "z*" }, "*", "not_included", "\xc3\xa0" },
    { { "**x" }, "**", "not_included", "y" },
};

START_TEST(inclusion_is_decided_or_refuted_by_a_name)
{
    const struct inclusion_case *c = &inclusion_cases[_i];
    struct pattern whole[3];
    struct span witness = SPAN_NONE;
    uint32_t count = 0;
    while (count < 3 && c->whole[count] != NULL) {
        whole[count] = compiled(c->whole[count]);
        count++;
    }
    struct pattern part = compiled(c->part);
    const char *got =
        pattern_inclusion_name(pattern_includes(whole, count, &part, &arena, &witness));
    ck_assert_msg(strcmp(got, c->inclusion) == 0, "%s in %s: %s", c->part, c->whole[0], got);
    ck_assert_msg(span_is(witness, c->witness), "%s in %s: got '%.*s', want '%s'", c->part,
        c->whole[0], SPAN_ARGS(witness), c->witness);
}
END_TEST

static const struct overlap_case {
    const char *a;
    const char *b;
    const char *witness; /* NULL: disjoint */
} overlap_cases[] = {
    { "a.*", "*.b", "a.b" },
    { "a.*", "b.*", NULL },
    { "**", "**", "x" },
    { "*", "**.**", NULL },
    { "us.{name**}", "us.billing.{op}", "us.billing.x" },
    { "get_*", "*_all", "get_all" },
    { "a", "a", "a" },
    { "a", "ab", NULL },
};

START_TEST(overlap_is_proven_by_a_name)
{
    const struct overlap_case *c = &overlap_cases[_i];
    struct pattern a = compiled(c->a);
    struct pattern b = compiled(c->b);
    struct span witness = SPAN_NONE;
    const char *got = pattern_overlap_name(pattern_overlaps(&a, &b, &arena, &witness));
    const char *want = c->witness == NULL ? "disjoint" : "overlapping";
    ck_assert_msg(strcmp(got, want) == 0, "%s, %s: %s", c->a, c->b, got);
    ck_assert_msg(c->witness == NULL || span_is(witness, c->witness), "%s, %s: got '%.*s'", c->a,
        c->b, SPAN_ARGS(witness));
}
END_TEST

/* As many wildcards as a pattern may have are decided; hundreds of the longest patterns are too much. */
START_TEST(only_too_many_states_are_not_decided)
{
    struct pattern whole = compiled("**a{a}{b}{c}{d}{e}{f}{g}{h}{i}{j}{k}{l}{m}{n}.a");
    struct pattern part = compiled("**{x}.a");
    struct span witness;
    enum pattern_inclusion inclusion = pattern_includes(&whole, 1, &part, &arena, &witness);
    ck_assert_str_eq(pattern_inclusion_name(inclusion), "not_included");

    static struct pattern many[300];
    char text[PATTERN_SIZE_MAX + 1];
    memset(text, 'a', sizeof(text));
    text[PATTERN_SIZE_MAX] = '\0';
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = compiled(text);
    }
    inclusion = pattern_includes(many, COUNT_OF(many), &part, &arena, &witness);
    ck_assert_str_eq(pattern_inclusion_name(inclusion), "undecided");
}
END_TEST

START_TEST(full_memory_decides_nothing)
{
    struct pattern pattern = compiled("**");
    struct mem small;
    struct arena cramped;
    struct span witness;
    mem_init(&small, 16);
    arena_init(&cramped, &small);
    ck_assert_int_eq(
        pattern_includes(&pattern, 1, &pattern, &cramped, &witness), PATTERN_UNDECIDED);
    enum pattern_overlap overlap = pattern_overlaps(&pattern, &pattern, &cramped, &witness);
    ck_assert_str_eq(pattern_overlap_name(overlap), "undecided");
    arena_destroy(&cramped);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("pattern_include");
    TCase *tcase = tcase_create("pattern_include");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(
        tcase, inclusion_is_decided_or_refuted_by_a_name, 0, (int)COUNT_OF(inclusion_cases));
    tcase_add_loop_test(tcase, overlap_is_proven_by_a_name, 0, (int)COUNT_OF(overlap_cases));
    tcase_add_test(tcase, only_too_many_states_are_not_decided);
    tcase_add_test(tcase, full_memory_decides_nothing);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
