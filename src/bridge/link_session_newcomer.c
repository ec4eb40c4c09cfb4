/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_session_newcomer.c - whether a new connection becomes the session's: one link, one
 * connection.
 *
 * Crossing. When both ends dial, two connections to the same bridge can meet. Each end decides by
 * itself, so the rule must not depend on who sees what first: the connection survives that was
 * dialed by the end whose (federation, bridge) orders lower, bytewise. It holds only while the
 * older one is younger than LINK_CROSSING_NS: an end dials only when it has no connection, so a dial
 * that meets an older connection shows that this one is dead at the far end, and the newer takes its
 * place.
 */
#include "base/check.h"
#include "bridge/link_session_parts.h"

/* A connection that does not become ours: say why, close. What we hold is not touched. */
static void
refuse_newcomer(struct link_session *session, const struct link_turn *turn,
    enum link_error_code error, struct span what, struct span detail)
{
    const struct event *event = turn->event;
    char text[LINK_REASON_SIZE];
    link_session_compose(text, what, detail);
    link_session_send_error(session, event->conn, error, text, turn->actions);
    LOG_WARN(session->log, "link.refused", LOG_SPAN("link", session->config.name),
        LOG_SPAN("bridge", event->identity.bridge), LOG_SPAN("address", event->address),
        LOG_TEXT("error", link_error_code_name(error)), LOG_TEXT("reason", text));
    if (session->state != LINK_DOWN) {
        return;
    }
    link_session_note_end(session, error, what, detail);
    if (event->kind == EVENT_OPENED) {
        link_session_arm_retry(session, turn->now.mono);
    }
}

static void
greet_newcomer(struct link_session *session, const struct link_turn *turn)
{
    const struct event *event = turn->event;
    struct span bridge = event->identity.bridge;
    CHECK(session->state == LINK_DOWN);
    CHECK(bridge.size <= sizeof(session->far_bridge));
    session->state = LINK_GREETING;
    session->conn = event->conn;
    session->dialed = event->kind == EVENT_OPENED;
    memcpy(session->far_bridge, bridge.data, bridge.size);
    session->far.bridge = span_from(session->far_bridge, bridge.size);
    session->far.federation = session->config.federation;
    link_session_choose_number(session, bridge);
    session->retry_at = INSTANT_NEVER;
    session->greet_by = instant_after(turn->now.mono, session->config.greeting_timeout_ns);
    session->stats.heard_at = turn->now.mono;
    link_session_send_hello(session, turn);
}

/* Whether the newcomer takes the place of the connection that we hold; see the head of this file. */
static bool
newcomer_wins(const struct link_session *session, const struct link_turn *turn)
{
    const struct event *event = turn->event;
    bool dialed = event->kind == EVENT_OPENED;
    if (!span_equal(event->identity.bridge, session->far.bridge)) {
        return !link_session_is_greeted(session);
    }
    bool old = link_session_is_greeted(session) &&
               instant_between(session->stats.up_since, turn->now.mono) >= LINK_CROSSING_NS;
    if (dialed == session->dialed || (old && !dialed)) {
        return true;
    }
    /* The federations differ, so the bridges need not be compared. */
    const struct link_session_config *config = &session->config;
    bool ours_survives = span_compare(config->own_federation, config->federation) < 0;
    return dialed == ours_survives;
}

static void
replace_with_newcomer(struct link_session *session, const struct link_turn *turn)
{
    const struct event *event = turn->event;
    LOG_INFO(session->log, "link.replaced", LOG_SPAN("link", session->config.name),
        LOG_SPAN("bridge", event->identity.bridge), LOG_SPAN("address", event->address),
        LOG_TEXT("state", link_state_name(session->state)));
    link_session_break_off(session, turn, LINK_ERROR_REPLACED,
        SPAN("replaced by a newer connection of bridge"), event->identity.bridge);
    greet_newcomer(session, turn);
}

void
link_session_admit(struct link_session *session, const struct link_turn *turn)
{
    const struct link_session_config *config = &session->config;
    const struct link_identity *far = &turn->event->identity;
    if (session->stopping) {
        refuse_newcomer(
            session, turn, session->stopped_for, SPAN("this link is stopped"), config->name);
    } else if (span_equal(far->federation, config->own_federation)) {
        refuse_newcomer(session, turn, LINK_ERROR_IDENTITY,
            SPAN("the certificate names our own federation"), far->federation);
    } else if (!span_equal(far->federation, config->federation)) {
        refuse_newcomer(session, turn, LINK_ERROR_IDENTITY,
            SPAN("the certificate names another federation"), far->federation);
    } else if (config->bridge.size > 0 && !span_equal(far->bridge, config->bridge)) {
        refuse_newcomer(session, turn, LINK_ERROR_IDENTITY,
            SPAN("the certificate names another bridge than the link does"), far->bridge);
    } else if (far->bridge.size == 0 || far->bridge.size > LINK_BRIDGE_NAME_MAX) {
        refuse_newcomer(session, turn, LINK_ERROR_IDENTITY,
            SPAN("the certificate's name of the bridge is empty or too long"), far->bridge);
    } else if (session->state == LINK_DOWN) {
        greet_newcomer(session, turn);
    } else if (newcomer_wins(session, turn)) {
        replace_with_newcomer(session, turn);
    } else if (span_equal(far->bridge, session->far.bridge)) {
        refuse_newcomer(session, turn, LINK_ERROR_REPLACED,
            SPAN("both ends dialed and the other connection survives"), SPAN_NONE);
    } else {
        refuse_newcomer(session, turn, LINK_ERROR_REPLACED, SPAN("link already held by bridge"),
            session->far.bridge);
    }
}
