/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_keys.h - a policy file as it is written: what policy_yaml.c makes a policy of.
 *
 * Private to policy_yaml*.c. A value that was refused is as if it were not there; that it was can be
 * seen with yaml_find().
 */
#ifndef HOST_POLICY_YAML_KEYS_H
#define HOST_POLICY_YAML_KEYS_H

#include "bridge/policy_prove.h"
#include "host/yaml_read.h"

struct policy_yaml_texts {
    const char *const *items;
    size_t count;
};

struct policy_yaml_set {
    const struct yaml_node *yaml;
    struct policy_yaml_texts all;
    struct policy_yaml_texts any;
    struct policy_yaml_texts none;
};

struct policy_yaml_path {
    const struct yaml_node *yaml;
    uint32_t max_hops;
    struct policy_yaml_texts includes;
    struct policy_yaml_texts excludes;
};

struct policy_yaml_match {
    const struct yaml_node *yaml;
    struct policy_yaml_texts functions;
    struct policy_yaml_texts function_ids;
    const char *version;
    struct policy_yaml_set tags;
    struct policy_yaml_set resources;
    struct policy_yaml_texts scopes;
    struct policy_yaml_texts origins;
    struct policy_yaml_path path;
};

struct policy_yaml_tags {
    const struct yaml_node *yaml;
    struct policy_yaml_texts add;
    struct policy_yaml_texts remove;
};

struct policy_yaml_resources {
    const struct yaml_node *yaml;
    const struct yaml_pair *renames;
    size_t rename_count;
};

struct policy_yaml_rewrite {
    const struct yaml_node *yaml;
    const char *function;
    const char *function_id;
    struct policy_yaml_tags tags;
    struct policy_yaml_resources resources;
    const char *scope;
    uint32_t cost;
    uint32_t preference;
    uint64_t ttl_ns;
};

struct policy_yaml_valid {
    const struct yaml_node *yaml;
    struct wall from;
    struct wall until;
};

/* Of calls. */
struct policy_yaml_limits {
    const struct yaml_node *yaml;
    struct value_rate rate;
    uint64_t burst;
    uint64_t in_flight;
    uint64_t timeout_ns;
    uint64_t args_size;
    uint64_t result_size;
};

enum policy_yaml_action {
    POLICY_YAML_UNKNOWN = 0, /* missing or refused, which is reported */
    POLICY_YAML_ACCEPT,
    POLICY_YAML_REJECT,
};

/* Whether a call goes over another link when its own one breaks. */
enum policy_yaml_retry_on {
    POLICY_YAML_RETRY_LINK_DOWN = 0,
};

struct policy_yaml_retry {
    const struct yaml_node *yaml;
    enum policy_yaml_retry_on on;
    uint64_t max;
};

struct policy_yaml_rule {
    const struct yaml_node *yaml;
    const char *id;
    struct policy_yaml_match match;
    struct policy_yaml_valid valid;
    bool transit;
    struct policy_yaml_rewrite set;
    bool merge;
    struct policy_yaml_limits limits;
    struct policy_yaml_retry retry;
    enum policy_yaml_action action;
    const char *reason;
};

struct policy_yaml_table_limit {
    const struct yaml_node *yaml;
    uint64_t max;
    enum policy_limit_action action;
};

struct policy_yaml_update_limit {
    const struct yaml_node *yaml;
    struct value_rate rate;
    uint64_t burst;
};

/* Of what comes in. */
struct policy_yaml_import_limits {
    const struct yaml_node *yaml;
    struct policy_yaml_table_limit table[POLICY_LIMIT_KIND_COUNT];
    struct policy_yaml_update_limit updates;
    uint64_t name_size;
};

struct policy_yaml_side {
    const struct yaml_node *yaml;
    struct policy_yaml_import_limits limits; /* of import, as `overlap` and `report` */
    enum policy_overlap overlap;
    enum policy_report report;
    struct policy_yaml_rule *rules;
    size_t rule_count;
};

/* The function that a test asks about. */
struct policy_yaml_question {
    const struct yaml_node *yaml; /* NULL: the test does not ask in this direction */
    const char *function;
    const char *function_id;
    const char *version;
    struct policy_yaml_texts tags;
    struct policy_yaml_texts resources;
    const char *scope;
    const char *origin;
    struct policy_yaml_texts path;
    struct wall at;
};

struct policy_yaml_expect {
    const struct yaml_node *yaml;
    enum policy_yaml_action action;
    const char *rule;
    const char *reason;
    const char *function;
    const char *function_id;
    struct policy_yaml_texts tags;
    struct policy_yaml_texts resources;
    const char *scope;
    uint32_t cost;
    uint32_t preference;
    uint64_t ttl_ns;
};

struct policy_yaml_test {
    const struct yaml_node *yaml;
    const char *name;
    struct policy_yaml_question questions[2]; /* by enum policy_direction */
    struct policy_yaml_expect expect;
};

struct policy_yaml_guard {
    const struct yaml_node *yaml;
    uint32_t withdraw_max_percent;
};

struct policy_yaml_as {
    const struct yaml_node *yaml;
    struct policy_yaml_texts functions;
    struct policy_yaml_texts except;
};

/* What an assert is about. */
struct policy_yaml_query {
    const struct yaml_node *yaml;   /* NULL: it is not about this direction */
    struct policy_yaml_match match; /* its own `yaml` is not set */
    struct policy_yaml_texts except;
    struct policy_yaml_as as;
};

struct policy_yaml_claim {
    const struct yaml_node *yaml;
    struct policy_yaml_query queries[2]; /* by enum policy_direction */
};

struct policy_yaml_assert {
    const struct yaml_node *yaml;
    const char *name;
    struct policy_yaml_claim claims[POLICY_ALWAYS + 1]; /* by enum policy_claim */
    struct policy_yaml_texts only;
};

struct policy_yaml_file {
    const struct yaml_node *yaml;
    const char *name;
    const char *federation;
    struct policy_yaml_texts links;
    const struct yaml_pair *link_federations;
    size_t link_federation_count;
    struct policy_yaml_guard guard;
    struct policy_yaml_texts includes;
    const struct yaml_node *define;
    struct policy_yaml_side sides[2]; /* by enum policy_direction */
    struct policy_yaml_test *tests;
    size_t test_count;
    struct policy_yaml_assert *asserts;
    size_t assert_count;
};

/* Fills a struct policy_yaml_file. */
extern const struct yaml_shape policy_yaml_file_shape;
/* The same, from a file that another one includes. */
extern const struct yaml_shape policy_yaml_included_shape;
/* Fills a struct policy_yaml_assert. */
extern const struct yaml_shape policy_yaml_assert_shape;
/* Of all keys only `include`. */
extern const struct yaml_shape policy_yaml_includes_shape;

#endif
