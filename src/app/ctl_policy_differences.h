/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_differences.h - what other policies change, as a bridge tells it (GET /v1/policy/differences), for people
 * and for programs. Both are in the order of link, direction, kind and function.
 *
 * A bridge lists the first 1000 of a link, and counts all of them.
 */
#ifndef APP_CTL_POLICY_DIFFERENCES_H
#define APP_CTL_POLICY_DIFFERENCES_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* Whether anything differs, listed or not. */
bool ctl_policy_differences_any(const json_t *answer);

/*
 * {"appear": [...], "vanish": [...], "change": [...], "alter": [...], "counts": {"appear": 1, ...}, "compared", "accepted"},
 * each item with link, direction, function, before, after, rule_before, rule_after.
 *
 * For json_decref(); NULL: no memory.
 */
json_t *ctl_policy_differences_json(const json_t *answer);

/* A table if anything differs, then one line with the counts. */
void ctl_policy_differences_print(const json_t *answer, FILE *out);

#endif
