/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Describing a code object, which happens once. */
#include "code.bpf.h"
#include "describe.bpf.h"
#include "dict.bpf.h"
#include "module.bpf.h"
#include "type.bpf.h"

#define CO_VARARGS 0x4
#define CO_VARKEYWORDS 0x8
#define KIND_CELL 0x40 /* co_localspluskinds (3.11+, CO_FAST_CELL in pycore_code.h) */
#define MRO_BOUND 12
#define CLASS_ENTRIES 192

/* ---- parameters ------------------------------------------------------------------------ */

/* All parameters; at most FT_MAX_PARAMS are captured. */
FT_INLINE u32 param_count(const struct ft_layout *l, u64 code, u32 flags)
{
	u32 n = read_u32(code + l->code_argcount) + read_u32(code + l->code_kwonly);

	return n + !!(flags & CO_VARARGS) + !!(flags & CO_VARKEYWORDS);
}

/* From 3.11: one kind byte per slot of localsplus. */
FT_INLINE void cells_by_kind(const struct ft_layout *l, struct thread *t, u64 code)
{
	u64 kinds = read_ptr(code + l->code_localspluskinds);
	u8 *kind = t->small + SMALL_SCRATCH;
	u32 i, n = t->entry.nparams;

	__builtin_memset(kind, 0, FT_MAX_PARAMS);
	FT_MASK(n, 127);
	if (n == 0 || n > FT_MAX_PARAMS || !plausible(kinds) ||
	    bpf_probe_read_user(kind, n, (void *)(kinds + l->bytes_data)))
		return;
	for (i = 0; i < FT_MAX_PARAMS; i++) /* without a branch: 64 branches are 2^64 paths */
		t->entry.cell_mask |= (u64)((kind[i] & KIND_CELL) / KIND_CELL) << i;
}

/* Up to 3.10: co_cell2arg[i] is the parameter that cell i holds, or -1. */
FT_INLINE void cells_by_arg(const struct ft_layout *l, u64 code, struct code_entry *e)
{
	u64 table = read_ptr(code + l->code_cell2arg);
	u64 ncells = read_ptr(read_ptr(code + l->code_cellvars) + l->var_size);
	u32 i;

	if (!plausible(table))
		return;
	for (i = 0; i < FT_CELLS; i++) {
		u64 arg = ~0ULL;

		if (i >= ncells)
			break;
		if (read_at(&arg, 8, table + i * 8) || arg >= FT_CELLS)
			continue;
		e->cell_mask |= 1ULL << arg;
		e->arg_cell[arg & (FT_CELLS - 1)] = i;
	}
}

FT_INLINE void slots(const struct ft_layout *l, struct thread *t, u64 code)
{
	struct code_entry *e = &t->entry;
	u32 n;

	if (l->code_has_localsplus) {
		e->return_slot = read_u32(code + l->code_nlocalsplus);
		cells_by_kind(l, t, code);
		return;
	}
	n = read_u32(code + l->code_nlocals);
	e->cells_slot = n;
	n += read_ptr(read_ptr(code + l->code_cellvars) + l->var_size);
	n += read_ptr(read_ptr(code + l->code_freevars) + l->var_size);
	e->return_slot = n;
	cells_by_arg(l, code, e);
}

/* Finds the parameters whose name is on the redaction list. */
FT_GLOBAL int ft_redact_params(u32 tid, u64 names, u32 n, u32 half)
{
	const struct ft_layout *l = my_layout();
	u32 mask = 0, i;

	if (!l || !plausible(names))
		return 0;
	for (i = 0; i < 32; i++) {
		u32 at = half * 32 + i;

		if (at >= n)
			break;
		mask |= (u32)ft_redacted(tid, read_ptr(names + l->tuple_items + 8 * (u64)at)) << i;
	}
	return mask;
}

/* ---- the class that a function belongs to, before 3.11 ------------------------------------- */

FT_INLINE bool is_function_of(const struct ft_layout *l, u64 value, u64 code)
{
	return plausible(value) && type_of(l, value) == l->function_type &&
	       read_ptr(value + l->function_code) == code;
}

/* How many functions an object of this type has: a property has getter, setter and deleter. */
FT_INLINE u32 wrapped_functions(const struct ft_layout *l, u64 type)
{
	if (type == l->property_type)
		return 3;
	return type && (type == l->static_type || type == l->class_type);
}

