/* SPDX-License-Identifier: Apache-2.0 */
/* sim_judge.h - a bridge's RIB, judged again by the naive rule. */
#ifndef TESTS_SIM_SIM_JUDGE_H
#define TESTS_SIM_SIM_JUDGE_H

#include "tests/sim/sim_world.h"

/*
 * What it exports, lets in and offers is what its policies say; while they are being replaced, each verdict is
 * that of the old or of the new one.
 */
void sim_judge_bridge(struct sim_world *world, const struct sim_host *host);

/*
 * A comparison has just ended: its counts are right, and so is what the guard made of them. Worlds in which tables
 * may have changed meanwhile are passed over.
 */
void sim_judge_comparison(struct sim_world *world, const struct sim_host *host);

#endif
