/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reply.h - heads of HTTP responses, and short refusals, for http.c and ws_conn.c.
 */
#ifndef HOST_HTTP_REPLY_H
#define HOST_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HTTP_REPLY_OK               200
#define HTTP_REPLY_BAD_REQUEST      400
#define HTTP_REPLY_LENGTH_REQUIRED  411
#define HTTP_REPLY_TOO_LARGE        413
#define HTTP_REPLY_UPGRADE_REQUIRED 426
#define HTTP_REPLY_HEADER_TOO_LARGE 431
#define HTTP_REPLY_INTERNAL_ERROR   500

struct lws;

struct http_reply_head {
    uint16_t status;
    const char *content_type;
    size_t body_size;
    bool closes; /* the connection, after this response */
};

/* The reason phrase; "Unknown" for a status that is not in the list. */
const char *http_reply_phrase(uint16_t status);

/* Append status line and headers, but for the empty line that ends them. */
void http_reply_begin(struct buf *out, const struct http_reply_head *head);

/* Append one header. A name or value with a line break in it is left out. */
void http_reply_header(struct buf *out, const char *name, const char *value);

/*
 * Send a short text and close. What a callback of libwebsockets then returns.
 */
int http_reply_refuse(struct lws *wsi, uint16_t status, const char *text);

#endif
