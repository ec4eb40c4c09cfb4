/* SPDX-License-Identifier: Apache-2.0 */
/* request_parts.h - what the parts of a request share: its ends, its commands, its memory. Private to request*.c. */
#ifndef NODE_REQUEST_PARTS_H
#define NODE_REQUEST_PARTS_H

#include "node/reply.h"
#include "node/request.h"

/* request.c: answer with an error. The request ends. */
void request_fail(struct node *node, struct request *request, const struct reply_failure *failure);
void request_fail_with(struct node *node, struct request *request, struct span details);

/* request_command.c: run it now, here or elsewhere, or hold it. It may be done at once, or end the request. */
void request_start_command(struct node *node, struct command *command);

/*
 * The node that runs it failed, or may have. true: it was given to another one, as if it had been from the beginning.
 * false: it runs there as before, or does not run anywhere any more.
 */
MUST_CHECK bool request_repeat_command(struct node *node, struct command *command);

/* Its result, which lives until the next step. */
void request_finish_command(struct node *node, struct command *command, struct span result);

/* "ValueError: bad input" */
struct span request_describe_error(struct node *node, struct span type, struct span text);

/*
 * request_memory.c. A request that has not started, in node->requests. The commands that a later one replaces are left
 * out. NULL: no memory.
 */
MUST_CHECK struct request *request_create(struct node *node, struct conn_id conn,
    const struct rpc_request *asked, const struct plan *plan);

/* Copy the results that die with the step. false: no memory. */
MUST_CHECK bool request_keep_results(struct node *node, struct request *request);

/* Copy what asked.args and asked.kwargs are, if they die with the step. false: no memory. */
MUST_CHECK bool request_keep_arguments(struct node *node, struct command *command);

/* Remember which node runs it. false: no memory. */
MUST_CHECK bool request_set_node(struct node *node, struct command *command, struct span node_id);

#endif
