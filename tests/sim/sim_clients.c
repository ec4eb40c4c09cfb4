/* SPDX-License-Identifier: Apache-2.0 */
/* sim_clients.c - callers and their account. */
#include "tests/sim/sim_clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_oracle.h"
#include "tests/sim/sim_probes.h"

/* A healed world answers within this: each function takes 200 ms at most, and each message 50. */
#define PROMPT_NS (3 * SEC_NS)

/* By a node once more over another bridge, and by each of these once more over another link. */
#define EXECUTED_MAX 4u

/* The longest that any call may take (sim_draw.c), and how long faults may hold it up on its way. */
#define LATE_NS ((30 + 120) * SEC_NS)

static const struct sim_function *
find_function(const struct sim_host *host, const char *name)
{
    for (uint32_t f = 0; f < host->function_count; f++) {
        if (strcmp(host->functions[f].name, name) == 0) {
            return &host->functions[f];
        }
    }
    return NULL;
}

/* May a call of `call` be executed as `function` on this very host, by what held since it was sent? */
static bool
may_execute(const struct sim_world *world, const struct sim_call *call, const struct sim_host *host,
    const char *function)
{
    const struct sim_function *known = find_function(host, function);
    const struct sim_since since = { .ns = call->sent_at };
    return known != NULL &&
           sim_oracle_explains(world, host, known, call->federation, call->name, since);
}

static bool
executes(void *owner, const struct sim_host *host, struct span function, struct span args)
{
    struct sim_clients *clients = owner;
    char text[SIM_TEXT_MAX];
    char name[SIM_TEXT_MAX];
    snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(args));
    snprintf(name, sizeof(name), "%.*s", SPAN_ARGS(function));
    bool succeeds;
    if (sim_probes_execute(clients->world, host, name, text, &succeeds)) {
        return succeeds;
    }
    unsigned long id = strtoul(text + 1, NULL, 10);
    if (text[0] != '[' || id >= clients->call_count) {
        sim_world_fail(
            clients->world, "%s executed %s with foreign arguments %s", host->name, name, text);
        return false;
    }
    struct sim_call *call = &clients->calls[id];
    if (!may_execute(clients->world, call, host, name)) {
        sim_world_fail(clients->world, "%s executed %s for call %lu of %s from %s: denied",
            host->name, name, id, call->name, clients->world->federations[call->federation].name);
    }
    call->passed = call->federation != host->federation &&
                   !clients->world->federations[call->federation].linked[host->federation];
    call->repeats = find_function(host, name)->repeats;
    if (++call->executed > (call->repeats ? EXECUTED_MAX : 1)) {
        sim_world_fail(
            clients->world, "call %lu of %s was executed %u times", id, call->name, call->executed);
    }
    return id % 7 != 0; /* some fail, as functions do */
}

/* The number behind `"key":` in `text`; 0: there is none. */
static unsigned long
number_of(const char *text, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof(quoted), "\"%s\":", key);
    const char *at = strstr(text, quoted);
    return at == NULL ? 0 : strtoul(at + strlen(quoted), NULL, 10);
}

/* A code that limits can cause, and whether these limits can. */
static bool
limits_explain(const struct policy_call_limits *limits, unsigned long code)
{
    return (code == CALL_RATE_LIMITED && limits->rate > 0) ||
           (code == CALL_OVERLOADED && limits->in_flight > 0) ||
           (code == CALL_PAYLOAD_TOO_LARGE && limits->args_size + limits->result_size > 0) ||
           (code == CALL_DEADLINE_EXCEEDED && limits->timeout_ns > 0);
}

static bool
bridge_explains(const struct sim_host *host, enum policy_direction direction, unsigned long code,
    uint64_t since)
{
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        for (uint32_t i = 0; i < host->use_count[link]; i++) {
            const struct sim_policy_use *use = &host->uses[link][i];
            if (use->until >= since && limits_explain(&use->rules.call_limits[direction], code)) {
                return true;
            }
        }
    }
    return false;
}

/* By the caller's own bridge on import, or by another one: on export, or when it only passes, on both. */
static bool
anybody_limits(
    const struct sim_world *world, const struct sim_call *call, bool near, unsigned long code)
{
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        bool own = host->federation == call->federation;
        if (host->is_bridge && own == near &&
            (bridge_explains(host, POLICY_IMPORT, code, call->sent_at) ||
                (!near && bridge_explains(host, POLICY_EXPORT, code, call->sent_at)))) {
            return true;
        }
    }
    return false;
}

/* An answer that names a rule was refused by limits: there must be some, of that kind, on that side. */
static void
judge_limits(struct sim_world *world, struct sim_call *call, const char *text)
{
    const char *rule = strstr(text, "\"rule\":\"");
    unsigned long code = number_of(text, "code");
    bool named = rule != NULL && rule[strlen("\"rule\":\"")] != '"';
    if (!named && code != CALL_RATE_LIMITED) {
        return;
    }
    bool near = strstr(text, "\"side\":\"near\"") != NULL;
    call->limited = true;
    call->kept_off = code == CALL_RATE_LIMITED || code == CALL_OVERLOADED;
    if (!named || !anybody_limits(world, call, near, code)) {
        sim_world_fail(world,
            "nobody has such a limit, yet a call of %s from %s was answered %.250s", call->name,
            world->federations[call->federation].name, text);
    }
}

