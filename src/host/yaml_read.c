/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_read.c - the readers of single values, then mappings by their tables. Members are written with
 * memcpy: the table knows where and how large they are, and the macros have checked their types.
 */
#include "host/yaml_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/suggest.h"

/* ---- Words ---- */

/* "a duration such as 30s" for kinds of values, and the like for the others. */
static const char *
type_words(enum yaml_type type)
{
    switch (type) {
    case YAML_TYPE_TEXT:
        return "a text";
    case YAML_TYPE_BOOLEAN:
        return value_kind_words(VALUE_BOOLEAN);
    case YAML_TYPE_NUMBER:
        return value_kind_words(VALUE_NUMBER);
    case YAML_TYPE_DURATION:
        return value_kind_words(VALUE_DURATION);
    case YAML_TYPE_SIZE:
        return value_kind_words(VALUE_SIZE);
    case YAML_TYPE_RATE:
        return value_kind_words(VALUE_RATE);
    case YAML_TYPE_PERCENT:
        return value_kind_words(VALUE_PERCENT);
    case YAML_TYPE_TIME:
        return value_kind_words(VALUE_TIME);
    case YAML_TYPE_ADDRESS:
        return value_kind_words(VALUE_ADDRESS);
    case YAML_TYPE_URL:
        return value_kind_words(VALUE_URL);
    case YAML_TYPE_CHOICE:
        return "one word";
    case YAML_TYPE_PAIR:
    case YAML_TYPE_MAPPING:
        return "a mapping";
    case YAML_TYPE_NODE:
        return "a value";
    }
    return "a value";
}

static void
report_kind(const struct yaml_node *node, const char *wanted, struct yaml_errors *errors)
{
    struct yaml_path path = yaml_path(node);
    if (node->no_value) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s has no value", path.text);
        yaml_errors_hint(errors, "give it %s, or take it out", wanted);
    } else {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s must be %s, not %s", path.text,
            wanted, yaml_kind_words(node));
    }
}

/* "(allowed: 1s to 1h)", of what value_write() can write. */
static void
hint_range(enum value_kind kind, struct yaml_range range, struct yaml_errors *errors)
{
    struct value_text min = value_write(kind, range.min);
    struct value_text max = value_write(kind, range.max);
    if (range.max == 0) {
        yaml_errors_hint(errors, "(allowed: %s or more)", min.text);
    } else {
        yaml_errors_hint(errors, "(allowed: %s to %s)", min.text, max.text);
    }
}

/* ---- Single values ---- */

/* The text that a scalar reader judges; NULL: there is none, which was reported. */
static const char *
text_of(const struct yaml_node *node, enum yaml_type type, struct yaml_errors *errors)
{
    if (node->faulty) {
        return NULL;
    }
    if (node->kind != YAML_SCALAR || node->no_value) {
        report_kind(node, type_words(type), errors);
        return NULL;
    }
    return node->text;
}

/* What a value reader said about `text`. */
static bool
judge(const struct yaml_node *node, enum value_kind kind, enum value_result result,
    struct yaml_errors *errors)
{
    if (result == VALUE_OK) {
        return true;
    }
    struct value_words words = value_explain(kind, result, node->text);
    yaml_errors_add(
        errors, YAML_ERROR, yaml_place(node), "%s: %s", yaml_path(node).text, words.message);
    yaml_errors_hint(errors, "%s", words.hint);
    return false;
}

static bool
judge_range(const struct yaml_node *node, enum value_kind kind, struct yaml_range range,
    uint64_t value, struct yaml_errors *errors)
{
    if (value >= range.min && (range.max == 0 || value <= range.max)) {
        return true;
    }
    yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s: %s is out of range",
        yaml_path(node).text, value_quote(node->text).text);
    hint_range(kind, range, errors);
    return false;
}

bool
yaml_read_text(const struct yaml_node *node, struct yaml_errors *errors, const char **text)
{
    const char *read = text_of(node, YAML_TYPE_TEXT, errors);
    if (read == NULL) {
        return false;
    }
    if (read[0] == '\0') {
        yaml_errors_add(
            errors, YAML_ERROR, yaml_place(node), "%s must not be empty", yaml_path(node).text);
        return false;
    }
    *text = read;
    return true;
}

