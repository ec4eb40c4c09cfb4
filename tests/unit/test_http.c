/* SPDX-License-Identifier: Apache-2.0 */
/* test_http.c - the admin interface's server, asked by a raw client. */
#include <check.h>
#include <stdlib.h>

#include "host/http.h"
#include "host/http_reply.h"
#include "tests/support/check_failed.h"
#include "tests/support/ws_world.h"

#define LARGE_SIZE ((size_t)6 * 1024 * 1024)

/* What the handler saw last. */
struct desk {
    size_t request_count;
    enum http_method method;
    bool is_loopback;
    char seen[8192];
    size_t body_size;
    unsigned int body_sum;
};

static void
serve(void *owner, const struct http_request *request, struct http_response *response)
{
    struct desk *desk = owner;
    desk->request_count++;
    desk->method = request->method;
    desk->is_loopback = request->is_loopback;
    desk->body_size = request->body.size;
    desk->body_sum = 0;
    for (size_t i = 0; i < request->body.size; i++) {
        desk->body_sum += request->body.data[i];
    }
    (void)snprintf(desk->seen, sizeof(desk->seen),
        "path=%.*s query=%.*s host=%.*s accept=%.*s "
        "authorization=%.*s type=%.*s",
        SPAN_ARGS(request->path), SPAN_ARGS(request->query), SPAN_ARGS(request->host),
        SPAN_ARGS(request->accept), SPAN_ARGS(request->authorization),
        SPAN_ARGS(request->content_type));
    if (span_is(request->path, "/hello")) {
        buf_add_text(response->body, "hello, world");
    } else if (span_is(request->path, "/large")) {
        for (size_t i = 0; i < LARGE_SIZE / 8; i++) {
            buf_add_u64(response->body, i);
        }
        response->content_type = "application/octet-stream";
    } else if (span_is(request->path, "/overflow")) {
        ck_assert_ptr_null(buf_reserve(response->body, HTTP_RESPONSE_SIZE_MAX + 1));
    } else if (span_is(request->path, "/headers")) {
        response->headers[0] = (struct http_header){ "retry-after", "30" };
        response->headers[1] = (struct http_header){ "evil", "a\r\nset-cookie: b" };
        response->header_count = 2;
        response->status = 503;
    } else if (span_is(request->path, "/post")) {
        response->status = request->method == HTTP_POST ? 202 : 405;
        response->content_type = "application/json";
        buf_add_text(response->body, "{}");
    } else {
        response->status = 404;
        buf_add_text(response->body, "no such page\n");
    }
}

#define BODY_SIZE_MAX ((size_t)1024 * 1024)

/* Whoever says so may send more. */
static size_t
body_size_max(void *owner, const struct http_request *request)
{
    (void)owner;
    return span_is(request->authorization, "small") ? HTTP_BODY_SIZE_MAX : BODY_SIZE_MAX;
}

struct room {
    struct world world;
    struct desk desk;
    struct http_server *server;
    struct raw raw;
};

static void
room_init(struct room *room)
{
    struct reason reason;
    memset(room, 0, sizeof(*room));
    world_init(&room->world);
    const struct http_config config = {
        .address = "127.0.0.1",
        .owner = &room->desk,
        .on_request = serve,
        .body_size_max = body_size_max,
    };
    room->server = http_listen(room->world.host, &config, &reason);
    ck_assert_msg(room->server != NULL, "%s", reason.text);
    raw_connect(&room->raw, http_server_port(room->server));
}

static void
room_destroy(struct room *room)
{
    raw_close(&room->raw);
    world_destroy(&room->world);
}

