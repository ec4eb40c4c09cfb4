/* SPDX-License-Identifier: Apache-2.0 */
/* clients.c - clients and their subscriptions. */
#include "node/clients.h"

#include "base/pack.h"
#include "core/pubsub.h"
#include "node/reply.h"

#define CLOSE_BAD_MESSAGE 1007

struct subscription {
    struct list link;      /* in node->subscriptions */
    struct list of_client; /* in client->subscriptions */
    struct client *client;
    struct span id; /* this and the patterns point behind the struct */
    struct text_list patterns;
    const uint8_t *exact; /* one byte for each pattern */
    size_t size;
};

static uint64_t
hash_conn(const struct node *node, struct conn_id conn)
{
    return hash_bytes(&node->hash_key, span_from(&conn.v, sizeof(conn.v)));
}

struct client *
clients_find(const struct node *node, struct conn_id conn)
{
    return map_find(&node->clients, hash_conn(node, conn), &conn);
}

struct client *
clients_ensure(struct node *node, struct conn_id conn)
{
    struct client *client = clients_find(node, conn);
    if (client != NULL) {
        return client;
    }
    client = mem_take(&node->mem, sizeof(*client));
    if (client == NULL || !map_insert(&node->clients, hash_conn(node, conn), client)) {
        mem_give(&node->mem, client, client == NULL ? 0 : sizeof(*client));
        return NULL;
    }
    client->conn = conn;
    list_init(&client->requests);
    list_init(&client->subscriptions);
    return client;
}

void
clients_forget_if_idle(struct node *node, struct client *client)
{
    if (client->request_count > 0 || client->subscription_count > 0) {
        return;
    }
    map_remove(&node->clients, hash_conn(node, client->conn), &client->conn);
    mem_give(&node->mem, client, sizeof(*client));
}

static void
remove_subscription(struct node *node, struct subscription *subscription)
{
    list_remove(&subscription->link);
    list_remove(&subscription->of_client);
    subscription->client->subscription_count--;
    node->subscription_count--;
    mem_give(&node->mem, subscription, subscription->size);
}

void
clients_remove(struct node *node, struct client *client)
{
    CHECK(client->request_count == 0);
    LIST_EACH (link, &client->subscriptions) {
        remove_subscription(node, CONTAINER_OF(link, struct subscription, of_client));
    }
    clients_forget_if_idle(node, client);
}

void
clients_free_all(struct node *node)
{
    size_t cursor = 0;
    struct client *client;
    while ((client = map_next(&node->clients, &cursor)) != NULL) {
        CHECK(client->request_count == 0);
        LIST_EACH (link, &client->subscriptions) {
            remove_subscription(node, CONTAINER_OF(link, struct subscription, of_client));
        }
        mem_give(&node->mem, client, sizeof(*client));
    }
    map_destroy(&node->clients);
}

static void
acknowledge(struct node *node, struct conn_id conn, struct span error, struct span u)
{
    buf_reset(&node->out);
    pubsub_ack_encode(&node->out, error.size == 0, error, u);
    struct span text = node_composed(node);
    if (text.data == NULL) {
        node->actions.lost++;
        return;
    }
    actions_send(&node->actions, conn, text);
}

static struct subscription *
find_subscription(const struct client *client, struct span id)
{
    LIST_EACH (link, &client->subscriptions) {
        struct subscription *subscription = CONTAINER_OF(link, struct subscription, of_client);
        if (span_equal(subscription->id, id)) {
            return subscription;
        }
    }
    return NULL;
}

static struct subscription *
subscription_create(struct node *node, const struct pubsub_subscribe *from)
{
    const struct text_list *patterns = &from->patterns;
    size_t size = sizeof(struct subscription) + text_list_size(patterns) + patterns->count +
                  from->subscription_id.size;
    struct subscription *subscription = mem_take(&node->mem, size);
    if (subscription == NULL) {
        return NULL;
    }
    struct packer packer = pack_into(subscription + 1, size - sizeof(*subscription));
    struct span *items = pack_spans(&packer, patterns->count);
    subscription->size = size;
    subscription->patterns = text_list_pack(&packer, items, patterns);
    subscription->exact = packer.at;
    for (uint32_t i = 0; i < patterns->count; i++) {
        uint8_t exact = from->pattern_exact[i];
        (void)pack_text(&packer, span_from(&exact, 1));
    }
    subscription->id = pack_text(&packer, from->subscription_id);
    pack_done(&packer);
    return subscription;
}

/* Empty: done; else why not. */
static struct span
subscribe(struct node *node, struct conn_id conn, const struct pubsub_subscribe *request)
{
    struct client *client = clients_ensure(node, conn);
    if (client == NULL) {
        return SPAN("out of memory");
    }
    struct subscription *old = find_subscription(client, request->subscription_id);
    bool full = client->subscription_count >= NODE_SUBSCRIPTIONS_PER_CLIENT_MAX ||
                node->subscription_count >= NODE_SUBSCRIPTIONS_MAX;
    if (old == NULL && full) {
        clients_forget_if_idle(node, client);
        return SPAN("too many subscriptions");
    }
    struct subscription *subscription = subscription_create(node, request);
    if (subscription == NULL) {
        clients_forget_if_idle(node, client);
        return SPAN("out of memory");
    }
    subscription->client = client;
    list_push(&node->subscriptions, &subscription->link);
    list_push(&client->subscriptions, &subscription->of_client);
    client->subscription_count++;
    node->subscription_count++;
    if (old != NULL) {
        remove_subscription(node, old);
    }
    return SPAN_NONE;
}

