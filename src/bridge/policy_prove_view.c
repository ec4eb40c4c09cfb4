/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_view.c - back through what rules rewrote, and forward through one more rule.
 *
 * Most renames put another beginning and another end around the same wildcards. So a name is x with some text around it
 * at each step, and a pattern of any step is a demand on x. A pattern that begins with more than what stands before x fixes a
 * beginning of x: then all that was said of x is said of what is left of it.
 */
#include "bridge/policy_prove_view.h"

#include "bridge/pattern_search.h"

uint32_t
prove_choices(const struct policy_patterns *patterns)
{
    return patterns->count == 0 ? 1 : patterns->count;
}

/* ---- Back: names ---- */

bool
prove_some_match(const struct policy_patterns *patterns, struct span name)
{
    bool found = false;
    for (uint32_t i = 0; i < patterns->count && !found; i++) {
        found = pattern_match(&patterns->items[i], name, NULL);
    }
    return found;
}

/* Nothing that the text may be fulfils the demand. */
static bool
is_ruled_out(
    struct prover *prover, const struct prove_text *text, const struct prove_demand *demand)
{
    bool excluded = demand->kind == PROVE_MATCHES_NOT;
    uint32_t count = demand->patterns.count + 1;
    struct pattern_demand *demands = arena_take(&prover->scratch, count * sizeof(*demands));
    struct pattern_question question = { .demands = demands, .count = count };
    struct span found;
    if (demands == NULL || text->pattern == NULL) {
        return false;
    }
    demands[0] = (struct pattern_demand){ .pattern = text->pattern };
    for (uint32_t i = 0; i < demand->patterns.count; i++) {
        demands[i + 1] =
            (struct pattern_demand){ .pattern = &demand->patterns.items[i], .excluded = excluded };
    }
    enum pattern_answer answer = pattern_search(&question, &prover->scratch, &found);
    arena_reset(&prover->scratch);
    return answer == PATTERN_NOWHERE;
}

static enum prove_fit
require_text(struct prover *prover, struct prove_case *proven, const struct prove_text *text,
    const struct prove_demand *demand)
{
    struct prove_demand taken_back = *demand;
    bool matches = false;
    switch (text->kind) {
    case PROVE_TEXT_AROUND:
        taken_back.part = PROVE_NAME;
        taken_back.before = text->before;
        taken_back.behind = text->behind;
        return prove_demand(prover, proven, &taken_back) ? PROVE_MET : PROVE_DOUBTFUL;
    case PROVE_TEXT_FIXED:
        matches = prove_some_match(&demand->patterns, text->before);
        return matches == (demand->kind == PROVE_MATCHES) ? PROVE_MET : PROVE_CONTRADICTION;
    case PROVE_TEXT_LOST:
        break;
    }
    return is_ruled_out(prover, text, demand) ? PROVE_CONTRADICTION : PROVE_MET;
}

/* ---- Back: tags ---- */

enum presence {
    PRESENT = 0,
    ABSENT,
    AS_AT_FIRST,
};

static enum presence
presence_of(const struct prove_change *change, struct span tag)
{
    bool reserved = span_starts_with(tag, SPAN(ADVERTISEMENT_TAG_RESERVED));
    for (; change != NULL; change = change->earlier) {
        if (text_list_has(&change->rewrites->add_tags, tag)) {
            return PRESENT;
        }
        if ((reserved && change->direction == POLICY_EXPORT) ||
            text_list_has(&change->rewrites->remove_tags, tag)) {
            return ABSENT;
        }
    }
    return AS_AT_FIRST;
}

/* The demand is on those that are as they were; the others decide it, or fall out. */
static enum prove_fit
require_tags(struct prover *prover, struct prove_case *proven, const struct prove_change *changes,
    const struct prove_demand *demand)
{
    struct prove_demand taken_back = *demand;
    struct span *items = arena_take(&prover->arena, demand->texts.count * sizeof(*items));
    uint32_t counts[] = { 0, 0, 0 }; /* by enum presence */
    if (items == NULL) {
        return prove_doubt(prover, PROVE_NO_MEMORY);
    }
    for (uint32_t i = 0; i < demand->texts.count; i++) {
        enum presence presence = presence_of(changes, demand->texts.items[i]);
        if (presence == AS_AT_FIRST) {
            items[counts[AS_AT_FIRST]] = demand->texts.items[i];
        }
        counts[presence]++;
    }
    taken_back.texts = (struct text_list){ .items = items, .count = counts[AS_AT_FIRST] };
    bool contradicts =
        (demand->kind == PROVE_HAS_ALL && counts[ABSENT] > 0) ||
        (demand->kind == PROVE_HAS_NONE && counts[PRESENT] > 0) ||
        (demand->kind == PROVE_HAS_ANY && counts[PRESENT] == 0 && counts[AS_AT_FIRST] == 0);
    bool decided =
        counts[AS_AT_FIRST] == 0 || (demand->kind == PROVE_HAS_ANY && counts[PRESENT] > 0);
    if (contradicts) {
        return PROVE_CONTRADICTION;
    }
    return decided || prove_demand(prover, proven, &taken_back) ? PROVE_MET : PROVE_DOUBTFUL;
}

