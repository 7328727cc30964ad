/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An exception as the tokens of a RAISE record. */
#include "raise.bpf.h"
#include "type.bpf.h"

/* Pushes the exception's args, or those from which it will be made. */
FT_INLINE void push_args(const struct ft_layout *l, struct thread *t, u64 args)
{
	u64 n = 0;

	if (!plausible(args) || read_at(&n, 8, args + l->var_size))
		n = 0;
	if (n > t->walk.max_items)
		n = t->walk.max_items;
	walk_push(t, LEVEL_SEQ, args + l->tuple_items, n);
}

/* str(OSError) includes the file name, which is not among its args. */
FT_INLINE bool push_os_error(const struct ft_layout *l, struct thread *t, u64 exc)
{
	struct level *lv;

	if (read_ptr(read_ptr(exc + l->exc_args) + l->var_size) != 2)
		return false;
	t->roots[0] = read_ptr(exc + l->os_errno);
	t->roots[1] = read_ptr(exc + l->os_strerror);
	t->roots[2] = read_ptr(exc + l->os_filename);
	if (!t->roots[0] || !t->roots[1])
		return false;
	lv = walk_push(t, LEVEL_ROOTS, 0, t->roots[2] ? 3 : 2);
	lv->hidden = 0;
	return true;
}

FT_GLOBAL int ft_begin_raise(u32 tid, u64 type, u64 value)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l = p ? &p->layout : 0;
	u64 value_type, flags = 0;
	struct level *lv;
	u32 kind;

	if (!l)
		return -1;
	value_type = plausible(value) ? type_of(l, value) : 0;
	if (plausible(value_type))
		read_at(&flags, 8, value_type + l->type_flags);
	if (flags & TPFLAGS_EXC)
		type = value_type;
	kind = classify(tid, type);
	walk_begin(t, policy_of(p->policy));
	t->walk.redact = 0; /* redaction does not cover messages, whose words are not names */
	tok_16(t, FT_T_EXC, type, value);
	if (flags & TPFLAGS_EXC) {
		if (kind != FT_KIND_EXC_OS || !push_os_error(l, t, value))
			push_args(l, t, read_ptr(value + l->exc_args));
	} else if (flags & TPFLAGS_TUPLE) {
		push_args(l, t, value);
	} else {
		t->roots[0] = value;
		lv = walk_push(t, LEVEL_ROOTS, 0, value && value != l->none_addr);
		lv->hidden = 0;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
