/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_reload.h - operators who change the policies of bridges that run, and what must come of it.
 *
 * The model knows from what was asked, not from the engine, which policies may be in use: those of before until
 * all was compared, all of the new ones at once after that, those of before again when nobody confirmed. It
 * looks at each step of a bridge, and keeps the account that the oracle judges by (sim_host.uses).
 */
#ifndef TESTS_SIM_SIM_RELOAD_H
#define TESTS_SIM_SIM_RELOAD_H

#include "tests/sim/sim_world.h"

/* One turn of the operators. */
void sim_reload_act(struct sim_world *world);

/* Whatever is under way is brought to an end, then no policy limits what comes in any more. Takes time. */
void sim_reload_settle(struct sim_world *world);

/* By sim_world.c: a bridge has started, has made a step, is dead. */
void sim_reload_started(struct sim_world *world, struct sim_host *host);
void sim_reload_stepped(struct sim_world *world, struct sim_host *host);
void sim_reload_died(struct sim_world *world, struct sim_host *host);

#endif
