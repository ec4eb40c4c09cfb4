/* SPDX-License-Identifier: Apache-2.0 */
/* call_limits.c - the states of rules that have limits: who finds them, who counts there, when they go. */
#include "bridge/call_limits.h"

#include "base/pack.h"

/* States, by direction and id. */

static bool
same_rule(const void *item, const void *key)
{
    const struct call_limit *limit = item;
    const struct call_rule *rule = key;
    return limit->direction == rule->direction && span_equal(limit->rule_id, rule->id);
}

static uint64_t
hash_rule(const struct call_limits *limits, const struct call_rule *rule)
{
    return hash_fold(&limits->hash_key, (uint64_t)rule->direction, rule->id);
}

static struct call_limit *
find(const struct call_limits *limits, const struct call_rule *rule)
{
    return map_find(&limits->by_rule, hash_rule(limits, rule), rule);
}

/* Of generation 0: no policy has it yet. false: no memory. */
static bool
add(struct call_limits *limits, const struct call_rule *rule)
{
    size_t size = sizeof(struct call_limit) + rule->id.size;
    struct call_limit *limit = mem_take(limits->mem, size);
    if (limit == NULL) {
        return false;
    }
    struct packer packer = pack_into(limit + 1, rule->id.size);
    limit->rule_id = pack_text(&packer, rule->id);
    limit->direction = rule->direction;
    limit->mem = limits->mem;
    limit->size = size;
    if (!map_insert(&limits->by_rule, hash_rule(limits, rule), limit)) {
        mem_give(limits->mem, limit, size);
        return false;
    }
    list_push(&limits->list, &limit->in_list);
    return true;
}

static void
forget(struct call_limits *limits, struct call_limit *limit)
{
    const struct call_rule rule = { .direction = limit->direction, .id = limit->rule_id };
    void *removed = map_remove(&limits->by_rule, hash_rule(limits, &rule), &rule);
    CHECK(removed == limit);
    list_remove(&limit->in_list);
    limit->forgotten = true;
    if (limit->in_flight == 0) {
        mem_give(limit->mem, limit, limit->size);
    }
}

/* All that no policy from `generation` on has. */
static void
forget_before(struct call_limits *limits, uint32_t generation)
{
    LIST_EACH (link, &limits->list) {
        struct call_limit *limit = CONTAINER_OF(link, struct call_limit, in_list);
        if (limit->generation < generation) {
            forget(limits, limit);
        }
    }
}

void
call_limits_init(struct call_limits *limits, struct mem *mem, struct hash_key hash_key)
{
    *limits = (struct call_limits){ .mem = mem, .hash_key = hash_key };
    map_init(&limits->by_rule, mem, same_rule);
    list_init(&limits->list);
}

void
call_limits_destroy(struct call_limits *limits)
{
    LIST_EACH (link, &limits->list) {
        struct call_limit *limit = CONTAINER_OF(link, struct call_limit, in_list);
        CHECK(limit->in_flight == 0);
        forget(limits, limit);
    }
    map_destroy(&limits->by_rule);
}

/* Policies. */

static bool
add_missing(struct call_limits *limits, const struct policy *policy)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct call_rule rule = { .direction = i == 0 ? POLICY_EXPORT : POLICY_IMPORT };
        uint32_t count = policy_rule_count(policy, rule.direction);
        for (uint32_t index = 0; index < count; index++) {
            rule.id = policy_rule_id(policy, rule.direction, index);
            if (policy_rule_limits(policy, rule.direction, index) != NULL &&
                find(limits, &rule) == NULL && !add(limits, &rule)) {
                return false;
            }
        }
    }
    return true;
}

static bool
same_rate(const struct policy_call_limits *a, const struct policy_call_limits *b)
{
    return a->rate == b->rate && a->rate_per_ns == b->rate_per_ns && a->burst == b->burst;
}

