/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands_catalog.c - what the catalog lists, as clients ask for it: catalog_query, rpc_list,
 * rpc_describe.
 */
#include "core/delta.h"
#include "core/json_write.h"
#include "node/commands_request.h"

/* catalog_query */

enum entry_type {
    ENTRY_FUNCTIONS = 0,
    ENTRY_NODES,
    ENTRY_NOTHING, /* a type of which this node never has any */
    ENTRY_UNKNOWN,
};

static enum entry_type
entry_type_of(struct span asked, const char **name)
{
    static const struct {
        const char *singular;
        const char *plural;
        enum entry_type type;
    } types[] = {
        { "function", "functions", ENTRY_FUNCTIONS },
        { "node", "nodes", ENTRY_NODES },
        { "queue", "queues", ENTRY_NOTHING },
        { "topic", "topics", ENTRY_NOTHING },
        { "service", "services", ENTRY_NOTHING },
        { "cache", "caches", ENTRY_NOTHING },
        { "cache_profile", "cache_profiles", ENTRY_NOTHING },
    };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (span_is(asked, types[i].singular) || span_is(asked, types[i].plural)) {
            *name = types[i].plural;
            return types[i].type;
        }
    }
    return ENTRY_UNKNOWN;
}

struct command_result
commands_catalog_query(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    const char *name = "";
    enum entry_type type = entry_type_of(request.entry_type, &name);
    if (type == ENTRY_UNKNOWN) {
        return commands_failed_with(
            call, SPAN("ValueError"), "Unsupported catalog entry_type: ", request.entry_type);
    }
    struct command_window window = commands_window(&request);
    struct order_page page = { .count = 0 };
    bool paged = type == ENTRY_NOTHING ||
                 (type == ENTRY_FUNCTIONS ? commands_page_functions(&filter, &window, &page)
                                          : commands_page_nodes(&filter, &window, &page));
    if (!paged) {
        return commands_no_memory();
    }
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    json_write_key(&writer, "entry_type");
    json_write_text(&writer, name);
    commands_write_generated_at(&writer, call);
    json_write_key(&writer, "items");
    json_begin_array(&writer);
    for (size_t i = window.offset; i < page.count; i++) {
        if (type == ENTRY_FUNCTIONS) {
            const struct function_endpoint endpoint = catalog_endpoint(page.items[i]);
            function_endpoint_encode(&writer, &endpoint);
        } else {
            const struct catalog_node *node = page.items[i];
            node_descriptor_encode(&writer, &node->descriptor);
        }
    }
    json_end_array(&writer);
    commands_write_page_token(&writer, &window, &page);
    json_end_object(&writer);
    return commands_written(call);
}

/* rpc_list and rpc_describe */

enum detail {
    DETAIL_LIST = 0, /* rpc_list: no list of errors */
    DETAIL_SUMMARY,
    DETAIL_FULL, /* with the spec, where its node gossips it */
};

static void
write_item(struct json_writer *writer, const struct function_endpoint *endpoint, enum detail detail)
{
    struct span namespace = commands_namespace_of(endpoint->key.identity.name);
    json_begin_object(writer);
    json_write_key(writer, "identity");
    function_identity_encode(writer, &endpoint->key.identity);
    if (namespace.size > 0) {
        json_write_key(writer, "namespace");
        json_write_string(writer, namespace);
    }
    json_write_key(writer, "node_id");
    json_write_string(writer, endpoint->key.node_id);
    json_write_key(writer, "cluster_id");
    json_write_string(writer, endpoint->key.cluster_id);
    json_write_key(writer, "resources");
    text_list_encode(writer, &endpoint->key.resources);
    json_write_key(writer, "tags");
    text_list_encode(writer, &endpoint->tags);
    json_write_key(writer, "scope");
    json_write_string(writer, endpoint->scope);
    if (endpoint->rpc_summary.size > 0) {
        json_write_key(writer, "summary");
        json_write_raw(writer, endpoint->rpc_summary);
    }
    if (detail == DETAIL_FULL && endpoint->rpc_spec.size > 0) {
        json_write_key(writer, "spec");
        json_write_raw(writer, endpoint->rpc_spec);
    }
    if (endpoint->spec_digest.size > 0) {
        json_write_key(writer, "spec_digest");
        json_write_string(writer, endpoint->spec_digest);
    }
    json_end_object(writer);
}

static struct command_result
list_functions(const struct command_call *call, const struct command_request *request,
    const struct command_filter *filter, enum detail detail)
{
    struct order_page page;
    struct command_window window = commands_window(request);
    if (!commands_page_functions(filter, &window, &page)) {
        return commands_no_memory();
    }
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    commands_write_generated_at(&writer, call);
    json_write_key(&writer, "items");
    json_begin_array(&writer);
    for (size_t i = window.offset; i < page.count; i++) {
        const struct function_endpoint endpoint = catalog_endpoint(page.items[i]);
        write_item(&writer, &endpoint, detail);
    }
    json_end_array(&writer);
    if (detail != DETAIL_LIST) {
        json_write_key(&writer, "errors");
        json_begin_array(&writer);
        json_end_array(&writer);
    }
    commands_write_page_token(&writer, &window, &page);
    json_end_object(&writer);
    return commands_written(call);
}

struct command_result
commands_rpc_list(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    return list_functions(call, &request, &filter, DETAIL_LIST);
}

static enum detail
detail_of(const struct command_request *request)
{
    return span_is(request->detail_level, "summary") ? DETAIL_SUMMARY : DETAIL_FULL;
}

/* Own functions alone; asked for another node's or cluster's, there are none. */
static struct command_result
describe_local(const struct command_call *call, const struct command_request *request,
    struct command_filter *filter)
{
    filter->nothing |=
        (filter->cluster_id.size > 0 && !span_equal(filter->cluster_id, filter->own->cluster_id)) ||
        (filter->node_id.size > 0 && !span_equal(filter->node_id, filter->own->url));
    filter->node_id = filter->own->url;
    return list_functions(call, request, filter, detail_of(request));
}

struct command_result
commands_rpc_describe_local(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    return describe_local(call, &request, &filter);
}

/*
 * What this node knows by gossip, in every mode but local: other nodes are not asked. Summaries come
 * with the advertisements, and specs too where their nodes send them.
 */
struct command_result
commands_rpc_describe(const struct command_call *call)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    if (span_is(request.mode, "local") || span_is(request.mode, "node")) {
        return describe_local(call, &request, &filter);
    }
    bool known = request.mode.size == 0 || span_is(request.mode, "auto") ||
                 span_is(request.mode, "catalog") || span_is(request.mode, "scatter");
    if (!known) {
        return commands_failed_with(
            call, SPAN("ValueError"), "Unsupported rpc_describe mode: ", request.mode);
    }
    return list_functions(call, &request, &filter, detail_of(&request));
}
