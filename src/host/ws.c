/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws.c - the host: one libwebsockets context on a foreign loop, the end of each turn, and the way
 * out of the loop.
 *
 * The end of a turn is a uv_check handle, right after the loop has polled. Whoever leaves work for
 * it calls ws_host_wake(), which starts an idle handle: with one active, libuv does not wait in the
 * poll. So bytes queued by a timer, or after our check handle has run, never wait for the next
 * event.
 */
#include "host/ws_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/resource.h>

#define SOCKET_MAX_DEFAULT ((size_t)65536)
/* For an upgrade or an HTTP request to arrive, and for TLS to shake hands. */
#define ARRIVAL_TIMEOUT_S 20
#define HEADERS_SIZE_MAX  8192

/*
 * libwebsockets' log has neither a context nor a user pointer, so there can be one sink only.
 */
static struct {
    void *owner;
    void (*on_log)(void *owner, bool is_error, const char *line);
} log_sink;

static void
emit_log(int level, const char *line)
{
    if (log_sink.on_log == NULL) {
        return;
    }
    char text[REASON_SIZE];
    size_t size = strcspn(line, "\n");
    size = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    memcpy(text, line, size);
    text[size] = '\0';
    log_sink.on_log(log_sink.owner, level == LLL_ERR, text);
}

/* The guest that `wsi` belongs to, or the one that is just being given a wsi. */
static struct ws_guest *
guest_of(struct ws_host *host, struct lws *wsi)
{
    struct ws_guest *guest = lws_get_opaque_user_data(wsi);
    return guest == NULL ? host->arriving : guest;
}

static void
note_created(struct ws_host *host, struct lws *wsi)
{
    struct ws_guest *guest = guest_of(host, wsi);
    if (guest != NULL) {
        guest->exists = true;
        guest->is_connected = true;
        guest->wsi = wsi;
    }
}

static void
free_leaked(uv_handle_t *handle)
{
    free(handle);
}

static void
close_leaked(uv_handle_t *handle, void *wsi)
{
    if (handle->type == UV_POLL && handle->data == wsi && !uv_is_closing(handle)) {
        uv_close(handle, free_leaked);
    }
}

static void
note_destroyed(struct ws_host *host, struct lws *wsi)
{
    struct ws_guest *guest = lws_get_opaque_user_data(wsi);
    if (guest == NULL) {
        return;
    }
    if (guest->is_dialing) {
        /* When connect() fails, libwebsockets 4.1 forgets its stopped poll handle in the loop. */
        uv_walk(host->loop, close_leaked, wsi);
    }
    lws_set_opaque_user_data(wsi, NULL);
    guest->wsi = NULL;
    guest->exists = false;
    if (guest != host->arriving) {
        guest->on_free(guest);
    }
    ws_host_wake(host);
}

/*
 * Every callback of every connection. Non-zero closes it, or refuses what it asks for.
 */
static int
on_lws_event(struct lws *wsi, enum lws_callback_reasons event, void *user, void *input, size_t size)
{
    struct ws_host *host = lws_context_user(lws_get_context(wsi));
    /* Only those that concern us of over a hundred; the rest goes to the guest. */
    switch ((int)event) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return ws_door_configure_tls(host, user) ? 0 : -1;
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        /* `size` is OpenSSL's verdict; 0 from here would overrule it. */
        return size == 0;
    case LWS_CALLBACK_WSI_CREATE:
        note_created(host, wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        note_destroyed(host, wsi);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        /* Left alone, libwebsockets also upgrades to h2c. */
        if (input == NULL || strcasecmp(input, "websocket") != 0) {
            return -1;
        }
        break;
    case LWS_CALLBACK_RAW_ADOPT:
        /* CONNECT, which would make the connection a raw one. */
        return -1;
    default:
        break;
    }
    struct ws_guest *guest = lws_get_opaque_user_data(wsi);
    return guest == NULL ? 0 : guest->on_event(guest, event, input, size);
}

