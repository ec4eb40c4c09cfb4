/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_rules.h - a policy as it is evaluated: policy.c compiles it, policy_index.c finds the rules that
 * could match, policy_evaluate.c judges by them.
 *
 * Private to those files. Everything here lives in the policy's arena, which is one block, and never changes.
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

/* The conditions of a rule but those on name and id. */
struct policy_conditions {
    struct version_constraint version; /* count 0: every version */
    struct policy_set_match tags;
    struct policy_set_match resources;
    struct text_list scopes;
    struct text_list origins;
    struct text_list path_includes;
    struct text_list path_excludes;
    uint32_t hops_max; /* UINT32_MAX: no condition */
    struct wall valid_from;
    struct wall valid_until;
};

/* The rewrites of an accepted advertisement. */
struct policy_rewrites {
    /* part_count 0: kept as it is. */
    struct pattern_template function;
    struct pattern_template function_id;
    struct span scope; /* empty: kept */
    struct text_list add_tags;
    struct text_list remove_tags;
    const struct policy_rename *rename_resources;
    uint32_t rename_resource_count;
    bool has_cost;
    bool has_preference;
    uint32_t cost;
    uint32_t preference;
    uint64_t ttl_ns; /* UINT64_MAX: kept */
};

/* Small, and its patterns lie right behind it: with thousands of rules, each line of memory is felt. */
struct policy_rule {
    struct policy_patterns functions;
    struct policy_patterns function_ids;
    const struct policy_conditions *more;   /* NULL: no other */
    const struct policy_rewrites *rewrites; /* never NULL */
    struct span id;
    struct span reason;
    const struct policy_call_limits *limits; /* NULL: none */
    enum policy_action action;
    bool transit;
    bool merge;
    uint32_t retries;
};

/* What a key is a text of. */
enum policy_key_kind {
    POLICY_KEY_NAME = 0,
    POLICY_KEY_NAME_PREFIX,
    POLICY_KEY_NAME_SUFFIX,
    POLICY_KEY_ID,
    POLICY_KEY_ID_PREFIX,
    POLICY_KEY_ID_SUFFIX,
    POLICY_KEY_TAG,
    POLICY_KEY_RESOURCE,
    POLICY_KEY_SCOPE,
    POLICY_KEY_ORIGIN,
    POLICY_KEY_PATH,
};

/* One place of the table. */
struct policy_index_slot {
    uint32_t hash; /* of the key; 0: free */
    uint32_t
        rules; /* POLICY_INDEX_ONE and the number of the only rule, or where in `lists` its rules are */
};

#define POLICY_INDEX_ONE (UINT32_C(1) << 31)

/* The sizes that the literals at one end of the patterns have: no other is looked up. */
struct policy_index_sizes {
    uint64_t bits[PATTERN_SIZE_MAX / 64 + 1];
    uint32_t largest; /* 0: none */
};

struct policy_index {
    const struct policy_index_slot *slots; /* open addressing; at least half of them are free */
    uint32_t slot_mask;
    uint32_t filter_mask;
    const uint64_t *
        filter; /* bits; one is set for each key. Small enough to stay at hand when slots are not */
    uint32_t kinds;        /* bits by enum policy_key_kind: those of which there are keys */
    const uint32_t *lists; /* each a count, then so many rules in ascending order */
    const uint32_t *rest;  /* likewise: the rules without a key */
    struct policy_index_sizes name_prefixes;
    struct policy_index_sizes name_suffixes;
    struct policy_index_sizes id_prefixes;
    struct policy_index_sizes id_suffixes;
};

struct policy_rules {
    struct policy_rule **items;
    uint32_t count;
    struct policy_index index;
};

struct policy {
    struct arena arena; /* holds all of it but this struct */
    uint32_t holders;
    struct span name;
    struct policy_rules rules[2]; /* by enum policy_direction */
    bool passes_through;
    struct policy_import_limits import_limits;
    enum policy_overlap overlap;
    enum policy_report report;
    uint32_t withdraw_max_percent;
    const struct wall *changes; /* when a rule begins or ceases to be valid, in no order */
    uint32_t change_count;
};

#endif
