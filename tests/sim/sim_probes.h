/* SPDX-License-Identifier: Apache-2.0 */
/* sim_probes.h - the bridges' own calls, by which they find out whether a link serves. */
#ifndef TESTS_SIM_SIM_PROBES_H
#define TESTS_SIM_SIM_PROBES_H

#include "tests/sim/sim_world.h"

/* Of some links, in some worlds: a function of the far side, whether policy lets it through or not. */
void sim_probes_draw(struct sim_world *world);

/* A worker was asked for a function. false: not by a probe. Else *succeeds is what shall come of it. */
bool sim_probes_execute(struct sim_world *world, const struct sim_host *host, const char *function,
    const char *args, bool *succeeds);

/* At any time: what a probe has found, and what is thought of its link, agree with its results so far. */
void sim_probes_judge(struct sim_world *world, const struct sim_host *host, uint32_t link);

/* In the end: each has found what is there. */
void sim_probes_check(struct sim_world *world);

/* What each finds is the same every time: no rule refuses it once, and lets it through the next time. */
bool sim_probes_are_steady(const struct sim_world *world);

/* Calls that are never over. */
uint64_t sim_probes_under_way(const struct sim_world *world);

#endif
