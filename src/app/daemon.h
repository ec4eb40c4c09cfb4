/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - what mpreg-node and mpreg-bridge share: their command line, and how they begin.
 */
#ifndef APP_DAEMON_H
#define APP_DAEMON_H

#include <stdint.h>

#include "app/options.h"
#include "base/hash.h"
#include "host/config_common.h"
#include "host/http.h"
#include "host/runtime.h"
#include "host/yaml_errors.h"

struct daemon_options {
    const char *config; /* the file */
    bool check;         /* only look at it */
};

/*
 * Read the command line.
 *
 * true: go on. false: it is all done (--help, --version), or wrong; end with *exit_code.
 */
MUST_CHECK bool daemon_read_options(
    const char *program, int argc, char **argv, struct daemon_options *options, int *exit_code);

/* Everything that a daemon has besides its engine. */
struct daemon {
    const char *program;
    struct log_sink sink;
    struct mem mem; /* of the transports */
    struct runtime *runtime;
    struct now started;
    char instance_id[33]; /* hexadecimal, drawn for this start */
};

struct daemon_config {
    const char *program;
    const struct config_log *log;
    uint64_t memory_max; /* of the transports */
    const struct runtime_worker *workers;
    uint32_t worker_count;
};

/* false: reported. The daemon must not move. */
MUST_CHECK bool daemon_init(struct daemon *daemon, const struct daemon_config *config);
void daemon_destroy(struct daemon *daemon);

/* The cluster port, and the admin interface if there is one. false: reported. */
MUST_CHECK bool daemon_open_cluster(struct daemon *daemon, const struct config_cluster *cluster);
MUST_CHECK bool daemon_open_admin(struct daemon *daemon, const struct config_admin *admin,
    void *owner,
    void (*serve)(void *owner, const struct http_request *request, struct http_response *response));

struct hash_key daemon_hash_key(void);

/* "http://127.0.0.1:9180", or "" when the port is 0. For logs. */
struct daemon_url {
    char text[VALUE_HOST_SIZE_MAX + 32];
};
struct daemon_url daemon_url(const char *scheme, const struct value_address *address);

/* "PROGRAM: what is wrong" on stderr. */
void daemon_complain(const char *program, const char *what);

#endif