static void
adopt(struct call_limit *limit, const struct policy_call_limits *wanted, uint32_t generation)
{
    bool same = limit->generation > 0 && same_rate(&limit->limits, wanted);
    limit->limits = *wanted;
    limit->generation = generation;
    if (wanted->rate > 0 && !same) {
        token_bucket_init(&limit->bucket, wanted->rate, wanted->rate_per_ns, wanted->burst);
    }
}

static void
adopt_all(struct call_limits *limits, const struct policy *policy, uint32_t generation)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct call_rule rule = { .direction = i == 0 ? POLICY_EXPORT : POLICY_IMPORT };
        uint32_t count = policy_rule_count(policy, rule.direction);
        for (uint32_t index = 0; index < count; index++) {
            const struct policy_call_limits *wanted =
                policy_rule_limits(policy, rule.direction, index);
            if (wanted != NULL) {
                rule.id = policy_rule_id(policy, rule.direction, index);
                adopt(find(limits, &rule), wanted, generation);
            }
        }
    }
}

bool
call_limits_replace(struct call_limits *limits, const struct policy *policy, uint32_t generation)
{
    CHECK(generation > limits->generation);
    if (policy != NULL && !add_missing(limits, policy)) {
        forget_before(limits, 1);
        return false;
    }
    if (policy != NULL) {
        adopt_all(limits, policy, generation);
    }
    forget_before(limits, limits->generation);
    limits->generation = generation;
    return true;
}

/* Calls. */

static enum call_limit_result
judge(struct call_limit *limit, size_t args_size, struct instant now)
{
    const struct policy_call_limits *allowed = &limit->limits;
    if (allowed->args_size > 0 && args_size > allowed->args_size) {
        return CALL_LIMIT_ARGS;
    }
    if (allowed->in_flight > 0 && limit->in_flight >= allowed->in_flight) {
        return CALL_LIMIT_IN_FLIGHT;
    }
    /* At the end: a call that is refused for anything else costs no token. */
    if (allowed->rate > 0 && !token_bucket_take(&limit->bucket, now)) {
        return CALL_LIMIT_RATE;
    }
    return CALL_LIMIT_OK;
}

enum call_limit_result
call_limits_admit(struct call_limits *limits, const struct call_rule *rule, size_t args_size,
    struct instant now, struct call_limit **limit)
{
    *limit = NULL;
    if (limits->by_rule.count == 0) {
        return CALL_LIMIT_OK;
    }
    struct call_limit *found = find(limits, rule);
    /* A policy after the last that had limits for it has taken them away, if we have seen it. */
    uint32_t seen = rule->generation < limits->generation ? rule->generation : limits->generation;
    if (found == NULL || found->generation < seen) {
        return CALL_LIMIT_OK;
    }
    *limit = found;
    enum call_limit_result result = judge(found, args_size, now);
    found->counts[result]++;
    found->in_flight += result == CALL_LIMIT_OK ? 1 : 0;
    return result;
}

void
call_limit_release(struct call_limit *limit)
{
    if (limit == NULL) {
        return;
    }
    CHECK(limit->in_flight > 0);
    limit->in_flight--;
    if (limit->forgotten && limit->in_flight == 0) {
        mem_give(limit->mem, limit, limit->size);
    }
}

struct instant
call_limit_deadline(const struct call_limit *limit, struct instant now, struct instant deadline,
    uint64_t *rule_timeout_ns)
{
    *rule_timeout_ns = 0;
    if (limit == NULL || limit->limits.timeout_ns == 0) {
        return deadline;
    }
    struct instant latest = instant_after(now, limit->limits.timeout_ns);
    *rule_timeout_ns = latest.ns < deadline.ns ? limit->limits.timeout_ns : 0;
    return instant_earlier(latest, deadline);
}

enum call_limit_result
call_limit_check_result(struct call_limit *limit, size_t size)
{
    if (limit == NULL || limit->limits.result_size == 0 || size <= limit->limits.result_size) {
        return CALL_LIMIT_OK;
    }
    limit->counts[CALL_LIMIT_RESULT]++;
    return CALL_LIMIT_RESULT;
}

