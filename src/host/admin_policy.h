/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_policy.h - the admin pages about policies: what is in use and was, what another would change, how often each
 * rule decided, why a function is let through or not; and how policies are changed (docs/cli.md has the keys).
 *
 * A change is begun by POST, which answers 202 when nothing speaks against it; how it goes on is told by /v1/policy.
 * `self` is a struct admin_bridge everywhere.
 */
#ifndef HOST_ADMIN_POLICY_H
#define HOST_ADMIN_POLICY_H

#include "host/admin_bridge.h"
#include "host/policy_store.h"

/* Files of one change, and those that one file includes. */
#define ADMIN_POLICY_FILES_MAX RIB_LINKS_MAX

void admin_policy_serve(void *self, const struct admin_call *call);
void admin_policy_serve_versions(void *self, const struct admin_call *call);
void admin_policy_serve_differences(void *self, const struct admin_call *call);
void admin_policy_serve_stats(void *self, const struct admin_call *call);

/* ?function=NAME&link=LINK&direction=export|import; admin_policy_explain.c. */
void admin_policy_serve_explain(void *self, const struct admin_call *call);

/* admin_policy_change.c */
void admin_policy_diff(void *self, const struct admin_call *call);
void admin_policy_apply(void *self, const struct admin_call *call);
void admin_policy_reload(void *self, const struct admin_call *call);
void admin_policy_shadow(void *self, const struct admin_call *call);
void admin_policy_confirm(void *self, const struct admin_call *call);
void admin_policy_rollback(void *self, const struct admin_call *call);

#endif
