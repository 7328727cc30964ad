/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The next element of a container in the walk. */
#ifndef FT_LEVEL_BPF_H
#define FT_LEVEL_BPF_H

#include "type.bpf.h"

#define NO_VALUE 1     /* nothing to write in this step */
#define REDACT_VALUE 2 /* there is a value, but it is redacted */

FT_INLINE u32 entry_at(struct level *lv)
{
	u8 at = 0;

	if (!lv->order)
		return lv->idx;
	read_at(&at, 1, lv->downwards ? lv->order - lv->idx : lv->order + lv->idx);
	return at;
}

FT_INLINE int next_in_dict(u32 tid, struct level *lv, bool redact, u64 *ret)
{
	u32 at = entry_at(lv);
	u64 entry = lv->base + (u64)at * lv->stride;
	u64 value;

	if (lv->phase) {
		lv->phase = 0;
		*ret = lv->values ? read_ptr(lv->values + (u64)at * 8)
				  : read_ptr(entry + lv->val_off);
		lv->idx++;
		return lv->redact ? REDACT_VALUE : 0;
	}
	value = lv->values ? read_ptr(lv->values + (u64)at * 8) : read_ptr(entry + lv->val_off);
	*ret = read_ptr(entry + lv->key_off);
	if (!value || !*ret) { /* a deleted entry */
		lv->idx++;
		return NO_VALUE;
	}
	lv->left--;
	lv->phase = 1;
	lv->redact = redact && ft_redacted(tid, *ret);
	return 0;
}

FT_INLINE int next_in_set(struct level *lv, u64 *ret)
{
	u64 slot[2] = {}; /* key, hash; a deleted slot has hash -1, as no object has */
	int err = read_at(slot, 16, lv->base + (u64)lv->idx * 16);

	lv->idx++;
	if (err || !slot[0] || slot[1] == -1ULL)
		return NO_VALUE;
	lv->left--;
	*ret = slot[0];
	return 0;
}

FT_INLINE int next(const struct ft_layout *l, struct thread *t, u32 tid, struct level *lv, u64 *ret)
{
	u32 i = lv->idx;

	switch (lv->kind) {
	case LEVEL_ROOTS:
		lv->idx++;
		*ret = t->roots[i & 7];
		return 0;
	case LEVEL_PARAMS:
		lv->idx++;
		if (t->walk.redact_mask >> (i & 63) & 1)
			return REDACT_VALUE;
		*ret = read_ref(l, lv->base + (u64)i * 8);
		if (t->walk.cell_mask >> (i & 63) & 1)
			*ret = in_cell(l, *ret, i, t->walk.cells, t->walk.arg_cell);
		return 0;
	case LEVEL_SEQ:
		lv->idx++;
		if (lv->pair && i == 1 && ft_redacted(tid, read_ptr(lv->base)))
			return REDACT_VALUE;
		*ret = read_ptr(lv->base + (u64)i * 8);
		return 0;
	case LEVEL_DICT:
		return next_in_dict(tid, lv, t->walk.redact, ret);
	default:
		return next_in_set(lv, ret);
	}
}

FT_INLINE void close_level(struct thread *t, struct level *lv)
{
	/* Slots were skipped, and live items may be among them. */
	if ((lv->kind == LEVEL_DICT || lv->kind == LEVEL_SET) ? lv->cut && lv->left : lv->cut)
		tok_0(t, FT_T_CUT);
	if (!lv->hidden)
		tok_0(t, FT_T_END);
	t->walk.depth--;
}

#endif
