/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - in which order the commands of one request run, and what stands in their arguments
 * (protocol.md 5.2).
 *
 * A string in a command's args, at any depth of arrays and object values, that is another command's
 * name - or whose part before the first "." is one - makes that command a dependency. A level holds
 * the commands whose dependencies are all on earlier levels; the commands of a level run at the same
 * time. Just before a command runs, references in its args and kwargs to finished commands are
 * replaced by their results. A reference in kwargs makes no dependency: it is replaced only if the
 * other command has finished by then, which on the same level is sure for nobody.
 *
 * Arguments stay the bytes they were, but for the strings that are replaced.
 */
#ifndef NODE_PLAN_H
#define NODE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/message.h"
#include "core/rpc.h"

/* Object members looked at for the references of one value: what a client may make us search. */
#define PLAN_STEPS_MAX (UINT32_C(1) << 22)

enum plan_result {
    PLAN_OK = 0,
    PLAN_EMPTY,     /* there are no commands */
    PLAN_CYCLE,     /* commands depend on each other, or one on itself; plan->cycle says which */
    PLAN_TOO_LARGE, /* too many values, too deep, above MESSAGE_SIZE_MAX or PLAN_STEPS_MAX */
    PLAN_BAD_VALUE, /* a result that is to be inserted is not JSON */
    PLAN_NO_MEMORY,
};

/* What the plan says of one command. */
struct plan_step {
    uint32_t level;
    uint32_t rank;     /* its place among the names that are kept, in order */
    bool replaced;     /* a later command has its name: it never runs, and has no level and rank */
    bool args_refer;   /* its args name another command */
    bool kwargs_refer; /* its kwargs do */
};

struct plan {
    const struct plan_step *steps; /* one for each command */
    uint32_t kept_count;           /* commands that run */
    uint32_t level_count;
    const uint32_t *cycle; /* PLAN_CYCLE: each is a dependency of the next; the last is the first */
    uint32_t cycle_count;
};

/*
 * Plan `count` commands, at most COMMANDS_MAX. PLAN_OK: *plan lives as long as the scratch's arena.
 * PLAN_CYCLE: only its cycle is set. Otherwise it is untouched.
 */
MUST_CHECK enum plan_result plan_make(const struct rpc_command *commands, uint32_t count,
    struct message_scratch *scratch, struct plan *plan);

/* A command that may be referred to. */
struct plan_value {
    struct span name;
    struct span result; /* JSON; .data NULL: it has not finished */
};

/*
 * `json` with its references replaced. `values` stand in the order of their rank. PLAN_OK: *out is
 * `json` itself when nothing was replaced, else new text in the scratch's arena.
 */
MUST_CHECK enum plan_result plan_substitute(const struct plan_value *values, uint32_t count,
    struct span json, struct message_scratch *scratch, struct span *out);

const char *plan_result_name(enum plan_result result);

#endif
