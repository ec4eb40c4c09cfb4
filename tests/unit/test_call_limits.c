/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_call_limits.c - limits of calls, rule by rule: what each refuses, what is counted, and what becomes of all
 * that when the policy is replaced while calls are under way.
 */
#include "bridge/call_limits.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

#define POLICIES_MAX 8u

static struct mem mem;
static struct call_limits limits;
static struct policy *policies[POLICIES_MAX];
static uint32_t policy_count;

static const struct instant start = { 1000 * SEC_NS };

static void
set_up(void)
{
    mem_init(&mem, (size_t)16 * 1024 * 1024);
    policy_count = 0;
    call_limits_init(&limits, &mem, (struct hash_key){ 1, 2 });
}

static void
tear_down(void)
{
    call_limits_destroy(&limits);
    for (uint32_t i = 0; i < policy_count; i++) {
        policy_unref(policies[i]);
    }
    ck_assert_uint_eq(mem.used, 0);
}

static struct policy *
make_policy(const struct policy_rule_source *rules, uint32_t rule_count)
{
    ck_assert_uint_lt(policy_count, POLICIES_MAX);
    policies[policy_count] = rib_rig_policy(&mem, rules, rule_count, rules, rule_count);
    return policies[policy_count++];
}

static void
use(const struct policy_rule_source *rules, uint32_t rule_count, uint32_t generation)
{
    ck_assert(call_limits_replace(&limits, make_policy(rules, rule_count), generation));
}

/* The export rule `id` alone has these limits. */
static void
use_rule(const char *id, struct policy_call_limits allowed, uint32_t generation)
{
    const struct policy_rule_source rule = {
        .id = span_from_text(id),
        .limits = allowed,
        .action = POLICY_ACCEPT,
    };
    use(&rule, 1, generation);
}

static struct call_rule
export_rule(const char *id, uint32_t generation)
{
    return (struct call_rule){
        .direction = POLICY_EXPORT,
        .id = span_from_text(id),
        .generation = generation,
    };
}

static enum call_limit_result
admit(const char *id, uint32_t generation, size_t args_size, struct call_limit **limit)
{
    struct call_rule rule = export_rule(id, generation);
    return call_limits_admit(&limits, &rule, args_size, start, limit);
}

/* A call begins, and its rule has limits. */
static struct call_limit *
begin(const char *id, uint32_t generation)
{
    struct call_limit *limit;
    ck_assert_int_eq(admit(id, generation, 0, &limit), CALL_LIMIT_OK);
    ck_assert_ptr_nonnull(limit);
    return limit;
}

START_TEST(rule_without_limits_has_no_state)
{
    const struct policy_rule_source rules[] = {
        { .id = T("free"), .action = POLICY_ACCEPT },
        { .id = T("tight"), .limits.in_flight = 1, .action = POLICY_ACCEPT },
    };
    struct call_limit *limit;
    ck_assert_int_eq(admit("free", 1, 1, &limit), CALL_LIMIT_OK);
    ck_assert_ptr_null(limit);
    use(rules, COUNT_OF(rules), 1);
    ck_assert_uint_eq(limits.by_rule.count, 2); /* one a direction */
    ck_assert_int_eq(admit("free", 1, SIZE_MAX, &limit), CALL_LIMIT_OK);
    ck_assert_ptr_null(limit);
    ck_assert_int_eq(admit("default", 1, 1, &limit), CALL_LIMIT_OK);
    ck_assert_ptr_null(limit);
    ck_assert_ptr_null(call_limits_find(&limits, POLICY_EXPORT, SPAN("free")));
    ck_assert_ptr_nonnull(call_limits_find(&limits, POLICY_EXPORT, SPAN("tight")));
    call_limit_release(NULL);
    ck_assert_int_eq(call_limit_check_result(NULL, SIZE_MAX), CALL_LIMIT_OK);
}
END_TEST

START_TEST(export_and_import_rules_of_one_id_are_two)
{
    use_rule("r", (struct policy_call_limits){ .in_flight = 1 }, 1);
    struct call_limit *out = begin("r", 1);
    struct call_rule rule = export_rule("r", 1);
    rule.direction = POLICY_IMPORT;
    struct call_limit *in;
    ck_assert_int_eq(call_limits_admit(&limits, &rule, 0, start, &in), CALL_LIMIT_OK);
    ck_assert_ptr_ne(in, out);
    ck_assert_int_eq(in->direction, POLICY_IMPORT);
    call_limit_release(in);
    call_limit_release(out);
}
END_TEST

