/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c - when a function is asked whether it answers, and what the results mean. */
#include "bridge/probe.h"

void
probe_init(struct probe *probe, const struct probe_config *config, struct instant now)
{
    CHECK(config->timeout_ns <= config->every_ns);
    CHECK(config->fail_after > 0);
    CHECK(config->ok_after > 0);
    *probe = (struct probe){ .next_at = instant_after(now, config->every_ns) };
}

void
probe_begin(struct probe *probe, const struct probe_config *config, struct instant now)
{
    CHECK(!probe->under_way);
    probe->under_way = true;
    probe->begun_at = now;
    probe->next_at = instant_after(now, config->every_ns);
}

enum probe_change
probe_end(struct probe *probe, const struct probe_config *config, enum probe_result result,
    struct instant now)
{
    CHECK(probe->under_way);
    probe->under_way = false;
    probe->ended_at = now;
    probe->last = result;
    probe->last_ns = instant_between(probe->begun_at, now);
    probe->results[result]++;
    bool agrees = (result != PROBE_OK) == probe->failing;
    probe->in_a_row = agrees ? 0 : probe->in_a_row + 1;
    if (probe->in_a_row < (probe->failing ? config->ok_after : config->fail_after)) {
        return PROBE_UNCHANGED;
    }
    probe->in_a_row = 0;
    probe->failing = !probe->failing;
    return probe->failing ? PROBE_FAILS : PROBE_RECOVERS;
}

struct instant
probe_deadline(const struct probe *probe)
{
    return probe->under_way ? INSTANT_NEVER : probe->next_at;
}

uint64_t
probe_count(const struct probe *probe)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < PROBE_RESULT_COUNT; i++) {
        count += probe->results[i];
    }
    return count;
}

const char *
probe_result_name(enum probe_result result)
{
    switch (result) {
    case PROBE_OK:
        return "ok";
    case PROBE_FAILED:
        return "failed";
    case PROBE_TIMEOUT:
        return "timeout";
    case PROBE_ABSENT:
        return "absent";
    case PROBE_LINK_DOWN:
        return "link_down";
    }
    return "unknown";
}
