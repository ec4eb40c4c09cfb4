/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire.c - our conversations with a cluster, as tests/golden/wire/ has them.
 *
 * A file is a list of messages, each going on over the lines that follow it:
 *     # said to the reader
 *     > {json}            we received this
 *     ! result key        and refused it so; without this line it must decode
 *     < {json}            our encoder makes this JSON value
 *
 * What we write comes from what we heard: an answer's `u`, an acknowledgement's operation and a response's request are those
 * of the message before; arguments and results are passed through; gossip with the id of the gossip before is that, passed
 * on. Only what is not known from there comes from the line itself.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#include "tests/support/check_failed.h"
#include "tests/support/wire_codec.h"

#define FOLDER    "tests/golden/wire"
#define FILES_MAX 64

/* One message and all that it decoded to. */
struct speech {
    struct wire wire;
    struct decoded decoded;
    struct span text;
    enum message_result result;
};

/* What was heard that later messages refer to. */
struct conversation {
    const char *name;
    unsigned line;
    struct speech heard; /* the last message */
    struct speech asked; /* the last with a `u` */
    struct speech call;  /* the last rpc-request */
    struct speech published;
    struct speech subscribed;
    struct speech said; /* what we are to write */
    bool refusal_is_due;
};

static struct conversation conversation;
static char *files[FILES_MAX];
static int file_count;

static struct speech *const speeches[] = { &conversation.heard, &conversation.asked,
    &conversation.call, &conversation.published, &conversation.subscribed, &conversation.said };

static void
start(void)
{
    conversation = (struct conversation){ .name = "" };
    for (size_t i = 0; i < COUNT_OF(speeches); i++) {
        wire_init(&speeches[i]->wire);
    }
}

static void
stop(void)
{
    for (size_t i = 0; i < COUNT_OF(speeches); i++) {
        ck_assert(wire_destroy(&speeches[i]->wire));
    }
}

static enum message_result
speech_set(struct speech *speech, struct span text)
{
    wire_reset(&speech->wire);
    speech->text = text;
    speech->result = wire_scan(&speech->wire, text);
    if (speech->result == MESSAGE_OK) {
        speech->result = wire_decode(&speech->wire, (struct wall){ 0 }, &speech->decoded);
    }
    return speech->result;
}

static bool
is_call(const struct speech *speech)
{
    return speech->wire.envelope.kind == ENVELOPE_FABRIC &&
           speech->decoded.fabric.kind == FABRIC_REQUEST;
}

/* Keep it where later messages look for it. */
static void
remember(const struct speech *heard)
{
    enum envelope_kind kind = heard->wire.envelope.kind;
    bool asks = kind != ENVELOPE_RESPONSE && heard->wire.envelope.u.size > 0;
    const struct {
        bool applies;
        struct speech *place;
    } places[] = {
        { asks, &conversation.asked },
        { is_call(heard), &conversation.call },
        { kind == ENVELOPE_PUBLISH, &conversation.published },
        { kind == ENVELOPE_SUBSCRIBE, &conversation.subscribed },
    };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        if (places[i].applies) {
            ck_assert_int_eq(speech_set(places[i].place, heard->text), MESSAGE_OK);
        }
    }
}

static void
hear(struct span text)
{
    struct speech *heard = &conversation.heard;
    conversation.refusal_is_due = speech_set(heard, text) != MESSAGE_OK;
    if (!conversation.refusal_is_due) {
        remember(heard);
    }
}

static void
expect_refusal(struct span text)
{
    char want[256];
    const struct speech *heard = &conversation.heard;
    snprintf(
        want, sizeof(want), "%s %s", message_result_name(heard->result), heard->wire.fault.key);
    size_t size = strlen(want);
    size -= size > 0 && want[size - 1] == ' ';
    ck_assert_msg(conversation.refusal_is_due, "%s:%u: it was understood", conversation.name,
        conversation.line);
    ck_assert_msg(span_equal(text, span_from(want, size)), "%s:%u: got %s, want %.*s",
        conversation.name, conversation.line, want, SPAN_ARGS(text));
    conversation.refusal_is_due = false;
}

