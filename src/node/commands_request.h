/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands_request.h - the request object of a built-in command, and which entries it wants
 * (protocol.md 5.3). Private to commands*.c.
 */
#ifndef NODE_COMMANDS_REQUEST_H
#define NODE_COMMANDS_REQUEST_H

#include "core/catalog.h"
#include "node/commands.h"
#include "node/order.h"

/* All fields that any command takes. Empty texts and lists filter nothing. */
struct command_request {
    struct span entry_type;
    struct span namespace_filter; /* `namespace`, or cluster_map_v2's own name for it */
    struct span scope;
    struct span cluster_id;
    struct span node_id;
    struct span function_name;
    struct span function_id;
    struct span version_constraint;
    struct span query;
    struct span page_token;
    struct span service_id;
    struct span viewer_cluster_id;
    struct span viewer_tenant_id;
    struct span mode;
    struct span detail_level;
    struct span ingress_scope;
    struct text_list resources;
    struct text_list capabilities;
    struct text_list tags;
    struct text_list function_names;
    struct text_list function_ids;
    struct text_list spec_digests;
    struct text_list ingress_capabilities;
    struct text_list ingress_tags;
    bool include_ingress;
    bool has_limit;
    int64_t limit;
    bool has_ingress_limit;
    int64_t ingress_limit;
    uint32_t rule_count; /* namespace policies */
    struct version_constraint constraint;
};

/* The limits of a listing that a scope means (protocol.md 5.3). */
enum command_scope {
    COMMAND_SCOPE_ANY = 0,
    COMMAND_SCOPE_LOCAL, /* this node */
    COMMAND_SCOPE_ZONE,  /* this cluster */
    COMMAND_SCOPE_REGION,
    COMMAND_SCOPE_GLOBAL,
};

/*
 * The first argument, an object, with the fields of kwargs over it. false: *failure says what is
 * wrong with it.
 */
MUST_CHECK bool commands_read_request(const struct command_call *call,
    struct command_request *request, struct command_result *failure);

/* Which entries of the catalog are wanted: read once, asked for each entry. */
struct command_filter {
    const struct command_call *call;
    const struct command_request *request;
    const struct member_config *own;
    enum command_scope scope;
    bool nothing; /* contradicts itself: nothing can match */
    struct span cluster_id;
    struct span node_id;
};

MUST_CHECK bool commands_make_filter(const struct command_call *call,
    const struct command_request *request, struct command_filter *filter,
    struct command_result *failure);

bool commands_wants_function(
    const struct command_filter *filter, const struct function_endpoint *endpoint);
bool commands_wants_node(const struct command_filter *filter, const struct node_descriptor *node);

/* `namespace` filters: the text itself, or something below it. */
bool commands_in_namespace(struct span wanted, struct span name);

/* What a function belongs to: its name up to the last dot, or nothing. */
struct span commands_namespace_of(struct span function);

/* Pages: skip `offset`, show `limit`. */
struct command_window {
    size_t offset;
    size_t limit;
};

struct command_window commands_window(const struct command_request *request);

/* false: no memory. `most` is how many items there can be. */
MUST_CHECK bool commands_begin_page(const struct command_call *call,
    const struct command_window *window, size_t most, order_compare compare,
    struct order_page *page);

/* A page of what the filter wants: struct catalog_entry in the order of names, struct catalog_node in
 * that of clusters and ids. false: no memory. */
MUST_CHECK bool commands_page_functions(const struct command_filter *filter,
    const struct command_window *window, struct order_page *page);
MUST_CHECK bool commands_page_nodes(const struct command_filter *filter,
    const struct command_window *window, struct order_page *page);

/* Nodes in the order of (cluster_id, node_id). Items are struct catalog_node. */
int commands_compare_nodes(const void *a, const void *b);

/* next_page_token, when there is more than the page shows. */
struct json_writer;
void commands_write_page_token(
    struct json_writer *writer, const struct command_window *window, const struct order_page *page);

/* {"generated_at":now … to which the caller adds the rest. */
void commands_write_generated_at(struct json_writer *writer, const struct command_call *call);

/* What was written to call->out, in the arena; or a failure when it was too much. */
struct command_result commands_written(const struct command_call *call);

struct command_result commands_failed(struct span error_type, struct span error);

struct command_result commands_no_memory(void);

/* The error is `text` and then `what`. */
struct command_result commands_failed_with(
    const struct command_call *call, struct span error_type, const char *text, struct span what);

/* The commands that have files of their own. */
struct command_result commands_catalog_query(const struct command_call *call);
struct command_result commands_rpc_list(const struct command_call *call);
struct command_result commands_rpc_describe(const struct command_call *call);
struct command_result commands_rpc_describe_local(const struct command_call *call);
struct command_result commands_rpc_report(const struct command_call *call);
struct command_result commands_summary_query(const struct command_call *call);
struct command_result commands_list_peers(const struct command_call *call);
struct command_result commands_cluster_map(const struct command_call *call);
struct command_result commands_cluster_map_v2(const struct command_call *call);

#endif
