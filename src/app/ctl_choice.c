/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_choice.c - the words for one choice among imports. */
#include "app/ctl_choice.h"

#include <stdio.h>
#include <string.h>

#include "app/ctl_json.h"

#define PART_SIZE 256

/* It is the one, or would be: of how many, and by which step. */
static void
write_first(const json_t *import, const char *offer, char *text, size_t size)
{
    json_int_t candidates = ctl_integer(import, "candidates");
    const char *pending = strcmp(offer, "offered") == 0 ? "" : offer;
    if (candidates < 2) {
        (void)snprintf(text, size, "%s", pending);
        return;
    }
    (void)snprintf(text, size, "%s%sfirst of %" JSON_INTEGER_FORMAT " by %s", pending,
        pending[0] == '\0' ? "" : ", ", candidates, ctl_text(import, "decided_by"));
}

static void
write_standby(const json_t *import, char *text, size_t size)
{
    const char *link = ctl_text(import, "chosen_link");
    const char *by = ctl_text(import, "decided_by");
    (void)snprintf(text, size, "standby%s%s%s%s", link[0] == '\0' ? "" : ": link ", link,
        by[0] == '\0' ? "" : " by ", by);
}

void
ctl_choice_write(const json_t *import, char *text, size_t size)
{
    char words[PART_SIZE];
    const char *offer = ctl_text(import, "offer");
    if (strcmp(offer, "standby") == 0) {
        write_standby(import, words, sizeof(words));
    } else {
        write_first(import, offer, words, sizeof(words));
    }
    const char *but = json_is_true(json_object_get(import, "stale"))     ? "stale"
                      : json_is_true(json_object_get(import, "doubted")) ? "doubted"
                                                                         : "";
    const char *comma = words[0] == '\0' || but[0] == '\0' ? "" : ", ";
    (void)snprintf(text, size, "%s%s%s", words, comma, but);
}
