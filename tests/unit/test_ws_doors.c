/* SPDX-License-Identifier: Apache-2.0 */
/* test_ws_doors.c - listening and dialing over loopback, and leaving the loop. */
#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"
#include "tests/support/ws_world.h"

START_TEST(port_in_use_is_said)
{
    struct world world;
    struct end server = { .echoes = true };
    struct reason reason;
    char want[128];
    world_init(&world);
    struct ws_listener *listener = world_listen(&world, &server, no_limits);
    struct ws_listen_config config = {
        .address = "127.0.0.1", .port = ws_listener_port(listener), .events = end_events(&server)
    };
    (void)snprintf(want, sizeof(want),
        "127.0.0.1:%u: address already in use: stop the program "
        "that listens there or choose another port",
        config.port);

    ck_assert_ptr_null(ws_listen(world.host, &config, &reason));
    ck_assert_str_eq(reason.text, want);
    ws_listener_close(listener);
    listener = ws_listen(world.host, &config, &reason);
    ck_assert_msg(listener != NULL, "after closing: %s", reason.text);
    config.address = "localhost";
    ck_assert_ptr_null(ws_listen(world.host, &config, &reason));
    ck_assert_str_eq(reason.text, "'localhost' is not an IPv4 or IPv6 address");
    config.address = "192.0.2.1";
    ck_assert_ptr_null(ws_listen(world.host, &config, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "this machine has no such address"));

    world_destroy(&world);
}
END_TEST

START_TEST(connections_outlive_their_listener_and_dialer)
{
    struct pair pair;
    pair_init(&pair, no_limits, no_limits);
    uint16_t port = ws_listener_port(pair.listener);

    ws_listener_close(pair.listener);
    send_span(pair.client.conn, SPAN("still there?"));
    WORLD_WAIT(&pair.world, pair.client.message_count == 1);
    (void)world_dial(pair.dialer, port);
    WORLD_WAIT(&pair.world, pair.client.refused_count == 1);
    (void)world_dial(pair.dialer, port);
    ws_dialer_close(pair.dialer);
    send_span(pair.client.conn, SPAN("still there?"));
    WORLD_WAIT(&pair.world, pair.client.message_count == 2);
    ck_assert_uint_eq(pair.client.refused_count, 1);

    pair_destroy(&pair);
}
END_TEST

START_TEST(connection_count_is_limited)
{
    struct world world;
    struct end server = { .echoes = true };
    struct raw raw[3];
    world_init(&world);
    struct ws_listener *listener =
        world_listen(&world, &server, (struct ws_limits){ .connection_count_max = 2 });
    raw_upgrade(&world, &raw[0], ws_listener_port(listener));
    raw_upgrade(&world, &raw[1], ws_listener_port(listener));

    raw_connect(&raw[2], ws_listener_port(listener));
    WORLD_WAIT(&world, raw_pump(&raw[2]) && raw[2].ended);
    ck_assert_uint_eq(ws_host_counters(world.host)->connections_turned_away, 1);
    raw_close(&raw[2]);
    raw_close(&raw[0]);
    WORLD_WAIT(&world, server.closed_count == 1);
    raw_upgrade(&world, &raw[0], ws_listener_port(listener));

    for (size_t i = 0; i < 2; i++) {
        raw_close(&raw[i]);
    }
    world_destroy(&world);
}
END_TEST