const struct lws_protocols ws_protocols[] = {
    { .name = "mpreg",
        .callback = on_lws_event,
        .rx_buffer_size = WS_READ_SIZE,
        .tx_packet_size = WS_WRITE_SIZE },
    { .name = NULL },
};

void
ws_guest_init(struct ws_guest *guest, struct ws_door *door)
{
    guest->door = door;
    door->guest_count++;
}

void
ws_guest_leave(struct ws_guest *guest)
{
    CHECK(guest->door->guest_count > 0);
    guest->door->guest_count--;
    guest->door->host->doors_due = true;
    ws_host_wake(guest->door->host);
}

void
ws_address_format(const struct sockaddr *address, char out[static WS_PEER_SIZE])
{
    char numeric[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;
    bool is_v6 = address->sa_family == AF_INET6;
    if (is_v6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        (void)uv_ip6_name(v6, numeric, sizeof(numeric));
        port = ntohs(v6->sin6_port);
    } else if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        (void)uv_ip4_name(v4, numeric, sizeof(numeric));
        port = ntohs(v4->sin_port);
    }
    (void)snprintf(out, WS_PEER_SIZE, is_v6 ? "[%s]:%u" : "%s:%u", numeric, (unsigned int)port);
}

static void
on_idle(uv_idle_t *idle)
{
    (void)idle;
}

void
ws_host_wake(struct ws_host *host)
{
    if (host->phase < WS_PHASE_DESTROYING) {
        (void)uv_idle_start(&host->idle, on_idle);
    }
}

void
ws_host_kick(struct ws_host *host)
{
    if (host->phase < WS_PHASE_LEAVING) {
        lws_cancel_service(host->context);
    }
}

struct buf
ws_host_lend(struct ws_host *host, size_t size_max)
{
    struct buf buf;
    if (host->spare_count == 0) {
        buf_init(&buf, host->mem, size_max);
        return buf;
    }
    buf = host->spares[--host->spare_count];
    host->spare_size_sum -= buf.room;
    buf.size_max = size_max;
    return buf;
}

void
ws_host_take_back(struct ws_host *host, struct buf *buf)
{
    bool is_wanted = buf->data != NULL && buf->room <= WS_SPARE_SIZE &&
                     host->spare_count < WS_SPARE_COUNT &&
                     host->spare_size_sum <= WS_SPARE_SIZE_SUM - buf->room;
    if (is_wanted) {
        host->spare_size_sum += buf->room;
        buf_reset(buf);
        host->spares[host->spare_count++] = *buf;
        buf_init(buf, host->mem, 0);
        return;
    }
    buf_destroy(buf);
}

/* The handles that libwebsockets has put into our loop are those behind the `from` first ones. */
struct handle_search {
    struct ws_host *host;
    size_t from;
    size_t index;
    size_t found_count;
};

static void
note_handle(uv_handle_t *handle, void *user)
{
    struct handle_search *search = user;
    struct ws_host *host = search->host;
    if (search->index++ >= search->from) {
        CHECK(host->lws_handle_count < WS_OWN_LOOP_MAX);
        host->lws_handles[host->lws_handle_count++] = handle;
    }
}

static void
count_handle(uv_handle_t *handle, void *user)
{
    struct handle_search *search = user;
    for (size_t i = 0; i < search->host->lws_handle_count; i++) {
        search->found_count += handle == search->host->lws_handles[i];
    }
    search->index++;
}

static size_t
count_lws_handles(struct ws_host *host)
{
    struct handle_search search = { .host = host };
    uv_walk(host->loop, count_handle, &search);
    return search.found_count;
}

static void
finish_stop(struct ws_host *host)
{
    host->phase = WS_PHASE_STOPPED;
    if (log_sink.owner == host->owner) {
        log_sink.on_log = NULL;
    }
    if (host->on_stopped != NULL) {
        host->on_stopped(host->owner);
    }
}

static void
on_own_handle_closed(uv_handle_t *handle)
{
    struct ws_host *host = handle->data;
    CHECK(host->open_handle_count > 0);
    host->open_handle_count--;
    if (host->open_handle_count == 0) {
        finish_stop(host);
    }
}

