/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - one question to a node and its answer, on a loop of its own: what `mpregctl call` needs.
 *
 * Blocks until the answer is there, the connection is over or the time is. The answer is the first
 * message whose key `u` is the question's; a node may say other things before.
 */
#ifndef HOST_CLIENT_H
#define HOST_CLIENT_H

#include "base/buf.h"
#include "host/reason.h"
#include "host/value.h"
#include "host/ws.h"

enum client_result {
    CLIENT_OK = 0,
    CLIENT_NOT_CONNECTED, /* nobody answers there, or not as a node does */
    CLIENT_CLOSED,        /* the node closed the connection before it answered */
    CLIENT_TIMED_OUT,
    CLIENT_FAILED, /* on our side: no memory, no sockets, a certificate file */
};

struct client_question {
    const struct value_url *url;
    const struct ws_tls *tls; /* for wss:// */
    struct span message;
    struct span u;       /* of the message */
    uint64_t timeout_ns; /* for all of it */
};

/* CLIENT_OK: the answer is appended to `answer`. Otherwise *reason says why. */
MUST_CHECK enum client_result client_ask(
    const struct client_question *question, struct buf *answer, struct reason *reason);

const char *client_result_name(enum client_result result);

#endif
