/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_bridge.h - bridge.yaml and the policy files that it names: reads them, checks all of them,
 * and describes the engine (docs/configuration.md, docs/policy.md).
 */
#ifndef HOST_CONFIG_BRIDGE_H
#define HOST_CONFIG_BRIDGE_H

#include <stdio.h>

#include "bridge/bridge.h"
#include "host/config_common.h"
#include "host/config_damping.h"
#include "host/config_probe.h"
#include "host/policy_set.h"
#include "host/runtime.h"
#include "host/tls.h"
#include "host/yaml.h"
#include "host/yaml_errors.h"

/* From connection to the far side's HELLO. */
#define CONFIG_BRIDGE_GREETING_NS (5 * SEC_NS)

struct config_bridge_name {
    const struct yaml_node *yaml;
    const char *name;
    const char *federation;
};

/* Of the links. */
struct config_bridge_tls {
    const struct yaml_node *yaml;
    const char *cert_file;
    const char *key_file;
    const char *ca_file;
    const char *crl_file; /* NULL: revocation is not checked */
    const char *identity;
};

/* Of those who dial us (host/link.h). */
struct config_link_handshakes {
    const struct yaml_node *yaml;
    struct value_rate rate;
    uint64_t burst;
};

/* The pauses between dials (bridge/link_retry.h). */
struct config_retry {
    const struct yaml_node *yaml;
    uint64_t base_ns;
    uint64_t cap_ns;
    uint64_t stable_ns;
};

struct config_link {
    const struct yaml_node *yaml;
    const char *name;
    const char *federation;
    const char *bridge; /* the far one; NULL: any of that federation */
    const struct value_address *connect;
    size_t connect_count;
    bool accept;
    struct config_probe *probes;
    size_t probe_count;
    uint64_t frame_size_max;
};

struct config_bridge {
    const struct yaml_node *yaml;
    struct config_bridge_name bridge;
    struct config_cluster cluster;
    struct config_bridge_tls tls;
    struct value_address link_listen; /* port 0: no far side can dial */
    struct config_link_handshakes link_handshakes;
    struct config_link *links;
    size_t link_count;
    uint64_t keepalive_ns;
    uint64_t resume_window_ns;
    uint64_t resume_buffer_size; /* a link */
    uint64_t stale_time_ns;
    uint64_t dial_timeout_ns;
    struct config_retry retry;
    struct config_dampings damping;
    uint64_t hold_down_ns;
    uint64_t advertisement_interval_ns;
    const char *const *policies; /* files */
    size_t policy_count;
    bool watch_policies; /* a file that changes is read again */
    struct config_admin admin;
    struct config_log log;
    uint64_t memory_max;
    /* Made by the loader. */
    struct yaml_doc *doc; /* what everything borrows from */
    struct policy_set_bridge policy_bridge;
    struct policy_set policy_set; /* what the files say */
    struct list policy_files;
};

/*
 * Load a file, or a text that messages call `name` and whose files are relative to `folder`.
 *
 * NULL: there were errors, which are in `errors` now. Otherwise there were none, but perhaps warnings.
 */
MUST_CHECK struct config_bridge *config_bridge_load_file(
    const char *path, const struct yaml_environment *environment, struct yaml_errors *errors);
MUST_CHECK struct config_bridge *config_bridge_load_text(const char *name, struct span text,
    const char *folder, const struct yaml_environment *environment, struct yaml_errors *errors);

/* The policies die too: no engine holds one any more. NULL is allowed. */
void config_bridge_free(struct config_bridge *config);

/* The effective configuration, as YAML that loads to the same. */
void config_bridge_print(const struct config_bridge *config, FILE *out);

/*
 * Everything of the engine's configuration but the member's instance_id. `boot` is drawn anew for each
 * start. Lives as long as `config`. false: no memory.
 */
MUST_CHECK bool config_bridge_engine(
    const struct config_bridge *config, uint64_t boot, struct bridge_config *engine);

/* What runtime_open_links() takes. Lives as long as `config`. false: no memory. */
MUST_CHECK bool config_bridge_link_port(
    const struct config_bridge *config, struct runtime_link_port *port);

/* What tls_context_create() takes. There are links. */
struct tls_settings config_bridge_tls_settings(const struct config_bridge *config);

#endif
