/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_world.h - one link session in a test: the world around it, the far side's frames, and what
 * the session asked for in its last step. Include it once, in the file with main().
 */
#ifndef TESTS_SUPPORT_LINK_WORLD_H
#define TESTS_SUPPORT_LINK_WORLD_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/link_session.h"
#include "tests/support/link_frames.h"

#define KEEPALIVE_NS (10 * SEC_NS)
#define GREETING_NS  (5 * SEC_NS)
#define BASE_NS      (500 * MS_NS)
#define CAP_NS       (60 * SEC_NS)
#define FACTS_MAX    64

static struct mem mem;
static struct arena arena;
static struct buf wire; /* the frame that the far side sends */
static struct prng prng;
static struct actions actions;
static struct link_delivery delivery;
static struct link_session session;
static struct now now;
static uint64_t conn_last;
static const char *facts[FACTS_MAX];
static size_t fact_count;

static const struct span addresses[] = {
    { (const uint8_t *)"eu-1.example:9443", 17 },
    { (const uint8_t *)"eu-2.example:9443", 17 },
};

static inline void
write_fact(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    (void)host;
    (void)level;
    ck_assert_uint_ge(field_count, 1);
    ck_assert_str_eq(fields[0].key, "link");
    ck_assert(span_is(fields[0].text, "eu"));
    facts[fact_count % FACTS_MAX] = name;
    fact_count++;
}

static struct log log_facts = { .level = LOG_LEVEL_DEBUG, .write = write_fact };

static inline struct link_session_config
sample_config(void)
{
    return (struct link_session_config){
        .name = SPAN("eu"),
        .federation = SPAN("eu"),
        .own_federation = SPAN("us"),
        .own_bridge = SPAN("us-1"),
        .addresses = addresses,
        .address_count = COUNT_OF(addresses),
        .keepalive_ns = KEEPALIVE_NS,
        .dial_timeout_ns = 7 * SEC_NS,
        .greeting_timeout_ns = GREETING_NS,
        .retry = { .base_ns = BASE_NS, .cap_ns = CAP_NS, .stable_ns = 30 * SEC_NS },
        .boot = 4711,
    };
}

static inline void
begin_step(void)
{
    arena_reset(&arena);
    actions_begin(&actions, &arena);
}

static inline void
renew(const struct link_session_config *config)
{
    link_session_destroy(&session);
    link_session_init(&session, config, &mem, &log_facts, &prng);
}

static inline void
setup(void)
{
    struct link_session_config config = sample_config();
    mem_init(&mem, (size_t)1024 * 1024);
    arena_init(&arena, &mem);
    buf_init(&wire, &mem, (size_t)64 * 1024);
    prng.state = 1;
    now = (struct now){ .mono = { 1000 * SEC_NS }, .wall = { INT64_C(1700000000) } };
    conn_last = 0;
    fact_count = 0;
    link_session_init(&session, &config, &mem, &log_facts, &prng);
    begin_step();
}

static inline void
teardown(void)
{
    link_session_destroy(&session);
    arena_destroy(&arena);
    buf_destroy(&wire);
    ck_assert_uint_eq(mem.used, 0);
}

static inline void
step(const struct event *event)
{
    begin_step();
    link_session_step(&session, event, now, &actions, &delivery);
    ck_assert_uint_eq(actions.lost, 0);
}

static inline void
pass(uint64_t duration_ns)
{
    now.mono = instant_after(now.mono, duration_ns);
    now.wall = wall_after(now.wall, duration_ns);
}

static inline void
tick(void)
{
    const struct event event = { .kind = EVENT_TICK };
    step(&event);
}

static inline void
pass_to_deadline(void)
{
    struct instant deadline = link_session_deadline(&session);
    ck_assert_uint_ne(deadline.ns, INSTANT_NEVER.ns);
    pass(instant_between(now.mono, deadline));
    tick();
}

static inline void
start(void)
{
    begin_step();
    link_session_start(&session, now, &actions);
}

static inline struct conn_id
accept_from(struct span federation, struct span bridge)
{
    const struct event event = {
        .kind = EVENT_ACCEPTED,
        .port = PORT_LINK,
        .conn = { ++conn_last },
        .address = SPAN("192.0.2.7:41234"),
        .identity = { .federation = federation, .bridge = bridge },
    };
    step(&event);
    return event.conn;
}

static inline struct conn_id
accept(void)
{
    return accept_from(SPAN("eu"), SPAN("eu-1"));
}

static inline struct conn_id
open_to(struct span federation, struct span bridge)
{
    const struct event event = {
        .kind = EVENT_OPENED,
        .port = PORT_LINK,
        .conn = { ++conn_last },
        .ticket = session.dial_ticket,
        .address = SPAN("192.0.2.8:9443"),
        .identity = { .federation = federation, .bridge = bridge },
    };
    step(&event);
    return event.conn;
}

/* retry_after_ns 0: the far side asks for nothing. */
static inline void
refuse_for(const char *reason, uint64_t retry_after_ns)
{
    const struct event event = {
        .kind = EVENT_REFUSED,
        .ticket = session.dial_ticket,
        .reason = span_from_text(reason),
        .retry_after_ns = retry_after_ns,
    };
    step(&event);
}

static inline void
refuse(const char *reason)
{
    refuse_for(reason, 0);
}

static inline void
close_conn(struct conn_id conn)
{
    const struct event event = {
        .kind = EVENT_CLOSED, .port = PORT_LINK, .conn = conn, .reason = SPAN("reset by peer")
    };
    step(&event);
}

static inline void
hear_bytes(struct span bytes)
{
    const struct event event = {
        .kind = EVENT_MESSAGE, .port = PORT_LINK, .conn = session.conn, .bytes = bytes
    };
    step(&event);
}

