/* SPDX-License-Identifier: MIT */
/*
 * An exception's type name and message, as str(exception) would give it.
 */
#ifndef FT_EXCEPTION_H
#define FT_EXCEPTION_H

#include "decode/token.h"
#include "decode/types.h"
#include "model/event.h"

#define EXCEPTION_UNKNOWN "<unknown>"

struct exception {
	struct buf message, full;
};

void exception_release(struct exception *e);
/*
 * Reads one EXC token and its arguments. At most max characters of message, and full_max of its
 * full text when it is cut. ret_message borrows from e, ret_type from the types.
 */
int exception_read(struct exception *e, struct tokens *t, const struct types *types, uint32_t pid,
		   unsigned max, unsigned full_max, struct text *ret_type,
		   struct text *ret_message);

#endif
