/* SPDX-License-Identifier: Apache-2.0 */
/* memory_trim.c - the allocator's part of it is glibc's; others give memory back by themselves, or not at all. */
#include "host/memory_trim.h"

#include <malloc.h>

bool
memory_trim_is_due(struct memory_trim *trim, size_t used, struct instant now)
{
    if (used >= trim->most) {
        trim->most = used;
        return false;
    }
    size_t gone = trim->most - used;
    bool much = gone >= MEMORY_TRIM_MIN && gone >= trim->most / 2;
    bool enough = gone >= MEMORY_TRIM_LITTLE && gone >= trim->most / 8 &&
                  instant_between(trim->last, now) >= MEMORY_TRIM_PAUSE_NS;
    if (!much && !enough) {
        return false;
    }
    trim->most = used;
    trim->last = now;
    return true;
}

void
memory_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
