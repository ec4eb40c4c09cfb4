/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - compiling a policy: every text checked and copied, patterns and templates made ready.
 *
 * Each step fills in one part of a rule and answers with a result; a step that fails has said in
 * `fault.text` what was wrong, and policy_create adds where.
 */
#include "bridge/policy.h"

#include "base/hash.h"
#include "base/map.h"
#include "bridge/pattern.h"
#include "bridge/policy_rules.h"
#include "core/limits.h"

struct compiler {
    struct arena *arena;
    struct map ids; /* of the direction's rules so far: struct policy_rule */
    struct policy_fault fault;
};

/* Whoever writes a policy owns the bridge: its rule ids need no secret key. */
static const struct hash_key id_key = { .k0 = 0, .k1 = 0 };

static enum policy_result
fail(struct compiler *compiler, enum policy_result result, struct span text)
{
    compiler->fault.text = text;
    return result;
}

static enum policy_result
copy_text(struct compiler *compiler, struct span text, struct span *copy)
{
    *copy = arena_copy(compiler->arena, text);
    return copy->data == NULL ? fail(compiler, POLICY_NO_MEMORY, text) : POLICY_OK;
}

static enum policy_result
copy_list(struct compiler *compiler, const struct text_list *list, struct text_list *copy)
{
    struct span *items = arena_take(compiler->arena, list->count * sizeof(*items));
    if (items == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        enum policy_result result = copy_text(compiler, list->items[i], &items[i]);
        if (result != POLICY_OK) {
            return result;
        }
    }
    *copy = (struct text_list){ .items = items, .count = list->count };
    return POLICY_OK;
}

/* Several lists in a row, until one does not fit. */
static enum policy_result
copy_lists(struct compiler *compiler, const struct text_list *const *lists,
    struct text_list *const *copies, size_t count)
{
    enum policy_result result = POLICY_OK;
    for (size_t i = 0; result == POLICY_OK && i < count; i++) {
        result = copy_list(compiler, lists[i], copies[i]);
    }
    return result;
}

static enum policy_result
compile_patterns(
    struct compiler *compiler, const struct text_list *texts, struct policy_patterns *patterns)
{
    struct pattern *items = arena_take(compiler->arena, texts->count * sizeof(*items));
    if (items == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    for (uint32_t i = 0; i < texts->count; i++) {
        enum pattern_result result = pattern_compile(texts->items[i], compiler->arena, &items[i]);
        if (result != PATTERN_OK) {
            bool memory = result == PATTERN_NO_MEMORY;
            return fail(compiler, memory ? POLICY_NO_MEMORY : POLICY_BAD_PATTERN, texts->items[i]);
        }
    }
    *patterns = (struct policy_patterns){ .items = items, .count = texts->count };
    return POLICY_OK;
}

static bool
every_pattern_captures(const struct policy_patterns *patterns, struct span name)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        if (!pattern_has_capture(&patterns->items[i], name)) {
            return false;
        }
    }
    return patterns->count > 0;
}

/* An absent template stays without parts. */
static enum policy_result
compile_template(struct compiler *compiler, struct span text,
    const struct policy_patterns *patterns, struct pattern_template *made)
{
    if (text.size == 0) {
        return POLICY_OK;
    }
    enum pattern_result result = pattern_template_compile(text, compiler->arena, made);
    if (result != PATTERN_OK) {
        bool memory = result == PATTERN_NO_MEMORY;
        return fail(compiler, memory ? POLICY_NO_MEMORY : POLICY_BAD_TEMPLATE, text);
    }
    for (uint32_t i = 0; i < made->part_count; i++) {
        const struct pattern_part *part = &made->parts[i];
        if (part->kind != PATTERN_LITERAL && !every_pattern_captures(patterns, part->text)) {
            return fail(compiler, POLICY_UNKNOWN_CAPTURE, text);
        }
    }
    return POLICY_OK;
}

static enum policy_result
compile_version(struct compiler *compiler, struct span text, struct version_constraint *version)
{
    bool fine = text.size == 0 || version_constraint_parse(text, version);
    return fine ? POLICY_OK : fail(compiler, POLICY_BAD_VERSION, text);
}

