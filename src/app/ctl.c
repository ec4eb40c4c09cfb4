/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl.c - common options, failures, and small texts of mpregctl.
 */
#include "app/ctl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/ctl_json.h"
#include "base/instant.h"
#include "host/printable.h"
#include "host/reason.h"
#include "host/suggest.h"
#include "host/value.h"

/* As the admin interface writes them. */
#define REAL_DIGITS 14

/* Of a text that is printed, each byte four when it is escaped. */
#define PRINTED_SIZE_MAX ((size_t)512 * 1024)

enum ctl_common
ctl_take_common(struct ctl *ctl, const struct options *options, int code)
{
    bool is_json = false;
    switch (code) {
    case 'a':
        ctl->admin = options->value;
        return CTL_COMMON_TAKEN;
    case 'o':
        is_json = strcmp(options->value, "json") == 0;
        if (!is_json && strcmp(options->value, "table") != 0) {
            (void)options_fault(
                options, "unknown output '%s' (allowed: table, json)", options->value);
            return CTL_COMMON_WRONG;
        }
        ctl->json = is_json;
        return CTL_COMMON_TAKEN;
    case 'T':
        ctl->token_file = options->value;
        return CTL_COMMON_TAKEN;
    case 'h':
        return CTL_COMMON_HELP;
    default:
        return CTL_COMMON_WRONG;
    }
}

bool
ctl_read_no_arguments(struct ctl *ctl, int argc, char **argv, const char *help, int *exit_code)
{
    static const struct option longs[] = { CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    int code = 0;
    while ((code = options_next(&line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            *exit_code = options_fault(&line, "unexpected argument '%s'", line.value);
            return false;
        }
        enum ctl_common common = ctl_take_common(ctl, &line, code);
        if (common == CTL_COMMON_HELP) {
            (void)fputs(help, stdout);
        }
        if (common != CTL_COMMON_TAKEN) {
            *exit_code = common == CTL_COMMON_HELP ? APP_OK : APP_USAGE;
            return false;
        }
    }
    return true;
}

int
ctl_fail(const struct ctl *ctl, const char *format, ...)
{
    char text[2 * REASON_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (ctl->json) {
        ctl_print_json(json_pack("{s:b,s:s}", "ok", 0, "error", text));
    } else {
        (void)fprintf(stderr, "%s: %s\n", ctl->program, text);
    }
    return APP_FAILED;
}

void
ctl_print_text(const char *text)
{
    struct mem mem;
    struct buf escaped;
    mem_init(&mem, 2 * PRINTED_SIZE_MAX);
    buf_init(&escaped, &mem, PRINTED_SIZE_MAX);
    printable_add(&escaped, span_from_text(text), 0);
    (void)printf("%.*s", SPAN_ARGS(buf_span(&escaped)));
    buf_destroy(&escaped);
}

void
ctl_print_json(json_t *json)
{
    if (json != NULL) {
        (void)json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
        (void)fputc('\n', stdout);
    }
    json_decref(json);
}

const char *
ctl_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

json_int_t
ctl_integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

double
ctl_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- Durations ---- */

struct ctl_duration
ctl_duration(double seconds)
{
    struct ctl_duration written;
    char *text = written.text;
    size_t size = sizeof(written.text);
    /* What nobody waits for, also because it has to fit into an unsigned below. */
    double shown = seconds < 0 ? 0 : fmin(seconds, 1e9);
    unsigned whole = (unsigned)shown;
    if (shown < 0.001) {
        (void)snprintf(text, size, "%.0fus", shown * 1e6);
    } else if (shown < 1) {
        (void)snprintf(text, size, "%.1fms", shown * 1e3);
    } else if (whole < 60) {
        (void)snprintf(text, size, "%.1fs", shown);
    } else if (whole < 3600) {
        (void)snprintf(text, size, "%um%us", whole / 60, whole % 60);
    } else if (whole < 86400) {
        (void)snprintf(text, size, "%uh%um", whole / 3600, whole % 3600 / 60);
    } else {
        (void)snprintf(text, size, "%ud%uh", whole / 86400, whole % 86400 / 3600);
    }
    return written;
}

/* ---- Verbs ---- */

int
ctl_dispatch(
    struct ctl *ctl, const struct ctl_verb *verbs, size_t verb_count, int argc, char **argv)
{
    char name[128];
    const char *parent = ctl->program;
    struct suggest suggest;
    suggest_init(&suggest, argv[0]);
    for (size_t i = 0; i < verb_count; i++) {
        suggest_offer(&suggest, verbs[i].name);
        if (strcmp(verbs[i].name, argv[0]) == 0) {
            (void)snprintf(name, sizeof(name), "%s %s", parent, verbs[i].name);
            ctl->program = name;
            int code = verbs[i].run(ctl, argc, argv);
            ctl->program = parent;
            return code;
        }
    }
    (void)fprintf(stderr, "%s: unknown verb %s", parent, value_quote(argv[0]).text);
    if (suggest.best != NULL) {
        (void)fprintf(stderr, "; did you mean '%s'?", suggest.best);
    }
    (void)fprintf(stderr, " (");
    for (size_t i = 0; i < verb_count; i++) {
        (void)fprintf(stderr, "%s%s", i == 0 ? "allowed: " : ", ", verbs[i].name);
    }
    (void)fprintf(stderr, ")\n");
    return APP_USAGE;
}

int
ctl_run_verb(struct ctl *ctl, const struct ctl_verb *verbs, size_t verb_count, const char *help,
    int argc, char **argv)
{
    static const struct option longs[] = { CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    int code = 0;
    while ((code = options_next(&line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            int used = options_used(&line) - 1;
            return ctl_dispatch(ctl, verbs, verb_count, argc - used, &argv[used]);
        }
        enum ctl_common common = ctl_take_common(ctl, &line, code);
        if (common == CTL_COMMON_HELP) {
            (void)fputs(help, stdout);
            return APP_OK;
        }
        if (common == CTL_COMMON_WRONG) {
            return APP_USAGE;
        }
    }
    (void)fputs(help, stderr);
    return APP_USAGE;
}

void
ctl_sleep(uint64_t duration_ns)
{
    struct timespec time = { .tv_sec = (time_t)(duration_ns / SEC_NS),
        .tv_nsec = (long)(duration_ns % SEC_NS) };
    (void)nanosleep(&time, NULL);
}
