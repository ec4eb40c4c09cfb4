/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advertisement.h - one function as it crosses a border between federations.
 *
 * What policy reads and rewrites, what the RIB stores and what a link carries. Texts borrow.
 */
#ifndef BRIDGE_ADVERTISEMENT_H
#define BRIDGE_ADVERTISEMENT_H

#include "core/function.h"

/* Tags under this prefix are ours: policy cannot set or remove them, exports drop them. */
#define ADVERTISEMENT_TAG_RESERVED "mpreg-bridge:"

/* A function imported from federation eu carries this tag and "eu" behind it in its cluster. */
#define ADVERTISEMENT_TAG_ORIGIN "mpreg-bridge:origin="

struct advertisement {
    struct function_identity identity;
    struct text_list tags;
    struct text_list resources;
    struct span scope;
    struct span origin;    /* the federation that serves the function */
    struct text_list path; /* federations it passed, the origin first; loop control */
    uint32_t hops_left;    /* how many more borders it may cross */
    uint32_t cost;         /* lower is better */
    uint32_t preference;   /* higher is better; set by import policy, never sent */
    bool doubted;          /* a link that it passed before ours is damped, or its probes fail */
    uint64_t ttl_ns;       /* remaining, never an absolute time (clocks differ) */
};

#define ADVERTISEMENT_HOPS_DEFAULT       5u
#define ADVERTISEMENT_PREFERENCE_DEFAULT 100u

#endif
