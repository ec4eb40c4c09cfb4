/* SPDX-License-Identifier: Apache-2.0 */
/* test_peer.c - what the next message may do, for every state and kind of message. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/peer.h"
#include "tests/support/check_failed.h"

#define OWN_URL "ws://own:1"
#define URL     "ws://a:1"

static const struct isolation_rules strict = { .cluster_id = { (const uint8_t *)"c1", 2 } };

static const struct span ally[] = { { (const uint8_t *)"ally", 4 } };
static const struct isolation_rules bridging = {
    .mode = ISOLATION_BRIDGING,
    .cluster_id = { (const uint8_t *)"c1", 2 },
    .allowed_clusters = { .items = ally, .count = 1 },
};

/* What one message says, and what is known of who says it. */
struct said {
    enum envelope_kind kind;
    const char *url;
    const char *cluster;
    const char *instance;
    bool up;
    bool departed;
    bool taken;
    enum fabric_kind fabric;
    const char *up_instance;
};

static enum peer_verdict
judge(struct peer *peer, const struct isolation_rules *rules, const struct said *said,
    enum isolation_reason *reason)
{
    struct peer_claim claim = {
        .kind = said->kind,
        .url = span_from_text(said->url),
        .cluster_id = span_from_text(said->cluster),
        .instance_id = span_from_text(said->instance),
        .fabric = said->fabric,
    };
    struct peer_circumstances circumstances = {
        .rules = rules,
        .own_url = SPAN(OWN_URL),
        .url_is_up = said->up,
        .url_departed = said->departed,
        .url_taken = said->taken,
        .up_instance = span_from_text(said->up_instance == NULL ? "" : said->up_instance),
    };
    return peer_judge(peer, &claim, &circumstances, reason);
}

/* A peer in a state, as the member brings it there. */
static struct peer
peer_in(enum peer_state state, bool dialed)
{
    struct peer peer;
    enum isolation_reason reason;
    enum peer_verdict verdict = PEER_NOTHING;
    if (dialed) {
        peer_init_dialed(&peer, (struct conn_id){ 1 }, 5, SPAN(URL));
    } else {
        peer_init_accepted(&peer, (struct conn_id){ 1 }, SPAN("10.0.0.1:777"));
    }
    const struct said status = { .kind = ENVELOPE_STATUS, URL, "c1", "i1" };
    const struct said call = { .kind = ENVELOPE_FABRIC, URL, "c1", .up = true };
    const struct said rpc = { .kind = ENVELOPE_RPC };
    const struct said goodbye = { .kind = ENVELOPE_GOODBYE, URL, "c1" };
    switch (state) {
    case PEER_FRESH:
    case PEER_GREETING:
        break;
    case PEER_UP:
        verdict = judge(&peer, &strict, &status, &reason);
        break;
    case PEER_BORROWED:
        verdict = judge(&peer, &strict, &call, &reason);
        break;
    case PEER_CLIENT:
        verdict = judge(&peer, &strict, &rpc, &reason);
        break;
    case PEER_CLOSING:
        verdict = judge(&peer, &strict, &goodbye, &reason);
        break;
    }
    ck_assert_int_eq(peer.state, state);
    ck_assert(state == PEER_FRESH || state == PEER_GREETING || verdict != PEER_NOTHING);
    return peer;
}

struct row {
    const char *name;
    enum peer_state state;
    bool dialed;
    struct said said;
    enum peer_verdict want;
    enum isolation_reason reason;
    enum peer_state then;
};

