/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan.c - levels of commands, cycles, and references replaced by results. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "node/plan.h"
#include "tests/support/check_failed.h"
#include "tests/support/wire.h"

static struct wire wire;

static void
set_up(void)
{
    wire_init(&wire);
}

static void
tear_down(void)
{
    ck_assert(wire_destroy(&wire));
}

static struct rpc_command
command(const char *name, const char *args, const char *kwargs)
{
    return (struct rpc_command){
        .name = span_from_text(name),
        .function = SPAN("f"),
        .args = span_from_text(args == NULL ? "[]" : args),
        .kwargs = span_from_text(kwargs == NULL ? "{}" : kwargs),
    };
}

#define ROW_COMMANDS_MAX 5

static const struct {
    const char *name;
    struct {
        const char *name;
        const char *args;
        const char *kwargs;
    } commands[ROW_COMMANDS_MAX];
    const char *levels; /* a digit for each command, - for one that is replaced */
    const char *refers; /* a: args, k: kwargs, b: both, . neither */
} levelled[] = {
    { "one alone", { { "a", "[1]", NULL } }, "0", "." },
    { "none refers", { { "a", "[\"x\"]", NULL }, { "b", "[\"y.a\"]", NULL } }, "00", ".." },
    { "by name", { { "a", NULL, NULL }, { "b", "[\"a\"]", NULL } }, "01", ".a" },
    { "in any order", { { "b", "[\"a\"]", NULL }, { "a", NULL, NULL } }, "10", "a." },
    { "by path", { { "a", NULL, NULL }, { "b", "[\"a.x.y\"]", NULL } }, "01", ".a" },
    { "deep inside", { { "a", NULL, NULL }, { "b", "[[{\"k\":[{\"l\":\"a\"}]}]]", NULL } }, "01",
        ".a" },
    { "keys are none", { { "a", NULL, NULL }, { "b", "[{\"a\":1,\"a.b\":[]}]", NULL } }, "00",
        ".." },
    { "after an object, keys are keys again",
        { { "a", NULL, NULL }, { "b", "[{\"x\":{\"y\":[1]},\"a\":{},\"z\":2}]", NULL } }, "00",
        ".." },
    { "values of the same object",
        { { "a", NULL, NULL }, { "b", "[{\"x\":{},\"y\":\"a\"}]", NULL } }, "01", ".a" },
    { "keyword arguments make no dependency",
        { { "a", NULL, NULL }, { "b", NULL, "{\"x\":\"a\"}" } }, "00", ".k" },
    { "both", { { "a", NULL, NULL }, { "b", "[\"a\"]", "{\"x\":[\"a.b\"]}" } }, "01", ".b" },
    { "escapes are read", { { "a", NULL, NULL }, { "b", "[\"\\u0061\"]", NULL } }, "01", ".a" },
    { "a dotted name by itself", { { "a.b", NULL, NULL }, { "c", "[\"a.b\"]", NULL } }, "01",
        ".a" },
    { "a dotted name wins over its first part",
        { { "a.b", NULL, NULL }, { "a", "[\"c\"]", NULL }, { "c", "[\"a.b\"]", NULL } }, "021",
        ".aa" },
    { "an empty name", { { "", NULL, NULL }, { "b", "[\"\"]", NULL } }, "01", ".a" },
    { "an empty first part", { { "", NULL, NULL }, { "b", "[\".x\"]", NULL } }, "01", ".a" },
    { "the last of a name wins",
        { { "a", "[\"b\"]", NULL }, { "b", NULL, NULL }, { "a", NULL, NULL } }, "-00", "-.." },
    { "a diamond",
        { { "a", NULL, NULL }, { "b", "[\"a\"]", NULL }, { "c", "[\"a\"]", NULL },
            { "d", "[\"b\",\"c\",\"a\"]", NULL }, { "e", NULL, NULL } },
        "01120", ".aaa." },
};

