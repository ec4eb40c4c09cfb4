/* SPDX-License-Identifier: Apache-2.0 */
/* sim_wire.c - calls and replies on the wire. */
#include "tests/sim/sim_wire.h"

#include <stdio.h>

/* Offsets from the frame's first byte. */
#define HEAD_SIZE       8
#define TYPE_CALL       6
#define TYPE_REPLY      7
#define CALL_ID_AT      8
#define CALL_TIMEOUT_AT 24
#define CALL_HOPS_AT    28
#define CALL_PASSED_AT  29
#define CALL_PATH_AT    40

/* Without a rule that says less (sim_draw.c). */
#define CALL_TIMEOUT_NS (30 * SEC_NS)

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

/* Each federation once, the sender's as the last, the receiver's not among them. */
static bool
path_is_sound(
    const struct sim_world *world, const struct sim_stream *stream, uint32_t to, struct span frame)
{
    uint32_t sender = world->hosts[stream->ends[1 - to].host].federation;
    uint32_t seen = UINT32_C(1) << world->hosts[stream->ends[to].host].federation;
    uint32_t last = SIM_FEDERATIONS_MAX;
    size_t at = CALL_PATH_AT;
    for (uint64_t left = frame.data[CALL_PASSED_AT]; left > 0; left--) {
        size_t size = (size_t)read_number(frame, at, 2);
        struct span name = span_part(frame, at + 2, size);
        for (last = 0; last < world->federation_count; last++) {
            if (span_is(name, world->federations[last].name)) {
                break;
            }
        }
        if (last == world->federation_count || (seen >> last & 1) != 0) {
            return false;
        }
        seen |= UINT32_C(1) << last;
        at += 2 + size;
    }
    return last == sender && frame.data[CALL_HOPS_AT] > 0;
}

/* The most that an import rule of the sender may give a call, which may come by another link than it began with. */
static uint64_t
timeout_max(const struct sim_world *world, const struct sim_host *host)
{
    uint64_t waited_ns = world->resume_window_ns; /* for the session to go on, at most */
    uint64_t since = world->now_ns > waited_ns ? world->now_ns - waited_ns : 0;
    uint64_t max = 0;
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        for (uint32_t i = 0; i < host->use_count[link]; i++) {
            const struct sim_policy_use *use = &host->uses[link][i];
            uint64_t timeout = use->rules.call_limits[POLICY_IMPORT].timeout_ns;
            timeout = timeout == 0 ? CALL_TIMEOUT_NS : timeout;
            max = use->until >= since && timeout > max ? timeout : max;
        }
    }
    return max;
}

static void
judge_call(struct sim_world *world, const struct sim_stream *stream, uint32_t to, struct span frame,
    bool again)
{
    const struct sim_host *sender = &world->hosts[stream->ends[1 - to].host];
    const struct sim_host *receiver = &world->hosts[stream->ends[to].host];
    uint64_t timeout_ns = read_number(frame, CALL_TIMEOUT_AT, 4) * MS_NS;
    if (!path_is_sound(world, stream, to, frame)) {
        sim_world_fail(world, "%s calls %s by a way that is none", sender->name, receiver->name);
    }
    if (!again && timeout_ns > timeout_max(world, sender)) {
        sim_world_fail(world, "%s gives %s %llu ms for a call, more than its rules do",
            sender->name, receiver->name, (unsigned long long)(timeout_ns / MS_NS));
    }
}

void
sim_wire_sent(struct sim_world *world, struct sim_stream *stream, uint32_t to, struct span frame)
{
    CHECK(frame.size >= HEAD_SIZE);
    uint8_t type = frame.data[4];
    if (type != TYPE_CALL && type != TYPE_REPLY) {
        return;
    }
    uint64_t call = read_number(frame, CALL_ID_AT, 8);
    uint32_t caller = type == TYPE_CALL ? 1 - to : to;
    CHECK(call < SIM_WIRE_CALLS_MAX);
    struct sim_host *host = &world->hosts[stream->ends[caller].host];
    const struct sim_host *other = &world->hosts[stream->ends[1 - caller].host];
    uint64_t *ever = host->asked[sim_world_link_to(host, other)];
    /* A session goes on over other connections, where what did not arrive is sent again. */
    bool resumes = world->resume_window_ns > 0;
    bool lives = stream->ends[caller].life == host->life;
    bool again = is_set(stream->asked[caller], call) || (!resumes && lives && is_set(ever, call));
    bool asked = is_set(stream->asked[caller], call) || (resumes && (!lives || is_set(ever, call)));
    bool replied = is_set(stream->replied[caller], call);
    if (type == TYPE_CALL) {
        set(stream->asked[caller], call);
        judge_call(world, stream, to, frame, is_set(ever, call));
        set(ever, call);
    } else {
        set(stream->replied[caller], call);
    }
    if (type == TYPE_CALL ? again : !asked || replied) {
        sim_world_fail(world, "on the link of %s and %s, call %llu %s",
            world->hosts[stream->ends[0].host].name, world->hosts[stream->ends[1].host].name,
            (unsigned long long)call,
            type == TYPE_CALL ? "has a number that another one had"
            : asked           ? "gets a second reply"
                              : "gets a reply, and nobody made it");
    }
}
