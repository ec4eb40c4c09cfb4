/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_made.h - the names that a rule's template makes of those that one of its patterns matches, and the way back.
 */
#ifndef BRIDGE_POLICY_MADE_H
#define BRIDGE_POLICY_MADE_H

#include "bridge/pattern.h"

enum policy_made_kind {
    POLICY_MADE_SAME = 0, /* no template: the name is kept */
    POLICY_MADE_FIXED,    /* one name for all */
    POLICY_MADE_AROUND,   /* only what stands before and behind the pattern's wildcards changes */
    POLICY_MADE_LOOSE,    /* captures are left out, doubled or swapped */
};

/* What a rename does. All texts borrow from the template and the pattern. */
struct policy_made {
    enum policy_made_kind kind;
    /* POLICY_MADE_AROUND: from `before` + x + `behind` to `made_before` + x + `made_behind`, for every x. All of them
     * are empty for POLICY_MADE_SAME; `made_before` is the name of POLICY_MADE_FIXED. */
    struct span before;
    struct span behind;
    struct span made_before;
    struct span made_behind;
};

/* `made` may be without parts: there is no template. Else the pattern has each capture of it. */
struct policy_made policy_made_of(
    const struct pattern_template *made, const struct pattern *pattern);

/*
 * The pattern of what the template can make of names that `pattern` matches: each capture stands for anything that
 * its wildcard covers. It is put together, not compiled: a capture may stand in it twice. false: no memory.
 */
MUST_CHECK bool policy_made_pattern(const struct pattern_template *made,
    const struct pattern *pattern, struct arena *arena, struct pattern *output);

/* What wildcards cover that a template does not use. */
struct policy_made_filling {
    struct span segment;
    struct span anything;
};

/*
 * A name of which pattern and template make `name`, which policy_made_pattern()'s `output` matches. .data NULL: none was
 * found, which does not mean that there is none.
 */
MUST_CHECK struct span policy_made_source(const struct pattern_template *made,
    const struct pattern *pattern, const struct pattern *output,
    const struct policy_made_filling *filling, struct span name, struct arena *arena);

#endif
