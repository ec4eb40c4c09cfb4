/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_policy_outcome.h - how a change of policies ended, from what a bridge says of it (GET /v1/policy). */
#ifndef APP_CTL_POLICY_OUTCOME_H
#define APP_CTL_POLICY_OUTCOME_H

#include <stdbool.h>

#include <jansson.h>

#include "base/instant.h"
#include "host/reason.h"
#include "host/value.h"

enum ctl_policy_end {
    CTL_POLICY_UNDER_WAY = 0, /* loading, comparing, applying, or going back */
    CTL_POLICY_COMPARED,      /* nothing was to be changed */
    CTL_POLICY_APPLIED,
    CTL_POLICY_UNCONFIRMED, /* applied, and goes back unless somebody confirms it */
    CTL_POLICY_GUARDED,     /* refused: too many functions would vanish */
    CTL_POLICY_REVERTED,    /* nobody confirmed it in time, or somebody took it back */
    CTL_POLICY_NO_MEMORY,
    CTL_POLICY_INVALID,  /* the files have errors, or their tests or asserts fail */
    CTL_POLICY_BLOCKED,  /* the engine was at another change */
    CTL_POLICY_SHADOWED, /* compared from now on */
    CTL_POLICY_UNKNOWN,  /* nothing was asked for yet, or a word of a newer bridge */
};

struct ctl_policy_outcome {
    enum ctl_policy_end end;
    const char *name;        /* "guarded": for JSON */
    struct value_text until; /* UNCONFIRMED: when it goes back; else "" */
    struct reason text; /* a sentence without its full stop: what is in use now, and what to do */
};

/* `now`: when the bridge said so. */
struct ctl_policy_outcome ctl_policy_outcome(const json_t *policy, struct wall now);

#endif
