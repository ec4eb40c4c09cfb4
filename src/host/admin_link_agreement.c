/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_link_agreement.c - /v1/links/NAME/agreement: of what we export over a link, what the far side says it has made;
 * and of what it exports, what we have made.
 */
#include "host/admin_bridge.h"

/* What a page may take to be made. */
#define PAGE_MEMORY_MAX ((size_t)1024 * 1024)

struct page {
    const struct rib *rib;
    uint32_t link;
    const struct link_report *report;
    bool of_exports;
};

static json_t *
describe_rules(const struct link_report *report)
{
    json_t *rules = json_array();
    for (uint32_t i = 0; i < report->rule_count; i++) {
        const struct link_report_rule *rule = &report->rules[i];
        (void)json_array_append_new(
            rules, json_pack("{s:o,s:o,s:o}", "reason", admin_text(rule->reason), "rule",
                       admin_text_or_null(rule->rule), "count", admin_u64(rule->count)));
    }
    return rules;
}

/* The name that a route has on the link; empty: it is gone meanwhile. */
static struct span
name_on_link(const struct page *page, uint64_t route_id)
{
    if (page->of_exports) {
        const struct rib_export *exported = rib_find_export(page->rib, page->link, route_id);
        return exported == NULL ? SPAN_NONE : rib_export_out(exported).identity.name;
    }
    const struct rib_import *import = rib_find_import(page->rib, page->link, route_id);
    return import == NULL ? SPAN_NONE : rib_import_in(import).identity.name;
}

static json_t *
describe_functions(const struct page *page)
{
    json_t *functions = json_array();
    for (uint32_t i = 0; i < page->report->route_count; i++) {
        const struct link_report_route *route = &page->report->routes[i];
        const struct link_report_rule *rule = &page->report->rules[route->rule];
        struct span name = name_on_link(page, route->route_id);
        if (name.size > 0) {
            (void)json_array_append_new(
                functions, json_pack("{s:o,s:o,s:o}", "name", admin_text(name), "reason",
                               admin_text(rule->reason), "rule", admin_text_or_null(rule->rule)));
        }
    }
    return functions;
}

static json_t *
describe(const struct page *page, uint64_t announced)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "announced", admin_u64(announced), "accepted",
        admin_u64(page->report->accepted), "rejected", admin_u64(page->report->rejected), "rules",
        describe_rules(page->report), "functions", describe_functions(page));
}

/* `told_seconds_ago` null: the far side tells nothing, or nothing yet. */
static json_t *
describe_exports(const struct admin_bridge *admin, uint32_t link)
{
    static const struct link_report nothing;
    uint64_t ago_ns = 0;
    const struct link_report *told = bridge_link_told(admin->bridge, link, &ago_ns);
    const struct page page = {
        .rib = bridge_rib(admin->bridge),
        .link = link,
        .report = told == NULL ? &nothing : told,
        .of_exports = true,
    };
    json_t *json = describe(&page, rib_announced_table(page.rib, link).routes);
    (void)json_object_set_new(
        json, "told_seconds_ago", told == NULL ? json_null() : admin_seconds(ago_ns));
    return json;
}

/* NULL: no memory. */
static json_t *
describe_imports(const struct admin_bridge *admin, uint32_t link)
{
    struct mem mem;
    struct arena arena;
    struct link_report report;
    json_t *json = NULL;
    const struct rib *rib = bridge_rib(admin->bridge);
    const struct policy *policy = rib_policy(rib, link);
    mem_init(&mem, PAGE_MEMORY_MAX);
    arena_init(&arena, &mem);
    if (rib_report(rib, link, true, &arena, &report)) {
        const struct page page = { .rib = rib, .link = link, .report = &report };
        json = describe(&page, rib_heard_table(rib, link).routes);
        (void)json_object_set_new(json, "report",
            json_string(
                policy_report_name(policy == NULL ? POLICY_REPORT_COUNTS : policy_report(policy))));
    }
    arena_destroy(&arena);
    return json;
}

void
admin_link_serve(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    uint32_t link;
    struct span what;
    if (!admin_bridge_path_link(admin, call, &link, &what)) {
        return;
    }
    if (!span_is(what, "agreement")) {
        admin_reply_error(call->response, 404, "of a link one reads /v1/links/NAME/agreement");
        return;
    }
    struct bridge_link_stats stats = bridge_link_stats(admin->bridge, link);
    admin_reply_json(call->response,
        json_pack("{s:o,s:o,s:s,s:o,s:o}", "link", admin_text(stats.name), "far_bridge",
            admin_text_or_null(stats.far_bridge), "state",
            bridge_link_view_name(bridge_link_view(&stats)), "export",
            describe_exports(admin, link), "import", describe_imports(admin, link)));
}
