/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_load.c - from libyaml's events to a tree. The events are taken one by one onto an explicit stack,
 * so that every limit holds before memory is spent; libyaml's own document loader has no limits.
 */
#include "host/yaml_load.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/buf.h"
#include "host/utf8.h"
#include "host/value.h"
#include "host/yaml_replace.h"

/* The numbers that the messages below say. */
static_assert(YAML_NODES_MAX == 2000000, "said in add_node");
static_assert(YAML_DEPTH_MAX == 64, "said in open_container");
static_assert(YAML_SCALAR_SIZE_MAX == (size_t)64 * 1024, "said in compose_text");

struct level {
    struct yaml_node *node; /* the container that is open */
    struct yaml_node *last; /* its newest child */
    struct yaml_node *key;  /* a mapping's key that waits for its value, or NULL */
};

struct loader {
    yaml_parser_t parser;
    struct yaml_doc *doc;
    struct span input;
    const struct yaml_environment *environment;
    struct yaml_errors *errors;
    struct buf scratch; /* one scalar while it is put together */
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    size_t node_count;
    bool ended; /* the whole stream was read */
};

static struct yaml_place
place_of_mark(const struct loader *loader, yaml_mark_t mark)
{
    return (struct yaml_place){
        .file = loader->doc->name,
        .line = (uint32_t)mark.line + 1,
        .column = (uint32_t)mark.column + 1,
    };
}

/* Ends the reading. */
static bool
refuse(struct loader *loader, yaml_mark_t mark, const char *what, const char *hint)
{
    yaml_errors_add(loader->errors, YAML_ERROR, place_of_mark(loader, mark), "%s", what);
    yaml_errors_hint(loader->errors, "%s", hint);
    return false;
}

/* The reading goes on. */
static void
report(struct loader *loader, const struct yaml_node *node, const char *what, const char *hint)
{
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node), "%s", what);
    yaml_errors_hint(loader->errors, "%s", hint);
}

/* What follows a byte order mark, which libyaml counts as a byte but not as a character. */
static struct span
without_mark(struct span input)
{
    bool marked = span_starts_with(input, SPAN("\xef\xbb\xbf"));
    return marked ? span_after(input, 3) : input;
}

/* What follows the first `count` characters. */
static struct span
after_characters(const struct loader *loader, size_t count)
{
    struct span rest = without_mark(loader->input);
    for (size_t i = 0; i < count && rest.size > 0; i++) {
        size_t size = utf8_size(rest);
        rest = span_after(rest, size == 0 ? 1 : size);
    }
    return rest;
}

/* libyaml tells where it could not decode a character only as a count of bytes. */
static struct yaml_place
place_of_offset(const struct loader *loader, size_t offset)
{
    struct yaml_place place = { .file = loader->doc->name, .line = 1, .column = 1 };
    size_t end = offset < loader->input.size ? offset : loader->input.size;
    struct span rest = without_mark(span_part(loader->input, 0, end));
    /* The offset may be inside of the character, which begins where nothing is well formed any more. */
    for (size_t size = utf8_size(rest); size > 0; size = utf8_size(rest)) {
        bool is_line_end =
            rest.data[0] == '\n' || (rest.data[0] == '\r' && !span_starts_with(rest, SPAN("\r\n")));
        place.line += is_line_end;
        place.column = is_line_end ? 1 : place.column + 1;
        rest = span_after(rest, size);
    }
    return place;
}

/* What was probably meant, from the character where the parser gave up and the one before it. */
static const char *
syntax_hint(const struct loader *loader, size_t index)
{
    struct span rest = after_characters(loader, index > 0 ? index - 1 : 0);
    bool is_first = index == 0 || rest.size == 0;
    uint8_t before = is_first ? 0 : rest.data[0];
    struct span there = is_first ? rest : span_after(rest, 1);
    uint8_t byte = there.size == 0 ? 0 : there.data[0];

    if (byte == '\t') {
        return "indent with spaces, not with tabs";
    }
    if (before == '$' && byte == '{') {
        return "inside [ ] and { } put \"${NAME}\" in quotes";
    }
    if (before == '}' || before == ']') {
        return "put a text that begins with { or [ in quotes";
    }
    if (byte != 0 && strchr("{}[],:#&*!|>%@`?-", byte) != NULL) {
        return "if this is part of a text, put the text in quotes; if not, look at the indentation";
    }
    return "look at the indentation, and for a quote or bracket that is not closed";
}

