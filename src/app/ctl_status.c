/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_status.c - `mpregctl status`: one program at a glance.
 */
#include <stdio.h>
#include <string.h>

#include "app/ctl_http.h"
#include "app/ctl_table.h"

static const char help[] =
    "Usage: mpregctl [--admin URL] [-o table|json] status\n"
    "\n"
    "Shows the program behind --admin: who it is, whether it is ready, its cluster, its nodes.\n";

/* A line of words that may come from anybody. */
static void
print_line(const char *label, const char *text)
{
    (void)printf("%-10s ", label);
    ctl_print_text(text);
    (void)putchar('\n');
}

static void
print_ready(const json_t *status)
{
    size_t index = 0;
    const json_t *reason = NULL;
    bool ready = json_is_true(json_object_get(status, "ready"));
    print_line("ready", ready ? "yes" : "no");
    json_array_foreach(json_object_get(status, "reasons"), index, reason)
    {
        print_line("", json_is_string(reason) ? json_string_value(reason) : "");
    }
}

static void
print_identity(const json_t *status)
{
    char text[512];
    double uptime = ctl_real(status, "uptime_seconds");
    (void)snprintf(
        text, sizeof(text), "%s %s", ctl_text(status, "program"), ctl_text(status, "version"));
    print_line("program", text);
    if (json_object_get(status, "bridge") != NULL) {
        (void)snprintf(text, sizeof(text), "%s of federation %s", ctl_text(status, "bridge"),
            ctl_text(status, "federation"));
        print_line("bridge", text);
    }
    (void)snprintf(text, sizeof(text), "%s, %s ago", ctl_text(status, "started_at"),
        ctl_duration(uptime).text);
    print_line("started", text);
}

/* "1 of 2 up, 1 suspended; 12 functions stale" */
static void
print_links(const json_t *status, const json_t *links)
{
    char text[256];
    char suspended[48] = "";
    char stale[48] = "";
    json_int_t waiting = ctl_integer(links, "suspended");
    json_int_t old = ctl_integer(status, "functions_stale");
    if (waiting > 0) {
        (void)snprintf(
            suspended, sizeof(suspended), ", %" JSON_INTEGER_FORMAT " suspended", waiting);
    }
    if (old > 0) {
        (void)snprintf(stale, sizeof(stale), "; %" JSON_INTEGER_FORMAT " functions stale", old);
    }
    (void)snprintf(text, sizeof(text),
        "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " up%s%s", ctl_integer(links, "up"),
        ctl_integer(links, "total"), suspended, stale);
    print_line("links", text);
}

static void
print_cluster(const json_t *status)
{
    char text[1024];
    const json_t *cluster = json_object_get(status, "cluster");
    const json_t *links = json_object_get(status, "links");
    const json_t *memory = json_object_get(status, "memory");
    (void)snprintf(
        text, sizeof(text), "%s as %s", ctl_text(cluster, "cluster_id"), ctl_text(cluster, "url"));
    print_line("cluster", text);
    (void)snprintf(text, sizeof(text),
        "%" JSON_INTEGER_FORMAT " known, %" JSON_INTEGER_FORMAT " %s",
        ctl_integer(cluster, "functions_known"),
        ctl_integer(status, links == NULL ? "functions_local" : "functions_offered"),
        links == NULL ? "served here" : "imported over links");
    print_line("functions", text);
    if (links != NULL) {
        print_links(status, links);
    }
    (void)snprintf(text, sizeof(text), "%.1f MiB, at most %.1f MiB so far",
        ctl_real(memory, "used_bytes") / 1048576.0, ctl_real(memory, "peak_bytes") / 1048576.0);
    print_line("memory", text);
}

static void
print_nodes(const json_t *status)
{
    static const char *const heads[] = { "NODE", "CLUSTER", "STATE", "LAST STATUS", "LOST AT" };
    size_t index = 0;
    const json_t *node = NULL;
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    json_array_foreach(json_object_get(json_object_get(status, "cluster"), "nodes"), index, node)
    {
        const char *row[] = { ctl_text(node, "url"), ctl_text(node, "cluster_id"),
            ctl_text(node, "state"), ctl_text(node, "status_at"), ctl_text(node, "lost_at") };
        ctl_table_add(&table, row);
    }
    if (table.row_count > 0) {
        (void)putchar('\n');
        ctl_table_print(&table, stdout);
    }
    ctl_table_destroy(&table);
}

int
ctl_status(struct ctl *ctl, int argc, char **argv)
{
    int code = APP_OK;
    if (!ctl_read_no_arguments(ctl, argc, argv, help, &code)) {
        return code;
    }
    json_t *status = ctl_get(ctl, "/v1/status", NULL);
    if (status == NULL) {
        return APP_FAILED;
    }
    if (ctl->json) {
        ctl_print_json(status);
        return APP_OK;
    }
    print_identity(status);
    print_ready(status);
    print_cluster(status);
    print_nodes(status);
    json_decref(status);
    return APP_OK;
}
