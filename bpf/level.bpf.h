/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The next element of a container in the walk. */
#ifndef FT_LEVEL_BPF_H
#define FT_LEVEL_BPF_H

#include "head.bpf.h"
#include "listed.bpf.h"
#include "type.bpf.h"

#define CLOSERS 256 /* bytes kept free for CUT and END of every open level, and for STOP */

FT_INLINE bool room(const struct thread *t, u32 bytes)
{
	return t->walk.used + bytes + CLOSERS <= FT_MAX_TOKEN_BYTES;
}

/* No value may follow. 32: the largest token except text. */
FT_INLINE bool full(const struct thread *t)
{
	return !room(t, 32) || t->walk.budget < 0;
}

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

/* Writes a key at once if it is a short str, as most are; says in the level whether the value is
 * redacted. */
FT_INLINE bool put_key(const struct ft_layout *l, struct thread *t, u32 tid, struct level *lv,
		       u64 key)
{
	const u64 *head = t->walk.head;
	bool read = head_read(l, t, key);

	lv->redact = t->walk.redact &&
		     (!read || head[HEAD_TYPE] != l->type_addr[FT_KIND_STR] ||
		      may_be_listed(t, head[HEAD_SIZE])) &&
		     ft_redacted(tid, key);
	return read && put_short_head(l, t, t->walk.head_at, t->walk.head);
}

FT_INLINE int value_of_key(struct level *lv, u64 value, u64 *ret)
{
	lv->phase = 0;
	lv->idx++;
	*ret = value;
	return lv->redact ? REDACT_VALUE : 0;
}

FT_INLINE int next_in_dict(const struct ft_layout *l, struct thread *t, u32 tid, struct level *lv,
			   u64 *ret)
{
	u64 entry[2] = {}; /* the key, and the value if the table is not split */
	bool written;
	u32 at;

	if (lv->phase)
		return value_of_key(lv, lv->value, ret);
	at = entry_at(lv);
	read_at(entry, sizeof(entry), lv->base + (u64)at * lv->stride + lv->key_off);
	if (lv->values)
		entry[1] = read_ptr(lv->values + (u64)at * 8);
	if (!entry[0] || !entry[1]) { /* a deleted entry */
		lv->idx++;
		return NO_VALUE;
	}
	lv->left--;
	written = put_key(l, t, tid, lv, entry[0]);
	if (written && !full(t))
		return value_of_key(lv, entry[1], ret);
	lv->phase = 1;
	lv->value = entry[1];
	*ret = entry[0];
	return written ? NO_VALUE : 0;
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
		return next_in_dict(l, t, tid, lv, ret);
	default:
		return next_in_set(lv, ret);
	}
}

/* Is the container's last element written? */
FT_INLINE bool level_over(const struct level *lv)
{
	return !lv->phase && (lv->idx >= lv->n || !lv->left);
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
