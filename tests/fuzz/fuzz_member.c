/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_member.c - a strict member under any order of events.
 *
 * The input is a program: each byte picks an event, the next bytes its details (connection, message, who
 * is named in it, time, memory). The harness plays host and engine and keeps its own books. Oracles:
 *
 *   - actions name only connections that were given and are not told to close yet; messages are JSON,
 *     and none is larger than its connection takes
 *   - a connection is sent nothing but an error before its far side has shaken hands, and for ever when
 *     it began with a call: whoever opened it does not read it
 *   - the catalog holds no entry of another cluster, and of our own node exactly what we offer
 *   - each call ends once, and no later than its deadline
 *   - after a TICK the deadline is in the future
 *   - at the end all memory comes back
 */
#include <stdlib.h>
#include <string.h>

#include "core/member.h"
#include "tests/support/check_failed.h"
#include "tests/support/fuzz_program.h"
#include "tests/support/wire.h"

#define CONNS_MAX  32u
#define DIALS_MAX  256u
#define OFFERS     4u
#define CALLS_MAX  64u
#define OWED_MAX   64u
#define STEPS_MAX  300u
#define TICKS_MAX  64u
#define MEMORY_MAX ((size_t)64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_conn {
    struct conn_id conn;
    bool open;
    bool closing;
    bool dialed;
    bool greeted; /* the far side may have said STATUS of our cluster */
    bool began;   /* the far side has said what the connection is for */
    bool unread;  /* it was a call or an answer */
};

struct world {
    struct fuzz_program program;
    struct mem mem;
    struct arena arena;
    struct prng prng;
    struct log log;
    struct member_config config;
    struct member *member;
    struct actions actions;
    struct now now;
    struct wire wire;
    struct buf message;
    struct fuzz_conn conns[CONNS_MAX];
    uint32_t generation;
    uint64_t dials[DIALS_MAX];
    uint32_t dial_count;
    uint64_t last_ticket;
    bool offered[OFFERS];
    char scopes[OFFERS];
    bool waiting[CALLS_MAX];
    uint64_t deadlines[CALLS_MAX];
    uint32_t call_count;
    struct member_back *owed[OWED_MAX];
    uint32_t owed_count;
    bool left;
};

static struct fuzz_conn *
pick_conn(struct world *world)
{
    struct fuzz_conn *conn = &world->conns[fuzz_byte(&world->program) % CONNS_MAX];
    for (uint32_t i = 0; i < CONNS_MAX && !conn->open; i++) {
        conn = &world->conns[(size_t)(conn - world->conns + 1) % CONNS_MAX];
    }
    return conn->open ? conn : NULL;
}

/* The engine. */

static void
on_asked(void *owner, struct conn_id conn, const struct rpc_request *request, struct now now,
    struct actions *actions)
{
    struct world *world = owner;
    CHECK(world->conns[conn_slot(conn)].open);
    CHECK(request->command_count <= COMMANDS_MAX);
    CHECK(now.mono.ns == world->now.mono.ns);
    CHECK(actions == &world->actions);
}

static void
on_asked_other(void *owner, struct conn_id conn, const struct envelope *envelope, struct now now,
    struct actions *actions)
{
    struct world *world = owner;
    CHECK(world->conns[conn_slot(conn)].open);
    CHECK(envelope->kind != ENVELOPE_GOSSIP);
    CHECK(envelope->kind != ENVELOPE_FABRIC);
    CHECK(now.mono.ns == world->now.mono.ns);
    CHECK(actions == &world->actions);
}

static void
on_called(void *owner, const struct member_incoming *incoming, struct member_back *back,
    struct now now, struct actions *actions)
{
    struct world *world = owner;
    struct span cluster = incoming->request.headers.source_cluster;
    CHECK(cluster.size == 0 || span_is(cluster, "c1"));
    CHECK(incoming->context == NULL || incoming->context == world);
    if (world->owed_count == OWED_MAX) {
        member_answer_error(world->member, back, SPAN("busy"), SPAN("Busy"), now, actions);
        return;
    }
    world->owed[world->owed_count++] = back;
}

