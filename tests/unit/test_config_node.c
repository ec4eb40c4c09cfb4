/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_config_node.c - every key of node.yaml reaches the engine, what is printed loads to the same, and
 * everything that is wrong is said at once, at its place.
 */
#include "host/config_node.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check_failed.h"
#include "tests/support/yaml_support.h"

static struct yaml_errors errors;
static char folder[] = "/tmp/test_config_node.XXXXXX";

static void
write_file(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
}

static void
remove_file(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_assert_int_eq(unlink(path), 0);
}

static void
set_up(void)
{
    (void)strcpy(strrchr(folder, '.'), ".XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file("n.pem");
    write_file("n.key");
    write_file("ca.pem");
    yaml_errors_init(&errors);
}

static void
tear_down(void)
{
    yaml_errors_destroy(&errors);
    remove_file("n.pem");
    remove_file("n.key");
    remove_file("ca.pem");
    ck_assert_int_eq(rmdir(folder), 0);
}

static struct config_node *
loaded(const char *text)
{
    const struct yaml_environment environment = { .lookup = yaml_support_lookup };
    return config_node_load_text("n.yaml", span_from_text(text), folder, &environment, &errors);
}

static struct config_node *
loaded_clean(const char *text)
{
    struct config_node *config = loaded(text);
    yaml_support_expect(&errors, "a good file", "");
    ck_assert_ptr_nonnull(config);
    return config;
}

static char *
printed(const struct config_node *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    config_node_print(config, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* ---- Good files ---- */

static const char whole[] =
    "node:\n"
    "  cluster_id: us\n"
    "  listen: wss://0.0.0.0:9101\n"
    "  advertise: wss://us-node-1:9101\n"
    "  seeds: [ws://127.0.0.1:9102, 'wss://[::1]:9103']\n"
    "  resources: [gpu, \"a $$5 disk\"]\n"
    "  tags: blue\n"
    "  region: us-east\n"
    "  tls: {cert_file: n.pem, key_file: n.key, ca_file: ca.pem, require_client_cert: false}\n"
    "federation:\n"
    "  mode: bridging\n"
    "  allowed_foreign_cluster_ids: [ap]\n"
    "  bridges: [{cluster_id: eu, allowed_nodes: [ws://eu-1:9]}, {cluster_id: af}]\n"
    "functions:\n"
    "  - {name: math.add, version: 1.2.0, exec: [python3, f.py], resources: [gpu], tags: "
    "[public]}\n"
    "  - {name: math.sub, function_id: sub, exec: [python3, g.py]}\n"
    "  - {name: math.mul, exec: [python3, f.py]}\n"
    "  - {name: math.div, exec: [python3, f.py], directory: /}\n"
    "admin: {listen: 127.0.0.1:9181}\n"
    "log: {level: debug, format: json}\n"
    "memory_max: 128MiB\n";

START_TEST(every_key_reaches_the_engine)
{
    struct config_node *config = loaded_clean(whole);
    struct node_config engine;
    ck_assert(config_node_engine(config, &engine));
    const struct member_config *member = &engine.member;
    ck_assert(span_is(member->cluster_id, "us"));
    ck_assert(span_is(member->url, "wss://us-node-1:9101"));
    ck_assert(span_is(member->region, "us-east"));
    ck_assert_uint_eq(member->seeds.count, 2);
    ck_assert(span_is(member->seeds.items[1], "wss://[::1]:9103"));
    ck_assert_uint_eq(member->resources.count, 2);
    ck_assert(span_is(member->resources.items[1], "a $5 disk"));
    ck_assert_uint_eq(member->tags.count, 1);
    ck_assert_uint_eq(member->capabilities.count, 1);
    ck_assert(span_is(member->capabilities.items[0], "rpc"));
    ck_assert_int_eq(member->isolation.mode, ISOLATION_BRIDGING);
    ck_assert(span_is(member->isolation.cluster_id, "us"));
    ck_assert_uint_eq(member->isolation.allowed_clusters.count, 1);
    ck_assert_uint_eq(member->isolation.bridge_count, 2);
    ck_assert(span_is(member->isolation.bridges[0].allowed_nodes.items[0], "ws://eu-1:9"));
    ck_assert_uint_eq(member->isolation.bridges[1].allowed_nodes.count, 0);
    ck_assert_uint_eq(engine.memory_max, (size_t)128 * 1024 * 1024);
    ck_assert_uint_eq(engine.request_timeout_ns, NODE_REQUEST_TIMEOUT_NS);
    ck_assert_int_eq(config->log.level, LOG_LEVEL_DEBUG);
    ck_assert_int_eq(config->log.format, LOG_SINK_JSON);
    ck_assert_uint_eq(config->admin.listen.port, 9181);
    config_node_free(config);
}
END_TEST

START_TEST(functions_with_the_same_exec_and_directory_share_a_worker)
{
    struct config_node *config = loaded_clean(whole);
    struct node_config engine;
    ck_assert(config_node_engine(config, &engine));
    ck_assert_uint_eq(engine.function_count, 4);
    const struct node_function *functions = engine.functions;
    ck_assert(span_is(functions[0].identity.name, "math.add"));
    ck_assert(span_is(functions[0].identity.function_id, "math.add"));
    ck_assert_uint_eq(functions[0].identity.version.minor, 2);
    ck_assert_uint_eq(functions[0].resources.count, 1);
    ck_assert(span_is(functions[0].tags.items[0], "public"));
    ck_assert(span_is(functions[1].identity.function_id, "sub"));
    ck_assert(span_is(functions[1].identity.version_text, "1.0.0"));
    ck_assert_uint_eq(functions[0].worker, 0);
    ck_assert_uint_eq(functions[1].worker, 1);
    ck_assert_uint_eq(functions[2].worker, 0);
    ck_assert_uint_eq(functions[3].worker, 2);
    ck_assert_uint_eq(config->worker_count, 3);
    ck_assert_str_eq(config->workers[1].arguments[1], "g.py");
    ck_assert_ptr_null(config->workers[1].arguments[2]);
    ck_assert_str_eq(config->workers[0].directory, folder);
    ck_assert_str_eq(config->workers[2].directory, "/");
    config_node_free(config);
}
END_TEST

START_TEST(ports_get_their_files)
{
    struct config_node *config = loaded_clean(whole);
    struct ws_tls listen;
    struct ws_tls dial;
    char want[128];
    struct runtime_cluster_port port = config_cluster_port(&config->node, &listen, &dial);
    (void)snprintf(want, sizeof(want), "%s/ca.pem", folder);
    ck_assert_str_eq(port.address, "0.0.0.0");
    ck_assert_uint_eq(port.port, 9101);
    ck_assert_ptr_eq(port.tls, &listen);
    ck_assert_ptr_eq(port.dial_tls, &dial);
    ck_assert_str_eq(listen.ca_file, want);
    ck_assert(!listen.require_client_cert);
    config_node_free(config);
}
END_TEST

START_TEST(little_is_needed)
{
    struct config_node *config = loaded_clean("node: {cluster_id: us, listen: 'ws://127.0.0.1:1'}");
    struct node_config engine;
    struct ws_tls listen;
    struct ws_tls dial;
    ck_assert(config_node_engine(config, &engine));
    ck_assert(span_is(engine.member.url, "ws://127.0.0.1:1"));
    ck_assert_uint_eq(engine.function_count, 0);
    ck_assert_int_eq(engine.member.isolation.mode, ISOLATION_STRICT);
    ck_assert_uint_eq(engine.memory_max, (size_t)1024 * 1024 * 1024);
    ck_assert_uint_eq(config->admin.listen.port, 0);
    ck_assert_int_eq(config->log.level, LOG_LEVEL_INFO);
    struct runtime_cluster_port port = config_cluster_port(&config->node, &listen, &dial);
    ck_assert_ptr_null(port.tls);
    ck_assert_ptr_null(port.dial_tls);
    config_node_free(config);
}
END_TEST

static const char *const good_files[] = {
    whole,
    "node: {cluster_id: us, listen: 'ws://127.0.0.1:1'}",
    "node: {cluster_id: 'null', listen: 'ws://[::1]:1', region: \"a \\\"b\\\" \\\\ c: d #e\"}",
    "node: {cluster_id: '~', listen: 'ws://127.0.0.1:1', tags: ['- x', '{a}', 'x:', '$$$$', 'ü']}\n"
    "functions: [{name: x, exec: ['/bin/sh', '-c', 'cat; echo \"$${HOME}\"']}]",
};

START_TEST(what_is_printed_loads_to_the_same)
{
    struct config_node *config = loaded_clean(good_files[_i]);
    char *first = printed(config);
    config_node_free(config);
    config = loaded_clean(first);
    char *second = printed(config);
    ck_assert_msg(strcmp(first, second) == 0, "got\n%s\nwant\n%s", second, first);
    config_node_free(config);
    free(first);
    free(second);
}
END_TEST

START_TEST(printed_values_are_those_of_the_file)
{
    struct config_node *config = loaded_clean(good_files[3]);
    char *text = printed(config);
    config_node_free(config);
    config = loaded_clean(text);
    ck_assert_str_eq(config->node.cluster_id, "~");
    ck_assert_str_eq(config->node.tags[0], "- x");
    ck_assert_str_eq(config->node.tags[3], "$$");
    ck_assert_str_eq(config->node.tags[4], "ü");
    ck_assert_str_eq(config->functions[0].exec[2], "cat; echo \"${HOME}\"");
    config_node_free(config);
    free(text);
}
END_TEST

/* ---- Wrong files ---- */

#define NODE "node: {cluster_id: us, listen: ws://127.0.0.1:1}\n"

static const struct wrong {
    const char *name;
    const char *text;
    const char *want;
} wrong[] = {
    { "empty", "{}", "n.yaml:1:1: key 'node' is missing in this file; give it a mapping\n" },
    { "unknown keys", NODE "fuctions: []\nnote: 1\n",
        "n.yaml:2:1: unknown key 'fuctions' in this file; did you mean 'functions'? (allowed: "
        "node, "
        "federation, functions, admin, log, memory_max)\n"
        "n.yaml:3:1: unknown key 'note' in this file; did you mean 'node'? (allowed: node, "
        "federation, functions, admin, log, memory_max)\n" },
    { "missing keys", "node: {region: x}",
        "n.yaml:1:7: key 'cluster_id' is missing in node; give it a text\n"
        "n.yaml:1:7: key 'listen' is missing in node; give it a URL such as "
        "ws://127.0.0.1:9101\n" },
    { "listen on a name", "node: {cluster_id: us, listen: ws://node-1:9101}",
        "n.yaml:1:32: node.listen: 'node-1' is not an IP address; listen on an address, such as "
        "ws://0.0.0.0:9101, and give the name with advertise: ws://node-1:9101\n" },
    { "listen on every address", "node: {cluster_id: us, listen: ws://0.0.0.0:9101}",
        "n.yaml:1:32: node.listen: nobody can dial 'ws://0.0.0.0:9101', and it would be this one's "
        "name in the cluster; add advertise: ws://NAME:9101 with the name or address that other "
        "nodes reach it by\n" },
    { "advertise every address",
        "node: {cluster_id: us, listen: ws://0.0.0.0:1, advertise: 'ws://[::]:1'}",
        "n.yaml:1:59: node.advertise: nobody can dial 'ws://[::]:1'; write the name or address "
        "that "
        "other nodes reach this one by\n" },
    { "a seed twice, and itself",
        "node: {cluster_id: us, listen: ws://127.0.0.1:1, seeds: [ws://a:1, ws://a:1, "
        "ws://127.0.0.1:1]}",
        "n.yaml:1:68: node.seeds: 'ws://a:1' is named twice; the first is in line 1, column 58\n"
        "n.yaml:1:78: node.seeds[2]: 'ws://127.0.0.1:1' is this process itself; name other nodes "
        "of the cluster\n" },
    { "a seed of another kind",
        "node: {cluster_id: us, listen: ws://127.0.0.1:1, seeds: http://a:1}",
        "n.yaml:1:57: node.seeds: 'http://a:1' begins with neither ws:// nor wss://; write a URL "
        "such as ws://127.0.0.1:9101\n" },
    { "wss without certificates",
        "node: {cluster_id: us, listen: wss://127.0.0.1:1, seeds: [wss://a:1]}",
        "n.yaml:1:32: node.listen: 'wss://127.0.0.1:1' needs certificates; add node.tls with "
        "cert_file, key_file and ca_file\n"
        "n.yaml:1:59: node.seeds[0]: 'wss://a:1' needs certificates; add node.tls with cert_file, "
        "key_file and ca_file\n" },
    { "half a certificate",
        "node: {cluster_id: us, listen: wss://127.0.0.1:1, tls: {cert_file: n.pem, ca_file: "
        "ca.pem}}",
        "n.yaml:1:56: key 'key_file' is missing in tls; give it a text\n" },
    { "foreign clusters in strict mode", NODE "federation: {allowed_foreign_cluster_ids: [eu]}",
        "n.yaml:2:14: federation.allowed_foreign_cluster_ids goes with mode bridging only; write "
        "mode: bridging, or leave it out\n" },
    { "bridges in open mode", NODE "federation: {mode: open, bridges: [{cluster_id: eu}]}",
        "n.yaml:2:20: warning: federation.mode: open lets every cluster in; functions of all "
        "become "
        "one catalog; use a bridge between federations\n"
        "n.yaml:2:26: federation.bridges goes with mode bridging only; write mode: bridging, or "
        "leave it out\n" },
    { "the own cluster as a foreign one",
        NODE "federation: {mode: bridging, allowed_foreign_cluster_ids: [us, eu, eu], bridges: "
             "[{cluster_id: us}]}",
        "n.yaml:2:60: federation.allowed_foreign_cluster_ids[0]: 'us' is the node's own cluster; "
        "name other clusters only\n"
        "n.yaml:2:68: federation.allowed_foreign_cluster_ids: 'eu' is named twice; the first is in "
        "line 2, column 64\n"
        "n.yaml:2:96: federation.bridges[0].cluster_id: 'us' is the node's own cluster; name other "
        "clusters only\n" },
    { "an unknown mode", NODE "federation: {mode: stict}",
        "n.yaml:2:20: federation.mode cannot be 'stict'; did you mean 'strict'? (allowed: "
        "strict, bridging, open)\n" },
    { "a plugin", NODE "functions: [{name: img.thumb, plugin: ./thumb.so}]",
        "n.yaml:2:13: key 'exec' is missing in this function; give it a list\n"
        "n.yaml:2:31: unknown key 'plugin' in this function; (allowed: name, function_id, version, "
        "exec, directory, resources, tags)\n" },
    { "a version that is none", NODE "functions: [{name: x, exec: x, version: 1.0-beta}]",
        "n.yaml:2:41: functions[0].version: '1.0-beta' is not a version; write 1.2.3\n" },
    { "nothing to run", NODE "functions: [{name: x, exec: []}]",
        "n.yaml:2:29: functions[0].exec has 0 items; (allowed: 1 to 256)\n" },
    { "a function twice",
        NODE
        "functions: [{name: x, version: 1.0.0, exec: a, resources: [p, q]}, {name: x, version: "
        "v1, exec: b, resources: [q, p]}]",
        "n.yaml:2:75: function 'x' v1 is here twice; the first is in line 2, column 20; give one "
        "of "
        "them another version or other resources\n" },
    { "a name with two ids",
        NODE "functions: [{name: x, function_id: a, exec: a}, {name: x, function_id: b, version: "
             "2.0.0, exec: b}, {name: y, function_id: a, exec: c}]",
        "n.yaml:2:56: function 'x' has the id 'b', but 'x' in line 2 has the id 'a'; in a cluster "
        "each name has one id, and each id one name\n"
        "n.yaml:2:108: function 'y' has the id 'a', but 'x' in line 2 has the id 'a'; in a cluster "
        "each name has one id, and each id one name\n" },
    { "a folder that is not there", NODE "functions: [{name: x, exec: a, directory: /nowhere}]",
        "n.yaml:2:43: functions[0].directory: cannot read '/nowhere': No such file or "
        "directory\n" },
    { "admin on a name", NODE "admin: {listen: localhost:9181}",
        "n.yaml:2:17: admin.listen: 'localhost' is not an IP address; write 127.0.0.1:9181\n" },
    { "a log level that is none", NODE "log: {level: verbose, format: yaml}",
        "n.yaml:2:14: log.level cannot be 'verbose'; (allowed: error, warn, info, debug)\n"
        "n.yaml:2:31: log.format cannot be 'yaml'; (allowed: text, json)\n" },
    { "too little memory", NODE "memory_max: 1MiB",
        "n.yaml:2:13: memory_max: '1MiB' is out of range; (allowed: 64MiB or more)\n" },
    { "no variable", "node: {cluster_id: \"${NOWHERE}\", listen: 'ws://127.0.0.1:1'}",
        "n.yaml:1:20: 'NOWHERE' is not defined in the environment; define it, or "
        "write ${NOWHERE:-default}\n" },
};

START_TEST(wrong_files_are_explained)
{
    struct config_node *config = loaded(wrong[_i].text);
    ck_assert_msg(config == NULL, "%s", wrong[_i].name);
    yaml_support_expect(&errors, wrong[_i].name, wrong[_i].want);
}
END_TEST

START_TEST(files_that_are_not_there_are_named)
{
    char want[512];
    struct config_node *config =
        loaded("node:\n  cluster_id: us\n  listen: wss://127.0.0.1:1\n"
               "  tls: {cert_file: n.pem, key_file: /nowhere/n.key, ca_file: lost.pem}\n");
    ck_assert_ptr_null(config);
    (void)snprintf(want, sizeof(want),
        "n.yaml:4:37: node.tls.key_file: cannot read '/nowhere/n.key': No such file or directory\n"
        "n.yaml:4:62: node.tls.ca_file: cannot read '%s/lost.pem': No such file or directory\n",
        folder);
    yaml_support_expect(&errors, "files", want);
}
END_TEST

static const struct wrong warned[] = {
    { "bridging without anybody", NODE "federation: {mode: bridging}",
        "n.yaml:2:20: warning: federation.mode: bridging without allowed_foreign_cluster_ids or "
        "bridges is strict\n" },
    { "open", NODE "federation: {mode: open}",
        "n.yaml:2:20: warning: federation.mode: open lets every cluster in; functions of all "
        "become "
        "one catalog; use a bridge between federations\n" },
    { "admin for everybody", NODE "admin: {listen: '0.0.0.0:9181'}",
        "n.yaml:2:17: warning: admin.listen: whoever reaches '0.0.0.0' can read the names of "
        "functions, nodes and links; listen on 127.0.0.1, or let a firewall choose the readers\n" },
    { "certificates for nothing",
        "node:\n  cluster_id: us\n  listen: ws://127.0.0.1:1\n"
        "  tls: {cert_file: n.pem, key_file: n.key, ca_file: ca.pem}\n",
        "n.yaml:4:3: warning: node.tls has no effect on what is configured: neither listen nor a "
        "seed is wss://\n" },
};

START_TEST(odd_files_are_warned_of)
{
    struct config_node *config = loaded(warned[_i].text);
    yaml_support_expect(&errors, warned[_i].name, warned[_i].want);
    ck_assert_msg(config != NULL, "%s", warned[_i].name);
    config_node_free(config);
}
END_TEST

START_TEST(too_many_workers_are_refused)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)fputs(NODE "functions:\n", out);
    for (unsigned i = 0; i <= CONFIG_NODE_WORKERS_MAX; i++) {
        (void)fprintf(out, "- {name: f%u, exec: [w, '%u']}\n", i, i);
    }
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_null(loaded(text));
    yaml_support_expect(&errors, "workers",
        "n.yaml:67:21: there are more than 64 different workers; functions with the same exec "
        "share "
        "one process\n");
    free(text);
}
END_TEST

START_TEST(a_file_is_found_and_its_folder_is_absolute)
{
    const struct yaml_environment environment = { .lookup = NULL };
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/../%s/n.yaml", folder, strrchr(folder, '/') + 1);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(NODE "functions: [{name: x, exec: a}]\n", file);
    ck_assert_int_eq(fclose(file), 0);
    struct config_node *config = config_node_load_file(path, &environment, &errors);
    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(config->functions[0].directory, folder);
    config_node_free(config);
    remove_file("n.yaml");
    ck_assert_ptr_null(config_node_load_file(path, &environment, &errors));
    ck_assert_uint_eq(errors.error_count, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("config_node");
    TCase *tests = tcase_create("config_node");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_key_reaches_the_engine);
    tcase_add_test(tests, functions_with_the_same_exec_and_directory_share_a_worker);
    tcase_add_test(tests, ports_get_their_files);
    tcase_add_test(tests, little_is_needed);
    tcase_add_loop_test(tests, what_is_printed_loads_to_the_same, 0, (int)COUNT_OF(good_files));
    tcase_add_test(tests, printed_values_are_those_of_the_file);
    tcase_add_loop_test(tests, wrong_files_are_explained, 0, (int)COUNT_OF(wrong));
    tcase_add_test(tests, files_that_are_not_there_are_named);
    tcase_add_loop_test(tests, odd_files_are_warned_of, 0, (int)COUNT_OF(warned));
    tcase_add_test(tests, too_many_workers_are_refused);
    tcase_add_test(tests, a_file_is_found_and_its_folder_is_absolute);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
