/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_search.h - a text for which some patterns match and others do not, or the proof that there is none.
 *
 * Decided over all texts, not by trying some: patterns are automata over characters, and the search walks through
 * the sets of states that all of them can be in (the subset construction, made as far as it is reached).
 * What it finds is a shortest one. It has no control characters, and may be longer than a name may be.
 */
#ifndef BRIDGE_PATTERN_SEARCH_H
#define BRIDGE_PATTERN_SEARCH_H

#include "bridge/pattern.h"

/* States of all patterns together (at least 64 a pattern), and sets of them looked at: bounds on the work, far above
 * what people write. */
#define PATTERN_SEARCH_STATES_MAX 65536u
#define PATTERN_SEARCH_SETS_MAX   32768u

/* `before`, the text that is looked for and `behind` in a row are matched by the pattern, or are not. */
struct pattern_demand {
    const struct pattern *pattern;
    bool excluded;      /* it must not match */
    struct span before; /* plain texts, mostly empty */
    struct span behind;
};

struct pattern_question {
    const struct pattern_demand *demands;
    uint32_t count;
    bool may_be_empty; /* the text that is looked for */
};

enum pattern_answer {
    PATTERN_FOUND = 0,
    PATTERN_NOWHERE,     /* no text, however long */
    PATTERN_SEARCH_OVER, /* a bound above, or the arena's memory, was reached */
};

const char *pattern_answer_name(enum pattern_answer answer);

/* PATTERN_FOUND: *found lives in the arena, as does the scratch memory of the question. Else it is untouched. */
MUST_CHECK enum pattern_answer pattern_search(
    const struct pattern_question *question, struct arena *arena, struct span *found);

#endif
