/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_link_piece.c - where frames end: every verdict, and every cut of a stream.
 */
#include <check.h>
#include <stdlib.h>

#include "host/link_piece.h"
#include "tests/support/check_failed.h"

#define PAYLOAD_MAX ((size_t)0x10000)

static const struct split_case {
    const char *name;
    uint8_t input[12];
    size_t size;
    enum link_piece_result result;
    size_t used;
} split_cases[] = {
    { "nothing", { 0 }, 0, LINK_PIECE_INCOMPLETE, 0 },
    { "header less one byte", { 0, 0, 0, 0, 1, 0, 0 }, 7, LINK_PIECE_INCOMPLETE, 0 },
    { "no payload", { 0, 0, 0, 0, 1, 0, 0, 0 }, 8, LINK_PIECE_OK, 8 },
    { "any type and flags", { 0, 0, 0, 0, 255, 255, 0, 0 }, 8, LINK_PIECE_OK, 8 },
    { "two bytes of payload", { 0, 0, 0, 2, 1, 0, 0, 0, 'h', 'i' }, 10, LINK_PIECE_OK, 10 },
    { "a byte of the next frame", { 0, 0, 0, 1, 1, 0, 0, 0, 'h', 0 }, 10, LINK_PIECE_OK, 9 },
    { "payload not here yet", { 0, 0, 0, 2, 1, 0, 0, 0, 'h' }, 9, LINK_PIECE_INCOMPLETE, 0 },
    { "longest allowed, no body", { 0, 1, 0, 0, 1, 0, 0, 0 }, 8, LINK_PIECE_INCOMPLETE, 0 },
    { "one over the longest", { 0, 1, 0, 1, 1, 0, 0, 0 }, 8, LINK_PIECE_TOO_LARGE, 0 },
    { "longest of all", { 255, 255, 255, 255, 1, 0, 0, 0 }, 8, LINK_PIECE_TOO_LARGE, 0 },
    { "too long, but not known yet", { 255, 255, 255, 255 }, 4, LINK_PIECE_INCOMPLETE, 0 },
    { "first reserved byte", { 0, 0, 0, 0, 1, 0, 1, 0 }, 8, LINK_PIECE_BAD_HEADER, 0 },
    { "second reserved byte", { 0, 0, 0, 0, 1, 0, 0, 1 }, 8, LINK_PIECE_BAD_HEADER, 0 },
};

START_TEST(split_judges_header)
{
    const struct split_case *c = &split_cases[_i];
    struct link_piece frame = { .type = 77 };

    enum link_piece_result result =
        link_piece_split(span_from(c->input, c->size), PAYLOAD_MAX, &frame);

    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->name,
        link_piece_result_name(result), link_piece_result_name(c->result));
    ck_assert_msg(
        frame.whole.size == c->used, "%s: used %zu, want %zu", c->name, frame.whole.size, c->used);
    if (result == LINK_PIECE_OK) {
        ck_assert_uint_eq(frame.type, c->input[4]);
        ck_assert_uint_eq(frame.flags, c->input[5]);
        ck_assert_ptr_eq(frame.whole.data, c->input);
        ck_assert_uint_eq(frame.payload.size, c->used - LINK_PIECE_HEADER_SIZE);
    } else {
        ck_assert_uint_eq(frame.type, 77);
    }
}
END_TEST

static const size_t payload_sizes[] = { 0, 1, 255, 256, 65535, 65536, 0xffffffff };

START_TEST(header_says_what_was_put_in)
{
    for (size_t i = 0; i < COUNT_OF(payload_sizes); i++) {
        uint8_t header[LINK_PIECE_HEADER_SIZE];
        link_piece_put_header(header, payload_sizes[i], 9, 3);
        ck_assert_uint_eq(
            link_piece_announced(span_from(header, sizeof(header))), payload_sizes[i]);
        ck_assert_uint_eq(header[4], 9);
        ck_assert_uint_eq(header[5], 3);
        ck_assert_uint_eq(header[6], 0);
        ck_assert_uint_eq(header[7], 0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_piece");
    TCase *tcase = tcase_create("split");

    tcase_add_loop_test(tcase, split_judges_header, 0, COUNT_OF(split_cases));
    tcase_add_test(tcase, header_says_what_was_put_in);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
