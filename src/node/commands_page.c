/* SPDX-License-Identifier: Apache-2.0 */
/* commands_page.c - listings in pages, sorted as the reference sorts them. */
#include "core/json_write.h"
#include "node/commands_request.h"

/* Decimal digits alone; false: none, or more than any offset could be. */
static bool
read_number(struct span text, size_t *number)
{
    size_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > UINT32_MAX) {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *number = value;
    return text.size > 0;
}

/* A token is "<offset>:<limit>", as the reference writes it; what is none starts over, as there. */
struct command_window
commands_window(const struct command_request *request)
{
    struct command_window window = { .limit = COMMANDS_PAGE_DEFAULT };
    struct span token = request->page_token;
    size_t colon = span_find(token, ':');
    size_t offset;
    size_t limit;
    if (colon < token.size && read_number(span_part(token, 0, colon), &offset) &&
        read_number(span_after(token, colon + 1), &limit)) {
        window = (struct command_window){ .offset = offset, .limit = limit > 0 ? limit : 1 };
    }
    if (request->has_limit) {
        window.limit = request->limit > 0 ? (size_t)request->limit : 0;
    }
    window.limit = window.limit < COMMANDS_PAGE_MAX ? window.limit : COMMANDS_PAGE_MAX;
    return window;
}

bool
commands_begin_page(const struct command_call *call, const struct command_window *window,
    size_t most, order_compare compare, struct order_page *page)
{
    size_t room = window->offset + window->limit;
    room = room < most ? room : most;
    *page = (struct order_page){
        .items = arena_take(call->arena, room * sizeof(*page->items)),
        .room = room,
        .compare = compare,
    };
    return page->items != NULL;
}

void
commands_write_page_token(
    struct json_writer *writer, const struct command_window *window, const struct order_page *page)
{
    size_t next = window->offset + window->limit;
    if (next >= page->total) {
        return;
    }
    json_write_key(writer, "next_page_token");
    buf_add_u8(writer->buf, '"');
    buf_add_decimal(writer->buf, next);
    buf_add_u8(writer->buf, ':');
    buf_add_decimal(writer->buf, window->limit);
    buf_add_u8(writer->buf, '"');
    writer->comma = true;
}

int
commands_compare_nodes(const void *a, const void *b)
{
    const struct node_key *x = &((const struct catalog_node *)a)->descriptor.key;
    const struct node_key *y = &((const struct catalog_node *)b)->descriptor.key;
    int order = span_compare(x->cluster_id, y->cluster_id);
    return order != 0 ? order : span_compare(x->node_id, y->node_id);
}

/* By name, id, version, cluster and node, as the reference orders them. */
static int
compare_functions(const void *a, const void *b)
{
    const struct function_key x = catalog_endpoint(a).key;
    const struct function_key y = catalog_endpoint(b).key;
    int order = span_compare(x.identity.name, y.identity.name);
    order = order != 0 ? order : span_compare(x.identity.function_id, y.identity.function_id);
    order = order != 0 ? order : version_compare(x.identity.version, y.identity.version);
    order = order != 0 ? order : span_compare(x.cluster_id, y.cluster_id);
    return order != 0 ? order : span_compare(x.node_id, y.node_id);
}

/* The next candidate: those of one name when a name is asked for, else all. */
static const struct catalog_entry *
next_entry(const struct command_filter *filter, const struct catalog_entry *entry, size_t *cursor)
{
    const struct catalog *catalog = member_catalog(filter->call->member);
    struct span name = filter->request->function_name;
    if (name.size > 0 && filter->request->function_names.count == 0) {
        return catalog_next_named(catalog, name, entry);
    }
    return catalog_next(catalog, cursor);
}

bool
commands_page_functions(const struct command_filter *filter, const struct command_window *window,
    struct order_page *page)
{
    const struct catalog *catalog = member_catalog(filter->call->member);
    if (!commands_begin_page(
            filter->call, window, catalog_count(catalog), compare_functions, page)) {
        return false;
    }
    size_t cursor = 0;
    const struct catalog_entry *entry = NULL;
    while ((entry = next_entry(filter, entry, &cursor)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        if (commands_wants_function(filter, &endpoint)) {
            order_page_offer(page, entry);
        }
    }
    order_page_end(page);
    return true;
}

bool
commands_page_nodes(const struct command_filter *filter, const struct command_window *window,
    struct order_page *page)
{
    const struct catalog *catalog = member_catalog(filter->call->member);
    if (!commands_begin_page(
            filter->call, window, catalog_node_count(catalog), commands_compare_nodes, page)) {
        return false;
    }
    size_t cursor = 0;
    const struct catalog_node *node;
    while ((node = catalog_next_node(catalog, &cursor)) != NULL) {
        if (commands_wants_node(filter, &node->descriptor)) {
            order_page_offer(page, node);
        }
    }
    order_page_end(page);
    return true;
}
