/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_limits.h - what the calls of one link may cost, rule by rule: how often, how many at once, how large, how
 * long (struct policy_call_limits). All functions of a rule share what it allows; each link counts by itself.
 *
 *     call_limits_admit() --CALL_LIMIT_OK--> the call holds the rule's state --> call_limit_release(), once
 *
 * Each rule that has limits has one small state, found by its direction and id; other rules have none. A call
 * that is under way points to the state itself, so whatever happens to the policy meanwhile, its end is
 * counted where its beginning was.
 *
 * Replacing the policy. A rule of the same direction and id in both policies is the same rule: its calls under
 * way and its counters go on, and so does its bucket unless rate, period or burst change. What the policy
 * before has judged may live a little longer; its rules therefore keep their states until the policy after
 * the next comes. Older ones go with the last of their calls. So there are at most the states of two policies,
 * and one more for each call under way.
 */
#ifndef BRIDGE_CALL_LIMITS_H
#define BRIDGE_CALL_LIMITS_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/token_bucket.h"
#include "bridge/call_error.h"
#include "bridge/policy.h"

/* How a call fared with the limits of its rule. */
enum call_limit_result {
    CALL_LIMIT_OK = 0,
    CALL_LIMIT_RATE,      /* more calls than the rate and burst allow */
    CALL_LIMIT_IN_FLIGHT, /* as many as may be are under way */
    CALL_LIMIT_ARGS,      /* the arguments are larger than they may be */
    CALL_LIMIT_RESULT,    /* the result is */
    CALL_LIMIT_TIMEOUT,   /* no answer came in the time that the rule gives */
};

#define CALL_LIMIT_RESULT_COUNT (CALL_LIMIT_TIMEOUT + 1)

/* The state of one rule. Open for reading. */
struct call_limit {
    enum policy_direction direction;
    struct span rule_id; /* behind the struct */
    struct policy_call_limits limits;
    uint64_t in_flight;
    uint64_t counts[CALL_LIMIT_RESULT_COUNT]; /* [CALL_LIMIT_OK]: admitted */
    uint32_t generation;                      /* of the newest policy that has the rule */
    bool forgotten;                           /* nobody finds it any more; it waits for its calls */
    struct token_bucket bucket;               /* limits.rate > 0 */
    struct mem *mem;
    struct list in_list;
    size_t size;
};

/* Of one link. */
struct call_limits {
    struct mem *mem;
    struct hash_key hash_key;
    struct map by_rule;
    struct list list;
    uint32_t generation; /* of the policy; 0: there was none yet */
};

void call_limits_init(struct call_limits *limits, struct mem *mem, struct hash_key hash_key);
/* Every call was released before. */
void call_limits_destroy(struct call_limits *limits);

/*
 * From now on calls are held to this policy (NULL: no rule has limits). `generation` is above all before.
 * false: no memory, and nothing has changed. Going back to the policy before needs no memory.
 */
MUST_CHECK bool call_limits_replace(
    struct call_limits *limits, const struct policy *policy, uint32_t generation);

/*
 * The rule that let a function pass, and the generation of the policy that judged it by this rule. One that
 * call_limits_replace() had no memory for is as the one before.
 */
struct call_rule {
    enum policy_direction direction;
    struct span id;
    uint32_t generation;
};

/*
 * May a call begin? Constant time.
 *
 * CALL_LIMIT_OK: *limit is the rule's state, to be released when the call ends; NULL: the rule has no limits.
 * Otherwise *limit is the state of the rule that refuses; it is counted there, and there is nothing to
 * release.
 */
MUST_CHECK enum call_limit_result call_limits_admit(struct call_limits *limits,
    const struct call_rule *rule, size_t args_size, struct instant now, struct call_limit **limit);

/* The end of a call that was admitted, whatever it is. NULL is allowed. */
void call_limit_release(struct call_limit *limit);

/* While the call is under way; with NULL nothing is limited. */

/* When the call ends at the latest: `deadline`, or earlier by *rule_timeout_ns, which is 0 when it is not. */
struct instant call_limit_deadline(const struct call_limit *limit, struct instant now,
    struct instant deadline, uint64_t *rule_timeout_ns);
/* May a result of this size pass? CALL_LIMIT_OK or CALL_LIMIT_RESULT, which is counted. */
MUST_CHECK enum call_limit_result call_limit_check_result(struct call_limit *limit, size_t size);
/* It ended by the rule's timeout: count that. */
void call_limit_count_timeout(struct call_limit *limit);

/* The state of a rule of the present policy; NULL: it has no limits. */
const struct call_limit *call_limits_find(
    const struct call_limits *limits, enum policy_direction direction, struct span rule_id);

/* What the caller is told: the code, and a text that says what limit it was and what to do. */
enum call_code call_limit_code(enum call_limit_result result); /* not CALL_LIMIT_OK */
/* `amount`: ARGS, RESULT: their size; TIMEOUT: the rule's, when the call began; else 0. */
void call_limit_explain(struct buf *out, const struct call_limit *limit,
    enum call_limit_result result, uint64_t amount, struct instant now);

/* The key in a policy file, as "in_flight"; "ok". */
const char *call_limit_result_name(enum call_limit_result result);

#endif
