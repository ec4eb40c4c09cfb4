/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_json.c - the scanner against jansson, against itself with opaque keys, with little memory, and
 * against the writer; the tokens of what it accepts are consistent.
 *
 * Where jansson 2.14 is known to differ: it refuses numbers beyond its types and NUL in keys, and it
 * accepts a NUL byte right after a number. Its depth limit is another than ours.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/json_scan.h"
#include "core/json_write.h"
#include "tests/support/check_failed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quadratic checks are for documents up to this size. */
#define QUADRATIC_SIZE_MAX 512

static const struct span opaque_keys[] = {
    { (const uint8_t *)"args", 4 },
    { (const uint8_t *)"a", 1 },
    { (const uint8_t *)"", 0 },
};

struct bench {
    struct mem mem;
    struct arena arena;
    struct json_tape tape;  /* of the document under test */
    struct json_tape other; /* of what it is compared with */
    struct buf buf;
};

/* Children follow each other inside their parent's bytes and end where the parent's `after` says. */
static void
check_tokens(const struct json_doc *doc)
{
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct json_token *token = &doc->tokens[i];
        bool container = token->kind == JSON_KIND_ARRAY || token->kind == JSON_KIND_OBJECT;
        CHECK(token->size > 0);
        CHECK(token->after > i && token->after <= doc->count);
        CHECK(!token->escaped || token->kind == JSON_KIND_STRING);
        CHECK(!token->opaque || container);
        CHECK((container && !token->opaque) || token->after == i + 1);
        size_t end = token->offset + 1;
        size_t children = 0;
        uint32_t child = i + 1;
        for (; child < token->after; child = doc->tokens[child].after) {
            CHECK(doc->tokens[child].offset >= end);
            end = (size_t)doc->tokens[child].offset + doc->tokens[child].size;
            CHECK(token->kind == JSON_KIND_ARRAY || children % 2 == 1 ||
                  doc->tokens[child].kind == JSON_KIND_STRING);
            children++;
        }
        CHECK(child == token->after);
        CHECK(children == 0 || end < (size_t)token->offset + token->size);
        CHECK(token->kind != JSON_KIND_OBJECT || children % 2 == 0);
    }
    CHECK(doc->tokens[0].after == doc->count);
}

static void
check_same_token(const struct json_token *a, const struct json_token *b)
{
    CHECK(a->offset == b->offset);
    CHECK(a->size == b->size);
    CHECK(a->kind == b->kind);
    CHECK(a->escaped == b->escaped);
}

static bool
is_opaque_key(const struct json_doc *doc, uint32_t key)
{
    for (size_t i = 0; i < COUNT_OF(opaque_keys); i++) {
        if (json_text_is(doc, key, opaque_keys[i])) {
            return true;
        }
    }
    return false;
}

/* The containers under opaque keys are opaque, and no others. */
static void
check_which_are_opaque(const struct json_doc *doc)
{
    CHECK(!doc->tokens[0].opaque);
    for (uint32_t i = 0; i < doc->count; i++) {
        if (json_kind_of(doc, i) == JSON_KIND_ARRAY) {
            JSON_EACH_ITEM (doc, i, item) {
                CHECK(!doc->tokens[item].opaque);
            }
        } else if (json_kind_of(doc, i) == JSON_KIND_OBJECT) {
            JSON_EACH_MEMBER (doc, i, key, value) {
                enum json_kind kind = json_kind_of(doc, value);
                bool container = kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT;
                CHECK(doc->tokens[value].opaque == (container && is_opaque_key(doc, key)));
            }
        }
    }
}

