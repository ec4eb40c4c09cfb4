/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_prove.c - what cannot be decided is said to be so, with its reason; nothing of it is said to hold.
 */
#include "bridge/policy_prove.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_yaml.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"

#define TEXT_SIZE_MAX ((size_t)512 * 1024)

static struct mem mem;
static struct arena arena;
static struct yaml_errors errors;
static struct buf text;

static void
set_up(void)
{
    mem_init(&mem, (size_t)256 * 1024 * 1024);
    arena_init(&arena, &mem);
    yaml_errors_init(&errors);
    buf_init(&text, &mem, TEXT_SIZE_MAX);
}

static void
tear_down(void)
{
    buf_destroy(&text);
    arena_destroy(&arena);
    yaml_errors_destroy(&errors);
    ck_assert_uint_eq(mem.used, 0);
}

static void
write(const char *format, int number)
{
    char part[512];
    int size = snprintf(part, sizeof(part), format, number, number);
    ck_assert_int_lt(size, (int)sizeof(part));
    buf_add_text(&text, part);
}

static void
write_each(const char *format, int count)
{
    for (int i = 0; i < count; i++) {
        write(format, i);
    }
}

static void
write_run(char letter, int count)
{
    for (int i = 0; i < count; i++) {
        buf_add_u8(&text, (uint8_t)letter);
    }
}

/* The proof of the file's only assert. */
static struct policy_proof
proof_of_text(struct arena *room)
{
    static const struct yaml_environment nothing = { .lookup = NULL };
    ck_assert(!text.overflowed);
    struct policy_yaml *loaded =
        policy_yaml_load_text("p.yaml", buf_span(&text), &nothing, &mem, &errors);
    ck_assert_msg(loaded != NULL, "%s", errors.count > 0 ? errors.list[0].message : "");
    struct policy_border border = policy_assert_border(loaded, AT);
    struct policy_proof proof;
    policy_prove(loaded->policy, &loaded->asserts[0].assert, &border, room, &proof);
    policy_yaml_free(loaded);
    return proof;
}

static void
expect_doubt(enum prove_doubt doubt)
{
    struct policy_proof proof = proof_of_text(&arena);
    ck_assert_str_eq(prove_result_name(proof.result), "undecided");
    ck_assert_str_eq(prove_doubt_text(proof.doubt), prove_doubt_text(doubt));
}

#define HEAD "policy: p\nfederation: us\nlinks: [eu]\n"

/* Whatever comes in gets a name that every node answers by itself. */
START_TEST(names_that_come_to_nothing)
{
    buf_add_text(&text,
        HEAD "import:\n  rules:\n    - {id: a, set: {function: echo}, action: accept}\n"
             "assert:\n  - never: {import: {}}\n");
    expect_doubt(PROVE_TOO_MANY_NAMES);
}
END_TEST

/* Both halves are always the same, which the shape of the template does not tell. */
START_TEST(a_rename_that_doubles)
{
    buf_add_text(&text,
        HEAD "import:\n  rules:\n    - {id: a, match: {function: \"{a}\"}, set: {function: "
             "\"{a}.{a}\"}, "
             "action: accept}\nassert:\n  - never: {import: {as: {function: x.y}}}\n");
    expect_doubt(PROVE_HARD_TEMPLATE);
}
END_TEST

START_TEST(patterns_with_too_many_states)
{
    buf_add_text(&text, HEAD "export:\n  rules:\n    - {id: a, match: {function: [\"*\"");
    for (int i = 0; i < 300; i++) {
        write(", \"**%d", i);
        write_run('a', 240);
        write("**\"", 0);
    }
    buf_add_text(&text, "]}, action: reject}\n    - {id: b, action: accept}\n"
                        "assert:\n  - never: {export: {}}\n");
    expect_doubt(PROVE_HARD_PATTERNS);
}
END_TEST

START_TEST(a_name_that_is_too_long)
{
    buf_add_text(&text, HEAD "import:\n  rules:\n    - {id: a, match: {function: \"**");
    write_run('b', 250);
    buf_add_text(&text, "\"}, action: accept}\nassert:\n  - never: {import: {function: \"");
    write_run('a', 250);
    buf_add_text(&text, "**\", as: {function: \"**");
    write_run('c', 200);
    buf_add_text(&text, "**\"}}}\n");
    expect_doubt(PROVE_LONG_NAME);
}
END_TEST

