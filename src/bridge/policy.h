/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what may cross a border, under which name: ordered rules, first match wins, default
 * deny (design.md 4).
 *
 * A policy is compiled once from a plain description (struct policy_source, filled by the YAML
 * loader or by a test) into an immutable thing; evaluating it has no side effect. Several links may
 * share one policy.
 */
#ifndef BRIDGE_POLICY_H
#define BRIDGE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "bridge/advertisement.h"

enum policy_direction {
    POLICY_EXPORT = 0, /* from our cluster to a link */
    POLICY_IMPORT,     /* from a link to our cluster */
};

enum policy_action {
    POLICY_REJECT = 0,
    POLICY_ACCEPT,
};

/* A condition on a set of texts; an empty list is no condition. */
struct policy_set_match {
    struct text_list all;
    struct text_list any;
    struct text_list none;
};

struct policy_rename {
    struct span from;
    struct span to;
};

/* One rule as it was written. Empty texts and lists are absent keys. */
struct policy_rule_source {
    struct span id;
    uint32_t line; /* place in the file, for errors; 0: none */
    uint32_t column;
    struct text_list functions;    /* patterns, one of which must match; empty: any name */
    struct text_list function_ids; /* likewise */
    struct span version;           /* constraint */
    struct policy_set_match tags;
    struct policy_set_match resources;
    struct text_list scopes;
    struct text_list origins;
    bool has_max_hops;
    uint32_t max_hops; /* federations passed so far, at most */
    struct text_list path_includes;
    struct text_list path_excludes;
    /* Rewrites of an accepted advertisement. */
    struct span set_function;    /* template */
    struct span set_function_id; /* template */
    struct text_list add_tags;
    struct text_list remove_tags;
    const struct policy_rename *rename_resources;
    uint32_t rename_resource_count;
    bool has_cost;
    uint32_t cost;
    bool has_preference;
    uint32_t preference;
    uint64_t ttl_ns; /* 0: kept; else the most it may be */
    enum policy_action action;
    struct span reason; /* of a reject, for people */
};

struct policy_source {
    struct span name;
    const struct policy_rule_source *rules[2]; /* by enum policy_direction */
    uint32_t rule_count[2];
};

enum policy_result {
    POLICY_OK = 0,
    POLICY_DUPLICATE_ID,
    POLICY_MISSING_ID,
    POLICY_BAD_PATTERN,
    POLICY_BAD_TEMPLATE,
    POLICY_UNKNOWN_CAPTURE, /* a template uses a capture that not every pattern of the rule has */
    POLICY_BAD_VERSION,
    POLICY_RESERVED_TAG, /* tags under ADVERTISEMENT_TAG_RESERVED are not for policies */
    POLICY_NO_MEMORY,
};

struct policy_fault {
    enum policy_result result;
    enum policy_direction direction;
    uint32_t rule;    /* index of the rule */
    struct span text; /* what was wrong: borrows from the source */
};

struct policy;

/*
 * Compile; copies all it needs into memory of `mem`.
 * NULL: *fault says what and where (the first fault; the loader checks texts before).
 */
MUST_CHECK struct policy *policy_create(
    const struct policy_source *source, struct mem *mem, struct policy_fault *fault);
void policy_free(struct policy *policy);

struct span policy_name(const struct policy *policy);
uint32_t policy_rule_count(const struct policy *policy, enum policy_direction direction);
struct span policy_rule_id(
    const struct policy *policy, enum policy_direction direction, uint32_t rule);

#define POLICY_NO_RULE UINT32_MAX

struct policy_verdict {
    enum policy_action action;
    uint32_t rule;       /* the one that matched; POLICY_NO_RULE: none did, the default denies */
    struct span rule_id; /* "default" when none matched; lives as long as the policy */
    struct span reason;  /* of a reject; lives as long as the policy */
    struct advertisement out; /* POLICY_ACCEPT: rewritten; borrows from the input and the arena */
};

enum policy_evaluation {
    POLICY_EVALUATED = 0,
    POLICY_OUT_OF_MEMORY, /* the arena is full; *verdict is a reject */
    POLICY_NAME_TOO_LONG, /* a template made a name above NAME_SIZE_MAX; *verdict is a reject */
};

/*
 * Judge one advertisement. When the function is renamed and no set_function_id is given, the id
 * becomes the new name, so that name and id stay 1:1 in the receiving cluster (protocol.md 4.2).
 * Tags under ADVERTISEMENT_TAG_RESERVED are dropped on export.
 */
MUST_CHECK enum policy_evaluation policy_evaluate(const struct policy *policy,
    enum policy_direction direction, const struct advertisement *advertisement, struct arena *arena,
    struct policy_verdict *verdict);

const char *policy_result_name(enum policy_result result);

#endif
