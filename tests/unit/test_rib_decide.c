/* SPDX-License-Identifier: Apache-2.0 */
/* test_rib_decide.c - each step of the decision decides, and only when those before it are even. */
#include "bridge/rib_decide.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"

struct choice {
    uint32_t preference;
    uint32_t path_count;
    uint32_t cost;
    uint32_t link;
    uint64_t route_id;
};

static const struct decide_case {
    const char *name;
    struct choice a;
    struct choice b;
    uint32_t step;
} decide_cases[] = {
    { "higher preference beats everything", { 101, 9, 9, 9, 9 }, { 100, 1, 1, 1, 1 }, 1 },
    { "no preference is the lowest", { 1, 9, 9, 9, 9 }, { 0, 1, 1, 1, 1 }, 1 },
    { "shorter path beats the rest", { 100, 1, 9, 9, 9 }, { 100, 2, 1, 1, 1 }, 2 },
    { "lower cost beats the place", { 100, 1, 0, 9, 9 }, { 100, 1, 1, 1, 1 }, 3 },
    { "highest cost", { 100, 1, UINT32_MAX - 1, 9, 9 }, { 100, 1, UINT32_MAX, 1, 1 }, 3 },
    { "first link of the configuration", { 100, 1, 1, 1, 9 }, { 100, 1, 1, 2, 1 }, 4 },
    { "smaller route id", { 100, 1, 1, 1, 1 }, { 100, 1, 1, 1, 2 }, 5 },
    { "largest route id", { 100, 1, 1, 1, UINT64_MAX - 1 }, { 100, 1, 1, 1, UINT64_MAX }, 5 },
};

static struct rib_import
import_of(const struct choice *choice)
{
    return (struct rib_import){
        .link = choice->link,
        .route_id = choice->route_id,
        .out = {
            .preference = choice->preference,
            .path.count = choice->path_count,
            .cost = choice->cost,
        },
    };
}

START_TEST(first_step_that_is_not_even_decides)
{
    const struct decide_case *c = &decide_cases[_i];
    struct rib_import a = import_of(&c->a);
    struct rib_import b = import_of(&c->b);
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
    struct rib_import a = import_of(&decide_cases[0].a);
    bool a_wins;
    ck_assert_uint_eq(rib_decide(&a, &a, &a_wins), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib_decide");
    TCase *tcase = tcase_create("rib_decide");

    tcase_add_loop_test(tcase, first_step_that_is_not_even_decides, 0, (int)COUNT_OF(decide_cases));
    tcase_add_test(tcase, import_is_even_only_with_itself);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
