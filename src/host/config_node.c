/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_node.c - the keys of node.yaml, what must hold between them, and what the engine gets.
 */
#include "host/config_node.h"

#include <string.h>

#include "core/limits.h"
#include "host/config_write.h"

/* ---- Keys ---- */

static const char *
check_version(const char *text)
{
    struct version version;
    return version_parse(span_from_text(text), &version) ? NULL : "is not a version; write 1.2.3";
}

static const struct yaml_choice modes[] = {
    { "strict", ISOLATION_STRICT },
    { "bridging", ISOLATION_BRIDGING },
    { "open", ISOLATION_OPEN },
    { NULL, 0 },
};

static const struct yaml_key bridge_keys[] = {
    YAML_TEXT(struct config_foreign_bridge, cluster_id, "cluster_id", .required = true,
        .check = config_check_cluster),
    YAML_URLS(struct config_foreign_bridge, allowed_nodes, allowed_node_count, "allowed_nodes",
        .or_one = true),
};
static const struct yaml_shape bridge_shape =
    YAML_SHAPE(struct config_foreign_bridge, bridge_keys, "this bridge");

static const struct yaml_key federation_keys[] = {
    YAML_CHOICE(struct config_federation, mode, modes, "mode", .fallback = "strict"),
    YAML_TEXTS(struct config_federation, allowed, allowed_count, "allowed_foreign_cluster_ids",
        .or_one = true, .check = config_check_cluster),
    YAML_GROUPS(struct config_federation, bridges, bridge_count, &bridge_shape, "bridges"),
};
static const struct yaml_shape federation_shape =
    YAML_SHAPE(struct config_federation, federation_keys, "federation");

static const struct yaml_key function_keys[] = {
    YAML_TEXT(struct config_function, name, "name", .required = true, .check = config_check_label),
    YAML_TEXT(struct config_function, function_id, "function_id", .check = config_check_label),
    YAML_TEXT(
        struct config_function, version, "version", .fallback = "1.0.0", .check = check_version),
    YAML_TEXTS(struct config_function, exec, exec_count, "exec", .required = true, .or_one = true,
        .min = 1, .max = 256),
    YAML_TEXT(struct config_function, directory, "directory"),
    YAML_TEXTS(struct config_function, resources, resource_count, "resources", .or_one = true,
        .max = LIST_COUNT_MAX, .check = config_check_label),
    YAML_TEXTS(struct config_function, tags, tag_count, "tags", .or_one = true,
        .max = LIST_COUNT_MAX, .check = config_check_label),
};
static const struct yaml_shape function_shape =
    YAML_SHAPE(struct config_function, function_keys, "this function");

static const struct yaml_key file_keys[] = {
    YAML_GROUP(struct config_node, node, &config_node_cluster_shape, "node", .required = true),
    YAML_GROUP(struct config_node, federation, &federation_shape, "federation"),
    YAML_GROUPS(struct config_node, functions, function_count, &function_shape, "functions",
        .max = CONFIG_NODE_FUNCTIONS_MAX),
    YAML_GROUP(struct config_node, admin, &config_admin_shape, "admin"),
    YAML_GROUP(struct config_node, log, &config_log_shape, "log"),
    YAML_SIZE(struct config_node, memory_max, "memory_max", .fallback = CONFIG_MEMORY_DEFAULT_TEXT,
        .min = CONFIG_MEMORY_MIN),
};
static const struct yaml_shape file_shape = YAML_SHAPE(struct config_node, file_keys, "this file");

/* ---- Cross checks ---- */

static void
check_foreign(const struct config_node *config, const struct yaml_node *node,
    const char *cluster_id, struct yaml_errors *errors)
{
    const char *own = config->node.cluster_id;
    if (own != NULL && cluster_id != NULL && node != NULL && strcmp(cluster_id, own) == 0) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s: '%s' is the node's own cluster",
            yaml_path(node).text, own);
        yaml_errors_hint(errors, "name other clusters only");
    }
}

