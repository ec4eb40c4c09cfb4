/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fabric.c - calls between servers (protocol.md 6).
 */
#include "core/fabric.h"

#include "core/delta.h"
#include "core/message_fields.h"

static enum message_result
read_headers(const struct message_reader *reader, uint32_t object, struct fabric_headers *headers)
{
    const struct field fields[] = {
        { FIELD_NAME("correlation_id", &headers->correlation_id), FIELD_REQUIRED },
        { FIELD_TEXT("source_cluster", &headers->source_cluster) },
        { FIELD_TEXT("target_cluster", &headers->target_cluster) },
        { FIELD_TEXTS("routing_path", &headers->routing_path, PATH_COUNT_MAX) },
        { FIELD_TEXTS("federation_path", &headers->federation_path, PATH_COUNT_MAX) },
        { FIELD_INTEGER("hop_budget", &headers->hop_budget), FIELD_SEEN(&headers->has_hop_budget) },
    };
    return message_read(reader, object, "headers", fields, COUNT_OF(fields));
}

static enum message_result
read_request(const struct message_reader *reader, uint32_t object, struct fabric_request *request)
{
    const struct field fields[] = {
        { FIELD_NAME("request_id", &request->request_id), FIELD_REQUIRED },
        { FIELD_NAME("command", &request->command), FIELD_REQUIRED },
        { FIELD_RAW_ARRAY("args", &request->args) },
        { FIELD_RAW_OBJECT("kwargs", &request->kwargs) },
        { FIELD_TEXTS("resources", &request->resources, LIST_COUNT_MAX) },
        { FIELD_TEXT("function_id", &request->function_id) },
        { FIELD_TEXT("version_constraint", &request->version_constraint) },
        { FIELD_TEXT("target_cluster", &request->target_cluster) },
        { FIELD_TEXT("target_node", &request->target_node) },
        { FIELD_TEXT("reply_to", &request->reply_to) },
    };
    struct version_constraint constraint;
    request->args = SPAN("[]");
    request->kwargs = SPAN("{}");
    enum message_result result = message_read(reader, object, "payload", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK &&
        !version_constraint_parse(request->version_constraint, &constraint)) {
        return message_refuse(reader, MESSAGE_BAD_VALUE, "version_constraint");
    }
    return result;
}

static enum message_result
read_response(
    const struct message_reader *reader, uint32_t object, struct fabric_response *response)
{
    const struct field fields[] = {
        { FIELD_NAME("request_id", &response->request_id), FIELD_REQUIRED },
        { FIELD_FLAG("success", &response->success) },
        { FIELD_RAW("result", &response->result) },
        { FIELD_RAW_OBJECT("error", &response->error) },
        { FIELD_TEXT("responder", &response->responder) },
        { FIELD_TEXT("reply_to", &response->reply_to) },
        { FIELD_TEXT("reply_cluster", &response->reply_cluster) },
        { FIELD_TEXTS("routing_path", &response->routing_path, PATH_COUNT_MAX) },
    };
    response->result = SPAN("null");
    return message_read(reader, object, "payload", fields, COUNT_OF(fields));
}

/* What the payload of a message of type rpc is. Queues and caches have payloads with kinds of their own. */
static enum message_result
read_kind(const struct message_reader *reader, uint32_t payload, enum fabric_kind *kind)
{
    struct span text = SPAN_NONE;
    const struct field fields[] = { { FIELD_TEXT("kind", &text) } };
    *kind = FABRIC_OTHER;
    if (payload == 0 || json_kind_of(reader->doc, payload) != JSON_KIND_OBJECT) {
        return MESSAGE_OK;
    }
    enum message_result result = message_read(reader, payload, "payload", fields, COUNT_OF(fields));
    if (span_is(text, "rpc-request")) {
        *kind = FABRIC_REQUEST;
    } else if (span_is(text, "rpc-response")) {
        *kind = FABRIC_RESPONSE;
    }
    return result;
}

enum message_result
fabric_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct fabric *fabric, struct message_fault *fault)
{
    uint32_t payload = 0;
    uint32_t headers_object = 0;
    struct span message_type = SPAN("data");
    struct fabric_headers headers = { .has_hop_budget = false };
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_NAME("message_id", &fabric->message_id), FIELD_REQUIRED },
        { FIELD_NAME("topic", &fabric->topic), FIELD_REQUIRED },
        { FIELD_TEXT("message_type", &message_type) },
        { FIELD_TOKEN("payload", &payload) },
        { FIELD_OBJECT("headers", &headers_object), FIELD_REQUIRED },
    };
    CHECK(envelope->kind == ENVELOPE_FABRIC);
    *fabric = (struct fabric){ .kind = FABRIC_OTHER };
    enum message_result result =
        message_read(&reader, envelope->body, "payload", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK) {
        result = read_headers(&reader, headers_object, &headers);
    }
    if (result == MESSAGE_OK && span_is(message_type, "rpc")) {
        result = read_kind(&reader, payload, &fabric->kind);
    }
    if (result != MESSAGE_OK) {
        return result;
    }
    switch (fabric->kind) {
    case FABRIC_REQUEST:
        fabric->request.headers = headers;
        return read_request(&reader, payload, &fabric->request);
    case FABRIC_RESPONSE:
        fabric->response.headers = headers;
        return read_response(&reader, payload, &fabric->response);
    case FABRIC_OTHER:
        return MESSAGE_OK;
    }
    return result;
}

