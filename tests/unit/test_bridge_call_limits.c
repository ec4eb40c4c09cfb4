/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_call_limits.c - limits of policy rules on calls over a link: what each refuses, in both directions,
 * what the caller is told, and that however a call ends it is under way no more.
 */
#include <check.h>
#include <stdlib.h>

#include "bridge/bridge.h"
#include "tests/support/bridge_calls.h"
#include "tests/support/check_failed.h"

/* Enough to begin, and for some dozens of calls. */
#define MEMORY_FOR_CALLS ((size_t)292 * 1024)

/* Rule `out` exports everything, `in` imports it. */
static struct policy *
limiting_policy(const char *out, const char *in, struct policy_call_limits limits)
{
    const struct policy_rule_source exports[] = {
        { .id = span_from_text(out), .limits = limits, .action = POLICY_ACCEPT },
    };
    const struct policy_rule_source imports[] = {
        { .id = span_from_text(in), .limits = limits, .action = POLICY_ACCEPT },
    };
    return rig_policy(&rig, exports, 1, imports, 1);
}

/* us with a far bridge of eu made of frames, as open_with_far_eu(). Rule "out" exports, "in" imports. */
static uint32_t
open_with_limits(struct policy_call_limits limits)
{
    return open_with_policy(limiting_policy("out", "in", limits));
}

static const struct call_limit *
out_limit(void)
{
    const struct call_limit *limit =
        bridge_call_limit(rig.bridges[US].bridge, 0, POLICY_EXPORT, SPAN("out"));
    ck_assert_ptr_nonnull(limit);
    return limit;
}

static const struct call_limit *
in_limit(void)
{
    const struct call_limit *limit =
        bridge_call_limit(rig.bridges[US].bridge, 0, POLICY_IMPORT, SPAN("in"));
    ck_assert_ptr_nonnull(limit);
    return limit;
}

static uint64_t
result_of(const struct bridge_call_stats *stats, enum call_code code)
{
    return stats->by_result[call_result_index(code)];
}

/* The far side was refused its call `call_id` for rule "out". */
static void
expect_far_refused(uint32_t far, uint64_t call_id, enum call_code code, const char *text)
{
    ck_assert_uint_gt(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 0);
    ck_assert_uint_eq(frame.reply.call_id, call_id);
    ck_assert_int_eq(frame.reply.status, LINK_REPLY_ERROR);
    ck_assert_uint_eq(frame.reply.code, (uint16_t)code);
    ck_assert_msg(span_is(frame.reply.rule, "out"), "rule %.*s", SPAN_ARGS(frame.reply.rule));
    ck_assert_msg(span_starts_with(frame.reply.body, span_from_text(text)), "text: %.*s",
        SPAN_ARGS(frame.reply.body));
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(result_of(&stats.from_link, code), 1);
}

/* The node was refused its call for rule "in". */
static void
expect_near_refused(struct span id, enum call_code code)
{
    expect_near_error_by_rule(call_code_name(code), id, code, "us-1", "near", "in");
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(result_of(&stats.to_link, code), 1);
}

static uint32_t
calls_heard(uint32_t far)
{
    return rig_far_heard(&rig, far, LINK_FRAME_CALL, &frame);
}

static void
far_calls_as(uint32_t far, uint64_t call_id)
{
    struct rig_far_call call = plain_call;
    call.call_id = call_id;
    far_calls(far, &call);
}

/* Rate. */