bool
yaml_read_boolean(const struct yaml_node *node, struct yaml_errors *errors, bool *value)
{
    const char *text = text_of(node, YAML_TYPE_BOOLEAN, errors);
    return text != NULL && judge(node, VALUE_BOOLEAN, value_read_boolean(text, value), errors);
}

bool
yaml_read_number(const struct yaml_node *node, struct yaml_range range, struct yaml_errors *errors,
    uint64_t *value)
{
    const char *text = text_of(node, YAML_TYPE_NUMBER, errors);
    uint64_t read = 0;
    if (text == NULL || !judge(node, VALUE_NUMBER, value_read_number(text, &read), errors) ||
        !judge_range(node, VALUE_NUMBER, range, read, errors)) {
        return false;
    }
    *value = read;
    return true;
}

bool
yaml_read_duration(const struct yaml_node *node, struct yaml_range range_ns,
    struct yaml_errors *errors, uint64_t *duration_ns)
{
    const char *text = text_of(node, YAML_TYPE_DURATION, errors);
    uint64_t read = 0;
    if (text == NULL || !judge(node, VALUE_DURATION, value_read_duration(text, &read), errors) ||
        !judge_range(node, VALUE_DURATION, range_ns, read, errors)) {
        return false;
    }
    *duration_ns = read;
    return true;
}

bool
yaml_read_size(const struct yaml_node *node, struct yaml_range range, struct yaml_errors *errors,
    uint64_t *size)
{
    const char *text = text_of(node, YAML_TYPE_SIZE, errors);
    uint64_t read = 0;
    if (text == NULL || !judge(node, VALUE_SIZE, value_read_size(text, &read), errors) ||
        !judge_range(node, VALUE_SIZE, range, read, errors)) {
        return false;
    }
    *size = read;
    return true;
}

bool
yaml_read_rate(const struct yaml_node *node, struct yaml_errors *errors, struct value_rate *rate)
{
    const char *text = text_of(node, YAML_TYPE_RATE, errors);
    return text != NULL && judge(node, VALUE_RATE, value_read_rate(text, rate), errors);
}

bool
yaml_read_percent(const struct yaml_node *node, struct yaml_errors *errors, uint32_t *percent)
{
    const char *text = text_of(node, YAML_TYPE_PERCENT, errors);
    return text != NULL && judge(node, VALUE_PERCENT, value_read_percent(text, percent), errors);
}

bool
yaml_read_time(const struct yaml_node *node, struct yaml_errors *errors, struct wall *time)
{
    const char *text = text_of(node, YAML_TYPE_TIME, errors);
    return text != NULL && judge(node, VALUE_TIME, value_read_time(text, time), errors);
}

bool
yaml_read_address(
    const struct yaml_node *node, struct yaml_errors *errors, struct value_address *address)
{
    const char *text = text_of(node, YAML_TYPE_ADDRESS, errors);
    return text != NULL && judge(node, VALUE_ADDRESS, value_read_address(text, address), errors);
}

bool
yaml_read_url(const struct yaml_node *node, struct yaml_errors *errors, struct value_url *url)
{
    const char *text = text_of(node, YAML_TYPE_URL, errors);
    return text != NULL && judge(node, VALUE_URL, value_read_url(text, url), errors);
}

bool
yaml_read_choice(const struct yaml_node *node, const struct yaml_choice *choices,
    struct yaml_errors *errors, int *value)
{
    const char *text = text_of(node, YAML_TYPE_CHOICE, errors);
    struct suggest suggest;
    if (text == NULL) {
        return false;
    }
    suggest_init(&suggest, text);
    for (const struct yaml_choice *choice = choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, text) == 0) {
            *value = choice->value;
            return true;
        }
        suggest_offer(&suggest, choice->name);
    }
    yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s cannot be %s", yaml_path(node).text,
        value_quote(text).text);
    if (suggest.best != NULL) {
        yaml_errors_hint(errors, "did you mean '%s'? ", suggest.best);
    }
    for (const struct yaml_choice *choice = choices; choice->name != NULL; choice++) {
        yaml_errors_hint(errors, "%s%s", choice == choices ? "(allowed: " : ", ", choice->name);
    }
    yaml_errors_hint(errors, ")");
    return false;
}

