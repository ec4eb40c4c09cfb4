/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_world.c - hosts and streams in virtual time.
 *
 * One heap holds everything that is due: messages, dials, finished work. Engines' deadlines are looked at
 * beside it. What is due first happens first; ties go by the heap's order, which the seed determines.
 */
#include "tests/sim/sim_world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_reload.h"
#include "tests/sim/sim_wire.h"

/* A bridge that has work left is not at once at it again: others had their turn. */
#define WORK_PAUSE_NS (3 * MS_NS)

/* Calls under way are waited for, then the farewells. */
#define STOPS_WITHIN_NS (BRIDGE_DRAIN_NS + 3 * SEC_NS)

#define CONGESTED_ABOVE ((size_t)256 * 1024)
#define DIAL_TIMEOUT_NS (5 * SEC_NS)

/* A key of the heap is a time with the order of arrival behind it. */
#define DUE_ORDER_BITS  22
#define SIM_TIME_MAX_NS (2000 * SEC_NS)

void
sim_world_fail(struct sim_world *world, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "seed %llu at %.3f s: ", (unsigned long long)world->seed,
        (double)world->now_ns / 1e9);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    world->failed = true;
}

static void
note(struct sim_world *world, uint64_t value)
{
    world->hash = (world->hash ^ value) * UINT64_C(0x100000001b3);
    world->hash ^= world->hash >> 29;
}

static void
note_bytes(struct sim_world *world, struct span bytes)
{
    uint64_t hash = bytes.size;
    for (size_t i = 0; i < bytes.size; i++) {
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    }
    note(world, hash);
}

struct now
sim_world_now(const struct sim_world *world, const struct sim_host *host)
{
    return (struct now){
        .mono = { .ns = world->now_ns + SEC_NS },
        .wall = { .ns = SIM_EPOCH_NS + (int64_t)world->now_ns + host->skew_ns },
    };
}

static uint64_t
draw_delay(struct sim_world *world)
{
    return 50 * US_NS + prng_below(&world->prng, world->faults.delay_max_ns);
}

static void *
take(struct sim_world *world, size_t size)
{
    void *memory = mem_take(&world->mem, size);
    CHECK(memory != NULL);
    return memory;
}

static_assert(SIM_TIME_MAX_NS < INT64_MAX >> DUE_ORDER_BITS, "time and order fit into one key");

static void
put_due(struct sim_world *world, struct sim_due *due, enum sim_due_kind kind, uint64_t at)
{
    CHECK(at < SIM_TIME_MAX_NS);
    uint64_t order = world->due_count++ & ((UINT64_C(1) << DUE_ORDER_BITS) - 1);
    due->kind = kind;
    bool put = heap_set(&world->due, &due->node, (int64_t)(at << DUE_ORDER_BITS | order));
    CHECK(put);
}

static uint64_t
due_at(const struct sim_due *due)
{
    return (uint64_t)due->node.at >> DUE_ORDER_BITS;
}

/* Engines. */

static void perform(struct sim_world *world, struct sim_host *host, const struct actions *actions);

static struct instant
deadline_of(struct sim_world *world, struct sim_host *host, struct now now)
{
    if (!host->is_bridge) {
        return node_deadline(host->node, now);
    }
    if (rib_has_work(bridge_rib(host->bridge))) {
        return instant_after(now.mono, prng_below(&world->prng, WORK_PAUSE_NS));
    }
    return bridge_deadline(host->bridge, now);
}

static void
step(struct sim_world *world, struct sim_host *host, const struct event *event)
{
    struct now now = sim_world_now(world, host);
    world->steps++;
    note(world, world->now_ns);
    note(world, (uint64_t)host->index << 8 | (uint64_t)event->kind);
    note_bytes(world, event->bytes);
    const struct actions *actions =
        host->is_bridge ? bridge_step(host->bridge, event, now) : node_step(host->node, event, now);
    perform(world, host, actions);
    struct instant deadline = deadline_of(world, host, now);
    host->deadline = deadline.ns == INSTANT_NEVER.ns ? UINT64_MAX
                     : deadline.ns < now.mono.ns     ? world->now_ns
                                                     : deadline.ns - SEC_NS;
    host->deadline = host->finished ? world->now_ns : host->deadline;
    host->stepped_at = now.wall;
    if (host->is_bridge) {
        sim_reload_stepped(world, host);
    }
}

