/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_node_held.c - calls whose node is not connected yet: they wait for the connection that is being made, and fail
 * when it fails.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "tests/support/check_failed.h"
#include "tests/support/expect_text.h"
#include "tests/support/node_rig.h"

#define ANSWER(r_, u_)                                                                             \
    "{\"r\":" r_ ",\"error\":null,\"u\":\"" u_                                                     \
    "\",\"intermediate_results\":[],\"execution_summary\":null}"
#define ERROR(code_, message_, details_, u_)                                                       \
    "{\"r\":null,\"error\":{\"code\":" #code_ ",\"message\":\"" message_                           \
    "\",\"details\":\"" details_ "\"},\"u\":\"" u_                                                 \
    "\",\"intermediate_results\":[],\"execution_summary\":null}"
#define UNREACHABLE(node_, u_)                                                                     \
    ERROR(1003, "RPC execution failed",                                                            \
        "node " node_ ", which serves far, is not connected to this node right now", u_)

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

#define NEAR   "ws://127.0.0.1:7002"
#define FAR    "ws://127.0.0.1:7003"
#define FAR_2  "ws://127.0.0.1:7004"
#define PEER   50u /* NEAR */
#define PEER_2 51u
#define PEER_3 52u
#define CLIENT 100u

#define FAR_CALL "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[1.50],\"kwargs\":{\"k\": 0}}]"

static const struct node_function functions[] = {
    { .identity = { TEXT("add"), TEXT("add"), TEXT("2.1.0"), { 2, 1, 0 }, NULL }, .worker = 3 },
};

static struct rig rig;

/* A node, a client of it, and another node that is connected and tells of others. */
static void
set_up_with(const struct node_config *config)
{
    rig_start(&rig, config);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    rig_meet(&rig, PEER, NEAR, "near");
}

static void
set_up(void)
{
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    set_up_with(&config);
}

static void
tear_down(void)
{
    rig_stop(&rig);
}

static void
expect_nothing_said(const char *name)
{
    const struct rig_action *said = rig_find(&rig, ACTION_SEND, CLIENT);
    ck_assert_msg(said == NULL, "%s: got\n%s", name, said == NULL ? "" : said->text);
}

/* NEAR tells of a node and of a function that it serves. */
static void
tell_of_function(const char *url, const char *function)
{
    static unsigned messages;
    char message[2048];
    long long now_s = rig.now.wall.ns / (int64_t)SEC_NS;
    (void)snprintf(message, sizeof(message),
        "{\"role\":\"fabric-gossip\",\"payload\":{\"message_id\":\"told-%u\",\"message_type\":"
        "\"catalog_update\",\"sender_id\":\"" NEAR "\",\"payload\":{\"nodes\":[{\"node_id\":\"%s\","
        "\"cluster_id\":\"" RIG_CLUSTER "\",\"capabilities\":[\"rpc\"],\"ttl_seconds\":120,"
        "\"advertised_at\":%lld}],\"functions\":[{\"identity\":{\"name\":\"%s\",\"function_id\":"
        "\"%s\",\"version\":\"1.2.0\"},\"node_id\":\"%s\",\"cluster_id\":\"" RIG_CLUSTER
        "\",\"ttl_seconds\":120,\"advertised_at\":%lld}]}}}",
        messages++, url, now_s, function, function, url, now_s);
    rig_message(&rig, PEER, message);
}

static void
tell_of(const char *url)
{
    tell_of_function(url, "far");
}

/* The ticket of the dial of this node in the last step, or 0. */
static uint64_t
dial_of(const char *url)
{
    for (uint32_t i = 0; i < rig.count; i++) {
        if (rig.actions[i].kind == ACTION_DIAL && strcmp(rig.actions[i].text, url) == 0) {
            return rig.actions[i].ticket;
        }
    }
    return 0;
}

/* Time passes until it is dialed. */
static uint64_t
await_dial(const char *url)
{
    uint64_t ticket = 0;
    for (uint32_t i = 0; ticket == 0 && i < 20; i++) {
        rig_wait(&rig, 10 * MS_NS);
        ticket = dial_of(url);
    }
    ck_assert_msg(ticket != 0, "%s is not dialed", url);
    return ticket;
}

