/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_trim.h - when to give memory back to the system.
 *
 * The allocator keeps what was freed for whoever wants it next, and after a flood of announcements that may be most
 * of the process. To look through all of it takes some tens of milliseconds for a gigabyte, so it is done
 * only when much has gone: half of the most that there was, and MEMORY_TRIM_MIN at least.
 */
#ifndef HOST_MEMORY_TRIM_H
#define HOST_MEMORY_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#define MEMORY_TRIM_MIN ((size_t)16 * 1024 * 1024)

struct memory_trim {
    size_t most; /* that was in use since the last time */
};

/* Whether it is worth while, now that `used` bytes are in use. If so, what was before is forgotten. */
bool memory_trim_is_due(struct memory_trim *trim, size_t used);

/* Give back what the allocator can do without. */
void memory_trim(void);

#endif
