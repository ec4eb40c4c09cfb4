/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.c - SipHash-1-3: one round for each eight bytes, three at the end.
 */
#include "base/hash.h"

struct sip {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
};

static inline uint64_t
rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void
mix(struct sip *sip)
{
    sip->v0 += sip->v1;
    sip->v1 = rotate_left(sip->v1, 13) ^ sip->v0;
    sip->v0 = rotate_left(sip->v0, 32);
    sip->v2 += sip->v3;
    sip->v3 = rotate_left(sip->v3, 16) ^ sip->v2;
    sip->v0 += sip->v3;
    sip->v3 = rotate_left(sip->v3, 21) ^ sip->v0;
    sip->v2 += sip->v1;
    sip->v1 = rotate_left(sip->v1, 17) ^ sip->v2;
    sip->v2 = rotate_left(sip->v2, 32);
}

static inline void
absorb(struct sip *sip, uint64_t word)
{
    sip->v3 ^= word;
    mix(sip);
    sip->v0 ^= word;
}

static inline struct sip
begin(const struct hash_key *key)
{
    /* "somepseudorandomlygeneratedbytes" */
    return (struct sip){
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
}

/* Little-endian on every machine; compilers make one load of it. */
static inline uint64_t
load_word(const uint8_t *data)
{
    return (uint64_t)data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 |
           (uint64_t)data[3] << 24 | (uint64_t)data[4] << 32 | (uint64_t)data[5] << 40 |
           (uint64_t)data[6] << 48 | (uint64_t)data[7] << 56;
}

/* Absorb all of `bytes`, then the last word: what is left over and the low byte of the total size. */
static inline uint64_t
finish(struct sip *sip, struct span bytes, size_t total_size)
{
    size_t at = 0;
    for (; bytes.size - at >= 8; at += 8) {
        absorb(sip, load_word(&bytes.data[at]));
    }
    uint64_t last = (uint64_t)(total_size & 0xff) << 56;
    for (size_t i = 0; at + i < bytes.size; i++) {
        last |= (uint64_t)bytes.data[at + i] << (8 * i);
    }
    absorb(sip, last);
    sip->v2 ^= 0xff;
    mix(sip);
    mix(sip);
    mix(sip);
    return sip->v0 ^ sip->v1 ^ sip->v2 ^ sip->v3;
}

uint64_t
hash_bytes(const struct hash_key *key, struct span bytes)
{
    struct sip sip = begin(key);
    return finish(&sip, bytes, bytes.size);
}

uint64_t
hash_fold(const struct hash_key *key, uint64_t seed, struct span part)
{
    /* SipHash of the seed's eight bytes followed by the part: what came before is keyed in too. */
    struct sip sip = begin(key);
    absorb(&sip, seed);
    return finish(&sip, part, part.size + sizeof(seed));
}
