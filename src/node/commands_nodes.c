/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands_nodes.c - who is in the cluster, as clients ask for it: list_peers, cluster_map,
 * cluster_map_v2.
 */
#include "core/delta.h"
#include "core/json_write.h"
#include "node/commands_request.h"

/* A peer that is gone stays in list_peers for so long (protocol.md 4.5). */
#define SHOW_DISCONNECTED_NS (INT64_C(20) * (int64_t)SEC_NS)

/* The nodes that we met, by URL. */
struct met {
    const void **sorted; /* struct member_node */
    size_t count;
    uint64_t dialed_count;
};

static int
compare_met(const void *a, const void *b)
{
    return span_compare(((const struct member_node *)a)->url, ((const struct member_node *)b)->url);
}

static bool
gather_met(const struct command_call *call, struct met *met)
{
    struct member_node node;
    size_t cursor = 0;
    size_t count = 0;
    while (member_next_node(call->member, &cursor, call->now, &node)) {
        count++;
    }
    struct member_node *nodes = arena_take(call->arena, count * sizeof(*nodes));
    *met = (struct met){ .sorted = arena_take(call->arena, count * sizeof(*met->sorted)) };
    if (nodes == NULL || met->sorted == NULL) {
        return false;
    }
    cursor = 0;
    while (met->count < count &&
           member_next_node(call->member, &cursor, call->now, &nodes[met->count])) {
        met->dialed_count += nodes[met->count].dialed_up;
        met->sorted[met->count] = &nodes[met->count];
        met->count++;
    }
    order_sort(met->sorted, met->count, compare_met);
    return true;
}

