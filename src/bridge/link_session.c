/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_session.c - the life of one link: one function a state, each with an answer to every event.
 *
 * The order of an end: link_session_note_end() says why (last_reason), then ERROR and CLOSE go out
 * when the connection still lives, then link_session_fall() forgets it, delivers DOWN and arms the
 * next dial.
 */
#include "bridge/link_session.h"

#include "base/check.h"
#include "base/utf8.h"
#include "bridge/link_field.h"
#include "bridge/link_session_parts.h"
#include "core/limits.h"

/* HELLO with two names, or ERROR with a text, and their fields. */
#define SCRATCH_SIZE_MAX ((size_t)4 * 1024)

static_assert(2 * NAME_SIZE_MAX + 256 < SCRATCH_SIZE_MAX, "a HELLO must fit");

bool
link_session_is_greeted(const struct link_session *session)
{
    switch (session->state) {
    case LINK_DOWN:
    case LINK_GREETING:
        return false;
    case LINK_SYNCING:
    case LINK_UP:
    case LINK_DRAINING:
        return true;
    }
    return false;
}

void
link_session_compose(char text[LINK_REASON_SIZE], struct span what, struct span detail)
{
    const struct span parts[] = { what, detail.size > 0 ? SPAN(": ") : SPAN_NONE, detail };
    size_t used = 0;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        for (size_t at = 0; at < parts[i].size;) {
            size_t size = utf8_sequence_size(parts[i], at);
            struct span character = span_part(parts[i], at, size > 0 ? size : 1);
            at += character.size;
            if (link_check_text(character, LINK_TEXT_NOT_EMPTY) != LINK_OK) {
                character = SPAN("?");
            }
            if (character.size >= LINK_REASON_SIZE - used) {
                text[used] = '\0';
                return;
            }
            memcpy(&text[used], character.data, character.size);
            used += character.size;
        }
    }
    text[used] = '\0';
}

void
link_session_note_end(
    struct link_session *session, enum link_error_code error, struct span what, struct span detail)
{
    session->stats.last_error = error;
    link_session_compose(session->stats.last_reason, what, detail);
}

void
link_session_arm_retry(struct link_session *session, struct instant now)
{
    bool wanted = !session->stopping && session->config.address_count > 0 &&
                  session->state == LINK_DOWN && session->dial_ticket == 0;
    uint64_t asked_ns = session->retry_asked_ns;
    session->retry_asked_ns = 0;
    session->retry_at = INSTANT_NEVER;
    if (!wanted) {
        return;
    }
    uint64_t pause_ns = link_retry_pause_ns(&session->retry, session->prng, asked_ns);
    session->retry_at = instant_after(now, pause_ns);
    if (asked_ns > 0) {
        LOG_INFO(session->log, "link.asked_to_wait", LOG_SPAN("link", session->config.name),
            LOG_MS("asked_ms", asked_ns), LOG_MS("pause_ms", pause_ns));
    }
}

static void
dial(struct link_session *session, struct instant now, struct actions *actions)
{
    const struct link_session_config *config = &session->config;
    CHECK(session->state == LINK_DOWN);
    CHECK(session->dial_ticket == 0);
    struct action *action = actions_add(actions, ACTION_DIAL);
    if (action == NULL) {
        link_session_arm_retry(session, now);
        return;
    }
    while (session->dial_ticket == 0) {
        session->dial_ticket = prng_next(session->prng);
    }
    action->port = PORT_LINK;
    action->ticket = session->dial_ticket;
    action->timeout_ns = config->dial_timeout_ns;
    action->address = config->addresses[session->address_next];
    session->address_next = (session->address_next + 1) % config->address_count;
    session->retry_at = INSTANT_NEVER;
    session->stats.dials++;
    LOG_INFO(session->log, "link.connecting", LOG_SPAN("link", config->name),
        LOG_SPAN("address", action->address), LOG_U64("dials", session->stats.dials));
}

/* To DOWN: nothing of the connection is remembered. The caller arms the next dial. */
static void
forget_connection(struct link_session *session)
{
    session->state = LINK_DOWN;
    session->conn = CONN_NONE;
    session->dialed = false;
    session->drains = false;
    session->far_drains = false;
    session->far_synced = false;
    session->offers = false;
    session->unacked = 0;
    session->unacked_size = 0;
    session->far = (struct link_hello){ 0 };
    session->retry_at = INSTANT_NEVER;
    session->greet_by = INSTANT_NEVER;
    session->ping_at = INSTANT_NEVER;
    session->silent_at = INSTANT_NEVER;
    session->ping_sent_at = INSTANT_NEVER;
}

