/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.c - a binary heap in an array: the node at index i is not after those at 2i + 1 and 2i + 2.
 */
#include "base/heap.h"

#define HEAP_ROOM_MIN ((size_t)16)

void
heap_init(struct heap *heap, struct mem *mem)
{
    *heap = (struct heap){ .mem = mem };
}

void
heap_destroy(struct heap *heap)
{
    mem_give(heap->mem, heap->nodes, heap->room * sizeof(struct heap_node *));
    heap->nodes = NULL;
    heap->count = 0;
    heap->room = 0;
}

static void
put(struct heap *heap, size_t index, struct heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void
move_up(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    while (index > 0 && node->at < heap->nodes[(index - 1) / 2]->at) {
        put(heap, index, heap->nodes[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(heap, index, node);
}

static void
move_down(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child + 1 < heap->count && heap->nodes[child + 1]->at < heap->nodes[child]->at) {
            child++;
        }
        if (child >= heap->count || heap->nodes[child]->at >= node->at) {
            break;
        }
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

static bool
grow(struct heap *heap)
{
    size_t old_size = heap->room * sizeof(struct heap_node *);
    size_t need = heap->room < HEAP_ROOM_MIN ? HEAP_ROOM_MIN : heap->room + 1;
    size_t size = mem_size_for(heap->mem, old_size, need * sizeof(struct heap_node *), SIZE_MAX);
    size_t room = size / sizeof(struct heap_node *);
    struct heap_node **nodes =
        mem_resize(heap->mem, heap->nodes, old_size, room * sizeof(struct heap_node *));
    if (nodes == NULL) {
        return false;
    }
    heap->nodes = nodes;
    heap->room = room;
    return true;
}

bool
heap_set(struct heap *heap, struct heap_node *node, int64_t at)
{
    if (node->place == 0) {
        if (heap->count == heap->room && !grow(heap)) {
            return false;
        }
        put(heap, heap->count++, node);
    }
    CHECK(node->place <= heap->count);
    CHECK(heap->nodes[node->place - 1] == node);
    node->at = at;
    move_up(heap, node->place - 1);
    move_down(heap, node->place - 1);
    return true;
}

/* Give back half when a quarter would do: what a flood needed is not needed for ever. */
static void
shrink(struct heap *heap)
{
    size_t room = heap->room / 2;
    if (room < HEAP_ROOM_MIN || heap->count > room / 2) {
        return;
    }
    struct heap_node **nodes = mem_resize(heap->mem, heap->nodes,
        heap->room * sizeof(struct heap_node *), room * sizeof(struct heap_node *));
    if (nodes != NULL) {
        heap->nodes = nodes;
        heap->room = room;
    }
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0) {
        return;
    }
    CHECK(node->place <= heap->count);
    CHECK(heap->nodes[node->place - 1] == node);
    size_t index = node->place - 1;
    struct heap_node *last = heap->nodes[--heap->count];
    node->place = 0;
    if (last != node) {
        put(heap, index, last);
        move_up(heap, index);
        move_down(heap, last->place - 1);
    }
    shrink(heap);
}

struct heap_node *
heap_first(const struct heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}
