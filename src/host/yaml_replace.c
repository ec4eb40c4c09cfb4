/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_replace.c - one pass from dollar sign to dollar sign; what was put in is not looked at again. */
#include "host/yaml_replace.h"

#include <stdio.h>
#include <string.h>

struct replacement {
    const struct yaml_environment *environment;
    struct yaml_place place;
    struct yaml_errors *errors;
    struct buf *out;
    bool failed;
};

static bool
is_name_letter(uint8_t letter, bool is_first)
{
    bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    return is_letter || letter == '_' || (!is_first && letter >= '0' && letter <= '9');
}

static size_t
name_size(struct span text)
{
    size_t size = 0;
    while (size < text.size && is_name_letter(text.data[size], size == 0)) {
        size++;
    }
    return size;
}

static void
fault(struct replacement *replacement, const char *subject, const char *claim, const char *hint)
{
    replacement->failed = true;
    yaml_errors_add(replacement->errors, YAML_ERROR, replacement->place, "'%s' %s", subject, claim);
    yaml_errors_hint(replacement->errors, "%s", hint);
}

/* `fallback` is SPAN_NONE when there is none, which an empty one is not. */
static void
put_variable(struct replacement *replacement, const char *name, struct span fallback)
{
    const struct yaml_environment *environment = replacement->environment;
    const char *value =
        environment->lookup == NULL ? NULL : environment->lookup(environment->host, name);

    if (fallback.data != NULL && (value == NULL || value[0] == '\0')) {
        buf_add(replacement->out, fallback);
    } else if (value == NULL) {
        char hint[YAML_VARIABLE_SIZE_MAX + 48];
        snprintf(hint, sizeof(hint), "define it, or write ${%s:-default}", name);
        fault(replacement, name, "is not defined in the environment", hint);
    } else {
        buf_add_text(replacement->out, value);
    }
}

/* What begins with "${"; how much of `text` it was. */
static size_t
replace_one(struct replacement *replacement, struct span text)
{
    char name[YAML_VARIABLE_SIZE_MAX + 1] = "";
    struct span inside = span_part(text, 2, span_find(text, '}') - 2);
    size_t size = name_size(inside);
    size_t used = inside.size + 3;

    if (used > text.size) {
        fault(replacement, "${", "has no closing brace", "write ${NAME}, or $$ for a dollar sign");
        return text.size;
    }
    if (size == 0 || size > YAML_VARIABLE_SIZE_MAX) {
        fault(replacement, "${", "is not followed by a variable's name",
            "a name has letters, digits and '_'; write $$ for a dollar sign");
        return used;
    }
    memcpy(name, inside.data, size);
    struct span rest = span_after(inside, size);
    if (rest.size == 0) {
        put_variable(replacement, name, SPAN_NONE);
    } else if (span_starts_with(rest, SPAN(":-"))) {
        put_variable(replacement, name, span_after(rest, 2));
    } else {
        fault(replacement, name, "is followed by neither '}' nor ':-'",
            "write ${NAME} or ${NAME:-default}");
    }
    return used;
}

bool
yaml_replace_variables(struct span text, const struct yaml_environment *environment,
    struct yaml_place place, struct yaml_errors *errors, struct buf *out)
{
    struct replacement replacement = {
        .environment = environment,
        .place = place,
        .errors = errors,
        .out = out,
    };
    while (text.size > 0) {
        size_t used = span_find(text, '$');
        buf_add(out, span_part(text, 0, used));
        text = span_after(text, used);
        if (text.size == 0) {
            break;
        }
        if (span_starts_with(text, SPAN("$$"))) {
            buf_add(out, SPAN("$"));
            used = 2;
        } else if (span_starts_with(text, SPAN("${"))) {
            used = replace_one(&replacement, text);
        } else {
            fault(&replacement, "$", "stands alone",
                "write ${NAME}, in quotes inside [ ] and { }, or $$ for a dollar sign");
            used = 1;
        }
        text = span_after(text, used);
    }
    return !replacement.failed;
}
