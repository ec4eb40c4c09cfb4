/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_draw.c - the world that a seed means: who is there, who serves what, what policy lets through, and
 * how often what goes wrong.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim_probes.h"

/* All that a world has, in one step. */
#define MANY_JUDGEMENTS 10000

static void
draw_habits(struct sim_world *world)
{
    bool any = prng_below(&world->prng, 2) == 0;
    for (uint32_t i = 0; i < world->host_count; i++) {
        struct sim_host *host = &world->hosts[i];
        host->calls_unread = any && !host->is_bridge && prng_below(&world->prng, 2) == 0;
    }
}

static void
print_log(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    const struct sim_host *own = host;
    (void)level;
    printf("    %s %s", own->name, name);
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].kind == LOG_KIND_U64) {
            printf(" %s=%llu", fields[i].key, (unsigned long long)fields[i].number);
        } else {
            printf(" %s=%.*s", fields[i].key, SPAN_ARGS(fields[i].text));
        }
    }
    putchar('\n');
}

int64_t
sim_world_draw_skew(struct sim_world *world)
{
    return (int64_t)prng_below(&world->prng, 2 * SIM_SKEW_NS) - SIM_SKEW_NS;
}

static struct sim_host *
add_host(struct sim_world *world, uint32_t federation, const char *suffix, uint32_t number)
{
    struct sim_host *host = &world->hosts[world->host_count];
    char name[8]; /* copies: snprintf may not read what it writes into */
    char full[32];
    snprintf(name, sizeof(name), "%s", world->federations[federation].name);
    snprintf(full, sizeof(full), "%s-%s%u", name, suffix, number % 100);
    host->index = world->host_count++;
    host->federation = federation;
    host->deadline = UINT64_MAX;
    host->restart_at = UINT64_MAX;
    snprintf(host->name, sizeof(host->name), "%s", full);
    snprintf(host->url, sizeof(host->url), "ws://%s:%u", full, 9100 + number);
    host->skew_ns = sim_world_draw_skew(world);
    host->log = (struct log){
        .level = world->trace ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
        .host = host,
        .write = print_log,
    };
    return host;
}

static void
draw_member(struct sim_world *world, struct sim_host *host, struct member_config *member)
{
    struct sim_federation *federation = &world->federations[host->federation];
    struct span cluster = span_from_text(federation->name);
    static const struct span capabilities[] = { { (const uint8_t *)"rpc", 3 } };
    *member = (struct member_config){
        .cluster_id = cluster,
        .url = span_from_text(host->url),
        .seeds = { .items = host->seeds, .count = host->seed_count },
        .capabilities = { .items = capabilities, .count = 1 },
        .isolation = { .mode = ISOLATION_STRICT, .cluster_id = cluster },
        .function_count_max = 10000,
        .call_timeout_ns = 30 * SEC_NS,
    };
}

static_assert(SIM_FUNCTIONS_MAX <= SIM_VERBS, "the functions of a node have different names");

static uint64_t
verb_of(const char *name)
{
    uint64_t verb = 0;
    while (strcmp(sim_verbs[verb], name) != 0) {
        verb++;
        CHECK(verb < SIM_VERBS);
    }
    return verb;
}

static void
draw_functions(struct sim_world *world, struct sim_host *host)
{
    host->function_count = (uint32_t)prng_below(&world->prng, SIM_FUNCTIONS_MAX + 1);
    uint64_t verb = prng_below(&world->prng, SIM_VERBS);
    for (uint32_t i = 0; i < host->function_count; i++) {
        struct sim_function *function = &host->functions[i];
        /* Two nodes of a federation may serve the same name, one for all and one for itself. */
        uint32_t which = (uint32_t)prng_below(&world->prng, 3);
        function->is_public = prng_below(&world->prng, 3) != 0;
        snprintf(function->name, sizeof(function->name), "%s.f%u",
            sim_verbs[(verb + i) % SIM_VERBS], which);
        uint64_t kind = (verb + i) % SIM_VERBS;
        /* What leaves under one name is one thing in this, too: see docs/policy.md, `merge`. */
        kind = strcmp(sim_verbs[kind], "draw") == 0 ? verb_of("copy") : kind;
        function->repeats = (world->repeat_verbs >> kind & 1) != 0;
        host->tags[i][0] = function->is_public ? SPAN("public") : SPAN("internal");
        host->tags[i][1] = SPAN(FUNCTION_TAG_IDEMPOTENT);
        host->node_functions[i] = (struct node_function){
            .identity = {
                .name = span_from_text(function->name),
                .function_id = span_from_text(function->name),
                .version_text = SPAN("1.0.0"),
                .version = { .major = 1 },
            },
            .tags = { .items = host->tags[i], .count = function->repeats ? 2 : 1 },
        };
    }
    host->node_config.functions = host->node_functions;
    host->node_config.function_count = host->function_count;
}

