/* SPDX-License-Identifier: Apache-2.0 */
/* admin_policy_explain.c - why a function of the running bridge passes, or does not: rule by rule. */
#include "host/admin_policy.h"
#include "host/policy_json.h"

struct question {
    const struct admin_bridge *admin;
    uint32_t link;
    enum policy_direction direction;
    struct span function;
    struct now now;
    const struct policy_yaml *loaded; /* of the link; NULL: it has no policy */
    struct mem mem;
    struct arena arena;
    json_t *list;
};

/* One function as it came to the policy, and where it stands. */
struct subject {
    const struct advertisement *in;
    const char *state;
    const char *state_reason;        /* NULL: it passes */
    const struct rib_import *import; /* that policy accepted; NULL: another thing */
};

static json_t *
explain_by_rules(struct question *question, const struct subject *subject)
{
    const struct policy_yaml *loaded = question->loaded;
    struct policy_explanation explanation;
    struct policy_verdict verdict;
    enum policy_evaluation evaluation = policy_evaluate(loaded->policy, question->direction,
        subject->in, question->now.wall, &question->arena, &verdict);
    if (evaluation == POLICY_OUT_OF_MEMORY ||
        !policy_explain(&loaded->source, question->direction, subject->in, question->now.wall,
            &question->arena, &explanation)) {
        return NULL;
    }
    bool accepted = verdict.action == POLICY_ACCEPT;
    return json_pack("{s:s,s:o,s:o,s:o,s:b,s:o,s:o}", "action", accepted ? "accept" : "reject",
        "rule", admin_text(verdict.rule_id), "reason",
        verdict.reason.size == 0 ? json_null() : admin_text(verdict.reason), "advertisement",
        accepted ? policy_json_advertisement(&verdict.out) : json_null(), "merge",
        accepted && verdict.merge, "limits",
        policy_json_limits(
            accepted ? policy_rule_limits(loaded->policy, question->direction, verdict.rule)
                     : NULL),
        "trace", policy_json_trace(loaded, question->direction, &explanation));
}

static void
explain(struct question *question, const struct subject *subject)
{
    json_t *json = question->loaded != NULL
                       ? explain_by_rules(question, subject)
                       : json_pack("{s:s,s:s,s:s,s:n,s:b,s:n,s:[]}", "action", "reject", "rule",
                             "default", "reason", "the link has no policy: nothing passes",
                             "advertisement", "merge", false, "limits", "trace");
    (void)json_object_set_new(json, "state", json_string(subject->state));
    (void)json_object_set_new(json, "state_reason",
        subject->state_reason == NULL ? json_null() : json_string(subject->state_reason));
    (void)json_object_set_new(json, "in", policy_json_advertisement(subject->in));
    if (subject->import != NULL) {
        admin_bridge_describe_choice(question->admin, subject->import, json);
    }
    (void)json_array_append_new(question->list, json);
    arena_reset(&question->arena);
}

/* By the name in our cluster, or the one that it leaves under. */
static void
explain_exports(struct question *question)
{
    const struct rib *rib = bridge_rib(question->admin->bridge);
    struct rib_service_view view;
    size_t cursor = 0;
    while (rib_each_service(rib, question->link, &cursor, &view)) {
        bool named =
            span_equal(view.facts.identity.name, question->function) ||
            (view.exported != NULL &&
                span_equal(identity_name(view.exported->out.identity), question->function));
        const struct subject subject = {
            .in = &view.facts,
            .state = view.exported != NULL ? "exported" : "denied",
            .state_reason = view.exported != NULL ? NULL : prune_reason_name(view.reason),
        };
        if (named) {
            explain(question, &subject);
        }
    }
}

static void
explain_imports(struct question *question)
{
    const struct rib *rib = bridge_rib(question->admin->bridge);
    const struct rib_import *import;
    size_t cursor = 0;
    while ((import = rib_each_import(rib, question->link, &cursor)) != NULL) {
        bool accepted = import->state == RIB_IMPORT_CANDIDATE;
        const struct advertisement in = rib_import_in(import);
        bool named =
            span_equal(in.identity.name, question->function) ||
            (accepted && span_equal(identity_name(import->out.identity), question->function));
        const struct subject subject = {
            .in = &in,
            .state = accepted ? "imported" : "rejected",
            .state_reason = accepted ? NULL : prune_reason_name(import->reason),
            .import = accepted ? import : NULL,
        };
        if (named) {
            explain(question, &subject);
        }
    }
}

static bool
read_question(struct question *question, const struct admin_call *call)
{
    struct span direction;
    struct span query = call->request->query;
    if (!admin_query(query, "function", &question->function)) {
        admin_reply_error(call->response, 400, "which function? add function=NAME");
        return false;
    }
    bool asked = admin_query(query, "direction", &direction);
    bool is_import = asked && span_is(direction, "import");
    if (!is_import && !(asked && span_is(direction, "export"))) {
        admin_reply_error(call->response, 400, "add direction=export or direction=import");
        return false;
    }
    question->direction = is_import ? POLICY_IMPORT : POLICY_EXPORT;
    if (!admin_bridge_query_link(question->admin, call, &question->link)) {
        return false;
    }
    if (question->link == bridge_link_count(question->admin->bridge)) {
        admin_reply_error(call->response, 400, "which link? add link=NAME; see /v1/links");
        return false;
    }
    return true;
}

void
admin_policy_serve_explain(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    struct question question = { .admin = admin, .now = call->now };
    if (!read_question(&question, call)) {
        return;
    }
    const struct policy_file *file =
        policy_store_in_use(admin->policies)->set.of_link[question.link];
    question.loaded = file == NULL ? NULL : file->loaded;
    question.list = json_array();
    mem_init(&question.mem, YAML_MEMORY_MAX);
    arena_init(&question.arena, &question.mem);
    if (question.direction == POLICY_EXPORT) {
        explain_exports(&question);
    } else {
        explain_imports(&question);
    }
    arena_destroy(&question.arena);
    if (json_array_size(question.list) == 0) {
        json_decref(question.list);
        admin_reply_error(call->response, 404,
            question.direction == POLICY_EXPORT
                ? "no function of this name in the cluster; mpregctl policy explain judges one "
                  "that is not there"
                : "no function of this name came over the link; mpregctl policy explain judges one "
                  "that is not there");
        return;
    }
    admin_reply_json(call->response,
        json_pack("{s:o,s:o,s:s,s:o}", "function", admin_text(question.function), "link",
            admin_text(bridge_link_stats(admin->bridge, question.link).name), "direction",
            question.direction == POLICY_EXPORT ? "export" : "import", "explanations",
            question.list));
}
