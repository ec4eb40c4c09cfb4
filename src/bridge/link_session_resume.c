/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_session_resume.c - a session that outlives its connection.
 *
 * Both ends remember the two numbers of the session. Each HELLO that offers to go on names the session by the
 * sender's own number, the receiver's, and how much of the receiver's sequence came; both decide alike, each by
 * the two HELLOs alone, and without asking: the session goes on if both name the same two numbers, otherwise a new
 * one begins on both sides. An end that has forgotten a frame that the other may lack never offers.
 */
#include "base/check.h"
#include "bridge/link_session_parts.h"

bool
link_session_is_suspended(const struct link_session *session)
{
    return session->suspension.until.ns != INSTANT_NEVER.ns;
}

void
link_session_forget_suspended(struct link_session *session)
{
    session->suspension = (struct link_suspension){ .until = INSTANT_NEVER };
    link_outbox_reset(&session->outbox);
}

/* An end for these reasons says nothing against the session itself. */
static bool
is_cut(enum link_error_code error)
{
    return error == LINK_ERROR_NONE || error == LINK_ERROR_SILENT || error == LINK_ERROR_REPLACED;
}

bool
link_session_suspend(struct link_session *session, struct instant now)
{
    CHECK(link_session_is_greeted(session));
    bool can = session->config.resume_window_ns > 0 && is_cut(session->stats.last_error) &&
               !session->drains && !session->far_drains && !session->stopping &&
               link_outbox_is_whole(&session->outbox);
    if (!can) {
        link_session_forget_suspended(session);
        return false;
    }
    struct link_suspension *suspension = &session->suspension;
    *suspension = (struct link_suspension){
        .until = instant_after(now, session->config.resume_window_ns),
        .number = session->number,
        .far_number = session->far.session,
        .far_synced = session->far_synced,
        .bridge_size = session->far.bridge.size,
    };
    memcpy(suspension->bridge, session->far.bridge.data, suspension->bridge_size);
    return true;
}

void
link_session_choose_number(struct link_session *session, struct span bridge)
{
    const struct link_suspension *suspension = &session->suspension;
    session->offers = link_session_is_suspended(session) &&
                      span_equal(bridge, span_from(suspension->bridge, suspension->bridge_size)) &&
                      link_outbox_is_whole(&session->outbox);
    session->number = session->offers ? suspension->number : prng_next(session->prng);
    while (session->number == 0) {
        session->number = prng_next(session->prng); /* 0 says that there is none */
    }
}

bool
link_session_both_resume(const struct link_session *session, const struct link_hello *hello)
{
    return session->offers && hello->session == session->suspension.far_number &&
           hello->resume == session->number;
}

/* What is left of the time of calls that wait is less now. */
static bool
send_again(struct link_session *session, const struct link_turn *turn)
{
    struct link_outbox_cursor cursor = { .chunk = NULL };
    struct link_kept kept;
    uint64_t lost = turn->actions->lost;
    while (link_outbox_next(&session->outbox, &cursor, &kept)) {
        uint64_t waited_ns = instant_between(kept.sent_at, turn->now.mono);
        link_call_shorten(kept.data, kept.size, waited_ns / MS_NS);
        link_outbox_touch(&kept, turn->now.mono);
        /* A copy: the outbox may forget it within this step. */
        struct span frame = arena_copy(turn->actions->arena, span_from(kept.data, kept.size));
        if (frame.data == NULL) {
            return false;
        }
        actions_send(turn->actions, session->conn, frame);
    }
    return turn->actions->lost == lost;
}

/* The session cannot go on, although both ends meant it to. */
static void
give_up(struct link_session *session, const struct link_turn *turn, enum link_error_code error,
    struct span what)
{
    link_session_refuse_frame(session, turn, error, what, SPAN_NONE);
    link_session_end_suspended(session, turn);
}

bool
link_session_resume(
    struct link_session *session, const struct link_turn *turn, const struct link_hello *hello)
{
    struct link_outbox *outbox = &session->outbox;
    if (hello->received < outbox->acked || hello->received > outbox->sent) {
        give_up(session, turn, LINK_ERROR_SEQUENCE,
            SPAN("HELLO has received a number that was not sent, or less than an earlier ACK"));
        return false;
    }
    link_outbox_acknowledge(outbox, hello->received);
    session->stats.sequence_acked = hello->received;
    if (!link_outbox_is_whole(outbox) || !send_again(session, turn)) {
        give_up(session, turn, LINK_ERROR_OVERLOADED,
            SPAN("no room to keep what the far side has not received"));
        return false;
    }
    return true;
}

void
link_session_end_suspended(struct link_session *session, const struct link_turn *turn)
{
    CHECK(session->state == LINK_DOWN);
    LOG_WARN(session->log, "link.session_over", LOG_SPAN("link", session->config.name),
        LOG_TEXT("reason", session->stats.last_reason));
    link_session_forget_suspended(session);
    *turn->delivery = (struct link_delivery){
        .kind = LINK_DELIVERS_DOWN,
        .error = session->stats.last_error,
        .reason = span_from_text(session->stats.last_reason),
    };
}
