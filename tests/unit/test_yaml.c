/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml.c - what becomes a tree, where its nodes are, and what is said about all the rest. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "tests/support/check_failed.h"
#include "tests/support/yaml_support.h"

static struct yaml_errors errors;

static void
start(void)
{
    yaml_errors_init(&errors);
}

static void
stop(void)
{
    yaml_errors_destroy(&errors);
}

static const struct yaml_environment nothing = { .lookup = NULL };

/* A document in which nothing is wrong. */
static struct yaml_doc *
load(const char *text)
{
    struct yaml_doc *doc = yaml_support_load(text, &errors);
    yaml_support_expect(&errors, text, "");
    ck_assert_ptr_nonnull(doc);
    return doc;
}

static void
expect_node(const struct yaml_node *node, enum yaml_kind kind, uint32_t line, uint32_t column)
{
    ck_assert_ptr_nonnull(node);
    ck_assert_msg(node->kind == kind && node->line == line && node->column == column,
        "%s: got kind %d at %" PRIu32 ":%" PRIu32 ", want kind %d at %" PRIu32 ":%" PRIu32,
        yaml_path(node).text, (int)node->kind, node->line, node->column, (int)kind, line, column);
}

START_TEST(every_node_knows_its_place)
{
    struct yaml_doc *doc = load("# first\n"
                                "node:\n"
                                "  cluster_id: us\n"
                                "  seeds: [a, 'b',\n"
                                "      \"c\"]\n"
                                "  \xc3\xa9t\xc3\xa9: x\n"
                                "functions:\n"
                                "  - {name: f, tags: []}\n"
                                "  - |\n"
                                "    text\n");
    const struct yaml_node *root = yaml_doc_root(doc);
    const struct yaml_node *node = yaml_find(root, "node");
    const struct yaml_node *seeds = yaml_find(node, "seeds");
    const struct yaml_node *functions = yaml_find(root, "functions");
    const struct yaml_node *function = yaml_item(functions, 0);

    expect_node(root, YAML_MAPPING, 2, 1);
    expect_node(node->key, YAML_SCALAR, 2, 1);
    expect_node(node, YAML_MAPPING, 3, 3);
    expect_node(yaml_find(node, "cluster_id"), YAML_SCALAR, 3, 15);
    expect_node(seeds, YAML_SEQUENCE, 4, 10);
    expect_node(yaml_item(seeds, 0), YAML_SCALAR, 4, 11);
    expect_node(yaml_item(seeds, 1), YAML_SCALAR, 4, 14);
    expect_node(yaml_item(seeds, 2), YAML_SCALAR, 5, 7);
    expect_node(yaml_find(node, "\xc3\xa9t\xc3\xa9"), YAML_SCALAR, 6, 8);
    expect_node(functions, YAML_SEQUENCE, 8, 3);
    expect_node(function, YAML_MAPPING, 8, 5);
    expect_node(yaml_find(function, "tags"), YAML_SEQUENCE, 8, 21);
    expect_node(yaml_item(functions, 1), YAML_SCALAR, 9, 5);
    ck_assert_str_eq(yaml_doc_name(doc), "t.yaml");
    yaml_doc_free(doc);
}
END_TEST

START_TEST(nodes_are_linked_in_order)
{
    struct yaml_doc *doc = load("{b: 1, a: [x, y, z]}");
    const struct yaml_node *root = yaml_doc_root(doc);
    const struct yaml_node *list = yaml_find(root, "a");

    ck_assert_ptr_null(root->parent);
    ck_assert_ptr_null(root->key);
    ck_assert_uint_eq(root->count, 2);
    ck_assert_str_eq(root->first->key->text, "b");
    ck_assert_ptr_eq(root->first->next, list);
    ck_assert_ptr_null(list->next);
    ck_assert_ptr_eq(list->parent, root);
    ck_assert_ptr_eq(list->key->parent, root);
    ck_assert_uint_eq(list->count, 3);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *item = yaml_item(list, i);
        ck_assert_uint_eq(item->position, i);
        ck_assert_ptr_eq(item->parent, list);
        ck_assert_ptr_null(item->key);
    }
    yaml_doc_free(doc);
}
END_TEST

