/* SPDX-License-Identifier: Apache-2.0 */
/* plan_strings.c - walking the strings of a JSON text. */
#include "node/plan_strings.h"

enum plan_result
plan_scan(struct span json, struct message_scratch *scratch, struct json_doc *doc)
{
    switch (json_scan(json, NULL, 0, scratch->tape, doc, NULL)) {
    case JSON_OK:
        return PLAN_OK;
    case JSON_SYNTAX:
    case JSON_BAD_UTF8:
    case JSON_BAD_ESCAPE:
        return PLAN_BAD_VALUE;
    case JSON_TOO_DEEP:
    case JSON_TOO_MANY:
        return PLAN_TOO_LARGE;
    case JSON_NO_MEMORY:
        return PLAN_NO_MEMORY;
    }
    return PLAN_NO_MEMORY;
}

/* What stands open around the token that is looked at. */
struct nesting {
    uint32_t after[JSON_DEPTH_MAX];
    bool object[JSON_DEPTH_MAX];
    uint32_t depth;
    bool key_next;
};

/* `at` is the next token: leave what ends before it. */
static void
leave_ended(struct nesting *nesting, uint32_t at)
{
    while (nesting->depth > 0 && nesting->after[nesting->depth - 1] == at) {
        nesting->depth--;
        nesting->key_next = nesting->depth > 0 && nesting->object[nesting->depth - 1];
    }
}

static void
enter(struct nesting *nesting, const struct json_token *token, bool object)
{
    CHECK(nesting->depth < JSON_DEPTH_MAX);
    nesting->after[nesting->depth] = token->after;
    nesting->object[nesting->depth] = object;
    nesting->depth++;
    nesting->key_next = object;
}

enum plan_result
plan_each_string(struct span json, struct message_scratch *scratch, plan_visit visit, void *owner)
{
    if (span_find(json, '"') == json.size) {
        return PLAN_OK;
    }
    struct json_doc doc;
    enum plan_result result = plan_scan(json, scratch, &doc);
    if (result != PLAN_OK) {
        return result;
    }
    struct nesting nesting = { .depth = 0 };
    for (uint32_t at = 0; at < doc.count; at++) {
        leave_ended(&nesting, at);
        enum json_kind kind = json_kind_of(&doc, at);
        if (nesting.key_next) {
            nesting.key_next = false;
            continue;
        }
        nesting.key_next = nesting.depth > 0 && nesting.object[nesting.depth - 1];
        if (kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT) {
            enter(&nesting, &doc.tokens[at], kind == JSON_KIND_OBJECT);
        } else if (kind == JSON_KIND_STRING) {
            struct span text = json_read_text(&doc, at, scratch->arena);
            if (text.data == NULL || !visit(owner, text, at)) {
                return PLAN_NO_MEMORY;
            }
        }
    }
    return PLAN_OK;
}

uint32_t
plan_find_name(const struct plan_value *values, uint32_t count, struct span name)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = span_compare(values[middle].name, name);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return PLAN_NO_NAME;
}

bool
plan_could_name(struct span json, struct span name)
{
    /* With an escape any string may be any name. */
    if (span_find(json, '\\') < json.size) {
        return true;
    }
    struct span rest = json;
    for (size_t quote = span_find(rest, '"'); quote < rest.size; quote = span_find(rest, '"')) {
        rest = span_after(rest, quote + 1);
        if (span_starts_with(rest, name)) {
            return true;
        }
    }
    return false;
}
