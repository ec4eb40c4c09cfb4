/* SPDX-License-Identifier: Apache-2.0 */
/* admin_probe.h - what the probes of links have found (bridge/probe.h), in JSON and as metrics. */
#ifndef HOST_ADMIN_PROBE_H
#define HOST_ADMIN_PROBE_H

#include <jansson.h>

#include "bridge/bridge.h"
#include "host/admin_metrics.h"

/* The member `probes` of a link in /v1/links. */
json_t *admin_probe_describe(const struct bridge_link_stats *link, struct now now);

/* The families of probes. Here functions are labels: they are those that the configuration names. */
void admin_probe_add_metrics(
    struct admin_metrics *metrics, const struct bridge_link_stats *links, uint32_t link_count);

#endif
