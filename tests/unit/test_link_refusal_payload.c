/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_refusal_payload.c - the payload of REFUSED (host/link_refusal.h): written, read, and misread by nobody. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "host/link_refusal.h"
#include "tests/support/check_failed.h"

/* The zero byte, tag, size. */
#define RETRY_AFTER_HEAD "\0\x01\0\0\0\x08"

START_TEST(what_is_written_is_read)
{
    static const uint64_t pauses_ns[] = { 0, 1, 30 * SEC_NS, UINT64_MAX };
    uint8_t place[LINK_REFUSAL_MAX];
    const struct link_refusal refusal = {
        .text = _i % 2 == 0 ? SPAN("no: gr\xc3\xbc\xc3\x9f") : SPAN_NONE,
        .retry_after_ns = pauses_ns[_i / 2],
    };
    size_t size = link_refusal_write(place, &refusal);
    ck_assert_uint_le(size, sizeof(place));
    struct link_refusal read = link_refusal_read(span_from(place, size));
    ck_assert(span_equal(read.text, refusal.text));
    ck_assert_uint_eq(read.retry_after_ns, refusal.retry_after_ns);
}
END_TEST

START_TEST(long_text_is_cut_and_the_pause_is_not)
{
    uint8_t place[LINK_REFUSAL_MAX];
    char text[2 * LINK_REFUSAL_MAX];
    memset(text, 'x', sizeof(text));
    struct link_refusal refusal = { .text = span_from(text, sizeof(text)), .retry_after_ns = 7 };
    ck_assert_uint_eq(link_refusal_write(place, &refusal), sizeof(place));
    struct link_refusal read = link_refusal_read(span_from(place, sizeof(place)));
    ck_assert_uint_eq(read.retry_after_ns, 7);
    ck_assert_uint_gt(read.text.size, 200);
    refusal.retry_after_ns = 0;
    ck_assert_uint_eq(link_refusal_write(place, &refusal), sizeof(place));
    ck_assert_uint_eq(link_refusal_read(span_from(place, sizeof(place))).text.size, sizeof(place));
}
END_TEST

#define BYTES(literal_)                                                                            \
    {                                                                                              \
        (const uint8_t *)(literal_), sizeof(literal_) - 1                                          \
    }

static const struct payload_case {
    const char *name;
    struct span payload;
    size_t text_size;
    uint64_t retry_after_ns;
} payload_cases[] = {
    { "nothing", { NULL, 0 }, 0, 0 },
    { "a text alone", BYTES("because"), 7, 0 },
    { "a text and nothing behind it", BYTES("because\0"), 7, 0 },
    { "a pause without a text", BYTES(RETRY_AFTER_HEAD "\0\0\0\0\0\0\0\x09"), 0, 9 },
    { "behind a field that nobody knows",
        BYTES("no\0\xff\0\0\0\x02xy\x01\0\0\0\x08\0\0\0\0\0\0\1\0"), 2, 256 },
    { "before a field that is cut", BYTES(RETRY_AFTER_HEAD "\0\0\0\0\0\0\0\x09\x07\0"), 0, 9 },
    { "cut in its value", BYTES(RETRY_AFTER_HEAD "\0\0\0\0\0\0\0"), 0, 0 },
    { "of four bytes", BYTES("\0\x01\0\0\0\x04\0\0\0\x09"), 0, 0 },
    { "a field of 4 GiB", BYTES("\0\x01\xff\xff\xff\xff"), 0, 0 },
};

START_TEST(any_bytes_are_read)
{
    const struct payload_case *c = &payload_cases[_i];
    struct link_refusal read = link_refusal_read(c->payload);
    ck_assert_msg(read.text.size == c->text_size, "%s: %zu bytes of text", c->name, read.text.size);
    ck_assert_msg(read.retry_after_ns == c->retry_after_ns, "%s: %lu ns", c->name,
        (unsigned long)read.retry_after_ns);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_refusal_payload");
    TCase *tcase = tcase_create("link_refusal_payload");
    tcase_add_loop_test(tcase, what_is_written_is_read, 0, 8);
    tcase_add_test(tcase, long_text_is_cut_and_the_pause_is_not);
    tcase_add_loop_test(tcase, any_bytes_are_read, 0, (int)COUNT_OF(payload_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
