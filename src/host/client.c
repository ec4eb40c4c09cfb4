/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - dial, ask, wait, and leave nothing behind on the loop.
 */
#include "host/client.h"

#include "core/envelope.h"

/* What a small program can spare: question, answer, and the copies on their way. */
#define CLIENT_MEMORY_MAX ((size_t)256 * 1024 * 1024)

struct client {
    const struct client_question *question;
    struct buf *answer;
    struct reason *reason;
    enum client_result result;
    bool done; /* the result stands */
    bool stopped;
    struct mem mem;
    uv_loop_t loop;
    uv_timer_t timer;
    struct ws_host *host;
};

const char *
client_result_name(enum client_result result)
{
    switch (result) {
    case CLIENT_OK:
        return "ok";
    case CLIENT_NOT_CONNECTED:
        return "not_connected";
    case CLIENT_CLOSED:
        return "closed";
    case CLIENT_TIMED_OUT:
        return "timed_out";
    case CLIENT_FAILED:
        return "failed";
    }
    return "unknown";
}

/* The first result stands; then everything is closed, and the loop ends. */
static void
finish(struct client *client, enum client_result result)
{
    if (!client->done) {
        client->done = true;
        client->result = result;
        uv_close((uv_handle_t *)&client->timer, NULL);
        ws_host_stop(client->host);
    }
}

/* ---- What the loop tells ---- */

static void
on_opened(void *owner, struct ws_conn *conn)
{
    struct client *client = owner;
    ws_send(conn, &client->question->message, 1);
}

static void
on_refused(void *owner, void *user, const char *reason)
{
    struct client *client = owner;
    (void)user;
    if (!client->done) {
        reason_set(client->reason, "%s", reason);
        finish(client, CLIENT_NOT_CONNECTED);
    }
}

static bool
is_answer(struct client *client, struct span message)
{
    struct json_tape tape;
    struct arena arena;
    struct envelope envelope;
    struct message_fault fault;
    json_tape_init(&tape, &client->mem);
    arena_init(&arena, &client->mem);
    struct message_scratch scratch = { .tape = &tape, .arena = &arena };
    bool ours = envelope_scan(message, &scratch, &envelope, &fault) == MESSAGE_OK &&
                envelope.kind == ENVELOPE_RESPONSE && span_equal(envelope.u, client->question->u);
    arena_destroy(&arena);
    json_tape_destroy(&tape);
    return ours;
}

static void
on_message(void *owner, struct ws_conn *conn, struct span message)
{
    struct client *client = owner;
    if (client->done || !is_answer(client, message)) {
        return;
    }
    buf_add(client->answer, message);
    ws_close(conn, WS_CODE_NORMAL, "");
    if (client->answer->overflowed) {
        reason_set(client->reason, "no memory for the answer of %zu bytes", message.size);
    }
    finish(client, client->answer->overflowed ? CLIENT_FAILED : CLIENT_OK);
}

static void
on_closed(void *owner, struct ws_conn *conn, uint16_t code, const char *reason)
{
    struct client *client = owner;
    (void)conn;
    if (!client->done) {
        reason_set(client->reason, "the node closed the connection (%u%s%s)", (unsigned)code,
            reason[0] == '\0' ? "" : ": ", reason);
        finish(client, CLIENT_CLOSED);
    }
}

static void
on_timeout(uv_timer_t *timer)
{
    struct client *client = timer->data;
    reason_set(client->reason, "no answer within the time");
    finish(client, CLIENT_TIMED_OUT);
}

static void
on_stopped(void *owner)
{
    struct client *client = owner;
    client->stopped = true;
}

/* ---- The way there and back ---- */

static bool
dial(struct client *client)
{
    const struct client_question *question = client->question;
    const struct ws_dialer_config config = {
        .tls = question->url->secure ? question->tls : NULL,
        .events = { .owner = client,
            .on_opened = on_opened,
            .on_refused = on_refused,
            .on_message = on_message,
            .on_closed = on_closed },
    };
    const struct ws_dial_config target = {
        .host = question->url->address.host,
        .port = question->url->address.port,
        .timeout_ns = question->timeout_ns,
    };
    struct ws_dialer *dialer = ws_dialer_open(client->host, &config, client->reason);
    if (dialer == NULL) {
        return false;
    }
    if (ws_dial(dialer, &target) == NULL) {
        reason_set(client->reason, "no memory for a connection");
        return false;
    }
    return true;
}

static void
converse(struct client *client)
{
    uint64_t timeout_ms = client->question->timeout_ns / MS_NS;
    CHECK(uv_timer_init(&client->loop, &client->timer) == 0);
    client->timer.data = client;
    (void)uv_timer_start(&client->timer, on_timeout, timeout_ms == 0 ? 1 : timeout_ms, 0);
    if (!dial(client)) {
        finish(client, CLIENT_FAILED);
    }
    while (uv_run(&client->loop, UV_RUN_DEFAULT) != 0) {
        continue;
    }
    CHECK(client->done);
    CHECK(client->stopped);
}

enum client_result
client_ask(const struct client_question *question, struct buf *answer, struct reason *reason)
{
    struct client client = {
        .question = question, .answer = answer, .reason = reason, .result = CLIENT_FAILED
    };
    reason_set(reason, "%s", "");
    mem_init(&client.mem, CLIENT_MEMORY_MAX);
    if (uv_loop_init(&client.loop) != 0) {
        reason_set(reason, "the system has no room for an event loop");
        return CLIENT_FAILED;
    }
    const struct ws_host_config config = {
        .loop = &client.loop, .mem = &client.mem, .owner = &client, .on_stopped = on_stopped
    };
    client.host = ws_host_create(&config, reason);
    if (client.host != NULL) {
        converse(&client);
        ws_host_free(client.host);
    }
    CHECK(uv_loop_close(&client.loop) == 0);
    return client.result;
}
