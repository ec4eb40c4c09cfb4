/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_link_agree.h - what each end of a link has made of the other's functions: /v1/links/NAME/agreement, in words.
 */
#ifndef APP_CTL_LINK_AGREE_H
#define APP_CTL_LINK_AGREE_H

#include <stdbool.h>

#include "app/ctl.h"
#include "app/ctl_json.h"

/* Nothing is rejected, as far as is known. */
bool ctl_link_agree(const json_t *agreement);

/* Print it. The same answer. */
bool ctl_link_agree_print(const json_t *agreement);

#endif