/* The connection is gone or told to close, and link_session_note_end() has said why. */
void
link_session_fall(struct link_session *session, const struct link_turn *turn)
{
    struct link_session_stats *stats = &session->stats;
    CHECK(session->state != LINK_DOWN);
    bool greeted = link_session_is_greeted(session);
    uint64_t lasted_ns = greeted ? instant_between(stats->up_since, turn->now.mono) : 0;
    if (greeted) {
        bool suspended = link_session_suspend(session, turn->now.mono);
        stats->flaps++;
        *turn->delivery = (struct link_delivery){
            .kind = suspended ? LINK_DELIVERS_CUT : LINK_DELIVERS_DOWN,
            .error = stats->last_error,
            .reason = span_from_text(stats->last_reason),
        };
    }
    link_retry_note_session(&session->retry, lasted_ns);
    LOG_WARN(session->log, greeted ? "link.down" : "link.refused",
        LOG_SPAN("link", session->config.name), LOG_SPAN("bridge", session->far.bridge),
        LOG_TEXT("error", link_error_code_name(stats->last_error)),
        LOG_TEXT("reason", stats->last_reason), LOG_MS("lasted_ms", lasted_ns),
        LOG_U64("suspended", link_session_is_suspended(session)));
    forget_connection(session);
    link_session_arm_retry(session, turn->now.mono);
}

/* We end it: say why, close, fall. */
void
link_session_break_off(struct link_session *session, const struct link_turn *turn,
    enum link_error_code error, struct span what, struct span detail)
{
    link_session_note_end(session, error, what, detail);
    link_session_send_error(
        session, session->conn, error, session->stats.last_reason, turn->actions);
    link_session_fall(session, turn);
}

static void
receive_opened(struct link_session *session, const struct link_turn *turn)
{
    session->dial_ticket = 0;
    link_session_admit(session, turn);
}

static void
receive_refused(struct link_session *session, const struct link_turn *turn)
{
    const struct link_session_config *config = &session->config;
    uint32_t last = session->address_next + config->address_count - 1;
    struct span address = config->addresses[last % config->address_count];
    session->dial_ticket = 0;
    session->retry_asked_ns = turn->event->retry_after_ns;
    session->stats.dials_refused++;
    LOG_WARN(session->log, "link.refused", LOG_SPAN("link", config->name),
        LOG_SPAN("address", address), LOG_SPAN("reason", turn->event->reason));
    if (session->state == LINK_DOWN) {
        link_session_note_end(
            session, LINK_ERROR_NONE, SPAN("cannot connect"), turn->event->reason);
        link_session_arm_retry(session, turn->now.mono);
    }
}

static void
receive_closed(struct link_session *session, const struct link_turn *turn)
{
    link_session_note_end(
        session, LINK_ERROR_NONE, SPAN("the connection closed"), turn->event->reason);
    link_session_fall(session, turn);
}

static void
step_down(struct link_session *session, const struct link_turn *turn)
{
    switch (turn->event->kind) {
    case EVENT_TICK:
        if (instant_reached(session->suspension.until, turn->now.mono)) {
            link_session_end_suspended(session, turn);
        }
        if (instant_reached(session->retry_at, turn->now.mono)) {
            dial(session, turn->now.mono, turn->actions);
        }
        break;
    case EVENT_ACCEPTED:
        link_session_admit(session, turn);
        break;
    case EVENT_OPENED:
        receive_opened(session, turn);
        break;
    case EVENT_REFUSED:
        receive_refused(session, turn);
        break;
    case EVENT_START:
    case EVENT_MESSAGE:
    case EVENT_CLOSED:
    case EVENT_CONGESTED:
    case EVENT_DRAINED:
    case EVENT_RESULT:
    case EVENT_STOP:
        break;
    }
}

static void
step_greeting(struct link_session *session, const struct link_turn *turn)
{
    switch (turn->event->kind) {
    case EVENT_TICK:
        if (instant_reached(session->greet_by, turn->now.mono)) {
            link_session_break_off(
                session, turn, LINK_ERROR_SILENT, SPAN("no HELLO came in time"), SPAN_NONE);
        }
        break;
    case EVENT_ACCEPTED:
        link_session_admit(session, turn);
        break;
    case EVENT_OPENED:
        receive_opened(session, turn);
        break;
    case EVENT_REFUSED:
        receive_refused(session, turn);
        break;
    case EVENT_MESSAGE:
        link_session_receive(session, turn);
        break;
    case EVENT_CLOSED:
        receive_closed(session, turn);
        break;
    case EVENT_START:
    case EVENT_CONGESTED:
    case EVENT_DRAINED:
    case EVENT_RESULT:
    case EVENT_STOP:
        break;
    }
}