bool
sim_world_is_idle(const struct sim_world *world, const struct sim_host *host)
{
    return !rib_has_work(bridge_rib(host->bridge)) && host->frozen_until <= world->now_ns &&
           host->deadline > world->now_ns;
}

void
sim_world_wake(struct sim_world *world, struct sim_host *host)
{
    struct event tick = { .kind = EVENT_TICK };
    step(world, host, &tick);
}

uint32_t
sim_world_link_to(const struct sim_host *host, const struct sim_host *far)
{
    uint32_t link = 0;
    while (host->link_host[link] != far->index) {
        link++;
        CHECK(link < host->bridge_config.link_count);
    }
    return link;
}

static bool
end_is_live(const struct sim_world *world, const struct sim_end *end)
{
    if (end->kind == SIM_END_CLIENT) {
        return true;
    }
    const struct sim_host *host = &world->hosts[end->host];
    return host->alive && host->life == end->life;
}

static struct sim_stream *
find_stream(const struct sim_host *host, struct conn_id conn, uint32_t *end)
{
    uint32_t slot = conn_slot(conn);
    struct sim_stream *stream = slot < SIM_STREAMS_MAX ? host->conn_stream[slot] : NULL;
    for (uint32_t i = 0; stream != NULL && i < 2; i++) {
        const struct sim_end *mine = &stream->ends[i];
        if (mine->kind == SIM_END_HOST && mine->host == host->index &&
            conn_equal(mine->conn, conn)) {
            *end = i;
            return stream;
        }
    }
    return NULL;
}

static struct conn_id
name_end(struct sim_host *host, struct sim_stream *stream)
{
    uint32_t slot = 0;
    while (slot < SIM_STREAMS_MAX && host->conn_stream[slot] != NULL) {
        slot++;
    }
    CHECK(slot < SIM_STREAMS_MAX);
    host->conn_stream[slot] = stream;
    host->conn_generation[slot]++;
    return (struct conn_id){ .v = (uint64_t)host->conn_generation[slot] << 32 | slot };
}

/* Streams. */

static struct sim_stream *
open_stream(struct sim_world *world, enum port_kind port)
{
    struct sim_stream *stream = take(world, sizeof(*stream));
    stream->port = port;
    list_init(&stream->messages);
    list_push(&world->streams, &stream->link);
    world->stream_count++;
    return stream;
}

static void
drop_message(struct sim_world *world, struct sim_message *message)
{
    message->stream->queued[message->to] -= message->size;
    heap_remove(&world->due, &message->due.node);
    list_remove(&message->link);
    mem_give(&world->mem, message, sizeof(*message) + message->size);
}

static void
free_stream(struct sim_world *world, struct sim_stream *stream)
{
    LIST_EACH (link, &stream->messages) {
        drop_message(world, CONTAINER_OF(link, struct sim_message, link));
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct sim_end *end = &stream->ends[i];
        if (end->kind == SIM_END_HOST && end->conn.v != 0) {
            struct sim_host *host = &world->hosts[end->host];
            if (host->conn_stream[conn_slot(end->conn)] == stream) {
                host->conn_stream[conn_slot(end->conn)] = NULL;
            }
        }
    }
    list_remove(&stream->link);
    world->stream_count--;
    mem_give(&world->mem, stream, sizeof(*stream));
}

static uint64_t
partition_end(const struct sim_world *world, const struct sim_stream *stream, uint32_t to)
{
    const struct sim_end *a = &stream->ends[1 - to];
    const struct sim_end *b = &stream->ends[to];
    bool hosts = a->kind != SIM_END_CLIENT && b->kind != SIM_END_CLIENT;
    return hosts ? world->cut_until[a->host][b->host] : 0;
}

static struct sim_message *
queue_message(struct sim_world *world, struct sim_stream *stream, uint32_t to, size_t size)
{
    struct sim_message *message = take(world, sizeof(*message) + size);
    uint64_t at = world->now_ns + draw_delay(world);
    at = at < stream->last_due[to] ? stream->last_due[to] : at;
    at = at < stream->stalled_until[to] ? stream->stalled_until[to] : at;
    uint64_t cut = partition_end(world, stream, to);
    at = at < cut ? cut : at;
    at += at & 1; /* even, see sim_due */
    stream->last_due[to] = at;
    message->stream = stream;
    message->to = to;
    message->size = size;
    list_push(&stream->messages, &message->link);
    put_due(world, &message->due, SIM_DUE_MESSAGE, at);
    stream->queued[to] += size;
    return message;
}

