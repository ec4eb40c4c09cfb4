/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_evaluate.c - judging one advertisement: deny, unless the first rule that matches accepts.
 */
#include "bridge/pattern.h"
#include "bridge/policy.h"
#include "bridge/policy_index.h"
#include "bridge/policy_rules.h"
#include "core/limits.h"

#define REASON_DEFAULT   SPAN("no rule matches it")
#define REASON_MALFORMED SPAN("its name or id is empty, too long or not plain text")
#define REASON_EMPTY     SPAN("the rule would make an empty name or id")
#define REASON_LISTS     SPAN("the rule would leave too many tags or resources")
#define REASON_MEMORY    SPAN("no memory to judge it")
#define REASON_TOO_LONG  SPAN("the rule would make a name or id that is too long")

static bool
any_item_in(const struct text_list *list, const struct text_list *set)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (text_list_has(set, list->items[i])) {
            return true;
        }
    }
    return false;
}

static bool
set_matches(const struct policy_set_match *match, const struct text_list *set)
{
    return text_list_includes(set, &match->all) &&
           (match->any.count == 0 || any_item_in(&match->any, set)) &&
           !any_item_in(&match->none, set);
}

/* The first pattern that matches gives the captures (NULL: not wanted). */
static bool
find_match(
    const struct policy_patterns *patterns, struct span name, struct pattern_captures *captures)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        if (pattern_match(&patterns->items[i], name, captures)) {
            return true;
        }
    }
    return false;
}

static bool
name_matches(const struct policy_patterns *patterns, struct span name)
{
    return patterns->count == 0 || find_match(patterns, name, NULL);
}

static bool
text_matches(const struct text_list *allowed, struct span text)
{
    return allowed->count == 0 || text_list_has(allowed, text);
}

static bool
more_matches(
    const struct policy_conditions *more, const struct advertisement *advertisement, struct wall at)
{
    return version_satisfies(advertisement->identity.version, &more->version) &&
           set_matches(&more->tags, &advertisement->tags) &&
           set_matches(&more->resources, &advertisement->resources) &&
           text_matches(&more->scopes, advertisement->scope) &&
           text_matches(&more->origins, advertisement->origin) &&
           advertisement->path.count <= more->hops_max &&
           text_list_includes(&advertisement->path, &more->path_includes) &&
           !any_item_in(&more->path_excludes, &advertisement->path) &&
           at.ns >= more->valid_from.ns && at.ns < more->valid_until.ns;
}

/* What another federation serves is let through only by a rule that says so. */
static bool
transit_matches(const struct policy_rule *rule, enum policy_direction direction,
    const struct advertisement *advertisement)
{
    bool passes_through = direction == POLICY_EXPORT && advertisement->path.count > 1;
    return !passes_through || rule->transit || rule->action == POLICY_REJECT;
}

static bool
rule_matches(const struct policy_rule *rule, enum policy_direction direction,
    const struct advertisement *advertisement, struct wall at)
{
    const struct function_identity *identity = &advertisement->identity;
    return name_matches(&rule->functions, identity->name) &&
           name_matches(&rule->function_ids, identity->function_id) &&
           transit_matches(rule, direction, advertisement) &&
           (rule->more == NULL || more_matches(rule->more, advertisement, at));
}

/* The rewriting of one accepted advertisement. A step that cannot be done says why, and is the last. */
struct judge {
    enum policy_direction direction;
    const struct policy_rule *rule;
    const struct advertisement *in;
    struct arena *arena;
    enum policy_evaluation evaluation;
    struct span reason; /* empty: nothing speaks against it */
};

static bool
refuse(struct judge *judge, enum policy_evaluation evaluation, struct span reason)
{
    judge->evaluation = evaluation;
    judge->reason = reason;
    return false;
}

static bool
expand(struct judge *judge, const struct pattern_template *made,
    const struct pattern_captures *captures, struct span *text)
{
    size_t size = pattern_template_size(made, captures);
    if (size == 0) {
        return refuse(judge, POLICY_EVALUATED, REASON_EMPTY);
    }
    if (size > NAME_SIZE_MAX) {
        return refuse(judge, POLICY_NAME_TOO_LONG, REASON_TOO_LONG);
    }
    *text = pattern_template_expand(made, captures, judge->arena);
    return text->data != NULL || refuse(judge, POLICY_OUT_OF_MEMORY, REASON_MEMORY);
}

static bool
rewrite_identity(struct judge *judge, struct function_identity *identity)
{
    const struct policy_rule *rule = judge->rule;
    bool rename = rule->rewrites->function.part_count > 0;
    bool identify = rule->rewrites->function_id.part_count > 0;
    struct pattern_captures captures;
    captures.count = 0;
    if ((rename || identify) && rule->functions.count > 0) {
        bool matched = find_match(&rule->functions, identity->name, &captures);
        CHECK(matched);
    }
    if (identify && rule->function_ids.count > 0) {
        struct pattern_captures of_id;
        bool matched = find_match(&rule->function_ids, identity->function_id, &of_id);
        CHECK(matched);
        pattern_captures_add(&captures, &of_id);
    }
    struct span old_name = identity->name;
    if (rename && !expand(judge, &rule->rewrites->function, &captures, &identity->name)) {
        return false;
    }
    /* Name and id are 1:1 in the cluster that receives them (protocol.md 4.2): with the id it had,
     * the new name could meet that id under another name there, and would be dropped in silence. */
    if (!span_equal(identity->name, old_name)) {
        identity->function_id = identity->name;
    }
    return !identify ||
           expand(judge, &rule->rewrites->function_id, &captures, &identity->function_id);
}

/* A list under construction, without duplicates. */
struct gathering {
    struct span *items; /* room for LIST_COUNT_MAX */
    uint32_t count;
    bool overflowed;
};

