/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_admin.c - the admin pages say what the engine's snapshot says, in well-formed JSON and metrics.
 * Two bridges and a node live in memory; their pages are asked without a socket.
 */
#include "host/admin.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/admin_metrics.h"
#include "host/admin_node.h"
#include "tests/support/admin_world.h"

/* ---- Pages ---- */

START_TEST(health_is_always_good)
{
    ask("/healthz", "");
    ck_assert_uint_eq(desk.response.status, 200);
    ck_assert(span_is(buf_span(&desk.body), "ok\n"));
}
END_TEST

START_TEST(a_bridge_alone_is_not_ready_and_says_why)
{
    rig->bridges[EU].unreachable = true;
    rig_start(rig);
    ask("/readyz", "");
    json_t *json = answer(503);
    ck_assert(json_is_false(at(json, "ready")));
    ck_assert_str_eq(
        text_at(json, "reasons.0"), "link 'eu' is down: cannot connect: nobody is there");
    json_decref(json);
}
END_TEST

START_TEST(a_bridge_with_its_link_is_ready)
{
    join_both();
    json_t *json = asked("/readyz", "");
    ck_assert(json_is_true(at(json, "ready")));
    ck_assert_uint_eq(json_array_size(at(json, "reasons")), 0);
    json_decref(json);
}
END_TEST

START_TEST(a_stopping_bridge_is_not_ready)
{
    join_both();
    rig_stop(rig, US);
    ask("/readyz", "");
    json_t *json = answer(503);
    ck_assert_uint_ge(json_array_size(at(json, "reasons")), 1);
    json_decref(json);
}
END_TEST

START_TEST(status_shows_the_bridge_and_its_cluster)
{
    join_both();
    json_t *json = asked("/v1/status", "");
    ck_assert_str_eq(text_at(json, "program"), "mpreg-bridge");
    ck_assert_str_eq(text_at(json, "bridge"), "us-1");
    ck_assert_str_eq(text_at(json, "federation"), "us");
    ck_assert_str_eq(text_at(json, "started_at"), "2026-11-22T08:19:15.000Z");
    ck_assert_double_eq_tol(json_real_value(at(json, "uptime_seconds")), 1.0, 1e-9);
    ck_assert_str_eq(text_at(json, "cluster.cluster_id"), "us");
    ck_assert_str_eq(text_at(json, "cluster.url"), "ws://us-1:1");
    ck_assert_str_eq(text_at(json, "cluster.nodes.0.url"), "ws://us-n:1");
    ck_assert_str_eq(text_at(json, "cluster.nodes.0.state"), "up");
    ck_assert(json_is_true(at(json, "cluster.nodes.0.inbound")));
    ck_assert_int_eq(number_at(json, "cluster.connections.up"), 1);
    ck_assert_int_eq(number_at(json, "links.total"), 1);
    ck_assert_int_eq(number_at(json, "links.up"), 1);
    ck_assert_int_eq(number_at(json, "functions_offered"), 1);
    ck_assert_int_gt(number_at(json, "memory.used_bytes"), 0);
    json_decref(json);
}
END_TEST

