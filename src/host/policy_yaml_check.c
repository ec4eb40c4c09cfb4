/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_check.c - what a table of keys cannot say of a policy file: ids are unique, templates use what
 * was captured, nothing is written that has no effect.
 *
 * policy_create() stops at the first fault and knows no file, so everything is checked before.
 */
#include <string.h>

#include "base/hash.h"
#include "bridge/pattern.h"
#include "host/policy_yaml_parts.h"
#include "host/suggest.h"

void
policy_yaml_report_memory(struct policy_yaml_loader *loader)
{
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_doc_root(loader->doc)),
        "the policy needs too much memory");
}

/* ---- Rule ids and links are unique ---- */

static const struct yaml_node *
id_node(const struct policy_yaml_rule *rule)
{
    return yaml_find(rule->yaml, "id");
}

static bool
same_id(const void *item, const void *key)
{
    return strcmp(((const struct policy_yaml_rule *)item)->id, key) == 0;
}

static const struct hash_key id_key = { .k0 = 0, .k1 = 0 };

const struct policy_yaml_rule *
policy_yaml_find_rule(
    const struct policy_yaml_loader *loader, enum policy_direction direction, const char *id)
{
    uint64_t hash = hash_bytes(&id_key, span_from_text(id));
    return map_find(&loader->ids[direction], hash, id);
}

static void
check_id(struct policy_yaml_loader *loader, enum policy_direction direction,
    struct policy_yaml_rule *rule)
{
    if (rule->id == NULL) {
        return;
    }
    struct yaml_place place = yaml_place(id_node(rule));
    if (strcmp(rule->id, POLICY_YAML_ID_DEFAULT) == 0) {
        yaml_errors_add(loader->errors, YAML_ERROR, place,
            "rule id '" POLICY_YAML_ID_DEFAULT
            "' is taken by the last rule of every policy, which rejects");
        return;
    }
    const struct policy_yaml_rule *first = policy_yaml_find_rule(loader, direction, rule->id);
    if (first != NULL) {
        struct yaml_place before = yaml_place(id_node(first));
        bool elsewhere = strcmp(before.file, place.file) != 0;
        yaml_errors_add(loader->errors, YAML_ERROR, place,
            "rule id '%s' is used twice; the first is in %s%sline %u, column %u", rule->id,
            elsewhere ? before.file : "", elsewhere ? ", " : "", before.line, before.column);
        return;
    }
    uint64_t hash = hash_bytes(&id_key, span_from_text(rule->id));
    if (!map_insert(&loader->ids[direction], hash, rule)) {
        policy_yaml_report_memory(loader);
    }
}

const struct yaml_node *
policy_yaml_text_node(const struct yaml_node *list, size_t position)
{
    return list->kind == YAML_SEQUENCE ? yaml_item(list, (uint32_t)position) : list;
}

static void
check_links(struct policy_yaml_loader *loader)
{
    const struct policy_yaml_texts *links = &loader->file.links;
    const struct yaml_node *list = yaml_find(loader->file.yaml, "links");
    for (size_t i = 0; i < links->count; i++) {
        size_t first = 0;
        while (strcmp(links->items[first], links->items[i]) != 0) {
            first++;
        }
        if (first != i) {
            struct yaml_place before = yaml_place(policy_yaml_text_node(list, first));
            yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(policy_yaml_text_node(list, i)),
                "link %s is named twice; the first is in line %u, column %u",
                value_quote(links->items[i]).text, before.line, before.column);
        }
    }
}

/* ---- Templates use what every pattern captures ---- */

/* `text` with a NUL behind it, in the scratch memory. NULL: none. */
static const char *
scratch_text(struct policy_yaml_loader *loader, struct span text)
{
    uint8_t *copy = arena_take(&loader->scratch, text.size + 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return (const char *)copy;
}

static void
report_capture(struct policy_yaml_loader *loader, const struct yaml_node *node, struct span capture,
    const struct pattern *pattern)
{
    struct yaml_path path = yaml_path(node);
    if (pattern == NULL) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node),
            "%s: the rule has no match.function that captures '%.*s'", path.text,
            SPAN_ARGS(capture));
        return;
    }
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node),
        "%s: '%.*s' is not captured by the pattern '%.*s'", path.text, SPAN_ARGS(capture),
        SPAN_ARGS(pattern->text));
    const char *written = scratch_text(loader, capture);
    if (written == NULL) {
        return;
    }
    struct suggest suggest;
    suggest_init(&suggest, written);
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        bool capturing = part->kind != PATTERN_LITERAL && part->text.size > 0;
        const char *name = capturing ? scratch_text(loader, part->text) : NULL;
        if (name != NULL) {
            suggest_offer(&suggest, name);
        }
    }
    if (suggest.best != NULL) {
        yaml_errors_hint(loader->errors, "did you mean '%s'? ", suggest.best);
    }
    yaml_errors_hint(loader->errors, "(every pattern of the rule must capture it)");
}