/* ---- Mappings ---- */

/* `into` is the struct that the key is in. */
static uint8_t *
member(void *into, size_t at)
{
    return (uint8_t *)into + at;
}

static struct yaml_range
number_range(const struct yaml_key *key)
{
    uint64_t most = key->size == sizeof(uint16_t)   ? UINT16_MAX
                    : key->size == sizeof(uint32_t) ? UINT32_MAX
                                                    : UINT64_MAX;
    CHECK(key->max <= most);
    return (struct yaml_range){ .min = key->min, .max = key->max == 0 ? most : key->max };
}

static void
store_number(void *field, size_t size, uint64_t value)
{
    uint16_t small = (uint16_t)value;
    uint32_t middle = (uint32_t)value;
    if (size == sizeof(small)) {
        memcpy(field, &small, sizeof(small));
    } else if (size == sizeof(middle)) {
        memcpy(field, &middle, sizeof(middle));
    } else {
        CHECK(size == sizeof(value));
        memcpy(field, &value, sizeof(value));
    }
}

static bool
read_text_member(const struct yaml_node *node, const struct yaml_key *key,
    struct yaml_errors *errors, void *field)
{
    const char *text = NULL;
    if (key->may_be_empty && !node->faulty && node->kind == YAML_SCALAR && !node->no_value) {
        text = node->text;
    } else if (!yaml_read_text(node, errors, &text)) {
        return false;
    }
    const char *claim = key->check == NULL ? NULL : key->check(text);
    if (claim != NULL) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s: %s %s", yaml_path(node).text,
            value_quote(text).text, claim);
        return false;
    }
    memcpy(field, &text, sizeof(text));
    return true;
}

/* Whether a key takes this much: all but 0, perhaps. */
static bool
judge_zero(const struct yaml_node *node, const struct yaml_key *key, uint64_t value,
    struct yaml_errors *errors)
{
    if (value > 0 || key->zero == NULL) {
        return true;
    }
    yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s cannot be %s", yaml_path(node).text,
        value_quote(node->text).text);
    yaml_errors_hint(errors, "%s", key->zero);
    return false;
}

static bool
read_number_member(const struct yaml_node *node, const struct yaml_key *key,
    struct yaml_errors *errors, void *field)
{
    struct yaml_range range = { .min = key->min, .max = key->max };
    uint64_t value = 0;
    bool good = key->type == YAML_TYPE_NUMBER
                    ? yaml_read_number(node, number_range(key), errors, &value)
                : key->type == YAML_TYPE_SIZE ? yaml_read_size(node, range, errors, &value)
                                              : yaml_read_duration(node, range, errors, &value);
    if (!good || !judge_zero(node, key, value, errors)) {
        return false;
    }
    store_number(field, key->size, value);
    return true;
}

static bool
read_rate_member(const struct yaml_node *node, const struct yaml_key *key,
    struct yaml_errors *errors, void *field)
{
    struct value_rate rate;
    if (!yaml_read_rate(node, errors, &rate) || !judge_zero(node, key, rate.count, errors)) {
        return false;
    }
    memcpy(field, &rate, sizeof(rate));
    return true;
}

static bool
read_choice_member(const struct yaml_node *node, const struct yaml_key *key,
    struct yaml_errors *errors, void *field)
{
    int value = 0;
    bool good = yaml_read_choice(node, key->choices, errors, &value);
    if (good) {
        memcpy(field, &value, sizeof(value));
    }
    return good;
}

static bool
read_pair(const struct yaml_node *node, const struct yaml_key *key, struct yaml_errors *errors,
    void *field)
{
    struct yaml_pair pair = { .key = node->key->text };
    bool good = read_text_member(node, key, errors, &pair.value);
    if (good) {
        memcpy(field, &pair, sizeof(pair));
    }
    return good;
}

