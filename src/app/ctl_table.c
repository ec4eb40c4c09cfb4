/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_table.c - widths are counted in characters while rows come in; padding comes at the end.
 */
#include "app/ctl_table.h"

#include <string.h>

#include "host/printable.h"

#define GAP 2

struct ctl_table_row {
    struct ctl_table_row *next;
    struct span cells[CTL_TABLE_COLUMNS_MAX];
};

void
ctl_table_init(struct ctl_table *table, const char *const *heads, size_t column_count)
{
    CHECK(column_count > 0);
    CHECK(column_count <= CTL_TABLE_COLUMNS_MAX);
    *table = (struct ctl_table){ .column_count = column_count };
    mem_init(&table->mem, CTL_TABLE_MEMORY_MAX);
    arena_init(&table->arena, &table->mem);
    ctl_table_add(table, heads);
    table->row_count = 0;
}

void
ctl_table_destroy(struct ctl_table *table)
{
    arena_destroy(&table->arena);
}

static struct span
make_cell(struct ctl_table *table, const char *text)
{
    struct buf escaped;
    buf_init(&escaped, &table->mem, CTL_TABLE_MEMORY_MAX);
    printable_add(&escaped, span_from_text(text[0] == '\0' ? "-" : text), 0);
    struct span cell = arena_copy(&table->arena, buf_span(&escaped));
    buf_destroy(&escaped);
    return cell;
}

void
ctl_table_add(struct ctl_table *table, const char *const *texts)
{
    struct ctl_table_row *row = arena_take(&table->arena, sizeof(*row));
    if (row == NULL) {
        return;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        row->cells[i] = make_cell(table, texts[i]);
        size_t width = printable_width(row->cells[i]);
        table->widths[i] = width > table->widths[i] ? width : table->widths[i];
    }
    if (table->last == NULL) {
        table->first = row;
    } else {
        table->last->next = row;
    }
    table->last = row;
    table->row_count++;
}

void
ctl_table_print(const struct ctl_table *table, FILE *out)
{
    for (const struct ctl_table_row *row = table->first; row != NULL; row = row->next) {
        for (size_t i = 0; i < table->column_count; i++) {
            struct span cell = row->cells[i];
            bool is_last = i + 1 == table->column_count;
            size_t gap = is_last ? 0 : table->widths[i] + GAP - printable_width(cell);
            (void)fprintf(out, "%.*s%*s", SPAN_ARGS(cell), (int)gap, "");
        }
        (void)fputc('\n', out);
    }
}
