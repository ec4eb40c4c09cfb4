/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_format.c - the printer. Whether a value stands on one line is decided by printing it there.
 */
#include "host/yaml_format.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define COLUMNS_MAX  100u
#define INDENT       2u
#define ONE_LINE_MAX ((size_t)4 * COLUMNS_MAX) /* bytes of a line of the widest characters */

struct printer {
    struct buf *out;
    struct mem mem;
    struct buf line; /* the value that may fit on one */
};

/* ---- Texts ---- */

static bool
is_word_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_';
}

static bool
needs_quotes(struct span text)
{
    static const char *const nothings[] = { "null", "Null", "NULL" };
    for (size_t i = 0; i < COUNT_OF(nothings); i++) {
        if (span_is(text, nothings[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool joins = byte == '.' || byte == '-' || byte == '/' || byte == ' ';
        bool inside = i > 0 && i + 1 < text.size;
        if (!is_word_byte(byte) && !(joins && inside)) {
            return true;
        }
    }
    return text.size == 0;
}

/* What YAML takes for a line break, or does not allow unescaped. */
static bool
needs_escape(uint32_t character)
{
    return (character >= 0x7f && character < 0xa0) || character == 0x2028 || character == 0x2029 ||
           character == 0xfeff || (character & 0xfffe) == 0xfffe;
}

static uint32_t
decode(struct span character)
{
    static const uint8_t lead_masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t decoded = character.data[0] & lead_masks[character.size];
    for (size_t i = 1; i < character.size; i++) {
        decoded = decoded << 6 | (character.data[i] & 0x3fu);
    }
    return decoded;
}

static void
add_character(struct buf *out, struct span character)
{
    char escaped[16];
    uint32_t decoded = decode(character);
    if (decoded == '"' || decoded == '\\') {
        buf_add_text(out, "\\");
        buf_add(out, character);
    } else if (decoded == '\n') {
        buf_add_text(out, "\\n");
    } else if (decoded == '\t') {
        buf_add_text(out, "\\t");
    } else if (needs_escape(decoded)) {
        (void)snprintf(escaped, sizeof(escaped), "\\U%08x", decoded);
        buf_add_text(out, escaped);
    } else {
        buf_add(out, character);
    }
}

static void
add_text(struct buf *out, const char *text)
{
    struct span rest = span_from_text(text);
    if (!needs_quotes(rest)) {
        buf_add(out, rest);
        return;
    }
    buf_add_text(out, "\"");
    while (rest.size > 0) {
        size_t size = utf8_sequence_size(rest, 0);
        CHECK(size > 0);
        add_character(out, span_part(rest, 0, size));
        rest = span_after(rest, size);
    }
    buf_add_text(out, "\"");
}

/* ---- The order of keys ---- */

/* A value and what its table says of it; both may be NULL. */
struct item {
    const struct yaml_node *node;
    const struct yaml_key *key;
};

/* The value behind `before` (.node NULL: the first) in canonical order; .node NULL: there is none. */
static struct item
next_value(const struct yaml_node *mapping, const struct yaml_shape *shape, struct item before)
{
    struct item next = { .node = NULL };
    if (shape == NULL) {
        next.node = before.node == NULL ? mapping->first : before.node->next;
        return next;
    }
    size_t i = before.key == NULL ? 0 : (size_t)(before.key - shape->keys) + 1;
    for (; next.node == NULL && i < shape->key_count; i++) {
        next.key = &shape->keys[i];
        next.node = yaml_find(mapping, shape->keys[i].name);
    }
    return next;
}

static const struct yaml_shape *
shape_of(const struct yaml_key *key)
{
    return key != NULL && key->type == YAML_TYPE_MAPPING ? key->shape : NULL;
}

/* One text without brackets says the same as a list of it. */
static const struct yaml_node *
without_brackets(struct item item)
{
    const struct yaml_node *node = item.node;
    bool lone = item.key != NULL && item.key->or_one && node->kind == YAML_SEQUENCE &&
                node->count == 1 && node->first->kind == YAML_SCALAR;
    return lone ? node->first : node;
}

/* ---- On one line ---- */

/* A time or a percentage: YAML has no other use for its colons and signs. With a variable in it, it is a text. */
static bool
is_plain_value(struct item item)
{
    struct wall time;
    uint32_t percent = 0;
    bool is_time = item.key != NULL && item.key->type == YAML_TYPE_TIME;
    bool is_percent = item.key != NULL && item.key->type == YAML_TYPE_PERCENT;
    return (is_time && value_read_time(item.node->text, &time) == VALUE_OK) ||
           (is_percent && value_read_percent(item.node->text, &percent) == VALUE_OK);
}

static void
add_flow(struct buf *out, struct item item)
{
    const struct yaml_node *node = without_brackets(item);
    struct item value = { .node = NULL };
    bool first = true;
    switch (node->kind) {
    case YAML_SCALAR:
        if (is_plain_value(item)) {
            buf_add_text(out, node->text);
        } else {
            add_text(out, node->text);
        }
        break;
    case YAML_SEQUENCE:
        buf_add_text(out, "[");
        for (const struct yaml_node *each = node->first; each != NULL && !out->overflowed;
             each = each->next) {
            buf_add_text(out, each == node->first ? "" : ", ");
            struct item inner = { .node = each,
                .key = shape_of(item.key) == NULL ? NULL : item.key };
            add_flow(out, inner);
        }
        buf_add_text(out, "]");
        break;
    case YAML_MAPPING:
        buf_add_text(out, "{");
        while ((value = next_value(node, shape_of(item.key), value)).node != NULL &&
               !out->overflowed) {
            buf_add_text(out, first ? "" : ", ");
            add_text(out, value.node->key->text);
            buf_add_text(out, ": ");
            add_flow(out, value);
            first = false;
        }
        buf_add_text(out, "}");
        break;
    }
}

/* A list of mappings is one entry a line, and so is all around it. */
static bool
has_entries(const struct yaml_node *node)
{
    bool found = false;
    for (const struct yaml_node *each = node->first; !found && each != NULL; each = each->next) {
        found = (node->kind == YAML_SEQUENCE && each->kind == YAML_MAPPING) || has_entries(each);
    }
    return found;
}

static size_t
count_columns(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += !utf8_is_continuation(text.data[i]);
    }
    return count;
}

/* Print `lead` and the value behind `column` columns if it fits there. A scalar always does. */
static bool
print_on_line(struct printer *printer, const char *lead, struct item item, size_t column)
{
    if (without_brackets(item)->kind == YAML_SCALAR) {
        buf_add_text(printer->out, lead);
        add_flow(printer->out, item);
        return true;
    }
    if (has_entries(item.node)) {
        return false;
    }
    buf_reset(&printer->line);
    add_flow(&printer->line, item);
    struct span line = buf_span(&printer->line);
    bool is_empty = item.node->count == 0;
    if (!is_empty && (printer->line.overflowed || column + count_columns(line) > COLUMNS_MAX)) {
        return false;
    }
    buf_add_text(printer->out, lead);
    buf_add(printer->out, line);
    return true;
}

/* ---- In blocks ---- */

static void
indent(struct printer *printer, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        buf_add_u8(printer->out, ' ');
    }
}

static void print_mapping(struct printer *printer, const struct yaml_node *mapping,
    const struct yaml_shape *shape, size_t columns);

static void
print_sequence(struct printer *printer, struct item list, size_t columns)
{
    for (const struct yaml_node *each = list.node->first; each != NULL; each = each->next) {
        /* The key says what each is; that one may stand without brackets is not meant of it. */
        struct yaml_key key = { .type = YAML_TYPE_TEXT };
        struct item item = { .node = each, .key = NULL };
        if (shape_of(list.key) != NULL) {
            key = *list.key;
            key.or_one = false;
            item.key = &key;
        }
        indent(printer, columns);
        buf_add_text(printer->out, "- ");
        if (print_on_line(printer, "", item, columns + INDENT)) {
            buf_add_text(printer->out, "\n");
        } else {
            print_mapping(printer, each, shape_of(item.key), columns + INDENT);
        }
    }
}

static void
print_value(struct printer *printer, struct item value, size_t columns)
{
    size_t before = printer->out->size;
    add_text(printer->out, value.node->key->text);
    buf_add_text(printer->out, ":");
    size_t column = columns + (printer->out->size - before) + 1;
    if (print_on_line(printer, " ", value, column)) {
        buf_add_text(printer->out, "\n");
        return;
    }
    buf_add_text(printer->out, "\n");
    if (value.node->kind == YAML_SEQUENCE) {
        print_sequence(printer, value, columns + INDENT);
    } else {
        indent(printer, columns + INDENT);
        print_mapping(printer, value.node, shape_of(value.key), columns + INDENT);
    }
}

/* The first line has its indentation already. */
static void
print_mapping(struct printer *printer, const struct yaml_node *mapping,
    const struct yaml_shape *shape, size_t columns)
{
    struct item value = { .node = NULL };
    bool first = true;
    while ((value = next_value(mapping, shape, value)).node != NULL) {
        /* At the top, sections are set apart. */
        if (columns == 0 && !first && has_entries(value.node)) {
            buf_add_text(printer->out, "\n");
        }
        if (!first) {
            indent(printer, columns);
        }
        print_value(printer, value, columns);
        first = false;
    }
}

void
yaml_format_line(const struct yaml_node *mapping, const struct yaml_shape *shape, struct buf *out)
{
    struct yaml_key key = { .type = YAML_TYPE_MAPPING, .shape = shape };
    struct item item = { .node = mapping, .key = &key };
    CHECK(mapping->kind == YAML_MAPPING);
    add_flow(out, item);
}

void
yaml_format(const struct yaml_node *root, const struct yaml_shape *shape, struct buf *out)
{
    struct printer printer = { .out = out };
    CHECK(root->kind == YAML_MAPPING);
    mem_init(&printer.mem, 4 * ONE_LINE_MAX);
    buf_init(&printer.line, &printer.mem, ONE_LINE_MAX);
    print_mapping(&printer, root, shape, 0);
    buf_destroy(&printer.line);
}
