/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan.h - validate a JSON document in one pass and index it, without a DOM.
 *
 * The result is a flat list of tokens that point into the text: numbers are never converted, strings
 * never copied, so what is forwarded is byte for byte what came. Values under the keys named as
 * opaque are validated like everything else but get one token only, whatever is inside: a call's
 * arguments cost no memory.
 *
 * Strict: RFC 8259 and nothing else. UTF-8 must be well formed, escapes legal and surrogates paired,
 * no byte below 0x20 inside strings, nothing but white space after the value. A NUL is an error.
 *
 * Order of tokens: a value's token is followed by those of its children; inside an object each member is
 * a JSON_KIND_STRING token (the key) followed by its value. `after` is the index behind the whole value, so
 * skipping a container is one step.
 */
#ifndef CORE_JSON_SCAN_H
#define CORE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/span.h"

/* As deep as anything MPREG sends, several times over; bounds the scanner's own stack. */
#define JSON_DEPTH_MAX 64
/* One document. More is a peer that wants our memory: 16 B a token. */
#define JSON_TOKENS_MAX ((uint32_t)1 << 20)

enum json_kind {
    JSON_KIND_NULL = 0,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

enum json_result {
    JSON_OK = 0,
    JSON_SYNTAX,     /* not JSON; `at` is the first byte that cannot be */
    JSON_BAD_UTF8,   /* a string is not well-formed UTF-8 */
    JSON_BAD_ESCAPE, /* an illegal escape or a lone surrogate */
    JSON_TOO_DEEP,   /* more than JSON_DEPTH_MAX containers */
    JSON_TOO_MANY,   /* more than JSON_TOKENS_MAX values */
    JSON_NO_MEMORY,
};

struct json_token {
    uint32_t offset; /* first byte of the value in the text; for strings the opening quote */
    uint32_t size;   /* bytes, quotes and brackets included */
    uint32_t after;  /* index of the first token that is not part of this value */
    uint8_t kind;    /* enum json_kind */
    bool escaped;    /* JSON_KIND_STRING: contains a backslash */
    bool opaque;     /* a container whose children have no tokens */
};

/* Token storage that is reused from document to document. */
struct json_tape {
    struct mem *mem;
    struct json_token *tokens;
    uint32_t count;
    uint32_t room;
};

/* A scanned document. Borrows text and tape: valid until either changes. */
struct json_doc {
    struct span text;
    const struct json_token *tokens;
    uint32_t count;
};

struct json_error {
    enum json_result result;
    size_t at; /* byte offset in the text */
};

void json_tape_init(struct json_tape *tape, struct mem *mem);
void json_tape_destroy(struct json_tape *tape);

/*
 * Scan `text`. `opaque` lists `opaque_count` keys (no escapes) whose values are not indexed inside.
 *
 * JSON_OK: *doc is the document; token 0 is its value. doc borrows `text` and `tape`.
 * Otherwise: *doc is untouched, *error (may be NULL) says where.
 */
MUST_CHECK enum json_result json_scan(struct span text, const struct span *opaque,
    size_t opaque_count, struct json_tape *tape, struct json_doc *doc, struct json_error *error);

/*
 * Only validate: is `text` one JSON value, and of which kind? For what is forwarded without being read. Needs
 * one token of `tape`, however large the value; *kind is set when JSON_OK.
 */
MUST_CHECK enum json_result json_check(
    struct span text, struct json_tape *tape, enum json_kind *kind);

const char *json_result_name(enum json_result result);

static inline enum json_kind
json_kind_of(const struct json_doc *doc, uint32_t index)
{
    CHECK(index < doc->count);
    return (enum json_kind)doc->tokens[index].kind;
}

/* The value's bytes, brackets and quotes included. */
static inline struct span
json_raw(const struct json_doc *doc, uint32_t index)
{
    CHECK(index < doc->count);
    return span_part(doc->text, doc->tokens[index].offset, doc->tokens[index].size);
}

/*
 * Walk an object or array that is not opaque:
 *     JSON_EACH_MEMBER(doc, object, key, value) { key and value are token indexes }
 *     JSON_EACH_ITEM(doc, array, item) { ... }
 */
#define JSON_EACH_MEMBER(doc_, object_, key_, value_)                                              \
    for (uint32_t key_ = (object_) + 1, value_ = key_ + 1; key_ < (doc_)->tokens[object_].after;   \
         key_ = (doc_)->tokens[value_].after, value_ = key_ + 1)
#define JSON_EACH_ITEM(doc_, array_, item_)                                                        \
    for (uint32_t item_ = (array_) + 1; item_ < (doc_)->tokens[array_].after;                      \
         item_ = (doc_)->tokens[item_].after)

/*
 * The text of a string token with its escapes decoded (UTF-8). Borrows from the document when nothing
 * was escaped, else from the arena. .data NULL: no memory. Not for other kinds.
 */
MUST_CHECK struct span json_read_text(
    const struct json_doc *doc, uint32_t index, struct arena *arena);

/* Whether a string token, decoded, equals `text`. Needs no memory. */
bool json_text_is(const struct json_doc *doc, uint32_t index, struct span text);

/* A number token as an integer. false: has a fraction or exponent that does not cancel out, or does not fit. */
MUST_CHECK bool json_read_integer(const struct json_doc *doc, uint32_t index, int64_t *value);

/*
 * A number token of seconds as nanoseconds, as MPREG writes times and TTLs: exact decimal arithmetic, digits
 * below the nanosecond cut off. false: does not fit into 64 bits.
 */
MUST_CHECK bool json_read_nanoseconds(const struct json_doc *doc, uint32_t index, int64_t *ns);

/*
 * Picking known members of one object. A table row names a key and the place of its value's token index;
 * 0 means the key is absent (token 0 is the document, never a member).
 */
struct json_want {
    struct span key;
    uint32_t *index;
};

enum json_pick_result {
    JSON_PICK_OK = 0,
    JSON_PICK_NOT_OBJECT,
    JSON_PICK_DUPLICATE, /* a wanted key is there twice: two readers could see two values */
};

/* Sets every *index. Unknown keys are ignored. `which` (may be NULL) names the duplicate. */
MUST_CHECK enum json_pick_result json_pick(const struct json_doc *doc, uint32_t object,
    const struct json_want *wants, size_t want_count, struct span *which);

#endif
