/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pattern.c - three lines: a pattern, a template, a name. Whatever they are, what was captured
 * stands in the name, in order, and is what its wildcard may cover; the pattern with its captures
 * written out matches the same name; so does the pattern without names for them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/pattern.h"
#include "core/limits.h"
#include "tests/support/check_failed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct mem mem;
    struct arena arena;
};

/* Up to the next line break, which is skipped. */
static struct span
take_line(struct span *rest)
{
    size_t size = span_find(*rest, '\n');
    struct span line = span_part(*rest, 0, size);
    *rest = span_after(*rest, size < rest->size ? size + 1 : size);
    return line;
}

static void
check_captures(
    const struct pattern *pattern, struct span name, const struct pattern_captures *captures)
{
    const uint8_t *at = name.data;
    uint32_t index = 0;
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        if (part->kind == PATTERN_LITERAL || part->text.size == 0) {
            continue;
        }
        CHECK(index < captures->count);
        struct span value = captures->items[index].value;
        CHECK(span_equal(captures->items[index].name, part->text));
        CHECK(value.data >= at);
        CHECK(value.data + value.size <= name.data + name.size);
        CHECK(part->kind == PATTERN_ANYTHING || value.size > 0);
        CHECK(part->kind == PATTERN_ANYTHING || span_find(value, '.') == value.size);
        CHECK(!pattern_is_plain(name) || pattern_is_plain(value));
        at = value.data + value.size;
        index++;
    }
    CHECK(index == captures->count);
}

enum spelling {
    SPELL_VALUES = 0, /* captures written out */
    SPELL_STARS,      /* captures without their names */
};

static size_t
append(uint8_t *text, size_t size, struct span piece)
{
    if (piece.size > 0) {
        memcpy(&text[size], piece.data, piece.size);
    }
    return size + piece.size;
}

/* The pattern again, with every capture replaced. */
static struct span
respell(struct fuzz *fuzz, const struct pattern *pattern, const struct pattern_captures *captures,
    enum spelling spelling)
{
    uint8_t *text =
        arena_take(&fuzz->arena, PATTERN_SIZE_MAX + PATTERN_WILDCARDS_MAX * NAME_SIZE_MAX);
    size_t size = 0;
    uint32_t index = 0;
    CHECK(text != NULL);
    size = append(text, size, pattern->prefix);
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        struct span piece = part->kind == PATTERN_SEGMENT ? SPAN("*") : SPAN("**");
        if (part->kind == PATTERN_LITERAL) {
            piece = part->text;
        } else if (part->text.size > 0) {
            piece = spelling == SPELL_VALUES ? captures->items[index].value : piece;
            index++;
        }
        size = append(text, size, piece);
    }
    size = append(text, size, pattern->suffix);
    return span_from(text, size);
}

/* A respelt pattern may be none (stars that met, a brace in a value); if it is one, it agrees. */
static void
check_respelt(struct fuzz *fuzz, struct span text, struct span name, bool matches)
{
    struct pattern pattern;
    if (pattern_compile(text, &fuzz->arena, &pattern) == PATTERN_OK) {
        CHECK(pattern_match(&pattern, name, NULL) == matches);
    }
}

static void
check_template(struct fuzz *fuzz, struct span text, const struct pattern *pattern,
    const struct pattern_captures *captures)
{
    struct pattern_template made;
    if (pattern_template_compile(text, &fuzz->arena, &made) != PATTERN_OK) {
        return;
    }
    for (uint32_t i = 0; i < made.part_count; i++) {
        const struct pattern_part *part = &made.parts[i];
        if (part->kind != PATTERN_LITERAL && !pattern_has_capture(pattern, part->text)) {
            return;
        }
    }
    struct span result = pattern_template_expand(&made, captures, &fuzz->arena);
    CHECK(result.data != NULL);
    CHECK(result.size == pattern_template_size(&made, captures));
}

/* Two wildcards that touch would be other wildcards without their names: {a}{b} is no **. */
static bool
has_touching_wildcards(const struct pattern *pattern)
{
    for (uint32_t i = 1; i < pattern->part_count; i++) {
        if (pattern->parts[i].kind != PATTERN_LITERAL &&
            pattern->parts[i - 1].kind != PATTERN_LITERAL) {
            return true;
        }
    }
    return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_from(data, size);
    struct span pattern_text = take_line(&rest);
    struct span template_text = take_line(&rest);
    struct fuzz fuzz;
    mem_init(&fuzz.mem, (size_t)4 * 1024 * 1024);
    arena_init(&fuzz.arena, &fuzz.mem);
    struct pattern pattern;
    struct pattern_captures captures = { .count = 0 };
    if (pattern_compile(pattern_text, &fuzz.arena, &pattern) == PATTERN_OK) {
        bool matches = pattern_match(&pattern, rest, &captures);
        CHECK(!matches || rest.size >= pattern.size_min);
        CHECK(matches || !pattern_is_catch_all(&pattern) || rest.size > NAME_SIZE_MAX ||
              !pattern_is_plain(rest));
        if (matches) {
            check_captures(&pattern, rest, &captures);
            check_template(&fuzz, template_text, &pattern, &captures);
        }
        bool clean = span_find(rest, '*') == rest.size && span_find(rest, '{') == rest.size;
        if (!has_touching_wildcards(&pattern)) {
            check_respelt(&fuzz, respell(&fuzz, &pattern, &captures, SPELL_STARS), rest, matches);
        }
        if (matches && clean && !has_touching_wildcards(&pattern)) {
            check_respelt(&fuzz, respell(&fuzz, &pattern, &captures, SPELL_VALUES), rest, true);
        }
    }
    arena_destroy(&fuzz.arena);
    CHECK(fuzz.mem.used == 0);
    return 0;
}
