/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_tests.c - the tests of a policy file: what makes no sense in them, then their description.
 */
#include <string.h>

#include "base/hash.h"
#include "host/policy_yaml_parts.h"
#include "host/suggest.h"

static enum policy_direction
direction_of(const struct policy_yaml_test *test)
{
    return test->questions[POLICY_EXPORT].yaml != NULL ? POLICY_EXPORT : POLICY_IMPORT;
}

/* ---- Checks ---- */

static bool
same_name(const void *item, const void *key)
{
    return strcmp(((const struct policy_yaml_test *)item)->name, key) == 0;
}

static void
check_name(struct policy_yaml_loader *loader, struct policy_yaml_test *test)
{
    static const struct hash_key key = { .k0 = 0, .k1 = 0 };
    if (test->name == NULL) {
        return;
    }
    uint64_t hash = hash_bytes(&key, span_from_text(test->name));
    const struct policy_yaml_test *first = map_find(&loader->tests, hash, test->name);
    if (first != NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_find(test->yaml, "name")),
            "two tests are called %s; the first is in line %u", value_quote(test->name).text,
            yaml_place(yaml_find(first->yaml, "name")).line);
    } else if (!map_insert(&loader->tests, hash, test)) {
        policy_yaml_report_memory(loader);
    }
}

static void
check_direction(struct policy_yaml_loader *loader, const struct policy_yaml_test *test)
{
    const struct yaml_node *exported = yaml_find(test->yaml, "export");
    const struct yaml_node *imported = yaml_find(test->yaml, "import");
    if (exported != NULL && imported != NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(imported->key),
            "a test asks about export or import, not both");
        yaml_errors_hint(loader->errors, "write two tests");
    } else if (exported == NULL && imported == NULL) {
        yaml_errors_add(
            loader->errors, YAML_ERROR, yaml_place(test->yaml), "this test asks nothing");
        yaml_errors_hint(
            loader->errors, "give it export or import with the function: export: {function: a.b}");
    }
}

static void
check_path(struct policy_yaml_loader *loader, const struct policy_yaml_question *question)
{
    bool both = question->origin != NULL && question->path.count > 0;
    if (both && strcmp(question->origin, question->path.items[0]) != 0) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_find(question->yaml, "path")),
            "the path begins with %s, but the origin is %s",
            value_quote(question->path.items[0]).text, value_quote(question->origin).text);
        yaml_errors_hint(loader->errors, "a path begins with the federation that serves the "
                                         "function; one of the two keys is enough");
    }
}

static void
check_rule(struct policy_yaml_loader *loader, const struct policy_yaml_test *test)
{
    const char *id = test->expect.rule;
    enum policy_direction direction = direction_of(test);
    const struct policy_yaml_side *side = &loader->file.sides[direction];
    struct suggest suggest;
    if (id == NULL || strcmp(id, POLICY_YAML_ID_DEFAULT) == 0 ||
        policy_yaml_find_rule(loader, direction, id) != NULL) {
        return;
    }
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_find(test->expect.yaml, "rule")),
        "%s has no rule %s", direction == POLICY_EXPORT ? "export" : "import",
        value_quote(id).text);
    suggest_init(&suggest, id);
    for (size_t i = 0; loader->errors->last != NULL && i < side->rule_count; i++) {
        if (side->rules[i].id != NULL) {
            suggest_offer(&suggest, side->rules[i].id);
        }
    }
    if (suggest.best != NULL) {
        yaml_errors_hint(loader->errors, "did you mean '%s'?", suggest.best);
    }
}

/* Keys that speak of an accepted function only, or of a rejected one only. */
static void
check_action(struct policy_yaml_loader *loader, const struct policy_yaml_test *test)
{
    static const char *const of_accepted[] = { "function", "function_id", "tags", "resources",
        "scope", "cost", "preference", "ttl" };
    const struct policy_yaml_expect *expect = &test->expect;
    const struct yaml_node *reason = yaml_find(expect->yaml, "reason");
    const struct yaml_node *first = NULL;
    for (size_t i = 0; first == NULL && i < COUNT_OF(of_accepted); i++) {
        first = yaml_find(expect->yaml, of_accepted[i]);
    }
    if (expect->action == POLICY_YAML_REJECT && first != NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(first->key),
            "what is rejected has no %s", first->key->text);
        yaml_errors_hint(loader->errors, "take it out, or write action: accept");
    } else if (reason != NULL && (expect->action == POLICY_YAML_ACCEPT || first != NULL)) {
        yaml_errors_add(
            loader->errors, YAML_ERROR, yaml_place(reason->key), "what is accepted has no reason");
        yaml_errors_hint(loader->errors, "take it out, or write action: reject");
    }
}

