/* SPDX-License-Identifier: MIT */
/*
 * Reads one token that is a name: a STR, or a token that says why there is none.
 */
#ifndef FT_NAME_H
#define FT_NAME_H

#include "decode/token.h"

#define NAME_UNREADABLE "<unreadable>"

/* UTF-8, NUL-terminated (a NUL inside the name is UTF8_NUL), owned by the caller; NULL for NONE and
 * for a sequence that STOPs. -EBADMSG for any other token. */
int name_read(struct tokens *t, char **ret_name);
/* The same for a token whose bytes should be UTF-8 already. */
int name_read_utf8(struct tokens *t, char **ret_name);

#endif