START_TEST(calls_out_come_no_faster_than_the_import_rule_says)
{
    uint32_t far = open_with_limits(
        (struct policy_call_limits){ .rate = 10, .rate_per_ns = SEC_NS, .burst = 2 });
    rig_peer_call(&rig, node, "f", "[]");
    rig_peer_call(&rig, node, "f", "[]");
    struct span refused = rig_peer_call(&rig, node, "f", "[]");
    expect_near_refused(refused, CALL_RATE_LIMITED);
    ck_assert_uint_eq(calls_heard(far), 2);
    rig_pass(&rig, 100 * MS_NS - 1);
    rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_eq(calls_heard(far), 2);
    rig_pass(&rig, 1);
    rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_eq(calls_heard(far), 3);
    ck_assert_uint_eq(in_limit()->counts[CALL_LIMIT_OK], 3);
    ck_assert_uint_eq(in_limit()->counts[CALL_LIMIT_RATE], 2);
    ck_assert_uint_eq(out_limit()->counts[CALL_LIMIT_OK], 0);
}
END_TEST

START_TEST(calls_in_come_no_faster_than_the_export_rule_says)
{
    uint32_t far =
        open_with_limits((struct policy_call_limits){ .rate = 30, .rate_per_ns = 60 * SEC_NS });
    far_calls_as(far, 1);
    far_calls_as(far, 2);
    expect_far_refused(far, 2, CALL_RATE_LIMITED,
        "the policy allows the functions of this rule 30 calls in 60 s; try again in 2 s");
    ck_assert_uint_eq(node->call_count, 0);
    rig_peer_read(&rig, node);
    ck_assert_uint_eq(node->call_count, 1);
    rig_pass(&rig, 2 * SEC_NS);
    far_calls_as(far, 3);
    rig_peer_read(&rig, node);
    ck_assert_uint_eq(node->call_count, 2);
    ck_assert_uint_eq(out_limit()->counts[CALL_LIMIT_RATE], 1);
}
END_TEST

START_TEST(functions_of_a_rule_share_what_it_allows)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .in_flight = 1 });
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = "g" });
    rig_peer_call(&rig, node, "f", "[]");
    struct span refused = rig_peer_call(&rig, node, "g", "[]");
    expect_near_refused(refused, CALL_OVERLOADED);
}
END_TEST

START_TEST(links_with_one_policy_do_not_share_what_it_allows)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .in_flight = 1 });
    uint32_t ap = rig_far_join(&rig, US, "ap", "ap-1");
    rig_far_announce(&rig, ap, 2, "ap", (struct rib_route){ .route_id = 1, .name = "h" });
    rig_peer_call(&rig, node, "f", "[]");
    rig_peer_call(&rig, node, "h", "[]");
    ck_assert_uint_eq(calls_heard(far), 1);
    ck_assert_uint_eq(calls_heard(ap), 1);
}
END_TEST

/* In flight. */

START_TEST(no_more_calls_go_out_at_once_than_the_import_rule_says)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .in_flight = 1 });
    struct span first = rig_peer_call(&rig, node, "f", "[]");
    uint64_t call_id = far_called(far)->call_id;
    struct span refused = rig_peer_call(&rig, node, "f", "[]");
    expect_near_refused(refused, CALL_OVERLOADED);
    ck_assert_uint_eq(calls_heard(far), 1);
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("1"));
    expect_result(first, "1");
    rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_eq(calls_heard(far), 2);
}
END_TEST

START_TEST(no_more_calls_come_in_at_once_than_the_export_rule_says)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .in_flight = 1 });
    far_calls_as(far, 1);
    far_calls_as(far, 2);
    expect_far_refused(
        far, 2, CALL_OVERLOADED, "the policy allows the functions of this rule 1 calls at once");
    rig_peer_answer(&rig, node, rig_peer_called(&rig, node), true, SPAN("1"));
    far_calls_as(far, 3);
    rig_peer_read(&rig, node);
    ck_assert_uint_eq(node->call_count, 2);
}
END_TEST

/* Sizes. */

START_TEST(arguments_that_are_too_large_do_not_go_out)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .args_size = 7 });
    rig_peer_call(&rig, node, "f", "[123]"); /* and {} */
    ck_assert_uint_eq(calls_heard(far), 1);
    struct span refused = rig_peer_call(&rig, node, "f", "[1234]");
    expect_near_refused(refused, CALL_PAYLOAD_TOO_LARGE);
    ck_assert_uint_eq(calls_heard(far), 1);
}
END_TEST

