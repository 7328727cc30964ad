/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The beginning of the object that the walk has reached, read at once: the number of reads is what
 * a value costs, not their size. Where less of it is readable, every word is read by itself.
 */
#ifndef FT_HEAD_BPF_H
#define FT_HEAD_BPF_H

#include "py_text.bpf.h"

/* Reads what is at this address. */
FT_INLINE bool head_at(struct thread *t, u64 at)
{
	t->walk.head_at = 0;
	if (at < PY_MIN || bpf_probe_read_user(t->walk.head, sizeof(t->walk.head), (void *)at))
		return false;
	t->walk.head_at = at;
	return true;
}

FT_INLINE bool head_read(const struct ft_layout *l, struct thread *t, u64 obj)
{
	t->walk.head_at = 0;
	return plausible(obj) && head_at(t, obj + l->object_type);
}

/* A word at an address, from the head if it is there. */
FT_INLINE int word_at(const struct thread *t, u64 addr, u64 *ret)
{
	u64 off = addr - t->walk.head_at;

	if (off >= 8 * (HEAD_WORDS - 1))
		return read_at(ret, 8, addr);
	FT_MASK(off, 63);
	*ret = *(u64 *)((u8 *)t->walk.head + off);
	return 0;
}

/* 0 when it cannot be read. */
FT_INLINE u64 ptr_at(const struct thread *t, u64 addr)
{
	u64 v = 0;

	word_at(t, addr, &v);
	return v;
}

#endif
