/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_change.h - what the verbs of `mpregctl policy` share that ask a running bridge for a change: their
 * command line, sending it, waiting for its end, and telling how it ended.
 */
#ifndef APP_CTL_POLICY_CHANGE_H
#define APP_CTL_POLICY_CHANGE_H

#include "app/ctl_policy.h"
#include "app/ctl_policy_outcome.h"
#include "bridge/rib.h"

/* Files of one change: a bridge needs at most one for each of its links. */
#define CTL_POLICY_FILES_MAX RIB_LINKS_MAX

#define CTL_POLICY_AUTHOR_SIZE_MAX 64

struct ctl_policy_change {
    const char *arguments[CTL_POLICY_FILES_MAX];
    size_t argument_count;
    char author[CTL_POLICY_AUTHOR_SIZE_MAX + 1]; /* --author, else user@host */
    uint64_t confirm_within_ns;                  /* 0: no confirmation is wanted */
    bool force;
    bool dry_run;
    bool stop;
};

/* Rows for a verb's table of options; each takes those that mean something to it. */
#define CTL_POLICY_AUTHOR_OPTION                                                                   \
    {                                                                                              \
        "author", required_argument, NULL, 'A'                                                     \
    }
#define CTL_POLICY_FORCE_OPTION                                                                    \
    {                                                                                              \
        "force", no_argument, NULL, 'f'                                                            \
    }
#define CTL_POLICY_CONFIRM_OPTION                                                                  \
    {                                                                                              \
        "confirm-within", required_argument, NULL, 'c'                                             \
    }
#define CTL_POLICY_DRY_RUN_OPTION                                                                  \
    {                                                                                              \
        "dry-run", no_argument, NULL, 'n'                                                          \
    }
#define CTL_POLICY_STOP_OPTION                                                                     \
    {                                                                                              \
        "stop", no_argument, NULL, 's'                                                             \
    }

/*
 * Read a command line with at most `argument_max` arguments. `line` has all but its arguments read.
 *
 * true: go on. false: end with *exit_code.
 */
MUST_CHECK bool ctl_policy_change_read(struct ctl *ctl, struct options *line, size_t argument_max,
    const char *help, struct ctl_policy_change *change, int *exit_code);

/* {"author", "force", "confirm_within_seconds"}, for apply and reload. */
json_t *ctl_policy_change_body(const struct ctl_policy_change *change);

/* POST a body, which is taken; what is wrong with the files is reported as the bridge says it. false: reported. */
MUST_CHECK bool ctl_policy_change_send(const struct ctl *ctl, const char *page, json_t *body);

/* Wait until the bridge has done what it was asked for: its answer (GET /v1/policy). NULL: reported. */
MUST_CHECK json_t *ctl_policy_change_await(const struct ctl *ctl);

/* GET /v1/policy/differences and print them: APP_OK or APP_DIFFERENT. APP_FAILED: reported. */
int ctl_policy_change_compare(const struct ctl *ctl);

/*
 * Send, wait, and print how it ended; with `differences` also what it changes. APP_OK when it is applied, confirmed or
 * not, or when what waited went back and `may_revert`.
 */
struct ctl_policy_change_plan {
    const char *page;
    bool differences;
    bool may_revert;
};
int ctl_policy_change_run(
    const struct ctl *ctl, const struct ctl_policy_change_plan *plan, json_t *body);

#endif
