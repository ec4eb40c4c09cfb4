/* SPDX-License-Identifier: Apache-2.0 */
/* link_retry.c - see link_retry.h. */
#include "bridge/link_retry.h"

static uint64_t
shorter(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

void
link_retry_init(struct link_retry *retry, const struct link_retry_config *config)
{
    CHECK(config->base_ns > 0);
    CHECK(config->base_ns <= config->cap_ns);
    CHECK(config->cap_ns < UINT64_MAX / 4);
    *retry = (struct link_retry){ .config = *config, .last_ns = config->base_ns };
}

uint64_t
link_retry_pause_ns(struct link_retry *retry, struct prng *prng, uint64_t asked_ns)
{
    const struct link_retry_config *config = &retry->config;
    uint64_t most_ns = shorter(retry->last_ns * 3, config->cap_ns);
    retry->last_ns = config->base_ns + prng_below(prng, most_ns - config->base_ns + 1);
    uint64_t heard_ns = shorter(asked_ns, LINK_RETRY_ASKED_MAX_NS);
    uint64_t wanted_ns = heard_ns > 0 ? heard_ns + prng_below(prng, heard_ns / 2 + 1) : 0;
    return wanted_ns > retry->last_ns ? wanted_ns : retry->last_ns;
}

void
link_retry_note_session(struct link_retry *retry, uint64_t lasted_ns)
{
    if (lasted_ns > retry->config.stable_ns) {
        retry->last_ns = retry->config.base_ns;
    }
}
