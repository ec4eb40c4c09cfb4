/* SPDX-License-Identifier: Apache-2.0 */
/* built_in.c - names of the commands that every node answers by itself. */
#include "core/built_in.h"

static const char *const names[] = {
    "catalog_query",
    "catalog_watch",
    "cluster_map",
    "cluster_map_v2",
    "discovery_access_audit",
    "dns_describe",
    "dns_list",
    "dns_register",
    "dns_unregister",
    "echo",
    "echos",
    "list_peers",
    "namespace_policy_apply",
    "namespace_policy_audit",
    "namespace_policy_export",
    "namespace_policy_validate",
    "namespace_status",
    "resolver_cache_stats",
    "resolver_resync",
    "rpc_describe",
    "rpc_describe_local",
    "rpc_list",
    "rpc_report",
    "summary_query",
    "summary_watch",
};

bool
built_in_is(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (span_is(name, names[i])) {
            return true;
        }
    }
    return false;
}
