/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_bridge.c - the keys of bridge.yaml, what must hold between them and with the policies, and
 * what the engine gets.
 */
#include "host/config_bridge.h"

#include <assert.h>
#include <string.h>

#include "core/limits.h"
#include "host/config_write.h"

static_assert(CONFIG_NAME_SIZE_MAX <= LINK_BRIDGE_NAME_MAX, "the far side takes our name");
static_assert(TLS_IDENTITY_NAME_MAX == 255, "the size is written out below");

/* ---- Keys ---- */

static const char *
check_federation(const char *text)
{
    if (strlen(text) > TLS_IDENTITY_NAME_MAX) {
        return "is longer than 255 bytes";
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f || *at == '/') {
            return "has characters in it that a certificate's URI cannot name it by";
        }
    }
    return NULL;
}

static const char *
check_identity(const char *text)
{
    return tls_identity_pattern_fault(span_from_text(text));
}

static const struct yaml_key name_keys[] = {
    YAML_TEXT(
        struct config_bridge_name, name, "name", .required = true, .check = config_check_name),
    YAML_TEXT(struct config_bridge_name, federation, "federation", .required = true,
        .check = check_federation),
};
static const struct yaml_shape name_shape =
    YAML_SHAPE(struct config_bridge_name, name_keys, "bridge");

static const struct yaml_key tls_keys[] = {
    YAML_TEXT(struct config_bridge_tls, cert_file, "cert_file", .required = true),
    YAML_TEXT(struct config_bridge_tls, key_file, "key_file", .required = true),
    YAML_TEXT(struct config_bridge_tls, ca_file, "ca_file", .required = true),
    YAML_TEXT(struct config_bridge_tls, crl_file, "crl_file"),
    YAML_TEXT(struct config_bridge_tls, identity, "identity", .fallback = TLS_IDENTITY_DEFAULT,
        .check = check_identity),
};
static const struct yaml_shape tls_shape = YAML_SHAPE(struct config_bridge_tls, tls_keys, "tls");

#define NO_HANDSHAKES "to let nobody dial, leave link_listen out"

static const struct yaml_key handshake_keys[] = {
    YAML_RATE(
        struct config_link_handshakes, rate, "rate", .fallback = "100/s", .zero = NO_HANDSHAKES),
    YAML_NUMBER(
        struct config_link_handshakes, burst, "burst", .fallback = "200", .zero = NO_HANDSHAKES),
};
static const struct yaml_shape handshake_shape =
    YAML_SHAPE(struct config_link_handshakes, handshake_keys, "link_handshakes");

/* A base of hours would be a mistake; so would a link that is never stable. */
#define RETRY_MAX_NS (60 * 60 * SEC_NS)

static const struct yaml_key retry_keys[] = {
    YAML_DURATION(struct config_retry, base_ns, "base", .fallback = "250ms", .min = 10 * MS_NS,
        .max = RETRY_MAX_NS),
    YAML_DURATION(struct config_retry, cap_ns, "cap", .fallback = "10s", .min = 10 * MS_NS,
        .max = RETRY_MAX_NS),
    YAML_DURATION(struct config_retry, stable_ns, "stable", .fallback = "30s", .max = RETRY_MAX_NS),
};
static const struct yaml_shape retry_shape = YAML_SHAPE(struct config_retry, retry_keys, "retry");

static const struct yaml_key link_keys[] = {
    YAML_TEXT(struct config_link, name, "name", .required = true, .check = config_check_name),
    YAML_TEXT(
        struct config_link, federation, "federation", .required = true, .check = check_federation),
    YAML_TEXT(struct config_link, bridge, "bridge", .check = config_check_name),
    YAML_ADDRESSES(struct config_link, connect, connect_count, "connect", .or_one = true,
        .max = LINK_ADDRESSES_MAX),
    YAML_BOOLEAN(struct config_link, accept, "accept"),
    YAML_GROUPS(
        struct config_link, probes, probe_count, &config_probe_shape, "probes", .max = PROBES_MAX),
    YAML_SIZE(struct config_link, frame_size_max, "frame_max", .fallback = "16MiB",
        .min = LINK_FRAME_SIZE_MIN, .max = LINK_FRAME_SIZE_MAX),
};
static const struct yaml_shape link_shape = YAML_SHAPE(struct config_link, link_keys, "this link");