static const struct member_node *
find_met(const struct met *met, struct span url)
{
    size_t low = 0;
    size_t high = met->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct member_node *node = met->sorted[middle];
        int order = span_compare(node->url, url);
        if (order == 0) {
            return node;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static bool
is_connected(const struct member_node *node)
{
    return node->dialed_up || node->inbound_up;
}

static const char *
status_of(const struct member_node *node)
{
    if (node == NULL || !node->known_status) {
        return "unknown";
    }
    return is_connected(node) && node->status_ok ? "ok" : "disconnected";
}

/* What one STATUS says of a node's load; our own is made up alike. */
static struct member_node
own_load(const struct command_call *call, const struct met *met)
{
    struct member_stats stats = member_stats(call->member);
    uint64_t open = 0;
    for (size_t state = 0; state < PEER_STATE_COUNT; state++) {
        open +=
            state == PEER_CLOSING || state == PEER_GREETING ? 0 : stats.connections_by_state[state];
    }
    uint64_t accepted = open > met->dialed_count ? open - met->dialed_count : 0;
    return (struct member_node){
        .url = member_config_of(call->member)->url,
        .dialed_up = true,
        .known_status = true,
        .status_at = call->now.wall,
        .status_ok = true,
        .active_clients = (int64_t)accepted,
        .peer_count = (int64_t)catalog_node_count(member_catalog(call->member)),
        .messages_processed = (int64_t)stats.messages_received,
        .server_messages = (int64_t)stats.server_messages,
        .other_messages = (int64_t)stats.other_messages,
        .load_score = accepted,
    };
}

static void
write_key_i64(struct json_writer *writer, const char *key, int64_t value)
{
    json_write_key(writer, key);
    json_write_i64(writer, value);
}

static void
write_key_string(struct json_writer *writer, const char *key, struct span text)
{
    json_write_key(writer, key);
    json_write_string(writer, text);
}

static void
write_load(struct json_writer *writer, const struct member_node *node)
{
    json_write_key(writer, "load");
    if (node == NULL || !node->known_status) {
        json_write_null(writer);
        return;
    }
    const uint64_t score_max = 1000000000;
    uint64_t score = node->load_score < score_max ? node->load_score : score_max;
    json_begin_object(writer);
    write_key_i64(writer, "active_clients", node->active_clients);
    write_key_i64(writer, "peer_count", node->peer_count);
    json_write_key(writer, "status");
    json_write_text(writer, status_of(node));
    json_write_key(writer, "status_timestamp");
    json_write_seconds(writer, node->status_at.ns);
    write_key_i64(writer, "messages_processed", node->messages_processed);
    write_key_i64(writer, "rpc_responses_skipped", node->rpc_responses_skipped);
    write_key_i64(writer, "server_messages", node->server_messages);
    write_key_i64(writer, "other_messages", node->other_messages);
    json_write_key(writer, "load_score");
    json_write_seconds(writer, (int64_t)(score * SEC_NS));
    json_end_object(writer);
}

static void
write_endpoints(struct json_writer *writer, const struct node_descriptor *node)
{
    struct span endpoints = node->transport_endpoints;
    json_write_key(writer, "transport_endpoints");
    json_write_raw(writer, endpoints.size == 0 ? SPAN("[]") : endpoints);
    json_write_key(writer, "advertised_urls");
    json_begin_array(writer);
    json_write_string(writer, node->key.node_id);
    json_end_array(writer);
}

/* list_peers */

static int
compare_urls(const void *a, const void *b)
{
    return span_compare(((const struct catalog_node *)a)->descriptor.key.node_id,
        ((const struct catalog_node *)b)->descriptor.key.node_id);
}

static int
compare_texts(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* An array of the texts, each once, in order. */
static void
write_sorted(struct json_writer *writer, const void **texts, size_t count)
{
    order_sort(texts, count, compare_texts);
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_texts(texts[i - 1], texts[i]) != 0) {
            json_write_string(writer, *(const struct span *)texts[i]);
        }
    }
    json_end_array(writer);
}

/* The names of its functions, and their resources together with the node's own. false: no memory. */
static bool
write_offers(
    struct json_writer *writer, const struct command_call *call, const struct catalog_node *node)
{
    size_t function_count = 0;
    size_t resource_count = node->descriptor.resources.count;
    const struct catalog_entry *entry = NULL;
    while ((entry = catalog_next_of_node(node, entry)) != NULL) {
        function_count++;
        resource_count += entry->facts->resources.count;
    }
    const void **names = arena_take(call->arena, function_count * sizeof(*names));
    struct span *texts = arena_take(call->arena, function_count * sizeof(*texts)); /* of names */
    const void **resources = arena_take(call->arena, resource_count * sizeof(*resources));
    if (names == NULL || texts == NULL || resources == NULL) {
        return false;
    }
    size_t names_used = 0;
    size_t resources_used = 0;
    while ((entry = catalog_next_of_node(node, entry)) != NULL) {
        const struct function_key key = catalog_endpoint(entry).key;
        texts[names_used] = key.identity.name;
        names[names_used] = &texts[names_used];
        names_used++;
        for (uint32_t i = 0; i < key.resources.count; i++) {
            resources[resources_used++] = &key.resources.items[i];
        }
    }
    for (uint32_t i = 0; i < node->descriptor.resources.count; i++) {
        resources[resources_used++] = &node->descriptor.resources.items[i];
    }
    json_write_key(writer, "funs");
    write_sorted(writer, names, names_used);
    json_write_key(writer, "locs");
    write_sorted(writer, resources, resources_used);
    return true;
}

static const char *
distance(const struct member_config *own, const struct node_descriptor *node)
{
    if (span_equal(node->key.cluster_id, own->cluster_id)) {
        return "zone";
    }
    bool elsewhere = node->region.size > 0 && !span_equal(node->region, own->region);
    return elsewhere ? "global" : "region";
}

static bool
write_peer(struct json_writer *writer, const struct command_filter *filter,
    const struct catalog_node *node, const struct member_node *met)
{
    const struct node_descriptor *descriptor = &node->descriptor;
    bool known = met != NULL && met->known_status;
    json_begin_object(writer);
    write_key_string(writer, "url", descriptor->key.node_id);
    write_key_string(writer, "cluster_id", descriptor->key.cluster_id);
    if (!write_offers(writer, filter->call, node)) {
        return false;
    }
    json_write_key(writer, "last_seen");
    json_write_seconds(writer, descriptor->advertised_at.ns);
    json_write_key(writer, "status");
    json_write_text(writer, status_of(met));
    json_write_key(writer, "status_timestamp");
    if (known) {
        json_write_seconds(writer, met->status_at.ns);
    } else {
        json_write_null(writer);
    }
    json_write_key(writer, "scope");
    json_write_text(writer, distance(filter->own, descriptor));
    if (descriptor->region.size > 0) {
        write_key_string(writer, "region", descriptor->region);
    }
    write_endpoints(writer, descriptor);
    write_load(writer, met);
    json_end_object(writer);
    return true;
}

static bool
wants_peer(const struct command_filter *filter, const struct catalog_node *node,
    const struct met *met, struct wall now)
{
    const struct node_key *key = &node->descriptor.key;
    if (filter->nothing || filter->scope == COMMAND_SCOPE_LOCAL ||
        span_equal(key->node_id, filter->own->url) ||
        (filter->cluster_id.size > 0 && !span_equal(filter->cluster_id, key->cluster_id))) {
        return false;
    }
    const struct member_node *known = find_met(met, key->node_id);
    bool lost = known != NULL && !is_connected(known) && known->lost_at.ns != 0;
    return !lost || now.ns - known->lost_at.ns < SHOW_DISCONNECTED_NS;
}

struct command_result
commands_list_peers(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    struct met met;
    struct order_page page;
    const struct catalog *catalog = member_catalog(call->member);
    struct command_window everybody = { .limit = catalog_node_count(catalog) };
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    bool written = gather_met(call, &met) &&
                   commands_begin_page(call, &everybody, everybody.limit, compare_urls, &page);
    size_t cursor = 0;
    const struct catalog_node *node;
    while (written && (node = catalog_next_node(catalog, &cursor)) != NULL) {
        if (wants_peer(&filter, node, &met, call->now.wall)) {
            order_page_offer(&page, node);
        }
    }
    if (written) {
        order_page_end(&page);
    }
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_array(&writer);
    for (size_t i = 0; written && i < page.count; i++) {
        node = page.items[i];
        written = write_peer(&writer, &filter, node, find_met(&met, node->descriptor.key.node_id));
    }
    json_end_array(&writer);
    return written ? commands_written(call) : commands_no_memory();
}

/* cluster_map */

static void
write_map_node(
    struct json_writer *writer, const struct node_descriptor *node, const struct member_node *met)
{
    json_begin_object(writer);
    write_key_string(writer, "node_id", node->key.node_id);
    write_key_string(writer, "cluster_id", node->key.cluster_id);
    json_write_key(writer, "resources");
    text_list_encode(writer, &node->resources);
    json_write_key(writer, "capabilities");
    text_list_encode(writer, &node->capabilities);
    if (node->region.size > 0) {
        write_key_string(writer, "region", node->region);
    }
    write_key_string(writer, "scope", node->scope);
    if (node->tags.count > 0) {
        json_write_key(writer, "tags");
        text_list_encode(writer, &node->tags);
    }
    write_endpoints(writer, node);
    json_write_key(writer, "advertised_at");
    json_write_seconds(writer, node->advertised_at.ns);
    write_load(writer, met);
    json_end_object(writer);
}

static bool
any_starts_with(const struct text_list *list, struct span head)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (span_starts_with(list->items[i], head)) {
            return true;
        }
    }
    return false;
}

