/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_policy_candidate.h - policy files that a bridge is to compare or to use, made ready to be sent. */
#ifndef APP_CTL_POLICY_CANDIDATE_H
#define APP_CTL_POLICY_CANDIDATE_H

#include "app/ctl_policy.h"

/*
 * Check the files as `mpregctl policy check` does, and read them with what they include:
 * [{"path", "text", "includes": [{"path", "text"}]}], the paths of includes as the file writes them.
 * Warnings are printed on stderr, unless -o json is wanted.
 *
 * The list, for json_decref(); or NULL: reported.
 */
MUST_CHECK json_t *ctl_policy_candidate_read(
    const struct ctl *ctl, const char *const *paths, size_t count);

#endif