static const struct yaml_key file_keys[] = {
    YAML_GROUP(struct config_bridge, bridge, &name_shape, "bridge", .required = true),
    YAML_GROUP(
        struct config_bridge, cluster, &config_bridge_cluster_shape, "cluster", .required = true),
    YAML_GROUP(struct config_bridge, tls, &tls_shape, "tls"),
    YAML_ADDRESS(struct config_bridge, link_listen, "link_listen"),
    YAML_GROUP(struct config_bridge, link_handshakes, &handshake_shape, "link_handshakes"),
    YAML_GROUPS(
        struct config_bridge, links, link_count, &link_shape, "links", .max = RIB_LINKS_MAX),
    YAML_DURATION(struct config_bridge, keepalive_ns, "keepalive", .fallback = "2s",
        .min = LINK_KEEPALIVE_MIN_NS, .max = LINK_KEEPALIVE_MAX_NS),
    YAML_DURATION(struct config_bridge, dial_timeout_ns, "dial_timeout", .fallback = "5s",
        .min = 100 * MS_NS, .max = 60 * SEC_NS),
    YAML_DURATION(struct config_bridge, resume_window_ns, "resume_window", .fallback = "30s",
        .min = 0, .max = 600 * SEC_NS),
    YAML_SIZE(struct config_bridge, resume_buffer_size, "resume_buffer", .fallback = "8MiB",
        .min = (uint64_t)4 * 1024, .max = (uint64_t)1024 * 1024 * 1024),
    YAML_DURATION(struct config_bridge, stale_time_ns, "stale_time", .fallback = "2m", .min = 0,
        .max = 3600 * SEC_NS),
    YAML_GROUP(struct config_bridge, retry, &retry_shape, "retry"),
    YAML_GROUP(struct config_bridge, damping, &config_dampings_shape, "damping"),
    YAML_DURATION(struct config_bridge, hold_down_ns, "hold_down", .fallback = "0s", .min = 0,
        .max = 3600 * SEC_NS),
    YAML_DURATION(struct config_bridge, advertisement_interval_ns, "advertisement_interval",
        .fallback = "0s", .min = 0, .max = 300 * SEC_NS),
    YAML_TEXTS(struct config_bridge, policies, policy_count, "policies", .or_one = true,
        .max = RIB_LINKS_MAX),
    YAML_BOOLEAN(struct config_bridge, watch_policies, "watch_policies"),
    YAML_GROUP(struct config_bridge, admin, &config_admin_shape, "admin"),
    YAML_GROUP(struct config_bridge, log, &config_log_shape, "log"),
    YAML_SIZE(struct config_bridge, memory_max, "memory_max",
        .fallback = CONFIG_MEMORY_DEFAULT_TEXT, .min = CONFIG_MEMORY_MIN),
};
static const struct yaml_shape file_shape =
    YAML_SHAPE(struct config_bridge, file_keys, "this file");

/* ---- Links ---- */

struct loader {
    struct config_bridge *config;
    struct yaml_errors *errors;
    const char *folder;
    const struct yaml_environment *environment;
};

