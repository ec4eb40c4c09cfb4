/* SPDX-License-Identifier: Apache-2.0 */
/* test_ws.c - connections over loopback: messages, order, limits, silence, closing. */
#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"
#include "tests/support/ws_world.h"

static const size_t echo_sizes[] = { 0, 1, 7, 125, 126, 127, 4096, 32767, 32768, 32769, 65535,
    65536, 200 * 1024 };

START_TEST(echo_keeps_every_size)
{
    struct pair pair;
    size_t size = echo_sizes[_i];
    uint8_t *bytes = make_bytes(size);
    pair_init(&pair, no_limits, no_limits);

    /* In two parts, to see that they come as one message. */
    const struct span parts[] = { span_from(bytes, size / 2),
        span_from(bytes + size / 2, size - size / 2) };
    ws_send(pair.client.conn, parts, 2);
    WORLD_WAIT(&pair.world, pair.client.message_count == 1);
    ck_assert_uint_eq(pair.server.last_size, size);
    ck_assert_uint_eq(pair.client.last_size, size);
    ck_assert_int_eq(memcmp(pair.client.last, bytes, size), 0);

    pair_destroy(&pair);
    free(bytes);
}
END_TEST

START_TEST(connection_knows_peer_and_user)
{
    struct pair pair;
    char want[64];
    pair_init(&pair, no_limits, no_limits);
    (void)snprintf(want, sizeof(want), "127.0.0.1:%u", ws_listener_port(pair.listener));

    ck_assert_str_eq(ws_conn_peer(pair.client.conn), want);
    ck_assert_int_eq(strncmp(ws_conn_peer(pair.server.conn), "127.0.0.1:", 10), 0);
    ck_assert(ws_conn_is_dialed(pair.client.conn));
    ck_assert(!ws_conn_is_dialed(pair.server.conn));
    ck_assert_ptr_eq(pair.client.user, pair.dialer);
    ck_assert_ptr_null(pair.server.user);
    ws_conn_set_user(pair.server.conn, &pair);
    ck_assert_ptr_eq(ws_conn_user(pair.server.conn), &pair);
    ck_assert_str_eq(ws_conn_peer_uri(pair.client.conn), "");

    pair_destroy(&pair);
}
END_TEST

#define ORDER_COUNT 20000

static void
check_order(struct end *end, struct ws_conn *conn, struct span message)
{
    uint32_t number;
    (void)conn;
    ck_assert_uint_ge(message.size, sizeof(number));
    memcpy(&number, message.data, sizeof(number));
    ck_assert_msg(number == end->message_count - 1, "got message %u, want %zu", number,
        end->message_count - 1);
}

static void
echo_message(struct end *end, struct ws_conn *conn, struct span message)
{
    (void)end;
    ws_send(conn, &message, 1);
}

static void
send_numbered(struct ws_conn *conn, size_t count)
{
    uint8_t bytes[600] = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        memcpy(bytes, &i, sizeof(i));
        send_span(conn, span_from(bytes, sizeof(bytes)));
    }
}

/* Pins that lws_write(LWS_WRITE_HTTP) on a WebSocket connection sends bytes as they are, in order,
 * under far more load than the sockets take at once. */
START_TEST(outstanding_messages_keep_their_order)
{
    struct pair pair;
    pair_init(&pair, no_limits, no_limits);
    pair.client.on_message = check_order;
    pair.server.on_message = echo_message;

    send_numbered(pair.client.conn, ORDER_COUNT);
    WORLD_WAIT(&pair.world, pair.client.message_count == ORDER_COUNT);
    const struct ws_counters *counters = ws_host_counters(pair.world.host);
    ck_assert_uint_eq(counters->messages_sent, 2 * ORDER_COUNT);
    ck_assert_uint_eq(counters->messages_received, 2 * ORDER_COUNT);
    ck_assert_msg(counters->writes < ORDER_COUNT / 4, "%llu writes for %u messages",
        (unsigned long long)counters->writes, 2 * ORDER_COUNT);
    ck_assert_uint_gt(pair.client.congested_count, 0);
    WORLD_WAIT(&pair.world, pair.client.relieved_count == pair.client.congested_count);
    ck_assert_uint_eq(ws_conn_queued(pair.client.conn), 0);

    pair_destroy(&pair);
}
END_TEST

static void
send_from_timer(uv_timer_t *timer)
{
    struct pair *pair = timer->data;
    send_span(pair->client.conn, SPAN("from a timer"));
}

static void
forget_timer(uv_handle_t *handle)
{
    handle->data = NULL;
}

