/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_format.h - a policy file in its canonical form (yaml_format.h): read again, it says the same.
 */
#ifndef HOST_POLICY_FORMAT_H
#define HOST_POLICY_FORMAT_H

#include "base/buf.h"
#include "host/yaml_errors.h"

/*
 * Write the canonical form of a text that policy_yaml_load_text() loads without errors; messages call it `name`.
 * Variables, definitions and includes stay as they are written; comments are lost.
 *
 * true: `out` has it, and formatting that again changes nothing. false: `errors` says why; what is in `out` is
 * of no use.
 */
MUST_CHECK bool policy_format(
    const char *name, struct span text, struct buf *out, struct yaml_errors *errors);

#endif
