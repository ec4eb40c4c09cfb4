/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fifo.c - blocks in a list. Items come in at the end of the last block and go from the beginning of the first.
 */
#include "base/fifo.h"

#include <stdalign.h>

struct fifo_block {
    struct list link;
    size_t room; /* bytes at `data` */
    size_t begin;
    size_t end;
    alignas(max_align_t) uint8_t data[];
};

struct fifo_item {
    struct fifo_item *older;
    size_t size; /* with this head, and what aligns the next one */
    alignas(max_align_t) uint8_t bytes[];
};

void
fifo_init(struct fifo *fifo, struct mem *mem)
{
    *fifo = (struct fifo){ .mem = mem };
    list_init(&fifo->blocks);
}

static struct fifo_block *
block_of(struct list *link)
{
    return CONTAINER_OF(link, struct fifo_block, link);
}

static void
give_block(struct fifo *fifo, struct fifo_block *block)
{
    list_remove(&block->link);
    mem_give(fifo->mem, block, sizeof(*block) + block->room);
}

void
fifo_destroy(struct fifo *fifo)
{
    while (!list_empty(&fifo->blocks)) {
        give_block(fifo, block_of(fifo->blocks.next));
    }
    fifo->newest = NULL;
    fifo->count = 0;
}

static struct fifo_block *
block_with_room(struct fifo *fifo, size_t size)
{
    if (!list_empty(&fifo->blocks)) {
        struct fifo_block *last = block_of(fifo->blocks.prev);
        if (last->room - last->end >= size) {
            return last;
        }
    }
    size_t need = sizeof(struct fifo_block) + size;
    size_t whole = need > FIFO_BLOCK_SIZE ? need : FIFO_BLOCK_SIZE;
    struct fifo_block *block = mem_take(fifo->mem, whole);
    if (block != NULL) {
        block->room = whole - sizeof(*block);
        list_push(&fifo->blocks, &block->link);
    }
    return block;
}

void *
fifo_push(struct fifo *fifo, size_t size)
{
    size_t align = alignof(max_align_t);
    size_t whole = (sizeof(struct fifo_item) + size + align - 1) / align * align;
    struct fifo_block *block = block_with_room(fifo, whole);
    if (block == NULL) {
        return NULL;
    }
    struct fifo_item *item = (struct fifo_item *)(void *)&block->data[block->end];
    block->end += whole;
    *item = (struct fifo_item){ .older = fifo->newest, .size = whole };
    fifo->newest = item;
    fifo->count++;
    return item->bytes;
}

static struct fifo_item *
oldest(const struct fifo *fifo)
{
    struct fifo_block *block = block_of(fifo->blocks.next);
    return (struct fifo_item *)(void *)&block->data[block->begin];
}

void
fifo_pop(struct fifo *fifo)
{
    CHECK(fifo->count > 0);
    struct fifo_block *block = block_of(fifo->blocks.next);
    block->begin += oldest(fifo)->size;
    fifo->count--;
    if (block->begin == block->end) {
        give_block(fifo, block);
    }
    if (fifo->count == 0) {
        fifo->newest = NULL;
    } else {
        oldest(fifo)->older = NULL;
    }
}

void *
fifo_newest(const struct fifo *fifo)
{
    return fifo->newest == NULL ? NULL : fifo->newest->bytes;
}

void *
fifo_older(const void *item)
{
    const struct fifo_item *older = CONTAINER_OF(item, const struct fifo_item, bytes)->older;
    return older == NULL ? NULL : CONTAINER_OF(older, struct fifo_item, older)->bytes;
}
