/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_include.h - what patterns have to do with each other: does one match all that another does, is there a
 * name that both match?
 *
 * Decided over all names, not by trying some (pattern_search.h). Each answer that is not "yes, always" comes with a
 * name that proves it. Names may have any length here, so that such a name may be longer than a policy would look
 * at; it is not empty and has no control characters.
 */
#ifndef BRIDGE_PATTERN_INCLUDE_H
#define BRIDGE_PATTERN_INCLUDE_H

#include "bridge/pattern.h"

enum pattern_inclusion {
    PATTERN_INCLUDED = 0, /* every name that the part matches is matched by one of the whole */
    PATTERN_NOT_INCLUDED, /* *witness is a shortest name that only the part matches */
    PATTERN_UNDECIDED,    /* a bound of the search, or the arena's memory, was reached */
};

const char *pattern_inclusion_name(enum pattern_inclusion inclusion);

/* Does a name that `part` matches always match one of the `count` patterns of `whole`? *witness lives in the
 * arena, as does the scratch memory of the question. */
MUST_CHECK enum pattern_inclusion pattern_includes(const struct pattern *whole, uint32_t count,
    const struct pattern *part, struct arena *arena, struct span *witness);

enum pattern_overlap {
    PATTERN_DISJOINT = 0,
    PATTERN_OVERLAPPING,       /* *witness is a shortest name that both match */
    PATTERN_OVERLAP_UNDECIDED, /* a bound of the search, or the arena's memory, was reached */
};

const char *pattern_overlap_name(enum pattern_overlap overlap);

/* Is there a name that both match? */
MUST_CHECK enum pattern_overlap pattern_overlaps(
    const struct pattern *a, const struct pattern *b, struct arena *arena, struct span *witness);

#endif