/* ---- Back: resources ---- */

/* Names of a resource, of which any became one of those that are asked about. */
struct sources {
    struct span *items;
    uint32_t count;
};

static bool
is_renamed(const struct policy_rewrites *rewrites, struct span resource)
{
    bool found = false;
    for (uint32_t i = 0; i < rewrites->rename_resource_count && !found; i++) {
        found = span_equal(rewrites->rename_resources[i].from, resource);
    }
    return found;
}

static void
add_sources(const struct policy_rewrites *rewrites, struct span resource, struct sources *sources)
{
    if (!is_renamed(rewrites, resource)) {
        sources->items[sources->count++] = resource;
    }
    for (uint32_t i = 0; i < rewrites->rename_resource_count; i++) {
        if (span_equal(rewrites->rename_resources[i].to, resource)) {
            sources->items[sources->count++] = rewrites->rename_resources[i].from;
        }
    }
}

/* false: no memory, and there is doubt. */
static bool
go_back(struct prover *prover, const struct prove_change *change, struct sources *sources)
{
    for (; change != NULL; change = change->earlier) {
        struct sources before = { .count = 0 };
        uint32_t each_max = change->rewrites->rename_resource_count + 1;
        before.items =
            arena_take(&prover->arena, (size_t)sources->count * each_max * sizeof(*before.items));
        if (before.items == NULL) {
            (void)prove_doubt(prover, PROVE_NO_MEMORY);
            return false;
        }
        for (uint32_t i = 0; i < sources->count; i++) {
            add_sources(change->rewrites, sources->items[i], &before);
        }
        *sources = before;
    }
    return true;
}

static enum prove_fit
require_sources(struct prover *prover, struct prove_case *proven,
    const struct prove_change *changes, struct text_list texts, enum prove_demand_kind kind)
{
    struct prove_demand taken_back = { .kind = kind, .part = PROVE_RESOURCES };
    struct sources sources = { .count = texts.count };
    sources.items = arena_take(&prover->arena, texts.count * sizeof(*sources.items));
    if (sources.items == NULL) {
        return prove_doubt(prover, PROVE_NO_MEMORY);
    }
    memcpy(sources.items, texts.items, texts.count * sizeof(*sources.items));
    if (!go_back(prover, changes, &sources)) {
        return PROVE_DOUBTFUL;
    }
    taken_back.texts = (struct text_list){ .items = sources.items, .count = sources.count };
    if (sources.count == 0) {
        return kind == PROVE_HAS_NONE ? PROVE_MET : PROVE_CONTRADICTION;
    }
    return prove_demand(prover, proven, &taken_back) ? PROVE_MET : PROVE_DOUBTFUL;
}

static enum prove_fit
require_resources(struct prover *prover, struct prove_case *proven,
    const struct prove_change *changes, const struct prove_demand *demand)
{
    enum prove_fit fit = PROVE_MET;
    if (changes == NULL) {
        return prove_demand(prover, proven, demand) ? PROVE_MET : PROVE_DOUBTFUL;
    }
    if (demand->kind != PROVE_HAS_ALL) {
        return require_sources(prover, proven, changes, demand->texts, demand->kind);
    }
    /* Each of them comes from any of its own sources. */
    for (uint32_t i = 0; i < demand->texts.count && fit == PROVE_MET; i++) {
        struct text_list one = { .items = &demand->texts.items[i], .count = 1 };
        fit = require_sources(prover, proven, changes, one, PROVE_HAS_ANY);
    }
    return fit;
}

/* ---- Back: what is known ---- */

