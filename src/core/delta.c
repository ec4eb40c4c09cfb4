/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.c - reading RoutingCatalogDelta: endpoints, descriptors and keys (protocol.md 4.2).
 */
#include "core/delta.h"

#include "core/message_fields.h"

/* What the reference gives an entry that names no ttl. */
#define TTL_DEFAULT_NS (UINT64_C(30) * SEC_NS)

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool
scope_is(struct span text, struct span scope)
{
    for (size_t i = 0; i < text.size && text.size == scope.size; i++) {
        bool upper = text.data[i] >= 'A' && text.data[i] <= 'Z';
        uint8_t lower = (uint8_t)(upper ? text.data[i] - 'A' + 'a' : text.data[i]);
        if (lower != scope.data[i]) {
            return false;
        }
    }
    return text.size == scope.size;
}

/* One of local, zone, region, global: whatever else a peer writes counts as zone. */
static struct span
normal_scope(struct span text)
{
    const struct span scopes[] = { SPAN("local"), SPAN("region"), SPAN("global") };
    while (text.size > 0 && is_space(text.data[0])) {
        text = span_after(text, 1);
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text = span_part(text, 0, text.size - 1);
    }
    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        if (scope_is(text, scopes[i])) {
            return scopes[i];
        }
    }
    return SPAN("zone");
}

static enum message_result
read_identity(
    const struct message_reader *reader, uint32_t object, struct function_identity *identity)
{
    const struct field fields[] = {
        { FIELD_TEXT("name", &identity->name), FIELD_REQUIRED },
        { FIELD_TEXT("function_id", &identity->function_id), FIELD_REQUIRED },
        { FIELD_TEXT("version", &identity->version_text), FIELD_REQUIRED },
    };
    enum message_result result = message_read(reader, object, "identity", fields, COUNT_OF(fields));
    if (result == MESSAGE_OK && !version_parse(identity->version_text, &identity->version)) {
        return message_refuse(reader, MESSAGE_BAD_VALUE, "version");
    }
    return result;
}

static enum message_result
read_function(
    const struct message_reader *reader, uint32_t object, struct wall received_at, void *item)
{
    struct function_endpoint *endpoint = item;
    uint32_t identity = 0;
    const struct field fields[] = {
        { FIELD_OBJECT("identity", &identity), FIELD_REQUIRED },
        { FIELD_TEXT("node_id", &endpoint->key.node_id) },
        { FIELD_TEXT("cluster_id", &endpoint->key.cluster_id) },
        { FIELD_TEXTS("resources", &endpoint->key.resources, LIST_COUNT_MAX) },
        { FIELD_TEXT("scope", &endpoint->scope) },
        { FIELD_TEXTS("tags", &endpoint->tags, LIST_COUNT_MAX) },
        { FIELD_TIME("advertised_at", &endpoint->advertised_at) },
        { FIELD_TTL("ttl_seconds", &endpoint->ttl_ns) },
        { FIELD_RAW_OBJECT("rpc_summary", &endpoint->rpc_summary) },
        { FIELD_RAW_OBJECT("rpc_spec", &endpoint->rpc_spec) },
        { FIELD_TEXT("spec_digest", &endpoint->spec_digest) },
    };
    endpoint->advertised_at = received_at;
    endpoint->ttl_ns = TTL_DEFAULT_NS;
    enum message_result result =
        message_read(reader, object, "functions", fields, COUNT_OF(fields));
    endpoint->scope = normal_scope(endpoint->scope);
    return result != MESSAGE_OK ? result : read_identity(reader, identity, &endpoint->key.identity);
}

static enum message_result
read_function_key(
    const struct message_reader *reader, uint32_t object, struct wall received_at, void *item)
{
    struct function_key *key = item;
    uint32_t identity = 0;
    const struct field fields[] = {
        { FIELD_TEXT("cluster_id", &key->cluster_id) },
        { FIELD_TEXT("node_id", &key->node_id) },
        { FIELD_OBJECT("identity", &identity), FIELD_REQUIRED },
        { FIELD_TEXTS("resources", &key->resources, LIST_COUNT_MAX) },
    };
    enum message_result result =
        message_read(reader, object, "function_removals", fields, COUNT_OF(fields));
    (void)received_at;
    return result != MESSAGE_OK ? result : read_identity(reader, identity, &key->identity);
}

/* One of transport_endpoints. */
struct transport {
    struct span connection_type;
    struct span protocol;
    struct span host;
    int64_t port;
    struct span endpoint;
};

