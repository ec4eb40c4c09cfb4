/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pubsub.c - publish and subscribe of clients (protocol.md 7).
 */
#include "core/pubsub.h"

#include "core/message_fields.h"

enum message_result
pubsub_publish_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct pubsub_publish *publish, struct message_fault *fault)
{
    uint32_t message = 0;
    struct span payload;
    struct wall timestamp;
    uint32_t headers;
    struct text_list routing_path;
    int64_t current_hop;
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_TEXT("u", &publish->u), FIELD_REQUIRED },
        { FIELD_OBJECT("message", &message), FIELD_REQUIRED },
    };
    /* Subscribers get the message as it is and close on one that is ill-formed: all of it is checked. */
    const struct field message_fields[] = {
        { FIELD_TEXT("topic", &publish->topic), FIELD_REQUIRED },
        { FIELD_RAW("payload", &payload), FIELD_REQUIRED },
        { FIELD_TIME("timestamp", &timestamp), FIELD_REQUIRED },
        { FIELD_TEXT("message_id", &publish->message_id), FIELD_REQUIRED },
        { FIELD_TEXT("publisher", &publish->publisher), FIELD_REQUIRED },
        { FIELD_OBJECT("headers", &headers) },
        { FIELD_TEXTS("routing_path", &routing_path, PATH_COUNT_MAX) },
        { FIELD_INTEGER("current_hop", &current_hop) },
    };
    CHECK(envelope->kind == ENVELOPE_PUBLISH);
    *publish = (struct pubsub_publish){ .u = SPAN_NONE };
    enum message_result result = message_read(&reader, 0, "", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK) {
        publish->message = json_raw(&envelope->doc, message);
        result =
            message_read(&reader, message, "message", message_fields, COUNT_OF(message_fields));
    }
    return result;
}

static enum message_result
read_patterns(
    const struct message_reader *reader, uint32_t array, struct pubsub_subscribe *subscribe)
{
    const char *name = "patterns";
    struct span *patterns = message_take_items(reader, array, sizeof(*patterns), name);
    bool *exact = message_take_items(reader, array, sizeof(*exact), name);
    if (patterns == NULL || exact == NULL) {
        return MESSAGE_NO_MEMORY;
    }
    uint32_t count = 0;
    JSON_EACH_ITEM (reader->doc, array, item) {
        const struct field fields[] = {
            { FIELD_TEXT("pattern", &patterns[count]), FIELD_REQUIRED },
            { FIELD_FLAG("exact_match", &exact[count]) },
        };
        enum message_result result = message_read(reader, item, name, fields, COUNT_OF(fields));
        if (result != MESSAGE_OK) {
            return result;
        }
        count++;
    }
    subscribe->patterns = (struct text_list){ .items = patterns, .count = count };
    subscribe->pattern_exact = exact;
    return MESSAGE_OK;
}

enum message_result
pubsub_subscribe_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct pubsub_subscribe *subscribe, struct message_fault *fault)
{
    uint32_t subscription = 0;
    uint32_t patterns = 0;
    struct span subscriber;
    struct wall created_at;
    bool get_backlog;
    int64_t backlog_seconds;
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_TEXT("u", &subscribe->u), FIELD_REQUIRED },
        { FIELD_OBJECT("subscription", &subscription), FIELD_REQUIRED },
    };
    const struct field subscription_fields[] = {
        { FIELD_TEXT("subscription_id", &subscribe->subscription_id), FIELD_REQUIRED },
        { FIELD_ARRAY("patterns", &patterns, LIST_COUNT_MAX), FIELD_REQUIRED },
        { FIELD_TEXT("subscriber", &subscriber), FIELD_REQUIRED },
        { FIELD_TIME("created_at", &created_at), FIELD_REQUIRED },
        { FIELD_FLAG("get_backlog", &get_backlog) },
        { FIELD_INTEGER("backlog_seconds", &backlog_seconds) },
    };
    CHECK(envelope->kind == ENVELOPE_SUBSCRIBE);
    *subscribe = (struct pubsub_subscribe){ .u = SPAN_NONE };
    enum message_result result = message_read(&reader, 0, "", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK) {
        result = message_read(&reader, subscription, "subscription", subscription_fields,
            COUNT_OF(subscription_fields));
    }
    return result != MESSAGE_OK ? result : read_patterns(&reader, patterns, subscribe);
}

