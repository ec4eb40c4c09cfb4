/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_session_frames.c - what a link session sends, and what it makes of what it receives.
 *
 * A fault ends the session (link_session_break_off); what is left is counted and delivered.
 */
#include "base/check.h"
#include "bridge/link_session_parts.h"
#include "core/limits.h"

/* Missed intervals that are death. */
#define HOLD_FACTOR 3u

/* The frame in scratch. It is copied: one step may send several, and scratch moves as it grows. */
static void
send_scratch(struct link_session *session, struct conn_id conn, struct actions *actions)
{
    struct span copy = SPAN_NONE;
    if (!session->scratch.overflowed) {
        copy = arena_copy(actions->arena, buf_span(&session->scratch));
    }
    if (copy.data == NULL) {
        actions->lost++;
        return;
    }
    actions_send(actions, conn, copy);
}

void
link_session_send_error(struct link_session *session, struct conn_id conn,
    enum link_error_code code, const char *text, struct actions *actions)
{
    const struct link_error error = {
        .code = (uint16_t)code,
        .text = span_from_text(text),
        .retry_after_ns = code == LINK_ERROR_DISABLED ? LINK_DISABLED_PAUSE_NS : 0,
    };
    buf_reset(&session->scratch);
    link_encode_error(&session->scratch, &error);
    send_scratch(session, conn, actions);
    actions_close(actions, conn, 0, error.text);
}

void
link_session_send_hello(struct link_session *session, const struct link_turn *turn)
{
    const struct link_session_config *config = &session->config;
    const struct link_hello hello = {
        .version_min = LINK_VERSION,
        .version_max = LINK_VERSION,
        .federation = config->own_federation,
        .bridge = config->own_bridge,
        .session = session->number,
        .boot = config->boot,
        .clock = turn->now.wall,
        .keepalive_ns = config->keepalive_ns,
        .frame_size_max = config->frame_size_max,
        .resume = session->offers ? session->suspension.far_number : 0,
        .received = session->offers ? session->stats.sequence_received : 0,
        .stale = session->stale_routes,
    };
    buf_reset(&session->scratch);
    link_encode_hello(&session->scratch, &hello);
    send_scratch(session, session->conn, turn->actions);
}

void
link_session_send_ack(struct link_session *session, struct actions *actions)
{
    if (session->unacked == 0) {
        return;
    }
    session->unacked = 0;
    session->unacked_size = 0;
    buf_reset(&session->scratch);
    link_encode_ack(&session->scratch, session->stats.sequence_received);
    send_scratch(session, session->conn, actions);
}

void
link_session_send_drain(struct link_session *session, struct actions *actions)
{
    buf_reset(&session->scratch);
    link_encode_drain(&session->scratch);
    send_scratch(session, session->conn, actions);
}

/* A ping that is not answered yet is repeated under its number, so that the pong measures the first. */
void
link_session_send_ping(struct link_session *session, const struct link_turn *turn)
{
    if (session->ping_sent_at.ns == INSTANT_NEVER.ns) {
        session->ping_number++;
        session->ping_sent_at = turn->now.mono;
    }
    const struct link_ping ping = {
        .number = session->ping_number,
        .has_table = session->has_table,
        .table = session->table,
    };
    buf_reset(&session->scratch);
    link_encode_ping(&session->scratch, &ping);
    send_scratch(session, session->conn, turn->actions);
}

void
link_session_send_refresh(struct link_session *session, uint64_t number, struct actions *actions)
{
    CHECK(link_session_is_greeted(session));
    buf_reset(&session->scratch);
    link_encode_refresh(&session->scratch, number);
    send_scratch(session, session->conn, actions);
}

uint64_t
link_session_next_sequence(const struct link_session *session)
{
    return session->outbox.sent + 1;
}

void
link_session_send_numbered(struct link_session *session, const struct span *parts,
    uint32_t part_count, struct now now, struct actions *actions)
{
    bool greeted = link_session_is_greeted(session);
    CHECK(greeted || link_session_is_suspended(session));
    link_outbox_add(&session->outbox, parts, part_count, now.mono);
    session->stats.sequence_sent = session->outbox.sent;
    if (greeted) {
        actions_send_parts(actions, session->conn, parts, part_count);
    }
}

void
link_session_refuse_frame(struct link_session *session, const struct link_turn *turn,
    enum link_error_code error, struct span what, struct span detail)
{
    session->stats.frames_refused++;
    link_session_break_off(session, turn, error, what, detail);
}