static void
queue_close(struct sim_world *world, struct sim_stream *stream, uint32_t to, const char *reason)
{
    struct sim_message *message = queue_message(world, stream, to, 0);
    message->closes = true;
    message->reason = reason;
}

static void
tell_congestion(struct sim_world *world, struct sim_stream *stream, uint32_t to, bool congested)
{
    const struct sim_end *sender = &stream->ends[1 - to];
    stream->congested[1 - to] = congested;
    if (sender->kind == SIM_END_HOST && end_is_live(world, sender) && !stream->closing[1 - to]) {
        struct event event = {
            .kind = congested ? EVENT_CONGESTED : EVENT_DRAINED,
            .port = stream->port,
            .conn = sender->conn,
        };
        step(world, &world->hosts[sender->host], &event);
    }
}

static void
send_on(struct sim_world *world, struct sim_stream *stream, uint32_t to, const struct span *parts,
    uint32_t part_count)
{
    size_t size = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    struct sim_message *message = queue_message(world, stream, to, size);
    uint8_t *at = message->bytes;
    for (uint32_t i = 0; i < part_count; i++) {
        if (parts[i].size > 0) {
            memcpy(at, parts[i].data, parts[i].size);
        }
        at += parts[i].size;
    }
    if (stream->port == PORT_LINK) {
        sim_wire_sent(world, stream, to, span_from(message->bytes, size));
    }
}

