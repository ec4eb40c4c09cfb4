/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - requests in, responses out, on sockets of the ws_host.
 *
 * One connection carries one request at a time: head, body if any, then the handler, then the
 * response, then perhaps the next request. Head and body of a response are written as the socket
 * takes them; nothing is copied into libwebsockets but what a full socket left of the last piece.
 */
#include "host/http.h"

#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include "host/http_reply.h"
#include "host/ws_internal.h"

#define CONNECTION_COUNT_MAX_DEFAULT ((size_t)256)
#define HEAD_SIZE_MAX                ((size_t)8192)
#define PIECE_SIZE                   ((size_t)64 * 1024)
/* For the client to take the next piece. */
#define PIECE_TIMEOUT_S 20

struct http_server {
    struct ws_door door;
    struct ws_socket socket;
    void *owner;
    void (*on_request)(
        void *owner, const struct http_request *request, struct http_response *response);
    size_t (*body_size_max)(void *owner, const struct http_request *request);
};

/* Room for the headers that handlers see; a longer one is answered with 431. */
struct texts {
    char path[1024];
    char query[2048];
    char host[256];
    char accept[512];
    char authorization[1024];
    char content_type[128];
};

struct http_conn {
    struct ws_guest guest;
    struct http_server *server;
    bool is_loopback;
    bool is_head;
    bool closes;
    bool is_answering;
    enum http_method method;
    struct texts texts;
    struct buf in;    /* the request's body */
    struct buf head;  /* of the response, behind LWS_PRE bytes */
    struct buf body;  /* of the response */
    size_t head_sent; /* LWS_PRE included */
    size_t body_sent;
    char peer[WS_PEER_SIZE];
};

static void
clear(struct http_conn *conn)
{
    buf_destroy(&conn->in);
    buf_destroy(&conn->head);
    buf_destroy(&conn->body);
    conn->in.size_max = HTTP_BODY_SIZE_MAX;
    conn->head_sent = 0;
    conn->body_sent = 0;
    conn->is_answering = false;
    conn->closes = false;
}

static bool
read_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size)
{
    out[0] = '\0';
    if (lws_hdr_total_length(wsi, token) == 0) {
        return true;
    }
    return lws_hdr_copy(wsi, out, (int)size, token) >= 0;
}

/* The arguments are kept apart as fragments; lws_hdr_copy() would put commas between them. */
static bool
read_query(struct lws *wsi, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0;; i++) {
        int length = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (length <= 0) {
            return true;
        }
        if (used + (size_t)length + 2 > size) {
            return false;
        }
        if (i > 0) {
            out[used++] = '&';
        }
        if (lws_hdr_copy_fragment(wsi, &out[used], (int)(size - used), WSI_TOKEN_HTTP_URI_ARGS, i) <
            0) {
            return false;
        }
        used += (size_t)length;
    }
}

static bool
read_headers(struct http_conn *conn, struct span path)
{
    struct lws *wsi = conn->guest.wsi;
    struct texts *texts = &conn->texts;
    if (path.size >= sizeof(texts->path)) {
        return false;
    }
    memcpy(texts->path, path.data, path.size);
    texts->path[path.size] = '\0';
    return read_query(wsi, texts->query, sizeof(texts->query)) &&
           read_header(wsi, WSI_TOKEN_HOST, texts->host, sizeof(texts->host)) &&
           read_header(wsi, WSI_TOKEN_HTTP_ACCEPT, texts->accept, sizeof(texts->accept)) &&
           read_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, texts->authorization,
               sizeof(texts->authorization)) &&
           read_header(
               wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, texts->content_type, sizeof(texts->content_type));
}

static void
read_method(struct http_conn *conn)
{
    struct lws *wsi = conn->guest.wsi;
    conn->is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (conn->is_head || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0) {
        conn->method = HTTP_GET;
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0) {
        conn->method = HTTP_POST;
    } else {
        conn->method = HTTP_OTHER;
    }
}

static struct http_request
request_of(const struct http_conn *conn)
{
    return (struct http_request){
        .method = conn->method,
        .path = span_from_text(conn->texts.path),
        .query = span_from_text(conn->texts.query),
        .host = span_from_text(conn->texts.host),
        .accept = span_from_text(conn->texts.accept),
        .authorization = span_from_text(conn->texts.authorization),
        .content_type = span_from_text(conn->texts.content_type),
        .body = buf_span(&conn->in),
        .peer = conn->peer,
        .is_loopback = conn->is_loopback,
    };
}

/* The head is whole. */
static size_t
body_size_max(const struct http_conn *conn)
{
    const struct http_request request = request_of(conn);
    const struct http_server *server = conn->server;
    return server->body_size_max == NULL ? HTTP_BODY_SIZE_MAX
                                         : server->body_size_max(server->owner, &request);
}

