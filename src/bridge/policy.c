/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - compiling a policy: every text checked and copied, patterns and templates made ready.
 *
 * Each step fills in one part of a rule and answers with a result; a step that fails has said in
 * `fault.text` what was wrong, and policy_create adds where.
 *
 * All of it is done twice: at first to see whether it can be done and how much memory it takes, then into one
 * block of that size, in which what belongs to one rule lies side by side.
 */
#include "bridge/policy.h"

#include "base/hash.h"
#include "base/map.h"
#include "bridge/pattern.h"
#include "bridge/policy_index.h"
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
    if (text.size == 0) {
        *copy = SPAN("");
        return POLICY_OK;
    }
    *copy = arena_copy(compiler->arena, text);
    return copy->data == NULL ? fail(compiler, POLICY_NO_MEMORY, text) : POLICY_OK;
}

/* An absent list stays without items. */
static enum policy_result
copy_list(struct compiler *compiler, const struct text_list *list, struct text_list *copy)
{
    if (list->count == 0) {
        return POLICY_OK;
    }
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
    if (texts->count == 0) {
        return POLICY_OK;
    }
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

static bool
some_pattern_captures(const struct policy_patterns *patterns, struct span name)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        if (pattern_has_capture(&patterns->items[i], name)) {
            return true;
        }
    }
    return false;
}

/*
 * An absent template stays without parts. `others` (NULL: none) are patterns whose captures it may use as well; which of
 * two captures it means must be clear, whichever patterns match.
 */