static void
message(void *owner, uint32_t client, struct span bytes)
{
    struct sim_clients *clients = owner;
    char *text = malloc(bytes.size + 1);
    CHECK(text != NULL);
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    const char *u = strstr(text, "\"u\":\"call-");
    unsigned long id = u == NULL ? SIM_CALLS_MAX : strtoul(u + 10, NULL, 10);
    if (id >= clients->call_count) {
        sim_world_fail(clients->world, "a client got what it did not ask for: %.200s", text);
        free(text);
        return;
    }
    struct sim_call *call = &clients->calls[id];
    if (call->state == SIM_CALL_ANSWERED || call->client != client) {
        sim_world_fail(clients->world, "call %lu of %s was answered twice, or to another client",
            id, call->name);
    }
    call->state = SIM_CALL_ANSWERED;
    call->answered_at = clients->world->now_ns;
    snprintf(call->answer, sizeof(call->answer), "%.250s", text);
    call->succeeded = strstr(text, "\"by\":\"") != NULL;
    judge_limits(clients->world, call, text);
    if (call->succeeded && call->executed == 0) {
        sim_world_fail(
            clients->world, "call %lu of %s has a result that nobody made", id, call->name);
    }
    free(text);
}

static void
closed(void *owner, uint32_t client)
{
    struct sim_clients *clients = owner;
    clients->clients[client].stream = NULL;
    for (uint32_t i = 0; i < clients->call_count; i++) {
        struct sim_call *call = &clients->calls[i];
        if (call->client == client && call->state == SIM_CALL_OPEN) {
            call->state = SIM_CALL_EXCUSED;
        }
    }
}

void
sim_clients_init(struct sim_clients *clients, struct sim_world *world)
{
    memset(clients, 0, sizeof(*clients));
    clients->world = world;
    world->clients = (struct sim_client_events){
        .owner = clients,
        .message = message,
        .closed = closed,
        .executes = executes,
    };
}

static void
connect_client(struct sim_clients *clients, uint32_t index, uint32_t federation)
{
    struct sim_world *world = clients->world;
    struct sim_federation *own = &world->federations[federation];
    uint32_t node = own->nodes[prng_below(&world->prng, own->node_count)];
    struct sim_client *client = &clients->clients[index];
    client->federation = federation;
    client->stream = sim_world_connect(world, index, &world->hosts[node]);
}

static void
call(struct sim_clients *clients, uint32_t index, const char *name)
{
    struct sim_client *client = &clients->clients[index];
    char text[512];
    if (clients->call_count == SIM_CALLS_MAX || client->stream == NULL) {
        return;
    }
    uint32_t id = clients->call_count++;
    struct sim_call *made = &clients->calls[id];
    made->client = index;
    made->federation = client->federation;
    made->sent_at = clients->world->now_ns;
    snprintf(made->name, sizeof(made->name), "%s", name);
    int size = snprintf(text, sizeof(text),
        "{\"role\":\"rpc\",\"cmds\":[{\"name\":\"r\",\"fun\":\"%s\",\"args\":[%u]}],"
        "\"u\":\"call-%u\"}",
        name, id, id);
    sim_world_client_send(clients->world, client->stream, span_from(text, (size_t)size));
}

/* A name that the federation's bridge offers. false: it offers none, or is not there. */
static bool
draw_offered(struct sim_world *world, uint32_t federation, char name[SIM_TEXT_MAX])
{
    const struct sim_federation *own = &world->federations[federation];
    const struct sim_host *host =
        &world->hosts[own->bridges[prng_below(&world->prng, own->bridge_count)]];
    const struct catalog_entry *entry;
    size_t cursor = 0;
    uint64_t count = 0;
    const struct catalog *catalog =
        host->alive ? member_catalog(bridge_member(host->bridge)) : NULL;
    while (catalog != NULL && (entry = catalog_next(catalog, &cursor)) != NULL) {
        struct span offered = identity_name(entry->identity);
        bool counts = span_is(catalog_endpoint(entry).key.node_id, host->url) &&
                      span_find(offered, '.') < offered.size;
        /* Each of them is as likely as the others. */
        count += counts;
        if (counts && prng_below(&world->prng, count) == 0) {
            snprintf(name, SIM_TEXT_MAX, "%.*s", SPAN_ARGS(offered));
        }
    }
    return count > 0;
}

