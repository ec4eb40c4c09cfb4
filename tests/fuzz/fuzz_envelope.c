/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_envelope.c - any bytes as a message of a cluster: scanned, decoded by the decoder of its kind, written by our encoder,
 * decoded again; every field must be the same. With little memory the verdict is the same, or that memory was short.
 */
#include <string.h>

#include "tests/support/check_failed.h"
#include "tests/support/wire_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wall received_at = { INT64_C(1795335555000000000) };

static bool
same_texts(const struct text_list *a, const struct text_list *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        same = span_equal(a->items[i], b->items[i]);
    }
    return same;
}

/* Decode what was written into `out`, which stays as it is. */
static void
decode_again(struct wire *again, struct span written, struct decoded *decoded)
{
    CHECK(wire_scan(again, written) == MESSAGE_OK);
    CHECK(wire_decode(again, received_at, decoded) == MESSAGE_OK);
}

static void
check_status(struct wire *wire, struct wire *again, const struct status *a)
{
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    uint32_t count = 0;
    const struct function_identity *catalog = wire_function_catalog(wire, &count);
    status_encode(&wire->out, a, catalog, count, wire->envelope.u);
    decode_again(again, buf_span(&wire->out), &other);
    const struct status *b = &other.status;
    CHECK(span_equal(a->server_url, b->server_url));
    CHECK(span_equal(a->cluster_id, b->cluster_id));
    CHECK(span_equal(a->instance_id, b->instance_id));
    CHECK(a->timestamp.ns == b->timestamp.ns);
    CHECK(span_equal(a->status, b->status));
    CHECK(a->active_clients == b->active_clients);
    CHECK(a->peer_count == b->peer_count);
    CHECK(same_texts(&a->functions, &b->functions));
    CHECK(same_texts(&a->resources, &b->resources));
    CHECK(same_texts(&a->advertised_urls, &b->advertised_urls));
    CHECK(a->messages_processed == b->messages_processed);
    CHECK(a->rpc_responses_skipped == b->rpc_responses_skipped);
    CHECK(a->server_messages == b->server_messages);
    CHECK(a->other_messages == b->other_messages);
    CHECK(span_equal(wire->envelope.u, again->envelope.u));
}

static void
check_goodbye(struct wire *wire, struct wire *again, const struct goodbye *a)
{
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    goodbye_encode(&wire->out, a, wire->envelope.u);
    decode_again(again, buf_span(&wire->out), &other);
    CHECK(span_equal(a->departing_node_url, other.goodbye.departing_node_url));
    CHECK(span_equal(a->cluster_id, other.goodbye.cluster_id));
    CHECK(span_equal(a->instance_id, other.goodbye.instance_id));
    CHECK(a->reason == other.goodbye.reason);
    CHECK(a->timestamp.ns == other.goodbye.timestamp.ns);
}

static void
check_rpc(struct wire *wire, struct wire *again, const struct rpc_request *request)
{
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    for (uint32_t i = 0; i < request->command_count; i++) {
        const struct rpc_command *a = &request->commands[i];
        wire_reset(again);
        buf_reset(&wire->out);
        rpc_encode(&wire->out, a, request->u);
        decode_again(again, buf_span(&wire->out), &other);
        CHECK(other.rpc.command_count == 1);
        CHECK(span_equal(request->u, other.rpc.u));
        const struct rpc_command *b = &other.rpc.commands[0];
        CHECK(span_equal(a->function, b->name));
        CHECK(span_equal(a->function, b->function));
        CHECK(span_equal(a->args, b->args));
        CHECK(span_equal(a->kwargs, b->kwargs));
        CHECK(same_texts(&a->resources, &b->resources));
        CHECK(span_equal(a->function_id, b->function_id));
        CHECK(span_equal(a->version_constraint, b->version_constraint));
        CHECK(span_equal(a->target_cluster, b->target_cluster));
    }
}

