/* SPDX-License-Identifier: Apache-2.0 */
/* test_bridge_again.c - two links to one federation: calls are spread, go over the other one, and come again. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/bridge_calls.h"

/* The two far bridges, by their connections. */
static uint32_t far[2];

static const struct policy_rule_source retrying[] = {
    { .id = T("all"), .retries = 1, .action = POLICY_ACCEPT }
};

/* The function of eu-2 has no tags. */
static bool first_only;

/* us-1 with links to eu-1 and eu-2, which both have f. */
static void
open_pair_with(const struct policy_rule_source *exports, const struct policy_rule_source *imports,
    struct text_list tags)
{
    static const char *const names[] = { "eu-1", "eu-2" };
    const struct rig_link links[] = {
        { "eu", NULL, rig_policy(&rig, exports, 1, imports, 1) },
        { "eu", NULL, rig_policy(&rig, exports, 1, imports, 1) },
    };
    rig.resume_window_ns = 10 * SEC_NS;
    rig.stale_time_ns = 60 * SEC_NS;
    rig.far_bridges = names;
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "ours" });
    for (uint32_t i = 0; i < 2; i++) {
        far[i] = rig_far_join(&rig, US, "eu", names[i]);
        bool has_tags = i == 0 || !first_only;
        rig_far_announce(&rig, far[i], 2, "eu",
            (struct rib_route){ .route_id = 1,
                .name = "f",
                .tags = has_tags ? tags : (struct text_list){ .count = 0 } });
    }
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
}

static void
open_pair(const struct policy_rule_source *imports, struct text_list tags)
{
    open_pair_with(all, imports, tags);
}

static uint32_t
calls_at(uint32_t which)
{
    return rig_far_heard(&rig, far[which], LINK_FRAME_CALL, &frame);
}

START_TEST(certificate_chooses_the_link)
{
    open_pair(all, (struct text_list){ .count = 0 });
    ck_assert(span_is(rig_link_stats(&rig, US, 0).far_bridge, "eu-1"));
    ck_assert(span_is(rig_link_stats(&rig, US, 1).far_bridge, "eu-2"));
    uint32_t third = rig_far_connect(&rig, US, "eu", "eu-3");
    ck_assert_uint_eq(rig_far_heard(&rig, third, LINK_FRAME_ERROR, &frame), 1);
}
END_TEST

START_TEST(calls_are_spread_over_links_that_are_as_good_as_each_other)
{
    open_pair(all, (struct text_list){ .count = 0 });
    for (int i = 0; i < 10; i++) {
        rig_peer_call(&rig, node, "f", "[1]");
    }
    ck_assert_uint_eq(calls_at(0), 5);
    ck_assert_uint_eq(calls_at(1), 5);
    /* The cluster sees it once. */
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).functions_offered, 1);
}
END_TEST

START_TEST(better_link_gets_all_and_the_other_one_takes_over)
{
    open_pair(all, (struct text_list){ .count = 0 });
    const struct link_frame drain = { .type = LINK_FRAME_DRAIN };
    rig_far_send(&rig, far[0], &drain);
    for (int i = 0; i < 4; i++) {
        rig_peer_call(&rig, node, "f", "[1]");
    }
    ck_assert_uint_eq(calls_at(0), 0);
    ck_assert_uint_eq(calls_at(1), 4);
}
END_TEST

START_TEST(call_that_was_not_executed_goes_over_the_other_link)
{
    static const uint16_t codes[] = { CALL_DRAINING, CALL_NOT_FOUND };
    open_pair(all, (struct text_list){ .count = 0 });
    struct span call = rig_peer_call(&rig, node, "f", "[1,2]");
    uint32_t first = calls_at(0) > 0 ? 0 : 1;
    ck_assert_uint_eq(calls_at(first), 1);
    far_replies(far[first], frame.call.call_id, LINK_REPLY_ERROR, codes[_i], SPAN("no"));
    ck_assert_uint_eq(calls_at(1 - first), 1);
    ck_assert(span_is(frame.call.args, "[1,2]"));
    ck_assert_uint_eq(frame.call.id.size, 0);
    far_replies(far[1 - first], frame.call.call_id, LINK_REPLY_OK, 0, SPAN("7"));
    ck_assert(span_is(rig_peer_answered(&rig, node, call)->result, "7"));
    ck_assert_uint_eq(rig_link_stats(&rig, US, first).retried, 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, first).to_link.in_flight, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1 - first).to_link.in_flight, 0);
}
END_TEST

