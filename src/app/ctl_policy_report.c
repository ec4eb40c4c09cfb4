/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_report.c - the results of policy tests as a table, JSON, JUnit's XML and TAP.
 *
 * Names and values are texts of policy files, which have no control characters.
 */
#include "app/ctl_policy_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/ctl_json.h"
#include "app/ctl_table.h"

#define TEXT_SIZE_MAX 4096

uint64_t
ctl_policy_coverage(const struct ctl_policy_report *report)
{
    return report->rule_count == 0 ? 100 : report->hit_count * 100 / report->rule_count;
}

bool
ctl_policy_coverage_reached(const struct ctl_policy_report *report)
{
    return report->coverage_min == CTL_POLICY_COVERAGE_NONE ||
           report->hit_count * 100 >= report->coverage_min * report->rule_count;
}

/* Calls `visit` for each rule that no test was decided by. */
typedef void (*visit_rule)(void *host, const struct ctl_policy_tested *file,
    enum policy_direction direction, uint32_t rule);

static void
each_uncovered_of(const struct ctl_policy_tested *file, enum policy_direction direction,
    visit_rule visit, void *host)
{
    for (uint32_t rule = 0; rule < file->loaded->source.rule_count[direction]; rule++) {
        if (!file->hit[direction][rule]) {
            visit(host, file, direction, rule);
        }
    }
}

static void
each_uncovered(const struct ctl_policy_report *report, visit_rule visit, void *host)
{
    for (size_t i = 0; i < report->file_count; i++) {
        each_uncovered_of(&report->files[i], POLICY_EXPORT, visit, host);
        each_uncovered_of(&report->files[i], POLICY_IMPORT, visit, host);
    }
}

/* ---- The table ---- */

static void
print_uncovered(void *host, const struct ctl_policy_tested *file, enum policy_direction direction,
    uint32_t rule)
{
    struct yaml_place place = file->loaded->rule_places[direction][rule];
    (void)host;
    (void)printf("%s:%" PRIu32 ":%" PRIu32 ": no test hits %s rule '%.*s'\n", place.file,
        place.line, place.column, ctl_policy_direction_name(direction),
        SPAN_ARGS(file->loaded->source.rules[direction][rule].id));
}

static void
add_rows(struct ctl_table *table, const struct policy_test *test,
    const struct policy_test_outcome *outcome)
{
    char place[TEXT_SIZE_MAX];
    char name[TEXT_SIZE_MAX];
    char want[TEXT_SIZE_MAX];
    char got[TEXT_SIZE_MAX];
    (void)snprintf(place, sizeof(place), "%s:%" PRIu32, test->place.file, test->place.line);
    (void)snprintf(name, sizeof(name), "%.*s", SPAN_ARGS(test->name));
    if (outcome->mismatch_count == 0) {
        const char *row[] = { "ok", place, name, "", "", "" };
        ctl_table_add(table, row);
    }
    for (uint32_t i = 0; i < outcome->mismatch_count; i++) {
        const struct policy_test_mismatch *mismatch = &outcome->mismatches[i];
        (void)snprintf(want, sizeof(want), "%.*s", SPAN_ARGS(mismatch->want));
        (void)snprintf(got, sizeof(got), "%.*s", SPAN_ARGS(mismatch->got));
        const char *row[] = { "FAILED", place, name, mismatch->key, want, got };
        ctl_table_add(table, row);
    }
}

void
ctl_policy_report_table(const struct ctl_policy_report *report)
{
    static const char *const heads[] = { "RESULT", "WHERE", "TEST", "WHAT", "EXPECTED", "GOT" };
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    for (size_t i = 0; i < report->file_count; i++) {
        const struct ctl_policy_tested *file = &report->files[i];
        for (uint32_t j = 0; j < file->loaded->test_count; j++) {
            add_rows(&table, &file->loaded->tests[j], &file->outcomes[j]);
        }
    }
    if (table.row_count > 0) {
        ctl_table_print(&table, stdout);
    }
    ctl_table_destroy(&table);
    each_uncovered(report, print_uncovered, NULL);
    (void)printf("%zu passed, %zu failed; tests hit %" PRIu64 " of %" PRIu64 " rules (%" PRIu64
                 "%%)\n",
        report->passed_count, report->failed_count, report->hit_count, report->rule_count,
        ctl_policy_coverage(report));
}

