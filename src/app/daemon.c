/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.c - the beginning of a daemon, up to the point where its engine is made.
 */
#include "app/daemon.h"

#include <inttypes.h>
#include <stdio.h>

#include <signal.h>

#include "host/admin.h"
#include "host/build_info.h"

/* ---- The command line ---- */

static void
print_help(const char *program)
{
    (void)printf(
        "Usage: %s --config FILE [--check]\n"
        "\n"
        "  -c, --config FILE  what to run (docs/configuration.md)\n"
        "      --check        only check FILE, and print the effective configuration\n"
        "      --version      print the version\n"
        "  -h, --help         print this\n"
        "\n"
        "Exit codes: 0 stopped as asked, 1 failed, 2 the configuration is wrong, 64 the\n"
        "command line is wrong. TERM and INT stop it: calls under way are finished first.\n",
        program);
}

enum daemon_option {
    OPTION_CHECK = 256,
    OPTION_VERSION,
};

bool
daemon_read_options(
    const char *program, int argc, char **argv, struct daemon_options *options, int *exit_code)
{
    static const struct option longs[] = {
        { "config", required_argument, NULL, 'c' },
        { "check", no_argument, NULL, OPTION_CHECK },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct options line = {
        .program = program, .shorts = "c:h", .longs = longs, .argc = argc, .argv = argv
    };
    int code = 0;
    *options = (struct daemon_options){ .check = false };
    *exit_code = APP_OK;
    while ((code = options_next(&line)) != OPTIONS_END) {
        switch (code) {
        case 'c':
            options->config = line.value;
            break;
        case OPTION_CHECK:
            options->check = true;
            break;
        case OPTION_VERSION:
            (void)printf("%s %s (%s)\n", program, BUILD_INFO_VERSION, BUILD_INFO_COMPILER);
            return false;
        case 'h':
            print_help(program);
            return false;
        case OPTIONS_ARGUMENT:
            *exit_code = options_fault(&line, "'%s' is not an option", line.value);
            return false;
        default:
            *exit_code = APP_USAGE;
            return false;
        }
    }
    if (options->config == NULL) {
        *exit_code = options_fault(&line, "--config FILE is missing");
        return false;
    }
    return true;
}

/* ---- The beginning ---- */

void
daemon_complain(const char *program, const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", program, what);
}

struct daemon_url
daemon_url(const char *scheme, const struct value_address *address)
{
    struct daemon_url url = { .text = "" };
    if (address->port != 0) {
        (void)snprintf(url.text, sizeof(url.text), address->is_ipv6 ? "%s[%s]:%u" : "%s%s:%u",
            scheme, address->host, (unsigned)address->port);
    }
    return url;
}

struct hash_key
daemon_hash_key(void)
{
    return (struct hash_key){ .k0 = runtime_entropy(), .k1 = runtime_entropy() };
}

bool
daemon_init(struct daemon *daemon, const struct daemon_config *config)
{
    struct reason reason;
    *daemon = (struct daemon){ .program = config->program };
    /* A reader that has gone is told by the result of a write. */
    (void)signal(SIGPIPE, SIG_IGN);
    log_sink_init(&daemon->sink,
        &(struct log_sink_config){
            .out = stderr, .level = config->log->level, .format = config->log->format });
    mem_init(&daemon->mem, config->memory_max);
    (void)snprintf(daemon->instance_id, sizeof(daemon->instance_id), "%016" PRIx64 "%016" PRIx64,
        runtime_entropy(), runtime_entropy());
    daemon->runtime = runtime_create(
        &(struct runtime_config){
            .log = &daemon->sink.log,
            .mem = &daemon->mem,
            .workers = config->workers,
            .worker_count = config->worker_count,
        },
        &reason);
    if (daemon->runtime == NULL) {
        daemon_complain(config->program, reason.text);
        log_sink_destroy(&daemon->sink);
        return false;
    }
    daemon->started = runtime_now(daemon->runtime);
    return true;
}

void
daemon_destroy(struct daemon *daemon)
{
    runtime_free(daemon->runtime);
    log_sink_destroy(&daemon->sink);
}

bool
daemon_open_cluster(struct daemon *daemon, const struct config_cluster *cluster)
{
    struct reason reason;
    struct ws_tls listen;
    struct ws_tls dial;
    struct runtime_cluster_port port = config_cluster_port(cluster, &listen, &dial);
    if (!runtime_open_cluster(daemon->runtime, &port, &reason)) {
        daemon_complain(daemon->program, reason.text);
        return false;
    }
    return true;
}

bool
daemon_open_admin(struct daemon *daemon, const struct config_admin *admin, void *owner,
    void (*serve)(void *owner, const struct http_request *request, struct http_response *response))
{
    struct reason reason;
    const struct http_config config = {
        .address = admin->listen.host,
        .port = admin->listen.port,
        .owner = owner,
        .on_request = serve,
        .body_size_max = admin_body_size_max,
    };
    if (admin->listen.port != 0 && !runtime_open_admin(daemon->runtime, &config, &reason)) {
        daemon_complain(daemon->program, reason.text);
        return false;
    }
    return true;
}
