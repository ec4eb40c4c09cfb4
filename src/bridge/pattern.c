/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.c - patterns over dotted names: scan, match, expand.
 *
 * A match is decided by a table of suffixes: row p, column i says whether the parts from p on
 * cover exactly the bytes from i on. It is filled from the last part to the first, each cell from
 * its neighbours, so hostile patterns like *a*a*a*b cost what friendly ones cost. Walking the table
 * from the left and stopping each wildcard at the first column that can still succeed gives the
 * leftmost-shortest captures.
 */
#include "bridge/pattern.h"

#include <assert.h>

#include "base/utf8.h"
#include "core/limits.h"

static_assert(PATTERN_SIZE_MAX <= NAME_SIZE_MAX, "a literal pattern must be able to match");
/* pattern_result_text() says these numbers. */
static_assert(PATTERN_SIZE_MAX == 256, "the size is written out below");
static_assert(PATTERN_WILDCARDS_MAX == 16, "the count is written out below");

struct scan {
    struct span text;
    size_t at;
    struct pattern_part parts[PATTERN_PARTS_MAX];
    uint32_t part_count;
    uint32_t wildcard_count;
    uint32_t capture_count;
};

bool
pattern_is_plain(struct span text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t size = utf8_sequence_size(text, at);
        uint8_t lead = text.data[at];
        bool c1 = size == 2 && lead == 0xc2 && text.data[at + 1] < 0xa0;
        if (size == 0 || lead < 0x20 || lead == 0x7f || c1) {
            return false;
        }
        at += size;
    }
    return true;
}

static bool
is_capture_name(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
        bool digit = byte >= '0' && byte <= '9';
        if (!letter && !(digit && i > 0)) {
            return false;
        }
    }
    return text.size > 0;
}

/* The count of parts stays below its maximum: two literals are never neighbours. */
static void
add_part(struct scan *scan, enum pattern_part_kind kind, struct span text)
{
    CHECK(scan->part_count < PATTERN_PARTS_MAX);
    scan->parts[scan->part_count] = (struct pattern_part){ .kind = kind, .text = text };
    scan->part_count++;
}

static enum pattern_result
add_wildcard(struct scan *scan, enum pattern_part_kind kind, struct span capture)
{
    if (scan->wildcard_count == PATTERN_WILDCARDS_MAX) {
        return PATTERN_TOO_MANY_WILDCARDS;
    }
    add_part(scan, kind, capture);
    scan->wildcard_count++;
    scan->capture_count += capture.size > 0 ? 1 : 0;
    return PATTERN_OK;
}

static void
scan_literal(struct scan *scan)
{
    size_t start = scan->at;
    while (scan->at < scan->text.size) {
        uint8_t byte = scan->text.data[scan->at];
        if (byte == '*' || byte == '{' || byte == '}') {
            break;
        }
        scan->at++;
    }
    add_part(scan, PATTERN_LITERAL, span_part(scan->text, start, scan->at - start));
}

static enum pattern_result
scan_stars(struct scan *scan)
{
    size_t start = scan->at;
    while (scan->at < scan->text.size && scan->text.data[scan->at] == '*') {
        scan->at++;
    }
    size_t count = scan->at - start;
    if (count > 2) {
        return PATTERN_STAR_RUN;
    }
    return add_wildcard(scan, count == 1 ? PATTERN_SEGMENT : PATTERN_ANYTHING, SPAN_NONE);
}

/* At a '{'. The same name twice is for the caller: a template may, a pattern may not. */
static enum pattern_result
scan_capture(struct scan *scan)
{
    struct span rest = span_after(scan->text, scan->at + 1);
    size_t close = span_find(rest, '}');
    if (close == rest.size) {
        return PATTERN_BAD_CAPTURE;
    }
    struct span name = span_part(rest, 0, close);
    enum pattern_part_kind kind = PATTERN_SEGMENT;
    if (name.size >= 2 && name.data[name.size - 1] == '*' && name.data[name.size - 2] == '*') {
        name = span_part(name, 0, name.size - 2);
        kind = PATTERN_ANYTHING;
    }
    if (!is_capture_name(name)) {
        return PATTERN_BAD_CAPTURE;
    }
    scan->at += close + 2;
    return add_wildcard(scan, kind, name);
}

static enum pattern_result
check_text(struct span text)
{
    if (text.size == 0) {
        return PATTERN_EMPTY;
    }
    if (text.size > PATTERN_SIZE_MAX) {
        return PATTERN_TOO_LONG;
    }
    return pattern_is_plain(text) ? PATTERN_OK : PATTERN_BAD_TEXT;
}

