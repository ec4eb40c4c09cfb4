/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_policy.h - the policies of the simulated bridges, as a person would say them.
 *
 * One struct is read twice: made into rules for the engine, and judged by in the simplest words. The two
 * share nothing but the struct, so a checker that judges by it knows what the engine should have done.
 *
 *   export, in this order:
 *     nothing with the tag internal; of the own functions none with the verb `keeps`;
 *     joins: copy.X and draw.X leave as <own>.both.X; as one service if it merges, else one of them does;
 *     what is public leaves as <own>.<name>, while the window is open;
 *     transit: what came from others, if its name says whose it is, goes on: as it is, or as <own>.<name>.
 *   import:
 *     nothing with the verb `rejects`; strips: <far>.X comes in as X; else as it is, if only_far says so
 *     only what starts with the far federation's name; for a while only, if nobody vouches for it.
 */
#ifndef TESTS_SIM_SIM_POLICY_H
#define TESTS_SIM_SIM_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/prng.h"
#include "bridge/policy.h"

#define SIM_FEDERATIONS_MAX 12
#define SIM_TEXT_MAX        96

/* The first part of each function's name; SIM_VERBS means none of them. */
#define SIM_VERBS 4
extern const char *const sim_verbs[SIM_VERBS];

struct sim_rules {
    uint32_t own; /* federations */
    uint32_t far;
    uint32_t keeps;
    uint32_t rejects;
    bool joins;
    bool merges;
    bool transit;
    bool transit_renames;
    bool strips;
    bool only_far;
    int64_t open_from; /* the window, by the bridge's wall clock */
    int64_t open_until;
    enum policy_overlap overlap;
    struct policy_import_limits import_limits;
    uint32_t withdraw_max; /* percent */
    struct policy_call_limits
        call_limits[2]; /* of each rule that accepts, by enum policy_direction */
};

/* What the policies of a world may be like. */
struct sim_taste {
    bool renames; /* in transit. Only where one road leads from each to each: see sim_oracle.h */
    bool transit;
    bool table_limits;
};

extern const char *const sim_federation_names[SIM_FEDERATIONS_MAX];

struct sim_rules sim_rules_draw(
    struct prng *prng, uint32_t own, uint32_t far, const struct sim_taste *taste);
/* The same but for one thing. */
struct sim_rules sim_rules_redraw(
    struct prng *prng, const struct sim_rules *rules, const struct sim_taste *taste);

/* What comes in is good for so long at most once nobody vouches for it; 0: for as long as it says. */
uint64_t sim_rules_lifetime_ns(const struct sim_rules *rules);

struct policy *sim_rules_compile(const struct sim_rules *rules, struct mem *mem);

/* A function as it comes to a policy. */
struct sim_fact {
    const char *name;
    bool is_public;
    bool passes; /* came over a link */
};

/* false: rejected. */
bool sim_rules_export(
    const struct sim_rules *rules, const struct sim_fact *fact, bool open, char out[SIM_TEXT_MAX]);
bool sim_rules_import(const struct sim_rules *rules, const char *name, char out[SIM_TEXT_MAX]);
/* At some time from `first` to `last`. */
bool sim_rules_open(const struct sim_rules *rules, int64_t first, int64_t last);

/* The ids of the rules that accept, for their limits of calls. NULL: there are no more. */
const char *sim_rules_accepting(
    const struct sim_rules *rules, enum policy_direction direction, uint32_t at);

bool sim_limits_are_there(const struct policy_call_limits *limits);

/* One line, for people. */
void sim_rules_print(FILE *out, const struct sim_rules *rules);

#endif