/* Does this slot hold the function of this code, or an object that wraps it? */
FT_GLOBAL int ft_wraps(u64 slot, u64 code)
{
	const struct ft_layout *l = my_layout();
	u64 value = read_ptr(slot);
	u32 i, n;

	if (!l || !plausible(value))
		return 0;
	if (is_function_of(l, value, code))
		return 1;
	n = wrapped_functions(l, type_of(l, value));
	for (i = 0; i < 3; i++) {
		if (i >= n)
			break;
		if (is_function_of(l, read_ptr(value + l->wrapper_callable + 8 * i), code))
			return 1;
	}
	return 0;
}

FT_GLOBAL int ft_class_has(u64 type, u64 code)
{
	const struct ft_layout *l = my_layout();
	struct dict_view d = {};
	u64 slot;
	u32 i;

	if (!l || dict_open(l, read_ptr(type + l->type_dict), &d))
		return 0;
	slot = d.values ? d.values : d.entries + d.val_off;
	if (d.values)
		d.stride = 8;
	for (i = 0; i < CLASS_ENTRIES; i++) {
		if (i >= d.n)
			break;
		if (ft_wraps(slot, code))
			return 1;
		slot += d.stride;
	}
	return 0;
}

/* The class in the MRO of self (or of self, a class) whose dict holds the code. */
FT_INLINE u64 owner_of(const struct ft_layout *l, u64 self, u64 code)
{
	u64 type = plausible(self) ? type_of(l, self) : 0;
	u64 flags = 0, mro, n;
	u32 i;

	if (!plausible(type) || read_at(&flags, 8, type + l->type_flags))
		return 0;
	if (flags & TPFLAGS_TYPE) { /* an instance of a metaclass: a class */
		type = self;
		read_at(&flags, 8, type + l->type_flags);
	}
	if (!(flags & TPFLAGS_HEAP))
		return 0;
	mro = read_ptr(type + l->type_mro);
	n = read_ptr(mro + l->var_size);
	for (i = 0; i < MRO_BOUND; i++) {
		if (i >= n)
			break;
		type = read_ptr(mro + l->tuple_items + 8 * (u64)i);
		if (plausible(type) && ft_class_has(type, code))
			return type;
	}
	return 0;
}

/* ---- describing ---------------------------------------------------------------------------- */

/*
 * Describing takes several steps, which the caller calls one after the other: each needs its own
 * part of the BPF stack.
 */

/* Makes an entry for this code in the thread's slot, from what the code object itself tells. */
FT_GLOBAL int ft_entry(u32 tid, u64 key, u32 role, u32 policy)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	u64 code = CODE_OF(key);
	struct code_entry *e;
	u32 n;

	if (!l)
		return -1;
	e = &t->entry;
	__builtin_memset(e, 0, sizeof(*e));
	e->variant = key >> CODE_VARIANT;
	e->verdict = CODE_ACCEPT;
	e->role = role;
	e->role_arg = role >> 8;
	e->policy = policy;
	if (read_at(&e->flags, 4, code + l->code_flags))
		return -1;
	n = param_count(l, code, e->flags);
	e->nparams = n > FT_MAX_PARAMS ? FT_MAX_PARAMS : n;
	slots(l, t, code);
	return 0;
}

/* The present time, or that of the code's first entry. */
FT_INLINE u64 birth_of(u32 tgid, u64 key)
{
	struct code_entry *e = key >> CODE_VARIANT ? code_find(tgid, CODE_OF(key)) : 0;

	return e ? e->birth : bpf_ktime_get_ns();
}

FT_GLOBAL int ft_entry_module(u32 tid, u64 key, u64 frame, u64 slot, u64 id)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;

	if (!l)
		return 0;
	t->entry.birth = birth_of(t->pid, key);
	t->entry.module_id = id;
	module_keep(l, &t->entry, frame, slot);
	return 0;
}

/* Finds the parameters to redact, and the class to which the function belongs. */
FT_GLOBAL u64 ft_owner(u32 tid, u64 frame, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l = p ? &p->layout : 0;
	u64 names;
	u32 n;

	if (!l)
		return 0;
	n = t->entry.nparams;
	walk_policy(t, policy_of(t->entry.policy));
	if (t->walk.redact) {
		names = read_ptr(code + l->code_localsplusnames);
		t->entry.redact_mask = (u32)ft_redact_params(tid, names, n, 0);
		t->entry.redact_mask |= (u64)ft_redact_params(tid, names, n, 1) << 32;
	}
	if (l->code_qualname != FT_NO_FIELD || !n)
		return 0;
	return owner_of(l, parameter(l, frame, &t->entry, 0), code);
}