static void
on_answered(void *owner, uint64_t ticket, enum member_outcome outcome, struct span body,
    struct now now, struct actions *actions)
{
    struct world *world = owner;
    CHECK(ticket > 0);
    CHECK(ticket <= world->call_count);
    CHECK(world->waiting[ticket - 1]);
    CHECK(outcome == MEMBER_ANSWERED || outcome == MEMBER_FAILED || body.size == 0);
    CHECK(outcome != MEMBER_TIMED_OUT || now.mono.ns >= world->deadlines[ticket - 1]);
    CHECK(actions == &world->actions);
    world->waiting[ticket - 1] = false;
}

static void
on_client_gone(void *owner, struct conn_id conn)
{
    struct world *world = owner;
    CHECK(!world->conns[conn_slot(conn)].open);
}

static void
on_log(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    CHECK(host == NULL);
    CHECK(level <= LOG_LEVEL_DEBUG);
    CHECK(name != NULL);
    for (size_t i = 0; i < field_count; i++) {
        CHECK(fields[i].key != NULL);
    }
}

/* The host. */

static struct fuzz_conn *
conn_of(struct world *world, const struct action *action)
{
    CHECK(conn_slot(action->conn) < CONNS_MAX);
    struct fuzz_conn *conn = &world->conns[conn_slot(action->conn)];
    CHECK(conn->open);
    CHECK(conn_equal(conn->conn, action->conn));
    CHECK(!conn->closing);
    return conn;
}

static void
check_sent(struct world *world, const struct action *action)
{
    const struct fuzz_conn *conn = conn_of(world, action);
    wire_reset(&world->wire);
    for (uint32_t i = 0; i < action->part_count; i++) {
        buf_add(&world->wire.out, action->parts[i]);
    }
    struct span message = buf_span(&world->wire.out);
    CHECK(message.size > 0);
    CHECK(conn->dialed || message.size <= DIALED_MESSAGE_SIZE_MAX);
    CHECK(wire_scan(&world->wire, message) == MESSAGE_OK);
    enum envelope_kind kind = world->wire.envelope.kind;
    if (!conn->greeted) {
        /* To strangers: an error; and, if we dialed, the STATUS that greets. */
        CHECK(kind == ENVELOPE_RESPONSE || (conn->dialed && kind == ENVELOPE_STATUS));
    }
    if (conn->unread) {
        CHECK(kind == ENVELOPE_RESPONSE);
        CHECK(span_starts_with(message, SPAN("{\"r\":null,\"error\":{")));
    }
}

static void
perform(struct world *world)
{
    for (uint32_t i = 0; i < world->actions.count; i++) {
        const struct action *action = &world->actions.list[i];
        switch (action->kind) {
        case ACTION_SEND:
            check_sent(world, action);
            break;
        case ACTION_CLOSE:
            conn_of(world, action)->closing = true;
            break;
        case ACTION_DIAL:
            CHECK(!world->left);
            CHECK(action->address.size > 0);
            CHECK(action->ticket > world->last_ticket);
            world->last_ticket = action->ticket;
            CHECK(world->dial_count < DIALS_MAX);
            world->dials[world->dial_count++] = action->ticket;
            break;
        case ACTION_PAUSE:
        case ACTION_EXECUTE:
        case ACTION_FINISHED:
            /* A member does no such thing. */
            CHECK(action->kind == ACTION_SEND);
            break;
        }
    }
}

static void
begin_actions(struct world *world)
{
    arena_reset(&world->arena);
    actions_begin(&world->actions, &world->arena);
}

static void
step(struct world *world, struct event event)
{
    begin_actions(world);
    event.address = SPAN("10.0.0.9:9");
    member_step(world->member, &event, world->now, &world->actions);
    perform(world);
}

static struct fuzz_conn *
new_conn(struct world *world, bool dialed)
{
    for (uint32_t slot = 1; slot < CONNS_MAX; slot++) {
        struct fuzz_conn *conn = &world->conns[slot];
        if (!conn->open) {
            *conn = (struct fuzz_conn){ .open = true, .dialed = dialed };
            conn->conn.v = (uint64_t)++world->generation << 32 | slot;
            return conn;
        }
    }
    return NULL;
}

