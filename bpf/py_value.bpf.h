/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Python values to tokens. Call walk_begin(), push the values, then ft_walk() (value.bpf.h); the
 * tokens are then in the thread's slot.
 */
#ifndef FT_PY_VALUE_BPF_H
#define FT_PY_VALUE_BPF_H

#include "emit.bpf.h"

/* The value of parameter i, which a closure captured: its slot has the cell, or (up to 3.10) is
 * empty, and the cell is in the array of cells. */
FT_INLINE u64 in_cell(const struct ft_layout *l, u64 slot, u32 i, u64 cells, const u8 *arg_cell)
{
	if (l->code_cell2arg != FT_NO_FIELD) {
		if (slot || i >= FT_CELLS)
			return slot;
		slot = read_ptr(cells + 8 * (u64)arg_cell[i & (FT_CELLS - 1)]);
	}
	return plausible(slot) ? read_ptr(slot + l->cell_value) : 0;
}

/* Parameter i of a function with this entry, or 0. */
FT_INLINE u64 parameter(const struct ft_layout *l, u64 frame, const struct code_entry *e, u64 i)
{
	u64 base = frame + l->frame_localsplus, obj;

	FT_MASK(i, FT_CELLS - 1);
	obj = read_ref(l, base + 8 * i);
	if (!(e->cell_mask >> i & 1))
		return obj;
	return in_cell(l, obj, i, base + 8 * (u64)e->cells_slot, e->arg_cell);
}

FT_INLINE void walk_policy(struct thread *t, const struct ft_policy *policy)
{
	t->walk.redact = policy->redact_lengths;
	t->walk.max_length = policy->max_arg_length;
	t->walk.max_depth = policy->max_depth;
	t->walk.max_items = policy->max_items;
}

FT_INLINE void walk_begin(struct thread *t, const struct ft_policy *policy)
{
	walk_policy(t, policy);
	t->walk.used = 0;
	t->walk.budget = policy->max_arg_length;
	t->walk.depth = 0;
	t->walk.cell_mask = 0;
	t->walk.redact_mask = 0;
	t->walk.type = 0;
	t->walk.obj = 0;
}

FT_INLINE struct level *walk_push(struct thread *t, u32 kind, u64 base, u32 n)
{
	struct level *lv = &t->walk.level[t->walk.depth & 15];

	t->walk.depth++;
	lv->base = base;
	lv->values = 0;
	lv->order = 0;
	lv->idx = 0;
	lv->n = n;
	lv->left = n;
	lv->kind = kind;
	lv->phase = lv->redact = lv->cut = lv->pair = 0;
	lv->hidden = kind == LEVEL_ROOTS || kind == LEVEL_PARAMS;
	return lv;
}

FT_INLINE void unreadable(struct thread *t)
{
	count(FT_LOST_read_value);
	tok_0(t, FT_T_UNREADABLE);
	t->walk.budget -= 14;
}

/* From 3.12 an int has a tag: its number of digits * 8 + 0, 1, 2 for positive, zero, negative
 * (Include/cpython/longintrepr.h). Converts it to the signed size of earlier releases. */
FT_INLINE s64 untag_size(u64 tag)
{
	return (s64)(tag >> 3) * (1 - (s64)(tag & 3));
}

FT_INLINE bool put_none(const struct ft_layout *l, struct thread *t, u64 obj)
{
	if (obj != l->none_addr)
		return false;
	tok_0(t, FT_T_NONE);
	t->walk.budget -= 4;
	return true;
}

/* Appends True, False or an int of one digit, whose first words are those: ob_type, ob_size or
 * lv_tag, the first digits. */
FT_INLINE bool put_small(const struct ft_layout *l, struct thread *t, u64 obj, const u64 *word)
{
	s64 size;

	if (word[0] == l->type_addr[FT_KIND_BOOL]) {
		tok_0(t, obj == l->true_addr ? FT_T_TRUE : FT_T_FALSE);
		t->walk.budget -= 4;
		return true;
	}
	size = l->int_tagged ? untag_size(word[1]) : (s64)word[1];
	if (word[0] != l->type_addr[FT_KIND_INT] || (u64)size + 1 > 2)
		return false;
	tok_8(t, FT_T_INT, (u32)word[2] * size); /* the size is the sign: -1, 0, 1 */
	t->walk.budget -= 1;
	return true;
}

/*
 * Appends the values that most arguments and results are, without a walk: None, True, False and
 * ints of one digit. False: it is something else, of type *ret_type if that could be read.
 */
FT_INLINE bool put_scalar(const struct ft_layout *l, struct thread *t, u64 obj, u64 *ret_type)
{
	u64 word[3] = {};

	if (put_none(l, t, obj))
		return true;
	/* A shorter object does no harm: the memory after it is readable too, or else the walk
	 * reads the object word by word. */
	if (!plausible(obj) ||
	    bpf_probe_read_user(word, sizeof(word), (void *)(obj + l->object_type)))
		return false;
	*ret_type = word[0];
	return put_small(l, t, obj, word);
}

#endif