static void
gather(struct gathering *gathering, struct span text)
{
    struct text_list list = { .items = gathering->items, .count = gathering->count };
    if (gathering->overflowed || text_list_has(&list, text)) {
        return;
    }
    if (gathering->count == LIST_COUNT_MAX) {
        gathering->overflowed = true;
        return;
    }
    gathering->items[gathering->count] = text;
    gathering->count++;
}

static bool
tag_stays(const struct judge *judge, struct span tag)
{
    bool reserved = span_starts_with(tag, SPAN(ADVERTISEMENT_TAG_RESERVED));
    return !(reserved && judge->direction == POLICY_EXPORT) &&
           !text_list_has(&judge->rule->rewrites->remove_tags, tag);
}

static void
gather_tags(const struct judge *judge, struct gathering *gathering)
{
    const struct text_list *tags = &judge->in->tags;
    const struct text_list *added = &judge->rule->rewrites->add_tags;
    for (uint32_t i = 0; i < tags->count; i++) {
        if (tag_stays(judge, tags->items[i])) {
            gather(gathering, tags->items[i]);
        }
    }
    for (uint32_t i = 0; i < added->count; i++) {
        gather(gathering, added->items[i]);
    }
}

static struct span
renamed_resource(const struct policy_rewrites *rewrites, struct span resource)
{
    for (uint32_t i = 0; i < rewrites->rename_resource_count; i++) {
        if (span_equal(rewrites->rename_resources[i].from, resource)) {
            return rewrites->rename_resources[i].to;
        }
    }
    return resource;
}

static void
gather_resources(const struct judge *judge, struct gathering *gathering)
{
    const struct text_list *resources = &judge->in->resources;
    for (uint32_t i = 0; i < resources->count; i++) {
        gather(gathering, renamed_resource(judge->rule->rewrites, resources->items[i]));
    }
}

typedef void (*gather_list)(const struct judge *judge, struct gathering *gathering);

static bool
rewrite_list(struct judge *judge, gather_list gather_all, struct text_list *list)
{
    struct span scratch[LIST_COUNT_MAX];
    struct gathering gathering = { .items = scratch };
    gather_all(judge, &gathering);
    if (gathering.overflowed) {
        return refuse(judge, POLICY_EVALUATED, REASON_LISTS);
    }
    size_t size = gathering.count * sizeof(*gathering.items);
    struct span *items = arena_take(judge->arena, size);
    if (items == NULL) {
        return refuse(judge, POLICY_OUT_OF_MEMORY, REASON_MEMORY);
    }
    if (size > 0) {
        memcpy(items, scratch, size);
    }
    *list = (struct text_list){ .items = items, .count = gathering.count };
    return true;
}

static bool
rewrite(struct judge *judge, struct advertisement *out)
{
    const struct policy_rewrites *rewrites = judge->rule->rewrites;
    *out = *judge->in;
    out->cost = rewrites->has_cost ? rewrites->cost : out->cost;
    out->preference = rewrites->has_preference ? rewrites->preference : out->preference;
    out->ttl_ns = out->ttl_ns < rewrites->ttl_ns ? out->ttl_ns : rewrites->ttl_ns;
    out->scope = rewrites->scope.size > 0 ? rewrites->scope : out->scope;
    return rewrite_identity(judge, &out->identity) &&
           rewrite_list(judge, gather_tags, &out->tags) &&
           rewrite_list(judge, gather_resources, &out->resources);
}

/* `verdict` is a reject by this rule; turn it into an accept if all can be done. */
static enum policy_evaluation
accept(struct judge *judge, struct policy_verdict *verdict)
{
    struct advertisement out;
    if (!rewrite(judge, &out)) {
        verdict->reason = judge->reason;
        return judge->evaluation;
    }
    verdict->action = POLICY_ACCEPT;
    verdict->merge = judge->rule->merge;
    verdict->retries = judge->rule->retries;
    verdict->out = out;
    return POLICY_EVALUATED;
}

static bool
is_sound(struct span name)
{
    return name.size > 0 && name.size <= NAME_SIZE_MAX && pattern_is_plain(name);
}

enum policy_evaluation
policy_evaluate(const struct policy *policy, enum policy_direction direction,
    const struct advertisement *advertisement, struct wall at, struct arena *arena,
    struct policy_verdict *verdict)
{
    *verdict = (struct policy_verdict){
        .action = POLICY_REJECT,
        .rule = POLICY_NO_RULE,
        .rule_id = SPAN(POLICY_DEFAULT_ID),
        .reason = REASON_DEFAULT,
    };
    /* The rules it leads to come from memory while the texts are looked at. */
    const struct policy_rules *rules = &policy->rules[direction];
    struct policy_search search;
    policy_index_begin(&search, rules, advertisement);
    const struct function_identity *identity = &advertisement->identity;
    if (!is_sound(identity->name) || !is_sound(identity->function_id)) {
        verdict->reason = REASON_MALFORMED;
        return POLICY_EVALUATED;
    }
    uint32_t index;
    do {
        index = policy_index_next(&search);
    } while (index != POLICY_NO_RULE &&
             !rule_matches(rules->items[index], direction, advertisement, at));
    if (index == POLICY_NO_RULE) {
        return POLICY_EVALUATED;
    }
    const struct policy_rule *rule = rules->items[index];
    verdict->rule = index;
    verdict->rule_id = rule->id;
    if (rule->action == POLICY_REJECT) {
        verdict->reason = rule->reason;
        return POLICY_EVALUATED;
    }
    verdict->reason = SPAN_NONE;
    struct judge judge = {
        .direction = direction, .rule = rule, .in = advertisement, .arena = arena
    };
    return accept(&judge, verdict);
}