static void
check_rows(const struct row *rows, size_t count, const struct isolation_rules *rules)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct peer peer = peer_in(row->state, row->dialed);
        enum isolation_reason reason = ISOLATION_CLIENT_AS_PEER;
        enum peer_verdict got = judge(&peer, rules, &row->said, &reason);
        ck_assert_msg(
            got == row->want, "%s: got verdict %d, want %d", row->name, (int)got, (int)row->want);
        ck_assert_msg(reason == row->reason, "%s: got %s, want %s", row->name,
            isolation_reason_name(reason), isolation_reason_name(row->reason));
        ck_assert_msg(peer.state == row->then, "%s: is %s, want %s", row->name,
            peer_state_name(peer.state), peer_state_name(row->then));
        bool refused = got == PEER_REFUSED;
        ck_assert_msg(refused == (peer.state == PEER_CLOSING && row->state != PEER_CLOSING),
            "%s: refused and closing go together", row->name);
    }
}

#define REFUSED(reason_) PEER_REFUSED, (reason_), PEER_CLOSING

START_TEST(the_first_message_decides)
{
    static const struct row rows[] = {
        { "STATUS", PEER_FRESH, false, { .kind = ENVELOPE_STATUS, URL, "c1", "i1" }, PEER_WELCOME,
            ISOLATION_NONE, PEER_UP },
        { "STATUS without an instance", PEER_FRESH, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "" }, PEER_WELCOME, ISOLATION_NONE, PEER_UP },
        { "STATUS of another cluster", PEER_FRESH, false,
            { .kind = ENVELOPE_STATUS, URL, "c2", "i1" }, REFUSED(ISOLATION_FOREIGN_CLUSTER) },
        { "STATUS in our name", PEER_FRESH, false, { .kind = ENVELOPE_STATUS, OWN_URL, "c1", "i1" },
            REFUSED(ISOLATION_OWN_URL) },
        { "STATUS of a departed one", PEER_FRESH, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i1", .departed = true },
            REFUSED(ISOLATION_DEPARTED) },
        { "STATUS of an impostor", PEER_FRESH, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i1", .up = true, .taken = true },
            REFUSED(ISOLATION_URL_TAKEN) },
        { "STATUS of another cluster, departed and taken", PEER_FRESH, false,
            { .kind = ENVELOPE_STATUS, URL, "c2", "i1", true, true, true },
            REFUSED(ISOLATION_FOREIGN_CLUSTER) },
        { "GOODBYE", PEER_FRESH, false, { .kind = ENVELOPE_GOODBYE, URL, "c1", "i1", .up = true },
            REFUSED(ISOLATION_FIRST_GOODBYE) },
        { "GOODBYE of another cluster", PEER_FRESH, false,
            { .kind = ENVELOPE_GOODBYE, URL, "c2", "" }, REFUSED(ISOLATION_FOREIGN_CLUSTER) },
        { "gossip", PEER_FRESH, false, { .kind = ENVELOPE_GOSSIP, URL, .up = true },
            REFUSED(ISOLATION_FIRST_GOSSIP) },
        { "a call of a stranger", PEER_FRESH, false, { .kind = ENVELOPE_FABRIC, URL, "c1" },
            REFUSED(ISOLATION_FIRST_FABRIC) },
        { "a call of a live peer", PEER_FRESH, false,
            { .kind = ENVELOPE_FABRIC, URL, "c1", .up = true }, PEER_CALLS, ISOLATION_NONE,
            PEER_BORROWED },
        { "a call of a live peer of another cluster", PEER_FRESH, false,
            { .kind = ENVELOPE_FABRIC, URL, "c2", .up = true }, REFUSED(ISOLATION_FIRST_FABRIC) },
        { "a call without a cluster", PEER_FRESH, false,
            { .kind = ENVELOPE_FABRIC, URL, "", .up = true }, REFUSED(ISOLATION_FIRST_FABRIC) },
        { "an answer of a live peer", PEER_FRESH, false,
            { .kind = ENVELOPE_FABRIC, URL, "", .up = true, .fabric = FABRIC_RESPONSE },
            REFUSED(ISOLATION_FIRST_FABRIC) },
        { "an answer with a cluster", PEER_FRESH, false,
            { .kind = ENVELOPE_FABRIC, URL, "c1", .up = true, .fabric = FABRIC_RESPONSE },
            REFUSED(ISOLATION_FIRST_FABRIC) },
        { "neither call nor answer", PEER_FRESH, false,
            { .kind = ENVELOPE_FABRIC, "", "", .fabric = FABRIC_OTHER },
            REFUSED(ISOLATION_FIRST_FABRIC) },
        { "rpc", PEER_FRESH, false, { .kind = ENVELOPE_RPC }, PEER_ASKS, ISOLATION_NONE,
            PEER_CLIENT },
        { "publish", PEER_FRESH, false, { .kind = ENVELOPE_PUBLISH }, PEER_ASKS, ISOLATION_NONE,
            PEER_CLIENT },
        { "subscribe", PEER_FRESH, false, { .kind = ENVELOPE_SUBSCRIBE }, PEER_ASKS, ISOLATION_NONE,
            PEER_CLIENT },
        { "unsubscribe", PEER_FRESH, false, { .kind = ENVELOPE_UNSUBSCRIBE }, PEER_ASKS,
            ISOLATION_NONE, PEER_CLIENT },
        { "another role", PEER_FRESH, false, { .kind = ENVELOPE_OTHER_ROLE }, PEER_ASKS,
            ISOLATION_NONE, PEER_CLIENT },
        { "consensus", PEER_FRESH, false, { .kind = ENVELOPE_CONSENSUS }, PEER_NOTHING,
            ISOLATION_NONE, PEER_FRESH },
        { "a notice", PEER_FRESH, false, { .kind = ENVELOPE_NOTICE }, PEER_NOTHING, ISOLATION_NONE,
            PEER_FRESH },
        { "an answer", PEER_FRESH, false, { .kind = ENVELOPE_RESPONSE }, PEER_NOTHING,
            ISOLATION_NONE, PEER_FRESH },
    };
    check_rows(rows, COUNT_OF(rows), &strict);
}
END_TEST

