/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_bridge.h - the admin pages of mpreg-bridge: /healthz /readyz /metrics /v1/status /v1/links
 * /v1/functions and those of admin_policy.h.
 *
 * The parts are apart, so that a test can look at one: status and links in admin_bridge.c, what is done to a link in
 * admin_link_change.c, what both ends have made of each other's functions in admin_link_agreement.c, functions in admin_functions.c, metrics in admin_bridge_metrics.c.
 */
#ifndef HOST_ADMIN_BRIDGE_H
#define HOST_ADMIN_BRIDGE_H

#include "bridge/bridge.h"
#include "host/admin.h"
#include "host/tls.h"

/* Functions in one answer of /v1/functions, unless `limit` says otherwise. */
#define ADMIN_FUNCTIONS_DEFAULT 10000u
#define ADMIN_FUNCTIONS_MAX     1000000u

struct admin_bridge {
    struct admin admin;
    struct bridge *bridge;
    struct span name;
    struct span federation;
    const struct tls_context *tls; /* NULL: there are no links */
    struct policy_store *policies;
};

/* http_config.on_request; the owner is a struct admin_bridge whose `bridge` is set. */
void admin_bridge_serve(
    void *owner, const struct http_request *request, struct http_response *response);

/* What a query may name: the link, or bridge_link_count() when it names none. false: answered with 404. */
MUST_CHECK bool admin_bridge_query_link(
    const struct admin_bridge *admin, const struct admin_call *call, uint32_t *link);

const char *admin_bridge_direction(enum policy_direction direction);

/* Of an import that policy accepted: whether it serves its name, and which step of the decision says so. */
void admin_bridge_describe_choice(
    const struct admin_bridge *admin, const struct rib_import *import, json_t *json);

/* The link and the rest of "/v1/links/NAME/WHAT". false: there is no link of this name: answered with 404. */
MUST_CHECK bool admin_bridge_path_link(const struct admin_bridge *admin,
    const struct admin_call *call, uint32_t *link, struct span *what);

/* Pages of the other files. `self` is a struct admin_bridge. */
void admin_bridge_serve_functions(void *self, const struct admin_call *call);
void admin_bridge_serve_events(void *self, const struct admin_call *call);
void admin_bridge_serve_metrics(void *self, const struct admin_call *call);
void admin_link_change(void *self, const struct admin_call *call);
void admin_link_serve(void *self, const struct admin_call *call);

#endif
