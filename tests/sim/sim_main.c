/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_main.c - mpreg-sim: worlds by their seeds.
 *
 *   mpreg-sim --seed N [--trace]      one world; --trace prints what its engines log
 *   mpreg-sim --seed N --hash         print only the hash of its trace
 *   mpreg-sim --seconds S [--seed N]  as many worlds as fit, from seed N (1) on
 *   mpreg-sim --seeds FILE            the worlds of a file: one seed a line, `#` comments
 *
 * Two phases a world: safety (clients call, things break) and liveness (all is healed; links, tables and
 * calls must come right within a bound). Exit 0 when every world passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/sim_check.h"
#include "tests/sim/sim_clients.h"
#include "tests/sim/sim_damping.h"
#include "tests/sim/sim_probes.h"
#include "tests/sim/sim_reload.h"
#include "tests/sim/sim_reports.h"
#include "tests/sim/sim_rest.h"
#include "tests/support/check_failed.h"

#define SAFETY_NS (60 * SEC_NS)
#define TURN_NS   (250 * MS_NS)

/* A dial may just have failed, with the longest pause, when the world is healed. */
#define LINKS_WITHIN_NS (45 * SEC_NS)

/* What a dead process advertised is believed until its TTL. */
#define TABLES_WITHIN_NS (150 * SEC_NS)

struct outcome {
    bool passed;
    uint64_t hash;
    uint64_t steps;
    uint64_t simulated_ns;
    uint32_t calls;
    uint32_t limited;
    uint32_t passed_on;
    uint32_t reloads[RELOAD_NO_MEMORY + 1];
};

static void
start_everybody(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        sim_world_start(world, &world->hosts[i]);
    }
}

static void
run_safety(struct sim_world *world, struct sim_clients *clients)
{
    while (world->now_ns < SAFETY_NS && !world->failed) {
        sim_world_run(world, world->now_ns + TURN_NS);
        sim_clients_act(clients);
        sim_clients_act(clients);
        sim_world_break_something(world);
        sim_reload_act(world);
        sim_check_safety(world);
    }
}

static void
run_liveness(struct sim_world *world, struct sim_clients *clients)
{
    sim_world_heal(world);
    sim_reload_settle(world);
    uint64_t healed_at = world->now_ns;
    sim_world_run(world, healed_at + LINKS_WITHIN_NS);
    sim_check_links(world);
    sim_world_run(world, healed_at + TABLES_WITHIN_NS + sim_world_patience(world));
    sim_damping_check_over(world);
    sim_check_tables(world);
    uint32_t first = sim_clients_call_everything(clients);
    sim_world_run(world, world->now_ns + 40 * SEC_NS);
    sim_clients_check(clients, first);
    sim_rest_check_calls(world);
    sim_rest_check_changes(world);
    sim_rest_check_doubts(world);
    sim_check_tables(world);
    sim_probes_check(world);
    sim_reports_check(world);
}

static struct outcome
run_seed(uint64_t seed, bool trace, bool print)
{
    struct sim_world *world = malloc(sizeof(*world));
    struct sim_clients *clients = malloc(sizeof(*clients));
    CHECK(world != NULL);
    CHECK(clients != NULL);
    sim_world_init(world, seed, trace);
    if (print) {
        sim_world_print(world, stdout);
    }
    sim_clients_init(clients, world);
    start_everybody(world);
    run_safety(world, clients);
    if (!world->failed) {
        run_liveness(world, clients);
    }
    struct outcome outcome = {
        .passed = !world->failed,
        .hash = world->hash,
        .steps = world->steps,
        .simulated_ns = world->now_ns,
        .calls = clients->call_count,
        .limited = sim_clients_limited(clients),
        .passed_on = sim_clients_passed(clients),
    };
    if (world->failed) {
        fprintf(stderr, "seed %llu FAILED; --trace tells more\n", (unsigned long long)seed);
    }
    memcpy(outcome.reloads, world->reloads, sizeof(outcome.reloads));
    if (world->failed && trace) {
        sim_check_describe(world);
    }
    sim_world_destroy(world);
    free(world);
    free(clients);
    return outcome;
}

