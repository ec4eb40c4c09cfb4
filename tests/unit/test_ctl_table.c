/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctl_table.c - columns are as wide as their widest text, counted in characters. */
#include "app/ctl_table.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

START_TEST(columns_are_aligned)
{
    static const char *const heads[] = { "A", "LONG HEAD", "END" };
    static const char *const rows[][3] = {
        { "caf\xc3\xa9", "", "x" },
        { "a\nb", "1", "longer than its head" },
    };
    char *text = NULL;
    size_t size = 0;
    struct ctl_table table;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ctl_table_init(&table, heads, 3);
    ck_assert_uint_eq(table.row_count, 0);
    ctl_table_add(&table, rows[0]);
    ctl_table_add(&table, rows[1]);
    ck_assert_uint_eq(table.row_count, 2);
    ctl_table_print(&table, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, "A     LONG HEAD  END\n"
                           "caf\xc3\xa9  -          x\n"
                           "a\\nb  1          longer than its head\n");
    ctl_table_destroy(&table);
    ck_assert_uint_eq(table.mem.used, 0);
    free(text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ctl_table");
    TCase *tests = tcase_create("ctl_table");
    tcase_add_test(tests, columns_are_aligned);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