START_TEST(calls_under_way_are_counted_and_bounded)
{
    use_rule("r", (struct policy_call_limits){ .in_flight = 2 }, 1);
    struct call_limit *first = begin("r", 1);
    struct call_limit *second = begin("r", 1);
    struct call_limit *refused;
    ck_assert_int_eq(admit("r", 1, 0, &refused), CALL_LIMIT_IN_FLIGHT);
    ck_assert_ptr_eq(refused, first);
    ck_assert_uint_eq(first->in_flight, 2);
    call_limit_release(second);
    call_limit_release(begin("r", 1));
    call_limit_release(first);
    ck_assert_uint_eq(first->in_flight, 0);
    ck_assert_uint_eq(first->counts[CALL_LIMIT_OK], 3);
    ck_assert_uint_eq(first->counts[CALL_LIMIT_IN_FLIGHT], 1);
}
END_TEST

START_TEST(call_that_is_refused_for_something_else_costs_no_token)
{
    const struct policy_call_limits allowed = {
        .rate = 2,
        .rate_per_ns = SEC_NS,
        .in_flight = 1,
        .args_size = 10,
    };
    use_rule("r", allowed, 1);
    struct call_limit *limit;
    ck_assert_int_eq(admit("r", 1, 11, &limit), CALL_LIMIT_ARGS);
    struct call_limit *held = begin("r", 1);
    ck_assert_int_eq(admit("r", 1, 10, &limit), CALL_LIMIT_IN_FLIGHT);
    call_limit_release(held);
    call_limit_release(begin("r", 1));
    ck_assert_int_eq(admit("r", 1, 0, &limit), CALL_LIMIT_RATE);
    ck_assert_uint_eq(held->counts[CALL_LIMIT_ARGS], 1);
    ck_assert_uint_eq(held->counts[CALL_LIMIT_IN_FLIGHT], 1);
    ck_assert_uint_eq(held->counts[CALL_LIMIT_RATE], 1);
    ck_assert_uint_eq(held->counts[CALL_LIMIT_OK], 2);
    ck_assert_uint_eq(held->in_flight, 0);
}
END_TEST

START_TEST(sizes_are_bounded_at_the_byte)
{
    use_rule("r", (struct policy_call_limits){ .args_size = 100, .result_size = 200 }, 1);
    struct call_limit *limit;
    ck_assert_int_eq(admit("r", 1, 101, &limit), CALL_LIMIT_ARGS);
    ck_assert_int_eq(admit("r", 1, 100, &limit), CALL_LIMIT_OK);
    ck_assert_int_eq(call_limit_check_result(limit, 200), CALL_LIMIT_OK);
    ck_assert_int_eq(call_limit_check_result(limit, 201), CALL_LIMIT_RESULT);
    ck_assert_uint_eq(limit->counts[CALL_LIMIT_RESULT], 1);
    call_limit_release(limit);
}
END_TEST

static const struct deadline_case {
    const char *name;
    uint64_t rule_ns;
    uint64_t other_ns;
    uint64_t want_ns;
    uint64_t want_rule_ns;
} deadline_cases[] = {
    { "no limit", 0, 7, 7, 0 },
    { "the rule's is later", 8, 7, 7, 0 },
    { "both at once", 7, 7, 7, 0 },
    { "the rule's is earlier", 6, 7, 6, 6 },
};

START_TEST(timeout_of_the_rule_only_shortens)
{
    const struct deadline_case *c = &deadline_cases[_i];
    use_rule("r", (struct policy_call_limits){ .in_flight = 9, .timeout_ns = c->rule_ns }, 1);
    struct call_limit *limit = begin("r", 1);
    uint64_t rule_ns = 99;
    struct instant at =
        call_limit_deadline(limit, start, instant_after(start, c->other_ns), &rule_ns);
    ck_assert_msg(at.ns == start.ns + c->want_ns, "%s: at %lu", c->name, (unsigned long)at.ns);
    ck_assert_msg(rule_ns == c->want_rule_ns, "%s: rule %lu", c->name, (unsigned long)rule_ns);
    at = call_limit_deadline(NULL, start, INSTANT_NEVER, &rule_ns);
    ck_assert_uint_eq(at.ns, UINT64_MAX);
    ck_assert_uint_eq(rule_ns, 0);
    call_limit_release(limit);
}
END_TEST

/* Replacing the policy. */

START_TEST(rule_of_both_policies_goes_on)
{
    use_rule("r", (struct policy_call_limits){ .in_flight = 2 }, 1);
    struct call_limit *held = begin("r", 1);
    use_rule("r", (struct policy_call_limits){ .in_flight = 1 }, 2);
    struct call_limit *limit;
    ck_assert_int_eq(admit("r", 2, 0, &limit), CALL_LIMIT_IN_FLIGHT);
    ck_assert_ptr_eq(limit, held);
    ck_assert_uint_eq(limit->counts[CALL_LIMIT_OK], 1);
    /* What the first policy has judged is held to what the second says of the same rule. */
    ck_assert_int_eq(admit("r", 1, 0, &limit), CALL_LIMIT_IN_FLIGHT);
    call_limit_release(held);
    call_limit_release(begin("r", 2));
    ck_assert_uint_eq(limit->in_flight, 0);
}
END_TEST