START_TEST(arguments_that_are_too_large_do_not_come_in)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .args_size = 7 });
    far_calls_as(far, 1); /* [1,2] and {} */
    struct rig_far_call large = plain_call;
    large.call_id = 2;
    large.args = "[1, 2]";
    far_calls(far, &large);
    expect_far_refused(far, 2, CALL_PAYLOAD_TOO_LARGE, "the arguments have 8 bytes");
    /* Not even looked at. */
    large.args = "{{{{{{{{";
    large.call_id = 3;
    far_calls(far, &large);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 2);
    ck_assert_uint_eq(frame.reply.code, CALL_PAYLOAD_TOO_LARGE);
    rig_peer_read(&rig, node);
    ck_assert_uint_eq(node->call_count, 1);
}
END_TEST

static const struct result_case {
    const char *name;
    enum link_reply_status status;
    struct span body;
    bool passes;
} result_cases[] = {
    { "a result that fits", LINK_REPLY_OK, T("\"12345\""), true },
    { "a result that does not", LINK_REPLY_OK, T("\"123456\""), false },
    { "an error of the function that fits", LINK_REPLY_FAILED, T("{\"a\":1}"), true },
    { "an error of the function that does not", LINK_REPLY_FAILED, T("{\"a\":12}"), false },
};

START_TEST(result_that_is_too_large_does_not_come_in)
{
    const struct result_case *c = &result_cases[_i];
    uint32_t far = open_with_limits((struct policy_call_limits){ .result_size = 7 });
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    far_replies(far, far_called(far)->call_id, c->status, 0, c->body);
    if (!c->passes) {
        expect_near_refused(id, CALL_PAYLOAD_TOO_LARGE);
        ck_assert_uint_eq(in_limit()->counts[CALL_LIMIT_RESULT], 1);
        return;
    }
    const struct fabric_response *answer = rig_peer_answered(&rig, node, id);
    ck_assert_msg(answer != NULL, "%s: not answered", c->name);
    struct span got = answer->success ? answer->result : answer->error;
    ck_assert_msg(span_equal(got, c->body), "%s: got %.*s", c->name, SPAN_ARGS(got));
}
END_TEST

START_TEST(result_that_is_too_large_does_not_go_out)
{
    const struct result_case *c = &result_cases[_i];
    uint32_t far = open_with_limits((struct policy_call_limits){ .result_size = 7 });
    far_calls(far, &plain_call);
    rig_peer_answer(&rig, node, rig_peer_called(&rig, node), c->status == LINK_REPLY_OK, c->body);
    if (!c->passes) {
        expect_far_refused(far, 7, CALL_PAYLOAD_TOO_LARGE, "the result has 8 bytes");
        ck_assert_uint_eq(out_limit()->counts[CALL_LIMIT_RESULT], 1);
        return;
    }
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 1);
    ck_assert_msg(frame.reply.status == c->status, "%s: status %d", c->name, frame.reply.status);
    ck_assert_msg(span_equal(frame.reply.body, c->body), "%s: body", c->name);
}
END_TEST

/* Time. */

START_TEST(call_out_has_no_more_time_than_the_import_rule_gives)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .timeout_ns = 1500 * MS_NS });
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_eq(far_called(far)->timeout_ms, 1500);
    rig_pass(&rig, 1500 * MS_NS - 1);
    ck_assert_ptr_null(rig_peer_answered(&rig, node, id));
    rig_pass(&rig, 1);
    expect_near_refused(id, CALL_DEADLINE_EXCEEDED);
    ck_assert_uint_eq(in_limit()->counts[CALL_LIMIT_TIMEOUT], 1);
}
END_TEST

