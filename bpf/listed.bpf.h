/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the length of a name says: most cannot be on the redaction list. */
#ifndef FT_LISTED_BPF_H
#define FT_LISTED_BPF_H

#include "maps.bpf.h"

FT_INLINE bool length_listed(const struct thread *t, u64 length)
{
	/* bit n - 1: a name of n bytes is listed */
	return length >= 1 && length <= FT_MAX_REDACT_LEN &&
	       t->walk.redact >> ((length - 1) & 31) & 1;
}

#define HTTP_ 5 /* length of a prefix of names that is ignored */

/* May a name of this length be on the redaction list? */
FT_INLINE bool may_be_listed(const struct thread *t, u64 length)
{
	return length_listed(t, length) || length_listed(t, length - HTTP_);
}

#endif
