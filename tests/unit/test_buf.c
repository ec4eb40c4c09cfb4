/* SPDX-License-Identifier: Apache-2.0 */
/* test_buf.c - growing bytes: what is appended, the cap, and that overflow sticks. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct buf buf;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    buf_init(&buf, &mem, 4096);
}

static void
stop(void)
{
    buf_destroy(&buf);
    ck_assert_uint_eq(mem.used, 0);
}

START_TEST(fresh_buf_is_empty_and_owns_nothing)
{
    ck_assert_uint_eq(buf.size, 0);
    ck_assert_uint_eq(mem.used, 0);
    ck_assert_uint_eq(buf_span(&buf).size, 0);
}
END_TEST

START_TEST(appended_bytes_come_out_in_order)
{
    buf_add(&buf, SPAN("ab"));
    buf_add(&buf, SPAN_NONE);
    buf_add_text(&buf, "cd");
    buf_add_text(&buf, NULL);
    buf_add_u8(&buf, 'e');
    ck_assert(span_is(buf_span(&buf), "abcde"));
    ck_assert(!buf.overflowed);
}
END_TEST

START_TEST(integers_are_big_endian)
{
    static const uint8_t want[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
        0x0b, 0x0c, 0x0d, 0x0e, 0x0f };
    buf_add_u8(&buf, 0x01);
    buf_add_u16(&buf, 0x0203);
    buf_add_u32(&buf, 0x04050607);
    buf_add_u64(&buf, UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert_uint_eq(buf.size, sizeof(want));
    ck_assert_mem_eq(buf.data, want, sizeof(want));
}
END_TEST

START_TEST(cursor_reads_what_was_added)
{
    buf_add_u16(&buf, UINT16_MAX);
    buf_add_u32(&buf, UINT32_C(0xdeadbeef));
    buf_add_u64(&buf, UINT64_MAX - 1);
    struct cursor cursor = cursor_over(buf_span(&buf));
    ck_assert_uint_eq(cursor_u16(&cursor), UINT16_MAX);
    ck_assert_uint_eq(cursor_u32(&cursor), UINT32_C(0xdeadbeef));
    ck_assert_uint_eq(cursor_u64(&cursor), UINT64_MAX - 1);
    ck_assert(!cursor.failed);
}
END_TEST

static const struct decimal_case {
    const char *name;
    uint64_t value;
    const char *want;
} decimal_cases[] = {
    { "zero", 0, "0" },
    { "one digit", 9, "9" },
    { "two digits", 10, "10" },
    { "inner zeros", 1000001, "1000001" },
    { "largest", UINT64_MAX, "18446744073709551615" },
};

START_TEST(decimal_has_no_leading_zeros)
{
    const struct decimal_case *c = &decimal_cases[_i];
    buf_add_decimal(&buf, c->value);
    ck_assert_msg(span_is(buf_span(&buf), c->want), "%s: got %.*s, want %s", c->name,
        SPAN_ARGS(buf_span(&buf)), c->want);
}
END_TEST

START_TEST(growth_keeps_content)
{
    for (uint32_t i = 0; i < 1024; i++) {
        buf_add_u32(&buf, i);
    }
    ck_assert(!buf.overflowed);
    struct cursor cursor = cursor_over(buf_span(&buf));
    for (uint32_t i = 0; i < 1024; i++) {
        ck_assert_uint_eq(cursor_u32(&cursor), i);
    }
    ck_assert_uint_le(buf.room, buf.size_max);
}
END_TEST

START_TEST(reserved_bytes_count_when_committed)
{
    uint8_t *place = buf_reserve(&buf, 100);
    ck_assert_ptr_nonnull(place);
    ck_assert_uint_eq(buf.size, 0);
    memcpy(place, "xyz", 3);
    buf_commit(&buf, 3);
    ck_assert(span_is(buf_span(&buf), "xyz"));
}
END_TEST

START_TEST(reserving_nothing_always_fits)
{
    struct buf none;
    buf_init(&none, &mem, 0);
    ck_assert_ptr_nonnull(buf_reserve(&none, 0));
    ck_assert(!none.overflowed);
    ck_assert_ptr_null(buf_reserve(&none, 1));
    ck_assert(none.overflowed);
    buf_destroy(&none);
}
END_TEST

/* Each way to append, five bytes or more, to a buf that has four left. */
static void
append(int way)
{
    static const char *const text = "12345";
    switch (way) {
    case 0:
        buf_add(&buf, SPAN("12345"));
        break;
    case 1:
        buf_add_text(&buf, text);
        break;
    case 2:
        buf_add_u64(&buf, 1);
        break;
    case 3:
        buf_add_decimal(&buf, 12345);
        break;
    default:
        ck_assert_ptr_null(buf_reserve(&buf, 5));
        break;
    }
}

