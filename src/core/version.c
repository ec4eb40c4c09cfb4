/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.c - reading versions and constraints as the reference does (protocol.md 4.2, 6.2).
 */
#include "core/version.h"

#include "core/limits.h"

/* 999999999 */
#define PART_DIGITS_MAX 9u

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
is_parenthesis(uint8_t byte)
{
    return byte == '(' || byte == ')';
}

/* `text` without what `goes` says at its ends. */
static struct span
strip(struct span text, bool (*goes)(uint8_t byte))
{
    while (text.size > 0 && goes(text.data[0])) {
        text = span_after(text, 1);
    }
    while (text.size > 0 && goes(text.data[text.size - 1])) {
        text = span_part(text, 0, text.size - 1);
    }
    return text;
}

/* One number off the front of *rest. Leading zeros count for nothing, as in the reference. */
static bool
take_part(struct span *rest, uint32_t *part)
{
    size_t size = 0;
    uint32_t value = 0;
    uint32_t digits = 0;
    while (size < rest->size && is_digit(rest->data[size])) {
        digits += value > 0 || rest->data[size] != '0';
        if (digits > PART_DIGITS_MAX) {
            return false;
        }
        value = value * 10 + (uint32_t)(rest->data[size] - '0');
        size++;
    }
    *rest = span_after(*rest, size);
    *part = value;
    return size > 0;
}

bool
version_parse(struct span text, struct version *version)
{
    uint32_t parts[3] = { 0 };
    struct span rest = strip(text, is_space);
    if (rest.size > 0 && rest.data[0] == 'v') {
        rest = span_after(rest, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        if (!take_part(&rest, &parts[i])) {
            return false;
        }
        if (rest.size == 0) {
            *version = (struct version){ parts[0], parts[1], parts[2] };
            return true;
        }
        if (rest.data[0] != '.') {
            return false;
        }
        rest = span_after(rest, 1);
    }
    return false;
}

int
version_compare(struct version a, struct version b)
{
    if (a.major != b.major) {
        return a.major < b.major ? -1 : 1;
    }
    if (a.minor != b.minor) {
        return a.minor < b.minor ? -1 : 1;
    }
    return (a.patch > b.patch) - (a.patch < b.patch);
}

/* Copy `text` without the word "version"; *kept names the copy in `room`. false: too long for a constraint. */
static bool
drop_word(struct span text, uint8_t room[NAME_SIZE_MAX], struct span *kept)
{
    const struct span word = SPAN("version");
    size_t size = 0;
    if (text.size > NAME_SIZE_MAX) {
        return false;
    }
    for (size_t at = 0; at < text.size;) {
        if (span_starts_with(span_after(text, at), word)) {
            at += word.size;
        } else {
            room[size] = text.data[at];
            size++;
            at++;
        }
    }
    *kept = span_from(room, size);
    return true;
}

/* The relation at the front of *term, which is taken off; a version alone means equal. */
static enum version_relation
take_relation(struct span *term)
{
    static const struct {
        struct span sign;
        enum version_relation relation;
    } relations[] = {
        /* The longer sign first. */
        { { (const uint8_t *)">=", 2 }, VERSION_GREATER_OR_EQUAL },
        { { (const uint8_t *)"<=", 2 }, VERSION_LESS_OR_EQUAL },
        { { (const uint8_t *)"==", 2 }, VERSION_EQUAL },
        { { (const uint8_t *)"=", 1 }, VERSION_EQUAL },
        { { (const uint8_t *)"<", 1 }, VERSION_LESS },
        { { (const uint8_t *)">", 1 }, VERSION_GREATER },
    };
    for (size_t i = 0; i < COUNT_OF(relations); i++) {
        if (span_starts_with(*term, relations[i].sign)) {
            *term = span_after(*term, relations[i].sign.size);
            return relations[i].relation;
        }
    }
    return VERSION_EQUAL;
}

static bool
is_minimum(enum version_relation relation)
{
    return relation == VERSION_GREATER || relation == VERSION_GREATER_OR_EQUAL;
}

/*
 * Whether the reference takes a term after those before it: an exact version stands alone, a minimum only rises, a maximum
 * only falls. What it refuses would cost us the connection if we sent it on (protocol.md 6.1).
 */
static bool
term_fits(
    const struct version_constraint *before, enum version_relation relation, struct version version)
{
    for (uint32_t i = 0; i < before->count; i++) {
        enum version_relation other = before->terms[i].relation;
        if (relation == VERSION_EQUAL || other == VERSION_EQUAL) {
            return false;
        }
        int order = version_compare(version, before->terms[i].version);
        bool loosens = is_minimum(relation) ? order < 0 : order > 0;
        if (is_minimum(relation) == is_minimum(other) && loosens) {
            return false;
        }
    }
    return true;
}

static bool
add_term(struct version_constraint *constraint, struct span term)
{
    struct version version;
    enum version_relation relation = take_relation(&term);
    if (constraint->count == VERSION_CONSTRAINTS_MAX || !version_parse(term, &version) ||
        !term_fits(constraint, relation, version)) {
        return false;
    }
    constraint->terms[constraint->count].relation = relation;
    constraint->terms[constraint->count].version = version;
    constraint->count++;
    return true;
}

bool
version_constraint_parse(struct span text, struct version_constraint *constraint)
{
    uint8_t room[NAME_SIZE_MAX];
    struct version_constraint parsed = { .count = 0 };
    struct span rest = strip(strip(text, is_space), is_parenthesis);
    if (!drop_word(rest, room, &rest)) {
        return false;
    }
    while (rest.size > 0) {
        size_t size = span_find(rest, ',');
        struct span term = strip(span_part(rest, 0, size), is_space);
        if (term.size > 0 && !add_term(&parsed, term)) {
            return false;
        }
        rest = span_after(rest, size < rest.size ? size + 1 : size);
    }
    *constraint = parsed;
    return true;
}

static bool
term_holds(int order, enum version_relation relation)
{
    switch (relation) {
    case VERSION_EQUAL:
        return order == 0;
    case VERSION_LESS:
        return order < 0;
    case VERSION_LESS_OR_EQUAL:
        return order <= 0;
    case VERSION_GREATER:
        return order > 0;
    case VERSION_GREATER_OR_EQUAL:
        return order >= 0;
    }
    CHECK(relation <= VERSION_GREATER_OR_EQUAL);
    return false;
}

bool
version_satisfies(struct version version, const struct version_constraint *constraint)
{
    for (uint32_t i = 0; i < constraint->count; i++) {
        int order = version_compare(version, constraint->terms[i].version);
        if (!term_holds(order, constraint->terms[i].relation)) {
            return false;
        }
    }
    return true;
}
