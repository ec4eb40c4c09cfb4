/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gossip.c - the wrapper of gossip, and the rules by which it travels (protocol.md 4.1).
 */
#include "core/gossip.h"

#include "core/delta.h"
#include "core/message_fields.h"

/* What the reference gives its own messages. */
#define GOSSIP_TTL        10
#define GOSSIP_HOPS_MAX   5
#define GOSSIP_EXPIRES_NS (UINT64_C(300) * SEC_NS)

static const struct {
    const char *text;
    enum gossip_type type;
} types[] = {
    { "catalog_update", GOSSIP_CATALOG_UPDATE },
    { "route_advertisement", GOSSIP_ROUTE_ADVERTISEMENT },
    { "route_withdrawal", GOSSIP_ROUTE_WITHDRAWAL },
    { "state_update", GOSSIP_OTHER_KNOWN },
    { "membership_update", GOSSIP_OTHER_KNOWN },
    { "config_update", GOSSIP_OTHER_KNOWN },
    { "link_state_update", GOSSIP_OTHER_KNOWN },
    { "route_key_announcement", GOSSIP_OTHER_KNOWN },
    { "heartbeat", GOSSIP_OTHER_KNOWN },
    { "anti_entropy", GOSSIP_OTHER_KNOWN },
    { "rumor", GOSSIP_OTHER_KNOWN },
    { "consensus_proposal", GOSSIP_OTHER_KNOWN },
    { "consensus_vote", GOSSIP_OTHER_KNOWN },
    { "membership_probe", GOSSIP_OTHER_KNOWN },
    { "membership_ack", GOSSIP_OTHER_KNOWN },
    { "membership_indirect_probe", GOSSIP_OTHER_KNOWN },
};

static bool
parse_type(struct span text, enum gossip_type *type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (span_is(text, types[i].text)) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

/* {node: count}: no empty name, no negative count. */
static enum message_result
check_vector_clock(const struct message_reader *reader, uint32_t clock)
{
    const char *name = "vector_clock";
    JSON_EACH_MEMBER (reader->doc, clock, key, value) {
        int64_t count = 0;
        if (json_kind_of(reader->doc, value) != JSON_KIND_NUMBER) {
            return message_refuse(reader, MESSAGE_BAD_TYPE, name);
        }
        if (!json_read_integer(reader->doc, value, &count) || count < 0 ||
            json_text_is(reader->doc, key, SPAN(""))) {
            return message_refuse(reader, MESSAGE_BAD_VALUE, name);
        }
    }
    return MESSAGE_OK;
}

enum message_result
gossip_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct gossip *gossip, struct message_fault *fault)
{
    uint32_t clock = 0;
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_NAME("message_id", &gossip->message_id), FIELD_REQUIRED },
        { FIELD_TEXT("message_type", &gossip->type_text), FIELD_REQUIRED },
        { FIELD_NAME("sender_id", &gossip->sender_id), FIELD_REQUIRED },
        { FIELD_OBJECT("payload", &gossip->payload) },
        { FIELD_OBJECT("vector_clock", &clock) },
        { FIELD_INTEGER("sequence_number", &gossip->sequence_number) },
        { FIELD_INTEGER("ttl", &gossip->ttl) },
        { FIELD_INTEGER("hop_count", &gossip->hop_count) },
        { FIELD_INTEGER("max_hops", &gossip->max_hops) },
        { FIELD_TIME("created_at", &gossip->created_at) },
        { FIELD_TIME("expires_at", &gossip->expires_at), FIELD_SEEN(&gossip->has_expiry) },
        { FIELD_TEXTS("propagation_path", &gossip->propagation_path, PATH_COUNT_MAX) },
        { FIELD_TEXTS("seen_by", &gossip->seen_by, MEMBER_NODES_MAX) },
    };
    CHECK(envelope->kind == ENVELOPE_GOSSIP);
    *gossip = (struct gossip){ .ttl = GOSSIP_TTL, .max_hops = GOSSIP_HOPS_MAX };
    enum message_result result =
        message_read(&reader, envelope->body, "payload", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK && !parse_type(gossip->type_text, &gossip->type)) {
        return message_refuse(&reader, MESSAGE_BAD_VALUE, "message_type");
    }
    if (result == MESSAGE_OK && clock != 0) {
        gossip->vector_clock = json_raw(&envelope->doc, clock);
        result = check_vector_clock(&reader, clock);
    }
    return result;
}

