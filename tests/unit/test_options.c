/* SPDX-License-Identifier: Apache-2.0 */
/* test_options.c - command lines are read in order, and what is wrong with them is said. */
#include "app/options.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check_failed.h"

#define ARGUMENTS_MAX 8

static const struct option longs[] = {
    { "link", required_argument, NULL, 'l' },
    { "force", no_argument, NULL, 256 },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static const struct row {
    const char *name;
    bool takes_numbers;
    const char *line[ARGUMENTS_MAX]; /* behind the program's name */
    const char *want;                /* one word a result */
    const char *said;                /* on stderr */
} rows[] = {
    { "nothing", false, { NULL }, "", "" },
    { "in order", false, { "a", "-l", "x", "b", "--force", "c" }, "a l=x b 256 c ", "" },
    { "with a sign", false, { "--link=x", "-ly" }, "l=x l=y ", "" },
    { "a beginning is enough", false, { "--forc" }, "256 ", "" },
    { "everything behind --", false, { "a", "--", "-l", "--force", "b" }, "a -l --force b ", "" },
    { "nothing behind --", false, { "--" }, "", "" },
    { "-- at once", false, { "--", "-h" }, "-h ", "" },
    { "numbers", true, { "f", "-1", "-2.5", "-.5", "-h", "-3" }, "f -1 -2.5 -.5 h -3 ", "" },
    { "a number at once", true, { "-1", "--force" }, "-1 256 ", "" },
    { "a number as a value", true, { "-l", "-1" }, "l=-1 ", "" },
    { "a dash alone", false, { "-" }, "- ", "" },
    { "numbers that are none", false, { "-1" }, "? ",
        "prog: unknown option '-1'; try prog --help\n" },
    { "unknown", false, { "--forse" }, "? ",
        "prog: unknown option '--forse' (did you mean --force?); try prog --help\n" },
    { "unknown, with a value", false, { "--lnk=x" }, "? ",
        "prog: unknown option '--lnk=x' (did you mean --link?); try prog --help\n" },
    { "unknown and far", false, { "--zzzzz" }, "? ",
        "prog: unknown option '--zzzzz'; try prog --help\n" },
    { "unknown letter", false, { "-z" }, "? ", "prog: unknown option '-z'; try prog --help\n" },
    { "no value", false, { "--link" }, "? ",
        "prog: option --link needs a value; try prog --help\n" },
    { "no value of a letter", false, { "a", "-l" }, "a ? ",
        "prog: option -l needs a value; try prog --help\n" },
    { "a value too many", false, { "--force=1" }, "? ",
        "prog: option '--force=1' takes no value; try prog --help\n" },
};

static size_t
build_line(const struct row *row, char **argv, char copies[][32])
{
    size_t count = 1;
    (void)strcpy(copies[0], "prog");
    argv[0] = copies[0];
    for (size_t i = 0; i < ARGUMENTS_MAX && row->line[i] != NULL; i++, count++) {
        (void)snprintf(copies[count], 32, "%s", row->line[i]);
        argv[count] = copies[count];
    }
    argv[count] = NULL;
    return count;
}

static void
note(char *got, size_t size, int code, const char *value)
{
    size_t used = strlen(got);
    if (code == OPTIONS_ARGUMENT) {
        (void)snprintf(&got[used], size - used, "%s ", value);
    } else if (code < 256) {
        (void)snprintf(
            &got[used], size - used, value == NULL || code == '?' ? "%c " : "%c=%s ", code, value);
    } else {
        (void)snprintf(&got[used], size - used, "%d ", code);
    }
}

/* stderr goes into a file while `row` is read. */
static void
read_line(const struct row *row, char *got, size_t got_size, char *said, size_t said_size)
{
    char *argv[ARGUMENTS_MAX + 2];
    char copies[ARGUMENTS_MAX + 1][32];
    struct options options = { .program = "prog",
        .shorts = "l:h",
        .longs = longs,
        .takes_numbers = row->takes_numbers,
        .argc = (int)build_line(row, argv, copies),
        .argv = argv };
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    (void)fflush(stderr);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    int code = 0;
    for (int i = 0; i < 20 && code != '?' && (code = options_next(&options)) != OPTIONS_END; i++) {
        note(got, got_size, code, options.value);
    }
    (void)fflush(stderr);
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    (void)close(saved);
    rewind(file);
    said[fread(said, 1, said_size - 1, file)] = '\0';
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(lines_are_read)
{
    char got[256] = "";
    char said[512] = "";
    read_line(&rows[_i], got, sizeof(got), said, sizeof(said));
    ck_assert_msg(strcmp(got, rows[_i].want) == 0, "%s: got '%s' want '%s'", rows[_i].name, got,
        rows[_i].want);
    ck_assert_msg(strcmp(said, rows[_i].said) == 0, "%s: said '%s' want '%s'", rows[_i].name, said,
        rows[_i].said);
}
END_TEST

START_TEST(the_rest_belongs_to_a_verb)
{
    char line[][8] = { "prog", "-h", "verb", "-l", "x" };
    char *argv[] = { line[0], line[1], line[2], line[3], line[4], NULL };
    struct options options = {
        .program = "prog", .shorts = "h", .longs = &longs[2], .argc = 5, .argv = argv
    };
    ck_assert_int_eq(options_used(&options), 1);
    ck_assert_int_eq(options_next(&options), 'h');
    ck_assert_int_eq(options_next(&options), OPTIONS_ARGUMENT);
    ck_assert_int_eq(options_used(&options), 3);
    struct options inner = {
        .program = "prog verb", .shorts = "l:", .longs = longs, .argc = 3, .argv = &argv[2]
    };
    ck_assert_int_eq(options_next(&inner), 'l');
    ck_assert_str_eq(inner.value, "x");
    ck_assert_int_eq(options_next(&inner), OPTIONS_END);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("options");
    tcase_add_loop_test(tests, lines_are_read, 0, (int)COUNT_OF(rows));
    tcase_add_test(tests, the_rest_belongs_to_a_verb);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
