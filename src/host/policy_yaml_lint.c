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
    for (uint32_t i = 0; linter->views != NULL && i < linter->count; i++) {
        const struct policy_rule_source *rule = &source->rules[linter->direction][i];
        if (!policy_rule_view_init(rule, linter->direction, &linter->arena, &linter->views[i])) {
            return false;
        }
    }
    return linter->views != NULL;
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
    }
}

static void
check_accept_all(struct linter *linter, uint32_t rule)
{
    const struct policy_rule_view *view = &linter->views[rule];
    if (view->source->action == POLICY_ACCEPT && policy_rule_is_catch_all(view)) {
        yaml_errors_add(linter->errors, YAML_WARNING, place_of(linter, rule),
            "this rule accepts everything that no rule before it rejects");
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

/* Captures in the pattern that was written at `node` and that neither template uses. */
static void
check_captures(struct linter *linter, const struct yaml_node *node, const struct pattern *pattern,
    const struct pattern_template *templates)
{
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        bool captures = part->kind != PATTERN_LITERAL && part->text.size > 0;
        if (captures && !template_uses(&templates[0], part->text) &&
            !template_uses(&templates[1], part->text)) {
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
    struct pattern_template templates[2] = { view->set_function, { .part_count = 0 } };
    static const struct pattern_template none[2] = { { .part_count = 0 }, { .part_count = 0 } };
    struct span text = view->source->set_function_id;
    if (text.size > 0 &&
        pattern_template_compile(text, &linter->scratch, &templates[1]) != PATTERN_OK) {
        return;
    }
    for (uint32_t i = 0; functions != NULL && i < view->function_count; i++) {
        check_captures(linter, policy_yaml_text_node(functions, i), &view->functions[i], templates);
    }
    for (uint32_t i = 0; ids != NULL && i < view->function_id_count; i++) {
        check_captures(linter, policy_yaml_text_node(ids, i), &view->function_ids[i], none);
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
        if (matches && policy_rule_is_unconditional(view)) {
            return true;
        }
    }
    return false;
}

static bool
report_collision(struct linter *linter, uint32_t first, uint32_t second,
    const struct policy_collision *collision)
{
    if (is_taken_before(linter, first, collision->from[0]) ||
        is_taken_before(linter, second, collision->from[1])) {
        return false;
    }
    struct yaml_place place =
        yaml_place(yaml_find(linter->side->rules[second].set.yaml, "function"));
    struct span other = linter->views[first].source->id;
    if (first == second) {
        yaml_errors_add(linter->errors, YAML_WARNING, place,
            "several functions get one name: '%.*s' and '%.*s' both become '%.*s'",
            SPAN_ARGS(collision->from[0]), SPAN_ARGS(collision->from[1]),
            SPAN_ARGS(collision->name));
    } else {
        yaml_errors_add(linter->errors, YAML_WARNING, place,
            "several functions get one name: '%.*s' by rule '%.*s' and '%.*s' by this one both "
            "become '%.*s'",
            SPAN_ARGS(collision->from[0]), SPAN_ARGS(other), SPAN_ARGS(collision->from[1]),
            SPAN_ARGS(collision->name));
    }
    yaml_errors_hint(linter->errors, "only one of them can be called under that name");
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
        found = linter->views[i].set_function.part_count > 0 && find_collision(linter, i, rule);
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
