/* SPDX-License-Identifier: Apache-2.0 */
/* test_bridge_probe.c - the bridge's own calls over a link: what they are, how they end, and what follows for the link. */
#include "tests/support/bridge_calls.h"

#include <stdlib.h>

static const struct probe_config probes[] = {
    { .function = T("f"),
        .args = T("[1,\"two\"]"),
        .every_ns = 5 * SEC_NS,
        .timeout_ns = SEC_NS,
        .fail_after = 3,
        .ok_after = 2 },
};

static const struct policy_rule_source limited[] = {
    { .id = T("all"),
        .limits = { .rate = 1, .rate_per_ns = 60 * SEC_NS, .burst = 1 },
        .action = POLICY_ACCEPT },
};

static const struct text_list idempotent = LIST(T("idempotent"));

/* The two far bridges, by their connections. */
static uint32_t far[2];

static const struct probe *
probe(void)
{
    return link_stats().probes;
}

/* The far bridge of the link is there, and has f if it `has`, before its table is complete. */
static uint32_t
join(uint32_t link, bool has)
{
    static const char *const federations[] = { "eu", "ap" };
    static const char *const names[] = { "eu-1", "ap-1" };
    uint64_t sequence = 1;
    uint32_t conn = rig_far_connect(&rig, US, federations[link], names[link]);
    rig_far_hello(&rig, conn, federations[link], names[link]);
    if (has) {
        rig_far_announce(&rig, conn, sequence++, federations[link],
            (struct rib_route){ .route_id = 1, .name = "f", .tags = idempotent });
    }
    const struct link_frame synced = { .type = LINK_FRAME_END_OF_SYNC, .sequence = sequence };
    rig_far_send(&rig, conn, &synced);
    return conn;
}

/* us with links to eu and ap, where f is to be probed over the first; nobody is there. */
static void
open_with_imports(const struct policy_rule_source *imports)
{
    struct policy *policy = rig_policy(&rig, all, 1, imports, 1);
    const struct rig_link links[] = {
        { "eu", NULL, policy },
        { "ap", NULL, policy },
    };
    rig.probes = probes;
    rig.probe_count = COUNT_OF(probes);
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
}

static void
open_with_eu(void)
{
    open_with_imports(all);
    far[0] = join(0, true);
}

static uint32_t
calls_at(uint32_t which)
{
    return rig_far_heard(&rig, far[which], LINK_FRAME_CALL, &frame);
}

/* The call that is under way gets this answer. */
static void
answer(enum link_reply_status status, uint16_t code, const char *body)
{
    ck_assert(probe()->under_way);
    ck_assert_uint_gt(calls_at(0), 0);
    far_replies(far[0], frame.call.call_id, status, code, span_from_text(body));
    ck_assert(!probe()->under_way);
}

static void
next_answers(const char *body, enum link_reply_status status)
{
    rig_pass(&rig, 5 * SEC_NS);
    answer(status, 0, body);
}

START_TEST(link_that_comes_up_is_probed_at_once_and_then_every_interval)
{
    open_with_eu();
    ck_assert_uint_eq(calls_at(0), 1);
    ck_assert(span_is(frame.call.args, "[1,\"two\"]"));
    ck_assert(span_is(frame.call.kwargs, "{}"));
    ck_assert_uint_eq(frame.call.route_id, 1);
    ck_assert_uint_eq(frame.call.timeout_ms, 1000);
    ck_assert_uint_eq(frame.call.path.count, 1);
    ck_assert_uint_eq(frame.call.id.size, 0);
    ck_assert_uint_eq(link_stats().to_link.in_flight, 1);
    rig_pass(&rig, 100 * MS_NS);
    answer(LINK_REPLY_OK, 0, "7");
    ck_assert_int_eq(probe()->last, PROBE_OK);
    ck_assert_uint_eq(probe()->last_ns, 100 * MS_NS);
    ck_assert_uint_eq(link_stats().to_link.in_flight, 0);
    ck_assert_uint_eq(link_stats().to_link.by_result[CALL_RESULT_OK], 1);
    rig_pass(&rig, 4900 * MS_NS - 1);
    ck_assert_uint_eq(calls_at(0), 1);
    rig_pass(&rig, 1);
    ck_assert_uint_eq(calls_at(0), 2);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1).probe_count, 0);
}
END_TEST

