/* SPDX-License-Identifier: Apache-2.0 */
/* policy_set.c - which file each link of a bridge obeys, and what speaks against it. */
#include "host/policy_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/policy_assert.h"
#include "host/suggest.h"

/* Of an example that breaks an assert. */
#define EXAMPLE_SIZE_MAX ((size_t)64 * 1024)

void
policy_set_init(struct policy_set *set, const struct policy_set_bridge *bridge)
{
    CHECK(bridge->link_count <= RIB_LINKS_MAX);
    *set = (struct policy_set){ .bridge = bridge };
}

/* ---- Files ---- */

static struct policy_file *
create_file(const char *name, struct yaml_errors *errors)
{
    struct policy_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        yaml_errors_add(
            errors, YAML_ERROR, (struct yaml_place){ .file = name }, "no memory to read it");
        return NULL;
    }
    mem_init(&file->mem, POLICY_FILE_MEMORY_MAX);
    return file;
}

/* Takes the file, which may be NULL or have nothing loaded. */
static struct policy_file *
keep_file(struct policy_file *file, struct list *files)
{
    if (file == NULL || file->loaded == NULL) {
        free(file);
        return NULL;
    }
    list_push(files, &file->link);
    return file;
}

struct policy_file *
policy_file_load(const char *path, const struct yaml_environment *environment, struct list *files,
    struct yaml_errors *errors)
{
    struct policy_file *file = create_file(path, errors);
    if (file != NULL) {
        file->loaded = policy_yaml_load_file(path, environment, &file->mem, errors);
    }
    return keep_file(file, files);
}

struct policy_file *
policy_file_load_sent(const struct policy_yaml_sent *sent,
    const struct yaml_environment *environment, struct list *files, struct yaml_errors *errors)
{
    struct policy_file *file = create_file(sent->name, errors);
    if (file != NULL) {
        file->loaded = policy_yaml_load_sent(sent, environment, &file->mem, errors);
    }
    return keep_file(file, files);
}

void
policy_files_sweep(struct list *files)
{
    LIST_EACH (at, files) {
        struct policy_file *file = CONTAINER_OF(at, struct policy_file, link);
        /* An engine may still judge by it, or have what it judged. */
        if (file->holders == 0 && policy_holders(file->loaded->policy) == 1) {
            list_remove(at);
            policy_yaml_free(file->loaded);
            free(file);
        }
    }
}

static void
hold(struct policy_set *set, struct policy_file *file)
{
    CHECK(set->file_count < RIB_LINKS_MAX);
    file->holders++;
    set->files[set->file_count] = file;
    set->file_count++;
}

void
policy_set_destroy(struct policy_set *set)
{
    for (size_t i = 0; i < set->file_count; i++) {
        CHECK(set->files[i]->holders > 0);
        set->files[i]->holders--;
    }
    set->file_count = 0;
}

void
policy_set_copy(struct policy_set *set, const struct policy_set *from)
{
    policy_set_init(set, from->bridge);
    policy_set_inherit(set, from);
}

/* ---- Checks against the bridge ---- */

static size_t
find_link(const struct policy_set_bridge *bridge, struct span name)
{
    size_t i = 0;
    while (i < bridge->link_count &&
           (bridge->links[i].name == NULL || !span_is(name, bridge->links[i].name))) {
        i++;
    }
    return i;
}

static void
report_unknown_link(const struct policy_set_bridge *bridge, struct yaml_place place,
    struct span name, struct yaml_errors *errors)
{
    char text[SUGGEST_SIZE_MAX + 1];
    struct suggest suggest;
    (void)snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(name));
    yaml_errors_add(
        errors, YAML_ERROR, place, "%s has no link '%.*s'", bridge->file, SPAN_ARGS(name));
    suggest_init(&suggest, text);
    for (size_t i = 0; i < bridge->link_count; i++) {
        if (bridge->links[i].name != NULL) {
            suggest_offer(&suggest, bridge->links[i].name);
        }
    }
    if (suggest.best != NULL) {
        yaml_errors_hint(errors, "did you mean '%s'?", suggest.best);
    }
}

