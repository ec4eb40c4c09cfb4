/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yield.h - how long work that can wait goes on before the loop looks at its sockets again.
 *
 * There is one thread, so whatever is done at length makes somebody's call wait. Work that comes in small pieces asks
 * after each of them whether it is due to yield: when a socket has something for us, or at the latest after
 * YIELD_LATEST_NS, for timers. A loop with nothing else to do is hardly ever left.
 *
 * Such work may also be put off to begin with (yield_may_begin).
 *
 * The system is asked at most every YIELD_LOOK_NS, so pieces may be as small as they like; the first one is done before
 * anybody asks. A socket that is not read because there is enough of it already must be stopped (uv_read_stop), or it is always wanted.
 */
#ifndef HOST_YIELD_H
#define HOST_YIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

#define YIELD_LOOK_NS   (15 * US_NS)
#define YIELD_LATEST_NS (500 * US_NS)

struct uv_loop_s;

/* By uv_hrtime(). */
struct yield {
    const struct uv_loop_s *loop; /* NULL: only time counts */
    uint64_t look_ns;             /* no socket is asked before */
    uint64_t latest_ns;
};

/* Work begins that makes room for whatever comes. */
struct yield yield_to(const struct uv_loop_s *loop);

/* Work begins that is as good as that of others, for so long. */
struct yield yield_after(uint64_t duration_ns);

/*
 * Whether work that makes room for whatever comes may begin at all: no socket has something for us, or such work has
 * not begun for YIELD_LATEST_NS, so that it gets somewhere in any case. *begun_ns is its owner's, 0 at first.
 */
bool yield_may_begin(const struct yield *yield, uint64_t *begun_ns);

/* After a piece of it. Once it is due it stays so. */
bool yield_is_due(struct yield *yield);

#endif
