/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c - one block: the struct, the name, the id unless it is the name again, the version as it was written. */
#include "core/identity.h"

struct identity {
    struct mem *mem;
    struct version version;
    uint32_t holders;
    uint16_t name_size;
    uint16_t id_size;
    uint16_t version_size;
    bool id_is_name; /* most are */
    uint8_t text[];
};

static size_t
text_size(const struct function_identity *from, bool id_is_name)
{
    return from->name.size + (id_is_name ? 0 : from->function_id.size) + from->version_text.size;
}

static size_t
block_size(const struct function_identity *from, bool id_is_name)
{
    return sizeof(struct identity) + text_size(from, id_is_name);
}

struct span
identity_name(const struct identity *identity)
{
    return span_from(identity->text, identity->name_size);
}

struct function_identity
identity_view(struct identity *identity)
{
    struct span name = identity_name(identity);
    const uint8_t *behind = identity->text + identity->name_size;
    size_t id_size = identity->id_is_name ? 0 : identity->id_size;
    return (struct function_identity){
        .name = name,
        .function_id = identity->id_is_name ? name : span_from(behind, id_size),
        .version_text = span_from(behind + id_size, identity->version_size),
        .version = identity->version,
        .kept = identity,
    };
}

static bool
same_bytes(struct span a, struct span b)
{
    return a.data == b.data && a.size == b.size;
}

/* Somebody may have taken a view and put another name into it. */
static bool
is_view_of(const struct function_identity *view, struct identity *identity)
{
    struct function_identity whole = identity_view(identity);
    return same_bytes(view->name, whole.name) && same_bytes(view->function_id, whole.function_id) &&
           same_bytes(view->version_text, whole.version_text) &&
           version_compare(view->version, whole.version) == 0;
}

static struct identity *
identity_copy(struct mem *mem, const struct function_identity *from)
{
    bool fits = from->name.size <= IDENTITY_TEXT_MAX &&
                from->function_id.size <= IDENTITY_TEXT_MAX &&
                from->version_text.size <= IDENTITY_TEXT_MAX;
    bool id_is_name = span_equal(from->name, from->function_id);
    struct identity *identity = fits ? mem_take(mem, block_size(from, id_is_name)) : NULL;
    if (identity == NULL) {
        return NULL;
    }
    identity->mem = mem;
    identity->version = from->version;
    identity->holders = 1;
    identity->name_size = (uint16_t)from->name.size;
    identity->id_size = (uint16_t)from->function_id.size;
    identity->version_size = (uint16_t)from->version_text.size;
    identity->id_is_name = id_is_name;
    struct packer packer = pack_into(identity->text, text_size(from, id_is_name));
    (void)pack_text(&packer, from->name);
    (void)pack_text(&packer, id_is_name ? SPAN_NONE : from->function_id);
    (void)pack_text(&packer, from->version_text);
    pack_done(&packer);
    return identity;
}

struct identity *
identity_hold(struct mem *mem, const struct function_identity *from)
{
    struct identity *kept = from->kept;
    if (kept != NULL && kept->mem == mem && is_view_of(from, kept)) {
        CHECK(kept->holders < UINT32_MAX);
        kept->holders++;
        return kept;
    }
    return identity_copy(mem, from);
}

void
identity_release(struct identity *identity)
{
    if (identity == NULL) {
        return;
    }
    CHECK(identity->holders > 0);
    identity->holders--;
    if (identity->holders == 0) {
        struct function_identity whole = identity_view(identity);
        mem_give(identity->mem, identity, block_size(&whole, identity->id_is_name));
    }
}
