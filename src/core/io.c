/* SPDX-License-Identifier: Apache-2.0 */
/* io.c - the list of actions that one step of an engine asks for. */
#include "core/io.h"

#include <string.h>

#define ACTIONS_ROOM_FIRST 16u

void
actions_begin(struct actions *actions, struct arena *arena)
{
    *actions = (struct actions){ .arena = arena };
}

static bool
grow(struct actions *actions)
{
    uint32_t room = actions->room == 0 ? ACTIONS_ROOM_FIRST : actions->room * 2;
    struct action *list = arena_take(actions->arena, (size_t)room * sizeof(*list));
    if (list == NULL) {
        return false;
    }
    if (actions->count > 0) {
        memcpy(list, actions->list, actions->count * sizeof(*list));
    }
    actions->list = list;
    actions->room = room;
    return true;
}

struct action *
actions_add(struct actions *actions, enum action_kind kind)
{
    if (actions->count == actions->room && !grow(actions)) {
        actions->lost++;
        return NULL;
    }
    struct action *action = &actions->list[actions->count++];
    *action = (struct action){ .kind = kind };
    return action;
}

void
actions_send_parts(
    struct actions *actions, struct conn_id conn, const struct span *parts, uint32_t part_count)
{
    CHECK(part_count > 0);
    struct span *copy = arena_take(actions->arena, part_count * sizeof(*copy));
    struct action *action = copy == NULL ? NULL : actions_add(actions, ACTION_SEND);
    if (action == NULL) {
        actions->lost += copy == NULL;
        return;
    }
    memcpy(copy, parts, part_count * sizeof(*copy));
    action->conn = conn;
    action->parts = copy;
    action->part_count = part_count;
}

void
actions_send(struct actions *actions, struct conn_id conn, struct span bytes)
{
    actions_send_parts(actions, conn, &bytes, 1);
}

void
actions_close(struct actions *actions, struct conn_id conn, uint16_t code, struct span reason)
{
    struct action *action = actions_add(actions, ACTION_CLOSE);
    if (action != NULL) {
        action->conn = conn;
        action->code = code;
        action->reason = arena_copy(actions->arena, reason);
    }
}
