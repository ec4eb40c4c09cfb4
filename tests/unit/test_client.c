/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_client.c - one question, one answer, whatever the far side does. The far side is a process of
 * its own, since the client blocks.
 */
#include "host/client.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_failed.h"

#define ANSWER "{\"r\":{\"f\":1},\"error\":null,\"u\":\"u1\"}"

/* ---- The far side: does what the message asks for ---- */

static void
say(struct ws_conn *conn, const char *text)
{
    struct span part = span_from_text(text);
    ws_send(conn, &part, 1);
}

static void
far_opened(void *owner, struct ws_conn *conn)
{
    (void)owner;
    (void)conn;
}

static void
far_message(void *owner, struct ws_conn *conn, struct span message)
{
    (void)owner;
    if (span_is(message, "answer")) {
        say(conn, ANSWER);
    } else if (span_is(message, "noise")) {
        say(conn, "not JSON");
        say(conn, "{\"role\":\"pubsub-notification\",\"u\":\"u1\"}");
        say(conn, "{\"r\":2,\"u\":\"u2\"}");
        say(conn, ANSWER);
    } else if (span_is(message, "close")) {
        ws_close(conn, WS_CODE_POLICY, "not you");
    }
}

static void
far_closed(void *owner, struct ws_conn *conn, uint16_t code, const char *reason)
{
    (void)owner;
    (void)conn;
    (void)code;
    (void)reason;
}

_Noreturn static void
run_far(int port_pipe)
{
    uv_loop_t loop;
    struct mem mem;
    struct reason reason;
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    (void)uv_loop_init(&loop);
    struct ws_host *host =
        ws_host_create(&(struct ws_host_config){ .loop = &loop, .mem = &mem }, &reason);
    struct ws_listener *listener = ws_listen(host,
        &(struct ws_listen_config){ .address = "127.0.0.1",
            .events = { .on_opened = far_opened,
                .on_message = far_message,
                .on_closed = far_closed } },
        &reason);
    uint16_t port = ws_listener_port(listener);
    if (write(port_pipe, &port, sizeof(port)) != (ssize_t)sizeof(port)) {
        _exit(1);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    _exit(0);
}

static pid_t far_process;
static struct value_url url;
static char url_text[64];
static struct mem mem;
static struct buf answer;
static struct reason reason;

static void
set_up(void)
{
    int ends[2];
    uint16_t port = 0;
    ck_assert_int_eq(pipe(ends), 0);
    far_process = fork();
    ck_assert_int_ge(far_process, 0);
    if (far_process == 0) {
        run_far(ends[1]);
    }
    ck_assert_int_eq(read(ends[0], &port, sizeof(port)), sizeof(port));
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)snprintf(url_text, sizeof(url_text), "ws://127.0.0.1:%u", port);
    ck_assert_int_eq(value_read_url(url_text, &url), VALUE_OK);
    mem_init(&mem, (size_t)1024 * 1024);
    buf_init(&answer, &mem, (size_t)1024 * 1024);
}

static void
stop_far(void)
{
    if (far_process > 0) {
        ck_assert_int_eq(kill(far_process, SIGKILL), 0);
        ck_assert_int_eq(waitpid(far_process, NULL, 0), far_process);
    }
    far_process = 0;
}

static void
tear_down(void)
{
    stop_far();
    buf_destroy(&answer);
    ck_assert_uint_eq(mem.used, 0);
}

static enum client_result
ask(const char *message, uint64_t timeout_ns)
{
    const struct client_question question = {
        .url = &url,
        .message = span_from_text(message),
        .u = SPAN("u1"),
        .timeout_ns = timeout_ns,
    };
    return client_ask(&question, &answer, &reason);
}

START_TEST(a_question_is_answered)
{
    ck_assert_int_eq(ask("answer", 30 * SEC_NS), CLIENT_OK);
    ck_assert(span_is(buf_span(&answer), ANSWER));
}
END_TEST

START_TEST(what_is_no_answer_is_read_over)
{
    ck_assert_int_eq(ask("noise", 30 * SEC_NS), CLIENT_OK);
    ck_assert(span_is(buf_span(&answer), ANSWER));
}
END_TEST

START_TEST(a_far_side_that_closes_says_why)
{
    ck_assert_int_eq(ask("close", 30 * SEC_NS), CLIENT_CLOSED);
    ck_assert_str_eq(reason.text, "the node closed the connection (1008: not you)");
}
END_TEST

START_TEST(silence_ends_with_the_time)
{
    ck_assert_int_eq(ask("silence", 200 * MS_NS), CLIENT_TIMED_OUT);
    ck_assert_str_eq(reason.text, "no answer within the time");
}
END_TEST

START_TEST(nobody_is_there)
{
    stop_far();
    ck_assert_int_eq(ask("answer", 30 * SEC_NS), CLIENT_NOT_CONNECTED);
    ck_assert_ptr_nonnull(strstr(reason.text, "refused"));
}
END_TEST

START_TEST(a_missing_authority_is_our_own_failure)
{
    struct value_url secure = url;
    const struct ws_tls tls = { .ca_file = "/nowhere/ca.pem" };
    const struct client_question question = { .url = &secure,
        .tls = &tls,
        .message = SPAN("answer"),
        .u = SPAN("u1"),
        .timeout_ns = SEC_NS };
    secure.secure = true;
    ck_assert_int_eq(client_ask(&question, &answer, &reason), CLIENT_FAILED);
    ck_assert_ptr_nonnull(strstr(reason.text, "/nowhere/ca.pem"));
}
END_TEST

START_TEST(an_answer_without_room_is_our_own_failure)
{
    struct buf small;
    buf_init(&small, &mem, 8);
    const struct client_question question = {
        .url = &url, .message = SPAN("answer"), .u = SPAN("u1"), .timeout_ns = 30 * SEC_NS
    };
    ck_assert_int_eq(client_ask(&question, &small, &reason), CLIENT_FAILED);
    ck_assert_ptr_nonnull(strstr(reason.text, "no memory"));
    buf_destroy(&small);
}
END_TEST

START_TEST(results_have_names)
{
    ck_assert_str_eq(client_result_name(CLIENT_OK), "ok");
    ck_assert_str_eq(client_result_name(CLIENT_NOT_CONNECTED), "not_connected");
    ck_assert_str_eq(client_result_name(CLIENT_CLOSED), "closed");
    ck_assert_str_eq(client_result_name(CLIENT_TIMED_OUT), "timed_out");
    ck_assert_str_eq(client_result_name(CLIENT_FAILED), "failed");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("client");
    TCase *tests = tcase_create("client");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_question_is_answered);
    tcase_add_test(tests, what_is_no_answer_is_read_over);
    tcase_add_test(tests, a_far_side_that_closes_says_why);
    tcase_add_test(tests, silence_ends_with_the_time);
    tcase_add_test(tests, nobody_is_there);
    tcase_add_test(tests, a_missing_authority_is_our_own_failure);
    tcase_add_test(tests, an_answer_without_room_is_our_own_failure);
    tcase_add_test(tests, results_have_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
