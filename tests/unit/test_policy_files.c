/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_files.c - several policies together: ways between federations, whom an export reaches by them, and who passes on
 * what was meant for him.
 */
#include "host/policy_files.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/at.h"
#include "tests/support/check_failed.h"

#define FILES_MAX     4
#define TEXT_SIZE_MAX 4096

static struct mem mem;
static struct arena arena;
static struct yaml_errors errors;
static struct policy_yaml *loaded[FILES_MAX];
static struct policy_files files;
static char told[TEXT_SIZE_MAX];

static void
set_up(void)
{
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    arena_init(&arena, &mem);
    yaml_errors_init(&errors);
    told[0] = '\0';
}

static void
tear_down(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        policy_yaml_free(loaded[i]);
        loaded[i] = NULL;
    }
    arena_destroy(&arena);
    yaml_errors_destroy(&errors);
    ck_assert_uint_eq(mem.used, 0);
}

static void
load(const char *const texts[FILES_MAX])
{
    static const struct yaml_environment nothing = { .lookup = NULL };
    static const char *const names[FILES_MAX] = { "us.yaml", "eu.yaml", "ap.yaml", "jp.yaml" };
    size_t count = 0;
    for (; count < FILES_MAX && texts[count] != NULL; count++) {
        loaded[count] = policy_yaml_load_text(
            names[count], span_from_text(texts[count]), &nothing, &mem, &errors);
        ck_assert_msg(loaded[count] != NULL, "%s: %s", names[count],
            errors.count > 0 ? errors.list[0].message : "");
    }
    ck_assert(policy_files_init(&files, loaded, count, AT, &arena));
}

static void
tell(const char *format, struct span text)
{
    size_t size = strlen(told);
    (void)snprintf(&told[size], sizeof(told) - size, format, SPAN_ARGS(text));
}

/* "us-eu: a.x us.x, us-eu-us: loop ..., eu-us: nothing" */
static void
tell_way(void *host, const struct policy_chain *chain, const struct policy_passage *passage,
    bool is_loop)
{
    (void)host;
    for (uint32_t i = 0; i < chain->federation_count; i++) {
        tell(i == 0 ? "%.*s" : "-%.*s", chain->federations[i]);
    }
    tell(":%.*s", is_loop ? SPAN(" loop") : SPAN(""));
    if (passage->passing != POLICY_PASSES) {
        tell(" %.*s", span_from_text(policy_passing_name(passage->passing)));
    } else {
        tell(" %.*s", passage->in.identity.name);
    }
    for (uint32_t i = 0; passage->passing == POLICY_PASSES && i < chain->step_count; i++) {
        tell(" %.*s", passage->names[i]);
    }
    tell("%.*s", SPAN("\n"));
}

#define US                                                                                         \
    "policy: us\nfederation: us\nlinks: [eu]\nexport:\n  rules:\n"                                 \
    "    - {id: out, match: {function: \"a.{n**}\", tags: {none: secret}}, set: {function: "       \
    "\"us.{n}\", tags: {remove: b, add: c}}, action: accept}\n"                                    \
    "import:\n  rules:\n    - {id: in, match: {function: \"**\"}, action: accept}\n"

#define EU(rules_)                                                                                 \
    "policy: eu\nfederation: eu\nlinks: [us, ap]\nexport:\n  rules:\n" rules_                      \
    "import:\n  rules:\n    - {id: in, match: {function: [\"us.x.{m**}\", \"ap.{m**}\"]}, set: "   \
    "{function: \"far.{m}\"}, action: accept}\n"

#define AP(match_)                                                                                 \
    "policy: ap\nfederation: ap\nlinks: [eu]\nimport:\n  rules:\n    - {id: in, match: {" match_   \
    "}, action: accept}\n"

#define TRANSIT                                                                                    \
    "    - {id: pass, match: {function: \"{f**}\", tags: {any: [b, c]}}, transit: true, "          \
    "set: {function: \"eu.{f}\"}, action: accept}\n"

