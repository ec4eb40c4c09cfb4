/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_yaml_format.c - one form for everything that says the same, and no comment goes unseen.
 */
#include "host/yaml_format.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_format.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct buf out;
static struct yaml_errors errors;

static void
set_up(void)
{
    mem_init(&mem, (size_t)1024 * 1024);
    buf_init(&out, &mem, (size_t)64 * 1024);
    yaml_errors_init(&errors);
}

static void
tear_down(void)
{
    yaml_errors_destroy(&errors);
    buf_destroy(&out);
    ck_assert_uint_eq(mem.used, 0);
}

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct form_case {
    const char *name;
    const char *text;
    const char *form;
} form_cases[] = {
    { "order, brackets and quotes", "links: ['eu']\npolicy: \"p\"\n", "policy: p\nlinks: eu\n" },
    { "what needs quotes",
        "links: ['', ' a', \"b \", '*', 'null', \"a\\nb\\t\", '\"\\', a b, -a, a-, caf\xc3\xa9]\n",
        "links: [\"\", \" a\", \"b \", \"*\", \"null\", \"a\\nb\\t\", \"\\\"\\\\\", a b, \"-a\", "
        "\"a-\", "
        "\"caf\xc3\xa9\"]\n" },
    { "characters that YAML would not read", "links: \"\\u2028\\u0085\\ufeff\"\n",
        "links: \"\\U00002028\\U00000085\\U0000feff\"\n" },
    { "a list that is too long for a line", "links: [" LONG ", " LONG "]\n",
        "links:\n  - " LONG "\n  - " LONG "\n" },
    { "variables", "policy: ${A:-b}$$\n", "policy: \"${A:-b}$$\"\n" },
    { "rules", "export: {rules: [{action: accept, id: a}, {id: b}]}\npolicy: p\n",
        "policy: p\n\nexport:\n  rules:\n    - {id: a, action: accept}\n    - {id: b}\n" },
    { "pairs in their order", "import: {rules: [{set: {resources: {rename: {z: a, '*': b}}}}]}\n",
        "import:\n  rules:\n    - {set: {resources: {rename: {z: a, \"*\": b}}}}\n" },
    { "nothing", "export: {rules: []}\nimport: {}\n", "export: {rules: []}\nimport: {}\n" },
    { "a rule that is too long",
        "export: {rules: [{id: " LONG ", reason: " LONG ", match: {function: [a]}}]}\n",
        "export:\n  rules:\n    - id: " LONG "\n      match: {function: a}\n      reason: " LONG
        "\n" },
};

START_TEST(what_says_the_same_is_written_alike)
{
    const struct form_case *c = &form_cases[_i];
    bool formatted = policy_format("p.yaml", span_from_text(c->text), &out, &errors);
    ck_assert_msg(formatted, "%s: %s", c->name, errors.list[0].message);
    ck_assert_msg(span_is(buf_span(&out), c->form), "%s: got\n%.*swant\n%s", c->name,
        SPAN_ARGS(buf_span(&out)), c->form);
}
END_TEST

START_TEST(what_does_not_fit_is_an_error)
{
    struct buf small;
    buf_init(&small, &mem, 4);
    ck_assert(!policy_format("p.yaml", SPAN("policy: p\n"), &small, &errors));
    ck_assert_uint_eq(errors.error_count, 1);
    ck_assert(!policy_format("p.yaml", SPAN("policy: [\n"), &out, &errors));
    ck_assert_uint_eq(errors.error_count, 2);
    buf_destroy(&small);
}
END_TEST

static const struct comment_case {
    const char *name;
    const char *text;
    size_t count;
    uint32_t line;
} comment_cases[] = {
    { "none", "a: b\n", 0, 0 },
    { "a line of its own", "a: b\n# c\nd: e\n", 1, 2 },
    { "before everything", "# x\n# y # z\na: b\n", 2, 1 },
    { "behind a value and behind all", "a: b # c\n# end", 2, 1 },
    { "a hash in a text", "a: b#c\nd: 'x # y'\ne: \"x # y\"\nf: [a#b]\n", 0, 0 },
    { "inside brackets", "a: [b, # c\n  d]\n", 1, 1 },
    { "a block with hashes", "a: |\n  # text\n  b\nc: d\n", 0, 0 },
    { "a block with a comment in its header", "a: > # c\n  # text\nb: c\n", 1, 1 },
    { "behind a block", "a: |\n  b\n# c\nd: e\n", 1, 3 },
    { "behind characters of several bytes", "caf\xc3\xa9: '\xe2\x82\xac#'\n# c\n", 1, 2 },
    { "a byte order mark",
        "\xef\xbb\xbf"
        "a: '#'\n",
        0, 0 },
    { "an empty text", "", 0, 0 },
};

START_TEST(every_comment_is_found)
{
    const struct comment_case *c = &comment_cases[_i];
    struct yaml_comments found = yaml_find_comments(span_from_text(c->text));
    ck_assert_msg(found.count == c->count && found.line == c->line,
        "%s: got %zu in line %u, want %zu in line %u", c->name, found.count, found.line, c->count,
        c->line);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("yaml_format");
    TCase *tcase = tcase_create("yaml_format");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, what_says_the_same_is_written_alike, 0, (int)COUNT_OF(form_cases));
    tcase_add_test(tcase, what_does_not_fit_is_an_error);
    tcase_add_loop_test(tcase, every_comment_is_found, 0, (int)COUNT_OF(comment_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
