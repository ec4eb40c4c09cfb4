/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_commands.c - the built-in commands' answers: their fields, filters and pages; and, where
 * recordings of real servers are at hand, that the sets of keys are those of the reference.
 *
 * MPREG_TRANSCRIPTS names the folder of the recordings; discovery_commands.jsonl is read.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/commands.h"
#include "tests/support/check_failed.h"
#include "tests/support/node_rig.h"

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

#define FAR    "ws://127.0.0.1:7002"
#define PEER   50u
#define CLIENT 100u

static const struct span gpu[] = { TEXT("gpu") };
static const struct span tags[] = { TEXT("public"), TEXT("math") };

static const struct node_function functions[] = {
    {
        .identity = { TEXT("math.add"), TEXT("math.add"), TEXT("2.1.0"), { 2, 1, 0 }, NULL },
        .tags = { .items = tags, .count = 2 },
        .summary = TEXT("Adds \"two\" numbers."),
    },
    {
        .identity = { TEXT("train"), TEXT("train"), TEXT("1.0.0"), { 1, 0, 0 }, NULL },
        .resources = { .items = gpu, .count = 1 },
    },
};

static struct rig rig;

static void
set_up(void)
{
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    rig_start(&rig, &config);
    rig_event(&rig, EVENT_ACCEPTED, CLIENT);
    rig_meet(&rig, PEER, FAR, "far.away");
}

static void
tear_down(void)
{
    rig_stop(&rig);
}

/* What the node answers, or NULL and the whole message in *failure. */
static json_t *
ask(const char *function, const char *argument, const char **failure)
{
    char cmds[2048];
    (void)snprintf(
        cmds, sizeof(cmds), "[{\"name\":\"r\",\"fun\":\"%s\",\"args\":[%s]}]", function, argument);
    rig_ask(&rig, CLIENT, cmds, "u");
    *failure = rig_sent(&rig, CLIENT);
    json_t *whole = json_loads(*failure, JSON_DECODE_ANY, NULL);
    ck_assert_msg(whole != NULL, "%s: no JSON: %s", function, *failure);
    json_t *r = json_object_get(whole, "r");
    json_t *value = json_is_object(r) ? json_incref(json_object_get(r, "r")) : NULL;
    json_decref(whole);
    return value;
}

/* The keys of a value and of what is in it, sorted: "{a,b:[{c}]}". Of an array the first item counts. */
static void
write_keys(const json_t *value, char *out, size_t size)
{
    size_t at = strlen(out);
    if (json_is_array(value)) {
        (void)snprintf(&out[at], size - at, "[");
        if (json_array_size(value) > 0) {
            write_keys(json_array_get(value, 0), out, size);
        }
        at = strlen(out);
        (void)snprintf(&out[at], size - at, "]");
    }
    if (!json_is_object(value)) {
        return;
    }
    const char *last = "";
    (void)snprintf(&out[at], size - at, "{");
    for (size_t i = 0; i < json_object_size(value); i++) {
        const char *next = NULL;
        const char *key;
        json_t *member;
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
        {
            if (strcmp(key, last) > 0 && (next == NULL || strcmp(key, next) < 0)) {
                next = key;
            }
        }
        at = strlen(out);
        (void)snprintf(&out[at], size - at, "%s%s", i == 0 ? "" : ",", next);
        at = strlen(out);
        (void)snprintf(&out[at], size - at, ":");
        write_keys(json_object_get(value, next), out, size);
        at = strlen(out);
        out[at - 1] = out[at - 1] == ':' ? '\0' : out[at - 1];
        last = next;
    }
    at = strlen(out);
    (void)snprintf(&out[at], size - at, "}");
}

#define LOAD                                                                                       \
    "load:{active_clients,load_score,messages_processed,other_messages,peer_count,"                \
    "rpc_responses_skipped,server_messages,status,status_timestamp}"
#define IDENTITY  "identity:{function_id,name,version}"
#define ENDPOINTS "transport_endpoints:[{connection_type,endpoint,host,port,protocol}]"

