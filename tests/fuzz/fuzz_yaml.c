/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_yaml.c - any bytes as a configuration file: load, walk, every reader on every node. Properties:
 * no tree without a reason; the tree's links agree with each other; every text, and everything that is
 * said, is clean UTF-8; a reader that refuses says so; what is written of a quantity reads back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/utf8.h"
#include "tests/support/check_failed.h"
#include "tests/support/yaml_shapes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
lookup(void *host, const char *name)
{
    (void)host;
    switch (name[0]) {
    case 'A':
        return "[a, b]: *c";
    case 'B':
        return "";
    case 'C':
        return "bell\a";
    case 'D':
        return "${A}";
    case 'E':
        return "caf\xe9";
    default:
        return NULL;
    }
}

static void
check_text(const char *text)
{
    struct span span = span_from_text(text);
    CHECK(utf8_valid(span));
    for (size_t i = 0; i < span.size; i++) {
        CHECK(span.data[i] >= 0x20 || span.data[i] == '\n' || span.data[i] == '\t');
    }
}

static void
check_links(const struct yaml_node *node)
{
    uint32_t count = 0;
    CHECK(node->line > 0);
    CHECK(node->column > 0);
    CHECK(node->kind != YAML_SCALAR || node->first == NULL);
    check_text(node->text);
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        CHECK(child->parent == node);
        CHECK(child->position == count);
        CHECK((child->key != NULL) == (node->kind == YAML_MAPPING));
        count++;
    }
    CHECK(node->count == count);
}

static void
check_quantity(enum value_kind kind, uint64_t value)
{
    uint64_t again = ~value;
    struct value_text written = value_write(kind, value);
    enum value_result result = kind == VALUE_NUMBER     ? value_read_number(written.text, &again)
                               : kind == VALUE_DURATION ? value_read_duration(written.text, &again)
                                                        : value_read_size(written.text, &again);
    CHECK(result == VALUE_OK);
    CHECK(again == value);
}

/* A reader was called: it has taken the value, or said something, or the node was faulty before. */
static void
check_said(const struct yaml_node *node, bool good, size_t before, const struct yaml_errors *errors)
{
    CHECK(good ? errors->error_count == before : node->faulty || errors->error_count == before + 1);
    CHECK(!good || !node->faulty);
}

static void
read_quantities(const struct yaml_node *node, struct yaml_errors *errors)
{
    struct yaml_range any = { 0, 0 };
    uint64_t value = 0;
    size_t before = errors->error_count;

    bool good = yaml_read_number(node, any, errors, &value);
    check_said(node, good, before, errors);
    check_quantity(VALUE_NUMBER, value);
    before = errors->error_count;
    value = 0;
    good = yaml_read_duration(node, any, errors, &value);
    check_said(node, good, before, errors);
    check_quantity(VALUE_DURATION, value);
    before = errors->error_count;
    value = 0;
    good = yaml_read_size(node, any, errors, &value);
    check_said(node, good, before, errors);
    check_quantity(VALUE_SIZE, value);
}

static void
read_others(const struct yaml_node *node, struct yaml_errors *errors)
{
    const char *text = NULL;
    bool boolean = false;
    struct value_rate rate = { 0 };
    struct value_address address = { .port = 0 };
    struct value_url url = { .text = NULL };
    int choice = 0;
    size_t before = errors->error_count;

    check_said(node, yaml_read_text(node, errors, &text), before, errors);
    before = errors->error_count;
    check_said(node, yaml_read_boolean(node, errors, &boolean), before, errors);
    before = errors->error_count;
    check_said(node, yaml_read_rate(node, errors, &rate), before, errors);
    before = errors->error_count;
    bool good = yaml_read_address(node, errors, &address);
    check_said(node, good, before, errors);
    CHECK(good == (address.port != 0));
    before = errors->error_count;
    good = yaml_read_url(node, errors, &url);
    check_said(node, good, before, errors);
    CHECK(!good || url.text == node->text);
    before = errors->error_count;
    check_said(node, yaml_read_choice(node, sample_modes, errors, &choice), before, errors);
}

static void
walk(const struct yaml_node *root, struct yaml_errors *errors)
{
    const struct yaml_node *node = root;
    while (node != NULL) {
        struct yaml_path path = yaml_path(node);
        CHECK(strlen(path.text) < sizeof(path.text));
        check_links(node);
        read_quantities(node, errors);
        read_others(node, errors);
        if (node->first != NULL) {
            node = node->first;
            continue;
        }
        while (node != NULL && node->next == NULL) {
            node = node->parent;
        }
        node = node == NULL ? NULL : node->next;
    }
}

static void
check_printed(struct yaml_errors *errors)
{
    char *printed = NULL;
    size_t size = 0;
    size_t line_count = 0;
    FILE *out = open_memstream(&printed, &size);
    CHECK(out != NULL);
    yaml_errors_print(errors, out);
    int closed = fclose(out);
    CHECK(closed == 0);
    for (size_t i = 0; i < size; i++) {
        line_count += printed[i] == '\n';
    }
    CHECK(strlen(printed) == size);
    check_text(printed);
    CHECK(line_count == errors->count + (errors->more > 0));
    free(printed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_environment environment = { .lookup = lookup };
    struct yaml_errors errors;
    struct sample sample;

    yaml_errors_init(&errors);
    struct yaml_doc *doc = yaml_load_text("f.yaml", span_from(data, size), &environment, &errors);
    CHECK(doc != NULL || errors.error_count > 0);
    if (doc != NULL) {
        yaml_read_mapping(yaml_doc_root(doc), &sample_shape, &errors, &sample);
        CHECK(sample.yaml == yaml_doc_root(doc));
        CHECK(errors.error_count > 0 || sample.cluster_id != NULL);
        CHECK(errors.error_count > 0 || sample.listen.text != NULL);
        check_printed(&errors);
        walk(yaml_doc_root(doc), &errors);
    }
    check_printed(&errors);
    yaml_doc_free(doc);
    yaml_errors_destroy(&errors);
    return 0;
}