static void
check_link(struct loader *loader, const struct config_link *link)
{
    const struct config_bridge *config = loader->config;
    const char *own = config->bridge.federation;
    bool connects = yaml_find(link->yaml, "connect") != NULL;
    if (own != NULL && link->federation != NULL && strcmp(own, link->federation) == 0) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_find(link->yaml, "federation")),
            "%s.federation: '%s' is the bridge's own federation", yaml_path(link->yaml).text, own);
        yaml_errors_hint(
            loader->errors, "a link leads to another one; bridges side by side need none");
    }
    if (!connects && !link->accept && link->yaml->kind == YAML_MAPPING) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(link->yaml),
            "%s says neither connect nor accept", yaml_path(link->yaml).text);
        yaml_errors_hint(loader->errors, "write connect: [host:port] to dial the far bridge, or "
                                         "accept: true to be dialed by it");
    }
    if (link->accept && config->link_listen.port == 0 &&
        yaml_find(config->yaml, "link_listen") == NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_find(link->yaml, "accept")),
            "%s.accept: nobody can dial this bridge without link_listen",
            yaml_path(link->yaml).text);
        yaml_errors_hint(loader->errors, "add link_listen: 0.0.0.0:9443");
    }
}

/* Two links: their names differ, and their far sides, since an incoming one is known by its certificate alone. */
static void
check_link_pair(
    struct loader *loader, const struct config_link *first, const struct config_link *second)
{
    if (first->name != NULL && second->name != NULL && strcmp(first->name, second->name) == 0) {
        struct yaml_place before = yaml_place(yaml_find(first->yaml, "name"));
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_find(second->yaml, "name")),
            "link '%s' is here twice; the first is in line %u, column %u", second->name,
            before.line, before.column);
    }
    if (first->federation == NULL || second->federation == NULL ||
        strcmp(first->federation, second->federation) != 0) {
        return;
    }
    bool told_apart = first->bridge != NULL && second->bridge != NULL &&
                      strcmp(first->bridge, second->bridge) != 0;
    if (!told_apart) {
        struct yaml_place before = yaml_place(yaml_find(first->yaml, "federation"));
        yaml_errors_add(loader->errors, YAML_ERROR,
            yaml_place(yaml_find(second->yaml, "federation")),
            "federation '%s' has a link already, in line %u, column %u, to the same bridge or to "
            "any",
            second->federation, before.line, before.column);
        yaml_errors_hint(loader->errors,
            "give each of them the name of another far bridge, as bridge: %s-1 and bridge: %s-2, "
            "or one link all addresses: connect: [host:port, host:port]",
            second->federation, second->federation);
    }
}

static void
check_links(struct loader *loader)
{
    const struct config_bridge *config = loader->config;
    bool accepts = false;
    for (size_t i = 0; i < config->link_count; i++) {
        check_link(loader, &config->links[i]);
        config_probes_check(config->links[i].probes, config->links[i].probe_count, loader->errors);
        accepts = accepts || config->links[i].accept;
        for (size_t j = 0; j < i; j++) {
            check_link_pair(loader, &config->links[j], &config->links[i]);
        }
    }
    const struct yaml_node *links = yaml_find(config->yaml, "links");
    const struct yaml_node *listen = yaml_find(config->yaml, "link_listen");
    if (config->link_count > 0 && yaml_find(config->yaml, "tls") == NULL) {
        yaml_errors_add(
            loader->errors, YAML_ERROR, yaml_place(links->key), "links need certificates");
        yaml_errors_hint(loader->errors, "add tls with cert_file, key_file and ca_file");
    }
    if (config->link_count == 0 && (links == NULL || links->count == 0)) {
        yaml_errors_add(loader->errors, YAML_WARNING,
            yaml_place(links == NULL ? yaml_doc_root(config->doc) : links->key),
            "there is no link: the bridge has nobody to talk to");
    }
    if (config->link_listen.port == 0) {
        return;
    }
    if (!config_is_numeric(config->link_listen.host)) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(listen),
            "link_listen: '%s' is not an IP address", config->link_listen.host);
        yaml_errors_hint(loader->errors, "write 0.0.0.0:%u", (unsigned)config->link_listen.port);
    }
    if (!accepts) {
        yaml_errors_add(loader->errors, YAML_WARNING, yaml_place(listen),
            "link_listen: no link has accept: true");
    }
}

