/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.c - formatting for humans, with every length bounded.
 */
#include "host/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CUT_MARK "..."

void
reason_set(struct reason *reason, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(reason->text, sizeof(reason->text), format, values);
    va_end(values);
}

void
reason_add(struct reason *reason, const char *format, ...)
{
    size_t used = strlen(reason->text);
    CHECK(used < sizeof(reason->text));
    va_list values;
    va_start(values, format);
    (void)vsnprintf(&reason->text[used], sizeof(reason->text) - used, format, values);
    va_end(values);
}

struct reason_escaped
reason_escape(struct span text)
{
    struct reason_escaped escaped;
    size_t room = sizeof(escaped.text) - sizeof(CUT_MARK);
    size_t size = text.size < room ? text.size : room;
    for (size_t i = 0; i < size; i++) {
        bool printable = text.data[i] >= ' ' && text.data[i] <= '~';
        escaped.text[i] = printable ? (char)text.data[i] : '?';
    }
    const char *end = size < text.size ? CUT_MARK : "";
    memcpy(&escaped.text[size], end, strlen(end) + 1);
    return escaped;
}