static struct span
unsubscribe(struct node *node, struct conn_id conn, struct span id)
{
    struct client *client = clients_find(node, conn);
    struct subscription *subscription = client == NULL ? NULL : find_subscription(client, id);
    if (subscription == NULL) {
        return SPAN("no such subscription on this connection");
    }
    remove_subscription(node, subscription);
    clients_forget_if_idle(node, client);
    return SPAN_NONE;
}

static bool
wants(const struct subscription *subscription, struct span topic)
{
    for (uint32_t i = 0; i < subscription->patterns.count; i++) {
        bool exact = subscription->exact[i] != 0;
        if (pubsub_topic_matches(subscription->patterns.items[i], topic, exact)) {
            return true;
        }
    }
    return false;
}

static void
notify(struct node *node, const struct subscription *subscription,
    const struct pubsub_publish *publication)
{
    struct conn_id conn = subscription->client->conn;
    if (subscription->client->congested) {
        LOG_WARN(node->log, "pubsub.not_notified", LOG_SPAN("subscription", subscription->id),
            LOG_SPAN("topic", publication->topic), LOG_U64("connection", conn.v),
            LOG_TEXT("reason", "the subscriber does not read"));
        return;
    }
    buf_reset(&node->out);
    pubsub_notification_encode(
        &node->out, publication->message, publication->message_id, subscription->id);
    struct span text = node_composed(node);
    if (text.data == NULL) {
        node->actions.lost++;
        return;
    }
    actions_send(&node->actions, conn, text);
}

static void
publish(struct node *node, const struct pubsub_publish *publication)
{
    LIST_EACH (link, &node->subscriptions) {
        const struct subscription *subscription = CONTAINER_OF(link, struct subscription, link);
        if (wants(subscription, publication->topic)) {
            notify(node, subscription, publication);
        }
    }
}

static void
close_malformed(struct node *node, struct conn_id conn, const struct envelope *envelope,
    const struct message_fault *fault)
{
    LOG_WARN(node->log, "client.malformed", LOG_U64("connection", conn.v),
        LOG_SPAN("role", envelope->role), LOG_TEXT("fault", message_result_name(fault->result)),
        LOG_TEXT("key", fault->key));
    actions_close(&node->actions, conn, CLOSE_BAD_MESSAGE,
        span_from_text(message_result_name(fault->result)));
}

static void
refuse_role(struct node *node, struct conn_id conn, const struct envelope *envelope)
{
    struct reply_failure failure = {
        .code = REPLY_TIMED_OUT,
        .message = NODE_JOIN(node, SPAN("Invalid RPC request role: "), envelope->role),
    };
    struct span u = envelope->u.size == 0 ? SPAN("unknown") : envelope->u;
    reply_error(node, conn, u, &failure);
}

void
clients_hear(struct node *node, struct conn_id conn, const struct envelope *envelope)
{
    struct message_scratch scratch = node_scratch(node);
    struct message_fault fault;
    struct pubsub_publish publication;
    struct pubsub_subscribe subscription;
    struct pubsub_unsubscribe end;
    enum message_result result = MESSAGE_OK;
    switch (envelope->kind) {
    case ENVELOPE_PUBLISH:
        result = pubsub_publish_decode(envelope, &scratch, &publication, &fault);
        if (result == MESSAGE_OK) {
            /* The publisher's own notification comes before the acknowledgement (protocol.md 7). */
            publish(node, &publication);
            acknowledge(node, conn, SPAN_NONE, publication.u);
        }
        break;
    case ENVELOPE_SUBSCRIBE:
        result = pubsub_subscribe_decode(envelope, &scratch, &subscription, &fault);
        if (result == MESSAGE_OK) {
            acknowledge(node, conn, subscribe(node, conn, &subscription), subscription.u);
        }
        break;
    case ENVELOPE_UNSUBSCRIBE:
        result = pubsub_unsubscribe_decode(envelope, &scratch, &end, &fault);
        if (result == MESSAGE_OK) {
            acknowledge(node, conn, unsubscribe(node, conn, end.subscription_id), end.u);
        }
        break;
    case ENVELOPE_OTHER_ROLE:
        refuse_role(node, conn, envelope);
        break;
    case ENVELOPE_STATUS:
    case ENVELOPE_GOODBYE:
    case ENVELOPE_RPC:
    case ENVELOPE_GOSSIP:
    case ENVELOPE_FABRIC:
    case ENVELOPE_CONSENSUS:
    case ENVELOPE_NOTICE:
    case ENVELOPE_RESPONSE:
        /* Never for the engine: the member keeps them. */
        break;
    }
    if (result != MESSAGE_OK) {
        close_malformed(node, conn, envelope, &fault);
    }
}