static double
wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct tally {
    uint64_t passed;
    uint64_t failed;
    uint64_t steps;
    uint64_t calls;
    uint64_t limited;
    uint64_t passed_on;
    uint64_t reloads[RELOAD_NO_MEMORY + 1];
    double simulated_seconds;
};

static void
count(struct tally *tally, const struct outcome *outcome)
{
    tally->passed += outcome->passed;
    tally->failed += !outcome->passed;
    tally->steps += outcome->steps;
    tally->calls += outcome->calls;
    tally->limited += outcome->limited;
    tally->passed_on += outcome->passed_on;
    for (uint32_t i = 0; i < COUNT_OF(tally->reloads); i++) {
        tally->reloads[i] += outcome->reloads[i];
    }
    tally->simulated_seconds += (double)outcome->simulated_ns / 1e9;
}

static int
conclude(const struct tally *tally)
{
    printf("%llu steps, %llu calls (%llu reached limits, %llu passed on), %.1f simulated hours\n",
        (unsigned long long)tally->steps, (unsigned long long)tally->calls,
        (unsigned long long)tally->limited, (unsigned long long)tally->passed_on,
        tally->simulated_seconds / 3600);
    printf("reloads:");
    for (uint32_t i = RELOAD_COMPARED; i < COUNT_OF(tally->reloads); i++) {
        printf(" %llu %s", (unsigned long long)tally->reloads[i],
            reload_outcome_name((enum reload_outcome)i));
    }
    putchar('\n');
    printf("%llu passed, %llu failed\n", (unsigned long long)tally->passed,
        (unsigned long long)tally->failed);
    return tally->failed == 0 && tally->passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
run_for(uint64_t first, double seconds, bool fail_fast)
{
    struct tally tally = { .passed = 0 };
    double end = wall_seconds() + seconds;
    bool go_on = true;
    for (uint64_t seed = first; go_on && wall_seconds() < end; seed++) {
        struct outcome outcome = run_seed(seed, false, false);
        count(&tally, &outcome);
        go_on = outcome.passed || !fail_fast;
    }
    return conclude(&tally);
}

static int
run_file(const char *path)
{
    struct tally tally = { .passed = 0 };
    FILE *file = fopen(path, "r");
    char line[256];
    if (file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        char *end;
        unsigned long long seed = strtoull(line, &end, 10);
        if (end != line) {
            struct outcome outcome = run_seed(seed, false, false);
            count(&tally, &outcome);
        }
    }
    fclose(file);
    return conclude(&tally);
}

static int
usage(void)
{
    fprintf(stderr, "usage: mpreg-sim --seed N [--trace | --hash]\n"
                    "       mpreg-sim --seconds S [--seed N] [--fail-fast]\n"
                    "       mpreg-sim --seeds FILE\n");
    return 64;
}

int
main(int argc, char **argv)
{
    uint64_t seed = 1;
    double seconds = 0;
    const char *file = NULL;
    bool trace = false;
    bool hash = false;
    bool fail_fast = false;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--trace") == 0) {
            trace = true;
        } else if (strcmp(argv[i], "--hash") == 0) {
            hash = true;
        } else if (strcmp(argv[i], "--fail-fast") == 0) {
            fail_fast = true;
        } else if (strcmp(argv[i], "--seed") == 0 && more) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seconds") == 0 && more) {
            seconds = strtod(argv[++i], NULL);
        } else if (strcmp(argv[i], "--seeds") == 0 && more) {
            file = argv[++i];
        } else {
            return usage();
        }
    }
    if (file != NULL) {
        return run_file(file);
    }
    if (seconds > 0) {
        return run_for(seed, seconds, fail_fast);
    }
    struct outcome outcome = run_seed(seed, trace, !hash);
    if (hash) {
        printf("%016llx\n", (unsigned long long)outcome.hash);
    } else {
        printf("seed %llu: %s, hash %016llx, %llu steps, %u calls\n", (unsigned long long)seed,
            outcome.passed ? "passed" : "FAILED", (unsigned long long)outcome.hash,
            (unsigned long long)outcome.steps, outcome.calls);
    }
    return outcome.passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
