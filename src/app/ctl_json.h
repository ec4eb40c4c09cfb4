/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_json.h - JSON that mpregctl prints, and members of JSON that it was sent.
 */
#ifndef APP_CTL_JSON_H
#define APP_CTL_JSON_H

#include <jansson.h>

/* A line of JSON on stdout. Takes `json`, which may be NULL: then nothing. */
void ctl_print_json(json_t *json);

/* The text of a member, or "" when it is absent or no text. */
const char *ctl_text(const json_t *object, const char *key);
/* Likewise, 0. */
json_int_t ctl_integer(const json_t *object, const char *key);
/* Likewise, 0; whole numbers too. */
double ctl_real(const json_t *object, const char *key);

#endif
