/* SPDX-License-Identifier: Apache-2.0 */
/* config_probe.h - the keys of a link's `probes` in bridge.yaml, what must hold between them, and what the engine gets. */
#ifndef HOST_CONFIG_PROBE_H
#define HOST_CONFIG_PROBE_H

#include "bridge/probe.h"
#include "host/yaml.h"
#include "host/yaml_errors.h"
#include "host/yaml_read.h"

struct config_probe {
    const struct yaml_node *yaml;
    const char *function;
    const char *const *args; /* each is JSON, or else a text */
    size_t arg_count;
    uint64_t every_ns;
    uint64_t timeout_ns;
    uint32_t fail_after;
    uint32_t ok_after;
};

extern const struct yaml_shape config_probe_shape;

/* Of one link. */
void config_probes_check(
    const struct config_probe *probes, size_t count, struct yaml_errors *errors);

/* For the engine, as many; they live as long as `doc`. NULL: no memory. */
MUST_CHECK const struct probe_config *config_probes_describe(
    const struct config_probe *probes, size_t count, struct yaml_doc *doc);

#endif