START_TEST(nothing_is_found_where_nothing_is)
{
    struct yaml_doc *doc = load("{a: [x]}");
    const struct yaml_node *root = yaml_doc_root(doc);
    const struct yaml_node *list = yaml_find(root, "a");
    ck_assert_ptr_null(yaml_find(root, "b"));
    ck_assert_ptr_null(yaml_find(list, "a"));
    ck_assert_ptr_null(yaml_find(NULL, "a"));
    ck_assert_ptr_null(yaml_item(list, 1));
    ck_assert_ptr_null(yaml_item(root, 0));
    ck_assert_ptr_null(yaml_item(NULL, 0));
    yaml_doc_free(doc);
}
END_TEST

static const struct scalar_case {
    const char *name;
    const char *text;
    const char *want;
    bool quoted;
    bool no_value;
} scalar_cases[] = {
    { "plain", "a: x y", "x y", false, false },
    { "single quotes", "a: 'it''s'", "it's", true, false },
    { "double quotes", "a: \"x\\ty\\u00e9\"", "x\ty\xc3\xa9", true, false },
    { "literal block", "a: |\n  x\n  y\n", "x\ny\n", true, false },
    { "folded block", "a: >-\n  x\n  y\n", "x y", true, false },
    { "number stays text", "a: 010", "010", false, false },
    { "boolean stays text", "a: yes", "yes", false, false },
    { "nothing", "a:", "", false, true },
    { "tilde", "a: ~", "~", false, true },
    { "null", "a: null", "null", false, true },
    { "Null", "a: Null", "Null", false, true },
    { "NULL", "a: NULL", "NULL", false, true },
    { "quoted null", "a: 'null'", "null", true, false },
    { "quoted nothing", "a: ''", "", true, false },
    { "variable", "a: ${HOST}:${PORT}", "eu-1.example:9443", false, false },
    { "variable in quotes", "a: \"${HOST}\"", "eu-1.example", true, false },
    { "variable is not YAML", "a: ${BRACES}", "[a, b]", false, false },
    { "empty variable is a value", "a: ${EMPTY}", "", false, false },
    { "dollar sign", "a: $$x", "$x", false, false },
};

START_TEST(scalar_keeps_its_text)
{
    const struct scalar_case *c = &scalar_cases[_i];
    struct yaml_doc *doc = load(c->text);
    const struct yaml_node *node = yaml_find(yaml_doc_root(doc), "a");
    expect_node(node, YAML_SCALAR, 1, c->no_value && node->text[0] == '\0' ? 3 : 4);
    ck_assert_msg(
        strcmp(node->text, c->want) == 0, "%s: got %s, want %s", c->name, node->text, c->want);
    ck_assert_msg(node->quoted == c->quoted, "%s: quoted %d", c->name, node->quoted);
    ck_assert_msg(node->no_value == c->no_value, "%s: no_value %d", c->name, node->no_value);
    yaml_doc_free(doc);
}
END_TEST

START_TEST(key_is_never_replaced)
{
    struct yaml_doc *doc = load("${HOST}: x\n$: y\n");
    ck_assert_ptr_nonnull(yaml_find(yaml_doc_root(doc), "${HOST}"));
    ck_assert_ptr_nonnull(yaml_find(yaml_doc_root(doc), "$"));
    yaml_doc_free(doc);
}
END_TEST

START_TEST(byte_order_mark_moves_no_column)
{
    struct yaml_doc *doc = load("\xef\xbb\xbf"
                                "a: x");
    expect_node(yaml_find(yaml_doc_root(doc), "a"), YAML_SCALAR, 1, 4);
    yaml_doc_free(doc);
}
END_TEST

#define LOOK  "look at the indentation, and for a quote or bracket that is not closed\n"
#define QUOTE "if this is part of a text, put the text in quotes; if not, look at the indentation\n"
#define ALIAS                                                                                      \
    "an alias (*) is not allowed; write each value out where it is used, and quote a text that "   \
    "begins with '*'\n"
