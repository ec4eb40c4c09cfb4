/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - getopt_long in the order of the line, and its faults in our words.
 */
#include "app/options.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/suggest.h"
#include "host/value.h"

int
options_fault(const struct options *options, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(stderr, "%s: ", options->program);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "; try %s --help\n", options->program);
    return APP_USAGE;
}

static bool
is_number(const char *text)
{
    return text[0] == '-' && (isdigit((unsigned char)text[1]) || text[1] == '.');
}

static void
report_unknown(const struct options *options, const char *written)
{
    struct suggest suggest;
    char name[SUGGEST_SIZE_MAX + 1];
    if (strncmp(written, "--", 2) != 0) {
        (void)options_fault(options, "unknown option %s", value_quote(written).text);
        return;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(written + 2, "="), written + 2);
    suggest_init(&suggest, name);
    for (const struct option *option = options->longs; option->name != NULL; option++) {
        suggest_offer(&suggest, option->name);
    }
    if (suggest.best != NULL) {
        (void)options_fault(options, "unknown option %s (did you mean --%s?)",
            value_quote(written).text, suggest.best);
    } else {
        (void)options_fault(options, "unknown option %s", value_quote(written).text);
    }
}

static void
report(const struct options *options, int code)
{
    const char *written = optind > 0 ? options->argv[optind - 1] : "";
    char letter[3] = { '-', (char)optopt, '\0' };
    bool is_short = optopt != 0 && strncmp(written, "--", 2) != 0;
    if (code == ':') {
        (void)options_fault(options, "option %s needs a value", is_short ? letter : written);
    } else if (optopt != 0 && !is_short) {
        (void)options_fault(options, "option %s takes no value", value_quote(written).text);
    } else {
        report_unknown(options, is_short ? letter : written);
    }
}

static void
begin(struct options *options)
{
    /* "-": arguments come in order, as option 1. ":": a missing value is told from an unknown option. */
    (void)snprintf(options->optstring, sizeof(options->optstring), "-:%s", options->shorts);
    options->begun = true;
    opterr = 0;
    optind = 0;
}

int
options_next(struct options *options)
{
    bool fresh = !options->begun;
    if (fresh) {
        begin(options);
    }
    int at = fresh ? 1 : optind;
    if (options->rest) {
        /* getopt would begin anew behind the "--". */
        options->value = at < options->argc ? options->argv[optind++] : NULL;
        return options->value != NULL ? OPTIONS_ARGUMENT : OPTIONS_END;
    }
    if (options->takes_numbers && at < options->argc && is_number(options->argv[at])) {
        options->value = options->argv[at];
        optind = at + 1;
        return OPTIONS_ARGUMENT;
    }
    int code = getopt_long(options->argc, options->argv, options->optstring, options->longs, NULL);
    options->value = optarg;
    if (code == '?' || code == ':') {
        report(options, code);
        return OPTIONS_BAD;
    }
    if (code == -1 && optind < options->argc) {
        options->rest = true;
        options->value = options->argv[optind++];
        return OPTIONS_ARGUMENT;
    }
    return code;
}

int
options_used(const struct options *options)
{
    return options->begun ? optind : 1;
}