static const struct exchange {
    const char *name;
    const char *request;
    const char *status;
    const char *ends; /* how the response ends */
    bool handled;
    bool closes;
} exchanges[] = {
    { "GET", "GET /hello HTTP/1.1\r\nHost: here\r\n\r\n", "HTTP/1.1 200 OK\r\n",
        "\r\n\r\nhello, world", true, false },
    { "GET, closing", "GET /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello, world", true, true },
    { "HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello, world",
        true, true },
    { "HEAD", "HEAD /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n", "connection: close\r\n\r\n", true, true },
    { "not found", "GET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n", "HTTP/1.1 404 Not Found\r\n",
        "no such page\n", true, false },
    { "POST", "POST /post HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nabcde",
        "HTTP/1.1 202 Accepted\r\n", "\r\n\r\n{}", true, false },
    { "POST of nothing", "POST /post HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\n", "\r\n\r\n{}", true, false },
    { "POST without a length", "POST /post HTTP/1.1\r\nHost: here\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\n", "connection: close\r\n\r\n{}", true, true },
    { "DELETE", "DELETE /post HTTP/1.1\r\nHost: here\r\n\r\n",
        "HTTP/1.1 405 Method Not Allowed\r\n", "{}", true, true },
    { "PUT with a body", "PUT /post HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 405 Method Not Allowed\r\n", "{}", true, false },
    { "headers of the handler", "GET /headers HTTP/1.1\r\nHost: here\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\n", "nosniff\r\nretry-after: 30\r\n\r\n", true, false },
    { "response too large", "GET /overflow HTTP/1.1\r\nHost: here\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\n", "the response is too large\n", true, false },
    { "body too large", "POST /post HTTP/1.1\r\nHost: here\r\nContent-Length: 1048577\r\n\r\n",
        "HTTP/1.1 413 Content Too Large\r\n", "larger than is taken here\n", false, true },
    { "body too large for whom sends it",
        "POST /post HTTP/1.1\r\nHost: here\r\nAuthorization: small\r\nContent-Length: "
        "65537\r\n\r\n",
        "HTTP/1.1 413 Content Too Large\r\n", "larger than is taken here\n", false, true },
    { "length is no number", "POST /post HTTP/1.1\r\nHost: here\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\n", "content-length is not a number\n", false, true },
    { "length is far too long",
        "POST /post HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\n", "content-length is not a number\n", false, true },
    { "in chunks",
        "POST /post HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: "
        "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 411 Length Required\r\n", "with a content-length\n", false, true },
    { "GET with a body", "GET /hello HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 400 Bad Request\r\n", "no body\n", false, true },
    { "not HTTP", "hello\r\n\r\n", "", "", false, true },
    { "unknown method", "FETCH /hello HTTP/1.1\r\n\r\n", "", "", false, true },
    { "CONNECT", "CONNECT other:80 HTTP/1.1\r\nHost: other\r\n\r\n", "", "", false, true },
    { "WebSocket",
        "GET /hello HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "", "", false, true },
};

static bool
raw_ends_with(struct raw *raw, const char *text)
{
    size_t size = strlen(text);
    (void)raw_pump(raw);
    return raw->size >= size && memcmp(&raw->bytes[raw->size - size], text, size) == 0;
}

START_TEST(requests_are_answered)
{
    const struct exchange *c = &exchanges[_i];
    struct room room;
    room_init(&room);

    raw_send_text(&room.raw, c->request);
    WORLD_WAIT(&room.world,
        c->closes ? raw_pump(&room.raw) && room.raw.ended : raw_ends_with(&room.raw, c->ends));
    ck_assert_msg(room.raw.size >= strlen(c->status) &&
                      memcmp(room.raw.bytes, c->status, strlen(c->status)) == 0 &&
                      raw_ends_with(&room.raw, c->ends),
        "%s: got '%.*s'", c->name, (int)room.raw.size, (const char *)room.raw.bytes);
    ck_assert_msg((room.desk.request_count == 1) == c->handled, "%s", c->name);
    ck_assert_msg(!raw_has(&room.raw, "set-cookie"), "%s", c->name);
    ck_assert(!c->handled || room.desk.is_loopback);

    room_destroy(&room);
}
END_TEST

START_TEST(connection_is_used_again)
{
    struct room room;
    room_init(&room);

    for (size_t i = 1; i <= 5; i++) {
        raw_send_text(&room.raw, "GET /hello HTTP/1.1\r\nHost: here\r\n\r\n");
        WORLD_WAIT(&room.world, raw_ends_with(&room.raw, "hello, world"));
        raw_drop(&room.raw, room.raw.size);
        raw_send_text(
            &room.raw, "POST /post HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc");
        WORLD_WAIT(&room.world, raw_ends_with(&room.raw, "{}"));
        raw_drop(&room.raw, room.raw.size);
        ck_assert_uint_eq(room.desk.request_count, 2 * i);
    }
    ck_assert(!room.raw.ended);

    room_destroy(&room);
}
END_TEST

START_TEST(handler_sees_path_query_and_headers)
{
    struct room room;
    room_init(&room);

    raw_send_text(&room.raw, "POST /v1/a%20b?link=eu&name=x%2fy HTTP/1.1\r\nHost: admin:9180\r\n"
                             "Accept: application/json\r\nAuthorization: Bearer s3cret\r\n"
                             "Content-Type: text/yaml\r\nContent-Length: 1\r\n\r\n!");
    WORLD_WAIT(&room.world, room.desk.request_count == 1);
    ck_assert_str_eq(room.desk.seen, "path=/v1/a b query=link=eu&name=x/y host=admin:9180 "
                                     "accept=application/json authorization=Bearer s3cret "
                                     "type=text/yaml");
    ck_assert_int_eq(room.desk.method, HTTP_POST);

    room_destroy(&room);
}
END_TEST

START_TEST(long_header_is_refused)
{
    struct room room;
    char request[2048];
    room_init(&room);
    (void)snprintf(request, sizeof(request),
        "GET /hello HTTP/1.1\r\nHost: here\r\nAuthorization: %01200d\r\n\r\n", 0);

    raw_send_text(&room.raw, request);
    WORLD_WAIT(&room.world, raw_pump(&room.raw) && room.raw.ended);
    ck_assert(raw_has(&room.raw, "HTTP/1.1 431 Request Header Fields Too Large"));
    ck_assert_uint_eq(room.desk.request_count, 0);

    room_destroy(&room);
}
END_TEST

static const size_t body_sizes[] = { 1, 40000, 1024 * 1024 };

START_TEST(body_arrives_whole)
{
    struct room room;
    size_t size = body_sizes[_i];
    uint8_t *body = malloc(size);
    unsigned int sum = 0;
    char head[128];
    for (size_t i = 0; i < size; i++) {
        body[i] = (uint8_t)(i * 7);
        sum += body[i];
    }
    room_init(&room);
    (void)snprintf(head, sizeof(head),
        "POST /post HTTP/1.1\r\nHost: here\r\nContent-Length: %zu\r\n\r\n", size);
    raw_send_text(&room.raw, head);

    size_t sent = 0;
    while (sent < size) {
        ssize_t taken =
            send(room.raw.descriptor, &body[sent], size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += taken > 0 ? (size_t)taken : 0;
        (void)uv_run(&room.world.loop, UV_RUN_NOWAIT);
    }
    WORLD_WAIT(&room.world, raw_ends_with(&room.raw, "{}"));
    ck_assert_uint_eq(room.desk.body_size, size);
    ck_assert_uint_eq(room.desk.body_sum, sum);

    free(body);
    room_destroy(&room);
}
END_TEST

START_TEST(large_response_arrives_whole)
{
    struct room room;
    char head[64];
    room_init(&room);

    raw_send_text(&room.raw, "GET /large HTTP/1.1\r\nHost: here\r\n\r\n");
    WORLD_WAIT(&room.world, raw_has(&room.raw, "\r\n\r\n"));
    (void)snprintf(head, sizeof(head), "content-length: %zu\r\n", LARGE_SIZE);
    ck_assert(raw_has(&room.raw, head));
    const uint8_t *end = memmem(room.raw.bytes, room.raw.size, "\r\n\r\n", 4);
    raw_drop(&room.raw, (size_t)(end - room.raw.bytes) + 4);
    uint64_t next = 0;
    bool in_order = true;
    while (next < LARGE_SIZE / 8) {
        WORLD_WAIT(&room.world, raw_pump(&room.raw) && room.raw.size >= 8);
        size_t whole = room.raw.size / 8;
        for (size_t i = 0; i < whole; i++) {
            uint64_t number = 0;
            for (size_t b = 0; b < 8; b++) {
                number = number << 8 | room.raw.bytes[8 * i + b];
            }
            in_order = in_order && number == next;
            next++;
        }
        raw_drop(&room.raw, 8 * whole);
    }
    ck_assert(in_order);
    /* And the connection still serves. */
    raw_send_text(&room.raw, "GET /hello HTTP/1.1\r\nHost: here\r\n\r\n");
    WORLD_WAIT(&room.world, raw_ends_with(&room.raw, "hello, world"));

    room_destroy(&room);
}
END_TEST

START_TEST(closing_the_server_lets_answers_out)
{
    struct room room;
    struct reason reason;
    room_init(&room);
    uint16_t port = http_server_port(room.server);
    const struct http_config config = {
        .address = "127.0.0.1", .port = port, .owner = &room.desk, .on_request = serve
    };
    ck_assert_ptr_null(http_listen(room.world.host, &config, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "address already in use"));

    raw_send_text(&room.raw, "GET /large HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    WORLD_WAIT(&room.world, room.desk.request_count == 1);
    http_server_close(room.server);
    size_t total = 0;
    while (!room.raw.ended) {
        WORLD_WAIT(&room.world, raw_pump(&room.raw) && (room.raw.ended || room.raw.size > 0));
        total += room.raw.size;
        room.raw.size = 0;
    }
    ck_assert_uint_gt(total, LARGE_SIZE);
    ck_assert_ptr_nonnull(http_listen(room.world.host, &config, &reason));

    room_destroy(&room);
}
END_TEST

START_TEST(requests_in_a_row_are_all_answered)
{
    struct room room;
    room_init(&room);

    raw_send_text(&room.raw, "GET /hello HTTP/1.1\r\nHost: here\r\n\r\n"
                             "GET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n"
                             "GET /hello HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    WORLD_WAIT(&room.world, raw_pump(&room.raw) && room.raw.ended);
    ck_assert_uint_eq(room.desk.request_count, 3);
    ck_assert(raw_has(&room.raw, "HTTP/1.1 404 "));
    ck_assert(raw_ends_with(&room.raw, "hello, world"));

    room_destroy(&room);
}
END_TEST

static const struct phrase_case {
    uint16_t status;
    const char *phrase;
} phrase_cases[] = {
    { 200, "OK" },
    { 405, "Method Not Allowed" },
    { 504, "Gateway Timeout" },
    { 299, "Unknown" },
};

START_TEST(status_has_its_phrase)
{
    const struct phrase_case *c = &phrase_cases[_i];
    ck_assert_str_eq(http_reply_phrase(c->status), c->phrase);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http");
    TCase *tcase = tcase_create("http");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, requests_are_answered, 0, (int)COUNT_OF(exchanges));
    tcase_add_test(tcase, connection_is_used_again);
    tcase_add_test(tcase, handler_sees_path_query_and_headers);
    tcase_add_test(tcase, long_header_is_refused);
    tcase_add_loop_test(tcase, body_arrives_whole, 0, (int)COUNT_OF(body_sizes));
    tcase_add_test(tcase, large_response_arrives_whole);
    tcase_add_test(tcase, closing_the_server_lets_answers_out);
    tcase_add_test(tcase, requests_in_a_row_are_all_answered);
    tcase_add_loop_test(tcase, status_has_its_phrase, 0, (int)COUNT_OF(phrase_cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
