/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_node.c - bytes become a life of one node: connections that come and go, requests and calls on
 * them, results of workers, time, and sometimes too little memory.
 *
 * Held: every message that is sent is JSON; no request is answered more often than it was asked; a
 * function is executed only for somebody; all memory comes back (node_free CHECKs it).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_scan.h"
#include "core/limits.h"
#include "node/node.h"
#include "tests/support/check_failed.h"
#include "tests/support/node_rig.h"

#define SLOTS         6u
#define ASKED_MAX     4096u
#define OPEN_MAX      4096u
#define MESSAGE_MAX   8192u
#define STEPS_MAX     400u
#define MEMORY_CHOICE 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

static const struct node_function functions[] = {
    { .identity = { TEXT("add"), TEXT("add"), TEXT("2.1.0"), { 2, 1, 0 }, NULL }, .worker = 1 },
    { .identity = { TEXT("math.mul"), TEXT("mul"), TEXT("1.0.0"), { 1, 0, 0 }, NULL },
        .worker = 2 },
};

static struct rig rig;

/* What the host of this node would know. */
struct world {
    struct span rest; /* of the input */
    uint64_t conns[SLOTS];
    uint64_t generation;
    uint64_t executing[OPEN_MAX];
    uint32_t executing_count;
    uint64_t dialing[OPEN_MAX];
    uint32_t dialing_count;
    char called[64][64]; /* request ids of calls to other nodes */
    uint32_t called_count;
    uint32_t asked[ASKED_MAX];
    uint32_t answered[ASKED_MAX];
    uint32_t next_u;
    bool stopped;
};

static struct world world;
static struct mem scan_mem;
static struct json_tape scan_tape;

static uint32_t
take(uint32_t limit)
{
    if (world.rest.size == 0) {
        return 0;
    }
    uint32_t value = world.rest.data[0];
    world.rest = span_after(world.rest, 1);
    return value % limit;
}

/* The number of a `u` of ours, or ASKED_MAX. */
static uint32_t
number_of(const struct json_doc *doc)
{
    uint32_t u = 0;
    const struct json_want want = { SPAN("u"), &u };
    if (json_pick(doc, 0, &want, 1, NULL) != JSON_PICK_OK || u == 0) {
        return ASKED_MAX;
    }
    struct span raw = json_raw(doc, u);
    if (raw.size < 4 || raw.data[1] != 'q') {
        return ASKED_MAX;
    }
    uint32_t number = 0;
    for (size_t i = 2; i + 1 < raw.size; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9' || number >= ASKED_MAX) {
            return ASKED_MAX;
        }
        number = number * 10 + (uint32_t)(raw.data[i] - '0');
    }
    return number < ASKED_MAX ? number : ASKED_MAX;
}

static bool
scan(struct span text, struct json_doc *doc)
{
    const struct span opaque[] = { SPAN("args"), SPAN("kwargs"), SPAN("r"), SPAN("result") };
    return json_scan(text, opaque, COUNT_OF(opaque), &scan_tape, doc, NULL) == JSON_OK;
}

static void
note_sent(const struct rig_action *action)
{
    struct json_doc doc;
    uint32_t r = 0;
    const struct json_want want = { SPAN("r"), &r };
    bool valid = scan(span_from_text(action->text), &doc);
    CHECK(valid);
    if (json_pick(&doc, 0, &want, 1, NULL) == JSON_PICK_OK && r != 0) {
        uint32_t number = number_of(&doc);
        if (number < ASKED_MAX) {
            world.answered[number]++;
            CHECK(world.answered[number] <= world.asked[number]);
        }
        return;
    }
    if (strstr(action->text, "\"rpc-request\"") != NULL) {
        char *id = world.called[world.called_count++ % COUNT_OF(world.called)];
        rig_read(action->text, "request_id", id, sizeof(world.called[0]));
    }
}

static void
note_actions(void)
{
    struct json_doc doc;
    for (uint32_t i = 0; i < rig.count; i++) {
        const struct rig_action *action = &rig.actions[i];
        switch (action->kind) {
        case ACTION_SEND:
            note_sent(action);
            break;
        case ACTION_EXECUTE: {
            bool valid = scan(span_from_text(action->text), &doc);
            CHECK(valid);
            valid = scan(span_from_text(action->kwargs), &doc);
            CHECK(valid);
            CHECK(world.executing_count < OPEN_MAX);
            world.executing[world.executing_count++] = action->ticket;
            break;
        }
        case ACTION_DIAL:
            CHECK(world.dialing_count < OPEN_MAX);
            world.dialing[world.dialing_count++] = action->ticket;
            break;
        case ACTION_FINISHED:
            CHECK(world.stopped);
            break;
        case ACTION_PAUSE: /* a node has no links */
            CHECK(action->kind != ACTION_PAUSE);
            break;
        case ACTION_CLOSE:
            break;
        }
    }
}

