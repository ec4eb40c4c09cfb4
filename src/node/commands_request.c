/* SPDX-License-Identifier: Apache-2.0 */
/* commands_request.c - reading what a built-in command is asked, and which entries that means. */
#include "node/commands_request.h"

#include "core/json_write.h"
#include "core/message_fields.h"

/* One error text: some words, a key or a value, some words. */
#define ERROR_TEXT_MAX (2 * NAME_SIZE_MAX)

struct command_result
commands_failed(struct span error_type, struct span error)
{
    return (struct command_result){ .error_type = error_type, .error = error };
}

struct command_result
commands_no_memory(void)
{
    return commands_failed(SPAN("MemoryError"), SPAN("out of memory"));
}

struct command_result
commands_failed_with(
    const struct command_call *call, struct span error_type, const char *text, struct span what)
{
    struct buf joined;
    buf_init(&joined, call->mem, ERROR_TEXT_MAX);
    buf_add_text(&joined, text);
    buf_add(&joined, what);
    struct span copy = arena_copy(call->arena, buf_span(&joined));
    buf_destroy(&joined);
    return commands_failed(error_type, copy);
}

struct command_result
commands_written(const struct command_call *call)
{
    struct span text =
        call->out->overflowed ? SPAN_NONE : arena_copy(call->arena, buf_span(call->out));
    if (text.data == NULL) {
        return commands_failed(
            SPAN("ValueError"), SPAN("the result is larger than an answer may be; ask for less"));
    }
    return (struct command_result){ .success = true, .value = text };
}

void
commands_write_generated_at(struct json_writer *writer, const struct command_call *call)
{
    json_write_key(writer, "generated_at");
    json_write_seconds(writer, call->now.wall.ns);
}

/* Reading. */

static enum message_result
read_fields(const struct message_reader *reader, uint32_t object, struct command_request *request)
{
    uint32_t rules = 0;
    const struct field texts[] = {
        { FIELD_TEXT("entry_type", &request->entry_type) },
        { FIELD_TEXT("namespace", &request->namespace_filter) },
        { FIELD_TEXT("namespace_filter", &request->namespace_filter) },
        { FIELD_TEXT("scope", &request->scope) },
        { FIELD_TEXT("cluster_id", &request->cluster_id) },
        { FIELD_TEXT("node_id", &request->node_id) },
        { FIELD_TEXT("function_name", &request->function_name) },
        { FIELD_TEXT("function_id", &request->function_id) },
        { FIELD_TEXT("version_constraint", &request->version_constraint) },
        { FIELD_TEXT("query", &request->query) },
        { FIELD_TEXT("page_token", &request->page_token) },
        { FIELD_TEXT("service_id", &request->service_id) },
        { FIELD_TEXT("viewer_cluster_id", &request->viewer_cluster_id) },
        { FIELD_TEXT("viewer_tenant_id", &request->viewer_tenant_id) },
        { FIELD_TEXT("mode", &request->mode) },
        { FIELD_TEXT("detail_level", &request->detail_level) },
        { FIELD_TEXT("ingress_scope", &request->ingress_scope) },
    };
    const struct field others[] = {
        { FIELD_TEXTS("resources", &request->resources, LIST_COUNT_MAX) },
        { FIELD_TEXTS("capabilities", &request->capabilities, LIST_COUNT_MAX) },
        { FIELD_TEXTS("tags", &request->tags, LIST_COUNT_MAX) },
        { FIELD_TEXTS("function_names", &request->function_names, COMMANDS_PAGE_MAX) },
        { FIELD_TEXTS("function_ids", &request->function_ids, COMMANDS_PAGE_MAX) },
        { FIELD_TEXTS("spec_digests", &request->spec_digests, COMMANDS_PAGE_MAX) },
        { FIELD_TEXTS("ingress_capabilities", &request->ingress_capabilities, LIST_COUNT_MAX) },
        { FIELD_TEXTS("ingress_tags", &request->ingress_tags, LIST_COUNT_MAX) },
        { FIELD_FLAG("include_ingress", &request->include_ingress) },
        { FIELD_INTEGER("limit", &request->limit), FIELD_SEEN(&request->has_limit) },
        { FIELD_INTEGER("ingress_limit", &request->ingress_limit),
            FIELD_SEEN(&request->has_ingress_limit) },
        { FIELD_ARRAY("rules", &rules, COMMANDS_PAGE_MAX) },
    };
    enum message_result result = message_read(reader, object, "request", texts, COUNT_OF(texts));
    if (result == MESSAGE_OK) {
        result = message_read(reader, object, "request", others, COUNT_OF(others));
    }
    if (rules != 0) {
        request->rule_count = message_count_items(reader->doc, rules);
    }
    return result;
}