static void
check_tls(struct loader *loader)
{
    struct config_bridge_tls *tls = &loader->config->tls;
    if (tls->yaml == NULL) {
        return;
    }
    const struct yaml_node *node = tls->yaml;
    config_resolve_file(node, "cert_file", loader->folder, loader->errors, &tls->cert_file);
    config_resolve_file(node, "key_file", loader->folder, loader->errors, &tls->key_file);
    config_resolve_file(node, "ca_file", loader->folder, loader->errors, &tls->ca_file);
    config_resolve_file(node, "crl_file", loader->folder, loader->errors, &tls->crl_file);
}

static void
check_retry(struct loader *loader)
{
    const struct config_retry *retry = &loader->config->retry;
    if (retry->base_ns <= retry->cap_ns) {
        return;
    }
    /* One of the two is there: the defaults are in order. */
    const struct yaml_node *base = yaml_find(retry->yaml, "base");
    const struct yaml_node *cap = yaml_find(retry->yaml, "cap");
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(cap != NULL ? cap : base),
        "retry: base (%llu ms) is longer than cap (%llu ms)",
        (unsigned long long)(retry->base_ns / MS_NS), (unsigned long long)(retry->cap_ns / MS_NS));
    yaml_errors_hint(loader->errors, "pauses between dials grow from base to cap");
}

/* ---- Policies ---- */

static void
report_memory(struct loader *loader)
{
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_doc_root(loader->config->doc)),
        "the configuration needs too much memory");
}

/* "policies" holds texts, not a mapping, so its files are resolved one by one. */
static const char *
policy_path(struct loader *loader, const char *written)
{
    size_t size = strlen(loader->folder) + 1 + strlen(written) + 1;
    char *path = yaml_doc_take(loader->config->doc, size);
    if (path != NULL && written[0] != '/') {
        (void)snprintf(path, size, "%s/%s", loader->folder, written);
    }
    return path == NULL || written[0] == '/' ? written : path;
}

static void
describe_bridge(const struct loader *loader, struct policy_set_bridge *bridge)
{
    const struct config_bridge *config = loader->config;
    bridge->file = yaml_doc_name(config->doc);
    bridge->federation = config->bridge.federation;
    /* More of them were an error already. */
    bridge->link_count = config->link_count < RIB_LINKS_MAX ? config->link_count : RIB_LINKS_MAX;
    for (size_t i = 0; i < bridge->link_count; i++) {
        bridge->links[i] = (struct policy_set_link){
            .name = config->links[i].name,
            .federation = config->links[i].federation,
        };
    }
}

static void
warn_of_links_without_policy(struct loader *loader)
{
    const struct config_bridge *config = loader->config;
    for (size_t i = 0; i < config->policy_bridge.link_count; i++) {
        if (config->policy_set.of_link[i] == NULL && config->links[i].name != NULL) {
            yaml_errors_add(loader->errors, YAML_WARNING, yaml_place(config->links[i].yaml),
                "link '%s' has no policy: nothing passes", config->links[i].name);
            yaml_errors_hint(loader->errors, "name a file in policies that says links: [%s]",
                config->links[i].name);
        }
    }
}

static void
load_policies(struct loader *loader)
{
    struct config_bridge *config = loader->config;
    const char **paths = yaml_doc_take(config->doc, (config->policy_count + 1) * sizeof(*paths));
    describe_bridge(loader, &config->policy_bridge);
    policy_set_init(&config->policy_set, &config->policy_bridge);
    list_init(&config->policy_files);
    if (paths == NULL) {
        config->policy_count = 0;
        report_memory(loader);
        return;
    }
    config_check_unique(config->yaml, "policies", loader->errors);
    bool whole = true;
    for (size_t i = 0; i < config->policy_count; i++) {
        paths[i] = policy_path(loader, config->policies[i]);
        struct policy_file *file =
            policy_file_load(paths[i], loader->environment, &config->policy_files, loader->errors);
        whole = whole && file != NULL;
        if (file != NULL) {
            policy_set_add(&config->policy_set, file, loader->errors);
        }
    }
    config->policies = paths;
    if (whole) {
        warn_of_links_without_policy(loader);
    }
}