START_TEST(call_that_no_link_executes_fails_with_the_last_word)
{
    open_pair(all, (struct text_list){ .count = 0 });
    struct span call = rig_peer_call(&rig, node, "f", "[1,2]");
    uint32_t first = calls_at(0) > 0 ? 0 : 1;
    (void)calls_at(first);
    far_replies(far[first], frame.call.call_id, LINK_REPLY_ERROR, CALL_DRAINING, SPAN("no"));
    (void)calls_at(1 - first);
    far_replies(far[1 - first], frame.call.call_id, LINK_REPLY_ERROR, CALL_DRAINING, SPAN("no"));
    ck_assert_uint_eq(calls_at(first), 1);
    expect_near_error("nobody", call, CALL_DRAINING, first == 0 ? "eu-2" : "eu-1", "far");
}
END_TEST

static const struct lost_case {
    const char *name;
    const struct policy_rule_source *rules;
    struct text_list tags;
    bool goes;
} lost_cases[] = {
    { "nothing says that it may run twice", all, { .count = 0 }, false },
    { "its tag does", all, LIST(T("idempotent")), true },
    { "the rule does", retrying, { .count = 0 }, true },
};

/* A cut: the session may go on, but what can go elsewhere does not wait for that. */
START_TEST(call_whose_link_breaks_goes_over_the_other_one_if_it_may)
{
    const struct lost_case *c = &lost_cases[_i];
    open_pair(c->rules, c->tags);
    struct span call = rig_peer_call(&rig, node, "f", "[1]");
    uint32_t first = calls_at(0) > 0 ? 0 : 1;
    (void)calls_at(first);
    ck_assert_uint_eq(frame.call.id.size, c->goes ? LINK_CALL_ID_SIZE : 0);
    uint8_t id[LINK_CALL_ID_SIZE];
    if (c->goes) {
        memcpy(id, frame.call.id.data, sizeof(id));
    }
    rig_disconnect(&rig, far[first], SPAN("reset"));
    rig_run(&rig);
    ck_assert_msg(calls_at(1 - first) == (c->goes ? 1 : 0), "%s", c->name);
    if (c->goes) {
        ck_assert_int_eq(memcmp(frame.call.id.data, id, sizeof(id)), 0);
        far_replies(far[1 - first], frame.call.call_id, LINK_REPLY_OK, 0, SPAN("7"));
        ck_assert(span_is(rig_peer_answered(&rig, node, call)->result, "7"));
    } else {
        rig_pass(&rig, 10 * SEC_NS);
        expect_near_error(c->name, call, CALL_LINK_DOWN, "us-1", "near");
    }
}
END_TEST

START_TEST(call_goes_no_more_often_than_it_may)
{
    open_pair(retrying, (struct text_list){ .count = 0 });
    struct span call = rig_peer_call(&rig, node, "f", "[1]");
    uint32_t first = calls_at(0) > 0 ? 0 : 1;
    rig_disconnect(&rig, far[first], SPAN("reset"));
    rig_run(&rig);
    ck_assert_uint_eq(calls_at(1 - first), 1);
    rig_disconnect(&rig, far[1 - first], SPAN("reset"));
    rig_run(&rig);
    ck_assert_ptr_null(rig_peer_answered(&rig, node, call));
    rig_pass(&rig, 10 * SEC_NS);
    expect_near_error("both", call, CALL_LINK_DOWN, "us-1", "near");
}
END_TEST

/* Of one name two federations may have made two things. */
START_TEST(call_that_may_run_twice_goes_only_where_it_may)
{
    first_only = true;
    open_pair(all, (struct text_list)LIST(T("idempotent")));
    first_only = false;
    for (int i = 0; i < 4; i++) {
        rig_peer_call(&rig, node, "f", "[1]");
    }
    ck_assert_uint_eq(calls_at(0), 4);
    rig_disconnect(&rig, far[0], SPAN("reset"));
    rig_run(&rig);
    ck_assert_uint_eq(calls_at(1), 0);
}
END_TEST

/* Calls that come again. */

static void
far_calls_again(uint32_t which, uint64_t call_id, const char *id)
{
    const struct link_frame call = {
        .type = LINK_FRAME_CALL,
        .call = {
            .call_id = call_id,
            .route_id = route_of("ours"),
            .timeout_ms = 5000,
            .hops_left = 4,
            .path = plain_call.path,
            .id = span_from_text(id),
            .args = SPAN("[1]"),
            .kwargs = SPAN("{}"),
        },
    };
    rig_far_send(&rig, far[which], &call);
}

static const char same[] = "0123456789abcdef";
static const char other[] = "0123456789abcdeX";

