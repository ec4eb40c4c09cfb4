/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_rules.h - a policy as it is evaluated: policy.c compiles it, policy_evaluate.c reads it.
 *
 * Private to those two files. Everything here lives in the policy's arena and never changes.
 */
#ifndef BRIDGE_POLICY_RULES_H
#define BRIDGE_POLICY_RULES_H

#include "bridge/pattern.h"
#include "bridge/policy.h"

/* The id of the rule that is in every policy, behind all others: it denies. */
#define POLICY_DEFAULT_ID "default"

struct policy_patterns {
    const struct pattern *items;
    uint32_t count; /* 0: no condition */
};

struct policy_rule {
    struct span id;
    struct policy_patterns functions;
    struct policy_patterns function_ids;
    struct version_constraint version; /* count 0: every version */
    struct policy_set_match tags;
    struct policy_set_match resources;
    struct text_list scopes;
    struct text_list origins;
    uint32_t hops_max; /* UINT32_MAX: no condition */
    struct text_list path_includes;
    struct text_list path_excludes;
    /* part_count 0: kept as it is. */
    struct pattern_template set_function;
    struct pattern_template set_function_id;
    struct text_list add_tags;
    struct text_list remove_tags;
    const struct policy_rename *rename_resources;
    uint32_t rename_resource_count;
    bool has_cost;
    uint32_t cost;
    bool has_preference;
    uint32_t preference;
    uint64_t ttl_ns; /* UINT64_MAX: kept */
    enum policy_action action;
    struct span reason;
};

struct policy_rules {
    struct policy_rule *items;
    uint32_t count;
};

struct policy {
    struct arena arena; /* holds all of it but this struct */
    struct span name;
    struct policy_rules rules[2]; /* by enum policy_direction */
};

#endif
