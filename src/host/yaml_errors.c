/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_errors.c - texts are made safe to print when they come in, once, for every way out. */
#include "host/yaml_errors.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/utf8.h"

#define ESCAPE_SIZE 4 /* \x1b, the longest form of one byte */
#define CUT_MARK    "..."

/* Writes the next character of `text` in its safe form; its size in the text. */
static size_t
escape_one(struct span text, char out[ESCAPE_SIZE + 1])
{
    size_t size = utf8_size(text);
    uint8_t byte = text.data[0];
    /* C1 controls (U+0080 to U+009F) move a terminal's cursor as C0 controls do. */
    bool is_c1 = size == 2 && byte == 0xc2 && text.data[1] < 0xa0;

    if (byte == '\n') {
        memcpy(out, "\\n", 3);
    } else if (byte == '\t') {
        memcpy(out, "\\t", 3);
    } else if (size == 0 || is_c1 || byte < 0x20 || byte == 0x7f) {
        snprintf(out, ESCAPE_SIZE + 1, "\\x%02x", is_c1 ? text.data[1] : byte);
    } else {
        memcpy(out, text.data, size);
        out[size] = '\0';
    }
    return size == 0 ? 1 : size;
}

/* `head` and then `tail` made safe, as new memory; NULL: none left. */
static char *
join_safe(const char *head, const char *tail)
{
    char joined[YAML_ERROR_TEXT_SIZE_MAX + 1];
    size_t room = YAML_ERROR_TEXT_SIZE_MAX - strlen(CUT_MARK);
    size_t size = strlen(head);
    struct span rest = span_from_text(tail);

    memcpy(joined, head, size);
    while (rest.size > 0) {
        char safe[ESCAPE_SIZE + 1];
        size_t used = escape_one(rest, safe);
        if (size + strlen(safe) > room) {
            size_t mark_size = size > room ? 0 : strlen(CUT_MARK);
            memcpy(joined + size, CUT_MARK, mark_size);
            size += mark_size;
            break;
        }
        memcpy(joined + size, safe, strlen(safe));
        size += strlen(safe);
        rest = span_after(rest, used);
    }
    joined[size] = '\0';
    return strdup(joined);
}

/* The cast takes back the const that protects the texts while they are in the list. */
static void
release_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void
release(struct yaml_error *error)
{
    release_text(error->place.file);
    release_text(error->message);
    release_text(error->hint);
    *error = (struct yaml_error){ .hint = NULL };
}

void
yaml_errors_init(struct yaml_errors *errors)
{
    memset(errors, 0, sizeof(*errors));
}

void
yaml_errors_destroy(struct yaml_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        release(&errors->list[i]);
    }
    yaml_errors_init(errors);
}

static struct yaml_error *
newest_warning(struct yaml_errors *errors)
{
    struct yaml_error *newest = NULL;
    for (size_t i = 0; i < errors->count; i++) {
        struct yaml_error *error = &errors->list[i];
        if (error->severity == YAML_WARNING && (newest == NULL || error->order > newest->order)) {
            newest = error;
        }
    }
    return newest;
}

/* An empty entry for one more, or NULL. */
static struct yaml_error *
find_room(struct yaml_errors *errors, enum yaml_severity severity)
{
    if (errors->count < YAML_ERRORS_MAX) {
        return &errors->list[errors->count++];
    }
    errors->more++;
    struct yaml_error *room = severity == YAML_ERROR ? newest_warning(errors) : NULL;
    if (room != NULL) {
        release(room);
    }
    return room;
}

void
yaml_errors_add(struct yaml_errors *errors, enum yaml_severity severity, struct yaml_place place,
    const char *format, ...)
{
    char message[2 * YAML_ERROR_TEXT_SIZE_MAX];
    va_list arguments;
    size_t order = errors->error_count + errors->warning_count;

    errors->error_count += severity == YAML_ERROR;
    errors->warning_count += severity == YAML_WARNING;
    errors->last = find_room(errors, severity);
    if (errors->last == NULL) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    *errors->last = (struct yaml_error){
        .severity = severity,
        .place = { .line = place.line, .column = place.column },
        .order = order,
    };
    errors->last->place.file = join_safe("", place.file);
    errors->last->message = join_safe("", message);
    errors->last->hint = join_safe("", "");
    if (errors->last->place.file == NULL || errors->last->message == NULL ||
        errors->last->hint == NULL) {
        /* No memory for it: the entry is still counted. */
        release(errors->last);
        *errors->last = errors->list[errors->count - 1];
        errors->count--;
        errors->more++;
        errors->last = NULL;
    }
}

void
yaml_errors_hint(struct yaml_errors *errors, const char *format, ...)
{
    char hint[2 * YAML_ERROR_TEXT_SIZE_MAX];
    va_list arguments;
    if (errors->last == NULL) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(hint, sizeof(hint), format, arguments);
    va_end(arguments);
    char *joined = join_safe(errors->last->hint, hint);
    if (joined != NULL) {
        release_text(errors->last->hint);
        errors->last->hint = joined;
    }
}

static int
compare_places(const void *a, const void *b)
{
    const struct yaml_error *left = a;
    const struct yaml_error *right = b;
    int files = strcmp(left->place.file, right->place.file);
    if (files != 0) {
        return files;
    }
    if (left->place.line != right->place.line) {
        return left->place.line < right->place.line ? -1 : 1;
    }
    if (left->place.column != right->place.column) {
        return left->place.column < right->place.column ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

void
yaml_errors_sort(struct yaml_errors *errors)
{
    qsort(errors->list, errors->count, sizeof(errors->list[0]), compare_places);
    errors->last = NULL;
}

void
yaml_errors_print(struct yaml_errors *errors, FILE *out)
{
    yaml_errors_sort(errors);
    for (size_t i = 0; i < errors->count; i++) {
        const struct yaml_error *error = &errors->list[i];
        fprintf(out, "%s:", error->place.file);
        if (error->place.line != 0) {
            fprintf(out, "%" PRIu32 ":%" PRIu32 ":", error->place.line, error->place.column);
        }
        fprintf(out, " %s%s%s%s\n", error->severity == YAML_WARNING ? "warning: " : "",
            error->message, error->hint[0] == '\0' ? "" : "; ", error->hint);
    }
    if (errors->more > 0) {
        fprintf(out, "... and %zu more\n", errors->more);
    }
}
