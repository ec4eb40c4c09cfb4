/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_view.h - what steps made of an advertisement, and demands taken back through that.
 *
 * Private to policy_prove*.c and policy_network.c.
 */
#ifndef BRIDGE_POLICY_PROVE_VIEW_H
#define BRIDGE_POLICY_PROVE_VIEW_H

#include "bridge/policy_prove_parts.h"

/*
 * Demand something of what step `view` sees (the number of steps: of what comes out). Not solved.
 *
 * PROVE_MET: it is demanded, or is so anyway. Where a rename cannot be followed it may not be so all the same.
 */
MUST_CHECK enum prove_fit prove_require(struct prover *prover, struct prove_case *proven,
    uint32_t view, const struct prove_demand *demand);

/* The patterns of a rule at these places are the first that match the name and the id at first; as prove_require(). */
MUST_CHECK enum prove_fit prove_match(struct prover *prover, struct prove_case *proven,
    const struct policy_rule *rule, const uint32_t places[2]);

/*
 * The rule that a step is to accept by, when the patterns at these places are the first to match; both may be 0 when the rule
 * has none. What comes out of it is the next view.
 *
 * PROVE_CONTRADICTION: it cannot match the name.
 */
MUST_CHECK enum prove_fit prove_accept(struct prover *prover, struct prove_case *proven,
    const struct policy_rule *rule, const uint32_t places[2]);

/* Patterns to choose among; one, for a condition that is not there. */
uint32_t prove_choices(const struct policy_patterns *patterns);

bool prove_some_match(const struct policy_patterns *patterns, struct span name);

/* A name or an id is lost on the way: it cannot be followed from there on. */
bool prove_is_lost(const struct prove_case *proven);

#endif
