/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_link_session.c - two ends of one link over simulated streams: whatever has happened, once the
 * network is well they agree on one connection soon, and keep it.
 *
 * Streams are in order and lose nothing until they are reset (both ends learn) or stall (nobody
 * learns). Dials take a while and may be refused; ends crash and start anew. One seed, one history: first
 * with faults, then without.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "bridge/link_session.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define SEED_COUNT     600
#define HAPPENINGS_MAX 4096u
#define CONNS_MAX      4096u
#define MEMORY_MAX     ((size_t)16 * 1024 * 1024)

#define FAULTS_NS (60 * SEC_NS) /* how long there are faults */
#define SETTLE_NS (40 * SEC_NS) /* the longest the ends may need then */
#define STABLE_NS (60 * SEC_NS) /* how long they must keep what they have */
#define QUICK_NS  (1 * SEC_NS)  /* a dial, two greetings, and a crossing; less than the hold time */
#define DELAY_NS  (80 * MS_NS)  /* the longest way of a message */

struct happening {
    uint64_t at_ns;
    uint64_t order; /* among those of the same time */
    uint32_t end;   /* to whom */
    struct event event;
    uint8_t *bytes; /* owned: event.bytes */
};

struct stream {
    bool alive;
    bool known[2];          /* the end was told of it, and not yet of its end */
    uint64_t arrival_ns[2]; /* of the newest happening, by end: streams are in order */
};

struct end {
    struct link_session session;
    struct link_identity identity;
    struct span address;
    bool dials;
    uint64_t up_changes;
};

struct world {
    struct prng prng;
    struct mem mem;
    struct arena arena;
    struct buf wire;
    struct end ends[2];
    struct stream streams[CONNS_MAX];
    uint32_t stream_count;
    struct happening happenings[HAPPENINGS_MAX];
    uint32_t happening_count;
    uint64_t order;
    struct now now;
    bool faults;
};

static void
drop_log(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    (void)host;
    (void)level;
    (void)name;
    (void)fields;
    (void)field_count;
}

static struct log log_none = { .level = LOG_LEVEL_ERROR, .write = drop_log };

static uint64_t
draw_delay(struct world *world)
{
    return 1 + prng_below(&world->prng, DELAY_NS);
}

static void
schedule(struct world *world, uint32_t to, uint64_t at_ns, const struct event *event)
{
    CHECK(world->happening_count < HAPPENINGS_MAX);
    struct happening *happening = &world->happenings[world->happening_count++];
    *happening =
        (struct happening){ .at_ns = at_ns, .order = world->order++, .end = to, .event = *event };
    if (event->bytes.size > 0) {
        happening->bytes = malloc(event->bytes.size);
        CHECK(happening->bytes != NULL);
        memcpy(happening->bytes, event->bytes.data, event->bytes.size);
        happening->event.bytes = span_from(happening->bytes, event->bytes.size);
    }
}

/* Behind everything that is on its way to this end on the stream. */
static void
schedule_on_stream(struct world *world, uint32_t to, const struct event *event)
{
    struct stream *stream = &world->streams[event->conn.v];
    uint64_t at_ns = world->now.mono.ns + draw_delay(world);
    at_ns = at_ns > stream->arrival_ns[to] ? at_ns : stream->arrival_ns[to];
    stream->arrival_ns[to] = at_ns;
    schedule(world, to, at_ns, event);
}

static void
schedule_closed(struct world *world, uint32_t to, uint32_t conn)
{
    const struct event event = {
        .kind = EVENT_CLOSED, .port = PORT_LINK, .conn = { conn }, .reason = SPAN("closed")
    };
    schedule_on_stream(world, to, &event);
}

/* An end closes: it and the other learn, if the stream still carries anything. */
static void
close_stream(struct world *world, uint32_t by, uint32_t conn)
{
    struct stream *stream = &world->streams[conn];
    schedule_closed(world, by, conn);
    if (stream->alive) {
        schedule_closed(world, 1 - by, conn);
    }
    stream->alive = false;
}