static void
check_federation(const struct config_node *config, struct yaml_errors *errors)
{
    const struct config_federation *federation = &config->federation;
    const struct yaml_node *node = federation->yaml;
    const struct yaml_node *allowed = yaml_find(node, "allowed_foreign_cluster_ids");
    const struct yaml_node *bridges = yaml_find(node, "bridges");
    bool lists = federation->allowed_count + federation->bridge_count > 0;
    if (lists && federation->mode != ISOLATION_BRIDGING) {
        const struct yaml_node *given = federation->allowed_count > 0 ? allowed : bridges;
        yaml_errors_add(errors, YAML_ERROR, yaml_place(given->key),
            "%s goes with mode bridging only", yaml_path(given).text);
        yaml_errors_hint(errors, "write mode: bridging, or leave it out");
    }
    if (federation->mode == ISOLATION_BRIDGING && !lists) {
        yaml_errors_add(errors, YAML_WARNING, yaml_place(yaml_find(node, "mode")),
            "federation.mode: bridging without allowed_foreign_cluster_ids or bridges is strict");
    }
    if (federation->mode == ISOLATION_OPEN) {
        yaml_errors_add(errors, YAML_WARNING, yaml_place(yaml_find(node, "mode")),
            "federation.mode: open lets every cluster in; functions of all become one catalog");
        yaml_errors_hint(errors, "use a bridge between federations");
    }
    config_check_unique(node, "allowed_foreign_cluster_ids", errors);
    for (size_t i = 0; i < federation->allowed_count; i++) {
        const struct yaml_node *item =
            allowed->kind == YAML_SEQUENCE ? yaml_item(allowed, (uint32_t)i) : allowed;
        check_foreign(config, item, federation->allowed[i], errors);
    }
    for (size_t i = 0; i < federation->bridge_count; i++) {
        const struct config_foreign_bridge *bridge = &federation->bridges[i];
        check_foreign(config, yaml_find(bridge->yaml, "cluster_id"), bridge->cluster_id, errors);
    }
}

static bool
same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = strcmp(a[i], b[i]) == 0;
    }
    return same;
}

/* The same set; each list names a text once, which is checked apart. */
static bool
same_resources(const struct config_function *a, const struct config_function *b)
{
    size_t found = 0;
    for (size_t i = 0; i < a->resource_count; i++) {
        for (size_t j = 0; j < b->resource_count; j++) {
            found += strcmp(a->resources[i], b->resources[j]) == 0;
        }
    }
    return a->resource_count == b->resource_count && found == a->resource_count;
}

static bool
same_version(const struct config_function *a, const struct config_function *b)
{
    struct version a_version = { .major = 0 };
    struct version b_version = { .major = 0 };
    return version_parse(span_from_text(a->version), &a_version) &&
           version_parse(span_from_text(b->version), &b_version) &&
           version_compare(a_version, b_version) == 0;
}

/* Two functions of a node: their keys differ, and name and id go together 1:1 (protocol.md 4.2). */
static void
check_pair(const struct config_function *first, const struct config_function *second,
    struct yaml_errors *errors)
{
    bool same_name = strcmp(first->name, second->name) == 0;
    bool same_id = strcmp(first->function_id, second->function_id) == 0;
    struct yaml_place before = yaml_place(yaml_find(first->yaml, "name"));
    struct yaml_place place = yaml_place(yaml_find(second->yaml, "name"));
    if (same_name != same_id) {
        yaml_errors_add(errors, YAML_ERROR, place,
            "function '%s' has the id '%s', but '%s' in line %u has the id '%s'", second->name,
            second->function_id, first->name, before.line, first->function_id);
        yaml_errors_hint(errors, "in a cluster each name has one id, and each id one name");
    } else if (same_name && same_version(first, second) && same_resources(first, second)) {
        yaml_errors_add(errors, YAML_ERROR, place,
            "function '%s' %s is here twice; the first is in line %u, column %u", second->name,
            second->version, before.line, before.column);
        yaml_errors_hint(errors, "give one of them another version or other resources");
    }
}

