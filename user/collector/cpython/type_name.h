/* SPDX-License-Identifier: MIT */
/*
 * Names of built-in classes that the kernel side could not read: they are text in the
 * interpreter's file, and a page of a file that a forked child has not touched yet is not there
 * for BPF. Reading it through /proc brings it in.
 */
#ifndef FT_TYPE_NAME_H
#define FT_TYPE_NAME_H

#include "ft_abi.h"

struct named_type {
	_Alignas(8) unsigned char bytes[256];
};

/* The record itself, or, for an FT_REC_TYPE whose name is empty, one with the name, in n; the size
 * is in its header. */
const struct ft_rec *type_name_fill(struct named_type *n, const struct ft_rec *rec);

#endif