START_TEST(call_in_has_no_more_time_than_the_export_rule_gives)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .timeout_ns = 2 * SEC_NS });
    far_calls(far, &plain_call);
    rig_pass(&rig, 2 * SEC_NS - 1);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 0);
    rig_pass(&rig, 1);
    expect_far_refused(far, 7, CALL_DEADLINE_EXCEEDED, "no answer came in the 2 s that the policy");
    ck_assert_uint_eq(out_limit()->counts[CALL_LIMIT_TIMEOUT], 1);
}
END_TEST

START_TEST(time_that_the_rule_did_not_cut_is_not_its_fault)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .timeout_ns = 60 * SEC_NS });
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_eq(far_called(far)->timeout_ms, 20000);
    far_calls(far, &plain_call);
    rig_pass(&rig, 5 * SEC_NS);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 1);
    ck_assert_uint_eq(frame.reply.code, CALL_DEADLINE_EXCEEDED);
    ck_assert_uint_eq(frame.reply.rule.size, 0);
    rig_pass(&rig, 15 * SEC_NS);
    expect_near_error("not by rule", id, CALL_DEADLINE_EXCEEDED, "us-1", "near");
    ck_assert_uint_eq(in_limit()->counts[CALL_LIMIT_TIMEOUT], 0);
    ck_assert_uint_eq(out_limit()->counts[CALL_LIMIT_TIMEOUT], 0);
}
END_TEST

/* Whichever way a call ends. */

static const struct policy_call_limits one_at_once = { .in_flight = 1, .result_size = 100 };

static void
near_ends_by_result(uint32_t far, uint64_t call_id)
{
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("1"));
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("1"));
}

static void
near_ends_by_failure(uint32_t far, uint64_t call_id)
{
    far_replies(far, call_id, LINK_REPLY_FAILED, 0, SPAN("{}"));
}

static void
near_ends_by_error(uint32_t far, uint64_t call_id)
{
    far_replies(far, call_id, LINK_REPLY_ERROR, 2009, SPAN("no"));
}

static void
near_ends_by_nonsense(uint32_t far, uint64_t call_id)
{
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("{"));
}

static void
near_ends_by_size(uint32_t far, uint64_t call_id)
{
    far_replies(far, call_id, LINK_REPLY_OK, 0, long_json('[', ']', 101));
}

static void
near_ends_by_deadline(uint32_t far, uint64_t call_id)
{
    rig_pass(&rig, 20 * SEC_NS);
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("1"));
}

static void
near_ends_with_the_link(uint32_t far, uint64_t call_id)
{
    (void)call_id;
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
}

static void
near_ends_with_the_stop(uint32_t far, uint64_t call_id)
{
    (void)far;
    (void)call_id;
    rig_stop(&rig, US);
    rig_pass(&rig, BRIDGE_DRAIN_NS + 2 * SEC_NS);
}

static void
near_ends_after_its_caller(uint32_t far, uint64_t call_id)
{
    rig_disconnect(&rig, node->conn, SPAN("reset"));
    rig_run(&rig);
    far_replies(far, call_id, LINK_REPLY_OK, 0, SPAN("1"));
}

static const struct near_end_case {
    const char *name;
    void (*ends)(uint32_t far, uint64_t call_id);
} near_end_cases[] = {
    { "result, twice", near_ends_by_result },
    { "failure", near_ends_by_failure },
    { "error", near_ends_by_error },
    { "nonsense", near_ends_by_nonsense },
    { "size", near_ends_by_size },
    { "deadline, and a late result", near_ends_by_deadline },
    { "link", near_ends_with_the_link },
    { "stop", near_ends_with_the_stop },
    { "the caller was gone", near_ends_after_its_caller },
};

