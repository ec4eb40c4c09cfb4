/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_rig_book.h - what a member did, written down: the engine and the host of member_rig.h, which
 * is what tests include.
 *
 * After each step the rig asserts what always holds: messages are never empty and go only to connections
 * that are open and not being closed; the running view of the catalog's listener is the catalog.
 */
#ifndef TESTS_SUPPORT_MEMBER_RIG_BOOK_H
#define TESTS_SUPPORT_MEMBER_RIG_BOOK_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/member.h"

#define RIG_URL      "ws://own:1"
#define RIG_CLUSTER  "c1"
#define RIG_INSTANCE "own-instance"

/* The wall clock starts here. */
#define RIG_EPOCH_NS (INT64_C(1795335555) * INT64_C(1000000000))

#define RIG_CONNS_MAX   (MEMBER_CONNECTIONS_MAX + 64)
#define RIG_MESSAGE_MAX ((size_t)3 * 1024 * 1024)
#define RIG_LIST_MAX    8192
#define RIG_TEXT_MAX    4096
#define RIG_TEXTS       16

struct rig_sent {
    struct conn_id conn;
    char *text; /* with a NUL behind it */
    size_t size;
};

struct rig_conn {
    struct conn_id conn;
    bool open;
    bool closing; /* the member asked for its end */
    uint16_t code;
    char reason[124];
};

struct rig_dial {
    uint64_t ticket; /* 0: answered */
    char address[PEER_TEXT_MAX + 1];
};

struct rig_answer {
    uint64_t ticket;
    enum member_outcome outcome;
    char body[RIG_TEXT_MAX];
};

struct rig_call {
    struct member_back *back; /* NULL: answered */
    void *context;
    struct instant deadline;
    char command[128];
    char args[128];
    char from_url[PEER_TEXT_MAX + 1];
};

struct rig {
    struct mem mem;
    struct arena arena;
    struct prng prng;
    struct log log;
    struct member_config config;
    struct member *member;
    struct actions actions;
    struct now now;
    uint64_t next_message_id;
    uint32_t next_slot;
    struct rig_conn conns[RIG_CONNS_MAX]; /* by slot */
    struct rig_sent sent[RIG_LIST_MAX];
    size_t sent_count;
    struct rig_dial dials[RIG_LIST_MAX];
    size_t dial_count;
    struct rig_answer answers[64];
    size_t answer_count;
    struct rig_call calls[64];
    size_t call_count;
    uint32_t asked_count;
    uint32_t asked_other_count;
    uint32_t client_gone_count;
    uint32_t reached_count;
    uint32_t dial_failed_count;
    int64_t view_count; /* entries, as the listener saw them come and go */
    char texts[RIG_TEXTS][RIG_TEXT_MAX];
    uint32_t next_text;
    char message[RIG_MESSAGE_MAX];
};

/* What the engine would do. */

static inline void
rig_copy(char *to, size_t room, struct span text)
{
    ck_assert_uint_lt(text.size, room);
    if (text.size > 0) {
        memcpy(to, text.data, text.size);
    }
    to[text.size] = '\0';
}

static inline void
rig_on_asked(void *owner, struct conn_id conn, const struct rpc_request *request, struct now now,
    struct actions *actions)
{
    struct rig *rig = owner;
    ck_assert_uint_ne(conn.v, 0);
    ck_assert_uint_gt(request->u.size, 0);
    ck_assert_uint_eq(now.mono.ns, rig->now.mono.ns);
    ck_assert_ptr_eq(actions, &rig->actions);
    rig->asked_count++;
}

static inline void
rig_on_asked_other(void *owner, struct conn_id conn, const struct envelope *envelope,
    struct now now, struct actions *actions)
{
    struct rig *rig = owner;
    ck_assert_uint_ne(conn.v, 0);
    ck_assert_uint_gt(envelope->role.size, 0);
    ck_assert_uint_eq(now.mono.ns, rig->now.mono.ns);
    ck_assert_ptr_eq(actions, &rig->actions);
    rig->asked_other_count++;
}

static inline void
rig_on_called(void *owner, const struct member_incoming *incoming, struct member_back *back,
    struct now now, struct actions *actions)
{
    struct rig *rig = owner;
    ck_assert_uint_lt(rig->call_count, COUNT_OF(rig->calls));
    ck_assert_uint_eq(now.mono.ns, rig->now.mono.ns);
    ck_assert_ptr_eq(actions, &rig->actions);
    struct rig_call *call = &rig->calls[rig->call_count++];
    *call = (struct rig_call){
        .back = back, .context = incoming->context, .deadline = incoming->deadline
    };
    rig_copy(call->command, sizeof(call->command), incoming->request.command);
    rig_copy(call->args, sizeof(call->args), incoming->request.args);
    rig_copy(call->from_url, sizeof(call->from_url), incoming->from_url);
}