START_TEST(bytes_from_a_timer_leave_without_another_event)
{
    struct pair pair;
    uv_timer_t timer;
    pair_init(&pair, no_limits, no_limits);
    uv_timer_stop(&pair.world.tick);
    ck_assert_int_eq(uv_timer_init(&pair.world.loop, &timer), 0);
    timer.data = &pair;
    ck_assert_int_eq(uv_timer_start(&timer, send_from_timer, 1, 0), 0);

    /* Without the tick nothing else wakes the loop: were they left behind, this would hang. */
    WORLD_WAIT(&pair.world, pair.client.message_count == 1);
    ck_assert_uint_eq(pair.client.last_size, strlen("from a timer"));

    uv_close((uv_handle_t *)&timer, forget_timer);
    uv_timer_start(&pair.world.tick, world_tick, WORLD_TICK_MS, WORLD_TICK_MS);
    WORLD_WAIT(&pair.world, timer.data == NULL);
    pair_destroy(&pair);
}
END_TEST

static const struct oversize_case {
    const char *name;
    size_t limit;
    size_t size;
    bool closes;
} oversize_cases[] = {
    { "at the limit", 1000, 1000, false },
    { "one over the limit", 1000, 1001, true },
    { "at the limit, in pieces", 100000, 100000, false },
    { "one over the limit, in pieces", 100000, 100001, true },
    { "far over the limit", 100000, 8 * 1024 * 1024, true },
};

START_TEST(message_over_the_limit_closes_with_1009)
{
    const struct oversize_case *c = &oversize_cases[_i];
    struct pair pair;
    char want[128];
    uint8_t *bytes = make_bytes(c->size);
    pair_init(&pair, (struct ws_limits){ .message_size_max = c->limit }, no_limits);

    send_span(pair.client.conn, span_from(bytes, c->size));
    WORLD_WAIT(&pair.world, pair.client.message_count == 1 ||
                                (pair.client.closed_count == 1 && pair.server.closed_count == 1));
    ck_assert_msg((pair.server.message_count == 0) == c->closes, "%s", c->name);
    if (c->closes) {
        (void)snprintf(want, sizeof(want), "message exceeds limit of %zu bytes", c->limit);
        ck_assert_msg(pair.server.code == WS_CODE_TOO_BIG, "%s: %u", c->name, pair.server.code);
        ck_assert_str_eq(pair.server.reason, want);
        ck_assert_msg(pair.client.code == WS_CODE_TOO_BIG, "%s: %u %s", c->name, pair.client.code,
            pair.client.reason);
        ck_assert_str_eq(pair.client.reason, want);
    }

    pair_destroy(&pair);
    free(bytes);
}
END_TEST

START_TEST(fragments_are_one_message)
{
    struct world world;
    struct end server = { .echoes = true };
    struct raw raw;
    world_init(&world);
    struct ws_listener *listener = world_listen(&world, &server, no_limits);
    raw_upgrade(&world, &raw, ws_listener_port(listener));

    raw_send_frame(&raw, 0x01, SPAN("frag"));
    raw_send_frame(&raw, 0x00, SPAN("men"));
    raw_send_frame(&raw, 0x89, SPAN("a ping in between"));
    raw_send_frame(&raw, 0x80, SPAN("ts"));
    WORLD_WAIT(&world, server.message_count == 1);
    ck_assert_uint_eq(server.last_size, 9);
    ck_assert_mem_eq(server.last, "fragments", 9);
    WORLD_WAIT(&world, raw_has(&raw, "\x82\x09"
                                     "fragments"));
    WORLD_WAIT(&world, raw_has(&raw, "\x8a\x11"
                                     "a ping in between"));

    raw_close(&raw);
    WORLD_WAIT(&world, server.closed_count == 1);
    ck_assert_uint_eq(server.code, WS_CODE_LOST);
    ck_assert_str_eq(server.reason, "connection lost");
    world_destroy(&world);
    end_destroy(&server);
}
END_TEST

START_TEST(fragments_over_the_limit_close_with_1009)
{
    struct world world;
    struct end server = { .echoes = true };
    struct raw raw;
    world_init(&world);
    struct ws_listener *listener =
        world_listen(&world, &server, (struct ws_limits){ .message_size_max = 10 });
    raw_upgrade(&world, &raw, ws_listener_port(listener));

    raw_send_frame(&raw, 0x02, SPAN("12345678"));
    raw_send_frame(&raw, 0x00, SPAN("9AB"));
    WORLD_WAIT(&world, raw_has_frame(&raw));
    ck_assert_mem_eq(raw.bytes,
        "\x88\x23\x03\xf1"
        "message exceeds limit of 10 bytes",
        4 + 33);
    raw_send_frame(&raw, 0x88, SPAN("\x03\xf1"));
    WORLD_WAIT(&world, server.closed_count == 1);
    ck_assert_uint_eq(server.message_count, 0);
    raw_close(&raw);
    world_destroy(&world);
    end_destroy(&server);
}
END_TEST

