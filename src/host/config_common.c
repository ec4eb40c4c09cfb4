/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_common.c - the keys both files share, and what must hold between them.
 */
#include "host/config_common.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/peer.h"
#include "node/node.h"

/* Messages say these numbers. */
static_assert(CONFIG_NAME_SIZE_MAX == 64, "the size is written out below");
static_assert(NAME_SIZE_MAX == 512, "the size is written out below");
static_assert(PEER_TEXT_MAX == 256, "the size is written out below");

/* ---- What a text may be ---- */

static bool
has_control(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return true;
        }
    }
    return false;
}

const char *
config_check_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t size = strlen(text);
    if (size > CONFIG_NAME_SIZE_MAX) {
        return "is longer than 64 bytes";
    }
    return strspn(text, allowed) == size
               ? NULL
               : "has other characters in it than letters, digits, '-', '_' and '.'";
}

const char *
config_check_label(const char *text)
{
    if (strlen(text) > NAME_SIZE_MAX) {
        return "is longer than 512 bytes";
    }
    return has_control(text) ? "has a control character in it, such as a line break" : NULL;
}

const char *
config_check_cluster(const char *text)
{
    return strlen(text) > PEER_TEXT_MAX ? "is longer than 256 bytes" : config_check_label(text);
}

bool
config_is_numeric(const char *host)
{
    struct in6_addr ipv6;
    struct in_addr ipv4;
    return inet_pton(AF_INET, host, &ipv4) == 1 || inet_pton(AF_INET6, host, &ipv6) == 1;
}

static bool
is_wildcard(const char *host)
{
    struct in6_addr ipv6;
    struct in_addr ipv4;
    if (inet_pton(AF_INET, host, &ipv4) == 1) {
        return ipv4.s_addr == htonl(INADDR_ANY);
    }
    return inet_pton(AF_INET6, host, &ipv6) == 1 && memcmp(&ipv6, &in6addr_any, sizeof(ipv6)) == 0;
}

/* ---- Keys ---- */

static const struct yaml_choice levels[] = {
    { "error", LOG_LEVEL_ERROR },
    { "warn", LOG_LEVEL_WARN },
    { "info", LOG_LEVEL_INFO },
    { "debug", LOG_LEVEL_DEBUG },
    { NULL, 0 },
};
static const struct yaml_choice formats[] = {
    { "text", LOG_SINK_TEXT },
    { "json", LOG_SINK_JSON },
    { NULL, 0 },
};
static const struct yaml_key log_keys[] = {
    YAML_CHOICE(struct config_log, level, levels, "level", .fallback = "info"),
    YAML_CHOICE(struct config_log, format, formats, "format", .fallback = "text"),
};
const struct yaml_shape config_log_shape = YAML_SHAPE(struct config_log, log_keys, "log");

static const struct yaml_key tls_keys[] = {
    YAML_TEXT(struct config_tls, cert_file, "cert_file", .required = true),
    YAML_TEXT(struct config_tls, key_file, "key_file", .required = true),
    YAML_TEXT(struct config_tls, ca_file, "ca_file", .required = true),
    YAML_BOOLEAN(struct config_tls, require_client_cert, "require_client_cert", .fallback = "true"),
};
static const struct yaml_shape tls_shape = YAML_SHAPE(struct config_tls, tls_keys, "tls");

static const struct yaml_key cluster_keys[] = {
    YAML_TEXT(struct config_cluster, cluster_id, "cluster_id", .required = true,
        .check = config_check_cluster),
    YAML_URL(struct config_cluster, listen, "listen", .required = true),
    YAML_URL(struct config_cluster, advertise, "advertise"),
    YAML_URLS(
        struct config_cluster, seeds, seed_count, "seeds", .or_one = true, .max = LIST_COUNT_MAX),
    YAML_TEXTS(struct config_cluster, resources, resource_count, "resources", .or_one = true,
        .max = LIST_COUNT_MAX, .check = config_check_label),
    YAML_TEXTS(struct config_cluster, tags, tag_count, "tags", .or_one = true,
        .max = LIST_COUNT_MAX, .check = config_check_label),
    YAML_TEXT(struct config_cluster, region, "region", .check = config_check_label),
    YAML_GROUP(struct config_cluster, tls, &tls_shape, "tls"),
};
const struct yaml_shape config_node_cluster_shape =
    YAML_SHAPE(struct config_cluster, cluster_keys, "node");
const struct yaml_shape config_bridge_cluster_shape =
    YAML_SHAPE(struct config_cluster, cluster_keys, "cluster");

/* ---- Files ---- */

