/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span.h - borrowed runs of bytes.
 *
 * A span never owns. It is valid for as long as the function that handed it out says; nothing
 * in this file allocates or frees. Text is a span too: no NUL terminator is promised.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

struct span {
    const uint8_t *data;
    size_t size; /* bytes */
};

/* A span over a string literal, without its NUL. */
#define SPAN(literal_) ((struct span){ (const uint8_t *)("" literal_), sizeof(literal_) - 1 })
#define SPAN_NONE      ((struct span){ NULL, 0 })

/* For printf's %.*s. */
#define SPAN_ARGS(span_) (int)(span_).size, (const char *)(span_).data

static inline struct span
span_from(const void *data, size_t size)
{
    CHECK(data != NULL || size == 0);
    return (struct span){ .data = (const uint8_t *)data, .size = size };
}

static inline struct span
span_from_text(const char *text)
{
    return text == NULL ? SPAN_NONE : span_from(text, strlen(text));
}

/* `count` bytes of `whole` from `start` on. start + count <= size. */
static inline struct span
span_part(struct span whole, size_t start, size_t count)
{
    CHECK(start <= whole.size);
    CHECK(count <= whole.size - start);
    return (struct span){ .data = whole.data == NULL ? NULL : whole.data + start, .size = count };
}

/* The rest of `whole` after its first `count` bytes. count <= size. */
static inline struct span
span_after(struct span whole, size_t count)
{
    CHECK(count <= whole.size);
    return span_part(whole, count, whole.size - count);
}

static inline bool
span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
span_is(struct span a, const char *text)
{
    return span_equal(a, span_from_text(text));
}

static inline bool
span_starts_with(struct span whole, struct span head)
{
    return whole.size >= head.size && span_equal(span_part(whole, 0, head.size), head);
}

/* Byte order, then length: a total order for names. */
static inline int
span_compare(struct span a, struct span b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Index of the first `byte`, or whole.size when there is none. */
static inline size_t
span_find(struct span whole, uint8_t byte)
{
    const uint8_t *at = whole.size == 0 ? NULL : memchr(whole.data, byte, whole.size);
    return at == NULL ? whole.size : (size_t)(at - whole.data);
}

#endif