static enum prove_fit
require_scope(struct prover *prover, struct prove_case *proven, const struct prove_change *change,
    const struct prove_demand *demand)
{
    while (change != NULL && change->rewrites->scope.size == 0) {
        change = change->earlier;
    }
    if (change == NULL) {
        return prove_demand(prover, proven, demand) ? PROVE_MET : PROVE_DOUBTFUL;
    }
    bool listed = text_list_has(&demand->texts, change->rewrites->scope);
    return listed == (demand->kind == PROVE_IS_ONE) ? PROVE_MET : PROVE_CONTRADICTION;
}

static bool
shares_text(const struct text_list *a, const struct text_list *b)
{
    bool found = false;
    for (uint32_t i = 0; i < a->count && !found; i++) {
        found = text_list_has(b, a->items[i]);
    }
    return found;
}

static bool
path_fulfils(const struct text_list *path, const struct prove_demand *demand)
{
    switch (demand->kind) {
    case PROVE_HAS_ALL:
        return text_list_includes(path, &demand->texts);
    case PROVE_HAS_ANY:
        return shares_text(path, &demand->texts);
    case PROVE_HAS_NONE:
        return !shares_text(path, &demand->texts);
    case PROVE_IS_ONE:
        return text_list_has(&demand->texts, path->items[0]);
    case PROVE_IS_NONE:
        return !text_list_has(&demand->texts, path->items[0]);
    case PROVE_COUNT:
        return path->count >= demand->count_min && path->count <= demand->count_max;
    case PROVE_MATCHES:
    case PROVE_MATCHES_NOT:
    case PROVE_VERSIONS:
    case PROVE_PERIOD:
        break;
    }
    return false;
}

static enum prove_fit
require_path(struct prover *prover, struct prove_case *proven, uint32_t view,
    const struct prove_demand *demand)
{
    const struct text_list *path = &prover->steps[view].path;
    if (view < prover->step_count && path->count > 0) {
        return path_fulfils(path, demand) ? PROVE_MET : PROVE_CONTRADICTION;
    }
    return prove_demand(prover, proven, demand) ? PROVE_MET : PROVE_DOUBTFUL;
}

enum prove_fit
prove_require(struct prover *prover, struct prove_case *proven, uint32_t view,
    const struct prove_demand *demand)
{
    const struct prove_view *seen = &proven->views[view];
    CHECK(view < proven->view_count);
    switch (demand->part) {
    case PROVE_NAME:
        return require_text(prover, proven, &seen->name, demand);
    case PROVE_ID:
        if (!seen->has_own_id) {
            return require_text(prover, proven, &seen->id, demand);
        }
        break;
    case PROVE_TAGS:
        return require_tags(prover, proven, seen->changes, demand);
    case PROVE_RESOURCES:
        return require_resources(prover, proven, seen->changes, demand);
    case PROVE_SCOPE:
        return require_scope(prover, proven, seen->changes, demand);
    case PROVE_PATH:
        return require_path(prover, proven, view, demand);
    case PROVE_VERSION:
    case PROVE_TIME:
    case PROVE_PART_COUNT:
        break;
    }
    return prove_demand(prover, proven, demand) ? PROVE_MET : PROVE_DOUBTFUL;
}

/* ---- Forward ---- */

/* Put `text` behind what stands before x, everywhere, or in front of what stands behind it. false: no memory. */
static bool
surround(struct prover *prover, struct span before, struct span behind, struct span *old_before,
    struct span *old_behind)
{
    *old_before = prove_joined(&prover->arena, *old_before, before, SPAN(""));
    *old_behind = prove_joined(&prover->arena, behind, *old_behind, SPAN(""));
    bool done = old_before->data != NULL && old_behind->data != NULL;
    if (!done) {
        (void)prove_doubt(prover, PROVE_NO_MEMORY);
    }
    return done;
}

static bool
surround_text(
    struct prover *prover, struct span before, struct span behind, struct prove_text *text)
{
    return text->kind != PROVE_TEXT_AROUND ||
           surround(prover, before, behind, &text->before, &text->behind);
}

/* x begins with one text and ends with another: from now on x is what is between them. */
static bool
narrow(struct prover *prover, struct prove_case *proven, struct span begins, struct span ends)
{
    const struct prove_demand *old = proven->demands[PROVE_NAME];
    bool done = true;
    if (begins.size + ends.size == 0) {
        return true;
    }
    proven->demands[PROVE_NAME] = NULL;
    for (; done && old != NULL; old = old->next) {
        struct prove_demand demand = *old;
        done = surround(prover, begins, ends, &demand.before, &demand.behind) &&
               prove_demand(prover, proven, &demand);
    }
    for (uint32_t i = 0; done && i < proven->view_count; i++) {
        done = surround_text(prover, begins, ends, &proven->views[i].name) &&
               surround_text(prover, begins, ends, &proven->views[i].id);
    }
    proven->unsolved |= 1u << PROVE_NAME;
    return done && surround(prover, begins, ends, &proven->before, &proven->behind);
}