const char *
config_folder(struct yaml_doc *doc, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 1 : (size_t)(slash - path) + 1;
    char *folder = yaml_doc_take(doc, size + 1);
    char absolute[PATH_MAX];
    if (folder == NULL) {
        return ".";
    }
    memcpy(folder, slash == NULL ? "." : path, size);
    if (realpath(folder, absolute) == NULL) {
        return folder;
    }
    size_t absolute_size = strlen(absolute) + 1;
    char *copy = yaml_doc_take(doc, absolute_size);
    return copy == NULL ? folder : memcpy(copy, absolute, absolute_size);
}

void
config_resolve_file(const struct yaml_node *node, const char *key, const char *folder,
    struct yaml_errors *errors, const char **path)
{
    if (*path == NULL) {
        return;
    }
    const struct yaml_node *value = yaml_find(node, key);
    if ((*path)[0] != '/') {
        size_t size = strlen(folder) + 1 + strlen(*path) + 1;
        char *joined = yaml_doc_take(node->doc, size);
        if (joined == NULL) {
            yaml_errors_add(
                errors, YAML_ERROR, yaml_place(value), "the file needs too much memory");
            return;
        }
        (void)snprintf(joined, size, "%s/%s", folder, *path);
        *path = joined;
    }
    if (access(*path, R_OK) != 0) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(value), "%s: cannot read '%s': %s",
            yaml_path(value).text, *path, strerror(errno));
    }
}

/* ---- Cross checks ---- */

/* "FOLDER: what", at the key if the file has it, else at the group. */
static struct yaml_place
key_place(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_find(node, key);
    return yaml_place(value == NULL ? node : value);
}

void
config_check_unique(const struct yaml_node *node, const char *key, struct yaml_errors *errors)
{
    const struct yaml_node *list = yaml_find(node, key);
    if (list == NULL || list->kind != YAML_SEQUENCE) {
        return;
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        const struct yaml_node *first = list->first;
        while (first != item && strcmp(first->text, item->text) != 0) {
            first = first->next;
        }
        if (first != item && item->kind == YAML_SCALAR && !item->faulty) {
            yaml_errors_add(errors, YAML_ERROR, yaml_place(item),
                "%s: %s is named twice; the first is in line %u, column %u", yaml_path(list).text,
                value_quote(item->text).text, first->line, first->column);
        }
    }
}

static void
check_url_size(
    const struct yaml_node *node, const struct value_url *url, struct yaml_errors *errors)
{
    if (url->text != NULL && node != NULL && strlen(url->text) > PEER_TEXT_MAX) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s is longer than 256 bytes",
            yaml_path(node).text);
    }
}

static void
check_listen(struct config_cluster *cluster, struct yaml_errors *errors)
{
    const struct yaml_node *node = cluster->yaml;
    const struct value_url *listen = &cluster->listen;
    const struct value_url *advertise = &cluster->advertise;
    struct yaml_place place = key_place(node, "listen");
    check_url_size(yaml_find(node, "advertise"), advertise, errors);
    if (advertise->text != NULL && is_wildcard(advertise->address.host)) {
        yaml_errors_add(errors, YAML_ERROR, key_place(node, "advertise"),
            "%s.advertise: nobody can dial '%s'", yaml_path(node).text, advertise->text);
        yaml_errors_hint(errors, "write the name or address that other nodes reach this one by");
    }
    if (listen->text == NULL) {
        return;
    }
    if (!config_is_numeric(listen->address.host)) {
        yaml_errors_add(errors, YAML_ERROR, place, "%s.listen: '%s' is not an IP address",
            yaml_path(node).text, listen->address.host);
        yaml_errors_hint(errors,
            "listen on an address, such as %s://0.0.0.0:%u, and give the name with advertise: %s",
            listen->secure ? "wss" : "ws", (unsigned)listen->address.port, listen->text);
    } else if (is_wildcard(listen->address.host) && yaml_find(node, "advertise") == NULL) {
        yaml_errors_add(errors, YAML_ERROR, place,
            "%s.listen: nobody can dial '%s', and it would be this one's name in the cluster",
            yaml_path(node).text, listen->text);
        yaml_errors_hint(errors,
            "add advertise: %s://NAME:%u with the name or address that other nodes reach it by",
            listen->secure ? "wss" : "ws", (unsigned)listen->address.port);
    }
    if (advertise->text == NULL) {
        cluster->advertise = *listen;
    }
}

static bool
has_tls(const struct config_cluster *cluster)
{
    return yaml_find(cluster->yaml, "tls") != NULL;
}