START_TEST(a_level_holds_what_waits_for_the_same)
{
    for (size_t i = 0; i < COUNT_OF(levelled); i++) {
        struct rpc_command commands[ROW_COMMANDS_MAX];
        uint32_t count = (uint32_t)strlen(levelled[i].levels);
        for (uint32_t j = 0; j < count; j++) {
            commands[j] = command(levelled[i].commands[j].name, levelled[i].commands[j].args,
                levelled[i].commands[j].kwargs);
        }
        struct plan plan;
        enum plan_result result = plan_make(commands, count, &wire.scratch, &plan);
        ck_assert_msg(result == PLAN_OK, "%s: got %s", levelled[i].name, plan_result_name(result));
        char levels[ROW_COMMANDS_MAX + 1] = "";
        char refers[ROW_COMMANDS_MAX + 1] = "";
        char level_max = '0';
        for (uint32_t j = 0; j < count; j++) {
            const struct plan_step *step = &plan.steps[j];
            levels[j] = step->replaced ? '-' : (char)('0' + step->level);
            refers[j] = step->replaced                           ? '-'
                        : step->args_refer && step->kwargs_refer ? 'b'
                        : step->args_refer                       ? 'a'
                        : step->kwargs_refer                     ? 'k'
                                                                 : '.';
            level_max = levels[j] > level_max ? levels[j] : level_max;
        }
        ck_assert_msg(strcmp(levels, levelled[i].levels) == 0, "%s: got levels %s want %s",
            levelled[i].name, levels, levelled[i].levels);
        ck_assert_msg(strcmp(refers, levelled[i].refers) == 0, "%s: got references %s want %s",
            levelled[i].name, refers, levelled[i].refers);
        ck_assert_uint_eq(plan.level_count, (uint32_t)(level_max - '0' + 1));
        wire_reset(&wire);
    }
}
END_TEST

START_TEST(a_cycle_is_found_and_named)
{
    static const struct {
        const char *name;
        struct {
            const char *name;
            const char *args;
        } commands[ROW_COMMANDS_MAX];
        uint32_t count;
        const char *cycle; /* the first letters of the names */
    } rows[] = {
        { "itself", { { "a", "[\"a\"]" } }, 1, "aa" },
        { "itself by path", { { "a", "[\"a.b\"]" } }, 1, "aa" },
        { "itself, escaped", { { "a", "[\"\\u0061\"]" } }, 1, "aa" },
        { "two", { { "a", "[\"b\"]" }, { "b", "[\"a\"]" } }, 2, "aba" },
        { "three behind another",
            { { "a", "[\"b\"]" }, { "b", "[\"c\"]" }, { "c", "[\"d\"]" }, { "d", "[\"b\"]" } }, 4,
            "bdcb" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rpc_command commands[ROW_COMMANDS_MAX];
        for (uint32_t j = 0; j < rows[i].count; j++) {
            commands[j] = command(rows[i].commands[j].name, rows[i].commands[j].args, NULL);
        }
        struct plan plan = { .cycle_count = 0 };
        enum plan_result result = plan_make(commands, rows[i].count, &wire.scratch, &plan);
        ck_assert_msg(result == PLAN_CYCLE, "%s: got %s", rows[i].name, plan_result_name(result));
        ck_assert_msg(plan.cycle_count == strlen(rows[i].cycle), "%s: got %u names", rows[i].name,
            plan.cycle_count);
        /* Any member may come first; each must be needed by the next. */
        for (uint32_t j = 1; j < plan.cycle_count; j++) {
            char needed[16];
            (void)snprintf(needed, sizeof(needed), "\"%.1s", commands[plan.cycle[j - 1]].name.data);
            bool escaped = strchr((const char *)commands[plan.cycle[j]].args.data, '\\') != NULL;
            ck_assert_msg(
                escaped || strstr((const char *)commands[plan.cycle[j]].args.data, needed) != NULL,
                "%s: place %u does not need the one before", rows[i].name, j);
        }
        ck_assert_uint_eq(plan.cycle[0], plan.cycle[plan.cycle_count - 1]);
        wire_reset(&wire);
    }
}
END_TEST

START_TEST(no_commands_are_no_plan)
{
    struct plan plan;
    ck_assert_int_eq(plan_make(NULL, 0, &wire.scratch, &plan), PLAN_EMPTY);
}
END_TEST

START_TEST(references_are_replaced_and_nothing_else_changes)
{
    /* In the order of their names. */
    static const struct {
        const char *name;
        const char *result;
    } values[] = {
        { "", "\"nothing\"" },
        { "a", "{\"v\":5,\"in\":{\"deep\":[1, 2.50]},\"\":{\"x\":0},\"t\":1,\"t\":2}" },
        { "b.c", "\"never\"" },
        { "n", "null" },
        { "s", " \"text\" " },
        { "u", NULL },
        { "\xc3\xa9", "[]" },
    };
    static const struct {
        const char *name;
        const char *json;
        const char *want;
    } rows[] = {
        { "nothing", "[1, 2 ]", "[1, 2 ]" },
        { "no name", "[\"x\", \"ab\", \"A\"]", "[\"x\", \"ab\", \"A\"]" },
        { "whole", "[\"n\" , 1]", "[null , 1]" },
        { "white space travels along", "[\"s\"]", "[ \"text\" ]" },
        { "path", "[\"a.v\",\"a.in.deep\"]", "[5,[1, 2.50]]" },
        { "path twice", "[\"a.v\",\"a.v\"]", "[5,5]" },
        { "object value, not key", "{\"n\":{\"n\":[\"n\"]}}", "{\"n\":{\"n\":[null]}}" },
        { "missing part", "[\"a.no\",\"a.in.no\",\"a.v.x\"]", "[\"a.no\",\"a.in.no\",\"a.v.x\"]" },
        { "no index of arrays", "[\"a.in.deep.0\"]", "[\"a.in.deep.0\"]" },
        { "an empty part", "[\"a..x\",\"a.\"]", "[0,{\"x\":0}]" },
        { "the last of two members", "[\"a.t\"]", "[2]" },
        { "not finished", "[\"u\",\"u.x\"]", "[\"u\",\"u.x\"]" },
        { "a dotted name is never replaced", "[\"b.c\",\"b\"]", "[\"b.c\",\"b\"]" },
        { "an empty name", "[\"\"]", "[\"nothing\"]" },
        { "escapes are read", "[\"\\u00e9\",\"\\u006e\"]", "[[],null]" },
        { "a path into what has none", "[\"n.x\",\"s.x\"]", "[\"n.x\",\"s.x\"]" },
    };
    struct plan_value finished[COUNT_OF(values)];
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        finished[i] = (struct plan_value){
            .name = span_from_text(values[i].name),
            .result = span_from_text(values[i].result),
        };
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span out = SPAN_NONE;
        struct span json = span_from_text(rows[i].json);
        enum plan_result result =
            plan_substitute(finished, COUNT_OF(finished), json, &wire.scratch, &out);
        ck_assert_msg(result == PLAN_OK, "%s: got %s", rows[i].name, plan_result_name(result));
        ck_assert_msg(span_is(out, rows[i].want), "%s: got %.*s want %s", rows[i].name,
            SPAN_ARGS(out), rows[i].want);
        bool same = strcmp(rows[i].json, rows[i].want) == 0;
        ck_assert_msg(!same || out.data == json.data, "%s: was copied", rows[i].name);
        wire_reset(&wire);
    }
}
END_TEST