/* One value, or one item of a list. A mapping is always taken; its faults are its own. */
static bool
read_one(const struct yaml_node *node, const struct yaml_key *key, struct yaml_errors *errors,
    void *field)
{
    switch (key->type) {
    case YAML_TYPE_TEXT:
        return read_text_member(node, key, errors, field);
    case YAML_TYPE_BOOLEAN:
        return yaml_read_boolean(node, errors, field);
    case YAML_TYPE_NUMBER:
    case YAML_TYPE_DURATION:
    case YAML_TYPE_SIZE:
        return read_number_member(node, key, errors, field);
    case YAML_TYPE_RATE:
        return read_rate_member(node, key, errors, field);
    case YAML_TYPE_PERCENT:
        return yaml_read_percent(node, errors, field);
    case YAML_TYPE_TIME:
        return yaml_read_time(node, errors, field);
    case YAML_TYPE_ADDRESS:
        return yaml_read_address(node, errors, field);
    case YAML_TYPE_URL:
        return yaml_read_url(node, errors, field);
    case YAML_TYPE_CHOICE:
        return read_choice_member(node, key, errors, field);
    case YAML_TYPE_PAIR:
        return read_pair(node, key, errors, field);
    case YAML_TYPE_MAPPING:
        CHECK(key->size == key->shape->size);
        yaml_read_mapping(node, key->shape, errors, field);
        return true;
    case YAML_TYPE_NODE:
        memcpy(field, &node, sizeof(node));
        return true;
    }
    return false;
}

/* Whether `node` is what a list may be read from; false: reported. */
static bool
judge_list(const struct yaml_node *node, const struct yaml_key *key, struct yaml_errors *errors)
{
    bool is_pairs = key->type == YAML_TYPE_PAIR;
    enum yaml_kind wanted = is_pairs ? YAML_MAPPING : YAML_SEQUENCE;
    uint64_t count = node->kind == YAML_SCALAR ? 1 : node->count;

    if (node->faulty) {
        return false;
    }
    if (node->kind != wanted && (is_pairs || !key->or_one)) {
        report_kind(node, is_pairs ? "a mapping" : "a list", errors);
        if (!is_pairs && node->kind == YAML_SCALAR && !node->no_value) {
            yaml_errors_hint(errors, "write [%s]", value_quote(node->text).text);
        }
        return false;
    }
    if (count < key->min || (key->max != 0 && count > key->max)) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(node), "%s has %" PRIu64 " item%s",
            yaml_path(node).text, count, count == 1 ? "" : "s");
        hint_range(VALUE_NUMBER, (struct yaml_range){ key->min, key->max }, errors);
        return false;
    }
    return true;
}

