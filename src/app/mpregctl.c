/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mpregctl.c - the operator's tool: common options, then a verb.
 */
#include <stdio.h>

#include "app/ctl.h"
#include "host/build_info.h"

#define PROGRAM "mpregctl"

enum ctl_option {
    OPTION_VERSION = 256,
};

static const char help[] =
    "Usage: mpregctl [OPTION]... VERB [ARGUMENT]...\n"
    "\n"
    "What runs:\n"
    "  status                            a node or bridge at a glance\n"
    "  links                             the links of a bridge\n"
    "  link drain|forget|agree ...       what an operator does to a link, and asks of it\n"
    "  functions [--link L] [--side S]   what passes over links, what does not and why\n"
    "  events [--watch]                  what was not let through and what went, and why\n"
    "  explain FUNCTION --export LINK    why a function passes or not; or --import LINK\n"
    "  policy diff|apply|rollback ...    other policies for a bridge, without a restart\n"
    "  call FUNCTION [ARGUMENT]...       call a function of a cluster\n"
    "Before it runs:\n"
    "  policy check FILE...              look for errors in policy files\n"
    "  cert ca --out DIR                 make an authority\n"
    "  cert issue --ca DIR ...           make a certificate for a bridge or a node\n"
    "\n"
    "Options:\n"
    "  -a, --admin URL     admin interface to ask ($MPREG_ADMIN, else " CTL_ADMIN_DEFAULT ")\n"
    "  -T, --token-file F  holds the token for changes ($MPREG_TOKEN_FILE, else it is "
    "$MPREG_TOKEN)\n"
    "  -o, --output KIND   table or json (table)\n"
    "      --version       print the version\n"
    "  -h, --help          print this; behind a verb: what the verb takes\n"
    "\n"
    "Exit codes: 0 fine, 1 failed, 2 differences or warnings, 64 the command line is wrong.\n";

int
main(int argc, char **argv)
{
    static const struct ctl_verb verbs[] = {
        { "status", ctl_status },
        { "links", ctl_links },
        { "link", ctl_link },
        { "functions", ctl_functions },
        { "events", ctl_events },
        { "explain", ctl_explain },
        { "call", ctl_call },
        { "policy", ctl_policy },
        { "cert", ctl_cert },
    };
    static const struct option longs[] = {
        { "version", no_argument, NULL, OPTION_VERSION },
        CTL_COMMON_OPTIONS,
    };
    struct ctl ctl = { .program = PROGRAM };
    struct options line = {
        .program = PROGRAM, .shorts = CTL_COMMON_SHORTS, .longs = longs, .argc = argc, .argv = argv
    };
    int code = 0;
    while ((code = options_next(&line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            int used = options_used(&line) - 1;
            return ctl_dispatch(&ctl, verbs, COUNT_OF(verbs), argc - used, &argv[used]);
        }
        if (code == OPTION_VERSION) {
            (void)printf("%s %s (%s)\n", PROGRAM, BUILD_INFO_VERSION, BUILD_INFO_COMPILER);
            return APP_OK;
        }
        switch (ctl_take_common(&ctl, &line, code)) {
        case CTL_COMMON_TAKEN:
            break;
        case CTL_COMMON_HELP:
            (void)fputs(help, stdout);
            return APP_OK;
        case CTL_COMMON_WRONG:
            return APP_USAGE;
        }
    }
    (void)fputs(help, stderr);
    return APP_USAGE;
}
