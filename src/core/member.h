/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member.h - being a member of a cluster: whom to dial, what to say, whom to believe.
 *
 * Node and bridge are both ordinary members (protocol.md 10). The member keeps all connections of
 * the cluster port, shakes hands, closes the loopholes (core/peer), keeps the catalog, gossips what
 * this process offers and passes on what others do, and carries calls between nodes. What clients
 * ask, and who answers a call for a function offered here, is the engine's business: it hears of it
 * through struct member_events, always from inside member_step().
 *
 * Timers: STATUS every MEMBER_STATUS_NS on each connection we dialed; the node's own descriptor
 * every MEMBER_DESCRIBE_NS; own functions every MEMBER_REFRESH_NS with a strictly newer
 * advertised_at; dials with back-off and jitter, for ever.
 *
 * A node whose last connection breaks is dialed at once; if nobody answers there its entries go with
 * PRUNE_NODE_DEAD instead of living on until their TTL (protocol.md 4.5: two minutes of calls into
 * the void).
 */
#ifndef CORE_MEMBER_H
#define CORE_MEMBER_H

#include "base/log.h"
#include "base/prng.h"
#include "core/catalog.h"
#include "core/fabric.h"
#include "core/io.h"
#include "core/isolation.h"
#include "core/peer.h"
#include "core/rpc.h"

#define MEMBER_STATUS_NS   (UINT64_C(5) * SEC_NS)
#define MEMBER_DESCRIBE_NS (UINT64_C(10) * SEC_NS)
#define MEMBER_REFRESH_NS  (UINT64_C(40) * SEC_NS)
#define MEMBER_TTL_NS      (UINT64_C(120) * SEC_NS)

/* What a peer that says nothing is worth: the reference closes after the same (protocol.md 1). */
#define MEMBER_SILENCE_NS (UINT64_C(60) * SEC_NS)

/* Dials: decorrelated jitter between these; the first after a loss comes within the base. */
#define MEMBER_DIAL_BASE_NS    (UINT64_C(100) * MS_NS)
#define MEMBER_DIAL_CAP_NS     (UINT64_C(15) * SEC_NS)
#define MEMBER_DIAL_TIMEOUT_NS (UINT64_C(5) * SEC_NS)

/*
 * For this long after its start a node hears what became of its former life, removed by its GOODBYE
 * (protocol.md 3): that its entries are gone. By then whatever others knew of it has run out.
 */
#define MEMBER_FORMER_LIFE_NS MEMBER_TTL_NS

/* After GOODBYE the same instance stays out this long (protocol.md 3). */
#define MEMBER_DEPARTED_NS (UINT64_C(5) * SEC_NS)

struct member;

/* Its texts live as long as the member. */
struct member_config {
    struct span cluster_id;
    struct span url;         /* our node id: ws://host:port, where we listen */
    struct span instance_id; /* drawn anew for each start */
    struct span region;      /* or empty */
    struct text_list seeds;
    struct text_list resources;
    struct text_list tags;         /* of our node descriptor */
    struct text_list capabilities; /* "rpc" and what else we are */
    struct isolation_rules isolation;
    uint32_t function_count_max;
    uint64_t call_timeout_ns; /* for calls whose caller names none: the reference's 30 s */
};

/* How a call that we sent ended. */
enum member_outcome {
    MEMBER_ANSWERED = 0, /* body: the result, JSON */
    MEMBER_FAILED,       /* body: the far node's error object, JSON */
    MEMBER_TIMED_OUT,    /* nothing came by the deadline */
    MEMBER_LOST,         /* the connection broke, or its node died */
};

/* A call from another node for a function of ours. Everything borrows and dies with the step. */
struct member_incoming {
    struct fabric_request request;
    struct span from_url; /* the peer it came from */
    void *context;        /* of the offer that it asks for; NULL: we do not offer it */
    struct instant deadline;
};

/* How to answer one call. The engine keeps it until it answers or drops it. */
struct member_back;

struct member_events {
    void *owner;
    /* A client, or a peer as a client, sent role rpc. `conn` may be answered with actions_send. */
    void (*asked)(void *owner, struct conn_id conn, const struct rpc_request *request,
        struct now now, struct actions *actions);
    /* A client sent another role than rpc: pubsub, or nonsense; answered by the engine. */
    void (*asked_other)(void *owner, struct conn_id conn, const struct envelope *envelope,
        struct now now, struct actions *actions);
    /* A node calls. The engine answers exactly once with member_answer, now or later. */
    void (*called)(void *owner, const struct member_incoming *incoming, struct member_back *back,
        struct now now, struct actions *actions);
    /* The end of a member_call, exactly once each. `body` dies with the step. */
    void (*answered)(void *owner, uint64_t ticket, enum member_outcome outcome, struct span body,
        struct now now, struct actions *actions);
    /* A connection that had asked is gone. */
    void (*client_gone)(void *owner, struct conn_id conn);
    /* A node can be called since now, or since now it cannot: member_connected(). May be left empty. */
    void (*reached)(void *owner, struct span node_id);
    /* A dial was in vain: member_connecting() may say less now. May be left empty. */
    void (*dial_failed)(void *owner);
    /* Hears of changes of the catalog, own offers included; may be left empty. */
    struct catalog_listener catalog;
};

/* What this process offers. Texts are copied. `context` comes back with each call for it. */
struct member_offer {
    struct function_identity identity;
    struct text_list resources;
    struct text_list tags;
    struct span scope;       /* empty: zone */
    struct span rpc_summary; /* raw JSON, or empty */
    void *context;
};

