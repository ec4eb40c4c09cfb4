/* SPDX-License-Identifier: Apache-2.0 */
/* value_explain.c - what is said about a text that value.c refused: what is wrong, and what to write. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/suggest.h"
#include "host/utf8.h"
#include "host/value.h"
#include "host/value_units.h"

struct value_quoted
value_quote(const char *text)
{
    struct value_quoted quoted;
    size_t size = strlen(text);
    size_t kept = 0;
    while (kept < size) {
        size_t step = utf8_size(span_from(text + kept, size - kept));
        if (step == 0 || kept + step > VALUE_QUOTED_SIZE_MAX) {
            break;
        }
        kept += step;
    }
    snprintf(
        quoted.text, sizeof(quoted.text), "'%.*s'%s", (int)kept, text, kept < size ? "..." : "");
    return quoted;
}

const char *
value_kind_words(enum value_kind kind)
{
    switch (kind) {
    case VALUE_BOOLEAN:
        return "true or false";
    case VALUE_NUMBER:
        return "a whole number";
    case VALUE_DURATION:
        return "a duration such as 30s";
    case VALUE_SIZE:
        return "a size such as 256KiB";
    case VALUE_RATE:
        return "a rate such as 500/s";
    case VALUE_PERCENT:
        return "a percentage such as 20%";
    case VALUE_TIME:
        return "a time such as 2026-12-01T08:00:00Z, or a date alone";
    case VALUE_ADDRESS:
        return "an address such as 127.0.0.1:9101";
    case VALUE_URL:
        return "a URL such as ws://127.0.0.1:9101";
    }
    return "a value";
}

static PRINTF(2) void add_hint(struct value_words *words, const char *format, ...)
{
    size_t size = strlen(words->hint);
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(words->hint + size, sizeof(words->hint) - size, format, arguments);
    va_end(arguments);
    CHECK(written >= 0);
    CHECK((size_t)written < sizeof(words->hint) - size);
}

/* "(allowed: ns, us, ...)" for kinds that have units. */
static void
add_units(enum value_kind kind, struct value_words *words)
{
    struct value_units units = value_units_of(kind);
    for (size_t i = 0; i < units.count && kind != VALUE_NUMBER; i++) {
        const char *before = i > 0 ? ", " : words->hint[0] == '\0' ? "(allowed: " : " (allowed: ";
        add_hint(words, "%s%s%s", before, units.list[i].name, i + 1 == units.count ? ")" : "");
    }
}

static void
explain_malformed(enum value_kind kind, const char *text, struct value_words *words)
{
    struct suggest suggest;
    switch (kind) {
    case VALUE_BOOLEAN:
        suggest_init(&suggest, text);
        suggest_offer(&suggest, "true");
        suggest_offer(&suggest, "false");
        if (suggest.best != NULL) {
            add_hint(words, "did you mean '%s'? ", suggest.best);
        }
        add_hint(words, "(allowed: true, false)");
        return;
    case VALUE_NUMBER:
        add_hint(words, "write digits only, without a sign or a leading zero");
        return;
    case VALUE_DURATION:
    case VALUE_SIZE:
    case VALUE_RATE:
    case VALUE_PERCENT:
        add_hint(words, "write a number and a unit: %s", value_kind_words(kind));
        add_units(kind, words);
        return;
    case VALUE_TIME:
    case VALUE_ADDRESS:
    case VALUE_URL:
        add_hint(words, "write %s", value_kind_words(kind));
        return;
    }
}

/* What value_kind_words() has in its example. */
static const char *
usual_unit(enum value_kind kind)
{
    return kind == VALUE_DURATION  ? "s"
           : kind == VALUE_SIZE    ? "KiB"
           : kind == VALUE_PERCENT ? "%"
                                   : "/s";
}

/* Proposes the text's own number: with a unit near to what was written, or with the usual one. */
static void
explain_unit(enum value_kind kind, const char *text, struct value_words *words)
{
    size_t number_size = strspn(text, "0123456789.");
    const char *name = text + number_size + strspn(text + number_size, " ");
    struct value_units units = value_units_of(kind);
    struct suggest suggest;
    suggest_init(&suggest, name);
    for (size_t i = 0; i < units.count; i++) {
        suggest_offer(&suggest, units.list[i].name);
    }
    if (number_size <= VALUE_QUOTED_SIZE_MAX && suggest.best != NULL) {
        add_hint(words, "did you mean '%.*s%s'?", (int)number_size, text, suggest.best);
    } else if (number_size <= VALUE_QUOTED_SIZE_MAX && name[0] == '\0') {
        add_hint(words, "add a unit, such as %s%s", text, usual_unit(kind));
    }
    add_units(kind, words);
}

