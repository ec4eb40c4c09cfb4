/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_asserts.c - the asserts of a policy file: what makes no sense in them, then their description.
 */
#include "host/policy_yaml_parts.h"
#include "host/yaml_format.h"

/* An assert in one line, where it has no name. */
#define TEXT_SIZE_MAX ((size_t)1024)

/* ---- Checks ---- */

static bool
is_sound(const struct yaml_node *node)
{
    return node != NULL && !node->faulty && node->kind == YAML_MAPPING;
}

static void
check_claim(struct policy_yaml_loader *loader, const struct policy_yaml_claim *claim)
{
    const struct yaml_node *exported = yaml_find(claim->yaml, "export");
    const struct yaml_node *imported = yaml_find(claim->yaml, "import");
    if (!is_sound(claim->yaml)) {
        return;
    }
    if (exported != NULL && imported != NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(imported->key),
            "an assert is about export or import, not both");
        yaml_errors_hint(loader->errors, "write two asserts");
    } else if (exported == NULL && imported == NULL) {
        yaml_errors_add(
            loader->errors, YAML_ERROR, yaml_place(claim->yaml), "this assert is about nothing");
        yaml_errors_hint(
            loader->errors, "give it export or import: never: {export: {tags: [internal]}}");
    }
}

static void
check_as(struct policy_yaml_loader *loader, const struct policy_yaml_assert *assert,
    const struct policy_yaml_query *query)
{
    const struct yaml_node *as = yaml_find(query->yaml, "as");
    if (as != NULL && assert->claims[POLICY_ALWAYS].yaml != NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(as->key),
            "'as' has no meaning in always: what is rejected gets no name");
        yaml_errors_hint(loader->errors, "write never: {..., as: {function: \"**\", except: ...}}");
    } else if (is_sound(as) && as->count == 0) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(as), "'as' says nothing");
        yaml_errors_hint(loader->errors, "give it function or except, with patterns");
    }
}

static void
check_assert(struct policy_yaml_loader *loader, const struct policy_yaml_assert *assert)
{
    static const char *const kinds[] = { "never", "always", "only" };
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        count += yaml_find(assert->yaml, kinds[i]) != NULL;
    }
    if (count != 1) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(assert->yaml),
            count == 0 ? "this assert promises nothing" : "this assert promises several things");
        yaml_errors_hint(loader->errors, "give it one of never, always, only");
    }
    for (int claim = POLICY_NEVER; claim <= POLICY_ALWAYS; claim++) {
        check_claim(loader, &assert->claims[claim]);
        check_as(loader, assert, &assert->claims[claim].queries[POLICY_EXPORT]);
        check_as(loader, assert, &assert->claims[claim].queries[POLICY_IMPORT]);
    }
}

void
policy_yaml_check_asserts(struct policy_yaml_loader *loader)
{
    for (size_t i = 0; i < loader->file.assert_count; i++) {
        if (is_sound(loader->file.asserts[i].yaml)) {
            check_assert(loader, &loader->file.asserts[i]);
        }
    }
}

/* ---- The description ---- */

/* false: no memory, as for all of this part. */
static bool
describe_query(struct policy_yaml_loader *loader, const struct policy_yaml_query *query,
    struct policy_query *made)
{
    struct policy_yaml_rule rule = { .yaml = query->yaml, .match = query->match };
    return policy_yaml_describe_rule(loader, &rule, &made->match) &&
           policy_yaml_describe_texts(loader, &query->except, &made->except) &&
           policy_yaml_describe_texts(loader, &query->as.functions, &made->as_functions) &&
           policy_yaml_describe_texts(loader, &query->as.except, &made->as_except);
}

static bool
describe_claim(struct policy_yaml_loader *loader, const struct policy_yaml_assert *assert,
    struct policy_assert *made)
{
    if (assert->only.count > 0) {
        *made = (struct policy_assert){ .claim = POLICY_ONLY, .direction = POLICY_EXPORT };
        return policy_yaml_describe_texts(loader, &assert->only, &made->federations);
    }
    bool always = assert->claims[POLICY_ALWAYS].yaml != NULL;
    const struct policy_yaml_query *queries =
        assert->claims[always ? POLICY_ALWAYS : POLICY_NEVER].queries;
    *made = (struct policy_assert){
        .claim = always ? POLICY_ALWAYS : POLICY_NEVER,
        .direction = queries[POLICY_EXPORT].yaml != NULL ? POLICY_EXPORT : POLICY_IMPORT,
    };
    return describe_query(loader, &queries[made->direction], &made->query);
}

static bool
describe_name(
    struct policy_yaml_loader *loader, const struct policy_yaml_assert *assert, struct span *name)
{
    struct buf text;
    if (assert->name != NULL) {
        *name = span_from_text(assert->name);
        return true;
    }
    buf_init(&text, &loader->mem, TEXT_SIZE_MAX);
    yaml_format_line(assert->yaml, &policy_yaml_assert_shape, &text);
    struct span written = buf_span(&text);
    bool written_any = written.size > 2;
    uint8_t *copy = written_any ? yaml_doc_take(loader->doc, written.size) : NULL;
    bool taken = copy != NULL;
    if (taken) {
        /* Without the braces around it, of which the last is lost where it is cut. */
        size_t size = written.size - (text.overflowed ? 1 : 2);
        memcpy(copy, &written.data[1], size);
        *name = span_from(copy, size);
    }
    buf_destroy(&text);
    return taken;
}

bool
policy_yaml_describe_asserts(struct policy_yaml_loader *loader, struct policy_yaml *loaded)
{
    const struct policy_yaml_file *file = &loader->file;
    if (file->assert_count == 0) {
        return true;
    }
    struct policy_assertion *made = yaml_doc_take(loader->doc, file->assert_count * sizeof(*made));
    if (made == NULL) {
        return false;
    }
    for (size_t i = 0; i < file->assert_count; i++) {
        made[i].place = yaml_place(file->asserts[i].yaml);
        if (!describe_name(loader, &file->asserts[i], &made[i].name) ||
            !describe_claim(loader, &file->asserts[i], &made[i].assert)) {
            return false;
        }
    }
    loaded->asserts = made;
    loaded->assert_count = (uint32_t)file->assert_count;
    return true;
}
