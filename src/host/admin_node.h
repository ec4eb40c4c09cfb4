/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_node.h - the admin pages of mpreg-node: /healthz /readyz /metrics /v1/status.
 */
#ifndef HOST_ADMIN_NODE_H
#define HOST_ADMIN_NODE_H

#include "host/admin.h"
#include "node/node.h"

struct admin_node {
    struct admin admin;
    struct node *node;
};

/* http_config.on_request; the owner is a struct admin_node whose `node` is set. */
void admin_node_serve(
    void *owner, const struct http_request *request, struct http_response *response);

#endif