static inline void
rig_on_answered(void *owner, uint64_t ticket, enum member_outcome outcome, struct span body,
    struct now now, struct actions *actions)
{
    struct rig *rig = owner;
    ck_assert_uint_lt(rig->answer_count, COUNT_OF(rig->answers));
    ck_assert_uint_eq(now.mono.ns, rig->now.mono.ns);
    ck_assert_ptr_eq(actions, &rig->actions);
    struct rig_answer *answer = &rig->answers[rig->answer_count++];
    *answer = (struct rig_answer){ .ticket = ticket, .outcome = outcome };
    rig_copy(answer->body, sizeof(answer->body), body);
}

static inline void
rig_on_client_gone(void *owner, struct conn_id conn)
{
    struct rig *rig = owner;
    ck_assert_uint_ne(conn.v, 0);
    rig->client_gone_count++;
}

static inline void
rig_on_reached(void *owner, struct span node_id)
{
    struct rig *rig = owner;
    ck_assert_uint_gt(node_id.size, 0);
    rig->reached_count++;
}

static inline void
rig_on_dial_failed(void *owner)
{
    struct rig *rig = owner;
    rig->dial_failed_count++;
}

static inline void
rig_on_changed(void *owner, const struct catalog_change *change)
{
    struct rig *rig = owner;
    rig->view_count += (change->kind == CATALOG_ADDED) - (change->kind == CATALOG_REMOVED);
}

static inline void
rig_on_log(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    (void)host;
    (void)level;
    (void)name;
    for (size_t i = 0; i < field_count; i++) {
        ck_assert(fields[i].kind == LOG_KIND_U64 || fields[i].text.size < RIG_MESSAGE_MAX);
    }
}

/* Performing actions. */

static inline void
rig_note_send(struct rig *rig, const struct action *action)
{
    const struct rig_conn *conn = &rig->conns[conn_slot(action->conn)];
    ck_assert_uint_lt(conn_slot(action->conn), RIG_CONNS_MAX);
    ck_assert_msg(conn->open && conn_equal(conn->conn, action->conn),
        "a message to the connection %" PRIx64 ", which is not open", action->conn.v);
    ck_assert_msg(!conn->closing, "a message behind a close");
    ck_assert_uint_lt(rig->sent_count, RIG_LIST_MAX);
    size_t size = 0;
    for (uint32_t i = 0; i < action->part_count; i++) {
        size += action->parts[i].size;
    }
    ck_assert_msg(size > 0, "an empty message");
    struct rig_sent *sent = &rig->sent[rig->sent_count++];
    *sent = (struct rig_sent){ .conn = action->conn, .text = malloc(size + 1) };
    for (uint32_t i = 0; i < action->part_count; i++) {
        if (action->parts[i].size > 0) {
            memcpy(sent->text + sent->size, action->parts[i].data, action->parts[i].size);
        }
        sent->size += action->parts[i].size;
    }
    sent->text[size] = '\0';
}

static inline void
rig_note_close(struct rig *rig, const struct action *action)
{
    ck_assert_uint_lt(conn_slot(action->conn), RIG_CONNS_MAX);
    struct rig_conn *conn = &rig->conns[conn_slot(action->conn)];
    ck_assert(conn->open && conn_equal(conn->conn, action->conn));
    ck_assert_msg(!conn->closing, "closed twice");
    conn->closing = true;
    conn->code = action->code;
    rig_copy(conn->reason, sizeof(conn->reason), action->reason);
}

static inline void
rig_note_dial(struct rig *rig, const struct action *action)
{
    ck_assert_uint_lt(rig->dial_count, RIG_LIST_MAX);
    ck_assert_int_eq(action->port, PORT_CLUSTER);
    ck_assert_uint_ne(action->ticket, 0);
    struct rig_dial *dial = &rig->dials[rig->dial_count++];
    dial->ticket = action->ticket;
    rig_copy(dial->address, sizeof(dial->address), action->address);
}

static inline void
rig_perform(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->actions.count; i++) {
        const struct action *action = &rig->actions.list[i];
        switch (action->kind) {
        case ACTION_SEND:
            rig_note_send(rig, action);
            break;
        case ACTION_CLOSE:
            rig_note_close(rig, action);
            break;
        case ACTION_DIAL:
            rig_note_dial(rig, action);
            break;
        case ACTION_PAUSE:
        case ACTION_EXECUTE:
        case ACTION_FINISHED:
            ck_abort_msg("a member does no such thing");
            break;
        }
    }
    ck_assert_int_eq(rig->view_count, catalog_count(member_catalog(rig->member)));
}

/* What the engine does from outside a step: begin, call the member with &rig->actions, perform. */
static inline void
rig_begin(struct rig *rig)
{
    arena_reset(&rig->arena);
    actions_begin(&rig->actions, &rig->arena);
}

static inline void
rig_step(struct rig *rig, const struct event *event)
{
    rig_begin(rig);
    member_step(rig->member, event, rig->now, &rig->actions);
    rig_perform(rig);
}

static inline void
rig_tick(struct rig *rig)
{
    rig_step(rig, &(struct event){ .kind = EVENT_TICK });
}

/* Forget what was sent so far. */
static inline void
rig_forget(struct rig *rig)
{
    for (size_t i = 0; i < rig->sent_count; i++) {
        free(rig->sent[i].text);
    }
    rig->sent_count = 0;
}

#endif
