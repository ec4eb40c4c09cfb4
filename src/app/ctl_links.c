/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_links.c - `mpregctl links`: each link of a bridge in one row.
 */
#include <math.h>
#include <stdio.h>

#include "app/ctl_http.h"
#include "app/ctl_table.h"

static const char help[] = "Usage: mpregctl [--admin URL] [-o table|json] links\n"
                           "\n"
                           "Shows the links of a bridge. UP is the share of the last 5 minutes, "
                           "hour and day in\n"
                           "which a link was up, CLOCK how far the far bridge's clock is ahead "
                           "(+) or behind (-). STALE are functions that nobody vouches for "
                           "now, and for how long they\n"
                           "stay. A suspended link has no connection, and may go on over "
                           "another one.\n"
                           "-o json has more: results of calls, reasons of prunes and rejects.\n";

/* A number in the object `key` of `link`. */
struct number {
    char text[24];
};

static struct number
number_in(const json_t *link, const char *key, const char *name)
{
    struct number number;
    (void)snprintf(number.text, sizeof(number.text), "%" JSON_INTEGER_FORMAT,
        ctl_integer(json_object_get(link, key), name));
    return number;
}

static struct ctl_duration
duration_in(const json_t *object, const char *name)
{
    struct ctl_duration none = { .text = "" };
    const json_t *value = json_object_get(object, name);
    return json_is_number(value) ? ctl_duration(json_number_value(value)) : none;
}

/* "100/99.98/97.2%": of the last 5 minutes, 1 hour, 24 hours. */
struct availability {
    char text[48];
};

static struct availability
availability_in(const json_t *health)
{
    static const char *const windows[] = { "5m", "1h", "24h" };
    const json_t *ratios = json_object_get(health, "availability");
    struct availability shown = { .text = "" };
    size_t used = 0;
    for (size_t i = 0; i < COUNT_OF(windows) && json_is_object(ratios); i++) {
        /* Down, never up: 100 is shown for what was never away. */
        double percent = floor(ctl_real(ratios, windows[i]) * 1e4) / 1e2;
        percent = fmin(fmax(percent, 0), 100);
        used += (size_t)snprintf(
            &shown.text[used], sizeof(shown.text) - used, "%s%.4g", i == 0 ? "" : "/", percent);
    }
    if (used > 0) {
        (void)snprintf(&shown.text[used], sizeof(shown.text) - used, "%%");
    }
    return shown;
}

/* "+1.2s": the far clock is ahead. */
struct offset {
    char text[sizeof(struct ctl_duration) + 1];
};

static struct offset
offset_in(const json_t *health)
{
    const json_t *value = json_object_get(health, "clock_offset_seconds");
    double seconds = json_number_value(value);
    struct offset shown = { .text = "" };
    if (json_is_number(value)) {
        (void)snprintf(shown.text, sizeof(shown.text), "%c%s", seconds < 0 ? '-' : '+',
            ctl_duration(fabs(seconds)).text);
    }
    return shown;
}

/* "suspended, 12s left"; "up, doubted, diverged 3s" */
struct state {
    char text[96];
};

static struct state
state_of(const json_t *link)
{
    struct state state;
    const char *name = ctl_text(link, "state");
    struct ctl_duration left =
        duration_in(json_object_get(link, "session"), "suspended_seconds_left");
    struct ctl_duration diverged = duration_in(json_object_get(link, "table"), "diverged_seconds");
    (void)snprintf(state.text, sizeof(state.text), "%s%s%s%s%s%s%s", name,
        left.text[0] == '\0' ? "" : ", ", left.text, left.text[0] == '\0' ? "" : " left",
        json_is_true(json_object_get(link, "doubted")) ? ", doubted" : "",
        diverged.text[0] == '\0' ? "" : ", diverged ", diverged.text);
    return state;
}

/* "12, 1m30s left" */
static struct state
stale_of(const json_t *link)
{
    struct state stale;
    const json_t *table = json_object_get(link, "table");
    struct ctl_duration left = duration_in(table, "stale_seconds_left");
    (void)snprintf(stale.text, sizeof(stale.text), "%" JSON_INTEGER_FORMAT "%s%s%s",
        ctl_integer(table, "stale"), left.text[0] == '\0' ? "" : ", ", left.text,
        left.text[0] == '\0' ? "" : " left");
    return stale;
}

static void
add_row(struct ctl_table *table, const json_t *link)
{
    const json_t *session = json_object_get(link, "session");
    struct ctl_duration uptime = duration_in(session, "uptime_seconds");
    const json_t *health = json_object_get(link, "health");
    struct availability availability = availability_in(health);
    struct ctl_duration rtt = duration_in(health, "rtt_smoothed_seconds");
    struct offset offset = offset_in(health);
    struct ctl_duration damped = duration_in(json_object_get(link, "damping"), "seconds_left");
    struct number flaps = number_in(link, "session", "flaps");
    struct number exported = number_in(link, "functions", "exported");
    struct number denied = number_in(link, "functions", "denied");
    struct number imported = number_in(link, "functions", "imported");
    struct number rejected = number_in(link, "functions", "rejected");
    struct state state = state_of(link);
    struct state stale = stale_of(link);
    const char *row[] = { ctl_text(link, "name"), ctl_text(link, "federation"),
        ctl_text(link, "far_bridge"), state.text, uptime.text, availability.text, rtt.text,
        offset.text, flaps.text, damped.text, exported.text, denied.text, imported.text, stale.text,
        rejected.text, ctl_text(session, "last_reason") };
    ctl_table_add(table, row);
}

int
ctl_links(struct ctl *ctl, int argc, char **argv)
{
    static const char *const heads[] = { "LINK", "FEDERATION", "FAR BRIDGE", "STATE", "FOR",
        "UP 5m/1h/24h", "RTT", "CLOCK", "FLAPS", "DAMPED", "EXPORTED", "DENIED", "IMPORTED",
        "STALE", "REJECTED", "LAST END" };
    int code = APP_OK;
    size_t index = 0;
    const json_t *link = NULL;
    struct ctl_table table;
    if (!ctl_read_no_arguments(ctl, argc, argv, help, &code)) {
        return code;
    }
    json_t *answer = ctl_get(ctl, "/v1/links", NULL);
    if (answer == NULL) {
        return APP_FAILED;
    }
    if (ctl->json) {
        ctl_print_json(answer);
        return APP_OK;
    }
    ctl_table_init(&table, heads, COUNT_OF(heads));
    json_array_foreach(json_object_get(answer, "links"), index, link)
    {
        add_row(&table, link);
    }
    ctl_table_print(&table, stdout);
    ctl_table_destroy(&table);
    json_decref(answer);
    return APP_OK;
}
