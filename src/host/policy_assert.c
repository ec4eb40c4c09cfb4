/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_assert.c - from the asserts of a file to proofs, and from proofs to words.
 */
#include "host/policy_assert.h"

#include "host/policy_yaml.h"

struct policy_border
policy_assert_border(const struct policy_yaml *loaded, struct wall since)
{
    return (struct policy_border){ .far = loaded->links, .since = since };
}

struct policy_proof *
policy_assert_prove(const struct policy_yaml *loaded, struct wall since, struct arena *arena)
{
    struct policy_border border = policy_assert_border(loaded, since);
    struct policy_proof *proofs = arena_take(arena, loaded->assert_count * sizeof(*proofs));
    for (uint32_t i = 0; proofs != NULL && i < loaded->assert_count; i++) {
        policy_prove(loaded->policy, &loaded->asserts[i].assert, &border, arena, &proofs[i]);
    }
    return proofs;
}

bool
policy_assert_holds(const struct policy_yaml *loaded, struct wall since, struct mem *mem)
{
    struct arena arena;
    arena_init(&arena, mem);
    const struct policy_proof *proofs = policy_assert_prove(loaded, since, &arena);
    bool holds = proofs != NULL;
    for (uint32_t i = 0; holds && i < loaded->assert_count; i++) {
        holds = proofs[i].result == PROVE_HOLDS;
    }
    arena_destroy(&arena);
    return holds;
}

/* ---- Words ---- */

static void
write_text(struct buf *out, const char *key, struct span text)
{
    buf_add_text(out, out->size > 0 ? " " : "");
    buf_add_text(out, key);
    buf_add_text(out, "=");
    buf_add(out, text);
}

static void
write_list(struct buf *out, const char *key, const struct text_list *list)
{
    if (list->count == 0) {
        return;
    }
    write_text(out, key, list->items[0]);
    for (uint32_t i = 1; i < list->count; i++) {
        buf_add_text(out, ",");
        buf_add(out, list->items[i]);
    }
}

void
policy_assert_write_example(const struct policy_proof *proof, struct buf *out)
{
    const struct advertisement *in = &proof->in;
    const struct function_identity *identity = &in->identity;
    struct advertisement usual = policy_test_advertisement(identity->name);
    write_text(out, "function", identity->name);
    if (!span_equal(identity->function_id, usual.identity.function_id)) {
        write_text(out, "function_id", identity->function_id);
    }
    if (version_compare(identity->version, usual.identity.version) != 0) {
        write_text(out, "version", identity->version_text);
    }
    write_list(out, "tags", &in->tags);
    write_list(out, "resources", &in->resources);
    if (!span_equal(in->scope, usual.scope)) {
        write_text(out, "scope", in->scope);
    }
    write_list(out, "path", &in->path);
}
