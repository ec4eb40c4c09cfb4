/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_lint.c - what a policy may say but can hardly mean, found by comparing its rules with each other.
 */
#include <string.h>

#include "bridge/policy_include.h"
#include "host/policy_yaml_parts.h"

struct linter {
    const struct policy_yaml *loaded;
    struct yaml_errors *errors;
    struct arena arena;   /* the views of one side */
    struct arena scratch; /* of one question */
    enum policy_direction direction;
    const struct policy_yaml_side *side;
    struct policy_rule_view *views;
    bool *never; /* of each rule so far: it can never match, which is said */
    uint32_t count;
    uint32_t collisions_looked_at;
};

/* Where a warning would not be kept, it need not be found. */
static bool
is_full(const struct linter *linter)
{
    return linter->errors->more > 0;
}

static bool
make_views(struct linter *linter)
{
    const struct policy_source *source = &linter->loaded->source;
    linter->count = source->rule_count[linter->direction];
    linter->views = arena_take(&linter->arena, linter->count * sizeof(*linter->views));
    linter->never = arena_take(&linter->arena, linter->count * sizeof(*linter->never));
    for (uint32_t i = 0; linter->views != NULL && linter->never != NULL && i < linter->count; i++) {
        const struct policy_rule_source *rule = &source->rules[linter->direction][i];
        if (!policy_rule_view_init(rule, linter->direction, &linter->arena, &linter->views[i])) {
            return false;
        }
    }
    return linter->views != NULL && linter->never != NULL;
}

static struct yaml_place
place_of(const struct linter *linter, uint32_t rule)
{
    return linter->loaded->rule_places[linter->direction][rule];
}

/* ---- Single rules ---- */

static void
check_contradiction(struct linter *linter, uint32_t rule)
{
    const char *key = policy_rule_contradiction(&linter->views[rule]);
    if (key != NULL) {
        yaml_errors_add(linter->errors, YAML_WARNING, place_of(linter, rule),
            "this rule can never match: nothing fulfils its match.%s", key);
        linter->never[rule] = true;
    }
}

