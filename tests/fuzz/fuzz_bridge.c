/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_bridge.c - events from bytes for a bridge with two nodes, clients, a link with a policy and one
 * without, whose far sides say anything.
 *
 * After each event: nothing that policy denies is offered into the cluster, announced on a link or called on
 * a node; nothing is offered of a link that is down; each call is answered once; of each rule no more are under
 * way than it allows, and just as many as the link counts. At the end all memory came
 * back. Each event is a letter and its parameters, see the table at the end; other letters are skipped.
 */
#include <stdint.h>

#include "base/cursor.h"
#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

#define EVENTS_MAX 100u
#define PEERS      2u
#define LINKS      2u

/* Some calls are refused, and some are not. */
#define CALL_LIMITS                                                                                \
    {                                                                                              \
        .rate = 3, .rate_per_ns = SEC_NS, .burst = 5, .in_flight = 3, .timeout_ns = 7 * SEC_NS,    \
        .args_size = 12, .result_size = 6                                                          \
    }

/* Out goes what is public and not internal, as us.*; in comes in.*, unless it is internal. */
static const struct policy_rule_source exports[] = {
    { .id = T("internal"), .tags.any = LIST(T("internal")), .action = POLICY_REJECT },
    { .id = T("public"),
        .functions = LIST(T("{name**}")),
        .tags.all = LIST(T("public")),
        .version = T("<2.0.0"),
        .set_function = T("us.{name}"),
        .limits = CALL_LIMITS,
        .action = POLICY_ACCEPT },
};
static const struct policy_rule_source imports[] = {
    { .id = T("internal"), .tags.any = LIST(T("internal")), .action = POLICY_REJECT },
    { .id = T("in"),
        .functions = LIST(T("in.**")),
        .limits = CALL_LIMITS,
        .action = POLICY_ACCEPT },
};

/* Its calls are among those that are counted, limited and answered by anything. */
static const struct probe_config probes[] = {
    { .function = T("in.f"),
        .args = T("[1]"),
        .every_ns = 4 * SEC_NS,
        .timeout_ns = 2 * SEC_NS,
        .fail_after = 2,
        .ok_after = 1 },
};

static const char *const names[] = { "f", "g", "in.f", "in.g", "us.f" };

static const struct text_list tag_sets[] = {
    LIST(T("public")),
    LIST(T("public"), T("fast")),
    LIST(T("public"), T("internal")),
    LIST(T("internal")),
    LIST(T("mpreg-bridge:origin=us"), T("public")),
    LIST(T("mpreg-bridge:origin=eu"), T("mpreg-bridge:x")),
    LIST(T("bad\ntext"), T("public")),
    { .count = 0 },
};

static const struct text_list paths[] = {
    LIST(T("eu")),
    LIST(T("ap"), T("eu")),
    LIST(T("us"), T("eu")),
    LIST(T("zz")),
};

static struct rig rig;
static struct cursor input;
static struct rig_peer *peers[PEERS];
static uint32_t calls_seen[PEERS];
static uint32_t far[LINKS]; /* conns */
static uint64_t sequence[LINKS];
static uint32_t client;
static uint32_t frames_seen[RIG_CONNS_MAX];

static const char *const federations[LINKS] = { "eu", "ap" };

static uint32_t
choose(size_t count)
{
    return (uint32_t)(cursor_u8(&input) % count);
}

static struct span
chunk(void)
{
    size_t size = cursor_u16(&input);
    return cursor_bytes(&input, size < input.rest.size ? size : input.rest.size);
}

/* Oracles. */

static bool
has_tag_under(const struct text_list *tags, struct span prefix, uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < tags->count; i++) {
        *count += span_starts_with(tags->items[i], prefix);
    }
    return *count > 0;
}

