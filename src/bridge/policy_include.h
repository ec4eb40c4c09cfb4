/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_include.h - what the rules of a policy have to do with each other: is one hidden by another, can two of
 * them make one name of two?
 *
 * Everything that is claimed is sure; what cannot be decided is not claimed. Names are compared
 * exactly (pattern_include.h), the other conditions one by one, each with the same condition of the other rule.
 */
#ifndef BRIDGE_POLICY_INCLUDE_H
#define BRIDGE_POLICY_INCLUDE_H

#include "bridge/pattern.h"
#include "bridge/policy.h"

/* A rule with its texts compiled. Where it has no condition on names, the pattern is a double star. */
struct policy_rule_view {
    const struct policy_rule_source *source;
    bool
        takes_transit; /* also what our own cluster does not serve; see policy_rule_source.transit */
    const struct pattern *functions;
    uint32_t function_count;
    const struct pattern *function_ids;
    uint32_t function_id_count;
    struct version_constraint version;
    struct span sample_name; /* a name that it matches, and an id: what hides it matches them too */
    struct span sample_id;
    struct pattern_template set_function; /* part_count 0: the name is kept */
};

/* Prepare a rule of a source that policy_create() accepted. *view borrows from it, and lives as long as the
 * arena. false: no memory. */
MUST_CHECK bool policy_rule_view_init(const struct policy_rule_source *source,
    enum policy_direction direction, struct arena *arena, struct policy_rule_view *view);

/* It asks for nothing but perhaps the function's name. */
bool policy_rule_is_unconditional(const struct policy_rule_view *view);

/* Nothing gets past the rule: it has no condition, but perhaps a pattern that is a double star. */
bool policy_rule_is_catch_all(const struct policy_rule_view *view);

/* true: whatever `later` matches, `earlier` matches; both are of one direction. `scratch` may be reset by the caller afterwards. */
bool policy_rule_includes(const struct policy_rule_view *earlier,
    const struct policy_rule_view *later, struct arena *scratch);

/* The key of a condition that nothing can fulfil, as "version" or "tags"; NULL: there is none to be seen. */
const char *policy_rule_contradiction(const struct policy_rule_view *view);

struct policy_collision {
    struct span name;    /* what both become */
    struct span from[2]; /* two different functions */
    bool
        looked_closely; /* a search was made; else a glance at the templates' ends was enough. Always set */
};

/*
 * true: the first rule makes of a function that its pattern `first_pattern` matches the same name as the second
 * of another function by `second_pattern`. They may be the same rule and the same pattern. Both rules rename. *collision lives in `scratch`.
 */
bool policy_rules_collide(const struct policy_rule_view *first, uint32_t first_pattern,
    const struct policy_rule_view *second, uint32_t second_pattern, struct arena *scratch,
    struct policy_collision *collision);

#endif