static void
refuse_type(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    link_session_refuse_frame(session, turn, LINK_ERROR_PROTOCOL,
        SPAN("a frame that may not come in this state"),
        span_from_text(link_frame_type_name(frame->type)));
}

/* The far side ends the session. */
static void
receive_error(
    struct link_session *session, const struct link_turn *turn, const struct link_error *error)
{
    /* A code of a later version is known to be an error, no more. */
    bool known = error->code < LINK_ERROR_CODE_COUNT;
    enum link_error_code code = known ? (enum link_error_code)error->code : LINK_ERROR_PROTOCOL;
    struct span text = error->text;
    if (text.size == 0) {
        text = span_from_text(link_error_code_name(code));
    }
    session->retry_asked_ns = error->retry_after_ns;
    link_session_note_end(session, code, SPAN("the far side says"), text);
    actions_close(turn->actions, session->conn, 0, span_from_text(session->stats.last_reason));
    link_session_fall(session, turn);
}

static void
hear(struct link_session *session, struct instant now)
{
    session->stats.heard_at = now;
    if (link_session_is_greeted(session)) {
        uint64_t own_ns = session->config.keepalive_ns;
        uint64_t far_ns = session->far.keepalive_ns;
        uint64_t slower_ns = own_ns > far_ns ? own_ns : far_ns;
        session->silent_at = instant_after(now, HOLD_FACTOR * slower_ns);
    }
}

/* Both ends have greeted. */
static void
enter_greeted(
    struct link_session *session, const struct link_turn *turn, const struct link_hello *hello)
{
    struct link_session_stats *stats = &session->stats;
    struct span bridge = session->far.bridge;
    session->far = *hello;
    session->far_frame_size_max = hello->frame_size_max;
    session->far.bridge = bridge;
    session->far.federation = session->config.federation;
    session->far.keepalive_ns = link_session_keepalive_ns(hello->keepalive_ns);
    session->state = LINK_SYNCING;
    session->greet_by = INSTANT_NEVER;
    session->ping_at = instant_after(turn->now.mono, session->config.keepalive_ns);
    session->ping_number = 0;
    stats->up_since = turn->now.mono;
    stats->rtt_ns = 0;
    link_health_note_session(&stats->health);
    hear(session, turn->now.mono);
    LOG_INFO(session->log, "link.greeted", LOG_SPAN("link", session->config.name),
        LOG_SPAN("bridge", bridge), LOG_U64("dialed", session->dialed),
        LOG_U64("session", session->number), LOG_U64("far_session", hello->session),
        LOG_U64("far_boot", hello->boot), LOG_MS("far_keepalive_ms", session->far.keepalive_ns));
}

static void
begin_session(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    struct link_session_stats *stats = &session->stats;
    link_session_forget_suspended(session);
    session->has_table = false;
    enter_greeted(session, turn, &frame->hello);
    stats->sessions++;
    stats->sequence_sent = 0;
    stats->sequence_acked = 0;
    stats->sequence_received = 0;
    turn->delivery->kind = LINK_DELIVERS_GREETED;
    turn->delivery->frame = *frame;
}

static void
resume_session(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    struct link_session_stats *stats = &session->stats;
    if (!link_session_resume(session, turn, &frame->hello)) {
        return;
    }
    bool far_synced = session->suspension.far_synced;
    session->suspension.until = INSTANT_NEVER;
    enter_greeted(session, turn, &frame->hello);
    session->far_synced = far_synced;
    session->state = far_synced ? LINK_UP : LINK_SYNCING;
    stats->resumes++;
    turn->delivery->kind = LINK_DELIVERS_RESUMED;
    LOG_INFO(session->log, "link.resumed", LOG_SPAN("link", session->config.name),
        LOG_SPAN("bridge", session->far.bridge), LOG_U64("session", session->number),
        LOG_U64("sent_again", stats->sequence_sent - stats->sequence_acked));
}

