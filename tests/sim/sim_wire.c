/* SPDX-License-Identifier: Apache-2.0 */
/* sim_wire.c - calls and replies on the wire. */
#include "tests/sim/sim_wire.h"

#define HEAD_SIZE  8
#define TYPE_CALL  6
#define TYPE_REPLY 7

static uint64_t
read_number(struct span bytes, size_t at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes.data[at + i];
    }
    return number;
}

static bool
is_set(const uint64_t *bits, uint64_t at)
{
    return (bits[at / 64] >> at % 64 & 1) != 0;
}

static void
set(uint64_t *bits, uint64_t at)
{
    bits[at / 64] |= UINT64_C(1) << at % 64;
}

void
sim_wire_sent(struct sim_world *world, struct sim_stream *stream, uint32_t to, struct span frame)
{
    CHECK(frame.size >= HEAD_SIZE);
    uint8_t type = frame.data[4];
    if (type != TYPE_CALL && type != TYPE_REPLY) {
        return;
    }
    uint64_t call = read_number(frame, HEAD_SIZE, 8);
    uint32_t caller = type == TYPE_CALL ? 1 - to : to;
    CHECK(call < SIM_WIRE_CALLS_MAX);
    bool asked = is_set(stream->asked[caller], call);
    bool replied = is_set(stream->replied[caller], call);
    if (type == TYPE_CALL) {
        set(stream->asked[caller], call);
    } else {
        set(stream->replied[caller], call);
    }
    if (type == TYPE_CALL ? asked : !asked || replied) {
        sim_world_fail(world, "on the link of %s and %s, call %llu %s",
            world->hosts[stream->ends[0].host].name, world->hosts[stream->ends[1].host].name,
            (unsigned long long)call,
            type == TYPE_CALL ? "has a number that another one had"
            : asked           ? "gets a second reply"
                              : "gets a reply, and nobody made it");
    }
}