START_TEST(append_over_cap_sticks_until_reset)
{
    buf.size_max = 8;
    buf_add_u32(&buf, UINT32_C(0x61626364));
    append(_i);
    ck_assert(buf.overflowed);
    ck_assert(span_is(buf_span(&buf), "abcd"));
    buf_add_u8(&buf, 'e');
    buf_add_u16(&buf, 0);
    ck_assert(span_is(buf_span(&buf), "abcd"));
    buf_put_u32(&buf, 4, 0);
    buf_put_u32(&buf, 0, 0);
    ck_assert(span_is(buf_span(&buf), "abcd"));

    buf_reset(&buf);
    ck_assert(!buf.overflowed);
    buf_add_u64(&buf, 0);
    ck_assert_uint_eq(buf.size, 8);
    ck_assert(!buf.overflowed);
}
END_TEST

START_TEST(append_without_memory_overflows)
{
    mem.cap = 0;
    append(_i);
    ck_assert(buf.overflowed);
    ck_assert_uint_eq(buf.size, 0);
    ck_assert_uint_eq(mem.denied, 1);
    append(_i);
    ck_assert_uint_eq(mem.denied, 1);
    mem.cap = SIZE_MAX;
    buf_reset(&buf);
    buf_add_u16(&buf, 0x6869);
    ck_assert(span_is(buf_span(&buf), "hi"));
}
END_TEST

START_TEST(growth_uses_what_the_account_has_left)
{
    mem.cap = 100;
    for (size_t i = 0; i < 100; i++) {
        buf_add_u8(&buf, (uint8_t)i);
    }
    ck_assert(!buf.overflowed);
    ck_assert_uint_eq(buf.size, 100);
    ck_assert_uint_eq(mem.denied, 0);
    buf_add_u8(&buf, 0);
    ck_assert(buf.overflowed);
    ck_assert_uint_eq(buf.data[99], 99);
}
END_TEST

START_TEST(put_overwrites_four_bytes)
{
    buf_add_u32(&buf, 0);
    buf_add_u8(&buf, 'x');
    buf_put_u32(&buf, 0, UINT32_C(0x61626364));
    ck_assert(span_is(buf_span(&buf), "abcdx"));
}
END_TEST

START_TEST(drop_removes_from_the_front)
{
    buf_drop(&buf, 0);
    buf_add_text(&buf, "abcdef");
    buf_drop(&buf, 2);
    ck_assert(span_is(buf_span(&buf), "cdef"));
    buf_add_text(&buf, "g");
    ck_assert(span_is(buf_span(&buf), "cdefg"));
    buf_drop(&buf, 5);
    ck_assert_uint_eq(buf.size, 0);
}
END_TEST

START_TEST(reset_keeps_memory_and_destroy_gives_it_back)
{
    buf_add_text(&buf, "abc");
    size_t used = mem.used;
    buf_reset(&buf);
    ck_assert_uint_eq(buf.size, 0);
    ck_assert_uint_eq(mem.used, used);
    buf_destroy(&buf);
    ck_assert_uint_eq(mem.used, 0);
    buf_add_text(&buf, "again");
    ck_assert(span_is(buf_span(&buf), "again"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("buf");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, fresh_buf_is_empty_and_owns_nothing);
    tcase_add_test(tcase, appended_bytes_come_out_in_order);
    tcase_add_test(tcase, integers_are_big_endian);
    tcase_add_test(tcase, cursor_reads_what_was_added);
    tcase_add_loop_test(tcase, decimal_has_no_leading_zeros, 0, (int)COUNT_OF(decimal_cases));
    tcase_add_test(tcase, growth_keeps_content);
    tcase_add_test(tcase, reserved_bytes_count_when_committed);
    tcase_add_test(tcase, reserving_nothing_always_fits);
    tcase_add_loop_test(tcase, append_over_cap_sticks_until_reset, 0, 5);
    tcase_add_loop_test(tcase, append_without_memory_overflows, 0, 5);
    tcase_add_test(tcase, growth_uses_what_the_account_has_left);
    tcase_add_test(tcase, put_overwrites_four_bytes);
    tcase_add_test(tcase, drop_removes_from_the_front);
    tcase_add_test(tcase, reset_keeps_memory_and_destroy_gives_it_back);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
