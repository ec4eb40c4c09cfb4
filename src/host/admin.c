/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin.c - which page answers, how, and the JSON that all of them use.
 */
#include "host/admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/build_info.h"
#include "host/log_sink.h"
#include "host/printable.h"
#include "host/value.h"

#define JSON_TYPE "application/json"

/* Enough for a microsecond within four months, and no noise of binary fractions. */
#define REAL_DIGITS 14

static struct now
runtime_clock(void *owner)
{
    return runtime_now(owner);
}

static struct runtime_stats
runtime_counts(void *owner)
{
    return runtime_stats(owner);
}

struct admin_source
admin_runtime_source(struct runtime *runtime)
{
    return (struct admin_source){ .owner = runtime, .now = runtime_clock, .stats = runtime_counts };
}

/* ---- Answers ---- */

static int
add_to_body(const char *bytes, size_t size, void *body)
{
    buf_add(body, span_from(bytes, size));
    return 0;
}

void
admin_reply_json(struct http_response *response, json_t *json)
{
    response->content_type = JSON_TYPE;
    if (json == NULL || json_dump_callback(json, add_to_body, response->body,
                            JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS)) != 0) {
        buf_reset(response->body);
        response->status = 500;
        buf_add_text(response->body, "{\"error\":\"no memory for the answer\"}");
    }
    buf_add_u8(response->body, '\n');
    json_decref(json);
}

void
admin_reply_error(struct http_response *response, uint16_t status, const char *message)
{
    response->status = status;
    admin_reply_json(response, json_pack("{s:o}", "error", admin_text(span_from_text(message))));
}

static void
reply_not_found(struct http_response *response, const struct admin_page *pages, size_t page_count)
{
    json_t *paths = json_array();
    for (size_t i = 0; i < page_count; i++) {
        (void)json_array_append_new(paths, json_string(pages[i].path));
    }
    response->status = 404;
    admin_reply_json(response, json_pack("{s:s,s:o}", "error", "no such page", "pages", paths));
}

/* In a time that depends on the lengths only. */
static bool
same_secret(struct span given, struct span secret)
{
    uint8_t differs = given.size != secret.size;
    for (size_t i = 0; i < given.size && secret.size > 0; i++) {
        differs |= given.data[i] ^ secret.data[i % secret.size];
    }
    return differs == 0;
}

static bool
has_token(const struct admin *admin, const struct http_request *request)
{
    static const struct span scheme = { (const uint8_t *)"Bearer ", 7 };
    struct span given = request->authorization;
    return admin->token != NULL && span_starts_with(given, scheme) &&
           same_secret(span_after(given, scheme.size), span_from_text(admin->token));
}

size_t
admin_body_size_max(void *owner, const struct http_request *request)
{
    const struct admin *admin = owner;
    return has_token(admin, request) ? ADMIN_BODY_SIZE_MAX : HTTP_BODY_SIZE_MAX;
}

static void
reply_method(struct http_response *response, const struct admin_page *page)
{
    const char *allowed = page->change == NULL  ? "GET, HEAD"
                          : page->serve == NULL ? "POST"
                                                : "GET, HEAD, POST";
    response->headers[0] = (struct http_header){ .name = "allow", .value = allowed };
    response->header_count = 1;
    admin_reply_error(response, 405,
        page->change == NULL  ? "this page can only be read: use GET"
        : page->serve == NULL ? "this page changes something: use POST"
                              : "use GET or POST");
}

static void
reply_unauthorized(struct http_response *response)
{
    response->headers[0] = (struct http_header){ .name = "www-authenticate", .value = "Bearer" };
    response->header_count = 1;
    admin_reply_error(response, 401,
        "this wants the token of admin.token_file: send Authorization: Bearer TOKEN");
}

/* false: it was answered. */
static bool
may_pass(const struct admin *admin, const struct admin_page *page,
    const struct http_request *request, struct http_response *response)
{
    bool reads = request->method == HTTP_GET;
    bool known = reads ? page->serve != NULL : request->method == HTTP_POST && page->change != NULL;
    if (!known) {
        reply_method(response, page);
        return false;
    }
    if (!reads && admin->token == NULL) {
        admin_reply_error(response, 403,
            "nothing can be changed here: the configuration has no admin.token_file");
        return false;
    }
    bool wants_token = !reads || (admin->token != NULL && !request->is_loopback && !page->is_open);
    if (wants_token && !has_token(admin, request)) {
        reply_unauthorized(response);
        return false;
    }
    return true;
}

static bool
is_page(const struct admin_page *page, struct span path)
{
    size_t fixed = strcspn(page->path, "{");
    struct span start = span_from((const uint8_t *)page->path, fixed);
    return page->path[fixed] == '\0' ? span_equal(path, start)
                                     : path.size > fixed && span_starts_with(path, start);
}

void
admin_serve(const struct admin *admin, const struct admin_page *pages, size_t page_count,
    void *self, const struct http_request *request, struct http_response *response)
{
    size_t page = 0;
    while (page < page_count && !is_page(&pages[page], request->path)) {
        page++;
    }
    if (page == page_count) {
        reply_not_found(response, pages, page_count);
        return;
    }
    if (!may_pass(admin, &pages[page], request, response)) {
        return;
    }
    const struct admin_call call = {
        .request = request,
        .response = response,
        .now = admin->source.now(admin->source.owner),
    };
    if (request->method == HTTP_POST) {
        pages[page].change(self, &call);
    } else {
        pages[page].serve(self, &call);
    }
}

