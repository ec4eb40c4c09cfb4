/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_retry.h - how long a link waits before it dials again.
 *
 * Decorrelated jitter: a pause is drawn evenly between `base` and three times the one before, which may be
 * `cap` at most. The cap bounds what is drawn from, not what was drawn: otherwise most of the late pauses would be
 * the cap itself, and dialers that an outage has brought into step would stay in step. After a session of more
 * than `stable` the pauses start small again.
 *
 * The far side may ask for a longer pause (docs/link-protocol.md 3.2). It gets at least that, and a random part of
 * up to half of it more, so that those who were refused together do not come back together. More than
 * LINK_RETRY_ASKED_MAX_NS is not heard: nobody may keep a link down by a word.
 */
#ifndef BRIDGE_LINK_RETRY_H
#define BRIDGE_LINK_RETRY_H

#include "base/check.h"
#include "base/instant.h"
#include "base/prng.h"

#define LINK_RETRY_ASKED_MAX_NS (5 * 60 * SEC_NS)

/* 0 < base <= cap < 2^62 ns. */
struct link_retry_config {
    uint64_t base_ns;
    uint64_t cap_ns;
    uint64_t stable_ns;
};

struct link_retry {
    struct link_retry_config config;
    uint64_t last_ns;
};

void link_retry_init(struct link_retry *retry, const struct link_retry_config *config);

/* The next pause. `asked_ns` is what the far side has asked for; 0: nothing. */
MUST_CHECK uint64_t link_retry_pause_ns(
    struct link_retry *retry, struct prng *prng, uint64_t asked_ns);

/* A session has ended that both sides had greeted for so long. */
void link_retry_note_session(struct link_retry *retry, uint64_t lasted_ns);

#endif
