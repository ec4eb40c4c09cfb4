/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_explain.h - why a policy judges as it does: the rules tried, and the first condition that failed in
 * each.
 *
 * It goes through the rules as they are written, one by one, and shares nothing with the evaluation of
 * a compiled policy; so it also checks that one. It is as slow as it looks: for people, not for traffic.
 */
#ifndef BRIDGE_POLICY_EXPLAIN_H
#define BRIDGE_POLICY_EXPLAIN_H

#include "bridge/policy.h"

/* In the order in which a rule's conditions are tried. */
enum policy_condition {
    POLICY_CONDITION_NONE = 0, /* none failed: the rule matches */
    POLICY_CONDITION_FUNCTION,
    POLICY_CONDITION_FUNCTION_ID,
    POLICY_CONDITION_VERSION,
    POLICY_CONDITION_TAGS_ALL,
    POLICY_CONDITION_TAGS_ANY,
    POLICY_CONDITION_TAGS_NONE,
    POLICY_CONDITION_RESOURCES_ALL,
    POLICY_CONDITION_RESOURCES_ANY,
    POLICY_CONDITION_RESOURCES_NONE,
    POLICY_CONDITION_SCOPE,
    POLICY_CONDITION_ORIGIN,
    POLICY_CONDITION_PATH_MAX_HOPS,
    POLICY_CONDITION_PATH_INCLUDES,
    POLICY_CONDITION_PATH_EXCLUDES,
    POLICY_CONDITION_TRANSIT, /* it was imported, and this rule accepts only what our cluster serves */
    POLICY_CONDITION_VALID_FROM,
    POLICY_CONDITION_VALID_UNTIL,
};

/* As it is written in a rule: "tags.none". "none" when none failed. */
const char *policy_condition_name(enum policy_condition condition);

/* One rule that was tried. */
struct policy_step {
    uint32_t rule;
    enum policy_condition failed_on;
    /* The item that decided, where it is one: of all and includes the first that is missing, of none and excludes
     * the first that is there. Else empty. Borrows from the source. */
    struct span item;
};

struct policy_explanation {
    enum policy_action action;       /* of the rule that matches: what it makes is not tried */
    uint32_t rule;                   /* POLICY_NO_RULE: none matches, the default denies */
    const struct policy_step *steps; /* in order; the last is the one that matches, if any does */
    uint32_t
        step_count; /* 0 also when the name or the id is no name, which no rule is asked about */
};

/*
 * Go through the rules of a source from which policy_create() made a policy.
 *
 * true: *explanation is filled in, and lives as long as the arena and the source. false: no memory.
 */
MUST_CHECK bool policy_explain(const struct policy_source *source, enum policy_direction direction,
    const struct advertisement *advertisement, struct wall at, struct arena *arena,
    struct policy_explanation *explanation);

#endif