static struct span
tail_of(struct span whole, size_t size)
{
    return span_after(whole, whole.size - size);
}

/*
 * A name is `text`, and a pattern begins with `made->before` and ends with `made->behind`: what is before x, when x is what
 * the wildcards of the pattern cover, is one of the two less the other.
 */
static enum prove_fit
follow(struct prover *prover, struct prove_case *proven, struct prove_text *text,
    const struct policy_made *made)
{
    size_t head = text->before.size < made->before.size ? text->before.size : made->before.size;
    size_t tail = text->behind.size < made->behind.size ? text->behind.size : made->behind.size;
    if (!span_equal(span_part(text->before, 0, head), span_part(made->before, 0, head)) ||
        !span_equal(tail_of(text->behind, tail), tail_of(made->behind, tail))) {
        return PROVE_CONTRADICTION;
    }
    struct span begins = span_after(made->before, head);
    struct span ends = span_part(made->behind, 0, made->behind.size - tail);
    struct span rest_before = span_after(text->before, head);
    struct span rest_behind = span_part(text->behind, 0, text->behind.size - tail);
    if (!narrow(prover, proven, begins, ends)) {
        return PROVE_DOUBTFUL;
    }
    text->before = prove_joined(&prover->arena, made->made_before, rest_before, SPAN(""));
    text->behind = prove_joined(&prover->arena, rest_behind, made->made_behind, SPAN(""));
    bool done = text->before.data != NULL && text->behind.data != NULL;
    return done ? PROVE_MET : prove_doubt(prover, PROVE_NO_MEMORY);
}

/* Captures of a name that is known are known as well. */
static enum prove_fit
expand_fixed(struct prover *prover, struct prove_text *text, const struct pattern_template *made,
    const struct pattern *pattern)
{
    struct pattern_captures captures;
    if (!pattern_match(pattern, text->before, &captures)) {
        return PROVE_CONTRADICTION;
    }
    text->before = pattern_template_expand(made, &captures, &prover->arena);
    return text->before.data == NULL ? prove_doubt(prover, PROVE_NO_MEMORY) : PROVE_MET;
}

static enum prove_fit
lose(struct prover *prover, struct prove_text *text, const struct pattern_template *made,
    const struct pattern *pattern)
{
    struct pattern *output = arena_take(&prover->arena, sizeof(*output));
    if (output == NULL || !policy_made_pattern(made, pattern, &prover->arena, output)) {
        return prove_doubt(prover, PROVE_NO_MEMORY);
    }
    *text = (struct prove_text){ .kind = PROVE_TEXT_LOST, .pattern = output };
    return PROVE_MET;
}

/* What the template makes of `text`, which the pattern matches. */
static enum prove_fit
rename_text(struct prover *prover, struct prove_case *proven, struct prove_text *text,
    const struct pattern_template *made, const struct pattern *pattern)
{
    struct policy_made how = policy_made_of(made, pattern);
    switch (how.kind) {
    case POLICY_MADE_SAME:
        return PROVE_MET;
    case POLICY_MADE_FIXED:
        *text = (struct prove_text){ .kind = PROVE_TEXT_FIXED, .before = how.made_before };
        return PROVE_MET;
    case POLICY_MADE_AROUND:
    case POLICY_MADE_LOOSE:
        break;
    }
    if (text->kind == PROVE_TEXT_FIXED) {
        return expand_fixed(prover, text, made, pattern);
    }
    return text->kind == PROVE_TEXT_AROUND && how.kind == POLICY_MADE_AROUND
               ? follow(prover, proven, text, &how)
               : lose(prover, text, made, pattern);
}

/* The two differ whatever x is. */
static bool
differ_always(const struct prove_text *a, const struct prove_text *b)
{
    if (a->kind != PROVE_TEXT_AROUND || b->kind != PROVE_TEXT_AROUND) {
        return a->kind == PROVE_TEXT_FIXED && b->kind == PROVE_TEXT_FIXED &&
               !span_equal(a->before, b->before);
    }
    bool before = span_equal(a->before, b->before);
    bool behind = span_equal(a->behind, b->behind);
    return before != behind || a->before.size + a->behind.size != b->before.size + b->behind.size;
}