/* Begins the walk of one of the record's first tokens: file, name, qualified name, module. */
FT_GLOBAL int ft_describe(u32 tid, u64 code, u64 slot, u64 id, u32 i)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_proc *p = t ? my_proc() : 0;
	const struct ft_layout *l = p ? &p->layout : 0;
	u64 text = 0;

	if (!l)
		return 0;
	if (i == 0) {
		walk_begin(t, policy_of(t->entry.policy));
		text = read_ptr(code + l->code_filename);
	} else if (i == 1) {
		text = read_ptr(code + l->code_name);
	} else if (i == 2 && l->code_qualname != FT_NO_FIELD) {
		text = read_ptr(code + l->code_qualname);
	} else if (i == 3) {
		text = module_name(slot, id);
	}
	t->walk.budget = i == 0 ? FT_MAX_FILE : i == 1 ? FT_MAX_NAME : FT_MAX_QUALNAME;
	t->walk.redact = 0;
	t->roots[0] = text ?: l->none_addr;
	walk_push(t, LEVEL_ROOTS, 0, 1);
	return 0;
}

/* Writes its last tokens, the names of parameters. Not by a walk: only these of the tuple, which
 * may be longer. */
FT_GLOBAL int ft_describe_params(u32 tid, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct level *lv;

	if (!l)
		return 0;
	t->walk.budget = FT_MAX_TOKEN_BYTES;
	tok_8(t, FT_T_TUPLE, param_count(l, code, t->entry.flags));
	lv = walk_push(t, LEVEL_SEQ, read_ptr(code + l->code_localsplusnames) + l->tuple_items,
		       t->entry.nparams);
	lv->hidden = 0;
	return 0;
}

/* Sends the record; from now on the code is accepted. */
FT_GLOBAL int ft_accept(u32 tid, u64 key, u64 owner)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct code_key k = {.code = key};
	u64 now = bpf_ktime_get_ns();
	struct ft_rec_code *r;

	if (!l)
		return 0;
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_CODE, 0, t->pid, tid, now);
	r->hdr.flags = t->entry.policy;
	r->code = key;
	r->first_line = read_u32(CODE_OF(key) + l->code_firstlineno);
	r->co_flags = t->entry.flags;
	r->owner_type = owner;
	if (send_tokens(t, tid, now, sizeof(*r), 0)) {
		count(FT_LOST_emit_code);
		thread_lost(t, now, 2, FT_LOST_emit_code);
		return 0;
	}
	k.tgid = t->pid;
	t->entry.described = now;
	code_keep(&k, &t->entry);
	return 0;
}

FT_GLOBAL int ft_watch(u32 tid, u64 key)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct code_key k = {.code = key};

	if (!t)
		return 0;
	k.tgid = t->pid;
	t->entry.verdict = CODE_WATCH;
	code_keep(&k, &t->entry);
	return 0;
}

FT_GLOBAL int ft_varied(u32 tid, u64 code)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct code_entry *e = t ? code_find(t->pid, code) : 0;

	if (!e)
		return 0;
	e->varied = 1;
	if (!code_rejected(e))
		return 0;
	e->flags = t->entry.flags;
	e->return_slot = t->entry.return_slot;
	e->verdict = CODE_VARIED;
	return 0;
}

/* Under the policy before, calls of it may have been open, or of a variant: their exits are still
 * to be seen. */
FT_INLINE void keep_exits(struct code_entry *e, const struct code_entry *was, u64 born)
{
	if (!was || was->birth < born || was->verdict == CODE_REJECT || was->verdict == CODE_MARKED)
		return;
	e->verdict = CODE_DROPPED;
	e->flags = was->flags;
	e->return_slot = was->return_slot;
}

FT_GLOBAL int ft_reject(u64 key, u64 frame, u64 slot, u64 id, u32 policy)
{
	struct code_entry e = {.module_id = id, .verdict = CODE_REJECT, .policy = policy};
	struct code_key k = {.code = key, .tgid = my_ids() >> 32};
	const struct ft_proc *p = my_proc();
	const struct ft_layout *l = p ? &p->layout : 0;

	if (!l)
		return 0;
	keep_exits(&e, code_find(k.tgid, key), p->born);
	e.birth = birth_of(k.tgid, key);
	e.variant = key >> CODE_VARIANT;
	module_keep(l, &e, frame, slot);
	code_keep(&k, &e);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