static const struct {
    const char *command;
    const char *argument;
    const char *keys;
} shapes[] = {
    { "list_peers", "",
        "[{advertised_urls:[],cluster_id,funs:[],last_seen," LOAD ",locs:[],region,scope,status,"
        "status_timestamp,transport_endpoints:[],url}]" },
    { "cluster_map", "",
        "{cluster_id,generated_at,nodes:[{advertised_at,advertised_urls:[],capabilities:[],"
        "cluster_id," LOAD ",node_id,region,resources:[],scope," ENDPOINTS "}]}" },
    { "cluster_map_v2", "{\"limit\":1}",
        "{cluster_id,generated_at,next_page_token,nodes:[{advertised_at,advertised_urls:[],"
        "capabilities:[],cluster_id," LOAD ",node_id,region,resources:[],scope," ENDPOINTS "}]}" },
    { "catalog_query", "{\"entry_type\":\"functions\",\"function_name\":\"far.away\"}",
        "{entry_type,generated_at,items:[{advertised_at,cluster_id," IDENTITY
        ",node_id,resources:[],scope,tags:[],ttl_seconds}]}" },
    { "catalog_query", "{\"entry_type\":\"node\"}",
        "{entry_type,generated_at,items:[{advertised_at,capabilities:[],cluster_id,node_id,"
        "region,resources:[],scope,tags:[]," ENDPOINTS ",ttl_seconds}]}" },
    { "catalog_query", "{\"entry_type\":\"topics\"}", "{entry_type,generated_at,items:[]}" },
    { "catalog_watch", "", "{cluster_id,generated_at,topic}" },
    { "catalog_watch", "{\"namespace\":\"math\",\"scope\":\"zone\"}",
        "{cluster_id,generated_at,namespace,scope,topic}" },
    { "dns_list", "", "{generated_at,items:[]}" },
    { "dns_describe", "", "{generated_at,items:[]}" },
    { "summary_query", "{\"namespace\":\"math\"}",
        "{generated_at,items:[{endpoint_count,generated_at,health_band,latency_band_ms:[],"
        "namespace,regions:[],service_id,source_cluster,ttl_seconds}]}" },
    { "summary_query", "{\"namespace\":\"nothing\",\"include_ingress\":true}",
        "{generated_at,items:[]}" },
    { "summary_query", "{\"namespace\":\"math\",\"include_ingress\":true,\"limit\":1}",
        "{generated_at,ingress:{c1:[]},items:[{endpoint_count,generated_at,health_band,"
        "latency_band_ms:[],namespace,regions:[],service_id,source_cluster,ttl_seconds}]}" },
    { "summary_watch", "", "{cluster_id,generated_at,topic}" },
    { "resolver_cache_stats", "",
        "{enabled,entry_counts:{cache_profiles,caches,functions,nodes,queues,services,topics},"
        "generated_at,namespaces:[]}" },
    { "resolver_resync", "", "{enabled,error,generated_at,resynced}" },
    { "discovery_access_audit", "", "{entries:[],generated_at}" },
    { "rpc_list", "{\"function_name\":\"math.add\"}",
        "{generated_at,items:[{cluster_id," IDENTITY
        ",namespace,node_id,resources:[],scope,summary:{" IDENTITY ",summary},tags:[]}]}" },
    { "rpc_describe", "{\"function_name\":\"train\"}",
        "{errors:[],generated_at,items:[{cluster_id," IDENTITY
        ",node_id,resources:[],scope,tags:[]}]}" },
    { "rpc_describe_local", "{\"function_name\":\"far.away\"}",
        "{errors:[],generated_at,items:[]}" },
    { "rpc_report", "",
        "{cluster_counts:[{count,key}],generated_at,namespace_counts:[{count}],"
        "tag_counts:[{count,key}],total_functions}" },
    { "namespace_status", "{\"namespace\":\"x\"}",
        "{allowed,generated_at,namespace,reason,viewer_cluster_id,viewer_tenant_id}" },
    { "namespace_policy_export", "", "{default_allow,enabled,generated_at,rule_count,rules:[]}" },
    { "namespace_policy_audit", "", "{entries:[],generated_at}" },
    { "namespace_policy_validate", "{\"rules\":[]}", "{errors:[],generated_at,rule_count,valid}" },
    { "namespace_policy_apply", "{\"rules\":[]}",
        "{applied,errors:[],generated_at,rule_count,valid}" },
};

