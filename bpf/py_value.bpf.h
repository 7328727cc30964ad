/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Python values to tokens. walk_begin(), push what is to be walked, ft_walk(); the tokens
 * are then in the thread's slot. The steps live in value.bpf.c, as global functions, which
 * the verifier checks once each instead of once per path that leads to them.
 */
#ifndef FT_PY_VALUE_BPF_H
#define FT_PY_VALUE_BPF_H

#include "emit.bpf.h"

/* What the type's instances are rendered as (enum ft_kind); describes classes to user space. */
int ft_classify(u32 tid, u64 type);
/* Is this str or bytes a name of the redaction list? */
int ft_redacted(u64 name);

/* Walks what was pushed, to the end or until the field is full. */
int ft_walk(u32 tid);

FT_INLINE void walk_begin(struct thread *t)
{
	t->walk.used = 0;
	t->walk.budget = ft_settings.max_arg_length;
	t->walk.depth = 0;
	t->walk.redact = ft_settings.redact_lengths != 0;
	t->walk.cell_mask = 0;
	t->walk.redact_mask = 0;
}

FT_INLINE struct level *walk_push(struct thread *t, u32 kind, u64 base, u32 n)
{
	struct level *lv = &t->walk.level[t->walk.depth & 15];

	t->walk.depth++;
	lv->base = base;
	lv->values = 0;
	lv->idx = 0;
	lv->n = n;
	lv->left = n;
	lv->kind = kind;
	lv->phase = lv->redact = lv->cut = lv->pair = 0;
	lv->hidden = kind == LEVEL_ROOTS || kind == LEVEL_PARAMS;
	return lv;
}

#endif
