/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_error.h - why a call did not reach a function: the codes callers see (design.md 5), and the
 * object that carries them through a cluster.
 */
#ifndef BRIDGE_CALL_ERROR_H
#define BRIDGE_CALL_ERROR_H

#include <stdint.h>

#include "core/fabric.h"

enum call_code {
    CALL_NOT_FOUND = 1001,
    CALL_INVALID = 1003, /* the call itself makes no sense */
    CALL_TIMED_OUT = 1004,
    CALL_POLICY_REJECTED = 2001,
    CALL_LINK_DOWN = FABRIC_CODE_LINK_DOWN,
    CALL_DEADLINE_EXCEEDED = 2003,
    CALL_RATE_LIMITED = 2004,
    CALL_OVERLOADED = 2005,
    CALL_PAYLOAD_TOO_LARGE = 2006,
    CALL_LOOP = 2007,
    CALL_BREAKER_OPEN = 2008,
    CALL_REMOTE_FAILED = 2009,
    CALL_DRAINING = FABRIC_CODE_DRAINING,
};

/* Which of the two bridges refused. */
enum call_side {
    CALL_NEAR = 0, /* the caller's */
    CALL_FAR,
};

struct call_error {
    enum call_code code;
    enum call_side side;
    struct span text; /* what happened and what to do */
    struct span hop;  /* name of the bridge that refused */
    struct span rule; /* id of the policy rule, or empty */
};

/* A code from a far bridge; one that we do not know is CALL_REMOTE_FAILED. */
enum call_code call_code_from_wire(uint16_t code);

/*
 * The error object of an rpc-response: {"error", "command", "error_type", "code", "details": {"hop",
 * "side", "reason", "rule"}}. A real server hands it to its client as it is (protocol.md 5.1).
 */
void call_error_encode(struct buf *out, const struct call_error *error, struct span command);

/* Metric label and error_type, as "link_down". */
const char *call_code_name(enum call_code code);

/* Counters by how a call ended: [0] answered, [1] the function failed, then one for each code. */
#define CALL_RESULT_COUNT  15u
#define CALL_RESULT_OK     0u
#define CALL_RESULT_FAILED 1u
uint32_t call_result_index(enum call_code code);
const char *call_result_name(uint32_t index);

#endif