START_TEST(whom_we_dialed_must_say_who_it_is)
{
    static const struct row rows[] = {
        { "STATUS", PEER_GREETING, true, { .kind = ENVELOPE_STATUS, URL, "c1", "i1" }, PEER_MET,
            ISOLATION_NONE, PEER_UP },
        { "STATUS under another name", PEER_GREETING, true,
            { .kind = ENVELOPE_STATUS, "ws://b:1", "c1", "i1" }, PEER_MET, ISOLATION_NONE,
            PEER_UP },
        { "STATUS under the name of one that we dialed elsewhere", PEER_GREETING, true,
            { .kind = ENVELOPE_STATUS, "ws://b:1", "c1", "i9", .up = true, .taken = true },
            REFUSED(ISOLATION_URL_TAKEN) },
        { "STATUS of another cluster", PEER_GREETING, true,
            { .kind = ENVELOPE_STATUS, URL, "c2", "i1" }, REFUSED(ISOLATION_DIALED_FOREIGN) },
        { "STATUS in our name", PEER_GREETING, true,
            { .kind = ENVELOPE_STATUS, OWN_URL, "c1", "i1" }, REFUSED(ISOLATION_OWN_URL) },
        { "STATUS of a departed one", PEER_GREETING, true,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i1", .departed = true },
            REFUSED(ISOLATION_DEPARTED) },
        { "GOODBYE", PEER_GREETING, true, { .kind = ENVELOPE_GOODBYE, URL, "c1", "i1" },
            REFUSED(ISOLATION_FIRST_GOODBYE) },
        { "gossip", PEER_GREETING, true, { .kind = ENVELOPE_GOSSIP, URL },
            REFUSED(ISOLATION_FIRST_GOSSIP) },
        { "a call", PEER_GREETING, true, { .kind = ENVELOPE_FABRIC, URL, "c1", .up = true },
            REFUSED(ISOLATION_FIRST_FABRIC) },
        { "an answer", PEER_GREETING, true, { .kind = ENVELOPE_RESPONSE }, PEER_ANSWERS,
            ISOLATION_NONE, PEER_GREETING },
        { "rpc", PEER_GREETING, true, { .kind = ENVELOPE_RPC }, PEER_NOTHING, ISOLATION_NONE,
            PEER_GREETING },
        { "publish", PEER_GREETING, true, { .kind = ENVELOPE_PUBLISH }, PEER_NOTHING,
            ISOLATION_NONE, PEER_GREETING },
        { "another role", PEER_GREETING, true, { .kind = ENVELOPE_OTHER_ROLE }, PEER_NOTHING,
            ISOLATION_NONE, PEER_GREETING },
        { "a notice", PEER_GREETING, true, { .kind = ENVELOPE_NOTICE }, PEER_NOTHING,
            ISOLATION_NONE, PEER_GREETING },
    };
    check_rows(rows, COUNT_OF(rows), &strict);
}
END_TEST