START_TEST(call_out_is_under_way_until_it_ends_and_no_longer)
{
    const struct near_end_case *c = &near_end_cases[_i];
    uint32_t far = open_with_limits(one_at_once);
    rig_peer_call(&rig, node, "f", "[]");
    uint64_t call_id = far_called(far)->call_id;
    ck_assert_uint_eq(in_limit()->in_flight, 1);
    c->ends(far, call_id);
    ck_assert_msg(in_limit()->in_flight == 0, "%s: still under way", c->name);
    ck_assert_uint_eq(in_limit()->counts[CALL_LIMIT_OK], 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).to_link.in_flight, 0);
}
END_TEST

static void
far_ends_by_result(uint32_t far)
{
    (void)far;
    const struct fabric_request call = *rig_peer_called(&rig, node);
    rig_peer_answer(&rig, node, &call, true, SPAN("1"));
    rig_peer_answer(&rig, node, &call, true, SPAN("1"));
}

static void
far_ends_by_failure(uint32_t far)
{
    (void)far;
    rig_peer_answer(&rig, node, rig_peer_called(&rig, node), false, SPAN("{}"));
}

static void
far_ends_by_size(uint32_t far)
{
    (void)far;
    struct span body = long_json('[', ']', 101);
    rig_peer_answer(&rig, node, rig_peer_called(&rig, node), true, body);
}

static void
far_ends_by_deadline(uint32_t far)
{
    (void)far;
    const struct fabric_request call = *rig_peer_called(&rig, node);
    rig_pass(&rig, 5 * SEC_NS);
    rig_peer_answer(&rig, node, &call, true, SPAN("1"));
}

static void
far_ends_with_the_node(uint32_t far)
{
    (void)far;
    rig_disconnect(&rig, node->conn, SPAN("reset"));
    rig_run(&rig);
}

static void
far_ends_with_the_link(uint32_t far)
{
    const struct fabric_request call = *rig_peer_called(&rig, node);
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    rig_peer_answer(&rig, node, &call, true, SPAN("1"));
}

static void
far_ends_with_the_stop(uint32_t far)
{
    (void)far;
    rig_stop(&rig, US);
    rig_pass(&rig, BRIDGE_DRAIN_NS + 2 * SEC_NS);
}

static const struct far_end_case {
    const char *name;
    void (*ends)(uint32_t far);
} far_end_cases[] = {
    { "result, twice", far_ends_by_result },
    { "failure", far_ends_by_failure },
    { "size", far_ends_by_size },
    { "deadline, and a late result", far_ends_by_deadline },
    { "node", far_ends_with_the_node },
    { "link, and a late result", far_ends_with_the_link },
    { "stop", far_ends_with_the_stop },
};

START_TEST(call_in_is_under_way_until_it_ends_and_no_longer)
{
    const struct far_end_case *c = &far_end_cases[_i];
    uint32_t far = open_with_limits(one_at_once);
    far_calls(far, &plain_call);
    ck_assert_uint_eq(out_limit()->in_flight, 1);
    c->ends(far);
    ck_assert_msg(out_limit()->in_flight == 0, "%s: still under way", c->name);
    ck_assert_uint_eq(out_limit()->counts[CALL_LIMIT_OK], 1);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).from_link.in_flight, 0);
}
END_TEST

static const struct never_case {
    const char *name;
    const char *args;
    bool congested;
    bool absent;
    size_t size; /* of its arguments; 0: `args` */
    enum call_code code;
} never_cases[] = {
    { "its arguments are nonsense", "[", false, false, 0, CALL_INVALID },
    { "its node is congested", "[]", true, false, 0, CALL_OVERLOADED },
    { "its node is not connected", "[]", false, true, 0, CALL_REMOTE_FAILED },
    { "its node would not accept it", NULL, false, false, DIALED_MESSAGE_SIZE_MAX,
        CALL_PAYLOAD_TOO_LARGE },
};

