/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_index.h - which rules of a policy could match an advertisement: found by what it has, not one by one.
 *
 * Each rule hangs under the rarest thing that it demands, a key: the literal that a name or id begins
 * or ends with, a whole name, a tag, a resource, a scope, an origin, a federation passed. A rule with
 * alternatives (several patterns, tags.any, scope, origin) hangs under each of them. One walk over the name,
 * the id and the lists of an advertisement finds the keys it has; the rules under those, and those without a key, are
 * then given in the order of their numbers, each once. What it costs:
 *
 *     bytes of name and id, count of tags, resources and path     keys are looked up, in one hash table
 *     rules under the keys found                                  are given, until the caller has enough
 *
 * So the count of rules is not felt where rules differ in what they demand. It is where they do not: when many rules
 * before the one that matches have the same rarest key, or no key at all. Without a key are rules that
 * only have patterns without a literal at either end (*, **, *.get.*), none of a set, a version or max_hops.
 * The worst a policy can do is to have every rule asked, which is what would happen without an index.
 *
 * Keys are hashes: two texts with one hash share a list, which may have a rule given in vain, and nothing else.
 */
#ifndef BRIDGE_POLICY_INDEX_H
#define BRIDGE_POLICY_INDEX_H

#include "bridge/policy_rules.h"

/*
 * Built into `arena`, for rules that stay where they are; `arena->mem` also lends what is needed meanwhile.
 * false: no memory, and *index is untouched.
 */
MUST_CHECK bool policy_index_build(
    const struct policy_rules *rules, struct arena *arena, struct policy_index *index);

/* What is left of a list of rules. */
struct policy_candidates {
    uint32_t rule;       /* the first of them */
    uint32_t more_count; /* of those at `more` */
    const uint32_t *more;
};

/* Keys that an advertisement within the limits of the wire can have. */
#define POLICY_SEARCH_KEYS_MAX 1188u

/* One advertisement's way through the rules. On the stack of who judges it; private to policy_index.c. */
struct policy_search {
    const struct policy_rules *rules;
    uint32_t key_count;
    uint32_t candidate_count;
    uint32_t next;   /* no rule below is given again */
    bool overflowed; /* more keys than there is room for: every rule is given */
    uint32_t keys[POLICY_SEARCH_KEYS_MAX]; /* hashes that are probably in the table */
    /* A heap, the lowest rule first: of each key, and of the rules without one. */
    struct policy_candidates candidates[POLICY_SEARCH_KEYS_MAX + 1];
};

/* Look up what the advertisement has, of which any text may be malformed. Borrows the rules only. */
void policy_index_begin(struct policy_search *search, const struct policy_rules *rules,
    const struct advertisement *advertisement);

/*
 * The number of the next rule that could match, in ascending order; POLICY_NO_RULE: no other can. Every rule that
 * does match is among them; whether one does, is for the caller to say.
 */
MUST_CHECK uint32_t policy_index_next(struct policy_search *search);

#endif