START_TEST(a_peer_stays_who_it_said_it_is)
{
    static const struct row rows[] = {
        { "STATUS", PEER_UP, false, { .kind = ENVELOPE_STATUS, URL, "c1", "i1" }, PEER_HEARTBEAT,
            ISOLATION_NONE, PEER_UP },
        { "STATUS without its instance", PEER_UP, false, { .kind = ENVELOPE_STATUS, URL, "c1", "" },
            PEER_HEARTBEAT, ISOLATION_NONE, PEER_UP },
        { "STATUS of another instance", PEER_UP, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i2" }, REFUSED(ISOLATION_IDENTITY_CHANGED) },
        { "STATUS of another node", PEER_UP, false,
            { .kind = ENVELOPE_STATUS, "ws://b:1", "c1", "i1" },
            REFUSED(ISOLATION_IDENTITY_CHANGED) },
        { "STATUS of another cluster", PEER_UP, false, { .kind = ENVELOPE_STATUS, URL, "c2", "i1" },
            REFUSED(ISOLATION_IDENTITY_CHANGED) },
        { "its GOODBYE", PEER_UP, false, { .kind = ENVELOPE_GOODBYE, URL, "c1", "i1" },
            PEER_FAREWELL, ISOLATION_NONE, PEER_UP },
        { "GOODBYE of another node", PEER_UP, false,
            { .kind = ENVELOPE_GOODBYE, "ws://b:1", "c1", "" }, REFUSED(ISOLATION_FORGED_GOODBYE) },
        { "GOODBYE in our name", PEER_UP, true, { .kind = ENVELOPE_GOODBYE, OWN_URL, "c1", "" },
            REFUSED(ISOLATION_FORGED_GOODBYE) },
        { "GOODBYE of another cluster", PEER_UP, false, { .kind = ENVELOPE_GOODBYE, URL, "c2", "" },
            REFUSED(ISOLATION_FORGED_GOODBYE) },
        { "gossip", PEER_UP, true, { .kind = ENVELOPE_GOSSIP, URL }, PEER_GOSSIPS, ISOLATION_NONE,
            PEER_UP },
        { "gossip in another name", PEER_UP, true, { .kind = ENVELOPE_GOSSIP, "ws://b:1" },
            REFUSED(ISOLATION_FORGED_SENDER) },
        { "a call", PEER_UP, false, { .kind = ENVELOPE_FABRIC, URL, "c1" }, PEER_CALLS,
            ISOLATION_NONE, PEER_UP },
        { "a call without a cluster", PEER_UP, true, { .kind = ENVELOPE_FABRIC, URL, "" },
            PEER_CALLS, ISOLATION_NONE, PEER_UP },
        { "a call of another cluster", PEER_UP, false, { .kind = ENVELOPE_FABRIC, URL, "c2" },
            PEER_REFUSED_MESSAGE, ISOLATION_FOREIGN_CALL, PEER_UP },
        { "rpc", PEER_UP, false, { .kind = ENVELOPE_RPC }, PEER_ASKS, ISOLATION_NONE, PEER_UP },
        { "rpc where we dialed", PEER_UP, true, { .kind = ENVELOPE_RPC }, PEER_NOTHING,
            ISOLATION_NONE, PEER_UP },
        { "another role", PEER_UP, false, { .kind = ENVELOPE_OTHER_ROLE }, PEER_ASKS,
            ISOLATION_NONE, PEER_UP },
        { "an answer", PEER_UP, false, { .kind = ENVELOPE_RESPONSE }, PEER_ANSWERS, ISOLATION_NONE,
            PEER_UP },
        { "consensus", PEER_UP, false, { .kind = ENVELOPE_CONSENSUS }, PEER_NOTHING, ISOLATION_NONE,
            PEER_UP },
        { "a notice", PEER_UP, false, { .kind = ENVELOPE_NOTICE }, PEER_NOTHING, ISOLATION_NONE,
            PEER_UP },
    };
    check_rows(rows, COUNT_OF(rows), &strict);
}
END_TEST

START_TEST(a_client_never_becomes_a_peer)
{
    static const struct row rows[] = {
        { "STATUS", PEER_CLIENT, false, { .kind = ENVELOPE_STATUS, URL, "c1", "i1" },
            REFUSED(ISOLATION_CLIENT_AS_PEER) },
        { "GOODBYE", PEER_CLIENT, false, { .kind = ENVELOPE_GOODBYE, URL, "c1", "i1" },
            REFUSED(ISOLATION_CLIENT_AS_PEER) },
        { "gossip", PEER_CLIENT, false, { .kind = ENVELOPE_GOSSIP, URL, .up = true },
            REFUSED(ISOLATION_CLIENT_AS_PEER) },
        { "a call", PEER_CLIENT, false, { .kind = ENVELOPE_FABRIC, URL, "c1", .up = true },
            REFUSED(ISOLATION_CLIENT_AS_PEER) },
        { "rpc", PEER_CLIENT, false, { .kind = ENVELOPE_RPC }, PEER_ASKS, ISOLATION_NONE,
            PEER_CLIENT },
        { "another role", PEER_CLIENT, false, { .kind = ENVELOPE_OTHER_ROLE }, PEER_ASKS,
            ISOLATION_NONE, PEER_CLIENT },
        { "an answer", PEER_CLIENT, false, { .kind = ENVELOPE_RESPONSE }, PEER_NOTHING,
            ISOLATION_NONE, PEER_CLIENT },
        { "consensus", PEER_CLIENT, false, { .kind = ENVELOPE_CONSENSUS }, PEER_NOTHING,
            ISOLATION_NONE, PEER_CLIENT },
    };
    check_rows(rows, COUNT_OF(rows), &strict);
}
END_TEST

#define STAYS_BORROWED(verdict_) (verdict_), ISOLATION_NONE, PEER_BORROWED

START_TEST(a_borrowed_connection_speaks_for_one_live_node_only)
{
    static const struct row rows[] = {
        { "a further call", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, URL, "c1", .up = true }, STAYS_BORROWED(PEER_CALLS) },
        { "a call while the node is away", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, URL, "c1" }, STAYS_BORROWED(PEER_NOTHING) },
        { "a call of another node", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, "ws://b:1", "c1", .up = true },
            REFUSED(ISOLATION_FIRST_FABRIC) },
        { "a call of another cluster", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, URL, "c2", .up = true }, REFUSED(ISOLATION_FIRST_FABRIC) },
        { "a call without a cluster", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, URL, "", .up = true }, REFUSED(ISOLATION_FIRST_FABRIC) },
        { "its answer", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, URL, "", .up = true, .fabric = FABRIC_RESPONSE },
            STAYS_BORROWED(PEER_CALLS) },
        { "its answer while the node is away", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, URL, "", .fabric = FABRIC_RESPONSE },
            STAYS_BORROWED(PEER_NOTHING) },
        { "an answer of another node", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, "ws://b:1", "", .up = true, .fabric = FABRIC_RESPONSE },
            REFUSED(ISOLATION_FIRST_FABRIC) },
        { "neither call nor answer", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, "", "", .fabric = FABRIC_OTHER },
            STAYS_BORROWED(PEER_NOTHING) },
        { "its gossip", PEER_BORROWED, false, { .kind = ENVELOPE_GOSSIP, URL, .up = true },
            STAYS_BORROWED(PEER_GOSSIPS) },
        { "its gossip while the node is away", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOSSIP, URL }, STAYS_BORROWED(PEER_NOTHING) },
        { "gossip of another node", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOSSIP, "ws://b:1", .up = true }, REFUSED(ISOLATION_FIRST_GOSSIP) },
        { "rpc", PEER_BORROWED, false, { .kind = ENVELOPE_RPC }, STAYS_BORROWED(PEER_NOTHING) },
        { "publish", PEER_BORROWED, false, { .kind = ENVELOPE_PUBLISH },
            STAYS_BORROWED(PEER_NOTHING) },
        { "another role", PEER_BORROWED, false, { .kind = ENVELOPE_OTHER_ROLE },
            STAYS_BORROWED(PEER_NOTHING) },
        { "an answer to STATUS", PEER_BORROWED, false, { .kind = ENVELOPE_RESPONSE },
            STAYS_BORROWED(PEER_NOTHING) },
        { "consensus", PEER_BORROWED, false, { .kind = ENVELOPE_CONSENSUS },
            STAYS_BORROWED(PEER_NOTHING) },
    };
    check_rows(rows, COUNT_OF(rows), &strict);
}
END_TEST

