/* SPDX-License-Identifier: Apache-2.0 */
/* admin_link_change.c - POST /v1/links/NAME/VERB: what an operator does to a link. */
#include "host/admin_bridge.h"

#define PATH_BEFORE_NAME SPAN("/v1/links/")

bool
admin_bridge_path_link(const struct admin_bridge *admin, const struct admin_call *call,
    uint32_t *link, struct span *what)
{
    struct span rest = span_after(call->request->path, PATH_BEFORE_NAME.size);
    size_t slash = span_find(rest, '/');
    struct span name = span_part(rest, 0, slash);
    *what = slash < rest.size ? span_after(rest, slash + 1) : SPAN_NONE;
    for (*link = 0; *link < bridge_link_count(admin->bridge); (*link)++) {
        if (span_equal(bridge_link_stats(admin->bridge, *link).name, name)) {
            return true;
        }
    }
    admin_reply_error(call->response, 404, "there is no link of this name; see /v1/links");
    return false;
}

static bool
find_verb(struct span name, enum link_verb *verb)
{
    for (uint32_t i = 0; i < LINK_VERB_COUNT; i++) {
        *verb = (enum link_verb)i;
        if (span_is(name, link_verb_name(*verb))) {
            return true;
        }
    }
    return false;
}

static void
reply_taken(const struct admin_bridge *admin, const struct admin_call *call, uint32_t link,
    enum link_verb verb)
{
    struct bridge_link_stats stats = bridge_link_stats(admin->bridge, link);
    call->response->status = 202;
    admin_reply_json(call->response,
        json_pack("{s:o,s:s,s:s}", "link", admin_text(stats.name), "verb", link_verb_name(verb),
            "state_before", bridge_link_view_name(bridge_link_view(&stats))));
}

void
admin_link_change(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    uint32_t link;
    struct span what;
    enum link_verb verb;
    if (!admin_bridge_path_link(admin, call, &link, &what)) {
        return;
    }
    if (!find_verb(what, &verb)) {
        admin_reply_error(call->response, 404,
            "to a link one says /v1/links/NAME/enable, disable, refresh, drain or forget");
        return;
    }
    switch (bridge_link_command(admin->bridge, link, verb)) {
    case LINK_VERB_TAKEN:
        reply_taken(admin, call, link, verb);
        break;
    case LINK_VERB_NOT_UP:
        admin_reply_error(call->response, 409,
            "the link is not up: nobody is there to ask, and whoever comes announces everything");
        break;
    case LINK_VERB_BUSY:
        admin_reply_error(call->response, 409, "too much was said to this link at once; again");
        break;
    case LINK_VERB_STOPPING:
        admin_reply_error(call->response, 409, "the bridge is stopping");
        break;
    }
}
