/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_session_parts.h - what the parts of a link session ask of each other: link_session.c keeps
 * the connection and dials, link_session_newcomer.c chooses it, link_session_frames.c speaks on it,
 * link_session_resume.c keeps what is left when it breaks.
 */
#ifndef BRIDGE_LINK_SESSION_PARTS_H
#define BRIDGE_LINK_SESSION_PARTS_H

#include "bridge/link_session.h"

#define LINK_REASON_SIZE sizeof(((struct link_session_stats *)0)->last_reason)

/* One call of link_session_step() or link_session_fail(). */
struct link_turn {
    const struct event *event; /* NULL in link_session_fail() */
    struct now now;
    struct actions *actions;
    struct link_delivery *delivery;
};

/* What an interval counts as, ours and the far side's alike. */
static inline uint64_t
link_session_keepalive_ns(uint64_t wanted_ns)
{
    uint64_t least_ns = wanted_ns > LINK_KEEPALIVE_MIN_NS ? wanted_ns : LINK_KEEPALIVE_MIN_NS;
    return least_ns < LINK_KEEPALIVE_MAX_NS ? least_ns : LINK_KEEPALIVE_MAX_NS;
}

/* "what: detail", printable and NUL-terminated, cut between characters. */
void link_session_compose(char text[LINK_REASON_SIZE], struct span what, struct span detail);

/* last_error and last_reason: "what: detail", printable. */
void link_session_note_end(
    struct link_session *session, enum link_error_code error, struct span what, struct span detail);

/* In DOWN, when nothing is under way: the next dial comes after a pause. */
void link_session_arm_retry(struct link_session *session, struct instant now);

/* ACCEPTED or OPENED, in any state: greet it, perhaps in the place of another, or refuse it. */
void link_session_admit(struct link_session *session, const struct link_turn *turn);

/* The connection is gone or told to close, and link_session_note_end() has said why: to DOWN. */
void link_session_fall(struct link_session *session, const struct link_turn *turn);

/* We end it: note why, ERROR, close, fall. */
void link_session_break_off(struct link_session *session, const struct link_turn *turn,
    enum link_error_code error, struct span what, struct span detail);

/* EVENT_MESSAGE of the session's connection. */
void link_session_receive(struct link_session *session, const struct link_turn *turn);

/* Greeted, and its connection has just broken: keep what it needs to go on. false: it cannot. */
bool link_session_suspend(struct link_session *session, struct instant now);

/* In DOWN, a newcomer is to be greeted: this session's number is drawn, or taken from the suspended one. */
void link_session_choose_number(struct link_session *session, struct span bridge);

/* GREETING: whether both HELLOs say that the suspended session goes on. */
bool link_session_both_resume(const struct link_session *session, const struct link_hello *hello);

/* They do: take up its place and send what the far side has not received. false: it was refused. */
bool link_session_resume(
    struct link_session *session, const struct link_turn *turn, const struct link_hello *hello);

/* Nothing is left of it. */
void link_session_forget_suspended(struct link_session *session);

/* Its window is over. */
void link_session_end_suspended(struct link_session *session, const struct link_turn *turn);

/* Note it, and end the session: a frame that may not be. */
void link_session_refuse_frame(struct link_session *session, const struct link_turn *turn,
    enum link_error_code error, struct span what, struct span detail);

/* Each sends one frame on the session's connection; ACK only when something is not acknowledged. */
void link_session_send_hello(struct link_session *session, const struct link_turn *turn);
void link_session_send_ping(struct link_session *session, const struct link_turn *turn);
void link_session_send_ack(struct link_session *session, struct actions *actions);
void link_session_send_drain(struct link_session *session, struct actions *actions);

/* ERROR on any connection, and close it. */
void link_session_send_error(struct link_session *session, struct conn_id conn,
    enum link_error_code code, const char *text, struct actions *actions);

#endif