/* ---- Loading ---- */

/* Takes `doc`. `error_count` was the number of errors before it was read. */
static struct config_bridge *
load(struct yaml_doc *doc, struct loader *loader, size_t error_count)
{
    struct config_bridge *config = yaml_doc_take(doc, sizeof(*config));
    if (config == NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_doc_root(doc)),
            "the configuration needs too much memory");
        yaml_doc_free(doc);
        return NULL;
    }
    yaml_read_mapping(yaml_doc_root(doc), &file_shape, loader->errors, config);
    config->doc = doc;
    loader->config = config;
    config_cluster_check(&config->cluster, loader->folder, loader->errors);
    check_tls(loader);
    check_links(loader);
    check_retry(loader);
    config_dampings_check(&config->damping, yaml_doc_root(doc), loader->errors);
    config_admin_check(&config->admin, loader->folder, loader->errors);
    load_policies(loader);
    if (loader->errors->error_count > error_count) {
        config_bridge_free(config);
        return NULL;
    }
    return config;
}

struct config_bridge *
config_bridge_load_file(
    const char *path, const struct yaml_environment *environment, struct yaml_errors *errors)
{
    struct loader loader = { .errors = errors, .environment = environment };
    size_t error_count = errors->error_count;
    struct yaml_doc *doc = yaml_load_file(path, environment, errors);
    if (doc == NULL) {
        return NULL;
    }
    loader.folder = config_folder(doc, path);
    return load(doc, &loader, error_count);
}

struct config_bridge *
config_bridge_load_text(const char *name, struct span text, const char *folder,
    const struct yaml_environment *environment, struct yaml_errors *errors)
{
    struct loader loader = { .errors = errors, .environment = environment, .folder = folder };
    size_t error_count = errors->error_count;
    struct yaml_doc *doc = yaml_load_text(name, text, environment, errors);
    return doc == NULL ? NULL : load(doc, &loader, error_count);
}

void
config_bridge_free(struct config_bridge *config)
{
    if (config == NULL) {
        return;
    }
    policy_set_destroy(&config->policy_set);
    policy_files_sweep(&config->policy_files);
    CHECK(list_empty(&config->policy_files)); /* whoever was given a policy has let go of it */
    yaml_doc_free(config->doc);
}

void
config_bridge_print(const struct config_bridge *config, FILE *out)
{
    config_write(out, &file_shape, config);
}

/* ---- For the engine ---- */

static bool
describe_addresses(const struct config_bridge *config, const struct config_link *link,
    struct link_session_config *session)
{
    struct span *addresses =
        yaml_doc_take(config->doc, (link->connect_count + 1) * sizeof(*addresses));
    if (addresses == NULL) {
        return false;
    }
    for (size_t i = 0; i < link->connect_count; i++) {
        const struct value_address *address = &link->connect[i];
        size_t size = strlen(address->host) + sizeof("[]:65535");
        char *text = yaml_doc_take(config->doc, size);
        if (text == NULL) {
            return false;
        }
        (void)snprintf(text, size, address->is_ipv6 ? "[%s]:%u" : "%s:%u", address->host,
            (unsigned)address->port);
        addresses[i] = span_from_text(text);
    }
    session->addresses = addresses;
    session->address_count = (uint32_t)link->connect_count;
    return true;
}