static const struct way_case {
    const char *name;
    const char *texts[FILES_MAX];
    const char *ways; /* from us */
} way_cases[] = {
    { "one border", { US, EU("    - {id: none, action: reject}\n") },
        "us-eu: a.x.x us.x.x far.x\nus-eu-us: loop nothing\n" },
    { "transit, and back", { US, EU(TRANSIT), AP("function: \"eu.far.**\"") },
        "us-eu: a.x.x us.x.x far.x\n"
        "us-eu-us: loop a.x.x us.x.x far.x eu.far.x eu.far.x\n"
        "us-eu-ap: a.x.x us.x.x far.x eu.far.x eu.far.x\n"
        "us-eu-ap-eu: loop nothing\n" },
    { "transit that another name ends", { US, EU(TRANSIT), AP("function: \"eu.us.**\"") },
        "us-eu: a.x.x us.x.x far.x\n"
        "us-eu-us: loop a.x.x us.x.x far.x eu.far.x eu.far.x\n"
        "us-eu-ap: nothing\n" },
    { "a tag that is gone", { US, EU(TRANSIT), AP("tags: {all: b}") },
        "us-eu: a.x.x us.x.x far.x\n"
        "us-eu-us: loop a.x.x us.x.x far.x eu.far.x eu.far.x\n"
        "us-eu-ap: nothing\n" },
    { "a tag that was added", { US, EU(TRANSIT), AP("tags: {all: c, none: b}") },
        "us-eu: a.x.x us.x.x far.x\n"
        "us-eu-us: loop a.x.x us.x.x far.x eu.far.x eu.far.x\n"
        "us-eu-ap: a.x.x us.x.x far.x eu.far.x eu.far.x\n"
        "us-eu-ap-eu: loop nothing\n" },
    { "the tag of an origin, which only a cluster sees",
        { US,
            EU("    - {id: p, match: {tags: {all: "
               "\"mpreg-bridge:origin=us\"}}, transit: true, action: "
               "accept}\n"),
            AP("tags: {any: \"mpreg-bridge:origin=us\"}") },
        "us-eu: a.x.x us.x.x far.x\nus-eu-us: loop nothing\nus-eu-ap: nothing\n" },
    { "a path that is too long", { US, EU(TRANSIT), AP("path: {max_hops: 1}") },
        "us-eu: a.x.x us.x.x far.x\n"
        "us-eu-us: loop a.x.x us.x.x far.x eu.far.x eu.far.x\n"
        "us-eu-ap: nothing\n" },
    { "no transit", { US, EU("    - {id: own, action: accept}\n"), AP("") },
        "us-eu: a.x.x us.x.x far.x\nus-eu-us: loop nothing\nus-eu-ap: nothing\n" },
    { "no link back", { US, "policy: eu\nfederation: eu\nlinks: [ap]\n" }, "" },
    { "a rename that swaps",
        { US,
            EU("    - {id: p, match: {function: \"{a}.{b}\"}, transit: "
               "true, set: {function: \"{b}.{a}\"}, action: accept}\n"),
            AP("function: \"nowhere.*.*\"") },
        "us-eu: a.x.x us.x.x far.x\n"
        "us-eu-us: loop a.x.x us.x.x far.x x.far x.far\n"
        "us-eu-ap: nothing\n" },
};

START_TEST(ways_are_found_or_there_are_none)
{
    const struct way_case *c = &way_cases[_i];
    struct policy_tour tour = { .network = &files.network,
        .arena = &arena,
        .first_member = POLICY_ANY_MEMBER,
        .visit = tell_way };
    load(c->texts);
    policy_network_tour(&tour, SPAN("us"));
    ck_assert_msg(strcmp(told, c->ways) == 0, "%s:\n got: %s\nwant: %s", c->name, told, c->ways);
}
END_TEST

static const struct only_case {
    const char *only;
    const char *ap;
    const char *judged; /* of the file alone, then of all */
} only_cases[] = {
    { "only: [eu, ap]", AP("function: \"eu.**\""), "holds, holds" },
    { "only: eu", AP("function: \"eu.**\""), "holds, broken: a.x.x us.x.x ap through eu" },
    { "only: eu", AP("function: \"us.**\""), "holds, holds" },
    { "only: ap", AP("function: \"eu.**\""), "broken, broken" },
};

START_TEST(an_export_reaches_whom_others_pass_it_on_to)
{
    const struct only_case *c = &only_cases[_i];
    char us[TEXT_SIZE_MAX];
    (void)snprintf(us, sizeof(us), US "assert:\n  - %s\n", c->only);
    load((const char *const[FILES_MAX]){ us, EU(TRANSIT), c->ap });
    struct policy_proof *proof = policy_assert_prove(loaded[0], AT, &arena);
    ck_assert_ptr_nonnull(proof);
    tell("%.*s", span_from_text(prove_result_name(proof->result)));
    policy_files_prove_only(&files, loaded[0], &loaded[0]->asserts[0], &arena, proof);
    tell(", %.*s", span_from_text(prove_result_name(proof->result)));
    if (proof->through.count > 0) {
        tell(": %.*s", proof->in.identity.name);
        tell(" %.*s", proof->becomes);
        tell(" %.*s", proof->reaches);
        tell(" through %.*s", proof->through.items[0]);
    }
    ck_assert_str_eq(told, c->judged);
}
END_TEST