void
policy_yaml_check_tests(struct policy_yaml_loader *loader)
{
    map_init(&loader->tests, &loader->mem, same_name);
    for (size_t i = 0; i < loader->file.test_count; i++) {
        struct policy_yaml_test *test = &loader->file.tests[i];
        const struct yaml_node *expect = test->expect.yaml;
        if (test->yaml->faulty || test->yaml->kind != YAML_MAPPING) {
            continue;
        }
        check_name(loader, test);
        check_direction(loader, test);
        check_path(loader, &test->questions[POLICY_EXPORT]);
        check_path(loader, &test->questions[POLICY_IMPORT]);
        check_rule(loader, test);
        check_action(loader, test);
        if (expect != NULL && expect->kind == YAML_MAPPING && expect->count == 0) {
            yaml_errors_add(
                loader->errors, YAML_ERROR, yaml_place(expect), "this test expects nothing");
            yaml_errors_hint(loader->errors, "say at least the action: {action: reject}");
        }
    }
}

/* ---- The description ---- */

/* false: no memory, as for all of this part. */
static bool
describe_question(struct policy_yaml_loader *loader, const struct policy_yaml_question *question,
    struct advertisement *in)
{
    struct span *slot = yaml_doc_take(loader->doc, sizeof(*slot));
    *in = policy_test_advertisement(span_from_text(question->function));
    if (question->function_id != NULL) {
        in->identity.function_id = span_from_text(question->function_id);
    }
    if (question->version != NULL) {
        in->identity.version_text = span_from_text(question->version);
        bool parsed = version_parse(in->identity.version_text, &in->identity.version);
        CHECK(parsed);
    }
    if (question->scope != NULL) {
        in->scope = span_from_text(question->scope);
    }
    in->origin = span_from_text(question->origin);
    if (slot == NULL || !policy_yaml_describe_texts(loader, &question->tags, &in->tags) ||
        !policy_yaml_describe_texts(loader, &question->resources, &in->resources) ||
        !policy_yaml_describe_texts(loader, &question->path, &in->path)) {
        return false;
    }
    bool agree = policy_test_complete_path(in, slot);
    CHECK(agree);
    return true;
}

static bool
describe_expectation(struct policy_yaml_loader *loader, const struct policy_yaml_expect *expect,
    struct policy_test_expectation *made)
{
    *made = (struct policy_test_expectation){
        .has_action = expect->action != POLICY_YAML_UNKNOWN,
        .action = expect->action == POLICY_YAML_ACCEPT ? POLICY_ACCEPT : POLICY_REJECT,
        .rule = span_from_text(expect->rule),
        .reason = span_from_text(expect->reason),
        .function = span_from_text(expect->function),
        .function_id = span_from_text(expect->function_id),
        .has_tags = yaml_find(expect->yaml, "tags") != NULL,
        .has_resources = yaml_find(expect->yaml, "resources") != NULL,
        .scope = span_from_text(expect->scope),
        .has_cost = yaml_find(expect->yaml, "cost") != NULL,
        .cost = expect->cost,
        .has_preference = yaml_find(expect->yaml, "preference") != NULL,
        .preference = expect->preference,
        .ttl_ns = expect->ttl_ns,
    };
    return policy_yaml_describe_texts(loader, &expect->tags, &made->tags) &&
           policy_yaml_describe_texts(loader, &expect->resources, &made->resources);
}

bool
policy_yaml_describe_tests(struct policy_yaml_loader *loader, struct policy_yaml *loaded)
{
    const struct policy_yaml_file *file = &loader->file;
    if (file->test_count == 0) {
        return true;
    }
    struct policy_test *tests = yaml_doc_take(loader->doc, file->test_count * sizeof(*tests));
    if (tests == NULL) {
        return false;
    }
    for (size_t i = 0; i < file->test_count; i++) {
        const struct policy_yaml_test *test = &file->tests[i];
        const struct policy_yaml_question *question = &test->questions[direction_of(test)];
        tests[i].name = span_from_text(test->name);
        tests[i].place = yaml_place(test->yaml);
        tests[i].direction = direction_of(test);
        tests[i].has_at = yaml_find(question->yaml, "at") != NULL;
        tests[i].at = question->at;
        if (!describe_question(loader, question, &tests[i].in) ||
            !describe_expectation(loader, &test->expect, &tests[i].expect)) {
            return false;
        }
    }
    loaded->tests = tests;
    loaded->test_count = (uint32_t)file->test_count;
    return true;
}
