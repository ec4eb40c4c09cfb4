/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_table.c - a large table on its way: a node of us tells of N functions, the bridge of us judges each by a policy
 * of a thousand rules, the bridge of eu lets them into its cluster and tells its nodes. Then one function goes, and
 * then the policy changes under a running bridge.
 *
 *     bench_table [N]      100,000 functions if not said
 *
 * Two whole engines in one process, with nothing between them but bytes. Only time inside the engines counts.
 *
 * Three tables of each bridge hold an advertisement: us has it in the catalog of its cluster, among the services that
 * export policy judges, and among the exports of its link; eu among the imports of its link, among the offers that were
 * chosen, and in its catalog. What a table takes is all of it: entries, texts, lists, and the indexes that find them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

#define COUNT_DEFAULT 100000u
#define RULES         1000u
#define BATCH         50u
#define NAME_SIZE     48u
#define TABLES        3u /* of each bridge; see above */

enum { US, EU };

static struct rig rig;
static struct rig_peer *us_node;
static uint64_t engine_ns[2]; /* by bridge */
static uint64_t longest_ns;   /* of one step */
static char names[BATCH][NAME_SIZE];

static uint64_t
processor_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * SEC_NS + (uint64_t)time.tv_nsec;
}

static void
timed_step(uint32_t bridge, const struct event *event)
{
    uint64_t begin_ns = processor_ns();
    const struct actions *actions = bridge_step(rig.bridges[bridge].bridge, event, rig.now);
    uint64_t took_ns = processor_ns() - begin_ns;
    engine_ns[bridge] += took_ns;
    longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    for (uint32_t i = 0; i < actions->count; i++) {
        rig_act(&rig, bridge, &actions->list[i]);
    }
}

static bool
tick_due(void)
{
    for (uint32_t i = 0; i < rig.bridge_count; i++) {
        if (instant_reached(bridge_deadline(rig.bridges[i].bridge, rig.now), rig.now.mono)) {
            const struct event tick = { .kind = EVENT_TICK };
            timed_step(i, &tick);
            return true;
        }
    }
    return false;
}

/* Until nothing is under way. What nodes were told is thrown away, and with it all bytes that were under way. */
static void
run(void)
{
    while (rig.queue_count > 0 || tick_due()) {
        if (rig.queue_count == 0) {
            continue;
        }
        struct rig_delivery delivery = rig.queue[rig.queue_first];
        rig.queue_first = (rig.queue_first + 1) % RIG_QUEUE_MAX;
        rig.queue_count--;
        if (delivery.bridge != RIG_SCRIPT) {
            timed_step(delivery.bridge, &delivery.event);
        }
    }
    arena_reset(&rig.wire.arena);
}

static void
say(struct delta *delta)
{
    char id[32];
    int size = snprintf(id, sizeof(id), "gossip-%lu", (unsigned long)++rig.numbers);
    const struct gossip_header header = {
        .message_id = span_from(id, (size_t)size),
        .type_text = SPAN("catalog_update"),
        .sender_id = us_node->url,
        .sequence_number = (int64_t)rig.numbers,
        .travels = true,
        .now = rig.now.wall,
    };
    delta->cluster_id = SPAN("us");
    delta->sent_at = rig.now.wall;
    delta->has_sent_at = true;
    buf_reset(&rig.wire.out);
    gossip_encode_begin(&rig.wire.out, &header);
    delta_encode(&rig.wire.out, delta);
    gossip_encode_end(&rig.wire.out, &header);
    rig_push_event(&rig, us_node->conn, 0,
        (struct event){ .kind = EVENT_MESSAGE, .bytes = rig_keep(&rig, buf_span(&rig.wire.out)) });
    run();
}

/* teamT.serviceS.opI: every rule of the policy has its share. */
static struct function_endpoint
endpoint_of(uint32_t index, char *name)
{
    static const struct span tags[] = { T("public"), T("bench") };
    snprintf(name, NAME_SIZE, "team%u.service%u.op%u", index % RULES, index / RULES % 10, index);
    return rig_peer_endpoint(&rig, us_node,
        (struct rib_facts){ .name = name, .tags = { .items = tags, .count = COUNT_OF(tags) } });
}

static void
fill(uint32_t count)
{
    struct function_endpoint endpoints[BATCH];
    for (uint32_t i = 0; i < count;) {
        struct delta delta = { .functions = endpoints };
        for (; delta.function_count < BATCH && i < count; i++) {
            endpoints[delta.function_count] = endpoint_of(i, names[delta.function_count]);
            delta.function_count++;
        }
        say(&delta);
    }
}

static void
withdraw_one(uint32_t index)
{
    struct function_endpoint endpoint = endpoint_of(index, names[0]);
    struct delta delta = { .function_removals = &endpoint.key, .function_removal_count = 1 };
    say(&delta);
}

