/* SPDX-License-Identifier: Apache-2.0 */
/* commands_report.c - functions counted: rpc_report, summary_query. */
#include "base/map.h"
#include "core/json_write.h"
#include "node/commands_request.h"

struct tally_count {
    struct span key;
    uint64_t count;
};

struct tally {
    struct map map;
    struct arena *arena;
    struct hash_key hash_key;
    bool failed; /* memory ran out */
};

static bool
tally_is(const void *item, const void *key)
{
    const struct tally_count *count = item;
    return span_equal(count->key, *(const struct span *)key);
}

static void
tally_init(struct tally *tally, const struct command_call *call)
{
    *tally = (struct tally){ .arena = call->arena, .hash_key = call->hash_key };
    map_init(&tally->map, call->mem, tally_is);
}

static void
tally_add(struct tally *tally, struct span key)
{
    uint64_t hash = hash_bytes(&tally->hash_key, key);
    struct tally_count *found = map_find(&tally->map, hash, &key);
    if (found != NULL) {
        found->count++;
        return;
    }
    struct tally_count *count = arena_take(tally->arena, sizeof(*count));
    if (count == NULL || !map_insert(&tally->map, hash, count)) {
        tally->failed = true;
        return;
    }
    *count = (struct tally_count){ .key = key, .count = 1 };
}

/* The largest first, then by key. */
static int
compare_counts(const void *a, const void *b)
{
    const struct tally_count *x = a;
    const struct tally_count *y = b;
    int order = (y->count > x->count) - (y->count < x->count);
    return order != 0 ? order : span_compare(x->key, y->key);
}

static void
write_tally(struct json_writer *writer, const char *key, struct tally *tally)
{
    const void **sorted = arena_take(tally->arena, tally->map.count * sizeof(*sorted));
    size_t count = 0;
    size_t cursor = 0;
    const void *item;
    while (sorted != NULL && (item = map_next(&tally->map, &cursor)) != NULL) {
        sorted[count++] = item;
    }
    tally->failed |= sorted == NULL;
    if (count > 0) {
        order_sort(sorted, count, compare_counts);
    }
    json_write_key(writer, key);
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        const struct tally_count *shown = sorted[i];
        json_begin_object(writer);
        if (shown->key.size > 0) {
            json_write_key(writer, "key");
            json_write_string(writer, shown->key);
        }
        json_write_key(writer, "count");
        json_write_u64(writer, shown->count);
        json_end_object(writer);
    }
    json_end_array(writer);
}

struct report {
    struct tally namespaces;
    struct tally clusters;
    struct tally tags;
    uint64_t total;
};