static void
say_gossip(struct buf *out)
{
    const struct speech *said = &conversation.said;
    const struct speech *heard = &conversation.heard;
    const struct gossip *gossip = &said->decoded.gossip;
    const struct gossip *before = &heard->decoded.gossip;
    bool passed_on = heard->wire.envelope.kind == ENVELOPE_GOSSIP &&
                     span_equal(before->message_id, gossip->message_id);
    if (passed_on) {
        ck_assert(gossip_may_travel(before, gossip->sender_id, before->created_at));
        gossip_encode_passed_on(out, &heard->wire.envelope, before, gossip->sender_id);
        return;
    }
    const struct gossip_header header = {
        .message_id = gossip->message_id,
        .type_text = gossip->type_text,
        .sender_id = gossip->sender_id,
        .sequence_number = gossip->sequence_number,
        .travels = gossip->ttl > 0,
        .now = gossip->created_at,
    };
    ck_assert_int_eq(gossip->type, GOSSIP_CATALOG_UPDATE);
    gossip_encode_begin(out, &header);
    delta_encode(out, &said->decoded.delta);
    gossip_encode_end(out, &header);
}

static void
say_request(struct buf *out, struct mem *mem)
{
    struct fabric_request request = conversation.said.decoded.fabric.request;
    const struct fabric_request *call = &conversation.call.decoded.fabric.request;
    if (span_equal(request.request_id, call->request_id)) {
        request.args = call->args;
        request.kwargs = call->kwargs;
        request.resources = call->resources;
        request.reply_to = call->reply_to;
    }
    wire_join_request(out, mem, &request, wire_fabric_time(&conversation.said.wire));
}

static void
say_response(struct buf *out, struct mem *mem)
{
    struct fabric_response response = conversation.said.decoded.fabric.response;
    const struct fabric_request *call = &conversation.call.decoded.fabric.request;
    const struct fabric *heard = &conversation.heard.decoded.fabric;
    response.request_id = call->request_id;
    response.headers.correlation_id = call->request_id;
    response.headers.target_cluster = call->headers.source_cluster;
    response.reply_to = call->reply_to;
    response.reply_cluster = call->headers.source_cluster;
    if (conversation.heard.wire.envelope.kind == ENVELOPE_FABRIC &&
        heard->kind == FABRIC_RESPONSE) {
        response.success = heard->response.success;
        response.result = heard->response.result;
        response.error = heard->response.error;
    }
    wire_join_response(out, mem, &response, wire_fabric_time(&conversation.said.wire));
}

static void
say_answer(struct buf *out)
{
    const struct answer *answer = &conversation.said.decoded.answer;
    struct span u = conversation.asked.wire.envelope.u;
    if (answer->failed) {
        answer_encode_error(
            out, answer->error_code, answer->error_message, answer->error_details, u);
    } else {
        answer_encode(out, answer->r, u);
    }
}

static void
say_notice(struct buf *out)
{
    const struct pubsub_publish *published = &conversation.published.decoded.publish;
    const struct pubsub_subscribe *subscribed = &conversation.subscribed.decoded.subscribe;
    if (span_is(conversation.said.wire.envelope.role, "pubsub-ack")) {
        pubsub_ack_encode(out, true, SPAN_NONE, conversation.asked.wire.envelope.u);
        return;
    }
    bool matches = false;
    for (uint32_t i = 0; i < subscribed->patterns.count; i++) {
        matches = matches || pubsub_topic_matches(subscribed->patterns.items[i], published->topic,
                                 subscribed->pattern_exact[i]);
    }
    ck_assert_msg(
        matches, "%s:%u: the subscription does not match", conversation.name, conversation.line);
    pubsub_notification_encode(
        out, published->message, published->message_id, subscribed->subscription_id);
}

/* Write what the conversation asks for; false: such a message we do not write. */
static bool
say(struct buf *out, struct mem *mem)
{
    struct speech *said = &conversation.said;
    uint32_t count = 0;
    const struct function_identity *catalog = NULL;
    switch (said->wire.envelope.kind) {
    case ENVELOPE_STATUS:
        catalog = wire_function_catalog(&said->wire, &count);
        status_encode(out, &said->decoded.status, catalog, count, said->wire.envelope.u);
        return true;
    case ENVELOPE_GOODBYE:
        goodbye_encode(out, &said->decoded.goodbye, said->wire.envelope.u);
        return true;
    case ENVELOPE_RPC:
        rpc_encode(out, &said->decoded.rpc.commands[0], said->decoded.rpc.u);
        return true;
    case ENVELOPE_GOSSIP:
        say_gossip(out);
        return true;
    case ENVELOPE_FABRIC:
        if (is_call(said)) {
            say_request(out, mem);
        } else {
            say_response(out, mem);
        }
        return true;
    case ENVELOPE_RESPONSE:
        say_answer(out);
        return true;
    case ENVELOPE_NOTICE:
        say_notice(out);
        return true;
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_OTHER_ROLE:
        return false;
    }
    return false;
}

