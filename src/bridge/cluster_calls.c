/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_calls.c - calls between the bridge's own cluster and its links.
 *
 * Out: a node calls what we have imported; the call goes to its link, and what comes back to the node. In: a
 * far bridge calls what we export; the call goes to a node that serves it under its own name. Both wait in
 * the tables of forward.h meanwhile.
 */
#include "bridge/bridge_state.h"
#include "core/limits.h"

/* What a far bridge says for people is cut to this: it goes into an error object. */
#define FAR_TEXT_MAX ((size_t)1024)

/* What policy allows a call. */

/* `amount` as call_limit_explain() has it. The text lives as long as the step. */
static struct call_error
limit_error(struct bridge *bridge, const struct call_limit *limit, enum call_limit_result result,
    uint64_t amount, struct now now)
{
    buf_reset(&bridge->out);
    call_limit_explain(&bridge->out, limit, result, amount, now.mono);
    struct span text = bridge_composed(bridge);
    return (struct call_error){
        .code = call_limit_code(result),
        .side = limit->direction == POLICY_IMPORT ? CALL_NEAR : CALL_FAR,
        .text = text.size > 0 ? text : SPAN("more than the policy allows"),
        .hop = bridge->config.name,
        .rule = limit->rule_id,
    };
}

/* The rule's timeout is over. */
static struct call_error
timeout_error(
    struct bridge *bridge, struct call_limit *limit, uint64_t rule_timeout_ns, struct now now)
{
    call_limit_count_timeout(limit);
    return limit_error(bridge, limit, CALL_LIMIT_TIMEOUT, rule_timeout_ns, now);
}

/* Calls of our cluster for imported functions. */

static void
refuse_call(struct bridge *bridge, struct member_back *back, struct span command,
    const struct call_error *error, struct now now)
{
    buf_reset(&bridge->out);
    call_error_encode(&bridge->out, error, command);
    struct span body = bridge_composed(bridge);
    member_answer(
        bridge->member, back, false, body.size == 0 ? SPAN("{}") : body, now, &bridge->actions);
}

struct call_error
cluster_calls_near_error(const struct bridge *bridge, enum call_code code, const char *text)
{
    return (struct call_error){
        .code = code,
        .side = CALL_NEAR,
        .text = span_from_text(text),
        .hop = bridge->config.name,
    };
}

