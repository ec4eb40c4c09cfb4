/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.h - patterns over dotted names, and the templates that make a new name of what they captured.
 *
 *     *       one or more characters without a dot, also inside a segment: get_*
 *     **      any characters, dots too, or none
 *     {x}     like *, and what it covers is captured as x
 *     {x**}   like **, and captured as x
 *
 * Everything else stands for itself; there is no escape, so a name with a star or a brace cannot
 * be written literally. A pattern always matches a whole name.
 *
 * Where a name could be divided among wildcards in several ways, the leftmost wildcard takes the
 * least that lets the whole pattern match, then the next one, and so on: {a**}.{b**} on x.y.z gives
 * a=x, b=y.z. Characters are never cut: a capture of UTF-8 is UTF-8.
 *
 * Matching costs at most parts x name bytes, whatever the pattern; there is no backtracking.
 */
#ifndef BRIDGE_PATTERN_H
#define BRIDGE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

/* Of a pattern or template as written: longer ones are nothing that a person wrote. */
#define PATTERN_SIZE_MAX 256u

/* Wildcards in one pattern, captures in one template: with the name's size the bound on work. */
#define PATTERN_WILDCARDS_MAX 16u

/* Wildcards with literals before, between and behind them. */
#define PATTERN_PARTS_MAX (2u * PATTERN_WILDCARDS_MAX + 1u)

enum pattern_result {
    PATTERN_OK = 0,
    PATTERN_EMPTY,
    PATTERN_TOO_LONG,           /* above PATTERN_SIZE_MAX */
    PATTERN_BAD_TEXT,           /* not UTF-8, or with a control character */
    PATTERN_TOO_MANY_WILDCARDS, /* above PATTERN_WILDCARDS_MAX */
    PATTERN_STAR_RUN,           /* three stars or more in a row */
    PATTERN_BAD_CAPTURE,        /* a brace that is no {name} or {name**} */
    PATTERN_DUPLICATE_CAPTURE,  /* two captures of a pattern have the same name */
    PATTERN_STAR_IN_TEMPLATE,   /* a template takes captures, not wildcards */
    PATTERN_NO_MEMORY,
};

enum pattern_part_kind {
    PATTERN_LITERAL = 0,
    PATTERN_SEGMENT,  /* * */
    PATTERN_ANYTHING, /* ** */
};

struct pattern_part {
    enum pattern_part_kind kind;
    struct span text; /* the literal's bytes; the wildcard's capture name, or empty */
};

/* Compiled; every span and list lives in the arena given to pattern_compile. */
struct pattern {
    struct span text;                 /* as written */
    struct span prefix;               /* the literal it begins with, or empty: rejects cheaply */
    struct span suffix;               /* the literal behind the last wildcard, or empty */
    const struct pattern_part *parts; /* what lies between; begins and ends with a wildcard */
    uint32_t part_count;              /* 0: the whole pattern is `prefix` */
    uint32_t capture_count;
    size_t size_min; /* bytes of the shortest name that matches */
};

/* What one pattern captured, or one on the name and one on the id. */
struct pattern_captures {
    uint32_t count;
    struct {
        struct span name;  /* borrows from the pattern */
        struct span value; /* borrows from the matched name */
    } items[2 * PATTERN_WILDCARDS_MAX];
};

/* A literal text with captures in it. {x} and {x**} mean the same in a template. */
struct pattern_template {
    struct span text;                 /* as written */
    const struct pattern_part *parts; /* a part that is no literal is the capture it names */
    uint32_t part_count;
};

/* PATTERN_OK: *pattern is filled in, from a copy of `text` in `arena`. Otherwise it is untouched. */
MUST_CHECK enum pattern_result pattern_compile(
    struct span text, struct arena *arena, struct pattern *pattern);

/*
 * Does the whole of `name` match? *captures (NULL: not wanted) is filled in when it does, in the
 * pattern's order, and untouched when not. A name above NAME_SIZE_MAX matches nothing. Of a name that
 * is not UTF-8 no wildcard takes half a character.
 */
MUST_CHECK bool pattern_match(
    const struct pattern *pattern, struct span name, struct pattern_captures *captures);

/* Those of another pattern too. Each is of one pattern. */
void pattern_captures_add(struct pattern_captures *captures, const struct pattern_captures *others);

bool pattern_has_capture(const struct pattern *pattern, struct span name);

/* Every name matches: ** or {x**} and nothing else. */
bool pattern_is_catch_all(const struct pattern *pattern);

/* PATTERN_OK: *made is filled in, from a copy of `text` in `arena`. Otherwise it is untouched. */
MUST_CHECK enum pattern_result pattern_template_compile(
    struct span text, struct arena *arena, struct pattern_template *made);

/* Bytes of what pattern_template_expand will make. The caller has checked that every capture is there. */
size_t pattern_template_size(
    const struct pattern_template *made, const struct pattern_captures *captures);

/* The text with its captures filled in. .data NULL: no memory. */
MUST_CHECK struct span pattern_template_expand(const struct pattern_template *made,
    const struct pattern_captures *captures, struct arena *arena);

/* UTF-8 without control characters (C0, DEL, C1). An empty text is. */
bool pattern_is_plain(struct span text);

const char *pattern_result_name(enum pattern_result result);

/* The cause for people, to follow the quoted pattern: "has a brace that ...". */
const char *pattern_result_text(enum pattern_result result);

#endif
