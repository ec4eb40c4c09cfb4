/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_link.c - `mpregctl link`: what an operator does to one link of a bridge that runs. */
#include <stdio.h>
#include <string.h>

#include "app/ctl_http.h"
#include "app/ctl_link_agree.h"
#include "host/config_common.h"

static const char help[] =
    "Usage: mpregctl link VERB NAME\n"
    "\n"
    "  enable NAME    dial, and take whoever comes; also a link that import.limits holds\n"
    "  disable NAME   end it, and refuse whoever comes; its functions and calls go at once\n"
    "  drain NAME     the same, but calls under way may end; no call starts any more\n"
    "  refresh NAME   ask the far bridge for everything again; the link stays up\n"
    "  forget NAME    drop what came over the link, also while it is down; if it is up, refresh\n"
    "  agree NAME     what each end has made of the other's functions, and by which rules\n"
    "\n"
    "NAME is a link of mpregctl links. The bridge remembers until it is started again, no longer.\n"
    "All but agree want the token of admin.token_file (--token-file).\n"
    "Exit codes of agree: 0 nothing is rejected, 2 something is, 1 failed.\n";

/* NULL: reported, or help was wanted. */
static const char *
read_name(struct ctl *ctl, int argc, char **argv, int *exit_code)
{
    static const struct option longs[] = { CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    const char *name = NULL;
    int code = 0;
    while ((code = options_next(&line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT && name != NULL) {
            *exit_code = options_fault(&line, "unexpected argument '%s'", line.value);
            return NULL;
        }
        if (code == OPTIONS_ARGUMENT) {
            name = line.value;
            continue;
        }
        enum ctl_common common = ctl_take_common(ctl, &line, code);
        if (common != CTL_COMMON_TAKEN) {
            (void)fputs(common == CTL_COMMON_HELP ? help : "", stdout);
            *exit_code = common == CTL_COMMON_HELP ? APP_OK : APP_USAGE;
            return NULL;
        }
    }
    const char *fault = name == NULL ? "is missing; see mpregctl links" : config_check_name(name);
    if (fault != NULL) {
        *exit_code = options_fault(&line, "NAME %s", fault);
        return NULL;
    }
    return name;
}

static const json_t *
find_link(const json_t *answer, const char *name)
{
    size_t index = 0;
    const json_t *link = NULL;
    json_array_foreach(json_object_get(answer, "links"), index, link)
    {
        if (strcmp(ctl_text(link, "name"), name) == 0) {
            return link;
        }
    }
    return NULL;
}

/* What the link is now. Whoever asks in a second connection asks after the bridge has done it. */
static int
show(const struct ctl *ctl, const char *name)
{
    json_t *answer = ctl_get(ctl, "/v1/links", NULL);
    const json_t *link = find_link(answer, name);
    if (link == NULL) {
        json_decref(answer);
        return APP_FAILED;
    }
    const json_t *functions = json_object_get(link, "functions");
    if (ctl->json) {
        ctl_print_json(json_pack("{s:b,s:s,s:s,s:o}", "ok", true, "link", name, "state",
            ctl_text(link, "state"), "imported", json_integer(ctl_integer(functions, "imported"))));
    } else {
        (void)printf("link %s is %s, functions imported: %" JSON_INTEGER_FORMAT "\n", name,
            ctl_text(link, "state"), ctl_integer(functions, "imported"));
    }
    json_decref(answer);
    return APP_OK;
}

/* argv[0] is the verb, as the bridge knows it. */
static int
run_verb(struct ctl *ctl, int argc, char **argv)
{
    char path[128];
    int code = APP_OK;
    const char *name = read_name(ctl, argc, argv, &code);
    if (name == NULL) {
        return code;
    }
    (void)snprintf(path, sizeof(path), "/v1/links/%s/%s", name, argv[0]);
    json_t *answer = ctl_post(ctl, path, json_object());
    if (answer == NULL) {
        return APP_FAILED;
    }
    json_decref(answer);
    return show(ctl, name);
}

static int
run_agree(struct ctl *ctl, int argc, char **argv)
{
    char path[128];
    int code = APP_OK;
    const char *name = read_name(ctl, argc, argv, &code);
    if (name == NULL) {
        return code;
    }
    (void)snprintf(path, sizeof(path), "/v1/links/%s/agreement", name);
    json_t *answer = ctl_get(ctl, path, NULL);
    if (answer == NULL) {
        return APP_FAILED;
    }
    bool agree = ctl->json ? ctl_link_agree(answer) : ctl_link_agree_print(answer);
    if (ctl->json) {
        ctl_print_json(answer);
    } else {
        json_decref(answer);
    }
    return agree ? APP_OK : APP_DIFFERENT;
}

int
ctl_link(struct ctl *ctl, int argc, char **argv)
{
    static const struct ctl_verb verbs[] = {
        { "enable", run_verb },
        { "disable", run_verb },
        { "drain", run_verb },
        { "refresh", run_verb },
        { "forget", run_verb },
        { "agree", run_agree },
    };
    return ctl_run_verb(ctl, verbs, COUNT_OF(verbs), help, argc, argv);
}
