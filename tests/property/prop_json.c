/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_json.c - random documents, whose structure and texts are known, are found again by the scanner;
 * damaged ones are judged alike with and without opaque keys; numbers survive every way to write them.
 */
#include "base/prng.h"
#include "base/utf8.h"
#include "core/json_scan.h"
#include "core/json_write.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define DEPTH_MAX     6
#define CHILD_MAX     5
#define TEXT_MAX      40
#define DAMAGE_COUNT  20
#define DOCUMENT_SIZE ((size_t)1024 * 1024)
#define SEED_COUNT    1000

/* A random document: with random space, without any, and the decoded texts of its strings in order. */
struct trial {
    struct prng prng;
    struct mem mem;
    struct arena arena;
    struct json_tape tape;
    struct buf loose;
    struct buf compact;
    struct buf texts;
    uint32_t token_count;
};

static void
begin(struct trial *trial, uint64_t seed)
{
    *trial = (struct trial){ .prng = { seed } };
    mem_init(&trial->mem, SIZE_MAX);
    arena_init(&trial->arena, &trial->mem);
    json_tape_init(&trial->tape, &trial->mem);
    buf_init(&trial->loose, &trial->mem, DOCUMENT_SIZE);
    buf_init(&trial->compact, &trial->mem, DOCUMENT_SIZE);
    buf_init(&trial->texts, &trial->mem, DOCUMENT_SIZE);
}

static bool
end(struct trial *trial)
{
    bool fitted =
        !trial->loose.overflowed && !trial->compact.overflowed && !trial->texts.overflowed;
    arena_destroy(&trial->arena);
    json_tape_destroy(&trial->tape);
    buf_destroy(&trial->loose);
    buf_destroy(&trial->compact);
    buf_destroy(&trial->texts);
    return fitted && trial->mem.used == 0;
}

static uint64_t
draw(struct trial *trial, uint64_t limit)
{
    return prng_below(&trial->prng, limit);
}

static void
add_both(struct trial *trial, struct span bytes)
{
    buf_add(&trial->loose, bytes);
    buf_add(&trial->compact, bytes);
}

static void
make_space(struct trial *trial)
{
    while (draw(trial, 4) == 0) {
        buf_add_u8(&trial->loose, SPAN(" \t\r\n").data[draw(trial, 4)]);
    }
}

static void
make_punctuation(struct trial *trial, uint8_t byte)
{
    make_space(trial);
    add_both(trial, span_from(&byte, 1));
    make_space(trial);
}

static void
add_unit(struct buf *buf, uint32_t unit, bool capital)
{
    struct span digits = capital ? SPAN("0123456789ABCDEF") : SPAN("0123456789abcdef");
    buf_add(buf, SPAN("\\u"));
    for (unsigned shift = 16; shift > 0; shift -= 4) {
        buf_add_u8(buf, digits.data[unit >> (shift - 4) & 15]);
    }
}

static uint32_t
draw_character(struct trial *trial)
{
    static const uint32_t limits[] = { 0x20, 0x80, 0x80, 0x80, 0x800, 0x10000, 0x110000 };
    uint32_t character = (uint32_t)draw(trial, limits[draw(trial, COUNT_OF(limits))]);
    return character >= 0xd800 && character <= 0xdfff ? 'x' : character;
}

/* Append the character to `json` in one of the ways that there are to write it. */
static void
write_character(struct trial *trial, struct buf *json, uint32_t character)
{
    uint8_t bytes[UTF8_SEQUENCE_MAX];
    size_t size = utf8_encode(character, bytes);
    bool capital = draw(trial, 2) == 0;
    buf_add(&trial->texts, span_from(bytes, size));
    size_t named = character < 0x80 ? span_find(SPAN("\"\\/\b\f\n\r\t"), (uint8_t)character) : 8;
    bool must = character < 0x20 || character == '"' || character == '\\';
    if (named < 8 && draw(trial, 2) == 0) {
        buf_add_u8(json, '\\');
        buf_add_u8(json, SPAN("\"\\/bfnrt").data[named]);
    } else if (!must && draw(trial, 8) != 0) {
        buf_add(json, span_from(bytes, size));
    } else if (character < 0x10000) {
        add_unit(json, character, capital);
    } else {
        add_unit(json, 0xd800 + ((character - 0x10000) >> 10), capital);
        add_unit(json, 0xdc00 + ((character - 0x10000) & 0x3ff), capital);
    }
}

