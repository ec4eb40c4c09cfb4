/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml.h - loads a policy file: reads it, checks all of it, compiles it (docs/policy.md).
 *
 * Everything that is wrong is in `errors` after one run, with file, line and column; so are warnings
 * about what is allowed but hardly meant: a rule that no function can reach, a setting that has no effect.
 */
#ifndef HOST_POLICY_YAML_H
#define HOST_POLICY_YAML_H

#include "bridge/policy.h"
#include "host/policy_assert.h"
#include "host/policy_test.h"
#include "host/yaml.h"
#include "host/yaml_errors.h"

/* Of the name of a policy and of the id of a rule: they stand in metrics, events and error messages. */
#define POLICY_YAML_ID_SIZE_MAX 64

/* Links that share one policy: more than a bridge will have neighbours. */
#define POLICY_YAML_LINKS_MAX 256

/* Files that one includes; these include none. */
#define POLICY_YAML_INCLUDES_MAX 16

/* Of a file and those that it includes, each; and the items of one. */
#define POLICY_YAML_DEFINITIONS_MAX      256
#define POLICY_YAML_DEFINITION_ITEMS_MAX 1024

#define POLICY_YAML_COLLISIONS_MAX 100000u

struct policy_yaml_file;

struct policy_yaml {
    struct policy *policy;              /* owned, until it is taken */
    struct span federation;             /* whose policy it is; empty: not said */
    struct yaml_place federation_place; /* .line 0: not said */
    struct text_list links; /* the links it is for, each once, in the file's order; at least one */
    const struct yaml_place *link_places; /* of each, for whoever knows which links there are */
    struct text_list
        link_federations; /* where each leads: what the file says, or the link's name */
    const struct yaml_place *link_federation_places; /* of each; .line 0: not said */
    struct policy_source source;                     /* what the policy was compiled from */
    const struct yaml_place *rule_places[2];         /* of each rule, by enum policy_direction */
    const struct policy_test *tests; /* in the file's order; they have not been run */
    uint32_t test_count;
    const struct policy_assertion *asserts; /* likewise; they have not been proved */
    uint32_t assert_count;
    const struct policy_yaml_file *file;                 /* as it was written: for policy_yaml*.c */
    struct yaml_doc *doc;                                /* what all but the policy borrows from */
    struct yaml_doc *included[POLICY_YAML_INCLUDES_MAX]; /* likewise */
    size_t included_count;
};

/*
 * Load a file, or a text that messages call `name` and whose includes lie beside a file of that name. The policy's memory is taken from `mem`, which must
 * outlive it; all else dies with policy_yaml_free().
 *
 * NULL: the file had errors, which are in `errors` now. Otherwise it had none, but perhaps warnings.
 */
MUST_CHECK struct policy_yaml *policy_yaml_load_file(const char *path,
    const struct yaml_environment *environment, struct mem *mem, struct yaml_errors *errors);
MUST_CHECK struct policy_yaml *policy_yaml_load_text(const char *name, struct span text,
    const struct yaml_environment *environment, struct mem *mem, struct yaml_errors *errors);

/* A file that came over the network, with those that it includes. */
struct policy_yaml_part {
    const char *path; /* as it is written in `include` */
    struct span text;
};
struct policy_yaml_sent {
    const char *name; /* for messages */
    struct span text;
    const struct policy_yaml_part *includes;
    size_t include_count;
};

/* The same for those: nothing is read from the disk. */
MUST_CHECK struct policy_yaml *policy_yaml_load_sent(const struct policy_yaml_sent *sent,
    const struct yaml_environment *environment, struct mem *mem, struct yaml_errors *errors);

/*
 * Add what takes longer to find out than a bridge should wait for at its start. Warnings: rules hidden behind
 * another, rules that nothing fulfils, rules that accept everything, captures that are not used, and functions that
 * come in under one name. Errors: functions that leave under one name, by rules that do not say merge. Rules behind
 * a catch-all were warned of by the loading.
 *
 * Renames are compared until POLICY_YAML_COLLISIONS_MAX pairs of patterns were looked at closely. Memory
 * is taken from `mem` and given back; without enough of it, a warning says that not all was checked.
 */
void policy_yaml_lint(
    const struct policy_yaml *loaded, struct mem *mem, struct yaml_errors *errors);

/* The policy, which is the caller's from now on. Only once. */
MUST_CHECK struct policy *policy_yaml_take_policy(struct policy_yaml *loaded);

/* The policy dies too, unless it was taken. NULL is allowed. */
void policy_yaml_free(struct policy_yaml *loaded);

#endif
