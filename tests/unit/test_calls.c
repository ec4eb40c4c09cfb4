/* SPDX-License-Identifier: Apache-2.0 */
/* test_calls.c - calls that wait: found by id and ticket, due in time, lost with their connection. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/calls.h"
#include "core/limits.h"
#include "tests/support/check_failed.h"

static struct mem mem;
static struct prng prng;
static struct calls calls;

static void
start(void)
{
    mem_init(&mem, SIZE_MAX);
    prng = (struct prng){ 5 };
    calls_init(&calls, &mem, (struct hash_key){ 1, 2 }, &prng);
}

static void
stop(void)
{
    calls_destroy(&calls);
    ck_assert_uint_eq(mem.used, 0);
}

static struct waiting_call *
add(uint64_t ticket, uint64_t conn, uint64_t deadline_ns)
{
    struct conn_id id = { .v = conn };
    return calls_add(&calls, ticket, id, (struct instant){ deadline_ns });
}

START_TEST(a_call_is_found_by_the_id_that_travels)
{
    struct waiting_call *a = add(10, 1, 100);
    struct waiting_call *b = add(11, 1, 50);
    uint8_t a_id[CALLS_ID_SIZE];
    uint8_t b_id[CALLS_ID_SIZE];
    calls_write_id(&calls, a, a_id);
    calls_write_id(&calls, b, b_id);
    ck_assert_int_ne(memcmp(a_id, b_id, sizeof(a_id)), 0);
    ck_assert_ptr_eq(calls_find(&calls, span_from(a_id, sizeof(a_id))), a);
    ck_assert_ptr_eq(calls_find(&calls, span_from(b_id, sizeof(b_id))), b);
    ck_assert_ptr_eq(calls_find_ticket(&calls, 10), a);
    calls_end(&calls, a);
    ck_assert_ptr_null(calls_find(&calls, span_from(a_id, sizeof(a_id))));
    ck_assert_ptr_null(calls_find_ticket(&calls, 10));
    ck_assert_uint_eq(calls_count(&calls), 1);
}
END_TEST

START_TEST(a_call_that_is_sent_again_keeps_its_id)
{
    uint8_t first_id[CALLS_ID_SIZE];
    uint8_t second_id[CALLS_ID_SIZE];
    struct waiting_call *first = add(10, 1, 100);
    calls_write_id(&calls, first, first_id);
    calls_end(&calls, first);
    struct waiting_call *second = add(10, 2, 100);
    calls_write_id(&calls, second, second_id);
    ck_assert_int_eq(memcmp(first_id, second_id, sizeof(first_id)), 0);
    ck_assert_ptr_eq(calls_find(&calls, span_from(first_id, sizeof(first_id))), second);
}
END_TEST

START_TEST(ids_of_others_and_broken_ids_are_nobodys)
{
    uint8_t id[CALLS_ID_SIZE];
    calls_write_id(&calls, add(1, 1, 100), id);
    struct span whole = span_from(id, sizeof(id));
    ck_assert_ptr_nonnull(calls_find(&calls, whole));
    ck_assert_ptr_null(calls_find(&calls, SPAN("")));
    ck_assert_ptr_null(calls_find(&calls, span_part(whole, 0, CALLS_ID_SIZE - 1)));
    for (size_t i = 0; i < sizeof(id); i++) {
        uint8_t kept = id[i];
        static const uint8_t wrong[] = { 'g', 'A', '-', '/', ':', '`', 0, 0xff };
        for (size_t j = 0; j < COUNT_OF(wrong); j++) {
            id[i] = wrong[j];
            ck_assert(wrong[j] == kept || calls_find(&calls, whole) == NULL);
        }
        id[i] = kept == '0' ? '1' : '0';
        ck_assert_ptr_null(calls_find(&calls, whole));
        id[i] = kept;
    }
    struct calls others;
    calls_init(&others, &mem, (struct hash_key){ 1, 2 }, &prng);
    ck_assert_ptr_null(calls_find(&others, whole));
    calls_destroy(&others);
}
END_TEST

START_TEST(calls_are_due_in_the_order_of_their_deadlines)
{
    ck_assert_uint_eq(calls_deadline(&calls).ns, INSTANT_NEVER.ns);
    ck_assert_ptr_null(calls_due(&calls, INSTANT_NEVER));
    struct waiting_call *late = add(1, 1, 300);
    struct waiting_call *soon = add(2, 1, 100);
    struct waiting_call *never = calls_add(&calls, 3, CONN_NONE, INSTANT_NEVER);
    ck_assert_ptr_nonnull(never);
    ck_assert_uint_eq(calls_deadline(&calls).ns, 100);
    ck_assert_ptr_null(calls_due(&calls, (struct instant){ 99 }));
    ck_assert_ptr_eq(calls_due(&calls, (struct instant){ 100 }), soon);
    calls_end(&calls, soon);
    ck_assert_ptr_null(calls_due(&calls, (struct instant){ 299 }));
    ck_assert_ptr_eq(calls_due(&calls, (struct instant){ 301 }), late);
    calls_end(&calls, late);
    ck_assert_ptr_null(calls_due(&calls, (struct instant){ INT64_MAX - 1 }));
}
END_TEST

START_TEST(a_connections_calls_are_gathered_and_no_others)
{
    for (uint64_t i = 1; i <= 100; i++) {
        ck_assert_ptr_nonnull(add(i, i % 3 + 1, 100));
    }
    struct list gathered;
    list_init(&gathered);
    calls_gather(&calls, (struct conn_id){ 2 }, &gathered);
    size_t count = 0;
    while (!list_empty(&gathered)) {
        struct waiting_call *call = CONTAINER_OF(gathered.next, struct waiting_call, gathered);
        ck_assert_uint_eq(call->conn.v, 2);
        calls_end(&calls, call);
        count++;
    }
    ck_assert_uint_eq(count, 34);
    ck_assert_uint_eq(calls_count(&calls), 66);
}
END_TEST

START_TEST(a_gathered_call_may_end_before_its_turn)
{
    struct waiting_call *a = add(1, 7, 100);
    ck_assert_ptr_nonnull(add(2, 7, 100));
    struct list gathered;
    list_init(&gathered);
    calls_gather(&calls, (struct conn_id){ 7 }, &gathered);
    calls_end(&calls, a);
    ck_assert(!list_empty(&gathered));
    calls_end(&calls, CONTAINER_OF(gathered.next, struct waiting_call, gathered));
    ck_assert(list_empty(&gathered));
}
END_TEST

START_TEST(no_more_than_the_cap_wait)
{
    for (uint64_t i = 1; i <= CALLS_IN_FLIGHT_MAX; i++) {
        ck_assert_ptr_nonnull(add(i, 1, i));
    }
    ck_assert_ptr_null(add(CALLS_IN_FLIGHT_MAX + 1, 1, 1));
    calls_end(&calls, calls_find_ticket(&calls, 17));
    ck_assert_ptr_nonnull(add(CALLS_IN_FLIGHT_MAX + 1, 1, 1));
}
END_TEST

START_TEST(without_memory_nothing_is_half_added)
{
    /* Every request for memory on the way fails once, for each of the first calls. */
    for (uint64_t ticket = 1; ticket <= 40; ticket++) {
        struct waiting_call *call = NULL;
        for (size_t spare = 0; call == NULL; spare += 8) {
            size_t used = mem.used;
            mem.cap = used + spare;
            call = add(ticket, 1, 100);
            ck_assert(call != NULL || mem.used >= used);
            ck_assert_uint_eq(calls_count(&calls), call == NULL ? ticket - 1 : ticket);
            ck_assert(call != NULL || calls_find_ticket(&calls, ticket) == NULL);
            ck_assert_uint_lt(spare, 1 << 16);
        }
    }
    mem.cap = SIZE_MAX;
    size_t count = 0;
    for (struct waiting_call *call; (call = calls_due(&calls, (struct instant){ 100 })) != NULL;) {
        calls_end(&calls, call);
        count++;
    }
    ck_assert_uint_eq(count, 40);
}
END_TEST

static Suite *
calls_suite(void)
{
    Suite *suite = suite_create("calls");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, a_call_is_found_by_the_id_that_travels);
    tcase_add_test(claims, a_call_that_is_sent_again_keeps_its_id);
    tcase_add_test(claims, ids_of_others_and_broken_ids_are_nobodys);
    tcase_add_test(claims, calls_are_due_in_the_order_of_their_deadlines);
    tcase_add_test(claims, a_connections_calls_are_gathered_and_no_others);
    tcase_add_test(claims, a_gathered_call_may_end_before_its_turn);
    tcase_add_test(claims, no_more_than_the_cap_wait);
    tcase_add_test(claims, without_memory_nothing_is_half_added);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(calls_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
