/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_codec.h - any message of the cluster's wire to its struct and back, for the tests that do not care which one it is.
 */
#ifndef TESTS_SUPPORT_WIRE_CODEC_H
#define TESTS_SUPPORT_WIRE_CODEC_H

#include "core/delta.h"
#include "core/fabric.h"
#include "core/pubsub.h"
#include "core/rpc.h"
#include "core/status.h"
#include "tests/support/wire.h"

/* What wire_decode() made of the message; only the part of the envelope's kind means something. */
struct decoded {
    struct status status;
    struct goodbye goodbye;
    struct rpc_request rpc;
    struct gossip gossip;
    struct delta delta; /* of a catalog_update */
    struct fabric fabric;
    struct answer answer;
    struct pubsub_publish publish;
    struct pubsub_subscribe subscribe;
    struct pubsub_unsubscribe unsubscribe;
};

static inline enum message_result
wire_decode_gossip(struct wire *wire, struct wall received_at, struct decoded *decoded)
{
    enum message_result result =
        gossip_decode(&wire->envelope, &wire->scratch, &decoded->gossip, &wire->fault);
    if (result != MESSAGE_OK || decoded->gossip.type != GOSSIP_CATALOG_UPDATE) {
        return result;
    }
    return delta_decode(&wire->envelope, &decoded->gossip, received_at, &wire->scratch,
        &decoded->delta, &wire->fault);
}

/* Decode what wire_scan() found. */
static inline enum message_result
wire_decode(struct wire *wire, struct wall received_at, struct decoded *decoded)
{
    const struct envelope *envelope = &wire->envelope;
    struct message_scratch *scratch = &wire->scratch;
    struct message_fault *fault = &wire->fault;
    switch (envelope->kind) {
    case ENVELOPE_STATUS:
        return status_decode(envelope, scratch, &decoded->status, fault);
    case ENVELOPE_GOODBYE:
        return goodbye_decode(envelope, scratch, &decoded->goodbye, fault);
    case ENVELOPE_RPC:
        return rpc_decode(envelope, scratch, &decoded->rpc, fault);
    case ENVELOPE_GOSSIP:
        return wire_decode_gossip(wire, received_at, decoded);
    case ENVELOPE_FABRIC:
        return fabric_decode(envelope, scratch, &decoded->fabric, fault);
    case ENVELOPE_PUBLISH:
        return pubsub_publish_decode(envelope, scratch, &decoded->publish, fault);
    case ENVELOPE_SUBSCRIBE:
        return pubsub_subscribe_decode(envelope, scratch, &decoded->subscribe, fault);
    case ENVELOPE_UNSUBSCRIBE:
        return pubsub_unsubscribe_decode(envelope, scratch, &decoded->unsubscribe, fault);
    case ENVELOPE_RESPONSE:
        return answer_decode(envelope, scratch, &decoded->answer, fault);
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_OTHER_ROLE:
        return MESSAGE_OK;
    }
    return MESSAGE_OK;
}

/* The identities of a STATUS's function_catalog, which status_decode() only checks. They live in the wire's arena. */
static inline const struct function_identity *
wire_function_catalog(struct wire *wire, uint32_t *count)
{
    const struct json_doc *doc = &wire->envelope.doc;
    uint32_t catalog = 0;
    uint32_t members[3];
    const struct json_want want[] = { { SPAN("function_catalog"), &catalog } };
    const struct json_want wants[] = { { SPAN("name"), &members[0] },
        { SPAN("function_id"), &members[1] }, { SPAN("version"), &members[2] } };
    CHECK(json_pick(doc, wire->envelope.body, want, 1, NULL) == JSON_PICK_OK);
    *count = 0;
    if (catalog == 0 || json_kind_of(doc, catalog) != JSON_KIND_ARRAY) {
        return NULL;
    }
    size_t room = doc->tokens[catalog].after - catalog;
    struct function_identity *identities = arena_take(&wire->arena, room * sizeof(*identities));
    CHECK(identities != NULL);
    JSON_EACH_ITEM (doc, catalog, item) {
        struct function_identity *identity = &identities[*count];
        CHECK(json_pick(doc, item, wants, COUNT_OF(wants), NULL) == JSON_PICK_OK);
        identity->name = json_read_text(doc, members[0], &wire->arena);
        identity->function_id = json_read_text(doc, members[1], &wire->arena);
        identity->version_text = json_read_text(doc, members[2], &wire->arena);
        (*count)++;
    }
    return identities;
}

/* When a fabric message was sent, which its struct does not keep; 0 when it does not say. */
static inline struct wall
wire_fabric_time(const struct wire *wire)
{
    uint32_t timestamp = 0;
    struct wall time = { 0 };
    const struct json_want want[] = { { SPAN("timestamp"), &timestamp } };
    CHECK(json_pick(&wire->envelope.doc, wire->envelope.body, want, 1, NULL) == JSON_PICK_OK);
    if (timestamp != 0 && !json_read_nanoseconds(&wire->envelope.doc, timestamp, &time.ns)) {
        time.ns = 0;
    }
    return time;
}

/* The pieces of a request with its arguments between them. */
static inline void
wire_join_request(
    struct buf *out, struct mem *mem, const struct fabric_request *request, struct wall now)
{
    struct fabric_request_split split;
    struct buf pieces;
    buf_init(&pieces, mem, MESSAGE_SIZE_MAX);
    fabric_request_encode(&pieces, request, now, &split);
    struct span rest = buf_span(&pieces);
    CHECK(rest.size == split.head_size + split.middle_size + split.tail_size);
    buf_add(out, span_part(rest, 0, split.head_size));
    buf_add(out, request->args);
    buf_add(out, span_part(rest, split.head_size, split.middle_size));
    buf_add(out, request->kwargs);
    buf_add(out, span_after(rest, split.head_size + split.middle_size));
    buf_destroy(&pieces);
}

/* The pieces of a response with its result between them. */
static inline void
wire_join_response(
    struct buf *out, struct mem *mem, const struct fabric_response *response, struct wall now)
{
    struct fabric_response_split split;
    struct buf pieces;
    buf_init(&pieces, mem, MESSAGE_SIZE_MAX);
    fabric_response_encode(&pieces, response, now, &split);
    struct span rest = buf_span(&pieces);
    CHECK(rest.size == split.head_size + split.tail_size);
    buf_add(out, span_part(rest, 0, split.head_size));
    if (response->success) {
        buf_add(out, response->result);
    }
    buf_add(out, span_after(rest, split.head_size));
    buf_destroy(&pieces);
}

#endif
