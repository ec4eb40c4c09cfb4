/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_rejects.c - the last rejects, for whoever asks why a function did not come through.
 */
#include "bridge/rib_state.h"

struct rib_kept_reject {
    struct rib_reject reject; /* its texts are behind it */
    size_t size;
};

static void
drop(struct rib *rib, uint32_t at)
{
    struct rib_kept_reject *kept = rib->rejects.items[at];
    if (kept != NULL) {
        mem_give(rib->config.mem, kept, kept->size);
        rib->rejects.items[at] = NULL;
    }
}

void
rib_note_reject(struct rib *rib, const struct rib_reject *reject)
{
    size_t text_size = reject->function.size + reject->rule_id.size + reject->rule_reason.size;
    size_t size = sizeof(struct rib_kept_reject) + text_size;
    uint32_t at = rib->rejects.next;
    /* The oldest first, so that a full account has room for the newest. */
    drop(rib, at);
    struct rib_kept_reject *kept = mem_take(rib->config.mem, size);
    if (kept == NULL) {
        return;
    }
    struct packer packer = pack_into(kept + 1, text_size);
    kept->size = size;
    kept->reject = *reject;
    kept->reject.function = pack_text(&packer, reject->function);
    kept->reject.rule_id = pack_text(&packer, reject->rule_id);
    kept->reject.rule_reason = pack_text(&packer, reject->rule_reason);
    pack_done(&packer);
    rib->rejects.items[at] = kept;
    rib->rejects.next = (at + 1) % RIB_REJECTS_MAX;
}

bool
rib_last_reject(const struct rib *rib, uint32_t back, struct rib_reject *reject)
{
    if (back >= RIB_REJECTS_MAX) {
        return false;
    }
    uint32_t at = (rib->rejects.next + RIB_REJECTS_MAX - 1 - back) % RIB_REJECTS_MAX;
    const struct rib_kept_reject *kept = rib->rejects.items[at];
    if (kept == NULL) {
        return false;
    }
    *reject = kept->reject;
    return true;
}

void
rib_rejects_destroy(struct rib *rib)
{
    for (uint32_t i = 0; i < RIB_REJECTS_MAX; i++) {
        drop(rib, i);
    }
}
