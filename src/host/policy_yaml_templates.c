/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_templates.c - what a template uses, the patterns of its rule capture: every one of them, and only
 * those of the name, or only those of the id.
 */
#include <string.h>

#include "bridge/pattern.h"
#include "host/policy_yaml_parts.h"
#include "host/suggest.h"

/* The patterns of one key of `match`, as far as one capture of one template is asked about. */
struct source {
    const char *key;
    const struct policy_yaml_texts *texts;
    bool captures_in_all;
    bool captures_in_some;
    struct pattern lacking; /* unless all capture it: the first that does not */
};

/* All patterns were checked when they were read: they compile, if there is memory. */
static void
ask(struct policy_yaml_loader *loader, struct span capture, struct source *source)
{
    bool lacks = false;
    source->captures_in_some = false;
    for (size_t i = 0; i < source->texts->count; i++) {
        struct pattern pattern;
        struct span text = span_from_text(source->texts->items[i]);
        if (pattern_compile(text, &loader->scratch, &pattern) != PATTERN_OK) {
            policy_yaml_report_memory(loader);
            source->captures_in_some = true;
        } else if (pattern_has_capture(&pattern, capture)) {
            source->captures_in_some = true;
        } else if (!lacks) {
            source->lacking = pattern;
            lacks = true;
        }
    }
    source->captures_in_all = source->captures_in_some && !lacks;
}

/* `text` with a NUL behind it, in the scratch memory. NULL: none. */
static const char *
scratch_text(struct policy_yaml_loader *loader, struct span text)
{
    uint8_t *copy = arena_take(&loader->scratch, text.size + 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return (const char *)copy;
}

static void
offer_captures(
    struct policy_yaml_loader *loader, const struct pattern *pattern, struct suggest *suggest)
{
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        bool capturing = part->kind != PATTERN_LITERAL && part->text.size > 0;
        const char *name = capturing ? scratch_text(loader, part->text) : NULL;
        if (name != NULL) {
            suggest_offer(suggest, name);
        }
    }
}

static void
hint_capture(struct policy_yaml_loader *loader, struct span capture, const struct source *sources,
    size_t count)
{
    const char *written = scratch_text(loader, capture);
    struct suggest suggest;
    if (written == NULL) {
        return;
    }
    suggest_init(&suggest, written);
    for (size_t i = 0; i < count; i++) {
        offer_captures(loader, &sources[i].lacking, &suggest);
    }
    if (suggest.best != NULL) {
        yaml_errors_hint(loader->errors, "did you mean '%s'? ", suggest.best);
    }
    yaml_errors_hint(loader->errors, count == 1
                                         ? "(every pattern of the rule must capture it)"
                                         : "(every pattern of one of the two must capture it)");
}

/* None of the `count` sources captures it in all of its patterns; those without patterns are left out. */
static void
report_unknown(struct policy_yaml_loader *loader, const struct yaml_node *node, struct span capture,
    const struct source *sources, size_t count)
{
    struct yaml_path path = yaml_path(node);
    struct yaml_place place = yaml_place(node);
    if (count == 1) {
        yaml_errors_add(loader->errors, YAML_ERROR, place,
            "%s: '%.*s' is not captured by the pattern '%.*s'", path.text, SPAN_ARGS(capture),
            SPAN_ARGS(sources[0].lacking.text));
    } else {
        yaml_errors_add(loader->errors, YAML_ERROR, place,
            "%s: '%.*s' is captured neither by the pattern '%.*s' of match.%s nor by '%.*s' of "
            "match.%s",
            path.text, SPAN_ARGS(capture), SPAN_ARGS(sources[0].lacking.text), sources[0].key,
            SPAN_ARGS(sources[1].lacking.text), sources[1].key);
    }
    hint_capture(loader, capture, sources, count);
}

static void
report_ambiguous(
    struct policy_yaml_loader *loader, const struct yaml_node *node, struct span capture)
{
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node),
        "%s: '%.*s' is captured by match.function and by match.function_id: which of the two is "
        "meant is not clear",
        yaml_path(node).text, SPAN_ARGS(capture));
    yaml_errors_hint(loader->errors, "give one of the two another name");
}

/* One capture that a template uses, of `count` sources that have patterns. */
static void
check_capture(struct policy_yaml_loader *loader, const struct yaml_node *node, struct span capture,
    struct source *sources, size_t count)
{
    bool is_known = false;
    bool is_everywhere = count == 2;
    for (size_t i = 0; i < count; i++) {
        ask(loader, capture, &sources[i]);
        is_known = is_known || sources[i].captures_in_all;
        is_everywhere = is_everywhere && sources[i].captures_in_some;
    }
    if (!is_known) {
        report_unknown(loader, node, capture, sources, count);
    } else if (is_everywhere) {
        report_ambiguous(loader, node, capture);
    }
}

/* `key` of `set`; its captures are of `sources`, of which those without patterns do not count. */
static void
check_template(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    const char *key, const char *text, struct source *sources, size_t source_count)
{
    const struct yaml_node *node = yaml_find(rule->set.yaml, key);
    struct pattern_template made;
    struct source with_patterns[2];
    size_t count = 0;
    if (text == NULL ||
        pattern_template_compile(span_from_text(text), &loader->scratch, &made) != PATTERN_OK) {
        return;
    }
    for (size_t i = 0; i < source_count; i++) {
        if (sources[i].texts->count > 0) {
            with_patterns[count] = sources[i];
            count++;
        } else if (yaml_find(rule->match.yaml, sources[i].key) != NULL) {
            return; /* its patterns were refused: who knows what they were to capture */
        }
    }
    for (uint32_t i = 0; i < made.part_count; i++) {
        struct span capture = made.parts[i].text;
        if (made.parts[i].kind == PATTERN_LITERAL) {
            continue;
        }
        if (count > 0) {
            check_capture(loader, node, capture, with_patterns, count);
        } else {
            yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node),
                "%s: the rule has no match.function%s that captures '%.*s'", yaml_path(node).text,
                source_count == 2 ? " and no match.function_id" : "", SPAN_ARGS(capture));
        }
    }
}

void
policy_yaml_check_templates(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule)
{
    struct source sources[] = {
        { .key = "function", .texts = &rule->match.functions },
        { .key = "function_id", .texts = &rule->match.function_ids },
    };
    check_template(loader, rule, "function", rule->set.function, sources, 1);
    check_template(loader, rule, "function_id", rule->set.function_id, sources, 2);
    arena_reset(&loader->scratch);
}