static void
keep_alive(struct link_session *session, const struct link_turn *turn)
{
    if (instant_reached(session->silent_at, turn->now.mono)) {
        link_session_break_off(session, turn, LINK_ERROR_SILENT,
            SPAN("nothing heard within the hold time"), SPAN_NONE);
        return;
    }
    if (instant_reached(session->ping_at, turn->now.mono)) {
        link_session_send_ack(session, turn->actions);
        link_session_send_ping(session, turn);
        session->ping_at = instant_after(turn->now.mono, session->config.keepalive_ns);
    }
}

/* SYNCING, UP and DRAINING differ only in what they say of the far side's table and of calls. */
static void
step_greeted(struct link_session *session, const struct link_turn *turn)
{
    switch (turn->event->kind) {
    case EVENT_TICK:
        keep_alive(session, turn);
        break;
    case EVENT_ACCEPTED:
        link_session_admit(session, turn);
        break;
    case EVENT_OPENED:
        receive_opened(session, turn);
        break;
    case EVENT_REFUSED:
        receive_refused(session, turn);
        break;
    case EVENT_MESSAGE:
        link_session_receive(session, turn);
        break;
    case EVENT_CLOSED:
        receive_closed(session, turn);
        break;
    case EVENT_START:
    case EVENT_CONGESTED:
    case EVENT_DRAINED:
    case EVENT_RESULT:
    case EVENT_STOP:
        break;
    }
}

void
link_session_init(struct link_session *session, const struct link_session_config *config,
    struct mem *mem, struct log *log, struct prng *prng)
{
    CHECK(config->address_count <= LINK_ADDRESSES_MAX);
    CHECK(config->greeting_timeout_ns > 0);
    CHECK(config->own_bridge.size <= LINK_BRIDGE_NAME_MAX);
    *session = (struct link_session){ .config = *config, .log = log, .prng = prng };
    session->config.keepalive_ns = link_session_keepalive_ns(config->keepalive_ns);
    link_retry_init(&session->retry, &config->retry);
    buf_init(&session->scratch, mem, SCRATCH_SIZE_MAX);
    link_outbox_init(&session->outbox, mem, config->resume_buffer_size);
    link_session_forget_suspended(session);
    forget_connection(session);
}

void
link_session_destroy(struct link_session *session)
{
    buf_destroy(&session->scratch);
    link_outbox_destroy(&session->outbox);
}

void
link_session_start(struct link_session *session, struct now now, struct actions *actions)
{
    session->stopping = false;
    bool idle = session->state == LINK_DOWN && session->dial_ticket == 0;
    if (idle && session->config.address_count > 0) {
        dial(session, now.mono, actions);
    }
}

bool
link_session_owns(const struct link_session *session, const struct event *event)
{
    switch (event->kind) {
    case EVENT_OPENED:
    case EVENT_REFUSED:
        return event->ticket != 0 && event->ticket == session->dial_ticket;
    case EVENT_MESSAGE:
    case EVENT_CLOSED:
    case EVENT_CONGESTED:
    case EVENT_DRAINED:
        return session->state != LINK_DOWN && conn_equal(event->conn, session->conn);
    case EVENT_START:
    case EVENT_TICK:
    case EVENT_ACCEPTED:
    case EVENT_RESULT:
    case EVENT_STOP:
        return false;
    }
    return false;
}

void
link_session_step(struct link_session *session, const struct event *event, struct now now,
    struct actions *actions, struct link_delivery *delivery)
{
    *delivery = (struct link_delivery){ 0 };
    bool for_all = event->kind == EVENT_TICK || event->kind == EVENT_ACCEPTED;
    if (!for_all && !link_session_owns(session, event)) {
        /* Of a connection that was replaced or refused: what it still says is no longer heard. */
        return;
    }
    const struct link_turn turn = {
        .event = event,
        .now = now,
        .actions = actions,
        .delivery = delivery,
    };
    switch (session->state) {
    case LINK_DOWN:
        step_down(session, &turn);
        break;
    case LINK_GREETING:
        step_greeting(session, &turn);
        break;
    case LINK_SYNCING:
    case LINK_UP:
    case LINK_DRAINING:
        step_greeted(session, &turn);
        break;
    }
    CHECK((session->state == LINK_DOWN) == conn_equal(session->conn, CONN_NONE));
}

