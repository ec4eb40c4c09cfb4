/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_files.h - policy files of several federations together: what one of them alone cannot know.
 */
#ifndef HOST_POLICY_FILES_H
#define HOST_POLICY_FILES_H

#include "bridge/policy_network.h"
#include "host/policy_yaml.h"

/* Those that say whose they are. */
struct policy_files {
    struct policy_network network;
    const struct policy_yaml **loaded; /* by member of the network */
};

/* Borrows the files; the rest lives in `arena`. Files without a `federation` are left out. false: no memory. */
MUST_CHECK bool policy_files_init(struct policy_files *files, struct policy_yaml *const *loaded,
    size_t count, struct wall since, struct arena *arena);

/*
 * An assert of one of the files that says whom its export may reach: judge it by what the others pass on as well. *proof is what the file
 * alone made of it, and becomes worse if that is so.
 */
void policy_files_prove_only(const struct policy_files *files, const struct policy_yaml *loaded,
    const struct policy_assertion *assertion, struct arena *arena, struct policy_proof *proof);

/* Add a warning for each neighbour that passes on what is exported to it, unless an `only` of the exporting file names whom it reaches. */
void policy_files_lint(
    const struct policy_files *files, struct arena *arena, struct yaml_errors *errors);

#endif
