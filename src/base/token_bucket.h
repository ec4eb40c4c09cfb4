/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_bucket.h - so many things in so much time, and a few at once after a pause.
 *
 * Exact: the time between two tokens is kept as whole nanoseconds and a fraction, so a rate that does not divide
 * a second does not drift. What is kept is when the bucket will be full again; an unused bucket costs nothing.
 */
#ifndef BASE_TOKEN_BUCKET_H
#define BASE_TOKEN_BUCKET_H

#include "base/instant.h"

struct token_bucket {
    uint64_t divisor; /* of the fractions */
    uint64_t step_ns; /* a token comes every step_ns + step_rest/divisor */
    uint64_t step_rest;
    uint64_t depth_ns; /* what all tokens but one take to come */
    uint64_t depth_rest;
    struct instant full_at; /* and a fraction; it is full when that is past */
    uint64_t full_rest;
};

/*
 * A full bucket: `count` > 0 tokens come in `per_ns` > 0, and it holds `burst` of them; 0: what comes in one
 * second, at least 1. Counts above 2^32, in lowest terms, are rounded to 32 bits; bursts end there.
 */
void token_bucket_init(
    struct token_bucket *bucket, uint64_t count, uint64_t per_ns, uint64_t burst);

/* Take one token. false: there is none. */
bool token_bucket_take(struct token_bucket *bucket, struct instant now);

/*
 * Take `count` tokens, also such as are not there yet: the bucket owes them, and has no others until they have come.
 * It never owes more than what comes in owed_max_ns; what is beyond that is given.
 */
void token_bucket_spend(
    struct token_bucket *bucket, uint64_t count, struct instant now, uint64_t owed_max_ns);

/* How long until there is one; 0: there is one now. */
uint64_t token_bucket_wait_ns(const struct token_bucket *bucket, struct instant now);

#endif
