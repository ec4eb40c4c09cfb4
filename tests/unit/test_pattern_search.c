/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pattern_search.c - texts that patterns demand together, with what stands before and behind them.
 */
#include "bridge/pattern_search.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

#define DEMANDS_MAX 4

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

static struct pattern *
compiled(const char *text)
{
    struct pattern *pattern = arena_take(&arena, sizeof(*pattern));
    ck_assert_ptr_nonnull(pattern);
    ck_assert_int_eq(pattern_compile(span_from_text(text), &arena, pattern), PATTERN_OK);
    return pattern;
}

static const struct search_case {
    const char *name;
    struct {
        const char *pattern; /* with a ! before it: must not match */
        const char *before;
        const char *behind;
    } demands[DEMANDS_MAX];
    bool may_be_empty;
    const char *found; /* NULL: nowhere */
} search_cases[] = {
    { "three that must match", { { "a**", "", "" }, { "**b**", "", "" }, { "*c", "", "" } }, false,
        "abc" },
    { "three that cannot", { { "a**", "", "" }, { "**b", "", "" }, { "c*", "", "" } }, false,
        NULL },
    { "an empty text", { { "**", "", "" } }, true, "" },
    { "no empty text", { { "**", "", "" }, { "!x", "", "" } }, false, "y" },
    { "only excluded ones", { { "!a**", "", "" }, { "!*", "", "" } }, false, "." },
    { "nothing is left", { { "!**", "", "" } }, true, NULL },
    { "before", { { "us.a.*", "us.", "" } }, false, "a.x" },
    { "before, with a wildcard", { { "*.b", "us.", "" } }, false, "b" },
    { "before, which does not fit", { { "us.*", "eu.", "" } }, false, NULL },
    { "before, of which a wildcard takes all", { { "**.b", "x.b", "" } }, true, "" },
    { "before, excluded", { { "!us.**", "us.", "" } }, true, NULL },
    { "behind", { { "a.*.z", "", ".z" } }, false, "a.x" },
    { "behind, taken by a loop", { { "a**a", "", "a" } }, true, "a" },
    { "behind, of which loops take nothing", { { "a**", "", "a" } }, true, "" },
    { "behind, with a segment", { { "*.*", "", "b" } }, true, "x." },
    { "behind, which does not fit", { { "**.y", "", ".z" } }, true, NULL },
    { "before and behind", { { "us.*.v1", "us.", ".v1" }, { "eu.a*", "eu.", "" } }, false, "ax" },
    { "two ways around one text", { { "us.**", "us.", "" }, { "!eu.**", "", "" } }, true, "" },
    { "characters of two bytes", { { "\xc3\xa9*\xc3\xa9", "\xc3\xa9", "\xc3\xa9" } }, true, "x" },
};

START_TEST(text_is_found_or_there_is_none)
{
    const struct search_case *c = &search_cases[_i];
    struct pattern_demand demands[DEMANDS_MAX];
    struct pattern_question question = { .demands = demands, .may_be_empty = c->may_be_empty };
    struct span found = SPAN_NONE;
    for (; question.count < DEMANDS_MAX && c->demands[question.count].pattern != NULL;
         question.count++) {
        const char *text = c->demands[question.count].pattern;
        bool excluded = text[0] == '!';
        demands[question.count] = (struct pattern_demand){
            .pattern = compiled(excluded ? &text[1] : text),
            .excluded = excluded,
            .before = span_from_text(c->demands[question.count].before),
            .behind = span_from_text(c->demands[question.count].behind),
        };
    }
    enum pattern_answer answer = pattern_search(&question, &arena, &found);
    const char *want = c->found == NULL ? "nowhere" : "found";
    ck_assert_msg(strcmp(pattern_answer_name(answer), want) == 0, "%s: %s", c->name,
        pattern_answer_name(answer));
    ck_assert_msg(
        c->found == NULL || span_is(found, c->found), "%s: got '%.*s'", c->name, SPAN_ARGS(found));
}
END_TEST

/* Letters that must come in forty orders at once: each of the ways there is a set of its own. */
START_TEST(too_many_sets_end_the_search)
{
    struct pattern_demand demands[40];
    struct pattern_question question = { .demands = demands, .count = COUNT_OF(demands) };
    struct span found;
    for (uint32_t i = 0; i < question.count; i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "**%c**%c**%c**", 'a' + (int)i % 26,
            'a' + (int)(i * 7 + 1) % 26, 'a' + (int)(i * 3 + 2) % 26);
        demands[i] = (struct pattern_demand){ .pattern = compiled(text) };
    }
    ck_assert_str_eq(pattern_answer_name(pattern_search(&question, &arena, &found)), "search_over");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("pattern_search");
    TCase *tcase = tcase_create("pattern_search");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, text_is_found_or_there_is_none, 0, (int)COUNT_OF(search_cases));
    tcase_add_test(tcase, too_many_sets_end_the_search);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