/* For nodes the filter is the beginning of one of their texts, not a namespace. */
static bool
starts_as_wanted(const struct node_descriptor *node, struct span head)
{
    return head.size == 0 || span_starts_with(node->key.node_id, head) ||
           span_starts_with(node->key.cluster_id, head) ||
           any_starts_with(&node->resources, head) || any_starts_with(&node->capabilities, head);
}

static struct command_result
map_nodes(const struct command_filter *filter, const struct command_window *window, bool paged)
{
    const struct command_call *call = filter->call;
    const struct catalog *catalog = member_catalog(call->member);
    struct met met;
    struct order_page page;
    if (!gather_met(call, &met) || !commands_begin_page(call, window, catalog_node_count(catalog),
                                       commands_compare_nodes, &page)) {
        return commands_no_memory();
    }
    struct member_node self = own_load(call, &met);
    size_t cursor = 0;
    const struct catalog_node *node;
    while ((node = catalog_next_node(catalog, &cursor)) != NULL) {
        if (commands_wants_node(filter, &node->descriptor) &&
            starts_as_wanted(&node->descriptor, filter->request->namespace_filter)) {
            order_page_offer(&page, node);
        }
    }
    order_page_end(&page);
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    write_key_string(&writer, "cluster_id", filter->own->cluster_id);
    commands_write_generated_at(&writer, call);
    json_write_key(&writer, "nodes");
    json_begin_array(&writer);
    for (size_t i = window->offset; i < page.count; i++) {
        node = page.items[i];
        struct span url = node->descriptor.key.node_id;
        bool is_self = span_equal(url, self.url);
        write_map_node(&writer, &node->descriptor, is_self ? &self : find_met(&met, url));
    }
    json_end_array(&writer);
    if (paged) {
        commands_write_page_token(&writer, window, &page);
    }
    json_end_object(&writer);
    return commands_written(call);
}

/* All nodes, whatever is asked: the older command takes no request. */
struct command_result
commands_cluster_map(const struct command_call *call)
{
    struct command_request request = { .entry_type = SPAN_NONE };
    struct command_filter filter;
    struct command_result failure;
    struct command_window everybody = { .limit = catalog_node_count(member_catalog(call->member)) };
    if (!commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    return map_nodes(&filter, &everybody, false);
}

struct command_result
commands_cluster_map_v2(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    struct command_window window = commands_window(&request);
    return map_nodes(&filter, &window, true);
}
