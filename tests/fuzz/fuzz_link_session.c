/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_link_session.c - a link session under any order of events.
 *
 * The input is a program: each byte picks an event, the next bytes its details (time, bridge, frame,
 * connection). The harness plays the host and keeps its own book of connections and dials. Oracles:
 *
 *   - at most one connection is held; every other one that was given has been told to close
 *   - actions name only connections that were given and are not told to close yet
 *   - at most one dial is under way, and only while there is no connection to lose
 *   - after a TICK, or two, the deadline is in the future; a started link that may dial always has one
 *   - every frame we send decodes
 *   - a session begins with GREETED and ends with DOWN or the next GREETED; between CUT and RESUMED nothing is delivered
 *   - what is numbered is delivered once and in order, over however many connections
 *   - destroy gives all memory back
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/link_session.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_frames.h"

#define MEMORY_MAX ((size_t)4 * 1024 * 1024)
#define CONNS_MAX  512u
#define STEPS_MAX  400u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct span input;
    struct mem mem;
    struct mem step_mem; /* the arena's: its cap is what the fuzzer lets it be */
    struct arena arena;
    struct buf wire;
    struct prng prng;
    struct actions actions;
    struct link_delivery delivery;
    struct link_session session;
    struct now now;
    bool open[CONNS_MAX]; /* given and not told to close, by connection */
    uint64_t conn_last;
    uint64_t ticket; /* of the dial under way; 0: none */
    bool started;
    bool greeted;       /* between GREETED or RESUMED, and CUT or DOWN */
    bool suspended;     /* between CUT, and RESUMED, DOWN or the next GREETED */
    bool poor;          /* actions may be lost for want of memory */
    bool lost;          /* some were: the book cannot be right any more */
    uint64_t delivered; /* sequence of the session, as delivered */
};

static const struct span addresses[] = {
    { (const uint8_t *)"a:1", 3 },
    { (const uint8_t *)"b:2", 3 },
    { (const uint8_t *)"c:3", 3 },
};

static uint8_t
next_byte(struct world *world)
{
    if (world->input.size == 0) {
        return 0;
    }
    uint8_t byte = world->input.data[0];
    world->input = span_after(world->input, 1);
    return byte;
}

static void
drop_log(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    (void)host;
    (void)level;
    (void)name;
    CHECK(field_count > 0);
    CHECK(strcmp(fields[0].key, "link") == 0);
}

/* ---- what the session asked for */

static void
check_sent(struct world *world, const struct action *action)
{
    struct mem mem;
    struct arena arena;
    struct link_frame frame;
    CHECK(action->conn.v > 0 && action->conn.v <= world->conn_last);
    CHECK(world->open[action->conn.v]);
    CHECK(action->part_count == 1);
    mem_init(&mem, MEMORY_MAX);
    arena_init(&arena, &mem);
    CHECK(link_decode(action->parts[0], &arena, &frame) == LINK_OK);
    arena_destroy(&arena);
}

static void
perform(struct world *world, const struct action *action)
{
    switch (action->kind) {
    case ACTION_SEND:
        check_sent(world, action);
        break;
    case ACTION_CLOSE:
        CHECK(action->conn.v > 0 && action->conn.v <= world->conn_last);
        CHECK(world->open[action->conn.v]);
        world->open[action->conn.v] = false;
        break;
    case ACTION_DIAL:
        CHECK(world->started || world->conn_last > 0);
        CHECK(world->ticket == 0);
        CHECK(action->ticket != 0);
        CHECK(action->port == PORT_LINK);
        CHECK(action->address.size == 3);
        world->ticket = action->ticket;
        break;
    case ACTION_PAUSE:
    case ACTION_EXECUTE:
    case ACTION_FINISHED:
        CHECK(action->kind == ACTION_DIAL);
        break;
    }
}