static void
make_string(struct trial *trial)
{
    struct buf json;
    buf_init(&json, &trial->mem, DOCUMENT_SIZE);
    uint64_t count = draw(trial, TEXT_MAX);
    size_t size_at = trial->texts.size;
    buf_add_u32(&trial->texts, 0);
    buf_add_u8(&json, '"');
    for (uint64_t i = 0; i < count; i++) {
        write_character(trial, &json, draw_character(trial));
    }
    buf_add_u8(&json, '"');
    buf_put_u32(&trial->texts, size_at, (uint32_t)(trial->texts.size - size_at - 4));
    add_both(trial, buf_span(&json));
    buf_destroy(&json);
    trial->token_count++;
}

static void
make_scalar(struct trial *trial)
{
    static const char *const scalars[] = { "null", "true", "false", "0", "-0", "12", "-3.25", "1e5",
        "6.02E+23", "1.6e-19", "10000000000000000000000000000" };
    uint64_t index = draw(trial, COUNT_OF(scalars) * 2);
    if (index >= COUNT_OF(scalars)) {
        make_string(trial);
        return;
    }
    add_both(trial, span_from_text(scalars[index]));
    trial->token_count++;
}

static void
make_value(struct trial *trial, unsigned depth)
{
    uint64_t kind = depth < DEPTH_MAX ? draw(trial, 4) : 3;
    if (kind > 1) {
        make_scalar(trial);
        return;
    }
    trial->token_count++;
    make_punctuation(trial, kind == 0 ? '[' : '{');
    uint64_t count = draw(trial, CHILD_MAX);
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0) {
            make_punctuation(trial, ',');
        }
        if (kind == 1) {
            make_string(trial);
            make_punctuation(trial, ':');
        }
        make_value(trial, depth + 1);
    }
    make_punctuation(trial, kind == 0 ? ']' : '}');
}

/* Write what was scanned again: scalars as they are in the text, the rest by the writer. */
static void
rewrite(const struct json_doc *doc, uint32_t index, struct json_writer *writer)
{
    enum json_kind kind = json_kind_of(doc, index);
    if (kind == JSON_KIND_ARRAY) {
        json_begin_array(writer);
        JSON_EACH_ITEM (doc, index, item) {
            rewrite(doc, item, writer);
        }
        json_end_array(writer);
    } else if (kind == JSON_KIND_OBJECT) {
        json_begin_object(writer);
        JSON_EACH_MEMBER (doc, index, key, value) {
            json_write_raw(writer, json_raw(doc, key));
            buf_add_u8(writer->buf, ':');
            writer->comma = false;
            rewrite(doc, value, writer);
        }
        json_end_object(writer);
    } else {
        json_write_raw(writer, json_raw(doc, index));
    }
}

static bool
texts_are_found(struct trial *trial, const struct json_doc *doc)
{
    size_t at = 0;
    for (uint32_t i = 0; i < doc->count; i++) {
        if (json_kind_of(doc, i) != JSON_KIND_STRING) {
            continue;
        }
        const uint8_t *size_bytes = &trial->texts.data[at];
        size_t size = (size_t)size_bytes[0] << 24 | (size_t)size_bytes[1] << 16 |
                      (size_t)size_bytes[2] << 8 | (size_t)size_bytes[3];
        struct span want = span_part(buf_span(&trial->texts), at + 4, size);
        struct span got = json_read_text(doc, i, &trial->arena);
        if (got.data == NULL || !span_equal(got, want) || !json_text_is(doc, i, want)) {
            return false;
        }
        at += 4 + size;
    }
    return at == trial->texts.size;
}

static bool
made_documents_are_found_again(uint64_t seed)
{
    struct trial trial;
    struct json_doc doc;
    begin(&trial, seed);
    make_value(&trial, 0);
    bool holds = json_scan(buf_span(&trial.loose), NULL, 0, &trial.tape, &doc, NULL) == JSON_OK;
    if (holds) {
        struct buf again;
        buf_init(&again, &trial.mem, DOCUMENT_SIZE);
        struct json_writer writer = json_write_into(&again);
        rewrite(&doc, 0, &writer);
        holds = doc.count == trial.token_count && doc.tokens[0].after == doc.count &&
                span_equal(buf_span(&again), buf_span(&trial.compact)) &&
                texts_are_found(&trial, &doc);
        buf_destroy(&again);
    }
    return end(&trial) && holds;
}