static void
receive_hello(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    const struct link_hello *hello = &frame->hello;
    const struct link_session_config *config = &session->config;
    if (hello->version_min > LINK_VERSION || hello->version_max < LINK_VERSION) {
        link_session_refuse_frame(session, turn, LINK_ERROR_VERSION,
            SPAN("no common version; this side speaks version 1 only"), SPAN_NONE);
    } else if (!span_equal(hello->federation, config->federation)) {
        link_session_refuse_frame(session, turn, LINK_ERROR_IDENTITY,
            SPAN("HELLO names another federation than the certificate"), hello->federation);
    } else if (!span_equal(hello->bridge, session->far.bridge)) {
        link_session_refuse_frame(session, turn, LINK_ERROR_IDENTITY,
            SPAN("HELLO names another bridge than the certificate"), hello->bridge);
    } else if (link_session_both_resume(session, hello)) {
        resume_session(session, turn, frame);
    } else {
        begin_session(session, turn, frame);
    }
}

/* A numbered frame has come. */
static void
count_numbered(struct link_session *session, const struct link_turn *turn)
{
    session->stats.sequence_received++;
    session->unacked++;
    session->unacked_size += turn->event->bytes.size;
    if (session->unacked >= LINK_ACK_EVERY || session->unacked_size >= LINK_ACK_EVERY_SIZE) {
        link_session_send_ack(session, turn->actions);
    }
}

/* Whether it is the next one; otherwise the session has ended. */
static bool
take_sequence(struct link_session *session, const struct link_turn *turn, uint64_t sequence)
{
    if (sequence != session->stats.sequence_received + 1) {
        link_session_refuse_frame(session, turn, LINK_ERROR_SEQUENCE,
            SPAN("a number of the sequence is missing or repeated"), SPAN_NONE);
        return false;
    }
    count_numbered(session, turn);
    return true;
}

static void
deliver(const struct link_turn *turn, enum link_delivery_kind kind, const struct link_frame *frame)
{
    turn->delivery->kind = kind;
    turn->delivery->frame = *frame;
}

static void
receive_end_of_sync(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    /* The one of the session's beginning comes first, and once. */
    bool initial = frame->end_of_sync.refresh == 0;
    if (session->far_synced == initial) {
        refuse_type(session, turn, frame);
        return;
    }
    if (!take_sequence(session, turn, frame->end_of_sync.sequence)) {
        return;
    }
    link_session_send_ack(session, turn->actions);
    deliver(turn, LINK_DELIVERS_SYNCED, frame);
    if (!initial) {
        return;
    }
    session->far_synced = true;
    if (session->state == LINK_SYNCING) {
        session->state = LINK_UP;
    }
    LOG_INFO(session->log, "link.up", LOG_SPAN("link", session->config.name),
        LOG_SPAN("bridge", session->far.bridge),
        LOG_MS("sync_ms", instant_between(session->stats.up_since, turn->now.mono)));
}

static void
receive_ack(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    struct link_session_stats *stats = &session->stats;
    if (frame->sequence < stats->sequence_acked || frame->sequence > stats->sequence_sent) {
        link_session_refuse_frame(session, turn, LINK_ERROR_SEQUENCE,
            SPAN("ACK of a number that was not sent, or below an earlier ACK"), SPAN_NONE);
        return;
    }
    link_outbox_acknowledge(&session->outbox, frame->sequence);
    stats->sequence_acked = frame->sequence;
}

static void
receive_ping(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    const struct link_pong pong = { .number = frame->ping.number, .clock = turn->now.wall };
    buf_reset(&session->scratch);
    link_encode_pong(&session->scratch, &pong);
    send_scratch(session, session->conn, turn->actions);
    if (frame->ping.has_table) {
        deliver(turn, LINK_DELIVERS_TABLE, frame);
    }
}

/* The pong that was awaited: how far away the far side is, and what time it is there. */
static void
measure(struct link_session *session, const struct link_turn *turn, struct wall far_clock)
{
    struct link_session_stats *stats = &session->stats;
    stats->rtt_ns = instant_between(session->ping_sent_at, turn->now.mono);
    session->ping_sent_at = INSTANT_NEVER;
    link_health_note_round_trip(&stats->health, stats->rtt_ns);
    int64_t offset_ns = 0;
    if (far_clock.ns != 0 &&
        link_health_note_clock(&stats->health, far_clock, stats->rtt_ns, turn->now.wall) &&
        link_health_clock_offset(&stats->health, &offset_ns)) {
        LOG_WARN(session->log, "link.clock_offset", LOG_SPAN("link", session->config.name),
            LOG_SPAN("bridge", session->far.bridge),
            LOG_TEXT("far_clock", offset_ns < 0 ? "behind" : "ahead"),
            LOG_MS("offset_ms", (uint64_t)(offset_ns < 0 ? -offset_ns : offset_ns)),
            LOG_TEXT("advice", "set the clocks of both bridges (NTP): certificates and rules with "
                               "a validity go by them"));
    }
}