bool
gossip_may_travel(const struct gossip *gossip, struct span own_url, struct wall now)
{
    bool alive = !gossip->has_expiry || now.ns <= gossip->expires_at.ns;
    bool has_room = gossip->hop_count < gossip->max_hops && gossip->ttl > 0 &&
                    gossip->propagation_path.count < PATH_COUNT_MAX;
    return alive && has_room && !text_list_has(&gossip->propagation_path, own_url) &&
           !text_list_has(&gossip->seen_by, own_url);
}

/* {"role":"fabric-gossip","payload":{ and what names the message, up to its own payload's key. */
static struct json_writer
begin_message(struct buf *out, struct span message_id, struct span type_text, struct span sender_id)
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, "fabric-gossip");
    json_write_key(&writer, "payload");
    json_begin_object(&writer);
    json_write_key(&writer, "message_id");
    json_write_string(&writer, message_id);
    json_write_key(&writer, "message_type");
    json_write_string(&writer, type_text);
    json_write_key(&writer, "sender_id");
    json_write_string(&writer, sender_id);
    json_write_key(&writer, "payload");
    return writer;
}

static void
encode_integer(struct json_writer *writer, const char *key, int64_t value)
{
    json_write_key(writer, key);
    json_write_i64(writer, value);
}

static void
encode_time(struct json_writer *writer, const char *key, struct wall time)
{
    json_write_key(writer, key);
    json_write_seconds(writer, time.ns);
}

static void
encode_path(struct json_writer *writer, const struct text_list *path, struct span own_url)
{
    json_write_key(writer, "propagation_path");
    json_begin_array(writer);
    for (uint32_t i = 0; i < path->count; i++) {
        json_write_string(writer, path->items[i]);
    }
    json_write_string(writer, own_url);
    json_end_array(writer);
}

void
gossip_encode_passed_on(struct buf *out, const struct envelope *envelope,
    const struct gossip *gossip, struct span own_url)
{
    struct json_writer writer = begin_message(out, gossip->message_id, gossip->type_text, own_url);
    json_write_raw(
        &writer, gossip->payload == 0 ? SPAN("null") : json_raw(&envelope->doc, gossip->payload));
    json_write_key(&writer, "vector_clock");
    json_write_raw(&writer, gossip->vector_clock.size == 0 ? SPAN("{}") : gossip->vector_clock);
    encode_integer(&writer, "sequence_number", gossip->sequence_number);
    encode_integer(&writer, "ttl", gossip->ttl - 1);
    encode_integer(&writer, "hop_count", gossip->hop_count + 1);
    encode_integer(&writer, "max_hops", gossip->max_hops);
    if (gossip->created_at.ns != 0) {
        encode_time(&writer, "created_at", gossip->created_at);
    }
    if (gossip->has_expiry) {
        encode_time(&writer, "expires_at", gossip->expires_at);
    }
    encode_path(&writer, &gossip->propagation_path, own_url);
    json_write_key(&writer, "seen_by");
    text_list_encode(&writer, &gossip->seen_by);
    json_end_object(&writer);
    json_end_object(&writer);
}

void
gossip_encode_begin(struct buf *out, const struct gossip_header *header)
{
    (void)begin_message(out, header->message_id, header->type_text, header->sender_id);
}

void
gossip_encode_end(struct buf *out, const struct gossip_header *header)
{
    /* The caller's value stands before this. */
    struct json_writer writer = { .buf = out, .comma = true };
    const struct text_list empty = { .count = 0 };
    json_write_key(&writer, "vector_clock");
    json_begin_object(&writer);
    if (header->travels) {
        json_write_key_span(&writer, header->sender_id);
        json_write_i64(&writer, header->sequence_number);
    }
    json_end_object(&writer);
    encode_integer(&writer, "sequence_number", header->sequence_number);
    encode_integer(&writer, "ttl", header->travels ? GOSSIP_TTL : 0);
    encode_integer(&writer, "hop_count", 0);
    encode_integer(&writer, "max_hops", header->travels ? GOSSIP_HOPS_MAX : 0);
    encode_time(&writer, "created_at", header->now);
    encode_time(&writer, "expires_at", wall_after(header->now, GOSSIP_EXPIRES_NS));
    if (header->travels) {
        encode_path(&writer, &empty, header->sender_id);
    } else {
        json_write_key(&writer, "propagation_path");
        text_list_encode(&writer, &empty);
    }
    json_write_key(&writer, "seen_by");
    text_list_encode(&writer, &empty);
    json_end_object(&writer);
    json_end_object(&writer);
}
