/* SPDX-License-Identifier: Apache-2.0 */
/* config_damping.h - the keys of `damping` in bridge.yaml, and what must hold between them (bridge/damping.h). */
#ifndef HOST_CONFIG_DAMPING_H
#define HOST_CONFIG_DAMPING_H

#include "bridge/damping.h"
#include "host/yaml.h"
#include "host/yaml_errors.h"
#include "host/yaml_read.h"

struct config_damping {
    const struct yaml_node *yaml;
    bool enabled;
    uint64_t half_life_ns;
    uint64_t max_suppress_ns;
    uint32_t suppress;
    uint32_t reuse;
};

struct config_dampings {
    const struct yaml_node *yaml;
    struct config_damping links;
    struct config_damping functions;
};

extern const struct yaml_shape config_dampings_shape;

/* Defaults can be wrong beside what a file says; what is in no place of it is reported at `root`. */
void config_dampings_check(const struct config_dampings *dampings, const struct yaml_node *root,
    struct yaml_errors *errors);

struct damping_config config_damping_describe(const struct config_damping *damping);

#endif