enum message_result
pubsub_unsubscribe_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct pubsub_unsubscribe *unsubscribe, struct message_fault *fault)
{
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_TEXT("u", &unsubscribe->u), FIELD_REQUIRED },
        { FIELD_TEXT("subscription_id", &unsubscribe->subscription_id), FIELD_REQUIRED },
    };
    CHECK(envelope->kind == ENVELOPE_UNSUBSCRIBE);
    *unsubscribe = (struct pubsub_unsubscribe){ .u = SPAN_NONE };
    return message_read(&reader, 0, "", fields, COUNT_OF(fields));
}

/* What is left of a topic or pattern. An empty text has no segments, "a." has two. */
struct segments {
    struct span rest;
    bool more;
};

static struct segments
segments_of(struct span text)
{
    return (struct segments){ .rest = text, .more = text.size > 0 };
}

/* Takes the first segment off. There is one. */
static struct span
take_segment(struct segments *segments)
{
    size_t size = span_find(segments->rest, '.');
    struct span segment = span_part(segments->rest, 0, size);
    segments->more = size < segments->rest.size;
    segments->rest = span_after(segments->rest, segments->more ? size + 1 : size);
    return segment;
}

/*
 * Only the last `#` ever needs another try: what an earlier one could still swallow, the last can too. So the time is
 * at most the product of the two lengths, whatever a client writes.
 */
static bool
match_segments(struct segments pattern, struct segments topic)
{
    bool can_retry = false;
    struct segments retry_pattern = pattern;
    struct segments retry_topic = topic;
    while (pattern.more || topic.more) {
        struct segments after_pattern = pattern;
        struct segments after_topic = topic;
        struct span wanted = pattern.more ? take_segment(&after_pattern) : SPAN_NONE;
        struct span found = topic.more ? take_segment(&after_topic) : SPAN_NONE;
        if (pattern.more && span_is(wanted, "#")) {
            can_retry = true;
            pattern = after_pattern;
            retry_pattern = after_pattern;
            retry_topic = topic;
        } else if (pattern.more && topic.more &&
                   (span_is(wanted, "*") || span_equal(wanted, found))) {
            pattern = after_pattern;
            topic = after_topic;
        } else if (can_retry && retry_topic.more) {
            (void)take_segment(&retry_topic);
            pattern = retry_pattern;
            topic = retry_topic;
        } else {
            return false;
        }
    }
    return true;
}

bool
pubsub_topic_matches(struct span pattern, struct span topic, bool exact)
{
    return exact ? span_equal(pattern, topic)
                 : match_segments(segments_of(pattern), segments_of(topic));
}

void
pubsub_ack_encode(struct buf *out, bool success, struct span error, struct span u)
{
    const struct span own_u[] = { SPAN("ack_"), u };
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, "pubsub-ack");
    json_write_key(&writer, "operation_id");
    json_write_string(&writer, u);
    json_write_key(&writer, "success");
    json_write_bool(&writer, success);
    message_write_optional(&writer, "error", error);
    json_write_key(&writer, "u");
    message_write_joined(&writer, own_u, COUNT_OF(own_u));
    json_end_object(&writer);
}

void
pubsub_notification_encode(
    struct buf *out, struct span message, struct span message_id, struct span subscription_id)
{
    const struct span own_u[] = { SPAN("notification_"), message_id, SPAN("_"), subscription_id };
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, "pubsub-notification");
    json_write_key(&writer, "message");
    json_write_raw(&writer, message);
    json_write_key(&writer, "subscription_id");
    json_write_string(&writer, subscription_id);
    json_write_key(&writer, "u");
    message_write_joined(&writer, own_u, COUNT_OF(own_u));
    json_end_object(&writer);
}