static void
perform_dial(struct world *world, uint32_t from, uint64_t ticket)
{
    uint64_t answer_ns = world->now.mono.ns + 4 * draw_delay(world);
    struct event opened = { .kind = EVENT_REFUSED, .ticket = ticket, .reason = SPAN("refused") };
    bool refused = world->faults && prng_chance(&world->prng, 300);
    if (refused) {
        schedule(world, from, answer_ns, &opened);
        return;
    }
    CHECK(world->stream_count < CONNS_MAX);
    uint32_t conn = world->stream_count++;
    world->streams[conn] = (struct stream){ .alive = true };
    opened.kind = EVENT_OPENED;
    opened.port = PORT_LINK;
    opened.conn = (struct conn_id){ conn };
    opened.identity = world->ends[1 - from].identity;
    struct event accepted = opened;
    accepted.kind = EVENT_ACCEPTED;
    accepted.ticket = 0;
    accepted.identity = world->ends[from].identity;
    world->streams[conn].arrival_ns[0] = answer_ns;
    world->streams[conn].arrival_ns[1] = answer_ns;
    schedule_on_stream(world, from, &opened);
    schedule_on_stream(world, 1 - from, &accepted);
}

static void
perform_send(struct world *world, uint32_t from, const struct action *action)
{
    const struct event event = {
        .kind = EVENT_MESSAGE, .port = PORT_LINK, .conn = action->conn, .bytes = action->parts[0]
    };
    CHECK(action->part_count == 1);
    if (world->streams[action->conn.v].alive) {
        schedule_on_stream(world, 1 - from, &event);
    }
}

static void
perform(struct world *world, uint32_t from, const struct actions *actions)
{
    CHECK(actions->lost == 0);
    for (uint32_t i = 0; i < actions->count; i++) {
        const struct action *action = &actions->list[i];
        switch (action->kind) {
        case ACTION_SEND:
            perform_send(world, from, action);
            break;
        case ACTION_CLOSE:
            close_stream(world, from, (uint32_t)action->conn.v);
            break;
        case ACTION_DIAL:
            perform_dial(world, from, action->ticket);
            break;
        case ACTION_PAUSE:
        case ACTION_EXECUTE:
        case ACTION_FINISHED:
            CHECK(action->kind == ACTION_DIAL);
            break;
        }
    }
}

/* What the port does when the far side has greeted: an empty table. */
static void
finish_sync(struct world *world, uint32_t which, struct actions *actions)
{
    struct link_session *session = &world->ends[which].session;
    const struct link_end_of_sync end = { .sequence = link_session_next_sequence(session) };
    buf_reset(&world->wire);
    link_encode_end_of_sync(&world->wire, &end);
    const struct span frame = buf_span(&world->wire);
    link_session_send_numbered(session, &frame, 1, world->now, actions);
}

static void
step_end(struct world *world, uint32_t which, const struct event *event)
{
    struct end *end = &world->ends[which];
    struct actions actions;
    struct link_delivery delivery;
    enum link_state before = end->session.state;
    arena_reset(&world->arena);
    actions_begin(&actions, &world->arena);
    link_session_step(&end->session, event, world->now, &actions, &delivery);
    if (delivery.kind == LINK_DELIVERS_GREETED) {
        finish_sync(world, which, &actions);
    }
    end->up_changes += (before == LINK_UP) != (end->session.state == LINK_UP) ? 1 : 0;
    perform(world, which, &actions);
}

static void
start_end(struct world *world, uint32_t which)
{
    struct end *end = &world->ends[which];
    const struct end *far = &world->ends[1 - which];
    const struct link_session_config config = {
        .name = SPAN("link"),
        .federation = far->identity.federation,
        .own_federation = end->identity.federation,
        .own_bridge = end->identity.bridge,
        .addresses = &far->address,
        .address_count = end->dials ? 1 : 0,
        .keepalive_ns = SEC_NS,
        .dial_timeout_ns = SEC_NS,
        .greeting_timeout_ns = SEC_NS,
        .retry = { .base_ns = 100 * MS_NS, .cap_ns = 5 * SEC_NS, .stable_ns = 30 * SEC_NS },
        .boot = prng_next(&world->prng),
    };
    struct actions actions;
    link_session_init(&end->session, &config, &world->mem, &log_none, &world->prng);
    arena_reset(&world->arena);
    actions_begin(&actions, &world->arena);
    link_session_start(&end->session, world->now, &actions);
    perform(world, which, &actions);
}

