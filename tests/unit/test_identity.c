/* SPDX-License-Identifier: Apache-2.0 */
/* test_identity.c - one block, counted; a view that was tampered with is no view of it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/identity.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

static struct mem mem;

static void
setup(void)
{
    mem_init(&mem, SIZE_MAX);
}

static void
teardown(void)
{
    ck_assert_uint_eq(mem.used, 0);
}

START_TEST(it_says_what_it_was_given)
{
    struct function_identity from = rib_rig_identity("math.add", "id-1", "v1.2");
    struct identity *identity = identity_hold(&mem, &from);
    struct function_identity view = identity_view(identity);
    ck_assert(function_identity_equal(&view, &from));
    ck_assert(span_is(view.version_text, "v1.2"));
    ck_assert_ptr_ne(view.name.data, from.name.data);
    ck_assert(span_is(identity_name(identity), "math.add"));
    identity_release(identity);
}
END_TEST

START_TEST(an_id_that_is_the_name_is_kept_once)
{
    struct function_identity same = rib_rig_identity("a.long.name.of.a.function", NULL, NULL);
    struct identity *identity = identity_hold(&mem, &same);
    size_t size = mem.used;
    struct function_identity view = identity_view(identity);
    ck_assert(span_is(view.function_id, "a.long.name.of.a.function"));
    ck_assert(span_is(view.version_text, "1.0.0"));
    struct function_identity other =
        rib_rig_identity("a.long.name.of.a.function", "a.long.name.of.a.functiom", NULL);
    struct identity *longer = identity_hold(&mem, &other);
    ck_assert_uint_eq(mem.used - size, size + other.name.size);
    identity_release(longer);
    identity_release(identity);
}
END_TEST

START_TEST(who_keeps_a_view_shares)
{
    struct function_identity from = rib_rig_identity("math.add", "id-1", NULL);
    struct identity *first = identity_hold(&mem, &from);
    size_t size = mem.used;
    struct function_identity view = identity_view(first);
    struct identity *second = identity_hold(&mem, &view);
    ck_assert_ptr_eq(second, first);
    ck_assert_uint_eq(mem.used, size);
    identity_release(first);
    ck_assert(span_is(identity_name(second), "math.add"));
    identity_release(second);
}
END_TEST

START_TEST(a_view_with_something_else_in_it_is_copied)
{
    struct function_identity from = rib_rig_identity("math.add", "id-1", NULL);
    struct identity *identity = identity_hold(&mem, &from);
    struct function_identity changed[4];
    for (size_t i = 0; i < COUNT_OF(changed); i++) {
        changed[i] = identity_view(identity);
    }
    changed[0].name = SPAN("us.math.add");
    changed[1].function_id = span_part(changed[1].function_id, 0, 2);
    changed[2].version_text = SPAN("1.0");
    changed[3].version.patch++;
    for (size_t i = 0; i < COUNT_OF(changed); i++) {
        struct identity *other = identity_hold(&mem, &changed[i]);
        ck_assert_ptr_ne(other, identity);
        struct function_identity view = identity_view(other);
        ck_assert(function_identity_equal(&view, &changed[i]));
        identity_release(other);
    }
    identity_release(identity);
}
END_TEST

START_TEST(accounts_do_not_share)
{
    struct mem other_mem;
    mem_init(&other_mem, SIZE_MAX);
    struct function_identity from = rib_rig_identity("math.add", NULL, NULL);
    struct identity *identity = identity_hold(&mem, &from);
    struct function_identity view = identity_view(identity);
    struct identity *other = identity_hold(&other_mem, &view);
    ck_assert_ptr_ne(other, identity);
    identity_release(other);
    ck_assert_uint_eq(other_mem.used, 0);
    identity_release(identity);
}
END_TEST

START_TEST(what_cannot_be_kept_is_refused)
{
    static char text[IDENTITY_TEXT_MAX + 1];
    struct function_identity from = rib_rig_identity("math.add", NULL, NULL);
    memset(text, 'a', sizeof(text));
    from.name = span_from(text, sizeof(text));
    ck_assert_ptr_null(identity_hold(&mem, &from));
    from.name = span_from(text, IDENTITY_TEXT_MAX);
    mem.cap = IDENTITY_TEXT_MAX;
    ck_assert_ptr_null(identity_hold(&mem, &from));
    mem.cap = SIZE_MAX;
    struct identity *identity = identity_hold(&mem, &from);
    ck_assert_uint_eq(identity_name(identity).size, IDENTITY_TEXT_MAX);
    identity_release(identity);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("identity");
    TCase *tcase = tcase_create("identity");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, it_says_what_it_was_given);
    tcase_add_test(tcase, an_id_that_is_the_name_is_kept_once);
    tcase_add_test(tcase, who_keeps_a_view_shares);
    tcase_add_test(tcase, a_view_with_something_else_in_it_is_copied);
    tcase_add_test(tcase, accounts_do_not_share);
    tcase_add_test(tcase, what_cannot_be_kept_is_refused);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
