/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_token.c - finds the token, and refuses what no header of HTTP may carry. */
#include "app/ctl_token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl_file.h"
#include "host/value.h"

/* An environment variable; NULL: not set, or empty. */
static const char *
variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct span
trim(struct span text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text = span_after(text, 1);
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text = span_part(text, 0, text.size - 1);
    }
    return text;
}

static bool
is_visible(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return true;
}

/* false: reported. */
static bool
take_text(const struct ctl *ctl, struct span written, struct ctl_token *token)
{
    struct span text = trim(written);
    if (text.size == 0) {
        (void)ctl_fail(ctl, "there is no token in %s", token->source);
    } else if (text.size > CTL_TOKEN_SIZE_MAX) {
        (void)ctl_fail(
            ctl, "the token of %s is longer than %d bytes", token->source, CTL_TOKEN_SIZE_MAX);
    } else if (!is_visible(text)) {
        (void)ctl_fail(ctl,
            "what is in %s is no token: one line of letters, digits and signs is expected",
            token->source);
    } else {
        (void)snprintf(token->text, sizeof(token->text), "%.*s", SPAN_ARGS(text));
        return true;
    }
    return false;
}

static bool
take_file(const struct ctl *ctl, const char *path, struct ctl_token *token)
{
    struct mem mem;
    struct buf text;
    bool good = false;
    mem_init(&mem, (size_t)64 * 1024);
    buf_init(&text, &mem, (size_t)4 * CTL_TOKEN_SIZE_MAX);
    if (ctl_file_read(path, &text)) {
        good = take_text(ctl, buf_span(&text), token);
    } else {
        (void)ctl_fail(ctl, "cannot read the token: %s: %s", token->source, strerror(errno));
    }
    buf_destroy(&text);
    return good;
}

bool
ctl_token_read(const struct ctl *ctl, struct ctl_token *token)
{
    const char *path = variable("MPREG_TOKEN_FILE");
    const char *text = variable("MPREG_TOKEN");
    *token = (struct ctl_token){ .text = "" };
    if (ctl->token_file != NULL) {
        (void)snprintf(token->source, sizeof(token->source), "--token-file %s",
            value_quote(ctl->token_file).text);
        return take_file(ctl, ctl->token_file, token);
    }
    if (path != NULL) {
        (void)snprintf(
            token->source, sizeof(token->source), "MPREG_TOKEN_FILE=%s", value_quote(path).text);
        return take_file(ctl, path, token);
    }
    if (text != NULL) {
        (void)snprintf(token->source, sizeof(token->source), "MPREG_TOKEN");
        return take_text(ctl, span_from_text(text), token);
    }
    return true;
}