static void
check_delivery(struct world *world)
{
    const struct link_delivery *delivery = &world->delivery;
    switch (delivery->kind) {
    case LINK_DELIVERS_NOTHING:
        break;
    case LINK_DELIVERS_GREETED:
        CHECK(!world->greeted);
        world->greeted = true;
        world->suspended = false;
        world->delivered = 0;
        break;
    case LINK_DELIVERS_ANNOUNCE:
        CHECK(delivery->frame.announce.sequence == ++world->delivered);
        CHECK(world->greeted);
        break;
    case LINK_DELIVERS_WITHDRAW:
        CHECK(delivery->frame.withdraw.sequence == ++world->delivered);
        CHECK(world->greeted);
        break;
    case LINK_DELIVERS_SYNCED:
        CHECK(delivery->frame.end_of_sync.sequence == ++world->delivered);
        CHECK(world->greeted);
        break;
    case LINK_DELIVERS_CALL:
    case LINK_DELIVERS_REPLY:
        world->delivered++;
        CHECK(world->greeted);
        break;
    case LINK_DELIVERS_TABLE:
    case LINK_DELIVERS_REFRESH:
    case LINK_DELIVERS_REPORT:
    case LINK_DELIVERS_DRAIN:
        CHECK(world->greeted);
        break;
    case LINK_DELIVERS_CUT:
        CHECK(world->greeted);
        CHECK(delivery->reason.size > 0);
        world->greeted = false;
        world->suspended = true;
        break;
    case LINK_DELIVERS_RESUMED:
        CHECK(world->suspended);
        world->greeted = true;
        world->suspended = false;
        break;
    case LINK_DELIVERS_DOWN:
        CHECK(world->greeted || world->suspended);
        CHECK(delivery->reason.size > 0);
        world->greeted = false;
        world->suspended = false;
        break;
    }
}

static void
check_reason(const struct link_session *session)
{
    const char *reason = session->stats.last_reason;
    const char *end = memchr(reason, '\0', sizeof(session->stats.last_reason));
    CHECK(end != NULL);
    for (const char *at = reason; at < end; at++) {
        CHECK((unsigned char)*at >= 0x20);
        CHECK(*at != 0x7f);
    }
}

static void
check_held(const struct world *world)
{
    uint32_t held = 0;
    for (uint64_t conn = 1; conn <= world->conn_last; conn++) {
        held += world->open[conn] ? 1 : 0;
    }
    const struct link_session *session = &world->session;
    CHECK(held == (session->state == LINK_DOWN ? 0u : 1u));
    CHECK(held == 0 || world->open[session->conn.v]);
}

/* After every step. */
static void
settle(struct world *world)
{
    const struct link_session *session = &world->session;
    for (uint32_t i = 0; i < world->actions.count; i++) {
        if (!world->lost) {
            perform(world, &world->actions.list[i]);
        } else if (world->actions.list[i].kind == ACTION_DIAL) {
            CHECK(world->ticket == 0);
            world->ticket = world->actions.list[i].ticket;
        }
    }
    CHECK(world->actions.lost == 0 || world->poor);
    world->lost = world->lost || world->actions.lost > 0;
    check_delivery(world);
    check_reason(session);
    CHECK(world->ticket == session->dial_ticket);
    CHECK(world->greeted == link_session_is_greeted(session));
    CHECK(world->suspended == link_session_is_suspended(session));
    CHECK(!world->greeted || world->delivered == session->stats.sequence_received);
    if (!world->lost) {
        check_held(world);
    }
    bool waits = link_session_deadline(session).ns != INSTANT_NEVER.ns;
    bool may_dial = session->config.address_count > 0 && world->started && !session->stopping;
    CHECK(session->state == LINK_DOWN || waits);
    CHECK(session->state != LINK_DOWN || !may_dial || world->ticket != 0 || waits);
    CHECK(!session->stopping || session->state == LINK_DOWN);
    CHECK(session->stats.sequence_acked <= session->stats.sequence_sent);
    memset(&world->delivery, 0, sizeof(world->delivery));
}

/* ---- what happens to it */

static void
begin(struct world *world)
{
    arena_reset(&world->arena);
    actions_begin(&world->actions, &world->arena);
}

static void
step(struct world *world, const struct event *event)
{
    begin(world);
    link_session_step(&world->session, event, world->now, &world->actions, &world->delivery);
    settle(world);
}

static void
tick(struct world *world)
{
    const struct event event = { .kind = EVENT_TICK };
    step(world, &event);
    if (instant_reached(link_session_deadline(&world->session), world->now.mono)) {
        /* A greeting failed, and what it would have gone on with is over: two ends, one a step. */
        CHECK(world->suspended);
        step(world, &event);
    }
    CHECK(!instant_reached(link_session_deadline(&world->session), world->now.mono));
}

