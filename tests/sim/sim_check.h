/* SPDX-License-Identifier: Apache-2.0 */
/* sim_check.h - checkers of a world, apart from the code that is checked. */
#ifndef TESTS_SIM_SIM_CHECK_H
#define TESTS_SIM_SIM_CHECK_H

#include "tests/sim/sim_world.h"

/* At any time: nothing is visible that policy denies, and no rule has more calls under way than it allows. */
void sim_check_safety(struct sim_world *world);

/* Some time after healing: every link is up. */
void sim_check_links(struct sim_world *world);

/* In the end: each node and bridge sees exactly what the topology and the oracle say. */
void sim_check_tables(struct sim_world *world);

/* Who is connected to whom, for people; after a failure. */
void sim_check_describe(struct sim_world *world);

#endif