START_TEST(call_that_comes_again_is_executed_once_and_answered_to_who_asked_last)
{
    open_pair(all, (struct text_list){ .count = 0 });
    far_calls_again(0, 7, same);
    const struct fabric_request call = *rig_peer_called(&rig, node);
    far_calls_again(1, 9, same);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).from_link.in_flight, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1).from_link.in_flight, 1);
    rig_peer_answer(&rig, node, &call, true, SPAN("5"));
    ck_assert_uint_eq(rig_far_heard(&rig, far[0], LINK_FRAME_REPLY, &frame), 0);
    ck_assert_uint_eq(rig_far_heard(&rig, far[1], LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.call_id, 9);
    /* And later, the same answer. */
    far_calls_again(0, 11, same);
    ck_assert_uint_eq(rig_far_heard(&rig, far[0], LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.call_id, 11);
    ck_assert(span_is(frame.reply.body, "5"));
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).calls_recognised, 2);
    far_calls_again(0, 12, other);
    ck_assert_uint_eq(rig_far_heard(&rig, far[0], LINK_FRAME_REPLY, &frame), 1);
}
END_TEST

START_TEST(call_goes_on_when_who_asked_is_gone_and_waits_for_the_next)
{
    open_pair(all, (struct text_list){ .count = 0 });
    far_calls_again(0, 7, same);
    const struct fabric_request call = *rig_peer_called(&rig, node);
    const struct link_frame error = {
        .type = LINK_FRAME_ERROR,
        .error = { .code = LINK_ERROR_SHUTDOWN, .text = SPAN("x") },
    };
    rig_far_send(&rig, far[0], &error);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).from_link.in_flight, 0);
    rig_peer_answer(&rig, node, &call, true, SPAN("5"));
    far_calls_again(1, 9, same);
    ck_assert_uint_eq(rig_far_heard(&rig, far[1], LINK_FRAME_REPLY, &frame), 1);
    ck_assert(span_is(frame.reply.body, "5"));
}
END_TEST

/* The rule's time is over when nobody is there to hear it. */
START_TEST(call_that_nobody_waits_for_ends_by_its_time)
{
    static const struct policy_rule_source short_time[] = {
        { .id = T("short"), .limits = { .timeout_ns = SEC_NS }, .action = POLICY_ACCEPT },
    };
    open_pair_with(short_time, all, (struct text_list){ .count = 0 });
    far_calls_again(0, 7, same);
    const struct link_frame error = {
        .type = LINK_FRAME_ERROR,
        .error = { .code = LINK_ERROR_SHUTDOWN, .text = SPAN("x") },
    };
    rig_far_send(&rig, far[0], &error);
    rig_pass(&rig, 2 * SEC_NS);
    far_calls_again(1, 9, same);
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).calls_recognised, 0);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 1).from_link.in_flight, 1);
}
END_TEST

START_TEST(call_that_did_not_end_well_is_executed_again)
{
    open_pair(all, (struct text_list){ .count = 0 });
    far_calls_again(0, 7, same);
    rig_pass(&rig, 6 * SEC_NS);
    ck_assert_uint_eq(rig_far_heard(&rig, far[0], LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.code, CALL_DEADLINE_EXCEEDED);
    far_calls_again(0, 8, same);
    ck_assert_uint_eq(bridge_stats(rig.bridges[US].bridge).calls_recognised, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_again");
    TCase *tcase = tcase_create("again");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, certificate_chooses_the_link);
    tcase_add_test(tcase, calls_are_spread_over_links_that_are_as_good_as_each_other);
    tcase_add_test(tcase, better_link_gets_all_and_the_other_one_takes_over);
    tcase_add_loop_test(tcase, call_that_was_not_executed_goes_over_the_other_link, 0, 2);
    tcase_add_test(tcase, call_that_no_link_executes_fails_with_the_last_word);
    tcase_add_loop_test(tcase, call_whose_link_breaks_goes_over_the_other_one_if_it_may, 0,
        (int)COUNT_OF(lost_cases));
    tcase_add_test(tcase, call_goes_no_more_often_than_it_may);
    tcase_add_test(tcase, call_that_may_run_twice_goes_only_where_it_may);
    tcase_add_test(tcase, call_that_comes_again_is_executed_once_and_answered_to_who_asked_last);
    tcase_add_test(tcase, call_goes_on_when_who_asked_is_gone_and_waits_for_the_next);
    tcase_add_test(tcase, call_that_nobody_waits_for_ends_by_its_time);
    tcase_add_test(tcase, call_that_did_not_end_well_is_executed_again);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