/* The same verdict at the same place, and the same tokens but those inside. */
static void
check_opaque(struct bench *bench, struct span text, const struct json_doc *whole,
    const struct json_error *want)
{
    struct json_doc doc;
    struct json_error error = { 0 };
    enum json_result result =
        json_scan(text, opaque_keys, COUNT_OF(opaque_keys), &bench->other, &doc, &error);
    CHECK(result == want->result);
    CHECK(error.at == want->at);
    if (result != JSON_OK) {
        return;
    }
    check_tokens(&doc);
    check_which_are_opaque(&doc);
    uint32_t at = 0;
    for (uint32_t i = 0; i < doc.count; i++) {
        CHECK(at < whole->count);
        check_same_token(&doc.tokens[i], &whole->tokens[at]);
        at = doc.tokens[i].opaque ? whole->tokens[at].after : at + 1;
    }
    CHECK(at == whole->count);
}

/* Little memory changes the verdict to JSON_NO_MEMORY or not at all. */
static void
check_cap(struct span text, enum json_result want)
{
    struct mem mem;
    struct json_tape tape;
    struct json_doc doc;
    mem_init(&mem, text.size * 8);
    json_tape_init(&tape, &mem);
    enum json_result result = json_scan(text, NULL, 0, &tape, &doc, NULL);
    CHECK(result == want || result == JSON_NO_MEMORY);
    json_tape_destroy(&tape);
    CHECK(mem.used == 0);
}

static void
check_string(struct bench *bench, const struct json_doc *doc, uint32_t index)
{
    struct span text = json_read_text(doc, index, &bench->arena);
    CHECK(text.data != NULL);
    CHECK(json_text_is(doc, index, text));
    buf_reset(&bench->buf);
    struct json_writer writer = json_write_into(&bench->buf);
    json_write_string(&writer, text);
    CHECK(!bench->buf.overflowed);
    struct json_doc again;
    CHECK(json_scan(buf_span(&bench->buf), NULL, 0, &bench->other, &again, NULL) == JSON_OK);
    CHECK(again.count == 1);
    CHECK(span_equal(json_read_text(&again, 0, &bench->arena), text));
    CHECK(json_text_is(&again, 0, text));
    if (text.size == 0) {
        CHECK(!json_text_is(doc, index, SPAN("x")));
        return;
    }
    CHECK(!json_text_is(doc, index, span_part(text, 0, text.size - 1)));
    uint8_t *changed = arena_take(&bench->arena, text.size + 1);
    CHECK(changed != NULL);
    memcpy(changed, text.data, text.size);
    CHECK(!json_text_is(doc, index, span_from(changed, text.size + 1)));
    changed[text.size / 2] ^= 1;
    CHECK(!json_text_is(doc, index, span_from(changed, text.size)));
}

/* The bytes of a value are a document of their own, with as many tokens. */
static void
check_raw(struct bench *bench, const struct json_doc *doc, uint32_t index)
{
    struct json_doc part;
    CHECK(json_scan(json_raw(doc, index), NULL, 0, &bench->other, &part, NULL) == JSON_OK);
    CHECK(part.count == doc->tokens[index].after - index);
    CHECK(part.tokens[0].size == doc->tokens[index].size);
}

static void
compare_number(const struct json_doc *doc, uint32_t index, const json_t *want)
{
    int64_t integer = 0;
    int64_t ns = 0;
    if (json_is_integer(want)) {
        CHECK(json_read_integer(doc, index, &integer));
        CHECK(integer == json_integer_value(want));
    }
    double seconds = json_number_value(want);
    bool fits = json_read_nanoseconds(doc, index, &ns);
    CHECK(fits || fabs(seconds) > 9.2e9);
    CHECK(!fits || fabs((double)ns / 1e9 - seconds) <= 2e-9 + fabs(seconds) * 1e-12);
}

static void compare(
    struct bench *bench, const struct json_doc *doc, uint32_t index, const json_t *want);

static void
compare_object(struct bench *bench, const struct json_doc *doc, uint32_t index, const json_t *want)
{
    size_t members = 0;
    JSON_EACH_MEMBER (doc, index, key, value) {
        members++;
        CHECK(value == key + 1);
    }
    CHECK(members >= json_object_size(want));
    if (members > json_object_size(want)) {
        /* A key is there twice; jansson kept the last. */
        return;
    }
    JSON_EACH_MEMBER (doc, index, key, value) {
        struct span text = json_read_text(doc, key, &bench->arena);
        const json_t *member = json_object_getn(want, (const char *)text.data, text.size);
        CHECK(member != NULL);
        compare(bench, doc, value, member);
    }
}

