/* SPDX-License-Identifier: Apache-2.0 */
/* memory_trim.c - the allocator's part of it is glibc's; others give memory back by themselves, or not at all. */
#include "host/memory_trim.h"

#include <malloc.h>

bool
memory_trim_is_due(struct memory_trim *trim, size_t used)
{
    if (used >= trim->most) {
        trim->most = used;
        return false;
    }
    size_t gone = trim->most - used;
    if (gone < MEMORY_TRIM_MIN || gone < trim->most / 2) {
        return false;
    }
    trim->most = used;
    return true;
}

void
memory_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
