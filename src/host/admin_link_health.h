/* SPDX-License-Identifier: Apache-2.0 */
/* admin_link_health.h - how good links have been (bridge/link_health.h), in JSON and as metrics. */
#ifndef HOST_ADMIN_LINK_HEALTH_H
#define HOST_ADMIN_LINK_HEALTH_H

#include <jansson.h>

#include "bridge/bridge.h"
#include "host/admin_metrics.h"

/* The member `health` of a link in /v1/links. */
json_t *admin_link_health_describe(const struct link_health *health, struct now now);

/* The families of availability, round trip and clock; a link has no sample where nothing is known. */
void admin_link_health_add_metrics(struct admin_metrics *metrics,
    const struct bridge_link_stats *links, uint32_t link_count, struct now now);

#endif