void
sim_world_reset(struct sim_world *world, struct sim_stream *stream)
{
    LIST_EACH (link, &stream->messages) {
        struct sim_message *message = CONTAINER_OF(link, struct sim_message, link);
        if (!message->closes) {
            drop_message(world, message);
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (!stream->closing[i]) {
            stream->closing[i] = true;
            queue_close(world, stream, i, "connection reset");
        }
    }
}

/* Actions. */

static int32_t
find_listener(const struct sim_world *world, enum port_kind port, struct span address)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        const char *own = port == PORT_LINK ? host->link_address : host->url;
        if (own[0] != '\0' && span_is(address, own)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static void
perform_dial(struct sim_world *world, struct sim_host *host, const struct action *action)
{
    struct sim_dial *dial = take(world, sizeof(*dial));
    dial->host = host->index;
    dial->life = host->life;
    dial->ticket = action->ticket;
    dial->port = action->port;
    dial->target = find_listener(world, action->port, action->address);
    dial->gives_up_at = world->now_ns + DIAL_TIMEOUT_NS;
    list_push(&world->dials, &dial->link);
    put_due(world, &dial->due, SIM_DUE_DIAL, world->now_ns + draw_delay(world));
}

static void
perform_close(struct sim_world *world, struct sim_host *host, const struct action *action)
{
    uint32_t end;
    struct sim_stream *stream = find_stream(host, action->conn, &end);
    if (stream == NULL || stream->closing[end]) {
        return;
    }
    stream->closing[end] = true;
    queue_close(world, stream, 1 - end, "closed by the peer");
    queue_close(world, stream, end, "closed here");
}

/* What is on the way to it and what will be comes after the pause, in its order. */
static void
perform_pause(struct sim_world *world, const struct sim_host *host, const struct action *action)
{
    uint32_t end;
    struct sim_stream *stream = find_stream(host, action->conn, &end);
    if (stream == NULL || stream->closing[end]) {
        return;
    }
    uint64_t until = world->now_ns + action->timeout_ns;
    until += until & 1;
    LIST_EACH (link, &stream->messages) {
        struct sim_message *message = CONTAINER_OF(link, struct sim_message, link);
        if (message->to == end && due_at(&message->due) <= until) {
            heap_remove(&world->due, &message->due.node);
            put_due(world, &message->due, SIM_DUE_MESSAGE, until);
        }
    }
    if (stream->last_due[end] < until) {
        stream->last_due[end] = until;
    }
}

static void
perform_execute(struct sim_world *world, struct sim_host *host, const struct action *action)
{
    static const char tail[] = "\"}";
    bool works =
        world->clients.executes(world->clients.owner, host, action->function, action->args);
    char head[SIM_TEXT_MAX * 2];
    int head_size = snprintf(head, sizeof(head), "{\"by\":\"%s\",\"function\":\"", host->name);
    CHECK(head_size > 0);
    size_t size = (size_t)head_size + action->function.size + sizeof(tail) - 1;
    struct sim_work *work = take(world, sizeof(*work) + size);
    work->host = host->index;
    work->life = host->life;
    work->ticket = action->ticket;
    work->fails = !works;
    work->size = size;
    memcpy(work->result, head, (size_t)head_size);
    memcpy(work->result + head_size, action->function.data, action->function.size);
    memcpy(work->result + (size_t)head_size + action->function.size, tail, sizeof(tail) - 1);
    list_push(&world->works, &work->link);
    put_due(world, &work->due, SIM_DUE_WORK, world->now_ns + prng_below(&world->prng, 200 * MS_NS));
}

static void
perform_send(struct sim_world *world, struct sim_host *host, const struct action *action)
{
    uint32_t end;
    struct sim_stream *stream = find_stream(host, action->conn, &end);
    if (stream != NULL && !stream->closing[end] &&
        !sim_unread_takes(world, host, stream, end, action)) {
        send_on(world, stream, 1 - end, action->parts, action->part_count);
    }
}

static void
perform(struct sim_world *world, struct sim_host *host, const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->count; i++) {
        const struct action *action = &actions->list[i];
        switch (action->kind) {
        case ACTION_SEND:
            perform_send(world, host, action);
            break;
        case ACTION_CLOSE:
            perform_close(world, host, action);
            break;
        case ACTION_PAUSE:
            perform_pause(world, host, action);
            break;
        case ACTION_DIAL:
            perform_dial(world, host, action);
            break;
        case ACTION_EXECUTE:
            perform_execute(world, host, action);
            break;
        case ACTION_FINISHED:
            host->finished = true;
            break;
        }
    }
    if (actions->lost > 0) {
        sim_world_fail(world, "%s lost %llu actions for want of memory", host->name,
            (unsigned long long)actions->lost);
    }
}

/* What comes due. */

static void
give_message(struct sim_world *world, struct sim_stream *stream, const struct sim_message *message)
{
    const struct sim_end *end = &stream->ends[message->to];
    struct span bytes = span_from(message->bytes, message->size);
    if (end->kind == SIM_END_CLIENT) {
        note_bytes(world, bytes);
        world->clients.message(world->clients.owner, end->client, bytes);
        return;
    }
    if (end->kind == SIM_END_UNREAD) {
        sim_unread_hears(world, stream, bytes);
        return;
    }
    struct event event = {
        .kind = EVENT_MESSAGE,
        .port = stream->port,
        .conn = end->conn,
        .bytes = bytes,
    };
    step(world, &world->hosts[end->host], &event);
}

static void
give_close(struct sim_world *world, struct sim_stream *stream, const struct sim_message *message)
{
    struct sim_end *end = &stream->ends[message->to];
    if (end->kind == SIM_END_CLIENT) {
        world->clients.closed(world->clients.owner, end->client);
    } else if (end->kind == SIM_END_HOST && end_is_live(world, end)) {
        struct sim_host *host = &world->hosts[end->host];
        struct event event = {
            .kind = EVENT_CLOSED,
            .port = stream->port,
            .conn = end->conn,
            .reason = span_from_text(message->reason),
        };
        host->conn_stream[conn_slot(end->conn)] = NULL;
        step(world, host, &event);
        end->conn = CONN_NONE;
    }
    end->life = UINT64_MAX; /* nothing more comes to this end */
}

static bool
both_ends_are_done(const struct sim_stream *stream)
{
    return stream->ends[0].life == UINT64_MAX && stream->ends[1].life == UINT64_MAX;
}

static void
deliver(struct sim_world *world, struct sim_message *message)
{
    struct sim_stream *stream = message->stream;
    uint32_t to = message->to;
    struct sim_end *end = &stream->ends[to];
    list_remove(&message->link);
    bool heard = end->life != UINT64_MAX && end_is_live(world, end);
    if (message->closes) {
        stream->closing[to] = true;
        give_close(world, stream, message);
    } else if (heard && !stream->closing[to]) {
        give_message(world, stream, message);
    }
    stream->queued[to] -= message->size;
    mem_give(&world->mem, message, sizeof(*message) + message->size);
    if (both_ends_are_done(stream)) {
        free_stream(world, stream);
        return;
    }
    if (stream->congested[1 - to] && stream->queued[to] < CONGESTED_ABOVE / 2) {
        tell_congestion(world, stream, to, false);
    } else if (!stream->congested[1 - to] && stream->queued[to] > CONGESTED_ABOVE) {
        tell_congestion(world, stream, to, true);
    }
}

static void
refuse_dial(struct sim_world *world, const struct sim_dial *dial, const char *reason)
{
    struct sim_host *host = &world->hosts[dial->host];
    if (host->alive && host->life == dial->life) {
        struct event event = {
            .kind = EVENT_REFUSED,
            .port = dial->port,
            .ticket = dial->ticket,
            .reason = span_from_text(reason),
        };
        step(world, host, &event);
    }
}

static void
tell_opened(struct sim_world *world, struct sim_stream *stream, uint32_t end, uint64_t ticket)
{
    struct sim_end *mine = &stream->ends[end];
    struct sim_host *host = &world->hosts[mine->host];
    const struct sim_host *other = &world->hosts[stream->ends[1 - end].host];
    if (!end_is_live(world, mine)) {
        return;
    }
    struct event event = {
        .kind = end == 0 ? EVENT_OPENED : EVENT_ACCEPTED,
        .port = stream->port,
        .conn = mine->conn,
        .ticket = ticket,
        .address = span_from_text(other->name),
    };
    if (stream->port == PORT_LINK) {
        event.identity.federation = span_from_text(world->federations[other->federation].name);
        event.identity.bridge = span_from_text(other->name);
    }
    step(world, host, &event);
}

static void
connect_hosts(struct sim_world *world, const struct sim_dial *dial, struct sim_host *target)
{
    struct sim_host *host = &world->hosts[dial->host];
    struct sim_stream *stream = open_stream(world, dial->port);
    stream->ends[0] = (struct sim_end){ .host = host->index, .life = host->life };
    stream->ends[1] = (struct sim_end){ .host = target->index, .life = target->life };
    stream->ends[0].conn = name_end(host, stream);
    stream->ends[1].conn = name_end(target, stream);
    tell_opened(world, stream, 1, 0);
    tell_opened(world, stream, 0, dial->ticket);
}

static void
finish_dial(struct sim_world *world, struct sim_dial *dial)
{
    struct sim_host *host = &world->hosts[dial->host];
    struct sim_host *target = dial->target < 0 ? NULL : &world->hosts[dial->target];
    bool ours = host->alive && host->life == dial->life;
    bool cut = target != NULL && (world->cut_until[host->index][target->index] > world->now_ns ||
                                     world->cut_until[target->index][host->index] > world->now_ns);
    bool silent = cut || (target != NULL && target->frozen_until > world->now_ns);
    if (ours && silent && world->now_ns < dial->gives_up_at) {
        put_due(world, &dial->due, SIM_DUE_DIAL, dial->gives_up_at);
        return;
    }
    list_remove(&dial->link);
    if (!ours) {
        /* whoever dialed is gone */
    } else if (target == NULL || !target->alive) {
        refuse_dial(world, dial, "connection refused");
    } else if (silent) {
        refuse_dial(world, dial, "timed out");
    } else {
        connect_hosts(world, dial, target);
    }
    mem_give(&world->mem, dial, sizeof(*dial));
}

static void
finish_work(struct sim_world *world, struct sim_work *work)
{
    struct sim_host *host = &world->hosts[work->host];
    list_remove(&work->link);
    if (host->alive && host->life == work->life) {
        struct event event = {
            .kind = EVENT_RESULT,
            .ticket = work->ticket,
            .success = !work->fails,
            .bytes = span_from(work->result, work->size),
            .error_type = SPAN("ValueError"),
            .reason = SPAN("the simulated function failed"),
        };
        step(world, host, &event);
    }
    mem_give(&world->mem, work, sizeof(*work) + work->size);
}

/* Which host it is for; NULL: a client, or nobody any more. */
static const struct sim_host *
host_of(const struct sim_world *world, struct sim_due *due)
{
    switch (due->kind) {
    case SIM_DUE_MESSAGE: {
        const struct sim_message *message = (const struct sim_message *)(void *)due;
        const struct sim_end *end = &message->stream->ends[message->to];
        bool host = end->kind == SIM_END_HOST && end->life != UINT64_MAX;
        return host ? &world->hosts[end->host] : NULL;
    }
    case SIM_DUE_DIAL:
        return &world->hosts[((const struct sim_dial *)(void *)due)->host];
    case SIM_DUE_WORK:
        return &world->hosts[((const struct sim_work *)(void *)due)->host];
    }
    return NULL;
}

/* The oldest one on the way to the same end, which comes first: a thaw that comes early must not change that. */
static const struct sim_message *
oldest_like(const struct sim_message *message)
{
    LIST_EACH (link, &message->stream->messages) {
        const struct sim_message *other = CONTAINER_OF(link, struct sim_message, link);
        if (other->to == message->to) {
            return other;
        }
    }
    return message;
}

static void
happen(struct sim_world *world, struct sim_due *due)
{
    const struct sim_host *host = host_of(world, due);
    heap_remove(&world->due, &due->node);
    if (due->kind == SIM_DUE_MESSAGE) {
        const struct sim_message *message = (const struct sim_message *)(void *)due;
        const struct sim_message *oldest = oldest_like(message);
        if (oldest != message) {
            put_due(world, due, due->kind, due_at(&oldest->due));
            return;
        }
    }
    if (host != NULL && host->frozen_until > world->now_ns) {
        /* A frozen process gets nothing until it thaws. */
        put_due(world, due, due->kind, host->frozen_until);
        return;
    }
    switch (due->kind) {
    case SIM_DUE_MESSAGE:
        deliver(world, (struct sim_message *)(void *)due);
        break;
    case SIM_DUE_DIAL:
        finish_dial(world, (struct sim_dial *)(void *)due);
        break;
    case SIM_DUE_WORK:
        finish_work(world, (struct sim_work *)(void *)due);
        break;
    }
}

static struct sim_host *
next_host(struct sim_world *world, uint64_t *at)
{
    struct sim_host *first = NULL;
    *at = UINT64_MAX;
    for (uint32_t i = 0; i < world->host_count; i++) {
        struct sim_host *host = &world->hosts[i];
        uint64_t due = host->alive ? host->deadline : host->restart_at;
        due = host->alive && due < host->frozen_until ? host->frozen_until : due;
        if (due < *at) {
            *at = due;
            first = host;
        }
    }
    return first;
}

static void
wake(struct sim_world *world, struct sim_host *host)
{
    if (!host->alive) {
        sim_world_start(world, host);
    } else if (host->finished) {
        sim_world_crash(world, host);
        host->restart_at = world->now_ns + prng_below(&world->prng, 10 * SEC_NS);
    } else {
        sim_world_wake(world, host);
    }
}

void
sim_world_run(struct sim_world *world, uint64_t until_ns)
{
    uint64_t still = 0; /* steps without time passing: an engine that never comes to rest */
    for (;;) {
        uint64_t host_at;
        struct sim_host *host = next_host(world, &host_at);
        struct heap_node *first = heap_first(&world->due);
        struct sim_due *due = first == NULL ? NULL : CONTAINER_OF(first, struct sim_due, node);
        uint64_t at = due == NULL ? UINT64_MAX : due_at(due);
        bool host_first = host_at < at;
        at = host_first ? host_at : at;
        if (at > until_ns) {
            break;
        }
        still = at > world->now_ns ? 0 : still + 1;
        if (still > 1000000) {
            sim_world_fail(world, "a million steps at one instant");
            return;
        }
        world->now_ns = at > world->now_ns ? at : world->now_ns;
        if (host_first) {
            wake(world, host);
        } else {
            happen(world, due);
        }
    }
    world->now_ns = until_ns;
}

/* Clients. */

struct sim_stream *
sim_world_connect(struct sim_world *world, uint32_t client, struct sim_host *host)
{
    if (!host->alive) {
        return NULL;
    }
    struct sim_stream *stream = open_stream(world, PORT_CLUSTER);
    stream->ends[0] = (struct sim_end){ .kind = SIM_END_CLIENT, .client = client };
    stream->ends[1] = (struct sim_end){ .host = host->index, .life = host->life };
    stream->ends[1].conn = name_end(host, stream);
    struct event event = {
        .kind = EVENT_ACCEPTED,
        .port = PORT_CLUSTER,
        .conn = stream->ends[1].conn,
        .address = SPAN("client"),
    };
    step(world, host, &event);
    return stream;
}

void
sim_world_client_send(struct sim_world *world, struct sim_stream *stream, struct span bytes)
{
    if (!stream->closing[0]) {
        send_on(world, stream, 1, &bytes, 1);
    }
}

/* Life and death of a host. */

void
sim_world_crash(struct sim_world *world, struct sim_host *host)
{
    CHECK(host->alive);
    host->alive = false;
    host->deadline = UINT64_MAX;
    node_free(host->node);
    bridge_free(host->bridge);
    if (host->is_bridge) {
        sim_reload_died(world, host);
    }
    host->node = NULL;
    host->bridge = NULL;
    LIST_EACH (link, &world->streams) {
        struct sim_stream *stream = CONTAINER_OF(link, struct sim_stream, link);
        for (uint32_t i = 0; i < 2; i++) {
            struct sim_end *end = &stream->ends[i];
            if (end->kind == SIM_END_CLIENT || end->host != host->index ||
                end->life != host->life) {
                continue;
            }
            if (end->kind == SIM_END_HOST) {
                host->conn_stream[conn_slot(end->conn)] = NULL;
                end->conn = CONN_NONE;
            }
            sim_world_reset(world, stream);
        }
    }
}

void
sim_world_stop(struct sim_world *world, struct sim_host *host)
{
    struct event stop = { .kind = EVENT_STOP };
    host->stops_until = world->now_ns + STOPS_WITHIN_NS;
    step(world, host, &stop);
}

void
sim_world_start(struct sim_world *world, struct sim_host *host)
{
    CHECK(!host->alive);
    host->alive = true;
    host->life++;
    memset(host->asked, 0, sizeof(host->asked));
    host->restart_at = UINT64_MAX;
    host->frozen_until = 0;
    host->stops_until = 0;
    host->finished = false;
    snprintf(host->instance, sizeof(host->instance), "%.64s-%llu", host->name,
        (unsigned long long)host->life);
    struct hash_key key = { prng_next(&world->prng), prng_next(&world->prng) };
    uint64_t seed = prng_next(&world->prng);
    if (host->is_bridge) {
        host->bridge_config.member.instance_id = span_from_text(host->instance);
        for (uint32_t i = 0; i < host->bridge_config.link_count; i++) {
            host->links[i].session.boot = seed;
        }
        host->bridge = bridge_create(&host->bridge_config, key, seed, &host->log);
        CHECK(host->bridge != NULL);
        sim_reload_started(world, host);
    } else {
        host->node_config.member.instance_id = span_from_text(host->instance);
        host->node = node_create(&host->node_config, key, seed, &host->log);
        CHECK(host->node != NULL);
    }
    struct event start = { .kind = EVENT_START };
    step(world, host, &start);
}

void
sim_world_destroy(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        if (world->hosts[i].alive) {
            sim_world_crash(world, &world->hosts[i]);
        }
        for (uint32_t link = 0; link < world->hosts[i].bridge_config.link_count; link++) {
            policy_unref(world->hosts[i].policies[link]);
            mem_give(&world->mem, world->hosts[i].uses[link],
                SIM_USES_MAX * sizeof(struct sim_policy_use));
        }
    }
    LIST_EACH (stream, &world->streams) {
        free_stream(world, CONTAINER_OF(stream, struct sim_stream, link));
    }
    LIST_EACH (dial, &world->dials) {
        struct sim_dial *gone = CONTAINER_OF(dial, struct sim_dial, link);
        mem_give(&world->mem, gone, sizeof(*gone));
    }
    LIST_EACH (work, &world->works) {
        struct sim_work *gone = CONTAINER_OF(work, struct sim_work, link);
        mem_give(&world->mem, gone, sizeof(*gone) + gone->size);
    }
    heap_destroy(&world->due);
    CHECK(world->mem.used == 0);
}