static inline void
hear(const struct link_frame *frame)
{
    buf_reset(&wire);
    link_frames_encode(&wire, frame);
    ck_assert(!wire.overflowed);
    hear_bytes(buf_span(&wire));
}

static inline struct link_frame
sample_hello(void)
{
    return (struct link_frame){
        .type = LINK_FRAME_HELLO,
        .hello = {
            .version_min = 1,
            .version_max = 1,
            .federation = SPAN("eu"),
            .bridge = SPAN("eu-1"),
            .session = 5,
            .boot = 6,
            .keepalive_ns = KEEPALIVE_NS,
        },
    };
}

static inline void
hear_hello(void)
{
    const struct link_frame hello = sample_hello();
    hear(&hello);
}

static inline void
hear_sequence(enum link_frame_type type, uint64_t sequence)
{
    static const uint64_t route_ids[] = { 1 };
    struct link_frame frame = { .type = type, .sequence = sequence };
    if (type == LINK_FRAME_WITHDRAW) {
        frame.withdraw = (struct link_withdraw){
            .sequence = sequence, .route_ids = route_ids, .route_count = 1
        };
    } else if (type == LINK_FRAME_END_OF_SYNC) {
        frame.end_of_sync = (struct link_end_of_sync){ .sequence = sequence };
    }
    hear(&frame);
}

/* A reply that nobody waits for, as the port would send it. Returns its number. */
static inline uint64_t
send_numbered(void)
{
    const struct link_reply reply = { .call_id = 1, .status = LINK_REPLY_OK, .body = SPAN("1") };
    buf_reset(&wire);
    link_encode_reply_head(&wire, &reply);
    uint64_t number = link_session_next_sequence(&session);
    const struct span parts[] = { buf_span(&wire), reply.body };
    arena_reset(&arena);
    actions_begin(&actions, &arena);
    link_session_send_numbered(&session, parts, COUNT_OF(parts), now, &actions);
    return number;
}

static inline void
hear_ping(enum link_frame_type type, uint64_t number)
{
    struct link_frame frame = { .type = type };
    if (type == LINK_FRAME_PONG) {
        frame.pong.number = number;
    } else {
        frame.ping.number = number;
    }
    hear(&frame);
}

static inline void
bring_up(void)
{
    accept();
    hear_hello();
    hear_sequence(LINK_FRAME_END_OF_SYNC, 1);
    ck_assert_int_eq(session.state, LINK_UP);
}

/* The frame of this type that the last step sent on `conn`; NULL: there is none. */
static inline const struct link_frame *
sent(enum link_frame_type type, struct conn_id conn)
{
    static struct link_frame frame;
    for (uint32_t i = 0; i < actions.count; i++) {
        const struct action *action = &actions.list[i];
        if (action->kind != ACTION_SEND || !conn_equal(action->conn, conn)) {
            continue;
        }
        ck_assert_uint_eq(action->part_count, 1);
        ck_assert_int_eq(link_decode(action->parts[0], &arena, &frame), LINK_OK);
        if (frame.type == type) {
            return &frame;
        }
    }
    return NULL;
}

/* Of this type on `conn`, in the last step; *last is the last of them. */
static inline uint32_t
gather_sent(enum link_frame_type type, struct conn_id conn, struct link_frame *last)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < actions.count; i++) {
        const struct action *action = &actions.list[i];
        struct link_frame frame;
        if (action->kind == ACTION_SEND && conn_equal(action->conn, conn)) {
            ck_assert_int_eq(link_decode(action->parts[0], &arena, &frame), LINK_OK);
            if (frame.type == type) {
                *last = frame;
                count++;
            }
        }
    }
    return count;
}

static inline uint32_t
count_sent(enum link_frame_type type, struct conn_id conn)
{
    struct link_frame last;
    return gather_sent(type, conn, &last);
}

static inline const struct link_frame *
last_sent(enum link_frame_type type, struct conn_id conn)
{
    static struct link_frame last;
    ck_assert_uint_gt(gather_sent(type, conn, &last), 0);
    return &last;
}

static inline uint32_t
count_actions(enum action_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < actions.count; i++) {
        count += actions.list[i].kind == kind ? 1 : 0;
    }
    return count;
}

static inline bool
closes(struct conn_id conn)
{
    for (uint32_t i = 0; i < actions.count; i++) {
        if (actions.list[i].kind == ACTION_CLOSE && conn_equal(actions.list[i].conn, conn)) {
            return true;
        }
    }
    return false;
}

/* The last step told `conn` this error and closed it. */
static inline void
expect_told(const char *name, struct conn_id conn, enum link_error_code code)
{
    const struct link_frame *error = sent(LINK_FRAME_ERROR, conn);
    ck_assert_msg(error != NULL, "%s: no ERROR was sent", name);
    ck_assert_msg(error->error.code == (uint16_t)code, "%s: told %u, want %s", name,
        error->error.code, link_error_code_name(code));
    ck_assert_msg(error->error.text.size > 0, "%s: an ERROR without a text", name);
    ck_assert_msg(closes(conn), "%s: not closed", name);
}

static inline void
expect_state(const char *name, enum link_state want)
{
    ck_assert_msg(session.state == want, "%s: %s, want %s", name, link_state_name(session.state),
        link_state_name(want));
}

static inline bool
was_logged(const char *fact)
{
    for (size_t i = 0; i < FACTS_MAX && i < fact_count; i++) {
        if (strcmp(facts[i], fact) == 0) {
            return true;
        }
    }
    return false;
}

static inline TCase *
make_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

#endif
