/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_test.c - `mpregctl policy test`: the tests inside policy files, and which rules they hit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/ctl_policy_report.h"
#include "host/log_sink.h"
#include "host/value.h"

static const char help[] =
    "Usage: mpregctl policy test [OPTION]... FILE...\n"
    "\n"
    "  -m, --coverage-min N             fail when the tests hit less than N percent of the rules\n"
    "  -o, --output table|json|junit|tap\n"
    "\n"
    "Runs the tests in policy files (docs/policy.md). A rule is hit when it decides a test. Exit "
    "codes: 0 all\n"
    "passed, 1 a test failed, a file has errors, or the coverage is too low.\n";

typedef void (*write_report)(const struct ctl_policy_report *report);

struct testing {
    struct ctl *ctl;
    struct mem mem;
    struct wall now;
    struct arena arena; /* the report, and what the tests made */
    struct yaml_errors errors;
    struct ctl_policy_report report;
    write_report write;
};

static bool
run_tests(struct testing *testing, struct ctl_policy_tested *file)
{
    const struct policy_yaml *loaded = file->loaded;
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        uint32_t count = loaded->source.rule_count[direction];
        file->hit[direction] = arena_take(&testing->arena, count * sizeof(bool));
        if (file->hit[direction] == NULL) {
            return false;
        }
        testing->report.rule_count += count;
    }
    file->outcomes = arena_take(&testing->arena, loaded->test_count * sizeof(*file->outcomes));
    for (uint32_t i = 0; file->outcomes != NULL && i < loaded->test_count; i++) {
        const struct policy_test *test = &loaded->tests[i];
        struct policy_test_outcome *outcome = &file->outcomes[i];
        if (!policy_test_run(loaded->policy, test, testing->now, &testing->arena, outcome)) {
            return false;
        }
        testing->report.passed_count += outcome->mismatch_count == 0;
        testing->report.failed_count += outcome->mismatch_count > 0;
        bool *hit =
            outcome->rule == POLICY_NO_RULE ? NULL : &file->hit[test->direction][outcome->rule];
        if (hit != NULL && !*hit) {
            *hit = true;
            testing->report.hit_count++;
        }
    }
    return file->outcomes != NULL;
}

/* A file that does not load is left out: its errors end the run later. */
static void
load_file(struct testing *testing, const char *path)
{
    struct policy_yaml *loaded =
        policy_yaml_load_file(path, &yaml_process_environment, &testing->mem, &testing->errors);
    if (loaded != NULL) {
        struct ctl_policy_report *report = &testing->report;
        report->files[report->file_count] =
            (struct ctl_policy_tested){ .path = path, .loaded = loaded };
        report->file_count++;
    }
}

static int
finish(struct testing *testing)
{
    struct ctl_policy_report *report = &testing->report;
    if (testing->errors.error_count > 0) {
        return ctl_policy_refuse(testing->ctl, &testing->errors);
    }
    for (size_t i = 0; i < report->file_count; i++) {
        if (!run_tests(testing, &report->files[i])) {
            return ctl_fail(testing->ctl, "the tests need too much memory");
        }
    }
    testing->write(report);
    if (!ctl_policy_coverage_reached(report)) {
        (void)fprintf(stderr,
            "%s: the tests hit %" PRIu64 "%% of the rules, wanted are %" PRIu64 "%%\n",
            testing->ctl->program, ctl_policy_coverage(report), report->coverage_min);
        return APP_FAILED;
    }
    return report->failed_count == 0 ? APP_OK : APP_FAILED;
}

static bool
take_output(struct testing *testing, const struct options *line)
{
    static const struct {
        const char *name;
        write_report write;
    } outputs[] = { { "table", ctl_policy_report_table }, { "json", ctl_policy_report_json },
        { "junit", ctl_policy_report_junit }, { "tap", ctl_policy_report_tap } };
    for (size_t i = 0; i < COUNT_OF(outputs); i++) {
        if (strcmp(outputs[i].name, line->value) == 0) {
            testing->write = outputs[i].write;
            testing->ctl->json = outputs[i].write == ctl_policy_report_json;
            return true;
        }
    }
    (void)options_fault(
        line, "unknown output '%s' (allowed: table, json, junit, tap)", line->value);
    return false;
}

static bool
take_coverage(struct testing *testing, const struct options *line)
{
    uint64_t percent = 0;
    if (value_read_number(line->value, &percent) != VALUE_OK || percent > 100) {
        (void)options_fault(
            line, "--coverage-min '%s' is no percentage (allowed: 0 to 100)", line->value);
        return false;
    }
    testing->report.coverage_min = percent;
    return true;
}

/* false: end with *exit_code. */
static bool
read_line(struct testing *testing, struct options *line, int *exit_code)
{
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    while (common == CTL_COMMON_TAKEN && (code = options_next(line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            load_file(testing, line->value);
        } else if (code == 'o') {
            common = take_output(testing, line) ? CTL_COMMON_TAKEN : CTL_COMMON_WRONG;
        } else if (code == 'm') {
            common = take_coverage(testing, line) ? CTL_COMMON_TAKEN : CTL_COMMON_WRONG;
        } else {
            common = ctl_take_common(testing->ctl, line, code);
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        *exit_code = APP_OK;
    } else if (common == CTL_COMMON_WRONG) {
        *exit_code = APP_USAGE;
    } else if (testing->report.file_count == 0 && testing->errors.error_count == 0) {
        common = CTL_COMMON_WRONG;
        *exit_code = options_fault(line, "FILE is missing");
    }
    return common == CTL_COMMON_TAKEN;
}

int
ctl_policy_test(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = {
        { "coverage-min", required_argument, NULL, 'm' },
        CTL_COMMON_OPTIONS,
    };
    static struct testing testing;
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "m:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    testing = (struct testing){ .ctl = ctl, .now = log_sink_now().wall };
    testing.report.coverage_min = CTL_POLICY_COVERAGE_NONE;
    testing.write = ctl->json ? ctl_policy_report_json : ctl_policy_report_table;
    mem_init(&testing.mem, CTL_POLICY_MEMORY_MAX);
    arena_init(&testing.arena, &testing.mem);
    yaml_errors_init(&testing.errors);
    testing.report.files = arena_take(&testing.arena, (size_t)argc * sizeof(*testing.report.files));
    int code = APP_FAILED;
    if (testing.report.files == NULL) {
        code = ctl_fail(ctl, "no memory");
    } else if (read_line(&testing, &line, &code)) {
        code = finish(&testing);
    }
    for (size_t i = 0; i < testing.report.file_count; i++) {
        policy_yaml_free(testing.report.files[i].loaded);
    }
    arena_destroy(&testing.arena);
    yaml_errors_destroy(&testing.errors);
    return code;
}
