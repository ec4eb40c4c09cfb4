/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_assert.h - the asserts in a policy file: what must hold for every function that there can be (docs/policy.md).
 *
 * Proving them needs nothing but the policy and the time from which on they must hold.
 */
#ifndef HOST_POLICY_ASSERT_H
#define HOST_POLICY_ASSERT_H

#include "base/buf.h"
#include "bridge/policy_prove.h"
#include "host/yaml_errors.h"

struct policy_yaml;

struct policy_assertion {
    struct span
        name; /* as the file calls it, else as it is written: never: {export: {tags: [internal]}} */
    struct yaml_place place;
    struct policy_assert assert;
};

/* Where the policy stands: between its federation and those of its links, from `since` on. Borrows from the file. */
struct policy_border policy_assert_border(const struct policy_yaml *loaded, struct wall since);

/* One proof for each assert of a file, in order; they live in `arena`. NULL: no memory. */
MUST_CHECK struct policy_proof *policy_assert_prove(
    const struct policy_yaml *loaded, struct wall since, struct arena *arena);

/* All asserts of a file hold. false: one of them is broken or undecided, or there is no memory to know. */
MUST_CHECK bool policy_assert_holds(
    const struct policy_yaml *loaded, struct wall since, struct mem *mem);

/*
 * The example that breaks an assert in the words of `mpregctl policy explain FILE export`, with a space before each: " function=a.b
 * tags=x,y". What has its usual value is left out, as is the time when it is `since`. A shell takes them as they stand.
 */
void policy_assert_write_example(
    const struct policy_proof *proof, struct wall since, struct buf *out);

#endif
