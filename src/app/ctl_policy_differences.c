/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_policy_differences.c - one sorted list of what all links differ in, written in two ways. */
#include "app/ctl_policy_differences.h"

#include <stdlib.h>
#include <string.h>

#include "app/ctl_json.h"
#include "app/ctl_table.h"

/* The bridge's word, ours in JSON, and ours in tables; in the order in which they are shown. */
static const struct kind {
    const char *name;
    const char *key;
    const char *word;
} kinds[] = {
    { "appear", "appear", "appears" },
    { "vanish", "vanish", "vanishes" },
    { "rename", "change", "renamed" },
    { "alter", "alter", "altered" },
};

struct item {
    const char *link;
    size_t kind; /* an index of `kinds` */
    const json_t *difference;
};

struct items {
    struct item *list;
    size_t count;
};

/* COUNT_OF(kinds): a word that a newer bridge uses. */
static size_t
find_kind(const char *name)
{
    size_t kind = 0;
    while (kind < COUNT_OF(kinds) && strcmp(kinds[kind].name, name) != 0) {
        kind++;
    }
    return kind;
}

static int
compare(const void *a, const void *b)
{
    const struct item *first = a;
    const struct item *second = b;
    int order = strcmp(first->link, second->link);
    if (order == 0) {
        order = strcmp(
            ctl_text(first->difference, "direction"), ctl_text(second->difference, "direction"));
    }
    if (order == 0) {
        order = (first->kind > second->kind) - (first->kind < second->kind);
    }
    if (order == 0) {
        order = strcmp(
            ctl_text(first->difference, "function"), ctl_text(second->difference, "function"));
    }
    return order;
}

static void
collect_link(struct items *items, const json_t *link)
{
    size_t index = 0;
    const json_t *difference = NULL;
    json_array_foreach(json_object_get(link, "differences"), index, difference)
    {
        size_t kind = find_kind(ctl_text(difference, "kind"));
        if (kind < COUNT_OF(kinds)) {
            items->list[items->count] = (struct item){
                .link = ctl_text(link, "link"), .kind = kind, .difference = difference
            };
            items->count++;
        }
    }
}

/* .list, for free(), borrows from `answer`; NULL: there are none, or no memory. */
static struct items
collect(const json_t *answer)
{
    struct items items = { .count = 0 };
    const json_t *links = json_object_get(answer, "links");
    size_t room = 0;
    size_t index = 0;
    const json_t *link = NULL;
    json_array_foreach(links, index, link)
    {
        room += json_array_size(json_object_get(link, "differences"));
    }
    items.list = room == 0 ? NULL : calloc(room, sizeof(*items.list));
    if (items.list == NULL) {
        return items;
    }
    json_array_foreach(links, index, link)
    {
        collect_link(&items, link);
    }
    qsort(items.list, items.count, sizeof(*items.list), compare);
    return items;
}

/* Over all links. */
static json_int_t
count_kind(const json_t *answer, size_t kind)
{
    json_int_t total = 0;
    size_t index = 0;
    const json_t *link = NULL;
    json_array_foreach(json_object_get(answer, "links"), index, link)
    {
        total += ctl_integer(json_object_get(link, "counts"), kinds[kind].name);
    }
    return total;
}

static json_int_t
sum(const json_t *answer, const char *key)
{
    json_int_t total = 0;
    size_t index = 0;
    const json_t *link = NULL;
    json_array_foreach(json_object_get(answer, "links"), index, link)
    {
        total += ctl_integer(link, key);
    }
    return total;
}

static json_int_t
count_all(const json_t *answer)
{
    json_int_t total = 0;
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        total += count_kind(answer, kind);
    }
    return total;
}

bool
ctl_policy_differences_any(const json_t *answer)
{
    return count_all(answer) > 0;
}

/* ---- JSON ---- */

static json_t *
describe(const struct item *item)
{
    static const char *const keys[] = { "direction", "function", "before", "after", "rule_before",
        "rule_after" };
    json_t *json = json_pack("{s:s}", "link", item->link);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        json_t *value = json_object_get(item->difference, keys[i]);
        (void)json_object_set_new(json, keys[i], value == NULL ? json_null() : json_incref(value));
    }
    return json;
}

json_t *
ctl_policy_differences_json(const json_t *answer)
{
    struct items items = collect(answer);
    json_t *json = json_object();
    json_t *counts = json_object();
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        json_t *list = json_array();
        for (size_t i = 0; i < items.count; i++) {
            if (items.list[i].kind == kind) {
                (void)json_array_append_new(list, describe(&items.list[i]));
            }
        }
        (void)json_object_set_new(json, kinds[kind].key, list);
        (void)json_object_set_new(counts, kinds[kind].key, json_integer(count_kind(answer, kind)));
    }
    (void)json_object_set_new(json, "counts", counts);
    (void)json_object_set_new(json, "compared", json_integer(sum(answer, "compared")));
    (void)json_object_set_new(json, "accepted", json_integer(sum(answer, "accepted")));
    free(items.list);
    return json;
}

/* ---- The table ---- */

static void
print_table(const struct items *items, FILE *out)
{
    static const char *const heads[] = { "LINK", "DIRECTION", "CHANGE", "FUNCTION", "BEFORE",
        "AFTER", "RULE BEFORE", "RULE AFTER" };
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    for (size_t i = 0; i < items->count; i++) {
        const struct item *item = &items->list[i];
        const json_t *difference = item->difference;
        const char *row[] = { item->link, ctl_text(difference, "direction"), kinds[item->kind].word,
            ctl_text(difference, "function"), ctl_text(difference, "before"),
            ctl_text(difference, "after"), ctl_text(difference, "rule_before"),
            ctl_text(difference, "rule_after") };
        ctl_table_add(&table, row);
    }
    ctl_table_print(&table, out);
    ctl_table_destroy(&table);
}

void
ctl_policy_differences_print(const json_t *answer, FILE *out)
{
    struct items items = collect(answer);
    json_int_t hidden = count_all(answer) - (json_int_t)items.count;
    if (items.count > 0) {
        print_table(&items, out);
    }
    if (hidden > 0) {
        (void)fprintf(
            out, "... and %" JSON_INTEGER_FORMAT " more, which the bridge does not list\n", hidden);
    }
    if (ctl_policy_differences_any(answer)) {
        for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
            (void)fprintf(out, "%s%s %" JSON_INTEGER_FORMAT, kind == 0 ? "" : ", ", kinds[kind].key,
                count_kind(answer, kind));
        }
    } else {
        (void)fputs("no differences", out);
    }
    (void)fprintf(out,
        "; %" JSON_INTEGER_FORMAT " functions compared, %" JSON_INTEGER_FORMAT " pass today\n",
        sum(answer, "compared"), sum(answer, "accepted"));
    free(items.list);
}
