/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune.h - why an advertisement disappeared or was never let in: the closed list (design.md 5).
 *
 * Nothing is dropped for any other reason, and nothing without one: each has a counter, a log line
 * and the metric label prune_reason_name() gives.
 */
#ifndef CORE_PRUNE_H
#define CORE_PRUNE_H

enum prune_reason {
    PRUNE_TTL_EXPIRED = 0,      /* its advertiser did not refresh it in time */
    PRUNE_WITHDRAWN,            /* its advertiser took it back */
    PRUNE_LINK_DOWN,            /* the link it came over is down */
    PRUNE_NODE_GOODBYE,         /* its node said goodbye */
    PRUNE_NODE_DEAD,            /* its node's connections broke and nobody answers there */
    PRUNE_POLICY_REJECTED,      /* a rule, or the default, denies it */
    PRUNE_LIMIT_EXCEEDED,       /* a cap of limits.h or of the configuration */
    PRUNE_DAMPED,               /* it flaps */
    PRUNE_LOOP,                 /* our own federation is in its path, or no hop is left */
    PRUNE_ISOLATION,            /* who said it may not say that */
    PRUNE_FUNCTION_ID_CONFLICT, /* its name has another id here, or its id another name */
    PRUNE_VERSION_CONFLICT,     /* another function has its name and id: their versions would mix */
    PRUNE_INVALID,              /* malformed */
    PRUNE_SUPERSEDED,           /* a better one took its place; it is still known */
    PRUNE_STALE_TIMEOUT,        /* kept over a restart of the far side, and it did not come back */
    PRUNE_OPERATOR,             /* an operator's command or a new configuration */
};

#define PRUNE_REASON_COUNT (PRUNE_OPERATOR + 1)

const char *prune_reason_name(enum prune_reason reason);

#endif