static void
refuse(uint64_t ticket)
{
    struct event event = {
        .kind = EVENT_REFUSED,
        .ticket = ticket,
        .reason = SPAN("connection refused"),
    };
    rig_step(&rig, &event);
}

static void
open_dial(uint64_t ticket, uint64_t conn)
{
    struct event event = {
        .kind = EVENT_OPENED,
        .ticket = ticket,
        .conn = { conn },
        .address = SPAN("10.0.0.9:1"),
    };
    rig_step(&rig, &event);
}

static void
greet(uint64_t conn, const char *url, unsigned load)
{
    char message[1024];
    (void)snprintf(message, sizeof(message),
        "{\"role\":\"server\",\"server\":{\"what\":\"STATUS\",\"server_url\":\"%s\","
        "\"cluster_id\":\"" RIG_CLUSTER "\",\"instance_id\":\"i-%s\",\"status\":\"ok\","
        "\"active_clients\":%u},\"u\":\"s1\"}",
        url, url, load);
    rig_message(&rig, conn, message);
}

/* The requests that went out on this connection in the last step. */
static uint32_t
count_calls(uint64_t conn)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig.count; i++) {
        count += rig.actions[i].kind == ACTION_SEND && rig.actions[i].conn == conn &&
                 strstr(rig.actions[i].text, "\"kind\":\"rpc-request\"") != NULL;
    }
    return count;
}

/* The last of them, kept until the next look at the same connection. */
static const char *
call_sent(uint64_t conn)
{
    static char kept[3][4096];
    char *text = kept[conn - PEER];
    ck_assert_uint_ge(count_calls(conn), 1);
    for (uint32_t i = 0; i < rig.count; i++) {
        if (rig.actions[i].kind == ACTION_SEND && rig.actions[i].conn == conn) {
            (void)snprintf(text, sizeof(kept[0]), "%s", rig.actions[i].text);
        }
    }
    return text;
}

static void
ask(const char *u)
{
    rig_ask(&rig, CLIENT, FAR_CALL, u);
    expect_nothing_said(u);
}

static uint64_t
held(void)
{
    return node_stats(rig.node).calls_held;
}

/* As it is when nodes are started one after the other: C's function is known before its connection is there. */
START_TEST(call_is_sent_when_its_node_is_up)
{
    tell_of(FAR);
    ask("u1");
    ck_assert_uint_eq(held(), 1);
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 1);
    open_dial(await_dial(FAR), PEER_2);
    ck_assert_uint_eq(count_calls(PEER_2), 0);
    greet(PEER_2, FAR, 0);
    const char *request = call_sent(PEER_2);
    expect_part("node", request, "\"target_node\":\"" FAR "\"");
    expect_part("arguments", request, "\"args\":[1.50],\"kwargs\":{\"k\": 0}");
    ck_assert_uint_eq(node_stats(rig.node).calls_remote, 1);
    rig_respond(&rig, PEER_2, FAR, request, "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
    ck_assert_uint_eq(held(), 1);
    ck_assert_uint_eq(node_stats(rig.node).requests_failed, 0);
}
END_TEST

