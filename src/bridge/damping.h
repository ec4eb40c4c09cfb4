/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damping.h - a penalty for what comes and goes, after RFC 2439.
 *
 * Each flap adds to the penalty, which halves every half_life. From `suppress` on the thing is suppressed, until the
 * penalty has fallen to `reuse`; and never for longer than max_suppress after its last flap, since the penalty has a ceiling
 * from which it falls to `reuse` in just that time.
 *
 *     penalty  ceiling - - - - - - - - - - - - - - -
 *                        /|\      suppressed
 *     suppress - - - - -/-+-\- - - - - - - - - - - -
 *                    /| /    \ .
 *     reuse  - - - -/-+/- - - - -` . - - - - - - - -   in use again
 *                  /               ` .
 *                 flap flap flap
 *
 * Integers only: a table of sixteen steps a half-life, and straight lines between them, which is off by less than 0.1 % each
 * time.
 */
#ifndef BRIDGE_DAMPING_H
#define BRIDGE_DAMPING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

/* What one flap adds, and what a change that leaves the thing in place does. */
#define DAMPING_FLAP   1000u
#define DAMPING_CHANGE 500u

/* No penalty, and so no threshold, is higher. */
#define DAMPING_PENALTY_MAX 1000000u

/* 0 < reuse < suppress <= damping_ceiling(), or half_life_ns 0: nothing is ever suppressed. */
struct damping_config {
    uint64_t half_life_ns;
    uint64_t max_suppress_ns;
    uint32_t suppress;
    uint32_t reuse;
};

#define DAMPING_OFF ((struct damping_config){ .half_life_ns = 0 })

/* Of one thing; zeroed: it has never flapped. */
struct damping {
    uint64_t scaled;         /* private: the penalty at `at`, in parts of 1024 */
    struct instant at;       /* its last flap */
    struct instant reuse_at; /* it is suppressed before */
};

bool damping_is_on(const struct damping_config *config);

/* The highest penalty: what falls to `reuse` in max_suppress, but at most DAMPING_PENALTY_MAX. */
uint32_t damping_ceiling(const struct damping_config *config);

/* It flapped; `weight` is DAMPING_FLAP or DAMPING_CHANGE. */
void damping_flap(struct damping *damping, const struct damping_config *config, uint32_t weight,
    struct instant now);

/* What is left of the penalty. */
uint32_t damping_penalty(
    const struct damping *damping, const struct damping_config *config, struct instant now);

bool damping_is_suppressed(const struct damping *damping, struct instant now);

/* When it is in use again; not later than now: it is not suppressed. */
struct instant damping_reuse_at(const struct damping *damping);

/* When the penalty has fallen below half of `reuse`, after which there is nothing to remember. */
struct instant damping_forget_at(
    const struct damping *damping, const struct damping_config *config);

#endif
