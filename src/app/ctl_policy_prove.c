/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_prove.c - `mpregctl policy prove`: the asserts of policy files, proved without data.
 */
#include <inttypes.h>
#include <stdio.h>

#include "app/ctl_json.h"
#include "app/ctl_policy.h"
#include "app/ctl_policy_network.h"
#include "app/ctl_table.h"
#include "host/log_sink.h"
#include "host/policy_files.h"

#define TEXT_SIZE_MAX ((size_t)16 * 1024)

static const char help[] =
    "Usage: mpregctl [-o table|json] policy prove FILE...\n"
    "\n"
    "Proves the asserts in policy files for every function that there can be (docs/policy.md), or "
    "shows one that\n"
    "breaks them, in words for `mpregctl policy explain FILE`. Of several files it also tells what "
    "can reach which\n"
    "federation. With -o json each assert, and each way from one federation to another, is a line. "
    "Exit codes:\n"
    "0 all hold, 1 one does not or cannot be decided, or a file has errors.\n";

/* One file, and what was proved of its asserts. */
struct proved {
    struct policy_yaml *loaded;
    struct policy_proof *proofs;
};

struct proving {
    struct ctl *ctl;
    struct mem mem;
    struct arena arena;
    struct wall now;
    struct yaml_errors errors;
    struct proved *files; /* room for one an argument */
    size_t file_count;
    size_t counts[PROVE_UNDECIDED + 1];
    struct policy_files together;
};

/* ---- Words ---- */

/* "export function=a.b"; empty: there is no example. */
static void
write_example(const struct proving *proving, const struct policy_assertion *assertion,
    const struct policy_proof *proof, struct buf *out)
{
    buf_reset(out);
    if (proof->result == PROVE_BROKEN) {
        buf_add_text(out, ctl_policy_direction_name(assertion->assert.direction));
        policy_assert_write_example(proof, proving->now, out);
    }
}

/* "accepted by rule 'all' as us.x". */
static void
write_reason(const struct policy_proof *proof, struct buf *out)
{
    buf_reset(out);
    if (proof->result == PROVE_UNDECIDED) {
        buf_add_text(out, prove_doubt_text(proof->doubt));
    }
    if (proof->result != PROVE_BROKEN) {
        return;
    }
    bool accepted = proof->action == POLICY_ACCEPT;
    buf_add_text(out, accepted ? "accepted by rule '" : "rejected by rule '");
    buf_add(out, proof->rule_id);
    buf_add_text(out, "'");
    if (accepted && !span_equal(proof->becomes, proof->in.identity.name)) {
        buf_add_text(out, " as ");
        buf_add(out, proof->becomes);
    }
    if (proof->reaches.size > 0) {
        buf_add_text(out, ", reaches ");
        buf_add(out, proof->reaches);
    }
    for (uint32_t i = 0; i < proof->through.count; i++) {
        buf_add_text(out, i == 0 ? " through " : ", ");
        buf_add(out, proof->through.items[i]);
    }
}

typedef void (*visit_proof)(struct proving *proving, const struct policy_assertion *assertion,
    const struct policy_proof *proof, void *host);

static void
each_proof(struct proving *proving, visit_proof visit, void *host)
{
    for (size_t i = 0; i < proving->file_count; i++) {
        const struct proved *file = &proving->files[i];
        for (uint32_t j = 0; j < file->loaded->assert_count; j++) {
            visit(proving, &file->loaded->asserts[j], &file->proofs[j], host);
        }
    }
}

/* ---- The table ---- */

static void
add_row(struct proving *proving, const struct policy_assertion *assertion,
    const struct policy_proof *proof, void *host)
{
    struct buf parts[4]; /* place, assert, example, reason */
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        buf_init(&parts[i], &proving->mem, TEXT_SIZE_MAX);
    }
    buf_add_text(&parts[0], assertion->place.file);
    buf_add_text(&parts[0], ":");
    buf_add_decimal(&parts[0], assertion->place.line);
    buf_add(&parts[1], assertion->name);
    write_example(proving, assertion, proof, &parts[2]);
    write_reason(proof, &parts[3]);
    const char *row[] = { prove_result_name(proof->result), ctl_policy_text(&parts[0]),
        ctl_policy_text(&parts[1]), ctl_policy_text(&parts[2]), ctl_policy_text(&parts[3]) };
    ctl_table_add(host, row);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        buf_destroy(&parts[i]);
    }
}

static void
print_table(struct proving *proving)
{
    static const char *const heads[] = { "RESULT", "WHERE", "ASSERT", "EXAMPLE", "WHY" };
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    each_proof(proving, add_row, &table);
    if (table.row_count > 0) {
        ctl_table_print(&table, stdout);
    }
    ctl_table_destroy(&table);
    (void)printf("%zu hold, %zu broken, %zu undecided\n", proving->counts[PROVE_HOLDS],
        proving->counts[PROVE_BROKEN], proving->counts[PROVE_UNDECIDED]);
}

/* ---- JSON ---- */

static json_t *
json_of(struct buf *buf)
{
    return buf->size == 0 || buf->overflowed ? json_null() : ctl_policy_json(buf_span(buf));
}

