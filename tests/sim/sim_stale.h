/* SPDX-License-Identifier: Apache-2.0 */
/* sim_stale.h - what is kept over a break, for how long, and whether both ends of a link mean the same table. */
#ifndef TESTS_SIM_SIM_STALE_H
#define TESTS_SIM_SIM_STALE_H

#include "tests/sim/sim_world.h"

/* At any time. Streams lose nothing, so no table may ever differ from what its far side means. */
void sim_stale_judge(struct sim_world *world, const struct sim_host *host, uint32_t link);

#endif