/* What a rule puts on a function must be something that a link and a cluster can carry. */
static bool
is_label(struct span text)
{
    return text.size > 0 && text.size <= NAME_SIZE_MAX && pattern_is_plain(text);
}

static enum policy_result
check_tags(struct compiler *compiler, const struct text_list *tags)
{
    for (uint32_t i = 0; i < tags->count; i++) {
        struct span tag = tags->items[i];
        if (span_starts_with(tag, SPAN(ADVERTISEMENT_TAG_RESERVED))) {
            return fail(compiler, POLICY_RESERVED_TAG, tag);
        }
        if (!is_label(tag)) {
            return fail(compiler, POLICY_BAD_TEMPLATE, tag);
        }
    }
    return POLICY_OK;
}

static enum policy_result
compile_renames(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    uint32_t count = source->rename_resource_count;
    struct policy_rename *renames = arena_take(compiler->arena, count * sizeof(*renames));
    if (renames == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    enum policy_result result = POLICY_OK;
    for (uint32_t i = 0; result == POLICY_OK && i < count; i++) {
        const struct policy_rename *from = &source->rename_resources[i];
        if (!is_label(from->to)) {
            return fail(compiler, POLICY_BAD_TEMPLATE, from->to);
        }
        result = copy_text(compiler, from->from, &renames[i].from);
        if (result == POLICY_OK) {
            result = copy_text(compiler, from->to, &renames[i].to);
        }
    }
    rule->rename_resources = renames;
    rule->rename_resource_count = count;
    return result;
}

static enum policy_result
compile_match(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    const struct text_list *const lists[] = { &source->tags.all, &source->tags.any,
        &source->tags.none, &source->resources.all, &source->resources.any, &source->resources.none,
        &source->scopes, &source->origins, &source->path_includes, &source->path_excludes };
    struct text_list *const copies[] = { &rule->tags.all, &rule->tags.any, &rule->tags.none,
        &rule->resources.all, &rule->resources.any, &rule->resources.none, &rule->scopes,
        &rule->origins, &rule->path_includes, &rule->path_excludes };

    rule->hops_max = source->has_max_hops ? source->max_hops : UINT32_MAX;
    enum policy_result result = compile_patterns(compiler, &source->functions, &rule->functions);
    if (result == POLICY_OK) {
        result = compile_patterns(compiler, &source->function_ids, &rule->function_ids);
    }
    if (result == POLICY_OK) {
        result = compile_version(compiler, source->version, &rule->version);
    }
    if (result == POLICY_OK) {
        result = copy_lists(compiler, lists, copies, COUNT_OF(lists));
    }
    return result;
}

static enum policy_result
compile_set(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    const struct text_list *const lists[] = { &source->add_tags, &source->remove_tags };
    struct text_list *const copies[] = { &rule->add_tags, &rule->remove_tags };

    rule->has_cost = source->has_cost;
    rule->cost = source->cost;
    rule->has_preference = source->has_preference;
    rule->preference = source->preference;
    rule->ttl_ns = source->ttl_ns > 0 ? source->ttl_ns : UINT64_MAX;
    const struct policy_patterns *patterns = &rule->functions;
    enum policy_result result =
        compile_template(compiler, source->set_function, patterns, &rule->set_function);
    if (result == POLICY_OK) {
        result =
            compile_template(compiler, source->set_function_id, patterns, &rule->set_function_id);
    }
    for (size_t i = 0; result == POLICY_OK && i < COUNT_OF(lists); i++) {
        result = check_tags(compiler, lists[i]);
    }
    if (result == POLICY_OK) {
        result = copy_lists(compiler, lists, copies, COUNT_OF(lists));
    }
    if (result == POLICY_OK) {
        result = compile_renames(compiler, source, rule);
    }
    return result;
}

static bool
same_id(const void *item, const void *key)
{
    const struct policy_rule *rule = item;
    const struct span *id = key;
    return span_equal(rule->id, *id);
}

static enum policy_result
compile_id(struct compiler *compiler, struct span id, struct policy_rule *rule)
{
    if (id.size == 0) {
        return fail(compiler, POLICY_MISSING_ID, id);
    }
    uint64_t hash = hash_bytes(&id_key, id);
    if (span_equal(id, SPAN(POLICY_DEFAULT_ID)) || map_find(&compiler->ids, hash, &id) != NULL) {
        return fail(compiler, POLICY_DUPLICATE_ID, id);
    }
    enum policy_result result = copy_text(compiler, id, &rule->id);
    if (result == POLICY_OK && !map_insert(&compiler->ids, hash, rule)) {
        result = fail(compiler, POLICY_NO_MEMORY, id);
    }
    return result;
}

static enum policy_result
compile_rule(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    rule->action = source->action;
    enum policy_result result = compile_id(compiler, source->id, rule);
    if (result == POLICY_OK) {
        result = compile_match(compiler, source, rule);
    }
    if (result == POLICY_OK) {
        result = compile_set(compiler, source, rule);
    }
    if (result == POLICY_OK) {
        result = copy_text(compiler, source->reason, &rule->reason);
    }
    return result;
}

static enum policy_result
compile_direction(struct compiler *compiler, const struct policy_source *source,
    enum policy_direction direction, struct policy_rules *rules)
{
    uint32_t count = source->rule_count[direction];
    compiler->fault.direction = direction;
    rules->items = arena_take(compiler->arena, count * sizeof(*rules->items));
    if (rules->items == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    rules->count = count;
    map_init(&compiler->ids, compiler->arena->mem, same_id);
    enum policy_result result = POLICY_OK;
    for (uint32_t i = 0; result == POLICY_OK && i < count; i++) {
        compiler->fault.rule = i;
        result = compile_rule(compiler, &source->rules[direction][i], &rules->items[i]);
    }
    map_destroy(&compiler->ids);
    return result;
}

struct policy *
policy_create(const struct policy_source *source, struct mem *mem, struct policy_fault *fault)
{
    *fault = (struct policy_fault){ .result = POLICY_NO_MEMORY };
    struct policy *policy = mem_take(mem, sizeof(*policy));
    if (policy == NULL) {
        return NULL;
    }
    arena_init(&policy->arena, mem);
    struct compiler compiler = { .arena = &policy->arena };
    enum policy_result result = copy_text(&compiler, source->name, &policy->name);
    if (result == POLICY_OK) {
        result = compile_direction(&compiler, source, POLICY_EXPORT, &policy->rules[POLICY_EXPORT]);
    }
    if (result == POLICY_OK) {
        result = compile_direction(&compiler, source, POLICY_IMPORT, &policy->rules[POLICY_IMPORT]);
    }
    if (result != POLICY_OK) {
        *fault = compiler.fault;
        fault->result = result;
        policy_free(policy);
        return NULL;
    }
    *fault = (struct policy_fault){ .result = POLICY_OK };
    return policy;
}

void
policy_free(struct policy *policy)
{
    if (policy == NULL) {
        return;
    }
    struct mem *mem = policy->arena.mem;
    arena_destroy(&policy->arena);
    mem_give(mem, policy, sizeof(*policy));
}

struct span
policy_name(const struct policy *policy)
{
    return policy->name;
}

uint32_t
policy_rule_count(const struct policy *policy, enum policy_direction direction)
{
    return policy->rules[direction].count;
}

struct span
policy_rule_id(const struct policy *policy, enum policy_direction direction, uint32_t rule)
{
    CHECK(rule < policy->rules[direction].count);
    return policy->rules[direction].items[rule].id;
}

const char *
policy_result_name(enum policy_result result)
{
    switch (result) {
    case POLICY_OK:
        return "ok";
    case POLICY_DUPLICATE_ID:
        return "duplicate_id";
    case POLICY_MISSING_ID:
        return "missing_id";
    case POLICY_BAD_PATTERN:
        return "bad_pattern";
    case POLICY_BAD_TEMPLATE:
        return "bad_template";
    case POLICY_UNKNOWN_CAPTURE:
        return "unknown_capture";
    case POLICY_BAD_VERSION:
        return "bad_version";
    case POLICY_RESERVED_TAG:
        return "reserved_tag";
    case POLICY_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}