/* Of a node that is known by another one's word only. */
static void
offer_of_absent_node(void)
{
    struct rig_peer absent = *node;
    absent.url = SPAN("ws://absent:1");
    struct function_endpoint endpoint =
        rig_peer_endpoint(&rig, &absent, (struct rib_facts){ .name = "absent" });
    struct delta delta = { .functions = &endpoint, .function_count = 1 };
    rig_peer_gossip(&rig, node, &delta);
}

START_TEST(call_in_that_reaches_no_node_is_not_under_way)
{
    const struct never_case *c = &never_cases[_i];
    uint32_t far = open_with_limits(one_at_once);
    struct link_frame call = {
        .type = LINK_FRAME_CALL,
        .call = { .call_id = 7,
            .timeout_ms = 5000,
            .hops_left = 4,
            .path = plain_call.path,
            .args = c->size > 0 ? long_json('[', ']', c->size) : span_from_text(c->args),
            .kwargs = SPAN("{}") },
    };
    if (c->absent) {
        offer_of_absent_node();
    }
    call.call.route_id = route_of(c->absent ? "absent" : "ours");
    if (c->congested) {
        congest(node->conn, EVENT_CONGESTED);
    }
    rig_far_send(&rig, far, &call);
    ck_assert_uint_eq(rig_far_heard(&rig, far, LINK_FRAME_REPLY, &frame), 1);
    ck_assert_msg(frame.reply.code == (uint16_t)c->code, "%s: code %u", c->name, frame.reply.code);
    ck_assert_uint_eq(frame.reply.rule.size, 0);
    ck_assert_msg(out_limit()->in_flight == 0, "%s: under way", c->name);
    ck_assert_uint_eq(out_limit()->counts[CALL_LIMIT_OK], 1);
}
END_TEST

START_TEST(call_out_that_cannot_be_sent_is_not_counted)
{
    uint32_t far = open_with_limits(one_at_once);
    congest(far, EVENT_CONGESTED);
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    expect_near_error("congested", id, CALL_OVERLOADED, "us-1", "near");
    ck_assert_uint_eq(in_limit()->counts[CALL_LIMIT_OK], 0);
    ck_assert_uint_eq(in_limit()->in_flight, 0);
}
END_TEST

START_TEST(number_that_is_used_twice_is_two_calls_and_both_end)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .in_flight = 2 });
    far_calls_as(far, 7);
    const struct fabric_request first = *rig_peer_called(&rig, node);
    far_calls_as(far, 7);
    const struct fabric_request second = *rig_peer_called(&rig, node);
    ck_assert_uint_eq(out_limit()->in_flight, 2);
    rig_peer_answer(&rig, node, &first, true, SPAN("1"));
    ck_assert_uint_eq(out_limit()->in_flight, 1);
    rig_peer_answer(&rig, node, &second, true, SPAN("2"));
    ck_assert_uint_eq(out_limit()->in_flight, 0);
}
END_TEST

/* The counts of the rules are those of the link. */
static void
expect_counts_agree(void)
{
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(in_limit()->in_flight, stats.to_link.in_flight);
    ck_assert_uint_eq(out_limit()->in_flight, stats.from_link.in_flight);
}

