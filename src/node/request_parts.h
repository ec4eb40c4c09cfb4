/* SPDX-License-Identifier: Apache-2.0 */
/* request_parts.h - the memory of a request. Private to request*.c. */
#ifndef NODE_REQUEST_PARTS_H
#define NODE_REQUEST_PARTS_H

#include "node/request.h"

/*
 * A request that has not started, in node->requests. The commands that a later one replaces are left
 * out. NULL: no memory.
 */
MUST_CHECK struct request *request_create(struct node *node, struct conn_id conn,
    const struct rpc_request *asked, const struct plan *plan);

/* Copy the results that die with the step. false: no memory. */
MUST_CHECK bool request_keep_results(struct node *node, struct request *request);

/* Remember which node runs it. false: no memory. */
MUST_CHECK bool request_set_node(struct node *node, struct command *command, struct span node_id);

#endif
