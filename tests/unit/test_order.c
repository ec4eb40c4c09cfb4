/* SPDX-License-Identifier: Apache-2.0 */
/* test_order.c - sorting pointers, and the first of many. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/prng.h"
#include "node/order.h"
#include "tests/support/check_failed.h"

#define COUNT_MAX 300u

static int
compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return (*x > *y) - (*x < *y);
}

START_TEST(what_is_sorted_is_in_order_and_complete)
{
    struct prng prng = { .state = 1 };
    static uint32_t numbers[COUNT_MAX];
    const void *items[COUNT_MAX];
    for (uint32_t count = 0; count < COUNT_MAX; count++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = (uint32_t)prng_below(&prng, count / 2 + 1);
            items[i] = &numbers[i];
            sum += numbers[i];
        }
        order_sort(items, count, compare_numbers);
        for (uint32_t i = 0; i < count; i++) {
            sum -= *(const uint32_t *)items[i];
            ck_assert_msg(i == 0 || compare_numbers(items[i - 1], items[i]) <= 0,
                "%u items: item %u is out of order", count, i);
        }
        ck_assert_uint_eq(sum, 0);
    }
}
END_TEST

START_TEST(a_page_holds_the_smallest_whatever_the_order_they_come_in)
{
    struct prng prng = { .state = 2 };
    static uint32_t numbers[COUNT_MAX];
    const void *items[COUNT_MAX];
    for (uint32_t room = 0; room < COUNT_MAX; room += 7) {
        struct order_page page = { .items = items, .room = room, .compare = compare_numbers };
        for (uint32_t i = 0; i < COUNT_MAX; i++) {
            numbers[i] = i;
        }
        for (uint32_t i = COUNT_MAX; i > 1; i--) {
            uint32_t other = (uint32_t)prng_below(&prng, i);
            uint32_t kept = numbers[i - 1];
            numbers[i - 1] = numbers[other];
            numbers[other] = kept;
        }
        for (uint32_t i = 0; i < COUNT_MAX; i++) {
            order_page_offer(&page, &numbers[i]);
        }
        order_page_end(&page);
        ck_assert_uint_eq(page.total, COUNT_MAX);
        ck_assert_uint_eq(page.count, room);
        for (uint32_t i = 0; i < room; i++) {
            ck_assert_uint_eq(*(const uint32_t *)page.items[i], i);
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("order");
    TCase *tests = tcase_create("order");
    tcase_add_test(tests, what_is_sorted_is_in_order_and_complete);
    tcase_add_test(tests, a_page_holds_the_smallest_whatever_the_order_they_come_in);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
