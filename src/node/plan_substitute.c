/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_substitute.c - results in the place of references (protocol.md 5.2, 4).
 *
 * First the references are found, then their values - one scan for each result that is looked into -
 * and then the text is put together once.
 */
#include <string.h>

#include "core/limits.h"
#include "node/plan_strings.h"

struct reference {
    struct reference *next;         /* in the order of the text */
    struct reference *next_of_name; /* of those that look into the same result */
    size_t offset;                  /* of the string in the text, quotes included */
    size_t size;
    struct span path;  /* behind the first "."; .data NULL: the whole result is meant */
    struct span value; /* what it stands for; .data NULL: nothing, it stays */
};

struct finder {
    const struct plan_value *values;
    uint32_t count;
    struct message_scratch *scratch;
    struct reference *first;
    struct reference *last;
    struct reference **of_name; /* by rank: the references with a path */
};

static bool
find_reference(void *owner, struct span text, uint32_t token)
{
    struct finder *finder = owner;
    size_t dot = span_find(text, '.');
    bool dotted = dot < text.size;
    uint32_t rank = plan_find_name(finder->values, finder->count, span_part(text, 0, dot));
    if (rank == PLAN_NO_NAME || finder->values[rank].result.data == NULL) {
        return true;
    }
    struct reference *reference = arena_take(finder->scratch->arena, sizeof(*reference));
    if (reference == NULL) {
        return false;
    }
    reference->offset = finder->scratch->tape->tokens[token].offset;
    reference->size = finder->scratch->tape->tokens[token].size;
    if (dotted) {
        reference->path = span_after(text, dot + 1);
        reference->next_of_name = finder->of_name[rank];
        finder->of_name[rank] = reference;
    } else {
        reference->value = finder->values[rank].result;
    }
    if (finder->last == NULL) {
        finder->first = reference;
    } else {
        finder->last->next = reference;
    }
    finder->last = reference;
    return true;
}

/* The value of the last member with this key, as in the reference's dicts; 0: there is none. */
static uint32_t
find_member(const struct json_doc *doc, uint32_t object, struct span key, uint32_t *steps_left)
{
    uint32_t found = 0;
    if (json_kind_of(doc, object) != JSON_KIND_OBJECT) {
        return 0;
    }
    JSON_EACH_MEMBER (doc, object, name, value) {
        if (*steps_left == 0) {
            return 0;
        }
        --*steps_left;
        found = json_text_is(doc, name, key) ? value : found;
    }
    return found;
}

static void
follow_path(const struct json_doc *doc, struct reference *reference, uint32_t *steps_left)
{
    uint32_t at = 0;
    struct span rest = reference->path;
    for (bool more = true; more;) {
        size_t size = span_find(rest, '.');
        at = find_member(doc, at, span_part(rest, 0, size), steps_left);
        more = at != 0 && size < rest.size;
        rest = more ? span_after(rest, size + 1) : rest;
    }
    reference->value = at == 0 ? SPAN_NONE : json_raw(doc, at);
}

static enum plan_result
follow_paths(struct finder *finder)
{
    uint32_t steps_left = PLAN_STEPS_MAX;
    for (uint32_t rank = 0; rank < finder->count; rank++) {
        struct reference *reference = finder->of_name[rank];
        struct json_doc doc;
        enum plan_result result =
            reference == NULL ? PLAN_OK
                              : plan_scan(finder->values[rank].result, finder->scratch, &doc);
        if (result != PLAN_OK) {
            return result;
        }
        for (; reference != NULL; reference = reference->next_of_name) {
            follow_path(&doc, reference, &steps_left);
        }
    }
    return steps_left == 0 ? PLAN_TOO_LARGE : PLAN_OK;
}

/* The size of the new text; 0: nothing is replaced; SIZE_MAX: above MESSAGE_SIZE_MAX. */
static size_t
replaced_size(const struct finder *finder, struct span json)
{
    bool replaced = false;
    size_t size = json.size;
    for (const struct reference *at = finder->first; at != NULL; at = at->next) {
        if (at->value.data == NULL) {
            continue;
        }
        replaced = true;
        size += at->value.size;
        size -= at->size;
        if (size > 2 * MESSAGE_SIZE_MAX) {
            return SIZE_MAX;
        }
    }
    if (size > MESSAGE_SIZE_MAX) {
        return SIZE_MAX;
    }
    return replaced ? size : 0;
}

static void
put_together(const struct finder *finder, struct span json, uint8_t *text, size_t size)
{
    size_t read = 0;
    size_t written = 0;
    for (const struct reference *at = finder->first; at != NULL; at = at->next) {
        if (at->value.data == NULL) {
            continue;
        }
        memcpy(&text[written], &json.data[read], at->offset - read);
        written += at->offset - read;
        memcpy(&text[written], at->value.data, at->value.size);
        written += at->value.size;
        read = at->offset + at->size;
    }
    memcpy(&text[written], &json.data[read], json.size - read);
    CHECK(written + json.size - read == size);
}

enum plan_result
plan_substitute(const struct plan_value *values, uint32_t count, struct span json,
    struct message_scratch *scratch, struct span *out)
{
    struct finder finder = { .values = values, .count = count, .scratch = scratch };
    finder.of_name = arena_take(scratch->arena, count * sizeof(struct reference *));
    if (finder.of_name == NULL) {
        return PLAN_NO_MEMORY;
    }
    enum plan_result result = plan_each_string(json, scratch, find_reference, &finder);
    if (result == PLAN_OK) {
        result = follow_paths(&finder);
    }
    if (result != PLAN_OK) {
        return result;
    }
    size_t size = replaced_size(&finder, json);
    if (size == SIZE_MAX) {
        return PLAN_TOO_LARGE;
    }
    if (size == 0) {
        *out = json;
        return PLAN_OK;
    }
    uint8_t *text = arena_take(scratch->arena, size);
    if (text == NULL) {
        return PLAN_NO_MEMORY;
    }
    put_together(&finder, json, text, size);
    /* Nested too deep for the next reader: better said here than lost there. */
    struct json_doc doc;
    result = plan_scan(span_from(text, size), scratch, &doc);
    if (result == PLAN_OK) {
        *out = span_from(text, size);
    }
    return result;
}