static void
compare(struct bench *bench, const struct json_doc *doc, uint32_t index, const json_t *want)
{
    size_t count = 0;
    struct span text;
    switch (json_kind_of(doc, index)) {
    case JSON_KIND_NULL:
        CHECK(json_typeof(want) == JSON_NULL);
        break;
    case JSON_KIND_FALSE:
        CHECK(json_typeof(want) == JSON_FALSE);
        break;
    case JSON_KIND_TRUE:
        CHECK(json_typeof(want) == JSON_TRUE);
        break;
    case JSON_KIND_NUMBER:
        CHECK(json_is_number(want));
        compare_number(doc, index, want);
        break;
    case JSON_KIND_STRING:
        CHECK(json_typeof(want) == JSON_STRING);
        text = json_read_text(doc, index, &bench->arena);
        CHECK(span_equal(text, span_from(json_string_value(want), json_string_length(want))));
        break;
    case JSON_KIND_ARRAY:
        CHECK(json_typeof(want) == JSON_ARRAY);
        JSON_EACH_ITEM (doc, index, item) {
            CHECK(count < json_array_size(want));
            compare(bench, doc, item, json_array_get(want, count++));
        }
        CHECK(count == json_array_size(want));
        break;
    case JSON_KIND_OBJECT:
        CHECK(json_typeof(want) == JSON_OBJECT);
        compare_object(bench, doc, index, want);
        break;
    }
}

static void
check_against_jansson(struct bench *bench, struct span text, const struct json_doc *doc,
    const struct json_error *ours)
{
    json_error_t theirs;
    json_t *root =
        json_loadb((const char *)text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &theirs);
    if (root != NULL && ours->result == JSON_OK) {
        compare(bench, doc, 0, root);
    } else if (root != NULL) {
        bool nul_accepted =
            ours->result == JSON_SYNTAX && ours->at < text.size && text.data[ours->at] == 0;
        if (!nul_accepted && ours->result != JSON_TOO_DEEP) {
            fprintf(stderr, "jansson accepts, we say %s at %zu\n", json_result_name(ours->result),
                ours->at);
            abort();
        }
    } else if (ours->result == JSON_OK) {
        enum json_error_code code = json_error_code(&theirs);
        if (code != json_error_numeric_overflow && code != json_error_null_byte_in_key &&
            code != json_error_null_character) {
            fprintf(stderr, "we accept, jansson says %s\n", theirs.text);
            abort();
        }
    }
    json_decref(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench bench;
    struct span text = span_from(data, size);
    struct json_doc doc = { 0 };
    struct json_error error = { 0 };
    json_object_seed(1);
    mem_init(&bench.mem, SIZE_MAX);
    arena_init(&bench.arena, &bench.mem);
    json_tape_init(&bench.tape, &bench.mem);
    json_tape_init(&bench.other, &bench.mem);
    buf_init(&bench.buf, &bench.mem, 8 * size + 16);

    enum json_result result = json_scan(text, NULL, 0, &bench.tape, &doc, &error);
    CHECK(result == error.result);
    CHECK(error.at <= size);
    if (result == JSON_OK) {
        check_tokens(&doc);
    }
    check_opaque(&bench, text, &doc, &error);
    check_cap(text, result);
    check_against_jansson(&bench, text, &doc, &error);
    for (uint32_t i = 0; i < doc.count; i++) {
        if (json_kind_of(&doc, i) == JSON_KIND_STRING) {
            check_string(&bench, &doc, i);
        }
        if (size <= QUADRATIC_SIZE_MAX) {
            check_raw(&bench, &doc, i);
        }
    }

    buf_destroy(&bench.buf);
    json_tape_destroy(&bench.tape);
    json_tape_destroy(&bench.other);
    arena_destroy(&bench.arena);
    CHECK(bench.mem.used == 0);
    return 0;
}
