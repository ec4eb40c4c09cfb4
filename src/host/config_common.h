/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_common.h - what node.yaml and bridge.yaml have in common: the cluster, its TLS, the admin
 * interface, the log.
 *
 * Shapes read the keys; the checks below say what a table cannot: that one value does not go with
 * another. Everything borrows from the document.
 */
#ifndef HOST_CONFIG_COMMON_H
#define HOST_CONFIG_COMMON_H

#include "base/log.h"
#include "core/member.h"
#include "host/log_sink.h"
#include "host/runtime.h"
#include "host/ws.h"
#include "host/yaml_read.h"

/* Less than this, and an engine cannot hold one large message. */
#define CONFIG_MEMORY_MIN          ((uint64_t)64 * 1024 * 1024)
#define CONFIG_MEMORY_DEFAULT_TEXT "1GiB"

/* Names that become metric labels: of links, of bridges. */
#define CONFIG_NAME_SIZE_MAX 64

struct config_log {
    const struct yaml_node *yaml;
    enum log_level level;
    enum log_sink_format format;
};

struct config_admin {
    const struct yaml_node *yaml;
    struct value_address listen; /* port 0: there is no admin interface */
    const char *token_file;      /* NULL: nothing can be changed over it */
    const char *token;           /* what the file says, without white space around it */
};

/* wss inside the cluster. Files NULL: none. */
struct config_tls {
    const struct yaml_node *yaml;
    const char *cert_file;
    const char *key_file;
    const char *ca_file;
    bool require_client_cert;
};

/* Being a member of a cluster: `node` in node.yaml, `cluster` in bridge.yaml. */
struct config_cluster {
    const struct yaml_node *yaml;
    const char *cluster_id;
    struct value_url listen;
    struct value_url advertise; /* after config_cluster_check: always there */
    const struct value_url *seeds;
    size_t seed_count;
    const char *const *resources;
    size_t resource_count;
    const char *const *tags;
    size_t tag_count;
    const char *region;
    struct config_tls tls;
};

extern const struct yaml_shape config_log_shape;
extern const struct yaml_shape config_admin_shape;
extern const struct yaml_shape config_node_cluster_shape;   /* says "node" */
extern const struct yaml_shape config_bridge_cluster_shape; /* says "cluster" */

/* For tables: what is wrong with a text; NULL: nothing. */
const char *config_check_name(const char *text);    /* a metric label */
const char *config_check_label(const char *text);   /* at most 512 bytes, no control characters */
const char *config_check_cluster(const char *text); /* the same, 256 bytes */

/*
 * A file's name as it was written becomes the name of the file it means: relative ones are relative to
 * `folder`. NULL stays NULL. A file that cannot be read is reported at `node`'s key `key`.
 */
void config_resolve_file(const struct yaml_node *node, const char *key, const char *folder,
    struct yaml_errors *errors, const char **path);

/* The folder that `path` is in, absolute, for config_resolve_file. Lives as long as the document. */
const char *config_folder(struct yaml_doc *doc, const char *path);

/* Cross checks, and the files of `tls`. Sets `advertise` when the file does not. */
void config_cluster_check(
    struct config_cluster *cluster, const char *folder, struct yaml_errors *errors);

/* The address is numeric; one that other machines can reach gets a warning. */
/* Also reads the token; it lives as long as the document. */
void config_admin_check(struct config_admin *admin, const char *folder, struct yaml_errors *errors);

/* Two items of a list of texts that are equal are reported. */
void config_check_unique(const struct yaml_node *node, const char *key, struct yaml_errors *errors);

/* Whether `host` is an IP address. */
bool config_is_numeric(const char *host);

/* ---- For the engines ---- */

/* false: no memory. The list lives as long as the document. */
MUST_CHECK bool config_text_list(
    struct yaml_doc *doc, const char *const *items, size_t count, struct text_list *list);
MUST_CHECK bool config_url_list(
    struct yaml_doc *doc, const struct value_url *urls, size_t count, struct text_list *list);

/* All of a member_config but instance_id, capabilities and isolation. false: no memory. */
MUST_CHECK bool config_cluster_member(
    const struct config_cluster *cluster, struct yaml_doc *doc, struct member_config *member);

/* What the runtime opens. `listen` and `dial` are filled in and pointed to where they are needed. */
struct runtime_cluster_port config_cluster_port(
    const struct config_cluster *cluster, struct ws_tls *listen, struct ws_tls *dial);

#endif