#define CLEAN                                                                                      \
    "the text has control characters or is not UTF-8; only line feeds and tabs are allowed, also " \
    "in what a variable holds\n"

static const struct bad_case {
    const char *name;
    const char *text;
    bool loaded; /* reading went on to the end */
    const char *want;
} bad_cases[] = {
    { "empty", "", false, "t.yaml:1:1: the file is empty\n" },
    { "only a comment", "# x\n", false, "t.yaml:1:1: the file is empty\n" },
    { "tab", "a:\n\t- x\n", false,
        "t.yaml:2:1: found character that cannot start any token while scanning for the next "
        "token; indent with spaces, not with tabs\n" },
    { "tab after a scalar", "a: 1\n\tb: 2\n", false,
        "t.yaml:2:1: found a tab character that violates indentation while scanning a plain "
        "scalar that begins at 1:4; indent with spaces, not with tabs\n" },
    { "colon in a text", "a: b: c\n", false,
        "t.yaml:1:5: mapping values are not allowed in this context; " QUOTE },
    { "bracket not closed", "a: [1, 2\nb: 3\n", false,
        "t.yaml:2:2: did not find expected ',' or ']' while parsing a flow sequence that begins at "
        "1:4; " QUOTE },
    { "quote not closed", "a: \"x\n", false,
        "t.yaml:2:1: found unexpected end of stream while scanning a quoted scalar that begins at "
        "1:4; " LOOK },
    { "at sign", "a: @x\n", false,
        "t.yaml:1:4: found character that cannot start any token while scanning for the next "
        "token; " QUOTE },
    { "capture at the beginning", "function: {op}.x\n", false,
        "t.yaml:1:15: did not find expected key while parsing a block mapping that begins at 1:1; "
        "put a text that begins with { or [ in quotes\n" },
    { "bare variable in braces", "a: {b: ${X}}\n", false,
        "t.yaml:1:8: '$' stands alone; write ${NAME}, in quotes inside [ ] and { }, or $$ for a "
        "dollar sign\n"
        "t.yaml:1:9: did not find expected ',' or '}' while parsing a flow mapping that begins at "
        "1:4; inside [ ] and { } put \"${NAME}\" in quotes\n" },
    { "list and mapping mixed", "- a\nb: c\n", false,
        "t.yaml:2:1: did not find expected '-' indicator while parsing a block collection that "
        "begins at 1:1; " LOOK },
    { "control character", "x: 1\r\ny: \x7f\n", false,
        "t.yaml:2:4: control characters are not allowed; the file must be text in UTF-8\n" },
    { "not UTF-8",
        "\xef\xbb\xbf"
        "caf\xc3\xa9: caf\xe9\nb\n",
        false, "t.yaml:1:10: invalid trailing UTF-8 octet; the file must be text in UTF-8\n" },
    { "UTF-16",
        "\xff\xfe"
        "a",
        false, "t.yaml: the file is in UTF-16; save it as UTF-8\n" },
    { "UTF-16, other order",
        "\xfe\xff"
        "a",
        false, "t.yaml: the file is in UTF-16; save it as UTF-8\n" },
    { "second document", "a: 1\n---\nb: 2\n", false,
        "t.yaml:2:1: a second document begins here; a file is one document; take the line '---' "
        "out\n" },
    { "anchor and aliases", "a: &x 1\nb: *x\nc: *x\n", true,
        "t.yaml:1:4: an anchor (&) is not allowed; write each value out where it is used\n"
        "t.yaml:2:4: " ALIAS "t.yaml:3:4: " ALIAS },
    { "anchored containers", "a: &x [1]\nb: &y {c: 1}\n", true,
        "t.yaml:1:4: an anchor (&) is not allowed; write each value out where it is used\n"
        "t.yaml:2:4: an anchor (&) is not allowed; write each value out where it is used\n" },
    { "laughs", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", true,
        "t.yaml:1:4: an anchor (&) is not allowed; write each value out where it is used\n"
        "t.yaml:2:4: an anchor (&) is not allowed; write each value out where it is used\n"
        "t.yaml:2:8: " ALIAS "t.yaml:2:12: " ALIAS "t.yaml:3:5: " ALIAS "t.yaml:3:9: " ALIAS },
    { "aliases as keys", "*x : 3\n*y : 4\n", true, "t.yaml:1:1: " ALIAS "t.yaml:2:1: " ALIAS },
    { "tags", "a: !!str 1\nb: !x [1]\nc: !y {d: 1}\n", true,
        "t.yaml:1:4: a tag (!) is not allowed; quote the text if it begins with '!'\n"
        "t.yaml:2:4: a tag (!) is not allowed; quote the text if it begins with '!'\n"
        "t.yaml:3:4: a tag (!) is not allowed; quote the text if it begins with '!'\n" },
    { "list as a key", "? [a]\n: b\n", true,
        "t.yaml:1:3: a key must be a text, not a list or a mapping; put a text that begins with { "
        "or [ in quotes\n" },
    { "mapping as a key", "{a: b}: c\n", true,
        "t.yaml:1:1: a key must be a text, not a list or a mapping; put a text that begins with { "
        "or [ in quotes\n" },
    { "duplicates", "b: 0\na: 1\nc:\n  a: fine\na: 2\nb: 3\na: 4\n", true,
        "t.yaml:5:1: key 'a' is given twice; it is already at t.yaml:2:1\n"
        "t.yaml:6:1: key 'b' is given twice; it is already at t.yaml:1:1\n"
        "t.yaml:7:1: key 'a' is given twice; it is already at t.yaml:2:1\n" },
    { "duplicates by quotes", "{a: 1, 'a': 2}", true,
        "t.yaml:1:8: key 'a' is given twice; it is already at t.yaml:1:2\n" },
    { "NUL", "a: \"x\\0y\"\n", true, "t.yaml:1:4: " CLEAN },
    { "NUL in a key", "\"x\\0y\": a\n", true, "t.yaml:1:1: " CLEAN },
    { "escape character", "a: \"\\e[2J\"\n", true, "t.yaml:1:4: " CLEAN },
    { "control character in a variable", "a: ${BELL}\n", true, "t.yaml:1:4: " CLEAN },
    { "variable that is not UTF-8", "a: ${LATIN}\n", true, "t.yaml:1:4: " CLEAN },
    { "undefined variables", "a: ${NONE}\nb: ['x ${NEITHER}']\n", true,
        "t.yaml:1:4: 'NONE' is not defined in the environment; define it, or write "
        "${NONE:-default}\n"
        "t.yaml:2:5: 'NEITHER' is not defined in the environment; define it, or write "
        "${NEITHER:-default}\n" },
};

