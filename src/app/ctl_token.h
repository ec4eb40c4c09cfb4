/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_token.h - the token with which a bridge lets itself be changed, and read from another machine: what its
 * admin.token_file holds.
 *
 * It is in the file of --token-file, else in the file that MPREG_TOKEN_FILE names, else in MPREG_TOKEN.
 * Nothing prints it.
 */
#ifndef APP_CTL_TOKEN_H
#define APP_CTL_TOKEN_H

#include "app/ctl.h"

#define CTL_TOKEN_SIZE_MAX 512

struct ctl_token {
    char text[CTL_TOKEN_SIZE_MAX + 1]; /* "": none is given */
    char source[256];                  /* for messages: "--token-file 'x'" */
};

/* White space around it is not part of it. false: reported. */
MUST_CHECK bool ctl_token_read(const struct ctl *ctl, struct ctl_token *token);

#endif
