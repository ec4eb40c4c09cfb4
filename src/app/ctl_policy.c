/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy.c - `mpregctl policy`: its verbs, and `check`: what the bridge would say of policy files.
 */
#include "app/ctl_policy.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/ctl_json.h"
#include "host/log_sink.h"
#include "host/policy_files.h"
#include "host/policy_json.h"

static const char help[] =
    "Usage: mpregctl policy VERB [ARGUMENT]...\n"
    "\n"
    "Of files alone:\n"
    "  check FILE...        what is wrong with policy files, and what is hardly meant\n"
    "  test FILE...         run the tests inside of them\n"
    "  explain FILE export|import KEY=VALUE...   what becomes of a function, and why\n"
    "  prove FILE...        prove the asserts inside of them, for every function that there can "
    "be\n"
    "  fmt FILE             a policy file in its canonical form\n"
    "Of a bridge that runs:\n"
    "  show                 the policies in use, and whether a change is under way\n"
    "  stats                how often each rule decided\n"
    "  diff FILE...         what other files would change\n"
    "  shadow [FILE...]     the same, of all that comes from now on\n"
    "  apply FILE...        use them\n"
    "  reload               read the files of the configuration again\n"
    "  confirm              keep what was applied with --confirm-within\n"
    "  rollback [VERSION]   go back\n"
    "  versions             to what\n"
    "\n"
    "VERB --help tells more (docs/cli.md, docs/policy.md).\n";

static const char check_help[] =
    "Usage: mpregctl [-o table|json] policy check FILE...\n"
    "\n"
    "Checks policy files (docs/policy.md). Exit codes: 0 all good, 2 warnings only, 1 errors.\n";

/* ---- check ---- */

int
ctl_policy_refuse(const struct ctl *ctl, struct yaml_errors *errors)
{
    if (ctl->json) {
        ctl_print_json(policy_json_errors(errors));
    } else {
        yaml_errors_print(errors, stderr);
    }
    return APP_FAILED;
}

json_t *
ctl_policy_json(struct span text)
{
    /* An empty span may have no data, which jansson takes for a fault. */
    return text.size == 0 ? json_string("") : json_stringn((const char *)text.data, text.size);
}

const char *
ctl_policy_text(struct buf *buf)
{
    buf_add_u8(buf, '\0');
    return buf->overflowed ? "(too long)" : (const char *)buf->data;
}

const char *
ctl_policy_direction_name(enum policy_direction direction)
{
    return direction == POLICY_EXPORT ? "export" : "import";
}

static int
verdict(const struct yaml_errors *errors)
{
    if (errors->error_count > 0) {
        return APP_FAILED;
    }
    return errors->warning_count > 0 ? APP_DIFFERENT : APP_OK;
}

struct checking {
    struct mem mem;
    struct arena arena;
    struct policy_yaml **loaded; /* room for one an argument */
    size_t loaded_count;
    size_t file_count;
    uint64_t test_count;
};

static void
check_file(const char *path, struct checking *checking, struct yaml_errors *errors)
{
    struct policy_yaml *loaded =
        policy_yaml_load_file(path, &yaml_process_environment, &checking->mem, errors);
    checking->file_count++;
    if (loaded != NULL) {
        policy_yaml_lint(loaded, &checking->mem, errors);
        checking->test_count += loaded->test_count;
        checking->loaded[checking->loaded_count] = loaded;
        checking->loaded_count++;
    }
}

/* What none of the files alone can know. */
static void
check_together(struct checking *checking, struct yaml_errors *errors)
{
    struct policy_files files;
    if (policy_files_init(&files, checking->loaded, checking->loaded_count, log_sink_now().wall,
            &checking->arena)) {
        policy_files_lint(&files, &checking->arena, errors);
    }
}

static int
report(const struct ctl *ctl, struct yaml_errors *errors, const struct checking *checking)
{
    if (ctl->json) {
        json_t *json = policy_json_errors(errors);
        (void)json_object_set_new(json, "files", json_integer((json_int_t)checking->file_count));
        (void)json_object_set_new(json, "tests", json_integer((json_int_t)checking->test_count));
        ctl_print_json(json);
        return verdict(errors);
    }
    yaml_errors_print(errors, stdout);
    if (errors->error_count == 0) {
        (void)printf("%zu file%s, no errors; %" PRIu64 " test%s\n", checking->file_count,
            checking->file_count == 1 ? "" : "s", checking->test_count,
            checking->test_count == 1 ? "" : "s");
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
    struct checking checking = { .file_count = 0 };
    int code = 0;
    enum ctl_common common = CTL_COMMON_TAKEN;
    mem_init(&checking.mem, CTL_POLICY_MEMORY_MAX);
    arena_init(&checking.arena, &checking.mem);
    yaml_errors_init(&errors);
    checking.loaded = arena_take(&checking.arena, (size_t)argc * sizeof(struct policy_yaml *));
    CHECK(checking.loaded != NULL);
    while (common == CTL_COMMON_TAKEN && (code = options_next(&line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            check_file(line.value, &checking, &errors);
        } else {
            common = ctl_take_common(ctl, &line, code);
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(check_help, stdout);
        code = APP_OK;
    } else if (common == CTL_COMMON_WRONG) {
        code = APP_USAGE;
    } else if (checking.file_count == 0) {
        code = options_fault(&line, "FILE is missing");
    } else {
        check_together(&checking, &errors);
        code = report(ctl, &errors, &checking);
    }
    for (size_t i = 0; i < checking.loaded_count; i++) {
        policy_yaml_free(checking.loaded[i]);
    }
    arena_destroy(&checking.arena);
    yaml_errors_destroy(&errors);
    return code;
}

int
ctl_policy(struct ctl *ctl, int argc, char **argv)
{
    static const struct ctl_verb verbs[] = {
        { "check", run_check },
        { "test", ctl_policy_test },
        { "explain", ctl_policy_explain },
        { "prove", ctl_policy_prove },
        { "fmt", ctl_policy_fmt },
        { "show", ctl_policy_show },
        { "stats", ctl_policy_stats },
        { "diff", ctl_policy_diff },
        { "shadow", ctl_policy_shadow },
        { "apply", ctl_policy_apply },
        { "reload", ctl_policy_reload },
        { "confirm", ctl_policy_confirm },
        { "rollback", ctl_policy_rollback },
        { "versions", ctl_policy_versions },
    };
    return ctl_run_verb(ctl, verbs, COUNT_OF(verbs), help, argc, argv);
}
