/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_state.h - what the parts of the member share. Private to member*.c.
 *
 *   member.c         birth, events, timers
 *   member_peers.c   connections: shaking hands, refusing, dialing, losing
 *   member_offers.c  what we offer: keeping it fresh, telling it
 *   member_gossip.c  what others tell: believing it, passing it on
 *   member_calls.c   calls out and in
 */
#ifndef CORE_MEMBER_STATE_H
#define CORE_MEMBER_STATE_H

#include "core/calls.h"
#include "core/delta.h"
#include "core/limits.h"
#include "core/member.h"
#include "core/roster.h"
#include "core/seen.h"

/* One function that this process offers; the catalog has its advertisement. */
struct offer {
    struct identity *identity;
    struct text_list resources; /* behind the struct */
    void *context;
    struct heap_node refresh; /* monotonic */
    struct list untold;       /* in member->untold, or in member->taken_back once withdrawn */
    size_t size;
};

struct member_back {
    struct list link; /* in member->owed */
    struct conn_id conn;
    bool borrowed;
    struct span request_id; /* these point behind the struct */
    struct span command;
    struct span reply_to;
    struct span reply_cluster;
    struct span from_url;
    struct text_list routing_path;
    size_t size;
};

struct member {
    struct member_config config;
    struct mem *mem;
    struct log *log;
    struct prng *prng;
    struct member_events events;
    struct catalog *catalog;
    struct roster roster;
    struct calls calls;
    struct seen *seen;
    struct json_tape tape;
    struct buf out; /* composing; what is sent is copied to the step's arena */

    struct peer **peers; /* by connection slot; NULL where there is none */
    uint32_t peer_room;
    uint32_t peer_count;
    uint32_t inbound_count; /* of them, accepted: our load score (protocol.md 6.2) */

    struct heap refreshes; /* offers by refresh time */
    struct list untold;    /* offers that changed since the last flush */
    struct list taken_back;
    struct list
        snapshots;    /* peers that have not got all of the catalog yet; whose turn it is first */
    struct list owed; /* calls that the engine has not answered yet */
    uint32_t owed_count;
    bool describe; /* our descriptor is due */

    struct instant started_at;
    struct instant status_at;
    struct instant describe_at;
    int64_t sequence_number;
    uint64_t next_ticket;
    struct wall advertised_last; /* so that each refresh is strictly newer */
    bool started;
    bool leaving;
    struct member_stats stats;
};

/* Sharing a composed message: the content of member->out, copied. Empty when memory ran out. */
struct span member_composed(struct member *member, struct actions *actions);

/* Send the content of member->out, unless it or a copy of it did not fit into memory. */
void member_send(struct member *member, struct conn_id conn, struct actions *actions);

/* A text that nobody has used before: "<url>:<hex>" style ids are made of it. */
struct span member_unique(struct member *member, struct arena *arena);

/* Strictly later than what it gave before. */
struct wall member_advertising_time(struct member *member, struct wall now);

/*
 * Somebody advertised in our name: what we say next is newer. Not when that would carry our own
 * times further than a TTL ahead of the clock.
 */
void member_outbid(struct member *member, struct wall forged_at, struct wall now);

/* member_peers.c */
struct peer *member_peer(const struct member *member, struct conn_id conn);

/* The connection to send by: our own if it is up, else theirs. One that is being closed is none. */
struct conn_id member_connection(const struct member *member, const struct roster_node *node);

void member_accept(
    struct member *member, const struct event *event, struct now now, struct actions *actions);
void member_dial_opened(
    struct member *member, const struct event *event, struct now now, struct actions *actions);
void member_dial_refused(struct member *member, const struct event *event, struct now now);
void member_closed(
    struct member *member, const struct event *event, struct now now, struct actions *actions);
void member_send_status(
    struct member *member, struct conn_id conn, struct now now, struct actions *actions);
void member_refuse(struct member *member, struct peer *peer, enum isolation_reason reason,
    const struct peer_claim *claim, struct span u, struct actions *actions);
void member_met(struct member *member, struct peer *peer, const struct status *status,
    struct now now, struct actions *actions);
void member_heartbeat(
    struct member *member, struct peer *peer, const struct status *status, struct now now);
void member_farewell(struct member *member, struct peer *peer, const struct goodbye *goodbye,
    struct span u, struct now now, struct actions *actions);
void member_dial_due(struct member *member, struct now now, struct actions *actions);
void member_watch_silence(struct member *member, struct now now, struct actions *actions);
void member_node_dead(struct member *member, struct roster_node *node, struct now now);

/* member_offers.c */
void member_refresh_due(struct member *member, struct now now);
void member_begin_snapshot(
    struct member *member, struct peer *peer, struct now now, struct actions *actions);
/* A piece to one of those who can take it. */
void member_snapshot_due(struct member *member, struct now now, struct actions *actions);
bool member_owes_snapshot(const struct member *member);
void member_end_snapshot(struct peer *peer);
/* It reads no more, or again. */
void member_note_congestion(struct member *member, struct peer *peer, bool congested);
void member_tell_again(struct member *member, const struct function_key *key);
void member_tell_all_again(struct member *member);
void member_free_offers(struct member *member);

/* member_gossip.c */
void member_gossip(struct member *member, struct peer *peer, const struct envelope *envelope,
    const struct gossip *gossip, struct now now, struct actions *actions);
void member_sync_roster(struct member *member, struct now now);

/* member_calls.c */

/* The largest message that the far side takes on this connection. */
size_t member_size_limit(const struct member *member, struct conn_id conn);

void member_fabric(struct member *member, struct peer *peer, const struct fabric *fabric,
    struct now now, struct actions *actions);
void member_refuse_call(struct member *member, struct peer *peer, const struct fabric *fabric,
    struct now now, struct actions *actions);
void member_calls_due(struct member *member, struct now now, struct actions *actions);
void member_calls_lost(
    struct member *member, struct conn_id conn, struct now now, struct actions *actions);
void member_free_owed(struct member *member);

#endif
