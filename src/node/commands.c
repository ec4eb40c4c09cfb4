/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.c - the table of built-in commands, and those that are short: echo, the watches, and the
 * shapes of what this node does not have.
 */
#include "node/commands.h"

#include "core/json_write.h"
#include "node/commands_request.h"

struct command_entry {
    const char *name;
    struct command_result (*run)(const struct command_call *call);
};

/* Its one argument, given by place or by name. */
static struct command_result
run_echo(const struct command_call *call)
{
    struct json_doc doc;
    uint32_t named = 0;
    const struct json_want want = { SPAN("arg"), &named };
    if (json_scan(call->args, NULL, 0, call->tape, &doc, NULL) != JSON_OK) {
        return commands_failed(SPAN("ValueError"), SPAN("the argument has too many values"));
    }
    bool placed = doc.count > 1;
    bool one = placed && doc.tokens[1].after == doc.count;
    struct span value = one ? json_raw(&doc, 1) : SPAN_NONE;
    if (json_scan(call->kwargs, NULL, 0, call->tape, &doc, NULL) != JSON_OK ||
        json_pick(&doc, 0, &want, 1, NULL) != JSON_PICK_OK) {
        return commands_failed(SPAN("ValueError"), SPAN("the keyword arguments are no object"));
    }
    bool only_named = named != 0 && doc.tokens[named].after == doc.count && named == 2;
    if (!placed && only_named) {
        return (struct command_result){ .success = true, .value = json_raw(&doc, named) };
    }
    if (one && doc.count == 1) {
        return (struct command_result){ .success = true, .value = value };
    }
    return commands_failed(SPAN("TypeError"), SPAN("echo() takes exactly one argument: 'arg'"));
}

/* Whether a JSON object, which it is for sure, has no members. */
static bool
is_empty_object(const struct command_call *call, struct span json)
{
    struct json_doc doc;
    return json_scan(json, NULL, 0, call->tape, &doc, NULL) == JSON_OK && doc.count == 1;
}

static struct command_result
run_echos(const struct command_call *call)
{
    if (!is_empty_object(call, call->kwargs)) {
        return commands_failed(SPAN("TypeError"), SPAN("echos() takes no keyword arguments"));
    }
    return (struct command_result){ .success = true, .value = call->args };
}

/* The topic of a watch: what is published there reaches subscribers of this node. */
static struct command_result
watch(const struct command_call *call, struct span topic, bool with_scope)
{
    struct command_request request;
    struct command_filter filter;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure) ||
        !commands_make_filter(call, &request, &filter, &failure)) {
        return failure;
    }
    struct span parts[5] = { topic };
    size_t count = 1;
    if (with_scope && request.scope.size > 0) {
        parts[count++] = SPAN(".");
        parts[count++] = request.scope;
    }
    if (request.namespace_filter.size > 0) {
        parts[count++] = SPAN(".");
        parts[count++] = request.namespace_filter;
    }
    buf_reset(call->out);
    for (size_t i = 0; i < count; i++) {
        buf_add(call->out, parts[i]);
    }
    struct span whole = arena_copy(call->arena, buf_span(call->out));
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    json_write_key(&writer, "topic");
    json_write_string(&writer, whole);
    commands_write_generated_at(&writer, call);
    if (request.scope.size > 0) {
        json_write_key(&writer, "scope");
        json_write_string(&writer, request.scope);
    }
    if (request.namespace_filter.size > 0) {
        json_write_key(&writer, "namespace");
        json_write_string(&writer, request.namespace_filter);
    }
    json_write_key(&writer, "cluster_id");
    json_write_string(
        &writer, request.cluster_id.size > 0 ? request.cluster_id : filter.own->cluster_id);
    json_end_object(&writer);
    return commands_written(call);
}

static struct command_result
run_catalog_watch(const struct command_call *call)
{
    return watch(call, SPAN("mpreg.discovery.delta"), false);
}

static struct command_result
run_summary_watch(const struct command_call *call)
{
    return watch(call, SPAN("mpreg.discovery.summary"), true);
}

static struct command_result
run_namespace_status(const struct command_call *call)
{
    struct command_request request;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure)) {
        return failure;
    }
    if (request.namespace_filter.size == 0) {
        return commands_failed(SPAN("ValueError"), SPAN("field is missing: namespace"));
    }
    struct span viewer = request.viewer_cluster_id;
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    json_write_key(&writer, "namespace");
    json_write_string(&writer, request.namespace_filter);
    commands_write_generated_at(&writer, call);
    json_write_key(&writer, "viewer_cluster_id");
    json_write_string(
        &writer, viewer.size > 0 ? viewer : member_config_of(call->member)->cluster_id);
    json_write_key(&writer, "viewer_tenant_id");
    if (request.viewer_tenant_id.size > 0) {
        json_write_string(&writer, request.viewer_tenant_id);
    } else {
        json_write_null(&writer);
    }
    json_write_key(&writer, "allowed");
    json_write_bool(&writer, true);
    json_write_key(&writer, "reason");
    json_write_text(&writer, "policy_disabled");
    json_end_object(&writer);
    return commands_written(call);
}

