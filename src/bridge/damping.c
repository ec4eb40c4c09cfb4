/* SPDX-License-Identifier: Apache-2.0 */
/* damping.c - decay by shifts and a table, and the time of a level by halving the search. */
#include "bridge/damping.h"

#include "base/check.h"

#define SCALE_BITS 10u
#define STEPS      16u
#define ONE        65536u

/* 65536 * 2^(-i/16) */
static const uint32_t powers[STEPS + 1] = { 65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393,
    46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219, 32768 };

/* 65536 * 2^(-part/whole), for a part of at most the whole. */
static uint32_t
power_of_part(uint64_t part_ns, uint64_t whole_ns)
{
    CHECK(part_ns <= whole_ns);
    CHECK(whole_ns <= UINT64_MAX / ONE);
    uint64_t step = part_ns * STEPS / whole_ns;
    uint64_t rest = part_ns * STEPS % whole_ns;
    if (step == STEPS) {
        return powers[STEPS];
    }
    uint64_t fall = powers[step] - powers[step + 1];
    return powers[step] - (uint32_t)(fall * rest / whole_ns);
}

static uint64_t
decay(uint64_t scaled, uint64_t half_life_ns, uint64_t age_ns)
{
    uint64_t halvings = age_ns / half_life_ns;
    if (halvings >= 64) {
        return 0;
    }
    return (scaled >> halvings) * power_of_part(age_ns % half_life_ns, half_life_ns) / ONE;
}

/* How long until the penalty is at most `level`; not more than `most_ns`. */
static uint64_t
time_to_fall(uint64_t scaled, uint64_t level, uint64_t half_life_ns, uint64_t most_ns)
{
    uint64_t low = 0;
    uint64_t high = most_ns;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (decay(scaled, half_life_ns, middle) <= level) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool
damping_is_on(const struct damping_config *config)
{
    return config->half_life_ns > 0;
}

static uint64_t
scaled_ceiling(const struct damping_config *config)
{
    uint64_t highest = (uint64_t)DAMPING_PENALTY_MAX << SCALE_BITS;
    uint64_t halvings = config->max_suppress_ns / config->half_life_ns;
    uint64_t rest_ns = config->max_suppress_ns % config->half_life_ns;
    uint64_t ceiling = (uint64_t)config->reuse << SCALE_BITS;
    for (uint64_t i = 0; i < halvings && ceiling < highest; i++) {
        ceiling *= 2;
    }
    /* Twice as high, and then back by what is missing of a half-life. */
    uint64_t missing_ns = config->half_life_ns - rest_ns;
    ceiling = ceiling * 2 * power_of_part(missing_ns, config->half_life_ns) / ONE;
    return ceiling < highest ? ceiling : highest;
}

uint32_t
damping_ceiling(const struct damping_config *config)
{
    return (uint32_t)(scaled_ceiling(config) >> SCALE_BITS);
}

void
damping_flap(struct damping *damping, const struct damping_config *config, uint32_t weight,
    struct instant now)
{
    if (!damping_is_on(config)) {
        return;
    }
    CHECK(config->reuse > 0);
    CHECK(config->reuse < config->suppress);
    uint64_t age_ns = instant_between(damping->at, now);
    uint64_t ceiling = scaled_ceiling(config);
    uint64_t scaled = decay(damping->scaled, config->half_life_ns, age_ns);
    scaled += (uint64_t)weight << SCALE_BITS;
    damping->scaled = scaled < ceiling ? scaled : ceiling;
    damping->at = now;
    bool suppressed = damping_is_suppressed(damping, now) ||
                      damping->scaled >= (uint64_t)config->suppress << SCALE_BITS;
    if (suppressed) {
        uint64_t level = (uint64_t)config->reuse << SCALE_BITS;
        damping->reuse_at = instant_after(now,
            time_to_fall(damping->scaled, level, config->half_life_ns, config->max_suppress_ns));
    }
}

uint32_t
damping_penalty(
    const struct damping *damping, const struct damping_config *config, struct instant now)
{
    if (!damping_is_on(config)) {
        return 0;
    }
    uint64_t age_ns = instant_between(damping->at, now);
    return (uint32_t)(decay(damping->scaled, config->half_life_ns, age_ns) >> SCALE_BITS);
}

bool
damping_is_suppressed(const struct damping *damping, struct instant now)
{
    return !instant_reached(damping->reuse_at, now);
}

struct instant
damping_reuse_at(const struct damping *damping)
{
    return damping->reuse_at;
}

struct instant
damping_forget_at(const struct damping *damping, const struct damping_config *config)
{
    if (!damping_is_on(config) || damping->scaled == 0) {
        return damping->at;
    }
    uint64_t level = ((uint64_t)config->reuse << SCALE_BITS) / 2;
    /* After 64 half-lives nothing is left of any penalty. */
    uint64_t fallen_ns =
        time_to_fall(damping->scaled, level, config->half_life_ns, 64 * config->half_life_ns);
    return instant_after(damping->at, fallen_ns);
}
