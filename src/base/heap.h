/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - what is due first: a binary heap of nodes that live inside their owners.
 *
 * `at` is in any unit that orders (monotonic or wall nanoseconds, the owner's choice). Nodes know
 * their place, so moving and removing cost O(log n). Equal keys come out in no promised order. Its
 * array grows and shrinks with their number.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct heap_node {
    int64_t at;
    size_t place; /* 1-based; 0: in no heap */
};

struct heap {
    struct mem *mem;
    struct heap_node **nodes;
    size_t count;
    size_t room;
};

void heap_init(struct heap *heap, struct mem *mem);

/* Forgets the nodes; the caller owns them. */
void heap_destroy(struct heap *heap);

/* Add `node`, or move it if it is in. false: no memory for a new one, nothing changed. */
MUST_CHECK bool heap_set(struct heap *heap, struct heap_node *node, int64_t at);

/* No effect when the node is in no heap. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* The node with the smallest `at`, or NULL. It stays in. */
struct heap_node *heap_first(const struct heap *heap);

#endif
