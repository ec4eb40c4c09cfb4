/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_explanation.c - texts may come from anybody, and are made printable. */
#include "app/ctl_explanation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/ctl.h"
#include "app/ctl_json.h"
#include "app/ctl_table.h"
#include "base/instant.h"
#include "host/value.h"

#define TEXT_SIZE_MAX 4096

static const char *
where(const json_t *step, char *text, size_t size)
{
    const char *file = ctl_text(step, "file");
    (void)snprintf(text, size, "%s%s%" JSON_INTEGER_FORMAT, file, file[0] == '\0' ? "line " : ":",
        ctl_integer(step, "line"));
    return text;
}

static void
print_trace(const json_t *trace)
{
    static const char *const heads[] = { "RULE", "WHERE", "MATCHED", "FAILED ON" };
    size_t index = 0;
    const json_t *step = NULL;
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    json_array_foreach(trace, index, step)
    {
        char place[TEXT_SIZE_MAX];
        char failed_on[TEXT_SIZE_MAX];
        const char *item = ctl_text(step, "item");
        (void)snprintf(failed_on, sizeof(failed_on), "%s%s%s", ctl_text(step, "failed_on"),
            item[0] == '\0' ? "" : ": ", item);
        const char *row[] = { ctl_text(step, "rule"), where(step, place, sizeof(place)),
            json_is_true(json_object_get(step, "matched")) ? "yes" : "no", failed_on };
        ctl_table_add(&table, row);
    }
    if (table.row_count > 0) {
        ctl_table_print(&table, stdout);
    }
    ctl_table_destroy(&table);
}

static void
print_list(const json_t *list)
{
    size_t index = 0;
    const json_t *item = NULL;
    (void)putchar('[');
    json_array_foreach(list, index, item)
    {
        (void)fputs(index == 0 ? "" : ", ", stdout);
        ctl_print_text(json_is_string(item) ? json_string_value(item) : "");
    }
    (void)putchar(']');
}

static struct value_text
write_seconds(double seconds)
{
    return value_write(
        VALUE_DURATION, (uint64_t)llround(fmin(fmax(seconds, 0), 1e9) * (double)SEC_NS));
}

static void
print_advertisement(const json_t *advertisement)
{
    static const char *const keys[] = { "function", "function_id", "version", "tags", "resources",
        "scope", "path", "cost", "preference" };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const json_t *value = json_object_get(advertisement, keys[i]);
        (void)printf("  %-12s ", keys[i]);
        if (json_is_array(value)) {
            print_list(value);
        } else if (json_is_integer(value)) {
            (void)printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        } else {
            ctl_print_text(ctl_text(advertisement, keys[i]));
        }
        (void)putchar('\n');
    }
    const json_t *ttl = json_object_get(advertisement, "ttl_seconds");
    (void)printf("  %-12s %s\n", "ttl",
        json_is_number(ttl) ? write_seconds(json_number_value(ttl)).text : "as it was");
}

/* "rate 500/s, in_flight 200" */
static void
print_limits(const json_t *limits)
{
    static const struct {
        const char *key;
        const char *name;
        enum value_kind kind;
    } others[] = {
        { "burst", "burst", VALUE_NUMBER },
        { "in_flight", "in_flight", VALUE_NUMBER },
        { "timeout_seconds", "timeout", VALUE_DURATION },
        { "args_bytes", "args", VALUE_SIZE },
        { "result_bytes", "result", VALUE_SIZE },
    };
    const char *rate = ctl_text(limits, "rate");
    const char *separator = "";
    (void)printf("  %-12s ", "limits");
    if (rate[0] != '\0') {
        (void)printf("rate %s", rate);
        separator = ", ";
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        double value = ctl_real(limits, others[i].key);
        bool is_duration = others[i].kind == VALUE_DURATION;
        struct value_text text =
            is_duration ? write_seconds(value) : value_write(others[i].kind, (uint64_t)value);
        if (value > 0) {
            (void)printf("%s%s %s", separator, others[i].name, text.text);
            separator = ", ";
        }
    }
    (void)putchar('\n');
}

void
ctl_explanation_print(const json_t *explanation)
{
    const char *reason = ctl_text(explanation, "reason");
    const json_t *advertisement = json_object_get(explanation, "advertisement");
    const json_t *limits = json_object_get(explanation, "limits");
    print_trace(json_object_get(explanation, "trace"));
    (void)printf("%s by rule '%s'%s", ctl_text(explanation, "action"),
        ctl_text(explanation, "rule"), reason[0] == '\0' ? "" : ": ");
    ctl_print_text(reason);
    (void)putchar('\n');
    if (json_is_object(advertisement)) {
        print_advertisement(advertisement);
    }
    if (json_is_object(limits)) {
        print_limits(limits);
    }
    if (json_is_true(json_object_get(explanation, "merge"))) {
        (void)printf("  %-12s one service with all others that get this name so\n", "merge");
    }
}