/* The name takes up memory with each call, so that there is none left after some dozens. */
START_TEST(calls_that_memory_does_not_allow_are_not_under_way)
{
    char name[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    rig.memory_max = MEMORY_FOR_CALLS + (size_t)_i * 16;
    uint32_t far = open_with_limits((struct policy_call_limits){ .in_flight = 10000 });
    rig_far_announce(&rig, far, 3, "eu", (struct rib_route){ .route_id = 2, .name = name });
    for (uint64_t i = 1; i <= 200; i++) {
        far_calls_as(far, i);
        rig_peer_call(&rig, node, name, "[]");
        expect_counts_agree();
    }
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_lt(stats.to_link.in_flight, 200);
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_run(&rig);
    expect_counts_agree();
    ck_assert_uint_eq(in_limit()->in_flight + out_limit()->in_flight, 0);
}
END_TEST

/* Other policies meanwhile. */

/* Both links get it. */
static void
reload(struct policy *policy)
{
    struct policy *const policies[] = { policy, policy };
    const struct reload_request request = { .policies = policies, .apply = true };
    ck_assert(bridge_reload_begin(rig.bridges[US].bridge, &request));
    rig_run(&rig);
    ck_assert_int_eq(bridge_reload(rig.bridges[US].bridge)->outcome, RELOAD_APPLIED);
}

START_TEST(reload_counts_calls_under_way_against_the_rule_as_it_is_now)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .in_flight = 1 });
    rig_peer_call(&rig, node, "f", "[]");
    uint64_t first = far_called(far)->call_id;
    far_calls_as(far, 1);
    reload(limiting_policy("out", "in", (struct policy_call_limits){ .in_flight = 2 }));
    ck_assert_uint_eq(in_limit()->in_flight, 1);
    ck_assert_uint_eq(out_limit()->in_flight, 1);
    rig_peer_call(&rig, node, "f", "[]");
    ck_assert_uint_eq(calls_heard(far), 2);
    expect_near_refused(rig_peer_call(&rig, node, "f", "[]"), CALL_OVERLOADED);
    far_replies(far, first, LINK_REPLY_OK, 0, SPAN("1"));
    far_replies(far, first + 1, LINK_REPLY_OK, 0, SPAN("1"));
    ck_assert_uint_eq(in_limit()->in_flight, 0);
    rig_peer_answer(&rig, node, rig_peer_called(&rig, node), true, SPAN("1"));
    ck_assert_uint_eq(out_limit()->in_flight, 0);
}
END_TEST

START_TEST(reload_takes_a_rule_away_and_its_calls_still_end)
{
    uint32_t far = open_with_limits((struct policy_call_limits){ .timeout_ns = 3 * SEC_NS });
    struct span id = rig_peer_call(&rig, node, "f", "[]");
    far_calls_as(far, 7);
    for (int i = 0; i < 3; i++) {
        reload(rig_policy(&rig, all, 1, all, 1));
    }
    ck_assert_ptr_null(bridge_call_limit(rig.bridges[US].bridge, 0, POLICY_IMPORT, SPAN("in")));
    rig_pass(&rig, 3 * SEC_NS);
    /* By the rule under which they began, although it is no more. */
    expect_near_refused(id, CALL_DEADLINE_EXCEEDED);
    expect_far_refused(far, 7, CALL_DEADLINE_EXCEEDED, "no answer came in the 3 s");
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(stats.to_link.in_flight + stats.from_link.in_flight, 0);
}
END_TEST

START_TEST(reload_brings_limits_and_takes_them_away)
{
    uint32_t far = open_with_far_eu();
    far_calls_as(far, 1);
    reload(limiting_policy("out", "in", (struct policy_call_limits){ .in_flight = 1 }));
    far_calls_as(far, 2); /* the first began without limits */
    far_calls_as(far, 3);
    expect_far_refused(far, 3, CALL_OVERLOADED, "the policy allows");
    reload(limiting_policy("out", "in", (struct policy_call_limits){ .rate = 0 }));
    far_calls_as(far, 4);
    rig_peer_read(&rig, node);
    ck_assert_uint_eq(node->call_count, 3);
}
END_TEST

/* Both bridges. */

static const struct policy_rule_source eu_exports[] = {
    { .id = T("one-by-one"), .limits = { .in_flight = 1 }, .action = POLICY_ACCEPT },
};