START_TEST(more_tags_than_a_list_has)
{
    buf_add_text(&text,
        HEAD "import:\n  rules:\n    - {id: a, match: {tags: {any: [y, z]}}, action: accept}\n"
             "assert:\n  - never: {import: {tags: {all: [x");
    write_each(", t%d", 63);
    buf_add_text(&text, "]}}}\n");
    expect_doubt(PROVE_LONG_LIST);
}
END_TEST

START_TEST(more_tags_than_a_list_has_are_demanded_of_nothing)
{
    buf_add_text(&text, HEAD "import:\n  rules:\n    - {id: a, action: accept}\n"
                             "assert:\n  - never: {import: {tags: {all: [x");
    write_each(", t%d", 64);
    buf_add_text(&text, "]}}}\n");
    ck_assert_str_eq(prove_result_name(proof_of_text(&arena).result), "holds");
}
END_TEST

START_TEST(too_many_pairs_of_federations)
{
    buf_add_text(&text, "policy: p\nfederation: us\nlinks: [eu");
    write_each(", l%d", 250);
    buf_add_text(&text, "]\ndefine:\n  far: [o");
    write_each(", o%d", 900);
    buf_add_text(&text,
        "]\nimport:\n  rules:\n    - {id: a, action: accept}\n"
        "assert:\n  - never: {import: {origin: \"@far\", path: {excludes: \"@far\"}}}\n");
    expect_doubt(PROVE_TOO_MANY_STEPS);
}
END_TEST

/* Each rule is escaped by a tag or a resource, one choice within the other. */
START_TEST(choices_that_depend_on_each_other)
{
    buf_add_text(&text, HEAD "export:\n  rules:\n"
                             "    - {id: r, match: {version: \">=9.0.0\"}, action: reject}\n");
    write_each(
        "    - {id: t%d, match: {version: <9.0.0, tags: {none: t%d}}, action: reject}\n", 60);
    write_each(
        "    - {id: r%d, match: {version: <9.0.0, resources: {none: r%d}}, action: reject}\n", 60);
    buf_add_text(&text, "    - {id: all, match: {tags: {none: t1}}, action: accept}\n"
                        "assert:\n  - never: {export: {}}\n");
    ck_assert_str_eq(prove_result_name(proof_of_text(&arena).result), "holds");
}
END_TEST

START_TEST(choices_within_too_many_others)
{
    buf_add_text(&text, HEAD "export:\n  rules:\n");
    write_each(
        "    - {id: t%d, match: {scope: [zone, local], tags: {none: t%d}}, action: reject}\n", 60);
    write_each("    - {id: r%d, match: {scope: [zone, local], resources: {none: r%d}}, action: "
               "reject}\n",
        60);
    buf_add_text(&text, "    - {id: s, match: {scope: [region, global]}, action: reject}\n"
                        "    - {id: all, match: {resources: {none: r59}}, action: accept}\n"
                        "assert:\n  - never: {export: {}}\n");
    expect_doubt(PROVE_TOO_DEEP);
}
END_TEST

START_TEST(without_memory)
{
    struct mem small;
    struct arena cramped;
    buf_add_text(&text, HEAD "import:\n  rules:\n    - {id: a, action: accept}\n"
                             "assert:\n  - never: {import: {}}\n");
    /* As much as there is, until it is enough. */
    struct policy_proof proof = { .result = PROVE_UNDECIDED };
    for (size_t size = 64; proof.result == PROVE_UNDECIDED; size += 512) {
        mem_init(&small, size);
        arena_init(&cramped, &small);
        proof = proof_of_text(&cramped);
        ck_assert(proof.result == PROVE_BROKEN || proof.doubt == PROVE_NO_MEMORY);
        arena_destroy(&cramped);
        ck_assert_uint_eq(small.used, 0);
        ck_assert_uint_lt(size, (size_t)1024 * 1024);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_prove");
    TCase *tcase = tcase_create("policy_prove");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, names_that_come_to_nothing);
    tcase_add_test(tcase, a_rename_that_doubles);
    tcase_add_test(tcase, patterns_with_too_many_states);
    tcase_add_test(tcase, a_name_that_is_too_long);
    tcase_add_test(tcase, more_tags_than_a_list_has);
    tcase_add_test(tcase, more_tags_than_a_list_has_are_demanded_of_nothing);
    tcase_add_test(tcase, too_many_pairs_of_federations);
    tcase_add_test(tcase, choices_that_depend_on_each_other);
    tcase_add_test(tcase, choices_within_too_many_others);
    tcase_add_test(tcase, without_memory);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
