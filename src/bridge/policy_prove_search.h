/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_search.h - from one example to the next, until one is judged as wanted.
 *
 * Private to policy_prove*.c and policy_network.c.
 */
#ifndef BRIDGE_POLICY_PROVE_SEARCH_H
#define BRIDGE_POLICY_PROVE_SEARCH_H

#include "bridge/policy_prove_parts.h"

/* What all steps said of an example. What is in the verdicts lives until the scratch memory is reset. */
struct prove_trail {
    struct policy_verdict verdicts[PROVE_STEPS_MAX];
    uint32_t count; /* of steps that were asked: the last one rejects, or is the last of all */
};

struct prove_search {
    struct prover *prover;
    /* The verdicts are what is wanted. Called for every example. */
    bool (*is_wanted)(void *host, const struct prove_case *proven, const struct prove_trail *trail);
    void *host;
    bool found;
};

/*
 * The case meets its demands. Search on from there: by demanding that rules before the targets do not match, where they
 * do. What is wanted is looked for until it is found or there is nothing left; prover->doubt is set where it could not be looked.
 */
void prove_search(struct prove_search *search, struct prove_case *proven);

/* Judge the case's example by all steps. false: no memory, and there is doubt. */
MUST_CHECK bool prove_judge(
    struct prover *prover, const struct prove_case *proven, struct prove_trail *trail);

#endif
