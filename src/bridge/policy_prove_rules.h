/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_rules.h - the conditions of a rule as demands, and the ways not to fulfil them.
 *
 * Private to policy_prove*.c.
 */
#ifndef BRIDGE_POLICY_PROVE_RULES_H
#define BRIDGE_POLICY_PROVE_RULES_H

#include "bridge/policy_prove_parts.h"

/* All conditions but those on name and id, solved. */
MUST_CHECK enum prove_fit prove_fulfil(
    struct prover *prover, struct prove_case *proven, const struct policy_rule *rule);

/* One pattern of a rule's name or id, when the first that matches is that one. Not solved. false: as prove_demand(). */
MUST_CHECK bool prove_match(struct prover *prover, struct prove_case *proven, enum prove_part part,
    const struct policy_patterns *patterns, uint32_t index);

/* The ways in which a rule does not match, each one demand. They live in the prover's arena. */
struct prove_escapes {
    const struct prove_demand *items;
    uint32_t count;
};

/* false: as prove_demand(). */
MUST_CHECK bool prove_escapes_of(
    struct prover *prover, const struct policy_rule *rule, struct prove_escapes *escapes);

#endif