static uint64_t
take_dial(struct world *world)
{
    uint32_t index = fuzz_byte(&world->program) % world->dial_count;
    uint64_t ticket = world->dials[index];
    world->dials[index] = world->dials[--world->dial_count];
    return ticket;
}

/* Time, with the TICKs that are due. */
static void
let_pass(struct world *world, uint64_t delay_ns)
{
    world->now.mono.ns += delay_ns;
    world->now.wall.ns += (int64_t)delay_ns;
    uint32_t ticks = 0;
    do {
        step(world, (struct event){ .kind = EVENT_TICK });
        ticks++;
    } while (
        ticks < TICKS_MAX && member_deadline(world->member, world->now).ns <= world->now.mono.ns);
    CHECK(ticks < TICKS_MAX || world->mem.cap < MEMORY_MAX);
    for (uint32_t i = 0; i < world->call_count; i++) {
        CHECK(!world->waiting[i] || world->deadlines[i] > world->now.mono.ns);
    }
}

/* The first message that is for a server decides what an accepted connection is. */
static void
note_beginning(struct world *world, struct fuzz_conn *conn, struct span message)
{
    wire_reset(&world->wire);
    if (conn->began || conn->dialed || wire_scan(&world->wire, message) != MESSAGE_OK) {
        return;
    }
    enum envelope_kind kind = world->wire.envelope.kind;
    conn->began =
        kind != ENVELOPE_CONSENSUS && kind != ENVELOPE_NOTICE && kind != ENVELOPE_RESPONSE;
    conn->unread = kind == ENVELOPE_FABRIC;
}

static void
hear(struct world *world)
{
    struct fuzz_conn *conn = pick_conn(world);
    if (conn == NULL) {
        return;
    }
    buf_reset(&world->message);
    world->program.wall_ns = world->now.wall.ns;
    conn->greeted = fuzz_write_message(&world->program, &world->message) || conn->greeted;
    note_beginning(world, conn, buf_span(&world->message));
    step(
        world, (struct event){
                   .kind = EVENT_MESSAGE, .conn = conn->conn, .bytes = buf_span(&world->message) });
}

/* Bytes of the input as they are. */
static void
hear_raw(struct world *world)
{
    struct fuzz_conn *conn = pick_conn(world);
    size_t size = fuzz_byte(&world->program) * (size_t)4;
    size = size < world->program.input.size ? size : world->program.input.size;
    struct span bytes = span_part(world->program.input, 0, size);
    world->program.input = span_after(world->program.input, size);
    if (conn != NULL) {
        /* It may be a STATUS: from now on nothing is known of it. */
        conn->greeted = true;
        note_beginning(world, conn, bytes);
        step(world, (struct event){ .kind = EVENT_MESSAGE, .conn = conn->conn, .bytes = bytes });
    }
}

/* Our own. */

static void
offer(struct world *world)
{
    static const struct span scopes[] = { { (const uint8_t *)"zone", 4 },
        { (const uint8_t *)"region", 6 } };
    uint32_t index = fuzz_byte(&world->program) % OFFERS;
    uint32_t scope = fuzz_byte(&world->program) % COUNT_OF(scopes);
    const struct member_offer offer = {
        .identity = { .name = fuzz_names[index],
            .function_id = fuzz_names[index],
            .version_text = fuzz_versions[0],
            .version = { 1, 0, 0 } },
        .scope = scopes[scope],
        .context = world,
    };
    enum catalog_result result = member_offer(world->member, &offer, world->now);
    CHECK(result != CATALOG_STALE);
    CHECK(result != CATALOG_EXPIRED);
    CHECK(result != CATALOG_UNKNOWN);
    if (result == CATALOG_OK || result == CATALOG_REFRESHED) {
        world->offered[index] = true;
        world->scopes[index] = (char)scopes[scope].data[0];
    }
}

static void
withdraw(struct world *world)
{
    uint32_t index = fuzz_byte(&world->program) % OFFERS;
    const struct function_identity identity = { .name = fuzz_names[index],
        .function_id = fuzz_names[index],
        .version_text = fuzz_versions[0],
        .version = { 1, 0, 0 } };
    const struct text_list none = { .count = 0 };
    enum catalog_result want = world->offered[index] ? CATALOG_OK : CATALOG_UNKNOWN;
    CHECK(member_withdraw(world->member, &identity, &none, PRUNE_OPERATOR) == want);
    world->offered[index] = false;
}