/* It forgets everything; what was on its way to it is lost. Its streams are reset, or only stall. */
static void
crash(struct world *world, uint32_t which, bool stalls)
{
    link_session_destroy(&world->ends[which].session);
    for (uint32_t i = 0; i < world->happening_count;) {
        struct happening *happening = &world->happenings[i];
        if (happening->end != which) {
            i++;
            continue;
        }
        free(happening->bytes);
        *happening = world->happenings[--world->happening_count];
    }
    for (uint32_t conn = 1; conn < world->stream_count; conn++) {
        if (world->streams[conn].alive && !stalls) {
            schedule_closed(world, 1 - which, conn);
        }
        world->streams[conn].alive = false;
    }
    start_end(world, which);
}

static void
make_fault(struct world *world)
{
    uint32_t conn = 1 + (uint32_t)prng_below(&world->prng, world->stream_count);
    bool exists = conn < world->stream_count && world->streams[conn].alive;
    switch (prng_below(&world->prng, 8)) {
    case 0:
        crash(world, (uint32_t)prng_below(&world->prng, 2), prng_chance(&world->prng, 500));
        break;
    case 1:
        if (exists) {
            world->streams[conn].alive = false;
        }
        break;
    default:
        if (exists) {
            close_stream(world, (uint32_t)prng_below(&world->prng, 2), conn);
        }
        break;
    }
}

