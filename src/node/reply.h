/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h - what a client is told: results around raw JSON, or an error (protocol.md 5).
 *
 * Results are never copied here: a message is composed around them, as parts.
 */
#ifndef NODE_REPLY_H
#define NODE_REPLY_H

#include "node/node_state.h"

enum reply_code {
    REPLY_NOT_FOUND = 1001,
    REPLY_FAILED = 1003,
    REPLY_TIMED_OUT = 1004, /* and, as in the reference, an unknown role */
};

struct reply_failure {
    enum reply_code code;
    struct span message;
    struct span details; /* text, or empty for null */
};

/* "RPC execution failed", with details for whoever reads them. */
static inline struct reply_failure
reply_failed(struct span details)
{
    return (struct reply_failure){ REPLY_FAILED, SPAN("RPC execution failed"), details };
}

/* One member of `r`. */
struct reply_item {
    struct span name;
    struct span result; /* JSON; lives until the next step */
};

/* What stands behind `r`. */
struct reply_extras {
    struct span intermediate_results; /* JSON array, or empty for [] */
    struct span execution_summary;    /* JSON object, or empty for null */
};

void reply_error(
    struct node *node, struct conn_id conn, struct span u, const struct reply_failure *failure);

/* false: the whole is above what a client takes, or memory ran out; nothing was sent. */
MUST_CHECK bool reply_results(struct node *node, struct conn_id conn, struct span u,
    const struct reply_item *items, uint32_t item_count, const struct reply_extras *extras);

#endif
