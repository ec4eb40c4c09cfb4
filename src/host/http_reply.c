/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reply.c - heads of HTTP responses, and short refusals.
 */
#include "host/http_reply.h"

#include <string.h>

#include <libwebsockets.h>

#define REFUSAL_SIZE_MAX ((size_t)1024)

const char *
http_reply_phrase(uint16_t status)
{
    static const struct phrase {
        uint16_t status;
        const char *text;
    } phrases[] = {
        { 200, "OK" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 409, "Conflict" },
        { 411, "Length Required" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 421, "Misdirected Request" },
        { 422, "Unprocessable Content" },
        { 426, "Upgrade Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
    };
    for (size_t i = 0; i < COUNT_OF(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].text;
        }
    }
    return "Unknown";
}

void
http_reply_header(struct buf *out, const char *name, const char *value)
{
    if (strpbrk(name, "\r\n:") != NULL || strpbrk(value, "\r\n") != NULL) {
        return;
    }
    buf_add_text(out, name);
    buf_add_text(out, ": ");
    buf_add_text(out, value);
    buf_add_text(out, "\r\n");
}

void
http_reply_begin(struct buf *out, const struct http_reply_head *head)
{
    buf_add_text(out, "HTTP/1.1 ");
    buf_add_decimal(out, head->status);
    buf_add_text(out, " ");
    buf_add_text(out, http_reply_phrase(head->status));
    buf_add_text(out, "\r\ncontent-length: ");
    buf_add_decimal(out, head->body_size);
    buf_add_text(out, "\r\n");
    http_reply_header(out, "content-type", head->content_type);
    http_reply_header(out, "cache-control", "no-store");
    http_reply_header(out, "x-content-type-options", "nosniff");
    if (head->closes) {
        http_reply_header(out, "connection", "close");
    }
    if (head->status == HTTP_REPLY_UPGRADE_REQUIRED) {
        http_reply_header(out, "upgrade", "websocket");
    }
}

int
http_reply_refuse(struct lws *wsi, uint16_t status, const char *text)
{
    struct mem mem;
    struct buf out;
    mem_init(&mem, LWS_PRE + REFUSAL_SIZE_MAX);
    buf_init(&out, &mem, LWS_PRE + REFUSAL_SIZE_MAX);
    if (buf_reserve(&out, LWS_PRE) != NULL) {
        buf_commit(&out, LWS_PRE);
    }
    const struct http_reply_head head = {
        .status = status,
        .content_type = "text/plain; charset=utf-8",
        .body_size = strlen(text),
        .closes = true,
    };
    http_reply_begin(&out, &head);
    buf_add_text(&out, "\r\n");
    buf_add_text(&out, text);
    if (!out.overflowed) {
        (void)lws_write(wsi, &out.data[LWS_PRE], out.size - LWS_PRE, LWS_WRITE_HTTP_HEADERS);
    }
    buf_destroy(&out);
    return -1;
}