struct instant
link_session_deadline(const struct link_session *session)
{
    struct instant at = instant_earlier(session->ping_at, session->silent_at);
    at = instant_earlier(instant_earlier(session->retry_at, session->greet_by), at);
    /* While a HELLO that offers to go on is out, only its answer can end the session. */
    return session->state == LINK_DOWN ? instant_earlier(at, session->suspension.until) : at;
}

bool
link_session_carries_calls(const struct link_session *session)
{
    if (link_session_is_suspended(session)) {
        /* The other half is for replies: nobody can tell their callers to come again. */
        return link_outbox_has_room(&session->outbox, session->config.resume_buffer_size / 2);
    }
    return session->state == LINK_SYNCING || session->state == LINK_UP;
}

void
link_session_pause(struct link_session *session, uint64_t duration_ns, struct actions *actions)
{
    CHECK(link_session_is_greeted(session));
    struct action *action = actions_add(actions, ACTION_PAUSE);
    if (action == NULL) {
        return; /* it is heard sooner, which harms nobody but us */
    }
    action->port = PORT_LINK;
    action->conn = session->conn;
    action->timeout_ns = duration_ns;
    session->silent_at = instant_after(session->silent_at, duration_ns);
}

size_t
link_session_frame_size_max(const struct link_session *session)
{
    size_t max = session->far_frame_size_max;
    return max == 0 || max > LINK_FRAME_SIZE_MAX ? LINK_FRAME_SIZE_MAX : max;
}

void
link_session_drain(struct link_session *session, struct actions *actions)
{
    if (!link_session_is_greeted(session) || session->drains) {
        return;
    }
    session->drains = true;
    session->state = LINK_DRAINING;
    link_session_send_drain(session, actions);
}

void
link_session_stop(struct link_session *session, enum link_error_code error, struct span reason,
    struct actions *actions)
{
    session->stopping = true;
    session->stopped_for = error;
    link_session_note_end(session, error, reason, SPAN_NONE);
    if (session->state != LINK_DOWN) {
        link_session_send_error(session, session->conn, error, session->stats.last_reason, actions);
        LOG_INFO(session->log, "link.down", LOG_SPAN("link", session->config.name),
            LOG_SPAN("bridge", session->far.bridge), LOG_TEXT("error", link_error_code_name(error)),
            LOG_TEXT("reason", session->stats.last_reason));
    }
    link_session_forget_suspended(session);
    forget_connection(session);
}

void
link_session_fail(struct link_session *session, enum link_error_code error, struct span reason,
    struct now now, struct actions *actions, struct link_delivery *delivery)
{
    *delivery = (struct link_delivery){ 0 };
    if (session->state == LINK_DOWN) {
        return;
    }
    const struct link_turn turn = { .now = now, .actions = actions, .delivery = delivery };
    link_session_break_off(session, &turn, error, reason, SPAN_NONE);
}

const char *
link_state_name(enum link_state state)
{
    switch (state) {
    case LINK_DOWN:
        return "down";
    case LINK_GREETING:
        return "greeting";
    case LINK_SYNCING:
        return "syncing";
    case LINK_UP:
        return "up";
    case LINK_DRAINING:
        return "draining";
    }
    return "unknown";
}

const char *
link_error_code_name(enum link_error_code code)
{
    switch (code) {
    case LINK_ERROR_NONE:
        return "none";
    case LINK_ERROR_PROTOCOL:
        return "protocol";
    case LINK_ERROR_VERSION:
        return "version";
    case LINK_ERROR_IDENTITY:
        return "identity";
    case LINK_ERROR_REPLACED:
        return "replaced";
    case LINK_ERROR_SILENT:
        return "silent";
    case LINK_ERROR_SEQUENCE:
        return "sequence";
    case LINK_ERROR_SHUTDOWN:
        return "shutdown";
    case LINK_ERROR_NOT_WANTED:
        return "not_wanted";
    case LINK_ERROR_OVERLOADED:
        return "overloaded";
    case LINK_ERROR_LIMIT:
        return "limit";
    case LINK_ERROR_DISABLED:
        return "disabled";
    }
    return "unknown";
}
