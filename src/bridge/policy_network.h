/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_network.h - the policies of several federations together: what can reach whom, through which transit, and what
 * would come back (docs/policy.md, "Several federations").
 *
 * A border is crossed when the export of one side and the import of the other accept. A chain is several borders in a row; each
 * export but the first needs a rule with transit. Names are followed through the renames. As with asserts
 * (policy_prove.h), what passes is shown by a function that does, which the policies have judged; that nothing passes is proved.
 */
#ifndef BRIDGE_POLICY_NETWORK_H
#define BRIDGE_POLICY_NETWORK_H

#include "bridge/policy_prove.h"

/* Borders in a chain: no function crosses more. */
#define POLICY_NETWORK_HOPS_MAX  ADVERTISEMENT_HOPS_DEFAULT
#define POLICY_NETWORK_STEPS_MAX (2u * POLICY_NETWORK_HOPS_MAX)

/* Patterns of rules that are looked at in a chain, one behind the other, and those that could match by their ends and
 * are tried. */
#define POLICY_NETWORK_LOOKS_MAX UINT64_C(1000000000)
#define POLICY_NETWORK_TRIES_MAX 500000u

/* One policy: whose it is, and where the links lead that it is for. */
struct policy_member {
    struct span federation;
    struct text_list far;
    const struct policy *policy;
};

struct policy_network {
    const struct policy_member *members;
    uint32_t member_count;
    struct wall since; /* times before do not count */
};

/* From the first federation to the last. Members judge in turn: an export, the import behind it, the next export, ... */
struct policy_chain {
    struct span federations[POLICY_NETWORK_HOPS_MAX + 1];
    uint32_t federation_count;
    uint32_t members[POLICY_NETWORK_STEPS_MAX];
    uint32_t step_count; /* an odd count ends with an export, to whomever */
};

enum policy_passing {
    POLICY_PASSES = 0,
    POLICY_PASSES_NOTHING,
    POLICY_PASSES_UNDECIDED,
};

struct policy_passage {
    enum policy_passing passing;
    enum prove_doubt doubt; /* POLICY_PASSES_UNDECIDED */
    /* POLICY_PASSES: a function that does, and at each step who accepts it and what it is called behind. */
    struct advertisement in;
    struct wall at;
    uint32_t rules[POLICY_NETWORK_STEPS_MAX];
    struct span rule_ids[POLICY_NETWORK_STEPS_MAX]; /* live as long as the policies */
    struct span names[POLICY_NETWORK_STEPS_MAX];
};

/* What is in *passage lives as long as `arena`. Other memory is taken from its account and given back. */
void policy_network_prove(const struct policy_network *network, const struct policy_chain *chain,
    struct arena *arena, struct policy_passage *passage);

struct policy_tour {
    const struct policy_network *network;
    struct arena *arena;
    uint32_t first_member; /* POLICY_ANY_MEMBER: all of the federation */
    /*
     * Called for each chain of different federations of which all but the last border can be crossed, the shorter ones first; with
     * `is_loop` for what would come back to a federation that it has passed: loop control stops it, but no policy does.
     */
    void (*visit)(void *host, const struct policy_chain *chain,
        const struct policy_passage *passage, bool is_loop);
    void *host;
};

#define POLICY_ANY_MEMBER UINT32_MAX

/* All chains that begin at a federation. */
void policy_network_tour(const struct policy_tour *tour, struct span federation);

/* Functions of one can come into the cluster of the other directly, as far as links go. */
bool policy_network_has_border(
    const struct policy_network *network, struct span from, struct span to);

/* No member before it is of the same federation. */
bool policy_network_is_first(const struct policy_network *network, uint32_t member);

const char *policy_passing_name(enum policy_passing passing);

#endif
