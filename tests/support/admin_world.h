/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_world.h - us and eu, two bridges with a node each in memory, whose admin pages are asked without a socket.
 * Include it once, in the file with main().
 */
#ifndef TESTS_SUPPORT_ADMIN_WORLD_H
#define TESTS_SUPPORT_ADMIN_WORLD_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/admin_bridge.h"
#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

#define US 0u
#define EU 1u

/* A request and its answer. */
struct desk {
    struct mem mem;
    struct buf body;
    struct http_response response;
};

static struct rig *rig;
static struct admin_bridge admin_us;
static struct desk desk;

static inline struct now
rig_clock(void *owner)
{
    const struct rig *from = owner;
    return from->now;
}

static inline struct runtime_stats
some_counts(void *owner)
{
    (void)owner;
    return (struct runtime_stats){ .link_handshakes = { 2, 3, 4, 0 },
        .worker_restarts = 4,
        .events = 5,
        .ws = { .messages_sent = 6 } };
}

static inline void
desk_open(void)
{
    mem_init(&desk.mem, (size_t)64 * 1024 * 1024);
    buf_init(&desk.body, &desk.mem, (size_t)32 * 1024 * 1024);
}

typedef void (*serve_page)(
    void *owner, const struct http_request *request, struct http_response *response);

static inline void
ask_with(serve_page serve, void *owner, const struct http_request *request)
{
    buf_reset(&desk.body);
    desk.response = (struct http_response){ .status = 200, .body = &desk.body };
    serve(owner, request, &desk.response);
}

static inline void
ask(const char *path, const char *query)
{
    const struct http_request request = { .path = span_from_text(path),
        .query = span_from_text(query) };
    ask_with(admin_bridge_serve, &admin_us, &request);
}

/* The answer as JSON, for json_decref(). */
static inline json_t *
answer(uint16_t status)
{
    ck_assert_msg(desk.response.status == status, "got %u: %.*s", desk.response.status,
        SPAN_ARGS(buf_span(&desk.body)));
    ck_assert_str_eq(desk.response.content_type, "application/json");
    json_t *json = json_loadb((const char *)desk.body.data, desk.body.size, 0, NULL);
    ck_assert_msg(json != NULL, "got %.*s", SPAN_ARGS(buf_span(&desk.body)));
    return json;
}

static inline json_t *
asked(const char *path, const char *query)
{
    ask(path, query);
    return answer(200);
}

/* The member at "a.b.0.c". */
static inline const json_t *
at(const json_t *json, const char *path)
{
    while (json != NULL && *path != '\0') {
        char key[64];
        size_t size = strcspn(path, ".");
        (void)snprintf(key, sizeof(key), "%.*s", (int)size, path);
        json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(key, NULL, 10))
                                   : json_object_get(json, key);
        path += path[size] == '.' ? size + 1 : size;
    }
    return json;
}

static inline const char *
text_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(at(json, path));
    return text == NULL ? "(none)" : text;
}

static inline json_int_t
number_at(const json_t *json, const char *path)
{
    const json_t *number = at(json, path);
    ck_assert_msg(json_is_integer(number), "no number at %s", path);
    return json_integer_value(number);
}

/* ---- us and eu: us.math.add passes, us.text.up is rejected there, vault is denied here ---- */

static const struct policy_rule_source us_exports[] = {
    {
        .id = T("public"),
        .functions = LIST(T("{name**}")),
        .tags = { .any = LIST(T("public")) },
        .set_function = T("us.{name}"),
        .action = POLICY_ACCEPT,
    },
    { .id = T("rest"), .action = POLICY_REJECT, .reason = T("ask \"the\" owner") },
};
static const struct policy_rule_source eu_imports[] = {
    { .id = T("math"), .functions = LIST(T("us.math.**")), .action = POLICY_ACCEPT },
};
static const struct policy_rule_source eu_exports[] = { RULE_ALL };

static const struct rib_facts math_add = { .name = "math.add", .tags = LIST(T("public")) };
static const struct rib_facts text_up = { .name = "text.up", .tags = LIST(T("public")) };
static const struct rib_facts vault = { .name = "vault", .version = "2.0.0" };
static const struct rib_facts render = { .name = "eu.render", .resources = LIST(T("gpu")) };

static struct rig_peer *us_node;
static struct rig_peer *eu_node;

static inline void
open_bridges(uint64_t resume_window_ns, uint64_t stale_time_ns)
{
    rig = calloc(1, sizeof(*rig));
    ck_assert_ptr_nonnull(rig);
    rig_open(rig);
    rig->resume_window_ns = resume_window_ns;
    rig->stale_time_ns = stale_time_ns;
    desk_open();
    const struct rig_link to_eu = { .federation = "eu",
        .address = "eu",
        .policy = rig_policy(rig, us_exports, COUNT_OF(us_exports), eu_exports, 1) };
    const struct rig_link to_us = { .federation = "us",
        .policy = rig_policy(rig, eu_exports, 1, eu_imports, 1) };
    ck_assert_uint_eq(rig_add_bridge(rig, "us", &to_eu, 1), US);
    ck_assert_uint_eq(rig_add_bridge(rig, "eu", &to_us, 1), EU);
    admin_us = (struct admin_bridge){
        .admin = { .program = "mpreg-bridge",
            .started = rig->now,
            .source = { .owner = rig, .now = rig_clock, .stats = some_counts } },
        .bridge = rig->bridges[US].bridge,
        .name = SPAN("us-1"),
        .federation = SPAN("us"),
    };
}

static inline void
set_up(void)
{
    open_bridges(0, 0);
}

static inline void
join_both(void)
{
    rig_start(rig);
    us_node = rig_peer_join(rig, US, "ws://us-n:1");
    eu_node = rig_peer_join(rig, EU, "ws://eu-n:1");
    rig_peer_offer(rig, us_node, math_add);
    rig_peer_offer(rig, us_node, text_up);
    rig_peer_offer(rig, us_node, vault);
    rig_peer_offer(rig, eu_node, render);
    rig_pass(rig, SEC_NS);
}

static inline void
tear_down(void)
{
    buf_destroy(&desk.body);
    ck_assert_uint_eq(desk.mem.used, 0);
    ck_assert(rig_close(rig));
    free(rig);
}

static inline const json_t *
find_function(const json_t *json, const char *side, const char *name)
{
    size_t index = 0;
    const json_t *function = NULL;
    json_array_foreach(at(json, "functions"), index, function)
    {
        if (strcmp(text_at(function, "side"), side) == 0 &&
            strcmp(text_at(function, "name"), name) == 0) {
            return function;
        }
    }
    ck_abort_msg("no %s function %s", side, name);
    return NULL;
}

static inline char *
metrics_text(void)
{
    ask("/metrics", "");
    ck_assert_uint_eq(desk.response.status, 200);
    ck_assert_str_eq(desk.response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    char *text = strndup((const char *)desk.body.data, desk.body.size);
    ck_assert_ptr_nonnull(text);
    return text;
}

static inline bool
has_line(const char *text, const char *line)
{
    const char *found = strstr(text, line);
    size_t size = strlen(line);
    while (found != NULL && ((found != text && found[-1] != '\n') || found[size] != '\n')) {
        found = strstr(found + 1, line);
    }
    return found != NULL;
}

#endif
