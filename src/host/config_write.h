/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_write.h - a configuration as YAML that reads back to the same: what --check prints.
 *
 * Works by the tables that reading works by (yaml_read.h), so a key that can be read is written too,
 * defaults included. Keys without a value are left out: absent texts, addresses and URLs, empty lists,
 * and a group that is not in the file and could not be written since some of its keys are required.
 *
 * Not for rates, pairs and YAML_NODE (CHECK): the files of the programs have none.
 */
#ifndef HOST_CONFIG_WRITE_H
#define HOST_CONFIG_WRITE_H

#include <stdio.h>

#include "host/yaml_read.h"

/* `config` is the struct of `shape`. */
void config_write(FILE *out, const struct yaml_shape *shape, const void *config);

#endif
