/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge_peers.h - nodes and clients of a bridge's cluster, as far as a bridge can tell: they shake hands,
 * gossip what they offer, call, are called and answer, in messages made by the codecs of src/core.
 */
#ifndef TESTS_SUPPORT_BRIDGE_PEERS_H
#define TESTS_SUPPORT_BRIDGE_PEERS_H

#include "tests/support/bridge_rig.h"

/* The listener of a peer's view of its cluster. */
static inline void
rig_peer_ignore_change(void *owner, const struct catalog_change *change)
{
    (void)owner;
    (void)change;
}

static inline struct catalog *
rig_peer_view(struct rig *rig)
{
    const struct catalog_config config = {
        .mem = &rig->wire.mem,
        .hash_key = { 3, 4 },
        .function_count_max = 100000,
        .node_count_max = 100,
        .listener = { .changed = rig_peer_ignore_change },
    };
    struct catalog *view = catalog_create(&config);
    CHECK(view != NULL);
    return view;
}

/* What rig->wire.out holds, said by the peer. */
static inline void
rig_peer_say(struct rig *rig, const struct rig_peer *peer)
{
    CHECK(!rig->wire.out.overflowed);
    rig_say(rig, peer->conn, buf_span(&rig->wire.out));
}

/* A conn of a node or a client that has said nothing yet. */
static inline uint32_t
rig_client_connect(struct rig *rig, uint32_t bridge)
{
    uint32_t conn = rig_connect(rig, PORT_CLUSTER, bridge, RIG_SCRIPT);
    rig_push_event(rig, conn, 0, (struct event){ .kind = EVENT_ACCEPTED });
    rig_run(rig);
    return conn;
}

static inline void
rig_peer_status(struct rig *rig, const struct rig_peer *peer)
{
    const struct status status = {
        .server_url = peer->url,
        .cluster_id = rig->bridges[peer->bridge].config.federation,
        .instance_id = peer->url,
        .timestamp = rig->now.wall,
        .status = SPAN("ok"),
        .advertised_urls = { .items = &peer->url, .count = 1 },
    };
    buf_reset(&rig->wire.out);
    status_encode(&rig->wire.out, &status, NULL, 0, SPAN("u1"));
    rig_peer_say(rig, peer);
}

static inline void
rig_peer_gossip(struct rig *rig, const struct rig_peer *peer, struct delta *delta)
{
    char id[32];
    int size = snprintf(id, sizeof(id), "gossip-%lu", (unsigned long)++rig->numbers);
    const struct gossip_header header = {
        .message_id = span_from(id, (size_t)size),
        .type_text = SPAN("catalog_update"),
        .sender_id = peer->url,
        .sequence_number = (int64_t)rig->numbers,
        .travels = true,
        .now = rig->now.wall,
    };
    delta->update_id = header.message_id;
    delta->cluster_id = rig->bridges[peer->bridge].config.federation;
    delta->sent_at = rig->now.wall;
    delta->has_sent_at = true;
    buf_reset(&rig->wire.out);
    gossip_encode_begin(&rig->wire.out, &header);
    delta_encode(&rig->wire.out, delta);
    gossip_encode_end(&rig->wire.out, &header);
    rig_peer_say(rig, peer);
}

/* What `teller` says of another node, or of itself. */
static inline void
rig_peer_tell_of_node(struct rig *rig, const struct rig_peer *teller, struct span url)
{
    const struct node_descriptor node = {
        .key = {
            .cluster_id = rig->bridges[teller->bridge].config.federation,
            .node_id = url,
        },
        .scope = SPAN("zone"),
        .dial_url = url,
        .advertised_at = rig->now.wall,
        .ttl_ns = 3600 * SEC_NS,
    };
    struct delta delta = { .nodes = &node, .node_count = 1 };
    rig_peer_gossip(rig, teller, &delta);
}

static inline void
rig_peer_describe(struct rig *rig, const struct rig_peer *peer)
{
    rig_peer_tell_of_node(rig, peer, peer->url);
}

/* A node joins the cluster of this bridge, and has its place in rig->peers until the end. */
static inline struct rig_peer *
rig_peer_join(struct rig *rig, uint32_t bridge, const char *url)
{
    CHECK(rig->peer_count < RIG_PEERS_MAX);
    struct rig_peer *peer = &rig->peers[rig->peer_count++];
    peer->bridge = bridge;
    peer->url = span_from_text(url);
    peer->view = rig_peer_view(rig);
    peer->conn = rig_client_connect(rig, bridge);
    rig_peer_status(rig, peer);
    rig_peer_describe(rig, peer);
    return peer;
}

