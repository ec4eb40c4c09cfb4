/* SPDX-License-Identifier: Apache-2.0 */
/* config_damping.c - links are damped unless the file says otherwise, functions are not. */
#include "host/config_damping.h"

#define DAMPING_KEYS(enabled_)                                                                     \
    YAML_BOOLEAN(struct config_damping, enabled, "enabled", .fallback = (enabled_)),               \
        YAML_DURATION(struct config_damping, half_life_ns, "half_life", .fallback = "1m",          \
            .min = SEC_NS, .max = 3600 * SEC_NS),                                                  \
        YAML_NUMBER(struct config_damping, suppress, "suppress", .fallback = "3000", .min = 2,     \
            .max = DAMPING_PENALTY_MAX),                                                           \
        YAML_NUMBER(struct config_damping, reuse, "reuse", .fallback = "1000", .min = 1,           \
            .max = DAMPING_PENALTY_MAX),                                                           \
        YAML_DURATION(struct config_damping, max_suppress_ns, "max_suppress", .fallback = "5m",    \
            .min = SEC_NS, .max = 24 * 3600 * SEC_NS)

static const struct yaml_key link_keys[] = { DAMPING_KEYS("true") };
static const struct yaml_shape link_shape =
    YAML_SHAPE(struct config_damping, link_keys, "damping.links", .shorthand = &link_keys[0]);

static const struct yaml_key function_keys[] = { DAMPING_KEYS("false") };
static const struct yaml_shape function_shape = YAML_SHAPE(
    struct config_damping, function_keys, "damping.functions", .shorthand = &function_keys[0]);

static const struct yaml_key damping_keys[] = {
    YAML_GROUP(struct config_dampings, links, &link_shape, "links"),
    YAML_GROUP(struct config_dampings, functions, &function_shape, "functions"),
};
const struct yaml_shape config_dampings_shape =
    YAML_SHAPE(struct config_dampings, damping_keys, "damping");

struct damping_config
config_damping_describe(const struct config_damping *damping)
{
    return (struct damping_config){
        .half_life_ns = damping->enabled ? damping->half_life_ns : 0,
        .max_suppress_ns = damping->max_suppress_ns,
        .suppress = damping->suppress,
        .reuse = damping->reuse,
    };
}

/* Where the key is, or else the mapping that it is missing in, or else `root`. */
static struct yaml_place
place_of(const struct config_damping *damping, const char *key, const struct yaml_node *root)
{
    const struct yaml_node *node = damping->yaml;
    const struct yaml_node *value = node == NULL ? NULL : yaml_find(node, key);
    return yaml_place(value != NULL ? value : node != NULL ? node : root);
}

static void
check(const struct config_damping *damping, const char *name, const struct yaml_node *root,
    struct yaml_errors *errors)
{
    struct damping_config config = config_damping_describe(damping);
    if (!damping_is_on(&config)) {
        return;
    }
    if (damping->reuse >= damping->suppress) {
        yaml_errors_add(errors, YAML_ERROR, place_of(damping, "reuse", root),
            "damping.%s: reuse (%u) is not below suppress (%u)", name, (unsigned)damping->reuse,
            (unsigned)damping->suppress);
        yaml_errors_hint(errors, "what is suppressed is in use again from reuse down");
    } else if (damping_ceiling(&config) < damping->suppress) {
        yaml_errors_add(errors, YAML_ERROR, place_of(damping, "max_suppress", root),
            "damping.%s: nothing could be suppressed, since no penalty grows above %u", name,
            (unsigned)damping_ceiling(&config));
        yaml_errors_hint(errors,
            "that is what falls to reuse within max_suppress; make max_suppress longer, half_life "
            "shorter, or suppress lower");
    }
}

void
config_dampings_check(const struct config_dampings *dampings, const struct yaml_node *root,
    struct yaml_errors *errors)
{
    check(&dampings->links, "links", root, errors);
    check(&dampings->functions, "functions", root, errors);
}
