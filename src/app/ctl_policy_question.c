/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_question.c - KEY=VALUE by KEY=VALUE, until a function can be asked about.
 */
#include "app/ctl_policy_question.h"

#include <stdio.h>
#include <string.h>

#include "bridge/pattern.h"
#include "core/limits.h"
#include "host/policy_test.h"
#include "host/suggest.h"
#include "host/value.h"

enum key {
    KEY_FUNCTION = 0,
    KEY_FUNCTION_ID,
    KEY_VERSION,
    KEY_TAGS,
    KEY_RESOURCES,
    KEY_SCOPE,
    KEY_ORIGIN,
    KEY_PATH,
    KEY_AT,
    KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = { "function", "function_id", "version", "tags",
    "resources", "scope", "origin", "path", "at" };

#define ALLOWED                                                                                    \
    "(allowed: function, function_id, version, tags, resources, scope, origin, path, at)"

void
ctl_policy_question_init(struct ctl_policy_question *question)
{
    *question = (struct ctl_policy_question){ .in = policy_test_advertisement(SPAN_NONE) };
}

/* KEY_COUNT: none, which was said. */
static enum key
find_key(const struct options *line, const char *name)
{
    struct suggest suggest;
    suggest_init(&suggest, name);
    for (int key = 0; key < KEY_COUNT; key++) {
        if (strcmp(key_names[key], name) == 0) {
            return (enum key)key;
        }
        suggest_offer(&suggest, key_names[key]);
    }
    if (suggest.best != NULL) {
        (void)options_fault(line, "unknown key %s; did you mean '%s'? " ALLOWED,
            value_quote(name).text, suggest.best);
    } else {
        (void)options_fault(line, "unknown key %s " ALLOWED, value_quote(name).text);
    }
    return KEY_COUNT;
}

static bool
take_text(const struct options *line, enum key key, struct span text, struct span *into)
{
    *into = text;
    if (text.size == 0) {
        (void)options_fault(line, "%s= has an empty text", key_names[key]);
    } else if (text.size > NAME_SIZE_MAX) {
        (void)options_fault(line, "%s= has a text longer than 512 bytes", key_names[key]);
    } else if (!pattern_is_plain(text)) {
        (void)options_fault(
            line, "%s= has a text that is not UTF-8 or has control characters", key_names[key]);
    } else {
        return true;
    }
    return false;
}

static bool
take_list(const struct options *line, enum key key, struct span text, struct arena *arena,
    struct text_list *list)
{
    uint32_t most = key == KEY_PATH ? PATH_COUNT_MAX : LIST_COUNT_MAX;
    struct span *items = arena_take(arena, most * sizeof(*items));
    *list = (struct text_list){ .items = items };
    bool more = text.size > 0;
    while (items != NULL && more) {
        size_t size = span_find(text, ',');
        more = size < text.size;
        if (list->count == most) {
            (void)options_fault(line, "%s= has more than %u items", key_names[key], most);
            return false;
        }
        if (!take_text(line, key, span_part(text, 0, size), &items[list->count])) {
            return false;
        }
        list->count++;
        text = span_after(text, more ? size + 1 : size);
    }
    return items != NULL;
}

static bool
take_version(const struct options *line, const char *text, struct function_identity *identity)
{
    identity->version_text = span_from_text(text);
    bool parsed = version_parse(identity->version_text, &identity->version);
    if (!parsed) {
        (void)options_fault(line, "version=%s is not a version; write 1.2.3", text);
    }
    return parsed;
}

static bool
take_scope(const struct options *line, const char *text, struct span *scope)
{
    static const char *const scopes[] = { "local", "zone", "region", "global" };
    *scope = span_from_text(text);
    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        if (strcmp(scopes[i], text) == 0) {
            return true;
        }
    }
    (void)options_fault(line, "scope=%s is no scope (allowed: local, zone, region, global)", text);
    return false;
}

static bool
take_time(const struct options *line, const char *text, struct ctl_policy_question *question)
{
    enum value_result result = value_read_time(text, &question->at);
    question->has_at = result == VALUE_OK;
    if (!question->has_at) {
        struct value_words words = value_explain(VALUE_TIME, result, text);
        (void)options_fault(line, "at=: %s; %s", words.message, words.hint);
    }
    return question->has_at;
}

bool
ctl_policy_question_take(struct ctl_policy_question *question, const struct options *line,
    char *text, struct arena *arena)
{
    struct advertisement *in = &question->in;
    char *value = strchr(text, '=');
    if (value == NULL) {
        (void)options_fault(line, "%s is not KEY=VALUE", value_quote(text).text);
        return false;
    }
    *value = '\0';
    value++;
    enum key key = find_key(line, text);
    if (key != KEY_COUNT && (question->given & 1u << key) != 0) {
        (void)options_fault(line, "%s= is given twice; a list has commas: tags=a,b", text);
        return false;
    }
    question->given |= 1u << key;
    switch (key) {
    case KEY_FUNCTION:
        return take_text(line, key, span_from_text(value), &in->identity.name);
    case KEY_FUNCTION_ID:
        return take_text(line, key, span_from_text(value), &in->identity.function_id);
    case KEY_VERSION:
        return take_version(line, value, &in->identity);
    case KEY_TAGS:
        return take_list(line, key, span_from_text(value), arena, &in->tags);
    case KEY_RESOURCES:
        return take_list(line, key, span_from_text(value), arena, &in->resources);
    case KEY_SCOPE:
        return take_scope(line, value, &in->scope);
    case KEY_ORIGIN:
        return take_text(line, key, span_from_text(value), &in->origin);
    case KEY_PATH:
        return take_list(line, key, span_from_text(value), arena, &in->path);
    case KEY_AT:
        return take_time(line, value, question);
    case KEY_COUNT:
        break;
    }
    return false;
}

bool
ctl_policy_question_complete(struct ctl_policy_question *question, const struct options *line)
{
    struct function_identity *identity = &question->in.identity;
    if (identity->name.size == 0) {
        (void)options_fault(line, "function=NAME is missing");
        return false;
    }
    if (identity->function_id.size == 0) {
        identity->function_id = identity->name;
    }
    if (!policy_test_complete_path(&question->in, &question->origin_slot)) {
        (void)options_fault(line, "path= must begin with origin=; one of them is enough");
        return false;
    }
    return true;
}
