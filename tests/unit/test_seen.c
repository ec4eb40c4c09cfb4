/* SPDX-License-Identifier: Apache-2.0 */
/* test_seen.c - each id is new once, and the memory of ids is bounded. */
#include <check.h>
#include <stdlib.h>

#include "core/seen.h"
#include "tests/support/check_failed.h"

static struct seen seen;

static void
start(void)
{
    seen_init(&seen, (struct hash_key){ 1, 2 });
}

static bool
add_number(uint64_t number)
{
    return seen_add(&seen, span_from(&number, sizeof(number)));
}

START_TEST(an_id_is_new_once)
{
    ck_assert(seen_add(&seen, SPAN("a")));
    ck_assert(!seen_add(&seen, SPAN("a")));
    ck_assert(seen_add(&seen, SPAN("b")));
    ck_assert(seen_add(&seen, SPAN("")));
    ck_assert(!seen_add(&seen, SPAN("")));
    ck_assert(!seen_add(&seen, SPAN("b")));
}
END_TEST

START_TEST(half_of_the_limit_is_always_remembered)
{
    for (uint64_t i = 0; i < 5 * GOSSIP_SEEN_MAX; i++) {
        ck_assert_msg(add_number(i), "%llu looks old", (unsigned long long)i);
        uint64_t first = i < GOSSIP_SEEN_MAX / 2 ? 0 : i - GOSSIP_SEEN_MAX / 2 + 1;
        ck_assert_msg(!add_number(first), "%llu is forgotten at %llu", (unsigned long long)first,
            (unsigned long long)i);
    }
}
END_TEST

START_TEST(old_ids_are_forgotten)
{
    ck_assert(add_number(0));
    for (uint64_t i = 1; i <= GOSSIP_SEEN_MAX; i++) {
        ck_assert(add_number(i));
    }
    ck_assert(add_number(0));
}
END_TEST

static Suite *
seen_suite(void)
{
    Suite *suite = suite_create("seen");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, NULL);
    tcase_add_test(claims, an_id_is_new_once);
    tcase_add_test(claims, half_of_the_limit_is_always_remembered);
    tcase_add_test(claims, old_ids_are_forgotten);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(seen_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