static bool
describe_link(const struct config_bridge *config, size_t index, uint64_t boot,
    struct bridge_link_config *link)
{
    const struct config_link *from = &config->links[index];
    struct policy *policies[RIB_LINKS_MAX];
    policy_set_policies(&config->policy_set, policies);
    *link = (struct bridge_link_config){
        .policy = policies[index],
        .probes = config_probes_describe(from->probes, from->probe_count, config->doc),
        .probe_count = (uint32_t)from->probe_count,
        .session = { .name = span_from_text(from->name),
            .federation = span_from_text(from->federation),
            .bridge = from->bridge == NULL ? SPAN_NONE : span_from_text(from->bridge),
            .own_federation = span_from_text(config->bridge.federation),
            .own_bridge = span_from_text(config->bridge.name),
            .keepalive_ns = config->keepalive_ns,
            .frame_size_max = (uint32_t)from->frame_size_max,
            .dial_timeout_ns = config->dial_timeout_ns,
            .greeting_timeout_ns = CONFIG_BRIDGE_GREETING_NS,
            .retry = { .base_ns = config->retry.base_ns,
                .cap_ns = config->retry.cap_ns,
                .stable_ns = config->retry.stable_ns },
            .resume_window_ns = config->resume_window_ns,
            .resume_buffer_size = (size_t)config->resume_buffer_size,
            .boot = boot },
    };
    return link->probes != NULL && describe_addresses(config, from, &link->session);
}

bool
config_bridge_link_port(const struct config_bridge *config, struct runtime_link_port *port)
{
    struct runtime_link_peer *peers =
        yaml_doc_take(config->doc, (config->link_count + 1) * sizeof(*peers));
    for (size_t i = 0; peers != NULL && i < config->link_count; i++) {
        peers[i] = (struct runtime_link_peer){
            .federation = span_from_text(config->links[i].federation),
            .frame_size_max = (size_t)config->links[i].frame_size_max,
        };
    }
    *port = (struct runtime_link_port){
        .address = config->link_listen.port == 0 ? NULL : config->link_listen.host,
        .port = config->link_listen.port,
        .handshake_rate = config->link_handshakes.rate,
        .handshake_burst = config->link_handshakes.burst,
        .peers = peers,
        .peer_count = config->link_count,
        .patient_frames = LINK_FRAMES_PATIENT,
    };
    return peers != NULL;
}

bool
config_bridge_engine(
    const struct config_bridge *config, uint64_t boot, struct bridge_config *engine)
{
    static const struct span capabilities[] = {
        { (const uint8_t *)"rpc", 3 },
        { (const uint8_t *)BRIDGE_CAPABILITY, sizeof(BRIDGE_CAPABILITY) - 1 },
    };
    struct bridge_link_config *links =
        yaml_doc_take(config->doc, (config->link_count + 1) * sizeof(*links));
    *engine = (struct bridge_config){
        .name = span_from_text(config->bridge.name),
        .federation = span_from_text(config->bridge.federation),
        .links = links,
        .link_count = (uint32_t)config->link_count,
        .memory_max = config->memory_max,
        .stale_time_ns = config->stale_time_ns,
        .link_damping = config_damping_describe(&config->damping.links),
        .function_damping = config_damping_describe(&config->damping.functions),
        .hold_down_ns = config->hold_down_ns,
        .advertisement_interval_ns = config->advertisement_interval_ns,
    };
    if (links == NULL || !config_cluster_member(&config->cluster, config->doc, &engine->member)) {
        return false;
    }
    engine->call_timeout_ns = engine->member.call_timeout_ns;
    engine->member.capabilities = (struct text_list){ capabilities, COUNT_OF(capabilities) };
    /* Federations meet on the link, never in the cluster (core/isolation.h). */
    engine->member.isolation = (struct isolation_rules){ .mode = ISOLATION_STRICT,
        .cluster_id = engine->member.cluster_id };
    for (size_t i = 0; i < config->link_count; i++) {
        if (!describe_link(config, i, boot, &links[i])) {
            return false;
        }
    }
    return true;
}

struct tls_settings
config_bridge_tls_settings(const struct config_bridge *config)
{
    CHECK(config->tls.yaml != NULL);
    return (struct tls_settings){
        .cert_file = config->tls.cert_file,
        .key_file = config->tls.key_file,
        .ca_file = config->tls.ca_file,
        .crl_file = config->tls.crl_file,
        .identity = config->tls.identity,
        .federation = config->bridge.federation,
        .bridge = config->bridge.name,
    };
}
