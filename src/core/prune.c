/* SPDX-License-Identifier: Apache-2.0 */
/* prune.c - names of the prune reasons, as metrics and logs show them. */
#include "core/prune.h"

const char *
prune_reason_name(enum prune_reason reason)
{
    switch (reason) {
    case PRUNE_TTL_EXPIRED:
        return "ttl_expired";
    case PRUNE_WITHDRAWN:
        return "withdrawn";
    case PRUNE_LINK_DOWN:
        return "link_down";
    case PRUNE_NODE_GOODBYE:
        return "node_goodbye";
    case PRUNE_NODE_DEAD:
        return "node_dead";
    case PRUNE_POLICY_REJECTED:
        return "policy_rejected";
    case PRUNE_LIMIT_EXCEEDED:
        return "limit_exceeded";
    case PRUNE_DAMPED:
        return "damped";
    case PRUNE_LOOP:
        return "loop";
    case PRUNE_ISOLATION:
        return "isolation";
    case PRUNE_FUNCTION_ID_CONFLICT:
        return "function_id_conflict";
    case PRUNE_VERSION_CONFLICT:
        return "version_conflict";
    case PRUNE_INVALID:
        return "invalid";
    case PRUNE_SUPERSEDED:
        return "superseded";
    case PRUNE_STALE_TIMEOUT:
        return "stale_timeout";
    case PRUNE_OPERATOR:
        return "operator";
    }
    return "unknown";
}