static bool
has_parts(const struct transport *transport)
{
    return transport->protocol.size > 0 && transport->host.size > 0 && transport->port != 0;
}

/* Its parts count; only when one is missing the endpoint's own URL does, as in the reference. */
static bool
speaks(const struct transport *transport, struct span protocol, struct span scheme)
{
    return has_parts(transport) ? span_equal(transport->protocol, protocol)
                                : span_starts_with(transport->endpoint, scheme);
}

/* How good it is to dial: higher is better, 0 is not at all. Only WebSocket is spoken here. */
static uint32_t
transport_rank(const struct transport *transport)
{
    uint32_t internal = span_is(transport->connection_type, "internal") ? 2 : 0;
    if (has_parts(transport) && (transport->port < 0 || transport->port > 65535)) {
        return 0;
    }
    if (speaks(transport, SPAN("wss"), SPAN("wss://"))) {
        return internal + 2;
    }
    return speaks(transport, SPAN("ws"), SPAN("ws://")) ? internal + 1 : 0;
}

/* protocol://host:port, or the endpoint's own URL. .data NULL: no memory. */
static struct span
transport_url(const struct transport *transport, struct arena *arena)
{
    const uint8_t colon_slashes[] = { ':', '/', '/' };
    uint8_t digits[5];
    size_t digit_count = 0;
    if (!has_parts(transport)) {
        return transport->endpoint;
    }
    for (int64_t rest = transport->port; rest > 0; rest /= 10) {
        digits[digit_count] = (uint8_t)('0' + rest % 10);
        digit_count++;
    }
    struct span protocol = transport->protocol;
    struct span host = transport->host;
    size_t size = protocol.size + sizeof(colon_slashes) + host.size + 1 + digit_count;
    uint8_t *url = arena_take(arena, size);
    if (url == NULL) {
        return SPAN_NONE;
    }
    memcpy(url, protocol.data, protocol.size);
    memcpy(&url[protocol.size], colon_slashes, sizeof(colon_slashes));
    memcpy(&url[protocol.size + sizeof(colon_slashes)], host.data, host.size);
    url[size - digit_count - 1] = ':';
    for (size_t i = 0; i < digit_count; i++) {
        url[size - 1 - i] = digits[i];
    }
    return span_from(url, size);
}

static enum message_result
read_transport(const struct message_reader *reader, uint32_t object, struct transport *transport)
{
    const struct field fields[] = {
        { FIELD_TEXT("connection_type", &transport->connection_type) },
        { FIELD_TEXT("protocol", &transport->protocol) },
        { FIELD_TEXT("host", &transport->host) },
        { FIELD_INTEGER("port", &transport->port) },
        { FIELD_TEXT("endpoint", &transport->endpoint) },
    };
    *transport = (struct transport){ .port = 0 };
    return message_read(reader, object, "transport_endpoints", fields, COUNT_OF(fields));
}

/* The URL of the best endpoint of the array; node->dial_url keeps its own when there is none. */
static enum message_result
read_dial_url(const struct message_reader *reader, uint32_t array, struct node_descriptor *node)
{
    struct transport best = { .port = 0 };
    uint32_t best_rank = 0;
    JSON_EACH_ITEM (reader->doc, array, item) {
        struct transport transport;
        enum message_result result = read_transport(reader, item, &transport);
        if (result != MESSAGE_OK) {
            return result;
        }
        uint32_t rank = transport_rank(&transport);
        if (rank > best_rank) {
            best = transport;
            best_rank = rank;
        }
    }
    struct span url = best_rank == 0 ? node->dial_url : transport_url(&best, reader->arena);
    if (best_rank > 0 && url.data == NULL) {
        return message_refuse(reader, MESSAGE_NO_MEMORY, "transport_endpoints");
    }
    if (url.size > NAME_SIZE_MAX) {
        return message_refuse(reader, MESSAGE_TOO_LARGE, "transport_endpoints");
    }
    node->dial_url = url;
    return MESSAGE_OK;
}

