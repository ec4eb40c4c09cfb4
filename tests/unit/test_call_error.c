/* SPDX-License-Identifier: Apache-2.0 */
/* test_call_error.c - the codes of failed calls: on the wire, in an error object, in the counters. */
#include "bridge/call_error.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

static const struct code_case {
    const char *name;
    enum call_code code;
    uint16_t number;
} code_cases[] = {
    { "not_found", CALL_NOT_FOUND, 1001 },
    { "invalid", CALL_INVALID, 1003 },
    { "timed_out", CALL_TIMED_OUT, 1004 },
    { "policy_rejected", CALL_POLICY_REJECTED, 2001 },
    { "link_down", CALL_LINK_DOWN, 2002 },
    { "deadline_exceeded", CALL_DEADLINE_EXCEEDED, 2003 },
    { "rate_limited", CALL_RATE_LIMITED, 2004 },
    { "overloaded", CALL_OVERLOADED, 2005 },
    { "payload_too_large", CALL_PAYLOAD_TOO_LARGE, 2006 },
    { "loop", CALL_LOOP, 2007 },
    { "breaker_open", CALL_BREAKER_OPEN, 2008 },
    { "remote_failed", CALL_REMOTE_FAILED, 2009 },
    { "draining", CALL_DRAINING, 2010 },
};

START_TEST(every_code_has_its_number_name_and_counter)
{
    const struct code_case *c = &code_cases[_i];
    ck_assert_msg((uint16_t)c->code == c->number, "%s: %d", c->name, (int)c->code);
    ck_assert_msg(call_code_from_wire(c->number) == c->code, "%s: not known", c->name);
    ck_assert_str_eq(call_code_name(c->code), c->name);
    uint32_t index = call_result_index(c->code);
    ck_assert_uint_lt(index, CALL_RESULT_COUNT);
    ck_assert_uint_gt(index, CALL_RESULT_FAILED);
    ck_assert_str_eq(call_result_name(index), c->name);
}
END_TEST

START_TEST(counters_are_one_for_each_way_to_end)
{
    ck_assert_uint_eq(COUNT_OF(code_cases) + 2, CALL_RESULT_COUNT);
    ck_assert_str_eq(call_result_name(CALL_RESULT_OK), "ok");
    ck_assert_str_eq(call_result_name(CALL_RESULT_FAILED), "failed");
    for (uint32_t i = 0; i < CALL_RESULT_COUNT; i++) {
        for (uint32_t j = 0; j < i; j++) {
            ck_assert_str_ne(call_result_name(i), call_result_name(j));
        }
    }
}
END_TEST

START_TEST(unknown_code_from_afar_is_remote_failed)
{
    const uint16_t unknown[] = { 0, 1, 1000, 1002, 1005, 2000, 2011, UINT16_MAX };
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        ck_assert_msg(call_code_from_wire(unknown[i]) == CALL_REMOTE_FAILED, "%u", unknown[i]);
    }
}
END_TEST

static const struct object_case {
    const char *name;
    struct call_error error;
    const char *command;
    const char *want;
} object_cases[] = {
    { "near, no rule",
        { .code = CALL_LINK_DOWN,
            .side = CALL_NEAR,
            .text = { (const uint8_t *)"gone", 4 },
            .hop = { (const uint8_t *)"us-1", 4 } },
        "math.add",
        "{\"error\":\"gone\",\"command\":\"math.add\",\"error_type\":\"link_down\",\"code\":2002,"
        "\"details\":{\"hop\":\"us-1\",\"side\":\"near\",\"reason\":\"link_down\",\"rule\":\"\"}"
        "}" },
    { "far, with a rule",
        { .code = CALL_POLICY_REJECTED,
            .side = CALL_FAR,
            .text = { (const uint8_t *)"no", 2 },
            .hop = { (const uint8_t *)"eu-1", 4 },
            .rule = { (const uint8_t *)"r1", 2 } },
        "f",
        "{\"error\":\"no\",\"command\":\"f\",\"error_type\":\"policy_rejected\",\"code\":2001,"
        "\"details\":{\"hop\":\"eu-1\",\"side\":\"far\",\"reason\":\"policy_rejected\","
        "\"rule\":\"r1\"}}" },
    { "text from afar that is no text",
        { .code = CALL_REMOTE_FAILED,
            .side = CALL_FAR,
            .text = { (const uint8_t *)"a\"\n\xff", 4 },
            .hop = { (const uint8_t *)"\\", 1 } },
        "",
        "{\"error\":\"a\\\"\\n\xef\xbf\xbd\",\"command\":\"\",\"error_type\":\"remote_failed\","
        "\"code\":2009,\"details\":{\"hop\":\"\\\\\",\"side\":\"far\",\"reason\":\"remote_failed\","
        "\"rule\":\"\"}}" },
};

START_TEST(error_object_says_code_hop_side_reason_and_rule)
{
    const struct object_case *c = &object_cases[_i];
    struct mem mem;
    struct buf out;
    mem_init(&mem, 4096);
    buf_init(&out, &mem, 2048);
    call_error_encode(&out, &c->error, span_from_text(c->command));
    struct span got = buf_span(&out);
    ck_assert_msg(!out.overflowed, "%s: too long", c->name);
    ck_assert_msg(
        span_is(got, c->want), "%s:\n got %.*s\nwant %s", c->name, SPAN_ARGS(got), c->want);
    buf_destroy(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("call_error");
    TCase *tcase = tcase_create("call_error");

    tcase_add_loop_test(
        tcase, every_code_has_its_number_name_and_counter, 0, (int)COUNT_OF(code_cases));
    tcase_add_test(tcase, counters_are_one_for_each_way_to_end);
    tcase_add_test(tcase, unknown_code_from_afar_is_remote_failed);
    tcase_add_loop_test(
        tcase, error_object_says_code_hop_side_reason_and_rule, 0, (int)COUNT_OF(object_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
