/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_strings.h - the strings of a JSON text, and whether they are names. Private to plan*.c.
 */
#ifndef NODE_PLAN_STRINGS_H
#define NODE_PLAN_STRINGS_H

#include "node/plan.h"

#define PLAN_NO_NAME UINT32_MAX

/* Sees each string, decoded, and its token. false: stop, there is no memory. */
typedef bool (*plan_visit)(void *owner, struct span text, uint32_t token);

/*
 * Visit the strings that are values, at any depth, in order; keys are none. The scratch's tape then
 * holds the tokens of `json`. Results of plan_substitute, but neither PLAN_EMPTY nor PLAN_CYCLE.
 */
MUST_CHECK enum plan_result plan_each_string(
    struct span json, struct message_scratch *scratch, plan_visit visit, void *owner);

/* Scan a text into the scratch's tape. */
MUST_CHECK enum plan_result plan_scan(
    struct span json, struct message_scratch *scratch, struct json_doc *doc);

/* The rank of a name, or PLAN_NO_NAME. */
uint32_t plan_find_name(const struct plan_value *values, uint32_t count, struct span name);

/* false: no string in `json` is `name` or starts with it, for sure. Much cheaper than a scan. */
bool plan_could_name(struct span json, struct span name);

#endif