START_TEST(call_is_sent_when_its_node_comes_by_itself)
{
    tell_of(FAR);
    (void)await_dial(FAR);
    ask("u1");
    rig_event(&rig, EVENT_ACCEPTED, PEER_2);
    greet(PEER_2, FAR, 0);
    rig_respond(&rig, PEER_2, FAR, call_sent(PEER_2), "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
}
END_TEST

START_TEST(call_of_a_node_that_was_just_lost_waits_for_its_return)
{
    rig_meet(&rig, PEER_2, FAR, "far");
    open_dial(await_dial(FAR), PEER_3);
    greet(PEER_3, FAR, 0);
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    rig_event(&rig, EVENT_CLOSED, PEER_3);
    ask("u1");
    open_dial(await_dial(FAR), PEER_2);
    greet(PEER_2, FAR, 0);
    rig_respond(&rig, PEER_2, FAR, call_sent(PEER_2), "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
}
END_TEST

START_TEST(each_call_of_a_node_is_sent_in_its_turn)
{
    tell_of(FAR);
    ask("u1");
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[2]},{\"name\":\"y\",\"fun\":\"far\",\"args\":["
        "3]}"
        "]",
        "u2");
    uint64_t ticket = await_dial(FAR);
    ask("u3");
    ck_assert_uint_eq(held(), 4);
    open_dial(ticket, PEER_2);
    greet(PEER_2, FAR, 0);
    ck_assert_uint_eq(count_calls(PEER_2), 4);
    static const char *const args[] = { "[1.50]", "[2]", "[3]", "[1.50]" };
    uint32_t at = 0;
    for (uint32_t i = 0; i < rig.count; i++) {
        const struct rig_action *action = &rig.actions[i];
        if (action->kind == ACTION_SEND && action->conn == PEER_2 &&
            strstr(action->text, "rpc-request") != NULL) {
            expect_part("order", action->text, args[at++]);
        }
    }
    ck_assert_uint_eq(node_stats(rig.node).member.calls_in_flight, 4);
}
END_TEST

START_TEST(call_fails_when_the_dial_does)
{
    tell_of(FAR);
    ask("u1");
    refuse(await_dial(FAR));
    expect("answer", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u1"));
    /* And now nothing is to be hoped for. */
    rig_ask(&rig, CLIENT, FAR_CALL, "u2");
    expect("another", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u2"));
    ck_assert_uint_eq(held(), 1);
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 0);
}
END_TEST

START_TEST(call_fails_when_its_node_does_not_greet)
{
    tell_of(FAR);
    ask("u1");
    open_dial(await_dial(FAR), PEER_2);
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    expect("answer", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u1"));
}
END_TEST

/* Its functions leave the catalog with it: the client hears all the same what became of the call. */
START_TEST(call_of_a_lost_node_fails_when_it_is_dead)
{
    rig_meet(&rig, PEER_2, FAR, "far");
    uint64_t first = await_dial(FAR);
    open_dial(first, PEER_3);
    greet(PEER_3, FAR, 0);
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    rig_event(&rig, EVENT_CLOSED, PEER_3);
    ask("u1");
    refuse(await_dial(FAR));
    expect("answer", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u1"));
    rig_ask(&rig, CLIENT, FAR_CALL, "u2");
    expect("another", rig_sent(&rig, CLIENT),
        ERROR(1001, "Command not found", "Command not found: far", "u2"));
}
END_TEST

START_TEST(one_refusal_ends_the_request_once)
{
    tell_of(FAR);
    rig_ask(
        &rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"},{\"name\":\"y\",\"fun\":\"far\"}]", "u1");
    ask("u2");
    refuse(await_dial(FAR));
    ck_assert_uint_eq(rig_count(&rig, ACTION_SEND, CLIENT), 2);
    ck_assert_uint_eq(node_stats(rig.node).requests_failed, 2);
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 0);
}
END_TEST

START_TEST(call_waits_no_longer_than_it_says)
{
    tell_of(FAR);
    ask("u1");
    uint64_t asked_ns = rig.now.mono.ns;
    (void)await_dial(FAR);
    while (rig.now.mono.ns < asked_ns + NODE_CONNECT_NS) {
        expect_nothing_said("before");
        uint64_t due_ns = node_deadline(rig.node, rig.now).ns;
        ck_assert_uint_le(due_ns, asked_ns + NODE_CONNECT_NS);
        rig_wait(&rig, due_ns > rig.now.mono.ns ? due_ns - rig.now.mono.ns : 0);
    }
    ck_assert_uint_eq(rig.now.mono.ns, asked_ns + NODE_CONNECT_NS);
    expect("answer", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u1"));
}
END_TEST

START_TEST(what_other_nodes_do_gives_a_call_no_more_time)
{
    tell_of(FAR);
    ask("u1");
    (void)await_dial(FAR);
    rig_wait(&rig, NODE_CONNECT_NS / 2);
    tell_of_function(FAR_2, "other");
    refuse(await_dial(FAR_2));
    expect_nothing_said("another node");
    ask("u2");
    rig_wait(&rig, NODE_CONNECT_NS / 2);
    expect("the first", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u1"));
    rig_wait(&rig, NODE_CONNECT_NS / 2);
    expect("the second", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u2"));
}
END_TEST

START_TEST(who_leaves_takes_the_call_along)
{
    tell_of(FAR);
    uint64_t ticket = await_dial(FAR);
    ask("u1");
    rig_event(&rig, EVENT_CLOSED, CLIENT);
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 0);
    open_dial(ticket, PEER_2);
    greet(PEER_2, FAR, 0);
    ck_assert_uint_eq(count_calls(PEER_2), 0);
}
END_TEST

START_TEST(node_that_is_freed_forgets_the_call)
{
    tell_of(FAR);
    ask("u1");
    ck_assert_uint_eq(node_stats(rig.node).requests_open, 1);
}
END_TEST

START_TEST(failure_of_another_command_takes_the_call_along)
{
    tell_of(FAR);
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"far\"},{\"name\":\"y\",\"fun\":\"nowhere\"}]",
        "u1");
    expect("answer", rig_sent(&rig, CLIENT),
        ERROR(1001, "Command not found", "Command not found: nowhere", "u1"));
    open_dial(await_dial(FAR), PEER_2);
    greet(PEER_2, FAR, 0);
    ck_assert_uint_eq(count_calls(PEER_2), 0);
}
END_TEST

START_TEST(time_of_the_request_goes_on)
{
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    config.request_timeout_ns = 2 * SEC_NS;
    tear_down();
    set_up_with(&config);
    tell_of(FAR);
    ask("u1");
    rig_wait(&rig, 2 * SEC_NS);
    expect("answer", rig_sent(&rig, CLIENT),
        ERROR(1004, "RPC execution timed out after 2.0 seconds",
            "The RPC workflow took too long to complete", "u1"));
    rig_wait(&rig, NODE_CONNECT_NS);
    expect_nothing_said("later");
}
END_TEST

/* The other two would be preferred if they were connected. */
START_TEST(node_that_is_connected_gets_the_call_at_once)
{
    tell_of_function(NEAR, "far");
    rig_meet(&rig, PEER_2, FAR, "far");
    rig_meet(&rig, PEER_3, FAR_2, "far");
    greet(PEER, NEAR, 7);
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    rig_event(&rig, EVENT_CLOSED, PEER_3);
    ask("u1");
    expect_part("node", call_sent(PEER), "\"target_node\":\"" NEAR "\"");
    ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(load_decides_among_the_connected_ones)
{
    tell_of(FAR);
    rig_meet(&rig, PEER_2, FAR_2, "far");
    tell_of_function(NEAR, "far");
    greet(PEER_2, FAR_2, 7);
    greet(PEER, NEAR, 8);
    ask("u1");
    ck_assert_uint_eq(count_calls(PEER_2), 1);
    greet(PEER_2, FAR_2, 9);
    ask("u2");
    ck_assert_uint_eq(count_calls(PEER), 1);
    ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(we_ourselves_are_connected)
{
    rig_meet(&rig, PEER_2, FAR, "add");
    rig_event(&rig, EVENT_CLOSED, PEER_2);
    rig_ask(&rig, CLIENT, "[{\"name\":\"x\",\"fun\":\"add\"}]", "u1");
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_EXECUTE, 0));
    ck_assert_uint_eq(held(), 0);
}
END_TEST

START_TEST(whichever_node_comes_first_gets_the_call)
{
    tell_of(FAR);
    tell_of(FAR_2);
    ask("u1");
    uint64_t ticket = await_dial(FAR);
    ck_assert_uint_ne(dial_of(FAR_2), 0);
    open_dial(dial_of(FAR_2), PEER_2);
    greet(PEER_2, FAR_2, 0);
    expect_part("node", call_sent(PEER_2), "\"target_node\":\"" FAR_2 "\"");
    refuse(ticket);
    expect_nothing_said("the other");
}
END_TEST

START_TEST(refusal_of_one_node_leaves_the_hope_for_another)
{
    tell_of(FAR);
    tell_of(FAR_2);
    ask("u1");
    uint64_t ticket = await_dial(FAR);
    uint64_t ticket_2 = dial_of(FAR_2);
    refuse(ticket);
    expect_nothing_said("one");
    refuse(ticket_2);
    expect("answer", rig_sent(&rig, CLIENT), UNREACHABLE(FAR, "u1"));
    ck_assert_uint_eq(held(), 1);
}
END_TEST

/* Both are known, and the one that would be chosen first is not dialed again for a while. */
START_TEST(node_that_is_dialed_is_waited_for_though_another_is_away)
{
    tell_of(FAR);
    refuse(await_dial(FAR));
    tell_of(FAR_2);
    ask("u1");
    open_dial(await_dial(FAR_2), PEER_2);
    greet(PEER_2, FAR_2, 0);
    ck_assert_uint_eq(count_calls(PEER_2), 1);
}
END_TEST

START_TEST(call_that_a_node_does_not_read_waits_for_another)
{
    tell_of_function(NEAR, "far");
    rig_event(&rig, EVENT_CONGESTED, PEER);
    tell_of(FAR);
    ask("u1");
    ck_assert_uint_eq(held(), 1);
    open_dial(await_dial(FAR), PEER_2);
    greet(PEER_2, FAR, 0);
    ck_assert_uint_eq(count_calls(PEER_2), 1);
}
END_TEST

START_TEST(arguments_of_later_levels_wait_too)
{
    tell_of(FAR);
    uint64_t ticket = await_dial(FAR);
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"x\",\"fun\":\"near\",\"args\":[1]},"
        "{\"name\":\"y\",\"fun\":\"far\",\"args\":[\"x.v\"],\"kwargs\":{\"k\": \"x.v\"}}]",
        "u1");
    rig_respond(&rig, PEER, NEAR, call_sent(PEER), "\"success\":true,\"result\":{\"v\":[7]}");
    expect_nothing_said("first");
    ck_assert_uint_eq(held(), 1);
    open_dial(ticket, PEER_2);
    greet(PEER_2, FAR, 0);
    const char *second = call_sent(PEER_2);
    expect_part("second", second, "\"args\":[[7]],\"kwargs\":{\"k\": [7]}");
    rig_respond(&rig, PEER_2, FAR, second, "\"success\":true,\"result\":8");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"y\":8}", "u1"));
}
END_TEST

START_TEST(stop_lets_the_call_be_sent)
{
    tell_of(FAR);
    uint64_t ticket = await_dial(FAR);
    ask("u1");
    rig_event(&rig, EVENT_STOP, 0);
    expect_nothing_said("stop");
    open_dial(ticket, PEER_2);
    greet(PEER_2, FAR, 0);
    rig_respond(&rig, PEER_2, FAR, call_sent(PEER_2), "\"success\":true,\"result\":7");
    expect("answer", rig_sent(&rig, CLIENT), ANSWER("{\"x\":7}", "u1"));
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_CLOSE, CLIENT));
}
END_TEST