/* ---- JSON ---- */

static void
append_uncovered(void *host, const struct ctl_policy_tested *file, enum policy_direction direction,
    uint32_t rule)
{
    struct yaml_place place = file->loaded->rule_places[direction][rule];
    (void)json_array_append_new(
        host, json_pack("{s:s,s:i,s:s,s:o}", "file", place.file, "line", (int)place.line,
                  "direction", ctl_policy_direction_name(direction), "rule",
                  ctl_policy_json(file->loaded->source.rules[direction][rule].id)));
}

static json_t *
describe_mismatches(const struct policy_test_outcome *outcome)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < outcome->mismatch_count; i++) {
        const struct policy_test_mismatch *mismatch = &outcome->mismatches[i];
        (void)json_array_append_new(
            list, json_pack("{s:s,s:o,s:o}", "what", mismatch->key, "expected",
                      ctl_policy_json(mismatch->want), "got", ctl_policy_json(mismatch->got)));
    }
    return list;
}

void
ctl_policy_report_json(const struct ctl_policy_report *report)
{
    json_t *uncovered = json_array();
    json_t *failures = json_array();
    each_uncovered(report, append_uncovered, uncovered);
    for (size_t i = 0; i < report->file_count; i++) {
        const struct policy_yaml *loaded = report->files[i].loaded;
        for (uint32_t j = 0; j < loaded->test_count; j++) {
            const struct policy_test *test = &loaded->tests[j];
            const struct policy_test_outcome *outcome = &report->files[i].outcomes[j];
            if (outcome->mismatch_count > 0) {
                (void)json_array_append_new(
                    failures, json_pack("{s:s,s:i,s:o,s:o}", "file", test->place.file, "line",
                                  (int)test->place.line, "test", ctl_policy_json(test->name),
                                  "mismatches", describe_mismatches(outcome)));
            }
        }
    }
    ctl_print_json(json_pack("{s:I,s:I,s:I,s:o,s:o}", "passed", (json_int_t)report->passed_count,
        "failed", (json_int_t)report->failed_count, "coverage",
        (json_int_t)ctl_policy_coverage(report), "uncovered", uncovered, "failures", failures));
}

/* ---- JUnit ---- */

static void
print_xml(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        switch (text.data[i]) {
        case '&':
            (void)fputs("&amp;", stdout);
            break;
        case '<':
            (void)fputs("&lt;", stdout);
            break;
        case '>':
            (void)fputs("&gt;", stdout);
            break;
        case '"':
            (void)fputs("&quot;", stdout);
            break;
        default:
            (void)fputc(text.data[i], stdout);
            break;
        }
    }
}

static void
print_xml_text(const char *text)
{
    print_xml(span_from_text(text));
}

static void
print_case(const struct policy_yaml *loaded, const struct policy_test *test,
    const struct policy_test_outcome *outcome)
{
    (void)fputs("    <testcase classname=\"", stdout);
    print_xml(loaded->source.name);
    (void)printf(".%s\" name=\"", ctl_policy_direction_name(test->direction));
    print_xml(test->name);
    if (outcome->mismatch_count == 0) {
        (void)fputs("\"/>\n", stdout);
        return;
    }
    (void)fputs("\">\n      <failure message=\"not as expected\">", stdout);
    print_xml_text(test->place.file);
    (void)printf(":%" PRIu32 "\n", test->place.line);
    for (uint32_t i = 0; i < outcome->mismatch_count; i++) {
        const struct policy_test_mismatch *mismatch = &outcome->mismatches[i];
        (void)printf("%s: expected ", mismatch->key);
        print_xml(mismatch->want);
        (void)fputs(", got ", stdout);
        print_xml(mismatch->got);
        (void)fputc('\n', stdout);
    }
    (void)fputs("</failure>\n    </testcase>\n", stdout);
}

