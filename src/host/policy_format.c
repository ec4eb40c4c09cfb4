/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_format.c - print the tree, then make sure that it can be read back.
 */
#include "host/policy_format.h"

#include "host/policy_yaml_keys.h"
#include "host/yaml.h"
#include "host/yaml_format.h"

static bool
format_once(const char *name, struct span text, struct buf *out, struct yaml_errors *errors)
{
    struct yaml_doc *doc = yaml_load_text(name, text, NULL, errors);
    bool loaded = doc != NULL && yaml_doc_root(doc)->kind == YAML_MAPPING;
    if (loaded) {
        yaml_format(yaml_doc_root(doc), &policy_yaml_file_shape, out);
    }
    yaml_doc_free(doc);
    return loaded && !out->overflowed;
}

bool
policy_format(const char *name, struct span text, struct buf *out, struct yaml_errors *errors)
{
    size_t error_count = errors->error_count;
    struct buf again;
    buf_init(&again, out->mem, out->size_max);
    bool good = format_once(name, text, out, errors) &&
                format_once(name, buf_span(out), &again, errors) &&
                span_equal(buf_span(out), buf_span(&again)) && errors->error_count == error_count;
    buf_destroy(&again);
    if (!good && errors->error_count == error_count) {
        yaml_errors_add(errors, YAML_ERROR, (struct yaml_place){ .file = name },
            "this file cannot be formatted: it is too large, or has keys that are too long");
    }
    return good;
}
