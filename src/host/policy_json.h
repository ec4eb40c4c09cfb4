/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_json.h - what there is to say of policies, as JSON: for mpregctl and for the admin interface alike.
 */
#ifndef HOST_POLICY_JSON_H
#define HOST_POLICY_JSON_H

#include <jansson.h>

#include "bridge/policy_explain.h"
#include "host/policy_yaml.h"

/* {"errors": [{"file", "line", "column", "message", "hint"}], "warnings": [...]}, sorted. */
json_t *policy_json_errors(struct yaml_errors *errors);

/* {"function", "function_id", "version", "tags", ..., "ttl_seconds": null when no rule limits it}. */
json_t *policy_json_advertisement(const struct advertisement *out);

/* What is not limited is null in it. NULL: null. */
json_t *policy_json_limits(const struct policy_call_limits *limits);

/* [{"rule", "file", "line", "matched", "failed_on", "item"}], the rules that were tried. */
json_t *policy_json_trace(const struct policy_yaml *loaded, enum policy_direction direction,
    const struct policy_explanation *explanation);

#endif
