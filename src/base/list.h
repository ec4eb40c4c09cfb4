/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - doubly linked lists whose links live inside the items. Items are owned elsewhere.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The struct of type type_ that contains the link `link_` as member_. */
#define CONTAINER_OF(link_, type_, member_) ((type_ *)((uintptr_t)(link_)-offsetof(type_, member_)))

/* `link_` walks the list; the body may remove the item that it is at. */
#define LIST_EACH(link_, list_)                                                                    \
    for (struct list *link_ = (list_)->next, *link_##_next = link_->next; link_ != (list_);        \
         link_ = link_##_next, link_##_next = link_->next)

/* Makes an empty head, or an unlinked link. */
static inline void
list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool
list_empty(const struct list *list)
{
    return list->next == list;
}

/* Link at the end. The link must not be in a list. */
static inline void
list_push(struct list *list, struct list *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

/* Take out; the link is then unlinked, so that removing twice does no harm. */
static inline void
list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#endif