START_TEST(a_borrowed_connection_says_status_and_goodbye_of_the_instance_that_is_up)
{
    static const struct row rows[] = {
        { "STATUS", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i1", .up = true, .up_instance = "i1" },
            STAYS_BORROWED(PEER_HEARTBEAT) },
        { "STATUS, and the node has no instance", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "", .up = true, .up_instance = "" },
            STAYS_BORROWED(PEER_HEARTBEAT) },
        { "STATUS while the node is away", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i1" }, STAYS_BORROWED(PEER_NOTHING) },
        { "STATUS of another instance than dialed us", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i2", .up = true, .up_instance = "i1" },
            STAYS_BORROWED(PEER_NOTHING) },
        { "STATUS of another instance than we dialed", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS,
                URL,
                "c1",
                "i2",
                .up = true,
                .taken = true,
                .up_instance = "i1" },
            REFUSED(ISOLATION_URL_TAKEN) },
        { "STATUS after the goodbye", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, URL, "c1", "i1", .departed = true },
            STAYS_BORROWED(PEER_NOTHING) },
        { "STATUS of another node", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, "ws://b:1", "c1", "i1", .up = true, .up_instance = "i1" },
            REFUSED(ISOLATION_IDENTITY_CHANGED) },
        { "STATUS in our name", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, OWN_URL, "c1", "i1" }, REFUSED(ISOLATION_OWN_URL) },
        { "STATUS of another cluster", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, URL, "c2", "i1", .up = true, .up_instance = "i1" },
            REFUSED(ISOLATION_FOREIGN_CLUSTER) },
        { "its GOODBYE", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOODBYE, URL, "c1", "i1", .up = true, .up_instance = "i1" },
            STAYS_BORROWED(PEER_FAREWELL) },
        { "GOODBYE without its instance", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOODBYE, URL, "c1", "", .up = true, .up_instance = "i1" },
            REFUSED(ISOLATION_FIRST_GOODBYE) },
        { "GOODBYE of another instance", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOODBYE, URL, "c1", "i2", .up = true, .up_instance = "i1" },
            REFUSED(ISOLATION_FIRST_GOODBYE) },
        { "GOODBYE, and the node has no instance", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOODBYE, URL, "c1", "", .up = true, .up_instance = "" },
            REFUSED(ISOLATION_FIRST_GOODBYE) },
        { "GOODBYE of another node", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOODBYE, "ws://b:1", "c1", "i1", .up = true, .up_instance = "i1" },
            REFUSED(ISOLATION_FIRST_GOODBYE) },
        { "GOODBYE of another cluster", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOODBYE, URL, "c2", "i1", .up = true, .up_instance = "i1" },
            REFUSED(ISOLATION_FIRST_GOODBYE) },
        { "GOODBYE while the node is away", PEER_BORROWED, false,
            { .kind = ENVELOPE_GOODBYE, URL, "c1", "i1" }, STAYS_BORROWED(PEER_NOTHING) },
    };
    check_rows(rows, COUNT_OF(rows), &strict);
}
END_TEST