static void
explain_too_large(enum value_kind kind, struct value_words *words)
{
    if (kind == VALUE_PERCENT) {
        add_hint(words, "the most is %d%%", VALUE_PERCENT_MAX);
        return;
    }
    bool is_number = kind != VALUE_DURATION && kind != VALUE_SIZE;
    uint64_t most = is_number ? UINT64_MAX : VALUE_QUANTITY_MAX;
    add_hint(words, "the most is %s", value_write(is_number ? VALUE_NUMBER : kind, most).text);
}

static const char *
claim_of_kind(enum value_kind kind)
{
    switch (kind) {
    case VALUE_BOOLEAN:
        return "is neither true nor false";
    case VALUE_NUMBER:
        return "is not a whole number";
    case VALUE_DURATION:
        return "is not a duration";
    case VALUE_SIZE:
        return "is not a size";
    case VALUE_RATE:
        return "is not a rate";
    case VALUE_PERCENT:
        return "is not a percentage";
    case VALUE_TIME:
        return "is not a time";
    case VALUE_ADDRESS:
        return "is not an address";
    case VALUE_URL:
        return "is not a URL";
    }
    return "is not valid";
}

/* What follows the quoted text. */
static const char *
claim_of(enum value_kind kind, enum value_result result)
{
    bool is_count = kind == VALUE_RATE || kind == VALUE_PERCENT;
    switch (result) {
    case VALUE_NO_UNIT:
        return "has no unit";
    case VALUE_BAD_UNIT:
        return "has an unknown unit";
    case VALUE_TOO_FINE:
        return is_count             ? "is not a whole number"
               : kind == VALUE_TIME ? "is finer than a nanosecond"
                                    : "is finer than the smallest unit";
    case VALUE_TOO_LARGE:
        return "is too large";
    case VALUE_NO_OFFSET:
        return "has a time of day of no zone";
    case VALUE_BAD_DATE:
        return "has a day that is not in the calendar";
    case VALUE_BAD_CLOCK:
        return "has a time of day or an offset that no clock shows";
    case VALUE_NO_PORT:
        return "has no port";
    case VALUE_BAD_PORT:
        return "has no valid port";
    case VALUE_BAD_HOST:
        return "has no valid host";
    case VALUE_NO_BRACKETS:
        return "looks like an IPv6 address without brackets";
    case VALUE_BAD_SCHEME:
        return "begins with neither ws:// nor wss://";
    case VALUE_NOT_BARE:
        return "says more than scheme, host and port";
    case VALUE_OK:
    case VALUE_MALFORMED:
        break;
    }
    return claim_of_kind(kind);
}

struct value_words
value_explain(enum value_kind kind, enum value_result result, const char *text)
{
    struct value_words words = { .message = "" };
    CHECK(result != VALUE_OK);
    snprintf(words.message, sizeof(words.message), "%s %s", value_quote(text).text,
        claim_of(kind, result));
    switch (result) {
    case VALUE_OK:
    case VALUE_MALFORMED:
        explain_malformed(kind, text, &words);
        break;
    case VALUE_NO_UNIT:
    case VALUE_BAD_UNIT:
        explain_unit(kind, text, &words);
        break;
    case VALUE_TOO_FINE:
        add_hint(&words, kind == VALUE_TIME ? "write at most nine digits after the point"
                                            : "write a whole number");
        add_units(kind, &words);
        break;
    case VALUE_NO_OFFSET:
        add_hint(&words, "add Z for UTC, or an offset from it such as +01:00");
        break;
    case VALUE_BAD_DATE:
        add_hint(
            &words, "(allowed: the days of the years %d to %d)", VALUE_YEAR_MIN, VALUE_YEAR_MAX);
        break;
    case VALUE_BAD_CLOCK:
        add_hint(&words, "(allowed: 00:00:00 to 23:59:59, and offsets from -23:59 to +23:59)");
        break;
    case VALUE_TOO_LARGE:
        explain_too_large(kind, &words);
        break;
    case VALUE_BAD_PORT:
        add_hint(&words, "a port is a number from 1 to 65535");
        break;
    case VALUE_BAD_HOST:
    case VALUE_NO_BRACKETS:
        add_hint(&words,
            "a host is a name, an IPv4 address, or an IPv6 address in brackets: [::1]:9101");
        break;
    case VALUE_NO_PORT:
    case VALUE_BAD_SCHEME:
    case VALUE_NOT_BARE:
        add_hint(&words, "write %s", value_kind_words(kind));
        break;
    }
    return words;
}
