/* SPDX-License-Identifier: MIT */
/*
 * Names of built-in classes that BPF could not read. They are text in the interpreter's file, and
 * BPF cannot read a page of a file that a forked child has not touched yet. Reading it through
 * /proc brings the page in.
 */
#ifndef FT_TYPE_NAME_H
#define FT_TYPE_NAME_H

#include "ft_abi.h"

struct named_type {
	_Alignas(8) unsigned char bytes[256];
};

/* Returns rec itself; for an FT_REC_TYPE whose name is empty, a copy in n with the name. The size
 * is in its header. */
const struct ft_rec *type_name_fill(struct named_type *n, const struct ft_rec *rec);

#endif
