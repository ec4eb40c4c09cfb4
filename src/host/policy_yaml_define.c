/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_define.c - names for texts and lists of texts: `define`, and @name where rules use them.
 *
 * They are put into the tree before it is read, so that a definition may be whatever may stand in its place.
 * What is put in has the place of its use.
 */
#include <string.h>

#include "host/policy_yaml_parts.h"
#include "host/suggest.h"
#include "host/yaml_load.h"

#define NAME_ALLOWED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/* The `define` of the file (0), then those of the included files; NULL: none. */
static const struct yaml_node *
definitions(const struct policy_yaml_loader *loader, size_t index)
{
    const struct yaml_doc *doc = index == 0 ? loader->doc : loader->included[index - 1];
    const struct yaml_node *list = yaml_find(yaml_doc_root(doc), "define");
    /* Too many are refused, and not looked through for each use. */
    bool bounded = list != NULL && list->count <= POLICY_YAML_DEFINITIONS_MAX;
    return bounded && list->kind == YAML_MAPPING ? list : NULL;
}

static const struct yaml_node *
find_definition(const struct policy_yaml_loader *loader, size_t count, const char *name)
{
    const struct yaml_node *found = NULL;
    for (size_t i = 0; found == NULL && i < count; i++) {
        found = yaml_find(definitions(loader, i), name);
    }
    return found;
}

/* ---- Checks ---- */

static void
check_text(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    const char *text = "";
    if (yaml_read_text(node, loader->errors, &text) && text[0] == '@') {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node),
            "%s: a definition cannot use another one", yaml_path(node).text);
    }
}

static void
check_definition(struct policy_yaml_loader *loader, size_t index, const struct yaml_node *node)
{
    const char *name = node->key->text;
    const struct yaml_node *first = find_definition(loader, index, name);
    if (name[0] == '\0' || strspn(name, NAME_ALLOWED) != strlen(name)) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node->key),
            "a definition cannot be called %s", value_quote(name).text);
        yaml_errors_hint(loader->errors, "allowed are letters, digits, '-', '_' and '.'");
    } else if (first != NULL) {
        struct yaml_place before = yaml_place(first->key);
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node->key),
            "%s is defined twice; the first is at %s:%u:%u", value_quote(name).text, before.file,
            before.line, before.column);
    }
    if (node->kind != YAML_SEQUENCE) {
        check_text(loader, node);
        return;
    }
    if (node->count == 0 || node->count > POLICY_YAML_DEFINITION_ITEMS_MAX) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node),
            "%s has %u items (allowed: 1 to %d)", yaml_path(node).text, node->count,
            POLICY_YAML_DEFINITION_ITEMS_MAX);
        return;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        check_text(loader, item);
    }
}

void
policy_yaml_check_definitions(struct policy_yaml_loader *loader)
{
    for (size_t i = 0; i <= loader->included_count; i++) {
        const struct yaml_doc *doc = i == 0 ? loader->doc : loader->included[i - 1];
        const struct yaml_node *list = yaml_find(yaml_doc_root(doc), "define");
        if (list == NULL || list->faulty) {
            continue;
        }
        if (list->kind != YAML_MAPPING) {
            yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(list),
                "define must be a mapping, not %s", yaml_kind_words(list));
            yaml_errors_hint(loader->errors, "write define: {name: [text, text]}");
        } else if (list->count > POLICY_YAML_DEFINITIONS_MAX) {
            yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(list),
                "define has %u names (allowed: at most %d)", list->count,
                POLICY_YAML_DEFINITIONS_MAX);
        }
        const struct yaml_node *bounded = definitions(loader, i);
        const struct yaml_node *first = bounded == NULL ? NULL : bounded->first;
        for (const struct yaml_node *node = first; node != NULL; node = node->next) {
            check_definition(loader, i, node);
        }
    }
}

/* ---- Putting them in ---- */

static void
report_unknown(struct policy_yaml_loader *loader, struct yaml_node *node)
{
    struct suggest suggest;
    const char *name = &node->text[1];
    node->faulty = true;
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node), "%s: nothing is defined as %s",
        yaml_path(node).text, value_quote(name).text);
    suggest_init(&suggest, name);
    for (size_t i = 0; loader->errors->last != NULL && i <= loader->included_count; i++) {
        const struct yaml_node *list = definitions(loader, i);
        const struct yaml_node *first = list == NULL ? NULL : list->first;
        for (const struct yaml_node *each = first; each != NULL; each = each->next) {
            suggest_offer(&suggest, each->key->text);
        }
    }
    if (suggest.best != NULL) {
        yaml_errors_hint(loader->errors, "did you mean '@%s'? ", suggest.best);
    }
    yaml_errors_hint(loader->errors, "(a text that begins with @ is written with @@)");
}