void
admin_serve_health(void *self, const struct admin_call *call)
{
    (void)self;
    buf_add_text(call->response->body, "ok\n");
}

void
admin_reply_ready(struct http_response *response, bool ready, json_t *reasons)
{
    response->status = ready ? 200 : 503;
    admin_reply_json(response, json_pack("{s:b,s:o}", "ready", ready, "reasons", reasons));
}

/* ---- JSON ---- */

static json_t *
escaped_text(struct span text)
{
    struct mem mem;
    struct buf escaped;
    mem_init(&mem, SIZE_MAX);
    buf_init(&escaped, &mem, SIZE_MAX / 2);
    printable_add(&escaped, text, 0);
    json_t *json = json_stringn((const char *)escaped.data, escaped.size);
    buf_destroy(&escaped);
    return json;
}

json_t *
admin_text(struct span text)
{
    if (text.size == 0) {
        return json_string("");
    }
    json_t *json = json_stringn((const char *)text.data, text.size);
    return json != NULL ? json : escaped_text(text);
}

json_t *
admin_text_or_null(struct span text)
{
    return text.size == 0 ? json_null() : admin_text(text);
}

json_t *
admin_u64(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *
admin_seconds(uint64_t duration_ns)
{
    return json_real((double)duration_ns / (double)SEC_NS);
}

json_t *
admin_time(struct wall time)
{
    return json_string(log_sink_time(time).text);
}

json_t *
admin_texts(const struct text_list *list)
{
    json_t *texts = json_array();
    for (uint32_t i = 0; i < list->count; i++) {
        (void)json_array_append_new(texts, admin_text(list->items[i]));
    }
    return texts;
}

json_t *
admin_counts(const uint64_t *counts, uint32_t count, const char *(*name)(uint32_t index))
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < count; i++) {
        if (counts[i] > 0) {
            (void)json_object_set_new(object, name(i), admin_u64(counts[i]));
        }
    }
    return object;
}

json_t *
admin_identity(const struct admin *admin, struct now now)
{
    return json_pack("{s:s,s:s,s:o,s:o}", "program", admin->program, "version", BUILD_INFO_VERSION,
        "started_at", admin_time(admin->started.wall), "uptime_seconds",
        admin_seconds(instant_between(admin->started.mono, now.mono)));
}

json_t *
admin_memory(size_t used, size_t peak)
{
    return json_pack("{s:o,s:o}", "used_bytes", admin_u64(used), "peak_bytes", admin_u64(peak));
}

/* ---- The cluster ---- */

static const char *
peer_state_at(uint32_t index)
{
    return peer_state_name((enum peer_state)index);
}

static const char *
isolation_reason_at(uint32_t index)
{
    return isolation_reason_name((enum isolation_reason)index);
}

static json_t *
describe_node(const struct member_node *node)
{
    bool up = node->dialed_up || node->inbound_up;
    json_t *json = json_pack("{s:o,s:o,s:s,s:b,s:b}", "url", admin_text(node->url), "cluster_id",
        admin_text(node->cluster_id), "state", up ? "up" : "down", "dialed", node->dialed_up,
        "inbound", node->inbound_up);
    (void)json_object_set_new(
        json, "status_at", node->known_status ? admin_time(node->status_at) : json_null());
    (void)json_object_set_new(
        json, "lost_at", node->lost_at.ns == 0 ? json_null() : admin_time(node->lost_at));
    return json;
}

json_t *
admin_cluster(struct member *member, const struct member_stats *stats, struct now now)
{
    const struct member_config *config = member_config_of(member);
    struct member_node node;
    size_t cursor = 0;
    json_t *nodes = json_array();
    while (member_next_node(member, &cursor, now, &node)) {
        (void)json_array_append_new(nodes, describe_node(&node));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "cluster_id",
        admin_text(config->cluster_id), "url", admin_text(config->url), "functions_known",
        admin_u64(catalog_count(member_catalog(member))), "calls_in_flight",
        admin_u64(stats->calls_in_flight), "connections",
        admin_counts(stats->connections_by_state, PEER_STATE_COUNT, peer_state_at),
        "isolation_rejects",
        admin_counts(stats->isolation, ISOLATION_REASON_COUNT, isolation_reason_at),
        "malformed_messages", admin_u64(stats->malformed), "nodes", nodes);
}

/* ---- Query arguments ---- */

bool
admin_query(struct span query, const char *name, struct span *value)
{
    size_t name_size = strlen(name);
    while (query.size > 0) {
        size_t end = span_find(query, '&');
        struct span argument = span_part(query, 0, end);
        if (span_starts_with(argument, span_from_text(name)) && argument.size > name_size &&
            argument.data[name_size] == '=') {
            *value = span_after(argument, name_size + 1);
            return true;
        }
        query = span_after(query, end < query.size ? end + 1 : end);
    }
    return false;
}

bool
admin_query_number(const struct admin_call *call, const char *name, uint64_t max, uint64_t *value)
{
    struct span written;
    char text[24] = "";
    if (!admin_query(call->request->query, name, &written)) {
        return true;
    }
    if (written.size < sizeof(text)) {
        memcpy(text, written.data, written.size);
    }
    if (value_read_number(text, value) == VALUE_OK && *value <= max) {
        return true;
    }
    char message[96];
    (void)snprintf(message, sizeof(message), "%s is a number up to %" PRIu64, name, max);
    admin_reply_error(call->response, 400, message);
    return false;
}