static enum policy_result
compile_template(struct compiler *compiler, struct span text,
    const struct policy_patterns *patterns, const struct policy_patterns *others,
    struct pattern_template *made)
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
        if (part->kind == PATTERN_LITERAL) {
            continue;
        }
        bool known = every_pattern_captures(patterns, part->text);
        bool known_to_others = others != NULL && every_pattern_captures(others, part->text);
        if (!known && !known_to_others) {
            return fail(compiler, POLICY_UNKNOWN_CAPTURE, text);
        }
        if (others != NULL && some_pattern_captures(patterns, part->text) &&
            some_pattern_captures(others, part->text)) {
            return fail(compiler, POLICY_AMBIGUOUS_CAPTURE, text);
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
compile_renames(struct compiler *compiler, const struct policy_rule_source *source,
    struct policy_rewrites *rewrites)
{
    uint32_t count = source->rename_resource_count;
    if (count == 0) {
        return POLICY_OK;
    }
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
    rewrites->rename_resources = renames;
    rewrites->rename_resource_count = count;
    return result;
}

static enum policy_result
compile_conditions(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    const struct text_list *const lists[] = { &source->tags.all, &source->tags.any,
        &source->tags.none, &source->resources.all, &source->resources.any, &source->resources.none,
        &source->scopes, &source->origins, &source->path_includes, &source->path_excludes };
    bool needed = source->has_max_hops || source->version.size > 0 || source->has_valid_from ||
                  source->has_valid_until;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        needed = needed || lists[i]->count > 0;
    }
    if (!needed) {
        return POLICY_OK;
    }
    struct policy_conditions *more = arena_take(compiler->arena, sizeof(*more));
    if (more == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    struct text_list *const copies[] = { &more->tags.all, &more->tags.any, &more->tags.none,
        &more->resources.all, &more->resources.any, &more->resources.none, &more->scopes,
        &more->origins, &more->path_includes, &more->path_excludes };
    more->hops_max = source->has_max_hops ? source->max_hops : UINT32_MAX;
    more->valid_from = source->has_valid_from ? source->valid_from : POLICY_VALID_FROM_EVER;
    more->valid_until = source->has_valid_until ? source->valid_until : POLICY_VALID_FOR_EVER;
    rule->more = more;
    enum policy_result result = compile_version(compiler, source->version, &more->version);
    return result == POLICY_OK ? copy_lists(compiler, lists, copies, COUNT_OF(lists)) : result;
}

static enum policy_result
compile_match(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    enum policy_result result = compile_patterns(compiler, &source->functions, &rule->functions);
    if (result == POLICY_OK) {
        result = compile_patterns(compiler, &source->function_ids, &rule->function_ids);
    }
    return result == POLICY_OK ? compile_conditions(compiler, source, rule) : result;
}

static enum policy_result
compile_rewrites(struct compiler *compiler, const struct policy_rule_source *source,
    const struct policy_rule *rule, struct policy_rewrites *rewrites)
{
    const struct text_list *const lists[] = { &source->add_tags, &source->remove_tags };
    struct text_list *const copies[] = { &rewrites->add_tags, &rewrites->remove_tags };

    rewrites->has_cost = source->has_cost;
    rewrites->cost = source->cost;
    rewrites->has_preference = source->has_preference;
    rewrites->preference = source->preference;
    rewrites->ttl_ns = source->ttl_ns > 0 ? source->ttl_ns : UINT64_MAX;
    enum policy_result result = compile_template(
        compiler, source->set_function, &rule->functions, NULL, &rewrites->function);
    if (result == POLICY_OK) {
        result = compile_template(compiler, source->set_function_id, &rule->functions,
            &rule->function_ids, &rewrites->function_id);
    }
    if (result == POLICY_OK && source->set_scope.size > 0 && !is_label(source->set_scope)) {
        result = fail(compiler, POLICY_BAD_TEMPLATE, source->set_scope);
    }
    if (result == POLICY_OK) {
        result = copy_text(compiler, source->set_scope, &rewrites->scope);
    }
    for (size_t i = 0; result == POLICY_OK && i < COUNT_OF(lists); i++) {
        result = check_tags(compiler, lists[i]);
    }
    if (result == POLICY_OK) {
        result = copy_lists(compiler, lists, copies, COUNT_OF(lists));
    }
    if (result == POLICY_OK) {
        result = compile_renames(compiler, source, rewrites);
    }
    return result;
}

static bool
rewrites_nothing(const struct policy_rule_source *source)
{
    return source->set_function.size == 0 && source->set_function_id.size == 0 &&
           source->set_scope.size == 0 && source->add_tags.count == 0 &&
           source->remove_tags.count == 0 && source->rename_resource_count == 0 &&
           !source->has_cost && !source->has_preference && source->ttl_ns == 0;
}

/* The rules that rewrite nothing have one set of rewrites in common. */
static enum policy_result
compile_set(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    static const struct policy_rewrites nothing = { .ttl_ns = UINT64_MAX };
    rule->rewrites = &nothing;
    if (rewrites_nothing(source)) {
        return POLICY_OK;
    }
    struct policy_rewrites *rewrites = arena_take(compiler->arena, sizeof(*rewrites));
    if (rewrites == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    rule->rewrites = rewrites;
    return compile_rewrites(compiler, source, rule, rewrites);
}

static bool
limits_anything(const struct policy_call_limits *limits)
{
    return limits->rate > 0 || limits->in_flight > 0 || limits->timeout_ns > 0 ||
           limits->args_size > 0 || limits->result_size > 0;
}

static enum policy_result
compile_limits(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule *rule)
{
    if (!limits_anything(&source->limits)) {
        return POLICY_OK;
    }
    struct policy_call_limits *limits = arena_take(compiler->arena, sizeof(*limits));
    if (limits == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    *limits = source->limits;
    rule->limits = limits;
    return POLICY_OK;
}

static bool
same_id(const void *item, const void *key)
{
    const struct policy_rule *rule = item;
    const struct span *id = key;
    return span_equal(rule->id, *id);
}

static enum policy_result
check_id(struct compiler *compiler, struct span id)
{
    if (id.size == 0) {
        return fail(compiler, POLICY_MISSING_ID, id);
    }
    bool taken = map_find(&compiler->ids, hash_bytes(&id_key, id), &id) != NULL;
    bool fine = !taken && !span_equal(id, SPAN(POLICY_DEFAULT_ID));
    return fine ? POLICY_OK : fail(compiler, POLICY_DUPLICATE_ID, id);
}

/* The id is fine. */
static enum policy_result
compile_id(struct compiler *compiler, struct span id, struct policy_rule *rule)
{
    enum policy_result result = copy_text(compiler, id, &rule->id);
    if (result == POLICY_OK && !map_insert(&compiler->ids, hash_bytes(&id_key, id), rule)) {
        result = fail(compiler, POLICY_NO_MEMORY, id);
    }
    return result;
}

/* The rule, its patterns and all else of it, one after the other. */
static enum policy_result
compile_rule(
    struct compiler *compiler, const struct policy_rule_source *source, struct policy_rule **made)
{
    struct policy_rule *rule = arena_take(compiler->arena, sizeof(*rule));
    if (rule == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    *made = rule;
    rule->action = source->action;
    rule->transit = source->transit;
    rule->merge = source->merge;
    rule->retries = source->retries;
    enum policy_result result = check_id(compiler, source->id);
    if (result == POLICY_OK) {
        result = compile_match(compiler, source, rule);
    }
    if (result == POLICY_OK) {
        result = compile_set(compiler, source, rule);
    }
    if (result == POLICY_OK) {
        result = compile_limits(compiler, source, rule);
    }
    if (result == POLICY_OK) {
        result = copy_text(compiler, source->reason, &rule->reason);
    }
    return result == POLICY_OK ? compile_id(compiler, source->id, rule) : result;
}

static enum policy_result
compile_rules(
    struct compiler *compiler, const struct policy_rule_source *sources, struct policy_rules *rules)
{
    map_init(&compiler->ids, compiler->arena->mem, same_id);
    enum policy_result result = POLICY_OK;
    for (uint32_t i = 0; result == POLICY_OK && i < rules->count; i++) {
        compiler->fault.rule = i;
        result = compile_rule(compiler, &sources[i], &rules->items[i]);
    }
    map_destroy(&compiler->ids);
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
    enum policy_result result = compile_rules(compiler, source->rules[direction], rules);
    if (result == POLICY_OK && !policy_index_build(rules, compiler->arena, &rules->index)) {
        result = fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    return result;
}

static uint32_t
count_changes(const struct policy_source *source)
{
    uint32_t count = 0;
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        for (uint32_t i = 0; i < source->rule_count[direction]; i++) {
            const struct policy_rule_source *rule = &source->rules[direction][i];
            count += (uint32_t)rule->has_valid_from + (uint32_t)rule->has_valid_until;
        }
    }
    return count;
}

static void
add_change(struct wall *changes, uint32_t *count, bool is_there, struct wall at)
{
    if (is_there) {
        changes[*count] = at;
        (*count)++;
    }
}

static enum policy_result
compile_changes(
    struct compiler *compiler, const struct policy_source *source, struct policy *policy)
{
    uint32_t count = count_changes(source);
    struct wall *changes = arena_take(compiler->arena, count * sizeof(*changes));
    if (changes == NULL) {
        return fail(compiler, POLICY_NO_MEMORY, SPAN_NONE);
    }
    count = 0;
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        for (uint32_t i = 0; i < source->rule_count[direction]; i++) {
            const struct policy_rule_source *rule = &source->rules[direction][i];
            add_change(changes, &count, rule->has_valid_from, rule->valid_from);
            add_change(changes, &count, rule->has_valid_until, rule->valid_until);
        }
    }
    policy->changes = changes;
    policy->change_count = count;
    return POLICY_OK;
}

/* POLICY_OK: *policy is filled in. Otherwise *fault, and the arena may have been taken from. */
static enum policy_result
compile(const struct policy_source *source, struct policy *policy, struct policy_fault *fault)
{
    struct compiler compiler = { .arena = &policy->arena };
    enum policy_result result = copy_text(&compiler, source->name, &policy->name);
    if (result == POLICY_OK) {
        result = compile_direction(&compiler, source, POLICY_EXPORT, &policy->rules[POLICY_EXPORT]);
    }
    if (result == POLICY_OK) {
        result = compile_direction(&compiler, source, POLICY_IMPORT, &policy->rules[POLICY_IMPORT]);
    }
    if (result == POLICY_OK) {
        result = compile_changes(&compiler, source, policy);
    }
    for (uint32_t i = 0; i < source->rule_count[POLICY_EXPORT]; i++) {
        const struct policy_rule_source *rule = &source->rules[POLICY_EXPORT][i];
        policy->passes_through =
            policy->passes_through || (rule->transit && rule->action == POLICY_ACCEPT);
    }
    policy->import_limits = source->import_limits;
    policy->overlap = source->overlap;
    policy->report = source->report;
    policy->withdraw_max_percent = source->has_withdraw_max ? source->withdraw_max_percent : 100;
    *fault = result == POLICY_OK ? (struct policy_fault){ .result = POLICY_OK } : compiler.fault;
    fault->result = result;
    return result;
}

/* Bytes that the policy takes, compiled and thrown away; 0: *fault says why it cannot be. */
static size_t
measure(const struct policy_source *source, struct mem *mem, struct policy_fault *fault)
{
    struct policy trial;
    memset(&trial, 0, sizeof(trial));
    arena_init(&trial.arena, mem);
    size_t size = compile(source, &trial, fault) == POLICY_OK ? arena_used(&trial.arena) : 0;
    arena_destroy(&trial.arena);
    return size;
}

struct policy *
policy_create(const struct policy_source *source, struct mem *mem, struct policy_fault *fault)
{
    size_t size = measure(source, mem, fault);
    if (size == 0) {
        return NULL;
    }
    struct policy *policy = mem_take(mem, sizeof(*policy));
    if (policy == NULL) {
        *fault = (struct policy_fault){ .result = POLICY_NO_MEMORY };
        return NULL;
    }
    policy->holders = 1;
    arena_init(&policy->arena, mem);
    if (!arena_reserve(&policy->arena, size)) {
        *fault = (struct policy_fault){ .result = POLICY_NO_MEMORY };
        policy_unref(policy);
        return NULL;
    }
    if (compile(source, policy, fault) != POLICY_OK) {
        policy_unref(policy);
        return NULL;
    }
    CHECK(arena_used(&policy->arena) == size);
    return policy;
}

struct policy *
policy_ref(struct policy *policy)
{
    if (policy != NULL) {
        CHECK(policy->holders > 0);
        policy->holders++;
    }
    return policy;
}

uint32_t
policy_holders(const struct policy *policy)
{
    return policy->holders;
}

void
policy_unref(struct policy *policy)
{
    if (policy == NULL) {
        return;
    }
    CHECK(policy->holders > 0);
    policy->holders--;
    if (policy->holders > 0) {
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
    if (rule == POLICY_NO_RULE) {
        return SPAN(POLICY_DEFAULT_ID);
    }
    CHECK(rule < policy->rules[direction].count);
    return policy->rules[direction].items[rule]->id;
}

const struct policy_call_limits *
policy_rule_limits(const struct policy *policy, enum policy_direction direction, uint32_t rule)
{
    CHECK(rule < policy->rules[direction].count);
    return policy->rules[direction].items[rule]->limits;
}

const struct policy_import_limits *
policy_import_limits(const struct policy *policy)
{
    return &policy->import_limits;
}

enum policy_overlap
policy_overlap(const struct policy *policy)
{
    return policy->overlap;
}

enum policy_report
policy_report(const struct policy *policy)
{
    return policy->report;
}

bool
policy_passes_through(const struct policy *policy)
{
    return policy->passes_through;
}

uint32_t
policy_withdraw_max_percent(const struct policy *policy)
{
    return policy->withdraw_max_percent;
}

struct policy_period
policy_period(const struct policy *policy, struct wall at)
{
    struct policy_period period = { .from = POLICY_VALID_FROM_EVER,
        .until = POLICY_VALID_FOR_EVER };
    for (uint32_t i = 0; i < policy->change_count; i++) {
        struct wall change = policy->changes[i];
        if (change.ns > at.ns && change.ns < period.until.ns) {
            period.until = change;
        } else if (change.ns <= at.ns && change.ns > period.from.ns) {
            period.from = change;
        }
    }
    return period;
}

const char *
policy_limit_kind_name(enum policy_limit_kind kind)
{
    switch (kind) {
    case POLICY_LIMIT_FUNCTIONS:
        return "functions";
    case POLICY_LIMIT_BYTES:
        return "bytes";
    }
    return "unknown";
}

const char *
policy_limit_action_name(enum policy_limit_action action)
{
    switch (action) {
    case POLICY_LIMIT_WARN:
        return "warn";
    case POLICY_LIMIT_BLOCK:
        return "block";
    case POLICY_LIMIT_RESTART:
        return "restart";
    case POLICY_LIMIT_DISABLE:
        return "disable";
    }
    return "unknown";
}

const char *
policy_overlap_name(enum policy_overlap overlap)
{
    switch (overlap) {
    case POLICY_OVERLAP_PREFER_LOCAL:
        return "prefer_local";
    case POLICY_OVERLAP_FAILOVER:
        return "failover";
    case POLICY_OVERLAP_BALANCE:
        return "balance";
    }
    return "unknown";
}

const char *
policy_report_name(enum policy_report report)
{
    switch (report) {
    case POLICY_REPORT_COUNTS:
        return "counts";
    case POLICY_REPORT_NONE:
        return "none";
    case POLICY_REPORT_NAMES:
        return "names";
    }
    return "unknown";
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
    case POLICY_AMBIGUOUS_CAPTURE:
        return "ambiguous_capture";
    case POLICY_BAD_VERSION:
        return "bad_version";
    case POLICY_RESERVED_TAG:
        return "reserved_tag";
    case POLICY_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}
