/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetch.h - a hint that memory will be read soon, so that it comes while something else is done.
 */
#ifndef BASE_PREFETCH_H
#define BASE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

/* The unit in which memory comes, on nearly every machine. */
#define PREFETCH_LINE_SIZE 64u

/* Changes nothing but time. Bytes beyond the end of what `start` points to may be named: nothing is read. */
static inline void
prefetch(const void *start, size_t size)
{
    /* As numbers, since a pointer may not leave its array even when nothing is read. */
    uintptr_t first = (uintptr_t)start;
    for (size_t at = 0; at < size; at += PREFETCH_LINE_SIZE) {
        __builtin_prefetch((const void *)(first + at));
    }
}

#endif
