/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_transcripts.c - recorded conversations of real servers, message by message.
 *
 * The folder is named by MPREG_TRANSCRIPTS: *.jsonl, one object a line with conn, dir, frame and msg. Each message is put
 * back into JSON text and decoded. Two claims:
 *
 * 1. It decodes; or it is refused and the real server was done with the connection too (nothing else was recorded on it), or
 *    it is a fabric message, which real servers drop and go on.
 * 2. What a real server wrote and we can write comes out of our encoder as the same JSON value, except:
 *      STATUS              metrics: only the four counters; the rest are subsystems that we do not have
 *      catalog_update      topics, queues, services, caches, cache_profiles and their removals: always empty of us
 *      gossip passed on    digest, checksum: nobody verifies them; sender_id, ttl, hop_count, propagation_path: as passed on
 *      rpc-request         federation_remaining_hops: null of us
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#include "tests/support/check_failed.h"
#include "tests/support/wire_codec.h"

#define TRANSCRIPTS_MAX 256
#define LINES_MAX       8192
#define KINDS           (ENVELOPE_OTHER_ROLE + 1)

static const char *folder;

/* One file, loaded whole: what happened on a connection later matters. */
struct transcript {
    char name[256];
    json_t *lines[LINES_MAX];
    size_t count;
};

static struct transcript transcript;
static struct wire wire;
static struct decoded decoded;

static unsigned counts[KINDS];
static unsigned refused_count;
static unsigned compared_count;
static unsigned failed_count;

/* A failure says where, and the rest goes on: one run shows all of them. */
static void
report(size_t line, const char *what, const char *got, const char *want)
{
    failed_count++;
    printf(
        "%s:%zu: %s\n  got  %.600s\n  want %.600s\n", transcript.name, line + 1, what, got, want);
}

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void
load(const char *name)
{
    char path[4096];
    char *line = NULL;
    size_t room = 0;
    ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", folder, name), (int)sizeof(path));
    snprintf(transcript.name, sizeof(transcript.name), "%s", name);
    transcript.count = 0;
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: cannot be opened", path);
    while (getline(&line, &room, file) > 0) {
        json_error_t error;
        ck_assert_uint_lt(transcript.count, LINES_MAX);
        json_t *object = json_loads(line, 0, &error);
        ck_assert_msg(object != NULL, "%s:%zu: %s", path, transcript.count + 1, error.text);
        transcript.lines[transcript.count++] = object;
    }
    free(line);
    fclose(file);
}

static void
unload(void)
{
    for (size_t i = 0; i < transcript.count; i++) {
        json_decref(transcript.lines[i]);
    }
}

