/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_http.c - one GET by libcurl.
 */
#include "app/ctl_http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

struct ask {
    const struct ctl *ctl;
    char url[2048];
    char base[1024];
    char fault[CURL_ERROR_SIZE];
    struct mem mem;
    struct buf body;
    long status;
};

static size_t
on_body(char *bytes, size_t size, size_t count, void *owner)
{
    struct ask *ask = owner;
    buf_add(&ask->body, span_from(bytes, size * count));
    return ask->body.overflowed ? 0 : size * count;
}

/* false: reported. */
static bool
make_url(struct ask *ask, const char *path, const char *query)
{
    const char *base = ask->ctl->admin != NULL ? ask->ctl->admin : getenv("MPREG_ADMIN");
    base = base == NULL || base[0] == '\0' ? CTL_ADMIN_DEFAULT : base;
    size_t size = strlen(base);
    while (size > 0 && base[size - 1] == '/') {
        size--;
    }
    bool has_scheme = strstr(base, "://") != NULL;
    int base_size = snprintf(
        ask->base, sizeof(ask->base), "%s%.*s", has_scheme ? "" : "http://", (int)size, base);
    int url_size = snprintf(ask->url, sizeof(ask->url), "%s%s%s%s", ask->base, path,
        query == NULL ? "" : "?", query == NULL ? "" : query);
    if (base_size < 0 || (size_t)base_size >= sizeof(ask->base) || url_size < 0 ||
        (size_t)url_size >= sizeof(ask->url)) {
        (void)ctl_fail(ask->ctl, "the address of the admin interface is too long");
        return false;
    }
    return true;
}

/* What curl says begins with a capital; ours are parts of a sentence. */
static void
report(const struct ask *ask, CURLcode code)
{
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
        (void)ctl_fail(ask->ctl,
            "cannot reach %s: connection refused; is the bridge or node running? see --admin",
            ask->base);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        (void)ctl_fail(ask->ctl, "cannot reach %s: no such host; see --admin", ask->base);
        break;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        (void)ctl_fail(
            ask->ctl, "'%s' is not an address; write --admin %s", ask->base, CTL_ADMIN_DEFAULT);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        (void)ctl_fail(
            ask->ctl, "%s does not answer within %ld s", ask->base, CTL_HTTP_TIMEOUT_MS / 1000);
        break;
    default:
        (void)ctl_fail(ask->ctl, "cannot ask %s: %s", ask->base,
            ask->fault[0] == '\0' ? curl_easy_strerror(code) : ask->fault);
        break;
    }
}

static CURLcode
perform(struct ask *ask)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return CURLE_FAILED_INIT;
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, ask->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, CTL_HTTP_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, ask->fault);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, ask);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ask->status);
    }
    curl_easy_cleanup(curl);
    return code;
}

/* NULL: reported. */
static json_t *
read_answer(const struct ask *ask)
{
    json_t *json = json_loadb((const char *)ask->body.data, ask->body.size, 0, NULL);
    if (json == NULL && ask->status == 426) {
        (void)ctl_fail(ask->ctl, "%s is a port for nodes and clients; see --admin", ask->base);
        return NULL;
    }
    if (json == NULL) {
        (void)ctl_fail(ask->ctl, "%s answers with something else than JSON (HTTP %ld); see --admin",
            ask->base, ask->status);
        return NULL;
    }
    if (ask->status >= 400) {
        (void)ctl_fail(ask->ctl, "%s says: %s (HTTP %ld)%s", ask->base, ctl_text(json, "error"),
            ask->status,
            json_object_get(json, "pages") == NULL ? ""
                                                   : "; a node has no such page, ask a bridge");
        json_decref(json);
        return NULL;
    }
    return json;
}

json_t *
ctl_get(const struct ctl *ctl, const char *path, const char *query)
{
    struct ask ask = { .ctl = ctl };
    json_t *answer = NULL;
    if (!make_url(&ask, path, query)) {
        return NULL;
    }
    mem_init(&ask.mem, 2 * CTL_HTTP_BODY_MAX);
    buf_init(&ask.body, &ask.mem, CTL_HTTP_BODY_MAX);
    CURLcode code = perform(&ask);
    if (code == CURLE_OK) {
        answer = read_answer(&ask);
    } else {
        report(&ask, code);
    }
    buf_destroy(&ask.body);
    return answer;
}

void
ctl_add_argument(struct buf *query, const char *name, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_add_text(query, query->size == 0 ? "" : "&");
    buf_add_text(query, name);
    buf_add_u8(query, '=');
    for (const char *at = value; *at != '\0'; at++) {
        uint8_t byte = (uint8_t)*at;
        if (isalnum(byte) || strchr("-._~", byte) != NULL) {
            buf_add_u8(query, byte);
            continue;
        }
        buf_add_u8(query, '%');
        buf_add_u8(query, (uint8_t)digits[byte >> 4]);
        buf_add_u8(query, (uint8_t)digits[byte & 15]);
    }
}
