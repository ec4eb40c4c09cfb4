/* SPDX-License-Identifier: Apache-2.0 */
/* sim_rest.h - in the end, when nothing happens any more: what must be over, and what must stay as it is. */
#ifndef TESTS_SIM_SIM_REST_H
#define TESTS_SIM_SIM_REST_H

#include "tests/sim/sim_world.h"

/* No link and no rule has a call under way that nobody waits for. Time passes until none but probes can have one. */
void sim_rest_check_calls(struct sim_world *world);

/* Nothing comes or goes: whatever bridges tell each other, they have come to an end with it. Some time passes. */
void sim_rest_check_changes(struct sim_world *world);

/* What is passed on says that it is doubted where a link on its way is, and nowhere else. Some time passes. */
void sim_rest_check_doubts(struct sim_world *world);

#endif
