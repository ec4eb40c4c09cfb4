/* SPDX-License-Identifier: Apache-2.0 */
/* sim_reports.h - what the two ends of a link tell each other of what became of their functions. */
#ifndef TESTS_SIM_SIM_REPORTS_H
#define TESTS_SIM_SIM_REPORTS_H

#include "tests/sim/sim_world.h"

/* In the end: what each end was told is what the other one has made of it. */
void sim_reports_check(struct sim_world *world);

#endif
