/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctl_policy_outcome.c - how a change ended, in a word and in a sentence. */
#include "app/ctl_policy_outcome.h"

#include <check.h>

#include "tests/support/check_failed.h"

static const struct row {
    const char *state;
    const char *outcome;
    enum ctl_policy_end end;
    const char *name;
    const char *text;
} rows[] = {
    { "comparing", "none", CTL_POLICY_UNDER_WAY, "under_way",
        "a change is under way: version 3 is in use" },
    { "applying", "none", CTL_POLICY_UNDER_WAY, "under_way",
        "a change is under way: version 3 is in use" },
    { "reverting", "reverted", CTL_POLICY_UNDER_WAY, "under_way",
        "a change is under way: version 3 is in use" },
    { "idle", "compared", CTL_POLICY_COMPARED, "compared", "version 3 is in use" },
    { "idle", "applied", CTL_POLICY_APPLIED, "applied", "version 3 is in use" },
    { "confirming", "none", CTL_POLICY_UNCONFIRMED, "unconfirmed",
        "applied, and goes back to version 3 at 1970-01-01T00:01:41Z (in 41.2s) unless "
        "somebody confirms it: mpregctl policy confirm" },
    { "idle", "guarded", CTL_POLICY_GUARDED, "guarded",
        "nothing was changed: 5 of 12 functions would vanish or change their name over link 'eu', "
        "more than guard.withdraw_max 20% allows; see the differences, or say it again with "
        "--force" },
    { "idle", "reverted", CTL_POLICY_REVERTED, "reverted",
        "what waited for a confirmation went back: version 3 is in use" },
    { "idle", "no_memory", CTL_POLICY_NO_MEMORY, "no_memory",
        "nothing was changed, the bridge has not enough memory: version 3 is in use" },
    { "shadowing", "none", CTL_POLICY_SHADOWED, "shadowed",
        "files are compared and not used: version 3 is in use" },
    { "idle", "none", CTL_POLICY_UNKNOWN, "unknown", "version 3 is in use" },
    { "idle", "of-a-newer-bridge", CTL_POLICY_UNKNOWN, "unknown", "version 3 is in use" },
};

START_TEST(each_state_and_outcome_has_its_words)
{
    const struct row *row = &rows[_i];
    json_t *policy = json_pack("{s:i,s:{s:s,s:s,s:f,s:{s:s,s:i,s:i,s:i}}}", "version", 3, "reload",
        "state", row->state, "outcome", row->outcome, "confirm_seconds_left", 41.2, "guarded",
        "link", "eu", "vanish", 5, "of", 12, "withdraw_max_percent", 20);
    ck_assert_ptr_nonnull(policy);
    struct ctl_policy_outcome outcome =
        ctl_policy_outcome(policy, (struct wall){ .ns = 60 * (int64_t)SEC_NS + 5 });
    ck_assert_int_eq(outcome.end, row->end);
    ck_assert_str_eq(outcome.name, row->name);
    ck_assert_str_eq(outcome.text.text, row->text);
    ck_assert_str_eq(
        outcome.until.text, row->end == CTL_POLICY_UNCONFIRMED ? "1970-01-01T00:01:41Z" : "");
    json_decref(policy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ctl_policy_outcome");
    TCase *tests = tcase_create("ctl_policy_outcome");
    tcase_add_loop_test(tests, each_state_and_outcome_has_its_words, 0, COUNT_OF(rows));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