static bool
is_same(const struct prove_text *a, const struct prove_text *b)
{
    return a->kind == b->kind && a->kind != PROVE_TEXT_LOST && span_equal(a->before, b->before) &&
           span_equal(a->behind, b->behind);
}

/* A name that changes becomes the id, as policy_evaluate() has it. A template of the id is not followed. */
static void
change_id(const struct policy_rule *rule, const struct prove_text *old, struct prove_view *view)
{
    const struct pattern_template *made = &rule->rewrites->function_id;
    if (made->part_count == 0 && is_same(old, &view->name)) {
        return;
    }
    view->has_own_id = false;
    view->id = (struct prove_text){ .kind = PROVE_TEXT_LOST };
    if (made->part_count == 0 && differ_always(old, &view->name)) {
        view->id = view->name;
    } else if (made->part_count == 1 && made->parts[0].kind == PATTERN_LITERAL) {
        view->id = (struct prove_text){ .kind = PROVE_TEXT_FIXED, .before = made->parts[0].text };
    }
}

static enum prove_fit
require_place(struct prover *prover, struct prove_case *proven, uint32_t view, enum prove_part part,
    const struct policy_patterns *patterns, uint32_t place)
{
    struct prove_demand matches = { .kind = PROVE_MATCHES, .part = part };
    struct prove_demand before = { .kind = PROVE_MATCHES_NOT, .part = part };
    if (patterns->count == 0) {
        return PROVE_MET;
    }
    matches.patterns = (struct policy_patterns){ .items = &patterns->items[place], .count = 1 };
    before.patterns = (struct policy_patterns){ .items = patterns->items, .count = place };
    enum prove_fit fit = prove_require(prover, proven, view, &matches);
    return fit == PROVE_MET && place > 0 ? prove_require(prover, proven, view, &before) : fit;
}

/* Both of what a step sees. */
static enum prove_fit
require_places(struct prover *prover, struct prove_case *proven, uint32_t view,
    const struct policy_rule *rule, const uint32_t places[2])
{
    enum prove_fit fit =
        require_place(prover, proven, view, PROVE_NAME, &rule->functions, places[0]);
    return fit == PROVE_MET
               ? require_place(prover, proven, view, PROVE_ID, &rule->function_ids, places[1])
               : fit;
}

enum prove_fit
prove_match(struct prover *prover, struct prove_case *proven, const struct policy_rule *rule,
    const uint32_t places[2])
{
    return require_places(prover, proven, 0, rule, places);
}

enum prove_fit
prove_accept(struct prover *prover, struct prove_case *proven, const struct policy_rule *rule,
    const uint32_t places[2])
{
    static const struct pattern any = { .part_count = 0 };
    uint32_t view = proven->view_count - 1;
    struct prove_change *change = arena_take(&prover->arena, sizeof(*change));
    CHECK(proven->view_count <= PROVE_STEPS_MAX);
    if (change == NULL) {
        return prove_doubt(prover, PROVE_NO_MEMORY);
    }
    enum prove_fit fit = require_places(prover, proven, view, rule, places);
    struct prove_view made = proven->views[view];
    if (fit == PROVE_MET) {
        fit = rename_text(prover, proven, &made.name, &rule->rewrites->function,
            rule->functions.count > 0 ? &rule->functions.items[places[0]] : &any);
    }
    if (fit != PROVE_MET) {
        return fit;
    }
    /* x may be less by now than it was: all that was said of it has been put right in the case. */
    const struct prove_view *old = &proven->views[view];
    made.id = old->id;
    change_id(rule, &old->name, &made);
    *change = (struct prove_change){ .earlier = made.changes,
        .rewrites = rule->rewrites,
        .direction = prover->steps[view].direction };
    made.changes = change;
    proven->views[proven->view_count] = made;
    proven->view_count++;
    return PROVE_MET;
}

bool
prove_is_lost(const struct prove_case *proven)
{
    bool lost = false;
    for (uint32_t i = 0; i < proven->view_count && !lost; i++) {
        const struct prove_view *view = &proven->views[i];
        lost = view->name.kind == PROVE_TEXT_LOST ||
               (!view->has_own_id && view->id.kind == PROVE_TEXT_LOST);
    }
    return lost;
}