static inline struct function_endpoint
rig_peer_endpoint(struct rig *rig, const struct rig_peer *peer, struct rib_facts facts)
{
    struct function_endpoint endpoint = rib_rig_endpoint(facts);
    endpoint.key.node_id = peer->url;
    endpoint.key.cluster_id = rig->bridges[peer->bridge].config.federation;
    endpoint.ttl_ns = 3600 * SEC_NS;
    /* Strictly newer each time, also when no time has passed. */
    endpoint.advertised_at = wall_after(rig->now.wall, ++rig->numbers * US_NS);
    return endpoint;
}

static inline void
rig_peer_offer(struct rig *rig, const struct rig_peer *peer, struct rib_facts facts)
{
    struct function_endpoint endpoint = rig_peer_endpoint(rig, peer, facts);
    struct delta delta = { .functions = &endpoint, .function_count = 1 };
    rig_peer_gossip(rig, peer, &delta);
}

/* A node that the bridge knows only by what `teller` gossips: it has no conn yet. */
static inline struct rig_peer *
rig_peer_absent(struct rig *rig, const struct rig_peer *teller, const char *url)
{
    CHECK(rig->peer_count < RIG_PEERS_MAX);
    struct rig_peer *peer = &rig->peers[rig->peer_count++];
    peer->bridge = teller->bridge;
    peer->url = span_from_text(url);
    peer->view = rig_peer_view(rig);
    rig_peer_tell_of_node(rig, teller, peer->url);
    return peer;
}

/* What `teller` says of what another offers. */
static inline void
rig_peer_tell_of(struct rig *rig, const struct rig_peer *teller, const struct rig_peer *peer,
    struct rib_facts facts)
{
    struct function_endpoint endpoint = rig_peer_endpoint(rig, peer, facts);
    struct delta delta = { .functions = &endpoint, .function_count = 1 };
    rig_peer_gossip(rig, teller, &delta);
}

/* The dial of it that waits (rig->dials_wait), taken. */
static inline struct rig_dial
rig_peer_dialed(struct rig *rig, const struct rig_peer *peer)
{
    for (uint32_t i = 0; i < rig->dial_count; i++) {
        struct rig_dial dial = rig->dials[i];
        if (span_equal(dial.address, peer->url)) {
            rig->dials[i] = rig->dials[--rig->dial_count];
            return dial;
        }
    }
    CHECK(rig->dial_count > RIG_DIALS_MAX); /* nobody dials it */
    return (struct rig_dial){ .ticket = 0 };
}

/* It answers the dial, and says what it is. */
static inline void
rig_peer_arrive(struct rig *rig, struct rig_peer *peer)
{
    struct rig_dial dial = rig_peer_dialed(rig, peer);
    peer->conn = rig_connect(rig, PORT_CLUSTER, dial.bridge, RIG_SCRIPT);
    peer->read = 0;
    rig_push_event(
        rig, peer->conn, 0, (struct event){ .kind = EVENT_OPENED, .ticket = dial.ticket });
    rig_run(rig);
    rig_peer_status(rig, peer);
}

static inline void
rig_peer_refuse(struct rig *rig, const struct rig_peer *peer)
{
    struct rig_dial dial = rig_peer_dialed(rig, peer);
    rig_refuse(rig, dial.bridge, PORT_CLUSTER, dial.ticket);
    rig_run(rig);
}

static inline void
rig_peer_retract(struct rig *rig, const struct rig_peer *peer, struct rib_facts facts)
{
    struct function_endpoint endpoint = rig_peer_endpoint(rig, peer, facts);
    struct delta delta = { .function_removals = &endpoint.key, .function_removal_count = 1 };
    rig_peer_gossip(rig, peer, &delta);
}

static inline void
rig_peer_leave(struct rig *rig, const struct rig_peer *peer)
{
    const struct goodbye goodbye = {
        .departing_node_url = peer->url,
        .cluster_id = rig->bridges[peer->bridge].config.federation,
        .instance_id = peer->url,
        .timestamp = rig->now.wall,
    };
    buf_reset(&rig->wire.out);
    goodbye_encode(&rig->wire.out, &goodbye, SPAN("u2"));
    rig_peer_say(rig, peer);
}

/* What its inbox tells. */

static inline void
rig_peer_take_delta(struct rig *rig, struct rig_peer *peer, const struct delta *delta)
{
    for (uint32_t i = 0; i < delta->function_removal_count; i++) {
        catalog_remove(peer->view, &delta->function_removals[i], PRUNE_WITHDRAWN);
    }
    for (uint32_t i = 0; i < delta->node_removal_count; i++) {
        catalog_remove_node(
            peer->view, delta->node_removals[i].node_id, PRUNE_NODE_GOODBYE, rig->now.wall);
    }
    for (uint32_t i = 0; i < delta->function_count; i++) {
        enum catalog_result result = catalog_put(peer->view, &delta->functions[i], rig->now.wall);
        CHECK(result != CATALOG_FULL);
    }
}