START_TEST(replacing_does_not_fill_a_bucket)
{
    struct policy_call_limits allowed = { .rate = 1, .rate_per_ns = SEC_NS };
    struct call_limit *limit;
    use_rule("r", allowed, 1);
    call_limit_release(begin("r", 1));
    allowed.in_flight = 5;
    use_rule("r", allowed, 2);
    ck_assert_int_eq(admit("r", 2, 0, &limit), CALL_LIMIT_RATE);
    allowed.rate = 2;
    use_rule("r", allowed, 3);
    call_limit_release(begin("r", 3));
}
END_TEST

START_TEST(rule_that_is_gone_still_holds_for_what_it_has_judged)
{
    struct call_limit *limit;
    use_rule("old", (struct policy_call_limits){ .in_flight = 1 }, 1);
    struct call_limit *held = begin("old", 1);
    use_rule("new", (struct policy_call_limits){ .in_flight = 1 }, 2);
    ck_assert_ptr_null(call_limits_find(&limits, POLICY_EXPORT, SPAN("old")));
    ck_assert_int_eq(admit("old", 1, 0, &limit), CALL_LIMIT_IN_FLIGHT);
    /* Its namesake in the new policy has no limits. */
    ck_assert_int_eq(admit("old", 2, 0, &limit), CALL_LIMIT_OK);
    ck_assert_ptr_null(limit);
    call_limit_release(held);
    call_limit_release(begin("old", 1));
}
END_TEST

START_TEST(policy_that_there_was_no_memory_for_is_as_the_one_before)
{
    struct call_limit *limit;
    use_rule("r", (struct policy_call_limits){ .in_flight = 1 }, 1);
    struct call_limit *held = begin("r", 2);
    ck_assert_int_eq(admit("r", 2, 0, &limit), CALL_LIMIT_IN_FLIGHT);
    call_limit_release(held);
}
END_TEST

START_TEST(state_that_nobody_finds_any_more_goes_with_its_last_call)
{
    use_rule("old", (struct policy_call_limits){ .in_flight = 2, .result_size = 10 }, 1);
    struct call_limit *first = begin("old", 1);
    struct call_limit *second = begin("old", 1);
    use_rule("new", (struct policy_call_limits){ .in_flight = 1 }, 2);
    use_rule("newer", (struct policy_call_limits){ .in_flight = 1 }, 3);
    struct call_limit *limit;
    ck_assert_int_eq(admit("old", 1, 0, &limit), CALL_LIMIT_OK);
    ck_assert_ptr_null(limit);
    /* A rule of that id that comes again begins anew. */
    use_rule("old", (struct policy_call_limits){ .in_flight = 1 }, 4);
    struct call_limit *other = begin("old", 4);
    ck_assert_ptr_ne(other, first);
    ck_assert_uint_eq(other->in_flight, 1);
    size_t used = mem.used;
    call_limit_release(first);
    ck_assert_uint_eq(mem.used, used);
    ck_assert(span_is(second->rule_id, "old"));
    ck_assert_int_eq(call_limit_check_result(second, 11), CALL_LIMIT_RESULT);
    call_limit_release(second);
    ck_assert_uint_lt(mem.used, used);
    call_limit_release(other);
}
END_TEST

START_TEST(no_policy_is_no_limits)
{
    use_rule("r", (struct policy_call_limits){ .in_flight = 1 }, 1);
    struct call_limit *held = begin("r", 1);
    ck_assert(call_limits_replace(&limits, NULL, 2));
    ck_assert(call_limits_replace(&limits, NULL, 3));
    ck_assert_uint_eq(limits.by_rule.count, 0);
    call_limit_release(held);
}
END_TEST

START_TEST(lack_of_memory_changes_nothing_and_there_is_a_way_back)
{
    static const struct policy_rule_source many[] = {
        { .id = T("a"), .limits.in_flight = 5, .action = POLICY_ACCEPT },
        { .id = T("b"), .limits.in_flight = 6, .action = POLICY_ACCEPT },
        { .id = T("c"), .limits.in_flight = 7, .action = POLICY_ACCEPT },
    };
    use_rule("a", (struct policy_call_limits){ .in_flight = 1 }, 1);
    const struct policy *first = policies[0];
    const struct policy *second = make_policy(many, COUNT_OF(many));
    struct call_limit *held = begin("a", 1);
    size_t used = mem.used;
    for (mem.cap = used; !call_limits_replace(&limits, second, 2); mem.cap += 16) {
        ck_assert_uint_eq(limits.generation, 1);
        ck_assert_uint_eq(held->limits.in_flight, 1);
        ck_assert_uint_eq(limits.by_rule.count, 2);
    }
    ck_assert_uint_gt(mem.cap, used);
    ck_assert_uint_eq(held->limits.in_flight, 5);
    mem.cap = mem.used;
    ck_assert(call_limits_replace(&limits, first, 3));
    ck_assert_uint_eq(held->limits.in_flight, 1);
    ck_assert_uint_eq(held->in_flight, 1);
    call_limit_release(held);
}
END_TEST