static void
pass(struct world *world)
{
    static const uint64_t steps_ns[] = { 1, MS_NS, 100 * MS_NS, SEC_NS, 10 * SEC_NS, 45 * SEC_NS };
    uint64_t step_ns = steps_ns[next_byte(world) % COUNT_OF(steps_ns)];
    world->now.mono = instant_after(world->now.mono, step_ns);
    tick(world);
}

static void
pass_to_deadline(struct world *world)
{
    struct instant deadline = link_session_deadline(&world->session);
    if (deadline.ns == INSTANT_NEVER.ns) {
        return;
    }
    if (deadline.ns > world->now.mono.ns) {
        world->now.mono = deadline;
    }
    tick(world);
}

/* Mostly whom we expect. */
static struct link_identity
draw_identity(struct world *world)
{
    static const struct link_identity identities[] = {
        { .federation = { (const uint8_t *)"eu", 2 }, .bridge = { (const uint8_t *)"eu-1", 4 } },
        { .federation = { (const uint8_t *)"eu", 2 }, .bridge = { (const uint8_t *)"eu-2", 4 } },
        { .federation = { (const uint8_t *)"us", 2 }, .bridge = { (const uint8_t *)"us-1", 4 } },
        { .federation = { (const uint8_t *)"ap", 2 }, .bridge = { (const uint8_t *)"ap-1", 4 } },
        { .federation = { (const uint8_t *)"eu", 2 }, .bridge = { NULL, 0 } },
    };
    uint8_t pick = next_byte(world);
    return identities[pick < 128 ? 0 : pick % COUNT_OF(identities)];
}

static void
give_connection(struct world *world, enum event_kind kind)
{
    if (world->conn_last + 1 >= CONNS_MAX) {
        return;
    }
    if (kind == EVENT_OPENED && world->ticket == 0) {
        return;
    }
    const struct event event = {
        .kind = kind,
        .port = PORT_LINK,
        .conn = { ++world->conn_last },
        .ticket = kind == EVENT_OPENED ? world->ticket : 0,
        .identity = draw_identity(world),
    };
    world->open[event.conn.v] = true;
    if (kind == EVENT_OPENED) {
        CHECK(link_session_owns(&world->session, &event));
        world->ticket = 0;
    }
    step(world, &event);
}

static void
refuse_dial(struct world *world)
{
    if (world->ticket == 0) {
        return;
    }
    const struct event event = {
        .kind = EVENT_REFUSED, .ticket = world->ticket, .reason = SPAN("no\nroute\xff")
    };
    world->ticket = 0;
    step(world, &event);
}

static struct link_frame
draw_hello(struct world *world)
{
    uint8_t pick = next_byte(world);
    struct link_frame frame = {
        .type = LINK_FRAME_HELLO,
        .hello = {
            .version_min = 1,
            .version_max = 1,
            .federation = SPAN("eu"),
            .bridge = world->session.far.bridge.size > 0 ? world->session.far.bridge : SPAN("x"),
            .session = 1u + pick % 2,
            .keepalive_ns = (uint64_t)pick * SEC_NS,
        },
    };
    if (pick % 4 < 3) {
        /* The far side would go on, and has received a part. */
        frame.hello.session = world->session.suspension.far_number;
        frame.hello.resume = world->session.suspension.number;
        frame.hello.received = world->session.stats.sequence_acked + next_byte(world) % 4;
    }
    if (pick == 255) {
        frame.hello.version_max = 7;
        frame.hello.version_min = 7;
    }
    if (pick == 254) {
        frame.hello.federation = SPAN("us");
    }
    return frame;
}

/* Mostly the number that is next. */
static uint64_t
draw_sequence(struct world *world)
{
    uint8_t pick = next_byte(world);
    return pick < 200 ? world->session.stats.sequence_received + 1 : pick - 199u;
}

