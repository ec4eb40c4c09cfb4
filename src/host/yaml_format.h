/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_format.h - a tree written as YAML, always in the same way.
 *
 * Keys stand in the order of their table. What fits into a line of 100 columns stands on one, unless it has a
 * list of mappings in it; all else is a block, indented by two. A list that may be one text without
 * brackets is that. Texts are quoted when they need it. Comments are not part of the tree: they are lost.
 */
#ifndef HOST_YAML_FORMAT_H
#define HOST_YAML_FORMAT_H

#include "base/buf.h"
#include "host/yaml_read.h"

/*
 * Write a mapping that yaml_read_mapping() took without errors by this shape. Variables are only kept when the tree
 * was loaded without an environment.
 */
void yaml_format(const struct yaml_node *root, const struct yaml_shape *shape, struct buf *out);

/* A mapping inside of it on one line, however long: {key: value}. Cut where `out` is full. */
void yaml_format_line(
    const struct yaml_node *mapping, const struct yaml_shape *shape, struct buf *out);

struct yaml_comments {
    size_t count;  /* lines with a comment */
    uint32_t line; /* of the first */
};

/* The comments in a text that yaml_load_text() reads without errors. */
struct yaml_comments yaml_find_comments(struct span text);

#endif