START_TEST(links_show_what_the_engine_counts)
{
    join_both();
    json_t *json = asked("/v1/links", "");
    struct bridge_link_stats stats = rig_link_stats(rig, US, 0);
    ck_assert_uint_eq(json_array_size(at(json, "links")), 1);
    ck_assert_str_eq(text_at(json, "links.0.name"), "eu");
    ck_assert_str_eq(text_at(json, "links.0.far_bridge"), "eu-1");
    ck_assert_str_eq(text_at(json, "links.0.state"), "up");
    ck_assert(json_is_true(at(json, "links.0.dials")));
    ck_assert_int_eq(number_at(json, "links.0.functions.exported"), 2);
    ck_assert_int_eq(number_at(json, "links.0.functions.denied"), 1);
    ck_assert_int_eq(number_at(json, "links.0.functions.imported"), 1);
    ck_assert_int_eq(number_at(json, "links.0.functions.rejected"), 0);
    ck_assert_int_gt(number_at(json, "links.0.table.bytes"), 0);
    ck_assert_int_eq(number_at(json, "links.0.table.bytes"), (json_int_t)stats.table_bytes);
    ck_assert_int_eq(number_at(json, "links.0.announcements.sent"), (json_int_t)stats.announced);
    ck_assert_int_eq(number_at(json, "links.0.session.count"), 1);
    ck_assert_int_eq(number_at(json, "links.0.session.flaps"), 0);
    ck_assert_double_eq_tol(json_real_value(at(json, "links.0.session.uptime_seconds")), 1.0, 1e-9);
    ck_assert(json_is_null(at(json, "links.0.session.last_error")));
    ck_assert_double_eq_tol(json_real_value(at(json, "links.0.health.availability.1h")), 1.0, 1e-9);
    json_decref(json);
}
END_TEST

START_TEST(a_link_that_is_down_shows_nothing_of_a_session)
{
    rig->bridges[EU].unreachable = true;
    rig_start(rig);
    json_t *json = asked("/v1/links", "");
    ck_assert_str_eq(text_at(json, "links.0.state"), "down");
    ck_assert(json_is_null(at(json, "links.0.far_bridge")));
    ck_assert(json_is_null(at(json, "links.0.session.uptime_seconds")));
    ck_assert(json_is_null(at(json, "links.0.session.rtt_seconds")));
    ck_assert_double_eq_tol(json_real_value(at(json, "links.0.health.availability.5m")), 0, 1e-9);
    ck_assert(json_is_null(at(json, "links.0.health.rtt_smoothed_seconds")));
    ck_assert_str_eq(text_at(json, "links.0.health.rtt_band"), "unknown");
    ck_assert(json_is_null(at(json, "links.0.health.clock_offset_seconds")));
    ck_assert(json_is_null(at(json, "links.0.session.heard_seconds_ago")));
    ck_assert_str_eq(
        text_at(json, "links.0.session.last_reason"), "cannot connect: nobody is there");
    json_decref(json);
}
END_TEST

START_TEST(calls_are_counted_by_how_they_ended)
{
    join_both();
    struct span id = rig_peer_call(rig, us_node, "eu.render", "[1]");
    const struct fabric_request *called = rig_peer_called(rig, eu_node);
    ck_assert_ptr_nonnull(called);
    rig_peer_answer(rig, eu_node, called, true, SPAN("\"done\""));
    ck_assert_ptr_nonnull(rig_peer_answered(rig, us_node, id));
    json_t *json = asked("/v1/links", "");
    ck_assert_int_eq(number_at(json, "links.0.calls.to_link.results.ok"), 1);
    ck_assert_int_eq(number_at(json, "links.0.calls.to_link.in_flight"), 0);
    ck_assert_uint_eq(json_object_size(at(json, "links.0.calls.from_link.results")), 0);
    json_decref(json);
}
END_TEST

/* ---- Functions ---- */

START_TEST(functions_say_where_they_are_and_why)
{
    join_both();
    json_t *json = asked("/v1/functions", "");
    ck_assert_int_eq(number_at(json, "total"), 4);
    const json_t *exported = find_function(json, "exported", "us.math.add");
    ck_assert_str_eq(text_at(exported, "link"), "eu");
    ck_assert_str_eq(text_at(exported, "source_name"), "math.add");
    ck_assert_str_eq(text_at(exported, "function_id"), "us.math.add");
    ck_assert_str_eq(text_at(exported, "version"), "1.0.0");
    ck_assert_str_eq(text_at(exported, "rule"), "public");
    ck_assert_str_eq(text_at(exported, "origin"), "us");
    ck_assert_str_eq(text_at(exported, "tags.0"), "public");
    ck_assert(json_is_true(at(exported, "announced")));
    const json_t *denied = find_function(json, "denied", "vault");
    ck_assert_str_eq(text_at(denied, "reason"), "policy_rejected");
    ck_assert_str_eq(text_at(denied, "rule"), "rest");
    ck_assert_str_eq(text_at(denied, "text"), "ask \"the\" owner");
    const json_t *imported = find_function(json, "imported", "eu.render");
    ck_assert_str_eq(text_at(imported, "rule"), "all");
    ck_assert_str_eq(text_at(imported, "offer"), "offered");
    ck_assert_str_eq(text_at(imported, "decided_by"), "only");
    ck_assert_str_eq(text_at(imported, "chosen_link"), "eu");
    ck_assert_int_eq(number_at(imported, "candidates"), 1);
    ck_assert(json_is_false(at(imported, "stale")));
    ck_assert(json_is_false(at(imported, "doubted")));
    ck_assert_str_eq(text_at(imported, "resources.0"), "gpu");
    ck_assert_str_eq(text_at(imported, "path.0"), "eu");
    json_decref(json);
}
END_TEST