static bool
same_verdict(struct trial *trial, struct span text)
{
    static const struct span opaque[] = { { (const uint8_t *)"", 0 }, { (const uint8_t *)"a", 1 } };
    struct json_doc doc;
    struct json_error whole = { 0 };
    struct json_error hidden = { 0 };
    enum json_result result = json_scan(text, NULL, 0, &trial->tape, &doc, &whole);
    enum json_result other = json_scan(text, opaque, COUNT_OF(opaque), &trial->tape, &doc, &hidden);
    return result == other && whole.at == hidden.at && whole.at <= text.size;
}

static bool
damage_is_judged_alike_with_opaque_keys(uint64_t seed)
{
    struct trial trial;
    begin(&trial, seed);
    make_value(&trial, 0);
    struct buf *loose = &trial.loose;
    bool holds = loose->size > 0 && same_verdict(&trial, buf_span(loose));
    for (int i = 0; i < DAMAGE_COUNT && holds; i++) {
        uint8_t *byte = &loose->data[draw(&trial, loose->size)];
        uint8_t kept = *byte;
        struct span likely = SPAN("{}[]:,\"\\u019.-eE+ tfn\n\x80\xc3\xf4");
        *byte = draw(&trial, 2) == 0 ? (uint8_t)draw(&trial, 256)
                                     : likely.data[draw(&trial, likely.size)];
        holds = same_verdict(&trial, buf_span(loose)) &&
                same_verdict(&trial, span_part(buf_span(loose), 0, draw(&trial, loose->size)));
        *byte = kept;
    }
    return end(&trial) && holds;
}

static int64_t
draw_number(struct trial *trial)
{
    int64_t value = (int64_t)(prng_next(&trial->prng) >> (1 + draw(trial, 63)));
    return draw(trial, 2) == 0 ? value : -value;
}

static bool
written_numbers_read_back(uint64_t seed)
{
    struct trial trial;
    struct json_doc doc;
    begin(&trial, seed);
    int64_t value = draw_number(&trial);
    int64_t integer = 0;
    int64_t ns = 0;
    struct json_writer writer = json_write_into(&trial.loose);
    json_begin_array(&writer);
    json_write_i64(&writer, value);
    json_write_seconds(&writer, value);
    json_end_array(&writer);
    bool holds = json_scan(buf_span(&trial.loose), NULL, 0, &trial.tape, &doc, NULL) == JSON_OK &&
                 json_read_integer(&doc, 1, &integer) && integer == value &&
                 json_read_nanoseconds(&doc, 2, &ns) && ns == value;
    return end(&trial) && holds;
}

/* The nanoseconds `value` as digits with the point anywhere and an exponent that makes up for it. */
static void
write_shifted(struct trial *trial, int64_t value)
{
    struct buf *json = &trial->loose;
    struct buf digits;
    buf_init(&digits, &trial->mem, 64);
    buf_add_decimal(&digits, (uint64_t)(value < 0 ? -value : value));
    if (value < 0) {
        buf_add_u8(json, '-');
    }
    size_t before = (size_t)draw(trial, digits.size);
    int64_t exponent = (int64_t)digits.size - (int64_t)before - 9;
    struct span all = buf_span(&digits);
    if (before == 0 || all.data[0] == '0') {
        exponent = (int64_t)all.size - 9;
        before = 0;
        buf_add_u8(json, '0');
    }
    buf_add(json, span_part(all, 0, before));
    buf_add_u8(json, '.');
    buf_add(json, span_after(all, before));
    buf_add_u8(json, draw(trial, 2) == 0 ? 'e' : 'E');
    if (exponent < 0) {
        buf_add_u8(json, '-');
    } else if (draw(trial, 2) == 0) {
        buf_add_u8(json, '+');
    }
    buf_add_decimal(json, (uint64_t)(exponent < 0 ? -exponent : exponent));
    buf_destroy(&digits);
}

static bool
shifted_point_does_not_change_nanoseconds(uint64_t seed)
{
    struct trial trial;
    struct json_doc doc;
    begin(&trial, seed);
    int64_t value = draw_number(&trial);
    int64_t ns = 0;
    write_shifted(&trial, value);
    bool holds = json_scan(buf_span(&trial.loose), NULL, 0, &trial.tape, &doc, NULL) == JSON_OK &&
                 json_read_nanoseconds(&doc, 0, &ns) && ns == value;
    return end(&trial) && holds;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "made_documents_are_found_again", made_documents_are_found_again },
        { "damage_is_judged_alike_with_opaque_keys", damage_is_judged_alike_with_opaque_keys },
        { "written_numbers_read_back", written_numbers_read_back },
        { "shifted_point_does_not_change_nanoseconds", shifted_point_does_not_change_nanoseconds },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