static void
draw_node(struct sim_world *world, uint32_t federation, uint32_t number)
{
    struct sim_host *host = add_host(world, federation, "n", number);
    struct sim_federation *own = &world->federations[federation];
    own->nodes[own->node_count++] = host->index;
    /* Everybody but the first knows the first. */
    if (number > 1) {
        host->seeds[0] = span_from_text(world->hosts[own->nodes[0]].url);
        host->seed_count = 1;
    }
    draw_member(world, host, &host->node_config.member);
    host->node_config.request_timeout_ns = 30 * SEC_NS;
    host->node_config.memory_max = (size_t)256 * 1024 * 1024;
    draw_functions(world, host);
}

static void
draw_bridge(struct sim_world *world, uint32_t federation)
{
    struct sim_federation *own = &world->federations[federation];
    /* Nodes and bridges of a federation have different numbers, since their ports do. */
    struct sim_host *host =
        add_host(world, federation, "b", own->bridge_count == 0 ? 0 : 10 + own->bridge_count);
    own->bridges[own->bridge_count++] = host->index;
    host->is_bridge = true;
    snprintf(host->link_address, sizeof(host->link_address), "%.32s-links:9443", host->name);
    host->seeds[0] = span_from_text(world->hosts[own->nodes[0]].url);
    host->seed_count = 1;
    draw_member(world, host, &host->bridge_config.member);
}

/* As another link between the two federations has them, if all are to be alike. */
static struct sim_rules
draw_rules(struct sim_world *world, const struct sim_host *host, uint32_t far)
{
    for (uint32_t i = 0; world->alike && i < world->host_count; i++) {
        const struct sim_host *other = &world->hosts[i];
        for (uint32_t link = 0; link < other->bridge_config.link_count; link++) {
            bool drawn = other->policies[link] != NULL;
            if (other->federation == host->federation && other->link_far[link] == far && drawn) {
                return other->rules[link];
            }
        }
    }
    return sim_rules_draw(&world->prng, host->federation, far, &world->taste);
}

/* From a bridge to one of another federation. */
static void
draw_link_to(struct sim_world *world, struct sim_host *host, const struct sim_host *target)
{
    uint32_t far = target->federation;
    uint32_t at = host->bridge_config.link_count++;
    host->link_targets[at] = span_from_text(target->link_address);
    host->link_far[at] = far;
    host->link_host[at] = target->index;
    host->uses[at] = mem_take(&world->mem, SIM_USES_MAX * sizeof(struct sim_policy_use));
    CHECK(host->uses[at] != NULL);
    host->rules[at] = draw_rules(world, host, far);
    host->policies[at] = sim_rules_compile(&host->rules[at], &world->mem);
    host->links[at] = (struct bridge_link_config){
        .policy = host->policies[at],
        .session = {
            .name = span_from_text(target->name),
            .federation = span_from_text(world->federations[far].name),
            .bridge = span_from_text(target->name),
            .own_federation = host->bridge_config.federation,
            .own_bridge = host->bridge_config.name,
            .addresses = &host->link_targets[at],
            .address_count = host->federation < far ? 1 : 0,
            .keepalive_ns = 2 * SEC_NS,
            .dial_timeout_ns = 5 * SEC_NS,
            .greeting_timeout_ns = 5 * SEC_NS,
            .retry = { .base_ns = 200 * MS_NS, .cap_ns = 5 * SEC_NS, .stable_ns = 30 * SEC_NS },
            .resume_window_ns = world->resume_window_ns,
            .resume_buffer_size = world->resume_buffer_size,
        },
    };
}

static void
draw_links(struct sim_world *world, struct sim_host *host)
{
    const struct sim_federation *own = &world->federations[host->federation];
    struct bridge_config *config = &host->bridge_config;
    config->name = span_from_text(host->name);
    config->federation = span_from_text(own->name);
    config->links = host->links;
    config->call_timeout_ns = 30 * SEC_NS;
    config->memory_max = (size_t)256 * 1024 * 1024;
    config->judgements_a_step =
        world->judgements_a_step == 0 ? MANY_JUDGEMENTS : world->judgements_a_step;
    config->stale_time_ns = world->stale_time_ns;
    config->link_damping = world->link_damping;
    config->function_damping = world->function_damping;
    config->hold_down_ns = world->hold_down_ns;
    config->advertisement_interval_ns = world->advertisement_interval_ns;
    for (uint32_t far = 0; far < world->federation_count; far++) {
        const struct sim_federation *other = &world->federations[far];
        for (uint32_t i = 0; own->linked[far] && i < other->bridge_count; i++) {
            draw_link_to(world, host, &world->hosts[other->bridges[i]]);
        }
    }
}

