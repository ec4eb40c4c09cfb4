/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_check.c - what a table of keys cannot say of a policy file: rule ids and links are unique, links
 * that lead somewhere are there, no rule is behind one that leaves nothing.
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

static bool
has_link(const struct policy_yaml_file *file, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < file->links.count; i++) {
        found = found || strcmp(file->links.items[i], name) == 0;
    }
    return found;
}

/* Where a link leads that this policy is not for is nothing to say here. */
static void
check_link_federations(struct policy_yaml_loader *loader)
{
    const struct policy_yaml_file *file = &loader->file;
    const struct yaml_node *mapping = yaml_find(file->yaml, "link_federations");
    for (size_t i = 0; i < file->link_federation_count && file->links.count > 0; i++) {
        const char *name = file->link_federations[i].key;
        struct suggest suggest;
        if (has_link(file, name)) {
            continue;
        }
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(yaml_find(mapping, name)->key),
            "link_federations: this policy is not for a link %s", value_quote(name).text);
        suggest_init(&suggest, name);
        for (size_t j = 0; j < file->links.count; j++) {
            suggest_offer(&suggest, file->links.items[j]);
        }
        if (suggest.best != NULL) {
            yaml_errors_hint(loader->errors, "did you mean '%s'?", suggest.best);
        } else {
            yaml_errors_hint(loader->errors, "add it to links, or take it out");
        }
    }
}

/* ---- Rules that leave nothing for others ---- */

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

/* What other federations serve gets past a rule that accepts for export and does not say transit. */
static bool
takes_transit(const struct policy_yaml_rule *rule, enum policy_direction direction)
{
    return direction == POLICY_IMPORT || rule->transit || rule->action == POLICY_YAML_REJECT;
}

/* Nothing gets past this rule. A condition that was refused counts as one. */
static bool
rule_is_catch_all(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    enum policy_direction direction)
{
    const struct policy_yaml_match *match = &rule->match;
    if (!policy_yaml_is_mapping(rule->yaml) ||
        (match->yaml != NULL && !policy_yaml_is_mapping(match->yaml))) {
        return false;
    }
    if (!takes_transit(rule, direction) || yaml_find(rule->yaml, "valid") != NULL) {
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
        if (groups[i] != NULL && policy_yaml_is_mapping(groups[i]) && groups[i]->count == 0) {
            condition_count--;
        }
    }
    return condition_count == 0;
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
        policy_yaml_check_templates(loader, rule);
        policy_yaml_check_meaning(loader, rule, direction);
        if (catch_all != NULL) {
            yaml_errors_add(loader->errors, YAML_WARNING, yaml_place(rule->yaml),
                "this rule can never match: the rule in line %u matches everything",
                catch_all->yaml->line);
        } else if (rule_is_catch_all(loader, rule, direction)) {
            catch_all = rule;
        }
    }
}

void
policy_yaml_check_rules(struct policy_yaml_loader *loader)
{
    check_links(loader);
    check_link_federations(loader);
    check_side(loader, POLICY_EXPORT);
    check_side(loader, POLICY_IMPORT);
    policy_yaml_check_import_limits(loader);
}