static struct command_result
bad_field(const struct command_call *call, const struct message_fault *fault)
{
    switch (fault->result) {
    case MESSAGE_NOT_OBJECT:
        return commands_failed(SPAN("TypeError"), SPAN("the argument must be an object"));
    case MESSAGE_NO_MEMORY:
        return commands_no_memory();
    case MESSAGE_TOO_LARGE:
        return commands_failed_with(
            call, SPAN("ValueError"), "field is too large: ", span_from_text(fault->key));
    case MESSAGE_DUPLICATE_KEY:
        return commands_failed_with(
            call, SPAN("ValueError"), "field is there twice: ", span_from_text(fault->key));
    case MESSAGE_OK:
    case MESSAGE_NOT_JSON:
    case MESSAGE_MISSING:
    case MESSAGE_BAD_TYPE:
    case MESSAGE_BAD_VALUE:
        break;
    }
    return commands_failed_with(
        call, SPAN("ValueError"), "field has a wrong type or value: ", span_from_text(fault->key));
}

/* Scan one of the two texts that may hold fields, and read what its object says. */
static bool
read_text(const struct command_call *call, struct span json, bool of_args,
    struct command_request *request, struct command_result *failure)
{
    struct json_doc doc;
    if (json_scan(json, NULL, 0, call->tape, &doc, NULL) != JSON_OK) {
        *failure = commands_failed(SPAN("ValueError"), SPAN("the arguments have too many values"));
        return false;
    }
    struct message_fault fault;
    struct message_reader reader = { &doc, call->arena, &fault };
    uint32_t object = of_args ? 1 : 0;
    bool absent = of_args && (doc.count == 1 || json_kind_of(&doc, 1) == JSON_KIND_NULL);
    if (of_args && doc.count > 1 && doc.tokens[1].after != doc.count) {
        *failure = commands_failed(SPAN("TypeError"), SPAN("there is at most one argument"));
        return false;
    }
    if (!absent && read_fields(&reader, object, request) != MESSAGE_OK) {
        *failure = bad_field(call, &fault);
        return false;
    }
    return true;
}

bool
commands_read_request(const struct command_call *call, struct command_request *request,
    struct command_result *failure)
{
    *request = (struct command_request){ .entry_type = SPAN_NONE };
    if (!read_text(call, call->args, true, request, failure) ||
        !read_text(call, call->kwargs, false, request, failure)) {
        return false;
    }
    if (!version_constraint_parse(request->version_constraint, &request->constraint)) {
        *failure = commands_failed_with(
            call, SPAN("ValueError"), "invalid version constraint: ", request->version_constraint);
        return false;
    }
    return true;
}

/* Filtering. */

/* local < zone < region < global; what nobody knows counts as zone (protocol.md 4.2). */
static enum command_scope
rank_of(struct span scope)
{
    static const struct {
        const char *name;
        enum command_scope scope;
    } ranks[] = {
        { "local", COMMAND_SCOPE_LOCAL },
        { "region", COMMAND_SCOPE_REGION },
        { "global", COMMAND_SCOPE_GLOBAL },
    };
    for (size_t i = 0; i < COUNT_OF(ranks); i++) {
        if (span_is(scope, ranks[i].name)) {
            return ranks[i].scope;
        }
    }
    return COMMAND_SCOPE_ZONE;
}

static bool
scope_is_known(struct span scope)
{
    static const char *const names[] = { "", "local", "zone", "cluster", "region", "global" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_is(scope, names[i])) {
            return true;
        }
    }
    return false;
}

bool
commands_make_filter(const struct command_call *call, const struct command_request *request,
    struct command_filter *filter, struct command_result *failure)
{
    if (!scope_is_known(request->scope)) {
        *failure = commands_failed_with(
            call, SPAN("ValueError"), "Unsupported discovery scope: ", request->scope);
        return false;
    }
    *filter = (struct command_filter){
        .call = call,
        .request = request,
        .own = member_config_of(call->member),
        .scope = request->scope.size == 0 ? COMMAND_SCOPE_ANY : rank_of(request->scope),
        .cluster_id = request->cluster_id,
        .node_id = request->node_id,
    };
    bool here = filter->scope == COMMAND_SCOPE_LOCAL;
    if (here || filter->scope == COMMAND_SCOPE_ZONE) {
        filter->nothing |=
            filter->cluster_id.size > 0 && !span_equal(filter->cluster_id, filter->own->cluster_id);
        filter->cluster_id = filter->own->cluster_id;
    }
    if (here) {
        filter->nothing |=
            filter->node_id.size > 0 && !span_equal(filter->node_id, filter->own->url);
        filter->node_id = filter->own->url;
    }
    return true;
}

