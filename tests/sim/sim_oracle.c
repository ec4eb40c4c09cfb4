/* SPDX-License-Identifier: Apache-2.0 */
/* sim_oracle.c - a search over the true topology. */
#include "tests/sim/sim_oracle.h"

#include <stdio.h>
#include <string.h>

/* An advertisement starts with so many (advertisement.h); each link costs one. */
#define HOPS 5

/* A bridge judges in steps: what a rule's edge changes is seen in the next. */
#define WINDOW_SLACK_NS (20 * (int64_t)SEC_NS)

struct search {
    const struct sim_world *world;
    struct sim_since since;
    bool is_public;
    sim_oracle_found found;
    void *owner;
};

/* Names that one hop makes, each once. */
struct names {
    char items[32][SIM_TEXT_MAX];
    uint32_t count;
};

static bool
is_new(struct names *names, const char *name)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return false;
        }
    }
    CHECK(names->count < COUNT_OF(names->items));
    snprintf(names->items[names->count++], SIM_TEXT_MAX, "%s", name);
    return true;
}

static bool
counts(const struct search *search, const struct sim_policy_use *use)
{
    return use->until >= search->since.ns;
}

static bool
may_be_open(const struct search *search, const struct sim_host *host, const struct sim_rules *rules)
{
    int64_t first = SIM_EPOCH_NS + (int64_t)search->since.ns;
    int64_t last = SIM_EPOCH_NS + (int64_t)search->world->now_ns;
    if (first == last) {
        return sim_rules_open(rules, first + host->skew_ns, last + host->skew_ns);
    }
    /* The clock may have been set meanwhile. */
    return sim_rules_open(rules, first - SIM_SKEW_NS - WINDOW_SLACK_NS, last + SIM_SKEW_NS);
}

static void
export_over(const struct search *search, const struct sim_host *host, uint32_t link,
    const struct sim_fact *fact, struct names *names)
{
    for (uint32_t i = 0; i < host->use_count[link]; i++) {
        const struct sim_policy_use *use = &host->uses[link][i];
        char out[SIM_TEXT_MAX];
        if (counts(search, use) &&
            sim_rules_export(&use->rules, fact, may_be_open(search, host, &use->rules), out)) {
            (void)is_new(names, out);
        }
    }
}

/* On its way: at which bridge it is, and which federations it has passed, this one included. */
struct way {
    const struct sim_host *at;
    uint32_t passed;
    uint32_t hops;
};

static void pass(const struct search *search, struct way way, const char *name);

/* What was sent over a link is judged at its other end, and goes on from there. */
static void
arrive(const struct search *search, struct way way, const struct sim_host *host,
    const struct names *sent)
{
    uint32_t link = sim_world_link_to(host, way.at);
    struct names got = { .count = 0 };
    way = (struct way){
        .at = host,
        .passed = way.passed | UINT32_C(1) << host->federation,
        .hops = way.hops - 1,
    };
    for (uint32_t i = 0; i < host->use_count[link]; i++) {
        const struct sim_policy_use *use = &host->uses[link][i];
        for (uint32_t n = 0; counts(search, use) && n < sent->count; n++) {
            char in[SIM_TEXT_MAX];
            if (!sim_rules_import(&use->rules, sent->items[n], in)) {
                continue;
            }
            search->found(search->owner, host, in, &use->rules);
            if (is_new(&got, in)) {
                pass(search, way, in);
            }
        }
    }
}

static void
pass(const struct search *search, struct way way, const char *name)
{
    const struct sim_host *host = way.at;
    const struct sim_fact fact = {
        .name = name,
        .is_public = search->is_public,
        .passes = (way.passed & (way.passed - 1)) != 0, /* more than one federation */
    };
    for (uint32_t link = 0; way.hops > 0 && link < host->bridge_config.link_count; link++) {
        uint32_t far = host->link_far[link];
        if ((way.passed >> far & 1) == 0) {
            struct names sent = { .count = 0 };
            export_over(search, host, link, &fact, &sent);
            arrive(search, way, &search->world->hosts[host->link_host[link]], &sent);
        }
    }
}

void
sim_oracle_search(const struct sim_world *world, const struct sim_host *host,
    const struct sim_function *function, struct sim_since since, sim_oracle_found found,
    void *owner)
{
    const struct search search = {
        .world = world,
        .since = since,
        .is_public = function->is_public,
        .found = found,
        .owner = owner,
    };
    const struct sim_federation *own = &world->federations[host->federation];
    for (uint32_t i = 0; i < own->bridge_count; i++) {
        const struct way way = {
            .at = &world->hosts[own->bridges[i]],
            .passed = UINT32_C(1) << host->federation,
            .hops = HOPS,
        };
        pass(&search, way, function->name);
    }
}

struct question {
    uint32_t federation;
    const char *name;
    bool yes;
};

static void
answer(void *owner, const struct sim_host *bridge, const char *name, const struct sim_rules *import)
{
    struct question *question = owner;
    (void)import;
    question->yes = question->yes || (bridge->federation == question->federation &&
                                         strcmp(name, question->name) == 0);
}

bool
sim_oracle_explains(const struct sim_world *world, const struct sim_host *host,
    const struct sim_function *function, uint32_t federation, const char *name,
    struct sim_since since)
{
    if (federation == host->federation) {
        return strcmp(name, function->name) == 0;
    }
    struct question question = { .federation = federation, .name = name };
    sim_oracle_search(world, host, function, since, answer, &question);
    return question.yes;
}

static bool
anybody_explains(const struct sim_world *world, uint32_t federation, const char *name)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        for (uint32_t f = 0; host->federation != federation && f < host->function_count; f++) {
            if (sim_oracle_explains(world, host, &host->functions[f], federation, name, SIM_EVER)) {
                return true;
            }
        }
    }
    return false;
}

bool
sim_oracle_may_offer(struct sim_world *world, uint32_t federation, struct span name)
{
    /* Whatever may be offered may be offered for ever: policies are added, never taken away. */
    uint64_t key = federation + 1;
    for (size_t i = 0; i < name.size; i++) {
        key = (key ^ name.data[i]) * UINT64_C(0x100000001b3);
    }
    size_t at = key % SIM_KNOWN_MAX;
    while (world->known[at] != 0 && world->known[at] != key) {
        at = (at + 1) % SIM_KNOWN_MAX;
    }
    if (world->known[at] == key) {
        return true;
    }
    char text[SIM_TEXT_MAX];
    snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(name));
    if (!anybody_explains(world, federation, text)) {
        return false;
    }
    CHECK(world->known_count < SIM_KNOWN_MAX / 2);
    world->known_count++;
    world->known[at] = key;
    return true;
}