START_TEST(what_the_far_side_may_not_bring_is_rejected)
{
    join_both();
    admin_us.bridge = rig->bridges[EU].bridge;
    json_t *json = asked("/v1/functions", "link=us&side=rejected");
    ck_assert_int_eq(number_at(json, "total"), 1);
    const json_t *rejected = find_function(json, "rejected", "us.text.up");
    ck_assert_str_eq(text_at(rejected, "reason"), "policy_rejected");
    ck_assert_str_eq(text_at(rejected, "rule"), "default");
    ck_assert_str_eq(text_at(rejected, "text"), "no rule matches it");
    json_decref(json);
}
END_TEST

START_TEST(an_import_whose_name_is_served_here_stands_by)
{
    join_both();
    rig_peer_offer(rig, us_node, (struct rib_facts){ .name = "eu.render" });
    json_t *json = asked("/v1/functions", "side=imported");
    ck_assert_str_ne(text_at(find_function(json, "imported", "eu.render"), "offer"), "offered");
    ck_assert(json_is_null(at(find_function(json, "imported", "eu.render"), "decided_by")));
    json_decref(json);
}
END_TEST

static const struct question {
    const char *query;
    uint16_t status;
    json_int_t total; /* 200 */
    size_t shown;
    const char *error; /* else */
} questions[] = {
    { "side=exported", 200, 2, 2, NULL },
    { "side=denied&link=eu", 200, 1, 1, NULL },
    { "link=eu", 200, 4, 4, NULL },
    { "limit=1", 200, 4, 1, NULL },
    { "limit=0&side=exported", 200, 2, 0, NULL },
    { "unknown=1&&side", 200, 4, 4, NULL },
    { "link=ap", 404, 0, 0, "there is no link of this name; see /v1/links" },
    { "side=export", 400, 0, 0, "side is one of exported, denied, imported, rejected" },
    { "limit=1000001", 400, 0, 0, "limit is a number up to 1000000" },
    { "limit=", 400, 0, 0, "limit is a number up to 1000000" },
    { "limit=11111111111111111111111", 400, 0, 0, "limit is a number up to 1000000" },
};

START_TEST(functions_are_chosen_by_link_and_side)
{
    const struct question *question = &questions[_i];
    join_both();
    ask("/v1/functions", question->query);
    json_t *json = answer(question->status);
    if (question->error != NULL) {
        ck_assert_str_eq(text_at(json, "error"), question->error);
    } else {
        ck_assert_int_eq(number_at(json, "total"), question->total);
        ck_assert_uint_eq(json_array_size(at(json, "functions")), question->shown);
    }
    json_decref(json);
}
END_TEST

/* ---- Events ---- */

