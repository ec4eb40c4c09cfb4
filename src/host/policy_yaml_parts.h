/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_parts.h - the loading of a policy file, among the files that share it.
 *
 * Private to policy_yaml*.c. The order: the tree is read by the table of keys, what no table can say is
 * checked, and if there was no error it is described as policy_create() wants it.
 */
#ifndef HOST_POLICY_YAML_PARTS_H
#define HOST_POLICY_YAML_PARTS_H

#include "base/arena.h"
#include "base/map.h"
#include "host/policy_yaml.h"
#include "host/policy_yaml_keys.h"

/* The rule behind all others, which denies (policy.h). */
#define POLICY_YAML_ID_DEFAULT "default"

struct policy_yaml_loader {
    struct yaml_doc *doc;
    struct yaml_errors *errors;
    struct mem mem;       /* of the three below, which die with the loading */
    struct arena scratch; /* compiled patterns, for one question at a time */
    struct map ids[2];    /* of the rules, by enum policy_direction: struct policy_yaml_rule */
    struct map tests;     /* by name: struct policy_yaml_test */
    struct policy_yaml_file file;
    const struct yaml_environment *environment;
    const struct policy_yaml_sent *sent; /* NULL: files are on the disk */
    struct yaml_doc *included[POLICY_YAML_INCLUDES_MAX];
    size_t included_count;
};

/* Put definitions where they are named in the rules of `doc`, which is the file or one that it includes. All
 * of these must have been loaded. */
void policy_yaml_put_definitions(struct policy_yaml_loader *loader, struct yaml_doc *doc);

/* Check all that is defined. Before anything is put in. */
void policy_yaml_check_definitions(struct policy_yaml_loader *loader);

/* Load the files that the file includes. */
void policy_yaml_load_included(struct policy_yaml_loader *loader);

/* Read what was loaded; its rules and tests stand before those of the file, which were read. */
void policy_yaml_read_included(struct policy_yaml_loader *loader);

void policy_yaml_report_memory(struct policy_yaml_loader *loader);

/* The scalar that item `position` of a list was read from, which may be the list itself. */
const struct yaml_node *policy_yaml_text_node(const struct yaml_node *list, size_t position);

/* Links, ids, and by the two below all else in the rules. Fills `ids`. */
void policy_yaml_check_rules(struct policy_yaml_loader *loader);

/* Templates use what was captured. */
void policy_yaml_check_templates(
    struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule);

/* No key of a rule is without meaning in its direction, with its action and beside its other keys. */
void policy_yaml_check_meaning(struct policy_yaml_loader *loader,
    const struct policy_yaml_rule *rule, enum policy_direction direction);

/* The limits of what comes in say something. */
void policy_yaml_check_import_limits(struct policy_yaml_loader *loader);

/* `node` is a mapping, and its keys were read. */
static inline bool
policy_yaml_is_mapping(const struct yaml_node *node)
{
    return node->kind == YAML_MAPPING && !node->faulty;
}

/* The rule of this id, or NULL. Of two with the same, the first. */
const struct policy_yaml_rule *policy_yaml_find_rule(
    const struct policy_yaml_loader *loader, enum policy_direction direction, const char *id);

/* After the rules. Fills `tests`. */
void policy_yaml_check_tests(struct policy_yaml_loader *loader);

/* Borrows the texts. false: no memory, as for all that follow. */
MUST_CHECK bool policy_yaml_describe_texts(struct policy_yaml_loader *loader,
    const struct policy_yaml_texts *texts, struct text_list *list);

MUST_CHECK bool policy_yaml_describe_rules(
    struct policy_yaml_loader *loader, struct policy_yaml *loaded);

/* One rule, of which any key may be missing. */
MUST_CHECK bool policy_yaml_describe_rule(struct policy_yaml_loader *loader,
    const struct policy_yaml_rule *rule, struct policy_rule_source *source);

MUST_CHECK bool policy_yaml_describe_tests(
    struct policy_yaml_loader *loader, struct policy_yaml *loaded);

void policy_yaml_check_asserts(struct policy_yaml_loader *loader);

MUST_CHECK bool policy_yaml_describe_asserts(
    struct policy_yaml_loader *loader, struct policy_yaml *loaded);

#endif