static const struct end_case {
    const char *name;
    enum link_reply_status status;
    uint16_t code;
    const char *body;
    enum probe_result want;
} end_cases[] = {
    { "an answer", LINK_REPLY_OK, 0, "7", PROBE_OK },
    { "the function fails", LINK_REPLY_FAILED, 0, "{\"error\":\"x\"}", PROBE_FAILED },
    { "no JSON", LINK_REPLY_OK, 0, "{", PROBE_FAILED },
    { "gone meanwhile", LINK_REPLY_ERROR, CALL_NOT_FOUND, "no", PROBE_ABSENT },
    { "the far bridge shuts down", LINK_REPLY_ERROR, CALL_DRAINING, "no", PROBE_LINK_DOWN },
    { "a link behind it is down", LINK_REPLY_ERROR, CALL_LINK_DOWN, "no", PROBE_FAILED },
    { "the far side has waited in vain", LINK_REPLY_ERROR, CALL_DEADLINE_EXCEEDED, "no",
        PROBE_TIMEOUT },
    { "more than it allows", LINK_REPLY_ERROR, CALL_RATE_LIMITED, "no", PROBE_FAILED },
    { "whatever that is", LINK_REPLY_ERROR, 9999, "no", PROBE_FAILED },
};

START_TEST(how_the_call_ends_is_the_result)
{
    const struct end_case *c = &end_cases[_i];
    open_with_eu();
    answer(c->status, c->code, c->body);
    ck_assert_msg(probe()->last == c->want, "%s: got %s, want %s", c->name,
        probe_result_name(probe()->last), probe_result_name(c->want));
    ck_assert_uint_eq(probe_count(probe()), 1);
    ck_assert_uint_eq(link_stats().to_link.in_flight, 0);
}
END_TEST

START_TEST(no_answer_in_time_is_a_timeout)
{
    open_with_eu();
    rig_pass(&rig, SEC_NS);
    ck_assert_int_eq(probe()->last, PROBE_TIMEOUT);
    ck_assert_uint_eq(probe()->last_ns, SEC_NS);
    /* It comes late, and is for nobody. */
    (void)calls_at(0);
    far_replies(far[0], frame.call.call_id, LINK_REPLY_OK, 0, SPAN("7"));
    ck_assert_int_eq(probe()->last, PROBE_TIMEOUT);
    ck_assert_uint_eq(probe_count(probe()), 1);
}
END_TEST

