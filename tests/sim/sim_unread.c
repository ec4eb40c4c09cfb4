/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_unread.c - hosts with the habit of real servers (protocol.md 6.3): for a call they open a stream of
 * their own, read nothing there, and say everything there from then on.
 *
 * The engine of such a host knows nothing of it. Its calls, answers and gossip are taken from the streams
 * that it wanted; its STATUS goes both ways, for those streams must live as well.
 */
#include <string.h>

#include "tests/sim/sim_world.h"

/* In what the engine composed itself: what is behind it are arguments and results. */
static bool
says(const struct action *action, const char *text)
{
    struct span head = action->part_count == 0 ? SPAN_NONE : action->parts[0];
    size_t size = strlen(text);
    for (size_t at = 0; at + size <= head.size; at++) {
        if (memcmp(head.data + at, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static struct sim_stream *
find_unread(const struct sim_world *world, const struct sim_host *host, uint32_t target)
{
    LIST_EACH (link, &world->streams) {
        struct sim_stream *stream = CONTAINER_OF(link, struct sim_stream, link);
        const struct sim_end *own = &stream->ends[0];
        if (own->kind == SIM_END_UNREAD && own->host == host->index && own->life == host->life &&
            stream->ends[1].host == target && !stream->closing[0]) {
            return stream;
        }
    }
    return NULL;
}

static struct sim_stream *
open_unread(struct sim_world *world, const struct sim_host *host, uint32_t target)
{
    struct sim_host *far = &world->hosts[target];
    if (far->frozen_until > world->now_ns ||
        world->cut_until[host->index][target] > world->now_ns) {
        return NULL;
    }
    struct sim_stream *stream = sim_world_connect(world, 0, far);
    if (stream != NULL) {
        stream->ends[0] =
            (struct sim_end){ .kind = SIM_END_UNREAD, .host = host->index, .life = host->life };
    }
    return stream;
}

static void
send_joined(struct sim_world *world, struct sim_stream *stream, const struct action *action)
{
    struct buf joined;
    buf_init(&joined, &world->mem, SIZE_MAX);
    for (uint32_t i = 0; i < action->part_count; i++) {
        buf_add(&joined, action->parts[i]);
    }
    CHECK(!joined.overflowed);
    sim_world_client_send(world, stream, buf_span(&joined));
    buf_destroy(&joined);
}

bool
sim_unread_takes(struct sim_world *world, struct sim_host *host, const struct sim_stream *stream,
    uint32_t end, const struct action *action)
{
    const struct sim_end *far = &stream->ends[1 - end];
    if (!host->calls_unread || stream->port != PORT_CLUSTER || far->kind != SIM_END_HOST) {
        return false;
    }
    bool fabric = says(action, "\"role\":\"fabric-message\"");
    bool gossip = says(action, "\"role\":\"fabric-gossip\"");
    bool status = says(action, "\"what\":\"STATUS\"");
    struct sim_stream *unread = find_unread(world, host, far->host);
    if (unread == NULL && fabric && says(action, "\"topic\":\"mpreg.rpc.execute.")) {
        unread = open_unread(world, host, far->host);
    }
    if (unread == NULL || !(fabric || gossip || status)) {
        return false;
    }
    send_joined(world, unread, action);
    return !status;
}

void
sim_unread_hears(struct sim_world *world, const struct sim_stream *stream, struct span bytes)
{
    if (!span_starts_with(bytes, SPAN("{\"r\":null,\"error\":{\"code\":1003,"))) {
        sim_world_fail(world, "%s says to %s where it reads nothing: %.*s",
            world->hosts[stream->ends[1].host].name, world->hosts[stream->ends[0].host].name,
            SPAN_ARGS(bytes));
    }
}