START_TEST(every_fault_has_its_place)
{
    const struct bad_case *c = &bad_cases[_i];
    struct yaml_doc *doc = yaml_support_load(c->text, &errors);
    yaml_support_expect(&errors, c->name, c->want);
    ck_assert_msg((doc != NULL) == c->loaded, "%s: loaded %d", c->name, doc != NULL);
    yaml_doc_free(doc);
}
END_TEST

START_TEST(faulty_nodes_are_marked)
{
    struct yaml_doc *doc =
        yaml_support_load("a: 1\nb: *x\na: 2\n[c]: 3\nd: ${NONE}\ne: x\n", &errors);
    static const bool faulty[] = { false, true, true, true, true, false };
    const struct yaml_node *value = yaml_doc_root(doc)->first;
    for (size_t i = 0; i < COUNT_OF(faulty); i++) {
        ck_assert_msg(value->faulty == faulty[i], "value %zu: got %d", i, value->faulty);
        value = value->next;
    }
    ck_assert_str_eq(yaml_find(yaml_doc_root(doc), "a")->text, "1");
    yaml_doc_free(doc);
}
END_TEST

/* `count` times `part`, with `head` before and `tail` after; to be freed. */
static char *
repeat(const char *head, const char *part, size_t count, const char *tail)
{
    size_t part_size = strlen(part);
    size_t head_size = strlen(head);
    char *text = malloc(head_size + part_size * count + strlen(tail) + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, head, head_size);
    for (size_t i = 0; i < count; i++) {
        memcpy(&text[head_size + i * part_size], part, part_size);
    }
    strcpy(&text[head_size + part_size * count], tail);
    return text;
}

