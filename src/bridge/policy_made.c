/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_made.c - what a rule makes is a language too: its template, with a wildcard for each capture.
 */
#include "bridge/policy_made.h"

/* ---- Forwards ---- */

static bool
parts_agree(const struct pattern_part *a, const struct pattern_part *b)
{
    bool literal = a->kind == PATTERN_LITERAL;
    return literal == (b->kind == PATTERN_LITERAL) && a->text.size > 0 &&
           span_equal(a->text, b->text);
}

struct policy_made
policy_made_of(const struct pattern_template *made, const struct pattern *pattern)
{
    uint32_t first = 0;
    uint32_t last = made->part_count;
    struct policy_made found = { .kind = POLICY_MADE_LOOSE };
    if (made->part_count == 0) {
        return (struct policy_made){ .kind = POLICY_MADE_SAME };
    }
    if (made->parts[0].kind == PATTERN_LITERAL) {
        found.made_before = made->parts[0].text;
        first++;
    }
    if (first == last) {
        found.kind = POLICY_MADE_FIXED;
        return found;
    }
    if (made->parts[last - 1].kind == PATTERN_LITERAL) {
        last--;
        found.made_behind = made->parts[last].text;
    }
    bool agree = last - first == pattern->part_count;
    for (uint32_t i = 0; agree && i < pattern->part_count; i++) {
        agree = parts_agree(&made->parts[first + i], &pattern->parts[i]);
    }
    if (!agree) {
        return (struct policy_made){ .kind = POLICY_MADE_LOOSE };
    }
    found.kind = POLICY_MADE_AROUND;
    found.before = pattern->prefix;
    found.behind = pattern->suffix;
    return found;
}

/* The wildcard of `pattern` that captures `name`. */
static const struct pattern_part *
find_capture(const struct pattern *pattern, struct span name)
{
    const struct pattern_part *found = NULL;
    for (uint32_t i = 0; found == NULL && i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        found = part->kind != PATTERN_LITERAL && span_equal(part->text, name) ? part : NULL;
    }
    CHECK(found != NULL);
    return found;
}

bool
policy_made_pattern(const struct pattern_template *made, const struct pattern *pattern,
    struct arena *arena, struct pattern *output)
{
    struct pattern_part *parts = arena_take(arena, made->part_count * sizeof(*parts));
    if (parts == NULL) {
        return false;
    }
    *output = (struct pattern){ .text = made->text, .parts = parts };
    for (uint32_t i = 0; i < made->part_count; i++) {
        const struct pattern_part *part = &made->parts[i];
        parts[i] = part->kind == PATTERN_LITERAL ? *part : *find_capture(pattern, part->text);
        output->capture_count += part->kind == PATTERN_LITERAL ? 0 : 1;
        output->size_min += parts[i].kind == PATTERN_LITERAL   ? part->text.size
                            : parts[i].kind == PATTERN_SEGMENT ? 1
                                                               : 0;
    }
    output->part_count = made->part_count;
    /* As pattern_compile() has it: literals at the ends are prefix and suffix. */
    if (parts[0].kind == PATTERN_LITERAL) {
        output->prefix = parts[0].text;
        output->parts++;
        output->part_count--;
    }
    uint32_t count = output->part_count;
    if (count > 0 && output->parts[count - 1].kind == PATTERN_LITERAL) {
        output->suffix = output->parts[count - 1].text;
        output->part_count--;
    }
    return true;
}

/* ---- Backwards ---- */

/* What the wildcard `part` of the source pattern covers, given what the output's wildcards cover. */
static struct span
value_of(const struct pattern_part *part, const struct pattern_captures *captures,
    const struct policy_made_filling *filling)
{
    for (uint32_t i = 0; part->text.size > 0 && i < captures->count; i++) {
        if (span_equal(captures->items[i].name, part->text)) {
            return captures->items[i].value;
        }
    }
    return part->kind == PATTERN_SEGMENT ? filling->segment : filling->anything;
}

static void
append(struct span *whole, uint8_t *bytes, struct span part)
{
    if (part.size > 0) {
        memcpy(&bytes[whole->size], part.data, part.size);
        whole->size += part.size;
    }
}

struct span
policy_made_source(const struct pattern_template *made, const struct pattern *pattern,
    const struct pattern *output, const struct policy_made_filling *filling, struct span name,
    struct arena *arena)
{
    struct pattern_captures captures;
    captures.count = 0;
    if (!pattern_match(output, name, &captures)) {
        return SPAN_NONE;
    }
    /* Each capture covers a part of `name`, and stands once in the pattern. */
    uint8_t *bytes = arena_take(arena, PATTERN_SIZE_MAX + name.size + PATTERN_WILDCARDS_MAX);
    if (bytes == NULL) {
        return SPAN_NONE;
    }
    struct span source = { .data = bytes, .size = 0 };
    append(&source, bytes, pattern->prefix);
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        bool literal = part->kind == PATTERN_LITERAL;
        append(&source, bytes, literal ? part->text : value_of(part, &captures, filling));
    }
    append(&source, bytes, pattern->suffix);
    struct pattern_captures taken;
    if (!pattern_match(pattern, source, &taken)) {
        return SPAN_NONE;
    }
    struct span again = pattern_template_expand(made, &taken, arena);
    return again.data != NULL && span_equal(again, name) ? source : SPAN_NONE;
}
