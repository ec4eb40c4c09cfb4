/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.h - who runs a command: we ourselves, a worker of ours, or another node.
 *
 * Built-in commands run here unless target_cluster names another cluster. That includes echo and
 * echos, which the reference gives to whichever node is least loaded: they are what operators and
 * health checks ask a node for, and a node that is asked should be the one that answers.
 * Everything else goes where member_select says: the reference's choice by load, without a
 * preference for ourselves, among the nodes that are connected; we are.
 */
#ifndef NODE_ROUTE_H
#define NODE_ROUTE_H

#include "node/node_state.h"

enum route_kind {
    ROUTE_COMMAND = 0, /* a built-in command */
    ROUTE_FUNCTION,    /* a function of a worker of ours */
    ROUTE_NODE,        /* another node, which is connected */
    ROUTE_EXPECTED,    /* another node, once it is connected: member_connecting() */
    ROUTE_UNREACHABLE, /* another node, which is not connected */
    ROUTE_NONE,        /* nobody serves it */
    ROUTE_BAD_VERSION, /* the version constraint is none */
};

struct route {
    enum route_kind kind;
    const struct command_entry *command;
    const struct node_function *function;
    const struct catalog_entry *entry; /* of another node; lives until the catalog changes */
};

/* `except_node` could not even be sent the call, or is empty. */
struct route route_find(
    const struct node *node, const struct rpc_command *command, struct span except_node);

/*
 * Who can run it now instead of `failed_node`, which may have run it already or may do so yet: ROUTE_FUNCTION or
 * ROUTE_NODE with the tag FUNCTION_TAG_IDEMPOTENT, of a node that was heard within NODE_SILENCE_NS, or ROUTE_NONE.
 */
struct route route_find_again(
    const struct node *node, const struct rpc_command *command, struct span failed_node);

#endif