/* The first of the rule's patterns that lacks a capture; all were checked when they were read. */
static bool
find_lacking(struct policy_yaml_loader *loader, const struct policy_yaml_texts *texts,
    struct span capture, struct pattern *lacking)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct span text = span_from_text(texts->items[i]);
        enum pattern_result result = pattern_compile(text, &loader->scratch, lacking);
        if (result == PATTERN_OK && !pattern_has_capture(lacking, capture)) {
            return true;
        }
    }
    return false;
}

static void
check_template(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    const char *key, const char *text)
{
    const struct policy_yaml_texts *texts = &rule->match.functions;
    bool refused = texts->count == 0 && yaml_find(rule->match.yaml, "function") != NULL;
    struct pattern_template made;
    if (text == NULL || refused ||
        pattern_template_compile(span_from_text(text), &loader->scratch, &made) != PATTERN_OK) {
        return;
    }
    const struct yaml_node *node = yaml_find(rule->set.yaml, key);
    for (uint32_t i = 0; i < made.part_count; i++) {
        struct span capture = made.parts[i].text;
        struct pattern lacking;
        if (made.parts[i].kind == PATTERN_LITERAL) {
            continue;
        }
        if (texts->count == 0) {
            report_capture(loader, node, capture, NULL);
        } else if (find_lacking(loader, texts, capture, &lacking)) {
            report_capture(loader, node, capture, &lacking);
        }
    }
    arena_reset(&loader->scratch);
}

/* ---- What is allowed but cannot be meant ---- */

static bool
has_catch_all(struct policy_yaml_loader *loader, const struct policy_yaml_texts *texts)
{
    bool found = false;
    for (size_t i = 0; i < texts->count && !found; i++) {
        struct pattern pattern;
        struct span text = span_from_text(texts->items[i]);
        enum pattern_result result = pattern_compile(text, &loader->scratch, &pattern);
        found = result == PATTERN_OK && pattern_is_catch_all(&pattern);
    }
    arena_reset(&loader->scratch);
    return found;
}

static bool
is_mapping(const struct yaml_node *node)
{
    return node->kind == YAML_MAPPING && !node->faulty;
}

/* Nothing gets past this rule. A condition that was refused counts as one. */
static bool
rule_is_catch_all(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule)
{
    const struct policy_yaml_match *match = &rule->match;
    if (!is_mapping(rule->yaml) || (match->yaml != NULL && !is_mapping(match->yaml))) {
        return false;
    }
    uint32_t condition_count = match->yaml == NULL ? 0 : match->yaml->count;
    if (yaml_find(match->yaml, "function") != NULL) {
        if (!has_catch_all(loader, &match->functions)) {
            return false;
        }
        condition_count--;
    }
    /* tags: {} and its like are written, but are no condition. */
    const struct yaml_node *groups[] = { match->tags.yaml, match->resources.yaml,
        match->path.yaml };
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        if (groups[i] != NULL && is_mapping(groups[i]) && groups[i]->count == 0) {
            condition_count--;
        }
    }
    return condition_count == 0;
}

/* A setting that a rule has, but that does nothing there. */
static void
check_effect(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    enum policy_direction direction)
{
    const struct yaml_node *preference = yaml_find(rule->set.yaml, "preference");
    if (rule->set.yaml != NULL && rule->action == POLICY_YAML_REJECT) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(rule->set.yaml->key),
            "a rule that rejects cannot set anything");
        yaml_errors_hint(loader->errors, "take out 'set', or write action: accept");
    } else if (preference != NULL && direction == POLICY_EXPORT) {
        yaml_errors_add(loader->errors, YAML_WARNING, yaml_place(preference->key),
            "preference has no effect on export: it is never sent");
        yaml_errors_hint(loader->errors, "set cost, which the far side sees");
    }
    if (rule->reason != NULL && rule->action == POLICY_YAML_ACCEPT) {
        yaml_errors_add(loader->errors, YAML_WARNING,
            yaml_place(yaml_find(rule->yaml, "reason")->key),
            "reason has no effect here: it is told when a rule rejects");
    }
}

static void
check_side(struct policy_yaml_loader *loader, enum policy_direction direction)
{
    const struct policy_yaml_side *side = &loader->file.sides[direction];
    const struct policy_yaml_rule *catch_all = NULL;
    map_init(&loader->ids[direction], &loader->mem, same_id);
    for (size_t i = 0; i < side->rule_count; i++) {
        struct policy_yaml_rule *rule = &side->rules[i];
        check_id(loader, direction, rule);
        check_template(loader, rule, "function", rule->set.function);
        check_template(loader, rule, "function_id", rule->set.function_id);
        check_effect(loader, rule, direction);
        if (catch_all != NULL) {
            yaml_errors_add(loader->errors, YAML_WARNING, yaml_place(rule->yaml),
                "this rule can never match: the rule in line %u matches everything",
                catch_all->yaml->line);
        } else if (rule_is_catch_all(loader, rule)) {
            catch_all = rule;
        }
    }
}

void
policy_yaml_check_rules(struct policy_yaml_loader *loader)
{
    check_links(loader);
    check_side(loader, POLICY_EXPORT);
    check_side(loader, POLICY_IMPORT);
}