START_TEST(stop_waits_for_the_call_as_long_as_for_others)
{
    tell_of(FAR);
    rig_event(&rig, EVENT_TICK, 0);
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"a\",\"fun\":\"add\"},{\"name\":\"b\",\"fun\":\"far\",\"args\":[\"a\"]}]",
        "u1");
    uint64_t ticket = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    rig_event(&rig, EVENT_STOP, 0);
    rig_wait(&rig, SEC_NS);
    rig_result(&rig, ticket, "1");
    expect_nothing_said("held");
    rig_wait(&rig, NODE_DRAIN_NS - SEC_NS);
    expect("answer", rig_sent(&rig, CLIENT),
        ERROR(1003, "RPC execution failed", "this node is shutting down", "u1"));
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_CLOSE, CLIENT));
}
END_TEST

/* It was promised when the request was accepted, so nobody else needs to be waited for. */
START_TEST(stop_leaves_our_own_functions_to_what_is_open)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"a\",\"fun\":\"add\"},{\"name\":\"b\",\"fun\":\"add\",\"args\":[\"a\"]}]",
        "u1");
    uint64_t ticket = rig_find(&rig, ACTION_EXECUTE, 0)->ticket;
    tell_of_function(FAR, "add");
    rig_event(&rig, EVENT_STOP, 0);
    rig_result(&rig, ticket, "1");
    ck_assert_ptr_nonnull(rig_find(&rig, ACTION_EXECUTE, 0));
}
END_TEST

