/* SPDX-License-Identifier: Apache-2.0 */
/* sim_damping.h - what may be held back because it flaps, for how long, and what is preferred meanwhile. */
#ifndef TESTS_SIM_SIM_DAMPING_H
#define TESTS_SIM_SIM_DAMPING_H

#include "tests/sim/sim_world.h"

/* At any time: a link is damped, or a function held back, only as its bridge is configured, and not for too long. */
void sim_damping_judge(struct sim_world *world, const struct sim_host *host, uint32_t link);

/* sim_world_patience() after nothing flaps any more: nothing is. */
void sim_damping_check_over(struct sim_world *world);

#endif