START_TEST(every_command_answers_in_its_shape)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const char *failure;
        char keys[4096] = "";
        json_t *value = ask(shapes[i].command, shapes[i].argument, &failure);
        ck_assert_msg(value != NULL, "%s: %s", shapes[i].command, failure);
        write_keys(value, keys, sizeof(keys));
        ck_assert_msg(strcmp(keys, shapes[i].keys) == 0, "%s(%s): got\n%s\nwant\n%s",
            shapes[i].command, shapes[i].argument, keys, shapes[i].keys);
        json_decref(value);
    }
}
END_TEST

START_TEST(what_a_command_cannot_do_it_says)
{
    static const struct {
        const char *command;
        const char *argument;
        const char *details;
    } rows[] = {
        { "dns_register", "{\"name\":\"svc\"}",
            "NotImplementedError: dns registration is not served by this node" },
        { "dns_unregister", "{}",
            "NotImplementedError: dns registration is not served by this node" },
        { "catalog_query", "", "ValueError: Unsupported catalog entry_type: " },
        { "catalog_query", "{\"entry_type\":\"people\"}",
            "ValueError: Unsupported catalog entry_type: people" },
        { "rpc_list", "{\"scope\":\"galaxy\"}", "ValueError: Unsupported discovery scope: galaxy" },
        { "rpc_list", "{\"version_constraint\":\"new\"}",
            "ValueError: invalid version constraint: new" },
        { "rpc_list", "{\"limit\":\"many\"}",
            "ValueError: field has a wrong type or value: limit" },
        { "rpc_list", "{\"limit\":1,\"limit\":2}", "ValueError: field is there twice: limit" },
        { "rpc_list", "[]", "TypeError: the argument must be an object" },
        { "rpc_list", "{},{}", "TypeError: there is at most one argument" },
        { "rpc_describe", "{\"mode\":\"magic\"}",
            "ValueError: Unsupported rpc_describe mode: magic" },
        { "namespace_status", "", "ValueError: field is missing: namespace" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *failure;
        char details[512];
        json_t *value = ask(rows[i].command, rows[i].argument, &failure);
        ck_assert_msg(value == NULL, "%s(%s) answered", rows[i].command, rows[i].argument);
        ck_assert_msg(strstr(failure, "\"code\":1003") != NULL, "%s: %s", rows[i].command, failure);
        rig_read(failure, "details", details, sizeof(details));
        ck_assert_msg(strcmp(details, rows[i].details) == 0, "%s(%s): got %s want %s",
            rows[i].command, rows[i].argument, details, rows[i].details);
    }
}
END_TEST

START_TEST(rules_that_would_not_be_obeyed_are_not_called_valid)
{
    const char *failure;
    json_t *value = ask("namespace_policy_apply", "{\"rules\":[{\"namespace\":\"x\"}]}", &failure);
    ck_assert_ptr_nonnull(value);
    ck_assert(json_is_false(json_object_get(value, "applied")));
    ck_assert(json_is_false(json_object_get(value, "valid")));
    ck_assert_int_eq(json_integer_value(json_object_get(value, "rule_count")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(value, "errors")), 1);
    json_decref(value);
}
END_TEST

START_TEST(filters_say_which_functions_are_listed)
{
    /* 25 commands and 2 functions of ours, one of the peer. */
    static const struct {
        const char *name;
        const char *argument;
        size_t want;
    } rows[] = {
        { "all", "", 28 },
        { "null", "null", 28 },
        { "name", "{\"function_name\":\"train\"}", 1 },
        { "names", "{\"function_names\":[\"train\",\"echo\",\"no\"]}", 2 },
        { "name among names", "{\"function_name\":\"echos\",\"function_names\":[\"echo\"]}", 2 },
        { "id", "{\"function_id\":\"math.add\"}", 1 },
        { "namespace", "{\"namespace\":\"math\"}", 1 },
        { "beginning of a namespace", "{\"namespace\":\"mat\"}", 0 },
        { "resources", "{\"resources\":[\"gpu\"]}", 2 },
        { "tags", "{\"tags\":[\"public\"]}", 2 },
        { "all tags", "{\"tags\":[\"public\",\"math\"]}", 1 },
        { "capabilities", "{\"capabilities\":[\"rpc\"]}", 28 },
        { "other capabilities", "{\"capabilities\":[\"queue\"]}", 0 },
        { "node", "{\"node_id\":\"" FAR "\"}", 1 },
        { "cluster", "{\"cluster_id\":\"c1\"}", 28 },
        { "another cluster", "{\"cluster_id\":\"c2\"}", 0 },
        { "this node", "{\"scope\":\"local\"}", 27 },
        { "this node and another", "{\"scope\":\"local\",\"node_id\":\"" FAR "\"}", 0 },
        { "this cluster", "{\"scope\":\"zone\"}", 28 },
        { "this cluster and another", "{\"scope\":\"cluster\",\"cluster_id\":\"c2\"}", 0 },
        { "wider than anybody offers", "{\"scope\":\"global\"}", 0 },
        { "version", "{\"version_constraint\":\">=1.2\"}", 2 },
        { "words in the name", "{\"query\":\"ECHO\"}", 2 },
        { "words in the summary", "{\"query\":\"two\\\" num\"}", 1 },
        { "keys of the summary are no words", "{\"query\":\"identity\"}", 0 },
        { "digest", "{\"spec_digests\":[\"00\"]}", 0 },
        { "limit", "{\"limit\":5}", 5 },
        { "no items", "{\"limit\":0}", 0 },
        { "page", "{\"page_token\":\"20:5\"}", 5 },
        { "last page", "{\"page_token\":\"25:5\"}", 3 },
        { "behind the last page", "{\"page_token\":\"900:5\"}", 0 },
        { "a token that is none", "{\"page_token\":\"next\"}", 28 },
        { "a token and a limit", "{\"page_token\":\"20:5\",\"limit\":2}", 2 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *failure;
        json_t *value = ask("rpc_list", rows[i].argument, &failure);
        ck_assert_msg(value != NULL, "%s: %s", rows[i].name, failure);
        size_t got = json_array_size(json_object_get(value, "items"));
        ck_assert_msg(got == rows[i].want, "%s: got %zu want %zu", rows[i].name, got, rows[i].want);
        json_decref(value);
    }
}
END_TEST

START_TEST(filters_say_which_nodes_are_mapped)
{
    static const struct {
        const char *name;
        const char *argument;
        size_t want;
    } rows[] = {
        { "all", "", 2 },
        { "this node", "{\"scope\":\"local\"}", 1 },
        { "this cluster", "{\"scope\":\"zone\"}", 2 },
        { "another cluster", "{\"cluster_id\":\"c2\"}", 0 },
        { "capabilities", "{\"capabilities\":[\"rpc\"]}", 2 },
        { "other capabilities", "{\"capabilities\":[\"queue\"]}", 0 },
        { "resources", "{\"resources\":[\"gpu\"]}", 0 },
        { "beginning of an id", "{\"namespace_filter\":\"ws://127.0.0.1:7002\"}", 1 },
        { "beginning of a capability", "{\"namespace_filter\":\"rp\"}", 2 },
        { "beginning of nothing", "{\"namespace_filter\":\"x\"}", 0 },
        { "page", "{\"page_token\":\"1:1\"}", 1 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *failure;
        json_t *value = ask("cluster_map_v2", rows[i].argument, &failure);
        ck_assert_msg(value != NULL, "%s: %s", rows[i].name, failure);
        size_t got = json_array_size(json_object_get(value, "nodes"));
        ck_assert_msg(got == rows[i].want, "%s: got %zu want %zu", rows[i].name, got, rows[i].want);
        json_decref(value);
    }
}
END_TEST

START_TEST(reports_count_what_is_there)
{
    const char *failure;
    json_t *value = ask("rpc_report", "", &failure);
    ck_assert_msg(value != NULL, "%s", failure);
    ck_assert_int_eq(json_integer_value(json_object_get(value, "total_functions")), 28);
    json_t *namespaces = json_object_get(value, "namespace_counts");
    ck_assert_uint_eq(json_array_size(namespaces), 3);
    json_t *first = json_array_get(namespaces, 0);
    ck_assert_int_eq(json_integer_value(json_object_get(first, "count")), 26);
    first = json_array_get(json_object_get(value, "tag_counts"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "key")), "public");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "count")), 2);
    json_decref(value);
    value = ask("summary_query", "{\"service_id\":\"far.away\"}", &failure);
    first = json_array_get(json_object_get(value, "items"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "namespace")), "far");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "endpoint_count")), 1);
    json_decref(value);
}
END_TEST

