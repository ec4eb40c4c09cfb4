/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - what a message may do on its connection; one function per state. */
#include "core/peer.h"

#include <string.h>

bool
peer_text_set(struct peer_text *text, struct span value)
{
    if (value.size > PEER_TEXT_MAX) {
        return false;
    }
    if (value.size > 0) {
        memcpy(text->bytes, value.data, value.size);
    }
    text->size = value.size;
    return true;
}

static void
init(struct peer *peer, struct conn_id conn, struct span address)
{
    *peer = (struct peer){ .conn = conn };
    struct span cut = address.size > PEER_TEXT_MAX ? span_part(address, 0, PEER_TEXT_MAX) : address;
    bool fits = peer_text_set(&peer->address, cut);
    CHECK(fits);
    list_init(&peer->in_snapshots);
}

void
peer_init_accepted(struct peer *peer, struct conn_id conn, struct span address)
{
    init(peer, conn, address);
    peer->state = PEER_FRESH;
}

void
peer_init_dialed(struct peer *peer, struct conn_id conn, uint64_t ticket, struct span address)
{
    CHECK(ticket != 0);
    init(peer, conn, address);
    peer->state = PEER_GREETING;
    peer->dialed = true;
    peer->dial_ticket = ticket;
}

static enum peer_verdict
refuse(struct peer *peer, enum isolation_reason why, enum isolation_reason *reason)
{
    peer->state = PEER_CLOSING;
    *reason = why;
    return PEER_REFUSED;
}

/* Remember who it is. Texts that are too long are nobody's. */
static bool
remember(struct peer *peer, const struct peer_claim *claim)
{
    return peer_text_set(&peer->url, claim->url) &&
           peer_text_set(&peer->cluster_id, claim->cluster_id) &&
           peer_text_set(&peer->instance_id, claim->instance_id);
}

static enum isolation_reason
judge_status(const struct peer_claim *claim, const struct peer_circumstances *circumstances)
{
    enum isolation_reason foreign =
        isolation_judge(circumstances->rules, claim->cluster_id, claim->url);
    if (foreign != ISOLATION_NONE) {
        return foreign;
    }
    if (span_equal(claim->url, circumstances->own_url)) {
        return ISOLATION_OWN_URL;
    }
    if (circumstances->url_departed) {
        return ISOLATION_DEPARTED;
    }
    return circumstances->url_taken ? ISOLATION_URL_TAKEN : ISOLATION_NONE;
}

static enum peer_verdict
admit(struct peer *peer, const struct peer_claim *claim, enum peer_verdict verdict,
    enum isolation_reason *reason)
{
    if (!remember(peer, claim)) {
        return refuse(peer, ISOLATION_IDENTITY_CHANGED, reason);
    }
    peer->state = PEER_UP;
    return verdict;
}

static enum peer_verdict
judge_fresh(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    switch (claim->kind) {
    case ENVELOPE_STATUS: {
        enum isolation_reason why = judge_status(claim, circumstances);
        return why != ISOLATION_NONE ? refuse(peer, why, reason)
                                     : admit(peer, claim, PEER_WELCOME, reason);
    }
    case ENVELOPE_GOODBYE: {
        enum isolation_reason why =
            isolation_judge(circumstances->rules, claim->cluster_id, claim->url);
        return refuse(peer, why != ISOLATION_NONE ? why : ISOLATION_FIRST_GOODBYE, reason);
    }
    case ENVELOPE_GOSSIP:
        return refuse(peer, ISOLATION_FIRST_GOSSIP, reason);
    case ENVELOPE_FABRIC: {
        bool own = claim->fabric == FABRIC_REQUEST &&
                   span_equal(claim->cluster_id, circumstances->rules->cluster_id);
        if (!own || !circumstances->url_is_up || !remember(peer, claim)) {
            return refuse(peer, ISOLATION_FIRST_FABRIC, reason);
        }
        peer->state = PEER_BORROWED;
        return PEER_CALLS;
    }
    case ENVELOPE_RPC:
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_OTHER_ROLE:
        peer->state = PEER_CLIENT;
        return PEER_ASKS;
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_RESPONSE:
        return PEER_NOTHING;
    }
    return PEER_NOTHING;
}

