/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mpreg_bridge.c - the bridge: configuration, certificates, policies, runtime, engine.
 */
#include <stdio.h>

#include "app/daemon.h"
#include "host/admin_bridge.h"
#include "host/config_bridge.h"
#include "host/policy_store.h"

#define PROGRAM "mpreg-bridge"

/* The engine, and what keeps its policies. */
struct service {
    struct bridge *bridge;
    struct policy_store *policies;
    struct log *log;
};

static const struct actions *
step(void *self, const struct event *event, struct now now)
{
    struct service *service = self;
    const struct actions *actions = bridge_step(service->bridge, event, now);
    policy_store_notice(service->policies, now.wall);
    return actions;
}

static struct instant
deadline(void *self, struct now now)
{
    const struct service *service = self;
    return bridge_deadline(service->bridge, now);
}

static size_t
memory_used(void *self)
{
    const struct service *service = self;
    return bridge_memory_used(service->bridge);
}

/* The files have changed, or somebody says so. What comes of it is in the log. */
static void
reload_policies(struct service *service, const char *author)
{
    const struct policy_change change = {
        .mode = POLICY_STORE_APPLY,
        .author = span_from_text(author),
    };
    enum policy_store_result result =
        policy_store_reload(service->policies, &change, log_sink_now().wall);
    if (result != POLICY_STORE_OK) {
        LOG_WARN(service->log, "policy.not_reloaded",
            LOG_TEXT("reason", "another change is under way, or waits for its confirmation"),
            LOG_TEXT("advice", "confirm it or roll it back, then say it again"));
    }
}

static void
on_hangup(void *owner)
{
    reload_policies(owner, "signal HUP");
}

static void
on_file_change(void *owner)
{
    reload_policies(owner, "file change");
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
    struct runtime_link_port port;
    if (tls == NULL) {
        return true;
    }
    if (!config_bridge_link_port(config, &port)) {
        daemon_complain(PROGRAM, "no memory for links");
        return false;
    }
    if (!runtime_open_links(daemon->runtime, tls, &port, &reason)) {
        daemon_complain(PROGRAM, reason.text);
        return false;
    }
    return true;
}

/* false: reported. */
static bool
watch(struct daemon *daemon, struct service *service, const char *path)
{
    const struct runtime_hangup change = { .owner = service, .handle = on_file_change };
    struct reason reason;
    bool watches = runtime_watch_file(daemon->runtime, path, &change, &reason);
    if (!watches) {
        daemon_complain(PROGRAM, reason.text);
    }
    return watches;
}

/* The files of the configuration, and those that they include now. false: reported. */
static bool
watch_policies(struct daemon *daemon, const struct config_bridge *config, struct service *service)
{
    const struct runtime_hangup hangup = { .owner = service, .handle = on_hangup };
    runtime_on_hangup(daemon->runtime, &hangup);
    for (size_t i = 0; config->watch_policies && i < config->policy_set.file_count; i++) {
        const struct policy_yaml *loaded = config->policy_set.files[i]->loaded;
        bool watches = watch(daemon, service, yaml_doc_name(loaded->doc));
        for (size_t j = 0; watches && j < loaded->included_count; j++) {
            watches = watch(daemon, service, yaml_doc_name(loaded->included[j]));
        }
        if (!watches) {
            return false;
        }
    }
    return true;
}

static int
run_bridge(struct daemon *daemon, const struct config_bridge *config, struct service *service)
{
    struct log *log = &daemon->sink.log;
    const struct runtime_engine engine = {
        .self = service, .step = step, .deadline = deadline, .memory_used = memory_used
    };
    runtime_set_engine(daemon->runtime, &engine);
    if (!watch_policies(daemon, config, service)) {
        return APP_FAILED;
    }
    LOG_INFO(log, "bridge.ready", LOG_TEXT("url", config->cluster.advertise.text),
        LOG_TEXT("listen", config->cluster.listen.text),
        LOG_TEXT("cluster_id", config->cluster.cluster_id), LOG_TEXT("bridge", config->bridge.name),
        LOG_TEXT("federation", config->bridge.federation),
        LOG_TEXT("link_listen", daemon_url("", &config->link_listen).text),
        LOG_TEXT("admin", daemon_url("http://", &config->admin.listen).text),
        LOG_U64("links", config->link_count));
    return runtime_run(daemon->runtime);
}

static bool
run_beside(void *owner, void *self, void (*work)(void *self), void (*done)(void *self))
{
    return runtime_work(owner, self, work, done);
}

/* The ports are opened before the engine is made: it begins to work as soon as it exists. */
static int
open_and_run(struct daemon *daemon, const struct config_bridge *config, struct tls_context *tls)
{
    struct bridge_config engine;
    struct admin_bridge admin = {
        .admin = { .program = PROGRAM,
            .started = daemon->started,
            .token = config->admin.token,
            .source = admin_runtime_source(daemon->runtime) },
        .name = span_from_text(config->bridge.name),
        .federation = span_from_text(config->bridge.federation),
        .tls = tls,
    };
    if (!daemon_open_cluster(daemon, &config->cluster) || !open_links(daemon, config, tls) ||
        !daemon_open_admin(daemon, &config->admin, &admin, admin_bridge_serve)) {
        return APP_FAILED;
    }
    struct service service = { .log = &daemon->sink.log };
    if (config_bridge_engine(config, runtime_entropy(), &engine)) {
        engine.member.instance_id = span_from_text(daemon->instance_id);
        service.bridge =
            bridge_create(&engine, daemon_hash_key(), runtime_entropy(), &daemon->sink.log);
    }
    const struct policy_worker worker = { .owner = daemon->runtime, .run = run_beside };
    if (service.bridge != NULL) {
        service.policies = policy_store_create(
            service.bridge, config, &worker, &daemon->sink.log, daemon->started.wall);
    }
    int code = APP_FAILED;
    if (service.policies == NULL) {
        daemon_complain(PROGRAM, "no memory for the bridge");
    } else {
        admin.bridge = service.bridge;
        admin.policies = service.policies;
        code = run_bridge(daemon, config, &service);
    }
    bridge_free(service.bridge);
    policy_store_free(service.policies);
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
    int code = APP_OK;
    if (!daemon_read_options(PROGRAM, argc, argv, &options, &code)) {
        return code;
    }
    yaml_errors_init(&errors);
    struct config_bridge *config =
        config_bridge_load_file(options.config, &yaml_process_environment, &errors);
    yaml_errors_print(&errors, stderr);
    code = config == NULL ? APP_DIFFERENT : check_or_serve(config, options.check);
    config_bridge_free(config);
    yaml_errors_destroy(&errors);
    return code;
}
