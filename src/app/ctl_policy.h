/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy.h - the verbs of `mpregctl policy`, and what they share.
 */
#ifndef APP_CTL_POLICY_H
#define APP_CTL_POLICY_H

#include <jansson.h>

#include "app/ctl.h"
#include "host/policy_yaml.h"

/* Of one run: a thousand files of 10,000 rules fit. */
#define CTL_POLICY_MEMORY_MAX ((size_t)4 * 1024 * 1024 * 1024)

/* The files have errors: say them, on stdout with -o json, else on stderr. Returns APP_FAILED. */
int ctl_policy_refuse(const struct ctl *ctl, struct yaml_errors *errors);

/* A text of a policy, which is UTF-8. */
json_t *ctl_policy_json(struct span text);

/* The content with a NUL behind it; other words when it was too long. */
const char *ctl_policy_text(struct buf *buf);

const char *ctl_policy_direction_name(enum policy_direction direction);

/* Of files alone. */
int ctl_policy_explain(struct ctl *ctl, int argc, char **argv);
int ctl_policy_fmt(struct ctl *ctl, int argc, char **argv);
int ctl_policy_prove(struct ctl *ctl, int argc, char **argv);
int ctl_policy_test(struct ctl *ctl, int argc, char **argv);

/* Of a bridge that runs. */
int ctl_policy_show(struct ctl *ctl, int argc, char **argv);
int ctl_policy_versions(struct ctl *ctl, int argc, char **argv);
int ctl_policy_stats(struct ctl *ctl, int argc, char **argv);
int ctl_policy_diff(struct ctl *ctl, int argc, char **argv);
int ctl_policy_apply(struct ctl *ctl, int argc, char **argv);
int ctl_policy_reload(struct ctl *ctl, int argc, char **argv);
int ctl_policy_confirm(struct ctl *ctl, int argc, char **argv);
int ctl_policy_rollback(struct ctl *ctl, int argc, char **argv);
int ctl_policy_shadow(struct ctl *ctl, int argc, char **argv);

#endif