static void
close_own_handles(struct ws_host *host)
{
    host->phase = WS_PHASE_DESTROYING;
    uv_close((uv_handle_t *)&host->check, on_own_handle_closed);
    uv_close((uv_handle_t *)&host->idle, on_own_handle_closed);
    uv_close((uv_handle_t *)&host->dial_timer, on_own_handle_closed);
}

/* Dialers stay open until here: an owner may dial again when it hears that a dial was refused. */
static void
close_doors(struct ws_host *host)
{
    LIST_EACH (link, &host->doors) {
        struct ws_door *door = CONTAINER_OF(link, struct ws_door, link);
        if (!door->closed) {
            ws_door_close(door);
        }
    }
}

/*
 * One step on the way out. libwebsockets wants lws_context_destroy() twice on a foreign loop: to
 * close its handles, and, when the loop has closed them, to free its memory.
 */
static void
leave(struct ws_host *host)
{
    if (host->phase == WS_PHASE_STOPPING) {
        if (!list_empty(&host->conns) || !list_empty(&host->dials) || host->lookup_count > 0) {
            return;
        }
        close_doors(host);
        host->phase = WS_PHASE_LEAVING;
        uv_ref((uv_handle_t *)&host->idle);
        (void)uv_idle_start(&host->idle, on_idle);
        lws_context_destroy(host->context);
    }
    if (host->phase == WS_PHASE_LEAVING && list_empty(&host->doors) &&
        count_lws_handles(host) == 0) {
        lws_context_destroy(host->context);
        host->context = NULL;
        close_own_handles(host);
    }
}

static void
settle_conns(struct ws_host *host)
{
    /* What the owners send while we settle is for the next turn, or they could keep us here. */
    struct list due;
    list_init(&due);
    while (!list_empty(&host->dirty)) {
        struct list *link = host->dirty.next;
        list_remove(link);
        list_push(&due, link);
    }
    while (!list_empty(&due)) {
        struct list *link = due.next;
        list_remove(link);
        ws_conn_settle(CONTAINER_OF(link, struct ws_conn, dirty));
    }
}

static void
on_check(uv_check_t *check)
{
    struct ws_host *host = check->data;
    settle_conns(host);
    if (host->dials_due) {
        host->dials_due = false;
        ws_dial_advance(host);
    }
    if (host->doors_due) {
        host->doors_due = false;
        ws_door_sweep(host);
    }
    bool is_busy = host->dials_due || host->doors_due || !list_empty(&host->dirty);
    if (!is_busy && host->phase != WS_PHASE_LEAVING) {
        (void)uv_idle_stop(&host->idle);
    }
    if (host->phase != WS_PHASE_RUNNING) {
        leave(host);
    }
}

void
ws_host_stop(struct ws_host *host)
{
    if (host->phase != WS_PHASE_RUNNING) {
        return;
    }
    host->phase = WS_PHASE_STOPPING;
    LIST_EACH (link, &host->doors) {
        struct ws_door *door = CONTAINER_OF(link, struct ws_door, link);
        if (!door->closed && door->on_stop != NULL) {
            door->on_stop(door);
        }
    }
    LIST_EACH (link, &host->conns) {
        ws_close(CONTAINER_OF(link, struct ws_conn, link), WS_CODE_GOING_AWAY, "shutting down");
    }
    host->dials_due = true;
    ws_host_wake(host);
}

void
ws_host_free(struct ws_host *host)
{
    if (host == NULL) {
        return;
    }
    CHECK(host->phase == WS_PHASE_STOPPED);
    for (size_t i = 0; i < host->spare_count; i++) {
        buf_destroy(&host->spares[i]);
    }
    mem_give(host->mem, host, sizeof(*host));
}

const struct ws_counters *
ws_host_counters(const struct ws_host *host)
{
    return &host->counters;
}