static const struct event_question {
    const char *query;
    uint16_t status;
    size_t shown;      /* 200 */
    const char *error; /* else */
} event_questions[] = {
    { "", 200, 1, NULL },
    { "link=eu&kind=rejected&reason=policy_rejected", 200, 1, NULL },
    { "kind=pruned", 200, 0, NULL },
    { "reason=withdrawn", 200, 0, NULL },
    { "after=1", 200, 0, NULL },
    { "limit=0", 200, 0, NULL },
    { "link=ap", 404, 0, "there is no link of this name; see /v1/links" },
    { "kind=gone", 400, 0, "kind is rejected or pruned" },
    { "reason=", 400, 0, "there is no such reason; docs/metrics.md lists them" },
    { "limit=20001", 400, 0, "limit is a number up to 20000" },
    { "after=-1", 400, 0, "after is a number up to 18446744073709551615" },
};

START_TEST(events_are_chosen_by_kind_link_reason_and_number)
{
    const struct event_question *question = &event_questions[_i];
    join_both();
    ask("/v1/events", question->query);
    json_t *json = answer(question->status);
    if (question->error != NULL) {
        ck_assert_str_eq(text_at(json, "error"), question->error);
    } else {
        ck_assert_int_eq(number_at(json, "last"), 1);
        ck_assert_uint_eq(json_array_size(at(json, "events")), question->shown);
    }
    if (question->shown == 1) {
        ck_assert_str_eq(text_at(json, "events.0.kind"), "rejected");
        ck_assert_str_eq(text_at(json, "events.0.direction"), "export");
        ck_assert_str_eq(text_at(json, "events.0.link"), "eu");
        ck_assert(json_is_null(at(json, "events.0.age_seconds")));
    }
    json_decref(json);
}
END_TEST

/* ---- What is refused ---- */

START_TEST(pages_can_only_be_read)
{
    static const enum http_method methods[] = { HTTP_POST, HTTP_OTHER };
    const struct http_request request = { .method = methods[_i], .path = SPAN("/v1/status") };
    ask_with(admin_bridge_serve, &admin_us, &request);
    json_t *json = answer(405);
    ck_assert_str_eq(text_at(json, "error"), "this page can only be read: use GET");
    ck_assert_uint_eq(desk.response.header_count, 1);
    ck_assert_str_eq(desk.response.headers[0].name, "allow");
    json_decref(json);
}
END_TEST

START_TEST(unknown_pages_name_the_known_ones)
{
    ask("/v1/status/", "");
    json_t *json = answer(404);
    ck_assert_str_eq(text_at(json, "pages.0"), "/healthz");
    ck_assert_uint_eq(json_array_size(at(json, "pages")), 19);
    json_decref(json);
}
END_TEST

static const struct {
    const char *query;
    const char *want; /* of "a"; NULL: it is not there */
} queries[] = {
    { "", NULL },
    { "a=1", "1" },
    { "b=2&a=1&a=3", "1" },
    { "a=", "" },
    { "a", NULL },
    { "aa=1", NULL },
    { "&&a=x=y&", "x=y" },
};

START_TEST(arguments_are_found)
{
    struct span value = SPAN_NONE;
    bool found = admin_query(span_from_text(queries[_i].query), "a", &value);
    ck_assert_int_eq(found, queries[_i].want != NULL);
    ck_assert(!found || span_is(value, queries[_i].want));
}
END_TEST

START_TEST(texts_that_are_not_utf8_are_escaped)
{
    json_t *json = admin_text(span_from("a\xff\0b", 4));
    ck_assert_str_eq(json_string_value(json), "a\\xff\\x00b");
    json_decref(json);
    json = admin_text(SPAN_NONE);
    ck_assert_str_eq(json_string_value(json), "");
    json_decref(json);
}
END_TEST

/* ---- Metrics ---- */

