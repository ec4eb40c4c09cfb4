/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - a small HTTP/1.1 server for the admin interface, on the sockets of a ws_host.
 *
 * A handler gets a whole request and fills a response before it returns. Not seen by the handler:
 * 400 a body whose length is no number or that comes with GET, 411 a body in chunks, 413 a larger
 * one than HTTP_BODY_SIZE_MAX, 431 a header that is too long; upgrades, CONNECT and what is not
 * HTTP are closed without an answer. HEAD comes to the handler as HTTP_GET; its body is measured
 * and left out.
 */
#ifndef HOST_HTTP_H
#define HOST_HTTP_H

#include "base/buf.h"
#include "host/ws.h"

/* Of a request, unless the handler allows this one more. */
#define HTTP_BODY_SIZE_MAX     ((size_t)64 * 1024)
#define HTTP_RESPONSE_SIZE_MAX ((size_t)256 * 1024 * 1024)
#define HTTP_HEADER_COUNT_MAX  8

struct http_server;

enum http_method {
    HTTP_GET = 0, /* HEAD too */
    HTTP_POST,
    HTTP_OTHER,
};

/* Everything borrows and dies with the call. Absent headers are empty. */
struct http_request {
    enum http_method method;
    struct span path;  /* percent-decoded, from "/" on */
    struct span query; /* what followed "?", percent-decoded; "&" stands between arguments */
    struct span host;  /* the Host header */
    struct span accept;
    struct span authorization;
    struct span content_type;
    struct span body;
    const char *peer; /* "127.0.0.1:40312" */
    bool is_loopback; /* the peer is on this machine */
};

struct http_header {
    const char *name;
    const char *value; /* a line break in it, and the header is left out */
};

/* Texts need to live until the handler returns. */
struct http_response {
    uint16_t status;          /* 200 unless the handler says otherwise */
    const char *content_type; /* "text/plain; charset=utf-8" unless the handler says otherwise */
    struct buf *body;         /* empty; append to it. Overflowed: the client gets 500 */
    struct http_header headers[HTTP_HEADER_COUNT_MAX];
    size_t header_count;
};

struct http_config {
    const char *address; /* numeric */
    uint16_t port;       /* 0: the system chooses */
    const struct ws_tls *tls;
    size_t connection_count_max; /* 0: 256 */
    void *owner;
    void (*on_request)(
        void *owner, const struct http_request *request, struct http_response *response);
    /* How many bytes of body this request may have, before any of them came; NULL: HTTP_BODY_SIZE_MAX. */
    size_t (*body_size_max)(void *owner, const struct http_request *request);
};

/* As ws_listen(). */
MUST_CHECK struct http_server *http_listen(
    struct ws_host *host, const struct http_config *config, struct reason *reason);

uint16_t http_server_port(const struct http_server *server);

/*
 * Accept no more. Answers that are under way go out. The handle dies, as it does in ws_host_stop().
 */
void http_server_close(struct http_server *server);

#endif
