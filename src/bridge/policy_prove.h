/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove.h - does a policy keep a promise for every advertisement that there can be? Without data: by reasoning
 * on patterns and sets (docs/policy.md, "Asserts").
 *
 * The search keeps demands on each part of an advertisement apart (name, id, version, tags, resources, scope,
 * origin and path, time) and one example of each part that meets them. The example is judged by policy_evaluate(); if a rule
 * that is not wanted takes it, each way not to match that rule is one more demand, and the search goes on with each of them in
 * turn. It ends when an example breaks the promise, or when the demands contradict each other everywhere.
 *
 * What is said to hold does hold, and every example was judged before it is shown. Where a budget ends or a template is too
 * crooked to follow, it says so.
 */
#ifndef BRIDGE_POLICY_PROVE_H
#define BRIDGE_POLICY_PROVE_H

#include "bridge/policy.h"

/* Examples that are judged for one promise. */
#define POLICY_PROVE_STEPS_MAX 200000u

/* Demands that were chosen among several, one within the other. */
#define POLICY_PROVE_DEPTH_MAX 100u

/* Names that are passed over, one by one, because they come to nothing: an empty name made of them, for instance. */
#define POLICY_PROVE_NAMES_MAX 16u

enum policy_claim {
    POLICY_NEVER = 0, /* nothing that the question asks about is accepted */
    /*
     * All of it is accepted by the rule that decides; limits of names and lists do not count. Of an export it is about
     * what our own cluster serves, unless the question asks about origin or path.
     */
    POLICY_ALWAYS,
    POLICY_ONLY, /* what is exported reaches only these federations */
};

/* Advertisements, by what they are and by what they become. */
struct policy_query {
    struct policy_rule_source match; /* its conditions; all else in it is ignored */
    struct text_list except;         /* patterns of names that do not count */
    /* POLICY_NEVER: patterns of the name that it gets, and of such names that do not count. Empty: any. */
    struct text_list as_functions;
    struct text_list as_except;
};

struct policy_assert {
    enum policy_claim claim;
    enum policy_direction direction; /* POLICY_ONLY: export */
    struct policy_query query;       /* not POLICY_ONLY */
    struct text_list federations;    /* POLICY_ONLY */
};

/* Where the policy stands. Of an export, paths end with `own`; of an import, with one of `far`, and without `own`. */
struct policy_border {
    struct span own;      /* empty: it may be any */
    struct text_list far; /* none: likewise */
    struct wall since;    /* times before do not count */
};

enum prove_result {
    PROVE_HOLDS = 0,
    PROVE_BROKEN,    /* an example breaks it */
    PROVE_UNDECIDED, /* none was found, but there may be one */
};

enum prove_doubt {
    PROVE_SURE = 0,
    PROVE_TOO_MANY_STEPS,
    PROVE_TOO_DEEP,
    PROVE_TOO_MANY_NAMES,
    PROVE_HARD_PATTERNS,
    PROVE_HARD_TEMPLATE,
    PROVE_LONG_NAME,
    PROVE_LONG_LIST,
    PROVE_NO_MEMORY,
};

struct policy_proof {
    enum prove_result result;
    enum prove_doubt doubt; /* PROVE_UNDECIDED: the first */
    /* PROVE_BROKEN: the example, and who decides on it. */
    struct advertisement in;
    struct wall at;
    bool
        path_matters; /* the question is about origin or path, or without them another rule would decide */
    enum policy_action action;
    uint32_t rule;       /* POLICY_NO_RULE: the default */
    struct span rule_id; /* lives as long as the policy */
    struct span becomes; /* the name that an accepted one gets */
    struct span reaches; /* POLICY_ONLY: the federation that it must not reach */
    struct text_list
        through; /* likewise: those that pass it on to there; one policy alone knows of none */
};

/*
 * The query's texts must be such as policy_create() takes. What is in *proof lives as long as `arena` and the policy; other memory
 * is taken from its account and given back.
 */
void policy_prove(const struct policy *policy, const struct policy_assert *assert,
    const struct policy_border *border, struct arena *arena, struct policy_proof *proof);

const char *policy_claim_name(enum policy_claim claim);
const char *prove_result_name(enum prove_result result);

/* For people: "a rename cannot be followed". */
const char *prove_doubt_text(enum prove_doubt doubt);

#endif
