/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_encode.c - writing RoutingCatalogDelta: the reference's fields in the reference's order. The contracts are in delta.h.
 */
#include "core/delta.h"
#include "core/json_write.h"
#include "core/message_fields.h"

/* A kind of entry that we have none of. */
static void
encode_nothing(struct json_writer *writer, const char *key)
{
    json_write_key(writer, key);
    json_begin_array(writer);
    json_end_array(writer);
}

/* advertised_at and ttl_seconds. */
static void
encode_life(struct json_writer *writer, struct wall advertised_at, uint64_t ttl_ns)
{
    json_write_key(writer, "advertised_at");
    json_write_seconds(writer, advertised_at.ns);
    json_write_key(writer, "ttl_seconds");
    json_write_seconds(writer, ttl_ns > INT64_MAX ? INT64_MAX : (int64_t)ttl_ns);
}

void
function_identity_encode(struct json_writer *writer, const struct function_identity *identity)
{
    json_begin_object(writer);
    message_write_text(writer, "name", identity->name);
    message_write_text(writer, "function_id", identity->function_id);
    message_write_text(writer, "version", identity->version_text);
    json_end_object(writer);
}

void
function_endpoint_encode(struct json_writer *writer, const struct function_endpoint *endpoint)
{
    json_begin_object(writer);
    json_write_key(writer, "identity");
    function_identity_encode(writer, &endpoint->key.identity);
    message_write_list(writer, "resources", &endpoint->key.resources);
    message_write_text(writer, "node_id", endpoint->key.node_id);
    message_write_text(writer, "cluster_id", endpoint->key.cluster_id);
    message_write_text(writer, "scope", endpoint->scope);
    message_write_list(writer, "tags", &endpoint->tags);
    encode_life(writer, endpoint->advertised_at, endpoint->ttl_ns);
    if (endpoint->rpc_summary.size > 0) {
        json_write_key(writer, "rpc_summary");
        json_write_raw(writer, endpoint->rpc_summary);
    }
    if (endpoint->rpc_spec.size > 0) {
        json_write_key(writer, "rpc_spec");
        json_write_raw(writer, endpoint->rpc_spec);
    }
    if (endpoint->spec_digest.size > 0) {
        message_write_text(writer, "spec_digest", endpoint->spec_digest);
    }
    json_end_object(writer);
}

void
node_descriptor_encode(struct json_writer *writer, const struct node_descriptor *node)
{
    json_begin_object(writer);
    message_write_text(writer, "node_id", node->key.node_id);
    message_write_text(writer, "cluster_id", node->key.cluster_id);
    message_write_text(writer, "scope", node->scope);
    message_write_list(writer, "resources", &node->resources);
    message_write_list(writer, "capabilities", &node->capabilities);
    json_write_key(writer, "transport_endpoints");
    json_write_raw(
        writer, node->transport_endpoints.size == 0 ? SPAN("[]") : node->transport_endpoints);
    message_write_list(writer, "tags", &node->tags);
    encode_life(writer, node->advertised_at, node->ttl_ns);
    if (node->region.size > 0) {
        message_write_text(writer, "region", node->region);
    }
    json_end_object(writer);
}

static void
encode_function_key(struct json_writer *writer, const struct function_key *key)
{
    json_begin_object(writer);
    message_write_text(writer, "cluster_id", key->cluster_id);
    message_write_text(writer, "node_id", key->node_id);
    json_write_key(writer, "identity");
    function_identity_encode(writer, &key->identity);
    message_write_list(writer, "resources", &key->resources);
    json_end_object(writer);
}

static void
encode_node_key(struct json_writer *writer, const struct node_key *key)
{
    json_begin_object(writer);
    message_write_text(writer, "cluster_id", key->cluster_id);
    message_write_text(writer, "node_id", key->node_id);
    json_end_object(writer);
}

static void
encode_functions(struct json_writer *writer, const struct delta *delta)
{
    json_write_key(writer, "functions");
    json_begin_array(writer);
    for (uint32_t i = 0; i < delta->function_count; i++) {
        function_endpoint_encode(writer, &delta->functions[i]);
    }
    json_end_array(writer);
    json_write_key(writer, "function_removals");
    json_begin_array(writer);
    for (uint32_t i = 0; i < delta->function_removal_count; i++) {
        encode_function_key(writer, &delta->function_removals[i]);
    }
    json_end_array(writer);
}

static void
encode_nodes(struct json_writer *writer, const struct delta *delta)
{
    json_write_key(writer, "nodes");
    json_begin_array(writer);
    for (uint32_t i = 0; i < delta->node_count; i++) {
        node_descriptor_encode(writer, &delta->nodes[i]);
    }
    json_end_array(writer);
    json_write_key(writer, "node_removals");
    json_begin_array(writer);
    for (uint32_t i = 0; i < delta->node_removal_count; i++) {
        encode_node_key(writer, &delta->node_removals[i]);
    }
    json_end_array(writer);
}

void
delta_encode(struct buf *out, const struct delta *delta)
{
    static const char *const absent[] = { "topics", "topic_removals", "queues", "queue_removals",
        "services", "service_removals", "caches", "cache_removals", "cache_profiles",
        "cache_profile_removals" };
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    message_write_text(&writer, "update_id", delta->update_id);
    message_write_text(&writer, "cluster_id", delta->cluster_id);
    json_write_key(&writer, "sent_at");
    json_write_seconds(&writer, delta->sent_at.ns);
    encode_functions(&writer, delta);
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        encode_nothing(&writer, absent[i]);
    }
    encode_nodes(&writer, delta);
    json_end_object(&writer);
}
