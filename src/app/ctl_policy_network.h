/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_policy_network.h - what can reach whom by the policies of several federations. */
#ifndef APP_CTL_POLICY_NETWORK_H
#define APP_CTL_POLICY_NETWORK_H

#include "app/ctl.h"
#include "host/policy_files.h"

/* On stdout: a table, or with -o json a line for each way. */
void ctl_policy_print_network(
    const struct ctl *ctl, const struct policy_files *files, struct arena *arena);

#endif
