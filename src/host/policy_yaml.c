/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml.c - policy files: read, checked, described, compiled.
 */
#include "host/policy_yaml.h"

#include <string.h>

#include "host/policy_yaml_parts.h"

/* The file has no fault. NULL: no memory for what it says. */
static struct policy_yaml *
compile(struct policy_yaml_loader *loader, struct mem *mem)
{
    struct policy_yaml *loaded = yaml_doc_take(loader->doc, sizeof(*loaded));
    struct policy_yaml_file *file = yaml_doc_take(loader->doc, sizeof(*file));
    if (loaded == NULL || file == NULL || !policy_yaml_describe_rules(loader, loaded) ||
        !policy_yaml_describe_tests(loader, loaded) ||
        !policy_yaml_describe_asserts(loader, loaded)) {
        policy_yaml_report_memory(loader);
        return NULL;
    }
    struct policy_fault fault;
    *file = loader->file;
    loaded->file = file;
    loaded->doc = loader->doc;
    memcpy(loaded->included, loader->included, sizeof(loaded->included));
    loaded->included_count = loader->included_count;
    loaded->policy = policy_create(&loaded->source, mem, &fault);
    if (loaded->policy == NULL) {
        /* All that can be wrong with a text was looked for above. */
        CHECK(fault.result == POLICY_NO_MEMORY);
        policy_yaml_report_memory(loader);
        return NULL;
    }
    return loaded;
}

static void
free_docs(struct yaml_doc *doc, struct yaml_doc *const *included, size_t included_count)
{
    for (size_t i = 0; i < included_count; i++) {
        yaml_doc_free(included[i]);
    }
    yaml_doc_free(doc);
}

static void
read_all(struct policy_yaml_loader *loader)
{
    const struct yaml_node *root = yaml_doc_root(loader->doc);
    policy_yaml_load_included(loader);
    policy_yaml_check_definitions(loader);
    policy_yaml_put_definitions(loader, loader->doc);
    for (size_t i = 0; i < loader->included_count; i++) {
        policy_yaml_put_definitions(loader, loader->included[i]);
    }
    yaml_read_mapping(root, &policy_yaml_file_shape, loader->errors, &loader->file);
    policy_yaml_read_included(loader);
}

/* Takes the loader's document, which may be NULL. `error_count` was the number of errors before it was read. */
static struct policy_yaml *
load(struct policy_yaml_loader *loader, size_t error_count, struct mem *mem)
{
    if (loader->doc == NULL) {
        return NULL;
    }
    mem_init(&loader->mem, YAML_MEMORY_MAX);
    arena_init(&loader->scratch, &loader->mem);
    read_all(loader);
    policy_yaml_check_rules(loader);
    policy_yaml_check_tests(loader);
    policy_yaml_check_asserts(loader);
    struct policy_yaml *loaded = NULL;
    if (loader->errors->error_count == error_count) {
        loaded = compile(loader, mem);
    }
    map_destroy(&loader->ids[POLICY_EXPORT]);
    map_destroy(&loader->ids[POLICY_IMPORT]);
    map_destroy(&loader->tests);
    arena_destroy(&loader->scratch);
    CHECK(loader->mem.used == 0);
    if (loaded == NULL) {
        free_docs(loader->doc, loader->included, loader->included_count);
    }
    return loaded;
}

struct policy_yaml *
policy_yaml_load_file(const char *path, const struct yaml_environment *environment, struct mem *mem,
    struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    struct policy_yaml_loader loader = {
        .doc = yaml_load_file(path, environment, errors),
        .environment = environment,
        .errors = errors,
    };
    return load(&loader, error_count, mem);
}

struct policy_yaml *
policy_yaml_load_text(const char *name, struct span text,
    const struct yaml_environment *environment, struct mem *mem, struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    struct policy_yaml_loader loader = {
        .doc = yaml_load_text(name, text, environment, errors),
        .environment = environment,
        .errors = errors,
    };
    return load(&loader, error_count, mem);
}

struct policy_yaml *
policy_yaml_load_sent(const struct policy_yaml_sent *sent,
    const struct yaml_environment *environment, struct mem *mem, struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    struct policy_yaml_loader loader = {
        .doc = yaml_load_text(sent->name, sent->text, environment, errors),
        .environment = environment,
        .errors = errors,
        .sent = sent,
    };
    return load(&loader, error_count, mem);
}

struct policy *
policy_yaml_take_policy(struct policy_yaml *loaded)
{
    struct policy *policy = loaded->policy;
    CHECK(policy != NULL);
    loaded->policy = NULL;
    return policy;
}

void
policy_yaml_free(struct policy_yaml *loaded)
{
    if (loaded != NULL) {
        policy_unref(loaded->policy);
        free_docs(loaded->doc, loaded->included, loaded->included_count);
    }
}
