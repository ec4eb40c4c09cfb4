/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_decide.h - which of several imports serves a name: a flat, numbered, total order.
 *
 *   1  higher preference
 *   2  shorter path
 *   3  lower cost
 *   4  smaller link index (the order of the configuration)
 *   5  smaller route id: a tie beyond this is impossible
 */
#ifndef BRIDGE_RIB_DECIDE_H
#define BRIDGE_RIB_DECIDE_H

#include "bridge/rib.h"

/* The number of the step that decided; *a_wins tells for whom. 0: a and b are the same import. */
uint32_t rib_decide(const struct rib_import *a, const struct rib_import *b, bool *a_wins);

#endif