START_TEST(pages_together_are_the_whole_list_in_order)
{
    char token[64] = "";
    char last[256] = "";
    size_t count = 0;
    do {
        const char *failure;
        char argument[256];
        (void)snprintf(argument, sizeof(argument), "{\"limit\":3,\"page_token\":\"%s\"}", token);
        json_t *value = ask("rpc_list", argument, &failure);
        ck_assert_msg(value != NULL, "%s", failure);
        json_t *items = json_object_get(value, "items");
        for (size_t i = 0; i < json_array_size(items); i++) {
            json_t *identity = json_object_get(json_array_get(items, i), "identity");
            const char *name = json_string_value(json_object_get(identity, "name"));
            ck_assert_msg(strcmp(name, last) > 0, "%s after %s", name, last);
            (void)snprintf(last, sizeof(last), "%s", name);
            count++;
        }
        const char *next = json_string_value(json_object_get(value, "next_page_token"));
        (void)snprintf(token, sizeof(token), "%s", next == NULL ? "" : next);
        json_decref(value);
    } while (token[0] != '\0');
    ck_assert_uint_eq(count, 28);
}
END_TEST

START_TEST(keyword_arguments_stand_above_the_object)
{
    rig_ask(&rig, CLIENT,
        "[{\"name\":\"r\",\"fun\":\"rpc_list\",\"args\":[{\"function_name\":\"echo\","
        "\"limit\":1}],\"kwargs\":{\"function_name\":\"train\"}}]",
        "u");
    ck_assert_ptr_nonnull(strstr(rig_sent(&rig, CLIENT), "\"name\":\"train\""));
    ck_assert_ptr_null(strstr(rig_sent(&rig, CLIENT), "\"name\":\"echo\""));
}
END_TEST

