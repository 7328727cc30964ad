/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Finds one key of a dict of the target, and the place of its value. */
#ifndef FT_DICT_BPF_H
#define FT_DICT_BPF_H

#include "py_read.bpf.h"

/*
 * The number of the entry whose key is an ASCII string of n < 16 bytes, or KEY_*, which are below
 * 0. lo and hi are the string's bytes as two words. keys is the address of a dict's key table.
 */
#define KEY_ABSENT (-1)
#define KEY_UNTOLD (-2) /* it cannot be read, or too many keys have this hash */
int ft_find_key(u64 keys, u64 lo, u64 hi, u32 n);
/* Is the object whose address is stored at `at` that string? places: str_places(). */
int ft_str_at(u64 at, u64 lo, u64 hi, u32 n, u32 places);

/* Address of the value of entry i; 0: it cannot be read. */
FT_INLINE u64 dict_slot(const struct ft_layout *l, u64 dict, u32 i)
{
	struct dict_view d = {};

	return dict_open(l, dict, &d) ? 0 : dict_value(&d, i);
}

/* Address of that key's value in the dict; 0: it has none, or it is not known. */
FT_INLINE u64 dict_find(const struct ft_layout *l, u64 dict, u64 lo, u64 hi, u32 n)
{
	int i = ft_find_key(read_ptr(dict + l->dict_keys), lo, hi, n);

	return i < 0 ? 0 : dict_slot(l, dict, i);
}

FT_INLINE u64 dict_get(const struct ft_layout *l, u64 dict, u64 lo, u64 hi, u32 n)
{
	u64 slot = dict_find(l, dict, lo, hi, n);

	return slot ? read_ptr(slot) : 0;
}

#endif