static const struct limit_case {
    const char *name;
    const char *head;
    const char *part;
    size_t count;
    const char *tail;
    const char *want;
} limit_cases[] = {
    { "deepest", "", "[", YAML_DEPTH_MAX,
        "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "" },
    { "too deep", "", "[", YAML_DEPTH_MAX + 1, "",
        "t.yaml:1:65: lists and mappings are nested too deep; 64 levels are allowed\n" },
    { "much too deep", "a: ", "{a: ", 100000, "",
        "t.yaml:1:256: lists and mappings are nested too deep; 64 levels are allowed\n" },
    { "longest text", "a: '", "x", YAML_SCALAR_SIZE_MAX, "'", "" },
    { "text too long", "a: '", "x", YAML_SCALAR_SIZE_MAX + 1, "'",
        "t.yaml:1:4: the text is too long; 64KiB are allowed\n" },
    { "text too long by variables", "a: '", "${HOST}", YAML_SCALAR_SIZE_MAX / 8, "'",
        "t.yaml:1:4: the text is too long; 64KiB are allowed\n" },
    { "most nodes", "[", "a,", YAML_NODES_MAX - 1, "]", "" },
    { "one node more", "[", "a,", YAML_NODES_MAX, "]",
        "t.yaml:1:4000000: the file has too many values; a file may have 2,000,000\n" },
    { "largest file", "# ", "x", YAML_FILE_SIZE_MAX - 3, "\n", "t.yaml:1:1: the file is empty\n" },
    { "file too large", "# ", "x", YAML_FILE_SIZE_MAX - 2, "\n",
        "t.yaml: the file is too large; 8MiB are allowed\n" },
};

START_TEST(limits_are_exact)
{
    const struct limit_case *c = &limit_cases[_i];
    char *text = repeat(c->head, c->part, c->count, c->tail);
    struct yaml_doc *doc = yaml_support_load(text, &errors);
    yaml_support_expect(&errors, c->name, c->want);
    yaml_doc_free(doc);
    free(text);
}
END_TEST

/* A variable of 60 KiB, used in every scalar. */
static const char *
lookup_long(void *host, const char *name)
{
    (void)name;
    return host;
}

START_TEST(memory_has_a_cap)
{
    char *value = repeat("", "x", 60000, "");
    char *text = repeat("[", "'${X}',", 5000, "]");
    struct yaml_environment environment = { .lookup = lookup_long, .host = value };
    ck_assert_ptr_null(yaml_load_text("t.yaml", span_from_text(text), &environment, &errors));
    ck_assert_uint_eq(errors.error_count, 1);
    ck_assert_str_eq(errors.list[0].message, "the file needs too much memory");
    free(text);
    free(value);
}
END_TEST

START_TEST(file_is_loaded)
{
    char path[] = "/tmp/test_yaml_XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, "a: ${HOST}\n", 11), 11);
    ck_assert_int_eq(close(file), 0);

    struct yaml_environment environment = { .lookup = yaml_support_lookup };
    struct yaml_doc *doc = yaml_load_file(path, &environment, &errors);
    ck_assert_ptr_nonnull(doc);
    ck_assert_str_eq(yaml_find(yaml_doc_root(doc), "a")->text, "eu-1.example");
    ck_assert_str_eq(yaml_place(yaml_doc_root(doc)).file, path);
    ck_assert_str_eq(yaml_doc_name(doc), path);
    yaml_doc_free(doc);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(file_that_cannot_be_read_says_why)
{
    ck_assert_ptr_null(yaml_load_file("/nowhere/node.yaml", &nothing, &errors));
    ck_assert_ptr_null(yaml_load_file("/", &nothing, &errors));
    yaml_support_expect(&errors, "files",
        "/: the file cannot be read: Is a directory\n"
        "/nowhere/node.yaml: the file cannot be read: No such file or directory\n");
}
END_TEST

START_TEST(endless_file_is_too_large)
{
    ck_assert_ptr_null(yaml_load_file("/dev/zero", &nothing, &errors));
    yaml_support_expect(
        &errors, "/dev/zero", "/dev/zero: the file is too large; 8MiB are allowed\n");
}
END_TEST

START_TEST(process_environment_is_that_of_the_process)
{
    const struct yaml_environment *environment = &yaml_process_environment;
    const char *path = getenv("PATH");
    const char *got = environment->lookup(environment->host, "PATH");
    ck_assert_ptr_nonnull(path);
    ck_assert_str_eq(got, path);
    ck_assert_ptr_null(environment->lookup(environment->host, "NO_SUCH_VARIABLE_AT_ALL"));
}
END_TEST

START_TEST(path_names_a_node)
{
    struct yaml_doc *doc = load("federation: {bridges: [{cluster_id: eu}, {allowed: [x, y]}]}");
    const struct yaml_node *root = yaml_doc_root(doc);
    const struct yaml_node *bridges = yaml_find(yaml_find(root, "federation"), "bridges");
    const struct yaml_node *allowed = yaml_find(yaml_item(bridges, 1), "allowed");
    ck_assert_str_eq(yaml_path(root).text, "the file");
    ck_assert_str_eq(yaml_path(bridges).text, "federation.bridges");
    ck_assert_str_eq(yaml_path(yaml_find(yaml_item(bridges, 0), "cluster_id")).text,
        "federation.bridges[0].cluster_id");
    ck_assert_str_eq(yaml_path(yaml_item(allowed, 1)).text, "federation.bridges[1].allowed[1]");
    yaml_doc_free(doc);
}
END_TEST

START_TEST(long_path_loses_its_beginning)
{
    char *text = repeat("", "{abcdefghij: ", 40, "x}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}");
    struct yaml_doc *doc = load(text);
    const struct yaml_node *node = yaml_doc_root(doc);
    while (node->kind == YAML_MAPPING) {
        node = node->first;
    }
    struct yaml_path path = yaml_path(node);
    ck_assert_uint_lt(strlen(path.text), sizeof(path.text));
    ck_assert_msg(strncmp(path.text, "....abcdefghij.abcdefghij", 25) == 0, "%s", path.text);
    yaml_doc_free(doc);
    free(text);
}
END_TEST

START_TEST(kind_has_words)
{
    struct yaml_doc *doc = load("[x, ~, [], {}]");
    static const char *const words[] = { "a text", "no value", "a list", "a mapping" };
    for (uint32_t i = 0; i < COUNT_OF(words); i++) {
        ck_assert_str_eq(yaml_kind_words(yaml_item(yaml_doc_root(doc), i)), words[i]);
    }
    yaml_doc_free(doc);
}
END_TEST

START_TEST(freeing_nothing_is_allowed)
{
    yaml_doc_free(NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *tcase = tcase_create("yaml");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, every_node_knows_its_place);
    tcase_add_test(tcase, nodes_are_linked_in_order);
    tcase_add_test(tcase, nothing_is_found_where_nothing_is);
    tcase_add_loop_test(tcase, scalar_keeps_its_text, 0, (int)COUNT_OF(scalar_cases));
    tcase_add_test(tcase, key_is_never_replaced);
    tcase_add_test(tcase, byte_order_mark_moves_no_column);
    tcase_add_loop_test(tcase, every_fault_has_its_place, 0, (int)COUNT_OF(bad_cases));
    tcase_add_test(tcase, faulty_nodes_are_marked);
    tcase_add_loop_test(tcase, limits_are_exact, 0, (int)COUNT_OF(limit_cases));
    tcase_add_test(tcase, memory_has_a_cap);
    tcase_add_test(tcase, file_is_loaded);
    tcase_add_test(tcase, file_that_cannot_be_read_says_why);
    tcase_add_test(tcase, endless_file_is_too_large);
    tcase_add_test(tcase, process_environment_is_that_of_the_process);
    tcase_add_test(tcase, path_names_a_node);
    tcase_add_test(tcase, long_path_loses_its_beginning);
    tcase_add_test(tcase, kind_has_words);
    tcase_add_test(tcase, freeing_nothing_is_allowed);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
