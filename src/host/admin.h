/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin.h - the admin interface: pages over http.h that show what the engine's snapshot says
 * (docs/cli.md has the keys, docs/metrics.md the metrics).
 *
 * Every page is made from the same structs (node_stats, bridge_stats, bridge_link_stats), taken at the
 * moment of the request. GET and HEAD read; what changes something is POST and wants the token as a bearer
 * token (RFC 6750). With a token configured, reading from another machine wants it too, but for the two health pages.
 *
 * admin_node.h and admin_bridge.h hold the pages of the two programs; this is what they share.
 */
#ifndef HOST_ADMIN_H
#define HOST_ADMIN_H

#include <jansson.h>

#include "core/member.h"
#include "host/http.h"
#include "host/runtime.h"

/* Where time and the runtime's counts come from: the runtime, or a test. */
struct admin_source {
    void *owner;
    struct now (*now)(void *owner);
    struct runtime_stats (*stats)(void *owner);
};

struct admin {
    const char *program; /* "mpreg-node" */
    struct now started;
    struct admin_source source;
    const char *token; /* NULL: nothing can be changed */
};

/* The source of a running program; `runtime` outlives it. */
struct admin_source admin_runtime_source(struct runtime *runtime);

/* One request on its way through a page. */
struct admin_call {
    const struct http_request *request;
    struct http_response *response;
    struct now now;
};

/* Of a request by whoever has the token: policy files. */
#define ADMIN_BODY_SIZE_MAX ((size_t)16 * 1024 * 1024)

/* http_config.body_size_max: without the token nothing large is even read. `owner` begins with a struct admin. */
size_t admin_body_size_max(void *owner, const struct http_request *request);

struct admin_page {
    const char *path; /* "/a/{b}": all below "/a/" */
    void (*serve)(
        void *self, const struct admin_call *call); /* GET; NULL: there is nothing to read */
    void (*change)(void *self, const struct admin_call *call); /* POST; NULL: only reading */
    bool is_open; /* to everybody, whatever the token */
};

/* Find the page and let it answer; 404 (which names the pages), 401, 403 and 405 are answered here. */
void admin_serve(const struct admin *admin, const struct admin_page *pages, size_t page_count,
    void *self, const struct http_request *request, struct http_response *response);

/* ---- Answers ---- */

/* Takes `json`, which may be NULL: no memory, 500. */
void admin_reply_json(struct http_response *response, json_t *json);

/* {"error": message} */
void admin_reply_error(struct http_response *response, uint16_t status, const char *message);

/* "ok" */
void admin_serve_health(void *self, const struct admin_call *call);

/* 200 or 503, {"ready": bool, "reasons": [...]}. Takes `reasons`: texts, none when ready. */
void admin_reply_ready(struct http_response *response, bool ready, json_t *reasons);

/* ---- JSON ---- */

/* The text, or what printable.h makes of one that is not UTF-8. */
json_t *admin_text(struct span text);
json_t *admin_text_or_null(struct span text); /* null: empty */
json_t *admin_u64(uint64_t value);
json_t *admin_seconds(uint64_t duration_ns);
json_t *admin_time(struct wall time);
json_t *admin_texts(const struct text_list *list);

/* {name: count} of those that are not 0. */
json_t *admin_counts(const uint64_t *counts, uint32_t count, const char *(*name)(uint32_t index));

/* The beginning of /v1/status: program, version, started_at, uptime_seconds. */
json_t *admin_identity(const struct admin *admin, struct now now);

/* What both programs show of being a member: connections, nodes, refusals. */
json_t *admin_cluster(struct member *member, const struct member_stats *stats, struct now now);

json_t *admin_memory(size_t used, size_t peak);

/* ---- Query arguments ---- */

/* The value of `name` in "a=b&c=d". false: it is not there. */
bool admin_query(struct span query, const char *name, struct span *value);

/* A number up to `max`; when the query does not have it, *value stays. false: answered with 400. */
MUST_CHECK bool admin_query_number(
    const struct admin_call *call, const char *name, uint64_t max, uint64_t *value);

#endif
