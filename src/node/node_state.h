/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_state.h - what the parts of the node's engine share. Private to src/node.
 *
 *   node.c      birth, events, stopping
 *   request*.c  a client's request: its levels, its commands, its memory, its end
 *   route.c     who runs a command
 *   reply.c     what the client is told
 *   served.c    calls of other nodes
 *   clients.c   the connections that ask, and who subscribes to what
 *   work.c      what was handed out under a ticket
 *   plan*.c, commands*.c, order.c   know nothing of the engine
 */
#ifndef NODE_NODE_STATE_H
#define NODE_NODE_STATE_H

#include "base/arena.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "node/commands.h"
#include "node/node.h"

/* Requests under way; what is above is refused with a name. */
#define NODE_REQUESTS_PER_CLIENT_MAX 1024u
#define NODE_REQUESTS_MAX            65536u

/* Subscriptions of clients: publishing looks at all of them. */
#define NODE_SUBSCRIPTIONS_PER_CLIENT_MAX 256u
#define NODE_SUBSCRIPTIONS_MAX            16384u

/* How long goodbyes may take after the last request. */
#define NODE_LEAVE_NS (UINT64_C(1) * SEC_NS)

enum node_life {
    NODE_SERVING = 0,
    NODE_DRAINING, /* EVENT_STOP came: nothing new, what is open may end */
    NODE_LEAVING,  /* goodbyes are out */
    NODE_FINISHED, /* ACTION_FINISHED is out */
};

enum work_kind {
    WORK_COMMAND = 0, /* of a client's request */
    WORK_SERVED,      /* of another node's call */
};

/* Something handed out - to a worker, or to another node - whose end comes by its ticket. */
struct work {
    uint64_t ticket; /* 0: not under way */
    enum work_kind kind;
    bool remote; /* the member has it; else a worker of the host */
};

/* What stands behind a name that we offer: the context of its offer. */
struct service {
    const struct command_entry *command;  /* a built-in command, or NULL */
    const struct node_function *function; /* a function of a worker, or NULL */
};

struct node {
    struct node_config config;
    struct mem mem;
    struct hash_key hash_key;
    struct prng prng;
    struct log *log;
    struct member *member;

    struct arena arena; /* of one step */
    struct actions actions;
    struct now now; /* of this step */
    struct json_tape tape;
    struct buf out; /* composing; what is sent is copied to the arena */

    struct service *services;
    uint32_t service_count;

    struct map clients;        /* connections with something open, by conn */
    struct list subscriptions; /* of all clients */
    uint32_t subscription_count;

    struct map work; /* by ticket */
    uint64_t next_ticket;
    struct heap request_deadlines;
    struct heap doubts; /* of commands that other nodes run */
    struct heap served_deadlines;
    struct list held;     /* commands that wait for a connection, in the order of held_until */
    bool look_again;      /* for them: who can be called may have changed */
    struct list requests; /* open */
    struct list ended;    /* requests whose memory the actions of this step may point to */
    struct list served;   /* open */

    enum node_life life;
    struct instant life_until; /* of DRAINING and LEAVING */
    struct node_stats stats;
};

/* One text of several, in the step's arena. Empty when memory ran out. */
struct span node_join(struct node *node, const struct span *parts, size_t part_count);
#define NODE_JOIN(node_, ...)                                                                      \
    node_join((node_), (const struct span[]){ __VA_ARGS__ },                                       \
        sizeof((const struct span[]){ __VA_ARGS__ }) / sizeof(struct span))

/* The content of node->out, copied. .data NULL: it did not fit, or there is no memory. */
struct span node_composed(struct node *node);

struct message_scratch node_scratch(struct node *node);

/* A deadline as heaps order them. */
static inline int64_t
node_heap_at(struct instant deadline)
{
    return deadline.ns > INT64_MAX ? INT64_MAX : (int64_t)deadline.ns;
}

/* Run a built-in command now. */
struct command_result node_run_command(
    struct node *node, const struct command_entry *command, struct span args, struct span kwargs);

/* work.c */

/* Give `work` a ticket. false: no memory, nothing changed. */
MUST_CHECK bool work_begin(struct node *node, struct work *work, enum work_kind kind);

/* It ended, or nobody waits for it any more: a remote call is cancelled. No effect on ticket 0. */
void work_end(struct node *node, struct work *work);

/* NULL: it was given up. */
struct work *work_find(const struct node *node, uint64_t ticket);

/* Ask the host to run a function. false: no memory for the action. */
MUST_CHECK bool work_execute(struct node *node, const struct work *work,
    const struct node_function *function, struct span args, struct span kwargs);

#endif
