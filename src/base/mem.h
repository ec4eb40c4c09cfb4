/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - counted memory: the only door to the allocator in the pure layers.
 *
 * An account has a cap, so one peer, table or engine cannot eat the process; `used` going back to
 * what it was is how tests see that nothing leaked. The caller gives back the size it took, which
 * every owner here knows. Accounts are plain data; one belongs to one loop.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct mem {
    size_t used;     /* bytes now */
    size_t cap;      /* the most that may be used */
    size_t peak;     /* the most that was used */
    uint64_t denied; /* requests refused, because of the cap or of the system */
};

void mem_init(struct mem *mem, size_t cap);

/* Zeroed bytes, aligned for any type. NULL: over the cap, or the system has none. size > 0. */
MUST_CHECK void *mem_take(struct mem *mem, size_t size);

/* Resize to `size`; new bytes are not zeroed. NULL: refused, and `old` is still valid. */
MUST_CHECK void *mem_resize(struct mem *mem, void *old, size_t old_size, size_t size);

/*
 * How large to make storage of `old_size` bytes that must hold `need` > old_size: twice the old, so that
 * growing costs little on the whole, but not above `size_max` or what the account has left. Never
 * below `need`: whether that fits is for mem_resize to say.
 */
size_t mem_size_for(const struct mem *mem, size_t old_size, size_t need, size_t size_max);

/* Give back what mem_take or mem_resize returned for `size`. NULL with size 0 is allowed. */
void mem_give(struct mem *mem, void *old, size_t size);

#endif
