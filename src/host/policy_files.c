/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_files.c - from files to a network of policies, and from its chains back to places in files.
 */
#include "host/policy_files.h"

bool
policy_files_init(struct policy_files *files, struct policy_yaml *const *loaded, size_t count,
    struct wall since, struct arena *arena)
{
    struct policy_member *members = arena_take(arena, count * sizeof(*members));
    *files = (struct policy_files){ .network = { .members = members, .since = since } };
    files->loaded = arena_take(arena, count * sizeof(*files->loaded));
    if (members == NULL || files->loaded == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (loaded[i]->federation.size > 0) {
            uint32_t member = files->network.member_count;
            members[member] = (struct policy_member){
                .federation = loaded[i]->federation,
                .far = loaded[i]->link_federations,
                .policy = loaded[i]->policy,
            };
            files->loaded[member] = loaded[i];
            files->network.member_count++;
        }
    }
    return true;
}

/* ---- only ---- */

struct only {
    const struct policy_assertion *assertion;
    struct arena *arena;
    struct policy_proof *proof;
};

static void
judge_chain(void *host, const struct policy_chain *chain, const struct policy_passage *passage,
    bool is_loop)
{
    struct only *only = host;
    struct policy_proof *proof = only->proof;
    uint32_t last = chain->federation_count - 1;
    bool allowed =
        is_loop || text_list_has(&only->assertion->assert.federations, chain->federations[last]);
    if (allowed || proof->result == PROVE_BROKEN || passage->passing == POLICY_PASSES_NOTHING) {
        return;
    }
    struct span *through = arena_take(only->arena, last * sizeof(*through));
    if (passage->passing == POLICY_PASSES_UNDECIDED || through == NULL) {
        *proof = (struct policy_proof){ .result = PROVE_UNDECIDED,
            .doubt = through == NULL ? PROVE_NO_MEMORY : passage->doubt };
        return;
    }
    for (uint32_t i = 1; i < last; i++) {
        through[i - 1] = chain->federations[i];
    }
    *proof = (struct policy_proof){
        .result = PROVE_BROKEN,
        .in = passage->in,
        .at = passage->at,
        .action = POLICY_ACCEPT,
        .rule = passage->rules[0],
        .rule_id = passage->rule_ids[0],
        .becomes = passage->names[0],
        .reaches = chain->federations[last],
        .through = { .items = through, .count = last - 1 },
    };
}

void
policy_files_prove_only(const struct policy_files *files, const struct policy_yaml *loaded,
    const struct policy_assertion *assertion, struct arena *arena, struct policy_proof *proof)
{
    struct only only = { .assertion = assertion, .arena = arena, .proof = proof };
    struct policy_tour tour = {
        .network = &files->network, .arena = arena, .visit = judge_chain, .host = &only
    };
    for (uint32_t i = 0; i < files->network.member_count; i++) {
        if (files->loaded[i] == loaded) {
            tour.first_member = i;
            policy_network_tour(&tour, loaded->federation);
        }
    }
}

/* ---- Warnings ---- */

static void
report_passing_on(const struct policy_files *files, const struct policy_chain *chain,
    const struct policy_passage *passage, struct yaml_errors *errors)
{
    const struct policy_yaml *ours = files->loaded[chain->members[0]];
    const struct policy_yaml *theirs = files->loaded[chain->members[2]];
    struct yaml_place place = ours->rule_places[POLICY_EXPORT][passage->rules[0]];
    struct yaml_place there = theirs->rule_places[POLICY_EXPORT][passage->rules[2]];
    yaml_errors_add(errors, YAML_WARNING, place,
        "what rule '%.*s' exports to '%.*s' is passed on to '%.*s': '%.*s', for example",
        SPAN_ARGS(passage->rule_ids[0]), SPAN_ARGS(chain->federations[1]),
        SPAN_ARGS(chain->federations[2]), SPAN_ARGS(passage->in.identity.name));
    yaml_errors_hint(errors,
        "rule '%.*s' at %s:%u:%u has transit; if that is meant, name '%.*s' in an assert with only",
        SPAN_ARGS(passage->rule_ids[2]), there.file, there.line, there.column,
        SPAN_ARGS(chain->federations[2]));
}

/* What one file exports, another lets in, and a third exports again to `to`. */
static void
lint_chain(const struct policy_files *files, const uint32_t members[3], struct span to,
    struct arena *arena, struct yaml_errors *errors)
{
    const struct policy_member *all = files->network.members;
    struct policy_passage passage;
    struct policy_chain chain = {
        .federations = { all[members[0]].federation, all[members[1]].federation, to },
        .federation_count = 3,
        .members = { members[0], members[1], members[2] },
        .step_count = 3,
    };
    policy_network_prove(&files->network, &chain, arena, &passage);
    if (passage.passing == POLICY_PASSES) {
        report_passing_on(files, &chain, &passage, errors);
    }
}

/* The one policy leads to the federation of the other, and back. */
static bool
meet(const struct policy_member *a, const struct policy_member *b)
{
    return text_list_has(&a->far, b->federation) && text_list_has(&b->far, a->federation);
}

/* An assert of the file says that what it exports may reach that federation. */
static bool
is_foreseen(const struct policy_yaml *loaded, struct span federation)
{
    bool foreseen = false;
    for (uint32_t i = 0; i < loaded->assert_count && !foreseen; i++) {
        const struct policy_assert *said = &loaded->asserts[i].assert;
        foreseen = said->claim == POLICY_ONLY && text_list_has(&said->federations, federation);
    }
    return foreseen;
}

static void
lint_pair(const struct policy_files *files, uint32_t from, uint32_t through, struct arena *arena,
    struct yaml_errors *errors)
{
    const struct policy_network *network = &files->network;
    struct span home = network->members[from].federation;
    struct span via = network->members[through].federation;
    for (uint32_t i = 0; i < network->member_count; i++) {
        const struct policy_member *third = &network->members[i];
        for (uint32_t j = 0; span_equal(third->federation, via) && j < third->far.count; j++) {
            struct span to = third->far.items[j];
            if (!span_equal(to, home) && !is_foreseen(files->loaded[from], to)) {
                lint_chain(files, (uint32_t[]){ from, through, i }, to, arena, errors);
            }
        }
    }
}

void
policy_files_lint(const struct policy_files *files, struct arena *arena, struct yaml_errors *errors)
{
    const struct policy_network *network = &files->network;
    for (uint32_t i = 0; i < network->member_count; i++) {
        for (uint32_t j = 0; j < network->member_count; j++) {
            if (meet(&network->members[i], &network->members[j])) {
                lint_pair(files, i, j, arena, errors);
            }
        }
    }
}
