/* SPDX-License-Identifier: Apache-2.0 */
/* admin_policy_change.c - POST: compare, apply, reload, shadow, confirm, go back. */
#include <stdlib.h>
#include <string.h>

#include "host/admin_policy.h"

/* A request's body, and what is read from it. It lives until the store lets go of the files. */
struct change {
    json_t *body;
    struct policy_change change;
    struct policy_yaml_sent files[ADMIN_POLICY_FILES_MAX];
    struct policy_yaml_part includes[ADMIN_POLICY_FILES_MAX][POLICY_YAML_INCLUDES_MAX];
    size_t file_count;
};

static void
free_change(void *owner)
{
    struct change *change = owner;
    json_decref(change->body);
    free(change);
}

/* An empty body is an empty object. NULL: answered. */
static struct change *
read_body(const struct admin_call *call)
{
    struct span body = call->request->body;
    struct change *change = calloc(1, sizeof(*change));
    json_error_t error;
    if (change == NULL) {
        admin_reply_error(call->response, 500, "no memory");
        return NULL;
    }
    change->body =
        body.size == 0 ? json_object() : json_loadb((const char *)body.data, body.size, 0, &error);
    if (!json_is_object(change->body)) {
        admin_reply_error(call->response, 400, "the body is not a JSON object");
        free_change(change);
        return NULL;
    }
    return change;
}

static struct span
text_of(const json_t *object, const char *key)
{
    const json_t *text = json_object_get(object, key);
    return json_is_string(text) ? span_from(json_string_value(text), json_string_length(text))
                                : SPAN_NONE;
}

/* How it is to be done. false: answered. */
static bool
read_manner(struct change *change, const struct admin_call *call)
{
    const json_t *force = json_object_get(change->body, "force");
    const json_t *within = json_object_get(change->body, "confirm_within_seconds");
    double seconds = json_number_value(within);
    change->change.author = text_of(change->body, "author");
    change->change.force = json_is_true(force);
    if (force != NULL && !json_is_boolean(force)) {
        admin_reply_error(call->response, 400, "force is true or false");
        return false;
    }
    if (within != NULL && (!json_is_number(within) || seconds < 0 || seconds > 86400)) {
        admin_reply_error(
            call->response, 400, "confirm_within_seconds is a number from 0 to 86400");
        return false;
    }
    change->change.confirm_within_ns = (uint64_t)(seconds * (double)SEC_NS);
    return true;
}

static bool
read_part(const json_t *part, const char **path, struct span *text)
{
    const json_t *its_path = json_object_get(part, "path");
    *path = json_string_value(its_path);
    *text = text_of(part, "text");
    return *path != NULL && strlen(*path) == json_string_length(its_path) &&
           json_is_string(json_object_get(part, "text"));
}

static bool
read_file(struct change *change, const json_t *file)
{
    struct policy_yaml_sent *sent = &change->files[change->file_count];
    struct policy_yaml_part *includes = change->includes[change->file_count];
    const json_t *parts = json_object_get(file, "includes");
    *sent = (struct policy_yaml_sent){ .includes = includes };
    if (!read_part(file, &sent->name, &sent->text) || (parts != NULL && !json_is_array(parts)) ||
        json_array_size(parts) > POLICY_YAML_INCLUDES_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(parts); i++) {
        if (!read_part(json_array_get(parts, i), &includes[i].path, &includes[i].text)) {
            return false;
        }
        sent->include_count++;
    }
    change->file_count++;
    return true;
}

/* false: answered. */
static bool
read_files(struct change *change, const struct admin_call *call)
{
    const json_t *files = json_object_get(change->body, "files");
    size_t count = json_array_size(files);
    bool whole = count > 0 && count <= ADMIN_POLICY_FILES_MAX;
    for (size_t i = 0; whole && i < count; i++) {
        whole = read_file(change, json_array_get(files, i));
    }
    if (!whole) {
        admin_reply_error(call->response, 400,
            "files is a list of {\"path\", \"text\", \"includes\": [{\"path\", \"text\"}]}, 1 to "
            "64 of them");
    }
    return whole;
}

static void
reply(const struct admin_bridge *admin, const struct admin_call *call,
    enum policy_store_result result, uint16_t status)
{
    struct http_response *response = call->response;
    switch (result) {
    case POLICY_STORE_OK:
        response->status = status;
        admin_reply_json(
            response, json_pack("{s:s}", "state", policy_store_state(admin->policies)));
        break;
    case POLICY_STORE_BUSY:
        admin_reply_error(response, 409,
            "another change of the policies is under way; see /v1/policy, and confirm or roll "
            "back one that waits");
        break;
    case POLICY_STORE_NO_VERSION:
        admin_reply_error(response, 404, "there is no such version; see /v1/policy/versions");
        break;
    case POLICY_STORE_NOTHING_PENDING:
        admin_reply_error(response, 409, "nothing waits for a confirmation");
        break;
    }
}

/* Takes the change. */
static void
send_files(const struct admin_bridge *admin, const struct admin_call *call, struct change *change,
    enum policy_store_mode mode)
{
    if (!read_manner(change, call) || !read_files(change, call)) {
        free_change(change);
        return;
    }
    const struct policy_sent sent = {
        .files = change->files,
        .file_count = change->file_count,
        .owner = change,
        .release = free_change,
    };
    change->change.mode = mode;
    reply(admin, call, policy_store_send(admin->policies, &sent, &change->change, call->now.wall),
        202);
}

void
admin_policy_diff(void *self, const struct admin_call *call)
{
    struct change *change = read_body(call);
    if (change != NULL) {
        send_files(self, call, change, POLICY_STORE_COMPARE);
    }
}

void
admin_policy_apply(void *self, const struct admin_call *call)
{
    struct change *change = read_body(call);
    if (change != NULL) {
        send_files(self, call, change, POLICY_STORE_APPLY);
    }
}

/* With {"stop": true} it ends. */
void
admin_policy_shadow(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    struct change *change = read_body(call);
    if (change == NULL) {
        return;
    }
    if (!json_is_true(json_object_get(change->body, "stop"))) {
        send_files(admin, call, change, POLICY_STORE_SHADOW);
        return;
    }
    reply(admin, call, policy_store_forget(admin->policies), 200);
    free_change(change);
}

void
admin_policy_reload(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    struct change *change = read_body(call);
    if (change == NULL) {
        return;
    }
    if (read_manner(change, call)) {
        change->change.mode = POLICY_STORE_APPLY;
        reply(admin, call, policy_store_reload(admin->policies, &change->change, call->now.wall),
            202);
    }
    free_change(change);
}

void
admin_policy_confirm(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    reply(admin, call, policy_store_confirm(admin->policies, call->now.wall), 200);
}

void
admin_policy_rollback(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    struct change *change = read_body(call);
    if (change == NULL) {
        return;
    }
    const json_t *version = json_object_get(change->body, "version");
    json_int_t number = json_integer_value(version);
    bool known =
        version == NULL || (json_is_integer(version) && number >= 1 && number <= UINT32_MAX);
    if (!known) {
        admin_reply_error(
            call->response, 400, "version is a number from 1; see /v1/policy/versions");
    } else if (read_manner(change, call)) {
        reply(admin, call,
            policy_store_rollback(admin->policies, (uint32_t)number, &change->change), 202);
    }
    free_change(change);
}