static void
give(uint64_t conn, const char *text)
{
    struct json_doc doc;
    if (conn == 0) {
        return;
    }
    if (scan(span_from_text(text), &doc) && json_kind_of(&doc, 0) == JSON_KIND_OBJECT) {
        uint32_t number = number_of(&doc);
        world.asked[number < ASKED_MAX ? number : 0] += number < ASKED_MAX;
    }
    rig_message(&rig, conn, text);
}

static void
come(uint32_t slot)
{
    if (world.conns[slot] == 0) {
        world.conns[slot] = ++world.generation << 32 | slot;
        rig_event(&rig, EVENT_ACCEPTED, world.conns[slot]);
    }
}

static void
go(uint32_t slot)
{
    if (world.conns[slot] != 0) {
        rig_event(&rig, EVENT_CLOSED, world.conns[slot]);
        world.conns[slot] = 0;
    }
}

/* A request of some commands that may refer to each other. */
static void
ask(uint32_t slot)
{
    static const char *const names[] = { "a", "b", "c", "a.v", "", "add" };
    static const char *const called[] = { "echo", "add", "far", "math.mul", "echos", "nope",
        "rpc_list", "list_peers", "cluster_map_v2", "catalog_query", "summary_query", "rpc_report",
        "rpc_describe", "namespace_status", "catalog_watch", "dns_register" };
    static const char *const args[] = { "[1]", "[\"a\"]", "[\"b.v\"]", "[{\"x\":[\"c\",\"a.v\"]}]",
        "[]", "[\"\\u0061\"]", "[{\"scope\":\"zone\",\"limit\":2}]",
        "[{\"entry_type\":\"functions\",\"page_token\":\"1:3\",\"query\":\"e\"}]",
        "[{\"entry_type\":\"nodes\",\"namespace\":\"a\",\"include_ingress\":true}]", "[1,2]",
        "[{\"v\":{\"w\":null}}]", "[[\"a\",\"a\",\"a\"]]" };
    static const char *const more[] = { "", ",\"kwargs\":{\"k\":\"b\"}",
        ",\"version_constraint\":\">=2\"", ",\"version_constraint\":\"x\"", ",\"locs\":[\"gpu\"]",
        ",\"target_cluster\":\"c2\"", ",\"function_id\":\"mul\"", ",\"kwargs\":{\"arg\":\"a.v\"}" };
    char message[MESSAGE_MAX];
    uint32_t count = take(5);
    int at = snprintf(message, sizeof(message), "{\"role\":\"rpc\",\"cmds\":[");
    for (uint32_t i = 0; i < count; i++) {
        at += snprintf(&message[at], sizeof(message) - (size_t)at,
            "%s{\"name\":\"%s\",\"fun\":\"%s\",\"args\":%s%s}", i == 0 ? "" : ",",
            names[take(COUNT_OF(names))], called[take(COUNT_OF(called))],
            args[take(COUNT_OF(args))], more[take(COUNT_OF(more))]);
    }
    (void)snprintf(&message[at], sizeof(message) - (size_t)at,
        "],\"u\":\"q%u\",\"return_intermediate_results\":%s,\"include_execution_summary\":%s}",
        world.next_u++ % ASKED_MAX, take(2) == 0 ? "false" : "true",
        take(2) == 0 ? "false" : "true");
    give(world.conns[slot], message);
}

static void
speak_pubsub(uint32_t slot)
{
    static const char *const messages[] = {
        "{\"role\":\"pubsub-subscribe\",\"subscription\":{\"subscription_id\":\"s\",\"patterns\":["
        "{\"pattern\":\"a.#\"}],\"subscriber\":\"x\",\"created_at\":1},\"u\":\"p\"}",
        "{\"role\":\"pubsub-subscribe\",\"subscription\":{\"subscription_id\":\"t\",\"patterns\":["
        "],\"subscriber\":\"x\",\"created_at\":1},\"u\":\"p\"}",
        "{\"role\":\"pubsub-unsubscribe\",\"subscription_id\":\"s\",\"u\":\"p\"}",
        "{\"role\":\"pubsub-publish\",\"message\":{\"topic\":\"a.b\",\"payload\":null,"
        "\"timestamp\":1,\"message_id\":\"m\",\"publisher\":\"x\"},\"u\":\"p\"}",
        "{\"role\":\"nonsense\",\"u\":\"p\"}",
        "{\"role\":\"pubsub-publish\",\"u\":\"p\"}",
    };
    give(world.conns[slot], messages[take(COUNT_OF(messages))]);
}