START_TEST(bridging_lets_no_ally_borrow)
{
    static const struct row rows[] = {
        { "an ally's STATUS", PEER_BORROWED, false,
            { .kind = ENVELOPE_STATUS, URL, "ally", "i1", .up = true, .up_instance = "i1" },
            REFUSED(ISOLATION_IDENTITY_CHANGED) },
        { "an ally's call", PEER_BORROWED, false,
            { .kind = ENVELOPE_FABRIC, URL, "ally", .up = true }, REFUSED(ISOLATION_FIRST_FABRIC) },
    };
    check_rows(rows, COUNT_OF(rows), &bridging);
}
END_TEST

START_TEST(a_borrowed_connection_is_the_node_itself_once_it_has_named_its_instance)
{
    struct peer peer = peer_in(PEER_BORROWED, false);
    enum isolation_reason reason;
    const struct said gossip = { .kind = ENVELOPE_GOSSIP, URL, .up = true, .up_instance = "i1" };
    ck_assert_int_eq(judge(&peer, &strict, &gossip, &reason), PEER_GOSSIPS);
    ck_assert(!peer_is_itself(&peer, SPAN(URL)));
    const struct said status = {
        .kind = ENVELOPE_STATUS, URL, "c1", "i1", .up = true, .up_instance = "i1"
    };
    ck_assert_int_eq(judge(&peer, &strict, &status, &reason), PEER_HEARTBEAT);
    ck_assert_int_eq(judge(&peer, &strict, &gossip, &reason), PEER_GOSSIPS);
    ck_assert(peer_is_itself(&peer, SPAN(URL)));
    ck_assert(!peer_is_itself(&peer, SPAN("ws://b:1")));
    /* The node came back as another instance: what this connection had named is over. */
    const struct said later = { .kind = ENVELOPE_GOSSIP, URL, .up = true, .up_instance = "i2" };
    ck_assert_int_eq(judge(&peer, &strict, &later, &reason), PEER_GOSSIPS);
    ck_assert(!peer_is_itself(&peer, SPAN(URL)));

    struct peer up = peer_in(PEER_UP, false);
    ck_assert(peer_is_itself(&up, SPAN(URL)));
    ck_assert(!peer_is_itself(&up, SPAN("ws://b:1")));
}
END_TEST

