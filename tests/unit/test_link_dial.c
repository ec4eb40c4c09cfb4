/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_link_dial.c - the addresses of a name: their order, their race, and that a name is asked for anew. The resolver
 * is the test's own: this program's uv_getaddrinfo() takes the place of the library's.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/link_conn.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_rig.h"

#define FOUND_MAX     20
#define KNOCKER_COUNT 8

static struct rig rig;

/* --- the resolver --- */

struct found {
    struct addrinfo info;
    struct sockaddr_storage address;
};

static struct found found[FOUND_MAX];
static size_t found_count;
static size_t lookups;
static char looked_up[LINK_HOST_NAME_SIZE];

struct answer {
    uv_timer_t timer;
    uv_getaddrinfo_t *request;
    uv_getaddrinfo_cb done;
};

static void
on_answer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void
on_answer(uv_timer_t *timer)
{
    struct answer *answer = timer->data;
    answer->done(answer->request, 0, &found[0].info);
    uv_close((uv_handle_t *)timer, on_answer_closed);
}

int
uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb done, const char *node,
    const char *service, const struct addrinfo *hints)
{
    struct answer *answer = calloc(1, sizeof(*answer));
    ck_assert_ptr_nonnull(answer);
    ck_assert_int_eq(hints->ai_family, AF_UNSPEC);
    for (size_t i = 0; i < found_count; i++) {
        struct sockaddr_in in;
        in_port_t port = htons((uint16_t)atoi(service));
        /* The port is at one place in both kinds of addresses. */
        memcpy(&in, &found[i].address, sizeof(in));
        in.sin_port = port;
        memcpy(&found[i].address, &in, sizeof(in));
    }
    lookups++;
    (void)snprintf(looked_up, sizeof(looked_up), "%s", node);
    *answer = (struct answer){ .request = request, .done = done };
    ck_assert_int_eq(uv_timer_init(loop, &answer->timer), 0);
    answer->timer.data = answer;
    return uv_timer_start(&answer->timer, on_answer, 0, 0);
}

void
uv_freeaddrinfo(struct addrinfo *addresses)
{
    ck_assert(addresses == NULL || addresses == &found[0].info);
}

static void
finds_nothing(void)
{
    memset(found, 0, sizeof(found));
    found_count = 0;
    lookups = 0;
}

/* One more address, numeric. */
static void
finds(const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct found *next = &found[found_count];
    ck_assert_uint_lt(found_count, FOUND_MAX);
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(&next->address, &in, sizeof(in));
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        memcpy(&next->address, &in6, sizeof(in6));
    }
    next->info.ai_family = next->address.ss_family;
    next->info.ai_addr = (struct sockaddr *)&next->address;
    if (found_count > 0) {
        found[found_count - 1].info.ai_next = &next->info;
    }
    found_count++;
}

/* --- the order --- */

static const struct order_case {
    const char *found; /* a letter each: 6 and 4 */
    const char *order; /* their places in `found` */
} order_cases[] = {
    { "6", "a" }, { "44", "ab" }, { "64", "ab" }, { "6664", "adbc" }, { "66644", "adbec" },
    { "446", "acb" }, { "4666", "abcd" },
    { "66666666666666666644", "asbtcdefghijklmn" }, /* no more than sixteen */
};

START_TEST(families_take_turns_and_keep_their_order)
{
    const struct order_case *c = &order_cases[_i];
    const struct addrinfo *order[LINK_DIAL_ADDRESSES_MAX];
    char got[LINK_DIAL_ADDRESSES_MAX + 1] = "";
    finds_nothing();
    for (const char *kind = c->found; *kind != '\0'; kind++) {
        finds(*kind == '6' ? "::1" : "127.0.0.1");
    }
    size_t count = link_dial_order(&found[0].info, order);
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < found_count; at++) {
            got[i] = order[i] == &found[at].info ? (char)('a' + at) : got[i];
        }
    }
    ck_assert_str_eq(got, c->order);
}
END_TEST

START_TEST(nothing_found_is_nothing_to_try)
{
    const struct addrinfo *order[LINK_DIAL_ADDRESSES_MAX];
    ck_assert_uint_eq(link_dial_order(NULL, order), 0);
}
END_TEST

/* --- the race --- */

static void
expect_text(const char *got, const char *want)
{
    ck_assert_msg(strstr(got, want) != NULL, "got \"%s\", want \"%s\"", got, want);
}

static void
dial_far(void)
{
    ck_assert_ptr_nonnull(rig_dial(&rig, "far.example", "eu"));
}

START_TEST(ipv4_is_tried_when_nobody_listens_on_ipv6)
{
    finds_nothing();
    finds("::1");
    finds("127.0.0.1");
    rig_open(&rig, NULL);
    dial_far();
    rig_wait_count(&rig, &rig.dialer.opened, 1, "the dialer to open");
    ck_assert_int_eq(strncmp(rig.dialer.address, "127.0.0.1:", 10), 0);
    ck_assert_str_eq(looked_up, "far.example");
    rig_close(&rig);
}
END_TEST