static void
count_functions(const struct command_filter *filter, struct report *report)
{
    const struct catalog *catalog = member_catalog(filter->call->member);
    size_t cursor = 0;
    const struct catalog_entry *entry;
    while ((entry = catalog_next(catalog, &cursor)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        if (!commands_wants_function(filter, &endpoint)) {
            continue;
        }
        report->total++;
        tally_add(&report->namespaces, commands_namespace_of(endpoint.key.identity.name));
        tally_add(&report->clusters, endpoint.key.cluster_id);
        for (uint32_t i = 0; i < endpoint.tags.count; i++) {
            tally_add(&report->tags, endpoint.tags.items[i]);
        }
    }
}

struct command_result
commands_rpc_report(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    struct report report = { .total = 0 };
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    tally_init(&report.namespaces, call);
    tally_init(&report.clusters, call);
    tally_init(&report.tags, call);
    count_functions(&filter, &report);
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    commands_write_generated_at(&writer, call);
    json_write_key(&writer, "total_functions");
    json_write_u64(&writer, report.total);
    write_tally(&writer, "namespace_counts", &report.namespaces);
    write_tally(&writer, "cluster_counts", &report.clusters);
    write_tally(&writer, "tag_counts", &report.tags);
    json_end_object(&writer);
    bool failed = report.namespaces.failed || report.clusters.failed || report.tags.failed;
    map_destroy(&report.namespaces.map);
    map_destroy(&report.clusters.map);
    map_destroy(&report.tags.map);
    return failed ? commands_no_memory() : commands_written(call);
}

/* summary_query: one item for each name. */

/* In a summary an undotted name is its own namespace (protocol.md 5.3). */
static struct span
summary_namespace(struct span name)
{
    struct span namespace = commands_namespace_of(name);
    return namespace.size == 0 ? name : namespace;
}

static int
compare_summaries(const void *a, const void *b)
{
    struct span x = ((const struct tally_count *)a)->key;
    struct span y = ((const struct tally_count *)b)->key;
    int order = span_compare(summary_namespace(x), summary_namespace(y));
    return order != 0 ? order : span_compare(x, y);
}

static bool
wants_summary(const struct command_call *call, const struct command_request *request,
    const struct function_endpoint *endpoint)
{
    struct span name = endpoint->key.identity.name;
    return function_alive(endpoint->advertised_at, endpoint->ttl_ns, call->now.wall) &&
           (request->service_id.size == 0 || span_equal(request->service_id, name)) &&
           commands_in_namespace(request->namespace_filter, summary_namespace(name));
}

static void
write_summary(struct json_writer *writer, const struct command_filter *filter,
    const struct tally_count *counted)
{
    json_begin_object(writer);
    json_write_key(writer, "namespace");
    json_write_string(writer, summary_namespace(counted->key));
    json_write_key(writer, "service_id");
    json_write_string(writer, counted->key);
    json_write_key(writer, "regions");
    json_begin_array(writer);
    if (filter->own->region.size > 0) {
        json_write_string(writer, filter->own->region);
    }
    json_end_array(writer);
    json_write_key(writer, "endpoint_count");
    json_write_u64(writer, counted->count);
    json_write_key(writer, "health_band");
    json_write_text(writer, "healthy");
    json_write_key(writer, "latency_band_ms");
    json_write_raw(writer, SPAN("[0,0]"));
    json_write_key(writer, "ttl_seconds");
    json_write_seconds(writer, (int64_t)MEMBER_TTL_NS);
    commands_write_generated_at(writer, filter->call);
    json_write_key(writer, "source_cluster");
    json_write_string(writer, filter->own->cluster_id);
    if (filter->request->scope.size > 0) {
        json_write_key(writer, "scope");
        json_write_string(writer, filter->request->scope);
    }
    json_end_object(writer);
}

/* Where to reach the own cluster, whose name all summaries bear. A scope that is none reaches nobody. */
static void
write_ingress(struct json_writer *writer, const struct command_filter *filter)
{
    const struct command_request *request = filter->request;
    const struct command_request wanted = {
        .scope = request->ingress_scope,
        .cluster_id = filter->own->cluster_id,
        .capabilities = request->ingress_capabilities,
    };
    struct command_filter nodes;
    struct command_result failure;
    struct order_page page;
    struct command_window window = { .limit = COMMANDS_PAGE_MAX };
    if (!commands_make_filter(filter->call, &wanted, &nodes, &failure) ||
        !commands_page_nodes(&nodes, &window, &page) || page.count == 0) {
        return;
    }
    int64_t left = request->has_ingress_limit ? request->ingress_limit : INT64_MAX;
    json_write_key(writer, "ingress");
    json_begin_object(writer);
    json_write_key_span(writer, filter->own->cluster_id);
    json_begin_array(writer);
    for (size_t i = 0; i < page.count && left > 0; i++) {
        const struct catalog_node *node = page.items[i];
        if (text_list_includes(&node->descriptor.tags, &request->ingress_tags)) {
            json_write_string(writer, node->descriptor.key.node_id);
            left--;
        }
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void
write_summaries(const struct command_filter *filter, const struct command_window *window,
    const struct order_page *page)
{
    const struct command_call *call = filter->call;
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    commands_write_generated_at(&writer, call);
    json_write_key(&writer, "items");
    json_begin_array(&writer);
    for (size_t i = window->offset; i < page->count; i++) {
        write_summary(&writer, filter, page->items[i]);
    }
    json_end_array(&writer);
    if (filter->request->include_ingress && page->count > window->offset) {
        write_ingress(&writer, filter);
    }
    commands_write_page_token(&writer, window, page);
    json_end_object(&writer);
}

struct command_result
commands_summary_query(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    struct tally names;
    tally_init(&names, call);
    size_t cursor = 0;
    const struct catalog_entry *entry;
    while ((entry = catalog_next(member_catalog(call->member), &cursor)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        if (wants_summary(call, &request, &endpoint)) {
            tally_add(&names, identity_name(entry->identity));
        }
    }
    struct order_page page;
    struct command_window window = commands_window(&request);
    bool paged = !names.failed &&
                 commands_begin_page(call, &window, names.map.count, compare_summaries, &page);
    cursor = 0;
    const void *item;
    while (paged && (item = map_next(&names.map, &cursor)) != NULL) {
        order_page_offer(&page, item);
    }
    map_destroy(&names.map);
    if (!paged) {
        return commands_no_memory();
    }
    order_page_end(&page);
    write_summaries(&filter, &window, &page);
    return commands_written(call);
}