static void
check_seeds(const struct config_cluster *cluster, struct yaml_errors *errors)
{
    const struct yaml_node *list = yaml_find(cluster->yaml, "seeds");
    config_check_unique(cluster->yaml, "seeds", errors);
    for (size_t i = 0; i < cluster->seed_count; i++) {
        const struct value_url *seed = &cluster->seeds[i];
        const struct yaml_node *item =
            list->kind == YAML_SEQUENCE ? yaml_item(list, (uint32_t)i) : list;
        check_url_size(item, seed, errors);
        if (cluster->advertise.text != NULL && strcmp(seed->text, cluster->advertise.text) == 0) {
            yaml_errors_add(errors, YAML_ERROR, yaml_place(item), "%s: '%s' is this process itself",
                yaml_path(item).text, seed->text);
            yaml_errors_hint(errors, "name other nodes of the cluster");
        }
        if (seed->secure && !has_tls(cluster)) {
            yaml_errors_add(errors, YAML_ERROR, yaml_place(item), "%s: '%s' needs certificates",
                yaml_path(item).text, seed->text);
            yaml_errors_hint(errors, "add %s.tls with cert_file, key_file and ca_file",
                yaml_path(cluster->yaml).text);
        }
    }
}

static void
check_tls(struct config_cluster *cluster, const char *folder, struct yaml_errors *errors)
{
    struct config_tls *tls = &cluster->tls;
    bool used = cluster->listen.secure || cluster->advertise.secure;
    if (cluster->listen.text != NULL && cluster->listen.secure && !has_tls(cluster)) {
        yaml_errors_add(errors, YAML_ERROR, key_place(cluster->yaml, "listen"),
            "%s.listen: '%s' needs certificates", yaml_path(cluster->yaml).text,
            cluster->listen.text);
        yaml_errors_hint(errors, "add %s.tls with cert_file, key_file and ca_file",
            yaml_path(cluster->yaml).text);
    }
    if (tls->yaml == NULL) {
        return;
    }
    config_resolve_file(tls->yaml, "cert_file", folder, errors, &tls->cert_file);
    config_resolve_file(tls->yaml, "key_file", folder, errors, &tls->key_file);
    config_resolve_file(tls->yaml, "ca_file", folder, errors, &tls->ca_file);
    for (size_t i = 0; i < cluster->seed_count; i++) {
        used = used || cluster->seeds[i].secure;
    }
    if (!used) {
        yaml_errors_add(errors, YAML_WARNING, yaml_place(tls->yaml->key),
            "%s has no effect on what is configured: neither listen nor a seed is wss://",
            yaml_path(tls->yaml).text);
    }
}

void
config_cluster_check(struct config_cluster *cluster, const char *folder, struct yaml_errors *errors)
{
    if (cluster->yaml == NULL) {
        return;
    }
    check_listen(cluster, errors);
    check_seeds(cluster, errors);
    check_tls(cluster, folder, errors);
    config_check_unique(cluster->yaml, "resources", errors);
    config_check_unique(cluster->yaml, "tags", errors);
}

/* ---- For the engines ---- */

bool
config_text_list(
    struct yaml_doc *doc, const char *const *items, size_t count, struct text_list *list)
{
    *list = (struct text_list){ .count = 0 };
    if (count == 0) {
        return true;
    }
    struct span *spans = yaml_doc_take(doc, count * sizeof(*spans));
    if (spans == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        spans[i] = span_from_text(items[i]);
    }
    *list = (struct text_list){ .items = spans, .count = (uint32_t)count };
    return true;
}

bool
config_url_list(
    struct yaml_doc *doc, const struct value_url *urls, size_t count, struct text_list *list)
{
    const char **texts = yaml_doc_take(doc, (count + 1) * sizeof(*texts));
    if (texts == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = urls[i].text;
    }
    return config_text_list(doc, texts, count, list);
}

bool
config_cluster_member(
    const struct config_cluster *cluster, struct yaml_doc *doc, struct member_config *member)
{
    *member = (struct member_config){
        .cluster_id = span_from_text(cluster->cluster_id),
        .url = span_from_text(cluster->advertise.text),
        .region = span_from_text(cluster->region),
        .function_count_max = CATALOG_FUNCTIONS_MAX,
        .call_timeout_ns = NODE_REQUEST_TIMEOUT_NS,
    };
    return config_url_list(doc, cluster->seeds, cluster->seed_count, &member->seeds) &&
           config_text_list(doc, cluster->resources, cluster->resource_count, &member->resources) &&
           config_text_list(doc, cluster->tags, cluster->tag_count, &member->tags);
}

struct runtime_cluster_port
config_cluster_port(
    const struct config_cluster *cluster, struct ws_tls *listen, struct ws_tls *dial)
{
    const struct config_tls *tls = &cluster->tls;
    *dial = (struct ws_tls){
        .cert_file = tls->cert_file, .key_file = tls->key_file, .ca_file = tls->ca_file
    };
    *listen = *dial;
    listen->require_client_cert = tls->require_client_cert;
    return (struct runtime_cluster_port){
        .address = cluster->listen.address.host,
        .port = cluster->listen.address.port,
        .tls = cluster->listen.secure ? listen : NULL,
        .dial_tls = tls->yaml != NULL ? dial : NULL,
    };
}
