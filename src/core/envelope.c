/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope.c - the outermost object: what a message is, and the plain answers.
 */
#include "core/envelope.h"

#include "core/json_write.h"
#include "core/message_fields.h"

static const struct {
    const char *role;
    enum envelope_kind kind;
} roles[] = {
    { "server", ENVELOPE_STATUS }, /* or a GOODBYE: `what` tells */
    { "rpc", ENVELOPE_RPC },
    { "fabric-gossip", ENVELOPE_GOSSIP },
    { "fabric-message", ENVELOPE_FABRIC },
    { "pubsub-publish", ENVELOPE_PUBLISH },
    { "pubsub-subscribe", ENVELOPE_SUBSCRIBE },
    { "pubsub-unsubscribe", ENVELOPE_UNSUBSCRIBE },
    { "consensus-proposal", ENVELOPE_CONSENSUS },
    { "consensus-vote", ENVELOPE_CONSENSUS },
    { "pubsub-ack", ENVELOPE_NOTICE },
    { "pubsub-notification", ENVELOPE_NOTICE },
};

const char *
envelope_kind_name(enum envelope_kind kind)
{
    switch (kind) {
    case ENVELOPE_STATUS:
        return "status";
    case ENVELOPE_GOODBYE:
        return "goodbye";
    case ENVELOPE_RPC:
        return "rpc";
    case ENVELOPE_GOSSIP:
        return "gossip";
    case ENVELOPE_FABRIC:
        return "fabric";
    case ENVELOPE_PUBLISH:
        return "publish";
    case ENVELOPE_SUBSCRIBE:
        return "subscribe";
    case ENVELOPE_UNSUBSCRIBE:
        return "unsubscribe";
    case ENVELOPE_CONSENSUS:
        return "consensus";
    case ENVELOPE_NOTICE:
        return "notice";
    case ENVELOPE_RESPONSE:
        return "response";
    case ENVELOPE_OTHER_ROLE:
        return "other_role";
    }
    return "unknown";
}

/* Tokens of the members that tell what a message is; 0 when absent. */
struct head {
    uint32_t role;
    uint32_t r;
    uint32_t error;
    uint32_t u;
    uint32_t server;
    uint32_t payload;
};

/* Index the document. */
static enum message_result
scan(struct span message, struct message_scratch *scratch, struct json_doc *doc,
    struct message_fault *fault)
{
    const struct span opaque[] = { SPAN("args"), SPAN("kwargs"), SPAN("result"), SPAN("r"),
        SPAN("rpc_summary"), SPAN("rpc_spec") };
    enum message_result result = MESSAGE_OK;
    switch (json_scan(message, opaque, COUNT_OF(opaque), scratch->tape, doc, NULL)) {
    case JSON_OK:
        return MESSAGE_OK;
    case JSON_SYNTAX:
    case JSON_BAD_UTF8:
    case JSON_BAD_ESCAPE:
    case JSON_TOO_DEEP:
        result = MESSAGE_NOT_JSON;
        break;
    case JSON_TOO_MANY:
        result = MESSAGE_TOO_LARGE;
        break;
    case JSON_NO_MEMORY:
        result = MESSAGE_NO_MEMORY;
        break;
    }
    *fault = (struct message_fault){ .result = result, .key = "" };
    return result;
}

static enum message_result
read_head(const struct message_reader *reader, struct head *head)
{
    const struct field fields[] = {
        { FIELD_TOKEN("role", &head->role) },
        { FIELD_TOKEN("r", &head->r) },
        { FIELD_TOKEN("error", &head->error) },
        { FIELD_TOKEN("u", &head->u) },
        { FIELD_TOKEN("server", &head->server) },
        { FIELD_TOKEN("payload", &head->payload) },
    };
    return message_read(reader, 0, "", fields, COUNT_OF(fields));
}

static bool
has_value(const struct json_doc *doc, uint32_t value)
{
    return value != 0 && json_kind_of(doc, value) != JSON_KIND_NULL;
}

/*
 * What cannot be a request and looks like an answer is one: an error that was answered with an error would go back and
 * forth for ever.
 */
static bool
is_answer(const struct json_doc *doc, const struct head *head)
{
    return head->r != 0 || (!has_value(doc, head->role) && has_value(doc, head->error));
}

/* The role that the reference would name in its complaint; it prints None for none. */
static enum message_result
read_other_role(const struct message_reader *reader, uint32_t value, struct span *role)
{
    if (!has_value(reader->doc, value)) {
        *role = SPAN("None");
        return MESSAGE_OK;
    }
    if (json_kind_of(reader->doc, value) == JSON_KIND_STRING) {
        return message_read_text(reader, value, "role", role);
    }
    struct span raw = json_raw(reader->doc, value);
    if (raw.size > NAME_SIZE_MAX) {
        return message_refuse(reader, MESSAGE_TOO_LARGE, "role");
    }
    *role = raw;
    return MESSAGE_OK;
}

/* Kind and role. GOODBYE is still called STATUS. */
static enum message_result
classify(const struct message_reader *reader, const struct head *head, struct envelope *envelope)
{
    for (size_t i = 0; i < COUNT_OF(roles) && head->role != 0; i++) {
        struct span role = span_from_text(roles[i].role);
        if (json_text_is(reader->doc, head->role, role)) {
            envelope->kind = roles[i].kind;
            envelope->role = role;
            return MESSAGE_OK;
        }
    }
    if (is_answer(reader->doc, head)) {
        envelope->kind = ENVELOPE_RESPONSE;
        return MESSAGE_OK;
    }
    envelope->kind = ENVELOPE_OTHER_ROLE;
    return read_other_role(reader, head->role, &envelope->role);
}

