/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_node.h - node.yaml: reads it, checks all of it, and describes the engine and its workers
 * (docs/configuration.md).
 */
#ifndef HOST_CONFIG_NODE_H
#define HOST_CONFIG_NODE_H

#include <stdio.h>

#include "host/config_common.h"
#include "host/runtime.h"
#include "host/yaml.h"
#include "host/yaml_errors.h"
#include "node/node.h"

#define CONFIG_NODE_FUNCTIONS_MAX 10000u
/* Processes; functions with the same `exec` and `directory` share one. */
#define CONFIG_NODE_WORKERS_MAX 64u

struct config_foreign_bridge {
    const struct yaml_node *yaml;
    const char *cluster_id;
    const struct value_url *allowed_nodes;
    size_t allowed_node_count;
};

/* What the node may do across clusters by itself. */
struct config_federation {
    const struct yaml_node *yaml;
    enum isolation_mode mode;
    const char *const *allowed;
    size_t allowed_count;
    struct config_foreign_bridge *bridges;
    size_t bridge_count;
};

struct config_function {
    const struct yaml_node *yaml;
    const char *name;
    const char *function_id; /* the name, unless the file says otherwise */
    const char *version;
    const char *const *exec;
    size_t exec_count;
    const char *directory; /* where its worker runs: the file's folder, unless it says otherwise */
    const char *const *resources;
    size_t resource_count;
    const char *const *tags;
    size_t tag_count;
};

struct config_node {
    const struct yaml_node *yaml;
    struct config_cluster node;
    struct config_federation federation;
    struct config_function *functions;
    size_t function_count;
    struct config_admin admin;
    struct config_log log;
    uint64_t memory_max;
    /* Made by the loader. */
    struct yaml_doc *doc; /* what everything borrows from */
    struct runtime_worker *workers;
    uint32_t worker_count;
    uint32_t *function_workers; /* of each function: its worker */
};

/*
 * Load a file, or a text that messages call `name` and whose files are relative to `folder`.
 *
 * NULL: there were errors, which are in `errors` now. Otherwise there were none, but perhaps warnings.
 */
MUST_CHECK struct config_node *config_node_load_file(
    const char *path, const struct yaml_environment *environment, struct yaml_errors *errors);
MUST_CHECK struct config_node *config_node_load_text(const char *name, struct span text,
    const char *folder, const struct yaml_environment *environment, struct yaml_errors *errors);

/* NULL is allowed. */
void config_node_free(struct config_node *config);

/* The effective configuration, as YAML that loads to the same. */
void config_node_print(const struct config_node *config, FILE *out);

/* Everything of the engine's configuration but the member's instance_id. Lives as long as `config`.
 * false: no memory. */
MUST_CHECK bool config_node_engine(const struct config_node *config, struct node_config *engine);

#endif
