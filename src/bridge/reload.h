/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload.h - changing the policies of a running bridge as a transaction (design.md 5).
 *
 *     IDLE --begin--> COMPARING --everything compared--> (only asked: IDLE)
 *       ^                 |                              (guard: IDLE, refused)
 *       |                 v
 *       |             APPLYING --everything judged--> CONFIRMING --confirm--> IDLE
 *       |                 |                               |
 *       +-----------------+ no confirmation is wanted     +--late, or revert--> REVERTING --> IDLE
 *
 *     IDLE --shadow--> SHADOWING --begin, or forget--> …
 *
 * Comparing and judging are the RIB's work (rib_work()), done in pieces between which the bridge serves others.
 * Files, texts and authors are the host's business; here are policies.
 */
#ifndef BRIDGE_RELOAD_H
#define BRIDGE_RELOAD_H

#include "bridge/rib.h"

struct bridge;

enum reload_state {
    RELOAD_IDLE = 0,
    RELOAD_COMPARING,
    RELOAD_APPLYING,
    RELOAD_CONFIRMING, /* applied; it goes back unless somebody confirms */
    RELOAD_REVERTING,
    RELOAD_SHADOWING, /* comparing whatever comes, until told to stop */
};

/* How the last one ended. */
enum reload_outcome {
    RELOAD_NONE = 0,
    RELOAD_COMPARED,  /* only the differences were asked for */
    RELOAD_APPLIED,   /* and confirmed, where that was wanted */
    RELOAD_GUARDED,   /* more functions would vanish than guard.withdraw_max allows */
    RELOAD_REVERTED,  /* nobody confirmed in time, or somebody said so */
    RELOAD_NO_MEMORY, /* it was not applied, or taken back */
};

struct reload_request {
    struct policy *const *policies; /* one a link, perhaps the one in use; each gets a holder */
    bool apply;                     /* else only compare */
    bool force;                     /* whatever the guard says */
    uint64_t confirm_within_ns;     /* 0: no confirmation is wanted */
};

struct reload {
    enum reload_state state;
    enum reload_outcome outcome;
    struct reload_request request; /* its policies are `wanted` */
    struct policy **wanted;        /* one a link; held while they may be needed */
    struct policy **before;        /* likewise; what to go back to */
    struct instant due;            /* it goes on by itself; while CONFIRMING, back */
    uint32_t guarded_link;         /* GUARDED: the first link with too many */
    uint32_t guarded_percent;      /* and how many percent may vanish there */
};

MUST_CHECK bool reload_init(struct bridge *bridge);
void reload_destroy(struct bridge *bridge);

/* The bridge goes on with it in each step; its deadline. */
void reload_step(struct bridge *bridge, struct now now);
struct instant reload_deadline(const struct bridge *bridge);

/*
 * What follows is called between two steps, and shows effect in the next.
 *
 * false: another one is under way, and goes on (SHADOWING ends instead).
 */
MUST_CHECK bool bridge_reload_begin(struct bridge *bridge, const struct reload_request *request);

/* Compare from now on, and apply nothing. false: a reload is under way. */
MUST_CHECK bool bridge_shadow_begin(struct bridge *bridge, struct policy *const *policies);

/* The differences are not wanted any more. false: a reload is under way. */
bool bridge_forget_differences(struct bridge *bridge);

/* Keep what was applied. false: nothing waits for it. */
bool bridge_reload_confirm(struct bridge *bridge);
/* Go back now. false: nothing waits for a confirmation. */
bool bridge_reload_revert(struct bridge *bridge);

/* Read it: state, outcome, due. The differences are rib_comparison()'s, until the next one begins. */
const struct reload *bridge_reload(const struct bridge *bridge);

const char *reload_state_name(enum reload_state state);
const char *reload_outcome_name(enum reload_outcome outcome);

#endif