static uint32_t
remaining_ms(struct instant deadline, struct instant now)
{
    uint64_t ms = instant_between(now, deadline) / MS_NS;
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* Whether the call may go out at all; if not, *error says why. */
static bool
may_leave(struct bridge *bridge, const struct rib_import *import,
    const struct member_incoming *incoming, struct call_error *error)
{
    const struct fabric_request *request = &incoming->request;
    if (bridge->stopping) {
        *error = cluster_calls_near_error(bridge, CALL_DRAINING, "this bridge is shutting down");
        return false;
    }
    if (import == NULL) {
        *error = cluster_calls_near_error(bridge, CALL_NOT_FOUND,
            "this bridge does not offer the function any more; look it up again");
        return false;
    }
    size_t args_size = request->args.size + request->kwargs.size;
    return link_port_accepts(bridge, import->link, args_size, error);
}

enum call_limit_result
cluster_calls_admit_near(struct bridge *bridge, const struct rib_import *import, size_t args_size,
    struct now now, struct call_limit **limit)
{
    const struct call_rule rule = {
        .direction = POLICY_IMPORT,
        .id = rib_import_rule_id(bridge->rib, import),
        .generation = import->policy_number,
    };
    return call_limits_admit(
        &bridge->ports[import->link].limits, &rule, args_size, now.mono, limit);
}

static struct near_call *
begin_near(struct bridge *bridge, const struct near_request *request, struct now now,
    struct call_error *error)
{
    const struct rib_import *import = request->import;
    size_t args_size = request->message.args.size + request->message.kwargs.size;
    struct call_limit *limit;
    enum call_limit_result result =
        cluster_calls_admit_near(bridge, import, args_size, now, &limit);
    if (result != CALL_LIMIT_OK) {
        *error = limit_error(bridge, limit, result, args_size, now);
        return NULL;
    }
    uint64_t rule_timeout_ns;
    struct instant deadline =
        instant_earlier(request->deadline, instant_after(now.mono, bridge->config.call_timeout_ns));
    deadline = call_limit_deadline(limit, now.mono, deadline, &rule_timeout_ns);
    struct near_call *call = forward_add_near(
        &bridge->forward, import->link, request->back, request->command, deadline, now.mono);
    if (call == NULL) {
        call_limit_release(limit);
        *error = cluster_calls_near_error(bridge, CALL_OVERLOADED, "too many calls are under way");
        return NULL;
    }
    call->limit = limit;
    call->rule_timeout_ns = rule_timeout_ns;
    call->far_ticket = request->far_ticket;
    call->probe = request->probe;
    if (request->far_ticket != 0) {
        forward_find_far(&bridge->forward, request->far_ticket)->near_call_id = call->call_id;
    }
    call->tried = UINT64_C(1) << import->link;
    bridge->ports[import->link].stats.to_link.in_flight++;
    return call;
}

void
cluster_calls_send_message(struct bridge *bridge, const struct near_call *call,
    const struct rib_import *import, const struct link_call *message, struct now now)
{
    struct link_call out = *message;
    out.call_id = call->call_id;
    out.route_id = import->route_id;
    out.timeout_ms = remaining_ms(forward_near_deadline(call), now.mono);
    link_port_send_call(bridge, import->link, &out);
}

bool
cluster_calls_send_near(struct bridge *bridge, const struct near_request *request, struct now now,
    struct call_error *error)
{
    struct near_call *call = begin_near(bridge, request, now, error);
    if (call == NULL) {
        return false;
    }
    const struct rib_offer *offer = request->import->offer;
    if (rib_has_choice(offer) && call->probe == 0) {
        const struct near_again again = {
            .offer_name = rib_offer_identity(offer).name,
            .offer_mark = rib_offer_mark(bridge->rib, offer),
            .federation = request->federation,
            .message = request->message,
            .retries_left = calls_again_retries(request->import),
        };
        (void)forward_keep_near(&bridge->forward, call, &again); /* without memory it goes once */
    }
    cluster_calls_send_message(bridge, call, request->import, &request->message, now);
    return true;
}

/* The call goes back the way the advertisement came, so it may cross as many borders as that could at first. */
uint8_t
cluster_calls_hops_back(const struct rib_import *import)
{
    const struct advertisement *in = kept_attributes(&import->in);
    uint64_t hops = (uint64_t)in->path.count - 1 + in->hops_left;
    return hops > UINT8_MAX ? UINT8_MAX : (uint8_t)hops;
}

void
cluster_calls_called(void *owner, const struct member_incoming *incoming, struct member_back *back,
    struct now now, struct actions *actions)
{
    struct bridge *bridge = owner;
    (void)actions; /* the bridge's own list: the member was given it */
    const struct rib_offer *offer = incoming->context;
    const struct rib_import *import =
        offer == NULL || offer->state != RIB_OFFER_MADE ? NULL : calls_again_route(bridge, offer);
    const struct fabric_request *asked = &incoming->request;
    struct call_error error;
    if (may_leave(bridge, import, incoming, &error)) {
        const struct near_request request = {
            .import = import,
            .back = back,
            .command = asked->command,
            .message = {
                .hops_left = cluster_calls_hops_back(import),
                .path = { .items = &bridge->config.federation, .count = 1 },
                .id = calls_again_retries(import) > 0 ? calls_again_id(bridge, asked) : SPAN_NONE,
                .args = asked->args,
                .kwargs = asked->kwargs,
            },
            .deadline = incoming->deadline,
        };
        if (cluster_calls_send_near(bridge, &request, now, &error)) {
            return;
        }
    }
    if (import != NULL) {
        bridge_count_result(&bridge->ports[import->link].stats.to_link,
            call_result_index(error.code), now.mono, now.mono);
    }
    refuse_call(bridge, back, asked->command, &error, now);
}

static void
end_near(struct bridge *bridge, struct near_call *call, uint32_t result, struct now now)
{
    struct bridge_call_stats *stats = &bridge->ports[call->link].stats.to_link;
    stats->in_flight--;
    bridge_count_result(stats, result, call->started_at, now.mono);
    forward_end_near(&bridge->forward, call);
}

void
cluster_calls_fail(
    struct bridge *bridge, struct near_call *call, const struct call_error *error, struct now now)
{
    if (call->far_ticket != 0) {
        transit_calls_fail(bridge, call, error, now);
    } else if (call->probe != 0) {
        link_probe_failed(bridge, call, error, now);
    } else {
        refuse_call(bridge, call->back, call->command, error, now);
    }
    end_near(bridge, call, call_result_index(error->code), now);
}

void
cluster_calls_drop(struct bridge *bridge, struct near_call *call, struct now now)
{
    end_near(bridge, call, call_result_index(CALL_LINK_DOWN), now);
}

void
cluster_calls_expire(struct bridge *bridge, struct near_call *call, struct now now)
{
    struct far_call *far =
        call->far_ticket == 0 ? NULL : forward_find_far(&bridge->forward, call->far_ticket);
    bool by_far_rule = far != NULL && call->rule_timeout_ns == 0 && far->rule_timeout_ns > 0;
    struct call_error error =
        by_far_rule                 ? timeout_error(bridge, far->limit, far->rule_timeout_ns, now)
        : call->rule_timeout_ns > 0 ? timeout_error(bridge, call->limit, call->rule_timeout_ns, now)
                                    : cluster_calls_near_error(bridge, CALL_DEADLINE_EXCEEDED,
                                          "no answer came over the link in time");
    cluster_calls_fail(bridge, call, &error, now);
}

/* What a far bridge sends is embedded into a message of ours: it must be JSON first. */
static bool
body_is(struct bridge *bridge, struct span body, bool object)
{
    enum json_kind kind;
    return json_check(body, &bridge->tape, &kind) == JSON_OK &&
           (!object || kind == JSON_KIND_OBJECT);
}

static bool
refused_by(const struct link_reply *reply, enum call_code code)
{
    return reply->code == (uint16_t)code;
}

void
cluster_calls_answer(
    struct bridge *bridge, struct near_call *call, const struct link_reply *reply, struct now now)
{
    bool answered = reply->status != LINK_REPLY_ERROR;
    struct call_error error;
    if (answered && call_limit_check_result(call->limit, reply->body.size) != CALL_LIMIT_OK) {
        error = limit_error(bridge, call->limit, CALL_LIMIT_RESULT, reply->body.size, now);
        cluster_calls_fail(bridge, call, &error, now);
        return;
    }
    if (answered && call->far_ticket != 0) {
        /* Nothing of ours is made of it: whoever embeds it looks at it. */
        bool ok = reply->status == LINK_REPLY_OK;
        transit_calls_answer(bridge, call, ok, reply->body, now);
        end_near(bridge, call, ok ? CALL_RESULT_OK : CALL_RESULT_FAILED, now);
        return;
    }
    if (answered && !body_is(bridge, reply->body, reply->status == LINK_REPLY_FAILED)) {
        error = cluster_calls_near_error(
            bridge, CALL_REMOTE_FAILED, "the far bridge sent a result that is not JSON");
        cluster_calls_fail(bridge, call, &error, now);
        return;
    }
    switch (reply->status) {
    case LINK_REPLY_OK:
    case LINK_REPLY_FAILED: {
        bool ok = reply->status == LINK_REPLY_OK;
        if (call->probe != 0) {
            link_probe_answered(bridge, call, ok, now);
        } else {
            member_answer(bridge->member, call->back, ok, reply->body, now, &bridge->actions);
        }
        end_near(bridge, call, ok ? CALL_RESULT_OK : CALL_RESULT_FAILED, now);
        break;
    }
    case LINK_REPLY_ERROR:
        if (refused_by(reply, CALL_DRAINING) || refused_by(reply, CALL_NOT_FOUND) ||
            refused_by(reply, CALL_LINK_DOWN)) {
            bool executed = refused_by(reply, CALL_LINK_DOWN);
            if (calls_again_go(bridge, call, executed, now)) {
                break;
            }
        }
        error = (struct call_error){
            .code = call_code_from_wire(reply->code),
            .side = CALL_FAR,
            .text = span_part(
                reply->body, 0, reply->body.size < FAR_TEXT_MAX ? reply->body.size : FAR_TEXT_MAX),
            .hop = bridge->ports[call->link].session.far.bridge,
            .rule = reply->rule,
        };
        cluster_calls_fail(bridge, call, &error, now);
        break;
    }
}

/* Calls of far bridges into our cluster. */

static void
reply_error(
    struct bridge *bridge, uint32_t link, uint64_t call_id, enum call_code code, const char *text)
{
    struct call_error error = {
        .code = code,
        .side = CALL_FAR,
        .text = span_from_text(text),
        .hop = bridge->config.name,
    };
    link_port_reply_error(bridge, link, call_id, &error);
}

/* Whether a call can be sent to a node, the best first. */
enum reach {
    REACH_CONNECTED = 0, /* now */
    REACH_EXPECTED,      /* soon: member_connecting() */
    REACH_ANY,
};

struct admission {
    const struct bridge *bridge;
    const struct rib_export *exported;
    enum reach reach; /* only such nodes */
    bool repeats;     /* only functions that may run twice: the call may come again */
    struct now now;
};

static bool
is_within(const struct admission *admission, struct span node_id)
{
    const struct member *member = admission->bridge->member;
    switch (admission->reach) {
    case REACH_CONNECTED:
        return member_connected(member, node_id);
    case REACH_EXPECTED:
        return member_connecting(member, node_id, admission->now);
    case REACH_ANY:
        return true;
    }
    return false;
}

static bool
is_exported(void *owner, const struct catalog_entry *entry)
{
    const struct admission *admission = owner;
    const struct bridge *bridge = admission->bridge;
    const struct function_endpoint endpoint = catalog_endpoint(entry);
    return rib_export_includes(bridge->rib, admission->exported, &endpoint) &&
           (!admission->repeats || text_list_has(&endpoint.tags, SPAN(FUNCTION_TAG_IDEMPOTENT))) &&
           is_within(admission, endpoint.key.node_id);
}

/* The best of those that are connected, else of those that will be, else of all: *reach is which. */
static const struct catalog_entry *
choose_node(struct bridge *bridge, const struct rib_export *exported, bool may_repeat,
    struct now now, enum reach *reach)
{
    static const struct text_list no_more = { .count = 0 };
    struct admission admission = {
        .bridge = bridge,
        .exported = exported,
        /* An export may stand for others that do not have the tag. */
        .repeats = may_repeat && text_list_has(&kept_attributes(&exported->out)->tags,
                                     SPAN(FUNCTION_TAG_IDEMPOTENT)),
        .now = now,
    };
    struct catalog_query query = {
        .function = rib_export_source_name(exported),
        .functions = exported->merge ? rib_export_sources(exported, &bridge->arena) : no_more,
        .local_cluster = bridge->config.member.cluster_id,
        .target_cluster = bridge->config.member.cluster_id,
        .except_node = bridge->config.member.url,
        .filter_owner = &admission,
        .filter = is_exported,
    };
    const struct catalog_entry *entry = member_select(bridge->member, &query, now);
    while (entry == NULL && admission.reach < REACH_ANY) {
        admission.reach++;
        entry = member_select(bridge->member, &query, now);
    }
    *reach = admission.reach;
    return entry;
}

static bool
arguments_are_json(struct bridge *bridge, const struct link_call *call)
{
    enum json_kind args;
    enum json_kind kwargs;
    return json_check(call->args, &bridge->tape, &args) == JSON_OK &&
           json_check(call->kwargs, &bridge->tape, &kwargs) == JSON_OK && args == JSON_KIND_ARRAY &&
           kwargs == JSON_KIND_OBJECT;
}

/*
 * Exactly this version: the node may serve others under the same name, and what it runs when it is free to
 * choose may be one that policy keeps in.
 */
static void
write_constraint(struct buf *out, struct version version)
{
    buf_add_text(out, "==");
    buf_add_decimal(out, version.major);
    buf_add_text(out, ".");
    buf_add_decimal(out, version.minor);
    buf_add_text(out, ".");
    buf_add_decimal(out, version.patch);
}

/* Also sets whether that is by its rule. */
static struct instant
far_deadline(const struct bridge *bridge, const struct link_call *call, struct far_call *waiting,
    struct now now)
{
    uint64_t timeout_ns = (uint64_t)call->timeout_ms * MS_NS;
    if (timeout_ns > bridge->config.call_timeout_ns) {
        timeout_ns = bridge->config.call_timeout_ns;
    }
    return call_limit_deadline(
        waiting->limit, now.mono, instant_after(now.mono, timeout_ns), &waiting->rule_timeout_ns);
}

static bool
send_to_node(struct bridge *bridge, const struct catalog_entry *entry, struct far_call *waiting,
    const struct link_call *call, struct now now, struct call_error *error)
{
    const struct function_key key = catalog_endpoint(entry).key;
    buf_reset(&bridge->out);
    write_constraint(&bridge->out, key.identity.version);
    if (bridge->out.overflowed) {
        error->code = CALL_OVERLOADED;
        error->text = SPAN("the far bridge is out of memory");
        return false;
    }
    struct member_call out = {
        .ticket = waiting->ticket,
        .function = key.identity.name,
        .function_id = key.identity.function_id,
        .version_constraint = buf_span(&bridge->out),
        .resources = key.resources,
        .target_node = key.node_id,
        .args = call->args,
        .kwargs = call->kwargs,
        .deadline = waiting->deadline,
    };
    switch (member_call(bridge->member, &out, now, &bridge->actions)) {
    case MEMBER_CALL_OK:
        return true;
    case MEMBER_CALL_NOT_CONNECTED:
        error->code = CALL_REMOTE_FAILED;
        error->text = SPAN("the node that serves it is not connected to the far bridge");
        return false;
    case MEMBER_CALL_CONGESTED:
    case MEMBER_CALL_TOO_MANY:
        error->code = CALL_OVERLOADED;
        error->text = SPAN("the far cluster has too many calls under way");
        return false;
    case MEMBER_CALL_TOO_LARGE:
        error->code = CALL_PAYLOAD_TOO_LARGE;
        error->text = SPAN("the arguments are larger than the far node accepts");
        return false;
    }
    return false;
}

static bool
may_enter(struct bridge *bridge, uint32_t link, const struct link_call *call,
    const struct rib_export *exported)
{
    uint64_t id = call->call_id;
    if (exported == NULL) {
        reply_error(bridge, link, id, CALL_NOT_FOUND, "the function was withdrawn");
    } else if (call->hops_left == 0 || text_list_has(&call->path, bridge->config.federation)) {
        reply_error(bridge, link, id, CALL_LOOP, "the call has been here, or has no hop left");
    } else if (bridge->stopping) {
        reply_error(bridge, link, id, CALL_DRAINING, "the far bridge is shutting down");
    } else if (call->timeout_ms == 0) {
        reply_error(bridge, link, id, CALL_DEADLINE_EXCEEDED, "no time was left for the call");
    } else {
        return true;
    }
    return false;
}

enum far_sending
cluster_calls_send_far(struct bridge *bridge, const struct rib_export *exported,
    struct far_call *waiting, const struct link_call *call, struct now now,
    struct call_error *error)
{
    enum reach reach;
    const struct catalog_entry *entry =
        choose_node(bridge, exported, call->id.size > 0, now, &reach);
    *error = (struct call_error){ .side = CALL_FAR, .hop = bridge->config.name };
    if (entry == NULL) {
        error->code = CALL_NOT_FOUND;
        error->text = SPAN("no node serves it right now");
        return FAR_REFUSED;
    }
    if (send_to_node(bridge, entry, waiting, call, now, error)) {
        return FAR_SENT;
    }
    return reach == REACH_EXPECTED ? FAR_EXPECTED : FAR_REFUSED;
}

void
cluster_calls_forget_far(struct bridge *bridge, struct far_call *call)
{
    if (call->repeat != NULL) {
        repeats_forget(&bridge->repeats, call->repeat);
    }
    forward_end_far(&bridge->forward, call);
}

/* A call that was admitted waits from now on, and holds `limit` until it ends. NULL: the far side was told. */
static struct far_call *
begin_far(struct bridge *bridge, const struct rib_export *exported, const struct link_call *call,
    struct call_limit *limit, struct now now)
{
    uint32_t link = exported->link;
    struct far_call *waiting = forward_add_far(&bridge->forward, link, call->call_id, now.mono);
    if (waiting == NULL) {
        call_limit_release(limit);
        reply_error(bridge, link, call->call_id, CALL_OVERLOADED,
            "the far bridge has too many calls under way");
        return NULL;
    }
    waiting->limit = limit;
    waiting->deadline = far_deadline(bridge, call, waiting, now);
    if (call->id.size > 0) {
        waiting->repeat = repeats_begin(&bridge->repeats, call->id, waiting->ticket);
    }
    return waiting;
}

/* A node of our cluster is to execute it. */
static void
serve_by_node(struct bridge *bridge, const struct rib_export *exported,
    const struct link_call *call, struct call_limit *limit, struct now now)
{
    if (!arguments_are_json(bridge, call)) {
        call_limit_release(limit);
        reply_error(bridge, exported->link, call->call_id, CALL_INVALID,
            "args must be a JSON array and kwargs a JSON object");
        return;
    }
    struct far_call *waiting = begin_far(bridge, exported, call, limit, now);
    struct call_error error;
    if (waiting == NULL) {
        return;
    }
    enum far_sending sending = cluster_calls_send_far(bridge, exported, waiting, call, now, &error);
    if (sending == FAR_REFUSED ||
        (sending == FAR_EXPECTED && !calls_held_begin(bridge, waiting, call, now, &error))) {
        cluster_calls_forget_far(bridge, waiting);
        link_port_reply_error(bridge, exported->link, call->call_id, &error);
        return;
    }
    bridge->ports[exported->link].stats.from_link.in_flight++;
}

/* It came from one link and goes on over another. */
static void
serve_by_link(struct bridge *bridge, const struct rib_export *exported,
    const struct rib_import *import, const struct link_call *call, struct call_limit *limit,
    struct now now)
{
    struct far_call *waiting = begin_far(bridge, exported, call, limit, now);
    struct call_error error;
    if (waiting == NULL) {
        return;
    }
    if (!transit_calls_send(bridge, import, waiting, call, now, &error)) {
        cluster_calls_forget_far(bridge, waiting);
        link_port_reply_error(bridge, exported->link, call->call_id, &error);
        return;
    }
    bridge->ports[exported->link].stats.from_link.in_flight++;
}

void
cluster_calls_serve(
    struct bridge *bridge, uint32_t link, const struct link_call *call, struct now now)
{
    const struct rib_export *exported = rib_find_export(bridge->rib, link, call->route_id);
    if (!may_enter(bridge, link, call, exported) ||
        calls_again_recognise(bridge, exported, call, now)) {
        return;
    }
    size_t size = call->args.size + call->kwargs.size;
    const struct call_rule rule = {
        .direction = POLICY_EXPORT,
        .id = rib_export_rule_id(bridge->rib, exported),
        .generation = exported->policy_number,
    };
    struct call_limit *limit;
    /* Before anything that costs more than the call is worth: its arguments were not looked at yet. */
    enum call_limit_result result =
        call_limits_admit(&bridge->ports[link].limits, &rule, size, now.mono, &limit);
    if (result != CALL_LIMIT_OK) {
        struct call_error error = limit_error(bridge, limit, result, size, now);
        link_port_reply_error(bridge, link, call->call_id, &error);
        return;
    }
    const struct rib_import *import = rib_export_import(exported);
    if (import != NULL) {
        serve_by_link(bridge, exported, import, call, limit, now);
    } else {
        serve_by_node(bridge, exported, call, limit, now);
    }
}

/* Whoever asked may be gone, and then nobody else has asked so far. */
static void
tell(struct bridge *bridge, const struct far_call *call, const struct link_reply *reply)
{
    if (!call->orphaned) {
        link_port_reply(bridge, call->link, reply);
    }
}

void
cluster_calls_tell_error(
    struct bridge *bridge, const struct far_call *call, const struct call_error *error)
{
    if (!call->orphaned) {
        link_port_reply_error(bridge, call->link, call->call_id, error);
    }
}

static void
tell_error(
    struct bridge *bridge, const struct far_call *call, enum call_code code, const char *text)
{
    const struct call_error error = {
        .code = code,
        .side = CALL_FAR,
        .text = span_from_text(text),
        .hop = bridge->config.name,
    };
    cluster_calls_tell_error(bridge, call, &error);
}

/* A node answered: the far side gets it, or hears why not. */
void
cluster_calls_reply_result(
    struct bridge *bridge, struct far_call *call, bool ok, struct span body, struct now now)
{
    struct bridge_call_stats *stats = &bridge->ports[call->link].stats.from_link;
    struct link_reply reply = {
        .call_id = call->call_id,
        .status = ok ? LINK_REPLY_OK : LINK_REPLY_FAILED,
        .body = body.size > 0 ? body : SPAN("{}"),
    };
    if (call_limit_check_result(call->limit, reply.body.size) != CALL_LIMIT_OK) {
        struct call_error error =
            limit_error(bridge, call->limit, CALL_LIMIT_RESULT, reply.body.size, now);
        cluster_calls_tell_error(bridge, call, &error);
    } else if (reply.body.size > link_port_body_max(bridge, call->link)) {
        tell_error(
            bridge, call, CALL_PAYLOAD_TOO_LARGE, "the result is larger than the far bridge takes");
    } else {
        bridge_count_result(
            stats, ok ? CALL_RESULT_OK : CALL_RESULT_FAILED, call->started_at, now.mono);
        tell(bridge, call, &reply);
        if (call->repeat != NULL) {
            repeats_answered(&bridge->repeats, call->repeat, &reply, now.mono);
            call->repeat = NULL;
        }
    }
}

void
cluster_calls_end_far(struct bridge *bridge, struct far_call *call)
{
    bridge->ports[call->link].stats.from_link.in_flight -= !call->orphaned;
    cluster_calls_forget_far(bridge, call);
}

void
cluster_calls_tell_timeout(struct bridge *bridge, const struct far_call *call, struct now now)
{
    if (call->rule_timeout_ns > 0) {
        struct call_error error = timeout_error(bridge, call->limit, call->rule_timeout_ns, now);
        cluster_calls_tell_error(bridge, call, &error);
    } else if (call->held != NULL) {
        tell_error(bridge, call, CALL_DEADLINE_EXCEEDED,
            "the node that serves it was not connected to the far bridge in time");
    } else {
        tell_error(bridge, call, CALL_DEADLINE_EXCEEDED, "the far node did not answer in time");
    }
}

void
cluster_calls_answered(void *owner, uint64_t ticket, enum member_outcome outcome, struct span body,
    struct now now, struct actions *actions)
{
    struct bridge *bridge = owner;
    (void)actions;
    struct far_call *call = forward_find_far(&bridge->forward, ticket);
    if (call == NULL) {
        return;
    }
    switch (outcome) {
    case MEMBER_ANSWERED:
    case MEMBER_FAILED:
        cluster_calls_reply_result(bridge, call, outcome == MEMBER_ANSWERED, body, now);
        break;
    case MEMBER_TIMED_OUT:
        cluster_calls_tell_timeout(bridge, call, now);
        break;
    case MEMBER_LOST:
        tell_error(
            bridge, call, CALL_REMOTE_FAILED, "the far node's connection broke before it answered");
        break;
    }
    cluster_calls_end_far(bridge, call);
}
