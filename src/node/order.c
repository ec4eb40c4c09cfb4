/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - a binary heap with the largest item on top serves both: sorting, and dropping the largest. */
#include "node/order.h"

#include "base/check.h"

static void
sift_down(const void **items, size_t count, size_t at, order_compare compare)
{
    const void *item = items[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && compare(items[child + 1], items[child]) > 0) {
            child++;
        }
        if (compare(items[child], item) <= 0) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = item;
}

static void
sift_up(const void **items, size_t at, order_compare compare)
{
    const void *item = items[at];
    while (at > 0 && compare(item, items[(at - 1) / 2]) > 0) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    items[at] = item;
}

/* `items` is a heap already. */
static void
sort_heap(const void **items, size_t count, order_compare compare)
{
    for (size_t end = count; end > 1; end--) {
        const void *largest = items[0];
        items[0] = items[end - 1];
        items[end - 1] = largest;
        sift_down(items, end - 1, 0, compare);
    }
}

void
order_sort(const void **items, size_t count, order_compare compare)
{
    for (size_t at = count / 2; at > 0; at--) {
        sift_down(items, count, at - 1, compare);
    }
    sort_heap(items, count, compare);
}

void
order_page_offer(struct order_page *page, const void *item)
{
    CHECK(page->count <= page->room);
    page->total++;
    if (page->count < page->room) {
        page->items[page->count] = item;
        sift_up(page->items, page->count, page->compare);
        page->count++;
    } else if (page->room > 0 && page->compare(item, page->items[0]) < 0) {
        page->items[0] = item;
        sift_down(page->items, page->count, 0, page->compare);
    }
}

void
order_page_end(struct order_page *page)
{
    sort_heap(page->items, page->count, page->compare);
}