static enum message_result
read_node(const struct message_reader *reader, uint32_t object, struct wall received_at, void *item)
{
    struct node_descriptor *node = item;
    uint32_t endpoints = 0;
    const struct field fields[] = {
        { FIELD_TEXT("node_id", &node->key.node_id) },
        { FIELD_TEXT("cluster_id", &node->key.cluster_id) },
        { FIELD_TEXT("region", &node->region) },
        { FIELD_TEXT("scope", &node->scope) },
        { FIELD_TEXTS("tags", &node->tags, LIST_COUNT_MAX) },
        { FIELD_TEXTS("resources", &node->resources, LIST_COUNT_MAX) },
        { FIELD_TEXTS("capabilities", &node->capabilities, LIST_COUNT_MAX) },
        { FIELD_ARRAY("transport_endpoints", &endpoints, LIST_COUNT_MAX) },
        { FIELD_TIME("advertised_at", &node->advertised_at) },
        { FIELD_TTL("ttl_seconds", &node->ttl_ns) },
    };
    node->advertised_at = received_at;
    node->ttl_ns = TTL_DEFAULT_NS;
    enum message_result result = message_read(reader, object, "nodes", fields, COUNT_OF(fields));
    node->scope = normal_scope(node->scope);
    node->dial_url = node->key.node_id;
    if (result != MESSAGE_OK || endpoints == 0) {
        return result;
    }
    node->transport_endpoints = json_raw(reader->doc, endpoints);
    return read_dial_url(reader, endpoints, node);
}

static enum message_result
read_node_key(
    const struct message_reader *reader, uint32_t object, struct wall received_at, void *item)
{
    struct node_key *key = item;
    const struct field fields[] = {
        { FIELD_TEXT("cluster_id", &key->cluster_id) },
        { FIELD_TEXT("node_id", &key->node_id) },
    };
    (void)received_at;
    return message_read(reader, object, "node_removals", fields, COUNT_OF(fields));
}

/* One list of the delta. */
struct section {
    const char *key;
    size_t item_size;
    enum message_result (*read)(
        const struct message_reader *reader, uint32_t object, struct wall received_at, void *item);
    uint32_t array; /* 0: absent */
    void *items;
    uint32_t count;
};

static enum message_result
read_section(const struct message_reader *reader, struct section *section, struct wall received_at)
{
    if (section->array == 0) {
        return MESSAGE_OK;
    }
    uint8_t *items = message_take_items(reader, section->array, section->item_size, section->key);
    if (items == NULL) {
        return MESSAGE_NO_MEMORY;
    }
    section->items = items;
    JSON_EACH_ITEM (reader->doc, section->array, object) {
        void *item = &items[section->count * section->item_size];
        enum message_result result = section->read(reader, object, received_at, item);
        if (result != MESSAGE_OK) {
            return result;
        }
        section->count++;
    }
    return MESSAGE_OK;
}

enum message_result
delta_decode(const struct envelope *envelope, const struct gossip *gossip, struct wall received_at,
    struct message_scratch *scratch, struct delta *delta, struct message_fault *fault)
{
    struct section functions = { "functions", sizeof(struct function_endpoint), read_function, 0,
        NULL, 0 };
    struct section removals = { "function_removals", sizeof(struct function_key), read_function_key,
        0, NULL, 0 };
    struct section nodes = { "nodes", sizeof(struct node_descriptor), read_node, 0, NULL, 0 };
    struct section node_removals = { "node_removals", sizeof(struct node_key), read_node_key, 0,
        NULL, 0 };
    struct section *sections[] = { &functions, &removals, &nodes, &node_removals };
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_TEXT("update_id", &delta->update_id) },
        { FIELD_TEXT("cluster_id", &delta->cluster_id) },
        { FIELD_TIME("sent_at", &delta->sent_at), FIELD_SEEN(&delta->has_sent_at) },
        { FIELD_ARRAY(functions.key, &functions.array, DELTA_COUNT_MAX) },
        { FIELD_ARRAY(removals.key, &removals.array, DELTA_COUNT_MAX) },
        { FIELD_ARRAY(nodes.key, &nodes.array, DELTA_COUNT_MAX) },
        { FIELD_ARRAY(node_removals.key, &node_removals.array, DELTA_COUNT_MAX) },
    };
    CHECK(gossip->type == GOSSIP_CATALOG_UPDATE);
    *delta = (struct delta){ .sent_at = received_at };
    if (gossip->payload == 0) {
        /* The reference logs this and goes on: nothing came, nothing went. */
        return MESSAGE_OK;
    }
    enum message_result result =
        message_read(&reader, gossip->payload, "payload", fields, COUNT_OF(fields));
    for (size_t i = 0; i < COUNT_OF(sections) && result == MESSAGE_OK; i++) {
        result = read_section(&reader, sections[i], received_at);
    }
    delta->functions = functions.items;
    delta->function_count = functions.count;
    delta->function_removals = removals.items;
    delta->function_removal_count = removals.count;
    delta->nodes = nodes.items;
    delta->node_count = nodes.count;
    delta->node_removals = node_removals.items;
    delta->node_removal_count = node_removals.count;
    return result;
}
