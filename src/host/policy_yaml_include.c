/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_include.c - rules, tests and definitions that several policies share, in files of their own.
 */
#include <string.h>

#include "host/policy_yaml_parts.h"

/* `name` beside the file; NULL: no memory. */
static const char *
path_beside(struct policy_yaml_loader *loader, const char *name)
{
    const char *own = yaml_doc_name(loader->doc);
    const char *slash = strrchr(own, '/');
    size_t folder_size = slash == NULL ? 0 : (size_t)(slash - own) + 1;
    size_t name_size = strlen(name) + 1;
    char *path = yaml_doc_take(loader->doc, folder_size + name_size);
    if (path != NULL) {
        memcpy(path, own, folder_size);
        memcpy(&path[folder_size], name, name_size);
    }
    return path;
}

/* The text that was sent for an included file. */
static struct yaml_doc *
load_sent(struct policy_yaml_loader *loader, const char *name, const char *path)
{
    const struct policy_yaml_sent *sent = loader->sent;
    for (size_t i = 0; i < sent->include_count; i++) {
        if (strcmp(sent->includes[i].path, name) == 0) {
            return yaml_load_text(
                path, sent->includes[i].text, loader->environment, loader->errors);
        }
    }
    yaml_errors_add(loader->errors, YAML_ERROR,
        yaml_place(yaml_find(yaml_doc_root(loader->doc), "include")),
        "%s is included, but was not sent along", value_quote(name).text);
    return NULL;
}

static void
load_one(struct policy_yaml_loader *loader, const char *name)
{
    const char *path = path_beside(loader, name);
    if (path == NULL) {
        policy_yaml_report_memory(loader);
        return;
    }
    struct yaml_doc *doc = loader->sent != NULL
                               ? load_sent(loader, name, path)
                               : yaml_load_file(path, loader->environment, loader->errors);
    if (doc != NULL) {
        loader->included[loader->included_count] = doc;
        loader->included_count++;
    }
}

void
policy_yaml_load_included(struct policy_yaml_loader *loader)
{
    /* Only this key: what else is wrong is said when all is read, with its definitions in place. */
    struct yaml_errors silent;
    struct policy_yaml_file file;
    const struct yaml_node *node = yaml_find(yaml_doc_root(loader->doc), "include");
    if (node == NULL) {
        return;
    }
    yaml_errors_init(&silent);
    yaml_read_mapping(yaml_doc_root(loader->doc), &policy_yaml_includes_shape, &silent, &file);
    yaml_errors_destroy(&silent);
    for (size_t i = 0; i < file.includes.count; i++) {
        size_t first = 0;
        while (strcmp(file.includes.items[first], file.includes.items[i]) != 0) {
            first++;
        }
        if (first == i) {
            load_one(loader, file.includes.items[i]);
        } else {
            yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(policy_yaml_text_node(node, i)),
                "%s is included twice", value_quote(file.includes.items[i]).text);
        }
    }
}

/* `count` items of `size` bytes from `before`, then those of `items`. NULL: no memory, or nothing at all. */
static void *
joined(struct policy_yaml_loader *loader, const void *before, size_t before_size, const void *items,
    size_t items_size)
{
    uint8_t *both = yaml_doc_take(loader->doc, before_size + items_size);
    if (both == NULL) {
        policy_yaml_report_memory(loader);
        return NULL;
    }
    if (before_size > 0) {
        memcpy(both, before, before_size);
    }
    if (items_size > 0) {
        memcpy(&both[before_size], items, items_size);
    }
    return both;
}

static void
join_rules(struct policy_yaml_loader *loader, const struct policy_yaml_side *before,
    struct policy_yaml_side *side)
{
    struct policy_yaml_rule *rules = joined(loader, before->rules,
        before->rule_count * sizeof(*rules), side->rules, side->rule_count * sizeof(*rules));
    if (rules != NULL) {
        side->rules = rules;
        side->rule_count += before->rule_count;
    }
}

void
policy_yaml_read_included(struct policy_yaml_loader *loader)
{
    struct policy_yaml_file *file = &loader->file;
    /* From the last to the first, since each goes to the front. */
    for (size_t i = loader->included_count; i-- > 0;) {
        struct policy_yaml_file part;
        const struct yaml_node *root = yaml_doc_root(loader->included[i]);
        yaml_read_mapping(root, &policy_yaml_included_shape, loader->errors, &part);
        join_rules(loader, &part.sides[POLICY_EXPORT], &file->sides[POLICY_EXPORT]);
        join_rules(loader, &part.sides[POLICY_IMPORT], &file->sides[POLICY_IMPORT]);
        struct policy_yaml_test *tests = joined(loader, part.tests,
            part.test_count * sizeof(*tests), file->tests, file->test_count * sizeof(*tests));
        if (tests != NULL) {
            file->tests = tests;
            file->test_count += part.test_count;
        }
        struct policy_yaml_assert *asserts =
            joined(loader, part.asserts, part.assert_count * sizeof(*asserts), file->asserts,
                file->assert_count * sizeof(*asserts));
        if (asserts != NULL) {
            file->asserts = asserts;
            file->assert_count += part.assert_count;
        }
    }
}