static enum peer_verdict
judge_greeting(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    switch (claim->kind) {
    case ENVELOPE_STATUS: {
        enum isolation_reason why = judge_status(claim, circumstances);
        if (why == ISOLATION_FOREIGN_CLUSTER || why == ISOLATION_NOT_ALLOWED) {
            return refuse(peer, ISOLATION_DIALED_FOREIGN, reason);
        }
        return why != ISOLATION_NONE ? refuse(peer, why, reason)
                                     : admit(peer, claim, PEER_MET, reason);
    }
    case ENVELOPE_RESPONSE:
        return PEER_ANSWERS;
    case ENVELOPE_GOODBYE:
        return refuse(peer, ISOLATION_FIRST_GOODBYE, reason);
    case ENVELOPE_GOSSIP:
        return refuse(peer, ISOLATION_FIRST_GOSSIP, reason);
    case ENVELOPE_FABRIC:
        return refuse(peer, ISOLATION_FIRST_FABRIC, reason);
    case ENVELOPE_RPC:
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_OTHER_ROLE:
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
        return PEER_NOTHING;
    }
    return PEER_NOTHING;
}

/* A call carries the caller's cluster from hop to hop; in our cluster only admitted ones may call. */
static enum peer_verdict
judge_call(const struct peer_claim *claim, const struct peer_circumstances *circumstances,
    enum isolation_reason *reason)
{
    bool named = claim->cluster_id.size > 0;
    enum isolation_reason why =
        named ? isolation_judge(circumstances->rules, claim->cluster_id, claim->url)
              : ISOLATION_NONE;
    if (why != ISOLATION_NONE) {
        *reason = ISOLATION_FOREIGN_CALL;
        return PEER_REFUSED_MESSAGE;
    }
    return PEER_CALLS;
}

static enum peer_verdict
judge_up(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    bool is_self = span_equal(claim->url, peer_text_span(&peer->url));
    bool same_cluster = span_equal(claim->cluster_id, peer_text_span(&peer->cluster_id));
    bool same_instance = claim->instance_id.size == 0 || peer->instance_id.size == 0 ||
                         span_equal(claim->instance_id, peer_text_span(&peer->instance_id));
    switch (claim->kind) {
    case ENVELOPE_STATUS:
        return is_self && same_cluster && same_instance
                   ? PEER_HEARTBEAT
                   : refuse(peer, ISOLATION_IDENTITY_CHANGED, reason);
    case ENVELOPE_GOODBYE:
        return is_self && same_cluster ? PEER_FAREWELL
                                       : refuse(peer, ISOLATION_FORGED_GOODBYE, reason);
    case ENVELOPE_GOSSIP:
        return is_self ? PEER_GOSSIPS : refuse(peer, ISOLATION_FORGED_SENDER, reason);
    case ENVELOPE_FABRIC:
        return judge_call(claim, circumstances, reason);
    case ENVELOPE_RPC:
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_OTHER_ROLE:
        /* A peer may use its connection as a client too, but not the one that we dialed. */
        return peer->dialed ? PEER_NOTHING : PEER_ASKS;
    case ENVELOPE_RESPONSE:
        return PEER_ANSWERS;
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
        return PEER_NOTHING;
    }
    return PEER_NOTHING;
}

static enum peer_verdict
judge_client(struct peer *peer, const struct peer_claim *claim, enum isolation_reason *reason)
{
    switch (claim->kind) {
    case ENVELOPE_STATUS:
    case ENVELOPE_GOODBYE:
    case ENVELOPE_GOSSIP:
    case ENVELOPE_FABRIC:
        return refuse(peer, ISOLATION_CLIENT_AS_PEER, reason);
    case ENVELOPE_RPC:
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_OTHER_ROLE:
        return PEER_ASKS;
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_RESPONSE:
        return PEER_NOTHING;
    }
    return PEER_NOTHING;
}

/*
 * BORROWED. What comes in the node's name while the node is away is left without a word: real servers
 * go on here when they have said goodbye, or before our next dial, and closing on them would cost them
 * every call that they send this way.
 */

static bool
is_own(const struct peer *peer, const struct peer_claim *claim)
{
    return span_equal(claim->url, peer_text_span(&peer->url));
}

static bool
is_own_in_cluster(const struct peer *peer, const struct peer_claim *claim)
{
    return is_own(peer, claim) && span_equal(claim->cluster_id, peer_text_span(&peer->cluster_id));
}

