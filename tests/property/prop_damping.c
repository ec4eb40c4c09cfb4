/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_damping.c - whatever flaps and whenever: the penalty stays between 0 and its ceiling, only falls between two
 * flaps, is about what exact arithmetic gives, suppresses only from the threshold on, and every suppression ends.
 */
#include <math.h>

#include "base/prng.h"
#include "bridge/damping.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define FLAPS 100

static struct damping_config
draw_config(struct prng *prng)
{
    struct damping_config config = {
        .half_life_ns = 1 + prng_below(prng, UINT64_C(1) << (1 + prng_below(prng, 42))),
        .reuse = 1 + (uint32_t)prng_below(prng, 5000),
    };
    config.max_suppress_ns = 1 + prng_below(prng, 20 * config.half_life_ns);
    uint32_t ceiling = damping_ceiling(&config);
    config.suppress = config.reuse + 1;
    if (ceiling > config.suppress) {
        config.suppress += (uint32_t)prng_below(prng, ceiling - config.suppress);
    }
    return config;
}

/* Between two flaps: often none, sometimes much longer than a half-life. */
static uint64_t
draw_pause(struct prng *prng, const struct damping_config *config)
{
    return prng_below(prng, 3) * prng_below(prng, config->half_life_ns) / (1 + prng_below(prng, 9));
}

struct story {
    struct prng prng;
    struct damping_config config;
    struct damping damping;
    struct instant now;
};

static struct story
begin(uint64_t seed)
{
    struct story story = { .prng = { .state = seed }, .now = { .ns = SEC_NS } };
    story.config = draw_config(&story.prng);
    return story;
}

static void
flap(struct story *story)
{
    bool change = prng_chance(&story->prng, 300);
    story->now = instant_after(story->now, draw_pause(&story->prng, &story->config));
    damping_flap(
        &story->damping, &story->config, change ? DAMPING_CHANGE : DAMPING_FLAP, story->now);
}

static bool
penalty_stays_below_its_ceiling_and_falls(uint64_t seed)
{
    struct story story = begin(seed);
    uint32_t ceiling = damping_ceiling(&story.config);
    for (int i = 0; i < FLAPS; i++) {
        flap(&story);
        uint32_t last = damping_penalty(&story.damping, &story.config, story.now);
        if (last > ceiling) {
            return false;
        }
        struct instant later = story.now;
        for (int look = 0; look < 10; look++) {
            later = instant_after(later, draw_pause(&story.prng, &story.config));
            uint32_t penalty = damping_penalty(&story.damping, &story.config, later);
            if (penalty > last) {
                return false;
            }
            last = penalty;
        }
    }
    return true;
}

static bool
every_suppression_ends(uint64_t seed)
{
    struct story story = begin(seed);
    for (int i = 0; i < FLAPS; i++) {
        flap(&story);
        uint32_t penalty = damping_penalty(&story.damping, &story.config, story.now);
        struct instant end = damping_reuse_at(&story.damping);
        bool suppressed = damping_is_suppressed(&story.damping, story.now);
        struct instant latest = instant_after(story.now, story.config.max_suppress_ns);
        if (suppressed && (end.ns > latest.ns || damping_is_suppressed(&story.damping, latest))) {
            return false;
        }
        if (penalty >= story.config.suppress && !suppressed) {
            return false;
        }
        if (suppressed && i == 0 && penalty + 1 < story.config.suppress) {
            return false;
        }
        if (suppressed &&
            damping_penalty(&story.damping, &story.config, end) > story.config.reuse + 1 &&
            end.ns < latest.ns) {
            return false;
        }
    }
    return true;
}

/* What floating point makes of the same flaps. Straight lines are above the curve, so errors of many flaps add up. */
static bool
penalty_is_about_exact(uint64_t seed)
{
    struct story story = begin(seed);
    double exact = 0;
    double ceiling = (double)damping_ceiling(&story.config) + 1;
    struct instant before = story.now;
    for (int i = 0; i < FLAPS; i++) {
        bool change = prng_chance(&story.prng, 300);
        uint32_t weight = change ? DAMPING_CHANGE : DAMPING_FLAP;
        story.now = instant_after(story.now, draw_pause(&story.prng, &story.config));
        damping_flap(&story.damping, &story.config, weight, story.now);
        double age = (double)instant_between(before, story.now);
        exact = exact * exp2(-age / (double)story.config.half_life_ns) + weight;
        exact = exact < ceiling ? exact : ceiling;
        before = story.now;
        double got = damping_penalty(&story.damping, &story.config, story.now);
        if (fabs(got - exact) > 2 + exact * 0.02) {
            return false;
        }
    }
    return true;
}

static bool
forgotten_after_it_is_in_use_again(uint64_t seed)
{
    struct story story = begin(seed);
    for (int i = 0; i < FLAPS; i++) {
        flap(&story);
        struct instant forget_at = damping_forget_at(&story.damping, &story.config);
        uint32_t penalty = damping_penalty(&story.damping, &story.config, forget_at);
        if (penalty > story.config.reuse / 2 || damping_is_suppressed(&story.damping, forget_at)) {
            return false;
        }
    }
    return true;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "penalty_stays_below_its_ceiling_and_falls", penalty_stays_below_its_ceiling_and_falls },
        { "every_suppression_ends", every_suppression_ends },
        { "penalty_is_about_exact", penalty_is_about_exact },
        { "forgotten_after_it_is_in_use_again", forgotten_after_it_is_in_use_again },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), 500);
}
