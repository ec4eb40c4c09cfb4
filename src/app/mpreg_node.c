/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mpreg_node.c - the ordinary node: configuration, runtime, engine, and round it goes.
 */
#include <stdio.h>

#include "app/daemon.h"
#include "host/admin_node.h"
#include "host/config_node.h"

#define PROGRAM "mpreg-node"

static const struct actions *
step(void *self, const struct event *event, struct now now)
{
    return node_step(self, event, now);
}

static struct instant
deadline(void *self, struct now now)
{
    return node_deadline(self, now);
}

static size_t
memory_used(void *self)
{
    return node_memory_used(self);
}

static int
run_node(struct daemon *daemon, const struct config_node *config, struct node *node)
{
    struct log *log = &daemon->sink.log;
    const struct runtime_engine engine = {
        .self = node, .step = step, .deadline = deadline, .memory_used = memory_used
    };
    runtime_set_engine(daemon->runtime, &engine);
    LOG_INFO(log, "node.ready", LOG_TEXT("url", config->node.advertise.text),
        LOG_TEXT("listen", config->node.listen.text),
        LOG_TEXT("cluster_id", config->node.cluster_id),
        LOG_TEXT("admin", daemon_url("http://", &config->admin.listen).text),
        LOG_U64("functions", config->function_count), LOG_U64("workers", config->worker_count));
    return runtime_run(daemon->runtime);
}

/* The ports are opened before the engine is made: it begins to work as soon as it exists. */
static int
open_and_run(struct daemon *daemon, const struct config_node *config)
{
    struct node_config engine;
    struct admin_node admin = {
        .admin = { .program = PROGRAM,
            .started = daemon->started,
            .source = admin_runtime_source(daemon->runtime) },
    };
    if (!daemon_open_cluster(daemon, &config->node) ||
        !daemon_open_admin(daemon, &config->admin, &admin, admin_node_serve)) {
        return APP_FAILED;
    }
    struct node *node = NULL;
    if (config_node_engine(config, &engine)) {
        engine.member.instance_id = span_from_text(daemon->instance_id);
        node = node_create(&engine, daemon_hash_key(), runtime_entropy(), &daemon->sink.log);
    }
    if (node == NULL) {
        daemon_complain(PROGRAM, "no memory for the node");
        return APP_FAILED;
    }
    admin.node = node;
    int code = run_node(daemon, config, node);
    node_free(node);
    return code;
}

static int
serve(const struct config_node *config)
{
    static struct daemon daemon;
    const struct daemon_config begin = {
        .program = PROGRAM,
        .log = &config->log,
        .memory_max = config->memory_max,
        .workers = config->workers,
        .worker_count = config->worker_count,
    };
    if (!daemon_init(&daemon, &begin)) {
        return APP_FAILED;
    }
    int code = open_and_run(&daemon, config);
    daemon_destroy(&daemon);
    return code;
}

int
main(int argc, char **argv)
{
    static struct yaml_errors errors;
    struct daemon_options options;
    int code = APP_OK;
    if (!daemon_read_options(PROGRAM, argc, argv, &options, &code)) {
        return code;
    }
    yaml_errors_init(&errors);
    struct config_node *config =
        config_node_load_file(options.config, &yaml_process_environment, &errors);
    yaml_errors_print(&errors, stderr);
    if (config == NULL) {
        code = APP_DIFFERENT;
    } else if (options.check) {
        config_node_print(config, stdout);
    } else {
        code = serve(config);
    }
    config_node_free(config);
    yaml_errors_destroy(&errors);
    return code;
}