START_TEST(who_passes_on_is_warned_of)
{
    /* The far side of eu's other link need not be among the files. */
    load((const char *const[FILES_MAX]){ US, EU(TRANSIT) });
    policy_files_lint(&files, &arena, &errors);
    ck_assert_uint_eq(errors.warning_count, 1);
    ck_assert_str_eq(errors.list[0].message,
        "what rule 'out' exports to 'eu' is passed on to 'ap': 'a.x.x', for example");
    ck_assert_str_eq(errors.list[0].hint, "rule 'pass' at eu.yaml:6:7 has transit; if that is "
                                          "meant, name 'ap' in an assert with only");
    ck_assert_str_eq(errors.list[0].place.file, "us.yaml");
    ck_assert_uint_eq(errors.list[0].place.line, 6);
}
END_TEST

START_TEST(who_passes_on_as_an_only_says_is_not)
{
    load((const char *const[FILES_MAX]){ US "assert:\n  - only: [eu, ap]\n", EU(TRANSIT) });
    policy_files_lint(&files, &arena, &errors);
    ck_assert_uint_eq(errors.warning_count, 0);

    tear_down();
    set_up();
    load((const char *const[FILES_MAX]){ US "assert:\n  - only: [eu, jp]\n", EU(TRANSIT) });
    policy_files_lint(&files, &arena, &errors);
    ck_assert_uint_eq(errors.warning_count, 1);
}
END_TEST

START_TEST(who_passes_on_only_his_own_is_not)
{
    load((const char *const[FILES_MAX]){
        US, EU("    - {id: own, action: accept}\n"), AP("function: \"**\"") });
    size_t before = errors.warning_count;
    policy_files_lint(&files, &arena, &errors);
    ck_assert_uint_eq(errors.warning_count, before);
}
END_TEST

START_TEST(files_of_nobody_are_left_out)
{
    load((const char *const[FILES_MAX]){ US, "policy: x\nlinks: [us]\n" });
    ck_assert_uint_eq(files.network.member_count, 1);
}
END_TEST

/* As many rules on each side as there are tries for, none of which can be seen at a glance to be in vain. */
START_TEST(too_much_is_undecided)
{
    static char texts[2][TEXT_SIZE_MAX * 64];
    for (size_t i = 0; i < 2; i++) {
        size_t size = (size_t)snprintf(texts[i], sizeof(texts[i]),
            "policy: p\nfederation: %s\nlinks: [%s]\n%s:\n  rules:\n", i == 0 ? "us" : "eu",
            i == 0 ? "eu" : "us", i == 0 ? "export" : "import");
        for (int rule = 0; rule < 1500; rule++) {
            size += (size_t)snprintf(&texts[i][size], sizeof(texts[i]) - size,
                "    - {id: r%d, match: {function: \"*.%s%d.*\"}, action: accept}\n", rule,
                i == 0 ? "a" : "b", rule);
        }
    }
    load((const char *const[FILES_MAX]){ texts[0], texts[1] });
    struct policy_chain chain = { .federations = { SPAN("us"), SPAN("eu") },
        .federation_count = 2,
        .members = { 0, 1 },
        .step_count = 2 };
    struct policy_passage passage;
    policy_network_prove(&files.network, &chain, &arena, &passage);
    ck_assert_str_eq(policy_passing_name(passage.passing), "undecided");
    ck_assert_int_ne(passage.doubt, PROVE_SURE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_files");
    TCase *tcase = tcase_create("policy_files");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, ways_are_found_or_there_are_none, 0, (int)COUNT_OF(way_cases));
    tcase_add_loop_test(
        tcase, an_export_reaches_whom_others_pass_it_on_to, 0, (int)COUNT_OF(only_cases));
    tcase_add_test(tcase, who_passes_on_is_warned_of);
    tcase_add_test(tcase, who_passes_on_as_an_only_says_is_not);
    tcase_add_test(tcase, who_passes_on_only_his_own_is_not);
    tcase_add_test(tcase, files_of_nobody_are_left_out);
    tcase_add_test(tcase, too_much_is_undecided);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