/* The metrics page as a text, to be freed. */
static const char *const bridge_lines[] = {
    "mpreg_build_info{program=\"mpreg-bridge\",version=\"0.1.0\"} 1",
    "process_start_time_seconds 1795335555",
    "mpreg_ready 1",
    "mpreg_events_total 5",
    "mpreg_messages_total{direction=\"out\"} 6",
    "mpreg_link_handshakes_total{result=\"opened\"} 2",
    "mpreg_link_handshakes_total{result=\"failed\"} 3",
    "mpreg_link_handshakes_total{result=\"limited\"} 4",
    "mpreg_link_handshakes_total{result=\"busy\"} 0",
    "mpreg_link_up{link=\"eu\"} 1",
    "mpreg_link_state{link=\"eu\"} 3",
    "mpreg_link_sessions_total{link=\"eu\"} 1",
    "mpreg_link_flaps_total{link=\"eu\"} 0",
    "mpreg_link_uptime_seconds{link=\"eu\"} 1",
    "mpreg_link_availability_ratio{link=\"eu\",window=\"5m\"} 1",
    "mpreg_link_availability_ratio{link=\"eu\",window=\"24h\"} 1",
    "mpreg_link_rtt_seconds_bucket{link=\"eu\",le=\"0.0001\"} 0",
    "mpreg_link_rtt_seconds_count{link=\"eu\"} 0",
    "mpreg_peers{state=\"up\"} 1",
    "mpreg_isolation_rejects_total{reason=\"foreign_cluster\"} 0",
    "mpreg_outdated_total{what=\"status\"} 0",
    "mpreg_outdated_total{what=\"own_entry\"} 0",
    "mpreg_functions{port=\"cluster\",side=\"offered\"} 1",
    "mpreg_functions{port=\"eu\",side=\"exported\"} 2",
    "mpreg_functions{port=\"eu\",side=\"denied\"} 1",
    "mpreg_functions{port=\"eu\",side=\"imported\"} 1",
    "mpreg_functions{port=\"eu\",side=\"rejected\"} 0",
    "# TYPE mpreg_link_table_bytes gauge",
    "mpreg_link_update_pauses_total{link=\"eu\"} 0",
    "mpreg_announcements_total{port=\"eu\",direction=\"out\"} 2",
    "mpreg_announcements_total{port=\"eu\",direction=\"in\"} 1",
    "mpreg_withdrawals_total{port=\"eu\",direction=\"in\"} 0",
    "mpreg_calls_total{port=\"eu\",direction=\"out\",result=\"ok\"} 1",
    "mpreg_calls_total{port=\"eu\",direction=\"in\",result=\"ok\"} 0",
    "mpreg_call_seconds_bucket{port=\"eu\",direction=\"out\",le=\"0.0005\"} 1",
    "mpreg_call_seconds_bucket{port=\"eu\",direction=\"out\",le=\"10\"} 1",
    "mpreg_call_seconds_bucket{port=\"eu\",direction=\"out\",le=\"+Inf\"} 1",
    "mpreg_call_seconds_count{port=\"eu\",direction=\"out\"} 1",
    "mpreg_calls_in_flight{port=\"eu\"} 0",
    "mpreg_calls_held_total{port=\"eu\"} 0",
};

START_TEST(metrics_say_what_happened)
{
    join_both();
    (void)rig_peer_call(rig, us_node, "eu.render", "[1]");
    rig_peer_answer(rig, eu_node, rig_peer_called(rig, eu_node), true, SPAN("1"));
    char *text = metrics_text();
    for (size_t i = 0; i < COUNT_OF(bridge_lines); i++) {
        ck_assert_msg(
            has_line(text, bridge_lines[i]), "no line '%s' in\n%s", bridge_lines[i], text);
    }
    free(text);
}
END_TEST

/* The name of the family that a line is about; of a histogram's without the suffix. */
static void
family_of(const char *line, bool is_histogram, char *family, size_t size)
{
    static const char *const suffixes[] = { "_bucket", "_sum", "_count" };
    (void)snprintf(family, size, "%.*s", (int)strcspn(line, "{ "), line);
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        size_t length = strlen(family);
        size_t suffix = strlen(suffixes[i]);
        if (is_histogram && length > suffix && strcmp(&family[length - suffix], suffixes[i]) == 0) {
            family[length - suffix] = '\0';
        }
    }
}