static void
check_passed_on(struct wire *wire, struct wire *again, const struct gossip *a)
{
    const struct span own_url = SPAN("ws://own:1");
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    if (!gossip_may_travel(a, own_url, received_at)) {
        return;
    }
    gossip_encode_passed_on(&wire->out, &wire->envelope, a, own_url);
    decode_again(again, buf_span(&wire->out), &other);
    const struct gossip *b = &other.gossip;
    CHECK(span_equal(a->message_id, b->message_id));
    CHECK(a->type == b->type);
    CHECK(span_equal(own_url, b->sender_id));
    CHECK((a->payload == 0) == (b->payload == 0));
    CHECK(a->payload == 0 || span_equal(json_raw(&wire->envelope.doc, a->payload),
                                 json_raw(&again->envelope.doc, b->payload)));
    CHECK(a->sequence_number == b->sequence_number);
    CHECK(a->ttl - 1 == b->ttl);
    CHECK(a->hop_count + 1 == b->hop_count);
    CHECK(a->max_hops == b->max_hops);
    CHECK(a->created_at.ns == b->created_at.ns);
    CHECK(a->has_expiry == b->has_expiry);
    CHECK(a->expires_at.ns == b->expires_at.ns);
    CHECK(a->propagation_path.count + 1 == b->propagation_path.count);
    CHECK(same_texts(&a->seen_by, &b->seen_by));
    CHECK(!gossip_may_travel(b, own_url, received_at));
}

static bool
same_identity(const struct function_identity *a, const struct function_identity *b)
{
    return function_identity_equal(a, b) && span_equal(a->version_text, b->version_text);
}

static void
check_function(const struct function_endpoint *a, const struct function_endpoint *b)
{
    CHECK(function_key_equal(&a->key, &b->key));
    CHECK(same_identity(&a->key.identity, &b->key.identity));
    CHECK(same_texts(&a->key.resources, &b->key.resources));
    CHECK(span_equal(a->scope, b->scope));
    CHECK(same_texts(&a->tags, &b->tags));
    CHECK(a->advertised_at.ns == b->advertised_at.ns);
    CHECK(a->ttl_ns == b->ttl_ns);
    CHECK(span_equal(a->rpc_summary, b->rpc_summary));
    CHECK(span_equal(a->rpc_spec, b->rpc_spec));
    CHECK(span_equal(a->spec_digest, b->spec_digest));
}

static void
check_node(const struct node_descriptor *a, const struct node_descriptor *b)
{
    CHECK(span_equal(a->key.cluster_id, b->key.cluster_id));
    CHECK(span_equal(a->key.node_id, b->key.node_id));
    CHECK(span_equal(a->region, b->region));
    CHECK(span_equal(a->scope, b->scope));
    CHECK(same_texts(&a->tags, &b->tags));
    CHECK(same_texts(&a->resources, &b->resources));
    CHECK(same_texts(&a->capabilities, &b->capabilities));
    CHECK(span_equal(a->dial_url, b->dial_url));
    CHECK(a->dial_url.size <= NAME_SIZE_MAX);
    CHECK(a->advertised_at.ns == b->advertised_at.ns);
    CHECK(a->ttl_ns == b->ttl_ns);
}

static void
check_delta(struct wire *wire, struct wire *again, const struct delta *a)
{
    const struct gossip_header header = {
        .message_id = SPAN("m"),
        .type_text = SPAN("catalog_update"),
        .sender_id = SPAN("s"),
        .now = received_at,
    };
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    gossip_encode_begin(&wire->out, &header);
    delta_encode(&wire->out, a);
    gossip_encode_end(&wire->out, &header);
    decode_again(again, buf_span(&wire->out), &other);
    const struct delta *b = &other.delta;
    CHECK(span_equal(a->update_id, b->update_id));
    CHECK(span_equal(a->cluster_id, b->cluster_id));
    CHECK(a->sent_at.ns == b->sent_at.ns);
    CHECK(a->function_count == b->function_count);
    CHECK(a->function_removal_count == b->function_removal_count);
    CHECK(a->node_count == b->node_count);
    CHECK(a->node_removal_count == b->node_removal_count);
    for (uint32_t i = 0; i < a->function_count; i++) {
        check_function(&a->functions[i], &b->functions[i]);
    }
    for (uint32_t i = 0; i < a->function_removal_count; i++) {
        CHECK(function_key_equal(&a->function_removals[i], &b->function_removals[i]));
    }
    for (uint32_t i = 0; i < a->node_count; i++) {
        check_node(&a->nodes[i], &b->nodes[i]);
    }
    for (uint32_t i = 0; i < a->node_removal_count; i++) {
        CHECK(span_equal(a->node_removals[i].cluster_id, b->node_removals[i].cluster_id));
        CHECK(span_equal(a->node_removals[i].node_id, b->node_removals[i].node_id));
    }
}