static bool
place_fits(const struct command_filter *filter, struct span cluster_id, struct span node_id,
    struct span scope)
{
    return !filter->nothing &&
           (filter->cluster_id.size == 0 || span_equal(filter->cluster_id, cluster_id)) &&
           (filter->node_id.size == 0 || span_equal(filter->node_id, node_id)) &&
           (filter->scope == COMMAND_SCOPE_ANY || rank_of(scope) >= filter->scope);
}

bool
commands_in_namespace(struct span wanted, struct span name)
{
    if (wanted.size == 0) {
        return true;
    }
    return span_starts_with(name, wanted) &&
           (name.size == wanted.size || name.data[wanted.size] == '.');
}

struct span
commands_namespace_of(struct span function)
{
    size_t end = function.size;
    while (end > 0 && function.data[end - 1] != '.') {
        end--;
    }
    return end == 0 ? SPAN_NONE : span_part(function, 0, end - 1);
}

static uint8_t
lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

/* Without regard to the case of ASCII letters. */
static bool
contains(struct span text, struct span wanted)
{
    for (size_t start = 0; start + wanted.size <= text.size; start++) {
        size_t at = 0;
        while (at < wanted.size && lower(text.data[start + at]) == lower(wanted.data[at])) {
            at++;
        }
        if (at == wanted.size) {
            return true;
        }
    }
    return false;
}

/* The words in its summary that a person wrote. */
static struct span
summary_text(const struct command_call *call, const struct function_endpoint *endpoint)
{
    struct json_doc doc;
    uint32_t summary;
    const struct json_want want = { SPAN("summary"), &summary };
    bool read = endpoint->rpc_summary.size > 0 &&
                json_scan(endpoint->rpc_summary, NULL, 0, call->tape, &doc, NULL) == JSON_OK &&
                json_pick(&doc, 0, &want, 1, NULL) == JSON_PICK_OK && summary != 0 &&
                json_kind_of(&doc, summary) == JSON_KIND_STRING;
    return read ? json_read_text(&doc, summary, call->arena) : SPAN_NONE;
}

static bool
query_matches(const struct command_filter *filter, const struct function_endpoint *endpoint)
{
    struct span query = filter->request->query;
    const struct function_identity *identity = &endpoint->key.identity;
    return query.size == 0 || contains(identity->name, query) ||
           contains(identity->function_id, query) ||
           contains(summary_text(filter->call, endpoint), query);
}

static bool
listed(const struct text_list *list, struct span single, struct span text)
{
    if (list->count == 0 && single.size == 0) {
        return true;
    }
    return text_list_has(list, text) || (single.size > 0 && span_equal(single, text));
}

static bool
node_is_capable(const struct command_filter *filter, struct span node_id)
{
    const struct text_list *wanted = &filter->request->capabilities;
    if (wanted->count == 0) {
        return true;
    }
    const struct catalog_node *node =
        catalog_find_node(member_catalog(filter->call->member), node_id);
    return node != NULL && node->described &&
           text_list_includes(&node->descriptor.capabilities, wanted);
}

bool
commands_wants_function(
    const struct command_filter *filter, const struct function_endpoint *endpoint)
{
    const struct command_request *request = filter->request;
    const struct function_key *key = &endpoint->key;
    const struct function_identity *identity = &key->identity;
    return place_fits(filter, key->cluster_id, key->node_id, endpoint->scope) &&
           function_alive(endpoint->advertised_at, endpoint->ttl_ns, filter->call->now.wall) &&
           listed(&request->function_names, request->function_name, identity->name) &&
           listed(&request->function_ids, request->function_id, identity->function_id) &&
           listed(&request->spec_digests, SPAN_NONE, endpoint->spec_digest) &&
           version_satisfies(identity->version, &request->constraint) &&
           text_list_includes(&key->resources, &request->resources) &&
           text_list_includes(&endpoint->tags, &request->tags) &&
           commands_in_namespace(
               request->namespace_filter, commands_namespace_of(identity->name)) &&
           node_is_capable(filter, key->node_id) && query_matches(filter, endpoint);
}

bool
commands_wants_node(const struct command_filter *filter, const struct node_descriptor *node)
{
    const struct command_request *request = filter->request;
    return place_fits(filter, node->key.cluster_id, node->key.node_id, node->scope) &&
           function_alive(node->advertised_at, node->ttl_ns, filter->call->now.wall) &&
           text_list_includes(&node->resources, &request->resources) &&
           text_list_includes(&node->capabilities, &request->capabilities);
}