/* A rule for each team: it renames, wants a tag, and sets what it can. */
static struct policy *
many_rules(const char *prefix)
{
    static struct policy_rule_source rules[RULES];
    static char texts[RULES][3][NAME_SIZE];
    static const struct span wanted[] = { T("public") };
    static const struct policy_rule_source all[] = { RULE_ALL };
    for (uint32_t i = 0; i < RULES; i++) {
        snprintf(texts[i][0], NAME_SIZE, "r%u", i);
        snprintf(texts[i][1], NAME_SIZE, "team%u.{rest**}", i);
        snprintf(texts[i][2], NAME_SIZE, "%s.team%u.{rest}", prefix, i);
        rules[i] = (struct policy_rule_source){
            .id = span_from_text(texts[i][0]),
            .functions = { .items = (struct span[]){ span_from_text(texts[i][1]) }, .count = 1 },
            .tags.all = { .items = wanted, .count = 1 },
            .set_function = span_from_text(texts[i][2]),
            .action = POLICY_ACCEPT,
        };
        struct span *pattern = arena_take(&rig.wire.arena, sizeof(*pattern));
        CHECK(pattern != NULL);
        *pattern = span_from_text(texts[i][1]);
        rules[i].functions.items = pattern;
    }
    return rig_policy(&rig, rules, RULES, all, 1);
}

static void
open_bridges(uint32_t count)
{
    static const struct policy_rule_source all[] = { RULE_ALL };
    rig_open(&rig);
    rig.function_count_max = CATALOG_FUNCTIONS_MAX;
    rig.memory_max = (size_t)count * 8192 + (size_t)1024 * 1024 * 1024;
    const struct rig_link us[] = { { "eu", "eu", many_rules("us") } };
    const struct rig_link eu[] = { { "us", NULL, rig_policy(&rig, all, 1, all, 1) } };
    rig_add_bridge(&rig, "us", us, 1);
    rig_add_bridge(&rig, "eu", eu, 1);
    rig_start(&rig);
    us_node = rig_peer_join(&rig, US, "ws://us-node:1");
    rig_peer_join(&rig, EU, "ws://eu-node:1");
    rig_run(&rig);
}

static size_t
memory_of(uint32_t bridge)
{
    return bridge_stats(rig.bridges[bridge].bridge).memory_used;
}

/* What the system says that this process has of memory. */
static size_t
resident(void)
{
    unsigned long pages[2] = { 0, 0 };
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "%lu %lu", &pages[0], &pages[1]) == 2);
    CHECK(fclose(file) == 0);
    return (size_t)pages[1] * (size_t)sysconf(_SC_PAGESIZE);
}

static void
begin(void)
{
    engine_ns[US] = 0;
    engine_ns[EU] = 0;
    longest_ns = 0;
}

static double
ms(uint64_t ns)
{
    return (double)ns / (double)MS_NS;
}

static void
bench_filling(uint32_t count)
{
    size_t before[2] = { memory_of(US), memory_of(EU) };
    size_t resident_before = resident();
    begin();
    fill(count);
    size_t resident_size = resident() - resident_before;
    CHECK(rig_link_stats(&rig, EU, 0).import_accepted == count);
    double us_rate = (double)count * 1e9 / (double)engine_ns[US];
    double eu_rate = (double)count * 1e9 / (double)engine_ns[EU];
    double seconds = (double)(engine_ns[US] + engine_ns[EU]) / 1e9;
    printf("%u functions, in at a node of us, through %u rules, over the link, out to eu's node:\n",
        count, RULES);
    printf(
        "  us %.0f/s, eu %.0f/s of one core; both, one after the other: %.2f s; the longest step "
        "%.1f ms\n",
        us_rate, eu_rate, seconds, ms(longest_ns));
    double us_bytes = (double)(memory_of(US) - before[US]) / count;
    double eu_bytes = (double)(memory_of(EU) - before[EU]) / count;
    double resident_bytes = (double)resident_size / count;
    printf("  bytes a function: us %.0f (catalog, services, exports), eu %.0f (imports, offers, "
           "catalog)\n",
        us_bytes, eu_bytes);
    printf("  and a table: us %.0f, eu %.0f; resident, with all that the allocator adds: %.0f\n",
        us_bytes / TABLES, eu_bytes / TABLES, resident_bytes / (2 * TABLES));
}

static void
bench_withdrawal(uint32_t count)
{
    begin();
    withdraw_one(count / 2);
    CHECK(rig_link_stats(&rig, EU, 0).import_accepted == count - 1);
    printf("one of them goes: us %.3f ms, eu %.3f ms\n", ms(engine_ns[US]), ms(engine_ns[EU]));
}

static void
bench_reload(const char *what, const char *prefix, uint32_t count)
{
    struct policy *policy = many_rules(prefix);
    const struct reload_request request = { .policies = &policy, .apply = true, .force = true };
    begin();
    CHECK(bridge_reload_begin(rig.bridges[US].bridge, &request));
    run();
    CHECK(bridge_reload(rig.bridges[US].bridge)->outcome == RELOAD_APPLIED);
    CHECK(rig_link_stats(&rig, EU, 0).import_accepted == count - 1);
    printf("reload, %s: us %.0f ms, eu %.0f ms in all; the longest step %.1f ms\n", what,
        ms(engine_ns[US]), ms(engine_ns[EU]), ms(longest_ns));
}

int
main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : COUNT_DEFAULT;
    open_bridges(count);
    bench_filling(count);
    bench_withdrawal(count);
    bench_reload("the policy says the same", "us", count);
    bench_reload("every function gets another name", "usa", count);
    return 0;
}
