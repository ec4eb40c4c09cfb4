/* SPDX-License-Identifier: Apache-2.0 */
/* test_rib_decide.c - each step of the decision decides, and only when those before it are even. */
#include "bridge/rib_decide.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"

#define TEXT(text_)                                                                                \
    {                                                                                              \
        .data = (const uint8_t *)(text_), .size = sizeof(text_) - 1                                \
    }

static const struct decide_case {
    const char *name;
    struct rib_rank a;
    struct rib_rank b;
    uint32_t step;
} decide_cases[] = {
    { "higher preference beats everything", { 101, RIB_STALE, 9, 9, 9, TEXT("z"), 9, 9 },
        { 100, RIB_FRESH, 1, 1, 1, TEXT("a"), 1, 1 }, 1 },
    { "no preference is the lowest", { 1, RIB_STALE, 9, 9, 9, TEXT("z"), 9, 9 },
        { 0, RIB_FRESH, 1, 1, 1, TEXT("a"), 1, 1 }, 1 },
    { "fresh beats stale and near", { 100, RIB_FRESH, 9, 9, 9, TEXT("z"), 9, 9 },
        { 100, RIB_STALE, 1, 1, 1, TEXT("a"), 1, 1 }, 2 },
    { "fresh beats damped", { 100, RIB_FRESH, 9, 9, 9, TEXT("z"), 9, 9 },
        { 100, RIB_DOUBTED, 1, 1, 1, TEXT("a"), 1, 1 }, 2 },
    { "damped, and there, beats stale", { 100, RIB_DOUBTED, 9, 9, 9, TEXT("z"), 9, 9 },
        { 100, RIB_STALE, 1, 1, 1, TEXT("a"), 1, 1 }, 2 },
    { "shorter path beats the rest", { 100, RIB_STALE, 1, 9, 9, TEXT("z"), 9, 9 },
        { 100, RIB_STALE, 2, 1, 1, TEXT("a"), 1, 1 }, 3 },
    { "lower cost beats the way", { 100, RIB_FRESH, 1, 0, 9, TEXT("z"), 9, 9 },
        { 100, RIB_FRESH, 1, 1, 1, TEXT("a"), 1, 1 }, 4 },
    { "highest cost", { 100, RIB_FRESH, 1, UINT32_MAX - 1, 9, TEXT("z"), 9, 9 },
        { 100, RIB_FRESH, 1, UINT32_MAX, 1, TEXT("a"), 1, 1 }, 4 },
    { "nearer far side", { 100, RIB_FRESH, 1, 1, 1, TEXT("z"), 9, 9 },
        { 100, RIB_FRESH, 1, 1, 2, TEXT("a"), 1, 1 }, 5 },
    { "bridge by its name", { 100, RIB_FRESH, 1, 1, 1, TEXT("eu-1"), 9, 9 },
        { 100, RIB_FRESH, 1, 1, 1, TEXT("eu-2"), 1, 1 }, 6 },
    { "first link of the configuration", { 100, RIB_FRESH, 1, 1, 1, TEXT("b"), 1, 9 },
        { 100, RIB_FRESH, 1, 1, 1, TEXT("b"), 2, 1 }, 7 },
    { "smaller route id", { 100, RIB_FRESH, 1, 1, 1, TEXT("b"), 1, 1 },
        { 100, RIB_FRESH, 1, 1, 1, TEXT("b"), 1, 2 }, 8 },
    { "largest route id", { 100, RIB_FRESH, 1, 1, 1, TEXT("b"), 1, UINT64_MAX - 1 },
        { 100, RIB_FRESH, 1, 1, 1, TEXT("b"), 1, UINT64_MAX }, 8 },
};

START_TEST(first_step_that_is_not_even_decides)
{
    const struct decide_case *c = &decide_cases[_i];
    struct rib_rank a = c->a;
    struct rib_rank b = c->b;
    bool a_wins;
    uint32_t step = rib_decide(&a, &b, &a_wins);
    ck_assert_msg(step == c->step && a_wins, "%s: step %u, a wins %d, want step %u", c->name, step,
        a_wins, c->step);
    step = rib_decide(&b, &a, &a_wins);
    ck_assert_msg(
        step == c->step && !a_wins, "%s, turned round: step %u, b wins %d", c->name, step, a_wins);
}
END_TEST

START_TEST(import_is_even_only_with_itself)
{
    struct rib_rank a = decide_cases[0].a;
    bool a_wins;
    ck_assert_uint_eq(rib_decide(&a, &a, &a_wins), 0);
}
END_TEST

START_TEST(steps_have_names)
{
    ck_assert_str_eq(rib_decision_name(0), "only");
    ck_assert_str_eq(rib_decision_name(1), "preference");
    ck_assert_str_eq(rib_decision_name(RIB_DECIDE_BETTER), "round_trip");
    ck_assert_str_eq(rib_decision_name(RIB_DECIDE_STEPS), "route");
    ck_assert_str_eq(rib_decision_name(RIB_DECIDE_STEPS + 1), "unknown");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib_decide");
    TCase *tcase = tcase_create("rib_decide");

    tcase_add_loop_test(tcase, first_step_that_is_not_even_decides, 0, (int)COUNT_OF(decide_cases));
    tcase_add_test(tcase, import_is_even_only_with_itself);
    tcase_add_test(tcase, steps_have_names);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