/* The message as it went over the wire, to be freed. The recorder wrote what was no JSON as {"_undecodable":"b'...'"}. */
static char *
message_text(const json_t *line)
{
    const json_t *message = json_object_get(line, "msg");
    const json_t *raw = json_object_get(message, "_undecodable");
    if (raw == NULL) {
        return json_dumps(message, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    }
    char *text = strdup(json_string_value(raw) + strlen("b'"));
    ck_assert_ptr_nonnull(text);
    text[strlen(text) - 1] = '\0';
    return text;
}

static bool
is_message(const json_t *line)
{
    /* A failed sending shows no message but the error. */
    return strcmp(text_of(line, "dir"), "note") != 0 &&
           strcmp(text_of(line, "frame"), "send-failed") != 0;
}

/* Whether a message went over the connection of this line later. */
static bool
goes_on(size_t index)
{
    const char *conn = text_of(transcript.lines[index], "conn");
    for (size_t i = index + 1; i < transcript.count; i++) {
        const json_t *line = transcript.lines[i];
        if (is_message(line) && strcmp(text_of(line, "conn"), conn) == 0) {
            return true;
        }
    }
    return false;
}

static void
judge_refusal(size_t index, const char *text)
{
    bool fabric = strstr(text, "\"role\":\"fabric-message\"") != NULL;
    bool server_closed = !goes_on(index);
    const char *what = fabric ? "dropped there too" : "closed there too";
    refused_count++;
    printf("refused: %s:%zu: %s %s (%s): %.100s\n", transcript.name, index + 1,
        message_result_name(wire.fault.result), wire.fault.key,
        fabric || server_closed ? what : "the real server went on", text);
    if (!fabric && !server_closed) {
        report(index, "refused, but the real server went on", wire.fault.key, text);
    }
}

/* Compares what is in wire.out; takes `want`. */
static void
compare(size_t index, const char *what, json_t *want)
{
    json_t *got = json_loadb((const char *)wire.out.data, wire.out.size, JSON_DECODE_ANY, NULL);
    compared_count++;
    if (got == NULL || !json_equal(got, want)) {
        char *want_text = json_dumps(want, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
        char *got_text =
            got == NULL ? strdup("no JSON") : json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS);
        report(index, what, got_text, want_text);
        free(want_text);
        free(got_text);
    }
    json_decref(got);
    json_decref(want);
    buf_reset(&wire.out);
}

static void
compare_status(size_t index, const json_t *message)
{
    static const char *const counters[] = { "messages_processed", "rpc_responses_skipped",
        "server_messages", "other_messages" };
    json_t *want = json_deep_copy(message);
    json_t *server = json_object_get(want, "server");
    json_t *metrics = json_object();
    for (size_t i = 0; i < COUNT_OF(counters); i++) {
        json_t *value = json_object_get(json_object_get(server, "metrics"), counters[i]);
        json_object_set(metrics, counters[i], value);
    }
    json_object_set_new(server, "metrics", metrics);

    uint32_t count = 0;
    const struct function_identity *catalog = wire_function_catalog(&wire, &count);
    status_encode(&wire.out, &decoded.status, catalog, count, wire.envelope.u);
    compare(index, "STATUS", want);
}

static void
compare_delta(size_t index, const json_t *message)
{
    static const char *const foreign[] = { "topics", "topic_removals", "queues", "queue_removals",
        "services", "service_removals", "caches", "cache_removals", "cache_profiles",
        "cache_profile_removals" };
    const json_t *gossip = json_object_get(message, "payload");
    json_t *want = json_deep_copy(json_object_get(gossip, "payload"));
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        json_object_set_new(want, foreign[i], json_array());
    }
    delta_encode(&wire.out, &decoded.delta);
    compare(index, "catalog_update", want);
}

static void
compare_passed_on(size_t index, const json_t *message)
{
    const struct span own_url = SPAN("ws://own:1");
    json_t *want = json_deep_copy(message);
    json_t *gossip = json_object_get(want, "payload");
    json_object_del(gossip, "digest");
    json_object_del(gossip, "checksum");
    json_object_set_new(gossip, "sender_id", json_string("ws://own:1"));
    json_object_set_new(gossip, "ttl", json_integer(decoded.gossip.ttl - 1));
    json_object_set_new(gossip, "hop_count", json_integer(decoded.gossip.hop_count + 1));
    json_array_append_new(json_object_get(gossip, "propagation_path"), json_string("ws://own:1"));
    gossip_encode_passed_on(&wire.out, &wire.envelope, &decoded.gossip, own_url);
    compare(index, "gossip passed on", want);
}

static void
compare_fabric(size_t index, const json_t *message)
{
    json_t *want = json_deep_copy(message);
    json_t *payload = json_object_get(json_object_get(want, "payload"), "payload");
    switch (decoded.fabric.kind) {
    case FABRIC_REQUEST:
        json_object_set_new(payload, "federation_remaining_hops", json_null());
        wire_join_request(&wire.out, &wire.mem, &decoded.fabric.request, wire_fabric_time(&wire));
        compare(index, "rpc-request", want);
        break;
    case FABRIC_RESPONSE:
        wire_join_response(&wire.out, &wire.mem, &decoded.fabric.response, wire_fabric_time(&wire));
        compare(index, "rpc-response", want);
        break;
    case FABRIC_OTHER:
        json_decref(want);
        break;
    }
}

/* Whether our client would write this request so: one command named as its function, nothing special wanted. */
static bool
is_plain_request(const json_t *message)
{
    const struct rpc_request *rpc = &decoded.rpc;
    return json_object_size(message) == 7 && rpc->command_count == 1 &&
           span_equal(rpc->commands[0].name, rpc->commands[0].function) &&
           !rpc->return_intermediate_results && !rpc->include_execution_summary &&
           json_is_null(json_object_get(message, "intermediate_result_callback_topic")) &&
           json_is_false(json_object_get(message, "debug_mode"));
}

