/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_call_limits.c - calls begin and end, and policies are replaced, in any order: each call is admitted or refused
 * as a plain model says, which counts the calls one by one; and in the end nothing is under way.
 */
#include "base/prng.h"
#include "bridge/call_limits.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"
#include "tests/support/rib_rig.h"

#define RULES 4
#define CALLS 32
#define STEPS 400

static const char *const ids[RULES] = { "a", "b", "c", "d" };

/* A rule as the model has it. `life` tells states of one id apart that have nothing to do with each other. */
struct plain_rule {
    struct policy_call_limits limits;
    uint32_t generation; /* of the newest policy that has limits for it; 0: it is forgotten */
    uint32_t life;
    uint64_t parts; /* of tokens: rate_per_ns are one */
    uint64_t at_ns;
};

struct plain_call {
    bool open;
    bool limited;
    uint32_t rule;
    uint32_t life;
    struct call_limit *limit;
};

struct trial {
    struct prng prng;
    struct mem mem;
    struct call_limits limits;
    uint32_t generation;
    struct instant now;
    struct plain_rule rules[RULES];
    struct plain_call calls[CALLS];
};

static uint64_t
under_way(const struct trial *trial, uint32_t rule)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < CALLS; i++) {
        const struct plain_call *call = &trial->calls[i];
        count += call->open && call->limited && call->rule == rule &&
                 call->life == trial->rules[rule].life;
    }
    return count;
}

static enum call_limit_result
expected(struct trial *trial, uint32_t index, size_t args_size)
{
    struct plain_rule *rule = &trial->rules[index];
    const struct policy_call_limits *limits = &rule->limits;
    if (limits->args_size > 0 && args_size > limits->args_size) {
        return CALL_LIMIT_ARGS;
    }
    if (limits->in_flight > 0 && under_way(trial, index) >= limits->in_flight) {
        return CALL_LIMIT_IN_FLIGHT;
    }
    if (limits->rate > 0) {
        uint64_t full = limits->burst * limits->rate_per_ns;
        uint64_t parts = rule->parts + (trial->now.ns - rule->at_ns) * limits->rate;
        rule->parts = parts < full ? parts : full;
        rule->at_ns = trial->now.ns;
        if (rule->parts < limits->rate_per_ns) {
            return CALL_LIMIT_RATE;
        }
        rule->parts -= limits->rate_per_ns;
    }
    return CALL_LIMIT_OK;
}

static bool
begin(struct trial *trial)
{
    struct plain_call *call = &trial->calls[prng_below(&trial->prng, CALLS)];
    if (call->open) {
        return true;
    }
    uint32_t index = (uint32_t)prng_below(&trial->prng, RULES);
    bool older = trial->generation > 1 && prng_chance(&trial->prng, 300);
    const struct call_rule rule = {
        .direction = POLICY_IMPORT,
        .id = span_from_text(ids[index]),
        .generation = trial->generation - older,
    };
    size_t args_size = prng_below(&trial->prng, 20);
    const struct plain_rule *plain = &trial->rules[index];
    bool limited = plain->generation > 0 && plain->generation >= rule.generation;
    enum call_limit_result want = limited ? expected(trial, index, args_size) : CALL_LIMIT_OK;
    struct call_limit *limit;
    enum call_limit_result got =
        call_limits_admit(&trial->limits, &rule, args_size, trial->now, &limit);
    if (got != want || (limit != NULL) != limited) {
        return false;
    }
    if (got == CALL_LIMIT_OK) {
        *call = (struct plain_call){
            .open = true, .limited = limited, .rule = index, .life = plain->life, .limit = limit
        };
    }
    return limit == NULL || limit->in_flight == under_way(trial, index);
}

static void
end(struct plain_call *call)
{
    if (call->open) {
        call->open = false;
        call_limit_release(call->limit);
    }
}

/* Some rules have no limits in it, which is as if they were not there. */
static void
draw_policy(struct prng *prng, struct policy_rule_source rules[RULES])
{
    for (uint32_t i = 0; i < RULES; i++) {
        rules[i] = (struct policy_rule_source){
            .id = span_from_text(ids[i]),
            .action = POLICY_ACCEPT,
        };
        if (prng_chance(prng, 400)) {
            continue;
        }
        rules[i].limits = (struct policy_call_limits){
            .rate = prng_below(prng, 3),
            .rate_per_ns = 1 + prng_below(prng, 3),
            .burst = 1 + prng_below(prng, 3),
            .in_flight = prng_below(prng, 4),
            .args_size = prng_chance(prng, 500) ? 15 : 0,
            .timeout_ns = 1,
        };
    }
}

static void
replace_plain(struct trial *trial, const struct policy_rule_source rules[RULES])
{
    for (uint32_t i = 0; i < RULES; i++) {
        struct plain_rule *rule = &trial->rules[i];
        const struct policy_call_limits *wanted = &rules[i].limits;
        if (wanted->timeout_ns == 0) {
            rule->generation = rule->generation < trial->generation ? 0 : rule->generation;
            continue;
        }
        bool known = rule->generation > 0;
        bool same = rule->limits.rate == wanted->rate && rule->limits.burst == wanted->burst &&
                    rule->limits.rate_per_ns == wanted->rate_per_ns;
        if (!known || !same) {
            rule->parts = wanted->burst * wanted->rate_per_ns;
            rule->at_ns = trial->now.ns;
        }
        rule->life += known ? 0 : 1;
        rule->limits = *wanted;
        rule->generation = trial->generation + 1;
    }
    trial->generation++;
}

static bool
replace(struct trial *trial)
{
    struct policy_rule_source rules[RULES];
    draw_policy(&trial->prng, rules);
    struct policy *policy = rib_rig_policy(&trial->mem, NULL, 0, rules, RULES);
    replace_plain(trial, rules);
    bool replaced = call_limits_replace(&trial->limits, policy, trial->generation);
    policy_unref(policy); /* nothing of it is needed any more */
    return replaced;
}

static bool
counts_agree(const struct trial *trial)
{
    for (uint32_t i = 0; i < RULES; i++) {
        const struct call_limit *limit =
            call_limits_find(&trial->limits, POLICY_IMPORT, span_from_text(ids[i]));
        bool present = trial->generation > 0 && trial->rules[i].generation == trial->generation;
        if ((limit != NULL) != present ||
            (limit != NULL && limit->in_flight != under_way(trial, i))) {
            return false;
        }
    }
    return true;
}

static bool
calls_are_limited_as_the_model_says(uint64_t seed)
{
    struct trial trial = { .prng = { .state = seed } };
    mem_init(&trial.mem, (size_t)16 * 1024 * 1024);
    call_limits_init(&trial.limits, &trial.mem, (struct hash_key){ seed, 1 });
    bool holds = replace(&trial);
    for (int i = 0; i < STEPS && holds; i++) {
        uint64_t what = prng_below(&trial.prng, 100);
        if (what < 3) {
            holds = replace(&trial);
        } else if (what < 60) {
            holds = begin(&trial);
        } else if (what < 90) {
            end(&trial.calls[prng_below(&trial.prng, CALLS)]);
        } else {
            trial.now = instant_after(trial.now, prng_below(&trial.prng, 5));
        }
        holds = holds && counts_agree(&trial);
    }
    for (uint32_t i = 0; i < CALLS; i++) {
        end(&trial.calls[i]);
    }
    holds = holds && counts_agree(&trial);
    call_limits_destroy(&trial.limits);
    return holds && trial.mem.used == 0;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "calls are limited as the model says", calls_are_limited_as_the_model_says },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), 2000);
}