/* Read on in the inbox: the view, calls and answers grow. The texts live as long as the rig. */
static inline void
rig_peer_read(struct rig *rig, struct rig_peer *peer)
{
    const struct rig_conn *conn = &rig->conns[peer->conn];
    for (; peer->read < conn->inbox_count; peer->read++) {
        struct decoded decoded;
        enum message_result result = wire_scan(&rig->wire, conn->inbox[peer->read]);
        CHECK(result == MESSAGE_OK);
        result = wire_decode(&rig->wire, rig->now.wall, &decoded);
        CHECK(result == MESSAGE_OK);
        if (rig->wire.envelope.kind == ENVELOPE_GOSSIP &&
            decoded.gossip.type == GOSSIP_CATALOG_UPDATE) {
            rig_peer_take_delta(rig, peer, &decoded.delta);
        } else if (rig->wire.envelope.kind == ENVELOPE_FABRIC) {
            const struct fabric *fabric = &decoded.fabric;
            if (fabric->kind == FABRIC_REQUEST) {
                peer->calls[peer->call_count++ % RIG_CALLS_MAX] = fabric->request;
            } else if (fabric->kind == FABRIC_RESPONSE) {
                peer->answers[peer->answer_count++ % RIG_CALLS_MAX] = fabric->response;
            }
        }
    }
}

/* The endpoint of this name that the bridge offers, as the peer sees it, or NULL. */
static inline const struct catalog_entry *
rig_peer_sees(struct rig *rig, struct rig_peer *peer, const char *name)
{
    rig_peer_read(rig, peer);
    struct span bridge_url = rig->bridges[peer->bridge].config.member.url;
    const struct catalog_entry *entry = NULL;
    while ((entry = catalog_next_named(peer->view, span_from_text(name), entry)) != NULL) {
        if (span_equal(catalog_endpoint(entry).key.node_id, bridge_url)) {
            break;
        }
    }
    return entry;
}

/* Calls. */

/* It calls what the bridge offers. The request's id. */
static inline struct span
rig_peer_call(struct rig *rig, const struct rig_peer *peer, const char *function, const char *args)
{
    char id[32];
    int size = snprintf(id, sizeof(id), "call-%lu", (unsigned long)++rig->numbers);
    struct span cluster = rig->bridges[peer->bridge].config.federation;
    const struct fabric_request request = {
        .headers = {
            .correlation_id = span_from(id, (size_t)size),
            .source_cluster = cluster,
            .target_cluster = cluster,
            .routing_path = { .items = &peer->url, .count = 1 },
        },
        .request_id = rig_keep(rig, span_from(id, (size_t)size)),
        .command = span_from_text(function),
        .args = span_from_text(args),
        .kwargs = SPAN("{}"),
        .target_node = rig->bridges[peer->bridge].config.member.url,
        .reply_to = peer->url,
    };
    buf_reset(&rig->wire.out);
    wire_join_request(&rig->wire.out, &rig->wire.mem, &request, rig->now.wall);
    rig_peer_say(rig, peer);
    return request.request_id;
}

/* The newest call that came to it, or NULL. */
static inline const struct fabric_request *
rig_peer_called(struct rig *rig, struct rig_peer *peer)
{
    rig_peer_read(rig, peer);
    return peer->call_count == 0 ? NULL : &peer->calls[(peer->call_count - 1) % RIG_CALLS_MAX];
}

/* It answers: `body` is the result, or the error object. */
static inline void
rig_peer_answer(struct rig *rig, const struct rig_peer *peer, const struct fabric_request *call,
    bool success, struct span body)
{
    struct span cluster = rig->bridges[peer->bridge].config.federation;
    const struct fabric_response response = {
        .headers = {
            .correlation_id = call->request_id,
            .source_cluster = cluster,
            .target_cluster = cluster,
            .routing_path = { .items = &peer->url, .count = 1 },
        },
        .request_id = call->request_id,
        .success = success,
        .result = success ? body : SPAN_NONE,
        .error = success ? SPAN_NONE : body,
        .responder = peer->url,
        .reply_to = call->reply_to,
    };
    buf_reset(&rig->wire.out);
    wire_join_response(&rig->wire.out, &rig->wire.mem, &response, rig->now.wall);
    rig_peer_say(rig, peer);
}

/* The answer to this request of its own, or NULL: none yet. Two answers to one are a fault. */
static inline const struct fabric_response *
rig_peer_answered(struct rig *rig, struct rig_peer *peer, struct span request_id)
{
    rig_peer_read(rig, peer);
    const struct fabric_response *found = NULL;
    for (uint32_t i = 0; i < peer->answer_count && i < RIG_CALLS_MAX; i++) {
        if (span_equal(peer->answers[i].request_id, request_id)) {
            CHECK(found == NULL);
            found = &peer->answers[i];
        }
    }
    return found;
}

#endif
