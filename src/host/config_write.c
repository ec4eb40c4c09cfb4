/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_write.c - groups are written as blocks, what stands in lists in one line each.
 */
#include "host/config_write.h"

#include <inttypes.h>
#include <string.h>

#define INDENT 2

static void write_mapping_inline(FILE *out, const struct yaml_shape *shape, const uint8_t *base);

/* ---- Values ---- */

/* Whether a text can stand without quotes, also inside of brackets. */
static bool
is_plain(const char *text)
{
    static const char *const nothings[] = { "null", "Null", "NULL" };
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/";
    static const char others[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:-";
    size_t size = strlen(text);
    for (size_t i = 0; i < COUNT_OF(nothings); i++) {
        if (strcmp(text, nothings[i]) == 0) {
            return false;
        }
    }
    return size > 0 && strchr(first, text[0]) != NULL && strspn(text, others) == size &&
           text[size - 1] != ':';
}

static void
write_text(FILE *out, const char *text)
{
    if (is_plain(text)) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '"':
        case '\\':
            (void)fprintf(out, "\\%c", *at);
            break;
        case '\n':
            (void)fputs("\\n", out);
            break;
        case '\t':
            (void)fputs("\\t", out);
            break;
        case '$':
            /* One dollar sign would begin a variable. */
            (void)fputs("$$", out);
            break;
        default:
            (void)fputc(*at, out);
            break;
        }
    }
    (void)fputc('"', out);
}

static uint64_t
number_at(const uint8_t *field, size_t size)
{
    uint64_t number = 0;
    uint32_t number32 = 0;
    uint16_t number16 = 0;
    if (size == sizeof(number16)) {
        memcpy(&number16, field, size);
        return number16;
    }
    if (size == sizeof(number32)) {
        memcpy(&number32, field, size);
        return number32;
    }
    CHECK(size == sizeof(number));
    memcpy(&number, field, size);
    return number;
}

static const char *
text_at(const uint8_t *field)
{
    const char *text = NULL;
    memcpy(&text, field, sizeof(text));
    return text;
}

static const char *
choice_at(const struct yaml_choice *choices, const uint8_t *field)
{
    int value = 0;
    memcpy(&value, field, sizeof(value));
    while (choices->name != NULL && choices->value != value) {
        choices++;
    }
    CHECK(choices->name != NULL);
    return choices->name;
}

static void
write_address(FILE *out, const uint8_t *field)
{
    struct value_address address;
    char text[VALUE_HOST_SIZE_MAX + sizeof("[]:65535")];
    memcpy(&address, field, sizeof(address));
    (void)snprintf(text, sizeof(text), address.is_ipv6 ? "[%s]:%u" : "%s:%u", address.host,
        (unsigned)address.port);
    write_text(out, text);
}

static void
write_value(FILE *out, const struct yaml_key *key, const uint8_t *field)
{
    struct value_url url;
    bool flag = false;
    struct value_rate rate;
    switch (key->type) {
    case YAML_TYPE_TEXT:
        write_text(out, text_at(field));
        break;
    case YAML_TYPE_BOOLEAN:
        memcpy(&flag, field, sizeof(flag));
        (void)fputs(flag ? "true" : "false", out);
        break;
    case YAML_TYPE_NUMBER:
        (void)fprintf(out, "%" PRIu64, number_at(field, key->size));
        break;
    case YAML_TYPE_DURATION:
        (void)fputs(value_write(VALUE_DURATION, number_at(field, key->size)).text, out);
        break;
    case YAML_TYPE_SIZE:
        (void)fputs(value_write(VALUE_SIZE, number_at(field, key->size)).text, out);
        break;
    case YAML_TYPE_ADDRESS:
        write_address(out, field);
        break;
    case YAML_TYPE_URL:
        memcpy(&url, field, sizeof(url));
        write_text(out, url.text);
        break;
    case YAML_TYPE_CHOICE:
        (void)fputs(choice_at(key->choices, field), out);
        break;
    case YAML_TYPE_RATE:
        memcpy(&rate, field, sizeof(rate));
        (void)fputs(value_write_rate(&rate).text, out);
        break;
    case YAML_TYPE_MAPPING:
        write_mapping_inline(out, key->shape, field);
        break;
    case YAML_TYPE_PERCENT:
    case YAML_TYPE_TIME:
    case YAML_TYPE_PAIR:
    case YAML_TYPE_NODE:
        CHECK(key->type == YAML_TYPE_TEXT);
        break;
    }
}