static void
check_functions(struct config_node *config, const char *folder, struct yaml_errors *errors)
{
    for (size_t i = 0; i < config->function_count; i++) {
        struct config_function *function = &config->functions[i];
        config_check_unique(function->yaml, "resources", errors);
        config_check_unique(function->yaml, "tags", errors);
        if (function->function_id == NULL && yaml_find(function->yaml, "function_id") == NULL) {
            function->function_id = function->name;
        }
        if (function->directory == NULL) {
            function->directory = folder;
        } else {
            config_resolve_file(function->yaml, "directory", folder, errors, &function->directory);
        }
        for (size_t j = 0; j < i && function->name != NULL && function->function_id != NULL; j++) {
            const struct config_function *before = &config->functions[j];
            if (before->name != NULL && before->function_id != NULL) {
                check_pair(before, function, errors);
            }
        }
    }
}

/* ---- Workers ---- */

/* NULL-terminated. NULL: no memory. */
static const char *const *
argument_list(struct yaml_doc *doc, const struct config_function *function)
{
    const char **arguments = yaml_doc_take(doc, (function->exec_count + 1) * sizeof(*arguments));
    if (arguments != NULL) {
        memcpy(arguments, function->exec, function->exec_count * sizeof(*arguments));
    }
    return arguments;
}

/* The first function that runs in the same process. */
static size_t
first_with_worker_of(const struct config_node *config, const struct config_function *function)
{
    size_t first = 0;
    while (strcmp(config->functions[first].directory, function->directory) != 0 ||
           !same_texts(config->functions[first].exec, config->functions[first].exec_count,
               function->exec, function->exec_count)) {
        first++;
    }
    return first;
}

static void
find_workers(struct config_node *config, struct yaml_errors *errors)
{
    size_t count = config->function_count;
    config->function_workers = yaml_doc_take(config->doc, (count + 1) * sizeof(uint32_t));
    config->workers =
        yaml_doc_take(config->doc, CONFIG_NODE_WORKERS_MAX * sizeof(struct runtime_worker));
    bool fits = config->function_workers != NULL && config->workers != NULL;
    for (size_t i = 0; fits && i < count; i++) {
        const struct config_function *function = &config->functions[i];
        size_t first = first_with_worker_of(config, function);
        if (first < i) {
            config->function_workers[i] = config->function_workers[first];
            continue;
        }
        if (config->worker_count == CONFIG_NODE_WORKERS_MAX) {
            yaml_errors_add(errors, YAML_ERROR, yaml_place(yaml_find(function->yaml, "exec")),
                "there are more than %u different workers", CONFIG_NODE_WORKERS_MAX);
            yaml_errors_hint(errors, "functions with the same exec share one process");
            return;
        }
        struct runtime_worker *worker = &config->workers[config->worker_count];
        *worker = (struct runtime_worker){ .arguments = argument_list(config->doc, function),
            .directory = function->directory };
        fits = worker->arguments != NULL;
        config->function_workers[i] = config->worker_count++;
    }
    if (!fits) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(yaml_doc_root(config->doc)),
            "the configuration needs too much memory");
    }
}

/* ---- Loading ---- */

/* Takes `doc`. `error_count` was the number of errors before it was read. */
static struct config_node *
load(struct yaml_doc *doc, const char *folder, size_t error_count, struct yaml_errors *errors)
{
    struct config_node *config = yaml_doc_take(doc, sizeof(*config));
    if (config == NULL) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(yaml_doc_root(doc)),
            "the configuration needs too much memory");
        yaml_doc_free(doc);
        return NULL;
    }
    yaml_read_mapping(yaml_doc_root(doc), &file_shape, errors, config);
    config->doc = doc;
    config_cluster_check(&config->node, folder, errors);
    check_federation(config, errors);
    check_functions(config, folder, errors);
    config_admin_check(&config->admin, folder, errors);
    if (errors->error_count == error_count) {
        find_workers(config, errors);
    }
    if (errors->error_count > error_count) {
        yaml_doc_free(doc);
        return NULL;
    }
    return config;
}