/* " while parsing a flow mapping that begins at 3:5", or nothing. */
static void
write_context(const yaml_parser_t *parser, char *context, size_t size)
{
    yaml_mark_t from = parser->context_mark;
    if (parser->context == NULL) {
        context[0] = '\0';
    } else if (from.index == parser->problem_mark.index) {
        snprintf(context, size, " %s", parser->context);
    } else {
        snprintf(context, size, " %s that begins at %zu:%zu", parser->context, from.line + 1,
            from.column + 1);
    }
}

static void
report_syntax(struct loader *loader)
{
    const yaml_parser_t *parser = &loader->parser;
    const char *problem = parser->problem == NULL ? "syntax error" : parser->problem;
    char context[128];

    if (parser->error == YAML_MEMORY_ERROR) {
        struct yaml_place whole = { .file = loader->doc->name };
        yaml_errors_add(loader->errors, YAML_ERROR, whole, "not enough memory to read it");
        return;
    }
    if (parser->error == YAML_READER_ERROR) {
        struct yaml_place place = place_of_offset(loader, parser->problem_offset);
        yaml_errors_add(loader->errors, YAML_ERROR, place, "%s", problem);
        yaml_errors_hint(loader->errors, "the file must be text in UTF-8");
        return;
    }
    struct yaml_place place = place_of_mark(loader, parser->problem_mark);
    write_context(parser, context, sizeof(context));
    yaml_errors_add(loader->errors, YAML_ERROR, place, "%s%s", problem, context);
    yaml_errors_hint(loader->errors, "%s", syntax_hint(loader, parser->problem_mark.index));
}

static bool
refuse_memory(struct loader *loader, yaml_mark_t mark)
{
    return refuse(loader, mark, "the file needs too much memory", "make it smaller");
}

/* Hang `node` into what is open: as the root, an item, a key or the value of the key before it. */
static void
attach(struct loader *loader, struct yaml_node *node)
{
    if (loader->depth == 0) {
        loader->doc->root = node;
        return;
    }
    struct level *level = &loader->levels[loader->depth - 1];
    node->parent = level->node;
    if (level->node->kind == YAML_MAPPING && level->key == NULL) {
        level->key = node;
        return;
    }
    if (level->key != NULL) {
        node->key = level->key;
        node->faulty = node->faulty || level->key->faulty;
        level->key = NULL;
    }
    if (level->last == NULL) {
        level->node->first = node;
    } else {
        level->last->next = node;
    }
    level->last = node;
    node->position = level->node->count++;
}

static bool
expects_key(const struct loader *loader)
{
    const struct level *level = loader->depth == 0 ? NULL : &loader->levels[loader->depth - 1];
    return level != NULL && level->node->kind == YAML_MAPPING && level->key == NULL;
}

/* A node that is attached; NULL: a limit was met and reported. */
static struct yaml_node *
add_node(struct loader *loader, enum yaml_kind kind, yaml_mark_t mark)
{
    if (loader->node_count == YAML_NODES_MAX) {
        refuse(loader, mark, "the file has too many values", "a file may have 2,000,000");
        return NULL;
    }
    struct yaml_node *node = arena_take(&loader->doc->arena, sizeof(*node));
    if (node == NULL) {
        refuse_memory(loader, mark);
        return NULL;
    }
    loader->node_count++;
    node->doc = loader->doc;
    node->kind = kind;
    node->text = "";
    node->line = (uint32_t)mark.line + 1;
    node->column = (uint32_t)mark.column + 1;
    attach(loader, node);
    return node;
}

