/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.c - STATUS and GOODBYE (protocol.md 2, 3).
 */
#include "core/status.h"

#include "core/delta.h"
#include "core/message_fields.h"

/* A server names all its functions here, those of every user included. */
#define STATUS_FUNCTIONS_MAX DELTA_COUNT_MAX

/* Nothing here routes by them, but the reference closes on an item without these three. */
static enum message_result
check_function_catalog(const struct message_reader *reader, uint32_t catalog)
{
    struct span name;
    struct span function_id;
    struct span version;
    const struct field fields[] = {
        { FIELD_TEXT("name", &name), FIELD_REQUIRED },
        { FIELD_TEXT("function_id", &function_id), FIELD_REQUIRED },
        { FIELD_TEXT("version", &version), FIELD_REQUIRED },
    };
    if (catalog == 0) {
        return MESSAGE_OK;
    }
    JSON_EACH_ITEM (reader->doc, catalog, item) {
        enum message_result result =
            message_read(reader, item, "function_catalog", fields, COUNT_OF(fields));
        if (result != MESSAGE_OK) {
            return result;
        }
    }
    return MESSAGE_OK;
}

/* The reference takes any value for a metric and shows it; what is no number counts as 0 here. */
static void
read_counter(const struct json_doc *doc, uint32_t value, int64_t *counter)
{
    if (value != 0 && !json_read_integer(doc, value, counter)) {
        *counter = 0;
    }
}

static enum message_result
read_metrics(const struct message_reader *reader, uint32_t metrics, struct status *status)
{
    uint32_t processed = 0;
    uint32_t skipped = 0;
    uint32_t server = 0;
    uint32_t other = 0;
    const struct field fields[] = {
        { FIELD_TOKEN("messages_processed", &processed) },
        { FIELD_TOKEN("rpc_responses_skipped", &skipped) },
        { FIELD_TOKEN("server_messages", &server) },
        { FIELD_TOKEN("other_messages", &other) },
    };
    if (metrics == 0) {
        return MESSAGE_OK;
    }
    enum message_result result = message_read(reader, metrics, "metrics", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK) {
        read_counter(reader->doc, processed, &status->messages_processed);
        read_counter(reader->doc, skipped, &status->rpc_responses_skipped);
        read_counter(reader->doc, server, &status->server_messages);
        read_counter(reader->doc, other, &status->other_messages);
    }
    return result;
}

enum message_result
status_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct status *status, struct message_fault *fault)
{
    uint32_t catalog = 0;
    uint32_t metrics = 0;
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_NAME("server_url", &status->server_url), FIELD_REQUIRED },
        { FIELD_NAME("cluster_id", &status->cluster_id), FIELD_REQUIRED },
        { FIELD_TEXT("instance_id", &status->instance_id) },
        { FIELD_TIME("timestamp", &status->timestamp) },
        { FIELD_TEXT("status", &status->status) },
        { FIELD_INTEGER("active_clients", &status->active_clients) },
        { FIELD_INTEGER("peer_count", &status->peer_count) },
        { FIELD_TEXTS("funs", &status->functions, STATUS_FUNCTIONS_MAX) },
        { FIELD_TEXTS("locs", &status->resources, LIST_COUNT_MAX) },
        { FIELD_ARRAY("function_catalog", &catalog, STATUS_FUNCTIONS_MAX) },
        { FIELD_TEXTS("advertised_urls", &status->advertised_urls, LIST_COUNT_MAX) },
        { FIELD_OBJECT("metrics", &metrics) },
    };
    CHECK(envelope->kind == ENVELOPE_STATUS);
    *status = (struct status){ .status = SPAN("ok") };
    enum message_result result =
        message_read(&reader, envelope->body, "server", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK) {
        result = check_function_catalog(&reader, catalog);
    }
    if (result == MESSAGE_OK) {
        result = read_metrics(&reader, metrics, status);
    }
    return result;
}

static void
encode_metrics(struct json_writer *writer, const struct status *status)
{
    json_begin_object(writer);
    json_write_key(writer, "messages_processed");
    json_write_i64(writer, status->messages_processed);
    json_write_key(writer, "rpc_responses_skipped");
    json_write_i64(writer, status->rpc_responses_skipped);
    json_write_key(writer, "server_messages");
    json_write_i64(writer, status->server_messages);
    json_write_key(writer, "other_messages");
    json_write_i64(writer, status->other_messages);
    json_end_object(writer);
}