START_TEST(a_peer_that_is_gone_is_shown_as_such_and_then_no_more)
{
    const char *failure;
    json_t *value = ask("list_peers", "", &failure);
    json_t *peer = json_array_get(value, 0);
    ck_assert_str_eq(json_string_value(json_object_get(peer, "url")), FAR);
    ck_assert_str_eq(json_string_value(json_object_get(peer, "status")), "ok");
    ck_assert_str_eq(
        json_string_value(json_array_get(json_object_get(peer, "funs"), 0)), "far.away");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(peer, "locs"), 0)), "gpu");
    json_decref(value);
    rig_event(&rig, EVENT_CLOSED, PEER);
    value = ask("list_peers", "", &failure);
    peer = json_array_get(value, 0);
    ck_assert_str_eq(json_string_value(json_object_get(peer, "status")), "disconnected");
    json_decref(value);
    rig_wait(&rig, 20 * SEC_NS);
    value = ask("list_peers", "", &failure);
    ck_assert_uint_eq(json_array_size(value), 0);
    json_decref(value);
}
END_TEST

START_TEST(all_commands_of_the_reference_are_offered)
{
    static const char *const names[] = { "echo", "echos", "list_peers", "cluster_map",
        "cluster_map_v2", "catalog_query", "catalog_watch", "dns_register", "dns_unregister",
        "dns_list", "dns_describe", "summary_query", "summary_watch", "resolver_cache_stats",
        "resolver_resync", "discovery_access_audit", "rpc_list", "rpc_describe_local",
        "rpc_describe", "rpc_report", "namespace_status", "namespace_policy_validate",
        "namespace_policy_apply", "namespace_policy_export", "namespace_policy_audit" };
    size_t cursor = 0;
    size_t count = 0;
    while (commands_next(&cursor) != NULL) {
        count++;
    }
    ck_assert_uint_eq(count, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *failure;
        char argument[128];
        ck_assert_msg(commands_find(span_from_text(names[i])) != NULL, "%s is missing", names[i]);
        (void)snprintf(argument, sizeof(argument),
            "{\"entry_type\":\"functions\",\"function_name\":\"%s\"}", names[i]);
        json_t *value = ask("catalog_query", argument, &failure);
        ck_assert_msg(
            json_array_size(json_object_get(value, "items")) == 1, "%s is not offered", names[i]);
        json_decref(value);
    }
    ck_assert_ptr_null(commands_find(SPAN("ech")));
    ck_assert_ptr_null(commands_find(SPAN("zzz")));
}
END_TEST