enum body_result {
    BODY_NONE = 0,
    BODY_COMES,
    BODY_BAD, /* its length is not a number */
    BODY_TOO_LARGE,
    BODY_UNMEASURED, /* in chunks, which libwebsockets does not understand in requests */
};

static enum body_result
judge_body(struct http_conn *conn)
{
    struct lws *wsi = conn->guest.wsi;
    char text[24];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return BODY_UNMEASURED;
    }
    if (!read_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text))) {
        return BODY_BAD;
    }
    if (text[0] == '\0') {
        /* No body then; but libwebsockets would wait for one, so this is the last request here. */
        conn->closes = conn->closes || conn->method != HTTP_GET;
        return BODY_NONE;
    }
    size_t digits = strspn(text, "0123456789");
    if (text[digits] != '\0' || digits > 18) {
        return BODY_BAD;
    }
    unsigned long long size = strtoull(text, NULL, 10);
    conn->in.size_max = body_size_max(conn);
    if (size > conn->in.size_max) {
        return BODY_TOO_LARGE;
    }
    return size == 0 && conn->method != HTTP_POST ? BODY_NONE : BODY_COMES;
}

static void
note_version(struct http_conn *conn)
{
    struct lws *wsi = conn->guest.wsi;
    char version[16];
    char connection[64];
    bool known = read_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version)) &&
                 read_header(wsi, WSI_TOKEN_CONNECTION, connection, sizeof(connection));
    conn->closes =
        !known || strcmp(version, "HTTP/1.1") != 0 || strcasecmp(connection, "close") == 0;
}

static void
ask_handler(struct http_conn *conn, struct http_response *response)
{
    const struct http_request request = request_of(conn);
    conn->server->on_request(conn->server->owner, &request, response);
    CHECK(response->header_count <= HTTP_HEADER_COUNT_MAX);
    if (conn->body.overflowed) {
        buf_destroy(&conn->body);
        buf_add_text(&conn->body, "the response is too large\n");
        *response = (struct http_response){
            .status = HTTP_REPLY_INTERNAL_ERROR,
            .content_type = "text/plain; charset=utf-8",
        };
    }
}

/* The request is whole: make the response. Non-zero: close the connection. */
static int
answer(struct http_conn *conn)
{
    struct mem *mem = conn->guest.door->host->mem;
    buf_init(&conn->body, mem, HTTP_RESPONSE_SIZE_MAX);
    buf_init(&conn->head, mem, LWS_PRE + HEAD_SIZE_MAX);
    struct http_response response = {
        .status = HTTP_REPLY_OK,
        .content_type = "text/plain; charset=utf-8",
        .body = &conn->body,
    };
    ask_handler(conn, &response);
    if (buf_reserve(&conn->head, LWS_PRE) == NULL) {
        return -1;
    }
    buf_commit(&conn->head, LWS_PRE);
    conn->head_sent = LWS_PRE;
    const struct http_reply_head head = {
        .status = response.status,
        .content_type = response.content_type,
        .body_size = conn->body.size,
        .closes = conn->closes,
    };
    http_reply_begin(&conn->head, &head);
    for (size_t i = 0; i < response.header_count; i++) {
        http_reply_header(&conn->head, response.headers[i].name, response.headers[i].value);
    }
    buf_add_text(&conn->head, "\r\n");
    if (conn->head.overflowed) {
        return -1;
    }
    if (conn->is_head) {
        buf_destroy(&conn->body);
    }
    conn->is_answering = true;
    (void)lws_callback_on_writable(conn->guest.wsi);
    return 0;
}

/* Write what is left of `buf`, as far as the socket takes it. false: the connection is broken. */
static bool
write_out(struct lws *wsi, struct buf *buf, size_t *sent, enum lws_write_protocol type)
{
    while (*sent < buf->size && lws_partial_buffered(wsi) == 0) {
        size_t rest = buf->size - *sent;
        size_t size = rest < PIECE_SIZE ? rest : PIECE_SIZE;
        if (lws_write(wsi, &buf->data[*sent], size, type) < 0) {
            return false;
        }
        *sent += size;
    }
    return true;
}

static int
on_writable(struct http_conn *conn)
{
    struct lws *wsi = conn->guest.wsi;
    if (!conn->is_answering) {
        return 0;
    }
    if (!write_out(wsi, &conn->head, &conn->head_sent, LWS_WRITE_HTTP_HEADERS) ||
        !write_out(wsi, &conn->body, &conn->body_sent, LWS_WRITE_HTTP)) {
        return -1;
    }
    if (conn->head_sent < conn->head.size || conn->body_sent < conn->body.size) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, PIECE_TIMEOUT_S);
        (void)lws_callback_on_writable(wsi);
        return 0;
    }
    bool closes = conn->closes;
    clear(conn);
    if (closes) {
        return -1;
    }
    return lws_http_transaction_completed(wsi) == 0 ? 0 : -1;
}