START_TEST(rule_of_the_far_bridge_reaches_the_caller)
{
    const struct rig_link us[] = { { "eu", "eu", rig_policy(&rig, all, 1, all, 1) } };
    const struct rig_link eu[] = { { "us", NULL, rig_policy(&rig, eu_exports, 1, all, 1) } };
    rig_add_bridge(&rig, "us", us, 1);
    rig_add_bridge(&rig, "eu", eu, 1);
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    struct rig_peer *worker = rig_peer_join(&rig, EU, "ws://eu-node:1");
    rig_peer_offer(&rig, worker, (struct rib_facts){ .name = "math.add" });
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "math.add"));
    struct span first = rig_peer_call(&rig, node, "math.add", "[]");
    struct span refused = rig_peer_call(&rig, node, "math.add", "[]");
    expect_near_error_by_rule("far", refused, CALL_OVERLOADED, "eu-1", "far", "one-by-one");
    rig_peer_answer(&rig, worker, rig_peer_called(&rig, worker), true, SPAN("3"));
    expect_result(first, "3");
    struct bridge_link_stats stats = rig_link_stats(&rig, US, 0);
    ck_assert_uint_eq(result_of(&stats.to_link, CALL_OVERLOADED), 1);
}
END_TEST

START_TEST(rule_without_limits_has_nothing_to_show)
{
    open_with_far_eu();
    rig_peer_call(&rig, node, "f", "[]");
    ck_assert_ptr_null(bridge_call_limit(rig.bridges[US].bridge, 0, POLICY_IMPORT, SPAN("all")));
}
END_TEST

static void
add_limits(TCase *tcase)
{
    tcase_add_test(tcase, calls_out_come_no_faster_than_the_import_rule_says);
    tcase_add_test(tcase, calls_in_come_no_faster_than_the_export_rule_says);
    tcase_add_test(tcase, functions_of_a_rule_share_what_it_allows);
    tcase_add_test(tcase, links_with_one_policy_do_not_share_what_it_allows);
    tcase_add_test(tcase, no_more_calls_go_out_at_once_than_the_import_rule_says);
    tcase_add_test(tcase, no_more_calls_come_in_at_once_than_the_export_rule_says);
    tcase_add_test(tcase, arguments_that_are_too_large_do_not_go_out);
    tcase_add_test(tcase, arguments_that_are_too_large_do_not_come_in);
    tcase_add_loop_test(
        tcase, result_that_is_too_large_does_not_come_in, 0, (int)COUNT_OF(result_cases));
    tcase_add_loop_test(
        tcase, result_that_is_too_large_does_not_go_out, 0, (int)COUNT_OF(result_cases));
    tcase_add_test(tcase, call_out_has_no_more_time_than_the_import_rule_gives);
    tcase_add_test(tcase, call_in_has_no_more_time_than_the_export_rule_gives);
    tcase_add_test(tcase, time_that_the_rule_did_not_cut_is_not_its_fault);
}

int
main(void)
{
    Suite *suite = suite_create("bridge_call_limits");
    TCase *tcase = tcase_create("limits");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    add_limits(tcase);
    tcase_add_loop_test(
        tcase, call_out_is_under_way_until_it_ends_and_no_longer, 0, (int)COUNT_OF(near_end_cases));
    tcase_add_loop_test(
        tcase, call_in_is_under_way_until_it_ends_and_no_longer, 0, (int)COUNT_OF(far_end_cases));
    tcase_add_loop_test(
        tcase, call_in_that_reaches_no_node_is_not_under_way, 0, (int)COUNT_OF(never_cases));
    tcase_add_loop_test(tcase, calls_that_memory_does_not_allow_are_not_under_way, 0, 40);
    tcase_add_test(tcase, call_out_that_cannot_be_sent_is_not_counted);
    tcase_add_test(tcase, number_that_is_used_twice_is_two_calls_and_both_end);
    tcase_add_test(tcase, reload_counts_calls_under_way_against_the_rule_as_it_is_now);
    tcase_add_test(tcase, reload_takes_a_rule_away_and_its_calls_still_end);
    tcase_add_test(tcase, reload_brings_limits_and_takes_them_away);
    tcase_add_test(tcase, rule_of_the_far_bridge_reaches_the_caller);
    tcase_add_test(tcase, rule_without_limits_has_nothing_to_show);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