/* Whether every key of `want` is in `got`, at every depth; of arrays the first items are compared. */
static bool
has_keys(const json_t *got, const json_t *want, const char *path, char *missing, size_t size)
{
    if (json_is_array(want) && json_array_size(want) > 0 && json_array_size(got) > 0) {
        return has_keys(json_array_get(got, 0), json_array_get(want, 0), path, missing, size);
    }
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)want, key, member)
    {
        char below[256];
        (void)snprintf(below, sizeof(below), "%s.%s", path, key);
        json_t *here = json_object_get(got, key);
        /* What only a function's own language knows is not in a worker's summary. */
        bool unknown = strcmp(key, "summary") == 0 || strcmp(key, "rpc_summary") == 0 ||
                       strcmp(key, "spec") == 0 || strcmp(key, "spec_digest") == 0;
        if (unknown) {
            continue;
        }
        if (here == NULL) {
            (void)snprintf(missing, size, "%s", below);
            return false;
        }
        if (!has_keys(here, member, below, missing, size)) {
            return false;
        }
    }
    return true;
}

/* What the recorded client asked last, and what it was told. */
static void
compare_with_recording(const json_t *command, const json_t *recorded, size_t *compared)
{
    const char *name = json_string_value(json_object_get(command, "fun"));
    char *args = json_dumps(json_object_get(command, "args"), JSON_COMPACT);
    char cmds[2048];
    char missing[256] = "";
    (void)snprintf(
        cmds, sizeof(cmds), "[{\"name\":\"%s\",\"fun\":\"%s\",\"args\":%s}]", name, name, args);
    free(args);
    bool refused_here = strncmp(name, "dns_", 4) == 0;
    if (refused_here) {
        return;
    }
    rig_ask(&rig, CLIENT, cmds, "u");
    json_t *whole = json_loads(rig_sent(&rig, CLIENT), 0, NULL);
    ck_assert_msg(has_keys(whole, recorded, name, missing, sizeof(missing)),
        "%s: %s is missing in %s", name, missing, rig_sent(&rig, CLIENT));
    json_decref(whole);
    ++*compared;
}

START_TEST(answers_have_the_keys_of_recorded_servers)
{
    const char *folder = getenv("MPREG_TRANSCRIPTS");
    char path[1024];
    static char line[1 << 20];
    if (folder == NULL) {
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/discovery_commands.jsonl", folder);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: no such file", path);
    json_t *command = NULL;
    size_t compared = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        json_t *entry = json_loads(line, 0, NULL);
        json_t *message = json_object_get(entry, "msg");
        const char *role = json_string_value(json_object_get(message, "role"));
        if (role != NULL && strcmp(role, "rpc") == 0) {
            json_decref(command);
            command = json_incref(json_array_get(json_object_get(message, "cmds"), 0));
        } else if (command != NULL && json_is_object(json_object_get(message, "r"))) {
            compare_with_recording(command, message, &compared);
        }
        json_decref(entry);
    }
    json_decref(command);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_msg(compared >= 20, "only %zu answers were compared", compared);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("commands");
    TCase *tests = tcase_create("commands");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_command_answers_in_its_shape);
    tcase_add_test(tests, what_a_command_cannot_do_it_says);
    tcase_add_test(tests, rules_that_would_not_be_obeyed_are_not_called_valid);
    tcase_add_test(tests, filters_say_which_functions_are_listed);
    tcase_add_test(tests, filters_say_which_nodes_are_mapped);
    tcase_add_test(tests, reports_count_what_is_there);
    tcase_add_test(tests, pages_together_are_the_whole_list_in_order);
    tcase_add_test(tests, keyword_arguments_stand_above_the_object);
    tcase_add_test(tests, a_peer_that_is_gone_is_shown_as_such_and_then_no_more);
    tcase_add_test(tests, all_commands_of_the_reference_are_offered);
    tcase_add_test(tests, answers_have_the_keys_of_recorded_servers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