/* The items of `list`, in place of the item `node` of a sequence: it becomes the first, the others follow. The
 * last of them; NULL: no memory. */
static struct yaml_node *
put_items(struct yaml_node *node, const struct yaml_node *list)
{
    struct yaml_node *behind = node->next;
    struct yaml_node *last = node;
    node->text = list->first->text;
    for (const struct yaml_node *item = list->first->next; item != NULL; item = item->next) {
        struct yaml_node *copy = yaml_doc_take(node->doc, sizeof(*copy));
        if (copy == NULL) {
            last->next = behind;
            return NULL;
        }
        *copy = *node;
        copy->text = item->text;
        last->next = copy;
        last = copy;
    }
    last->next = behind;
    return last;
}

static void
number(struct yaml_node *container)
{
    container->count = 0;
    for (struct yaml_node *node = container->first; node != NULL; node = node->next) {
        node->position = container->count++;
    }
}

/* The list itself, in place of a value. false: no memory. */
static bool
put_list(struct yaml_node *node, const struct yaml_node *list)
{
    struct yaml_node *first = yaml_doc_take(node->doc, sizeof(*first));
    if (first == NULL) {
        return false;
    }
    *first = *node;
    first->parent = node;
    first->key = NULL;
    first->next = NULL;
    node->kind = YAML_SEQUENCE;
    node->text = "";
    node->first = first;
    bool whole = put_items(first, list) != NULL;
    number(node);
    return whole;
}

static bool
is_sound(const struct yaml_node *definition)
{
    bool sound = !definition->faulty && !definition->no_value;
    for (const struct yaml_node *item = definition->first; sound && item != NULL;
         item = item->next) {
        sound = item->kind == YAML_SCALAR && !item->faulty && !item->no_value;
    }
    return sound && (definition->kind == YAML_SCALAR ||
                        (definition->kind == YAML_SEQUENCE && definition->count > 0 &&
                            definition->count <= POLICY_YAML_DEFINITION_ITEMS_MAX));
}

/* A scalar that may name a definition. The last of the nodes that it became, or itself. */
static struct yaml_node *
put(struct policy_yaml_loader *loader, struct yaml_node *node)
{
    if (node->faulty || node->text[0] != '@') {
        return node;
    }
    if (node->text[1] == '@') {
        node->text++;
        return node;
    }
    const struct yaml_node *definition =
        find_definition(loader, loader->included_count + 1, &node->text[1]);
    if (definition == NULL) {
        report_unknown(loader, node);
        return node;
    }
    struct yaml_node *last = node;
    if (!is_sound(definition)) {
        node->faulty = true; /* which was reported */
    } else if (definition->kind == YAML_SCALAR) {
        node->text = definition->text;
    } else if (node->key == NULL) {
        last = put_items(node, definition);
    } else if (!put_list(node, definition)) {
        last = NULL;
    }
    if (last == NULL) {
        policy_yaml_report_memory(loader);
        node->faulty = true;
    }
    return last == NULL ? node : last;
}

/* Trees are at most YAML_DEPTH_MAX deep. */
static void
put_below(struct policy_yaml_loader *loader, struct yaml_node *container)
{
    for (struct yaml_node *node = container->first; node != NULL; node = node->next) {
        if (node->kind == YAML_SCALAR) {
            node = put(loader, node);
        } else {
            put_below(loader, node);
        }
    }
    number(container);
}

void
policy_yaml_put_definitions(struct policy_yaml_loader *loader, struct yaml_doc *doc)
{
    if (doc->root->kind != YAML_MAPPING) {
        return;
    }
    for (struct yaml_node *section = doc->root->first; section != NULL; section = section->next) {
        bool takes_definitions = strcmp(section->key->text, "export") == 0 ||
                                 strcmp(section->key->text, "import") == 0 ||
                                 strcmp(section->key->text, "assert") == 0;
        if (takes_definitions && !section->faulty && section->kind != YAML_SCALAR) {
            put_below(loader, section);
        }
    }
}