static void
print_suite(const struct ctl_policy_tested *file)
{
    const struct policy_yaml *loaded = file->loaded;
    size_t failed_count = 0;
    for (uint32_t i = 0; i < loaded->test_count; i++) {
        failed_count += file->outcomes[i].mismatch_count > 0;
    }
    (void)fputs("  <testsuite name=\"", stdout);
    print_xml(loaded->source.name);
    (void)fputs("\" file=\"", stdout);
    print_xml_text(file->path);
    (void)printf("\" tests=\"%" PRIu32 "\" failures=\"%zu\">\n", loaded->test_count, failed_count);
    for (uint32_t i = 0; i < loaded->test_count; i++) {
        print_case(loaded, &loaded->tests[i], &file->outcomes[i]);
    }
    (void)fputs("  </testsuite>\n", stdout);
}

void
ctl_policy_report_junit(const struct ctl_policy_report *report)
{
    bool asked = report->coverage_min != CTL_POLICY_COVERAGE_NONE;
    bool reached = ctl_policy_coverage_reached(report);
    (void)printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<testsuites tests=\"%zu\" failures=\"%zu\">\n",
        report->passed_count + report->failed_count + asked, report->failed_count + !reached);
    for (size_t i = 0; i < report->file_count; i++) {
        print_suite(&report->files[i]);
    }
    if (asked) {
        (void)printf("  <testsuite name=\"coverage\" tests=\"1\" failures=\"%d\">\n"
                     "    <testcase classname=\"coverage\" name=\"at least %" PRIu64 "%%\">",
            !reached, report->coverage_min);
        if (!reached) {
            (void)printf("<failure message=\"tests hit %" PRIu64 "%% of the rules\"/>",
                ctl_policy_coverage(report));
        }
        (void)fputs("</testcase>\n  </testsuite>\n", stdout);
    }
    (void)fputs("</testsuites>\n", stdout);
}

/* ---- TAP ---- */

/* A JSON text is a YAML text, which is what stands between --- and the dots. */
static void
print_quoted(struct span text)
{
    json_t *json = ctl_policy_json(text);
    char *quoted = json_dumps(json, JSON_ENCODE_ANY);
    (void)fputs(quoted == NULL ? "\"\"" : quoted, stdout);
    free(quoted);
    json_decref(json);
}

static void
print_description(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '#' || text.data[i] == '\\') {
            (void)fputc('\\', stdout);
        }
        (void)fputc(text.data[i], stdout);
    }
}

static void
print_point(size_t number, const struct policy_yaml *loaded, const struct policy_test *test,
    const struct policy_test_outcome *outcome)
{
    (void)printf("%s %zu - ", outcome->mismatch_count == 0 ? "ok" : "not ok", number);
    print_description(loaded->source.name);
    (void)fputs(": ", stdout);
    print_description(test->name);
    (void)fputc('\n', stdout);
    if (outcome->mismatch_count == 0) {
        return;
    }
    (void)fputs("  ---\n  file: ", stdout);
    print_quoted(span_from_text(test->place.file));
    (void)printf("\n  line: %" PRIu32 "\n", test->place.line);
    for (uint32_t i = 0; i < outcome->mismatch_count; i++) {
        const struct policy_test_mismatch *mismatch = &outcome->mismatches[i];
        (void)printf("  %s: {expected: ", mismatch->key);
        print_quoted(mismatch->want);
        (void)fputs(", got: ", stdout);
        print_quoted(mismatch->got);
        (void)fputs("}\n", stdout);
    }
    (void)fputs("  ...\n", stdout);
}

void
ctl_policy_report_tap(const struct ctl_policy_report *report)
{
    bool asked = report->coverage_min != CTL_POLICY_COVERAGE_NONE;
    size_t number = 0;
    (void)printf("TAP version 13\n1..%zu\n", report->passed_count + report->failed_count + asked);
    for (size_t i = 0; i < report->file_count; i++) {
        const struct policy_yaml *loaded = report->files[i].loaded;
        for (uint32_t j = 0; j < loaded->test_count; j++) {
            number++;
            print_point(number, loaded, &loaded->tests[j], &report->files[i].outcomes[j]);
        }
    }
    if (asked) {
        (void)printf("%s %zu - tests hit at least %" PRIu64 "%% of the rules\n",
            ctl_policy_coverage_reached(report) ? "ok" : "not ok", number + 1,
            report->coverage_min);
    }
    (void)printf("# coverage %" PRIu64 "%%\n", ctl_policy_coverage(report));
}