static void
check_gossip(struct wire *wire, struct wire *again, const struct decoded *decoded)
{
    check_passed_on(wire, again, &decoded->gossip);
    if (decoded->gossip.type == GOSSIP_CATALOG_UPDATE) {
        wire_reset(again);
        buf_reset(&wire->out);
        check_delta(wire, again, &decoded->delta);
    }
}

static void
check_headers(const struct fabric_headers *a, const struct fabric_headers *b)
{
    CHECK(span_equal(a->correlation_id, b->correlation_id));
    CHECK(span_equal(a->source_cluster, b->source_cluster));
    CHECK(span_equal(a->target_cluster, b->target_cluster));
    CHECK(same_texts(&a->routing_path, &b->routing_path));
    CHECK(same_texts(&a->federation_path, &b->federation_path));
    CHECK(a->has_hop_budget == b->has_hop_budget);
    CHECK(a->hop_budget == b->hop_budget);
}

static void
check_request(struct wire *wire, struct wire *again, const struct fabric_request *a)
{
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    wire_join_request(&wire->out, &wire->mem, a, received_at);
    decode_again(again, buf_span(&wire->out), &other);
    CHECK(other.fabric.kind == FABRIC_REQUEST);
    const struct fabric_request *b = &other.fabric.request;
    check_headers(&a->headers, &b->headers);
    CHECK(span_equal(a->request_id, other.fabric.message_id));
    CHECK(span_equal(a->request_id, b->request_id));
    CHECK(span_equal(a->command, b->command));
    CHECK(span_equal(a->args, b->args));
    CHECK(span_equal(a->kwargs, b->kwargs));
    CHECK(same_texts(&a->resources, &b->resources));
    CHECK(span_equal(a->function_id, b->function_id));
    CHECK(span_equal(a->version_constraint, b->version_constraint));
    CHECK(span_equal(a->target_cluster, b->target_cluster));
    CHECK(span_equal(a->target_node, b->target_node));
    CHECK(span_equal(a->reply_to, b->reply_to));
}

static void
check_response(struct wire *wire, struct wire *again, const struct fabric_response *a)
{
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    wire_join_response(&wire->out, &wire->mem, a, received_at);
    decode_again(again, buf_span(&wire->out), &other);
    CHECK(other.fabric.kind == FABRIC_RESPONSE);
    const struct fabric_response *b = &other.fabric.response;
    check_headers(&a->headers, &b->headers);
    CHECK(span_equal(a->request_id, b->request_id));
    CHECK(a->success == b->success);
    /* A success has no error, a failure no result. */
    CHECK(span_equal(a->success ? a->result : SPAN("null"), b->result));
    CHECK(span_equal(a->success ? SPAN_NONE : a->error, b->error));
    CHECK(span_equal(a->responder, b->responder));
    CHECK(span_equal(a->reply_to, b->reply_to));
    CHECK(span_equal(a->reply_cluster, b->reply_cluster));
    CHECK(same_texts(&a->routing_path, &b->routing_path));
}

static void
check_fabric(struct wire *wire, struct wire *again, const struct fabric *fabric)
{
    CHECK(fabric->message_id.size > 0);
    CHECK(fabric->topic.size > 0);
    switch (fabric->kind) {
    case FABRIC_REQUEST:
        check_request(wire, again, &fabric->request);
        break;
    case FABRIC_RESPONSE:
        check_response(wire, again, &fabric->response);
        break;
    case FABRIC_OTHER:
        break;
    }
}

static void
check_answer(struct wire *wire, struct wire *again, const struct answer *a)
{
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    struct span r = a->r.size == 0 || a->failed ? SPAN("null") : a->r;
    if (a->failed) {
        answer_encode_error(&wire->out, a->error_code, a->error_message, a->error_details, a->u);
    } else {
        answer_encode(&wire->out, r, a->u);
    }
    decode_again(again, buf_span(&wire->out), &other);
    CHECK(a->failed == other.answer.failed);
    CHECK(a->error_code == other.answer.error_code);
    CHECK(span_equal(r, other.answer.r));
    CHECK(span_equal(a->error_message, other.answer.error_message));
    CHECK(span_equal(a->error_details, other.answer.error_details));
    CHECK(span_equal(a->u, other.answer.u));
}

/* The rest of a text behind its first segment; .data NULL: that was the last one. */
static struct span
next_segment(struct span text)
{
    size_t size = span_find(text, '.');
    return size == text.size ? SPAN_NONE : span_after(text, size + 1);
}

