/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_decide.h - which of several imports serves a name: a flat, numbered, total order.
 *
 *   1  preference   the higher one
 *   2  freshness    what is fresh before what came over a damped or doubted link somewhere on its way, and that before what is stale
 *   3  hops         the shorter path
 *   4  cost         the lower one
 *   5  round_trip   the nearer far side, in coarse bands (rib_describe_link)
 *   6  bridge       the name of the far side's bridge that orders lower, bytewise
 *   7  link         the link that the configuration names first
 *   8  route        the lower route id: a tie beyond this is impossible
 *
 * Federations that pass on to each other what they chose come to rest, since whatever is passed on ranks lower than it did
 * before: it is doubted if it was, and has a hop more. Only what a policy prefers can break that
 * (docs/adr/0025-doubt-travels.md).
 *
 * Imports that are equal up to step 5 are as good as each other: calls may be spread over them.
 */
#ifndef BRIDGE_RIB_DECIDE_H
#define BRIDGE_RIB_DECIDE_H

#include "bridge/rib.h"

enum rib_freshness {
    RIB_FRESH = 0,
    RIB_DOUBTED, /* rib_import_is_doubted() */
    RIB_STALE,   /* nobody vouches for it right now */
};

/* Of one import, what the steps look at. Texts borrow. */
struct rib_rank {
    uint32_t preference;
    enum rib_freshness freshness;
    uint32_t hops;
    uint32_t cost;
    uint32_t distance;
    struct span bridge;
    uint32_t link;
    uint64_t route_id;
};

struct rib_rank rib_rank_of(const struct rib *rib, const struct rib_import *import);

/* The number of the step that decided; *a_wins tells for whom. 0: they are the same import. */
uint32_t rib_decide(const struct rib_rank *a, const struct rib_rank *b, bool *a_wins);

#define RIB_DECIDE_STEPS 8u

/* The last step that says which of two is better, and not only which of two equal ones comes first. */
#define RIB_DECIDE_BETTER 5u

/* "preference" … "route"; of step 0: "only". */
const char *rib_decision_name(uint32_t step);

#endif