/* {"role":"fabric-message","payload":{ and what is outside the payload, up to the payload's own brace. */
static struct json_writer
begin_message(struct buf *out, struct span message_id, const struct span topic[2])
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, "fabric-message");
    json_write_key(&writer, "payload");
    json_begin_object(&writer);
    message_write_text(&writer, "message_id", message_id);
    json_write_key(&writer, "topic");
    message_write_joined(&writer, topic, 2);
    json_write_key(&writer, "message_type");
    json_write_text(&writer, "rpc");
    json_write_key(&writer, "delivery");
    json_write_text(&writer, "at_least_once");
    json_write_key(&writer, "payload");
    json_begin_object(&writer);
    return writer;
}

/* From the end of the payload on. */
static void
end_message(struct json_writer *writer, const struct fabric_headers *headers, struct wall now)
{
    json_end_object(writer);
    json_write_key(writer, "headers");
    json_begin_object(writer);
    message_write_text(writer, "correlation_id", headers->correlation_id);
    message_write_optional(writer, "source_cluster", headers->source_cluster);
    message_write_optional(writer, "target_cluster", headers->target_cluster);
    message_write_list(writer, "routing_path", &headers->routing_path);
    message_write_list(writer, "federation_path", &headers->federation_path);
    json_write_key(writer, "hop_budget");
    if (headers->has_hop_budget) {
        json_write_i64(writer, headers->hop_budget);
    } else {
        json_write_null(writer);
    }
    json_write_key(writer, "priority");
    json_write_text(writer, "normal");
    json_write_key(writer, "metadata");
    json_begin_object(writer);
    json_end_object(writer);
    json_end_object(writer);
    json_write_key(writer, "timestamp");
    json_write_seconds(writer, now.ns);
    json_end_object(writer);
    json_end_object(writer);
}

/* The size of a piece that began at `start`. */
static size_t
piece_size(const struct buf *out, size_t start)
{
    return out->size - start;
}

void
fabric_request_encode(struct buf *out, const struct fabric_request *request, struct wall now,
    struct fabric_request_split *split)
{
    const struct span topic[] = { SPAN("mpreg.rpc.execute."), request->command };
    size_t start = out->size;
    struct json_writer writer = begin_message(out, request->request_id, topic);
    json_write_key(&writer, "kind");
    json_write_text(&writer, "rpc-request");
    message_write_text(&writer, "request_id", request->request_id);
    message_write_text(&writer, "command", request->command);
    json_write_key(&writer, "args");
    split->head_size = piece_size(out, start);

    start = out->size;
    writer.comma = true; /* behind the args, which somebody else puts there */
    json_write_key(&writer, "kwargs");
    split->middle_size = piece_size(out, start);

    start = out->size;
    writer.comma = true;
    message_write_list(&writer, "resources", &request->resources);
    message_write_optional(&writer, "function_id", request->function_id);
    message_write_optional(&writer, "version_constraint", request->version_constraint);
    message_write_optional(&writer, "target_cluster", request->target_cluster);
    message_write_optional(&writer, "target_node", request->target_node);
    message_write_text(&writer, "reply_to", request->reply_to);
    message_write_list(&writer, "federation_path", &request->headers.federation_path);
    json_write_key(&writer, "federation_remaining_hops");
    json_write_null(&writer);
    end_message(&writer, &request->headers, now);
    split->tail_size = piece_size(out, start);
}

static void
encode_error(struct json_writer *writer, struct span error)
{
    json_write_key(writer, "error");
    json_write_raw(writer, error.size == 0 ? SPAN("null") : error);
}

void
fabric_response_encode(struct buf *out, const struct fabric_response *response, struct wall now,
    struct fabric_response_split *split)
{
    const struct span topic[] = { SPAN("mpreg.rpc.response"), SPAN("") };
    size_t start = out->size;
    struct json_writer writer = begin_message(out, response->request_id, topic);
    json_write_key(&writer, "kind");
    json_write_text(&writer, "rpc-response");
    message_write_text(&writer, "request_id", response->request_id);
    json_write_key(&writer, "success");
    json_write_bool(&writer, response->success);
    json_write_key(&writer, "result");
    if (!response->success) {
        json_write_null(&writer);
        encode_error(&writer, response->error);
    }
    split->head_size = piece_size(out, start);

    start = out->size;
    writer.comma = true; /* behind the result */
    if (response->success) {
        encode_error(&writer, SPAN_NONE);
    }
    message_write_text(&writer, "responder", response->responder);
    message_write_text(&writer, "reply_to", response->reply_to);
    message_write_optional(&writer, "reply_cluster", response->reply_cluster);
    message_write_list(&writer, "routing_path", &response->routing_path);
    end_message(&writer, &response->headers, now);
    split->tail_size = piece_size(out, start);
}

void
fabric_error_encode(struct buf *out, struct span error, struct span command, struct span error_type)
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    message_write_text(&writer, "error", error);
    message_write_text(&writer, "command", command);
    message_write_text(&writer, "error_type", error_type);
    json_end_object(&writer);
}

int64_t
fabric_error_code(struct span error, struct json_tape *tape)
{
    struct json_doc doc;
    int64_t code = 0;
    uint32_t index = 0;
    const struct json_want want = { .key = SPAN("code"), .index = &index };
    bool found = json_scan(error, NULL, 0, tape, &doc, NULL) == JSON_OK &&
                 json_pick(&doc, 0, &want, 1, NULL) == JSON_PICK_OK && index != 0 &&
                 json_kind_of(&doc, index) == JSON_KIND_NUMBER;
    return found && json_read_integer(&doc, index, &code) ? code : 0;
}
