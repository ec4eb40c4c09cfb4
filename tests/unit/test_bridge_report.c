/* SPDX-License-Identifier: Apache-2.0 */
/* test_bridge_report.c - what both ends of a link tell each other of what became of their functions. */
#include "tests/support/bridge_calls.h"

#include <stdlib.h>

static const struct policy_rule_source picky[] = {
    { .id = T("no-admin"), .functions = LIST(T("admin.**")), .action = POLICY_REJECT },
    { .id = T("no-old"), .functions = LIST(T("old.**")), .action = POLICY_REJECT },
    RULE_ALL,
};

/* eu announces f, admin.a, admin.b and old.c; what comes is judged by `picky`. */
static uint32_t
open_reporting(enum policy_report report)
{
    const struct policy_source source = {
        .name = SPAN("test"),
        .rules = { all, picky },
        .rule_count = { COUNT_OF(all), COUNT_OF(picky) },
        .report = report,
    };
    struct policy *policy = rib_rig_policy_with(&rig.wire.mem, &source);
    rig.policies[rig.policy_count++] = policy;
    uint32_t far = open_with_policy(policy);
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 11, .name = "admin.a" });
    rig_far_announce(&rig, far, 4, "eu", (struct rib_route){ .route_id = 12, .name = "admin.b" });
    rig_far_announce(&rig, far, 5, "eu", (struct rib_route){ .route_id = 13, .name = "old.c" });
    rig_pass(&rig, RIG_KEEPALIVE_NS);
    return far;
}

static uint32_t
reports(uint32_t far)
{
    return rig_far_heard(&rig, far, LINK_FRAME_REPORT, &frame);
}

static uint64_t
count_of(const char *rule)
{
    for (uint32_t i = 0; i < frame.report.rule_count; i++) {
        if (span_is(frame.report.rules[i].rule, rule)) {
            ck_assert(span_is(frame.report.rules[i].reason, "policy_rejected"));
            return frame.report.rules[i].count;
        }
    }
    return 0;
}

START_TEST(far_side_is_told_by_which_rules_its_functions_were_rejected)
{
    uint32_t far = open_reporting(POLICY_REPORT_COUNTS);
    ck_assert_uint_ge(reports(far), 1);
    ck_assert_uint_eq(frame.report.accepted, 1);
    ck_assert_uint_eq(frame.report.rejected, 3);
    ck_assert_uint_eq(frame.report.rule_count, 2);
    ck_assert_uint_eq(count_of("no-admin"), 2);
    ck_assert_uint_eq(count_of("no-old"), 1);
    ck_assert_uint_eq(frame.report.route_count, 0);
}
END_TEST

START_TEST(names_are_told_when_the_policy_says_so)
{
    uint32_t far = open_reporting(POLICY_REPORT_NAMES);
    ck_assert_uint_ge(reports(far), 1);
    ck_assert_uint_eq(frame.report.route_count, 3);
    ck_assert_uint_eq(frame.report.routes[0].route_id, 11);
    ck_assert_uint_eq(frame.report.routes[2].route_id, 13);
    const struct link_report_rule *rule = &frame.report.rules[frame.report.routes[2].rule];
    ck_assert(span_is(rule->rule, "no-old"));
}
END_TEST

START_TEST(nothing_is_told_when_the_policy_says_so)
{
    uint32_t far = open_reporting(POLICY_REPORT_NONE);
    ck_assert_uint_eq(reports(far), 0);
}
END_TEST

START_TEST(changes_are_told_at_most_once_a_keepalive_and_only_when_there_are_any)
{
    uint32_t far = open_reporting(POLICY_REPORT_COUNTS);
    rig_pass(&rig, RIG_KEEPALIVE_NS);
    uint32_t before = reports(far);
    rig_far_withdraw(&rig, far, 6, 11);
    ck_assert_uint_eq(reports(far), before + 1);
    ck_assert_uint_eq(count_of("no-admin"), 1);
    rig_far_withdraw(&rig, far, 7, 12);
    rig_far_withdraw(&rig, far, 8, 1);
    rig_pass(&rig, RIG_KEEPALIVE_NS - 1);
    ck_assert_uint_eq(reports(far), before + 1);
    rig_pass(&rig, 1);
    ck_assert_uint_eq(reports(far), before + 2);
    ck_assert_uint_eq(frame.report.accepted, 0);
    ck_assert_uint_eq(frame.report.rejected, 1);
    ck_assert_uint_eq(count_of("no-admin"), 0);
    /* The far side has to say something now and then. */
    const struct link_frame ping = { .type = LINK_FRAME_PING, .ping = { .number = 1 } };
    rig_far_send(&rig, far, &ping);
    rig_pass(&rig, 2 * RIG_KEEPALIVE_NS);
    ck_assert_uint_eq(reports(far), before + 2);
}
END_TEST

