/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.c - counted memory. The only file of the pure layers that calls the allocator.
 */
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

void
mem_init(struct mem *mem, size_t cap)
{
    *mem = (struct mem){ .cap = cap };
}

/* Whether `used` may go from holding `old_size` to holding `size`. Shrinking always may. */
static bool
cap_allows(const struct mem *mem, size_t old_size, size_t size)
{
    if (size <= old_size) {
        return true;
    }
    return mem->used <= mem->cap && size - old_size <= mem->cap - mem->used;
}

static void
account(struct mem *mem, size_t old_size, size_t size)
{
    CHECK(old_size <= mem->used);
    mem->used = mem->used - old_size + size;
    if (mem->used > mem->peak) {
        mem->peak = mem->used;
    }
}

void *
mem_take(struct mem *mem, size_t size)
{
    CHECK(size > 0);
    void *taken = cap_allows(mem, 0, size) ? calloc(1, size) : NULL;
    if (taken == NULL) {
        mem->denied++;
        return NULL;
    }
    account(mem, 0, size);
    return taken;
}

void *
mem_resize(struct mem *mem, void *old, size_t old_size, size_t size)
{
    CHECK(size > 0);
    CHECK((old == NULL) == (old_size == 0));
    void *resized = cap_allows(mem, old_size, size) ? realloc(old, size) : NULL;
    if (resized == NULL) {
        mem->denied++;
        return NULL;
    }
    account(mem, old_size, size);
    return resized;
}

size_t
mem_size_for(const struct mem *mem, size_t old_size, size_t need, size_t size_max)
{
    CHECK(need > old_size);
    size_t left = mem->used < mem->cap ? mem->cap - mem->used : 0;
    size_t extra = old_size < left ? old_size : left;
    size_t size = extra <= SIZE_MAX - old_size ? old_size + extra : SIZE_MAX;
    size = size < size_max ? size : size_max;
    return size > need ? size : need;
}

void
mem_give(struct mem *mem, void *old, size_t size)
{
    CHECK((old == NULL) == (size == 0));
    CHECK(size <= mem->used);
    mem->used -= size;
    free(old);
}
