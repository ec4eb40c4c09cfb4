/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_bucket.c - the bucket, as the time at which it is full again: each token that is taken puts it off by one
 * step. A token is there while no more than all the others are missing.
 */
#include "base/token_bucket.h"

#include "base/check.h"

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void
token_bucket_init(struct token_bucket *bucket, uint64_t count, uint64_t per_ns, uint64_t burst)
{
    CHECK(count > 0);
    CHECK(per_ns > 0);
    uint64_t common = common_divisor(count, per_ns);
    count /= common;
    per_ns /= common;
    /* Within 32 bits no product below overflows. */
    while (count > UINT32_MAX) {
        count /= 2;
        per_ns = per_ns > 1 ? per_ns / 2 : 1;
    }
    uint64_t second = count * SEC_NS / per_ns;
    burst = burst > 0 ? burst : second;
    burst = burst > UINT32_MAX ? UINT32_MAX : burst;
    uint64_t others = burst > 0 ? burst - 1 : 0;
    uint64_t step_ns = per_ns / count;
    uint64_t step_rest = per_ns % count;
    bool endless = others > 0 && step_ns > (UINT64_MAX - others) / others;
    *bucket = (struct token_bucket){
        .divisor = count,
        .step_ns = step_ns,
        .step_rest = step_rest,
        .depth_ns = endless ? UINT64_MAX : others * step_ns + others * step_rest / count,
        .depth_rest = others * step_rest % count,
    };
}

/* Whether it is full only after all tokens but one could have come: it is empty then. */
static bool
is_empty(const struct token_bucket *bucket, struct instant now)
{
    struct instant latest = instant_after(now, bucket->depth_ns);
    return bucket->full_at.ns > latest.ns ||
           (bucket->full_at.ns == latest.ns && bucket->full_rest > bucket->depth_rest);
}

/* What came beyond a full bucket is nobody's. */
static void
fill(struct token_bucket *bucket, struct instant now)
{
    if (bucket->full_at.ns < now.ns) {
        bucket->full_at = now;
        bucket->full_rest = 0;
    }
}

void
token_bucket_spend(
    struct token_bucket *bucket, uint64_t count, struct instant now, uint64_t owed_max_ns)
{
    fill(bucket, now);
    count = count > UINT32_MAX ? UINT32_MAX : count;
    uint64_t rest = bucket->full_rest + count * bucket->step_rest;
    bool endless = count > 0 && bucket->step_ns > UINT64_MAX / count;
    uint64_t step_ns = endless ? UINT64_MAX : count * bucket->step_ns;
    struct instant full_at = instant_after(bucket->full_at, step_ns);
    bucket->full_at = instant_after(full_at, rest / bucket->divisor);
    bucket->full_rest = rest % bucket->divisor;
    struct instant latest = instant_after(instant_after(now, bucket->depth_ns), owed_max_ns);
    if (bucket->full_at.ns > latest.ns) {
        bucket->full_at = latest;
        bucket->full_rest = bucket->depth_rest;
    }
}

bool
token_bucket_take(struct token_bucket *bucket, struct instant now)
{
    fill(bucket, now);
    if (is_empty(bucket, now)) {
        return false;
    }
    uint64_t rest = bucket->full_rest + bucket->step_rest;
    uint64_t carry = rest >= bucket->divisor ? 1 : 0;
    bucket->full_at = instant_after(instant_after(bucket->full_at, bucket->step_ns), carry);
    bucket->full_rest = rest - carry * bucket->divisor;
    return true;
}

uint64_t
token_bucket_wait_ns(const struct token_bucket *bucket, struct instant now)
{
    if (!is_empty(bucket, now)) {
        return 0;
    }
    struct instant latest = instant_after(now, bucket->depth_ns);
    uint64_t part = bucket->full_rest > bucket->depth_rest ? 1 : 0;
    return instant_between(latest, bucket->full_at) + part;
}
