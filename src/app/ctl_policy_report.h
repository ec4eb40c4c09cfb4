/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_report.h - the results of policy tests, for people and for CI.
 */
#ifndef APP_CTL_POLICY_REPORT_H
#define APP_CTL_POLICY_REPORT_H

#include "app/ctl_policy.h"

/* One file whose tests have been run. */
struct ctl_policy_tested {
    const char *path;
    struct policy_yaml *loaded;
    struct policy_test_outcome *outcomes; /* of loaded->tests */
    bool *hit[2];                         /* by direction and rule: a test was decided by it */
};

#define CTL_POLICY_COVERAGE_NONE UINT64_MAX

struct ctl_policy_report {
    struct ctl_policy_tested *files;
    size_t file_count;
    size_t passed_count;
    size_t failed_count;
    uint64_t rule_count; /* of all files, both directions */
    uint64_t hit_count;
    uint64_t coverage_min; /* percent; CTL_POLICY_COVERAGE_NONE: not asked for */
};

/* Whole percent, rounded down; 100 when there are no rules. */
uint64_t ctl_policy_coverage(const struct ctl_policy_report *report);

bool ctl_policy_coverage_reached(const struct ctl_policy_report *report);

/* On stdout. TAP and JUnit count a coverage_min as one more test. */
void ctl_policy_report_table(const struct ctl_policy_report *report);
void ctl_policy_report_json(const struct ctl_policy_report *report);
void ctl_policy_report_junit(const struct ctl_policy_report *report);
void ctl_policy_report_tap(const struct ctl_policy_report *report);

#endif