static struct link_frame
draw_frame(struct world *world)
{
    static const uint64_t route_ids[] = { 1, 2 };
    static const struct span path[] = { { (const uint8_t *)"eu", 2 } };
    static const struct link_route route = {
        .advertisement = {
            .identity = {
                .name = { (const uint8_t *)"f", 1 },
                .function_id = { (const uint8_t *)"f", 1 },
                .version_text = { (const uint8_t *)"1", 1 },
            },
            .origin = { (const uint8_t *)"eu", 2 },
            .path = { .items = path, .count = 1 },
        },
    };
    uint8_t pick = next_byte(world);
    struct link_frame frame = { .type = (enum link_frame_type)(pick % (LINK_FRAME_REPORT + 1)) };
    switch (frame.type) {
    case LINK_FRAME_HELLO:
        return draw_hello(world);
    case LINK_FRAME_ANNOUNCE:
        frame.announce = (struct link_announce){
            .sequence = draw_sequence(world), .routes = &route, .route_count = 1
        };
        break;
    case LINK_FRAME_WITHDRAW:
        frame.withdraw = (struct link_withdraw){
            .sequence = draw_sequence(world), .route_ids = route_ids, .route_count = 2
        };
        break;
    case LINK_FRAME_END_OF_SYNC:
        frame.end_of_sync.sequence = draw_sequence(world);
        frame.end_of_sync.refresh = next_byte(world) % 3;
        break;
    case LINK_FRAME_ACK:
        frame.sequence = 1u + next_byte(world) % 4;
        break;
    case LINK_FRAME_CALL:
        frame.call = (struct link_call){ .path = { .items = path, .count = 1 } };
        break;
    case LINK_FRAME_PING:
        frame.ping = (struct link_ping){ .number = pick, .has_table = pick % 2 == 0 };
        break;
    case LINK_FRAME_PONG:
        frame.pong.number = pick < 128 ? world->session.ping_number : pick;
        frame.pong.clock.ns = pick % 2 == 0 ? (int64_t)(pick * SEC_NS) : 0;
        break;
    case LINK_FRAME_REFRESH:
        frame.refresh = 1u + next_byte(world);
        break;
    case LINK_FRAME_REPORT:
        frame.report = (struct link_report){ .accepted = pick };
        break;
    case LINK_FRAME_ERROR:
        frame.error = (struct link_error){ .code = next_byte(world), .text = SPAN("because") };
        break;
    case LINK_FRAME_READY:
    case LINK_FRAME_REPLY:
    case LINK_FRAME_DRAIN:
        break;
    }
    return frame;
}

static void
deliver_bytes(struct world *world, struct conn_id conn, struct span bytes)
{
    const struct event event = {
        .kind = EVENT_MESSAGE, .port = PORT_LINK, .conn = conn, .bytes = bytes
    };
    step(world, &event);
}

static void
deliver_frame(struct world *world, struct conn_id conn)
{
    const struct link_frame frame = draw_frame(world);
    buf_reset(&world->wire);
    link_frames_encode(&world->wire, &frame);
    CHECK(!world->wire.overflowed);
    deliver_bytes(world, conn, buf_span(&world->wire));
}

static void
deliver_raw(struct world *world)
{
    size_t size = next_byte(world) % 40u;
    size = size < world->input.size ? size : world->input.size;
    struct span bytes = span_part(world->input, 0, size);
    world->input = span_after(world->input, size);
    deliver_bytes(world, world->session.conn, bytes);
}

static void
close_conn(struct world *world, struct conn_id conn)
{
    const struct event event = {
        .kind = EVENT_CLOSED, .port = PORT_LINK, .conn = conn, .reason = SPAN("reset\x1b")
    };
    if (conn.v > 0 && conn.v < CONNS_MAX) {
        world->open[conn.v] = false;
    }
    step(world, &event);
}

/* A connection that was given once, if not the one that the session holds. */
static struct conn_id
draw_stranger(struct world *world)
{
    struct conn_id conn = { world->conn_last == 0 ? 1 : 1 + next_byte(world) % world->conn_last };
    return conn_equal(conn, world->session.conn) ? (struct conn_id){ CONNS_MAX + 1 } : conn;
}

static void
stranger_speaks(struct world *world)
{
    enum link_state before = world->session.state;
    struct conn_id conn = draw_stranger(world);
    bool is_open = conn.v < CONNS_MAX && world->open[conn.v];
    begin(world);
    if (next_byte(world) % 2 == 0) {
        deliver_frame(world, conn);
    } else if (!is_open) {
        close_conn(world, conn);
    }
    CHECK(world->session.state == before);
    CHECK(world->actions.count == 0);
}