static void
check_offers(struct bridge *bridge)
{
    const struct catalog *catalog = member_catalog(bridge_member(bridge));
    const struct catalog_node *self = catalog_find_node(catalog, SPAN("ws://us-1:1"));
    const struct catalog_entry *entry = NULL;
    uint64_t count = 0;
    while (self != NULL && (entry = catalog_next_of_node(self, entry)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        uint32_t reserved;
        uint32_t origins;
        CHECK(span_starts_with(endpoint.key.identity.name, SPAN("in.")));
        CHECK(!text_list_has(&endpoint.tags, SPAN("internal")));
        CHECK(has_tag_under(&endpoint.tags, SPAN(ADVERTISEMENT_TAG_RESERVED), &reserved));
        CHECK(has_tag_under(&endpoint.tags, SPAN(ADVERTISEMENT_TAG_ORIGIN), &origins));
        CHECK(reserved == 1);
        CHECK(origins == 1);
        CHECK(!text_list_has(&endpoint.tags, SPAN("mpreg-bridge:origin=us")));
        count++;
    }
    struct bridge_link_stats link = bridge_link_stats(bridge, 0);
    CHECK(bridge_stats(bridge).functions_offered == count);
    CHECK(count <= link.import_accepted);
    CHECK(count == 0 || link.state == LINK_SYNCING || link.state == LINK_UP ||
          link.state == LINK_DRAINING);
    CHECK(bridge_link_stats(bridge, 1).import_accepted == 0);
    CHECK(bridge_link_stats(bridge, 1).exported == 0);
    CHECK(link.doubted == link.probes[0].failing);
}

/* All calls of the link are of one rule each way, so both counts are of the same calls. */
static void
check_limits(const struct bridge *bridge)
{
    struct bridge_link_stats link = bridge_link_stats(bridge, 0);
    const struct call_limit *out = bridge_call_limit(bridge, 0, POLICY_EXPORT, SPAN("public"));
    const struct call_limit *in = bridge_call_limit(bridge, 0, POLICY_IMPORT, SPAN("in"));
    CHECK(out->in_flight == link.from_link.in_flight);
    CHECK(out->in_flight <= out->limits.in_flight);
    CHECK(in->in_flight == link.to_link.in_flight);
    CHECK(in->in_flight <= in->limits.in_flight);
}

static void
check_announcement(const struct link_announce *announce)
{
    for (uint32_t i = 0; i < announce->route_count; i++) {
        const struct advertisement *advertisement = &announce->routes[i].advertisement;
        uint32_t reserved;
        CHECK(span_starts_with(advertisement->identity.name, SPAN("us.")));
        CHECK(advertisement->identity.version.major < 2);
        CHECK(text_list_has(&advertisement->tags, SPAN("public")));
        CHECK(!text_list_has(&advertisement->tags, SPAN("internal")));
        CHECK(!has_tag_under(&advertisement->tags, SPAN(ADVERTISEMENT_TAG_RESERVED), &reserved));
        CHECK(advertisement->path.count == 1);
        CHECK(span_is(advertisement->path.items[0], "us"));
    }
}

static void
check_frames(uint32_t link)
{
    const struct rig_conn *conn = &rig.conns[far[link]];
    for (uint32_t *i = &frames_seen[far[link]]; *i < conn->inbox_count; (*i)++) {
        struct link_frame frame;
        enum link_result result = link_decode(conn->inbox[*i], &rig.wire.arena, &frame);
        CHECK(result == LINK_OK);
        if (frame.type == LINK_FRAME_ANNOUNCE) {
            CHECK(link == 0);
            check_announcement(&frame.announce);
        }
    }
}

/* Whatever the node may take the call to mean, policy lets it out; and it serves something of that kind. */
static void
check_call(const struct catalog *catalog, struct span url, const struct fabric_request *call)
{
    const struct catalog_node *node = catalog_find_node(catalog, url);
    const struct catalog_entry *entry = NULL;
    struct version_constraint constraint;
    uint32_t meant = 0;
    CHECK(node != NULL);
    bool parsed = version_constraint_parse(call->version_constraint, &constraint);
    CHECK(parsed);
    while ((entry = catalog_next_of_node(node, entry)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        const struct function_identity *identity = &endpoint.key.identity;
        uint32_t origins;
        if (!span_equal(identity->name, call->command) ||
            !version_satisfies(identity->version, &constraint) ||
            !text_list_same(&endpoint.key.resources, &call->resources)) {
            continue;
        }
        meant++;
        CHECK(identity->version.major < 2);
        CHECK(text_list_has(&endpoint.tags, SPAN("public")));
        CHECK(!text_list_has(&endpoint.tags, SPAN("internal")));
        CHECK(!has_tag_under(&endpoint.tags, SPAN(ADVERTISEMENT_TAG_ORIGIN), &origins));
    }
    CHECK(meant > 0);
}

static void
check_everything(void)
{
    struct bridge *bridge = rig.bridges[0].bridge;
    check_offers(bridge);
    check_limits(bridge);
    for (uint32_t i = 0; i < LINKS; i++) {
        check_frames(i);
        struct bridge_link_stats stats = bridge_link_stats(bridge, i);
        CHECK(stats.to_link.in_flight < EVENTS_MAX);
        CHECK(stats.from_link.in_flight < EVENTS_MAX);
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        rig_peer_read(&rig, peers[i]);
        for (; calls_seen[i] < peers[i]->call_count; calls_seen[i]++) {
            check_call(member_catalog(bridge_member(bridge)), peers[i]->url,
                &peers[i]->calls[calls_seen[i] % RIG_CALLS_MAX]);
        }
        for (uint32_t j = 0; j < peers[i]->answer_count && j < RIG_CALLS_MAX; j++) {
            rig_peer_answered(&rig, peers[i], peers[i]->answers[j].request_id);
        }
    }
}

/* Events. */

static struct rib_facts
draw_facts(void)
{
    struct rib_facts facts = { .name = names[choose(COUNT_OF(names))] };
    facts.tags = tag_sets[choose(COUNT_OF(tag_sets))];
    facts.version = choose(4) == 0 ? "2.0.0" : NULL;
    return facts;
}

static void
offer(void)
{
    const struct rig_peer *peer = peers[choose(PEERS)];
    rig_peer_offer(&rig, peer, draw_facts());
}

static void
retract(void)
{
    const struct rig_peer *peer = peers[choose(PEERS)];
    rig_peer_retract(&rig, peer, draw_facts());
}

static void
announce(void)
{
    uint32_t link = choose(LINKS);
    struct rib_facts facts = draw_facts();
    struct rib_route route = {
        .route_id = choose(8), .name = facts.name, .version = facts.version, .tags = facts.tags
    };
    route.path = paths[choose(COUNT_OF(paths))];
    route.origin = route.path.items[0];
    route.cost = choose(3);
    if (link_check_advertisement(&(struct advertisement){
            .identity = rib_rig_identity(route.name, NULL, route.version),
            .tags = route.tags,
            .origin = route.origin,
            .path = route.path,
        }) == LINK_OK) {
        rig_far_announce(&rig, far[link], sequence[link]++, federations[link], route);
    }
}

static void
withdraw(void)
{
    uint32_t link = choose(LINKS);
    rig_far_withdraw(&rig, far[link], sequence[link]++, choose(8));
}

static void
far_call(void)
{
    static const char *const args[] = { "[]", "[1,{\"a\":2}]", "{}", "[" };
    uint32_t link = choose(LINKS);
    struct link_frame frame = { .type = LINK_FRAME_CALL, .call = { .kwargs = SPAN("{}") } };
    frame.call.call_id = choose(8);
    frame.call.route_id = choose(12);
    frame.call.hops_left = (uint8_t)choose(3);
    frame.call.timeout_ms = choose(3) * 1000;
    frame.call.path = paths[choose(COUNT_OF(paths))];
    frame.call.args = span_from_text(args[choose(COUNT_OF(args))]);
    rig_far_send(&rig, far[link], &frame);
}

static void
far_reply(void)
{
    static const char *const bodies[] = { "1", "{\"error\":\"no\"}", "", "{" };
    uint32_t link = choose(LINKS);
    struct link_frame frame = { .type = LINK_FRAME_REPLY };
    frame.reply.call_id = choose(12);
    frame.reply.status = (enum link_reply_status)choose(LINK_REPLY_ERROR + 1);
    frame.reply.code = frame.reply.status == LINK_REPLY_ERROR ? (uint16_t)(2000 + choose(16)) : 0;
    frame.reply.body = span_from_text(bodies[choose(COUNT_OF(bodies))]);
    rig_far_send(&rig, far[link], &frame);
}

static void
far_frame(void)
{
    static const enum link_frame_type types[] = { LINK_FRAME_DRAIN, LINK_FRAME_PING,
        LINK_FRAME_END_OF_SYNC, LINK_FRAME_READY };
    uint32_t link = choose(LINKS);
    struct link_frame frame = { .type = types[choose(COUNT_OF(types))], .sequence = 1 };
    if (frame.type == LINK_FRAME_END_OF_SYNC) {
        frame.sequence = sequence[link]++;
    }
    rig_far_send(&rig, far[link], &frame);
}

static void
far_bytes(void)
{
    rig_say(&rig, far[choose(LINKS)], chunk());
}

/* A header around any payload: past the first gate of the decoder. */
static void
far_payload(void)
{
    uint32_t link = choose(LINKS);
    uint8_t type = cursor_u8(&input);
    struct span payload = chunk();
    buf_reset(&rig.wire.out);
    buf_add_u32(&rig.wire.out, (uint32_t)payload.size);
    buf_add_u8(&rig.wire.out, type);
    buf_add_u8(&rig.wire.out, 0);
    buf_add_u16(&rig.wire.out, 0);
    buf_add(&rig.wire.out, payload);
    rig_say(&rig, far[link], buf_span(&rig.wire.out));
}

static void
join_far(void)
{
    uint32_t link = choose(LINKS);
    bool greets = choose(4) != 0;
    if (rig.conn_count == RIG_CONNS_MAX) {
        return;
    }
    check_frames(link);
    far[link] = rig_far_connect(&rig, 0, federations[link], choose(3) == 0 ? "other" : "far");
    sequence[link] = 1;
    if (greets) {
        rig_far_hello(&rig, far[link], federations[link], "far");
    }
}

static void
disconnect(void)
{
    rig_disconnect(&rig, far[choose(LINKS)], SPAN("reset"));
    rig_run(&rig);
}

static void
congestion(void)
{
    uint32_t conn = choose(2) == 0 ? far[choose(LINKS)] : peers[choose(PEERS)]->conn;
    enum event_kind kind = choose(2) == 0 ? EVENT_CONGESTED : EVENT_DRAINED;
    rig_push_event(&rig, conn, 0, (struct event){ .kind = kind });
    rig_run(&rig);
}

static void
peer_call(void)
{
    const struct rig_peer *peer = peers[choose(PEERS)];
    rig_peer_call(&rig, peer, names[choose(COUNT_OF(names))], "[1]");
}

static void
peer_answer(void)
{
    struct rig_peer *peer = peers[choose(PEERS)];
    const struct fabric_request *call = rig_peer_called(&rig, peer);
    bool success = choose(2) == 0;
    if (call != NULL) {
        rig_peer_answer(&rig, peer, call, success, success ? SPAN("[7]") : SPAN("{\"a\":1}"));
    }
}

static void
peer_move(void)
{
    struct rig_peer *peer = peers[choose(PEERS)];
    if (choose(2) == 0) {
        rig_peer_leave(&rig, peer);
    } else {
        rig_disconnect(&rig, peer->conn, SPAN("reset"));
    }
    rig_run(&rig);
    if (rig.conn_count < RIG_CONNS_MAX && choose(2) == 0) {
        rig_peer_read(&rig, peer);
        peer->conn = rig_client_connect(&rig, 0);
        peer->read = 0;
        rig_peer_status(&rig, peer);
    }
}

static void
client_bytes(void)
{
    if (rig.conns[client].closing && rig.conn_count < RIG_CONNS_MAX) {
        client = rig_client_connect(&rig, 0);
    }
    rig_say(&rig, client, chunk());
}

static void
let_time_pass(void)
{
    static const uint64_t spans_ns[] = { 1, MS_NS, SEC_NS, 5 * SEC_NS, 31 * SEC_NS };
    rig_pass(&rig, spans_ns[choose(COUNT_OF(spans_ns))]);
}

static void
stop(void)
{
    if (choose(8) == 0) {
        rig_stop(&rig, 0);
    }
}

static const struct {
    char letter;
    void (*happen)(void);
} events[] = {
    { 'o', offer },
    { 'r', retract },
    { 'a', announce },
    { 'w', withdraw },
    { 'c', far_call },
    { 'y', far_reply },
    { 'f', far_frame },
    { 'b', far_bytes },
    { 'p', far_payload },
    { 'j', join_far },
    { 'd', disconnect },
    { 'g', congestion },
    { 'C', peer_call },
    { 'Y', peer_answer },
    { 'm', peer_move },
    { 'x', client_bytes },
    { 't', let_time_pass },
    { 's', stop },
};

static void
open_world(void)
{
    static const size_t memory_max[] = { (size_t)64 * 1024 * 1024, (size_t)640 * 1024,
        (size_t)400 * 1024, (size_t)320 * 1024 };
    rig_open(&rig);
    rig.memory_max = memory_max[choose(COUNT_OF(memory_max))];
    const struct rig_link links[LINKS] = {
        { federations[0], NULL,
            rig_policy(&rig, exports, COUNT_OF(exports), imports, COUNT_OF(imports)) },
        { federations[1], NULL, NULL },
    };
    rig.probes = probes;
    rig.probe_count = COUNT_OF(probes);
    rig_add_bridge(&rig, "us", links, LINKS);
    rig_start(&rig);
    memset(calls_seen, 0, sizeof(calls_seen));
    memset(frames_seen, 0, sizeof(frames_seen));
    peers[0] = rig_peer_join(&rig, 0, "ws://n1:1");
    peers[1] = rig_peer_join(&rig, 0, "ws://n2:1");
    client = rig_client_connect(&rig, 0);
    for (uint32_t i = 0; i < LINKS; i++) {
        far[i] = rig_far_join(&rig, 0, federations[i], "far");
        sequence[i] = 2;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = cursor_over(span_from(data, size));
    open_world();
    for (uint32_t count = 0; count < EVENTS_MAX && input.rest.size > 0; count++) {
        char letter = (char)cursor_u8(&input);
        for (size_t i = 0; i < COUNT_OF(events); i++) {
            if (events[i].letter == letter) {
                events[i].happen();
                check_everything();
            }
        }
    }
    bool clean = rig_close(&rig);
    CHECK(clean);
    return 0;
}