static void
call(struct world *world)
{
    struct span node = FUZZ_PICK(&world->program, fuzz_urls);
    uint64_t delay_ns = fuzz_byte(&world->program) * SEC_NS;
    if (world->call_count == CALLS_MAX) {
        return;
    }
    const struct member_call call = {
        .ticket = world->call_count + 1,
        .function = fuzz_names[0],
        .target_node = node,
        .args = SPAN("[1]"),
        .kwargs = SPAN("{}"),
        .deadline = instant_after(world->now.mono, delay_ns + 1),
    };
    begin_actions(world);
    world->waiting[world->call_count] = true;
    world->deadlines[world->call_count++] = call.deadline.ns;
    if (member_call(world->member, &call, world->now, &world->actions) != MEMBER_CALL_OK) {
        world->waiting[--world->call_count] = false;
        CHECK(world->actions.count == 0);
    }
    perform(world);
}

static void
cancel(struct world *world)
{
    uint64_t index = fuzz_byte(&world->program) % CALLS_MAX;
    member_cancel(world->member, index + 1);
    world->waiting[index] = false;
}

static void
answer(struct world *world)
{
    if (world->owed_count == 0) {
        return;
    }
    uint32_t index = fuzz_byte(&world->program) % world->owed_count;
    struct member_back *back = world->owed[index];
    world->owed[index] = world->owed[--world->owed_count];
    begin_actions(world);
    uint8_t how = fuzz_byte(&world->program);
    if (how < 100) {
        member_answer(world->member, back, true, SPAN("{\"x\":1}"), world->now, &world->actions);
    } else if (how < 200) {
        member_answer_error(
            world->member, back, SPAN("no"), SPAN("Error"), world->now, &world->actions);
    } else {
        member_drop(world->member, back);
    }
    perform(world);
}

static void
leave(struct world *world)
{
    if (world->left || fuzz_byte(&world->program) < 250) {
        return;
    }
    begin_actions(world);
    member_leave(world->member, world->now, &world->actions);
    memset(world->offered, 0, sizeof(world->offered));
    world->left = true;
    perform(world);
}

/* What always holds. */
static void
check_catalog(struct world *world)
{
    const struct catalog *catalog = member_catalog(world->member);
    uint32_t own = 0;
    size_t cursor = 0;
    for (const struct catalog_entry *entry; (entry = catalog_next(catalog, &cursor)) != NULL;) {
        const struct function_key key = catalog_endpoint(entry).key;
        CHECK(span_is(key.cluster_id, "c1"));
        CHECK(key.node_id.size > 0);
        if (!span_is(key.node_id, FUZZ_OWN_URL)) {
            CHECK(entry->context == NULL);
            continue;
        }
        own++;
        for (uint32_t i = 0; i < OFFERS; i++) {
            bool named = span_equal(key.identity.name, fuzz_names[i]);
            CHECK(!named || world->offered[i]);
            CHECK(!named || catalog_endpoint(entry).scope.data[0] == world->scopes[i]);
            CHECK(!named || catalog_endpoint(entry).tags.count == 0);
        }
    }
    for (uint32_t i = 0; i < OFFERS; i++) {
        own -= world->offered[i];
    }
    CHECK(own == 0);
    cursor = 0;
    for (const struct catalog_node *node; (node = catalog_next_node(catalog, &cursor)) != NULL;) {
        CHECK(span_is(node->descriptor.key.cluster_id, "c1"));
    }
}

static void
connect(struct world *world)
{
    bool dialed = fuzz_byte(&world->program) < 128 && world->dial_count > 0;
    struct fuzz_conn *conn = new_conn(world, dialed);
    if (conn != NULL) {
        step(world, (struct event){ .kind = dialed ? EVENT_OPENED : EVENT_ACCEPTED,
                        .conn = conn->conn,
                        .ticket = dialed ? take_dial(world) : 0 });
    }
}