static void
print_line(struct proving *proving, const struct policy_assertion *assertion,
    const struct policy_proof *proof, void *host)
{
    struct buf example;
    struct buf reason;
    (void)host;
    buf_init(&example, &proving->mem, TEXT_SIZE_MAX);
    buf_init(&reason, &proving->mem, TEXT_SIZE_MAX);
    write_example(proving, assertion, proof, &example);
    write_reason(proof, &reason);
    /* null: it is not known. */
    json_t *holds =
        proof->result == PROVE_UNDECIDED ? json_null() : json_boolean(proof->result == PROVE_HOLDS);
    ctl_print_json(json_pack("{s:o,s:o,s:o,s:s,s:i,s:o}", "holds", holds, "assert",
        ctl_policy_json(assertion->name), "counterexample", json_of(&example), "file",
        assertion->place.file, "line", (int)assertion->place.line, "why", json_of(&reason)));
    buf_destroy(&example);
    buf_destroy(&reason);
}

/* ---- The verb ---- */

static void
load_file(struct proving *proving, const char *path)
{
    struct policy_yaml *loaded =
        policy_yaml_load_file(path, &yaml_process_environment, &proving->mem, &proving->errors);
    if (loaded != NULL) {
        proving->files[proving->file_count] = (struct proved){ .loaded = loaded };
        proving->file_count++;
    }
}

/* Files that cannot take part in the view of all federations. */
static void
tell_left_out(const struct proving *proving)
{
    for (size_t i = 0; i < proving->file_count; i++) {
        const struct policy_yaml *loaded = proving->files[i].loaded;
        if (loaded->federation.size == 0) {
            (void)fprintf(stderr,
                "%s: %s does not say whose policy it is, and is left out of the network; add "
                "federation: NAME\n",
                proving->ctl->program, yaml_place(yaml_doc_root(loaded->doc)).file);
        }
    }
}

/* Whom an export reaches, the other files say as well. */
static void
prove_only(struct proving *proving, const struct proved *file)
{
    for (uint32_t i = 0; i < file->loaded->assert_count; i++) {
        const struct policy_assertion *assertion = &file->loaded->asserts[i];
        if (assertion->assert.claim == POLICY_ONLY) {
            policy_files_prove_only(
                &proving->together, file->loaded, assertion, &proving->arena, &file->proofs[i]);
        }
    }
}

/* false: no memory. */
static bool
prove_all(struct proving *proving)
{
    struct policy_yaml **loaded =
        arena_take(&proving->arena, proving->file_count * sizeof(struct policy_yaml *));
    for (size_t i = 0; loaded != NULL && i < proving->file_count; i++) {
        loaded[i] = proving->files[i].loaded;
    }
    if (loaded == NULL || !policy_files_init(&proving->together, loaded, proving->file_count,
                              proving->now, &proving->arena)) {
        return false;
    }
    for (size_t i = 0; i < proving->file_count; i++) {
        struct proved *file = &proving->files[i];
        file->proofs = policy_assert_prove(file->loaded, proving->now, &proving->arena);
        if (file->proofs == NULL) {
            return false;
        }
        prove_only(proving, file);
        for (uint32_t j = 0; j < file->loaded->assert_count; j++) {
            proving->counts[file->proofs[j].result]++;
        }
    }
    return true;
}

static int
prove(struct proving *proving)
{
    if (proving->errors.error_count > 0) {
        return ctl_policy_refuse(proving->ctl, &proving->errors);
    }
    if (!prove_all(proving)) {
        return ctl_fail(proving->ctl, "the asserts need too much memory");
    }
    if (proving->ctl->json) {
        each_proof(proving, print_line, NULL);
    } else {
        print_table(proving);
    }
    if (proving->file_count > 1) {
        tell_left_out(proving);
        ctl_policy_print_network(proving->ctl, &proving->together, &proving->arena);
    }
    bool all = proving->counts[PROVE_BROKEN] + proving->counts[PROVE_UNDECIDED] == 0;
    return all ? APP_OK : APP_FAILED;
}

static int
read_and_prove(struct proving *proving, struct options *line)
{
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    while (common == CTL_COMMON_TAKEN && (code = options_next(line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            load_file(proving, line->value);
        } else {
            common = ctl_take_common(proving->ctl, line, code);
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        return APP_OK;
    }
    if (common == CTL_COMMON_WRONG) {
        return APP_USAGE;
    }
    if (proving->file_count == 0 && proving->errors.error_count == 0) {
        return options_fault(line, "FILE is missing");
    }
    return prove(proving);
}

int
ctl_policy_prove(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_COMMON_OPTIONS };
    static struct proving proving;
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    proving = (struct proving){ .ctl = ctl, .now = log_sink_now().wall };
    mem_init(&proving.mem, CTL_POLICY_MEMORY_MAX);
    arena_init(&proving.arena, &proving.mem);
    yaml_errors_init(&proving.errors);
    proving.files = arena_take(&proving.arena, (size_t)argc * sizeof(*proving.files));
    int code = proving.files == NULL ? ctl_fail(ctl, "no memory") : read_and_prove(&proving, &line);
    for (size_t i = 0; i < proving.file_count; i++) {
        policy_yaml_free(proving.files[i].loaded);
    }
    arena_destroy(&proving.arena);
    yaml_errors_destroy(&proving.errors);
    return code;
}
