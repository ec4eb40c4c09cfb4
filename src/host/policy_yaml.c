/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml.c - policy files: what a table of keys cannot say, then the description that
 * policy_create() compiles.
 *
 * policy_create() stops at the first fault and knows no file, so everything is checked before.
 */
#include "host/policy_yaml.h"

#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "bridge/pattern.h"
#include "host/policy_yaml_keys.h"
#include "host/suggest.h"

/* The rule behind all others, which denies (policy.h). */
#define ID_DEFAULT "default"

struct loader {
    struct yaml_doc *doc;
    struct yaml_errors *errors;
    struct mem mem;       /* of the two below, which die with the loading */
    struct arena scratch; /* compiled patterns, for one question at a time */
    struct map ids;       /* of one side's rules: struct policy_yaml_rule */
    struct policy_yaml_file file;
};

static void
report_memory(struct loader *loader)
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

static void
check_id(struct loader *loader, struct policy_yaml_rule *rule)
{
    if (rule->id == NULL) {
        return;
    }
    struct yaml_place place = yaml_place(id_node(rule));
    if (strcmp(rule->id, ID_DEFAULT) == 0) {
        yaml_errors_add(loader->errors, YAML_ERROR, place,
            "rule id '" ID_DEFAULT "' is taken by the last rule of every policy, which rejects");
        return;
    }
    static const struct hash_key key = { .k0 = 0, .k1 = 0 };
    uint64_t hash = hash_bytes(&key, span_from_text(rule->id));
    const struct policy_yaml_rule *first = map_find(&loader->ids, hash, rule->id);
    if (first != NULL) {
        struct yaml_place before = yaml_place(id_node(first));
        yaml_errors_add(loader->errors, YAML_ERROR, place,
            "rule id '%s' is used twice; the first is in line %u, column %u", rule->id, before.line,
            before.column);
        return;
    }
    if (!map_insert(&loader->ids, hash, rule)) {
        report_memory(loader);
    }
}

/* The scalar that item `position` of a list was read from, which may be the list itself. */
static const struct yaml_node *
text_node(const struct yaml_node *list, size_t position)
{
    return list->kind == YAML_SEQUENCE ? yaml_item(list, (uint32_t)position) : list;
}

static void
check_links(struct loader *loader)
{
    const struct policy_yaml_texts *links = &loader->file.links;
    const struct yaml_node *list = yaml_find(loader->file.yaml, "links");
    for (size_t i = 0; i < links->count; i++) {
        size_t first = 0;
        while (strcmp(links->items[first], links->items[i]) != 0) {
            first++;
        }
        if (first != i) {
            struct yaml_place before = yaml_place(text_node(list, first));
            yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(text_node(list, i)),
                "link %s is named twice; the first is in line %u, column %u",
                value_quote(links->items[i]).text, before.line, before.column);
        }
    }
}

/* ---- Templates use what every pattern captures ---- */