START_TEST(bridging_admits_allies_and_only_them)
{
    static const struct row rows[] = {
        { "an ally's STATUS", PEER_FRESH, false, { .kind = ENVELOPE_STATUS, URL, "ally", "i1" },
            PEER_WELCOME, ISOLATION_NONE, PEER_UP },
        { "a stranger's STATUS", PEER_FRESH, false, { .kind = ENVELOPE_STATUS, URL, "c2", "i1" },
            REFUSED(ISOLATION_NOT_ALLOWED) },
        { "a stranger whom we dialed", PEER_GREETING, true,
            { .kind = ENVELOPE_STATUS, URL, "c2", "i1" }, REFUSED(ISOLATION_DIALED_FOREIGN) },
        { "a stranger's GOODBYE", PEER_FRESH, false, { .kind = ENVELOPE_GOODBYE, URL, "c2", "i1" },
            REFUSED(ISOLATION_NOT_ALLOWED) },
        { "an ally's call before STATUS", PEER_FRESH, false,
            { .kind = ENVELOPE_FABRIC, URL, "ally", .up = true }, REFUSED(ISOLATION_FIRST_FABRIC) },
        { "an ally's call passed on", PEER_UP, false,
            { .kind = ENVELOPE_FABRIC, "ws://x:1", "ally" }, PEER_CALLS, ISOLATION_NONE, PEER_UP },
        { "a stranger's call passed on", PEER_UP, false,
            { .kind = ENVELOPE_FABRIC, "ws://x:1", "c2" }, PEER_REFUSED_MESSAGE,
            ISOLATION_FOREIGN_CALL, PEER_UP },
    };
    check_rows(rows, COUNT_OF(rows), &bridging);
}
END_TEST

