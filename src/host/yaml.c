/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - documents: how they come into being and how their tree is walked. yaml_load.c builds it. */
#include "host/yaml.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "host/yaml_load.h"

static_assert(YAML_FILE_SIZE_MAX == (size_t)8 * 1024 * 1024, "said in judge_input");

static const char *
lookup_process(void *host, const char *name)
{
    (void)host;
    return getenv(name);
}

const struct yaml_environment yaml_process_environment = { .lookup = lookup_process };

static struct yaml_doc *
create_doc(const char *name)
{
    struct yaml_doc *doc = calloc(1, sizeof(*doc));
    if (doc == NULL) {
        return NULL;
    }
    mem_init(&doc->mem, YAML_MEMORY_MAX);
    arena_init(&doc->arena, &doc->mem);
    char *copy = arena_take(&doc->arena, strlen(name) + 1);
    if (copy == NULL) {
        yaml_doc_free(doc);
        return NULL;
    }
    memcpy(copy, name, strlen(name));
    doc->name = copy;
    return doc;
}

/* What can be said before anything is parsed; false: reported. */
static bool
judge_input(const char *name, struct span text, struct yaml_errors *errors)
{
    struct yaml_place whole = { .file = name };
    if (text.size > YAML_FILE_SIZE_MAX) {
        yaml_errors_add(errors, YAML_ERROR, whole, "the file is too large");
        yaml_errors_hint(errors, "8MiB are allowed");
        return false;
    }
    if (span_starts_with(text, SPAN("\xff\xfe")) || span_starts_with(text, SPAN("\xfe\xff"))) {
        yaml_errors_add(errors, YAML_ERROR, whole, "the file is in UTF-16");
        yaml_errors_hint(errors, "save it as UTF-8");
        return false;
    }
    return true;
}

struct yaml_doc *
yaml_load_text(const char *name, struct span text, const struct yaml_environment *environment,
    struct yaml_errors *errors)
{
    if (!judge_input(name, text, errors)) {
        return NULL;
    }
    struct yaml_doc *doc = create_doc(name);
    if (doc == NULL) {
        yaml_errors_add(errors, YAML_ERROR, (struct yaml_place){ .file = name },
            "not enough memory to read it");
        return NULL;
    }
    if (!yaml_load_tree(doc, text, environment, errors)) {
        yaml_doc_free(doc);
        return NULL;
    }
    return doc;
}

/* Everything that `file` has, or one byte more than is allowed; false: errno says why. */
static bool
read_all(FILE *file, struct buf *content)
{
    const size_t step = 64 * (size_t)1024;
    while (content->size <= YAML_FILE_SIZE_MAX) {
        size_t left = YAML_FILE_SIZE_MAX + 1 - content->size;
        size_t size = left < step ? left : step;
        uint8_t *place = buf_reserve(content, size);
        if (place == NULL) {
            errno = ENOMEM;
            return false;
        }
        size_t got = fread(place, 1, size, file);
        buf_commit(content, got);
        if (got < size) {
            return ferror(file) == 0;
        }
    }
    return true;
}

struct yaml_doc *
yaml_load_file(
    const char *path, const struct yaml_environment *environment, struct yaml_errors *errors)
{
    struct yaml_doc *doc = NULL;
    struct mem mem;
    struct buf content;
    FILE *file = fopen(path, "rbe");

    mem_init(&mem, 2 * YAML_FILE_SIZE_MAX);
    buf_init(&content, &mem, YAML_FILE_SIZE_MAX + 1);
    if (file == NULL || !read_all(file, &content)) {
        yaml_errors_add(errors, YAML_ERROR, (struct yaml_place){ .file = path },
            "the file cannot be read: %s", strerror(errno));
    } else {
        doc = yaml_load_text(path, buf_span(&content), environment, errors);
    }
    if (file != NULL) {
        fclose(file);
    }
    buf_destroy(&content);
    return doc;
}

void
yaml_doc_free(struct yaml_doc *doc)
{
    if (doc == NULL) {
        return;
    }
    arena_destroy(&doc->arena);
    CHECK(doc->mem.used == 0);
    free(doc);
}

const struct yaml_node *
yaml_doc_root(const struct yaml_doc *doc)
{
    CHECK(doc->root != NULL);
    return doc->root;
}

const char *
yaml_doc_name(const struct yaml_doc *doc)
{
    return doc->name;
}

void *
yaml_doc_take(struct yaml_doc *doc, size_t size)
{
    return arena_take(&doc->arena, size);
}

struct yaml_place
yaml_place(const struct yaml_node *node)
{
    return (struct yaml_place){
        .file = node->doc->name,
        .line = node->line,
        .column = node->column,
    };
}

const struct yaml_node *
yaml_find(const struct yaml_node *node, const char *key)
{
    if (node == NULL || node->kind != YAML_MAPPING) {
        return NULL;
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        if (!value->key->faulty && strcmp(value->key->text, key) == 0) {
            return value;
        }
    }
    return NULL;
}

const struct yaml_node *
yaml_item(const struct yaml_node *node, uint32_t position)
{
    if (node == NULL || node->kind != YAML_SEQUENCE) {
        return NULL;
    }
    const struct yaml_node *item = node->first;
    while (item != NULL && item->position != position) {
        item = item->next;
    }
    return item;
}

struct yaml_path
yaml_path(const struct yaml_node *node)
{
    struct yaml_path path = { .text = "the file" };
    char reversed[sizeof(path.text)];
    size_t begin = sizeof(reversed) - 1;
    reversed[begin] = '\0';

    for (; node->parent != NULL; node = node->parent) {
        char part[64];
        if (node->key == NULL) {
            snprintf(part, sizeof(part), "[%" PRIu32 "]", node->position);
        } else {
            const char *dot = node->parent->parent == NULL ? "" : ".";
            snprintf(part, sizeof(part), "%s%.48s", dot, node->key->text);
        }
        size_t size = strlen(part);
        if (begin < size + 3) {
            begin -= 3;
            memcpy(&reversed[begin], "...", 3);
            break;
        }
        begin -= size;
        memcpy(&reversed[begin], part, size);
    }
    if (reversed[begin] != '\0') {
        memcpy(path.text, &reversed[begin], sizeof(reversed) - begin);
    }
    return path;
}

const char *
yaml_kind_words(const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_SCALAR:
        return node->no_value ? "no value" : "a text";
    case YAML_SEQUENCE:
        return "a list";
    case YAML_MAPPING:
        return "a mapping";
    }
    return "a value";
}