/* `text` with a NUL behind it, in the scratch memory. NULL: none. */
static const char *
scratch_text(struct loader *loader, struct span text)
{
    uint8_t *copy = arena_take(&loader->scratch, text.size + 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return (const char *)copy;
}

static void
report_capture(struct loader *loader, const struct yaml_node *node, struct span capture,
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
find_lacking(struct loader *loader, const struct policy_yaml_texts *texts, struct span capture,
    struct pattern *lacking)
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
check_template(
    struct loader *loader, const struct policy_yaml_rule *rule, const char *key, const char *text)
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
has_catch_all(struct loader *loader, const struct policy_yaml_texts *texts)
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
rule_is_catch_all(struct loader *loader, const struct policy_yaml_rule *rule)
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
check_effect(
    struct loader *loader, const struct policy_yaml_rule *rule, enum policy_direction direction)
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
check_side(struct loader *loader, enum policy_direction direction)
{
    const struct policy_yaml_side *side = &loader->file.sides[direction];
    const struct policy_yaml_rule *catch_all = NULL;
    map_init(&loader->ids, &loader->mem, same_id);
    for (size_t i = 0; i < side->rule_count; i++) {
        struct policy_yaml_rule *rule = &side->rules[i];
        check_id(loader, rule);
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
    map_destroy(&loader->ids);
}

/* ---- The description ---- */

/* false: no memory, as for all of this part. */
static bool
describe_texts(struct loader *loader, const struct policy_yaml_texts *texts, struct text_list *list)
{
    struct span *items = NULL;
    if (texts->count > 0) {
        items = yaml_doc_take(loader->doc, texts->count * sizeof(*items));
        if (items == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < texts->count; i++) {
        items[i] = span_from_text(texts->items[i]);
    }
    *list = (struct text_list){ .items = items, .count = (uint32_t)texts->count };
    return true;
}

static bool
describe_set(
    struct loader *loader, const struct policy_yaml_set *set, struct policy_set_match *match)
{
    return describe_texts(loader, &set->all, &match->all) &&
           describe_texts(loader, &set->any, &match->any) &&
           describe_texts(loader, &set->none, &match->none);
}

static bool
describe_renames(struct loader *loader, const struct policy_yaml_resources *resources,
    struct policy_rule_source *source)
{
    size_t count = resources->rename_count;
    if (count == 0) {
        return true;
    }
    struct policy_rename *renames = yaml_doc_take(loader->doc, count * sizeof(*renames));
    if (renames == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        renames[i].from = span_from_text(resources->renames[i].key);
        renames[i].to = span_from_text(resources->renames[i].value);
    }
    source->rename_resources = renames;
    source->rename_resource_count = (uint32_t)count;
    return true;
}

static bool
describe_rule(
    struct loader *loader, const struct policy_yaml_rule *rule, struct policy_rule_source *source)
{
    const struct policy_yaml_match *match = &rule->match;
    const struct policy_yaml_rewrite *set = &rule->set;
    *source = (struct policy_rule_source){
        .id = span_from_text(rule->id),
        .line = rule->yaml->line,
        .column = rule->yaml->column,
        .version = span_from_text(match->version),
        .has_max_hops = yaml_find(match->path.yaml, "max_hops") != NULL,
        .max_hops = match->path.max_hops,
        .set_function = span_from_text(set->function),
        .set_function_id = span_from_text(set->function_id),
        .has_cost = yaml_find(set->yaml, "cost") != NULL,
        .cost = set->cost,
        .has_preference = yaml_find(set->yaml, "preference") != NULL,
        .preference = set->preference,
        .ttl_ns = set->ttl_ns,
        .action = rule->action == POLICY_YAML_ACCEPT ? POLICY_ACCEPT : POLICY_REJECT,
        .reason = span_from_text(rule->reason),
    };
    return describe_texts(loader, &match->functions, &source->functions) &&
           describe_texts(loader, &match->function_ids, &source->function_ids) &&
           describe_set(loader, &match->tags, &source->tags) &&
           describe_set(loader, &match->resources, &source->resources) &&
           describe_texts(loader, &match->scopes, &source->scopes) &&
           describe_texts(loader, &match->origins, &source->origins) &&
           describe_texts(loader, &match->path.includes, &source->path_includes) &&
           describe_texts(loader, &match->path.excludes, &source->path_excludes) &&
           describe_texts(loader, &set->tags.add, &source->add_tags) &&
           describe_texts(loader, &set->tags.remove, &source->remove_tags) &&
           describe_renames(loader, &set->resources, source);
}

static bool
describe_side(struct loader *loader, enum policy_direction direction, struct policy_source *source)
{
    const struct policy_yaml_side *side = &loader->file.sides[direction];
    if (side->rule_count == 0) {
        return true;
    }
    struct policy_rule_source *rules =
        yaml_doc_take(loader->doc, side->rule_count * sizeof(*rules));
    if (rules == NULL) {
        return false;
    }
    for (size_t i = 0; i < side->rule_count; i++) {
        if (!describe_rule(loader, &side->rules[i], &rules[i])) {
            return false;
        }
    }
    source->rules[direction] = rules;
    source->rule_count[direction] = (uint32_t)side->rule_count;
    return true;
}

static bool
describe_links(struct loader *loader, struct policy_yaml *loaded)
{
    const struct policy_yaml_texts *links = &loader->file.links;
    const struct yaml_node *list = yaml_find(loader->file.yaml, "links");
    struct yaml_place *places = yaml_doc_take(loader->doc, links->count * sizeof(*places));
    if (places == NULL) {
        return false;
    }
    for (size_t i = 0; i < links->count; i++) {
        places[i] = yaml_place(text_node(list, i));
    }
    loaded->link_places = places;
    return describe_texts(loader, links, &loaded->links);
}

/* The file has no fault. NULL: no memory for what it says. */
static struct policy_yaml *
compile(struct loader *loader, struct mem *mem)
{
    struct policy_source source = { .name = span_from_text(loader->file.name) };
    struct policy_yaml *loaded = yaml_doc_take(loader->doc, sizeof(*loaded));
    if (loaded == NULL || !describe_links(loader, loaded) ||
        !describe_side(loader, POLICY_EXPORT, &source) ||
        !describe_side(loader, POLICY_IMPORT, &source)) {
        report_memory(loader);
        return NULL;
    }
    struct policy_fault fault;
    loaded->doc = loader->doc;
    loaded->policy = policy_create(&source, mem, &fault);
    if (loaded->policy == NULL) {
        /* All that can be wrong with a text was looked for above. */
        CHECK(fault.result == POLICY_NO_MEMORY);
        report_memory(loader);
        return NULL;
    }
    return loaded;
}

/* Takes `doc`, which may be NULL. `error_count` was the number of errors before it was read. */
static struct policy_yaml *
load(struct yaml_doc *doc, size_t error_count, struct mem *mem, struct yaml_errors *errors)
{
    if (doc == NULL) {
        return NULL;
    }
    struct loader loader = { .doc = doc, .errors = errors };
    mem_init(&loader.mem, YAML_MEMORY_MAX);
    arena_init(&loader.scratch, &loader.mem);
    yaml_read_mapping(yaml_doc_root(doc), &policy_yaml_file_shape, errors, &loader.file);
    check_links(&loader);
    check_side(&loader, POLICY_EXPORT);
    check_side(&loader, POLICY_IMPORT);
    struct policy_yaml *loaded = NULL;
    if (errors->error_count == error_count) {
        loaded = compile(&loader, mem);
    }
    arena_destroy(&loader.scratch);
    CHECK(loader.mem.used == 0);
    if (loaded == NULL) {
        yaml_doc_free(doc);
    }
    return loaded;
}

struct policy_yaml *
policy_yaml_load_file(const char *path, const struct yaml_environment *environment, struct mem *mem,
    struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    return load(yaml_load_file(path, environment, errors), error_count, mem, errors);
}

struct policy_yaml *
policy_yaml_load_text(const char *name, struct span text,
    const struct yaml_environment *environment, struct mem *mem, struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    return load(yaml_load_text(name, text, environment, errors), error_count, mem, errors);
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
        policy_free(loaded->policy);
        yaml_doc_free(loaded->doc);
    }
}
