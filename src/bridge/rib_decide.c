/* SPDX-License-Identifier: Apache-2.0 */
/* rib_decide.c - the decision, step by step as its header numbers them. */
#include "bridge/rib_decide.h"

uint32_t
rib_decide(const struct rib_import *a, const struct rib_import *b, bool *a_wins)
{
    *a_wins = true;
    if (a->out.preference != b->out.preference) {
        *a_wins = a->out.preference > b->out.preference;
        return 1;
    }
    if (a->out.path.count != b->out.path.count) {
        *a_wins = a->out.path.count < b->out.path.count;
        return 2;
    }
    if (a->out.cost != b->out.cost) {
        *a_wins = a->out.cost < b->out.cost;
        return 3;
    }
    if (a->link != b->link) {
        *a_wins = a->link < b->link;
        return 4;
    }
    if (a->route_id != b->route_id) {
        *a_wins = a->route_id < b->route_id;
        return 5;
    }
    return 0;
}