/* ---- Which keys are written ---- */

static size_t
count_at(const struct yaml_key *key, const uint8_t *base)
{
    size_t count = 0;
    memcpy(&count, &base[key->count_at], sizeof(count));
    return count;
}

static bool
group_is_there(const struct yaml_shape *shape, const uint8_t *base)
{
    const struct yaml_node *node = NULL;
    memcpy(&node, &base[shape->node_at], sizeof(node));
    bool demanding = false;
    for (size_t i = 0; i < shape->key_count; i++) {
        demanding = demanding || shape->keys[i].required;
    }
    return node != NULL || !demanding;
}

static bool
is_there(const struct yaml_key *key, const uint8_t *base)
{
    const uint8_t *field = &base[key->at];
    struct value_address address;
    struct value_url url;
    if (key->is_list) {
        return count_at(key, base) > 0;
    }
    switch (key->type) {
    case YAML_TYPE_TEXT:
        return text_at(field) != NULL;
    case YAML_TYPE_ADDRESS:
        memcpy(&address, field, sizeof(address));
        return address.port != 0;
    case YAML_TYPE_URL:
        memcpy(&url, field, sizeof(url));
        return url.text != NULL;
    case YAML_TYPE_MAPPING:
        return group_is_there(key->shape, field);
    case YAML_TYPE_BOOLEAN:
    case YAML_TYPE_NUMBER:
    case YAML_TYPE_DURATION:
    case YAML_TYPE_SIZE:
    case YAML_TYPE_RATE:
    case YAML_TYPE_PERCENT:
    case YAML_TYPE_TIME:
    case YAML_TYPE_CHOICE:
    case YAML_TYPE_PAIR:
    case YAML_TYPE_NODE:
        return true;
    }
    return true;
}

/* ---- Mappings and lists ---- */

static void
write_items_inline(FILE *out, const struct yaml_key *key, const uint8_t *base)
{
    const uint8_t *items = NULL;
    size_t count = count_at(key, base);
    memcpy(&items, &base[key->at], sizeof(items));
    (void)fputc('[', out);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i == 0 ? "" : ", ", out);
        write_value(out, key, &items[i * key->size]);
    }
    (void)fputc(']', out);
}

static void
write_mapping_inline(FILE *out, const struct yaml_shape *shape, const uint8_t *base)
{
    const char *separator = "";
    (void)fputc('{', out);
    for (size_t i = 0; i < shape->key_count; i++) {
        const struct yaml_key *key = &shape->keys[i];
        if (!is_there(key, base)) {
            continue;
        }
        (void)fprintf(out, "%s%s: ", separator, key->name);
        separator = ", ";
        if (key->is_list) {
            write_items_inline(out, key, base);
        } else {
            write_value(out, key, &base[key->at]);
        }
    }
    (void)fputc('}', out);
}

/* A list of mappings: one line each. */
static void
write_items(FILE *out, const struct yaml_key *key, const uint8_t *base, int depth)
{
    const uint8_t *items = NULL;
    size_t count = count_at(key, base);
    memcpy(&items, &base[key->at], sizeof(items));
    (void)fputc('\n', out);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%*s- ", depth + INDENT, "");
        write_mapping_inline(out, key->shape, &items[i * key->size]);
        (void)fputc('\n', out);
    }
}

static void
write_mapping(FILE *out, const struct yaml_shape *shape, const uint8_t *base, int depth)
{
    for (size_t i = 0; i < shape->key_count; i++) {
        const struct yaml_key *key = &shape->keys[i];
        bool group = key->type == YAML_TYPE_MAPPING;
        if (!is_there(key, base)) {
            continue;
        }
        (void)fprintf(out, "%*s%s:", depth, "", key->name);
        if (group && key->is_list) {
            write_items(out, key, base, depth);
            continue;
        }
        if (group) {
            (void)fputc('\n', out);
            write_mapping(out, key->shape, &base[key->at], depth + INDENT);
            continue;
        }
        (void)fputc(' ', out);
        if (key->is_list) {
            write_items_inline(out, key, base);
        } else {
            write_value(out, key, &base[key->at]);
        }
        (void)fputc('\n', out);
    }
}

void
config_write(FILE *out, const struct yaml_shape *shape, const void *config)
{
    write_mapping(out, shape, config, 0);
}