START_TEST(on_a_closing_connection_nothing_happens)
{
    for (int kind = 0; kind <= ENVELOPE_OTHER_ROLE; kind++) {
        struct peer peer = peer_in(PEER_CLOSING, false);
        enum isolation_reason reason;
        const struct said said = { (enum envelope_kind)kind, URL, "c1", "i1", .up = true };
        ck_assert_int_eq(judge(&peer, &strict, &said, &reason), PEER_NOTHING);
        ck_assert_int_eq(peer.state, PEER_CLOSING);
    }
}
END_TEST

START_TEST(texts_that_are_too_long_are_nobodys)
{
    char text[PEER_TEXT_MAX + 2];
    memset(text, 'x', sizeof(text));
    text[PEER_TEXT_MAX + 1] = '\0';
    const struct said rows[] = {
        { .kind = ENVELOPE_STATUS, text, "c1", "i1" },
        { .kind = ENVELOPE_STATUS, URL, "c1", text },
        { .kind = ENVELOPE_FABRIC, text, "c1", .up = true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer peer = peer_in(PEER_FRESH, false);
        enum isolation_reason reason;
        ck_assert_int_eq(judge(&peer, &strict, &rows[i], &reason), PEER_REFUSED);
        ck_assert_int_eq(peer.state, PEER_CLOSING);
    }
    struct peer peer;
    peer_init_accepted(&peer, (struct conn_id){ 1 }, span_from(text, sizeof(text)));
    ck_assert_uint_eq(peer.address.size, PEER_TEXT_MAX);
    struct peer_text kept;
    ck_assert(peer_text_set(&kept, SPAN("kept")));
    ck_assert(!peer_text_set(&kept, span_from(text, PEER_TEXT_MAX + 1)));
    ck_assert(span_is(peer_text_span(&kept), "kept"));
}
END_TEST

START_TEST(states_have_names)
{
    static const char *const names[] = { "fresh", "greeting", "client", "up", "borrowed",
        "closing" };
    ck_assert_uint_eq(COUNT_OF(names), PEER_STATE_COUNT);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ck_assert_str_eq(peer_state_name((enum peer_state)i), names[i]);
    }
}
END_TEST

static Suite *
peer_suite(void)
{
    Suite *suite = suite_create("peer");
    TCase *claims = tcase_create("claims");
    tcase_add_test(claims, the_first_message_decides);
    tcase_add_test(claims, whom_we_dialed_must_say_who_it_is);
    tcase_add_test(claims, a_peer_stays_who_it_said_it_is);
    tcase_add_test(claims, a_client_never_becomes_a_peer);
    tcase_add_test(claims, a_borrowed_connection_speaks_for_one_live_node_only);
    tcase_add_test(
        claims, a_borrowed_connection_says_status_and_goodbye_of_the_instance_that_is_up);
    tcase_add_test(claims, bridging_lets_no_ally_borrow);
    tcase_add_test(claims, a_borrowed_connection_is_the_node_itself_once_it_has_named_its_instance);
    tcase_add_test(claims, bridging_admits_allies_and_only_them);
    tcase_add_test(claims, on_a_closing_connection_nothing_happens);
    tcase_add_test(claims, texts_that_are_too_long_are_nobodys);
    tcase_add_test(claims, states_have_names);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(peer_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