START_TEST(what_the_far_side_tells_is_kept_until_its_session_ends)
{
    uint32_t far = open_with_far_eu();
    static const struct link_report_rule rules[] = {
        { .reason = T("policy_rejected"), .rule = T("theirs"), .count = 1 },
    };
    const struct link_report_route routes[] = { { .route_id = route_of("ours"), .rule = 0 } };
    struct link_frame told = {
        .type = LINK_FRAME_REPORT,
        .report = { .accepted = 9,
            .rejected = 1,
            .rules = rules,
            .rule_count = 1,
            .routes = routes,
            .route_count = 1 },
    };
    uint64_t ago_ns = 0;
    const struct bridge *bridge = rig.bridges[US].bridge;
    ck_assert_ptr_null(bridge_link_told(bridge, 0, &ago_ns));
    rig_far_send(&rig, far, &told);
    rig_pass(&rig, SEC_NS);
    told.report.rules = NULL; /* a copy was kept */
    const struct link_report *kept = bridge_link_told(bridge, 0, &ago_ns);
    ck_assert_ptr_nonnull(kept);
    ck_assert_uint_eq(kept->accepted, 9);
    ck_assert_uint_eq(kept->rule_count, 1);
    ck_assert(span_is(kept->rules[0].rule, "theirs"));
    ck_assert_uint_eq(kept->routes[0].route_id, route_of("ours"));
    ck_assert_uint_le(ago_ns, SEC_NS);
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    ck_assert_ptr_null(bridge_link_told(bridge, 0, &ago_ns));
}
END_TEST

/* It may have been lost with the connection. */
START_TEST(it_is_told_again_when_the_session_goes_on_over_another_connection)
{
    rig.resume_window_ns = WINDOW_NS;
    uint32_t far = open_reporting(POLICY_REPORT_COUNTS);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_HELLO, &frame), 1);
    uint64_t session = frame.hello.session;
    rig_disconnect(&rig, far, SPAN("reset"));
    far = rig_far_come_back(&rig, US, "eu-1", session, link_stats().session->sequence_sent);
    ck_assert_uint_eq(link_stats().session->resumes, 1);
    rig_pass(&rig, RIG_KEEPALIVE_NS);
    ck_assert_uint_eq(reports(far), 1);
    ck_assert_uint_eq(frame.report.rejected, 3);
}
END_TEST

/* More rules than there are counters: the totals are right all the same, and nothing is counted twice when all go. */
START_TEST(rules_beyond_the_counters_are_in_the_totals)
{
    static char names[80][16];
    struct policy_rule_source rules[80];
    struct span patterns[80];
    for (uint32_t i = 0; i < COUNT_OF(rules); i++) {
        snprintf(names[i], sizeof(names[i]), "f%u", i);
        patterns[i] = span_from_text(names[i]);
        rules[i] = (struct policy_rule_source){
            .id = patterns[i],
            .functions = { .items = &patterns[i], .count = 1 },
            .action = POLICY_REJECT,
        };
    }
    struct policy *policy = rig_policy(&rig, all, 1, rules, COUNT_OF(rules));
    const struct rig_link links[] = { { "eu", NULL, policy } };
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    uint32_t far = rig_far_join(&rig, US, "eu", "eu-1");
    for (uint32_t i = 0; i < COUNT_OF(rules); i++) {
        rig_far_announce(
            &rig, far, 2 + i, "eu", (struct rib_route){ .route_id = i, .name = names[i] });
    }
    rig_pass(&rig, RIG_KEEPALIVE_NS);
    ck_assert_uint_ge(reports(far), 1);
    ck_assert_uint_eq(frame.report.rejected, COUNT_OF(rules));
    ck_assert_uint_eq(frame.report.rule_count, LINK_REPORT_RULES_MAX);
    for (uint32_t i = 0; i < COUNT_OF(rules); i++) {
        rig_far_withdraw(&rig, far, 82 + i, COUNT_OF(rules) - 1 - i);
    }
    rig_pass(&rig, RIG_KEEPALIVE_NS);
    ck_assert_uint_ge(reports(far), 2);
    ck_assert_uint_eq(frame.report.rejected, 0);
    ck_assert_uint_eq(frame.report.rule_count, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_report");
    TCase *tcase = tcase_create("report");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, far_side_is_told_by_which_rules_its_functions_were_rejected);
    tcase_add_test(tcase, names_are_told_when_the_policy_says_so);
    tcase_add_test(tcase, nothing_is_told_when_the_policy_says_so);
    tcase_add_test(tcase, changes_are_told_at_most_once_a_keepalive_and_only_when_there_are_any);
    tcase_add_test(tcase, it_is_told_again_when_the_session_goes_on_over_another_connection);
    tcase_add_test(tcase, what_the_far_side_tells_is_kept_until_its_session_ends);
    tcase_add_test(tcase, rules_beyond_the_counters_are_in_the_totals);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
