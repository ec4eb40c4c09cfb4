/* SPDX-License-Identifier: Apache-2.0 */
/* yield.c - the loop's own descriptor (epoll) is readable while one of its sockets is. */
#include "host/yield.h"

#include <poll.h>

#include <uv.h>

struct yield
yield_to(const struct uv_loop_s *loop)
{
    uint64_t now_ns = uv_hrtime();
    return (struct yield){
        .loop = loop,
        .look_ns = now_ns + YIELD_LOOK_NS,
        .latest_ns = now_ns + YIELD_LATEST_NS,
    };
}

struct yield
yield_after(uint64_t duration_ns)
{
    uint64_t latest_ns = uv_hrtime() + duration_ns;
    return (struct yield){ .look_ns = latest_ns, .latest_ns = latest_ns };
}

/* Each time a system call. */
static bool
is_wanted(const struct uv_loop_s *loop)
{
    struct pollfd sockets = { .fd = uv_backend_fd(loop), .events = POLLIN };
    return poll(&sockets, 1, 0) > 0;
}

bool
yield_may_begin(const struct yield *yield, uint64_t *begun_ns)
{
    uint64_t now_ns = uv_hrtime();
    if (now_ns - *begun_ns < YIELD_LATEST_NS && is_wanted(yield->loop)) {
        return false;
    }
    *begun_ns = now_ns;
    return true;
}

bool
yield_is_due(struct yield *yield)
{
    uint64_t now_ns = uv_hrtime();
    if (now_ns >= yield->latest_ns) {
        return true;
    }
    if (now_ns < yield->look_ns) {
        return false;
    }
    yield->look_ns = now_ns + YIELD_LOOK_NS;
    if (is_wanted(yield->loop)) {
        yield->latest_ns = now_ns;
    }
    return yield->latest_ns == now_ns;
}