static void
speak(struct span text)
{
    struct speech *said = &conversation.said;
    struct buf *out = &said->wire.out;
    ck_assert_msg(speech_set(said, text) == MESSAGE_OK, "%s:%u: %s %s", conversation.name,
        conversation.line, message_result_name(said->result), said->wire.fault.key);
    ck_assert_msg(
        say(out, &said->wire.mem), "%s:%u: no encoder", conversation.name, conversation.line);
    ck_assert(!out->overflowed);
    json_t *want = json_loadb((const char *)text.data, text.size, 0, NULL);
    json_t *got = json_loadb((const char *)out->data, out->size, 0, NULL);
    ck_assert_msg(got != NULL && json_equal(got, want), "%s:%u:\ngot  %.*s\nwant %.*s",
        conversation.name, conversation.line, SPAN_ARGS(buf_span(out)), SPAN_ARGS(text));
    json_decref(want);
    json_decref(got);
}

static void
play_item(struct span item)
{
    struct span text = span_after(item, 1);
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\n')) {
        text = span_after(text, 1);
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\n')) {
        text = span_part(text, 0, text.size - 1);
    }
    bool refusal = item.data[0] == '!';
    ck_assert_msg(refusal || !conversation.refusal_is_due, "%s:%u: refused before: %s %s",
        conversation.name, conversation.line, message_result_name(conversation.heard.result),
        conversation.heard.wire.fault.key);
    if (refusal) {
        expect_refusal(text);
    } else if (item.data[0] == '>') {
        hear(text);
    } else {
        speak(text);
    }
}

/* Up to the next line that begins an item, or a remark, or nothing. */
static size_t
item_size(struct span rest)
{
    size_t size = span_find(rest, '\n');
    while (size < rest.size) {
        size++;
        if (size == rest.size || rest.data[size] != ' ') {
            break;
        }
        size += span_find(span_after(rest, size), '\n');
    }
    return size;
}

static void
play(struct span rest)
{
    conversation.line = 1;
    while (rest.size > 0) {
        struct span item = span_part(rest, 0, item_size(rest));
        if (item.data[0] == '>' || item.data[0] == '<' || item.data[0] == '!') {
            play_item(item);
        } else {
            ck_assert_msg(item.data[0] == '#' || item.data[0] == '\n', "%s:%u: what is this?",
                conversation.name, conversation.line);
        }
        for (size_t i = 0; i < item.size; i++) {
            conversation.line += item.data[i] == '\n';
        }
        rest = span_after(rest, item.size);
    }
    ck_assert_msg(!conversation.refusal_is_due, "%s: the last message was refused: %s %s",
        conversation.name, message_result_name(conversation.heard.result),
        conversation.heard.wire.fault.key);
}

START_TEST(conversation_goes_as_written)
{
    static char text[256 * 1024];
    char path[512];
    conversation.name = files[_i];
    snprintf(path, sizeof(path), "%s/%s", FOLDER, files[_i]);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: cannot be opened", path);
    size_t size = fread(text, 1, sizeof(text), file);
    fclose(file);
    ck_assert_uint_lt(size, sizeof(text));
    play(span_from(text, size));
}
END_TEST

static int
is_conversation(const struct dirent *entry)
{
    const char *suffix = strrchr(entry->d_name, '.');
    return suffix != NULL && strcmp(suffix, ".txt") == 0;
}

static void
find_files(void)
{
    struct dirent **entries = NULL;
    int count = scandir(FOLDER, &entries, is_conversation, alphasort);
    CHECK(count <= FILES_MAX);
    for (int i = 0; i < count; i++) {
        files[file_count++] = strdup(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

int
main(void)
{
    find_files();
    if (file_count == 0) {
        fputs(FOLDER ": no conversations; run this from the root of the tree\n", stderr);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, conversation_goes_as_written, 0, file_count);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (int i = 0; i < file_count; i++) {
        free(files[i]);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