START_TEST(slow_reader_is_closed)
{
    struct world world;
    struct end server = { .echoes = false };
    struct raw raw;
    uint8_t *bytes = make_bytes(64 * 1024);
    world_init(&world);
    struct ws_listener *listener = world_listen(&world, &server,
        (struct ws_limits){ .send_queue_max = 1000000, .congested_above = 300000 });
    raw_upgrade(&world, &raw, ws_listener_port(listener));
    WORLD_WAIT(&world, server.opened_count == 1);

    /* The raw client never reads. */
    while (server.closed_count == 0) {
        if (server.conn != NULL) {
            send_span(server.conn, span_from(bytes, 64 * 1024));
        }
        (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    }
    ck_assert_uint_eq(server.code, WS_CODE_POLICY);
    ck_assert_str_eq(server.reason, "slow reader: more than 1000000 bytes queued");
    ck_assert_uint_eq(server.congested_count, 1);
    ck_assert_uint_le(world.mem.peak, 4 * 1000000);

    raw_close(&raw);
    world_destroy(&world);
    free(bytes);
}
END_TEST

START_TEST(ping_is_answered_with_its_payload)
{
    struct world world;
    struct end server = { .echoes = true };
    struct raw raw;
    world_init(&world);
    struct ws_listener *listener = world_listen(&world, &server, no_limits);
    raw_upgrade(&world, &raw, ws_listener_port(listener));

    raw_send_frame(&raw, 0x89, SPAN("are you there"));
    WORLD_WAIT(&world, raw_has_frame(&raw));
    ck_assert_mem_eq(raw.bytes,
        "\x8a\x0d"
        "are you there",
        15);
    ck_assert_uint_eq(server.message_count, 0);

    raw_close(&raw);
    world_destroy(&world);
}
END_TEST

START_TEST(silent_peer_is_pinged_then_lost)
{
    struct world world;
    struct end server = { .echoes = true };
    struct raw raw;
    world_init_with(&world,
        &(struct ws_host_config){ .ping_after_ns = 1 * SEC_NS, .pong_within_ns = 1 * SEC_NS });
    struct ws_listener *listener = world_listen(&world, &server, no_limits);
    raw_upgrade(&world, &raw, ws_listener_port(listener));

    WORLD_WAIT(&world, raw_has_frame(&raw));
    ck_assert_uint_eq(raw.bytes[0], 0x89);
    WORLD_WAIT(&world, server.closed_count == 1);
    ck_assert_uint_eq(server.code, WS_CODE_LOST);
    ck_assert_str_eq(server.reason, "nothing heard for 2 s, not even a pong");

    raw_close(&raw);
    world_destroy(&world);
}
END_TEST

static void
reply_and_close(struct end *end, struct ws_conn *conn, struct span message)
{
    (void)message;
    send_span(conn, span_from(end->data, end->byte_count));
    ws_close(conn, WS_CODE_NORMAL, "that was an error");
    /* Neither is sent: the connection is closing. */
    send_span(conn, SPAN("too late"));
    ws_close(conn, WS_CODE_INTERNAL, "too late");
}

static const size_t reply_sizes[] = { 20, 5 * 1024 * 1024 };

START_TEST(reply_before_a_close_is_delivered)
{
    struct pair pair;
    size_t size = reply_sizes[_i];
    pair_init(&pair, no_limits, no_limits);
    pair.server.data = make_bytes(size);
    pair.server.on_message = reply_and_close;
    uint8_t *request = make_bytes(size);

    send_span(pair.client.conn, span_from(request, size));
    WORLD_WAIT(&pair.world, pair.client.closed_count == 1 && pair.server.closed_count == 1);
    ck_assert_uint_eq(pair.client.message_count, 1);
    ck_assert_uint_eq(pair.client.last_size, size);
    ck_assert_int_eq(memcmp(pair.client.last, request, size), 0);
    ck_assert_uint_eq(pair.client.code, WS_CODE_NORMAL);
    ck_assert_str_eq(pair.client.reason, "that was an error");
    ck_assert_uint_eq(pair.server.code, WS_CODE_NORMAL);
    ck_assert_str_eq(pair.server.reason, "that was an error");

    free(pair.server.data);
    free(request);
    pair_destroy(&pair);
}
END_TEST

START_TEST(dialed_side_closes_alike)
{
    struct pair pair;
    pair_init(&pair, no_limits, no_limits);

    send_span(pair.client.conn, SPAN("last words"));
    ws_close(pair.client.conn, WS_CODE_GOING_AWAY, "bye");
    ck_assert_uint_eq(pair.client.closed_count, 0);
    WORLD_WAIT(&pair.world, pair.client.closed_count == 1 && pair.server.closed_count == 1);
    ck_assert_uint_eq(pair.server.message_count, 1);
    ck_assert_uint_eq(pair.server.code, WS_CODE_GOING_AWAY);
    ck_assert_str_eq(pair.server.reason, "bye");
    ck_assert_uint_eq(pair.client.code, WS_CODE_GOING_AWAY);

    pair_destroy(&pair);
}
END_TEST

START_TEST(memory_that_ends_closes_the_connection)
{
    struct pair pair;
    uint8_t *bytes = make_bytes(1024 * 1024);
    pair_init(&pair, no_limits, no_limits);
    pair.world.mem.cap = pair.world.mem.used + 100 * 1024;

    send_span(pair.client.conn, span_from(bytes, 1024 * 1024));
    WORLD_WAIT(&pair.world, pair.client.closed_count == 1);
    ck_assert_uint_eq(pair.client.code, WS_CODE_INTERNAL);
    ck_assert_str_eq(pair.client.reason, "no memory to send 1048576 bytes");

    free(bytes);
    pair_destroy(&pair);
}
END_TEST

START_TEST(peer_that_closes_is_answered)
{
    struct world world;
    struct end server = { .echoes = true };
    struct raw raw;
    world_init(&world);
    struct ws_listener *listener = world_listen(&world, &server, no_limits);
    raw_upgrade(&world, &raw, ws_listener_port(listener));

    raw_send_frame(&raw, 0x88,
        SPAN("\x0f\xa1"
             "enough"));
    WORLD_WAIT(&world, raw_pump(&raw) && raw.ended);
    ck_assert_uint_eq(raw.size, 10);
    ck_assert_mem_eq(raw.bytes,
        "\x88\x08\x0f\xa1"
        "enough",
        10);
    WORLD_WAIT(&world, server.closed_count == 1);
    ck_assert_uint_eq(server.code, 4001);
    ck_assert_str_eq(server.reason, "enough");

    raw_close(&raw);
    world_destroy(&world);
}
END_TEST

START_TEST(silent_but_living_peers_stay)
{
    struct world world;
    struct end server = { .echoes = true };
    struct end client = { .echoes = false };
    world_init_with(&world,
        &(struct ws_host_config){ .ping_after_ns = 1 * SEC_NS, .pong_within_ns = 1 * SEC_NS });
    struct ws_listener *listener = world_listen(&world, &server, no_limits);
    struct ws_dialer *dialer = world_dialer(&world, &client, no_limits);
    (void)world_dial(dialer, ws_listener_port(listener));
    WORLD_WAIT(&world, client.opened_count == 1 && server.opened_count == 1);

    /* Twice the time after which they would be taken for dead. */
    uint64_t end_ms = uv_now(&world.loop) + 4000;
    WORLD_WAIT(&world, uv_now(&world.loop) >= end_ms);
    ck_assert_uint_eq(client.closed_count + server.closed_count, 0);
    ck_assert_uint_eq(client.message_count + server.message_count, 0);

    world_destroy(&world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ws");
    TCase *tcase = tcase_create("messages");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, echo_keeps_every_size, 0, (int)COUNT_OF(echo_sizes));
    tcase_add_test(tcase, connection_knows_peer_and_user);
    tcase_add_test(tcase, outstanding_messages_keep_their_order);
    tcase_add_test(tcase, bytes_from_a_timer_leave_without_another_event);
    tcase_add_loop_test(
        tcase, message_over_the_limit_closes_with_1009, 0, (int)COUNT_OF(oversize_cases));
    tcase_add_test(tcase, fragments_are_one_message);
    tcase_add_test(tcase, fragments_over_the_limit_close_with_1009);
    tcase_add_test(tcase, slow_reader_is_closed);
    tcase_add_test(tcase, ping_is_answered_with_its_payload);
    tcase_add_test(tcase, silent_peer_is_pinged_then_lost);
    tcase_add_test(tcase, silent_but_living_peers_stay);
    tcase_add_loop_test(tcase, reply_before_a_close_is_delivered, 0, (int)COUNT_OF(reply_sizes));
    tcase_add_test(tcase, dialed_side_closes_alike);
    tcase_add_test(tcase, peer_that_closes_is_answered);
    tcase_add_test(tcase, memory_that_ends_closes_the_connection);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
