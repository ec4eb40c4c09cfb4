/* SPDX-License-Identifier: Apache-2.0 */
/* test_prune.c - the names of the closed list, which metrics and logs show. */
#include <check.h>
#include <stdlib.h>

#include "core/prune.h"
#include "tests/support/check_failed.h"

START_TEST(names_are_those_of_the_closed_list_in_its_order)
{
    static const char *const names[] = { "ttl_expired", "withdrawn", "link_down", "node_goodbye",
        "node_dead", "policy_rejected", "limit_exceeded", "damped", "loop", "isolation",
        "function_id_conflict", "version_conflict", "invalid", "superseded", "stale_timeout",
        "operator" };
    ck_assert_uint_eq(COUNT_OF(names), PRUNE_REASON_COUNT);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ck_assert_str_eq(prune_reason_name((enum prune_reason)i), names[i]);
    }
}
END_TEST

static Suite *
prune_suite(void)
{
    Suite *suite = suite_create("prune");
    TCase *claims = tcase_create("claims");
    tcase_add_test(claims, names_are_those_of_the_closed_list_in_its_order);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(prune_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
