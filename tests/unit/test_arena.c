/* SPDX-License-Identifier: Apache-2.0 */
/* test_arena.c - arenas: what lives, what is given back, and when there is no memory. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tests/support/check_failed.h"

START_TEST(unused_arena_takes_no_memory)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, 0);
    arena_init(&arena, &mem);
    arena_reset(&arena);
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
    ck_assert_uint_eq(mem.denied, 0);
}
END_TEST

START_TEST(pieces_are_zero_aligned_and_apart)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    uint8_t *pieces[200];
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        pieces[i] = arena_take(&arena, i * 7);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t at = 0; at < i * 7; at++) {
            ck_assert_uint_eq(pieces[i][at], 0);
        }
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        for (size_t at = 0; at < i * 7; at++) {
            ck_assert_uint_eq(pieces[i][at], i);
        }
    }
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(nothing_gives_a_pointer_of_its_own)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    void *first = arena_take(&arena, 0);
    void *second = arena_take(&arena, 0);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_ne(first, second);
    arena_destroy(&arena);
}
END_TEST

START_TEST(memory_after_reset_is_zero_again)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    uint8_t *before = arena_take(&arena, 4000);
    ck_assert_ptr_nonnull(before);
    memset(before, 0xff, 4000);
    arena_reset(&arena);
    uint8_t *after = arena_take(&arena, 4000);
    ck_assert_ptr_eq(after, before);
    for (size_t i = 0; i < 4000; i++) {
        ck_assert_uint_eq(after[i], 0);
    }
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(reset_keeps_first_block_only)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    ck_assert_ptr_nonnull(arena_take(&arena, 1));
    size_t quiet = mem.used;
    ck_assert_uint_eq(quiet, ARENA_BLOCK_SIZE);
    for (size_t i = 0; i < 10; i++) {
        ck_assert_ptr_nonnull(arena_take(&arena, ARENA_BLOCK_SIZE));
    }
    ck_assert_uint_gt(mem.used, 10 * ARENA_BLOCK_SIZE);
    arena_reset(&arena);
    ck_assert_uint_eq(mem.used, quiet);
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

static const struct keep_case {
    const char *name;
    size_t size;
    bool kept;
} keep_cases[] = {
    { "a small first block", 1, true },
    { "a large first block", ARENA_KEEP_MAX / 2, true },
    { "a first block beyond the limit", ARENA_KEEP_MAX + 1, false },
};

START_TEST(reset_keeps_first_block_up_to_limit)
{
    const struct keep_case *c = &keep_cases[_i];
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    ck_assert_ptr_nonnull(arena_take(&arena, c->size));
    size_t used = mem.used;
    arena_reset(&arena);
    size_t want = c->kept ? used : 0;
    ck_assert_msg(mem.used == want, "%s: got %zu, want %zu", c->name, mem.used, want);
    ck_assert_ptr_nonnull(arena_take(&arena, 1));
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(copy_lives_on_its_own)
{
    struct mem mem;
    struct arena arena;
    char text[] = "gpu";
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    struct span copy = arena_copy(&arena, span_from_text(text));
    text[0] = 'x';
    ck_assert(span_is(copy, "gpu"));
    struct span empty = arena_copy(&arena, SPAN_NONE);
    ck_assert_ptr_nonnull(empty.data);
    ck_assert_uint_eq(empty.size, 0);
    arena_destroy(&arena);
}
END_TEST

START_TEST(cap_refuses_take_and_copy_and_spares_what_is_there)
{
    static const uint8_t large[ARENA_BLOCK_SIZE];
    struct mem mem;
    struct arena arena;
    mem_init(&mem, ARENA_BLOCK_SIZE);
    arena_init(&arena, &mem);
    uint8_t *kept = arena_take(&arena, 100);
    ck_assert_ptr_nonnull(kept);
    kept[99] = 7;
    ck_assert_ptr_null(arena_take(&arena, ARENA_BLOCK_SIZE));
    ck_assert_ptr_null(arena_copy(&arena, span_from(large, sizeof(large))).data);
    ck_assert_uint_eq(mem.denied, 2);
    ck_assert_uint_eq(kept[99], 7);
    ck_assert_ptr_nonnull(arena_take(&arena, 100));
    arena_destroy(&arena);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(absurd_sizes_are_refused)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX));
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX / 2 + 1));
    ck_assert_uint_eq(mem.denied, 2);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(reserved_block_holds_the_same_pieces)
{
    static const size_t sizes[] = { 1, 0, 100, ARENA_BLOCK_SIZE, 33, 3 * ARENA_BLOCK_SIZE, 16 };
    struct mem mem;
    struct arena loose;
    struct arena dense;
    mem_init(&mem, SIZE_MAX);
    arena_init(&loose, &mem);
    arena_init(&dense, &mem);
    ck_assert_uint_eq(arena_used(&loose), 0);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        ck_assert_ptr_nonnull(arena_take(&loose, sizes[i]));
    }
    size_t used = arena_used(&loose);
    ck_assert(arena_reserve(&dense, used));
    ck_assert_uint_eq(arena_used(&dense), 0);
    size_t before = mem.used;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        ck_assert_ptr_nonnull(arena_take(&dense, sizes[i]));
        ck_assert(arena_reserve(&dense, 0));
    }
    ck_assert_uint_eq(arena_used(&dense), used);
    ck_assert_uint_eq(mem.used, before);
    arena_destroy(&loose);
    arena_destroy(&dense);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

START_TEST(reserve_refuses_what_is_not_there)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, ARENA_BLOCK_SIZE);
    arena_init(&arena, &mem);
    ck_assert(!arena_reserve(&arena, ARENA_BLOCK_SIZE));
    ck_assert(!arena_reserve(&arena, SIZE_MAX));
    ck_assert_uint_eq(mem.denied, 2);
    ck_assert_uint_eq(mem.used, 0);
    arena_destroy(&arena);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tcase = tcase_create("arena");
    tcase_add_test(tcase, unused_arena_takes_no_memory);
    tcase_add_test(tcase, pieces_are_zero_aligned_and_apart);
    tcase_add_test(tcase, nothing_gives_a_pointer_of_its_own);
    tcase_add_test(tcase, memory_after_reset_is_zero_again);
    tcase_add_test(tcase, reset_keeps_first_block_only);
    tcase_add_loop_test(tcase, reset_keeps_first_block_up_to_limit, 0, (int)COUNT_OF(keep_cases));
    tcase_add_test(tcase, copy_lives_on_its_own);
    tcase_add_test(tcase, cap_refuses_take_and_copy_and_spares_what_is_there);
    tcase_add_test(tcase, absurd_sizes_are_refused);
    tcase_add_test(tcase, reserved_block_holds_the_same_pieces);
    tcase_add_test(tcase, reserve_refuses_what_is_not_there);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