void
call_limit_count_timeout(struct call_limit *limit)
{
    limit->counts[CALL_LIMIT_TIMEOUT]++;
}

const struct call_limit *
call_limits_find(
    const struct call_limits *limits, enum policy_direction direction, struct span rule_id)
{
    const struct call_rule rule = { .direction = direction, .id = rule_id };
    const struct call_limit *found = find(limits, &rule);
    return found != NULL && found->generation == limits->generation ? found : NULL;
}

/* What people read. */

enum call_code
call_limit_code(enum call_limit_result result)
{
    switch (result) {
    case CALL_LIMIT_RATE:
        return CALL_RATE_LIMITED;
    case CALL_LIMIT_IN_FLIGHT:
        return CALL_OVERLOADED;
    case CALL_LIMIT_ARGS:
    case CALL_LIMIT_RESULT:
        return CALL_PAYLOAD_TOO_LARGE;
    case CALL_LIMIT_TIMEOUT:
        return CALL_DEADLINE_EXCEEDED;
    case CALL_LIMIT_OK:
        break;
    }
    CHECK(result != CALL_LIMIT_OK);
    return CALL_INVALID;
}

/* In seconds when it is whole ones, else in milliseconds, never less than it is. */
static void
write_duration(struct buf *out, uint64_t duration_ns)
{
    bool whole = duration_ns % SEC_NS == 0;
    uint64_t ms = duration_ns / MS_NS + (duration_ns % MS_NS > 0 ? 1 : 0);
    buf_add_decimal(out, whole ? duration_ns / SEC_NS : ms);
    buf_add_text(out, whole ? " s" : " ms");
}

static void
write_sizes(struct buf *out, const char *what, uint64_t size, uint64_t allowed)
{
    buf_add_text(out, what);
    buf_add_decimal(out, size);
    buf_add_text(out, " bytes, and the policy allows the functions of this rule ");
    buf_add_decimal(out, allowed);
}

void
call_limit_explain(struct buf *out, const struct call_limit *limit, enum call_limit_result result,
    uint64_t amount, struct instant now)
{
    const struct policy_call_limits *allowed = &limit->limits;
    switch (result) {
    case CALL_LIMIT_OK:
        break;
    case CALL_LIMIT_RATE:
        buf_add_text(out, "the policy allows the functions of this rule ");
        buf_add_decimal(out, allowed->rate);
        buf_add_text(out, " calls in ");
        write_duration(out, allowed->rate_per_ns);
        buf_add_text(out, "; try again in ");
        write_duration(out, token_bucket_wait_ns(&limit->bucket, now));
        break;
    case CALL_LIMIT_IN_FLIGHT:
        buf_add_text(out, "the policy allows the functions of this rule ");
        buf_add_decimal(out, allowed->in_flight);
        buf_add_text(out, " calls at once, and they are under way; try again when one has ended");
        break;
    case CALL_LIMIT_ARGS:
        write_sizes(out, "the arguments have ", amount, allowed->args_size);
        buf_add_text(out, "; send less");
        break;
    case CALL_LIMIT_RESULT:
        write_sizes(out, "the result has ", amount, allowed->result_size);
        buf_add_text(out, "; ask for less; the function was executed");
        break;
    case CALL_LIMIT_TIMEOUT:
        buf_add_text(out, "no answer came in the ");
        write_duration(out, amount);
        buf_add_text(out, " that the policy gives the functions of this rule; ask for less at "
                          "once; the call may have been executed");
        break;
    }
}

const char *
call_limit_result_name(enum call_limit_result result)
{
    switch (result) {
    case CALL_LIMIT_OK:
        return "ok";
    case CALL_LIMIT_RATE:
        return "rate";
    case CALL_LIMIT_IN_FLIGHT:
        return "in_flight";
    case CALL_LIMIT_ARGS:
        return "args";
    case CALL_LIMIT_RESULT:
        return "result";
    case CALL_LIMIT_TIMEOUT:
        return "timeout";
    }
    return "unknown";
}