START_TEST(what_grows_too_large_or_deep_is_refused)
{
    static char deep[2 * JSON_DEPTH_MAX];
    static char large[MESSAGE_SIZE_MAX / 2 + 8];
    memset(deep, '[', 40);
    memset(&deep[40], ']', 40);
    memset(large, ' ', sizeof(large) - 1);
    large[0] = '1';
    struct plan_value values[] = {
        { SPAN("bad"), SPAN("{oops") },
        { SPAN("deep"), span_from_text(deep) },
        { SPAN("large"), span_from(large, sizeof(large) - 1) },
    };
    static const struct {
        const char *name;
        const char *json;
        enum plan_result want;
    } rows[] = {
        { "deep once", "[\"deep\"]", PLAN_OK },
        { "deep inside deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[\"deep\"]]]]]]]]]]]]]]]]]]]]]]]]]]",
            PLAN_TOO_LARGE },
        { "large once", "[\"large\"]", PLAN_OK },
        { "large twice", "[\"large\",\"large\"]", PLAN_TOO_LARGE },
        { "large six times", "[\"large\",\"large\",\"large\",\"large\",\"large\",\"large\"]",
            PLAN_TOO_LARGE },
        { "a bad result as a whole", "[\"bad\"]", PLAN_BAD_VALUE },
        { "a bad result by path", "[\"bad.x\"]", PLAN_BAD_VALUE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span out = SPAN_NONE;
        enum plan_result result = plan_substitute(
            values, COUNT_OF(values), span_from_text(rows[i].json), &wire.scratch, &out);
        ck_assert_msg(result == rows[i].want, "%s: got %s want %s", rows[i].name,
            plan_result_name(result), plan_result_name(rows[i].want));
        wire_reset(&wire);
    }
}
END_TEST

/* An object of 4096 members, and 2048 references that none of them answers: 2^23 looks. */
START_TEST(a_search_without_end_is_given_up)
{
    struct buf result;
    struct buf args;
    buf_init(&result, &wire.mem, MESSAGE_SIZE_MAX);
    buf_init(&args, &wire.mem, MESSAGE_SIZE_MAX);
    for (uint64_t i = 0; i < 4096; i++) {
        buf_add_text(&result, i == 0 ? "{\"" : ",\"");
        buf_add_decimal(&result, i);
        buf_add_text(&result, "\":0");
    }
    buf_add_text(&result, "}");
    for (uint64_t i = 0; i < 2048; i++) {
        buf_add_text(&args, i == 0 ? "[\"a." : "\",\"a.");
        buf_add_decimal(&args, 10000 + i);
    }
    buf_add_text(&args, "\"]");
    struct plan_value value = { SPAN("a"), buf_span(&result) };
    struct span out;
    enum plan_result got = plan_substitute(&value, 1, buf_span(&args), &wire.scratch, &out);
    ck_assert_msg(got == PLAN_TOO_LARGE, "got %s", plan_result_name(got));
    buf_destroy(&result);
    buf_destroy(&args);
}
END_TEST

START_TEST(too_many_values_are_refused_where_they_would_be_read)
{
    struct buf args;
    buf_init(&args, &wire.mem, MESSAGE_SIZE_MAX);
    buf_add_text(&args, "[\"x\"");
    for (uint32_t i = 0; i < JSON_TOKENS_MAX; i++) {
        buf_add_text(&args, ",0");
    }
    buf_add_text(&args, "]");
    struct rpc_command commands[] = { command("a", NULL, NULL), command("b", NULL, NULL) };
    commands[1].args = buf_span(&args);
    struct plan plan;
    ck_assert_int_eq(plan_make(commands, 2, &wire.scratch, &plan), PLAN_TOO_LARGE);
    /* Alone, and without its name anywhere, nobody reads them. */
    ck_assert_int_eq(plan_make(&commands[1], 1, &wire.scratch, &plan), PLAN_OK);
    buf_destroy(&args);
}
END_TEST

START_TEST(without_memory_there_is_no_plan)
{
    struct rpc_command commands[] = { command("a", NULL, NULL),
        command("b", "[\"\\u0061\"]", NULL) };
    struct plan_value value = { SPAN("a"), SPAN("1") };
    uint32_t refused = 0;
    for (size_t cap = 0; cap < 60000; cap += 100) {
        struct wire small;
        struct plan plan;
        struct span out;
        wire_init(&small);
        small.mem.cap = cap;
        enum plan_result made = plan_make(commands, 2, &small.scratch, &plan);
        enum plan_result replaced =
            plan_substitute(&value, 1, commands[1].args, &small.scratch, &out);
        ck_assert(made == PLAN_OK || made == PLAN_NO_MEMORY);
        ck_assert(replaced == PLAN_OK || replaced == PLAN_NO_MEMORY);
        refused += made == PLAN_NO_MEMORY;
        ck_assert(wire_destroy(&small));
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(results_have_names)
{
    static const enum plan_result results[] = { PLAN_OK, PLAN_EMPTY, PLAN_CYCLE, PLAN_TOO_LARGE,
        PLAN_BAD_VALUE, PLAN_NO_MEMORY };
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        ck_assert_str_ne(plan_result_name(results[i]), "unknown");
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_level_holds_what_waits_for_the_same);
    tcase_add_test(tests, a_cycle_is_found_and_named);
    tcase_add_test(tests, no_commands_are_no_plan);
    tcase_add_test(tests, references_are_replaced_and_nothing_else_changes);
    tcase_add_test(tests, what_grows_too_large_or_deep_is_refused);
    tcase_add_test(tests, a_search_without_end_is_given_up);
    tcase_add_test(tests, too_many_values_are_refused_where_they_would_be_read);
    tcase_add_test(tests, without_memory_there_is_no_plan);
    tcase_add_test(tests, results_have_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