/* The format's rules: each family has one HELP and one TYPE, and its samples follow it in one piece. */
static void
judge_format(const char *text)
{
    char current[128] = "";
    char family[128];
    bool is_histogram = false;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        char once[160];
        if (strncmp(line, "# HELP ", 7) == 0) {
            (void)snprintf(current, sizeof(current), "%.*s", (int)strcspn(line + 7, " "), line + 7);
            (void)snprintf(once, sizeof(once), "# TYPE %s ", current);
            const char *type = strchr(line, '\n') + 1;
            ck_assert_msg(strncmp(type, once, strlen(once)) == 0, "no TYPE after %s", current);
            is_histogram = strncmp(type + strlen(once), "histogram\n", 10) == 0;
            (void)snprintf(once, sizeof(once), "# HELP %s ", current);
            ck_assert_msg(strstr(text, once) == line, "%s is announced twice", current);
        } else if (line[0] != '#') {
            family_of(line, is_histogram, family, sizeof(family));
            ck_assert_msg(strcmp(family, current) == 0, "%s stands under %s", family, current);
            const char *value = strchr(line, ' ') + 1;
            ck_assert_msg(
                strspn(value, "0123456789.-") == strcspn(value, "\n"), "%s: %.40s", family, value);
        }
        ck_assert_ptr_nonnull(strchr(line, '\n'));
    }
}

START_TEST(metrics_keep_the_format)
{
    join_both();
    char *text = metrics_text();
    judge_format(text);
    free(text);
}
END_TEST

START_TEST(labels_are_escaped)
{
    struct admin_metrics metrics =
        admin_metrics_begin(&(struct http_response){ .body = &desk.body });
    admin_metrics_family(&metrics, "x", "gauge", "Help.");
    admin_metrics_sample(&metrics, ADMIN_LABELS({ "l", SPAN("a\"b\\c\nd") }), 1);
    ck_assert(span_is(
        buf_span(&desk.body), "# HELP x Help.\n# TYPE x gauge\nx{l=\"a\\\"b\\\\c\\nd\"} 1\n"));
}
END_TEST

static const struct {
    int64_t ns;
    const char *want;
} seconds[] = {
    { 0, "x 0\n" },
    { 1, "x 0.000000001\n" },
    { -1500000000, "x -1.5\n" },
    { INT64_C(120000000000), "x 120\n" },
    { INT64_MIN, "x -9223372036.854775808\n" },
};

START_TEST(seconds_are_exact)
{
    struct admin_metrics metrics = { .out = &desk.body, .family = "x" };
    admin_metrics_seconds(&metrics, ADMIN_NO_LABELS, seconds[_i].ns);
    ck_assert_msg(span_is(buf_span(&desk.body), seconds[_i].want), "got %.*s want %s",
        SPAN_ARGS(buf_span(&desk.body)), seconds[_i].want);
}
END_TEST

/* ---- An ordinary node ---- */

static struct admin_node admin_n;

static struct node *
node_alone(void)
{
    static const struct span seeds[] = { T("ws://nobody:1") };
    const struct node_config config = {
        .member = { .cluster_id = SPAN("us"),
            .url = SPAN("ws://n:1"),
            .instance_id = SPAN("i"),
            .seeds = { .items = seeds, .count = 1 },
            .isolation = { .cluster_id = SPAN("us") },
            .function_count_max = 1000,
            .call_timeout_ns = 30 * SEC_NS },
        .request_timeout_ns = 30 * SEC_NS,
        .memory_max = (size_t)64 * 1024 * 1024,
    };
    const struct event start = { .kind = EVENT_START };
    struct node *node = node_create(&config, (struct hash_key){ 1, 2 }, 3, &rig->log);
    ck_assert_ptr_nonnull(node);
    (void)node_step(node, &start, rig->now);
    admin_n = (struct admin_node){ .admin = admin_us.admin, .node = node };
    admin_n.admin.program = "mpreg-node";
    return node;
}

static void
ask_node(const char *path)
{
    const struct http_request request = { .path = span_from_text(path) };
    ask_with(admin_node_serve, &admin_n, &request);
}

