/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fifo.h - memory for items that go in the order in which they came, as those of a list of the last events do.
 *
 * Items share blocks. One by one, what is kept for long would lie scattered among all that was taken
 * and given meanwhile, and keep a page of the system each: ten thousand events of a flood held a hundred times their own
 * size. Items never move.
 */
#ifndef BASE_FIFO_H
#define BASE_FIFO_H

#include "base/list.h"
#include "base/mem.h"

#define FIFO_BLOCK_SIZE ((size_t)16 * 1024)

struct fifo_item;

struct fifo {
    struct mem *mem;
    struct list blocks; /* the oldest first */
    struct fifo_item *newest;
    size_t count;
};

void fifo_init(struct fifo *fifo, struct mem *mem);
void fifo_destroy(struct fifo *fifo);

/* Bytes for the newest item, aligned for any type, with whatever was there before. NULL: no memory. */
MUST_CHECK void *fifo_push(struct fifo *fifo, size_t size);

/* The oldest item dies. There must be one. */
void fifo_pop(struct fifo *fifo);

/* From the newest to the oldest; NULL: there is none. */
void *fifo_newest(const struct fifo *fifo);
void *fifo_older(const void *item);

#endif