/* Tries every division; .data NULL: no segment is left. */
static bool
oracle_matches(struct span pattern, struct span topic)
{
    if (pattern.data == NULL) {
        return topic.data == NULL;
    }
    struct span wanted = span_part(pattern, 0, span_find(pattern, '.'));
    struct span rest = next_segment(pattern);
    if (span_is(wanted, "#")) {
        return oracle_matches(rest, topic) ||
               (topic.data != NULL && oracle_matches(pattern, next_segment(topic)));
    }
    if (topic.data == NULL) {
        return false;
    }
    struct span found = span_part(topic, 0, span_find(topic, '.'));
    return (span_is(wanted, "*") || span_equal(wanted, found)) &&
           oracle_matches(rest, next_segment(topic));
}

static void
check_patterns(const struct pubsub_subscribe *subscribe)
{
    /* The oracle's time doubles with each division. */
    const size_t size_max = 24;
    struct span topic = subscribe->subscription_id;
    for (uint32_t i = 0; i < subscribe->patterns.count; i++) {
        struct span pattern = subscribe->patterns.items[i];
        if (pattern.size > size_max || topic.size > size_max) {
            continue;
        }
        bool wanted = oracle_matches(
            pattern.size == 0 ? SPAN_NONE : pattern, topic.size == 0 ? SPAN_NONE : topic);
        CHECK(pubsub_topic_matches(pattern, topic, false) == wanted);
        CHECK(pubsub_topic_matches(pattern, topic, true) == span_equal(pattern, topic));
    }
}

/* What subscribers and publishers are told is JSON, with the role of a notice. */
static void
check_notices(struct wire *wire, struct wire *again, const struct pubsub_publish *publish)
{
    struct decoded other = { .fabric = { .kind = FABRIC_OTHER } };
    pubsub_notification_encode(
        &wire->out, publish->message, publish->message_id, publish->publisher);
    decode_again(again, buf_span(&wire->out), &other);
    CHECK(again->envelope.kind == ENVELOPE_NOTICE);
    wire_reset(again);
    buf_reset(&wire->out);
    pubsub_ack_encode(&wire->out, publish->topic.size == 0, publish->topic, publish->u);
    decode_again(again, buf_span(&wire->out), &other);
    CHECK(again->envelope.kind == ENVELOPE_NOTICE);
}

static void
check_decoded(struct wire *wire, struct wire *again, const struct decoded *decoded)
{
    switch (wire->envelope.kind) {
    case ENVELOPE_STATUS:
        check_status(wire, again, &decoded->status);
        break;
    case ENVELOPE_GOODBYE:
        check_goodbye(wire, again, &decoded->goodbye);
        break;
    case ENVELOPE_RPC:
        check_rpc(wire, again, &decoded->rpc);
        break;
    case ENVELOPE_GOSSIP:
        check_gossip(wire, again, decoded);
        break;
    case ENVELOPE_FABRIC:
        check_fabric(wire, again, &decoded->fabric);
        break;
    case ENVELOPE_RESPONSE:
        check_answer(wire, again, &decoded->answer);
        break;
    case ENVELOPE_PUBLISH:
        check_notices(wire, again, &decoded->publish);
        break;
    case ENVELOPE_SUBSCRIBE:
        check_patterns(&decoded->subscribe);
        break;
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_OTHER_ROLE:
        break;
    }
}

static enum message_result
read_message(struct wire *wire, struct span message, struct decoded *decoded)
{
    enum message_result result = wire_scan(wire, message);
    result = result != MESSAGE_OK ? result : wire_decode(wire, received_at, decoded);
    CHECK(result == MESSAGE_OK || wire->fault.result == result);
    CHECK(wire->fault.key != NULL);
    return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire wire;
    struct wire again;
    struct decoded decoded;
    struct decoded unused;
    struct span message = span_from(data, size);
    wire_init(&wire);
    wire_init(&again);
    enum message_result result = read_message(&wire, message, &decoded);
    if (result == MESSAGE_OK) {
        check_decoded(&wire, &again, &decoded);
    }
    CHECK(wire_destroy(&again));

    wire_init(&again);
    again.mem.cap = (size % 64) * 512;
    enum message_result short_result = read_message(&again, message, &unused);
    CHECK(short_result == result || short_result == MESSAGE_NO_MEMORY);
    CHECK(wire_destroy(&again));
    CHECK(wire_destroy(&wire));
    return 0;
}
