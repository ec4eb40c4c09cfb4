/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_explanation.h - why a function is accepted or rejected, printed for people: of a file
 * (`mpregctl policy explain`) and of a bridge that runs (`mpregctl explain`).
 *
 * An explanation: {"action": "accept"|"reject", "rule", "reason", "advertisement": {...}|null, "limits": {...}|null,
 * "merge": true|false, "trace": [{"rule", "file", "line", "matched", "failed_on", "item"}]}. What is absent is not printed.
 */
#ifndef APP_CTL_EXPLANATION_H
#define APP_CTL_EXPLANATION_H

#include <jansson.h>

/* The rules tried, the verdict, and what an accepted function becomes; on stdout. */
void ctl_explanation_print(const json_t *explanation);

#endif
