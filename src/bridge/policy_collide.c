/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_collide.c - two rules that rename, and a name that both can make.
 *
 * What a rule makes is a language too: its template, with a wildcard for each capture. A name in both languages is
 * taken back through each rule to a function it may come from, and only if each rule makes that name of its
 * function indeed, and the two functions differ, there is a collision.
 */
#include "bridge/pattern_include.h"
#include "bridge/policy_include.h"

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

/* The pattern of what the template can make of names that match `pattern`. It is put together, not compiled: a
 * capture may stand in it twice. false: no memory. */
static bool
make_output(const struct pattern_template *made, const struct pattern *pattern, struct arena *arena,
    struct pattern *output)
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

static struct span
literal_of(const struct pattern_part *part)
{
    return part->kind == PATTERN_LITERAL ? part->text : SPAN_NONE;
}

/* No name begins, or ends, as both templates do. */
static bool
are_apart(const struct pattern_template *a, const struct pattern_template *b)
{
    struct span a_head = literal_of(&a->parts[0]);
    struct span b_head = literal_of(&b->parts[0]);
    struct span a_tail = literal_of(&a->parts[a->part_count - 1]);
    struct span b_tail = literal_of(&b->parts[b->part_count - 1]);
    size_t head = a_head.size < b_head.size ? a_head.size : b_head.size;
    size_t tail = a_tail.size < b_tail.size ? a_tail.size : b_tail.size;
    return !span_equal(span_part(a_head, 0, head), span_part(b_head, 0, head)) ||
           !span_equal(
               span_after(a_tail, a_tail.size - tail), span_after(b_tail, b_tail.size - tail));
}

/* What wildcards cover that the template does not use: different for each side, so that two functions come
 * out where there can be two. */
struct filling {
    struct span segment;
    struct span anything;
};

/* What the wildcard `part` of the source pattern covers, given what the output's wildcards cover. */
static struct span
value_of(const struct pattern_part *part, const struct pattern_captures *captures,
    const struct filling *filling)
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

struct side {
    const struct pattern_template *made;
    const struct pattern *pattern;
    struct pattern output;
    struct filling filling;
};

/* A function of which the rule's pattern and template make `name`. .data NULL: none was found. */
static struct span
trace_back(const struct side *side, struct span name, struct arena *arena)
{
    const struct pattern *pattern = side->pattern;
    struct pattern_captures captures;
    captures.count = 0;
    if (!pattern_match(&side->output, name, &captures)) {
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
        append(&source, bytes, literal ? part->text : value_of(part, &captures, &side->filling));
    }
    append(&source, bytes, pattern->suffix);
    struct pattern_captures taken;
    if (!pattern_match(pattern, source, &taken)) {
        return SPAN_NONE;
    }
    struct span again = pattern_template_expand(side->made, &taken, arena);
    return again.data != NULL && span_equal(again, name) ? source : SPAN_NONE;
}

bool
policy_rules_collide(const struct policy_rule_view *first, uint32_t first_pattern,
    const struct policy_rule_view *second, uint32_t second_pattern, struct arena *scratch,
    struct policy_collision *collision)
{
    CHECK(first->set_function.part_count > 0);
    CHECK(second->set_function.part_count > 0);
    struct side sides[2] = {
        { .made = &first->set_function,
            .pattern = &first->functions[first_pattern],
            .filling = { .segment = SPAN("x"), .anything = SPAN("") } },
        { .made = &second->set_function,
            .pattern = &second->functions[second_pattern],
            .filling = { .segment = SPAN("y"), .anything = SPAN("y") } },
    };
    struct span name;
    *collision = (struct policy_collision){ .looked_closely = false };
    if (are_apart(sides[0].made, sides[1].made)) {
        return false;
    }
    collision->looked_closely = true;
    if (!make_output(sides[0].made, sides[0].pattern, scratch, &sides[0].output) ||
        !make_output(sides[1].made, sides[1].pattern, scratch, &sides[1].output) ||
        pattern_overlaps(&sides[0].output, &sides[1].output, scratch, &name) !=
            PATTERN_OVERLAPPING) {
        return false;
    }
    collision->name = name;
    collision->from[0] = trace_back(&sides[0], name, scratch);
    collision->from[1] = trace_back(&sides[1], name, scratch);
    return collision->from[0].data != NULL && collision->from[1].data != NULL &&
           !span_equal(collision->from[0], collision->from[1]);
}
