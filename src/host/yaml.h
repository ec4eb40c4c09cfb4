/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - a YAML file as a tree, in which every node knows its line and column.
 *
 * Only what a configuration needs: one document, mappings with text keys, sequences, scalars that keep
 * their text (what it means is up to its reader: host/yaml_read.h). Anchors, aliases, merge keys and
 * tags are refused: they make files that nobody can read, and small ones that fill the memory. Texts are
 * UTF-8 without control characters other than line feed and tab.
 *
 * In scalars, not in keys, ${NAME} is replaced from the environment, ${NAME:-default} gives the default
 * (anything but a closing brace) when NAME is undefined or empty, and $$ is a dollar sign. Any other
 * dollar sign is an error, as is ${NAME} when NAME is undefined. What is put in is never YAML again.
 *
 * All that can be said about a file is said in one run: only broken syntax, a limit and a second
 * document end the reading. Everything else is reported, its node marked as `faulty` so that
 * nobody reports it again, and the tree is there for further checks. So a file is good when it was
 * loaded *and* errors->error_count is 0.
 */
#ifndef HOST_YAML_H
#define HOST_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/span.h"
#include "host/yaml_errors.h"

/* A policy of 10,000 rules is about 3 MiB. */
#define YAML_FILE_SIZE_MAX ((size_t)8 * 1024 * 1024)
/* Containers inside each other; the deepest that is read has 7. */
#define YAML_DEPTH_MAX 64
/* Keys count too. */
#define YAML_NODES_MAX ((size_t)2 * 1000 * 1000)
/* One scalar, in bytes after replacement: stops a variable that is used a million times. */
#define YAML_SCALAR_SIZE_MAX ((size_t)64 * 1024)
/* All nodes, their texts and what readers make of them: the largest tree is three quarters of it. */
#define YAML_MEMORY_MAX ((size_t)256 * 1024 * 1024)

enum yaml_kind {
    YAML_SCALAR = 0,
    YAML_SEQUENCE,
    YAML_MAPPING,
};

struct yaml_doc;

struct yaml_node {
    struct yaml_doc *doc;
    const struct yaml_node *parent; /* NULL: the root */
    struct yaml_node *key;          /* a value in a mapping: the scalar that names it. Else NULL */
    struct yaml_node *first;        /* of the items, or of the values in a mapping; NULL: empty */
    struct yaml_node *next;         /* the next item or value of the same parent */
    const char *text;               /* a scalar's, after replacement; "" for everything else */
    uint32_t line;                  /* from 1: where the node begins, its quote if it has one */
    uint32_t column;                /* from 1, in characters */
    uint32_t count;                 /* of items, or of values */
    uint32_t position;              /* among the parent's, from 0 */
    enum yaml_kind kind;
    bool quoted;   /* a scalar that is not plain: 'x', "x" or a block with | or > */
    bool no_value; /* a scalar that says nothing: written as nothing at all, ~ or null */
    bool faulty;   /* reported already: readers take no value from it and say nothing */
};

/* Where variables come from. NULL: undefined. The text is copied at once. */
typedef const char *(*yaml_lookup)(void *host, const char *name);

struct yaml_environment {
    yaml_lookup lookup; /* NULL: every variable is undefined */
    void *host;         /* handed to `lookup` */
};

/* The environment of this process. */
extern const struct yaml_environment yaml_process_environment;

/*
 * Load a file, or a text that messages call `name`. With `environment` NULL variables stay as they are
 * written.
 *
 * The document, to be given to yaml_doc_free(); or NULL, and `errors` says why. There may be new
 * entries in `errors` in both cases. The document borrows nothing.
 */
MUST_CHECK struct yaml_doc *yaml_load_file(
    const char *path, const struct yaml_environment *environment, struct yaml_errors *errors);
MUST_CHECK struct yaml_doc *yaml_load_text(const char *name, struct span text,
    const struct yaml_environment *environment, struct yaml_errors *errors);

/* All nodes and texts die, and what yaml_doc_take() gave. NULL is allowed. */
void yaml_doc_free(struct yaml_doc *doc);

/* Never NULL. */
const struct yaml_node *yaml_doc_root(const struct yaml_doc *doc);

/* What messages call the file. */
const char *yaml_doc_name(const struct yaml_doc *doc);

/* Zeroed bytes, aligned for any type, that live as long as the document. NULL: above YAML_MEMORY_MAX. */
MUST_CHECK void *yaml_doc_take(struct yaml_doc *doc, size_t size);

/* For yaml_errors_add(). */
struct yaml_place yaml_place(const struct yaml_node *node);

/* The value that has this key, or NULL: none, or `node` is no mapping, or NULL. A duplicate is never
 * found, only the first of its name. */
const struct yaml_node *yaml_find(const struct yaml_node *node, const char *key);

/* The item at `position`, or NULL: none, or `node` is no sequence, or NULL. */
const struct yaml_node *yaml_item(const struct yaml_node *node, uint32_t position);

struct yaml_path {
    char text[128];
};

/* How messages call a node: "federation.bridges[0].cluster_id"; "the file" for the root. A long path
 * loses its beginning. */
struct yaml_path yaml_path(const struct yaml_node *node);

/* "a text", "a list", "a mapping", "no value". */
const char *yaml_kind_words(const struct yaml_node *node);

#endif
