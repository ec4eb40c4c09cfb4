/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_replace.h - variables in scalars: ${NAME}, ${NAME:-default}, $$ (described in yaml.h).
 */
#ifndef HOST_YAML_REPLACE_H
#define HOST_YAML_REPLACE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"
#include "host/yaml.h"

/* Longer names are refused. */
#define YAML_VARIABLE_SIZE_MAX 127

/*
 * Append `text` to `out` with its variables replaced.
 *
 * true: done. `out` may have overflowed its cap, which the caller sees and reports.
 * false: every fault in `text` was added to `errors` at `place`.
 */
MUST_CHECK bool yaml_replace_variables(struct span text, const struct yaml_environment *environment,
    struct yaml_place place, struct yaml_errors *errors, struct buf *out);

#endif