static const struct refused_case {
    const char *name;
    const char *request;
    const char *answer; /* NULL: the connection ends without one */
} refused_cases[] = {
    { "plain GET", "GET / HTTP/1.1\r\nHost: here\r\n\r\n", "HTTP/1.1 426 Upgrade Required" },
    { "h2c upgrade",
        "GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        NULL },
    { "CONNECT", "CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n", NULL },
    { "no HTTP", "\x16\x03\x01\x02hello\r\n\r\n", NULL },
    { "HTTP/2 from the start", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NULL },
    { "no key",
        "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n",
        NULL },
};

START_TEST(other_protocols_are_refused)
{
    const struct refused_case *c = &refused_cases[_i];
    struct world world;
    struct end server = { .echoes = true };
    struct raw raw;
    world_init(&world);
    struct ws_listener *listener = world_listen(&world, &server, no_limits);
    raw_connect(&raw, ws_listener_port(listener));

    raw_send_text(&raw, c->request);
    WORLD_WAIT(&world, raw_pump(&raw) && raw.ended);
    ck_assert_msg(c->answer == NULL || raw_has(&raw, c->answer), "%s: %.*s", c->name, (int)raw.size,
        (const char *)raw.bytes);
    ck_assert_msg(!raw_has(&raw, " 101 "), "%s", c->name);
    ck_assert_msg(server.opened_count == 0, "%s", c->name);

    raw_close(&raw);
    world_destroy(&world);
}
END_TEST

static const struct dial_case {
    const char *name;
    const char *host;
    uint16_t port;
    const char *want;
} dial_cases[] = {
    { "nobody listens", "127.0.0.1", 1, "ws://127.0.0.1:1: connection refused, or no way there" },
    { "nobody listens, v6", "::1", 1, "ws://[::1]:1: connection refused, or no way there" },
    { "refused by the system at once", "255.255.255.255", 1,
        "ws://255.255.255.255:1: connection refused, or no way there" },
    { "no such name", "no-such-name.invalid", 9,
        "ws://no-such-name.invalid:9: no address found: " },
};

START_TEST(failed_dial_says_why)
{
    const struct dial_case *c = &dial_cases[_i];
    struct world world;
    struct end client = { .echoes = false };
    world_init(&world);
    struct ws_dialer *dialer = world_dialer(&world, &client, no_limits);
    const struct ws_dial_config config = { .host = c->host, .port = c->port, .user = &client };

    for (size_t round = 1; round <= 3; round++) {
        ck_assert_ptr_nonnull(ws_dial(dialer, &config));
        ck_assert_uint_eq(client.refused_count, round - 1);
        WORLD_WAIT(&world, client.refused_count == round);
        ck_assert_msg(strncmp(client.reason, c->want, strlen(c->want)) == 0, "%s: got '%s'",
            c->name, client.reason);
        ck_assert_ptr_eq(client.user, &client);
    }

    ck_assert_uint_eq(client.opened_count, 0);
    world_destroy(&world);
}
END_TEST

START_TEST(dial_resolves_names)
{
    struct pair pair;
    pair_init(&pair, no_limits, no_limits);
    /* It may have a v6 address too, where nobody listens: the next one is tried. */
    const struct ws_dial_config config = {
        .host = "localhost", .port = ws_listener_port(pair.listener), .path = "/any/path"
    };

    ck_assert_ptr_nonnull(ws_dial(pair.dialer, &config));
    WORLD_WAIT(&pair.world, pair.client.opened_count == 2);

    pair_destroy(&pair);
}
END_TEST

START_TEST(dial_gives_up_in_time)
{
    struct world world;
    struct end client = { .echoes = false };
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    char want[128];
    world_init(&world);
    struct ws_dialer *dialer = world_dialer(&world, &client, no_limits);
    /* Accepts in the kernel, and never says a word. */
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(silent, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(silent, 1), 0);
    ck_assert_int_eq(getsockname(silent, (struct sockaddr *)&address, &size), 0);
    const struct ws_dial_config config = {
        .host = "127.0.0.1", .port = ntohs(address.sin_port), .timeout_ns = 50 * MS_NS
    };
    (void)snprintf(want, sizeof(want), "ws://127.0.0.1:%u: no answer within 50 ms", config.port);

    ck_assert_ptr_nonnull(ws_dial(dialer, &config));
    WORLD_WAIT(&world, client.refused_count == 1);
    ck_assert_str_eq(client.reason, want);

    (void)close(silent);
    world_destroy(&world);
}
END_TEST

START_TEST(cancelled_dial_is_silent)
{
    struct pair pair;
    pair_init(&pair, no_limits, no_limits);
    uint16_t port = ws_listener_port(pair.listener);

    struct ws_dial *at_once = world_dial(pair.dialer, port);
    ws_dial_cancel(at_once);
    struct ws_dial *on_its_way = world_dial(pair.dialer, port);
    (void)uv_run(&pair.world.loop, UV_RUN_NOWAIT);
    ws_dial_cancel(on_its_way);
    struct ws_dial *resolving =
        ws_dial(pair.dialer, &(struct ws_dial_config){ .host = "localhost", .port = port });
    (void)uv_run(&pair.world.loop, UV_RUN_NOWAIT);
    ws_dial_cancel(resolving);
    (void)world_dial(pair.dialer, port);
    WORLD_WAIT(&pair.world, pair.client.opened_count == 2);
    ck_assert_uint_eq(pair.client.refused_count, 0);

    pair_destroy(&pair);
}
END_TEST

static void
dial_again(struct end *end)
{
    if (end->refused_count == 1) {
        ck_assert_ptr_nonnull(ws_dial(end->data,
            &(struct ws_dial_config){ .host = "127.0.0.1", .port = 1, .timeout_ns = SEC_NS }));
    }
}

START_TEST(stop_refuses_dials_and_says_goodbye)
{
    struct pair pair;
    pair_init(&pair, no_limits, no_limits);
    pair.client.on_refused = dial_again;
    pair.client.data = pair.dialer;

    send_span(pair.client.conn, SPAN("before the end"));
    (void)world_dial(pair.dialer, ws_listener_port(pair.listener));
    ws_host_stop(pair.world.host);
    ws_host_stop(pair.world.host);
    ck_assert_uint_eq(pair.client.refused_count, 0);
    WORLD_WAIT(&pair.world, pair.world.stopped);
    ck_assert_uint_eq(pair.client.refused_count, 2);
    ck_assert_uint_eq(pair.client.code, WS_CODE_GOING_AWAY);
    ck_assert_uint_eq(pair.server.code, WS_CODE_GOING_AWAY);

    pair_destroy(&pair);
}
END_TEST

static void
close_dialer(struct end *end)
{
    if (end->data != NULL) {
        ws_dialer_close(end->data);
        end->data = NULL;
    }
}

START_TEST(dialer_may_close_when_a_dial_is_refused)
{
    struct world world;
    struct end client = { .on_refused = close_dialer };
    world_init(&world);
    struct ws_dialer *dialer = world_dialer(&world, &client, no_limits);
    client.data = dialer;
    for (size_t i = 0; i < 4; i++) {
        (void)world_dial(dialer, 1);
    }

    WORLD_WAIT(&world, client.refused_count == 1);
    world_destroy(&world);
    ck_assert_uint_eq(client.refused_count, 1);
}
END_TEST

START_TEST(ordinary_life_logs_nothing)
{
    struct pair pair;
    pair_init(&pair, no_limits, no_limits);

    send_span(pair.client.conn, SPAN("hello"));
    WORLD_WAIT(&pair.world, pair.client.message_count == 1);
    (void)world_dial(pair.dialer, 1);
    WORLD_WAIT(&pair.world, pair.client.refused_count == 1);
    ws_close(pair.client.conn, WS_CODE_NORMAL, "bye");
    WORLD_WAIT(&pair.world, pair.client.closed_count == 1 && pair.server.closed_count == 1);
    pair_destroy(&pair);
    ck_assert_msg(pair.world.log_count == 0, "logged: %s", pair.world.log);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ws_doors");
    TCase *tcase = tcase_create("doors");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, port_in_use_is_said);
    tcase_add_test(tcase, connections_outlive_their_listener_and_dialer);
    tcase_add_test(tcase, connection_count_is_limited);
    tcase_add_loop_test(tcase, other_protocols_are_refused, 0, (int)COUNT_OF(refused_cases));
    tcase_add_loop_test(tcase, failed_dial_says_why, 0, (int)COUNT_OF(dial_cases));
    tcase_add_test(tcase, dial_resolves_names);
    tcase_add_test(tcase, dial_gives_up_in_time);
    tcase_add_test(tcase, cancelled_dial_is_silent);
    tcase_add_test(tcase, dialer_may_close_when_a_dial_is_refused);
    tcase_add_test(tcase, stop_refuses_dials_and_says_goodbye);
    tcase_add_test(tcase, ordinary_life_logs_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
