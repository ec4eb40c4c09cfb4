/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_rules.h - the conditions of a rule as demands, and the ways not to fulfil them.
 *
 * Private to policy_prove*.c and policy_network.c.
 */
#ifndef BRIDGE_POLICY_PROVE_RULES_H
#define BRIDGE_POLICY_PROVE_RULES_H

#include "bridge/policy_prove_parts.h"

/* All conditions but those on name and id, of what a step sees. Not solved. */
MUST_CHECK enum prove_fit prove_fulfil(struct prover *prover, struct prove_case *proven,
    uint32_t view, const struct policy_rule *rule);

/* The ways in which a rule does not match, each one demand on what a step sees. They live in the prover's arena. */
struct prove_escapes {
    const struct prove_demand *items;
    uint32_t count;
};

/* false: no memory, and there is doubt. */
MUST_CHECK bool prove_escapes_of(struct prover *prover, const struct policy_rule *rule,
    enum policy_direction direction, struct prove_escapes *escapes);

#endif
