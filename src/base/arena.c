/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - blocks in a chain, newest first. The free bytes of every block are zero.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>

#define ARENA_ALIGN alignof(max_align_t)

struct arena_block {
    struct arena_block *older;
    size_t size; /* bytes at `data` */
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

void
arena_init(struct arena *arena, struct mem *mem)
{
    *arena = (struct arena){ .mem = mem };
}

static void
give_block(struct arena *arena, struct arena_block *block)
{
    mem_give(arena->mem, block, sizeof(*block) + block->size);
}

void
arena_destroy(struct arena *arena)
{
    while (arena->block != NULL) {
        struct arena_block *block = arena->block;
        arena->block = block->older;
        give_block(arena, block);
    }
}

void
arena_reset(struct arena *arena)
{
    struct arena_block *block = arena->block;
    while (block != NULL && block->older != NULL) {
        struct arena_block *older = block->older;
        give_block(arena, block);
        block = older;
    }
    if (block != NULL && block->size > ARENA_KEEP_MAX) {
        give_block(arena, block);
        block = NULL;
    }
    if (block != NULL) {
        memset(block->data, 0, block->used);
        block->used = 0;
    }
    arena->block = block;
}

/* A new newest block with at least `size` free bytes. */
static bool
add_block(struct arena *arena, size_t size)
{
    size_t need = sizeof(struct arena_block) + size;
    size_t whole = need > ARENA_BLOCK_SIZE ? need : ARENA_BLOCK_SIZE;
    struct arena_block *block = mem_take(arena->mem, whole);
    if (block == NULL) {
        return false;
    }
    block->size = whole - sizeof(*block);
    block->older = arena->block;
    arena->block = block;
    return true;
}

void *
arena_take(struct arena *arena, size_t size)
{
    /* An address of its own also for nothing. */
    size_t whole = size > 0 ? size : 1;
    if (whole > SIZE_MAX / 2) {
        arena->mem->denied++;
        return NULL;
    }
    whole = (whole + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct arena_block *block = arena->block;
    if (block == NULL || whole > block->size - block->used) {
        if (!add_block(arena, whole)) {
            return NULL;
        }
        block = arena->block;
    }
    uint8_t *taken = &block->data[block->used];
    block->used += whole;
    CHECK(block->used <= block->size);
    return taken;
}

size_t
arena_used(const struct arena *arena)
{
    size_t used = 0;
    for (const struct arena_block *block = arena->block; block != NULL; block = block->older) {
        used += block->used;
    }
    return used;
}

bool
arena_reserve(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        arena->mem->denied++;
        return false;
    }
    const struct arena_block *block = arena->block;
    bool fits = block != NULL && size <= block->size - block->used;
    return fits || add_block(arena, size);
}

struct span
arena_copy(struct arena *arena, struct span text)
{
    uint8_t *copy = arena_take(arena, text.size);
    if (copy == NULL) {
        return SPAN_NONE;
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return span_from(copy, text.size);
}
