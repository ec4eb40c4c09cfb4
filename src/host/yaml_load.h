/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_load.h - how a document is built: between yaml.c and yaml_load.c. Besides these, only
 * policy_yaml_define.c changes a tree.
 */
#ifndef HOST_YAML_LOAD_H
#define HOST_YAML_LOAD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/span.h"
#include "host/yaml.h"

struct yaml_doc {
    struct mem mem;
    struct arena arena;
    const char *name;
    struct yaml_node *root;
};

/* Parse `input` into `doc`, which has no root yet. true: it has one now. false: `errors` says why. */
MUST_CHECK bool yaml_load_tree(struct yaml_doc *doc, struct span input,
    const struct yaml_environment *environment, struct yaml_errors *errors);

#endif
