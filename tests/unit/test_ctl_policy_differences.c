/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctl_policy_differences.c - what a bridge tells, in one order, for people and for programs. */
#include "app/ctl_policy_differences.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"

/* Two links; the bridge lists in the order of its work, and not all. */
static const char told[] =
    "{'links': ["
    " {'link': 'eu', 'whole': true, 'compared': 12, 'accepted': 9,"
    "  'counts': {'appear': 1, 'vanish': 3, 'rename': 1, 'alter': 0}, 'differences': ["
    "   {'kind': 'rename', 'direction': 'import', 'function': 'eu.b', 'before': 'eu.b', 'after': "
    "'b',"
    "    'rule_before': 'all', 'rule_after': 'short'},"
    "   {'kind': 'vanish', 'direction': 'export', 'function': 'z', 'before': 'us.z', 'after': null,"
    "    'rule_before': 'public', 'rule_after': 'default'},"
    "   {'kind': 'vanish', 'direction': 'export', 'function': 'a', 'before': 'us.a', 'after': null,"
    "    'rule_before': 'public', 'rule_after': 'default'},"
    "   {'kind': 'appear', 'direction': 'export', 'function': 'm', 'before': null, 'after': 'us.m',"
    "    'rule_before': 'default', 'rule_after': 'more'}]},"
    " {'link': 'ap', 'whole': true, 'compared': 2, 'accepted': 1,"
    "  'counts': {'appear': 0, 'vanish': 0, 'rename': 0, 'alter': 1}, 'differences': ["
    "   {'kind': 'alter', 'direction': 'export', 'function': 'c', 'before': 'us.c', 'after': "
    "'us.c',"
    "    'rule_before': 'r', 'rule_after': 'r'},"
    "   {'kind': 'of-a-newer-bridge', 'direction': 'export', 'function': 'd'}]}]}";

static const char nothing[] =
    "{'links': [{'link': 'eu', 'compared': 3, 'accepted': 3, 'counts': "
    "{'appear': 0, 'vanish': 0, 'rename': 0, 'alter': 0}, 'differences': []}]}";

/* JSON with ' instead of ". */
static json_t *
parse(const char *text)
{
    char quoted[4096];
    size_t size = 0;
    for (; text[size] != '\0'; size++) {
        ck_assert_uint_lt(size + 1, sizeof(quoted));
        quoted[size] = text[size] == '\'' ? '"' : text[size];
    }
    json_t *json = json_loadb(quoted, size, 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

static void
ck_assert_printed(const char *answer_text, const char *want)
{
    char *text = NULL;
    size_t size = 0;
    json_t *answer = parse(answer_text);
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ctl_policy_differences_print(answer, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, want);
    free(text);
    json_decref(answer);
}

START_TEST(table_is_sorted_by_link_direction_kind_and_function)
{
    ck_assert_printed(told,
        "LINK  DIRECTION  CHANGE    FUNCTION  BEFORE  AFTER  RULE BEFORE  RULE AFTER\n"
        "ap    export     altered   c         us.c    us.c   r            r\n"
        "eu    export     appears   m         -       us.m   default      more\n"
        "eu    export     vanishes  a         us.a    -      public       default\n"
        "eu    export     vanishes  z         us.z    -      public       default\n"
        "eu    import     renamed   eu.b      eu.b    b      all          short\n"
        "... and 1 more, which the bridge does not list\n"
        "appear 1, vanish 3, change 1, alter 1; 14 functions compared, 10 pass today\n");
}
END_TEST

START_TEST(nothing_is_said_in_one_line)
{
    ck_assert_printed(nothing, "no differences; 3 functions compared, 3 pass today\n");
    ck_assert_printed("{}", "no differences; 0 functions compared, 0 pass today\n");
}
END_TEST

START_TEST(json_has_a_list_for_each_kind_and_complete_counts)
{
    json_t *answer = parse(told);
    json_t *json = ctl_policy_differences_json(answer);
    json_t *want = parse(
        "{'appear': [{'link': 'eu', 'direction': 'export', 'function': 'm', 'before': null,"
        "  'after': 'us.m', 'rule_before': 'default', 'rule_after': 'more'}],"
        " 'vanish': [{'link': 'eu', 'direction': 'export', 'function': 'a', 'before': 'us.a',"
        "  'after': null, 'rule_before': 'public', 'rule_after': 'default'},"
        "  {'link': 'eu', 'direction': 'export', 'function': 'z', 'before': 'us.z',"
        "  'after': null, 'rule_before': 'public', 'rule_after': 'default'}],"
        " 'change': [{'link': 'eu', 'direction': 'import', 'function': 'eu.b', 'before': 'eu.b',"
        "  'after': 'b', 'rule_before': 'all', 'rule_after': 'short'}],"
        " 'alter': [{'link': 'ap', 'direction': 'export', 'function': 'c', 'before': 'us.c',"
        "  'after': 'us.c', 'rule_before': 'r', 'rule_after': 'r'}],"
        " 'counts': {'appear': 1, 'vanish': 3, 'change': 1, 'alter': 1},"
        " 'compared': 14, 'accepted': 10}");
    ck_assert_msg(json_equal(json, want) == 1, "got %s", json_dumps(json, 0));
    json_decref(want);
    json_decref(json);
    json_decref(answer);
}
END_TEST

START_TEST(what_is_only_counted_differs_too)
{
    json_t *none = parse(nothing);
    json_t *counted = parse("{'links': [{'link': 'eu', 'counts': {'vanish': 1}}]}");
    ck_assert(!ctl_policy_differences_any(none));
    ck_assert(ctl_policy_differences_any(counted));
    json_decref(counted);
    json_decref(none);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ctl_policy_differences");
    TCase *tests = tcase_create("ctl_policy_differences");
    tcase_add_test(tests, table_is_sorted_by_link_direction_kind_and_function);
    tcase_add_test(tests, nothing_is_said_in_one_line);
    tcase_add_test(tests, json_has_a_list_for_each_kind_and_complete_counts);
    tcase_add_test(tests, what_is_only_counted_differs_too);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
