/* SPDX-License-Identifier: Apache-2.0 */
/* roster.c - nodes as places to dial. */
#include "core/roster.h"

#include "core/limits.h"
#include "core/member.h"

#define LOAD_UNKNOWN      1000u
#define LOAD_NOT_OK       1000u
#define LOAD_OLD          500u
#define LOAD_OLD_AFTER_NS (15 * (int64_t)SEC_NS)

static bool
node_same(const void *item, const void *key)
{
    const struct roster_node *node = item;
    return span_equal(peer_text_span(&node->url), *(const struct span *)key);
}

void
roster_init(struct roster *roster, struct mem *mem, struct hash_key hash_key)
{
    *roster = (struct roster){ .mem = mem, .hash_key = hash_key };
    map_init(&roster->by_url, mem, node_same);
    list_init(&roster->nodes);
}

static void
node_free(struct roster *roster, struct roster_node *node)
{
    list_remove(&node->link);
    mem_give(roster->mem, node, sizeof(*node));
}

void
roster_destroy(struct roster *roster)
{
    LIST_EACH (link, &roster->nodes) {
        node_free(roster, CONTAINER_OF(link, struct roster_node, link));
    }
    map_destroy(&roster->by_url);
}

struct roster_node *
roster_find(const struct roster *roster, struct span url)
{
    return map_find(&roster->by_url, hash_bytes(&roster->hash_key, url), &url);
}

struct roster_node *
roster_ensure(struct roster *roster, struct span url)
{
    struct roster_node *node = roster_find(roster, url);
    if (node != NULL) {
        return node;
    }
    if (roster->count >= MEMBER_NODES_MAX || url.size > PEER_TEXT_MAX || url.size == 0) {
        return NULL;
    }
    node = mem_take(roster->mem, sizeof(*node));
    if (node == NULL) {
        return NULL;
    }
    bool fits = peer_text_set(&node->url, url) && peer_text_set(&node->dial_url, url);
    CHECK(fits);
    if (!map_insert(&roster->by_url, hash_bytes(&roster->hash_key, url), node)) {
        mem_give(roster->mem, node, sizeof(*node));
        return NULL;
    }
    list_push(&roster->nodes, &node->link);
    roster->count++;
    return node;
}

static bool
connected(const struct roster_node *node)
{
    return node->dialed.v != 0 || node->inbound.v != 0;
}

void
roster_forget_if_idle(struct roster *roster, struct roster_node *node, struct instant now)
{
    bool departed = node->departed_until.ns != 0 && !instant_reached(node->departed_until, now);
    bool expected = node->seed || node->described || node->lost || departed;
    if (expected || connected(node) || node->dial_ticket != 0) {
        return;
    }
    struct span url = peer_text_span(&node->url);
    void *removed = map_remove(&roster->by_url, hash_bytes(&roster->hash_key, url), &url);
    CHECK(removed == node);
    roster->count--;
    node_free(roster, node);
}

/* A seed by another name is dialed only while the node behind it is not connected. */
static bool
alias_is_up(const struct roster *roster, const struct roster_node *node)
{
    const struct roster_node *real =
        node->alias.size == 0 ? NULL : roster_find(roster, peer_text_span(&node->alias));
    return real != NULL && real != node && real->dialed.v != 0;
}

static bool
may_be_dialed(const struct roster *roster, const struct roster_node *node)
{
    return node->dialed.v == 0 && node->dial_ticket == 0 &&
           (node->seed || node->described || connected(node) || node->lost) &&
           !alias_is_up(roster, node);
}

bool
roster_wants_dial(const struct roster *roster, const struct roster_node *node, struct instant now)
{
    bool departed = node->departed_until.ns != 0 && !instant_reached(node->departed_until, now);
    return may_be_dialed(roster, node) && !departed && instant_reached(node->dial_at, now);
}

bool
roster_expects(const struct roster *roster, const struct roster_node *node, struct instant now)
{
    bool dialed = node->dial_ticket != 0 || may_be_dialed(roster, node);
    return dialed && node->failures == 0 && !roster_departed(node, SPAN_NONE, now);
}

struct instant
roster_dial_deadline(const struct roster *roster, const struct roster_node *node)
{
    if (!may_be_dialed(roster, node)) {
        return INSTANT_NEVER;
    }
    return node->departed_until.ns > node->dial_at.ns ? node->departed_until : node->dial_at;
}

void
roster_back_off(struct roster_node *node, struct prng *prng, struct instant now)
{
    uint64_t most =
        node->pause_ns < MEMBER_DIAL_BASE_NS ? MEMBER_DIAL_BASE_NS * 3 : node->pause_ns * 3;
    uint64_t pause = MEMBER_DIAL_BASE_NS + prng_below(prng, most - MEMBER_DIAL_BASE_NS);
    node->pause_ns = pause > MEMBER_DIAL_CAP_NS ? MEMBER_DIAL_CAP_NS : pause;
    node->dial_at = instant_after(now, node->pause_ns);
    node->failures++;
}

void
roster_dial_succeeded(struct roster_node *node)
{
    node->failures = 0;
    node->pause_ns = 0;
    node->lost = false;
}

void
roster_became_known(struct roster_node *node, struct instant now)
{
    node->failures = 0;
    node->pause_ns = 0;
    node->dial_at = instant_earlier(node->dial_at, now);
}

bool
roster_departed(const struct roster_node *node, struct span instance_id, struct instant now)
{
    if (node->departed_until.ns == 0 || instant_reached(node->departed_until, now)) {
        return false;
    }
    return instance_id.size == 0 ||
           span_equal(instance_id, peer_text_span(&node->departed_instance));
}

struct conn_id
roster_connection(const struct roster_node *node)
{
    return node->dialed.v != 0 ? node->dialed : node->inbound;
}

uint64_t
roster_load(const struct roster_node *node, struct wall now)
{
    const struct roster_status *status = &node->status;
    if (!status->known) {
        return LOAD_UNKNOWN;
    }
    uint64_t load = status->active_clients > 0 ? (uint64_t)status->active_clients : 0;
    load += status->ok ? 0 : LOAD_NOT_OK;
    load += now.ns - status->received_at.ns > LOAD_OLD_AFTER_NS ? LOAD_OLD : 0;
    return load;
}
