/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.h - SipHash-1-3 with a key that peers cannot know.
 *
 * Peers choose the names we index, so every table is keyed: the host draws the key at start, the
 * simulator from its seed. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/span.h"

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

uint64_t hash_bytes(const struct hash_key *key, struct span bytes);

/* The hash of a sequence: fold each part into `seed`, which starts as 0. ("ab","c") and ("a","bc") differ. */
uint64_t hash_fold(const struct hash_key *key, uint64_t seed, struct span part);

#endif