/* A name that somebody may know: of any federation, as its own, as exported, or as no one exports it. */
static void
draw_name(struct sim_world *world, uint32_t federation, char name[SIM_TEXT_MAX])
{
    struct prng *prng = &world->prng;
    const struct sim_host *host = &world->hosts[prng_below(prng, world->host_count)];
    const char *function = host->function_count == 0
                               ? "no.such"
                               : host->functions[prng_below(prng, host->function_count)].name;
    const char *whose = world->federations[host->federation].name;
    const char *by = world->federations[prng_below(prng, world->federation_count)].name;
    uint64_t how = prng_below(prng, host->federation == federation ? 4 : 12);
    if (prng_below(prng, 2) == 0 && draw_offered(world, federation, name)) {
        return;
    }
    if (how < 3) {
        snprintf(name, SIM_TEXT_MAX, "%s", function);
    } else if (how == 3) {
        snprintf(name, SIM_TEXT_MAX, "%.8s.%.8s.%.70s", by, whose, function);
    } else if (how == 4) {
        snprintf(name, SIM_TEXT_MAX, "%.8s.both.%.70s", whose, strchr(function, '.') + 1);
    } else {
        snprintf(name, SIM_TEXT_MAX, "%.8s.%.80s", whose, function);
    }
}

void
sim_clients_act(struct sim_clients *clients)
{
    struct sim_world *world = clients->world;
    uint32_t index = (uint32_t)prng_below(&world->prng, SIM_CLIENTS);
    struct sim_client *client = &clients->clients[index];
    if (client->stream == NULL) {
        connect_client(clients, index, (uint32_t)prng_below(&world->prng, world->federation_count));
    } else if (prng_below(&world->prng, 50) == 0) {
        sim_world_reset(world, client->stream);
    } else {
        char name[SIM_TEXT_MAX];
        draw_name(world, client->federation, name);
        call(clients, index, name);
    }
}

/* A federation of which everything is to be called, from another one. */
struct round {
    struct sim_clients *clients;
    uint32_t federation;
    uint32_t name_count; /* of one function: several roads may lead to each */
    char names[SIM_LINKS_MAX][SIM_TEXT_MAX];
};

static void
call_found(
    void *owner, const struct sim_host *bridge, const char *name, const struct sim_rules *import)
{
    struct round *round = owner;
    (void)import;
    if (bridge->federation != round->federation) {
        return;
    }
    for (uint32_t i = 0; i < round->name_count; i++) {
        if (strcmp(round->names[i], name) == 0) {
            return;
        }
    }
    CHECK(round->name_count < COUNT_OF(round->names));
    snprintf(round->names[round->name_count++], SIM_TEXT_MAX, "%s", name);
    call(round->clients, 0, name);
}

static void
call_from(struct sim_clients *clients, uint32_t federation, uint32_t far)
{
    struct sim_world *world = clients->world;
    const struct sim_federation *own = &world->federations[far];
    struct round round = { .clients = clients, .federation = federation };
    const struct sim_since now = { .ns = world->now_ns };
    for (uint32_t i = 0; i < own->node_count; i++) {
        const struct sim_host *host = &world->hosts[own->nodes[i]];
        for (uint32_t f = 0; f < host->function_count; f++) {
            const struct sim_function *function = &host->functions[f];
            if (far == federation) {
                call(clients, 0, function->name);
            } else {
                round.name_count = 0;
                sim_oracle_search(world, host, function, now, call_found, &round);
            }
        }
    }
}

uint32_t
sim_clients_call_everything(struct sim_clients *clients)
{
    struct sim_world *world = clients->world;
    uint32_t first = clients->call_count;
    for (uint32_t federation = 0; federation < world->federation_count; federation++) {
        connect_client(clients, 0, federation);
        for (uint32_t far = 0; far < world->federation_count; far++) {
            call_from(clients, federation, far);
        }
        /* The next connection gets the index; this one's answers still come. */
        sim_world_run(world, world->now_ns + PROMPT_NS);
    }
    return first;
}

void
sim_clients_check(struct sim_clients *clients, uint32_t first)
{
    for (uint32_t i = 0; i < clients->call_count; i++) {
        const struct sim_call *made = &clients->calls[i];
        if (made->state == SIM_CALL_OPEN) {
            sim_world_fail(clients->world, "call %u of %s, sent at %.3f s, was never answered", i,
                made->name, (double)made->sent_at / 1e9);
        }
        if (made->kept_off && made->executed > 0 && !made->repeats) {
            sim_world_fail(clients->world, "call %u of %s was executed, and answered %s", i,
                made->name, made->answer);
        }
        bool answered = made->state == SIM_CALL_ANSWERED;
        uint64_t took_ns = answered ? made->answered_at - made->sent_at : 0;
        if (took_ns > (i >= first ? PROMPT_NS : LATE_NS)) {
            sim_world_fail(clients->world, "call %u of %s was answered after %.3f s: %s", i,
                made->name, (double)took_ns / 1e9, made->answer);
        }
        bool should = i >= first && i % 7 != 0 && !made->limited;
        if (should && (!answered || !made->succeeded)) {
            sim_world_fail(clients->world,
                "call %u of %s from %s did not succeed in a healed world: %s", i, made->name,
                clients->world->federations[made->federation].name, made->answer);
        }
    }
}

uint32_t
sim_clients_passed(const struct sim_clients *clients)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < clients->call_count; i++) {
        count += clients->calls[i].succeeded && clients->calls[i].passed;
    }
    return count;
}

uint32_t
sim_clients_limited(const struct sim_clients *clients)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < clients->call_count; i++) {
        count += clients->calls[i].limited;
    }
    return count;
}
