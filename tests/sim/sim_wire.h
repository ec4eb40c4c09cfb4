/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_wire.h - who listens on the links: calls and their replies, read as docs/link-protocol.md writes them, without the
 * engine's codec.
 */
#ifndef TESTS_SIM_SIM_WIRE_H
#define TESTS_SIM_SIM_WIRE_H

#include "tests/sim/sim_world.h"

/*
 * A frame was sent to end `to` of a link: each call has a number of its own and gets one reply at most, no way leads
 * in a circle, and no call gets more time than the rules give it.
 */
void sim_wire_sent(
    struct sim_world *world, struct sim_stream *stream, uint32_t to, struct span frame);

#endif