static bool
is_same_capture(const struct pattern_part *a, const struct pattern_part *b)
{
    return a->kind != PATTERN_LITERAL && b->kind != PATTERN_LITERAL && a->text.size > 0 &&
           span_equal(a->text, b->text);
}

static enum pattern_result
scan_parts(struct scan *scan)
{
    enum pattern_result result = check_text(scan->text);
    while (result == PATTERN_OK && scan->at < scan->text.size) {
        switch (scan->text.data[scan->at]) {
        case '*':
            result = scan_stars(scan);
            break;
        case '{':
            result = scan_capture(scan);
            break;
        case '}':
            result = PATTERN_BAD_CAPTURE;
            break;
        default:
            scan_literal(scan);
            break;
        }
    }
    return result;
}

static enum pattern_result
scan_pattern(struct scan *scan)
{
    enum pattern_result result = scan_parts(scan);
    for (uint32_t i = 0; result == PATTERN_OK && i < scan->part_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (is_same_capture(&scan->parts[i], &scan->parts[j])) {
                return PATTERN_DUPLICATE_CAPTURE;
            }
        }
    }
    return result;
}

static enum pattern_result
scan_template(struct scan *scan)
{
    enum pattern_result result = scan_parts(scan);
    for (uint32_t i = 0; result == PATTERN_OK && i < scan->part_count; i++) {
        if (scan->parts[i].kind != PATTERN_LITERAL && scan->parts[i].text.size == 0) {
            return PATTERN_STAR_IN_TEMPLATE;
        }
    }
    return result;
}

/* `count` of the scanned parts from `first` on, in the arena. NULL: no memory. */
static const struct pattern_part *
keep_parts(const struct scan *scan, uint32_t first, uint32_t count, struct arena *arena)
{
    size_t size = count * sizeof(struct pattern_part);
    struct pattern_part *parts = arena_take(arena, size);
    if (parts != NULL && size > 0) {
        memcpy(parts, &scan->parts[first], size);
    }
    return parts;
}

static size_t
part_size_min(const struct pattern_part *part)
{
    switch (part->kind) {
    case PATTERN_LITERAL:
        return part->text.size;
    case PATTERN_SEGMENT:
        return 1;
    case PATTERN_ANYTHING:
        return 0;
    }
    return 0;
}

enum pattern_result
pattern_compile(struct span text, struct arena *arena, struct pattern *pattern)
{
    struct scan scan = { .text = text };
    enum pattern_result result = scan_pattern(&scan);
    if (result != PATTERN_OK) {
        return result;
    }
    /* Scanned again from the copy, so that every part borrows from the arena. */
    scan = (struct scan){ .text = arena_copy(arena, text) };
    if (scan.text.data == NULL) {
        return PATTERN_NO_MEMORY;
    }
    result = scan_pattern(&scan);
    CHECK(result == PATTERN_OK);

    struct pattern made = { .text = scan.text, .capture_count = scan.capture_count };
    for (uint32_t i = 0; i < scan.part_count; i++) {
        made.size_min += part_size_min(&scan.parts[i]);
    }
    uint32_t first = 0;
    uint32_t end = scan.part_count;
    if (scan.parts[0].kind == PATTERN_LITERAL) {
        made.prefix = scan.parts[0].text;
        first = 1;
    }
    if (end > first && scan.parts[end - 1].kind == PATTERN_LITERAL) {
        end--;
        made.suffix = scan.parts[end].text;
    }
    made.part_count = end - first;
    made.parts = keep_parts(&scan, first, made.part_count, arena);
    if (made.parts == NULL) {
        return PATTERN_NO_MEMORY;
    }
    *pattern = made;
    return PATTERN_OK;
}

enum pattern_result
pattern_template_compile(struct span text, struct arena *arena, struct pattern_template *made)
{
    struct scan scan = { .text = text };
    enum pattern_result result = scan_template(&scan);
    if (result != PATTERN_OK) {
        return result;
    }
    scan = (struct scan){ .text = arena_copy(arena, text) };
    if (scan.text.data == NULL) {
        return PATTERN_NO_MEMORY;
    }
    result = scan_template(&scan);
    CHECK(result == PATTERN_OK);
    const struct pattern_part *parts = keep_parts(&scan, 0, scan.part_count, arena);
    if (parts == NULL) {
        return PATTERN_NO_MEMORY;
    }
    *made = (struct pattern_template){
        .text = scan.text, .parts = parts, .part_count = scan.part_count
    };
    return PATTERN_OK;
}

