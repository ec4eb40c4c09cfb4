/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_functions.c - /v1/functions: what each link exports and imports, and what policy keeps back and
 * why. ?link=NAME&side=exported|denied|imported|rejected&limit=N
 */
#include "bridge/rib_decide.h"
#include "host/admin_bridge.h"

enum side {
    SIDE_EXPORTED = 0, /* announced to the link, or about to be */
    SIDE_DENIED,       /* of our cluster, and kept in */
    SIDE_IMPORTED,     /* accepted from the link */
    SIDE_REJECTED,     /* of the far side, and kept out */
};

#define SIDE_COUNT (SIDE_REJECTED + 1)

static const char *
side_name(enum side side)
{
    switch (side) {
    case SIDE_EXPORTED:
        return "exported";
    case SIDE_DENIED:
        return "denied";
    case SIDE_IMPORTED:
        return "imported";
    case SIDE_REJECTED:
        return "rejected";
    }
    return "unknown";
}

/* What was asked for. */
struct question {
    const struct admin_bridge *admin;
    uint32_t link; /* bridge_link_count: all */
    bool sides[SIDE_COUNT];
    struct now now;
    uint64_t limit;
    uint64_t total; /* functions that fit, shown or not */
    json_t *list;
};

/* Whether one more is shown; the others are only counted. */
static bool
wants_more(struct question *question)
{
    return question->total++ < question->limit;
}

static json_t *
describe_identity(const struct question *question, uint32_t link, enum side side,
    const struct function_identity *identity)
{
    struct span name = bridge_link_stats(question->admin->bridge, link).name;
    return json_pack("{s:o,s:s,s:o,s:o,s:o}", "link", admin_text(name), "side", side_name(side),
        "name", admin_text(identity->name), "function_id", admin_text(identity->function_id),
        "version", admin_text(identity->version_text));
}

static void
describe_advertisement(json_t *json, const struct advertisement *advertisement)
{
    (void)json_object_set_new(json, "resources", admin_texts(&advertisement->resources));
    (void)json_object_set_new(json, "tags", admin_texts(&advertisement->tags));
    (void)json_object_set_new(json, "origin", admin_text(advertisement->origin));
    (void)json_object_set_new(json, "path", admin_texts(&advertisement->path));
    (void)json_object_set_new(json, "hops_left", admin_u64(advertisement->hops_left));
    (void)json_object_set_new(json, "cost", admin_u64(advertisement->cost));
}

/* Why something was kept back: the reason of the closed list, the rule, its text for people. */
static void
describe_refusal(json_t *json, enum prune_reason reason, struct span rule, struct span text)
{
    (void)json_object_set_new(json, "reason", json_string(prune_reason_name(reason)));
    (void)json_object_set_new(json, "rule", rule.size == 0 ? json_null() : admin_text(rule));
    (void)json_object_set_new(json, "text", text.size == 0 ? json_null() : admin_text(text));
}

static void
list_exports(struct question *question, uint32_t link)
{
    size_t cursor = 0;
    const struct rib *rib = bridge_rib(question->admin->bridge);
    const struct rib_export *exported;
    while ((exported = rib_each_export(rib, link, &cursor)) != NULL) {
        if (rib_export_withdrawn(exported) || !wants_more(question)) {
            continue;
        }
        const struct advertisement out = rib_export_out(exported);
        json_t *json = describe_identity(question, link, SIDE_EXPORTED, &out.identity);
        describe_advertisement(json, &out);
        (void)json_object_set_new(json, "doubted", json_boolean(out.doubted));
        (void)json_object_set_new(
            json, "source_name", admin_text(rib_export_source_name(exported)));
        (void)json_object_set_new(json, "rule", admin_text(rib_export_rule_id(rib, exported)));
        (void)json_object_set_new(
            json, "announced", json_boolean(rib_export_announced(rib, exported)));
        (void)json_array_append_new(question->list, json);
    }
}

static void
list_denied(struct question *question, uint32_t link)
{
    size_t cursor = 0;
    const struct rib *rib = bridge_rib(question->admin->bridge);
    struct rib_denied denied;
    while (rib_each_denied(rib, link, &cursor, &denied)) {
        if (!wants_more(question)) {
            continue;
        }
        json_t *json = describe_identity(question, link, SIDE_DENIED, &denied.identity);
        (void)json_object_set_new(json, "tags", admin_texts(&denied.tags));
        describe_refusal(json, denied.reason, denied.rule_id, denied.rule_reason);
        (void)json_array_append_new(question->list, json);
    }
}

/* What became of an accepted import in our cluster. */
static const char *
offer_state(const struct rib_import *import)
{
    const struct rib_offer *offer = import->offer;
    if (offer == NULL || offer->chosen != import) {
        return "standby";
    }
    switch (offer->state) {
    case RIB_OFFER_NONE:
        return "pending";
    case RIB_OFFER_MADE:
        return offer->made == import ? "offered" : "pending";
    case RIB_OFFER_CONFLICT:
        return "conflict";
    case RIB_OFFER_NO_ROOM:
        return "no_room";
    }
    return "pending";
}

