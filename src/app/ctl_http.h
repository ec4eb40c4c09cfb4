/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_http.h - asks the admin interface of a program, and tells it what to change; with the token of app/ctl_token.h.
 */
#ifndef APP_CTL_HTTP_H
#define APP_CTL_HTTP_H

#include "app/ctl.h"
#include "app/ctl_json.h"
#include "base/buf.h"

#define CTL_HTTP_BODY_MAX   ((size_t)256 * 1024 * 1024)
#define CTL_HTTP_TIMEOUT_MS 30000L

/*
 * GET a page of the admin interface, whose answer is JSON; `query` is appended as it is, or NULL.
 *
 * The answer, for json_decref(); or NULL: reported by ctl_fail().
 */
MUST_CHECK json_t *ctl_get(const struct ctl *ctl, const char *path, const char *query);

/* POST a body, which is taken. The answer, as above. */
MUST_CHECK json_t *ctl_post(const struct ctl *ctl, const char *path, json_t *body);

/* "name=value", percent-encoded, appended to `query`, with "&" before it when it is not empty. */
void ctl_add_argument(struct buf *query, const char *name, const char *value);

#endif
