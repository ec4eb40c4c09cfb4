/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_set.h - the policies of a whole bridge: files, and which of them each link obeys.
 *
 * A set is put together file by file, checked against the bridge's links, and does not change any more then. Sets
 * share files: where one file is replaced, the others go over into the next set.
 */
#ifndef HOST_POLICY_SET_H
#define HOST_POLICY_SET_H

#include "base/list.h"
#include "bridge/rib.h"
#include "host/policy_yaml.h"

struct policy_set_link {
    const char *name; /* NULL: it has none, which is reported elsewhere */
    const char *federation;
};

/* What the files are checked against. Lives as long as the sets. */
struct policy_set_bridge {
    const char *file;       /* the bridge's configuration, for messages */
    const char *federation; /* NULL: not known */
    struct policy_set_link links[RIB_LINKS_MAX];
    size_t link_count;
};

/* Compiled policies of one file: more than YAML_FILE_SIZE_MAX of rules need. */
#define POLICY_FILE_MEMORY_MAX ((size_t)1024 * 1024 * 1024)

/* One file, which several sets may hold. */
struct policy_file {
    struct policy_yaml *loaded;
    struct mem mem; /* of its policy: its own, so that it can be loaded beside the loop */
    uint32_t holders;
    struct list link; /* in a list of files */
};

/*
 * Load a file into a list of files that lasts as long as any set holds it, or an engine its policy; nobody does yet.
 * NULL: `errors` say why, perhaps that there is no memory.
 */
MUST_CHECK struct policy_file *policy_file_load(const char *path,
    const struct yaml_environment *environment, struct list *files, struct yaml_errors *errors);
MUST_CHECK struct policy_file *policy_file_load_sent(const struct policy_yaml_sent *sent,
    const struct yaml_environment *environment, struct list *files, struct yaml_errors *errors);

/* Free what nobody holds any more. */
void policy_files_sweep(struct list *files);

struct policy_set {
    const struct policy_set_bridge *bridge;
    struct policy_file *files[RIB_LINKS_MAX];
    size_t file_count;
    struct policy_file *of_link[RIB_LINKS_MAX]; /* NULL: nothing passes */
    struct yaml_place places[RIB_LINKS_MAX];    /* where the link is named */
};

/* An empty one. */
void policy_set_init(struct policy_set *set, const struct policy_set_bridge *bridge);
void policy_set_destroy(struct policy_set *set);

/* Holds the file. What speaks against it is in `errors`. */
void policy_set_add(struct policy_set *set, struct policy_file *file, struct yaml_errors *errors);

/* Links that have no policy get the one that they have in the other set. */
void policy_set_inherit(struct policy_set *set, const struct policy_set *other);

/*
 * Run the tests in the files, and prove their asserts; what fails is an error at its place. Files that `known` holds
 * too (NULL: none) passed before, and are left out. This may take seconds.
 */
void policy_set_prove(const struct policy_set *set, const struct policy_set *known, struct wall now,
    struct yaml_errors *errors);

/* The same files: another set that holds them. */
void policy_set_copy(struct policy_set *set, const struct policy_set *from);

/* One a link; `policies` has room for them. They live as long as the set, or as somebody else holds them. */
void policy_set_policies(const struct policy_set *set, struct policy **policies);

#endif