static void
encode_function_catalog(
    struct json_writer *writer, const struct function_identity *catalog, uint32_t catalog_count)
{
    json_begin_array(writer);
    for (uint32_t i = 0; i < catalog_count; i++) {
        json_begin_object(writer);
        json_write_key(writer, "name");
        json_write_string(writer, catalog[i].name);
        json_write_key(writer, "function_id");
        json_write_string(writer, catalog[i].function_id);
        json_write_key(writer, "version");
        json_write_string(writer, catalog[i].version_text);
        json_write_key(writer, "resources");
        json_begin_array(writer);
        json_end_array(writer);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* {"role":"server","server":{ */
static struct json_writer
begin_server(struct buf *out, const char *what)
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, "server");
    json_write_key(&writer, "server");
    json_begin_object(&writer);
    json_write_key(&writer, "what");
    json_write_text(&writer, what);
    return writer;
}

static void
end_server(struct json_writer *writer, struct span u)
{
    json_end_object(writer);
    json_write_key(writer, "u");
    json_write_string(writer, u);
    json_end_object(writer);
}

void
status_encode(struct buf *out, const struct status *status, const struct function_identity *catalog,
    uint32_t catalog_count, struct span u)
{
    struct json_writer writer = begin_server(out, "STATUS");
    json_write_key(&writer, "server_url");
    json_write_string(&writer, status->server_url);
    json_write_key(&writer, "cluster_id");
    json_write_string(&writer, status->cluster_id);
    json_write_key(&writer, "instance_id");
    json_write_string(&writer, status->instance_id);
    json_write_key(&writer, "timestamp");
    json_write_seconds(&writer, status->timestamp.ns);
    json_write_key(&writer, "status");
    json_write_string(&writer, status->status);
    json_write_key(&writer, "active_clients");
    json_write_i64(&writer, status->active_clients);
    json_write_key(&writer, "peer_count");
    json_write_i64(&writer, status->peer_count);
    json_write_key(&writer, "funs");
    text_list_encode(&writer, &status->functions);
    json_write_key(&writer, "locs");
    text_list_encode(&writer, &status->resources);
    json_write_key(&writer, "function_catalog");
    encode_function_catalog(&writer, catalog, catalog_count);
    json_write_key(&writer, "advertised_urls");
    text_list_encode(&writer, &status->advertised_urls);
    json_write_key(&writer, "metrics");
    encode_metrics(&writer, status);
    end_server(&writer, u);
}

const char *
goodbye_reason_name(enum goodbye_reason reason)
{
    switch (reason) {
    case GOODBYE_GRACEFUL_SHUTDOWN:
        return "graceful_shutdown";
    case GOODBYE_MAINTENANCE:
        return "maintenance";
    case GOODBYE_CLUSTER_REBALANCE:
        return "cluster_rebalance";
    case GOODBYE_MANUAL_REMOVAL:
        return "manual_removal";
    }
    return "unknown";
}

static bool
parse_reason(struct span text, enum goodbye_reason *reason)
{
    static const enum goodbye_reason reasons[] = { GOODBYE_GRACEFUL_SHUTDOWN, GOODBYE_MAINTENANCE,
        GOODBYE_CLUSTER_REBALANCE, GOODBYE_MANUAL_REMOVAL };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (span_is(text, goodbye_reason_name(reasons[i]))) {
            *reason = reasons[i];
            return true;
        }
    }
    return false;
}

enum message_result
goodbye_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct goodbye *goodbye, struct message_fault *fault)
{
    struct span reason = SPAN_NONE;
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_NAME("departing_node_url", &goodbye->departing_node_url), FIELD_REQUIRED },
        { FIELD_NAME("cluster_id", &goodbye->cluster_id), FIELD_REQUIRED },
        { FIELD_TEXT("reason", &reason), FIELD_REQUIRED },
        { FIELD_TEXT("instance_id", &goodbye->instance_id) },
        { FIELD_TIME("timestamp", &goodbye->timestamp) },
    };
    CHECK(envelope->kind == ENVELOPE_GOODBYE);
    *goodbye = (struct goodbye){ .reason = GOODBYE_GRACEFUL_SHUTDOWN };
    enum message_result result =
        message_read(&reader, envelope->body, "server", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK && !parse_reason(reason, &goodbye->reason)) {
        return message_refuse(&reader, MESSAGE_BAD_VALUE, "reason");
    }
    return result;
}

void
goodbye_encode(struct buf *out, const struct goodbye *goodbye, struct span u)
{
    struct json_writer writer = begin_server(out, "GOODBYE");
    json_write_key(&writer, "departing_node_url");
    json_write_string(&writer, goodbye->departing_node_url);
    json_write_key(&writer, "cluster_id");
    json_write_string(&writer, goodbye->cluster_id);
    json_write_key(&writer, "reason");
    json_write_text(&writer, goodbye_reason_name(goodbye->reason));
    json_write_key(&writer, "instance_id");
    json_write_string(&writer, goodbye->instance_id);
    json_write_key(&writer, "timestamp");
    json_write_seconds(&writer, goodbye->timestamp.ns);
    end_server(&writer, u);
}
