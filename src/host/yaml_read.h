/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_read.h - from a YAML tree to structs, by tables of keys.
 *
 * A shape is a struct and the table of the keys that fill it:
 *
 *      struct admin_config {
 *          const struct yaml_node *yaml;
 *          struct value_address listen;
 *          const char *token_file;
 *          uint64_t timeout_ns;
 *          const char *const *origins;
 *          size_t origin_count;
 *      };
 *
 *      static const struct yaml_key admin_keys[] = {
 *          YAML_ADDRESS(struct admin_config, listen, "listen", .required = true),
 *          YAML_TEXT(struct admin_config, token_file, "token_file"),
 *          YAML_DURATION(struct admin_config, timeout_ns, "timeout", .fallback = "5s", .max = 60 * SEC_NS),
 *          YAML_TEXTS(struct admin_config, origins, origin_count, "origins"),
 *      };
 *      static const struct yaml_shape admin_shape = YAML_SHAPE(struct admin_config, admin_keys, "admin");
 *
 *      yaml_read_mapping(yaml_doc_root(doc), &admin_shape, &errors, &config);
 *
 * Every fault is reported: unknown keys, missing ones, each value that is not what its key takes. The
 * compiler refuses a member that has not the type its macro names. A default is written as a user would
 * write it, and read by the same reader.
 *
 * The structs borrow from the document and die with it.
 */
#ifndef HOST_YAML_READ_H
#define HOST_YAML_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/value.h"
#include "host/yaml.h"
#include "host/yaml_errors.h"

/* ---- Single values ---- */

struct yaml_range {
    uint64_t min;
    uint64_t max; /* 0: no limit */
};

/* One of the words that an enum is written as. Tables end with { NULL, 0 }. */
struct yaml_choice {
    const char *name;
    int value;
};

/* A member of a mapping whose keys are the user's own, as in {gpu: us-gpu}. */
struct yaml_pair {
    const char *key;
    const char *value;
};

/*
 * Each reader: true: the output is written, with a value in range. false: `errors` says why, or said so
 * before when the node is faulty, and the output is not touched.
 *
 * Quotes make no difference, so that "${VARIABLE}" can be read as anything.
 */
bool yaml_read_text(const struct yaml_node *node, struct yaml_errors *errors, const char **text);
bool yaml_read_boolean(const struct yaml_node *node, struct yaml_errors *errors, bool *value);
bool yaml_read_number(const struct yaml_node *node, struct yaml_range range,
    struct yaml_errors *errors, uint64_t *value);
bool yaml_read_duration(const struct yaml_node *node, struct yaml_range range_ns,
    struct yaml_errors *errors, uint64_t *duration_ns);
bool yaml_read_size(const struct yaml_node *node, struct yaml_range range,
    struct yaml_errors *errors, uint64_t *size);
bool yaml_read_rate(
    const struct yaml_node *node, struct yaml_errors *errors, struct value_rate *rate);
bool yaml_read_percent(const struct yaml_node *node, struct yaml_errors *errors, uint32_t *percent);
bool yaml_read_time(const struct yaml_node *node, struct yaml_errors *errors, struct wall *time);
bool yaml_read_address(
    const struct yaml_node *node, struct yaml_errors *errors, struct value_address *address);
bool yaml_read_url(const struct yaml_node *node, struct yaml_errors *errors, struct value_url *url);
bool yaml_read_choice(const struct yaml_node *node, const struct yaml_choice *choices,
    struct yaml_errors *errors, int *value);

/* ---- Mappings ---- */

/*
 * What is wrong with a text, in words that follow it when it is quoted ("is not a version; write 1.2.3");
 * NULL: nothing.
 */
typedef const char *(*yaml_check)(const char *text);

enum yaml_type {
    YAML_TYPE_TEXT = 0,
    YAML_TYPE_BOOLEAN,
    YAML_TYPE_NUMBER,
    YAML_TYPE_DURATION,
    YAML_TYPE_SIZE,
    YAML_TYPE_RATE,
    YAML_TYPE_PERCENT,
    YAML_TYPE_TIME,
    YAML_TYPE_ADDRESS,
    YAML_TYPE_URL,
    YAML_TYPE_CHOICE,
    YAML_TYPE_PAIR,    /* a mapping with any keys and texts as values */
    YAML_TYPE_MAPPING, /* by a shape of its own */
    YAML_TYPE_NODE,    /* anything: the loader looks itself */
};