START_TEST(a_node_shows_itself)
{
    struct node *node = node_alone();
    struct node_stats stats = node_stats(node);
    ask_node("/v1/status");
    json_t *json = answer(200);
    ck_assert_str_eq(text_at(json, "program"), "mpreg-node");
    ck_assert_int_eq(number_at(json, "functions_local"), (json_int_t)stats.functions_local);
    ck_assert_int_eq(number_at(json, "worker_restarts"), 4);
    ck_assert_int_eq(number_at(json, "requests.total"), 0);
    ck_assert_int_eq(number_at(json, "calls.served"), 0);
    ck_assert_str_eq(text_at(json, "cluster.url"), "ws://n:1");
    json_decref(json);
    ask_node("/readyz");
    json = answer(503);
    ck_assert_str_eq(text_at(json, "reasons.0"), "no other node of the cluster is connected");
    json_decref(json);
    ask_node("/v1/links");
    json_decref(answer(404));
    ask_node("/healthz");
    ck_assert(span_is(buf_span(&desk.body), "ok\n"));
    node_free(node);
}
END_TEST

START_TEST(metrics_of_a_node_keep_the_format)
{
    struct node *node = node_alone();
    ask_node("/metrics");
    char *text = strndup((const char *)desk.body.data, desk.body.size);
    judge_format(text);
    ck_assert(has_line(text, "mpreg_ready 0"));
    ck_assert(has_line(text, "mpreg_worker_restarts_total 4"));
    ck_assert(has_line(text, "mpreg_node_calls_total{kind=\"served\"} 0"));
    ck_assert(has_line(text, "mpreg_node_calls_repeated_total 0"));
    ck_assert(has_line(text, "mpreg_node_calls_held_total 0"));
    free(text);
    node_free(node);
}
END_TEST

static TCase *
bridge_pages(void)
{
    TCase *tests = tcase_create("bridge");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, health_is_always_good);
    tcase_add_test(tests, a_bridge_alone_is_not_ready_and_says_why);
    tcase_add_test(tests, a_bridge_with_its_link_is_ready);
    tcase_add_test(tests, a_stopping_bridge_is_not_ready);
    tcase_add_test(tests, status_shows_the_bridge_and_its_cluster);
    tcase_add_test(tests, links_show_what_the_engine_counts);
    tcase_add_test(tests, a_link_that_is_down_shows_nothing_of_a_session);
    tcase_add_test(tests, calls_are_counted_by_how_they_ended);
    tcase_add_test(tests, functions_say_where_they_are_and_why);
    tcase_add_test(tests, what_the_far_side_may_not_bring_is_rejected);
    tcase_add_test(tests, an_import_whose_name_is_served_here_stands_by);
    tcase_add_loop_test(tests, functions_are_chosen_by_link_and_side, 0, (int)COUNT_OF(questions));
    tcase_add_loop_test(
        tests, events_are_chosen_by_kind_link_reason_and_number, 0, (int)COUNT_OF(event_questions));
    return tests;
}

static TCase *
other_pages(void)
{
    TCase *tests = tcase_create("pages");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, pages_can_only_be_read, 0, 2);
    tcase_add_test(tests, unknown_pages_name_the_known_ones);
    tcase_add_loop_test(tests, arguments_are_found, 0, (int)COUNT_OF(queries));
    tcase_add_test(tests, texts_that_are_not_utf8_are_escaped);
    tcase_add_test(tests, metrics_say_what_happened);
    tcase_add_test(tests, metrics_keep_the_format);
    tcase_add_test(tests, labels_are_escaped);
    tcase_add_loop_test(tests, seconds_are_exact, 0, (int)COUNT_OF(seconds));
    tcase_add_test(tests, a_node_shows_itself);
    tcase_add_test(tests, metrics_of_a_node_keep_the_format);
    return tests;
}

int
main(void)
{
    Suite *suite = suite_create("admin");
    suite_add_tcase(suite, bridge_pages());
    suite_add_tcase(suite, other_pages());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
