/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_units.h - the units of each kind of value: between value.c and value_explain.c.
 */
#ifndef HOST_VALUE_UNITS_H
#define HOST_VALUE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "host/value.h"

/* Of durations in ns and of sizes in bytes: they also fit where differences have a sign. */
#define VALUE_QUANTITY_MAX ((uint64_t)INT64_MAX)

#define VALUE_PERCENT_MAX 100

struct value_unit {
    const char *name;
    uint64_t factor; /* ns, bytes, or ns of a rate's period */
};

struct value_units {
    const struct value_unit *list; /* ascending */
    size_t count;                  /* 0: this kind has none; a number has one without a name */
};

struct value_units value_units_of(enum value_kind kind);

#endif
