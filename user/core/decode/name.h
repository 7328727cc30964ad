/* SPDX-License-Identifier: MIT */
/*
 * Reads one token that is a name: STR, or what stands for a name that is not there.
 */
#ifndef FT_NAME_H
#define FT_NAME_H

#include "decode/token.h"

#define NAME_UNREADABLE "<unreadable>"

/* UTF-8, NUL-terminated (a NUL inside the name is UTF8_NUL), owned by the caller. NONE and a
 * sequence that STOPs: NULL. -EBADMSG for any other token. */
int name_read(struct tokens *t, char **ret_name);
/* The same for a token whose bytes are UTF-8 already, perhaps. */
int name_read_utf8(struct tokens *t, char **ret_name);

#endif