/* What people read. */

static const struct explain_case {
    const char *name;
    enum call_limit_result result;
    uint64_t amount;
    enum call_code code;
    const char *want;
} explain_cases[] = {
    { "rate", CALL_LIMIT_RATE, 0, CALL_RATE_LIMITED,
        "the policy allows the functions of this rule 3 calls in 1 s; try again in 334 ms" },
    { "in_flight", CALL_LIMIT_IN_FLIGHT, 0, CALL_OVERLOADED,
        "the policy allows the functions of this rule 2 calls at once, and they are under way; "
        "try again when one has ended" },
    { "args", CALL_LIMIT_ARGS, 101, CALL_PAYLOAD_TOO_LARGE,
        "the arguments have 101 bytes, and the policy allows the functions of this rule 100; send "
        "less" },
    { "result", CALL_LIMIT_RESULT, 201, CALL_PAYLOAD_TOO_LARGE,
        "the result has 201 bytes, and the policy allows the functions of this rule 200; ask for "
        "less; the function was executed" },
    { "timeout", CALL_LIMIT_TIMEOUT, 1500 * MS_NS, CALL_DEADLINE_EXCEEDED,
        "no answer came in the 1500 ms that the policy gives the functions of this rule; ask for "
        "less at once; the call may have been executed" },
};

START_TEST(text_says_which_limit_and_what_to_do)
{
    const struct explain_case *c = &explain_cases[_i];
    const struct policy_call_limits allowed = {
        .rate = 3,
        .rate_per_ns = SEC_NS,
        .burst = 1,
        .in_flight = 2,
        .args_size = 100,
        .result_size = 200,
    };
    use_rule("r", allowed, 1);
    struct call_limit *limit = begin("r", 1);
    struct buf out;
    buf_init(&out, &mem, 1024);
    call_limit_explain(&out, limit, c->result, c->amount, start);
    struct span got = buf_span(&out);
    ck_assert_msg(
        span_is(got, c->want), "%s:\n got %.*s\nwant %s", c->name, SPAN_ARGS(got), c->want);
    ck_assert_int_eq(call_limit_code(c->result), c->code);
    ck_assert_str_eq(call_limit_result_name(c->result), c->name);
    buf_destroy(&out);
    call_limit_release(limit);
}
END_TEST

START_TEST(ok_has_a_name_and_nothing_to_explain)
{
    struct buf out;
    buf_init(&out, &mem, 1024);
    use_rule("r", (struct policy_call_limits){ .in_flight = 2 }, 1);
    call_limit_explain(
        &out, call_limits_find(&limits, POLICY_EXPORT, SPAN("r")), CALL_LIMIT_OK, 0, start);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_str_eq(call_limit_result_name(CALL_LIMIT_OK), "ok");
    buf_destroy(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("call_limits");
    TCase *tcase = tcase_create("call_limits");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, rule_without_limits_has_no_state);
    tcase_add_test(tcase, export_and_import_rules_of_one_id_are_two);
    tcase_add_test(tcase, calls_under_way_are_counted_and_bounded);
    tcase_add_test(tcase, call_that_is_refused_for_something_else_costs_no_token);
    tcase_add_test(tcase, sizes_are_bounded_at_the_byte);
    tcase_add_loop_test(tcase, timeout_of_the_rule_only_shortens, 0, (int)COUNT_OF(deadline_cases));
    tcase_add_test(tcase, rule_of_both_policies_goes_on);
    tcase_add_test(tcase, replacing_does_not_fill_a_bucket);
    tcase_add_test(tcase, rule_that_is_gone_still_holds_for_what_it_has_judged);
    tcase_add_test(tcase, policy_that_there_was_no_memory_for_is_as_the_one_before);
    tcase_add_test(tcase, state_that_nobody_finds_any_more_goes_with_its_last_call);
    tcase_add_test(tcase, no_policy_is_no_limits);
    tcase_add_test(tcase, lack_of_memory_changes_nothing_and_there_is_a_way_back);
    tcase_add_loop_test(
        tcase, text_says_which_limit_and_what_to_do, 0, (int)COUNT_OF(explain_cases));
    tcase_add_test(tcase, ok_has_a_name_and_nothing_to_explain);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
