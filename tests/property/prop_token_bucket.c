/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_token_bucket.c - the bucket gives a token when the plain one does that counts in parts of a token: `per`
 * of them are one, `count` come each nanosecond.
 */
#include "base/prng.h"
#include "base/token_bucket.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define STEPS 300

struct plain_bucket {
    uint64_t count;
    uint64_t per_ns;
    uint64_t burst;
    uint64_t parts;
    struct instant at;
};

static void
fill(struct plain_bucket *plain, struct instant now)
{
    uint64_t full = plain->burst * plain->per_ns;
    uint64_t parts = plain->parts + instant_between(plain->at, now) * plain->count;
    plain->parts = parts < full ? parts : full;
    plain->at = now;
}

static bool
take(struct plain_bucket *plain, struct instant now)
{
    fill(plain, now);
    if (plain->parts < plain->per_ns) {
        return false;
    }
    plain->parts -= plain->per_ns;
    return true;
}

static uint64_t
wait_ns(struct plain_bucket *plain, struct instant now)
{
    fill(plain, now);
    uint64_t missing = plain->parts < plain->per_ns ? plain->per_ns - plain->parts : 0;
    return (missing + plain->count - 1) / plain->count;
}

/* Small numbers and large ones, so that fractions and whole steps both matter. */
static uint64_t
draw(struct prng *prng, uint32_t bits)
{
    return 1 + prng_below(prng, UINT64_C(1) << (1 + prng_below(prng, bits)));
}

static bool
bucket_is_like_a_plain_one(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct plain_bucket plain = {
        .count = draw(&prng, 16),
        .per_ns = draw(&prng, 24),
        .burst = draw(&prng, 6),
        .at = { prng_below(&prng, 1000) },
    };
    plain.parts = plain.burst * plain.per_ns;
    struct token_bucket bucket;
    token_bucket_init(&bucket, plain.count, plain.per_ns, plain.burst);
    struct instant now = plain.at;
    for (int i = 0; i < STEPS; i++) {
        uint64_t due_ns = wait_ns(&plain, now);
        if (token_bucket_wait_ns(&bucket, now) != due_ns) {
            return false;
        }
        uint64_t just = due_ns - (due_ns > 0 && prng_chance(&prng, 300) ? 1 : 0);
        uint64_t pause_ns = prng_chance(&prng, 300) ? draw(&prng, 30) : just;
        now = instant_after(now, prng_chance(&prng, 300) ? 0 : pause_ns);
        if (token_bucket_take(&bucket, now) != take(&plain, now)) {
            return false;
        }
    }
    return true;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "the bucket is like a plain one", bucket_is_like_a_plain_one },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), 20000);
}
