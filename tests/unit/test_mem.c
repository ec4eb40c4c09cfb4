/* SPDX-License-Identifier: Apache-2.0 */
/* test_mem.c - accounts: what is counted, what is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/check_failed.h"

START_TEST(fresh_account_has_used_nothing)
{
    struct mem mem;
    mem_init(&mem, 100);
    ck_assert_uint_eq(mem.used, 0);
    ck_assert_uint_eq(mem.cap, 100);
    ck_assert_uint_eq(mem.peak, 0);
    ck_assert_uint_eq(mem.denied, 0);
}
END_TEST

START_TEST(taken_bytes_are_zero_and_aligned)
{
    struct mem mem;
    mem_init(&mem, 4096);
    uint8_t *bytes = mem_take(&mem, 1000);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq((uintptr_t)bytes % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_uint_eq(bytes[i], 0);
    }
    mem_give(&mem, bytes, 1000);
}
END_TEST

START_TEST(giving_everything_back_leaves_nothing_used)
{
    struct mem mem;
    mem_init(&mem, 4096);
    void *first = mem_take(&mem, 10);
    void *second = mem_take(&mem, 20);
    ck_assert_uint_eq(mem.used, 30);
    mem_give(&mem, first, 10);
    mem_give(&mem, second, 20);
    ck_assert_uint_eq(mem.used, 0);
    ck_assert_uint_eq(mem.peak, 30);
}
END_TEST

START_TEST(take_reaches_cap_but_not_over)
{
    struct mem mem;
    mem_init(&mem, 64);
    void *whole = mem_take(&mem, 64);
    ck_assert_ptr_nonnull(whole);
    ck_assert_ptr_null(mem_take(&mem, 1));
    ck_assert_uint_eq(mem.denied, 1);
    ck_assert_uint_eq(mem.used, 64);
    mem_give(&mem, whole, 64);
    ck_assert_ptr_null(mem_take(&mem, 65));
    ck_assert_uint_eq(mem.denied, 2);
}
END_TEST

START_TEST(absurd_sizes_do_not_wrap_around)
{
    struct mem mem;
    mem_init(&mem, SIZE_MAX - 1);
    /* Through a volatile, or the compiler warns that the number cannot be served. */
    volatile size_t absurd = SIZE_MAX;
    void *kept = mem_take(&mem, 8);
    ck_assert_ptr_null(mem_take(&mem, absurd));
    ck_assert_ptr_null(mem_resize(&mem, kept, 8, absurd));
    ck_assert_uint_eq(mem.denied, 2);
    ck_assert_uint_eq(mem.used, 8);
    mem_give(&mem, kept, 8);
}
END_TEST

START_TEST(resize_keeps_content_and_counts_difference)
{
    struct mem mem;
    mem_init(&mem, 4096);
    char *text = mem_resize(&mem, NULL, 0, 4);
    ck_assert_ptr_nonnull(text);
    memcpy(text, "abcd", 4);
    text = mem_resize(&mem, text, 4, 2000);
    ck_assert_ptr_nonnull(text);
    ck_assert_mem_eq(text, "abcd", 4);
    ck_assert_uint_eq(mem.used, 2000);
    text = mem_resize(&mem, text, 2000, 2);
    ck_assert_ptr_nonnull(text);
    ck_assert_mem_eq(text, "ab", 2);
    ck_assert_uint_eq(mem.used, 2);
    ck_assert_uint_eq(mem.peak, 2000);
    mem_give(&mem, text, 2);
}
END_TEST

START_TEST(refused_resize_leaves_old_valid)
{
    struct mem mem;
    mem_init(&mem, 8);
    char *text = mem_take(&mem, 4);
    ck_assert_ptr_nonnull(text);
    memcpy(text, "abcd", 4);
    ck_assert_ptr_null(mem_resize(&mem, text, 4, 9));
    ck_assert_mem_eq(text, "abcd", 4);
    ck_assert_uint_eq(mem.used, 4);
    ck_assert_uint_eq(mem.denied, 1);
    mem_give(&mem, text, 4);
}
END_TEST

START_TEST(shrinking_is_allowed_over_a_lowered_cap)
{
    struct mem mem;
    mem_init(&mem, 64);
    void *bytes = mem_take(&mem, 64);
    mem.cap = 16;
    ck_assert_ptr_null(mem_take(&mem, 1));
    bytes = mem_resize(&mem, bytes, 64, 32);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(mem.used, 32);
    mem_give(&mem, bytes, 32);
}
END_TEST

START_TEST(giving_nothing_is_allowed)
{
    struct mem mem;
    mem_init(&mem, 1);
    mem_give(&mem, NULL, 0);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

static const struct size_case {
    const char *name;
    size_t used;
    size_t cap;
    size_t old_size;
    size_t need;
    size_t size_max;
    size_t want;
} size_cases[] = {
    { "nothing yet", 0, 1000, 0, 10, 1000, 10 },
    { "doubles", 64, 1000, 64, 65, 1000, 128 },
    { "need above double", 64, 1000, 64, 500, 1000, 500 },
    { "held by the limit", 64, 1000, 64, 65, 100, 100 },
    { "held by what is left", 64, 80, 64, 65, 1000, 80 },
    { "need above what is left", 64, 80, 64, 90, 1000, 90 },
    { "account over its cap", 64, 10, 64, 65, 1000, 65 },
    { "double is no number", 1, SIZE_MAX, SIZE_MAX - 2, SIZE_MAX - 1, SIZE_MAX, SIZE_MAX },
};

START_TEST(growth_size_doubles_within_limits)
{
    const struct size_case *c = &size_cases[_i];
    struct mem mem = { .used = c->used, .cap = c->cap };
    size_t got = mem_size_for(&mem, c->old_size, c->need, c->size_max);
    ck_assert_msg(got == c->want, "%s: got %zu, want %zu", c->name, got, c->want);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("mem");
    TCase *tcase = tcase_create("account");
    tcase_add_test(tcase, fresh_account_has_used_nothing);
    tcase_add_test(tcase, taken_bytes_are_zero_and_aligned);
    tcase_add_test(tcase, giving_everything_back_leaves_nothing_used);
    tcase_add_test(tcase, take_reaches_cap_but_not_over);
    tcase_add_test(tcase, absurd_sizes_do_not_wrap_around);
    tcase_add_test(tcase, resize_keeps_content_and_counts_difference);
    tcase_add_test(tcase, refused_resize_leaves_old_valid);
    tcase_add_test(tcase, shrinking_is_allowed_over_a_lowered_cap);
    tcase_add_test(tcase, giving_nothing_is_allowed);
    tcase_add_loop_test(tcase, growth_size_doubles_within_limits, 0, (int)COUNT_OF(size_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