/* Whether the reference reads `u` of this kind, so that it must be a string if it is there. */
static bool
uses_u(enum envelope_kind kind)
{
    switch (kind) {
    case ENVELOPE_STATUS:
    case ENVELOPE_GOODBYE:
    case ENVELOPE_RPC:
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_OTHER_ROLE:
        return true;
    case ENVELOPE_GOSSIP:
    case ENVELOPE_FABRIC:
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_RESPONSE:
        return false;
    }
    return false;
}

static enum message_result
read_u(const struct message_reader *reader, uint32_t value, struct envelope *envelope)
{
    if (!has_value(reader->doc, value)) {
        return envelope->kind == ENVELOPE_STATUS ? message_refuse(reader, MESSAGE_MISSING, "u")
                                                 : MESSAGE_OK;
    }
    if (uses_u(envelope->kind)) {
        return message_read_text(reader, value, "u", &envelope->u);
    }
    if (json_kind_of(reader->doc, value) == JSON_KIND_STRING) {
        envelope->u = json_read_text(reader->doc, value, reader->arena);
        return envelope->u.data != NULL ? MESSAGE_OK
                                        : message_refuse(reader, MESSAGE_NO_MEMORY, "u");
    }
    return MESSAGE_OK;
}

/* The object that the decoder of the kind works on. */
static enum message_result
read_body(
    const struct message_reader *reader, uint32_t value, const char *key, struct envelope *envelope)
{
    if (!has_value(reader->doc, value)) {
        return message_refuse(reader, MESSAGE_MISSING, key);
    }
    if (json_kind_of(reader->doc, value) != JSON_KIND_OBJECT) {
        return message_refuse(reader, MESSAGE_NOT_OBJECT, key);
    }
    envelope->body = value;
    return MESSAGE_OK;
}

static enum message_result
read_what(const struct message_reader *reader, struct envelope *envelope)
{
    struct span what = SPAN("STATUS");
    const struct field fields[] = { { FIELD_TEXT("what", &what) } };
    enum message_result result =
        message_read(reader, envelope->body, "server", fields, COUNT_OF(fields));
    if (result != MESSAGE_OK) {
        return result;
    }
    bool goodbye = span_is(what, "GOODBYE");
    if (!goodbye && !span_is(what, "STATUS")) {
        return message_refuse(reader, MESSAGE_BAD_VALUE, "what");
    }
    envelope->kind = goodbye ? ENVELOPE_GOODBYE : ENVELOPE_STATUS;
    return MESSAGE_OK;
}

enum message_result
envelope_scan(struct span message, struct message_scratch *scratch, struct envelope *envelope,
    struct message_fault *fault)
{
    struct envelope found = { .body = 0 };
    struct head head = { .role = 0 };
    enum message_result result = scan(message, scratch, &found.doc, fault);
    if (result != MESSAGE_OK) {
        return result;
    }
    struct message_reader reader = { &found.doc, scratch->arena, fault };
    result = read_head(&reader, &head);
    if (result == MESSAGE_OK) {
        result = classify(&reader, &head, &found);
    }
    if (result == MESSAGE_OK && found.kind == ENVELOPE_STATUS) {
        result = read_body(&reader, head.server, "server", &found);
    } else if (result == MESSAGE_OK &&
               (found.kind == ENVELOPE_GOSSIP || found.kind == ENVELOPE_FABRIC)) {
        result = read_body(&reader, head.payload, "payload", &found);
    }
    if (result == MESSAGE_OK) {
        result = read_u(&reader, head.u, &found);
    }
    if (result == MESSAGE_OK && found.kind == ENVELOPE_STATUS) {
        result = read_what(&reader, &found);
    }
    if (result == MESSAGE_OK) {
        *envelope = found;
    }
    return result;
}

enum message_result
answer_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct answer *answer, struct message_fault *fault)
{
    uint32_t error = 0;
    struct span details = SPAN_NONE;
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_RAW("r", &answer->r) },
        { FIELD_OBJECT("error", &error) },
    };
    const struct field error_fields[] = {
        { FIELD_INTEGER("code", &answer->error_code) },
        { FIELD_PROSE("message", &answer->error_message) },
        { FIELD_RAW("details", &details) },
    };
    CHECK(envelope->kind == ENVELOPE_RESPONSE);
    *answer = (struct answer){ .u = envelope->u };
    enum message_result result = message_read(&reader, 0, "", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK && error != 0) {
        answer->failed = true;
        result = message_read(&reader, error, "error", error_fields, COUNT_OF(error_fields));
    }
    if (result == MESSAGE_OK && !span_is(details, "null")) {
        answer->error_details = details;
    }
    return result;
}

/* What stands behind `error` in every answer. */
static void
encode_answer_end(struct json_writer *writer, struct span u)
{
    json_write_key(writer, "u");
    json_write_string(writer, u);
    json_write_key(writer, "intermediate_results");
    json_begin_array(writer);
    json_end_array(writer);
    json_write_key(writer, "execution_summary");
    json_write_null(writer);
    json_end_object(writer);
}

void
answer_encode(struct buf *out, struct span r, struct span u)
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "r");
    json_write_raw(&writer, r);
    json_write_key(&writer, "error");
    json_write_null(&writer);
    encode_answer_end(&writer, u);
}

void
answer_encode_error(
    struct buf *out, int64_t code, struct span message, struct span details, struct span u)
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "r");
    json_write_null(&writer);
    json_write_key(&writer, "error");
    json_begin_object(&writer);
    json_write_key(&writer, "code");
    json_write_i64(&writer, code);
    json_write_key(&writer, "message");
    json_write_string(&writer, message);
    json_write_key(&writer, "details");
    json_write_raw(&writer, details.size == 0 ? SPAN("null") : details);
    json_end_object(&writer);
    encode_answer_end(&writer, u);
}