/* NULL: no memory. */
MUST_CHECK struct member *member_create(const struct member_config *config, struct mem *mem,
    struct hash_key hash_key, const struct member_events *events, struct log *log,
    struct prng *prng);
void member_free(struct member *member);

/* Events of PORT_CLUSTER, TICK, START. */
void member_step(
    struct member *member, const struct event *event, struct now now, struct actions *actions);
struct instant member_deadline(const struct member *member, struct now now);

/* Take back everything that is offered; calls under way are still answered. */
void member_retire(struct member *member, struct now now, struct actions *actions);

/* Retire, say goodbye, close all connections, dial no more. */
void member_leave(struct member *member, struct now now, struct actions *actions);

/* Offer a function, or change the tags, scope or context of one already offered. */
MUST_CHECK enum catalog_result member_offer(
    struct member *member, const struct member_offer *offer, struct now now);
/* CATALOG_OK or CATALOG_UNKNOWN. */
enum catalog_result member_withdraw(struct member *member, const struct function_identity *identity,
    const struct text_list *resources, enum prune_reason reason);

/* Send what offers and withdrawals changed; member_step does so too, at its end. */
void member_flush(struct member *member, struct now now, struct actions *actions);

/* A call to send. Empty texts and lists are absent. args and kwargs borrow until the next step. */
struct member_call {
    uint64_t ticket; /* the engine's, not 0 */
    struct span function;
    struct span function_id;
    struct span version_constraint; /* text, sent along */
    struct text_list resources;
    struct span target_node; /* who is called: a node of the catalog */
    struct span args;
    struct span kwargs;
    struct instant deadline;
    bool again; /* sent before under this ticket, to another node, which may still answer in vain */
};

enum member_call_result {
    MEMBER_CALL_OK = 0,
    MEMBER_CALL_NOT_CONNECTED, /* no connection to the node right now */
    MEMBER_CALL_CONGESTED,     /* too much is queued on it */
    MEMBER_CALL_TOO_LARGE,     /* the message would cost us the connection (protocol.md 1) */
    MEMBER_CALL_TOO_MANY,      /* CALLS_IN_FLIGHT_MAX, or no memory */
};

MUST_CHECK enum member_call_result member_call(
    struct member *member, const struct member_call *call, struct now now, struct actions *actions);

/* Whether a call to this node could be sent now. */
bool member_connected(const struct member *member, struct span node_id);

/*
 * Whether a call that cannot be sent to this node now may be sent soon: it is dialed, or will be at once, and no dial
 * was in vain since it was up or became known. Look again upon `reached` and `dial_failed`.
 */
bool member_connecting(const struct member *member, struct span node_id, struct now now);

/* For how long nothing was heard of this node; UINT64_MAX: no connection to it is up. */
uint64_t member_silence_ns(const struct member *member, struct span node_id, struct now now);

/* Forget a call: no `answered` follows, a late answer is dropped. Unknown tickets are ignored. */
void member_cancel(struct member *member, uint64_t ticket);

/* Answer a call. `result` (JSON) when success, else `error` (a JSON object). Uses up `back`. */
void member_answer(struct member *member, struct member_back *back, bool success, struct span body,
    struct now now, struct actions *actions);

/* Answer with {"error":error,"command":function,"error_type":error_type}. Uses up `back`. */
void member_answer_error(struct member *member, struct member_back *back, struct span error,
    struct span error_type, struct now now, struct actions *actions);

/* The engine gives up on answering, as when it is freed. Uses up `back`. */
void member_drop(struct member *member, struct member_back *back);

struct catalog *member_catalog(struct member *member);
const struct member_config *member_config_of(const struct member *member);

/* The offer that a query means, or NULL: the engine's own context. */
void *member_find_offer(
    const struct member *member, const struct catalog_query *query, struct now now);

/* catalog_select with the loads that STATUS told us. `local_load` is our own (open connections). */
const struct catalog_entry *member_select(
    const struct member *member, const struct catalog_query *query, struct now now);

/* One node as list_peers and the metrics show it. Borrowed until the next step. */
struct member_node {
    struct span url;
    struct span cluster_id;
    bool dialed_up;
    bool inbound_up;
    bool known_status; /* a STATUS was seen */
    struct wall status_at;
    bool status_ok;
    int64_t active_clients;
    int64_t peer_count;
    int64_t messages_processed;
    int64_t rpc_responses_skipped;
    int64_t server_messages;
    int64_t other_messages;
    uint64_t load_score;
    struct wall lost_at; /* when the last connection broke; .ns 0: never */
};

/* Iterate over nodes that we met or learnt of, self excluded: *cursor starts as 0; false at the end. */
bool member_next_node(
    const struct member *member, size_t *cursor, struct now now, struct member_node *node);

struct member_stats {
    uint64_t connections_by_state[PEER_STATE_COUNT]; /* now */
    uint64_t isolation[ISOLATION_REASON_COUNT];      /* breaches only: isolation_is_breach */
    uint64_t outdated_statuses;    /* of instances that had said goodbye; refused */
    uint64_t outdated_own_entries; /* what became of a former life of ours; told anew */
    uint64_t malformed;            /* messages that closed their connection */
    uint64_t messages_received;
    uint64_t server_messages;
    uint64_t other_messages;
    uint64_t gossip_passed_on;
    uint64_t actions_lost;
    uint64_t calls_in_flight;
    uint64_t rejects[PRUNE_REASON_COUNT]; /* advertisements not let in */
};
struct member_stats member_stats(const struct member *member);

/* At least one peer is up, or there is no seed to wait for. */
bool member_ready(const struct member *member);

/* We left (member_leave) and no peer connection is left open. */
bool member_gone(const struct member *member);

#endif
