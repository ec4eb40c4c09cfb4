/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_test.h - the tests in a policy file: a function, and what must become of it (docs/policy.md).
 *
 * Running them needs nothing but the policy, and changes nothing. A rule is covered when it decided at least
 * one of the tests, passed or failed.
 */
#ifndef HOST_POLICY_TEST_H
#define HOST_POLICY_TEST_H

#include "bridge/policy.h"
#include "host/yaml_errors.h"

/* What must hold; the rest may be as it likes. Empty texts expect nothing. */
struct policy_test_expectation {
    bool has_action;
    enum policy_action action;
    struct span rule;   /* the id of the one that decides, perhaps "default" */
    struct span reason; /* of a reject */
    /* Of what is accepted, as it leaves the policy. Lists are compared as sets. */
    struct span function;
    struct span function_id;
    bool has_tags;
    struct text_list tags;
    bool has_resources;
    struct text_list resources;
    struct span scope;
    bool has_cost;
    uint32_t cost;
    bool has_preference;
    uint32_t preference;
    uint64_t ttl_ns; /* 0: expects nothing */
};

struct policy_test {
    struct span name;
    struct yaml_place place;
    enum policy_direction direction;
    struct advertisement in;
    bool has_at; /* else it is asked about the time when it is run */
    struct wall at;
    struct policy_test_expectation expect;
};

/* One expectation that did not hold. */
struct policy_test_mismatch {
    const char *key; /* as in the file: "function" */
    struct span want;
    struct span got;
};

#define POLICY_TEST_EXPECTATIONS_MAX 11

struct policy_test_outcome {
    enum policy_action action;
    uint32_t rule; /* the one that decided; POLICY_NO_RULE: the default */
    struct policy_test_mismatch mismatches[POLICY_TEST_EXPECTATIONS_MAX];
    uint32_t mismatch_count; /* 0: passed */
};

/*
 * A function of which only the name is known: its id is its name, version 1.0.0, scope zone, no tags and
 * resources, of no federation, cost 0, preference 100, and a lifetime that no rule leaves as long as it is.
 */
struct advertisement policy_test_advertisement(struct span function);

/*
 * Origin and path say the same at the path's beginning: what is given of them gives the other. *slot becomes the
 * path when there is only an origin, and must live as long as the advertisement.
 *
 * false: both are given, and the path does not begin with the origin.
 */
MUST_CHECK bool policy_test_complete_path(struct advertisement *advertisement, struct span *slot);

/*
 * Run one test; `now` is what it asks about unless it says another time. Texts in *outcome live as long as the arena, the policy and the test.
 *
 * false: no memory in the arena.
 */
MUST_CHECK bool policy_test_run(const struct policy *policy, const struct policy_test *test,
    struct wall now, struct arena *arena, struct policy_test_outcome *outcome);

#endif