struct config_node *
config_node_load_file(
    const char *path, const struct yaml_environment *environment, struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    struct yaml_doc *doc = yaml_load_file(path, environment, errors);
    return doc == NULL ? NULL : load(doc, config_folder(doc, path), error_count, errors);
}

struct config_node *
config_node_load_text(const char *name, struct span text, const char *folder,
    const struct yaml_environment *environment, struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    struct yaml_doc *doc = yaml_load_text(name, text, environment, errors);
    return doc == NULL ? NULL : load(doc, folder, error_count, errors);
}

void
config_node_free(struct config_node *config)
{
    if (config != NULL) {
        yaml_doc_free(config->doc);
    }
}

void
config_node_print(const struct config_node *config, FILE *out)
{
    config_write(out, &file_shape, config);
}

/* ---- For the engine ---- */

static bool
describe_isolation(const struct config_node *config, struct isolation_rules *rules)
{
    const struct config_federation *federation = &config->federation;
    *rules = (struct isolation_rules){ .mode = federation->mode,
        .cluster_id = span_from_text(config->node.cluster_id),
        .bridge_count = (uint32_t)federation->bridge_count };
    struct isolation_bridge *bridges =
        yaml_doc_take(config->doc, (federation->bridge_count + 1) * sizeof(*bridges));
    if (bridges == NULL) {
        return false;
    }
    for (size_t i = 0; i < federation->bridge_count; i++) {
        const struct config_foreign_bridge *from = &federation->bridges[i];
        bridges[i].cluster_id = span_from_text(from->cluster_id);
        if (!config_url_list(config->doc, from->allowed_nodes, from->allowed_node_count,
                &bridges[i].allowed_nodes)) {
            return false;
        }
    }
    rules->bridges = bridges;
    return config_text_list(
        config->doc, federation->allowed, federation->allowed_count, &rules->allowed_clusters);
}

static bool
describe_function(const struct config_node *config, size_t index, struct node_function *function)
{
    const struct config_function *from = &config->functions[index];
    *function = (struct node_function){
        .identity = { .name = span_from_text(from->name),
            .function_id = span_from_text(from->function_id),
            .version_text = span_from_text(from->version) },
        .worker = config->function_workers[index],
    };
    return version_parse(function->identity.version_text, &function->identity.version) &&
           config_text_list(
               config->doc, from->resources, from->resource_count, &function->resources) &&
           config_text_list(config->doc, from->tags, from->tag_count, &function->tags);
}

bool
config_node_engine(const struct config_node *config, struct node_config *engine)
{
    static const struct span capabilities[] = { { (const uint8_t *)"rpc", 3 } };
    struct node_function *functions =
        yaml_doc_take(config->doc, (config->function_count + 1) * sizeof(*functions));
    *engine = (struct node_config){
        .functions = functions,
        .function_count = (uint32_t)config->function_count,
        .request_timeout_ns = NODE_REQUEST_TIMEOUT_NS,
        .memory_max = config->memory_max,
    };
    if (functions == NULL || !config_cluster_member(&config->node, config->doc, &engine->member) ||
        !describe_isolation(config, &engine->member.isolation)) {
        return false;
    }
    engine->member.capabilities = (struct text_list){ capabilities, COUNT_OF(capabilities) };
    for (size_t i = 0; i < config->function_count; i++) {
        if (!describe_function(config, i, &functions[i])) {
            return false;
        }
    }
    return true;
}