static void
draw_faults(struct sim_world *world)
{
    struct prng *prng = &world->prng;
    /* Swarm: each kind of fault is off in a third of the worlds. */
    world->faults = (struct sim_faults){
        .reset_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 300),
        .crash_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 100),
        .stop_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 60),
        .freeze_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 100),
        .stall_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 300),
        .cut_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 100),
        .clock_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 100),
        .reload_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 150),
        .delay_max_ns = (1 + prng_below(prng, 50)) * MS_NS,
    };
    world->faults.reload_permille *= !world->alike;
    world->faults.operate_permille = prng_below(prng, 2) == 0 ? 0 : (uint32_t)prng_below(prng, 150);
}

static void
draw_shape(struct sim_world *world)
{
    struct prng *prng = &world->prng;
    bool mesh = prng_below(prng, 2) == 0;
    world->shape = mesh ? SIM_SHAPE_MESH : (enum sim_shape)(1 + prng_below(prng, 3));
    /* Few are large: what is seen then is seen at once by many. A line of seven is longer than an advertisement may travel. */
    bool many = !mesh && prng_below(prng, 8) == 0;
    world->federation_count = (uint32_t)(mesh   ? 2 + prng_below(prng, 3)
                                         : many ? 8 + prng_below(prng, 5)
                                                : 3 + prng_below(prng, 5));
    world->bridges_max = prng_below(prng, 2) == 0 ? 1 : many ? 2 : SIM_BRIDGES_MAX;
    world->taste = (struct sim_taste){
        .renames = world->shape == SIM_SHAPE_LINE || world->shape == SIM_SHAPE_STAR,
        .transit = !mesh || prng_below(prng, 2) == 0,
        .table_limits = prng_below(prng, 2) == 0,
    };
    /* Where several bridges pass things on, which of their roads is taken must make no difference. */
    world->alike = world->bridges_max > 1 && world->taste.transit;
    world->repeat_verbs = (uint32_t)prng_below(prng, 1u << SIM_VERBS);
    world->judgements_a_step = (uint32_t)(prng_below(prng, 2) == 0 ? 0 : 1 + prng_below(prng, 5));
    world->stale_time_ns = prng_below(prng, 3) == 0 ? 0 : (1 + prng_below(prng, 60)) * SEC_NS;
    world->resume_window_ns = prng_below(prng, 3) == 0 ? 0 : (1 + prng_below(prng, 30)) * SEC_NS;
    world->resume_buffer_size = (size_t)1 << (10 + prng_below(prng, 12));
}

static struct damping_config
draw_damping(struct prng *prng, uint64_t max_suppress_ns)
{
    struct damping_config config = {
        .max_suppress_ns = (1 + prng_below(prng, max_suppress_ns / SEC_NS)) * SEC_NS,
        .reuse = 500 + (uint32_t)prng_below(prng, 1500),
    };
    config.half_life_ns = config.max_suppress_ns / (1 + prng_below(prng, 5));
    /* A minute has few flaps: a threshold that most of them reach. */
    uint32_t ceiling = damping_ceiling(&config);
    ceiling = ceiling < config.reuse + 2000 ? ceiling : config.reuse + 2000;
    config.suppress = config.reuse + 1 + (uint32_t)prng_below(prng, ceiling - config.reuse);
    return config;
}

/* From chance of its own: what other seeds mean does not depend on it. Each is off in half of the worlds or more. */
static void
draw_stability(struct sim_world *world)
{
    struct prng prng = { .state = ~world->seed };
    struct damping_config links = draw_damping(&prng, 60 * SEC_NS);
    struct damping_config functions = draw_damping(&prng, 20 * SEC_NS);
    uint64_t hold_down_ns = (1 + prng_below(&prng, 10)) * SEC_NS;
    world->link_damping = prng_below(&prng, 2) == 0 ? links : DAMPING_OFF;
    world->function_damping = prng_below(&prng, 3) == 0 ? functions : DAMPING_OFF;
    world->hold_down_ns = prng_below(&prng, 4) == 0 ? hold_down_ns : 0;
    uint64_t interval_ns = (1 + prng_below(&prng, 5)) * SEC_NS;
    world->advertisement_interval_ns = prng_below(&prng, 3) == 0 ? interval_ns : 0;
}

uint64_t
sim_world_patience(const struct sim_world *world)
{
    /* What one lets go is a change for the next. */
    bool functions = damping_is_on(&world->function_damping);
    uint64_t a_border_ns = functions ? world->function_damping.max_suppress_ns : 0;
    return ADVERTISEMENT_HOPS_DEFAULT *
           (a_border_ns + world->hold_down_ns + world->advertisement_interval_ns);
}