/* A withdrawal, or a call of some size. */
static void
send_numbered(struct world *world, uint8_t pick)
{
    static const uint64_t route_ids[] = { 7 };
    static const struct span path[] = { { (const uint8_t *)"us", 2 } };
    struct link_session *session = &world->session;
    if (!link_session_is_greeted(session) && !link_session_is_suspended(session)) {
        return;
    }
    struct link_frame frame = { .type = LINK_FRAME_CALL,
        .call = { .path = { .items = path, .count = 1 }, .args = { world->input.data, pick } } };
    if (pick % 2 == 0 || world->input.size < pick) {
        frame = (struct link_frame){
            .type = LINK_FRAME_WITHDRAW,
            .withdraw = { .sequence = link_session_next_sequence(session),
                .route_ids = route_ids,
                .route_count = 1 },
        };
    }
    buf_reset(&world->wire);
    link_frames_encode(&world->wire, &frame);
    struct span bytes = buf_span(&world->wire);
    link_session_send_numbered(session, &bytes, 1, world->now, &world->actions);
}

static void
command(struct world *world, uint8_t pick)
{
    begin(world);
    switch (pick % 5) {
    case 0:
        world->started = true;
        link_session_start(&world->session, world->now, &world->actions);
        break;
    case 1:
        link_session_stop(
            &world->session, LINK_ERROR_SHUTDOWN, SPAN("stopped by this side"), &world->actions);
        world->greeted = false;
        world->suspended = false;
        break;
    case 2:
        link_session_drain(&world->session, &world->actions);
        break;
    case 3:
        link_session_fail(&world->session, LINK_ERROR_PROTOCOL, SPAN("the port says so"),
            world->now, &world->actions, &world->delivery);
        break;
    default:
        send_numbered(world, pick);
        break;
    }
    settle(world);
}

/* Let the arena have no more memory than it has, or all again. */
static void
starve(struct world *world)
{
    world->poor = true;
    bool starved = world->step_mem.cap != MEMORY_MAX;
    arena_destroy(&world->arena);
    world->step_mem.cap = starved ? MEMORY_MAX : (size_t)(next_byte(world) % 2) * 17000;
}

static void
run_one(struct world *world)
{
    uint8_t pick = next_byte(world);
    switch (pick % 14) {
    case 0:
        pass(world);
        break;
    case 1:
        pass_to_deadline(world);
        break;
    case 2:
        give_connection(world, EVENT_ACCEPTED);
        break;
    case 3:
        give_connection(world, EVENT_OPENED);
        break;
    case 4:
        refuse_dial(world);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        deliver_frame(world, world->session.conn);
        break;
    case 9:
        deliver_raw(world);
        break;
    case 10:
        close_conn(world, world->session.conn);
        break;
    case 11:
        stranger_speaks(world);
        break;
    case 12:
        command(world, next_byte(world));
        break;
    default:
        if (pick > 230) {
            starve(world);
        } else {
            begin(world);
            link_session_start(&world->session, world->now, &world->actions);
            world->started = true;
            settle(world);
        }
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct log log = { .level = LOG_LEVEL_DEBUG, .write = drop_log };
    memset(&world, 0, sizeof(world));
    world.input = span_from(data, size);
    mem_init(&world.mem, MEMORY_MAX);
    mem_init(&world.step_mem, MEMORY_MAX);
    arena_init(&world.arena, &world.step_mem);
    buf_init(&world.wire, &world.mem, (size_t)64 * 1024);
    uint8_t pick = next_byte(&world);
    world.prng.state = pick;
    world.now.mono.ns = SEC_NS;
    const struct link_session_config config = {
        .name = SPAN("eu"),
        .federation = SPAN("eu"),
        .own_federation = pick % 2 == 0 ? SPAN("us") : SPAN("ca"),
        .own_bridge = SPAN("us-1"),
        .addresses = addresses,
        .address_count = pick % 4,
        .keepalive_ns = (uint64_t)pick * SEC_NS,
        .dial_timeout_ns = SEC_NS,
        .greeting_timeout_ns = 5 * SEC_NS,
        .retry = { .base_ns = SEC_NS / 2, .cap_ns = 60 * SEC_NS, .stable_ns = 30 * SEC_NS },
        .resume_window_ns = pick % 3 * 10 * SEC_NS,
        .resume_buffer_size = 512,
    };
    link_session_init(&world.session, &config, &world.mem, &log, &world.prng);
    for (uint32_t i = 0; i < STEPS_MAX && world.input.size > 0; i++) {
        run_one(&world);
    }
    link_session_destroy(&world.session);
    buf_destroy(&world.wire);
    arena_destroy(&world.arena);
    CHECK(world.mem.used == 0);
    CHECK(world.step_mem.used == 0);
    return 0;
}