static void
compare_answer(size_t index, const json_t *message)
{
    const struct answer *answer = &decoded.answer;
    if (json_array_size(json_object_get(message, "intermediate_results")) > 0 ||
        !json_is_null(json_object_get(message, "execution_summary"))) {
        return;
    }
    if (answer->failed) {
        answer_encode_error(
            &wire.out, answer->error_code, answer->error_message, answer->error_details, answer->u);
    } else {
        answer_encode(&wire.out, answer->r, answer->u);
    }
    compare(index, "answer", json_deep_copy(message));
}

static void
compare_encoded(size_t index)
{
    const json_t *line = transcript.lines[index];
    const json_t *message = json_object_get(line, "msg");
    bool by_server = strcmp(text_of(line, "dir"), "mpreg->peer") == 0;
    if (wire.envelope.kind == ENVELOPE_RPC && is_plain_request(message)) {
        rpc_encode(&wire.out, &decoded.rpc.commands[0], decoded.rpc.u);
        compare(index, "rpc", json_deep_copy(message));
    } else if (by_server && wire.envelope.kind == ENVELOPE_STATUS) {
        compare_status(index, message);
    } else if (by_server && wire.envelope.kind == ENVELOPE_GOSSIP) {
        compare_passed_on(index, message);
        if (decoded.gossip.type == GOSSIP_CATALOG_UPDATE) {
            compare_delta(index, message);
        }
    } else if (by_server && wire.envelope.kind == ENVELOPE_FABRIC) {
        compare_fabric(index, message);
    } else if (by_server && wire.envelope.kind == ENVELOPE_RESPONSE) {
        compare_answer(index, message);
    } else if (wire.envelope.kind == ENVELOPE_GOODBYE && decoded.goodbye.timestamp.ns != 0) {
        goodbye_encode(&wire.out, &decoded.goodbye, wire.envelope.u);
        compare(index, "GOODBYE", json_deep_copy(message));
    }
}

static void
replay_message(size_t index)
{
    char *text = message_text(transcript.lines[index]);
    wire_reset(&wire);
    enum message_result result = wire_scan(&wire, span_from_text(text));
    if (result == MESSAGE_OK) {
        result = wire_decode(&wire, (struct wall){ 0 }, &decoded);
    }
    if (result == MESSAGE_OK) {
        counts[wire.envelope.kind]++;
        compare_encoded(index);
    } else {
        judge_refusal(index, text);
    }
    free(text);
}

static int
is_transcript(const struct dirent *entry)
{
    const char *suffix = strrchr(entry->d_name, '.');
    return suffix != NULL && strcmp(suffix, ".jsonl") == 0;
}

static void
print_counts(int transcript_count)
{
    printf("%d transcripts:", transcript_count);
    for (int kind = 0; kind < KINDS; kind++) {
        printf(" %u %s,", counts[kind], envelope_kind_name((enum envelope_kind)kind));
    }
    printf(" %u refused; %u encoded again and compared\n", refused_count, compared_count);
}

START_TEST(recorded_conversations_are_understood_and_spoken)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_transcript, alphasort);
    ck_assert_msg(count > 0, "%s: no transcripts", folder);
    wire_init(&wire);
    for (int i = 0; i < count; i++) {
        load(entries[i]->d_name);
        for (size_t line = 0; line < transcript.count; line++) {
            if (is_message(transcript.lines[line])) {
                replay_message(line);
            }
        }
        unload();
        free(entries[i]);
    }
    free(entries);
    ck_assert(wire_destroy(&wire));
    print_counts(count);
    ck_assert_msg(failed_count == 0, "%u messages differ", failed_count);
    ck_assert_uint_gt(counts[ENVELOPE_STATUS], 0);
    ck_assert_uint_gt(counts[ENVELOPE_GOSSIP], 0);
    ck_assert_uint_gt(counts[ENVELOPE_FABRIC], 0);
    ck_assert_uint_gt(counts[ENVELOPE_RPC], 0);
}
END_TEST

int
main(void)
{
    folder = getenv("MPREG_TRANSCRIPTS");
    if (folder == NULL) {
        puts("MPREG_TRANSCRIPTS is not set: recorded conversations are not replayed");
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("transcripts");
    TCase *tcase = tcase_create("transcripts");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, recorded_conversations_are_understood_and_spoken);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
