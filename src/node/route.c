/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - who runs a command. */
#include "node/route.h"

static struct route
route_of_service(const struct service *service)
{
    return (struct route){
        .kind = service->command != NULL ? ROUTE_COMMAND : ROUTE_FUNCTION,
        .command = service->command,
        .function = service->function,
    };
}

/*
 * After EVENT_STOP nothing is offered any more, but requests that were accepted before still find
 * what they were promised.
 */
static const struct service *
find_retired(const struct node *node, const struct catalog_query *query)
{
    bool elsewhere =
        query->target_cluster.size > 0 && !span_equal(query->target_cluster, query->local_cluster);
    if (elsewhere) {
        return NULL;
    }
    for (uint32_t i = 0; i < node->service_count; i++) {
        const struct service *service = &node->services[i];
        const struct node_function *function = service->function;
        if (function != NULL && span_equal(function->identity.name, query->function) &&
            (query->function_id.size == 0 ||
                span_equal(function->identity.function_id, query->function_id)) &&
            version_satisfies(function->identity.version, &query->constraint) &&
            text_list_includes(&function->resources, &query->resources)) {
            return service;
        }
    }
    return NULL;
}

static bool
is_ours(const struct node *node, const struct catalog_entry *entry)
{
    return span_equal(catalog_endpoint(entry).key.node_id, node->config.member.url);
}

static bool
is_connected(void *owner, const struct catalog_entry *entry)
{
    const struct node *node = owner;
    return is_ours(node, entry) ||
           member_connected(node->member, catalog_endpoint(entry).key.node_id);
}

static bool
is_expected(void *owner, const struct catalog_entry *entry)
{
    const struct node *node = owner;
    return member_connecting(node->member, catalog_endpoint(entry).key.node_id, node->now);
}

/* The best of those that are connected, else of those that will be, else of all. */
static struct route
choose(const struct node *node, const struct catalog_query *query)
{
    struct catalog_query narrow = *query;
    narrow.filter_owner = (void *)(uintptr_t)node;
    const struct catalog_entry *best = member_select(node->member, query, node->now);
    if (best == NULL || is_connected(narrow.filter_owner, best)) {
        return (struct route){ .kind = best == NULL ? ROUTE_NONE : ROUTE_NODE, .entry = best };
    }
    /* What asks with a filter of its own asks for connected ones, and does not come here. */
    CHECK(query->filter == NULL);
    narrow.filter = is_connected;
    const struct catalog_entry *entry = member_select(node->member, &narrow, node->now);
    if (entry != NULL) {
        return (struct route){ .kind = ROUTE_NODE, .entry = entry };
    }
    narrow.filter = is_expected;
    entry = member_select(node->member, &narrow, node->now);
    return (struct route){ .kind = entry == NULL ? ROUTE_UNREACHABLE : ROUTE_EXPECTED,
        .entry = entry == NULL ? best : entry };
}

static struct route
find_in_catalog(const struct node *node, const struct catalog_query *query)
{
    struct route route = choose(node, query);
    if (route.kind != ROUTE_NODE) {
        const struct service *retired =
            node->life == NODE_SERVING ? NULL : find_retired(node, query);
        return retired == NULL ? route : route_of_service(retired);
    }
    if (!is_ours(node, route.entry)) {
        return route;
    }
    const struct service *service = member_find_offer(node->member, query, node->now);
    CHECK(service != NULL);
    return route_of_service(service);
}

/* false: the version constraint is none. */
static bool
make_query(const struct node *node, const struct rpc_command *command, struct span except_node,
    struct catalog_query *query)
{
    *query = (struct catalog_query){
        .function = command->function,
        .function_id = command->function_id,
        .resources = command->resources,
        .target_cluster = command->target_cluster,
        .local_cluster = node->config.member.cluster_id,
        .except_node = except_node,
    };
    return version_constraint_parse(command->version_constraint, &query->constraint);
}

struct route
route_find(const struct node *node, const struct rpc_command *command, struct span except_node)
{
    struct span own_cluster = node->config.member.cluster_id;
    struct catalog_query query;
    if (!make_query(node, command, except_node, &query)) {
        return (struct route){ .kind = ROUTE_BAD_VERSION };
    }
    const struct command_entry *built_in = commands_find(command->function);
    bool here =
        command->target_cluster.size == 0 || span_equal(command->target_cluster, own_cluster);
    if (built_in != NULL && here) {
        bool fits = commands_fits(built_in, command, &query.constraint);
        return (struct route){ .kind = fits ? ROUTE_COMMAND : ROUTE_NONE, .command = built_in };
    }
    return find_in_catalog(node, &query);
}

static bool
takes_again(void *owner, const struct catalog_entry *entry)
{
    const struct node *node = owner;
    struct span node_id = catalog_endpoint(entry).key.node_id;
    return text_list_has(&entry->facts->tags, SPAN(FUNCTION_TAG_IDEMPOTENT)) &&
           (span_equal(node_id, node->config.member.url) ||
               member_silence_ns(node->member, node_id, node->now) < NODE_SILENCE_NS);
}

struct route
route_find_again(
    const struct node *node, const struct rpc_command *command, struct span failed_node)
{
    struct catalog_query query;
    if (!make_query(node, command, failed_node, &query)) {
        return (struct route){ .kind = ROUTE_NONE };
    }
    query.filter_owner = (void *)(uintptr_t)node;
    query.filter = takes_again;
    struct route route = find_in_catalog(node, &query);
    bool found = route.kind == ROUTE_NODE || route.kind == ROUTE_FUNCTION;
    return found ? route : (struct route){ .kind = ROUTE_NONE };
}
