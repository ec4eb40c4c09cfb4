/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_assert.c - from the asserts of a file to proofs, and from proofs to words.
 */
#include "host/policy_assert.h"

#include "host/policy_yaml.h"
#include "host/value.h"

struct policy_border
policy_assert_border(const struct policy_yaml *loaded, struct wall since)
{
    return (struct policy_border){
        .own = loaded->federation,
        .far = loaded->link_federations,
        .since = since,
    };
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

/* What a shell takes as it stands. */
static bool
is_bare(struct span text)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "._-:/@%+,";
    bool right = true;
    for (size_t i = 0; i < text.size && right; i++) {
        right = text.data[i] >= 0x80 || memchr(bare, text.data[i], sizeof(bare) - 1) != NULL;
    }
    return right;
}

static void
write_value(struct buf *out, struct span text)
{
    if (is_bare(text)) {
        buf_add(out, text);
        return;
    }
    buf_add_text(out, "'");
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'') {
            buf_add_text(out, "'\\''");
        } else {
            buf_add_u8(out, text.data[i]);
        }
    }
    buf_add_text(out, "'");
}

static void
write_text(struct buf *out, const char *key, struct span text)
{
    buf_add_text(out, " ");
    buf_add_text(out, key);
    buf_add_text(out, "=");
    write_value(out, text);
}

static void
write_list(struct buf *out, const char *key, const struct text_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i == 0) {
            write_text(out, key, list->items[i]);
        } else {
            buf_add_text(out, ",");
            write_value(out, list->items[i]);
        }
    }
}

void
policy_assert_write_example(const struct policy_proof *proof, struct wall since, struct buf *out)
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
    if (proof->path_matters) {
        write_list(out, "path", &in->path);
    }
    if (proof->at.ns != since.ns) {
        write_text(out, "at", span_from_text(value_write_time(proof->at).text));
    }
}