static void
report_decoration(struct loader *loader, const struct yaml_node *node, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
    if (anchor != NULL) {
        report(
            loader, node, "an anchor (&) is not allowed", "write each value out where it is used");
    }
    if (tag != NULL) {
        report(loader, node, "a tag (!) is not allowed", "quote the text if it begins with '!'");
    }
}

static bool
open_container(struct loader *loader, enum yaml_kind kind, yaml_mark_t mark)
{
    bool is_key = expects_key(loader);
    if (loader->depth == YAML_DEPTH_MAX) {
        return refuse(
            loader, mark, "lists and mappings are nested too deep", "64 levels are allowed");
    }
    struct yaml_node *node = add_node(loader, kind, mark);
    if (node == NULL) {
        return false;
    }
    if (is_key) {
        report(loader, node, "a key must be a text, not a list or a mapping",
            "put a text that begins with { or [ in quotes");
        node->faulty = true;
    }
    loader->levels[loader->depth] = (struct level){ .node = node };
    loader->depth++;
    return true;
}

static int
compare_keys(const void *a, const void *b)
{
    const struct yaml_node *left = *(const struct yaml_node *const *)a;
    const struct yaml_node *right = *(const struct yaml_node *const *)b;
    int order = strcmp(left->key->text, right->key->text);
    return order != 0 ? order
                      : (left->position > right->position) - (left->position < right->position);
}

/* Sorted by key, duplicates are neighbours: a mapping of a million keys costs no more than its sort. */
static void
report_duplicates(struct loader *loader, struct yaml_node **values, size_t count)
{
    size_t original = 0;
    qsort(values, count, sizeof(values[0]), compare_keys);
    for (size_t i = 1; i < count; i++) {
        const struct yaml_node *first = values[original]->key;
        struct yaml_node *again = values[i]->key;
        if (strcmp(first->text, again->text) != 0) {
            original = i;
            continue;
        }
        if (again->faulty || first->faulty) {
            continue;
        }
        values[i]->faulty = true;
        again->faulty = true;
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(again), "key %s is given twice",
            value_quote(again->text).text);
        yaml_errors_hint(loader->errors, "it is already at %s:%" PRIu32 ":%" PRIu32,
            loader->doc->name, first->line, first->column);
    }
}

static bool
close_container(struct loader *loader, yaml_mark_t mark)
{
    CHECK(loader->depth > 0);
    loader->depth--;
    struct yaml_node *node = loader->levels[loader->depth].node;
    if (node->kind != YAML_MAPPING || node->count < 2) {
        return true;
    }
    size_t size = node->count * sizeof(node);
    struct yaml_node **values = mem_take(&loader->doc->mem, size);
    if (values == NULL) {
        return refuse_memory(loader, mark);
    }
    size_t count = 0;
    for (struct yaml_node *value = node->first; value != NULL; value = value->next) {
        values[count++] = value;
    }
    CHECK(count == node->count);
    report_duplicates(loader, values, count);
    mem_give(&loader->doc->mem, values, size);
    return true;
}

static bool
is_clean(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        bool is_control = text.data[i] < 0x20 || text.data[i] == 0x7f;
        if (is_control && text.data[i] != '\n' && text.data[i] != '\t') {
            return false;
        }
    }
    return utf8_valid(text);
}

/* Puts the text that `node` will have into the scratch buf; false: reported. */
static bool
compose_text(struct loader *loader, const struct yaml_node *node, struct span raw, bool is_key)
{
    buf_reset(&loader->scratch);
    if (is_key || loader->environment == NULL) {
        buf_add(&loader->scratch, raw);
    } else if (!yaml_replace_variables(
                   raw, loader->environment, yaml_place(node), loader->errors, &loader->scratch)) {
        return false;
    }
    if (loader->scratch.overflowed) {
        report(loader, node, "the text is too long", "64KiB are allowed");
        return false;
    }
    if (!is_clean(buf_span(&loader->scratch))) {
        report(loader, node, "the text has control characters or is not UTF-8",
            "only line feeds and tabs are allowed, also in what a variable holds");
        return false;
    }
    return true;
}