static bool
comes_before(const struct happening *a, const struct happening *b)
{
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

/* The next thing that happens, or both ends' deadlines; the clock moves there. */
static void
happen(struct world *world)
{
    uint32_t next = 0;
    for (uint32_t i = 1; i < world->happening_count; i++) {
        next = comes_before(&world->happenings[i], &world->happenings[next]) ? i : next;
    }
    uint32_t which = link_session_deadline(&world->ends[0].session).ns <=
                             link_session_deadline(&world->ends[1].session).ns
                         ? 0
                         : 1;
    uint64_t deadline_ns = link_session_deadline(&world->ends[which].session).ns;
    bool ticks = world->happening_count == 0 || deadline_ns < world->happenings[next].at_ns;
    uint64_t at_ns = ticks ? deadline_ns : world->happenings[next].at_ns;
    CHECK(at_ns != INSTANT_NEVER.ns);
    world->now.mono.ns = at_ns > world->now.mono.ns ? at_ns : world->now.mono.ns;
    if (ticks) {
        const struct event event = { .kind = EVENT_TICK };
        step_end(world, which, &event);
        return;
    }
    struct happening happening = world->happenings[next];
    world->happenings[next] = world->happenings[--world->happening_count];
    step_end(world, happening.end, &happening.event);
    free(happening.bytes);
}

static bool
is_agreed(const struct world *world)
{
    const struct link_session *a = &world->ends[0].session;
    const struct link_session *b = &world->ends[1].session;
    return a->state == LINK_UP && b->state == LINK_UP && conn_equal(a->conn, b->conn);
}

static void
begin(struct world *world, uint64_t seed)
{
    *world = (struct world){ .prng = { .state = seed }, .stream_count = 1 };
    mem_init(&world->mem, MEMORY_MAX);
    arena_init(&world->arena, &world->mem);
    buf_init(&world->wire, &world->mem, 4096);
    world->now.mono.ns = SEC_NS;
    bool swapped = prng_chance(&world->prng, 500);
    world->ends[0] = (struct end){
        .identity = { .federation = swapped ? SPAN("us") : SPAN("eu"), .bridge = SPAN("one") },
        .address = SPAN("one:1"),
        .dials = prng_chance(&world->prng, 700),
    };
    world->ends[1] = (struct end){
        .identity = { .federation = swapped ? SPAN("eu") : SPAN("us"), .bridge = SPAN("two") },
        .address = SPAN("two:2"),
        .dials = !world->ends[0].dials || prng_chance(&world->prng, 800),
    };
    start_end(world, 0);
    start_end(world, 1);
}

static void
end(struct world *world)
{
    for (uint32_t i = 0; i < world->happening_count; i++) {
        free(world->happenings[i].bytes);
    }
    link_session_destroy(&world->ends[0].session);
    link_session_destroy(&world->ends[1].session);
    buf_destroy(&world->wire);
    arena_destroy(&world->arena);
    CHECK(world->mem.used == 0);
}

static void
suffer(struct world *world)
{
    uint64_t fault_at_ns = world->now.mono.ns;
    world->faults = true;
    while (world->now.mono.ns < FAULTS_NS) {
        happen(world);
        if (world->now.mono.ns >= fault_at_ns) {
            make_fault(world);
            fault_at_ns = world->now.mono.ns + prng_below(&world->prng, 4 * SEC_NS);
        }
    }
    world->faults = false;
}

static void
run_until(struct world *world, uint64_t until_ns)
{
    while (world->now.mono.ns < until_ns) {
        happen(world);
    }
}

/* The ends agree when `within_ns` have passed, and nothing changes for STABLE_NS more. */
static bool
settles(struct world *world, uint64_t within_ns)
{
    const struct link_session *a = &world->ends[0].session;
    const struct link_session *b = &world->ends[1].session;
    run_until(world, world->now.mono.ns + within_ns);
    if (!is_agreed(world)) {
        printf("not agreed: %s on %u, %s on %u\n", link_state_name(a->state), (unsigned)a->conn.v,
            link_state_name(b->state), (unsigned)b->conn.v);
        return false;
    }
    uint64_t changes = world->ends[0].up_changes + world->ends[1].up_changes;
    run_until(world, world->now.mono.ns + STABLE_NS);
    bool stays = changes == world->ends[0].up_changes + world->ends[1].up_changes;
    if (!stays) {
        printf("did not stay: %s; %s\n", a->stats.last_reason, b->stats.last_reason);
    }
    return stays;
}

static bool
ends_agree_after_any_faults(uint64_t seed)
{
    static struct world world;
    begin(&world, seed);
    suffer(&world);
    bool holds = settles(&world, SETTLE_NS);
    end(&world);
    return holds;
}

/* Whichever of them dial, and however the two dials cross: nobody has to dial twice. */
static bool
ends_that_start_together_agree_at_once(uint64_t seed)
{
    static struct world world;
    begin(&world, seed);
    bool holds = settles(&world, QUICK_NS);
    uint64_t dials = world.ends[0].session.stats.dials + world.ends[1].session.stats.dials;
    uint64_t dialers = (world.ends[0].dials ? 1u : 0u) + (world.ends[1].dials ? 1u : 0u);
    if (dials != dialers) {
        printf("%u dials by %u ends\n", (unsigned)dials, (unsigned)dialers);
        holds = false;
    }
    end(&world);
    return holds;
}

/* Nobody has told the far end that its connection is dead, and it does not have to find out. */
static bool
restarted_dialer_is_back_at_once(uint64_t seed)
{
    static struct world world;
    begin(&world, seed);
    run_until(&world, world.now.mono.ns + QUICK_NS + LINK_CROSSING_NS);
    crash(&world, world.ends[0].dials ? 0 : 1, true);
    bool holds = settles(&world, QUICK_NS);
    end(&world);
    return holds;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "ends_agree_after_any_faults", ends_agree_after_any_faults },
        { "ends_that_start_together_agree_at_once", ends_that_start_together_agree_at_once },
        { "restarted_dialer_is_back_at_once", restarted_dialer_is_back_at_once },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