void
admin_bridge_describe_choice(
    const struct admin_bridge *admin, const struct rib_import *import, json_t *json)
{
    const struct rib *rib = bridge_rib(admin->bridge);
    const struct rib_import *chosen = import->offer == NULL ? NULL : import->offer->chosen;
    bool wins = chosen == import;
    json_t *by = json_null();
    json_t *link = json_null();
    if (chosen != NULL) {
        uint32_t step =
            wins ? rib_offer_decided_by(rib, import->offer) : rib_import_beaten_by(rib, import);
        by = wins || step > 0 ? json_string(rib_decision_name(step)) : json_null();
        link = admin_text(bridge_link_stats(admin->bridge, chosen->link).name);
    }
    (void)json_object_set_new(json, "offer", json_string(offer_state(import)));
    (void)json_object_set_new(json, "stale", json_boolean(rib_import_is_stale(rib, import)));
    (void)json_object_set_new(json, "doubted", json_boolean(rib_import_is_doubted(rib, import)));
    (void)json_object_set_new(json, "chosen_link", link);
    (void)json_object_set_new(json, "decided_by", by);
    /* Only of the one that is chosen: counted for each of them it would cost the square. */
    (void)json_object_set_new(json, "candidates",
        wins ? admin_u64(rib_offer_candidate_count(import->offer)) : json_null());
}

static json_t *
damped_for(const struct question *question, const struct rib_import *import)
{
    struct instant until = rib_damped_until(bridge_rib(question->admin->bridge), import);
    return admin_seconds(instant_between(question->now.mono, until));
}

static void
list_import(struct question *question, const struct rib_import *import)
{
    const struct rib *rib = bridge_rib(question->admin->bridge);
    bool rejected = import->state == RIB_IMPORT_REJECTED;
    enum side side = rejected ? SIDE_REJECTED : SIDE_IMPORTED;
    const struct advertisement shown = rejected ? rib_import_in(import) : rib_import_out(import);
    if (!question->sides[side] || !wants_more(question)) {
        return;
    }
    json_t *json = describe_identity(question, import->link, side, &shown.identity);
    describe_advertisement(json, &shown);
    if (rejected) {
        describe_refusal(
            json, import->reason, rib_import_rule_id(rib, import), import->rule_reason);
        (void)json_object_set_new(json, "damped_seconds_left",
            import->reason == PRUNE_DAMPED ? damped_for(question, import) : json_null());
    } else {
        (void)json_object_set_new(
            json, "source_name", admin_text(identity_name(import->in.identity)));
        (void)json_object_set_new(json, "rule", admin_text(rib_import_rule_id(rib, import)));
        admin_bridge_describe_choice(question->admin, import, json);
    }
    (void)json_array_append_new(question->list, json);
}

static void
list_link(struct question *question, uint32_t link)
{
    size_t cursor = 0;
    const struct rib *rib = bridge_rib(question->admin->bridge);
    const struct rib_import *import;
    if (question->sides[SIDE_EXPORTED]) {
        list_exports(question, link);
    }
    if (question->sides[SIDE_DENIED]) {
        list_denied(question, link);
    }
    if (!question->sides[SIDE_IMPORTED] && !question->sides[SIDE_REJECTED]) {
        return;
    }
    while ((import = rib_each_import(rib, link, &cursor)) != NULL) {
        list_import(question, import);
    }
}

/* ---- Arguments ---- */

static bool
read_side(struct question *question, const struct admin_call *call)
{
    struct span name;
    bool found = false;
    bool all = !admin_query(call->request->query, "side", &name);
    for (uint32_t i = 0; i < SIDE_COUNT; i++) {
        question->sides[i] = all || span_is(name, side_name((enum side)i));
        found = found || question->sides[i];
    }
    if (!found) {
        admin_reply_error(
            call->response, 400, "side is one of exported, denied, imported, rejected");
    }
    return found;
}

void
admin_bridge_serve_functions(void *self, const struct admin_call *call)
{
    struct question question = {
        .admin = self, .now = call->now, .limit = ADMIN_FUNCTIONS_DEFAULT
    };
    if (!admin_bridge_query_link(question.admin, call, &question.link) ||
        !read_side(&question, call) ||
        !admin_query_number(call, "limit", ADMIN_FUNCTIONS_MAX, &question.limit)) {
        return;
    }
    question.list = json_array();
    for (uint32_t i = 0; i < bridge_link_count(question.admin->bridge); i++) {
        if (question.link == i || question.link == bridge_link_count(question.admin->bridge)) {
            list_link(&question, i);
        }
    }
    admin_reply_json(call->response,
        json_pack("{s:o,s:o}", "total", admin_u64(question.total), "functions", question.list));
}
