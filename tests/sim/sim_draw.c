/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_draw.c - the world that a seed means: who is there, who serves what, what policy lets through, and
 * how often what goes wrong. Also the oracle: the same rules once more, in the simplest words.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim_world.h"

static const char *const verbs[] = { "add", "bill", "copy", "draw" };

/* Policy of all federations, as a person would say it:
 *   export: nothing with the tag internal; what is public goes out as <own federation>.<name>; no more.
 *   import: what starts with the far federation's name; but a federation that rejects_b takes no
 *           function whose own name starts with b.
 */
bool
sim_oracle_allows(const struct sim_world *world, uint32_t from, uint32_t to,
    const struct sim_function *function, char visible_name[SIM_TEXT_MAX])
{
    if (!world->federations[from].linked[to] || !function->is_public) {
        return false;
    }
    if (world->federations[to].rejects_b && function->name[0] == 'b') {
        return false;
    }
    snprintf(
        visible_name, SIM_TEXT_MAX, "%.8s.%.80s", world->federations[from].name, function->name);
    return true;
}

static struct policy *
draw_policy(struct sim_world *world, uint32_t own, uint32_t far)
{
    char template[SIM_TEXT_MAX];
    char far_b[SIM_TEXT_MAX];
    char far_all[SIM_TEXT_MAX];
    snprintf(template, sizeof(template), "%.8s.{name**}", world->federations[own].name);
    snprintf(far_b, sizeof(far_b), "%.8s.b**", world->federations[far].name);
    snprintf(far_all, sizeof(far_all), "%.8s.**", world->federations[far].name);
    struct span internal = SPAN("internal");
    struct span public = SPAN("public");
    struct span everything = SPAN("{name**}");
    struct span far_b_span = span_from_text(far_b);
    struct span far_all_span = span_from_text(far_all);
    const struct policy_rule_source exports[] = {
        { .id = SPAN("no-internal"),
            .tags = { .any = { &internal, 1 } },
            .action = POLICY_REJECT,
            .reason = SPAN("internal") },
        { .id = SPAN("public"),
            .functions = { &everything, 1 },
            .tags = { .all = { &public, 1 } },
            .set_function = span_from_text(template),
            .limits = world->federations[own].call_limits[POLICY_EXPORT],
            .action = POLICY_ACCEPT },
    };
    const struct policy_rule_source reject_b = {
        .id = SPAN("no-b"),
        .functions = { &far_b_span, 1 },
        .action = POLICY_REJECT,
    };
    const struct policy_rule_source accept = {
        .id = SPAN("far"),
        .functions = { &far_all_span, 1 },
        .limits = world->federations[own].call_limits[POLICY_IMPORT],
        .action = POLICY_ACCEPT,
    };
    struct policy_rule_source imports[2] = { reject_b, accept };
    bool rejects = world->federations[own].rejects_b;
    const struct policy_source source = {
        .name = SPAN("sim"),
        .rules = { exports, rejects ? imports : imports + 1 },
        .rule_count = { COUNT_OF(exports), rejects ? 2 : 1 },
    };
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, &world->mem, &fault);
    CHECK(policy != NULL);
    return policy;
}

static uint64_t
draw_limit(struct prng *prng, uint64_t least, uint64_t most)
{
    uint64_t drawn = least + prng_below(prng, most - least + 1);
    return prng_below(prng, 3) == 0 ? drawn : 0;
}

/* Each kind is so tight that it refuses some of the calls of a world, and lets others pass. */
static void
draw_call_limits(struct sim_world *world)
{
    /* Chance of its own: the rest of a seed's world is what it was before there were limits. */
    struct prng prng = { .state = ~world->seed };
    for (uint32_t i = 0; i < world->federation_count; i++) {
        for (uint32_t direction = 0; direction < 2; direction++) {
            struct policy_call_limits *limits = &world->federations[i].call_limits[direction];
            if (prng_below(&prng, 2) == 0) {
                continue;
            }
            *limits = (struct policy_call_limits){
                .rate = draw_limit(&prng, 1, 4),
                .rate_per_ns = SEC_NS,
                .burst = 1 + prng_below(&prng, 3),
                .in_flight = draw_limit(&prng, 1, 2),
                .timeout_ns = draw_limit(&prng, 20, 200) * MS_NS,
                .args_size = draw_limit(&prng, 5, 7),
                .result_size = draw_limit(&prng, 10, 40),
            };
        }
    }
}