/* A head has come. Non-zero: close the connection. */
static int
on_head(struct http_conn *conn, struct span path)
{
    struct lws *wsi = conn->guest.wsi;
    clear(conn);
    read_method(conn);
    note_version(conn);
    if (!read_headers(conn, path)) {
        return http_reply_refuse(wsi, HTTP_REPLY_HEADER_TOO_LARGE, "a header is too long\n");
    }
    switch (judge_body(conn)) {
    case BODY_NONE:
        return answer(conn);
    case BODY_COMES:
        if (conn->method == HTTP_GET) {
            return http_reply_refuse(wsi, HTTP_REPLY_BAD_REQUEST, "GET and HEAD have no body\n");
        }
        return 0;
    case BODY_BAD:
        return http_reply_refuse(wsi, HTTP_REPLY_BAD_REQUEST, "content-length is not a number\n");
    case BODY_TOO_LARGE:
        return http_reply_refuse(
            wsi, HTTP_REPLY_TOO_LARGE, "the body is larger than is taken here\n");
    case BODY_UNMEASURED:
        return http_reply_refuse(
            wsi, HTTP_REPLY_LENGTH_REQUIRED, "send the body with a content-length\n");
    }
    return -1;
}

static int
on_body(struct http_conn *conn, struct span piece)
{
    if (conn->is_answering) {
        return 0;
    }
    buf_add(&conn->in, piece);
    if (conn->in.overflowed) {
        return http_reply_refuse(
            conn->guest.wsi, HTTP_REPLY_TOO_LARGE, "the body is larger than is taken here\n");
    }
    return 0;
}

static int
on_event(struct ws_guest *guest, enum lws_callback_reasons event, void *input, size_t size)
{
    struct http_conn *conn = CONTAINER_OF(guest, struct http_conn, guest);
    switch ((int)event) {
    case LWS_CALLBACK_HTTP:
        return on_head(conn, span_from(input, size));
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(conn, span_from(input, input == NULL ? 0 : size));
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return conn->is_answering ? 0 : answer(conn);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(conn);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return -1;
    default:
        return 0;
    }
}

static void
free_conn(struct ws_guest *guest)
{
    struct http_conn *conn = CONTAINER_OF(guest, struct http_conn, guest);
    clear(conn);
    ws_guest_leave(guest);
    mem_give(guest->door->host->mem, conn, sizeof(*conn));
}

static bool
is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return address->sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127));
}

static struct ws_guest *
accept_conn(struct ws_door *door, const char *peer, const struct sockaddr *address)
{
    struct mem *mem = door->host->mem;
    struct http_conn *conn = mem_take(mem, sizeof(*conn));
    if (conn == NULL) {
        return NULL;
    }
    ws_guest_init(&conn->guest, door);
    conn->guest.on_event = on_event;
    conn->guest.on_free = free_conn;
    conn->server = CONTAINER_OF(door, struct http_server, door);
    conn->is_loopback = is_loopback(address);
    buf_init(&conn->in, mem, HTTP_BODY_SIZE_MAX);
    buf_init(&conn->head, mem, 0);
    buf_init(&conn->body, mem, 0);
    (void)snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
    return &conn->guest;
}

static void
free_server(struct ws_door *door)
{
    struct http_server *server = CONTAINER_OF(door, struct http_server, door);
    mem_give(door->host->mem, server, sizeof(*server));
}

static void
stop_server(struct ws_door *door)
{
    http_server_close(CONTAINER_OF(door, struct http_server, door));
}

struct http_server *
http_listen(struct ws_host *host, const struct http_config *config, struct reason *reason)
{
    CHECK(host->phase == WS_PHASE_RUNNING);
    struct http_server *server = mem_take(host->mem, sizeof(*server));
    if (server == NULL) {
        reason_set(reason, "no memory for an HTTP server");
        return NULL;
    }
    server->door = (struct ws_door){ .host = host, .on_free = free_server, .on_stop = stop_server };
    server->owner = config->owner;
    server->on_request = config->on_request;
    server->body_size_max = config->body_size_max;
    server->socket.door = &server->door;
    server->socket.guest_count_max = config->connection_count_max == 0
                                         ? CONNECTION_COUNT_MAX_DEFAULT
                                         : config->connection_count_max;
    server->socket.on_accept = accept_conn;
    if (!ws_door_open_listening(&server->door, config->tls, reason)) {
        mem_give(host->mem, server, sizeof(*server));
        return NULL;
    }
    if (!ws_socket_open(&server->socket, config->address, config->port, reason)) {
        ws_door_close(&server->door);
        return NULL;
    }
    return server;
}

uint16_t
http_server_port(const struct http_server *server)
{
    return server->socket.port;
}

void
http_server_close(struct http_server *server)
{
    ws_socket_close(&server->socket);
    ws_door_close(&server->door);
}