/* `node` is a container, or with or_one the only item. */
static void
read_list(const struct yaml_node *node, const struct yaml_key *key, struct yaml_errors *errors,
    void *into)
{
    bool is_alone = key->type != YAML_TYPE_PAIR && node->kind != YAML_SEQUENCE;
    size_t count = is_alone ? 1 : node->count;
    uint8_t *items = count == 0 ? NULL : yaml_doc_take(node->doc, count * key->size);
    const struct yaml_node *item = is_alone ? node : node->first;
    bool good = true;

    if (count > 0 && items == NULL) {
        yaml_errors_add(
            errors, YAML_ERROR, yaml_place(node), "%s needs too much memory", yaml_path(node).text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        /* All are read even if one was refused: their faults are wanted too. */
        good = read_one(item, key, errors, &items[i * key->size]) && good;
        item = is_alone ? NULL : item->next;
    }
    if (good) {
        memcpy(member(into, key->at), &items, sizeof(items));
        memcpy(member(into, key->count_at), &count, sizeof(count));
    }
}

static void
read_key(const struct yaml_node *node, const struct yaml_key *key, struct yaml_errors *errors,
    void *into)
{
    if (!key->is_list) {
        (void)read_one(node, key, errors, member(into, key->at));
    } else if (judge_list(node, key, errors)) {
        read_list(node, key, errors, into);
    }
}

/* The struct as it is when nothing is said. */
static void set_defaults(
    struct yaml_doc *doc, const struct yaml_shape *shape, struct yaml_errors *errors, void *into);

static void
set_default(
    struct yaml_doc *doc, const struct yaml_key *key, struct yaml_errors *errors, void *into)
{
    if (key->type == YAML_TYPE_MAPPING && !key->is_list) {
        CHECK(key->size == key->shape->size);
        set_defaults(doc, key->shape, errors, member(into, key->at));
    }
    if (key->fallback == NULL) {
        return;
    }
    struct yaml_node written = { .doc = doc, .text = key->fallback };
    size_t error_count = errors->error_count;
    CHECK(!key->required);
    CHECK(key->type != YAML_TYPE_MAPPING);
    CHECK(key->type != YAML_TYPE_PAIR);
    CHECK(key->type != YAML_TYPE_NODE);
    if (key->is_list) {
        /* The file may have used up the memory for it, which is then reported. */
        read_list(&written, key, errors, into);
    } else {
        (void)read_one(&written, key, errors, member(into, key->at));
        /* A default that its own key refuses is a slip in the table. */
        CHECK(errors->error_count == error_count);
    }
}

static void
set_defaults(
    struct yaml_doc *doc, const struct yaml_shape *shape, struct yaml_errors *errors, void *into)
{
    memset(into, 0, shape->size);
    for (size_t i = 0; i < shape->key_count; i++) {
        set_default(doc, &shape->keys[i], errors, into);
    }
}

static bool
is_known(const struct yaml_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->key_count; i++) {
        if (strcmp(shape->keys[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct yaml_stray *
find_stray(const struct yaml_shape *shape, const char *name)
{
    const struct yaml_stray *stray = shape->strays;
    while (stray != NULL && stray->name != NULL && strcmp(stray->name, name) != 0) {
        stray++;
    }
    return stray == NULL || stray->name == NULL ? NULL : stray;
}

static void
report_unknown(
    const struct yaml_node *name, const struct yaml_shape *shape, struct yaml_errors *errors)
{
    const struct yaml_stray *stray = find_stray(shape, name->text);
    struct suggest suggest;
    yaml_errors_add(errors, YAML_ERROR, yaml_place(name), "unknown key %s in %s",
        value_quote(name->text).text, shape->name);
    if (errors->last == NULL) {
        return;
    }
    if (stray != NULL) {
        yaml_errors_hint(errors, "%s", stray->hint);
        return;
    }
    suggest_init(&suggest, name->text);
    for (size_t i = 0; i < shape->key_count; i++) {
        suggest_offer(&suggest, shape->keys[i].name);
    }
    if (suggest.best != NULL) {
        yaml_errors_hint(errors, "did you mean '%s'? ", suggest.best);
    }
    for (size_t i = 0; i < shape->key_count; i++) {
        yaml_errors_hint(errors, "%s%s", i == 0 ? "(allowed: " : ", ", shape->keys[i].name);
    }
    yaml_errors_hint(errors, ")");
}

static void
report_missing(const struct yaml_node *node, const struct yaml_key *key,
    const struct yaml_shape *shape, struct yaml_errors *errors)
{
    bool is_listed = key->is_list && key->type != YAML_TYPE_PAIR;
    yaml_errors_add(
        errors, YAML_ERROR, yaml_place(node), "key '%s' is missing in %s", key->name, shape->name);
    yaml_errors_hint(errors, "give it %s", is_listed ? "a list" : type_words(key->type));
}

void
yaml_read_mapping(const struct yaml_node *node, const struct yaml_shape *shape,
    struct yaml_errors *errors, void *into)
{
    set_defaults(node->doc, shape, errors, into);
    memcpy(member(into, shape->node_at), &node, sizeof(node));
    if (node->faulty) {
        return;
    }
    if (node->kind != YAML_MAPPING && shape->shorthand != NULL) {
        read_key(node, shape->shorthand, errors, into);
        return;
    }
    if (node->kind != YAML_MAPPING) {
        report_kind(node, "a mapping", errors);
        return;
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        if (!value->key->faulty && !is_known(shape, value->key->text)) {
            report_unknown(value->key, shape, errors);
        }
    }
    for (size_t i = 0; i < shape->key_count; i++) {
        const struct yaml_key *key = &shape->keys[i];
        const struct yaml_node *value = yaml_find(node, key->name);
        if (value != NULL) {
            read_key(value, key, errors, into);
        } else if (key->required) {
            report_missing(node, key, shape, errors);
        }
    }
}