/* Row p is one longer than the name: its last column is "nothing is left". Columns inside a character are
 * false, so that nothing begins or ends there. */
struct table {
    struct span text; /* the name without the pattern's prefix and suffix */
    bool rows[PATTERN_PARTS_MAX + 1][NAME_SIZE_MAX + 1];
};

/* A place between two characters. */
static bool
is_boundary(struct span text, size_t at)
{
    return at == text.size || !utf8_is_continuation(text.data[at]);
}

static void
fill_literal_row(struct span text, struct span literal, const bool *below, bool *row)
{
    for (size_t at = 0; at <= text.size; at++) {
        bool fits = literal.size <= text.size - at && below[at + literal.size];
        row[at] = fits && span_equal(span_part(text, at, literal.size), literal);
    }
}

/* Either the wildcard stops behind this character, or it takes the next one too. */
static void
fill_segment_row(struct span text, const bool *below, bool *row)
{
    size_t next = text.size; /* the boundary behind `at` */
    row[text.size] = false;
    for (size_t at = text.size; at-- > 0;) {
        row[at] = is_boundary(text, at) && text.data[at] != '.' && (below[next] || row[next]);
        next = is_boundary(text, at) ? at : next;
    }
}

static void
fill_anything_row(struct span text, const bool *below, bool *row)
{
    bool reachable = false;
    for (size_t at = text.size + 1; at-- > 0;) {
        bool boundary = is_boundary(text, at);
        reachable = reachable || (boundary && below[at]);
        row[at] = boundary && reachable;
    }
}

static bool
fill_table(const struct pattern *pattern, struct table *table)
{
    struct span text = table->text;
    bool *end = table->rows[pattern->part_count];
    memset(end, 0, text.size * sizeof(*end));
    end[text.size] = true;
    for (uint32_t p = pattern->part_count; p-- > 0;) {
        const struct pattern_part *part = &pattern->parts[p];
        switch (part->kind) {
        case PATTERN_LITERAL:
            fill_literal_row(text, part->text, table->rows[p + 1], table->rows[p]);
            break;
        case PATTERN_SEGMENT:
            fill_segment_row(text, table->rows[p + 1], table->rows[p]);
            break;
        case PATTERN_ANYTHING:
            fill_anything_row(text, table->rows[p + 1], table->rows[p]);
            break;
        }
    }
    return table->rows[0][0];
}

/* Where part p, which begins at `at`, ends: for a wildcard at the first place that can still succeed. */
static size_t
part_end(const struct pattern *pattern, const struct table *table, uint32_t p, size_t at)
{
    const struct pattern_part *part = &pattern->parts[p];
    if (part->kind == PATTERN_LITERAL) {
        return at + part->text.size;
    }
    size_t end = part->kind == PATTERN_SEGMENT ? at + 1 : at;
    while (!table->rows[p + 1][end]) {
        end++;
        CHECK(end <= table->text.size);
    }
    return end;
}

static void
walk_table(
    const struct pattern *pattern, const struct table *table, struct pattern_captures *captures)
{
    size_t at = 0;
    captures->count = 0;
    for (uint32_t p = 0; p < pattern->part_count; p++) {
        const struct pattern_part *part = &pattern->parts[p];
        size_t end = part_end(pattern, table, p, at);
        if (part->kind != PATTERN_LITERAL && part->text.size > 0) {
            captures->items[captures->count].name = part->text;
            captures->items[captures->count].value = span_part(table->text, at, end - at);
            captures->count++;
        }
        at = end;
    }
    CHECK(at == table->text.size);
    CHECK(captures->count == pattern->capture_count);
}

/* One wildcard, as most patterns have: it takes all there is, or the name does not match. The pattern's
 * size_min has seen to it that there is something for a segment. */
static bool
match_one(const struct pattern_part *part, struct span text, struct pattern_captures *captures)
{
    bool dotless = span_find(text, '.') == text.size;
    if (!is_boundary(text, 0) || (part->kind == PATTERN_SEGMENT && !dotless)) {
        return false;
    }
    if (captures != NULL) {
        captures->count = part->text.size > 0 ? 1 : 0;
        captures->items[0].name = part->text;
        captures->items[0].value = text;
    }
    return true;
}

static bool
match_many(const struct pattern *pattern, struct span text, struct pattern_captures *captures)
{
    /* The rows are left unset on purpose: only the columns of this text are used, and each is written
     * before it is read. */
    struct table table;
    table.text = text;
    if (!fill_table(pattern, &table)) {
        return false;
    }
    if (captures != NULL) {
        walk_table(pattern, &table, captures);
    }
    return true;
}

