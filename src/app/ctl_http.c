/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_http.c - one request by libcurl: GET, or POST when there is something to send.
 */
#include "app/ctl_http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "app/ctl_token.h"
#include "host/admin.h"
#include "host/reason.h"

/* Of answers. */
#define HTTP_UNAUTHORIZED     401
#define HTTP_FORBIDDEN        403
#define HTTP_UPGRADE_REQUIRED 426

struct ask {
    const struct ctl *ctl;
    char *sent; /* the body; NULL: this is a GET */
    struct ctl_token token;
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

/* true: appended; false: no memory. */
static bool
add_header(struct curl_slist **headers, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*headers, text);
    if (longer != NULL) {
        *headers = longer;
    }
    return longer != NULL;
}

/* Large bodies are sent without asking first ("Expect"), which not every server answers. */
static bool
add_headers(const struct ask *ask, struct curl_slist **headers)
{
    char authorization[CTL_TOKEN_SIZE_MAX + 32];
    (void)snprintf(
        authorization, sizeof(authorization), "Authorization: Bearer %s", ask->token.text);
    return (ask->token.text[0] == '\0' || add_header(headers, authorization)) &&
           (ask->sent == NULL || (add_header(headers, "Content-Type: application/json") &&
                                     add_header(headers, "Expect:")));
}

static CURLcode
perform(struct ask *ask)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    if (curl == NULL || !add_headers(ask, &headers)) {
        curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
        return CURLE_OUT_OF_MEMORY;
    }
    if (ask->sent != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(ask->sent));
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->sent);
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, ask->url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
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
    curl_slist_free_all(headers);
    return code;
}

/* What an operator can do about a status, to follow what the program says itself. */
struct advice {
    char text[REASON_SIZE];
};

static struct advice
advise(const struct ask *ask, const json_t *answer)
{
    struct advice advice = { .text = "" };
    if (ask->status == HTTP_UNAUTHORIZED && ask->token.text[0] == '\0') {
        (void)snprintf(advice.text, sizeof(advice.text),
            "; give it with --token-file FILE, in the file that MPREG_TOKEN_FILE names, or in "
            "MPREG_TOKEN");
    } else if (ask->status == HTTP_UNAUTHORIZED) {
        (void)snprintf(advice.text, sizeof(advice.text),
            "; what it got is the token of %s, which is another one", ask->token.source);
    } else if (ask->status == HTTP_FORBIDDEN) {
        (void)snprintf(advice.text, sizeof(advice.text),
            "; add it there, start the bridge again, and give its token with --token-file FILE");
    } else if (json_object_get(answer, "pages") != NULL) {
        (void)snprintf(advice.text, sizeof(advice.text), "; a node has no such page, ask a bridge");
    }
    return advice;
}

/* NULL: reported. */
static json_t *
read_answer(const struct ask *ask)
{
    json_t *json = json_loadb((const char *)ask->body.data, ask->body.size, 0, NULL);
    if (json == NULL && ask->status == HTTP_UPGRADE_REQUIRED) {
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
            ask->status, advise(ask, json).text);
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *
perform_and_read(struct ask *ask, const char *path, const char *query)
{
    json_t *answer = NULL;
    if (!make_url(ask, path, query) || !ctl_token_read(ask->ctl, &ask->token)) {
        return NULL;
    }
    mem_init(&ask->mem, 2 * CTL_HTTP_BODY_MAX);
    buf_init(&ask->body, &ask->mem, CTL_HTTP_BODY_MAX);
    CURLcode code = perform(ask);
    if (code == CURLE_OK) {
        answer = read_answer(ask);
    } else {
        report(ask, code);
    }
    buf_destroy(&ask->body);
    return answer;
}

json_t *
ctl_get(const struct ctl *ctl, const char *path, const char *query)
{
    struct ask ask = { .ctl = ctl };
    return perform_and_read(&ask, path, query);
}

json_t *
ctl_post(const struct ctl *ctl, const char *path, json_t *body)
{
    struct ask ask = { .ctl = ctl };
    json_t *answer = NULL;
    ask.sent = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (ask.sent == NULL) {
        (void)ctl_fail(ctl, "no memory for what is to be sent");
    } else if (strlen(ask.sent) > ADMIN_BODY_SIZE_MAX) {
        (void)ctl_fail(ctl,
            "what is to be sent has %zu bytes, of which 16 MiB is taken at once; put the files "
            "where "
            "the configuration of the bridge names them, and say mpregctl policy reload",
            strlen(ask.sent));
    } else {
        answer = perform_and_read(&ask, path, NULL);
    }
    free(ask.sent);
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