START_TEST(ipv6_is_tried_when_nobody_listens_on_ipv4)
{
    struct reason reason;
    finds_nothing();
    finds("127.0.0.1");
    finds("::1");
    rig_open(&rig, NULL);
    struct link_listener *listener = link_listen(rig.acceptor.host, "::1", 0, &reason);
    if (listener != NULL) { /* this machine has IPv6 */
        rig.port = link_listener_port(listener);
        dial_far();
        rig_wait_count(&rig, &rig.dialer.opened, 1, "the dialer to open");
        ck_assert_int_eq(strncmp(rig.dialer.address, "[::1]:", 6), 0);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(refusal_names_every_address)
{
    finds_nothing();
    finds("127.0.0.2");
    finds("::1");
    finds("127.0.0.3");
    rig_open(&rig, NULL);
    dial_far();
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    expect_text(rig.dialer.reason, "127.0.0.2:");
    expect_text(rig.dialer.reason, "; [::1]:");
    expect_text(rig.dialer.reason, "; 127.0.0.3:");
    rig_close(&rig);
}
END_TEST

START_TEST(name_is_looked_up_for_each_dial)
{
    finds_nothing();
    finds("127.0.0.2");
    rig_open(&rig, NULL);
    dial_far();
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    finds_nothing();
    finds("127.0.0.1"); /* it has moved */
    dial_far();
    rig_wait_count(&rig, &rig.dialer.opened, 1, "the dialer to open");
    ck_assert_uint_eq(lookups, 1);
    rig_close(&rig);
}
END_TEST

/* Nobody accepts at 127.0.0.2, and the queue of the system is full: it does not even refuse. */
struct deaf_address {
    int listener;
    int knockers[KNOCKER_COUNT];
};

static void
deaf_open(struct deaf_address *deaf, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.2", &address.sin_addr), 1);
    deaf->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(deaf->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(deaf->listener, 0), 0);
    for (size_t i = 0; i < KNOCKER_COUNT; i++) {
        deaf->knockers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(deaf->knockers[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static void
deaf_close(struct deaf_address *deaf)
{
    for (size_t i = 0; i < KNOCKER_COUNT; i++) {
        (void)close(deaf->knockers[i]);
    }
    (void)close(deaf->listener);
}

/* An hour for each address: only a second attempt beside the first gets there before the test gives up. */
START_TEST(address_that_leads_nowhere_does_not_hold_up_the_next)
{
    const struct link_config config = { .connect_timeout_ns = 3600 * SEC_NS };
    struct deaf_address deaf;
    finds_nothing();
    finds("127.0.0.2");
    finds("127.0.0.1");
    rig_open(&rig, &config);
    deaf_open(&deaf, rig.port);
    dial_far();
    rig_wait_count(&rig, &rig.dialer.opened, 1, "the dialer to open");
    ck_assert_int_eq(strncmp(rig.dialer.address, "127.0.0.1:", 10), 0);
    rig_close(&rig);
    deaf_close(&deaf);
}
END_TEST

START_TEST(each_address_has_its_time)
{
    const struct link_config config = { .connect_timeout_ns = 400 * MS_NS };
    struct deaf_address deaf;
    finds_nothing();
    finds("127.0.0.2");
    finds("127.0.0.2");
    rig_open(&rig, &config);
    deaf_open(&deaf, rig.port);
    dial_far();
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    expect_text(rig.dialer.reason, "no answer within 400 ms; 127.0.0.2:");
    rig_close(&rig);
    deaf_close(&deaf);
}
END_TEST

static bool
second_attempt_runs(const struct rig *at, const void *about)
{
    const struct link_conn *conn = about;
    (void)at;
    return conn->order_next == 2;
}

START_TEST(dial_that_is_closed_closes_all_that_race)
{
    struct deaf_address deaf;
    finds_nothing();
    finds("127.0.0.2");
    finds("127.0.0.2");
    finds("127.0.0.1");
    rig_open(&rig, NULL);
    deaf_open(&deaf, rig.port);
    struct link_conn *conn = rig_dial(&rig, "far.example", "eu");
    rig_wait(&rig, second_attempt_runs, conn, "two attempts");
    link_close(conn, "not wanted any more");
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the end");
    ck_assert_str_eq(rig.dialer.reason, "not wanted any more");
    rig_close(&rig);
    deaf_close(&deaf);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_dial");
    TCase *tcase = tcase_create("link_dial");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, families_take_turns_and_keep_their_order, 0, (int)COUNT_OF(order_cases));
    tcase_add_test(tcase, nothing_found_is_nothing_to_try);
    tcase_add_test(tcase, ipv4_is_tried_when_nobody_listens_on_ipv6);
    tcase_add_test(tcase, ipv6_is_tried_when_nobody_listens_on_ipv4);
    tcase_add_test(tcase, refusal_names_every_address);
    tcase_add_test(tcase, name_is_looked_up_for_each_dial);
    tcase_add_test(tcase, address_that_leads_nowhere_does_not_hold_up_the_next);
    tcase_add_test(tcase, each_address_has_its_time);
    tcase_add_test(tcase, dial_that_is_closed_closes_all_that_race);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