START_TEST(without_memory_a_call_is_not_held)
{
    static char cmds[65536];
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    config.memory_max = (size_t)8 * 1024 * 1024;
    tear_down();
    set_up_with(&config);
    size_t at =
        (size_t)snprintf(cmds, sizeof(cmds), "[{\"name\":\"x\",\"fun\":\"far\",\"args\":[\"");
    memset(&cmds[at], 'x', sizeof(cmds) - at - 8);
    (void)snprintf(&cmds[sizeof(cmds) - 8], 8, "\"]}]");
    tell_of(FAR);
    uint64_t open = 0;
    for (;; open++) {
        rig_ask(&rig, CLIENT, cmds, "u1");
        if (rig_find(&rig, ACTION_SEND, CLIENT) != NULL) {
            break;
        }
        ck_assert_uint_lt(open, config.memory_max / sizeof(cmds));
    }
    expect("answer", rig_sent(&rig, CLIENT),
        ERROR(1003, "RPC execution failed", "out of memory", "u1"));
    ck_assert_uint_gt(open, 0);
    ck_assert_uint_eq(node_stats(rig.node).requests_open, open);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("node_held");
    TCase *tests = tcase_create("held");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, call_is_sent_when_its_node_is_up);
    tcase_add_test(tests, call_is_sent_when_its_node_comes_by_itself);
    tcase_add_test(tests, call_of_a_node_that_was_just_lost_waits_for_its_return);
    tcase_add_test(tests, each_call_of_a_node_is_sent_in_its_turn);
    tcase_add_test(tests, call_fails_when_the_dial_does);
    tcase_add_test(tests, call_fails_when_its_node_does_not_greet);
    tcase_add_test(tests, call_of_a_lost_node_fails_when_it_is_dead);
    tcase_add_test(tests, one_refusal_ends_the_request_once);
    tcase_add_test(tests, call_waits_no_longer_than_it_says);
    tcase_add_test(tests, what_other_nodes_do_gives_a_call_no_more_time);
    tcase_add_test(tests, who_leaves_takes_the_call_along);
    tcase_add_test(tests, node_that_is_freed_forgets_the_call);
    tcase_add_test(tests, failure_of_another_command_takes_the_call_along);
    tcase_add_test(tests, time_of_the_request_goes_on);
    tcase_add_test(tests, node_that_is_connected_gets_the_call_at_once);
    tcase_add_test(tests, load_decides_among_the_connected_ones);
    tcase_add_test(tests, we_ourselves_are_connected);
    tcase_add_test(tests, whichever_node_comes_first_gets_the_call);
    tcase_add_test(tests, refusal_of_one_node_leaves_the_hope_for_another);
    tcase_add_test(tests, node_that_is_dialed_is_waited_for_though_another_is_away);
    tcase_add_test(tests, call_that_a_node_does_not_read_waits_for_another);
    tcase_add_test(tests, arguments_of_later_levels_wait_too);
    tcase_add_test(tests, stop_lets_the_call_be_sent);
    tcase_add_test(tests, stop_waits_for_the_call_as_long_as_for_others);
    tcase_add_test(tests, stop_leaves_our_own_functions_to_what_is_open);
    tcase_add_test(tests, without_memory_a_call_is_not_held);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