static void
receive_pong(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    const struct link_pong *pong = &frame->pong;
    if (pong->number == 0 || pong->number > session->ping_number) {
        link_session_refuse_frame(
            session, turn, LINK_ERROR_PROTOCOL, SPAN("PONG without its PING"), SPAN_NONE);
        return;
    }
    bool awaited = session->ping_sent_at.ns != INSTANT_NEVER.ns;
    if (awaited && pong->number == session->ping_number) {
        measure(session, turn, pong->clock);
    }
}

static void
receive_drain(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    if (session->far_drains) {
        refuse_type(session, turn, frame);
        return;
    }
    session->far_drains = true;
    session->state = LINK_DRAINING;
    deliver(turn, LINK_DELIVERS_DRAIN, frame);
}

static void
receive_greeting_frame(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    switch (frame->type) {
    case LINK_FRAME_HELLO:
        receive_hello(session, turn, frame);
        break;
    case LINK_FRAME_ERROR:
        receive_error(session, turn, &frame->error);
        break;
    case LINK_FRAME_READY:
    case LINK_FRAME_ANNOUNCE:
    case LINK_FRAME_WITHDRAW:
    case LINK_FRAME_END_OF_SYNC:
    case LINK_FRAME_ACK:
    case LINK_FRAME_CALL:
    case LINK_FRAME_REPLY:
    case LINK_FRAME_PING:
    case LINK_FRAME_PONG:
    case LINK_FRAME_DRAIN:
    case LINK_FRAME_REFRESH:
    case LINK_FRAME_REPORT:
        refuse_type(session, turn, frame);
        break;
    }
}

static void
receive_greeted_frame(
    struct link_session *session, const struct link_turn *turn, const struct link_frame *frame)
{
    switch (frame->type) {
    case LINK_FRAME_ANNOUNCE:
        if (take_sequence(session, turn, frame->announce.sequence)) {
            deliver(turn, LINK_DELIVERS_ANNOUNCE, frame);
        }
        break;
    case LINK_FRAME_WITHDRAW:
        if (take_sequence(session, turn, frame->withdraw.sequence)) {
            deliver(turn, LINK_DELIVERS_WITHDRAW, frame);
        }
        break;
    case LINK_FRAME_END_OF_SYNC:
        receive_end_of_sync(session, turn, frame);
        break;
    case LINK_FRAME_ACK:
        receive_ack(session, turn, frame);
        break;
    case LINK_FRAME_CALL:
        count_numbered(session, turn);
        deliver(turn, LINK_DELIVERS_CALL, frame);
        break;
    case LINK_FRAME_REPLY:
        count_numbered(session, turn);
        deliver(turn, LINK_DELIVERS_REPLY, frame);
        break;
    case LINK_FRAME_REFRESH:
        deliver(turn, LINK_DELIVERS_REFRESH, frame);
        break;
    case LINK_FRAME_REPORT:
        deliver(turn, LINK_DELIVERS_REPORT, frame);
        break;
    case LINK_FRAME_PING:
        receive_ping(session, turn, frame);
        break;
    case LINK_FRAME_PONG:
        receive_pong(session, turn, frame);
        break;
    case LINK_FRAME_DRAIN:
        receive_drain(session, turn, frame);
        break;
    case LINK_FRAME_ERROR:
        receive_error(session, turn, &frame->error);
        break;
    case LINK_FRAME_READY:
    case LINK_FRAME_HELLO:
        refuse_type(session, turn, frame);
        break;
    }
}

void
link_session_receive(struct link_session *session, const struct link_turn *turn)
{
    struct link_frame frame;
    session->stats.frames_received++;
    hear(session, turn->now.mono);
    enum link_result result = link_decode(turn->event->bytes, turn->actions->arena, &frame);
    if (result == LINK_NO_MEMORY) {
        link_session_refuse_frame(
            session, turn, LINK_ERROR_OVERLOADED, SPAN("no memory for a frame"), SPAN_NONE);
    } else if (result != LINK_OK) {
        link_session_refuse_frame(session, turn, LINK_ERROR_PROTOCOL,
            SPAN("a frame that cannot be"), span_from_text(link_result_name(result)));
    } else if (link_session_is_greeted(session)) {
        receive_greeted_frame(session, turn, &frame);
    } else {
        receive_greeting_frame(session, turn, &frame);
    }
}
