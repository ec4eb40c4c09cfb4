/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_outbox.c - frames that are not acknowledged are kept, in order, within bounds. */
#include "bridge/link_outbox.h"

#include <check.h>
#include <stdlib.h>

#include "base/prng.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct link_outbox outbox;
static const struct instant early = { 1 };

static void
set_up(void)
{
    mem_init(&mem, (size_t)16 * 1024 * 1024);
    link_outbox_init(&outbox, &mem, 1000);
}

static void
tear_down(void)
{
    link_outbox_destroy(&outbox);
    ck_assert_uint_eq(mem.used, 0);
}

/* A frame whose bytes say its number. */
static void
add(size_t size)
{
    static uint8_t bytes[200 * 1024];
    memset(bytes, (int)((outbox.sent + 1) & 0xff), size);
    const struct span parts[] = { span_from(bytes, size / 3), SPAN_NONE,
        span_from(bytes, size - size / 3) };
    link_outbox_add(&outbox, parts, COUNT_OF(parts), early);
}

/* From `first` on to the last one sent, each whole. */
static void
expect_kept(uint64_t first)
{
    struct link_outbox_cursor cursor = { .chunk = NULL };
    struct link_kept kept;
    uint64_t want = first;
    size_t size = 0;
    while (link_outbox_next(&outbox, &cursor, &kept)) {
        ck_assert_uint_eq(kept.number, want);
        size_t same = 0;
        while (same < kept.size && kept.data[same] == (uint8_t)want) {
            same++;
        }
        ck_assert_uint_eq(same, kept.size);
        size += kept.size;
        want++;
    }
    ck_assert_uint_eq(want, outbox.sent + 1);
    ck_assert_uint_eq(size, outbox.size);
}

START_TEST(frames_are_kept_until_they_are_acknowledged)
{
    expect_kept(1);
    for (size_t size = 0; size < 10; size++) {
        add(size);
    }
    expect_kept(1);
    link_outbox_acknowledge(&outbox, 4);
    expect_kept(5);
    link_outbox_acknowledge(&outbox, 4);
    expect_kept(5);
    link_outbox_acknowledge(&outbox, 10);
    expect_kept(11);
    ck_assert(link_outbox_is_whole(&outbox));
    add(3);
    expect_kept(11);
}
END_TEST

START_TEST(oldest_frames_make_room_and_the_outbox_is_not_whole_until_they_are_acknowledged)
{
    for (int i = 0; i < 12; i++) {
        add(100);
    }
    ck_assert_uint_eq(outbox.lost, 2);
    ck_assert(!link_outbox_is_whole(&outbox));
    expect_kept(3);
    link_outbox_acknowledge(&outbox, 1);
    ck_assert(!link_outbox_is_whole(&outbox));
    expect_kept(3);
    link_outbox_acknowledge(&outbox, 2);
    ck_assert(link_outbox_is_whole(&outbox));
    expect_kept(3);
    ck_assert(!link_outbox_has_room(&outbox, 1));
    link_outbox_acknowledge(&outbox, 3);
    ck_assert(link_outbox_has_room(&outbox, 100));
    ck_assert(!link_outbox_has_room(&outbox, 101));
}
END_TEST

START_TEST(frame_that_is_larger_than_all_the_room_is_lost_with_all_before_it)
{
    add(10);
    add(1001);
    ck_assert_uint_eq(outbox.lost, 2);
    expect_kept(3);
    add(10);
    expect_kept(3);
    ck_assert(!link_outbox_is_whole(&outbox));
    link_outbox_acknowledge(&outbox, 2);
    ck_assert(link_outbox_is_whole(&outbox));
}
END_TEST

START_TEST(without_memory_frames_are_lost_and_counted)
{
    mem.cap = 0;
    add(10);
    add(10);
    ck_assert_uint_eq(outbox.sent, 2);
    ck_assert(!link_outbox_is_whole(&outbox));
    mem.cap = (size_t)1024 * 1024;
    add(10);
    expect_kept(3);
}
END_TEST

START_TEST(outbox_without_room_only_counts)
{
    link_outbox_init(&outbox, &mem, 0);
    add(10);
    add(0);
    ck_assert_uint_eq(outbox.sent, 2);
    ck_assert_uint_eq(outbox.size, 0);
    link_outbox_acknowledge(&outbox, 2);
    ck_assert(link_outbox_is_whole(&outbox));
}
END_TEST

START_TEST(reset_starts_from_one)
{
    add(10);
    add(10);
    link_outbox_acknowledge(&outbox, 1);
    link_outbox_reset(&outbox);
    ck_assert_uint_eq(mem.used, 0);
    add(10);
    expect_kept(1);
}
END_TEST

START_TEST(frame_that_is_sent_again_is_as_old_as_that)
{
    struct link_outbox_cursor cursor = { .chunk = NULL };
    struct link_kept kept;
    add(10);
    ck_assert(link_outbox_next(&outbox, &cursor, &kept));
    ck_assert_uint_eq(kept.sent_at.ns, early.ns);
    link_outbox_touch(&kept, (struct instant){ 77 });
    cursor = (struct link_outbox_cursor){ .chunk = NULL };
    ck_assert(link_outbox_next(&outbox, &cursor, &kept));
    ck_assert_uint_eq(kept.sent_at.ns, 77);
    expect_kept(1);
}
END_TEST

/* Sizes around that of a chunk, and acknowledgements of all kinds. */
START_TEST(any_order_of_sending_and_acknowledging_keeps_the_rest)
{
    struct prng prng = { .state = (uint64_t)_i + 1 };
    link_outbox_init(&outbox, &mem, (size_t)300 * 1024);
    for (int i = 0; i < 300; i++) {
        bool large = prng_below(&prng, 20) == 0;
        add((size_t)prng_below(&prng, large ? 160 * 1024 : 2000));
        if (prng_below(&prng, 4) == 0) {
            uint64_t open = outbox.sent - outbox.acked;
            link_outbox_acknowledge(&outbox, outbox.acked + prng_below(&prng, open + 1));
        }
        ck_assert_uint_le(outbox.size, outbox.size_max);
        expect_kept((outbox.acked > outbox.lost ? outbox.acked : outbox.lost) + 1);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_outbox");
    TCase *tcase = tcase_create("outbox");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, frames_are_kept_until_they_are_acknowledged);
    tcase_add_test(
        tcase, oldest_frames_make_room_and_the_outbox_is_not_whole_until_they_are_acknowledged);
    tcase_add_test(tcase, frame_that_is_larger_than_all_the_room_is_lost_with_all_before_it);
    tcase_add_test(tcase, without_memory_frames_are_lost_and_counted);
    tcase_add_test(tcase, outbox_without_room_only_counts);
    tcase_add_test(tcase, reset_starts_from_one);
    tcase_add_test(tcase, frame_that_is_sent_again_is_as_old_as_that);
    tcase_add_loop_test(tcase, any_order_of_sending_and_acknowledging_keeps_the_rest, 0, 20);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
