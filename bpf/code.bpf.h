/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The entries of code objects. They are where they stay until the code is freed or its process has
 * ended, for as many of a process as leave room for those of others. The rest share a place in
 * which the one used last pushes out another, which then is decided anew.
 */
#ifndef FT_CODE_BPF_H
#define FT_CODE_BPF_H

#include "py_read.bpf.h"

#define CODE_OF(key) ((key) & ((1ULL << CODE_VARIANT) - 1))

FT_INLINE bool code_rejected(const struct code_entry *e)
{
	return e->verdict == CODE_REJECT || e->verdict == CODE_DROPPED;
}

FT_INLINE struct code_entry *code_find(u32 tgid, u64 code)
{
	struct code_key key = {.code = code, .tgid = tgid};

	return bpf_map_lookup_elem(&ft_codes, &key) ?: bpf_map_lookup_elem(&ft_more_codes, &key);
}

/* ---- functions that are rejected, in a table that is cheaper to ask ---------------------- */

/* A function has one of two places. */
FT_INLINE struct rejected *rejected_at(u32 tgid, u64 code, u32 which)
{
	u32 index = (u32)(code >> 4) ^ (u32)(code >> 20) ^ tgid * 0x9e3779b1U ^ which;

	index &= FT_REJECTIONS - 1;
	return bpf_map_lookup_elem(&ft_rejections, &index);
}

/* Names a program of a process, and the policy by which its functions are decided on. */
FT_INLINE u64 program_of(u32 tgid, const struct ft_proc *p, u32 policy)
{
	return ((p->born ^ (u64)tgid << 40) * 0x9e3779b97f4a7c15ULL) ^ policy;
}

/* What was kept of a function may no longer hold. */
FT_INLINE void rejected_forget(u32 tgid, u64 code)
{
	struct rejected *v = rejected_at(tgid, code, 0);

	if (v && v->code == code)
		v->code = 0;
	v = rejected_at(tgid, code, 1);
	if (v && v->code == code)
		v->code = 0;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Variants never stay: they are not deleted with their code, and a program can make any number. */
FT_INLINE void code_keep(const struct code_key *key, const struct code_entry *e)
{
	struct ft_proc *p = bpf_map_lookup_elem(&ft_procs, &key->tgid);

	rejected_forget(key->tgid, CODE_OF(key->code));
	if (!bpf_map_update_elem(&ft_codes, key, e, BPF_EXIST))
		return;
	if (p && p->codes < ft_settings.codes && !(key->code >> CODE_VARIANT) &&
	    !bpf_map_update_elem(&ft_codes, key, e, BPF_NOEXIST))
		p->codes++;
	else
		bpf_map_update_elem(&ft_more_codes, key, e, BPF_ANY);
}

FT_INLINE void code_freed(struct ft_proc *p, const struct code_key *key)
{
	rejected_forget(key->tgid, key->code);
	/* Those of the program before an exec were not counted. */
	if (!bpf_map_delete_elem(&ft_codes, key) && p->codes)
		p->codes--;
	bpf_map_delete_elem(&ft_more_codes, key);
}

#endif
