/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_table.h - rows of texts in columns that are as wide as they need to be.
 *
 * Texts may come from anybody: they are made printable (host/printable.h). An empty one is shown as "-".
 */
#ifndef APP_CTL_TABLE_H
#define APP_CTL_TABLE_H

#include <stdio.h>

#include "base/arena.h"

#define CTL_TABLE_COLUMNS_MAX 16
#define CTL_TABLE_MEMORY_MAX  ((size_t)2 * 1024 * 1024 * 1024)

struct ctl_table_row;

struct ctl_table {
    struct mem mem;
    struct arena arena;
    size_t column_count;
    size_t row_count; /* the heads are not counted */
    size_t widths[CTL_TABLE_COLUMNS_MAX];
    struct ctl_table_row *first;
    struct ctl_table_row *last;
};

/* `heads` has column_count texts. */
void ctl_table_init(struct ctl_table *table, const char *const *heads, size_t column_count);
void ctl_table_destroy(struct ctl_table *table);

/* One text a column; they are copied. Rows that memory does not allow are left out. */
void ctl_table_add(struct ctl_table *table, const char *const *texts);

void ctl_table_print(const struct ctl_table *table, FILE *out);

#endif