static void
disconnect(struct world *world)
{
    struct fuzz_conn *conn = pick_conn(world);
    if (conn != NULL) {
        conn->open = false;
        step(world, (struct event){ .kind = EVENT_CLOSED, .conn = conn->conn });
    }
}

static void
congest(struct world *world)
{
    struct fuzz_conn *conn = pick_conn(world);
    enum event_kind kind = fuzz_byte(&world->program) < 128 ? EVENT_CONGESTED : EVENT_DRAINED;
    if (conn != NULL) {
        step(world, (struct event){ .kind = kind, .conn = conn->conn });
    }
}

static void
one_step(struct world *world)
{
    static const uint64_t delays_ns[] = { 0, MS_NS, 100 * MS_NS, SEC_NS, 5 * SEC_NS, 30 * SEC_NS,
        61 * SEC_NS, 130 * SEC_NS, 400 * SEC_NS };
    static const int64_t jumps_s[] = { 1, -1, 100, -100, 100000, -100000 };
    switch (fuzz_byte(&world->program) % 20) {
    case 0:
    case 1:
        connect(world);
        break;
    case 2:
        if (world->dial_count > 0) {
            step(world, (struct event){ .kind = EVENT_REFUSED, .ticket = take_dial(world) });
        }
        break;
    case 3:
        disconnect(world);
        break;
    case 4:
        let_pass(world, delays_ns[fuzz_byte(&world->program) % COUNT_OF(delays_ns)]);
        break;
    case 5:
        offer(world);
        break;
    case 6:
        withdraw(world);
        break;
    case 7:
        call(world);
        break;
    case 8:
        cancel(world);
        break;
    case 9:
        answer(world);
        break;
    case 10:
        congest(world);
        break;
    case 11:
        world->now.wall.ns +=
            jumps_s[fuzz_byte(&world->program) % COUNT_OF(jumps_s)] * (int64_t)SEC_NS;
        let_pass(world, 0);
        break;
    case 12:
        world->mem.cap = world->mem.used + fuzz_byte(&world->program) * (size_t)1024;
        break;
    case 13:
        leave(world);
        break;
    case 14:
        hear_raw(world);
        break;
    default:
        hear(world);
        break;
    }
}

static void
begin(struct world *world, struct span input)
{
    *world = (struct world){ .program = { .input = input }, .prng = { 7 } };
    world->now =
        (struct now){ .mono = { 1000 * SEC_NS }, .wall = { 1795335555 * INT64_C(1000000000) } };
    world->log = (struct log){ .level = LOG_LEVEL_DEBUG, .write = on_log };
    mem_init(&world->mem, MEMORY_MAX);
    arena_init(&world->arena, &world->mem);
    wire_init(&world->wire);
    buf_init(&world->message, &world->wire.mem, MESSAGE_SIZE_MAX);
    world->config = (struct member_config){
        .cluster_id = fuzz_clusters[0],
        .url = SPAN(FUZZ_OWN_URL),
        .instance_id = SPAN("own"),
        .seeds = { .items = &fuzz_urls[4], .count = 1 },
        .isolation = { .mode = ISOLATION_STRICT, .cluster_id = fuzz_clusters[0] },
        .function_count_max = 20,
        .call_timeout_ns = 30 * SEC_NS,
    };
    const struct member_events events = {
        .owner = world,
        .asked = on_asked,
        .asked_other = on_asked_other,
        .called = on_called,
        .answered = on_answered,
        .client_gone = on_client_gone,
    };
    world->member = member_create(
        &world->config, &world->mem, (struct hash_key){ 1, 2 }, &events, &world->log, &world->prng);
    CHECK(world->member != NULL);
    step(world, (struct event){ .kind = EVENT_START });
}

static void
end(struct world *world)
{
    member_free(world->member);
    arena_destroy(&world->arena);
    CHECK(world->mem.used == 0);
    buf_destroy(&world->message);
    CHECK(wire_destroy(&world->wire));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    begin(&world, span_from(data, size));
    for (uint32_t i = 0; i < STEPS_MAX && world.program.input.size > 0; i++) {
        one_step(&world);
        check_catalog(&world);
    }
    end(&world);
    return 0;
}
