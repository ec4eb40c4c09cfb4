/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prng.h - splitmix64: the only source of chance in the pure layers and in tests.
 *
 * The host seeds it from the operating system, the simulator from its seed. Not for secrets.
 */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

struct prng {
    uint64_t state;
};

static inline uint64_t
prng_next(struct prng *prng)
{
    uint64_t z = prng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number in [0, limit). The bias is below limit / 2^64. */
static inline uint64_t
prng_below(struct prng *prng, uint64_t limit)
{
    CHECK(limit > 0);
    return prng_next(prng) % limit;
}

static inline bool
prng_chance(struct prng *prng, uint32_t permille)
{
    return prng_below(prng, 1000) < permille;
}

#endif
