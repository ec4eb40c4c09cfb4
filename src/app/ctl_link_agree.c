/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_link_agree.c - `mpregctl link agree`: what each end of a link has made of the other's functions. */
#include "app/ctl_link_agree.h"

#include <stdio.h>
#include <string.h>

#include "app/ctl_json.h"
#include "app/ctl_table.h"

/* "2 rejected by their rule no-admin (policy_rejected)" */
static void
print_rules(const json_t *side, const char *whose)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(side, "rules"), index, item)
    {
        const char *rule = ctl_text(item, "rule");
        (void)printf("  %" JSON_INTEGER_FORMAT " ", ctl_integer(item, "count"));
        if (rule[0] != '\0') {
            (void)printf("rejected by %s rule ", whose);
            ctl_print_text(rule);
            (void)fputs(" (", stdout);
            ctl_print_text(ctl_text(item, "reason"));
            (void)fputs(")\n", stdout);
        } else {
            (void)fputs("rejected: ", stdout);
            ctl_print_text(ctl_text(item, "reason"));
            (void)putchar('\n');
        }
    }
}

static void
add_functions(struct ctl_table *table, const json_t *side, const char *direction)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(json_object_get(side, "functions"), index, item)
    {
        const char *row[] = { direction, ctl_text(item, "name"), ctl_text(item, "reason"),
            ctl_text(item, "rule") };
        ctl_table_add(table, row);
    }
}

static void
print_exports(const json_t *side)
{
    const json_t *ago = json_object_get(side, "told_seconds_ago");
    (void)printf("we export %" JSON_INTEGER_FORMAT, ctl_integer(side, "announced"));
    if (!json_is_number(ago)) {
        (void)fputs("; they do not tell what became of that\n", stdout);
        return;
    }
    (void)printf(", they accept %" JSON_INTEGER_FORMAT ", reject %" JSON_INTEGER_FORMAT
                 " (told %s ago)\n",
        ctl_integer(side, "accepted"), ctl_integer(side, "rejected"),
        ctl_duration(json_number_value(ago)).text);
    print_rules(side, "their");
}

static void
print_imports(const json_t *side)
{
    const char *report = ctl_text(side, "report");
    (void)printf("they export %" JSON_INTEGER_FORMAT ", we accept %" JSON_INTEGER_FORMAT
                 ", reject %" JSON_INTEGER_FORMAT "%s\n",
        ctl_integer(side, "announced"), ctl_integer(side, "accepted"),
        ctl_integer(side, "rejected"),
        strcmp(report, "none") == 0    ? ", and do not tell them"
        : strcmp(report, "names") == 0 ? ", and tell them which"
                                       : "");
    print_rules(side, "our");
}

bool
ctl_link_agree_print(const json_t *agreement)
{
    static const char *const heads[] = { "REJECTED", "FUNCTION", "REASON", "RULE" };
    const json_t *exports = json_object_get(agreement, "export");
    const json_t *imports = json_object_get(agreement, "import");
    struct ctl_table table;
    print_exports(exports);
    print_imports(imports);
    ctl_table_init(&table, heads, sizeof(heads) / sizeof(heads[0]));
    add_functions(&table, exports, "by them");
    add_functions(&table, imports, "by us");
    if (table.row_count > 0) {
        (void)putchar('\n');
        ctl_table_print(&table, stdout);
    }
    ctl_table_destroy(&table);
    return ctl_link_agree(agreement);
}

bool
ctl_link_agree(const json_t *agreement)
{
    return ctl_integer(json_object_get(agreement, "export"), "rejected") == 0 &&
           ctl_integer(json_object_get(agreement, "import"), "rejected") == 0;
}
