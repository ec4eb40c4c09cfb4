/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - sorting pointers, and keeping only the first of many, without the C library.
 */
#ifndef NODE_ORDER_H
#define NODE_ORDER_H

#include <stddef.h>

/* <0, 0, >0. Items that compare as 0 come out in no promised order. */
typedef int (*order_compare)(const void *a, const void *b);

/* In place, O(n log n) whatever the input. */
void order_sort(const void **items, size_t count, order_compare compare);

/*
 * The `room` smallest of all items offered, whatever their number: a page of a listing costs memory for
 * what is shown and skipped, not for the whole catalog. `items` is the caller's, with room for `room`.
 */
struct order_page {
    const void **items;
    size_t room;
    size_t count; /* <= room */
    size_t total; /* all that were offered */
    order_compare compare;
};

void order_page_offer(struct order_page *page, const void *item);

/* After the last offer: sort what was kept. */
void order_page_end(struct order_page *page);

#endif
