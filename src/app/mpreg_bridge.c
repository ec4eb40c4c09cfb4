/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mpreg_bridge.c - the bridge: configuration, certificates, policies, runtime, engine.
 */
#include <stdio.h>

#include "app/daemon.h"
#include "host/admin_bridge.h"
#include "host/config_bridge.h"

#define PROGRAM "mpreg-bridge"

/* Compiled policies: more than files of YAML_FILE_SIZE_MAX for all links can need. */
#define POLICY_MEMORY_MAX ((size_t)1024 * 1024 * 1024)

static const struct actions *
step(void *self, const struct event *event, struct now now)
{
    return bridge_step(self, event, now);
}

static struct instant
deadline(void *self, struct now now)
{
    return bridge_deadline(self, now);
}

/* NULL in *tls: there are no links. false: reported. */
static bool
read_certificates(const struct config_bridge *config, struct tls_context **tls)
{
    struct reason reason;
    *tls = NULL;
    if (config->link_count == 0) {
        return true;
    }
    struct tls_settings settings = config_bridge_tls_settings(config);
    *tls = tls_context_create(&settings, log_sink_now().wall, &reason);
    if (*tls == NULL) {
        daemon_complain(PROGRAM, reason.text);
    }
    return *tls != NULL;
}

static bool
open_links(struct daemon *daemon, const struct config_bridge *config, struct tls_context *tls)
{
    struct reason reason;
    bool listens = config->link_listen.port != 0;
    if (tls == NULL) {
        return true;
    }
    if (!runtime_open_links(daemon->runtime, tls, listens ? config->link_listen.host : NULL,
            config->link_listen.port, &reason)) {
        daemon_complain(PROGRAM, reason.text);
        return false;
    }
    return true;
}

static int
run_bridge(struct daemon *daemon, const struct config_bridge *config, struct bridge *bridge)
{
    struct log *log = &daemon->sink.log;
    const struct runtime_engine engine = { .self = bridge, .step = step, .deadline = deadline };
    runtime_set_engine(daemon->runtime, &engine);
    LOG_INFO(log, "bridge.ready", LOG_TEXT("url", config->cluster.advertise.text),
        LOG_TEXT("listen", config->cluster.listen.text),
        LOG_TEXT("cluster_id", config->cluster.cluster_id), LOG_TEXT("bridge", config->bridge.name),
        LOG_TEXT("federation", config->bridge.federation),
        LOG_TEXT("link_listen", daemon_url("", &config->link_listen).text),
        LOG_TEXT("admin", daemon_url("http://", &config->admin.listen).text),
        LOG_U64("links", config->link_count));
    return runtime_run(daemon->runtime);
}

/* The ports are opened before the engine is made: it begins to work as soon as it exists. */
static int
open_and_run(struct daemon *daemon, const struct config_bridge *config, struct tls_context *tls)
{
    struct bridge_config engine;
    struct admin_bridge admin = {
        .admin = { .program = PROGRAM,
            .started = daemon->started,
            .source = admin_runtime_source(daemon->runtime) },
        .name = span_from_text(config->bridge.name),
        .federation = span_from_text(config->bridge.federation),
        .tls = tls,
    };
    if (!daemon_open_cluster(daemon, &config->cluster) || !open_links(daemon, config, tls) ||
        !daemon_open_admin(daemon, &config->admin, &admin, admin_bridge_serve)) {
        return APP_FAILED;
    }
    struct bridge *bridge = NULL;
    if (config_bridge_engine(config, runtime_entropy(), &engine)) {
        engine.member.instance_id = span_from_text(daemon->instance_id);
        bridge = bridge_create(&engine, daemon_hash_key(), runtime_entropy(), &daemon->sink.log);
    }
    if (bridge == NULL) {
        daemon_complain(PROGRAM, "no memory for the bridge");
        return APP_FAILED;
    }
    admin.bridge = bridge;
    int code = run_bridge(daemon, config, bridge);
    bridge_free(bridge);
    return code;
}

static int
serve(const struct config_bridge *config, struct tls_context *tls)
{
    static struct daemon daemon;
    const struct daemon_config begin = {
        .program = PROGRAM,
        .log = &config->log,
        .memory_max = config->memory_max,
    };
    if (!daemon_init(&daemon, &begin)) {
        return APP_FAILED;
    }
    int code = open_and_run(&daemon, config, tls);
    daemon_destroy(&daemon);
    return code;
}

/* The certificates are a part of the configuration: what is wrong with them is found by --check too. */
static int
check_or_serve(const struct config_bridge *config, bool check)
{
    struct tls_context *tls = NULL;
    int code = APP_OK;
    if (!read_certificates(config, &tls)) {
        return APP_DIFFERENT;
    }
    if (check) {
        config_bridge_print(config, stdout);
    } else {
        code = serve(config, tls);
    }
    tls_context_unref(tls);
    return code;
}

int
main(int argc, char **argv)
{
    static struct yaml_errors errors;
    struct daemon_options options;
    struct mem mem;
    int code = APP_OK;
    if (!daemon_read_options(PROGRAM, argc, argv, &options, &code)) {
        return code;
    }
    mem_init(&mem, POLICY_MEMORY_MAX);
    yaml_errors_init(&errors);
    struct config_bridge *config =
        config_bridge_load_file(options.config, &yaml_process_environment, &mem, &errors);
    yaml_errors_print(&errors, stderr);
    code = config == NULL ? APP_DIFFERENT : check_or_serve(config, options.check);
    config_bridge_free(config);
    yaml_errors_destroy(&errors);
    return code;
}
