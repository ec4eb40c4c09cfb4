/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_choice.h - of an import that policy accepted, whether it serves its name and why: `offer`, `stale`, `doubted`,
 * `chosen_link`, `decided_by` and `candidates` of /v1/functions and /v1/policy/explain, in a few words.
 */
#ifndef APP_CTL_CHOICE_H
#define APP_CTL_CHOICE_H

#include <jansson.h>

/* "first of 3 by hops", "standby: link ap by round_trip, stale"; empty when it is offered and the only one. */
void ctl_choice_write(const json_t *import, char *text, size_t size);

#endif