static enum peer_verdict
judge_borrowed_fabric(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    bool own = false;
    switch (claim->fabric) {
    case FABRIC_REQUEST:
        own = is_own_in_cluster(peer, claim);
        break;
    case FABRIC_RESPONSE:
        own = is_own(peer, claim);
        break;
    case FABRIC_OTHER:
        return PEER_NOTHING;
    }
    if (!own) {
        return refuse(peer, ISOLATION_FIRST_FABRIC, reason);
    }
    return circumstances->url_is_up ? PEER_CALLS : PEER_NOTHING;
}

static enum peer_verdict
judge_borrowed_gossip(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    if (!is_own(peer, claim)) {
        return refuse(peer, ISOLATION_FIRST_GOSSIP, reason);
    }
    if (!span_equal(peer_text_span(&peer->instance_id), circumstances->up_instance)) {
        /* The instance that was named here is gone, and another one is up. */
        peer->instance_id.size = 0;
    }
    return circumstances->url_is_up ? PEER_GOSSIPS : PEER_NOTHING;
}

static enum peer_verdict
judge_borrowed_status(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    enum isolation_reason why = judge_status(claim, circumstances);
    if (why == ISOLATION_DEPARTED) {
        return PEER_NOTHING;
    }
    if (why == ISOLATION_NONE && !is_own_in_cluster(peer, claim)) {
        why = ISOLATION_IDENTITY_CHANGED;
    }
    if (why != ISOLATION_NONE) {
        return refuse(peer, why, reason);
    }
    if (!circumstances->url_is_up || !span_equal(claim->instance_id, circumstances->up_instance)) {
        return PEER_NOTHING;
    }
    bool fits = remember(peer, claim);
    CHECK(fits);
    return PEER_HEARTBEAT;
}

static enum peer_verdict
judge_borrowed_goodbye(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    bool own = is_own_in_cluster(peer, claim);
    if (own && !circumstances->url_is_up) {
        return PEER_NOTHING;
    }
    bool named =
        claim->instance_id.size > 0 && span_equal(claim->instance_id, circumstances->up_instance);
    if (!own || !named) {
        return refuse(peer, ISOLATION_FIRST_GOODBYE, reason);
    }
    bool fits = remember(peer, claim);
    CHECK(fits);
    return PEER_FAREWELL;
}

static enum peer_verdict
judge_borrowed(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    switch (claim->kind) {
    case ENVELOPE_FABRIC:
        return judge_borrowed_fabric(peer, claim, circumstances, reason);
    case ENVELOPE_GOSSIP:
        return judge_borrowed_gossip(peer, claim, circumstances, reason);
    case ENVELOPE_STATUS:
        return judge_borrowed_status(peer, claim, circumstances, reason);
    case ENVELOPE_GOODBYE:
        return judge_borrowed_goodbye(peer, claim, circumstances, reason);
    case ENVELOPE_RPC:
    case ENVELOPE_PUBLISH:
    case ENVELOPE_SUBSCRIBE:
    case ENVELOPE_UNSUBSCRIBE:
    case ENVELOPE_OTHER_ROLE:
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_RESPONSE:
        return PEER_NOTHING;
    }
    return PEER_NOTHING;
}

enum peer_verdict
peer_judge(struct peer *peer, const struct peer_claim *claim,
    const struct peer_circumstances *circumstances, enum isolation_reason *reason)
{
    *reason = ISOLATION_NONE;
    switch (peer->state) {
    case PEER_FRESH:
        return judge_fresh(peer, claim, circumstances, reason);
    case PEER_GREETING:
        return judge_greeting(peer, claim, circumstances, reason);
    case PEER_CLIENT:
        return judge_client(peer, claim, reason);
    case PEER_UP:
        return judge_up(peer, claim, circumstances, reason);
    case PEER_BORROWED:
        return judge_borrowed(peer, claim, circumstances, reason);
    case PEER_CLOSING:
        break;
    }
    return PEER_NOTHING;
}

const char *
peer_state_name(enum peer_state state)
{
    switch (state) {
    case PEER_FRESH:
        return "fresh";
    case PEER_GREETING:
        return "greeting";
    case PEER_CLIENT:
        return "client";
    case PEER_UP:
        return "up";
    case PEER_BORROWED:
        return "borrowed";
    case PEER_CLOSING:
        return "closing";
    }
    return "unknown";
}