/* Slots 0 and 1 are where other nodes speak. */
static void
speak_as_node(uint32_t slot)
{
    static const char *const urls[] = { "ws://127.0.0.1:7002", "ws://127.0.0.1:7003" };
    static const char *const outcomes[] = { "\"success\":true,\"result\":{\"v\":[1]}",
        "\"success\":true", "\"success\":false,\"error\":{\"error\":\"no\",\"code\":2002}",
        "\"success\":false" };
    uint32_t node = slot % COUNT_OF(urls);
    uint64_t conn = world.conns[node];
    uint32_t what = take(4);
    if (what == 0) {
        if (conn == 0) {
            world.conns[node] = conn = ++world.generation << 32 | node;
            uint32_t kind = take(4);
            rig_meet_tagged(&rig, conn, urls[node], kind % 2 == 0 ? "far" : "add",
                kind < 2 ? "public" : FUNCTION_TAG_IDEMPOTENT);
        }
        return;
    }
    if (conn == 0) {
        return;
    }
    if (what == 1) {
        static const char *const wanted[] = { "add", "echo", "nope", "list_peers", "math.mul" };
        rig_call(&rig, conn, urls[node], wanted[take(COUNT_OF(wanted))], "[1]");
    } else if (world.called_count > 0) {
        char request[128];
        uint32_t which = take(world.called_count < 64 ? world.called_count : 64);
        (void)snprintf(request, sizeof(request), "\"request_id\":\"%s\"", world.called[which]);
        rig_respond(&rig, conn, urls[node], request, outcomes[take(COUNT_OF(outcomes))]);
    }
}

static void
end_work(void)
{
    static const char *const results[] = { "1", "{\"v\":5}", "null", "\"a\"", "[[{\"v\":\"a.v\"}]]",
        "{\"v\":{\"v\":{\"v\":1}}}" };
    if (world.executing_count == 0) {
        return;
    }
    uint32_t which = take(world.executing_count < 256 ? world.executing_count : 256);
    uint64_t ticket = world.executing[which];
    world.executing[which] = world.executing[--world.executing_count];
    uint32_t how = take(COUNT_OF(results) + 1);
    if (how == COUNT_OF(results)) {
        rig_failure(&rig, ticket, "ValueError", "no \"reason\"");
    } else {
        rig_result(&rig, ticket, results[how]);
    }
}

static void
end_dial(void)
{
    if (world.dialing_count == 0) {
        return;
    }
    struct event event = {
        .kind = EVENT_REFUSED,
        .ticket = world.dialing[--world.dialing_count],
        .reason = SPAN("nobody there"),
    };
    uint32_t slot = take(SLOTS);
    if (world.conns[slot] == 0 && take(2) == 1) {
        world.conns[slot] = ++world.generation << 32 | slot;
        event.kind = EVENT_OPENED;
        event.conn.v = world.conns[slot];
    }
    rig_step(&rig, &event);
}

/* The bytes themselves, up to the next NUL. */
static void
say_anything(uint32_t slot)
{
    char message[MESSAGE_MAX];
    size_t size = span_find(world.rest, '\0');
    size = size < sizeof(message) - 1 ? size : sizeof(message) - 1;
    if (size > 0) {
        memcpy(message, world.rest.data, size);
    }
    message[size] = '\0';
    world.rest = span_after(world.rest, size);
    give(world.conns[slot], message);
}

static void
do_something(void)
{
    uint32_t what = take(12);
    uint32_t slot = take(SLOTS);
    switch (what) {
    case 0:
        come(slot);
        break;
    case 1:
        go(slot);
        break;
    case 2:
    case 3:
    case 4:
        ask(slot);
        break;
    case 5:
        speak_pubsub(slot);
        break;
    case 6:
        speak_as_node(slot);
        break;
    case 7:
        end_work();
        break;
    case 8:
        rig_wait(&rig, take(40) * SEC_NS);
        break;
    case 9:
        rig_event(&rig, take(2) == 0 ? EVENT_CONGESTED : EVENT_DRAINED, world.conns[slot]);
        break;
    case 10:
        say_anything(slot);
        break;
    case 11:
        if (take(8) == 7) {
            world.stopped = true;
            rig_event(&rig, EVENT_STOP, 0);
        } else {
            end_dial();
        }
        break;
    default:
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world = (struct world){ .rest = { data, size } };
    mem_init(&scan_mem, SIZE_MAX);
    json_tape_init(&scan_tape, &scan_mem);
    struct node_config config = rig_config(functions, COUNT_OF(functions));
    /* Mostly plenty; else what is enough to start and then soon not. */
    uint32_t memory = take(MEMORY_CHOICE);
    config.memory_max = memory < 5 ? RIG_MEMORY_MAX : (size_t)100000 * (1 + take(8));
    rig.config = config;
    rig.now.mono.ns = 1000 * SEC_NS;
    rig.now.wall.ns = INT64_C(1790000000) * (int64_t)SEC_NS;
    rig.log = (struct log){ .level = LOG_LEVEL_DEBUG, .write = rig_ignore_log };
    rig.node = node_create(&config, (struct hash_key){ 1, 2 }, 3, &rig.log);
    if (rig.node != NULL) {
        rig_event(&rig, EVENT_START, 0);
        note_actions();
        for (uint32_t i = 0; i < STEPS_MAX && world.rest.size > 0; i++) {
            rig_forget(&rig);
            do_something();
            note_actions();
            (void)node_deadline(rig.node, rig.now);
            struct node_stats stats = node_stats(rig.node);
            CHECK(stats.memory_used <= config.memory_max);
        }
        rig_stop(&rig);
    }
    json_tape_destroy(&scan_tape);
    CHECK(scan_mem.used == 0);
    return 0;
}