struct yaml_shape;

/* One key. The macros below fill in the first part; the second is for whoever writes a table. */
struct yaml_key {
    enum yaml_type type;
    bool is_list;
    size_t at;       /* of the member; of a list: of the pointer to its items */
    size_t size;     /* of the member; of a list: of one item */
    size_t count_at; /* of a list: of the size_t with the number of items */

    const char *name;
    bool required;
    bool or_one;          /* a list: one item alone may stand without brackets */
    bool may_be_empty;    /* texts: "" is good. It must be written with quotes */
    const char *fallback; /* when the key is not there; NULL: zero, NULL, false, no items */
    uint64_t min;         /* numbers, ns or bytes; of a list: items */
    uint64_t max;         /* the same; 0: no limit but the member's own */
    const char
        *zero; /* numbers, durations, sizes, rates: 0 is refused with this hint; NULL: it is not */
    yaml_check check;                  /* texts */
    const struct yaml_choice *choices; /* YAML_TYPE_CHOICE */
    const struct yaml_shape *shape;    /* YAML_TYPE_MAPPING */
};

/* A key that a mapping does not have, though people may look for it there. */
struct yaml_stray {
    const char *name;
    const char *hint; /* why not, and what to do */
};

struct yaml_shape {
    const char *name; /* in messages: "unknown key 'x' in NAME" */
    size_t size;      /* of the struct */
    size_t node_at;   /* of its member `yaml` */
    const struct yaml_key *keys;
    size_t key_count;
    const struct yaml_stray *strays; /* end with { NULL, NULL }; NULL: none */
    /* One of the keys: what is no mapping is its value alone. NULL: only a mapping will do. */
    const struct yaml_key *shorthand;
};

/*
 * Overwrite the struct at `into`, which is of the shape's type, with what `node` says, and report every
 * fault.
 *
 * Its member `yaml` is then the node (for yaml_find() and yaml_place(), when more is to be said about a
 * value), or NULL for a mapping that is not there; all its keys have then their defaults, and none is
 * missed. A member whose value was refused keeps its default. A list has one item for each of the YAML
 * list, in order, so item i came from yaml_item(list, i); when one of its scalars was refused, the whole
 * list was.
 */
void yaml_read_mapping(const struct yaml_node *node, const struct yaml_shape *shape,
    struct yaml_errors *errors, void *into);

/* ---- The table's words ----
 *
 * Each takes: the struct, its member (for lists also the member with the count), then the key's name and,
 * if need be, more of struct yaml_key: YAML_TEXT(struct a, b, "b", .required = true).
 */

/* Where a member is; does not compile when it is not of type_. */
#define YAML_AT(struct_, member_, type_)                                                           \
    _Generic(((struct_ *)0)->member_, type_ : offsetof(struct_, member_))

#define YAML_ONE(kind_, struct_, member_, type_)                                                   \
    .type = (kind_), .at = YAML_AT(struct_, member_, type_), .size = sizeof(type_)

#define YAML_MANY(kind_, struct_, member_, count_, type_)                                          \
    .type = (kind_), .is_list = true, .at = offsetof(struct_, member_),                            \
    .size = sizeof(*((struct_ *)0)->member_) + 0 * YAML_AT(struct_, member_, type_ *),             \
    .count_at = YAML_AT(struct_, count_, size_t)

/* const char * */
#define YAML_TEXT(struct_, member_, ...)                                                           \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_TEXT, struct_, member_, const char *), .name = __VA_ARGS__              \
    }
/* bool */
#define YAML_BOOLEAN(struct_, member_, ...)                                                        \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_BOOLEAN, struct_, member_, bool), .name = __VA_ARGS__                   \
    }
/* uint16_t, uint32_t or uint64_t */
#define YAML_NUMBER(struct_, member_, ...)                                                         \
    {                                                                                              \
        .type = YAML_TYPE_NUMBER,                                                                  \
        .at = _Generic(((struct_ *)0)->member_, uint16_t                                           \
                       : offsetof(struct_, member_), uint32_t                                      \
                       : offsetof(struct_, member_), uint64_t                                      \
                       : offsetof(struct_, member_)),                                              \
        .size = sizeof(((struct_ *)0)->member_), .name = __VA_ARGS__                               \
    }
/* uint64_t, in ns */
#define YAML_DURATION(struct_, member_, ...)                                                       \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_DURATION, struct_, member_, uint64_t), .name = __VA_ARGS__              \
    }
