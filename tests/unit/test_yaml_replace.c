/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml_replace.c - variables in scalars. The environment is that of yaml_support.h. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/yaml_replace.h"
#include "tests/support/check_failed.h"
#include "tests/support/yaml_support.h"

static struct yaml_errors errors;
static struct mem mem;
static struct buf out;

static void
start(void)
{
    yaml_errors_init(&errors);
    mem_init(&mem, 1 << 20);
    buf_init(&out, &mem, 4096);
}

static void
stop(void)
{
    buf_destroy(&out);
    ck_assert_uint_eq(mem.used, 0);
    yaml_errors_destroy(&errors);
}

static bool
replace(const char *text)
{
    struct yaml_environment environment = { .lookup = yaml_support_lookup };
    struct yaml_place place = { .file = "t.yaml", .line = 2, .column = 7 };
    return yaml_replace_variables(span_from_text(text), &environment, place, &errors, &out);
}

static const struct good_case {
    const char *name;
    const char *text;
    const char *want;
} good_cases[] = {
    { "nothing", "", "" },
    { "no variable", "plain {op} text", "plain {op} text" },
    { "a variable", "${HOST}", "eu-1.example" },
    { "in the middle", "ws://${HOST}:${PORT}", "ws://eu-1.example:9443" },
    { "default not needed", "${PORT:-1}", "9443" },
    { "default for undefined", "${NONE:-9100}", "9100" },
    { "default for empty", "${EMPTY:-9100}", "9100" },
    { "empty default", "a${NONE:-}b", "ab" },
    { "empty variable", "a${EMPTY}b", "ab" },
    { "default with anything", "${NONE:-a:-b {$c}", "a:-b {$c" },
    { "dollar sign", "$$5", "$5" },
    { "escaped variable", "$${HOST}", "${HOST}" },
    { "escape before a variable", "$$${PORT}", "$9443" },
    { "value is not replaced again", "${DOLLAR}", "${HOST}" },
    { "brace after the variable", "${PORT}}", "9443}" },
};

START_TEST(variables_are_replaced)
{
    const struct good_case *c = &good_cases[_i];
    bool good = replace(c->text);
    yaml_support_expect(&errors, c->name, "");
    ck_assert(good);
    ck_assert_msg(span_is(buf_span(&out), c->want), "%s: got %.*s, want %s", c->name,
        SPAN_ARGS(buf_span(&out)), c->want);
}
END_TEST

#define NAME_32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

static const struct bad_case {
    const char *name;
    const char *text;
    const char *want;
} bad_cases[] = {
    { "undefined", "${NONE}",
        "t.yaml:2:7: 'NONE' is not defined in the environment; define it, or write "
        "${NONE:-default}\n" },
    { "each undefined", "${NONE}${PORT}${NEITHER}",
        "t.yaml:2:7: 'NONE' is not defined in the environment; define it, or write "
        "${NONE:-default}\n"
        "t.yaml:2:7: 'NEITHER' is not defined in the environment; define it, or write "
        "${NEITHER:-default}\n" },
    { "not closed", "${PORT",
        "t.yaml:2:7: '${' has no closing brace; write ${NAME}, or $$ for a dollar sign\n" },
    { "no name", "${}",
        "t.yaml:2:7: '${' is not followed by a variable's name; a name has letters, digits and "
        "'_'; write $$ for a dollar sign\n" },
    { "no name but a default", "${:-x}",
        "t.yaml:2:7: '${' is not followed by a variable's name; a name has letters, digits and "
        "'_'; write $$ for a dollar sign\n" },
    { "digit first", "${1}",
        "t.yaml:2:7: '${' is not followed by a variable's name; a name has letters, digits and "
        "'_'; write $$ for a dollar sign\n" },
    { "name too long", "${" NAME_32 NAME_32 NAME_32 NAME_32 "}",
        "t.yaml:2:7: '${' is not followed by a variable's name; a name has letters, digits and "
        "'_'; write $$ for a dollar sign\n" },
    { "minus without colon", "${PORT-1}",
        "t.yaml:2:7: 'PORT' is followed by neither '}' nor ':-'; write ${NAME} or "
        "${NAME:-default}\n" },
    { "colon without minus", "${PORT:1}",
        "t.yaml:2:7: 'PORT' is followed by neither '}' nor ':-'; write ${NAME} or "
        "${NAME:-default}\n" },
    { "no braces", "$PORT",
        "t.yaml:2:7: '$' stands alone; write ${NAME}, in quotes inside [ ] and { }, or $$ for a "
        "dollar sign\n" },
    { "dollar sign last", "cost in $",
        "t.yaml:2:7: '$' stands alone; write ${NAME}, in quotes inside [ ] and { }, or $$ for a "
        "dollar sign\n" },
};

START_TEST(each_fault_is_reported)
{
    const struct bad_case *c = &bad_cases[_i];
    ck_assert_msg(!replace(c->text), "%s", c->name);
    yaml_support_expect(&errors, c->name, c->want);
}
END_TEST

START_TEST(without_environment_everything_is_undefined)
{
    struct yaml_environment nothing = { .lookup = NULL };
    struct yaml_place place = { .file = "t.yaml", .line = 1, .column = 1 };
    ck_assert(!yaml_replace_variables(SPAN("${PATH}"), &nothing, place, &errors, &out));
    ck_assert(yaml_replace_variables(SPAN("${PATH:-x}"), &nothing, place, &errors, &out));
    ck_assert(span_is(buf_span(&out), "x"));
}
END_TEST

START_TEST(long_value_overflows_its_cap)
{
    buf_destroy(&out);
    buf_init(&out, &mem, 11);
    ck_assert(replace("${HOST}"));
    ck_assert(out.overflowed);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("yaml_replace");
    TCase *tcase = tcase_create("yaml_replace");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, variables_are_replaced, 0, (int)COUNT_OF(good_cases));
    tcase_add_loop_test(tcase, each_fault_is_reported, 0, (int)COUNT_OF(bad_cases));
    tcase_add_test(tcase, without_environment_everything_is_undefined);
    tcase_add_test(tcase, long_value_overflows_its_cap);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
