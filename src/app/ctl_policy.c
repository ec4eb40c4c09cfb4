/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy.c - `mpregctl policy check`: what the bridge would say of policy files, before it does.
 */
#include <stdio.h>

#include "app/ctl.h"
#include "app/ctl_json.h"
#include "host/policy_yaml.h"

#define POLICY_MEMORY_MAX ((size_t)1024 * 1024 * 1024)

static const char help[] =
    "Usage: mpregctl [-o table|json] policy check FILE...\n"
    "\n"
    "Checks policy files (docs/policy.md). Exit codes: 0 all good, 2 warnings only, 1 errors.\n";

/* ---- check ---- */

static json_t *
describe(const struct yaml_errors *errors)
{
    json_t *list = json_array();
    for (size_t i = 0; i < errors->count; i++) {
        const struct yaml_error *error = &errors->list[i];
        (void)json_array_append_new(
            list, json_pack("{s:s,s:i,s:i,s:s,s:s,s:s}", "file", error->place.file, "line",
                      (int)error->place.line, "column", (int)error->place.column, "severity",
                      error->severity == YAML_ERROR ? "error" : "warning", "message",
                      error->message, "hint", error->hint));
    }
    return list;
}

static int
verdict(const struct yaml_errors *errors)
{
    if (errors->error_count > 0) {
        return APP_FAILED;
    }
    return errors->warning_count > 0 ? APP_DIFFERENT : APP_OK;
}

static void
check_file(const char *path, struct mem *mem, struct yaml_errors *errors)
{
    policy_yaml_free(policy_yaml_load_file(path, &yaml_process_environment, mem, errors));
}

static int
report(const struct ctl *ctl, struct yaml_errors *errors, size_t file_count)
{
    if (ctl->json) {
        yaml_errors_sort(errors);
        ctl_print_json(json_pack("{s:b,s:I,s:I,s:I,s:o}", "ok", errors->error_count == 0, "files",
            (json_int_t)file_count, "errors", (json_int_t)errors->error_count, "warnings",
            (json_int_t)errors->warning_count, "list", describe(errors)));
        return verdict(errors);
    }
    yaml_errors_print(errors, stdout);
    if (errors->count == 0) {
        (void)printf("%zu file%s, no errors\n", file_count, file_count == 1 ? "" : "s");
    }
    return verdict(errors);
}

static int
run_check(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_COMMON_OPTIONS };
    static struct yaml_errors errors;
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct mem mem;
    size_t file_count = 0;
    int code = 0;
    enum ctl_common common = CTL_COMMON_TAKEN;
    mem_init(&mem, POLICY_MEMORY_MAX);
    yaml_errors_init(&errors);
    while (common == CTL_COMMON_TAKEN && (code = options_next(&line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            check_file(line.value, &mem, &errors);
            file_count++;
        } else {
            common = ctl_take_common(ctl, &line, code);
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        code = APP_OK;
    } else if (common == CTL_COMMON_WRONG) {
        code = APP_USAGE;
    } else if (file_count == 0) {
        code = options_fault(&line, "FILE is missing");
    } else {
        code = report(ctl, &errors, file_count);
    }
    yaml_errors_destroy(&errors);
    return code;
}

int
ctl_policy(struct ctl *ctl, int argc, char **argv)
{
    static const struct ctl_verb verbs[] = { { "check", run_check } };
    return ctl_run_verb(ctl, verbs, COUNT_OF(verbs), help, argc, argv);
}
