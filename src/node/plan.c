/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - finding dependencies and making levels of them. Replacing references is in plan_substitute.c.
 */
#include "node/plan.h"

#include "core/limits.h"
#include "node/order.h"
#include "node/plan_strings.h"

#define BITS_PER_WORD 64u
#define LEVEL_NONE    UINT32_MAX

/* Which commands one command depends on. */
struct dependencies {
    uint64_t words[COMMANDS_MAX / BITS_PER_WORD];
};

struct maker {
    const struct rpc_command *commands;
    uint32_t count;
    struct plan_step *steps;
    struct plan_value *names;   /* by rank; without results */
    uint32_t *index_of;         /* rank to index of the command */
    struct dependencies *needs; /* by rank */
    uint32_t kept_count;
    struct message_scratch *scratch;
};

static_assert(COMMANDS_MAX % BITS_PER_WORD == 0, "a word more would be needed");

const char *
plan_result_name(enum plan_result result)
{
    switch (result) {
    case PLAN_OK:
        return "ok";
    case PLAN_EMPTY:
        return "empty";
    case PLAN_CYCLE:
        return "cycle";
    case PLAN_TOO_LARGE:
        return "too_large";
    case PLAN_BAD_VALUE:
        return "bad_value";
    case PLAN_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}

/* By name; those of one name in the order they came, so that the last one wins. */
static int
compare_commands(const void *a, const void *b)
{
    const struct rpc_command *x = a;
    const struct rpc_command *y = b;
    int order = span_compare(x->name, y->name);
    return order != 0 ? order : (x > y) - (x < y);
}

static bool
maker_init(struct maker *maker)
{
    struct arena *arena = maker->scratch->arena;
    uint32_t count = maker->count;
    maker->steps = arena_take(arena, count * sizeof(*maker->steps));
    maker->names = arena_take(arena, count * sizeof(*maker->names));
    maker->index_of = arena_take(arena, count * sizeof(*maker->index_of));
    maker->needs = arena_take(arena, count * sizeof(*maker->needs));
    return maker->steps != NULL && maker->names != NULL && maker->index_of != NULL &&
           maker->needs != NULL;
}

static bool
rank_names(struct maker *maker)
{
    const void **sorted = arena_take(maker->scratch->arena, maker->count * sizeof(*sorted));
    if (sorted == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < maker->count; i++) {
        sorted[i] = &maker->commands[i];
    }
    order_sort(sorted, maker->count, compare_commands);
    for (uint32_t i = 0; i < maker->count; i++) {
        const struct rpc_command *command = sorted[i];
        const struct rpc_command *next = i + 1 < maker->count ? sorted[i + 1] : NULL;
        uint32_t index = (uint32_t)(command - maker->commands);
        if (next != NULL && span_equal(command->name, next->name)) {
            maker->steps[index].replaced = true;
            continue;
        }
        uint32_t rank = maker->kept_count++;
        maker->steps[index].rank = rank;
        maker->names[rank].name = command->name;
        maker->index_of[rank] = index;
    }
    return true;
}

/* Collects the names that one command's arguments refer to. */
struct collector {
    const struct maker *maker;
    struct dependencies *needs; /* NULL: whether there is any is enough */
    bool refers;
};

static bool
collect(void *owner, struct span text, uint32_t token)
{
    struct collector *collector = owner;
    const struct maker *maker = collector->maker;
    (void)token;
    uint32_t rank = plan_find_name(maker->names, maker->kept_count, text);
    if (rank == PLAN_NO_NAME) {
        struct span base = span_part(text, 0, span_find(text, '.'));
        rank =
            base.size == text.size ? rank : plan_find_name(maker->names, maker->kept_count, base);
    }
    if (rank == PLAN_NO_NAME) {
        return true;
    }
    collector->refers = true;
    if (collector->needs != NULL) {
        collector->needs->words[rank / BITS_PER_WORD] |= UINT64_C(1) << rank % BITS_PER_WORD;
    }
    return true;
}

static enum plan_result
read_references(const struct maker *maker, uint32_t index)
{
    const struct rpc_command *command = &maker->commands[index];
    struct plan_step *step = &maker->steps[index];
    struct collector of_args = { .maker = maker, .needs = &maker->needs[step->rank] };
    struct collector of_kwargs = { .maker = maker };
    bool alone = maker->kept_count == 1;
    if (!alone || plan_could_name(command->args, command->name)) {
        enum plan_result result =
            plan_each_string(command->args, maker->scratch, collect, &of_args);
        if (result != PLAN_OK) {
            return result;
        }
    }
    /* One command has nobody to refer to but itself, which has not finished when it starts. */
    if (!alone) {
        enum plan_result result =
            plan_each_string(command->kwargs, maker->scratch, collect, &of_kwargs);
        if (result != PLAN_OK) {
            return result;
        }
    }
    step->args_refer = of_args.refers;
    step->kwargs_refer = of_kwargs.refers;
    return PLAN_OK;
}

static bool
all_below(const struct maker *maker, const struct dependencies *needs, uint32_t level)
{
    for (uint32_t rank = 0; rank < maker->kept_count; rank++) {
        bool needed = needs->words[rank / BITS_PER_WORD] >> rank % BITS_PER_WORD & 1;
        if (needed && maker->steps[maker->index_of[rank]].level >= level) {
            return false;
        }
    }
    return true;
}

/* Gives levels until nobody is left, or nobody can get one: then there is a cycle. */
static uint32_t
make_levels(struct maker *maker, uint32_t *level_count)
{
    uint32_t left = maker->kept_count;
    for (uint32_t rank = 0; rank < maker->kept_count; rank++) {
        maker->steps[maker->index_of[rank]].level = LEVEL_NONE;
    }
    uint32_t level = 0;
    for (uint32_t left_before = left + 1; left > 0 && left < left_before; level++) {
        left_before = left;
        for (uint32_t rank = 0; rank < maker->kept_count; rank++) {
            struct plan_step *step = &maker->steps[maker->index_of[rank]];
            if (step->level == LEVEL_NONE && all_below(maker, &maker->needs[rank], level)) {
                step->level = level;
                left--;
            }
        }
    }
    *level_count = level;
    return left;
}

/* A dependency of `rank` that got no level either. */
static uint32_t
blocking(const struct maker *maker, uint32_t rank)
{
    for (uint32_t other = 0; other < maker->kept_count; other++) {
        bool needed = maker->needs[rank].words[other / BITS_PER_WORD] >> other % BITS_PER_WORD & 1;
        if (needed && maker->steps[maker->index_of[other]].level == LEVEL_NONE) {
            return other;
        }
    }
    CHECK(false);
    return 0;
}

static enum plan_result
name_cycle(const struct maker *maker, struct plan *plan)
{
    uint32_t *cycle = arena_take(maker->scratch->arena, (COMMANDS_MAX + 1) * sizeof(*cycle));
    if (cycle == NULL) {
        return PLAN_NO_MEMORY;
    }
    uint32_t rank = 0;
    while (maker->steps[maker->index_of[rank]].level != LEVEL_NONE) {
        rank++;
    }
    /* After as many steps as there are commands the walk goes round the cycle. */
    for (uint32_t i = 0; i < maker->kept_count; i++) {
        rank = blocking(maker, rank);
    }
    /* From the end, since the walk goes from a command to what it needs. */
    uint32_t at = COMMANDS_MAX + 1;
    uint32_t first = rank;
    cycle[--at] = maker->index_of[rank];
    do {
        rank = blocking(maker, rank);
        cycle[--at] = maker->index_of[rank];
    } while (rank != first);
    *plan = (struct plan){ .cycle = &cycle[at], .cycle_count = COMMANDS_MAX + 1 - at };
    return PLAN_CYCLE;
}

enum plan_result
plan_make(const struct rpc_command *commands, uint32_t count, struct message_scratch *scratch,
    struct plan *plan)
{
    CHECK(count <= COMMANDS_MAX);
    if (count == 0) {
        return PLAN_EMPTY;
    }
    struct maker maker = { .commands = commands, .count = count, .scratch = scratch };
    if (!maker_init(&maker) || !rank_names(&maker)) {
        return PLAN_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        enum plan_result result = maker.steps[i].replaced ? PLAN_OK : read_references(&maker, i);
        if (result != PLAN_OK) {
            return result;
        }
    }
    uint32_t level_count;
    if (make_levels(&maker, &level_count) > 0) {
        return name_cycle(&maker, plan);
    }
    *plan = (struct plan){
        .steps = maker.steps,
        .kept_count = maker.kept_count,
        .level_count = level_count,
    };
    return PLAN_OK;
}
