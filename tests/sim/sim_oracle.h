/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_oracle.h - which functions may be seen and called where: a search over the true topology, apart from the
 * engine's tables.
 *
 * A function of federation F is seen in G under a name if a chain of links leads from F to G on which every
 * export and every import policy accepts, renames followed, no federation twice, and at most as many links
 * as there are hops. That it is also seen *only* then, and always then, needs worlds in which a bridge's
 * choice among several roads makes no difference: names do not change on the way (or only one road
 * leads from each to each), and what came in under a plain name goes no further.
 */
#ifndef TESTS_SIM_SIM_ORACLE_H
#define TESTS_SIM_SIM_ORACLE_H

#include "tests/sim/sim_world.h"

/* By policies that were in use at any time since then. */
struct sim_since {
    uint64_t ns;
};

#define SIM_EVER ((struct sim_since){ .ns = 0 })

/* It came to the cluster of this bridge under `name`, through what `import` says of the last link. */
typedef void (*sim_oracle_found)(
    void *owner, const struct sim_host *bridge, const char *name, const struct sim_rules *import);

/* Everywhere outside of its own federation; the same may be found more than once. */
void sim_oracle_search(const struct sim_world *world, const struct sim_host *host,
    const struct sim_function *function, struct sim_since since, sim_oracle_found found,
    void *owner);

/* May calls of `name` from there end at this function of this host? Also within one federation. */
bool sim_oracle_explains(const struct sim_world *world, const struct sim_host *host,
    const struct sim_function *function, uint32_t federation, const char *name,
    struct sim_since since);

/* May the federation's bridge offer this name, by any policy that there ever was? Remembers that it may. */
bool sim_oracle_may_offer(struct sim_world *world, uint32_t federation, struct span name);

#endif
