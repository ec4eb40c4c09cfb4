/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_rib_decide.c - the decision is a total order: of any two imports one wins, whoever asks first; who
 * beats the winner of two beats both; and the best of a set does not depend on the order it came in.
 */
#include "base/prng.h"
#include "bridge/rib_decide.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define IMPORTS 12

/* Small ranges, so that every step is reached; the ends of the types now and then. */
static uint32_t
draw_number(struct prng *prng)
{
    uint32_t number = (uint32_t)prng_below(prng, 3);
    return prng_chance(prng, 50) ? UINT32_MAX - number : number;
}

/* No two have the same link and route id. */
static void
draw_imports(struct prng *prng, struct rib_rank imports[IMPORTS])
{
    for (uint32_t i = 0; i < IMPORTS; i++) {
        imports[i] = (struct rib_rank){
            .link = (uint32_t)prng_below(prng, 3),
            .route_id = prng_chance(prng, 500) ? i : UINT64_MAX - i,
            .preference = draw_number(prng),
            .freshness = (enum rib_freshness)prng_below(prng, 3),
            .hops = (uint32_t)prng_below(prng, 3),
            .cost = draw_number(prng),
            .distance = (uint32_t)prng_below(prng, 3),
            .bridge = span_part(SPAN("eueu"), 0, (size_t)prng_below(prng, 3)),
        };
    }
}

static bool
beats(const struct rib_rank *a, const struct rib_rank *b)
{
    bool a_wins;
    return rib_decide(a, b, &a_wins) != 0 && a_wins;
}

static bool
one_of_two_wins(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct rib_rank imports[IMPORTS];
    draw_imports(&prng, imports);
    for (uint32_t i = 0; i < IMPORTS; i++) {
        for (uint32_t j = 0; j < IMPORTS; j++) {
            bool a_wins;
            uint32_t there = rib_decide(&imports[i], &imports[j], &a_wins);
            uint32_t back = rib_decide(&imports[j], &imports[i], &a_wins);
            bool one = beats(&imports[i], &imports[j]) != beats(&imports[j], &imports[i]);
            if (there != back || (there == 0) != (i == j) || one != (i != j)) {
                return false;
            }
        }
    }
    return true;
}

static bool
winning_is_transitive(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct rib_rank imports[IMPORTS];
    draw_imports(&prng, imports);
    for (uint32_t i = 0; i < IMPORTS; i++) {
        for (uint32_t j = 0; j < IMPORTS; j++) {
            for (uint32_t k = 0; k < IMPORTS; k++) {
                bool chain = beats(&imports[i], &imports[j]) && beats(&imports[j], &imports[k]);
                if (chain && !beats(&imports[i], &imports[k])) {
                    return false;
                }
            }
        }
    }
    return true;
}

static const struct rib_rank *
best_of(const struct rib_rank *const list[IMPORTS])
{
    const struct rib_rank *best = list[0];
    for (uint32_t i = 1; i < IMPORTS; i++) {
        best = beats(list[i], best) ? list[i] : best;
    }
    return best;
}

static bool
best_does_not_depend_on_the_order(uint64_t seed)
{
    struct prng prng = { .state = seed };
    struct rib_rank imports[IMPORTS];
    const struct rib_rank *list[IMPORTS];
    draw_imports(&prng, imports);
    for (uint32_t i = 0; i < IMPORTS; i++) {
        list[i] = &imports[i];
    }
    const struct rib_rank *best = best_of(list);
    for (uint32_t round = 0; round < 8; round++) {
        for (uint32_t i = IMPORTS - 1; i > 0; i--) {
            uint32_t other = (uint32_t)prng_below(&prng, i + 1);
            const struct rib_rank *moved = list[i];
            list[i] = list[other];
            list[other] = moved;
        }
        if (best_of(list) != best) {
            return false;
        }
    }
    return true;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "one of two wins", one_of_two_wins },
        { "winning is transitive", winning_is_transitive },
        { "the best does not depend on the order", best_does_not_depend_on_the_order },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), 2000);
}