static bool
has_other(const struct text_list *list, struct span text)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (!span_equal(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

/* What our own cluster serves has passed one federation, which is its origin: ours, if the file says who we are. */
static bool
asks_for_others(const struct policy_rule_source *rule, struct span own)
{
    const struct text_list *includes = &rule->path_includes;
    const struct text_list *origins = &rule->origins;
    struct span passed = includes->count > 0 ? includes->items[0] : own;
    bool is_known = passed.size > 0;
    return (is_known && has_other(includes, passed)) ||
           (is_known && own.size > 0 && !span_equal(passed, own)) ||
           (is_known && origins->count > 0 && !text_list_has(origins, passed)) ||
           (is_known && text_list_has(&rule->path_excludes, passed)) ||
           (rule->has_max_hops && rule->max_hops == 0);
}

static void
check_transit(struct linter *linter, uint32_t rule)
{
    const struct policy_rule_view *view = &linter->views[rule];
    if (!view->takes_transit && !linter->never[rule] &&
        asks_for_others(view->source, linter->loaded->federation)) {
        yaml_errors_add(linter->errors, YAML_WARNING, place_of(linter, rule),
            "this rule can never match: it accepts only what our own cluster serves, and its "
            "conditions hold only for other federations");
        yaml_errors_hint(linter->errors, "to pass on what they serve, say transit: true");
        linter->never[rule] = true;
    }
}

static void
check_accept_all(struct linter *linter, uint32_t rule)
{
    const struct policy_rule_view *view = &linter->views[rule];
    struct policy_rule_view of_any_origin = *view;
    of_any_origin.takes_transit = true;
    if (view->source->action == POLICY_ACCEPT && policy_rule_is_catch_all(&of_any_origin)) {
        yaml_errors_add(linter->errors, YAML_WARNING, place_of(linter, rule),
            "this rule accepts everything%s that no rule before it rejects",
            view->takes_transit ? "" : " of our own cluster");
        yaml_errors_hint(
            linter->errors, "name what may pass: match: {function: ..., tags: {any: [...]}}");
    }
}

static bool
template_uses(const struct pattern_template *made, struct span capture)
{
    for (uint32_t i = 0; i < made->part_count; i++) {
        if (made->parts[i].kind != PATTERN_LITERAL && span_equal(made->parts[i].text, capture)) {
            return true;
        }
    }
    return false;
}

/* Captures in the pattern that was written at `node` and that none of its templates uses. */
static void
check_captures(struct linter *linter, const struct yaml_node *node, const struct pattern *pattern,
    const struct pattern_template *templates, size_t template_count)
{
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        bool unused = part->kind != PATTERN_LITERAL && part->text.size > 0;
        for (size_t j = 0; j < template_count; j++) {
            unused = unused && !template_uses(&templates[j], part->text);
        }
        if (unused) {
            yaml_errors_add(linter->errors, YAML_WARNING, yaml_place(node),
                "%s: nothing uses the capture '%.*s'", yaml_path(node).text, SPAN_ARGS(part->text));
            yaml_errors_hint(
                linter->errors, "write %s", part->kind == PATTERN_SEGMENT ? "*" : "**");
        }
    }
}

static void
check_rule_captures(struct linter *linter, uint32_t rule)
{
    const struct policy_rule_view *view = &linter->views[rule];
    const struct yaml_node *match = linter->side->rules[rule].match.yaml;
    const struct yaml_node *functions = yaml_find(match, "function");
    const struct yaml_node *ids = yaml_find(match, "function_id");
    /* That of the name first: it uses no captures of ids. */
    struct pattern_template templates[2] = { view->set_function, { .part_count = 0 } };
    struct span text = view->source->set_function_id;
    if (text.size > 0 &&
        pattern_template_compile(text, &linter->scratch, &templates[1]) != PATTERN_OK) {
        return;
    }
    for (uint32_t i = 0; functions != NULL && i < view->function_count; i++) {
        check_captures(
            linter, policy_yaml_text_node(functions, i), &view->functions[i], templates, 2);
    }
    for (uint32_t i = 0; ids != NULL && i < view->function_id_count; i++) {
        check_captures(
            linter, policy_yaml_text_node(ids, i), &view->function_ids[i], &templates[1], 1);
    }
    arena_reset(&linter->scratch);
}

/* ---- Rules behind others ---- */

static void
check_hidden(struct linter *linter, uint32_t rule)
{
    for (uint32_t i = 0; i < rule; i++) {
        bool hidden =
            policy_rule_includes(&linter->views[i], &linter->views[rule], &linter->scratch);
        arena_reset(&linter->scratch);
        if (!hidden) {
            continue;
        }
        linter->never[rule] = true;
        if (!policy_rule_is_catch_all(&linter->views[i])) {
            struct yaml_place before = place_of(linter, i);
            yaml_errors_add(linter->errors, YAML_WARNING, place_of(linter, rule),
                "this rule can never match: rule '%.*s' before it matches all that it does",
                SPAN_ARGS(linter->views[i].source->id));
            yaml_errors_hint(linter->errors, "that rule is at %s:%u:%u", before.file, before.line,
                before.column);
        }
        return;
    }
}

/* ---- Several functions, one name ---- */

/* A rule without any other condition that comes before takes the name for sure. */
static bool
is_taken_before(const struct linter *linter, uint32_t rule, struct span name)
{
    for (uint32_t i = 0; i < rule; i++) {
        const struct policy_rule_view *view = &linter->views[i];
        bool matches = false;
        for (uint32_t j = 0; j < view->function_count && !matches; j++) {
            matches = pattern_match(&view->functions[j], name, NULL);
        }
        bool takes_all = view->takes_transit || !linter->views[rule].takes_transit;
        if (matches && takes_all && policy_rule_is_unconditional(view)) {
            return true;
        }
    }
    return false;
}

/* There is a time at which both rules are valid. */
static bool
are_valid_together(const struct policy_rule_source *a, const struct policy_rule_source *b)
{
    bool a_is_over =
        a->has_valid_until && b->has_valid_from && a->valid_until.ns <= b->valid_from.ns;
    bool b_is_over =
        b->has_valid_until && a->has_valid_from && b->valid_until.ns <= a->valid_from.ns;
    return !a_is_over && !b_is_over;
}

/* Two rules, or one with itself: they say so, or at no time do both match anything. */
static bool
may_share_names(const struct linter *linter, uint32_t first, uint32_t second)
{
    const struct policy_rule_source *a = linter->views[first].source;
    const struct policy_rule_source *b = linter->views[second].source;
    return (a->merge && b->merge) || linter->never[first] || linter->never[second] ||
           !are_valid_together(a, b);
}

/* On export it is an error, since what is told under that name would be a matter of chance; on import, of links
 * that bring the same names one is chosen, and that may well be meant. */
static bool
report_collision(struct linter *linter, uint32_t first, uint32_t second,
    const struct policy_collision *collision)
{
    if (is_taken_before(linter, first, collision->from[0]) ||
        is_taken_before(linter, second, collision->from[1])) {
        return false;
    }
    bool is_export = linter->direction == POLICY_EXPORT;
    enum yaml_severity severity = is_export ? YAML_ERROR : YAML_WARNING;
    struct yaml_place place =
        yaml_place(yaml_find(linter->side->rules[second].set.yaml, "function"));
    struct span other = linter->views[first].source->id;
    if (first == second) {
        yaml_errors_add(linter->errors, severity, place,
            "several functions get one name: '%.*s' and '%.*s' both become '%.*s'",
            SPAN_ARGS(collision->from[0]), SPAN_ARGS(collision->from[1]),
            SPAN_ARGS(collision->name));
    } else {
        yaml_errors_add(linter->errors, severity, place,
            "several functions get one name: '%.*s' by rule '%.*s' and '%.*s' by this one both "
            "become '%.*s'",
            SPAN_ARGS(collision->from[0]), SPAN_ARGS(other), SPAN_ARGS(collision->from[1]),
            SPAN_ARGS(collision->name));
    }
    yaml_errors_hint(linter->errors, "%s",
        !is_export ? "only one of them can be called under that name"
        : first == second
            ? "say merge: true if they are one service; else keep their names apart"
            : "say merge: true in both rules if they are one service; else keep their "
              "names apart");
    return true;
}

/* Patterns of one rule with patterns of a rule before it, or with those before them in itself. */
static bool
find_collision(struct linter *linter, uint32_t first, uint32_t second)
{
    const struct policy_rule_view *a = &linter->views[first];
    const struct policy_rule_view *b = &linter->views[second];
    for (uint32_t j = 0; j < b->function_count; j++) {
        uint32_t end = first == second ? j + 1 : a->function_count;
        for (uint32_t i = 0; i < end; i++) {
            struct policy_collision collision;
            if (linter->collisions_looked_at == POLICY_YAML_COLLISIONS_MAX) {
                return true;
            }
            bool collide = policy_rules_collide(a, i, b, j, &linter->scratch, &collision);
            linter->collisions_looked_at += collision.looked_closely;
            bool reported = collide && report_collision(linter, first, second, &collision);
            arena_reset(&linter->scratch);
            if (reported) {
                return true;
            }
        }
    }
    return false;
}

static void
check_collisions(struct linter *linter, uint32_t rule)
{
    bool found = linter->views[rule].set_function.part_count == 0;
    for (uint32_t i = 0; !found && i <= rule; i++) {
        found = linter->views[i].set_function.part_count > 0 && !may_share_names(linter, i, rule) &&
                find_collision(linter, i, rule);
    }
}

/* false: no memory. */
static bool
lint_side(struct linter *linter)
{
    linter->side = &linter->loaded->file->sides[linter->direction];
    arena_reset(&linter->arena);
    if (!make_views(linter)) {
        return false;
    }
    for (uint32_t i = 0; i < linter->count && !is_full(linter); i++) {
        check_contradiction(linter, i);
        check_transit(linter, i);
        check_accept_all(linter, i);
        check_rule_captures(linter, i);
        check_hidden(linter, i);
        check_collisions(linter, i);
    }
    return true;
}

void
policy_yaml_lint(const struct policy_yaml *loaded, struct mem *mem, struct yaml_errors *errors)
{
    struct linter linter = { .loaded = loaded, .errors = errors };
    arena_init(&linter.arena, mem);
    arena_init(&linter.scratch, mem);
    bool whole = true;
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        linter.direction = (enum policy_direction)direction;
        whole = whole && lint_side(&linter);
    }
    if (!whole) {
        yaml_errors_add(errors, YAML_WARNING, yaml_place(yaml_doc_root(loaded->doc)),
            "not all rules were compared with each other: that needs too much memory");
    }
    arena_destroy(&linter.scratch);
    arena_destroy(&linter.arena);
}