/* uint64_t, in bytes */
#define YAML_SIZE(struct_, member_, ...)                                                           \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_SIZE, struct_, member_, uint64_t), .name = __VA_ARGS__                  \
    }
#define YAML_RATE(struct_, member_, ...)                                                           \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_RATE, struct_, member_, struct value_rate), .name = __VA_ARGS__         \
    }
/* uint32_t, 0 to 100 */
#define YAML_PERCENT(struct_, member_, ...)                                                        \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_PERCENT, struct_, member_, uint32_t), .name = __VA_ARGS__               \
    }
/* struct wall */
#define YAML_TIME(struct_, member_, ...)                                                           \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_TIME, struct_, member_, struct wall), .name = __VA_ARGS__               \
    }
#define YAML_ADDRESS(struct_, member_, ...)                                                        \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_ADDRESS, struct_, member_, struct value_address), .name = __VA_ARGS__   \
    }
#define YAML_URL(struct_, member_, ...)                                                            \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_URL, struct_, member_, struct value_url), .name = __VA_ARGS__           \
    }
/* An enum (which the compilers make an int or an unsigned int). */
#define YAML_CHOICE(struct_, member_, choices_, ...)                                               \
    {                                                                                              \
        .type = YAML_TYPE_CHOICE, .choices = (choices_),                                           \
        .at = _Generic(((struct_ *)0)->member_, int                                                \
                       : offsetof(struct_, member_), unsigned int                                  \
                       : offsetof(struct_, member_)),                                              \
        .size = sizeof(int), .name = __VA_ARGS__                                                   \
    }
/* The struct of the shape, inside this one. */
#define YAML_GROUP(struct_, member_, shape_, ...)                                                  \
    {                                                                                              \
        .type = YAML_TYPE_MAPPING, .shape = (shape_), .at = offsetof(struct_, member_),            \
        .size = sizeof(((struct_ *)0)->member_), .name = __VA_ARGS__                               \
    }
/* const struct yaml_node *: the value as it stands, or NULL */
#define YAML_NODE(struct_, member_, ...)                                                           \
    {                                                                                              \
        YAML_ONE(YAML_TYPE_NODE, struct_, member_, const struct yaml_node *), .name = __VA_ARGS__  \
    }

/* const char *const * and size_t */
#define YAML_TEXTS(struct_, member_, count_, ...)                                                  \
    {                                                                                              \
        YAML_MANY(YAML_TYPE_TEXT, struct_, member_, count_, const char *const),                    \
            .name = __VA_ARGS__                                                                    \
    }
/* const struct value_address * and size_t */
#define YAML_ADDRESSES(struct_, member_, count_, ...)                                              \
    {                                                                                              \
        YAML_MANY(YAML_TYPE_ADDRESS, struct_, member_, count_, const struct value_address),        \
            .name = __VA_ARGS__                                                                    \
    }
/* const struct value_url * and size_t */
#define YAML_URLS(struct_, member_, count_, ...)                                                   \
    {                                                                                              \
        YAML_MANY(YAML_TYPE_URL, struct_, member_, count_, const struct value_url),                \
            .name = __VA_ARGS__                                                                    \
    }
/* const struct yaml_pair * and size_t, in the order of the file; no key comes twice */
#define YAML_PAIRS(struct_, member_, count_, ...)                                                  \
    {                                                                                              \
        YAML_MANY(YAML_TYPE_PAIR, struct_, member_, count_, const struct yaml_pair),               \
            .name = __VA_ARGS__                                                                    \
    }
/* A pointer to structs of the shape, and size_t */
#define YAML_GROUPS(struct_, member_, count_, shape_, ...)                                         \
    {                                                                                              \
        .type = YAML_TYPE_MAPPING, .is_list = true, .shape = (shape_),                             \
        .at = offsetof(struct_, member_), .size = sizeof(*((struct_ *)0)->member_),                \
        .count_at = YAML_AT(struct_, count_, size_t), .name = __VA_ARGS__                          \
    }

/* The struct, its keys, the shape's name, and if need be `.strays` and `.shorthand`. */
#define YAML_SHAPE(struct_, keys_, ...)                                                            \
    {                                                                                              \
        .size = sizeof(struct_), .node_at = YAML_AT(struct_, yaml, const struct yaml_node *),      \
        .keys = (keys_), .key_count = COUNT_OF(keys_), .name = __VA_ARGS__                         \
    }

#endif
