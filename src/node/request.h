/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - one client request's life.
 *
 *     asked -> planned -> level 0 -> level 1 ... -> answered
 *                 \          \_______\____________> failed
 *
 * A level starts when the one before is done; its commands run at the same time. The request is
 * answered with the results of its last level (protocol.md 5.2, 6). The first command that fails
 * fails the request: what else is under way is given up. When the client leaves, nothing more is
 * started; a worker that runs already is not stopped, its result is thrown away.
 *
 * What fails how:
 *   - a function of a worker of ours raises: error 1003, details "<type>: <message>";
 *   - a function of another node raises: a value, its error object, as in the reference;
 *   - nobody serves the function: error 1001;
 *   - the node that runs it dies or its connection breaks, or the call cannot be sent to any node
 *     that serves it: error 1003 at once, with details that name the node and say why. (The
 *     reference lets its client wait for the whole 30 s.)
 *   - the same, or a bridge answers FABRIC_CODE_LINK_DOWN or FABRIC_CODE_DRAINING, or the node says
 *     nothing for NODE_SILENCE_NS, and the function may be called twice (FUNCTION_TAG_IDEMPOTENT): another node
 *     that serves it gets the call, once, under the same id and within the same time; it fails as
 *     above when there is none, or when that one fails, too.
 *   - no node that serves it is connected, but one is being dialed: the call is held until it can be sent. It fails as
 *     one that cannot be sent when the dial fails, or after NODE_CONNECT_NS.
 *   - the request's time is over: error 1004.
 *
 * A request that its first step answers is never copied. One that stays open lives in one block:
 * its texts, and the arguments of the commands that run later.
 */
#ifndef NODE_REQUEST_H
#define NODE_REQUEST_H

#include "node/clients.h"
#include "node/plan.h"

enum command_state {
    COMMAND_WAITING = 0,
    COMMAND_HELD, /* it would run if a node that serves it were connected */
    COMMAND_RUNNING,
    COMMAND_DONE,
};

struct request;

struct command {
    struct request *request;
    struct rpc_command asked;   /* args and kwargs of level 0 live for the first step only... */
    struct span kept_arguments; /* ...unless they were copied: owned */
    uint32_t level;
    bool args_refer;
    bool kwargs_refer;
    enum command_state state;
    struct work work;
    struct list held;          /* in node->held */
    struct instant held_until; /* .ns 0: it was never held */
    struct span node_id;       /* the other node that runs it, or that it was held for; owned */
    bool repeatable;           /* another one may get it when that one fails */
    struct heap_node doubt; /* in node->doubts: when that one will have been silent for too long */
    struct plan_value *value; /* its name and result, in request->values */
    bool owned;               /* the result is a copy of ours; else it lives until the next step */
};

struct request_level {
    uint64_t took_ns;
    struct wall ended_at;
};

struct request {
    struct list link;      /* in node->requests, then in node->ended */
    struct list of_client; /* in client->requests */
    struct client *client; /* NULL until it is known to stay open */
    struct conn_id conn;
    struct heap_node deadline;
    struct span u;
    bool return_intermediate_results;
    bool include_execution_summary;
    bool level_begun;
    bool has_ended;
    uint32_t level; /* that runs */
    uint32_t level_count;
    uint32_t running_count; /* commands that run or are held */
    uint32_t count;
    uint32_t cross_cluster_count; /* calls to nodes of other clusters */
    struct instant started_at;
    struct instant level_started_at;
    struct command *commands;
    struct plan_value *values; /* in the order of the names */
    struct request_level *levels;
    size_t size;
};

/* A client asks. */
void request_ask(struct node *node, struct conn_id conn, const struct rpc_request *asked);

/* A worker of ours is done with a command. */
void request_executed(struct node *node, struct command *command, const struct event *event);

/* A call to another node has ended. `body` lives until the next step. */
void request_answered(
    struct node *node, struct command *command, enum member_outcome outcome, struct span body);

void request_expire(struct node *node);

/* Start commands that are held and can be sent now, fail those that never will be: once a step, and cheap if none is due. */
void request_resume(struct node *node);

/* When the first held command has waited for too long; INSTANT_NEVER: none is held. */
struct instant request_held_until(const struct node *node);

/* Nodes that run commands have said nothing for NODE_SILENCE_NS: others get what may be run twice. */
void request_doubt(struct node *node);

/* The client has left: its requests end without an answer. */
void request_client_gone(struct node *node, struct client *client);

/* Fail all that are open (stopping), or merely free them. */
void request_fail_all(struct node *node, struct span details);
void request_free_all(struct node *node);

/* Free what the actions of the step before pointed to. */
void request_free_ended(struct node *node);

/* request_report.c: what stands behind `r`. false: too large, or no memory. */
struct reply_extras;
MUST_CHECK bool request_report(
    struct node *node, const struct request *request, struct reply_extras *extras);

#endif
