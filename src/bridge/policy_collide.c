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
#include "bridge/policy_made.h"

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

struct side {
    const struct pattern_template *made;
    const struct pattern *pattern;
    struct pattern output;
    struct policy_made_filling
        filling; /* different for each, so that two functions come out if there can be two */
};

static struct span
trace_back(const struct side *side, struct span name, struct arena *arena)
{
    return policy_made_source(
        side->made, side->pattern, &side->output, &side->filling, name, arena);
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
    if (!policy_made_pattern(sides[0].made, sides[0].pattern, scratch, &sides[0].output) ||
        !policy_made_pattern(sides[1].made, sides[1].pattern, scratch, &sides[1].output) ||
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
