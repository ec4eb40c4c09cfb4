/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_shapes.h - a configuration with a key of every type, for the tests of yaml_read.h.
 */
#ifndef TESTS_SUPPORT_YAML_SHAPES_H
#define TESTS_SUPPORT_YAML_SHAPES_H

#include <string.h>

#include "base/instant.h"
#include "host/yaml_read.h"

enum sample_mode {
    SAMPLE_STRICT = 1,
    SAMPLE_BRIDGING,
    SAMPLE_OPEN,
};

static const struct yaml_choice sample_modes[] = {
    { "strict", SAMPLE_STRICT },
    { "bridging", SAMPLE_BRIDGING },
    { "open", SAMPLE_OPEN },
    { NULL, 0 },
};

struct sample_limits {
    const struct yaml_node *yaml;
    struct value_rate rate;
    uint32_t burst;
    uint16_t hops;
    uint64_t calls;
    uint64_t timeout_ns;
    uint64_t size;
    uint32_t share_percent;
    struct wall until;
};

static const struct yaml_key sample_limits_keys[] = {
    YAML_RATE(struct sample_limits, rate, "rate", .fallback = "100/s", .zero = "leave them out"),
    YAML_NUMBER(struct sample_limits, burst, "burst", .min = 1, .max = 1000, .fallback = "10"),
    YAML_NUMBER(struct sample_limits, hops, "hops"),
    YAML_NUMBER(struct sample_limits, calls, "calls", .zero = "leave them out"),
    YAML_DURATION(struct sample_limits, timeout_ns, "timeout", .min = MS_NS, .max = 60 * SEC_NS,
        .fallback = "5s"),
    YAML_SIZE(struct sample_limits, size, "size", .min = 1024),
    YAML_PERCENT(struct sample_limits, share_percent, "share", .fallback = "100%"),
    YAML_TIME(struct sample_limits, until, "until"),
};

static const struct yaml_stray sample_limits_strays[] = {
    { "mode", "it is not of the limits: write it above" },
    { NULL, NULL },
};

static const struct yaml_shape sample_limits_shape =
    YAML_SHAPE(struct sample_limits, sample_limits_keys, "limits", .strays = sample_limits_strays);

struct sample_bridge {
    const struct yaml_node *yaml;
    const char *cluster_id;
    const struct value_url *nodes;
    size_t node_count;
    struct sample_limits limits;
};

static const struct yaml_key sample_bridge_keys[] = {
    YAML_TEXT(struct sample_bridge, cluster_id, "cluster_id", .required = true),
    YAML_URLS(struct sample_bridge, nodes, node_count, "nodes", .min = 1, .max = 2),
    YAML_GROUP(struct sample_bridge, limits, &sample_limits_shape, "limits"),
};

static const struct yaml_shape sample_bridge_shape =
    YAML_SHAPE(struct sample_bridge, sample_bridge_keys, "a bridge");

struct sample {
    const struct yaml_node *yaml;
    const char *cluster_id;
    const char *reason;
    struct value_url listen;
    struct value_address admin;
    bool accept;
    enum sample_mode mode;
    const char *const *tags;
    size_t tag_count;
    const char *const *functions;
    size_t function_count;
    const struct value_address *connect;
    size_t connect_count;
    const struct yaml_pair *rename;
    size_t rename_count;
    struct sample_limits limits;
    struct sample_bridge *bridges;
    size_t bridge_count;
    const struct yaml_node *anything;
};

static inline const char *
sample_check_id(const char *text)
{
    return strchr(text, ' ') == NULL ? NULL : "has a space; use letters, digits and '-'";
}

static const struct yaml_key sample_keys[] = {
    YAML_TEXT(struct sample, cluster_id, "cluster_id", .required = true, .check = sample_check_id),
    YAML_TEXT(struct sample, reason, "reason", .may_be_empty = true, .fallback = "none"),
    YAML_URL(struct sample, listen, "listen", .required = true),
    YAML_ADDRESS(struct sample, admin, "admin", .fallback = "127.0.0.1:9180"),
    YAML_BOOLEAN(struct sample, accept, "accept", .fallback = "true"),
    YAML_CHOICE(struct sample, mode, sample_modes, "mode", .fallback = "strict"),
    YAML_TEXTS(struct sample, tags, tag_count, "tags", .check = sample_check_id),
    YAML_TEXTS(
        struct sample, functions, function_count, "function", .or_one = true, .fallback = "**"),
    YAML_ADDRESSES(struct sample, connect, connect_count, "connect"),
    YAML_PAIRS(struct sample, rename, rename_count, "rename"),
    YAML_GROUP(struct sample, limits, &sample_limits_shape, "limits"),
    YAML_GROUPS(struct sample, bridges, bridge_count, &sample_bridge_shape, "bridges"),
    YAML_NODE(struct sample, anything, "anything"),
};

static const struct yaml_shape sample_shape = YAML_SHAPE(struct sample, sample_keys, "the sample");

#endif