static bool
says_nothing(const yaml_event_t *event)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };
    const char *text = (const char *)event->data.scalar.value;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        }
    }
    return false;
}

static bool
add_scalar(struct loader *loader, const yaml_event_t *event)
{
    struct span raw = span_from(event->data.scalar.value, event->data.scalar.length);
    bool is_key = expects_key(loader);
    struct yaml_node *node = add_node(loader, YAML_SCALAR, event->start_mark);
    if (node == NULL) {
        return false;
    }
    report_decoration(loader, node, event->data.scalar.anchor, event->data.scalar.tag);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->no_value = says_nothing(event);
    if (!compose_text(loader, node, raw, is_key)) {
        node->faulty = true;
        return true;
    }
    char *text = arena_take(&loader->doc->arena, loader->scratch.size + 1);
    if (text == NULL) {
        return refuse_memory(loader, event->start_mark);
    }
    if (loader->scratch.size > 0) {
        memcpy(text, loader->scratch.data, loader->scratch.size);
    }
    node->text = text;
    return true;
}

static bool
add_alias(struct loader *loader, const yaml_event_t *event)
{
    struct yaml_node *node = add_node(loader, YAML_SCALAR, event->start_mark);
    if (node == NULL) {
        return false;
    }
    node->faulty = true;
    report(loader, node, "an alias (*) is not allowed",
        "write each value out where it is used, and quote a text that begins with '*'");
    return true;
}

/* Faults that end the reading give false. */
static bool
take_event(struct loader *loader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return loader->doc->root == NULL ||
               refuse(loader, event->start_mark, "a second document begins here",
                   "a file is one document; take the line '---' out");
    case YAML_SEQUENCE_START_EVENT:
        if (!open_container(loader, YAML_SEQUENCE, event->start_mark)) {
            return false;
        }
        report_decoration(loader, loader->levels[loader->depth - 1].node,
            event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return true;
    case YAML_MAPPING_START_EVENT:
        if (!open_container(loader, YAML_MAPPING, event->start_mark)) {
            return false;
        }
        report_decoration(loader, loader->levels[loader->depth - 1].node,
            event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return true;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_container(loader, event->start_mark);
    case YAML_SCALAR_EVENT:
        return add_scalar(loader, event);
    case YAML_ALIAS_EVENT:
        return add_alias(loader, event);
    case YAML_STREAM_END_EVENT:
        loader->ended = true;
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return true;
}

static bool
load(struct loader *loader)
{
    /* libyaml takes no NULL, not even for nothing. */
    const uint8_t *data = loader->input.size == 0 ? SPAN("").data : loader->input.data;
    yaml_parser_set_input_string(&loader->parser, data, loader->input.size);
    while (!loader->ended) {
        yaml_event_t event;
        if (!yaml_parser_parse(&loader->parser, &event)) {
            report_syntax(loader);
            return false;
        }
        bool good = take_event(loader, &event);
        yaml_event_delete(&event);
        if (!good) {
            return false;
        }
    }
    if (loader->doc->root == NULL) {
        return refuse(loader, (yaml_mark_t){ .index = 0 }, "the file is empty", "");
    }
    return true;
}

bool
yaml_load_tree(struct yaml_doc *doc, struct span input, const struct yaml_environment *environment,
    struct yaml_errors *errors)
{
    struct loader loader = {
        .doc = doc,
        .input = input,
        .environment = environment,
        .errors = errors,
    };
    if (!yaml_parser_initialize(&loader.parser)) {
        struct yaml_place whole = { .file = doc->name };
        yaml_errors_add(errors, YAML_ERROR, whole, "not enough memory to read it");
        return false;
    }
    buf_init(&loader.scratch, &doc->mem, YAML_SCALAR_SIZE_MAX);
    bool loaded = load(&loader);
    buf_destroy(&loader.scratch);
    yaml_parser_delete(&loader.parser);
    return loaded;
}