static uint16_t
whole_seconds(uint64_t value_ns, uint64_t fallback_ns)
{
    uint64_t seconds = (value_ns == 0 ? fallback_ns : value_ns) / SEC_NS;
    seconds = seconds == 0 ? 1 : seconds;
    return seconds > UINT16_MAX / 2 ? UINT16_MAX / 2 : (uint16_t)seconds;
}

static void
init_handles(struct ws_host *host)
{
    CHECK(uv_check_init(host->loop, &host->check) == 0);
    CHECK(uv_idle_init(host->loop, &host->idle) == 0);
    CHECK(uv_timer_init(host->loop, &host->dial_timer) == 0);
    host->open_handle_count = 3;
    host->check.data = host;
    host->idle.data = host;
    host->dial_timer.data = host;
    CHECK(uv_check_start(&host->check, on_check) == 0);
    /* What keeps the loop running is libwebsockets' own handles. */
    uv_unref((uv_handle_t *)&host->check);
    uv_unref((uv_handle_t *)&host->idle);
    uv_unref((uv_handle_t *)&host->dial_timer);
}

static struct lws_context *
create_context(struct ws_host *host)
{
    void *loops[] = { host->loop };
    const struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .pt_serv_buf_size = WS_READ_SIZE,
        .timeout_secs = ARRIVAL_TIMEOUT_S,
        .max_http_header_data = HEADERS_SIZE_MAX,
        .retry_and_idle_policy = &host->silence,
        .user = host,
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, emit_log);
    struct handle_search search = { .host = host };
    uv_walk(host->loop, count_handle, &search);
    struct lws_context *context = lws_create_context(&info);
    if (context != NULL) {
        search = (struct handle_search){ .host = host, .from = search.index };
        uv_walk(host->loop, note_handle, &search);
    }
    return context;
}

/*
 * libwebsockets sizes its table of sockets by the limit of open files, which may be a thousand
 * million; its own option for a smaller table makes every lookup a search. So it is shown a lower
 * limit.
 */
static struct lws_context *
create_limited_context(struct ws_host *host, size_t socket_max)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    struct rlimit lower = limit;
    if (lower.rlim_cur > socket_max) {
        lower.rlim_cur = socket_max;
    }
    (void)setrlimit(RLIMIT_NOFILE, &lower);
    struct lws_context *context = create_context(host);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return context;
}

static void
init_host(struct ws_host *host, const struct ws_host_config *config)
{
    host->loop = config->loop;
    host->mem = config->mem;
    host->owner = config->owner;
    host->on_log = config->on_log;
    host->on_stopped = config->on_stopped;
    uint16_t ping_s = whole_seconds(config->ping_after_ns, WS_PING_AFTER_NS_DEFAULT);
    uint16_t pong_s = whole_seconds(config->pong_within_ns, WS_PONG_WITHIN_NS_DEFAULT);
    host->silence.secs_since_valid_ping = ping_s;
    host->silence.secs_since_valid_hangup = (uint16_t)(ping_s + pong_s);
    list_init(&host->doors);
    list_init(&host->conns);
    list_init(&host->dirty);
    list_init(&host->dials);
    CHECK(uv_random(NULL, NULL, &host->mask_keys, sizeof(host->mask_keys), 0, NULL) == 0);
    log_sink.owner = config->owner;
    log_sink.on_log = config->on_log;
}

struct ws_host *
ws_host_create(const struct ws_host_config *config, struct reason *reason)
{
    struct ws_host *host = mem_take(config->mem, sizeof(*host));
    if (host == NULL) {
        reason_set(reason, "no memory for the WebSocket host");
        return NULL;
    }
    init_host(host, config);
    size_t socket_max = config->socket_max == 0 ? SOCKET_MAX_DEFAULT : config->socket_max;
    host->context = create_limited_context(host, socket_max);
    if (host->context == NULL) {
        reason_set(reason, "libwebsockets does not start: is its plugin for libuv installed "
                           "(package libwebsockets-evlib-uv)?");
        mem_give(config->mem, host, sizeof(*host));
        return NULL;
    }
    CHECK(ws_door_create_plain_vhost(host));
    init_handles(host);
    return host;
}
