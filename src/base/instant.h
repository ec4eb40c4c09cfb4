/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instant.h - time, in types that cannot be mixed up.
 *
 * `struct instant` is a point on the monotonic clock: deadlines and intervals. `struct wall` is
 * Unix time: what MPREG writes into advertised_at and ttl arithmetic (protocol.md 4.3). Durations
 * are plain uint64_t whose name ends in the unit: hold_ns. `struct now` is both, sampled once per
 * event by the host and handed down; nothing below src/host reads a clock.
 */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#define US_NS  UINT64_C(1000)
#define MS_NS  (UINT64_C(1000) * US_NS)
#define SEC_NS (UINT64_C(1000) * MS_NS)

struct instant {
    uint64_t ns;
};

struct wall {
    int64_t ns; /* since 1970-01-01T00:00:00Z */
};

struct now {
    struct instant mono;
    struct wall wall;
};

#define INSTANT_NEVER ((struct instant){ .ns = UINT64_MAX })

static inline struct instant
instant_after(struct instant start, uint64_t delay_ns)
{
    bool fits = delay_ns < UINT64_MAX - start.ns;
    return fits ? (struct instant){ .ns = start.ns + delay_ns } : INSTANT_NEVER;
}

static inline bool
instant_reached(struct instant deadline, struct instant now)
{
    return now.ns >= deadline.ns;
}

static inline struct instant
instant_earlier(struct instant a, struct instant b)
{
    return a.ns < b.ns ? a : b;
}

/* Nanoseconds from `from` to `to`; 0 when `to` is not later. */
static inline uint64_t
instant_between(struct instant from, struct instant to)
{
    return to.ns > from.ns ? to.ns - from.ns : 0;
}

/* Nanoseconds from `from` to `to`; 0 when `to` is not later, as after the clock was set back. */
static inline uint64_t
wall_between(struct wall from, struct wall to)
{
    return to.ns > from.ns ? (uint64_t)to.ns - (uint64_t)from.ns : 0;
}

/* Saturates at the ends of the range. */
static inline struct wall
wall_after(struct wall start, uint64_t delay_ns)
{
    uint64_t room = (uint64_t)INT64_MAX - (start.ns > 0 ? (uint64_t)start.ns : 0);
    int64_t delay = delay_ns > room ? (int64_t)room : (int64_t)delay_ns;
    return (struct wall){ .ns = start.ns + delay };
}

#endif