bool
pattern_match(const struct pattern *pattern, struct span name, struct pattern_captures *captures)
{
    if (name.size < pattern->size_min || name.size > NAME_SIZE_MAX) {
        return false;
    }
    if (!span_starts_with(name, pattern->prefix)) {
        return false;
    }
    struct span rest = span_after(name, pattern->prefix.size);
    size_t middle_size = rest.size - pattern->suffix.size;
    if (!span_equal(span_after(rest, middle_size), pattern->suffix)) {
        return false;
    }
    struct span middle = span_part(rest, 0, middle_size);
    if (pattern->part_count == 1) {
        return match_one(&pattern->parts[0], middle, captures);
    }
    return match_many(pattern, middle, captures);
}

bool
pattern_has_capture(const struct pattern *pattern, struct span name)
{
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        if (part->kind != PATTERN_LITERAL && part->text.size > 0 && span_equal(part->text, name)) {
            return true;
        }
    }
    return false;
}

bool
pattern_is_catch_all(const struct pattern *pattern)
{
    return pattern->part_count == 1 && pattern->parts[0].kind == PATTERN_ANYTHING &&
           pattern->prefix.size == 0 && pattern->suffix.size == 0;
}

static struct span
part_value(const struct pattern_part *part, const struct pattern_captures *captures)
{
    if (part->kind == PATTERN_LITERAL) {
        return part->text;
    }
    uint32_t i = 0;
    while (i < captures->count && !span_equal(captures->items[i].name, part->text)) {
        i++;
    }
    CHECK(i < captures->count);
    return captures->items[i].value;
}

void
pattern_captures_add(struct pattern_captures *captures, const struct pattern_captures *others)
{
    CHECK(captures->count + others->count <= COUNT_OF(captures->items));
    for (uint32_t i = 0; i < others->count; i++) {
        captures->items[captures->count] = others->items[i];
        captures->count++;
    }
}

size_t
pattern_template_size(const struct pattern_template *made, const struct pattern_captures *captures)
{
    size_t size = 0;
    for (uint32_t i = 0; i < made->part_count; i++) {
        size += part_value(&made->parts[i], captures).size;
    }
    return size;
}

struct span
pattern_template_expand(const struct pattern_template *made,
    const struct pattern_captures *captures, struct arena *arena)
{
    size_t size = pattern_template_size(made, captures);
    uint8_t *text = arena_take(arena, size);
    if (text == NULL) {
        return SPAN_NONE;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < made->part_count; i++) {
        struct span value = part_value(&made->parts[i], captures);
        if (value.size > 0) {
            memcpy(&text[at], value.data, value.size);
            at += value.size;
        }
    }
    CHECK(at == size);
    return span_from(text, size);
}

const char *
pattern_result_name(enum pattern_result result)
{
    switch (result) {
    case PATTERN_OK:
        return "ok";
    case PATTERN_EMPTY:
        return "empty";
    case PATTERN_TOO_LONG:
        return "too_long";
    case PATTERN_BAD_TEXT:
        return "bad_text";
    case PATTERN_TOO_MANY_WILDCARDS:
        return "too_many_wildcards";
    case PATTERN_STAR_RUN:
        return "star_run";
    case PATTERN_BAD_CAPTURE:
        return "bad_capture";
    case PATTERN_DUPLICATE_CAPTURE:
        return "duplicate_capture";
    case PATTERN_STAR_IN_TEMPLATE:
        return "star_in_template";
    case PATTERN_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}

const char *
pattern_result_text(enum pattern_result result)
{
    switch (result) {
    case PATTERN_OK:
        return "is fine";
    case PATTERN_EMPTY:
        return "is empty";
    case PATTERN_TOO_LONG:
        return "is longer than 256 bytes";
    case PATTERN_BAD_TEXT:
        return "has a control character in it, or is not UTF-8";
    case PATTERN_TOO_MANY_WILDCARDS:
        return "has more than 16 wildcards";
    case PATTERN_STAR_RUN:
        return "has more than two stars in a row; write * for characters without a dot, ** for any";
    case PATTERN_BAD_CAPTURE:
        return "has a brace that is no capture; write {name} or {name**}, the name of letters, "
               "digits and _";
    case PATTERN_DUPLICATE_CAPTURE:
        return "has two captures of the same name";
    case PATTERN_STAR_IN_TEMPLATE:
        return "has a wildcard, but makes a name; capture with {name} in match.function and write "
               "{name} here";
    case PATTERN_NO_MEMORY:
        return "does not fit into memory";
    }
    return "unknown";
}