static bool
draw_link(struct sim_world *world, uint32_t a, uint32_t b)
{
    bool closes = a == 0 && b + 1 == world->federation_count;
    switch (world->shape) {
    case SIM_SHAPE_MESH:
        return a == 0 || prng_below(&world->prng, 2) == 0;
    case SIM_SHAPE_LINE:
        return b == a + 1;
    case SIM_SHAPE_RING:
        return b == a + 1 || closes;
    case SIM_SHAPE_STAR:
        return a == 0;
    }
    return false;
}

static void
draw_federation(struct sim_world *world, uint32_t index)
{
    struct sim_federation *federation = &world->federations[index];
    bool few = world->shape != SIM_SHAPE_MESH;
    snprintf(federation->name, sizeof(federation->name), "%s", sim_federation_names[index]);
    uint32_t nodes = 1 + (uint32_t)prng_below(&world->prng, few ? 2 : SIM_NODES_MAX);
    for (uint32_t node = 1; node <= nodes; node++) {
        draw_node(world, index, node);
    }
    uint32_t bridges = 1 + (uint32_t)prng_below(&world->prng, world->bridges_max);
    for (uint32_t bridge = 0; bridge < bridges; bridge++) {
        draw_bridge(world, index);
    }
    for (uint32_t other = 0; other < index; other++) {
        bool linked = draw_link(world, other, index);
        federation->linked[other] = linked;
        world->federations[other].linked[index] = linked;
    }
}

void
sim_world_init(struct sim_world *world, uint64_t seed, bool trace)
{
    *world = (struct sim_world){
        .seed = seed,
        .prng = { .state = seed },
        .hash = UINT64_C(0xcbf29ce484222325),
        .trace = trace,
    };
    mem_init(&world->mem, (size_t)1024 * 1024 * 1024);
    heap_init(&world->due, &world->mem);
    list_init(&world->streams);
    list_init(&world->dials);
    list_init(&world->works);
    draw_shape(world);
    draw_stability(world);
    for (uint32_t i = 0; i < world->federation_count; i++) {
        draw_federation(world, i);
    }
    draw_habits(world);
    for (uint32_t i = 0; i < world->host_count; i++) {
        if (world->hosts[i].is_bridge) {
            draw_links(world, &world->hosts[i]);
        }
    }
    sim_probes_draw(world);
    draw_faults(world);
}

static void
print_damping(const struct damping_config *config, const char *of, FILE *out)
{
    if (damping_is_on(config)) {
        fprintf(out, "  %s are damped from %u to %u, half in %.1f s, for %llu s at most\n", of,
            config->suppress, config->reuse, (double)config->half_life_ns / 1e9,
            (unsigned long long)(config->max_suppress_ns / SEC_NS));
    }
}

static void
print_host(const struct sim_host *host, FILE *out)
{
    fprintf(out, "  %s, clock %+.3f s%s:", host->name, (double)host->skew_ns / 1e9,
        host->calls_unread ? ", calls where it reads nothing" : "");
    for (uint32_t f = 0; f < host->function_count; f++) {
        const struct sim_function *function = &host->functions[f];
        fprintf(out, " %s%s%s", function->name, function->is_public ? "" : " (internal)",
            function->repeats ? " (idempotent)" : "");
    }
    fputc('\n', out);
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        fputs("    ", out);
        sim_rules_print(out, &host->rules[link]);
        if (host->links[link].probe_count > 0) {
            fprintf(out, "      probed by %s\n", host->probes[link].name);
        }
    }
}

void
sim_world_print(const struct sim_world *world, FILE *out)
{
    static const char *const shapes[] = { "mesh", "line", "ring", "star" };
    const struct sim_faults *faults = &world->faults;
    fprintf(out,
        "seed %llu: %s of %u federations, %u hosts; permille reset %u crash %u stop %u freeze %u "
        "stall %u "
        "cut %u clock %u reload %u operate %u, delay %llu ms, judgements a step %u, stale %llu s, "
        "resume %llu s and %zu bytes\n",
        (unsigned long long)world->seed, shapes[world->shape], world->federation_count,
        world->host_count, faults->reset_permille, faults->crash_permille, faults->stop_permille,
        faults->freeze_permille, faults->stall_permille, faults->cut_permille,
        faults->clock_permille, faults->reload_permille, faults->operate_permille,
        (unsigned long long)(faults->delay_max_ns / MS_NS), world->judgements_a_step,
        (unsigned long long)(world->stale_time_ns / SEC_NS),
        (unsigned long long)(world->resume_window_ns / SEC_NS), world->resume_buffer_size);
    print_damping(&world->link_damping, "links", out);
    print_damping(&world->function_damping, "functions", out);
    fprintf(out, "  hold down %llu s, announced every %llu s at most\n",
        (unsigned long long)(world->hold_down_ns / SEC_NS),
        (unsigned long long)(world->advertisement_interval_ns / SEC_NS));
    for (uint32_t i = 0; i < world->host_count; i++) {
        print_host(&world->hosts[i], out);
    }
}