/* Whose policy it is, where the file says so. */
static void
check_federation(const struct policy_set_bridge *bridge, const struct policy_yaml *loaded,
    struct yaml_errors *errors)
{
    const char *own = bridge->federation;
    if (own != NULL && loaded->federation_place.line > 0 && !span_is(loaded->federation, own)) {
        yaml_errors_add(errors, YAML_ERROR, loaded->federation_place,
            "this is a policy of federation '%.*s', but %s is a bridge of '%s'",
            SPAN_ARGS(loaded->federation), bridge->file, own);
        yaml_errors_hint(errors, "take a policy of '%s'", own);
    }
}

/* What the rules say of federations holds only if the link leads where the policy has it. */
static void
check_link(const struct policy_set *set, const struct policy_yaml *loaded, uint32_t index,
    size_t link, struct yaml_errors *errors)
{
    const struct policy_set_link *own = &set->bridge->links[link];
    struct span there = loaded->link_federations.items[index];
    struct yaml_place said = loaded->link_federation_places[index];
    const char *home = set->bridge->federation;
    /* A link that leads back to us is a fault of the configuration, which was said. */
    bool leads_home = home != NULL && own->federation != NULL && strcmp(home, own->federation) == 0;
    if (own->federation == NULL || leads_home || span_is(there, own->federation)) {
        return;
    }
    if (said.line > 0) {
        yaml_errors_add(errors, YAML_ERROR, said,
            "this policy has link '%s' lead to '%.*s', but in %s it leads to '%s'", own->name,
            SPAN_ARGS(there), set->bridge->file, own->federation);
        yaml_errors_hint(errors, "one of the two is not what was meant");
        return;
    }
    yaml_errors_add(errors, YAML_WARNING, loaded->link_places[index],
        "link '%s' leads to federation '%s', which this policy does not say", own->name,
        own->federation);
    yaml_errors_hint(errors, "add link_federations: {%s: %s}", own->name, own->federation);
}

static void
assign(struct policy_set *set, struct policy_file *file, struct yaml_errors *errors)
{
    const struct policy_yaml *loaded = file->loaded;
    for (uint32_t i = 0; i < loaded->links.count; i++) {
        struct yaml_place place = loaded->link_places[i];
        size_t link = find_link(set->bridge, loaded->links.items[i]);
        if (link == set->bridge->link_count) {
            report_unknown_link(set->bridge, place, loaded->links.items[i], errors);
            continue;
        }
        check_link(set, loaded, i, link, errors);
        if (set->of_link[link] != NULL) {
            struct yaml_place before = set->places[link];
            yaml_errors_add(errors, YAML_ERROR, place,
                "link '%s' has a policy already, by %s:%u:%u", set->bridge->links[link].name,
                before.file, before.line, before.column);
            yaml_errors_hint(errors, "a link has one policy; put the rules into one file");
            continue;
        }
        set->of_link[link] = file;
        set->places[link] = place;
    }
}

/* ---- Putting it together ---- */

void
policy_set_add(struct policy_set *set, struct policy_file *file, struct yaml_errors *errors)
{
    if (set->file_count == RIB_LINKS_MAX) {
        yaml_errors_add(errors, YAML_ERROR,
            (struct yaml_place){ .file = yaml_doc_name(file->loaded->doc) },
            "there are more policy files than a bridge may have links");
        return;
    }
    hold(set, file);
    check_federation(set->bridge, file->loaded, errors);
    assign(set, file, errors);
}

static bool
holds(const struct policy_set *set, const struct policy_file *file)
{
    for (size_t i = 0; i < set->file_count; i++) {
        if (set->files[i] == file) {
            return true;
        }
    }
    return false;
}

