/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_trim.h - when to give memory back to the system.
 *
 * The allocator keeps what was freed for whoever wants it next, and after a flood of announcements that may be most
 * of the process. To look through all of it takes some tens of milliseconds for a gigabyte, so it is done
 * at once only when much has gone: half of the most that there was, and MEMORY_TRIM_MIN at least. What is left then
 * may lie scattered, so that little comes back. When less has gone, an eighth and MEMORY_TRIM_LITTLE, it is done a while
 * after the last time.
 */
#ifndef HOST_MEMORY_TRIM_H
#define HOST_MEMORY_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/instant.h"

#define MEMORY_TRIM_MIN      ((size_t)4 * 1024 * 1024)
#define MEMORY_TRIM_LITTLE   ((size_t)512 * 1024)
#define MEMORY_TRIM_PAUSE_NS (5 * SEC_NS)

struct memory_trim {
    size_t most;         /* that was in use since the last time */
    struct instant last; /* time */
};

/* Whether it is worth while, now that `used` bytes are in use. If so, what was before is forgotten. */
bool memory_trim_is_due(struct memory_trim *trim, size_t used, struct instant now);

/* Give back what the allocator can do without. */
void memory_trim(void);

#endif