static void
draw_habits(struct sim_world *world)
{
    /* Chance of its own, too: see draw_call_limits. */
    struct prng prng = { .state = world->seed ^ UINT64_C(0x756e72656164) };
    bool any = prng_below(&prng, 2) == 0;
    for (uint32_t i = 0; i < world->host_count; i++) {
        struct sim_host *host = &world->hosts[i];
        host->calls_unread = any && !host->is_bridge && prng_below(&prng, 2) == 0;
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
    host->skew_ns = (int64_t)prng_below(&world->prng, 4000 * MS_NS) - 2000 * (int64_t)MS_NS;
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

static void
draw_functions(struct sim_world *world, struct sim_host *host)
{
    host->function_count = (uint32_t)prng_below(&world->prng, SIM_FUNCTIONS_MAX + 1);
    for (uint32_t i = 0; i < host->function_count; i++) {
        struct sim_function *function = &host->functions[i];
        /* Two nodes of a federation may serve the same name, one for all and one for itself. */
        uint32_t which = (uint32_t)prng_below(&world->prng, 3);
        function->is_public = prng_below(&world->prng, 3) != 0;
        snprintf(function->name, sizeof(function->name), "%s.f%u", verbs[i], which);
        host->tags[i] = function->is_public ? SPAN("public") : SPAN("internal");
        host->node_functions[i] = (struct node_function){
            .identity = {
                .name = span_from_text(function->name),
                .function_id = span_from_text(function->name),
                .version_text = SPAN("1.0.0"),
                .version = { .major = 1 },
            },
            .tags = { .items = &host->tags[i], .count = 1 },
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
    struct sim_host *host = add_host(world, federation, "b", 0);
    struct sim_federation *own = &world->federations[federation];
    own->bridge = host->index;
    host->is_bridge = true;
    snprintf(host->link_address, sizeof(host->link_address), "%.8s-bridge:9443", own->name);
    host->seeds[0] = span_from_text(world->hosts[own->nodes[0]].url);
    host->seed_count = 1;
    draw_member(world, host, &host->bridge_config.member);
}

static void
draw_links(struct sim_world *world, uint32_t federation)
{
    struct sim_federation *own = &world->federations[federation];
    struct sim_host *host = &world->hosts[own->bridge];
    struct bridge_config *config = &host->bridge_config;
    config->name = span_from_text(host->name);
    config->federation = span_from_text(own->name);
    config->links = host->links;
    config->call_timeout_ns = 30 * SEC_NS;
    config->memory_max = (size_t)256 * 1024 * 1024;
    for (uint32_t far = 0; far < world->federation_count; far++) {
        if (!own->linked[far]) {
            continue;
        }
        uint32_t at = config->link_count++;
        const struct sim_federation *other = &world->federations[far];
        host->link_targets[at] = span_from_text(world->hosts[other->bridge].link_address);
        host->policies[at] = draw_policy(world, federation, far);
        host->links[at] = (struct bridge_link_config){
            .policy = host->policies[at],
            .session = {
                .name = span_from_text(other->name),
                .federation = span_from_text(other->name),
                .own_federation = config->federation,
                .own_bridge = config->name,
                .addresses = &host->link_targets[at],
                .address_count = federation < far ? 1 : 0,
                .keepalive_ns = 2 * SEC_NS,
                .dial_timeout_ns = 5 * SEC_NS,
                .greeting_timeout_ns = 5 * SEC_NS,
                .retry_base_ns = 200 * MS_NS,
                .retry_cap_ns = 5 * SEC_NS,
            },
        };
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
        .freeze_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 100),
        .stall_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 300),
        .cut_permille = prng_below(prng, 3) == 0 ? 0 : (uint32_t)prng_below(prng, 100),
        .delay_max_ns = (1 + prng_below(prng, 50)) * MS_NS,
    };
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
    world->federation_count = 2 + (uint32_t)prng_below(&world->prng, SIM_FEDERATIONS_MAX - 1);
    for (uint32_t i = 0; i < world->federation_count; i++) {
        struct sim_federation *federation = &world->federations[i];
        static const char *const names[] = { "us", "eu", "ap", "af" };
        snprintf(federation->name, sizeof(federation->name), "%s", names[i]);
        federation->rejects_b = prng_below(&world->prng, 3) == 0;
        uint32_t nodes = 1 + (uint32_t)prng_below(&world->prng, SIM_NODES_MAX);
        for (uint32_t node = 1; node <= nodes; node++) {
            draw_node(world, i, node);
        }
        draw_bridge(world, i);
        for (uint32_t other = 0; other < i; other++) {
            bool linked = other == 0 || prng_below(&world->prng, 2) == 0;
            federation->linked[other] = linked;
            world->federations[other].linked[i] = linked;
        }
    }
    draw_call_limits(world);
    draw_habits(world);
    for (uint32_t i = 0; i < world->federation_count; i++) {
        draw_links(world, i);
    }
    draw_faults(world);
}
