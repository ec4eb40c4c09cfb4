/* SPDX-License-Identifier: Apache-2.0 */
/* admin_policy_change.c - POST: compare, apply, reload, shadow, confirm, go back. */
#include <string.h>

#include "host/admin_policy.h"
#include "host/policy_json.h"

/* A request's body while it is read. */
struct change {
    struct admin_bridge *admin;
    const struct admin_call *call;
    json_t *body;
    struct policy_change change;
    struct policy_yaml_sent files[ADMIN_POLICY_FILES_MAX];
    struct policy_yaml_part includes[ADMIN_POLICY_FILES_MAX][POLICY_YAML_INCLUDES_MAX];
    size_t file_count;
    struct yaml_errors errors;
};

static void
refuse(const struct change *change, const char *message)
{
    admin_reply_error(change->call->response, 400, message);
}

/* An empty body is an empty object. false: answered. */
static bool
read_body(struct change *change)
{
    struct span body = change->call->request->body;
    json_error_t error;
    change->body =
        body.size == 0 ? json_object() : json_loadb((const char *)body.data, body.size, 0, &error);
    if (!json_is_object(change->body)) {
        refuse(change, "the body is not a JSON object");
        return false;
    }
    return true;
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
read_manner(struct change *change)
{
    const json_t *force = json_object_get(change->body, "force");
    const json_t *within = json_object_get(change->body, "confirm_within_seconds");
    double seconds = json_number_value(within);
    change->change.author = text_of(change->body, "author");
    change->change.force = json_is_true(force);
    if (force != NULL && !json_is_boolean(force)) {
        refuse(change, "force is true or false");
        return false;
    }
    if (within != NULL && (!json_is_number(within) || seconds < 0 || seconds > 86400)) {
        refuse(change, "confirm_within_seconds is a number from 0 to 86400");
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
read_files(struct change *change)
{
    const json_t *files = json_object_get(change->body, "files");
    size_t count = json_array_size(files);
    bool whole = count > 0 && count <= ADMIN_POLICY_FILES_MAX;
    for (size_t i = 0; whole && i < count; i++) {
        whole = read_file(change, json_array_get(files, i));
    }
    if (!whole) {
        refuse(change,
            "files is a list of {\"path\", \"text\", \"includes\": [{\"path\", \"text\"}]}, "
            "1 to 64 of them");
    }
    return whole;
}

static void
reply_refused(struct change *change)
{
    json_t *json = policy_json_errors(&change->errors);
    (void)json_object_set_new(json, "error",
        json_string("the policies were not taken: there are errors, or their tests fail"));
    change->call->response->status = 422;
    admin_reply_json(change->call->response, json);
}

static void
reply_state(const struct change *change, uint16_t status)
{
    const struct reload *reload = bridge_reload(change->admin->bridge);
    change->call->response->status = status;
    admin_reply_json(
        change->call->response, json_pack("{s:s}", "state", reload_state_name(reload->state)));
}

static void
reply(struct change *change, enum policy_store_result result, uint16_t status)
{
    struct http_response *response = change->call->response;
    switch (result) {
    case POLICY_STORE_OK:
        reply_state(change, status);
        break;
    case POLICY_STORE_REFUSED:
        reply_refused(change);
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

/* Too large for a stack; one request is answered at a time. */
static struct change *
begin(void *self, const struct admin_call *call)
{
    static struct change change;
    memset(&change, 0, sizeof(change));
    change.admin = self;
    change.call = call;
    yaml_errors_init(&change.errors);
    return &change;
}

static void
end(struct change *change)
{
    json_decref(change->body);
    yaml_errors_destroy(&change->errors);
}

static void
send_files(struct change *change, enum policy_store_mode mode)
{
    change->change.mode = mode;
    if (read_manner(change) && read_files(change)) {
        reply(change,
            policy_store_send(change->admin->policies, change->files, change->file_count,
                &change->change, change->call->now.wall, &change->errors),
            202);
    }
}

void
admin_policy_diff(void *self, const struct admin_call *call)
{
    struct change *change = begin(self, call);
    if (read_body(change)) {
        send_files(change, POLICY_STORE_COMPARE);
    }
    end(change);
}

void
admin_policy_apply(void *self, const struct admin_call *call)
{
    struct change *change = begin(self, call);
    if (read_body(change)) {
        send_files(change, POLICY_STORE_APPLY);
    }
    end(change);
}

/* With {"stop": true} it ends. */
void
admin_policy_shadow(void *self, const struct admin_call *call)
{
    struct change *change = begin(self, call);
    if (read_body(change) && json_is_true(json_object_get(change->body, "stop"))) {
        reply(change, policy_store_forget(change->admin->policies), 200);
    } else if (json_is_object(change->body)) {
        send_files(change, POLICY_STORE_SHADOW);
    }
    end(change);
}

void
admin_policy_reload(void *self, const struct admin_call *call)
{
    struct change *change = begin(self, call);
    if (read_body(change) && read_manner(change)) {
        change->change.mode = POLICY_STORE_APPLY;
        reply(change,
            policy_store_reload(
                change->admin->policies, &change->change, call->now.wall, &change->errors),
            202);
    }
    end(change);
}

void
admin_policy_confirm(void *self, const struct admin_call *call)
{
    struct change *change = begin(self, call);
    if (read_body(change)) {
        reply(change, policy_store_confirm(change->admin->policies, call->now.wall), 200);
    }
    end(change);
}

void
admin_policy_rollback(void *self, const struct admin_call *call)
{
    struct change *change = begin(self, call);
    if (read_body(change) && read_manner(change)) {
        const json_t *version = json_object_get(change->body, "version");
        json_int_t number = json_integer_value(version);
        bool known =
            version == NULL || (json_is_integer(version) && number >= 1 && number <= UINT32_MAX);
        if (known) {
            reply(change,
                policy_store_rollback(change->admin->policies, (uint32_t)number, &change->change),
                202);
        } else {
            refuse(change, "version is a number from 1; see /v1/policy/versions");
        }
    }
    end(change);
}