START_TEST(function_that_the_link_does_not_bring_is_absent)
{
    open_with_imports(all);
    far[0] = join(0, false);
    ck_assert_int_eq(probe()->last, PROBE_ABSENT);
    ck_assert_uint_eq(probe_count(probe()), 1);
    ck_assert_uint_eq(calls_at(0), 0);
    rig_far_announce(&rig, far[0], 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    next_answers("7", LINK_REPLY_OK);
    ck_assert_int_eq(probe()->last, PROBE_OK);
}
END_TEST

START_TEST(function_of_another_link_is_not_meant)
{
    open_with_imports(all);
    far[1] = join(1, true);
    far[0] = join(0, false);
    ck_assert_int_eq(probe()->last, PROBE_ABSENT);
    ck_assert_uint_eq(calls_at(1), 0);
}
END_TEST

START_TEST(link_that_is_down_is_so_at_each_interval_until_it_comes_up)
{
    open_with_imports(all);
    ck_assert_uint_eq(probe_count(probe()), 0);
    rig_pass(&rig, 16 * SEC_NS);
    ck_assert_uint_eq(probe()->results[PROBE_LINK_DOWN], 3);
    ck_assert(link_stats().doubted);
    ck_assert_uint_eq(link_stats().to_link.by_result[call_result_index(CALL_LINK_DOWN)], 0);
    far[0] = join(0, true);
    answer(LINK_REPLY_OK, 0, "7");
    ck_assert(link_stats().doubted);
    next_answers("7", LINK_REPLY_OK);
    ck_assert(!link_stats().doubted);
}
END_TEST

START_TEST(link_that_breaks_takes_the_call_along_and_no_other_gets_it)
{
    open_with_eu();
    far[1] = join(1, true);
    answer(LINK_REPLY_OK, 0, "7");
    rig_pass(&rig, 5 * SEC_NS);
    ck_assert(probe()->under_way);
    rig_disconnect(&rig, far[0], SPAN("reset"));
    rig_run(&rig);
    ck_assert(!probe()->under_way);
    ck_assert_int_eq(probe()->last, PROBE_LINK_DOWN);
    ck_assert_uint_eq(calls_at(1), 0);
}
END_TEST

/* So many calls of the cluster, and how many of them go over the first link. */
static uint32_t
of_four_calls(void)
{
    uint32_t before[2] = { calls_at(0), calls_at(1) };
    for (int i = 0; i < 4; i++) {
        rig_peer_call(&rig, node, "f", "[9]");
    }
    uint32_t first = calls_at(0) - before[0];
    ck_assert_uint_eq(first + calls_at(1) - before[1], 4);
    return first;
}

START_TEST(link_whose_probe_fails_is_the_last_choice_until_it_answers_again)
{
    open_with_eu();
    far[1] = join(1, true);
    answer(LINK_REPLY_FAILED, 0, "{}");
    next_answers("{}", LINK_REPLY_FAILED);
    ck_assert(!link_stats().doubted);
    ck_assert_uint_eq(of_four_calls(), 2);
    next_answers("{}", LINK_REPLY_FAILED);
    ck_assert(probe()->failing);
    ck_assert(link_stats().doubted);
    ck_assert_int_eq(link_stats().state, LINK_UP);
    ck_assert_uint_eq(of_four_calls(), 0);
    next_answers("7", LINK_REPLY_OK);
    ck_assert_uint_eq(of_four_calls(), 0);
    next_answers("7", LINK_REPLY_OK);
    ck_assert(!link_stats().doubted);
    ck_assert_uint_eq(of_four_calls(), 2);
}
END_TEST

START_TEST(link_whose_probe_fails_serves_what_nobody_else_brings)
{
    open_with_eu();
    answer(LINK_REPLY_FAILED, 0, "{}");
    next_answers("{}", LINK_REPLY_FAILED);
    next_answers("{}", LINK_REPLY_FAILED);
    ck_assert(link_stats().doubted);
    struct span call = rig_peer_call(&rig, node, "f", "[9]");
    far_replies(far[0], far_called(far[0])->call_id, LINK_REPLY_OK, 0, SPAN("8"));
    expect_result(call, "8");
}
END_TEST

START_TEST(probe_is_held_to_the_limits_of_its_rule)
{
    open_with_imports(limited);
    far[0] = join(0, true);
    answer(LINK_REPLY_OK, 0, "7");
    rig_pass(&rig, 5 * SEC_NS);
    ck_assert_int_eq(probe()->last, PROBE_FAILED);
    ck_assert_uint_eq(calls_at(0), 1);
    ck_assert_uint_eq(link_stats().to_link.by_result[call_result_index(CALL_RATE_LIMITED)], 1);
}
END_TEST

START_TEST(bridge_that_stops_probes_no_more)
{
    open_with_eu();
    answer(LINK_REPLY_OK, 0, "7");
    rig_stop(&rig, US);
    rig_pass(&rig, 20 * SEC_NS);
    ck_assert(rig.bridges[US].finished);
    ck_assert_uint_eq(probe_count(probe()), 1);
}
END_TEST

START_TEST(bridge_that_stops_waits_for_its_probe)
{
    open_with_eu();
    rig_stop(&rig, US);
    ck_assert(probe()->under_way);
    rig_pass(&rig, 2 * SEC_NS);
    ck_assert(rig.bridges[US].finished);
    ck_assert_int_eq(probe()->last, PROBE_TIMEOUT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_probe");
    TCase *tests = tcase_create("bridge_probe");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, link_that_comes_up_is_probed_at_once_and_then_every_interval);
    tcase_add_loop_test(tests, how_the_call_ends_is_the_result, 0, COUNT_OF(end_cases));
    tcase_add_test(tests, no_answer_in_time_is_a_timeout);
    tcase_add_test(tests, function_that_the_link_does_not_bring_is_absent);
    tcase_add_test(tests, function_of_another_link_is_not_meant);
    tcase_add_test(tests, link_that_is_down_is_so_at_each_interval_until_it_comes_up);
    tcase_add_test(tests, link_that_breaks_takes_the_call_along_and_no_other_gets_it);
    tcase_add_test(tests, link_whose_probe_fails_is_the_last_choice_until_it_answers_again);
    tcase_add_test(tests, link_whose_probe_fails_serves_what_nobody_else_brings);
    tcase_add_test(tests, probe_is_held_to_the_limits_of_its_rule);
    tcase_add_test(tests, bridge_that_stops_probes_no_more);
    tcase_add_test(tests, bridge_that_stops_waits_for_its_probe);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
