/* SPDX-License-Identifier: Apache-2.0 */
/* work.c - tickets: each is used once, so that a late result can never be taken for another's. */
#include "node/node_state.h"

static uint64_t
hash_ticket(const struct node *node, uint64_t ticket)
{
    return hash_bytes(&node->hash_key, span_from(&ticket, sizeof(ticket)));
}

bool
work_begin(struct node *node, struct work *work, enum work_kind kind)
{
    CHECK(work->ticket == 0);
    work->ticket = node->next_ticket++;
    work->kind = kind;
    work->remote = false;
    if (!map_insert(&node->work, hash_ticket(node, work->ticket), work)) {
        work->ticket = 0;
        return false;
    }
    return true;
}

void
work_end(struct node *node, struct work *work)
{
    if (work->ticket == 0) {
        return;
    }
    if (work->remote) {
        member_cancel(node->member, work->ticket);
    }
    const struct work *removed =
        map_remove(&node->work, hash_ticket(node, work->ticket), &work->ticket);
    CHECK(removed == work);
    work->ticket = 0;
}

struct work *
work_find(const struct node *node, uint64_t ticket)
{
    return map_find(&node->work, hash_ticket(node, ticket), &ticket);
}

bool
work_execute(struct node *node, const struct work *work, const struct node_function *function,
    struct span args, struct span kwargs)
{
    struct action *action = actions_add(&node->actions, ACTION_EXECUTE);
    if (action == NULL) {
        return false;
    }
    action->ticket = work->ticket;
    action->worker = function->worker;
    action->function = function->identity.name;
    action->args = args;
    action->kwargs = kwargs;
    node->stats.calls_local++;
    return true;
}
