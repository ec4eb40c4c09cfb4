/* SPDX-License-Identifier: Apache-2.0 */
/*
 * property.h - the main loop of a property test: every property for many seeds.
 *
 * Usage of such a program: prop_x [FIRST_SEED [COUNT]]. A failure prints the property and its seed;
 * the last line is `N passed, N failed`.
 */
#ifndef TESTS_SUPPORT_PROPERTY_H
#define TESTS_SUPPORT_PROPERTY_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct property {
    const char *name; /* a claim */
    bool (*holds)(uint64_t seed);
};

/* The program's exit status. Without arguments: the seeds 1 to `seed_count`. */
static inline int
property_main(int argc, char **argv, const struct property *properties, size_t property_count,
    uint64_t seed_count)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t count = argc > 1 ? 1 : seed_count;
    count = argc > 2 ? strtoull(argv[2], NULL, 0) : count;
    uint64_t passed = 0;
    uint64_t failed = 0;
    for (uint64_t seed = first; seed - first < count; seed++) {
        for (size_t i = 0; i < property_count; i++) {
            bool holds = properties[i].holds(seed);
            passed += holds ? 1 : 0;
            failed += holds ? 0 : 1;
            if (!holds) {
                printf("FAILED %s: seed %" PRIu64 "\n", properties[i].name, seed);
            }
        }
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
