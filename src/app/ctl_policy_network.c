/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_network.c - the ways between federations, as a table or as JSON.
 *
 * For each pair of federations there is at least one row: the ways by which borders lead from one to the other, as long as
 * something comes that far, or that there is none.
 */
#include "app/ctl_policy_network.h"

#include <stdio.h>

#include "app/ctl_json.h"
#include "app/ctl_policy.h"
#include "app/ctl_table.h"

#define TEXT_SIZE_MAX ((size_t)16 * 1024)

struct printing {
    const struct ctl *ctl;
    const struct policy_files *files;
    struct arena *arena;
    struct ctl_table table;
    struct span from;
    bool *reached; /* by member: there was a row for its federation */
};

/* ---- One row ---- */

static json_t *
json_of_steps(const struct policy_chain *chain, const struct policy_passage *passage)
{
    json_t *steps = json_array();
    for (uint32_t i = 0; passage->passing == POLICY_PASSES && i < chain->step_count; i++) {
        struct span where = chain->federations[(i + 1) / 2];
        (void)json_array_append_new(steps,
            json_pack("{s:o,s:s,s:o,s:o}", "federation", ctl_policy_json(where), "direction",
                i % 2 == 0 ? "export" : "import", "rule", ctl_policy_json(passage->rule_ids[i]),
                "function", ctl_policy_json(passage->names[i])));
    }
    return steps;
}

static void
print_line(const struct policy_chain *chain, const struct policy_passage *passage, bool is_loop)
{
    uint32_t last = chain->federation_count - 1;
    bool passes = passage->passing == POLICY_PASSES;
    json_t *through = json_array();
    for (uint32_t i = 1; i < last; i++) {
        (void)json_array_append_new(through, ctl_policy_json(chain->federations[i]));
    }
    /* null: it is not known. */
    json_t *known =
        passage->passing == POLICY_PASSES_UNDECIDED ? json_null() : json_boolean(passes);
    ctl_print_json(json_pack("{s:o,s:o,s:o,s:b,s:o,s:o,s:o,s:s?}", "from",
        ctl_policy_json(chain->federations[0]), "to", ctl_policy_json(chain->federations[last]),
        "through", through, "loop", is_loop, "passes", known, "function",
        passes ? ctl_policy_json(passage->in.identity.name) : json_null(), "steps",
        json_of_steps(chain, passage), "why",
        passage->passing == POLICY_PASSES_UNDECIDED ? prove_doubt_text(passage->doubt) : NULL));
}

/* "a.x -> us.a.x by 'out' -> us.a.x by 'in'". */
static void
write_steps(const struct policy_chain *chain, const struct policy_passage *passage, struct buf *out)
{
    if (passage->passing == POLICY_PASSES_UNDECIDED) {
        buf_add_text(out, prove_doubt_text(passage->doubt));
    }
    if (passage->passing != POLICY_PASSES) {
        return;
    }
    buf_add(out, passage->in.identity.name);
    for (uint32_t i = 0; i < chain->step_count; i++) {
        buf_add_text(out, " -> ");
        buf_add(out, passage->names[i]);
        buf_add_text(out, " by '");
        buf_add(out, passage->rule_ids[i]);
        buf_add_text(out, "'");
    }
}

static void
add_row(struct printing *printing, const struct policy_chain *chain,
    const struct policy_passage *passage, bool is_loop)
{
    struct buf parts[4]; /* from, to, through, steps */
    uint32_t last = chain->federation_count - 1;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        buf_init(&parts[i], printing->arena->mem, TEXT_SIZE_MAX);
    }
    buf_add(&parts[0], chain->federations[0]);
    buf_add(&parts[1], chain->federations[last]);
    for (uint32_t i = 1; i < last; i++) {
        buf_add_text(&parts[2], i > 1 ? ", " : "");
        buf_add(&parts[2], chain->federations[i]);
    }
    write_steps(chain, passage, &parts[3]);
    const char *result = is_loop && passage->passing == POLICY_PASSES
                             ? "loop"
                             : policy_passing_name(passage->passing);
    const char *row[] = { ctl_policy_text(&parts[0]), ctl_policy_text(&parts[1]),
        ctl_policy_text(&parts[2]), result, ctl_policy_text(&parts[3]) };
    ctl_table_add(&printing->table, row);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        buf_destroy(&parts[i]);
    }
}

static void
print_way(void *host, const struct policy_chain *chain, const struct policy_passage *passage,
    bool is_loop)
{
    struct printing *printing = host;
    const struct policy_network *network = &printing->files->network;
    struct span last = chain->federations[chain->federation_count - 1];
    /* That nothing comes back is as it should be. */
    if (is_loop && passage->passing == POLICY_PASSES_NOTHING) {
        return;
    }
    for (uint32_t i = 0; i < network->member_count; i++) {
        if (span_equal(network->members[i].federation, last)) {
            printing->reached[i] = true;
        }
    }
    if (printing->ctl->json) {
        print_line(chain, passage, is_loop);
    } else {
        add_row(printing, chain, passage, is_loop);
    }
}

/* ---- All of them ---- */

/* Federations to which no border led that anything crosses. */
static void
print_unreached(struct printing *printing)
{
    const struct policy_network *network = &printing->files->network;
    const struct policy_passage nothing = { .passing = POLICY_PASSES_NOTHING };
    for (uint32_t i = 0; i < network->member_count; i++) {
        struct span to = network->members[i].federation;
        struct policy_chain chain = { .federations = { printing->from, to },
            .federation_count = 2 };
        if (policy_network_is_first(network, i) && !printing->reached[i] &&
            !span_equal(to, printing->from)) {
            print_way(printing, &chain, &nothing, false);
        }
    }
}

void
ctl_policy_print_network(
    const struct ctl *ctl, const struct policy_files *files, struct arena *arena)
{
    static const char *const heads[] = { "FROM", "TO", "THROUGH", "RESULT", "EXAMPLE" };
    const struct policy_network *network = &files->network;
    struct printing printing = { .ctl = ctl, .files = files, .arena = arena };
    struct policy_tour tour = { .network = network,
        .arena = arena,
        .first_member = POLICY_ANY_MEMBER,
        .visit = print_way,
        .host = &printing };
    ctl_table_init(&printing.table, heads, COUNT_OF(heads));
    for (uint32_t i = 0; i < network->member_count; i++) {
        printing.from = network->members[i].federation;
        printing.reached = arena_take(arena, network->member_count * sizeof(bool));
        if (policy_network_is_first(network, i) && printing.reached != NULL) {
            policy_network_tour(&tour, printing.from);
            print_unreached(&printing);
        }
    }
    if (printing.table.row_count > 0) {
        (void)printf("\n");
        ctl_table_print(&printing.table, stdout);
    }
    ctl_table_destroy(&printing.table);
}