/* {<before>,"generated_at":now,<behind>}: the shape of something that is not there. */
static struct command_result
write_shape(const struct command_call *call, const char *before, const char *behind)
{
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    buf_add_u8(call->out, '{');
    buf_add_text(call->out, before);
    commands_write_generated_at(&writer, call);
    buf_add_text(call->out, behind);
    buf_add_u8(call->out, '}');
    return commands_written(call);
}

static struct command_result
run_resolver_cache_stats(const struct command_call *call)
{
    return write_shape(call, "\"enabled\":false,",
        ",\"namespaces\":[],\"entry_counts\":{\"functions\":0,\"topics\":0,\"queues\":0,"
        "\"services\":0,\"caches\":0,\"cache_profiles\":0,\"nodes\":0}");
}

static struct command_result
run_resolver_resync(const struct command_call *call)
{
    return write_shape(
        call, "\"enabled\":false,", ",\"resynced\":false,\"error\":\"resolver_mode_disabled\"");
}

static struct command_result
run_audit(const struct command_call *call)
{
    return write_shape(call, "", ",\"entries\":[]");
}

static struct command_result
run_no_items(const struct command_call *call)
{
    return write_shape(call, "", ",\"items\":[]");
}

static struct command_result
run_policy_export(const struct command_call *call)
{
    return write_shape(
        call, "\"enabled\":false,\"default_allow\":true,", ",\"rule_count\":0,\"rules\":[]");
}

/* No rules are what this node has; any others would not be obeyed, and are not called valid. */
static struct command_result
judge_rules(const struct command_call *call, bool applies)
{
    struct command_request request;
    struct command_result failure;
    if (!commands_read_request(call, &request, &failure)) {
        return failure;
    }
    bool valid = request.rule_count == 0;
    buf_reset(call->out);
    struct json_writer writer = json_write_into(call->out);
    json_begin_object(&writer);
    if (applies) {
        json_write_key(&writer, "applied");
        json_write_bool(&writer, valid);
    }
    json_write_key(&writer, "valid");
    json_write_bool(&writer, valid);
    commands_write_generated_at(&writer, call);
    json_write_key(&writer, "rule_count");
    json_write_u64(&writer, request.rule_count);
    json_write_key(&writer, "errors");
    json_begin_array(&writer);
    if (!valid) {
        json_write_text(&writer, "namespace policies are not served by this node");
    }
    json_end_array(&writer);
    json_end_object(&writer);
    return commands_written(call);
}

static struct command_result
run_policy_validate(const struct command_call *call)
{
    return judge_rules(call, false);
}

static struct command_result
run_policy_apply(const struct command_call *call)
{
    return judge_rules(call, true);
}

static struct command_result
run_dns_change(const struct command_call *call)
{
    (void)call;
    return commands_failed(
        SPAN("NotImplementedError"), SPAN("dns registration is not served by this node"));
}

/* By name: commands_find searches by halves. */
static const struct command_entry commands[] = {
    { "catalog_query", commands_catalog_query },
    { "catalog_watch", run_catalog_watch },
    { "cluster_map", commands_cluster_map },
    { "cluster_map_v2", commands_cluster_map_v2 },
    { "discovery_access_audit", run_audit },
    { "dns_describe", run_no_items },
    { "dns_list", run_no_items },
    { "dns_register", run_dns_change },
    { "dns_unregister", run_dns_change },
    { "echo", run_echo },
    { "echos", run_echos },
    { "list_peers", commands_list_peers },
    { "namespace_policy_apply", run_policy_apply },
    { "namespace_policy_audit", run_audit },
    { "namespace_policy_export", run_policy_export },
    { "namespace_policy_validate", run_policy_validate },
    { "namespace_status", run_namespace_status },
    { "resolver_cache_stats", run_resolver_cache_stats },
    { "resolver_resync", run_resolver_resync },
    { "rpc_describe", commands_rpc_describe },
    { "rpc_describe_local", commands_rpc_describe_local },
    { "rpc_list", commands_rpc_list },
    { "rpc_report", commands_rpc_report },
    { "summary_query", commands_summary_query },
    { "summary_watch", run_summary_watch },
};

const struct command_entry *
commands_find(struct span name)
{
    size_t low = 0;
    size_t high = COUNT_OF(commands);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(span_from_text(commands[middle].name), name);
        if (order == 0) {
            return &commands[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct command_entry *
commands_next(size_t *cursor)
{
    return *cursor < COUNT_OF(commands) ? &commands[(*cursor)++] : NULL;
}

struct function_identity
commands_identity(const struct command_entry *entry)
{
    struct span name = span_from_text(entry->name);
    return (struct function_identity){
        .name = name,
        .function_id = name,
        .version_text = SPAN(COMMANDS_VERSION_TEXT),
        .version = { .major = 1 },
    };
}

bool
commands_fits(const struct command_entry *entry, const struct rpc_command *command,
    const struct version_constraint *constraint)
{
    struct function_identity identity = commands_identity(entry);
    return command->resources.count == 0 &&
           (command->function_id.size == 0 ||
               span_equal(command->function_id, identity.function_id)) &&
           version_satisfies(identity.version, constraint);
}

struct command_result
commands_run(const struct command_entry *entry, const struct command_call *call)
{
    return entry->run(call);
}