void
policy_set_inherit(struct policy_set *set, const struct policy_set *other)
{
    for (size_t i = 0; i < set->bridge->link_count; i++) {
        struct policy_file *file = other->of_link[i];
        if (set->of_link[i] != NULL || file == NULL) {
            continue;
        }
        if (!holds(set, file)) {
            /* There is room: each file that is not taken over has a link here that it does not have any more. */
            hold(set, file);
        }
        set->of_link[i] = file;
        set->places[i] = other->places[i];
    }
}

void
policy_set_policies(const struct policy_set *set, struct policy **policies)
{
    for (size_t i = 0; i < set->bridge->link_count; i++) {
        const struct policy_file *file = set->of_link[i];
        policies[i] = file == NULL ? NULL : file->loaded->policy;
    }
}

/* ---- Tests and asserts ---- */

static void
report_test(const struct policy_test *test, const struct policy_test_outcome *outcome,
    struct yaml_errors *errors)
{
    yaml_errors_add(errors, YAML_ERROR, test->place, "test '%.*s' fails", SPAN_ARGS(test->name));
    for (uint32_t i = 0; i < outcome->mismatch_count; i++) {
        const struct policy_test_mismatch *mismatch = &outcome->mismatches[i];
        yaml_errors_hint(errors, "%s%s: expected '%.*s', got '%.*s'", i == 0 ? "" : "; ",
            mismatch->key, SPAN_ARGS(mismatch->want), SPAN_ARGS(mismatch->got));
    }
}

static void
test_file(const struct policy_yaml *loaded, struct wall now, struct yaml_errors *errors)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, YAML_MEMORY_MAX);
    arena_init(&arena, &mem);
    for (uint32_t i = 0; i < loaded->test_count; i++) {
        const struct policy_test *test = &loaded->tests[i];
        struct policy_test_outcome outcome;
        if (!policy_test_run(loaded->policy, test, now, &arena, &outcome)) {
            yaml_errors_add(errors, YAML_ERROR, test->place, "no memory for this test");
        } else if (outcome.mismatch_count > 0) {
            report_test(test, &outcome, errors);
        }
        arena_reset(&arena);
    }
    arena_destroy(&arena);
}

static void
report_proof(const struct policy_assertion *assertion, const struct policy_proof *proof,
    struct wall now, struct yaml_errors *errors)
{
    struct mem mem;
    struct buf example;
    mem_init(&mem, YAML_MEMORY_MAX);
    buf_init(&example, &mem, EXAMPLE_SIZE_MAX);
    yaml_errors_add(errors, YAML_ERROR, assertion->place,
        proof->result == PROVE_BROKEN ? "assert '%.*s' does not hold"
                                      : "assert '%.*s' could not be decided",
        SPAN_ARGS(assertion->name));
    if (proof->result == PROVE_UNDECIDED) {
        yaml_errors_hint(errors, "%s", prove_doubt_text(proof->doubt));
    } else {
        policy_assert_write_example(proof, now, &example);
        yaml_errors_hint(errors, "an example:%.*s", SPAN_ARGS(buf_span(&example)));
    }
    buf_destroy(&example);
}

static void
prove_file(const struct policy_yaml *loaded, struct wall now, struct yaml_errors *errors)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, YAML_MEMORY_MAX);
    arena_init(&arena, &mem);
    const struct policy_proof *proofs = policy_assert_prove(loaded, now, &arena);
    if (proofs == NULL) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(yaml_doc_root(loaded->doc)),
            "no memory to prove the asserts");
    }
    for (uint32_t i = 0; proofs != NULL && i < loaded->assert_count; i++) {
        if (proofs[i].result != PROVE_HOLDS) {
            report_proof(&loaded->asserts[i], &proofs[i], now, errors);
        }
    }
    arena_destroy(&arena);
}

void
policy_set_prove(const struct policy_set *set, const struct policy_set *known, struct wall now,
    struct yaml_errors *errors)
{
    for (size_t i = 0; i < set->file_count; i++) {
        if (known == NULL || !holds(known, set->files[i])) {
            test_file(set->files[i]->loaded, now, errors);
            prove_file(set->files[i]->loaded, now, errors);
        }
    }
}
